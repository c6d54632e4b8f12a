"""What the charts of the official workbook show, from the board and the consolidated figures.

It chooses and shortens; it computes nothing but the running count of reports by day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from etl.calendar.deadlines import TIMEZONE
from etl.export.model import OfficialChart, Scalar
from etl.text import format_date
from etl.usecases.board import Board
from etl.usecases.consolidate import Figure
from etl.usecases.context import Context

_MOST_DAYS = 30
_MOST_BARS = 20
_LONGEST_LABEL = 60


def completion_chart(board: Board) -> OfficialChart | None:
    """Units with an accepted report, running, by day of receipt; None when nobody sent anything."""
    owed = [line for line in board.units if line.status != "exempt"]
    days = sorted(line.accepted_at.astimezone(TIMEZONE).date() for line in owed if line.accepted_at is not None)
    if not days:
        return None
    due = max(line.due_at.astimezone(TIMEZONE).date() for line in owed)
    first, last = days[0], max(days[-1], min(due, board.as_of.astimezone(TIMEZONE).date()))
    step = max(1, -(-((last - first).days + 1) // _MOST_DAYS))
    shown = [last - timedelta(days=step * back) for back in range((last - first).days // step + 1)][::-1]
    counts = tuple(sum(day <= until for day in days) for until in shown)
    return OfficialChart(
        "Tiến độ nộp báo cáo theo ngày", "line", tuple(format_date(day)[:5] for day in shown),
        (("Đơn vị đã nộp đạt (lũy kế)", counts), ("Đơn vị phải nộp", tuple(len(owed) for _ in shown))),
        "Ngày", "Số đơn vị", f"Hạn nộp cuối cùng: {format_date(due)}.",
    )  # fmt: skip


def movement_chart(context: Context, figures: list[Figure]) -> OfficialChart | None:
    """Result against plan of each indicator of the movements that has a plan, in percent, best first."""
    rates = {f.row: f.value for f in figures if f.measure == "F03.ty_le" and f.value is not None}
    if not rates:
        return None
    indicators = {i.code: i.name for i in context.register.indicators}
    best = sorted(rates.items(), key=lambda item: (-item[1], item[0]))[:_MOST_BARS]
    labels = tuple(_short(f"{row.partition('+')[0]} – {indicators.get(row.partition('+')[2], row)}") for row, _ in best)
    values: tuple[Scalar, ...] = tuple(value.quantize(Decimal("0.1")) for _, value in best)
    left = len(rates) - len(best)
    return OfficialChart(
        "Kết quả phong trào thi đua so với kế hoạch năm", "bar", labels, (("Thực hiện so với kế hoạch (%)", values),),
        "Chỉ tiêu", "%", f"{len(best)} chỉ tiêu có tỷ lệ cao nhất; còn {left} chỉ tiêu ở bảng F03." if left else "",
    )  # fmt: skip


_AWARDS = (("2", "Bằng khen"), ("3", "Chiến sĩ thi đua cấp tỉnh"), ("4", "Cờ thi đua cấp tỉnh"),
           ("5", "Huy hiệu, kỷ niệm chương"), ("6", "Tập thể Lao động xuất sắc"))  # fmt: skip
_SUBJECTS = (("02", "Tập thể"), ("04", "Hộ gia đình"), ("05", "Cá nhân"))


def awards_chart(figures: list[Figure]) -> OfficialChart | None:
    """Provincial awards (F05) by form of award and by who received them."""
    values = {(f.row, f.column): f.value for f in figures}
    shown = [(code, label) for code, label in _AWARDS if any(values.get((row, code)) for row, _ in _SUBJECTS)]
    if not shown:
        return None
    series = tuple(
        (name, tuple(values.get((row, code)) or 0 for code, _ in shown))
        for row, name in _SUBJECTS
        if any(values.get((row, code)) for code, _ in shown)
    )
    return OfficialChart(
        "Cơ cấu khen thưởng cấp tỉnh theo hình thức và đối tượng", "stacked", tuple(label for _, label in shown), series,
        "Hình thức khen thưởng", "Số lượng",
    )  # fmt: skip


def structure_chart(figures: list[Figure]) -> OfficialChart | None:
    """Leaders and direct workers among the individuals with the province's certificate of merit (F07)."""
    by_measure: Mapping[str, Scalar] = {f.measure: f.value for f in figures}
    leaders, direct = by_measure.get("F07.lanh_dao_quan_ly"), by_measure.get("F07.nguoi_lao_dong_truc_tiep")
    if not leaders or not direct:
        return None
    return OfficialChart(
        "Cá nhân được tặng Bằng khen cấp tỉnh", "doughnut", ("Lãnh đạo, quản lý", "Người lao động trực tiếp"),
        (("Số cá nhân", (leaders, direct)),), "Đối tượng", "",
    )  # fmt: skip


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1].rstrip() + "…"
