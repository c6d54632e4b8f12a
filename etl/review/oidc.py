"""Log-in by OpenID Connect: authorisation code with PKCE against the province's identity provider.

What is between the two steps lives in a signed cookie of ten minutes. Who has none of the configured groups does not get in.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from itsdangerous import BadSignature, URLSafeTimedSerializer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from etl.settings import OidcSettings
from etl.usecases.accounts import ACCOUNT_ROLES

COOKIE: Final = "mr_oidc"
STEP_SECONDS: Final = 600
_SIGNATURES: Final = ["RS256", "ES256", "PS256"]
_SECONDS: Final = 10.0


class LoginRefused(PermissionError):
    """The provider's answer does not let anybody in; the text is for the log and holds nothing the provider sent."""


def begin(settings: OidcSettings, secret: str, redirect_uri: str, next_page: str) -> tuple[str, str]:
    """(address at the provider, value of the cookie). Raises LoginRefused when the provider does not answer."""
    verifier, nonce = generate_token(48), secrets.token_urlsafe(16)
    with _open_client(settings, redirect_uri) as client:
        found = _discover(client, settings)
        address, state = client.create_authorization_url(
            found["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
    return address, _signer(secret).dumps(
        {"state": state, "verifier": verifier, "nonce": nonce, "next": next_page, "back": redirect_uri}
    )


def finish(
    settings: OidcSettings, secret: str, cookie: str, state: str, code: str, issuer: str | None = None
) -> tuple[str, str, str, str]:
    """(login, name, role, page to go to) of whoever comes back from the provider. Raises LoginRefused.

    `issuer`: what the answer's address names as `iss` (RFC 9207), None where it names none.
    """
    try:
        step = _signer(secret).loads(cookie, max_age=STEP_SECONDS)
    except BadSignature as error:
        raise LoginRefused("the cookie of the first step is missing, altered or too old") from error
    if not secrets.compare_digest(step["state"].encode(), state.encode()):
        raise LoginRefused("the answer belongs to another log-in")
    if issuer is not None and issuer.rstrip("/") != settings.issuer:
        raise LoginRefused("the answer is another provider's")
    if not code:
        raise LoginRefused("the provider sent no code: it, or the person, refused")
    with _open_client(settings, step["back"]) as client:
        found = _discover(client, settings)
        try:
            token = client.fetch_token(
                found["token_endpoint"], code=code, code_verifier=step["verifier"], grant_type="authorization_code"
            )
            published = client.request("GET", found["jwks_uri"], withhold_token=True)
            published.raise_for_status()
            keys = KeySet.import_key_set(published.json())
            claims = _check_token(settings, token, keys, step["nonce"])
        except (httpx.HTTPError, JoseError, ValueError, KeyError) as error:
            raise LoginRefused(f"the provider's answer is of no use ({type(error).__name__})") from error
        except Exception as error:  # authlib's own errors have no common name in its public surface
            raise LoginRefused(f"the provider refused ({type(error).__name__})") from error
    role = choose_role(settings, claims)
    login = str(claims.get("preferred_username") or claims.get("email") or claims["sub"])
    return login, str(claims.get("name") or login)[:200], role, str(step["next"])


def choose_role(settings: OidcSettings, claims: dict[str, Any]) -> str:
    """The highest role that the person's groups give. Raises LoginRefused when none does."""
    groups = claims.get(settings.role_claim)
    names = {groups} if isinstance(groups, str) else {str(name) for name in groups or ()}
    given = {role for group, role in settings.roles.items() if group in names}
    for role in reversed(ACCOUNT_ROLES):
        if role in given:
            return role
    raise LoginRefused("none of the person's groups has a role here")


def _open_client(settings: OidcSettings, redirect_uri: str) -> OAuth2Client:
    return OAuth2Client(
        settings.client_id, settings.client_secret, redirect_uri=redirect_uri, scope="openid profile email",
        code_challenge_method="S256", timeout=_SECONDS,
    )  # fmt: skip


def _discover(client: OAuth2Client, settings: OidcSettings) -> dict[str, str]:
    try:
        answer = client.request("GET", f"{settings.issuer}/.well-known/openid-configuration", withhold_token=True)
        answer.raise_for_status()
        found = {name: value for name, value in dict(answer.json()).items() if isinstance(value, str)}
    except (httpx.HTTPError, ValueError, TypeError) as error:
        raise LoginRefused("the identity provider does not answer as OpenID Connect asks") from error
    if found.get("issuer", "").rstrip("/") != settings.issuer:
        raise LoginRefused("the identity provider names itself otherwise than MOVEMENT_REPORTS_OIDC_ISSUER")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if urlsplit(found.get(name, "")).scheme != urlsplit(settings.issuer).scheme:
            raise LoginRefused(f"the identity provider gives no usable {name}")
    return found


def _check_token(settings: OidcSettings, token: Mapping[str, Any], keys: KeySet, nonce: str) -> dict[str, Any]:
    decoded = jwt.decode(str(token.get("id_token", "")), keys, algorithms=_SIGNATURES)
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        options={
            "iss": {"essential": True, "validate": lambda _, value: str(value).rstrip("/") == settings.issuer},
            "aud": {"essential": True, "value": settings.client_id},
            "nonce": {"essential": True, "value": nonce},
        },
        params={"nonce": nonce, "client_id": settings.client_id, "access_token": token.get("access_token")},
    )
    claims.validate(now=int(time.time()), leeway=60)
    return dict(decoded.claims)


def _signer(secret: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        secret, salt="oidc-step", signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    )
