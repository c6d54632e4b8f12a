"""The register of a synthetic province: a copy of a real folder, cut down or enlarged to a number of units.

Works on the files, so that everything else in them (notes, dates, reports) stays as written. It must leave a register
that `etl.register.read` accepts, and must mark it as simulated: receipts of a real province are never made up.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from random import Random

from etl.register.alert_rows import CONTACTS_FILE
from etl.register.channels import CHANNELS_FILE
from etl.register.model import Register, UnitType
from etl.register.read import COLUMNS, read_register

Rows = list[dict[str, str]]

REGISTER_YAML = "register.yaml"
CHANNELS = "channels:\n  - {code: folder, kind: folder, path: inbox, attribute_by_folder: true}\n"
"""A synthetic province has its drop folder alone: it never collects from the peers of the province it was made from."""
_ADDED = ((UnitType.COMMUNE, "X9", "Xã mô phỏng số"), (UnitType.ENTERPRISE, "DN9", "Doanh nghiệp mô phỏng số"))


def copy_register(source: Path, target: Path, units: int | None, seed: int) -> Register:
    """Writes the register of the sample to an empty or new folder and reads it back.

    `units`: how many units it shall hold (blocs counted); None keeps all. Raises BadRegister for an unsound source,
    ValueError for `units` below 1.
    """
    register = read_register(source)
    tables = {name: _read_table(source / name) for name in COLUMNS if (source / name).exists()}
    if units is not None:
        if units < 1:
            raise ValueError(f"a province needs at least 1 unit, not {units}")
        have = len({unit.code for unit in register.lasting_units})
        if units < have:
            _keep_units(tables, _choose_units(register, units, Random(f"{seed}|units")), register)
        else:
            invented = _invent_units(register, units - have, tables["units.csv"])
            tables["units.csv"] += invented
            tables[CONTACTS_FILE] += _invent_contacts(invented)
    target.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        _write_table(target / name, COLUMNS[name], rows)
    for path in sorted(source.glob("*.yaml")):
        text = CHANNELS if path.name == CHANNELS_FILE else path.read_text("utf-8")
        (target / path.name).write_text(_mark_simulated(text) if path.name == REGISTER_YAML else text, "utf-8")
    return read_register(target)


def _mark_simulated(text: str) -> str:
    changed, count = re.subn(r"(?m)^simulated:.*$", "simulated: true", text)
    return changed if count else f"{text.rstrip()}\nsimulated: true\n"


def _choose_units(register: Register, number: int, rng: Random) -> set[str]:
    """Codes to keep: the standing office, then a fair share of all; of the blocs those that keep most members."""
    latest = {unit.code: unit for unit in sorted(register.lasting_units, key=lambda unit: unit.valid_from)}
    blocs = [code for code, unit in latest.items() if unit.type is UnitType.BLOC]
    office = register.province.standing_office_unit
    others = [code for code in latest if code not in blocs and code != office]
    wanted_blocs = number * len(blocs) // len(latest)
    kept = {office} if office in latest else set()
    kept |= set(rng.sample(others, min(len(others), number - wanted_blocs - len(kept))))
    members = Counter(row.bloc for row in register.memberships if row.unit in kept)
    kept |= set(
        sorted((bloc for bloc in blocs if members[bloc] > 1), key=lambda bloc: (-members[bloc], bloc))[:wanted_blocs]
    )
    spare = [code for code in others if code not in kept]
    kept |= set(spare[: number - len(kept)])
    return kept | _list_forebears(register, kept)


def _list_forebears(register: Register, kept: set[str]) -> set[str]:
    """The former units that became those kept, whatever the number of steps, and the districts they were in."""
    former: set[str] = set()
    ahead = set(kept)
    while ahead:
        before = {row.predecessor for row in register.lineage if row.successor in ahead}
        before |= {unit.parent for unit in register.units if unit.code in ahead and unit.parent and unit.valid_to}
        ahead = before - former - kept
        former |= ahead
    return former


def _keep_units(tables: dict[str, Rows], kept: set[str], register: Register) -> None:
    """Removes the other units from every table. A movement whose lead goes is led by the standing office."""
    for name, columns in (
        ("units.csv", ("code",)),
        ("unit_aliases.csv", ("unit",)),
        ("lineage.csv", ("predecessor", "successor")),
        ("blocs.csv", ("bloc", "unit")),
        ("exemptions.csv", ("unit",)),
        (CONTACTS_FILE, ("unit",)),
    ):
        tables[name] = [
            row for row in tables.get(name, []) if all(not row[column] or row[column] in kept for column in columns)
        ]
    for row in tables["units.csv"]:
        row["parent"] = row["parent"] if row["parent"] in kept else ""
    for row in tables.get("movements.csv", []):
        if row["lead_unit"] not in kept:
            row["lead_unit"] = register.province.standing_office_unit
    _give_leaders(tables["blocs.csv"])
    _drop_empty_blocs(tables)


def _give_leaders(memberships: Rows) -> None:
    """A bloc whose leader went is led by the first member left, one without a deputy has the next for it."""
    blocs: defaultdict[str, Rows] = defaultdict(list)
    for row in memberships:
        blocs[row["bloc"]].append(row)
    for rows in blocs.values():
        if not any(row["role"] == "leader" for row in rows):
            rows[0]["role"] = "leader"
        others = [row for row in rows if row["role"] != "leader"]
        if others and not any(row["role"] == "deputy" for row in others):
            others[0]["role"] = "deputy"


def _drop_empty_blocs(tables: dict[str, Rows]) -> None:
    members = Counter(row["bloc"] for row in tables["blocs.csv"])
    # Leader and deputy: a bloc of one cannot be.
    filled = {bloc for bloc, number in members.items() if number > 1}
    tables["blocs.csv"] = [row for row in tables["blocs.csv"] if row["bloc"] in filled]
    tables["units.csv"] = [row for row in tables["units.csv"] if row["type"] != "bloc" or row["code"] in filled]


def _invent_units(register: Register, number: int, known: Rows) -> Rows:
    """More communes and enterprises, three to two, named as what they are: invented."""
    first = min((unit.valid_from for unit in register.lasting_units), default=None)
    recorded = register.province.recorded_at.isoformat()
    codes = {row["code"] for row in known}
    rows: Rows = []
    counts: Counter[UnitType] = Counter()
    for position in range(number):
        kind, prefix, name = _ADDED[0 if position % 5 < 3 else 1]
        counts[kind] += 1
        code = f"{register.province.agency_prefix}.{prefix}{counts[kind]:04d}"
        if code in codes:
            raise ValueError(f"the register already has a unit {code}: it cannot be enlarged")
        rows.append(
            dict.fromkeys(COLUMNS["units.csv"], "")
            | {
                "code": code,
                "name": f"{name} {counts[kind]}",
                "type": kind.value,
                "valid_from": first.isoformat() if first else "",
                "recorded_at": recorded,
            }
        )
    return rows


def _invent_contacts(units: Rows) -> Rows:
    """One who reports and one who is head, at addresses of a domain that is nobody's."""
    rows: Rows = []
    for unit in units:
        host = f"{unit['code'].rpartition('.')[2].lower()}.mophong.example"
        for role, name, local in (("reporter", "Đầu mối báo cáo", "baocao"), ("head", "Thủ trưởng", "lanhdao")):
            added = {"unit": unit["code"], "role": role, "name": f"{name} {unit['name']}", "email": f"{local}@{host}"}
            dated = {column: unit[column] for column in ("valid_from", "recorded_at")}
            rows.append(dict.fromkeys(COLUMNS[CONTACTS_FILE], "") | added | dated)
    return rows


def _read_table(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return [dict(row) for row in csv.DictReader(stream)]


def _write_table(path: Path, columns: Iterable[str], rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(columns), lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
