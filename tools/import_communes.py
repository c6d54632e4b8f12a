"""Puts the reorganisation of 01/07/2025 into a register folder: former units, their districts where named, and the lineage.

    python -m tools.import_communes COMMUNES.csv --register register --kept-code 01288

Reads a table with the columns province_code, commune_code, commune_name, formed_from_2025_07_01 and takes the rows of the
register's province. Run again it writes the same files. It must not invent facts: the source gives former units no code and no
beginning, so codes are of our own scheme, the beginning is the first day that the system needs, and both are said in the rows.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from etl.register.declarations import read_province
from etl.register.entities import LineageKind, Province, UnitType
from etl.register.predecessors import DISTRICT_WORDS, Predecessor, UnreadablePredecessors, parse_predecessors
from etl.register.read import COLUMNS, BadRegister, read_register
from etl.register.table import Problem
from etl.text import fold

REORGANISATION: Final = date(2025, 7, 1)
FIRST_DAY_NEEDED: Final = date(2024, 12, 1)
"""The first day of the windows of 2025 (statistics clock): nothing earlier is ever compared or owed."""

NO_BEGINNING: Final = (
    f"Nguồn không ghi ngày thành lập: lấy {FIRST_DAY_NEEDED:%d/%m/%Y}, ngày đầu của các kỳ năm 2025 mà hệ thống cần"
)
OWN_CODE: Final = "mã do hệ thống đặt vì nguồn không ghi mã cũ"
LINEAGE_BASIS: Final = (
    "Sắp xếp đơn vị hành chính cấp xã từ ngày 01/07/2025 (mã mới: Quyết định 19/2025/QĐ-TTg); cần bổ sung số nghị quyết"
)

Rows = list[dict[str, str]]


def import_communes(source: Path, folder: Path, kept: Sequence[str] = ()) -> tuple[int, int]:
    """Adds to units.csv and lineage.csv of `folder`; how many former units and lines of lineage the source gives.

    `kept`: statistics codes that a predecessor of the same name bore before; the others have codes of our own.
    Raises BadRegister, UnreadablePredecessors, ValueError for a kept code without such a predecessor.
    """
    province = _read_province(folder)
    units: Rows = []
    lineage: Rows = []
    communes = [row for row in _read_rows(source) if row["province_code"] == province.code]
    if strange := sorted(set(kept) - {row["commune_code"] for row in communes}):
        raise ValueError(f"no commune {', '.join(strange)} in the province {province.code}")
    for row in communes:
        _add_commune(row, province, row["commune_code"] in kept, units, lineage)
    _merge(folder / "units.csv", units, ("code", "valid_from"))
    _merge(folder / "lineage.csv", lineage, ("predecessor", "successor", "valid_from"))
    read_register(folder)
    former = [row for row in units if row["valid_to"] and row["type"] != UnitType.DISTRICT]
    return len(former), len(lineage)


def _read_province(folder: Path) -> Province:
    problems: list[Problem] = []
    found = read_province(folder, problems)
    if found is None:
        raise BadRegister(folder, problems)
    return found.value


def _add_commune(row: dict[str, str], province: Province, keeps_code: bool, units: Rows, lineage: Rows) -> None:
    code, name = f"{province.agency_prefix}.X{row['commune_code']}", row["commune_name"]
    try:
        predecessors = parse_predecessors(row["formed_from_2025_07_01"])
    except UnreadablePredecessors as error:
        raise UnreadablePredecessors(f"{row['commune_code']} {name}: {error}") from error
    if not predecessors:
        return
    recorded = province.recorded_at.isoformat()
    named = [part for part in predecessors if part.name == name]
    if keeps_code and len(named) != 1:
        raise ValueError(f"{row['commune_code']} {name}: no single predecessor of that name can have kept the code")
    for number, part in enumerate(predecessors, start=1):
        own = keeps_code and part in named
        former = code if own else f"{province.agency_prefix}.CU{row['commune_code']}.{number}"
        district = _add_district(part, province, units) if part.district else ""
        units.append(
            {
                "code": former,
                "name": part.name,
                "type": part.type.value,
                "parent": district,
                "valid_from": FIRST_DAY_NEEDED.isoformat(),
                "valid_to": (REORGANISATION - timedelta(days=1)).isoformat(),
                "legal_basis": NO_BEGINNING if own else f"{NO_BEGINNING}; {OWN_CODE}",
                "recorded_at": recorded,
            }
        )
        lineage.append(
            {
                "predecessor": former,
                "successor": code,
                "kind": (LineageKind.MERGE if part.is_whole else LineageKind.SPLIT).value,
                "valid_from": REORGANISATION.isoformat(),
                "share": "",
                "legal_basis": LINEAGE_BASIS
                if part.is_whole
                else f"{LINEAGE_BASIS}; một phần đơn vị, không so sánh được",
                "recorded_at": recorded,
            }
        )


def _add_district(part: Predecessor, province: Province, units: Rows) -> str:
    name = part.district or ""
    kind = next(word for word in DISTRICT_WORDS if name.startswith(f"{word} "))
    code = f"{province.agency_prefix}.{_plain(kind)}.{_plain(name.removeprefix(kind))}"
    if all(row["code"] != code for row in units):
        units.append(
            {
                "code": code,
                "name": name[0].upper() + name[1:],
                "type": UnitType.DISTRICT.value,
                "parent": "",
                "valid_from": FIRST_DAY_NEEDED.isoformat(),
                "valid_to": (REORGANISATION - timedelta(days=1)).isoformat(),
                "legal_basis": f"{NO_BEGINNING}; {OWN_CODE}",
                "recorded_at": province.recorded_at.isoformat(),
            }
        )
    return code


def _plain(text: str) -> str:
    return "".join(letter for letter in fold(text).upper() if letter.isascii() and letter.isalnum())


def _read_rows(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return [dict(row) for row in csv.DictReader(stream)]


def _merge(path: Path, added: Rows, key: tuple[str, ...]) -> None:
    """Rows of the same key are replaced where they stand, new ones follow at the end; the others stay as they are."""
    by_key = {tuple(row[column] for column in key): row for row in added}
    rows = [by_key.pop(tuple(row[column] for column in key), row) for row in _read_rows(path)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS[path.name], lineterminator="\n")
        writer.writeheader()
        writer.writerows([*rows, *by_key.values()])


def main(argv: Sequence[str] | None = None) -> int:
    """Imports what the command line names; 2 with the reason when the source or the register cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, metavar="COMMUNES.csv")
    parser.add_argument("--register", type=Path, required=True, metavar="DIR")
    parser.add_argument("--kept-code", action="append", default=[], metavar="CODE", help="may be given several times")
    arguments = parser.parse_args(argv)
    try:
        former, lines = import_communes(arguments.source, arguments.register, arguments.kept_code)
    except (BadRegister, ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{former} former units, {lines} lines of lineage\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
