"""Statutory tables in their official layout, the contents with their links, charts, marks of estimates, page set-up."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from test_official_workbook import COVER, PERIOD, SOURCES, find_row, texts_of

from etl.export.model import Marked, OfficialChart, OfficialTable, Printed, Publication
from etl.export.official import write_official_workbook, write_sources_workbook
from etl.export.statutory import group_header, is_statutory, statutory_tables
from etl.forms.library import read_forms

FORMS = read_forms()


def make_tables(form: str, figures: dict[tuple[str, str], Printed]) -> list[OfficialTable]:
    version = FORMS[form].version_on(PERIOD.end)
    return statutory_tables(
        form, version, figures, reporter="Sở Nội vụ tỉnh Cao Bằng", receiver="Bộ Nội vụ", coverage_note="52/56 xã",
        place="Cao Bằng",
    )  # fmt: skip


def open_book(tables: list[OfficialTable], **changes: Any) -> openpyxl.Workbook:
    return openpyxl.load_workbook(BytesIO(write_official_workbook(tables, **{"cover": COVER} | changes)))


def test_which_forms_are_statutory() -> None:
    assert [code for code, form in FORMS.items() if is_statutory(form.version_on(PERIOD.end))] == [
        "F02", "F04", "F05", "F09",
    ]  # fmt: skip


def test_0602_has_its_head_its_groups_its_codes_and_its_signatures() -> None:
    sheet = open_book(make_tables("F04", {("01", "1"): 12, ("06", "2"): 3}))["0602 Khen thưởng Nhà nước"]
    texts = texts_of(sheet)
    assert "Biểu số: 0602.N/BNV-TĐKT\nBan hành theo Thông tư số 2/2023/TT-BNV" in texts
    assert "Đơn vị báo cáo:\nSở Nội vụ tỉnh Cao Bằng" in texts
    assert "Đơn vị nhận báo cáo:\nBộ Nội vụ" in texts
    assert "Phạm vi số liệu: 52/56 xã. Số liệu tính đến 20/06/2026 17:30" in texts
    assert {"NGƯỜI LẬP BIỂU", "THỦ TRƯỞNG ĐƠN VỊ", "Cao Bằng, ngày … tháng … năm …"} <= set(texts)
    codes = find_row(sheet, "A")
    assert [cell.value for cell in codes] == [
        "A", "B", "1=2+3+…+11", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11",
    ]  # fmt: skip
    header = codes[0].row - 3
    assert [sheet.cell(header, column).value for column in (2, 3, 4)] == ["Mã số", "Tổng số", "Chia ra"]
    assert sheet.cell(header + 1, 4).value == "Huân chương, huy chương"
    assert [sheet.cell(header + 2, column).value for column in (4, 5)] == ["Tập thể", "Cá nhân"]
    merged = {str(area) for area in sheet.merged_cells.ranges}
    assert {f"D{header}:M{header}", f"D{header + 1}:E{header + 1}", f"C{header}:C{header + 2}"} <= merged
    assert [cell.value for cell in find_row(sheet, "01", 2)][2:4] == [12, None]
    assert find_row(sheet, "Chia theo đơn vị trình")[1].value is None
    assert [cell.value for cell in find_row(sheet, "06", 2)][:5] == ["Tập thể", "06", None, 3, "x"]
    assert find_row(sheet, "07", 2)[0].alignment.indent == 2


def test_headers_cover_every_place_once() -> None:
    for form in ("F02", "F04", "F05", "F08", "F09", "F12"):
        columns = list(FORMS[form].version_on(PERIOD.end).columns)
        rows = group_header(("", "Mã số"), columns)
        covered = [
            (depth + down, cell.column + right)
            for depth, row in enumerate(rows)
            for cell in row
            for down in range(cell.rows)
            for right in range(cell.columns)
        ]
        assert sorted(covered) == [(row, place) for row in range(len(rows)) for place in range(len(columns) + 2)], form


def test_one_form_makes_0604_and_0605() -> None:
    organisations, people = make_tables("F09", {("01", "1"): 5, ("06", "1"): 9, ("06", "2"): 4})
    assert [row.cells[1] for row in organisations.rows] == ["01", "02", "03", "04", "05"]
    assert [column.code for column in organisations.columns] == ["A", "B", "1"]
    assert (people.unit_note, people.rows[0].cells[2:]) == ("Người", (9, 4))
    book = open_book([organisations, people])
    assert book.sheetnames[2:4] == ["0604 Tổ chức làm công tác TĐKT", "0605 Người làm công tác TĐKT"]


def test_a_form_of_the_province_is_not_dressed_as_statutory() -> None:
    version = FORMS["F07"].version_on(PERIOD.end)
    with pytest.raises(ValueError, match="no statutory table"):
        statutory_tables("F07", version, {}, reporter="", receiver="")


def test_estimates_are_marked_and_stay_numbers() -> None:
    tables = make_tables("F05", {("01", "1"): Marked(Decimal("1234")), ("01", "2"): 7})
    cells = find_row(open_book(tables)["0603 Khen thưởng cấp tỉnh"], "01", 2)
    assert (cells[2].value, cells[2].number_format) == (1234, '#,##0" (ước)"')
    assert (cells[3].value, cells[3].number_format) == (7, "#,##0")


def test_a_nought_in_a_closed_cell_is_an_x_and_a_number_is_shown() -> None:
    figures: dict[tuple[str, str], Printed] = {
        ("06", "3"): Decimal(0), ("07", "3"): Marked(Decimal(0)), ("06", "9"): Decimal(2), ("06", "2"): Decimal(0),
    }  # fmt: skip
    sheet = open_book(make_tables("F04", figures))["0602 Khen thưởng Nhà nước"]
    assert [cell.value for cell in find_row(sheet, "06", 2)][3:5] == [0, "x"]
    assert find_row(sheet, "07", 2)[4].value == "x"
    assert find_row(sheet, "06", 2)[10].value == 2


def test_the_contents_lead_to_every_sheet() -> None:
    book = open_book(make_tables("F05", {}))
    links = {cell.hyperlink.location for row in book["Mục lục"].iter_rows() for cell in row if cell.hyperlink}
    assert links == {f"'{name}'!A1" for name in book.sheetnames[2:]}


def test_a_published_workbook_says_which_publication_it_is() -> None:
    made = Publication(2, "ab" * 32, datetime(2026, 7, 1, 2, tzinfo=UTC), "Chủ tịch")
    book = open_book(make_tables("F05", {}), cover=replace(COVER, publication=made))
    texts = texts_of(book["Tổng quan"])
    assert "ab" * 32 in texts
    assert "lần 2, 01/07/2026 09:00, người công bố: Chủ tịch" in texts
    assert "công bố lần 2, mã kiểm tra abababababab" in book["0603 Khen thưởng cấp tỉnh"].oddFooter.left.text


def test_pages_are_set_up_and_the_sources_are_not_printed() -> None:
    book = open_book(make_tables("F05", {}), sources=SOURCES)
    for sheet in book.worksheets:
        assert sheet.sheet_properties.pageSetUpPr.fitToPage, sheet.title
        assert sheet.page_setup.fitToWidth in (None, 1), sheet.title
        assert "Trang" in (sheet.oddFooter.right.text or ""), sheet.title
    sources = book["Nguồn số liệu"]
    header = find_row(sources, "Mã số liệu")[0].row
    assert sources.print_area == f"'Nguồn số liệu'!$A$1:$J${header - 1}"


def test_sources_can_be_left_out_or_stand_alone() -> None:
    assert "Nguồn số liệu" not in open_book(make_tables("F05", {}), sources=None).sheetnames
    alone = openpyxl.load_workbook(BytesIO(write_sources_workbook(COVER, SOURCES)))
    assert alone.sheetnames == ["Nguồn số liệu"]
    assert "=HYPERLINK(1)" in texts_of(alone["Nguồn số liệu"])


@pytest.mark.parametrize("kind", ["column", "bar", "stacked", "line", "doughnut"])
def test_charts_are_native_and_stand_beside_their_numbers(kind: Any) -> None:
    chart = OfficialChart(
        "Tiến độ nộp", kind, ("=A", "B"), (("Đã nộp", (3, Decimal("4.5"))), ("Phải nộp", (5, 5))), "Ngày", "Đơn vị"
    )
    content = write_official_workbook([], COVER, charts=[chart, chart])
    sheet = openpyxl.load_workbook(BytesIO(content))["Biểu đồ"]
    assert [cell.value for cell in find_row(sheet, "=A")][:3] == ["=A", 3, 5]
    assert find_row(sheet, "=A")[0].data_type == "s"
    assert sheet.row_breaks.count == 1
    with zipfile.ZipFile(BytesIO(content)) as package:
        drawn = [name for name in package.namelist() if re.match(r"xl/charts/chart\d+.xml", name)]
        text = package.read(drawn[0]).decode()
    assert len(drawn) == 2
    assert "Tiến độ nộp" in text
    assert "Biểu đồ" in text
