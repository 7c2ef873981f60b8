"""An X archive gives the author's words: threads whole, long posts whole, nobody else's."""

from __future__ import annotations

import json

import pytest

from twin.errors import SourceError
from twin.sources import archive, x

STAMP = "Sun Jun 14 12:03:41 +0000 2026"


def tweet(number, text, **more):
    return {"tweet": {"id_str": str(number), "created_at": STAMP, "full_text": text} | more}


def script(name, rows):
    return f"window.YTD.{name}.part0 = " + json.dumps(rows)


def read(files, pack, now, sort_out):
    with archive.opened(pack(files), 10) as opened:
        return sort_out(x.read_export(opened, "ann", now))


def test_threads_are_joined_replies_told_and_reposts_left_out(pack, now, sort_out):
    short = {"urls": [{"url": "https://t.co/a", "expanded_url": "https://tides.example/x"}]}
    rows = [
        tweet(1, "One &amp; two\nlines https://t.co/a https://t.co/m", entities=short | {"media": [{"url": "https://t.co/m"}]}),
        tweet(2, "and more", in_reply_to_status_id_str="1", in_reply_to_user_id_str="9"),
        tweet(3, "@bo thank you", in_reply_to_status_id_str="77", in_reply_to_user_id_str="5", display_text_range=["4", "13"]),
        tweet(4, "RT @bo: not mine"),
    ]  # fmt: skip
    account = script("account", [{"account": {"username": "ann", "accountId": "9"}}])
    files = {"data/tweets.js": script("tweets", rows), "data/account.js": account, "data/direct-messages.js": "secret"}
    documents, skipped = read(files, pack, now, sort_out)
    assert [(d.id, d.register, d.text) for d in documents] == [
        ("x:1", "post", "One & two\nlines https://tides.example/x\n\nand more"),
        ("x:3", "reply", "thank you"),
    ]
    assert documents[0].url == "https://x.com/ann/status/1"
    assert [s.reason for s in skipped] == ["a repost of others' words"]


def test_others_words_quoted_by_hand_are_left_out(pack, now, sort_out):
    said = ["So true “@bo: not mine”", '"@bo: nor "this" either" yes!', "MT @bo: not mine", "Look: RT @bo: not mine"]
    files = {"tweets.js": script("tweets", [tweet(place, text) for place, text in enumerate(said, 1)])}
    documents, _ = read(files, pack, now, sort_out)
    assert [d.text.strip() for d in documents] == ["So true", "yes!", "Look:"]


def test_a_long_post_is_whole(pack, now, sort_out):
    whole = "This is a long post that was cut right about here, and goes on.\n\nTo its end."
    note = {"noteTweet": {"noteTweetId": "5", "createdAt": "2026-06-14T12:03:41.000Z", "core": {"text": whole}}}
    files = {
        "data/tweets.js": script("tweets", [tweet(1, "This is a long post that was cut right about… https://t.co/z")]),
        "data/note-tweet.js": script("note_tweet", [note]),
    }
    documents, _ = read(files, pack, now, sort_out)
    assert [d.text for d in documents] == [whole]


def test_a_cut_file_gives_what_came_before(pack, now, sort_out):
    documents, skipped = read({"tweet.js": script("tweet", [tweet(1, "a"), tweet(2, "b")])[:-8]}, pack, now, sort_out)
    assert [d.text for d in documents] == ["a"]
    assert skipped[0].reason == "unreadable: a file is no whole JSON"


def test_what_is_no_archive_says_so(pack, now, sort_out):
    with pytest.raises(SourceError, match="no X archive"):
        read({"a.txt": "x"}, pack, now, sort_out)


def test_of_an_edited_post_the_last_version_is_read_under_its_first_number(pack, now, sort_out):
    versions = {"editTweetIds": ["11", "12"]}
    tweets = [
        tweet(12, "Hello", edit_info={"edit": {"initialTweetId": "11", "editControlInitial": versions}}),
        tweet(11, "Helo", edit_info={"initial": versions}),
        tweet(13, "and on", in_reply_to_status_id_str="12", in_reply_to_user_id_str="42"),
    ]
    account = script("account", [{"account": {"username": "ann", "accountId": "42"}}])
    documents, skipped = read({"account.js": account, "my tweets.js": script("tweets", tweets)}, pack, now, sort_out)
    assert [(d.id, d.text) for d in documents] == [("x:11", "Hello\n\nand on")]
    assert [s.reason for s in skipped] == ["another version of an edited post"]


def test_a_long_post_that_links_to_itself_is_whole_and_there_once(pack, now, sort_out):
    whole = "Ein langer Beitrag, der hier geschnitten wird, und der dann noch lange weitergeht, bis zum Ende."
    urls = {"urls": [{"url": "https://t.co/z", "expanded_url": "https://twitter.com/i/web/status/1"}]}
    note = {"noteTweet": {"noteTweetId": "5", "createdAt": "2026-06-14T12:03:41.000Z", "core": {"text": whole}}}
    cut = tweet(1, f"{whole[:48]}… https://t.co/z", entities=urls)
    files = {"tweets.js": script("tweets", [cut]), "note-tweet.js": script("note_tweet", [note])}
    documents, _ = read(files, pack, now, sort_out)
    assert [(d.id, d.text) for d in documents] == [("x:1", whole)]
