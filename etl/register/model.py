"""The register with the look-ups the rest of the product asks of it.

Pure. It must not read files or the clock; `etl.register.read` makes a `Register` and has checked what is relied on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TypeVar

from etl.calendar.deadlines import DueRule
from etl.calendar.periods import Period, PeriodKind, UnknownPeriod, parse_period
from etl.calendar.workdays import WorkingDays
from etl.register.alerting import AlertRules, Contact, ContactRole
from etl.register.awards import Award, BaseSalary, IssuerLevel, SubjectKind
from etl.register.channels import AfterReceipt, ChannelKind, ChannelLine, ServerClock
from etl.register.entities import (
    EVERY,
    UNIT_TYPE_LABELS,
    Aggregation,
    BlocMembership,
    BlocRole,
    BlocScoring,
    CalendarOverride,
    Dated,
    Exemption,
    FormStatus,
    Indicator,
    Lineage,
    LineageKind,
    Movement,
    MovementAlias,
    MovementKind,
    MovementLevel,
    Province,
    Report,
    ReportForm,
    Unit,
    UnitAlias,
    UnitType,
    is_valid_during,
    is_valid_on,
)
from etl.text import comparison_key, sort_key

__all__ = [
    "EVERY",
    "UNIT_TYPE_LABELS",
    "AfterReceipt",
    "Aggregation",
    "AlertRules",
    "Award",
    "BaseSalary",
    "BlocMembership",
    "BlocRole",
    "BlocScoring",
    "CalendarOverride",
    "ChannelKind",
    "ChannelLine",
    "Contact",
    "ContactRole",
    "Dated",
    "DueRule",
    "Exemption",
    "FormStatus",
    "Indicator",
    "IssuerLevel",
    "Lineage",
    "LineageKind",
    "Movement",
    "MovementAlias",
    "MovementKind",
    "MovementLevel",
    "Province",
    "Register",
    "Report",
    "ReportForm",
    "ServerClock",
    "SubjectKind",
    "Unit",
    "UnitAlias",
    "UnitType",
    "UnknownReport",
    "is_valid_during",
    "is_valid_on",
]

_T = TypeVar("_T", bound=Dated)


class UnknownReport(LookupError):
    """The register has no such report."""


@dataclass(frozen=True)
class Register:
    """Everything the register says, with look-ups. Rows are in file order; corrections are already applied."""

    province: Province
    units: tuple[Unit, ...]
    unit_aliases: tuple[UnitAlias, ...] = ()
    lineage: tuple[Lineage, ...] = ()
    memberships: tuple[BlocMembership, ...] = ()
    movements: tuple[Movement, ...] = ()
    movement_aliases: tuple[MovementAlias, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    awards: tuple[Award, ...] = ()
    base_salaries: tuple[BaseSalary, ...] = ()
    contacts: tuple[Contact, ...] = ()
    alerts: AlertRules = field(default_factory=AlertRules)
    reports: tuple[Report, ...] = ()
    calendar: tuple[CalendarOverride, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    channels: tuple[ChannelLine, ...] = ()

    # -- units and blocs

    def unit_at(self, code: str, on: date) -> Unit | None:
        """The unit of that code on a day; None when there was none."""
        return _first(self._units_by_code.get(code, ()), on)

    def units_on(self, on: date) -> list[Unit]:
        """Every unit that exists on a day, blocs included, by type and then Vietnamese name."""
        found = [unit for unit in self.units if is_valid_on(unit, on)]
        order = list(UnitType)
        return sorted(found, key=lambda unit: (order.index(unit.type), sort_key(unit.name), unit.code))

    @cached_property
    def lasting_units(self) -> tuple[Unit, ...]:
        """The units without an end, in file order: what is offered where somebody mistyped a name."""
        return tuple(unit for unit in self.units if unit.valid_to is None)

    def unit_versions(self, code: str) -> tuple[Unit, ...]:
        """Every validity of a code, oldest first."""
        return self._units_by_code.get(code, ())

    def name_unit(self, code: str, on: date) -> str:
        """The unit's name on a day, else the last it had, else its code: for people, who must be told of units gone too."""
        unit = self.unit_at(code, on) or next(reversed(self.unit_versions(code)), None)
        return unit.name if unit else code

    def members_of(self, bloc: str, on: date) -> list[BlocMembership]:
        """A bloc's memberships on a day: leader, deputies, members."""
        found = [row for row in self.memberships if row.bloc == bloc and is_valid_on(row, on)]
        return sorted(found, key=lambda row: list(BlocRole).index(row.role))

    def membership_of(self, unit: str, on: date) -> BlocMembership | None:
        """The one membership of a unit on a day, or None."""
        return _first([row for row in self.memberships if row.unit == unit], on)

    def find_unit_by_name(self, text: str, on: date | None = None) -> list[Unit]:
        """Units whose name or alias is spelt like the text (`comparison_key`), with or without the province at its end.

        Without `on`, every unit that ever bore the name, its latest validity; with it, names and units of that day.
        """
        codes: dict[str, None] = {}
        for key in self._keys_of(text):
            for code, row in self._unit_names.get(key, ()):
                if on is None or is_valid_on(row, on):
                    codes[code] = None
        units = [self.unit_versions(code)[-1] if on is None else self.unit_at(code, on) for code in codes]
        return [unit for unit in units if unit is not None]

    # -- movements

    def movements_on(self, start: date, end: date) -> list[Movement]:
        """Movements in force on some day of start…end, in file order."""
        return [movement for movement in self.movements if is_valid_during(movement, start, end)]

    def find_movement_by_name(self, text: str, on: date | None = None) -> list[Movement]:
        """Movements whose name or alias is spelt like the text, as `find_unit_by_name`."""
        codes: dict[str, None] = {}
        for code, row in self._movement_names.get(comparison_key(text), ()):
            if on is None or is_valid_on(row, on):
                codes[code] = None
        found = [
            movement
            for movement in self.movements
            if movement.code in codes and (on is None or is_valid_on(movement, on))
        ]
        return list({movement.code: movement for movement in found}.values())

    def indicators_for(self, movement: str, unit_type: UnitType, on: date) -> list[Indicator]:
        """What a movement asks of a unit type on a day: the common indicators, then its own, in file order."""
        asked = [row for row in self.indicators if unit_type in row.asked_of and is_valid_on(row, on)]
        return [row for row in asked if row.movement == EVERY] + [row for row in asked if row.movement == movement]

    # -- awards

    def award_on(self, code: str, on: date) -> Award | None:
        """The award of that code on a day, or None."""
        return _first(self._awards_by_code.get(code, ()), on)

    def base_salary_on(self, on: date) -> BaseSalary | None:
        """The base salary in force on a day; None before the first one known."""
        begun = [row for row in self.base_salaries if row.valid_from <= on]
        return max(begun, key=lambda row: row.valid_from, default=None)

    # -- contacts

    def contacts_of(self, unit: str, role: ContactRole, on: date) -> list[Contact]:
        """The people of a unit in a role on a day, by address; a bloc without people of its own has those of its leader."""
        found = self._contacts_on(unit, role, on)
        if not found:
            for row in self.members_of(unit, on):
                if row.role is BlocRole.LEADER:
                    found = self._contacts_on(row.unit, role, on)
        return found

    def contacts_in(self, role: ContactRole, on: date) -> list[Contact]:
        """Everybody in a role of the province on a day, by address."""
        return self._contacts_on(self.province.standing_office_unit, role, on)

    # -- reports and calendar

    def report(self, code: str, on: date | None = None) -> Report:
        """The report of that code on a day, or its latest version. Raises UnknownReport."""
        versions = [
            report for report in self.reports if report.code == code and (on is None or is_valid_on(report, on))
        ]
        if not versions:
            known = ", ".join(sorted({report.code for report in self.reports})) or "none"
            raise UnknownReport(f"no report {code!r}{f' on {on}' if on else ''} in the register; known: {known}")
        return max(versions, key=lambda report: report.valid_from)

    def period(self, report: str, code: str) -> Period:
        """The period a code names for a report, on the report's clock.

        Raises UnknownReport, and UnknownPeriod when the code is none or is not of the report's frequency.
        """
        declared = self.report(report)
        period = parse_period(code, declared.clock, declared.one_off_periods)
        if period.kind not in (declared.frequency, PeriodKind.ONE_OFF):
            raise UnknownPeriod(f"report {report} is owed by {declared.frequency}: {code} is a {period.kind} period")
        if not any(version.rules(period) for version in self.reports if version.code == report):
            raise UnknownPeriod(f"report {report} is not in force on {period.end.isoformat()}, the cut-off of {code}")
        return period

    def exemption(self, unit: str, report: str, period: str) -> Exemption | None:
        """Why a unit is excused from a report of a period, or None."""
        return self._exemptions.get((unit, report, period))

    def working_days(self) -> WorkingDays:
        """The working days, with the register's swapped days."""
        return WorkingDays({override.day: override.working for override in self.calendar})

    # -- indexes

    def _keys_of(self, text: str) -> list[str]:
        key = comparison_key(text)
        # "Sở Nội vụ tỉnh Cao Bằng" is the unit "Sở Nội vụ": letterheads add the province.
        short = key.removesuffix(comparison_key(self.province.name)).strip()
        return [key, short] if short and short != key else [key]

    def _contacts_on(self, unit: str, role: ContactRole, on: date) -> list[Contact]:
        found = [row for row in self._contacts.get((unit, role), ()) if is_valid_on(row, on)]
        return sorted(found, key=lambda row: row.email)

    @cached_property
    def _contacts(self) -> dict[tuple[str, ContactRole], list[Contact]]:
        found: defaultdict[tuple[str, ContactRole], list[Contact]] = defaultdict(list)
        for row in self.contacts:
            found[row.unit, row.role].append(row)
        return found

    @cached_property
    def _units_by_code(self) -> dict[str, tuple[Unit, ...]]:
        found: defaultdict[str, list[Unit]] = defaultdict(list)
        for unit in sorted(self.units, key=lambda unit: unit.valid_from):
            found[unit.code].append(unit)
        return {code: tuple(units) for code, units in found.items()}

    @cached_property
    def _unit_names(self) -> dict[str, list[tuple[str, Dated]]]:
        names: defaultdict[str, list[tuple[str, Dated]]] = defaultdict(list)
        for unit in self.units:
            names[comparison_key(unit.name)].append((unit.code, unit))
        for alias in self.unit_aliases:
            names[comparison_key(alias.alias)].append((alias.unit, alias))
        return names

    @cached_property
    def _movement_names(self) -> dict[str, list[tuple[str, Dated]]]:
        names: defaultdict[str, list[tuple[str, Dated]]] = defaultdict(list)
        for movement in self.movements:
            names[comparison_key(movement.name)].append((movement.code, movement))
        for alias in self.movement_aliases:
            names[comparison_key(alias.alias)].append((alias.movement, alias))
        return names

    @cached_property
    def _awards_by_code(self) -> dict[str, tuple[Award, ...]]:
        codes = dict.fromkeys(award.code for award in self.awards)
        return {code: tuple(award for award in self.awards if award.code == code) for code in codes}

    @cached_property
    def _exemptions(self) -> dict[tuple[str, str, str], Exemption]:
        return {(row.unit, row.report, row.period): row for row in self.exemptions if not row.withdrawn}


def _first(rows: Iterable[_T], on: date) -> _T | None:
    return next((row for row in rows if is_valid_on(row, on)), None)
