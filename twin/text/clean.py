"""Own words counted and compared, mojibake mended; style is never touched."""

from __future__ import annotations

import math
import re
import unicodedata

FENCED = re.compile(
    r"^ {0,3}(`{3,}|~{3,})[^\n]*(?:\n.*?)??(?:\n {0,3}\1[`~]*[ \t]*(?=\n|\Z)|\Z)", re.DOTALL | re.MULTILINE
)
_QUOTED = re.compile(r"^ {0,3}>[^\n]*(?:\n|\Z)", re.MULTILINE)
_UNSEEN = re.compile(r"<!--.*?-->|!\[[^\]\n]*\]\([^)\n]*\)", re.DOTALL)
LINK = re.compile(r"\[([^\]\n]*)\]\([^)\n]*\)")
URL = re.compile(r"(?:https?://|www\.)\S+")
WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
# ftfy's test for a wrong encoding is slow, and all it looks for holds one of these.
_PERHAPS_BAD = re.compile(r"[^\x00-\x7f]{2}|[\x80-\x9fŒœÃÂ]")


def own_text(text: str) -> str:
    """The text without fenced code, block quotes, images and comments: what the author said in their own voice."""
    return _QUOTED.sub("", FENCED.sub("", _UNSEEN.sub("", text)))


def own_words(text: str) -> int:
    """How many words of `own_text` there are, as `words` counts them."""
    return words(own_text(text))


def words(text: str) -> int:
    """How many words there are; link targets do not count, two Han or Kana characters make one word."""
    seen = URL.sub(" ", LINK.sub(r"\1", text))
    unspaced = len(UNSPACED.findall(seen))
    spaced = UNSPACED.sub(" ", seen) if unspaced else seen
    return len(WORD.findall(spaced)) + math.ceil(unspaced / 2)


def matching(text: str) -> str:
    """The text as it is compared, never as it is kept: NFKC, case folded, white space made single."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def mend_mojibake(text: str) -> tuple[str, int]:
    """Repair lines that were decoded with the wrong encoding (ftfy, encodings only); also how many lines changed."""
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    if not _PERHAPS_BAD.search(text):
        return text, 0
    lines, changed, fenced = text.split("\n"), 0, False
    for index, line in enumerate(lines):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        # Code may hold broken text on purpose.
        if fenced or not _PERHAPS_BAD.search(line) or not is_bad(line):
            continue
        mended = fix_encoding(line)
        if mended != line and "\n" not in mended:
            lines[index], changed = mended, changed + 1
    return "\n".join(lines), changed
