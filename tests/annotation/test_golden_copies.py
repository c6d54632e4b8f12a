"""The annotated copy of every golden case: read again it says what the original says, and LibreOffice shows its marks."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import openpyxl
import pytest
from annotation_builders import fill_of

from etl.annotation.annotate import annotate_workbook
from etl.annotation.cells import anchor_of
from etl.annotation.failures import CannotAnnotate
from etl.annotation.wording import FILLS, Mark, mark_of
from etl.examination import Delivery, Examined
from etl.findings.model import Finding
from etl.reading.failures import FailedReading
from etl.reading.grid import Workbook, cell_name, parse_cell_name
from etl.reading.pool import ReaderPool
from etl.recognition.tables import RESULT_SHEET
from tests.golden.sender import share_examiner

FOLDER = Path(__file__).resolve().parents[1] / "golden"
INPUTS = sorted(path for path in FOLDER.rglob("input.*") if path.is_file())
CASES = [path.relative_to(FOLDER).as_posix() for path in INPUTS]


@dataclass(frozen=True)
class Copies:
    """Of each case: what was found in it, the annotated copy or why there is none, and what was found in that."""

    examined: dict[str, Examined]
    annotated: dict[str, bytes]
    refused: dict[str, str]
    again: dict[str, Examined]
    read: dict[str, Workbook | FailedReading]
    read_again: dict[str, Workbook | FailedReading]


def examine_all(files: dict[str, bytes]) -> dict[str, Examined]:
    deliveries = [Delivery(at, Path(case).name, data) for at, (case, data) in enumerate(files.items())]
    return dict(zip(files, share_examiner().examine(deliveries), strict=True))


@pytest.fixture(scope="module")
def copies() -> Copies:
    files = {case: path.read_bytes() for case, path in zip(CASES, INPUTS, strict=True)}
    examined = examine_all(files)
    annotated: dict[str, bytes] = {}
    refused: dict[str, str] = {}
    for case, data in files.items():
        try:
            annotated[case] = annotate_workbook(data, examined[case].findings, examined[case].subject)
        except CannotAnnotate as error:
            refused[case] = error.reason
    with ReaderPool(2) as pool:
        read, read_again = dict(pool.read(files.items())), dict(pool.read(annotated.items()))
    return Copies(examined, annotated, refused, examine_all(annotated), read, read_again)


def expect_marks(copies: Copies, case: str, data: bytes) -> None:
    """Every finding is seen where it is: its cell filled and commented, its line on the sheet of results."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    before = copies.read[case]
    assert isinstance(before, Workbook)
    sheets = {sheet.name: sheet for sheet in before.sheets}
    marked: dict[tuple[str, str], list[Finding]] = {}
    for finding in copies.examined[case].findings:
        if finding.sheet is not None and finding.cell is not None:
            anchor = anchor_of(parse_cell_name(finding.cell), sheets[finding.sheet].merged)
            marked.setdefault((finding.sheet, cell_name(*anchor)), []).append(finding)
    for (sheet, name), findings in marked.items():
        cell = book[sheet][name]
        assert fill_of(cell) == FILLS[mark_of(findings)], (sheet, name)
        assert cell.comment is not None, (sheet, name)
        for finding in findings:
            # One run of blanks is one blank: programs wrap and trim what stands in a comment.
            assert " ".join(finding.message.split())[:400] in " ".join(cell.comment.text.split()), (sheet, name)
    rows = list(book[next(name for name in reversed(book.sheetnames) if name.startswith(RESULT_SHEET))].iter_rows())
    listed = [row[7].value for row in rows[5:] if row[0].value is not None]
    assert sorted(listed) == sorted(finding.code for finding in copies.examined[case].findings)


@pytest.mark.parametrize("case", CASES)
def test_the_copy_says_what_the_original_says(copies: Copies, case: str) -> None:
    if case in copies.refused:
        before = copies.read[case]
        if isinstance(before, Workbook) and before.format in {"xlsx", "xlsm"}:
            pytest.fail(f"a workbook that can be read cannot be annotated: {copies.refused[case]}")
        # Other formats have no place for a comment that survives; their answer is the summary.
        assert copies.refused[case].startswith(("only .xlsx and .xlsm workbooks can be annotated", "the inside of"))
        return
    before, after = copies.read[case], copies.read_again[case]
    assert isinstance(before, Workbook)
    assert isinstance(after, Workbook)
    assert after.sheets[-1].name.startswith(RESULT_SHEET)
    assert replace(after, sheets=after.sheets[:-1]) == before
    one, two = copies.examined[case], copies.again[case]
    assert two.submission.parsed.cells == one.submission.parsed.cells
    assert two.form_versions == one.form_versions
    assert two.subject == one.subject
    assert (two.verdict, two.findings) == (one.verdict, one.findings)
    if b"purl.oclc.org" not in zipfile.ZipFile(io.BytesIO(copies.annotated[case])).read("xl/workbook.xml"):
        # openpyxl does not know the strict dialect; what LibreOffice makes of such a copy is looked at below.
        expect_marks(copies, case, copies.annotated[case])


@pytest.fixture(scope="module")
def saved(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Every annotated copy as LibreOffice opens and saves it: one start of the program for all of them."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice (soffice) is not installed: what it shows of annotated copies is not tested here")
    folder = tmp_path_factory.mktemp("golden")
    names = {case: f"{at:03}{Path(case).suffix}" for at, case in enumerate(copies.annotated)}
    for case, name in names.items():
        (folder / name).write_bytes(copies.annotated[case])
    command = [office, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--convert-to"]
    command += ["xlsx:Calc MS Excel 2007 XML", "--outdir", str(folder / "saved")]
    done = subprocess.run(
        [*command, *(str(folder / name) for name in names.values())], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    paths = {case: folder / "saved" / f"{Path(name).stem}.xlsx" for case, name in names.items()}
    return {case: path.read_bytes() for case, path in paths.items() if path.exists()}


@pytest.fixture(scope="module")
def saved_examined(saved: dict[str, bytes]) -> dict[str, Examined]:
    return examine_all(saved)


@pytest.mark.parametrize("case", CASES)
def test_what_libreoffice_saved_has_the_same_figures(
    copies: Copies, saved_examined: dict[str, Examined], case: str
) -> None:
    """A clerk opens the copy, corrects nothing, saves it in LibreOffice and sends it."""
    if case in copies.refused:
        assert case not in saved_examined
        return
    before, after = (one[case].submission.parsed.cells for one in (copies.examined, saved_examined))
    # A formula that was stored without its result has one after a program has opened it.
    same = {key for key, cell in before.items() if cell.value.problem != "CELL-UNCACHED"}
    assert before.keys() == after.keys()
    assert {key: after[key].value for key in same} == {key: before[key].value for key in same}
    assert saved_examined[case].subject == copies.examined[case].subject


@pytest.mark.parametrize("case", CASES)
def test_libreoffice_shows_fills_and_comments(copies: Copies, saved: dict[str, bytes], case: str) -> None:
    if case in copies.refused:
        assert case not in saved
        return
    assert case in saved, "LibreOffice did not open the copy"
    expect_marks(copies, case, saved[case])


def test_there_is_something_to_see(copies: Copies) -> None:
    """Else the tests above could pass over nothing."""
    assert len(copies.annotated) > 15
    marks = {mark_of([finding]) for one in copies.examined.values() for finding in one.findings if finding.cell}
    assert {Mark.ERROR, Mark.WARNING} <= marks
