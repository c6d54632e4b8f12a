"""Files made or broken to do harm cost their own reading and nothing else."""

from __future__ import annotations

import io
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import msoffcrypto.format.ooxml
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading_builders import (
    biff_bool_or_error,
    biff_label,
    biff_number,
    make_lying_archive,
    make_ods,
    make_small_xlsx,
    make_xls,
    replace_rows,
    rewrite_parts,
)

from etl.reading.failures import FailedReading, ReadingFailure
from etl.reading.grid import Cell, CellKind, Workbook, parse_cell_name
from etl.reading.pool import ReaderPool

Read = Callable[[bytes], Workbook | FailedReading]
SOUND = make_small_xlsx()
MIB = 1024 * 1024


def expect(result: Workbook | FailedReading, failure: ReadingFailure, detail: str | None = None) -> None:
    assert isinstance(result, FailedReading), result
    assert result.failure is failure
    assert detail is None or result.detail == detail


def make_sparse_giant() -> bytes:
    rows = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return replace_rows(SOUND, rows)


def make_slow_xlsx(rows: int = 1_000_000) -> bytes:
    """Sound and honest about its size, but seconds of work. Random digits, so that it does not pack like a bomb."""
    digits = random.Random(1)
    body = "".join(f"<row><c><v>{digits.getrandbits(60)}</v></c></row>" for _ in range(rows))
    return replace_rows(SOUND, body)


def test_nothing() -> None:
    with ReaderPool(1) as pool:
        results = dict(pool.read([("empty", b""), ("blank", b"\0" * 9), ("large", b"x" * 101)]))
    expect(results["empty"], ReadingFailure.FILE_EMPTY)
    expect(results["blank"], ReadingFailure.FILE_EMPTY)
    expect(results["large"], ReadingFailure.FILE_NOT_WORKBOOK, "unknown")


def test_more_bytes_than_allowed_are_not_opened() -> None:
    with ReaderPool(1, max_file_bytes=1000) as pool:
        expect(next(pool.read([(0, SOUND)]))[1], ReadingFailure.FILE_TOO_LARGE, "bytes")


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"%PDF-1.7", "pdf"),
        (b"<html><table><tr><td>1</table>", "html"),
        (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "spreadsheetml"),
        (b"MIME-Version: 1.0\nContent-Type: multipart/related\n\n<html>", "mht"),
        (b"Rar!\x1a\x07\x00", "rar"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (random.Random(3).randbytes(5000), "unknown"),
    ],
)
def test_other_files_get_their_own_reason(read_one: Read, data: bytes, detail: str) -> None:
    expect(read_one(data), ReadingFailure.FILE_NOT_WORKBOOK, detail)


@pytest.mark.parametrize("part", [0.02, 0.3, 0.7, 0.99])
def test_files_cut_short(read_one: Read, part: float) -> None:
    expect(read_one(SOUND[: int(len(SOUND) * part)]), ReadingFailure.FILE_UNREADABLE)


def test_a_part_that_is_damaged(read_one: Read) -> None:
    damaged = rewrite_parts(SOUND, lambda name, part: part[:-40] if "sheet1" in name else part)
    expect(read_one(damaged), ReadingFailure.FILE_UNREADABLE)


def test_an_xls_cut_within_its_records(read_one: Read) -> None:
    data = make_xls([biff_number(0, 0, 1), biff_bool_or_error(1, 0, 0x2A, True)])
    expect(read_one(data[:2048]), ReadingFailure.FILE_UNREADABLE)


def test_passwords(read_one: Read) -> None:
    out = io.BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(SOUND)).encrypt("mật khẩu", out)
    for data in (out.getvalue(), make_xls([], locked=True), make_ods("", encrypted=True)):
        expect(read_one(data), ReadingFailure.FILE_ENCRYPTED)


def test_a_bomb_that_says_so(read_one: Read) -> None:
    bomb = rewrite_parts(SOUND, lambda name, part: part + b" " * (24 * MIB) if "sheet1" in name else part)
    expect(read_one(bomb), ReadingFailure.FILE_TOO_LARGE, "archive")


def test_a_bomb_that_lies(read_one: Read) -> None:
    assert isinstance(read_one(make_lying_archive(256)), FailedReading)


def test_two_cells_that_span_a_giant(read_one: Read) -> None:
    giant = make_sparse_giant()
    assert len(giant) < 8000
    expect(read_one(giant), ReadingFailure.FILE_TOO_LARGE, "memory")


def test_more_cells_than_allowed(read_one: Read) -> None:
    row = "".join('<c t="b"><v>1</v></c>' for _ in range(101))
    rows = "".join(f"<row>{row}</row><!--{number * 7919 % 10_007}-->" for number in range(10_000))
    data = replace_rows(SOUND, rows)
    padded = rewrite_parts(
        data, lambda name, part: part + random.Random(2).randbytes(600_000) if "app" in name else part
    )
    expect(read_one(padded), ReadingFailure.FILE_TOO_LARGE, "cells")


def test_more_text_than_allowed(read_one: Read) -> None:
    text = "chữ " * 8000
    rows = "".join('<row><c t="s"><v>0</v></c></row>' for _ in range(3000))
    book = rewrite_parts(make_small_xlsx(text), lambda name, part: part)
    expect(read_one(replace_rows(book, rows)), ReadingFailure.FILE_TOO_LARGE, "text")


def test_one_error_repeated_over_a_whole_ods(read_one: Read) -> None:
    cell = (
        '<table:table-cell office:value-type="string" calcext:value-type="error" table:number-columns-repeated="9000">'
    )
    row = f'<table:table-row table:number-rows-repeated="9000">{cell}<text:p>#N/A</text:p></table:table-cell>'
    ods = make_ods(f'<table:table table:name="a">{row}</table:table-row></table:table>')
    assert isinstance(read_one(ods), FailedReading)


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">'
    '<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;">]>'
)


@pytest.mark.parametrize(
    "part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/sharedStrings.xml"]
)
@pytest.mark.parametrize("kind", ["laughs", "external"])
def test_entities_are_refused(read_one: Read, tmp_path: Path, part: str, kind: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("bí mật")
    declared = LAUGHS if kind == "laughs" else f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
    # An error cell, so that the sheet part is looked at; the entity where a text or attribute would take it in.
    base = replace_rows(SOUND, '<row r="1"><c r="A1" t="e"><v>#N/A</v></c><c r="B1" t="s"><v>0</v></c></row>')

    def change(name: str, content: bytes) -> bytes:
        if name != part:
            return content
        content = content.replace("Đơn vị".encode(), b"&e;").replace(b"#N/A", b"&e;").replace(b"Calibri", b"&e;")
        return content.replace(b"?>\n", b"?>\n" + declared.encode(), 1)

    hostile = rewrite_parts(base, change)
    with zipfile.ZipFile(io.BytesIO(hostile)) as archive:
        assert b"<!DOCTYPE" in archive.read(part)
    expect(read_one(hostile), ReadingFailure.FILE_UNREADABLE)


def test_misnamed_files_are_read_by_content(read_one: Read) -> None:
    """There is no name to mislead it: only bytes are passed."""
    for data, expected in ((SOUND, "xlsx"), (make_xls([biff_label(0, 0, "a")]), "xls")):
        result = read_one(data)
        assert isinstance(result, Workbook)
        assert result.format == expected


def test_too_slow() -> None:
    with ReaderPool(1, seconds=0.3) as pool:
        results = list(pool.read([("slow", make_slow_xlsx()), ("small", SOUND)]))
    expect(results[0][1], ReadingFailure.FILE_TIMEOUT)
    assert isinstance(results[1][1], Workbook)


MEASURE = """
import resource, sys
from etl.reading.pool import ReaderPool
with ReaderPool(1, memory_bytes=400 * 2**20, seconds=20) as pool:
    for number, result in pool.read(enumerate(open(name, "rb").read() for name in sys.argv[1:])):
        print(number, *result[:2] if isinstance(result, tuple) else ["read"])
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def test_the_memory_of_children_is_bounded(tmp_path: Path) -> None:
    """A program of its own, because the greatest memory of ended children is counted for the whole program."""
    files = {
        "giant": make_sparse_giant(),
        "lie": make_lying_archive(3000),
        "slow": make_slow_xlsx(300_000),
        "good": SOUND,
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    command = [sys.executable, "-c", MEASURE, *(str(tmp_path / name) for name in files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    lines = done.stdout.splitlines()
    assert lines[0] == "0 FILE_TOO_LARGE memory"
    assert lines[3] == "3 read"
    assert int(lines[4].split()[1]) * 1024 < 400 * MIB


MUTATED = {
    "xlsx": make_small_xlsx(sheets=2),
    "xls": make_xls([biff_label(0, 0, "Đơn vị"), biff_number(1, 1, 0.5, 1)], formats=["0.0%"]),
    "ods": make_ods('<table:table table:name="a"><table:table-row><table:table-cell/></table:table-row></table:table>'),
    "csv": 'Biểu F05;;\r\nTập thể, hộ;02;1.415\r\n"Cá nhân";05;7\r\n'.encode() * 4,
}
fuzz = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
spots = st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=6)), min_size=1, max_size=8)


def mutate(data: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    changed = bytearray(data)
    for place, new in changes:
        start = place % max(1, len(changed))
        changed[start : start + len(new)] = new
    return bytes(changed)


@fuzz
@given(st.sampled_from(sorted(MUTATED)), spots, st.integers(0, 400))
def test_bytes_changed_at_random(read_one: Read, kind: str, changes: list[tuple[int, bytes]], cut: int) -> None:
    data = mutate(MUTATED[kind], changes)
    result = read_one(data[: len(data) - cut] if cut > 300 else data)
    assert isinstance(result, (Workbook, FailedReading))


@fuzz
@given(st.integers(0, 20), spots)
def test_parts_changed_at_random(read_one: Read, which: int, changes: list[tuple[int, bytes]]) -> None:
    """Past the checksums of the archive: the XML itself is hit."""
    with zipfile.ZipFile(io.BytesIO(MUTATED["xlsx"])) as archive:
        names = archive.namelist()
    name = names[which % len(names)]
    data = rewrite_parts(MUTATED["xlsx"], lambda part, body: mutate(body, changes) if part == name else body)
    assert isinstance(read_one(data), (Workbook, FailedReading))


def test_the_pool_still_reads_after_all_that(read_one: Read) -> None:
    result = read_one(SOUND)
    assert isinstance(result, Workbook)
    assert result.sheets[0].cells[parse_cell_name("B2")] == Cell(CellKind.NUMBER, "12")
