"""`register diff` and `register apply`: what a new register changes, row by row and obligation by obligation.

A preview is the change itself, made in a transaction that is rolled back: it cannot say anything else than what `apply` does.
It must not delete: rows are retired, the files of before are kept, and who changed the register, and why, stays known.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from etl.calendar.periods import UnknownPeriod
from etl.forms.declaration import Form
from etl.register.calendar_checks import list_repeats
from etl.register.files import keep_and_replace, list_changed_files, put_back
from etl.register.model import Register, UnknownReport
from etl.register.read import read_register
from etl.usecases.context import Context
from etl.usecases.periods import list_begun_periods
from etl.warehouse.connect import raw_connection
from etl.warehouse.register_load import load_obligations, load_register, retire_period

HISTORY_FOLDER: Final = "register-history"
"""Under the home: the files of each register that another one replaced, by the instant of the change."""

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "province": ("code",),
    "unit": ("code", "valid_from"),
    "unit_alias": ("unit", "alias", "valid_from"),
    "lineage": ("predecessor", "successor", "valid_from"),
    "bloc_membership": ("bloc", "unit", "valid_from"),
    "movement": ("code", "valid_from"),
    "movement_alias": ("movement", "alias", "valid_from"),
    "indicator": ("movement", "code", "valid_from"),
    "award": ("code", "valid_from"),
    "base_salary": ("valid_from",),
    "contact": ("unit", "role", "email", "valid_from"),
    "report": ("code", "valid_from"),
    "report_form": ("report", "form", "unit_type"),
    "exemption": ("unit", "report", "period"),
    "calendar_override": ("day",),
}
_COUNTED_ONLY: Final = frozenset({"contact"})
"""People's data: how many rows change is told, not whose."""

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class TableChange:
    """What changes in one table: rows by their key, and for those that stay, column → (before, after), as texts."""

    table: str
    added: list[str]
    ended: list[str]
    changed: list[tuple[str, dict[str, tuple[str | None, str | None]]]]

    @property
    def count(self) -> int:
        """How many rows are added, end or change."""
        return len(self.added) + len(self.ended) + len(self.changed)


@dataclass(slots=True)
class PeriodChange:
    """What changes in who owes a report of a period. Unit codes; `inherited`: (unit, heir, unfinished); `due_moved`: (unit,
    before, after); `excused`: (unit, reason); `other`: units of which name, type, forms or part of the window change."""

    report: str
    period: str
    gained: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    inherited: list[tuple[str, str, bool]] = field(default_factory=list)
    due_moved: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    excused: list[tuple[str, str]] = field(default_factory=list)
    no_longer_excused: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RegisterChange:
    """A change of the register. `files`: those that differ from the register in use; `notices`: what may be a slip."""

    tables: list[TableChange]
    periods: list[PeriodChange]
    files: list[str]
    notices: list[str]
    applied: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.tables or self.periods or self.files)

    def as_json(self) -> dict[str, object]:
        """The contract of `register diff --json`."""
        tables = {
            change.table: {
                "added": len(change.added),
                "ended": len(change.ended),
                "changed": len(change.changed),
                **({} if change.table in _COUNTED_ONLY else {"rows": _show_rows(change)}),
            }
            for change in self.tables
        }
        return {
            "applied": self.applied,
            "files": self.files,
            "tables": tables,
            "periods": [json.loads(json.dumps(asdict(period), default=str)) for period in self.periods],
            "notices": self.notices,
        }


def _show_rows(change: TableChange) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [{"row": key, "change": "added"} for key in change.added]
    rows += [{"row": key, "change": "ended"} for key in change.ended]
    return rows + [{"row": key, "change": "changed", "columns": columns} for key, columns in change.changed]


def preview_change(context: Context, folder: Path) -> RegisterChange:
    """What the register in `folder` would change in the warehouse, now; nothing is written. Raises BadRegister."""
    register = read_register(folder, known_forms=set(context.forms))
    with raw_connection(context.engine) as connection:
        try:
            tables, periods = _load_and_compare(connection, register, context.forms, context.clock())
        finally:
            connection.rollback()
    return _describe(context, folder, register, tables, periods, applied=False)


def apply_change(context: Context, folder: Path, *, by: str, why: str) -> RegisterChange:
    """Makes the register in `folder` the one in use: the warehouse in one transaction, then the files of the settings' folder.

    The files of before are kept under the home. Raises BadRegister, ValueError without `by` or `why`, OSError when the folder
    of the settings cannot be written; nothing has changed then.
    """
    if not by.strip() or not why.strip():
        raise ValueError("a change of the register needs --by and --why: both are kept with it")
    register = read_register(folder, known_forms=set(context.forms))
    now = context.clock()
    target = context.settings.register
    kept: Path | None = None
    try:
        with raw_connection(context.engine) as connection:
            tables, periods = _load_and_compare(connection, register, context.forms, now)
            change = _describe(context, folder, register, tables, periods, applied=True)
            if not change.is_empty:
                connection.execute(
                    "INSERT INTO ops.register_change (changed_by, reason, summary, recorded_at) VALUES (%s, %s, %s, %s)",
                    (by.strip(), why.strip(), json.dumps(change.as_json(), ensure_ascii=False), now),
                )
            if change.files:
                # Before the commit: a folder that cannot be written must leave the warehouse as it was. Killed in between, the
                # folder is ahead, and the same command again brings the warehouse after it.
                history = context.settings.home / HISTORY_FOLDER / f"{now:%Y%m%dT%H%M%S%fZ}"
                kept = keep_and_replace(folder, target, history)
    except BaseException:
        if kept is not None:
            put_back(kept, target)
        raise
    return change


def load_everything(
    connection: Connection, register: Register, forms: Mapping[str, Form], now: datetime
) -> tuple[int, list[str]]:
    """The register and the obligations of every period that has begun; (rows of the register changed, keys `report:period`).

    Periods that the register does not know any more are retired with their obligations. The caller commits.
    """
    changed = load_register(connection, register, forms, now)
    opened = []
    for report in register.reports:
        for period in list_begun_periods(register, report, now):
            load_obligations(connection, register, report, period, now)
            opened.append(f"{report.code}:{period.code}")
    known = connection.execute("SELECT report, period FROM register.period WHERE retired_at IS NULL").fetchall()
    for report_code, code in known:
        try:
            register.period(report_code, code)
        except (UnknownReport, UnknownPeriod):
            changed += retire_period(connection, report_code, code, now)
    return changed, opened


def _describe(
    context: Context,
    folder: Path,
    register: Register,
    tables: list[TableChange],
    periods: list[PeriodChange],
    *,
    applied: bool,
) -> RegisterChange:
    notices = [
        f"calendar.csv: {repeat}" for repeat in list_repeats({row.day: row.working for row in register.calendar})
    ]
    return RegisterChange(tables, periods, list_changed_files(folder, context.settings.register), notices, applied)


def _load_and_compare(
    connection: Connection, register: Register, forms: Mapping[str, Form], now: datetime
) -> tuple[list[TableChange], list[PeriodChange]]:
    load_everything(connection, register, forms, now)
    tables = [change for table, key in _KEYS.items() if (change := _compare_table(connection, table, key)).count]
    return tables, _compare_obligations(connection, now)


def _read_touched(connection: Connection, table: str) -> list[dict[str, Any]]:
    """The rows that this transaction wrote or retired."""
    query = sql.SQL("SELECT * FROM {} WHERE xmin = pg_current_xact_id()::xid").format(sql.Identifier("register", table))
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()


def _compare_table(connection: Connection, table: str, key: tuple[str, ...]) -> TableChange:
    before: dict[str, dict[str, str | None]] = {}
    after: dict[str, dict[str, str | None]] = {}
    for row in _read_touched(connection, table):
        name = " ".join(str(row[column]) for column in key if row[column] is not None)
        values = {
            column: None if value is None else str(value)
            for column, value in row.items()
            if column not in ("recorded_at", "retired_at", "sort_key")
        }
        (after if row["retired_at"] is None else before)[name] = values
    changed = [
        (
            name,
            {
                column: (before[name][column], value)
                for column, value in after[name].items()
                if before[name][column] != value
            },
        )
        for name in sorted(after.keys() & before.keys())
    ]
    return TableChange(table, sorted(after.keys() - before.keys()), sorted(before.keys() - after.keys()), changed)


def _compare_obligations(connection: Connection, now: datetime) -> list[PeriodChange]:
    found: dict[tuple[str, str], PeriodChange] = {}
    rows: defaultdict[tuple[str, str, str], dict[bool, dict[str, Any]]] = defaultdict(dict)
    for row in _read_touched(connection, "obligation"):
        rows[row["report"], row["period"], row["unit"]][row["retired_at"] is None] = row
    for (report, period, unit), versions in sorted(rows.items(), key=lambda item: item[0]):
        change = found.setdefault((report, period), PeriodChange(report, period))
        _note_change(change, unit, versions.get(False), versions.get(True))
    for change in found.values():
        if change.inherited:
            done = _list_done(connection, change, now)
            change.inherited = [(unit, heir, unit not in done) for unit, heir, _ in change.inherited]
    return list(found.values())


def _note_change(change: PeriodChange, unit: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
    if after is None:
        change.lost.append(unit)
        return
    if after["inherited_by"] and (before is None or before["inherited_by"] != after["inherited_by"]):
        change.inherited.append((unit, after["inherited_by"], True))
    if before is None:
        change.gained.append(unit)
        return
    if before["due_at"] != after["due_at"]:
        change.due_moved.append((unit, before["due_at"], after["due_at"]))
    was, reason = (row["exempt_reason"] or row["lapsed_reason"] for row in (before, after))
    if reason and reason != was:
        change.excused.append((unit, reason))
    elif was and not reason:
        change.no_longer_excused.append(unit)
    if any(before[column] != after[column] for column in ("unit_name", "unit_type", "forms", "owed_from", "owed_to")):
        change.other.append(unit)


def _list_done(connection: Connection, change: PeriodChange, now: datetime) -> set[str]:
    rows: Iterable[tuple[str]] = connection.execute(
        "SELECT unit FROM core.board(%s, %s, %s) WHERE status IN ('on_time', 'late')",
        (change.report, change.period, now),
    ).fetchall()
    return {unit for (unit,) in rows}
