"""Text, written as each site's export writes it, comes back as its author typed it: any script, any sign, any break."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import tempfile
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from twin.records import Document
from twin.sources import archive, files, ghost, jsonl, mastodon, medium, substack, wordpress, x

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ME = "https://sea.example/users/ann"
# What Markdown, HTML and short codes would take for their own, the signs people build posts from, and other scripts.
SIGNS = list("*_#[]()\\<>&`~|!+-=.:;'\"{}$^@/% 0123456789aAeExX")
OTHERS = list("•→✓–—…„“”«»‚‘’🎉👩\u200d🚀\ufe0f𝗯𝗼𝗹𝗱𝑖𝒶éßİñאבשלוםمرحبا日本語한글ไทยहिन्दी\u00a0\u202f\u200f\u0301")
LETTERS = st.one_of(
    st.sampled_from(SIGNS), st.sampled_from(OTHERS),
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufeff\ufffe\uffff"),
)  # fmt: skip
TYPED = "*not bold* _nor this_ **x** #tag [sic] \\o/ `code` <3 1. 5 > 3 & 2 < 4 • → 🎉 𝗯𝗼𝗹𝗱 שלום"
few = settings(max_examples=40)


def tidied(line: str) -> str:
    """A line as a page can hold it: one blank between words, none around them."""
    return re.sub(" +", " ", line).strip(" ")


def shown(line: str) -> bool:
    """Whether there is something to see in it: what is blank in every script is no line of a page."""
    return bool(line.strip()) and any(unicodedata.category(c)[0] not in "ZC" for c in line)


# A page's text: paragraphs of lines; the first sign is none that a page may lose at its edge.
LINE = st.text(LETTERS, min_size=1, max_size=40).map(tidied).filter(lambda line: shown(line) and line == line.strip())
PARAGRAPHS = st.lists(st.lists(LINE, min_size=1, max_size=3), min_size=1, max_size=4)
# A file's text: anything with words in it, blanks and empty lines too.
WHOLE = st.text(st.one_of(LETTERS, st.sampled_from("\n\t ")), min_size=1, max_size=120).filter(shown)


def escaped(text: str) -> str:
    return html.escape(text, quote=False)


def joined(paragraphs: list[list[str]]) -> str:
    return "\n\n".join("\n".join(lines) for lines in paragraphs)


def tagged(paragraphs: list[list[str]], start: str = "<p>", line_break: str = "<br>") -> str:
    return "".join(f"{start}{line_break.join(map(escaped, lines))}</p>" for lines in paragraphs)


def back(reader, name: str, content: str, *more: object) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        for inner, text in {name: content, **dict(more[0] if more and isinstance(more[0], dict) else {})}.items():
            path = Path(folder) / inner
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        with archive.opened(Path(folder), 10) as opened:
            rest = [one for one in more if not isinstance(one, dict)]
            return [item.text for item in reader(opened, "ann", NOW, *rest) if isinstance(item, Document)]


@few
@given(PARAGRAPHS)
@example([[TYPED, "- a", "1. b"], ["> c", "# d"]])
def test_medium(paragraphs):
    body = tagged(paragraphs, '<p class="graf graf--p">')
    page = (
        '<article class="h-entry"><header><h1 class="p-name">A title of its own</h1></header>'
        f'<section data-field="body" class="e-content"><section class="section section--body">{body}</section></section>'
        '<footer><a href="https://medium.com/@ann/t-abcdef012345" class="p-canonical">c</a></footer></article>'
    )
    assert back(medium.read_export, "posts/2024-05-01_T-abcdef012345.html", page) == [joined(paragraphs)]


@few
@given(PARAGRAPHS)
@example([[TYPED, "- a", "1. b"], ["> c", "# d"]])
def test_substack(paragraphs):
    table = "post_id,post_date,is_published,type,audience,title\n1.a,2024-05-01,true,newsletter,everyone,T\n"
    assert back(substack.read_export, "posts/1.a.html", tagged(paragraphs), {"posts.csv": table}) == [
        joined(paragraphs)
    ]


@few
@given(PARAGRAPHS)
@example([[TYPED, "- a", "```", "b", "c", "```"], ["> c", "# d"]])
def test_mastodon(paragraphs):
    def linked(line: str) -> str:
        tag = r'<a href="https://sea.example/tags/\1" class="mention hashtag" rel="tag">#<span>\1</span></a>'
        return re.sub(r"#(\w+)", tag, escaped(line))

    content = "".join(f"<p>{'<br />'.join(map(linked, lines))}</p>" for lines in paragraphs)
    note = {"id": f"{ME}/statuses/1", "type": "Note", "content": content, "to": "as:Public", "attributedTo": ME}
    outbox = json.dumps({"orderedItems": [{"type": "Create", "object": note}]})
    assert back(mastodon.read_export, "outbox.json", outbox) == [joined(paragraphs)]


@few
@given(WHOLE)
@example(TYPED + "  \n\n  - a  \n\n\n`b` &amp; &lt;")
def test_x(text):
    if text.startswith("RT @") or "RT @" in text or re.search(r"(twitter|x)\.com/", text):
        return
    raw = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    tweet = {"id_str": "1", "full_text": raw, "created_at": "Tue Jan 21 00:21:51 +0000 2025", "entities": {"urls": []}}
    content = f"window.YTD.tweets.part0 = {json.dumps([{'tweet': tweet}])}"
    assert back(x.read_export, "data/tweets.js", content) == [text]


WXR = (
    '<rss xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wp="http://wordpress.org/export/1.2/"><channel>'
    "<wp:wxr_version>1.2</wp:wxr_version><item><title>T</title><content:encoded><![CDATA[{}]]></content:encoded>"
    "<wp:post_id>1</wp:post_id><wp:status>publish</wp:status><wp:post_type>post</wp:post_type></item></channel></rss>"
)


def wordpress_paragraphs(paragraphs: list[list[str]]) -> list[list[str]]:
    # What stands in square brackets with a name in it may be a short code, and is left out of this test's texts.
    return [[re.sub(r"\[(?=[/\[a-zA-Z])", "(", line) for line in lines] for lines in paragraphs]


@few
@given(PARAGRAPHS.map(wordpress_paragraphs), st.booleans())
@example([["*not bold* _x_ #tag [1] \\o/ `code` <3 & 5 > 3 • 🎉", "- a"], ["> c", "# d"]], False)
def test_wordpress(paragraphs, classic):
    typed = joined([[escaped(line) for line in lines] for lines in paragraphs])
    blocks = "".join(f"<!-- wp:paragraph -->\n{tagged([lines])}\n<!-- /wp:paragraph -->\n\n" for lines in paragraphs)
    content = WXR.format(typed if classic else blocks)
    assert back(wordpress.read_export, "site.xml", content, "*") == [joined(paragraphs)]


def lexical(paragraphs: list[list[str]]) -> str:
    def nodes(lines: list[str]) -> list[dict[str, object]]:
        parted = [[{"type": "linebreak"}, {"type": "extended-text", "text": line, "format": 0}] for line in lines]
        return [node for pair in parted for node in pair][1:]

    children = [{"type": "paragraph", "children": nodes(lines)} for lines in paragraphs]
    return json.dumps({"root": {"children": children}})


def mobiledoc(paragraphs: list[list[str]]) -> str:
    def markers(lines: list[str]) -> list[list[object]]:
        return [marker for line in lines for marker in ([1, [], 0, 0], [0, [], 0, line])][1:]

    sections = [[1, "p", markers(lines)] for lines in paragraphs]
    return json.dumps({"atoms": [["soft-return", "", {}]], "markups": [], "cards": [], "sections": sections})


@few
@given(PARAGRAPHS, st.sampled_from(["lexical", "mobiledoc", "html"]))
@example([[TYPED, "- a", "1. b"], ["> c", "# d"]], "lexical")
def test_ghost(paragraphs, editor):
    written = {"lexical": lexical, "mobiledoc": mobiledoc, "html": tagged}[editor](paragraphs)
    post = {"id": "1", "uuid": "u", "title": "T", "status": "published", editor: written}
    export = json.dumps({"db": [{"meta": {}, "data": {"posts": [post]}}]})
    assert back(ghost.read_export, "ghost.json", export, "*") == [joined(paragraphs)]


@few
@given(st.lists(WHOLE, min_size=1, max_size=3, unique=True), st.booleans())
def test_jsonl(texts, as_array):
    rows = [{"text": text} for text in texts]
    content = json.dumps(rows) if as_array else "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    assert back(jsonl.read_rows, "texts.json" if as_array else "texts.jsonl", content) == texts


@few
@given(st.lists(WHOLE, min_size=1, max_size=3, unique=True), st.sampled_from([",", "\t"]))
def test_csv(texts, delimiter):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerows([["id", "text"], *([number, text] for number, text in enumerate(texts))])
    name = "texts.csv" if delimiter == "," else "texts.tsv"
    assert back(jsonl.read_rows, name, out.getvalue()) == texts


@few
@given(WHOLE, st.booleans())
def test_a_folder_of_markdown(text, titled):
    front = '---\ntitle: "T"\ndate: 2024-05-01\n---\n\n' if titled else ""
    whole = text.lstrip("\n") if titled else text
    if not titled and whole.startswith(("---", "+++")):
        return
    assert back(files.read_files, "notes/a.md", front + text, "blog") == [whole]


@pytest.mark.parametrize("line", [TYPED, "1) x", "* * *", "a\\*b", "~~x~~", "| a | b |", "    four"])
def test_markdown_s_signs_stay_as_typed_where_text_is_plain(line):
    test_x.hypothesis.inner_test(line)
    test_mastodon.hypothesis.inner_test([[tidied(line)]])
