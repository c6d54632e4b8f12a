"""The official workbook as an independent reader finds it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from etl.calendar.periods import Clock, parse_period
from etl.export.canvas import name_sheet, number_format_of
from etl.export.model import (
    STATUS_LABELS,
    BoardCounts,
    BoardLine,
    Cover,
    Coverage,
    OfficialColumn,
    OfficialRow,
    OfficialTable,
    Scalar,
    SourceLine,
)
from etl.export.official import write_official_workbook
from etl.export.tables import fields_table, list_table, matrix_table
from etl.forms.library import read_forms

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
PERIOD = parse_period("2026-S1", Clock.ADMIN)
COVER = Cover(
    council="Hội đồng Thi đua – Khen thưởng tỉnh Cao Bằng",
    standing_office="Sở Nội vụ tỉnh Cao Bằng",
    title="Tổng hợp kết quả phong trào thi đua",
    report="movements-half",
    report_name="Báo cáo kết quả phong trào thi đua 6 tháng",
    period=PERIOD,
    as_of=datetime(2026, 6, 20, 10, 30, tzinfo=UTC),
    state="Đang rà soát",
    counts=BoardCounts(expected=56, on_time=50, late=2, missing=3, rejected=1, pending=0, exempt=1),
    completeness=52 / 56,
    timeliness=50 / 56,
    coverage=(Coverage("xã, phường", 52, 56),),
    remarks=("Số liệu chưa được phê duyệt.",),
)
BOARD = (
    BoardLine(
        "H14.X1", "Xã Bạch Đằng", "Xã", "late", datetime(2026, 6, 16, 16, 59, 59, tzinfo=UTC),
        datetime(2026, 6, 17, 18, 0, tzinfo=UTC), 2, 3,
    ),
    BoardLine("H14.X2", "Xã Đông Khê", "Xã", "exempt", None, None, None, 0, "Mới thành lập"),
)  # fmt: skip
SOURCES = (
    SourceLine(
        "movements-half:2026-S1/F05/01/2", "H14.X1", "Xã Bạch Đằng", "F05 Khen thưởng cấp tỉnh", "D9", "1.234",
        1234, "F05.xlsx",
    ),
    SourceLine("movements-half:2026-S1/F07/03/1", "H14.X1", "=HYPERLINK(1)", "F07", "D11", "=1+1", Decimal("38.20")),
)  # fmt: skip


def all_tables() -> list[OfficialTable]:
    forms = read_forms()
    f05, f07, f03 = (forms[code].version_on(PERIOD.end) for code in ("F05", "F07", "F03"))
    rows: list[dict[str, Scalar]] = [
        {"A": "NTM", "B": "Cả nước chung sức xây dựng nông thôn mới", "C": "NTM03", "D": "Vốn huy động",
         "E": "triệu đồng", "1": None, "2": 12345.75, "3": 20000, "4": Decimal("61.7")},
    ]  # fmt: skip
    return [
        list_table("F03", f03, rows, "52/56 xã, phường", leave_out=("F",)),
        matrix_table("F05", f05, {("01", "1"): 1234, ("02", "1"): 0, ("04", "4"): 2}, "52/56 xã, phường"),
        fields_table("F07", f07, {"01": 200, "02": 76, "03": Decimal("38.0")}, "52/56 xã, phường"),
    ]


def write_and_open(**changes: Any) -> openpyxl.Workbook:
    given: dict[str, Any] = {"tables": all_tables(), "cover": COVER, "board": BOARD, "sources": SOURCES} | changes
    return openpyxl.load_workbook(BytesIO(write_official_workbook(**given)))


def texts_of(sheet: Any) -> list[str]:
    return [cell.value for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]


def find_row(sheet: Any, first: object, column: int = 1) -> list[Any]:
    return next(list(row) for row in sheet.iter_rows() if row[column - 1].value == first)


def test_sheets_in_order() -> None:
    assert write_and_open().sheetnames == [
        "Tổng quan", "Mục lục", "F03 Kết quả phong trào", "F05 Khen thưởng cấp tỉnh", "F07 Cơ cấu đối tượng", "Tình hình nộp",
        "Nguồn số liệu",
    ]  # fmt: skip


def test_the_cover_says_what_when_and_how_complete() -> None:
    sheet = write_and_open()["Tổng quan"]
    texts = texts_of(sheet)
    assert "TỔNG HỢP KẾT QUẢ PHONG TRÀO THI ĐUA" in texts
    assert "Kỳ báo cáo: 6 tháng đầu năm 2026 (từ 15/12/2025 đến 14/06/2026)" in texts
    assert "Số liệu tính đến 20/06/2026 17:30. Trạng thái: Đang rà soát" in texts
    assert [cell.value for cell in find_row(sheet, "Phải nộp")] == ["Phải nộp", 56, None]
    assert [cell.value for cell in find_row(sheet, "Đã nộp đúng hạn")][1:] == [50, 89.2]
    assert [cell.value for cell in find_row(sheet, "Đã nộp (đúng hạn và muộn)")][1:] == [52, 92.8]
    assert [cell.value for cell in find_row(sheet, "Xã, phường")][1:] == ["52/56", 92.8]


def test_rates_are_a_dash_where_nothing_is_expected() -> None:
    counts = BoardCounts(expected=0, on_time=0, late=0, missing=0, rejected=0, pending=0, exempt=2)
    sheet = write_and_open(cover=replace(COVER, counts=counts, completeness=None, timeliness=None))["Tổng quan"]
    assert find_row(sheet, "Đã nộp đúng hạn")[2].value == "–"
    assert find_row(sheet, "Quá hạn chưa nộp")[2].value == "–"


def test_a_matrix_keeps_its_layout_its_zeros_and_its_blanks() -> None:
    sheet = write_and_open()["F05 Khen thưởng cấp tỉnh"]
    codes = find_row(sheet, "A")
    assert [cell.value for cell in codes] == ["A", "B", "1", "2", "3", "4", "5", "6"]
    total, collective, family = (find_row(sheet, code, 2) for code in ("01", "02", "04"))
    assert [cell.value for cell in total[2:]] == [1234, None, None, None, None, None]
    assert total[0].font.bold
    assert collective[0].alignment.indent == 1
    assert [cell.value for cell in collective[2:]] == [0, None, "x", None, "x", None]
    # A figure where none can be must be seen, not painted over.
    assert family[5].value == 2
    assert any(text.startswith("Phạm vi số liệu: 52/56 xã, phường. Số liệu tính đến") for text in texts_of(sheet))
    assert sheet.freeze_panes == f"C{codes[0].row + 1}"
    assert sheet.print_title_rows == f"${codes[0].row - 1}:${codes[0].row}"


def test_lists_and_fields_show_numbers_as_numbers() -> None:
    book = write_and_open()
    row = find_row(book["F03 Kết quả phong trào"], "NTM")
    assert [cell.value for cell in row[5:]] == [None, 12345.75, 20000, 61.7]
    assert [cell.number_format for cell in row[6:]] == ["#,##0.00", "#,##0", "#,##0.0"]
    assert "Ghi chú" not in texts_of(book["F03 Kết quả phong trào"])
    share = find_row(book["F07 Cơ cấu đối tượng"], "03")
    assert (share[3].value, share[3].number_format) == (38, "#,##0.0")


def test_restricted_fields_are_never_printed() -> None:
    form = read_forms()["F00"].version_on(PERIOD.end)
    table = fields_table(
        "F00", form, {field.code: "riêng tư" if field.restricted else "chung" for field in form.fields}
    )
    assert "riêng tư" not in {row.cells[3] for row in table.rows}
    assert "chung" in {row.cells[3] for row in table.rows}


def test_the_board_is_in_words_and_local_time() -> None:
    sheet = write_and_open()["Tình hình nộp"]
    late = [cell.value for cell in find_row(sheet, 1)]
    assert late[1:5] == ["H14.X1", "Xã Bạch Đằng", "Xã", "Muộn"]
    assert f"{late[5]:%d/%m/%Y %H:%M}" == "16/06/2026 23:59"
    assert f"{late[6]:%d/%m/%Y %H:%M}" == "18/06/2026 01:00"
    assert late[7:] == [2, 3, None]
    assert [cell.value for cell in find_row(sheet, 2)][4:] == ["Được miễn", None, None, None, 0, "Mới thành lập"]
    assert sheet.auto_filter.ref is not None


def test_every_state_of_the_board_has_its_words() -> None:
    assert list(STATUS_LABELS.values()) == ["Đúng hạn", "Muộn", "Chưa nộp", "Chưa đạt", "Chưa đến hạn", "Được miễn"]


def test_sources_lead_to_the_cell_and_nothing_becomes_a_formula() -> None:
    book = write_and_open()
    sheet = book["Nguồn số liệu"]
    assert [cell.value for cell in find_row(sheet, "movements-half:2026-S1/F05/01/2")] == [
        "movements-half:2026-S1/F05/01/2", "H14.X1", "Xã Bạch Đằng", "F05.xlsx", "F05 Khen thưởng cấp tỉnh", "D9",
        "1.234", 1234, None, None,
    ]  # fmt: skip
    assert "=HYPERLINK(1)" in texts_of(sheet)
    assert not any(cell.data_type == "f" for each in book.worksheets for row in each.iter_rows() for cell in row)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "http://a.example", "=cmd|'/c calc'!A1"])
def test_text_of_a_unit_stays_text(text: str) -> None:
    table = OfficialTable("Bảng", text, text, "", (OfficialColumn("A", text),), (OfficialRow((text,)),), text, (text,))
    sheet = write_and_open(tables=[table])["Bảng"]
    found = [cell for row in sheet.iter_rows() for cell in row if cell.value == text]
    assert len(found) >= 3
    assert all(cell.data_type == "s" and cell.hyperlink is None for cell in found)


def test_equal_input_gives_equal_bytes() -> None:
    first = write_official_workbook(all_tables(), COVER, BOARD, SOURCES)
    assert first == write_official_workbook(all_tables(), COVER, iter(BOARD), iter(SOURCES))


def test_sources_go_on_to_further_sheets_when_one_is_full() -> None:
    def many() -> Iterator[SourceLine]:
        for number in range(25):
            yield replace(SOURCES[0], figure=f"f{number}")

    book = write_and_open(sources=many(), rows_per_sheet=13)
    sheets = [name for name in book.sheetnames if name.startswith("Nguồn số liệu")]
    assert sheets == ["Nguồn số liệu", "Nguồn số liệu (2)", "Nguồn số liệu (3)"]
    figures = [row[0].value for name in sheets for row in book[name].iter_rows() if str(row[0].value).startswith("f")]
    assert figures == [f"f{number}" for number in range(25)]
    assert all(book[name].max_row <= 13 for name in sheets)


def test_a_row_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="row 1 has 2 cells for 1 columns"):
        OfficialTable("Bảng", "", "", "", (OfficialColumn("A", "a"),), (OfficialRow((1, 2)),))


def test_a_text_too_long_for_a_cell_is_cut_and_says_so() -> None:
    sheet = write_and_open(sources=[replace(SOURCES[0], raw="a" * 40_000)])["Nguồn số liệu"]
    raw = find_row(sheet, SOURCES[0].figure)[6].value
    assert len(raw) == 32_767
    assert raw.endswith("a…")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "#,##0"), (1_234_567, "#,##0"), (20.0, "#,##0"), (100.0, "#,##0"), (38.2, "#,##0.0"),
        (0.1 + 0.2, "#,##0.0"), (Decimal("38.00"), "#,##0.00"), (Decimal("1E+3"), "#,##0"),
        (1.23456789, "#,##0.000000"), (date(2026, 1, 2), "dd/mm/yyyy"),
        (datetime(2026, 1, 2, tzinfo=UTC), "dd/mm/yyyy hh:mm"), ("1", None),
        (None, None),
    ],
)  # fmt: skip
def test_numbers_are_shown_with_their_own_decimals(value: Scalar, expected: str | None) -> None:
    assert number_format_of(value) == expected


def test_sheet_names_are_acceptable_and_unique() -> None:
    taken: set[str] = set()
    names = [name_sheet(wanted, taken) for wanted in ("a/b", "A:B", "", "x" * 40, "x" * 40)]
    assert names == ["a-b", "A-B (2)", "Bảng", "x" * 31, "x" * 27 + " (2)"]


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice (soffice) is not installed on this machine")
def test_libreoffice_prints_the_workbook(tmp_path: Path) -> None:
    assert SOFFICE is not None
    (tmp_path / "a.xlsx").write_bytes(write_official_workbook(all_tables(), COVER, BOARD, SOURCES))
    command = [SOFFICE, f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", "--convert-to", "pdf"]
    files = ["--outdir", str(tmp_path), str(tmp_path / "a.xlsx")]
    subprocess.run([*command, *files], check=True, timeout=180, capture_output=True)
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
