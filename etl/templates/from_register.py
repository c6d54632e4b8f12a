"""Gathers from the register and the form library what a fill-in workbook needs, and plans it.

Pure. It must not read files: the caller has the register and the forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from etl.calendar.periods import Period
from etl.forms.declaration import Form
from etl.register.model import Register, Unit, UnitType
from etl.templates.model import WorkbookPlan
from etl.templates.plan import MovementRow, plan_workbook


def list_movement_rows(register: Register, unit_type: UnitType, period: Period) -> list[MovementRow]:
    """The rows to prefill for a unit of that type: every indicator asked of it, of every movement in force."""
    return [
        MovementRow(movement.code, movement.name, indicator.code, indicator.name, indicator.unit_of_measure)
        for movement in register.movements_on(period.start, period.end)
        for indicator in register.indicators_for(movement.code, unit_type, period.end)
    ]


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
    codes = list(declared.forms_for(unit.type)) if unit else [form.code for form in declared.forms]
    return plan_workbook(
        unit=unit,
        report=declared,
        period=window,
        form_versions={code: forms[code].version_on(window.end) for code in codes},
        issuer=register.province,
        movement_rows=list_movement_rows(register, unit.type, window) if unit else (),
        due_at=due_at,
        contact=contact,
    )
