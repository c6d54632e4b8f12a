"""Reads what a unit wrote beside the findings of an earlier answer, from the sheet of results in the file it sent. Pure.

The sheet is ours, but it comes back from a sender: rows may be inserted, sorted or deleted, anything may stand in it.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from etl.findings.reasons import FindingKey, cut_reason, parse_key
from etl.reading.grid import Cell, CellKind, Sheet, Workbook
from etl.recognition.tables import RESULT_SHEET
from etl.text import comparison_key, normalise

REASON_HEADER: Final = "Giải trình của đơn vị"
KEY_HEADER: Final = "Khóa đối chiếu"
"""Heads the hidden column of finding keys; what follows after a colon names whose file the answer was for."""

_SEARCH_ROWS: Final = 60
_SEARCH_COLUMNS: Final = 60
_READ: Final = frozenset({CellKind.TEXT, CellKind.NUMBER, CellKind.DATE, CellKind.BOOLEAN})


def name_subject(unit: str, report: str, period: str) -> str:
    """Whose file an answer is for, as the sheet of results carries it."""
    return f"{unit} {report} {period}"


def read_reasons(workbook: Workbook, subject: str | None) -> dict[FindingKey, str]:
    """Every finding of an earlier answer -> what the unit wrote beside it, or ""; empty when no answer of ours came back.

    `subject` is whose file this is, None when that is not known. Reasons in an answer for another unit or period are not
    this one's: a unit may fill in last year's copy.
    """
    found: dict[FindingKey, str] = {}
    for sheet in workbook.sheets:
        if sheet.name.startswith(RESULT_SHEET):
            for key, text in _read_sheet(sheet, subject).items():
                found[key] = found.get(key) or text
    return found


def _read_sheet(sheet: Sheet, subject: str | None) -> dict[FindingKey, str]:
    header = _find_header(sheet)
    if header is None:
        return {}
    row, reason_column, key_column, meant = header
    if meant and subject is not None and meant != subject:
        return {}
    found: dict[FindingKey, str] = {}
    for (at, column), cell in sheet.cells.items():
        key = parse_key(cell.text) if column == key_column and at > row else None
        if key is not None and not found.get(key):
            found[key] = _read_text(sheet.cells.get((at, reason_column)))
    return found


def _find_header(sheet: Sheet) -> tuple[int, int, int, str] | None:
    """(row, column of reasons, column of keys, whose file), zero-based."""
    reason_places: dict[int, int] = {}
    key_places: dict[int, tuple[int, str]] = {}
    for (row, column), cell in sheet.cells.items():
        if row >= _SEARCH_ROWS or column >= _SEARCH_COLUMNS or cell.kind is not CellKind.TEXT:
            continue
        text = normalise(cell.text)
        if comparison_key(text) == comparison_key(REASON_HEADER):
            reason_places.setdefault(row, column)
        elif text.startswith(KEY_HEADER):
            key_places.setdefault(row, (column, normalise(text.removeprefix(KEY_HEADER).lstrip(": "))))
    for row, column in sorted(reason_places.items()):
        if row in key_places:
            return row, column, *key_places[row]
    return None


def _read_text(cell: Cell | None) -> str:
    """What was written, line breaks kept; "" for a blank and for an error or a formula without a result."""
    if cell is None or cell.kind not in _READ:
        return ""
    lines = (normalise(line) for line in unicodedata.normalize("NFC", cell.text).splitlines())
    return cut_reason("\n".join(line for line in lines if line))
