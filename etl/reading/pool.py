"""Reads many workbooks in a few long-lived children, so that a hostile file can only ever cost its own reading.

Each file has a time and memory limit; a child that dies or is late is replaced and the other files go on. Results keep
the order of the items, and items are taken from their source only a few ahead. Must not interpret what is read.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from etl.reading.failures import FailedReading, ReaderFaultError, ReadingFailure
from etl.reading.grid import Workbook
from etl.reading.link import ChildLink, Lost
from etl.reading.wire import decode_answer

Key = TypeVar("Key", bound=Hashable)

MAX_FILES_PER_CHILD = 1000
"""A child is replaced after so many files, or when its memory has grown past a quarter of the limit."""

LOOK_AHEAD = 4
"""Items taken ahead of the one being yielded, for each child. Bounds memory: items × (file + workbook)."""

_MIB = 1024 * 1024
_LIGHT_FRAME = _MIB // 2
"""Larger answers wait packed until their turn: unpacked they take tens of times as much, and several may wait at once."""

Reading = Workbook | FailedReading


class ReaderPool:
    """Up to `size` reading children; a context manager. Children start when first needed.

    memory_bytes: address space of a child; 256 MiB is about the least it starts with.
    seconds: wall-clock limit for one file. max_file_bytes: larger files are not even opened.
    Raises ReaderFaultError when children cannot start: our fault, never that of a file.
    """

    def __init__(
        self,
        size: int = 2,
        memory_bytes: int = 1024 * _MIB,
        seconds: float = 30.0,
        max_file_bytes: int = 20 * _MIB,
    ) -> None:
        if size < 1:
            raise ValueError(f"a reader pool has at least 1 child, not {size}")
        self._size = size
        self._memory_bytes = memory_bytes
        self._seconds = seconds
        self._max_file_bytes = max_file_bytes
        self._owner = os.getpid()
        self._closed = False
        self._idle: queue.LifoQueue[ChildLink] = queue.LifoQueue()
        self._busy: set[ChildLink] = set()
        self._lock = threading.Lock()
        # One thread a child: it waits on the pipes, and keeps its child busy while the caller works on a result.
        self._threads = ThreadPoolExecutor(max_workers=size, thread_name_prefix="reading")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the children at once, files in hand included: nobody can take their results any more. Safe to repeat."""
        if self._owner != os.getpid():
            return  # a fork of the owner: the children and threads are not ours to end
        with self._lock:
            self._closed = True
            for child in self._busy:
                child.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        while not self._idle.empty():
            self._idle.get_nowait().stop()

    def warm_up(self) -> None:
        """Starts the children beside whatever the caller does next; each takes some tenths of a second to come up."""
        for _ in range(self._size):
            self._threads.submit(self._start_child)

    def _start_child(self) -> None:
        # A child that cannot start is reported by the reading that needs it.
        with contextlib.suppress(ReaderFaultError):
            child = ChildLink(self._memory_bytes, self._seconds)
            with self._lock:
                if not self._closed:
                    self._idle.put(child)
                    return
            child.stop()

    def read(self, items: Iterable[tuple[Key, bytes]]) -> Iterator[tuple[Key, Workbook | FailedReading]]:
        """Each item's key with its workbook or failure, in the order of `items`, which is consumed lazily.

        Raises ReaderFaultError; whatever `items` raises comes through at once.
        """
        if self._closed or self._owner != os.getpid():
            raise ReaderFaultError("the reader pool is closed, or was opened before a fork: open one where it is used")
        window: deque[tuple[Key, Future[Reading | bytearray]]] = deque()
        try:
            for key, data in items:
                window.append((key, self._threads.submit(self._read_one, data)))
                if len(window) > LOOK_AHEAD * self._size:
                    first, future = window.popleft()
                    yield first, _unpack(future.result())
            while window:
                first, future = window.popleft()
                yield first, _unpack(future.result())
        finally:
            for _, future in window:
                future.cancel()

    def _read_one(self, data: bytes) -> Reading | bytearray:
        if not data:
            return FailedReading(ReadingFailure.FILE_EMPTY)
        if len(data) > self._max_file_bytes:
            return FailedReading(ReadingFailure.FILE_TOO_LARGE, "bytes")
        child = self._take_child()
        used = child.files_read > 0
        result, may_be_ours = self._ask(child, data)
        if may_be_ours or (used and _is_about_memory(result)):
            # Memory left over from earlier files, or a kill from outside: a unit must not be blamed for those.
            result, _ = self._ask(ChildLink(self._memory_bytes, self._seconds), data)
        return result

    def _take_child(self) -> ChildLink:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return ChildLink(self._memory_bytes, self._seconds)

    def _ask(self, child: ChildLink, data: bytes) -> tuple[Reading | bytearray, bool]:
        """The result, packed when it is heavy, and whether its failure may be the machine's fault.

        Keeps the child when it is still good; one that read a heavy file has grown and goes.
        """
        keep = False
        with self._lock:
            self._busy.add(child)
        try:
            if self._closed:
                raise ReaderFaultError("the reader pool was closed while a file was read")
            frame = child.exchange(data, self._seconds)
            if frame is Lost.LATE:
                return FailedReading(ReadingFailure.FILE_TIMEOUT), False
            if frame is Lost.DIED:
                code = child.wait_end()
                return _explain_death(code), code == -signal.SIGKILL
            if len(frame) > _LIGHT_FRAME:
                return frame, False
            try:
                answer = decode_answer(frame)
            except ValueError:
                return FailedReading(ReadingFailure.FILE_UNREADABLE, "broken_child"), False
            small = answer.peak_bytes <= self._memory_bytes // 4
            keep = small and child.files_read < MAX_FILES_PER_CHILD and not _is_about_memory(answer.result)
            return answer.result, False
        finally:
            with self._lock:
                self._busy.discard(child)
            if keep:
                self._idle.put(child)
            else:
                child.stop()


def _unpack(result: Reading | bytearray) -> Reading:
    if not isinstance(result, bytearray):
        return result
    try:
        return decode_answer(result).result
    except ValueError:
        return FailedReading(ReadingFailure.FILE_UNREADABLE, "broken_child")


def _is_about_memory(result: Reading | bytearray) -> bool:
    return isinstance(result, FailedReading) and result.detail == "memory"


def _explain_death(code: int) -> FailedReading:
    """What a child's end says about the file it was reading. calamine aborts (SIGABRT) when it may not allocate."""
    if code == -signal.SIGXCPU:
        return FailedReading(ReadingFailure.FILE_TIMEOUT)
    if code in {-signal.SIGABRT, -signal.SIGKILL}:
        return FailedReading(ReadingFailure.FILE_TOO_LARGE, "memory")
    return FailedReading(ReadingFailure.FILE_UNREADABLE, "crash")


def read_workbook(
    data: bytes,
    memory_bytes: int = 1024 * _MIB,
    seconds: float = 30.0,
    max_file_bytes: int = 20 * _MIB,
) -> Workbook | FailedReading:
    """One workbook in a child of its own; for many use `ReaderPool`. Raises ReaderFaultError when it cannot start."""
    with ReaderPool(1, memory_bytes, seconds, max_file_bytes) as pool:
        return next(pool.read([(0, data)]))[1]
