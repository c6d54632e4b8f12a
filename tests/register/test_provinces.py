"""Provinces as a whole in the register: before and after a merger, apart from the units that report."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
import yaml

from etl.register.entities import NAMED_ONLY, UnitType
from etl.register.obligations import build_obligations
from etl.register.read import COLUMNS, BadRegister, read_register
from etl.settings import PROJECT_ROOT

RECORDED = "2025-12-01T08:00:00+07:00"
MERGED, DAY, EVE = "H03", "2025-07-01", "2025-06-30"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sample's register, told of two provinces that became one."""
    folder = Path(shutil.copytree(PROJECT_ROOT / "register", tmp_path / "register"))
    add(folder, "units.csv", code="H14", name="Tỉnh Cao Bằng", type="province", valid_from="2018-01-01", valid_to=EVE)
    add(folder, "units.csv", code="H14", name="Tỉnh Cao Bằng", type="province", valid_from=DAY)
    add(folder, "units.csv", code=MERGED, name="Tỉnh Bắc Kạn", type="province", valid_from="2018-01-01", valid_to=EVE)
    for before in ("H14", MERGED):
        add(folder, "lineage.csv", predecessor=before, successor="H14", kind="merge", valid_from=DAY)
    return folder


def add(folder: Path, file: str, /, **row: str) -> None:
    with (folder / file).open("a", encoding="utf-8", newline="") as stream:
        csv.DictWriter(stream, COLUMNS[file], lineterminator="\n").writerow({"recorded_at": RECORDED, **row})


def ask(folder: Path, **owing: str) -> None:
    """A yearly report of the past with the envelope and F05, owed as told."""
    reports = yaml.safe_load((folder / "reports.yaml").read_text("utf-8"))
    history = {
        "code": "history", "name": "Số liệu trước sáp nhập", "clock": "statistics", "frequency": "year",
        "legal_basis": "thử nghiệm", "valid_from": "2018-01-01", "valid_to": "2025-06-30",
        "forms": {"F00": owing, "F05": owing},
        "due": [{"unit_types": ["*"], "kind": "cutoff_plus_working_days", "days": 5, "operator": "no_later_than"}],
    }  # fmt: skip
    reports["reports"].append(history)
    (folder / "reports.yaml").write_text(yaml.safe_dump(reports, allow_unicode=True), "utf-8")


def problems(folder: Path) -> str:
    with pytest.raises(BadRegister) as refused:
        read_register(folder)
    return str(refused.value)


def test_a_province_owes_only_where_it_is_named(folder: Path) -> None:
    ask(folder, **{"*": "not_owed", "province": "mandatory"})
    register = read_register(folder)
    assert [row.unit.code for row in build_obligations(register, "history", "2020-A1")] == [MERGED, "H14"]
    for report, period in (
        ("movements-year", "2026-A1"),
        ("statistics-year", "2026-A1"),
        ("movements-half", "2026-S1"),
    ):
        owing = {row.unit.type for row in build_obligations(register, report, period)}
        assert owing and not owing & NAMED_ONLY
    assert not any(UnitType.PROVINCE in row.asked_of for row in register.indicators)


def test_a_form_is_of_the_province_or_of_its_units(folder: Path) -> None:
    ask(folder, **{"*": "mandatory", "province": "optional"})
    assert "history: form F05 is of the province as a whole or of its units" in problems(folder)


def test_one_province_lasts(folder: Path) -> None:
    add(folder, "units.csv", code="H37", name="Tỉnh Lạng Sơn", type="province", valid_from="2018-01-01")
    assert "H37 and H14 both are the province as a whole: end the one that was merged" in problems(folder)


def test_a_province_follows_provinces_only(folder: Path) -> None:
    add(folder, "lineage.csv", predecessor=MERGED, successor="H14.SNV", kind="absorb", valid_from=DAY)
    assert f"{MERGED} to H14.SNV: a province as a whole follows provinces" in problems(folder)


def test_only_a_province_may_have_another_prefix(folder: Path) -> None:
    add(folder, "units.csv", code="H03.SNV", name="Sở Nội vụ Bắc Kạn", type="department", valid_from="2018-01-01")
    assert "unit code 'H03.SNV' does not open with the agency_prefix H14" in problems(folder)
