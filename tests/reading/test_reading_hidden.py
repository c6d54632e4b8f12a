"""Hidden rows and columns are known wherever the format says so; they are read like all others."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable

import pytest
import xlsxwriter
from reading_builders import biff_number, biff_record, make_ods, make_xls, rewrite_parts

from etl.reading.grid import Workbook

Read = Callable[[bytes], Workbook]


def make_xlsx(formula: bool = False) -> bytes:
    """Rows 2 to 5 and columns A to E filled; rows 3 and 5, columns B, D and all from H on hidden; row 9 hidden and empty."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet("Biểu 1")
    style = book.add_format({"num_format": "0.0%"})
    for row in range(1, 5):
        for column in range(5):
            sheet.write_number(row, column, row * column, style)
    if formula:
        sheet.write_formula(6, 0, "=NA()", None, "#N/A")
    sheet.set_row(2, None, None, {"hidden": True})
    sheet.set_row(4, 20, None, {"hidden": True})
    sheet.set_row(8, None, None, {"hidden": True})
    sheet.set_column(1, 1, 12, None, {"hidden": True})
    sheet.set_column(3, 3, 12, None, {"hidden": True})
    sheet.set_column(7, 16383, 12, None, {"hidden": True})
    book.close()
    return out.getvalue()


def hidden(book: Workbook) -> tuple[list[int], list[int]]:
    return sorted(book.sheets[0].hidden_rows), sorted(book.sheets[0].hidden_columns)


@pytest.mark.parametrize("formula", [False, True], ids=["the quick scan", "the parser"])
def test_hidden_in_xlsx(read_sound: Read, formula: bool) -> None:
    book = read_sound(make_xlsx(formula))
    assert hidden(book) == ([2, 4], [1, 3])
    assert len(book.sheets[0].cells) == 20 + formula


def test_prefixed_and_reordered_xml(read_sound: Read) -> None:
    def change(name: str, part: bytes) -> bytes:
        if "worksheets/sheet" not in name:
            return part
        part = re.sub(rb'<row r="(\d+)"([^>]*?) hidden="1"', rb"<row hidden='true'\2 r='\1'", part)
        return re.sub(rb"<(/?)(?=[a-zA-Z])", rb"<\1x:", part).replace(b"xmlns=", b"xmlns:x=")

    assert hidden(read_sound(rewrite_parts(make_xlsx(), change))) == ([2, 4], [1, 3])


def test_nothing_hidden_though_the_word_is_there(read_sound: Read) -> None:
    def change(name: str, part: bytes) -> bytes:
        return part.replace(b'hidden="1"', b'hidden="0"')

    assert hidden(read_sound(rewrite_parts(make_xlsx(), change))) == ([], [])


def test_hidden_in_xls(read_sound: Read) -> None:
    cells = [
        biff_record(0x7D, struct.pack("<HHHHHH", 1, 2, 2560, 0, 1, 0)),
        biff_record(0x208, struct.pack("<HHHHHHI", 1, 0, 4, 255, 0, 0, 0x20)),
        biff_record(0x208, struct.pack("<HHHHHHI", 2, 0, 4, 255, 0, 0, 0x100)),
        *(biff_number(row, column, 5.0) for row in range(3) for column in range(2)),
    ]
    assert hidden(read_sound(make_xls(cells))) == ([1], [1])


def test_hidden_in_ods(read_sound: Read) -> None:
    cell = '<table:table-cell office:value-type="float" office:value="5"/>'
    row = f"{cell * 3}</table:table-row>"
    tables = (
        '<table:table table:name="Biểu 1"><table:table-column table:number-columns-repeated="2"/>'
        '<table:table-column table:visibility="collapse" table:number-columns-repeated="1000"/>'
        f'<table:table-row>{row}<table:table-row table:visibility="filter" table:number-rows-repeated="2">{row}'
        f'<table:table-row table:visibility="visible">{row}</table:table>'
    )
    assert hidden(read_sound(make_ods(tables))) == ([1, 2], [2])
