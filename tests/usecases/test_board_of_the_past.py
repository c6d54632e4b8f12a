"""A board of a past instant is what was printed then, whatever was learnt since: random histories on a real warehouse."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from changing_register import PERIOD, REPORT, Office, add_rows, at, correct, line, make_register, unit

from etl.calendar.deadlines import TIMEZONE
from etl.settings import Settings
from etl.usecases.context import open_context
from etl.usecases.register_change import apply_change

STEPS = 26


@dataclass
class History:
    """Events at instants that only go on; after each, what the office prints."""

    office: Office
    folder: Path
    rng: Random
    alive: list[str] = field(default_factory=lambda: list("ABCDEF"))
    exempt: set[str] = field(default_factory=set)
    born: int = 0
    printed: list[tuple[str, datetime, Any]] = field(default_factory=list)

    def go_on(self) -> None:
        self.office.now += timedelta(
            days=self.rng.randint(0, 6), hours=self.rng.randint(1, 23), seconds=self.rng.randint(0, 59)
        )

    def print(self, what: str) -> None:
        self.printed.append((what, self.office.now, self.office.boards()))

    @property
    def today(self) -> str:
        return self.office.now.astimezone(TIMEZONE).date().isoformat()

    @property
    def eve(self) -> str:
        return (self.office.now.astimezone(TIMEZONE).date() - timedelta(days=1)).isoformat()

    def send(self) -> None:
        self.office.send(self.rng.choice("ABCDEF"), self.rng.choice(["accept", "accept", "return"]))

    def decide(self) -> None:
        if self.office.sent:
            self.office.decide(self.rng.choice(self.office.sent), self.rng.choice(["accept", "return"]))

    def revalidate(self) -> None:
        if self.office.sent:
            self.office.examine_again(self.rng.choice(self.office.sent), self.rng.choice(["accept", "return"]))

    def excuse_or_not(self) -> None:
        code = self.rng.choice("ABCDEF")
        row = {
            "unit": f"H14.{code}",
            "report": REPORT,
            "period": PERIOD,
            "reason": "lý do",
            "recorded_at": self.office.now.isoformat(),
        }
        add_rows(self.folder, "exemptions.csv", {**row, "withdrawn": "yes" if code in self.exempt else ""})
        self.exempt ^= {code}
        self.office.reload()

    def register_late(self) -> None:
        self.born += 1
        add_rows(self.folder, "units.csv", unit(f"N{self.born}", "2026-01-01", recorded_at=self.office.now.isoformat()))
        self.office.reload()

    def merge(self) -> None:
        if len(self.alive) < 3:
            return
        gone = self.rng.sample(self.alive, 2)
        self.born += 1
        heir = f"N{self.born}"
        self.alive = [code for code in self.alive if code not in gone]
        add_rows(self.folder, "units.csv", *(correct(unit(code, end=self.eve), self.office.now) for code in gone))
        add_rows(self.folder, "units.csv", unit(heir, self.today, recorded_at=self.office.now.isoformat()))
        add_rows(self.folder, "lineage.csv", *(line(code, heir, "merge", self.today) for code in gone))
        self.office.reload()

    def abolish(self) -> None:
        if len(self.alive) < 3:
            return
        code = self.alive.pop()
        add_rows(self.folder, "units.csv", correct(unit(code, end=self.eve), self.office.now))
        add_rows(self.folder, "lineage.csv", line(code, "", "abolish", self.today))
        self.office.reload()

    def swap_a_day(self) -> None:
        """A day after the due day turns out to be off: from now on a late report has fewer days late, not before."""
        day = at("2026-06-17T12:00").date() + timedelta(days=self.rng.randint(1, 30))
        row = {"date": day.isoformat(), "working": self.rng.choice(["yes", "no"]), "reason": "Hoán đổi"}
        add_rows(self.folder, "calendar.csv", {**row, "recorded_at": self.office.now.isoformat()})
        self.office.reload()

    def move_the_due_day(self) -> None:
        path = self.folder / "reports.yaml"
        text = path.read_text("utf-8")
        was, now = self.rng.sample(["days: 3", "days: 5"], 2)
        path.write_text(text.replace(was, now, 1) if was in text else text.replace(now, was, 1), "utf-8")
        new = self.folder.with_name("new")
        shutil.copytree(self.folder, new, dirs_exist_ok=True)
        with open_context(self.office.settings, clock=lambda: self.office.now) as context:
            apply_change(context, new, by="nguoi.duyet", why="đổi hạn")


def live(history: History) -> None:
    events = [
        *[history.send] * 5, *[history.decide] * 2, *[history.revalidate] * 2, history.excuse_or_not, history.register_late,
        history.merge, history.abolish, history.swap_a_day, history.move_the_due_day,
    ]  # fmt: skip
    history.print("opened")
    for _ in range(STEPS):
        history.go_on()
        event = history.rng.choice(events)
        event()
        history.print(event.__name__)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_was_printed_then_is_printed_again(
    seed: int, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    folder = make_register(tmp_path / "register", units=6)
    add_rows(folder, "units.csv", *(unit(code) for code in "ABCDEF"))
    office = Office(make_settings(folder), at("2026-05-20T08:00"))
    office.open()
    history = History(office, folder, Random(seed))
    live(history)
    assert len({str(board) for _, _, board in history.printed}) > STEPS / 3  # the history did change the board
    for what, instant, board in history.printed:
        assert office.boards(instant) == board, (what, instant)


def test_days_late_of_the_past_do_not_move_with_the_calendar(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    folder = make_register(tmp_path / "register", units=4)
    add_rows(folder, "units.csv", unit("A"))
    office = Office(make_settings(folder), at("2026-06-01T08:00"))
    office.open()
    office.now = at("2026-06-19T08:00")  # two working days after the due day, Wed 17/06
    office.send("A")

    def days_late(moment: datetime) -> int | None:
        return next(shown.days_late for shown in office.board(moment).units if shown.unit == "H14.A")

    assert days_late(office.now) == 2
    office.now = at("2026-06-25T08:00")
    add_rows(
        folder,
        "calendar.csv",
        {"date": "2026-06-18", "working": "no", "reason": "Nghỉ bù", "recorded_at": office.now.isoformat()},
    )
    office.reload()
    assert (days_late(office.now), days_late(at("2026-06-24T08:00"))) == (1, 2)
