"""Forms are found by their codes wherever a unit has moved them, and what was moved keeps its meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import pytest

from etl.forms.declaration import CellKey
from etl.parsing.submission import ParsedSubmission
from etl.parsing.tables import ListFacts, parse_table
from etl.reading.pool import read_workbook
from etl.recognition.identity import read_metadata
from etl.recognition.tables import FoundForms, find_forms, read_code, suggest
from etl.templates.model import CellPlan
from tests.golden.make_cases import lose_noughts, merge_movements, rename, swap_columns
from tests.golden.sender import (
    Edit,
    Sending,
    add_sheet,
    as_read,
    drop_column,
    drop_sheet,
    insert_row,
    make_sending,
    read_knowledge,
    shift,
    without_metadata,
    write,
)


def find(sending: Sending) -> FoundForms:
    workbook = as_read(sending)
    return find_forms(workbook, read_knowledge().forms, read_metadata(workbook))


def parse(sending: Sending, form: str) -> ParsedSubmission:
    parsed = ParsedSubmission()
    catalogue = read_knowledge().catalogue
    known = {name: (lambda text, _: read_code(text)) for name in ("movement", "indicator", "unit")}
    facts = ListFacts(known, {}, None, lambda _: False)
    parse_table(find(sending).tables[form], parsed, catalogue, facts)
    return parsed


def numbers(sending: Sending, form: str) -> Mapping[CellKey, Decimal | None]:
    return {key: cell.value.number for key, cell in parse(sending, form).cells.items()}


def text_codes_as_numbers(form: str, column: int) -> Edit:
    """An edit: every row code of a form as a number, as after a paste."""

    def edit(sending: Sending) -> None:
        sheet = sending.plan.sheet_of(form)
        for (row, at), cell in sheet.cells.items():
            if at == column and row > sheet.header_row and isinstance(cell.value, str) and cell.value.isdigit():
                sheet.cells[row, at] = CellPlan(int(cell.value))

    return edit


def test_the_short_way_reads_what_the_reader_reads() -> None:
    sending = make_sending()
    assert read_workbook(sending.to_bytes()) == as_read(sending)


@pytest.mark.parametrize("form", ["F00", "F03", "F05", "F07"])
@pytest.mark.parametrize(
    "moved",
    [
        lambda form: [shift(form, down=4)],
        lambda form: [shift(form, right=3)],
        lambda form: [shift(form, down=2, right=1), without_metadata],
        lambda form: [rename(form, "Trang tính 1"), without_metadata],
        lambda form: [rename(form, "SỐ LIỆU"), shift(form, down=1)],
        lambda form: [rename(form, f"{form} (nộp lại)")],
        lambda form: [write(form, 0, 12, "Nhận ngày 15/6"), write(form, 12, 13, "đã kiểm tra")],
        lambda form: [insert_row(form, 10), write(form, 10, 0, "")],
        lambda form: [swap_columns(form, 2, 3)],
    ],
    ids=["rows above", "columns left", "both, no metadata", "renamed, no metadata", "renamed", "longer name",
         "notes beside", "an empty row inside", "two columns exchanged"],
)  # fmt: skip
def test_a_moved_table_keeps_its_figures(form: str, moved: Callable[[str], list[Edit]]) -> None:
    plain = numbers(make_sending(), form)
    assert any(value is not None for value in plain.values()) or form == "F00"
    assert numbers(make_sending(*moved(form)), form) == plain
    assert parse(make_sending(*moved(form)), form).findings == []


@pytest.mark.parametrize(("form", "column"), [("F00", 0), ("F05", 1), ("F07", 0)])
def test_row_codes_that_lost_their_nought(form: str, column: int) -> None:
    assert numbers(make_sending(text_codes_as_numbers(form, column)), form) == numbers(make_sending(), form)


def test_the_edit_of_the_golden_case_changes_something() -> None:
    moved = make_sending(shift("F05", right=2), lose_noughts)
    assert moved.plan.sheet_of("F05").cells[8, 3].value == 1


def test_a_key_merged_over_its_rows_names_each_of_them() -> None:
    parsed = parse(make_sending(merge_movements), "F03")
    assert parsed.findings == []
    assert {key.row: cell.value.number for key, cell in parsed.cells.items() if key.column == "2"} == {
        key.row: cell.value.number for key, cell in parse(make_sending(), "F03").cells.items() if key.column == "2"
    }
    keys = [cell for key, cell in parsed.cells.items() if key.column == "A"]
    assert all(cell.value.text == cell.key.row.partition("+")[0] for cell in keys)
    assert len({cell.cell for cell in keys}) < len(keys)


def test_a_merged_key_over_an_empty_last_row() -> None:
    """The last row of a merged movement has no figure: it is empty, not gone."""

    def empty_last_row(sending: Sending) -> None:
        merge_movements(sending)
        sheet = sending.plan.sheet_of("F03")
        last = max(place[0] for key, place in sheet.places.items() if key.row)
        for column in range(5, 10):
            sheet.cells[last, column] = CellPlan(None)

    whole, emptied = parse(make_sending(), "F03"), parse(make_sending(empty_last_row), "F03")
    assert emptied.cells.keys() == whole.cells.keys()


def test_column_codes_in_brackets_and_as_numbers() -> None:
    def bracket(sending: Sending) -> None:
        sheet = sending.plan.sheet_of("F05")
        for column in range(8):
            cell = sheet.cells[sheet.header_row, column]
            text = str(cell.value)
            sheet.cells[sheet.header_row, column] = CellPlan(float(text) if text.isdigit() else f"({text.lower()})")

    assert numbers(make_sending(bracket), "F05") == numbers(make_sending(), "F05")


def test_a_heading_merged_over_two_columns_is_no_unknown_column() -> None:
    def merge_heading(sending: Sending) -> None:
        sheet = sending.plan.sheet_of("F05")
        sheet.merges.append((sheet.header_row - 1, 3, sheet.header_row - 1, 4))
        del sheet.cells[sheet.header_row - 1, 4]

    assert parse(make_sending(merge_heading), "F05").findings == []


def test_the_same_heading_twice_is_not_the_same_column() -> None:
    """Two headers of one text: codes decide; the text without a code is unknown."""
    copied = make_sending(write("F05", 6, 8, "Bằng khen"))
    assert numbers(copied, "F05") == numbers(make_sending(), "F05")
    assert [(finding.code, finding.cell) for finding in parse(copied, "F05").findings] == [("COLUMN-UNKNOWN", "I7")]


def test_a_code_twice_takes_the_first_column() -> None:
    doubled = make_sending(write("F05", 7, 9, "2"), write("F05", 9, 9, 999))
    assert numbers(doubled, "F05") == numbers(make_sending(), "F05")
    assert [(finding.code, finding.cell) for finding in parse(doubled, "F05").findings] == [("COLUMN-DUPLICATE", "J8")]


def test_tables_with_the_same_codes_are_told_apart_by_their_rows() -> None:
    swapped = make_sending(without_metadata, rename("F00", "Trang 1"), rename("F07", "Trang 2"))
    found = find(swapped)
    assert (found.tables["F00"].sheet.name, found.tables["F07"].sheet.name) == ("Trang 1", "Trang 2")


def test_what_a_sheet_holds_outweighs_its_lost_table() -> None:
    """A sheet named like one form but holding another is the other."""
    found = find(make_sending(without_metadata, drop_sheet("F05"), rename("F03", "F05 Khen thưởng cấp tỉnh")))
    assert found.tables["F03"].sheet.name == "F05 Khen thưởng cấp tỉnh"
    assert "F05" not in found.tables


def test_the_rest_is_told_too() -> None:
    found = find(make_sending(add_sheet("Bản nháp", like="F07"), add_sheet("Linh tinh"), drop_column("F03", 0)))
    assert [table.sheet.name for table in found.doubled] == ["Bản nháp"]
    assert [sheet.name for sheet in found.unknown_sheets] == ["Linh tinh"]
    assert "A" not in found.tables["F03"].columns


@pytest.mark.parametrize(
    ("text", "width", "code"),
    [
        ("5", 2, "05"),
        ("5.0", 2, "05"),
        ("(05)", 2, "05"),
        ("[a]", 0, "A"),
        (" 12. ", 2, "12"),
        ("dmst", 0, "DMST"),
        ("", 2, ""),
    ],
)
def test_codes_are_made_comparable(text: str, width: int, code: str) -> None:
    assert read_code(text, width) == code


def test_suggestions_are_near_or_none() -> None:
    assert suggest("Bằng khem", ["Bằng khen", "Cờ thi đua"]) == " Có phải là “Bằng khen”?"
    assert suggest("zzz", ["Bằng khen"]) == ""
