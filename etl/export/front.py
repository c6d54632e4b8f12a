"""The first two sheets of the official workbook: the cover and the table of contents with its links.

It must not compute: counts and rates are the board's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from etl.calendar.periods import Clock
from etl.export.canvas import Canvas, Look
from etl.export.model import Cover, Scalar
from etl.text import capitalise, format_instant, percent_of

NO_RATE: Final = "–"
COVER_WIDTHS: Final = (52.0, 18.0, 26.0)
CONTENTS_WIDTHS: Final = (6.0, 62.0, 32.0, 44.0)
CLOCK_LABELS: Final = {
    Clock.ADMIN: "báo cáo hành chính định kỳ (chốt số liệu ngày 14 của tháng cuối kỳ)",
    Clock.STATISTICS: "báo cáo thống kê (số liệu từ 01/12 năm trước đến 30/11)",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table of contents: what the sheet holds, its name, and of whom its figures are."""

    title: str
    sheet: str
    scope: str = ""


def write_cover(canvas: Canvas, cover: Cover) -> None:
    """Who reports what, for which window, as of when, in which state, and how complete."""
    counts = cover.counts
    canvas.write_line(cover.council.upper(), "center_bold")
    canvas.write_line(cover.standing_office, "center")
    canvas.skip(2)
    canvas.write_line(cover.title.upper(), "title", line_height=22.0)
    canvas.write_line(f"Kỳ báo cáo: {cover.window}", "center")
    canvas.write_line(f"{cover.as_of_line}. Trạng thái: {cover.state}", "center")
    canvas.skip()
    facts: list[tuple[str, str]] = [("Tỉnh", capitalise(cover.province))] if cover.province else []
    facts += [
        ("Báo cáo", f"{cover.report_name} (mã {cover.report})"),
        ("Kỳ báo cáo", f"{cover.period.code} – {cover.window}"),
        ("Chế độ", CLOCK_LABELS[cover.period.clock]),
        ("Thời điểm số liệu", format_instant(cover.as_of)),
        ("Trạng thái của kỳ", cover.state),
    ]
    if cover.publication is None:
        facts.append(("Công bố", "chưa công bố; số liệu còn có thể thay đổi"))
    else:
        made = cover.publication
        by = f", người công bố: {made.published_by}" if made.published_by else ""
        facts.append(("Công bố", f"lần {made.number}, {format_instant(made.published_at)}{by}"))
        facts.append(("Mã kiểm tra (SHA-256)", made.checksum))
    for name, value in facts:
        canvas.write_segments([(0, 0, name, "caption", True), (1, len(canvas.widths) - 1, value, "caption", False)])
    canvas.skip()
    _write_small_table(
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
        _write_small_table(
            canvas,
            ("Số đơn vị đã có số liệu trong bảng tổng hợp", "Đã có / phải nộp", "Tỷ lệ (%)"),
            [
                (capitalise(c.label), f"{c.accepted}/{c.expected}", _share(c.accepted, c.expected))
                for c in cover.coverage
            ],
        )
    if cover.estimated_units:
        canvas.write_line(
            f"Số liệu của {cover.estimated_units} đơn vị là số ước thực hiện; ô có số ước được ghi (ước).", "note"
        )
    for remark in cover.remarks:
        canvas.write_line(remark, "note")
    canvas.finish(f"{cover.title} – {cover.stamp}", landscape=False)


def write_contents(canvas: Canvas, cover: Cover, entries: Sequence[Entry]) -> None:
    """The list of sheets; the name of each leads to it."""
    canvas.write_line("MỤC LỤC", "title", line_height=20.0)
    canvas.write_line(f"{cover.title}. Kỳ báo cáo: {cover.window}", "center")
    canvas.skip()
    canvas.write_header(("STT", "Nội dung", "Trang tính (bấm để mở)", "Phạm vi số liệu"))
    canvas.freeze_here(1)
    looks: tuple[Look, ...] = ("row_code", "stub", "stub", "stub")
    for number, entry in enumerate(entries, start=1):
        canvas.write_row((number, entry.title, entry.sheet, entry.scope), looks, link=(2, entry.sheet))
    canvas.finish(f"Mục lục – {cover.stamp}", landscape=True)


def _write_small_table(canvas: Canvas, header: tuple[str, str, str], rows: Iterable[Sequence[Scalar]]) -> None:
    canvas.write_header(header)
    for row in rows:
        looks: list[Look] = [
            "stub",
            *("figure" if not isinstance(v, str) or v == NO_RATE else "row_code" for v in row[1:]),
        ]
        canvas.write_row(row, looks)
    canvas.skip()


def _percent(rate: float | None) -> float | str:
    """A fraction in percent as on the board; a dash where nothing is expected."""
    return NO_RATE if rate is None else float(percent_of(rate))


def _share(part: int, whole: int) -> float | str:
    return _percent(part / whole if whole else None)
