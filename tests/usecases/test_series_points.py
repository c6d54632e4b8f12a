"""Restating on lineage: by hand for each way a unit can change, and against a ledger that moves figures on event by event."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.register.entities import Lineage, LineageKind, Unit, UnitType
from etl.register.placement import Succession
from etl.usecases.series_points import Owed, PeriodFigures, Point, Readings, Value

SEEN = datetime(2025, 12, 1, tzinfo=UTC)
FIRST, TODAY = date(2018, 1, 1), date(2026, 12, 31)
THEN = (date(2019, 12, 1), date(2020, 11, 30))
CHANGE = date(2025, 7, 1)
WITHIN = date(2020, 7, 1)
Life = tuple[date, date | None]
LIVES, NEW, ENDED = (FIRST, None), (CHANGE, None), (FIRST, CHANGE - timedelta(days=1))


def unit(code: str, life: Life, kind: str = "commune") -> Unit:
    return Unit(code, f"Xã {code}", UnitType(kind), None, *life, None, SEEN)


def row(before: str, after: str | None, kind: str = "merge", share: str | None = None, on: date = CHANGE) -> Lineage:
    return Lineage(before, after, LineageKind(kind), on, Decimal(share) if share else None, None, SEEN)


def read(
    units: list[Unit], lineage: list[Lineage], values: dict[str, Value | int], *, aggregation: str = "sum",
    owing: set[str] | None = None, gap: str | None = None,
) -> Readings:  # fmt: skip
    """Readings of one period, 2020, in which every unit of then owes the figure unless `owing` says who."""
    succession = Succession(units, lineage)
    then = succession.units_during(*THEN)
    owed = {
        one.code: Owed(one.name, one.type.value, True)
        for one in then
        if owing is None or one.code in owing
    }  # fmt: skip
    given_ = {code: value if isinstance(value, Value) else Value(Decimal(value)) for code, value in values.items()}
    figures = PeriodFigures("2020-A1", "năm 2020", *THEN, owed, given_, gap)
    return Readings(succession, TODAY, aggregation, [figures], [succession.place_units(*THEN, TODAY)])


def point(readings: Readings, code: str) -> Point:
    (found,) = readings.read_unit(code)
    return found


def told(found: Point) -> tuple[Decimal | None, Decimal | None, str]:
    return found.as_was, found.restated, found.state


FOUR = [unit(code, ENDED) for code in "ABCD"]
INTO_M = [row(code, "M") for code in "ABCD"]


def test_four_communes_into_one() -> None:
    whole = read([*FOUR, unit("M", NEW)], INTO_M, {"A": 1, "B": 2, "C": 3, "D": 4})
    assert told(point(whole, "M")) == (None, 10, "comparable")
    assert point(whole, "M").sources == tuple("ABCD")
    assert told(point(whole, "A")) == (1, None, "moved")
    assert point(whole, "A").reason == "Đã kết thúc hoạt động; số liệu nay thuộc Xã M"
    part = read([*FOUR, unit("M", NEW)], INTO_M, {"A": 1, "B": 2, "C": 3})
    found = point(part, "M")
    assert (told(found), found.coverage) == ((None, 6, "incomplete"), "3/4 đơn vị")
    assert found.reason == "Mới có số liệu của 3/4 đơn vị tiền thân"


@pytest.mark.parametrize(
    ("units", "lineage", "code", "expected"),
    [
        pytest.param({"A": LIVES}, [], "A", (5, 5, "comparable"), id="nothing happened"),
        pytest.param({"A": ENDED, "M": NEW}, [row("A", "M", "rename")], "M", (None, 5, "comparable"), id="renamed"),
        pytest.param({"A": ENDED, "B": LIVES}, [row("A", "B", "absorb")], "B", (7, 12, "comparable"), id="absorbed"),
        pytest.param({"A": ENDED, "M": NEW, "N": NEW}, [row("A", "M", "split"), row("A", "N", "split")], "M",
                     (None, None, "not_comparable"), id="divided"),
        pytest.param({"A": ENDED, "M": NEW, "N": NEW}, [row("A", "M", "split", "0.6"), row("A", "N", "split", "0.4")], "N",
                     (None, 2, "estimated"), id="divided by shares"),
        pytest.param({"A": ENDED, "M": NEW, "N": NEW}, [row("A", "M", "split", "0.6"), row("A", "N", "split", "0.3")], "N",
                     (None, None, "not_comparable"), id="shares short of 1"),
        pytest.param({"A": LIVES, "M": NEW}, [row("A", "M", "split", "0.2")], "A", (5, 4, "estimated"), id="lost a part"),
        pytest.param({"A": LIVES, "M": NEW}, [row("A", "M", "split", "0.2")], "M", (None, 1, "estimated"), id="got a part"),
        pytest.param({"A": LIVES, "M": NEW}, [row("A", "M", "split")], "A", (5, None, "not_comparable"), id="lost some part"),
        pytest.param({"A": ENDED, "M": NEW}, [row("A", "M", "split")], "M", (None, None, "not_comparable"), id="rest unknown"),
        pytest.param({"A": ENDED}, [row("A", None, "abolish")], "A", (5, None, "moved"), id="abolished"),
        pytest.param({"M": NEW}, [], "M", (None, None, "not_comparable"), id="it was not there"),
    ],
)  # fmt: skip
def test_each_way_to_change(
    units: dict[str, Life], lineage: list[Lineage], code: str, expected: tuple[object, ...]
) -> None:
    readings = read(
        [unit(*pair) for pair in units.items()], lineage, {c: v for c, v in {"A": 5, "B": 7}.items() if c in units}
    )
    assert told(point(readings, code)) == expected
    (total,) = readings.read_total()
    assert total.as_was == total.restated  # nothing of the province is lost, wherever its borders run inside


def test_a_unit_divided_between_communes_is_whole_among_communes() -> None:
    readings = read(
        [unit("A", ENDED), unit("M", NEW), unit("N", NEW)], [row("A", "M", "split"), row("A", "N", "split")], {"A": 5}
    )
    assert [p.restated for p in readings.read_type("commune")] == [5]
    mixed = read(
        [unit("A", ENDED), unit("M", NEW), unit("N", NEW, "ward")],
        [row("A", "M", "split"), row("A", "N", "split")],
        {"A": 5},
    )
    assert [p.state for p in mixed.read_type("commune")] == ["not_comparable"]
    assert [p.restated for p in mixed.read_total()] == [5]


def test_a_change_within_the_window() -> None:
    ends: Life = (FIRST, WITHIN - timedelta(days=1))
    merged = [unit("A", ends), unit("B", ends), unit("M", (WITHIN, None))]
    lineage = [row("A", "M", on=WITHIN), row("B", "M", on=WITHIN)]
    values: dict[str, Value | int] = {"A": 1, "B": 2, "M": 30}
    # Each part of the window was reported once; a number of the last day only by who was there on it.
    assert told(point(read(merged, lineage, values), "M")) == (30, 33, "comparable")
    last = read(merged, lineage, values, aggregation="last")
    assert told(point(last, "M")) == (30, 30, "comparable")
    assert [(p.as_was, p.restated) for p in last.read_total()] == [(33, 30)]
    divided = read(
        [unit("A", LIVES), unit("M", (WITHIN, None))], [row("A", "M", "split", "0.5", WITHIN)], {"A": 1, "M": 2}
    )
    assert {point(divided, code).state for code in "AM"} == {"not_comparable"}
    assert "trong kỳ báo cáo" in str(point(divided, "M").reason)


def test_a_code_that_survives_a_merger() -> None:
    units = [unit("A", ENDED), unit("U", ENDED), unit("U", NEW)]
    assert told(point(read(units, [row("A", "U"), row("U", "U")], {"A": 1, "U": 2}), "U")) == (2, 3, "comparable")


def test_what_does_not_add_up_is_carried_on_only_whole() -> None:
    units = [unit("A", ENDED), unit("B", ENDED), unit("M", NEW), unit("N", NEW), unit("C", LIVES)]
    lineage = [row("A", "M"), row("B", "N", "rename")]
    readings = read(units, [*lineage, row("C", "M", "split", "0.5")], {"A": 1, "B": 2, "C": 3}, aggregation="none")
    assert told(point(readings, "N")) == (None, 2, "comparable")
    assert {point(readings, code).state for code in "MC"} == {"not_comparable"}
    assert [p.restated for p in readings.read_total()] == [None]


def test_a_rate_is_made_anew_from_restated_parts() -> None:
    values: dict[str, Value | int] = {
        "A": Value(Decimal(50), Decimal(1), Decimal(2)), "B": Value(Decimal(10), Decimal(10), Decimal(100)),
    }  # fmt: skip
    readings = read(
        [unit("A", ENDED), unit("B", ENDED), unit("M", NEW)], [row("A", "M"), row("B", "M")], values, aggregation="rate"
    )
    restated = point(readings, "M").restated
    assert restated is not None
    assert abs(restated - Decimal(1100) / Decimal(102)) < Decimal("1e-15")


def test_predecessors_that_did_not_owe_the_form_cannot_be_compared() -> None:
    readings = read([*FOUR, unit("M", NEW)], INTO_M, {"A": 1, "B": 2, "C": 3}, owing=set("ABC"))
    assert told(point(readings, "M")) == (None, None, "not_comparable")
    assert point(readings, "M").reason == "Xã D: không thuộc diện báo cáo chỉ tiêu này"


def test_a_layout_without_the_measure() -> None:
    readings = read([unit("A", LIVES)], [], {}, gap="Mẫu biểu của kỳ này không có chỉ tiêu này")
    assert told(point(readings, "A")) == (None, None, "not_comparable")
    assert point(readings, "A").reason == "Mẫu biểu của kỳ này không có chỉ tiêu này"


# -- random lineages, against a ledger


@dataclass
class Province:
    """A province made up year by year; every event falls on the first day of a window or (whole mergers) within one."""

    units: dict[str, list[date | None]] = field(default_factory=dict)
    lineage: list[Lineage] = field(default_factory=list)
    events: list[tuple[date, list[tuple[str, dict[str, Fraction]]]]] = field(default_factory=list)

    def living(self) -> list[str]:
        return sorted(code for code, (_, end) in self.units.items() if end is None)

    def change(self, day: date, kind: str, chosen: list[str], share: Fraction) -> None:
        new = [f"U{len(self.units)}", f"U{len(self.units) + 1}"]
        decimal = str(Decimal(share.numerator) / Decimal(share.denominator))
        rest = str(1 - Decimal(decimal))
        moves: list[tuple[str, dict[str, Fraction]]] = []
        if kind == "merge":
            self.units[new[0]] = [day, None]
            for code in chosen:
                self.lineage.append(row(code, new[0], "merge", None, day))
                moves.append((code, {new[0]: Fraction(1)}))
        elif kind == "absorb":
            self.lineage.append(row(chosen[0], chosen[1], "absorb", None, day))
            moves.append((chosen[0], {chosen[1]: Fraction(1)}))
        elif kind == "rename":
            self.units[new[0]] = [day, None]
            self.lineage.append(row(chosen[0], new[0], "rename", None, day))
            moves.append((chosen[0], {new[0]: Fraction(1)}))
        elif kind == "part":
            self.units[new[0]] = [day, None]
            self.lineage.append(row(chosen[0], new[0], "split", decimal, day))
            moves.append((chosen[0], {chosen[0]: 1 - share, new[0]: share}))
        else:
            for code in new:
                self.units[code] = [day, None]
            self.lineage += [row(chosen[0], new[0], "split", decimal, day), row(chosen[0], new[1], "split", rest, day)]
            moves.append((chosen[0], {new[0]: share, new[1]: 1 - share}))
        for code in {"merge": chosen, "part": []}.get(kind, chosen[:1]):
            self.units[code][1] = day - timedelta(days=1)
        self.events.append((day, moves))


@st.composite
def provinces(draw: st.DrawFn) -> Province:
    made = Province({f"U{n}": [FIRST, None] for n in range(draw(st.integers(2, 5)))})
    for year in range(2020, 2026):
        for month in (7, 12):
            if len(made.living()) < 2 or not draw(st.booleans()):
                continue
            kinds = ["merge", "absorb", "rename"] if month == 7 else ["merge", "absorb", "rename", "part", "divide"]
            kind = draw(st.sampled_from(kinds))
            chosen = draw(st.permutations(made.living()))[: 2 if kind != "merge" else draw(st.integers(2, 3))]
            made.change(date(year, month, 1), kind, list(chosen), Fraction(draw(st.integers(1, 99)), 100))
    return made


@settings(max_examples=150, deadline=None)
@given(provinces(), st.data())
def test_restating_moves_every_figure_and_loses_none(made: Province, data: st.DataObject) -> None:
    """Restated on the units of today = figures carried on event by event; the totals stay what they were."""
    units = [unit(code, (start or FIRST, end)) for code, (start, end) in made.units.items()]
    succession = Succession(units, made.lineage)
    figures, placements, ledgers = [], [], []
    for year in range(2019, 2027):
        start, end = date(year - 1, 12, 1), date(year, 11, 30)
        there = [
            code
            for code, (born, died) in made.units.items()
            if (born or FIRST) <= end and (died is None or died >= start)
        ]
        numbers = {code: data.draw(st.integers(0, 10**6)) for code in there}
        owed = {code: Owed(code, "commune", True) for code in there}
        values = {code: Value(Decimal(number)) for code, number in numbers.items()}
        figures.append(PeriodFigures(f"{year}-A1", f"năm {year}", start, end, owed, values))
        placements.append(succession.place_units(start, end, TODAY))
        ledger = {code: Fraction(number) for code, number in numbers.items()}
        for day, moves in made.events:
            if day > start:
                for code, shares in moves:
                    moved = ledger.pop(code, Fraction(0))
                    for heir, share in shares.items():
                        ledger[heir] = ledger.get(heir, Fraction(0)) + moved * share
        ledgers.append((sum(numbers.values()), ledger))
    readings = Readings(succession, TODAY, "sum", figures, placements)
    totals, types = readings.read_total(), readings.read_type("commune")
    lines = {code: readings.read_unit(code) for code in made.living()}
    for place, (total, ledger) in enumerate(ledgers):
        for code, points in lines.items():
            assert Fraction(points[place].restated or 0) == ledger.get(code, 0), (place, code)
        assert totals[place].as_was == totals[place].restated == types[place].restated == total
        assert sum(Fraction(points[place].restated or 0) for points in lines.values()) == total
