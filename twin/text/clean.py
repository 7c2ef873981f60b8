"""Own words told from quotes and code, mojibake mended, repeated footers found; style is never touched."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

_FENCED = re.compile(
    r"^ {0,3}(`{3,}|~{3,})[^\n]*(?:\n.*?)??(?:\n {0,3}\1[`~]*[ \t]*(?=\n|\Z)|\Z)", re.DOTALL | re.MULTILINE
)
_QUOTED = re.compile(r"^ {0,3}>[^\n]*(?:\n|\Z)", re.MULTILINE)
_UNSEEN = re.compile(r"<!--.*?-->|!\[[^\]\n]*\]\([^)\n]*\)", re.DOTALL)
_LINK = re.compile(r"\[([^\]\n]*)\]\([^)\n]*\)")
_URL = re.compile(r"(?:https?://|www\.)\S+")
_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_CALL = re.compile(
    r"\b(subscribe|newsletter|follow me|originally published|first appeared|sign up|unsubscribe|repost|share this|"
    r"abonnier\w*|abonne[zr]\w*|suscr[ií]b\w*|inscrev\w*|iscriviti|zuerst erschienen|publié à l'origine|podcast)\b|♻",
    re.IGNORECASE,
)
_EDGE_BLOCKS = 3


def own_text(text: str) -> str:
    """The text without fenced code, block quotes, images and comments: what the author said in their own voice."""
    return _QUOTED.sub("", _FENCED.sub("", _UNSEEN.sub("", text)))


def own_words(text: str) -> int:
    """How many words of `own_text` there are; link targets do not count, two Han or Kana characters make one word."""
    seen = _URL.sub(" ", _LINK.sub(r"\1", own_text(text)))
    unspaced = len(_UNSPACED.findall(seen))
    spaced = _UNSPACED.sub(" ", seen) if unspaced else seen
    return len(_WORD.findall(spaced)) + math.ceil(unspaced / 2)


def matching(text: str) -> str:
    """The text as it is compared, never as it is kept: NFKC, case folded, white space made single."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def mend_mojibake(text: str) -> tuple[str, int]:
    """Repair lines that were decoded with the wrong encoding (ftfy, encodings only); also how many lines changed."""
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    if text.isascii():
        return text, 0
    lines, changed, fenced = text.split("\n"), 0, False
    for index, line in enumerate(lines):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        # Code may hold broken text on purpose.
        if fenced or line.isascii() or not is_bad(line):
            continue
        mended = fix_encoding(line)
        if mended != line and "\n" not in mended:
            lines[index], changed = mended, changed + 1
    return "\n".join(lines), changed


def footers(texts: Mapping[str, str], min_repeats: int = 4, min_share: float = 0.04) -> dict[str, int]:
    """Blocks at the ends of texts that repeat across them, as `footer_key` to the number of texts.

    `texts` maps ids to Markdown of one source. A block counts when it is among the last three in at least `min_repeats`
    texts and `min_share` of them, and is a link, a call to act, or twelve words and more: a short sign-off is the
    author's habit, and stays.
    """
    seen: Counter[str] = Counter()
    for text in texts.values():
        edge = _blocks(text)[1:][-_EDGE_BLOCKS:]
        seen.update({footer_key(block) for block in edge if _may_be_footer(block)})
    needed = max(min_repeats, math.ceil(min_share * len(texts)))
    return {key: count for key, count in seen.items() if count >= needed}


def without_footers(text: str, keys: Mapping[str, int]) -> tuple[str, list[str]]:
    """The text without the footers at its end, and the blocks taken off. What stands before other words stays."""
    parts = re.split(r"(\n[ \t]*\n\s*)", text)
    taken: list[str] = []
    while len(parts) > 2 and (footer_key(parts[-1]) in keys or (taken and _is_rule(parts[-1]))):
        if not _is_rule(parts[-1]):
            taken.append(parts[-1])
        parts = parts[:-2]
    return ("".join(parts), taken) if taken else (text, [])


def footer_key(block: str) -> str:
    """What makes two blocks the same footer: addresses may differ, words and numbers may not."""
    return _URL.sub("<url>", matching(block))


def _blocks(text: str) -> list[str]:
    return [block for block in re.split(r"\n[ \t]*\n\s*", _FENCED.sub("", text).strip()) if not _is_rule(block)]


def _may_be_footer(block: str) -> bool:
    words = _WORD.findall(block)
    if not words or all(part.startswith("#") for part in block.split()):
        return False
    return len(words) >= 12 or bool(_URL.search(block)) or bool(_CALL.search(block))


def _is_rule(block: str) -> bool:
    return re.fullmatch(r"\s*(?:[-*_=–—•]\s*){3,}\s*", block) is not None
