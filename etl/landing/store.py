"""Keeps bytes under their SHA-256 in a folder or object store (any fsspec URL). Never overwrites good bytes, never deletes."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import unquote

import fsspec
from fsspec.implementations.local import LocalFileSystem

CHUNK_BYTES = 1024 * 1024


class MissingBytes(RuntimeError):
    """Bytes that the warehouse knows are not in the store, or are not what their name says: our fault."""


class UnreadableSource(OSError):
    """What should be stored cannot be read (any more); nothing was stored. The store itself is well."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies in the store now: SHA-256 (hex) and size in bytes."""

    sha256: str
    size: int


class LandingStore:
    """`put` and `get` by hash. Safe for several writers: a blob appears whole or not at all."""

    def __init__(self, url: str) -> None:
        self._files: Any
        # fsspec takes the %XX of a file URL for letters of the name: the bytes of a home with Vietnamese letters in its path
        # would lie in another folder beside it, where no backup of the home finds them.
        plain = unquote(url) if url.startswith("file:") else url
        # A remembered listing would take a blob for present that is gone.
        self._files, self._root = fsspec.core.url_to_fs(plain, use_listings_cache=False)
        self._local = isinstance(self._files, LocalFileSystem)

    def put(self, data: bytes) -> str:
        """Store bytes and give their SHA-256 (hex); bytes already there are left alone."""
        return self.put_stream(io.BytesIO(data)).sha256

    def put_stream(self, stream: BinaryIO) -> Stored:
        """Store what a stream holds, in memory for CHUNK_BYTES of it at most; bytes already there are left alone.

        A blob that is missing or has another size than it should is written again. Raises UnreadableSource (its cause is
        what the stream raised). A stream that cannot be read twice goes through a file of the system's temporary folder.
        """
        if not stream.seekable():
            with tempfile.SpooledTemporaryFile(max_size=CHUNK_BYTES) as spool:
                for chunk in _read_on(stream):
                    spool.write(chunk)
                return self._put_seekable(cast("BinaryIO", spool))
        return self._put_seekable(stream)

    def _put_seekable(self, stream: BinaryIO) -> Stored:
        # Hashed first: most of what is looked at lies in the store already, and writing costs more than reading.
        chunks = _read_chunks(stream)
        first = next(chunks, b"")
        second = next(chunks, b"")
        if not second:
            # A usual report: read once, written from memory.
            found = _measure([first])
            return found if self._has(found) else self._write([first])
        found = _measure(chain((first, second), chunks))
        return found if self._has(found) else self._write(_read_chunks(stream))

    def holds(self, sha256: str, size: int) -> bool:
        """Whether the blob is there with that many bytes. Asks for its size only."""
        return self._has(Stored(sha256, size))

    @property
    def local(self) -> bool:
        """Whether it is a folder of this machine: asking for sizes costs nothing there."""
        return self._local

    def size(self, sha256: str) -> int:
        """How many bytes a hash has. Raises MissingBytes when they are gone."""
        try:
            return self._ask_size(sha256)
        except FileNotFoundError as error:
            raise self._missing(sha256) from error

    def get(self, sha256: str) -> bytes:
        """The bytes of a hash. Raises MissingBytes when they are gone or changed."""
        path = self._path(sha256)
        try:
            data: bytes = Path(path).read_bytes() if self._local else self._files.cat_file(path)
        except FileNotFoundError as error:
            raise self._missing(sha256) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise MissingBytes(f"blob {sha256} in the landing store {self._root} has other bytes; restore it")
        return data

    def _has(self, stored: Stored) -> bool:
        try:
            return self._ask_size(stored.sha256) == stored.size
        except FileNotFoundError:
            return False

    def _ask_size(self, sha256: str) -> int:
        path = self._path(sha256)
        # One question to the system instead of the library's four: it is asked for every file at every look.
        return Path(path).stat().st_size if self._local else int(self._files.size(path))

    def _write(self, chunks: Iterable[bytes]) -> Stored:
        # A killed writer leaves a part under another name, never half a blob under its hash.
        name = f"{uuid.uuid4().hex}.part"
        return self._write_here(name, chunks) if self._local else self._write_there(name, chunks)

    def _write_here(self, name: str, chunks: Iterable[bytes]) -> Stored:
        """Into a folder of this machine: synced, for the warehouse relies on the blob from here on."""
        root = Path(self._root)
        part = root / name
        try:
            target = part.open("xb", buffering=0)
        except FileNotFoundError:
            root.mkdir(parents=True, exist_ok=True)
            target = part.open("xb", buffering=0)
        try:
            with target:
                # Named by the bytes written: the source may have changed since it was hashed.
                stored = _measure(_write_on(chunks, target))
                os.fsync(target.fileno())
            path = Path(self._path(stored.sha256))
            try:
                part.replace(path)
                is_new_folder = False
            except FileNotFoundError:
                path.parent.mkdir(exist_ok=True)
                part.replace(path)
                is_new_folder = True
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        # Name and folder must survive a power cut, not only the bytes.
        _sync_folder(path.parent)
        if is_new_folder:
            _sync_folder(root)
        return stored

    def _write_there(self, name: str, chunks: Iterable[bytes]) -> Stored:
        part = f"{self._root}/{name}"
        self._files.makedirs(self._root, exist_ok=True)
        try:
            with self._files.open(part, "wb") as target:
                stored = _measure(_write_on(chunks, target))
            path = self._path(stored.sha256)
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.mv(part, path)
        except BaseException:
            if self._files.exists(part):
                self._files.rm_file(part)
            raise
        return stored

    def _missing(self, sha256: str) -> MissingBytes:
        return MissingBytes(f"blob {sha256} is not in the landing store {self._root}; restore it")

    def _path(self, sha256: str) -> str:
        return f"{self._root}/{sha256[:2]}/{sha256}"


def _measure(chunks: Iterable[bytes]) -> Stored:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return Stored(digest.hexdigest(), size)


def _write_on(chunks: Iterable[bytes], target: Any) -> Iterator[bytes]:
    """The chunks, each written before it is given on."""
    for chunk in chunks:
        rest = memoryview(chunk)
        while rest:  # an unbuffered file may take a part only
            rest = rest[target.write(rest) :]
        yield chunk


def _read_chunks(stream: BinaryIO) -> Iterator[bytes]:
    try:
        stream.seek(0)
    except OSError as error:
        raise UnreadableSource(error.errno, error.strerror) from error
    yield from _read_on(stream)


def _read_on(stream: BinaryIO) -> Iterator[bytes]:
    try:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk
    except OSError as error:
        raise UnreadableSource(error.errno, error.strerror) from error


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
