"""A changed register: previewed exactly, applied in one step with who and why, and nothing lost on the way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from changing_register import PERIOD, REPORT, Office, add_rows, at, correct, line, make_register, unit
from test_ingest import fingerprint

from etl.register.read import BadRegister
from etl.settings import Settings
from etl.usecases.register_change import PeriodChange, RegisterChange, apply_change, preview_change

NOW = at("2026-07-20T08:00")
BEFORE = (unit("A"), unit("B"), unit("C"), unit("D"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    register = make_register(tmp_path / "register")
    add_rows(register, "units.csv", *BEFORE)
    return register


@pytest.fixture
def office(folder: Path, make_settings: Callable[..., Settings]) -> Office:
    office = Office(make_settings(folder), at("2026-06-01T08:00"))
    office.open()
    office.now = at("2026-06-15T08:00")
    office.send("A")
    office.now = NOW
    return office


@pytest.fixture
def new(folder: Path, tmp_path: Path) -> Path:
    """A and B become M, D was never, E is new, the departments' day moves, C is excused."""
    new = Path(shutil.copytree(folder, tmp_path / "new"))
    add_rows(
        new, "units.csv", *(correct(unit(code, end="2026-06-30"), NOW) for code in "AB"), unit("M", "2026-07-01"), unit("E"),
    )  # fmt: skip
    units = new / "units.csv"
    units.write_text("".join(row for row in units.read_text("utf-8").splitlines(True) if "H14.D," not in row), "utf-8")
    add_rows(new, "lineage.csv", line("A", "M", "merge", "2026-07-01"), line("B", "M", "merge", "2026-07-01"))
    add_rows(new, "exemptions.csv", {"unit": "H14.C", "report": REPORT, "period": PERIOD, "reason": "Mới kiện toàn"})
    reports = new / "reports.yaml"
    reports.write_text(reports.read_text("utf-8").replace("days: 3", "days: 4", 1), "utf-8")
    return new


def preview(office: Office, folder: Path) -> RegisterChange:
    with office.context() as context:
        return preview_change(context, folder)


def apply(office: Office, folder: Path, by: str = "nguyen.van.a", why: str = "sắp xếp đơn vị") -> RegisterChange:
    with office.context() as context:
        return apply_change(context, folder, by=by, why=why)


def the_half(change: RegisterChange) -> PeriodChange:
    (found,) = [period for period in change.periods if (period.report, period.period) == (REPORT, PERIOD)]
    return found


def print_fingerprint(office: Office) -> dict[str, str]:
    with office.context() as context:
        found: dict[str, str] = fingerprint(context)
    return found


def audit(office: Office) -> list[tuple[str, str, dict[str, object]]]:
    with office.context() as context, context.engine.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT changed_by, reason, summary FROM ops.register_change ORDER BY id")
        ).all()
    return [(row[0], row[1], json.loads(row[2])) for row in rows]


def test_a_preview_tells_who_gains_loses_inherits_and_whose_day_moves_and_writes_nothing(
    office: Office, new: Path
) -> None:
    before = print_fingerprint(office)
    change = preview(office, new)
    assert print_fingerprint(office) == before
    half = the_half(change)
    assert (half.gained, half.lost) == (["H14.E"], ["H14.D"])
    assert half.inherited == [("H14.A", "H14.M", False), ("H14.B", "H14.M", True)]
    assert half.excused == [("H14.C", "Mới kiện toàn")]
    assert {"H14.A", "H14.B", "H14.C"} <= {code for code, _, _ in half.due_moved}
    assert {(was.day, now.day) for _, was, now in half.due_moved} == {(17, 18)}
    tables = {table.table: table for table in change.tables}
    assert tables["unit"].added == ["H14.E 2025-07-01", "H14.M 2026-07-01"]
    assert tables["unit"].ended == ["H14.D 2025-07-01"]
    assert tables["unit"].changed == [(f"H14.{c} 2025-07-01", {"valid_to": (None, "2026-06-30")}) for c in "AB"]
    assert len(tables["lineage"].added) == 2
    assert set(change.files) == {"units.csv", "lineage.csv", "exemptions.csv", "reports.yaml"}
    assert not change.applied
    json.dumps(change.as_json())


def test_what_is_applied_is_what_was_previewed_with_who_and_why(office: Office, new: Path, folder: Path) -> None:
    before = office.boards(at("2026-07-19T08:00"))
    old_files = {path.name: path.read_bytes() for path in folder.iterdir()}
    seen = preview(office, new)
    change = apply(office, new)
    assert (change.tables, change.periods, change.files, change.applied) == (
        seen.tables,
        seen.periods,
        seen.files,
        True,
    )
    assert office.states("A", "B", "C", "D", "E") == ["on_time", "missing", "exempt", None, "missing"]
    assert office.boards(at("2026-07-19T08:00")) == before
    ((by, why, summary),) = audit(office)
    assert (by, why) == ("nguyen.van.a", "sắp xếp đơn vị")
    assert summary == json.loads(json.dumps(change.as_json(), default=str))
    for name in change.files:
        assert (folder / name).read_bytes() == (new / name).read_bytes()
    (kept,) = (office.settings.home / "register-history").iterdir()
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == old_files
    with office.context() as context, context.engine.connect() as connection:
        gone = connection.execute(
            sa.text("SELECT count(*) FROM register.unit WHERE code = 'H14.D' AND retired_at IS NOT NULL")
        ).scalar_one()
    assert gone == 1


def test_the_same_again_changes_nothing(office: Office, new: Path) -> None:
    apply(office, new)
    after = print_fingerprint(office)
    assert preview(office, new).is_empty
    assert apply(office, new).is_empty
    assert print_fingerprint(office) == after
    assert len(audit(office)) == 1


def test_files_edited_in_place_are_previewed_against_the_warehouse(office: Office, folder: Path) -> None:
    add_rows(folder, "units.csv", unit("F"))
    change = preview(office, folder)
    assert the_half(change).gained == ["H14.F"]
    assert change.files == []
    apply(office, folder)
    assert office.states("F") == ["missing"]


def test_an_unsound_register_changes_nothing(office: Office, new: Path) -> None:
    add_rows(new, "lineage.csv", line("C", "M", "merge", "2026-07-01"))
    before = print_fingerprint(office)
    with pytest.raises(BadRegister, match=r"lineage.csv:\d+: H14.C still exists on 2026-07-01"):
        apply(office, new)
    assert print_fingerprint(office) == before


def test_nobody_changes_the_register_without_a_name_and_a_reason(office: Office, new: Path) -> None:
    for by, why in (("", "lý do"), ("ai đó", "  ")):
        with pytest.raises(ValueError, match="--by and --why"):
            apply(office, new, by, why)
    assert audit(office) == []


def test_files_that_cannot_be_put_in_place_leave_the_warehouse_as_it_was(
    office: Office, new: Path, folder: Path
) -> None:
    before = print_fingerprint(office)
    # A folder in the place of the copy cannot be written over, whoever asks.
    (folder / ".units.csv.new").mkdir()
    old_files = {path.name: path.read_bytes() for path in folder.glob("*.csv") if path.is_file()}
    with pytest.raises(OSError, match="units"):
        apply(office, new)
    assert print_fingerprint(office) == before
    assert {path.name: path.read_bytes() for path in folder.glob("*.csv") if path.is_file()} == old_files


def test_contacts_are_counted_and_not_named(office: Office, new: Path) -> None:
    address = "moi@donvi.example"
    add_rows(
        new, "contacts.csv",
        {"unit": "H14.C", "role": "reporter", "name": "Đầu mối mới", "email": address, "valid_from": "2026-07-01"},
    )  # fmt: skip
    shown = json.dumps(preview(office, new).as_json(), ensure_ascii=False)
    assert '"contact": {"added": 1, "ended": 0, "changed": 0}' in shown
    assert address not in shown
    assert "Đầu mối mới" not in shown


def test_a_report_that_is_dropped_takes_its_obligations_along(office: Office, new: Path) -> None:
    reports = new / "reports.yaml"
    text = reports.read_text("utf-8")
    reports.write_text(text[: text.index("  - code: statistics-year")], "utf-8")
    change = preview(office, new)
    dropped = [period for period in change.periods if period.report == "statistics-year"]
    assert dropped
    assert all(period.lost and not period.gained for period in dropped)
    apply(office, new)
    with office.context() as context, context.engine.connect() as connection:
        left = connection.execute(
            sa.text("SELECT count(*) FROM register.obligation WHERE report = 'statistics-year' AND retired_at IS NULL")
        ).scalar_one()
    assert left == 0
