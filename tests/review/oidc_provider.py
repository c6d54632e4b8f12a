"""A small identity provider of OpenID Connect on loopback: discovery, authorisation with PKCE, token, keys. It checks us too."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import RedirectResponse
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from reviewed_office import serve

CLIENT, SECRET = "movement-reports", "may-tram-0123456789abcdef"


@dataclass
class Provider:
    """`claims`: of who logs in there. The other fields spoil an answer, as an attacker or a wrong setting would."""

    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "u1", "preferred_username": "Lan.NT", "name": "Lan"})
    spoil: Callable[[dict[str, Any]], None] = lambda _: None
    """Changes the claims of the token, which are right otherwise."""
    sign: str = "RS256"
    """none, HS256 (with the public key as the secret), foreign (another RSA key), broken."""
    issuer: str = ""
    named_issuer: str | None = None
    """What discovery names itself, where it is not `issuer`."""
    answers_with_iss: str | None = None
    down: bool = False
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


def make_provider(provider: Provider) -> FastAPI:
    """Its app."""
    app = FastAPI()

    @app.get("/realm/.well-known/openid-configuration")
    def discover() -> dict[str, Any]:
        provider.asked.append("discover")
        if provider.down:
            raise HTTPException(500)
        return {
            "issuer": provider.named_issuer or provider.issuer,
            "authorization_endpoint": f"{provider.issuer}/authorize",
            "token_endpoint": f"{provider.issuer}/token",
            "jwks_uri": f"{provider.issuer}/keys",
            "response_types_supported": ["code"],
        }

    @app.get("/realm/authorize")
    def authorize(
        response_type: str,
        client_id: str,
        redirect_uri: str,
        scope: str,
        state: str,
        nonce: str,
        code_challenge: str,
        code_challenge_method: str,
    ) -> RedirectResponse:
        assert (response_type, client_id, code_challenge_method) == ("code", CLIENT, "S256")
        assert "openid" in scope.split() and nonce and state
        code = secrets.token_urlsafe(12)
        provider.codes[code] = {"challenge": code_challenge, "nonce": nonce, "redirect": redirect_uri}
        query = {"code": code, "state": state}
        if provider.answers_with_iss:
            query["iss"] = provider.answers_with_iss
        return RedirectResponse(f"{redirect_uri}?{urlencode(query)}", status_code=302)

    @app.post("/realm/token")
    def give_token(
        request: Request, grant_type: str = Form(), code: str = Form(), code_verifier: str = Form(),
        redirect_uri: str = Form(),
    ) -> dict[str, Any]:  # fmt: skip
        provider.asked.append("token")
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        login, _, password = base64.b64decode(given).decode().partition(":")
        if (kind, unquote(login), unquote(password)) != ("Basic", CLIENT, SECRET):
            raise HTTPException(401, "invalid_client")
        known = provider.codes.pop(code, None)  # once only
        digest = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()
        if known is None or grant_type != "authorization_code" or redirect_uri != known["redirect"]:
            raise HTTPException(400, "invalid_grant")
        if digest != known["challenge"]:
            raise HTTPException(400, "invalid_grant: PKCE")
        now = int(time.time())
        claims = {
            "iss": provider.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": known["nonce"], **provider.claims,
        }  # fmt: skip
        provider.spoil(claims)
        return {"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": sign(provider, claims)}

    @app.get("/realm/keys")
    def show_keys() -> dict[str, Any]:
        return {"keys": [provider.key.as_dict(private=False)]}

    return app


def sign(provider: Provider, claims: dict[str, Any]) -> str:
    """The token, signed as `provider.sign` says."""
    right = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, provider.key)
    header, payload, signature = right.split(".")

    def pack(text: bytes) -> str:
        return base64.urlsafe_b64encode(text).rstrip(b"=").decode()

    if provider.sign == "none":
        plain = pack(b'{"alg":"none","typ":"JWT"}')
        return f"{plain}.{payload}."
    if provider.sign == "HS256":
        public = OctKey.import_key(provider.key.as_pem(private=False))
        return jwt.encode({"alg": "HS256", "kid": "k1"}, claims, public, algorithms=["HS256"])
    if provider.sign == "foreign":
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, RSAKey.generate_key(2048))
    if provider.sign == "broken":
        return f"{header}.{payload}.{signature[:-8]}AAAAAAAA"
    return right


@contextlib.contextmanager
def run_provider(provider: Provider) -> Iterator[str]:
    """Serve it; its issuer."""
    with serve(make_provider(provider)) as address:
        provider.issuer = f"{address}/realm"
        yield provider.issuer
