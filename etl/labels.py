"""States, verdicts, decisions and severities in the words of the standing office: the one table for every screen and file.

Small letters, as inside a sentence; `etl.text.capitalise` begins a line with them. It must know nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

STATUS_LABELS: Final[Mapping[str, str]] = {
    "on_time": "đúng hạn",
    "late": "muộn",
    "missing": "chưa nộp",
    "rejected": "chưa đạt",
    "pending": "chưa đến hạn",
    "exempt": "được miễn",
}
"""States of an obligation (design §4). "Trả lại" is no state: only a reviewer returns a report."""

VERDICT_LABELS: Final[Mapping[str, str]] = {
    "accepted": "đạt",
    "accepted_with_warnings": "đạt, có cảnh báo",
    "rejected": "chưa đạt",
}
"""What the rules say of a submission."""

OUTCOME_LABELS: Final[Mapping[str, str]] = {
    **VERDICT_LABELS,
    "already_received": "đã nhận trước đó",
    "quarantined": "chờ xác định đơn vị, kỳ báo cáo",
    "discarded": "đã loại, không phải báo cáo",
    "pending": "chờ xử lý",
}
"""What became of an arrival."""

DECISION_LABELS: Final[Mapping[str, str]] = {"accept": "chấp nhận", "return": "trả lại"}
"""What a reviewer decided."""

SEVERITY_LABELS: Final[Mapping[str, str]] = {"error": "lỗi", "warning": "cảnh báo", "info": "thông tin"}
