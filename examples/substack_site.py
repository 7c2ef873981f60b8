"""The Substack half of the loopback site: feed, archive and single posts, in the shapes Substack answers."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from examples.answers import Answer, json_answer, tagged, text_answer
from examples.author import EMAIL, NAME, SUBSTACK_HOME, SUBSTACK_PUBLICATION_ID, SUBSTACK_TITLE
from examples.markup import Block, blocks, count_words, inline
from examples.texts import Text

# How much of a letter for paying readers everyone may see, by words; real previews run from .29 to .44.
PREVIEW_SHARE = 0.3
# The archive gives fewer posts than asked for above this.
MOST_PER_PAGE = 23


def answer(letters: Sequence[Text], path: str, query: Mapping[str, str], base: str) -> Answer:
    """The answer to GET `path` (below /substack) with `query`; `letters` in any order, `base` the site's URL.

    404 for what is not there, 400 for an order of the archive that does not exist.
    """
    newest = sorted(letters, key=lambda letter: letter.date, reverse=True)
    latest = max((letter.date for letter in newest), default=None)
    if path == "/feed":
        return tagged(text_answer(_feed(newest[:20], base), "application/xml; charset=utf-8"), latest)
    if path == "/api/v1/archive":
        return _archive(newest, query, latest)
    if path.startswith("/api/v1/posts/"):
        for letter in newest:
            if path == f"/api/v1/posts/{letter.meta['slug']}":
                return tagged(json_answer(_post(letter, newest)), letter.date)
    return json_answer({"error": "Not found"}, 404)


def body_html(letter: Text) -> str:
    """The letter as Substack serves it: free ones whole, the others as far as the preview goes."""
    found = blocks(letter.body)
    return _html(found if letter.meta["audience"] == "everyone" else _preview(found))


def _archive(newest: Sequence[Text], query: Mapping[str, str], latest: datetime | None) -> Answer:
    if query.get("sort", "new") not in ("new", "top"):
        return json_answer({"errors": [{"location": "query", "param": "sort", "msg": "Invalid value"}]}, 400)
    try:
        offset, limit = int(query.get("offset", "0")), int(query.get("limit", "12"))
    except ValueError:
        return json_answer({"errors": [{"location": "query", "param": "limit", "msg": "Invalid value"}]}, 400)
    wanted = [t for t in newest if query.get("search", "").lower() in f"{t.title} {t.meta['subtitle']}".lower()]
    start = max(offset, 0)
    return tagged(json_answer([_summary(t) for t in wanted[start : start + min(max(limit, 0), MOST_PER_PAGE)]]), latest)


def _summary(letter: Text) -> dict[str, Any]:
    # As in the real archive the body is never there, and the word count is that of the whole text.
    byline = {"id": 74105512, "name": NAME, "handle": "junomarsh", "bio": "Fictional. Northquay Ferries."}
    return {
        "id": letter.meta["id"],
        "publication_id": SUBSTACK_PUBLICATION_ID,
        "title": letter.title,
        "social_title": None,
        "subtitle": letter.meta["subtitle"],
        "slug": letter.meta["slug"],
        "type": "newsletter",
        "audience": letter.meta["audience"],
        "post_date": f"{letter.date:%Y-%m-%dT%H:%M:%S}.000Z",
        "canonical_url": _url(letter),
        "description": letter.meta["subtitle"],
        "body_json": None,
        "body_html": None,
        "truncated_body_text": None,
        "wordcount": count_words(blocks(letter.body)),
        "cover_image": None,
        "podcast_url": None,
        "write_comment_permissions": letter.meta["audience"],
        "should_send_free_preview": letter.meta["audience"] != "everyone",
        "postTags": [],
        "publishedBylines": [byline],
        "is_published": True,
    }


def _post(letter: Text, newest: Sequence[Text]) -> dict[str, Any]:
    at = newest.index(letter)
    older = newest[at + 1].meta["slug"] if at + 1 < len(newest) else None
    newer = newest[at - 1].meta["slug"] if at else None
    return _summary(letter) | {
        "body_html": body_html(letter),
        "previous_post_slug": older,
        "next_post_slug": newer,
    }


def _preview(found: Sequence[Block]) -> list[Block]:
    whole, shown = count_words(list(found)), list[Block]()
    for block in found:
        if count_words(shown) >= PREVIEW_SHARE * whole:
            break
        shown.append(block)
    return shown


def _html(found: Sequence[Block]) -> str:
    pieces = [_block(block) for block in found]
    pieces.insert(min(3, len(pieces)), _widget())
    share = f"{SUBSTACK_HOME}/?action=share"
    link = f'<a class="button primary" href="{share}"><span>Share</span></a>'
    return "".join([*pieces, f'<p class="button-wrapper" {_attrs(share, "Share")}>{link}</p>'])


def _block(block: Block) -> str:
    if block.kind == "heading":
        return f"<h3>{inline(block.text)}</h3>"
    if block.kind == "pre":
        return f"<pre><code>{html.escape(block.text, quote=False)}</code></pre>"
    if block.kind == "divider":
        return "<div><hr></div>"
    if block.kind == "quote":
        lines = [f"<p>{inline(line)}</p>" for line in block.text.split("\n") if line]
        return f"<blockquote>{''.join(lines)}</blockquote>"
    return f"<p>{inline(block.text)}</p>"


def _widget() -> str:
    # Not the author's words: a collector drops it.
    return (
        f'<div class="subscription-widget-wrap-editor" {_attrs(f"{SUBSTACK_HOME}/subscribe?", "Subscribe")} '
        'data-component-name="SubscribeWidgetToDOM"><div class="subscription-widget show-subscribe">'
        f'<div class="preamble"><p class="cta-caption">Thanks for reading {SUBSTACK_TITLE}! '
        "Subscribe for free to receive new posts.</p></div>"
        '<form class="subscription-widget-subscribe"><input type="email" class="email-input" name="email" '
        'placeholder="Type your email…" tabindex="-1"><input type="submit" class="button primary" '
        'value="Subscribe"><div class="fake-input-wrapper"><div class="fake-input"></div>'
        '<div class="fake-button"></div></div></form></div></div>'
    )


def _attrs(url: str, label: str) -> str:
    attrs = json.dumps({"url": url, "text": label, "language": "en"}, separators=(",", ":"))
    return f'data-attrs="{html.escape(attrs)}"'


def _url(letter: Text) -> str:
    return f"{SUBSTACK_HOME}/p/{letter.meta['slug']}"


def _feed(newest: Sequence[Text], base: str) -> str:
    names = "content:http://purl.org/rss/1.0/modules/content/ dc:http://purl.org/dc/elements/1.1/ atom:http://www.w3.org/2005/Atom"
    spaces = " ".join(f'xmlns:{name}="{url}"' for name, url in (pair.split(":", 1) for pair in names.split()))
    built = f"<lastBuildDate>{_rfc(newest[0].date)}</lastBuildDate>" if newest else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><rss {spaces} version="2.0"><channel>'
        f"<title><![CDATA[{SUBSTACK_TITLE}]]></title>"
        "<description><![CDATA[Letters from a harbour. Fictional.]]></description>"
        f"<link>{SUBSTACK_HOME}</link><generator>Substack</generator>{built}"
        f'<atom:link href="{base}/substack/feed" rel="self" type="application/rss+xml"/>'
        f"<copyright><![CDATA[{NAME}]]></copyright><language><![CDATA[en]]></language>"
        f"<webMaster><![CDATA[{EMAIL}]]></webMaster>{''.join(map(_item, newest))}</channel></rss>"
    )


def _item(letter: Text) -> str:
    body = body_html(letter)
    if letter.meta["audience"] != "everyone":
        # The only mark of a preview that the feed carries.
        body += f'<p><a href="{_url(letter)}">Read more</a></p>'
    return (
        f"<item><title><![CDATA[{letter.title}]]></title>"
        f"<description><![CDATA[{letter.meta['subtitle']}]]></description><link>{_url(letter)}</link>"
        f'<guid isPermaLink="false">{_url(letter)}</guid><dc:creator><![CDATA[{NAME}]]></dc:creator>'
        f"<pubDate>{_rfc(letter.date)}</pubDate>"
        f"<content:encoded><![CDATA[{body}]]></content:encoded></item>"
    )


def _rfc(at: datetime) -> str:
    return format_datetime(at, usegmt=True)
