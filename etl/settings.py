"""Settings read once at an edge (CLI, DAG, page) and passed on as a value; nothing below reads the environment.

Names of the variables are a contract (design §4). Inside Airflow the same come from Connections and Variables first.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

PROJECT_ROOT = Path(__file__).resolve().parent.parent
"""The checkout: `sql/`, `expectations/` and `register/` stand beside the package."""

CONNECTION_PREFIX = "MOVEMENT_REPORTS_CONNECTION_"
DEFAULT_MAX_FILE_MB = 20
DEFAULT_MAIL_FROM = "khong-tra-loi@movement-reports.example"
"""Belongs to nobody: a province that sends mail says who it is."""


OFFICE_ROLES: Final = ("reader", "reviewer", "publisher", "administrator")
"""What somebody of the standing office may be on the pages, each with the rights of those before."""


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """An identity provider of OpenID Connect. `roles`: value of `role_claim` → role here; who has none does not get in."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    role_claim: str = "groups"
    roles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are. `warehouse_url` is a SQLAlchemy URL; None means the embedded server under `home`."""

    home: Path
    register: Path
    landing: str
    warehouse_url: str | None = field(default=None, repr=False)  # may hold a password
    max_file_bytes: int = DEFAULT_MAX_FILE_MB * 1024 * 1024
    reader_memory_bytes: int = 1024 * 1024 * 1024
    reader_seconds: float = 30.0
    readers: int = 2
    forms: Path = PROJECT_ROOT / "etl" / "forms"
    expectations: Path = PROJECT_ROOT / "expectations"
    """The declarations of the forms and the suites of their rules: a province may keep its own."""
    smtp_url: str | None = field(default=None, repr=False)
    """The mail server (`etl.alerts.smtp`), or `file:///…` for a folder that mails are written to; None: no mail is sent."""
    mail_from: str = DEFAULT_MAIL_FROM
    webhooks: str = field(default="", repr=False)  # Apprise URLs hold tokens
    connections: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    """Name in channels.yaml -> URL of the peer with its secret (`etl.channels.connection`)."""
    web_url: str | None = None
    """The public address of the pages, for links in letters; None: letters carry none."""
    web_secret: str | None = field(default=None, repr=False)
    """Signs sessions' tokens and units' links; None: a file under home."""
    oidc: OidcSettings | None = None


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from `MOVEMENT_REPORTS_*` variables.

    Raises ValueError naming the variable when a number in it is not a number.
    """
    env = os.environ if environment is None else environment
    home = Path(env.get("MOVEMENT_REPORTS_HOME") or PROJECT_ROOT / "home").expanduser().resolve()
    register = Path(env.get("MOVEMENT_REPORTS_REGISTER") or PROJECT_ROOT / "register").expanduser().resolve()
    forms = Path(env.get("MOVEMENT_REPORTS_FORMS") or PROJECT_ROOT / "etl" / "forms").expanduser().resolve()
    suites = Path(env.get("MOVEMENT_REPORTS_EXPECTATIONS") or PROJECT_ROOT / "expectations").expanduser().resolve()
    size = env.get("MOVEMENT_REPORTS_MAX_FILE_MB") or str(DEFAULT_MAX_FILE_MB)
    if not size.isdigit() or int(size) < 1:
        raise ValueError(f"MOVEMENT_REPORTS_MAX_FILE_MB must be a whole number of MiB of at least 1, not {size!r}")
    return Settings(
        home=home,
        register=register,
        landing=env.get("MOVEMENT_REPORTS_LANDING") or (home / "landing").as_uri(),
        warehouse_url=env.get("MOVEMENT_REPORTS_WAREHOUSE_URL") or None,
        max_file_bytes=int(size) * 1024 * 1024,
        readers=max(1, min(os.cpu_count() or 1, 4)),
        forms=forms,
        expectations=suites,
        smtp_url=env.get("MOVEMENT_REPORTS_SMTP_URL") or None,
        mail_from=env.get("MOVEMENT_REPORTS_MAIL_FROM") or DEFAULT_MAIL_FROM,
        webhooks=env.get("MOVEMENT_REPORTS_WEBHOOKS") or "",
        connections={
            name.removeprefix(CONNECTION_PREFIX).lower(): value
            for name, value in env.items()
            if name.startswith(CONNECTION_PREFIX) and value
        },
        web_url=env.get("MOVEMENT_REPORTS_WEB_URL") or None,
        web_secret=env.get("MOVEMENT_REPORTS_WEB_SECRET") or None,
        oidc=_read_oidc(env),
    )


def _read_oidc(env: Mapping[str, str]) -> OidcSettings | None:
    """The identity provider; roles as `group=role,group=role`. Raises ValueError naming what is missing."""
    issuer = env.get("MOVEMENT_REPORTS_OIDC_ISSUER")
    if not issuer:
        return None
    missing = [
        name
        for name in (
            "MOVEMENT_REPORTS_OIDC_CLIENT_ID",
            "MOVEMENT_REPORTS_OIDC_CLIENT_SECRET",
            "MOVEMENT_REPORTS_OIDC_ROLES",
        )
        if not env.get(name)
    ]
    if missing:
        raise ValueError(f"MOVEMENT_REPORTS_OIDC_ISSUER is set, but not {', '.join(missing)}")
    if urlsplit(issuer).scheme != "https" and urlsplit(issuer).hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError(
            "MOVEMENT_REPORTS_OIDC_ISSUER must begin with https://: over http anybody between could log in as anyone"
        )
    if not env.get("MOVEMENT_REPORTS_WEB_URL"):
        raise ValueError(
            "MOVEMENT_REPORTS_OIDC_ISSUER needs MOVEMENT_REPORTS_WEB_URL too: people come back to that address"
        )
    pairs = [pair.rsplit("=", 1) for pair in env["MOVEMENT_REPORTS_OIDC_ROLES"].split(",") if pair.strip()]
    if wrong := [pair for pair in pairs if len(pair) != 2 or pair[1].strip() not in OFFICE_ROLES]:
        raise ValueError(
            f"MOVEMENT_REPORTS_OIDC_ROLES: {'='.join(wrong[0])!r} is not group=role with a role of {', '.join(OFFICE_ROLES)}"
        )
    roles = dict(pairs)
    return OidcSettings(
        issuer=issuer.rstrip("/"),
        client_id=env["MOVEMENT_REPORTS_OIDC_CLIENT_ID"],
        client_secret=env["MOVEMENT_REPORTS_OIDC_CLIENT_SECRET"],
        role_claim=env.get("MOVEMENT_REPORTS_OIDC_ROLE_CLAIM") or "groups",
        roles={name.strip(): role.strip() for name, role in roles.items()},
    )
