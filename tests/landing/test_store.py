"""The landing store: bytes under their hash, whole or not at all, also after a power cut."""

from __future__ import annotations

import hashlib
import io
import os
import tracemalloc
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from etl.landing.store import CHUNK_BYTES, LandingStore, MissingBytes, UnreadableSource


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> LandingStore:
    return LandingStore((tmp_path / "kho tệp").as_uri() if request.param == "file" else f"memory://{tmp_path.name}")


def blob_of(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / sha256


@pytest.mark.parametrize("data", [b"", b"abc", os.urandom(2 * CHUNK_BYTES + 1)])
def test_what_is_put_can_be_got(store: LandingStore, data: bytes) -> None:
    sha256 = store.put(data)
    assert sha256 == hashlib.sha256(data).hexdigest()
    assert (store.get(sha256), store.size(sha256)) == (data, len(data))
    assert store.put(data) == sha256


def test_what_is_not_there_is_our_fault(store: LandingStore) -> None:
    for ask in (store.get, store.size):
        with pytest.raises(MissingBytes, match="restore it"):
            ask("0" * 64)


def test_a_blob_that_is_gone_or_cut_short_is_put_again(tmp_path: Path) -> None:
    store = LandingStore(tmp_path.as_uri())
    sha256 = store.put(b"whole")
    blob_of(tmp_path, sha256).write_bytes(b"wh")
    assert store.get(store.put(b"whole")) == b"whole"
    blob_of(tmp_path, sha256).unlink()
    assert store.get(store.put(b"whole")) == b"whole"


def test_a_stream_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "big"
    with file.open("wb") as stream:
        stream.truncate(24 * CHUNK_BYTES)
    store = LandingStore((tmp_path / "landing").as_uri())
    with file.open("rb") as stream:
        tracemalloc.start()
        stored = store.put_stream(stream)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert stored.size == 24 * CHUNK_BYTES
    assert peak < 6 * CHUNK_BYTES


def test_the_blob_is_named_by_the_bytes_that_were_written(tmp_path: Path) -> None:
    """The source grows after it was hashed."""

    class Growing(io.BytesIO):
        reads = 0

        def seek(self, *place: int) -> int:
            self.reads += 1
            if self.reads == 2:
                super().seek(0, io.SEEK_END)
                self.write(b" and more")
            return super().seek(*place)

    store = LandingStore(tmp_path.as_uri())
    first = b"first" * CHUNK_BYTES
    stored = store.put_stream(Growing(first))
    assert store.get(stored.sha256) == first + b" and more"


def test_a_small_source_is_read_once(tmp_path: Path) -> None:
    """What was hashed is what is written, whatever becomes of the source meanwhile."""

    class Passing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.truncate(0)
            return data

    store = LandingStore(tmp_path.as_uri())
    assert store.get(store.put_stream(Passing(b"first")).sha256) == b"first"


def test_a_source_that_fails_leaves_nothing(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1) -> bytes:
            self.reads += 1
            if self.reads == 4:  # the hash takes three reads, the writing fails in its first
                raise OSError(5, "Input/output error")
            return super().read(size)

    store = LandingStore(tmp_path.as_uri())
    with pytest.raises(UnreadableSource, match="Input/output error"):
        store.put_stream(Broken(b"x" * (CHUNK_BYTES + 1)))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_bytes_and_name_are_on_the_disk_before_anyone_relies_on_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real calls in their order: the file is synced under its other name, the folders after it has its own."""
    store = LandingStore(tmp_path.as_uri())
    target = blob_of(tmp_path, hashlib.sha256(b"abc").hexdigest())
    seen: list[tuple[str, bool]] = []
    sync = os.fsync

    def fsync(number: int) -> None:
        seen.append((str(Path(f"/proc/self/fd/{number}").readlink()), target.exists()))
        sync(number)

    monkeypatch.setattr(os, "fsync", fsync)
    store.put(b"abc")
    assert [exists for _, exists in seen] == [False, True, True]
    assert seen[0][0].endswith(".part")
    assert [place for place, _ in seen[1:]] == [str(target.parent), str(tmp_path)]


class Once(io.RawIOBase):
    """A stream such as a network has: it cannot be read twice."""

    def __init__(self, chunks: int) -> None:
        self.left = chunks

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        self.left -= 1
        return os.urandom(1) * size if self.left >= 0 else b""


def test_a_stream_that_is_read_once_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    store = LandingStore((tmp_path / "landing").as_uri())
    tracemalloc.start()
    stored = store.put_stream(cast("BinaryIO", Once(24)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (stored.size, store.size(stored.sha256)) == (24 * CHUNK_BYTES, 24 * CHUNK_BYTES)
    assert peak < 6 * CHUNK_BYTES


def test_a_folder_with_vietnamese_letters_is_that_folder(tmp_path: Path) -> None:
    folder = tmp_path / "kho dữ liệu 100%"
    sha256 = LandingStore(folder.as_uri()).put(b"abc")
    assert blob_of(folder, sha256).read_bytes() == b"abc"
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
