"""What the chain asks an adapter is, letter by letter, what the adapter was trained on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from twin.generation import Delta
from twin.params import Serve
from twin.records import Chunk, Document, Example, Message, content_hash
from twin.training.briefs import Brief, Briefs
from twin.training.examples import Builder, Mix
from twin.writing import Chain, Commission, Given

FACTS = ("A fact about ferries & fog.", "Another one, on tickets.")
TEXT = (
    "04:12. The pager!\n\nThe nightly batch had eaten its own tail and nobody knew why the harbour lights went out.\n\n"
    "→ logs & luck\n→ one rusty crane\n\nI drove to the terminal in the rain and counted ferries until it was light. ⚓"
) * 2


def document(number: int) -> Document:
    return Document(
        id=f"files:{number}", author="hesk", source="files", register="post", title="A harbour at night", text=TEXT,
        url="", published_at=None, fetched_at=datetime(2025, 1, 1, tzinfo=UTC), sha256=content_hash(TEXT),
    )  # fmt: skip


def trained(facts: float = 0.0) -> tuple[dict[str, Example], Brief]:
    """One example of every kind, and the brief behind them."""
    mix = Mix(facts=facts, outline=1, rewrite=1, continuation=1)
    builder = Builder(name="Ines Hesk", max_tokens=512, mix=mix, facts_for=lambda _: FACTS, seed=1)
    examples = builder.build([document(1)], {"files:1": "train"})
    return {example.kind: example for example in examples}, Briefs().of(document(1))


@pytest.fixture
def send(memory: Any, encode: Any, make_chunk: Callable[..., Chunk]) -> Callable[..., Any]:
    """`messages = await send(brief=…)`: what the chain asks the author's adapter."""

    async def ask(facts: tuple[str, ...] = (), **more: Any) -> list[Message]:
        asked: list[list[Message]] = []

        class Predictor:
            async def stream(self, body: dict[str, Any]) -> AsyncGenerator[Delta]:
                """A line, whatever was asked."""
                asked.append(body["messages"])
                yield Delta("A line of text.")
                yield Delta("", "stop", 4)

        chunks = [make_chunk(f"fact-{n}", fact) for n, fact in enumerate(facts)]
        given = Given(facts=tuple(chunk.id for chunk in chunks), outline=more.pop("outline", None))
        chain = Chain(memory(chunks), encode, Predictor(), Serve(facts=0, exemplars=2))
        values = {"author": "hesk", "name": "Ines Hesk", "register": "post", "model": "hesk", "given": given, **more}
        await chain.compose(Commission(**values))
        return asked[0]

    return ask


async def test_every_kind_of_example_is_what_the_chain_sends(send: Callable[..., Any]) -> None:
    examples, brief = trained(facts=1.0)
    plain, _ = trained()
    title, *points = brief.outline.splitlines()
    opening = TEXT.removesuffix(examples["continuation"].completion)
    sent = {
        "brief": await send(brief=brief.text),
        "facts": await send(brief=brief.text, facts=FACTS),
        "outline": await send(brief=title, outline=tuple(points), facts=FACTS),
        "rewrite": await send(brief="b", action="voice", text=TEXT),
        "continuation": await send(brief="b", action="longer", text=opening),
    }
    assert {kind: example.messages for kind, example in examples.items()} == sent
    assert await send(brief=title, outline=tuple(points)) == plain["outline"].messages
    # Whoever adds a way of asking to the training adds the step that asks so.
    assert set(sent) == {"brief", *(field.name for field in fields(Mix))}


async def test_an_articles_sections_and_a_new_hook_ask_as_briefs_do(send: Callable[..., Any]) -> None:
    examples, brief = trained()
    assert await send(brief=brief.text, action="hook", text=TEXT) == examples["brief"].messages
    section = await send(brief="Harbours", register="article", outline=("The night shift", "The rusty crane"))
    assert section[1]["content"].endswith("About: Harbours, The night shift")


async def test_a_text_too_long_to_be_rewritten_is_asked_for_by_its_brief(send: Callable[..., Any]) -> None:
    asked = await send(brief="harbours", action="voice", text=TEXT * 10)
    assert asked[1]["content"].endswith("About: harbours")
    assert len((await send(brief="b", action="longer", text=TEXT * 50))[1]["content"]) < 400
