"""Roles, databases and log-ins of the embedded server. For `server.py` only; it must not start anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

HOST = "127.0.0.1"


def make_url(port: int, role: str, password: str, database: str, *, driver: str = "psycopg") -> str:
    url = sa.URL.create(f"postgresql+{driver}", role, password, HOST, port, database)
    return url.render_as_string(hide_password=False)


def connect(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    parts = sa.make_url(url)
    return psycopg.connect(
        host=parts.host,
        port=parts.port,
        user=parts.username,
        password=parts.password,
        dbname=parts.database,
        connect_timeout=5,
        # Said outright, because libpq would fill them in from the caller's PG* variables.
        hostaddr=HOST,
        options="",
        sslmode="disable",
        gssencmode="disable",
        channel_binding="prefer",
        require_auth="scram-sha-256",
        application_name="movement-reports",
        autocommit=True,
    )


def answers(url: str) -> bool:
    try:
        connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def make_databases(superuser_url: str, passwords: Mapping[str, str]) -> None:
    """Make what is missing of the roles and databases; that mr_owner may log in is the sign that all is there."""
    with connect(superuser_url) as connection:
        roles = dict(connection.execute("select rolname, rolcanlogin from pg_roles").fetchall())
        databases = {name for (name,) in connection.execute("select datname from pg_database")}
        if roles.get("mr_owner") and roles.get("airflow") and {"warehouse", "airflow"} <= databases:
            return
        for role, options in (("mr_owner", "CREATEROLE"), ("airflow", "NOCREATEROLE")):
            if role not in roles:
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN {}").format(sql.Identifier(role), sql.SQL(options)))
        for database, owner in (("airflow", "airflow"), ("warehouse", "mr_owner")):
            name = sql.Identifier(database)
            if database not in databases:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(owner)))
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
        for role in ("airflow", "mr_owner"):
            # Hashed on this side: the password itself never reaches the server or its log.
            secret = connection.pgconn.encrypt_password(passwords[role].encode(), role.encode(), b"scram-sha-256")
            statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
            connection.execute(statement.format(sql.Identifier(role), sql.Literal(secret.decode())))
