"""Due instants: every row of the reporting calendar, the operators, and timeliness."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.calendar.deadlines import (
    TIMEZONE,
    DueKind,
    DueOperator,
    DueRule,
    check_calendar,
    count_days_late,
    due_day,
    due_instant,
    is_on_time,
)
from etl.calendar.periods import Clock, PeriodKind, parse_period, periods_between
from etl.calendar.workdays import WorkingDays

WORKDAYS = WorkingDays(
    {date(2026, 1, 2): False, date(2026, 1, 10): True, date(2026, 8, 22): True, date(2026, 8, 31): False}
)


def after_cutoff(days: int, operator: DueOperator = DueOperator.NO_LATER_THAN) -> DueRule:
    return DueRule(DueKind.CUTOFF_PLUS_WORKING_DAYS, operator, days=days)


def fixed(day: int, month: int | None = None, operator: DueOperator = DueOperator.NO_LATER_THAN) -> DueRule:
    return DueRule(DueKind.FIXED_DATE, operator, day=day, month=month)


@pytest.mark.parametrize(
    ("code", "clock", "communes", "others", "cutoff", "due_communes", "due_others"),
    [
        ("2026-M11", Clock.ADMIN, 2, 3, "Sat 2026-11-14", "Tue 2026-11-17", "Wed 2026-11-18"),
        ("2026-A1", Clock.STATISTICS, 4, 6, "Mon 2026-11-30", "Fri 2026-12-04", "Tue 2026-12-08"),
        ("2026-Q4", Clock.ADMIN, 2, 3, "Mon 2026-12-14", "Wed 2026-12-16", "Thu 2026-12-17"),
        ("2026-A1", Clock.ADMIN, 2, 3, "Mon 2026-12-14", "Wed 2026-12-16", "Thu 2026-12-17"),
        ("2026-S2", Clock.ADMIN, 2, 3, "Mon 2026-12-14", "Wed 2026-12-16", "Thu 2026-12-17"),
        ("2027-Q1", Clock.ADMIN, 2, 3, "Sun 2027-03-14", "Tue 2027-03-16", "Wed 2027-03-17"),
        ("2027-S1", Clock.ADMIN, 2, 3, "Mon 2027-06-14", "Wed 2027-06-16", "Thu 2027-06-17"),
        ("2027-9M", Clock.ADMIN, 2, 3, "Tue 2027-09-14", "Thu 2027-09-16", "Fri 2027-09-17"),
        ("2026-S1", Clock.ADMIN, 2, 3, "Sun 2026-06-14", "Tue 2026-06-16", "Wed 2026-06-17"),
    ],
)
def test_internal_due_days(
    code: str, clock: Clock, communes: int, others: int, cutoff: str, due_communes: str, due_others: str
) -> None:
    period = parse_period(code, clock)
    assert f"{period.end:%a %Y-%m-%d}" == cutoff
    assert f"{due_day(period, after_cutoff(communes), WORKDAYS):%a %Y-%m-%d}" == due_communes
    assert f"{due_day(period, after_cutoff(others), WORKDAYS):%a %Y-%m-%d}" == due_others


@pytest.mark.parametrize(
    ("code", "clock", "rule", "due"),
    [
        ("2026-M11", Clock.ADMIN, fixed(25), "2026-11-25"),
        ("2026-A1", Clock.ADMIN, fixed(25), "2026-12-25"),
        ("2027-Q1", Clock.ADMIN, fixed(25), "2027-03-25"),
        ("2027-S1", Clock.ADMIN, fixed(25), "2027-06-25"),
        ("2027-9M", Clock.ADMIN, fixed(25), "2027-09-25"),
        ("2026-A1", Clock.STATISTICS, fixed(15, 12), "2026-12-15"),
        ("2026-A1", Clock.ADMIN, fixed(10, 12, DueOperator.BEFORE), "2026-12-09"),
        ("2026-A1", Clock.ADMIN, fixed(10, 12), "2026-12-10"),
    ],
)
def test_external_due_days(code: str, clock: Clock, rule: DueRule, due: str) -> None:
    assert due_day(parse_period(code, clock), rule, WORKDAYS).isoformat() == due


def test_the_due_instant_is_the_last_second_in_viet_nam() -> None:
    due = due_instant(parse_period("2026-A1", Clock.ADMIN), after_cutoff(2), WORKDAYS)
    assert due == datetime(2026, 12, 16, 16, 59, 59, tzinfo=UTC)
    assert due.tzinfo is TIMEZONE
    before = due_instant(parse_period("2026-A1", Clock.ADMIN), fixed(10, 12, DueOperator.BEFORE), WORKDAYS)
    assert before == datetime(2026, 12, 9, 23, 59, 59, tzinfo=TIMEZONE)


def test_timeliness_is_at_whole_seconds() -> None:
    due = datetime(2026, 12, 16, 23, 59, 59, tzinfo=TIMEZONE)
    assert is_on_time(due, due)
    assert is_on_time(due + timedelta(microseconds=999_999), due)
    assert not is_on_time(due + timedelta(seconds=1), due)
    assert is_on_time(datetime(2026, 12, 16, 16, 59, 59, tzinfo=UTC), due)
    with pytest.raises(ValueError, match="no time zone"):
        is_on_time(datetime(2026, 12, 16), due)  # noqa: DTZ001 - the naive instant is the point


def test_days_late_are_counted_on_the_calendar_in_viet_nam() -> None:
    due = datetime(2026, 12, 16, 23, 59, 59, tzinfo=TIMEZONE)
    assert count_days_late(due, due, WORKDAYS) == 0
    # 17:30 in UTC on the due day is already tomorrow in Cao Bằng.
    assert count_days_late(datetime(2026, 12, 16, 17, 30, tzinfo=UTC), due, WORKDAYS) == 1
    assert count_days_late(due + timedelta(days=5), due, WORKDAYS) == 3


@given(st.sampled_from(Clock), st.sampled_from(["A1", "S1", "S2", "Q1", "Q4", "M02", "9M"]), st.integers(2020, 2040))
def test_one_working_day_after_the_cutoff_is_lawful(clock: Clock, suffix: str, year: int) -> None:
    period = parse_period(f"{year}-{suffix}", clock)
    assert check_calendar(after_cutoff(1), [period], WORKDAYS) == []
    assert WORKDAYS.is_working(due_day(period, after_cutoff(1), WORKDAYS))
    assert due_day(period, after_cutoff(1), WORKDAYS) > period.end


@pytest.mark.parametrize(
    ("rule", "unlawful"),
    [
        (after_cutoff(0), 3),
        (after_cutoff(1, DueOperator.BEFORE), 3),
        (after_cutoff(2, DueOperator.BEFORE), 0),
        (fixed(10, 12), 3),
        (fixed(14, 12), 3),
        (fixed(15, 12), 0),  # 2025, 2026 and 2027: a Monday, a Tuesday and a Wednesday
        (fixed(25, 12), 0),
    ],
)
def test_a_rule_must_leave_a_working_day_after_the_cutoff(rule: DueRule, unlawful: int) -> None:
    years = periods_between(PeriodKind.YEAR, Clock.ADMIN, date(2025, 1, 1), date(2027, 12, 1))
    problems = check_calendar(rule, years, WORKDAYS)
    assert len(problems) == unlawful
    assert all("Điều 8.5" in problem for problem in problems)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": DueKind.CUTOFF_PLUS_WORKING_DAYS},
        {"kind": DueKind.CUTOFF_PLUS_WORKING_DAYS, "days": -1},
        {"kind": DueKind.CUTOFF_PLUS_WORKING_DAYS, "days": 2, "day": 5},
        {"kind": DueKind.FIXED_DATE},
        {"kind": DueKind.FIXED_DATE, "day": 5, "days": 2},
        {"kind": DueKind.FIXED_DATE, "day": 31, "month": 4},
        {"kind": DueKind.FIXED_DATE, "day": 29},
        {"kind": DueKind.FIXED_DATE, "day": 29, "month": 2},
        {"kind": DueKind.FIXED_DATE, "day": 1, "month": 13},
    ],
)
def test_a_rule_that_does_not_fit_its_kind_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="takes"):
        DueRule(operator=DueOperator.BEFORE, **fields)  # type: ignore[arg-type]
