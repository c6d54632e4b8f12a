"""The table of routes and roles, read strictly, and the guard that asks it before any page runs.

Closed by default: an app with a route that the table does not name does not start.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import yaml
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.routing import BaseRoute

from etl.review.people import NOBODY, Person, Role

UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_FILE: Final = Path(__file__).parent / "access.yaml"
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_OWN_DOOR: Final = ("/login", "/logout")

Identify = Callable[..., Awaitable[Person]]
"""A dependency that says who asks; NOBODY for a stranger."""


class BadAccessTable(ValueError):
    """The table and the app do not agree; the text names the route."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    path: str
    methods: tuple[str, ...]
    allow: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    groups: Mapping[str, tuple[Role, ...]]
    routes: tuple[_Line, ...]


@dataclass(frozen=True, slots=True)
class AccessTable:
    """(method, path template) → the roles that may."""

    rights: Mapping[tuple[str, str], frozenset[Role]]

    def allows(self, method: str, path: str, role: Role) -> bool:
        """Whether the role may; an unknown route is nobody's."""
        return role in self.rights.get((method, path), frozenset())

    def check(self, routes: Iterable[BaseRoute]) -> None:
        """Raises BadAccessTable when a route is not in the table, or a line has no route."""
        found: set[tuple[str, str]] = set()
        for route in routes:
            if not isinstance(route, APIRoute):
                raise BadAccessTable(f"{getattr(route, 'path', route)!r} is no plain route: the guard would not see it")
            found |= {(method, route.path) for method in route.methods}
        if missing := sorted(found - self.rights.keys()):
            raise BadAccessTable(f"routes without a line in access.yaml: {missing}")


@cache
def read_access_table(file: Path = _FILE) -> AccessTable:
    """The table of the package. Raises BadAccessTable for a route named twice or a group that is not there."""
    declared = _File.model_validate(yaml.safe_load(file.read_text("utf-8")))
    rights: dict[tuple[str, str], frozenset[Role]] = {}
    for line in declared.routes:
        if line.allow not in declared.groups:
            raise BadAccessTable(f"{line.path}: no group {line.allow!r}")
        for method in line.methods:
            if (method, line.path) in rights:
                raise BadAccessTable(f"{method} {line.path} stands twice")
            rights[method, line.path] = frozenset(declared.groups[line.allow])
    return AccessTable(rights)


def make_guard(table: AccessTable, identify: Identify, *, own_login: bool = True) -> Callable[..., Awaitable[None]]:
    """The dependency of the whole app: who asks, whether the table lets them, and whether a write is meant.

    Sets request.state.person. A stranger gets 401, somebody without the right 403, a write without its token 403. Where a
    host logs people in, our own log-in, and the units' entrance, which its log-in would keep units from, are not there (404).
    """

    async def guard(request: Request, person: Person = Depends(identify)) -> None:  # noqa: B008 - how FastAPI asks
        request.state.person = person
        path = request.scope["route"].path
        roles = table.rights.get((request.method, path), frozenset())
        is_link = Role.UNIT in roles and Role.ANONYMOUS not in roles
        if not own_login and (is_link or path.startswith(_OWN_DOOR)):
            raise HTTPException(404)
        if is_link:
            # The page reads the personal link itself; whoever holds it is the unit, logged in or not.
            return
        if person.role not in roles:
            raise HTTPException(401 if person is NOBODY else 403)
        if request.method in UNSAFE and person is not NOBODY:
            await require_token(request, person.csrf)

    return guard


async def require_token(request: Request, expected: str) -> None:
    """A write must come from a page of ours: same site, and with the person's token (header, query or form field).

    Raises HTTPException 403.
    """
    refuse_other_sites(request)
    given = request.headers.get("x-csrf-token") or request.query_params.get("csrf") or ""
    if not given and request.headers.get("content-type", "").startswith(_FORM_TYPE):
        given = str((await request.form()).get("csrf") or "")
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise HTTPException(
            403, "Trang đã mở quá lâu hoặc không phải do hệ thống tạo ra. Hãy tải lại trang rồi thử lại."
        )


def refuse_other_sites(request: Request) -> None:
    """A page of another site must not write here, nor log anybody in. Raises HTTPException 403."""
    site = request.headers.get("sec-fetch-site")
    if site is None:
        # A browser from before 2023. "null" is what our own pages send, because they tell nobody where they are.
        origin = request.headers.get("origin", "null")
        is_foreign = origin != "null" and urlsplit(origin).netloc != request.headers.get("host")
    else:
        is_foreign = site not in ("same-origin", "none")
    if is_foreign:
        raise HTTPException(403, "Yêu cầu đến từ một trang khác nên không được thực hiện.")


def guard_app(app: FastAPI, table: AccessTable) -> None:
    """Refuse to start when routes and table do not agree."""
    table.check(app.routes)
