"""The board's rates by unit type, bloc and district of old, its consistency over earlier periods, and its restatement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from changing_register import REPORT, Office, at, make_register, unit
from changing_register import add_rows as add
from hypothesis import given
from hypothesis import strategies as st

from etl.calendar.deadlines import TIMEZONE
from etl.register.model import Register
from etl.register.read import read_register
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.board import STATUSES, Board, BoardLine, read_board
from etl.usecases.board_groups import (
    NO_BLOC,
    NO_DISTRICT,
    SEVERAL_DISTRICTS,
    UNKNOWN_DISTRICT,
    KnownUnit,
    Structure,
    group_board,
    restate_board,
)

DUE = datetime(2026, 6, 16, 23, 59, 59, tzinfo=TIMEZONE)


def structure_of(register: Register) -> Structure:
    units: dict[str, list[KnownUnit]] = {}
    for row in register.units:
        known = KnownUnit(row.code, row.name, row.type.value, row.parent, row.valid_from, row.valid_to)
        units.setdefault(row.code, []).append(known)
    forebears: dict[str, list[str]] = {}
    for step in register.lineage:
        forebears.setdefault(step.successor or "", []).append(step.predecessor)
    blocs = {row.unit: [(row.bloc, row.valid_from, row.valid_to)] for row in register.memberships}
    return Structure(units, forebears, blocs, datetime(2026, 6, 14, tzinfo=TIMEZONE).date())


def shown(code: str, unit_type: str, status: str = "on_time", heir: str | None = None) -> BoardLine:
    received = DUE if status in ("on_time", "late") else None
    return BoardLine(code, code, unit_type, status, DUE, received, 0 if received else None, 1, None, heir)  # type: ignore[arg-type]


def board_of(*lines: BoardLine) -> Board:
    return Board(REPORT, "Báo cáo", "2026-S1", "kỳ", "admin", DUE, list(lines))


@pytest.fixture(scope="module")
def structure() -> Structure:
    return structure_of(read_register(PROJECT_ROOT / "register"))


@pytest.mark.parametrize(
    ("code", "unit_type", "cut", "expected"),
    [
        ("H14.X01273", "ward", "type", ("ward", "Phường")),
        ("H14.X01273", "ward", "district", ("H14.THANHPHO.CAOBANG", "Thành phố Cao Bằng")),
        ("H14.X01297", "commune", "district", (None, UNKNOWN_DISTRICT)),
        ("H14.SNV", "department", "district", (None, NO_DISTRICT)),
        ("H14.SNV", "department", "bloc", ("H14.KHOI01", "Khối thi đua số 1")),
        ("H14.KHOI01", "bloc", "bloc", ("H14.KHOI01", "Khối thi đua số 1")),
        ("H14.ZZ", "department", "bloc", (None, NO_BLOC)),
    ],
)
def test_where_a_unit_is_counted(
    structure: Structure, code: str, unit_type: str, cut: str, expected: tuple[str | None, str]
) -> None:
    (group,) = group_board(board_of(shown(code, unit_type)), cut, structure)  # type: ignore[arg-type]
    assert (group.key, group.name[: len(expected[1])]) == expected


def test_a_commune_of_two_districts_is_in_neither(structure: Structure) -> None:
    both = Structure(structure.units, {"H14.X01273": ["H14.CU01273.4", "H14.CU01294.1"]}, {}, structure.last_day)
    (group,) = group_board(board_of(shown("H14.X01273", "ward")), "district", both)
    assert (group.key, group.name) == (None, SEVERAL_DISTRICTS)


LINES = st.lists(
    st.tuples(st.sampled_from(STATUSES), st.sampled_from([None, "H14.M0", "H14.M1"])), min_size=1, max_size=8
).map(
    lambda drawn: [
        *(shown(f"H14.U{place}", "commune", status, heir) for place, (status, heir) in enumerate(drawn)),
        shown("H14.M0", "commune", drawn[0][0]),
    ]
)  # fmt: skip


@given(LINES)
def test_restated_numerators_stay_parts_of_what_is_expected(lines: list[BoardLine]) -> None:
    board = board_of(*lines)
    restated = restate_board(board, Structure({}, {}, {}, DUE.date()))
    counts, rates = restated.counts, restated.rates
    assert counts["on_time"] + counts["late"] <= counts["expected"] <= board.counts["expected"]
    assert sum(line.attempts for line in restated.units) == sum(line.attempts for line in lines)
    # Every obligation stands behind exactly one line, and a line that is met has no unmet obligation behind it.
    behind = [code for line in restated.units for code in (line.restated_from or (line.unit,))]
    assert sorted(behind) == sorted(line.unit for line in lines)
    states = {line.unit: line.status for line in lines}
    for line in restated.units:
        parts = {states[code] for code in line.restated_from or (line.unit,)} - {"exempt"}
        assert (line.status in ("on_time", "late")) == (bool(parts) and parts <= {"on_time", "late"})
    if rates["timeliness"] is not None:
        assert 0 <= rates["timeliness"] <= rates["completeness"] <= 1  # type: ignore[operator]


def test_consistency_is_the_share_of_earlier_periods_sent_in_time(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    folder = make_register(tmp_path / "register", units=4)
    add(folder, "units.csv", unit("A"), unit("B"), unit("C", "2026-09-01"))
    add(folder, "exemptions.csv", {"unit": "H14.B", "report": REPORT, "period": "2026-S1", "reason": "lý do"})
    office = Office(make_settings(folder), at("2026-06-15T08:00"))
    office.open()
    office.send("A")
    office.now = at("2027-07-20T08:00")
    office.reload()
    with office.context() as context:
        first, second, third = (
            read_board(context, REPORT, code, office.now, with_past=True) for code in ("2026-S1", "2026-S2", "2027-S1")
        )
        early = read_board(context, REPORT, "2026-S2", at("2026-06-16T08:00"), with_past=True)
    past = [{line.unit: line.past for line in board.units} for board in (first, second, third)]
    assert [found["H14.A"] for found in past] == [(0, 0), (1, 1), (1, 2)]
    assert [found["H14.B"] for found in past] == [(0, 0), (0, 0), (0, 1)]
    assert past[2]["H14.C"] == (0, 1)  # it owed the second half of 2026 only
    assert first.rates["consistency"] is None
    assert 0 < third.rates["consistency"] < second.rates["consistency"]  # type: ignore[operator]
    assert {line.past for line in early.units} == {(0, 0)}  # nothing was due yet
    shown_a = next(line.as_json() for line in third.units if line.unit == "H14.A")
    assert (shown_a["consistency"], shown_a["inherited_by"]) == (0.5, None)
