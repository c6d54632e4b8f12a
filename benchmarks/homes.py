"""Homes of the measurements: an embedded server each, emptied between runs, stopped and removed at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import sqlalchemy as sa
from psycopg import sql

from etl.settings import PROJECT_ROOT, Settings, read_settings
from etl.usecases.prepare import init_warehouse
from etl.warehouse.server import ServerInfo, ensure_server, stop_server
from etl.warehouse.server_files import find_place

WORK = PROJECT_ROOT / "benchmarks" / "scratch"


@dataclass(frozen=True, slots=True)
class Home:
    """A data folder with its running server."""

    settings: Settings
    server: ServerInfo

    @property
    def environment(self) -> dict[str, str]:
        """For child programs: nothing of the caller's own movement-reports settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MOVEMENT_REPORTS_")}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)  # else every program would compile its libraries anew
        return {**kept, **self.variables}

    @property
    def variables(self) -> dict[str, str]:
        """The MOVEMENT_REPORTS_* variables of this home."""
        settings = self.settings
        return {
            "MOVEMENT_REPORTS_HOME": str(settings.home),
            "MOVEMENT_REPORTS_REGISTER": str(settings.register),
            "MOVEMENT_REPORTS_LANDING": settings.landing,
        }


@contextlib.contextmanager
def open_home(name: str, register: Path) -> Iterator[Home]:
    """A new home under `benchmarks/scratch`; its server is stopped and its data removed however the block ends."""
    folder = WORK / name
    _remove(folder)
    folder.mkdir(parents=True)
    settings = read_settings({"MOVEMENT_REPORTS_HOME": str(folder), "MOVEMENT_REPORTS_REGISTER": str(register)})
    try:
        yield Home(settings, ensure_server(folder))
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    if not folder.exists():
        return
    stop_server(folder)
    place = find_place(folder)
    if place.cluster != place.folder:  # as root, where `nobody` may not enter the home
        shutil.rmtree(place.cluster, ignore_errors=True)
    shutil.rmtree(folder)


def empty_warehouse(home: Home) -> None:
    """A warehouse as after `init`, and a landing store with nothing in it."""
    make_database(home, "warehouse")
    shutil.rmtree(home.settings.home / "landing", ignore_errors=True)
    init_warehouse(home.settings)


def make_database(home: Home, name: str) -> str:
    """An empty database of that name, an old one dropped; its SQLAlchemy URL."""
    url = sa.make_url(home.server.superuser_url)
    with psycopg.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, dbname=url.database, autocommit=True
    ) as connection:
        database = sql.Identifier(name)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER mr_owner").format(database))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        connection.execute("CHECKPOINT")  # the next run shall not pay for what was dropped
    return sa.make_url(home.server.warehouse_url).set(database=name).render_as_string(hide_password=False)


def fill_inbox(home: Home, files: Sequence[Path], receipts: Path) -> None:
    """Exactly these files in the drop folder, with their simulated receipts beside it."""
    shutil.copyfile(receipts, home.settings.home / "receipts.csv")
    inbox = home.settings.home / "inbox"
    shutil.rmtree(inbox, ignore_errors=True)
    inbox.mkdir()
    for file in files:
        shutil.copyfile(file, inbox / file.name)


def time_command(home: Home, arguments: Sequence[str], *, allowed: Sequence[int] = (0,)) -> tuple[float, str]:
    """(wall seconds, stdout) of `movement-reports ARGUMENTS` as a fresh program. Raises RuntimeError when it fails."""
    began = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", "etl", *arguments],
        env=home.environment,
        cwd=PROJECT_ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    if ended.returncode not in allowed:
        raise RuntimeError(f"movement-reports {arguments[0]} ended with {ended.returncode}: {ended.stderr[-500:]}")
    return seconds, ended.stdout


def measure_memory(home: Home, arguments: Sequence[str]) -> tuple[int, int]:
    """Peak resident bytes of `movement-reports ARGUMENTS`: (the program itself, with its children added up).

    Sampled twenty times a second; pages that parent and children share count for each of them.
    """
    program = subprocess.Popen(
        [sys.executable, "-m", "etl", *arguments],
        env=home.environment,
        cwd=PROJECT_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    root = psutil.Process(program.pid)
    alone = together = 0
    while program.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            own = root.memory_info().rss
            # The embedded server, if it were started here, is a daemon of its own and no child.
            others = sum(_read_rss(child) for child in root.children(recursive=True))
            alone, together = max(alone, own), max(together, own + others)
        time.sleep(0.05)
    if program.returncode:
        raise RuntimeError(f"movement-reports {arguments[0]} ended with {program.returncode}")
    return alone, together


def _read_rss(child: psutil.Process) -> int:
    try:
        return int(child.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
