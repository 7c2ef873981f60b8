"""The prepare stage: style untouched, what is set aside kept with its reason, clear refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from twin import tables
from twin.errors import CorpusTooSmall, DataError
from twin.params import loads
from twin.progress import Progress
from twin.records import Document, content_hash
from twin.stages import refining
from twin.stages.prepare import prepare

WORDS = (
    "The boat number {n} left late again & nobody on the pier said a word about it 🎉\n\n"
    "→ why {n}?\n→ because {n}…\n\nThat's all for day {n}, honestly."
)


def document(number: int, text: str | None = None, **more: object) -> Document:
    text = WORDS.format(n=" ".join(f"{number}{c}" for c in "abcdef")) if text is None else text
    base = Document(
        id=f"linkedin:share:{number}", author="ann", source="linkedin", register="post", title="", text=text, url="",
        published_at=datetime(2024, 1, 1 + number % 28, tzinfo=UTC), fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
        sha256=content_hash(text),
    )  # fmt: skip
    return replace(base, **more)


def run(tmp_path: Path, settings, documents, yaml="validate: {min_words: 10}"):
    tables.write(tables.documents_frame(documents), tmp_path / "raw" / "documents.parquet")
    params = loads(f"author: {{id: ann, name: Ann}}\n{yaml}\n")
    metrics = prepare(
        tmp_path / "raw", tmp_path / "choices.json", tmp_path / "out", params, settings, Progress("prepare")
    )
    found = {d.id: d for d in tables.documents_from(tables.read(tmp_path / "out" / "documents.parquet", "documents"))}
    rejected = tables.read(tmp_path / "out" / "rejected.parquet")
    return metrics, found, rejected, json.loads((tmp_path / "out" / "report.json").read_text())


def test_style_is_untouched_and_language_is_tagged(tmp_path, settings):
    documents = [document(n) for n in range(12)]
    metrics, found, rejected, _ = run(tmp_path, settings, documents)
    assert {d.text for d in found.values()} == {d.text for d in documents}
    assert {d.language for d in found.values()} == {"en"}
    assert (metrics["documents"], metrics["set_aside"], len(rejected)) == (12, 0, 0)


def test_what_is_set_aside_has_its_reason(tmp_path, settings):
    documents = [
        *(document(n) for n in range(5)),
        document(10, "Too short."),
        document(11, complete=False),
        document(12, provenance="quoted"),
        document(13, "> " + "somebody else's words " * 20 + "\n\n```\n" + "code " * 40 + "\n```"),
    ]
    metrics, found, rejected, report = run(tmp_path, settings, documents)
    reasons = dict(zip(rejected["id"], rejected["reason"], strict=True))
    assert reasons == {
        "linkedin:share:10": "fewer than 20 own words",
        "linkedin:share:11": "only a part of the text could be read (a paid preview or the like)",
        "linkedin:share:12": "provenance is quoted",
        "linkedin:share:13": "fewer than 20 own words",
    }
    assert len(found) == 5
    assert report["set_aside"]["fewer than 20 own words"] == 2
    assert metrics["rejected"] == 0


def test_near_duplicates_are_merged_to_the_best_copy(tmp_path, settings):
    syndicated = replace(
        document(1), id="rss:1", source="rss", url="https://a/1", title="Late", text=document(1).text + " x"
    )
    _, found, rejected, report = run(tmp_path, settings, [*(document(n) for n in range(4)), syndicated])
    assert report["near_duplicates"] == {"rss:1": "linkedin:share:1"}
    assert (found["linkedin:share:1"].url, found["linkedin:share:1"].title) == ("https://a/1", "Late")
    assert found["linkedin:share:1"].text == document(1).text
    assert list(rejected["reason"]) == ["a near-duplicate of linkedin:share:1"]


def test_footers_are_taken_off_and_reported(tmp_path, settings):
    footer = "Follow me and subscribe to my newsletter: https://ann.example/news"
    documents = [document(n, f"{document(n).text}\n\n---\n{footer}") for n in range(3)]
    documents += [document(n, f"{document(n).text}\n\n{footer}") for n in range(3, 12)]
    _, found, _, report = run(tmp_path, settings, documents)
    assert [found[f"linkedin:share:{n}"].text for n in (1, 5)] == [document(n).text for n in (1, 5)]
    assert report["footers"] == [{"text": footer, "removed": 12}]


def test_personal_data_is_masked_and_counted_and_hashes_follow(tmp_path, settings):
    documents = [*(document(n) for n in range(4)), document(9, document(9).text + "\n\nWrite to bo@acme.io today.")]
    metrics, found, _, report = run(tmp_path, settings, documents)
    text = found["linkedin:share:9"].text
    assert text.endswith("Write to [email] today.")
    assert found["linkedin:share:9"].sha256 == content_hash(text)
    assert (report["masked"], metrics["masked"]) == ({"email": 1}, 1)


def test_rows_that_break_the_schema_are_kept_apart_and_too_many_stop_the_stage(tmp_path, settings):
    good = [document(n) for n in range(9)]
    metrics, found, rejected, _ = run(tmp_path, settings, [*good, document(9, source="nowhere")])
    assert (len(found), metrics["rejected"]) == (9, 1)
    assert "source: isin" in rejected["reason"].iloc[0]
    with pytest.raises(DataError, match=r"break the schema, more than validate\.max_rejected allows"):
        run(tmp_path, settings, [*good[:2], document(8, source="nowhere"), document(9, register="poem")])


@pytest.mark.parametrize("documents", [[], [document(1)]])
def test_too_small_a_corpus_says_how_many_words_are_needed(documents, tmp_path, settings):
    with pytest.raises(CorpusTooSmall, match=r"2,000 words of the author's own text are needed and there are \d+"):
        run(tmp_path, settings, documents, "")
    assert not (tmp_path / "out").exists()


def test_the_same_input_gives_the_same_files(tmp_path, settings):
    documents = [document(n) for n in range(6)]
    run(tmp_path, settings, documents)
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    run(tmp_path, settings, documents)
    assert before == {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}


def test_a_missing_input_names_the_stage_to_run(tmp_path, settings):
    with pytest.raises(DataError, match="input is missing"):
        prepare(
            tmp_path / "raw",
            tmp_path / "choices.json",
            tmp_path / "out",
            loads("author: {id: a, name: A}"),
            settings,
            Progress("prepare"),
        )


def test_nothing_that_stands_for_others_words_is_learned(tmp_path, settings):
    text = f"{document(8).text}\n\n> Somebody said this.\n\n```\nx = 1\n```\n\nAnd I go on from there."
    quoting = document(8, text, id="medium:8", source="medium")
    _, found, _, report = run(tmp_path, settings, [*(document(n) for n in range(3)), quoting])
    assert found[quoting.id].text == f"{document(8).text}\n\nAnd I go on from there."
    assert (report["quoted_words"], report["code_words"]) == (3, 2)


def test_a_copy_edited_for_another_platform_is_merged_but_not_within_one(tmp_path, settings):
    long = "\n\n".join(document(n).text for n in range(30, 34))
    first = document(30, long)
    edited = long.replace("nobody on the pier said a word about it", "not one of us said anything at all")
    other = replace(first, id="rss:30", source="rss", text=edited, sha256=content_hash(edited))
    same = replace(other, id="linkedin:share:31", source="linkedin")
    base = [document(n) for n in range(3)]
    _, found, rejected, report = run(tmp_path, settings, [*base, first, other])
    assert report["edited_versions"] == {"rss:30": first.id}
    assert list(rejected["reason"]) == [f"an edited version of {first.id}"]
    _, found, rejected, report = run(tmp_path, settings, [*base, first, same])
    assert {first.id, same.id} <= set(found) and not len(rejected)


def test_the_authors_own_contacts_are_not_masked(tmp_path, settings):
    text = document(5).text + "\n\nWrite to ann@marsh.io or ops@tide.net, not to bo@acme.io."
    yaml = 'prepare: {own_contacts: [ann@marsh.io, "@tide.net"]}\nvalidate: {min_words: 10}'
    _, found, _, report = run(tmp_path, settings, [document(1), document(5, text)], yaml)
    assert found["linkedin:share:5"].text.endswith("Write to ann@marsh.io or ops@tide.net, not to [email].")
    assert report["masked"] == {"email": 1}


def test_only_the_languages_asked_for_are_learned_from(tmp_path, settings):
    german = "Die Warteschlange wartet auf niemanden, und am Ende zählt doch nur, was wir wirklich gemessen haben. " * 3
    yaml = "prepare: {languages: [en]}\nvalidate: {min_words: 10}"
    _, found, rejected, _ = run(tmp_path, settings, [document(1), document(2), document(3, german)], yaml)
    assert set(found) == {"linkedin:share:1", "linkedin:share:2"}
    assert list(rejected["reason"]) == ["its language is de (prepare.languages)"]
    assert list(rejected["language"]) == ["de"]


def test_two_processes_make_what_one_makes(tmp_path, settings, monkeypatch):
    texts = [document(n) for n in range(40)]
    texts += [document(50 + n, f"{document(50 + n).text}\n\nAsk bo{n}@acme.io about it.") for n in range(4)]
    once = run(tmp_path / "one", settings, texts)
    monkeypatch.setattr(refining, "_WORTH", 1)
    monkeypatch.setattr(refining.os, "cpu_count", lambda: 2)
    twice = run(tmp_path / "two", settings, texts)
    assert list(once[1].values()) == list(twice[1].values())
    assert once[3] == twice[3]
    for name in ("documents.parquet", "rejected.parquet", "report.json"):
        assert (tmp_path / "one" / "out" / name).read_bytes() == (tmp_path / "two" / "out" / name).read_bytes()


def test_texts_of_every_source_have_their_rank_among_copies() -> None:
    from twin.records import SOURCES
    from twin.stages.prepare import _TRUST

    assert sorted(_TRUST) == sorted(SOURCES)
