"""Windows, codes and labels of periods on both clocks."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.calendar.periods import (
    Clock,
    Period,
    PeriodKind,
    UnknownPeriod,
    next_period,
    parse_period,
    period_at,
    periods_between,
    previous_period,
)

CLOCKS = st.sampled_from(Clock)
YEARS = st.integers(1950, 2150)
TILING = st.sampled_from([PeriodKind.YEAR, PeriodKind.HALF, PeriodKind.QUARTER, PeriodKind.MONTH])
DAYS = st.dates(date(1950, 1, 1), date(2150, 12, 31))


def tile(parts: list[Period], whole: Period) -> bool:
    starts = [part.start for part in parts]
    ends = [part.end for part in parts]
    seams = all(later == earlier + timedelta(days=1) for earlier, later in zip(ends, starts[1:], strict=False))
    return starts[0] == whole.start and ends[-1] == whole.end and seams


def parse_all(year: int, clock: Clock, *suffixes: str) -> list[Period]:
    return [parse_period(f"{year}-{suffix}", clock) for suffix in suffixes]


@given(YEARS, CLOCKS)
def test_months_quarters_and_halves_tile_what_holds_them(year: int, clock: Clock) -> None:
    months = parse_all(year, clock, *(f"M{number:02d}" for number in range(1, 13)))
    quarters = parse_all(year, clock, "Q1", "Q2", "Q3", "Q4")
    halves = parse_all(year, clock, "S1", "S2")
    whole = parse_period(f"{year}-A1", clock)
    assert tile(months, whole)
    for number, quarter in enumerate(quarters):
        assert tile(months[3 * number : 3 * number + 3], quarter)
    for number, half in enumerate(halves):
        assert tile(quarters[2 * number : 2 * number + 2], half)
    assert tile(halves, whole)
    nine = parse_period(f"{year}-9M", clock)
    assert tile(quarters[:3], nine)


@given(YEARS, CLOCKS)
def test_years_tile_time(year: int, clock: Clock) -> None:
    first, second = parse_period(f"{year}-A1", clock), parse_period(f"{year + 1}-A1", clock)
    assert second.start == first.end + timedelta(days=1)


@given(TILING, CLOCKS, DAYS)
def test_every_day_belongs_to_one_period(kind: PeriodKind, clock: Clock, day: date) -> None:
    period = period_at(kind, clock, day)
    assert period.start <= day <= period.end
    assert parse_period(period.code, clock) == period
    assert periods_between(kind, clock, day, day) == [period]


@given(st.sampled_from([kind for kind in PeriodKind if kind is not PeriodKind.ONE_OFF]), CLOCKS, DAYS)
def test_next_and_previous_undo_each_other(kind: PeriodKind, clock: Clock, day: date) -> None:
    period = periods_between(kind, clock, day, day + timedelta(days=400))[0]
    assert previous_period(next_period(period)) == period
    assert next_period(period).start > period.start


@given(TILING, CLOCKS, DAYS, st.integers(0, 900))
def test_periods_between_covers_the_span_without_a_gap(kind: PeriodKind, clock: Clock, first: date, days: int) -> None:
    last = first + timedelta(days=days)
    periods = periods_between(kind, clock, first, last)
    assert periods[0].start <= first
    assert periods[-1].end >= last
    assert tile(periods, Period("", kind, clock, periods[0].start, periods[-1].end, ""))


@pytest.mark.parametrize(
    ("code", "clock", "start", "end", "label"),
    [
        # domain §2.1: NĐ 09/2019 Điều 12
        ("2026-A1", Clock.ADMIN, "2025-12-15", "2026-12-14", "năm 2026"),
        ("2026-S1", Clock.ADMIN, "2025-12-15", "2026-06-14", "6 tháng đầu năm 2026"),
        ("2026-S2", Clock.ADMIN, "2026-06-15", "2026-12-14", "6 tháng cuối năm 2026"),
        ("2026-Q1", Clock.ADMIN, "2025-12-15", "2026-03-14", "quý I năm 2026"),
        ("2026-Q3", Clock.ADMIN, "2026-06-15", "2026-09-14", "quý III năm 2026"),
        ("2026-M01", Clock.ADMIN, "2025-12-15", "2026-01-14", "tháng 1 năm 2026"),
        ("2026-M11", Clock.ADMIN, "2026-10-15", "2026-11-14", "tháng 11 năm 2026"),
        ("2026-9M", Clock.ADMIN, "2025-12-15", "2026-09-14", "9 tháng năm 2026"),
        # domain §2.3: TT 2/2023, and the same shift for the rest
        ("2026-A1", Clock.STATISTICS, "2025-12-01", "2026-11-30", "năm 2026"),
        ("2026-S1", Clock.STATISTICS, "2025-12-01", "2026-05-31", "6 tháng đầu năm 2026"),
        ("2026-S2", Clock.STATISTICS, "2026-06-01", "2026-11-30", "6 tháng cuối năm 2026"),
        ("2028-Q1", Clock.STATISTICS, "2027-12-01", "2028-02-29", "quý I năm 2028"),
        ("2026-M01", Clock.STATISTICS, "2025-12-01", "2025-12-31", "tháng 1 năm 2026"),
        ("2027-M03", Clock.STATISTICS, "2027-02-01", "2027-02-28", "tháng 3 năm 2027"),
    ],
)
def test_windows_and_labels(code: str, clock: Clock, start: str, end: str, label: str) -> None:
    period = parse_period(code, clock)
    assert (period.start.isoformat(), period.end.isoformat(), period.label) == (start, end, label)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "2026",
        "2026-A2",
        "2026-A01",
        "2026-S3",
        "2026-S0",
        "2026-Q5",
        "2026-M1",
        "2026-M00",
        "2026-M13",
        "2026-9m",
        "2026-Q01",
        " 2026-A1",
        "2026-A1\n",
        "26-A1",
        "٢٠٢٦-A1",
        "0000-A1",
        "2026-X-",
        "2026-X-Ba",
        "2026-N",
        "2026-12",
    ],
)
def test_other_codes_are_refused(code: str) -> None:
    with pytest.raises(UnknownPeriod):
        parse_period(code, Clock.ADMIN)


@given(st.text(max_size=12))
def test_any_text_is_a_period_or_refused(text: str) -> None:
    try:
        period = parse_period(text, Clock.ADMIN)
    except UnknownPeriod:
        return
    assert period.code == text


def test_one_off_periods_take_their_window_from_the_register() -> None:
    windows = {
        "2026-X-bau-cu": (date(2026, 3, 1), date(2026, 3, 31)),
        "2026-X-nguoc": (date(2026, 2, 1), date(2026, 1, 1)),
    }
    period = parse_period("2026-X-bau-cu", Clock.ADMIN, windows)
    assert (period.kind, period.start, period.end) == (PeriodKind.ONE_OFF, date(2026, 3, 1), date(2026, 3, 31))
    assert period.label == "từ ngày 01/03/2026 đến ngày 31/03/2026"
    with pytest.raises(UnknownPeriod, match="without a window"):
        parse_period("2026-X-khac", Clock.ADMIN, windows)
    with pytest.raises(UnknownPeriod, match="before it starts"):
        parse_period("2026-X-nguoc", Clock.ADMIN, windows)
    with pytest.raises(ValueError, match="one-off"):
        next_period(period)
    with pytest.raises(ValueError, match="one-off"):
        periods_between(PeriodKind.ONE_OFF, Clock.ADMIN, date(2026, 1, 1), date(2026, 2, 1))


def test_edges_of_the_known_years() -> None:
    with pytest.raises(UnknownPeriod):
        next_period(parse_period("2199-M12", Clock.ADMIN))
    assert periods_between(PeriodKind.YEAR, Clock.ADMIN, date(2026, 2, 1), date(2026, 1, 1)) == []
    with pytest.raises(ValueError, match="do not tile"):
        period_at(PeriodKind.NINE_MONTHS, Clock.ADMIN, date(2026, 1, 1))
