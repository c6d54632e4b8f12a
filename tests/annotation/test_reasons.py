"""A reason written into an annotated copy comes back with the finding it is about, wherever its row now stands."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.annotation.annotate import annotate_workbook
from etl.examination import Delivery, Examined
from etl.findings.model import Finding, Severity
from etl.findings.reasons import (
    CUT_NOTE,
    LONGEST_REASON,
    FindingKey,
    attach_reasons,
    key_findings,
    parse_key,
)
from etl.reading.grid import Cell, CellKind, Sheet, Workbook
from etl.reading.pool import read_workbook
from etl.recognition.reasons import KEY_HEADER, REASON_HEADER, read_reasons
from etl.recognition.tables import RESULT_SHEET
from tests.golden.make_cases import bac_kan
from tests.golden.sender import COMMUNE, make_sending, share_examiner

REASON = "Do làm tròn số ở cấp xã;\ntổng đúng là 100 %."
WARNING = "F07-PERCENT-SUM"


def examine_bytes(*files: bytes, name: str = "bao-cao_gop-y.xlsx") -> list[Examined]:
    return list(share_examiner().examine(Delivery(at, name, data) for at, data in enumerate(files)))


@pytest.fixture(scope="module")
def first() -> tuple[bytes, Examined]:
    """A sound workbook but for one warning, and what was said of it."""
    data = make_sending(bac_kan()).to_bytes()
    (examined,) = examine_bytes(data)
    assert WARNING in [finding.code for finding in examined.findings]
    return data, examined


def annotate(first: tuple[bytes, Examined]) -> bytes:
    data, examined = first
    return annotate_workbook(data, examined.findings, examined.subject)


def write_reason(copy: bytes, code: str, text: object, edit: Callable[[Any], None] | None = None) -> bytes:
    """The copy with a reason beside the findings of a code, as a clerk types it, saved by another program."""
    book = openpyxl.load_workbook(io.BytesIO(copy))
    sheet = book[RESULT_SHEET]
    header = {cell.value: cell.column for cell in sheet[5]}
    for row in range(6, sheet.max_row + 1):
        if sheet.cell(row, header["Mã lỗi"]).value == code:
            sheet.cell(row, header[REASON_HEADER]).value = text  # type: ignore[assignment]
    if edit is not None:
        edit(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def reasons_of(examined: Examined) -> dict[str, str]:
    return {finding.code: finding.reason for finding in examined.findings if finding.reason is not None}


def test_a_reason_comes_back_and_is_kept_through_further_rounds(first: tuple[bytes, Examined]) -> None:
    (second,) = examine_bytes(write_reason(annotate(first), WARNING, REASON))
    assert reasons_of(second) == {WARNING: REASON}
    assert second.verdict == first[1].verdict
    assert [replace(one, reason=None) for one in second.findings] == first[1].findings
    again = annotate_workbook(write_reason(annotate(first), WARNING, REASON), second.findings, second.subject)
    (third,) = examine_bytes(again)
    assert reasons_of(third) == {WARNING: REASON}


def test_the_sheet_asks_for_reasons_where_they_are_wanted(first: tuple[bytes, Examined]) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(annotate(first)))[RESULT_SHEET]
    (at,) = [cell.column_letter for cell in sheet[5] if cell.value == REASON_HEADER]
    (key,) = [cell.column_letter for cell in sheet[5] if str(cell.value).startswith(KEY_HEADER)]
    assert sheet.column_dimensions[key].hidden
    assert not sheet.column_dimensions[at].hidden
    (warning,) = [row for row in range(6, sheet.max_row + 1) if sheet[f"B{row}"].value == "Cảnh báo"]
    assert sheet[f"{at}{warning}"].number_format == "@", "a reason that begins with a dash must stay text"
    (rule,) = sheet.data_validations.dataValidation
    assert (str(rule.sqref), rule.formula1) == (f"{at}{warning}", str(LONGEST_REASON))
    assert f"“{REASON_HEADER}”" in sheet["A3"].value


def test_a_reason_follows_rows_that_moved(first: tuple[bytes, Examined]) -> None:
    def insert_rows(book: Any) -> None:
        form = next(sheet for sheet in book.worksheets if sheet.title.startswith("F07"))
        for merged in list(form.merged_cells.ranges):
            form.unmerge_cells(str(merged))
        form.insert_rows(1, 4)
        form.insert_cols(1, 1)
        sheet = book[RESULT_SHEET]
        for merged in list(sheet.merged_cells.ranges):
            sheet.unmerge_cells(str(merged))
        sheet.insert_rows(6, 3)
        sheet.insert_rows(1, 2)
        sheet.insert_cols(2, 1)

    (second,) = examine_bytes(write_reason(annotate(first), WARNING, REASON, insert_rows))
    before = next(finding.cell for finding in first[1].findings if finding.code == WARNING)
    after = next(finding.cell for finding in second.findings if finding.code == WARNING)
    assert before != after
    assert reasons_of(second) == {WARNING: REASON}


def test_a_reason_whose_finding_is_gone_is_left_out(first: tuple[bytes, Examined]) -> None:
    def correct(book: Any) -> None:
        form = next(sheet for sheet in book.worksheets if sheet.title.startswith("F07"))
        for finding in first[1].findings:
            if finding.code == WARNING and finding.cell is not None:
                form[finding.cell].value = None

    copy = write_reason(annotate(first), WARNING, REASON, correct)
    (second,) = examine_bytes(copy)
    assert WARNING not in [finding.code for finding in second.findings]
    assert reasons_of(second) == {}
    assert REASON in second.reasons.values()


def test_reasons_of_another_period_or_unit_are_not_taken_over(first: tuple[bytes, Examined]) -> None:
    """A unit may fill in the copy of last year; what it said then is no answer for now."""
    data, examined = first
    for subject in ("H14.SNV movements-half 2025-S2", f"{COMMUNE} movements-half 2026-S1"):
        copy = write_reason(annotate_workbook(data, examined.findings, subject), WARNING, REASON)
        assert reasons_of(*examine_bytes(copy)) == {}
    unknown = write_reason(annotate_workbook(data, examined.findings), WARNING, REASON)
    assert reasons_of(*examine_bytes(unknown)) == {WARNING: REASON}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("   \n ", None),
        (None, None),
        (2026, "2026"),
        ("x" * (LONGEST_REASON + 1), "x" * (LONGEST_REASON - len(CUT_NOTE)) + CUT_NOTE),
        ("x" * LONGEST_REASON, "x" * LONGEST_REASON),
        ("Do sa\u0301p nhập\u200b", "Do sáp nhập"),
        ("=SUM(A1)", None),
    ],
)
def test_what_counts_as_a_reason(first: tuple[bytes, Examined], typed: object, kept: str | None) -> None:
    (second,) = examine_bytes(write_reason(annotate(first), WARNING, typed))
    assert reasons_of(second) == ({} if kept is None else {WARNING: kept})


def test_wrong_keys_are_passed_over(first: tuple[bytes, Examined]) -> None:
    def spoil(book: Any) -> None:
        sheet = book[RESULT_SHEET]
        (column,) = [cell.column for cell in sheet[5] if str(cell.value).startswith(KEY_HEADER)]
        (reason,) = [cell.column for cell in sheet[5] if cell.value == REASON_HEADER]
        for at, text in enumerate(
            ("", "rác", "F07-SUM|F07|03|1|x", "NO-SUCH|F07|03|1|abc|0", "|||||0", "a|b|c|d|e|-1")
        ):
            sheet.cell(20 + at, column).value = text
            sheet.cell(20 + at, reason).value = "lạc"

    (second,) = examine_bytes(write_reason(annotate(first), WARNING, REASON, spoil))
    assert reasons_of(second) == {WARNING: REASON}


def test_a_copy_saved_by_libreoffice_keeps_the_reasons(first: tuple[bytes, Examined], tmp_path: Path) -> None:
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice (soffice) is not installed: reasons in what it saves are not tested here")
    (tmp_path / "bao-cao.xlsx").write_bytes(write_reason(annotate(first), WARNING, REASON))
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    saved = []
    for kind in ("xlsx", "ods", "xls"):
        command = [office, profile, "--headless", "--convert-to", kind, "--outdir", tmp_path / kind]
        subprocess.run([*command, tmp_path / "bao-cao.xlsx"], check=True, capture_output=True, timeout=240)
        saved.append((tmp_path / kind / f"bao-cao.{kind}").read_bytes())
    for examined in examine_bytes(*saved):
        assert reasons_of(examined) == {WARNING: REASON}, examined.findings


def make_warning(row: str | None, value: str | None, code: str = "F14-DATE") -> Finding:
    return Finding(code, Severity.WARNING, "Nội dung.", "Cách sửa.", "F14", "F14", "B7", row, "2", value=value)


def test_findings_alike_keep_their_own_reasons_when_one_is_gone() -> None:
    old = [make_warning(None, value) for value in ("1", "2", "3")]
    reasons = dict(zip(key_findings(old), ("một", "", "ba"), strict=True))
    left = attach_reasons([make_warning(None, "3"), make_warning(None, "2")], reasons)
    assert [finding.reason for finding in left] == ["ba", None]
    # What cannot be told apart for sure gets nothing rather than the reason of another.
    assert [finding.reason for finding in attach_reasons([make_warning(None, "9")], reasons)] == [None]


def test_a_value_that_changed_keeps_the_reason_of_its_place() -> None:
    reasons = dict.fromkeys(key_findings([make_warning("05", "10")]), "vì sao")
    assert attach_reasons([make_warning("05", "12")], reasons)[0].reason == "vì sao"
    assert attach_reasons([make_warning("06", "10")], reasons)[0].reason is None
    assert attach_reasons([make_warning("05", "10", "F14-OTHER")], reasons)[0].reason is None


def test_a_reason_follows_its_line_when_the_lines_are_numbered_anew() -> None:
    old = [make_warning("3", "12/03/2026"), make_warning("7", "01/02/2026")]
    reasons = dict(zip(key_findings(old), ("cũ", ""), strict=True))
    new = [make_warning("3", "05/05/2026"), make_warning("4", "12/03/2026"), make_warning("8", "01/02/2026")]
    assert [finding.reason for finding in attach_reasons(new, reasons, {"F14"})] == [None, "cũ", None]


def test_one_reason_never_goes_to_two_findings() -> None:
    reasons = dict.fromkeys(key_findings([make_warning("05", "10")]), "vì sao")
    for numbered in (set[str](), {"F14"}):
        both = attach_reasons([make_warning("05", "12"), make_warning("06", "10")], reasons, numbered)
        assert [finding.reason for finding in both].count("vì sao") == 1


def test_attaching_twice_changes_nothing() -> None:
    findings = [make_warning("05", "10"), make_warning("06", "10")]
    reasons = dict.fromkeys(key_findings(findings), "vì sao")
    once = attach_reasons(findings, reasons)
    assert attach_reasons(once, {**reasons, key_findings(findings)[0]: "khác"}) == once


texts = st.text(max_size=12)


@given(st.lists(st.builds(make_warning, st.none() | texts, st.none() | texts, texts.filter(bool)), max_size=8))
def test_keys_are_distinct_and_survive_as_text(findings: list[Finding]) -> None:
    keys = key_findings(findings)
    assert len(set(keys)) == len(keys)
    for key in keys:
        assert parse_key(str(key)) == key
        assert str(key).isprintable()


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 80), st.integers(0, 9)),
        st.builds(
            Cell, st.sampled_from(CellKind), st.sampled_from([REASON_HEADER, KEY_HEADER, "a|b|c|d|e|0", "x", ""])
        ),
        max_size=30,
    )
)
def test_any_sheet_of_that_name_is_read_without_harm(cells: dict[tuple[int, int], Cell]) -> None:
    read = read_reasons(Workbook("xlsx", (Sheet(RESULT_SHEET, True, cells),)), None)
    assert set(read) <= {FindingKey("a", "b", "c", "d", "e", 0)}


def test_the_reader_sees_the_sheet_as_it_was_written(first: tuple[bytes, Examined]) -> None:
    workbook = read_workbook(annotate(first))
    assert isinstance(workbook, Workbook)
    assert list(read_reasons(workbook, first[1].subject)) == key_findings(
        sorted(first[1].findings, key=lambda one: ["error", "warning", "info"].index(one.severity))
    )
