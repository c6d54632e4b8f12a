"""Opens the warehouse: a SQLAlchemy engine on the configured URL or on the embedded server.

It must not create or change anything in the database (see `migrate.py`), and no text it makes, in errors
or elsewhere, may hold a password or the values of a statement.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError

from etl.settings import Settings
from etl.warehouse.server import ensure_server

APPLICATION_NAME = "movement-reports"
CONNECT_SECONDS = "10"
VARIABLE = "MOVEMENT_REPORTS_WAREHOUSE_URL"
_SAME_SETTINGS = {"postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"}


class WarehouseUnreachable(ConnectionError):
    """The warehouse did not answer; the text says where it was looked for and what to do."""


def open_engine(settings: Settings) -> sa.Engine:
    """An engine that has answered once. Sessions speak UTC, compile no queries and are named `movement-reports`.

    Raises ValueError for a URL that is not PostgreSQL's, WarehouseUnreachable when nothing answers there,
    ServerError when the embedded server does not start.
    """
    url = read_url(settings.warehouse_url or ensure_server(settings.home).warehouse_url)
    engine = sa.create_engine(
        url.update_query_dict(
            {
                "application_name": url.query.get("application_name", APPLICATION_NAME),
                "connect_timeout": url.query.get("connect_timeout", CONNECT_SECONDS),
            }
        ),
        hide_parameters=True,  # statements carry people's data; they must not reach a log through an error
        pool_pre_ping=True,
        pool_use_lifo=True,  # the one that was used last has the marts' definitions at hand
    )
    sa.event.listen(engine, "connect", _set_session)
    try:
        engine.connect().close()
    except DBAPIError as error:
        engine.dispose()
        raise WarehouseUnreachable(_explain(url, error)) from None
    return engine


def read_url(text: str) -> sa.URL:
    """The URL with our driver. Raises ValueError, without repeating the text, which may hold a password."""
    try:
        url = sa.make_url(text.strip())
    except (ArgumentError, ValueError):
        raise ValueError(
            f"{VARIABLE} is not a URL. Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with special signs in the "
            "password as %XX."
        ) from None
    if url.drivername not in _SAME_SETTINGS:
        raise ValueError(
            f"{VARIABLE} names {url.drivername}, but the warehouse is PostgreSQL only. "
            "Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, or unset it for the embedded server."
        )
    hidden = url.query.get("password")
    if hidden is not None:
        # Only a password in its own place is starred by SQLAlchemy's texts.
        url = url.difference_update_query(["password"]).set(password=url.password or _first(hidden))
    return url.set(drivername="postgresql+psycopg")


def describe_url(url: str | sa.URL) -> str:
    """`user@host:port/database` for messages: no password, also not one written among the settings after `?`."""
    parts = sa.make_url(url) if isinstance(url, str) else url
    settings = parts.query
    # Only these four are ever shown, so a setting that libpq invents tomorrow cannot leak.
    host = parts.host or _first(settings.get("host")) or "localhost"
    port = parts.port or _first(settings.get("port")) or 5432
    user = parts.username or _first(settings.get("user"))
    return f"{user + '@' if user else ''}{host}:{port}/{parts.database or _first(settings.get('dbname')) or ''}"


@contextmanager
def raw_connection(engine: sa.Engine) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """The driver's connection, for COPY: one transaction, committed at the end, rolled back on any error."""
    lent = engine.raw_connection()
    try:
        connection = lent.driver_connection
        if not isinstance(connection, psycopg.Connection):
            raise TypeError("the engine was not opened by open_engine")
        yield connection
        connection.commit()
    finally:
        lent.close()  # gives it back to the pool, which rolls back what was not committed


def _set_session(connection: psycopg.Connection[tuple[Any, ...]], _record: object) -> None:
    # By statement, not by the start-up setting `options`: poolers refuse that one.
    connection.autocommit = True
    # What a page asks is answered in some ten milliseconds; where the server has a compiler, compiling the query takes hundreds.
    connection.execute("SET TIME ZONE 'UTC'; SET jit = off")
    connection.autocommit = False


def _explain(url: sa.URL, error: DBAPIError) -> str:
    said = " ".join(str(error.orig).split())
    if url.password:
        said = said.replace(str(url.password), "***")
    return (
        f"The warehouse {describe_url(url)} does not answer: {said}. Check {VARIABLE}, that the server "
        "runs and lets this machine and user in; or unset the variable to use the embedded server."
    )


def _first(value: str | tuple[str, ...] | None) -> str | None:
    return value[0] if isinstance(value, tuple) else value
