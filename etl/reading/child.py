"""The reading child: a long-lived program that reads one workbook after another and may die of any of them.

Started by `etl.reading.pool` with a memory limit. Takes frames of file bytes on stdin, gives frames of JSON on stdout
(`etl.reading.wire`), ends when stdin closes. Opens no file and no connection of its own, and never raises because of a
file. Imports only the standard library, python_calamine and the light modules of etl.reading.
"""

from __future__ import annotations

import contextlib
import gc
import mmap
import os
import resource
import sys

from etl.reading.extract import read_bytes
from etl.reading.failures import FailedReading, ReadingFailure
from etl.reading.wire import FRAME_HEADER, MAX_ANSWER_BYTES, READY, encode_failure, encode_workbook

_BLOCK = 1024 * 1024
_LEAST_FREE_BYTES = 100 * 1024 * 1024
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


def main(memory_bytes: int, seconds: float) -> None:
    """Reads files until stdin closes. `seconds` is the wall-clock limit of the parent; here it bounds the CPU time."""
    requests, answers = os.dup(0), os.dup(1)
    _set_limits(memory_bytes)
    # A limit too small to work in must fail here, as our fault: later it would call every sound file too large.
    mmap.mmap(-1, _LEAST_FREE_BYTES).close()
    _write_frame(answers, READY)
    # A panic of calamine prints to stderr, with pieces of the file; nothing but frames may reach the parent.
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    # Cells are many and hold no cycles: the usual thresholds would walk through them again and again.
    gc.set_threshold(100_000, 50, 50)
    while True:
        data = _read_frame(requests)
        if data is None:
            return
        _allow_cpu(seconds)
        _write_frame(answers, _answer(data))


def _answer(data: bytes) -> bytes:
    result = read_bytes(data)
    if not isinstance(result, FailedReading):
        try:
            answer = encode_workbook(result[0].value, result[1], _peak_bytes())
            if len(answer) <= MAX_ANSWER_BYTES:
                return answer
            result = FailedReading(ReadingFailure.FILE_TOO_LARGE, "text")
        except MemoryError:
            result = FailedReading(ReadingFailure.FILE_TOO_LARGE, "memory")
    return encode_failure(result, _peak_bytes())


def _set_limits(memory_bytes: int) -> None:
    sys.dont_write_bytecode = True
    for limit, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        try:
            resource.setrlimit(limit, (most, most))
        except (OSError, ValueError):  # macOS has no RLIMIT_AS to speak of; the wall clock still bounds the child
            if sys.platform == "linux":
                raise


def _allow_cpu(seconds: float) -> None:
    """Moves the soft CPU limit, which counts from the start of the program, to `seconds` from now. The parent stops a
    child by the wall clock; this stops one whose parent is gone."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = int(usage.ru_utime + usage.ru_stime + seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _peak_bytes() -> int:
    """The most memory held since this program began. Not ru_maxrss on Linux: that starts with the parent's memory."""
    with contextlib.suppress(OSError), open("/proc/self/status", "rb") as status:  # noqa: PTH123 (pathlib costs a start)
        for line in status:
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT


def _read_frame(stream: int) -> bytes | None:
    header = _read_exactly(stream, FRAME_HEADER.size)
    return None if header is None else _read_exactly(stream, FRAME_HEADER.unpack(header)[0])


def _read_exactly(stream: int, count: int) -> bytes | None:
    blocks: list[bytes] = []
    while count:
        block = os.read(stream, min(count, _BLOCK))
        if not block:
            return None
        blocks.append(block)
        count -= len(block)
    return b"".join(blocks)


def _write_frame(stream: int, body: bytes) -> None:
    rest = memoryview(FRAME_HEADER.pack(len(body)) + body)
    while rest:
        rest = rest[os.write(stream, rest) :]


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
