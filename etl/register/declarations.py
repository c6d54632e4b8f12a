"""`register.yaml` and `reports.yaml`: their shape, and how they become the register's province and reports.

It must not check anything that needs other files; `etl.register.checks` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from etl.calendar.deadlines import TIMEZONE, DueKind, DueOperator, DueRule
from etl.calendar.periods import Clock, PeriodKind
from etl.register.entities import (
    EVERY,
    NAMED_ONLY,
    TERRITORIES,
    BlocScoring,
    FormStatus,
    Province,
    Report,
    ReportForm,
    UnitType,
)
from etl.register.table import Located, Problem, YamlFile, read_yaml

REPORTS_FILE = "reports.yaml"
PROVINCE_FILE = "register.yaml"

Name = Annotated[str, StringConstraints(min_length=1)]
ReportCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
FormCode = Annotated[str, StringConstraints(pattern=r"^F[0-9]{2}$")]
ProvinceCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
AgencyPrefix = Annotated[str, StringConstraints(pattern=r"^[A-Y][0-9]{2}$")]


class _Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BlocScoringDeclaration(_Declaration):
    """How blocs score and what ranks may be proposed for."""

    highest_score: Annotated[int, Field(gt=0)] = 100
    flag_ranks: Annotated[int, Field(gt=0)] = 1
    certificate_ranks: Annotated[int, Field(gt=0)] = 3

    @model_validator(mode="after")
    def _certificates_follow_flags(self) -> BlocScoringDeclaration:
        if self.certificate_ranks < self.flag_ranks:
            raise ValueError("certificate_ranks is the last rank for a certificate: at least flag_ranks")
        return self


class ProvinceDeclaration(_Declaration):
    """`register.yaml`."""

    province_code: ProvinceCode
    province_name: Name
    council: Name
    standing_office: Name
    standing_office_unit: Name
    agency_prefix: AgencyPrefix
    agency_prefix_verified: bool = False
    simulated: bool = False
    recorded_at: AwareDatetime
    bloc_scoring: BlocScoringDeclaration = BlocScoringDeclaration()


class RuleDeclaration(_Declaration):
    """One due rule."""

    kind: DueKind
    operator: DueOperator
    days: int | None = None
    day: int | None = None
    month: int | None = None
    year_offset: int = 0

    def build(self) -> DueRule:
        """The rule. Raises ValueError when the fields do not fit the kind."""
        return DueRule(self.kind, self.operator, self.days, self.day, self.month, self.year_offset)


class DueDeclaration(RuleDeclaration):
    """A due rule and the unit types it binds."""

    unit_types: tuple[str, ...]


class OneOffDeclaration(_Declaration):
    """A one-off period with a due instant of its own (chuyên đề, đột xuất)."""

    start: date
    end: date
    due: AwareDatetime


class ReportDeclaration(_Declaration):
    """One report of `reports.yaml`."""

    code: ReportCode
    name: Name
    clock: Clock
    frequency: PeriodKind
    legal_basis: Name
    forms: dict[FormCode, dict[str, FormStatus]]
    due: tuple[DueDeclaration, ...]
    external_due: RuleDeclaration | None = None
    one_off_periods: dict[str, tuple[date, date] | OneOffDeclaration] = {}
    valid_from: date
    valid_to: date | None = None
    recorded_at: AwareDatetime | None = None


class ReportsDeclaration(_Declaration):
    """`reports.yaml`."""

    reports: tuple[ReportDeclaration, ...]


def read_province(folder: Path, problems: list[Problem]) -> Located[Province] | None:
    """The head of the register; None when its file has problems."""
    file = read_yaml(folder, PROVINCE_FILE, ProvinceDeclaration, problems)
    if file is None:
        return None
    head = file.value
    province = Province(
        code=head.province_code,
        name=head.province_name,
        council=head.council,
        standing_office=head.standing_office,
        standing_office_unit=head.standing_office_unit,
        agency_prefix=head.agency_prefix,
        agency_prefix_verified=head.agency_prefix_verified,
        simulated=head.simulated,
        recorded_at=head.recorded_at,
        scoring=BlocScoring(**head.bloc_scoring.model_dump()),
    )
    return Located(province, PROVINCE_FILE, file.line_of("standing_office_unit"))


def read_reports(folder: Path, province: Province, problems: list[Problem]) -> list[Located[Report]]:
    """The reports, located at their first line; those with problems are left out and the problems noted."""
    file = read_yaml(folder, REPORTS_FILE, ReportsDeclaration, problems)
    if file is None:
        return []
    built = [_build_report(file, place, province, problems) for place in range(len(file.value.reports))]
    return [report for report in built if report is not None]


def _build_report(
    file: YamlFile[ReportsDeclaration], place: int, province: Province, problems: list[Problem]
) -> Located[Report] | None:
    declared = file.value.reports[place]
    before = len(problems)

    def refuse(reason: str, *path: int | str) -> None:
        problems.append(Problem(REPORTS_FILE, file.line_of("reports", place, *path), f"{declared.code}: {reason}"))

    if declared.valid_to is not None and declared.valid_to < declared.valid_from:
        refuse(f"valid_to {declared.valid_to} is before valid_from {declared.valid_from}", "valid_to")
    if not declared.forms:
        refuse("a report needs at least one form", "forms")
    forms: list[ReportForm] = []
    for code, by_type in declared.forms.items():
        for wrong in _unknown_types(by_type):
            refuse(f"unknown unit type {wrong!r} for form {code}", "forms", code)
        reporting = [kind for kind in UnitType if kind not in NAMED_ONLY]
        status = {unit_type: by_type.get(unit_type, by_type.get(EVERY)) for unit_type in reporting}
        unsaid = [str(unit_type) for unit_type, said in status.items() if said is None]
        if unsaid:
            refuse(f"form {code} says nothing of {', '.join(unsaid)}: add them or {EVERY}", "forms", code)
        complete = {unit_type: said for unit_type, said in status.items() if said is not None}
        if UnitType.PROVINCE in by_type:
            complete[UnitType.PROVINCE] = by_type[UnitType.PROVINCE]
        forms.append(ReportForm(code, complete))

    rules: dict[str, DueRule] = {}
    for number, due in enumerate(declared.due):
        try:
            rule = due.build()
        except ValueError as error:
            refuse(str(error), "due", number)
            continue
        for wrong in _unknown_types(due.unit_types):
            refuse(f"unknown unit type {wrong!r} in a due rule", "due", number)
        for name in due.unit_types:
            if name in rules:
                refuse(f"two due rules for {name}", "due", number)
            rules[name] = rule
    external: DueRule | None = None
    if declared.external_due is not None:
        try:
            external = declared.external_due.build()
        except ValueError as error:
            refuse(str(error), "external_due")
    windows: dict[str, tuple[date, date]] = {}
    own_due: dict[str, datetime] = {}
    for code, window in declared.one_off_periods.items():
        start, end = (window.start, window.end) if isinstance(window, OneOffDeclaration) else window
        windows[code] = (start, end)
        if end < start:
            refuse(f"one-off period {code} ends on {end} before it starts on {start}", "one_off_periods", code)
        if isinstance(window, OneOffDeclaration):
            own_due[code] = window.due.astimezone(TIMEZONE)
            if own_due[code].date() <= end:
                reason = f"one-off period {code} is due on {own_due[code]:%Y-%m-%d}, not after its window ends on {end}"
                refuse(reason, "one_off_periods", code)

    owing = [kind for kind in UnitType if FormStatus.MANDATORY in (form.status.get(kind) for form in forms)]
    for form in forms:
        giving = [kind for kind, said in form.status.items() if said is not FormStatus.NOT_OWED]
        if UnitType.PROVINCE in giving and len(giving) > 1:
            # Both would be added up, and every figure counted twice.
            others = ", ".join(str(kind) for kind in giving if kind is not UnitType.PROVINCE)
            both = f"form {form.code} is of the province as a whole or of its units, not of {others} too"
            refuse(both, "forms", form.code)
    due_of = {kind: rules[kind] if kind in rules else rules.get(EVERY) for kind in owing}
    without = [str(kind) for kind, found in due_of.items() if found is None]
    if without and len(problems) == before:
        refuse(f"no due rule for {', '.join(without)}", "due")
    if len(problems) > before:
        return None
    report = Report(
        code=declared.code,
        name=declared.name,
        clock=declared.clock,
        frequency=declared.frequency,
        forms=tuple(forms),
        due={kind: found for kind, found in due_of.items() if found is not None},
        external_due=external,
        one_off_periods=windows,
        legal_basis=declared.legal_basis,
        valid_from=declared.valid_from,
        valid_to=declared.valid_to,
        recorded_at=declared.recorded_at or province.recorded_at,
        one_off_due=own_due,
    )
    parts = {part: file.line_of("reports", place, part) for part in ("due", "external_due", "one_off_periods")}
    parts |= {f"forms.{form.code}": file.line_of("reports", place, "forms", form.code) for form in forms}
    return Located(report, REPORTS_FILE, file.line_of("reports", place), parts)


def _unknown_types(names: Mapping[str, object] | tuple[str, ...]) -> list[str]:
    return [name for name in names if name != EVERY and name not in set(UnitType) - TERRITORIES]
