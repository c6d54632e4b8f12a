"""Consolidation of a period: the rules between units, and the figures. Never changes a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from etl.usecases.board import open_if_begun, read_board
from etl.usecases.context import Context
from etl.usecases.period_rules import PeriodFinding, find_period_faults
from etl.usecases.review_states import Action, PeriodState
from etl.warehouse.connect import raw_connection
from etl.warehouse.review_rows import add_event, lock_review, read_event
from etl.warehouse.submission_load import SYSTEM


@dataclass(frozen=True, slots=True)
class Figure:
    """One consolidated value. `id` is what `trace` takes; `units` is how many units gave it."""

    id: str
    form: str
    row: str
    column: str
    measure: str
    value: Decimal | None
    units: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many units that owe a form are in its figures. `accepted` is a part of `expected`; `beyond` are exempt units
    that sent it all the same and are in the figures."""

    form: str
    accepted: int
    expected: int
    beyond: int = 0


@dataclass(frozen=True, slots=True)
class ConsolidateSummary:
    """What a consolidation found."""

    report: str
    period: str
    figures: int
    coverage: list[Coverage]
    findings: list[PeriodFinding]
    counts: dict[str, int]


@contextmanager
def open_snapshot(context: Context, as_of: datetime | None = None) -> Iterator[sa.Connection]:
    """A read-only connection on which every statement sees one state of the warehouse: a load in between would make a
    figure differ from its own sources.

    `as_of` (aware): every mart as it was then: the submissions whose decisions were known, the findings and the register's
    rows that held, like a board of that instant. None: everything known.
    """
    with context.engine.connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        # One period is read through its index in a moment; offered help, the planner reads every period in parallel instead.
        connection.execute(sa.text("SET LOCAL max_parallel_workers_per_gather = 0"))
        if as_of is not None:
            connection.execute(
                sa.text("SELECT set_config('movement_reports.as_of', :as_of, true)"), {"as_of": as_of.isoformat()}
            )
        yield connection


def consolidate_period(context: Context, report: str, period: str, now: datetime) -> ConsolidateSummary:
    """Run the rules between units and count the figures, as of `now`; one transaction on one state of the warehouse,
    replacing what was found before.

    Raises UnknownReport, UnknownPeriod.
    """
    names = {"report": report, "period": period}
    window = context.register.period(report, period)
    open_if_begun(context, report, period)
    with context.engine.connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        # Two consolidations of one period would collide on the same rows. LOCK TABLE waits before the snapshot is taken;
        # an advisory lock is a query: who waited for it would then write on what he saw before the other had written.
        connection.execute(sa.text("LOCK TABLE ops.consolidation IN SHARE ROW EXCLUSIVE MODE"))
        connection.execute(
            sa.text("SELECT set_config('movement_reports.as_of', :as_of, true)"), {"as_of": now.isoformat()}
        )
        board = read_board(context, report, period, now, connection=connection)
        findings = find_period_faults(context, connection, report, window)
        _replace_findings(connection, names, findings, now)
        figures = connection.execute(
            sa.text("SELECT count(*) FROM mart.figure WHERE report = :report AND period = :period"), names
        ).scalar_one()
        connection.execute(
            sa.text(
                "INSERT INTO ops.consolidation VALUES (:report, :period, :figures, :found, :now) "
                "ON CONFLICT (report, period) DO UPDATE SET figures = excluded.figures, "
                "period_findings = excluded.period_findings, recorded_at = excluded.recorded_at"
            ),
            {**names, "figures": figures, "found": len(findings), "now": now},
        )
        coverage = read_coverage(context, report, period, connection)
        connection.commit()
    if not board.counts["pending"]:
        _begin_review(context, report, period, now)
    return ConsolidateSummary(report, period, figures, coverage, findings, dict(board.counts))


def _replace_findings(
    connection: sa.Connection, names: Mapping[str, str], findings: list[PeriodFinding], now: datetime
) -> None:
    """Retire what is not found any more and record what is new; what is found again stays as it was recorded."""
    known = {
        PeriodFinding(*row[1:]): row[0]
        for row in connection.execute(
            sa.text(
                "SELECT ctid::text, code, severity, subject, message, fix, unit, form, row_key, column_code, value, expected "
                "FROM core.period_finding WHERE report = :report AND period = :period AND retired_at IS NULL"
            ),
            names,
        )
    }
    gone = [place for found, place in known.items() if found not in set(findings)]
    connection.execute(
        sa.text("UPDATE core.period_finding SET retired_at = :now WHERE ctid = ANY(CAST(:gone AS tid[]))"),
        {"now": now, "gone": gone},
    )
    rows = [{**names, **asdict(found), "now": now} for found in dict.fromkeys(findings) if found not in known]
    if rows:
        connection.execute(
            sa.text(
                "INSERT INTO core.period_finding (report, period, code, severity, subject, message, fix, recorded_at, "
                "unit, form, row_key, column_code, value, expected) VALUES (:report, :period, :code, :severity, "
                ":subject, :message, :fix, :now, :unit, :form, :row, :column, :value, :expected) ON CONFLICT DO NOTHING"
            ),
            rows,
        )


def _begin_review(context: Context, report: str, period: str, now: datetime) -> None:
    """open → under review, by the system: whoever owes has sent or is late. A period that somebody acted on stays as it is."""
    with raw_connection(context.engine) as connection:
        lock_review(connection)
        if read_event(connection, report, period) is None:
            why = "Đã tổng hợp, không còn đơn vị nào trong hạn chưa nộp"
            add_event(connection, report, period, 1, Action.START, PeriodState.UNDER_REVIEW, SYSTEM, why, now)


def read_coverage(
    context: Context,
    report: str,
    period: str,
    connection: sa.Connection | None = None,
    *,
    forms: Sequence[str] | None = None,
) -> list[Coverage]:
    """Coverage by form, in form order, of these `forms` (None: of all); on `connection` when given (see open_snapshot)."""
    if forms is not None and not forms:
        return []
    asked: dict[str, object] = {"report": report, "period": period}
    condition = ""
    if forms is not None:
        condition, asked["forms"] = "AND form = ANY(:forms) ", list(forms)
    # The condition is one of the two constants above.
    statement = f"SELECT * FROM mart.coverage WHERE report = :report AND period = :period {condition}ORDER BY form"  # noqa: S608
    with _reading(context, connection) as reading:
        rows = reading.execute(sa.text(statement), asked).all()
    return [Coverage(row.form, row.units_accepted, row.units_expected, row.units_beyond) for row in rows]


def read_figures(
    context: Context, report: str, period: str, connection: sa.Connection | None = None
) -> dict[str, list[Figure]]:
    """The consolidated figures by form code, rows in order of their key; on `connection` when given."""
    statement = sa.text(
        "SELECT * FROM mart.figure WHERE report = :report AND period = :period ORDER BY form, row_key, column_code"
    )
    found: dict[str, list[Figure]] = {}
    with _reading(context, connection) as reading:
        for row in reading.execute(statement, {"report": report, "period": period}):
            figure = Figure(row.figure, row.form, row.row_key, row.column_code, row.measure, row.value, row.units)
            found.setdefault(row.form, []).append(figure)
    return found


def read_period_findings(
    context: Context, report: str, period: str, connection: sa.Connection | None = None
) -> list[PeriodFinding]:
    """What the last consolidation found on the period; on `connection` when given."""
    statement = sa.text(
        "SELECT * FROM mart.period_finding WHERE report = :report AND period = :period ORDER BY code, subject, form, "
        "row_key, column_code, unit"
    )
    with _reading(context, connection) as reading:
        rows: list[Mapping[str, str]] = [
            dict(row) for row in reading.execute(statement, {"report": report, "period": period}).mappings()
        ]
    return [
        PeriodFinding(
            r["code"], r["severity"], r["subject"], r["message"], r["fix"], r["unit"], r["form"], r["row_key"],
            r["column_code"], r["value"], r["expected"],
        )
        for r in rows
    ]  # fmt: skip


def _reading(context: Context, connection: sa.Connection | None) -> AbstractContextManager[sa.Connection]:
    return nullcontext(connection) if connection is not None else context.engine.connect()
