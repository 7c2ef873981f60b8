"""Single sign-on against a small provider on the loopback: whom it lets in, and what does not hold."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI, Request
from nicegui import core

from twin import accounts


@dataclass
class Provider:
    """A provider that vouches for `claims`; `asked` is the last token request."""

    port: int
    key: Any = field(default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048))
    signs: Any = None
    claims: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """Its own name."""
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def provider(world: Any) -> Iterator[Provider]:
    """A running provider."""
    found = Provider(world.free_port())
    app = FastAPI()

    @app.get("/.well-known/openid-configuration")
    def about() -> Any:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return {"issuer": found.issuer, **{key: f"{found.issuer}/{path}" for key, path in places.items()}}

    @app.get("/keys")
    def keys() -> Any:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(found.key.public_key()))
        return {"keys": [{**public, "kid": "k1", "alg": "RS256", "use": "sig"}]}

    @app.post("/token")
    async def token(request: Request) -> Any:
        found.asked = {key: values[0] for key, values in parse_qs((await request.body()).decode()).items()}
        now = int(time.time())
        claims = {"iss": found.issuer, "aud": "twin", "sub": "7", "iat": now, "exp": now + 60, **found.claims}
        return {"id_token": jwt.encode(claims, found.signs or found.key, algorithm="RS256", headers={"kid": "k1"})}

    server = uvicorn.Server(uvicorn.Config(app, port=found.port, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield found
    server.should_exit = True
    thread.join(5)


@pytest.fixture
async def browser(settings: Any, world: Any, provider: Provider, visit: Any) -> Any:
    """A browser on an interface that knows the provider, and an account of eve@example.com."""
    world.project(settings.root)
    accounts.add(settings.accounts, "odo", "owner", email="odo@example.com")
    accounts.add(settings.accounts, "eve", "editor", email="eve@example.com")
    await visit(replace(settings, oidc_issuer=provider.issuer, oidc_client="twin", oidc_secret="s3cret"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(core.app), base_url="http://test") as client:
        yield client


async def _go(browser: httpx.AsyncClient) -> dict[str, str]:
    """Begin the sign-on; what the provider is asked."""
    answer = await browser.get("/login/sso?next=/drafts")
    assert answer.status_code == 303
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def test_a_verified_address_comes_in(browser: Any, provider: Provider) -> None:
    assert "Single sign-on" in (await browser.get("/login")).text
    asked = await _go(browser)
    assert asked["redirect_uri"] == "http://test/login/sso/back" and asked["code_challenge_method"] == "S256"
    provider.claims = {"nonce": asked["nonce"], "email": "Eve@example.com", "email_verified": True}
    back = await browser.get(f"/login/sso/back?code=c&state={asked['state']}")
    assert (back.status_code, back.headers["location"]) == (303, "/drafts")
    assert provider.asked["client_secret"] == "s3cret" and len(provider.asked["code_verifier"]) > 43
    assert (await browser.get("/write")).status_code == 200
    again = await browser.get(f"/login/sso/back?code=c&state={asked['state']}")
    assert again.status_code == 403 and "not begun here" in again.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"email_verified": False}, "not verified"),
        ({"email": "mallory@example.com"}, "no account for mallory@example.com"),
        ({"nonce": "another"}, "another sign-on"),
        ({"aud": "somebody else"}, "does not hold"),
        ({"exp": 1}, "does not hold"),
        ({"iss": "https://evil.example"}, "does not hold"),
    ],
)
async def test_what_does_not_hold_is_refused(changes: Any, words: str, browser: Any, provider: Provider) -> None:
    asked = await _go(browser)
    provider.claims = {"nonce": asked["nonce"], "email": "eve@example.com", "email_verified": True, **changes}
    back = await browser.get(f"/login/sso/back?code=c&state={asked['state']}")
    assert back.status_code == 403 and words in back.text
    assert (await browser.get("/")).status_code == 401


async def test_a_link_from_elsewhere_signs_nobody_in(browser: Any, provider: Provider) -> None:
    asked = await _go(browser)
    provider.claims = {"nonce": asked["nonce"], "email": "eve@example.com", "email_verified": True}
    browser.cookies.clear()
    back = await browser.get(f"/login/sso/back?code=c&state={asked['state']}")
    assert back.status_code == 403 and "not begun here" in back.text


async def test_a_word_signed_by_another_is_refused(browser: Any, provider: Provider) -> None:
    asked = await _go(browser)
    provider.claims = {"nonce": asked["nonce"], "email": "eve@example.com", "email_verified": True}
    provider.signs = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    back = await browser.get(f"/login/sso/back?code=c&state={asked['state']}")
    assert back.status_code == 403 and "does not hold" in back.text
