"""Every route of endpoint and predictor as nobody, with a wrong key and with another author's; then hundreds of odd bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
from starlette.routing import Route

from bench import fuzz_endpoint
from twin.generation import Predictor as Client
from twin.serving import keys, predictor

# What anybody may ask who reaches the port; all other routes ask for a key. A new route fails here until it is listed.
OPEN = {"/", "/metrics", "/v2", "/v2/health/live", "/v2/health/ready"}
KEYED = {
    "/v1/models", "/v1/models/{model_name}", "/v1/models/{model_name}:predict", "/v1/models/{model_name}:explain",
    "/v2/models", "/v2/models/{model_name}", "/v2/models/{model_name}/ready", "/v2/models/{model_name}/infer",
    "/openai/v1/models", "/openai/v1/chat/completions",
}  # fmt: skip
SHUT = (
    "/v2/repository/index", "/v2/repository/models/twin/load", "/v2/repository/models/twin/unload",
    "/v2/models/twin/versions/1", "/v2/models/twin/versions/1/infer", "/v2/models/twin?model_version=1",
)  # fmt: skip
PREDICTOR = {
    "/health": False,
    "/v1/health": False,
    "/v1/models": True,
    "/v1/chat/completions": True,
    "/v1/completions": True,
}


# Ben has a text of his own in the same store, so that what he asks for himself is written.
_BENS = """
INSERT INTO twin_chunk_embeddings (entity_key, event_ts, id, document_id, author, register, source, url, title, ordinal,
    text, start, "end", published_at, sha256, embedding)
SELECT 'ben', event_ts, 'files:ben#0', 'files:ben', 'ben', register, source, 'https://ben.example', 'Ben', ordinal,
    'Ben repairs clocks in a harbour, and each of them strikes at another hour.', 0, 73, published_at, 'ben', embedding
FROM twin_chunk_embeddings WHERE id = 'files:0#0'
"""
# Words that stand in Ada's texts alone, and what names them.
HERS = re.compile(r"morning is about|files:\d|x\.example|ada(?:@|\b)")


@pytest.fixture(scope="module")
def door(_postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, str]]:
    """A running endpoint of Ada's, the key of her client, and that of Ben's."""
    import psycopg

    home = tmp_path_factory.mktemp("doors")
    mine, other = keys.grant(home / "api_keys.json", "ada", ["ada"]), keys.grant(home / "api_keys.json", "ben", ["ben"])
    with psycopg.connect(_postgres, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS doors WITH (FORCE)")
        connection.execute("CREATE DATABASE doors")
    database = urlunsplit(urlsplit(_postgres)._replace(path="/doors"))
    with fuzz_endpoint.endpoint(database, home) as url:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(_BENS)
        yield url, mine, other


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def ask(url: str, method: str, path: str, key: str, **headers: str) -> httpx.Response:
    instance = {"brief": "tea", "max_tokens": 4}
    tensor = {"name": "x", "shape": [1], "datatype": "BYTES", "data": ['{"brief": "tea"}']}
    bodies = {
        "/openai/v1/chat/completions": {"messages": [{"role": "user", "content": "tea"}]},
        "/v2/models/twin/infer": {"inputs": [tensor]},
    }
    body = bodies.get(path, {"instances": [instance]}) if method == "post" else None
    return httpx.request(method, url + path, json=body, headers=bearer(key) | headers, timeout=60)


@pytest.mark.slow
def test_every_route_of_the_endpoint_is_held(door: tuple[str, str, str]) -> None:
    url, mine, other = door
    paths: dict[str, Any] = httpx.get(f"{url}/openapi.json", timeout=30).json()["paths"]
    assert set(paths) == OPEN | KEYED
    for path, ways in paths.items():
        place = path.replace("{model_name}", "twin")
        for method in {"get", "post", "put", "delete", "patch"}:
            nobody = ask(url, method, place, "").status_code
            wrong = ask(url, method, place, "twin-wrong").status_code
            if path in KEYED:
                assert (nobody, wrong) == (401, 401), (method, path)
            elif method in ways:
                assert nobody == wrong == 200, (method, path)
            else:
                assert nobody in (404, 405), (method, path)
    for path in ("/v1/models/twin:predict", "/v2/models/twin/infer", "/openai/v1/chat/completions"):
        assert ask(url, "post", path, other).status_code == 403, path
        assert ask(url, "post", path, mine).status_code == 200, path
    listed = ask(url, "get", "/openai/v1/models", other).json()["data"]
    assert [model["id"] for model in listed] == ["twin", "base"]


@pytest.mark.slow
def test_another_authors_name_and_adapter_are_refused(door: tuple[str, str, str]) -> None:
    url, mine, other = door
    for key, author in ((mine, "ben"), (other, "ada")):
        for more in (
            {"author": author},
            {"adapter": author},
            {"adapter": f"{author}@3"},
            {"author": author, "adapter": "base"},
        ):
            instance = {"brief": "tea", **more}
            for body, path in (
                ({"instances": [instance]}, "/v1/models/twin:predict"),
                ({"messages": [{"role": "user", "content": "tea"}], "twin": more}, "/openai/v1/chat/completions"),
            ):
                got = httpx.post(url + path, json=body, headers=bearer(key), timeout=60)
                assert got.status_code == 403, (path, more)
    for model in ("ada", "ada@3"):
        body = {"model": model, "messages": [{"role": "user", "content": "tea"}]}
        got = httpx.post(f"{url}/openai/v1/chat/completions", json=body, headers=bearer(other), timeout=60)
        assert got.status_code == 403


def ways(instance: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """One request in every form that the endpoint reads: V1, V2, OpenAI's and its stream."""
    own = {name: value for name, value in instance.items() if name not in ("brief", "max_tokens")}
    chat = {"messages": [{"role": "user", "content": instance["brief"]}], "max_tokens": 4, "twin": own}
    tensor = {"name": "x", "shape": [1], "datatype": "BYTES", "data": [json.dumps(instance)]}
    return [
        ("/v1/models/twin:predict", {"instances": [instance]}), ("/v2/models/twin/infer", {"inputs": [tensor]}),
        ("/openai/v1/chat/completions", chat), ("/openai/v1/chat/completions", chat | {"stream": True}),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 200), ({"adapter": "base"}, 200), ({"given": {"facts": ["files:0#0", "files:1#0"]}}, 400),
        ({"given": {"facts": ["files:0#0' OR '1'='1"]}}, 400), ({"version": "3"}, 200), ({"adapter": "ben", "version": "3"}, 400),
        ({"adapter": "ben@3"}, 400), ({"adapter": "ada"}, 403), ({"adapter": "ada@3"}, 403), ({"author": "ada"}, 403),
        ({"author": "ADA"}, 403), ({"author": "ada "}, 403), ({"author": "%"}, 403), ({"adapter": "ADA@3"}, 403),
        ({"action": "voice", "text": "files:0#0"}, 400), ({"action": "ideas"}, 200), ({"adapter": "../ada"}, 403),
    ],
)  # fmt: skip
def test_bens_key_gets_nothing_of_adas_in_any_form(
    door: tuple[str, str, str], more: dict[str, Any], status: int
) -> None:
    url, _, other = door
    for path, body in ways({"brief": "Rain and bread in the morning", "max_tokens": 4, "author": "ben", **more}):
        got = httpx.post(url + path, json=body, headers=bearer(other), timeout=60)
        assert got.status_code == status, (path, got.text[:300])
        said = got.text
        for asked in [str(value) for value in more.values()] + ["files:0#0", "files:1#0"] * (
            "given" in more or "text" in more
        ):
            said = said.replace(asked, "")
        assert HERS.findall(said) == [], (path, said[:600])


@pytest.mark.slow
def test_what_asks_no_key_names_no_author(door: tuple[str, str, str]) -> None:
    url, mine, other = door
    assert ask(url, "post", "/v1/models/twin:predict", mine).status_code == 200
    assert ask(url, "get", "/openai/v1/models", other).text.count("ada") == 0
    for path in sorted(OPEN):
        assert HERS.findall(ask(url, "get", path, "").text) == [], path


@pytest.mark.slow
def test_kserves_switches_are_shut_to_everybody(door: tuple[str, str, str]) -> None:
    url, mine, _ = door
    for path in SHUT:
        for method in ("GET", "POST"):
            assert httpx.request(method, url + path, headers=bearer(mine), timeout=30).status_code == 404, path
    assert httpx.get(f"{url}/v2/health/ready", timeout=30).status_code == 200


@pytest.mark.slow
def test_another_sites_page_and_a_rebound_name_are_turned_away(door: tuple[str, str, str]) -> None:
    url, mine, _ = door
    path = "/v1/models/twin:predict"
    for origin in ("https://evil.example", "null", "http://127.0.0.1", f"{url}.evil.example", "http://[::1"):
        assert ask(url, "post", path, mine, Origin=origin).status_code == 403, origin
    assert ask(url, "post", path, mine, Origin=url).status_code == 200
    for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:8081", "[::1", ""):
        for place in ("/v2/health/ready", "/openapi.json", path):
            assert ask(url, "get", place, mine, Host=host).status_code in (400, 421), (host, place)
    for host in ("localhost", "localhost:9000", "127.0.0.1", "[::1]:80"):
        assert ask(url, "get", "/v2/health/ready", "", Host=host).status_code == 200


@pytest.mark.slow
def test_no_odd_request_breaks_the_endpoint(door: tuple[str, str, str]) -> None:
    url, mine, _ = door
    tally = fuzz_endpoint.fuzz(url, 240, headers=bearer(mine))
    assert tally.cases >= 150
    assert [line[-300:] for line in tally.broken] == []


async def test_every_route_of_the_predictor_is_held(tmp_path: Path) -> None:
    served = predictor.Predictor(tmp_path / "none.gguf", None, {}, 1, 1, 512)
    served.adapters["ada"], served.refused["bob"] = predictor.Adapter("ada", tmp_path / "ada.gguf", "3"), "cut off"
    made = predictor.app(served, key="right")
    assert {route.path for route in made.routes if isinstance(route, Route)} == set(PREDICTOR)
    transport = httpx.ASGITransport(made)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        for path, held in PREDICTOR.items():
            for method in ("GET", "POST"):
                for key in ("", "wrong", "righ", "right-", "twin-a-clients-key-of-the-endpoint"):
                    body = {"model": "ada", "prompt": "x"} if method == "POST" else None
                    got = await client.request(method, path, json=body, headers=bearer(key))
                    assert (got.status_code == 401) is held, (method, path, key)
                    assert "ada" not in got.text and "bob" not in got.text, (method, path, key)
        known = (await client.get("/health", headers=bearer("right"))).json()
        assert (known["models"], known["refused"]) == (["base", "ada"], {"bob": "cut off"})
        assert (await client.get("/v1/models", headers=bearer("right"))).status_code == 200
        cross = await client.post("/v1/completions", headers=bearer("right") | {"Origin": "https://evil.example"})
        assert cross.status_code == 403
        assert (await client.get("/health", headers={"Host": "evil.example"})).status_code == 421


def test_the_predictors_client_brings_its_key() -> None:
    assert Client("http://127.0.0.1:9", key="k")._options()["headers"] == {"Authorization": "Bearer k"}
    assert Client("http://127.0.0.1:9")._options()["headers"] == {}
