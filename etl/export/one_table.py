"""One table as a workbook of its own: what somebody takes away from a page. Texts stay texts, whatever they begin with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Final

import xlsxwriter

from etl.export.safe_text import cell_text, printable

_CREATED: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - a property of the file that must not differ between two exports
_FORMATS: Final = {
    "count": "#,##0",
    "money": "#,##0",
    "percent": "#,##0.00",
    "date": "dd/mm/yyyy",
    "instant": "dd/mm/yyyy hh:mm",
}


@dataclass(frozen=True, slots=True)
class OneColumn:
    """A column: heading, heading over several ("" for none), kind as of a mart's column, width in characters."""

    label: str
    group: str
    kind: str
    width: int


def write_one_table(
    title: str, notes: Sequence[str], columns: Sequence[OneColumn], rows: Sequence[Sequence[object]]
) -> bytes:
    """The workbook: title, notes, headings that repeat in print, rows. Instants must be in local time without a zone."""
    out = BytesIO()
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    book.set_properties({"title": printable(title), "created": _CREATED})
    sheet = book.add_worksheet("Bảng số liệu")
    font = {"font_name": "Times New Roman", "font_size": 12}
    head = book.add_format(
        {**font, "bold": True, "border": 1, "text_wrap": True, "align": "center", "valign": "vcenter"}
    )
    looks = {
        kind: book.add_format(
            {
                **font,
                "border": 1,
                "valign": "top",
                "text_wrap": kind == "text",
                "num_format": _FORMATS.get(kind, "General"),
            }
        )
        for kind in {"text", *(column.kind for column in columns)}
    }
    last = max(0, len(columns) - 1)
    sheet.write_string(0, 0, cell_text(title), book.add_format({**font, "bold": True, "font_size": 14}))
    line = 1
    for note in notes:
        sheet.write_string(line, 0, cell_text(note), book.add_format({**font, "italic": True}))
        line += 1
    line += 1
    first = line
    if any(column.group for column in columns):
        start = 0
        for place in range(1, len(columns) + 1):
            if place == len(columns) or columns[place].group != columns[start].group:
                text = cell_text(columns[start].group)
                if place - start > 1 and text:
                    sheet.merge_range(line, start, line, place - 1, "", head)
                sheet.write_string(line, start, text, head)
                start = place
        line += 1
    for place, column in enumerate(columns):
        sheet.write_string(line, place, cell_text(column.label), head)
        sheet.set_column(place, place, column.width)
    sheet.freeze_panes(line + 1, 0)
    sheet.repeat_rows(first, line)
    for number, row in enumerate(rows, start=line + 1):
        for place, (column, value) in enumerate(zip(columns, row, strict=True)):
            look = looks[column.kind]
            if value is None:
                sheet.write_blank(number, place, None, look)
            elif isinstance(value, bool):
                sheet.write_string(number, place, "Có" if value else "Không", look)
            elif isinstance(value, int | Decimal) and column.kind != "text":
                sheet.write_number(number, place, value, look)
            elif isinstance(value, date):
                sheet.write_datetime(number, place, value, look)
            else:
                sheet.write_string(number, place, cell_text(str(value)), looks["text"])
    if rows:
        sheet.autofilter(line, 0, line + len(rows), last)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&CTrang &P/&N")
    book.close()
    return out.getvalue()
