"""The parent's end of one reading child: start it, give it a file, take its answer before a deadline, end it.

Plain subprocess and pipes, so that it works in forked, multi-threaded parents (Airflow tasks). Must not judge a file:
it says what became of the child, the pool says what that means.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import selectors
import subprocess
import sys
import time
from enum import Enum
from pathlib import Path

from etl.reading.failures import ReaderFaultError
from etl.reading.wire import FRAME_HEADER, MAX_ANSWER_BYTES, READY

START_SECONDS = 60.0
_BLOCK = 1024 * 1024
_ROOT = str(Path(__file__).resolve().parent.parent.parent)
# -I and no `site`: nothing of the parent's environment or of start-up hooks reaches the child.
_BOOTSTRAP = (
    "import json, sys; sys.path += json.loads(sys.argv[1]); "
    "from etl.reading.child import main; main(int(sys.argv[2]), float(sys.argv[3]))"
)


class Lost(Enum):
    """Why there is no answer."""

    DIED = "died"
    LATE = "late"


class ChildLink:
    """One child. Not to be used by two threads at a time, nor after the parent has forked.

    Raises ReaderFaultError when the child does not come up, with what it wrote to stderr.
    """

    def __init__(self, memory_bytes: int, seconds: float) -> None:
        self.files_read = 0
        self.peak_bytes = 0
        arguments = [sys.executable, "-I", "-S", "-c", _BOOTSTRAP]
        arguments += [json.dumps(_library_folders()), str(memory_bytes), str(seconds)]
        # Only for interpreters whose own library is not in a standard folder; without it they cannot start at all.
        environment = {name: value for name in ("LD_LIBRARY_PATH",) if (value := os.environ.get(name))}
        self._child = subprocess.Popen(
            arguments,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
        assert self._child.stdin and self._child.stdout and self._child.stderr  # noqa: S101
        self._requests = self._child.stdin
        self._answers = self._child.stdout
        os.set_blocking(self._requests.fileno(), False)
        os.set_blocking(self._answers.fileno(), False)
        try:
            greeting = self._transfer(b"", time.monotonic() + START_SECONDS)
            if isinstance(greeting, Lost) or bytes(greeting) != READY:
                raise ReaderFaultError(self._explain_start())
        except BaseException:
            self.stop()
            raise
        finally:
            self._child.stderr.close()

    @property
    def pid(self) -> int:
        """The child's id, for tests and logs."""
        return self._child.pid

    def exchange(self, data: bytes, seconds: float) -> bytearray | Lost:
        """Sends a file and waits at most `seconds` for the answer frame. After `Lost` the child must be stopped."""
        self.files_read += 1
        return self._transfer(FRAME_HEADER.pack(len(data)) + data, time.monotonic() + seconds)

    def kill(self) -> None:
        """Ends the child at once, from any thread; the thread that waits for its answer gets `Lost` and stops it."""
        with contextlib.suppress(OSError):
            self._child.kill()

    def stop(self) -> int:
        """Ends the child if it still runs, and gives its return code (negative: the signal). Leaves no zombie."""
        self.kill()
        code = self._child.wait()
        for pipe in (self._requests, self._answers):
            with contextlib.suppress(OSError):
                pipe.close()
        return code

    def wait_end(self, seconds: float = 5.0) -> int:
        """The return code of a child that has closed its answers; ends it when it lingers."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(seconds)
        return self.stop()

    def _transfer(self, request: bytes, deadline: float) -> bytearray | Lost:
        rest = memoryview(request)
        answer = bytearray()
        wanted = FRAME_HEADER.size
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            if rest:
                selector.register(self._requests, selectors.EVENT_WRITE)
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    return Lost.LATE
                for key, _ in selector.select(left):
                    if key.fileobj is self._requests:
                        try:
                            rest = rest[os.write(key.fd, rest[:_BLOCK]) :]
                        except BlockingIOError:
                            continue
                        except BrokenPipeError:
                            return Lost.DIED
                        if not rest:
                            selector.unregister(self._requests)
                        continue
                    block = os.read(key.fd, _BLOCK)
                    if not block:
                        return Lost.DIED
                    answer += block
                    if wanted == FRAME_HEADER.size and len(answer) >= wanted:
                        wanted += FRAME_HEADER.unpack_from(answer)[0]
                        if wanted > MAX_ANSWER_BYTES:
                            return Lost.DIED
                    if wanted > FRAME_HEADER.size and len(answer) >= wanted:
                        return answer[FRAME_HEADER.size :]

    def _explain_start(self) -> str:
        code = self.stop()
        assert self._child.stderr is not None  # noqa: S101
        said = self._child.stderr.read(4096).decode(errors="replace").strip()
        return (
            f"the reading child did not start (return code {code}). Check that python-calamine is installed for "
            f"{sys.executable} and that the memory limit of the reader is not too small. It said: {said[-1500:]}"
        )


def _library_folders() -> list[str]:
    """Where the child finds etl and its libraries, in the parent's own order."""
    found = [_ROOT]
    for module in ("python_calamine", "olefile", "msoffcrypto", "cryptography"):
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.origin is not None:
            found.append(str(Path(spec.origin).resolve().parent.parent))
    return list(dict.fromkeys(found))
