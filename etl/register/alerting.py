"""Whom alerts go to and when, as the register says it: contacts, the ladder of reminders, quiet days, the cap.

Pure values. It must not know what is owed or what was sent; `etl.alerts` plans with these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Final


class ContactRole(StrEnum):
    """For what a person is written to.

    `reporter` (đầu mối báo cáo) and `head` (thủ trưởng) speak for their unit; `standing_council` (Thường trực Hội đồng) and
    `standing_office` (cơ quan thường trực) for the province.
    """

    REPORTER = "reporter"
    HEAD = "head"
    STANDING_COUNCIL = "standing_council"
    STANDING_OFFICE = "standing_office"


UNIT_ROLES: Final = frozenset({ContactRole.REPORTER, ContactRole.HEAD})
"""Roles of a unit's own people: what they are sent speaks of their unit alone."""


class LetterKind(StrEnum):
    """What a letter says: one template each. The first six are rungs of the ladder."""

    UPCOMING = "upcoming"
    TOMORROW = "tomorrow"
    TODAY = "today"
    LATE = "late"
    LATE_HEAD = "late_head"
    LATE_LIST = "late_list"
    RECEIPT = "receipt"
    REJECTION = "rejection"
    HELD = "held"
    ALREADY_RECEIVED = "already_received"
    UNATTRIBUTED = "unattributed"
    REFUSED = "refused"
    DIGEST = "digest"


LADDER_KINDS: Final = tuple(LetterKind)[:6]


@dataclass(frozen=True, slots=True)
class Contact:
    """One person in one role of a unit. `email` is ASCII. People's data: never in a mart, never in a log."""

    unit: str
    role: ContactRole
    name: str
    email: str
    valid_from: date
    valid_to: date | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder: `offset` working days from the due day (negative before it), at a time in Viet Nam."""

    code: str
    offset: int
    at: time
    letter: LetterKind
    to: tuple[ContactRole, ...]


@dataclass(frozen=True, slots=True)
class AlertRules:
    """`alerts.yaml`. Working days and times are those of Viet Nam; the ladder is in order of `offset`.

    `cap`: reminder letters a recipient gets a day at most. `last_days`: working days for which the last rung stays right;
    what is older is history that nobody is reminded of. `notice_days`: days after which an answer to a sender that could
    not be sent is no longer sent. `quiet_days`: working days without reminders, with the reason.
    """

    ladder: tuple[Rung, ...] = ()
    cap: int = 2
    last_days: int = 10
    notice_days: int = 7
    digest_at: time = time(7, 30)
    quiet_days: Mapping[date, str] = field(default_factory=dict)
