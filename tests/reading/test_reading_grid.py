"""Cell names and extensions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.reading.failures import wrong_extension
from etl.reading.grid import cell_name, parse_cell_name


@pytest.mark.parametrize(
    ("position", "name"),
    [((0, 0), "A1"), ((6, 1), "B7"), ((0, 25), "Z1"), ((0, 26), "AA1"), ((9, 701), "ZZ10"), ((0, 702), "AAA1")],
)
def test_cell_names(position: tuple[int, int], name: str) -> None:
    assert cell_name(*position) == name
    assert parse_cell_name(name) == position


def test_last_cell_of_a_sheet() -> None:
    assert cell_name(1_048_575, 16_383) == "XFD1048576"


@given(st.integers(0, 1_048_575), st.integers(0, 16_383))
def test_names_lead_back_to_positions(row: int, column: int) -> None:
    assert parse_cell_name(cell_name(row, column)) == (row, column)


def test_absolute_and_small_letters() -> None:
    assert parse_cell_name("$b$7") == (6, 1)


@pytest.mark.parametrize("name", ["", "B", "7", "B0", "XFE1", "A1048577", "B7:C8", "Đ1", "A١"])
def test_what_is_no_cell_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        parse_cell_name(name)


def test_negative_positions_are_refused() -> None:
    with pytest.raises(ValueError):
        cell_name(-1, 0)
    with pytest.raises(ValueError):
        cell_name(0, -1)


def test_wrong_extensions() -> None:
    assert wrong_extension("Báo cáo.xlsx", "xlsx") is None
    assert wrong_extension("BC.XLSX", "xlsx") is None
    assert wrong_extension("mẫu.xltm", "xlsm") is None
    assert wrong_extension("BC.xls", "xlsx") == ".xlsx"
    assert wrong_extension("BC.xlsx", "xls") == ".xls"
    assert wrong_extension("không đuôi", "ods") == ".ods"
    assert wrong_extension("C:\\thư.mục\\BC", "xlsm") == ".xlsm"
