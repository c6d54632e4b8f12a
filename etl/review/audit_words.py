"""The audit trail in the words of the standing office: one table of every kind of action, and how its codes are told. Pure.

A kind is `kind.action` of a Deed. What is recorded is never changed by its words; a text that the table does not know is shown as
it was recorded, so that nothing is lost to a reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from etl.review.people import ROLE_LABELS, Role
from etl.text import format_date, format_number
from etl.usecases.audit_trail import Deed

GROUPS: Final[Mapping[str, str]] = {
    "review": "Duyệt, công bố",
    "files": "Lần nộp, tệp đến",
    "units": "Đơn vị làm qua đường dẫn riêng",
    "register": "Danh mục, miễn báo cáo, nhắc nộp",
    "people": "Đăng nhập, tài khoản",
}


def _as_recorded(text: str) -> str:
    return text


def _say_nothing(_: str) -> str:
    return ""


def _match(pattern: str, tell: Callable[[re.Match[str]], str]) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def told(text: str) -> str:
        found = compiled.fullmatch(text)
        return tell(found) if found else text

    return told


def _count(text: str) -> str:
    return format_number(int(text))


def _tell_until(found: re.Match[str]) -> str:
    until = datetime.fromisoformat(found[1])  # written in the time of Viet Nam already
    return f"đến {until:%H:%M} ngày {format_date(until.date())}"


def _tell_upload(found: re.Match[str]) -> str:
    parts = [f"nhận {_count(found[1])} tệp"] if found[1] != "0" else []
    parts += [f"không nhận {_count(found[2])} tệp"] if found[2] != "0" else []
    return ", ".join(parts)


def _tell_role(code: str) -> str:
    return f"quyền {ROLE_LABELS[Role(code)].lower()}" if code in set(Role) else code


_ACCOUNT_CHANGES: Final[Mapping[str, str]] = {
    "password": "đặt lại mật khẩu",
    "closed": "khóa tài khoản",
    "opened": "mở lại tài khoản",
    "role": "đổi quyền",
    "disabled": "khóa hoặc mở lại tài khoản",
}


def _tell_account_change(text: str) -> str:
    return ", ".join(
        _tell_role(part.removeprefix("role ")) if part.startswith("role ") else _ACCOUNT_CHANGES.get(part, part)
        for part in text.split(", ")
    )


_tell_publication: Final = _match(r"[a-z_]+(?: #(\d+))?", lambda found: f"lần công bố {found[1]}" if found[1] else "")
_tell_frozen: Final = _match(
    r"(\d+) figures, sha256 (\w+)", lambda found: f"{_count(found[1])} số liệu, mã kiểm tra {found[2]}"
)
_tell_reading: Final = _match(r"generation (\d+)", lambda found: f"lần kiểm tra thứ {_count(found[1])}")
_tell_arrival: Final = _match(r"arrival (\d+)", lambda found: f"tệp đến số {found[1]}")
_tell_end: Final = _match(r"until (\d{4}-\d\d-\d\d \d\d:\d\d)", _tell_until)
_tell_taken: Final = _match(r"(\d+) taken, (\d+) refused", _tell_upload)
_tell_log_in: Final = _match(r"refused", lambda _: "không thành công")
_tell_letters: Final = _match(
    r"\d+", lambda found: "thư hôm nay đã có, không gửi thêm" if found[0] == "0" else f"{_count(found[0])} thư"
)
_tell_warnings: Final = _match(r"\d+", lambda found: f"{_count(found[0])} cảnh báo")
_tell_sessions: Final = _match(r"\d+", lambda found: f"{_count(found[0])} phiên")
_tell_link: Final = _match(
    r"link (\d+), until (\d{4}-\d\d-\d\d)",
    lambda found: (
        f"đường dẫn thứ {_count(found[1])}, có hiệu lực đến hết ngày {format_date(date.fromisoformat(found[2]))}"
    ),
)


def _tell_account(login: str) -> str:
    return f"tài khoản {login}"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of action: its name inside a sentence, the group it is looked for in, and how subject and outcome are told."""

    name: str
    group: str
    outcome: Callable[[str], str] = _as_recorded
    subject: Callable[[str], str] = _as_recorded


KINDS: Final[Mapping[str, Kind]] = {
    "period.start": Kind("bắt đầu duyệt kỳ", "review", _say_nothing),
    "period.approve": Kind("duyệt số liệu", "review", _say_nothing),
    "period.publish": Kind("công bố số liệu", "review", _tell_publication),
    "period.reopen": Kind("mở lại kỳ", "review", _say_nothing),
    "publication.freeze": Kind("chốt số liệu", "review", _tell_frozen),
    "decision.accept": Kind("chấp nhận lần nộp", "files"),
    "decision.return": Kind("trả lại lần nộp", "files"),
    "decision.hold": Kind("giữ lần nộp chờ mở lại kỳ", "files"),
    "examination.reread": Kind("kiểm tra lại tệp", "files", _tell_reading),
    "quarantine.attribute": Kind("chỉ định đơn vị cho tệp", "files", subject=_tell_arrival),
    "quarantine.discard": Kind("loại tệp", "files", subject=_tell_arrival),
    "page.upload": Kind("đơn vị nộp tệp", "units", _tell_taken),
    "page.explain": Kind("đơn vị giải trình cảnh báo", "units", _tell_warnings),
    "mute.acknowledge": Kind("đơn vị hẹn ngày nộp", "units", _tell_end),
    "register.apply": Kind("thay đổi danh mục", "register"),
    "exemption.exempt": Kind("miễn báo cáo", "register"),
    "exemption.withdraw": Kind("rút lại miễn báo cáo", "register"),
    "mute.mute": Kind("ngừng nhắc", "register", _tell_end),
    "mute.lift": Kind("nhắc trở lại", "register"),
    "page.remind": Kind("gửi thư nhắc", "register", _tell_letters),
    "page.link.show": Kind("xem đường dẫn riêng của đơn vị", "register", _tell_link),
    "link.revoke": Kind("thu hồi đường dẫn riêng", "register"),
    "page.link.revoke": Kind("thu hồi đường dẫn riêng", "register"),
    "page.log-in": Kind("đăng nhập", "people", _tell_log_in),
    "page.log-out": Kind("đăng xuất", "people"),
    "page.account.add": Kind("thêm tài khoản", "people", _tell_role, _tell_account),
    "page.account.change": Kind("đổi tài khoản", "people", _tell_account_change, _tell_account),
    "page.account.end-sessions": Kind("kết thúc các phiên đăng nhập", "people", _tell_sessions, _tell_account),
}


def name_deed(deed: Deed) -> str:
    """What was done, inside a sentence."""
    code = f"{deed.kind}.{deed.action}"
    kind = KINDS.get(code)
    return kind.name if kind else code


def tell_detail(deed: Deed) -> str:
    """What else is known of it: to whom or what, and what came of it; "" where unit, period and reason say all."""
    kind = KINDS.get(f"{deed.kind}.{deed.action}")
    if kind is None:
        return deed.detail or ""
    parts = (deed.subject and kind.subject(deed.subject), deed.outcome and kind.outcome(deed.outcome))
    return ": ".join(part for part in parts if part)


def list_kind_choices() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """What the trail can be narrowed to: (group, its name, its kinds as (choice, name)); kinds of one name are one choice."""
    found: dict[str, dict[str, str]] = {group: {} for group in GROUPS}
    for code, kind in KINDS.items():
        found[kind.group].setdefault(kind.name, code)
    return [(group, GROUPS[group], [(code, name) for name, code in kinds.items()]) for group, kinds in found.items()]


def read_kind_choice(choice: str) -> list[str] | None:
    """The kinds that a choice of `list_kind_choices` stands for, a group or one of its kinds; None for any other text."""
    if choice in GROUPS:
        return [code for code, kind in KINDS.items() if kind.group == choice]
    chosen = KINDS.get(choice)
    return [code for code, kind in KINDS.items() if kind.name == chosen.name] if chosen else None
