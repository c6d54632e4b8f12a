"""What all pages share: the context of the use cases, kept open, and read anew when the register's files change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from etl.reading.pool import ReaderPool
from etl.review.checker import Checker
from etl.settings import Settings
from etl.usecases.context import Clock, Context, open_context, real_clock


@dataclass
class Office:
    """Opens one context (engine, register, forms) for the program. Threads share it: what it holds is only read."""

    read_settings: Callable[[], Settings]
    clock: Clock = real_clock
    _context: Context | None = None
    _readers: ReaderPool | None = None
    _checker: Checker | None = None
    _stamp: tuple[object, ...] = ()
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def context(self) -> Context:
        """The context now. Raises WarehouseUnreachable, WarehouseNotReady, BadRegister."""
        with self._lock:
            settings = self._context.settings if self._context is not None else self.read_settings()
            stamp = _stamp_folder(settings.register)
            if self._context is None or stamp != self._stamp:
                with open_context(settings, clock=self.clock) as probe:
                    # Its engine is given back at the end of the block; a fresh pool fills itself on first use.
                    _ = probe.register, probe.forms
                    self._context, self._stamp = probe, stamp
            return self._context

    def readers(self) -> ReaderPool:
        """The children that read workbooks to be shown; kept, because one takes some tenths of a second to come up."""
        settings = self.context().settings
        with self._lock:
            if self._readers is None:
                self._readers = ReaderPool(
                    1, settings.reader_memory_bytes, settings.reader_seconds, settings.max_file_bytes
                )
            return self._readers

    def checker(self) -> Checker:
        """Who examines uploads, with the rules kept warm."""
        with self._lock:
            if self._checker is None:
                self._checker = Checker(self.context)
            return self._checker

    def close(self) -> None:
        """Give the connections back, end the readers."""
        with self._lock:
            checker, self._checker = self._checker, None
        if checker is not None:
            checker.close()  # not under the lock: a load in hand asks for the context
        with self._lock:
            if self._readers is not None:
                self._readers.close()
                self._readers = None
            if self._context is not None:
                self._context.engine.dispose()
                self._context = None


def _stamp_folder(folder: Path) -> tuple[object, ...]:
    return tuple(sorted((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in folder.glob("*.*")))
