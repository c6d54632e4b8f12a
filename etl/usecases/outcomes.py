"""What became of arrivals: accepted, rejected, already received, in quarantine, and why. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from etl.usecases.context import Context


@dataclass(frozen=True, slots=True)
class Outcome:
    """One arrival. `outcome` is a verdict, `already_received`, `quarantined`, `discarded` or `pending`.

    `unit` may be only a hint. `findings` are texts such as "FILE-EMPTY: Tệp rỗng …", errors first; infos are left out.
    """

    arrival_id: int
    file: str
    received_at: datetime
    outcome: str
    unit: str | None
    report: str | None
    period: str | None
    findings: list[str]


_STATEMENT = sa.text(
    """
    SELECT a.id, a.file_name, a.received_at,
           CASE WHEN o.arrival_id IS NULL THEN 'pending' WHEN o.outcome = 'submission' THEN v.verdict ELSE o.outcome END,
           coalesce(s.unit, o.unit_hint), coalesce(s.report, o.report_hint), coalesce(s.period, o.period_hint),
           coalesce((SELECT array_agg(f.code || ': ' || f.message || ' ' || f.fix
                                      ORDER BY array_position(ARRAY['error', 'warning'], f.severity), f.ordinal)
                     FROM core.current_finding f WHERE f.arrival_id = a.id AND f.severity <> 'info'), '{}')
    FROM landing.arrival a
    LEFT JOIN landing.current_outcome o ON o.arrival_id = a.id
    LEFT JOIN core.submission s ON s.arrival_id = a.id
    LEFT JOIN LATERAL (SELECT verdict FROM core.verdict v WHERE v.submission_id = s.id ORDER BY v.id DESC LIMIT 1) v ON true
    WHERE a.id = ANY(:ids)
    ORDER BY a.received_at, a.locator, a.id
    """
)


def read_outcomes(context: Context, arrival_ids: Sequence[int]) -> list[Outcome]:
    """Of these arrivals, in order of receipt."""
    with context.engine.connect() as connection:
        return [Outcome(*row) for row in connection.execute(_STATEMENT, {"ids": list(arrival_ids)})]
