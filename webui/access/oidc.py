"""Single sign-on by OpenID Connect: the code flow with PKCE, for accounts whose address the provider has verified."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
from nicegui import app
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from twin import accounts, hosts
from twin.errors import AccountError, NetworkError
from webui.access.door import Door

STATE_COOKIE = "twin_sso"
_BACK = "/login/sso/back"
_PENDING_SECONDS = 600.0
_MOST_PENDING = 1000
_SIGNATURES = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]


@dataclass(frozen=True, slots=True)
class _Pending:
    nonce: str
    verifier: str
    place: str
    began: float


def register(
    door: Door, begin: Callable[[Door, Request, str, str], Response], refuse: Callable[[str], Response]
) -> None:
    """Serve the way to the provider and back; `begin` lets an account in, `refuse` says why not."""
    pending: dict[str, _Pending] = {}

    async def go(request: Request) -> Response:
        if not door.house.oidc_issuer:
            return refuse("Single sign-on is not set up here.")
        try:
            provider = await _get(f"{door.house.oidc_issuer}/.well-known/openid-configuration")
        except AccountError as error:
            return refuse(str(error))
        state = secrets.token_urlsafe(24)
        waiting = _Pending(
            secrets.token_urlsafe(24),
            secrets.token_urlsafe(48),
            request.query_params.get("next", "/"),
            time.monotonic(),
        )
        while len(pending) >= _MOST_PENDING:
            del pending[next(iter(pending))]
        pending[state] = waiting
        challenge = base64.urlsafe_b64encode(hashlib.sha256(waiting.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code", "client_id": door.house.oidc_client, "redirect_uri": _back(request),
            "scope": "openid email", "state": state, "nonce": waiting.nonce, "code_challenge": challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        answer = RedirectResponse(f"{provider['authorization_endpoint']}?{urlencode(query)}", 303)
        answer.set_cookie(STATE_COOKIE, state, max_age=int(_PENDING_SECONDS), httponly=True, samesite="lax",
                          secure=request.url.scheme == "https", path="/login")  # fmt: skip
        return answer

    async def back(request: Request) -> Response:
        state = request.query_params.get("state", "")
        waiting = pending.pop(state, None)
        # The cookie ties the answer to the browser that asked: nobody can be signed in by following a link.
        same = secrets.compare_digest(state, request.cookies.get(STATE_COOKIE, ""))
        if waiting is None or not same or time.monotonic() - waiting.began > _PENDING_SECONDS:
            return refuse("This sign-on was not begun here, or too long ago. Begin anew.")
        try:
            email = await _email(door, _back(request), request.query_params.get("code", ""), waiting)
        except AccountError as error:
            return refuse(str(error))
        account = accounts.by_email(door.house.accounts, email)
        if account is None:
            return refuse(f"There is no account for {email}. An owner can make one.")
        answer = begin(door, request, account.name, waiting.place)
        answer.delete_cookie(STATE_COOKIE, path="/login")
        return answer

    app.get("/login/sso")(go)
    app.get(_BACK)(back)


def _back(request: Request) -> str:
    return str(request.base_url).rstrip("/") + _BACK


async def _email(door: Door, redirect: str, code: str, waiting: _Pending) -> str:
    """The verified address that the provider vouches for in exchange for the code; raises AccountError."""
    import jwt

    house = door.house
    provider = await _get(f"{house.oidc_issuer}/.well-known/openid-configuration")
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "client_id": house.oidc_client,
        "code_verifier": waiting.verifier, **({"client_secret": house.oidc_secret} if house.oidc_secret else {}),
    }  # fmt: skip
    token = str((await _get(provider["token_endpoint"], form)).get("id_token", ""))
    try:
        keys = jwt.PyJWKSet.from_dict(await _get(provider["jwks_uri"]))
        kid = jwt.get_unverified_header(token).get("kid")
        key = next(key for key in keys.keys if kid is None or key.key_id == kid)
        claims = jwt.decode(
            token, key.key, algorithms=_SIGNATURES, audience=house.oidc_client, issuer=provider["issuer"],
            options={"require": ["exp", "iat", "sub"]}, leeway=60,
        )  # fmt: skip
    except (jwt.PyJWTError, StopIteration, KeyError) as error:
        raise AccountError("the provider's word does not hold", type(error).__name__, "Begin anew.") from None
    if not secrets.compare_digest(str(claims.get("nonce", "")), waiting.nonce):
        raise AccountError("the provider answers another sign-on", None, "Begin anew.")
    if provider["issuer"].rstrip("/") != house.oidc_issuer or claims.get("email_verified") is not True:
        raise AccountError("the provider has not verified the address", claims.get("email"), "Verify it there first.")
    return str(claims["email"])


async def _get(url: str, form: dict[str, str] | None = None) -> dict[str, Any]:
    try:
        hosts.check("sign-on", url)
        async with httpx.AsyncClient(timeout=10) as http:
            answer = await (http.get(url) if form is None else http.post(url, data=form))
            answer.raise_for_status()
            found = answer.json()
    except (httpx.HTTPError, ValueError, NetworkError) as error:
        raise AccountError(
            "the sign-on provider does not answer", f"{url} ({type(error).__name__})", "Try again later."
        ) from None
    if not isinstance(found, dict):
        raise AccountError("the sign-on provider answers nonsense", url, "Look at TWIN_OIDC_ISSUER.")
    return found
