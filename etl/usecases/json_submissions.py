"""`schema`: the published JSON Schema of a report and period, and a filled example of it. Reads forms and register only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from etl.forms.declaration import FIELD_COLUMN, CellKey, FormVersion, Kind, Value, ValueType
from etl.forms.json_schema import DOCUMENT_VERSION, NOT_APPLICABLE, DocumentHead, FormDemand, JsonSchema, make_schema
from etl.register.entities import FormStatus
from etl.register.model import Unit
from etl.register.obligations import Obligation, build_obligations
from etl.templates.from_register import plan_unit_workbook
from etl.templates.model import Scalar, SheetPlan
from etl.usecases.context import Knowledge
from etl.usecases.fill_in import UnitDoesNotOwe

_SAMPLE_DAY: Final = date(2026, 6, 15)
_SAMPLE_CODE: Final = "MA01"
_Row = tuple[str, int]


def describe_submission(
    knowledge: Knowledge, report: str, period: str, unit: str | None = None
) -> tuple[DocumentHead, dict[str, FormDemand]]:
    """What a document must be: its head, and its forms by code. Without a unit, the forms of every unit that owes the report.

    Raises UnknownReport, UnknownPeriod, UnitDoesNotOwe.
    """
    register = knowledge.register
    window = register.period(report, period)
    declared = register.report(report, window.end)
    duties = _list_duties(knowledge, report, period, unit)
    statuses = [duty.forms for duty in duties]
    demands = {}
    for code in dict.fromkeys(form.code for form in declared.forms):
        asked = [forms.get(code) for forms in statuses]
        if any(status is not None for status in asked):
            form = knowledge.forms[code]
            everywhere = all(status is FormStatus.MANDATORY for status in asked)
            demands[code] = FormDemand(form.version_on(window.end), form.name, everywhere)
    units = tuple(sorted({duty.unit.code for duty in duties}))
    return DocumentHead(report, declared.name, period, window.label, units), demands


def publish_schema(knowledge: Knowledge, report: str, period: str, unit: str | None = None) -> JsonSchema:
    """The JSON Schema (2020-12) of a report and period; of one unit, only its own forms. Raises as `describe_submission`."""
    return make_schema(*describe_submission(knowledge, report, period, unit))


def make_sample_document(knowledge: Knowledge, report: str, period: str, unit: str | None = None) -> dict[str, Any]:
    """A document of one unit (default: the first that owes) that its schema takes: mandatory forms, noughts for figures.

    Rows are those that the unit is asked. Raises as `describe_submission`.
    """
    duty = _list_duties(knowledge, report, period, unit)[0]
    owner: Unit = duty.unit
    _, demands = describe_submission(knowledge, report, period, owner.code)
    plan = plan_unit_workbook(knowledge.register, knowledge.forms, report, period, owner, due_at=duty.due_at)
    bodies = {
        code: _fill_form(demand.version, plan.sheet_of(code)) for code, demand in demands.items() if demand.mandatory
    }
    return {"schema": DOCUMENT_VERSION, "report": report, "period": period, "unit": owner.code, "forms": bodies}


def _list_duties(knowledge: Knowledge, report: str, period: str, unit: str | None) -> list[Obligation]:
    owed = [row for row in build_obligations(knowledge.register, report, period) if unit in (None, row.unit.code)]
    if not owed:
        raise UnitDoesNotOwe(f"{unit or 'no unit'} owes {report} for {period}; see the units of the register")
    return owed


def _fill_form(version: FormVersion, sheet: SheetPlan) -> dict[str, Any]:
    printed = {key: sheet.cells[place].value for key, place in sheet.places.items()}
    body: dict[str, Any] = {"version": version.version}
    if version.kind is Kind.FIELDS:
        body["fields"] = {
            row.field: _fill_value(row, printed.get(CellKey(sheet.form or "", row.code, FIELD_COLUMN)))
            for row in version.fields
        }
    elif version.kind is Kind.MATRIX:
        body["rows"] = {
            row.code: {
                column.code: NOT_APPLICABLE
                if (row.code, column.code) in version.not_applicable_cells and column.type.is_number
                else _fill_value(column, None)
                for column in version.columns
            }
            for row in version.rows
        }
    else:
        rows: dict[_Row, dict[str, Scalar]] = {}
        for key, value in printed.items():
            if key.row or version.rows_from in (None, "open"):
                rows.setdefault((key.row, key.ordinal), {})[key.column] = value
        asked = list(rows.values())[: 1 if version.rows_from in (None, "open") else None]
        body["rows"] = [_fill_line(version, given) for given in asked]
    return body


def _fill_line(version: FormVersion, given: Mapping[str, Scalar]) -> dict[str, Any]:
    return {str(column.field): _fill_value(column, given.get(column.code)) for column in version.columns}


def _fill_value(declared: Value, printed: Scalar) -> Any:
    if isinstance(printed, date):
        return printed.isoformat()
    if printed is not None:
        return printed
    if declared.type.is_number:
        return 0
    if not declared.required:
        return None
    if declared.type is ValueType.DATE:
        return _SAMPLE_DAY.isoformat()
    if declared.type is ValueType.YES_NO:
        return "Không"
    if declared.type is ValueType.CHOICE:
        return declared.choices[0].labels[0]
    return _SAMPLE_CODE if declared.type is ValueType.CODE else f"({declared.label})"
