"""Crawls of a loopback site through Scrapy: limits honoured, robots obeyed, unchanged pages not fetched again."""

from __future__ import annotations

import json
import time

import pytest

from twin.errors import NetworkError, SourceError
from twin.params import Collect
from twin.sources import github, ledger, medium_feed, rss, substack_web
from twin.sources.crawl import Crawl

ITEM = "<item><guid>1</guid><title>T</title><description>&lt;p&gt;Hello there&lt;/p&gt;</description></item>"
FEED = f"<rss><channel>{ITEM}</channel></rss>"
OPEN = Collect(allow_loopback=True, delay_seconds=0, timeout_seconds=5)


def crawl(site, settings, now, collect=OPEN, path="/feed") -> tuple[list, Crawl]:
    made = rss.crawl(f"{site.url}{path}", None)
    return list(made.run("ann", now, collect, settings)), made


def test_a_feed_is_crawled_and_an_unchanged_one_costs_one_conditional_request(site, settings, now):
    site.answers["/feed"] = [(200, {"ETag": '"1"'}, FEED)]
    (one,), first = crawl(site, settings, now)
    (other,), second = crawl(site, settings, now)
    assert one == other
    assert one.text == "Hello there"
    assert site.seen[-1][2]["if-none-match"] == '"1"'
    assert (first.stats["revalidated"], second.stats["revalidated"]) == (0, 1)
    assert "llm-twin-writer/" in site.seen[0][2]["user-agent"]


def test_robots_txt_is_obeyed(site, settings, now):
    site.answers |= {"/robots.txt": [(200, {}, "User-agent: *\nDisallow: /feed\n")], "/feed": [(200, {}, FEED)]}
    with pytest.raises(SourceError, match=r"robots\.txt forbids"):
        crawl(site, settings, now)
    assert site.paths() == ["/robots.txt"]


def test_crawl_delay_is_honoured(site, settings, now):
    page = '<html><head><link rel="alternate" type="application/rss+xml" href="/rss"></head></html>'
    site.answers |= {
        "/robots.txt": [(200, {}, "User-agent: *\nCrawl-delay: 1\n")],
        "/feed": [(200, {}, page)],
        "/rss": [(200, {}, FEED)],
    }
    crawl(site, settings, now)
    times = {path: at for path, at, _ in site.seen}
    assert times["/rss"] - times["/feed"] >= 0.95


def test_retry_after_is_waited_for(site, settings, now):
    site.answers["/feed"] = [(429, {"Retry-After": "1"}, ""), (200, {}, FEED)]
    (one,), made = crawl(site, settings, now)
    asked = [at for path, at, _ in site.seen if path == "/feed"]
    assert one.text == "Hello there"
    assert asked[1] - asked[0] >= 0.95
    assert made.stats["waits"] == 1


def test_a_wait_past_the_bound_ends_with_the_time_to_come_back(site, settings, now):
    site.answers["/feed"] = [
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 3000)}, "")
    ]
    with pytest.raises(NetworkError, match=r"rate limit is used up.*asks to wait (49|50) minutes.*max_wait_seconds"):
        crawl(site, settings, now, Collect(allow_loopback=True, max_wait_seconds=2))


@pytest.mark.parametrize(("status", "says"), [(404, "there is no such page"), (401, "the site refused")])
def test_a_refusal_names_the_address(status, says, site, settings, now):
    site.answers["/feed"] = [(status, {}, "")]
    with pytest.raises(SourceError, match=f"{says}.*{site.url}/feed .HTTP {status}"):
        crawl(site, settings, now)


def test_a_redirect_loop_ends(site, settings, now):
    site.answers["/feed"] = [(302, {"Location": "/feed"}, "")]
    with pytest.raises(SourceError):
        crawl(site, settings, now)


def test_loopback_is_refused_unless_allowed(site, settings, now):
    site.answers["/feed"] = [(200, {}, FEED)]
    for url in (site.url, site.url.replace("127.0.0.1", "localhost")):
        with pytest.raises(NetworkError, match="private address"):
            list(rss.crawl(f"{url}/feed", None).run("ann", now, Collect(delay_seconds=0), settings))
    assert site.seen == []


def test_a_closed_port_is_a_network_error(site, settings, now):
    with pytest.raises(NetworkError, match="can't be fetched"):
        list(rss.crawl("http://127.0.0.1:9/feed", None).run("ann", now, OPEN, settings))


def archive(site, count, changed=()):
    """A Substack of `count` posts whose answers have ETags; those in `changed` say something else."""

    def answer(path, headers):
        if path.startswith("/api/v1/archive"):
            offset = int(path.split("offset=")[1].split("&")[0])
            rows = [{"id": n, "slug": f"p{n}"} for n in range(offset, min(offset + 10, count))]
            return 200, {"ETag": f'"list-{offset}-{count}"'}, json.dumps(rows)
        if path.startswith("/api/v1/posts/"):
            number = int(path.rpartition("p")[2])
            word = "Changed" if number in changed else "Said"
            body = f"<p>{word} {number}.</p>"
            post = {
                "id": number,
                "slug": f"p{number}",
                "title": f"T{number}",
                "body_html": body,
                "audience": "everyone",
            }
            return 200, {"ETag": f'"{word}-{number}"'}, json.dumps(post)
        return 404, {}, ""

    site.anything = answer


def crawled(site, settings, now, **more):
    made = substack_web.crawl(None, site.url)
    return list(made.run("ann", now, OPEN, settings, **more)), made.stats


def test_an_unchanged_source_costs_one_conditional_request_a_page_and_none_is_parsed(site, settings, now):
    archive(site, 25)
    first, stats = crawled(site, settings, now)
    assert len(first) == 25 and (stats["parsed"], stats["unchanged"]) == (25 + 4, 0)
    before = len(site.seen)
    second, stats = crawled(site, settings, now)
    again = [(path, headers) for path, _, headers in site.seen[before:] if path != "/robots.txt"]
    assert sorted(d.id for d in second) == sorted(d.id for d in first)
    assert (stats["parsed"], stats["unchanged"], stats["revalidated"]) == (0, 29, 29)
    assert len(again) == len({path for path, _ in again}) == 29
    assert all("if-none-match" in headers for _, headers in again)


def test_only_what_has_changed_is_read_again(site, settings, now):
    archive(site, 12)
    crawled(site, settings, now)
    archive(site, 13, changed={3})
    found, stats = crawled(site, settings, now)
    # The changed post and the new one, and the end of the list, which moved.
    assert stats["parsed"] == 2 + 2
    assert {d.id: d.text for d in found}["substack:3"] == "Changed 3."
    assert len(found) == 13


def test_a_changed_reader_reads_again_what_is_not_fetched_again(site, settings, now):
    archive(site, 3)
    crawled(site, settings, now)
    made = substack_web.crawl("ann", site.url)
    list(made.run("ann", now, OPEN, settings, source=f"substack_web {made.first[0].url}"))
    assert (made.stats["revalidated"], made.stats["parsed"]) == (5, 5)


def test_a_killed_crawl_goes_on_where_it_was(site, settings, now):
    archive(site, 60)
    made = substack_web.crawl(None, site.url)
    items = made.run("ann", now, OPEN, settings)
    got = [next(items) for _ in range(20)]
    items.close()
    assert len(got) == 20
    answered = len(site.seen)
    assert answered < 55
    documents, stats = crawled(site, settings, now)
    assert len({d.id for d in documents}) == 60
    assert stats["resumed"] >= 20
    after = [path for path, _, _ in site.seen[answered:] if "/posts/" in path]
    assert len(after) <= 60 - 20
    # A run that ended leaves nothing to go on with.
    assert crawled(site, settings, now)[1]["resumed"] == 0


def test_a_failing_crawl_says_so_and_goes_on_where_it_was(site, settings, now):
    archive(site, 30)
    plain = site.anything
    refused = (429, {"Retry-After": "9000"}, "")
    site.anything = lambda path, headers: refused if "offset=20" in path else plain(path, headers)
    with pytest.raises(NetworkError, match=r"150 minutes.*goes on where it stopped"):
        crawled(site, settings, now)
    site.anything = plain
    documents, stats = crawled(site, settings, now)
    assert len(documents) == 30 and stats["resumed"] >= 2


def test_forgetting_leaves_nothing_of_a_source(site, settings, now):
    archive(site, 3)
    crawled(site, settings, now, source="substack:x")
    path = ledger.ledger_path(settings.home, "ann", "substack:x")
    assert path.exists()
    assert ledger.forget(settings.home, "ann", "substack:x")
    assert list(path.parent.iterdir()) == []
    assert not ledger.forget(settings.home, "ann", "substack:x")


def test_a_token_goes_to_its_own_origin_alone_and_is_never_written(site, settings, now):
    other = f"http://localhost:{site.url.rpartition(':')[2]}"
    link = {"Link": f'<{other}/elsewhere>; rel="next"', "ETag": '"1"'}
    site.answers["/users/ann/repos?type=owner&sort=full_name&per_page=100"] = [(200, link, "[]")]
    site.answers["/elsewhere"] = [(200, {"ETag": '"2"'}, "[]")]
    made = github.crawl("ann", site.url, "very-secret", ["readmes"])
    list(made.run("ann", now, OPEN, settings))
    tokens = {path: headers.get("authorization") for path, _, headers in site.seen}
    assert tokens["/users/ann/repos?type=owner&sort=full_name&per_page=100"] == "Bearer very-secret"
    assert tokens["/elsewhere"] is None
    assert not [p for p in settings.home.rglob("*") if p.is_file() and b"very-secret" in p.read_bytes()]


def test_a_renamed_repository_is_followed(site, settings, now):
    row = {"name": "x", "full_name": "ann/x", "owner": {"login": "ann"}, "created_at": "2024-01-01T00:00:00Z"}
    readme = {"path": "README.md", "encoding": "base64", "content": "IyBIaQo=", "html_url": "https://github.com/ann/x"}
    site.answers |= {
        "/users/ann/repos?type=owner&sort=full_name&per_page=100": [(200, {}, json.dumps([row]))],
        "/repos/ann/x/readme": [(301, {"Location": f"{site.url}/repositories/7/readme"}, "")],
        "/repositories/7/readme": [(200, {}, json.dumps(readme))],
    }
    made = github.crawl("ann", site.url, "t", ["readmes"])
    (document,) = made.run("ann", now, OPEN, settings)
    assert document.id == "github:ann/x/README.md"
    assert [h.get("authorization") for p, _, h in site.seen if p == "/repositories/7/readme"] == ["Bearer t"]


def test_a_server_in_trouble_gives_no_leave_to_crawl(site, settings, now):
    site.answers |= {"/robots.txt": [(503, {}, "")], "/feed": [(200, {}, FEED)]}
    with pytest.raises(NetworkError, match=r"robots\.txt can't be reached"):
        crawl(site, settings, now)
    assert "/feed" not in site.paths()


def test_an_api_is_asked_by_its_own_terms(site, settings, now):
    site.answers |= {
        "/robots.txt": [(200, {}, "User-agent: *\nDisallow: /\n")],
        "/users/ann/repos?type=owner&sort=full_name&per_page=100": [(200, {}, "[]")],
    }
    assert list(github.crawl("ann", site.url, "", ["readmes"]).run("ann", now, OPEN, settings)) == []


def test_a_browser_check_is_named_with_the_mend(site, settings, now):
    page = "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>"
    site.answers["/feed"] = [(403, {"Server": "cloudflare", "cf-mitigated": "challenge"}, page)]
    with pytest.raises(NetworkError, match=r"asks for a browser.*Medium.*export"):
        list(medium_feed.crawl(None, site.url).run("ann", now, OPEN, settings))
    site.answers["/feed"] = [(200, {}, page)]
    with pytest.raises(NetworkError, match=r"page for browsers.*wait an hour"):
        list(medium_feed.crawl(None, site.url).run("ann", now, OPEN, settings))


def test_substack_s_feed_stands_in_where_its_api_is_shut(site, settings, now):
    item = (
        "<item><guid isPermaLink='false'>https://x/p/one</guid><link>https://x/p/one</link><title>One</title>"
        "<content:encoded>&lt;p&gt;Whole.&lt;/p&gt;</content:encoded></item>"
        "<item><guid>https://x/p/two</guid><link>https://x/p/two</link><title>Two</title><content:encoded>"
        '&lt;p&gt;Start.&lt;/p&gt;&lt;p&gt;&lt;a href="https://x/p/two"&gt;Read more&lt;/a&gt;&lt;/p&gt;'
        "</content:encoded></item>"
    )
    head = '<rss xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
    site.answers["/feed"] = [(200, {}, f"{head}{item}</channel></rss>")]
    site.anything = lambda path, _: (403 if "/api/" in path else 404, {}, "")
    documents, stats = crawled(site, settings, now)
    assert [(d.id, d.text, d.complete) for d in documents] == [
        ("substack:p/one", "Whole.", True), ("substack:p/two", "Start.", False),
    ]  # fmt: skip
    assert stats["instead"] == 1


def test_substack_s_custom_domain_is_asked_at_once(site, settings, now):
    archive(site, 2)
    plain, port = site.anything, site.url.rpartition(":")[2]
    moved = f"http://localhost:{port}"

    def answer(path, headers):
        if headers["host"].startswith("127."):
            return (404, {}, "") if path == "/robots.txt" else (301, {"Location": f"{moved}{path}"}, "")
        return plain(path, headers)

    site.anything = answer
    documents, _ = crawled(site, settings, now)
    assert len(documents) == 2
    assert [h["host"] for p, _, h in site.seen if "/posts/" in p] == [f"localhost:{port}"] * 2
