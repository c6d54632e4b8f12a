"""Writes the official workbook: cover, consolidated tables, who sent what, and the source of every figure.

It must not compute figures or read the warehouse; a use case brings everything. The sources are streamed: a province's
year is hundreds of thousands of lines.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any, Final

import xlsxwriter

from etl.calendar.deadlines import TIMEZONE
from etl.calendar.periods import PeriodKind
from etl.export.canvas import Canvas, Look, name_sheet
from etl.export.model import STATUS_LABELS, BoardLine, Cover, OfficialTable, Scalar, SourceLine
from etl.text import format_date, format_instant, percent_of

COVER_SHEET: Final = "Tổng quan"
BOARD_SHEET: Final = "Tình hình nộp"
SOURCES_SHEET: Final = "Nguồn số liệu"
LAST_EXCEL_ROW: Final = 1_048_576
NO_RATE: Final = "–"

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
    ("Ô", 8.0), ("Nội dung trong ô", 24.0), ("Giá trị tổng hợp", 16.0),
)  # fmt: skip
_SOURCE_LOOKS: Final[tuple[Look, ...]] = ("stub", "stub", "stub", "stub", "stub", "stub", "stub", "figure")


def write_official_workbook(
    tables: Sequence[OfficialTable],
    cover: Cover,
    board: Iterable[BoardLine] = (),
    sources: Iterable[SourceLine] = (),
    *,
    rows_per_sheet: int = LAST_EXCEL_ROW,
) -> bytes:
    """The workbook as .xlsx; sheets in the order cover, tables, board, sources (continued on further sheets when full).

    `board` and `sources` are printed in the order given and read once. The same input gives the same bytes.
    """
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
            book.set_properties({"title": cover.title, "created": made, "author": cover.standing_office})
            _Official(book, cover).write(tables, board, sources, rows_per_sheet)
    return target.getvalue()


class _Official:
    def __init__(self, book: Any, cover: Cover) -> None:
        self.book = book
        self.cover = cover
        self.taken: set[str] = set()
        self.formats: dict[tuple[object, ...], Any] = {}
        label, period = cover.period.label, cover.period
        window = f"{label} (từ {format_date(period.start)} đến {format_date(period.end)})"
        self.period_line = f"Kỳ báo cáo: {label if period.kind is PeriodKind.ONE_OFF else window}"
        self.as_of_line = f"Số liệu tính đến {format_instant(cover.as_of)}"

    def write(
        self,
        tables: Sequence[OfficialTable],
        board: Iterable[BoardLine],
        sources: Iterable[SourceLine],
        rows_per_sheet: int,
    ) -> None:
        # Names are given out before anything is written: the cover lists them.
        cover_sheet = name_sheet(COVER_SHEET, self.taken)
        sheets = [name_sheet(table.sheet, self.taken) for table in tables]
        board_sheet = name_sheet(BOARD_SHEET, self.taken)
        self._write_cover(cover_sheet, list(zip(sheets, tables, strict=True)), board_sheet)
        for sheet, table in zip(sheets, tables, strict=True):
            self._write_table(sheet, table)
        self._write_board(board_sheet, board)
        self._write_sources(sources, rows_per_sheet)

    def _open(self, name: str, widths: Sequence[float]) -> Canvas:
        return Canvas(self.book, name, widths, self.formats)

    def _write_cover(self, name: str, tables: Sequence[tuple[str, OfficialTable]], board_sheet: str) -> None:
        cover, counts = self.cover, self.cover.counts
        canvas = self._open(name, (52.0, 18.0, 26.0))
        canvas.write_line(cover.council.upper(), bold=True)
        canvas.write_line(cover.standing_office)
        canvas.skip()
        canvas.write_line(cover.title.upper(), "title", line_height=20.0)
        canvas.write_line(self.period_line, "center")
        canvas.write_line(f"{self.as_of_line}. Trạng thái: {cover.state}", "center")
        canvas.skip()
        canvas.write_line(f"Báo cáo: {cover.report_name} (mã {cover.report})")
        canvas.skip()
        self._write_small_table(
            canvas,
            ("Tình hình nộp báo cáo", "Số đơn vị", "Tỷ lệ so với số phải nộp (%)"),
            [
                ("Phải nộp", counts.expected, None),
                ("Đã nộp đúng hạn", counts.on_time, _percent(cover.timeliness)),
                ("Đã nộp, muộn", counts.late, _share(counts.late, counts.expected)),
                ("Đã nộp (đúng hạn và muộn)", counts.on_time + counts.late, _percent(cover.completeness)),
                ("Chưa đạt, chưa nộp lại", counts.rejected, _share(counts.rejected, counts.expected)),
                ("Quá hạn chưa nộp", counts.missing, _share(counts.missing, counts.expected)),
                ("Chưa đến hạn", counts.pending, _share(counts.pending, counts.expected)),
                ("Được miễn (không tính vào số phải nộp)", counts.exempt, None),
            ],
        )
        if cover.coverage:
            self._write_small_table(
                canvas,
                ("Số đơn vị đã có số liệu trong bảng tổng hợp", "Đã có / phải nộp", "Tỷ lệ (%)"),
                [
                    (_capital(c.label), f"{c.accepted}/{c.expected}", _share(c.accepted, c.expected))
                    for c in cover.coverage
                ],
            )
        listed: list[tuple[Scalar, ...]] = [(table.title, sheet, table.coverage_note) for sheet, table in tables]
        listed.append(("Tình hình nộp báo cáo của từng đơn vị", board_sheet, ""))
        listed.append(("Nguồn của từng số liệu: đơn vị, trang tính, ô", SOURCES_SHEET, ""))
        self._write_small_table(canvas, ("Các bảng trong tệp này", "Trang tính", "Phạm vi số liệu"), listed)
        for remark in cover.remarks:
            canvas.write_line(remark, "note")
        canvas.finish(cover.title, landscape=False)

    def _write_small_table(
        self, canvas: Canvas, header: tuple[str, str, str], rows: Iterable[Sequence[Scalar]]
    ) -> None:
        canvas.write_header(header)
        for row in rows:
            canvas.write_row(row, ("stub", *(_look_of(value) for value in row[1:])))
        canvas.skip()

    def _write_table(self, name: str, table: OfficialTable) -> None:
        canvas = self._open(name, [column.width for column in table.columns])
        canvas.write_line(self.cover.council.upper(), bold=True)
        canvas.write_line(table.title, "title", line_height=20.0)
        canvas.write_line(self.period_line, "center")
        coverage = f"Phạm vi số liệu: {table.coverage_note}. " if table.coverage_note else ""
        canvas.write_line(f"{coverage}{self.as_of_line}", "center")
        unit_note = f". Đơn vị tính: {table.unit_note[:1].lower()}{table.unit_note[1:]}" if table.unit_note else ""
        canvas.write_line(f"Căn cứ: {table.instrument}{unit_note}")
        canvas.skip()
        canvas.write_header([column.label for column in table.columns])
        canvas.write_header([column.code for column in table.columns], "code")
        canvas.freeze_here(2)
        for row in table.rows:
            looks = [_look_in_table(table, place, cell) for place, cell in enumerate(row.cells)]
            canvas.write_row(row.cells, looks, level=row.level, bold=row.bold)
        if not table.rows:
            canvas.write_line("Chưa có số liệu.", "note")
        canvas.skip()
        for note in table.notes:
            canvas.write_line(f"– {note}", "note")
        canvas.finish(table.footer or table.title)

    def _write_board(self, name: str, board: Iterable[BoardLine]) -> None:
        canvas = self._open(name, [width for _, width in _BOARD])
        canvas.write_line("TÌNH HÌNH NỘP BÁO CÁO CỦA CÁC ĐƠN VỊ", "title", line_height=20.0)
        canvas.write_line(f"{self.period_line}. {self.as_of_line}", "center")
        canvas.skip()
        header = canvas.row
        canvas.write_header([label for label, _ in _BOARD])
        canvas.freeze_here(1)
        for number, line in enumerate(board, start=1):
            cells: tuple[Scalar, ...] = (
                number, line.unit, line.name, line.unit_type, STATUS_LABELS[line.status], line.due_at,
                line.accepted_at, line.days_late, line.attempts, line.remark,
            )  # fmt: skip
            canvas.write_row(cells, _BOARD_LOOKS)
        canvas.finish(BOARD_SHEET, filter_from=header)

    def _write_sources(self, sources: Iterable[SourceLine], rows_per_sheet: int) -> None:
        canvas, header = self._open_sources()
        for line in sources:
            if canvas.row >= rows_per_sheet:
                canvas.finish(SOURCES_SHEET, filter_from=header)
                canvas, header = self._open_sources()
            cells: tuple[Scalar, ...] = (
                line.figure, line.unit, line.unit_name, line.file, line.sheet, line.cell, line.raw, line.value,
            )  # fmt: skip
            canvas.write_row(cells, _SOURCE_LOOKS, fit=False)
        canvas.finish(SOURCES_SHEET, filter_from=header)

    def _open_sources(self) -> tuple[Canvas, int]:
        canvas = self._open(name_sheet(SOURCES_SHEET, self.taken), [width for _, width in _SOURCES])
        canvas.write_line("NGUỒN CỦA TỪNG SỐ LIỆU TỔNG HỢP", "title", line_height=20.0)
        canvas.write_line(f"{self.period_line}. {self.as_of_line}", "center")
        header = canvas.row
        canvas.write_header([label for label, _ in _SOURCES])
        canvas.freeze_here(1)
        return canvas, header


def _look_in_table(table: OfficialTable, place: int, value: Scalar) -> Look:
    if place >= table.stubs:
        return _look_of(value)
    return "row_code" if table.columns[place].centered else "stub"


def _look_of(value: Scalar) -> Look:
    if value == "x":
        return "not_applicable"
    return "stub" if isinstance(value, str) and value != NO_RATE else "figure"


def _percent(rate: float | None) -> float | str:
    """A fraction in percent as on the board; a dash where nothing is expected."""
    return NO_RATE if rate is None else float(percent_of(rate))


def _share(part: int, whole: int) -> float | str:
    return _percent(part / whole if whole else None)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
