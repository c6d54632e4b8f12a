"""What alerts ask the warehouse: how obligations stand, which decisions are to be told, what a digest counts. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg

from etl.alerts.plan import OwedState
from etl.annotation.summary import Verdict
from etl.findings.model import Finding, Severity

Connection = psycopg.Connection[Any]
Obligation = tuple[str, str, str]


def list_live_periods(connection: Connection, first: datetime, last: datetime) -> list[tuple[str, str]]:
    """(report, period) of which something is due between two instants, by report and period."""
    rows = connection.execute(
        "SELECT DISTINCT report, period FROM register.obligation "
        "WHERE retired_at IS NULL AND due_at BETWEEN %s AND %s ORDER BY report, period",
        (first, last),
    ).fetchall()
    return [(row[0], row[1]) for row in rows]


def read_states(connection: Connection, report: str, period: str, as_of: datetime) -> list[OwedState]:
    """Every obligation of a period as of an instant."""
    rows = connection.execute(
        "SELECT unit, status, due_at, attempts, inherited_by, held FROM core.board(%s, %s, %s)", (report, period, as_of)
    ).fetchall()
    return [
        OwedState(
            # Whoever's file waits for us to reopen the period is not reminded to send it.
            unit, report, period, due_at, accepted=status in ("on_time", "late") or held > 0, exempt=status == "exempt",
            received=attempts > 0, heir=heir,
        )
        for unit, status, due_at, attempts, heir, held in rows
    ]  # fmt: skip


def read_state(
    connection: Connection, owed: Collection[Obligation], now: datetime, *, everything: bool = False
) -> dict[Obligation, OwedState]:
    """These obligations (unit, report, period) as of now; those that are no longer on the ledger are left out.

    `everything`: whatever is committed counts, also what carries a later instant.
    """
    ordered = sorted(set(owed))
    rows = connection.execute(
        "SELECT o.unit, o.report, o.period, o.due_at, o.exempt_reason IS NOT NULL OR t.today >= o.passed_on "
        "AND o.lapsed_reason IS NOT NULL, CASE WHEN t.today >= o.passed_on THEN o.inherited_by END, "
        "EXISTS (SELECT 1 FROM core.standing_submissions(t.at) s "
        "        WHERE s.report = o.report AND s.period = o.period AND s.unit = o.unit) "
        "OR EXISTS (SELECT 1 FROM core.submission s JOIN core.decision d ON d.submission_id = s.id AND d.decision = 'hold' "
        "        WHERE s.report = o.report AND s.period = o.period AND s.unit = o.unit AND d.recorded_at <= t.at "
        "        AND NOT EXISTS (SELECT 1 FROM core.decision n WHERE n.submission_id = s.id AND n.id > d.id "
        "                        AND n.recorded_at <= t.at)), "
        "EXISTS (SELECT 1 FROM core.submission s WHERE s.report = o.report AND s.period = o.period AND s.unit = o.unit "
        "        AND s.received_at <= t.at AND s.recorded_at <= t.at) "
        "FROM unnest(%s::text[], %s::text[], %s::text[]) w (unit, report, period) "
        "CROSS JOIN (SELECT %s::timestamptz AS at, (%s::timestamptz AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS today) t "
        "JOIN register.obligation o USING (unit, report, period) WHERE o.retired_at IS NULL",
        (
            [o[0] for o in ordered], [o[1] for o in ordered], [o[2] for o in ordered],
            "infinity" if everything else now, now,
        ),
    ).fetchall()  # fmt: skip
    return {
        (unit, report, period): OwedState(
            unit, report, period, due_at, accepted=accepted, exempt=bool(exempt), received=received, heir=heir
        )
        for unit, report, period, due_at, exempt, heir, accepted, received in rows
    }


@dataclass(frozen=True, slots=True)
class DecisionNotice:
    """A decision that its sender is to be told of: the first of a submission, and each that changes it.

    `decision`: accept, return or hold. `number` counts the decisions of the submission from 1. `people_of`: the unit, or the one
    that it has been passed on to.
    """

    id: int
    unit: str
    report: str
    period: str
    sha256: str
    received_at: datetime
    number: int
    decision: str
    people_of: str


def list_decisions(connection: Connection, submission_ids: Sequence[int], today: date) -> list[DecisionNotice]:
    """The decisions on these submissions that are to be told and are in no row of the outbox yet."""
    rows = connection.execute(
        "SELECT x.id, s.unit, s.report, s.period, s.sha256, s.received_at, x.number, x.decision, "
        "coalesce((SELECT o.inherited_by FROM register.obligation o WHERE o.unit = s.unit AND o.report = s.report "
        "          AND o.period = s.period AND o.retired_at IS NULL AND o.passed_on <= %s), s.unit) FROM ("
        "SELECT d.*, row_number() OVER w AS number, lag(d.decision) OVER w AS before FROM core.decision d "
        "WHERE d.submission_id = ANY(%s) WINDOW w AS (PARTITION BY d.submission_id ORDER BY d.id)) x "
        "JOIN core.submission s ON s.id = x.submission_id WHERE x.before IS DISTINCT FROM x.decision "
        "AND NOT EXISTS (SELECT 1 FROM ops.outbox o WHERE o.decision_id = x.id) ORDER BY x.id",
        (today, list(submission_ids)),
    ).fetchall()
    return [DecisionNotice(*row) for row in rows]


def find_overtaken(connection: Connection, decision_ids: Sequence[int]) -> dict[int, str]:
    """Decision -> why nobody needs to be told of it any more."""
    rows = connection.execute(
        "SELECT d.id, EXISTS (SELECT 1 FROM core.decision n WHERE n.submission_id = d.submission_id AND n.id > d.id "
        "                     AND n.decision <> d.decision), "
        "d.decision = 'return' AND EXISTS (SELECT 1 FROM core.submission s2 JOIN core.decision e "
        "    ON e.submission_id = s2.id AND e.decision = 'accept' WHERE s2.report = s.report AND s2.period = s.period "
        "    AND s2.unit = s.unit AND (s2.received_at, s2.arrival_id) > (s.received_at, s.arrival_id)) "
        "FROM core.decision d JOIN core.submission s ON s.id = d.submission_id WHERE d.id = ANY(%s)",
        (list(decision_ids),),
    ).fetchall()
    found = {}
    for decision_id, changed, accepted_since in rows:
        if changed:
            found[int(decision_id)] = "decided anew since"
        elif accepted_since:
            found[int(decision_id)] = "a later file was accepted"
    return found


@dataclass(frozen=True, slots=True)
class JudgedFile:
    """The file that a decision is about. `file_name` is the sender's own; `reason` of the decision, Vietnamese."""

    arrival_id: int
    file_name: str
    sha256: str
    received_at: datetime
    due_at: datetime | None
    verdict: Verdict
    accepted: bool
    decided_by: str
    reason: str
    is_held: bool = False
    attempt: int = 1
    """Which submission of its obligation this is, in order of receipt."""
    counting: int | None = None
    """Which other submission of its obligation counts now."""


def read_judged_file(connection: Connection, decision_id: int) -> JudgedFile:
    """The file of a decision with its last verdict. Raises LookupError."""
    row = connection.execute(
        "SELECT a.id, a.file_name, a.sha256, s.received_at, o.due_at, v.verdict, d.decision = 'accept', d.decided_by, d.reason, "
        "d.decision = 'hold', (SELECT count(*) FROM core.submission e WHERE e.unit = s.unit AND e.report = s.report "
        "AND e.period = s.period AND (e.received_at, e.id) <= (s.received_at, s.id)), "
        "(SELECT count(*) FROM core.counted_now n JOIN core.submission c ON c.id = n.submission_id JOIN core.submission e "
        "ON e.unit = c.unit AND e.report = c.report AND e.period = c.period AND (e.received_at, e.id) <= (c.received_at, c.id) "
        "WHERE n.unit = s.unit AND n.report = s.report AND n.period = s.period AND n.submission_id <> s.id) "
        "FROM core.decision d JOIN core.submission s ON s.id = d.submission_id JOIN landing.arrival a ON a.id = s.arrival_id "
        "LEFT JOIN register.obligation o ON o.unit = s.unit AND o.report = s.report AND o.period = s.period "
        "AND o.retired_at IS NULL LEFT JOIN LATERAL (SELECT verdict FROM core.verdict v WHERE v.submission_id = s.id "
        "ORDER BY v.id DESC LIMIT 1) v ON true WHERE d.id = %s",
        (decision_id,),
    ).fetchone()
    if row is None:
        raise LookupError(f"no decision {decision_id}")
    # Every load writes a verdict; what a person decided stands in for one that is missing.
    verdict: Verdict = row[5] or ("accepted" if row[6] else "rejected")
    return JudgedFile(
        row[0], row[1], row[2], row[3], row[4], verdict, row[6], row[7], row[8], row[9], row[10], row[11] or None
    )


def read_judged_findings(connection: Connection, arrival_id: int) -> list[Finding]:
    """The findings on a file that hold now, in the order in which the sender reads them."""
    rows = connection.execute(
        "SELECT code, severity, message, fix, form, sheet, cell, row_key, column_code, field, value, expected, reason "
        "FROM core.current_finding WHERE arrival_id = %s ORDER BY ordinal",
        (arrival_id,),
    ).fetchall()
    return [Finding(row[0], Severity(row[1]), *row[2:]) for row in rows]


def count_news(connection: Connection, since: datetime, until: datetime) -> tuple[list[tuple[str, int]], int]:
    """What a digest tells of: (words, number) of what came since an instant and of what waits; letters given up since."""
    row = connection.execute(
        "SELECT (SELECT count(*) FROM core.decision WHERE recorded_at > %(a)s AND recorded_at <= %(b)s AND decision = 'accept'), "
        "(SELECT count(*) FROM core.decision WHERE recorded_at > %(a)s AND recorded_at <= %(b)s AND decision = 'return'), "
        "(SELECT count(*) FROM landing.current_outcome WHERE outcome = 'quarantined' AND recorded_at <= %(b)s), "
        "(SELECT count(*) FROM ops.letter WHERE state = 'failed' AND recorded_at > %(a)s - interval '7 days')",
        {"a": since, "b": until},
    ).fetchone()
    accepted, returned, quarantined, failed = row or (0, 0, 0, 0)
    told = [
        ("lần nộp đạt", accepted),
        ("lần nộp chưa đạt", returned),
        ("tệp chờ xác định đơn vị, kỳ báo cáo", quarantined),
    ]
    return [(what, int(count)) for what, count in told if count], int(failed)
