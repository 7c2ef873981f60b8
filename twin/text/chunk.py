"""A document cut into overlapping pieces at the borders its author drew: headings, paragraphs, then sentences.

Borders depend on nearby text alone, so an edit at the top of an article moves only the pieces around it: the rest keep
their text, their ids and their embeddings.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter

from twin.records import Chunk, Document, content_hash

_FENCE = re.compile(
    r"^ {0,3}(`{3,}|~{3,})[^\n]*\n(?:.*?\n)?? {0,3}\1[`~]*[ \t]*$|^ {0,3}(`{3,}|~{3,}).*\Z", re.M | re.S
)
_BLANK = re.compile(r"\n[ \t]*\n\s*")
_HEADING = re.compile(r" {0,3}#{1,6} ")
# A sentence ends at a stop with its closing quotes and a space, or at a line's end: lines are the author's own borders.
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)\]*_]*\s+|\n")
_WORD = re.compile(r"\S+")

Span = tuple[int, int]


def chunks(document: Document, words: int, overlap: int) -> list[Chunk]:
    """Cut a document into chunks of about `words` words (at most 1.5 times as many), in order.

    Each begins with up to `overlap` words of whole sentences from the one before. `document.text[start:end]` is the
    chunk's text exactly. Fenced code stays whole, unless a fence alone is longer than 1.5 × `words`: then it is cut
    between its lines. Ids hold document and content, not position. Raises ValueError when overlap >= words.
    """
    if not 0 <= overlap < words:
        raise ValueError(f"overlap_words must be at least 0 and below chunk_words ({words}): {overlap}")
    text = document.text
    pieces = [_with_overlap(text, group, before, overlap) for before, group in _packed(text, words)]
    seen: Counter[str] = Counter()
    return [_chunk(document, span, ordinal, seen) for ordinal, span in enumerate(pieces)]


def _chunk(document: Document, span: Span, ordinal: int, seen: Counter[str]) -> Chunk:
    text = document.text[slice(*span)]
    sha = content_hash(text)
    seen[sha] += 1
    again = f"-{seen[sha]}" if seen[sha] > 1 else ""
    return Chunk(
        id=f"{document.id}#{sha[:16]}{again}", document_id=document.id, author=document.author,
        register=document.register, source=document.source, url=document.url, title=document.title, ordinal=ordinal,
        text=text, start=span[0], end=span[1], published_at=document.published_at, sha256=sha,
    )  # fmt: skip


def _packed(text: str, words: int) -> list[tuple[list[Span], list[Span]]]:
    """Groups of unit spans, each with the group before it."""
    groups: list[list[Span]] = []
    size = 0
    for span, opens, closes in _units(text, words):
        count = _count(text, span)
        if not groups or (size and (size + count > words or (opens and size * 3 >= words))) or size >= words:
            groups.append([])
            size = 0
        groups[-1].append(span)
        size += count
        if closes and size * 2 >= words:
            size = words  # the next unit opens a new group
    groups = _join_short_tail(text, groups, words)
    return list(zip([[], *groups], groups, strict=False))


def _join_short_tail(text: str, groups: list[list[Span]], words: int) -> list[list[Span]]:
    if len(groups) < 2:
        return groups
    last = sum(_count(text, span) for span in groups[-1])
    before = sum(_count(text, span) for span in groups[-2])
    if last * 4 < words and (last + before) * 2 <= words * 3:
        return [*groups[:-2], groups[-2] + groups[-1]]
    return groups


def _with_overlap(text: str, group: list[Span], before: list[Span], overlap: int) -> Span:
    start, end = group[0][0], group[-1][1]
    room = overlap
    sentences = [part for span in before for part in _sentences(text, span)] if overlap else []
    for sentence in reversed(sentences):
        room -= _count(text, sentence)
        if room < 0:
            break
        start = sentence[0]
    return start, end


def _units(text: str, words: int) -> list[tuple[Span, bool, bool]]:
    """Paragraphs, or their sentences where they are long: (span, opens a section, may close a chunk)."""
    units: list[tuple[Span, bool, bool]] = []
    for block, fenced in _blocks(text):
        opens = not fenced and bool(_HEADING.match(text, block[0]))
        parts = [block] if _count(text, block) <= (words * 3 // 2 if fenced else words) else []
        parts = parts or _cut(text, block, words, fenced)
        # A digest of the paragraph, not its position, says where a chunk may close early: edits above don't move it.
        mark = hashlib.sha256(text[slice(*block)].encode("utf-8", "surrogatepass")).digest()[0] % 2 == 0
        units += [(part, opens and i == 0, mark and not opens and i == len(parts) - 1) for i, part in enumerate(parts)]
    return units


def _blocks(text: str) -> list[tuple[Span, bool]]:
    """Paragraphs and fences with the white space around them left out."""
    blocks: list[tuple[Span, bool]] = []
    at = 0
    for fence in _FENCE.finditer(text):
        blocks += [(span, False) for span in _split(text, (at, fence.start()), _BLANK)]
        blocks.append((fence.span(), True))
        at = fence.end()
    return blocks + [(span, False) for span in _split(text, (at, len(text)), _BLANK)]


def _cut(text: str, block: Span, words: int, fenced: bool) -> list[Span]:
    """A block too long for a chunk: between lines (code) or sentences, and inside one only where it is too long too."""
    parts = _split(text, block, re.compile(r"\n")) if fenced else _sentences(text, block)
    return [piece for part in parts for piece in _at_words(text, part, words)]


def _sentences(text: str, span: Span) -> list[Span]:
    return _split(text, span, _SENTENCE)


def _at_words(text: str, span: Span, words: int) -> list[Span]:
    found = [match.span() for match in _WORD.finditer(text, *span)]
    if len(found) <= words:
        return [span]
    return [(group[0][0], group[-1][1]) for i in range(0, len(found), words) if (group := found[i : i + words])]


def _split(text: str, span: Span, border: re.Pattern[str]) -> list[Span]:
    """The parts of a span between borders, each without white space at its ends; empty ones are left out."""
    parts: list[Span] = []
    at = span[0]
    for match in border.finditer(text, *span):
        parts.append((at, match.end()))
        at = match.end()
    parts.append((at, span[1]))
    return [kept for part in parts if (kept := _stripped(text, part))]


def _stripped(text: str, span: Span) -> Span | None:
    piece = text[slice(*span)]
    if not (core := piece.strip()):
        return None
    start = span[0] + len(piece) - len(piece.lstrip())
    return start, start + len(core)


def _count(text: str, span: Span) -> int:
    return sum(1 for _ in _WORD.finditer(text, *span))
