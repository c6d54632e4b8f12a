"""Writes examined files into the warehouse: submissions, observations, findings, verdicts, decisions. Decides nothing.

All functions work inside the caller's transaction. Observations go by COPY: row by row they would cost more than reading.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from etl.examination import Examined
from etl.findings.model import Finding, Severity
from etl.forms.declaration import Value
from etl.text import document_key, name_key

Connection = psycopg.Connection[Any]
Obligation = tuple[str, str, str]
"""Codes of unit, report and period."""

LOAD_LOCK = 7_260_002
"""Advisory lock of a load: one at a time, so that "the newest submission" means the same to all."""

SYSTEM = "system"
_REASONS = {
    "accept": "Đạt quy tắc kiểm tra",
    "return": "Có lỗi theo quy tắc kiểm tra",
    "hold": "Đạt quy tắc kiểm tra; kỳ báo cáo đã công bố, chờ mở lại kỳ",
}
_OBSERVATION_TYPES = (
    "int8", "text", "text", "text", "text", "int4", "text", "numeric", "text", "date", "int2", "text", "text", "text",
    "text", "text", "bool", "text", "int2",
)  # fmt: skip
FINDING_COLUMNS = (
    "code", "severity", "form", "sheet", "cell", "row_key", "column_code", "field", "value", "expected", "message", "fix",
    "reason",
)  # fmt: skip
"""Of core.finding: what a finding says, in the order of `finding_values`."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A pending arrival as the warehouse knows it."""

    id: int
    file_name: str
    sha256: str
    received_at: datetime
    hints: dict[str, str]
    attributed: dict[str, str] = field(default_factory=dict)
    """Unit, report and period as a person has settled them; empty for almost every arrival."""
    size: int | None = None
    """Of its bytes; None where it was not read with the rest."""


def read_pending(connection: Connection, arrival_ids: Sequence[int]) -> list[Arrival]:
    """The arrivals of these ids that have no outcome yet, in order of receipt."""
    rows = connection.execute(
        "SELECT a.id, a.file_name, a.sha256, a.received_at, a.hints, b.size FROM landing.arrival a "
        "JOIN landing.blob b USING (sha256) WHERE a.id = ANY(%s) "
        "AND NOT EXISTS (SELECT 1 FROM landing.outcome o WHERE o.arrival_id = a.id) "
        "ORDER BY a.received_at, a.locator, a.id",
        (list(arrival_ids),),
    ).fetchall()
    return [Arrival(row[0], row[1], row[2], row[3], json.loads(row[4]), size=row[5]) for row in rows]


@dataclass(frozen=True, slots=True)
class Newest:
    """The submission of an obligation that was received last."""

    submission_id: int
    sha256: str
    received_at: datetime


def read_newest(connection: Connection, obligations: Collection[Obligation]) -> dict[Obligation, Newest]:
    """The newest submission of each obligation that has one."""
    rows = connection.execute(
        "SELECT DISTINCT ON (s.unit, s.report, s.period) s.unit, s.report, s.period, s.id, s.sha256, s.received_at "
        "FROM core.submission s JOIN unnest(%s::text[], %s::text[], %s::text[]) w (unit, report, period) "
        "USING (unit, report, period) ORDER BY s.unit, s.report, s.period, s.received_at DESC, s.arrival_id DESC",
        _columns_of(obligations),
    ).fetchall()
    return {(row[0], row[1], row[2]): Newest(row[3], row[4], row[5]) for row in rows}


def read_owed(connection: Connection, obligations: Collection[Obligation]) -> set[Obligation]:
    """Those of the obligations that are on the ledger."""
    rows = connection.execute(
        "SELECT o.unit, o.report, o.period FROM register.obligation o "
        "JOIN unnest(%s::text[], %s::text[], %s::text[]) w (unit, report, period) USING (unit, report, period) "
        "WHERE o.retired_at IS NULL",
        _columns_of(obligations),
    ).fetchall()
    return {(row[0], row[1], row[2]) for row in rows}


def _columns_of(obligations: Collection[Obligation]) -> tuple[list[str], list[str], list[str]]:
    ordered = sorted(obligations)
    return [o[0] for o in ordered], [o[1] for o in ordered], [o[2] for o in ordered]


def reserve_submission_ids(connection: Connection, number: int) -> Iterator[int]:
    """Ids for that many submissions; those not used are lost, which harms nobody."""
    rows = connection.execute(
        "SELECT nextval(pg_get_serial_sequence('core.submission', 'id')) FROM generate_series(1, %s)", (number,)
    ).fetchall()
    return iter([int(row[0]) for row in rows])


@dataclass(frozen=True, slots=True)
class Reading:
    """One examining of an arrival's bytes: its number from 1, who asked for it and why (Vietnamese)."""

    generation: int = 1
    by: str = SYSTEM
    why: str = "Tệp mới đến"


@dataclass(slots=True)
class LoadRows:
    """What one load writes, gathered first: a few statements for a batch instead of several a file."""

    submissions: list[tuple[Any, ...]] = field(default_factory=list)
    examinations: list[tuple[Any, ...]] = field(default_factory=list)
    verdicts: list[tuple[Any, ...]] = field(default_factory=list)
    decisions: list[tuple[Any, ...]] = field(default_factory=list)
    outcomes: list[tuple[Any, ...]] = field(default_factory=list)

    def add_submission(
        self, submission_id: int, arrival: Arrival, obligation: Obligation, examined: Examined, recorded_at: datetime
    ) -> None:
        """A submission; its verdict follows when all rules have run."""
        versions = json.dumps(examined.form_versions)
        self.submissions.append(
            (submission_id, arrival.id, *obligation, arrival.received_at, arrival.sha256, versions, recorded_at)
        )

    def add_verdict(
        self,
        submission_id: int,
        examined: Examined,
        recorded_at: datetime,
        generation: int = 1,
        decides: bool = True,
        reason: str | None = None,
        *,
        is_held: bool = False,
    ) -> None:
        """A submission's verdict and, where it `decides`, the system's decision with its reason (default: the verdict's).

        `is_held`: its period is published, so that what the rules accept waits for the period to be reopened.
        """
        tally = Counter(finding.severity for finding in examined.findings)
        counts = (tally[Severity.ERROR], tally[Severity.WARNING], tally[Severity.INFO])
        self.verdicts.append((submission_id, examined.verdict, *counts, recorded_at, generation))
        if decides:
            decision = "return" if examined.verdict == "rejected" else "hold" if is_held else "accept"
            self.decisions.append((submission_id, decision, SYSTEM, reason or _REASONS[decision], recorded_at))

    def add_examination(self, arrival_id: int, reading: Reading, recorded_at: datetime, values_generation: int) -> None:
        """Who had an arrival's bytes examined, and why."""
        self.examinations.append(
            (arrival_id, reading.generation, values_generation, reading.by, reading.why, recorded_at)
        )

    def add_outcome(
        self,
        arrival: Arrival,
        outcome: str,
        recorded_at: datetime,
        submission_id: int | None,
        hints: Mapping[str, str],
        generation: int = 1,
    ) -> None:
        """What became of an arrival; it is no longer pending then."""
        hinted = (hints.get("unit"), hints.get("report"), hints.get("period"))
        self.outcomes.append((arrival.id, generation, outcome, submission_id, *hinted, recorded_at))

    def write_submissions(self, connection: Connection) -> None:
        """The submissions: before their observations, and before all that refers to them."""
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO core.submission (id, arrival_id, unit, report, period, received_at, sha256, form_versions, "
                "recorded_at) OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                self.submissions,
            )

    def write_judgements(self, connection: Connection) -> None:
        """Everything else."""
        for table, rows in (
            (
                "core.examination (arrival_id, generation, values_generation, examined_by, reason, recorded_at)",
                self.examinations,
            ),
            ("core.verdict (submission_id, verdict, errors, warnings, infos, recorded_at, generation)", self.verdicts),
            # One statement, so that what counts is worked out once (core.counted_now).
            ("core.decision (submission_id, decision, decided_by, reason, recorded_at)", self.decisions),
            (
                "landing.outcome (arrival_id, generation, outcome, submission_id, unit_hint, report_hint, period_hint, "
                "recorded_at)",
                self.outcomes,
            ),
        ):
            if rows:
                with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)


def copy_observations(connection: Connection, loaded: Iterable[tuple[int, Examined, int]]) -> None:
    """(submission id, what was read, generation of the reading): every cell of the loaded submissions, also empty and
    unreadable ones, with raw text and coordinates."""
    with connection.cursor().copy("COPY core.observation FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(_OBSERVATION_TYPES)
        for submission_id, examined, generation in loaded:
            for row in observation_rows(submission_id, examined, generation):
                copy.write_row(row)


def observation_rows(submission_id: int, examined: Examined, generation: int = 1) -> Iterator[tuple[Any, ...]]:
    """Rows of core.observation, in the order of its columns."""
    versions = examined.submission.parsed.versions
    measures: dict[tuple[str, str, str], str] = {}
    sheets: dict[str | None, str | None] = {}
    for key, cell in examined.submission.parsed.cells.items():
        version = versions[key.form]
        place = (key.form, key.row if version.rows or version.fields else "", key.column)
        measure = measures.get(place)
        if measure is None:
            measure = measures[place] = version.measure_of(key.form, key.row, key.column)
        value, declared, raw, sheet = cell.value, cell.declared, cell.raw, cell.sheet
        if sheet not in sheets:
            sheets[sheet] = _storable(sheet)
        yield (
            submission_id, key.form, version.version, key.row, key.column, key.ordinal, measure, value.number, value.text,
            value.day, value.decimals, raw if raw is None or raw.isalnum() else _storable(raw), value.missing, sheets[sheet],
            cell.cell, declared.aggregation, declared.restricted, _compare_key(declared, value.text), generation,
        )  # fmt: skip


def _compare_key(declared: Value, text: str | None) -> str | None:
    """A digest, not the key: its length does not depend on what a sender wrote."""
    if declared.identifies is None or text is None:
        return None
    key = document_key(text) if declared.identifies == "document" else name_key(text)
    return hashlib.blake2b(key.encode(), digest_size=16).hexdigest() if key else None


def refresh_statistics(connection: Connection) -> None:
    """Have the server count what a load has changed, before anybody reads it.

    What counts is found by joining these tables with themselves and with the cells: before the server has counted new rows by
    itself, some minutes later, a board was planned for a handful of them and took half a minute, the figures of a year four.
    The small tables cost a hundredth of a second; the cells are counted when they have grown by a fifth.
    """
    connection.execute("ANALYZE core.submission, core.decision, core.examination, core.counted_now")
    row = connection.execute(
        "SELECT pg_relation_size(oid) > 1.2 * relpages * current_setting('block_size')::integer FROM pg_class "
        "WHERE oid = 'core.observation'::regclass"
    ).fetchone()
    if row is not None and row[0]:
        connection.execute("ANALYZE core.observation")


def copy_findings(connection: Connection, findings: Iterable[tuple[int, int, Sequence[Finding], datetime]]) -> None:
    """(arrival id, generation, findings, recorded at): numbered in the order in which the sender reads them."""
    columns = ", ".join(("arrival_id", "generation", "ordinal", *FINDING_COLUMNS, "recorded_at"))
    with connection.cursor().copy(f"COPY core.finding ({columns}) FROM STDIN") as copy:
        for arrival_id, generation, found, recorded_at in findings:
            for ordinal, finding in enumerate(found, start=1):
                copy.write_row((arrival_id, generation, ordinal, *finding_values(finding), recorded_at))


def finding_values(f: Finding) -> tuple[str | None, ...]:
    """What is stored of a finding, in the order of FINDING_COLUMNS."""
    return (
        f.code, f.severity.value, f.form, _storable(f.sheet), f.cell, f.row, f.column, f.field, _storable(f.value),
        _storable(f.expected), _storable(f.message), _storable(f.fix), _storable(f.reason),
    )  # fmt: skip


def read_finding(stored: Sequence[Any]) -> Finding:
    """A finding out of what `finding_values` gave."""
    code, severity, *place, message, fix, reason = stored
    return Finding(code, Severity(severity), message, fix, *[*place, reason])


def _storable(text: str | None) -> str | None:
    """PostgreSQL stores no NUL character and no lone surrogate; the bytes in the landing store keep the original."""
    if text is None or (text.isascii() and "\x00" not in text):
        return text
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
