"""Reasons that a unit gave on its page for the file before, taken over to the next one where the same warning comes again.

Added when the next file is loaded, with the attempt they come from; nothing of the earlier file changes. A reason in the new
workbook goes first, and one whose figure is another now stays behind: what it explained is no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from etl.examination import Examined
from etl.findings.model import Finding, Place, Severity
from etl.findings.reasons import key_findings, match_reasons
from etl.warehouse.reason_rows import GivenReason, NewReason, add_reasons, read_given_before
from etl.warehouse.submission_load import Connection


def carry_reasons(connection: Connection, loaded: Sequence[tuple[int, Examined, datetime]]) -> int:
    """(submission, what was found in it, when that is recorded) → how many reasons were taken over.

    Inside the transaction of the load, after the findings and reasons of the files before were stored.
    """
    before = read_given_before(connection, [number for number, _, _ in loaded])
    rows = []
    for number, examined, recorded_at in loaded:
        if number in before:
            matched = _match(examined, before[number].reasons)
            rows += [
                # Known from when it was given, where a simulated file is older than that.
                NewReason(before[number].arrival, finding, given, max(recorded_at, given.recorded_at))
                for finding, given in matched
            ]
    add_reasons(connection, rows)
    return len(rows)


def _match(
    examined: Examined, given: Sequence[tuple[Finding, GivenReason | None]]
) -> list[tuple[Finding, GivenReason]]:
    """Warnings without a reason of their own, each with the one given before; one for findings that share a place."""
    keys = key_findings([finding for finding, _ in given])
    reasons = {key: reason for key, (_, reason) in zip(keys, given, strict=True)}
    texts = {key: reason.text if reason else "" for key, reason in reasons.items()}
    numbered = {form for form, version in examined.submission.parsed.versions.items() if version.rows_from == "open"}
    sources = match_reasons(examined.findings, texts, numbered, changed=False)
    found: dict[Place, tuple[Finding, GivenReason]] = {}
    for finding, source in zip(examined.findings, sources, strict=True):
        reason = reasons[source] if source is not None else None
        if reason is not None and finding.severity is Severity.WARNING and not finding.reason:
            found.setdefault(finding.place, (finding, reason))
    return list(found.values())
