"""Random histories of a period: loads, decisions, states, changes of the register. What must hold, holds after every step.

Published figures never change; what is held counts nowhere and is released once; refusals change nothing; the board agrees
with the decisions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from deliveries import at, edit_csv
from review_desk import COMMUNE, DEPARTMENT, PERIOD, REPORT, WHO, Desk, make_desk

from etl.settings import Settings
from etl.usecases.publication import find_publication, read_published, verify_publications
from etl.usecases.review import ReviewRefused, decide_submission

STEPS = 36
UNITS = (DEPARTMENT, COMMUNE)


@dataclass
class History:
    """What was done, and a model of what must be so: each submission with its number, its receipt, its last decision."""

    desk: Desk
    rng: Random
    state: str = "open"
    model: dict[int, tuple[str, int, object, str]] = field(default_factory=dict)
    published: dict[int, list[object]] = field(default_factory=dict)
    released: list[int] = field(default_factory=list)
    registers: int = 0
    log: list[str] = field(default_factory=list)

    def step(self) -> None:
        self.desk.wait(minutes=self.rng.randint(1, 600))
        names = ["send"] * 5 + ["decide"] * 3 + ["approve", "publish"] * 3 + ["reopen"] * 2 + ["rename"]
        name = self.rng.choice(names)
        before = self.desk.rows("SELECT count(*), (SELECT count(*) FROM core.period_event) FROM core.decision")
        try:
            getattr(self, name)()
        except ReviewRefused as refused:
            assert before == self.desk.rows(
                "SELECT count(*), (SELECT count(*) FROM core.period_event) FROM core.decision"
            )
            name += f" refused: {refused}"
        self.log.append(f"{self.desk.now:%d %H:%M} {self.state}: {name}")
        self.check()

    def send(self) -> None:
        unit, number = self.rng.choice(UNITS), self.rng.choice([5, 10, 12, -1])
        # Also with a receipt that lies before all that was approved since.
        received = self.desk.now - timedelta(hours=self.rng.choice([0, 0, 5, 200]))
        found = self.desk.send(unit, number, received)
        if found is not None:
            decision = "return" if number < 0 else "hold" if self.state == "published" else "accept"
            self.model[found] = (unit, number, (received, found), decision)

    def decide(self) -> None:
        if not self.model:
            return
        submission, decision = self.rng.choice(list(self.model)), self.rng.choice(["accept", "return"])
        may = self.state not in ("approved", "published") and self.model[submission][3] != decision
        with self.desk.context() as context:
            try:
                decide_submission(context, submission, decision, **WHO)  # type: ignore[arg-type]
            except ReviewRefused:
                assert not may
                raise
        assert may
        self.model[submission] = (*self.model[submission][:3], decision)

    def approve(self) -> None:
        if self.state == "open":
            self.desk.start()
            self.state = "under_review"
        self.desk.approve()
        assert self.state in ("under_review", "reopened", "approved")
        self.state = "approved"

    def publish(self) -> None:
        number = self.desk.publish().number
        assert self.state == "approved" and number == len(self.published) + 1
        self.state = "published"
        with self.desk.context() as context:
            self.published[number] = list(read_published(context, find_publication(context, REPORT, PERIOD, number)))

    def reopen(self) -> None:
        done = self.desk.reopen()
        waiting = sorted(
            (one for one in self.model if self.model[one][3] == "hold"), key=lambda one: self.model[one][2]
        )
        assert done.released == waiting and not set(waiting) & set(self.released)
        self.released += waiting
        for one in waiting:
            self.model[one] = (*self.model[one][:3], "accept")
        self.state = {"approved": "under_review", "published": "reopened"}[self.state]

    def rename(self) -> None:
        self.registers += 1
        edit_csv(self.desk.settings.register / "units.csv", {COMMUNE: {"name": f"Xã Đổi Tên {self.registers}"}})
        aggregation = self.rng.choice(["none", "sum"])
        edit_csv(self.desk.settings.register / "indicators.csv", {"VNN04": {"aggregation": aggregation}})
        self.desk.open()

    def check(self) -> None:
        with self.desk.context() as context:
            assert all(one.holds for one in verify_publications(context)), self.log
            for number, figures in self.published.items():
                assert read_published(context, find_publication(context, REPORT, PERIOD, number)) == figures
        standing = {row[0] for row in self.desk.rows("SELECT submission_id FROM core.standing_submissions('infinity')")}
        last = {one: decision for one, (_, _, _, decision) in self.model.items()}
        assert all(last[one] == "accept" for one in standing), self.log
        total = sum(self.model[one][1] for one in standing)
        assert (self.desk.figure() or 0) == total, self.log
        found = dict(
            self.desk.rows(
                "SELECT DISTINCT ON (submission_id) submission_id, decision FROM core.decision ORDER BY submission_id, id DESC"
            )
        )
        assert found == last, self.log
        for unit in UNITS:
            line = self.desk.line(unit, max(self.desk.now, at("2027-01-01T00:00")))
            own = [one for one, facts in self.model.items() if facts[0] == unit]
            held = sum(last[one] == "hold" for one in own)
            assert (line.held, line.attempts) == (held, len(own) - held), self.log
            counts = any(self.model[one][0] == unit for one in standing)
            want = {"on_time", "late"} if counts else {"rejected"} if line.attempts else {"missing"}
            assert line.status in want, self.log


@pytest.mark.parametrize("seed", [1])
def test_a_random_history_keeps_what_was_published(
    seed: int, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    history = History(make_desk(make_settings, tmp_path, at("2026-06-15T08:00")), Random(seed))
    for _ in range(STEPS):
        history.step()
    assert history.published, history.log
    # Exactly once: each change of a decision is answered by one letter a recipient.
    twice = history.desk.rows("SELECT decision_id FROM ops.outbox GROUP BY decision_id, recipient HAVING count(*) > 1")
    assert twice == []
