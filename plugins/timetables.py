"""When a period is closed: a partitioned timetable on the cut-offs and due days of every report, moved to working days.

The dag-processor reads the register when it serialises the DAG; scheduler and API server see only the list of instants
made then. It must not touch the warehouse: a schedule must not depend on a server being up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

import pendulum
from airflow.exceptions import InvalidPartitionKeyError
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from airflow.utils.types import DagRunType

from etl.calendar.deadlines import TIMEZONE

if TYPE_CHECKING:
    from etl.usecases.context import Knowledge

Closing = tuple[str, datetime]
"""Partition key `report:period`, and the instant at which its run starts."""

RUN_AT: Final = time(6, 30)
"""Before the daily look at deadlines (07:30), so that the office finds the list when it opens."""
FIRST_LOOK_BACK: Final = timedelta(days=7)
"""On the first start ever: a period that fell due in an outage of this length is still closed."""
_LONGEST_REST: Final = timedelta(days=30)
"""More than any run of days off: what fell due before a holiday is closed after it."""
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9-]*:[0-9]{4}-[A-Za-z0-9-]+")


def plan_closings(knowledge: Knowledge, first: date, last: date) -> list[Closing]:
    """What runs on the days first…last, in order; no two at one instant.

    A cut-off or due day lasts to its midnight, so its run starts on the first working day after it. Periods that share
    a day get instants a second apart, by key: Airflow tells the newest run of a partitioned DAG, and a backfill tells
    a partition it already has, by that instant alone; equal ones would repeat or lose a period.
    """
    from etl.usecases.periods import due_events

    workdays = knowledge.register.working_days()
    days: dict[date, set[str]] = {}
    for event in due_events(knowledge, first - _LONGEST_REST, last):
        run_day = workdays.shift(event.at.astimezone(TIMEZONE).date(), 1)
        if first <= run_day <= last:
            days.setdefault(run_day, set()).add(f"{event.report}:{event.period}")
    return [
        (key, datetime.combine(day, RUN_AT, TIMEZONE) + timedelta(seconds=rank))
        for day in sorted(days)
        for rank, key in enumerate(sorted(days[day]))
    ]


class ClosingTimetable(Timetable):
    """Runs `close_period` once for every cut-off and due day, with `report:period` as the partition key.

    The partition date is the instant of the run, not the start of the period: Airflow takes the run with the latest
    partition date for the last one, and windows of different lengths end in another order than they start.
    """

    description = "Ngày làm việc đầu tiên sau mốc chốt số liệu và sau hạn nộp của từng kỳ báo cáo"
    partitioned = True
    run_ordering = ("run_after", "partition_key")

    def __init__(self, closings: Iterable[Closing] | None = None) -> None:
        # Unknown until asked for: a task only parses the file, and must not pay for reading the register.
        self._closings = None if closings is None else sorted(closings, key=lambda closing: closing[1])

    @property
    def summary(self) -> str:
        return "mốc chốt và hạn nộp"

    @property
    def closings(self) -> list[Closing]:
        """The planned runs from last year to the end of next year, in order."""
        if self._closings is None:
            self._closings = _read_closings()
        return self._closings

    def serialize(self) -> dict[str, Any]:
        return {"closings": [[key, at.isoformat()] for key, at in self.closings]}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> ClosingTimetable:
        return cls((key, datetime.fromisoformat(at).astimezone(TIMEZONE)) for key, at in data["closings"])

    def next_dagrun_info_v2(
        self, *, last_dagrun_info: DagRunInfo | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The first closing after the last run: an outage delays closings and loses none, with or without catchup."""
        if last_dagrun_info is not None:
            later = (closing for closing in self.closings if closing[1] > last_dagrun_info.run_after)
        else:
            earliest = restriction.earliest
            if not restriction.catchup or earliest is None:
                floor = pendulum.now(TIMEZONE.key) - FIRST_LOOK_BACK
                earliest = floor if earliest is None else max(earliest, floor)
            later = (closing for closing in self.closings if closing[1] >= earliest)
        chosen = next(later, None)
        if chosen is None or (restriction.latest is not None and chosen[1] > restriction.latest):
            return None
        return _describe_run(chosen)

    def next_dagrun_info(self, **_: Any) -> DagRunInfo | None:
        """Not for partitioned timetables: Airflow asks `next_dagrun_info_v2`."""
        raise NotImplementedError("ask next_dagrun_info_v2")

    def iter_partition_dagrun_infos(self, *, earliest: datetime, latest: datetime) -> Iterator[DagRunInfo]:
        """The closings whose day lies in earliest…latest, both days included (a backfill names days)."""
        first, last = (self.localize_partition_datetime(bound).date() for bound in (earliest, latest))
        return (_describe_run(closing) for closing in self.closings if first <= closing[1].date() <= last)

    def localize_partition_datetime(self, dt: datetime) -> pendulum.DateTime:
        """The same wall clock in Viet Nam: bounds arrive as midnight UTC and mean the day they name."""
        wall = pendulum.instance(dt).in_timezone("UTC").naive()
        return pendulum.instance(wall, tz=TIMEZONE)

    def _decode_partition_date(self, partition_key: str) -> datetime | None:
        if not _KEY.fullmatch(partition_key):
            raise InvalidPartitionKeyError(
                f"{partition_key!r} names no period: expected report:period, for example movements-half:2026-S1"
            )
        return max((at for key, at in self.closings if key == partition_key), default=None)

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        return DataInterval.exact(run_after)

    def generate_run_id(
        self,
        *,
        run_type: DagRunType,
        run_after: pendulum.DateTime,
        data_interval: DataInterval | None,  # noqa: ARG002 - given by Airflow
        **extra: Any,
    ) -> str:
        """Readable and unique: kind, instant, key. A manual run gets no key here, and has its own instant."""
        key = extra.get("partition_key")
        return run_type.generate_run_id(suffix=f"{run_after.isoformat()}{f'__{key}' if key else ''}")


def _describe_run(closing: Closing) -> DagRunInfo:
    key, at = closing
    instant = pendulum.instance(at)
    return DagRunInfo(run_after=instant, data_interval=None, partition_date=instant, partition_key=key)


def _read_closings() -> list[Closing]:
    from etl.usecases.context import Knowledge
    from plugins.airflow_settings import read_airflow_settings

    year = datetime.now(TIMEZONE).year  # whole years, so that the serialised DAG changes once a year, not daily
    return plan_closings(Knowledge(read_airflow_settings()), date(year - 1, 1, 1), date(year + 1, 12, 31))
