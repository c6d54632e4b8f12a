"""What the warehouse remembers of channels: offers, with the arrivals and refusals that came of them.

Append only but for the instant of acknowledgement, which is written once. It must not talk to a channel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from etl.channels.protocol import Offer
from etl.register.channels import AfterReceipt, ChannelKind, ChannelLine
from etl.usecases.arrival_notices import queue_refusal_notices
from etl.usecases.collect_parts import Taken
from etl.usecases.context import Context
from etl.warehouse.connect import raw_connection

_LOCK = 7_260_001
"""Advisory lock: one collector at a time decides what is new."""

_NEWEST = (
    "SELECT DISTINCT ON (locator, part) locator, part, sha256 FROM landing.arrival "
    "WHERE channel = %s AND locator = ANY(%s) ORDER BY locator, part, id DESC"
)


_VERSIONS = """
SELECT o.locator, o.version FROM landing.offer o WHERE o.channel = %(channel)s AND o.locator = ANY(%(locators)s)
AND (NOT %(returns)s OR NOT EXISTS (SELECT 1 FROM landing.offer n WHERE n.channel = o.channel AND n.locator = o.locator
                                    AND n.recorded_at > o.recorded_at))
AND (NOT %(moves)s OR o.acknowledged_at IS NULL OR EXISTS (SELECT 1 FROM landing.refusal r WHERE r.channel = o.channel
                                                           AND r.locator = o.locator AND r.version = o.version))
"""


def find_recorded(context: Context, line: ChannelLine, offers: Sequence[Offer]) -> dict[tuple[str, str], bool]:
    """(locator, version) of those recorded -> whether their bytes are in the store, so that nothing is to be fetched.

    Of a store of files only the newest version of a place is known, and none that was moved away: what has the same size and
    time again has been put there again, perhaps with other bytes.
    In a store on another machine they are taken to be: to ask for each at every look would cost more than it is worth.
    """
    locators = [offer.locator for offer in offers]
    with raw_connection(context.engine) as connection:
        known = _find_versions(connection, line.code, line, locators)
        lost: set[str] = set()
        if known and context.landing.local:
            held = connection.execute(
                f"SELECT n.locator, n.sha256, b.size FROM ({_NEWEST}) n JOIN landing.blob b USING (sha256)",  # noqa: S608
                (line.code, [locator for locator, _ in known]),
            ).fetchall()
            lost = {locator for locator, sha256, size in held if not context.landing.holds(sha256, size)}
    return {key: key[0] not in lost for key in known}


def _find_versions(
    connection: psycopg.Connection[tuple[Any, ...]], channel: str, line: ChannelLine | None, locators: Sequence[str]
) -> set[tuple[str, str]]:
    is_store = line is not None and line.kind in (ChannelKind.SFTP, ChannelKind.S3)
    asked = {
        "channel": channel, "locators": list(locators), "returns": is_store,
        "moves": is_store and line is not None and line.after is AfterReceipt.MOVE,
    }  # fmt: skip
    return {(str(row[0]), str(row[1])) for row in connection.execute(_VERSIONS, asked).fetchall()}


def find_untold(context: Context, channel: str) -> list[Offer]:
    """Offers that were recorded and of which it is not known that the channel was told."""
    query = "SELECT locator, version FROM landing.offer WHERE channel = %s AND acknowledged_at IS NULL ORDER BY 1, 2"
    with raw_connection(context.engine) as connection:
        return [Offer(str(row[0]), str(row[1])) for row in connection.execute(query, (channel,)).fetchall()]


def find_refused(context: Context, channel: str, offers: Sequence[Offer]) -> set[tuple[str, str]]:
    """(locator, version) of those of these offers of which something was refused, and so is not with us."""
    query = "SELECT DISTINCT locator, version FROM landing.refusal WHERE channel = %s AND locator = ANY(%s)"
    with raw_connection(context.engine) as connection:
        rows = connection.execute(query, (channel, [offer.locator for offer in offers])).fetchall()
    return {(str(row[0]), str(row[1])) for row in rows}


def record_taken(
    context: Context, channel: str, taken: Sequence[Taken], line: ChannelLine | None = None
) -> tuple[int, int]:
    """Record offers with what came of them, in one transaction; how many arrivals and refusals are new.

    An arrival is recorded where its place held other bytes (or nothing) when last seen. What another collector recorded
    meanwhile is left as it is.
    """
    if not taken:
        return 0, 0
    with raw_connection(context.engine) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        locators = [one.offer.locator for one in taken]
        known = _find_versions(connection, channel, line, locators)
        new = [one for one in taken if (one.offer.locator, one.offer.version) not in known]
        newest = {(row[0], row[1]): row[2] for row in connection.execute(_NEWEST, (channel, locators)).fetchall()}
        described = [(one, _describe(context, channel, one)) for one in new]
        arrivals: list[dict[str, Any]] = []
        for one, facts in described:
            for part in one.arrivals:
                place = (one.offer.locator, part.part)
                if newest.get(place) != part.sha256:
                    newest[place] = part.sha256
                    arrivals.append(facts | _columns(part))
        refusals = [facts | _columns(part) for one, facts in described for part in one.refusals]
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO landing.offer (channel, locator, version, recorded_at) "
                "VALUES (%(channel)s, %(locator)s, %(version)s, %(recorded_at)s) ON CONFLICT DO NOTHING",
                [facts for _, facts in described],
            )
            cursor.executemany(
                "INSERT INTO landing.blob VALUES (%(sha256)s, %(size)s, %(recorded_at)s) ON CONFLICT DO NOTHING",
                arrivals,
            )
            cursor.executemany(
                "INSERT INTO landing.arrival (channel, locator, part, file_name, sha256, received_at, hints, recorded_at) "
                "VALUES (%(channel)s, %(locator)s, %(part)s, %(file_name)s, %(sha256)s, %(received_at)s, %(hints)s, "
                "%(recorded_at)s)",
                arrivals,
            )
            cursor.executemany(
                "INSERT INTO landing.refusal (channel, locator, version, part, file_name, code, detail, hints, received_at, "
                "recorded_at) VALUES (%(channel)s, %(locator)s, %(version)s, %(part)s, %(file_name)s, %(code)s, %(detail)s, "
                "%(hints)s, %(received_at)s, %(recorded_at)s) ON CONFLICT DO NOTHING",
                refusals,
            )
        # In this transaction: who sent what was refused is told of it, once.
        refused = {(channel, one.offer.locator, one.offer.version) for one in new if one.refusals}
        queue_refusal_notices(context, connection, refused)
    return len(arrivals), len(refusals)


def _describe(context: Context, channel: str, one: Taken) -> dict[str, Any]:
    received_at = one.received_at or context.clock()
    return {
        "channel": channel,
        "locator": one.offer.locator,
        "version": one.offer.version,
        "received_at": received_at,
        "recorded_at": context.recorded_at(received_at),
    }


def _columns(part: Any) -> dict[str, Any]:
    return {name: getattr(part, name) for name in part.__slots__}


def note_acknowledged(context: Context, channel: str, offers: Sequence[Offer]) -> None:
    """The channel was told of these; the first time counts."""
    if not offers:
        return
    with raw_connection(context.engine) as connection:
        connection.execute(
            "UPDATE landing.offer o SET acknowledged_at = %s FROM unnest(%s::text[], %s::text[]) AS n (locator, version) "
            "WHERE o.channel = %s AND o.locator = n.locator AND o.version = n.version AND o.acknowledged_at IS NULL",
            (context.clock(), [offer.locator for offer in offers], [offer.version for offer in offers], channel),
        )


def read_notes(context: Context, channel: str) -> dict[str, str]:
    """What the channel remembers from its last look."""
    with raw_connection(context.engine) as connection:
        query = "SELECT name, value FROM ops.channel_note WHERE channel = %s"
        return {str(row[0]): str(row[1]) for row in connection.execute(query, (channel,)).fetchall()}


def write_notes(context: Context, channel: str, notes: Mapping[str, str]) -> None:
    """These and no others."""
    with raw_connection(context.engine) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        cursor.execute("DELETE FROM ops.channel_note WHERE channel = %s", (channel,))
        cursor.executemany(
            "INSERT INTO ops.channel_note VALUES (%s, %s, %s)",
            [(channel, name, value) for name, value in notes.items()],
        )
