"""How fast the marts answer at ten thousand submissions, and what one changed submission costs.

Three reports of a sample province are loaded through the whole of the pipeline, then copied to 57 periods. A mart is read as its
readers ask for it: one period, all rows. It must not be run on a warehouse that is in use.
"""

from __future__ import annotations

import statistics
import time
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg import sql

from benchmarks.homes import WORK, empty_warehouse, open_home
from benchmarks.many_submissions import multiply_period
from benchmarks.measure import Say
from etl.sample.generate import write_sample
from etl.settings import PROJECT_ROOT
from etl.usecases.context import open_context
from etl.usecases.ingest import ingest

REPORTS: Final = (
    ("movements-half", "2026-S1", 36),
    ("movements-year", "2026-A1", 10),
    ("statistics-year", "2026-A1", 11),
)
"""Report, the period of its workbooks, in how many periods it then stands."""
CELLS: Final = ("contribution", "series")
"""A line a cell of every mart: asked for one figure, as `trace` and `series` do."""
ROUNDS: Final = 5

Connection = psycopg.Connection[Any]


def measure_marts(units: int, periods: float, say: Say) -> dict[str, Any]:
    """Seconds of each mart by report (median), of all figures, and of one changed submission.

    `periods`: the share of the periods that is filled (1: all of them).
    """
    numbers = {report: max(2, round(number * periods)) for report, _, number in REPORTS}
    folders = {report: WORK / f"marts-{report}-{units}" for report in numbers}
    for report, period, _ in REPORTS:
        if not folders[report].exists():
            write_sample(PROJECT_ROOT / "register", folders[report], report, [period], units, 7, None)
    with open_home("marts", folders["movements-half"] / "register") as home:
        empty_warehouse(home)
        with open_context(home.settings) as context:
            for report in numbers:
                ingest(context, [folders[report] / "inbox"], folders[report] / "receipts.csv")
        url = sa.make_url(home.server.superuser_url).set(database="warehouse")
        with psycopg.connect(
            host=url.host, port=url.port, user=url.username, password=url.password, dbname=url.database, autocommit=True
        ) as connection:
            first = 1
            for done, (report, period, _) in enumerate(REPORTS):
                say("copies", done, len(REPORTS))
                codes = [f"{period}-{number}" for number in range(1, numbers[report])]
                multiply_period(connection, report, period, codes, first=first)
                first += len(codes)
            connection.execute("VACUUM ANALYZE")
            return {
                "submissions": _one(connection, "SELECT count(*) FROM core.submission"),
                "observations": _one(connection, "SELECT count(*) FROM core.observation"),
                **_time_marts(connection, say),
                **_time_change(connection, say),
            }


def _time_marts(connection: Connection, say: Say) -> dict[str, Any]:
    views = [
        str(row[0])
        for row in connection.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'mart'::regnamespace AND c.relkind = 'v' AND 2 = (SELECT "
            "count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('report', 'period')) ORDER BY 1"
        ).fetchall()
    ]
    seconds: dict[str, dict[str, float]] = {}
    for done, view in enumerate(views):
        say("marts", done, len(views))
        seconds[view] = {report: _time_view(connection, view, report, period) for report, period, _ in REPORTS}
    slowest = max(seconds, key=lambda view: max(seconds[view].values()))
    return {"marts_s": seconds, "slowest": slowest, "slowest_s": max(seconds[slowest].values())}


def _time_view(connection: Connection, view: str, report: str, period: str) -> float:
    query = sql.SQL("SELECT * FROM mart.{} WHERE report = %s AND period = %s").format(sql.Identifier(view))
    values: tuple[str, ...] = (report, period)
    if view in CELLS:
        query += sql.SQL(" AND mart = %s AND row_key = %s AND measure = %s")
        figure = connection.execute(
            "SELECT mart, row_key, measure FROM mart.form_figure WHERE report = %s AND period = %s ORDER BY units DESC LIMIT 1",
            values,
        ).fetchone()
        values += figure or ("", "", "")
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        connection.execute(query, values).fetchall()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def _time_change(connection: Connection, say: Say) -> dict[str, Any]:
    """All figures, one period after the other; a submission returned and accepted, with its period's figures made again."""
    periods = connection.execute("SELECT report, period FROM register.period WHERE retired_at IS NULL").fetchall()
    began = time.perf_counter()
    for done, (report, period) in enumerate(periods):
        say("all figures", done, len(periods))
        connection.execute(
            "SELECT * FROM mart.form_figure WHERE report = %s AND period = %s", (report, period)
        ).fetchall()
    everything = time.perf_counter() - began
    kept, shown = [], []
    report, period, _ = REPORTS[0]
    for submission, decision in connection.execute(
        "SELECT submission_id, d FROM (SELECT submission_id FROM core.counted_now WHERE report = %s AND period = %s "
        "ORDER BY unit LIMIT %s) x, unnest(ARRAY['return', 'accept']) d",
        (report, period, ROUNDS),
    ).fetchall():
        began = time.perf_counter()
        connection.execute(
            "INSERT INTO core.decision (submission_id, decision, decided_by, reason, recorded_at) VALUES (%s, %s, 'nguoi.duyet', "
            "'đo', now())",
            (submission, decision),
        )
        kept.append(time.perf_counter() - began)
        connection.execute(
            "SELECT * FROM mart.form_figure WHERE report = %s AND period = %s", (report, period)
        ).fetchall()
        shown.append(time.perf_counter() - began)
    change = statistics.median(shown)
    return {
        "all_figures_s": everything,
        "change_kept_s": statistics.median(kept),
        "change_and_figures_s": change,
        "change_share": change / everything,
    }


def _one(connection: Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
