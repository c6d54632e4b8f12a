"""Collecting: what lies in the channels lands with its bytes and its receipt instant; then it waits in batches.

For each channel: what it offers and is not recorded is fetched, its bytes are stored, then arrivals, refusals and the offer are
recorded in one transaction, and only then the channel is told. Killed anywhere and run again, each thing is recorded once.
Idempotent by arrival: a file is new when its place in the channel holds other bytes than when it was last seen there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path

import sqlalchemy as sa

from etl.channels.declared import Surroundings, open_channel
from etl.channels.drop import FolderChannel
from etl.channels.folder import read_receipts
from etl.channels.protocol import Channel, ChannelUnavailable, Offer
from etl.examination import BATCH_SIZE
from etl.register.channels import DROP_FOLDER, AfterReceipt, ChannelKind, ChannelLine, ServerClock
from etl.usecases.collect_parts import Taken, find_receipt, take_offer
from etl.usecases.context import Context
from etl.usecases.offers import (
    find_recorded,
    find_refused,
    find_untold,
    note_acknowledged,
    read_notes,
    record_taken,
    write_notes,
)

__all__ = [
    "CHANNEL",
    "GROUP",
    "ChannelFault",
    "CollectSummary",
    "ReceiptsNotAllowed",
    "UnknownChannel",
    "collect_arrivals",
    "find_receipt",
    "plan_batches",
    "select_channels",
]

CHANNEL = DROP_FOLDER
GROUP = 50
"""Offers recorded in one transaction; what is lost to a kill is only their recording, never their bytes."""
_MOST_DEAF = 3
"""Groups of which the channel could not be told something; then the rest is told at the next look."""


class ReceiptsNotAllowed(ValueError):
    """Simulated receipts in a register that is not simulated: only the server's own clock decides timeliness there."""


class UnknownChannel(LookupError):
    """The register declares no such channel."""


@dataclass(frozen=True, slots=True)
class ChannelFault:
    """A channel that could not be collected (wholly), and what to do. No secret, no people's data."""

    channel: str
    what: str


@dataclass(frozen=True, slots=True)
class CollectSummary:
    """How many files landed as new arrivals, and how many had been seen before.

    `unreadable`: links, pipes, files or folders without permission, files gone before they were read or changing while they
    were. Each is named in the log and looked at again next time; nothing of it has landed. `refused`: parts recorded in
    landing.refusal. `unavailable`: channels that are down; all of the others was collected.
    """

    landed: int
    already_seen: int
    unreadable: int = 0
    refused: int = 0
    unavailable: tuple[ChannelFault, ...] = ()

    def __add__(self, other: CollectSummary) -> CollectSummary:
        return CollectSummary(
            self.landed + other.landed,
            self.already_seen + other.already_seen,
            self.unreadable + other.unreadable,
            self.refused + other.refused,
            self.unavailable + other.unavailable,
        )


def collect_arrivals(
    context: Context,
    paths: Sequence[Path] | None = None,
    receipts: Path | None = None,
    on_progress: Callable[[int], None] | None = None,
    *,
    channels: Collection[str] | None = None,
) -> CollectSummary:
    """Land everything new of the register's channels (of those named in `channels` only), or of the paths given.

    `receipts` (default: `<home>/receipts.csv` of a simulated province) are the receipt instants of dropped files.
    Raises ReceiptsNotAllowed, BadReceipts, UnknownChannel, FileNotFoundError for a path that is not there.
    """
    simulated = context.register.province.simulated
    if receipts is not None and not simulated:
        raise ReceiptsNotAllowed(
            "--receipts is allowed only where register.yaml says `simulated: true`; leave it out, the clock decides"
        )
    if paths is None and receipts is None and simulated:
        default = context.settings.home / "receipts.csv"
        receipts = default if default.is_file() else None
    instants = read_receipts(receipts) if receipts is not None else {}
    if paths is not None:
        return _collect_paths(context, paths, instants, on_progress)
    total = CollectSummary(0, 0)
    for line in select_channels(context, channels):
        total += _collect_channel(context, line, _open_declared(context, line, instants), on_progress)
    return total


@contextmanager
def _open_declared(context: Context, line: ChannelLine, instants: Mapping[str, datetime]) -> Iterator[Channel]:
    """A channel of the register with what it remembers, which is kept also when it fails on the way."""
    notes = read_notes(context, line.code)
    known = dict(notes)
    around = replace(describe_surroundings(context, instants), notes=notes)
    try:
        with open_channel(fit_clock(line, simulated=context.register.province.simulated), around) as channel:
            yield channel
    finally:
        if notes != known:
            write_notes(context, line.code, notes)


def select_channels(context: Context, codes: Collection[str] | None = None) -> list[ChannelLine]:
    """The register's channels, or those of the codes, in the register's order. Raises UnknownChannel."""
    lines = context.register.channels
    unknown = sorted(set(codes or ()) - {line.code for line in lines})
    if unknown:
        known = ", ".join(line.code for line in lines) or "none"
        raise UnknownChannel(f"channels.yaml declares no channel {', '.join(unknown)}; it declares {known}")
    return [line for line in lines if codes is None or line.code in codes]


def describe_surroundings(context: Context, receipts: Mapping[str, datetime] | None = None) -> Surroundings:
    """What this context's channels are opened with."""
    settings = context.settings
    return Surroundings(settings.home, settings.connections, settings.max_file_bytes, receipts or {})


def fit_clock(line: ChannelLine, *, simulated: bool) -> ChannelLine:
    """The line; in a simulated province the drop folder has no clock but `receipts.csv` and the collector's."""
    if simulated and line.kind is ChannelKind.FOLDER:
        return replace(line, server_clock=ServerClock.UNTRUSTED)
    return line


def _collect_paths(
    context: Context,
    paths: Sequence[Path],
    instants: Mapping[str, datetime],
    on_progress: Callable[[int], None] | None,
) -> CollectSummary:
    """Files given by hand are the drop folder's, wherever they lie; they are never moved."""
    declared = next((line for line in context.register.channels if line.code == DROP_FOLDER), None)
    line = declared or ChannelLine(
        DROP_FOLDER, ChannelKind.FOLDER, path="inbox", attribute_by_folder=True, server_clock=ServerClock.TRUSTED
    )
    line = replace(line, after=AfterReceipt.KEEP)
    fitted = fit_clock(line, simulated=context.register.province.simulated)
    channel = FolderChannel(fitted, paths, context.settings.home / line.path, receipts=instants)
    return _collect_channel(context, line, nullcontext(channel), on_progress, by_hand=True)


def _collect_channel(
    context: Context,
    line: ChannelLine,
    opened: AbstractContextManager[Channel],
    on_progress: Callable[[int], None] | None,
    *,
    by_hand: bool = False,
) -> CollectSummary:
    """One channel to its end, or to where it fails: what was recorded by then stays."""
    collection = _Collection(context, line, on_progress)
    try:
        with opened as channel:
            collection.collect(channel, tell_left_over=not by_hand)
    except ChannelUnavailable as error:
        return collection.summary + CollectSummary(0, 0, unavailable=(ChannelFault(line.code, str(error)),))
    return collection.summary


class _Collection:
    """One look at one channel; `summary` counts what is done so far."""

    def __init__(self, context: Context, line: ChannelLine, on_progress: Callable[[int], None] | None) -> None:
        self._context = context
        self._line = line
        self._on_progress = on_progress
        self._deaf: list[ChannelUnavailable] = []
        self.summary = CollectSummary(0, 0)

    def collect(self, channel: Channel, *, tell_left_over: bool) -> None:
        """List, take and acknowledge everything. Raises ChannelUnavailable."""
        listed: set[tuple[str, str]] = set()
        waiting = channel.list_new()
        with ThreadPoolExecutor(max_workers=channel.fetchers, thread_name_prefix="fetch") as threads:
            while group := list(islice(waiting, GROUP)):
                listed.update((offer.locator, offer.version) for offer in group)
                self._take_group(channel, group, threads)
                if self._on_progress is not None:
                    self._on_progress(len(group))
            self.summary += CollectSummary(0, 0, unreadable=channel.passed_over)
            if tell_left_over:
                # Recorded by a run that was killed before it had told the channel, or before it could note that it had.
                untold = [offer for offer in find_untold(self._context, self._line.code) if _key(offer) not in listed]
                for start in range(0, len(untold), GROUP):
                    self._acknowledge(channel, untold[start : start + GROUP], threads)
        if self._deaf:
            raise self._deaf[0]

    def _take_group(self, channel: Channel, group: Sequence[Offer], threads: ThreadPoolExecutor) -> None:
        known = find_recorded(self._context, self._line, group)
        safe = [offer for offer in group if known.get(_key(offer))]
        fresh = [offer for offer in group if not known.get(_key(offer))]
        taken = list(threads.map(partial(take_offer, self._context, channel, self._line), fresh))
        whole = [one for one in taken if one.whole]
        # The bytes are safe before the warehouse hears of them; killed in between, the next run finds them again.
        landed, refused = record_taken(self._context, self._line.code, whole, self._line)
        parts = sum(len(one.arrivals) for one in whole)
        unreadable = sum(one.unreadable for one in taken)
        self.summary += CollectSummary(landed, len(safe) + parts - landed, unreadable, refused)
        self._acknowledge(channel, [*safe, *(one.offer for one in whole)], threads)
        _raise_fault(taken)

    def _acknowledge(self, channel: Channel, offers: Sequence[Offer], threads: ThreadPoolExecutor) -> None:
        """Tell the channel, then note it. What a channel cannot be told now is told next time.

        That one file cannot be moved must not keep the others from being collected: the fault is raised at the end.
        """
        if not offers or len(self._deaf) >= _MOST_DEAF:
            return
        refused = find_refused(self._context, self._line.code, offers)
        answers = list(threads.map(partial(_tell, channel, refused), offers))
        note_acknowledged(
            self._context, self._line.code, [o for o, fault in zip(offers, answers, strict=True) if fault is None]
        )
        self._deaf += [fault for fault in answers if fault is not None][:1]


def _key(offer: Offer) -> tuple[str, str]:
    return offer.locator, offer.version


def _tell(channel: Channel, refused: set[tuple[str, str]], offer: Offer) -> ChannelUnavailable | None:
    try:
        if _key(offer) in refused:
            channel.leave(offer)
        else:
            channel.acknowledge(offer)
    except ChannelUnavailable as error:
        return error
    return None


def _raise_fault(taken: Sequence[Taken]) -> None:
    for one in taken:
        if one.fault is not None:
            raise one.fault


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
