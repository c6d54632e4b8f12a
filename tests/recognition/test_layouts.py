"""Tables without their codes are found by their labels, whole or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from etl.forms.declaration import Kind
from etl.reading.grid import Sheet, Workbook
from etl.recognition.layouts import LabelGrid, label_keys, match_layout
from etl.recognition.tables import Table, find_forms, list_column_names, list_unknown_headers, suggest
from etl.templates.model import CellPlan, SheetPlan, WorkbookPlan
from etl.templates.plan import plan_workbook
from tests.golden.make_cases import rename
from tests.golden.old_ways import ministry_print, without_column_codes, without_headings, without_row_codes
from tests.golden.sender import (
    DEPARTMENT,
    HALF_YEAR,
    PERIOD,
    Edit,
    Sending,
    as_read,
    make_sending,
    read_knowledge,
    shift,
    without_metadata,
    write,
)

LAYOUTS = [(form.code, version.version) for form in read_knowledge().forms.values() for version in form.versions]


@pytest.mark.parametrize(
    ("printed", "ours"),
    [
        ("1. Tổng số (01=02+04+05=11+…+17)", "Tổng số"),
        ("- Tập thể", "Tập thể"),
        ("Trong đó: Doanh nghiệp", "Doanh nghiệp"),
        ("2.1. Cá nhân (05=06+07)", "Cá nhân (05=06+07+08+09+10)"),
        ("b) Hộ gia đình (1)", "Hộ gia đình"),
        ("+ Lãnh đạo cấp vụ,\ncấp sở **", "Lãnh đạo cấp vụ, cấp sở"),
        ("IV. KHEN THƯỞNG ĐỐI NGOẠI²", "Khen thưởng đối ngoại"),
        ("Huy hiệu, kỉ niệm chương", "Huy hiệu, kỷ niệm chương"),
        ("Khoẻ", "Khỏe"),
        ("Tập thể Lao động xuất sắc", "Tập thể Lao động xuất sắc (cột của tỉnh, không cộng vào cột 1)"),
    ],
)
def test_labels_of_other_prints(printed: str, ours: str) -> None:
    assert set(label_keys(printed)) & set(label_keys(ours))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tập thể", "Cá nhân"),
        ("Cờ thi đua cấp tỉnh", "Chiến sĩ thi đua cấp tỉnh"),
        ("Từ 1 năm", "Từ 3 năm"),
        ("Nam", "Năm"),
    ],
)
def test_labels_that_differ(one: str, other: str) -> None:
    assert not set(label_keys(one)) & set(label_keys(other))


@pytest.mark.parametrize("text", ["", "01", "(1)", "1=2+3+4+5", "…", "- "])
def test_what_is_no_label(text: str) -> None:
    assert label_keys(text) == ()


def plan_form(code: str, version: str) -> Sending:
    """The sheet of one layout alone, in a workbook that says nothing of it."""
    knowledge = read_knowledge()
    register = knowledge.register
    declared = next(found for found in knowledge.forms[code].versions if found.version == version)
    plan = plan_workbook(
        unit=register.unit_versions(DEPARTMENT)[-1],
        report=register.report(HALF_YEAR),
        period=register.period(HALF_YEAR, PERIOD),
        form_versions={code: declared},
        issuer=register.province,
    )
    sheet = plan.sheet_of(code)
    return Sending(WorkbookPlan([replace(sheet, cells=dict(sheet.cells))], None, plan.names))


def find_one(sending: Sending) -> Table | None:
    tables = find_forms(as_read(sending), read_knowledge().forms, {}).tables
    assert len(tables) <= 1
    return next(iter(tables.values()), None)


def places(table: Table) -> tuple[dict[str, int], dict[str, int]]:
    """(columns, rows) of a table by their codes."""
    if table.rows is not None:
        return dict(table.columns), dict(table.rows)
    at = table.row_code_column
    rows = {
        cell.text: row for (row, column), cell in table.sheet.cells.items() if column == at and row > table.code_row
    }
    return dict(table.columns), {code: row for code, row in rows.items() if code in table.version.row_labels}


@pytest.mark.parametrize("named", [True, False], ids=["named", "another name"])
@pytest.mark.parametrize("lost", ["column codes", "row codes", "both"])
@pytest.mark.parametrize(("form", "version"), LAYOUTS)
def test_every_layout_is_known_by_its_labels(form: str, version: str, lost: str, named: bool) -> None:
    whole = find_one(plan_form(form, version))
    assert whole is not None and not whole.by_labels
    if lost == "row codes" and whole.version.kind is Kind.LIST:
        return  # a list has none to lose
    sending = plan_form(form, version)
    if lost != "row codes":
        without_column_codes(form)(sending)
    if lost != "column codes" and whole.version.kind is not Kind.LIST:
        without_row_codes(form)(sending)
    if not named:
        sending.plan.sheets[0].name = "Trang 1"
    found = find_one(sending)
    assert found is not None
    assert (found.form, found.version.version, found.by_labels) == (form, version, True)
    columns, rows = places(found)
    expected_columns, expected_rows = places(whole)
    own = {code for code in expected_columns if code in {column.code for column in whole.version.columns}}
    assert {code: columns.get(code) for code in own} == {code: expected_columns[code] for code in own}
    if whole.version.kind is not Kind.LIST:
        assert rows == expected_rows


@pytest.mark.parametrize("form", ["F00", "F03", "F05", "F07"])
def test_a_moved_copy_without_codes(form: str) -> None:
    found = find_forms(
        as_read(make_sending(without_column_codes(form), shift(form, down=3, right=2), without_metadata)),
        read_knowledge().forms,
        {},
    )
    assert set(found.tables) == {"F00", "F03", "F05", "F07"}
    assert found.tables[form].by_labels


def find_f05(*edits: Edit) -> Table | None:
    found = find_forms(as_read(make_sending(*edits, without_metadata)), read_knowledge().forms, {})
    return found.tables.get("F05")


def test_headings_gone_too_is_no_table() -> None:
    assert find_f05(without_headings("F05")) is None


def test_too_many_rows_renamed_is_no_table() -> None:
    renamed = [write("F05", row, 0, f"Nội dung {row}") for row in range(8, 13)]
    assert find_f05(without_column_codes("F05"), *renamed[:3]) is not None
    assert find_f05(without_column_codes("F05"), *renamed) is None


def test_a_label_that_fits_two_rows_fits_none() -> None:
    twice = find_f05(without_column_codes("F05"), without_row_codes("F05"), write("F05", 26, 0, "Hộ gia đình"))
    assert twice is not None and twice.rows is not None
    assert "04" not in twice.rows and len(twice.rows) == 16


def test_one_column_under_two_headings_of_a_kind_is_no_column() -> None:
    twice = find_f05(without_column_codes("F05"), write("F05", 6, 9, "Bằng khen"))
    assert twice is not None and "2" not in twice.columns and twice.columns["3"] == 4


@pytest.mark.parametrize("codes", [True, False])
def test_the_ministrys_print(codes: bool) -> None:
    """Formula codes ("1=2+3+4+5"), three rows of merged headers, headings between rows, numbering, footnotes."""
    table = find_f05(ministry_print(codes=codes))
    assert table is not None and table.by_labels is not codes
    assert {code: table.columns[code] for code in "123456"} == {str(number): number + 1 for number in range(1, 7)}
    assert set(places(table)[1]) == {f"{row:02}" for row in range(1, 18)}


@pytest.mark.parametrize("code", ["1=2+3+4+5", "(1)=(2)+(3)", "1 = 2 + 3", "(1)", "[1]", "1.", "1.0"])
def test_ways_to_print_a_column_code(code: str) -> None:
    table = find_f05(write("F05", 7, 2, code))
    assert table is not None and not table.by_labels and table.columns["1"] == 2


def test_a_sheet_of_other_things_costs_little_and_is_nothing() -> None:
    sheet = Sheet("Đại biểu", True, as_read(make_sending()).sheets[0].cells)
    assert find_forms(Workbook("xlsx", (sheet,)), read_knowledge().forms, {}).tables == {}
    grid = LabelGrid(sheet)
    for form in read_knowledge().forms.values():
        assert all(match_layout(grid, version) is None for version in form.versions)


def test_an_empty_copy_of_headings_alone_is_no_table() -> None:
    def headings_only(sending: Sending) -> None:
        sheet: SheetPlan = sending.plan.sheet_of("F05")
        sheet.cells = {at: CellPlan(cell.value) for at, cell in sheet.cells.items() if at[0] < sheet.header_row}

    assert find_f05(headings_only) is None
    assert find_f05(rename("F05", "Trang 1"), headings_only) is None


@pytest.mark.parametrize("strange", ["XYZ", "QX", "Z", "Mục khác của sở"])
def test_an_unknown_heading_is_named_where_it_stands(strange: str) -> None:
    """Short as a code or not; never the motto that stands above it."""
    motto = write("F05", 1, 3, "Độc lập - Tự do - Hạnh phúc")
    table = find_f05(without_column_codes("F05"), motto, write("F05", 6, 3, strange))
    assert table is not None and "2" not in table.columns
    assert list_unknown_headers(table) == [(6, 3)]


def test_a_column_with_no_heading_is_not_named_by_the_motto() -> None:
    motto = write("F05", 1, 3, "Độc lập - Tự do - Hạnh phúc")
    table = find_f05(without_column_codes("F05"), motto, write("F05", 6, 3, None))
    assert table is not None and "2" not in table.columns
    assert list_unknown_headers(table) == []


def test_abbreviated_headings_are_known() -> None:
    short = {3: "BK", 4: "CSTĐ cấp tỉnh", 5: "Cờ", 6: "KNC", 7: "TTLĐXS"}
    table = find_f05(without_column_codes("F05"), *(write("F05", 6, at, text) for at, text in short.items()))
    assert table is not None and list_unknown_headers(table) == []
    assert {code: table.columns[code] for code in "23456"} == {str(at - 1): at for at in short}


@pytest.mark.parametrize(("form", "version"), LAYOUTS)
def test_no_alias_is_a_word_for_two_things(form: str, version: str) -> None:
    declared = next(found for found in read_knowledge().forms[form].versions if found.version == version)
    for things in (declared.columns, (*declared.fields, *declared.rows)):
        for thing in things:
            others = {
                key
                for other in things
                if other.code != thing.code
                for text in (other.label, *other.aliases)
                for key in label_keys(text)
            }
            for alias in thing.aliases:
                assert label_keys(alias) and others.isdisjoint(label_keys(alias)), (thing.code, alias)


@pytest.mark.parametrize("form", ["F04", "F05", "F08"])
def test_a_fighters_title_is_never_taken_for_a_flag(form: str) -> None:
    names = list_column_names(read_knowledge().forms[form].versions[-1])
    for text in ("CSTĐ cấp tỉnh", "CSTĐ cấp tỉnh năm 2026", "CSTĐ"):
        assert "Cờ" not in suggest(text, names)
    if form == "F05":
        assert "Chiến sĩ thi đua cấp tỉnh" in suggest("CSTĐ cấp tỉnh", names)
        assert suggest("GKC", names) == ""


@pytest.mark.parametrize("title", ["SỐ LƯỢNG KHEN THƯỞNG CẤP BỘ, BAN, NGÀNH, TỈNH", "as in our template", None])
def test_a_form_under_another_name_with_strange_columns_has_no_table(title: str | None) -> None:
    strange = [write("F05", 6, at, f"Mục số {at}") for at in range(2, 8)]
    sending = make_sending(without_column_codes("F05"), *strange, without_metadata, rename("F05", "Trang 1"))
    sheet = sending.plan.sheet_of("F05")
    assert read_knowledge().forms["F05"].versions[-1].title in str(sheet.cells[1, 0].value)
    if title != "as in our template":
        sheet.cells[1, 0].value = title
    if title:
        # The title alone must do: no row is left.
        sheet.cells = {at: cell for at, cell in sheet.cells.items() if at[0] <= sheet.header_row}
    found = find_forms(as_read(sending), read_knowledge().forms, {})
    assert [(form, sheet.name) for form, sheet in found.without_table] == [("F05", "Trang 1")]
    assert found.unknown_sheets == []


def test_a_second_sheet_that_is_like_a_form_found_is_the_senders_own() -> None:
    workbook = as_read(make_sending(without_metadata))
    spoilt = as_read(make_sending(without_column_codes("F05"), without_headings("F05"), without_metadata))
    copy = next(sheet for sheet in spoilt.sheets if sheet.name.startswith("F05"))
    own = Sheet("Bản nháp", True, copy.cells)
    found = find_forms(Workbook("xlsx", (*workbook.sheets, own)), read_knowledge().forms, {})
    assert found.without_table == [] and own in found.unknown_sheets
