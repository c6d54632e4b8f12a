"""Following who has reported: units against periods in one matrix, and how a period filled up by day. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from etl.calendar.deadlines import TIMEZONE
from etl.register.entities import UnitType
from etl.register.model import Register
from etl.text import capitalise, fold
from etl.usecases.board import BoardLine, count_lines, rate_lines, sort_lines
from etl.usecases.context import Context

_MATRIX = """
SELECT p.report || ':' || p.period, b.unit, b.unit_name, b.unit_type, b.status, b.due_at, b.accepted_at, b.days_late,
       b.attempts, b.exempt_reason, b.inherited_by, b.held
FROM register.period p
CROSS JOIN LATERAL core.board(p.report, p.period, :as_of) b
WHERE p.recorded_at <= :as_of AND (p.retired_at IS NULL OR p.retired_at > :as_of)
  AND p.report || ':' || p.period = ANY(:keys)
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One report and period of the matrix, with its counts and rates over the rows shown."""

    key: str
    report: str
    period: str
    report_name: str
    period_label: str
    counts: Mapping[str, int]
    rates: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Row:
    """One unit: its obligations by `report:period`; a period that it does not owe is missing."""

    unit: str
    unit_name: str
    unit_type: str
    lines: Mapping[str, BoardLine]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Units by type and Vietnamese name, columns in order of the periods' ends."""

    as_of: datetime
    columns: Sequence[Column]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which units are shown: all of these that are given. `status` looks at the first column."""

    unit_type: str = ""
    bloc: str = ""
    movement: str = ""
    status: str = ""
    text: str = ""


def list_keys(context: Context) -> list[tuple[str, str]]:
    """(`report:period`, Vietnamese name) of every period that has obligations, the one that ended last first."""
    with context.engine.connect() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT report, period, label FROM register.period WHERE retired_at IS NULL "
                "ORDER BY window_end DESC, report"
            )
        ).all()
    names = {report.code: report.name for report in context.register.reports}
    # The period first: lists of choices are cut at their end.
    return [
        (f"{row.report}:{row.period}", f"{capitalise(row.label)} – {names.get(row.report, row.report)}") for row in rows
    ]


def choose_key(context: Context, keys: Sequence[str], now: datetime) -> str:
    """The period people look at first: of those that ended, the last; else the first to end. Raises ValueError for none."""
    if not keys:
        raise ValueError("no period is open")
    today = now.astimezone(TIMEZONE).date()
    ended = [key for key in keys if context.register.period(*key.split(":", 1)).end < today]
    return ended[0] if ended else keys[-1]


def read_matrix(context: Context, keys: Sequence[str], as_of: datetime, chosen: Filter | None = None) -> Matrix:
    """The matrix of these periods as of an aware instant. Raises UnknownReport, UnknownPeriod."""
    register = context.register
    windows = {key: register.period(*key.split(":", 1)) for key in keys}
    with context.engine.connect() as connection:
        found = connection.execute(sa.text(_MATRIX), {"as_of": as_of, "keys": list(keys)}).all()
    lines: dict[str, dict[str, BoardLine]] = {}
    for key, unit, name, kind, status, due, accepted, late, attempts, exempt, heir, held in found:
        line = BoardLine(unit, name, kind, status, due, accepted, late, attempts, exempt, heir, held=held)
        lines.setdefault(unit, {})[key] = line
    order = sort_lines([next(iter(own.values())) for own in lines.values()])
    rows = [Row(line.unit, line.unit_name, line.unit_type, lines[line.unit]) for line in order]
    if chosen is not None and keys:
        last = max(window.end for window in windows.values())
        rows = [row for row in rows if _fits(register, row, chosen, keys[0], last)]
    columns = []
    for key in keys:
        own = [row.lines[key] for row in rows if key in row.lines]
        report, _, period = key.partition(":")
        name = register.report(report).name
        columns.append(Column(key, report, period, name, windows[key].label, count_lines(own), rate_lines(own)))
    return Matrix(as_of, columns, rows)


def count_by_day(matrix: Matrix) -> list[tuple[date, int]]:
    """How many units of the first column had an accepted report by the end of each day: from the first such day to the last,
    or to the due day, as far as it has come."""
    lines = [row.lines[matrix.columns[0].key] for row in matrix.rows if matrix.columns[0].key in row.lines]
    by_day = Counter(
        line.accepted_at.astimezone(TIMEZONE).date()
        for line in lines
        if line.accepted_at is not None and line.status in ("on_time", "late")
    )
    if not by_day:
        return []
    due = max(line.due_at for line in lines if line.status != "exempt")
    last = max(max(by_day), min(due.astimezone(TIMEZONE).date(), matrix.as_of.astimezone(TIMEZONE).date()))
    total, found, day = 0, [], min(by_day)
    while day <= last:
        total += by_day[day]
        found.append((day, total))
        day += timedelta(days=1)
    return found


def _fits(register: Register, row: Row, chosen: Filter, first_key: str, on: date) -> bool:
    if chosen.unit_type and row.unit_type != chosen.unit_type:
        return False
    if chosen.bloc:
        member = register.membership_of(row.unit, on)
        if chosen.bloc not in (row.unit, member.bloc if member else None):
            return False
    if chosen.movement and not _takes_part(register, row, chosen.movement, on):
        return False
    if chosen.status:
        line = row.lines.get(first_key)
        if line is None or line.status != chosen.status:
            return False
    if chosen.text:
        return fold(chosen.text) in fold(f"{row.unit} {row.unit_name}")
    return True


def _takes_part(register: Register, row: Row, movement: str, on: date) -> bool:
    """Whether the unit leads the movement or has an indicator of its own to report on."""
    if any(known.code == movement and known.lead_unit == row.unit for known in register.movements):
        return True
    return any(one.movement == movement for one in register.indicators_for(movement, UnitType(row.unit_type), on))
