"""The first sheet of a fill-in workbook: short instructions in Vietnamese. Pure; it must carry no table.

A table there, or a line that reads like a form's title block, would be taken for a form by the reader.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from etl.calendar.periods import Period
from etl.forms.declaration import FormVersion
from etl.templates.layout import fit_height
from etl.templates.model import GUIDE_SHEET, CellPlan, SheetPlan, Style
from etl.text import format_date, format_instant

GUIDE_WIDTH: Final = 70.0
"""Narrower than an A4 page: a single column that is wider is cut off in print, not scaled."""


@dataclass(frozen=True, slots=True)
class GuideFacts:
    """What the instructions name; `unit` None for a template of nobody in particular, `due_at` aware or None."""

    report: str
    unit: str | None
    period: Period
    standing_office: str
    contact: str
    due_at: datetime | None


def plan_guide(facts: GuideFacts, forms: Mapping[str, FormVersion]) -> SheetPlan:
    """The instruction sheet."""
    sheet = SheetPlan(GUIDE_SHEET, widths={0: GUIDE_WIDTH}, landscape=False, footer=GUIDE_SHEET)
    for row, (style, text) in enumerate(_write_lines(facts, forms)):
        heading = style == "header"
        cell = CellPlan(text, "note" if heading else style, bold=heading)
        sheet.cells[row, 0] = cell
        line_height = 20.0 if style == "title" else 16.0
        sheet.heights[row] = fit_height([(text, GUIDE_WIDTH, cell.bold)], line_height=line_height)
    return sheet


def _write_lines(facts: GuideFacts, forms: Mapping[str, FormVersion]) -> Sequence[tuple[Style, str]]:
    period = facts.period
    window = f"từ ngày {format_date(period.start)} đến hết ngày {format_date(period.end)}"
    addressee = f"Biểu mẫu cấp riêng cho: {facts.unit}." if facts.unit else "Biểu mẫu dùng chung cho các đơn vị."
    tabs = "; ".join(form.sheet for form in forms.values())
    lines: list[tuple[Style, str]] = [
        ("title", "HƯỚNG DẪN ĐIỀN VÀ GỬI BÁO CÁO"),
        ("note", f"{facts.report} – kỳ {period.label}. {addressee}"),
        ("note", f"Tệp gồm {len(forms)} biểu, mỗi biểu một trang tính: {tabs}."),
        ("header", "Cách điền"),
        ("note", "1. Chỉ nhập vào ô nền trắng và ô nền vàng nhạt; ô vàng nhạt bắt buộc phải điền. Ô nền xám đã điền "
                 "sẵn, ô có dấu x là không áp dụng: để nguyên."),
        ("note", f"2. Số liệu tính {window}. Không có thì ghi 0, không để trống và không ghi “không” hay dấu gạch."),
        ("note", "3. Số: phần lẻ sau dấu phẩy, ví dụ 1.234,5. Khi nhập chỉ cần gõ liền các chữ số (1234,5); không gõ "
                 "đơn vị tính vào ô số liệu (ghi 12, không ghi “12 tập thể”)."),
        ("note", "4. Tỷ lệ ghi theo phần trăm, không gõ dấu %: ví dụ 38,2. Ngày ghi theo dạng ngày/tháng/năm: "
                 "ví dụ 16/06/2026."),
        ("note", "5. Không đổi tên trang tính; không sửa, xóa dòng mã cột (A, B, 1, 2…) và cột mã số. Biểu danh sách "
                 "còn thiếu thì ghi tiếp vào các dòng trống cuối bảng; hết dòng trống thì bỏ bảo vệ trang tính "
                 "(không có mật khẩu) rồi chèn thêm dòng vào trong bảng."),
        ("header", "Gửi và gửi lại"),
        ("note", "6. Gửi cả tệp này (định dạng .xlsx), đủ tất cả các biểu bắt buộc. Văn bản ký số gửi kèm được, nhưng "
                 "không thay cho tệp này."),
    ]  # fmt: skip
    if facts.due_at is not None:
        day, clock = format_instant(facts.due_at).split()
        lines.append(("note", f"7. Hạn gửi: {clock} ngày {day}. Báo cáo được coi là đúng hạn khi hệ thống "
                              "nhận trước thời điểm này và kết quả kiểm tra đạt."))  # fmt: skip
    number = 7 if facts.due_at is None else 8
    lines += [
        ("note", f"{number}. Sau khi gửi, đơn vị nhận được kết quả kiểm tra và chính tệp của mình đã đánh dấu các ô "
                 "cần sửa. Sửa ngay trên tệp đó rồi gửi lại cả tệp; lần gửi sau thay thế toàn bộ lần gửi trước."),
        ("header", "Liên hệ"),
        ("note", _write_contact(facts)),
    ]  # fmt: skip
    return lines


def _write_contact(facts: GuideFacts) -> str:
    contact = f" ({facts.contact})" if facts.contact else ""
    return f"Có vướng mắc, đề nghị liên hệ {facts.standing_office}{contact}."
