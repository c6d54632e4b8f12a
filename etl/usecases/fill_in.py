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


def make_template(knowledge: Knowledge, report: str, period: str, unit: str) -> tuple[str, bytes]:
    """The fill-in workbook of one unit: its file name and its bytes. Raises UnknownReport, UnknownPeriod, UnitDoesNotOwe."""
    register = knowledge.register
    duties = [row for row in build_obligations(register, report, period) if row.unit.code == unit]
    if not duties:
        raise UnitDoesNotOwe(f"{unit} owes no {report} for {period}")
    plan = plan_unit_workbook(register, knowledge.forms, report, period, duties[0].unit, due_at=duties[0].due_at)
    return f"{unit}_{report}_{period}.xlsx", write_workbook(plan)


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
        if (unit is None and not duty.is_excused) or duty.unit.code == unit
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
