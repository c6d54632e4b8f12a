"""Every kind of fault on the hand-written commune: the finding it is meant to give, at the cell it must blame."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from random import Random

import openpyxl
import pytest
import yaml
from openpyxl.worksheet.worksheet import Worksheet

from etl.sample.answer_key import KeyFinding, list_findings
from etl.sample.draft import Draft, NoRoom, Planted
from etl.sample.faults import FAULT_KINDS, plant_fault, severity_of
from etl.sample.faults_model import FaultKind
from etl.sample.files import build_file
from tests.sample.by_hand_basics import BASIC_PLACES
from tests.sample.by_hand_decisions import DECISION_PLACES

ROOT = Path(__file__).resolve().parents[2]
ROW = r"\w+\|\w+"
NUMBER = "[0-9]{2}"
PART = "[2-6]"
STATE_PART = "[2-9]|1[01]"
BY_HAND = {
    # kind: form, row, column of the blamed cell as the file itself shows them; None for the whole file or sheet
    "unit of the envelope": ("F00", "01", "1"),
    "report of the envelope": ("F00", "03", "1"),
    "period of the envelope": ("F00", "05", "1"),
    "unit of a title": ("F..", "Đơn vị báo cáo: .+", None),
    "period of a title": ("F..", "Kỳ báo cáo: .+", None),
    "unit unknown": ("F00", "01", "1"),
    "unit not said": None,
    "report unknown": ("F00", "03", "1"),
    "period unknown": ("F00", "05", "1"),
    "name of another unit's file": None,
    "wrong extension": None,
    "empty file": None,
    "truncated file": None,
    "password": None,
    "not a workbook": None,
    "workbook without a form": None,
    "form missing": None,
    "form twice": ("F0[357]", None, None),
    "column codes lost": ("F0[357]", None, None),
    "headings lost": ("F0[357]", None, None),
    "sheet of the sender's own": ("Sheet1|Phụ lục|Ghi chép|Danh sách gửi", None, None),
    "form not owed": ("F0[57]", None, None),
    "column removed": ("F0[357]", None, None),
    "column of the sender's own": ("F..", "Ước cả năm|Người theo dõi|So với cùng kỳ|Đánh giá", None),
    "column twice": ("F0[35]", "[BDEF1-6]", None),
    "coded row removed": ("F0[057]", None, None),
    "coded row twice": ("F0[057]", NUMBER, "A|B"),
    "row of the sender's own": ("F0[057]", "[1-5][0-9]", "A|B"),
    "row code mistyped": ("F0[057]", "[1-5][0-9]", "A|B"),
    "indicator not reported": ("F03", None, None),
    "indicator twice": ("F03", ROW, "A"),
    "unknown movement": ("F03", r"(PT99|PTTĐ mới|NTM2035|XDNTM)\|\w+", "A"),
    "unknown indicator": ("F03", r"\w+\|(CT99|KHAC|01\.a|DMSTX1)", "C"),
    "indicator not asked": ("F03", ROW, "A"),
    "total line": ("F03", r"\|", "B|D"),
    "text for a number": ("F0[357]", f"{ROW}|{NUMBER}", "[1-6]"),
    "approximation": ("F0[357]", f"{ROW}|{NUMBER}", "[1-6]"),
    "decimals in a count": ("F0[57]", NUMBER, "[1-6]"),
    "negative count": ("F0[57]", NUMBER, "[1-6]"),
    "marks of two countries": ("F0[357]", f"{ROW}|{NUMBER}", "[1-6]"),
    "no date": ("F00", "06|07|10", "1"),
    "no choice of the list": ("F00", "04|08", "1"),
    "formula error": ("F0[357]", f"{ROW}|{NUMBER}", "[1-6]"),
    "formula never calculated": ("F0[357]", f"{ROW}|{NUMBER}", "[1-6]"),
    "required cell blank": ("F0[0357]", f"{ROW}|{NUMBER}", "[12]"),
    "mark in a required cell": ("F0[357]", f"{ROW}|{NUMBER}", "[12]"),
    "figure in a structural zero": ("F05", "0[2-9]|10", "[3-6]"),
    "impossible size": ("F0[357]", f"{ROW}|{NUMBER}", "[1-6]"),
    "other clock": ("F00", "04", "1"),
    "wrong first day": ("F00", "06", "1"),
    "wrong last day": ("F00", "07", "1"),
    "signed too early": ("F00", "10", "1"),
    "estimate not said": ("F00", "10", "1"),
    "name of another unit": ("F00", "02", "1"),
    "percentage slightly wrong": ("F03", ROW, "4"),
    "percentage wrong": ("F03", ROW, "4"),
    "running total too small": ("F03", ROW, "3"),
    "subjects do not add up": ("F05", "01", PART),
    "methods do not add up": ("F05", "01", PART),
    "individuals do not add up": ("F05", "05", "[235]"),
    "more enterprises than collectives": ("F05", "03", "[246]"),
    "total column wrong": ("F05", NUMBER, "1"),
    "leaders and workers do not add up": ("F07", "01", "1"),
    "leaders' percentage slightly wrong": ("F07", "03", "1"),
    "leaders' percentage wrong": ("F07", "03", "1"),
    "workers' percentage slightly wrong": ("F07", "05", "1"),
    "workers' percentage wrong": ("F07", "05", "1"),
    "percentages of two precisions": ("F07", "05", "1"),
    "more women than people": ("F07", "06", "1"),
    "more of minorities than people": ("F07", "07", "1"),
    "more people than awards": ("F07", "01", "1"),
    "leaders against awards": ("F07", "02", "1"),
    "workers against awards": ("F07", "04", "1"),
    "enterprises against awards": ("F07", "08", "1"),
}
BY_HAND |= {
    "State: proposed elsewhere": ("F04", "01", STATE_PART),
    "State: subjects do not add up": ("F04", "01", STATE_PART),
    "State: methods do not add up": ("F04", "01", STATE_PART),
    "State: individuals do not add up": ("F04", "09", "[345679]|1[01]"),
    "State: more enterprises than collectives": ("F04", "07", "[245678]|11"),
    "State: total column wrong": ("F04", NUMBER, "1"),
    "more fighters than advanced workers": ("F06", "05", "1"),
    "more advanced workers than staff": ("F06", "06", "1"),
    "villages of no commune": ("F06", "08", "1"),
    "families of no commune": ("F06", "09", "1"),
    "more collectives granted than proposed": ("F08", "0[123568]", "5"),
    "more individuals granted than proposed": ("F08", "0[124679]", "6"),
    "orders of collectives against F04": ("F08", "01", "5"),
    "orders of individuals against F04": ("F08", "01", "6"),
    "Prime Minister's certificates of collectives against F04": ("F08", "02", "5"),
    "Prime Minister's certificates of individuals against F04": ("F08", "02", "6"),
    "Government's flags against F04": ("F08", "03", "5"),
    "national emulation fighters against F04": ("F08", "04", "6"),
    "flags of the province against F05": ("F08", "05", "5"),
    "certificates of collectives against F05": ("F08", "06", "5"),
    "certificates of individuals against F05": ("F08", "06", "6"),
    "emulation fighters of the province against F05": ("F08", "07", "6"),
    "excellent collectives against F05": ("F08", "08", "5"),
}
BY_HAND |= {"all noughts": ("F0[37]", None, None)}
BY_HAND |= BASIC_PLACES
BY_HAND |= DECISION_PLACES
KINDS = [pytest.param(kind, id=kind.name) for kind in FAULT_KINDS]


@pytest.fixture
def drafts(commune_draft: Draft, bloc_draft: Draft, year_drafts: list[Draft]) -> list[Draft]:
    """Drafts to plant in, the one with figures written by hand first."""
    return [commune_draft, bloc_draft, *year_drafts]


def find_room(kind: FaultKind, drafts: Sequence[Draft], seed: str) -> tuple[Draft, Draft, list[Planted]]:
    """(the first draft that has a place for the fault, the draft with it, what it must give)."""
    for draft in drafts:
        planted: list[Planted] = []
        try:
            return draft, plant_fault(draft, kind, planted, Random(seed)), planted
        except NoRoom:
            continue
    raise AssertionError(f"no draft has a place for {kind.name!r}")


def plant(kind: FaultKind, drafts: list[Draft], seed: int) -> tuple[Draft, KeyFinding]:
    """The first draft with room for the fault, with it alone, and the finding it is meant to give, located in the file."""
    _, changed, planted = find_room(kind, drafts, f"{kind.name}{seed}")
    sheet, at = changed.locate(planted[0].spot)
    found = [item for item in list_findings(changed, "f") if item.code == kind.code and item.sheet == sheet]
    cells = {item.cell for item in found}
    cell = None if at is None else f"{openpyxl.utils.get_column_letter(at[1] + 1)}{at[0] + 1}"
    assert cell in cells
    return changed, next(item for item in found if item.cell == cell)


def read_codes(sheet: Worksheet, cell: str) -> tuple[str, str]:
    """(row code, column code) of a cell, read off the sheet as a person would: codes above and beside it."""
    position = sheet[cell]
    header = next(row for row in sheet.iter_rows() if {c.value for c in row} >= {"A", "B", "1"})
    codes = {c.value: c.column for c in header if c.value}
    column = next((code for code, at in codes.items() if at == position.column), "")
    if sheet.title.startswith("F03"):
        keys = [sheet.cell(position.row, codes[key]).value or "" for key in "AC"]
        return "|".join(keys), column
    code_column = "A" if "C" in codes else "B"  # a matrix has no column C
    return str(sheet.cell(position.row, codes[code_column]).value), column


def test_every_kind_has_a_hand_written_place() -> None:
    assert {kind.name for kind in FAULT_KINDS} == set(BY_HAND)
    assert len({kind.name for kind in FAULT_KINDS}) == len(FAULT_KINDS)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", KINDS)
def test_fault_gives_its_finding_at_its_cell(kind: FaultKind, seed: int, drafts: list[Draft]) -> None:
    draft, found = plant(kind, drafts, seed)
    expected = BY_HAND[kind.name]
    if expected is None:
        assert (found.sheet, found.cell) == (None, None)
        return
    form, row, column = expected
    assert found.sheet is not None
    assert re.fullmatch(f"({form})( .*)?", found.sheet)
    book = openpyxl.load_workbook(BytesIO(build_file(draft)))
    sheet = book[found.sheet]
    if row is None:
        assert found.cell is None
    elif column is None:
        assert found.cell is not None
        assert re.fullmatch(row, str(sheet[found.cell].value))
    else:
        assert found.cell is not None
        row_code, column_code = read_codes(sheet, found.cell)
        assert re.fullmatch(row, row_code)
        assert re.fullmatch(column, column_code)


@pytest.mark.parametrize("kind", KINDS)
def test_planting_leaves_the_given_draft_alone(kind: FaultKind, drafts: list[Draft]) -> None:
    draft, _, _ = find_room(kind, drafts, "1")
    before = build_file(draft)
    changed = plant_fault(draft, kind, [], Random("1"))
    assert draft.findings() == []
    assert build_file(draft) == before
    assert kind.code in {found.code for found in changed.findings()}


def test_unreadable_files_are_what_they_claim(drafts: list[Draft]) -> None:
    heads = {"FILE-ENCRYPTED": b"\xd0\xcf\x11\xe0", "FILE-NOT-WORKBOOK": (b"%PDF", b"<html"), "FILE-UNREADABLE": b"PK"}
    for kind in FAULT_KINDS:
        if kind.code in heads:
            draft, found = plant(kind, drafts, 0)
            content = build_file(draft)
            assert content.startswith(heads[kind.code])
            assert list_findings(draft, "f") == (found,)
            assert draft.quarantined
            with pytest.raises(Exception):  # noqa: B017 - whichever way the reader refuses it
                openpyxl.load_workbook(BytesIO(content))


def test_formula_errors_are_stored_as_errors(drafts: list[Draft]) -> None:
    kind = next(kind for kind in FAULT_KINDS if kind.code == "CELL-ERROR")
    draft, found = plant(kind, drafts, 0)
    book = openpyxl.load_workbook(BytesIO(build_file(draft)), data_only=True)
    assert found.sheet is not None
    cell = book[found.sheet][found.cell]
    assert cell.data_type == "e"
    assert str(cell.value).startswith("#")


def test_faults_of_one_file_all_show(commune_draft: Draft) -> None:
    for seed in range(12):
        rng, draft, planted = Random(seed), commune_draft, []
        for kind in rng.sample([kind for kind in FAULT_KINDS if not kind.whole], 60):
            try:
                draft = plant_fault(draft, kind, planted, rng)
            except NoRoom:
                continue
        found = draft.findings()
        assert len(planted) >= 8
        for item in planted:
            assert found.count(item) >= planted.count(item)
        book = openpyxl.load_workbook(BytesIO(build_file(draft)))
        for item in list_findings(draft, "f"):
            assert item.sheet is None or item.sheet in book.sheetnames


def test_severities_are_those_of_catalogue_and_suites() -> None:
    entries = yaml.safe_load((ROOT / "etl/findings/catalogue.yaml").read_text("utf-8"))
    known = {entry["code"]: entry["severity"] for entry in entries}
    words = {"critical": "error", "warning": "warning", "info": "info"}
    for path in sorted((ROOT / "expectations").glob("*.json")):
        for rule in json.loads(path.read_text("utf-8"))["expectations"]:
            known[rule["meta"]["code"]] = words[rule["severity"]]
    codes = {kind.code for kind in FAULT_KINDS}
    assert {code: severity_of(code) for code in codes} == {code: known[code] for code in codes}
    not_planted = {
        "FILE-TOO-LARGE",
        "FILE-TIMEOUT",
        "CELL-NOT-TEXT",
        "COLUMN-HIDDEN",
        "FORM-HIDDEN",
        "ROW-HIDDEN",
        "TEXT-LEGACY-ENCODING",
        "FORM-TOO-LONG",
        "ID-NOT-OWED",
        "ID-SENDER-UNKNOWN",
        "ID-SENDER-OTHER",
        "ID-SENDER-FORGED",
        "ID-SENDER-UNVERIFIED",
        "ID-LINK-OTHER",
        "ID-UNIT-NOT-IN-FORCE",
        "ID-PERIOD-NOT-STARTED",
        "ID-ATTRIBUTED",
        # The sample's files are workbooks.
        *(code for code in known if code.startswith("JSON-")),
        "F06-FIGHTERS-QUOTA",
        # On the whole period, after the verdicts.
        "P-OUTLIER",
        "P-FEW-PEERS",
        "P-NARRATIVE-REUSED",
    }
    assert set(known) - codes <= not_planted
