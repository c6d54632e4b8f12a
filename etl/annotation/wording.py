"""The Vietnamese words of the answer: names of severities and verdicts, the text of a comment, counts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from etl.findings.model import Finding, Severity
from etl.recognition.reasons import REASON_HEADER
from etl.recognition.tables import RESULT_SHEET
from etl.text import format_number

AUTHOR: Final = "Hệ thống kiểm tra báo cáo"
RESULT_TITLE: Final = "KẾT QUẢ KIỂM TRA BÁO CÁO"
WHOLE_FILE: Final = "Cả tệp"
WHOLE_SHEET: Final = "cả trang"
WHERE_TO_EXPLAIN: Final = f"Nếu số liệu đúng, ghi lý do vào cột “{REASON_HEADER}” của trang tính “{RESULT_SHEET}”."
NO_LONGER: Final = "Lần kiểm tra này không còn thấy lỗi ở ô này."

LONGEST_COMMENT: Final = 2000
"""Characters: what a person reads in a comment box. The sheet of results has the whole text."""


class Mark(StrEnum):
    """What a cell is marked as: by the gravest of its findings, or as one that had findings in an earlier answer."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    FIXED = "fixed"


FILLS: Final[Mapping[Mark, str]] = {
    Mark.ERROR: "FFFFA3A3",
    Mark.WARNING: "FFFFD95A",
    Mark.INFO: "FFBDD7EE",
    Mark.FIXED: "FFC6E0B4",
}
"""ARGB. Apart from the tints of our templates (FFF8D6, E7E6E6, D9E2EC), and apart from one another in grey print."""

SEVERITY_LABELS: Final[Mapping[Severity, str]] = {
    Severity.ERROR: "Lỗi",
    Severity.WARNING: "Cảnh báo",
    Severity.INFO: "Lưu ý",
}
_ORDER: Final = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def rank(severity: Severity) -> int:
    """0 for the gravest."""
    return _ORDER.index(severity)


def mark_of(findings: Sequence[Finding]) -> Mark:
    """The mark of a cell with these findings; FIXED when there are none."""
    if not findings:
        return Mark.FIXED
    return Mark(min((finding.severity for finding in findings), key=rank))


def write_comment(findings: Sequence[Finding]) -> str:
    """What the comment of a cell says below its heading: every finding, the gravest first."""
    if not findings:
        return NO_LONGER
    ordered = sorted(findings, key=lambda finding: rank(finding.severity))
    paragraphs = [f"{SEVERITY_LABELS[finding.severity].upper()}: {_join(finding)}" for finding in ordered]
    text = "\n".join(dict.fromkeys(paragraphs))
    if len(text) > LONGEST_COMMENT:
        text = f"{text[:LONGEST_COMMENT].rstrip()}… (xem đủ ở trang tính “{RESULT_SHEET}”)"
    return f"{text}\n{WHERE_TO_EXPLAIN}" if needs_reasons(findings) else text


def count_by_severity(findings: Iterable[Finding]) -> dict[Severity, int]:
    """How many findings of each severity, the gravest first, noughts included."""
    counts = Counter(finding.severity for finding in findings)
    return {severity: counts[severity] for severity in _ORDER}


def needs_reasons(findings: Iterable[Finding]) -> bool:
    """True when there is a warning that the unit has not explained."""
    return any(finding.severity is Severity.WARNING and not finding.reason for finding in findings)


def write_counts(findings: Sequence[Finding]) -> str:
    """ "2 lỗi phải sửa, 1 cảnh báo cần giải trình": what there is; "" for no findings."""
    counts = count_by_severity(findings)
    explained = sum(finding.severity is Severity.WARNING and bool(finding.reason) for finding in findings)
    words = (
        (counts[Severity.ERROR], "lỗi phải sửa"),
        (counts[Severity.WARNING] - explained, "cảnh báo cần giải trình"),
        (explained, "cảnh báo đã giải trình"),
        (counts[Severity.INFO], "lưu ý"),
    )
    return ", ".join(f"{format_number(count)} {word}" for count, word in words if count)


def cut_text(text: str, longest: int) -> str:
    """A text for a page, without outer blanks, cut to so many characters at most."""
    text = text.strip()
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _join(finding: Finding) -> str:
    return " ".join(part for part in (finding.message.strip(), finding.fix.strip()) if part)
