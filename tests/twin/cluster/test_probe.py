"""What proves a deployed version, and what does not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from twin import params as parameters
from twin.cluster import probe, serving
from twin.params import Params


@pytest.fixture
def chosen() -> Params:
    return parameters.loads("author: {id: ada, name: Ada}")


def pod(stamp: str, ready: str) -> dict[str, Any]:
    annotations = {"twin/adapter": stamp} if stamp else {}
    return {
        "metadata": {"name": f"p{stamp}", "annotations": annotations},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def test_only_ready_pods_of_the_new_version_alone_count() -> None:
    assert serving.fresh([pod("2", "True")], "2")
    assert serving.fresh([pod("2", "True"), pod("1", "False")], "2")
    assert not serving.fresh([pod("2", "True"), pod("1", "True")], "2"), "an old pod still answers"
    assert not serving.fresh([pod("2", "False")], "2")
    assert not serving.fresh([pod("", "True")], "2")
    assert not serving.fresh([], "2")


@pytest.fixture
def transformer() -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    """An endpoint that answers with a draft: (url, the draft, the instances asked)."""
    draft = {"text": "It rained on the slip.", "adapter": "ada@2"}
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None: ...

        def do_POST(self) -> None:
            asked.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["instances"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"predictions": [draft]}).encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", draft, asked
    server.shutdown()
    server.server_close()


def test_a_draft_by_the_new_adapter_is_proof(api: Any, chosen: Params, transformer: Any) -> None:
    api.lists["/api/v1/namespaces/twin/pods"] = [pod("2", "True")]
    healthy, found = probe.smoke(chosen, transformer[0], "2", 5)
    assert healthy and found["adapter"] == "ada@2" and found["characters"] == 22


@pytest.mark.parametrize(("text", "adapter"), [("", "ada@2"), ("Words.", "base")])
def test_no_words_or_the_base_model_s_are_no_proof(chosen: Params, transformer: Any, text: str, adapter: str) -> None:
    transformer[1].update(text=text, adapter=adapter)
    healthy, found = probe.smoke(chosen, transformer[0], "2", 0.2, pods=lambda: [pod("2", "True")])
    assert not healthy and adapter in str(found["reason"])


def test_an_endpoint_that_is_away_is_no_proof_and_no_error(chosen: Params) -> None:
    healthy, found = probe.smoke(chosen, "http://127.0.0.1:9", "2", 0.2, pods=lambda: [pod("2", "True")])
    assert not healthy and "ConnectError" in str(found["reason"])


def test_every_brief_is_asked_at_least_once_and_sound_drafts_pass(chosen: Params, transformer: Any) -> None:
    sound, found = probe.quality(chosen, transformer[0], 0)
    assert sound and found["drafts"] == len(probe.BRIEFS) and found["reason"] == ""
    assert [each["brief"] for each in transformer[2]] == list(probe.BRIEFS)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("It rained.<|im_end|>", "chat template"), ("", "0 characters")],
)
def test_one_draft_nobody_could_show_is_enough_to_fail(
    chosen: Params, transformer: Any, text: str, reason: str
) -> None:
    transformer[1]["text"] = text
    sound, found = probe.quality(chosen, transformer[0], 0)
    assert not sound and found["drafts"] == 1 and reason in str(found["reason"])


def test_probing_goes_on_as_long_as_the_traffic_is_shared(chosen: Params, transformer: Any) -> None:
    clock = iter(range(0, 1000, 2))
    sound, found = probe.quality(chosen, transformer[0], 30, pause=0, now=lambda: float(next(clock)))
    assert sound and int(found["drafts"]) > len(probe.BRIEFS)


def test_drafts_caught_in_a_loop_fail_together(chosen: Params, transformer: Any) -> None:
    transformer[1]["text"] = "and so we went on " * 20
    sound, found = probe.quality(chosen, transformer[0], 0)
    assert not sound and found["drafts"] == found["looping"] == len(probe.BRIEFS)
    assert "repeat themselves" in str(found["reason"])


@pytest.mark.parametrize(
    ("looping", "of", "fails"),
    [(1, 4, False), (2, 4, True), (2, 39, True), (2, 40, False), (3, 40, True), (0, 4, False)],
)
def test_one_draft_in_circles_is_chance_and_more_than_one_in_twenty_is_not(looping: int, of: int, fails: bool) -> None:
    assert bool(probe.circles([0.6] * looping + [1.0] * (of - looping))) is fails


def test_a_model_in_circles_is_told_before_its_share_of_the_traffic_is_over(chosen: Params, transformer: Any) -> None:
    transformer[1]["text"] = "and so we went on " * 20
    clock = iter(range(0, 1000, 2))
    sound, found = probe.quality(chosen, transformer[0], 600, pause=0, now=lambda: float(next(clock)))
    assert not sound and found["drafts"] == len(probe.BRIEFS)
