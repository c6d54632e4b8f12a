"""What stands in a planned workbook, before it is written."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import date

import pytest

from etl.calendar.periods import Clock, parse_period
from etl.forms.declaration import LIST_KEY_SEPARATOR, SPARE_ROWS, CellKey, Column, FieldRow, Form, FormVersion, Kind
from etl.register.model import Register, Unit, UnitType
from etl.templates.from_register import list_member_rows, list_movement_rows, plan_unit_workbook
from etl.templates.layout import count_lines
from etl.templates.model import END_MARK, GUIDE_SHEET, SheetPlan, WorkbookPlan
from etl.templates.plan import MovementRow, plan_workbook

PERIOD = parse_period("2026-S1", Clock.ADMIN)
EFFECTIVE = date(2020, 1, 1)


def layout(**parts: object) -> FormVersion:
    head = {"version": "1", "instrument": "Mẫu thử", "effective_from": EFFECTIVE, "sheet": "F90 Thử", "title": "THỬ"}
    return FormVersion.model_validate({**head, **parts})


def plan_one(register: Register, version: FormVersion, rows: tuple[MovementRow, ...] = ()) -> SheetPlan:
    report = register.report("movements-half")
    plan = plan_workbook(
        unit=None, report=report, period=PERIOD, form_versions={"F90": version}, issuer=register.province,
        movement_rows=rows,
    )  # fmt: skip
    return plan.sheet_of("F90")


def test_sheets_follow_the_report_after_the_guide(plan: WorkbookPlan) -> None:
    assert [sheet.form for sheet in plan.sheets] == [None, "F00", "F03", "F05", "F07"]
    assert plan.sheets[0].name == GUIDE_SHEET


def test_metadata_names_report_period_unit_and_versions(plan: WorkbookPlan, commune: Unit) -> None:
    assert plan.metadata == {
        "schema": "movement-reports/1",
        "report": "movements-half",
        "period": "2026-S1",
        "unit": commune.code,
        "form:F00": "F00 Phiếu gửi|2026.1",
        "form:F03": "F03 Kết quả phong trào|2026.1",
        "form:F05": "F05 Khen thưởng cấp tỉnh|2023.1",
        "form:F07": "F07 Cơ cấu đối tượng|2026.1",
    }


def test_the_guide_has_no_table_and_no_title_block(plan: WorkbookPlan, commune: Unit) -> None:
    guide = plan.sheets[0]
    texts = [str(cell.value) for cell in guide.cells.values()]
    assert {column for _, column in guide.cells} == {0}
    assert not any(text.startswith(("Đơn vị báo cáo:", "Kỳ báo cáo:")) for text in texts)
    assert any(commune.name in text for text in texts)
    assert any("23:59 ngày 16/06/2026" in text for text in texts)
    assert any("điện thoại 0206 000 000" in text for text in texts)


def test_a_guide_without_due_instant_numbers_its_steps_without_a_gap(blank_plan: WorkbookPlan) -> None:
    texts = [str(cell.value) for cell in blank_plan.sheets[0].cells.values()]
    numbers = [int(text.split(".")[0]) for text in texts if text[:1].isdigit()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert not any("Hạn gửi" in text for text in texts)


@pytest.mark.parametrize("form", ["F00", "F03", "F05", "F07"])
def test_head_codes_and_end_mark_of_every_form(
    plan: WorkbookPlan, forms: Mapping[str, Form], commune: Unit, form: str
) -> None:
    sheet = plan.sheet_of(form)
    version = forms[form].version_on(PERIOD.end)
    above = [sheet.cells[row, 0].value for row in range(sheet.header_row - 1) if (row, 0) in sheet.cells]
    assert f"Đơn vị báo cáo: {commune.name}" in above
    assert "Kỳ báo cáo: 6 tháng đầu năm 2026 (từ 15/12/2025 đến 14/06/2026)" in above
    assert f"BIỂU {form} – {version.title}" in above
    codes = [sheet.cells[sheet.header_row, column].value for column in range(len(version.printed_columns))]
    labels = [sheet.cells[sheet.header_row - 1, column].value for column in range(len(version.printed_columns))]
    assert list(zip(codes, labels, strict=True)) == list(version.printed_columns)
    assert sheet.first_row == sheet.header_row + 1
    assert sheet.freeze == (sheet.first_row, 0)
    assert not any(row == sheet.last_row + 1 for row, _ in sheet.cells)
    assert sheet.cells[sheet.last_row + 2, 0].value == END_MARK
    assert sheet.footer == f"Biểu {form} – phiên bản {version.version}"


@pytest.mark.parametrize("form", ["F00", "F05", "F07"])
def test_every_fixed_cell_has_a_place_in_its_own_row_and_column(
    plan: WorkbookPlan, forms: Mapping[str, Form], form: str
) -> None:
    sheet = plan.sheet_of(form)
    version = forms[form].version_on(PERIOD.end)
    printed = [code for code, _ in version.printed_columns]
    row_code_column = 0 if version.kind is Kind.FIELDS else 1
    keys = [key for key, _ in version.walk_cells(form)]
    assert list(sheet.places) == keys
    for key, (row, column) in sheet.places.items():
        assert printed[column] == key.column
        assert sheet.cells[row, row_code_column].value == key.row
        assert sheet.first_row <= row <= sheet.last_row


def test_envelope_is_prefilled_and_its_guess_stays_open(plan: WorkbookPlan, commune: Unit) -> None:
    sheet = plan.sheet_of("F00")
    by_code = {key.row: sheet.cells[place] for key, place in sheet.places.items()}
    values = [by_code[f"{number:02d}"].value for number in range(1, 9)]
    assert values == [
        commune.code, commune.name, "movements-half", "Định kỳ (NĐ 09/2019/NĐ-CP)", "2026-S1", date(2025, 12, 15),
        date(2026, 6, 14), "Không",
    ]  # fmt: skip
    assert [by_code[f"{number:02d}"].style for number in range(1, 8)] == ["prefilled"] * 7
    assert by_code["06"].number_format == "dd/mm/yyyy"
    assert by_code["08"].style == "text"
    assert by_code["09"].value is None
    assert by_code["09"].required


def test_a_blank_template_leaves_the_unit_open(blank_plan: WorkbookPlan) -> None:
    sheet = blank_plan.sheet_of("F00")
    for code in ("01", "02"):
        cell = sheet.cells[sheet.places[CellKey("F00", code, "1")]]
        assert (cell.value, cell.style) == (None, "text")
    line = next(cell for cell in sheet.cells.values() if str(cell.value).startswith("Đơn vị báo cáo:"))
    assert (line.value, line.style) == ("Đơn vị báo cáo:", "caption_input")
    assert blank_plan.metadata is not None
    assert "unit" not in blank_plan.metadata


def test_structural_zeros_hold_x(plan: WorkbookPlan, forms: Mapping[str, Form]) -> None:
    sheet = plan.sheet_of("F05")
    version = forms["F05"].version_on(PERIOD.end)
    marked = {(key.row, key.column) for key, at in sheet.places.items() if sheet.cells[at].style == "not_applicable"}
    assert marked == set(version.not_applicable_cells)
    assert all(sheet.cells[sheet.places[CellKey("F05", *pair)]].value == "x" for pair in marked)
    assert not any(sheet.places[CellKey("F05", *pair)] in sheet.validations for pair in marked)


def test_a_list_has_a_row_for_every_indicator_asked_and_spare_rows(
    plan: WorkbookPlan, register: Register, commune: Unit
) -> None:
    sheet = plan.sheet_of("F03")
    asked = list_movement_rows(register, commune.type, PERIOD)
    assert asked
    for row in asked:
        key = LIST_KEY_SEPARATOR.join((row.movement, row.indicator))
        values = [sheet.cells[sheet.places[CellKey("F03", key, column)]].value for column in "ABCDE"]
        assert values == [row.movement, row.movement_name, row.indicator, row.indicator_name, row.indicator_unit]
        assert sheet.cells[sheet.places[CellKey("F03", key, "2")]].required
    assert sheet.last_row - sheet.first_row + 1 == len(asked) + SPARE_ROWS
    spare = [sheet.cells[sheet.places[CellKey("F03", "", "A", ordinal)]] for ordinal in range(SPARE_ROWS)]
    assert {(cell.value, cell.style, cell.required) for cell in spare} == {(None, "text", False)}


def test_other_unit_types_are_asked_other_indicators(register: Register) -> None:
    communes = {row.indicator for row in list_movement_rows(register, UnitType.COMMUNE, PERIOD)}
    enterprises = {row.indicator for row in list_movement_rows(register, UnitType.ENTERPRISE, PERIOD)}
    assert communes - enterprises
    assert enterprises - communes


def test_a_bloc_gets_only_the_forms_it_owes(register: Register, forms: Mapping[str, Form]) -> None:
    bloc = next(unit for unit in register.units_on(PERIOD.end) if unit.type is UnitType.BLOC)
    plan = plan_unit_workbook(register, forms, "movements-half", "2026-S1", bloc)
    assert [sheet.form for sheet in plan.sheets] == [None, "F00", "F03"]


def test_statistics_clock_shows_its_own_window(register: Register, forms: Mapping[str, Form], commune: Unit) -> None:
    sheet = plan_unit_workbook(register, forms, "statistics-year", "2026-A1", commune).sheet_of("F00")
    values = {key.row: sheet.cells[place].value for key, place in sheet.places.items()}
    assert values["04"] == "Thống kê (Bộ Nội vụ)"
    assert (values["06"], values["07"]) == (date(2025, 12, 1), date(2026, 11, 30))


def test_a_list_of_movements_alone_names_each_once(register: Register) -> None:
    columns = (
        Column(code="A", label="Mã", type="code", field="ma", key=True, prefill="movement"),
        Column(code="B", label="Kỳ", type="text", field="ky", prefill="period"),
        Column(code="1", label="Số", field="so"),
    )
    rows = (
        MovementRow("NTM", "Nông thôn mới", "I1", "Số xã", "xã"),
        MovementRow("NTM", "Nông thôn mới", "I2", "Số hộ", "hộ"),
        MovementRow("VNN", "Vì người nghèo", "I1", "Số hộ", "hộ"),
    )
    sheet = plan_one(register, layout(columns=columns), rows)
    filled = [[sheet.cells[row, column].value for column in (0, 1)] for row in (sheet.first_row, sheet.first_row + 1)]
    assert filled == [["NTM", "2026-S1"], ["VNN", "2026-S1"]]
    assert sheet.cells[sheet.first_row + 2, 1].value is None


def test_an_open_list_has_numbered_lines_and_asks_for_none(register: Register) -> None:
    columns = (
        Column(code="A", label="STT", type="code", field="stt", key=True, required=True),
        Column(code="1", label="Số", field="so", required=True),
    )
    sheet = plan_one(register, layout(columns=columns, rows_from="open", open_rows=7))
    numbers = [sheet.cells[sheet.places[CellKey("F90", str(line), "A")]] for line in range(1, 8)]
    assert [(cell.value, cell.style) for cell in numbers] == [(str(line), "prefilled") for line in range(1, 8)]
    assert sheet.last_row - sheet.first_row + 1 == 7
    blanks = [sheet.cells[sheet.places[CellKey("F90", str(line), "1")]] for line in range(1, 8)]
    assert {(cell.value, cell.style, cell.required) for cell in blanks} == {(None, "count", False)}


def test_a_bloc_finds_its_members_in_its_list(register: Register) -> None:
    bloc = next(unit for unit in register.units_on(PERIOD.end) if unit.type is UnitType.BLOC)
    members = list_member_rows(register, bloc, PERIOD)
    columns = (
        Column(code="A", label="Mã", type="code", field="ma", key=True, reference="unit", prefill="member"),
        Column(code="B", label="Tên", type="text", field="ten", prefill="member_name"),
        Column(code="1", label="Điểm", type="decimal", field="diem", required=True),
    )
    version = layout(columns=columns, rows_from="bloc_members", open_rows=2)
    plan = plan_workbook(
        unit=bloc, report=register.report("movements-half"), period=PERIOD, form_versions={"F90": version},
        issuer=register.province, member_rows=members,
    )  # fmt: skip
    sheet = plan.sheet_of("F90")
    assert members[0].member == next(row.unit for row in register.memberships if row.bloc == bloc.code)
    for row in members:
        code, name = (sheet.cells[sheet.places[CellKey("F90", row.member, column)]].value for column in "AB")
        assert (code, name) == (row.member, row.member_name)
        assert sheet.cells[sheet.places[CellKey("F90", row.member, "1")]].required
    assert sheet.last_row - sheet.first_row + 1 == len(members) + 2
    commune = next(unit for unit in register.units_on(PERIOD.end) if unit.type is UnitType.COMMUNE)
    assert list_member_rows(register, commune, PERIOD) == []


def test_an_optional_form_says_so_and_a_mandatory_one_does_not(register: Register) -> None:
    field = FieldRow(code="01", label="Số", field="so")
    for optional in (frozenset[str](), frozenset({"F90"})):
        plan = plan_workbook(
            unit=None, report=register.report("movements-half"), period=PERIOD,
            form_versions={"F90": layout(fields=(field,))}, issuer=register.province, optional=optional,
        )  # fmt: skip
        texts = [str(cell.value) for cell in plan.sheet_of("F90").cells.values()]
        assert ("– Biểu không bắt buộc: để trống nếu không có số liệu." in texts) is bool(optional)


def test_a_narrative_has_room(register: Register) -> None:
    fields = (
        FieldRow(code="01", label="Lời văn", type="text", field="loi_van", multiline=True),
        FieldRow(code="02", label="Số", field="so"),
    )
    sheet = plan_one(register, layout(fields=fields))
    long, short = (sheet.places[CellKey("F90", code, "1")][0] for code in ("01", "02"))
    assert sheet.heights[long] >= 5 * sheet.heights[short]
    assert sheet.widths[3] >= 80


def test_an_unknown_prefill_is_refused(register: Register) -> None:
    field = FieldRow(code="01", label="Mã", type="text", field="ma", prefill="weather")
    with pytest.raises(ValueError, match="weather"):
        plan_one(register, layout(fields=(field,)))


def test_answers_with_commas_go_to_a_hidden_sheet(register: Register) -> None:
    choices = [{"value": "a", "labels": ["Tập thể, hộ gia đình"]}, {"value": "b", "labels": ["Cá nhân"]}]
    field = {"code": "01", "label": "Đối tượng", "type": "choice", "field": "doi_tuong", "choices": choices}
    plan = plan_workbook(
        unit=None, report=register.report("movements-half"), period=PERIOD,
        form_versions={"F90": layout(fields=[field])}, issuer=register.province,
    )  # fmt: skip
    lists = plan.sheets[-1]
    assert lists.hidden
    assert [cell.value for cell in lists.cells.values()] == ["Tập thể, hộ gia đình", "Cá nhân"]
    assert [bound.source for bound in plan.sheet_of("F90").validations.values()] == list(plan.names)


def test_rows_are_high_enough_and_all_text_is_composed(plan: WorkbookPlan) -> None:
    for sheet in plan.sheets:
        merged = {(row, column) for row, column, _, _ in sheet.merges}
        for (row, column), cell in sheet.cells.items():
            if not isinstance(cell.value, str):
                continue
            assert unicodedata.is_normalized("NFC", cell.value)
            width = sum(sheet.widths.values()) if (row, column) in merged else sheet.widths[column]
            lines = count_lines(cell.value, width)
            assert lines == 1 or sheet.heights[row] >= lines * 15.5


def test_bounds_fit_into_what_excel_allows(plan: WorkbookPlan) -> None:
    bounds = [bound for sheet in plan.sheets for bound in sheet.validations.values()]
    assert bounds
    assert all(len(bound.title) <= 32 and 0 < len(bound.message) <= 255 for bound in bounds)
