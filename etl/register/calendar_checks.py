"""Whether the days of calendar.csv make sense: contradictions are refused, what the holiday library says itself is only told.

Pure. It must not decide which days are worked: `etl.calendar.workdays` does, and the register's rows win there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final

from etl.calendar.workdays import WorkingDays, is_year_known
from etl.register.entities import CalendarOverride
from etl.register.table import Located, Problem
from etl.text import comparison_key

_WEEKDAYS: Final = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
_DATED: Final = re.compile(r"(?:(thứ \w+|chủ nhật) )?(?:ngày )?(\d{1,2})/(\d{1,2})/(\d{4})", re.IGNORECASE)


def check_overrides(calendar: Sequence[Located[CalendarOverride]]) -> Iterator[Problem]:
    """Years without known holidays, days of the reason that do not exist, and swaps whose halves say the same."""
    days = {row.value.day: row.value.working for row in calendar}
    workdays = WorkingDays(days)
    for located in calendar:
        row = located.value
        if not is_year_known(row.day.year):
            yield located.problem(f"the holidays of {row.day.year} are not known: no day of that year can be swapped")
            continue
        for weekday, number, month, year in _DATED.findall(row.reason):
            try:
                other = date(int(year), int(month), int(number))
            except ValueError:
                yield located.problem(f"the reason names {number}/{month}/{year}, a day that does not exist")
                continue
            right = _WEEKDAYS[other.weekday()]
            if weekday and comparison_key(weekday) != comparison_key(right):
                yield located.problem(f"the reason names {number}/{month}/{year} a {weekday}: it is a {right}")
            elif other != row.day and is_year_known(other.year) and workdays.is_working(other) is row.working:
                # A day made up for a day that is worked anyway gives a week of six days, and due days one too early.
                what = "worked" if row.working else "off"
                yield located.problem(f"{row.day} is swapped with {other}, but both are {what}")


def list_repeats(calendar: Mapping[date, bool]) -> list[str]:
    """Overrides that say what the general rules say anyway, one sentence each: harmless, and perhaps a slip."""
    rules = WorkingDays({})
    return [
        f"{day} is {'worked' if working else 'off'} by the general rules already"
        for day, working in sorted(calendar.items())
        if is_year_known(day.year) and rules.is_working(day) is working
    ]
