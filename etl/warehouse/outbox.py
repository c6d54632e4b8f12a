"""The outbox in the warehouse: rows planned, letters claimed by one worker each, sent, failed or cancelled.

All functions work inside the caller's transaction. It must not decide what is due (`etl.alerts.plan` does) nor send
anything, and it logs nothing: its rows hold addresses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

import psycopg

from etl.alerts.plan import Due, Key, Pause, Recipient, derive_message_id
from etl.register.alerting import ContactRole, LetterKind

Connection = psycopg.Connection[Any]
Kind = Literal["reminder", "list", "notice", "digest"]

PLAN_LOCK = 7_260_004
"""Advisory lock of planning: two planners at once would count the same recipient's letters twice."""
MUTE_LOCK = 7_260_005
"""Advisory lock of mutes: of two at once neither would see the other's, and the last would win unseen."""
MOST_ATTEMPTS = 6
"""After so many failed tries a letter is given up and shown to the standing office."""
_BACKOFF = (1, 5, 15, 60, 180)
"""Minutes to wait after each failed try."""


@dataclass(frozen=True, slots=True)
class NewRow:
    """One row to be written; `decision_id` where it answers a submission, `arrival_id` where a file that became none."""

    unit: str
    report: str
    period: str
    rung: str
    occasion: str
    recipient: Recipient
    people_of: str
    role: ContactRole
    letter: LetterKind
    due_at: datetime | None
    until: datetime
    decision_id: int | None = None
    arrival_id: int | None = None

    @property
    def key(self) -> Key:
        """What is unique."""
        return self.unit, self.report, self.period, self.rung, self.occasion, self.recipient.address


@dataclass(frozen=True, slots=True)
class NewLetter:
    """Rows that go to one recipient in one letter."""

    kind: Kind
    rows: Sequence[NewRow]


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One row of a claimed letter. Instants are aware."""

    id: int
    unit: str
    report: str
    period: str
    rung: str
    occasion: str
    people_of: str
    role: ContactRole
    letter: LetterKind
    due_at: datetime | None
    valid_until: datetime
    decision_id: int | None
    arrival_id: int | None


@dataclass(frozen=True, slots=True)
class ClaimedLetter:
    """A letter that this worker alone may send until its lease is over. `message_id` has no domain yet."""

    id: int
    message_id: str
    kind: Kind
    recipient: Recipient
    attempts: int


def letter_of(rows: Sequence[Due]) -> NewLetter:
    """A planned reminder as rows of the outbox."""
    lists = rows[0].letter is LetterKind.LATE_LIST
    return NewLetter(
        "list" if lists else "reminder",
        [
            NewRow(
                row.unit, row.report, row.period, row.rung, "", row.recipient, row.people_of, row.role, row.letter,
                row.due_at, row.until,
            )
            for row in rows
        ],
    )  # fmt: skip


def lock_planning(connection: Connection) -> None:
    """Take the turn to plan, until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (PLAN_LOCK,))


def add_letters(connection: Connection, letters: Sequence[NewLetter], day: date, now: datetime) -> int:
    """Write letters with their rows; how many letters were written.

    What is there already stays as it is, but a row or letter that was cancelled is taken up again.
    """
    if not letters:
        return 0
    ids = [derive_message_id(row.key for row in letter.rows) for letter in letters]
    heads = [letter.rows[0].recipient for letter in letters]
    written = connection.execute(
        "INSERT INTO ops.letter AS l (message_id, kind, recipient, recipient_name, planned_day, recorded_at) "
        "SELECT n.*, %s, %s FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) n "
        "ON CONFLICT (message_id) DO UPDATE SET state = 'planned', planned_day = excluded.planned_day, "
        "recorded_at = excluded.recorded_at, attempts = 0, not_before = NULL WHERE l.state = 'cancelled' "
        "RETURNING l.message_id, l.id",
        (day, now, ids, [letter.kind for letter in letters], [r.address for r in heads], [r.name for r in heads]),
    ).fetchall()
    letter_ids = {str(row[0]): int(row[1]) for row in written}
    values = [
        (
            letter_ids[message_id], row.unit, row.report, row.period, row.rung, row.occasion, row.recipient.address,
            row.people_of, row.role.value, row.letter.value, row.due_at, row.until, row.decision_id, now,
            row.arrival_id,
        )
        for message_id, letter in zip(ids, letters, strict=True)
        if message_id in letter_ids
        for row in letter.rows
    ]  # fmt: skip
    if values:
        connection.execute(
            "INSERT INTO ops.outbox AS o (letter_id, unit, report, period, rung, occasion, recipient, people_of, role, "
            "letter, due_at, valid_until, decision_id, recorded_at, arrival_id) SELECT * FROM unnest(%s::bigint[], %s::text[], "
            "%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], "
            "%s::timestamptz[], %s::timestamptz[], %s::bigint[], %s::timestamptz[], %s::bigint[]) "
            "ON CONFLICT (unit, report, period, rung, occasion, recipient) DO UPDATE SET letter_id = excluded.letter_id, "
            "people_of = excluded.people_of, due_at = excluded.due_at, valid_until = excluded.valid_until, cancelled_why = NULL "
            "WHERE o.cancelled_why IS NOT NULL",
            [list(column) for column in zip(*values, strict=True)],
        )
    return len(letter_ids)


def read_known(connection: Connection, periods: Collection[tuple[str, str]]) -> set[Key]:
    """Keys of the rows of these (report, period) that were not cancelled."""
    rows = connection.execute(
        "SELECT o.unit, o.report, o.period, o.rung, o.occasion, o.recipient FROM ops.outbox o "
        "JOIN unnest(%s::text[], %s::text[]) p (report, period) USING (report, period) WHERE o.cancelled_why IS NULL",
        ([report for report, _ in periods], [period for _, period in periods]),
    ).fetchall()
    return {(r[0], r[1], r[2], r[3], r[4], r[5]) for r in rows}


def count_letters(connection: Connection, day: date) -> dict[str, int]:
    """Address -> reminder letters of a day, sent or about to be."""
    rows = connection.execute(
        "SELECT recipient, count(*) FROM ops.letter WHERE planned_day = %s AND kind IN ('reminder', 'list') "
        "AND state <> 'cancelled' GROUP BY recipient",
        (day,),
    ).fetchall()
    return {str(row[0]): int(row[1]) for row in rows}


def claim_letter(
    connection: Connection, worker: str, lease: timedelta, kinds: Collection[Kind], *, mail: bool, prefix: str
) -> ClaimedLetter | None:
    """The next letter of these kinds that is free or whose lease is over, now this worker's; None when there is none.

    Without `mail` only those to recipients that begin with `prefix`. The caller commits, so that others see the claim.
    """
    row = connection.execute(
        "UPDATE ops.letter SET state = 'claimed', claimed_by = %s, lease_until = clock_timestamp() + %s, "
        "attempts = attempts + 1 WHERE id = (SELECT id FROM ops.letter "
        "WHERE kind = ANY(%s) AND (%s OR starts_with(recipient, %s)) "
        "AND (state = 'planned' AND coalesce(not_before, '-infinity') <= clock_timestamp() "
        "OR state = 'claimed' AND lease_until <= clock_timestamp()) ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) "
        "RETURNING id, message_id, kind, recipient, recipient_name, attempts",
        (worker, lease, list(kinds), mail, prefix),
    ).fetchone()
    return None if row is None else ClaimedLetter(row[0], row[1], row[2], Recipient(row[3], row[4]), row[5])


def hold_letter(connection: Connection, letter: ClaimedLetter, worker: str) -> list[OutboxRow] | None:
    """Lock a claimed letter until the transaction ends and read its rows; None when the claim was lost to another worker.

    While the lock is held nobody else claims it, also when the lease runs out under a slow mail server.
    """
    held = connection.execute(
        "SELECT 1 FROM ops.letter WHERE id = %s AND state = 'claimed' AND claimed_by = %s FOR UPDATE",
        (letter.id, worker),
    ).fetchone()
    if held is None:
        return None
    rows = connection.execute(
        "SELECT id, unit, report, period, rung, occasion, people_of, role, letter, due_at, valid_until, decision_id, "
        "arrival_id FROM ops.outbox WHERE letter_id = %s AND cancelled_why IS NULL ORDER BY id",
        (letter.id,),
    ).fetchall()
    return [
        OutboxRow(
            row[0], row[1], row[2], row[3], row[4], row[5], row[6], ContactRole(row[7]), LetterKind(row[8]), row[9], row[10],
            row[11], row[12],
        )
        for row in rows
    ]  # fmt: skip


def cancel_rows(connection: Connection, reasons: Iterable[tuple[OutboxRow, str]]) -> None:
    """Mark rows as not to be sent, each with why."""
    for row, why in reasons:
        connection.execute("UPDATE ops.outbox SET cancelled_why = %s WHERE id = %s", (why, row.id))


def cancel_letter(connection: Connection, letter: ClaimedLetter) -> None:
    """Nothing of the letter is right any more."""
    connection.execute(
        "UPDATE ops.letter SET state = 'cancelled', claimed_by = NULL, lease_until = NULL WHERE id = %s", (letter.id,)
    )


def mark_sent(connection: Connection, letter: ClaimedLetter, now: datetime) -> None:
    """The channel has taken the letter."""
    connection.execute(
        "UPDATE ops.letter SET state = 'sent', sent_at = %s, claimed_by = NULL, lease_until = NULL, last_error = NULL "
        "WHERE id = %s",
        (now, letter.id),
    )


def release_letter(connection: Connection, letter: ClaimedLetter, worker: str, error: str | None) -> None:
    """Give a claim back untried: the channel was down, or it was quiet."""
    connection.execute(
        "UPDATE ops.letter SET state = 'planned', claimed_by = NULL, lease_until = NULL, attempts = attempts - 1, "
        "last_error = coalesce(%s, last_error) WHERE id = %s AND state = 'claimed' AND claimed_by = %s",
        (error, letter.id, worker),
    )


def mark_failed(
    connection: Connection, letter: ClaimedLetter, worker: str, error: str, *, for_good: bool
) -> Literal["planned", "failed"]:
    """Note a failed try: later again, or given up. `error` is a code or the name of an error, no text of others."""
    given_up = for_good or letter.attempts >= MOST_ATTEMPTS
    state: Literal["planned", "failed"] = "failed" if given_up else "planned"
    wait = timedelta(minutes=_BACKOFF[min(letter.attempts, len(_BACKOFF)) - 1])
    connection.execute(
        "UPDATE ops.letter SET state = %s, claimed_by = NULL, lease_until = NULL, last_error = %s, "
        "not_before = clock_timestamp() + %s WHERE id = %s AND state = 'claimed' AND claimed_by = %s",
        (state, error, wait, letter.id, worker),
    )
    return state


def read_mutes(connection: Connection, as_of: datetime) -> list[Pause]:
    """The mute of each scope that was recorded last by an instant, over or not."""
    rows = connection.execute(
        "SELECT DISTINCT ON (unit, report, period) unit, report, period, until, muted_by, reason FROM ops.mute "
        "WHERE recorded_at <= %s ORDER BY unit, report, period, id DESC",
        (as_of,),
    ).fetchall()
    return [Pause(*row) for row in rows]


def read_acknowledgements(connection: Connection, as_of: datetime) -> list[Pause]:
    """The acknowledgement of each obligation that was recorded last by an instant, over or not."""
    rows = connection.execute(
        "SELECT DISTINCT ON (unit, report, period) unit, report, period, until, acknowledged_by, reason "
        "FROM ops.acknowledgement WHERE recorded_at <= %s ORDER BY unit, report, period, id DESC",
        (as_of,),
    ).fetchall()
    return [Pause(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class RecordedMute:
    """A mute as it was recorded: `number` counts all mutes upwards; one that ends when it is recorded lifted another."""

    number: int
    pause: Pause
    recorded_at: datetime

    @property
    def is_lift(self) -> bool:
        """Whether it took a mute back."""
        return self.pause.until <= self.recorded_at


def lock_mutes(connection: Connection) -> None:
    """Take the turn to mute or to lift, until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (MUTE_LOCK,))


def list_recorded_mutes(connection: Connection) -> list[RecordedMute]:
    """The mute of each scope that was recorded last, over or not, the newest last."""
    rows = connection.execute(
        "SELECT * FROM (SELECT DISTINCT ON (unit, report, period) id, unit, report, period, until, muted_by, reason, recorded_at "
        "FROM ops.mute ORDER BY unit, report, period, id DESC) newest ORDER BY id"
    ).fetchall()
    return [RecordedMute(row[0], Pause(*row[1:7]), row[7]) for row in rows]


def add_mute(connection: Connection, pause: Pause, now: datetime) -> None:
    """Record a mute."""
    connection.execute(
        "INSERT INTO ops.mute (unit, report, period, until, muted_by, reason, recorded_at) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (pause.unit, pause.report, pause.period, pause.until, pause.by, pause.reason, now),
    )


def add_acknowledgement(connection: Connection, pause: Pause, now: datetime) -> None:
    """Record an acknowledgement."""
    connection.execute(
        "INSERT INTO ops.acknowledgement (unit, report, period, until, acknowledged_by, reason, recorded_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (pause.unit, pause.report, pause.period, pause.until, pause.by, pause.reason, now),
    )
