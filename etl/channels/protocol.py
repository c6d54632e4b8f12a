"""What every channel is to the collector: it lists what lies there, hands out the bytes, and is told when they are safe.

The collector alone decides what is new, stores bytes and writes the warehouse. A channel knows its peer and nothing else: no
warehouse, no landing store, no register. Whatever it refuses it names, with a reason; it drops nothing in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol


class ChannelUnavailable(OSError):
    """The peer cannot be reached, does not know us or is not who it should be. Only this channel waits.

    The text says what happened and what to do; it never holds a secret, nor what the peer wrote.
    """


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that lies in a channel: a file, an object, a mail, an answer of another system.

    `locator` names it within the channel, printable, and is the same at the next look. `version` changes whenever its bytes
    may have changed (ETag, size with change time, UIDVALIDITY and UID). `size` in bytes where the peer tells it.
    `received_at` is the peer's own instant of receipt where the peer is a server of ours whose clock counts, else None.
    """

    locator: str
    version: str
    size: int | None = None
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One file of an offer, read once, in order. `part` tells the files of one offer apart ("" where it is the only one).

    `hints` are what the channel knows of the sender (unit, sender, authentication): strings, kept with the arrival.
    """

    part: str
    file_name: str
    stream: BinaryIO
    hints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """A part that is not taken. `code` is one of etl.channels.refusals; `detail` is printable and holds no secret."""

    part: str
    file_name: str
    code: str
    detail: str = ""
    hints: Mapping[str, str] = field(default_factory=dict)


class Channel(Protocol):
    """An open channel. Everything raises ChannelUnavailable where the peer fails; the same call may be made again later.

    `fetchers`: how many offers may be fetched at once, from several threads. `passed_over`: how many things the last listing
    could not look at and named in the log. Whoever inherits from this class has the defaults.
    """

    code: str
    fetchers: int = 1
    passed_over: int = 0

    def list_new(self) -> Iterator[Offer]:
        """What lies there and was not acknowledged, oldest first; unfinished things are left for the next look.

        A channel that cannot mark what was acknowledged lists everything: the collector remembers it.
        """

    def fetch(self, offer: Offer) -> AbstractContextManager[Iterator[Part | Refused]]:
        """Its files, one after the other; each stream is read before the next is asked for, and closed by the channel.

        Any other OSError than ChannelUnavailable, also after the last part, says that this offer cannot be read now (gone,
        changing): nothing of it is recorded, it is looked at again next time.
        """

    def acknowledge(self, offer: Offer) -> None:
        """All of it is safe with us: of this locator in this version; another version at its place is left alone.

        May be called again for the same offer, also when it is gone. After a crash the offer holds locator and version only.
        """

    def leave(self, offer: Offer) -> None:
        """As `acknowledge`, of an offer of which something was refused and is not with us: it must not be lost there.

        Channels that keep what they are told of need no other answer.
        """
        self.acknowledge(offer)
