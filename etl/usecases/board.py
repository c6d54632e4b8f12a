"""The board: the state of every obligation of a report and period as of an instant, and the rates."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from etl.calendar.deadlines import TIMEZONE
from etl.register.entities import UnitType
from etl.text import sort_key
from etl.usecases.context import Context
from etl.warehouse.connect import raw_connection
from etl.warehouse.register_load import load_obligations

Status = Literal["on_time", "late", "missing", "rejected", "pending", "exempt"]
STATUSES: tuple[Status, ...] = ("on_time", "late", "missing", "rejected", "pending", "exempt")


@dataclass(frozen=True, slots=True)
class BoardLine:
    """One obligation. Instants are aware; `days_late` counts working days, None when nothing is accepted."""

    unit: str
    unit_name: str
    unit_type: str
    status: Status
    due_at: datetime
    accepted_at: datetime | None
    days_late: int | None
    attempts: int
    exempt_reason: str | None


@dataclass(frozen=True, slots=True)
class Board:
    """All obligations of a period. expected = on_time + late + missing + rejected + pending; exempt stands outside."""

    report: str
    report_name: str
    period: str
    period_label: str
    clock: str
    as_of: datetime
    units: list[BoardLine]

    @property
    def counts(self) -> dict[str, int]:
        """expected and each status."""
        found: dict[str, int] = {status: sum(line.status == status for line in self.units) for status in STATUSES}
        expected = len(self.units) - found["exempt"]
        return {"expected": expected, **found}

    @property
    def rates(self) -> dict[str, float | None]:
        """completeness and timeliness, 0 to 1; None where nothing is expected. Numerators are subsets of expected."""
        counts = self.counts
        expected = counts["expected"]
        if not expected:
            return {"completeness": None, "timeliness": None}
        accepted = counts["on_time"] + counts["late"]
        return {"completeness": accepted / expected, "timeliness": counts["on_time"] / expected}

    def as_json(self) -> dict[str, object]:
        """The contract of `board --json` (design §4)."""
        return {
            "report": self.report,
            "period": self.period,
            "clock": self.clock,
            "as_of": _iso(self.as_of),
            "counts": self.counts,
            "rates": self.rates,
            "units": [
                {
                    "unit": line.unit,
                    "status": line.status,
                    "due_at": _iso(line.due_at),
                    "accepted_at": _iso(line.accepted_at) if line.accepted_at else None,
                    "days_late": line.days_late,
                    "attempts": line.attempts,
                }
                for line in self.units
            ],
        }


def read_board(
    context: Context,
    report: str,
    period: str,
    as_of: datetime,
    *,
    opening: bool = True,
    connection: sa.Connection | None = None,
) -> Board:
    """The board of `report` and `period` as of an aware instant, units by type and Vietnamese name.

    A period that has begun and was not opened yet is opened, unless `opening` is False (a page only reads).
    Reads on `connection` when given, so that what else is read there agrees with it; it then opens nothing.
    Raises UnknownReport, UnknownPeriod, ValueError when `as_of` is naive.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    window = context.register.period(report, period)
    declared = context.register.report(report)
    if opening and connection is None:
        open_if_begun(context, report, period)
    with nullcontext(connection) if connection is not None else context.engine.connect() as reading:
        rows = reading.execute(
            sa.text("SELECT * FROM core.board(:report, :period, :as_of)"),
            {"report": report, "period": period, "as_of": as_of},
        ).all()
    lines = [
        BoardLine(
            row.unit, row.unit_name, row.unit_type, row.status, row.due_at, row.accepted_at, row.days_late,
            row.attempts, row.exempt_reason,
        )
        for row in rows
    ]  # fmt: skip
    order = {unit_type.value: place for place, unit_type in enumerate(UnitType)}
    lines.sort(key=lambda line: (order.get(line.unit_type, 99), sort_key(line.unit_name), line.unit))
    return Board(report, declared.name, period, window.label, declared.clock.value, as_of, lines)


def open_if_begun(context: Context, report: str, period: str) -> None:
    """A board of a period that nobody opened would be empty, which reads like "nobody owes anything"."""
    known = sa.text("SELECT 1 FROM register.period WHERE report = :r AND period = :p AND retired_at IS NULL")
    with context.engine.connect() as connection:
        if connection.execute(known, {"r": report, "p": period}).first() is not None:
            return
    now = context.clock()
    window = context.register.period(report, period)
    if window.start <= now.astimezone(TIMEZONE).date():
        with raw_connection(context.engine) as raw:
            load_obligations(raw, context.register, context.register.report(report), window, now)


def _iso(instant: datetime) -> str:
    return instant.astimezone(TIMEZONE).isoformat(timespec="seconds")
