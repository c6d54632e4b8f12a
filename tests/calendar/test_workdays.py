"""Working days: the law, the register's swapped days, and counting."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.calendar.workdays import WorkingDays

PLAIN = WorkingDays({})
SWAPPED = WorkingDays({date(2026, 1, 2): False, date(2026, 1, 10): True, date(2026, 8, 22): True})
DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))


@pytest.mark.parametrize(
    ("day", "working"),
    [
        ("2026-11-20", True),
        ("2026-11-21", False),  # Saturday
        ("2026-11-24", False),  # Ngày Văn hóa Việt Nam, from 2026
        ("2025-11-24", True),
        ("2029-11-24", False),  # Saturday, so the Monday after is off too
        ("2029-11-26", False),
        ("2029-11-27", True),
        ("2026-02-16", False),  # eve of Tết
        ("2026-02-20", False),
        ("2026-02-23", True),
        ("2026-04-27", False),  # Giỗ Tổ fell on Sunday 26/04
        ("2026-04-30", False),
        ("2026-05-01", False),
        ("2026-09-01", False),
        ("2026-09-02", False),
        ("2026-09-03", True),
        ("2027-05-03", False),  # 1/5 fell on Saturday
    ],
)
def test_days_by_law(day: str, working: bool) -> None:
    assert PLAIN.is_working(date.fromisoformat(day)) is working


def test_overrides_win() -> None:
    assert PLAIN.is_working(date(2026, 1, 2))  # the package does not know this swap: the register must
    assert not SWAPPED.is_working(date(2026, 1, 2))
    assert SWAPPED.is_working(date(2026, 1, 10))
    assert WorkingDays({date(2026, 11, 24): True}).is_working(date(2026, 11, 24))


@given(DAYS, st.integers(1, 15))
def test_shift_forward_counts_working_days(day: date, days: int) -> None:
    shifted = SWAPPED.shift(day, days)
    assert SWAPPED.is_working(shifted)
    assert SWAPPED.count_between(day, shifted) == days


@given(DAYS, st.integers(1, 15))
def test_shift_back_from_a_working_day_undoes_shift(day: date, days: int) -> None:
    start = SWAPPED.next_working(day)
    assert SWAPPED.shift(SWAPPED.shift(start, days), -days) == start


@given(DAYS)
def test_shift_by_nothing_is_the_next_working_day(day: date) -> None:
    shifted = SWAPPED.shift(day, 0)
    assert shifted == SWAPPED.next_working(day) >= day
    assert (shifted == day) is SWAPPED.is_working(day)


@given(DAYS, st.integers(-20, 40))
def test_late_is_never_zero_after_the_due_day(due: date, days: int) -> None:
    received = due + timedelta(days=days)
    late = SWAPPED.count_late(due, received)
    assert (late == 0) is (received <= due)
    assert late <= max(0, days)
    assert SWAPPED.count_late(due, received + timedelta(days=1)) >= late


def test_late_over_rest_days() -> None:
    friday = date(2026, 11, 20)
    assert PLAIN.count_late(friday, friday) == 0
    assert PLAIN.count_late(friday, date(2026, 11, 21)) == 1  # Saturday: late is late
    assert PLAIN.count_late(friday, date(2026, 11, 23)) == 1
    assert PLAIN.count_late(friday, date(2026, 11, 25)) == 2  # 24/11 is no working day
