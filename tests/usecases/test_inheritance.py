"""Units that end while they owe: who inherits what, on the board as it was and restated, on a real warehouse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from changing_register import PERIOD, REPORT, Office, add_rows, at, line, make_register, unit

from etl.register.obligations import build_obligations
from etl.register.read import read_register
from etl.settings import Settings

SUMMER = at("2026-07-20T08:00")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_register(tmp_path / "register")


@pytest.fixture
def office(folder: Path, make_settings: Callable[..., Settings]) -> Office:
    return Office(make_settings(folder), at("2026-05-02T08:00"))


def owed(folder: Path, *codes: str, by: date | None = None) -> list[tuple[str | None, str, str, str | None]]:
    """(heir, first and last day owed, why it lapsed) of units of the test's own."""
    found = {row.unit.code: row for row in build_obligations(read_register(folder), REPORT, PERIOD, by)}
    rows = [found[f"H14.{code}"] for code in codes]
    return [(row.inherited_by, row.owed_from.isoformat(), row.owed_to.isoformat(), row.lapsed_reason) for row in rows]


def test_a_merger_within_the_window(folder: Path, office: Office) -> None:
    add_rows(folder, "units.csv", unit("A", end="2026-03-31"), unit("B", end="2026-03-31"), unit("M", "2026-04-01"))
    add_rows(folder, "lineage.csv", line("A", "M", "merge", "2026-04-01"), line("B", "M", "merge", "2026-04-01"))
    assert owed(folder, "A", "B", "M") == [
        ("H14.M", "2025-12-15", "2026-03-31", None),
        ("H14.M", "2025-12-15", "2026-03-31", None),
        (None, "2026-04-01", "2026-06-14", None),
    ]
    office.open()
    office.now = at("2026-06-15T08:00")
    office.send("A")
    office.send("M")
    assert office.states("A", "B", "M") == ["on_time", "pending", "on_time"]
    assert office.heirs("A", "B", "M") == ["H14.M", "H14.M", None]
    assert office.states("A", "B", "M", restated=True) == [None, None, "pending"]
    office.now = SUMMER
    before = office.board()
    assert office.states("B") == ["missing"]
    assert office.states("M", restated=True) == ["missing"]
    # The report of B comes from its successor, under the code of B.
    office.send("B")
    office.now = at("2026-07-21T08:00")
    assert office.states("A", "B", "M") == ["on_time", "late", "on_time"]
    restated = office.board(restated=True)
    (merged,) = [shown for shown in restated.units if shown.unit == "H14.M"]
    assert (merged.status, merged.attempts, merged.restated_from) == ("late", 3, ("H14.A", "H14.B", "H14.M"))
    assert (merged.due_at.date(), merged.accepted_at) == (date(2026, 6, 17), SUMMER)
    assert restated.counts["expected"] == office.board().counts["expected"] - 2 == before.counts["expected"] - 2
    office.boards()  # subsets, in every cut


def test_an_obligation_of_a_whole_window_passes_on_afterwards(folder: Path, office: Office) -> None:
    add_rows(folder, "units.csv", unit("A", end="2026-06-30"), unit("C"))
    add_rows(folder, "lineage.csv", line("A", "C", "absorb", "2026-07-01"))
    office.open()
    office.now = at("2026-06-20T08:00")
    assert office.heirs("A") == [None]  # A is still there to be asked itself
    assert office.states("A", "C", restated=True) == ["missing", "missing"]
    office.now = SUMMER
    office.reload()
    assert office.heirs("A", "C") == ["H14.C", None]
    assert all(shown.inherited_by is None for shown in office.board(at("2026-06-20T08:00")).units)
    office.send("C")
    assert office.states("A", "C") == ["missing", "late"]
    assert office.states("A", "C", restated=True) == [None, "missing"]


def test_a_successor_that_came_after_the_window_has_a_line_only_restated(folder: Path, office: Office) -> None:
    add_rows(folder, "units.csv", unit("A", end="2026-06-30"), unit("B", end="2026-06-30"), unit("M", "2026-07-01"))
    add_rows(folder, "lineage.csv", line("A", "M", "merge", "2026-07-01"), line("B", "M", "merge", "2026-07-01"))
    office.now = SUMMER
    office.open()
    assert office.states("A", "B", "M") == ["missing", "missing", None]
    (shown,) = [row for row in office.board(restated=True).units if row.unit == "H14.M"]
    assert (shown.unit_name, shown.unit_type, shown.status) == ("Trung tâm M", "public_service", "missing")


@pytest.mark.parametrize(
    ("shares", "heir"),
    [(("0.3", "0.7"), "H14.C"), (("0.7", "0.3"), "H14.B"), (("", ""), "H14.B"), (("0.5", "0.5"), "H14.B")],
)
def test_a_divided_unit_passes_on_to_its_largest_part(folder: Path, shares: tuple[str, str], heir: str) -> None:
    add_rows(folder, "units.csv", unit("A", end="2026-03-31"), unit("B", "2026-04-01"), unit("C"))
    parts = zip(("B", "C"), shares, strict=True)
    add_rows(folder, "lineage.csv", *(line("A", code, "split", "2026-04-01", share) for code, share in parts))
    assert [row[0] for row in owed(folder, "A", "B", "C")] == [heir, None, None]


def test_a_unit_that_only_lost_a_part_owes_itself(folder: Path) -> None:
    add_rows(folder, "units.csv", unit("A"), unit("B", "2026-04-01"))
    add_rows(folder, "lineage.csv", line("A", "B", "split", "2026-04-01", "0.2"))
    assert owed(folder, "A", "B") == [
        (None, "2025-12-15", "2026-06-14", None), (None, "2026-04-01", "2026-06-14", None),
    ]  # fmt: skip


def test_a_rename_keeps_one_obligation_with_its_code_and_passes_on_to_another(folder: Path) -> None:
    add_rows(
        folder, "units.csv", unit("A", end="2026-03-31"), unit("A", "2026-04-01", name="Trung tâm mới"),
        unit("B", end="2026-03-31"), unit("B2", "2026-04-01"),
    )  # fmt: skip
    add_rows(folder, "lineage.csv", line("A", "A", "rename", "2026-04-01"), line("B", "B2", "rename", "2026-04-01"))
    assert owed(folder, "A", "B", "B2") == [
        (None, "2025-12-15", "2026-06-14", None),
        ("H14.B2", "2025-12-15", "2026-03-31", None),
        (None, "2026-04-01", "2026-06-14", None),
    ]


def test_a_chain_is_followed_to_its_end_and_only_as_far_as_it_has_come(folder: Path) -> None:
    add_rows(
        folder, "units.csv", unit("A", end="2026-01-31"), unit("B", "2026-02-01", "2026-04-30"), unit("C", "2026-05-01"),
    )  # fmt: skip
    add_rows(folder, "lineage.csv", line("A", "B", "rename", "2026-02-01"), line("B", "C", "rename", "2026-05-01"))
    for day, heirs in (("2026-01-31", [None, None]), ("2026-02-01", ["H14.B", None]), ("2026-05-01", ["H14.C"] * 2)):
        assert [row[0] for row in owed(folder, "A", "B", by=date.fromisoformat(day))] == heirs
    assert [row[0] for row in owed(folder, "A", "B")] == ["H14.C", "H14.C"]


def test_who_ends_without_a_successor_before_the_due_day_is_excused_unless_it_reported(
    folder: Path, office: Office
) -> None:
    add_rows(
        folder, "units.csv", unit("A", end="2026-05-31"), unit("B", end="2026-05-31"), unit("C", end="2026-06-30"),
    )  # fmt: skip
    add_rows(folder, "lineage.csv", *(line(code, "", "abolish", "2026-06-01") for code in "AB"))
    add_rows(folder, "lineage.csv", line("C", "", "abolish", "2026-07-01"))
    office.now = at("2026-05-20T08:00")
    office.open()
    office.send("B")
    assert office.states("A", "B", "C") == ["pending", "on_time", "pending"]
    office.now = SUMMER
    office.reload()
    assert office.states("A", "B", "C") == ["exempt", "on_time", "missing"]
    assert office.states("A", "B", "C", restated=True) == ["exempt", "on_time", "missing"]
    reason = next(row.exempt_reason for row in office.board().units if row.unit == "H14.A")
    assert reason == "Đơn vị kết thúc hoạt động từ ngày 01/06/2026, không có đơn vị kế thừa (QĐ thử nghiệm)"
    assert {row.unit: row.status for row in office.board(at("2026-05-21T08:00")).units}["H14.A"] == "pending"
    office.boards()
