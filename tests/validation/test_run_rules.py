"""Rules over batches: the same findings together and alone, a bad cell stops only what needs it."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from etl.examination import Examined, sort_findings
from etl.findings.catalogue import SUITES_FOLDER, read_catalogue
from etl.parsing.submission import ParsedSubmission
from etl.validation.context import Submission
from etl.validation.run import RuleFault, Validator
from etl.validation.suites import load_suites
from tests.golden.make_cases import put
from tests.golden.sender import BLOC, COMMUNE, DEPARTMENT, Edit, codes, examine, make_sending, read_knowledge

FAULTS: tuple[Edit, ...] = (
    put("F00", "10", "1", "01/01/2020"),
    put("F00", "08", "1", None),
    put("F03", "NTM+DVTG", "4", 26),
    put("F03", "VNN+CNTG", "3", 1),
    put("F05", "02", "2", 999),
    put("F05", "05", "3", "hơn 4"),
    put("F05", "01", "1", None),
    put("F05", "05", "4", 7),
    put("F07", "03", "1", "38,3"),
    put("F07", "06", "1", 500),
    put("F07", "01", "1", 19),
    put("F07", "08", "1", None),
)


@pytest.fixture(scope="module")
def mixed() -> list[Examined]:
    """Thirty files of three unit types, good and bad, in one batch."""
    sendings = []
    for number in range(30):
        unit = (DEPARTMENT, COMMUNE, BLOC)[number % 3]
        forms = {sheet.form for sheet in make_sending(unit=unit).plan.sheets}
        # Every fault alone, every fault with another, and files without any.
        edits = [FAULTS[number % 12], FAULTS[number * 5 % 12]] if unit != BLOC and number < 24 else []
        assert "F05" in forms or unit == BLOC
        sendings.append(make_sending(*edits, unit=unit))
    return examine(*sendings)


@pytest.fixture(scope="module")
def validator() -> Validator:
    knowledge = read_knowledge()
    return Validator(knowledge.catalogue, knowledge.register)


def submissions(examined: list[Examined]) -> list[Submission]:
    return [one.submission for one in examined]


def test_together_as_alone(mixed: list[Examined], validator: Validator) -> None:
    together = validator.find_value_faults(submissions(mixed))
    alone = [validator.find_value_faults([one])[0] for one in submissions(mixed)]
    assert [sort_findings(found) for found in together] == [sort_findings(found) for found in alone]
    assert sum(map(len, together)) > 20
    assert any(not found for found in together)


def test_the_order_of_a_batch_changes_nothing(mixed: list[Examined], validator: Validator) -> None:
    forwards = validator.find_value_faults(submissions(mixed))
    backwards = validator.find_value_faults(submissions(mixed)[::-1])[::-1]
    assert [sort_findings(found) for found in forwards] == [sort_findings(found) for found in backwards]


def test_no_submissions_no_findings(validator: Validator) -> None:
    assert validator.find_value_faults([]) == []
    assert validator.find_value_faults([Submission(ParsedSubmission())]) == [[]]


def test_a_rule_switched_off_finds_less(mixed: list[Examined], validator: Validator) -> None:
    """The control: were a rule lost on the way, the comparisons of this file would notice."""
    knowledge = read_knowledge()
    weaker = Validator(knowledge.catalogue, knowledge.register, load_suites(without=frozenset({"F05-ROW-SUM"})))
    whole = [finding for found in validator.find_value_faults(submissions(mixed)) for finding in found]
    less = [finding for found in weaker.find_value_faults(submissions(mixed)) for finding in found]
    lost = [finding for finding in whole if finding.code == "F05-ROW-SUM"]
    assert lost
    assert sort_findings(less) == sort_findings(finding for finding in whole if finding not in lost)


def run_changed(tmp_path: Path, meta: dict[str, object] = {}, rule: dict[str, object] = {}) -> list[str]:  # noqa: B006
    """The codes of one file with a broken row sum when the suite F05.rows has these meta."""
    folder = tmp_path / "expectations"
    shutil.copytree(SUITES_FOLDER, folder)
    path = folder / "F05.rows.json"
    spec = json.loads(path.read_text("utf-8"))
    spec["meta"].update(meta)
    spec["expectations"][0]["meta"].update(rule)
    path.write_text(json.dumps(spec), "utf-8")
    (examined,) = examine(make_sending(put("F05", "11", "1", 99)))
    changed = Validator(read_catalogue(folder), read_knowledge().register, load_suites(folder))
    (found,) = changed.find_value_faults([examined.submission])
    return sorted({finding.code for finding in found})


def test_a_suite_of_another_layout_stays_silent(tmp_path: Path) -> None:
    (version,) = [form.version_on(date(2026, 6, 14)).version for form in [read_knowledge().forms["F05"]]]
    assert run_changed(tmp_path / "a", {"versions": ["9999.9"]}) == ["F05-BY-METHOD"]
    assert run_changed(tmp_path / "b", {"versions": ["9999.9", version]}) == ["F05-BY-METHOD", "F05-ROW-SUM"]


@pytest.mark.parametrize(
    ("dates", "applies"),
    [
        ({"effective_from": "2026-06-14"}, True),
        ({"effective_to": "2026-06-14"}, True),
        ({"effective_from": "2026-06-15"}, False),
        ({"effective_to": "2026-06-13"}, False),
    ],
)
def test_a_rule_is_in_force_by_the_last_day_of_the_period(
    dates: dict[str, object], applies: bool, tmp_path: Path
) -> None:
    assert ("F05-ROW-SUM" in run_changed(tmp_path, rule=dates)) is applies


def test_a_bad_cell_disables_only_rules_that_need_it() -> None:
    """Column 2 row 10 is unreadable: its row and column sums are silent, every other fault is still found."""
    (examined,) = examine(
        make_sending(
            put("F05", "10", "2", "mười hai"),
            put("F05", "11", "1", 99),
            put("F05", "12", "2", 7),
            put("F05", "09", "3", 2),
            put("F05", "10", "1", 999),
            put("F07", "06", "1", 21),
        )
    )
    found = {(finding.code, finding.cell) for finding in examined.findings}
    assert found == {
        ("CELL-NOT-NUMBER", "D18"),
        ("F05-ROW-SUM", "C19"),  # row 11
        ("F05-ROW-SUM", "C20"),  # row 12: column 2 was raised
        ("F05-BY-METHOD", "C9"),  # column 1: row 11
        ("F05-BY-METHOD", "D9"),  # column 2, rows 11 to 17: row 10 is no part of it
        ("F05-INDIVIDUALS", "E13"),  # column 3
        ("F05-ROW-SUM", "C17"),  # row 09
        ("F05-INDIVIDUALS", "C13"),  # column 1, whose own row 10 is readable
        ("F07-WOMEN", "D14"),
    }


def test_an_empty_required_cell_is_one_finding_not_two() -> None:
    (examined,) = examine(make_sending(put("F07", "01", "1", None)))
    assert codes(examined) == ["CELL-REQUIRED"]


def test_a_whole_column_of_blanks_is_no_exception() -> None:
    """Nothing typed anywhere: only what must be filled is missed, and no rule breaks on empty columns."""
    sending = make_sending(unit=DEPARTMENT)
    for sheet in sending.plan.sheets:
        for key, place in sheet.places.items():
            if sheet.cells[place].style not in ("prefilled", "not_applicable", "text") or key.form == "F00":
                cell = sheet.cells[place]
                if cell.style != "prefilled":
                    cell.value = None
    (examined,) = examine(sending)
    assert set(codes(examined)) == {"CELL-REQUIRED"}


def test_a_number_beyond_all_arithmetic_costs_its_own_file_only() -> None:
    """Sums over such a number are infinite: once they stopped the batch for every other unit in it."""
    huge = make_sending(
        put("F05", "02", "2", "9" * 400), put("F05", "02", "1", "9" * 3000), put("F07", "01", "1", 1e300)
    )
    hit, spared = examine(huge, make_sending())
    assert codes(hit) == ["CELL-TOO-LARGE"] * 3
    assert (spared.verdict, spared.findings) == ("accepted", [])


@pytest.mark.parametrize("day", ["01/01/1000", "31/12/9999", "01/03/1900"])
def test_a_day_far_away_is_a_finding_not_an_exception(day: str) -> None:
    (examined,) = examine(make_sending(put("F00", "06", "1", day)))
    assert [(finding.code, finding.value) for finding in examined.findings] == [("F00-WINDOW-START", day)]


def test_a_rule_that_cannot_run_is_our_fault(validator: Validator) -> None:
    """It must never look like a file without faults."""
    knowledge = read_knowledge()
    suites = [suite for suite in load_suites() if suite.name == "F05.rows"]
    suites[0].suite.expectations[0].column_list = ["2", "không có cột này", "1"]
    broken = Validator(knowledge.catalogue, knowledge.register, suites)
    (examined,) = examine(make_sending())
    with pytest.raises(RuleFault, match=r"F05\.rows.*F05-ROW-SUM"):
        broken.find_value_faults([examined.submission])
