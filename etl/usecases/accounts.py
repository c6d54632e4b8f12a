"""Accounts and sessions of the standing office's pages, and the record of what was done there.

Passwords are kept as Argon2 hashes, sessions as SHA-256 of their cookie: who reads the warehouse can pose as nobody. It knows
no HTTP. Every change is written to ops.action in its own transaction.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from etl.settings import OFFICE_ROLES
from etl.text import normalise
from etl.usecases.context import Context

ACCOUNT_ROLES: Final = OFFICE_ROLES
SHORTEST_PASSWORD: Final = 12
IDLE: Final = timedelta(hours=2)
"""A session nobody used for so long is over."""
LONGEST: Final = timedelta(hours=12)


class BadAccount(ValueError):
    """An account that cannot be made or changed so; the text says why."""


class StaleAccount(BadAccount):
    """Somebody else acted on the account in between: `by` (None: not known), `at`; `added`: it was only made then."""

    def __init__(self, login: str, by: str | None, at: datetime, *, added: bool = False) -> None:
        how = f"by {by or 'somebody'} at {at.isoformat(timespec='seconds')}"
        super().__init__(
            f"there is an account {login!r} already, added {how}; `accounts set` changes it"
            if added
            else f"the account {login!r} was changed {how}: look at it again"
        )
        self.by, self.at, self.added = by, at, added


@dataclass(frozen=True, slots=True)
class Account:
    """A person of the standing office with an account here. `disabled_at`: since when it opens nothing."""

    login: str
    name: str
    role: str
    disabled_at: datetime | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody logged in. `token` only when it was just opened: it is not kept."""

    login: str
    name: str
    role: str
    via: str
    token: str = ""


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


def add_account(context: Context, login: str, name: str, role: str, password: str, by: str) -> None:
    """A new account. Raises BadAccount for an empty login, an unknown role, a password too short; StaleAccount for a login
    that is taken."""
    login = clean_login(login)
    _check(role, password)
    hashed = _hasher().hash(password)  # takes a while: not within the transaction
    now = context.clock()
    with context.engine.begin() as connection:
        added = connection.execute(
            sa.text(
                "INSERT INTO ops.account VALUES (:login, :name, :role, :hash, NULL, :now, :now) ON CONFLICT (login) DO NOTHING"
            ),
            {"login": login, "name": normalise(name) or login, "role": role, "hash": hashed, "now": now},
        )
        if added.rowcount == 0:
            raise _tell_stale(connection, login, "account.add", recorded=True)
        record_action(connection, now, by, "administrator", "account.add", login, role)


def change_account(
    context: Context,
    login: str,
    by: str,
    *,
    role: str | None = None,
    password: str | None = None,
    disabled: bool | None = None,
    seen: datetime | None = None,
) -> bool:
    """Change role, password or whether it opens anything; its sessions end. False, and nothing happens, when it is so already.

    `seen`: its `changed_at` when the caller looked. Raises BadAccount; StaleAccount when somebody changed it since then.
    """
    login = clean_login(login)
    _check(role or ACCOUNT_ROLES[0], password if password is not None else "x" * SHORTEST_PASSWORD)
    hashed = _hasher().hash(password) if password is not None else None
    with context.engine.begin() as connection:
        known = connection.execute(
            sa.text("SELECT role, disabled_at, changed_at FROM ops.account WHERE login = :login FOR UPDATE"),
            {"login": login},
        ).first()
        if known is None:
            raise BadAccount(f"no account {login!r}; `accounts list` shows them")
        role = None if role == known.role else role
        disabled = None if disabled == (known.disabled_at is not None) else disabled
        done = [f"role {role}"] if role is not None else []
        done += ["password"] if password is not None else []
        done += ["closed" if disabled else "opened"] if disabled is not None else []
        if not done:
            return False
        if seen is not None and known.changed_at != seen:
            raise _tell_stale(connection, login, "account.change")
        # Never the instant of the change before, whatever the clock does: forms are told apart by it.
        now = max(context.clock(), known.changed_at + timedelta(microseconds=1))
        connection.execute(
            sa.text(
                "UPDATE ops.account SET role = coalesce(:role, role), password_hash = coalesce(:hash, password_hash), "
                "disabled_at = CASE WHEN cast(:disabled AS boolean) IS NULL THEN disabled_at WHEN :disabled THEN :now END, "
                "changed_at = :now WHERE login = :login"
            ),
            {"login": login, "role": role, "disabled": disabled, "now": now, "hash": hashed},
        )
        connection.execute(
            sa.text(
                "UPDATE ops.session SET ended_at = :now WHERE login = :login AND ended_at IS NULL AND via = 'account'"
            ),
            {"login": login, "now": now},
        )
        record_action(connection, now, by, "administrator", "account.change", login, ", ".join(done))
    return True


def list_accounts(context: Context) -> list[Account]:
    """All, by login."""
    with context.engine.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT login, name, role, disabled_at, changed_at FROM ops.account ORDER BY login")
        )
        return [Account(*row) for row in rows]


def log_in(context: Context, login: str, password: str) -> Session | None:
    """A new session, or None: unknown login, wrong password and disabled account look alike and take alike long."""
    login = clean_login(login)
    query = "SELECT name, role, password_hash, disabled_at FROM ops.account WHERE login = :login"
    with context.engine.connect() as connection:
        row = connection.execute(sa.text(query), {"login": login}).first()
    # Outside a transaction: people who wait for their turn must not hold the connections of those who work.
    right = _verify(row.password_hash if row else _decoy(), password)
    with context.engine.begin() as connection:
        # Read again and held: who changes the account meanwhile ends this session too.
        again = connection.execute(sa.text(f"{query} FOR SHARE"), {"login": login}).first() if row and right else None
        now = context.clock()
        if row is None or again is None or again.password_hash != row.password_hash or again.disabled_at is not None:
            # A login that does not exist may be somebody's password typed into the wrong box: it is not kept.
            record_action(connection, now, login if row else "?", "anonymous", "log-in", "", "refused")
            return None
        return _open(connection, now, Session(login, again.name, again.role, "account"))


def open_session(context: Context, login: str, name: str, role: str) -> Session:
    """A session for somebody whom the identity provider (OpenID Connect) named.

    Raises BadAccount for an unknown role, and for the login of an account here that is open: two people must not be one
    name in the audit trail.
    """
    if role not in ACCOUNT_ROLES:
        raise BadAccount(f"no role {role!r}")
    login = clean_login(login)
    with context.engine.begin() as connection:
        taken = connection.execute(
            sa.text("SELECT 1 FROM ops.account WHERE login = :login AND disabled_at IS NULL"), {"login": login}
        ).first()
        if taken:
            raise BadAccount("an account here has the same login; close it with `accounts set LOGIN --close`")
        return _open(connection, context.clock(), Session(login, name, role, "oidc"))


def read_session(context: Context, token: str) -> Session | None:
    """Who holds this cookie now; None when it is over, ended or nobody's. An account's role is read anew each time."""
    now = context.clock()
    with context.engine.begin() as connection:
        row = connection.execute(
            sa.text(
                "SELECT s.login, s.name, coalesce(a.role, s.role), s.via, s.seen_at FROM ops.session s "
                "LEFT JOIN ops.account a ON a.login = s.login AND s.via = 'account' "
                "WHERE s.token_hash = :hash AND s.ended_at IS NULL AND s.expires_at > :now AND s.seen_at > :idle "
                "AND (s.via = 'oidc' OR (a.login IS NOT NULL AND a.disabled_at IS NULL))"
            ),
            {"hash": _hash(token), "now": now, "idle": now - IDLE},
        ).first()
        if row is None:
            return None
        if now - row.seen_at > timedelta(minutes=1):  # not a write for each picture of a page
            connection.execute(
                sa.text("UPDATE ops.session SET seen_at = :now WHERE token_hash = :hash"),
                {"hash": _hash(token), "now": now},
            )
        return Session(*row[:4])


def end_session(context: Context, token: str) -> None:
    """Log out; ending it twice does nothing."""
    now = context.clock()
    with context.engine.begin() as connection:
        row = connection.execute(
            sa.text(
                "UPDATE ops.session SET ended_at = :now WHERE token_hash = :hash AND ended_at IS NULL RETURNING login, role"
            ),
            {"hash": _hash(token), "now": now},
        ).first()
        if row is not None:
            record_action(connection, now, row.login, row.role, "log-out", "", "done")


def end_sessions(context: Context, login: str, by: str) -> int:
    """End every session of a login, of an account here or of the identity provider's; how many there were."""
    login, now = clean_login(login), context.clock()
    with context.engine.begin() as connection:
        ended = connection.execute(
            sa.text("UPDATE ops.session SET ended_at = :now WHERE login = :login AND ended_at IS NULL"),
            {"login": login, "now": now},
        ).rowcount
        record_action(connection, now, by, "administrator", "account.end-sessions", login, str(ended))
    return int(ended)


def record_action(
    connection: sa.Connection, now: datetime, login: str, role: str, action: str, subject: str, outcome: str
) -> None:
    """One line of ops.action, in the caller's transaction. `subject` names things (codes, ids), never what a form held."""
    connection.execute(
        sa.text(
            "INSERT INTO ops.action (at, login, role, action, subject, outcome) "
            "VALUES (:at, :login, :role, :action, :subject, :outcome)"
        ),
        {"at": now, "login": login, "role": role, "action": action, "subject": subject, "outcome": outcome},
    )


def clean_login(text: str) -> str:
    """Lower case, NFKC, no blanks around. Raises BadAccount when nothing is left or it is too long."""
    login = unicodedata.normalize("NFKC", text).strip().lower()
    if not login or len(login) > 100 or not login.isprintable():
        raise BadAccount("a login is one to 100 printable characters")
    return login


def _tell_stale(connection: sa.Connection, login: str, action: str, *, recorded: bool = False) -> StaleAccount:
    """Who did it last, by the audit trail; its instant by the account."""
    row = connection.execute(
        sa.text(
            "SELECT (SELECT x.login FROM ops.action x WHERE x.action = :action AND x.subject = a.login ORDER BY x.id DESC "
            "LIMIT 1) AS by, a.recorded_at, a.changed_at FROM ops.account a WHERE a.login = :login"
        ),
        {"login": login, "action": action},
    ).one()
    return StaleAccount(login, row.by, row.recorded_at if recorded else row.changed_at, added=recorded)


def _check(role: str, password: str) -> None:
    if role not in ACCOUNT_ROLES:
        raise BadAccount(f"no role {role!r}; there are {', '.join(ACCOUNT_ROLES)}")
    if len(password) < SHORTEST_PASSWORD:
        raise BadAccount(f"a password has at least {SHORTEST_PASSWORD} characters")


def _open(connection: sa.Connection, now: datetime, session: Session) -> Session:
    token = secrets.token_urlsafe(32)
    connection.execute(
        sa.text("INSERT INTO ops.session VALUES (:hash, :login, :name, :role, :via, :now, :now, :expires, NULL)"),
        {
            "hash": _hash(token), "login": session.login, "name": session.name, "role": session.role, "via": session.via,
            "now": now, "expires": now + LONGEST,
        },
    )  # fmt: skip
    record_action(connection, now, session.login, session.role, "log-in", "", "done")
    return Session(session.login, session.name, session.role, session.via, token)


_TURNS: Final = threading.BoundedSemaphore(2)
"""Each check of a password takes 64 MB for a while: log-ins at once must not take the machine's memory."""


@cache
def _decoy() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))


def _verify(stored: str, password: str) -> bool:
    try:
        with _TURNS:
            return _hasher().verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
