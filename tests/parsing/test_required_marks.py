"""The mark x stands for "does not apply": in a cell that must be filled it is a fault of its own; hidden figures are told."""

from __future__ import annotations

import pytest

from etl.forms.declaration import CellKey
from tests.golden.case import put
from tests.golden.old_ways import hide_lines, without_column_codes
from tests.golden.sender import Edit, codes, examine, make_sending


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (put("F05", "02", "1", "x"), "CELL-X-REQUIRED"),
        (put("F03", "DMST+DVTG", "2", "X"), "CELL-X-REQUIRED"),
        (put("F05", "02", "1", None), "CELL-REQUIRED"),
        (put("F05", "02", "1", "…"), "CELL-REQUIRED"),
    ],
)
def test_each_way_to_leave_a_required_cell_has_its_words(edit: Edit, code: str) -> None:
    (told,) = examine(make_sending(edit))
    assert [found for found in codes(told) if found.startswith("CELL")] == [code]


def test_a_mark_where_nothing_is_required_is_none() -> None:
    (told,) = examine(make_sending(put("F05", "13", "2", "x"), put("F05", "05", "6", "x")))
    assert codes(told) == []


def numbers(*edits: Edit) -> dict[CellKey, object]:
    (told,) = examine(make_sending(*edits))
    return {key: cell.value.number for key, cell in told.submission.parsed.cells.items()}


def test_hidden_lines_are_read_like_all_others() -> None:
    assert numbers(hide_lines("F05", rows=range(8, 25), columns=range(2, 8))) == numbers()


@pytest.mark.parametrize(
    ("edit", "value", "cell"),
    [
        (hide_lines("F05", rows=[8, 9, 10, 20]), "9–11, 21", "C9"),
        (hide_lines("F07", rows=[10]), "11", "D11"),
        (hide_lines("F03", rows=range(8, 30)), "9–30", "F9"),
    ],
)
def test_hidden_rows_are_told_once(edit: Edit, value: str, cell: str) -> None:
    (told,) = examine(make_sending(edit))
    assert [(found.code, found.value, found.cell) for found in told.findings] == [("ROW-HIDDEN", value, cell)]


def test_hidden_rows_that_hold_nothing_of_the_units() -> None:
    """Titles, headings, notes, and rows that nobody filled."""
    blank = [put("F05", "13", str(column), None) for column in range(1, 7)]
    (told,) = examine(make_sending(*blank, hide_lines("F05", rows=[0, 4, 6, 20, 27], columns=[1])))
    assert codes(told) == []


def test_a_hidden_row_of_a_table_without_codes() -> None:
    (told,) = examine(make_sending(without_column_codes("F05"), hide_lines("F05", rows=[10])))
    assert codes(told) == ["FORM-LEGACY-LAYOUT", "ROW-HIDDEN"]
