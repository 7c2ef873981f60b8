"""Two authors tried through every route: Ben's people ask with Ada's ids, and get none of her words and change none of them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import product
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from nicegui import app, core, ui

from twin import accounts
from twin.files import write_json
from webui.access.sessions import Sessions
from webui.client import authors, drafts

ORIGIN = {"Origin": "http://test"}
DRAFT = "20260101"
# Words that come from Ada's side alone, and her ids, which an answer may repeat only where the question gave them.
WORDS = re.compile(
    r"Ada Reed|Text number|The kettle|Tea and queues|Twin words|Own words|Article \d|drift\.html|<h1>Report"
)
IDS = re.compile(rf"{DRAFT}|ada-reed|files:\d")
ASKED = f"draft={DRAFT}&show=edits&author=ada-reed&adapter=ada-reed@2&version=2&document=files:1&chunk=files:1%230"


@dataclass(frozen=True)
class Case:
    """What a route is asked with: `queries`, `forms` and what stands in its `{places}`; the statuses that are right."""

    fine: frozenset[int]
    queries: tuple[str, ...] = ("", f"?{ASKED}")
    forms: tuple[dict[str, str], ...] = ({},)
    places: tuple[str, ...] = ("",)


# A page of Ben's own, with nothing on it; what only the house's owner may open; NiceGUI's own files, none of them Ada's.
PAGE, SHUT, FILE = Case(frozenset({200})), Case(frozenset({200, 403})), Case(frozenset({404}), places=(
    f"drafts/ada-reed/{DRAFT}.json", "%2e%2e/%2e%2e/params.yaml",
    quote(f"../../.twin/drafts/ada-reed/{DRAFT}.json", safe=""), quote("../" * 12 + "etc/passwd", safe=""),
))  # fmt: skip
AWAY = Case(frozenset({404}), queries=("", f"?{ASKED}"))
HER_DRAFT = f"/write?draft={DRAFT}"
# Every route, spelled a second time: a new one fails here until it is said how it is tried with another author's ids.
CASES: dict[tuple[str, str], Case] = {
    ("GET", "/"): PAGE, ("GET", "/sources"): PAGE, ("GET", "/library"): PAGE, ("GET", "/train"): PAGE,
    ("GET", "/evaluation"): PAGE, ("GET", "/evaluation/blind"): PAGE, ("GET", "/monitoring"): PAGE,
    ("GET", "/write"): Case(frozenset({200}), ("", f"?{ASKED}", "?draft=../ada-reed/20260101", "?draft=..%2Fada-reed%2F20260101")),
    ("GET", "/drafts"): Case(frozenset({200}), ("", f"?{ASKED}", "?draft=../ada-reed/20260101", "?show=../ada-reed")),
    ("GET", "/settings"): SHUT, ("GET", "/report/evaluation"): AWAY, ("GET", "/report/monitoring"): AWAY,
    ("GET", "/healthz"): PAGE, ("GET", "/password"): PAGE,
    ("POST", "/password"): Case(frozenset({400}), forms=(
        {"name": "eve", "author": "ada-reed", "password": "x", "fresh": "a long new password", "again": "a long new password"},
    )),
    ("GET", "/login"): Case(frozenset({303})), ("GET", "/login/sso"): Case(frozenset({303, 403, 404})),
    ("GET", "/login/sso/back"): Case(frozenset({303, 403, 404})),
    ("POST", "/login"): Case(frozenset({401, 429}), forms=({"name": "eve", "password": "wrong one", "author": "ada-reed"},)),
    ("POST", "/author"): Case(frozenset({303}), forms=({"author": "ada-reed"}, {"author": "../ada-reed"})),
    ("POST", "/logout"): Case(frozenset({303}), queries=(f"?{ASKED}",), forms=({"author": "ada-reed", "name": "eve"},)),
    ("GET", "/_nicegui/{version}/libraries/{key:path}"): FILE, ("GET", "/_nicegui/{version}/components/{key:path}"): FILE,
    ("GET", "/_nicegui/{version}/resources/{key}/{path:path}"): FILE, ("GET", "/_nicegui/{version}/esm/{key}/{path:path}"): FILE,
    ("GET", "/_nicegui/{version}/dynamic_resources/{name}"): FILE, ("MOUNT", "/_nicegui/{version}/static"): FILE,
}  # fmt: skip
# Tried by the tests below and in test_access.py: the socket, uploads, and a picture.
ELSEWHERE = {("MOUNT", "/_nicegui_ws"), ("GET", "/favicon.ico")}
NONE = Case(frozenset(), places=())


@pytest.fixture
def house(settings: Any, world: Any) -> Any:
    """Ada's twin with everything that a pipeline leaves, Ben's empty one beside it, and three people."""
    work = world.fill(settings)
    world.measure(work)
    assert authors.add(settings, "Ben Cole") == "ben-cole"
    # Nobody signs in by a password here: hashing takes longer than all that is tried.
    for name, role, whose in (("odo", "owner", []), ("eve", "editor", ["ada-reed"]), ("ben", "editor", ["ben-cole"]),
                              ("bea", "owner", ["ben-cole"])):  # fmt: skip
        accounts.add(settings.accounts, name, role, email=f"{name}@example.com", authors=whose)
    return settings


@pytest.fixture
def tokens(house: Any) -> dict[str, str]:
    """A session of each person's, begun as single sign-on begins one; the interface that starts next knows them."""
    kept, known = Sessions(house.home / "sessions.json"), accounts.read(house.accounts)
    return {name: kept.begin(name, account.changed) for name, account in known.items()}


@pytest.fixture
async def browser(tokens: dict[str, str]) -> AsyncIterator[Callable[[str], httpx.AsyncClient]]:
    """`client = browser("ben")`: that person's browser, signed in."""
    async with AsyncExitStack() as stack:

        def new(name: str) -> httpx.AsyncClient:
            client = httpx.AsyncClient(transport=httpx.ASGITransport(core.app), base_url="http://test")
            stack.push_async_callback(client.aclose)
            client.cookies.set("twin_session", tokens[name])
            return client

        yield new


def routes() -> dict[tuple[str, str], str]:
    """Every route that the interface has now, by method and path without NiceGUI's number, to its path."""
    found = {}
    for route in app.routes:
        path = str(getattr(route, "path", ""))
        for method in getattr(route, "methods", None) or {"MOUNT"}:
            if method != "HEAD":
                found[method, re.sub(r"^/_nicegui/[\d.]+/", "/_nicegui/{version}/", path)] = path
    return found


def filled(path: str, place: str) -> str:
    """The path with `place` for its last `{name}`, or behind it where it has none."""
    *before, _ = path.split("{") if "{" in path else (f"{path}/", "") if place else (path, "")
    return "x".join(part.rpartition("}")[2] if n else part for n, part in enumerate(before)) + place


def tree(house: Any) -> dict[str, bytes]:
    """All that is Ada's on disk."""
    folders = [house.root / name for name in ("data", "models", "reports")] + [house.home / "drafts" / "ada-reed"]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    files += [house.root / "params.yaml", house.accounts]
    return {str(file): file.read_bytes() for file in files}


def told(answer: httpx.Response, asked: bool) -> list[str]:
    """What an answer tells of Ada's, in its body or its headers."""
    said = answer.text + "\n" + "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return WORDS.findall(said) + ([] if asked else IDS.findall(said))


@pytest.mark.parametrize("who", ["ben", "bea"])
async def test_every_route_asked_with_adas_ids(
    house: Any, world: Any, endpoint: Any, visit: Any, browser: Any, who: str
):
    endpoint.adapters |= {"ada-reed": "2", "ada-reed@1": "1"}
    await visit(replace(house, endpoint_url=f"http://127.0.0.1:{endpoint.port}"))
    found = routes()
    unlisted = {key for key in found if not key[1].startswith("/_nicegui/client/")} - CASES.keys() - ELSEWHERE
    assert not unlisted, "say in CASES how these are asked with another author's ids"
    before, client = tree(house), browser(who)
    for (method, name), path in sorted(found.items(), key=lambda each: each[0] == ("POST", "/logout")):
        case = CASES.get((method, name), NONE)
        for place, query, form in product(case.places, case.queries, case.forms):
            client.cookies.set("twin_author", "ada-reed")
            where = filled(path, place) + query
            answer = await client.request("GET" if method == "MOUNT" else method, where, data=form, headers=ORIGIN)
            assert answer.status_code in case.fine, (method, where, answer.status_code)
            assert told(answer, bool(place or query or form)) == [], (method, where)
    assert tree(house) == before
    eve = browser("eve")
    assert {w for w in ("Ada Reed", "The kettle") if w in (await eve.get(HER_DRAFT)).text} == {"Ada Reed", "The kettle"}
    assert (await eve.get("/report/evaluation")).status_code == 200
    assert (await eve.get("/report/monitoring")).status_code == 200


async def test_a_name_that_is_there_and_one_that_is_not_are_answered_alike(
    house: Any, visit: Any, browser: Any
) -> None:
    """Or whoever signs in learns by asking whose twins the house keeps."""
    await visit(house)
    ben = browser("ben")
    said = []
    for author in ("ada-reed", "nobody-here"):
        answer = await ben.post("/author", data={"author": author}, headers=ORIGIN)
        said.append((answer.status_code, answer.text, "twin_author" in answer.headers.get("set-cookie", "")))
    assert said[0] == said[1] == (303, "", False)
    own = await ben.post("/author", data={"author": "ben-cole"}, headers=ORIGIN)
    assert "twin_author=ben-cole" in own.headers["set-cookie"]


async def test_a_page_of_adas_takes_no_socket_and_no_file_of_bens(
    house: Any, visit: Any, tokens: dict[str, str], browser: Any
) -> None:
    """A page's id is drawn by chance; who has one all the same opens no socket to it and sends it no file."""
    user = await visit(house)
    user.http_client.cookies.set("twin_session", tokens["eve"])
    await user.open(HER_DRAFT)
    with user.client:
        upload = ui.upload()

    def environ(name: str) -> dict[str, Any]:
        cookie = f"twin_session={tokens[name]}; twin_author=ada-reed".encode()
        return {"asgi.scope": {"type": "http", "headers": [(b"cookie", cookie)]}}

    for name in ("ben", "bea"):
        assert not user.client.accept_handshake("socket", "tab", environ(name)), name
        client = browser(name)
        client.cookies.set("twin_author", "ada-reed")
        sent = await client.post(upload._props["url"], files={"file": b"x"}, headers=ORIGIN)
        assert sent.status_code == 403, name


def test_the_files_behind_bens_pages_are_his_own(house: Any) -> None:
    """Below the routes: what a page asks for with an id of Ada's is looked up in Ben's folders alone."""
    settings, hers = authors.settings_of(house)["ben-cole"], drafts.folder(house, "ada-reed")
    write_json(drafts.folder(house, "ben-cole") / "own.json", {"id": "own"})
    for wanted in (DRAFT, f"../ada-reed/{DRAFT}", f"..\\ada-reed\\{DRAFT}", str(hers / DRAFT), ".."):
        assert drafts.load(settings, "ben-cole", wanted) is None, wanted
        drafts.delete(settings, "ben-cole", wanted)
    assert [record["id"] for record in drafts.recent(settings, "ben-cole")] == ["own"]
    assert drafts.load(house, "ada-reed", DRAFT) is not None
    assert (settings.root, settings.private) != (house.root, house.private)
