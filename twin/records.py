"""The records that pass between stages: Document, Chunk, Example, Draft and their parts."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, TypedDict, get_args

Source = Literal[
    "linkedin",
    "medium",
    "substack",
    "github",
    "rss",
    "blog",
    "x",
    "mastodon",
    "wordpress",
    "ghost",
    "files",
    "jsonl",
    "paste",
]
Register = Literal["post", "article", "note", "readme", "reply"]
Provenance = Literal["own", "quoted", "ai_assisted", "machine"]
Split = Literal["train", "validation", "test"]

SOURCES: tuple[str, ...] = get_args(Source)
REGISTERS: tuple[str, ...] = get_args(Register)
PROVENANCES: tuple[str, ...] = get_args(Provenance)
SPLITS: tuple[str, ...] = get_args(Split)


class Message(TypedDict):
    """One turn of a chat, as OpenAI's API and chat templates spell it."""

    role: str
    content: str


def content_hash(text: str) -> str:
    """SHA-256 of the text's UTF-8 bytes, hexadecimal (64 characters)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One text a person published, in Markdown, with line breaks, emoji, bullets and casing as they were.

    `id` is stable across ways of collecting the same text: ``<source>:<native id>``.
    `published_at` and `fetched_at` are aware datetimes (UTC); `published_at` is None when the source has none.
    `complete` is False for previews of paid texts and the like: never trained on.
    `consent` names the record in `sources.json` under which the text was collected.
    """

    id: str
    author: str
    source: str
    register: str
    title: str
    text: str
    url: str
    published_at: datetime | None
    fetched_at: datetime
    sha256: str
    provenance: str = "own"
    consent: str = ""
    complete: bool = True
    language: str = ""

    def as_row(self) -> dict[str, Any]:
        """The record as one row of a table."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a document; `start` and `end` are character offsets into the document's text."""

    id: str
    document_id: str
    author: str
    register: str
    source: str
    url: str
    title: str
    ordinal: int
    text: str
    start: int
    end: int
    published_at: datetime | None
    sha256: str

    def as_row(self) -> dict[str, Any]:
        """The record as one row of a table."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A training example: `messages` ask, `completion` is the author's own text, never a model's.

    `ends` is False where the text goes on after the completion: the model must not learn to stop there.
    """

    id: str
    document_id: str
    register: str
    kind: str
    split: str
    messages: list[Message]
    completion: str
    ends: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """Where a sentence of a draft comes from: `sentence` is its index in the draft, from 0.

    `author` is who wrote a linked page, as it says, empty for the person's own texts; `date` is YYYY, YYYY-MM or
    YYYY-MM-DD, empty where none is known.
    """

    sentence: int
    chunk_id: str
    document_id: str
    title: str
    url: str
    score: float
    quote: str
    author: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the prompt chain as it ran: what went in and what came out, in how many seconds."""

    name: str
    input: str
    output: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the twin wrote, with everything that explains it."""

    id: str
    author: str
    register: str
    brief: str
    text: str
    citations: list[Citation] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    adapter: str = "base"
    scores: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The record as JSON-ready nested dicts."""
        return asdict(self)
