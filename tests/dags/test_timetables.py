"""The schedule of closings: keys, shift to working days, order, outages, backfill bounds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pendulum
import pytest
from airflow.exceptions import InvalidPartitionKeyError
from airflow.timetables.base import DagRunInfo, TimeRestriction
from airflow.utils.types import DagRunType
from hypothesis import given
from hypothesis import strategies as st

from etl.calendar.deadlines import TIMEZONE
from etl.settings import read_settings
from etl.usecases.context import Knowledge
from plugins.timetables import ClosingTimetable, plan_closings

KNOWLEDGE = Knowledge(read_settings({}))
REGISTER = KNOWLEDGE.register
LAST_YEAR = TimeRestriction(earliest=pendulum.datetime(2026, 1, 1, tz="Asia/Ho_Chi_Minh"), latest=None, catchup=True)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TIMEZONE)


def _run_all(timetable: ClosingTimetable, restriction: TimeRestriction) -> list[DagRunInfo]:
    runs: list[DagRunInfo] = []
    while run := timetable.next_dagrun_info_v2(last_dagrun_info=runs[-1] if runs else None, restriction=restriction):
        runs.append(run)
    return runs


def _with_twin() -> Knowledge:
    """What is known, with a second half-yearly report on the very same days."""
    twin = replace(REGISTER.report("movements-half"), code="twins-half")
    knowledge = Knowledge(KNOWLEDGE.settings)
    knowledge.__dict__["register"] = replace(REGISTER, reports=(*REGISTER.reports, twin))
    return knowledge


TWINS = _with_twin()


@pytest.fixture
def year() -> ClosingTimetable:
    return ClosingTimetable(plan_closings(KNOWLEDGE, date(2026, 1, 1), date(2026, 12, 31)))


def test_a_period_is_looked_at_after_its_cut_off_and_after_each_due_day() -> None:
    runs = [at for key, at in plan_closings(KNOWLEDGE, date(2026, 1, 1), date(2026, 12, 31)) if key.endswith("2026-S1")]

    # Cut-off Sunday 14/06/2026, so Monday 15/06; communes are due two working days after it (16/06), the others three.
    assert runs == [_at("2026-06-16T06:30"), _at("2026-06-17T06:30"), _at("2026-06-18T06:30")]


def test_a_run_never_falls_on_a_day_of_rest_and_knows_swapped_days() -> None:
    workdays = REGISTER.working_days()
    closings = plan_closings(KNOWLEDGE, date(2025, 12, 1), date(2030, 12, 31))

    assert len(closings) > 20
    assert all(workdays.is_working(at.date()) for _, at in closings)
    # 24/11 is a public holiday from 2026: with a cut-off on 23/11 the run moves past it.
    assert workdays.shift(date(2026, 11, 23), 1) == date(2026, 11, 25)


def test_a_period_starts_closing_only_after_its_due_instant() -> None:
    workdays = REGISTER.working_days()
    report = REGISTER.report("movements-half")
    from etl.calendar.deadlines import due_instant

    period = REGISTER.period("movements-half", "2026-S2")
    last_due = max(due_instant(period, rule, workdays) for rule in report.due.values())
    last_run = max(
        at for key, at in plan_closings(KNOWLEDGE, date(2026, 1, 1), date(2027, 1, 31)) if key.endswith("S2")
    )

    assert timedelta() < last_run - last_due < timedelta(days=5)


def test_reports_that_share_a_due_day_get_runs_of_their_own() -> None:
    closings = plan_closings(TWINS, date(2026, 6, 1), date(2026, 6, 30))
    timetable = ClosingTimetable(closings)

    runs = _run_all(timetable, LAST_YEAR)

    assert [run.partition_key for run in runs] == ["movements-half:2026-S1", "twins-half:2026-S1"] * 3
    assert len({run.run_after for run in runs}) == len({run.partition_date for run in runs}) == len(runs)


@given(first=st.dates(date(2025, 7, 1), date(2029, 12, 31)), days=st.integers(0, 800))
def test_a_range_gives_exactly_the_closings_of_its_days_in_order(first: date, days: int) -> None:
    last = first + timedelta(days=days)
    whole = plan_closings(TWINS, date(2025, 7, 1), date(2033, 12, 31))

    part = plan_closings(TWINS, first, last)

    assert part == [closing for closing in whole if first <= closing[1].date() <= last]
    assert all(early[1] < late[1] for early, late in pairwise(part))


def test_an_outage_delays_closings_and_loses_none(year: ClosingTimetable) -> None:
    restriction = TimeRestriction(earliest=LAST_YEAR.earliest, latest=None, catchup=False)
    before = next(run for run in _run_all(year, LAST_YEAR) if run.partition_key == "movements-half:2026-S1")

    after = year.next_dagrun_info_v2(last_dagrun_info=before, restriction=restriction)

    # Long past, whatever today is; a schedule without catch-up would have dropped it.
    assert after is not None
    assert after.run_after == _at("2026-06-17T06:30")


def test_the_first_start_looks_back_a_week_and_not_a_year() -> None:
    now = datetime.now(TIMEZONE)
    closings = [(f"report:{n}-A1", now - timedelta(days=n)) for n in (2000, 2006, 2030)]
    recent = [("report:2026-A1", now - timedelta(days=3)), ("report:2027-A1", now + timedelta(days=3))]
    restriction = TimeRestriction(earliest=LAST_YEAR.earliest, latest=None, catchup=False)

    run = ClosingTimetable(closings + recent).next_dagrun_info_v2(last_dagrun_info=None, restriction=restriction)

    assert run is not None
    assert run.partition_key == "report:2026-A1"


def test_nothing_is_planned_after_the_end_of_the_dag(year: ClosingTimetable) -> None:
    restriction = TimeRestriction(LAST_YEAR.earliest, latest=pendulum.datetime(2026, 6, 16, 12, tz="UTC"), catchup=True)

    assert [run.run_after for run in _run_all(year, restriction)][-1] == _at("2026-06-16T06:30")


def test_backfill_bounds_mean_whole_days_in_viet_nam(year: ClosingTimetable) -> None:
    # As `airflow backfill create --from-date 2026-06-16 --to-date 2026-06-17` hands them on.
    bounds = {"earliest": datetime(2026, 6, 16, tzinfo=UTC), "latest": datetime(2026, 6, 17, tzinfo=UTC)}

    runs = list(year.iter_partition_dagrun_infos(**bounds))

    assert [run.run_after for run in runs] == [_at("2026-06-16T06:30"), _at("2026-06-17T06:30")]
    assert {run.partition_key for run in runs} == {"movements-half:2026-S1"}


def test_a_key_stands_for_its_last_closing(year: ClosingTimetable) -> None:
    assert year.resolve_partition_date("movements-half:2026-S1") == _at("2026-06-18T06:30")
    assert year.resolve_partition_date("movements-half:2019-S1") is None


@pytest.mark.parametrize(
    "key", ["2026-S1", "movements-half", "movements-half:", "Movements:2026-S1", "a:b", "a:2026-S1\n"]
)
def test_a_key_that_is_no_period_is_refused(year: ClosingTimetable, key: str) -> None:
    with pytest.raises(InvalidPartitionKeyError, match="report:period"):
        year.resolve_partition_date(key)


def test_what_the_scheduler_gets_is_what_was_planned(year: ClosingTimetable) -> None:
    copy = ClosingTimetable.deserialize(year.serialize())

    assert copy.closings == year.closings
    assert copy.serialize() == year.serialize()


def test_run_ids_tell_the_period_and_differ(year: ClosingTimetable) -> None:
    runs = _run_all(year, LAST_YEAR)
    ids = {
        year.generate_run_id(
            run_type=DagRunType.SCHEDULED,
            run_after=run.run_after,
            data_interval=None,
            partition_key=run.partition_key,
        )
        for run in runs
    }

    assert len(ids) == len(runs)
    assert all("movements-half:2026-S1" in name for name in ids if "2026-06" in name)
