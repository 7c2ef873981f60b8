"""What platforms allow and show: lengths, titles, threads, and a text as each would print it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINK = re.compile(r"https?://\S+")
_BORDER = re.compile(r"(?<=[.!?…])[\"'”’)\]*_]*\s+|\n+")
THREAD_RULE = "\n\n---\n\n"
"""Between the posts of a thread kept as one text."""
_X_LINK = 23  # X counts every link as this long
_TITLE, _SUBTITLE = 100, 140


@dataclass(frozen=True, slots=True)
class Platform:
    """A place to publish: `limit` characters a post (0: none), `folded` is how much shows before “more”."""

    name: str
    label: str
    limit: int
    folded: int = 0


PLATFORMS = {
    "linkedin": Platform("linkedin", "LinkedIn", 3000, 210),
    "x": Platform("x", "X", 280),
    "medium": Platform("medium", "Medium", 0),
    "substack": Platform("substack", "Substack", 0),
}


def length(text: str, platform: str) -> int:
    """Characters as the platform counts them: X counts a link as 23 and wide signs as two, LinkedIn UTF-16 units."""
    if platform == "x":
        rest = _LINK.sub("", text)
        links = len(_LINK.findall(text)) * _X_LINK
        # X's own weighting: one for Latin, Greek, Cyrillic and general punctuation, two for everything else.
        return links + sum(
            1 if ord(c) <= 0x10FF or 0x2000 <= ord(c) <= 0x201F or 0x2032 <= ord(c) <= 0x2037 else 2 for c in rest
        )
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def thread(text: str, limit: int = 272) -> list[str]:
    """The text as posts of at most `limit` (X's 280 less a number below each): broken between paragraphs, then sentences, then words. No text is lost."""
    posts: list[str] = []
    for part in text.split(THREAD_RULE):
        post = ""
        for piece in _pieces(part, limit):
            if post and length((post + piece).strip(), "x") > limit:
                posts.append(post.strip())
                post = ""
            post += piece
        if post.strip():
            posts.append(post.strip())
    return posts


def _pieces(text: str, limit: int) -> list[str]:
    """Sentences with the blanks after them; one that is too long comes in words."""
    pieces, at = [], 0
    for end in [*(m.end() for m in _BORDER.finditer(text)), len(text)]:
        piece = text[at:end]
        at = end
        if length(piece.strip(), "x") <= limit:
            pieces.append(piece)
            continue
        for word in re.findall(r"\S+\s*", piece):
            pieces += [word] if length(word.strip(), "x") <= limit else re.findall(f".{{1,{limit // 2}}}", word, re.S)
    return [piece for piece in pieces if piece]


def title_of(text: str) -> tuple[str, str]:
    """The title (a first heading or line) and the body below it."""
    first, _, rest = text.strip().partition("\n")
    return first.lstrip("# ").strip(), rest.strip()


def problems(text: str, platform: str, register: str = "post") -> list[str]:
    """What the platform would refuse or cut, in plain words; empty when all is well."""
    place = PLATFORMS[platform]
    if platform == "x":
        count = len(thread(text, place.limit))
        return [] if register == "thread" or count <= 1 else [f"X allows 280 characters: this needs {count} posts"]
    if place.limit and (long := length(text, platform)) > place.limit:
        return [f"{place.label} allows {place.limit:,} characters: this is {long - place.limit:,} over"]
    if platform == "medium" and len(title := title_of(text)[0]) > _TITLE:
        return [f"Medium shows at most {_TITLE} characters of a title (subtitle {_SUBTITLE}): this has {len(title)}"]
    return []


def shown(text: str, platform: str) -> list[str]:
    """The text as the platform prints it, a string a post: X as a thread, LinkedIn without Markdown's marks."""
    if platform == "x":
        posts = thread(_plain(text))
        return [f"{post}\n{number}/{len(posts)}" if len(posts) > 1 else post
                for number, post in enumerate(posts, 1)]  # fmt: skip
    return (
        [_plain(text.replace(THREAD_RULE, "\n\n"))] if platform == "linkedin" else [text.replace(THREAD_RULE, "\n\n")]
    )


def _plain(text: str) -> str:
    """Markdown's marks taken off where a platform would print them as they are."""
    text = re.sub(r"^#{1,6}\s+", "", text, flags=re.M)
    text = re.sub(r"\*\*(.+?)\*\*|__(.+?)__", lambda m: m.group(1) or m.group(2), text)
    text = re.sub(r"(?<!\w)[*_](\S(?:[^*_\n]*\S)?)[*_](?!\w)", r"\1", text)
    text = re.sub(r"`([^`\n]+)`", r"\1", text)
    return re.sub(r"(?<!!)\[([^\]]+)\]\((https?://[^)\s]+)\)", r"\1 (\2)", text)
