"""`alerts`: what is due to be sent, into the outbox and out; pauses of the ladder.

Planning and sending are two steps with the outbox between them: each can be killed at any line and run again. Just before a
letter goes out its rows are checked once more, under a lock that no load can pass, so that nothing follows an acceptance.
Logs carry counts and codes, never an address.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Literal

import psycopg

from etl.alerts.channels import ChannelDown, LetterRefused
from etl.alerts.ladder import is_quiet, live_window
from etl.alerts.mail import write_message
from etl.alerts.plan import BY_HAND, OwedState, Plan, Recipient, RungFinder, as_recipients, plan_alerts
from etl.alerts.webhooks import PREFIX
from etl.calendar.deadlines import TIMEZONE
from etl.calendar.workdays import WorkingDays
from etl.register.alerting import UNIT_ROLES, ContactRole, LetterKind
from etl.usecases.alert_channels import Channels
from etl.usecases.alert_letters import Composer
from etl.usecases.context import Context
from etl.warehouse.arrival_states import find_settled
from etl.warehouse.connect import raw_connection
from etl.warehouse.outbox import (
    ClaimedLetter,
    Connection,
    Kind,
    NewLetter,
    NewRow,
    OutboxRow,
    add_letters,
    cancel_letter,
    cancel_rows,
    claim_letter,
    count_letters,
    hold_letter,
    letter_of,
    lock_planning,
    mark_failed,
    mark_sent,
    read_acknowledgements,
    read_known,
    read_mutes,
    release_letter,
)
from etl.warehouse.owed_states import Obligation, find_overtaken, list_live_periods, read_state, read_states
from etl.warehouse.submission_load import LOAD_LOCK

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
"""How long a claim lasts. A worker that lives keeps its letter longer: the row is locked while it is being sent."""
DIGEST = "digest"
_LADDER: tuple[Kind, ...] = ("reminder", "list")
_ANY_TIME: tuple[Kind, ...] = ("notice", "digest")
"""Sent also on quiet days: answers to what somebody did, and the day's account."""

Outcome = Literal["sent", "cancelled", "failed", "waiting"]


@dataclass(frozen=True, slots=True)
class AlertPlan:
    """What is due at an instant. `digest`: who is sent the day's account; `queued`: letters written to the outbox."""

    as_of: datetime
    quiet: bool
    plan: Plan
    digest: list[Recipient] = field(default_factory=list)
    queued: int = 0


@dataclass(frozen=True, slots=True)
class SendSummary:
    """Letters by what became of them. `waiting`: refused for now, tried again later; `failed`: given up."""

    sent: int = 0
    cancelled: int = 0
    waiting: int = 0
    failed: int = 0


def read_alerts(context: Context, now: datetime, rooms: Sequence[Recipient] = ()) -> AlertPlan:
    """What is due at an aware instant and not in the outbox yet. Reads only. `rooms`: chat rooms of the standing office."""
    with raw_connection(context.engine) as connection:
        return _read_alerts(context, connection, now, rooms)


def queue_alerts(context: Context, now: datetime, rooms: Sequence[Recipient] = ()) -> AlertPlan:
    """Write what is due into the outbox; doing it again writes nothing."""
    day = _local_day(now)
    with raw_connection(context.engine) as connection:
        lock_planning(connection)
        found = _read_alerts(context, connection, now, rooms)
        letters = [letter_of(rows) for rows in found.plan.letters]
        letters += [_write_digest_row(context, recipient, day) for recipient in found.digest]
        queued = add_letters(connection, letters, day, now)
    return AlertPlan(found.as_of, found.quiet, found.plan, found.digest, queued)


def send_alerts(
    context: Context, channels: Channels, *, composer: Composer | None = None, lease: timedelta = LEASE
) -> SendSummary:
    """Send what the outbox holds, until nothing is left to claim. Several may do so at once.

    Raises ChannelDown when the mail server takes nothing: what is left stays planned, so try again later.
    """
    outcomes: Counter[Outcome] = Counter()
    with raw_connection(context.engine) as connection:
        composer = composer or Composer(context, channels.envelope)
        sender = _Sender(context, connection, channels, composer, uuid.uuid4().hex)
        while (letter := sender.claim(lease)) is not None:
            outcomes[sender.deliver(letter)] += 1
    return SendSummary(outcomes["sent"], outcomes["cancelled"], outcomes["waiting"], outcomes["failed"])


def _read_alerts(context: Context, connection: Connection, now: datetime, rooms: Sequence[Recipient]) -> AlertPlan:
    register, rules = context.register, context.register.alerts
    workdays = register.working_days()
    periods = list_live_periods(connection, *live_window(rules, workdays, now))
    states = [state for report, period in periods for state in read_states(connection, report, period, now)]
    day = _local_day(now)
    plan = plan_alerts(
        states, rules, workdays, now, _Addresses(context, day, rooms), read_known(connection, periods),
        read_mutes(connection, now), read_acknowledgements(connection, now), count_letters(connection, day),
    )  # fmt: skip
    digest: list[Recipient] = []
    if _is_digest_time(context, workdays, now):
        office = as_recipients(register.contacts_in(ContactRole.STANDING_OFFICE, day))
        known = {key[5] for key in read_known(connection, [("", "")]) if key[4] == day.isoformat()}
        digest = [recipient for recipient in [*office, *rooms] if recipient.address not in known]
    return AlertPlan(now, is_quiet(rules, workdays, now), plan, digest)


def _is_digest_time(context: Context, workdays: WorkingDays, now: datetime) -> bool:
    rules, local = context.register.alerts, now.astimezone(TIMEZONE)
    day = local.date()
    return workdays.is_working(day) and day not in rules.quiet_days and local.time() >= rules.digest_at


def _write_digest_row(context: Context, recipient: Recipient, day: date) -> NewLetter:
    """One a day: yesterday's account is not sent late, today's is."""
    row = NewRow(
        unit=context.register.province.standing_office_unit,
        report="",
        period="",
        rung=DIGEST,
        occasion=day.isoformat(),
        recipient=recipient,
        people_of=context.register.province.standing_office_unit,
        role=ContactRole.STANDING_OFFICE,
        letter=LetterKind.DIGEST,
        due_at=None,
        until=datetime.combine(day + timedelta(days=1), time.min, TIMEZONE),
    )
    return NewLetter("digest", [row])


def _name_item(row: OutboxRow) -> str:
    return f"{row.unit} {row.report}:{row.period} {row.rung}" if row.report else f"{row.unit} {row.rung} {row.occasion}"


def _local_day(now: datetime) -> date:
    return now.astimezone(TIMEZONE).date()


@dataclass(frozen=True)
class _Addresses:
    """Who is written to on a day, from the register; chat rooms get what goes to the standing council."""

    context: Context
    day: date
    rooms: Sequence[Recipient]

    def __call__(self, unit: str, role: ContactRole) -> list[Recipient]:
        register = self.context.register
        if role in UNIT_ROLES:
            return as_recipients(register.contacts_of(unit, role, self.day))
        return [*as_recipients(register.contacts_in(role, self.day)), *self.rooms]


class _Sender:
    """One worker: claims a letter, checks it, sends it, notes it. One transaction claims, another does the rest."""

    def __init__(
        self, context: Context, connection: Connection, channels: Channels, composer: Composer, worker: str
    ) -> None:
        self._context = context
        self._connection = connection
        self._channels = channels
        self._composer = composer
        self._worker = worker
        self._rules = context.register.alerts
        self._workdays = context.register.working_days()

    def claim(self, lease: timedelta) -> ClaimedLetter | None:
        """The next letter that may go out now, or None."""
        quiet = is_quiet(self._rules, self._workdays, self._context.clock())
        kinds = _ANY_TIME if quiet else (*_LADDER, *_ANY_TIME)
        mail = self._channels.mail is not None
        letter = claim_letter(self._connection, self._worker, lease, kinds, mail=mail, prefix=PREFIX)
        self._connection.commit()
        return letter

    def deliver(self, letter: ClaimedLetter) -> Outcome:
        """Check and send. A fault of the letter is noted and the next one goes on; raises ChannelDown and our own I/O."""
        try:
            outcome = self._deliver(letter)
        except LetterRefused as refused:
            return self._note_failure(letter, refused.code, for_good=refused.for_good)
        except psycopg.OperationalError:
            raise  # nothing can be noted; the lease gives the letter back
        except OSError as error:
            # ChannelDown is one. Given back at once: the lease is for workers that can say nothing any more.
            self._connection.rollback()
            release_letter(self._connection, letter, self._worker, type(error).__name__)
            self._connection.commit()
            raise
        except Exception as error:
            # One letter that cannot be written must not hold up the others. Its text may quote what a person wrote.
            log.error("letter %d could not be sent (%s)", letter.id, type(error).__name__)
            return self._note_failure(letter, type(error).__name__, for_good=False)
        self._connection.commit()
        return outcome

    def _note_failure(self, letter: ClaimedLetter, code: str, *, for_good: bool) -> Outcome:
        self._connection.rollback()
        state = mark_failed(self._connection, letter, self._worker, code, for_good=for_good)
        self._connection.commit()
        log.warning("letter %d not taken (%s): %s", letter.id, code, state)
        return "failed" if state == "failed" else "waiting"

    def _deliver(self, letter: ClaimedLetter) -> Outcome:
        connection = self._connection
        rows = hold_letter(connection, letter, self._worker)
        if rows is None:
            return "waiting"  # the lease ran out before we began; another worker has it
        if letter.kind in _LADDER:
            # Shared with other senders, against loads: between this check and the hand-over nothing can be accepted.
            connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", (LOAD_LOCK,))
        now = self._context.clock()
        states = self._read_states(rows, now) if letter.kind in _LADDER else {}
        wrong = self._find_wrong(letter, rows, states, now)
        cancel_rows(connection, wrong)
        gone = {row.id for row, _ in wrong}
        left = [row for row in rows if row.id not in gone]
        if not left:
            cancel_letter(connection, letter)
            return "cancelled"
        composed = self._composer.compose(connection, letter, left, states, now)
        if letter.recipient.address.startswith(PREFIX):
            self._channels.rooms.send(composed.body, letter.recipient.address)
        elif self._channels.mail is None:
            raise ChannelDown("no mail server")
        else:
            message = write_message(
                composed.body, letter.recipient, self._channels.envelope, letter.message_id, now,
                [_name_item(row) for row in left], composed.enclosures,
            )  # fmt: skip
            self._channels.mail.send(message, letter.recipient.address)
        mark_sent(connection, letter, now)
        return "sent"

    def _read_states(self, rows: Sequence[OutboxRow], now: datetime) -> dict[Obligation, OwedState]:
        # Of a real province everything counts that is committed, whatever another machine's clock wrote beside it.
        simulated = self._context.register.province.simulated
        owed = [(row.unit, row.report, row.period) for row in rows]
        return read_state(self._connection, owed, now, everything=not simulated)

    def _find_wrong(
        self,
        letter: ClaimedLetter,
        rows: Sequence[OutboxRow],
        states: Mapping[Obligation, OwedState],
        now: datetime,
    ) -> list[tuple[OutboxRow, str]]:
        """Rows that must not be sent any more, each with why."""
        if letter.kind in _LADDER:
            return self._find_wrong_rungs(letter, rows, states, now)
        decisions = [row.decision_id for row in rows if row.decision_id is not None]
        overtaken = find_overtaken(self._connection, decisions) if decisions else {}
        waiting = [row.arrival_id for row in rows if row.arrival_id and row.letter is LetterKind.UNATTRIBUTED]
        settled = find_settled(self._connection, waiting) if waiting else set()
        wrong = []
        for row in rows:
            why = overtaken.get(row.decision_id or 0) or ("too old" if now >= row.valid_until else None)
            why = why or ("settled since" if row.arrival_id in settled else None)
            if why or not self._is_addressed(letter, row, now):
                wrong.append((row, why or "no longer the recipient"))
        return wrong

    def _find_wrong_rungs(
        self,
        letter: ClaimedLetter,
        rows: Sequence[OutboxRow],
        states: Mapping[Obligation, OwedState],
        now: datetime,
    ) -> list[tuple[OutboxRow, str]]:
        mutes, acknowledgements = read_mutes(self._connection, now), read_acknowledgements(self._connection, now)
        finder = RungFinder(self._rules, self._workdays, mutes, acknowledgements)
        wrong = []
        for row in rows:
            state = states.get((row.unit, row.report, row.period))
            standing = finder.find(state, now) if state else None
            if state is None:
                why = "no longer owed"
            elif state.accepted:
                why = "accepted"
            elif row.rung == BY_HAND:
                # A person asked for it, whatever rung it would be and whoever paused the ladder.
                why = "no longer right" if state.exempt or now >= row.valid_until else ""
                why = why or ("" if self._is_addressed(letter, row, now) else "no longer the recipient")
                if not why:
                    continue
            elif standing is None or standing.rung.code != row.rung or state.due_at != row.due_at:
                why = "no longer right"
            elif finder.is_held(state, row.role, now):
                why = "acknowledged"
            elif state.people_of != row.people_of or not self._is_addressed(letter, row, now):
                why = "no longer the recipient"
            else:
                continue
            wrong.append((row, why))
        return wrong

    def _is_addressed(self, letter: ClaimedLetter, row: OutboxRow, now: datetime) -> bool:
        who = _Addresses(self._context, _local_day(now), self._channels.rooms.rooms)
        return any(found.address == letter.recipient.address for found in who(row.people_of, row.role))
