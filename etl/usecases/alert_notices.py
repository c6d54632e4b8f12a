"""Answers to senders: each decision on a submission becomes a row of the outbox, in the transaction that records the decision.

So none is lost to a kill between the two, and none is told that was rolled back. It sends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import Final

from etl.alerts.plan import as_recipients
from etl.calendar.deadlines import TIMEZONE
from etl.register.alerting import ContactRole, LetterKind
from etl.usecases.context import Context
from etl.warehouse.outbox import Connection, NewLetter, NewRow, add_letters
from etl.warehouse.owed_states import DecisionNotice, list_decisions

_KINDS: Final = {"accept": LetterKind.RECEIPT, "return": LetterKind.REJECTION, "hold": LetterKind.HELD}


def queue_notices(context: Context, connection: Connection, submission_ids: Sequence[int]) -> int:
    """Queue an answer for each decision on these submissions that was not told yet; how many letters.

    A receipt, a rejection, or the word that the file is held. To the unit's reporters of today. A decision that repeats the one
    before it is no news. Call it wherever decisions are written: loading, reading again, review. The caller commits.
    """
    if not submission_ids:
        return 0
    now = context.clock()
    day = now.astimezone(TIMEZONE).date()
    until = now + timedelta(days=context.register.alerts.notice_days)
    letters = []
    for decision in list_decisions(connection, submission_ids, day):
        kind = _KINDS[decision.decision]
        for recipient in as_recipients(context.register.contacts_of(decision.people_of, ContactRole.REPORTER, day)):
            row = NewRow(
                unit=decision.unit,
                report=decision.report,
                period=decision.period,
                rung=kind.value,
                occasion=name_occasion(decision),
                recipient=recipient,
                people_of=decision.people_of,
                role=ContactRole.REPORTER,
                letter=kind,
                due_at=None,
                until=until,
                decision_id=decision.id,
            )
            letters.append(NewLetter("notice", [row]))
    return add_letters(connection, letters, day, now)


def name_occasion(decision: DecisionNotice) -> str:
    """Tells the answers to one obligation apart: by what was sent and when, as a restored warehouse deals its numbers anew."""
    received = decision.received_at.astimezone(UTC).isoformat()
    return f"{decision.sha256[:16]}@{received}#{decision.number}"
