"""A worksheet written from top to bottom, row by row, in constant memory. The only module of exports that knows
xlsxwriter; it must not know what a report is.

Every text goes through `write_string`: what a unit typed must never become a live formula in the office's workbook.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal

from etl.calendar.deadlines import TIMEZONE
from etl.export.model import HeaderCell, Marked, Printed, Scalar
from etl.export.safe_text import cell_text, printable
from etl.templates.layout import fit_height

FONT: Final = "Times New Roman"
MAX_DECIMALS: Final = 6
A4, A3 = 9, 8
_A4_WIDTH: Final = 165
"""Characters that a lying A4 page still shows at a size one reads without a glass; wider tables print on A3."""
Look = Literal[
    "plain",
    "title",
    "caption",
    "center",
    "header",
    "code",
    "stub",
    "row_code",
    "figure",
    "not_applicable",
    "note",
    "link",
    "heading",
    "signature",
    "center_bold",
    "small",
]
Segment = tuple[int, int, str, Look, bool]
"""First and last column, text, look, bold: a part of a row that is merged across columns."""

_GRID: Final[dict[str, Any]] = {"border": 1, "border_color": "#7F7F7F", "valign": "vcenter", "text_wrap": True}
_LOOKS: Final[dict[Look, dict[str, Any]]] = {
    "plain": {},
    "title": {"bold": True, "font_size": 14, "align": "center", "valign": "vcenter", "text_wrap": True},
    "caption": {"valign": "vcenter", "text_wrap": True},
    "center": {"align": "center", "valign": "vcenter", "italic": True, "text_wrap": True},
    "header": _GRID | {"bold": True, "align": "center", "bg_color": "#D9E2EC"},
    "code": _GRID | {"italic": True, "align": "center", "bg_color": "#EDF1F5"},
    "stub": _GRID | {"align": "left"},
    "row_code": _GRID | {"align": "center"},
    "figure": _GRID | {"align": "right", "indent": 1},
    "not_applicable": _GRID | {"align": "center", "font_color": "#7F7F7F"},
    "note": {"valign": "top", "text_wrap": True},
    "link": _GRID | {"align": "left", "font_color": "#1F4E79", "underline": 1},
    "heading": _GRID | {"align": "left", "italic": True, "bold": True, "bg_color": "#F6F8FA"},
    "center_bold": {"align": "center", "valign": "vcenter", "bold": True, "text_wrap": True},
    "small": {"align": "left", "valign": "top", "text_wrap": True, "font_size": 10},
    "signature": {"align": "center", "valign": "top", "italic": True, "text_wrap": True},
}
ESTIMATE_SUFFIX: Final = '" (ước)"'


def number_format_of(value: Printed) -> str | None:
    """The Excel format that shows a value whole: a number with just its own decimals (at most 6), dates Vietnamese.

    `#,##0.0` is shown with the separators of the reader's own Excel: 1.234,5 where it is set to Vietnamese.
    """
    if isinstance(value, Marked):
        shown = number_format_of(value.value)
        return shown and shown + ESTIMATE_SUFFIX
    if isinstance(value, datetime):
        return "dd/mm/yyyy hh:mm"
    if isinstance(value, date):
        return "dd/mm/yyyy"
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        # Sums of floats carry noise far behind the comma; a Decimal's trailing zeros are meant.
        number = value if isinstance(value, Decimal) else Decimal(str(round(value, MAX_DECIMALS))).normalize()
        exponent = number.as_tuple().exponent
        decimals = min(MAX_DECIMALS, max(0, -exponent)) if isinstance(exponent, int) else 0
        return "#,##0." + "0" * decimals if decimals else "#,##0"
    return None


def _name_letter(found: re.Match[str]) -> str:
    return " " if found[0].isspace() else "-"


def name_sheet(wanted: str, taken: set[str]) -> str:
    """A sheet name Excel accepts (31 characters, no []:*?/\\, no outer apostrophe) that is not taken yet; takes it."""
    base = re.sub(r"[\[\]:*?/\\\s]", _name_letter, printable(wanted)).strip("' ")[:31] or "Bảng"
    name, number = base, 2
    while name.casefold() in taken:
        suffix = f" ({number})"
        name, number = base[: 31 - len(suffix)] + suffix, number + 1
    taken.add(name.casefold())
    return name


def _footer_text(text: str) -> str:
    """A "&" begins a command in a footer; half of a doubled one at the end would be one too."""
    return printable(text)[:150].replace("&", "&&")


class Canvas:
    """One sheet, written downwards. `widths` are the columns' widths in characters."""

    def __init__(self, book: Any, name: str, widths: Sequence[float], formats: dict[tuple[object, ...], Any]) -> None:
        self.book = book
        self.sheet = book.add_worksheet(name)
        self.widths = tuple(widths)
        self.formats = formats
        self.row = 0
        for column, width in enumerate(self.widths):
            self.sheet.set_column(column, column, width)

    def write_line(self, text: str, look: Look = "caption", *, bold: bool = False, line_height: float = 15.5) -> None:
        """A text across all columns in its own row."""
        self.sheet.set_row(self.row, fit_height([(text, sum(self.widths), bold)], line_height=line_height))
        style = self._format(look, None, 0, bold)
        if len(self.widths) > 1:
            self.sheet.merge_range(self.row, 0, self.row, len(self.widths) - 1, "", style)
        self.sheet.write_string(self.row, 0, cell_text(text), style)
        self.row += 1

    def write_segments(self, segments: Sequence[Segment], *, lines: int = 1, line_height: float = 15.5) -> None:
        """A row without a grid whose parts are merged across columns; at least `lines` high."""
        room = [(text, sum(self.widths[first : last + 1]), bold) for first, last, text, _, bold in segments]
        self.sheet.set_row(self.row, max(fit_height(room, line_height=line_height), lines * line_height + 5.0))
        for first, last, text, look, bold in segments:
            style = self._format(look, None, 0, bold)
            if last > first:
                self.sheet.merge_range(self.row, first, self.row, last, "", style)
            self.sheet.write_string(self.row, first, cell_text(text), style)
        self.row += 1

    def write_header_rows(self, rows: Sequence[Sequence[HeaderCell]]) -> None:
        """A header of several rows; every place of the grid is covered by one cell."""
        style = self._format("header", None, 0, False)
        covered: set[tuple[int, int]] = set()
        for depth, cells in enumerate(rows):
            room = [
                (cell.label, sum(self.widths[cell.column : cell.column + cell.columns]), True)
                for cell in cells
                if cell.rows == 1
            ]
            spanning = [
                fit_height([(cell.label, sum(self.widths[cell.column : cell.column + cell.columns]), True)])
                for cell in rows[0]
                if cell.rows > 1
            ]
            share = max(spanning, default=0.0) / len(rows)
            self.sheet.set_row(self.row, max(fit_height(room), share))
            begun = {cell.column: cell for cell in cells}
            for column in range(len(self.widths)):
                cell = begun.get(column)
                if cell is not None and (depth, column) not in covered:
                    self.sheet.write_string(self.row, column, cell_text(cell.label), style)
                    last_row, last_column = self.row + cell.rows - 1, column + cell.columns - 1
                    covered |= {
                        (depth + down, column + right) for down in range(cell.rows) for right in range(cell.columns)
                    }
                    if cell.rows > 1 or cell.columns > 1:
                        # merge_range writes the rows below at once; in constant memory this one would then be lost.
                        self.sheet.merge.append([self.row, column, last_row, last_column])
                else:
                    self.sheet.write_blank(self.row, column, None, style)
            self.row += 1

    def write_link(self, column: int, text: str, sheet: str) -> None:
        """A link in the current row to the first cell of a sheet of this workbook."""
        style = self._format("link", None, 0, False)
        quoted = sheet.replace("'", "''")
        self.sheet.write_url(self.row, column, f"internal:'{quoted}'!A1", style, string=cell_text(text)[:255])

    def write_header(self, labels: Sequence[str], look: Literal["header", "code"] = "header") -> None:
        """A row of column headers or column codes."""
        looks: list[Look] = [look for _ in labels]
        self.write_row(labels, looks)

    def write_row(
        self,
        cells: Sequence[Printed],
        looks: Sequence[Look],
        *,
        level: int = 0,
        bold: bool = False,
        fit: bool = True,
        link: tuple[int, str] | None = None,
    ) -> None:
        """A row of cells, each in its look; `level` indents the first. `fit` sizes the row by its texts.

        `link`: the column whose text leads to a sheet, and that sheet.
        """
        if fit:
            texts = [
                (cell, width, bold or look == "header")
                for cell, width, look in zip(cells, self.widths, looks, strict=True)
                if isinstance(cell, str)
            ]
            self.sheet.set_row(self.row, fit_height(texts))
        for column, (cell, look) in enumerate(zip(cells, looks, strict=True)):
            if link is not None and link[0] == column:
                self.write_link(column, str(cell), link[1])
            else:
                self.write_cell(column, cell, look, level if column == 0 else 0, bold)
        self.row += 1

    def write_cell(self, column: int, printed: Printed, look: Look, level: int = 0, bold: bool = False) -> None:
        """A value in the current row. Instants are shown on the clock in Viet Nam; over-long texts end in "…"."""
        style = self._format(look, number_format_of(printed), level, bold)
        value: Scalar = printed.value if isinstance(printed, Marked) else printed
        if value is None or value == "":
            self.sheet.write_blank(self.row, column, None, style)
        elif isinstance(value, str):
            self.sheet.write_string(self.row, column, cell_text(value), style)
        elif isinstance(value, datetime):
            local = value.astimezone(TIMEZONE).replace(tzinfo=None)
            self.sheet.write_datetime(self.row, column, local, style)
        elif isinstance(value, date):
            self.sheet.write_datetime(self.row, column, value, style)
        else:
            self.sheet.write_number(self.row, column, float(value) if isinstance(value, Decimal) else value, style)

    def skip(self, rows: int = 1) -> None:
        """Leaves rows empty."""
        self.row += rows

    def freeze_here(self, header_rows: int, *, columns: int = 0) -> None:
        """Keeps everything above in sight, and prints the last `header_rows` on every page.

        `columns` from the left stay in sight too, where they leave room for the others.
        """
        # A tall title would leave a small screen nothing to scroll in: then only the header stays.
        self.sheet.freeze_panes(self.row, columns if sum(self.widths[:columns]) <= 70 else 0)
        self.sheet.repeat_rows(self.row - header_rows, self.row - 1)

    def print_only(self, rows: int) -> None:
        """Prints the first rows alone: what is for looking up on a screen must not come out of a printer by the hundred."""
        self.sheet.print_area(0, 0, rows - 1, len(self.widths) - 1)

    def finish(
        self, footer: str, *, landscape: bool = True, filter_from: int | None = None, one_page: bool = False
    ) -> None:
        """Page set-up: A4, or A3 for a wide table; `filter_from` puts filter buttons on that header row.

        `one_page` keeps a table with the signatures under it on one sheet of paper.
        """
        if filter_from is not None:
            self.sheet.autofilter(filter_from, 0, max(filter_from, self.row - 1), len(self.widths) - 1)
        # Row codes and what units typed are text on purpose: no green corners.
        self.sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        if landscape:
            self.sheet.set_landscape()
        self.sheet.set_paper(A3 if landscape and sum(self.widths) > _A4_WIDTH else A4)
        self.sheet.fit_to_pages(1, 1 if one_page else 0)
        self.sheet.center_horizontally()
        self.sheet.set_margins(left=0.6, right=0.5, top=0.6, bottom=0.7)
        self.sheet.hide_gridlines(2)
        self.sheet.set_footer(f'&L&"{FONT}"&9{_footer_text(footer)}&R&"{FONT}"&9Trang &P/&N')

    def _format(self, look: Look, number_format: str | None, level: int, bold: bool) -> Any:
        key = (look, number_format, level, bold)
        if key not in self.formats:
            properties: dict[str, Any] = {"font_name": FONT, "font_size": 11, **_LOOKS[look]}
            if number_format is not None:
                properties["num_format"] = number_format
            if level:
                properties["indent"] = level
            if bold:
                properties["bold"] = True
            self.formats[key] = self.book.add_format(properties)
        return self.formats[key]
