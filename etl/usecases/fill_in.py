"""`templates`: the fill-in workbooks of a report and period, one a unit that owes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from etl.register.obligations import build_obligations
from etl.templates.from_register import plan_unit_workbook
from etl.templates.write import write_workbook
from etl.usecases.context import Knowledge


class UnitDoesNotOwe(LookupError):
    """The unit is unknown or does not owe the report in that period."""


def write_templates(
    knowledge: Knowledge,
    report: str,
    period: str,
    out: Path,
    unit: str | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> list[Path]:
    """Write `<unit>_<report>_<period>.xlsx` for every unit that owes (exempt ones left out), or for one unit.

    Raises UnknownReport, UnknownPeriod, UnitDoesNotOwe.
    """
    register = knowledge.register
    owed = [
        duty
        for duty in build_obligations(register, report, register.period(report, period))
        if (unit is None and duty.exempt_reason is None) or duty.unit.code == unit
    ]
    if not owed:
        raise UnitDoesNotOwe(f"{unit or 'no unit'} owes {report} for {period}; see the units of the register")
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for duty in owed:
        plan = plan_unit_workbook(register, knowledge.forms, report, period, duty.unit, due_at=duty.due_at)
        path = out / f"{duty.unit.code}_{report}_{period}.xlsx"
        path.write_bytes(write_workbook(plan))
        written.append(path)
        if on_progress is not None:
            on_progress(1)
    return written
