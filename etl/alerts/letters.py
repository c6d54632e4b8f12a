"""What a letter says, in Vietnamese: subject, plain text and HTML, one template a kind of letter. Pure.

It must not know addresses nor decide anything: what is owed, how late it is and what was enclosed are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

import jinja2

from etl.annotation.summary import PersonalLink
from etl.calendar.deadlines import TIMEZONE
from etl.register.alerting import LADDER_KINDS, LetterKind
from etl.text import format_date, format_instant, format_number, show_share


@dataclass(frozen=True, slots=True)
class Body:
    """A letter ready to be put into a message. `subject` is one line."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: the standing office and the council's name; `address` is where to ask, None when nobody is named."""

    office: str
    council: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Duty:
    """One report that a letter speaks of. Names are for people. `days` are working days left (reminders) or late (lists, late).

    `file`: name of the enclosed fill-in workbook. `promised`: the unit acknowledged and gave a day, with its words.
    `link`: the unit's own for this report, in letters to its own people only.
    """

    letter: LetterKind
    unit: str
    report: str
    period: str
    due_at: datetime
    days: int
    received: bool = False
    file: str | None = None
    promised: date | None = None
    promise: str = ""
    link: PersonalLink | None = None


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """What a reviewer decided of a unit's file. `file`: the unit's own name of it; `copy`: of the enclosed marked copy."""

    unit: str
    report: str
    period: str
    file: str
    received_at: datetime
    accepted: bool
    reason: str
    due_at: datetime | None
    copy: str | None = None
    attempt: int | None = None
    link: PersonalLink | None = None


@dataclass(frozen=True, slots=True)
class HeldFacts:
    """A unit's file that is valid and waits for its period to be reopened. `copy`: the enclosed copy with its warnings marked."""

    unit: str
    report: str
    period: str
    file: str
    received_at: datetime
    copy: str | None = None
    attempt: int | None = None
    link: PersonalLink | None = None


@dataclass(frozen=True, slots=True)
class DigestPeriod:
    """One report and period of a digest; counts as `Board.counts`, rates 0 to 1. `late`: who is overdue, with working days."""

    report: str
    period: str
    due: str
    counts: Mapping[str, int]
    completeness: float | None
    timeliness: float | None
    late: Sequence[tuple[str, str, int]] = ()


@dataclass(frozen=True, slots=True)
class DigestFacts:
    """The day's account to the standing office. `news`: (what, how many) since the last working day; `notes`: what to see to."""

    day: date
    periods: Sequence[DigestPeriod]
    news: Sequence[tuple[str, int]] = ()
    notes: Sequence[str] = ()
    pauses: Sequence[tuple[str, date, str]] = ()


MOST_LATE: Final = 60
"""Units listed a period: a longer list is read on the board."""
_DUE_PHRASES: Final[Mapping[LetterKind, str]] = {
    LetterKind.LATE: "quá hạn {days} ngày làm việc",
    LetterKind.LATE_HEAD: "quá hạn {days} ngày làm việc",
    LetterKind.LATE_LIST: "quá hạn {days} ngày làm việc",
}


def write_reminder(recipient: str, duties: Sequence[Duty], sender: Sender) -> Body:
    """A letter about what a unit (a bloc's leader: several) owes; the most urgent report gives it its tone and subject."""
    ordered = sorted(duties, key=lambda duty: (-LADDER_KINDS.index(duty.letter), duty.due_at, duty.unit, duty.report))
    first = ordered[0]
    urgent = [duty for duty in ordered if duty.letter is first.letter]
    facts = {
        "recipient": recipient,
        "duties": urgent,
        # Told apart: what is still to come must not be called overdue.
        "others": ordered[len(urgent) :],
        "files": [duty.file for duty in ordered if duty.file],
        "links": [duty for duty in ordered if duty.link],
        "sender": sender,
    }
    return render_letter(first.letter.value, _name_reminder(urgent), facts)


def write_late_list(recipient: str, duties: Sequence[Duty], sender: Sender) -> Body:
    """The list of units that are overdue, by report and period, the latest first."""
    groups: dict[tuple[str, str, datetime], list[Duty]] = {}
    for duty in sorted(duties, key=lambda duty: (duty.report, duty.period, duty.due_at)):
        groups.setdefault((duty.report, duty.period, duty.due_at), []).append(duty)
    for group in groups.values():
        group.sort(key=lambda duty: -duty.days)
    units = len({duty.unit for duty in duties})
    subject = f"Danh sách đơn vị quá hạn nộp báo cáo ({format_number(units)} đơn vị)"
    facts = {
        "recipient": recipient,
        "groups": groups,
        "units": units,
        "sender": sender,
        "states": _tell_late_states(duties),
    }
    return render_letter(LetterKind.LATE_LIST.value, subject, facts)


def write_decision(recipient: str, facts: DecisionFacts, sender: Sender) -> Body:
    """What a reviewer decided, with the reason."""
    subject = "Báo cáo đã được chấp nhận" if facts.accepted else "Báo cáo được trả lại, đề nghị sửa và gửi lại"
    return render_letter("decision", subject, {"recipient": recipient, "facts": facts, "sender": sender})


def write_held(recipient: str, facts: HeldFacts, sender: Sender) -> Body:
    """A file was received and is valid, but its period is published."""
    subject = "Đã nhận báo cáo, hợp lệ: chờ mở lại kỳ"
    return render_letter(LetterKind.HELD.value, subject, {"recipient": recipient, "facts": facts, "sender": sender})


def write_digest(recipient: str, facts: DigestFacts, sender: Sender) -> Body:
    """The day's account."""
    late = sum(len(period.late) for period in facts.periods)
    told = f"{format_number(late)} báo cáo quá hạn" if late else "không có báo cáo quá hạn"
    subject = f"Tình hình nộp báo cáo ngày {format_date(facts.day)}: {told}"
    return render_letter(
        "digest", subject, {"recipient": recipient, "facts": facts, "sender": sender, "most": MOST_LATE}
    )


def name_summary(accepted: bool, warnings: bool) -> str:
    """The subject of the answer to a file that the rules have judged."""
    if not accepted:
        return "Báo cáo CHƯA ĐẠT, đề nghị sửa và gửi lại"
    return "Đã nhận báo cáo: ĐẠT, CÓ CẢNH BÁO" if warnings else "Đã nhận báo cáo: ĐẠT"


def _name_reminder(duties: Sequence[Duty]) -> str:
    first, day = duties[0], format_date(duties[0].due_at.astimezone(TIMEZONE).date())
    what = "báo cáo" if len(duties) == 1 else f"{format_number(len(duties))} báo cáo"
    if first.letter is LetterKind.LATE_HEAD:
        return f"Đề nghị thủ trưởng đơn vị chỉ đạo nộp {what} quá hạn"
    if first.letter is LetterKind.LATE:
        return f"Quá hạn nộp {what} (hạn {day})"
    if first.letter is LetterKind.TODAY:
        return f"Ngày cuối để nộp {what}: hạn {day}"
    if first.letter is LetterKind.TOMORROW:
        return f"Sắp đến hạn nộp {what}: {day}"
    return f"Nhắc nộp {what}: hạn {day}"


def _tell_state(duty: Duty) -> str:
    return "đã nhận nhưng chưa đạt, chưa có lần gửi lại đạt yêu cầu" if duty.received else "chưa nhận được"


def _tell_late_states(duties: Sequence[Duty]) -> dict[Duty, str]:
    told = {}
    for duty in duties:
        text = "đã gửi, chưa đạt" if duty.received else "chưa gửi"
        if duty.promised is not None:
            text += f"; đơn vị hẹn ngày {format_date(duty.promised)}: {duty.promise}"
        told[duty] = text
    return told


def _tell_due(duty: Duty) -> str:
    """The due instant and how far it is, counted now: a letter that comes late after an outage must not say five days."""
    when = format_instant(duty.due_at)
    if duty.letter in _DUE_PHRASES:
        return f"{when} ({_DUE_PHRASES[duty.letter].format(days=format_number(duty.days))})"
    return f"{when} ({'ngày cuối' if duty.days <= 0 else f'còn {format_number(duty.days)} ngày làm việc'})"


@lru_cache(maxsize=1)
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("etl.alerts"),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html.j2",)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(date=format_date, instant=format_instant, number=format_number, share=show_share)
    environment.filters.update(due=_tell_due, state=_tell_state)
    return environment


def render_letter(name: str, subject: str, facts: Mapping[str, object]) -> Body:
    """A letter from the pair of templates of that name; `facts` are the names they use."""
    templates = _templates()
    text = templates.get_template(f"{name}.txt.j2").render(facts).strip() + "\n"
    # The same words twice: a letter's two halves must not drift apart.
    return Body(subject, text, templates.get_template(f"{name}.html.j2").render({**facts, "subject": subject}))
