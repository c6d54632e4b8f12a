"""A form that was sent after its session had ended: what of it is given back, and which page it stood on. No I/O.

Passwords, tokens and what the page itself put into the form are never given back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final
from urllib.parse import quote

from fastapi import Request

from etl.review.access import AccessTable
from etl.review.people import Role
from etl.text import format_date

FIELD_LABELS: Final[Mapping[str, str]] = {
    "why": "Lý do, nội dung", "unit": "Mã đơn vị", "until": "Đến hết ngày", "login": "Tên đăng nhập", "name": "Họ tên",
}  # fmt: skip
"""What people type into forms of the office."""
UNTOLD: Final = frozenset(
    {"csrf", "password", "seen", "version", "back", "next", "key", "role", "decision", "disabled"}
)
"""Secrets, what the page put there, and what is chosen from a list. A test holds that each field is in one of the two."""


def pick_typed(sent: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """(label, text) of what somebody typed, in the order of the form."""
    return [
        (FIELD_LABELS[name], _show_day(text) if name == "until" else text)
        for name, text in sent
        if name in FIELD_LABELS and text.strip()
    ]


def _show_day(text: str) -> str:
    try:
        return format_date(date.fromisoformat(text))
    except ValueError:
        return text


def find_form_page(request: Request) -> str:
    """The nearest page above the address that the form was sent to; the first page where there is none.

    Browsers do not say where they come from (Referrer-Policy), and what a form says of it would be anybody's word.
    """
    table: AccessTable = request.app.state.access
    template = str(getattr(request.scope.get("route"), "path", "")).split("/")
    path = str(request.scope["path"]).removeprefix(str(request.scope.get("root_path", ""))).split("/")
    while len(template) == len(path) > 1:
        page = "/".join(template)
        if table.allows("GET", page, Role.ADMINISTRATOR) and not table.allows("GET", page, Role.ANONYMOUS):
            return quote("/".join(path))
        template, path = template[:-1], path[:-1]
    return "/board"
