"""Copies of one warehouse of the sample province, made once: a test that sends three letters need not migrate first."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alert_office import Office, at, open_office

from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.prepare import init_warehouse
from etl.warehouse.server import ServerInfo

START = "06-05T08:00"


def _name_url(server: ServerInfo, name: str) -> str:
    return sa.make_url(server.warehouse_url).set(database=name).render_as_string(hide_password=False)


def _settings(folder: Path, url: str) -> Settings:
    home = folder / "home"
    return Settings(
        home=home, register=PROJECT_ROOT / "register", landing=(home / "landing").as_uri(), warehouse_url=url
    )


@pytest.fixture(scope="session")
def make_database(server: ServerInfo) -> Iterator[Callable[..., str]]:
    """Makes a database, empty or a copy of another; its name. Dropped at the end."""
    admin = sa.create_engine(server.superuser_url, isolation_level="AUTOCOMMIT")
    made: list[str] = []

    def make(template: str = "template1") -> str:
        made.append("a" + secrets.token_hex(4))
        with admin.connect() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{made[-1]}" OWNER mr_owner TEMPLATE "{template}"')
        return made[-1]

    yield make
    with admin.connect() as connection:
        for name in made:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    admin.dispose()


@pytest.fixture(scope="session")
def june(make_database: Callable[..., str], server: ServerInfo, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The province on a Friday morning before the ladder of the half-year begins."""
    name = make_database()
    init_warehouse(_settings(tmp_path_factory.mktemp("june"), _name_url(server, name)), clock=lambda: at(START))
    return name


@pytest.fixture
def office(make_database: Callable[..., str], june: str, server: ServerInfo, tmp_path: Path) -> Iterator[Office]:
    """A province of the test's own, at START."""
    with open_office(_settings(tmp_path, _name_url(server, make_database(june))), START) as office:
        yield office
