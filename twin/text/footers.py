"""Blocks that repeat at texts' ends (calls to subscribe, notes on syndication) and calls at their beginnings, counted and taken off."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable

from twin.text.clean import FENCED, URL, matching, words

_CALL = re.compile(
    r"\b(subscribe|newsletter|follow (?:me|us)|follow \w+(?: \w+)? for|originally published|first appeared|sign up|unsubscribe|repost|share this|"
    r"abonnier\w*|abonne[zr]\w*|suscr[ií]b\w*|inscrev\w*|iscriviti|zuerst erschienen|publié à l'origine|podcast|"
    r"folgt? mir|suivez[ -]\w+|sígu[ea]\w*|siga[ -]\w+|seguimi|volg (?:me|mij)|nieuwsbrief|nyhetsbrev|prenumerera\w*|subskryb\w*|"
    r"zapisz się|abone ol\w*|takip ed\w*|подпи(?:с|ш)\w*|рассылк\w*|اشترك\w*|النشرة)\b|"
    r"订阅|訂閱|关注我|關注我|公众号|購読|フォロー|メルマガ|ニュースレター|구독|팔로우|뉴스레터|♻",
    re.IGNORECASE,
)
# Notes on syndication name the day: `March 3, 2024`, `3. März 2024`, `2024-03-03`.
_DATE = re.compile(
    r"\b(?:[^\W\d_]{3,9}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}|\d{1,2}\.? (?:de )?[^\W\d_]{3,9} (?:de )?\d{4}|\d{4}-\d\d-\d\d)\b"
)
_EDGE_BLOCKS = 3
_HEAD_BLOCKS = 2
_MIN_REPEATS = 4
_MIN_SHARE = 0.04


class Tally:
    """Counts, text by text, the blocks at both ends that may repeat; holds 64-bit hashes and numbers, no text."""

    def __init__(self) -> None:
        self.texts = 0
        self._seen: Counter[int] = Counter()

    def add(self, text: str) -> None:
        """Count one text's last three blocks, and its last line: a link, a call to act, or twelve words and more.

        Of its first two blocks only calls count: how a text begins is its author's more often than not.
        """
        self.texts += 1
        blocks = _blocks(text)
        edge = blocks[1:][-_EDGE_BLOCKS:]
        if blocks and "\n" in blocks[-1]:
            edge.append(blocks[-1].rpartition("\n")[2])
        heads = [block for block in blocks[:-1][:_HEAD_BLOCKS] if _CALL.search(block)]
        self._seen.update({key(block) for block in [*edge, *heads] if _may_be_footer(block)})

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
    """The text without the footers at its end and the calls at its beginning, and the blocks taken off.

    What stands between other words stays.
    """
    if not keys:
        return text, []
    parts = re.split(r"(\n[ \t]*\n\s*)", text)
    taken: list[str] = []
    while True:
        above, _, last = parts[-1].rpartition("\n")
        if len(parts) > 2 and (key(parts[-1]) in keys or (taken and _is_rule(parts[-1]))):
            if not _is_rule(parts[-1]):
                taken.append(parts[-1])
            parts = parts[:-2]
        elif above.strip() and key(last) in keys:
            taken.append(last)
            parts[-1] = above
        else:
            break
    heads = 0
    while len(parts) > 2 and ((key(parts[0]) in keys and _CALL.search(parts[0])) or (heads and _is_rule(parts[0]))):
        if not _is_rule(parts[0]):
            taken.append(parts[0])
            heads += 1
        parts = parts[2:]
    return ("".join(parts), taken) if taken else (text, [])


def key(block: str) -> int:
    """What makes two blocks the same footer: addresses may differ, and the dates of calls; words may not. 64 bits."""
    said = URL.sub("<url>", matching(block))
    plain = (_DATE.sub("<date>", said) if _CALL.search(block) else said).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(plain, digest_size=8).digest(), "big")


def _blocks(text: str) -> list[str]:
    return [block for block in re.split(r"\n[ \t]*\n\s*", FENCED.sub("", text).strip()) if not _is_rule(block)]


def _may_be_footer(block: str) -> bool:
    many = words(URL.sub("word", block))
    if not many or all(part.startswith("#") for part in block.split()):
        return False
    return many >= 12 or bool(URL.search(block)) or bool(_CALL.search(block))


def _is_rule(block: str) -> bool:
    return re.fullmatch(r"\s*(?:[-*_=–—•]\s*){3,}\s*", block) is not None
