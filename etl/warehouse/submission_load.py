"""Writes examined files into the warehouse: submissions, observations, findings, verdicts, decisions. Decides nothing.

All functions work inside the caller's transaction. Observations go by COPY: row by row they would cost more than reading.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from etl.examination import Examined
from etl.findings.model import Finding, Severity

Connection = psycopg.Connection[Any]
LOAD_LOCK = 7_260_002
"""Advisory lock of a load: one at a time, so that "the newest submission" means the same to all."""

SYSTEM = "system"
_OBSERVATION_TYPES = (
    "int8", "text", "text", "text", "text", "int2", "text", "numeric", "text", "date", "int2", "text", "text", "text",
    "text", "text", "bool",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Arrival:
    """A pending arrival as the warehouse knows it."""

    id: int
    file_name: str
    sha256: str
    received_at: datetime
    hints: dict[str, str]


def read_pending(connection: Connection, arrival_ids: Sequence[int]) -> list[Arrival]:
    """The arrivals of these ids that have no outcome yet, in order of receipt."""
    rows = connection.execute(
        "SELECT a.id, a.file_name, a.sha256, a.received_at, a.hints FROM landing.arrival a WHERE a.id = ANY(%s) "
        "AND NOT EXISTS (SELECT 1 FROM landing.outcome o WHERE o.arrival_id = a.id) "
        "ORDER BY a.received_at, a.locator, a.id",
        (list(arrival_ids),),
    ).fetchall()
    return [Arrival(row[0], row[1], row[2], row[3], json.loads(row[4])) for row in rows]


def find_newest(connection: Connection, unit: str, report: str, period: str) -> tuple[int, str, datetime] | None:
    """(id, sha256, receipt) of an obligation's newest submission, or None."""
    row = connection.execute(
        "SELECT id, sha256, received_at FROM core.submission WHERE unit = %s AND report = %s AND period = %s "
        "ORDER BY received_at DESC, arrival_id DESC LIMIT 1",
        (unit, report, period),
    ).fetchone()
    return (row[0], row[1], row[2]) if row else None


def write_submission(connection: Connection, arrival: Arrival, examined: Examined, recorded_at: datetime) -> int:
    """A submission with its verdict and the system's decision; its id. Observations and findings are copied apart."""
    identity = examined.identity
    if identity.unit is None or identity.report is None or identity.period is None:
        raise ValueError(f"arrival {arrival.id} is not attributed and cannot become a submission")
    row = connection.execute(
        "INSERT INTO core.submission (arrival_id, unit, report, period, received_at, sha256, form_versions, recorded_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (
            arrival.id, identity.unit.code, identity.report.code, identity.period.code, arrival.received_at,
            arrival.sha256, json.dumps(examined.form_versions), recorded_at,
        ),
    ).fetchone()  # fmt: skip
    assert row is not None  # noqa: S101 - RETURNING gives a row or raises
    submission_id: int = row[0]
    tally = {severity: sum(f.severity is severity for f in examined.findings) for severity in Severity}
    connection.execute(
        "INSERT INTO core.verdict (submission_id, verdict, errors, warnings, infos, recorded_at) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        (
            submission_id, examined.verdict, tally[Severity.ERROR], tally[Severity.WARNING], tally[Severity.INFO],
            recorded_at,
        ),
    )  # fmt: skip
    rejected = examined.verdict == "rejected"
    connection.execute(
        "INSERT INTO core.decision (submission_id, decision, decided_by, reason, recorded_at) VALUES (%s, %s, %s, %s, %s)",
        (
            submission_id, "return" if rejected else "accept", SYSTEM,
            "Có lỗi theo quy tắc kiểm tra" if rejected else "Đạt quy tắc kiểm tra", recorded_at,
        ),
    )  # fmt: skip
    return submission_id


def write_outcome(
    connection: Connection, arrival: Arrival, outcome: str, recorded_at: datetime, submission_id: int | None,
    hints: dict[str, str],
) -> None:  # fmt: skip
    """What became of an arrival; it is no longer pending then."""
    connection.execute(
        "INSERT INTO landing.outcome (arrival_id, outcome, submission_id, unit_hint, report_hint, period_hint, recorded_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (
            arrival.id, outcome, submission_id, hints.get("unit"), hints.get("report"), hints.get("period"), recorded_at,
        ),
    )  # fmt: skip


def copy_observations(connection: Connection, loaded: Iterable[tuple[int, Examined]]) -> None:
    """Every cell of the loaded submissions, also empty and unreadable ones, with raw text and coordinates."""
    with connection.cursor().copy("COPY core.observation FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(_OBSERVATION_TYPES)
        for submission_id, examined in loaded:
            for row in _observation_rows(submission_id, examined):
                copy.write_row(row)


def _observation_rows(submission_id: int, examined: Examined) -> Iterator[tuple[Any, ...]]:
    versions = examined.submission.parsed.versions
    measures: dict[tuple[str, str, str], str] = {}
    for key, cell in examined.submission.parsed.cells.items():
        version = versions[key.form]
        place = (key.form, key.row if version.rows or version.fields else "", key.column)
        measure = measures.get(place)
        if measure is None:
            measure = measures[place] = version.measure_of(key.form, key.row, key.column)
        value, declared = cell.value, cell.declared
        yield (
            submission_id, key.form, version.version, key.row, key.column, key.ordinal, measure, value.number, value.text,
            value.day, value.decimals, _storable(cell.raw), value.missing, cell.sheet, cell.cell, declared.aggregation,
            declared.restricted,
        )  # fmt: skip


def copy_findings(connection: Connection, findings: Iterable[tuple[int, Sequence[Finding], datetime]]) -> None:
    """All findings of arrivals, numbered in the order in which the sender reads them."""
    columns = (
        "arrival_id, ordinal, code, severity, form, sheet, cell, row_key, column_code, field, value, expected, message, "
        "fix, recorded_at"
    )
    with connection.cursor().copy(f"COPY core.finding ({columns}) FROM STDIN") as copy:
        for arrival_id, found, recorded_at in findings:
            for ordinal, f in enumerate(found, start=1):
                copy.write_row(
                    (
                        arrival_id, ordinal, f.code, f.severity.value, f.form, _storable(f.sheet), f.cell, f.row,
                        f.column, f.field, _storable(f.value), _storable(f.expected), _storable(f.message),
                        _storable(f.fix), recorded_at,
                    )
                )  # fmt: skip


def _storable(text: str | None) -> str | None:
    """PostgreSQL stores no NUL character and no lone surrogate; the bytes in the landing store keep the original."""
    if text is None:
        return None
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
