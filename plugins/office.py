"""The office's pages of `etl.review`, mounted by the plugin at `/office`: Airflow's people, Airflow's log-in on every route.

The edge between Airflow's users and the pages' roles; what a role may is said in etl/review/access.yaml, not here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Annotated, Any, Final

from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends
from starlette.concurrency import run_in_threadpool

from etl.review.app import create_app
from etl.review.office import Office
from etl.review.people import Person, Role
from etl.usecases.unit_links import read_secret
from plugins.airflow_settings import read_airflow_settings

AIRFLOW_ROLES: Final[Mapping[str, Role]] = {
    "viewer": Role.READER,
    "user": Role.REVIEWER,
    "op": Role.PUBLISHER,
    "admin": Role.ADMINISTRATOR,
}
"""Airflow's roles → ours, by SimpleAuthManager's names and, without regard to capitals, by those of the FAB provider
(Viewer, User, Op, Admin). Any other role opens nothing here: whoever adds one says what it may."""
_ORDER: Final = tuple(AIRFLOW_ROLES.values())

office = Office(read_airflow_settings)


async def identify(user: Annotated[Any, Depends(get_user)]) -> Person:
    """Airflow's user as a person of ours. Raises 401 for a stranger; somebody without a known role may do nothing."""
    login = str(user.get_name())
    return Person(login, login, choose_role(user), await run_in_threadpool(_make_csrf, login))


def choose_role(user: Any) -> Role:
    """The highest of the user's roles, ANONYMOUS for none that is known. SimpleAuthManager's users have one `role`, those of
    the FAB provider `roles` with names; users of other managers have neither."""
    names = [getattr(user, "role", None), *(getattr(role, "name", None) for role in getattr(user, "roles", None) or ())]
    given = {AIRFLOW_ROLES[name.lower()] for name in names if isinstance(name, str) and name.lower() in AIRFLOW_ROLES}
    return max(given, key=_ORDER.index, default=Role.ANONYMOUS)


def _make_csrf(login: str) -> str:
    # Of the user, not of the cookie: Airflow renews its cookie while a page is open.
    secret = read_secret(office.context().settings)
    return hmac.new(secret.encode(), f"airflow-csrf:{login}".encode(), hashlib.sha256).hexdigest()


app = create_app(office, identify=identify, own_login=False)
