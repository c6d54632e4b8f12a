"""What lies in a drop folder: every file in it, named by its path within the folder. Reads only (`drop.py` is the channel).

It must not drop a file in silence: what cannot be read is listed as such. Links are never followed into the folder: they
are the one way for a sender to have a file of the server read that they could not read themselves.
"""

from __future__ import annotations

import csv
import errno
import fcntl
import hashlib
import logging
import os
import signal
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from filecmp import cmp
from pathlib import Path
from typing import BinaryIO

from etl.calendar.deadlines import TIMEZONE
from etl.text import show_name

log = logging.getLogger(__name__)

# Lock files of office programs, hidden files, and names that programs give to a file still being written.
_UNFINISHED_PREFIXES = (".", "~$", ".~")
_UNFINISHED_SUFFIXES = (".part", ".tmp", ".crdownload", ".download", ".filepart")
_MARK_LENGTH = 12
LONGEST_LOCATOR = 1000
"""In bytes of UTF-8: the warehouse finds things by their locator, and an index of it takes no more than 2,700 bytes in all."""


class BadReceipts(ValueError):
    """A receipts file that cannot be used; names file, line and reason."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file found. `locator` names it within the channel, `folder` is the sub-folder it lay in ("" at the top).

    `names` are what a receipts file may call it, the most exact first. All texts can be stored and printed.
    """

    path: Path
    locator: str
    folder: str
    names: tuple[str, ...]

    @property
    def file_name(self) -> str:
        """Its name without folders, bytes that are no UTF-8 escaped."""
        return show_name(self.path.name)


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in the folder: files in the order of their locators, and what is no readable file (as escaped paths)."""

    files: list[Dropped]
    unreadable: list[str]


@dataclass(frozen=True, slots=True)
class _Found:
    """A file: its real path, its paths within what was given and within the channel, the last parts that locate it."""

    path: Path
    given: Path
    inner: Path
    parts: int
    anchored: bool

    @property
    def locator(self) -> str:
        return _locate(Path(*self.path.parts[-self.parts :]))


def list_files(paths: Sequence[Path], inbox: Path | None = None, leave: Path | None = None) -> Listing:
    """Files under the given folders (recursively) and files given themselves.

    A file in the `inbox` is located by its path there, however it was given; another by its path within the folder given,
    or by its name when given itself. Two files that would share a locator get as many names of parent folders as tell
    them apart. Names that are not in Unicode's form NFC or no UTF-8 carry a mark made of their bytes.
    The folder to `leave` (an absolute path) is not looked into.
    Raises FileNotFoundError for a path that does not exist: a typing error must not look like an empty folder.
    """
    anchor = inbox.resolve() if inbox is not None else None
    found: dict[Path, _Found] = {}
    unreadable: dict[str, None] = {}
    for path in paths:
        if not path.exists() and not path.is_symlink():
            raise FileNotFoundError(f"{show_name(str(path))}: no such file or folder")
        given = path.parent.resolve() / path.name if path.name not in {"", ".."} else path.resolve()
        inside = anchor is not None and given != anchor and given.is_relative_to(anchor)
        if given.is_symlink() and (inside or not given.is_dir()):
            _refuse(given, "a link", unreadable)
            continue
        # A folder given by hand may be a link (a mounted share); what lies in it may not.
        given = given.resolve()
        for file in _walk(given, unreadable, leave):
            within = inner = file.relative_to(given if given != file else given.parent)
            anchored = anchor is not None and file.is_relative_to(anchor)
            if anchor is not None and anchored:
                inner = file.relative_to(anchor)
            one = _Found(file, within, inner, len(inner.parts), anchored)
            known = found.setdefault(file, one)
            if one.parts > known.parts:  # the same file given twice: the order of the paths decides nothing
                found[file] = one
    files = [_describe(one) for one in _tell_apart(list(found.values()), anchor)]
    return Listing(sorted(files, key=lambda file: file.locator), list(unreadable))


def open_file(path: Path) -> BinaryIO:
    """The file for reading. Raises OSError, also when it is a link or no regular file by now: listing was a moment ago; and
    while another program of this machine has it open for writing, as far as the system tells."""
    # Without O_NONBLOCK a pipe put in the file's place would hold up the collection for ever.
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(f"{show_name(str(path))} is no regular file")
    if _is_being_written(number):
        os.close(number)
        raise OSError("it is still being written")
    return os.fdopen(number, "rb")


def _is_being_written(number: int) -> bool:
    """Whether somebody has the file open for writing: a copy that takes a minute must not come as half a report first.

    Asked of the kernel by a lease for reading, given back at once. False where it cannot tell: a file of another account (but
    for root), a share, another system.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        # Who opens it for writing in between waits a moment and we are told by a signal: by one that is ignored.
        fcntl.fcntl(number, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(number, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    fcntl.fcntl(number, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def _walk(given: Path, unreadable: dict[str, None], leave: Path | None) -> Iterator[Path]:
    """Regular files under a folder, or the file itself, in order of names; unfinished ones are left for a later look."""

    def note(error: OSError) -> None:
        _refuse(Path(os.fsdecode(error.filename)), error.strerror or type(error).__name__, unreadable)

    if not given.is_dir():
        yield from _keep_regular([] if is_unfinished(given.name) else [given], unreadable)
        return
    for folder, folders, files in os.walk(given, onerror=note):
        here = Path(folder)
        folders[:] = sorted(n for n in folders if not n.startswith(_UNFINISHED_PREFIXES) and here / n != leave)
        links = [name for name in folders if (here / name).is_symlink()]
        names = sorted(name for name in [*files, *links] if not is_unfinished(name))
        yield from _keep_regular([here / name for name in names], unreadable)


def _keep_regular(candidates: Sequence[Path], unreadable: dict[str, None]) -> Iterator[Path]:
    for path in candidates:
        try:
            mode = path.lstat().st_mode
        except OSError as error:
            _refuse(path, error.strerror or type(error).__name__, unreadable)
            continue
        if stat.S_ISREG(mode):
            yield path
        else:
            _refuse(path, "a link" if stat.S_ISLNK(mode) else "no regular file", unreadable)


def _refuse(path: Path, reason: str, unreadable: dict[str, None]) -> None:
    name = show_name(str(path))
    if name not in unreadable:
        log.warning("not collected: %s (%s)", name, reason)
    unreadable[name] = None


def is_unfinished(name: str) -> bool:
    """Whether programs give such a name to a lock or to a file still being written; hidden files count as such."""
    return name.startswith(_UNFINISHED_PREFIXES) or name.endswith(_UNFINISHED_SUFFIXES)


def _tell_apart(found: list[_Found], anchor: Path | None) -> list[_Found]:
    """The same files, each with a locator of its own. Files in the inbox keep theirs, whatever else is given."""
    while True:
        shared = {locator for locator, count in Counter(one.locator for one in found).items() if count > 1}
        longer = [
            replace(one, parts=one.parts + 1)
            if not one.anchored
            and one.parts < len(one.path.parts)
            and (one.locator in shared or _is_taken(one, anchor))
            else one
            for one in found
        ]
        if longer == found:
            return found
        found = longer


def _is_taken(one: _Found, anchor: Path | None) -> bool:
    """Whether the inbox holds another file at this place: the next look there would take it for a newer version."""
    if anchor is None:
        return False
    other = anchor.joinpath(*one.path.parts[-one.parts :])
    try:
        return other.is_file() and not cmp(other, one.path, shallow=False)
    except OSError:
        return True


def _describe(one: _Found) -> Dropped:
    folder = _show(one.inner.parent)
    names = (one.locator, _show(one.inner), _show(one.given), _show(Path(one.inner.name)))
    return Dropped(one.path, one.locator, "" if folder == "." else folder, tuple(dict.fromkeys(names)))


def _show(path: Path) -> str:
    return unicodedata.normalize("NFC", show_name(path.as_posix()))


def _locate(path: Path) -> str:
    """A text for the path that no other path has, whatever Unicode form and bytes its names are in."""
    text = _show(path)
    if text == path.as_posix() and len(text.encode()) <= LONGEST_LOCATOR:
        return text
    text = text.encode()[:LONGEST_LOCATOR].decode(errors="ignore")
    return f"{text}~{hashlib.sha256(os.fsencode(path.as_posix())).hexdigest()[:_MARK_LENGTH]}"


def read_receipts(file: Path) -> dict[str, datetime]:
    """Locator -> receipt instant from a CSV `file,received_at` (ISO with an offset). Simulated provinces only.

    Raises BadReceipts with file, line and reason.
    """
    receipts: dict[str, datetime] = {}
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        if reader.fieldnames is None or not {"file", "received_at"} <= set(reader.fieldnames):
            raise BadReceipts(f"{file}:1: the columns must be file,received_at")
        for row in reader:
            try:
                instant = datetime.fromisoformat(row["received_at"])
            except (ValueError, TypeError) as error:
                raise BadReceipts(f"{file}:{reader.line_num}: received_at is no ISO instant") from error
            if instant.tzinfo is None:
                instant = instant.replace(tzinfo=TIMEZONE)
            receipts[unicodedata.normalize("NFC", row["file"])] = instant
    return receipts
