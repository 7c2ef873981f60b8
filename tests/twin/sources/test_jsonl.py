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


@pytest.mark.parametrize("stamp", [1714557600, 1714557600000, "2024-05-01T10:00:00Z", "Wed, 01 May 2024 10:00:00 GMT"])
def test_dates_in_every_spelling(stamp, tmp_path, now, sort_out):
    (one,), _ = read(tmp_path, "t.json", json.dumps([{"body": "x", "created_at": stamp}]), now, sort_out)
    assert str(one.published_at) == "2024-05-01 10:00:00+00:00"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.jsonl", '{"text": "x"}\n{broken\n', "no JSON.*line 2"),
        ("t.jsonl", '{"text": "x"}\n3\n', "no JSON object.*line 2"),
        ("t.csv", "a,b\n1,2\n", r"no column with the text.*it has a, b.*columns: \{text: NAME\}"),
        ("t.jsonl", "[" * 100_000, "no JSON"),
        ("t.docx", "x", "there is no table"),
    ],
)
def test_a_bad_table_names_the_place(name, content, says, tmp_path, now, sort_out):
    with pytest.raises(SourceError, match=says):
        read(tmp_path, name, content, now, sort_out)
