"""Annotating runs in the worker itself: what is made to cost time or memory is refused, or costs little."""

from __future__ import annotations

import random
import struct
import time
import tracemalloc
from collections.abc import Callable

import pytest
from annotation_builders import (
    load,
    make_bare_workbook,
    make_finding,
    make_rich_workbook,
    rewrite,
    rezip,
    unzip,
)
from hypothesis import given
from hypothesis import strategies as st

from etl.annotation.annotate import MOST_MARKED_CELLS, annotate_workbook
from etl.annotation.cells import anchor_of, find_anchors
from etl.annotation.failures import CannotAnnotate
from etl.annotation.result_sheet import MOST_LISTED
from etl.annotation.splice import DEEPEST, MOST_NODES, to_utf8
from etl.annotation.wording import RESULT_SHEET

RICH = make_rich_workbook()
MIB = 1024**2


def change(part: str, edit: Callable[[bytes], bytes]) -> bytes:
    return rewrite(RICH, lambda name, body: edit(body) if name == part else body)


def test_an_archive_that_lies_about_its_size_is_not_unpacked() -> None:
    """zipfile unpacks all there is before it looks at the size; here 150 MiB stand behind a thousand bytes."""
    name = "xl/worksheets/sheet1.xml"
    data = bytearray(rezip({**unzip(RICH), name: b" " * 150 * MIB}))
    struct.pack_into("<I", data, data.index(name.encode()) - 30 + 22, 1000)
    struct.pack_into("<I", data, data.rindex(name.encode()) - 46 + 24, 1000)
    tracemalloc.start()
    try:
        with pytest.raises(CannotAnnotate):
            annotate_workbook(bytes(data), [make_finding("B7")])
        assert tracemalloc.get_traced_memory()[1] < 40 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("part", "edit", "reason"),
    [
        ("xl/styles.xml", lambda body: body.replace(b"<fonts", b"<x>" * DEEPEST + b"</x>" * DEEPEST + b"<fonts", 1), "nested"),
        ("xl/styles.xml", lambda body: body.replace(b"</cellXfs>", b"<xf/>" * MOST_NODES + b"</cellXfs>", 1), "too many"),
        ("xl/workbook.xml", lambda body: body.replace(b"</workbook>", b"<x>" * 9999 + b"</x>" * 9999 + b"</workbook>"), "nested"),
    ],
)  # fmt: skip
def test_parts_that_make_a_vast_tree_are_refused(part: str, edit: Callable[[bytes], bytes], reason: str) -> None:
    with pytest.raises(CannotAnnotate, match=reason):
        annotate_workbook(change(part, edit), [make_finding("B7")])


def test_a_file_that_unpacks_to_much_is_not_marked() -> None:
    filler = random.Random(1).randbytes(MIB).hex().encode() * 35
    with pytest.raises(CannotAnnotate, match="too large"):
        annotate_workbook(rezip({**unzip(RICH), "xl/media/film.bin": filler}), [make_finding("B7")])


def test_many_merged_ranges_and_findings_take_little_time() -> None:
    merges = "".join(f'<mergeCell ref="XA{row}:XFD{row}"/>' for row in range(1, 40_000))
    rows = "".join(f'<row r="{row}"><c r="A{row}"><v>1</v></c></row>' for row in range(1, 4_001))
    data = make_bare_workbook(f"<sheetData>{rows}</sheetData><mergeCells>{merges}</mergeCells>")
    findings = [make_finding(f"A{row}") for row in range(1, 4_001)]
    started = time.process_time()
    annotate_workbook(data, findings)
    assert time.process_time() - started < 2.5


@pytest.mark.parametrize(
    "drawing",
    [b"<v:shape " * 60_000 + b"</xml>", b"<xml>" + b"</xml> " * 60_000 + b"x"],
)
def test_a_drawing_made_to_be_slow_is_not(drawing: bytes) -> None:
    """B6 has a comment already, so its drawing is looked through for the box to stretch."""
    name = next(name for name in unzip(RICH) if name.lower().endswith("vmldrawing1.vml"))
    started = time.process_time()
    with pytest.raises(CannotAnnotate):
        annotate_workbook(change(name, lambda _: drawing), [make_finding("B6"), make_finding("B7")])
    assert time.process_time() - started < 10


def test_a_utf16_part_made_to_be_slow_is_not() -> None:
    part = ("<?xml" + " " * 300_000 + "encodin").encode("utf-16")
    started = time.process_time()
    assert to_utf8(part).startswith(b"<?xml ")
    assert time.process_time() - started < 2.5


def test_what_is_shown_of_a_file_full_of_faults_is_bounded() -> None:
    number = MOST_LISTED + 1200
    rows = "".join(f'<row r="{row}"><c r="A{row}"><v>1</v></c></row>' for row in range(1, number + 1))
    findings = [make_finding(f"A{row}", severity="warning", message="Xem lại.") for row in range(1, number)]
    book = load(
        annotate_workbook(make_bare_workbook(f"<sheetData>{rows}</sheetData>"), [*findings, make_finding("A9000")])
    )
    sheet = book["Biểu 1"]
    marked = [row for row in range(1, 9001) if sheet[f"A{row}"].comment is not None]
    assert len(marked) == MOST_MARKED_CELLS
    assert 9000 in marked, "the gravest come first"
    results = book[RESULT_SHEET]
    assert results["A2"].value == "Có 1 lỗi phải sửa, 6.199 cảnh báo cần giải trình."
    assert results.max_row == 5 + MOST_LISTED + 1
    assert results.cell(results.max_row, 1).value == "… và 1.200 nội dung nữa, sẽ được nêu khi gửi lại tệp đã sửa."


corners = st.tuples(st.integers(0, 12), st.integers(0, 12))
ranges = st.builds(lambda a, b: (min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])), corners, corners)


@given(st.lists(corners, max_size=12), st.lists(ranges, max_size=8))
def test_anchors_found_together_are_those_found_one_by_one(
    positions: list[tuple[int, int]], merged: list[tuple[int, int, int, int]]
) -> None:
    def first(row: int, column: int) -> tuple[int, int]:
        inside = (one[:2] for one in merged if one[0] <= row <= one[2] and one[1] <= column <= one[3])
        return next(inside, (row, column))

    assert find_anchors(positions, merged) == {place: first(*place) for place in positions}
    assert [anchor_of(place, merged) for place in positions] == [first(*place) for place in positions]
