"""The archives give back the exact texts, and the texts are what the README says they are."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import timedelta
from itertools import chain
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from examples import linkedin
from examples.author import LINKEDIN_MEMBER_ID, SAMPLE
from examples.build import build_all, build_linkedin, build_medium, main
from examples.markup import blocks
from examples.texts import Text, load_comments, load_repos, load_reshares, load_texts, of_kind

TURNS = {
    "here is the part nobody puts on the slide",
    "i wrote it down so i would stop saying it",
    "small thing big thing",
    "boring wins boring always docks",
    "not a metaphor ok a metaphor",
    "ask me how i know",
    "tide s turning",
}


@pytest.fixture(scope="module")
def texts() -> list[Text]:
    return load_texts(SAMPLE)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("inbox")
    build_all(SAMPLE, out)
    return out


@pytest.fixture(scope="module")
def export(built: Path) -> dict[str, str]:
    return contents(built / "linkedin_export.zip")


@pytest.fixture(scope="module")
def pages(built: Path) -> dict[str, str]:
    return contents(built / "medium_export.zip")


def contents(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


def shares(export: dict[str, str]) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(export[f"Shares_{LINKEDIN_MEMBER_ID}.csv"])))
    return [row | {"ShareCommentary": re.sub(r'"\n"', "\n", row["ShareCommentary"])} for row in rows]


def words(text: str) -> int:
    return len(text.split())


def prose(text: Text) -> str:
    return "\n".join(block.text for block in blocks(text.body) if block.kind != "pre")


# --- the archives as files


def test_two_builds_give_the_same_bytes_and_leave_nothing_else(built: Path, tmp_path: Path) -> None:
    again = build_all(SAMPLE, tmp_path)
    assert [path.read_bytes() for path in again] == [(built / path.name).read_bytes() for path in again]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["linkedin_export.zip", "medium_export.zip"]


def test_entries_are_sorted_and_bear_one_time(built: Path) -> None:
    for path in built.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            assert archive.namelist() == sorted(archive.namelist())
            assert {entry.date_time for entry in archive.infolist()} == {(2026, 10, 1, 0, 0, 0)}


def test_main_prints_the_paths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path / "new")]) == 0
    assert [Path(line).is_file() for line in capsys.readouterr().out.splitlines()] == [True, True]


def test_a_folder_without_texts_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path / "out"), "--source", str(tmp_path)]) == 2
    assert "holds no posts" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"holds no medium"):
        build_medium(tmp_path, tmp_path / "m.zip")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("broken", ["just words\n", "---\nslug: a\n---\nwords\n", "---\ndate: soon\n---\nwords\n"])
def test_a_post_without_a_date_is_named(tmp_path: Path, broken: str) -> None:
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts" / "one.md").write_text(broken, encoding="utf-8")
    with pytest.raises(ValueError, match=r"one\.md"):
        build_linkedin(tmp_path, tmp_path / "out.zip")


# --- LinkedIn


def test_unwrapped_shares_are_the_exact_posts_newest_first(export: dict[str, str], texts: list[Text]) -> None:
    rows = shares(export)
    posts = {f"{post.date:%Y-%m-%d %H:%M:%S}": post.body for post in of_kind(texts, "post")}
    assert list(rows[0]) == ["Date", "ShareLink", "ShareCommentary", "SharedUrl", "MediaUrl", "Visibility"]
    assert {row["Date"]: row["ShareCommentary"] for row in rows if row["ShareCommentary"]} == posts
    assert [row["Date"] for row in rows] == sorted((row["Date"] for row in rows), reverse=True)


def test_every_inner_line_end_is_wrapped_in_the_raw_file(export: dict[str, str], texts: list[Text]) -> None:
    raw = export[f"Shares_{LINKEDIN_MEMBER_ID}.csv"]
    post = of_kind(texts, "post")[0]
    first, second = post.body.split("\n\n")[:2]
    assert f'"{first}""\n""""\n""{second.split(chr(10))[0]}' in raw
    assert "\r" not in raw and not raw.startswith("\ufeff")
    assert all(len(row["ShareCommentary"]) <= 3000 for row in shares(export))


def test_bare_reshares_have_no_words(export: dict[str, str]) -> None:
    bare = [row for row in shares(export) if not row["ShareCommentary"]]
    assert sorted(row["Date"] for row in bare) == [f"{r.date:%Y-%m-%d %H:%M:%S}" for r in load_reshares(SAMPLE)]
    assert len(bare) == 3 and all(row["SharedUrl"] for row in bare)


def test_share_links_are_urns_and_differ(export: dict[str, str]) -> None:
    links = [row["ShareLink"] for row in shares(export)]
    shape = r"https://www\.linkedin\.com/feed/update/urn%3Ali%3A(share|ugcPost)%3A\d{19}"
    assert len(set(links)) == len(links) and all(re.fullmatch(shape, link) for link in links)


def test_comments_escape_their_quotes_by_backslash(export: dict[str, str]) -> None:
    raw = export[f"Comments_{LINKEDIN_MEMBER_ID}.csv"]
    rows = list(csv.DictReader(io.StringIO(raw), escapechar="\\"))
    written = load_comments(SAMPLE)
    assert [row["Message"] for row in reversed(rows)] == [comment.text for comment in written]
    assert len(written) == 8 and '\\"it growled at me\\"' in raw and '""' not in raw


def test_words_of_others_are_in_the_files_to_leave_alone(export: dict[str, str]) -> None:
    private = export["Connections.csv"] + export["messages.csv"]
    own = export[f"Shares_{LINKEDIN_MEMBER_ID}.csv"] + export[f"Comments_{LINKEDIN_MEMBER_ID}.csv"]
    assert all(mark in private and mark not in own for mark in linkedin.THIRD_PARTY)
    assert export["Connections.csv"].split("\n")[0] == "Notes:"
    assert export["Connections.csv"].split("\n")[3].startswith("First Name,Last Name,URL")
    assert export["Profile.csv"].startswith("First Name,Last Name,Maiden Name,Address,Birth Date")
    assert "You uploaded a feed photo on " in export["Rich_Media.csv"]


# --- Medium


def grafs(page: str) -> list[Tag]:
    soup = BeautifulSoup(page, "lxml")
    for line_break in soup.find_all("br"):
        line_break.replace_with("\n")
    return soup.select('section[data-field="body"] .graf')


def page_of(pages: dict[str, str], text: Text) -> tuple[str, str]:
    return next((name, page) for name, page in pages.items() if text.meta["id"] in name)


def test_article_pages_hold_the_exact_texts(pages: dict[str, str], texts: list[Text]) -> None:
    for article in of_kind(texts, "article"):
        name, page = page_of(pages, article)
        soup = BeautifulSoup(page, "lxml")
        written = [b for b in blocks(article.body) if b.kind != "divider"]
        lines = list(chain.from_iterable(re.findall(r".+", b.text) if b.kind == "quote" else [b.text] for b in written))
        title, *rest = grafs(page)
        assert re.fullmatch(rf"posts/{article.date:%Y-%m-%d}_[\w-]+-{article.meta['id']}\.html", name)
        assert "graf--title" in title["class"] and title.text == article.title
        assert [graf.text for graf in rest] == [re.sub("[`*]", "", line) for line in lines]
        assert soup.select_one("h1.p-name").text == article.title  # type: ignore[union-attr]
        assert soup.select_one(".p-summary").text.strip() == article.meta["subtitle"]  # type: ignore[union-attr]
        assert soup.select_one("time.dt-published")["datetime"] == f"{article.date:%Y-%m-%dT%H:%M:%S}.000Z"  # type: ignore[index]
        assert str(soup.select_one("a.p-canonical")["href"]).endswith(article.meta["id"])  # type: ignore[index]


def test_sections_are_nested_one_for_each_divider(pages: dict[str, str], texts: list[Text]) -> None:
    counts = []
    for article in of_kind(texts, "article"):
        soup = BeautifulSoup(page_of(pages, article)[1], "lxml")
        counts.append(len(soup.select("section.e-content > section.section--body")))
        assert counts[-1] == 1 + sum(block.kind == "divider" for block in blocks(article.body))
    assert max(counts) > 1


def test_the_draft_has_neither_time_nor_canonical_link(pages: dict[str, str]) -> None:
    [draft] = [page for name, page in pages.items() if name.startswith("posts/draft_")]
    assert "dt-published" not in draft and "p-canonical" not in draft and "View original" in draft


def test_the_response_has_no_title_graf(pages: dict[str, str], texts: list[Text]) -> None:
    [response] = of_kind(texts, "response")
    page = page_of(pages, response)[1]
    assert "graf--title" not in page and "p-summary" not in page
    assert grafs(page)[0].text.startswith(response.title)


def test_other_pages_are_there(pages: dict[str, str], texts: list[Text]) -> None:
    assert {"README.html", "profile/profile.html"} < set(pages)
    assert len(pages) == 2 + len(of_kind(texts, "article")) + 2


# --- the texts


def test_there_is_enough_to_learn_from(texts: list[Text]) -> None:
    posts = of_kind(texts, "post")
    assert sum(100 <= words(post.body) <= 250 for post in posts) >= 60
    free = [letter for letter in of_kind(texts, "letter") if letter.meta["audience"] == "everyone"]
    long = of_kind(texts, "article") + free
    assert len(long) == 8 and all(700 <= words(text.body) <= 1200 for text in long)
    assert posts[-1].date - posts[0].date > timedelta(days=913)


def test_one_letter_is_for_paying_readers(texts: list[Text]) -> None:
    assert [t.meta["audience"] for t in of_kind(texts, "letter")].count("only_paid") == 1


def test_repositories_are_six_of_her_own_a_fork_and_a_generated_one(texts: list[Text]) -> None:
    rows = load_repos(SAMPLE)
    own = {row["name"] for row in rows if not row["fork"] and not row["generated"]}
    readmes = {text.name: text.body for text in of_kind(texts, "readme")}
    assert set(readmes) == {row["name"] for row in rows}
    assert len(own) == 6 and all(100 <= words(readmes[name]) <= 350 for name in own)
    assert sum(row["fork"] for row in rows) == 1
    [generated] = [row["name"] for row in rows if row["generated"]]
    assert "generated by" in readmes[generated].splitlines()[0]


def test_ids_differ(texts: list[Text]) -> None:
    ids = [str(text.meta["id"]) for text in texts if text.kind not in ("post", "readme")]
    assert len(set(ids)) == len(ids)
    assert len({text.date for text in texts}) == len(texts)


def test_every_text_keeps_to_the_voice(texts: list[Text]) -> None:
    for text in texts:
        if text.meta.get("fork") or text.meta.get("generated"):
            continue
        found = re.findall(r"[—–…;•🚀🔥💡👇]|\.\.\.|(?m:^- )", prose(text))
        assert not found, f"{text.kind} {text.name}: {found}"


def test_no_sentence_is_said_twice(texts: list[Text]) -> None:
    said: dict[str, str] = {}
    for text in texts:
        for sentence in re.split(r"(?<=[.!?])[\"')]*\s+|\n+", prose(text)):
            plain = " ".join(re.findall(r"\w+", sentence.lower()))
            if len(plain.split()) < 5 or plain in TURNS:
                continue
            assert said.setdefault(plain, text.name) == text.name, f"{text.name} and {said[plain]}: {sentence}"


def test_the_readme_labels_everything_as_fictional() -> None:
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert "**Juno Marsh is fictional.**" in readme
    assert "written by us for this project" in readme and "Apache License 2.0" in readme
    for entry in SAMPLE.iterdir():
        name = f"{entry.name}/" if entry.is_dir() else entry.name
        assert entry.name == "README.md" or f"`{name}`" in readme, f"the README doesn't mention {name}"
