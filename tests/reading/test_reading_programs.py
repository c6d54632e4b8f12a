"""One report as other programs save it: the figures and findings are those of the original."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from etl.examination import Delivery, Examined
from tests.golden.case import put
from tests.golden.old_ways import hide_lines, strict
from tests.golden.sender import make_sending, share_examiner

FILTERS = {
    "xls": "xls:MS Excel 97",
    "ods": "ods",
    "xlsm": "xlsm:Calc MS Excel 2007 VBA XML",
    "csv": "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true,false,false,false,4",
}
"""What LibreOffice is asked for; the csv is the fourth sheet (F05), separated by semicolons, in UTF-8."""


def tell(examined: Examined) -> tuple[str, list[tuple[str, str | None, str | None]], dict[object, object]]:
    values = {
        key: (cell.value.number, cell.value.text, cell.value.day, cell.cell)
        for key, cell in examined.submission.parsed.cells.items()
    }
    return examined.verdict, [(found.code, found.sheet, found.cell) for found in examined.findings], values


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice (soffice) is not installed: files it saves are not tested here")
    folder: Path = tmp_path_factory.mktemp("programs")
    sending = make_sending(
        put("F05", "11", "2", "#N/A", "=NA()"),
        put("F00", "08", "1", "Chưa rõ"),
        hide_lines("F05", rows=[10], columns=[3]),
    )
    (folder / "goc.xlsx").write_bytes(sending.to_bytes())
    for kind, wanted in FILTERS.items():
        command = [
            office,
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            "--headless",
            "--convert-to",
            wanted,
        ]
        command += ["--outdir", str(folder / kind), str(folder / "goc.xlsx")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
    found = {kind: next((folder / kind).iterdir()).read_bytes() for kind in FILTERS}
    return found | {"xlsx": sending.to_bytes()}


def examine_file(name: str, data: bytes) -> Examined:
    (examined,) = share_examiner().examine([Delivery(0, name, data)])
    return examined


@pytest.mark.parametrize("kind", ["xls", "ods", "xlsm"])
def test_other_formats_say_the_same(copies: Mapping[str, bytes], kind: str) -> None:
    original = tell(examine_file("goc.xlsx", copies["xlsx"]))
    assert [code for code, *_ in original[1]] == ["CELL-NOT-CHOICE", "COLUMN-HIDDEN", "ROW-HIDDEN", "CELL-ERROR"]
    assert tell(examine_file(f"goc.{kind}", copies[kind])) == original


def test_a_text_file_holds_one_form(copies: Mapping[str, bytes]) -> None:
    """Without the envelope nobody says which report it is; the form is read all the same, and never called no workbook."""
    read = examine_file("F05 Khen thưởng cấp tỉnh.csv", copies["csv"])
    assert [(found.code, found.sheet) for found in read.findings if found.code.startswith(("FILE", "FORM"))] == []
    assert {"ID-REPORT-UNKNOWN", "CELL-ERROR"} <= {found.code for found in read.findings}
    original = examine_file("goc.xlsx", copies["xlsx"]).submission.parsed.cells
    numbers = {key: cell.value.number for key, cell in read.submission.parsed.cells.items()}
    assert numbers == {key: cell.value.number for key, cell in original.items() if key.form == "F05"}


def test_the_strict_dialect_says_the_same() -> None:
    plain, other = make_sending(), make_sending(strict)
    assert b"purl.oclc.org" not in plain.to_bytes() and plain.to_bytes() != other.to_bytes()
    assert tell(examine_file("a.xlsx", other.to_bytes())) == tell(examine_file("a.xlsx", plain.to_bytes()))
