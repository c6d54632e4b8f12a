"""What a unit says on its page of the warnings about its own file: kept beside what it wrote in a workbook, never judged.

Append-only, the last word holds. A verdict never changes by it: the reviewer reads it. The texts are of people and belong in
no log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from etl.findings.model import Finding, Severity
from etl.findings.reasons import cut_reason
from etl.text import normalise
from etl.usecases.accounts import record_action
from etl.usecases.context import Context
from etl.usecases.submission_view import SubmissionView


@dataclass(frozen=True, slots=True)
class Explained:
    """Warnings at one place, which share a reason. `key` names the place in a form; `reason` is what holds now, or "";
    `taken_from`: the attempt that it was taken over from, None where it was given for this one."""

    key: str
    findings: tuple[Finding, ...]
    reason: str
    taken_from: int | None = None


def list_explained(view: SubmissionView) -> list[Explained]:
    """The warnings of a submission by place, in the order in which the sender reads them."""
    places: dict[str, list[Finding]] = {}
    for finding in view.findings:
        if finding.severity is Severity.WARNING:
            places.setdefault(_name_place(finding), []).append(finding)
    return [
        Explained(
            key,
            tuple(found),
            next((finding.reason for finding in found if finding.reason), ""),
            view.origin_of(found[0]),
        )
        for key, found in places.items()
    ]


def explain_warnings(context: Context, view: SubmissionView, texts: Mapping[str, str], *, by: str, role: str) -> int:
    """Keep reasons (key of `list_explained` → text; "" takes one back); how many were new.

    Keys without a warning are left out.
    """
    now = context.clock()
    rows = []
    for one in list_explained(view):
        text = _clean(texts[one.key]) if one.key in texts else one.reason
        if text != one.reason:
            finding = one.findings[0]
            rows.append(
                {
                    "arrival": view.arrival_id, "code": finding.code, "form": finding.form, "sheet": finding.sheet,
                    "cell": finding.cell, "row": finding.row, "column": finding.column, "reason": text, "by": by, "now": now,
                }
            )  # fmt: skip
    if not rows:
        return 0
    with context.engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO core.finding_reason (arrival_id, code, form, sheet, cell, row_key, column_code, reason, given_by, "
                "recorded_at) VALUES (:arrival, :code, :form, :sheet, :cell, :row, :column, :reason, :by, :now)"
            ),
            rows,
        )
        subject = f"{view.report}:{view.period}/{view.unit}/{view.id}"
        record_action(connection, now, by, role, "explain", subject, str(len(rows)))
    return len(rows)


def _name_place(finding: Finding) -> str:
    text = "\x1f".join(part or "" for part in finding.place)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:20]


def _clean(text: str) -> str:
    lines = (normalise(line.replace("\x00", "")) for line in text.splitlines())
    return cut_reason("\n".join(line for line in lines if line))
