"""The sample province: it loads, has the shape of the brief, and answers the look-ups and obligations."""

from __future__ import annotations

import pickle
from collections import Counter
from datetime import date, datetime

import pytest

from etl.calendar.deadlines import TIMEZONE
from etl.calendar.periods import Clock, PeriodKind, UnknownPeriod, parse_period
from etl.forms.library import read_forms
from etl.register.model import BlocRole, FormStatus, Register, UnitType, UnknownReport
from etl.register.obligations import build_obligations
from etl.register.read import read_register
from etl.settings import PROJECT_ROOT

SUMMER = date(2026, 6, 1)


@pytest.fixture(scope="module")
def register() -> Register:
    return read_register(PROJECT_ROOT / "register", known_forms=set(read_forms()))


def test_units(register: Register) -> None:
    counts = Counter(unit.type for unit in register.units_on(SUMMER))
    assert counts == {
        UnitType.COMMUNE: 53,
        UnitType.WARD: 3,
        UnitType.DEPARTMENT: 14,
        UnitType.PARTY: 8,
        UnitType.FRONT: 6,
        UnitType.ASSOCIATION: 10,
        UnitType.CENTRAL: 14,
        UnitType.ARMED: 2,
        UnitType.PUBLIC_SERVICE: 8,
        UnitType.ENTERPRISE: 40,
        UnitType.BLOC: 20,
    }
    assert counts.total() == 178
    assert len({unit.name for unit in register.units_on(SUMMER)}) == len(register.lasting_units) == 178
    assert register.unit_at("H14.X01273", date(2025, 6, 30)) is None
    ward = register.unit_at("H14.X01273", date(2025, 7, 1))
    assert ward is not None
    assert (ward.name, ward.type) == ("Phường Thục Phán", UnitType.WARD)


def test_every_other_unit_is_in_one_bloc_with_a_leader_and_a_deputy(register: Register) -> None:
    members: Counter[str] = Counter()
    for bloc in (unit.code for unit in register.units if unit.type is UnitType.BLOC):
        roles = Counter(row.role for row in register.members_of(bloc, SUMMER))
        assert (roles[BlocRole.LEADER], roles[BlocRole.DEPUTY]) == (1, 1)
        members.update(row.unit for row in register.members_of(bloc, SUMMER))
        assert register.members_of(bloc, SUMMER)[0].role is BlocRole.LEADER
    assert members == Counter(unit.code for unit in register.lasting_units if unit.type is not UnitType.BLOC)
    membership = register.membership_of("H14.BNC", SUMMER)
    assert membership is not None
    assert (membership.bloc, membership.role) == ("H14.KHOI05", BlocRole.LEADER)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Sở Nội vụ", "H14.SNV"),
        ("SỞ NỘI VỤ TỈNH CAO BẰNG", "H14.SNV"),
        ("Sở NN & MT", "H14.SNNMT"),
        ("xã Đàm Thủy", "H14.X01501"),
        ("UBND xã Phục Hòa", "H14.X01648"),
        ("Uỷ ban nhân dân phường Tân Giang, tỉnh Cao Bằng", "H14.X01288"),
        ("Văn phòng Đoàn ĐBQH-HĐND tỉnh", None),
        ("VP Đoàn ĐBQH–HĐND tỉnh", "H14.VPHDND"),
        ("Khối thi đua số 5", "H14.KHOI05"),
        ("tỉnh Cao Bằng", None),
        ("", None),
    ],
)
def test_units_are_found_by_name(register: Register, text: str, code: str | None) -> None:
    assert [unit.code for unit in register.find_unit_by_name(text, SUMMER)] == ([code] if code else [])
    assert register.find_unit_by_name(text, date(2020, 1, 1)) == []


def test_movements_and_aliases(register: Register) -> None:
    half = register.period("movements-half", "2026-S1")
    assert len(register.movements_on(half.start, half.end)) == 8
    assert len(register.movements_on(date(2025, 12, 15), date(2026, 2, 8))) == 6
    for text, code in [
        ("Phát triển doanh nghiệp tư nhân, nâng cao hiệu quả doanh nghiệp Nhà nước", "DNTN"),
        ("Cao Bằng chung tay vì người nghèo - Không để ai bị bỏ lại phía sau", "VNN"),
        ("Cao Bằng chung sức xây dựng nông thôn mới", "NTM"),
        ("Cán bộ, công chức, viên chức thi đua thực hiện văn hoá công sở", "VHCS"),
    ]:
        assert [movement.code for movement in register.find_movement_by_name(text)] == [code]
    assert register.find_movement_by_name("Phong trào khác") == []


def test_indicators(register: Register) -> None:
    commune = [row.code for row in register.indicators_for("NTM", UnitType.COMMUNE, SUMMER)]
    assert commune == ["DVTG", "CNTG", "NTM01", "NTM02", "NTM03", "NTM04", "NTM05"]
    assert [row.code for row in register.indicators_for("NTM", UnitType.BLOC, SUMMER)] == ["DVTG", "CNTG"]
    own = Counter(row.movement for row in register.indicators if row.movement != "*")
    assert set(own) == {movement.code for movement in register.movements}
    assert all(3 <= count <= 5 for count in own.values())


def test_reports_and_periods(register: Register) -> None:
    assert register.period("movements-half", "2026-S1").clock is Clock.ADMIN
    year = register.period("statistics-year", "2026-A1")
    assert (year.kind, year.start, year.end) == (PeriodKind.YEAR, date(2025, 12, 1), date(2026, 11, 30))
    with pytest.raises(UnknownPeriod, match="owed by half"):
        register.period("movements-half", "2026-A1")
    with pytest.raises(UnknownReport, match="known: movements-half, movements-year, statistics-year"):
        register.report("movements")
    with pytest.raises(UnknownReport, match="on 2020-01-01"):
        register.report("movements-half", date(2020, 1, 1))


def test_the_known_swaps_are_in_the_calendar(register: Register) -> None:
    workdays = register.working_days()
    days = [date(2026, 1, 2), date(2026, 1, 10), date(2026, 8, 22), date(2026, 8, 31), date(2026, 11, 24)]
    assert [workdays.is_working(day) for day in days] == [False, True, True, False, False]


def test_obligations_of_the_half(register: Register) -> None:
    owed = build_obligations(register, "movements-half", "2026-S1")
    assert len(owed) == 178
    assert len({row.unit.code for row in owed}) == 178
    assert sum(row.exempt_reason is not None for row in owed) == 3
    assert {(row.owed_from, row.owed_to) for row in owed} == {(date(2025, 12, 15), date(2026, 6, 14))}
    communes = datetime(2026, 6, 16, 23, 59, 59, tzinfo=TIMEZONE)
    others = datetime(2026, 6, 17, 23, 59, 59, tzinfo=TIMEZONE)
    for row in owed:
        local = row.unit.type in (UnitType.COMMUNE, UnitType.WARD)
        assert row.due_at == (communes if local else others)
        forms = ["F00", "F03"] if row.unit.type is UnitType.BLOC else ["F00", "F03", "F05", "F07"]
        assert row.forms == dict.fromkeys(forms, FormStatus.MANDATORY)


def test_obligations_of_the_statistics_year(register: Register) -> None:
    owed = build_obligations(register, "statistics-year", "2026-A1")
    assert len(owed) == 158
    assert UnitType.BLOC not in {row.unit.type for row in owed}
    assert {row.due_at.date() for row in owed} == {date(2026, 12, 4), date(2026, 12, 8)}
    assert {tuple(row.forms) for row in owed} == {("F00", "F02", "F04", "F05", "F09")}
    assert all(row.exempt_reason is None for row in owed)


def test_obligations_take_the_clock_of_the_report(register: Register) -> None:
    foreign = parse_period("2026-S1", Clock.STATISTICS)
    assert {row.period.end for row in build_obligations(register, "movements-half", foreign)} == {date(2026, 6, 14)}
    with pytest.raises(UnknownPeriod):
        build_obligations(register, "statistics-year", "2026-S1")


def test_the_register_survives_pickling(register: Register) -> None:
    assert pickle.loads(pickle.dumps(register)) == register  # noqa: S301 - our own bytes
