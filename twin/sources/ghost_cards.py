"""A Ghost post's text from what its editors keep: Lexical, Mobiledoc, Markdown, and the HTML made of them."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from typing import Any

# A piece is HTML still to be turned into Markdown, or Markdown as its author typed it.
_Piece = tuple[str, str]
_ENOUGH = 0.9
_MARKS = ((1, "strong"), (2, "em"), (4, "s"), (16, "code"))
# Cards' fields that hold the author's own words, as HTML; titles of bookmarks and embeds are others'.
_WORDS = {
    "image": ("caption",), "gallery": ("caption",), "bookmark": ("caption",), "embed": ("caption",),
    "video": ("caption",), "audio": ("title",), "file": ("fileTitle", "fileCaption"), "callout": ("calloutText",),
    "toggle": ("heading", "content"), "header": ("header", "subheader"), "call-to-action": ("textValue",),
    "product": ("productTitle", "productDescription"), "code": (), "hr": (),
}  # fmt: skip


def body_text(post: dict[str, Any]) -> str:
    """The post as Markdown, from what its author typed; from the HTML where that has more words in it."""
    page = str(post.get("html") or "")
    shown = _letters(_text([("html", page)])) if page else 0
    for key, pieces in (("lexical", _lexical), ("mobiledoc", _mobiledoc)):
        if post.get(key):
            text = _text(list(pieces(_loaded(post[key]))))
            if text.strip() and _letters(text) >= _ENOUGH * shown:
                return text
    typed = str(post.get("markdown") or "")
    return typed.strip("\n") if typed.strip() else _text([("html", page)])


def _loaded(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return {}


def _letters(text: str) -> int:
    return sum(character.isalnum() for character in text)


def _text(pieces: list[_Piece]) -> str:
    from twin.sources.markdown import to_markdown
    from twin.text.markup import parse

    out: list[str] = []
    held: list[str] = []
    for kind, content in [*pieces, ("markdown", "")]:
        if kind == "html":
            held.append(content)
            continue
        if held:
            page = parse("".join(held))
            for tag in (page.body or page).select(".kg-bookmark-container, .kg-btn, .kg-signup-card, .kg-audio-player"):
                tag.decompose()
            out.append(to_markdown(page.body or page))
            held = []
        out.append(content.strip("\n"))
    return "\n\n".join(part for part in out if part.strip())


def _lexical(document: Any) -> Iterator[_Piece]:
    root = document.get("root") if isinstance(document, dict) else None
    for node in (root.get("children") or []) if isinstance(root, dict) else []:
        kind = node.get("type")
        yield from _card(str(kind), node) or [("html", _block(node))]


def _card(kind: str, fields: dict[str, Any]) -> list[_Piece]:
    """A card's pieces; none for what is no card."""
    if kind in ("markdown", "card-markdown"):
        return [("markdown", str(fields.get("markdown") or ""))]
    if kind == "html":
        return [("html", str(fields.get("html") or ""))]
    if kind in ("codeblock", "code"):
        named = f' class="language-{html.escape(str(fields["language"]))}"' if fields.get("language") else ""
        code = html.escape(str(fields.get("code") or ""), quote=False)
        return [("html", f"<pre><code{named}>{code}</code></pre>{_said(fields, ('caption',))}")]
    if kind in ("horizontalrule", "hr"):
        return [("html", "<hr>")]
    if kind in _WORDS:
        return [("html", _said(fields, _WORDS[kind]) or "<p></p>")]
    return []


def _said(fields: dict[str, Any], keys: tuple[str, ...]) -> str:
    parts = [str(fields[key]) for key in keys if fields.get(key)]
    return "".join(part if part.lstrip().startswith(("<p", "<ul", "<ol", "<h")) else f"<p>{part}</p>" for part in parts)


def _block(node: Any) -> str:
    """A Lexical node as HTML."""
    if not isinstance(node, dict):
        return ""
    kind = str(node.get("type") or "")
    if kind in ("linebreak", "tab"):
        return "<br>" if kind == "linebreak" else "\t"
    if "text" in node:
        return _marked(html.escape(str(node["text"]), quote=False), int(node.get("format") or 0))
    inner = "".join(_block(child) for child in node.get("children") or [])
    if kind in ("link", "autolink"):
        return f'<a href="{html.escape(str(node.get("url") or ""))}">{inner}</a>'
    if kind == "list":
        return (
            f"<ol>{inner}</ol>" if node.get("listType") == "number" or node.get("tag") == "ol" else f"<ul>{inner}</ul>"
        )
    named = {"listitem": "li", "quote": "blockquote", "extended-quote": "blockquote", "aside": "blockquote"}.get(kind)
    if kind.endswith("heading"):
        named = str(node.get("tag") or "h2")
    elif kind == "paragraph":
        named = "p"
    return f"<{named}>{inner}</{named}>" if named and named.isalnum() else inner


def _marked(text: str, marks: int) -> str:
    for bit, tag in _MARKS:
        if marks & bit:
            text = f"<{tag}>{text}</{tag}>"
    return text


def _mobiledoc(document: Any) -> Iterator[_Piece]:
    if not isinstance(document, dict):
        return
    for section in document.get("sections") or []:
        kind = section[0]
        if kind == 1:
            yield "html", f"<{section[1]}>{_inline(section[2], document)}</{section[1]}>"
        elif kind == 3:
            items = "".join(f"<li>{_inline(item, document)}</li>" for item in section[2])
            yield "html", f"<{section[1]}>{items}</{section[1]}>"
        elif kind == 10:
            name, fields = document["cards"][section[1]][:2]
            yield from _card(str(name), fields if isinstance(fields, dict) else {})


def _inline(markers: list[Any], document: dict[str, Any]) -> str:
    out: list[str] = []
    opened: list[str] = []
    for kind, opening, closing, value in markers:
        for number in opening:
            tag, *attributes = document["markups"][number]
            named = attributes[0] if attributes else []
            href = next((named[n + 1] for n in range(0, len(named) - 1, 2) if named[n] == "href"), "")
            out.append(f'<a href="{html.escape(str(href))}">' if tag == "a" else f"<{tag}>")
            opened.append(str(tag))
        # An atom is a line break; its own text is for editors.
        out.append(html.escape(str(value), quote=False) if kind == 0 else "<br>")
        out += [f"</{opened.pop()}>" for _ in range(closing)]
    return "".join(out)
