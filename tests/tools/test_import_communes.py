"""The import of the reorganisation: the register holds what the tool writes, and a source it cannot read changes nothing."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from etl.register.read import read_register
from etl.settings import PROJECT_ROOT
from tools.import_communes import import_communes, main

HEADER = ["province_code", "province_name", "commune_code", "commune_name", "formed_from_2025_07_01"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT_ROOT / "register", tmp_path / "register"))


def write_source(folder: Path, *rows: tuple[str, str, str]) -> Path:
    """A table of communes of province 04 (code, name, formed from), and one of another province."""
    path = folder / "communes.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        writer.writerow(["01", "Hà Nội", "00004", "Phường Ba Đình", "một phần diện tích của phường Cửa Nam"])
        writer.writerows(["04", "Tỉnh Cao Bằng", *row] for row in rows)
    return path


def restore_source(folder: Path) -> list[tuple[str, str, str]]:
    """The source, as far as the register keeps it: the register is its own witness that the import is reproducible."""
    register = read_register(folder)
    names = {(unit.code, unit.valid_to is None): unit for unit in register.units}
    districts = {unit.code: unit.name for unit in register.units if unit.type == "district"}
    texts: dict[str, list[str]] = {}
    for row in register.lineage:
        former = names[row.predecessor, False]
        district = districts.get(former.parent or "")
        shown = f" ({district[0].lower()}{district[1:]})" if district else ""
        texts.setdefault(row.successor or "", []).append(former.name + shown)
    return [(code.partition(".X")[2], names[code, True].name, ", ".join(parts)) for code, parts in texts.items()]


def test_the_register_is_what_the_tool_writes(folder: Path, tmp_path: Path) -> None:
    written = {name: (folder / name).read_bytes() for name in ("units.csv", "lineage.csv")}
    source = write_source(tmp_path, *restore_source(folder))
    assert import_communes(source, folder, ["01288"]) == (161, 161)
    assert {name: (folder / name).read_bytes() for name in written} == written


def test_a_register_without_the_reorganisation_gets_it(folder: Path, tmp_path: Path) -> None:
    rows = restore_source(folder)
    written = {name: (folder / name).read_bytes() for name in ("units.csv", "lineage.csv")}
    for name, mark in (("units.csv", ",2025-06-30,"), ("lineage.csv", ",2025-07-01,")):
        lines = written[name].decode().splitlines(keepends=True)
        (folder / name).write_text("".join(line for line in lines if mark not in line), "utf-8")
    assert len(read_register(folder).units) == 178
    import_communes(write_source(tmp_path, *rows), folder, ["01288"])
    assert {name: (folder / name).read_bytes() for name in written} == written


@pytest.mark.parametrize(
    ("row", "kept", "reason"),
    [
        (("01273", "Phường Thục Phán", "một phần Phường Sông Hiến"), "", "01273 Phường Thục Phán"),
        (("01273", "Phường Thục Phán", "Phường Sông Hiến"), "01273", "no single predecessor of that name"),
        (("01273", "Phường Thục Phán", "Phường Sông Hiến"), "01999", "no commune 01999"),
    ],
)
def test_what_cannot_be_read_changes_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], row: tuple[str, str, str], kept: str, reason: str
) -> None:
    before = (folder / "units.csv").read_bytes()
    arguments = [str(write_source(tmp_path, row)), "--register", str(folder)]
    assert main([*arguments, *(["--kept-code", kept] if kept else [])]) == 2
    assert reason in capsys.readouterr().err
    assert (folder / "units.csv").read_bytes() == before
