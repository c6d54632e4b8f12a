"""A sender's sheet to be looked at: merged cells, bounds, other formats, JSON, what is broken or hostile."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from datetime import date, datetime

import openpyxl
import pytest

from etl.findings.model import Finding, Severity
from etl.reading.pool import ReaderPool
from etl.usecases.json_submissions import make_sample_document
from etl.usecases.sheet_view import LONGEST, MOST_COLUMNS, MOST_ROWS, ShownCell, ShownSheet, show_workbook
from tests.golden.sender import DEPARTMENT, HALF_YEAR, PERIOD, make_sending, read_knowledge


@pytest.fixture(scope="module")
def pool() -> Iterator[ReaderPool]:
    with ReaderPool(1) as found:
        yield found


def book_of(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def finding(cell: str | None, sheet: str | None = "Sheet", severity: Severity = Severity.ERROR) -> Finding:
    return Finding("F05-ROW-SUM", severity, "Sai tổng.", "Sửa lại.", sheet=sheet, cell=cell)


def opened(pool: ReaderPool, data: bytes, *findings: Finding, wanted: str = "") -> ShownSheet:
    return next(sheet for sheet in show_workbook(pool, data, findings, wanted).sheets if sheet.columns)


def cells(sheet: ShownSheet) -> dict[str, ShownCell]:
    return {cell.name: cell for _, row in sheet.rows for cell in row}


def widths(sheet: ShownSheet) -> list[int]:
    """Columns that each row takes, cells merged over from above included."""
    taken: dict[int, int] = {}
    for number, row in sheet.rows:
        for cell in row:
            for below in range(cell.rows):
                taken[number + below] = taken.get(number + below, 0) + cell.columns
    return [taken[number] for number, _ in sheet.rows]


def test_marks_carry_the_worst_severity_and_every_note(pool: ReaderPool) -> None:
    book = openpyxl.Workbook()
    book.active["B2"] = 5
    shown = opened(pool, book_of(book), finding("B2", severity=Severity.WARNING), finding("B2"), finding("D9"))
    found = cells(shown)
    assert (found["B2"].severity, len(found["B2"].notes), found["B2"].text) == ("error", 2, "5")
    assert (found["D9"].severity, found["D9"].text) == ("error", "")  # a cell left blank is marked too
    assert shown.marks == 2


def test_merged_cells_take_their_room_and_no_more(pool: ReaderPool) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in range(1, 6):
        for column in range(1, 6):
            sheet.cell(row, column, f"{row}{column}")
    sheet.merge_cells("A1:E1")
    sheet.merge_cells("B2:C4")
    shown = opened(pool, book_of(book))
    found = cells(shown)
    assert (found["A1"].columns, found["A1"].rows) == (5, 1)
    assert (found["B2"].columns, found["B2"].rows) == (2, 3)
    assert not {"B1", "C2", "B3", "C4"} & found.keys()
    assert widths(shown) == [5] * 5


def test_a_merge_over_rows_that_are_not_shown_is_let_go(pool: ReaderPool) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A1"], sheet["A9"], sheet["C9"] = "đầu", "cuối", "x"
    sheet.merge_cells("B1:C9")  # rows 2 to 8 hold nothing and are not drawn
    sheet.merge_cells("A1:A5000")
    shown = opened(pool, book_of(book), finding("C9"))
    assert all(cell.columns == cell.rows == 1 for cell in cells(shown).values())
    assert cells(shown)["C9"].severity == "error"
    assert len(set(widths(shown))) == 1


def test_a_mark_in_a_covered_cell_is_not_lost(pool: ReaderPool) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A1"] = "gộp"
    sheet["D1"] = "x"
    sheet.merge_cells("A1:C1")
    shown = opened(pool, book_of(book), finding("B1"))
    assert [cell.name for cell in cells(shown).values() if cell.severity] == ["A1"]
    assert len(set(widths(shown))) == 1


def test_bounds_draw_the_marked_rows_and_count_the_rest(pool: ReaderPool) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in range(1, MOST_ROWS + 51):
        sheet.cell(row, 1, row)
    sheet.cell(1, MOST_COLUMNS + 5, "ngoài")
    sheet.cell(50_000, 1, "đáy")
    sheet["B3"] = "dài " * LONGEST
    shown = opened(pool, book_of(book), finding(f"A{MOST_ROWS + 40}"))
    assert len(shown.rows) == MOST_ROWS + 1
    assert shown.rows[-1][0] == MOST_ROWS + 40
    assert shown.beyond == 50 - 1 + 1 + 1
    assert len(shown.columns) == MOST_COLUMNS
    assert len(cells(shown)["B3"].text) == LONGEST + 1


def test_values_look_as_in_the_program_that_made_them(pool: ReaderPool) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A1"], sheet["A2"], sheet["A3"], sheet["A4"] = 1234567.5, 0.125, date(2026, 6, 15), True
    sheet["A5"], sheet["A6"], sheet["A7"] = (
        datetime.fromisoformat("2026-06-15T08:30"),
        "=1/0",
        "<script>alert(1)</script>\u202e",
    )
    sheet["A2"].number_format = "0.0%"
    found = cells(opened(pool, book_of(book)))
    texts = [found[f"A{row}"].text for row in range(1, 6)]
    assert texts[0] == "1.234.567,5"
    assert texts[1].startswith("12,5") and texts[1].endswith("%")
    assert texts[2:] == ["15/06/2026", "ĐÚNG", "15/06/2026 08:30"]
    assert found["A7"].text.startswith("<script>")  # escaping is the page's work


def test_the_sheet_asked_for_is_opened_else_the_first_with_a_mark(pool: ReaderPool) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "một"
    other = book.create_sheet("Hai")
    other["A1"] = "hai"
    book.create_sheet("Ẩn").sheet_state = "hidden"
    data = book_of(book)
    assert opened(pool, data).name == "Sheet"
    assert opened(pool, data, finding("A1", "Hai")).name == "Hai"
    assert opened(pool, data, finding("A1", "Hai"), wanted="Sheet").name == "Sheet"
    shown = show_workbook(pool, data, [finding("A1", "Hai"), finding("A1", "Mất"), finding(None, None)], "không có")
    assert [(sheet.name, sheet.visible, sheet.marks) for sheet in shown.sheets] == [
        ("Sheet", True, 0), ("Hai", True, 1), ("Ẩn", False, 0),
    ]  # fmt: skip
    assert len(shown.loose) == 2


@pytest.mark.parametrize("cell", ["", "A", "1", "ZZZZZ9", "A0", "/forms/F05", "A1:B2", "-1"])
def test_a_place_that_is_none_is_no_mark(pool: ReaderPool, cell: str) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = 1
    shown = show_workbook(pool, book_of(book), [finding(cell)])
    assert shown.loose == (finding(cell),)


def test_a_text_table_is_a_sheet(pool: ReaderPool) -> None:
    shown = opened(pool, "mã;tên\n01;Nguyễn Văn Ả\n".encode())
    assert [cell.text for cell in cells(shown).values()] == ["mã", "tên", "01", "Nguyễn Văn Ả"]


def test_a_json_submission_is_laid_out_by_its_forms(pool: ReaderPool) -> None:
    knowledge = read_knowledge()
    document = make_sample_document(knowledge, HALF_YEAR, PERIOD, DEPARTMENT)
    document["forms"]["F05"]["rows"]["02"]["2"] = "mười"
    document["forms"]["F05"]["rows"]["02"]["ở đâu"] = {"a": [1]}
    data = json.dumps(document).encode()
    pointer = "/forms/F05/rows/02/2"
    shown = show_workbook(pool, data, [finding(pointer, "F05"), finding("/forms", None)], forms=knowledge.forms)
    form = next(sheet for sheet in shown.sheets if sheet.columns)
    assert form.name == "F05"
    assert {"B", "1", "2"} <= set(form.columns)
    assert (cells(form)[pointer].text, cells(form)[pointer].severity) == ("mười", "error")
    assert len(shown.loose) == 1
    assert len(set(widths(form))) == 1
    assert show_workbook(pool, data, [], forms=None).sheets == ()


HOSTILE = {
    "empty": b"",
    "no workbook": b"MZ\x90\0" * 100,
    "broken zip": b"PK\x03\x04" + b"\0" * 200,
    "web page": b"<html><body><script>alert(1)</script></body></html>",
    "json without forms": b'{"a": 1}',
    "deep json": b'{"forms": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_has_no_sheets_and_keeps_its_findings(pool: ReaderPool, name: str) -> None:
    shown = show_workbook(pool, HOSTILE[name], [finding("A1")], forms=read_knowledge().forms)
    assert shown.sheets == ()
    assert shown.loose == (finding("A1"),)


def test_a_bomb_costs_only_itself(pool: ReaderPool) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", b" " * (250 * 1024 * 1024))
    assert show_workbook(pool, out.getvalue(), []).refusal
    book = openpyxl.Workbook()
    book.active["A1"] = 1
    assert opened(pool, book_of(book)).rows


def test_merges_over_each_other_cost_no_time(pool: ReaderPool) -> None:
    book = openpyxl.Workbook()
    for row in range(1, MOST_ROWS + 1):
        book.active.cell(row, MOST_COLUMNS, row)
    data = book_of(book)
    one = "".join(f'<mergeCell ref="A{n % 5 + 1}:AM{MOST_ROWS - n % 7}"/>' for n in range(20_000))
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename.endswith("sheet1.xml"):
                content = content.replace(b"</sheetData>", f"</sheetData><mergeCells>{one}</mergeCells>".encode())
            new.writestr(entry, content)
    began = time.process_time()
    shown = opened(pool, out.getvalue())
    assert time.process_time() - began < 5
    assert len(set(widths(shown))) == 1


def test_a_workbook_without_cells_is_shown_as_such(pool: ReaderPool) -> None:
    shown = show_workbook(pool, book_of(openpyxl.Workbook()), [])
    assert [(sheet.name, sheet.rows) for sheet in shown.sheets] == [("Sheet", ())]


def test_without_findings_the_first_sheet_that_holds_a_form_is_open(pool: ReaderPool) -> None:
    forms = read_knowledge().forms
    sending = make_sending()
    book = openpyxl.load_workbook(io.BytesIO(sending.to_bytes()))
    own = book.create_sheet("Ghi chú của đơn vị", 0)
    own["A1"] = "Gửi kèm báo cáo"
    shown = show_workbook(pool, book_of(book), [], forms=forms)
    assert [sheet.name for sheet in shown.sheets][:2] == ["Ghi chú của đơn vị", "Hướng dẫn"]
    assert [sheet.name for sheet in shown.sheets if sheet.rows] == [sending.name_of("F00")]
    # Asked for, another one is open; and one with a finding comes first.
    assert [
        sheet.name for sheet in show_workbook(pool, book_of(book), [], "Hướng dẫn", forms).sheets if sheet.rows
    ] == ["Hướng dẫn"]
    marked = show_workbook(pool, book_of(book), [finding("A1", "Ghi chú của đơn vị")], forms=forms)
    assert [sheet.name for sheet in marked.sheets if sheet.rows] == ["Ghi chú của đơn vị"]


def test_a_form_is_known_by_its_words_too_and_without_one_the_first_sheet_is_open(pool: ReaderPool) -> None:
    forms = read_knowledge().forms
    sending = make_sending()
    book = openpyxl.load_workbook(io.BytesIO(sending.to_bytes()))
    for name in book.sheetnames:
        if name not in ("Hướng dẫn", sending.name_of("F05")):
            del book[name]
    book[sending.name_of("F05")].title = "Sheet2"
    assert [sheet.name for sheet in show_workbook(pool, book_of(book), [], forms=forms).sheets if sheet.rows] == [
        "Sheet2"
    ]
    del book["Sheet2"]
    shown = show_workbook(pool, book_of(book), [], forms=forms)
    assert [sheet.name for sheet in shown.sheets if sheet.rows] == ["Hướng dẫn"]
