"""Brings the register into the warehouse: rows are recorded and retired, never changed. One transaction.

Loading the same register twice writes nothing. It must not decide anything: the register was checked when it was read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from etl.calendar.deadlines import TIMEZONE
from etl.calendar.periods import Period
from etl.forms.declaration import FIELD_COLUMN, Form, FormVersion, Kind, Value
from etl.register.award_rows import AWARD_COLUMNS, KIND_COLUMNS
from etl.register.entities import FormStatus
from etl.register.model import Register, Report
from etl.register.obligations import build_obligations
from etl.text import fold

ANY_ROW = "*"
"""Row code of a list's columns in `register.form_field`: they hold for every row."""

REGISTER_LOCK = 7_260_003
"""Advisory lock: two programs that open the same period at once would both find it missing."""

YEARS_AHEAD = 6
"""Working days are known for so many years to come; every `init` moves on."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class TableRows:
    """Rows for one bitemporal table: `columns` without recorded_at and retired_at, which are added on loading."""

    table: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Row, datetime]]
    scope: Mapping[str, str] | None = None
    """Only rows with these values are compared and retired (an obligation load speaks of one period)."""


def load_register(
    connection: psycopg.Connection[Any], register: Register, forms: Mapping[str, Form], now: datetime
) -> int:
    """Load every table of the register and the form declarations; rows written or retired. The caller commits."""
    _take_turn(connection)
    changed = sum(apply_rows(connection, rows, now) for rows in _register_rows(register))
    changed += apply_rows(connection, _field_rows(forms, register.province.recorded_at), now)
    _load_workdays(connection, register, now)
    return changed


def load_obligations(
    connection: psycopg.Connection[Any], register: Register, report: Report, period: Period, now: datetime
) -> int:
    """Load the period and what each unit owes for it; rows written or retired. The caller commits."""
    _take_turn(connection)
    recorded_at = min(now, register.province.recorded_at) if register.province.simulated else now
    scope = {"report": report.code, "period": period.code}
    window = (report.code, period.code, report.clock.value, period.label, period.start, period.end)
    windows = TableRows(
        "period",
        ("report", "period", "clock", "label", "window_start", "window_end"),
        [(window, recorded_at)],
        scope,
    )
    changed = apply_rows(connection, windows, now)
    rows = [
        (
            (
                owed.unit.code, owed.unit.name, owed.unit.type.value, report.code, period.code, owed.due_at,
                owed.exempt_reason, owed.owed_from, owed.owed_to,
                json.dumps({form: status.value for form, status in owed.forms.items()}),
                owed.inherited_by, owed.passed_on, owed.lapsed_reason,
            ),
            recorded_at,
        )
        # A succession counts from its day: until then the unit is there to be asked itself.
        for owed in build_obligations(register, report.code, period, by=now.astimezone(TIMEZONE).date())
    ]  # fmt: skip
    columns = (
        "unit", "unit_name", "unit_type", "report", "period", "due_at", "exempt_reason", "owed_from", "owed_to", "forms",
        "inherited_by", "passed_on", "lapsed_reason",
    )  # fmt: skip
    return changed + apply_rows(connection, TableRows("obligation", columns, rows, scope), now)


def retire_period(connection: psycopg.Connection[Any], report: str, period: str, now: datetime) -> int:
    """Take a period that the register does not know any more off the ledger; rows retired. The caller commits."""
    _take_turn(connection)
    scope = {"report": report, "period": period}
    tables = (TableRows("period", ("report", "period"), [], scope), TableRows("obligation", ("unit",), [], scope))
    return sum(apply_rows(connection, rows, now) for rows in tables)


def _take_turn(connection: psycopg.Connection[Any]) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (REGISTER_LOCK,))


def apply_rows(connection: psycopg.Connection[Any], wanted: TableRows, now: datetime) -> int:
    """Record rows that are new and retire rows that are no longer there; how many were written or retired.

    A row that is the same but for recorded_at stays as it was recorded first. The first load of a table (of a scope) takes
    the rows' own recorded_at; afterwards nothing enters before now, or a board as of the past would change.
    """
    target = sql.Identifier("register", wanted.table)
    names = sql.SQL(", ").join(map(sql.Identifier, wanted.columns))
    same = sql.SQL(" AND ").join(
        sql.SQL("t.{0} IS NOT DISTINCT FROM n.{0}").format(sql.Identifier(name)) for name in wanted.columns
    )
    scope = sql.SQL("").join(
        sql.SQL(" AND t.{} = {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in (wanted.scope or {}).items()
    )
    connection.execute("DROP TABLE IF EXISTS incoming")
    connection.execute(
        sql.SQL("CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT {}, recorded_at FROM {} WHERE false").format(
            names, target
        )
    )
    with connection.cursor().copy(sql.SQL("COPY incoming ({}, recorded_at) FROM STDIN").format(names)) as copy:
        for row, recorded_at in wanted.rows:
            copy.write_row((*row, recorded_at))
    first = connection.execute(
        sql.SQL("SELECT NOT EXISTS (SELECT 1 FROM {} t WHERE true{})").format(target, scope)
    ).fetchone() == (True,)
    retired = connection.execute(
        sql.SQL(
            "UPDATE {} t SET retired_at = %s WHERE t.retired_at IS NULL{} "
            "AND NOT EXISTS (SELECT 1 FROM incoming n WHERE {})"
        ).format(target, scope, same),
        (now,),
    ).rowcount
    added = connection.execute(
        sql.SQL(
            "INSERT INTO {} ({names}, recorded_at) "
            "SELECT {names}, CASE WHEN %s THEN recorded_at ELSE greatest(recorded_at, %s) END FROM incoming n "
            "WHERE NOT EXISTS (SELECT 1 FROM {} t WHERE t.retired_at IS NULL{} AND {})"
        ).format(target, target, scope, same, names=names),
        (first, now),
    ).rowcount
    if retired + added:
        # At once: until the server has counted a new table by itself, queries that lean on it are planned for two rows and
        # take minutes. Whoever does not own the table is told so and nothing else happens.
        connection.execute(sql.SQL("ANALYZE {}").format(target))
    return retired + added


def _register_rows(register: Register) -> Iterable[TableRows]:
    p = register.province
    scoring = (p.scoring.highest_score, p.scoring.flag_ranks, p.scoring.certificate_ranks)
    head = (p.code, p.name, p.council, p.standing_office, p.standing_office_unit, p.simulated, *scoring)
    yield TableRows(
        "province",
        (
            "code", "name", "council", "standing_office", "standing_office_unit", "simulated", "highest_score", "flag_ranks",
            "certificate_ranks",
        ),
        [(head, p.recorded_at)],
    )  # fmt: skip
    yield TableRows(
        "unit",
        ("code", "name", "type", "parent", "valid_from", "valid_to", "legal_basis", "sort_key"),
        [
            (
                (u.code, u.name, u.type.value, u.parent, u.valid_from, u.valid_to, u.legal_basis, fold(u.name)),
                u.recorded_at,
            )
            for u in register.units
        ],
    )
    yield _plain("unit_alias", register.unit_aliases, "unit", "alias", "valid_from", "valid_to")
    yield _plain("lineage", register.lineage, "predecessor", "successor", "kind", "valid_from", "share", "legal_basis")
    yield _plain("bloc_membership", register.memberships, "bloc", "unit", "role", "valid_from", "valid_to")
    yield _plain(
        "movement", register.movements, "code", "name", "level", "lead_unit", "kind", "valid_from", "valid_to",
        "legal_basis",
    )  # fmt: skip
    yield _plain("movement_alias", register.movement_aliases, "movement", "alias", "valid_from", "valid_to")
    columns = (
        "movement", "code", "name", "unit_of_measure", "aggregation", "cumulative", "asked_of", "valid_from", "valid_to",
    )  # fmt: skip
    yield TableRows(
        "indicator",
        columns,
        [
            (
                (i.movement, i.code, i.name, i.unit_of_measure, i.aggregation.value, i.cumulative,
                 "|".join(sorted(i.asked_of)), i.valid_from, i.valid_to),
                i.recorded_at,
            )
            for i in register.indicators
        ],
    )  # fmt: skip
    yield _award_rows(register)
    yield _plain("base_salary", register.base_salaries, "amount", "valid_from", "legal_basis")
    yield _plain("contact", register.contacts, "unit", "role", "name", "email", "valid_from", "valid_to")
    yield TableRows(
        "report",
        ("code", "name", "clock", "frequency", "legal_basis", "valid_from", "valid_to"),
        [
            ((r.code, r.name, r.clock.value, r.frequency.value, r.legal_basis, r.valid_from, r.valid_to), r.recorded_at)
            for r in register.reports
        ],
    )
    yield TableRows(
        "report_form",
        ("report", "form", "unit_type", "status", "place"),
        [
            ((r.code, form.code, unit_type.value, FormStatus(status).value, place), r.recorded_at)
            for r in register.reports
            for place, form in enumerate(r.forms)
            for unit_type, status in form.status.items()
        ],
    )
    yield _plain("exemption", register.exemptions, "unit", "report", "period", "reason", "withdrawn")
    yield _plain("calendar_override", register.calendar, "day", "working", "reason")


def _award_rows(register: Register) -> TableRows:
    columns = tuple(column for column in AWARD_COLUMNS if column != "recorded_at")
    rows = []
    for award in register.awards:
        cells = [award.cells.get(kind) for kind in KIND_COLUMNS]
        row = (
            award.code, award.name, "|".join(sorted(award.issuers)), "|".join(sorted(award.kinds)),
            *(award.coefficients.get(kind) for kind in KIND_COLUMNS), *(".".join(cell) if cell else None for cell in cells),
            award.valid_from, award.valid_to, award.legal_basis,
        )  # fmt: skip
        rows.append((row, award.recorded_at))
    return TableRows("award", columns, rows)


def _plain(table: str, rows: Iterable[Any], *columns: str) -> TableRows:
    return TableRows(table, columns, [(tuple(getattr(row, c) for c in columns), row.recorded_at) for row in rows])


def _field_rows(forms: Mapping[str, Form], recorded_at: datetime) -> TableRows:
    columns = (
        "form", "form_name", "form_version", "instrument", "kind", "row_code", "row_label", "column_code",
        "column_label", "field", "measure", "value_type", "unit_of_measure", "aggregation", "rate_of_part",
        "rate_of_whole", "restricted", "place", "required",
    )  # fmt: skip
    rows = [
        (row, recorded_at) for form in forms.values() for version in form.versions for row in list_fields(form, version)
    ]
    return TableRows("form_field", columns, rows)


def list_fields(form: Form, version: FormVersion) -> list[Row]:
    """The cells (lists: the columns) of a layout as rows of `register.form_field`, in print order."""
    labels = version.row_labels
    listed: list[tuple[str, str, Value]]
    if version.kind is Kind.LIST:
        listed = [(ANY_ROW, column.code, column) for column in version.columns]
    else:
        listed = [(key.row, key.column, declared) for key, declared in version.walk_cells(form.code)]
    rows = []
    for place, (row, column, declared) in enumerate(listed):
        rate = None
        if declared.rate_of is not None:
            # Part and whole are rows of a `fields` form and columns of a list.
            fixed = version.kind is Kind.FIELDS
            rate = tuple(
                version.measure_of(form.code, code if fixed else row, FIELD_COLUMN if fixed else code)
                for code in declared.rate_of
            )
        rows.append(
            (
                form.code, form.name, version.version, version.instrument, version.kind.value, row,
                labels.get(row, ""), column, declared.label, getattr(declared, "field", None),
                version.measure_of(form.code, row, column), declared.type.value, declared.unit, declared.aggregation,
                rate[0] if rate else None, rate[1] if rate else None, declared.restricted, place,
                declared.required or (row, column) in version.required_pairs,
            )
        )  # fmt: skip
    return rows


def _load_workdays(connection: psycopg.Connection[Any], register: Register, now: datetime) -> None:
    workdays = register.working_days()
    years = [unit.valid_from.year for unit in register.units]
    first, last = date(min(years), 1, 1), date(max(*years, now.year) + YEARS_AHEAD, 12, 31)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    connection.execute("CREATE TEMP TABLE workday_incoming (day date, working boolean) ON COMMIT DROP")
    with connection.cursor().copy("COPY workday_incoming FROM STDIN") as copy:
        for day in days:
            copy.write_row((day, workdays.is_working(day)))
    connection.execute(
        "UPDATE register.workday w SET retired_at = %s FROM workday_incoming n "
        "WHERE w.day = n.day AND w.retired_at IS NULL AND w.working <> n.working",
        (now,),
    )
    # What is told of a day for the first time was always so; a day that is changed is another from now on, or the days late of
    # a board of the past would change.
    connection.execute(
        "INSERT INTO register.workday (day, working, recorded_at) SELECT n.day, n.working, "
        "CASE WHEN EXISTS (SELECT 1 FROM register.workday w WHERE w.day = n.day) THEN %s ELSE '-infinity'::timestamptz END "
        "FROM workday_incoming n "
        "WHERE NOT EXISTS (SELECT 1 FROM register.workday w WHERE w.day = n.day AND w.retired_at IS NULL)",
        (now,),
    )
