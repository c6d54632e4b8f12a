"""What the tests of the pages share: a loaded province, accounts of each role, the app on a port."""

from __future__ import annotations

import contextlib
import html
import re
import secrets
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from etl.sample.generate import write_sample
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.accounts import add_account
from etl.usecases.context import open_context
from etl.usecases.ingest import ingest
from etl.usecases.prepare import init_warehouse
from etl.warehouse.server import ServerInfo

REPORT, PERIOD = "movements-half", "2026-S1"
PASSWORD = "mật khẩu thử nghiệm"  # noqa: S105
ROLES = ("reader", "reviewer", "publisher", "administrator")
LOGINS = {role: f"{role}@vp" for role in ROLES}


@dataclass(frozen=True)
class Reviewed:
    """A province whose first period was loaded, with accounts. `folder`: its sample (register, inbox, faults.json)."""

    settings: Settings
    folder: Path


def make_reviewed(server: ServerInfo, folder: Path, units: int = 24, seed: int = 20260616) -> tuple[Reviewed, str]:
    """A province of its own on a database of its own, and that database's name."""
    name = "w" + secrets.token_hex(4)
    admin = sa.create_engine(server.superuser_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" OWNER mr_owner')
    admin.dispose()
    sample = folder / "sample"
    write_sample(PROJECT_ROOT / "register", sample, REPORT, [PERIOD], units, seed, None)
    settings = Settings(
        home=folder / "home",
        register=sample / "register",
        landing=(folder / "home" / "landing").as_uri(),
        warehouse_url=sa.make_url(server.warehouse_url).set(database=name).render_as_string(hide_password=False),
        web_secret="bí mật của phép thử, dài hơn ba mươi hai ký tự",
    )
    init_warehouse(settings)
    with open_context(settings) as context:
        ingest(context, [sample / "inbox"], sample / "receipts.csv")
        for role, login in LOGINS.items():
            add_account(context, login, f"Cán bộ {role}", role, PASSWORD, "test")
    return Reviewed(settings, sample), name


def copy_reviewed(server: ServerInfo, made: Reviewed, database: str, folder: Path) -> Reviewed:
    """A copy of a province with its database: a moment's work, where loading takes seconds."""
    name = "w" + secrets.token_hex(4)
    admin = sa.create_engine(server.superuser_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" OWNER mr_owner TEMPLATE "{database}"')
    admin.dispose()
    shutil.copytree(made.folder, folder / "sample")
    shutil.copytree(made.settings.home, folder / "home", ignore=shutil.ignore_patterns("*.lock"))
    url = sa.make_url(server.warehouse_url).set(database=name).render_as_string(hide_password=False)
    settings = replace(
        made.settings, home=folder / "home", register=folder / "sample" / "register",
        landing=(folder / "home" / "landing").as_uri(), warehouse_url=url,
    )  # fmt: skip
    return Reviewed(settings, folder / "sample")


def log_in(app: FastAPI, role: str | None) -> TestClient:
    """A client of that role's account (None or anonymous: nobody's)."""
    client = TestClient(app, raise_server_exceptions=False, follow_redirects=False, client=(secrets.token_hex(4), 1))
    if role in LOGINS:
        answer = client.post("/login", data={"login": LOGINS[role], "password": PASSWORD})
        assert answer.status_code == 303, answer.text
    return client


def read_token(client: TestClient, path: str = "/login") -> str:
    """The token that this person's forms carry, as a page gives it."""
    for address in (path, "/board"):
        text = client.get(address, follow_redirects=True).text
        if 'data-csrf="' in text:
            return text.partition('data-csrf="')[2].partition('"')[0]
    raise AssertionError("no page of this person carries a token")


@contextlib.contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """The app on a port of this machine; its address without a slash at the end."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


def read_page(page: str) -> str:
    """What is read on a page, without its tags."""
    return _read(page.partition("<main")[2].partition("</main>")[0])


def read_rows(page: str) -> str:
    """What is read in the first table of a page below its headings: what a filter offers is no part of what is shown."""
    return _read(page.partition("<tbody>")[2].partition("</tbody>")[0])


def _read(markup: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", markup)))
