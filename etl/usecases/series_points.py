"""The readings of a series, worked out period by period: as it was, and restated on the units of a day. Pure.

Must not read anything: `etl.usecases.series` brings the figures. What cannot be compared is given no value, with the reason in
Vietnamese; a figure is never made up from parts that are not known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cached_property
from typing import Final, Literal

from etl.register.entities import UnitType
from etl.register.placement import Placement, Succession, index_sources

State = Literal["comparable", "estimated", "incomplete", "not_comparable", "moved"]
NOT_COMPARABLE: Final = "không so sánh được"
NO_MEASURE: Final = "Mẫu biểu của kỳ này không có chỉ tiêu này"
NOT_OPENED: Final = "Kỳ báo cáo chưa mở trong hệ thống"
NOT_ADDED: Final = "Chỉ tiêu không cộng được giữa các đơn vị (tỷ lệ, số bình quân)"
EXCUSED: Final = "Được miễn báo cáo"
NO_VALUE: Final = "Chưa có số liệu được chấp nhận"
NOTHING: Final = "Lần nộp được chấp nhận không có số này"
BY_SHARE: Final = "Ước tính theo tỷ lệ phân chia"
NOT_OWED: Final = "Không thuộc diện báo cáo chỉ tiêu này"
NOT_THERE: Final = "Chưa thành lập hoặc đã kết thúc hoạt động"
NO_FOREBEAR: Final = "Chưa thành lập, không có đơn vị tiền thân"
NO_SPLIT: Final = "Số liệu kỳ này do các đơn vị báo cáo, không tách được theo từng tỉnh trước sáp nhập"


@dataclass(frozen=True, slots=True)
class Value:
    """What a unit gave in a period: a number, or part and whole of a rate. `counted`: it is in the province's total.

    No number at all: its report was accepted and tells of nothing that falls under a topic's figure, which is no gap.
    """

    number: Decimal | None
    part: Decimal | None = None
    whole: Decimal | None = None
    counted: bool = True
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Owed:
    """A unit that owes the figure in a period, as it was then. `expected` False: it is excused, or may leave this form out."""

    name: str
    type: str
    expected: bool
    excused: bool = False


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """All that was reported of the figure in a period. `gap`: why there can be none (Vietnamese)."""

    code: str
    label: str
    start: date
    end: date
    owed: Mapping[str, Owed] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)
    gap: str | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One period of a line in its readings.

    `as_was`: as reported then; `note` says why there is none. `restated`: on the units of the day; under `incomplete` it lacks
    units that gave nothing, and must not be set beside others. `given` of `expected` units are in it. `sources`: the
    units of then behind it. `reason` (Vietnamese): what keeps it from being comparable, or makes it an estimate.
    """

    period: str
    label: str
    as_was: Decimal | None
    note: str | None
    name_then: str | None
    restated: Decimal | None
    state: State
    reason: str | None
    given: int
    expected: int
    sources: tuple[str, ...] = ()
    estimated_units: int = 0

    @property
    def coverage(self) -> str:
        """Such as "3/4 đơn vị"."""
        return f"{self.given}/{self.expected} đơn vị"


@dataclass(frozen=True)
class Readings:
    """The figures of all periods with the units' lineage, as known; `aggregation` as in mart.consolidated, or `none`."""

    succession: Succession
    day: date
    aggregation: str
    periods: Sequence[PeriodFigures]
    placements: Sequence[Mapping[str, Placement]]

    def read_unit(self, code: str) -> list[Point]:
        """A unit of the day, or one of before (whose figures are then carried on elsewhere)."""
        unit = self.succession.unit_on(code, self.day)
        read = self._read_bloc if unit is not None and unit.type is UnitType.BLOC else self._read_unit
        return [read(code, place) for place in range(len(self.periods))]

    def read_type(self, unit_type: str) -> list[Point]:
        """All units of a type: of the type then, and of the type on the day."""
        codes = frozenset(unit.code for unit in self.succession.units_on(self.day) if unit.type == unit_type)
        return [
            self._read_group(place, codes, [code for code, owed in figures.owed.items() if owed.type == unit_type])
            for place, figures in enumerate(self.periods)
        ]

    def read_total(self) -> list[Point]:
        """The province: what its units were is no matter, nothing of it is left out."""
        return [self._read_group(place, None, list(figures.owed)) for place, figures in enumerate(self.periods)]

    @cached_property
    def _sources(self) -> list[dict[str | None, list[Placement]]]:
        """By period: unit of the day → the units of then of which something is in it, or may be."""
        return [index_sources(placements) for placements in self.placements]

    # -- one point each

    def _read_bloc(self, code: str, place: int) -> Point:
        """A bloc's own figure, which is in no total; its territory is its members'."""
        figures = self.periods[place]
        value = figures.values.get(code)
        number = _measure(self.aggregation, [(Fraction(1), value)]) if value else None
        note: str | None = None if value else figures.gap or self._explain(code, place)
        state: State = "comparable" if value else "not_comparable"
        name = figures.owed[code].name if code in figures.owed else None
        return _point(figures, number, note, name, number, state, note, int(value is not None), 1, (code,))

    def _read_group(self, place: int, group: Collection[str] | None, then: Iterable[str]) -> Point:
        """`group` None: everything. `then`: the units whose figures make up the group as it was."""
        figures = self.periods[place]
        if self.aggregation == "none" or figures.gap:
            why = figures.gap or NOT_ADDED
            return _point(figures, None, why, None, None, "not_comparable", why, 0, 0, ())
        counted = {code: value for code, value in figures.values.items() if value.counted}
        was = [(Fraction(1), counted[code]) for code in then if code in counted]
        placements = self.placements[place]
        sources = [
            placements.get(code, Placement(code, {code: Fraction(1)}, False))
            for code, owed in figures.owed.items()
            if owed.type != UnitType.BLOC or code in counted  # scores of members are the bloc's own
        ]
        sources = [source for source in sources if group is None or source.touches(group)]
        parts = {source.unit: Fraction(1) if group is None else source.part_in(group) for source in sources}
        if self.aggregation == "last":
            sources = [source for source in sources if not source.ended]
        as_was = _measure(self.aggregation, was)
        note = None if was else NO_VALUE
        unknown = [source for source in sources if parts[source.unit] is None]
        if unknown:
            return _point(figures, as_was, note, None, None, "not_comparable", _join(unknown), 0, len(sources), ())
        sources = [source for source in sources if parts[source.unit]]
        given = [
            (parts[source.unit] or Fraction(0), counted[source.unit]) for source in sources if source.unit in counted
        ]
        shared = any(part != 1 for part, _ in given)
        expected = [source for source in sources if figures.owed[source.unit].expected]
        have = sum(source.unit in counted for source in expected)
        state: State = "comparable" if given else "not_comparable"
        reason = None if given else NO_VALUE
        if given and shared:
            state, reason = "estimated", BY_SHARE
        if given and have < len(expected):
            state, reason = "incomplete", f"Mới có số liệu của {have}/{len(expected)} đơn vị phải báo cáo"
        names = tuple(source.unit for source in sources)
        return _point(
            figures, as_was, note, None, _measure(self.aggregation, given), state, reason, have, len(expected), names,
            sum(value.estimated for _, value in given),
        )  # fmt: skip

    def _read_unit(self, code: str, place: int) -> Point:
        figures, placements = self.periods[place], self.placements[place]
        value = figures.values.get(code)
        as_was = _measure(self.aggregation, [(Fraction(1), value)]) if value else None
        note: str | None = (
            None if as_was is not None else NOTHING if value else figures.gap or self._explain(code, place)
        )
        name = figures.owed[code].name if code in figures.owed else None
        if self.succession.unit_on(code, self.day) is None:
            heirs = (
                [self.succession.name_of(heir) for heir in placements[code].parts if heir] if code in placements else []
            )
            moved = f"Đã kết thúc hoạt động; số liệu nay thuộc {', '.join(heirs)}" if heirs else NOT_THERE
            return _point(figures, as_was, note, name, None, "moved", moved, 0, 0, ())
        if figures.gap:
            return _point(figures, None, note, name, None, "not_comparable", figures.gap, 0, 0, ())
        sources = self._sources[place].get(code, [])
        if self.aggregation == "last" and any(not source.ended for source in sources):
            # A number of the cut-off day: who ended before it has it reported by whoever followed.
            sources = [source for source in sources if not source.ended]
        if sources and self._is_whole_province(code, sources, figures):
            return self._read_province(code, place, sources)
        units = tuple(source.unit for source in sources)
        given = [source for source in sources if source.unit in figures.values]
        fault = self._find_fault(code, sources, figures)
        if fault:
            return _point(figures, as_was, note, name, None, "not_comparable", fault, len(given), len(sources), units)
        terms = [(source.part_in({code}) or Fraction(0), figures.values[source.unit]) for source in given]
        restated = _measure(self.aggregation, terms)
        state: State = "estimated" if any(part != 1 for part, _ in terms) else "comparable"
        reason = BY_SHARE if state == "estimated" else None
        if len(given) < len(sources):
            state = "incomplete"
            told = f"Mới có số liệu của {len(given)}/{len(sources)} đơn vị tiền thân"
            reason = told if len(sources) > 1 else note or self._explain(units[0], place)
        return _point(
            figures, as_was, note, name, restated, state, reason, len(given), len(sources), units,
            sum(value.estimated for _, value in terms),
        )  # fmt: skip

    def _find_fault(self, code: str, sources: Sequence[Placement], figures: PeriodFigures) -> str | None:
        """Why the sources cannot be put together; None where they can."""
        if not sources:
            return NO_FOREBEAR
        unknown = [source for source in sources if source.part_in({code}) is None]
        if unknown:
            return _join(unknown)
        strange = [source.unit for source in sources if source.unit not in figures.owed]
        if strange:
            names = ", ".join(self.succession.name_of(unit) for unit in strange[:3])
            return NOT_OWED if strange == [code] else f"{names}: {NOT_OWED[0].lower()}{NOT_OWED[1:]}"
        if self.aggregation == "none" and (len(sources) > 1 or sources[0].part_in({code}) != 1):
            return NOT_ADDED
        return None

    def _is_whole_province(self, code: str, sources: Sequence[Placement], figures: PeriodFigures) -> bool:
        unit = self.succession.unit_on(code, self.day)
        province = unit is not None and unit.type is UnitType.PROVINCE
        return province and not any(source.unit in figures.owed for source in sources)

    def _read_province(self, code: str, place: int, sources: Sequence[Placement]) -> Point:
        """The province as a whole where its units report: what they make together."""
        figures = self.periods[place]
        whole = self._read_group(place, None, list(figures.owed))
        others = [
            unit for unit in self.succession.units_during(figures.start, figures.end) if unit.type is UnitType.PROVINCE
        ]
        alone = len(others) == 1 and others[0].code == code
        name = others[0].name if alone else None
        # Before a merger the units of several provinces make it up, and which was whose is not told here.
        as_was, note = (whole.as_was, whole.note) if alone else (None, NO_SPLIT)
        fitting = all(source.part_in({code}) == 1 for source in sources) and len(sources) == len(others)
        if not fitting:
            return _point(figures, as_was, note, name, None, "not_comparable", NO_SPLIT, 0, whole.expected, ())
        return _point(
            figures, as_was, note, name, whole.restated, whole.state, whole.reason, whole.given, whole.expected,
            whole.sources, whole.estimated_units,
        )  # fmt: skip

    def _explain(self, code: str, place: int) -> str:
        """Why a unit has no figure in a period."""
        owed = self.periods[place].owed.get(code)
        if owed is not None:
            return EXCUSED if owed.excused else NO_VALUE
        return NOT_OWED if code in self.placements[place] else NOT_THERE


def _point(
    figures: PeriodFigures, as_was: Decimal | None, note: str | None, name: str | None, restated: Decimal | None, state: State,
    reason: str | None, given: int, expected: int, sources: tuple[str, ...], estimated: int = 0,
) -> Point:  # fmt: skip
    return Point(
        figures.code, figures.label, as_was, note, name, restated, state, reason, given, expected, sources, estimated
    )


def _join(sources: Iterable[Placement]) -> str:
    causes = dict.fromkeys(cause for source in sources for cause in source.causes)
    return "; ".join(list(causes)[:3]) or NOT_COMPARABLE.capitalize()


def _measure(aggregation: str, terms: Sequence[tuple[Fraction, Value]]) -> Decimal | None:
    """The weighted sum, or the rate of the weighted sums; None where nothing is there, or a whole is nought."""
    if aggregation == "rate":
        pairs = [(part, value) for part, value in terms if value.part is not None and value.whole is not None]
        above = sum((part * Fraction(value.part or 0) for part, value in pairs), Fraction(0))
        below = sum((part * Fraction(value.whole or 0) for part, value in pairs), Fraction(0))
        return _to_decimal(100 * above / below) if below else None
    numbers = [part * Fraction(value.number) for part, value in terms if value.number is not None]
    return _to_decimal(sum(numbers, Fraction(0))) if numbers else None


def _to_decimal(number: Fraction) -> Decimal:
    """Exact where the number has an end; shares of the register have one."""
    with localcontext() as context:
        context.prec = 60
        found = Decimal(number.numerator) / Decimal(number.denominator)
        exact = Fraction(found) == number
    # Rates go on without end: as many digits as the warehouse's own.
    return found if exact else round(found, 20)
