"""What calamine does not tell, or tells wrongly, about the cells of an ods: errors, uncached formulas, percentages.

calamine reads the error "#DIV/0!" of LibreOffice as the number 0, which would enter the totals. Merged ranges too.
Must stay import-light: the reading child loads it. Must not read values: those are calamine's.
"""

from __future__ import annotations

import io
import zipfile

from etl.reading.grid import LAST_COLUMN, LAST_ROW
from etl.reading.sidecar import Attributes, SheetExtras, SidecarError, local_name, new_parser

MAX_REPEATED_CELLS = 1_000_000
"""Repeats stand for many cells in few bytes: a file that repeats errors more often than this is refused."""

_CHUNK = 1024 * 1024
_UNSEEN = frozenset({"collapse", "filter"})


def read_ods_extras(data: bytes) -> list[SheetExtras]:
    """One entry a sheet, in the order of the tabs.

    Raises SidecarError, expat.ExpatError or what zipfile raises for a damaged archive.
    """
    scanner = _ContentScanner()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open("content.xml") as part:
        while chunk := part.read(_CHUNK):
            scanner.parser.Parse(chunk, False)
        scanner.parser.Parse(b"", True)
    return scanner.sheets


def _count(attributes: Attributes, name: str) -> int:
    text = attributes.get(name, "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() else 1


class _ContentScanner:
    """Expat callbacks for content.xml. A position counts the repeats of the rows and cells before it."""

    def __init__(self) -> None:
        self.sheets: list[SheetExtras] = []
        self._row = 0
        self._rows = 1
        self._column = 0
        self._header_column = 0
        self._columns = 1
        self._depth = 0
        self._error: list[str] | None = None
        self._in_note = False
        self._kept = 0
        self.parser = new_parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _start(self, name: str, attributes: Attributes) -> None:
        tag = local_name(name)
        if tag == "table":
            self._depth += 1
            if self._depth == 1:
                self.sheets.append(SheetExtras(attributes.get("table:name", "")))
                self._row = self._header_column = 0
        elif self._depth != 1:
            return
        elif tag == "table-column":
            first = self._header_column
            self._header_column += _count(attributes, "table:number-columns-repeated")
            if attributes.get("table:visibility") in _UNSEEN:
                self.sheets[-1].hidden_columns.append((first, self._header_column - 1))
        elif tag == "table-row":
            self._rows = _count(attributes, "table:number-rows-repeated")
            self._column = 0
            if attributes.get("table:visibility") in _UNSEEN:
                self.sheets[-1].hidden_rows.append((self._row, self._row + self._rows - 1))
        elif tag in {"table-cell", "covered-table-cell"}:
            self._columns = _count(attributes, "table:number-columns-repeated")
            self._keep(attributes)
        elif tag == "annotation":
            self._in_note = True
        elif tag == "p" and self._error is not None and not self._in_note:
            self.parser.CharacterDataHandler = self._error.append

    def _end(self, name: str) -> None:
        tag = local_name(name)
        if tag == "table":
            self._depth -= 1
        elif self._depth != 1:
            return
        elif tag == "table-row":
            self._row += self._rows
        elif tag in {"table-cell", "covered-table-cell"}:
            if self._error is not None:
                self._spread(self.sheets[-1].errors, "".join(self._error).strip() or "#ERROR!")
                self._error = None
            self._column += self._columns
        elif tag == "annotation":
            self._in_note = False
        elif tag == "p":
            self.parser.CharacterDataHandler = None

    def _keep(self, attributes: Attributes) -> None:
        sheet = self.sheets[-1]
        kind = attributes.get("office:value-type")
        if attributes.get("calcext:value-type") == "error":
            self._error = []
        elif kind is None:
            if (formula := attributes.get("table:formula")) is not None:
                self._spread(sheet.uncached, "=" + formula.partition("=")[2])
        elif kind == "percentage":
            self._spread(sheet.formats, "0%")
        height = _count(attributes, "table:number-rows-spanned")
        width = _count(attributes, "table:number-columns-spanned")
        if height * width > 1:
            last_row, last_column = self._row + height - 1, self._column + width - 1
            if last_row <= LAST_ROW and last_column <= LAST_COLUMN:
                sheet.merged.append((self._row, self._column, last_row, last_column))

    def _spread(self, target: dict[tuple[int, int], str], text: str) -> None:
        self._kept += self._rows * self._columns
        if self._kept > MAX_REPEATED_CELLS:
            raise SidecarError("repeats")
        for row in range(self._row, self._row + self._rows):
            for column in range(self._column, self._column + self._columns):
                target[row, column] = text
