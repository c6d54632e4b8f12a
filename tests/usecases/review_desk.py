"""A standing office at its desk: files that were examined once arrive again and again, reviewers act, and the clock goes on.

Loading is the real one from the examined file on, so that a test of states does not pay for the rules each time.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from etl.examination import Delivery, Examined
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.board import BoardLine, read_board
from etl.usecases.consolidate import open_snapshot
from etl.usecases.context import Context, open_context
from etl.usecases.load import store_examined
from etl.usecases.prepare import init_warehouse
from etl.usecases.review import Reopened, approve_period, publish_period, reopen_period, start_review
from etl.warehouse.connect import raw_connection
from etl.warehouse.review_rows import PeriodEvent
from etl.warehouse.submission_load import LOAD_LOCK, Arrival, Reading
from tests.golden.sender import (
    COMMUNE,
    DEPARTMENT,
    HALF_YEAR,
    PERIOD,
    SOUND_AWARDS,
    Sending,
    make_sending,
    share_examiner,
)

REPORT = HALF_YEAR
FIGURE = f"{REPORT}:{PERIOD}/F05/02/F05.02.2"
"""Certificates of collectives by the province: 10 of a unit whose file is sound."""
WHO = {"by": "nguyen.van.a", "why": "đã xem xét"}


def set_awards(number: int) -> Callable[[Sending], object]:
    """An edit: another number in FIGURE's cell, with all that follows from it."""
    more = number - SOUND_AWARDS["2"]["02"]
    column = {**SOUND_AWARDS["2"], "02": number, "11": SOUND_AWARDS["2"]["11"] + more}
    return lambda sending: sending.fill_awards({**SOUND_AWARDS, "2": column})


@lru_cache(maxsize=64)
def examine(unit: str, number: int) -> tuple[bytes, Examined]:
    """A unit's file with that number in FIGURE's cell and what the rules say of it; a negative one is rejected."""
    edit = set_awards(number) if number >= 0 else (lambda sending: sending.put("F05", "02", "2", number))
    data = make_sending(edit, unit=unit).to_bytes()
    (examined,) = share_examiner().examine([Delivery(1, f"{unit}.xlsx", data)])
    return data, examined


@dataclass
class Desk:
    """A warehouse, a register of its own, and a clock that only goes on."""

    settings: Settings
    now: datetime
    sent: list[int] = field(default_factory=list)

    def open(self) -> Desk:
        """Sets the warehouse up; again: brings a changed register in."""
        init_warehouse(self.settings, clock=lambda: self.now)
        return self

    def wait(self, **times: float) -> None:
        """The clock goes on, by an hour unless told otherwise."""
        self.now += timedelta(**(times or {"hours": 1}))

    @contextmanager
    def context(self) -> Iterator[Context]:
        with open_context(self.settings, clock=lambda: self.now) as context:
            yield context

    def send(self, unit: str, number: int, received: datetime | None = None) -> int | None:
        """A file arrives and is loaded; its submission, None when the same bytes came last."""
        data, examined = examine(unit, number)
        received = received or self.now
        with self.context() as context, raw_connection(context.engine) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOAD_LOCK,))
            sha256 = context.landing.put(data)
            connection.execute(
                "INSERT INTO landing.blob VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", (sha256, len(data), self.now)
            )
            row = connection.execute(
                "INSERT INTO landing.arrival (channel, locator, file_name, sha256, received_at, recorded_at) "
                "VALUES ('inbox', %s, %s, %s, %s, %s) RETURNING id",
                (f"{len(self.sent)}", f"{unit} {number}.xlsx", sha256, received, self.now),
            ).fetchone()
            assert row is not None
            arrival = Arrival(row[0], f"{unit} {number}.xlsx", sha256, received, {})
            fresh = copy(examined)
            fresh.findings = list(examined.findings)
            store_examined(context, connection, [(arrival, fresh, Reading())])
            found = connection.execute("SELECT id FROM core.submission WHERE arrival_id = %s", (arrival.id,)).fetchone()
        self.sent.append(found[0] if found else 0)
        return int(found[0]) if found else None

    def start(self) -> PeriodEvent:
        with self.context() as context:
            return start_review(context, REPORT, PERIOD, **WHO)

    def approve(self, **more: Any) -> PeriodEvent:
        with self.context() as context:
            return approve_period(context, REPORT, PERIOD, **{**WHO, **more})

    def publish(self, **more: Any) -> PeriodEvent:
        with self.context() as context:
            return publish_period(context, REPORT, PERIOD, **{**WHO, **more})

    def reopen(self, **more: Any) -> Reopened:
        with self.context() as context:
            return reopen_period(context, REPORT, PERIOD, **{**WHO, **more})

    def publish_all(self) -> PeriodEvent:
        """From under review or reopened to published."""
        self.wait()
        self.approve()
        self.wait()
        return self.publish()

    def rows(self, query: str, **names: object) -> list[tuple[Any, ...]]:
        with self.context() as context, context.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query), names)]

    def figure(self, as_of: datetime | None = None, figure: str = FIGURE) -> int | None:
        """A consolidated figure of the period as of an instant (all that is known)."""
        query = sa.text("SELECT value FROM mart.consolidated WHERE report = :r AND period = :p AND figure = :f")
        with self.context() as context, open_snapshot(context, as_of) as connection:
            value = connection.execute(query, {"r": REPORT, "p": PERIOD, "f": figure}).scalar()
        return None if value is None else int(value)

    def line(self, unit: str, as_of: datetime | None = None) -> BoardLine:
        """A unit's line of the board."""
        with self.context() as context:
            board = read_board(context, REPORT, PERIOD, as_of or self.now)
        return next(line for line in board.units if line.unit == unit)

    def decisions(self, submission: int) -> list[str]:
        """The decisions on a submission, oldest first."""
        return [
            row[0]
            for row in self.rows(
                "SELECT decision FROM core.decision WHERE submission_id = :id ORDER BY id", id=submission
            )
        ]

    def letters(self, unit: str) -> list[tuple[str, str]]:
        """(rung, state) of the answers to a unit, one recipient's, oldest first."""
        query = (
            "SELECT DISTINCT ON (decision_id) rung, state FROM ops.delivery WHERE unit = :unit AND decision_id IS NOT NULL "
            "ORDER BY decision_id, recipient"
        )
        return [(row[0], row[1]) for row in self.rows(query, unit=unit)]


def make_desk(make_settings: Callable[..., Settings], folder: Path, now: datetime) -> Desk:
    """An initialised warehouse with a copy of the sample's register."""
    register = Path(shutil.copytree(PROJECT_ROOT / "register", folder / "register"))
    return Desk(make_settings(register), now).open()


__all__ = ["COMMUNE", "DEPARTMENT", "FIGURE", "PERIOD", "REPORT", "WHO", "Desk", "examine", "make_desk", "set_awards"]
