"""contacts.csv and alerts.yaml: sound as they stand, refused with file and line when they are not, copied by the sample."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from etl.register.alerting import ContactRole
from etl.register.model import Register, UnitType
from etl.register.read import BadRegister, read_register
from etl.sample.province import copy_register
from etl.settings import PROJECT_ROOT

REC = "2025-12-01T08:00:00+07:00"
ON = date(2026, 6, 16)
FUTURE = "2026-07-01,,2026-06-20T08:00:00+07:00"


@pytest.fixture(scope="module")
def register() -> Register:
    return read_register(PROJECT_ROOT / "register")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT_ROOT / "register", tmp_path / "register"))


def refused(folder: Path) -> BadRegister:
    with pytest.raises(BadRegister) as caught:
        read_register(folder)
    return caught.value


def test_everybody_who_reports_can_be_written_to(register: Register) -> None:
    for unit in register.units_on(ON):
        for role in (ContactRole.REPORTER, ContactRole.HEAD):
            assert register.contacts_of(unit.code, role, ON), (unit.code, role)
    for role in (ContactRole.STANDING_COUNCIL, ContactRole.STANDING_OFFICE):
        assert register.contacts_in(role, ON)
    assert all(row.email.endswith(".example") for row in register.contacts)


def test_a_bloc_answers_through_its_leader(register: Register) -> None:
    for bloc in (unit for unit in register.units_on(ON) if unit.type is UnitType.BLOC):
        leader = register.members_of(bloc.code, ON)[0].unit
        assert register.contacts_of(bloc.code, ContactRole.REPORTER, ON) == register.contacts_of(
            leader, ContactRole.REPORTER, ON
        )


def test_a_new_reporter_from_a_day_on(folder: Path) -> None:
    path = folder / "contacts.csv"
    text = path.read_text("utf-8")
    (line,) = (line for line in text.splitlines() if line.startswith("H14.SNV,reporter"))
    old = line.replace(f",,{REC}", f",2026-06-30,{REC}")
    path.write_text(text.replace(line, f"{old}\nH14.SNV,reporter,Người mới,moi@snv.example,{FUTURE}"), "utf-8")
    found = read_register(folder)
    names = [found.contacts_of("H14.SNV", ContactRole.REPORTER, day)[0].email for day in (ON, date(2026, 7, 1))]
    assert names == ["baocao@snv.caobang.example", "moi@snv.example"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"H14.ZZ,reporter,A,a@b.example,2026-01-01,,{REC}", "unknown unit 'H14.ZZ'"),
        (f"H14.SNV,chánh,A,a@b.example,2026-01-01,,{REC}", "unknown role 'chánh'"),
        (f"H14.STC,standing_office,A,a@b.example,2026-01-01,,{REC}", "stand at the standing office, H14.SNV"),
        (f"H14.SNV,reporter,,a@b.example,2026-01-01,,{REC}", "name is empty"),
        (f"H14.SNV,reporter,A,,2026-01-01,,{REC}", "email is empty"),
        (f"H14.SNV,reporter,A,a@b.example,2026-02-30,,{REC}", "is no date"),
        (f"H14.SNV,reporter,A,a@b.example,2026-02-01,2026-01-01,{REC}", "is before valid_from"),
        (f"H14.SNV,reporter,A,baocao@snv.caobang.example,2026-01-01,,{REC}", "is already valid then"),
        (f"H14.SNV,reporter,A,baocao@snv.caobang.example,2025-03-01,,{REC}", "the same row as line"),
        (f"H14.SNV,reporter,A,nguyenvana@tinh.vn,2026-01-01,,{REC}", "writes to reserved domains only"),
        (f'H14.SNV,reporter,"A\nBcc: x",a@b.example,2026-01-01,,{REC}', "stray blanks or invisible"),
        *(
            (f'H14.SNV,reporter,A,"{address}",2026-01-01,,{REC}', "email is no address")
            for address in (
                "a", "a@b", "A@b.example", "a b@c.example", "a@b.example,c@d.example", "<a@b.example>", "a@b.example>",
                "a..b@c.example", ".a@c.example", "á@b.example", "a@xã.example", "a@b_c.example", "a@-b.example",
                f"{'a' * 65}@b.example",
            )
        ),
    ],
)  # fmt: skip
def test_a_bad_contact_is_refused_at_its_line(folder: Path, row: str, reason: str) -> None:
    path = folder / "contacts.csv"
    path.write_text(path.read_text("utf-8") + row + "\n", "utf-8")
    problems = refused(folder).problems
    assert {problem.file for problem in problems} == {"contacts.csv"}
    assert {problem.line for problem in problems} == {len(path.read_text("utf-8").splitlines())}
    assert any(reason in problem.reason for problem in problems), problems
    # A list of problems ends in a log: it must not carry addresses.
    assert not any("@" in problem.reason.replace("ten@donvi.example", "") for problem in problems)
    assert not any("Bcc" in problem.reason for problem in problems)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('send_at: "07:30"', 'send_at: "7h30"', "send_at"),
        ("daily_cap: 2", "daily_cap: 0", "daily_cap"),
        ("last_rung_days: 10", "last_rung_days: 0", "last_rung_days"),
        ("quiet_days: {}", "quiet_days: {2026-02-30: Lễ}", "quiet_days"),
        ("quiet_days: {}", "quiet_days: {2026-07-27: ''}", "quiet_days"),
        ("daily_cap: 2", "daily_cap: 2\nnhac: 1", "nhac"),
        ("{rung: T-5, letter: upcoming", "{rung: T-5d, letter: upcoming", "rung"),
        ("{rung: T-5, letter: upcoming", "{rung: T-45, letter: upcoming", "more than 30 working days"),
        ("{rung: T-5, letter: upcoming", "{rung: T-1, letter: upcoming", "T-1 comes after T-1"),
        ("{rung: T-5, letter: upcoming", "{rung: T+2, letter: upcoming", "does not fit a day after"),
        ("{rung: T-5, letter: upcoming", "{rung: T-5, letter: late", "does not fit a day before"),
        ("{rung: T-5, letter: upcoming", "{rung: T-5, letter: receipt", "a receipt letter is no reminder"),
        ("{rung: T-5, letter: upcoming, to: [reporter]", "{rung: T-5, letter: upcoming, to: []", "to"),
        ("{rung: T-5, letter: upcoming, to: [reporter]", "{rung: T-5, letter: upcoming, to: [xã]", "to"),
        (
            "upcoming, to: [reporter]", "upcoming, to: [standing_council]", "goes to people of the unit",
        ),
        ("to: [standing_council]", "to: [reporter]", "goes to the province"),
        ("to: [head]", "to: [head, head]", "the same role twice"),
    ],
)  # fmt: skip
def test_a_bad_ladder_is_refused_at_its_line(folder: Path, old: str, new: str, reason: str) -> None:
    path = folder / "alerts.yaml"
    lines = path.read_text("utf-8")
    assert lines.count(old) == 1
    line = lines[: lines.index(old)].count("\n") + 1
    path.write_text(lines.replace(old, new), "utf-8")
    problems = refused(folder).problems
    assert {problem.file for problem in problems} == {"alerts.yaml"}
    found = [problem for problem in problems if reason in problem.reason]
    assert found, problems
    assert min(abs(problem.line - line) for problem in found) <= 1


def test_a_register_without_rules_for_alerts_is_refused(folder: Path) -> None:
    (folder / "alerts.yaml").unlink()
    (problem,) = refused(folder).problems
    assert problem.file == "alerts.yaml"


@pytest.mark.parametrize("units", [3, 40, 240])
def test_the_sample_has_somebody_to_write_to_for_every_unit(tmp_path: Path, units: int) -> None:
    made = copy_register(PROJECT_ROOT / "register", tmp_path, units, 5)
    codes = {unit.code for unit in made.units}
    assert {row.unit for row in made.contacts} <= codes
    for unit in made.units_on(ON):
        assert made.contacts_of(unit.code, ContactRole.REPORTER, ON), unit.code
    assert made.contacts_in(ContactRole.STANDING_OFFICE, ON)
    assert made.alerts == read_register(PROJECT_ROOT / "register").alerts
