"""Gathers from the register and the form library what a fill-in workbook needs, and plans it.

Pure. It must not read files: the caller has the register and the forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from etl.calendar.periods import Period
from etl.forms.declaration import Form
from etl.register.model import FormStatus, Register, Unit, UnitType
from etl.templates.model import WorkbookPlan
from etl.templates.plan import MemberRow, MovementRow, plan_workbook


def list_movement_rows(register: Register, unit_type: UnitType, period: Period) -> list[MovementRow]:
    """The rows to prefill for a unit of that type: every indicator asked of it, of every movement in force."""
    return [
        MovementRow(movement.code, movement.name, indicator.code, indicator.name, indicator.unit_of_measure)
        for movement in register.movements_on(period.start, period.end)
        for indicator in register.indicators_for(movement.code, unit_type, period.end)
    ]


def list_member_rows(register: Register, unit: Unit, period: Period) -> list[MemberRow]:
    """The rows to prefill for a bloc: its members on the period's last day, leader and deputies first; none for others."""
    found = [(row.unit, register.unit_at(row.unit, period.end)) for row in register.members_of(unit.code, period.end)]
    return [MemberRow(code, member.name if member else code) for code, member in found]


def plan_unit_workbook(
    register: Register,
    forms: Mapping[str, Form],
    report: str,
    period: str,
    unit: Unit | None = None,
    *,
    due_at: datetime | None = None,
    contact: str = "",
) -> WorkbookPlan:
    """The workbook a unit owes (mandatory and optional forms); without a unit, a blank one with every form.

    Raises UnknownReport, UnknownPeriod, KeyError for a form without declaration, LookupError for a form without a
    layout in force on the period's last day.
    """
    window = register.period(report, period)
    declared = register.report(report, window.end)
    statuses = declared.forms_for(unit.type) if unit else {}
    codes = list(statuses) if unit else [form.code for form in declared.forms]
    return plan_workbook(
        unit=unit,
        report=declared,
        period=window,
        form_versions={code: forms[code].version_on(window.end) for code in codes},
        issuer=register.province,
        movement_rows=list_movement_rows(register, unit.type, window) if unit else (),
        member_rows=list_member_rows(register, unit, window) if unit else (),
        optional=frozenset(code for code, status in statuses.items() if status is FormStatus.OPTIONAL),
        due_at=due_at,
        contact=contact,
    )
