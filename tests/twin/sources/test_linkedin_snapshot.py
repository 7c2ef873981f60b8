"""LinkedIn's Member Snapshot API: the member's own rows, paged, with the ids of the export."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from twin.errors import NetworkError, SourceError
from twin.params import Collect
from twin.sources import archive, linkedin, linkedin_snapshot
from twin.sources.reading import Skipped

OPEN = Collect(allow_loopback=True, delay_seconds=0, timeout_seconds=5)
LINK = "https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A7001"
SHARE = {
    "Date": "2024-05-01 10:00:00", "ShareLink": LINK, "ShareCommentary": 'One line."\n"Two 🎉', "Visibility": "PUBLIC",
    "SharedUrl": "", "MediaUrl": "",
}  # fmt: skip
RESHARE = SHARE | {"ShareLink": LINK.replace("7001", "7002"), "ShareCommentary": ""}
COMMENT = {
    "Date": "2024-05-02 10:00:00", "Message": "Well said.",
    "Link": "https://www.linkedin.com/feed/update/urn%3Ali%3Aactivity%3A1?commentUrn=urn%3Ali%3Acomment%3A%28activity%3A1%2C9%29",
}  # fmt: skip
ARTICLE = {
    "Title": "Tides", "Article Link": "https://www.linkedin.com/pulse/tides-ann", "Content": "<p>They turn.</p>",
    "Published Date": "2024-05-03 10:00:00", "State": "PUBLISHED",
}  # fmt: skip


def served(domains):
    """Answers of the API: each domain a list of pages of rows; 404 for one that is not there."""

    def answer(path, headers):
        asked = {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
        if not path.startswith("/rest/memberSnapshotData") or headers.get("authorization") != "Bearer own":
            return 401, {}, json.dumps({"message": "Invalid access token", "status": 401})
        pages, start = domains.get(asked["domain"]), int(asked["start"])
        if not pages or start >= len(pages):
            return 404, {}, json.dumps({"message": "No data found for this memberId", "status": 404})
        links = [{"rel": "next", "href": "/rest/x"}] if start + 1 < len(pages) else []
        element = {"snapshotDomain": asked["domain"], "snapshotData": pages[start]}
        return 200, {}, json.dumps({"paging": {"start": start, "count": 10, "links": links}, "elements": [element]})

    return answer


def test_all_domains_are_paged_and_an_empty_one_is_no_fault(site, settings, now):
    site.anything = served({"MEMBER_SHARE_INFO": [[SHARE], [RESHARE]], "ARTICLES": [[ARTICLE]]})
    made = linkedin_snapshot.crawl(site.url, "own")
    items = list(made.run("ann", now, OPEN, settings))
    documents = {i.id: i for i in items if not isinstance(i, Skipped)}
    assert documents["linkedin:7001"].text == "One line.\nTwo 🎉"
    assert (documents["linkedin:article:tides-ann"].text, len(documents)) == ("They turn.", 2)
    reasons = sorted(i.reason for i in items if isinstance(i, Skipped))
    assert reasons[0].startswith("ALL_COMMENTS: nothing in this part") and "reshare" in reasons[1]
    assert made.stats["failed"] == 0
    assert {h["linkedin-version"] for p, _, h in site.seen if p.startswith("/rest")} == {"202312"}


def test_one_share_from_the_export_and_the_api_is_one_document(site, settings, now, pack, sort_out):
    site.anything = served({"MEMBER_SHARE_INFO": [[SHARE]], "ALL_COMMENTS": [[COMMENT]]})
    row = f'2024-05-01 10:00:00,{LINK},"One line.""\n""Two 🎉",,,PUBLIC\n'
    shares = f"Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility\n{row}"
    comments = f"Date,Link,Message\n{COMMENT['Date']},{COMMENT['Link']},{COMMENT['Message']}\n"
    with archive.opened(pack({"Shares.csv": shares, "Comments.csv": comments}), 10) as opened:
        exported, _ = sort_out(linkedin.read_export(opened, "ann", now))
    by_api, _ = sort_out(linkedin_snapshot.crawl(site.url, "own").run("ann", now, OPEN, settings))
    assert sorted(exported, key=lambda d: d.id) == sorted(by_api, key=lambda d: d.id)
    assert len(by_api) == 2


def test_without_a_token_the_mend_is_named(settings, now):
    with pytest.raises(SourceError, match=r"LINKEDIN_TOKEN.*data export.*path:"):
        linkedin_snapshot.crawl(None, "")


def test_a_stale_token_is_no_empty_account(site, settings, now):
    site.anything = served({"MEMBER_SHARE_INFO": [[SHARE]]})
    made = linkedin_snapshot.crawl(site.url, "stale")
    with pytest.raises(NetworkError, match=r"the site refused.*HTTP 401.*fresh token"):
        list(made.run("ann", now, OPEN, settings))


@pytest.mark.parametrize("body", ["<html>", "[]", '{"elements": [1]}', '{"elements": "x"}', '{"paging": 3}'])
def test_an_answer_of_another_shape_is_named(body, now):
    from twin.sources.crawl import Page

    page = Page("https://x/", 200, {}, body.encode(), "ARTICLES", {"start": 0})
    with pytest.raises(NetworkError, match="no answer of LinkedIn's Snapshot API"):
        list(linkedin_snapshot.follow(page, "ann", now, {"base": "https://x"}))
