"""Opening and closing of periods, and who is overdue: the ledger lives in the warehouse, never in the scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import sqlalchemy as sa

from etl.calendar.deadlines import TIMEZONE
from etl.calendar.periods import Period, PeriodKind, periods_between
from etl.register.model import Register, Report
from etl.usecases.board import Board, read_board
from etl.usecases.context import Context, Knowledge
from etl.warehouse.connect import raw_connection
from etl.warehouse.register_load import load_obligations


@dataclass(frozen=True, slots=True)
class DueEvent:
    """An instant at which something of a period ends: its data (`cutoff`) or the time to send it (`due`)."""

    report: str
    period: str
    kind: Literal["cutoff", "due"]
    at: datetime


@dataclass(frozen=True, slots=True)
class OverdueLine:
    """A unit that owes a report past its due instant: nothing received, or nothing accepted."""

    unit: str
    unit_name: str
    report: str
    period: str
    status: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class CloseSummary:
    """What stood at the closing of a period: the board's counts and who was late or silent."""

    key: str
    counts: dict[str, int]
    overdue: list[OverdueLine]


def list_begun_periods(register: Register, report: Report, now: datetime) -> list[Period]:
    """The periods of a report that have begun, one-off periods included, oldest first."""
    today = now.astimezone(TIMEZONE).date()
    return [period for period in list_periods(register, report, report.valid_from, today) if period.start <= today]


def list_periods(register: Register, report: Report, first: date, last: date) -> list[Period]:
    """The periods a report rules that touch first…last, in order of cut-off."""
    periods = [register.period(report.code, code) for code in report.one_off_periods]
    if report.frequency is not PeriodKind.ONE_OFF:
        periods += periods_between(report.frequency, report.clock, first, last)
    return sorted((period for period in periods if report.rules(period)), key=lambda period: (period.end, period.code))


def open_periods(context: Context, now: datetime) -> list[str]:
    """Build the obligations of every period that has begun; the keys `report:period`, oldest first. Idempotent."""
    register = context.register
    opened = []
    with raw_connection(context.engine) as connection:
        for report in register.reports:
            for period in list_begun_periods(register, report, now):
                load_obligations(connection, register, report, period, now)
                opened.append(f"{report.code}:{period.code}")
    return opened


def list_open_keys(context: Context) -> list[tuple[str, str]]:
    """(report, period) of every period that has obligations, in order of window."""
    statement = sa.text(
        "SELECT report, period FROM register.period WHERE retired_at IS NULL ORDER BY window_end, report"
    )
    with context.engine.connect() as connection:
        return [(row.report, row.period) for row in connection.execute(statement)]


def find_overdue(context: Context, now: datetime) -> list[OverdueLine]:
    """Every obligation past due without an accepted submission, in all periods, by period and then unit."""
    lines: list[OverdueLine] = []
    for report, period in list_open_keys(context):
        lines.extend(_overdue_lines(read_board(context, report, period, now), now))
    return lines


def _overdue_lines(board: Board, now: datetime) -> list[OverdueLine]:
    return [
        OverdueLine(line.unit, line.unit_name, board.report, board.period, line.status, line.due_at)
        for line in board.units
        if line.status in {"missing", "rejected"} and line.due_at < now
    ]


def due_events(knowledge: Knowledge, first: date, last: date) -> list[DueEvent]:
    """Cut-offs and due instants of all reports between two days (both included), in order of time.

    A cut-off on a day off counts at the next working day: nobody is there to close it before.
    """
    register = knowledge.register
    workdays = register.working_days()
    events: set[DueEvent] = set()
    # A due day follows its cut-off by days or weeks: look back far enough for the period it belongs to.
    earliest = date(first.year - 1, first.month, 1)
    for report in register.reports:
        for period in list_periods(register, report, earliest, last):
            cutoff = datetime.combine(workdays.next_working(period.end), datetime.max.time(), TIMEZONE)
            events.add(DueEvent(report.code, period.code, "cutoff", cutoff.replace(microsecond=0)))
            for instant in set(report.due_instants(period, workdays).values()):
                events.add(DueEvent(report.code, period.code, "due", instant))
    chosen = [event for event in events if first <= event.at.astimezone(TIMEZONE).date() <= last]
    return sorted(chosen, key=lambda event: (event.at, event.report, event.period, event.kind))


def close_period(context: Context, key: str, now: datetime) -> CloseSummary:
    """The late list of `report:period` as the ledger has it now. Reads only; late reports still come in afterwards.

    Raises ValueError for a key without a colon, UnknownPeriod and UnknownReport for what the register does not know.
    """
    report, colon, period = key.partition(":")
    if not colon:
        raise ValueError(f"{key!r} is not report:period, such as movements-half:2026-S1")
    board = read_board(context, report, period, now)
    return CloseSummary(key, dict(board.counts), _overdue_lines(board, now))
