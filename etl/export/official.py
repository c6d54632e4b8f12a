"""Writes the official workbook: cover, contents, charts, consolidated tables, who sent what, the source of every figure.

It must not compute figures or read the warehouse; a use case brings everything. The sources are streamed: a province's
year is hundreds of thousands of lines, for looking up on a screen and never printed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Final

import xlsxwriter

from etl.calendar.deadlines import TIMEZONE
from etl.export.canvas import Canvas, Look, name_sheet
from etl.export.charts import CHARTS_SHEET, WIDTHS, write_charts
from etl.export.front import CONTENTS_WIDTHS, COVER_WIDTHS, NO_RATE, Entry, write_contents, write_cover
from etl.export.model import (
    STATUS_LABELS,
    BoardLine,
    Cover,
    Marked,
    OfficialChart,
    OfficialTable,
    Printed,
    Scalar,
    SourceLine,
    TitleBlock,
)

COVER_SHEET: Final = "Tổng quan"
CONTENTS_SHEET: Final = "Mục lục"
BOARD_SHEET: Final = "Tình hình nộp"
SOURCES_SHEET: Final = "Nguồn số liệu"
_PORTRAIT_WIDTH: Final = 100
_ROWS_A_PAGE: Final = 40
_TITLE_WIDTH: Final = 36
LAST_EXCEL_ROW: Final = 1_048_576

_BOARD: Final = (
    ("STT", 6.0), ("Mã đơn vị", 15.0), ("Đơn vị báo cáo", 40.0), ("Loại đơn vị", 26.0), ("Tình trạng", 14.0),
    ("Hạn nộp", 17.0), ("Thời điểm nhận (lần đạt đầu tiên)", 19.0), ("Số ngày làm việc quá hạn", 14.0),
    ("Số lần gửi", 9.0), ("Ghi chú", 34.0),
)  # fmt: skip
_BOARD_LOOKS: Final[tuple[Look, ...]] = (
    "code", "stub", "stub", "stub", "stub", "figure", "figure", "figure", "figure", "stub",
)  # fmt: skip
_SOURCES: Final = (
    ("Mã số liệu", 46.0), ("Mã đơn vị", 15.0), ("Đơn vị báo cáo", 34.0), ("Tệp", 34.0), ("Trang tính", 26.0),
    ("Ô", 8.0), ("Nội dung trong ô", 24.0), ("Giá trị tổng hợp", 16.0), ("Hệ thống nhận lúc", 17.0),
    ("SHA-256 của tệp", 20.0),
)  # fmt: skip
_SOURCE_LOOKS: Final[tuple[Look, ...]] = (
    "stub", "stub", "stub", "stub", "stub", "stub", "stub", "figure", "figure", "stub",
)  # fmt: skip
_SOURCES_NOTE: Final = (
    "Bảng này để tra cứu trên máy: mỗi dòng là một ô trong tệp của một đơn vị đã góp vào một số liệu tổng hợp. "
    "Khi in cả tệp chỉ in trang này, không in các dòng bên dưới."
)


def write_official_workbook(
    tables: Sequence[OfficialTable],
    cover: Cover,
    board: Iterable[BoardLine] = (),
    sources: Iterable[SourceLine] | None = (),
    *,
    charts: Sequence[OfficialChart] = (),
    rows_per_sheet: int = LAST_EXCEL_ROW,
) -> bytes:
    """The workbook as .xlsx; sheets in the order cover, contents, charts, tables, board, sources (continued on further
    sheets when full; None leaves them out).

    `board` and `sources` are printed in the order given and read once. The same input gives the same bytes.
    """
    with _open_book(cover, cover.title) as (book, target):
        _Official(book, cover).write(tables, charts, board, sources, rows_per_sheet)
    return target.getvalue()


def write_sources_workbook(
    cover: Cover, sources: Iterable[SourceLine], *, rows_per_sheet: int = LAST_EXCEL_ROW
) -> bytes:
    """The sources of every figure as a workbook of their own."""
    with _open_book(cover, "Nguồn số liệu") as (book, target):
        _Official(book, cover).write_sources(sources, rows_per_sheet)
    return target.getvalue()


@contextmanager
def _open_book(cover: Cover, title: str) -> Iterator[tuple[Any, BytesIO]]:
    target = BytesIO()
    with tempfile.TemporaryDirectory(prefix="official-") as folder:
        options = {
            "constant_memory": True,
            "tmpdir": folder,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        with xlsxwriter.Workbook(target, options) as book:
            made = cover.as_of.astimezone(TIMEZONE).replace(tzinfo=None, microsecond=0)
            book.set_properties({"title": title, "created": made, "author": cover.standing_office})
            yield book, target


class _Official:
    def __init__(self, book: Any, cover: Cover) -> None:
        self.book = book
        self.cover = cover
        self.taken: set[str] = set()
        self.formats: dict[tuple[object, ...], Any] = {}
        self.period_line = f"Kỳ báo cáo: {cover.window}"

    def write(
        self,
        tables: Sequence[OfficialTable],
        charts: Sequence[OfficialChart],
        board: Iterable[BoardLine],
        sources: Iterable[SourceLine] | None,
        rows_per_sheet: int,
    ) -> None:
        # Names are given out before anything is written: the contents list them.
        cover_sheet, contents_sheet = (name_sheet(name, self.taken) for name in (COVER_SHEET, CONTENTS_SHEET))
        charts_sheet = name_sheet(CHARTS_SHEET, self.taken) if charts else None
        sheets = [name_sheet(table.sheet, self.taken) for table in tables]
        board_sheet = name_sheet(BOARD_SHEET, self.taken)
        entries = [Entry(f"Biểu đồ: {len(charts)} hình", charts_sheet)] if charts_sheet else []
        entries += [Entry(table.title, sheet, table.coverage_note) for sheet, table in zip(sheets, tables, strict=True)]
        entries.append(Entry("Tình hình nộp báo cáo của từng đơn vị", board_sheet))
        if sources is not None:
            entries.append(Entry("Nguồn của từng số liệu: đơn vị, trang tính, ô", SOURCES_SHEET))
        write_cover(self._open(cover_sheet, COVER_WIDTHS), self.cover)
        write_contents(self._open(contents_sheet, CONTENTS_WIDTHS), self.cover, entries)
        if charts_sheet:
            write_charts(self._open(charts_sheet, WIDTHS), self.cover, tuple(charts))
        for sheet, table in zip(sheets, tables, strict=True):
            self._write_table(sheet, table)
        self._write_board(board_sheet, board)
        if sources is not None:
            self.write_sources(sources, rows_per_sheet)

    def _open(self, name: str, widths: Sequence[float]) -> Canvas:
        return Canvas(self.book, name, widths, self.formats)

    def _write_table(self, name: str, table: OfficialTable) -> None:
        canvas = self._open(name, [column.width for column in table.columns])
        if table.block is None:
            self._write_plain_head(canvas, table)
        else:
            self._write_statutory_head(canvas, table, table.block)
        header_from = canvas.row
        if table.header:
            canvas.write_header_rows(table.header)
        else:
            canvas.write_header([column.label for column in table.columns])
        if table.codes:
            canvas.write_header([column.code for column in table.columns], "code")
        canvas.freeze_here(canvas.row - header_from, columns=table.stubs)
        for row in table.rows:
            if row.heading:
                looks: list[Look] = ["heading" for _ in row.cells]
            else:
                looks = [_look_in_table(table, place, cell) for place, cell in enumerate(row.cells)]
            canvas.write_row(row.cells, looks, level=row.level, bold=row.bold)
        if not table.rows:
            canvas.write_line("Chưa có số liệu.", "note")
        canvas.skip()
        for note in table.notes:
            canvas.write_line(f"– {note}", "note")
        if table.block is not None:
            _write_signatures(canvas, table.block.place)
        signed = table.block is not None
        canvas.finish(
            f"{table.footer or table.title} – {self.cover.stamp}",
            landscape=sum(canvas.widths) > _PORTRAIT_WIDTH,
            one_page=signed and len(table.rows) <= _ROWS_A_PAGE,
        )

    def _write_plain_head(self, canvas: Canvas, table: OfficialTable) -> None:
        canvas.write_line(self.cover.council.upper(), bold=True)
        canvas.write_line(table.title, "title", line_height=20.0)
        canvas.write_line(self.period_line, "center")
        canvas.write_line(f"{_scope_of(table)}{self.cover.as_of_line}", "center")
        unit_note = f"Đơn vị tính: {table.unit_note[:1].lower()}{table.unit_note[1:]}" if table.unit_note else ""
        basis = f"Căn cứ: {table.instrument}" if table.instrument else ""
        if basis or unit_note:
            canvas.write_line(". ".join(text for text in (basis, unit_note) if text))
        canvas.skip()

    def _write_statutory_head(self, canvas: Canvas, table: OfficialTable, block: TitleBlock) -> None:
        (l0, l1), (m0, m1), (r0, r1) = _three_parts(canvas.widths)
        number = f"Biểu số: {block.number}\nBan hành theo {block.issued}"
        scope = f"{_scope_of(table)}{self.cover.as_of_line}"
        reporter, receiver = f"Đơn vị báo cáo:\n{block.reporter}", f"Đơn vị nhận báo cáo:\n{block.receiver}"
        if sum(canvas.widths[m0 : m1 + 1]) >= _TITLE_WIDTH:
            canvas.write_segments(
                [
                    (l0, l1, number, "small", True),
                    (m0, m1, table.title, "title", True),
                    (r0, r1, reporter, "small", False),
                ]
            )
            canvas.write_segments(
                [
                    (l0, l1, scope, "small", False),
                    (m0, m1, self.cover.window, "center", False),
                    (r0, r1, receiver, "small", False),
                ]
            )
        else:
            # Few columns: the title has no room between the two.
            r0 = l1 + 1
            canvas.write_segments(
                [(l0, l1, number, "small", True), (r0, r1, f"{reporter}\n{receiver}", "small", False)]
            )
            canvas.write_line(table.title, "title", line_height=20.0)
            canvas.write_line(self.cover.window, "center")
            canvas.write_line(scope, "center")
        if table.unit_note:
            canvas.write_segments([(r0, r1, f"Đơn vị tính: {table.unit_note}", "center", False)])
        else:
            canvas.skip()

    def _write_board(self, name: str, board: Iterable[BoardLine]) -> None:
        canvas = self._open(name, [width for _, width in _BOARD])
        canvas.write_line("TÌNH HÌNH NỘP BÁO CÁO CỦA CÁC ĐƠN VỊ", "title", line_height=20.0)
        canvas.write_line(f"{self.period_line}. {self.cover.as_of_line}", "center")
        canvas.skip()
        header = canvas.row
        canvas.write_header([label for label, _ in _BOARD])
        canvas.freeze_here(1, columns=3)
        for number, line in enumerate(board, start=1):
            cells: tuple[Scalar, ...] = (
                number, line.unit, line.name, line.unit_type, STATUS_LABELS[line.status], line.due_at,
                line.accepted_at, line.days_late, line.attempts, line.remark,
            )  # fmt: skip
            canvas.write_row(cells, _BOARD_LOOKS)
        canvas.finish(f"{BOARD_SHEET} – {self.cover.stamp}", filter_from=header)

    def write_sources(self, sources: Iterable[SourceLine], rows_per_sheet: int) -> None:
        canvas, header = self._open_sources()
        for line in sources:
            if canvas.row >= rows_per_sheet:
                self._finish_sources(canvas, header)
                canvas, header = self._open_sources()
            cells: tuple[Scalar, ...] = (
                line.figure, line.unit, line.unit_name, line.file, line.sheet, line.cell, line.raw, line.value,
                line.received_at, line.sha256,
            )  # fmt: skip
            canvas.write_row(cells, _SOURCE_LOOKS, fit=False)
        self._finish_sources(canvas, header)

    def _open_sources(self) -> tuple[Canvas, int]:
        canvas = self._open(name_sheet(SOURCES_SHEET, self.taken), [width for _, width in _SOURCES])
        canvas.write_line("NGUỒN CỦA TỪNG SỐ LIỆU TỔNG HỢP", "title", line_height=20.0)
        canvas.write_line(f"{self.period_line}. {self.cover.as_of_line}", "center")
        canvas.write_line(_SOURCES_NOTE, "note")
        header = canvas.row
        canvas.write_header([label for label, _ in _SOURCES])
        canvas.freeze_here(1)
        return canvas, header

    def _finish_sources(self, canvas: Canvas, header: int) -> None:
        canvas.print_only(header)
        canvas.finish(f"{SOURCES_SHEET} – {self.cover.stamp}", filter_from=header)


def _scope_of(table: OfficialTable) -> str:
    return f"Phạm vi số liệu: {table.coverage_note}. " if table.coverage_note else ""


def _three_parts(widths: Sequence[float]) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """First and last columns of left, middle and right: near 30, 42 and 28 hundredths of the width, none empty."""
    total, done, edges = sum(widths), 0.0, [len(widths) - 2, len(widths) - 1]
    for column, width in enumerate(widths):
        done += width
        if done >= 0.30 * total and column + 1 < edges[0]:
            edges[0] = column + 1
        if done >= 0.72 * total and edges[0] < column + 1 < edges[1]:
            edges[1] = column + 1
    return (0, edges[0] - 1), (edges[0], edges[1] - 1), (edges[1], len(widths) - 1)


def _write_signatures(canvas: Canvas, place: str) -> None:
    (l0, l1), _, _ = _three_parts(canvas.widths)
    half = max(l1 + 1, len(canvas.widths) // 2)
    last = len(canvas.widths) - 1
    canvas.skip()
    where = f"{place}, ngày … tháng … năm …" if place else "…, ngày … tháng … năm …"
    canvas.write_segments([(half, last, where, "center", False)])
    canvas.write_segments(
        [(l0, l1, "NGƯỜI LẬP BIỂU", "center_bold", True), (half, last, "THỦ TRƯỞNG ĐƠN VỊ", "center_bold", True)]
    )
    canvas.write_segments(
        [(l0, l1, "(Ký, họ tên)", "signature", False), (half, last, "(Ký, đóng dấu, họ tên)", "signature", False)],
        lines=5,
    )


def _look_in_table(table: OfficialTable, place: int, value: Printed) -> Look:
    if place >= table.stubs:
        return _look_of(value)
    return "row_code" if table.columns[place].centered else "stub"


def _look_of(value: Printed) -> Look:
    if isinstance(value, Marked):
        return "figure"
    if value == "x":
        return "not_applicable"
    return "stub" if isinstance(value, str) and value != NO_RATE else "figure"
