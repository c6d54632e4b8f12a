"""What a workbook holds, cell by cell, as plain data: the only thing that leaves the reading of a file.

Must stay import-light (the reading child loads it) and must not interpret: texts are as the sender typed them, not
trimmed, not normalised to NFC, not turned into numbers. Rows and columns are zero-based everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from etl.reading.document import Node

WorkbookFormat: TypeAlias = Literal["xlsx", "xlsm", "xls", "ods", "csv", "json"]
"""The formats that are read; templates (.xltx, .xltm, .ots) count as their workbook format. A csv is one nameless sheet, a
JSON submission has no sheets but a document."""

CellRange: TypeAlias = tuple[int, int, int, int]
"""First row, first column, last row, last column; all zero-based and inclusive."""

LAST_ROW = 1_048_575
LAST_COLUMN = 16_383


class CellKind(StrEnum):
    """What a cell holds. `UNCACHED` is a formula saved without its result: its value is unknown, not blank.

    `INVALID` is what a place of a JSON submission has and no cell can hold: an object, NaN, a broken character.
    """

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    ERROR = "error"
    UNCACHED = "uncached"
    INVALID = "invalid"


class Cell(NamedTuple):
    """One cell that is not blank.

    `text` by kind: text as typed (also white space only; a time of day or duration is "HH:MM:SS", hours may pass 23);
    number in its shortest decimal form ("5", "38.2"); boolean "TRUE" or "FALSE"; date ISO ("2026-06-10", or
    "2026-06-10T08:30:00" when it has a time); error as shown ("#N/A"); uncached the formula ("=SUM(B1:B3)", or "=" when
    the file only refers to a shared formula).
    `number_format` is the format code of a number, date or time ("0.0%"); None for General, unknown, or other kinds. Of an
    invalid cell it is the code of the finding, and `text` what stands there.
    """

    kind: CellKind
    text: str
    number_format: str | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. Blank cells are absent from `cells`; `visible` is False for hidden and very hidden sheets."""

    name: str
    visible: bool
    cells: dict[tuple[int, int], Cell]
    merged: tuple[CellRange, ...] = ()
    hidden_rows: frozenset[int] = frozenset()
    """Rows and columns that hold cells but that their sender does not see (hidden or filtered out)."""
    hidden_columns: frozenset[int] = frozenset()
    encoding: str | None = None
    """The old 8-bit encoding that texts of this sheet were converted from, after reading; `cells` hold Unicode then."""
    originals: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """The texts of converted cells as they stand in the file."""
    read_name: str | None = None
    """The converted name of the sheet; `name` stays what it is in the file."""
    pointers: Mapping[tuple[int, int], str] | None = None
    """Of a form in a JSON submission, laid out as a sheet: the JSON Pointer of every place that the document has."""

    @property
    def known_as(self) -> str:
        """The name to recognise the sheet by."""
        return self.read_name or self.name

    def name_cell(self, row: int, column: int) -> str:
        """How the sender finds a place: A1 notation, or the JSON Pointer of it."""
        if self.pointers is None:
            return cell_name(row, column)
        return self.pointers.get((row, column), f"/forms/{self.name}")

    def has_place(self, place: tuple[int, int]) -> bool:
        """False where a JSON submission leaves a key out; every place of a sheet is there, be it blank."""
        return self.pointers is None or place in self.pointers


@dataclass(frozen=True, slots=True)
class Workbook:
    """All sheets in the order of the tabs, chart sheets (without cells) included."""

    format: WorkbookFormat
    sheets: tuple[Sheet, ...]
    document: Node = None


@lru_cache(maxsize=1024)
def column_name(column: int) -> str:
    """The letters of a zero-based column: 0 is "A", 26 is "AA". Raises ValueError when negative."""
    if column < 0:
        raise ValueError(f"a column is 0 or more, not {column}")
    letters = ""
    rest = column + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        letters = chr(65 + letter) + letters
    return letters


@lru_cache(maxsize=65536)
def cell_name(row: int, column: int) -> str:
    """A1 notation of a zero-based position: (6, 1) is "B7". Raises ValueError when negative."""
    if row < 0:
        raise ValueError(f"a row is 0 or more, not {row}")
    return f"{column_name(column)}{row + 1}"


_CELL_NAME = re.compile(r"\$?([A-Z]{1,3})\$?([1-9][0-9]{0,6})", re.ASCII | re.IGNORECASE)


def parse_cell_name(name: str) -> tuple[int, int]:
    """The zero-based (row, column) of A1 notation; "$B$7" and "b7" are (6, 1).

    Raises ValueError when it is not a cell of a sheet of 1,048,576 rows by 16,384 columns.
    """
    match = _CELL_NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is not a cell such as B7")
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - 64
    row = int(match[2])
    if row - 1 > LAST_ROW or column - 1 > LAST_COLUMN:
        raise ValueError(f"{name!r} lies outside of a sheet")
    return row - 1, column - 1
