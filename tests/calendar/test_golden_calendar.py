"""The reporting calendar of 2026 to 2028 as golden files: every period of both clocks under the defaults, and the days off.

After a rule or a swapped day was changed on purpose: `python tests/calendar/test_golden_calendar.py`, then read the difference.
"""

from __future__ import annotations

import csv
import io
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from etl.calendar.deadlines import due_instant
from etl.calendar.periods import Clock, PeriodKind, periods_between
from etl.register.model import Register, UnitType
from etl.register.read import read_register
from etl.settings import PROJECT_ROOT

GOLDEN = Path(__file__).parent / "golden"
FIRST, LAST = date(2026, 1, 1), date(2028, 12, 31)
KINDS = [kind for kind in PeriodKind if kind is not PeriodKind.ONE_OFF]
REPORTS = {Clock.ADMIN: "movements-half", Clock.STATISTICS: "statistics-year"}
"""The reports whose due rules are the defaults of each clock."""


def day(value: date) -> str:
    return f"{value:%a %Y-%m-%d}"


def write_periods(register: Register) -> str:
    """Every period whose code is of 2026 to 2028: window, cut-off, last second in time, the province's own day."""
    workdays = register.working_days()
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["clock", "period", "label", "start", "cut_off", "due_communes", "due_others", "external_due"])
    for clock, code in REPORTS.items():
        report = register.report(code)
        for kind in KINDS:
            for period in periods_between(kind, clock, FIRST, LAST):
                if not FIRST.year <= int(period.code[:4]) <= LAST.year:
                    continue
                due = report.due_instants(period, workdays)
                # TT 2/2023 fixes the year alone: for the other periods of that clock nobody named a day.
                named = report.external_due and (clock is Clock.ADMIN or kind is PeriodKind.YEAR)
                external = day(due_instant(period, report.external_due, workdays)) if named else ""
                instants = [f"{due[kind_]:%a %Y-%m-%dT%H:%M:%S%z}" for kind_ in (UnitType.COMMUNE, UnitType.DEPARTMENT)]
                writer.writerow(
                    [clock, period.code, period.label, day(period.start), day(period.end), *instants, external]
                )
    return table.getvalue()


def write_days(register: Register) -> str:
    """The days on which it matters: weekdays off, and weekends worked."""
    workdays = register.working_days()
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    told = [
        (day(one), "worked" if workdays.is_working(one) else "off")
        for one in days
        if workdays.is_working(one) is (one.weekday() >= 5)
    ]
    return "".join(f"{name},{what}\n" for name, what in [("day", "what"), *told])


FILES = {"periods-2026-2028.csv": write_periods, "days-2026-2028.csv": write_days}


@pytest.fixture(scope="module")
def register() -> Register:
    return read_register(PROJECT_ROOT / "register")


@pytest.mark.parametrize("name", FILES)
def test_the_calendar_is_the_golden_one(register: Register, name: str) -> None:
    assert FILES[name](register) == (GOLDEN / name).read_text("utf-8")


BRIEF = [
    # the calendar of the domain brief (§9), day by day; both internal days where it names or implies them
    ("admin", "2026-M11", "2026-10-15", "Sat 2026-11-14", "Tue 2026-11-17", "Wed 2026-11-18", "2026-11-25"),
    ("statistics", "2026-A1", "2025-12-01", "Mon 2026-11-30", "Fri 2026-12-04", "Tue 2026-12-08", "Tue 2026-12-15"),
    ("admin", "2026-Q4", "2026-09-15", "Mon 2026-12-14", "Wed 2026-12-16", "Thu 2026-12-17", "Fri 2026-12-25"),
    ("admin", "2026-A1", "2025-12-15", "Mon 2026-12-14", "Wed 2026-12-16", "Thu 2026-12-17", "Fri 2026-12-25"),
    ("admin", "2026-S2", "2026-06-15", "Mon 2026-12-14", "Wed 2026-12-16", "Thu 2026-12-17", "Fri 2026-12-25"),
    ("admin", "2027-Q1", "2026-12-15", "Sun 2027-03-14", "Tue 2027-03-16", "Wed 2027-03-17", "2027-03-25"),
    ("admin", "2027-S1", "2026-12-15", "Mon 2027-06-14", "Wed 2027-06-16", "Thu 2027-06-17", "Fri 2027-06-25"),
    ("admin", "2027-9M", "2026-12-15", "Tue 2027-09-14", "Thu 2027-09-16", "Fri 2027-09-17", "2027-09-25"),
]


@pytest.mark.parametrize(("clock", "period", "start", "cut_off", "communes", "others", "external"), BRIEF)
def test_the_rows_of_the_brief_come_out_to_the_day(
    clock: str, period: str, start: str, cut_off: str, communes: str, others: str, external: str
) -> None:
    with (GOLDEN / "periods-2026-2028.csv").open(encoding="utf-8", newline="") as stream:
        rows = {(row["clock"], row["period"]): row for row in csv.DictReader(stream)}
    row = rows[clock, period]
    assert row["start"].endswith(start)
    assert row["cut_off"] == cut_off
    assert row["due_communes"] == f"{communes}T23:59:59+0700"
    assert row["due_others"] == f"{others}T23:59:59+0700"
    assert row["external_due"].endswith(external)


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, write in FILES.items():
        (GOLDEN / name).write_text(write(read_register(PROJECT_ROOT / "register")), "utf-8")
    sys.stdout.write(f"written to {GOLDEN.name}/: {', '.join(FILES)}\n")
