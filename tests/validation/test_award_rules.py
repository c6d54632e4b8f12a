"""Rules of F04, F06 and F08 that need more than one file to show: dates of law, powers of a kind of unit, absent forms."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from etl.findings.catalogue import read_catalogue
from etl.findings.model import Finding
from etl.validation.run import Validator
from tests.golden.case import put
from tests.golden.sender import (
    COMMUNE,
    DEPARTMENT,
    YEAR,
    YEAR_PERIOD,
    Edit,
    drop_sheet,
    examine,
    make_sending,
    read_knowledge,
)

OWN = ("F04", "F06", "F08", "X-DECIDED")
MANY_FIGHTERS = [put("F06", "05", "1", 13), put("F06", "06", "1", 80)]  # 15 % of 80 are 12


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator(read_catalogue(), read_knowledge().register)


def find(*edits: Edit, unit: str = DEPARTMENT) -> list[Finding]:
    """What the rules of these forms say of the year's report of a unit."""
    (examined,) = examine(make_sending(*edits, unit=unit, report=YEAR, period=YEAR_PERIOD))
    return [finding for finding in examined.findings if finding.code.startswith(OWN)]


def find_in(validator: Validator, year: int, edits: list[Edit], unit: str = DEPARTMENT) -> list[Finding]:
    """The same for another year: the period is moved, the cells stay."""
    (examined,) = examine(make_sending(*edits, unit=unit, report=YEAR, period=YEAR_PERIOD))
    period = examined.submission.period
    assert period is not None
    moved = replace(period, code=f"{year}-A1", start=date(year - 1, 12, 15), end=date(year, 12, 14))
    (found,) = validator.find_value_faults([replace(examined.submission, period=moved)])
    return [finding for finding in found if finding.code.startswith(OWN)]


def test_sound_figures_give_nothing() -> None:
    assert find() == []
    assert find(put("F06", "08", "1", 9), put("F06", "09", "1", 1415), unit=COMMUNE) == []


def test_the_share_of_fighters_was_law_until_2023(validator: Validator) -> None:
    """NĐ 91/2017 is gone since 01/01/2024: what was too many in 2023 is right in 2026."""
    (finding,) = find_in(validator, 2023, MANY_FIGHTERS)
    assert (finding.code, finding.severity.value, finding.row) == ("F06-FIGHTERS-QUOTA", "warning", "05")
    assert (finding.value, finding.expected) == ("13", "12")
    assert "15 % số Lao động tiên tiến (nhiều nhất 12," in finding.message
    assert find_in(validator, 2024, MANY_FIGHTERS) == []
    assert find_in(validator, 2026, MANY_FIGHTERS) == []
    assert find(*MANY_FIGHTERS) == []
    assert find_in(validator, 2023, [put("F06", "05", "1", 12)]) == []


def test_titles_of_communes_before_communes_granted_them(validator: Validator) -> None:
    """NĐ 129/2025 is in force since 01/07/2025; before it, nobody is told that only communes may."""
    edits: list[Edit] = [put("F06", "08", "1", 2), put("F06", "09", "1", 300)]
    assert [finding.code for finding in find_in(validator, 2026, edits)] == ["F06-VILLAGES", "F06-FAMILIES"]
    assert [finding.code for finding in find_in(validator, 2025, edits)] == ["F06-VILLAGES", "F06-FAMILIES"]
    assert find_in(validator, 2024, edits) == []


def test_titles_of_communes_when_nobody_knows_the_unit(validator: Validator) -> None:
    (examined,) = examine(make_sending(put("F06", "08", "1", 2), report=YEAR, period=YEAR_PERIOD))
    (found,) = validator.find_value_faults([replace(examined.submission, unit=None)])
    assert [finding.code for finding in found if finding.code.startswith("F06")] == []


def test_ties_are_silent_without_the_other_form() -> None:
    """F04 is optional: without it, nothing of F08's State awards can be compared; the province's still are."""
    broken: list[Edit] = [put("F08", "01", "5", 1), put("F08", "02", "6", 1), put("F08", "05", "5", 1)]
    assert [finding.code for finding in find(*broken)] == [
        "X-DECIDED-ORDERS-COLLECTIVES", "X-DECIDED-PM-INDIVIDUALS", "X-DECIDED-FLAGS",
    ]  # fmt: skip
    assert [finding.code for finding in find(*broken, drop_sheet("F04"))] == ["X-DECIDED-FLAGS"]
    assert find(*broken, drop_sheet("F08")) == []


def test_an_unreadable_cell_disables_its_own_comparison_only() -> None:
    found = find(put("F08", "09", "4", "hơn 400"), put("F08", "09", "6", 425), put("F08", "08", "3", 1))
    assert [(finding.code, finding.row) for finding in found] == [("F08-GRANTED-COLLECTIVES", "08")]


def test_what_was_left_over_may_be_granted() -> None:
    """10 granted: 7 of them proposed in the period and 3 left over from the one before."""
    assert find(put("F08", "06", "1", 3), put("F08", "06", "3", 7)) == []
    (finding,) = find(put("F08", "06", "1", 2))
    assert (finding.code, finding.value, finding.expected) == ("F08-GRANTED-COLLECTIVES", "10", "9")


def test_a_figure_where_none_can_be_is_told_once() -> None:
    """A collective as emulation fighter: the structural zero speaks, the comparison does not."""
    (examined,) = examine(make_sending(put("F08", "07", "5", 2), report=YEAR, period=YEAR_PERIOD))
    assert [finding.code for finding in examined.findings if finding.form == "F08"] == ["CELL-NOT-APPLICABLE"]
