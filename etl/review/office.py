"""What all pages share: the context of the use cases, kept open, and read anew when the register's files change."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from etl.reading.pool import ReaderPool
from etl.register.read import BadRegister
from etl.review.checker import Checker
from etl.settings import Settings
from etl.usecases.context import Clock, Context, open_context, real_clock

log = logging.getLogger(__name__)


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

    def settings(self) -> Settings:
        """The settings in use. Opens nothing: what a stranger sends is bounded by them before anybody knows who asks."""
        with self._lock:
            return self._context.settings if self._context is not None else self.read_settings()

    def context(self) -> Context:
        """The context now. Raises WarehouseUnreachable, WarehouseNotReady, BadRegister."""
        with self._lock:
            settings = self._context.settings if self._context is not None else self.read_settings()
            stamp = _stamp_folder(settings.register)
            if self._context is None or stamp != self._stamp:
                self._open(settings, stamp)
            assert self._context is not None  # noqa: S101 - for the type checker: _open sets it or raises
            return self._context

    def _open(self, settings: Settings, stamp: tuple[object, ...]) -> None:
        try:
            with open_context(settings, clock=self.clock) as probe:
                # Its engine is given back at the end of the block; a fresh pool fills itself on first use.
                _ = probe.register, probe.forms
        except BadRegister as error:
            if self._context is None:
                raise
            # Half copied, or a slip in a file: the pages go on with the register they have until the files change again.
            # Problems quote rows, and rows may be people's.
            told = "the register's files have %d problem(s) (`register diff` names them); the register of before stays in use"
            log.error(told, len(error.problems))
        else:
            self._context = probe
        self._stamp = stamp

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
    found = []
    for file in folder.glob("[!.]*.*"):
        # A file that is put in place of another may be gone between the two calls.
        with contextlib.suppress(FileNotFoundError):
            facts = file.stat()
            found.append((file.name, facts.st_mtime_ns, facts.st_size))
    return tuple(sorted(found))
