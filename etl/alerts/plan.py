"""What is due to be sent at an instant, to whom, in which letters. Pure.

It must not read the warehouse, the register or the clock: states, contacts, what was sent so far and now are arguments.

Decided here, and told in the standing office's words in alerts.yaml:
- Nothing after acceptance, for an exempt obligation, or while it is muted.
- An acknowledgement ("we know, we send it by …") stops the letters to the unit's own people until its date. It does not take
  the unit off the standing council's list: a promise does not hide that a report is late.
- All that is due to one person at one time is one letter. The cap counts letters a day; what comes after it waits for the next
  working morning, but what would no longer be right by then goes out in spite of the cap: no rung is lost to it.
- A row already in the outbox (planned, sent or failed) is not planned again; one that was cancelled is, if it is right again.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from etl.alerts.ladder import StandingRung, find_standing, is_quiet, list_standing, next_morning
from etl.calendar.workdays import WorkingDays
from etl.register.alerting import UNIT_ROLES, AlertRules, Contact, ContactRole, LetterKind

Key = tuple[str, str, str, str, str, str]
"""What makes a row of the outbox one of its kind: unit, report, period, rung, occasion, recipient."""

BY_HAND: Final = "by-hand"
"""The rung of a reminder that a person asked for: sent while the report is owed, whatever the ladder says."""

NAMESPACE: Final = uuid.UUID("6f3b1d5e-0f5a-5c35-9a3e-3d1f6c0f7b52")
"""Of our Message-IDs. Never changed: the same letter must have the same id for ever."""


@dataclass(frozen=True, slots=True)
class OwedState:
    """An obligation as it stands: `due_at` is aware; `accepted`: a submission counts now; `received`: one came.

    `heir`: the unit that owes what is unfinished, since this one ended; its people are written to.
    """

    unit: str
    report: str
    period: str
    due_at: datetime
    accepted: bool = False
    exempt: bool = False
    received: bool = False
    heir: str | None = None

    @property
    def people_of(self) -> str:
        """The unit whose people answer for it."""
        return self.heir or self.unit


@dataclass(frozen=True, slots=True)
class Pause:
    """A mute or an acknowledgement: nothing before `until`. `report` and `period` None: whatever the unit owes."""

    unit: str
    report: str | None
    period: str | None
    until: datetime
    by: str
    reason: str

    def covers(self, state: OwedState) -> bool:
        """Whether it speaks of an obligation."""
        return (
            # A mute of a whole unit is of what it inherited too.
            (self.unit == state.unit or (self.report is None and self.unit == state.people_of))
            and self.report in (None, state.report)
            and self.period in (None, state.period)
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody, or a chat room, that is written to: an address, and the name a letter opens with."""

    address: str
    name: str


@dataclass(frozen=True, slots=True)
class Due:
    """One row of the outbox to be: an obligation, the rung that is right, and one recipient. Right before `until`."""

    unit: str
    report: str
    period: str
    rung: str
    letter: LetterKind
    role: ContactRole
    people_of: str
    recipient: Recipient
    due_at: datetime
    until: datetime

    @property
    def key(self) -> Key:
        """What is unique."""
        return self.unit, self.report, self.period, self.rung, "", self.recipient.address


@dataclass(frozen=True, slots=True)
class Unaddressed:
    """A rung that is right and has nobody to go to: the register names no such contact."""

    unit: str
    report: str
    period: str
    rung: str
    role: ContactRole


@dataclass(frozen=True, slots=True)
class Plan:
    """`letters`: what goes out now, each to one recipient. `waiting`: over the cap, for the next working morning."""

    letters: list[list[Due]] = field(default_factory=list)
    waiting: list[Due] = field(default_factory=list)
    unaddressed: list[Unaddressed] = field(default_factory=list)

    @property
    def due(self) -> list[Due]:
        """All rows that go out now."""
        return [row for letter in self.letters for row in letter]


Contacts = Callable[[str, ContactRole], Sequence[Recipient]]
"""Unit and role -> who is written to today."""


def as_recipients(contacts: Iterable[Contact]) -> list[Recipient]:
    """The addresses of contacts, each once."""
    return list({contact.email: Recipient(contact.email, contact.name) for contact in contacts}.values())


def plan_alerts(
    states: Iterable[OwedState],
    rules: AlertRules,
    workdays: WorkingDays,
    now: datetime,
    contacts: Contacts,
    known: Collection[Key] = (),
    mutes: Sequence[Pause] = (),
    acknowledgements: Sequence[Pause] = (),
    letters_today: Mapping[str, int] | None = None,
) -> Plan:
    """What is to be sent at `now` (aware), given what stands in the outbox (`known`) and was sent today (by address).

    `mutes` and `acknowledgements` are those in force, or not: their `until` is compared here. Empty while it is quiet.
    """
    plan = Plan()
    if is_quiet(rules, workdays, now):
        return plan
    finder = RungFinder(rules, workdays, mutes, acknowledgements)
    found: dict[Key, Due] = {}
    for state in states:
        standing = finder.find(state, now)
        if standing is None:
            continue
        rung = standing.rung
        for role in rung.to:
            if finder.is_held(state, role, now):
                continue
            recipients = contacts(state.people_of, role)
            if not recipients:
                plan.unaddressed.append(Unaddressed(state.unit, state.report, state.period, rung.code, role))
            for recipient in recipients:
                row = Due(
                    state.unit, state.report, state.period, rung.code, rung.letter, role, state.people_of, recipient,
                    state.due_at, standing.until,
                )  # fmt: skip
                if row.key not in known:
                    found.setdefault(row.key, row)
    _deal_letters(plan, found.values(), rules, next_morning(rules, workdays, now), letters_today or {})
    return plan


class RungFinder:
    """The rung that is right for an obligation, asked for many: instants are worked out once a due instant."""

    def __init__(
        self, rules: AlertRules, workdays: WorkingDays, mutes: Sequence[Pause], acknowledgements: Sequence[Pause]
    ) -> None:
        self._rules = rules
        self._workdays = workdays
        self._mutes = _by_unit(mutes)
        self._acknowledgements = _by_unit(acknowledgements)
        self._standing: dict[datetime, list[StandingRung]] = {}

    def find(self, state: OwedState, now: datetime) -> StandingRung | None:
        """The rung that should have been sent by now and still holds; None when nobody is to be reminded."""
        if state.accepted or state.exempt or _is_paused(self._mutes, state, now):
            return None
        if state.due_at not in self._standing:
            self._standing[state.due_at] = list_standing(state.due_at, self._rules, self._workdays)
        return find_standing(self._standing[state.due_at], now)

    def is_held(self, state: OwedState, role: ContactRole, now: datetime) -> bool:
        """Whether an acknowledgement spares that role for now."""
        return role in UNIT_ROLES and _is_paused(self._acknowledgements, state, now)


def derive_message_id(keys: Iterable[Key]) -> str:
    """The part before the @ of the Message-ID of a letter with these rows: the same rows, the same id, in any order."""
    return str(uuid.uuid5(NAMESPACE, "\n".join(sorted("\t".join(key) for key in keys))))


def _by_unit(pauses: Sequence[Pause]) -> dict[str, list[Pause]]:
    found: defaultdict[str, list[Pause]] = defaultdict(list)
    for pause in pauses:
        found[pause.unit].append(pause)
    return dict(found)


def _is_paused(pauses: Mapping[str, Sequence[Pause]], state: OwedState, now: datetime) -> bool:
    found = [pause for unit in {state.unit, state.people_of} for pause in pauses.get(unit, ())]
    return any(pause.covers(state) and now < pause.until for pause in found)


def _deal_letters(
    plan: Plan, rows: Iterable[Due], rules: AlertRules, next_time: datetime, letters_today: Mapping[str, int]
) -> None:
    """One letter a recipient; lists apart from what a person is told of the own unit."""
    groups: defaultdict[tuple[str, bool], list[Due]] = defaultdict(list)
    for row in rows:
        groups[row.recipient.address, row.letter is LetterKind.LATE_LIST].append(row)
    counts = dict(letters_today)
    for (address, _), group in groups.items():
        going = group
        if counts.get(address, 0) >= rules.cap:
            going = [row for row in group if row.until <= next_time]
            plan.waiting.extend(row for row in group if row.until > next_time)
        if going:
            counts[address] = counts.get(address, 0) + 1
            plan.letters.append(going)
