"""Sentences and words of a draft: the units that citations and checks speak of."""

from __future__ import annotations

import re

# As in chunks: a stop with its closing quotes and a space, or a line's end: lines are the author's own borders.
_BORDER = re.compile(r"(?<=[.!?…])[\"'”’)\]*_]*\s+|\n+")
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_LETTER = re.compile(r"\w")
_COMMON = frozenset(
    """a about after all also am an and any are as at be because been before but by can could did do does for from get
    had has have he her him his how i if in into is it its just like me more most my no not now of on one only or our
    out over she so some than that the their them then there they this those to too up us was we were what when which
    who will with would you your""".split()  # noqa: SIM905  # 90 words, 90 quotes fewer
)


def sentences(text: str) -> list[str]:
    """The sentences in order, as written, without outer blanks; lines without a letter or digit are no sentences."""
    return [piece.strip() for piece in _BORDER.split(text) if _LETTER.search(piece)]


def pieces(text: str) -> list[tuple[str, str]]:
    """The sentences as `sentences` counts them, each with everything up to the next one; joined they are the text."""
    found: list[tuple[str, str]] = []
    at, before = 0, ""
    for end, following in [*(m.span() for m in _BORDER.finditer(text)), (len(text), len(text))]:
        piece, between = text[at:end], text[end:following]
        at = following
        if _LETTER.search(piece):
            found.append((before + piece, between))
            before = ""
        else:
            before += piece + between
    if before and found:
        found[-1] = (found[-1][0], found[-1][1] + before)
    return found


def words(text: str) -> list[str]:
    """Words in lower case, in order, with straight apostrophes."""
    return [word.lower().replace("’", "'") for word in _WORD.findall(text)]


def content_words(text: str) -> set[str]:
    """The words that carry the matter: no function words, no single letters; numbers count."""
    return {word for word in words(text) if word not in _COMMON and (len(word) > 1 or word.isdigit())}


def whole(text: str) -> str:
    """The text up to its last finished sentence, for one that was cut off; as it is when there is none."""
    ends = [match.end() for match in re.finditer(r"[.!?…][\"'”’)\]*_]*(?=\s|$)|\n", text)]
    kept = text[: ends[-1]].rstrip() if ends else text
    return kept if len(kept) >= len(text) // 2 else text.rstrip()
