"""Warehouses of the old province: one with what the articles published, read by many tests; fresh ones for the others."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from etl.settings import Settings
from etl.usecases.context import open_context
from etl.usecases.prepare import init_warehouse
from etl.warehouse.server import ServerInfo
from tests.golden.sender import Sending
from tests.marts.old_province import (
    BLOC,
    LANG_SON_SCORES,
    bac_kan_2020,
    cao_bang_2021,
    open_workbook,
    scores,
    write_register,
)
from tests.usecases.deliveries import Post, at

NOW = at("2022-01-20T08:00")


@contextmanager
def open_database(server: ServerInfo, template: str = "template1") -> Iterator[str]:
    """A database of its own, made as a copy of another; its name."""
    name = "t" + secrets.token_hex(4)
    admin = sa.create_engine(server.superuser_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" OWNER mr_owner TEMPLATE "{template}"')
    yield name
    with admin.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    admin.dispose()


def settings_for(server: ServerInfo, database: str, folder: Path, register: Path) -> Settings:
    """Settings on that database, all files in `folder`."""
    url = sa.make_url(server.warehouse_url).set(database=database).render_as_string(hide_password=False)
    return Settings(home=folder / "home", register=register, landing=(folder / "landing").as_uri(), warehouse_url=url)


@pytest.fixture(scope="session")
def old_register(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_register(tmp_path_factory.mktemp("old") / "register")


@pytest.fixture(scope="session")
def prepared_database(
    server: ServerInfo, old_register: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """An initialised warehouse without submissions: a copy of it takes a moment, making it takes seconds."""
    with open_database(server) as name:
        init_warehouse(settings_for(server, name, tmp_path_factory.mktemp("prepared"), old_register), clock=lambda: NOW)
        yield name


@pytest.fixture(scope="session")
def articles(
    server: ServerInfo, prepared_database: str, old_register: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Post]:
    """All three articles in one warehouse: Bắc Kạn in 2020, Cao Bằng and Lạng Sơn's bloc in 2021. Only to be read."""
    folder = tmp_path_factory.mktemp("articles")
    with open_database(server, prepared_database) as name:
        settings = settings_for(server, name, folder, old_register)
        with open_context(settings, clock=lambda: NOW) as context:
            post = Post(context, folder)
            for period, told in (("2020-A1", bac_kan_2020()), ("2021-A1", cao_bang_2021())):
                sent = {unit: open_workbook(context, unit, period, *edits) for unit, edits in told.items()}
                if period == "2021-A1":
                    sent[BLOC] = open_workbook(context, BLOC, period, scores(LANG_SON_SCORES))
                deliver(post, period, sent)
            yield post


@pytest.fixture
def post(server: ServerInfo, prepared_database: str, old_register: Path, tmp_path: Path) -> Iterator[Post]:
    """A warehouse of the old province without submissions."""
    with (
        open_database(server, prepared_database) as name,
        open_context(settings_for(server, name, tmp_path, old_register), clock=lambda: NOW) as context,
    ):
        yield Post(context, tmp_path)


def deliver(post: Post, period: str, sent: Mapping[str, Sending]) -> None:
    """Workbooks by unit, received in that order at 08:00, 08:01 … of the day after the cut-off; all must be accepted."""
    day = f"{period[:4]}-12-15"
    post.deliver(
        *((f"{unit}_{period}", sending, f"{day}T08:{place:02}") for place, (unit, sending) in enumerate(sent.items()))
    )
    verdicts = {unit: post.verdict(f"{unit}_{period}") for unit in sent}
    assert "rejected" not in verdicts.values(), {unit: post.findings(f"{unit}_{period}", "") for unit in sent}
