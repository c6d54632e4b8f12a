"""The JSON Schema of a submission, derived from the form declarations. Pure.

The schema says how a document must look; what the figures must say to one another is for the suites. It must not read files
or judge a document (`etl.parsing.documents` does).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from etl.forms.declaration import FormVersion, Kind, Value, ValueType

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
DOCUMENT_VERSION: Final = "movement-reports/1"
"""What `schema` says in a document. A change that breaks senders gets the next number."""
NOT_APPLICABLE: Final = "x"
NOT_REPORTED: Final = "…"
_WHOLE: Final = r"^\d{1,30}$"
_DECIMAL: Final = r"^\d{1,30}(,\d{1,6})?$"
_MONEY: Final = r"^-?\d{1,30}(,\d{1,6})?$"
_DAY: Final = r"^\d{4}-\d{2}-\d{2}$"
_BEYOND: Final = 10**30
_LONGEST_CODE: Final = 100

JsonSchema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FormDemand:
    """A form in a schema: its version, its name, whether it must be there."""

    version: FormVersion
    name: str
    mandatory: bool = True


@dataclass(frozen=True, slots=True)
class DocumentHead:
    """Whose submission a schema is for. `units`: the codes allowed; empty where any text is."""

    report: str
    report_name: str
    period: str
    period_label: str
    units: Sequence[str] = field(default_factory=tuple)


def make_schema(head: DocumentHead, forms: Mapping[str, FormDemand]) -> JsonSchema:
    """The schema of one report and period; `forms` by code, in order."""
    mandatory = [code for code, demand in forms.items() if demand.mandatory]
    unit: JsonSchema = {"type": "string", "title": "Mã đơn vị báo cáo", "minLength": 1}
    if head.units:
        unit["enum"] = list(head.units)
    return {
        "$schema": DIALECT,
        "$id": f"urn:movement-reports:{head.report}:{head.period}:{DOCUMENT_VERSION.rpartition('/')[2]}",
        "title": f"{head.report_name} – {head.period_label}",
        "description": (
            "Một tài liệu là một lần nộp và thay thế toàn bộ lần nộp trước. Ô không có số liệu ghi rõ: null (bỏ trống), "
            f"“{NOT_APPLICABLE}” (không áp dụng), “{NOT_REPORTED}” (chưa có số liệu). Số ghi bằng kiểu số của JSON, hoặc bằng "
            "chữ số với dấu phẩy thập phân."
        ),
        **_strict(
            {
                "schema": {"const": DOCUMENT_VERSION, "title": "Phiên bản cấu trúc tài liệu"},
                "report": {"const": head.report, "title": "Mã báo cáo"},
                "period": {"const": head.period, "title": "Mã kỳ báo cáo"},
                "unit": unit,
                "forms": {
                    "title": "Các biểu của báo cáo",
                    **_strict({code: make_form_schema(code, demand) for code, demand in forms.items()}, mandatory),
                },
            }
        ),
    }


def make_form_schema(code: str, demand: FormDemand) -> JsonSchema:
    """The schema of one form in one version."""
    version = demand.version
    body: JsonSchema = {"version": {"const": version.version, "title": "Phiên bản mẫu biểu"}}
    if version.kind is Kind.FIELDS:
        fields = {row.field: _value_schema(row, f"{row.code}. {row.label}", row.required) for row in version.fields}
        body["fields"] = {"title": "Chỉ tiêu", **_strict(fields)}
    elif version.kind is Kind.MATRIX:
        body["rows"] = {"title": "Dòng của biểu, theo mã số", **_strict(_matrix_rows(version))}
    else:
        body["rows"] = {"title": "Các dòng của biểu", "type": "array", "items": _list_item(version)}
    return {
        "title": f"{code} – {demand.name}",
        "description": ". ".join((version.title, version.instrument, *version.notes)),
        **_strict(body),
    }


def _strict(properties: Mapping[str, JsonSchema], required: Iterable[str] | None = None) -> JsonSchema:
    names = list(properties) if required is None else list(required)
    return {"type": "object", "properties": dict(properties), "required": names, "additionalProperties": False}


def _matrix_rows(version: FormVersion) -> dict[str, JsonSchema]:
    rows = {}
    for row in version.rows:
        cells = {}
        for column in version.columns:
            required = column.required or (row.code, column.code) in version.required_pairs
            cells[column.code] = _value_schema(column, column.label, required)
            reason = version.not_applicable_cells.get((row.code, column.code))
            if reason is not None:
                cells[column.code]["description"] = f"Không áp dụng, ghi “{NOT_APPLICABLE}” hoặc 0: {reason}"
        rows[row.code] = {"title": f"{row.code}. {row.label}", **_strict(cells)}
    return rows


def _list_item(version: FormVersion) -> JsonSchema:
    numbered = version.rows_from == "open"
    columns = {
        str(column.field): _value_schema(column, column.label, column.required and not (numbered and column.key))
        for column in version.columns
    }
    return _strict(columns)


def _value_schema(declared: Value, title: str, required: bool) -> JsonSchema:
    """What may stand in one place. A place that must be filled takes neither null nor “x”."""
    allowed = _allowed(declared)
    if not required:
        allowed.append({"type": "null"})
        if declared.type.is_number:
            allowed.append({"enum": [NOT_APPLICABLE, NOT_REPORTED]})
    schema: JsonSchema = {"title": title, **(allowed[0] if len(allowed) == 1 else {"anyOf": allowed})}
    if declared.unit:
        schema["description"] = f"Đơn vị tính: {declared.unit}"
    return schema


def _allowed(declared: Value) -> list[JsonSchema]:
    kind = declared.type
    if kind is ValueType.COUNT:
        whole = {"type": "integer", "minimum": 0, "exclusiveMaximum": _BEYOND}
        return [whole, {"type": "string", "pattern": _WHOLE}]
    if kind.is_number:
        number: JsonSchema = {"type": "number", "minimum": 0, "exclusiveMaximum": _BEYOND}
        if kind is ValueType.MONEY:
            number = {"type": "number", "exclusiveMinimum": -_BEYOND, "exclusiveMaximum": _BEYOND}
        return [number, {"type": "string", "pattern": _MONEY if kind is ValueType.MONEY else _DECIMAL}]
    if kind is ValueType.DATE:
        return [{"type": "string", "format": "date", "pattern": _DAY}]
    if kind is ValueType.YES_NO:
        return [{"type": "boolean"}, {"enum": ["Có", "Không"]}]
    if kind is ValueType.CHOICE:
        words = [word for choice in declared.choices for word in (choice.value, *choice.labels)]
        return [{"enum": list(dict.fromkeys(words))}]
    if kind is ValueType.CODE:
        return [{"type": "string", "minLength": 1, "maxLength": _LONGEST_CODE}, {"type": "integer", "minimum": 0}]
    return [{"type": "string"}]
