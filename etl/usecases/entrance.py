"""What a unit sees that came by its personal link: what it owes and how that stands, its attempts, its own earlier periods.

Reads only, and only of the link's own unit. It knows no HTTP and checks no link: the caller has read one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

import sqlalchemy as sa

from etl.calendar.deadlines import TIMEZONE
from etl.usecases.context import Context
from etl.usecases.submission_view import Sibling, find_counting, list_submissions
from etl.usecases.unit_links import Entrance
from etl.warehouse.connect import raw_connection
from etl.warehouse.review_rows import read_published

Next = Literal["excused", "fill_in", "correct", "amend", "wait", "explain", "done", "pending"]
"""What the unit should do now; `pending`: a file of it is not examined yet; `amend`: an earlier file counts, but the one sent
to replace it was not accepted."""

_OWED: Final = """
SELECT b.*,
       (SELECT count(*)::integer FROM core.counted_now c JOIN core.submission s ON s.id = c.submission_id
        JOIN core.current_finding f ON f.arrival_id = s.arrival_id
        WHERE c.report = b.report AND c.period = b.period AND c.unit = b.unit AND f.severity = 'warning' AND f.reason IS NULL
       ) AS open_warnings,
       EXISTS (SELECT 1 FROM landing.arrival a WHERE a.channel = 'web'
               AND starts_with(a.locator, b.unit || ':' || b.report || ':' || b.period || ':')
               AND NOT EXISTS (SELECT 1 FROM landing.outcome x WHERE x.arrival_id = a.id)) AS is_examining
FROM core.board(:report, :period, :now) b
WHERE b.unit = :unit
"""
# Boards of the last periods only: each is worked out for all units.
_HISTORY: Final = """
WITH own AS (
    SELECT p.report, p.period, p.label, p.window_end FROM register.period p JOIN register.obligation o USING (report, period)
    WHERE o.unit = :unit AND o.retired_at IS NULL AND p.retired_at IS NULL AND p.window_end < :end
    ORDER BY p.window_end DESC, p.report LIMIT :most
)
SELECT own.report, own.period, own.label, b.status, b.due_at, b.accepted_at, b.days_late, b.attempts,
       (SELECT v.verdict FROM core.submission s JOIN core.verdict v ON v.submission_id = s.id
        WHERE s.unit = :unit AND s.report = own.report AND s.period = own.period
        ORDER BY s.received_at DESC, s.id DESC, v.id DESC LIMIT 1) AS verdict
FROM own CROSS JOIN LATERAL core.board(own.report, own.period, :now) b WHERE b.unit = :unit
ORDER BY own.window_end DESC, own.report
"""
_MOST_PERIODS: Final = 12


@dataclass(frozen=True, slots=True)
class OwedReport:
    """How one obligation stands. `status` as on the board; `heir`: name of who files for a unit that ended, or None.

    `open_warnings`: of the submission that counts, not explained yet. `is_published`: what comes now waits to be reopened.
    """

    unit: str
    unit_name: str
    report: str
    report_name: str
    period: str
    period_label: str
    window_start: date
    window_end: date
    due_at: datetime
    status: str
    accepted_at: datetime | None
    days_late: int | None
    exempt_reason: str | None
    held: int
    heir: str | None
    open_warnings: int
    is_published: bool
    next: Next
    attempts: tuple[Sibling, ...]

    @property
    def counting(self) -> Sibling | None:
        """The attempt that counts now."""
        return find_counting(self.attempts)


@dataclass(frozen=True, slots=True)
class PastPeriod:
    """One earlier period of the unit: how it stands on the board, and the verdict on the last file."""

    report: str
    report_name: str
    period: str
    period_label: str
    status: str
    due_at: datetime
    accepted_at: datetime | None
    days_late: int | None
    attempts: int
    verdict: str | None


def read_owed_report(context: Context, entrance: Entrance, now: datetime) -> OwedReport:
    """The obligation of a link as of an aware instant. Raises LookupError where the board has none (any more)."""
    register = context.register
    owed = {"unit": entrance.unit, "report": entrance.report, "period": entrance.period}
    with context.engine.connect() as connection:
        row = connection.execute(sa.text(_OWED), {**owed, "now": now}).mappings().first()
    if row is None:
        raise LookupError("the obligation is on no board")
    with raw_connection(context.engine) as raw:
        is_published = (entrance.report, entrance.period) in read_published(raw, [(entrance.report, entrance.period)])
    window = register.period(entrance.report, entrance.period)
    attempts = tuple(list_submissions(context, **owed))
    heir = None
    if row["inherited_by"]:
        heir = register.name_unit(row["inherited_by"], now.astimezone(TIMEZONE).date())
    return OwedReport(
        **owed, unit_name=row["unit_name"], report_name=register.report(entrance.report).name, period_label=window.label,
        window_start=window.start, window_end=window.end, due_at=row["due_at"], status=row["status"],
        accepted_at=row["accepted_at"], days_late=row["days_late"], exempt_reason=row["exempt_reason"], held=row["held"],
        heir=heir, open_warnings=row["open_warnings"], is_published=is_published,
        next=_choose_next(row["status"], row["held"], row["open_warnings"], row["is_examining"], attempts), attempts=attempts,
    )  # fmt: skip


def list_history(context: Context, entrance: Entrance, now: datetime) -> list[PastPeriod]:
    """The unit's periods that ended before the link's, of all its reports, newest first."""
    register = context.register
    window = register.period(entrance.report, entrance.period)
    with context.engine.connect() as connection:
        rows = connection.execute(
            sa.text(_HISTORY), {"unit": entrance.unit, "end": window.end, "now": now, "most": _MOST_PERIODS}
        ).all()
    return [
        PastPeriod(
            row.report, register.report(row.report).name, row.period, row.label, row.status, row.due_at, row.accepted_at,
            row.days_late, row.attempts, row.verdict,
        )
        for row in rows
    ]  # fmt: skip


def _choose_next(status: str, held: int, open_warnings: int, is_examining: bool, attempts: Sequence[Sibling]) -> Next:
    if is_examining:
        return "pending"
    if status == "exempt":
        return "excused"
    if status in ("on_time", "late"):
        if attempts and attempts[-1].decision == "return" and not attempts[-1].counts:
            return "amend"
        return "explain" if open_warnings else "done"
    if held:
        return "wait"
    return "correct" if status == "rejected" else "fill_in"
