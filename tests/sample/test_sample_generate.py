"""Whole samples: the same bytes every time, and an answer key that agrees with the files and with itself."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from etl.calendar.periods import UnknownPeriod
from etl.forms.library import read_forms
from etl.register.model import Register
from etl.register.obligations import build_obligations
from etl.register.read import read_register
from etl.sample.generate import SampleSummary, expand_periods, write_sample
from etl.sample.province import copy_register

ROOT = Path(__file__).resolve().parents[2]
REPORT, PERIOD = "movements-half", "2026-S1"
UNREADABLE = {"FILE-EMPTY", "FILE-UNREADABLE", "FILE-ENCRYPTED", "FILE-NOT-WORKBOOK"}


def sample(out: Path, units: int | None = 12, faults: int | None = 0, **more: Any) -> SampleSummary:
    wanted: dict[str, Any] = {"report": REPORT, "periods": [PERIOD], "seed": 3} | more
    return write_sample(ROOT / "register", out, units=units, faults=faults, **wanted)


def read_key(out: Path) -> dict[str, Any]:
    return json.loads((out / "faults.json").read_text("utf-8"))


def fingerprint(out: Path) -> dict[str, str]:
    files = sorted(path for path in out.rglob("*") if path.is_file())
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    out = tmp_path_factory.mktemp("faulty")
    summary = sample(out, units=60, faults=150)
    assert summary.faults == 150
    yield out


def test_same_arguments_same_bytes_in_another_process(tmp_path: Path) -> None:
    """Another hash seed changes the order of sets; it must not change a byte."""
    sample(tmp_path / "here", units=14, faults=60)
    code = (
        "from pathlib import Path; from etl.sample.generate import write_sample; "
        f"write_sample(Path('register'), Path({str(tmp_path / 'there')!r}), '{REPORT}', ['{PERIOD}'], 14, 3, 60)"
    )
    environment = dict(os.environ, PYTHONHASHSEED="4711", TZ="America/New_York")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment)
    assert fingerprint(tmp_path / "here") == fingerprint(tmp_path / "there")


def test_another_seed_gives_another_province(tmp_path: Path) -> None:
    sample(tmp_path / "a", seed=1)
    sample(tmp_path / "b", seed=2)
    assert (tmp_path / "a/receipts.csv").read_bytes() != (tmp_path / "b/receipts.csv").read_bytes()


def test_no_faults_no_findings(tmp_path: Path) -> None:
    summary = sample(tmp_path, units=40)
    key = read_key(tmp_path)
    assert (summary.findings, summary.quarantined, key["findings"]) == (0, 0, [])
    assert {row["status"] for row in key["submissions"]} <= {"on_time", "late"}
    assert len(key["submissions"]) == summary.files


def test_every_obligation_is_accounted_for(faulty: Path) -> None:
    key = read_key(faulty)
    owed = {row.unit.code for row in build_obligations(read_register(faulty / "register"), REPORT, PERIOD)}
    parts = [{row["unit"] for row in key[part]} for part in ("submissions", "missing", "exempt")]
    assert set().union(*parts) == owed
    assert sum(map(len, parts)) == len(owed)


def test_status_follows_from_findings_and_receipt(faulty: Path) -> None:
    key = read_key(faulty)
    due = {row.unit.code: row.due_at for row in build_obligations(read_register(faulty / "register"), REPORT, PERIOD)}
    rejected = {row["file"] for row in key["findings"] if row["severity"] == "error"}
    for row in key["submissions"]:
        received = datetime.fromisoformat(row["received_at"])
        assert received.utcoffset() == timedelta(hours=7)
        timely = "on_time" if received <= due[row["unit"]] else "late"
        assert row["status"] == ("rejected" if row["file"] in rejected else timely)
    assert {row["status"] for row in key["submissions"]} == {"on_time", "late", "rejected"}


def test_key_receipts_and_inbox_name_the_same_files(faulty: Path) -> None:
    key = read_key(faulty)
    assert list(key) == ["seed", "submissions", "missing", "exempt", "findings"]
    inbox = {path.name for path in (faulty / "inbox").iterdir()}
    with (faulty / "receipts.csv").open(encoding="utf-8") as stream:
        receipts = {row["file"]: row["received_at"] for row in csv.DictReader(stream)}
    assert set(receipts) == inbox
    submitted = {row["file"]: row["received_at"] for row in key["submissions"]}
    assert submitted.items() <= receipts.items()
    quarantined = inbox - set(submitted)
    assert quarantined
    assert {row["file"] for row in key["findings"]} <= inbox
    assert quarantined <= {row["file"] for row in key["findings"]}


def test_findings_point_into_the_files(faulty: Path) -> None:
    findings = read_key(faulty)["findings"]
    by_file: dict[str, list[dict[str, Any]]] = {}
    for row in findings:
        by_file.setdefault(row["file"], []).append(row)
    assert len({row["code"] for row in findings}) > 50
    for file, rows in by_file.items():
        if {row["code"] for row in rows} & UNREADABLE:
            assert len(rows) == 1
            continue
        with (faulty / "inbox" / file).open("rb") as stream:
            book = openpyxl.load_workbook(stream)
        for row in rows:
            if row["sheet"] is None:
                assert row["cell"] is None
                continue
            sheet = book[row["sheet"]]
            if row["cell"] is not None:
                cell = sheet[row["cell"]]
                assert cell.row <= sheet.max_row and cell.column <= sheet.max_column
                assert (cell.value is None) <= (
                    row["code"] in {"CELL-REQUIRED"} or row["code"].startswith(("F05", "X-"))
                )


def test_realistic_mix(tmp_path: Path) -> None:
    summary = sample(tmp_path, units=None, faults=None)
    key = read_key(tmp_path)
    statuses = Counter(row["status"] for row in key["submissions"])
    assert summary.units == 178
    assert 0.55 < statuses["on_time"] / summary.obligations < 0.85
    assert statuses["late"] > 5
    assert statuses["rejected"] > 5
    assert len(key["missing"]) > 3
    assert {row["unit"] for row in key["exempt"]} == {"H14.DN17", "H14.DN36", "H14.HCTNXP"}


@pytest.mark.parametrize("units", [1, 2, 9, 57, 177, 178, 203])
def test_province_of_any_size_is_a_sound_register(tmp_path: Path, units: int) -> None:
    copy_register(ROOT / "register", tmp_path / "register", units, seed=3)
    register = read_register(tmp_path / "register", known_forms=set(read_forms()))
    assert len(register.lasting_units) == units
    assert register.province.simulated


def test_running_totals_grow_through_the_year(tmp_path: Path) -> None:
    sample(tmp_path, units=8, periods=["2026-S1", "2026-S2"])
    totals: dict[tuple[str, str, str], dict[str, float]] = {}
    for path in (tmp_path / "inbox").iterdir():
        unit, _, period, _ = path.stem.split("_")
        sheet = openpyxl.load_workbook(path)["F03 Kết quả phong trào"]
        for row in sheet.iter_rows(values_only=True):
            if isinstance(row[7], int | float) and row[2]:
                totals.setdefault((unit, str(row[0]), str(row[2])), {})[period] = row[7]
    both = [found for found in totals.values() if len(found) == 2]
    assert len(both) > 50
    assert all(found["2026-S1"] <= found["2026-S2"] for found in both)


def test_more_faults_than_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"only [1-9]\d* of 300 faults fit into 1 files"):
        sample(tmp_path, units=1, faults=300, report="statistics-year", periods=["2026-A1"], seed=3)


def test_only_a_sample_is_replaced(tmp_path: Path) -> None:
    sample(tmp_path, units=3)
    sample(tmp_path, units=2)
    assert len(list((tmp_path / "inbox").iterdir())) <= 2
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"notes\.txt"):
        sample(tmp_path, units=2)


def test_progress_counts_every_obligation(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    sample(tmp_path, units=10, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(number, 10) for number in range(1, 11)]


def test_periods_of_a_range(register: Register) -> None:
    assert expand_periods(register, REPORT, "2026-S1") == ["2026-S1"]
    assert expand_periods(register, REPORT, "2026-S1..2027-S1") == ["2026-S1", "2026-S2", "2027-S1"]
    with pytest.raises(UnknownPeriod, match="ends before"):
        expand_periods(register, REPORT, "2026-S2..2026-S1")
    with pytest.raises(UnknownPeriod):
        expand_periods(register, REPORT, "2026-Q1")
