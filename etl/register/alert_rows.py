"""contacts.csv and alerts.yaml: how they are read, and whether they fit together.

Pure, over `Row` and `Located`. It must not repair anything: it says what is wrong, and on which line.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from etl.register.alerting import LADDER_KINDS, UNIT_ROLES, AlertRules, Contact, ContactRole, LetterKind, Rung
from etl.register.entities import Province, Unit
from etl.register.table import Located, Problem, Row, read_yaml

CONTACTS_FILE, ALERTS_FILE = "contacts.csv", "alerts.yaml"
CONTACT_COLUMNS = ("unit", "role", "name", "email", "valid_from", "valid_to", "recorded_at")

# No address that needs quoting or SMTPUTF8: what every mail server in use takes. Small letters: one spelling a person.
_EMAIL = re.compile(r"[a-z0-9._%+-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}")
_LONGEST_EMAIL = 254
_RESERVED: Final = (".example", ".test", ".invalid", "example.com", "example.org", "example.net")
"""Domains that belong to nobody (RFC 2606): a simulated province can never write to a real person."""
_MOST_OFFSET = 30

Code = Annotated[str, StringConstraints(pattern=r"^T(0|[+-][1-9][0-9]?)$")]
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Name = Annotated[str, StringConstraints(min_length=1)]


class _Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RungDeclaration(_Declaration):
    """One rung; its code is its offset: `T-5`, `T0`, `T+3`."""

    rung: Code
    at: ClockTime | None = None
    letter: LetterKind
    to: Annotated[tuple[ContactRole, ...], Field(min_length=1)]


class AlertsDeclaration(_Declaration):
    """`alerts.yaml`."""

    send_at: ClockTime
    digest_at: ClockTime
    daily_cap: Annotated[int, Field(ge=1)]
    last_rung_days: Annotated[int, Field(ge=1, le=60)]
    notice_days: Annotated[int, Field(ge=1, le=60)]
    quiet_days: dict[date, Name] = {}
    ladder: tuple[RungDeclaration, ...]


def build_contact(row: Row, default: datetime) -> Contact:
    """One row of contacts.csv."""
    email = row.text("email")
    if email and (not _EMAIL.fullmatch(email) or len(email) > _LONGEST_EMAIL or ".." in email or email.startswith(".")):
        # Not repeated: a list of problems is no place for addresses.
        row.refuse("email is no address such as ten@donvi.example, in small letters")
    return Contact(
        row.text("unit"), row.choice("role", ContactRole), row.text("name"), email, *row.validity(),
        row.recorded_at(default),
    )  # fmt: skip


def key_of_contact(contact: Contact) -> tuple[object, ...]:
    """What a later recorded row corrects."""
    return contact.unit, contact.role, contact.email, contact.valid_from


def read_alerts(folder: Path, problems: list[Problem]) -> AlertRules:
    """The rules of alerts.yaml; those without a ladder when the file has problems, which are noted."""
    file = read_yaml(folder, ALERTS_FILE, AlertsDeclaration, problems)
    if file is None:
        return AlertRules()
    declared = file.value
    rungs: list[Rung] = []
    for place, item in enumerate(declared.ladder):
        rung = Rung(item.rung, int(item.rung[1:]), _time(item.at or declared.send_at), item.letter, item.to)
        for reason in _rung_faults(rung):
            problems.append(Problem(ALERTS_FILE, file.line_of("ladder", place), f"{rung.code}: {reason}"))
        rungs.append(rung)
    for (earlier, later), place in zip(pairwise(rungs), range(1, len(rungs)), strict=False):
        if later.offset <= earlier.offset:
            reason = f"{later.code} comes after {earlier.code}: rungs are in order, each once"
            problems.append(Problem(ALERTS_FILE, file.line_of("ladder", place), reason))
    return AlertRules(
        ladder=tuple(rungs),
        cap=declared.daily_cap,
        last_days=declared.last_rung_days,
        notice_days=declared.notice_days,
        digest_at=_time(declared.digest_at),
        quiet_days=dict(declared.quiet_days),
    )


def _time(text: str) -> time:
    return time.fromisoformat(text)


def _rung_faults(rung: Rung) -> Iterator[str]:
    if abs(rung.offset) > _MOST_OFFSET:
        yield f"more than {_MOST_OFFSET} working days from the due day"
    if rung.letter not in LADDER_KINDS:
        yield f"a {rung.letter} letter is no reminder: take {', '.join(LADDER_KINDS)}"
    elif (rung.letter in (LetterKind.UPCOMING, LetterKind.TOMORROW, LetterKind.TODAY)) is not (rung.offset <= 0):
        # "Quá hạn" before the due day is a false accusation; a reminder of a day that is past is nonsense.
        yield f"a {rung.letter} letter does not fit a day {'before or on' if rung.offset <= 0 else 'after'} the due day"
    if len(set(rung.to)) != len(rung.to):
        yield "the same role twice"
    lists = rung.letter is LetterKind.LATE_LIST
    if any((role in UNIT_ROLES) is lists for role in rung.to):
        # A list names other units: it must not go to one of them, and a unit's letter to nobody else.
        yield f"a {rung.letter} letter goes to {'the province' if lists else 'people of the unit'}, not to {', '.join(rung.to)}"


def check_contacts(
    contacts: Sequence[Located[Contact]], units: Mapping[str, Sequence[Unit]], province: Province
) -> Iterator[Problem]:
    """Unknown units, roles at the wrong unit, people of a bloc's own, real addresses in a simulated province, doubles."""
    groups: defaultdict[tuple[str, str, str], list[Located[Contact]]] = defaultdict(list)
    for located in contacts:
        row = located.value
        groups[row.unit, row.role, row.email].append(located)
        if row.unit not in units:
            yield located.problem(f"unknown unit {row.unit!r}")
        elif row.role not in UNIT_ROLES and row.unit != province.standing_office_unit:
            yield located.problem(f"{row.role} contacts stand at the standing office, {province.standing_office_unit}")
        if province.simulated and not row.email.endswith(_RESERVED):
            yield located.problem("a simulated province writes to reserved domains only, such as donvi.example")
    for (unit, role, _), group in groups.items():
        group.sort(key=lambda item: (item.value.valid_from, item.line))
        for earlier, later in pairwise(group):
            if earlier.value.valid_to is None or later.value.valid_from <= earlier.value.valid_to:
                yield later.problem(f"this {role} of {unit} is already valid then (line {earlier.line})")
