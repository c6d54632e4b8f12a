"""Examines what units upload, one load at a time, with the rules kept warm: whoever sent a file sees its verdict in seconds.

One thread of its own, so that a hundred uploads of the last evening neither wait in the threads that serve the other pages nor
load beside each other; whoever waits together is loaded together. What fails here stays pending, for the next run of the DAG.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from etl.examination import Examiner
from etl.usecases.context import Context
from etl.usecases.load import load_batch, make_examiner

log = logging.getLogger(__name__)


class Checker:
    """`load` from any thread; `close` at the end of the program. The children that read files are its own."""

    def __init__(self, read_context: Callable[[], Context]) -> None:
        self._read_context = read_context
        self._lock = threading.Lock()
        self._waiting: list[tuple[Sequence[int], Future[None]]] = []
        self._thread: ThreadPoolExecutor | None = None
        self._examiner: Examiner | None = None
        self._of: Context | None = None

    def warm_up(self) -> None:
        """Load the rules beside whatever the program does next; faults are told by the load that meets them."""
        self._submit(self._prepare)

    def load(self, arrivals: Sequence[int]) -> Future[None]:
        """Examine and load these arrivals; done when they are, or when that failed through a fault of ours."""
        future: Future[None] = Future()
        with self._lock:
            self._waiting.append((arrivals, future))
        self._submit(self._load_waiting)
        return future

    def close(self) -> None:
        """End the load in hand, give up the others, end the children."""
        with self._lock:
            thread, self._thread = self._thread, None
            waiting, self._waiting = self._waiting, []
        for _, future in waiting:
            future.cancel()
        if thread is not None:
            thread.shutdown(wait=True, cancel_futures=True)
        self._let_go()

    def _submit(self, work: Callable[[], None]) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="checker")
            self._thread.submit(work)

    def _prepare(self) -> None:
        try:
            self._open().prepare()
        except Exception as error:
            log.warning("the rules could not be loaded beforehand (%s)", type(error).__name__)

    def _load_waiting(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        # Whoever stopped waiting (a closed browser) still has the file examined; from here on nobody can cancel.
        told = [future for _, future in waiting if future.set_running_or_notify_cancel()]
        if not waiting:
            return  # loaded with those before
        try:
            arrivals = [arrival for some, _ in waiting for arrival in some]
            load_batch(self._read_context(), arrivals, examiner=self._open())
        except Exception as error:
            # Coordinates only. The arrivals are pending: the sender is told that the file is here.
            log.error("uploads could not be examined (%s); the next run of ingest takes them", type(error).__name__)
            self._let_go()
        finally:
            for future in told:
                future.set_result(None)

    def _open(self) -> Examiner:
        """The examiner of the register as it is now."""
        context = self._read_context()
        if self._examiner is None or self._of is not context:
            self._let_go()
            self._examiner, self._of = make_examiner(context), context
            self._examiner.__enter__()
        return self._examiner

    def _let_go(self) -> None:
        if self._examiner is not None:
            with contextlib.suppress(Exception):
                self._examiner.__exit__(None, None, None)
            self._examiner = self._of = None
