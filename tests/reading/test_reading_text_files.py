"""Text files of separated values: read like any workbook, whatever the separator and the encoding."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.reading.delimited import TooWideError, find_separator, read_cells
from etl.reading.failures import FailedReading, ReadingFailure, wrong_extension
from etl.reading.grid import Cell, CellKind, Workbook

Read = Callable[[bytes], Workbook]
HEAD = "Biểu F05;;;\r\nĐơn vị báo cáo: Sở Nội vụ, tỉnh Cao Bằng;;;\r\n;;;\r\n"
BODY = 'Chỉ tiêu;Mã số;"Tổng\r\nsố";Bằng khen\r\nTập thể, hộ;02;1.415;99,6%\r\nCá nhân;05;#N/A;"hơn ""20"""\r\n'


def texts(cells: dict[tuple[int, int], Cell]) -> dict[tuple[int, int], str]:
    return {place: cell.text for place, cell in cells.items()}


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_cells_of_a_text_file(read_sound: Read, codec: str, separator: str) -> None:
    book = read_sound((HEAD + BODY).replace(";", separator).encode(codec))
    assert (book.format, len(book.sheets), book.sheets[0].visible) == ("csv", 1, True)
    assert book.sheets[0].cells == {
        (0, 0): Cell(CellKind.TEXT, "Biểu F05"),
        (1, 0): Cell(CellKind.TEXT, "Đơn vị báo cáo: Sở Nội vụ, tỉnh Cao Bằng"),
        (3, 0): Cell(CellKind.TEXT, "Chỉ tiêu"),
        (3, 1): Cell(CellKind.TEXT, "Mã số"),
        (3, 2): Cell(CellKind.TEXT, "Tổng\r\nsố"),
        (3, 3): Cell(CellKind.TEXT, "Bằng khen"),
        (4, 0): Cell(CellKind.TEXT, "Tập thể, hộ"),
        (4, 1): Cell(CellKind.TEXT, "02"),
        (4, 2): Cell(CellKind.TEXT, "1.415"),
        (4, 3): Cell(CellKind.TEXT, "99,6%"),
        (5, 0): Cell(CellKind.TEXT, "Cá nhân"),
        (5, 1): Cell(CellKind.TEXT, "05"),
        (5, 2): Cell(CellKind.ERROR, "#N/A"),
        (5, 3): Cell(CellKind.TEXT, 'hơn "20"'),
    }


def test_commas_separate_where_texts_are_quoted(read_sound: Read) -> None:
    book = read_sound('"Tập thể, hộ",02,12\r\n"Cá nhân, khác",05,7\r\n'.encode())
    assert texts(book.sheets[0].cells) == {
        (0, 0): "Tập thể, hộ", (0, 1): "02", (0, 2): "12", (1, 0): "Cá nhân, khác", (1, 1): "05", (1, 2): "7",
    }  # fmt: skip


def test_the_line_that_names_the_separator_is_no_row(read_sound: Read) -> None:
    book = read_sound(b"sep=|\r\na, b|2\r\nc, d|3\r\n")
    assert texts(book.sheets[0].cells) == {(0, 0): "a, b", (0, 1): "2", (1, 0): "c, d", (1, 1): "3"}


SAFE = st.text(alphabet="aăâđêộ ,;|\t\"'\n.0123456789%", max_size=12).filter(
    lambda text: not text.strip().lower().startswith("sep=")
)


@given(st.lists(st.lists(SAFE, min_size=4, max_size=4), min_size=2, max_size=12), st.sampled_from(";\t,|"))
def test_what_a_program_writes_is_read_back(rows: list[list[str]], separator: str) -> None:
    """Quoted as spreadsheet programs quote. The separator is told by cells that nobody quotes in four columns of codes."""
    rows = [["A1", "B1", "C1", "D1", *row] for row in rows]
    out = io.StringIO()
    csv.writer(out, delimiter=separator, quoting=csv.QUOTE_ALL).writerows(rows)
    text = out.getvalue()
    expected = {(r, c): value for r, row in enumerate(rows) for c, value in enumerate(row) if value}
    assert find_separator(text) == separator
    assert {(r, c): value for r, c, _, value in read_cells(text.encode())} == expected


def test_a_sheet_has_an_end() -> None:
    with pytest.raises(TooWideError):
        list(read_cells((";" * 20_000 + "x\n").encode()))


def test_too_much_text_is_a_failure(read_one: Callable[[bytes], Workbook | FailedReading]) -> None:
    cells = "1;2;3;4;5;6;7;8;9;10\n" * 110_000
    assert read_one(cells.encode()) == FailedReading(ReadingFailure.FILE_TOO_LARGE, "cells")
    wide = ";" * 20_000 + "x\n"
    assert read_one(wide.encode()) == FailedReading(ReadingFailure.FILE_TOO_LARGE, "cells")


def test_an_endless_quotation_is_a_failure(read_one: Callable[[bytes], Workbook | FailedReading]) -> None:
    found = read_one(b'a;b\n"' + b"x" * (17 * 1024 * 1024))
    assert isinstance(found, FailedReading) and found.failure is ReadingFailure.FILE_UNREADABLE


def test_names_of_text_files() -> None:
    assert wrong_extension("F05.csv", "csv") is None
    assert wrong_extension("F05.TXT", "csv") is None
    assert wrong_extension("F05.xls", "csv") == ".csv"
