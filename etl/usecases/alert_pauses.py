"""Pauses of the ladder by a person's word: mute (the standing office stops reminders), acknowledgement (a unit gives a day)."""

from __future__ import annotations

from etl.alerts.plan import Pause
from etl.register.model import Register
from etl.usecases.context import Context
from etl.usecases.fill_in import UnitDoesNotOwe
from etl.warehouse.connect import raw_connection
from etl.warehouse.outbox import add_acknowledgement, add_mute
from etl.warehouse.owed_states import read_state


def mute_unit(context: Context, pause: Pause) -> None:
    """No reminders about a unit (of one report, of one period of it) before `pause.until`, to anybody.

    A later mute of the same scope replaces it: one that ends now lifts it. Raises LookupError and ValueError for a unit,
    report or period that the register does not know, and for a mute without a name or a reason.
    """
    _check(context.register, pause)
    with raw_connection(context.engine) as connection:
        add_mute(connection, pause, context.clock())


def acknowledge(context: Context, pause: Pause) -> None:
    """A unit knows and sends by `pause.until`: its own people are not reminded before; the list to the council goes on.

    Raises as `mute_unit`, and UnitDoesNotOwe for what the unit does not owe.
    """
    _check(context.register, pause)
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


def _check(register: Register, pause: Pause) -> None:
    if not register.unit_versions(pause.unit):
        raise LookupError(f"no unit {pause.unit!r} in the register")
    if pause.report is not None:
        register.report(pause.report)
        if pause.period is not None:
            register.period(pause.report, pause.period)
    elif pause.period is not None:
        raise ValueError("a period is one of a report: name the report too")
    if not pause.by.strip() or not pause.reason.strip():
        raise ValueError("who and why are asked for: without them nobody can answer for it later")
