"""`series`: a figure over the periods, per unit or for the province, as it was and restated on the units of today.

Everything is read from one state of the warehouse, as of an instant: a merger that was recorded later is not known yet. Nothing
is written, and what was reported is never changed: the restated reading is worked out anew each time (docs/restatement.md).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

import sqlalchemy as sa

from etl.calendar.deadlines import TIMEZONE
from etl.calendar.periods import Period, PeriodKind, UnknownPeriod, next_period
from etl.forms.declaration import Form, FormVersion, Kind
from etl.register.entities import UNIT_TYPE_LABELS, FormStatus, Lineage, LineageKind, Unit, UnitType
from etl.register.model import Register
from etl.register.placement import Succession
from etl.text import sort_key
from etl.usecases.consolidate import open_snapshot
from etl.usecases.context import Context
from etl.usecases.series_points import NO_MEASURE, NOT_OPENED, Owed, PeriodFigures, Point, Readings, Value

By = Literal["unit", "type", "total"]
TOTAL_LABEL: Final = "Toàn tỉnh"
_NEAREST = 5


class UnknownSeries(LookupError):
    """No report ever had that figure, or no unit that code."""


@dataclass(frozen=True, slots=True)
class Line:
    """One unit, type or the total (`key` None) with its points, one a period. `ended`: no unit of the day."""

    key: str | None
    name: str
    type: str | None
    ended: bool
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """A figure without its period (`form/row/measure`) over the periods, on the units of `day`."""

    report: str
    figure: str
    label: str
    unit_of_measure: str
    aggregation: str
    by: By
    day: date
    as_of: datetime | None
    periods: tuple[str, ...]
    lines: tuple[Line, ...]

    @property
    def has_restated(self) -> bool:
        """Whether anything at all could be restated."""
        return any(point.restated is not None for line in self.lines for point in line.points)

    def as_json(self) -> dict[str, object]:
        """What `series --json` prints; numbers as texts, so that none loses a digit."""
        values = asdict(self)
        for line in values["lines"]:
            for point in line["points"]:
                for name in ("as_was", "restated"):
                    point[name] = None if point[name] is None else f"{point[name]:f}"
        as_of = self.as_of.astimezone(TIMEZONE).isoformat(timespec="seconds") if self.as_of else None
        return {**values, "day": self.day.isoformat(), "as_of": as_of}


def read_series(
    context: Context, report: str, figure: str, periods: str, *, by: By = "unit", unit: str | None = None,
    as_of: datetime | None = None, connection: sa.Connection | None = None,
) -> Series:  # fmt: skip
    """The series of `figure` (`form/row/measure`, or `mart/row/measure`) over `P..Q`; one line for `unit` where it is given.

    `as_of` (aware; None: everything known): figures, register and lineage as known by then; the units of its day are those
    restated on. `connection`: read there, as of its own instant, which `as_of` then only names.
    Raises UnknownReport, UnknownPeriod, UnknownSeries.
    """
    codes = expand_range(context.register, report, periods)
    parts = figure.split("/")
    if len(parts) != 3 or not all(parts):
        raise UnknownSeries(
            f"no figure {figure!r}: a figure without its period is form/row/measure, such as F05/01/F05.01.1"
        )
    day = (as_of or context.clock()).astimezone(TIMEZONE).date()
    if connection is None:
        with open_snapshot(context, as_of) as reading:
            return _read(context, reading, report, parts, codes, by, unit, as_of, day)
    return _read(context, connection, report, parts, codes, by, unit, as_of, day)


def expand_range(register: Register, report: str, text: str) -> list[Period]:
    """The periods of `P` or `P..Q`, both included. Raises UnknownReport, UnknownPeriod."""
    first_code, _, last_code = text.partition("..")
    first = register.period(report, first_code)
    last = register.period(report, last_code) if last_code else first
    found = [first]
    if first.code != last.code and PeriodKind.ONE_OFF in (first.kind, last.kind):
        raise UnknownPeriod(f"{text}: a one-off period begins or ends no range")
    if last.start < first.start:
        raise UnknownPeriod(f"{text}: the range ends before it begins")
    while found[-1].start < last.start:
        found.append(next_period(found[-1]))
    return found


def read_succession(connection: sa.Connection) -> Succession:
    """Units and lineage as known at the connection's instant."""
    units = [
        Unit(row.code, row.name, UnitType(row.type), row.parent, row.valid_from, row.valid_to, None, row.recorded_at)
        for row in connection.execute(sa.text("SELECT * FROM core.known_unit"))
    ]
    lineage = [
        Lineage(
            row.predecessor, row.successor, LineageKind(row.kind), row.valid_from, row.share, row.legal_basis,
            row.recorded_at,
        )
        for row in connection.execute(sa.text("SELECT * FROM core.known_lineage"))
    ]  # fmt: skip
    return Succession(units, lineage)


def _read(
    context: Context, connection: sa.Connection, report: str, parts: Sequence[str], periods: Sequence[Period], by: By,
    unit: str | None, as_of: datetime | None, day: date,
) -> Series:  # fmt: skip
    mart, row, measure = parts
    asked = {
        "report": report, "mart": mart, "row": row, "measure": measure, "periods": [period.code for period in periods],
    }  # fmt: skip
    form = context.forms.get(mart)
    # In a fixed layout the measure alone names the figure: its row may have had another code in an older layout.
    listed = form is None or form.versions[-1].kind is Kind.LIST
    rows = connection.execute(
        sa.text(
            "SELECT period, unit, unit_type, kind, value, part, whole, counted, estimated FROM mart.series "
            "WHERE report = :report AND mart = :mart AND measure = :measure AND period = ANY(:periods) "
            "AND (NOT :listed OR row_key = :row)"
        ),
        {**asked, "listed": listed},
    ).all()
    told = _read_label(connection, asked, listed)
    if told is None and not rows and not _is_declared(form, measure):
        raise UnknownSeries(_name_nearest(connection, asked))
    shown = any(item.kind == "shown" for item in rows)
    aggregation = told.aggregation if told else "none" if shown else _find_aggregation(form, measure)
    succession = read_succession(connection)
    silent = _read_accepted(connection, asked) if form is None else {}
    owed = _read_owed(connection, asked, form)
    asked_of = _read_asked_of(connection, form, row, periods)
    figures = []
    for period in periods:
        types = asked_of.get(period.code)
        gap = None if _has_measure(form, measure, period.end) else NO_MEASURE
        known = owed.get(period.code)
        figures.append(
            PeriodFigures(
                period.code, period.label, period.start, period.end,
                {code: item for code, item in (known or {}).items() if types is None or item.type in types},
                silent.get(period.code, {}) | _pick_values([r for r in rows if r.period == period.code], aggregation),
                gap or (NOT_OPENED if known is None else None),
            )
        )  # fmt: skip
    placements = [succession.place_units(period.start, period.end, day) for period in periods]
    readings = Readings(succession, day, aggregation, figures, placements)
    label, measured = (told.label, told.unit_of_measure) if told else (measure, "")
    return Series(
        report, "/".join(parts), label, measured, aggregation, "unit" if unit else by, day, as_of,
        tuple(period.code for period in periods), tuple(_make_lines(readings, by, unit)),
    )  # fmt: skip


def _make_lines(readings: Readings, by: By, unit: str | None) -> list[Line]:
    if unit is not None:
        return [_make_unit_line(readings, unit)]
    if by == "total":
        return [Line(None, TOTAL_LABEL, None, False, tuple(readings.read_total()))]
    succession = readings.succession
    today = {found.code: found for found in succession.units_on(readings.day) if found.type is not UnitType.BLOC}
    seen = {code for figures in readings.periods for code, owed in figures.owed.items() if owed.type != UnitType.BLOC}
    reached = {
        code for placements in readings.placements for at in seen if at in placements for code in placements[at].parts
    }
    if by == "type":
        types = {today[code].type.value for code in reached | seen if code in today}
        types |= {
            owed.type for figures in readings.periods for owed in figures.owed.values() if owed.type != UnitType.BLOC
        }
        return [
            Line(kind.value, UNIT_TYPE_LABELS[kind], kind.value, False, tuple(readings.read_type(kind)))
            for kind in UnitType
            if kind.value in types
        ]
    # Whoever is there today belongs to the picture, with or without figures of before.
    kinds = {owed.type for figures in readings.periods for owed in figures.owed.values()} | {UnitType.PROVINCE}
    lasting = {code for code, found in today.items() if code in reached or found.type in kinds}
    lines = [_make_unit_line(readings, code) for code in seen | lasting]
    order = {kind.value: place for place, kind in enumerate(UnitType)}
    return sorted(
        lines, key=lambda line: (line.ended, order.get(line.type or "", 99), sort_key(line.name), line.key or "")
    )


def _make_unit_line(readings: Readings, code: str) -> Line:
    succession = readings.succession
    unit = succession.unit_on(code, readings.day)
    if unit is None and succession.name_of(code) == code:
        raise UnknownSeries(f"no unit {code!r} in the register; see units.csv")
    kinds = [figures.owed[code].type for figures in readings.periods if code in figures.owed]
    kind = unit.type.value if unit else kinds[-1] if kinds else None
    return Line(code, succession.name_of(code), kind, unit is None, tuple(readings.read_unit(code)))


def _pick_values(rows: Sequence[Any], aggregation: str) -> dict[str, Value]:
    """What each unit gave: counted cells; a bloc's, which are never counted; of what does not add up, those shown."""
    found: dict[str, Value] = {}
    for row in rows:
        wanted = row.kind == ("shown" if aggregation == "none" else "rate" if aggregation == "rate" else "term")
        if wanted and (row.counted or row.unit_type == UnitType.BLOC or aggregation == "none"):
            part, whole = (row.part, row.whole) if row.kind == "rate" else (None, None)
            found[row.unit] = Value(row.value, part, whole, row.counted, bool(row.estimated))
    return found


def _read_owed(connection: sa.Connection, asked: Mapping[str, object], form: Form | None) -> dict[str, dict[str, Owed]]:
    """Period → unit → who owes the form (any form, for a topic's figure). A period that was never opened is not in it."""
    found: dict[str, dict[str, Owed]] = {
        row.period: {}
        for row in connection.execute(
            sa.text("SELECT period FROM core.known_period WHERE report = :report AND period = ANY(:periods)"), asked
        )
    }
    rows = connection.execute(
        sa.text("SELECT * FROM core.known_obligation WHERE report = :report AND period = ANY(:periods)"), asked
    )
    for row in rows:
        forms = json.loads(row.forms)
        if form is None or form.code in forms:
            excused = row.exempt_reason is not None or row.lapsed_reason is not None
            must = form is None or forms[form.code] == FormStatus.MANDATORY
            found.setdefault(row.period, {})[row.unit] = Owed(
                row.unit_name, row.unit_type, must and not excused, excused
            )
    return found


def _read_accepted(connection: sa.Connection, asked: Mapping[str, object]) -> dict[str, dict[str, Value]]:
    """Period → unit → nothing, of whoever's report was accepted: of awards, say, none of that kind is no gap."""
    found: dict[str, dict[str, Value]] = {}
    rows = connection.execute(
        sa.text(
            "SELECT period, unit FROM mart.accepted WHERE report = :report AND period = ANY(:periods) "
            "AND unit_type <> 'bloc'"
        ),
        asked,
    )
    for row in rows:
        found.setdefault(row.period, {})[row.unit] = Value(None)
    return found


def _read_asked_of(
    connection: sa.Connection, form: Form | None, row: str, periods: Sequence[Period]
) -> dict[str, frozenset[str]]:
    """Period → the unit types that the register asks for an indicator; empty for other figures."""
    if form is None or form.versions[-1].rows_from != "movement_indicators":
        return {}
    movement, _, indicator = row.partition("+")
    rows = connection.execute(
        sa.text("SELECT * FROM core.known_indicator WHERE code = :code AND movement IN ('*', :movement)"),
        {"code": indicator, "movement": movement},
    ).all()
    found = {}
    for period in periods:
        valid = [one for one in rows if one.valid_from <= period.end and (one.valid_to or date.max) >= period.end]
        own = [one for one in valid if one.movement == movement] or valid
        if own:
            found[period.code] = frozenset(own[0].asked_of.split("|"))
    return found


def _read_label(connection: sa.Connection, asked: Mapping[str, object], listed: bool) -> Any:
    """Label, unit of measure and aggregation of the latest period that has the figure."""
    return connection.execute(
        sa.text(
            "SELECT c.label, c.unit_of_measure, c.aggregation FROM mart.consolidated c "
            "JOIN core.known_period p ON p.report = c.report AND p.period = c.period "
            "WHERE c.report = :report AND c.mart = :mart AND c.measure = :measure AND c.period = ANY(:periods) "
            "AND (NOT :listed OR c.row_key = :row) ORDER BY p.window_end DESC LIMIT 1"
        ),
        {**asked, "listed": listed},
    ).first()


def _list_measures(form: Form, version: FormVersion) -> dict[str, str]:
    """Measure → aggregation of a layout."""
    if version.kind is Kind.LIST:
        return {version.measure_of(form.code, "", column.code): column.aggregation for column in version.columns}
    return {
        version.measure_of(form.code, key.row, key.column): declared.aggregation
        for key, declared in version.walk_cells(form.code)
    }


def _has_measure(form: Form | None, measure: str, on: date) -> bool:
    if form is None:
        return True
    try:
        return measure in _list_measures(form, form.version_on(on))
    except LookupError:
        return False


def _is_declared(form: Form | None, measure: str) -> bool:
    if form is None:
        return False
    # The rows of a list are the units' own: a row that nobody wrote is no figure.
    return any(version.kind is not Kind.LIST and measure in _list_measures(form, version) for version in form.versions)


def _find_aggregation(form: Form | None, measure: str) -> str:
    if form is None:
        return "none"
    return next(
        (
            listed[measure]
            for version in reversed(form.versions)
            if measure in (listed := _list_measures(form, version))
        ),
        "none",
    )


def _name_nearest(connection: sa.Connection, asked: Mapping[str, object]) -> str:
    known = connection.execute(
        sa.text(
            "SELECT DISTINCT mart || '/' || row_key || '/' || measure FROM mart.consolidated "
            "WHERE report = :report AND period = ANY(:periods)"
        ),
        asked,
    ).scalars()
    wanted = f"{asked['mart']}/{asked['row']}/{asked['measure']}"
    nearest = difflib.get_close_matches(wanted, list(known), n=_NEAREST, cutoff=0.5)
    hint = f"; nearest: {', '.join(nearest)}" if nearest else "; see `consolidate --json`"
    return f"no figure {wanted!r} in report {asked['report']}{hint}"
