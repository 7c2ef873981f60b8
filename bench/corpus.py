"""Synthetic collected documents, the same for the same count: posts, articles and notes with all that prepare works on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from twin import tables
from twin.records import Document, content_hash

_SOURCES = ("linkedin", "medium", "substack", "github", "files")
_ARTICLES = ("medium", "substack", "github")
_SUBJECTS = (
    "the queue|a migration|our index|the lighthouse|every deploy|the old pager|a small team|this cache|the ferry"
)
_VERBS = "breaks|waits for|outlives|explains|hides|replaces|measures|forgives|slows down|teaches"
_ENDS = "the plan|its owner|a quiet Friday|two engineers|the whole backlog|one honest graph|the morning tide|any budget"
_GERMAN = (
    "Die Warteschlange wartet auf niemanden|Ein kleiner Umbau dauert länger als gedacht|Am Ende zählt nur das Messen"
)
_FOOTER = "If you liked this, subscribe to the newsletter: https://letters.example/{n}"
_EMOJI = ("🚀", "🎉", "→", "✅", "…", "")


def documents(count: int) -> Iterator[Document]:
    """`count` documents: 8 % repeat an earlier one in another source, half of those edited; 5 % hold others' data."""
    for number in range(count):
        if number % 25 in (7, 19) and number > 50:
            yield _copy(number, edited=number % 2 == 0)
        else:
            yield _one(number)


def write(path: Path, count: int) -> Path:
    """Write them as the collect stage does, row group by row group."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tables.Writer(path) as writer:
        batch: list[Document] = []
        for document in documents(count):
            batch.append(document)
            if len(batch) == 1000:
                writer.write(tables.documents_frame(batch))
                batch = []
        writer.write(tables.documents_frame(batch))
    return path


def _one(number: int, source: str = "") -> Document:
    chance = random.Random(number)
    source = source or _SOURCES[number % len(_SOURCES)]
    article = source in _ARTICLES
    paragraphs = [_paragraph(chance, number) for _ in range(chance.randint(5, 12) if article else chance.randint(2, 4))]
    if article and chance.random() < 0.4:
        paragraphs.insert(2, "> " + _sentence(chance, number) + " " + _sentence(chance, number))
    if source == "github" or (article and chance.random() < 0.2):
        paragraphs.insert(1, f"```python\nvalue_{number} = {number}\nprint(value_{number})\n```")
    if chance.random() < 0.05:
        paragraphs.insert(1, f"Ask jo.{number}@partner-{number}.io or call +44 20 7946 {number % 10000:04d}.")
    if source == "substack":
        paragraphs.append(_FOOTER.format(n=number))
    return _document(number, source, "\n\n".join(paragraphs), "article" if article else "post")


def _copy(number: int, edited: bool) -> Document:
    original = _one(number - 23)
    text = original.text
    if edited:
        cut = text.split("\n\n")
        text = "\n\n".join(["New here:", *cut[:-1], cut[-1].replace("the ", "that ", 1)])
    return _document(number, "rss", text.replace("**", ""), original.register)


def _document(number: int, source: str, text: str, register: str) -> Document:
    at = datetime(2016, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    return Document(
        id=f"{source}:{number:07d}", author="bench", source=source, register=register,
        title=f"On {number}" if register == "article" else "", text=text, url=f"https://bench.example/{number}",
        published_at=at, fetched_at=datetime(2026, 1, 1, tzinfo=UTC), sha256=content_hash(text), consent=source,
    )  # fmt: skip


def _paragraph(chance: random.Random, number: int) -> str:
    if number % 50 == 3:
        return " ".join(f"{chance.choice(_GERMAN.split('|'))} {chance.randint(2, 99)}." for _ in range(3))
    return " ".join(_sentence(chance, number) for _ in range(chance.randint(2, 5))) + chance.choice(_EMOJI)


def _sentence(chance: random.Random, number: int) -> str:
    """Words of a small language with a made-up name now and then: no two documents share many runs of four words."""
    name = "".join(chance.choice("bdfgklmnprstv") + chance.choice("aeiou") for _ in range(3))
    parts = [chance.choice(choices.split("|")) for choices in (_SUBJECTS, _VERBS, _ENDS)]
    said = f"{parts[0]} {parts[1]} {parts[2]} at {name} {chance.choice(('so', 'and', 'because', 'while'))} "
    said += f"{chance.choice(_SUBJECTS.split('|'))} {chance.choice(_VERBS.split('|'))} **{name[::-1]}**, isn't it?"
    return said[0].upper() + said[1:]
