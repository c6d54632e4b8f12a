"""When files arrive: what becomes of each obligation, and receipt instants around a deadline. Pure.

It must not know faults or cells; which faults a file has is dealt by `etl.sample.generate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from random import Random

from etl.calendar.deadlines import TIMEZONE
from etl.calendar.workdays import WorkingDays
from etl.register.obligations import Obligation


class Course(StrEnum):
    """What a unit does about its report."""

    IN_TIME = "in_time"
    LATE = "late"
    MISSING = "missing"
    FAULTY = "faulty"
    BAD_FILE = "bad_file"


_SHARES = {Course.IN_TIME: 0.70, Course.LATE: 0.10, Course.MISSING: 0.06, Course.FAULTY: 0.12, Course.BAD_FILE: 0.02}
_OFFICE = (time(7, 30), time(17, 0))
_EVENING = (time(19, 0), time(23, 0))


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Draws receipt instants of one obligation; whole seconds, in Viet Nam."""

    cutoff: date
    due_at: datetime
    workdays: WorkingDays

    def in_time(self, rng: Random) -> datetime:
        """By the due instant; sometimes at its last second."""
        if rng.random() < 0.04:
            return self.due_at
        due = self.due_at.astimezone(TIMEZONE).date()
        days = [self.cutoff + timedelta(days=n) for n in range(1, (due - self.cutoff).days + 1)]
        return _draw_instant(rng.choice([day for day in days if self.workdays.is_working(day)] or [due]), rng)

    def late(self, rng: Random) -> datetime:
        """One to five working days late; sometimes by one second."""
        if rng.random() < 0.06:
            return self.due_at + timedelta(seconds=1)
        due = self.due_at.astimezone(TIMEZONE).date()
        return _draw_instant(self.workdays.shift(due, rng.randint(1, 5)), rng)

    def again(self, first: datetime, rng: Random) -> datetime:
        """A resend after a first attempt: half of them in time where there is time left."""
        if rng.random() < 0.5 and self.due_at - first > timedelta(hours=2):
            room = int((self.due_at - first).total_seconds())
            return first + timedelta(seconds=rng.randint(3600, room))
        later = max(first, self.due_at).astimezone(TIMEZONE).date()
        return _draw_instant(self.workdays.shift(later, rng.randint(1, 4)), rng)


def choose_course(rng: Random, *, with_faults: bool) -> Course:
    """A realistic course; without faults of its own, those that would be faulty are in time."""
    course = rng.choices(list(_SHARES), list(_SHARES.values()))[0]
    return Course.IN_TIME if not with_faults and course in {Course.FAULTY, Course.BAD_FILE} else course


def arrivals_of(obligation: Obligation, workdays: WorkingDays) -> Arrivals:
    """The receipt instants an obligation may have."""
    return Arrivals(obligation.period.end, obligation.due_at, workdays)


def _draw_instant(day: date, rng: Random) -> datetime:
    first, last = _OFFICE if rng.random() < 0.9 else _EVENING
    start = datetime.combine(day, first, TIMEZONE)
    return start + timedelta(
        seconds=rng.randrange(int((datetime.combine(day, last, TIMEZONE) - start).total_seconds()))
    )
