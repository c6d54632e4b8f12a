"""The group roles of the warehouse and what each may do. For `migrate.py`; it must not touch any other role.

| role | may |
|---|---|
| mr_loader | read all; add rows to landing and core; add and retire rows of register; write ops; no DDL |
| mr_reader | read the views of mart, nothing else |
| mr_reviewer | what mr_reader may, read core, and add decisions, events of periods and publications |

What arrived and what was decided is append-only for every one of them. The one exception in core: the findings on a period,
which a later consolidation retires.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

import psycopg
import sqlalchemy as sa
from psycopg import sql
from psycopg.errors import DuplicateObject, InsufficientPrivilege, UniqueViolation

ROLES = ("mr_loader", "mr_reader", "mr_reviewer")
SCHEMAS = ("register", "landing", "core", "ops", "mart")
DECISIONS = ("core", "decision")
_APPEND: LiteralString = "SELECT, INSERT"
_TABLES: dict[tuple[str, str], LiteralString] = {
    # A row of the register is never deleted: it is retired, and a new one recorded.
    ("mr_loader", "register"): "SELECT, INSERT, UPDATE",
    # Append-only, new tables too: with a loader's password nobody can rewrite what a unit sent or what was decided.
    ("mr_loader", "landing"): _APPEND,
    ("mr_loader", "core"): _APPEND,
    ("mr_loader", "ops"): "SELECT, INSERT, UPDATE, DELETE",
    ("mr_loader", "mart"): "SELECT",
    ("mr_reader", "mart"): "SELECT",
    ("mr_reviewer", "mart"): "SELECT",
    ("mr_reviewer", "core"): "SELECT",
}

_SINGLE_TABLES: dict[tuple[str, str, str], LiteralString] = {
    ("mr_loader", "core", "period_finding"): "UPDATE",
    ("mr_loader", "landing", "offer"): "UPDATE (acknowledged_at)",
    ("mr_reviewer", *DECISIONS): "INSERT",
    ("mr_reviewer", "core", "period_event"): "INSERT",
    ("mr_reviewer", "core", "publication"): "INSERT",
    ("mr_reviewer", "core", "published_figure"): "INSERT",
}
"""What a role may do to one table beside what it may do to all of the schema."""


def create_roles(connection: sa.Connection) -> list[str]:
    """Create the missing group roles; the statements that were not permitted."""
    present = _list_roles(connection)
    refused: list[str] = []
    for role in ROLES:
        if role in present:
            continue
        statement = sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role))
        try:
            refused += _attempt(connection, statement)
        except (DuplicateObject, UniqueViolation):
            continue  # another run was a moment faster
    return refused


def apply_grants(connection: sa.Connection) -> list[str]:
    """Take all rights from our roles and give those of the table above, in the caller's transaction.

    Taken first, because a table that moved or a right that we no longer give would otherwise stay open.
    """
    roles = [role for role in ROLES if role in _list_roles(connection)]
    schemas = set(connection.exec_driver_sql("SELECT nspname FROM pg_namespace").scalars())
    refused: list[str] = []
    for role in roles:
        for statement in _write_statements(connection, role, [schema for schema in SCHEMAS if schema in schemas]):
            refused += _attempt(connection, statement)
    return refused


def _write_statements(connection: sa.Connection, role: str, schemas: list[str]) -> Iterator[sql.Composed]:
    to = sql.Identifier(role)
    database = sql.Identifier(str(connection.exec_driver_sql("SELECT current_database()").scalar_one()))
    # A loader stages rows in temporary tables.
    rights = sql.SQL("CONNECT, TEMPORARY" if role == "mr_loader" else "CONNECT")
    yield sql.SQL("GRANT {} ON DATABASE {} TO {}").format(rights, database, to)
    for schema in schemas:
        name = sql.Identifier(schema)
        yield sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}").format(name, to)
        yield sql.SQL("REVOKE ALL ON ALL SEQUENCES IN SCHEMA {} FROM {}").format(name, to)
        yield sql.SQL("REVOKE ALL ON SCHEMA {} FROM {}").format(name, to)
        tables = _TABLES.get((role, schema))
        if tables is None:
            continue
        yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(name, to)
        yield sql.SQL("GRANT {} ON ALL TABLES IN SCHEMA {} TO {}").format(sql.SQL(tables), name, to)
        if "INSERT" in tables:
            yield sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {} TO {}").format(name, to)
    for (holder, schema, table), right in _SINGLE_TABLES.items():
        if holder == role and _table_exists(connection, schema, table):
            yield sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(right), sql.Identifier(schema, table), to)
            for sequence in _list_sequences(connection, schema, table) if right == "INSERT" else []:
                yield sql.SQL("GRANT USAGE ON SEQUENCE {} TO {}").format(sql.Identifier(*sequence), to)


def _attempt(connection: sa.Connection, statement: sql.Composed) -> list[str]:
    """Run it behind a savepoint; the statement when it was not permitted, nothing when it was done."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("the engine was not opened by open_engine")
    try:
        with driver.transaction():
            driver.execute(statement)
    except InsufficientPrivilege:
        return [statement.as_string(driver) + ";"]
    return []


def _list_roles(connection: sa.Connection) -> set[str]:
    return set(connection.exec_driver_sql("SELECT rolname::text FROM pg_roles").scalars())


def _table_exists(connection: sa.Connection, schema: str, table: str) -> bool:
    return bool(
        connection.execute(
            sa.text("SELECT to_regclass(format('%I.%I', cast(:schema AS text), cast(:table AS text))) IS NOT NULL"),
            {"schema": schema, "table": table},
        ).scalar_one()
    )


def _list_sequences(connection: sa.Connection, schema: str, table: str) -> list[tuple[str, str]]:
    rows = connection.execute(
        sa.text(
            """
            SELECT n.nspname, s.relname FROM pg_class s
            JOIN pg_namespace n ON n.oid = s.relnamespace
            JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
            WHERE s.relkind = 'S'
              AND d.refobjid = to_regclass(format('%I.%I', cast(:schema AS text), cast(:table AS text)))
            """
        ),
        {"schema": schema, "table": table},
    )
    return [(str(owner), str(name)) for owner, name in rows]
