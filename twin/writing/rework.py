"""A finished text, reworked: shorter, longer, another hook, nearer to the author's voice, or in another register.

What a small model can't do to a text (shorten it without losing its sense) is done by choosing among the author's own
sentences; what needs new words goes through prompts that the adapter was trained on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from twin import prompts
from twin.errors import DataError, ServingError
from twin.records import Chunk, Message, content_hash
from twin.training.plain import plain
from twin.writing import plan
from twin.writing.prompt import estimate
from twin.writing.sentences import pieces, sentences, whole, words
from twin.writing.work import Retrieval, Work

if TYPE_CHECKING:
    from twin.store import Style

SHORTER = 0.6
_POST_WORDS = 120
_HOOK_TOKENS = 60
_TRIES = 3
# Longer texts are not rewritten in training either (`dataset.max_tokens`): for these the brief asks anew.
_REWRITTEN_TOKENS = 512
_Z_LIMIT = 5.0


class Writer(Protocol):
    """What a rework needs of the chain."""

    @property
    def store(self) -> Retrieval:
        """Where the author's style is kept."""
        ...

    def say(
        self, work: Work, messages: Sequence[Message], max_tokens: int | None = None, seed: int | None = None
    ) -> AsyncGenerator[str]:
        """Ask the model."""
        ...

    def prompt(self, work: Work, brief: str = "", facts: Sequence[Chunk] | None = None) -> list[Message]:
        """The messages of a draft."""
        ...

    def draft(self, work: Work) -> AsyncGenerator[str]:
        """A whole text."""
        ...


async def rework(writer: Writer, work: Work) -> AsyncGenerator[str]:
    """Yield the reworked text of `work.commission`. Raises ServingError when the model has nothing new to say."""
    asked, began = work.commission, time.monotonic()
    if asked.action in ("shorter", "thread", "post"):
        target = len(asked.text.split()) if asked.action == "thread" else _target(asked.action, asked.text)
        text = await asyncio.to_thread(shorter, asked.text, target, work)
        if asked.action == "post":
            text = "\n".join(line for line in text.splitlines() if not line.startswith("#")).strip()
        work.note(asked.action, asked.text, text, began)
        yield text
        return
    run = {"longer": _longer, "hook": _hook, "voice": _voice, "article": _article}[asked.action]
    async with contextlib.aclosing(run(writer, work)) as parts:
        async for piece in parts:
            yield piece


def _target(action: str, text: str) -> int:
    return _POST_WORDS if action == "post" else max(1, round(len(text.split()) * SHORTER))


def shorter(text: str, target: int, work: Work) -> str:
    """The text cut to about `target` words: its opening and the sentences that say most of what it says, in order."""
    parts = pieces(text)
    if len(text.split()) <= target or len(parts) < 2:
        return text
    vectors = work.encode([sentence.strip() for sentence, _ in parts])
    centre = vectors.mean(0)
    order = sorted(range(1, len(parts)), key=lambda i: -float(vectors[i] @ centre))
    kept, count = {0}, len(parts[0][0].split())
    for place in order:
        size = len(parts[place][0].split())
        if count + size <= target:
            kept.add(place)
            count += size
    joined = ""
    for place, (sentence, between) in enumerate(parts):
        if place in kept:
            joined += sentence + between
        elif "\n" in between and joined:
            joined = joined.rstrip(" ") if joined.endswith("\n") else joined.rstrip() + between
    return joined.strip()


async def _longer(writer: Writer, work: Work) -> AsyncGenerator[str]:
    """The text and its continuation, by the prompt that teaches continuing."""
    asked = work.commission
    opening = asked.text.rstrip()
    yield opening
    messages = prompts.continuation(name=asked.name, register=asked.spoken, opening=opening)
    joint = "\n\n"
    async with contextlib.aclosing(writer.say(work, messages)) as parts:
        async for piece in parts:
            yield joint + piece
            joint = ""


async def _hook(writer: Writer, work: Work) -> AsyncGenerator[str]:
    """A new first sentence before the rest of the text."""
    asked = work.commission
    parts = pieces(asked.text)
    if not parts:
        raise DataError("there is no sentence to put a hook before", None, "Write something first.")
    old = words(parts[0][0])
    for attempt in range(_TRIES):
        seed = None if asked.seed is None and attempt == 0 else (asked.seed or 0) + attempt
        said = "".join([piece async for piece in writer.say(work, writer.prompt(work), _HOOK_TOKENS, seed)])
        fresh = sentences(whole(said))
        if fresh and words(fresh[0]) != old:
            work.scores["cut_off"] = 0.0
            yield fresh[0] + parts[0][1] + "".join(sentence + between for sentence, between in parts[1:])
            return
    raise ServingError("the model found no other hook", asked.model, "Say more in the brief, or change the seed.")


async def _voice(writer: Writer, work: Work) -> AsyncGenerator[str]:
    """Of the text and three ways to write it again, the one that is nearest to the author's style in numbers."""
    asked = work.commission
    style = await asyncio.to_thread(writer.store.style, asked.author)
    if style is None:
        raise DataError("nothing is known of how this author writes", asked.author, "Run `twin features` first.")
    began = time.monotonic()
    first = asked.seed if asked.seed is not None else time.monotonic_ns() % 1_000_000
    messages, room = _again(writer, work)

    async def write(seed: int) -> str:
        own = replace(work, scores={}, steps=[])
        said = "".join([piece async for piece in writer.say(own, messages, room, seed)])
        work.scores["tokens"] = work.scores.get("tokens", 0.0) + own.scores["tokens"]
        return whole(said) if own.scores["cut_off"] else said.strip()

    fresh = await asyncio.gather(*(write(first + number) for number in range(_TRIES)))
    found = [asked.text, *fresh]
    gaps = [distance(text, style) for text in found]
    best = min(range(len(found)), key=gaps.__getitem__)
    told = [
        {"distance": round(gap, 3), "chosen": i == best, "text": t}
        for i, (t, gap) in enumerate(zip(found, gaps, strict=True))
    ]
    work.note("voice", asked.text, json.dumps(told, ensure_ascii=False), began)
    work.scores |= {"style_distance_before": round(gaps[0], 3), "style_distance": round(gaps[best], 3), "cut_off": 0.0}
    yield found[best]


def _again(writer: Writer, work: Work) -> tuple[list[Message], int]:
    """The messages that ask for the text once more, and the tokens there are for it."""
    asked = work.commission
    needed = estimate(asked.text)
    if needed > _REWRITTEN_TOKENS:
        return writer.prompt(work), asked.max_tokens
    # As in training: what is rewritten has had its form taken out.
    messages = prompts.rewrite(name=asked.name, register=asked.spoken, text=plain(asked.text), language=asked.language)
    return messages, max(asked.max_tokens, needed)


async def _article(writer: Writer, work: Work) -> AsyncGenerator[str]:
    """An article whose outline is the text's own sentences and whose first fact is the text."""
    asked = work.commission
    source = Chunk(
        id=f"text:{content_hash(asked.text)[:12]}", document_id="text", author=asked.author, register="post",
        source="paste", url="", title="The text that was reworked", ordinal=0, text=asked.text, start=0,
        end=len(asked.text), published_at=None, sha256=content_hash(asked.text),
    )  # fmt: skip
    longer = replace(work, commission=replace(asked, register="article"), facts=[source, *work.facts])
    longer.plan = await asyncio.to_thread(plan.outline, asked.brief, longer.facts, work.encode, 3)
    work.facts, work.plan = longer.facts, longer.plan
    async with contextlib.aclosing(writer.draft(longer)) as parts:
        async for piece in parts:
            yield piece


def distance(text: str, style: Style) -> float:
    """Mean |z| of the text's measures against the author's texts; 0 is the average of them, 1 is usual."""
    from twin.voice.stylometry import features

    found = features(text)
    gaps = [
        min(abs(found[name] - mean) / style.deviations[name], _Z_LIMIT)
        for name, mean in style.means.items()
        if name in found and style.deviations.get(name, 0.0) > 1e-9
    ]
    return sum(gaps) / len(gaps) if gaps else 0.0
