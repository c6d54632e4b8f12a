"""What the warehouse holds of files that were examined before: to examine them again and to see what would change. Reads only.

All functions work inside the caller's transaction.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from etl.warehouse.submission_load import FINDING_COLUMNS, Arrival, Connection

_SUBMISSIONS = """
WITH newest AS (
    SELECT DISTINCT ON (s.unit) s.id FROM core.submission s WHERE s.report = %(report)s AND s.period = %(period)s
    ORDER BY s.unit, s.received_at DESC, s.arrival_id DESC
), wanted AS (
    SELECT id FROM newest UNION
    SELECT a.submission_id FROM core.standing_submissions('infinity') a WHERE a.report = %(report)s AND a.period = %(period)s
)
SELECT s.id, s.unit, s.report, s.period, e.generation, e.values_generation, v.verdict,
       EXISTS (SELECT 1 FROM core.decision d WHERE d.submission_id = s.id AND d.decided_by <> 'system'),
       a.id, a.file_name, s.sha256, s.received_at, a.hints,
       (SELECT json_build_object('unit', t.unit, 'report', t.report, 'period', t.period)::text FROM landing.attribution t
        WHERE t.arrival_id = a.id ORDER BY t.generation DESC LIMIT 1)
FROM wanted w JOIN core.submission s ON s.id = w.id JOIN landing.arrival a ON a.id = s.arrival_id
JOIN LATERAL (SELECT x.generation, x.values_generation FROM core.examination x WHERE x.arrival_id = s.arrival_id
              ORDER BY x.generation DESC LIMIT 1) e ON true
JOIN LATERAL (SELECT x.verdict FROM core.verdict x WHERE x.submission_id = s.id ORDER BY x.id DESC LIMIT 1) v ON true
ORDER BY s.received_at, a.locator, a.id
"""
_QUARANTINE = """
SELECT e.generation, a.id, a.file_name, a.sha256, a.received_at, a.hints
FROM landing.current_outcome o JOIN landing.arrival a ON a.id = o.arrival_id
JOIN LATERAL (SELECT x.generation FROM core.examination x WHERE x.arrival_id = a.id ORDER BY x.generation DESC LIMIT 1) e ON true
WHERE o.outcome = 'quarantined' ORDER BY a.received_at, a.locator, a.id
"""
_VALUES = """
SELECT o.submission_id, o.form, o.form_version, o.row_key, o.column_code, o.ordinal, o.measure, o.number, o.text_value,
       o.date_value, o.decimals, o.raw, o.missing, o.sheet, o.cell, o.aggregation, o.restricted, o.compare_key,
       o.generation
FROM core.observation o JOIN unnest(%s::bigint[], %s::smallint[]) w (submission_id, generation) USING (submission_id, generation)
"""


@dataclass(frozen=True, slots=True)
class StoredSubmission:
    """A submission with its last verdict. `values_generation`: the reading whose observations hold; `is_reviewed`: a person
    has decided on it."""

    id: int
    obligation: tuple[str, str, str]
    generation: int
    values_generation: int
    verdict: str
    is_reviewed: bool
    arrival: Arrival


def read_submissions(connection: Connection, report: str, period: str) -> list[StoredSubmission]:
    """Of each unit the submission that counts and the one received last (often the same), in order of receipt."""
    rows = connection.execute(_SUBMISSIONS, {"report": report, "period": period}).fetchall()
    return [
        StoredSubmission(
            row[0], (row[1], row[2], row[3]), row[4], row[5], row[6], row[7],
            Arrival(row[8], row[9], row[10], row[11], json.loads(row[12]), json.loads(row[13] or "{}")),
        )
        for row in rows
    ]  # fmt: skip


def read_quarantined(connection: Connection) -> list[tuple[Arrival, int]]:
    """Arrivals in quarantine with the number of their last reading, in order of receipt."""
    return [
        (Arrival(row[1], row[2], row[3], row[4], json.loads(row[5])), row[0])
        for row in connection.execute(_QUARANTINE).fetchall()
    ]


def read_findings(connection: Connection, arrivals: Sequence[int]) -> dict[int, list[tuple[Any, ...]]]:
    """Arrival id → the findings that hold, as tuples of FINDING_COLUMNS in the sender's order.

    As they were stored: reasons that a unit gave on its page since are no part of a reading.
    """
    columns = ", ".join(f"f.{name}" for name in FINDING_COLUMNS)
    found: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    query = f"SELECT f.arrival_id, {columns} FROM core.stored_finding f WHERE f.arrival_id = ANY(%s) ORDER BY f.ordinal"  # noqa: S608
    for row in connection.execute(query.encode(), (list(arrivals),)):
        found[row[0]].append(tuple(row[1:]))
    return found


def read_values(connection: Connection, submissions: Iterable[StoredSubmission]) -> dict[int, set[tuple[Any, ...]]]:
    """Submission id → its observations that hold, as rows of core.observation without their generation."""
    listed = list(submissions)
    found: defaultdict[int, set[tuple[Any, ...]]] = defaultdict(set)
    rows = connection.execute(_VALUES, ([one.id for one in listed], [one.values_generation for one in listed]))
    for row in rows:
        found[row[0]].add(tuple(row[:-1]))
    return found
