"""The drop folder, or files given by hand, as a channel.

A file that changes while it is read is left for the next look. With `after: move` what is safe goes to a folder within;
otherwise the folder is only read. It must not follow links, nor put a file where a sender's link leads.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from etl.channels.folder import Dropped, list_files, open_file
from etl.channels.protocol import Channel, ChannelUnavailable, Offer, Part, Refused
from etl.register.channels import AfterReceipt, ChannelLine, ServerClock
from etl.text import show_name

log = logging.getLogger(__name__)

_COARSE_SECONDS = 2.0
"""The kernel stamps changes by a coarse clock: a file changed that lately may change again under the same stamp."""


class FolderChannel(Channel):
    """See `etl.register.channels.ChannelLine` for what the line says.

    `receipts`: simulated receipt instants by name. `kernel_now`: seconds since 1970 by the clock that stamps files.
    """

    fetchers = 8  # each waits for the disk to say that the bytes will survive a power cut

    def __init__(
        self,
        line: ChannelLine,
        paths: Sequence[Path],
        root: Path,
        *,
        receipts: Mapping[str, datetime] | None = None,
        kernel_now: Callable[[], float] = time.time,
    ) -> None:
        self.code = line.code
        self._line = line
        self._paths = paths
        self._root = root
        self._receipts = receipts or {}
        self._kernel_now = kernel_now
        self._found: dict[str, Dropped] = {}
        self._move = line.after is AfterReceipt.MOVE
        self._done = root.resolve() / line.done_folder if self._move else None

    def list_new(self) -> Iterator[Offer]:
        """Every file, in order of locators. Raises FileNotFoundError for a path that does not exist."""
        listing = list_files(self._paths, self._root, self._done)
        self.passed_over = len(listing.unreadable)
        self._found = {dropped.locator: dropped for dropped in listing.files}
        for dropped in listing.files:
            try:
                found = dropped.path.lstat()
            except OSError as error:
                self.passed_over += 1
                log.warning("not collected: %s (%s)", show_name(str(dropped.path)), error.strerror or error)
                continue
            age = self._kernel_now() - found.st_ctime
            if age < self._line.stable_after:
                continue
            version = _version_of(found)
            if age < _COARSE_SECONDS:
                version += f"~{time.time_ns()}"  # looked at again next time, whatever was seen now
            yield Offer(dropped.locator, version, found.st_size, self._find_receipt(dropped, found))

    def _find_receipt(self, dropped: Dropped, found: os.stat_result) -> datetime | None:
        given = next((self._receipts[name] for name in dropped.names if name in self._receipts), None)
        if given is not None or self._line.server_clock is not ServerClock.TRUSTED:
            return given
        # The change time, set by the kernel alone. The modification time is the sender's word (docs/adr/0007).
        return datetime.fromtimestamp(found.st_ctime, UTC)

    @contextmanager
    def fetch(self, offer: Offer) -> Iterator[Iterator[Part | Refused]]:
        """The one file; OSError when it is gone, is another by now, or changes while it is read."""
        dropped = self._found[offer.locator]
        with open_file(dropped.path) as stream:

            def parts() -> Iterator[Part | Refused]:
                yield Part("", dropped.file_name, stream, self._name_unit(dropped))
                # What was written while we read was not received before it was written: the next look sees it whole.
                if _version_of(os.fstat(stream.fileno())) != offer.version.partition("~")[0]:
                    raise OSError("it changed while it was read")

            yield parts()

    def _name_unit(self, dropped: Dropped) -> dict[str, str]:
        if self._line.unit is not None:
            return {"unit": self._line.unit}
        if self._line.attribute_by_folder and dropped.folder:
            return {"unit": dropped.folder.split("/")[0]}
        return {}

    def acknowledge(self, offer: Offer) -> None:
        """With `after: move` the file goes to `done_folder`, its path within kept; one that changed stays."""
        dropped = self._found.get(offer.locator)
        if self._done is None or dropped is None:
            return
        source = dropped.path
        try:
            if _version_of(source.lstat()) != offer.version.partition("~")[0]:
                return
            target = self._done / source.relative_to(self._root.resolve())
            if target.parent.resolve() != target.parent:
                raise ChannelUnavailable(
                    f"the folder {show_name(str(target.parent))} is or lies behind a link: files taken are moved there, "
                    "so remove the link"
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(_find_free(target))
        except FileNotFoundError:
            return  # moved before, by us or by whoever dropped it
        except ChannelUnavailable:
            raise
        except OSError as error:
            raise ChannelUnavailable(
                f"files taken cannot be moved to {show_name(str(self._done))} ({error.strerror}): give the collector's "
                "account the right to write there, or set `after: keep` in channels.yaml"
            ) from error


def _version_of(found: os.stat_result) -> str:
    return f"{found.st_dev:x}-{found.st_ino}-{found.st_size}-{found.st_ctime_ns}"


def _find_free(target: Path) -> Path:
    """The target, or its name with a number where a file of that name was moved there before."""
    number, free = 1, target
    while os.path.lexists(free):
        number += 1
        free = target.with_name(f"{target.stem}~{number}{target.suffix}")
    return free


def open_folder(line: ChannelLine, home: Path, receipts: Mapping[str, datetime] | None = None) -> FolderChannel:
    """The channel of a line of the register. Raises ChannelUnavailable where an absolute path is not there."""
    root = home / line.path
    try:
        if not Path(line.path).is_absolute():
            root.mkdir(parents=True, exist_ok=True)
        next(os.scandir(root), None)
    except OSError as error:
        raise ChannelUnavailable(
            f"the folder {show_name(str(root))} cannot be listed ({error.strerror}): create or mount it and let the "
            "collector's account read it, or correct `path` in channels.yaml"
        ) from None
    return FolderChannel(line, [root], root, receipts=receipts)
