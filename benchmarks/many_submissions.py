"""A warehouse with thousands of submissions, made from a few loaded periods by copying their rows to other periods.

Only for measuring how fast the marts answer: what is copied is real (examined, loaded), its figures are shifted, and nobody
reads it for its content. It must not be used where figures matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]

STEP = 1_000_000
"""Between the ids of one copy and the next."""

_Copied = tuple[str, str, Mapping[str, str]]
"""Table, which of its rows (by p: the period that is copied), what is another in the copy."""

_LEDGER: Sequence[_Copied] = (
    ("register.period", "t.report = p.report AND t.period = p.period",
     {"period": "p.copy", "label": "t.label || ' ' || p.copy", "window_start": "t.window_start + 400 * p.number",
      "window_end": "t.window_end + 400 * p.number"}),
    ("register.obligation", "t.report = p.report AND t.period = p.period",
     {"period": "p.copy", "due_at": "t.due_at + make_interval(days => 400 * p.number)"}),
)  # fmt: skip
_SENT: Sequence[_Copied] = (
    ("landing.arrival", "t.id = ANY(p.arrivals)",
     {"id": "t.id + p.step", "locator": "t.locator || p.copy"}),
    ("core.submission", "t.arrival_id = ANY(p.arrivals)",
     {"id": "t.id + p.step", "arrival_id": "t.arrival_id + p.step", "period": "p.copy"}),
    # Before the decisions: with them it is worked out what counts, and whether it is an estimate.
    ("core.observation", "t.submission_id = ANY(p.submissions)",
     {"submission_id": "t.submission_id + p.step", "number": "t.number + p.number"}),
    ("core.examination", "t.arrival_id = ANY(p.arrivals)", {"arrival_id": "t.arrival_id + p.step"}),
    ("core.verdict", "t.submission_id = ANY(p.submissions)",
     {"id": "t.id + p.step", "submission_id": "t.submission_id + p.step"}),
    ("core.decision", "t.submission_id = ANY(p.submissions)",
     {"id": "t.id + p.step", "submission_id": "t.submission_id + p.step"}),
    ("landing.outcome", "t.arrival_id = ANY(p.arrivals)",
     {"arrival_id": "t.arrival_id + p.step", "submission_id": "t.submission_id + p.step"}),
    ("core.finding", "t.arrival_id = ANY(p.arrivals)", {"arrival_id": "t.arrival_id + p.step"}),
)  # fmt: skip


def multiply_period(
    connection: Connection, report: str, period: str, codes: Sequence[str], *, first: int = 1, with_ledger: bool = True
) -> None:
    """Copy all that was sent for a period to the periods of these codes. The caller commits.

    `with_ledger`: the periods and what is owed for them are copied too; False where the register knows these periods.
    `first` is the number of the first copy and must differ between the periods that are copied: ids and figures follow from it.
    """
    for number, code in enumerate(codes, start=first):
        connection.execute("DROP TABLE IF EXISTS pg_temp.copied")
        connection.execute(
            "CREATE TEMP TABLE copied AS SELECT %s AS report, %s AS period, %s AS copy, %s::bigint AS step, "
            "%s::integer AS number, array_agg(s.id) AS submissions, array_agg(s.arrival_id) AS arrivals "
            "FROM core.submission s WHERE s.report = %s AND s.period = %s",
            (report, period, code, number * STEP, number, report, period),
        )
        for table, condition, changes in (*(_LEDGER if with_ledger else ()), *_SENT):
            _copy_rows(connection, table, condition, changes)
    # What is written afterwards comes after the copies: the order of decisions is the order of their ids.
    for table in ("landing.arrival", "core.submission", "core.verdict", "core.decision"):
        connection.execute(
            sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), (SELECT max(id) FROM {}))").format(
                sql.Literal(table), sql.Identifier(*table.split("."))
            )
        )


def _copy_rows(connection: Connection, table: str, condition: str, changes: Mapping[str, str]) -> None:
    schema, _, name = table.partition(".")
    columns = [
        str(row[0])
        for row in connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
            "AND is_generated = 'NEVER' ORDER BY ordinal_position",
            (schema, name),
        ).fetchall()
    ]
    # Expressions and conditions are the constants above; column names are quoted by the driver.
    values = [
        sql.SQL(changes[column]) if column in changes else sql.SQL("t.{}").format(sql.Identifier(column))
        for column in columns
    ]
    connection.execute(
        sql.SQL(
            "INSERT INTO {target} ({columns}) OVERRIDING SYSTEM VALUE SELECT {values} FROM {target} t, copied p WHERE "
        ).format(
            target=sql.Identifier(schema, name),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            values=sql.SQL(", ").join(values),
        )
        + sql.SQL(condition)
    )
