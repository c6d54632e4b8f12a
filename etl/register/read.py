"""Reads a register folder into a `Register`, or says everything that is wrong with it.

It must not decide anything about reports or units beyond that the files are sound.
Files (columns are in `COLUMNS`): register.yaml, reports.yaml, alerts.yaml, channels.yaml, units.csv, unit_aliases.csv,
lineage.csv, blocs.csv, contacts.csv, movements.csv, movement_aliases.csv, indicators.csv, awards.csv, base_salary.csv,
calendar.csv, exemptions.csv. UTF-8, dates yyyy-mm-dd. A row is corrected by a further row of the same key (and
valid_from) with a later `recorded_at`: the latest recorded stands; an exemption is ended by one with `withdrawn` yes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol, TypeVar

from etl.register.alert_rows import CONTACT_COLUMNS, CONTACTS_FILE, build_contact, key_of_contact, read_alerts
from etl.register.award_rows import (
    AWARD_COLUMNS,
    AWARDS_FILE,
    SALARY_COLUMNS,
    SALARY_FILE,
    build_award,
    build_base_salary,
)
from etl.register.channels import read_channels
from etl.register.checks import Draft, find_problems
from etl.register.declarations import read_province, read_reports
from etl.register.entities import (
    Aggregation,
    BlocMembership,
    BlocRole,
    CalendarOverride,
    Exemption,
    Indicator,
    Lineage,
    LineageKind,
    Movement,
    MovementAlias,
    MovementKind,
    MovementLevel,
    Unit,
    UnitAlias,
    UnitType,
)
from etl.register.model import Register
from etl.register.table import Located, Problem, Row, read_table

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "units.csv": ("code", "name", "type", "parent", "valid_from", "valid_to", "legal_basis", "recorded_at"),
    "unit_aliases.csv": ("unit", "alias", "valid_from", "valid_to", "recorded_at"),
    "lineage.csv": ("predecessor", "successor", "kind", "valid_from", "share", "legal_basis", "recorded_at"),
    "blocs.csv": ("bloc", "unit", "role", "valid_from", "valid_to", "recorded_at"),
    "movements.csv": (
        *("code", "name", "level", "lead_unit", "kind", "valid_from", "valid_to", "legal_basis", "recorded_at"),
    ),
    "movement_aliases.csv": ("movement", "alias", "valid_from", "valid_to", "recorded_at"),
    "indicators.csv": (
        *("movement", "code", "name", "unit_of_measure", "aggregation", "cumulative", "asked_of"),
        *("valid_from", "valid_to", "recorded_at"),
    ),
    AWARDS_FILE: AWARD_COLUMNS,
    SALARY_FILE: SALARY_COLUMNS,
    CONTACTS_FILE: CONTACT_COLUMNS,
    "calendar.csv": ("date", "working", "reason", "recorded_at"),
    "exemptions.csv": ("unit", "report", "period", "reason", "withdrawn", "recorded_at"),
}


OPTIONAL_COLUMNS: Final[dict[str, tuple[str, ...]]] = {"exemptions.csv": ("withdrawn",)}
"""Columns that a file may leave out: an empty cell in every row."""


class BadRegister(Exception):
    """The register folder cannot be used. `problems` holds every reason; its text lists them as `file:line: reason`."""

    def __init__(self, folder: Path, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        lines = "\n".join(str(problem) for problem in self.problems)
        super().__init__(f"the register in {folder} has {len(self.problems)} problem(s); correct the files:\n{lines}")


class _Recorded(Protocol):
    @property
    def recorded_at(self) -> datetime: ...


_T = TypeVar("_T")
_R = TypeVar("_R", bound=_Recorded)


def read_register(
    folder: Path, known_forms: Collection[str] | None = None, recorded_by: datetime | None = None
) -> Register:
    """The register in a folder.

    `known_forms`: form codes that exist, to check the reports against (None: not checked). `recorded_by`: the register
    as it was known at that instant, later rows left out (None: all rows).
    Raises BadRegister with every problem found; checks across files wait until the rows they lean on can be read.
    """
    problems: list[Problem] = []
    province = read_province(folder, problems)
    if province is None:
        raise BadRegister(folder, problems)
    default = province.value.recorded_at

    def table(name: str, build: Callable[[Row, datetime], _R], key: Callable[[_R], Hashable]) -> list[Located[_R]]:
        optional = OPTIONAL_COLUMNS.get(name, ())
        private = name == CONTACTS_FILE
        rows = read_table(
            folder, name, COLUMNS[name], lambda row: build(row, default), problems, optional, private=private
        )
        return _keep_latest(rows, key, recorded_by, problems)

    def exemption(row: Row, when: datetime) -> Exemption:
        built = _exemption(row, when)
        key = (built.unit, built.report, built.period)
        if built.withdrawn and key not in granted:
            row.refuse("withdraws an exemption that no line above grants: see unit, report and period")
        granted.add(key)
        return built

    granted: set[tuple[str, str, str]] = set()

    reports = read_reports(folder, province.value, problems)
    alerts = read_alerts(folder, problems)
    channels = read_channels(folder, problems)
    draft = Draft(
        province=province,
        units=table("units.csv", _unit, lambda row: (row.code, row.valid_from)),
        unit_aliases=table("unit_aliases.csv", _unit_alias, lambda row: (row.unit, row.alias, row.valid_from)),
        lineage=table("lineage.csv", _lineage, lambda row: (row.predecessor, row.successor, row.valid_from)),
        memberships=table("blocs.csv", _membership, lambda row: (row.bloc, row.unit, row.valid_from)),
        movements=table("movements.csv", _movement, lambda row: (row.code, row.valid_from)),
        movement_aliases=table(
            "movement_aliases.csv", _movement_alias, lambda row: (row.movement, row.alias, row.valid_from)
        ),
        indicators=table("indicators.csv", _indicator, lambda row: (row.movement, row.code, row.valid_from)),
        awards=table(AWARDS_FILE, build_award, lambda row: (row.code, row.valid_from)),
        base_salaries=table(SALARY_FILE, build_base_salary, lambda row: row.valid_from),
        contacts=table(CONTACTS_FILE, build_contact, key_of_contact),
        reports=_keep_latest(reports, lambda row: (row.code, row.valid_from), recorded_by, problems),
        calendar=table("calendar.csv", _override, lambda row: row.day),
        exemptions=table("exemptions.csv", exemption, lambda row: (row.unit, row.report, row.period)),
        channels=channels,
    )
    problems += find_problems(draft, known_forms, broken={problem.file for problem in problems})
    if problems:
        raise BadRegister(folder, problems)
    return Register(
        province=province.value,
        units=_values(draft.units),
        unit_aliases=_values(draft.unit_aliases),
        lineage=_values(draft.lineage),
        memberships=_values(draft.memberships),
        movements=_values(draft.movements),
        movement_aliases=_values(draft.movement_aliases),
        indicators=_values(draft.indicators),
        awards=_values(draft.awards),
        base_salaries=_values(draft.base_salaries),
        contacts=_values(draft.contacts),
        alerts=alerts,
        reports=_values(draft.reports),
        calendar=_values(draft.calendar),
        exemptions=_values(draft.exemptions),
        channels=_values(draft.channels),
    )


def _values(rows: list[Located[_T]]) -> tuple[_T, ...]:
    return tuple(row.value for row in rows)


def _keep_latest(
    rows: list[Located[_R]], key: Callable[[_R], Hashable], recorded_by: datetime | None, problems: list[Problem]
) -> list[Located[_R]]:
    """The latest recorded row of each key, in file order; two recorded at the same instant are a problem."""
    latest: dict[Hashable, Located[_R]] = {}
    for row in rows:
        if recorded_by is not None and row.value.recorded_at > recorded_by:
            continue
        other = latest.get(key(row.value))
        if other is not None and other.value.recorded_at == row.value.recorded_at:
            reason = f"the same row as line {other.line}: give a correction a later recorded_at"
            problems.append(row.problem(reason))
        elif other is None or other.value.recorded_at < row.value.recorded_at:
            latest[key(row.value)] = row
    return sorted(latest.values(), key=lambda row: row.line)


def _unit(row: Row, default: datetime) -> Unit:
    valid_from, valid_to = row.validity()
    return Unit(
        code=row.text("code"),
        name=row.text("name"),
        type=row.choice("type", UnitType),
        parent=row.optional("parent"),
        valid_from=valid_from,
        valid_to=valid_to,
        legal_basis=row.optional("legal_basis"),
        recorded_at=row.recorded_at(default),
    )


def _unit_alias(row: Row, default: datetime) -> UnitAlias:
    return UnitAlias(row.text("unit"), row.text("alias"), *row.validity(), row.recorded_at(default))


def _lineage(row: Row, default: datetime) -> Lineage:
    return Lineage(
        predecessor=row.text("predecessor"),
        successor=row.optional("successor"),
        kind=row.choice("kind", LineageKind),
        valid_from=row.day("valid_from"),
        share=row.share("share"),
        legal_basis=row.optional("legal_basis"),
        recorded_at=row.recorded_at(default),
    )


def _membership(row: Row, default: datetime) -> BlocMembership:
    role = row.choice("role", BlocRole)
    return BlocMembership(row.text("bloc"), row.text("unit"), role, *row.validity(), row.recorded_at(default))


def _movement(row: Row, default: datetime) -> Movement:
    valid_from, valid_to = row.validity()
    return Movement(
        code=row.text("code"),
        name=row.text("name"),
        level=row.choice("level", MovementLevel),
        lead_unit=row.text("lead_unit"),
        kind=row.choice("kind", MovementKind),
        valid_from=valid_from,
        valid_to=valid_to,
        legal_basis=row.optional("legal_basis"),
        recorded_at=row.recorded_at(default),
    )


def _movement_alias(row: Row, default: datetime) -> MovementAlias:
    return MovementAlias(row.text("movement"), row.text("alias"), *row.validity(), row.recorded_at(default))


def _indicator(row: Row, default: datetime) -> Indicator:
    valid_from, valid_to = row.validity()
    return Indicator(
        movement=row.text("movement"),
        code=row.text("code"),
        name=row.text("name"),
        unit_of_measure=row.text("unit_of_measure"),
        aggregation=row.choice("aggregation", Aggregation),
        cumulative=row.yes_no("cumulative"),
        asked_of=row.unit_types("asked_of"),
        valid_from=valid_from,
        valid_to=valid_to,
        recorded_at=row.recorded_at(default),
    )


def _override(row: Row, default: datetime) -> CalendarOverride:
    return CalendarOverride(row.day("date"), row.yes_no("working"), row.text("reason"), row.recorded_at(default))


def _exemption(row: Row, default: datetime) -> Exemption:
    return Exemption(
        unit=row.text("unit"),
        report=row.text("report"),
        period=row.text("period"),
        reason=row.text("reason"),
        recorded_at=row.recorded_at(default),
        withdrawn=row.yes_no("withdrawn", otherwise=False),
    )
