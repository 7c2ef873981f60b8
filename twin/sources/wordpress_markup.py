"""What stands in a WordPress post's field, as Markdown: blocks, short codes and line breaks that are typed, not tagged."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

NOTE_FORMATS = {"post-format-status", "post-format-aside"}

_BLOCKS = re.compile(
    r"(</?(?:table|thead|tfoot|caption|col|colgroup|tbody|tr|td|th|div|dl|dd|dt|ul|ol|li|pre|form|map|area|blockquote|"
    r"address|style|p|h[1-6]|hr|fieldset|legend|section|article|aside|hgroup|header|footer|nav|figure|figcaption|"
    r"details|menu|summary)\b[^>]*>)",
    re.IGNORECASE,
)
# Within these, text is one paragraph already.
_CLOSED = {"p", "li", "td", "th", "dt", "dd", "caption", "figcaption", "summary", "h1", "h2", "h3", "h4", "h5", "h6"}
_SHORT_CODE = re.compile(
    r"""\[(/?)([a-zA-Z][\w-]*)((?:\s+[\w-]+\s*=\s*(?:"[^"\]]*"|'[^'\]]*'|[^\s\]"']+))*)\s*(/?)\]"""
)
_BARE_CODES = {"gallery", "playlist", "audio", "video", "toc", "contact-form", "more", "subscribe", "latest_posts"}
_CODE = re.compile(r"\[(code|sourcecode|php|python|css|html|js|bash|sql|text|plain)\b([^\]]*)\]", re.IGNORECASE)
_CAPTION = re.compile(r"\[(caption|wp_caption)\b([^\]]*)\]", re.IGNORECASE)
_EMBED = re.compile(r"\[(embed)\b([^\]]*)\]", re.IGNORECASE)
_VERBATIM = re.compile(r"<(pre|code|script|style|textarea)\b([^>]*)>", re.IGNORECASE)


def body_text(content: str) -> str:
    """The post as Markdown; others' words (quotes) stay quoted, captions stay, pictures and buttons go."""
    blocks = "<!-- wp:" in content
    marked = "".join(
        piece if verbatim else _short_codes(piece)
        for verbatim, piece in _apart(_between(content, _CODE, _code), _VERBATIM)
    )
    return shown_text(marked if blocks else paragraphs(marked))


def shown_text(page_html: str) -> str:
    """The same from what WordPress makes of it for a reader, with all paragraphs and breaks tagged."""
    from twin.sources.markdown import to_markdown
    from twin.text.markup import break_lines, parse

    page = parse(page_html)
    root = page.body or page
    for verse in root.select("pre.wp-block-verse"):
        break_lines(verse)
        verse["style"] = "white-space: pre-wrap"
    for tag in root.select(".wp-block-button, .sharedaddy, .wp-block-file__button, .wp-block-social-links"):
        tag.decompose()
    for tag in root.select("figure.wp-block-pullquote"):
        tag.name = "blockquote" if tag.find("blockquote") is None else "div"
    return to_markdown(root)


def one_line(title: str) -> str:
    """A title without markup and entities."""
    from twin.text.markup import parse, plain

    return plain(parse(title)) if "<" in title else html.unescape(title)


def _between(text: str, opening: re.Pattern[str], made: Callable[[str, str, str], str]) -> str:
    """Replace each `[name …]inner[/name]`; one that is never closed stays, and so does all after it."""
    out, place = [], 0
    unclosed: set[str] = set()
    for found in opening.finditer(text):
        name = found[1].lower()
        if found.start() < place or name in unclosed:
            continue
        end = text.find(f"[/{found[1]}]", found.end())
        if end < 0:
            unclosed.add(name)
            continue
        out += [text[place : found.start()], made(name, found[2], text[found.end() : end])]
        place = end + len(name) + 3
    return "".join([*out, text[place:]])


def _apart(text: str, opening: re.Pattern[str]) -> Iterator[tuple[bool, str]]:
    """Pieces of the text with whether each is an element in which nothing may change."""
    place = 0
    unclosed: set[str] = set()
    lower = text.lower()
    for found in opening.finditer(text):
        name = found[1].lower()
        if found.start() < place or name in unclosed:
            continue
        end = lower.find(f"</{name}", found.end())
        if end < 0:
            unclosed.add(name)
            continue
        end = text.find(">", end) + 1 or len(text)
        yield False, text[place : found.start()]
        yield True, text[found.start() : end]
        place = end
    yield False, text[place:]


def _code(name: str, attributes: str, inner: str) -> str:
    language = re.search(r"lang(?:uage)?=[\"']?([\w+#-]+)", attributes)
    named = language[1] if language else ("" if name in ("code", "sourcecode", "text", "plain") else name)
    words = html.escape(html.unescape(inner.strip("\n")), quote=False)
    return f'<pre><code class="language-{named}">{words}</code></pre>' if named else f"<pre><code>{words}</code></pre>"


def _caption(name: str, attributes: str, inner: str) -> str:
    named = re.search(r"caption=(?:\"([^\"]*)\"|'([^']*)')", attributes)
    words = (named[1] or named[2] or "") if named else re.sub(r"<img\b[^>]*>", "", inner)
    return f"<figure><figcaption>{words.strip()}</figcaption></figure>"


def _short_codes(text: str) -> str:
    text = _between(_between(text, _CAPTION, _caption), _EMBED, lambda name, attributes, inner: f"\n{inner.strip()}\n")
    closed = {name.lower() for name in re.findall(r"\[/([a-zA-Z][\w-]*)\]", text)}

    def replaced(found: re.Match[str]) -> str:
        before, after = found.start() - 1, found.end()
        if before >= 0 and text[before] == "[" and text[after : after + 1] == "]":
            return found[0]
        code = found[1] or found[3] or found[4] or found[2].lower() in closed | _BARE_CODES
        return "" if code else found[0]

    return re.sub(r"\[(\[/?[a-zA-Z][^\[\]]*\])\]", r"\1", _SHORT_CODE.sub(replaced, text))


def paragraphs(text: str) -> str:
    """Classic posts have no paragraphs but empty lines, and no breaks but line ends: both become tags.

    The rules are those of WordPress' own wpautop, which does this when a page is shown.
    """
    out: list[str] = []
    for verbatim, piece in _apart(text.replace("\r\n", "\n").replace("\r", "\n"), _VERBATIM):
        if verbatim and not piece.lower().startswith("<code"):
            out.append(piece)
        else:
            out.append(_tagged(piece) if not verbatim else piece)
    return "".join(out)


def _tagged(piece: str) -> str:
    out: list[str] = []
    inside: list[str] = []
    for part in _BLOCKS.split(piece):
        if _BLOCKS.fullmatch(part):
            name = re.sub(r"\W.*", "", part.strip("</ ").lower(), flags=re.DOTALL)
            if part.startswith("</"):
                if name in inside:
                    del inside[len(inside) - 1 - inside[::-1].index(name) :]
            elif name != "hr" and not part.endswith("/>"):
                inside.append(name)
            out.append(part)
        elif part.strip():
            out.append(_lines(part, bool(inside and inside[-1] in _CLOSED)))
    return "".join(out)


def _lines(text: str, closed: bool) -> str:
    text = re.sub(r"(<br[^>]*>)[ \t]*\n", r"\1", text.strip("\n"))
    if closed:
        return text.replace("\n", "<br>")
    parts = [part.replace("\n", "<br>") for part in re.split(r"\n[ \t]*\n\s*", text) if part.strip()]
    return "".join(f"<p>{part}</p>" for part in parts)
