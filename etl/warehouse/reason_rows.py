"""Rows of reasons that units gave on their pages: those of the attempt before, and taking them over. Decides nothing itself.

All functions work inside the caller's transaction. The texts are of people and belong in no log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from etl.findings.model import Finding
from etl.warehouse.submission_load import FINDING_COLUMNS, Connection, finding_values, read_finding

_BEFORE = """
SELECT s.id, s.arrival_id, p.id, p.arrival_id FROM core.submission s
CROSS JOIN LATERAL (
    SELECT e.id, e.arrival_id FROM core.submission e
    WHERE e.report = s.report AND e.period = s.period AND e.unit = s.unit AND (e.received_at, e.id) < (s.received_at, s.id)
    ORDER BY e.received_at DESC, e.id DESC LIMIT 1
) p
WHERE s.id = ANY(%s) AND EXISTS (SELECT 1 FROM core.finding_reason r WHERE r.arrival_id = p.arrival_id)
"""
_GIVEN = """
SELECT {columns}, r.reason, r.given_by, r.taken_from, r.recorded_at
FROM core.stored_finding f
LEFT JOIN LATERAL (
    SELECT g.reason, g.given_by, g.taken_from, g.recorded_at FROM core.finding_reason g
    WHERE g.arrival_id = f.arrival_id AND g.code = f.code
      AND (g.form, g.sheet, g.cell, g.row_key, g.column_code) IS NOT DISTINCT FROM
          (f.form, f.sheet, f.cell, f.row_key, f.column_code)
    ORDER BY g.id DESC LIMIT 1
) r ON true
WHERE f.arrival_id = %s ORDER BY f.ordinal
"""
_INSERT = """
INSERT INTO core.finding_reason
    (arrival_id, code, form, sheet, cell, row_key, column_code, reason, given_by, taken_from, recorded_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class GivenReason:
    """What somebody said on a page. `submission`: the attempt for which it was first said."""

    text: str
    given_by: str
    submission: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class GivenBefore:
    """Of the attempt before: every finding that holds, with what was said of it on the page. `arrival`: of the new one."""

    arrival: int
    reasons: Sequence[tuple[Finding, GivenReason | None]]


@dataclass(frozen=True, slots=True)
class NewReason:
    """A reason for a finding of an arrival, taken over from elsewhere."""

    arrival: int
    finding: Finding
    given: GivenReason
    recorded_at: datetime


def read_given_before(connection: Connection, submissions: Sequence[int]) -> dict[int, GivenBefore]:
    """Submission → what was said of the attempt before it, by receipt; only where anything was."""
    found = {}
    for number, arrival, before, arrival_before in connection.execute(_BEFORE, (list(submissions),)).fetchall():
        query = _GIVEN.format(columns=", ".join(f"f.{name}" for name in FINDING_COLUMNS))
        rows = connection.execute(query.encode(), (arrival_before,)).fetchall()
        found[number] = GivenBefore(arrival, [_read_row(row, before) for row in rows])
    return found


def add_reasons(connection: Connection, rows: Sequence[NewReason]) -> None:
    """Add them; what was said before stays."""
    if rows:
        connection.cursor().executemany(
            _INSERT,
            [
                (row.arrival, *_place(row.finding), given.text, given.given_by, given.submission, row.recorded_at)
                for row in rows
                for given in (row.given,)
            ],
        )


def _place(finding: Finding) -> list[str | None]:
    """As it is stored with the finding: a sheet's name may hold what PostgreSQL does not."""
    stored = dict(zip(FINDING_COLUMNS, finding_values(finding), strict=True))
    return [stored[name] for name in ("code", "form", "sheet", "cell", "row_key", "column_code")]


def _read_row(row: Sequence[Any], before: int) -> tuple[Finding, GivenReason | None]:
    *stored, text, given_by, taken_from, recorded_at = row
    given = GivenReason(text, given_by, before if taken_from is None else taken_from, recorded_at) if text else None
    return read_finding(stored), given
