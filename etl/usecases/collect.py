"""Collecting: what lies in the drop folder lands with its bytes and its receipt instant; then it waits in batches.

Idempotent by arrival: a file is new when its place in the channel holds other bytes than when it was last seen there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from etl.channels.folder import BadReceipts, Dropped, list_files, read_receipts
from etl.usecases.context import Context

CHANNEL = "folder"
_LOCK = 7_260_001
"""Advisory lock: one collector at a time decides what is new."""


class ReceiptsNotAllowed(ValueError):
    """Simulated receipts in a register that is not simulated: only the server's own clock decides timeliness there."""


@dataclass(frozen=True, slots=True)
class CollectSummary:
    """How many files landed as new arrivals, and how many had been seen before."""

    landed: int
    already_seen: int


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
    if paths is None:
        inbox = context.settings.home / "inbox"
        inbox.mkdir(parents=True, exist_ok=True)
        paths = [inbox]
        default = context.settings.home / "receipts.csv"
        receipts = default if receipts is None and simulated and default.is_file() else receipts
    instants = read_receipts(receipts) if receipts is not None else {}
    landed = seen = 0
    for dropped in list_files(paths):
        data = dropped.path.read_bytes()
        # The bytes are safe before the warehouse hears of them; killed in between, the next run finds them again.
        sha256 = context.landing.put(data)
        received_at = instants.get(dropped.locator) or instants.get(dropped.path.name) or context.clock()
        if _record_arrival(context, dropped, sha256, len(data), received_at):
            landed += 1
        else:
            seen += 1
        if on_progress is not None:
            on_progress(1)
    return CollectSummary(landed, seen)


def _record_arrival(context: Context, dropped: Dropped, sha256: str, size: int, received_at: object) -> bool:
    hints = {"unit": dropped.folder} if context.register.unit_versions(dropped.folder) else {}
    row = {
        "channel": CHANNEL,
        "locator": dropped.locator,
        "file_name": dropped.path.name,
        "sha256": sha256,
        "size": size,
        "received_at": received_at,
        "recorded_at": received_at if context.register.province.simulated else context.clock(),
        "hints": json.dumps(hints),
    }
    with context.engine.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        newest = connection.execute(
            sa.text(
                "SELECT sha256 FROM landing.arrival WHERE channel = :channel AND locator = :locator AND part = '' "
                "ORDER BY id DESC LIMIT 1"
            ),
            row,
        ).scalar()
        if newest == sha256:
            return False
        connection.execute(
            sa.text("INSERT INTO landing.blob VALUES (:sha256, :size, :recorded_at) ON CONFLICT DO NOTHING"), row
        )
        connection.execute(
            sa.text(
                "INSERT INTO landing.arrival (channel, locator, file_name, sha256, received_at, hints, recorded_at) "
                "VALUES (:channel, :locator, :file_name, :sha256, :received_at, :hints, :recorded_at)"
            ),
            row,
        )
        return True


def plan_batches(context: Context, max_batches: int = 8, batch_size: int = 250) -> list[list[int]]:
    """Ids of pending arrivals in order of receipt, cut into at most `max_batches` of `batch_size`; the rest waits."""
    statement = sa.text(
        "SELECT a.id FROM landing.arrival a WHERE NOT EXISTS "
        "(SELECT 1 FROM landing.outcome o WHERE o.arrival_id = a.id) "
        "ORDER BY a.received_at, a.locator, a.id LIMIT :most"
    )
    with context.engine.connect() as connection:
        ids = list(connection.execute(statement, {"most": max_batches * batch_size}).scalars())
    return [ids[start : start + batch_size] for start in range(0, len(ids), batch_size)]


__all__ = ["BadReceipts", "CollectSummary", "ReceiptsNotAllowed", "collect_arrivals", "plan_batches"]
