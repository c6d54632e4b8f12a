"""The door: log-in with an account here, log-out, our own static files, whether the program lives."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, PlainTextResponse, RedirectResponse

from etl.review import oidc
from etl.review.access import refuse_other_sites
from etl.review.limits import name_address
from etl.review.office import Office
from etl.review.pages import render
from etl.review.people import NOBODY
from etl.review.routing import go_to, is_within
from etl.review.sessions import forget, is_secure, place_cookie, remember
from etl.settings import OidcSettings
from etl.usecases.accounts import BadAccount, clean_login, log_in, open_session
from etl.usecases.unit_links import read_secret

log = logging.getLogger(__name__)
router = APIRouter()
_STATIC: Final = Path(__file__).resolve().parent.parent / "static"
_KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
Next = Annotated[str, Query(max_length=500)]


def office_of(request: Request) -> Office:
    """The office of the app that answers."""
    found: Office = request.app.state.office
    return found


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
def show_static(name: str) -> FileResponse:
    """A file of ours, by its plain name."""
    known = {file.name: file for file in _STATIC.iterdir() if file.suffix in _KINDS}
    if name not in known:
        raise HTTPException(404)
    return FileResponse(
        known[name], media_type=_KINDS[known[name].suffix], headers={"Cache-Control": "public, max-age=3600"}
    )


@router.api_route("/healthz", methods=["GET", "HEAD"])
def show_health() -> PlainTextResponse:
    """The program answers; it says nothing of the warehouse."""
    return PlainTextResponse("ok")


@router.get("/")
def open_first_page(request: Request) -> RedirectResponse:
    """To the board."""
    return go_to(request, "/board")


@router.get("/login")
def show_login(request: Request, next: Next = "") -> Response:
    """The log-in page; who is logged in already goes on."""
    if request.state.person is not NOBODY:
        return RedirectResponse(_go_to(request, next), status_code=303)
    oidc = office_of(request).context().settings.oidc
    return render(request, "login.html", next=next, wrong=False, has_oidc=oidc is not None)


@router.post("/login")
def do_login(
    request: Request,
    login: Annotated[str, Form(max_length=100)],
    password: Annotated[str, Form(max_length=200)],
    next: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Log in. A wrong login and a wrong password get the same answer; too many tries wait."""
    refuse_other_sites(request)
    limits = request.app.state.limits
    address = name_address(request.client.host if request.client else "")
    # A handful of tries from one place, more from everywhere: else anybody could keep the administrator out.
    account = _name_account(login)
    here = f"{account} {address}"
    if not (
        limits["log-in"].allows(address)
        and limits["log-in of account here"].allows(here)
        and limits["log-in of account"].allows(account)
    ):
        raise HTTPException(429)
    context = office_of(request).context()
    try:
        session = log_in(context, login, password)
    except BadAccount:
        session = None
    if session is None:
        has_oidc = context.settings.oidc is not None
        return render(request, "login.html", 401, next=next, wrong=True, has_oidc=has_oidc)
    limits["log-in"].give_back(address)
    limits["log-in of account here"].forget(here)
    limits["log-in of account"].give_back(account)
    answer = RedirectResponse(_go_to(request, next), status_code=303)
    remember(request, answer, session)
    return answer


@router.get("/login/oidc")
def begin_oidc(request: Request, next: Next = "") -> Response:
    """To the province's identity provider."""
    settings = _require_oidc(request)
    _limit_oidc(request)
    secret = read_secret(office_of(request).context().settings)
    try:
        address, cookie = oidc.begin(settings, secret, _name_way_back(request), next)
    except oidc.LoginRefused as error:
        log.error("OpenID Connect: %s", error)
        raise HTTPException(503, "Hệ thống đăng nhập của tỉnh không trả lời. Hãy thử lại sau ít phút.") from None
    answer = RedirectResponse(address, status_code=303)
    answer.set_cookie(
        oidc.COOKIE, cookie, max_age=oidc.STEP_SECONDS, httponly=True, samesite="lax", secure=is_secure(request),
        path=place_cookie(request),
    )  # fmt: skip
    return answer


@router.get("/login/oidc/back")
def finish_oidc(
    request: Request,
    state: Annotated[str, Query(max_length=500)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
    iss: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Back from the identity provider."""
    settings = _require_oidc(request)
    _limit_oidc(request)
    context = office_of(request).context()
    try:
        login, name, role, wanted = oidc.finish(
            settings, read_secret(context.settings), request.cookies.get(oidc.COOKIE, ""), state, code, iss
        )
        session = open_session(context, login, name, role)
    except (oidc.LoginRefused, BadAccount) as error:
        log.warning("OpenID Connect: %s", error)
        raise HTTPException(403, "Tài khoản này không đăng nhập được. Hãy thử lại hoặc hỏi cán bộ quản trị.") from None
    answer = RedirectResponse(_go_to(request, wanted), status_code=303)
    remember(request, answer, session)
    answer.delete_cookie(oidc.COOKIE, path=place_cookie(request))
    return answer


def _name_account(login: str) -> str:
    """What tries are counted by: as the account is looked up, else each way of writing a login had its own count."""
    try:
        return clean_login(login)
    except BadAccount:
        return ""  # no account can have it: all such logins share one count


def _require_oidc(request: Request) -> OidcSettings:
    settings = office_of(request).context().settings.oidc
    if settings is None:
        raise HTTPException(404)
    return settings


def _limit_oidc(request: Request) -> None:
    """Each step asks the identity provider: nobody shall use us to ask it without end."""
    if not request.app.state.limits["oidc"].allows(name_address(request.client.host if request.client else "")):
        raise HTTPException(429)


def _name_way_back(request: Request) -> str:
    """Our public address: from the settings, because the Host header is the caller's word."""
    public = office_of(request).context().settings.web_url or ""
    return f"{public.rstrip('/')}/login/oidc/back"


@router.post("/logout")
def do_logout(request: Request) -> Response:
    """End the session."""
    answer = go_to(request, "/login")
    forget(request, answer)
    return answer


def _go_to(request: Request, wanted: str) -> str:
    """A place within the app; an address of another site is not followed."""
    base = str(request.scope.get("root_path", ""))
    return base + (wanted if is_within(wanted) else "/board")
