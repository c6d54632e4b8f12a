"""A warehouse whose register declares the channels of a test, and what is asked of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.context import open_context
from etl.usecases.prepare import init_warehouse


@dataclass
class Office:
    """Settings on an initialised warehouse."""

    settings: Settings

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with open_context(self.settings) as context, context.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def count(self, table: str) -> int:
        return int(self.ask(f"SELECT count(*) FROM {table}")[0][0])


def open_office(
    make_settings: Callable[..., Settings],
    folder: Path,
    channels: str,
    connections: Mapping[str, str],
    *,
    simulated: bool = False,
    **changes: object,
) -> Office:
    """The sample's register with `channels` (YAML, the lines under `channels:`) in the place of its own."""
    register = folder / "register"
    shutil.copytree(PROJECT_ROOT / "register", register)
    (register / "channels.yaml").write_text(f"channels:\n{channels}", "utf-8")
    if not simulated:
        head = register / "register.yaml"
        head.write_text(head.read_text("utf-8").replace("simulated: true", "simulated: false"), "utf-8")
    settings = make_settings(register, connections=dict(connections), **changes)
    init_warehouse(settings)
    return Office(settings)


def check_all_landed(office: Office, sent: Mapping[str, bytes]) -> None:
    """Each file exactly one arrival with its bytes in the store, and everything recorded acknowledged."""
    with open_context(office.settings) as context, context.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT locator, sha256 FROM landing.arrival")).all()
        untold = connection.execute(
            sa.text("SELECT count(*) FROM landing.offer WHERE acknowledged_at IS NULL")
        ).scalar_one()
        assert sorted(str(row.locator) for row in rows) == sorted(sent)
        assert {str(row.locator): context.landing.get(str(row.sha256)) for row in rows} == dict(sent)
    assert untold == 0
