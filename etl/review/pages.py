"""Turning values into pages: one Jinja environment, one set of security headers. Nothing here reads the warehouse.

Whatever units wrote is escaped by default, and the policy allows no script or style but our own files: markup that slipped
through would still not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from etl.labels import STATUS_LABELS
from etl.review import audit_words, words
from etl.review.access import AccessTable
from etl.review.people import NOBODY, Person, Role
from etl.text import capitalise, show_share

_FOLDER: Final = Path(__file__).parent
POLICY: Final = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
        "form-action 'self'", "base-uri 'none'",
    )
)  # fmt: skip
NAVIGATION: Final = (
    ("/board", "Theo dõi nộp báo cáo"),
    ("/submissions", "Lần nộp"),
    ("/tables", "Số liệu tổng hợp"),
    ("/periods", "Duyệt, công bố"),
    ("/quarantine", "Tệp chưa rõ đơn vị"),
    ("/register", "Danh mục, lịch"),
    ("/audit", "Nhật ký"),
    ("/accounts", "Tài khoản"),
)
"""First pages of the office, in the order of the day's work; a person sees those that open for them."""


@cache
def _templates() -> Environment:
    found = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        instant=words.show_instant,
        day=words.show_day,
        last_day=words.show_last_day,
        number=words.show_number,
        share=show_share,
        query=urlencode,
        segment=lambda text: quote(str(text), safe=""),
        severity=lambda code: words.SEVERITY_LABELS[str(code)],
        verdict=lambda code: words.VERDICT_LABELS.get(code, "Đang kiểm tra"),
        decision=lambda code: words.DECISIONS.get(str(code), str(code)),
        status=lambda code: capitalise(STATUS_LABELS[str(code)]),
        capital=capitalise,
        person=words.show_person,
        deed=audit_words.name_deed,
        deed_detail=audit_words.tell_detail,
    )
    return found


def render(request: Request, template: str, code: int = 200, /, **values: Any) -> HTMLResponse:
    """A page. Every template sees `person`, `base` (where the app is mounted), `nav`, `path`, `may(method, path)`."""
    person: Person = getattr(request.state, "person", NOBODY)
    table: AccessTable = request.app.state.access
    text = _templates().get_template(template).render(
        person=person,
        base=request.scope.get("root_path", ""),
        path=request.url.path,
        nav=[
            (path, label)
            for path, label in NAVIGATION
            if person.role not in (Role.ANONYMOUS, Role.UNIT) and table.allows("GET", path, person.role)
        ],
        may=lambda method, path: table.allows(method, path, person.role),
        own_login=request.app.state.own_login,
        **values,
    )  # fmt: skip
    return HTMLResponse(text, status_code=code)


def security_headers(request: Request, is_page: bool) -> Mapping[str, str]:
    """For every answer. Framing is allowed only to the host that mounts the pages (Airflow shows them in a frame)."""
    frame = "'self'" if request.app.state.framed else "'none'"
    found = {
        "Content-Security-Policy": f"{POLICY}; frame-ancestors {frame}",
        "X-Content-Type-Options": "nosniff",
        # A personal link is in the address: no other site may learn it from a click.
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }
    if is_page:
        found["Cache-Control"] = "no-store"
    if request.url.scheme == "https":
        found["Strict-Transport-Security"] = "max-age=31536000"
    return found
