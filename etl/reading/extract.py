"""One workbook from its bytes, inside the reading child: calamine for the values, a sidecar for what it leaves out.

Must only run in the child (`etl.reading.child`): calamine aborts the whole program on some hostile files.
Must stay import-light, and must not let a text of the file into a failure.
"""

from __future__ import annotations

import datetime
import io
import zipfile
from decimal import Decimal

import python_calamine

from etl.reading.document import read_document
from etl.reading.failures import FailedReading, ReadingFailure
from etl.reading.grid import LAST_COLUMN, LAST_ROW, CellKind, CellRange
from etl.reading.sidecar import SheetExtras, SidecarError, read_xlsx_extras, replace_error_values
from etl.reading.sniff import FileFormat, check_archive, sniff_format
from etl.reading.wire import Packed, SheetDraft

MAX_CELLS = 400_000
"""Cells that are not blank. A unit's workbook has a few thousand; the parent must be able to hold one of these."""

MAX_SHEETS = 500
MAX_MERGED = 50_000
"""Merged ranges. Whoever looks for the range of a cell walks through them."""

MAX_TEXT = 8 * 1024 * 1024
"""Characters in all cells together: a shared text of 32,000 letters can be referred to a million times in few bytes."""

_READABLE = frozenset({FileFormat.XLSX, FileFormat.XLSM, FileFormat.XLS, FileFormat.ODS})
_REASONS = {
    FileFormat.EMPTY: FailedReading(ReadingFailure.FILE_EMPTY),
    FileFormat.ENCRYPTED: FailedReading(ReadingFailure.FILE_ENCRYPTED),
    FileFormat.DAMAGED_ZIP: FailedReading(ReadingFailure.FILE_UNREADABLE, "damaged_zip"),
    FileFormat.DAMAGED_OLE: FailedReading(ReadingFailure.FILE_UNREADABLE, "damaged_ole"),
}


class _TooMuchError(Exception):
    """More cells, text or merged ranges than allowed."""


def read_bytes(data: bytes) -> tuple[FileFormat, list[SheetDraft] | Packed] | FailedReading:
    """The format with the sheets of a workbook or the document of a JSON submission, or why not.

    Any exception of the libraries becomes a failure.
    """
    try:
        return _read_bytes(data)
    except _TooMuchError as error:
        return FailedReading(ReadingFailure.FILE_TOO_LARGE, str(error))
    except MemoryError:
        return FailedReading(ReadingFailure.FILE_TOO_LARGE, "memory")
    except python_calamine.PasswordError:
        return FailedReading(ReadingFailure.FILE_ENCRYPTED)
    except python_calamine.CalamineError as error:
        if "limit exceeded" in str(error).lower():
            return FailedReading(ReadingFailure.FILE_TOO_LARGE, "cells")
        return FailedReading(ReadingFailure.FILE_UNREADABLE, "damaged_content")
    except SidecarError as error:
        return FailedReading(ReadingFailure.FILE_UNREADABLE, str(error))
    except zipfile.BadZipFile:
        return FailedReading(ReadingFailure.FILE_UNREADABLE, "damaged_zip")
    except Exception:  # damaged files bring out any kind: expat, struct, zlib, unknown encodings and packings
        return FailedReading(ReadingFailure.FILE_UNREADABLE, "damaged_content")
    except BaseException:  # the PanicException of calamine is not an Exception
        return FailedReading(ReadingFailure.FILE_UNREADABLE, "panic")


def _read_bytes(data: bytes) -> tuple[FileFormat, list[SheetDraft] | Packed] | FailedReading:
    found = sniff_format(data)
    if found is FileFormat.JSON:
        document = read_document(data)
        return document if isinstance(document, FailedReading) else (found, Packed(document))
    if found is FileFormat.CSV:
        return found, [_draft_text(data)]
    if found not in _READABLE:
        return _REASONS.get(found, FailedReading(ReadingFailure.FILE_NOT_WORKBOOK, found.value))
    if found is not FileFormat.XLS and (rule := check_archive(data)) is not None:
        return FailedReading(ReadingFailure.FILE_TOO_LARGE, rule)
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    metadata = book.sheets_metadata
    if not metadata:
        return FailedReading(ReadingFailure.FILE_NO_SHEETS)
    if len(metadata) > MAX_SHEETS:
        return FailedReading(ReadingFailure.FILE_TOO_LARGE, "sheets")
    extras = _match_extras([sheet.name for sheet in metadata], _read_extras(found, data))
    try:
        return found, _draft_sheets(book, extras)
    except python_calamine.CalamineError as error:
        if found not in {FileFormat.XLSX, FileFormat.XLSM} or "cell error value" not in str(error):
            raise
    # calamine refuses a whole workbook for one error that it does not know, such as "#SPILL!" or "#GETTING_DATA".
    again = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(replace_error_values(data)))
    return found, _draft_sheets(again, extras)


def _draft_text(data: bytes) -> SheetDraft:
    from etl.reading.delimited import TooWideError, read_cells

    draft, budget = SheetDraft("", True, []), _Budget()
    try:
        for row, column, kind, text in read_cells(data):
            budget.spend(1, len(text))
            draft.add(row, column, kind, text)
    except TooWideError as error:
        raise _TooMuchError("cells") from error
    return draft


def _draft_sheets(book: python_calamine.CalamineWorkbook, extras: list[SheetExtras]) -> list[SheetDraft]:
    budget = _Budget()
    sheets = []
    for index, sheet in enumerate(book.sheets_metadata):
        visible = sheet.visible is python_calamine.SheetVisibleEnum.Visible
        sheets.append(_draft_sheet(book.get_sheet_by_index(index), sheet.name, visible, extras[index], budget))
    return sheets


def _read_extras(found: FileFormat, data: bytes) -> list[SheetExtras]:
    if found is FileFormat.XLS:
        from etl.reading.sidecar_xls import read_xls_extras

        return read_xls_extras(data)
    if found is FileFormat.ODS:
        from etl.reading.sidecar_ods import read_ods_extras

        return read_ods_extras(data)
    return read_xlsx_extras(data)


def _match_extras(names: list[str], extras: list[SheetExtras]) -> list[SheetExtras]:
    """The extras of each sheet that calamine lists. Refuses a file whose sheets the two do not agree on: an error cell
    would otherwise be lost, or land in another sheet."""
    if [sheet.name for sheet in extras] == names:
        return extras
    by_name = {sheet.name: sheet for sheet in extras}
    if len(by_name) < len(extras) or not set(names) <= set(by_name):
        if len(extras) == len(names):
            return extras
        raise SidecarError("sheet_list")
    return [by_name[name] for name in names]


class _Budget:
    """Counts what a workbook has used of its cells and characters."""

    __slots__ = ("cells", "merged", "text")

    def __init__(self) -> None:
        self.cells = 0
        self.merged = 0
        self.text = 0

    def spend_merged(self, merged: int) -> None:
        self.merged += merged
        if self.merged > MAX_MERGED:
            raise _TooMuchError("merged")

    def spend(self, cells: int, text: int) -> None:
        self.cells += cells
        self.text += text
        if self.cells > MAX_CELLS:
            raise _TooMuchError("cells")
        if self.text > MAX_TEXT:
            raise _TooMuchError("text")


def _draft_sheet(
    sheet: python_calamine.CalamineSheet, name: str, visible: bool, extras: SheetExtras, budget: _Budget
) -> SheetDraft:
    merged: list[CellRange] = [
        (first[0], first[1], last[0], last[1]) for first, last in sheet.merged_cell_ranges or ()
    ] or extras.merged
    draft = SheetDraft(name, visible, merged)
    budget.spend_merged(len(merged))
    budget.spend(len(extras.errors) + len(extras.uncached), sum(map(len, extras.uncached.values())))
    # Where the sidecar knows a cell, calamine's blank or 0 in its place is not what the file says.
    told = extras.errors.keys() | extras.uncached.keys()
    start, end = sheet.start, sheet.end
    if end is not None and (end[0] > LAST_ROW or end[1] > LAST_COLUMN):
        # A row number of twenty digits wraps around; walking there would take for ever.
        raise SidecarError("outside_sheet")
    if start is not None:
        _draft_values(sheet, start[1], extras, told, draft, budget)
    for (row, column), text in extras.errors.items():
        draft.add(row, column, CellKind.ERROR, text)
    for (row, column), text in extras.uncached.items():
        if (row, column) not in extras.errors:
            draft.add(row, column, CellKind.UNCACHED, text)
    if told:
        draft.sort()
    if extras.hidden_rows or extras.hidden_columns:
        draft.hide(extras.hidden_rows, extras.hidden_columns)
    return draft


def _draft_values(
    sheet: python_calamine.CalamineSheet,
    first_column: int,
    extras: SheetExtras,
    told: set[tuple[int, int]],
    draft: SheetDraft,
    budget: _Budget,
) -> None:
    """Adds the cells that calamine sees. Its rows start at the top of the sheet, its columns at the first used one."""
    formats = extras.formats
    add = draft.add
    for row, values in enumerate(sheet.iter_rows()):
        cells = text_length = 0
        for column, value in enumerate(values, first_column):
            if value == "" or (told and (row, column) in told):
                continue
            cells += 1
            if isinstance(value, str):
                text_length += len(value)
                add(row, column, CellKind.TEXT, value)
            elif isinstance(value, bool):
                add(row, column, CellKind.BOOLEAN, "TRUE" if value else "FALSE")
            elif isinstance(value, (int, float)):
                kind, text = describe_number(value)
                add(row, column, kind, text, formats.get((row, column)))
            else:
                code = formats.get((row, column))
                serial = extras.serials.get((row, column))
                if serial is not None and (number := _undo_false_time(serial, code or "")) is not None:
                    add(row, column, CellKind.NUMBER, number, code)
                else:
                    kind, text = _describe_moment(value)
                    add(row, column, kind, text, code)
        if cells:
            budget.spend(cells, text_length)


def describe_number(value: float) -> tuple[CellKind, str]:
    """Kind and shortest decimal text: 5.0 is "5", 1e-7 is "0.0000001". Infinite and NaN, which no sheet can show, are
    the error "#NUM!". Only numbers of 21 digits and more, or under 1e-15, keep an exponent."""
    if isinstance(value, int):
        return CellKind.NUMBER, str(value)
    text = repr(value)
    if text.endswith(".0"):
        text = text[:-2]
        return CellKind.NUMBER, "0" if text == "-0" else text
    if "e" in text and 1e-15 <= abs(value) < 1e21:
        return CellKind.NUMBER, format(Decimal(text), "f")
    if text in {"inf", "-inf", "nan"}:
        return CellKind.ERROR, "#NUM!"
    return CellKind.NUMBER, text


def _undo_false_time(serial: str, code: str) -> str | None:
    """The number behind a "time" that is none: calamine turns every negative number in a date format into 00:00, and a
    0 that is shown as a day into a time. None when it is a time after all."""
    number = float(serial)
    if number < 0 or (number == 0 and any(letter in code.lower() for letter in "dy")):
        return describe_number(number)[1]
    return None


def _describe_moment(value: object) -> tuple[CellKind, str]:
    if isinstance(value, datetime.datetime):
        if value.microsecond and value.year < datetime.MAXYEAR:
            # Days are fractions in the file: 08:30:00 may come as 08:29:59.999999.
            value = (value + datetime.timedelta(microseconds=500_000)).replace(microsecond=0)
        if value.time() == datetime.time():
            return CellKind.DATE, value.date().isoformat()
        return CellKind.DATE, value.isoformat(timespec="seconds")
    if isinstance(value, datetime.date):
        return CellKind.DATE, value.isoformat()
    if isinstance(value, datetime.time):
        return CellKind.TEXT, value.strftime("%H:%M:%S")
    if isinstance(value, datetime.timedelta):
        seconds = round(value.total_seconds())
        sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
        return CellKind.TEXT, f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    raise TypeError(type(value).__name__)
