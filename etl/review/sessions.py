"""Who asks, where the pages have their own log-in: a cookie that names a session in the warehouse."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from etl.review.office import Office
from etl.review.people import NOBODY, Person, Role
from etl.usecases.accounts import LONGEST, Session, end_session, read_session
from etl.usecases.unit_links import read_secret

COOKIE: Final = "mr_session"
_LOCKED: Final = f"__Host-{COOKIE}"
"""The name over https: a browser takes it from this very host only, so that no neighbour in the domain can plant a session."""


async def identify(request: Request) -> Person:
    """The person of the request's session; NOBODY without one. The dependency of `serve`."""
    if not any(name in request.cookies for name in (COOKIE, _LOCKED)):
        return NOBODY
    token = await run_in_threadpool(_read_cookie, request)
    if not token:
        return NOBODY
    office: Office = request.app.state.office
    return await run_in_threadpool(_find_person, office, token)


def _find_person(office: Office, token: str) -> Person:
    context = office.context()
    session = read_session(context, token)
    if session is None:
        return NOBODY
    return Person(session.login, session.name, Role(session.role), make_csrf(read_secret(context.settings), token))


def make_csrf(secret: str, token: str) -> str:
    """What forms of a session (or of a personal link) carry: nobody without the cookie or the link can work it out."""
    return hmac.new(secret.encode(), f"csrf:{token}".encode(), hashlib.sha256).hexdigest()


def is_secure(request: Request) -> bool:
    """Whether people reach us over https: by the request, or, where a proxy ends TLS, by our public address."""
    if request.url.scheme == "https":
        return True
    office: Office = request.app.state.office
    return (office.context().settings.web_url or "").startswith("https:")


def place_cookie(request: Request) -> str:
    """The path that our cookies belong to."""
    return str(request.scope.get("root_path", "")) or "/"


def remember(request: Request, response: Response, session: Session) -> None:
    """Give the browser its session and end the one it had. Not readable by scripts, not sent by forms of other sites."""
    if before := _read_cookie(request):
        end_session(request.app.state.office.context(), before)
    response.set_cookie(
        _name_cookie(request),
        session.token,
        max_age=int(LONGEST.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
        path=place_cookie(request),
    )


def forget(request: Request, response: Response) -> None:
    """Take it back, here and in the warehouse."""
    if token := _read_cookie(request):
        end_session(request.app.state.office.context(), token)
    response.delete_cookie(
        _name_cookie(request), path=place_cookie(request), secure=is_secure(request), httponly=True, samesite="lax"
    )


def _name_cookie(request: Request) -> str:
    return _LOCKED if is_secure(request) and place_cookie(request) == "/" else COOKIE


def _read_cookie(request: Request) -> str | None:
    return request.cookies.get(_name_cookie(request))
