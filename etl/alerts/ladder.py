"""Which rung of the ladder is right at an instant. Pure.

A rung is right from its own instant until the next one's; a rung on or before the due day no longer than the due instant,
the last one for `last_days` working days. So after an outage there is one right rung, never a row of stale ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from etl.calendar.deadlines import TIMEZONE
from etl.calendar.workdays import WorkingDays
from etl.register.alerting import AlertRules, Rung

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StandingRung:
    """A rung and the instants between which it is right: since ≤ now < until."""

    rung: Rung
    since: datetime
    until: datetime


def rung_instant(rung: Rung, due: date, workdays: WorkingDays) -> datetime:
    """When a rung becomes right for a due day.

    A due day on which nobody works (a fixed date) counts as the last working day before it for T and the rungs before:
    to be reminded on the day after would be too late. Rungs after it are counted from the due day itself.
    """
    if rung.offset > 0:
        day = workdays.shift(due, rung.offset)
    else:
        anchor = due if workdays.is_working(due) else workdays.shift(due, -1)
        day = workdays.shift(anchor, rung.offset) if rung.offset else anchor
    return datetime.combine(day, rung.at, TIMEZONE)


def list_standing(due_at: datetime, rules: AlertRules, workdays: WorkingDays) -> list[StandingRung]:
    """All rungs of an obligation due at an aware instant, in order, with the time for which each is right."""
    due = due_at.astimezone(TIMEZONE).date()
    starts = [rung_instant(rung, due, workdays) for rung in rules.ladder]
    last = datetime.combine(workdays.shift(due, _last_offset(rules) + rules.last_days), datetime.max.time(), TIMEZONE)
    ends = [*starts[1:], last]
    found = []
    for rung, since, until in zip(rules.ladder, starts, ends, strict=True):
        # Once it is over, nobody is told that it is still to come.
        found.append(StandingRung(rung, since, min(until, due_at) if rung.offset <= 0 else until))
    return found


def find_standing(standing: Sequence[StandingRung], now: datetime) -> StandingRung | None:
    """The rung that is right now, or None: too early, between the due instant and the first rung after it, or history."""
    return next((item for item in reversed(standing) if item.since <= now < item.until), None)


def live_window(rules: AlertRules, workdays: WorkingDays, now: datetime) -> tuple[datetime, datetime]:
    """The due instants that may have a rung at `now`: boards of other periods need not be read."""
    day = now.astimezone(TIMEZONE).date()
    offsets = [rung.offset for rung in rules.ladder]
    first = workdays.shift(day, -max([0, *offsets]) - rules.last_days - 1)
    last = workdays.shift(day, 1 - min([0, *offsets]))
    return datetime.combine(first, time.min, TIMEZONE), datetime.combine(last, time.max, TIMEZONE)


def is_quiet(rules: AlertRules, workdays: WorkingDays, now: datetime) -> bool:
    """Whether no reminder goes out now: a day of rest, a quiet day, or earlier than the ladder's first time of day."""
    local = now.astimezone(TIMEZONE)
    return not _is_open(local.date(), rules, workdays) or local.time() < first_time(rules)


def next_morning(rules: AlertRules, workdays: WorkingDays, now: datetime) -> datetime:
    """The start of the next day on which reminders go out."""
    day = now.astimezone(TIMEZONE).date() + _DAY
    while not _is_open(day, rules, workdays):
        day += _DAY
    return datetime.combine(day, first_time(rules), TIMEZONE)


def first_time(rules: AlertRules) -> time:
    """The earliest time of day at which a rung goes out; midnight without a ladder."""
    return min((rung.at for rung in rules.ladder), default=time.min)


def _is_open(day: date, rules: AlertRules, workdays: WorkingDays) -> bool:
    return workdays.is_working(day) and day not in rules.quiet_days


def _last_offset(rules: AlertRules) -> int:
    return max(0, rules.ladder[-1].offset) if rules.ladder else 0
