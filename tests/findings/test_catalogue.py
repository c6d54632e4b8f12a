"""The catalogue: one entry a code, texts that read well once filled, nothing that could be filled with nothing."""

from __future__ import annotations

import json
import re
import shutil
import string
import unicodedata
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from etl.examination import FILE_KINDS
from etl.findings.blanks import blank_policy
from etl.findings.catalogue import (
    CHECKS_FOLDER,
    SUITES_FOLDER,
    BadCatalogue,
    read_catalogue,
    read_check_header,
    read_suite_specs,
)
from etl.findings.model import CatalogueEntry, Phase, Severity, fill_text
from etl.reading.failures import ReadingFailure
from etl.reading.sniff import FileFormat

ENTRIES = read_catalogue().entries
PASSED_ON = {
    "value", "expected", "cell", "sheet", "form", "row", "column", "label", "suggestion", "source", "reason", "total",
    "subject", "places", "noun", "others", "other", "peers", "type",
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


@pytest.mark.parametrize("code", list(ENTRIES))
def test_every_code_states_what_a_blank_cell_means(code: str) -> None:
    assert ENTRIES[code].blank.endswith("."), f"{code}: say it in the rule's meta `blank`"


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
    told_otherwise = {
        "xlsx",
        "xlsm",
        "xls",
        "ods",
        "csv",
        "json",
        "encrypted",
        "damaged_zip",
        "damaged_ole",
        "empty",
        "unknown",
    }
    assert {kind.value for kind in FileFormat} - told_otherwise <= set(FILE_KINDS)


def change_rule(folder: Path, suite: str, **meta: Any) -> None:
    path = folder / f"{suite}.json"
    spec = json.loads(path.read_text("utf-8"))
    spec["expectations"][0]["meta"].update(meta)
    path.write_text(json.dumps(spec), "utf-8")


def test_dates_of_a_rule(tmp_path: Path) -> None:
    suites, checks = copy_sources(tmp_path)
    change_rule(suites, "F05.rows", effective_from="2026-01-01", effective_to="2026-12-31")
    entry = read_catalogue(suites, checks)["F05-ROW-SUM"]
    assert (entry.effective_from, entry.effective_to) == (date(2026, 1, 1), date(2026, 12, 31))
    in_force = [
        day
        for day in (date(2025, 12, 31), date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1))
        if entry.applies_on(day)
    ]
    assert in_force == [date(2026, 1, 1), date(2026, 12, 31)]
    assert not entry.applies_on(None)
    assert ENTRIES["F05-ROW-SUM"].applies_on(None) and ENTRIES["F05-ROW-SUM"].applies_on(date(1900, 1, 1))


@pytest.mark.parametrize(
    ("first", "last"), [("2026-02-30", None), (None, "tháng 6"), ("2026-07-01", "2026-06-30")], ids=str
)
def test_dates_that_are_none_are_refused(first: str | None, last: str | None, tmp_path: Path) -> None:
    suites, checks = copy_sources(tmp_path)
    change_rule(suites, "F05.rows", effective_from=first, effective_to=last)
    with pytest.raises(BadCatalogue, match=r"F05\.rows\.json: F05-ROW-SUM: effective"):
        read_catalogue(suites, checks)


def test_dates_and_blanks_of_a_check(tmp_path: Path) -> None:
    text = (CHECKS_FOLDER / "same_file_two_units.sql").read_text("utf-8")
    path = tmp_path / "check.sql"
    path.write_text(f"-- effective_from: 2026-07-01\n-- blank: Không đọc ô nào.\n{text}", "utf-8")
    entry = read_check_header(path)
    assert (entry.effective_from, entry.effective_to, entry.blank) == (date(2026, 7, 1), None, "Không đọc ô nào.")
    path.write_text(f"-- effective_to: ngày mai\n{text}", "utf-8")
    with pytest.raises(BadCatalogue, match=r"check\.sql: P-SAME-FILE: effective_to"):
        read_check_header(path)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"type": "expect_parts_to_sum_to_total"}, "tính là 0"),
        ({"type": "expect_parts_to_sum_to_total", "kwargs": {"ignore_row_if": "any_value_is_missing"}}, "Một trong"),
        ({"type": "expect_column_pair_values_to_be_equal"}, "Mọi ô đều trống"),
        (
            {"type": "expect_column_pair_values_to_be_equal", "kwargs": {"ignore_row_if": "either_value_is_missing"}},
            "Một trong",
        ),
        ({"type": "expect_column_values_to_not_be_null"}, "chính là lỗi"),
        ({"type": "expect_column_values_to_be_between"}, "bỏ qua"),
        ({"type": "expect_anything", "meta": {"blank": "Tự nói."}}, "Tự nói."),
    ],
    ids=lambda value: value if isinstance(value, str) else value["type"],
)
def test_blank_policy_follows_the_rule(rule: dict[str, Any], sentence: str) -> None:
    assert sentence in blank_policy(rule)


def test_a_rule_of_an_unknown_type_must_say_it_itself() -> None:
    assert blank_policy({"type": "expect_ranks_without_gaps", "kwargs": {}, "meta": {}}) == ""


def test_an_entry_is_always_in_force_without_dates() -> None:
    entry = CatalogueEntry("X-Y", Severity.INFO, "cell", Phase.CELL, "A.", "B.")
    assert entry.applies_on(None)
