"""Stored files examined again: what would change is shown before it does, nothing is lost, a reviewer is never overridden."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from deliveries import Post, at, edit_csv, rows_of
from test_ingest import fingerprint

from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.board import read_board
from etl.usecases.consolidate import open_snapshot
from etl.usecases.context import Context, open_context
from etl.usecases.prepare import init_warehouse
from etl.usecases.revalidate import RevalidationSummary, revalidate_period
from tests.golden.sender import DEPARTMENT, HALF_YEAR, PERIOD, make_sending

FIRST_DAY = at("2026-07-01T08:00")
SECOND_DAY = FIRST_DAY + timedelta(days=30)
THIRD_DAY = FIRST_DAY + timedelta(days=60)
MEMBER = "H14.DN05"
NEW_INDICATOR = {
    "movement": "VNN", "code": "VNN99", "name": "Số nhà đại đoàn kết", "unit_of_measure": "nhà", "aggregation": "sum",
    "cumulative": "no", "asked_of": "department", "valid_from": "2025-07-01", "recorded_at": "2025-12-01T08:00:00+07:00",
}  # fmt: skip


@pytest.fixture
def settings(make_settings: Callable[..., Settings], tmp_path: Path) -> Settings:
    return make_settings(Path(shutil.copytree(PROJECT_ROOT / "register", tmp_path / "register")))


@contextmanager
def open_post(settings: Settings, tmp_path: Path, now: datetime = FIRST_DAY) -> Iterator[Post]:
    """The warehouse with today's register, on a given day."""
    init_warehouse(settings, clock=lambda: now)
    with open_context(settings, clock=lambda: now) as context:
        yield Post(context, tmp_path)


def ask_for_more(settings: Settings) -> None:
    """The standing office finds that an indicator was forgotten in the register: files without it lack a row."""
    edit_csv(settings.register / "indicators.csv", {}, add=[NEW_INDICATOR])


def again(context: Context, *, apply: bool = False) -> RevalidationSummary:
    return revalidate_period(
        context,
        HALF_YEAR,
        PERIOD,
        apply=apply,
        by="nguoi.duyet" if apply else "",
        why="bổ sung chỉ tiêu" if apply else "",
    )


def status_at(context: Context, moment: datetime) -> str:
    board = read_board(context, HALF_YEAR, PERIOD, moment)
    return next(line.status for line in board.units if line.unit == DEPARTMENT)


def figure_at(context: Context, moment: datetime | None) -> list[tuple[object, ...]]:
    """The department's certificates of collectives as the marts have them."""
    with open_snapshot(context, moment) as connection:
        query = "SELECT f.number, a.generation FROM mart.figure_source f JOIN mart.accepted a USING (submission_id) "
        rows = connection.exec_driver_sql(query + "WHERE f.measure = 'F05.02.2'").all()
    return [tuple(row) for row in rows]


def test_nothing_changes_while_rules_and_register_are_the_same(settings: Settings, tmp_path: Path) -> None:
    with open_post(settings, tmp_path) as post:
        post.deliver(("a", make_sending(), "2026-06-15T08:00"))
        before = fingerprint(post.context)
        summary = again(post.context, apply=True)
        assert (summary.examined, summary.changes, summary.elsewhere) == (1, [], [])
        assert fingerprint(post.context) == before


def test_a_changed_register_is_shown_first_and_then_applied_once(settings: Settings, tmp_path: Path) -> None:
    with open_post(settings, tmp_path) as post:
        post.deliver(("a", make_sending(), "2026-06-15T08:00"))
        assert status_at(post.context, FIRST_DAY) == "on_time"
    ask_for_more(settings)
    with open_post(settings, tmp_path, SECOND_DAY) as post:
        before = fingerprint(post.context)
        shown = again(post.context)
        assert fingerprint(post.context) == before, "a look changes nothing"
        (change,) = shown.changes
        assert (change.unit, change.old_verdict, change.new_verdict) == (DEPARTMENT, "accepted", "rejected")
        assert (change.gained, change.lost, change.decision) == ({"ROW-NOT-REPORTED": 1}, {}, "return")
        applied = again(post.context, apply=True)
        assert applied.changes == shown.changes
        after = fingerprint(post.context)
        assert again(post.context).changes == again(post.context, apply=True).changes == []
        assert fingerprint(post.context) == after
        assert [found[0] for found in post.findings("a", "")] == ["ROW-NOT-REPORTED"]
        assert rows_of(post.context, "SELECT code FROM mart.finding") == [("ROW-NOT-REPORTED",)]
        # As it was then, and as it is now.
        assert [status_at(post.context, day) for day in (FIRST_DAY, SECOND_DAY)] == ["on_time", "rejected"]
        assert figure_at(post.context, FIRST_DAY) == [(10, 1)]
        assert figure_at(post.context, None) == []
        assert rows_of(
            post.context, "SELECT generation, examined_by, reason FROM core.examination ORDER BY generation"
        ) == [(1, "system", "Tệp mới đến"), (2, "nguoi.duyet", "bổ sung chỉ tiêu")]
        verdicts = rows_of(post.context, "SELECT verdict, generation FROM core.verdict ORDER BY id")
        assert verdicts == [("accepted", 1), ("rejected", 2)]


def test_a_rule_taken_back_accepts_again(settings: Settings, tmp_path: Path) -> None:
    ask_for_more(settings)
    with open_post(settings, tmp_path) as post:
        post.deliver(("a", make_sending(), "2026-06-15T08:00"))
        assert post.verdict("a") == "rejected"
    edit_csv(settings.register / "indicators.csv", {}, drop="VNN99")
    with open_post(settings, tmp_path, SECOND_DAY) as post:
        (change,) = again(post.context, apply=True).changes
        assert (change.lost, change.decision, post.verdict("a")) == ({"ROW-NOT-REPORTED": 1}, "accept", "accepted")
        assert rows_of(post.context, "SELECT count(*) FROM mart.finding") == [(0,)]
        assert [status_at(post.context, day) for day in (FIRST_DAY, SECOND_DAY)] == ["rejected", "on_time"]
        assert again(post.context).changes == []


def test_an_older_file_does_not_come_back_to_life(settings: Settings, tmp_path: Path) -> None:
    with open_post(settings, tmp_path) as post:
        newer = make_sending(
            lambda sending: sending.put("F05", "02", "6", 8).put("F05", "01", "6", 8).put("F05", "11", "6", 8)
        )
        post.deliver(("a", make_sending(), "2026-06-15T08:00"), ("b", newer, "2026-06-15T09:00"))
        assert post.verdict("b") == "accepted"
    ask_for_more(settings)
    with open_post(settings, tmp_path, SECOND_DAY) as post:
        assert [change.file for change in again(post.context, apply=True).changes] == ["b.xlsx"]
        assert status_at(post.context, SECOND_DAY) == "rejected"
        assert again(post.context).changes == []


def test_a_reviewers_decision_stands(settings: Settings, tmp_path: Path) -> None:
    with open_post(settings, tmp_path) as post:
        post.deliver(("a", make_sending(), "2026-06-15T08:00"))
        post.accept("a")
    ask_for_more(settings)
    with open_post(settings, tmp_path, SECOND_DAY) as post:
        (change,) = again(post.context, apply=True).changes
        assert (change.new_verdict, change.decision, change.is_reviewed) == ("rejected", None, True)
        assert post.verdict("a") == "rejected"
        assert status_at(post.context, SECOND_DAY) == "on_time"
        assert again(post.context).changes == []


def test_values_that_read_differently_are_stored_beside_the_old_ones(settings: Settings, tmp_path: Path) -> None:
    """As if an older version of the reader had not understood a cell."""
    with open_post(settings, tmp_path) as post:
        post.deliver(("a", make_sending(), "2026-06-15T08:00"))
        with post.context.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE core.observation SET number = 1 WHERE measure = 'F05.02.2'")
    with open_post(settings, tmp_path, SECOND_DAY) as post:
        (change,) = again(post.context, apply=True).changes
        assert (change.values_changed, change.gained, change.lost) == (1, {}, {})
        assert figure_at(post.context, FIRST_DAY) == [(1, 1)]
        assert figure_at(post.context, None) == [(10, 2)]
        assert rows_of(post.context, "SELECT c2, count(*) FROM mart.f05_wide WHERE row_key = '02' GROUP BY 1") == [
            (10, 1)
        ]
        assert again(post.context).changes == []
        coverage = rows_of(
            post.context, "SELECT units_accepted FROM mart.coverage WHERE form = 'F05' AND period = '2026-S1'"
        )
        assert coverage == [(1,)]


def test_a_change_needs_a_name_and_a_reason(settings: Settings, tmp_path: Path) -> None:
    with open_post(settings, tmp_path) as post, pytest.raises(ValueError, match="--why"):
        revalidate_period(post.context, HALF_YEAR, PERIOD, apply=True, by="nguoi.duyet")


def test_a_unit_that_is_known_now_gets_its_file_out_of_quarantine(settings: Settings, tmp_path: Path) -> None:
    names = ("units.csv", "blocs.csv", "unit_aliases.csv", "contacts.csv")
    whole = {name: (settings.register / name).read_text("utf-8") for name in names}
    for name, key in zip(names, ("code", "unit", "unit", "unit"), strict=True):
        edit_csv(settings.register / name, {}, key, drop=MEMBER)
    with open_post(settings, tmp_path) as post:
        post.deliver(("a", make_sending(unit=MEMBER), "2026-06-15T08:00"), ("b", make_sending(), "2026-06-15T08:00"))
        assert rows_of(post.context, "SELECT outcome FROM landing.current_outcome ORDER BY 1") == [
            ("quarantined",), ("submission",),
        ]  # fmt: skip
        before = fingerprint(post.context)
        again_summary = post.deliver(reprocess=True)
        assert (again_summary.loaded.quarantined, fingerprint(post.context)) == (0, before)
    for name, text in whole.items():
        (settings.register / name).write_text(text, "utf-8")
    with open_post(settings, tmp_path, SECOND_DAY) as post:
        summary = post.deliver(reprocess=True)
        assert (summary.loaded.accepted, [outcome.unit for outcome in summary.outcomes]) == (1, [MEMBER])
        assert rows_of(post.context, "SELECT outcome, generation FROM landing.current_outcome ORDER BY 2") == [
            ("submission", 1), ("submission", 2),
        ]  # fmt: skip
        board = {line.unit: line for line in read_board(post.context, HALF_YEAR, PERIOD, SECOND_DAY).units}
        assert board[MEMBER].status == "on_time", "received in time: the register was wrong, not the unit"
        assert post.findings("a", "") == []
        before = fingerprint(post.context)
        assert post.deliver(reprocess=True).outcomes == []
        assert again(post.context, apply=True).changes == []
        assert fingerprint(post.context) == before
    with open_context(settings, clock=lambda: THIRD_DAY) as context:
        then = {
            line.unit: line for line in read_board(context, HALF_YEAR, PERIOD, SECOND_DAY - timedelta(days=1)).units
        }
        assert then.get(MEMBER) is None or then[MEMBER].status == "missing"
