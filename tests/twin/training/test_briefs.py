"""Briefs: a cascade in which every rung is neutral, and a model's words are taken only where they hold."""

import dataclasses
from datetime import UTC, datetime

import pytest

from twin.records import Document, content_hash
from twin.training.briefs import Briefs
from twin.training.keypoints import key_points
from twin.training.neutral import coverage, fault, shares_ngram
from twin.training.plain import plain

TEXT = (
    "Stripe has announced a new release process for its API. Two named versions a year will come, after plants.\n\n"
    "I've seen this at Heroku, where `etag.go` was rewritten and requests got 30% faster! Nobody noticed 🌱"
)


def document(text: str = TEXT, title: str = "") -> Document:
    return Document(
        id="files:1", author="a", source="files", register="post", title=title, text=text, url="",
        published_at=None, fetched_at=datetime(2025, 1, 1, tzinfo=UTC), sha256=content_hash(text), language="en",
    )  # fmt: skip


def test_points_are_in_the_texts_order_and_hold_names_and_figures() -> None:
    points = key_points(TEXT)
    assert "Heroku" in points and "30%" in points
    places = [TEXT.replace("`", "").lower().find(p.lower()) for p in points]
    assert places == sorted(places)


def test_longer_texts_have_more_points() -> None:
    assert len(key_points(TEXT)) < len(key_points(TEXT + " The harbour master counted ferries at dawn." * 12)) + 4
    assert 1 <= len(key_points("Delete it. Go home.")) <= 4


def test_the_title_comes_first_unless_the_text_repeats_it() -> None:
    briefs = Briefs()
    assert briefs.of(document(title="Plants as versions")).text.startswith("Plants as versions, ")
    assert "announced a new release" not in briefs.of(document(title="Stripe has announced a new release process")).text
    assert briefs.report()["given"] == {"title": 1, "keyphrases": 1}
    assert briefs.report()["rates"]["topic_accepted"] == 0.5


def test_the_first_link_stands_in_for_a_title() -> None:
    linked = document("See [Ferry tables](https://a.example/x) for the whole story of how the harbour went dark.")
    assert Briefs().of(linked).text.startswith("Ferry tables, ")
    address = document(
        "See [this](https://a.example/2024/harbour-lights-at-night.html) and tell me what you think of it."
    )
    assert "this" in Briefs().of(address).text.split(", ")[0] or "harbour" in Briefs().of(address).text


def test_a_stronger_models_brief_is_taken_only_when_it_holds() -> None:
    good = "How a payment firm, Stripe, will name API versions, with Heroku and 30% in comparison and etag.go."
    copied = "Stripe has announced a new release process for its API"
    for said, rung in (
        (good, "summary"),
        (copied, "keyphrases"),
        ("A cat sat there.", "keyphrases"),
        ("", "keyphrases"),
    ):
        briefs = Briefs({"files:1": said}, prefer_written=True)
        assert briefs.of(document()).rung == rung, said
        assert briefs.report()["rates"]["summary_accepted"] == float(rung == "summary")
    assert briefs.report()["refused"] == {"empty": 1}


def test_faults_are_named() -> None:
    assert fault("word " * 80, TEXT, []) == "long"
    assert fault("the weather in spring", TEXT, ["Stripe", "API"]) == "misses key points"
    assert coverage("stripe and its apis", ["Stripe", "API release", "Heroku"]) == pytest.approx(2 / 3)


def test_a_text_that_says_nothing_gets_a_template() -> None:
    one = Briefs().of(dataclasses.replace(document("… … …"), text="… … …"))
    assert one.rung == "template" and "short social post of about 10 words" in one.text


def test_no_brief_shares_words_with_its_text() -> None:
    for text in (
        TEXT,
        "alpha beta gamma delta epsilon zeta eta theta",
        "One two three. Four five six seven eight nine.",
    ):
        assert not shares_ngram(Briefs().of(document(text)).text, text)


def test_plain_keeps_what_is_said_and_drops_how() -> None:
    said = plain("# WHOOA!!!\n\n- I can't *believe* it — really…\n- 2 boats & 1 dog 🐕")
    assert said == "Whooa. I cannot believe it, really. 2 boats and 1 dog."
