"""What counts after decisions: acceptances, returns by a reviewer, and rejections by the rules, on board and in figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from small_province import PERIOD, REPORT
from test_ingest import AFTERWARDS

from etl.settings import Settings
from etl.usecases.board import BoardLine, read_board
from etl.usecases.consolidate import open_snapshot, read_coverage, read_figures
from etl.usecases.context import Context, open_context

FIGURE = ("F05", "01", "F05.01.1")


@dataclass
class Ledger:
    """Writes submissions and decisions of one unit as the loader and the reviewers do, and reads what they amount to."""

    context: Context
    unit: str
    due_at: datetime
    sent: list[int] = field(default_factory=list)

    def send(self, days: float, number: int, decision: str = "accept", unit: str | None = None) -> int:
        """A submission received so many days after the due instant, with one figure."""
        at = self.due_at + timedelta(days=days)
        names: dict[str, Any] = {
            "unit": unit or self.unit, "report": REPORT, "period": PERIOD, "at": at, "number": number,
            "sha256": f"{len(self.sent):064x}", "decision": decision, "by": "system",
        }  # fmt: skip
        with self.context.engine.begin() as connection:
            connection.execute(sa.text("INSERT INTO landing.blob VALUES (:sha256, 1, :at)"), names)
            names["arrival"] = connection.execute(
                sa.text(
                    "INSERT INTO landing.arrival (channel, locator, file_name, sha256, received_at, recorded_at) "
                    "VALUES ('inbox', :sha256, 'a.xlsx', :sha256, :at, :at) RETURNING id"
                ),
                names,
            ).scalar_one()
            names["id"] = connection.execute(
                sa.text(
                    "INSERT INTO core.submission (arrival_id, unit, report, period, received_at, sha256, form_versions, "
                    "recorded_at) VALUES (:arrival, :unit, :report, :period, :at, :sha256, '{}', :at) RETURNING id"
                ),
                names,
            ).scalar_one()
            connection.execute(
                sa.text(
                    "INSERT INTO core.observation (submission_id, form, form_version, row_key, column_code, ordinal, "
                    "measure, number, aggregation, restricted) "
                    "VALUES (:id, 'F05', '2026.1', '01', '1', 0, 'F05.01.1', :number, 'sum', false)"
                ),
                names,
            )
        self.sent.append(names["id"])
        self.decide(names["id"], decision, "system", at)
        return int(names["id"])

    def decide(self, submission: int, decision: str, by: str = "reviewer", at: datetime | None = None) -> None:
        with self.context.engine.begin() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO core.decision (submission_id, decision, decided_by, reason, recorded_at) "
                    "VALUES (:id, :decision, :by, 'lý do', :at)"
                ),
                {"id": submission, "decision": decision, "by": by, "at": at or self.due_at + timedelta(days=30)},
            )

    def line(self, as_of: datetime = AFTERWARDS) -> BoardLine:
        board = read_board(self.context, REPORT, PERIOD, as_of)
        return next(line for line in board.units if line.unit == self.unit)

    def state(self) -> tuple[str, Decimal | int | None]:
        return self.line().status, self.figure()

    def figure(self) -> Decimal | None:
        figures = read_figures(self.context, REPORT, PERIOD).get("F05", [])
        return next((f.value for f in figures if (f.form, f.row, f.measure) == FIGURE), None)


@pytest.fixture
def ledger(prepared: Settings) -> Iterator[Ledger]:
    with open_context(prepared) as context:
        board = read_board(context, REPORT, PERIOD, AFTERWARDS)
        line = next(line for line in board.units if line.unit_type == "commune" and line.status == "missing")
        yield Ledger(context, line.unit, line.due_at)


def test_a_returned_submission_does_not_revive_an_older_one(ledger: Ledger) -> None:
    first, second = ledger.send(-3, 1), ledger.send(-1, 2)
    assert ledger.state() == ("on_time", 2)
    ledger.decide(second, "return")
    line = ledger.line()
    assert (line.status, line.accepted_at, line.days_late, line.attempts) == ("rejected", None, None, 2)
    assert ledger.figure() is None
    ledger.decide(second, "accept")
    line = ledger.line()
    assert (line.status, line.accepted_at) == ("on_time", ledger.due_at - timedelta(days=3))
    assert ledger.figure() == 2
    ledger.decide(second, "return")
    ledger.decide(first, "accept")
    assert ledger.state() == ("on_time", 1)


def test_a_corrected_report_keeps_the_first_timely_receipt(ledger: Ledger) -> None:
    second = ledger.send(-1, 2)
    ledger.decide(second, "return")
    ledger.send(9, 3)
    line = ledger.line()
    assert (line.status, line.accepted_at, line.days_late) == ("on_time", ledger.due_at - timedelta(days=1), 0)
    assert ledger.figure() == 3


def test_rejections_by_the_rules_displace_nothing(ledger: Ledger) -> None:
    ledger.send(-2, 1)
    rejected = ledger.send(-1, 2, "return")
    assert ledger.state() == ("on_time", 1)
    ledger.decide(rejected, "return")  # a reviewer who says the same of a file that never counted
    assert ledger.state() == ("on_time", 1)


def test_returning_an_older_submission_leaves_the_newer_one(ledger: Ledger) -> None:
    first = ledger.send(-2, 1)
    ledger.send(2, 2)
    ledger.decide(first, "return")
    assert ledger.state() == ("on_time", 2)


def test_a_report_accepted_by_a_reviewer_counts_from_its_receipt(ledger: Ledger) -> None:
    submission = ledger.send(1.5, 4, "return")
    assert ledger.state() == ("rejected", None)
    ledger.decide(submission, "accept")
    line = ledger.line()
    assert (line.status, line.accepted_at) == ("late", ledger.due_at + timedelta(days=1.5))
    assert ledger.figure() == 4


def test_a_past_board_does_not_know_later_decisions(ledger: Ledger) -> None:
    submission = ledger.send(-1, 2)
    ledger.decide(submission, "return")
    assert ledger.line(ledger.due_at).status == "on_time"
    assert ledger.line(ledger.due_at - timedelta(days=2)).status == "pending"
    for as_of, figures in ((ledger.due_at, 1), (ledger.due_at - timedelta(days=2), 0), (AFTERWARDS, 0)):
        with open_snapshot(ledger.context, as_of) as connection:
            found = read_figures(ledger.context, REPORT, PERIOD, connection).get("F05", [])
        assert len(found) == figures
    assert ledger.figure() is None  # the instant was that transaction's alone


def test_coverage_counts_what_is_expected_and_there(ledger: Ledger) -> None:
    """An exempt unit that sends is no part of the expected; a submission without a form does not cover the form."""
    board = read_board(ledger.context, REPORT, PERIOD, AFTERWARDS)
    exempt = next(line for line in board.units if line.status == "exempt")
    expected = {item.form: item.expected for item in read_coverage(ledger.context, REPORT, PERIOD)}
    ledger.send(-2, 1)
    ledger.send(-2, 5, unit=exempt.unit)
    coverage = {item.form: item for item in read_coverage(ledger.context, REPORT, PERIOD)}
    assert {form: item.expected for form, item in coverage.items()} == expected
    assert (coverage["F05"].accepted, coverage["F05"].beyond) == (1, 1)
    assert (coverage["F07"].accepted, coverage["F07"].beyond) == (0, 0)
    assert ledger.figure() == 6
