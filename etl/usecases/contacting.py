"""Whom to call about an obligation, what was sent to them and when, and a reminder at a person's word.

People's data: for reviewers, never for a mart, a log or a list that is exported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from etl.alerts.plan import BY_HAND, Recipient
from etl.calendar.deadlines import TIMEZONE
from etl.register.alerting import Contact, ContactRole, LetterKind
from etl.usecases.accounts import record_action
from etl.usecases.context import Context
from etl.usecases.fill_in import UnitDoesNotOwe
from etl.warehouse.connect import raw_connection
from etl.warehouse.outbox import NewLetter, NewRow, add_letters, lock_planning
from etl.warehouse.owed_states import read_state

_GOOD_FOR = timedelta(days=3)
"""Days of rest in between included: what is older is asked for anew."""


class NothingToRemind(ValueError):
    """The unit has an accepted report, owes none, or has nobody to write to; the text (Vietnamese) says which."""


@dataclass(frozen=True, slots=True)
class SentLetter:
    """One letter about an obligation. `state`: planned, claimed, sent, failed, cancelled."""

    recipient_name: str
    role: str
    rung: str
    letter: str
    state: str
    recorded_at: datetime
    sent_at: datetime | None
    cancelled_why: str | None


@dataclass(frozen=True, slots=True)
class Contacting:
    """Who answers for an obligation now (of the heir where the unit ended), and what they were sent, newest first."""

    people_of: str
    contacts: Sequence[Contact]
    letters: Sequence[SentLetter]


def read_contacting(context: Context, unit: str, report: str, period: str) -> Contacting:
    """Raises UnitDoesNotOwe."""
    now = context.clock()
    owed = (unit, report, period)
    with raw_connection(context.engine) as connection:
        state = read_state(connection, [owed], now).get(owed)
    if state is None:
        raise UnitDoesNotOwe(f"{unit} owes no {report} for {period}; see `board`")
    day = now.astimezone(TIMEZONE).date()
    people = [
        contact
        for role in (ContactRole.REPORTER, ContactRole.HEAD)
        for contact in context.register.contacts_of(state.people_of, role, day)
    ]
    with context.engine.connect() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT l.recipient_name, d.role, d.rung, d.letter, d.state, d.recorded_at, d.sent_at, d.cancelled_why "
                "FROM ops.delivery d JOIN ops.letter l ON l.id = d.letter_id "
                "WHERE d.unit = :unit AND d.report = :report AND d.period = :period ORDER BY d.recorded_at DESC, l.id DESC"
            ),
            {"unit": unit, "report": report, "period": period},
        )
        letters = [SentLetter(*row) for row in rows]
    return Contacting(state.people_of, people, letters)


def remind_now(context: Context, unit: str, report: str, period: str, *, by: str, role: str) -> int:
    """Queue a reminder to the unit's reporters at somebody's word; how many letters (0: today's is in the outbox already).

    It goes out with the next sending; one a day and person. It is asked for by a person, so pauses and the daily cap of the
    ladder do not hold it back. Raises NothingToRemind, UnitDoesNotOwe.
    """
    now = context.clock()
    owed = (unit, report, period)
    day = now.astimezone(TIMEZONE).date()
    with raw_connection(context.engine) as connection:
        lock_planning(connection)
        state = read_state(connection, [owed], now, everything=True).get(owed)
        if state is None:
            raise UnitDoesNotOwe(f"{unit} owes no {report} for {period}; see `board`")
        if state.accepted:
            raise NothingToRemind("Đơn vị đã có báo cáo được chấp nhận hoặc đang chờ mở lại kỳ.")
        if state.exempt:
            raise NothingToRemind("Đơn vị được miễn báo cáo kỳ này.")
        contacts = context.register.contacts_of(state.people_of, ContactRole.REPORTER, day)
        if not contacts:
            raise NothingToRemind("Danh mục chưa có đầu mối báo cáo của đơn vị.")
        kind = _choose_letter(state.due_at, now)
        until = now + _GOOD_FOR
        letters = []
        for contact in contacts:
            recipient = Recipient(contact.email, contact.name)
            row = NewRow(
                unit=unit, report=report, period=period, rung=BY_HAND, occasion=day.isoformat(), recipient=recipient,
                people_of=state.people_of, role=ContactRole.REPORTER, letter=kind, due_at=state.due_at, until=until,
            )  # fmt: skip
            letters.append(NewLetter("reminder", [row]))
        queued = add_letters(connection, letters, day, now)
    with context.engine.begin() as audit:
        record_action(audit, now, by, role, "remind", f"{report}:{period}/{unit}", str(queued))
    return queued


def _choose_letter(due_at: datetime, now: datetime) -> LetterKind:
    today, due = now.astimezone(TIMEZONE).date(), due_at.astimezone(TIMEZONE).date()
    if now > due_at:
        return LetterKind.LATE
    return LetterKind.TODAY if today == due else LetterKind.UPCOMING
