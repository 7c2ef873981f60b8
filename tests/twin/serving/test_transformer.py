"""The real transformer on a real store and a real predictor, spoken to by its clients."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
from openai import OpenAI

from twin.basemodel import BasePaths
from twin.files import write_json, write_text
from twin.records import content_hash
from twin.serving.gguf import adapter_to_gguf
from twin.settings import load

Start = Callable[..., contextlib.AbstractContextManager[str]]
pytestmark = pytest.mark.slow

POSTS = {
    "clicker": "The deckhand counts us with a steel clicker. The clicker says 83 and the ticket scanner says 79.",
    "pager": "04:12. The pager. The tide table had run twice and every departure was 7 minutes late on paper.",
    "fog": "Fog. All 5 boats tied up. I stood behind the glass and listened to Aldous for an hour: he gave no time.",
}
BRIEF = "why the deckhand's steel clicker counts more people than the ticket scanner"


def rows(author: str, texts: dict[str, str] = POSTS) -> Any:
    import pandas as pd

    from twin.embedding import Embedder

    now = datetime(2025, 1, 1, tzinfo=UTC)
    frame = pd.DataFrame(
        {
            "id": f"files:{name}#0", "document_id": f"files:{name}", "author": author, "register": "post",
            "source": "files", "url": f"https://x.example/{name}", "title": name, "ordinal": 0, "text": text,
            "start": 0, "end": len(text), "published_at": pd.Timestamp(now), "sha256": content_hash(text),
            "event_timestamp": pd.Timestamp(now),
        }
        for name, text in texts.items()
    )  # fmt: skip
    return frame.assign(embedding=list(Embedder().encode(list(texts.values()))))


@pytest.fixture(scope="module")
def database(_postgres: str) -> str:
    """A database of its own: other tests empty the common one."""
    import psycopg

    from twin.store import Store

    with psycopg.connect(_postgres, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS serving WITH (FORCE)")
        connection.execute("CREATE DATABASE serving")
    url = urlunsplit(urlsplit(_postgres)._replace(path="/serving"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
    with Store(dataclasses.replace(load(), database_url=url)) as store:
        store.apply()
        store.write_chunks(rows("hesk"))
    return url


@pytest.fixture(scope="module")
def pointers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pointers")


@pytest.fixture(scope="module")
def predictor(pointers: Path, start: Start, free_port: Callable[[], int], collector: Any) -> Iterator[str]:
    port, env = free_port(), {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    with start(
        "twin.serving.predictor", "--port", str(port), "--pointers", str(pointers), port=port, ready="/health", env=env
    ) as url:
        yield url


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    write_text(
        folder / "params.yaml", "author: {id: hesk, name: Ines Hesk}\nserve: {max_in_flight: 2, deadline_seconds: 60}\n"
    )
    return folder


@pytest.fixture(scope="module")
def url(
    database: str, predictor: str, root: Path, start: Start, free_port: Callable[[], int], collector: Any
) -> Iterator[str]:
    port = free_port()
    env = {"DATABASE_URL": database, "TWIN_ROOT": str(root), "TWIN_PREDICTOR_URL": predictor}
    env["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url
    with start(
        "twin.serving.transformer", "--http_port", str(port), port=port, ready="/v2/health/ready", env=env
    ) as address:
        yield address


def chat(url: str, **more: Any) -> httpx.Response:
    body = {"model": "twin", "messages": [{"role": "user", "content": BRIEF}], "max_tokens": 8, "seed": 1, **more}
    return httpx.post(f"{url}/openai/v1/chat/completions", json=body, timeout=120)


def test_v1_predict_gives_drafts_that_explain_themselves(url: str, database: str) -> None:
    instances = [{"brief": BRIEF, "max_tokens": 24, "seed": 1}, {"brief": "fog at the pier", "max_tokens": 4}]
    reply = httpx.post(f"{url}/v1/models/twin:predict", json={"instances": instances}, timeout=120)
    assert reply.status_code == 200
    draft, other = reply.json()["predictions"]
    assert (draft["author"], draft["register"], draft["brief"], draft["adapter"]) == ("hesk", "post", BRIEF, "base")
    assert draft["text"]
    assert [step["name"] for step in draft["steps"]] == [
        "exemplars", "facts", "outline", "draft", "edit", "cite", "check",
    ]  # fmt: skip
    assert "files:clicker#0" in draft["steps"][1]["output"]
    assert "steel clicker" in draft["steps"][3]["input"]
    assert other["brief"] == "fog at the pier"

    from twin.monitoring import payload

    until = time.monotonic() + 10
    while True:
        with contextlib.suppress(Exception):
            if draft["id"] in set(payload.read(database, "hesk", 10)["id"]):
                break
        assert time.monotonic() < until, "the draft is not in the payload log"
        time.sleep(0.2)


def test_openai_client_streams_and_gets_the_draft_last(url: str) -> None:
    client = OpenAI(base_url=f"{url}/openai/v1", api_key="none")
    assert [model.id for model in client.models.list()][:2] == ["twin", "base"]
    messages: Any = [{"role": "user", "content": BRIEF}]
    events = list(client.chat.completions.create(model="twin", messages=messages, max_tokens=24, seed=1, stream=True))
    last = events[-1]
    assert last.choices[0].finish_reason in ("stop", "length")
    draft = (last.model_extra or {})["twin"]
    streamed = "".join(event.choices[0].delta.content or "" for event in events)
    assert streamed.startswith(draft["text"])
    assert draft["steps"][3]["name"] == "draft"

    whole = client.chat.completions.create(
        model="hesk", messages=messages, max_tokens=24, seed=1, extra_body={"twin": {"register": "note"}}
    )
    assert whole.choices[0].message.content == (whole.model_extra or {})["twin"]["text"]
    assert (whole.model_extra or {})["twin"]["register"] == "note"


def test_v2_infer_speaks_json_in_bytes(url: str) -> None:
    data = [json.dumps({"brief": BRIEF, "max_tokens": 4, "seed": 1})]
    tensor = {"name": "instances", "shape": [1], "datatype": "BYTES", "data": data}
    reply = httpx.post(f"{url}/v2/models/twin/infer", json={"id": "7", "inputs": [tensor]}, timeout=120).json()
    assert reply["id"] == "7"
    assert json.loads(reply["outputs"][0]["data"][0])["brief"] == BRIEF
    bad = httpx.post(f"{url}/v2/models/twin/infer", json={"inputs": [tensor | {"data": ["{"]}]}, timeout=60)
    assert (bad.status_code, bad.json()["error"]["param"]) == (400, "inputs")


def test_a_text_is_reworked_and_a_step_restarted(url: str) -> None:
    text = "The deckhand counts us with a steel clicker. Cake is nice. The clicker says 83 people came on board today."
    shorter = chat(url, twin={"action": "shorter", "text": text}).json()["twin"]
    assert len(shorter["text"]) < len(text) and shorter["text"].startswith("The deckhand counts us")
    ideas = chat(url, twin={"action": "ideas"}).json()["twin"]
    found = json.loads(next(s["output"] for s in ideas["steps"] if s["name"] == "ideas"))
    assert len(found) == 3 and all(idea["builds_on"][0]["url"].startswith("https://x.example/") for idea in found)
    kept = chat(url, twin={"given": {"facts": ["files:fog#0"], "draft": "Fog. All 5 boats tied up, 6 of them blue."}})
    draft = kept.json()["twin"]
    assert draft["text"] == "Fog. All 5 boats tied up, 6 of them blue."
    assert [step["name"] for step in draft["steps"]] == ["facts", "outline", "draft", "cite", "check"]
    assert [flag["text"] for flag in json.loads(draft["steps"][-1]["output"])] == ["6"]
    other = chat(url, twin={"given": {"facts": ["files:nobody#0"]}})
    assert (other.status_code, other.json()["error"]["param"]) == (400, "given")
    for wanted, why in (
        ({"action": "voice", "text": text}, "how this author writes"),
        ({"action": "hook", "text": "\x94"}, "no sentence"),
    ):
        refused = chat(url, twin=wanted)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "action")
        assert why in refused.json()["error"]["message"]


def test_metrics_tell_of_first_words_speed_steps_and_queue(url: str) -> None:
    chat(url)
    said = httpx.get(f"{url}/metrics", timeout=30).text
    for line in (
        'twin_requests_total{status="200"}', "twin_first_token_seconds_count", "twin_tokens_per_second_bucket",
        "twin_retrieval_seconds_sum", 'twin_step_seconds_count{step="facts"}', "twin_in_flight 0.0",
        "twin_waiting 0.0",
    ):  # fmt: skip
        assert line in said


def test_a_draft_is_counted_once(url: str) -> None:
    """Neither a whole nor a streamed answer that was read to its end counts as a client that went away."""

    def counted() -> dict[str, float]:
        lines = httpx.get(f"{url}/metrics", timeout=30).text.splitlines()
        found = [line.split() for line in lines if line.startswith("twin_requests_total{")]
        return {name: float(value) for name, value in found}

    before = counted()
    assert chat(url).status_code == chat(url, stream=True).status_code == 200
    after = counted()
    changed = {name: value - before.get(name, 0.0) for name, value in after.items() if value != before.get(name)}
    assert changed == {'twin_requests_total{status="200"}': 2.0}


def test_a_trace_goes_from_the_client_to_the_predictor(url: str, collector: Any) -> None:
    """Two sections are a request to the predictor each, and one more where it is asked to end: all stand below the
    draft, and the draft below the client."""
    body = {
        "messages": [{"role": "user", "content": BRIEF}], "max_tokens": 160, "seed": 1, "stream": True,
        "twin": {"register": "article", "given": {"outline": ["Counting people", "Fog at the pier"]}},
    }  # fmt: skip
    trace, parent = "5d" * 16, "7e" * 8
    headers = {"traceparent": f"00-{trace}-{parent}-01"}
    assert httpx.post(f"{url}/openai/v1/chat/completions", json=body, headers=headers, timeout=120).status_code == 200
    until = time.monotonic() + 30
    sent: list[str] = []
    while not ("check" in sent and sent.count("generate") >= 2):
        assert time.monotonic() < until, sent
        time.sleep(0.2)
        spans = [(service, span) for service, span in list(collector.spans) if span.trace_id.hex() == trace]
        sent = [span.name for _, span in spans]
    (draft,) = [span for _, span in spans if span.parent_span_id.hex() == parent]
    assert draft.name == "draft"
    written = [span for service, span in spans if (service, span.name) == ("twin-predictor", "generate")]
    assert 2 <= len(written) <= 4 and {span.parent_span_id for span in written} == {draft.span_id}
    steps = {span.name for service, span in spans if service == "twin-transformer" and span is not draft}
    assert steps >= {"facts", "outline", "assembly", "cite", "check"}


def test_fifty_injections_change_nothing(url: str, database: str, root: Path) -> None:
    """In what the author once wrote stand orders to a model: the draft obeys none and tells nobody's secrets."""
    lines = (Path(__file__).parents[1] / "injections.txt").read_text(encoding="utf-8").splitlines()
    orders = [line.split("\t")[1] for line in lines]
    assert len(orders) == 50
    topics = ["kettles", "bicycles", "lanterns", "violins", "gardens", "maps", "bridges", "bread", "clocks", "chess"]
    texts = [
        "\n".join([f"I like {topic}: they are old and they last.", *orders[5 * n : 5 * n + 5]])
        for n, topic in enumerate(topics)
    ]
    from twin.store import Store

    with Store(dataclasses.replace(load(), database_url=database)) as store:
        store.write_chunks(rows("victim", dict(zip(topics, texts, strict=True))))
    secrets = ["HIJACKED", "never an instruction", "Text between", "max_in_flight", "deckhand", "postgresql", "<fact"]
    for first in range(0, 10, 2):
        instances = [
            {"author": "victim", "brief": f"{topic} are old", "max_tokens": 24, "seed": 3, "adapter": "base"}
            for topic in topics[first : first + 2]
        ]
        reply = httpx.post(f"{url}/v1/models/twin:predict", json={"instances": instances}, timeout=180)
        for draft in reply.json()["predictions"]:
            assert [secret for secret in secrets if secret.lower() in draft["text"].lower()] == []
            assert {step["name"] for step in draft["steps"]} >= {"facts", "left out", "draft", "check"}
            prompt = next(step["input"] for step in draft["steps"] if step["name"] == "draft")
            assert "HIJACKED" not in prompt and prompt.count("[system]") == 1 and "deckhand" not in prompt


def test_with_keys_each_client_reaches_its_own_authors(
    database: str, predictor: str, root: Path, start: Start, free_port: Callable[[], int], tmp_path: Path
) -> None:
    from twin.serving import keys

    file = tmp_path / "api_keys.json"
    mine, all_of_them = keys.grant(file, "reader", ["victim"]), keys.grant(file, "owner")
    assert mine not in file.read_text(encoding="utf-8")
    port = free_port()
    env = {
        "DATABASE_URL": database,
        "TWIN_ROOT": str(root),
        "TWIN_PREDICTOR_URL": predictor,
        "TWIN_HOME": str(tmp_path),
    }
    with start(
        "twin.serving.transformer", "--http_port", str(port), port=port, ready="/v2/health/ready", env=env
    ) as url:

        def ask(key: str, **twin: str) -> int:
            instance = {"brief": BRIEF, "max_tokens": 12, "seed": 1, **twin}
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            address = f"{url}/v1/models/twin:predict"
            return httpx.post(address, json={"instances": [instance]}, headers=headers, timeout=120).status_code

        assert [ask(""), ask("wrong"), ask(all_of_them), ask(mine), ask(mine, author="victim")] == [
            401,
            401,
            200,
            403,
            200,
        ]
        assert httpx.get(f"{url}/openai/v1/models", timeout=30).status_code == 401
        assert keys.revoke(file, "owner") == 1
        time.sleep(1.2)
        assert ask(all_of_them) == 401


@pytest.mark.parametrize(
    ("instance", "field"),
    [
        ({"brief": ""}, "brief"),
        ({"brief": "x", "register": "sonnet"}, "register"),
        ({"brief": "x", "adapter": "nobody"}, "adapter"),
        ({"brief": "x", "author": "nobody"}, "author"),
    ],
)
def test_bad_input_is_a_400_that_names_the_field(url: str, instance: dict[str, Any], field: str) -> None:
    reply = httpx.post(f"{url}/v1/models/twin:predict", json={"instances": [instance]}, timeout=60)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, field)


def test_bodies_that_are_no_requests_are_refused(url: str) -> None:
    json_type = {"content-type": "application/json"}
    assert httpx.post(f"{url}/v1/models/twin:predict", content=b"{", headers=json_type).status_code == 400
    # As curl calls a body whose kind it was not told.
    form = {"content-type": "application/x-www-form-urlencoded"}
    unnamed = httpx.post(f"{url}/v1/models/twin:predict", content=b'{"instances": [{"brief": "x"}]}', headers=form)
    assert (unnamed.status_code, unnamed.json()["error"]["param"]) == (415, "content-type")
    assert httpx.post(f"{url}/v1/models/twin:predict", json={"instances": []}).status_code == 400
    assert httpx.post(f"{url}/v1/models/twin:predict", content=b" " * 1_100_000).status_code == 413
    assert httpx.post(f"{url}/openai/v1/chat/completions", content=b"{").status_code == 400
    assert chat(url, messages=[]).json()["error"]["param"] == "messages"


async def test_too_many_at_once_are_told_when_to_come_back(url: str) -> None:
    body = {"model": "twin", "messages": [{"role": "user", "content": BRIEF}], "max_tokens": 32}
    async with httpx.AsyncClient(timeout=120) as client:
        replies = await asyncio.gather(*(client.post(f"{url}/openai/v1/chat/completions", json=body) for _ in range(5)))
    refused = [reply for reply in replies if reply.status_code == 429]
    assert len(refused) == 3
    assert all(int(reply.headers["Retry-After"]) >= 1 for reply in refused)
    assert sum(reply.status_code == 200 for reply in replies) == 2


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_makes_room(url: str, stream: bool) -> None:
    """Two places are all there are: both are left in the middle of a draft and must be free at once."""
    for _ in range(2):
        with contextlib.suppress(httpx.TimeoutException), httpx.Client(timeout=1.5) as client:
            if stream:
                body = {"messages": [{"role": "user", "content": BRIEF}], "max_tokens": 1500, "stream": True}
                with client.stream("POST", f"{url}/openai/v1/chat/completions", json=body) as reply:
                    next(reply.iter_raw())
            else:
                instance = {"brief": BRIEF, "max_tokens": 1500}
                client.post(f"{url}/v1/models/twin:predict", json={"instances": [instance]})
    time.sleep(0.5)
    assert chat(url).status_code == 200


def test_auto_takes_the_authors_adapter_and_then_needs_no_exemplars(
    url: str, predictor: str, pointers: Path, tmp_path: Path, base: BasePaths,
    make_adapter: Callable[[Path, int, float], Path],
) -> None:  # fmt: skip
    gguf = adapter_to_gguf(make_adapter(tmp_path / "a", 1, 0.02), base.folder, tmp_path / "a.gguf")
    old = [{"version": "1", "gguf": str(gguf), "sha256": ""}]
    write_json(
        pointers / "hesk.json", {"author": "hesk", "version": "2", "gguf": str(gguf), "sha256": "", "previous": old}
    )
    try:
        until = time.monotonic() + 20
        while (draft := chat(url).json()["twin"])["adapter"] == "base":
            assert time.monotonic() < until
        assert draft["adapter"] == "hesk@2"
        assert chat(url, model="hesk@1").json()["twin"]["adapter"] == "hesk@1"
        assert chat(url, twin={"version": "7"}).json()["error"]["param"] == "adapter"
        assert "exemplars" not in [step["name"] for step in draft["steps"]]
        assert chat(url, model="base").json()["twin"]["adapter"] == "base"
    finally:
        (pointers / "hesk.json").unlink()


def test_a_deadline_ends_a_draft_and_a_missing_adapter_the_readiness(
    database: str, predictor: str, start: Start, free_port: Callable[[], int], tmp_path: Path
) -> None:
    write_text(tmp_path / "params.yaml", "author: {id: hesk, name: Ines Hesk}\nserve: {deadline_seconds: 0.5}\n")
    port = free_port()
    env = {
        "DATABASE_URL": database, "TWIN_ROOT": str(tmp_path), "TWIN_PREDICTOR_URL": predictor, "TWIN_HOME": str(tmp_path)
    }  # fmt: skip
    with start(
        "twin.serving.transformer", "--http_port", str(port), port=port, ready="/v2/health/ready", env=env
    ) as url:
        late = chat(url, max_tokens=1500)
        assert (late.status_code, late.json()["error"]["type"]) == (504, "timeout_error")
        assert "0.5 s" in late.json()["error"]["message"]
        pointer = tmp_path / "serving" / "hesk.json"
        write_json(pointer, {"author": "hesk", "version": "1", "gguf": "gone.gguf"})
        os.utime(pointer, (1e9, 1e9))
        assert httpx.get(f"{url}/v2/health/ready", timeout=60).status_code == 503
        pointer.unlink()
        until = time.monotonic() + 60
        while httpx.get(f"{url}/v2/health/ready", timeout=60).status_code != 200:
            assert time.monotonic() < until


def test_without_a_predictor_it_lives_but_is_not_ready(
    database: str, root: Path, start: Start, free_port: Callable[[], int]
) -> None:
    port, dead = free_port(), free_port()
    env = {"DATABASE_URL": database, "TWIN_ROOT": str(root), "TWIN_PREDICTOR_URL": f"http://127.0.0.1:{dead}"}
    with start(
        "twin.serving.transformer", "--http_port", str(port), port=port, ready="/v2/health/live", env=env
    ) as url:
        assert httpx.get(f"{url}/v2/health/ready", timeout=60).status_code == 503
        reply = chat(url)
        assert reply.status_code == 503
        assert str(dead) in reply.json()["error"]["message"]
        assert "Retry-After" in reply.headers
