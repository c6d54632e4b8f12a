"""The awards and base salaries of the sample province: law as the domain brief has it, and look-ups by day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from etl.forms.declaration import Kind
from etl.forms.library import read_forms
from etl.register.model import IssuerLevel, Register, SubjectKind
from etl.register.read import read_register
from etl.settings import PROJECT_ROOT

SPRING = date(2026, 5, 1)


@pytest.fixture(scope="module")
def register() -> Register:
    return read_register(PROJECT_ROOT / "register")


@pytest.mark.parametrize(
    ("code", "kind", "coefficient"),
    [
        # NĐ 152/2025/NĐ-CP as the brief §3.7 quotes it
        ("CSTD_TQ", "ca_nhan", "4.5"),
        ("CSTD_TINH", "ca_nhan", "3"),
        ("CSTD_CS", "ca_nhan", "1"),
        ("LDTT", "ca_nhan", "0.3"),
        ("TTLD_XS", "tap_the", "1.5"),
        ("TTLD_TT", "tap_the", "0.8"),
        ("XA_TIEU_BIEU", "tap_the", "2"),
        ("THON_VH", "tap_the", "1.5"),
        ("CO_CP", "tap_the", "12"),
        ("CO_TINH", "tap_the", "8"),
        ("BK_TTG", "tap_the", "7"),
        ("BK_TINH", "tap_the", "3"),
        ("GIAY_KHEN", "tap_the", "0.6"),
        ("HCLD1", "tap_the", "18"),
        ("HCLD2", "tap_the", "15"),
        ("HCLD3", "tap_the", "9"),
    ],
)
def test_coefficients(register: Register, code: str, kind: str, coefficient: str) -> None:
    award = register.award_on(code, SPRING)
    assert award is not None
    assert award.coefficients[SubjectKind(kind)] == Decimal(coefficient)


def test_households_get_half_as_much_again_as_individuals(register: Register) -> None:
    both = [award.coefficients for award in register.awards if len(award.coefficients) == len(SubjectKind)]
    assert len(both) == 4
    for coefficients in both:
        assert coefficients[SubjectKind.HOUSEHOLD] == Decimal("1.5") * coefficients[SubjectKind.INDIVIDUAL]


@pytest.mark.parametrize(
    ("day", "amount"),
    [
        (date(2024, 6, 30), None),
        (date(2024, 7, 1), 2_340_000),
        (date(2026, 6, 30), 2_340_000),
        (date(2026, 7, 1), 2_530_000),
        (date(2031, 1, 1), 2_530_000),
    ],
)
def test_base_salary_of_a_day(register: Register, day: date, amount: int | None) -> None:
    found = register.base_salary_on(day)
    assert (found.amount if found else None) == amount


def test_awards_hold_while_their_decree_does(register: Register) -> None:
    days = [date(2025, 6, 30), date(2025, 7, 1), date(2027, 2, 28), date(2027, 3, 1)]
    assert [register.award_on("BK_TINH", day) is not None for day in days] == [False, True, True, False]
    assert register.award_on("BK_HUYEN", SPRING) is None


def test_awards_of_the_party_are_counted_and_paid_nowhere(register: Register) -> None:
    party = [award for award in register.awards if IssuerLevel.PARTY in award.issuers]
    assert {award.code for award in party} == {"CO_DANG", "BK_DANG", "GK_DANG", "HH_DANG"}
    assert all(award.is_party and not award.cells and not award.coefficients for award in party)


def test_awards_are_counted_in_cells_that_the_forms_have(register: Register) -> None:
    forms = read_forms()
    for award in register.awards:
        for form, row, column in award.cells.values():
            version = forms[form].versions[-1]
            assert row in version.row_labels, f"{award.code}: {form}.{row}"
            columns = {"1"} if version.kind is Kind.FIELDS else {declared.code for declared in version.columns}
            assert column in columns, f"{award.code}: {form}.{row}.{column}"
            assert (row, column) not in version.not_applicable_cells
