"""Tables of texts: guessed and named columns, exact texts, the broken line named."""

from __future__ import annotations

import json

import pytest

from twin.errors import SourceError
from twin.sources import archive, jsonl

TEXT = "One\u2028two\n\n- a 🎉 “q”\n"


def read(tmp_path, name, content, now, sort_out, columns=None):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with archive.opened(path, 10) as opened:
        return sort_out(jsonl.read_rows(opened, "ann", now, columns))


def test_jsonl_with_the_usual_columns(tmp_path, now, sort_out):
    rows = [{"id": "a/1", "title": "T", "date": "2024-05-01", "text": TEXT, "url": "https://a"}, {"text": TEXT}]
    content = "\n".join(json.dumps(r, ensure_ascii=False) for r in rows) + "\n\n"
    (one, two), _ = read(tmp_path, "posts.jsonl", content, now, sort_out)
    assert (one.id, one.title, one.text, one.url, one.register) == ("jsonl:a/1", "T", TEXT, "https://a", "article")
    assert (two.text, two.register, two.published_at) == (TEXT, "post", None)


def test_csv_with_named_columns(tmp_path, now, sort_out):
    content = 'nr;when;words\n1;01.05.2024;"a;\nb"\n2;;\n'
    columns = {"id": "nr", "date": "when", "text": "words"}
    (one,), (skipped,) = read(tmp_path, "t.csv", content, now, sort_out, columns)
    assert (one.id, one.text, str(one.published_at)) == ("jsonl:1", "a;\nb", "2024-05-01 00:00:00+00:00")
    assert skipped.reason == "a row without words"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("text\nYes, this, and that\n", "Yes, this, and that"),
        ("date,text\n2024-05-01,Well, yes\n", "Well, yes"),
        ("nr;words;date\n1;Well; yes;2024-05-01\n", "Well; yes"),
        ("text,date\nx,2024-05-01,,\n", "x"),
    ],
)
def test_an_unquoted_text_is_whole(content, text, tmp_path, now, sort_out):
    columns = {"text": "words"} if "words" in content else None
    (one,), _ = read(tmp_path, "t.csv", content, now, sort_out, columns)
    assert one.text == text
    assert "date" not in content or str(one.published_at)[:10] == "2024-05-01"


@pytest.mark.parametrize(
    "stamp", [1714557600, 1714557600000, "1714557600", "2024-05-01T10:00:00Z", "Wed, 01 May 2024 10:00:00 GMT"]
)
def test_dates_in_every_spelling(stamp, tmp_path, now, sort_out):
    (one,), _ = read(tmp_path, "t.json", json.dumps([{"body": "x", "created_at": stamp}]), now, sort_out)
    assert str(one.published_at) == "2024-05-01 10:00:00+00:00"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.jsonl", "\n{broken\n", "no JSON.*line 2"),
        ("t.jsonl", "3\n", "no JSON object.*line 1"),
        ("t.csv", "a,b\n1,2\n", r"no column with the text.*it has a, b.*columns: \{text: NAME\}"),
        ("t.jsonl", "[" * 100_000, "no whole JSON"),
        ("t.docx", "x", "there is no table"),
    ],
)
def test_a_bad_table_names_the_place(name, content, says, tmp_path, now, sort_out):
    with pytest.raises(SourceError, match=says):
        read(tmp_path, name, content, now, sort_out)


def test_a_broken_line_is_named_and_the_others_are_read(tmp_path, now, sort_out):
    documents, skipped = read(tmp_path, "t.jsonl", '{"text": "x"}\n{broken\n3\n{"text": "y"}\n', now, sort_out)
    assert [d.text for d in documents] == ["x", "y"]
    assert [("line 2" in s.what, "line 3" in s.what) for s in skipped] == [(True, False), (False, True)]


@pytest.mark.parametrize("content", ['{"posts": [{"body": "x"}], "tags": []}', '{\n "body": "x"\n}', '[{"body": "x"}]'])
def test_json_of_any_shape(content, tmp_path, now, sort_out):
    (one,), _ = read(tmp_path, "t.json", content, now, sort_out)
    assert one.text == "x"


def test_an_array_cut_short_gives_what_came_before(tmp_path, now, sort_out):
    documents, skipped = read(tmp_path, "t.json", '[{"text": "x"}, {"text": "y"}, {"te', now, sort_out)
    assert [d.text for d in documents] == ["x", "y"]
    assert skipped[0].reason == "unreadable: a file is no whole JSON"


def test_columns_in_other_languages(tmp_path, now, sort_out):
    (one,), _ = read(tmp_path, "t.csv", "sep=;\nTítulo;Fecha;Texto\nUno;2024-05-01;Hola, mar\n", now, sort_out)
    assert (one.title, one.text, one.published_at.year) == ("Uno", "Hola, mar", 2024)


def test_wordpress_api_s_rendered_html_is_read(tmp_path, now, sort_out):
    path = tmp_path / "posts.json"
    post = {
        "id": 7,
        "date": "2024-05-01T10:00:00",
        "title": {"rendered": "Ann&#8217;s tides"},
        "content": {"rendered": "<p>One<br>two</p><ul><li>a</li></ul>"},
    }
    path.write_text(json.dumps([post]), encoding="utf-8")
    with archive.opened(path, 10) as opened:
        (found,), _ = sort_out(jsonl.read_rows(opened, "ann", now))
    assert (found.id, found.title, found.text) == ("jsonl:7", "Ann’s tides", "One\ntwo\n\n- a")


def test_one_text_with_others_answers_in_it_is_that_text(tmp_path, now, sort_out):
    path = tmp_path / "post.json"
    path.write_text(json.dumps({"id": 1, "text": "mine", "comments": [{"id": 2, "text": "theirs"}]}))
    with archive.opened(path, 10) as opened:
        documents, _ = sort_out(jsonl.read_rows(opened, "ann", now))
    assert [d.text for d in documents] == ["mine"]
