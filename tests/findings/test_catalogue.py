"""The catalogue: one entry a code, texts that read well once filled, nothing that could be filled with nothing."""

from __future__ import annotations

import json
import re
import shutil
import string
import unicodedata
from pathlib import Path

import pytest

from etl.examination import FILE_KINDS
from etl.findings.catalogue import (
    CHECKS_FOLDER,
    SUITES_FOLDER,
    BadCatalogue,
    read_catalogue,
    read_check_header,
    read_suite_specs,
)
from etl.findings.model import Phase, Severity, fill_text
from etl.reading.failures import ReadingFailure
from etl.reading.sniff import FileFormat

ENTRIES = read_catalogue().entries
PASSED_ON = {
    "value", "expected", "cell", "sheet", "form", "row", "column", "label", "suggestion", "source", "reason", "total",
    "subject",
}  # fmt: skip
"""Names that some rule passes on; `{subjct}` would print as nothing."""


def copy_sources(tmp_path: Path) -> tuple[Path, Path]:
    suites, checks = tmp_path / "expectations", tmp_path / "checks"
    shutil.copytree(SUITES_FOLDER, suites)
    shutil.copytree(CHECKS_FOLDER, checks)
    return suites, checks


@pytest.mark.parametrize("code", list(ENTRIES))
def test_texts(code: str) -> None:
    entry = ENTRIES[code]
    assert re.fullmatch(r"[A-Z0-9]+(-[A-Z0-9]+)+", code)
    for text in (entry.message, entry.fix):
        names = {name for _, name, _, _ in string.Formatter().parse(text) if name}
        assert names <= PASSED_ON
        assert unicodedata.is_normalized("NFC", text)
        assert text[0].isupper() or text.startswith(("{", "“"))
        assert text.endswith((".", "{suggestion}")), text
        filled = fill_text(text, dict.fromkeys(names, "Z"))
        assert "{" not in filled and "None" not in filled and "  " not in filled
        assert not re.search(r"\s[,.;:](\s|$)", filled)


def test_texts_that_differ() -> None:
    """Two codes with one message could not be told apart by who reads them."""
    messages = [entry.message for entry in ENTRIES.values()]
    assert len(set(messages)) == len(messages)


def test_filling() -> None:
    assert (
        fill_text("Ghi {value}, tính là {expected}.{suggestion}", {"value": "1", "expected": None})
        == "Ghi 1, tính là ."
    )
    # What a sender typed is never read as a template.
    assert fill_text("Ghi “{value}”.", {"value": "{expected} {0} {"}) == "Ghi “{expected} {0} {”."


def test_a_finding_carries_its_particulars() -> None:
    finding = read_catalogue().make_finding(
        "FORM-MISSING", form="F07", label="Cơ cấu đối tượng được khen thưởng", sheet=None
    )
    assert (finding.code, finding.severity, finding.form, finding.sheet) == (
        "FORM-MISSING",
        Severity.ERROR,
        "F07",
        None,
    )
    assert finding.message == "Thiếu biểu bắt buộc F07 (Cơ cấu đối tượng được khen thưởng)."


def test_an_unknown_code_is_our_fault() -> None:
    with pytest.raises(KeyError):
        read_catalogue().make_finding("NO-SUCH-CODE")


def test_phases() -> None:
    assert ENTRIES["FILE-EMPTY"].phase is Phase.FILE
    assert ENTRIES["F05-ROW-SUM"].phase is Phase.VALUE
    assert ENTRIES["X-LEADERS"].phase is Phase.CROSS_FORM
    assert {entry.phase for code, entry in ENTRIES.items() if code.startswith("P-")} == {Phase.CROSS_UNIT}


def test_a_code_in_two_suites_is_refused(tmp_path: Path) -> None:
    suites, checks = copy_sources(tmp_path)
    spec = json.loads((suites / "F07.json").read_text("utf-8"))
    spec["expectations"][0]["meta"]["code"] = "F03-PERCENT"
    (suites / "F07.json").write_text(json.dumps(spec), "utf-8")
    with pytest.raises(BadCatalogue, match="F03-PERCENT stands twice"):
        read_catalogue(suites, checks)


def test_a_general_code_in_a_suite_is_refused(tmp_path: Path) -> None:
    suites, checks = copy_sources(tmp_path)
    spec = json.loads((suites / "F05.rows.json").read_text("utf-8"))
    spec["expectations"][0]["meta"]["code"] = "CELL-NEGATIVE"
    (suites / "F05.rows.json").write_text(json.dumps(spec), "utf-8")
    with pytest.raises(BadCatalogue, match="CELL-NEGATIVE stands twice"):
        read_catalogue(suites, checks)


@pytest.mark.parametrize("lost", ["description", "fix"])
def test_an_empty_text_is_refused(lost: str, tmp_path: Path) -> None:
    suites, checks = copy_sources(tmp_path)
    spec = json.loads((suites / "F05.rows.json").read_text("utf-8"))
    rule = spec["expectations"][0]
    (rule if lost == "description" else rule["meta"])[lost] = " "
    (suites / "F05.rows.json").write_text(json.dumps(spec), "utf-8")
    with pytest.raises(BadCatalogue, match="F05-ROW-SUM lacks"):
        read_catalogue(suites, checks)


def test_an_unknown_severity_is_refused(tmp_path: Path) -> None:
    suites, checks = copy_sources(tmp_path)
    spec = json.loads((suites / "F05.rows.json").read_text("utf-8"))
    spec["expectations"][0]["severity"] = "error"
    (suites / "F05.rows.json").write_text(json.dumps(spec), "utf-8")
    with pytest.raises(BadCatalogue, match=r"F05\.rows\.json: F05-ROW-SUM"):
        read_catalogue(suites, checks)


def test_a_suite_under_another_name_is_refused(tmp_path: Path) -> None:
    suites, _ = copy_sources(tmp_path)
    (suites / "F07.json").rename(suites / "F08.json")
    with pytest.raises(BadCatalogue, match=r"F08\.json"):
        read_suite_specs(suites)


@pytest.mark.parametrize("line", ["code", "severity", "category", "message", "fix"])
def test_a_check_without_its_header_is_refused(line: str, tmp_path: Path) -> None:
    text = (CHECKS_FOLDER / "same_file_two_units.sql").read_text("utf-8")
    (tmp_path / "check.sql").write_text(re.sub(rf"^-- {line}:.*\n", "", text, flags=re.MULTILINE), "utf-8")
    with pytest.raises(BadCatalogue, match=rf"check\.sql.*{line}"):
        read_check_header(tmp_path / "check.sql")


def test_every_failure_of_reading_has_a_code() -> None:
    for failure in ReadingFailure:
        if failure is not ReadingFailure.FILE_NO_SHEETS:  # told as FILE-NO-FORM
            assert failure.value.replace("_", "-") in ENTRIES


def test_every_other_kind_of_file_has_a_name() -> None:
    told_otherwise = {"xlsx", "xlsm", "xls", "ods", "encrypted", "damaged_zip", "damaged_ole", "empty", "unknown"}
    assert {kind.value for kind in FileFormat} - told_otherwise <= set(FILE_KINDS)
