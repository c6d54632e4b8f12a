"""The attempts of one unit for one period, with verdicts and findings. Reads only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from etl.usecases.context import Context

_ATTEMPTS: Final = """
SELECT s.arrival_id, row_number() OVER (ORDER BY s.received_at, s.id) AS number, s.received_at, a.file_name,
       (SELECT v.verdict FROM core.verdict v WHERE v.submission_id = s.id ORDER BY v.id DESC LIMIT 1) AS verdict,
       -- What a person decided; the system's own decision is the verdict once more, unless it holds the file.
       (SELECT CASE WHEN d.decided_by <> 'system' OR d.decision = 'hold' THEN d.decision END FROM core.decision d
        WHERE d.submission_id = s.id ORDER BY d.id DESC LIMIT 1) AS decision
FROM core.submission s JOIN landing.arrival a ON a.id = s.arrival_id
WHERE s.report = :report AND s.period = :period AND s.unit = :unit
ORDER BY number DESC
"""
_FINDINGS: Final = """
SELECT f.arrival_id, f.code, f.severity, f.form, f.sheet, f.cell, f.message, f.fix, f.reason,
       -- What stands in a restricted field (names, telephone numbers) is for nobody's screen.
       CASE WHEN NOT EXISTS (SELECT 1 FROM register.form_field d WHERE d.restricted AND d.retired_at IS NULL
                             AND d.form = f.form AND d.field = f.field) THEN f.value END AS value
FROM core.current_finding f WHERE f.arrival_id = ANY(:arrivals)
ORDER BY array_position(ARRAY['error', 'warning', 'info'], f.severity), f.ordinal
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One submission of a unit. `findings`: rows of core.finding, errors first.

    `decision`: a reviewer's, if any; `hold`: it waits for its period to be reopened.
    """

    number: int
    received_at: datetime
    file: str
    verdict: str | None
    decision: str | None
    findings: list[Any]


def read_attempts(context: Context, report: str, period: str, unit: str) -> list[Attempt]:
    """The attempts of one unit for one period, newest first; empty when nothing was received."""
    with context.engine.connect() as connection:
        rows = connection.execute(sa.text(_ATTEMPTS), {"report": report, "period": period, "unit": unit}).all()
        findings: defaultdict[int, list[Any]] = defaultdict(list)
        for row in connection.execute(sa.text(_FINDINGS), {"arrivals": [row.arrival_id for row in rows]}):
            findings[row.arrival_id].append(row)
    return [
        Attempt(row.number, row.received_at, row.file_name, row.verdict, row.decision, findings[row.arrival_id])
        for row in rows
    ]
