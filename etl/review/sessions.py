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


async def identify(request: Request) -> Person:
    """The person of the request's session; NOBODY without one. The dependency of `serve`."""
    token = request.cookies.get(COOKIE)
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


def remember(request: Request, response: Response, session: Session) -> None:
    """Give the browser its session. Not readable by scripts, not sent by forms of other sites."""
    response.set_cookie(
        COOKIE,
        session.token,
        max_age=int(LONGEST.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path=request.scope.get("root_path", "") or "/",
    )


def forget(request: Request, response: Response) -> None:
    """Take it back, here and in the warehouse."""
    if token := request.cookies.get(COOKIE):
        end_session(request.app.state.office.context(), token)
    response.delete_cookie(COOKIE, path=request.scope.get("root_path", "") or "/")
