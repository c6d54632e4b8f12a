"""Airflow connections of channels (types sftp, aws, imap, http) as the URLs that `etl.channels.connection` reads.

A connection says who a peer is and how it is let in. Whether certificates and host keys are verified is not asked of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

PREFIX: Final = "movement_reports_"
_OFF = ("false", "0", "no")


def read_peer_urls(names: Iterable[str]) -> dict[str, str]:
    """Environment variable of the contract -> URL, for each named connection that Airflow has."""
    from etl.settings import CONNECTION_PREFIX

    found: dict[str, str] = {}
    for name in names:
        try:
            connection = Connection.get(f"{PREFIX}{name}")
        except AirflowNotFoundException:
            continue
        make = _MAKERS.get(connection.conn_type)
        if make is None:
            logging.getLogger("movement_reports").warning(
                "connection %s%s is of a type that no channel has: take one of %s", PREFIX, name, ", ".join(_MAKERS)
            )
            continue
        found[f"{CONNECTION_PREFIX}{name.upper()}"] = make(connection, connection.extra_dejson)
    return found


def _make_sftp(connection: Connection, extra: Mapping[str, Any]) -> str:
    options = {name: extra.get(name) for name in ("host_key", "known_hosts", "key_file", "private_key")}
    options["passphrase"] = extra.get("private_key_passphrase")
    return _write_url("sftp", connection, options)


def _make_s3(connection: Connection, extra: Mapping[str, Any]) -> str:
    region = str(extra.get("region_name") or "")
    endpoint = urlsplit(str(extra.get("endpoint_url") or f"https://s3.{region or 'us-east-1'}.amazonaws.com"))
    bucket = connection.schema or (extra.get("service_config") or {}).get("s3", {}).get("bucket_name") or ""
    options = {"region": region, "tls": "false" if endpoint.scheme == "http" else ""}
    if isinstance(verify := extra.get("verify"), str) and verify.lower() not in (*_OFF, "true", "1", "yes"):
        options["ca"] = verify  # a file; where it says not to verify, that is not done
    return _write_url("s3", connection, options, where=endpoint.netloc.rpartition("@")[2], path=bucket)


def _make_imap(connection: Connection, extra: Mapping[str, Any]) -> str:
    clear = str(extra.get("use_ssl", True)).lower() in _OFF
    options = {name: extra.get(name) for name in ("ca", "tls")}
    return _write_url("imap" if clear else "imaps", connection, options)


def _make_http(connection: Connection, extra: Mapping[str, Any]) -> str:
    host = urlsplit(connection.host or "")
    scheme = (host.scheme if host.netloc else connection.schema) or "https"
    where = host.netloc.rpartition("@")[2] if host.netloc else None
    path = host.path if host.netloc else ""
    return _write_url(scheme, connection, {name: extra.get(name) for name in ("ca", "local", "delete")}, where, path)


def _write_url(
    scheme: str, connection: Connection, options: Mapping[str, Any], where: str | None = None, path: str = ""
) -> str:
    user, password = (quote(part or "", safe="") for part in (connection.login, connection.password))
    login = f"{user}:{password}@" if user or password else ""
    host = connection.host or "" if where is None else where
    if connection.port and ":" not in host.rpartition("]")[2]:
        host += f":{connection.port}"
    query = "&".join(f"{name}={quote(_as_text(value), safe='')}" for name, value in options.items() if _as_text(value))
    return f"{scheme}://{login}{host}/{quote(path.lstrip('/'))}" + (f"?{query}" if query else "")


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


_MAKERS: Final[Mapping[str, Callable[[Connection, Mapping[str, Any]], str]]] = {
    "sftp": _make_sftp,
    "ssh": _make_sftp,
    "aws": _make_s3,
    "imap": _make_imap,
    "http": _make_http,
}
