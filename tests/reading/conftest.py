"""One pool for all tests of reading: also shows that files before do not disturb those after."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from etl.reading.failures import FailedReading
from etl.reading.grid import Workbook
from etl.reading.pool import ReaderPool

Read = Callable[[bytes], Workbook | FailedReading]


@pytest.fixture(scope="session")
def reader_pool() -> Iterator[ReaderPool]:
    with ReaderPool(1, seconds=20.0) as pool:
        yield pool


@pytest.fixture(scope="session")
def read_one(reader_pool: ReaderPool) -> Read:
    return lambda data: next(reader_pool.read([(0, data)]))[1]


@pytest.fixture(scope="session")
def read_sound(read_one: Read) -> Callable[[bytes], Workbook]:
    def read(data: bytes) -> Workbook:
        result = read_one(data)
        assert isinstance(result, Workbook), result
        return result

    return read
