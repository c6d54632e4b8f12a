"""Pauses of the ladder by a person's word: mute (the standing office stops reminders), acknowledgement (a unit gives a day).

A mute is only added to: a later one of the same scope replaces it, and one that ends when it is recorded lifts it. Two who act at
once: one wins, the other is told who was faster.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from etl.alerts.plan import OwedState, Pause
from etl.calendar.deadlines import TIMEZONE, find_end_day
from etl.register.model import Register
from etl.text import normalise_lines
from etl.usecases.context import Context
from etl.usecases.fill_in import UnitDoesNotOwe
from etl.warehouse.connect import raw_connection
from etl.warehouse.outbox import (
    Connection,
    RecordedMute,
    add_acknowledgement,
    add_mute,
    list_recorded_mutes,
    lock_mutes,
)
from etl.warehouse.owed_states import read_state

MOST_DAYS: Final = 366
"""How far ahead a mute may reach: one that nobody remembers must end by itself."""


class BadEnd(ValueError):
    """A mute that would end in the past, or too far ahead."""


class StaleMute(RuntimeError):
    """Somebody else muted or lifted the same scope in between. `newest`: what they did."""

    def __init__(self, newest: RecordedMute) -> None:
        act = "lifted" if newest.is_lift else "muted"
        super().__init__(
            f"{newest.pause.unit} was {act} by {newest.pause.by} at {newest.recorded_at.isoformat(timespec='seconds')}"
        )
        self.newest = newest


class NothingMuted(ValueError):
    """There is no mute of that scope to lift."""


def mute_unit(context: Context, pause: Pause, *, seen: int | None = None) -> None:
    """No reminders about a unit (of one report, of one period of it) before `pause.until`, to anybody.

    A later mute of the same scope replaces it. `seen`: the number of the newest mute when the caller looked (`list_mutes`).
    Raises BadEnd for an end in the past or more than MOST_DAYS days ahead, StaleMute, LookupError and ValueError for a unit,
    report or period that the register does not know, and for a mute without a name or a reason.
    """
    pause = _clean(context.register, pause)
    now = context.clock()
    if pause.until <= now:
        raise BadEnd(f"until {pause.until.isoformat()} is over already; to lift a mute: `alerts unmute`")
    if (find_end_day(pause.until) - now.astimezone(TIMEZONE).date()).days > MOST_DAYS:
        raise BadEnd(
            f"until {pause.until.isoformat()} is more than {MOST_DAYS} days ahead: a mute lasts a year at most"
        )
    with raw_connection(context.engine) as connection:
        lock_mutes(connection)
        _find_newest(connection, pause, seen)
        add_mute(connection, pause, now)


def lift_mute(
    context: Context, unit: str, report: str | None, period: str | None, *, by: str, why: str, seen: int | None = None
) -> None:
    """Reminders of that scope go out again. `seen` as for `mute_unit`.

    Raises NothingMuted; StaleMute, also where somebody lifted it before; LookupError and ValueError as `mute_unit`.
    """
    now = context.clock()
    pause = _clean(context.register, Pause(unit, report, period, now, by, why))
    with raw_connection(context.engine) as connection:
        lock_mutes(connection)
        newest = _find_newest(connection, pause, seen)
        if newest is not None and newest.is_lift:
            raise StaleMute(newest)
        if newest is None or newest.pause.until <= now:
            raise NothingMuted(f"{unit}: no mute of that scope stands")
        add_mute(connection, pause, now)


def list_mutes(context: Context) -> tuple[list[RecordedMute], int]:
    """The mutes that stand now, the newest first, and the number to be passed back as `seen`."""
    with raw_connection(context.engine) as connection:
        found = list_recorded_mutes(connection)
    now = context.clock()
    standing = [one for one in found if one.pause.until > now]
    return standing[::-1], found[-1].number if found else 0


def list_mutes_of(
    context: Context, unit: str, report: str, period: str, people_of: str
) -> tuple[list[RecordedMute], int]:
    """`list_mutes`, of those alone that hold back the reminders of one obligation. `people_of`: who answers for it now."""
    found, seen = list_mutes(context)
    state = OwedState(unit, report, period, context.clock(), heir=people_of)
    return [one for one in found if one.pause.covers(state)], seen


def acknowledge(context: Context, pause: Pause) -> None:
    """A unit knows and sends by `pause.until`: its own people are not reminded before; the list to the council goes on.

    Raises as `mute_unit`, and UnitDoesNotOwe for what the unit does not owe.
    """
    pause = _clean(context.register, pause)
    now = context.clock()
    if pause.report is None or pause.period is None:
        raise ValueError("an acknowledgement is of one report and period")
    if pause.until <= now:
        raise ValueError(f"until {pause.until.isoformat()} is over already: an acknowledgement gives a day to come")
    owed = (pause.unit, pause.report, pause.period)
    with raw_connection(context.engine) as connection:
        if owed not in read_state(connection, [owed], now):
            raise UnitDoesNotOwe(f"{pause.unit} owes no {pause.report} for {pause.period}; see `board`")
        add_acknowledgement(connection, pause, now)


def _find_newest(connection: Connection, pause: Pause, seen: int | None) -> RecordedMute | None:
    """What was recorded last of the same scope. Raises StaleMute when that is newer than what was seen."""
    scope = (pause.unit, pause.report, pause.period)
    newest = next(
        (
            one
            for one in list_recorded_mutes(connection)
            if (one.pause.unit, one.pause.report, one.pause.period) == scope
        ),
        None,
    )
    if newest is not None and seen is not None and newest.number > seen:
        raise StaleMute(newest)
    return newest


def _clean(register: Register, pause: Pause) -> Pause:
    pause = replace(pause, by=pause.by.strip(), reason=normalise_lines(pause.reason))
    if not register.unit_versions(pause.unit):
        raise LookupError(f"no unit {pause.unit!r} in the register")
    if pause.report is not None:
        register.report(pause.report)
        if pause.period is not None:
            register.period(pause.report, pause.period)
    elif pause.period is not None:
        raise ValueError("a period is one of a report: name the report too")
    if not pause.by or not pause.reason:
        raise ValueError("who and why are asked for: without them nobody can answer for it later")
    return pause
