"""The one-page answer to a sender, as plain text for a mail and as HTML for a phone, a screen or paper. Pure.

Says what the verdict means and what to do next. Must not judge: verdict and findings are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final, Literal

import jinja2

from etl.annotation.wording import WHOLE_FILE, write_counts
from etl.findings.model import Finding, Severity
from etl.recognition.tables import RESULT_SHEET
from etl.text import format_instant, format_number

Verdict = Literal["accepted", "accepted_with_warnings", "rejected"]

MOST_ITEMS: Final = 40
"""Findings shown of one severity; a page that lists hundreds is read by nobody. The annotated copy has them all."""
_MOST_CELLS: Final = 12

_VERDICTS: Final[Mapping[Verdict, tuple[str, str]]] = {
    "accepted": (
        "ĐẠT – báo cáo được chấp nhận",
        "Báo cáo đã qua kiểm tra và được ghi nhận. Đơn vị không cần làm gì thêm.",
    ),
    "accepted_with_warnings": (
        "ĐẠT, CÓ CẢNH BÁO – báo cáo được chấp nhận",
        "Báo cáo đã được ghi nhận. Đề nghị xem lại các nội dung dưới đây: nếu số liệu sai thì sửa và gửi lại, "
        "nếu số liệu đúng thì trả lời lý do.",
    ),
    "rejected": (
        "CHƯA ĐẠT – báo cáo chưa được chấp nhận",
        "Báo cáo chưa được ghi nhận là đã nộp. Đề nghị sửa các lỗi dưới đây rồi gửi lại cả tệp.",
    ),
}
_SECTIONS: Final = (
    (Severity.ERROR, "Phải sửa"),
    (Severity.WARNING, "Cần kiểm tra lại, giải trình"),
    (Severity.INFO, "Lưu ý"),
)


@dataclass(frozen=True, slots=True)
class SummaryFacts:
    """What a summary is made of. Names are for people: the unit's and the report's name, the period's label.

    None where it is unknown. `received_at`, `due_at`: aware instants. `annotated`: file name of the annotated copy that
    goes with it. `form_names`: form code -> Vietnamese name, for headings of findings without a sheet.
    """

    file: str
    unit: str | None
    report: str | None
    period: str | None
    verdict: Verdict
    findings: Sequence[Finding]
    received_at: datetime | None = None
    due_at: datetime | None = None
    annotated: str | None = None
    standing_office: str | None = None
    contact: str | None = None
    form_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Item:
    """Findings that say the same of several cells; `cells` is "" for a whole sheet or file."""

    cells: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class _Group:
    place: str
    items: list[_Item]


@dataclass(frozen=True, slots=True)
class _Section:
    severity: str
    title: str
    count: str
    groups: list[_Group]
    left_out: str


def write_summary_text(facts: SummaryFacts) -> str:
    """The summary as plain text, ready as the body of a mail; lines end in "\\n"."""
    return _templates().get_template("summary.txt.j2").render(_gather(facts)).strip() + "\n"


def write_summary_html(facts: SummaryFacts) -> str:
    """The summary as one HTML page that needs no other file; everything out of the sender's file is escaped."""
    return _templates().get_template("summary.html.j2").render(_gather(facts))


@lru_cache(maxsize=1)
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("etl.annotation"),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html.j2",)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _gather(facts: SummaryFacts) -> dict[str, object]:
    heading, meaning = _VERDICTS[facts.verdict]
    if facts.verdict == "accepted" and facts.findings:
        meaning = "Báo cáo đã qua kiểm tra và được ghi nhận. Có một số lưu ý dưới đây cho lần gửi sau."
    details = (
        ("Tệp", facts.file),
        ("Đơn vị", facts.unit or "chưa xác định được"),
        ("Báo cáo", facts.report or "chưa xác định được"),
        ("Kỳ báo cáo", facts.period or "chưa xác định được"),
        ("Nhận lúc", format_instant(facts.received_at) if facts.received_at else None),
        ("Hạn nộp", format_instant(facts.due_at) if facts.due_at else None),
    )
    return {
        "verdict": facts.verdict,
        "heading": heading,
        "meaning": meaning,
        "counts": write_counts(facts.findings),
        "details": [(name, value) for name, value in details if value is not None],
        "sections": [
            section for severity, title in _SECTIONS if (section := _gather_section(severity, title, facts)) is not None
        ],
        "steps": _list_steps(facts),
        "contact": _write_contact(facts),
    }


def _gather_section(severity: Severity, title: str, facts: SummaryFacts) -> _Section | None:
    findings = [finding for finding in facts.findings if finding.severity is severity]
    if not findings:
        return None
    cells: dict[tuple[str, str, str], list[str]] = {}
    for finding in findings:
        key = (_name_place(finding, facts.form_names), finding.message.strip(), finding.fix.strip())
        cells.setdefault(key, []).extend([finding.cell] if finding.cell else [])
    groups: dict[str, list[_Item]] = {}
    for place, message, fix in list(cells)[:MOST_ITEMS]:
        groups.setdefault(place, []).append(_Item(_join_cells(cells[place, message, fix]), message, fix))
    more = len(cells) - MOST_ITEMS
    left_out = ""
    if more > 0:
        where = " Xem đủ trong tệp góp ý gửi kèm." if facts.annotated else ""
        left_out = f"… và {format_number(more)} nội dung nữa.{where}"
    shown = [_Group(place, items) for place, items in groups.items()]
    return _Section(severity.value, title, format_number(len(findings)), shown, left_out)


def _name_place(finding: Finding, form_names: Mapping[str, str]) -> str:
    if finding.sheet is not None:
        return f"Trang tính “{finding.sheet}”"
    if finding.form is None:
        return WHOLE_FILE
    name = form_names.get(finding.form)
    return f"Biểu {finding.form} – {name}" if name else f"Biểu {finding.form}"


def _join_cells(cells: Sequence[str]) -> str:
    names = list(dict.fromkeys(cells))
    if not names:
        return ""
    more = len(names) - _MOST_CELLS
    tail = f" và {format_number(more)} ô khác" if more > 0 else ""
    return f"Ô {', '.join(names[:_MOST_CELLS])}{tail}"


def _list_steps(facts: SummaryFacts) -> list[str]:
    """What to do now, step by step; empty when there is nothing to do."""
    if facts.verdict == "accepted":
        return []
    if facts.annotated:
        steps = [
            f"Mở tệp “{facts.annotated}” gửi kèm. Đây chính là tệp của đơn vị, đã tô màu các ô cần xem: "
            f"{_explain_colours(facts.findings)}. Chọn ô hoặc đưa chuột vào ô để đọc ghi chú; danh sách đầy đủ ở trang "
            f"tính “{RESULT_SHEET}”, cuối tệp.",
            "Sửa ngay trên tệp đó rồi lưu lại. Không cần xóa ghi chú, màu nền hay trang kết quả kiểm tra.",
        ]
    else:
        steps = ["Mở tệp đã gửi, sửa theo danh sách trên rồi lưu lại (định dạng .xlsx)."]
    if facts.verdict == "rejected":
        due = f" trước {format_instant(facts.due_at)}" if facts.due_at else ""
        steps.append(
            f"Gửi lại cả tệp{due}, cùng nơi nhận như lần trước. Lần gửi sau thay thế toàn bộ lần gửi trước; báo cáo chỉ "
            "được tính là đã nộp khi kết quả kiểm tra đạt."
        )
    else:
        steps.append(
            "Nếu có sửa số liệu, gửi lại cả tệp, cùng nơi nhận như lần trước; lần gửi sau thay thế toàn bộ lần gửi "
            "trước. Nếu số liệu đúng, trả lời thông báo này và nêu lý do của từng cảnh báo."
        )
    return steps


def _explain_colours(findings: Sequence[Finding]) -> str:
    words = {
        Severity.ERROR: "nền đỏ là phải sửa",
        Severity.WARNING: "nền vàng là cần kiểm tra lại",
        Severity.INFO: "nền xanh nhạt là lưu ý",
    }
    present = {finding.severity for finding in findings}
    return ", ".join(text for severity, text in words.items() if severity in present)


def _write_contact(facts: SummaryFacts) -> str:
    if not facts.standing_office and not facts.contact:
        return ""
    office = facts.standing_office or "cơ quan thường trực Hội đồng"
    return f"Có vướng mắc, đề nghị liên hệ {office}{f' ({facts.contact})' if facts.contact else ''}."
