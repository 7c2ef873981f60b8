"""Markdown as the sample author writes it, in blocks and as inline HTML: what both web formats share."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Literal

BlockKind = Literal["p", "heading", "pre", "quote", "divider"]

# Fenced code may hold blank lines, so it is cut out before paragraphs are.
_FENCE = re.compile(r"^```(\w*)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
_MARKS = ((re.compile(r"\*\*(.+?)\*\*"), "strong"), (re.compile(r"\*(.+?)\*"), "em"))
_LINK = re.compile(r"\[([^\]]+)\]\((https?://[^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """One block: `text` keeps its inner newlines; `language` is that of a code fence, or empty."""

    kind: BlockKind
    text: str
    language: str = ""


def blocks(markdown: str) -> list[Block]:
    """The blocks of a text in order: paragraphs, ### headings, ``` fences, > quotes and --- dividers."""
    found: list[Block] = []
    at = 0
    for fence in _FENCE.finditer(markdown):
        found += _paragraphs(markdown[at : fence.start()])
        found.append(Block("pre", fence[2], fence[1]))
        at = fence.end()
    return found + _paragraphs(markdown[at:])


def inline(text: str) -> str:
    """One block's text as HTML: escaped, with code, strong, em and links marked, <br> for inner newlines."""
    pieces = re.split(r"`([^`\n]+)`", text)
    marked = [f"<code>{html.escape(piece)}</code>" if i % 2 else _marks(piece) for i, piece in enumerate(pieces)]
    return "".join(marked).replace("\n", "<br>")


def count_words(found: list[Block]) -> int:
    """Words as a reader counts them: runs without a blank that hold a letter or a digit."""
    return sum(1 for block in found for word in block.text.split() if re.search(r"\w", word))


def _paragraphs(markdown: str) -> list[Block]:
    found: list[Block] = []
    for piece in re.split(r"\n{2,}", markdown.strip("\n")):
        if not piece.strip():
            continue
        if piece.strip() == "---":
            found.append(Block("divider", ""))
        elif piece.startswith("### "):
            found.append(Block("heading", piece.removeprefix("### ")))
        elif piece.startswith(">"):
            found.append(Block("quote", "\n".join(re.sub(r"^> ?", "", line) for line in piece.split("\n"))))
        else:
            found.append(Block("p", piece))
    return found


def _marks(text: str) -> str:
    marked = _LINK.sub(r'<a href="\2">\1</a>', html.escape(text, quote=False))
    for pattern, tag in _MARKS:
        marked = pattern.sub(rf"<{tag}>\1</{tag}>", marked)
    return marked
