"""Whether the rows of a register fit together: validity, references, cycles, blocs, due rules.

Pure. It must not repair or drop anything: it only says what is wrong, and on which line.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import TypeVar

from etl.calendar.deadlines import check_calendar
from etl.calendar.periods import LAST_YEAR, Period, PeriodKind, UnknownPeriod, parse_period, periods_between
from etl.calendar.workdays import WorkingDays
from etl.register.alert_rows import CONTACTS_FILE, check_contacts
from etl.register.alerting import Contact
from etl.register.award_rows import AWARDS_FILE, check_awards
from etl.register.awards import Award, BaseSalary
from etl.register.calendar_checks import check_overrides
from etl.register.channels import CHANNELS_FILE, ChannelLine, check_channels
from etl.register.entities import (
    EVERY,
    BlocMembership,
    BlocRole,
    CalendarOverride,
    Dated,
    Exemption,
    Indicator,
    Lineage,
    Movement,
    MovementAlias,
    Province,
    Report,
    Unit,
    UnitAlias,
    UnitType,
    is_valid_during,
    is_valid_on,
)
from etl.register.lineage_checks import check_lineage
from etl.register.table import Located, Problem
from etl.text import comparison_key

_D = TypeVar("_D", bound=Dated)
_DAY = timedelta(days=1)
_UNIT_CODE = re.compile(r"[A-Y][0-9]{2}(\.[A-Z0-9]+)*")
_MAX_UNIT_CODE = 35
_CODE = re.compile(r"[A-Z][A-Z0-9]{1,15}")
_YEARS_CHECKED = 10


@dataclass
class Draft:
    """What was read, with lines, before anything is known to fit."""

    province: Located[Province]
    units: list[Located[Unit]] = field(default_factory=list)
    unit_aliases: list[Located[UnitAlias]] = field(default_factory=list)
    lineage: list[Located[Lineage]] = field(default_factory=list)
    memberships: list[Located[BlocMembership]] = field(default_factory=list)
    movements: list[Located[Movement]] = field(default_factory=list)
    movement_aliases: list[Located[MovementAlias]] = field(default_factory=list)
    indicators: list[Located[Indicator]] = field(default_factory=list)
    awards: list[Located[Award]] = field(default_factory=list)
    base_salaries: list[Located[BaseSalary]] = field(default_factory=list)
    contacts: list[Located[Contact]] = field(default_factory=list)
    reports: list[Located[Report]] = field(default_factory=list)
    calendar: list[Located[CalendarOverride]] = field(default_factory=list)
    exemptions: list[Located[Exemption]] = field(default_factory=list)
    channels: list[Located[ChannelLine]] = field(default_factory=list)


def find_problems(
    draft: Draft, known_forms: Collection[str] | None = None, broken: Collection[str] = ()
) -> list[Problem]:
    """Everything that does not fit, in no particular order.

    `known_forms` None leaves form codes unchecked. Checks that lean on a `broken` file (one with rows that could not be
    read) are left out: they would report rows as unknown that are only misspelt, and bury the real fault.
    """
    units: defaultdict[str, list[Unit]] = defaultdict(list)
    for unit in draft.units:
        units[unit.value.code].append(unit.value)
    checks: list[tuple[set[str], Iterator[Problem]]] = [
        ({"units.csv"}, _check_units(draft, units)),
        ({"units.csv", "unit_aliases.csv"}, _check_aliases(draft, units)),
        ({"units.csv", "lineage.csv"}, check_lineage(draft.lineage, units)),
        ({"units.csv", "blocs.csv"}, _check_blocs(draft, units)),
        ({"units.csv", "movements.csv"}, _check_movements(draft, units)),
        ({"movements.csv", "movement_aliases.csv"}, _check_movement_names(draft)),
        ({"movements.csv", "indicators.csv"}, _check_indicators(draft)),
        ({AWARDS_FILE}, _find_overlaps(draft.awards, lambda row: row.code, "award")),
        ({AWARDS_FILE}, check_awards(draft.awards, known_forms)),
        ({"units.csv", CONTACTS_FILE}, check_contacts(draft.contacts, units, draft.province.value)),
        ({"calendar.csv"}, check_overrides(draft.calendar)),
        ({"reports.yaml", "calendar.csv"}, _check_reports(draft, known_forms)),
        ({"units.csv", "reports.yaml", "exemptions.csv"}, _check_exemptions(draft, units)),
        ({"units.csv", CHANNELS_FILE}, check_channels(draft.channels, units)),
    ]
    return [problem for files, found in checks if files.isdisjoint(broken) for problem in found]


def _check_units(draft: Draft, units: dict[str, list[Unit]]) -> Iterator[Problem]:
    yield from _find_overlaps(draft.units, lambda unit: unit.code, "unit")
    prefix = draft.province.value.agency_prefix
    for located in draft.units:
        unit = located.value
        if not _UNIT_CODE.fullmatch(unit.code) or len(unit.code) > _MAX_UNIT_CODE:
            yield located.problem(
                f"unit code {unit.code!r} is not in the form of QĐ 20/2020/QĐ-TTg, such as {prefix}.X01"
            )
        elif unit.code.split(".")[0] != prefix and unit.type is not UnitType.PROVINCE:
            # A province that went into this one had a prefix of its own.
            yield located.problem(f"unit code {unit.code!r} does not open with the agency_prefix {prefix}")
        if unit.parent is None:
            continue
        if unit.parent not in units:
            yield located.problem(f"unknown parent {unit.parent!r}")
        elif _parents_return(unit, units):
            yield located.problem(f"the parents of {unit.code} lead back to it on {unit.valid_from}")
        elif not _exists_throughout(units[unit.parent], unit.valid_from, unit.valid_to):
            yield located.problem(f"parent {unit.parent} does not exist all the time {unit.code} does")
    lasting = [row for row in draft.units if row.value.type is UnitType.PROVINCE and row.value.valid_to is None]
    for located in lasting[1:]:
        yield located.problem(
            f"{located.value.code} and {lasting[0].value.code} both are the province as a whole: end the one that was merged"
        )
    if draft.province.value.standing_office_unit not in units:
        yield draft.province.problem(f"unknown unit {draft.province.value.standing_office_unit!r}")


def _check_aliases(draft: Draft, units: dict[str, list[Unit]]) -> Iterator[Problem]:
    for alias in draft.unit_aliases:
        if alias.value.unit not in units:
            yield alias.problem(f"unknown unit {alias.value.unit!r}")
    yield from _find_overlaps(draft.unit_aliases, lambda row: (row.unit, comparison_key(row.alias)), "alias")


def _parents_return(unit: Unit, units: dict[str, list[Unit]]) -> bool:
    seen = {unit.code}
    parent = unit.parent
    while parent is not None and parent not in seen:
        seen.add(parent)
        at = next((found for found in units.get(parent, ()) if is_valid_on(found, unit.valid_from)), None)
        parent = at.parent if at else None
    return parent == unit.code


def _check_blocs(draft: Draft, units: dict[str, list[Unit]]) -> Iterator[Problem]:
    for located in draft.memberships:
        row = located.value
        for code, is_bloc in ((row.bloc, True), (row.unit, False)):
            what = "bloc" if is_bloc else "unit"
            if code not in units:
                yield located.problem(f"unknown {what} {code!r}")
            elif any((unit.type is UnitType.BLOC) is not is_bloc for unit in units[code]):
                yield located.problem(f"{code} is {'no' if is_bloc else 'a'} bloc")
            elif not _exists_throughout(units[code], row.valid_from, row.valid_to):
                yield located.problem(f"{what} {code} does not exist all the time of this membership")
    yield from _find_overlaps(draft.memberships, lambda row: row.unit, "membership of unit")
    for bloc in (unit for unit in draft.units if unit.value.type is UnitType.BLOC):
        yield from _check_leaders(bloc, [row for row in draft.memberships if row.value.bloc == bloc.value.code])


def _check_leaders(bloc: Located[Unit], members: list[Located[BlocMembership]]) -> Iterator[Problem]:
    changes = {bloc.value.valid_from}
    for row in members:
        changes.add(row.value.valid_from)
        if row.value.valid_to is not None and row.value.valid_to < date.max:
            changes.add(row.value.valid_to + _DAY)
    for day in sorted(change for change in changes if is_valid_on(bloc.value, change)):
        present = [row for row in members if is_valid_on(row.value, day)]
        leaders = [row for row in present if row.value.role is BlocRole.LEADER]
        if len(leaders) == 1:
            if any(row.value.role is BlocRole.DEPUTY for row in present):
                continue
            # The deputy may file in the leader's place and presents the report: a bloc has one at least (F11).
            yield leaders[0].problem(f"bloc {bloc.value.code} needs a deputy on {day}")
            return
        where = leaders[1] if leaders else present[0] if present else bloc
        count = ", ".join(row.value.unit for row in leaders) if leaders else "none"
        yield where.problem(f"bloc {bloc.value.code} needs exactly one leader on {day}: {count}")
        # One gap is told once; the days after it would only repeat it.
        return


def _check_movements(draft: Draft, units: dict[str, list[Unit]]) -> Iterator[Problem]:
    yield from _find_overlaps(draft.movements, lambda row: row.code, "movement")
    for movement in draft.movements:
        if not _CODE.fullmatch(movement.value.code):
            yield movement.problem(f"movement code {movement.value.code!r}: 2 to 16 of A-Z and 0-9, a letter first")
        if movement.value.lead_unit not in units:
            yield movement.problem(f"unknown unit {movement.value.lead_unit!r}")


def _check_indicators(draft: Draft) -> Iterator[Problem]:
    codes = {movement.value.code for movement in draft.movements}
    yield from _find_overlaps(draft.indicators, lambda row: (row.movement, row.code), "indicator")
    common = {row.value.code for row in draft.indicators if row.value.movement == EVERY}
    for indicator in draft.indicators:
        row = indicator.value
        if not _CODE.fullmatch(row.code):
            yield indicator.problem(f"indicator code {row.code!r}: 2 to 16 of A-Z and 0-9, a letter first")
        if row.movement != EVERY and row.movement not in codes:
            yield indicator.problem(f"unknown movement {row.movement!r}")
        if row.movement != EVERY and row.code in common:
            yield indicator.problem(f"indicator {row.code} is already one of every movement ({EVERY})")


def _check_movement_names(draft: Draft) -> Iterator[Problem]:
    codes = {movement.value.code for movement in draft.movements}
    named: defaultdict[str, list[tuple[str, Dated]]] = defaultdict(list)
    for movement in draft.movements:
        named[comparison_key(movement.value.name)].append((movement.value.code, movement.value))
    for alias in draft.movement_aliases:
        row = alias.value
        if row.movement not in codes:
            yield alias.problem(f"unknown movement {row.movement!r}")
        same = named[comparison_key(row.alias)]
        for code, other in same:
            # An ambiguous name would send a unit's figures to the wrong movement.
            if is_valid_during(other, row.valid_from, row.valid_to or date.max):
                yield alias.problem(f"alias {row.alias!r} already names movement {code}")
        same.append((row.movement, row))


def _check_reports(draft: Draft, known_forms: Collection[str] | None) -> Iterator[Problem]:
    yield from _find_overlaps(draft.reports, lambda row: row.code, "report")
    workdays = WorkingDays({row.value.day: row.value.working for row in draft.calendar})
    for located in draft.reports:
        report = located.value
        for form in report.forms:
            if known_forms is not None and form.code not in known_forms:
                yield located.problem(f"{report.code}: unknown form {form.code}", f"forms.{form.code}")
        for code in report.one_off_periods:
            try:
                period = parse_period(code, report.clock, report.one_off_periods)
            except UnknownPeriod as error:
                yield located.problem(f"{report.code}: {error}", "one_off_periods")
                continue
            if period.kind is not PeriodKind.ONE_OFF:
                yield located.problem(
                    f"{report.code}: {code} is no one-off period code, such as 2026-X-slug", "one_off_periods"
                )
        regular, one_off = _periods_of(report)
        one_off = [period for period in one_off if period.code not in report.one_off_due]
        tries = [("due", rule, regular + one_off) for rule in report.due.values()]
        if report.external_due is not None:
            # The province's own day to send is law for the periodic reports only (NĐ 09/2019 Điều 12-13).
            tries.append(("external_due", report.external_due, regular))
        told: set[str] = set()
        for part, rule, periods in tries:
            reasons = check_calendar(rule, periods, workdays)[:1]
            if reasons and reasons[0] not in told:
                told.update(reasons)
                yield located.problem(f"{report.code}: {reasons[0]}", part)


def _periods_of(report: Report) -> tuple[list[Period], list[Period]]:
    """The periods a rule is tried on: those of the first years of the report's validity, and its one-offs."""
    named = []
    for code in report.one_off_periods:
        try:
            named.append(parse_period(code, report.clock, report.one_off_periods))
        except UnknownPeriod:
            continue  # told where one-off periods are checked
    if report.frequency is PeriodKind.ONE_OFF:
        return [], named
    last = date(min(report.valid_from.year + _YEARS_CHECKED, LAST_YEAR - 1), 1, 1)
    last = min(last, report.valid_to or last)
    return periods_between(report.frequency, report.clock, report.valid_from, last), named


def _check_exemptions(draft: Draft, units: dict[str, list[Unit]]) -> Iterator[Problem]:
    reports = {report.value.code: report.value for report in draft.reports}
    for located in draft.exemptions:
        row = located.value
        if row.unit not in units:
            yield located.problem(f"unknown unit {row.unit!r}")
        report = reports.get(row.report)
        if report is None:
            yield located.problem(f"unknown report {row.report!r}")
            continue
        try:
            period = parse_period(row.period, report.clock, report.one_off_periods)
        except UnknownPeriod as error:
            yield located.problem(str(error))
            continue
        if period.kind not in (report.frequency, PeriodKind.ONE_OFF):
            yield located.problem(
                f"report {row.report} is owed by {report.frequency}: {row.period} is a {period.kind} period"
            )


def _find_overlaps(rows: Iterable[Located[_D]], key: Callable[[_D], Hashable], what: str) -> Iterator[Problem]:
    """Rows of the same key that hold on the same day, told at the later row."""
    groups: defaultdict[Hashable, list[Located[_D]]] = defaultdict(list)
    for row in rows:
        groups[key(row.value)].append(row)
    for name, group in groups.items():
        group.sort(key=lambda row: (row.value.valid_from, row.line))
        for earlier, later in pairwise(group):
            if is_valid_on(earlier.value, later.value.valid_from):
                shown = " ".join(name) if isinstance(name, tuple) else name
                yield later.problem(f"{what} {shown} is already valid then (line {earlier.line})")


def _exists_throughout(versions: Sequence[Dated], start: date, end: date | None) -> bool:
    day = start
    for version in sorted(versions, key=lambda version: version.valid_from):
        if is_valid_on(version, day):
            if (
                version.valid_to is None
                or version.valid_to == date.max
                or (end is not None and end <= version.valid_to)
            ):
                return True
            day = version.valid_to + _DAY
    return False
