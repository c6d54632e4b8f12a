"""What an independent reader finds in a written workbook."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from copy import deepcopy
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from etl.forms.declaration import Form, ValueType
from etl.reading.grid import Workbook
from etl.reading.pool import read_workbook
from etl.recognition.identity import read_metadata
from etl.recognition.tables import find_forms
from etl.templates.model import INPUT_STYLES, CellPlan, SheetPlan, Validation, WorkbookPlan
from etl.templates.write import write_workbook

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")


def reopen(plan: WorkbookPlan) -> openpyxl.Workbook:
    return openpyxl.load_workbook(BytesIO(write_workbook(plan)))


def one_sheet(cells: dict[tuple[int, int], CellPlan]) -> WorkbookPlan:
    return WorkbookPlan([SheetPlan("Thử", cells=cells)])


def test_every_planned_value_is_read_back_with_its_lock(plan: WorkbookPlan) -> None:
    book = reopen(plan)
    for sheet in plan.sheets:
        written = book[sheet.name]
        assert written.protection.sheet == (sheet.form is not None)
        for (row, column), cell in sheet.cells.items():
            found = written.cell(row + 1, column + 1)
            expected = cell.value if cell.value != "" else None
            assert (found.value.date() if isinstance(found.value, datetime) else found.value) == expected
            assert found.protection.locked == (cell.style not in INPUT_STYLES)


def test_every_place_of_every_form_holds_what_was_put(plan: WorkbookPlan) -> None:
    expected: dict[tuple[str, int, int], str] = {}
    for sheet in plan.sheets:
        for number, (key, (row, column)) in enumerate(sheet.places.items(), start=1):
            plan.put(key, f"v{number}")
            expected[sheet.name, row, column] = f"v{number}"
    book = reopen(plan)
    found = {place: book[place[0]].cell(place[1] + 1, place[2] + 1).value for place in expected}
    assert found == expected


def test_the_metadata_sheet_is_very_hidden_and_last(plan: WorkbookPlan) -> None:
    book = reopen(plan)
    sheet = book.worksheets[-1]
    assert (sheet.title, sheet.sheet_state) == ("_meta", "veryHidden")
    assert {row[0].value: row[1].value for row in sheet.iter_rows(max_col=2)} == plan.metadata
    assert book.worksheets[0].title == "Hướng dẫn"
    assert all(other.sheet_state == "visible" for other in book.worksheets[:-1])


def test_no_metadata_sheet_when_there_is_none(plan: WorkbookPlan) -> None:
    plan.metadata = None
    assert "_meta" not in reopen(plan).sheetnames


def test_equal_plans_give_equal_bytes(plan: WorkbookPlan) -> None:
    assert write_workbook(plan) == write_workbook(deepcopy(plan))


@pytest.mark.parametrize("text", ["=1+1", "+84 206", "-5", "@SUM(A1)", "http://a.example", "007", "=cmd|'/c calc'!A1"])
def test_text_stays_text(text: str) -> None:
    sheet = reopen(one_sheet({(0, 0): CellPlan(text, "text")})).worksheets[0]
    assert (sheet["A1"].value, sheet["A1"].data_type) == (text, "s")
    assert sheet["A1"].hyperlink is None


def test_a_text_too_long_for_a_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="B3"):
        write_workbook(one_sheet({(2, 1): CellPlan("a" * 32_768, "text")}))


def test_a_formula_has_no_cached_result() -> None:
    content = write_workbook(one_sheet({(0, 0): CellPlan(3, "count"), (1, 0): CellPlan(3, "count", formula="=A1*2")}))
    with ZipFile(BytesIO(content)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>A1*2</f></c>" in sheet
    assert openpyxl.load_workbook(BytesIO(content)).worksheets[0]["A2"].value == "=A1*2"
    assert openpyxl.load_workbook(BytesIO(content), data_only=True).worksheets[0]["A2"].value is None


def test_our_own_reader_finds_every_table_where_it_was_planned(plan: WorkbookPlan, forms: Mapping[str, Form]) -> None:
    book = read_workbook(write_workbook(plan))
    assert isinstance(book, Workbook)
    metadata = read_metadata(book)
    assert metadata == plan.metadata
    found = find_forms(book, forms, metadata)
    assert (found.doubled, found.without_table, found.unknown_sheets, found.hidden_sheets) == ([], [], [], [])
    for code, table in found.tables.items():
        sheet = plan.sheet_of(code)
        printed = [column for column, _ in table.version.printed_columns]
        assert table.code_row == sheet.header_row
        assert table.columns == {column: place for place, column in enumerate(printed)}
    assert list(found.tables) == ["F00", "F03", "F05", "F07"]


def test_number_formats_keep_the_meaning() -> None:
    cells = {
        (0, 0): CellPlan(1234, "count"),
        (0, 1): CellPlan(1234.5, "decimal"),
        (0, 2): CellPlan(38.2, "percent"),
        (0, 3): CellPlan(date(2026, 6, 16), "date"),
        (0, 4): CellPlan(date(2026, 6, 16), "prefilled"),
        (0, 5): CellPlan("01", "row_code"),
        (0, 6): CellPlan(38.25, "percent", number_format="0.0"),
    }
    row = next(reopen(one_sheet(cells)).worksheets[0].iter_rows())
    formats = [cell.number_format for cell in row]
    assert formats == ["#,##0", "#,##0.######", "General", "dd/mm/yyyy", "dd/mm/yyyy", "@", "0.0"]
    assert row[3].is_date
    assert row[3].value.date() == date(2026, 6, 16)


def bound_of(sheet: Worksheet, row: int, column: int) -> object:
    name = sheet.cell(row + 1, column + 1).coordinate
    return next((bound for bound in sheet.data_validations.dataValidation if name in bound.sqref), None)


def test_every_cell_is_bounded_as_its_type_asks(plan: WorkbookPlan, forms: Mapping[str, Form]) -> None:
    kinds = {
        ValueType.COUNT: "whole", ValueType.DECIMAL: "decimal", ValueType.PERCENT: "decimal", ValueType.DATE: "date",
        ValueType.YES_NO: "list",
    }  # fmt: skip
    book = reopen(plan)
    seen = set()
    for sheet in plan.sheets:
        if sheet.form is None:
            continue
        version = next(v for v in forms[sheet.form].versions if v.sheet == sheet.name)
        declared = {row.code: row for row in version.fields} | {column.code: column for column in version.columns}
        for key, (row, column) in sheet.places.items():
            value = declared[key.row if version.fields else key.column]
            bound = bound_of(book[sheet.name], row, column)
            is_input = sheet.cells[row, column].style in INPUT_STYLES
            if not is_input or value.type not in kinds:
                assert bound is None
                continue
            seen.add(value.type)
            assert bound.type == kinds[value.type]
            assert bound.error
            assert bound.errorStyle in (None, "stop")
    assert seen == set(kinds)


def test_yes_no_offers_the_two_words(plan: WorkbookPlan) -> None:
    sheet = plan.sheet_of("F00")
    row, column = next(place for key, place in sheet.places.items() if key.row == "08")
    bound = bound_of(reopen(plan)["F00 Phiếu gửi"], row, column)
    assert bound.formula1 == '"Có,Không"'
    assert bound.promptTitle == "Chọn trong danh sách"


def test_a_long_list_is_a_defined_name_on_a_hidden_sheet() -> None:
    bound = Validation("list", "danh_muc_1", title="Chọn", message="Chọn một mục.")
    plan = WorkbookPlan(
        [
            SheetPlan("Thử", cells={(0, 0): CellPlan(None, "text")}, validations={(0, 0): bound}),
            SheetPlan("_lists", hidden=True, cells={(0, 0): CellPlan("Một, hai"), (1, 0): CellPlan("Ba")}),
        ],
        names={"danh_muc_1": "='_lists'!$A$1:$A$2"},
    )
    book = reopen(plan)
    assert book["_lists"].sheet_state == "hidden"
    assert bound_of(book["Thử"], 0, 0).formula1 == "danh_muc_1"
    assert book.defined_names["danh_muc_1"].attr_text == "'_lists'!$A$1:$A$2"


def test_pages_are_a4_with_repeated_headers(plan: WorkbookPlan) -> None:
    book = reopen(plan)
    for planned in plan.sheets[1:]:
        sheet = book[planned.name]
        assert sheet.page_setup.paperSize == 9
        assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.print_title_rows == f"${planned.header_row}:${planned.header_row + 1}"
        assert sheet.freeze_panes == f"A{planned.header_row + 2}"
        assert planned.footer in sheet.oddFooter.left.text
        assert "&P" in sheet.oddFooter.right.text
    assert book["F05 Khen thưởng cấp tỉnh"].page_setup.orientation == "landscape"


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice (soffice) is not installed on this machine")
def test_libreoffice_prints_the_workbook(tmp_path: Path, plan: WorkbookPlan, blank_plan: WorkbookPlan) -> None:
    assert SOFFICE is not None
    made = {"unit": plan, "blank": blank_plan}
    for name, planned in made.items():
        (tmp_path / f"{name}.xlsx").write_bytes(write_workbook(planned))
    command = [SOFFICE, f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", "--convert-to", "pdf"]
    files = [str(tmp_path / f"{name}.xlsx") for name in made]
    subprocess.run([*command, "--outdir", str(tmp_path), *files], check=True, timeout=180, capture_output=True)
    for name in made:
        assert (tmp_path / f"{name}.pdf").read_bytes().startswith(b"%PDF")
