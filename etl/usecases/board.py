"""The board: the state of every obligation of a report and period as of an instant, and the rates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
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
_PAST = """
SELECT b.unit, count(*) FILTER (WHERE b.status = 'on_time')::integer AS on_time, count(*)::integer AS owed
FROM register.period p CROSS JOIN LATERAL core.board(p.report, p.period, :as_of) b
WHERE p.report = :report AND p.recorded_at <= :as_of AND (p.retired_at IS NULL OR p.retired_at > :as_of)
  AND b.status <> 'exempt' AND b.due_at <= :as_of
  AND p.window_end < (SELECT max(n.window_end) FROM register.period n
                      WHERE n.report = :report AND n.period = :period AND n.recorded_at <= :as_of)
GROUP BY b.unit
"""

STATUSES: tuple[Status, ...] = ("on_time", "late", "missing", "rejected", "pending", "exempt")


@dataclass(frozen=True, slots=True)
class BoardLine:
    """One obligation. Instants are aware; `days_late` counts working days, None when nothing is accepted.

    `inherited_by`: the unit that owes what is unfinished, since this one ended. `past`: in how many of how many earlier periods
    of the report, due by then and not exempt, the unit was on time. `held`: valid files that wait for the published period to be
    reopened; they are no attempts and do not count. `restated_from`: the obligations a restated line stands for.
    """

    unit: str
    unit_name: str
    unit_type: str
    status: Status
    due_at: datetime
    accepted_at: datetime | None
    days_late: int | None
    attempts: int
    exempt_reason: str | None
    inherited_by: str | None = None
    past: tuple[int, int] = (0, 0)
    held: int = 0
    restated_from: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """One of `units` in the contract of `board --json` (design §4)."""
        shown: dict[str, object] = {
            "unit": self.unit,
            "status": self.status,
            "due_at": _iso(self.due_at),
            "accepted_at": _iso(self.accepted_at) if self.accepted_at else None,
            "days_late": self.days_late,
            "attempts": self.attempts,
            "held": self.held,
            "consistency": _share(*self.past),
            "inherited_by": self.inherited_by,
        }
        return {**shown, "restated_from": list(self.restated_from)} if self.restated_from else shown


def count_lines(lines: Iterable[BoardLine]) -> dict[str, int]:
    """expected and each status."""
    found = Counter(line.status for line in lines)
    return {"expected": found.total() - found["exempt"], **{status: found[status] for status in STATUSES}}


def rate_lines(lines: Iterable[BoardLine]) -> dict[str, float | None]:
    """completeness, timeliness, consistency, 0 to 1; None where nothing is expected. Numerators are subsets of denominators.

    Consistency of reporting: of the earlier periods that these units owed, the share they sent in time; exempt ones left out.
    """
    owed = [line for line in lines if line.status != "exempt"]
    counts = count_lines(owed)
    return {
        "completeness": _share(counts["on_time"] + counts["late"], counts["expected"]),
        "timeliness": _share(counts["on_time"], counts["expected"]),
        "consistency": _share(sum(line.past[0] for line in owed), sum(line.past[1] for line in owed)),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


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
        return count_lines(self.units)

    @property
    def rates(self) -> dict[str, float | None]:
        """completeness, timeliness and consistency (`rate_lines`)."""
        return rate_lines(self.units)

    def as_json(self) -> dict[str, object]:
        """The contract of `board --json` (design §4)."""
        return {
            "report": self.report,
            "period": self.period,
            "clock": self.clock,
            "as_of": _iso(self.as_of),
            "counts": self.counts,
            "rates": self.rates,
            "units": [line.as_json() for line in self.units],
        }


def read_board(
    context: Context,
    report: str,
    period: str,
    as_of: datetime,
    *,
    opening: bool = True,
    connection: sa.Connection | None = None,
    with_past: bool = False,
) -> Board:
    """The board of `report` and `period` as of an aware instant, units by type and Vietnamese name.

    A period that has begun and was not opened yet is opened, unless `opening` is False (a page only reads).
    Reads on `connection` when given, so that what else is read there agrees with it; it then opens nothing.
    `with_past` also counts the earlier periods, for the rate of consistency.
    Raises UnknownReport, UnknownPeriod, ValueError when `as_of` is naive.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    window = context.register.period(report, period)
    declared = context.register.report(report)
    if opening and connection is None:
        open_if_begun(context, report, period)
    asked = {"report": report, "period": period, "as_of": as_of}
    with nullcontext(connection) if connection is not None else context.engine.connect() as reading:
        rows = reading.execute(sa.text("SELECT * FROM core.board(:report, :period, :as_of)"), asked).all()
        past = (
            {row.unit: (row.on_time, row.owed) for row in reading.execute(sa.text(_PAST), asked)} if with_past else {}
        )
    lines = [
        BoardLine(
            row.unit, row.unit_name, row.unit_type, row.status, row.due_at, row.accepted_at, row.days_late,
            row.attempts, row.exempt_reason, row.inherited_by, past.get(row.unit, (0, 0)), row.held,
        )
        for row in rows
    ]  # fmt: skip
    return Board(report, declared.name, period, window.label, declared.clock.value, as_of, sort_lines(lines))


def sort_lines(lines: Iterable[BoardLine]) -> list[BoardLine]:
    """By unit type and Vietnamese name."""
    order = {unit_type.value: place for place, unit_type in enumerate(UnitType)}
    return sorted(lines, key=lambda line: (order.get(line.unit_type, 99), sort_key(line.unit_name), line.unit))


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
