"""One submission as a reviewer or its own unit looks at it: attempts, findings, decisions, what changed since the one before.

Reads only; bytes come from the landing store under their hash. What stands in a restricted field is given as nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import sqlalchemy as sa

from etl.annotation.annotate import annotate_workbook, name_annotated_copy
from etl.findings.model import Finding, Place
from etl.text import format_date, format_number
from etl.usecases.context import Context
from etl.usecases.review import UnknownSubmission
from etl.warehouse.connect import raw_connection
from etl.warehouse.owed_states import read_judged_findings

_SUBMISSION: Final = """
SELECT s.id, s.unit, coalesce(o.unit_name, s.unit) AS unit_name, s.report, s.period, s.received_at, a.id AS arrival_id,
       a.file_name AS file, a.channel, s.sha256, b.size,
       (SELECT v.verdict FROM core.verdict v WHERE v.submission_id = s.id ORDER BY v.id DESC LIMIT 1) AS verdict,
       (SELECT count(*)::integer FROM core.submission e WHERE e.unit = s.unit AND e.report = s.report
        AND e.period = s.period AND (e.received_at, e.id) <= (s.received_at, s.id)) AS attempt,
       (SELECT count(*)::integer FROM core.submission e WHERE e.unit = s.unit AND e.report = s.report
        AND e.period = s.period) AS attempts,
       EXISTS (SELECT 1 FROM core.standing_submissions('infinity') c WHERE c.report = s.report AND c.period = s.period
               AND c.unit = s.unit AND c.submission_id = s.id) AS counts
FROM core.submission s JOIN landing.arrival a ON a.id = s.arrival_id JOIN landing.blob b ON b.sha256 = s.sha256
LEFT JOIN register.obligation o ON o.unit = s.unit AND o.report = s.report AND o.period = s.period AND o.retired_at IS NULL
"""
_SIBLINGS: Final = """
SELECT s.id, row_number() OVER (ORDER BY s.received_at, s.id)::integer, s.received_at, a.file_name,
       (SELECT v.verdict FROM core.verdict v WHERE v.submission_id = s.id ORDER BY v.id DESC LIMIT 1),
       (SELECT d.decision FROM core.decision d WHERE d.submission_id = s.id ORDER BY d.id DESC LIMIT 1),
       EXISTS (SELECT 1 FROM core.counted_now c WHERE c.submission_id = s.id)
FROM core.submission s JOIN landing.arrival a ON a.id = s.arrival_id
WHERE s.unit = :unit AND s.report = :report AND s.period = :period ORDER BY s.received_at, s.id
"""
# The newest reading of each file; a cell that only one of them has counts as changed.
_CHANGES: Final = """
WITH reading AS (
    SELECT s.id, coalesce((SELECT e.values_generation FROM core.examination e WHERE e.arrival_id = s.arrival_id
                           ORDER BY e.generation DESC LIMIT 1), 1::smallint) AS generation
    FROM core.submission s WHERE s.id IN (:old, :new)
), old AS (
    SELECT o.* FROM core.observation o JOIN reading r ON r.id = o.submission_id AND r.generation = o.generation
    WHERE o.submission_id = :old AND NOT o.restricted
), new AS (
    SELECT o.* FROM core.observation o JOIN reading r ON r.id = o.submission_id AND r.generation = o.generation
    WHERE o.submission_id = :new AND NOT o.restricted
)
SELECT coalesce(n.form, o.form), coalesce(n.row_key, o.row_key), coalesce(n.column_code, o.column_code), n.sheet, n.cell,
       o.raw, o.number, o.date_value, n.raw, n.number, n.date_value, count(*) OVER ()::integer
FROM old o FULL JOIN new n USING (form, row_key, column_code, ordinal)
WHERE (o.number, o.text_value, o.date_value, o.missing) IS DISTINCT FROM (n.number, n.text_value, n.date_value, n.missing)
ORDER BY 1, 2, 3 LIMIT :most
"""
# The last word at each place, where it is one that was taken over from an earlier attempt.
_TAKEN_OVER: Final = """
SELECT x.code, x.form, x.sheet, x.cell, x.row_key, x.column_code, x.taken_from FROM (
    SELECT DISTINCT ON (code, form, sheet, cell, row_key, column_code) r.* FROM core.finding_reason r
    WHERE r.arrival_id = :arrival ORDER BY code, form, sheet, cell, row_key, column_code, r.id DESC
) x WHERE x.taken_from IS NOT NULL AND x.reason <> ''
"""
MOST_CHANGES: Final = 200


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another attempt of the same obligation. `decision`: accept, return, hold, or None. `counts`: its figures are the unit's."""

    id: int
    attempt: int
    received_at: datetime
    file: str
    verdict: str | None
    decision: str | None
    counts: bool


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """One decision on the submission. `id` is what `decide_submission(expected_decision=…)` is given."""

    id: int
    decision: str
    decided_by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """A value that differs from the attempt before, as its sender reads the cells; None: not there."""

    form: str
    row: str
    column: str
    sheet: str | None
    cell: str | None
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class SubmissionView:
    """A submission with all that is known of it. `findings` as its sender reads them, values of restricted fields left out.

    `changes` are against the attempt before (at most MOST_CHANGES of `changes_total`); none for the first attempt.
    `restricted_sheets`: sheets that hold people's data. `taken_over`: place → number of the attempt for which the reason there
    was given first.
    """

    id: int
    unit: str
    unit_name: str
    report: str
    period: str
    received_at: datetime
    arrival_id: int
    file: str
    channel: str
    sha256: str
    size: int
    verdict: str | None
    attempt: int
    attempts: int
    counts: bool
    findings: Sequence[Finding]
    decisions: Sequence[DecisionLine]
    siblings: Sequence[Sibling]
    changes: Sequence[Change]
    changes_total: int
    restricted_sheets: frozenset[str]
    taken_over: Mapping[Place, int] = field(default_factory=dict)

    def origin_of(self, finding: Finding) -> int | None:
        """The attempt that a finding's reason was taken over from; None where it was given for this one."""
        return self.taken_over.get(finding.place)

    @property
    def counting(self) -> Sibling | None:
        """The attempt whose figures are the unit's now: this one, another one, or none."""
        return find_counting(self.siblings)

    @property
    def decision(self) -> DecisionLine | None:
        """The last one."""
        return self.decisions[-1] if self.decisions else None


def read_submission(context: Context, submission_id: int) -> SubmissionView:
    """Raises UnknownSubmission."""
    with context.engine.connect() as connection:
        row = connection.execute(sa.text(f"{_SUBMISSION} WHERE s.id = :id"), {"id": submission_id}).mappings().first()
        if row is None:
            raise UnknownSubmission(f"no submission {submission_id}; see `review list`")
        owed = {"unit": row["unit"], "report": row["report"], "period": row["period"]}
        siblings = [Sibling(*found) for found in connection.execute(sa.text(_SIBLINGS), owed)]
        decisions = [
            DecisionLine(*found)
            for found in connection.execute(
                sa.text(
                    "SELECT id, decision, decided_by, reason, recorded_at FROM core.decision "
                    "WHERE submission_id = :id ORDER BY id"
                ),
                {"id": submission_id},
            )
        ]
        before = next((one for one in siblings if one.attempt == row["attempt"] - 1), None)
        changed = (
            connection.execute(sa.text(_CHANGES), {"old": before.id, "new": submission_id, "most": MOST_CHANGES}).all()
            if before
            else []
        )
        hidden = connection.execute(
            sa.text(
                "SELECT DISTINCT sheet FROM core.observation WHERE submission_id = :id AND restricted AND sheet IS NOT NULL"
            ),
            {"id": submission_id},
        ).scalars()
        restricted_sheets = frozenset(hidden)
        attempts = {one.id: one.attempt for one in siblings}
        taken_over: dict[Place, int] = {
            (found[0], found[1], found[2], found[3], found[4], found[5]): attempts[found[6]]
            for found in connection.execute(sa.text(_TAKEN_OVER), {"arrival": row["arrival_id"]})
            if found[6] in attempts
        }
    with raw_connection(context.engine) as raw:
        findings = read_judged_findings(raw, row["arrival_id"])
    return SubmissionView(
        **row,
        findings=[_without_people(context, finding) for finding in findings],
        decisions=decisions,
        siblings=siblings,
        changes=[_make_change(found) for found in changed],
        changes_total=changed[0][11] if changed else 0,
        restricted_sheets=restricted_sheets,
        taken_over=taken_over,
    )


def find_counting(attempts: Sequence[Sibling]) -> Sibling | None:
    """The attempt whose figures are the unit's now."""
    return next((one for one in attempts if one.counts), None)


def list_submissions(context: Context, unit: str, report: str, period: str) -> list[Sibling]:
    """All attempts of one obligation, oldest first."""
    with context.engine.connect() as connection:
        rows = connection.execute(sa.text(_SIBLINGS), {"unit": unit, "report": report, "period": period})
        return [Sibling(*row) for row in rows]


def read_original(context: Context, view: SubmissionView) -> bytes:
    """The bytes as they arrived. Raises MissingBytes."""
    return context.landing.get(view.sha256)


def write_annotated(context: Context, view: SubmissionView) -> tuple[str, bytes]:
    """(file name, the sender's workbook with its findings marked). Raises CannotAnnotate (no intact .xlsx), MissingBytes."""
    data = context.landing.get(view.sha256)
    with raw_connection(context.engine) as raw:
        findings = read_judged_findings(raw, view.arrival_id)
    return name_annotated_copy(view.file, data), annotate_workbook(
        data, findings, f"{view.unit} {view.report} {view.period}"
    )


def _make_change(row: Sequence[Any]) -> Change:
    return Change(row[0], row[1], row[2], row[3], row[4], _show_written(*row[5:8]), _show_written(*row[8:11]))


def _show_written(raw: str | None, number: Decimal | None, day: date | None) -> str | None:
    """A value as its sender reads it: what the file keeps as a number or a date is no text of theirs; a text stays theirs."""
    if raw is None:
        return None
    if day is not None and raw.startswith(day.isoformat()):
        return format_date(day)
    try:
        # "1.234" typed as a text is not what Decimal makes of it: such a text is left alone.
        is_figure = number is not None and Decimal(raw) == number
    except InvalidOperation:
        is_figure = False
    return format_number(number) if is_figure and number is not None else raw


def _without_people(context: Context, finding: Finding) -> Finding:
    form = context.forms.get(finding.form or "")
    if form is None or finding.field is None:
        return finding
    declared = [place for version in form.versions for place in (*version.fields, *version.columns)]
    if any(place.restricted and finding.field in (place.code, getattr(place, "field", None)) for place in declared):
        # The texts quote what was found.
        texts = (finding.message, finding.fix)
        message, fix = (text.replace(finding.value, "…") if finding.value else text for text in texts)
        return replace(finding, value=None, message=message, fix=fix)
    return finding
