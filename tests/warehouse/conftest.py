"""Folders that `nobody` may enter, and homes whose servers are stopped whatever a test does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from rooms import open_room

from etl.settings import Settings
from etl.warehouse.connect import open_engine
from etl.warehouse.server import stop_server


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


@pytest.fixture
def engine(database_url: str, tmp_path: Path) -> Iterator[sa.Engine]:
    opened = open_engine(Settings(home=tmp_path, register=tmp_path, landing="", warehouse_url=database_url))
    yield opened
    opened.dispose()
