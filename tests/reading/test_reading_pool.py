"""The pool: order, bounded look-ahead, replaced children, no leftovers, forked parents."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path

import pytest
from reading_builders import list_children, make_small_xlsx, make_xls, replace_rows

from etl.reading import pool as pool_module
from etl.reading.failures import FailedReading, ReaderFaultError, ReadingFailure
from etl.reading.grid import Workbook
from etl.reading.link import ChildLink, Lost
from etl.reading.pool import ReaderPool, read_workbook
from etl.reading.wire import Answer, decode_answer, encode_failure

SOUND = make_small_xlsx()
GIANT = replace_rows(
    SOUND, '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
)


def text_of(result: Workbook | FailedReading) -> str:
    assert isinstance(result, Workbook), result
    return result.sheets[0].cells[0, 0].text


def count_open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_order_is_kept_around_failures() -> None:
    items = [(n, GIANT if n % 7 == 3 else make_small_xlsx(f"tệp {n}", sheets=1 + n % 5)) for n in range(40)]
    with ReaderPool(2) as pool:
        results = list(pool.read(items))
    assert [key for key, _ in results] == list(range(40))
    for number, result in results:
        if number % 7 == 3:
            assert result == FailedReading(ReadingFailure.FILE_TOO_LARGE, "memory")
        else:
            assert text_of(result) == f"tệp {number}"


def test_items_are_taken_only_a_few_ahead() -> None:
    taken = 0

    def items() -> Iterator[tuple[int, bytes]]:
        nonlocal taken
        for number in range(500):
            taken += 1
            yield number, SOUND

    with ReaderPool(2) as pool:
        for number, _ in pool.read(items()):
            assert taken <= number + 1 + 2 * pool_module.LOOK_AHEAD
            if number == 100:
                break
    assert taken <= 101 + 2 * pool_module.LOOK_AHEAD


def test_what_the_source_raises_comes_through() -> None:
    def items() -> Iterator[tuple[int, bytes]]:
        yield 1, SOUND
        raise OSError("the store is away")

    with ReaderPool(1) as pool:
        with pytest.raises(OSError, match="the store is away"):
            list(pool.read(items()))
        assert text_of(next(pool.read([(0, SOUND)]))[1]) == "Đơn vị"


def test_a_child_killed_from_outside_costs_no_file() -> None:
    with ReaderPool(1) as pool:
        before = set(list_children(os.getpid()))
        next(pool.read([(0, SOUND)]))
        (child,) = set(list_children(os.getpid())) - before
        os.kill(child, signal.SIGKILL)
        assert text_of(next(pool.read([(0, SOUND)]))[1]) == "Đơn vị"


def test_children_are_replaced_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "MAX_FILES_PER_CHILD", 2)
    children = set()
    before = set(list_children(os.getpid()))
    with ReaderPool(1) as pool:
        for _ in range(5):
            next(pool.read([(0, SOUND)]))
            children |= set(list_children(os.getpid())) - before
    assert len(children) >= 2


def test_one_child_reads_many_files() -> None:
    """Also in a large parent (Airflow with pandas): a fresh child must not count its parent's memory as its own."""
    ballast = b"x" * (300 * 1024 * 1024)
    before = set(list_children(os.getpid()))
    children = set()
    with ReaderPool(1) as pool:
        for _ in range(20):
            next(pool.read([(0, SOUND)]))
            children |= set(list_children(os.getpid())) - before
    assert len(children) == 1
    assert ballast


def test_nothing_is_left_behind() -> None:
    files, children, threads = count_open_files(), list_children(os.getpid()), threading.active_count()
    with ReaderPool(2) as pool:
        assert len(list(pool.read([(n, GIANT if n == 4 else SOUND) for n in range(12)]))) == 12
    with ReaderPool(2) as pool:  # given up half-way
        next(pool.read((n, SOUND) for n in range(50)))
    assert count_open_files() == files
    assert list_children(os.getpid()) == children
    assert threading.active_count() == threads


def test_an_error_in_the_with_block_ends_the_children() -> None:
    children = list_children(os.getpid())
    with pytest.raises(RuntimeError, match="ours"), ReaderPool(2) as pool:
        next(pool.read([(0, SOUND)]))
        raise RuntimeError("ours")
    assert list_children(os.getpid()) == children


def test_closing_does_not_wait_for_a_slow_file() -> None:
    """An Airflow task that is told to stop has seconds, not the 30 that a file may take."""
    digits = random.Random(1)
    rows = "".join(f"<row><c><v>{digits.getrandbits(60)}</v></c></row>" for _ in range(600_000))
    slow = replace_rows(SOUND, rows)
    children = list_children(os.getpid())
    started = threading.Event()

    def items() -> Iterator[tuple[int, bytes]]:
        for number in range(20):
            if number == 5:
                started.set()
            yield number, slow

    pool = ReaderPool(2)

    def read_all() -> None:
        with contextlib.suppress(ReaderFaultError, CancelledError):
            list(pool.read(items()))

    reading = threading.Thread(target=read_all)
    reading.start()
    assert started.wait(10)
    begin = time.monotonic()
    pool.close()
    assert time.monotonic() - begin < 1.0
    reading.join()
    assert list_children(os.getpid()) == children


def test_in_a_forked_child_of_a_parent_with_threads() -> None:
    """As in an Airflow task: the parent has threads, and a pool of its own that the fork must not touch."""
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        with ReaderPool(1) as outer:
            next(outer.read([(0, SOUND)]))
            pid = os.fork()
            if pid == 0:
                code = 1
                try:
                    refused = False
                    try:
                        next(outer.read([(0, SOUND)]))
                    except ReaderFaultError:
                        refused = True
                    outer.close()
                    with ReaderPool(2) as inner:
                        results = [text_of(result) for _, result in inner.read((n, SOUND) for n in range(10))]
                    code = 0 if refused and results == ["Đơn vị"] * 10 else 2
                finally:
                    os._exit(code)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
            assert text_of(next(outer.read([(0, SOUND)]))[1]) == "Đơn vị"
    finally:
        stop.set()
        thread.join()


def test_from_several_threads_at_once() -> None:
    seen: list[str] = []
    with ReaderPool(2) as pool:

        def read(text: str) -> None:
            items = ((n, make_small_xlsx(text)) for n in range(10))
            seen.extend(text_of(result) for _, result in pool.read(items))

        threads = [threading.Thread(target=read, args=(name,)) for name in ("một", "hai", "ba")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(seen) == sorted(["một", "hai", "ba"] * 10)


def test_one_shot() -> None:
    assert text_of(read_workbook(SOUND)) == "Đơn vị"
    assert read_workbook(make_xls([], locked=True)) == FailedReading(ReadingFailure.FILE_ENCRYPTED)


def test_a_limit_too_small_to_work_in_is_our_fault() -> None:
    """Otherwise every sound file would be called too large."""
    with pytest.raises(ReaderFaultError, match="did not start"):
        read_workbook(SOUND, memory_bytes=1024 * 1024)


def test_a_closed_pool_says_so() -> None:
    with ReaderPool(1) as pool:
        pass
    with pytest.raises(ReaderFaultError, match="closed"):
        next(pool.read([(0, SOUND)]))


def test_the_child_has_nothing_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variables (passwords are in them), no open files, no folder, no terminal of the parent."""
    monkeypatch.setenv("MOVEMENT_REPORTS_WAREHOUSE_URL", "postgresql://secret")
    with (tmp_path / "held").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        child = ChildLink(1 << 30, 10.0)
        try:
            assert not isinstance(child.exchange(SOUND, 10.0), Lost)
            home = Path(f"/proc/{child.pid}")
            assert b"secret" not in (home / "environ").read_bytes()
            assert (home / "cwd").readlink() == Path("/")
            targets = {str(link.readlink()) for link in (home / "fd").iterdir()}
            assert {name for name in targets if not name.startswith("pipe:")} == {"/dev/null"}
            limits = (home / "limits").read_text()
            assert "Max file size             0 " in limits
            assert "Max core file size        0 " in limits
            assert f"Max address space         {1 << 30}" in limits
        finally:
            child.stop()


def test_a_child_ends_when_its_parent_is_gone() -> None:
    """The end of the pipe is all that tells it: nobody is left to stop it."""
    child = ChildLink(1 << 30, 10.0)
    child._requests.close()
    assert child._child.wait(10) == 0
    child.stop()


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"peak":1,"failure":"FILE_ODD","detail":""}',
        b'{"peak":1,"format":"exe","codes":[],"sheets":[]}',
        b'{"peak":1,"format":"xls","codes":[null],"sheets":[{"name":"a","visible":1,"merged":[],"r":[1],"c":[],"k":"",'
        b'"t":[],"f":[]}]}',
        b"[" * 100_000,
    ],
)
def test_what_a_broken_child_says_is_refused(frame: bytes) -> None:
    with pytest.raises(ValueError):
        decode_answer(frame)


def test_a_failure_goes_over_the_wire() -> None:
    failed = FailedReading(ReadingFailure.FILE_NOT_WORKBOOK, "pdf")
    assert decode_answer(encode_failure(failed, 7)) == Answer(failed, 7)
