"""A workbook's values as the JSON submission that another system would have sent. Shared by tests; knows no rule."""

from __future__ import annotations

import json
from typing import Any

from etl.examination import Examined
from etl.forms.declaration import Kind
from etl.parsing.submission import ParsedCell
from tests.golden.sender import read_knowledge


def as_document(examined: Examined, unit: str, report: str, period: str) -> dict[str, Any]:
    """The document with the same values, place by place; what the workbook does not have is left out."""
    parsed = examined.submission.parsed
    forms: dict[str, Any] = {}
    for code, version in parsed.versions.items():
        body: dict[str, Any] = {"version": version.version}
        cells = {key: cell for key, cell in parsed.cells.items() if key.form == code and cell.value.missing != "absent"}
        if version.kind is Kind.FIELDS:
            names = {row.code: row.field for row in version.fields}
            body["fields"] = {names[key.row]: _plain(cell) for key, cell in cells.items()}
        elif version.kind is Kind.MATRIX:
            body["rows"] = {}
            for key, cell in cells.items():
                body["rows"].setdefault(key.row, {})[key.column] = _plain(cell)
        else:
            fields = {column.code: str(column.field) for column in version.columns}
            lines: dict[tuple[str, int], dict[str, Any]] = {}
            for key, cell in cells.items():
                lines.setdefault((key.row, key.ordinal), {})[fields[key.column]] = _plain(cell)
            body["rows"] = list(lines.values())
        forms[code] = body
    return {"schema": "movement-reports/1", "report": report, "period": period, "unit": unit, "forms": forms}


def to_json(document: Any) -> bytes:
    """The document as it is sent."""
    return json.dumps(document, ensure_ascii=False).encode()


def _plain(cell: ParsedCell) -> Any:
    value = cell.value
    if value.number is not None:
        return int(value.number) if value.number == value.number.to_integral_value() else float(value.number)
    if value.day is not None:
        return value.day.isoformat()
    if value.text is not None:
        return cell.raw if cell.raw is not None else value.text
    return {"blank": None, "not_applicable": "x", "not_reported": "…"}.get(value.missing or "", cell.raw)


def known_forms() -> list[str]:
    """Codes of all declared forms."""
    return sorted(read_knowledge().forms)
