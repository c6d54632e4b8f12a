"""Deadlines: when a report of a period is due, and whether what was received came in time.

Pure. It must not read the clock: the instant of receipt and the deadline are arguments.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from etl.calendar.periods import Period
    from etl.calendar.workdays import WorkingDays

TIMEZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
LAST_SECOND: Final = time(23, 59, 59)


def find_end_day(until: datetime) -> date:
    """The last day of Viet Nam of what holds before an instant (aware): what ends at midnight ends with the day before."""
    return (until - timedelta(microseconds=1)).astimezone(TIMEZONE).date()


class DueKind(StrEnum):
    """How a due day is found."""

    CUTOFF_PLUS_WORKING_DAYS = "cutoff_plus_working_days"
    FIXED_DATE = "fixed_date"


class DueOperator(StrEnum):
    """How the text of the rule names the day: "trước ngày 10/12" ends on 09/12, "chậm nhất ngày 10/12" on 10/12."""

    BEFORE = "before"
    NO_LATER_THAN = "no_later_than"


@dataclass(frozen=True, slots=True)
class DueRule:
    """One rule of a due day.

    `cutoff_plus_working_days`: the `days`-th working day after the cut-off. `fixed_date`: `day` of `month` (None =
    the month of the cut-off) in the cut-off's year plus `year_offset`; taken literally, also on a day of rest.
    Raises ValueError when the fields do not fit the kind.
    """

    kind: DueKind
    operator: DueOperator
    days: int | None = None
    day: int | None = None
    month: int | None = None
    year_offset: int = 0

    def __post_init__(self) -> None:
        if self.kind is DueKind.CUTOFF_PLUS_WORKING_DAYS:
            if self.days is None or self.days < 0 or self.day is not None or self.month is not None or self.year_offset:
                raise ValueError(
                    "cutoff_plus_working_days takes `days` of at least 0, and no day, month or year_offset"
                )
        elif self.days is not None or self.day is None or not _is_day_of_month(self.day, self.month):
            raise ValueError(
                "fixed_date takes a `day` that exists every year, perhaps a `month` and a `year_offset`, and no days"
            )


def _is_day_of_month(day: int, month: int | None) -> bool:
    if month is not None and not 1 <= month <= 12:
        return False
    try:
        date(2027, month or 2, day)  # a common year: 29/02 would be no deadline in three years of four
    except ValueError:
        return False
    return True


def due_day(period: Period, rule: DueRule, workdays: WorkingDays) -> date:
    """The last day on which a report of the period is in time."""
    if rule.day is not None:
        named = date(period.end.year + rule.year_offset, rule.month or period.end.month, rule.day)
    else:
        # 0 working days is the cut-off itself: check_calendar refuses it, but it is a day all the same.
        named = workdays.shift(period.end, rule.days) if rule.days else period.end
    return named - timedelta(days=1) if rule.operator is DueOperator.BEFORE else named


def due_instant(period: Period, rule: DueRule, workdays: WorkingDays) -> datetime:
    """The last second in time: 23:59:59 in Viet Nam on the due day."""
    return datetime.combine(due_day(period, rule, workdays), LAST_SECOND, TIMEZONE)


def is_on_time(received_at: datetime, due_at: datetime) -> bool:
    """Whether it was received by the due instant, compared at whole seconds (23:59:59,9 is in time).

    Raises ValueError for an instant without a time zone.
    """
    _refuse_naive(received_at, due_at)
    return received_at.replace(microsecond=0) <= due_at


def count_days_late(received_at: datetime, due_at: datetime, workdays: WorkingDays) -> int:
    """Working days late on the calendar in Viet Nam; 0 when on time. Raises ValueError without a time zone."""
    if is_on_time(received_at, due_at):
        return 0
    return workdays.count_late(due_at.astimezone(TIMEZONE).date(), received_at.astimezone(TIMEZONE).date())


def check_calendar(rule: DueRule, periods: Iterable[Period], workdays: WorkingDays) -> list[str]:
    """What is wrong with a rule for these periods, one English sentence each; empty when it is lawful.

    NĐ 09/2019/NĐ-CP Điều 8.5: the day to send must leave at least one working day after the cut-off.
    """
    problems: list[str] = []
    for period in periods:
        due = due_day(period, rule, workdays)
        if workdays.count_between(period.end, due) < 1:
            problems.append(
                f"due {due} leaves no working day after the cut-off {period.end} of {period.code} (NĐ 09/2019 Điều 8.5)"
            )
    return problems


def _refuse_naive(*instants: datetime) -> None:
    for instant in instants:
        if instant.tzinfo is None:
            raise ValueError(f"{instant!r} has no time zone: it is no instant")
