"""Brings a warehouse up to date: tables by Alembic, views from `sql/views/`, roles and their rights.

Everything here can be killed and run again. It must not load data, and it never fails because it may not
create roles: it returns the SQL that an administrator has to run.
"""

from __future__ import annotations

import hashlib
import io
import logging
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from psycopg import sql
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy.exc import DBAPIError

from etl.settings import PROJECT_ROOT
from etl.warehouse.grants import apply_grants, create_roles

MIGRATIONS = PROJECT_ROOT / "sql" / "migrations"
VIEWS = PROJECT_ROOT / "sql" / "views"
OLDEST_SERVER = 150000
LOCK_KEY = 0x6D72_6D69_6772  # "mrmigr": one migration at a time in this database
LOCK_TIMEOUT = "5min"
VIEW_LOCK_TIMEOUT = "200ms"  # under the server's deadlock_timeout of 1 s: we step back, never a reader
VIEW_SECONDS = 60.0


class MigrationError(RuntimeError):
    """The warehouse could not be brought up to date; what had been committed before stays."""


def migrate(engine: sa.Engine, versions: Path | None = None) -> list[str]:
    """Run every migration that is missing, each in its own transaction; the revisions applied, in order.

    `versions` is the folder of revisions (default: `sql/migrations/versions`). Runs started at the same time
    wait for each other. Raises MigrationError, also for a warehouse that another text of a revision has made.
    """
    applied: list[str] = []
    scripts = _digest_scripts(versions or MIGRATIONS / "versions")
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", _escape(MIGRATIONS))
    config.set_main_option("path_separator", "newline")  # the default would cut a path at a colon or a blank
    config.set_main_option("version_locations", _escape(versions or MIGRATIONS / "versions"))
    config.attributes["applied"] = applied
    config.attributes["scripts"] = scripts
    with engine.connect() as connection, _alone(connection), _quiet_alembic():
        refuse_unfit_server(connection)
        _refuse_other_scripts(connection, scripts)
        connection.commit()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except (DBAPIError, psycopg.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise MigrationError(
                f"The revision after {applied[-1] if applied else 'those applied before'} failed and was rolled back: "
                f"{_first_line(cause)}."
            ) from error
    return applied


def _digest_scripts(folder: Path) -> dict[str, str]:
    """Revision → digest of its SQL."""
    return {
        file.stem.partition("_")[0]: hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        for file in sorted(folder.glob("*.sql"))
    }


def _refuse_other_scripts(connection: sa.Connection, scripts: Mapping[str, str]) -> None:
    """Until the first release a revision is changed in place: a warehouse made before that lacks what the code asks for, and
    would fail somewhere in the middle of a load."""
    if connection.execute(sa.text("SELECT to_regclass('public.alembic_version')")).scalar_one() is None:
        return
    made = _read_scripts(connection)
    heads = connection.execute(sa.text("SELECT version_num FROM public.alembic_version")).scalars().all()
    done = {revision for revision in scripts for head in heads if revision <= head}
    others = sorted(revision for revision in {*made, *done} if made.get(revision) != scripts.get(revision))
    if others:
        raise MigrationError(
            f"This warehouse was made by another text of revision {', '.join(others)}, which is changed in place until the first "
            "release. Make it anew: `movement-reports server stop`, move the folder `postgres` of the home away, then `init` and "
            "`ingest`. The bytes that arrived stay in the landing store."
        )


def remember_script(connection: sa.Connection, revision: str, scripts: Mapping[str, str]) -> None:
    """Note with which text a revision was applied; inside its own transaction, or a kill in between would leave a warehouse
    that is refused for ever."""
    made = _read_scripts(connection)
    if revision in scripts:  # else it is written in Python alone
        made[revision] = scripts[revision]
    text = " ".join(f"{key}={digest}" for key, digest in sorted(made.items()))
    statement = sql.SQL("COMMENT ON TABLE public.alembic_version IS {}").format(sql.Literal(text))
    run_script(connection, statement.as_string())


def _read_scripts(connection: sa.Connection) -> dict[str, str]:
    """Revision → digest, as remembered in the comment of Alembic's table."""
    query = "SELECT coalesce(obj_description('public.alembic_version'::regclass, 'pg_class'), '')"
    text = str(connection.execute(sa.text(query)).scalar_one())
    return {key: digest for key, found, digest in (part.partition("=") for part in text.split()) if found}


def install_views(
    engine: sa.Engine, folder: Path | None = None, generated: Mapping[str, str] | None = None
) -> list[str]:
    """Make the views of schema `mart` anew and grant their use again: `*.sql` in order of file name, then `generated`.

    `generated` maps a name for messages to SQL text. One transaction: a reader sees the old views or the new ones,
    and when a reader is in the way we start over. Returns the names of the views. Raises MigrationError naming the
    file, or the objects of others that were built on our views.
    """
    files = sorted((folder or VIEWS).glob("*.sql"), key=lambda file: file.name)
    scripts = [(file.name, file.read_text(encoding="utf-8")) for file in files]
    scripts += (generated or {}).items()
    deadline = time.monotonic() + VIEW_SECONDS
    while True:
        try:
            with engine.begin() as connection:
                return _replace_views(connection, scripts)
        except (LockNotAvailable, DeadlockDetected) as error:
            if time.monotonic() > deadline:
                raise MigrationError(
                    f"The views of schema mart have been in use for {VIEW_SECONDS:.0f} s ({_first_line(error)}). "
                    "They are as they were. End the long query, then try again."
                ) from error
            time.sleep(random.uniform(0.05, 0.3))  # noqa: S311 - lets the readers finish


def _replace_views(connection: sa.Connection, scripts: list[tuple[str, str]]) -> list[str]:
    run_script(connection, f"SET LOCAL lock_timeout = '{VIEW_LOCK_TIMEOUT}'; SELECT pg_advisory_xact_lock({LOCK_KEY})")
    _drop_views(connection)
    for name, script in scripts:
        try:
            run_script(connection, script)
        except (LockNotAvailable, DeadlockDetected):
            raise
        except psycopg.Error as error:
            raise MigrationError(f"{name}: {_first_line(error)}. The views are as they were.") from error
    apply_grants(connection)
    return [name for name, _ in _list_views(connection)]


def ensure_roles(engine: sa.Engine) -> list[str]:
    """Create the group roles that are missing; the SQL an administrator must run, empty when all is done."""
    with engine.begin() as connection:
        return create_roles(connection)


def grant_roles(engine: sa.Engine) -> list[str]:
    """Set the rights of the group roles to what `grants.py` says, in one transaction.

    Schemas, tables and roles that do not exist are skipped. Returns the SQL that was not permitted.
    """
    with engine.begin() as connection:
        return apply_grants(connection)


def refuse_unfit_server(connection: sa.Connection) -> None:
    """Raises MigrationError when the server is too old or the database cannot hold every letter."""
    refuse_old_server(int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()))
    encoding = str(connection.exec_driver_sql("SHOW server_encoding").scalar_one())
    if encoding != "UTF8":
        raise MigrationError(
            f"The warehouse's database has encoding {encoding}, which loses Vietnamese letters. Create it with UTF8."
        )


def refuse_old_server(version: int) -> None:
    """`version` as in server_version_num: 150004 is 15.4."""
    if version < OLDEST_SERVER:
        raise MigrationError(
            f"The warehouse's server is PostgreSQL {version // 10000}; 15 or newer is needed. "
            "Upgrade it, or unset MOVEMENT_REPORTS_WAREHOUSE_URL to use the embedded server."
        )


def run_script(connection: sa.Connection, script: str) -> None:
    """Run SQL text of any number of statements in the connection's transaction; `%` and `:` mean themselves."""
    if not connection.in_transaction():
        connection.begin()
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("the engine was not opened by open_engine")
    # Bytes and no parameters: the driver sends them as they are.
    driver.execute(script.encode())


@contextmanager
def _alone(connection: sa.Connection) -> Iterator[None]:
    """Hold the advisory lock over several transactions; it falls with the connection if we are killed."""
    try:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
    except DBAPIError as error:
        raise MigrationError(
            f"Another run has been migrating this warehouse for {LOCK_TIMEOUT}: {_first_line(error.orig)}. Try again."
        ) from error
    connection.commit()
    try:
        yield
    finally:
        if not connection.invalidated:  # a lost connection has lost its lock too
            connection.rollback()
            connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK_KEY})
            connection.commit()


@contextmanager
def _quiet_alembic() -> Iterator[None]:
    """Alembic tells every step at INFO; only its warnings are of use unless someone set its level."""
    logger = logging.getLogger("alembic")
    before = logger.level
    if before == logging.NOTSET:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def _drop_views(connection: sa.Connection) -> None:
    run_script(connection, "CREATE SCHEMA IF NOT EXISTS mart")
    foreign = list(
        connection.execute(
            sa.text(
                """
                SELECT DISTINCT format('%s.%s', other_schema.nspname, other.relname)
                FROM pg_depend d
                JOIN pg_class ours ON d.refclassid = 'pg_class'::regclass AND d.refobjid = ours.oid
                JOIN pg_namespace our_schema ON our_schema.oid = ours.relnamespace AND our_schema.nspname = 'mart'
                JOIN pg_rewrite rule ON d.classid = 'pg_rewrite'::regclass AND d.objid = rule.oid
                JOIN pg_class other ON other.oid = rule.ev_class
                JOIN pg_namespace other_schema ON other_schema.oid = other.relnamespace
                WHERE other_schema.nspname <> 'mart'
                ORDER BY 1
                """
            )
        ).scalars()
    )
    if foreign:
        # CASCADE would delete them without a word, and they are not ours.
        raise MigrationError(
            f"These views are built on ours in schema mart: {', '.join(foreign)}. Drop them, then try again, and make "
            "them anew afterwards."
        )
    for name, kind in _list_views(connection):
        form = (
            "DROP MATERIALIZED VIEW IF EXISTS mart.{} CASCADE" if kind == "m" else "DROP VIEW IF EXISTS mart.{} CASCADE"
        )
        run_script(connection, sql.SQL(form).format(sql.Identifier(name)).as_string())


def _list_views(connection: sa.Connection) -> list[tuple[str, str]]:
    rows = connection.exec_driver_sql(
        "SELECT relname, relkind::text FROM pg_class "
        "WHERE relnamespace = to_regnamespace('mart') AND relkind IN ('v', 'm') ORDER BY relname"
    )
    return [(str(name), str(kind)) for name, kind in rows]


def _escape(path: Path) -> str:
    return str(path).replace("%", "%%")  # the configuration reader has its own meaning for it


def _first_line(error: BaseException | None) -> str:
    # The first line only: the lines after it may quote the row that was refused.
    return str(error).partition("\n")[0].rstrip(".")
