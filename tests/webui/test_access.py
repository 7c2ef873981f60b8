"""The one guard: every page and route as nobody, viewer, editor, owner and another author's editor."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from nicegui import app, core, ui

from twin import accounts
from twin.files import write_json, write_text
from twin.workspace import Workspace
from webui import parts
from webui.access import sessions
from webui.client import authors, drafts

PASSWORD = "a kettle and a queue"
ORIGIN = {"Origin": "http://test"}

# What each page and route asks for, written down a second time: one that nobody thought of makes the test fail.
LOOK = {
    "/",
    "/library",
    "/drafts",
    "/evaluation",
    "/monitoring",
    "/report/evaluation",
    "/report/monitoring",
    "/password",
}
WORK = {"/evaluation/blind", "/sources", "/write", "/train"}
OWN = {"/settings"}
OPEN = {"/login", "/login/sso", "/login/sso/back", "/healthz"}
FORMS = {"/logout", "/author"}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The accounts of four people, hashed once."""
    file = tmp_path_factory.mktemp("people") / "accounts.json"
    accounts.add(file, "odo", "owner", PASSWORD)
    accounts.add(file, "eve", "editor", PASSWORD, ["ada-reed"])
    accounts.add(file, "vic", "viewer", PASSWORD, ["ada-reed"])
    accounts.add(file, "ben", "editor", PASSWORD, ["ben-cole"])
    return file.read_bytes()


@pytest.fixture
def house(settings: Any, world: Any, people: bytes) -> Any:
    """Ada's twin with texts, drafts and a report, Ben's empty one beside it, and four people."""
    work = world.project(settings.root, documents=3)
    write_text(work.report / "report.html", "<h1>Ada's secret report</h1>")
    order = {"author": world.AUTHOR, "register": "post", "brief": "Ada's secret brief"}
    record = {"id": "d1", "order": order, "state": "done", "text": "Ada's secret draft", "error": "", "draft": {},
              "started_at": 1.0, "seconds": 1.0}  # fmt: skip
    drafts.save(settings, world.AUTHOR, record)
    assert authors.add(settings, "Ben Cole") == "ben-cole"
    settings.accounts.write_bytes(people)
    return settings


@pytest.fixture
async def browser(visit: Any) -> AsyncIterator[Callable[[], httpx.AsyncClient]]:
    """`client = browser()`: a browser with a cookie jar of its own on the running interface."""
    async with AsyncExitStack() as stack:

        def new(address: str = "192.0.2.1") -> httpx.AsyncClient:
            transport = httpx.ASGITransport(core.app, client=(address, 1))
            client = httpx.AsyncClient(transport=transport, base_url="http://test")
            stack.push_async_callback(client.aclose)
            return client

        yield new


async def sign_in(client: httpx.AsyncClient, name: str, password: str = PASSWORD, **more: str) -> httpx.Response:
    """Post the login form as its page does."""
    return await client.post("/login", data={"name": name, "password": password, **more}, headers=ORIGIN)


async def test_every_route_is_held(house: Any, visit: Any, browser: Any) -> None:
    await visit(house)
    paths = {route.path for route in app.routes if hasattr(route, "methods") and "{" not in route.path}
    assert {path for path in paths if not path.startswith("/_nicegui")} - {
        "/favicon.ico"
    } <= LOOK | WORK | OWN | OPEN | FORMS
    people = {"": browser(), "vic": browser(), "eve": browser(), "odo": browser()}
    for name, client in people.items():
        assert not name or (await sign_in(client, name)).status_code == 303
    allowed = {"": set(), "vic": LOOK, "eve": LOOK | WORK, "odo": LOOK | WORK | OWN}
    for path in [*sorted(paths & (LOOK | WORK | OWN)), "/nobody-thought-of-this", "/_nicegui/x", "/openapi.json"]:
        for name, client in people.items():
            status = (await client.get(path)).status_code
            if not name:
                assert status == 401, path
                page = await client.get(path, headers={"Accept": "text/html"})
                assert page.status_code == 303 and page.headers["location"].startswith("/login?next=")
            elif path in allowed[name]:
                assert status == (404 if path == "/report/monitoring" else 200), (name, path)
            elif path in LOOK | WORK | OWN or name != "odo":
                assert status == (404 if path.startswith("/_nicegui") else 403), (name, path)
    for path in OPEN:
        assert (await people[""].get(path)).status_code in (200, 303, 403)


async def test_another_authors_editor_sees_nothing_of_ada(house: Any, visit: Any, browser: Any) -> None:
    await visit(house)
    ben = browser()
    await sign_in(ben, "ben")
    ben.cookies.set("twin_author", "ada-reed")
    for path in ["/", *sorted(LOOK | WORK), "/write?draft=d1", "/drafts?draft=d1", "/drafts?show=edits"]:
        if path == "/train":
            continue
        page = await ben.get(path)
        assert page.status_code == (404 if path.startswith("/report/") else 200), path
        for secret in ("Ada's secret", "Ada&#x27;s secret", "Ada Reed", "ada-reed", "Text number"):
            assert secret not in page.text, (path, secret)
    eve = browser()
    await sign_in(eve, "eve")
    assert "Ada" in (await eve.get("/drafts?draft=d1")).text
    assert (await eve.get("/report/evaluation")).status_code == 200
    assert Workspace(house.root / "authors" / "ben-cole", "ben-cole").params.exists()


async def test_an_owner_of_all_chooses_whose_twin_is_shown(house: Any, visit: Any, browser: Any) -> None:
    await visit(house)
    odo = browser()
    await sign_in(odo, "odo")
    assert "Ada Reed’s twin" in (await odo.get("/")).text
    assert (await odo.post("/author", data={"author": "ben-cole"}, headers=ORIGIN)).status_code == 303
    assert "Ben Cole’s twin" in (await odo.get("/")).text


async def test_a_viewers_events_change_nothing(house: Any, visit: Any, browser: Any) -> None:
    user = await visit(house)
    done: list[str] = []
    for name in ("vic", "eve"):
        user.http_client.cookies.clear()
        await sign_in(user.http_client, name)
        await user.open("/drafts")
        with user.client:
            act = ui.button("Act", on_click=lambda: done.append("act"))
            with ui.element("div").classes(parts.READING):
                look = ui.button("Look", on_click=lambda: done.append("look"))
        for button in (act, look):
            listener = next(iter(button._event_listeners))
            user.client.handle_event({"id": button.id, "listener_id": listener, "args": ["{}"]})
        assert done == (["look"] if name == "vic" else ["act", "look"])
        if name == "vic":
            await user.should_see("You may look here, not change")
        done.clear()


async def test_a_page_ends_with_its_session(house: Any, visit: Any) -> None:
    user = await visit(house)
    await sign_in(user.http_client, "eve")
    await user.open("/drafts")
    done: list[str] = []
    with user.client:
        button = ui.button("Act", on_click=lambda: done.append("act"))
    message = {"id": button.id, "listener_id": next(iter(button._event_listeners)), "args": ["{}"]}
    user.client.handle_event(dict(message))
    assert (await user.http_client.post("/logout", headers=ORIGIN)).status_code == 303
    user.client.handle_event(dict(message))
    assert done == ["act"]
    assert not user.client.accept_handshake("another", "tab", None)


async def test_sessions_end(house: Any, visit: Any, browser: Any, monkeypatch: Any) -> None:
    await visit(house)
    eve = browser()
    signed = await sign_in(eve, "eve", next="/drafts?draft=d1")
    assert signed.headers["location"] == "/drafts?draft=d1"
    cookie = signed.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie
    token = eve.cookies["twin_session"]
    assert token not in (house.home / "sessions.json").read_text()
    assert sessions.Sessions(house.home / "sessions.json").find(token) is not None  # a restarted server knows it
    with monkeypatch.context() as patch:
        patch.setattr(sessions, "IDLE_SECONDS", 0.0)
        assert (await eve.get("/")).status_code == 401
    assert (await eve.get("/")).status_code == 200
    accounts.change(house.accounts, "eve", password="another long password")
    assert (await eve.get("/")).status_code == 401
    assert (await sign_in(eve, "eve")).status_code == 401
    assert (await sign_in(eve, "eve", "another long password")).status_code == 303
    accounts.remove(house.accounts, "eve")
    assert (await eve.get("/")).status_code == 401
    for outside in ("//evil.example", "https://evil.example", "/\\evil.example"):
        assert (await sign_in(browser(), "odo", next=outside)).headers["location"] == "/"


async def test_a_clock_that_is_set_neither_shuts_people_out_nor_keeps_them_in(
    house: Any, visit: Any, browser: Any, monkeypatch: Any
) -> None:
    await visit(house)
    accounts.change(house.accounts, "eve", password="another long password")
    old, now = browser(), time.time()
    assert (await sign_in(old, "eve", "another long password")).status_code == 303
    guesser = browser("192.0.2.9")
    for _ in range(5):
        await sign_in(guesser, "odo", "a wrong password")

    monkeypatch.setattr(time, "time", lambda: now - 5 * 86400)  # it was wrong, and has been set right
    held = await sign_in(guesser, "odo")
    assert held.status_code == 429 and int(held.headers["retry-after"]) < 3600, "the brake is not days longer"
    assert (await old.get("/")).status_code == 200
    assert (await sign_in(browser(), "eve", "another long password")).status_code == 303
    accounts.change(house.accounts, "eve", password="a third long password")
    assert (await old.get("/")).status_code == 401, "a changed password ends a session that seems to begin later"
    assert (await sign_in(old, "eve", "a third long password")).status_code == 303

    monkeypatch.setattr(time, "time", lambda: now - 4 * 86400)
    assert (await old.get("/")).status_code == 401, "idle for a day, whatever the clock said before"


async def test_everybody_changes_their_own_password(house: Any, visit: Any, browser: Any) -> None:
    await visit(house)
    vic, elsewhere, eve = browser(), browser(), browser()
    for client, name in ((vic, "vic"), (elsewhere, "vic"), (eve, "eve")):
        await sign_in(client, name)
    assert "current-password" in (await vic.get("/password")).text

    async def change(now: str, fresh: str, again: str, **headers: str) -> httpx.Response:
        given = {"password": now, "fresh": fresh, "again": again}
        return await vic.post("/password", data=given, headers=headers or ORIGIN)

    new = "the harbour sleeps at noon"
    assert (await change(PASSWORD, new, new, Origin="https://evil.example")).status_code == 403
    for given, why in (
        (("a wrong password", new, new), "not your password"), ((PASSWORD, new, new + "!"), "differ"),
        ((PASSWORD, "short", "short"), "too easy"), ((PASSWORD, "", ""), "too easy"),
    ):  # fmt: skip
        answer = await change(*given)
        assert answer.status_code == 400 and why in answer.text
    assert (await change(PASSWORD, new, new)).status_code == 200
    assert [(await client.get("/")).status_code for client in (vic, elsewhere, eve)] == [200, 401, 200]
    assert (await sign_in(browser(), "vic")).status_code == 401
    assert (await sign_in(browser(), "vic", new)).status_code == 303
    for _ in range(5):
        await change("a wrong password", new, new)
    assert "Too many attempts" in (await change(new, PASSWORD, PASSWORD)).text


async def test_an_account_of_single_sign_on_has_no_password_to_change(house: Any, visit: Any, browser: Any) -> None:
    from webui.access.sessions import Sessions

    made = accounts.add(house.accounts, "sso", "viewer", email="sso@example.com")
    token = Sessions(house.home / "sessions.json").begin("sso", made.changed)
    await visit(house)
    client = browser()
    client.cookies.set("twin_session", token)
    assert "sso@example.com" in (await client.get("/password")).text


async def test_guessing_is_braked(house: Any, visit: Any, browser: Any) -> None:
    await visit(house)
    guesser = browser("192.0.2.9")
    for _ in range(5):
        assert (await sign_in(guesser, "odo", "a wrong password")).status_code == 401
    held = await sign_in(guesser, "odo")
    assert held.status_code == 429 and int(held.headers["retry-after"]) > 60 and "Too many attempts" in held.text
    assert (await sign_in(browser("192.0.2.10"), "odo")).status_code == 303


async def test_other_sites_can_do_nothing(house: Any, visit: Any, browser: Any) -> None:
    await visit(house)
    eve = browser()
    await sign_in(eve, "eve")
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
        assert (await eve.post("/logout", headers=headers)).status_code == 403
    assert (await eve.get("/")).status_code == 200
    cookie = f"twin_session={eve.cookies['twin_session']}"
    assert await _socket(cookie, "https://evil.example") == "websocket.close"
    assert await _socket("", "http://test") == "websocket.close"
    assert await _socket(cookie, "http://test") == "websocket.accept"


async def test_behind_a_proxy_the_public_name_counts_as_its_own(settings: Any, world: Any, visit: Any) -> None:
    from dataclasses import replace

    world.project(settings.root)
    user = await visit(replace(settings, webui_names=("test", "twin.example.com")))
    for origin, status in (("https://twin.example.com", 303), ("https://evil.example", 403)):
        answer = await user.http_client.post("/author", data={"author": "x"}, headers={"Origin": origin})
        assert answer.status_code == status


async def _socket(cookie: str, origin: str) -> str:
    """The server's first word to a socket that wants to be opened."""
    headers = {"host": "test", "origin": origin, "cookie": cookie, "connection": "Upgrade", "upgrade": "websocket"}
    scope = {
        "type": "websocket", "path": "/_nicegui_ws/socket.io/", "raw_path": b"", "root_path": "", "scheme": "ws",
        "query_string": b"EIO=4&transport=websocket", "subprotocols": [], "server": ("test", 80), "client": ("x", 1),
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }  # fmt: skip
    said: list[str] = []
    given = iter([{"type": "websocket.connect"}])

    async def receive() -> dict[str, Any]:
        return next(given, {"type": "websocket.disconnect", "code": 1000})

    async def send(message: Any) -> None:
        said.append(message["type"])

    await core.app(scope, receive, send)
    return said[0]


async def test_the_answers_carry_secure_headers(house: Any, visit: Any, browser: Any) -> None:
    await visit(house)
    client = browser()
    await sign_in(client, "odo")
    for path in ("/", "/login", "/settings", "/healthz"):
        headers = (await client.get(path)).headers
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"


async def test_an_unreadable_accounts_file_lets_nobody_in(house: Any, visit: Any, browser: Any) -> None:
    await visit(house)
    odo = browser()
    await sign_in(odo, "odo")
    house.accounts.write_text("{")
    assert (await odo.get("/")).status_code == 401


async def test_uploads_belong_to_their_page(house: Any, visit: Any, browser: Any) -> None:
    user = await visit(house)
    await sign_in(user.http_client, "eve")
    await user.open("/sources")
    with user.client:
        upload = ui.upload()
    ben = browser()
    await sign_in(ben, "ben")
    url = upload._props["url"]
    assert (await ben.post(url, files={"file": b"x"}, headers=ORIGIN)).status_code == 403
    assert (await user.http_client.post(url, files={"file": b"x"}, headers=ORIGIN)).status_code == 200


def test_bound_elsewhere_it_needs_an_account(settings: Any) -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "NICEGUI"))}
    places = {"TWIN_ROOT": str(settings.root), "TWIN_HOME": str(settings.home), "TWIN_WEBUI_HOST": "0.0.0.0"}
    done = subprocess.run(
        [sys.executable, "-m", "webui.main"], capture_output=True, text=True, timeout=120,
        env=env | places | {"TWIN_WEBUI_PORT": str(settings.webui_port)},
    )  # fmt: skip
    assert done.returncode != 0 and "`twin user add NAME --role owner`" in done.stderr


async def test_on_this_machine_nobody_signs_in_until_an_account_exists(settings: Any, world: Any, visit: Any) -> None:
    world.project(settings.root)
    user = await visit(settings)
    await user.open("/settings")
    await user.should_see("No login is asked")
    assert (await user.http_client.get("/login")).headers["location"] == "/"
    write_json(settings.accounts, {"accounts": []})  # emptied by hand: as good as none
    accounts.add(settings.accounts, "ada", "owner", PASSWORD)
    assert (await user.http_client.get("/")).status_code == 401


async def test_nobody_sends_anything_to_any_route(house: Any, visit: Any, browser: Any) -> None:
    """Every method of every route as nobody, from its own page: nothing but the ways in answers, and those do nothing."""
    await visit(house)
    before = house.accounts.read_bytes()
    nobody, tried = browser(), 0
    for route in app.routes:
        path = getattr(route, "path", "")
        if not getattr(route, "methods", None) or path in OPEN or path == "/favicon.ico":
            continue
        place = path.replace("{path:path}", "x")
        place = place.replace("{filename:path}", "x")
        while "{" in place:
            place = place[: place.index("{")] + "1" + place[place.index("}") + 1 :]
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            status = (await nobody.request(method, place, data={"author": "ben-cole"}, headers=ORIGIN)).status_code
            assert status == 401, (method, place)
            tried += 1
    assert tried > 40 and house.accounts.read_bytes() == before
