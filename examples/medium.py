"""The pages of a Medium export in its h-entry shape: articles, one draft, one response, the profile."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Sequence
from datetime import datetime

from examples.author import EMAIL, MEDIUM_HOME, MEDIUM_USER, MEDIUM_USER_ID, NAME
from examples.markup import Block, blocks, inline
from examples.texts import Text

_EXPORTED = "October 1, 2026"
_TAGS = {"p": "p", "heading": "h3", "pre": "pre", "quote": "blockquote"}


def export_files(texts: Sequence[Text]) -> dict[str, str]:
    """File name to page for each article, draft and response among `texts`, with the README and the profile."""
    pages = {f"posts/{file_name(text)}": page(text) for text in texts}
    listed = "".join(f'<li><a href="{html.escape(name)}">{html.escape(name)}</a></li>' for name in sorted(pages))
    readme = f"<p>Your Medium archive, made on {_EXPORTED}.</p><ul>{listed}</ul>"
    return {"README.html": _document("Export", readme), "profile/profile.html": _profile(), **pages}


def file_name(text: Text) -> str:
    """``YYYY-MM-DD_<Title-with-dashes>-<id>.html``, or ``draft_<Title>-<id>.html``."""
    title = re.sub(r"[^\w]+", "-", text.title).strip("-")[:100]
    front = "draft" if text.kind == "draft" else f"{text.date:%Y-%m-%d}"
    return f"{front}_{title}-{text.meta['id']}.html"


def page(text: Text) -> str:
    """One exported page. An article repeats its title as the first graf; a response has no such graf."""
    subtitle = html.escape(str(text.meta.get("subtitle", "")), quote=False)
    summary = f'<section data-field="subtitle" class="p-summary">\n{subtitle}\n</section>\n' if subtitle else ""
    body = (
        '<article class="h-entry">\n<header>\n'
        f'<h1 class="p-name">{html.escape(text.title, quote=False)}</h1>\n</header>\n'
        f'{summary}<section data-field="body" class="e-content">\n{_sections(text)}\n</section>\n'
        f"{_footer(text)}\n</article>"
    )
    return _document(text.title, body)


def _sections(text: Text) -> str:
    # One section per divider, each nested in the body: the text goes on after the first </section>.
    parts: list[list[Block]] = [[]]
    for block in blocks(text.body):
        if block.kind == "divider":
            parts.append([])
        else:
            parts[-1].append(block)
    sections = []
    for number, part in enumerate(parts):
        title = text.title if number == 0 and text.kind != "response" else ""
        place = " section--first" * (number == 0) + " section--last" * (number == len(parts) - 1)
        sections.append(
            f'<section name="{_name(text, f"s{number}")}" class="section section--body{place}">'
            '<div class="section-divider"><hr class="section-divider"></div><div class="section-content">'
            '<div class="section-inner sectionLayout--insetColumn">'
            f"{_grafs(text, number, part, title)}</div></div></section>"
        )
    return "".join(sections)


def _grafs(text: Text, section: int, part: Sequence[Block], title: str) -> str:
    # (tag, extra class, inner HTML) of every graf; each paragraph of a quotation is a graf of its own.
    grafs = [("h3", "graf--title", inline(title))] if title else []
    for block in part:
        lines = [line for line in block.text.split("\n") if line] if block.kind == "quote" else [block.text]
        grafs += [(_TAGS[block.kind], "", _inner(Block(block.kind, line))) for line in lines]
    out, before = [], ""
    for number, (tag, extra, content) in enumerate(grafs):
        classes = [f"graf graf--{tag}", f"graf-after--{before}" if before else "graf--leading", extra]
        classes += ["graf--startsWithDoubleQuote"] if content.startswith('"') else []
        classes += ["graf--trailing"] if number == len(grafs) - 1 else []
        name, before = _name(text, f"{section}.{number}"), tag
        out.append(f'<{tag} name="{name}" id="{name}" class="{" ".join(filter(None, classes))}">{content}</{tag}>')
    return "".join(out)


def _inner(block: Block) -> str:
    if block.kind == "pre":
        code = html.escape(block.text, quote=False).replace("\n", "<br>")
        return f'<code class="markup--code markup--pre-code">{code}</code>'
    return inline(block.text).replace("<code>", '<code class="markup--code markup--p-code">')


def _name(text: Text, place: str) -> str:
    return hashlib.sha256(f"{text.meta['id']}/{place}".encode()).hexdigest()[:4]


def _footer(text: Text) -> str:
    exported = f'<p>Exported from <a href="https://medium.com">Medium</a> on {_EXPORTED}.</p>'
    home = f"https://medium.com/p/{text.meta['id']}"
    if text.kind == "draft":
        return f'<footer><p><a href="{home}">View original.</a></p>{exported}</footer>'
    slug = re.sub(r"[^a-z0-9]+", "-", text.title.lower()).strip("-")
    canonical = f"{MEDIUM_HOME}/{slug}-{text.meta['id']}"
    return (
        f'<footer><p>By <a href="https://medium.com/{MEDIUM_USER}" class="p-author h-card">{NAME}</a> on '
        f'<a href="{home}"><time class="dt-published" datetime="{_iso(text.date)}">'
        f"{_long(text.date)}</time></a>.</p>"
        f'<p><a href="{canonical}" class="p-canonical">Canonical link</a></p>{exported}</footer>'
    )


def _profile() -> str:
    return _document(
        NAME,
        f'<section class="h-card"><h3 class="p-name">{NAME}</h3><h4>Account info</h4><ul>'
        f'<li><b>Profile:</b> <a class="u-url" href="https://medium.com/{MEDIUM_USER}">{MEDIUM_USER}</a></li>'
        f"<li><b>Email address:</b> {EMAIL}</li>"
        f"<li><b>Medium user ID:</b> {MEDIUM_USER_ID}</li></ul></section>",
    )


def _document(title: str, body: str) -> str:
    head = '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
    title = html.escape(title, quote=False)
    return f"<!DOCTYPE html><html><head>{head}<title>{title}</title></head><body>{body}</body></html>\n"


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.000Z"


def _long(at: datetime) -> str:
    return f"{at:%B} {at.day}, {at.year}"
