"""What real export files hold by a rule of their own, without the readers: texts expected, and the lines of each."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

from examples import build
from examples.texts import load_comments, load_texts, of_kind

SAMPLE = Path(__file__).parent.parent / "examples" / "sample_author"
_BREAKS = {
    "p", "div", "br", "li", "ul", "ol", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "figure", "table",
    "figcaption", "tr", "td", "th", "section", "article", "dd", "dt",
}  # fmt: skip
_SILENT = {"script", "style", "svg", "button", "form", "iframe", "noscript"}
# What the site adds to the author's text, or shows of others', by the classes that the site gives it.
_NOT_OWN = re.compile(
    r"\b(graf--title|graf--mixtapeEmbed|subscription-widget\S*|button-wrapper|captioned-button-wrap|embedded-post\S*|"
    r"digest-post-embed|poll-embed|kg-bookmark-container|image-link-expand|embedded-publication\S*)(?!\S)"
)
_SPACE = re.compile(r"\s+")


def lines_of(text: str, markdown: bool = False) -> list[str]:
    """The words of HTML, or of Markdown shown as HTML, without white space: a string a line, empty ones out."""
    from lxml import html
    from markdown_it import MarkdownIt

    if markdown:
        text = MarkdownIt("commonmark", {"breaks": True, "html": False}).enable("table").render(text)
    if not text.strip():
        return []
    out: list[str] = []
    _walk(html.fromstring(f"<div>{text}</div>"), out, False)
    return [line for line in (_SPACE.sub("", line) for line in "".join(out).split("\n")) if line]


def typed_lines(text: str) -> list[str]:
    """The lines of a text that knows no markup, in the same shape."""
    return [line for line in (_SPACE.sub("", line) for line in text.split("\n")) if line]


def _walk(element: Any, out: list[str], exact: bool) -> None:
    if not isinstance(element.tag, str) or element.tag in _SILENT or _NOT_OWN.search(element.get("class") or ""):
        return
    edge = "\n" if element.tag in _BREAKS else ""
    exact = exact or element.tag == "pre"
    # A line end within a paragraph's HTML is a blank, within preformatted text it is a line's end.
    said = [element.text or "", *(child.tail or "" for child in element)]
    said = said if exact else [part.replace("\n", " ") for part in said]
    out += [edge, said[0]]
    for child, tail in zip(element, said[1:], strict=True):
        _walk(child, out, exact)
        out.append(tail)
    out.append(edge)


def expected(kind: str, place: Path) -> list[list[str]]:
    """The texts that an export's published posts hold, each as its lines; one without words is none."""
    found = {"medium": _medium, "substack": _substack, "wordpress": _wordpress, "ghost": _ghost}.get(kind, _rendered)(
        place
    )
    return [lines for lines in map(lines_of, found) if lines]


def _medium(place: Path) -> list[str]:
    from lxml import html

    found = []
    for path in sorted(place.rglob("posts/*.html")):
        page = html.fromstring(path.read_text(encoding="utf-8"))
        if page.xpath("//a[contains(@class, 'p-canonical')] | //time[contains(@class, 'dt-published')]"):
            bodies = page.xpath("//section[@data-field='body']")
            found += [html.tostring(body, encoding="unicode", with_tail=False) for body in bodies]
    return found


def _substack(place: Path) -> list[str]:
    with open(place / "posts.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["is_published"].lower() == "true"]
    paths = [place / "posts" / f"{row['post_id']}.html" for row in rows]
    return [path.read_text(encoding="utf-8") for path in paths if path.exists()]


def _wordpress(place: Path) -> list[str]:
    found = []
    for item in re.findall(r"<item>.*?</item>", place.read_text(encoding="utf-8"), re.DOTALL):
        kind, status = (re.search(rf"<wp:{n}>(?:<!\[CDATA\[)?(\w+)", item) for n in ("post_type", "status"))
        body = re.search(r"<content:encoded>\s*<!\[CDATA\[(.*?)\]\]>", item, re.DOTALL)
        if kind and status and body and kind[1] in ("post", "page") and status[1] == "publish":
            # Classic posts break lines without tags: an empty line parts paragraphs.
            typed = (
                re.sub(r"\n\s*\n", "<p>", body[1])
                if "<!-- wp:" in body[1] or "<p" in body[1]
                else body[1].replace("\n", "<br>")
            )
            found.append(re.sub(r"\[(/?\w+)(\s\w+=[^\]]*)?\](?=[^\[]*\[/|$)|\[/\w+\]", "", typed))
    return found


def _ghost(place: Path) -> list[str]:
    value = json.loads(place.read_text(encoding="utf-8"))
    posts = [post.get("data", post) for post in value["posts"]]
    return [str(post.get("html") or "") for post in posts if post.get("status", "published") == "published"]


def _rendered(place: Path) -> list[str]:
    value = json.loads(place.read_text(encoding="utf-8"))
    rows = value if isinstance(value, list) else [value]
    bodies = [row.get("content") for row in rows if isinstance(row, dict)]
    return [str(body["rendered"]) for body in bodies if isinstance(body, dict)]


def sample(folder: Path) -> list[tuple[str, Path, list[list[str]]]]:
    """The shipped author's exports, made anew below `folder`, with the lines of what its texts' files hold."""
    texts = load_texts(SAMPLE)
    posts = [text.body for text in of_kind(texts, "post")] + [remark.text for remark in load_comments(SAMPLE)]
    pages = [text.body for kind in ("article", "response") for text in of_kind(texts, kind)]  # type: ignore[arg-type]
    return [
        ("linkedin", build.build_linkedin(SAMPLE, folder / "linkedin.zip"), [typed_lines(body) for body in posts]),
        (
            "medium",
            build.build_medium(SAMPLE, folder / "medium.zip"),
            [lines_of(body, markdown=True) for body in pages],
        ),
    ]
