"""The reorganisation of 2025 in the sample register: former units, districts where named, lineage; nothing owed since."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from etl.calendar.periods import Clock, Period, PeriodKind, parse_period, periods_between
from etl.register.heirs import find_succession
from etl.register.lineage import find_comparable_units
from etl.register.model import LineageKind, Register, UnitType
from etl.register.obligations import build_obligations
from etl.register.read import read_register
from etl.settings import PROJECT_ROOT

EVE, DAY = date(2025, 6, 30), date(2025, 7, 1)


@pytest.fixture(scope="module")
def register() -> Register:
    return read_register(PROJECT_ROOT / "register")


def half(code: str) -> Period:
    return parse_period(code, Clock.ADMIN)


def test_every_commune_of_today_has_its_predecessors(register: Register) -> None:
    today = [unit.code for unit in register.units_on(DAY) if unit.type in (UnitType.COMMUNE, UnitType.WARD)]
    came_from = Counter(row.successor for row in register.lineage)
    assert len(today) == 56
    assert set(came_from) == set(today)
    assert min(came_from.values()) >= 2
    assert {row.valid_from for row in register.lineage} == {DAY}
    former = Counter(unit.type for unit in register.units_on(EVE) if unit.valid_to == EVE)
    assert (former[UnitType.TOWNSHIP], former[UnitType.HAMLET], former[UnitType.DISTRICT]) == (14, 1, 9)
    assert sum(former[kind] for kind in (UnitType.COMMUNE, UnitType.WARD, UnitType.TOWNSHIP)) == 160
    assert all("cần bổ sung số nghị quyết" in (row.legal_basis or "") for row in register.lineage)


def test_districts_stand_only_where_the_source_names_them(register: Register) -> None:
    named = [unit for unit in register.units_on(EVE) if unit.parent]
    assert len(named) == 13
    (here,) = [unit for unit in named if unit.code == "H14.CU01273.4"]
    assert (here.name, here.parent) == ("Xã Hưng Đạo", "H14.THANHPHO.CAOBANG")


def test_names_of_the_day_are_found_though_units_of_before_bore_them_too(register: Register) -> None:
    assert [unit.code for unit in register.find_unit_by_name("xã Hưng Đạo", DAY)] == ["H14.X01351"]
    assert {unit.parent for unit in register.find_unit_by_name("xã Hưng Đạo", EVE)} == {
        *("H14.THANHPHO.CAOBANG", "H14.HUYEN.BAOLAC", "H14.HUYEN.NGUYENBINH"),
    }


def test_a_code_that_survived_is_two_units(register: Register) -> None:
    before, after = register.unit_versions("H14.X01288")
    assert (before.valid_to, after.valid_from) == (EVE, DAY)
    (row,) = [row for row in register.lineage if row.predecessor == "H14.X01288"]
    assert (row.successor, row.kind) == ("H14.X01288", LineageKind.MERGE)
    passed = find_succession(register, before)
    assert passed is None  # the code goes on; its obligations would be one


def test_whole_predecessors_are_added_up_and_a_hamlet_makes_it_incomparable(register: Register) -> None:
    then, now = half("2025-S1"), half("2026-S1")
    found = find_comparable_units(register, "H14.X01288", then, now)
    assert found == {"H14.X01288", *(f"H14.CU01288.{n}" for n in (2, 3, 4, 5))}
    assert find_comparable_units(register, "H14.X01304", then, now) is None
    others = [
        unit.code for unit in register.units_on(DAY) if unit.type is UnitType.COMMUNE and unit.code != "H14.X01304"
    ]
    assert all(find_comparable_units(register, unit, then, now) for unit in others)


def test_former_units_owe_nothing(register: Register) -> None:
    former = {unit.code for unit in register.units_on(EVE)} - {unit.code for unit in register.units_on(DAY)}
    for report in register.reports:
        for period in periods_between(report.frequency, report.clock, report.valid_from, date(2027, 1, 1)):
            if report.rules(period) and period.kind is not PeriodKind.ONE_OFF:
                owed = build_obligations(register, report.code, period)
                assert not former & {row.unit.code for row in owed}
                assert {row.inherited_by for row in owed} == {None}
    assert find_succession(register, register.unit_versions("H14.CU01273.1")[0]).heir == "H14.X01273"  # type: ignore[union-attr]
