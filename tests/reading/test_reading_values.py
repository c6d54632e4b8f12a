"""Every kind of cell, in every format, at its own coordinates."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from reading_builders import (
    MAIN_NS,
    OFFICE_NS,
    biff_bool_or_error,
    biff_formula_error,
    biff_label,
    biff_mul_rk,
    biff_number,
    make_ods,
    make_small_xlsx,
    make_xls,
    replace_rows,
    rewrite_parts,
)

from etl.reading.extract import describe_number
from etl.reading.failures import FailedReading, ReadingFailure
from etl.reading.grid import Cell, CellKind, Workbook, parse_cell_name

Read = Callable[[bytes], Workbook]


def at(book: Workbook, name: str, sheet: int = 0) -> Cell | None:
    return book.sheets[sheet].cells.get(parse_cell_name(name))


@pytest.fixture(scope="module")
def written(read_sound: Read) -> Workbook:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet("Biểu 1")

    def style(code: str) -> object:
        return book.add_format({"num_format": code})

    sheet.write_string("B3", "  Đơn vị \n")
    sheet.write_string("C3", "   ")
    sheet.write_string("D3", "Đơn vị")
    sheet.write_string("E3", "05")
    sheet.write_number("B4", 5)
    sheet.write_number("C4", 38.2)
    sheet.write_number("D4", 0.125, style("0.0%"))
    sheet.write_number("E4", 1234567, style("#,##0"))
    sheet.write_number("F4", 5, style("00"))
    sheet.write_number("G4", -7, style('0,0" người"'))
    sheet.write_boolean("B5", True)
    sheet.write_boolean("C5", False)
    sheet.write_datetime("B6", datetime.datetime.fromisoformat("2026-06-10"), style("dd/mm/yyyy"))
    sheet.write_datetime("C6", datetime.datetime.fromisoformat("2026-06-10T08:30"), style("dd/mm/yyyy hh:mm"))
    sheet.write_number("D6", 0.5, style("hh:mm"))
    sheet.write_number("E6", 1.5, style("[h]:mm:ss"))
    sheet.write_number("F6", -5, style("dd/mm/yyyy"))
    sheet.write_number("G6", 0, style("dd/mm/yyyy"))
    sheet.write_number("H6", 0, style("hh:mm"))
    sheet.write_formula("B7", "=NA()", None, "#N/A")
    sheet.write_formula("C7", "=1/0", None, "#DIV/0!")
    sheet.write_formula("D7", "=2+3", None, 5)
    sheet.write_formula("E7", '="x"', None, "x")
    sheet.write_blank("B8", None, style("0.00"))
    sheet.merge_range("B9:D10", "gộp")
    book.add_worksheet("Ẩn").hide()
    book.add_worksheet("Rất ẩn").very_hidden()
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "='Biểu 1'!$B$4:$C$4"})
    book.add_chartsheet("Đồ thị").set_chart(chart)
    book.close()
    return read_sound(out.getvalue())


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("B3", Cell(CellKind.TEXT, "  Đơn vị \n")),
        ("C3", Cell(CellKind.TEXT, "   ")),
        ("D3", Cell(CellKind.TEXT, "Đơn vị")),
        ("E3", Cell(CellKind.TEXT, "05")),
        ("B4", Cell(CellKind.NUMBER, "5")),
        ("C4", Cell(CellKind.NUMBER, "38.2")),
        ("D4", Cell(CellKind.NUMBER, "0.125", "0.0%")),
        ("E4", Cell(CellKind.NUMBER, "1234567", "#,##0")),
        ("F4", Cell(CellKind.NUMBER, "5", "00")),
        ("G4", Cell(CellKind.NUMBER, "-7", '0,0" người"')),
        ("B5", Cell(CellKind.BOOLEAN, "TRUE")),
        ("C5", Cell(CellKind.BOOLEAN, "FALSE")),
        ("B6", Cell(CellKind.DATE, "2026-06-10", "dd/mm/yyyy")),
        ("C6", Cell(CellKind.DATE, "2026-06-10T08:30:00", "dd/mm/yyyy hh:mm")),
        ("D6", Cell(CellKind.TEXT, "12:00:00", "hh:mm")),
        ("E6", Cell(CellKind.TEXT, "36:00:00", "[h]:mm:ss")),
        ("F6", Cell(CellKind.NUMBER, "-5", "dd/mm/yyyy")),
        ("G6", Cell(CellKind.NUMBER, "0", "dd/mm/yyyy")),
        ("H6", Cell(CellKind.TEXT, "00:00:00", "hh:mm")),
        ("B7", Cell(CellKind.ERROR, "#N/A")),
        ("C7", Cell(CellKind.ERROR, "#DIV/0!")),
        ("D7", Cell(CellKind.NUMBER, "5")),
        ("E7", Cell(CellKind.TEXT, "x")),
        ("B8", None),
        ("B9", Cell(CellKind.TEXT, "gộp")),
        ("C9", None),
    ],
)
def test_xlsx_cells(written: Workbook, name: str, cell: Cell | None) -> None:
    assert at(written, name) == cell


def test_xlsx_sheets(written: Workbook) -> None:
    assert written.format == "xlsx"
    seen = [(sheet.name, sheet.visible, bool(sheet.cells)) for sheet in written.sheets]
    assert seen == [("Biểu 1", True, True), ("Ẩn", False, False), ("Rất ẩn", False, False), ("Đồ thị", True, False)]
    assert written.sheets[0].merged == ((8, 1, 9, 3),)


def test_cells_come_row_by_row(written: Workbook) -> None:
    positions = list(written.sheets[0].cells)
    assert positions == sorted(positions)
    assert len(positions) == 24


def test_formulas_without_results_are_not_blanks(read_sound: Read) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "=SUM(B1:B3)"
    book.active["B1"] = 3
    book.active["C1"] = "#N/A"
    out = io.BytesIO()
    book.save(out)
    result = read_sound(out.getvalue())
    assert at(result, "A1") == Cell(CellKind.UNCACHED, "=SUM(B1:B3)")
    assert at(result, "B1") == Cell(CellKind.NUMBER, "3")
    assert at(result, "C1") == Cell(CellKind.ERROR, "#N/A")


def test_formula_that_gives_an_empty_text_is_blank(read_sound: Read) -> None:
    rows = '<row r="1"><c r="A1" t="str"><f>""</f><v></v></c><c r="B1"><f t="shared" si="0"/></c></row>'
    result = read_sound(replace_rows(make_small_xlsx(), rows))
    assert at(result, "A1") is None
    assert at(result, "B1") == Cell(CellKind.UNCACHED, "=")


def test_cells_without_references(read_sound: Read) -> None:
    rows = (
        '<row><c t="e"><v>#REF!</v></c><c><v>7</v></c><c t="e"><v>#N/A</v></c></row>'
        '<row><c t="e"><v>#NUM!</v></c></row>'
    )
    result = read_sound(replace_rows(make_small_xlsx(), rows))
    assert result.sheets[0].cells == {
        (0, 0): Cell(CellKind.ERROR, "#REF!"),
        (0, 1): Cell(CellKind.NUMBER, "7"),
        (0, 2): Cell(CellKind.ERROR, "#N/A"),
        (1, 0): Cell(CellKind.ERROR, "#NUM!"),
    }


def test_errors_that_calamine_does_not_know(read_sound: Read) -> None:
    rows = (
        '<row r="1"><c r="A1" t="e"/><c r="B1"><v>7</v></c><c r="C1" t="e"><f>X()</f><v>#SPILL!</v></c>'
        '<c r="D1" t="e"><v>#GETTING_DATA</v></c><c r="E1"><v>8</v></c></row>'
    )
    result = read_sound(replace_rows(make_small_xlsx(), rows))
    assert at(result, "B1") == Cell(CellKind.NUMBER, "7")
    assert at(result, "C1") == Cell(CellKind.ERROR, "#SPILL!")
    assert at(result, "D1") == Cell(CellKind.ERROR, "#GETTING_DATA")
    assert at(result, "E1") == Cell(CellKind.NUMBER, "8")


def make_odd_xlsx() -> bytes:
    """An error and a percentage to lose if a variant is not understood."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet("Trống")
    sheet = book.add_worksheet("Biểu 1")
    sheet.write_string("A1", "Đơn vị")
    sheet.write_formula("B2", "=NA()", None, "#N/A")
    sheet.write_number("C3", 0.5, book.add_format({"num_format": "0.0%"}))
    book.close()
    return out.getvalue()


def expect_odd(result: Workbook) -> None:
    assert [sheet.name for sheet in result.sheets] == ["Trống", "Biểu 1"]
    assert result.sheets[0].cells == {}
    assert result.sheets[1].cells == {
        (0, 0): Cell(CellKind.TEXT, "Đơn vị"),
        (1, 1): Cell(CellKind.ERROR, "#N/A"),
        (2, 2): Cell(CellKind.NUMBER, "0.5", "0.0%"),
    }


def test_strict_ooxml(read_sound: Read) -> None:
    def change(name: str, part: bytes) -> bytes:
        part = part.replace(MAIN_NS.encode(), b"http://purl.oclc.org/ooxml/spreadsheetml/main")
        return part.replace(OFFICE_NS.encode(), b"http://purl.oclc.org/ooxml/officeDocument/relationships")

    expect_odd(read_sound(rewrite_parts(make_odd_xlsx(), change)))


def test_prefixed_xml(read_sound: Read) -> None:
    def change(name: str, part: bytes) -> bytes:
        if "worksheets/sheet" not in name and name != "xl/styles.xml":
            return part
        part = re.sub(rb"<(/?)(?=[a-zA-Z])", rb"<\1x:", part)
        return part.replace(b"xmlns=", b"xmlns:x=")

    expect_odd(read_sound(rewrite_parts(make_odd_xlsx(), change)))


def test_absolute_targets_and_other_file_names(read_sound: Read) -> None:
    def change(name: str, part: bytes) -> bytes:
        part = part.replace(b'Target="worksheets/sheet1', b'Target="/xl/worksheets/sheet1')
        return part.replace(b'Target="worksheets/sheet2', b'Target="bieu/F00')

    renamed = {"xl/worksheets/sheet2.xml": "xl/bieu/F00.xml"}
    expect_odd(read_sound(rewrite_parts(make_odd_xlsx(), change, renamed)))


def test_xls_cells(read_sound: Read) -> None:
    cells = [
        biff_label(2, 1, "Đơn vị "),
        biff_number(3, 1, 5.0),
        biff_number(4, 1, 0.125, 1),
        biff_bool_or_error(5, 1, 1, False),
        biff_bool_or_error(6, 1, 0x2A, True),
        biff_formula_error(7, 1, 0x07),
        biff_mul_rk(8, 1, [(0, 12), (1, 3), (2, 46183), (2, -5)]),
    ]
    result = read_sound(make_xls(cells, formats=["0.0%", "dd/mm/yyyy"]))
    assert result.format == "xls"
    assert result.sheets[0].name == "Biểu 1"
    assert result.sheets[0].cells == {
        (2, 1): Cell(CellKind.TEXT, "Đơn vị "),
        (3, 1): Cell(CellKind.NUMBER, "5"),
        (4, 1): Cell(CellKind.NUMBER, "0.125", "0.0%"),
        (5, 1): Cell(CellKind.BOOLEAN, "TRUE"),
        (6, 1): Cell(CellKind.ERROR, "#N/A"),
        (7, 1): Cell(CellKind.ERROR, "#DIV/0!"),
        (8, 1): Cell(CellKind.NUMBER, "12"),
        (8, 2): Cell(CellKind.NUMBER, "3", "0.0%"),
        (8, 3): Cell(CellKind.DATE, "2026-06-10", "dd/mm/yyyy"),
        (8, 4): Cell(CellKind.NUMBER, "-5", "dd/mm/yyyy"),
    }


def test_ods_cells(read_sound: Read) -> None:
    value = "office:value-type"
    tables = f"""<table:table table:name="Biểu 1">
    <table:table-row table:number-rows-repeated="3"><table:table-cell table:number-columns-repeated="9"/>
    </table:table-row>
    <table:table-row><table:table-cell/>
    <table:table-cell {value}="string"><text:p>Đơn vị</text:p></table:table-cell>
    <table:table-cell {value}="float" office:value="5"><text:p>5</text:p></table:table-cell>
    <table:table-cell {value}="percentage" office:value="0.125"><text:p>12,5%</text:p></table:table-cell>
    <table:table-cell {value}="date" office:date-value="2026-06-10"><text:p>10/06/2026</text:p></table:table-cell>
    <table:table-cell {value}="boolean" office:boolean-value="true"><text:p>TRUE</text:p></table:table-cell>
    <table:table-cell table:formula="of:=NA()" {value}="string" office:string-value="" calcext:value-type="error">
      <office:annotation><text:p>ghi chú</text:p></office:annotation><text:p>#N/A</text:p></table:table-cell>
    <table:table-cell table:formula="of:=1/0" {value}="float" office:value="0" calcext:value-type="error"
      table:number-columns-repeated="2"><text:p>#DIV/0!</text:p></table:table-cell>
    <table:table-cell table:formula="of:=[.A1]+1"/>
    <table:table-cell {value}="float" office:value="7" table:number-columns-spanned="2"><text:p>7</text:p>
    </table:table-cell>
    <table:covered-table-cell/>
    </table:table-row></table:table>
    <table:table table:name="Ẩn" table:style-name="hidden"><table:table-row>
    <table:table-cell {value}="float" office:value="1"/></table:table-row></table:table>"""
    # As LibreOffice and Excel write it: calamine takes no white space between cells.
    result = read_sound(make_ods(re.sub(r">\s+<", "><", tables)))
    assert result.format == "ods"
    assert [(sheet.name, sheet.visible) for sheet in result.sheets] == [("Biểu 1", True), ("Ẩn", False)]
    assert result.sheets[0].cells == {
        (3, 1): Cell(CellKind.TEXT, "Đơn vị"),
        (3, 2): Cell(CellKind.NUMBER, "5"),
        (3, 3): Cell(CellKind.NUMBER, "0.125", "0%"),
        (3, 4): Cell(CellKind.DATE, "2026-06-10"),
        (3, 5): Cell(CellKind.BOOLEAN, "TRUE"),
        (3, 6): Cell(CellKind.ERROR, "#N/A"),
        (3, 7): Cell(CellKind.ERROR, "#DIV/0!"),
        (3, 8): Cell(CellKind.ERROR, "#DIV/0!"),
        (3, 9): Cell(CellKind.UNCACHED, "=[.A1]+1"),
        (3, 10): Cell(CellKind.NUMBER, "7"),
    }
    assert result.sheets[0].merged == ((3, 10, 3, 11),)
    assert result.sheets[1].cells == {(0, 0): Cell(CellKind.NUMBER, "1")}


def test_a_workbook_without_sheets(read_one: Callable[[bytes], Workbook | FailedReading]) -> None:
    def change(name: str, part: bytes) -> bytes:
        return re.sub(rb"<sheets>.*</sheets>", b"<sheets/>", part) if name == "xl/workbook.xml" else part

    assert read_one(rewrite_parts(make_small_xlsx(), change)) == FailedReading(ReadingFailure.FILE_NO_SHEETS)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5.0, "5"),
        (5, "5"),
        (-0.0, "0"),
        (38.2, "38.2"),
        (1e16, "10000000000000000"),
        (1.5e20, "150000000000000000000"),
        (1e-7, "0.0000001"),
        (-2.5e-9, "-0.0000000025"),
        (1e21, "1e+21"),
        (123456789.123, "123456789.123"),
    ],
)
def test_numbers_in_their_shortest_form(value: float, text: str) -> None:
    assert describe_number(value) == (CellKind.NUMBER, text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_value(value: float) -> None:
    assert float(describe_number(value)[1]) == value


def test_numbers_that_no_sheet_can_show() -> None:
    assert describe_number(float("inf")) == (CellKind.ERROR, "#NUM!")
    assert describe_number(float("nan")) == (CellKind.ERROR, "#NUM!")


def test_the_quick_scan_and_the_parser_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Number formats found by pattern are those found by the parser; what is written unusually goes to the parser."""
    import etl.reading.sidecar as sidecar

    files = sorted((Path(__file__).parents[1] / "golden").rglob("input.xlsx"))
    assert files
    scanned = [sidecar._scan_plain(b"", {}, sidecar.SheetExtras(""))]
    quick = sidecar._scan_plain

    def note(*arguments: object) -> bool:
        scanned.append(quick(*arguments))  # type: ignore[arg-type]
        return scanned[-1]

    for file in files:
        monkeypatch.setattr(sidecar, "_scan_plain", note)
        found = sidecar.read_xlsx_extras(file.read_bytes())
        monkeypatch.setattr(sidecar, "_scan_plain", lambda *_: False)
        assert found == sidecar.read_xlsx_extras(file.read_bytes())
    assert sum(scanned) > len(files)


@pytest.mark.parametrize(
    "cell",
    [
        b'<c s="1" r="A1"><v>5</v></c>',
        b'<c r="A1" s="1"><v> 5 </v></c>',
        b'<x:c r="A1" s="1"><x:v>5</x:v></x:c>',
        b'<c r="A1" s="1"><!-- --><v>5</v></c>',
        b"<c r='A1' s='1'><v>5</v></c>",
    ],
)
def test_the_quick_scan_leaves_unusual_writing_to_the_parser(cell: bytes) -> None:
    import etl.reading.sidecar as sidecar

    part = (
        b'<?xml version="1.0" encoding="UTF-8"?><worksheet><sheetData><row r="1">'
        + cell
        + b"</row></sheetData></worksheet>"
    )
    sheet = sidecar.SheetExtras("x")
    assert sidecar._scan_plain(part, {"1": "0.0%"}, sheet) is False
    assert sheet.formats == {}
