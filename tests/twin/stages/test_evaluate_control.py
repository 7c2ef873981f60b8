"""The control adapter's examples: other people's texts under the author's prompts, within the budget, found again.

Its training runs in tests/pipelines, where a whole pipeline has warmed the caches.
"""

from __future__ import annotations

from pathlib import Path

from twin.basemodel import BasePaths
from twin.files import write_text
from twin.params import loads
from twin.progress import Progress
from twin.settings import Settings
from twin.stages import evaluate_control
from twin.stages.evaluate_control import wrong_author

TEXTS = {f"p{i}": [f"no boat came on day {n}, and person {i} waited at the wall." for n in range(6)] for i in range(4)}
PARAMS = loads("author: {id: wren, name: Wren}\nevaluate: {wrong_author_tokens: 900}\n")


def test_each_author_has_a_say_within_the_budget() -> None:
    rows = evaluate_control._examples(TEXTS, "post", PARAMS, 900)
    assert 16 <= len(rows) < 24 and len({row["id"] for row in rows}) == len(rows)
    assert {row["document_id"].split("-")[0] for row in rows} == {f"files:p{i}" for i in range(4)}
    assert {row["split"] for row in rows} == {"train", "validation"}
    assert all("You are Wren" in row["messages"] and "waited at" not in row["messages"] for row in rows)


def test_what_was_trained_before_is_taken_and_too_little_text_trains_nothing(settings: Settings) -> None:
    base = BasePaths("tiny", Path("nowhere"), None)
    progress = Progress("evaluate", settings.progress)
    key = evaluate_control._key(evaluate_control._examples(TEXTS, "post", PARAMS, 900), base, PARAMS)
    made = settings.home / "controls" / key
    write_text(made / "adapter.gguf", "there")
    assert wrong_author(TEXTS, "post", base, PARAMS, settings, progress) == made
    assert wrong_author({"p": ["short"]}, "post", base, PARAMS, settings, progress) is None
    none = PARAMS.model_copy(update={"evaluate": PARAMS.evaluate.model_copy(update={"wrong_author_tokens": 0})})
    assert wrong_author(TEXTS, "post", base, none, settings, progress) is None
