"""Answers about files that are no submission: a repeat, one in quarantine, one that was refused. Queues them, sends nothing.

In the transaction that records what became of the file, one letter a file (refusals: one an offer) and recipient. Only people of
the register are written to: whoever forges a sender gets no answer, and nobody is sent mail that he did not ask for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from etl.alerts.plan import Recipient, as_recipients
from etl.calendar.deadlines import TIMEZONE
from etl.channels.refusals import NEVER_ANSWERED
from etl.recognition.senders import LINK
from etl.register.alerting import UNIT_ROLES, Contact, ContactRole, LetterKind
from etl.register.entities import is_valid_on
from etl.register.heirs import find_succession
from etl.register.model import Register
from etl.usecases.context import Context
from etl.warehouse.arrival_states import (
    OfferKey,
    ToldArrival,
    hash_place,
    read_refused_files,
    read_told_arrivals,
)
from etl.warehouse.outbox import Connection, NewLetter, NewRow, add_letters

_KINDS: Final = {"already_received": LetterKind.ALREADY_RECEIVED, "quarantined": LetterKind.UNATTRIBUTED}


def queue_arrival_notices(context: Context, connection: Connection, arrival_ids: Sequence[int]) -> int:
    """Queue an answer for each of these arrivals that repeats a submission or lies in quarantine; how many letters are new.

    A second reading that ends the same is no news. The caller commits.
    """
    told = [arrival for arrival in read_told_arrivals(connection, arrival_ids) if arrival.outcome in _KINDS]
    if not told:
        return 0
    now = context.clock()
    day = now.astimezone(TIMEZONE).date()
    letters = []
    for arrival in told:
        kind = _KINDS[arrival.outcome]
        owed = (arrival.report or "", arrival.period or "") if kind is LetterKind.ALREADY_RECEIVED else ("", "")
        for contact in find_people(context.register, arrival.hints, arrival.unit, day):
            letters.append(_write_row(context, contact, owed, kind, _name_occasion(arrival), now, arrival.id))
    return add_letters(connection, letters, day, now)


def queue_refusal_notices(context: Context, connection: Connection, offers: Collection[OfferKey]) -> int:
    """Queue an answer for each of these offers of which something was refused; how many letters are new. The caller commits."""
    if not offers:
        return 0
    now = context.clock()
    day = now.astimezone(TIMEZONE).date()
    letters = []
    for offer, files in read_refused_files(connection, offers).items():
        if all(file.code in NEVER_ANSWERED for file in files):
            continue
        hints = files[0].hints
        for contact in find_people(context.register, hints, hints.get("unit"), day):
            letters.append(_write_row(context, contact, ("", ""), LetterKind.REFUSED, hash_place(*offer), now))
    return add_letters(connection, letters, day, now)


def find_people(register: Register, hints: dict[str, str], unit: str | None, day: date) -> list[Contact]:
    """Who is told of a file: its sender where the register knows the address, else the reporters of the unit that it names.

    Nobody where our own mail server found the mail to be forged (`sender_proof` fail). Of a file that came by a personal link
    the people whose link it is, whatever unit the file names.
    """
    if LINK in hints:
        return register.contacts_of(_name_filer(register, hints.get("unit", ""), day), ContactRole.REPORTER, day)
    sender = hints.get("sender", "").casefold()
    if sender:
        if hints.get("sender_proof") == "fail":
            return []
        known = [row for row in register.contacts if row.email.casefold() == sender and is_valid_on(row, day)]
        # One person, several units: one letter, as the unit that the file speaks of where that is one of them.
        known.sort(key=lambda row: (row.unit != unit, row.role not in UNIT_ROLES, row.unit, row.role))
        if known:
            return known[:1]
    return register.contacts_of(unit, ContactRole.REPORTER, day) if unit else []


def _name_filer(register: Register, unit: str, day: date) -> str:
    """Who files for a unit on a day: itself, or who stands in its place."""
    versions = register.unit_versions(unit)
    passed = find_succession(register, versions[-1], day) if versions else None
    return passed.heir if passed is not None and passed.heir else unit


def _name_occasion(arrival: ToldArrival) -> str:
    received = arrival.received_at.astimezone(UTC).isoformat()
    return f"{arrival.sha256[:16]}@{received}#{arrival.place[:16]}"


def _write_row(
    context: Context,
    contact: Contact,
    owed: tuple[str, str],
    kind: LetterKind,
    occasion: str,
    now: datetime,
    arrival_id: int | None = None,
) -> NewLetter:
    (recipient,) = as_recipients([contact])
    row = NewRow(
        unit=contact.unit,
        report=owed[0],
        period=owed[1],
        rung=kind.value,
        occasion=occasion,
        recipient=Recipient(recipient.address, recipient.name),
        people_of=contact.unit,
        role=contact.role,
        letter=kind,
        due_at=None,
        until=now + timedelta(days=context.register.alerts.notice_days),
        arrival_id=arrival_id,
    )
    return NewLetter("notice", [row])
