"""Writes a planned workbook to bytes. The only module of templates that knows xlsxwriter.

It must not decide what stands where. Every text goes through `write_string`: a name that begins with = must never
become a live formula. The same plan gives the same bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from io import BytesIO
from itertools import pairwise
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from etl.templates.model import (
    INPUT_STYLES,
    META_SHEET,
    CellPlan,
    SheetPlan,
    Style,
    Validation,
    WorkbookPlan,
)

FONT: Final = "Times New Roman"
CREATED: Final = datetime(2020, 1, 1)  # noqa: DTZ001 - a property of the file without a zone; fixed so that bytes are stable
OPTIONS: Final[Mapping[str, bool]] = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
DATE_FORMAT: Final = "dd/mm/yyyy"
WHOLE_FORMAT: Final = "#,##0"
DECIMAL_FORMAT: Final = "#,##0.######"
LONGEST_TEXT: Final = 32_767
"""Characters a cell can hold."""

_GRID: Final[dict[str, Any]] = {"border": 1, "border_color": "#7F7F7F", "valign": "vcenter", "text_wrap": True}
_STYLES: Final[Mapping[Style, dict[str, Any]]] = {
    "plain": {},
    "title": {"bold": True, "font_size": 14, "align": "center", "valign": "vcenter", "text_wrap": True},
    "caption": {"valign": "vcenter", "text_wrap": True},
    "caption_input": {"valign": "vcenter", "text_wrap": True},
    "header": _GRID | {"bold": True, "align": "center", "bg_color": "#D9E2EC"},
    "code": _GRID | {"italic": True, "align": "center", "bg_color": "#EDF1F5", "num_format": "@"},
    "stub": _GRID,
    "row_code": _GRID | {"align": "center", "num_format": "@"},
    "prefilled": _GRID | {"bg_color": "#E7E6E6"},
    # The precision a unit reports is read from typed digits and cell formats: a format with fixed decimals would lie.
    "count": _GRID | {"num_format": WHOLE_FORMAT, "align": "right"},
    "decimal": _GRID | {"num_format": DECIMAL_FORMAT, "align": "right"},
    "percent": _GRID | {"align": "right"},
    "date": _GRID | {"num_format": DATE_FORMAT, "align": "left"},
    "text": _GRID | {"num_format": "@"},
    "not_applicable": _GRID | {"align": "center", "bg_color": "#D0CECE", "font_color": "#7F7F7F"},
    "note": {"text_wrap": True, "valign": "top"},
    "signature": {"align": "center", "valign": "vcenter", "text_wrap": True},
}
_REQUIRED_TINT: Final = "#FFF8D6"


def write_workbook(plan: WorkbookPlan) -> bytes:
    """The plan as an .xlsx file. Raises ValueError for a text longer than a cell can hold."""
    target = BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, **OPTIONS}) as book:
        book.set_properties({"created": CREATED})
        writer = _Writer(book)
        for sheet in plan.sheets:
            writer.write_sheet(sheet)
        for name, reference in plan.names.items():
            book.define_name(name, reference)
        if plan.metadata is not None:
            writer.write_metadata(plan.metadata)
    content = target.getvalue()
    has_formulas = any(cell.formula for sheet in plan.sheets for cell in sheet.cells.values())
    return drop_blank_results(content) if has_formulas else content


def drop_blank_results(content: bytes) -> bytes:
    """The workbook without the empty results xlsxwriter writes beside formulas: as a program that never calculates."""
    target = BytesIO()
    with ZipFile(BytesIO(content)) as source, ZipFile(target, "w", ZIP_DEFLATED) as changed:
        for name in source.namelist():
            part = source.read(name)
            if name.startswith("xl/worksheets/sheet"):
                part = part.replace(b"</f><v></v></c>", b"</f></c>")
            entry = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = ZIP_DEFLATED
            changed.writestr(entry, part)
    return target.getvalue()


class _Writer:
    def __init__(self, book: Any) -> None:
        self.book = book
        self.formats: dict[tuple[object, ...], Any] = {}

    def write_sheet(self, plan: SheetPlan) -> None:
        sheet = self.book.add_worksheet(plan.name)
        if plan.hidden:
            sheet.hide()
        for column, width in plan.widths.items():
            sheet.set_column(column, column, width)
        for row, height in plan.heights.items():
            sheet.set_row(row, height)
        for first_row, first_column, last_row, last_column in plan.merges:
            anchor = plan.cells.get((first_row, first_column), CellPlan(None))
            sheet.merge_range(first_row, first_column, last_row, last_column, "", self._format(anchor))
        for row, column in sorted(plan.cells):
            self._write_cell(sheet, row, column, plan.cells[row, column])
        self._bound(sheet, plan.validations)
        self._write_whole_decimals_plainly(sheet, plan)
        _set_up_page(sheet, plan)
        if plan.form is not None:
            _silence_text_codes(sheet, plan)
            sheet.protect("", {"format_columns": True, "format_rows": True})

    def write_metadata(self, metadata: Mapping[str, str]) -> None:
        sheet = self.book.add_worksheet(META_SHEET)
        for row, (key, value) in enumerate(metadata.items()):
            sheet.write_string(row, 0, key)
            sheet.write_string(row, 1, value)
        sheet.very_hidden()

    def _write_cell(self, sheet: Any, row: int, column: int, cell: CellPlan) -> None:
        style = self._format(cell)
        value = cell.value
        if cell.formula is not None:
            sheet.write_formula(row, column, cell.formula, style, "")
        elif value is None or value == "":
            sheet.write_blank(row, column, None, style)
        elif isinstance(value, str):
            if len(value) > LONGEST_TEXT:
                # xlsxwriter would only warn and leave the cell empty.
                raise ValueError(f"the text of cell {xl_rowcol_to_cell(row, column)} is longer than a cell can hold")
            sheet.write_string(row, column, value, style)
        elif isinstance(value, bool):
            sheet.write_boolean(row, column, value, style)
        elif isinstance(value, int | float):
            sheet.write_number(row, column, value, style)
        else:
            sheet.write_datetime(row, column, value, style)

    def _format(self, cell: CellPlan) -> Any:
        number_format = cell.number_format
        if number_format is None and isinstance(cell.value, date) and cell.style != "date":
            number_format = f"{DATE_FORMAT} hh:mm" if isinstance(cell.value, datetime) else DATE_FORMAT
        key = (cell.style, number_format, cell.indent, cell.bold, cell.required)
        if key not in self.formats:
            properties: dict[str, Any] = {"font_name": FONT, "font_size": 11, **_STYLES[cell.style]}
            if number_format is not None:
                properties |= {"num_format": number_format, "align": properties.get("align", "left")}
            if cell.indent:
                properties["indent"] = cell.indent
            if cell.bold:
                properties["bold"] = True
            if cell.style in INPUT_STYLES:
                properties["locked"] = False
                if cell.required:
                    properties["bg_color"] = _REQUIRED_TINT
            self.formats[key] = self.book.add_format(properties)
        return self.formats[key]

    def _bound(self, sheet: Any, validations: Mapping[tuple[int, int], Validation]) -> None:
        alike: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for cell, bound in validations.items():
            alike[repr(bound)].append(cell)
        for cells in alike.values():
            ranges = _join_cells(cells)
            rule = _write_rule(validations[cells[0]]) | {"other_cells": [list(area) for area in ranges[1:]]}
            sheet.data_validation(*ranges[0], rule)

    def _write_whole_decimals_plainly(self, sheet: Any, plan: SheetPlan) -> None:
        """An optional decimal part leaves a lone comma behind whole numbers ("5,"); those get the format of counts."""
        cells = [
            cell for cell, planned in plan.cells.items() if planned.style == "decimal" and not planned.number_format
        ]
        if not cells:
            return
        ranges = _join_cells(cells)
        first = xl_rowcol_to_cell(*ranges[0][:2])
        areas = " ".join(f"{xl_rowcol_to_cell(*area[:2])}:{xl_rowcol_to_cell(*area[2:])}" for area in ranges)
        rule = {
            "type": "formula",
            "criteria": f"=IF(ISNUMBER({first}),{first}=INT({first}),FALSE)",
            "format": self.book.add_format({"num_format": WHOLE_FORMAT}),
            "multi_range": areas,
        }
        sheet.conditional_format(*ranges[0], rule)


def _join_cells(cells: list[tuple[int, int]]) -> list[tuple[int, int, int, int]]:
    """The cells as vertical ranges (first row, first column, last row, last column), in column order."""
    ordered = sorted((column, row) for row, column in cells)
    starts = [ordered[0]] + [b for a, b in pairwise(ordered) if b != (a[0], a[1] + 1)]
    ends = [a for a, b in pairwise(ordered) if b != (a[0], a[1] + 1)] + [ordered[-1]]
    return [(first, column, last, column) for (column, first), (_, last) in zip(starts, ends, strict=True)]


def _write_rule(bound: Validation) -> dict[str, Any]:
    rule: dict[str, Any] = {"validate": bound.kind}
    if bound.kind == "list":
        rule["source"] = f"={bound.source}" if isinstance(bound.source, str) else list(bound.source or ())
    elif bound.minimum is None:
        # Excel has no bound that says "any number".
        rule |= {"criteria": "between", "minimum": -1e15, "maximum": 1e15}
    else:
        rule |= {"criteria": ">=", "value": bound.minimum}
    rule |= {"error_title": bound.title, "error_message": bound.message}
    if bound.prompt:
        rule |= {"input_title": bound.title, "input_message": bound.message}
    return rule


def _set_up_page(sheet: Any, plan: SheetPlan) -> None:
    if plan.freeze is not None:
        sheet.freeze_panes(*plan.freeze)
    if plan.landscape:
        sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.6, right=0.5, top=0.6, bottom=0.7)
    sheet.hide_gridlines(2)
    footer = plan.footer.replace("&", "&&")
    sheet.set_footer(f'&L&"{FONT}"&9{footer}&R&"{FONT}"&9Trang &P/&N')
    if plan.form is not None:
        sheet.repeat_rows(max(0, plan.header_row - 1), plan.header_row)


def _silence_text_codes(sheet: Any, plan: SheetPlan) -> None:
    """No green corner on codes such as "01", which are text on purpose."""
    codes = [cell for cell, planned in plan.cells.items() if planned.style in ("code", "row_code", "prefilled", "text")]
    if codes:
        areas = (f"{xl_rowcol_to_cell(*area[:2])}:{xl_rowcol_to_cell(*area[2:])}" for area in _join_cells(codes))
        sheet.ignore_errors({"number_stored_as_text": " ".join(areas)})
