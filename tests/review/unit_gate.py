"""A province whose units have filed nothing yet, with the pages over it and a clock that a test sets."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from reviewed_office import PASSWORD

from etl.calendar.deadlines import TIMEZONE
from etl.review.app import create_app
from etl.review.limits import RateLimit
from etl.review.office import Office
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.accounts import add_account
from etl.usecases.context import Context, open_context
from etl.usecases.prepare import init_warehouse
from etl.usecases.unit_links import make_token
from etl.warehouse.server import ServerInfo

REPORT, PERIOD = "movements-half", "2026-S1"
MAX_BYTES = 2 * 1024 * 1024
START = datetime(2026, 6, 10, 9, 0, tzinfo=TIMEZONE)


@dataclass
class Gate:
    """The entrance. `now` is what the clock says."""

    settings: Settings
    now: datetime = START
    office: Office = field(init=False)
    app: FastAPI = field(init=False)

    def __post_init__(self) -> None:
        self.office = Office(lambda: self.settings, clock=lambda: self.now)
        self.app = create_app(self.office)

    @property
    def context(self) -> Context:
        return self.office.context()

    def token(self, unit: str, report: str = REPORT, period: str = PERIOD) -> str:
        return make_token(self.context, unit, report, period, self.now)

    def client(self) -> TestClient:
        """A stranger's browser."""
        return TestClient(
            self.app, raise_server_exceptions=False, follow_redirects=False, client=(secrets.token_hex(4), 1)
        )

    def visit(self, unit: str) -> Visitor:
        return Visitor(self.client(), f"/u/{self.token(unit)}")

    def rows(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        with self.context.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement), parameters)]


@dataclass
class Visitor:
    """Whoever holds the link of a unit, without JavaScript. `path` is that of the link."""

    client: TestClient
    path: str

    def get(self, path: str = "", **query: str) -> httpx.Response:
        return self.client.get(self.path + path, params=query)

    @property
    def csrf(self) -> str:
        return self.get().text.partition('data-csrf="')[2].partition('"')[0]

    def send(self, name: str, data: bytes) -> httpx.Response:
        """The answer to the form as the page has it."""
        action = re.search(r'action="([^"]+/upload\?csrf=[0-9a-f]+)"', self.get().text)
        assert action is not None
        return self.client.post(action[1], files={"file": (name, data)})

    def upload(self, name: str, data: bytes) -> httpx.Response:
        """The page that shows what became of it."""
        answer = self.send(name, data)
        for _ in range(3):
            if answer.status_code != 303:
                break
            answer = self.client.get(answer.headers["location"])
        return answer


@contextmanager
def open_gate(server: ServerInfo, folder: Path) -> Iterator[Gate]:
    """A database of its own, initialised at START."""
    name = "g" + secrets.token_hex(4)
    admin = sa.create_engine(server.superuser_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" OWNER mr_owner')
    admin.dispose()
    settings = Settings(
        home=folder / "home",
        register=PROJECT_ROOT / "register",
        landing=(folder / "home" / "landing").as_uri(),
        warehouse_url=sa.make_url(server.warehouse_url).set(database=name).render_as_string(hide_password=False),
        max_file_bytes=MAX_BYTES,
        readers=1,
        web_secret="bí mật của phép thử, dài hơn ba mươi hai ký tự",
    )
    init_warehouse(settings, clock=lambda: START)
    with open_context(settings, clock=lambda: START) as context:
        add_account(context, "reviewer@vp", "Cán bộ thẩm tra", "reviewer", PASSWORD, "test")
        add_account(context, "publisher@vp", "Lãnh đạo", "publisher", PASSWORD, "test")
    gate = Gate(settings)
    # Many uploads of few units in a second: the limits have their own test.
    gate.app.state.limits["upload"] = RateLimit(1000, 60)
    gate.app.state.limits["entrance"] = RateLimit(5000, 60)
    try:
        yield gate
    finally:
        gate.office.close()
