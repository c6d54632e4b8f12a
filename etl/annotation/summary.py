"""The one-page answer to a sender, as plain text for a mail and as HTML for a phone, a screen or paper. Pure.

Says what the verdict means and what to do next. Must not judge: verdict and findings are given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Final, Literal

import jinja2

from etl.annotation.wording import WHOLE_FILE, cut_text, needs_reasons, write_counts
from etl.findings.model import Finding, Severity
from etl.recognition.reasons import REASON_HEADER
from etl.recognition.tables import RESULT_SHEET
from etl.text import format_date, format_instant, format_number

Verdict = Literal["accepted", "accepted_with_warnings", "rejected"]

PAGE_LINES: Final = 32
"""Lines of a printed A4 page that the lists may fill. A page that lists hundreds is read by nobody; the annotated copy has
them all."""
MOST_ITEMS: Final = 200
"""Items listed when there is no annotated copy: this list is then all that the unit has to work from."""
_KEPT_LINES: Final[Mapping[Severity, int]] = {Severity.WARNING: 9, Severity.INFO: 5}
"""Kept free for what weighs less, so that a hundred errors do not hide that something should be explained."""
_LINE_CHARACTERS: Final = 92
_MOST_CELLS: Final = 12
_MOST_PLACES: Final = 4
_LONGEST_TEXT: Final = 300
_LONGEST_NAME: Final = 120

_VERDICTS: Final[Mapping[Verdict, tuple[str, str]]] = {
    "accepted": (
        "ĐẠT – báo cáo được chấp nhận",
        "Báo cáo đã qua kiểm tra và được ghi nhận. Đơn vị không cần làm gì thêm.",
    ),
    "accepted_with_warnings": (
        "ĐẠT, CÓ CẢNH BÁO – báo cáo được chấp nhận",
        "Báo cáo đã được ghi nhận. Đề nghị xem lại các nội dung dưới đây: nếu số liệu sai thì sửa và gửi lại, "
        "nếu số liệu đúng thì ghi lý do.",
    ),
    "rejected": (
        "CHƯA ĐẠT – báo cáo chưa được chấp nhận",
        "Báo cáo chưa được ghi nhận là đã nộp. Đề nghị sửa các lỗi dưới đây rồi gửi lại cả tệp.",
    ),
}
_TRIAL_VERDICTS: Final[Mapping[Verdict, tuple[str, str]]] = {
    "accepted": ("ĐẠT – kiểm tra thử", "Tệp không có lỗi. Đây là kiểm tra thử: báo cáo chưa được nộp."),
    "accepted_with_warnings": (
        "ĐẠT, CÓ CẢNH BÁO – kiểm tra thử",
        "Tệp không có lỗi phải sửa. Đề nghị xem lại các nội dung dưới đây: nếu số liệu sai thì sửa, nếu đúng thì ghi lý do. "
        "Đây là kiểm tra thử: báo cáo chưa được nộp.",
    ),
    "rejected": (
        "CHƯA ĐẠT – kiểm tra thử",
        "Đề nghị sửa các lỗi dưới đây trước khi gửi. Đây là kiểm tra thử: báo cáo chưa được nộp.",
    ),
}
_SECTIONS: Final = (
    (Severity.ERROR, "Phải sửa"),
    (Severity.WARNING, "Cần kiểm tra lại, giải trình"),
    (Severity.INFO, "Lưu ý"),
)


@dataclass(frozen=True, slots=True)
class PersonalLink:
    """A unit's personal link as a letter gives it out; it opens to the end of `last_day`, a day of Viet Nam."""

    address: str
    last_day: date

    @property
    def validity(self) -> str:
        """Until when, in the words of a letter."""
        return f"có hiệu lực đến hết ngày {format_date(self.last_day)}"


@dataclass(frozen=True, slots=True)
class SummaryFacts:
    """What a summary is made of. Names are for people: the unit's and the report's name, the period's label.

    None where it is unknown. `received_at`, `due_at`: aware instants. `annotated`: file name of the annotated copy that
    goes with it. `form_names`: form code -> Vietnamese name, for headings of findings without a sheet. `trial`: the file was
    only checked; nothing of it counts as received. `attempt`: which submission of its report this is, from 1. `counting`: the
    other submission of the report whose figures are the unit's now, or None.
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
    trial: bool = False
    attempt: int | None = None
    counting: int | None = None
    note: str | None = None
    """A sentence about what goes with the summary, or why nothing does."""
    link: PersonalLink | None = None
    """The unit's own, where the summary goes to the unit's own people."""


_NOT_REPLACED: Final = (
    "Lần nộp này không được tính; số liệu của lần nộp {counting} vẫn đang được tính. Nếu cần thay số liệu đó, đề nghị sửa các "
    "lỗi dưới đây rồi gửi lại cả tệp."
)
_EXPLAINED: Final = (
    "Báo cáo đã được ghi nhận. Các cảnh báo dưới đây đã có giải trình của đơn vị; không cần làm gì thêm."
)


@dataclass(frozen=True, slots=True)
class _Item:
    """Findings that say the same of several cells; `cells` is "" for a whole sheet or file."""

    place: str
    cells: str
    message: str
    fix: str
    reason: str

    @property
    def lines(self) -> int:
        """Lines it takes on paper."""
        texts = (f"{self.cells}: {self.message}", f"Cách khắc phục: {self.fix}" if self.fix else "", self.reason)
        return sum(-(-len(text) // _LINE_CHARACTERS) for text in texts)


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
    heading, meaning = (_TRIAL_VERDICTS if facts.trial else _VERDICTS)[facts.verdict]
    if facts.trial:
        pass
    elif facts.verdict == "accepted" and facts.findings:
        meaning = "Báo cáo đã qua kiểm tra và được ghi nhận. Có một số lưu ý dưới đây cho lần gửi sau."
    elif facts.verdict == "rejected" and facts.counting is not None:
        meaning = _NOT_REPLACED.format(counting=format_number(facts.counting))
    elif facts.verdict == "accepted_with_warnings" and not needs_reasons(facts.findings):
        meaning = _EXPLAINED
    details = (
        ("Tệp", cut_text(facts.file, _LONGEST_NAME)),
        ("Đơn vị", facts.unit or "chưa xác định được"),
        ("Báo cáo", facts.report or "chưa xác định được"),
        ("Kỳ báo cáo", facts.period or "chưa xác định được"),
        ("Nhận lúc", format_instant(facts.received_at) if facts.received_at else None),
        ("Lần nộp", f"thứ {format_number(facts.attempt)}" if facts.attempt else None),
        ("Hạn nộp", format_instant(facts.due_at) if facts.due_at else None),
        ("Gửi kèm", facts.note),
    )
    return {
        "verdict": facts.verdict,
        "heading": heading,
        "meaning": meaning,
        "counts": write_counts(facts.findings),
        "details": [(name, value) for name, value in details if value is not None],
        "sections": _gather_sections(facts),
        "steps": _list_steps(facts),
        "link": facts.link,
        "contact": _write_contact(facts),
    }


def _gather_items(severity: Severity, facts: SummaryFacts) -> list[_Item]:
    """Everything of one severity, what the unit has not explained yet first."""
    cells: dict[tuple[str, str, str, str], list[str]] = {}
    for finding in sorted(facts.findings, key=lambda finding: finding.reason is not None):
        if finding.severity is severity:
            reason = f"Đơn vị đã giải trình: {' '.join(finding.reason.split())}" if finding.reason else ""
            message, fix, said = (cut_text(text, _LONGEST_TEXT) for text in (finding.message, finding.fix, reason))
            key = (_name_place(finding, facts.form_names), message, fix, said)
            cells.setdefault(key, []).extend([finding.cell] if finding.cell else [])
    return [
        _Item(place, _join_cells(found), message, fix, reason) for (place, message, fix, reason), found in cells.items()
    ]


def _gather_sections(facts: SummaryFacts) -> list[_Section]:
    """The lists, cut to what fits on the page when an annotated copy has them in full."""
    items = {severity: _gather_items(severity, facts) for severity, _ in _SECTIONS}
    sections = []
    lines = PAGE_LINES
    for place, (severity, title) in enumerate(_SECTIONS):
        if not items[severity]:
            continue
        kept = sum(_KEPT_LINES.get(later, 0) for later, _ in _SECTIONS[place + 1 :] if items[later])
        shown = _fit_items(items[severity], lines - kept) if facts.annotated else items[severity][:MOST_ITEMS]
        groups: dict[str, list[_Item]] = {}
        for item in shown:
            groups.setdefault(item.place, []).append(item)
        lines -= 2 + len(groups) + sum(item.lines for item in shown)
        where = " Xem đủ trong tệp góp ý gửi kèm." if facts.annotated else ""
        left_out = _count_rest(items[severity][len(shown) :], where)
        count = sum(finding.severity is severity for finding in facts.findings)
        sections.append(
            _Section(
                severity.value, title, format_number(count), [_Group(*group) for group in groups.items()], left_out
            )
        )
    return sections


def _count_rest(rest: Sequence[_Item], where: str) -> str:
    """How much more there is, and in which sheets most of it."""
    if not rest:
        return ""
    places = Counter(item.place for item in rest).most_common()
    named = [f"{cut_text(place, 50)}: {format_number(count)}" for place, count in places[:_MOST_PLACES]]
    if more := sum(count for _, count in places[_MOST_PLACES:]):
        named.append(f"nơi khác: {format_number(more)}")
    return f"… và {format_number(len(rest))} nội dung nữa ({'; '.join(named)}).{where}"


def _fit_items(items: Sequence[_Item], lines: int) -> list[_Item]:
    """The first items that fit into so many lines; never fewer than one."""
    shown: list[_Item] = []
    places: set[str] = set()
    left = lines - 4  # the heading, and the lines that count the rest
    for item in items:
        left -= item.lines + (item.place not in places)
        if shown and left < 0:
            break
        shown.append(item)
        places.add(item.place)
    return shown


def _is_document(facts: SummaryFacts) -> bool:
    """Whether the findings are about a JSON submission: they point into it."""
    return any(_is_pointer(finding.cell) or finding.code.startswith("JSON-") for finding in facts.findings)


def _is_pointer(cell: str | None) -> bool:
    return cell is not None and cell.startswith("/")


def _name_place(finding: Finding, form_names: Mapping[str, str]) -> str:
    if finding.sheet is not None and not (_is_pointer(finding.cell) or finding.sheet == finding.form):
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
    kind = "Mục" if _is_pointer(names[0]) else "Ô"
    return f"{kind} {', '.join(names[:_MOST_CELLS])}{tail.replace('ô khác', 'mục khác') if kind == 'Mục' else tail}"


def _list_steps(facts: SummaryFacts) -> list[str]:
    """What to do now, step by step; empty when there is nothing to do."""
    rejected, to_explain = facts.verdict == "rejected", needs_reasons(facts.findings)
    if not rejected and not to_explain:
        return []
    if facts.annotated:
        steps = [
            f"Mở tệp “{cut_text(facts.annotated, _LONGEST_NAME)}” gửi kèm. Đây chính là tệp của đơn vị, đã tô màu các ô cần "
            f"xem: {_explain_colours(facts.findings)}. Chọn ô hoặc đưa chuột vào ô để đọc ghi chú; danh sách đầy đủ ở trang "
            f"tính “{RESULT_SHEET}”, cuối tệp.",
            "Sửa ngay trên tệp đó rồi lưu lại. Không cần xóa ghi chú, màu nền hay trang kết quả kiểm tra.",
        ]
        where = (
            f"ghi lý do vào cột “{REASON_HEADER}” của trang tính “{RESULT_SHEET}” trong tệp đó, trên dòng của cảnh báo"
        )
    else:
        steps = ["Mở tệp đã gửi, sửa theo danh sách trên rồi lưu lại (định dạng .xlsx)."]
        if _is_document(facts):
            steps = [
                "Sửa số liệu trong phần mềm theo danh sách trên, hoặc cấu hình xuất dữ liệu, rồi xuất lại tài liệu JSON."
            ]
        where = "trả lời thông báo này và nêu lý do của từng cảnh báo"
    if to_explain:
        steps.append(f"Cảnh báo mà số liệu đúng: {where}. Cơ quan thường trực xem lý do khi duyệt báo cáo.")
    if facts.trial:
        due = f" trước {format_instant(facts.due_at)}" if facts.due_at else ""
        steps.append(f"Gửi cả tệp đến nơi nhận báo cáo{due}.")
    elif rejected:
        due = f" trước {format_instant(facts.due_at)}" if facts.due_at else ""
        steps.append(
            f"Gửi lại cả tệp{due}, cùng nơi nhận như lần trước. Lần gửi sau thay thế toàn bộ lần gửi trước; báo cáo chỉ "
            "được tính là đã nộp khi kết quả kiểm tra đạt."
        )
    else:
        changed = "có sửa số liệu hoặc ghi lý do" if facts.annotated else "có sửa số liệu"
        steps.append(
            f"Nếu {changed}, gửi lại cả tệp, cùng nơi nhận như lần trước; lần gửi sau thay thế toàn bộ lần gửi trước."
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
