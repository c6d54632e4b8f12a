"""What reviewers did, in the warehouse: events of periods, decisions on submissions, what is held. Decides nothing.

All functions work inside the caller's transaction; rows are only added.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from etl.warehouse.register_load import REGISTER_LOCK
from etl.warehouse.submission_load import LOAD_LOCK, Connection

HOLD = "hold"
"""The decision on a file that the rules accept while its period is published."""


@dataclass(frozen=True, slots=True)
class PeriodEvent:
    """One action on a period. `version` counts them from 1; `as_of` is set by an approval, `number` by a publishing."""

    id: int
    report: str
    period: str
    version: int
    action: str
    state: str
    by: str
    why: str
    as_of: datetime | None
    number: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class JudgedSubmission:
    """A submission as a reviewer meets it. `decision`: the last one (accept, return, hold) with who took it; None: none yet.

    `is_owed`: its obligation is on the ledger.
    """

    id: int
    unit: str
    report: str
    period: str
    file: str
    received_at: datetime
    recorded_at: datetime
    verdict: str
    decision: str | None
    decision_id: int | None
    decided_by: str | None
    reason: str | None
    decided_at: datetime | None
    is_owed: bool


_EVENT = (
    "id, report, period, version, action, state, decided_by, reason, as_of, publication_number, recorded_at "
    "FROM core.period_event WHERE report = %s AND period = %s"
)
_NEWEST = (
    "SELECT DISTINCT ON (report, period) id, report, period, version, action, state, decided_by, reason, as_of, "
    "publication_number, recorded_at FROM core.period_event ORDER BY report, period, version DESC"
)
_SUBMISSION = """
SELECT s.id, s.unit, s.report, s.period, a.file_name, s.received_at, s.recorded_at,
       coalesce((SELECT v.verdict FROM core.verdict v WHERE v.submission_id = s.id ORDER BY v.id DESC LIMIT 1), ''),
       d.decision, d.id, d.decided_by, d.reason, d.recorded_at,
       EXISTS (SELECT 1 FROM register.obligation o WHERE o.report = s.report AND o.period = s.period AND o.unit = s.unit
               AND o.retired_at IS NULL)
FROM core.submission s JOIN landing.arrival a ON a.id = s.arrival_id
LEFT JOIN LATERAL (SELECT * FROM core.decision x WHERE x.submission_id = s.id ORDER BY x.id DESC LIMIT 1) d ON true
"""


def lock_review(connection: Connection) -> None:
    """Wait until no load and no change of the register is under way, and keep both out until the transaction ends.

    An approval's instant must have everything before it committed; a publishing must not miss a file that is being stored.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOAD_LOCK,))
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (REGISTER_LOCK,))


def read_event(connection: Connection, report: str, period: str) -> PeriodEvent | None:
    """The newest event of a period; None while it is open."""
    row = connection.execute(f"SELECT {_EVENT} ORDER BY version DESC LIMIT 1", (report, period)).fetchone()
    return None if row is None else PeriodEvent(*row)


def read_newest_events(connection: Connection) -> dict[tuple[str, str], PeriodEvent]:
    """The newest event of each (report, period) that has one."""
    rows = connection.execute(_NEWEST.encode()).fetchall()
    events = [PeriodEvent(*row) for row in rows]
    return {(event.report, event.period): event for event in events}


def read_events(connection: Connection, report: str, period: str) -> list[PeriodEvent]:
    """All events of a period, oldest first."""
    rows = connection.execute(f"SELECT {_EVENT} ORDER BY version", (report, period)).fetchall()
    return [PeriodEvent(*row) for row in rows]


def read_published(connection: Connection, periods: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the (report, period) that are published now: what the rules accept there is held."""
    listed = sorted(set(periods))
    rows = connection.execute(
        "SELECT e.report, e.period FROM unnest(%s::text[], %s::text[]) w (report, period) CROSS JOIN LATERAL "
        "(SELECT x.report, x.period, x.state FROM core.period_event x WHERE x.report = w.report AND x.period = w.period "
        "ORDER BY x.version DESC LIMIT 1) e WHERE e.state = 'published'",
        ([report for report, _ in listed], [period for _, period in listed]),
    ).fetchall()
    return {(row[0], row[1]) for row in rows}


def add_event(
    connection: Connection,
    report: str,
    period: str,
    version: int,
    action: str,
    state: str,
    by: str,
    why: str,
    at: datetime,
    *,
    as_of: datetime | None = None,
    number: int | None = None,
) -> PeriodEvent:
    """Record an event, never before the one it follows. Raises psycopg's UniqueViolation for a version that is taken."""
    row = connection.execute(
        "INSERT INTO core.period_event (report, period, version, action, state, decided_by, reason, as_of, "
        "publication_number, recorded_at) SELECT %(r)s, %(p)s, %(v)s, %(a)s, %(s)s, %(by)s, %(why)s, %(as_of)s, %(n)s, "
        "greatest(%(at)s, (SELECT max(e.recorded_at) FROM core.period_event e WHERE e.report = %(r)s AND e.period = %(p)s)) "
        "RETURNING id, recorded_at",
        {
            "r": report, "p": period, "v": version, "a": action, "s": state, "by": by, "why": why, "as_of": as_of,
            "n": number, "at": at,
        },
    ).fetchone()  # fmt: skip
    if row is None:
        raise LookupError("the event was not written")
    return PeriodEvent(row[0], report, period, version, action, state, by, why, as_of, number, row[1])


def choose_instant(connection: Connection, report: str, period: str, now: datetime) -> datetime:
    """An instant as of which all that is known of a period now is known: `now`, or later where something carries a later one.

    Simulated receipts may lie ahead of the clock, and what followed an earlier freeze was recorded after it.
    """
    row = connection.execute(
        "SELECT greatest((SELECT max(greatest(s.recorded_at, s.received_at)) FROM core.submission s "
        "  WHERE s.report = %(r)s AND s.period = %(p)s), "
        "(SELECT max(d.recorded_at) FROM core.submission s JOIN core.decision d ON d.submission_id = s.id "
        "  WHERE s.report = %(r)s AND s.period = %(p)s), "
        "(SELECT max(x.recorded_at) FROM core.submission s JOIN core.examination x ON x.arrival_id = s.arrival_id "
        "  WHERE s.report = %(r)s AND s.period = %(p)s), "
        "(SELECT max(greatest(o.recorded_at, o.retired_at)) FROM register.obligation o "
        "  WHERE o.report = %(r)s AND o.period = %(p)s), "
        "(SELECT max(e.recorded_at) FROM core.period_event e WHERE e.report = %(r)s AND e.period = %(p)s), "
        "(SELECT max(e.as_of) FROM core.period_event e WHERE e.as_of IS NOT NULL))",
        {"r": report, "p": period},
    ).fetchone()
    latest: datetime | None = row[0] if row else None
    # What the register or the period took in after a freeze was lifted to the microsecond after it.
    return now if latest is None or latest < now else latest + timedelta(microseconds=1)


def count_publications(connection: Connection, report: str, period: str) -> int:
    """How many times a period was published."""
    row = connection.execute(
        "SELECT count(*) FROM core.period_event WHERE report = %s AND period = %s AND publication_number IS NOT NULL",
        (report, period),
    ).fetchone()
    return int(row[0]) if row else 0


def read_judged(connection: Connection, submission_id: int) -> JudgedSubmission | None:
    """One submission with its last verdict and decision."""
    row = connection.execute(f"{_SUBMISSION} WHERE s.id = %s", (submission_id,)).fetchone()
    return None if row is None else JudgedSubmission(*row)


def list_judged(connection: Connection, report: str, period: str) -> list[JudgedSubmission]:
    """All submissions of a period, in order of receipt."""
    rows = connection.execute(
        f"{_SUBMISSION} WHERE s.report = %s AND s.period = %s ORDER BY s.received_at, s.arrival_id", (report, period)
    ).fetchall()
    return [JudgedSubmission(*row) for row in rows]


def list_held(connection: Connection, report: str, period: str) -> list[int]:
    """Submissions that wait for their period to be reopened, in order of receipt."""
    rows = connection.execute(
        "SELECT s.id FROM core.submission s JOIN core.decision d ON d.submission_id = s.id AND d.decision = 'hold' "
        "WHERE s.report = %s AND s.period = %s AND NOT EXISTS (SELECT 1 FROM core.decision n "
        "WHERE n.submission_id = s.id AND n.id > d.id) ORDER BY s.received_at, s.arrival_id",
        (report, period),
    ).fetchall()
    return [int(row[0]) for row in rows]


def add_decisions(
    connection: Connection, submission_ids: Sequence[int], decision: str, by: str, why: str, now: datetime
) -> None:
    """Record a decision on each, in the order given; never before what is known of the submission."""
    # One statement, so that what counts is worked out once (core.counted_now); numbers are dealt in the order given.
    connection.execute(
        "INSERT INTO core.decision (submission_id, decision, decided_by, reason, recorded_at) "
        "SELECT s.id, %s, %s, %s, greatest(%s, s.recorded_at, (SELECT max(d.recorded_at) FROM core.decision d "
        "WHERE d.submission_id = s.id)) FROM unnest(%s::bigint[]) WITH ORDINALITY w (id, place) "
        "JOIN core.submission s USING (id) ORDER BY w.place",
        (decision, by, why, now, list(submission_ids)),
    )


def list_standing_changes(
    connection: Connection, report: str, period: str, since: datetime
) -> list[tuple[str, int | None, int | None]]:
    """(unit, submission then, submission now) of the units whose counted submission, or its reading, is another than it was."""
    rows = connection.execute(
        "SELECT coalesce(a.unit, b.unit), a.submission_id, b.submission_id "
        "FROM (SELECT * FROM core.standing_submissions(%(since)s) x WHERE x.report = %(r)s AND x.period = %(p)s) a "
        "FULL JOIN (SELECT * FROM core.standing_submissions('infinity') x WHERE x.report = %(r)s AND x.period = %(p)s) b "
        "ON a.unit = b.unit WHERE (a.submission_id, a.generation) IS DISTINCT FROM (b.submission_id, b.generation) ORDER BY 1",
        {"r": report, "p": period, "since": since},
    ).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]


def find_held(connection: Connection, submission_ids: Collection[int]) -> set[int]:
    """Those of the submissions whose last decision is to hold them."""
    rows = connection.execute(
        "SELECT d.submission_id FROM core.decision d WHERE d.submission_id = ANY(%s) AND d.decision = 'hold' "
        "AND NOT EXISTS (SELECT 1 FROM core.decision n WHERE n.submission_id = d.submission_id AND n.id > d.id)",
        (list(submission_ids),),
    ).fetchall()
    return {int(row[0]) for row in rows}
