"""Collecting: what lies in the drop folder lands with its bytes and its receipt instant; then it waits in batches.

Idempotent by arrival: a file is new when its place in the channel holds other bytes than when it was last seen there.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from etl.channels.folder import Dropped, list_files, open_file, read_receipts
from etl.examination import BATCH_SIZE
from etl.landing.store import UnreadableSource
from etl.register.model import Register
from etl.text import show_name
from etl.usecases.context import Context
from etl.warehouse.connect import raw_connection

log = logging.getLogger(__name__)

CHANNEL = "folder"
GROUP = 50
"""Files recorded in one transaction; what is lost to a kill is only their recording, never their bytes."""

WRITERS = 8

_LOCK = 7_260_001
"""Advisory lock: one collector at a time decides what is new."""


class ReceiptsNotAllowed(ValueError):
    """Simulated receipts in a register that is not simulated: only the server's own clock decides timeliness there."""


@dataclass(frozen=True, slots=True)
class CollectSummary:
    """How many files landed as new arrivals, and how many had been seen before.

    `unreadable`: links, pipes, files or folders without permission, files gone before they were read. Each is named in
    the log and looked at again next time; nothing of it has landed.
    """

    landed: int
    already_seen: int
    unreadable: int = 0


def collect_arrivals(
    context: Context,
    paths: Sequence[Path] | None = None,
    receipts: Path | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> CollectSummary:
    """Land every new file of the paths (default: `<home>/inbox`, with `<home>/receipts.csv` when simulated).

    Raises ReceiptsNotAllowed, BadReceipts, FileNotFoundError for a path that is not there.
    """
    simulated = context.register.province.simulated
    if receipts is not None and not simulated:
        raise ReceiptsNotAllowed(
            "--receipts is allowed only where register.yaml says `simulated: true`; leave it out, the clock decides"
        )
    inbox = context.settings.home / "inbox"
    if paths is None:
        inbox.mkdir(parents=True, exist_ok=True)
        paths = [inbox]
        default = context.settings.home / "receipts.csv"
        receipts = default if receipts is None and simulated and default.is_file() else receipts
    instants = read_receipts(receipts) if receipts is not None else {}
    listing = list_files(paths, inbox)
    landed = seen = 0
    unreadable = len(listing.unreadable)
    waiting = iter(listing.files)
    land = partial(_land_file, context, context.register, instants=instants)
    # Several at a time: each waits for the disk to say that the bytes will survive a power cut.
    with ThreadPoolExecutor(max_workers=WRITERS, thread_name_prefix="landing") as writers:
        while group := list(islice(waiting, GROUP)):
            # The bytes are safe before the warehouse hears of them; killed in between, the next run finds them again.
            arrivals = [row for row in writers.map(land, group) if row is not None]
            new = _record_arrivals(context, arrivals)
            landed += new
            seen += len(arrivals) - new
            unreadable += len(group) - len(arrivals)
            if on_progress is not None:
                on_progress(len(group))
    return CollectSummary(landed, seen, unreadable)


def _land_file(
    context: Context, register: Register, dropped: Dropped, *, instants: Mapping[str, datetime]
) -> dict[str, Any] | None:
    """The arrival of a file whose bytes are in the store now; None when it could not be read."""
    try:
        stream = open_file(dropped.path)
    except OSError as error:
        _pass_over(dropped, error)
        return None
    with stream:
        try:
            stored = context.landing.put_stream(stream)
        except UnreadableSource as error:
            _pass_over(dropped, error)
            return None
        # Asked after the bytes were read: what was written while we read was not received before it was written.
        changed_at = datetime.fromtimestamp(os.fstat(stream.fileno()).st_ctime, UTC)
    given = next((instants[name] for name in dropped.names if name in instants), None)
    received_at = given or find_receipt(context.clock(), changed_at, simulated=register.province.simulated)
    hints = {"unit": dropped.folder} if register.unit_versions(dropped.folder) else {}
    return {
        "channel": CHANNEL,
        "locator": dropped.locator,
        "file_name": dropped.file_name,
        "sha256": stored.sha256,
        "size": stored.size,
        "received_at": received_at,
        "recorded_at": context.recorded_at(received_at),
        "hints": json.dumps(hints),
    }


def find_receipt(now: datetime, changed_at: datetime, *, simulated: bool) -> datetime:
    """When a dropped file was received: `changed_at` or now, whichever is earlier; now in a simulated province.

    `changed_at` is the kernel's change time (st_ctime): this server's own clock at the last write, rename or change of
    permissions, which nobody who drops a file can set. Without it a file dropped at 23:52 and looked at after midnight
    would be late by our timetable. The modification time (st_mtime) is the sender's word and is never looked at.
    Aware instants. See docs/adr/0007.
    """
    return now if simulated else min(now, changed_at)


def _pass_over(dropped: Dropped, error: OSError) -> None:
    log.warning("not collected: %s (%s)", show_name(str(dropped.path)), error.strerror or error)


def _record_arrivals(context: Context, arrivals: Sequence[Mapping[str, Any]]) -> int:
    """Record those whose place held other bytes (or nothing) when last seen; how many."""
    with raw_connection(context.engine) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        newest = dict(
            connection.execute(
                "SELECT DISTINCT ON (locator) locator, sha256 FROM landing.arrival "
                "WHERE channel = %s AND part = '' AND locator = ANY(%s) ORDER BY locator, id DESC",
                (CHANNEL, [row["locator"] for row in arrivals]),
            ).fetchall()
        )
        new = [row for row in arrivals if newest.get(row["locator"]) != row["sha256"]]
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO landing.blob VALUES (%(sha256)s, %(size)s, %(recorded_at)s) ON CONFLICT DO NOTHING", new
            )
            cursor.executemany(
                "INSERT INTO landing.arrival (channel, locator, file_name, sha256, received_at, hints, recorded_at) VALUES "
                "(%(channel)s, %(locator)s, %(file_name)s, %(sha256)s, %(received_at)s, %(hints)s, %(recorded_at)s)",
                new,
            )
    return len(new)


def plan_batches(context: Context, max_batches: int = 8, batch_size: int = BATCH_SIZE) -> list[list[int]]:
    """Ids of pending arrivals in order of receipt, cut into at most `max_batches` of `batch_size`; the rest waits.

    Arrivals that failed through a fault of ours come after the others, or enough of them would starve the rest.
    """
    statement = sa.text(
        "SELECT a.id FROM landing.arrival a WHERE NOT EXISTS "
        "(SELECT 1 FROM landing.outcome o WHERE o.arrival_id = a.id) "
        "ORDER BY (SELECT count(*) FROM ops.fault f WHERE f.arrival_id = a.id), a.received_at, a.locator, a.id LIMIT :most"
    )
    with context.engine.connect() as connection:
        ids = list(connection.execute(statement, {"most": max_batches * batch_size}).scalars())
    return [ids[start : start + batch_size] for start in range(0, len(ids), batch_size)]
