"""A corrected copy comes back, perhaps saved by another program, and is annotated again."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from annotation_builders import (
    GREEN,
    RED,
    YELLOW,
    fill_of,
    load,
    make_finding,
    make_rich_workbook,
    make_strict,
    read_cells,
)

from etl.annotation.annotate import annotate_workbook
from etl.annotation.wording import RESULT_SHEET, WHERE_TO_EXPLAIN
from etl.forms.library import read_forms
from etl.reading.grid import Workbook
from etl.reading.pool import read_workbook
from etl.recognition.identity import read_metadata
from etl.recognition.tables import find_forms
from etl.register.model import UnitType
from etl.register.read import read_register
from etl.settings import PROJECT_ROOT
from etl.templates.from_register import plan_unit_workbook
from etl.templates.write import write_workbook

RICH = make_rich_workbook()
FIRST = [make_finding("B7"), make_finding("B8"), make_finding("B6", severity="warning", message="Lần đầu.")]


def test_marks_of_what_was_corrected_turn_green() -> None:
    first = annotate_workbook(RICH, FIRST)
    second = annotate_workbook(first, [make_finding("B7", severity="warning", message="Lần hai.")])
    book = load(second)
    sheet = book["Biểu 1"]
    assert book.sheetnames == load(first).sheetnames
    assert fill_of(sheet["B7"]) == YELLOW
    text = "Hệ thống kiểm tra báo cáo:\nCẢNH BÁO: Lần hai. Ghi bằng chữ số."
    assert sheet["B7"].comment.text == f"{text}\n{WHERE_TO_EXPLAIN}"
    for cell in ("B6", "B8"):
        assert fill_of(sheet[cell]) == GREEN
        assert sheet[cell].comment.text.endswith("Lần kiểm tra này không còn thấy lỗi ở ô này.")
    assert sheet["B6"].comment.text.startswith("Số này theo công văn 12.")
    assert "Lần đầu." not in sheet["B6"].comment.text
    assert [row[4].value for row in book[RESULT_SHEET].iter_rows(min_row=6)] == ["Lần hai."]
    assert read_cells(second, without=RESULT_SHEET) == read_cells(RICH)


def test_a_mark_that_turned_green_may_turn_red_again() -> None:
    copy = RICH
    for findings in (FIRST, [], FIRST, FIRST):
        copy = annotate_workbook(copy, findings)
    sheet = load(copy)["Biểu 1"]
    assert (fill_of(sheet["B7"]), fill_of(sheet["B6"])) == (RED, YELLOW)
    assert sheet["B6"].comment.text.count("Hệ thống kiểm tra báo cáo:") == 1
    assert sheet["B6"].comment.text.count("Số này theo công văn 12.") == 1


def test_a_copy_saved_by_another_program() -> None:
    book = openpyxl.load_workbook(io.BytesIO(annotate_workbook(RICH, FIRST)))
    saved = io.BytesIO()
    book.save(saved)
    second = annotate_workbook(saved.getvalue(), [make_finding("C9", message="Lần hai.")])
    book = load(second)
    assert book.sheetnames.count(RESULT_SHEET) == 1
    assert not any("(2)" in name for name in book.sheetnames)
    assert fill_of(book["Biểu 1"]["B7"]) == GREEN
    assert "Lần hai." in book["Biểu 1"]["C9"].comment.text


def test_the_recogniser_does_not_take_the_sheet_of_results_for_a_form() -> None:
    register, forms = read_register(PROJECT_ROOT / "register"), read_forms()
    unit = next(unit for unit in register.units_on(date(2026, 6, 14)) if unit.type is UnitType.COMMUNE)
    template = write_workbook(plan_unit_workbook(register, forms, "movements-half", "2026-S1", unit))
    workbook = read_workbook(annotate_workbook(template, [make_finding("A1", None)]))
    assert isinstance(workbook, Workbook)
    found = find_forms(workbook, forms, read_metadata(workbook))
    assert found.tables
    assert found.unknown_sheets == []
    # A sheet of that name that is the sender's own makes ours carry a number.
    numbered = replace(workbook.sheets[-1], name=f"{RESULT_SHEET} (2)")
    found = find_forms(replace(workbook, sheets=(*workbook.sheets, numbered)), forms, read_metadata(workbook))
    assert found.unknown_sheets == []


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Annotated copies as LibreOffice turns them into PDF and saves them itself."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice (soffice) is not installed: what it shows of annotated copies is not tested here")
    folder = tmp_path_factory.mktemp("office")
    (folder / "rich.xlsx").write_bytes(annotate_workbook(RICH, FIRST))
    (folder / "strict.xlsx").write_bytes(annotate_workbook(make_strict(RICH), FIRST))
    for kind in ("pdf", "xlsx"):
        out = folder / kind
        subprocess.run(
            [office, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--convert-to", kind,
             "--outdir", str(out), str(folder / "rich.xlsx"), str(folder / "strict.xlsx")],
            check=True, capture_output=True, timeout=240,
        )  # fmt: skip
    return {f"{path.stem}.{path.suffix[1:]}": path for kind in ("pdf", "xlsx") for path in (folder / kind).iterdir()}


@pytest.mark.parametrize("name", ["rich", "strict"])
def test_libreoffice_shows_comments_fills_and_results(converted: dict[str, Path], name: str) -> None:
    assert converted[f"{name}.pdf"].read_bytes().startswith(b"%PDF")
    book = openpyxl.load_workbook(converted[f"{name}.xlsx"])
    sheet = book["Biểu 1"]
    assert fill_of(sheet["B7"]) == RED
    assert sheet["B7"].comment.text.startswith("Hệ thống kiểm tra báo cáo:\nLỖI: Ô này ghi “mười”")
    assert sheet["B6"].comment.text.startswith("Số này theo công văn 12.")
    assert "CẢNH BÁO: Lần đầu." in sheet["B6"].comment.text
    assert sheet["B7"].number_format == '#,##0" đồng"'
    assert book[RESULT_SHEET]["A1"].value == "KẾT QUẢ KIỂM TRA BÁO CÁO"
    assert book[RESULT_SHEET]["D6"].hyperlink is not None


def test_a_copy_saved_by_libreoffice_is_annotated_again(converted: dict[str, Path]) -> None:
    second = annotate_workbook(converted["rich.xlsx"].read_bytes(), [make_finding("B8", message="Lần hai.")])
    book = load(second)
    sheet = book["Biểu 1"]
    assert [name for name in book.sheetnames if name.startswith(RESULT_SHEET)] == [RESULT_SHEET]
    assert (fill_of(sheet["B8"]), fill_of(sheet["B7"]), fill_of(sheet["B6"])) == (RED, GREEN, GREEN)
    assert sheet["B8"].comment.text.count("Hệ thống kiểm tra báo cáo:") == 1
    assert "Lần đầu." not in sheet["B6"].comment.text
