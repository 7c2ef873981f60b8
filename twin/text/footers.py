"""Blocks that repeat at the ends of texts (calls to subscribe, notes on syndication), found by counting and taken off."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable

from twin.text.clean import FENCED, URL, WORD, matching

_CALL = re.compile(
    r"\b(subscribe|newsletter|follow me|originally published|first appeared|sign up|unsubscribe|repost|share this|"
    r"abonnier\w*|abonne[zr]\w*|suscr[ií]b\w*|inscrev\w*|iscriviti|zuerst erschienen|publié à l'origine|podcast)\b|♻",
    re.IGNORECASE,
)
_EDGE_BLOCKS = 3
_MIN_REPEATS = 4
_MIN_SHARE = 0.04


class Tally:
    """Counts, text by text, the blocks at ends that may be footers; holds 64-bit hashes and numbers, no text."""

    def __init__(self) -> None:
        self.texts = 0
        self._seen: Counter[int] = Counter()

    def add(self, text: str) -> None:
        """Count one text's last three blocks: those that are a link, a call to act, or twelve words and more."""
        self.texts += 1
        edge = _blocks(text)[1:][-_EDGE_BLOCKS:]
        self._seen.update({key(block) for block in edge if _may_be_footer(block)})

    def repeated(self) -> frozenset[int]:
        """Keys of the blocks that stand in at least four texts and 4 % of them: a rarer one is a habit, and stays."""
        needed = max(_MIN_REPEATS, math.ceil(_MIN_SHARE * self.texts))
        return frozenset(key for key, count in self._seen.items() if count >= needed)


def found_in(texts: Iterable[str]) -> frozenset[int]:
    """The footers of these texts of one source, as `key`s."""
    tally = Tally()
    for text in texts:
        tally.add(text)
    return tally.repeated()


def without(text: str, keys: frozenset[int]) -> tuple[str, list[str]]:
    """The text without the footers at its end, and the blocks taken off. What stands before other words stays."""
    if not keys:
        return text, []
    parts = re.split(r"(\n[ \t]*\n\s*)", text)
    taken: list[str] = []
    while len(parts) > 2 and (key(parts[-1]) in keys or (taken and _is_rule(parts[-1]))):
        if not _is_rule(parts[-1]):
            taken.append(parts[-1])
        parts = parts[:-2]
    return ("".join(parts), taken) if taken else (text, [])


def key(block: str) -> int:
    """What makes two blocks the same footer: addresses may differ, words and numbers may not. 64 bits."""
    plain = URL.sub("<url>", matching(block)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(plain, digest_size=8).digest(), "big")


def _blocks(text: str) -> list[str]:
    return [block for block in re.split(r"\n[ \t]*\n\s*", FENCED.sub("", text).strip()) if not _is_rule(block)]


def _may_be_footer(block: str) -> bool:
    words = WORD.findall(block)
    if not words or all(part.startswith("#") for part in block.split()):
        return False
    return len(words) >= 12 or bool(URL.search(block)) or bool(_CALL.search(block))


def _is_rule(block: str) -> bool:
    return re.fullmatch(r"\s*(?:[-*_=–—•]\s*){3,}\s*", block) is not None
