"""Equations out of the labels of totals, as the official tables print them."""

from __future__ import annotations

import pytest

from etl.forms.library import read_forms
from etl.warehouse.statutory_views import TABLES, read_identities

ROWS = [f"{number:02}" for number in range(1, 18)]


@pytest.mark.parametrize(
    ("label", "codes", "found"),
    [
        ("Cá nhân (05=06+07+08)", ROWS, [("05", ("06", "07", "08"))]),
        ("Tổng số (01=02+04=11+…+14)", ROWS, [("01", ("02", "04")), ("01", ("11", "12", "13", "14"))]),
        ("Tổng số (1=2+3)", ["1", "2", "3", "4"], [("1", ("2", "3"))]),
        # Codes that the table skips are skipped between the dots too.
        ("Tổng số (01=02+…+06)", ["01", "02", "03", "06"], [("01", ("02", "03", "06"))]),
        ("Tổng số (01=02+99)", ROWS, []),
        ("Tập thể Lao động xuất sắc (cột của tỉnh, không cộng vào cột 1)", ROWS, []),
        ("Tập thể", ROWS, []),
    ],
)
def test_equations_are_read(label: str, codes: list[str], found: list[tuple[str, tuple[str, ...]]]) -> None:
    assert read_identities(label, codes) == found


def test_every_table_has_a_form_with_rows_and_a_total() -> None:
    forms = read_forms()
    for table in TABLES:
        version = forms[table.form].versions[-1]
        codes = [row.code for row in version.rows if table.has_row(row.code)]
        assert any(read_identities(row.label, codes) for row in version.rows if row.code in codes), table.code
