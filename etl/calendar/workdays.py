"""Working days in Viet Nam: public holidays by law, and the swapped days the Government announces each year.

Pure. It must not hold the swapped days itself: they come from the register (`register/calendar.csv`), which wins over
every rule here, because a package released before an announcement cannot know it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import holidays

_DAY = timedelta(days=1)
_SATURDAY = 5


class WorkingDays:
    """Working days, seen from the register's overrides first, then the law.

    `overrides` maps a day to whether it is worked. The rules below it: Saturday and Sunday off; Tết, Giỗ Tổ, 30/4, 1/5,
    2/9 with its second day, 1/1 and their substitutes as the `holidays` package has them; 24/11 from 2026 (Ngày Văn
    hóa Việt Nam, NQ 28/2026/QH16), kept here too so that an older package is not a day out in the year-end weeks.
    """

    def __init__(self, overrides: Mapping[date, bool]) -> None:
        self._overrides = dict(overrides)
        self._public = holidays.country_holidays("VN")

    def is_working(self, day: date) -> bool:
        """Whether offices work on that day."""
        if day in self._overrides:
            return self._overrides[day]
        if _is_culture_day_off(day):
            return False
        return bool(self._public.is_working_day(day))

    def next_working(self, day: date) -> date:
        """The first working day on or after the day."""
        while not self.is_working(day):
            day += _DAY
        return day

    def shift(self, day: date, working_days: int) -> date:
        """The n-th working day strictly after the day (before it for a negative n); n = 0 is `next_working`."""
        if working_days == 0:
            return self.next_working(day)
        step = _DAY if working_days > 0 else -_DAY
        for _ in range(abs(working_days)):
            day += step
            while not self.is_working(day):
                day += step
        return day

    def count_between(self, after: date, until: date) -> int:
        """How many working days lie after `after` and up to `until`, that day included; 0 when there are none."""
        return sum(self.is_working(after + _DAY * n) for n in range(1, (until - after).days + 1))

    def count_late(self, due: date, received: date) -> int:
        """Working days late: those in (due, received], at least 1 for anything after the due day, 0 when on time.

        Received on the Saturday after a Friday due day is one day late, though no working day has passed: late is late.
        """
        return 0 if received <= due else max(1, self.count_between(due, received))


def is_year_known(year: int) -> bool:
    """Whether the public holidays of a year are known: Tết and Giỗ Tổ follow the moon, from tables that end."""
    public = holidays.country_holidays("VN")
    return bool(public.start_year <= year <= public.end_year)


def _is_culture_day_off(day: date) -> bool:
    if day.year < 2026 or day.month != 11:
        return False
    holiday = date(day.year, 11, 24)
    # Bộ luật Lao động Điều 111.3: a holiday on a weekly rest day is taken on the next working day.
    while holiday.weekday() >= _SATURDAY:
        holiday += _DAY
    return day == holiday
