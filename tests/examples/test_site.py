"""The loopback site answers in the documented shapes of Substack and GitHub, and injects failures on demand."""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import httpx
import pytest
from bs4 import BeautifulSoup

from examples.author import GITHUB_USER, SAMPLE
from examples.site import BaseURL, serve
from examples.texts import Text, load_repos, load_texts, of_kind

ROOT = Path(__file__).parents[2]
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
USER = f"/github/users/{GITHUB_USER}"


@pytest.fixture
def site() -> Iterator[BaseURL]:
    with serve() as base:
        yield base


@pytest.fixture
def http(site: BaseURL) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site, timeout=10) as client:
        yield client


@pytest.fixture(scope="module")
def texts() -> list[Text]:
    return load_texts(SAMPLE)


def plain(body_html: str) -> str:
    soup = BeautifulSoup(body_html, "lxml")
    for chrome in soup.select(".subscription-widget-wrap-editor, .button-wrapper"):
        chrome.decompose()
    return soup.get_text(" ")


def counted(text: str) -> int:
    return sum(1 for word in text.split() if re.search(r"\w", word))


# --- Substack


def test_robots_allow_feed_and_api_only_where_substack_does(http: httpx.Client) -> None:
    rules = RobotFileParser()
    rules.parse(http.get("/robots.txt").text.splitlines())
    assert rules.can_fetch("twin", "/substack/feed") and rules.can_fetch("twin", "/substack/api/v1/archive")
    assert rules.can_fetch("twin", f"{USER}/repos")
    assert not rules.can_fetch("twin", "/substack/feed/private") and not rules.can_fetch("twin", "/substack/subscribe")


def test_archive_pages_through_bare_arrays_without_bodies(http: httpx.Client, texts: list[Text]) -> None:
    found: list[dict[str, object]] = []
    while page := http.get(
        "/substack/api/v1/archive", params={"sort": "new", "search": "", "offset": len(found), "limit": 2}
    ).json():
        assert isinstance(page, list) and len(page) <= 2
        found += page
    assert [post["slug"] for post in found] == [t.meta["slug"] for t in reversed(of_kind(texts, "letter"))]
    assert all(post["body_html"] is None and post["type"] == "newsletter" for post in found)
    assert http.get("/substack/api/v1/archive?sort=search").status_code == 400
    assert http.get("/substack/api/v1/archive?limit=many").status_code == 400


def test_a_free_post_is_whole_and_carries_chrome_to_drop(http: httpx.Client, texts: list[Text]) -> None:
    for letter in of_kind(texts, "letter"):
        if letter.meta["audience"] != "everyone":
            continue
        post = http.get(f"/substack/api/v1/posts/{letter.meta['slug']}").json()
        assert post["title"] == letter.title and post["id"] == letter.meta["id"]
        assert post["post_date"] == f"{letter.date:%Y-%m-%dT%H:%M:%S}.000Z"
        assert BeautifulSoup(post["body_html"], "lxml").select_one(".subscription-widget form")
        assert re.sub(r"\s", "", plain(post["body_html"])) == re.sub(r"(?m)\s|^###|^```\w*|^>", "", letter.body)
        assert counted(plain(post["body_html"])) == post["wordcount"]


def test_the_paid_post_is_a_preview_that_only_its_word_count_betrays(http: httpx.Client, texts: list[Text]) -> None:
    [letter] = [t for t in of_kind(texts, "letter") if t.meta["audience"] == "only_paid"]
    post = http.get(f"/substack/api/v1/posts/{letter.meta['slug']}").json()
    shown = plain(post["body_html"])
    assert post["audience"] == "only_paid" and "Read more" not in shown
    assert 0.29 <= counted(shown) / post["wordcount"] <= 0.44
    assert letter.body.splitlines()[-1] not in shown


def test_the_feed_holds_free_posts_whole_and_marks_the_preview(http: httpx.Client, texts: list[Text]) -> None:
    items = ElementTree.fromstring(http.get("/substack/feed").content).findall("channel/item")
    assert len(items) == len(of_kind(texts, "letter"))
    for item in items:
        letter = next(t for t in of_kind(texts, "letter") if t.title == item.findtext("title"))
        body = str(item.findtext(CONTENT))
        guid = item.find("guid")
        assert guid is not None and guid.get("isPermaLink") == "false" and guid.text == item.findtext("link")
        assert body.endswith(">Read more</a></p>") is (letter.meta["audience"] == "only_paid")
        assert letter.body.splitlines()[0] in BeautifulSoup(body, "lxml").text


@pytest.mark.parametrize("path", ["/substack/feed", "/substack/api/v1/archive", "/substack/api/v1/posts/seven-winters"])
def test_substack_answers_304_to_what_the_caller_has(http: httpx.Client, path: str) -> None:
    first = http.get(path)
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    assert etag.startswith('W/"')
    for headers in ({"If-None-Match": etag}, {"If-None-Match": f'"other", {etag}'}, {"If-Modified-Since": modified}):
        again = http.get(path, headers=headers)
        assert again.status_code == 304 and not again.content and again.headers["etag"] == etag
    stale = {"If-None-Match": '"other"', "If-Modified-Since": modified}
    assert http.get(path, headers=stale).status_code == 200
    assert http.get(path, headers={"If-Modified-Since": "no date"}).status_code == 200


def test_what_is_not_there_is_404(http: httpx.Client) -> None:
    for path in (
        "/",
        "/substack/api/v1/posts/none",
        "/github/users/someone",
        f"/github/repos/{GITHUB_USER}/none/readme",
    ):
        assert http.get(path).status_code == 404


# --- GitHub


def test_repositories_page_by_link_header(http: httpx.Client) -> None:
    url: str | None = f"{USER}/repos?per_page=3"
    pages = []
    while url:
        answer = http.get(url)
        pages.append(answer.json())
        url = answer.links.get("next", {}).get("url")
        assert ("last" in answer.links) is (url is not None) and ("first" in answer.links) is (len(pages) > 1)
    names = [repo["full_name"] for page in pages for repo in page]
    assert [len(page) for page in pages] == [3, 3, 2]
    assert names == sorted(f"{GITHUB_USER}/{row['name']}" for row in load_repos(SAMPLE))
    assert "link" not in http.get(f"{USER}/repos").headers
    assert http.get(f"{USER}/repos?page=9").json() == []


def test_repositories_say_fork_and_dates(http: httpx.Client) -> None:
    known = {row["name"]: row for row in load_repos(SAMPLE)}
    for repo in http.get(f"{USER}/repos", params={"sort": "pushed"}).json():
        row = known[repo["name"]]
        assert repo["fork"] is row["fork"] and repo["description"] == row["description"]
        assert repo["created_at"] == f"{row['created_at']:%Y-%m-%dT%H:%M:%SZ}"
        assert http.get(repo["url"]).json() == repo
    pushed = [repo["pushed_at"] for repo in http.get(f"{USER}/repos?sort=pushed").json()]
    assert pushed == sorted(pushed, reverse=True)
    assert http.get(USER).json()["public_repos"] == len(known)


def test_readmes_come_as_base64_in_lines_of_60_or_raw(http: httpx.Client, texts: list[Text]) -> None:
    for text in of_kind(texts, "readme"):
        path = f"/github/repos/{GITHUB_USER}/{text.name}/readme"
        found = http.get(path).json()
        lines = found["content"].split("\n")
        data = base64.b64decode(found["content"])
        assert found["encoding"] == "base64" and found["size"] == len(data)
        assert all(len(line) == 60 for line in lines[:-2]) and lines[-1] == ""
        assert data.decode("utf-8") == text.body + "\n"
        assert http.get(path, headers={"Accept": "application/vnd.github.raw"}).content == data
        assert http.get(found["download_url"]).content == data


def test_the_gist_can_be_read(http: httpx.Client, texts: list[Text]) -> None:
    [gist] = http.get(f"{USER}/gists").json()
    [file] = gist["files"].values()
    assert gist["public"] and file["filename"] == "before-coffee.md"
    assert http.get(file["raw_url"]).text == of_kind(texts, "gist")[0].body + "\n"


def test_etags_differ_by_token_and_304_is_free_only_with_one(http: httpx.Client) -> None:
    token = {"Authorization": "Bearer t"}
    plain_answer, with_token = http.get(USER), http.get(USER, headers=token)
    assert plain_answer.headers["etag"] != with_token.headers["etag"]
    assert (plain_answer.headers["x-ratelimit-limit"], with_token.headers["x-ratelimit-limit"]) == ("60", "5000")
    used = int(with_token.headers["x-ratelimit-used"])
    free = http.get(USER, headers=token | {"If-None-Match": with_token.headers["etag"]})
    paid = http.get(USER, headers={"If-None-Match": plain_answer.headers["etag"]})
    assert (free.status_code, paid.status_code) == (304, 304)
    assert int(free.headers["x-ratelimit-used"]) == used and int(paid.headers["x-ratelimit-used"]) == used + 1
    assert int(paid.headers["x-ratelimit-remaining"]) == 60 - used - 1
    assert int(paid.headers["x-ratelimit-reset"]) > time.time()


# --- the server


def test_failures_are_injected_once_and_where_told(site: BaseURL, http: httpx.Client) -> None:
    site.fail_next(429, {"Retry-After": "2"})
    site.fail_next(500, under="/github", times=2)
    limited = http.get("/substack/feed")
    assert limited.status_code == 429 and limited.headers["retry-after"] == "2"
    assert [http.get(path).status_code for path in ("/substack/feed", USER, USER, USER)] == [200, 500, 500, 200]


def test_requests_are_kept_for_assertions(site: BaseURL, http: httpx.Client) -> None:
    http.get("/substack/feed?x=1", headers={"User-Agent": "twin/1"})
    http.head("/nope")
    first, second = site.requests_seen
    assert (first.method, first.path, first.status) == ("GET", "/substack/feed?x=1", 200)
    assert first.headers["user-agent"] == "twin/1"
    assert (second.method, second.status) == ("HEAD", 404)


def test_it_listens_on_loopback_only_and_is_gone_afterwards() -> None:
    with serve() as base:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", base)
        assert base.site.server_address[0] == "127.0.0.1"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{base}/robots.txt")


def test_as_a_program_it_says_where_it_is_and_stops_on_sigterm(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", "examples.site", "--port", "0", "--ready-file", str(ready)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            base = process.stdout.readline().strip()
            assert ready.read_text(encoding="utf-8") == f"{base}\n"
            assert httpx.get(f"{base}/substack/feed").status_code == 200
            taken = [*command[:4], base.rsplit(":", 1)[1]]
            assert subprocess.run(taken, cwd=ROOT, capture_output=True, timeout=60).returncode == 2
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(timeout=10) == 0
        finally:
            process.kill()
    assert not ready.exists()
