"""How long the standing office's pages take on the server at 178 units and 24 periods: medians, in milliseconds.

    python -m benchmarks.pages [--keep]

Exit 0: every page under the goal; 1: one is not; 2: could not be measured. With `--keep` the warehouse stays for the next run.
It must not judge what the pages say: the figures of the copied periods mean nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from fastapi.testclient import TestClient
from rich.console import Console
from rich.table import Table

from benchmarks.homes import WORK, Home, open_home
from benchmarks.machine import read_load
from benchmarks.many_submissions import multiply_period
from etl.review.app import create_app
from etl.review.office import Office
from etl.sample.generate import write_sample
from etl.settings import PROJECT_ROOT, read_settings
from etl.usecases.accounts import add_account
from etl.usecases.context import open_context
from etl.usecases.ingest import ingest
from etl.usecases.prepare import init_warehouse
from etl.warehouse.server import ensure_server

REPORT, PERIOD = "movements-half", "2026-S1"
UNITS, PERIODS, SEED = 178, 24, 5
GOAL_MS: Final = 300.0
ROUNDS: Final = 20
WARM: Final = 3
_KEY: Final = f"{REPORT}:{PERIOD}"
_LOGIN: Final = "do-luong"
# The copies keep their receipts: due later, every unit of theirs would be in time, and their boards cheaper than real ones.
_SAME_DUE: Final = """
UPDATE register.obligation o SET due_at = f.due_at FROM register.obligation f
WHERE f.report = %(report)s AND f.period = %(period)s AND o.report = f.report AND o.unit = f.unit AND o.period <> f.period
"""


def list_pages(keys: list[str]) -> dict[str, str]:
    """What is measured: name → address."""
    columns = "&".join(f"key={key}" for key in keys[:24])
    return {
        "board, 1 period": f"/board?key={_KEY}",
        "board, 24 periods": f"/board?{columns}",
        "obligation": f"/board/{REPORT}/{PERIOD}/H14.SNV",
        "submissions": f"/submissions?key={_KEY}",
        "submission": "/submissions/{submission}",
        "tables": f"/tables?key={_KEY}",
        "table of movements": f"/tables/movement_result?key={_KEY}",
        "table of movements by unit": f"/tables/movement_units?key={_KEY}",
        "table of awards (0603)": f"/tables/0603?key={_KEY}",
        "table of structure": f"/tables/structure?key={_KEY}",
        "table of data quality": f"/tables/quality?key={_KEY}",
        "figure": f"/figure?id={_KEY}/F05/02/F05.02.2",
        "periods": "/periods",
        "period": f"/periods/{REPORT}/{PERIOD}",
        "quarantine": "/quarantine",
        "register": "/register",
        "audit": "/audit",
    }


def prepare(home: Home, sample: Path, console: Console) -> None:
    """A loaded period of the whole province, and its copies."""
    init_warehouse(home.settings)
    with open_context(home.settings) as context:
        ingest(context, [sample / "inbox"], sample / "receipts.csv")
        with contextlib.suppress(Exception):
            add_account(context, _LOGIN, "Đo lường", "administrator", secrets.token_urlsafe(16), "benchmark")
    console.print("one period loaded")
    with _connect(home) as connection:
        multiply_period(connection, REPORT, PERIOD, [_name_copy(number) for number in range(1, PERIODS)])
        connection.execute(_SAME_DUE, {"report": REPORT, "period": PERIOD})
        connection.commit()
    with _connect(home) as connection:
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
    console.print(f"{PERIODS} periods")


def measure_pages(home: Home) -> dict[str, dict[str, float]]:
    """Name → median and longest of the rounds in milliseconds, and the answer's size in KB."""
    password = secrets.token_urlsafe(16)
    office = Office(lambda: home.settings)
    with open_context(home.settings) as context:
        login = f"{_LOGIN}-{secrets.token_hex(3)}"
        add_account(context, login, "Đo lường", "administrator", password, "benchmark")
        with context.engine.connect() as connection:
            submission = connection.execute(
                sa.text("SELECT min(id) FROM core.submission WHERE period = :period"), {"period": PERIOD}
            ).scalar_one()
    found = {}
    with TestClient(create_app(office)) as client:
        client.post("/login", data={"login": login, "password": password}, follow_redirects=False)
        keys = [_KEY, *(f"{REPORT}:{_name_copy(number)}" for number in range(1, PERIODS))]
        for name, path in list_pages(keys).items():
            address = path.format(submission=submission)
            times, size = [], 0
            for place in range(WARM + ROUNDS):
                began = time.perf_counter()
                answer = client.get(address)
                if place >= WARM:
                    times.append(1000 * (time.perf_counter() - began))
                if answer.status_code != 200:
                    raise RuntimeError(f"{address} answered {answer.status_code}")
                size = len(answer.content)
            found[name] = {"median_ms": statistics.median(times), "most_ms": max(times), "kb": size / 1024}
    return found


def main(arguments: list[str] | None = None) -> int:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Server time of the pages at 178 units and 24 periods.")
    parser.add_argument("--keep", action="store_true", help="keep the warehouse for the next run")
    chosen = parser.parse_args(arguments)
    console = Console()
    try:
        with _open(chosen.keep, console) as home:
            before, found = read_load(), measure_pages(home)
    except Exception as error:
        console.print(f"[bold red]Stopped:[/] {type(error).__name__}: {error}", highlight=False)
        return 2
    table = Table("page", "median ms", "most ms", "KB", title=f"{UNITS} units, {PERIODS} periods; load {before}")
    for name, one in found.items():
        mark = "" if one["median_ms"] < GOAL_MS else " !"
        table.add_row(name, f"{one['median_ms']:.0f}{mark}", f"{one['most_ms']:.0f}", f"{one['kb']:.0f}")
    console.print(table)
    return 0 if all(one["median_ms"] < GOAL_MS for one in found.values()) else 1


@contextlib.contextmanager
def _open(keep: bool, console: Console) -> Iterator[Home]:
    sample = WORK / "sample-pages"
    if not (sample / "register").exists():
        write_sample(PROJECT_ROOT / "register", sample, REPORT, [PERIOD], UNITS, SEED, None)
    if not keep:
        with open_home("pages", sample / "register") as home:
            prepare(home, sample, console)
            yield home
        return
    folder = WORK / "pages-kept"
    settings = read_settings(
        {"MOVEMENT_REPORTS_HOME": str(folder), "MOVEMENT_REPORTS_REGISTER": str(sample / "register")}
    )
    folder.mkdir(parents=True, exist_ok=True)
    home = Home(settings, ensure_server(folder))
    if not (folder / "made").exists():
        prepare(home, sample, console)
        (folder / "made").touch()
    yield home


def _name_copy(number: int) -> str:
    """The half years from 2027 on: codes that the register knows and nobody has opened."""
    return f"{2027 + (number - 1) // 2}-S{1 + (number - 1) % 2}"


def _connect(home: Home) -> psycopg.Connection[Any]:
    url, warehouse = sa.make_url(home.server.superuser_url), sa.make_url(home.server.warehouse_url)
    return psycopg.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, dbname=warehouse.database
    )


if __name__ == "__main__":
    sys.exit(main())
