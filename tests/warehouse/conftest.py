"""A running embedded server for the tests of the warehouse, and folders that `nobody` may enter."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from etl.settings import Settings
from etl.warehouse.connect import open_engine
from etl.warehouse.server import ServerInfo, ensure_server, stop_server


@contextlib.contextmanager
def open_room() -> Iterator[Path]:
    """An empty folder that everyone may enter: pytest's own are closed to `nobody`."""
    room = Path(tempfile.mkdtemp(prefix="mr-test-"))
    room.chmod(0o755)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with open_room() as folder:
        # Also the default of every server that a test starts, so that nothing stays outside the room.
        monkeypatch.setenv("MOVEMENT_REPORTS_SHARED", str(folder / "shared"))
        yield folder


@pytest.fixture
def make_home(room: Path) -> Iterator[Callable[..., Path]]:
    """Names a home in the room; its server is stopped at the end, whatever the test did."""
    homes: list[Path] = []

    def make(name: str = "tỉnh Đắk Lắk", parent: Path | None = None) -> Path:
        home = (parent or room) / name
        homes.append(home)
        return home

    yield make
    for home in homes:
        stop_server(home)


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
def engine(database_url: str, tmp_path: Path) -> Iterator[sa.Engine]:
    opened = open_engine(Settings(home=tmp_path, register=tmp_path, landing="", warehouse_url=database_url))
    yield opened
    opened.dispose()
