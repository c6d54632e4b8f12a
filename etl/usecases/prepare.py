"""`init`: brings the warehouse up to date, loads the register, builds the obligations. Safe to run again."""

from __future__ import annotations

from dataclasses import dataclass

from etl.settings import Settings
from etl.usecases.context import Clock, open_context, real_clock
from etl.usecases.register_change import load_everything
from etl.warehouse.connect import describe_url, raw_connection
from etl.warehouse.migrate import ensure_roles, grant_roles, install_views, migrate
from etl.warehouse.statutory_views import write_statutory_views
from etl.warehouse.wide_views import write_wide_views


@dataclass(frozen=True, slots=True)
class InitSummary:
    """What `init` did. `sql_for_administrator` is what it was not allowed to do (roles), to be run by hand."""

    warehouse: str
    migrations: list[str]
    register_rows_changed: int
    periods: list[str]
    units: int
    sql_for_administrator: list[str]


def init_warehouse(settings: Settings, *, clock: Clock = real_clock) -> InitSummary:
    """Migrate, load the register, open the periods that have begun.

    Raises BadRegister (nothing is written then), WarehouseUnreachable, MigrationError.
    """
    with open_context(settings, clock=clock, ready=False) as context:
        register = context.register
        todo = ensure_roles(context.engine)
        applied = migrate(context.engine)
        generated = {
            "wide views": write_wide_views(context.forms),
            "statutory tables": write_statutory_views(context.forms),
        }
        install_views(context.engine, generated=generated)
        now = clock()
        with raw_connection(context.engine) as connection:
            changed, periods = load_everything(connection, register, context.forms, now)
        todo += grant_roles(context.engine)
        return InitSummary(
            describe_url(context.engine.url), applied, changed, periods, len(register.lasting_units), todo
        )
