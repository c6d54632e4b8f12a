"""The standing office's pages, mounted by the plugin at `/office`: read only, in Vietnamese, behind Airflow's login.

Every route of the app asks for the log-in, because Airflow itself does not guard the routes of plugins. It must not
change anything: decisions are made by the use cases that record who decided and why.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import psycopg
import sqlalchemy.exc
from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.exceptions import HTTPException as AnyHttpError

from etl.calendar.periods import UnknownPeriod
from etl.labels import DECISION_LABELS
from etl.register.model import UnknownReport
from etl.text import show_share
from etl.usecases.attempts import read_attempts
from etl.usecases.context import WarehouseNotReady
from etl.warehouse.server import ServerError
from plugins.airflow_settings import open_run, split_key
from plugins.office_views import (
    SEVERITY_LABELS,
    VERDICT_LABELS,
    choose_key,
    describe_board,
    describe_findings,
    show_instant,
    show_number,
)

log = logging.getLogger(__name__)

TITLE: Final = "Bảng theo dõi báo cáo"

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "office_templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(
    instant=show_instant,
    number=show_number,
    share=show_share,
    query=urlencode,
    severity=lambda code: SEVERITY_LABELS[str(code)],
    verdict=lambda code: VERDICT_LABELS.get(code, "Đang kiểm tra"),
    decision=DECISION_LABELS.__getitem__,
)

# Its own documentation pages would be public.
app = FastAPI(title=TITLE, docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(get_user)])

Key = Annotated[str | None, Query(max_length=100)]
AsOf = Annotated[datetime | None, Query(description="ISO 8601 with a time zone; default now")]


@app.get("/", include_in_schema=False)
def open_first_page() -> RedirectResponse:
    """To the board."""
    return RedirectResponse("board", status_code=303)


@app.get("/board")
def show_board(key: Key = None, report: Key = None, period: Key = None, as_of: AsOf = None) -> HTMLResponse:
    """The board of one period: counts, rates, every unit. `key` is `report:period`; without it the latest period."""
    from etl.usecases.board import read_board
    from etl.usecases.periods import list_open_keys

    _refuse_naive(as_of)
    with open_run() as (context, now):
        keys = [f"{code}:{name}" for code, name in list_open_keys(context)]
        asked = key or (f"{report}:{period}" if report and period else None)
        if asked is None and not keys:
            return _render("empty.html", 200)
        board = read_board(
            context, *_split(asked or choose_key(keys, context.register, now)), as_of or now, opening=False
        )
        view = describe_board(board, context.register, keys)
    return _render("board.html", 200, board=view, as_of=as_of.isoformat() if as_of else None)


@app.get("/findings")
def show_findings(report: str, period: str, unit: Annotated[str, Query(max_length=40)]) -> HTMLResponse:
    """What was found in each attempt of one unit, with sheet, cell, value, and what to do."""
    with open_run() as (context, _):
        if not context.register.unit_versions(unit):
            raise HTTPException(404, "Không có đơn vị này.")
        attempts = read_attempts(context, report, period, unit)
        view = describe_findings(attempts, context.register, f"{report}:{period}", unit)
    return _render("findings.html", 200, view=view)


@app.exception_handler(AnyHttpError)
async def show_refusal(request: Request, error: AnyHttpError) -> HTMLResponse:
    """Errors as pages; 401 with the way to the log-in."""
    back = urlencode({"next": request.url.path + (f"?{request.url.query}" if request.url.query else "")})
    return _refuse(error.status_code, error.detail, back)


@app.exception_handler(UnknownReport)
@app.exception_handler(UnknownPeriod)
async def show_unknown(_: Request, error: Exception) -> HTMLResponse:
    """A report or period that the register does not have."""
    return _refuse(404, str(error))


@app.exception_handler(RequestValidationError)
async def show_bad_address(_: Request, __: Exception) -> HTMLResponse:
    """Values in the address that are missing or unreadable; FastAPI would answer with English JSON."""
    return _refuse(422, "Địa chỉ trang thiếu thông tin hoặc có giá trị không hợp lệ. Hãy mở lại từ bảng theo dõi.")


@app.exception_handler(ConnectionError)
@app.exception_handler(WarehouseNotReady)
@app.exception_handler(ServerError)
@app.exception_handler(sqlalchemy.exc.SQLAlchemyError)
@app.exception_handler(psycopg.Error)
async def show_unreachable(request: Request, error: Exception) -> HTMLResponse:
    """The warehouse does not answer, or not as it should; where it is and what it said stays in the log."""
    log.error("page %s: the warehouse failed (%s)", request.url.path, type(error).__name__, exc_info=error)
    return _refuse(503)


def _split(key: str) -> tuple[str, str]:
    try:
        return split_key(key)
    except ValueError as error:
        raise HTTPException(404, str(error)) from None


def _refuse_naive(as_of: datetime | None) -> None:
    if as_of is not None and as_of.tzinfo is None:
        raise HTTPException(422, "Thời điểm xem phải có múi giờ, ví dụ 2026-07-10T08:00:00+07:00.")


def _refuse(status: int, text: str = "", back: str = "") -> HTMLResponse:
    return _render("refusal.html", status, status=status, text=text, back=back)


def _render(template: str, code: int, /, **values: Any) -> HTMLResponse:
    # A value in a unit's file must not become a script of a reviewer: no scripts at all, own style only.
    nonce = secrets.token_urlsafe(16)
    rules = ("default-src 'none'", f"style-src 'nonce-{nonce}'", "form-action 'self'", "frame-ancestors 'self'")
    text = _templates.get_template(template).render(nonce=nonce, title=TITLE, **values)
    headers = {
        "Content-Security-Policy": "; ".join((*rules, "base-uri 'none'")),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }
    return HTMLResponse(text, status_code=code, headers=headers)
