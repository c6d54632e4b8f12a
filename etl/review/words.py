"""Words, numbers and dates as the pages show them, and Vietnamese sort order. Pure; no I/O, no HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from etl import labels
from etl.calendar.deadlines import find_end_day
from etl.labels import STATUS_LABELS
from etl.text import capitalise, format_date, format_instant, format_number

COUNT_LABELS: Final[Mapping[str, str]] = {"expected": "phải báo cáo", **STATUS_LABELS}
RATE_LABELS: Final[Mapping[str, str]] = {
    "completeness": "Tỷ lệ đã có báo cáo đạt",
    "timeliness": "Tỷ lệ đúng hạn",
    "consistency": "Tỷ lệ đúng hạn ở các kỳ trước",
}
CLOCK_LABELS: Final[Mapping[str, str]] = {
    "admin": "chế độ báo cáo hành chính",
    "statistics": "chế độ báo cáo thống kê",
}
VERDICT_LABELS: Final[Mapping[str, str]] = {code: capitalise(label) for code, label in labels.VERDICT_LABELS.items()}
SEVERITY_LABELS: Final[Mapping[str, str]] = {code: capitalise(label) for code, label in labels.SEVERITY_LABELS.items()}
DECISIONS: Final[Mapping[str, str]] = {**labels.DECISION_LABELS, "hold": "giữ lại, chờ mở lại kỳ"}
DASH: Final = "–"


def show_instant(value: datetime | None) -> str:
    """dd/mm/yyyy HH:MM in Viet Nam; a dash for none."""
    return DASH if value is None else format_instant(value)


def show_day(value: date | None) -> str:
    """dd/mm/yyyy; a dash for none."""
    return DASH if value is None else format_date(value)


def show_last_day(until: datetime) -> str:
    """The last day of what ends at an instant, dd/mm/yyyy."""
    return format_date(find_end_day(until))


def show_number(value: int | float | Decimal | None, decimals: int | None = None) -> str:
    """1.234,5 as Vietnamese offices write it; a dash for none."""
    return DASH if value is None else format_number(value, decimals)


RUNG_LABELS: Final[Mapping[str, str]] = {
    "T-5": "nhắc trước hạn 5 ngày làm việc",
    "T-1": "nhắc trước hạn 1 ngày làm việc",
    "T0": "nhắc ngày đến hạn",
    "T+1": "nhắc quá hạn",
    "T+3": "báo thủ trưởng đơn vị",
    "T+5": "danh sách gửi Thường trực Hội đồng",
    "by-hand": "nhắc theo yêu cầu của cơ quan thường trực",
    "receipt": "thư xác nhận",
    "rejection": "thư đề nghị sửa",
    "held": "thư báo chờ mở lại kỳ",
}
LETTER_STATE_LABELS: Final[Mapping[str, str]] = {
    "planned": "chờ gửi", "claimed": "đang gửi", "sent": "đã gửi", "failed": "không gửi được", "cancelled": "đã hủy",
}  # fmt: skip
CONTACT_ROLE_LABELS: Final[Mapping[str, str]] = {
    "reporter": "đầu mối báo cáo", "head": "thủ trưởng đơn vị", "standing_council": "Thường trực Hội đồng",
    "standing_office": "cơ quan thường trực",
}  # fmt: skip


def show_value(value: object, kind: str, decimals: int | None = None) -> str:
    """A value of a mart by its kind; nothing for none."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date):
        return format_date(value)
    if isinstance(value, bool):
        return "Có" if value else "Không"
    if isinstance(value, (int, Decimal)) and kind != "text":
        number = Decimal(value)
        places = decimals if decimals is not None else max(0, -int(number.normalize().as_tuple().exponent))
        return format_number(number, places)
    return str(value)


CHANNEL_LABELS: Final[Mapping[str, str]] = {
    "folder": "thư mục nhận tệp", "web": "trang nộp của đơn vị", "sftp": "SFTP", "s3": "kho tệp", "imap": "thư điện tử",
    "http": "hệ thống khác",
}  # fmt: skip
SYSTEM_NAMES: Final[Mapping[str, str]] = {"system": "hệ thống", "command line": "dòng lệnh", "?": "không rõ ai"}
"""Who acted, where it was no person with an account."""


def show_person(login: str | None) -> str:
    """Who acted, as audit records name them; None: the register's files alone say it. A unit is `unit:<code>`."""
    if login is None:
        return "danh mục"
    return f"đơn vị {login[5:]}" if login.startswith("unit:") else SYSTEM_NAMES.get(login, login)


def say_plainly(text: str, names: Mapping[str, str]) -> str:
    """A refusal as the pages say it: without the names of commands, with periods by their names (`report:period` → name)."""
    for key, name in names.items():
        text = text.replace(f"Kỳ {key}", name).replace(f"kỳ {key}", name).replace(key, name)
    return _COMMAND.sub("", text)


_COMMAND: Final = re.compile(r" \(`[a-z -]+`\)")
