"""What waits for a reviewer's eye: the list of submissions to look at. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import sqlalchemy as sa

from etl.calendar.deadlines import TIMEZONE
from etl.usecases.context import Context

Why = Literal["held", "returned", "rejected", "amendment", "warnings"]
WHY_NAMES: Final[dict[Why, str]] = {
    "held": "hợp lệ, chờ mở lại kỳ",
    "returned": "đã trả lại, chưa có lần nộp thay thế",
    "rejected": "chưa đạt, chưa có lần nộp thay thế",
    "amendment": "bản nộp sửa chưa được chấp nhận, số liệu cũ vẫn đang được tính",
    "warnings": "có cảnh báo chưa giải trình",
}

_WAITING: Final = """
WITH standing AS MATERIALIZED (
    SELECT s.submission_id, s.unit FROM core.standing_submissions('infinity') s WHERE s.report = :report AND s.period = :period
), newest AS (
    SELECT DISTINCT ON (s.unit) s.id FROM core.submission s WHERE s.report = :report AND s.period = :period
    ORDER BY s.unit, s.received_at DESC, s.arrival_id DESC
)
SELECT s.id, s.unit, coalesce(o.unit_name, s.unit) AS unit_name, a.file_name, s.received_at, v.verdict, d.id AS decision_id,
       d.decision, d.decided_by, d.reason, w.open_warnings,
       CASE WHEN d.decision = 'hold' THEN 'held'
            WHEN d.decision = 'return' AND EXISTS (SELECT 1 FROM standing x WHERE x.unit = s.unit) THEN 'amendment'
            WHEN d.decision = 'return' AND d.decided_by <> 'system' THEN 'returned'
            WHEN d.decision = 'return' THEN 'rejected' ELSE 'warnings' END AS why
FROM core.submission s JOIN landing.arrival a ON a.id = s.arrival_id
LEFT JOIN register.obligation o ON o.unit = s.unit AND o.report = s.report AND o.period = s.period AND o.retired_at IS NULL
LEFT JOIN standing c ON c.submission_id = s.id
JOIN LATERAL (SELECT * FROM core.decision x WHERE x.submission_id = s.id ORDER BY x.id DESC LIMIT 1) d ON true
JOIN LATERAL (SELECT x.verdict FROM core.verdict x WHERE x.submission_id = s.id ORDER BY x.id DESC LIMIT 1) v ON true
CROSS JOIN LATERAL (SELECT count(*)::integer AS open_warnings FROM core.current_finding f
                    WHERE f.arrival_id = s.arrival_id AND f.severity = 'warning' AND f.reason IS NULL) w
WHERE s.report = :report AND s.period = :period AND (
    d.decision = 'hold'
    -- What a later file has replaced is nobody's matter any more. One that was to replace what counts is: the unit says that
    -- its figures are wrong, and they would be published.
    OR d.decision = 'return' AND s.id IN (SELECT id FROM newest)
    OR c.submission_id IS NOT NULL AND d.decided_by = 'system' AND w.open_warnings > 0)
ORDER BY s.received_at, s.arrival_id
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A submission to look at. `decision_id` is the last decision, for `decide_submission(expected_decision=…)`;
    `open_warnings`: warnings that the unit gave no reason for."""

    submission: int
    unit: str
    unit_name: str
    file: str
    received_at: datetime
    verdict: str
    decision_id: int
    decision: str
    decided_by: str
    reason: str
    open_warnings: int
    why: Why

    def as_json(self) -> dict[str, object]:
        """One line of `review list --json`."""
        return {
            "submission": self.submission, "unit": self.unit, "unit_name": self.unit_name, "file": self.file,
            "received_at": _iso(self.received_at), "verdict": self.verdict, "decision": self.decision,
            "decided_by": self.decided_by, "reason": self.reason, "open_warnings": self.open_warnings, "why": self.why,
        }  # fmt: skip


def list_waiting(context: Context, report: str, period: str) -> list[Waiting]:
    """Submissions of a period that a reviewer should look at, in order of receipt: held, returned or rejected and not replaced
    (also where an earlier one of the unit still counts), counted with warnings that nobody explained. Raises UnknownReport,
    UnknownPeriod."""
    context.register.period(report, period)
    with context.engine.connect() as connection:
        rows = connection.execute(sa.text(_WAITING), {"report": report, "period": period}).all()
    return [Waiting(*row) for row in rows]


def _iso(instant: datetime) -> str:
    return instant.astimezone(TIMEZONE).isoformat(timespec="seconds")
