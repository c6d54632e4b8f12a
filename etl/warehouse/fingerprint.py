"""SHA-256 of each table over natural keys, without surrogate ids and recording times.

Two warehouses with the same fingerprint say the same, whatever was killed, repeated or restored on the way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import psycopg

_ARRIVAL = "a.channel, a.locator, a.part, a.sha256, a.received_at"
_SUBMISSION = "s.unit, s.report, s.period, s.received_at, s.sha256, a.locator"
_NUMBER = "row_number() OVER (PARTITION BY t.submission_id ORDER BY t.id)"
_OF_SUBMISSION = "JOIN core.submission s ON s.id = t.submission_id JOIN landing.arrival a ON a.id = s.arrival_id"

_SKIPPED = {"id", "arrival_id", "submission_id", "recorded_at", "retired_at"}
_SKIPPED_OF: Mapping[str, set[str]] = {
    "landing.refusal": {"version"},  # change times and inodes, as the peer has them
    "core.period_event": {"as_of"},
    "core.publication": {"as_of", "event_id"},
    "core.published_figure": {"publication_id"},
    "core.finding_reason": {"taken_from"},
}
_EXTRA: Mapping[str, tuple[str, str]] = {
    "landing.arrival": ("", ""),
    "landing.outcome": (
        f"{_ARRIVAL}, s.received_at",
        "JOIN landing.arrival a ON a.id = t.arrival_id LEFT JOIN core.submission s ON s.id = t.submission_id",
    ),
    "landing.attribution": (_ARRIVAL, "JOIN landing.arrival a ON a.id = t.arrival_id"),
    "landing.discard": (_ARRIVAL, "JOIN landing.arrival a ON a.id = t.arrival_id"),
    "core.examination": (_ARRIVAL, "JOIN landing.arrival a ON a.id = t.arrival_id"),
    "core.submission": ("a.locator", "JOIN landing.arrival a ON a.id = t.arrival_id"),
    # Which came last decides: their order is part of what is known, their numbers are not.
    "core.verdict": (f"{_SUBMISSION}, {_NUMBER}", _OF_SUBMISSION),
    "core.decision": (f"{_SUBMISSION}, {_NUMBER}", _OF_SUBMISSION),
    "core.observation": (_SUBMISSION, _OF_SUBMISSION),
    "core.publication": ("e.version", "JOIN core.period_event e ON e.id = t.event_id"),
    "core.published_figure": (
        "e.report, e.period, e.version",
        "JOIN core.publication p ON p.id = t.publication_id JOIN core.period_event e ON e.id = p.event_id",
    ),
    "core.finding": (_ARRIVAL, "JOIN landing.arrival a ON a.id = t.arrival_id"),
    "core.finding_reason": (
        f"{_ARRIVAL}, row_number() OVER (PARTITION BY t.arrival_id ORDER BY t.id), f.received_at, f.sha256",
        "JOIN landing.arrival a ON a.id = t.arrival_id LEFT JOIN core.submission f ON f.id = t.taken_from",
    ),
}
"""Table -> (natural key columns in place of its surrogate ids, the joins that give them)."""

_SCHEMAS = ("register", "landing", "core", "ops")
_WITHOUT = {
    "core.counted_now", "landing.offer", "ops.account", "ops.action", "ops.channel_note",
    "ops.fault", "ops.letter", "ops.outbox", "ops.session",
}  # fmt: skip
"""Faults of ours, what was sent when and what a channel was told are a log of what happened, not a part of what is known.
What counts now follows from the submissions and decisions."""


def compute_fingerprint(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, str]:
    """Table name -> SHA-256 (hex) of its current rows, in table order; `all` is the hash over those."""
    connection.execute("SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL TimeZone = 'UTC'; SET LOCAL extra_float_digits = 1")
    tables = connection.execute(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables "
        "WHERE table_schema = ANY(%s) AND table_type = 'BASE TABLE' ORDER BY 1",
        (list(_SCHEMAS),),
    ).fetchall()
    found: dict[str, str] = {}
    for (name,) in tables:
        if str(name) not in _WITHOUT:
            found[str(name)] = _hash_table(connection, str(name))
    total = hashlib.sha256("\n".join(f"{name} {value}" for name, value in found.items()).encode())
    return {**found, "all": total.hexdigest()}


def _hash_table(connection: psycopg.Connection[tuple[object, ...]], table: str) -> str:
    schema, _, name = table.partition(".")
    columns = [
        str(row[0])
        for row in connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
            "ORDER BY column_name",
            (schema, name),
        ).fetchall()
    ]
    skipped = _SKIPPED | _SKIPPED_OF.get(table, set())
    own = [f"t.{column}" for column in columns if column not in skipped]
    keys, joins = _EXTRA.get(table, ("", ""))
    selected = ", ".join([*own, *([keys] if keys else [])])
    current = "WHERE t.retired_at IS NULL" if "retired_at" in columns else ""
    # Names come from the catalogue of our own schemas and from constants above, never from outside.
    query = f'SELECT h FROM (SELECT md5(ROW({selected})::text) AS h FROM {table} t {joins} {current}) x ORDER BY h COLLATE "C"'  # noqa: S608
    digest = hashlib.sha256()
    with connection.cursor(name="fingerprint") as cursor:
        cursor.itersize = 20_000
        for (value,) in cursor.execute(query):
            digest.update(f"{value}\n".encode())
    return digest.hexdigest()
