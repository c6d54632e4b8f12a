"""A folder of another machine or a bucket as a channel: what is common to all stores of files that are listed and read.

A store (SFTP, S3) lists entries, reads and moves them; here is decided which are taken, refused or left for the next look.
It must not trust a name or a size that the store tells: names are bytes that somebody chose.
"""

from __future__ import annotations

import hashlib
import logging
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from etl.channels.folder import LONGEST_LOCATOR, is_unfinished
from etl.channels.names import make_safe_name
from etl.channels.protocol import Channel, Offer, Part, Refused
from etl.channels.refusals import RefusalCode
from etl.register.channels import AfterReceipt, ChannelLine
from etl.text import show_name

log = logging.getLogger(__name__)

MOST_ENTRIES = 100_000
"""Entries looked at in one listing: more is a store that nobody clears, or one that wants to fill our memory."""
MOST_FOLDERS = 8
"""Folders between the channel's path and a file."""
_MARK_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Entry:
    """Something found. `steps`: its folders under the channel's path and its name, as bytes.

    `stamp` changes with its bytes. `changed_at`: seconds since 1970 as the store tells them. `fault`: why it is not taken.
    """

    steps: tuple[bytes, ...]
    stamp: str
    size: int | None
    changed_at: float | None
    received_at: datetime | None = None
    fault: RefusalCode | None = None


class Store(Protocol):
    """What a peer must do. Everything raises ChannelUnavailable; what concerns one entry only, another OSError.

    `coarse_seconds`: how far apart two changes may lie and still have the same stamp. `passed_over`: folders that the last
    listing could not look into, named in the log.
    """

    fetchers: int
    coarse_seconds: int
    passed_over: int

    def list_entries(self, most: int) -> tuple[list[Entry], bool]:
        """At most so many entries that are no folders, and whether these are all. Those to leave alone are not among them."""

    def open(self, entry: Entry) -> AbstractContextManager[BinaryIO]:
        """Its bytes, once, in order. OSError at the end where it changed while it was read."""

    def move(self, entry: Entry, folder: str) -> None:
        """Put it under that folder of the channel's path, its own folders kept; nothing where it is gone or changed."""


class StoreChannel(Channel):
    """See `etl.register.channels.ChannelLine` for what the line says. `now`: seconds since 1970."""

    def __init__(
        self, line: ChannelLine, store: Store, max_bytes: int, *, now: Callable[[], float] = time.time
    ) -> None:
        self.code = line.code
        self.fetchers = store.fetchers
        self._stable_after = max(line.stable_after, store.coarse_seconds)
        self._line = line
        self._store = store
        self._max_bytes = max_bytes
        self._now = now
        self._found: dict[str, Entry] = {}

    def list_new(self) -> Iterator[Offer]:
        """Everything that has been the same for long enough, oldest first."""
        entries, all_of_it = self._store.list_entries(MOST_ENTRIES)
        self.passed_over = self._store.passed_over + (not all_of_it)
        entries.sort(key=lambda entry: (entry.changed_at or 0.0, entry.steps))
        for entry in entries:
            if not self._is_stable(entry):
                continue
            locator = locate(entry.steps)
            self._found[locator] = entry
            yield Offer(locator, entry.stamp, entry.size, entry.received_at)
        if not all_of_it:
            log.warning(
                "channel %s: more than %d entries lie there; the rest waits. Clear old ones away, or set `after: move`",
                self.code,
                MOST_ENTRIES,
            )

    def _is_stable(self, entry: Entry) -> bool:
        if not self._stable_after or entry.changed_at is None:
            return True
        age = self._now() - entry.changed_at
        # A time to come was set by whoever sent it, at the end of sending: a file that still grows has the store's own now.
        return not -self._stable_after <= age < self._stable_after

    @contextmanager
    def fetch(self, offer: Offer) -> Iterator[Iterator[Part | Refused]]:
        """The one file, or why it is refused, which is decided before a byte of it is asked for."""
        entry = self._found[offer.locator]
        hints = self._name_unit(entry)
        name = make_safe_name(_decode(entry.steps[-1])).text
        refused = self._refuse(entry)
        if refused is not None:
            code, detail = refused
            yield iter([Refused("", name, code, detail, hints)])
            return
        with self._store.open(entry) as stream:
            yield iter([Part("", name, stream, hints)])

    def _refuse(self, entry: Entry) -> tuple[RefusalCode, str] | None:
        if entry.fault is not None:
            return entry.fault, ""
        if entry.size is not None and entry.size > self._max_bytes:
            return RefusalCode.TOO_LARGE, f"{entry.size} bytes are announced, {self._max_bytes} are allowed"
        return None

    def _name_unit(self, entry: Entry) -> dict[str, str]:
        if self._line.unit is not None:
            return {"unit": self._line.unit}
        if self._line.attribute_by_folder and len(entry.steps) > 1:
            return {"unit": show_name(_decode(entry.steps[0]))}
        return {}

    def acknowledge(self, offer: Offer) -> None:
        """With `after: move` what was taken goes to `done_folder`; what was refused stays where its sender finds it."""
        entry = self._found.get(offer.locator)
        if self._line.after is not AfterReceipt.MOVE or entry is None or entry.stamp != offer.version:
            return
        if self._refuse(entry) is None:
            self._store.move(entry, self._line.done_folder)

    def leave(self, offer: Offer) -> None:
        """What was refused, an archive perhaps or a file in it, stays where its sender finds it."""


def find_fault(steps: tuple[bytes, ...]) -> RefusalCode | None:
    """Why a path that a store tells must not be followed, or None."""
    if any(
        step in (b"", b".", b"..") or b"/" in step or any(sign < 0x20 or sign == 0x7F for sign in step)
        for step in steps
    ):
        return RefusalCode.NAME_UNSAFE
    # C1 controls and separators of lines are no ASCII.
    if show_name(_decode(b"/".join(steps))) != _decode(b"/".join(steps)) and _is_utf8(b"/".join(steps)):
        return RefusalCode.NAME_UNSAFE
    return RefusalCode.TOO_DEEP if len(steps) > MOST_FOLDERS + 1 else None


def judge(steps: tuple[bytes, ...], done: bytes | None) -> RefusalCode | bool:
    """Why a path is refused, or whether it is taken: False for what is left alone."""
    # First: ".." begins with a dot, and must not pass for a hidden file.
    return find_fault(steps) or not is_left_out(steps, done)


def is_left_out(steps: tuple[bytes, ...], done: bytes | None) -> bool:
    """Whether a path is of an unfinished file, a hidden folder, or lies in the folder of what was taken."""
    if done is not None and steps[0] == done:
        return True
    names = [_decode(step) for step in steps]
    return is_unfinished(names[-1]) or any(name.startswith(".") and name.strip(".") for name in names[:-1])


def locate(steps: tuple[bytes, ...]) -> str:
    """A printable text for the path that no other path has, whatever Unicode form and bytes its names are in."""
    raw = b"/".join(steps)
    text = unicodedata.normalize("NFC", show_name(_decode(raw)))
    if text.encode("utf-8", "surrogateescape") == raw and len(raw) <= LONGEST_LOCATOR:
        return text
    kept = text.encode()[:LONGEST_LOCATOR].decode(errors="ignore")
    return f"{kept}~{hashlib.sha256(raw).hexdigest()[:_MARK_LENGTH]}"


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
