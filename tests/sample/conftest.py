"""Drafts the sample tests share: a commune with figures written by hand, so that every fault has a place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from etl.forms.declaration import FIELD_COLUMN, LIST_KEY_SEPARATOR, CellKey, Form
from etl.forms.library import read_forms
from etl.register.model import Register, UnitType
from etl.register.read import read_register
from etl.sample.answers import Answer, write_plain
from etl.sample.draft import Draft, Setting
from etl.sample.fill import start_draft

REGISTER_FOLDER = Path(__file__).resolve().parents[2] / "register"

# Column 2 of F05 as Bắc Kạn published for 2020: 245 collectives, 468 individuals, 179 of them leaders.
AWARDS = {
    "2": {"02": 245, "03": 20, "04": 4, "05": 468, "06": 1, "07": 40, "08": 30, "09": 108,
          "10": 289, "11": 500, "12": 217},
    "3": {"05": 64, "06": 0, "07": 4, "08": 10, "09": 20, "10": 30, "11": 64},
    "4": {"02": 36, "03": 2, "11": 36},
    "5": {"05": 425, "07": 25, "10": 400, "16": 425},
    "6": {"02": 145, "03": 5, "11": 145},
}  # fmt: skip
STRUCTURE = {"01": 468, "02": 179, "04": 289, "06": 200, "07": 150, "08": 20}


@pytest.fixture(scope="session")
def register() -> Register:
    return read_register(REGISTER_FOLDER)


@pytest.fixture(scope="session")
def forms() -> Mapping[str, Form]:
    return read_forms()


def start_by_hand(register: Register, forms: Mapping[str, Form], unit_type: UnitType) -> Draft:
    """A clean draft for 2026-S1 with the figures above and, in F03, plan 200, result 50, running total 60, 25 %."""
    period = register.period("movements-half", "2026-S1")
    unit = next(unit for unit in register.units_on(period.end) if unit.type is unit_type)
    setting = Setting(register, register.report("movements-half"), period, unit)
    draft = start_draft(setting, forms, date(2026, 6, 15), "by hand")
    draft.write(CellKey("F00", "08", FIELD_COLUMN), Answer("no", "Không"))
    for key in list(draft.answers):
        if key.form == "F03":
            draft.cell(CellKey("F03", key.row, "A")).value = key.row.partition(LIST_KEY_SEPARATOR)[0]
            numbers = {"1": 200, "2": 50, "3": 60, "4": 25}
            if key.column in numbers:
                draft.write(key, write_plain(numbers[key.column]))
        elif key.form == "F05" and (key.row, key.column) not in draft.layouts["F05"].not_applicable_cells:
            draft.write(key, write_plain(award_at(key.row, key.column)))
        elif key.form == "F07" and key.row in STRUCTURE:
            draft.write(key, write_plain(STRUCTURE[key.row]))
    if "F07" in draft.layouts:
        draft.write(CellKey("F07", "03", FIELD_COLUMN), Answer(Decimal("38.2"), "38,2", decimals=1))
        draft.write(CellKey("F07", "05", FIELD_COLUMN), Answer(Decimal("61.8"), 61.8, decimals=1))
    assert draft.findings() == []
    return draft


def start_year(
    register: Register, forms: Mapping[str, Form], unit_type: UnitType, seed: int, report: str = "movements-year"
) -> Draft:
    """A clean draft for 2026-A1 as the sample draws it: with every form of the catalogue that the unit sends."""
    period = register.period(report, "2026-A1")
    unit = next(unit for unit in register.units_on(period.end) if unit.type is unit_type)
    setting = Setting(register, register.report(report), period, unit)
    draft = start_draft(setting, forms, date(2026, 12, 15), f"year {seed}")
    assert draft.findings() == []
    return draft


def award_at(row: str, column: str) -> int:
    if column == "1":
        return sum(award_at(row, part) for part in "2345")
    numbers = AWARDS[column]
    if row == "01":
        return numbers.get("02", 0) + numbers.get("04", 0) + numbers.get("05", 0)
    return numbers.get(row, 0)


@pytest.fixture(scope="session")
def _clean(register: Register, forms: Mapping[str, Form]) -> dict[UnitType, Draft]:
    return {kind: start_by_hand(register, forms, kind) for kind in (UnitType.COMMUNE, UnitType.BLOC)}


@pytest.fixture(scope="session")
def _year(register: Register, forms: Mapping[str, Form]) -> list[Draft]:
    return [
        start_year(register, forms, kind, seed)
        for seed in range(3)
        for kind in (UnitType.COMMUNE, UnitType.DEPARTMENT, UnitType.BLOC, UnitType.ARMED)
    ] + [start_year(register, forms, UnitType.DEPARTMENT, seed, "statistics-year") for seed in range(3)]


@pytest.fixture
def year_drafts(_year: list[Draft]) -> list[Draft]:
    """Clean drafts of the year's report, for the forms that the half-year's does not have."""
    return _year  # planting copies what it is given, and a test says so


@pytest.fixture
def commune_draft(_clean: dict[UnitType, Draft]) -> Draft:
    return _clean[UnitType.COMMUNE].copy()


@pytest.fixture
def bloc_draft(_clean: dict[UnitType, Draft]) -> Draft:
    return _clean[UnitType.BLOC].copy()
