"""Reporting periods: codes, windows and Vietnamese labels on the two legal clocks.

Pure. It must not know reports or units: which clock and which frequency a report has is the register's business.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2199


class Clock(StrEnum):
    """Which rule draws the window (chế độ, mốc chốt số liệu).

    `admin`: NĐ 09/2019/NĐ-CP Điều 12, from day 15 to day 14. `statistics`: TT 2/2023/TT-BNV, year 01/12–30/11.
    """

    ADMIN = "admin"
    STATISTICS = "statistics"


class PeriodKind(StrEnum):
    """The frequency a period belongs to."""

    YEAR = "year"
    HALF = "half"
    QUARTER = "quarter"
    MONTH = "month"
    NINE_MONTHS = "nine_months"
    ONE_OFF = "one_off"


class UnknownPeriod(ValueError):
    """The code names no period."""


@dataclass(frozen=True, slots=True)
class Period:
    """A window with both ends included; `end` is the cut-off (ngày chốt số liệu). `label` is Vietnamese."""

    code: str
    kind: PeriodKind
    clock: Clock
    start: date
    end: date
    label: str


_CODE = re.compile(
    r"(?P<year>[0-9]{4})-(?:(?P<letter>[ASQM])(?P<number>[0-9]{1,2})|(?P<nine>9M)|X-[a-z0-9]+(?:-[a-z0-9]+)*)"
)
_LETTERS = {"A": PeriodKind.YEAR, "S": PeriodKind.HALF, "Q": PeriodKind.QUARTER, "M": PeriodKind.MONTH}
_MONTHS_OF = {PeriodKind.YEAR: 12, PeriodKind.HALF: 6, PeriodKind.QUARTER: 3, PeriodKind.MONTH: 1}
_CODES_OF = {PeriodKind.YEAR: "A", PeriodKind.HALF: "S", PeriodKind.QUARTER: "Q", PeriodKind.MONTH: "M"}
_QUARTERS = ("I", "II", "III", "IV")


def parse_period(code: str, clock: Clock, one_off: Mapping[str, tuple[date, date]] | None = None) -> Period:
    """The period a code names on a clock.

    Codes: `2026-A1` year, `2026-S1`/`S2` half, `2026-Q1`…`Q4`, `2026-M01`…`M12`, `2026-9M`, `2026-X-slug` (one-off,
    its first and last day taken from `one_off`).

    Admin windows (NĐ 09/2019 Điều 12): from day 15 of the month before the first month to day 14 of the last month;
    nine months as the provinces set it, 15/12–14/9.
    Statistics windows: the law (TT 2/2023) fixes the year only, 01/12–30/11. The others follow by the same shift of
    one month back, so that month M is the whole calendar month before M (M01 = 01/12–31/12), and twelve months tile
    the year.

    Raises UnknownPeriod for any other code, and for a one-off that `one_off` does not name or gives backwards.
    """
    match = _CODE.fullmatch(code)
    if match is None or not FIRST_YEAR <= int(match["year"]) <= LAST_YEAR:
        raise UnknownPeriod(
            f"{code!r} is no period: expected e.g. 2026-A1, 2026-S1, 2026-Q1, 2026-M01, 2026-9M, 2026-X-slug"
        )
    year = int(match["year"])
    if match["nine"]:
        return _build(year, PeriodKind.NINE_MONTHS, 1, clock)
    if match["letter"] is None:
        return _build_one_off(code, clock, one_off or {})
    kind = _LETTERS[match["letter"]]
    number = int(match["number"])
    period = _build(year, kind, number, clock) if 1 <= number <= 12 // _MONTHS_OF[kind] else None
    # One spelling a period: "2026-M1" and "2026-Q01" would be second names of the same obligation.
    if period is None or period.code != code:
        raise UnknownPeriod(
            f"{code!r} is no period: a year has {12 // _MONTHS_OF[kind]} of that kind, written {_example(kind)}"
        )
    return period


def period_at(kind: PeriodKind, clock: Clock, day: date) -> Period:
    """The period of that kind whose window holds the day. Raises ValueError where the kind does not tile time."""
    if kind not in _MONTHS_OF:
        raise ValueError(f"periods of kind {kind} do not tile time: no single one belongs to a day")
    # Windows start up to a month early, so the month whose own window holds the day comes first.
    late = day.month + 1 if clock is Clock.STATISTICS or day.day >= 15 else day.month
    year, month = (day.year + 1, 1) if late == 13 else (day.year, late)
    return _build(year, kind, (month - 1) // _MONTHS_OF[kind] + 1, clock)


def periods_between(kind: PeriodKind, clock: Clock, first: date, last: date) -> list[Period]:
    """Every period of that kind whose window touches first…last, in order; empty when last is before first.

    Raises ValueError for one-off periods, which follow no rhythm.
    """
    if kind is PeriodKind.ONE_OFF:
        raise ValueError("one-off periods follow no rhythm: list them from the register")
    found: list[Period] = []
    if last < first:
        return found
    period = _build(first.year, kind, 1, clock)
    while period.start <= last:
        if period.end >= first:
            found.append(period)
        period = next_period(period)
    return found


def next_period(period: Period) -> Period:
    """The following period of the same kind and clock. Raises ValueError for a one-off."""
    return _step(period, 1)


def previous_period(period: Period) -> Period:
    """The preceding period of the same kind and clock. Raises ValueError for a one-off."""
    return _step(period, -1)


def _step(period: Period, by: int) -> Period:
    if period.kind is PeriodKind.ONE_OFF:
        raise ValueError(f"{period.code} is a one-off: no period follows or precedes it")
    year = int(period.code[:4])
    if period.kind is PeriodKind.NINE_MONTHS:
        return _build(year + by, period.kind, 1, period.clock)
    a_year = 12 // _MONTHS_OF[period.kind]
    year, number = divmod(year * a_year + int(period.code[6:]) - 1 + by, a_year)
    return _build(year, period.kind, number + 1, period.clock)


def _build(year: int, kind: PeriodKind, number: int, clock: Clock) -> Period:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise UnknownPeriod(f"periods are known for the years {FIRST_YEAR} to {LAST_YEAR}, not {year}")
    length = _MONTHS_OF.get(kind, 9)
    first_month = (number - 1) * length + 1
    last_month = first_month + length - 1
    start_year, start_month = _month_before(year, first_month)
    if clock is Clock.ADMIN:
        start, end = date(start_year, start_month, 15), date(year, last_month, 14)
    else:
        end_year, end_month = _month_before(year, last_month)
        start = date(start_year, start_month, 1)
        end = date(end_year, end_month, monthrange(end_year, end_month)[1])
    return Period(_code(year, kind, number), kind, clock, start, end, _label(year, kind, number))


def _build_one_off(code: str, clock: Clock, windows: Mapping[str, tuple[date, date]]) -> Period:
    if code not in windows:
        raise UnknownPeriod(f"{code!r} is a one-off period without a window: add it to the report in reports.yaml")
    start, end = windows[code]
    if end < start:
        raise UnknownPeriod(f"the window of {code!r} ends on {end} before it starts on {start}")
    label = f"từ ngày {start:%d/%m/%Y} đến ngày {end:%d/%m/%Y}"
    return Period(code, PeriodKind.ONE_OFF, clock, start, end, label)


def _month_before(year: int, month: int) -> tuple[int, int]:
    return (year - 1, 12) if month == 1 else (year, month - 1)


def _code(year: int, kind: PeriodKind, number: int) -> str:
    if kind is PeriodKind.NINE_MONTHS:
        return f"{year}-9M"
    return f"{year}-{_CODES_OF[kind]}{number:02d}" if kind is PeriodKind.MONTH else f"{year}-{_CODES_OF[kind]}{number}"


def _example(kind: PeriodKind) -> str:
    return f"{_code(2026, kind, 1)} to {_code(2026, kind, 12 // _MONTHS_OF[kind])}"


def _label(year: int, kind: PeriodKind, number: int) -> str:
    if kind is PeriodKind.YEAR:
        return f"năm {year}"
    if kind is PeriodKind.HALF:
        return f"6 tháng {'đầu' if number == 1 else 'cuối'} năm {year}"
    if kind is PeriodKind.QUARTER:
        return f"quý {_QUARTERS[number - 1]} năm {year}"
    if kind is PeriodKind.MONTH:
        return f"tháng {number} năm {year}"
    return f"9 tháng năm {year}"
