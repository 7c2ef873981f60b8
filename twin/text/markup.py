"""HTML to the Markdown an author would have typed: words, line breaks, lists, code and quotes; no images, no chrome."""

from __future__ import annotations

import re
import warnings
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_DROPPED = (
    "script", "style", "noscript", "svg", "button", "form", "input", "iframe", "img", "video", "audio", "picture",
    "source", "object", "embed", "template", "head",
)  # fmt: skip
_DEPTH = 256
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")


def parse(html: str | bytes) -> Tag:
    """The HTML as a tree that may be changed; never fetches anything."""
    return _shallow()(html, "lxml")


@cache
def _shallow() -> type[BeautifulSoup]:
    from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning

    # A post may well be nothing but a link.
    warnings.filterwarnings("ignore", category=MarkupResemblesLocatorWarning)

    class Shallow(BeautifulSoup):
        """As browsers do, puts what is nested too deep side by side: the time a tree takes grows with its depth."""

        def handle_starttag(self, *args: Any, **kwargs: Any) -> Tag | None:
            return super().handle_starttag(*args, **kwargs) if len(self.tagStack) < _DEPTH else None

    return Shallow


def to_markdown(element: Tag) -> str:
    """The element's content as Markdown. The tree is changed on the way: hand in one that is no longer needed.

    Line breaks stay line breaks, headings are ATX, bullets are dashes, nothing is escaped: what the reader saw as
    ``2 * 3`` stays so. Captions become paragraphs; images go.
    """
    _tidy(element)
    converter = _converter()(
        heading_style="ATX", bullets="-", autolinks=False, escape_asterisks=False, escape_underscores=False,
        escape_misc=False, code_language_callback=_language,
    )  # fmt: skip
    return _compact(str(converter.convert_soup(element)))


@cache
def _converter() -> type[Any]:
    from markdownify import MarkdownConverter

    class Converter(MarkdownConverter):  # type: ignore[misc]
        """A line break is a line's end: two blanks before it would stay where the author typed a fence by hand."""

        def convert_br(self, el: Tag, text: str, parent_tags: set[str]) -> str:
            return (f"{text} " if text else " ") if "_inline" in parent_tags else f"\n{text}"

    return Converter


def plain(element: Tag) -> str:
    """The element's words on one line."""
    return " ".join(element.get_text(" ").split())


def break_lines(verse: Tag) -> None:
    """Make a paragraph with line breaks of an element whose white space counts: verse is no code."""
    from bs4 import BeautifulSoup

    lines = [escape(line, quote=False) for line in verse.get_text().strip("\n").split("\n")]
    verse.clear()
    verse.name = "p"
    verse.append(BeautifulSoup("<br>".join(lines), "html.parser"))


def _tidy(element: Tag) -> None:
    for tag in element.find_all(_DROPPED):
        tag.decompose()
    for code in element.find_all("pre"):
        for line_break in code.find_all("br"):
            line_break.replace_with("\n")
    for caption in element.find_all("figcaption"):
        caption.name = "p"
    for link in element.find_all("a"):
        href = str(link.get("href") or "")
        # A bare address, an anchor inside the page and a script are not what the author typed as a link.
        if not href.startswith(("http", "mailto:", "/")) or link.get_text(strip=True) in ("", href):
            link.unwrap()
    for link in element.find_all(["a", "strong", "em", "b", "i"]):
        link.attrs.pop("title", None)


def _language(pre: Tag) -> str:
    named = pre.get("data-code-block-lang")
    code = pre.find("code")
    classes = [*(pre.get("class") or []), *((code.get("class") or []) if code else [])]
    found = next((c.removeprefix("language-") for c in classes if c.startswith("language-")), "")
    return str(named or found)


def _compact(markdown: str) -> str:
    lines: list[str] = []
    fence = ""
    for line in markdown.strip("\n").split("\n"):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark.group(1)
        elif mark and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        elif not fence:
            line = line.rstrip(" \t")
            if not line and lines and not lines[-1]:
                continue
        lines.append(line)
    return "\n".join(lines).strip("\n")
