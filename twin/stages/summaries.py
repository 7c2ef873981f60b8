"""Briefs written by a model for texts that exist: by the configured endpoint, else by the base model; kept by hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from twin import hosts
from twin.errors import ServingError
from twin.files import read_json, write_json
from twin.params import Params
from twin.progress import Progress
from twin.prompts import summarise
from twin.records import Document
from twin.settings import Settings

_WORDS_READ = 220
_NEW_TOKENS = 64
_SLOTS = 4
_CONTEXT = 768


@dataclass(frozen=True, slots=True)
class Writer:
    """An OpenAI-compatible endpoint and the model that it should use; `name` goes into the cache's key."""

    url: str
    model: str
    key: str
    name: str


def written(documents: Sequence[Document], params: Params, settings: Settings, progress: Progress) -> dict[str, str]:
    """Document id → what a model says the text is about, for at most `params.dataset.summaries` texts.

    With `TWIN_WRITER_URL` set, every text is asked there. What was asked before is read from below `settings.home`.
    Raises ServingError, ModelError.
    """
    chosen = list(documents) if settings.writer_url else list(documents)[-params.dataset.summaries :]
    if not chosen or not (settings.writer_url or params.dataset.summaries):
        return {}
    cache = settings.home / "briefs" / f"{params.author.id}.json"
    known: dict[str, str] = read_json(cache) if cache.exists() else {}
    name = settings.writer_model or params.train.base_model
    keys = {d.id: _key(name, d.text) for d in chosen}
    missing = [d for d in chosen if keys[d.id] not in known]
    if missing:
        with (
            progress.step(f"summaries by {name}", len(missing)) as step,
            _writer(params, settings, name) as writer,
            ThreadPoolExecutor(_SLOTS) as pool,
        ):
            for document, text in zip(missing, pool.map(lambda d: _ask(writer, d.text), missing), strict=True):
                known[keys[document.id]] = text
                step.advance()
                if step.done % 20 == 0:
                    write_json(cache, known)
        write_json(cache, known)
    return {d.id: known[keys[d.id]] for d in chosen}


@contextmanager
def _writer(params: Params, settings: Settings, name: str) -> Iterator[Writer]:
    """The configured endpoint, or an engine of this stage's own with the base model."""
    import os

    from twin.basemodel import local_path
    from twin.serving.engine import start

    if settings.writer_url:
        yield Writer(settings.writer_url.rstrip("/"), settings.writer_model, settings.writer_key, name)
        return
    base = local_path(params.train.base_model, settings.home / "models")
    if base.gguf is None:
        raise ServingError("the base model has no GGUF to write with", base.name, "Set dataset.summaries to 0.")
    engine = start(base.gguf, {}, threads=len(os.sched_getaffinity(0)), slots=_SLOTS, context=_CONTEXT)
    try:
        yield Writer(f"{engine.url.rstrip('/')}/v1", "base", engine.key, name)
    finally:
        engine.close()


def _ask(writer: Writer, text: str) -> str:
    import httpx

    hosts.check("writer of briefs", writer.url)
    read = " ".join(text.split()[:_WORDS_READ])
    body = {"model": writer.model, "messages": summarise(read), "temperature": 0, "max_tokens": _NEW_TOKENS}
    headers = {"Authorization": f"Bearer {writer.key}"} if writer.key else {}
    try:
        reply = httpx.post(f"{writer.url}/chat/completions", json=body, headers=headers, timeout=300)
        reply.raise_for_status()
        return str(reply.json()["choices"][0]["message"]["content"] or "").strip()
    except (httpx.HTTPError, json.JSONDecodeError, KeyError, IndexError) as error:
        raise ServingError(
            "the model that writes briefs does not answer", f"{writer.url} ({type(error).__name__})",
            "Check TWIN_WRITER_URL, TWIN_WRITER_MODEL and TWIN_WRITER_KEY, or unset them.",
        ) from error  # fmt: skip


def _key(name: str, text: str) -> str:
    asked = json.dumps(summarise(text))
    return hashlib.sha256(f"{name}\0{_WORDS_READ}\0{asked}".encode("utf-8", "replace")).hexdigest()


def kept_under(names: Iterable[str], text: str) -> set[str]:
    """The keys under which what these models said of a text is kept, with and without its masked sentences."""
    from twin.text import masks

    return {_key(name, form) for name in names if name for form in (text, masks.without(text)[0])}
