"""What every use case needs, opened once: settings, clock, register, forms, catalogue, warehouse, landing store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import sqlalchemy as sa

from etl.findings.catalogue import Catalogue, read_catalogue
from etl.forms.declaration import Form
from etl.forms.library import read_forms
from etl.landing.store import LandingStore
from etl.register.model import Register
from etl.register.read import read_register
from etl.settings import Settings
from etl.warehouse.connect import describe_url, open_engine

Clock = Callable[[], datetime]


def real_clock() -> datetime:
    """Now, in UTC. Only edges (CLI, DAG, page) choose it."""
    return datetime.now(UTC)


@dataclass
class Knowledge:
    """What is needed without a warehouse: `check` runs on this alone."""

    settings: Settings

    @cached_property
    def register(self) -> Register:
        """The register of the settings' folder. Raises BadRegister."""
        return read_register(self.settings.register, known_forms=set(self.forms))

    @cached_property
    def forms(self) -> Mapping[str, Form]:
        """The form declarations of the settings' folder. Raises BadForm."""
        return read_forms(self.settings.forms)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The finding catalogue, with the suites of the settings' folder. Raises BadCatalogue."""
        return read_catalogue(self.settings.expectations)


@dataclass
class Context(Knowledge):
    """Knowledge with a warehouse, a landing store and a clock."""

    engine: sa.Engine
    clock: Clock

    @cached_property
    def landing(self) -> LandingStore:
        """The store of the settings' landing URL."""
        return LandingStore(self.settings.landing)

    def recorded_at(self, received_at: datetime) -> datetime:
        """When a fact about an arrival counts as known: now; in a simulated province its simulated receipt."""
        return received_at if self.register.province.simulated else self.clock()


class WarehouseNotReady(RuntimeError):
    """The warehouse has no tables yet."""


@contextmanager
def open_context(settings: Settings, *, clock: Clock = real_clock, ready: bool = True) -> Iterator[Context]:
    """A context with its connections, closed at the end. `ready` False is for `init`, which makes the tables.

    Raises WarehouseUnreachable, WarehouseNotReady.
    """
    engine = open_engine(settings)
    try:
        if ready:
            _require_tables(engine)
        yield Context(settings, engine, clock)
    finally:
        engine.dispose()


def _require_tables(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT to_regclass('core.submission'), to_regclass('mart.board')")).one()
    if None in tuple(found):
        raise WarehouseNotReady(
            f"The warehouse {describe_url(engine.url)} has no tables yet: run `movement-reports init` first."
        )
