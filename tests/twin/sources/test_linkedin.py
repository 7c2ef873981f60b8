"""LinkedIn exports of 2018 to 2026 come back word for word, and nothing but the author's own is opened."""

# Markup stands as the sites write it, in long lines.

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import SourceError
from twin.recognise import recognise
from twin.sources import archive, files, linkedin

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LINK = "https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A7100000000000000001"


def shares(texts: list[str], dialect: str = "A") -> str:
    """Shares.csv as LinkedIn writes it: A wraps every inner line in quotes, B does not, C is tab-separated."""
    out = io.StringIO()
    if dialect == "C":
        head = [
            "Date",
            "Share Title",
            "Share Description",
            "Share Link",
            "Share Commentary",
            "Shared URL",
            "Media URL",
            "Type",
            "Visibility",
        ]
        writer = csv.writer(out, delimiter="\t", quoting=csv.QUOTE_ALL)
        writer.writerow(head)
        for n, text in enumerate(texts):
            writer.writerow(["2017/06/08 08:15:44 UTC", "", "", f"{LINK}{n}", text, "", "", "TEXT", "PUBLIC"])
        return out.getvalue()
    url, media = ("SharedUrl", "MediaUrl") if dialect == "A" else ("SharedURL", "MediaURL")
    writer = csv.writer(out, lineterminator="\n" if dialect == "A" else "\r\n")
    writer.writerow(["Date", "ShareLink", "ShareCommentary", url, media, "Visibility"])
    for n, text in enumerate(texts):
        words = text.replace("\n", '"\n"') if dialect == "A" else text
        writer.writerow(["2025-05-01 10:00:00", f"{LINK}{n}", words, "", "", "MEMBER_NETWORK"])
    return out.getvalue()


def read(text: str) -> list[str]:
    return [getattr(item, "text", "") for item in linkedin.read_shares(text, "Shares.csv", "ann", NOW)]


POST = 'No news.\n\n"Nobody" asked,\nso:\n→ one\n→ two 🎉\n\n#quiet\n'


@pytest.mark.parametrize("dialect", ["A", "B", "C"])
def test_every_dialect_gives_the_text_back_exactly(dialect, pack, now, sort_out):
    data = shares([POST, "One line, with a comma"], dialect)
    body = data.encode("utf-16") if dialect == "C" else data.encode()
    with archive.opened(pack({"Basic_LinkedInDataExport/Shares_155814142.csv": body}), 10) as opened:
        documents, _ = sort_out(linkedin.read_export(opened, "ann", now))
    assert [d.text for d in documents] == [POST, "One line, with a comma"]
    assert documents[0].id == "linkedin:71000000000000000010"
    assert documents[0].register == "post"
    assert documents[0].published_at is not None


TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\0"), min_size=1, max_size=300)


@given(st.lists(TEXT.filter(str.strip), min_size=1, max_size=6), st.sampled_from("ABC"))
def test_text_to_export_and_back(texts, dialect):
    # In dialect B nothing says that quotes around a line end are the author's: that one case can't be told apart.
    if dialect != "A" and any('"\n"' in text for text in texts):
        return
    assert read(shares(texts, dialect)) == texts


def test_a_bare_reshare_is_counted_and_left_out(pack, now, sort_out):
    with archive.opened(pack({"Shares.csv": shares(["", "mine"])}), 10) as opened:
        documents, skipped = sort_out(linkedin.read_export(opened, "ann", now))
    assert [d.text for d in documents] == ["mine"]
    assert [s.reason for s in skipped] == ["a reshare without words of one's own"]


def test_comments_with_backslash_quotes_are_replies():
    text = (
        "Date,Link,Message\n"
        '2025-01-02 03:04:05,https://www.linkedin.com/feed/update/urn%3Ali%3Aactivity%3A1,"Bo said \\"no\\", twice.\nThen left."\n'
        "2025-01-01 03:04:05,https://www.linkedin.com/feed/update/urn%3Ali%3Aactivity%3A2,plain\n"
    )
    documents = list(linkedin.read_comments(text, "Comments.csv", "ann", NOW))
    assert [d.text for d in documents] == ['Bo said "no", twice.\nThen left.', "plain"]
    assert {d.register for d in documents} == {"reply"}


def test_a_comments_unquoted_lines_run_on():
    text = "Date,Link,Message\r\n2021-01-02 03:04:05,https://l/1,Hi Bo, well done\r\n\r\nI mean it, truly\r\n,https://l/2,no date\r\n"
    documents = list(linkedin.read_comments(text, "Comments.csv", "ann", NOW))
    assert [d.text for d in documents] == ["Hi Bo, well done\n\nI mean it, truly", "no date"]
    assert documents[1].published_at is None


ARTICLE = """<html><body><h1><a href="https://www.linkedin.com/pulse/why-tides-ann">Why tides</a></h1>
<p class="created">Created on 2026-04-24 11:17</p><p class="published">Published on {when}</p>
<div><p>First <b>one</b>.</p><blockquote>Others</blockquote><ul><li>a</li><li>b</li></ul></div></body></html>"""


def test_articles_are_read_and_drafts_are_not(pack, now, sort_out):
    files = {
        "Articles/Articles/a.html": ARTICLE.format(when="2026-04-24 11:20"),
        "Articles/Articles/b.html": ARTICLE.format(when="---"),
        "Shares.csv": shares(["x"]),
    }
    with archive.opened(pack(files), 10) as opened:
        documents, skipped = sort_out(linkedin.read_export(opened, "ann", now))
    article = next(d for d in documents if d.register == "article")
    assert article.text == "First **one**.\n\n> Others\n\n- a\n- b"
    assert (article.id, article.title) == ("linkedin:article:why-tides-ann", "Why tides")
    assert article.published_at == datetime(2026, 4, 24, 11, 20, tzinfo=UTC)
    assert [s.reason for s in skipped] == ["an article that was not published"]


def test_other_peoples_files_are_never_opened(pack, now, sort_out):
    path = pack(
        {"Shares.csv": shares(["x"]), "messages.csv": "secret", "Connections.csv": "secret", "Profile.csv": "secret"}
    )
    with archive.opened(path, 10) as opened:
        sort_out(linkedin.read_export(opened, "ann", now))
        assert set(opened.digests) == {"Shares.csv"}


def test_folder_and_zip_give_the_same_documents(tmp_path, pack, now, sort_out):
    folder = tmp_path / "Complete_LinkedInDataExport"
    folder.mkdir()
    (folder / "Shares.csv").write_text(shares([POST]), newline="")
    with archive.opened(folder, 10) as opened:
        one, _ = sort_out(linkedin.read_export(opened, "ann", now))
    with archive.opened(pack({"Shares.csv": shares([POST])}), 10) as opened:
        other, _ = sort_out(linkedin.read_export(opened, "ann", now))
    assert one == other


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("other.csv", "a,b\n1,2\n", "this is no LinkedIn export"),
        ("Shares.csv", "a,b\n1,2\n", "lacks its columns"),
        ("Comments.csv", "a,b\n1,2\n", "lacks its columns"),
        ("Shares.csv", b"\x00\x01\x02\x03" * 50 + b"\xff" * 900, "can't be read"),
        (
            "Shares.csv",
            'Date,ShareLink,ShareCommentary\n2025-01-01 00:00:00,l,"' + "x y z" * (2 * 2**20),
            "can't be read|far more",
        ),
    ],
)
def test_an_unreadable_export_says_so(name, content, says, pack, now, sort_out):
    with archive.opened(pack({name: content}), 100) as opened, pytest.raises(SourceError, match=says):
        sort_out(linkedin.read_export(opened, "ann", now))


@pytest.mark.parametrize(
    ("link", "number"),
    [
        ("https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A7123", "7123"),
        ("https://www.linkedin.com/feed/update/urn:li:ugcPost:7123/", "7123"),
        ("https://www.linkedin.com/feed/update/urn%253Ali%253Aactivity%253A7123", "7123"),
        ("https://www.linkedin.com/feed/update/urn%3Ali%3AgroupPost%3A55-7123", "55-7123"),
        ("https://www.linkedin.com/posts/ann-b_tides-activity-7100000000000000009-Ab1c", "7100000000000000009"),
        ("https://www.linkedin.com/in/ann", ""),
    ],
)
def test_a_post_has_one_number_whatever_its_links_form(link, number):
    assert linkedin.share_id(link) == number


def test_a_row_of_the_api_gives_the_exports_document():
    row = {"Date": "2025-05-01 10:00:00", "ShareLink": LINK + "0", "ShareCommentary": "One\n\ntwo", "MediaUrl": None}
    (from_export,) = linkedin.read_shares(shares(["One\n\ntwo"]), "Shares.csv", "ann", NOW)
    assert linkedin.share_document(row, "ann", NOW) == from_export


def test_headers_in_another_language_are_known_by_what_stands_below_them():
    text = "Datum,Länk,Kommentar,Delad URL,Media,Synlighet\n" + shares(["Hej på er\n\nallihop"]).split("\n", 1)[1]
    assert read(text) == ["Hej på er\n\nallihop"]


def test_shares_that_lost_their_quotes_run_on():
    text = (
        "Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility\n"
        f"2025-05-01 10:00:00,{LINK}0,First line\n\nand the, last,,,MEMBER_NETWORK\n"
        f"2025-04-01 10:00:00,{LINK}1,other,,,PUBLIC\n"
    )
    assert read(text) == ["First line\n\nand the, last", "other"]


def test_a_text_with_a_photo_is_one_document(pack, now, sort_out):
    said = "You uploaded a feed photo on February 28, 2024 at 1:44 PM (GMT)"
    rich = (
        "Date/Time,Media Description,Media Link\n"
        f'"{said}","A walk along\n\nthe old quay, at last",https://m/1\n'
        f'"{said}",Only here are these six words,https://m/2\n'
        f'"{said}",昨日は港を歩いてきました,https://m/4\n'
        '"You uploaded a profile photo on May 2, 2021 at 9:05 AM (GMT)",,https://m/3\n'
    )
    files = {"Shares.csv": shares(["A walk along\n\nthe old quay, at last"]), "Rich_Media.csv": rich}
    with archive.opened(pack(files), 10) as opened:
        documents, skipped = sort_out(linkedin.read_export(opened, "ann", now))
    assert [d.text for d in documents] == [
        "A walk along\n\nthe old quay, at last", "Only here are these six words", "昨日は港を歩いてきました",
    ]  # fmt: skip
    assert documents[1].published_at == datetime(2024, 2, 28, 13, 44, tzinfo=UTC)
    assert [s.reason for s in skipped] == ["also in Shares.csv", "a picture or file without a post's words"]


def test_the_list_of_media_without_texts_is_named(pack, now, sort_out):
    files = {"Shares.csv": shares(["x"]), "Rich Media.csv": "Type,Link\nPHOTO,https://m/1\n"}
    with archive.opened(pack(files), 10) as opened:
        documents, skipped = sort_out(linkedin.read_export(opened, "ann", now))
    assert len(documents) == 1
    assert skipped[0].reason == "a list of media without texts"


def test_one_broken_file_leaves_the_others_readable(pack, now, sort_out):
    files = {"Shares.csv": shares(["x"]), "Comments.csv": "what,is,this,now\n1,2,3,4\n"}
    with archive.opened(pack(files), 10) as opened:
        documents, skipped = sort_out(linkedin.read_export(opened, "ann", now))
    assert [d.text for d in documents] == ["x"]
    assert skipped[0].reason == "unreadable: a table lacks its columns"
    assert "Comments.csv" in skipped[0].what


def test_an_article_without_dates_or_a_box_is_read_whole(pack, now, sort_out):
    page = (
        "<html><head><title>Växthus</title><style>p{}</style></head><body>"
        "<h1><a href='https://www.linkedin.com/pulse/vaxthus-7n5pe'>Växthus</a></h1><p>En.</p><p>Två.</p></body></html>"
    )
    files = {"Articles/växthus-7n5pe.html": page, "Articles/2021-03-01 18:02:54.0-Draft.html": page}
    with archive.opened(pack(files), 10) as opened:
        documents, skipped = sort_out(linkedin.read_export(opened, "ann", now))
    assert [(d.id, d.title, d.text) for d in documents] == [
        ("linkedin:article:vaxthus-7n5pe", "Växthus", "En.\n\nTvå.")
    ]
    assert [s.reason for s in skipped] == ["an article that was not published"]


COMMENTS = (
    "Datum,Link,Nachricht\n2025-01-02 03:04:05,https://www.linkedin.com/feed/update/urn%3Ali%3Aactivity%3A1,Danke!\n"
)
POSTED = '"Bonjour.""\n""""\n""À demain"'


@pytest.mark.parametrize("names", [("Beiträge.csv", "Kommentare.csv"), ("投稿.csv", "コメント.csv")])
@pytest.mark.parametrize(
    "head", ["Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility", "日付,リンク,本文,共有,画像,範囲"]
)
def test_an_export_in_another_language_is_told_by_what_stands_in_it(names, head, pack, now, sort_out):
    table = f"{head}\n2025-05-01 10:00:00,{LINK},{POSTED},,,MEMBER_NETWORK\n"
    path = pack({names[0]: table, names[1]: COMMENTS, "messages.csv": COMMENTS})
    assert recognise(str(path))["kind"] == "linkedin"
    with archive.opened(path, 10) as opened:
        documents, _ = sort_out(linkedin.read_export(opened, "ann", now))
        assert "messages.csv" not in opened.digests
    assert [(d.register, d.text) for d in documents] == [("post", "Bonjour.\n\nÀ demain"), ("reply", "Danke!")]


def test_empty_lines_that_share_their_quotes_are_empty_lines():
    texts = read(f'Date,ShareLink,ShareCommentary\n2025-05-01 10:00:00,{LINK},"a""\n""\n""b"\n')
    assert texts == ["a\n\nb"]


def test_the_parts_of_an_export_in_one_folder_are_one_export(tmp_path, pack, now, sort_out):
    place = tmp_path / "downloads (2)"
    place.mkdir()
    pack({"Shares.csv": shares([POST])}).rename(place / "Complete_LinkedInDataExport_1.zip")
    pack({"Articles/a.html": ARTICLE.format(when="2026-04-24")}).rename(place / "Complete_LinkedInDataExport_2.zip")
    assert recognise(str(place))["kind"] == "linkedin"
    with archive.opened(place, 10) as opened:
        documents, _ = sort_out(linkedin.read_export(opened, "ann", now))
        first = opened.sha256()
    assert [d.register for d in documents] == ["post", "article"]
    with archive.opened(pack({"inner.zip": (place / "Complete_LinkedInDataExport_1.zip").read_bytes()}), 10) as opened:
        assert [d.text for d in sort_out(linkedin.read_export(opened, "ann", now))[0]] == [POST]
        assert opened.sha256() != first


def test_a_part_with_others_messages_alone_is_no_table_of_texts(pack, now, sort_out):
    path = pack(
        {"messages.csv": "CONVERSATION ID,CONVERSATION TITLE,FROM,DATE,SUBJECT,CONTENT\n1,x,Bo,2020-01-01,s,Theirs\n"}
    )
    assert recognise(str(path))["kind"] == "linkedin"
    with archive.opened(path, 10) as opened, pytest.raises(SourceError, match="no LinkedIn export"):
        sort_out(linkedin.read_export(opened, "ann", now))


def test_an_article_alone_or_among_other_files_is_the_same_article(tmp_path, now, sort_out):
    page = tmp_path / "Warum.html"
    page.write_text(
        ARTICLE.format(when="2026-04-24 11:20").replace("Published on", "Veröffentlicht am"), encoding="utf-8"
    )
    assert recognise(str(page))["kind"] == "linkedin"
    with archive.opened(page, 10) as opened:
        (alone,), _ = sort_out(linkedin.read_export(opened, "ann", now))
    (tmp_path / "note.md").write_text("A note.")
    assert recognise(str(tmp_path))["kind"] == "files"
    with archive.opened(tmp_path, 10) as opened:
        among, _ = sort_out(files.read_files(opened, "ann", now, "texts"))
    assert alone in among
    assert (alone.id, alone.text[:14]) == ("linkedin:article:why-tides-ann", "First **one**.")
