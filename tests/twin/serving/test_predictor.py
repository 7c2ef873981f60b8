"""The real predictor on the bundled model, spoken to as its clients do."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from pathlib import Path

import httpx
import pytest
from openai import OpenAI

from twin.basemodel import BasePaths
from twin.files import write_json
from twin.generation import Predictor, payload
from twin.serving.gguf import adapter_to_gguf
from twin.serving.predictor import Adapter, read_pointers

Start = Callable[..., contextlib.AbstractContextManager[str]]
ASK = [{"role": "user", "content": "Write a short post about ferries."}]


def test_pointers_that_are_broken_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    write_json(
        tmp_path / "good.json", {"author": "hesk", "version": "3", "gguf": str(tmp_path / "a.gguf"), "sha256": "x"}
    )
    write_json(tmp_path / "gone.json", {"author": "gone", "version": "1", "gguf": str(tmp_path / "no.gguf")})
    write_json(tmp_path / "base.json", {"author": "base", "version": "1", "gguf": str(tmp_path / "a.gguf")})
    (tmp_path / "half.json").write_text('{"author": "half"')
    found = read_pointers(tmp_path, {"fixed": tmp_path / "f.gguf"})
    assert sorted(found) == ["fixed", "hesk"]
    assert found["hesk"].version == "3"
    assert found["fixed"] == Adapter("fixed", tmp_path / "f.gguf")


@pytest.fixture(scope="module")
def adapters(
    tmp_path_factory: pytest.TempPathFactory, base: BasePaths, make_adapter: Callable[[Path, int, float], Path]
) -> list[Path]:
    """Two adapters that write unlike the base and unlike each other."""
    folder = tmp_path_factory.mktemp("adapters")
    return [
        adapter_to_gguf(make_adapter(folder / str(seed), seed, 0.05), base.folder, folder / f"{seed}.gguf")
        for seed in (1, 2)
    ]


@pytest.fixture(scope="module")
def pointers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pointers")


@pytest.fixture(scope="module")
def url(pointers: Path, start: Start, free_port: Callable[[], int]) -> Iterator[str]:
    port = free_port()
    with start(
        "twin.serving.predictor", "--port", str(port), "--pointers", str(pointers), "--context", "1024",
        port=port, ready="/health",
    ) as address:  # fmt: skip
        yield address


def promote(pointers: Path, version: str, gguf: Path) -> None:
    write_json(pointers / "hesk.json", {"author": "hesk", "version": version, "gguf": str(gguf), "sha256": version})


@pytest.mark.slow
def test_openai_client_with_and_without_stream(url: str) -> None:
    client = OpenAI(base_url=f"{url}/v1", api_key="none")
    assert [model.id for model in client.models.list()] == ["base"]
    whole = client.chat.completions.create(model="base", messages=ASK, max_tokens=12, temperature=0)
    pieces = client.chat.completions.create(model="base", messages=ASK, max_tokens=12, temperature=0, stream=True)
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in pieces)
    assert streamed == whole.choices[0].message.content
    assert whole.model == "base"
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 12


@pytest.mark.slow
def test_wrong_requests_name_their_fault(url: str) -> None:
    unknown = httpx.post(f"{url}/v1/chat/completions", json={"model": "nobody", "messages": ASK})
    assert (unknown.status_code, unknown.json()["error"]["param"]) == (404, "model")
    assert "base" in unknown.json()["error"]["message"]
    assert httpx.post(f"{url}/v1/chat/completions", content=b"{").status_code == 400
    assert httpx.post(f"{url}/v1/chat/completions", json={"messages": "hello"}).status_code == 400


@pytest.mark.slow
async def test_a_client_that_leaves_frees_its_slot(url: str) -> None:
    """Four endless requests fill all four slots; once they hang up, the next one need not wait for their end."""
    body = {"messages": ASK, "max_tokens": 900, "ignore_eos": True, "stream": True}
    async with httpx.AsyncClient(timeout=60) as client:

        async def begin_and_leave() -> None:
            async with client.stream("POST", f"{url}/v1/chat/completions", json=body) as reply:
                async for _ in reply.aiter_raw():
                    return

        await asyncio.gather(*(begin_and_leave() for _ in range(3)))
        with pytest.raises(httpx.ReadTimeout):
            await client.post(f"{url}/v1/chat/completions", json=body | {"stream": False}, timeout=1.0)
        began = time.monotonic()
        await asyncio.gather(
            *(client.post(f"{url}/v1/chat/completions", json={"messages": ASK, "max_tokens": 4}) for _ in range(4))
        )
        # 3,600 tokens would take half a minute at the least.
        assert time.monotonic() - began < 15


@pytest.mark.slow
def test_an_adapter_is_swapped_under_load(url: str, pointers: Path, adapters: list[Path]) -> None:
    """A new pointer serves within seconds, the next version and the way back too, and no request in flight is lost."""
    predictor = Predictor(url)
    plain = predictor.chat(ASK, max_tokens=12, temperature=0).text
    ends: list[str] = []
    stop = threading.Event()

    def load() -> None:
        client = Predictor(url)
        while not stop.is_set():
            ends.append(client.chat(ASK, max_tokens=40, temperature=0).finish_reason)
        client.close()

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        texts = []
        for version, gguf in (("1", adapters[0]), ("2", adapters[1]), ("1", adapters[0])):
            promote(pointers, version, gguf)
            began = time.monotonic()
            while predictor.versions().get("hesk") != version:
                # Two seconds on a quiet machine; these cores also write and run tests.
                assert time.monotonic() - began < 10
                time.sleep(0.05)
            texts.append(predictor.chat(ASK, "hesk", max_tokens=12, temperature=0).text)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert len({plain, *texts}) == 3, "base, version 1 and version 2 write differently"
    assert texts[2] == texts[0], "the way back is the first version again"
    assert predictor.chat(ASK, max_tokens=12, temperature=0).text == plain
    assert ends
    assert set(ends) <= {"length", "stop"}


@pytest.mark.slow
def test_a_bad_adapter_leaves_the_good_one_serving(
    url: str, pointers: Path, adapters: list[Path], tmp_path: Path
) -> None:
    predictor = Predictor(url)
    promote(pointers, "8", adapters[0])
    wait_for(lambda: predictor.versions().get("hesk") == "8")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF and then nothing")
    promote(pointers, "9", broken)
    wait_for(lambda: "broken.gguf" in httpx.get(f"{url}/health").text)
    assert predictor.versions()["hesk"] == "8"
    assert predictor.chat(ASK, "hesk", max_tokens=2).tokens == 2
    (pointers / "hesk.json").unlink()
    wait_for(lambda: predictor.models() == ["base"])


@pytest.mark.slow
def test_a_cut_adapter_met_at_the_start_is_named_and_its_forerunner_writes(
    adapters: list[Path], tmp_path: Path, start: Start, free_port: Callable[[], int]
) -> None:
    cut, port = tmp_path / "cut.gguf", free_port()
    cut.write_bytes(adapters[1].read_bytes()[: adapters[1].stat().st_size // 2])
    former = {"version": "1", "gguf": str(adapters[0])}
    write_json(tmp_path / "ann.json", {"author": "ann", "version": "2", "gguf": str(cut), "previous": [former]})
    arguments = ("--port", str(port), "--pointers", str(tmp_path), "--slots", "1", "--context", "256")
    with start("twin.serving.predictor", *arguments, port=port, ready="/health") as url:
        said = httpx.get(f"{url}/health").json()
        assert "cut.gguf" in said["refused"]["ann"] and "whole" in said["refused"]["ann"]
        listed = {model["id"]: model.get("version") for model in httpx.get(f"{url}/v1/models").json()["data"]}
        assert listed["ann"] == "1"


def wait_for(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.slow
def test_a_taken_port_and_a_missing_model_are_said(url: str, tmp_path: Path, free_port: Callable[[], int]) -> None:
    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "twin.serving.predictor", "--pointers", str(tmp_path), *args],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    taken = run("--port", url.rpartition(":")[2])
    assert taken.returncode == 2
    assert "TWIN_PREDICTOR_PORT" in taken.stderr
    missing = run("--port", str(free_port()), "--gguf", str(tmp_path / "no.gguf"))
    assert missing.returncode == 2
    assert "no.gguf" in missing.stderr


@pytest.mark.slow
async def test_generation_streams_and_counts(url: str) -> None:
    predictor = Predictor(url)
    deltas = [d async for d in predictor.stream(payload(ASK, "base", max_tokens=8, temperature=0, seed=1))]
    assert deltas[-1].finish_reason == "length"
    assert deltas[-1].tokens == 8
    assert "".join(d.text for d in deltas) == predictor.chat(ASK, max_tokens=8, temperature=0).text
    await predictor.aclose()


def test_what_the_prompt_says_is_not_said_again_word_for_word(url: str) -> None:
    fact = (
        "The ferry from Kirkwall leaves at seven in the morning and carries forty sheep, two vans and the whole school."
    )
    ask = [{"role": "user", "content": f"Repeat this sentence exactly as it is: {fact}"}]
    predictor = Predictor(url)
    plain = predictor.chat(ask, "base", max_tokens=60, temperature=0, min_p=0, repetition_penalty=1, steered=False)
    steered = predictor.chat(ask, "base", max_tokens=60, temperature=0, min_p=0, repetition_penalty=1)
    predictor.close()
    assert common(fact, steered.text) < 12 <= common(fact, plain.text)


def common(left: str, right: str) -> int:
    """The longest run of words in both."""
    one, two = left.split(), right.split()
    found = SequenceMatcher(None, one, two, autojunk=False).find_longest_match()
    return found.size


def test_no_pointers_folder_means_no_adapters(tmp_path: Path) -> None:
    shutil.rmtree(tmp_path)
    assert read_pointers(tmp_path, {}) == {}
