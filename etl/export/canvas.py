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
from etl.export.model import Scalar
from etl.templates.layout import fit_height

FONT: Final = "Times New Roman"
LONGEST_TEXT: Final = 32_767
MAX_DECIMALS: Final = 6
Look = Literal[
    "plain", "title", "caption", "center", "header", "code", "stub", "row_code", "figure", "not_applicable", "note"
]

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
    "figure": _GRID | {"align": "right"},
    "not_applicable": _GRID | {"align": "center", "font_color": "#7F7F7F"},
    "note": {"valign": "top", "text_wrap": True},
}


def number_format_of(value: Scalar) -> str | None:
    """The Excel format that shows a value whole: a number with just its own decimals (at most 6), dates Vietnamese."""
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


def name_sheet(wanted: str, taken: set[str]) -> str:
    """A sheet name Excel accepts (31 characters, no []:*?/\\, no outer apostrophe) that is not taken yet; takes it."""
    base = re.sub(r"[\[\]:*?/\\]", "-", wanted).strip("'")[:31] or "Bảng"
    name, number = base, 2
    while name.casefold() in taken:
        suffix = f" ({number})"
        name, number = base[: 31 - len(suffix)] + suffix, number + 1
    taken.add(name.casefold())
    return name


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
        self.sheet.write_string(self.row, 0, text, style)
        self.row += 1

    def write_header(self, labels: Sequence[str], look: Literal["header", "code"] = "header") -> None:
        """A row of column headers or column codes."""
        looks: list[Look] = [look for _ in labels]
        self.write_row(labels, looks)

    def write_row(
        self,
        cells: Sequence[Scalar],
        looks: Sequence[Look],
        *,
        level: int = 0,
        bold: bool = False,
        fit: bool = True,
    ) -> None:
        """A row of cells, each in its look; `level` indents the first. `fit` sizes the row by its texts."""
        if fit:
            texts = [
                (cell, width, bold or look == "header")
                for cell, width, look in zip(cells, self.widths, looks, strict=True)
                if isinstance(cell, str)
            ]
            self.sheet.set_row(self.row, fit_height(texts))
        for column, (cell, look) in enumerate(zip(cells, looks, strict=True)):
            self.write_cell(column, cell, look, level if column == 0 else 0, bold)
        self.row += 1

    def write_cell(self, column: int, value: Scalar, look: Look, level: int = 0, bold: bool = False) -> None:
        """A value in the current row. Instants are shown on the clock in Viet Nam; over-long texts end in "…"."""
        style = self._format(look, number_format_of(value), level, bold)
        if value is None or value == "":
            self.sheet.write_blank(self.row, column, None, style)
        elif isinstance(value, str):
            # xlsxwriter leaves a cell empty whose text is too long.
            text = value if len(value) <= LONGEST_TEXT else value[: LONGEST_TEXT - 1] + "…"
            self.sheet.write_string(self.row, column, text, style)
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

    def freeze_here(self, header_rows: int) -> None:
        """Keeps everything above in sight, and prints the last `header_rows` on every page."""
        self.sheet.freeze_panes(self.row, 0)
        self.sheet.repeat_rows(self.row - header_rows, self.row - 1)

    def finish(self, footer: str, *, landscape: bool = True, filter_from: int | None = None) -> None:
        """Page set-up; `filter_from` puts filter buttons on that header row."""
        if filter_from is not None:
            self.sheet.autofilter(filter_from, 0, max(filter_from, self.row - 1), len(self.widths) - 1)
        # Row codes and what units typed are text on purpose: no green corners.
        self.sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        if landscape:
            self.sheet.set_landscape()
        self.sheet.set_paper(9)
        self.sheet.fit_to_pages(1, 0)
        self.sheet.set_margins(left=0.6, right=0.5, top=0.6, bottom=0.7)
        self.sheet.hide_gridlines(2)
        self.sheet.set_footer(f'&L&"{FONT}"&9{footer.replace("&", "&&")[:150]}&R&"{FONT}"&9Trang &P/&N')

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
