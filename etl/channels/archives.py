"""Zip archives that came through a channel: their files become parts, or the archive is refused before anything is unpacked.

Only the directory at the end of the archive is believed far enough to refuse; what it promises is counted again while
unpacking. Nothing is ever written under a name from an archive. It must not open workbooks, which are archives too.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

from etl.channels.names import MOST_TEXT_CHARACTERS, make_printable, make_safe_name
from etl.channels.protocol import Part, Refused
from etl.channels.refusals import RefusalCode
from etl.text import format_number

SPOOL_BYTES = 1024 * 1024
"""Up to this a part waits in memory, beyond it in a nameless temporary file."""
CHUNK_BYTES = 64 * 1024

_EMPTY_MAGIC, _FILE_MAGIC = b"PK\x05\x06", b"PK\x03\x04"
_END = struct.Struct("<4s4H2LH")
_END64_PLACE = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_END_SEARCH = _END.size + 0xFFFF
_DIRECTORY_BYTES_AN_ENTRY = 1024
_PACKAGE_MARKS = ("[content_types].xml", "mimetype", "meta-inf/manifest.xml")
_FOR_NOBODY = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|\._|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".cab", ".iso", ".arj", ".jar")
_OTHER_ARCHIVES = (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0")
_UTF8 = 0x800
_ENCRYPTED = 0x1 | 0x40
_UNICODE_NAME = 0x7075
_VIETNAMESE = re.compile("[ -~àáâãèéêìíòóôõùúýăđĩũơưÀÁÂÃÈÉÊÌÍÒÓÔÕÙÚÝĂĐĨŨƠƯ\u1ea0-\u1ef9]+")


@dataclass(frozen=True, slots=True)
class ArchiveBounds:
    """What an archive may hold. `ratio`: unpacked to packed, asked only of what unpacks to more than `ratio_free_bytes`."""

    file_bytes: int
    files: int = 200
    total_bytes: int = 200 * 1024 * 1024
    ratio: int = 100
    ratio_free_bytes: int = 1024 * 1024


class _Hostile(Exception):
    """The archive is not unpacked at all."""

    def __init__(self, code: RefusalCode, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


def unpack_parts(parts: Iterator[Part | Refused], bounds: ArchiveBounds) -> Iterator[Part | Refused]:
    """The parts of an offer, with the files of each archive in its place. Large streams of other parts are passed on unread.

    What is more than `bounds.file_bytes` is no archive to unpack: the caller's own bound says what becomes of it.
    """
    for part in parts:
        if isinstance(part, Refused):
            yield part
            continue
        if part.stream.seekable():
            # A usual report is looked at and stored out of memory: each look at a disk or share costs more than its bytes.
            data = part.stream.read(SPOOL_BYTES)
            if len(data) < SPOOL_BYTES and not part.stream.read(1):
                part = replace(part, stream=io.BytesIO(data))
            yield from _unpack_part(part, bounds)
            continue
        head = part.stream.read(len(_FILE_MAGIC))
        if head not in (_FILE_MAGIC, _EMPTY_MAGIC):
            yield replace(part, stream=cast(BinaryIO, _Chained(io.BytesIO(head), part.stream)))
            continue
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
            stream = cast(BinaryIO, spool)
            stream.write(head)
            while stream.tell() <= bounds.file_bytes and (chunk := part.stream.read(CHUNK_BYTES)):
                stream.write(chunk)
            if stream.tell() > bounds.file_bytes:
                stream.seek(0)
                yield replace(part, stream=cast(BinaryIO, _Chained(stream, part.stream)))
            else:
                yield from _unpack_part(replace(part, stream=stream), bounds)


def _unpack_part(part: Part, bounds: ArchiveBounds) -> Iterator[Part | Refused]:
    if is_archive(part.stream):
        yield from read_archive(part.stream, part.part, part.file_name, part.hints, bounds)
    else:
        yield part


class _Chained(io.RawIOBase):
    """A stream after another, to be read once."""

    def __init__(self, first: BinaryIO, second: BinaryIO) -> None:
        self._first, self._second = first, second

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes, none at the end."""
        if size < 0:
            return self._first.read() + self._second.read()
        return self._first.read(size) or self._second.read(size)


def is_archive(stream: BinaryIO) -> bool:
    """Whether a seekable stream holds a zip archive that is no workbook or document of its own. Leaves it at its start.

    A zip that cannot be read is an archive too where its name promises nothing better: the caller looks at the name.
    """
    stream.seek(0)
    if stream.read(4) not in (_FILE_MAGIC, _EMPTY_MAGIC):
        stream.seek(0)
        return False
    try:
        _check_directory(stream, ArchiveBounds(file_bytes=0, files=10_000))
        with zipfile.ZipFile(stream) as archive:
            names = {name.replace("\\", "/").lstrip("/").lower() for name in archive.namelist()}
        return not names.intersection(_PACKAGE_MARKS)
    except _Hostile as found:
        return found.code is not RefusalCode.ZIP_BROKEN
    except _BROKEN:
        return False
    finally:
        stream.seek(0)


def read_archive(
    stream: BinaryIO, part: str, file_name: str, hints: Mapping[str, str], bounds: ArchiveBounds
) -> Iterator[Part | Refused]:
    """The files of a zip in a seekable stream as parts `<part or name>!<path inside>`, in their order; each stream is to be
    read before the next is asked for and is closed here.

    One refusal instead of any file where the archive breaks a rule that its directory shows: too many files, too much
    when unpacked, other archives inside, a password, names that lead outside, links. A file that unpacks to more than it
    said, is broken, or is an archive under another name is refused alone.
    """
    refused: _Hostile | None = None
    try:
        _check_directory(stream, bounds)
        archive = zipfile.ZipFile(stream)
        files = _check_entries(archive, bounds)
    except _Hostile as found:
        refused = found
    except _BROKEN:
        refused = _Hostile(RefusalCode.ZIP_BROKEN)
    if refused is not None:
        yield Refused(part, file_name, refused.code, refused.detail, hints)
        return
    # Outside the try: a full disk is our fault, and the sender's archive is not broken for it.
    with archive:
        yield from _unpack(archive, files, part or file_name, hints, bounds)


_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    struct.error,
    ValueError,
    NotImplementedError,
    RuntimeError,
    OSError,
    OverflowError,
)
"""What zipfile raises for damaged archives."""


def _check_directory(stream: BinaryIO, bounds: ArchiveBounds) -> None:
    """Refuse by the record at the end, before a directory of a million entries is read into memory."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _END_SEARCH))
    tail = stream.read(_END_SEARCH)
    place = tail.rfind(_EMPTY_MAGIC)
    if place < 0 or len(tail) - place < _END.size:
        raise _Hostile(RefusalCode.ZIP_BROKEN)
    _, _, _, _, entries, directory, _, _ = _END.unpack_from(tail, place)
    before = place - _END64_PLACE.size
    if before >= 0 and tail[before : before + 4] == b"PK\x06\x07":
        stream.seek(_END64_PLACE.unpack_from(tail, before)[2])
        record = stream.read(_END64.size)
        if len(record) < _END64.size or not record.startswith(b"PK\x06\x06"):
            raise _Hostile(RefusalCode.ZIP_BROKEN)
        fields = _END64.unpack(record)
        entries, directory = fields[7], fields[8]
    # The directory's size is what is read; the number of entries is only what it says of itself.
    if entries > bounds.files or directory > bounds.files * _DIRECTORY_BYTES_AN_ENTRY:
        raise _Hostile(RefusalCode.ZIP_TOO_MANY_FILES, _at_most(entries, bounds.files))
    stream.seek(0)


def _check_entries(archive: zipfile.ZipFile, bounds: ArchiveBounds) -> list[tuple[zipfile.ZipInfo, str]]:
    """The files to unpack with their names; raises _Hostile."""
    listed = archive.infolist()
    if len(listed) > bounds.files:
        raise _Hostile(RefusalCode.ZIP_TOO_MANY_FILES, _at_most(len(listed), bounds.files))
    files: list[tuple[zipfile.ZipInfo, str]] = []
    for entry in listed:
        name = read_entry_name(entry)
        shown = make_printable(name)
        mode = entry.external_attr >> 16
        if make_safe_name(name).fault is not None or re.match(r"[A-Za-z]:", name):
            raise _Hostile(RefusalCode.ZIP_PATH, shown)
        if stat.S_ISLNK(mode):
            raise _Hostile(RefusalCode.ZIP_LINK, shown)
        if entry.is_dir() or _FOR_NOBODY.search(name.replace("\\", "/")):
            continue
        if entry.flag_bits & _ENCRYPTED:
            raise _Hostile(RefusalCode.ZIP_ENCRYPTED, shown)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _Hostile(RefusalCode.ZIP_METHOD, shown)
        if name.lower().rstrip(" .").endswith(_ARCHIVES):
            raise _Hostile(RefusalCode.ZIP_NESTED, shown)
        files.append((entry, name))
    _check_sizes([entry for entry, _ in files], bounds)
    if not files:
        raise _Hostile(RefusalCode.ZIP_EMPTY)
    return files


def _check_sizes(entries: list[zipfile.ZipInfo], bounds: ArchiveBounds) -> None:
    unpacked, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    if any(_is_bomb(entry.file_size, entry.compress_size, bounds) for entry in entries) or _is_bomb(
        unpacked, packed, bounds
    ):
        raise _Hostile(RefusalCode.ZIP_BOMB)
    if unpacked > bounds.total_bytes:
        raise _Hostile(RefusalCode.ZIP_TOO_LARGE, _at_most(unpacked, bounds.total_bytes))


def _is_bomb(unpacked: int, packed: int, bounds: ArchiveBounds) -> bool:
    return unpacked > bounds.ratio_free_bytes and unpacked > bounds.ratio * max(packed, 1)


def _unpack(
    archive: zipfile.ZipFile,
    files: list[tuple[zipfile.ZipInfo, str]],
    outer: str,
    hints: Mapping[str, str],
    bounds: ArchiveBounds,
) -> Iterator[Part | Refused]:
    given: dict[str, int] = {}
    left = bounds.total_bytes
    for entry, name in files:
        inner = make_printable(name.replace("\\", "/"))
        given[inner] = given.get(inner, 0) + 1
        # Two entries of one name are two files: neither may hide the other.
        part = f"{outer}!{inner}" + (f"#{given[inner]}" if given[inner] > 1 else "")
        file_name = make_safe_name(name).text
        if entry.file_size > bounds.file_bytes:
            yield Refused(part, file_name, RefusalCode.TOO_LARGE, _at_most(entry.file_size, bounds.file_bytes), hints)
            continue
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
            target = cast(BinaryIO, spool)
            fault = _unpack_entry(archive, entry, target, min(bounds.file_bytes, left))
            left -= target.tell()
            if fault is None and is_packed_again(target):
                fault = RefusalCode.ZIP_NESTED
            if fault is not None:
                yield Refused(part, file_name, fault, inner, hints)
                continue
            target.seek(0)
            yield Part(part, file_name, target, hints)


def _unpack_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: BinaryIO, most: int) -> RefusalCode | None:
    """Unpack at most `most` bytes; why the entry is not taken, or None. The size in the directory is not believed."""
    size = 0
    try:
        source = archive.open(entry)
    except _BROKEN:
        return RefusalCode.ZIP_BROKEN
    with source:
        while True:
            try:
                chunk = source.read(CHUNK_BYTES)
            except _BROKEN:
                return RefusalCode.ZIP_BROKEN
            if not chunk:
                return None
            size += len(chunk)
            if size > most:
                return RefusalCode.ZIP_BOMB
            target.write(chunk)


def is_packed_again(stream: BinaryIO) -> bool:
    """Whether bytes are an archive of any kind, whatever their name says."""
    stream.seek(0)
    head = stream.read(8)
    return head.startswith(_OTHER_ARCHIVES) or is_archive(stream)


def read_entry_name(entry: zipfile.ZipInfo) -> str:
    """The name as its maker meant it: UTF-8 where it is marked so or can be nothing else, else Vietnamese Windows or DOS."""
    name = entry.orig_filename
    if entry.flag_bits & _UTF8:
        return name
    extra = entry.extra
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == _UNICODE_NAME and length > 5:
            return extra[9 : 4 + length].decode("utf-8", "replace")
        extra = extra[4 + length :]
    raw = name.encode("cp437", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        windows = raw.decode("cp1258")
    except UnicodeDecodeError:
        return name
    return windows if _VIETNAMESE.fullmatch(unicodedata.normalize("NFC", windows)) else name


def _at_most(found: int, most: int) -> str:
    return make_printable(f"{format_number(found)} > {format_number(most)}", MOST_TEXT_CHARACTERS)
