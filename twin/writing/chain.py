"""The prompt chain: facts and plan to a draft in the voice, the draft edited, cited and checked, every step kept."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from twin import prompts
from twin.errors import DataError, ServingError
from twin.generation import Delta, payload
from twin.params import Serve
from twin.records import Chunk, Draft, Message, Step
from twin.text.platforms import THREAD_RULE, thread
from twin.writing import checks, cite, edit, gather, plan, rework
from twin.writing.ideas import as_json, ideas
from twin.writing.sentences import sentences, whole
from twin.writing.work import SEARCH, THREAD, Commission, Generation, Retrieval, Work

if TYPE_CHECKING:
    from twin.writing.work import Encode

_COPY_SEARCHES = 6
_COPY_DEPTH = 4
_THEMES = 40
_SECTION_TOKENS = 80  # an article with less room than two such sections is written in one piece


@dataclass(frozen=True, slots=True)
class Chain:
    """The parts a draft is made with; one for all requests. `serve` holds the limits."""

    store: Retrieval
    encode: Encode
    predictor: Generation
    serve: Serve

    async def compose(self, commission: Commission) -> Draft:
        """Write one draft. Raises StoreError, ServingError, DataError or ModelError."""
        async for piece in self.write(commission):
            if isinstance(piece, Draft):
                return piece
        raise AssertionError("write ends with a draft")

    async def write(self, commission: Commission) -> AsyncGenerator[str | Step | Draft]:
        """Yield each step before the draft, the text as it is written, then the Draft. Closing the iterator stops the predictor.

        The Draft's text ends with its last whole sentence when `max_tokens` cut it off (`scores.cut_off` is 1).
        """
        work = Work(commission, self.encode)
        if commission.action == "ideas":
            yield await asyncio.to_thread(self._ideas, work)
            return
        await asyncio.to_thread(gather.gather, work, self.store, self.serve)
        for step in list(work.steps):
            yield step
        text = ""
        async with contextlib.aclosing(self._text(work)) as pieces:
            async for piece in pieces:
                text += piece
                yield piece
        yield await asyncio.to_thread(self._finish, work, text)

    async def say(
        self, work: Work, messages: Sequence[Message], max_tokens: int | None = None, seed: int | None = None
    ) -> AsyncGenerator[str]:
        """Ask the model and yield its text; `work.scores` learns of tokens, the first one's time and a cut-off."""
        asked = work.commission
        body = payload(
            messages, asked.model, max_tokens=max_tokens or asked.max_tokens, temperature=asked.temperature,
            seed=asked.seed if seed is None else seed, stop=prompts.STOP,
        )  # fmt: skip
        began, text, held, last = time.monotonic(), "", "", Delta("")
        async with contextlib.aclosing(self.predictor.stream(body)) as deltas:
            async for last in deltas:
                held += last.text
                if not text:
                    held = prompts.opened(held)
                if held and not (not text and any(tag.startswith(held) for tag in prompts.OPENINGS)):
                    work.scores.setdefault("first_token_seconds", round(time.monotonic() - began, 3))
                    text, piece, held = text + held, held, ""
                    yield piece
        if not text:
            raise ServingError("the model wrote nothing", asked.model, "Ask again with other words or another seed.")
        work.note("draft", _shown(messages), text, began)
        work.scores["tokens"] = work.scores.get("tokens", 0.0) + float(last.tokens)
        work.scores["cut_off"] = float(last.finish_reason == "length")

    def prompt(self, work: Work, brief: str = "", facts: Sequence[Chunk] | None = None) -> list[Message]:
        """The messages that ask for the commission's text, or for a part of it."""
        asked = work.commission
        material = {
            "facts": [chunk.text for chunk in (work.facts if facts is None else facts)],
            "exemplars": [chunk.text for chunk in work.exemplars],
        }
        if not brief and asked.given.outline is not None and work.plan.points:
            lines = prompts.outline_lines(asked.brief, [point.text for point in work.plan.points])
            return prompts.outline(
                name=asked.name, register=asked.spoken, outline=lines, language=asked.language, **material
            )
        return prompts.draft(
            name=asked.name, register=asked.spoken, brief=brief or asked.brief, language=asked.language, **material
        )

    def _text(self, work: Work) -> AsyncGenerator[str]:
        asked = work.commission
        if asked.given.draft is not None:
            return _given(work, asked.given.draft)
        if asked.action != "draft":
            return rework.rework(self, work)
        return self.draft(work)

    async def draft(self, work: Work) -> AsyncGenerator[str]:
        """The commission's text: in one piece, or an article's sections one after the other."""
        asked = work.commission
        sections = min(len(work.plan.points), asked.max_tokens // _SECTION_TOKENS)
        if asked.register != "article" or sections < 2:
            async with contextlib.aclosing(self.say(work, self.prompt(work))) as pieces:
                async for piece in pieces:
                    yield piece
            return
        written = []
        for number, point in enumerate(work.plan.points[:sections]):
            title = await asyncio.to_thread(plan.heading, point.text)
            facts = [work.facts[point.fact]] if point.fact >= 0 else []
            messages = self.prompt(work, prompts.brief_with_points(asked.brief, [title]), facts)
            yield ("\n\n## " if number else "## ") + title + "\n\n"
            said = ""
            async for piece in self.say(work, messages, asked.max_tokens // sections):
                said += piece
            # A section is shown whole: its last, cut-off sentence must not stand before the next heading.
            said = whole(said) if work.scores["cut_off"] else said.strip()
            written.append(f"{title} ({len(said.split())} words)")
            yield said
        work.scores["cut_off"] = 0.0
        work.note("assembly", asked.register, "\n".join(written), time.monotonic())

    def _finish(self, work: Work, text: str) -> Draft:
        asked, began = work.commission, time.monotonic()
        text = whole(text) if work.scores.get("cut_off") else text.rstrip()
        if asked.given.draft is None:
            system = prompts.system(asked.name, asked.spoken)["content"]
            before, (text, cuts) = text, edit.edited(text, [system])
            work.note("edit", before, json.dumps([cut.as_dict() for cut in cuts], ensure_ascii=False), began)
        if asked.register == THREAD or asked.action == THREAD:
            began, posts = time.monotonic(), thread(text)
            text = THREAD_RULE.join(posts)
            work.note("assembly", THREAD, f"{len(posts)} posts of at most 280 characters", began)
        began = time.monotonic()
        said = sentences(text)
        citations = cite.cite(said, [*work.facts], work.encode, work.pages)
        work.note("cite", text, json.dumps([asdict(c) for c in citations], ensure_ascii=False), began)
        flags = self._check(work, said, text)
        work.scores |= {
            "cited_share": round(len(citations) / len(said), 3) if said else 0.0,
            "unsupported": float(sum(flag.kind in ("number", "name", "event") for flag in flags)),
            "longest_copy": float(max((len(f.text.split()) for f in flags if f.kind == "copy"), default=0)),
        }
        return self._draft(work, text, citations)

    def _check(self, work: Work, said: Sequence[str], text: str) -> list[checks.Flag]:
        asked, began = work.commission, time.monotonic()
        told = [asked.brief, asked.name, *(chunk.text for chunk in work.facts), *(page.text for page in work.pages)]
        told += [point.text for point in work.plan.points] + ([asked.text] if asked.text else [])
        flags = checks.unsupported(said, told) + checks.events(said, told)
        flags += checks.copies(said, [*work.facts, *work.exemplars, *self._alike(work, said)])
        work.note("check", text, json.dumps([asdict(flag) for flag in flags], ensure_ascii=False), began)
        return flags

    def _ideas(self, work: Work) -> Draft:
        asked = work.commission
        gather.read(work)
        began = time.monotonic()
        old = self.store.openings(asked.author, _THEMES)
        if asked.brief.strip():
            near = self.store.search(asked.author, work.encode([asked.brief])[0], asked.brief, _THEMES // 2)
            old = [hit.chunk for hit in near] + old
        found = ideas(asked.brief, old[:_THEMES], work.linked, work.encode)
        if not found:
            raise DataError("there is nothing to build ideas on", asked.author, "Collect texts or give a link.")
        work.note("ideas", asked.brief, json.dumps(as_json(found), ensure_ascii=False), began)
        return self._draft(work, "\n".join(f"{n}. {idea.idea}" for n, idea in enumerate(found, 1)), [])

    def _draft(self, work: Work, text: str, citations: list[Any]) -> Draft:
        asked = work.commission
        label = f"{asked.model.partition('@')[0]}@{asked.version}" if asked.version else asked.model
        return Draft(
            id=uuid.uuid4().hex, author=asked.author, register=asked.register, brief=asked.brief, text=text,
            citations=citations, steps=work.steps, adapter=label, scores=work.scores,
        )  # fmt: skip

    def _alike(self, work: Work, draft: Sequence[str]) -> list[Chunk]:
        """Old chunks near the draft's longest sentences: a trained adapter may know texts that nobody retrieved."""
        longest = sorted(draft, key=len, reverse=True)[:_COPY_SEARCHES]
        if not longest:
            return []
        author = work.commission.author
        vectors = work.encode(longest)
        with work.clock(SEARCH):
            hits = [h for v in vectors for h in self.store.search(author, v, "", _COPY_DEPTH)]
        return list({hit.chunk.id: hit.chunk for hit in hits}.values())


async def _given(work: Work, text: str) -> AsyncGenerator[str]:
    work.note("draft", "by hand", text, time.monotonic())
    yield text


def _shown(messages: Sequence[Message]) -> str:
    return "\n\n".join(f"[{message['role']}]\n{message['content']}" for message in messages)
