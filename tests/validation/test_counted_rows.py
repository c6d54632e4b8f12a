"""F03 rows that count whole things take no decimals; rows of money, lengths and shares do."""

from __future__ import annotations

import pytest

from etl.forms.declaration import CellKey
from tests.golden.sender import Sending, examine, make_sending


def with_result(row: str, value: str | float) -> Sending:
    """A sound file but for the result (column 2) of one row, whose other figures are blank."""

    def edit(sending: Sending) -> None:
        for column, text in (("1", None), ("2", value), ("3", None), ("4", None)):
            sending.plan.put(CellKey("F03", row, column), text)

    return make_sending(edit)


@pytest.mark.parametrize(
    ("typed", "code"),
    [("1,415", "CELL-AMBIGUOUS"), ("61,75", "CELL-NOT-WHOLE"), (2.5, "CELL-NOT-WHOLE"), ("1,234.5", "CELL-AMBIGUOUS")],
)
def test_people_are_whole(typed: str | float, code: str) -> None:
    (examined,) = examine(with_result("DMST+CNTG", typed))
    assert [(finding.code, finding.row, finding.column) for finding in examined.findings] == [(code, "DMST+CNTG", "2")]


@pytest.mark.parametrize(("typed", "number"), [("1.415", 1415), (1415, 1415), ("04", 4)])
def test_whole_numbers_of_people_are_read(typed: str | float, number: int) -> None:
    (examined,) = examine(with_result("DMST+CNTG", typed))
    assert examined.findings == []
    assert examined.submission.parsed.cells[CellKey("F03", "DMST+CNTG", "2")].value.number == number


@pytest.mark.parametrize("typed", ["61,75", 61.75])
def test_shares_keep_their_decimals(typed: str | float) -> None:
    (examined,) = examine(with_result("DMST+DMST02", typed))
    assert examined.findings == []
