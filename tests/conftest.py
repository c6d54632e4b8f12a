"""One embedded PostgreSQL for the whole session, and fresh warehouses on it. Nothing outlives the session."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from rooms import open_room

from etl.settings import PROJECT_ROOT, Settings
from etl.warehouse.server import ServerInfo, ensure_server, stop_server

# A setting of the person who runs the tests must not decide what they find.
for name in [name for name in os.environ if name.startswith("MOVEMENT_REPORTS_")]:
    del os.environ[name]
os.environ.pop("COLUMNS", None)  # nor the width of a terminal, which the runner of side-by-side tests hands down


@pytest.fixture(autouse=True)
def loggers_are_heard() -> None:
    """Heard again, from warnings up: Airflow and Alembic switch our loggers off or raise the root's level when they set up
    logging, Airflow already when pytest collects the DAG tests."""
    logging.root.setLevel(logging.WARNING)
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and name.partition(".")[0] in ("etl", "plugins", "imapclient"):
            logger.disabled = False


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_in_the_project() -> Iterator[None]:
    """A test that forgets to say where its home is would start a server in the project's own, which nobody stops."""
    home = PROJECT_ROOT / "home" / "postgres"
    was_there = home.exists()
    yield
    assert was_there or not home.exists(), f"a test has made {home}"


@pytest.fixture(scope="session")
def server() -> Iterator[ServerInfo]:
    """One running embedded server for the whole session, in a home of its own."""
    with open_room() as folder:
        home = folder / "kho dữ liệu"
        try:
            yield ensure_server(home, shared_folder=folder / "shared")
        finally:
            stop_server(home)


@pytest.fixture
def database_url(server: ServerInfo) -> Iterator[str]:
    """An empty database of its own on the session's server, owned by mr_owner."""
    name = "t" + secrets.token_hex(4)
    admin = sa.create_engine(server.superuser_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" OWNER mr_owner')
        connection.exec_driver_sql(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
    yield sa.make_url(server.warehouse_url).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    admin.dispose()


@pytest.fixture
def make_settings(database_url: str, tmp_path: Path) -> Callable[..., Settings]:
    """Settings on an empty database and a folder of this test's own."""

    def make(register: Path = PROJECT_ROOT / "register", **changes: object) -> Settings:
        values: dict[str, object] = {
            "home": tmp_path / "home",
            "register": register,
            "landing": (tmp_path / "home" / "landing").as_uri(),
            "warehouse_url": database_url,
        }
        return Settings(**{**values, **changes})  # type: ignore[arg-type]

    return make
