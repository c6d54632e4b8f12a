"""Consolidation of a period: the rules between units, and the figures. Never changes a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from etl.findings.catalogue import CHECKS_FOLDER, read_check_header
from etl.findings.model import fill_text
from etl.usecases.board import read_board
from etl.usecases.context import Context


@dataclass(frozen=True, slots=True)
class PeriodFinding:
    """A point for the reviewer about the whole period; `subject` names units or movements."""

    code: str
    severity: str
    subject: str
    message: str
    fix: str


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
    """How many units that owe a form are in its figures."""

    form: str
    accepted: int
    expected: int


@dataclass(frozen=True, slots=True)
class ConsolidateSummary:
    """What a consolidation found."""

    report: str
    period: str
    figures: int
    coverage: list[Coverage]
    findings: list[PeriodFinding]
    counts: dict[str, int]


def consolidate_period(context: Context, report: str, period: str, now: datetime) -> ConsolidateSummary:
    """Run the rules between units and count the figures; one transaction, replacing what was found before.

    Raises UnknownReport, UnknownPeriod.
    """
    board = read_board(context, report, period, now)
    names = {"report": report, "period": period}
    findings: list[PeriodFinding] = []
    with context.engine.begin() as connection:
        connection.execute(
            sa.text("SELECT pg_advisory_xact_lock(hashtext(:report || ':' || :period))"), names
        )  # two consolidations of one period would collide on the same rows
        for path in sorted(CHECKS_FOLDER.glob("*.sql")):
            entry = read_check_header(path)
            for row in connection.execute(sa.text(path.read_text("utf-8")), names).mappings():
                texts = {"subject": row["subject"]}
                findings.append(
                    PeriodFinding(
                        entry.code, entry.severity.value, row["subject"],
                        fill_text(entry.message, texts), fill_text(entry.fix, texts),
                    )
                )  # fmt: skip
        connection.execute(
            sa.text("DELETE FROM core.period_finding WHERE report = :report AND period = :period"), names
        )
        for found in findings:
            connection.execute(
                sa.text(
                    "INSERT INTO core.period_finding VALUES (:report, :period, :code, :severity, :subject, :message, "
                    ":fix, :recorded_at) ON CONFLICT DO NOTHING"
                ),
                {
                    **names, "code": found.code, "severity": found.severity, "subject": found.subject,
                    "message": found.message, "fix": found.fix, "recorded_at": now,
                },
            )  # fmt: skip
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
    return ConsolidateSummary(
        report, period, figures, read_coverage(context, report, period), findings, dict(board.counts)
    )


def read_coverage(context: Context, report: str, period: str) -> list[Coverage]:
    """Coverage by form, in form order."""
    statement = sa.text("SELECT * FROM mart.coverage WHERE report = :report AND period = :period ORDER BY form")
    with context.engine.connect() as connection:
        rows = connection.execute(statement, {"report": report, "period": period}).all()
    return [Coverage(row.form, row.units_accepted, row.units_expected) for row in rows]


def read_figures(context: Context, report: str, period: str) -> dict[str, list[Figure]]:
    """The consolidated figures by form code, rows in order of their key."""
    statement = sa.text(
        "SELECT * FROM mart.figure WHERE report = :report AND period = :period ORDER BY form, row_key, column_code"
    )
    found: dict[str, list[Figure]] = {}
    with context.engine.connect() as connection:
        for row in connection.execute(statement, {"report": report, "period": period}):
            figure = Figure(row.figure, row.form, row.row_key, row.column_code, row.measure, row.value, row.units)
            found.setdefault(row.form, []).append(figure)
    return found


def read_period_findings(context: Context, report: str, period: str) -> list[PeriodFinding]:
    """What the last consolidation found on the period."""
    statement = sa.text(
        "SELECT * FROM mart.period_finding WHERE report = :report AND period = :period ORDER BY code, subject"
    )
    with context.engine.connect() as connection:
        rows: list[Mapping[str, str]] = [
            dict(row) for row in connection.execute(statement, {"report": report, "period": period}).mappings()
        ]
    return [PeriodFinding(r["code"], r["severity"], r["subject"], r["message"], r["fix"]) for r in rows]
