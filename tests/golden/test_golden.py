"""Every golden workbook gives exactly the findings and observations that were accepted for it. Never writes."""

from __future__ import annotations

import json

import pytest

from etl.examination import Examined
from tests.golden.make_cases import CASES, FOLDER, Case, examine_inputs, show_findings, show_observations
from tests.golden.sender import share_examiner


@pytest.fixture(scope="session")
def examined_inputs() -> dict[str, Examined]:
    return examine_inputs(share_examiner())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.folder)
def test_findings_and_observations(case: Case, examined_inputs: dict[str, Examined]) -> None:
    examined = examined_inputs[case.folder]
    folder = FOLDER / case.folder
    assert json.loads(show_findings(examined)) == json.loads((folder / "findings.json").read_text("utf-8"))
    accepted = (folder / "observations.csv").read_text("utf-8")
    assert show_observations(examined, case.forms).splitlines() == accepted.splitlines()
    assert len(accepted.splitlines()) > 1


def test_every_folder_is_a_case() -> None:
    stored = {str(path.parent.relative_to(FOLDER).as_posix()) for path in FOLDER.glob("*/*/input.*")}
    assert stored == {case.folder for case in CASES}


def found(examined: Examined) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.cell) for finding in examined.findings]


def test_the_figures_of_bac_kan(examined_inputs: dict[str, Examined]) -> None:
    """Domain brief §1.3: what the files accepted above must never be made to contradict."""
    examined = examined_inputs["F05/bac-kan-2020"]
    number = {
        (key.form, key.row, key.column): cell.value.number for key, cell in examined.submission.parsed.cells.items()
    }
    assert number["F05", "02", "2"] == 245
    assert number["F05", "05", "2"] == 468
    assert number["F05", "01", "2"] == 713
    assert sum(number["F05", row, "2"] or 0 for row in ("06", "07", "08", "09")) == 179 == number["F07", "02", "1"]
    assert number["F05", "10", "2"] == 289 == number["F07", "04", "1"]
    assert number["F05", "05", "3"] == 64
    assert number["F05", "02", "4"] == 36
    assert number["F05", "02", "6"] == 145
    # "Tập thể Lao động xuất sắc" stays out of the statutory total.
    assert number["F05", "02", "1"] == 245 + 36
    assert examined.verdict == "accepted_with_warnings"
    assert found(examined) == [("F07-PERCENT-SUM", "D13")]
    assert "99,95" in examined.findings[0].message


@pytest.mark.parametrize(
    ("case", "verdict", "expected"),
    [
        ("percent-as-number", "accepted", []),
        ("percent-as-format", "accepted", []),
        ("percent-as-text", "accepted", []),
        ("percent-quoted-sign", "accepted", []),
        ("percent-two-places", "accepted", []),
        ("percent-a-tenth-off", "accepted_with_warnings", [("F07-LEADER-PERCENT", "D11")]),
        ("percent-a-point-off", "rejected", [("F07-LEADER-PERCENT-OFF", "D11")]),
    ],
)
def test_percentages_are_held_to_their_own_decimals(
    case: str, verdict: str, expected: list[tuple[str, str]], examined_inputs: dict[str, Examined]
) -> None:
    examined = examined_inputs[f"F07/{case}"]
    assert (examined.verdict, found(examined)) == (verdict, expected)


@pytest.mark.parametrize("case", ["F05/moved-table", "F03/merged-keys"])
def test_what_moved_is_read_as_if_it_had_not(case: str, examined_inputs: dict[str, Examined]) -> None:
    assert found(examined_inputs[case]) == []
    assert examined_inputs[case].verdict == "accepted"


def test_proposed_badges_are_not_granted(examined_inputs: dict[str, Examined]) -> None:
    """Domain brief §1.3, 002-k: 425 badges were proposed ("trình tặng"); told as granted they are an error."""
    right, wrong = (examined_inputs[f"F08/{name}"] for name in ("bac-kan-2020", "granted-not-proposed"))
    number = {key: cell.value.number for key, cell in right.submission.parsed.cells.items() if key.form == "F08"}
    badges = {key.column: value for key, value in number.items() if key.row == "09"}
    assert (badges["4"], badges["6"]) == (425, 0)
    assert (right.verdict, found(right)) == ("accepted", [])
    assert ("F08-GRANTED-INDIVIDUALS", "H17") in found(wrong)
    assert wrong.verdict == "rejected"
