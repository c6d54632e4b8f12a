"""Takes one offer of a channel: each of its parts into the landing store, with its receipt instant and hints.

It must not write the warehouse: a kill here leaves bytes under their hash and nothing else.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, cast

from etl.channels.archives import ArchiveBounds, unpack_parts
from etl.channels.protocol import Channel, ChannelUnavailable, Offer, Part, Refused
from etl.channels.refusals import RefusalCode
from etl.landing.store import UnreadableSource
from etl.register.channels import ChannelKind, ChannelLine, ServerClock
from etl.text import show_name
from etl.usecases.context import Context

log = logging.getLogger(__name__)

_LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class LandedPart:
    """A part whose bytes are in the store."""

    part: str
    file_name: str
    sha256: str
    size: int
    hints: str


@dataclass(frozen=True, slots=True)
class RefusedPart:
    """A part that was not taken; texts as they are recorded."""

    part: str
    file_name: str
    code: str
    detail: str
    hints: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an offer. Only what is `whole` is recorded; `fault` says that the channel failed on the way."""

    offer: Offer
    arrivals: tuple[LandedPart, ...] = ()
    refusals: tuple[RefusedPart, ...] = ()
    received_at: datetime | None = None
    unreadable: bool = False
    fault: ChannelUnavailable | None = field(default=None, compare=False)

    @property
    def whole(self) -> bool:
        """Whether all of it was read or refused."""
        return not self.unreadable and self.fault is None


class _StoreFailed(RuntimeError):
    """The landing store failed, not the channel: its reason is the cause."""


class _TooLarge(RuntimeError):
    """More bytes than anything may have."""


def take_offer(context: Context, channel: Channel, line: ChannelLine, offer: Offer) -> Taken:
    """Fetch the offer and store the bytes of its parts. Raises what the landing store raises, for that is our fault.

    A part bigger than the settings allow is refused, its bytes are not kept. The drop folder has no such bound: what lies
    there lies on our disk, and its sender is told by a finding.
    """
    bound = None if line.kind is ChannelKind.FOLDER else context.settings.max_file_bytes
    arrivals: list[LandedPart] = []
    refusals: list[RefusedPart] = []
    try:
        with channel.fetch(offer) as parts:
            for part in unpack_parts(parts, ArchiveBounds(context.settings.max_file_bytes)):
                if isinstance(part, Part):
                    try:
                        arrivals.append(_land(context, part, bound))
                        continue
                    except _TooLarge:
                        detail = f"more than {bound} bytes"
                        part = Refused(part.part, part.file_name, RefusalCode.TOO_LARGE, detail, part.hints)
                refusals.append(_refuse(context, part))
    except _StoreFailed as error:
        raise error.__cause__ or error from None
    except ChannelUnavailable as error:
        return Taken(offer, fault=error)
    except OSError as error:
        if isinstance(error.__cause__, ChannelUnavailable):
            return Taken(offer, fault=error.__cause__)
        log.warning("not collected: %s %s (%s)", line.code, offer.locator, error.strerror or error)
        return Taken(offer, unreadable=True)
    except Exception as error:
        # One file that nobody foresaw must not hold up the others, today or at every later look. Its text may quote the file.
        log.error("not collected: %s %s (%s), a fault of ours", line.code, offer.locator, type(error).__name__)
        return Taken(offer, unreadable=True)
    # Asked after the bytes were read: what was written while we read was not received before it was written.
    received_at = _decide_receipt(context, line, offer)
    return Taken(offer, tuple(arrivals), tuple(refusals), received_at)


def _land(context: Context, part: Part, bound: int | None) -> LandedPart:
    stream = part.stream if bound is None else cast("BinaryIO", _Bounded(part.stream, bound))
    try:
        stored = context.landing.put_stream(stream)
    except UnreadableSource:
        raise
    except OSError as error:
        raise _StoreFailed from error
    return LandedPart(
        _clean(part.part), _clean(part.file_name), stored.sha256, stored.size, _write_hints(context, part.hints)
    )


def _refuse(context: Context, part: Refused) -> RefusedPart:
    return RefusedPart(
        _clean(part.part),
        _clean(part.file_name),
        str(part.code),
        _clean(part.detail),
        _write_hints(context, part.hints),
    )


def _write_hints(context: Context, hints: Mapping[str, str]) -> str:
    """As JSON; a unit that the register does not know is no hint."""
    kept = {
        name: _clean(value)
        for name, value in hints.items()
        if value and (name != "unit" or context.register.unit_versions(value))
    }
    return json.dumps(kept, ensure_ascii=False)


def _clean(text: str) -> str:
    """A text that can be stored and printed, whatever a peer sent."""
    return show_name(text)[:_LONGEST_TEXT]


class _Bounded(io.RawIOBase):
    """A stream that is read once, and raises _TooLarge after so many bytes."""

    def __init__(self, source: BinaryIO, bound: int) -> None:
        self._source = source
        self._left = bound

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        # One byte more than may be there tells that there is more.
        wanted = self._left + 1 if size < 0 else min(size, self._left + 1)
        data = self._source.read(wanted)
        self._left -= len(data)
        if self._left < 0:
            raise _TooLarge
        return data


def _decide_receipt(context: Context, line: ChannelLine, offer: Offer) -> datetime:
    now = context.clock()
    if offer.received_at is None:
        return now
    simulated = context.register.province.simulated
    if simulated and line.kind is ChannelKind.FOLDER:
        return offer.received_at  # out of receipts.csv
    trusted = line.server_clock is ServerClock.TRUSTED
    return find_receipt(now, offer.received_at, simulated=False) if trusted else now


def find_receipt(now: datetime, changed_at: datetime, *, simulated: bool) -> datetime:
    """When a dropped file was received: `changed_at` or now, whichever is earlier; now in a simulated province.

    `changed_at` is the kernel's change time (st_ctime): this server's own clock at the last write, rename or change of
    permissions, which nobody who drops a file can set. Without it a file dropped at 23:52 and looked at after midnight
    would be late by our timetable. The modification time (st_mtime) is the sender's word and is never looked at.
    Aware instants. See docs/adr/0007.
    """
    return now if simulated else min(now, changed_at)
