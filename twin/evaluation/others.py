"""Other authors: the shipped fictional ones and those that params name, cut to the author's lengths and parted in two."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from twin import tables
from twin.errors import EvaluationError

FOLDER = Path(__file__).parent / "impostors"
_BORDER = re.compile(r"^=====\s*$", re.M)
_FRONT = re.compile(r"\A---\s*\n(?P<head>.*?)\n---\s*\n", re.S)
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|\n+")
_FEWEST = 4
_MOST = 40
_LEAST_WORDS = 8


@dataclass(frozen=True, slots=True)
class Others:
    """Author → texts: those a verifier may learn from, and those it is tested on. No author is in both."""

    learn: Mapping[str, tuple[str, ...]]
    test: Mapping[str, tuple[str, ...]]

    @property
    def authors(self) -> int:
        """How many other authors there are."""
        return len(self.learn) + len(self.test)

    def fingerprint(self) -> str:
        """SHA-256 over all texts that may be learned from."""
        text = json.dumps({name: list(texts) for name, texts in sorted(self.learn.items())})
        return hashlib.sha256(text.encode()).hexdigest()


def shipped(folder: Path = FOLDER) -> dict[str, list[str]]:
    """The fictional authors of this package: one Markdown file each, texts parted by a line of =====."""
    found = {}
    for path in sorted(folder.glob("*.md")):
        body = path.read_text(encoding="utf-8")
        head = _FRONT.match(body)
        if head is not None:
            found[path.stem] = _texts(_BORDER.split(body[head.end() :]))
    return found


def read(place: Path) -> dict[str, list[str]]:
    """Another author's texts from a folder (*.md, *.txt, posts.jsonl), a JSONL file or a documents.parquet.

    Raises EvaluationError when there is no text. A JSONL line or a row may name its `author`; else the place does.
    """
    paths = sorted(p for p in place.rglob("*") if p.is_file()) if place.is_dir() else [place]
    found: dict[str, list[str]] = {}
    for path in paths:
        for author, text in _of(path, place.stem):
            found.setdefault(author, []).append(text)
    found = {author: texts for author, kept in found.items() if (texts := _texts(kept))}
    if not found:
        raise EvaluationError(
            "evaluate.impostors names a place without texts",
            place,
            "Give a folder of texts, a JSONL or a Parquet file.",
        )
    return found


def _of(path: Path, name: str) -> Iterable[tuple[str, str]]:
    if path.suffix in (".md", ".txt"):
        yield name, _FRONT.sub("", path.read_text(encoding="utf-8", errors="replace"))
    elif path.suffix == ".jsonl":
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line) if line.strip() else {}
            yield str(row.get("author") or name), str(row.get("text") or "")
    elif path.suffix == ".parquet":
        frame = tables.read(path, "documents")
        yield from zip(frame["author"], frame["text"], strict=True)


def gather(own: Sequence[str], more: Sequence[Mapping[str, Sequence[str]]], seed: int, exclude: str = "") -> Others:
    """All other authors, matched: texts nearest to the author's topics first, cut to lengths drawn from the author's.

    Authors with fewer than four texts are left out, and `exclude`, the author's own id. The halves are drawn by seed;
    authors whom params name are spread over both.
    """
    rng = random.Random(seed)
    named = {name: list(texts) for part in more for name, texts in part.items() if name != exclude}
    ours = {name: texts for name, texts in shipped().items() if name not in named}
    halves: tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]] = ({}, {})
    lengths = [len(text.split()) for text in own] or [100]
    for group in (named, ours):
        order = sorted(name for name, texts in group.items() if len(texts) >= _FEWEST)
        rng.shuffle(order)
        for n, name in enumerate(order):
            texts = [cut(text, max(_LEAST_WORDS, rng.choice(lengths))) for text in _nearest(own, group[name])]
            halves[n % 2][name] = tuple(texts)
    return Others(*halves)


def cut(text: str, words: int) -> str:
    """The text's first sentences, up to about `words` words; at least one sentence, never a broken one."""
    kept, end = 0, 0
    for match in [*_SENTENCE.finditer(text), None]:
        stop = match.start() if match else len(text)
        more = len(text[end:stop].split())
        if kept and kept + more / 2 > words:
            break
        kept, end = kept + more, stop
    return text[:end].strip()


def _nearest(own: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Up to 40 texts, those nearest to the author's vocabulary of topics (TF-IDF) where there are more."""
    if len(texts) <= _MOST or not own:
        return list(texts)[:_MOST]
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    # An opening is enough to know a topic, and it is what is kept of a long text.
    heads = [text[:2000] for text in texts]
    table = TfidfVectorizer(stop_words="english", max_features=5000).fit_transform([*own, *heads])
    centre = np.asarray(table[: len(own)].mean(0)).ravel()
    scores = np.asarray(table[len(own) :] @ centre).ravel()
    return [texts[i] for i in np.argsort(-scores)[:_MOST]]


def _texts(parts: Iterable[str]) -> list[str]:
    return [text for part in parts if (text := part.strip("\n")).strip()]
