"""The collect stage: documents as written, a record of consent for each source, whole output or none."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from twin import tables
from twin.errors import DataError, SourceError
from twin.params import Params, loads
from twin.progress import Progress
from twin.stages.collect import collect

HEAD = "author: {id: ann, name: Ann}\n"
POST = "First line 🎉\n\n→ two\n“three”…\n"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    (folder / "notes").mkdir(parents=True)
    (folder / "notes" / "2024-05-01-a.md").write_text(POST)
    (folder / "notes" / "pic.png").write_bytes(b"x")
    (folder / "posts.jsonl").write_text(
        json.dumps({"id": "1", "text": POST, "title": "T"}) + "\n" + json.dumps({"id": "2", "text": " "})
    )
    return folder


def run(inbox, settings, yaml, out=None):
    params: Params = loads(HEAD + yaml)
    out = out or inbox.parent / "raw"
    metrics = collect(inbox, out, params, settings, Progress("collect"))
    record = json.loads((out / "sources.json").read_text())
    return metrics, tables.documents_from(tables.read(out / "documents.parquet", "documents")), record


TWO = "sources:\n- {kind: files, path: notes}\n- {kind: jsonl, path: posts.jsonl, register_as: note}\n"


def test_documents_are_exact_and_each_source_has_its_record(inbox, settings):
    metrics, documents, record = run(inbox, settings, TWO)
    assert [(d.id, d.text, d.register) for d in documents] == [
        ("files:notes/2024-05-01-a.md", POST, "post"),
        ("jsonl:1", POST, "note"),
    ]
    assert (metrics["documents"], metrics["sources"], metrics["skipped"]) == (2, 2, 2)
    notes, table = record["sources"]
    assert (notes["found"], notes["kept"], notes["skipped"]) == (2, 1, {"not a text file (.png)": 1})
    assert notes["terms"] and len(notes["sha256"]) == 64
    assert table["skipped"] == {"a row without words": 1}
    assert {d.consent for d in documents} == {"files:notes", "jsonl:posts.jsonl"}


def test_a_second_run_with_nothing_new_gives_the_same_documents(inbox, settings):
    _, first, _ = run(inbox, settings, TWO)
    before = (inbox.parent / "raw" / "documents.parquet").read_bytes()
    _, second, _ = run(inbox, settings, TWO)
    assert first == second
    assert (inbox.parent / "raw" / "documents.parquet").read_bytes() == before


def test_a_path_s_texts_that_are_gone_are_dropped(inbox, settings):
    run(inbox, settings, TWO)
    (inbox / "notes" / "2024-05-01-a.md").rename(inbox / "notes" / "b.txt")
    _, documents, _ = run(inbox, settings, TWO)
    assert [d.id for d in documents] == ["files:notes/b.txt", "jsonl:1"]


def test_an_absolute_path_and_one_file(inbox, settings):
    _, documents, _ = run(inbox, settings, f"sources:\n- {{kind: files, path: {inbox}/notes/2024-05-01-a.md}}\n")
    assert [d.id for d in documents] == ["files:2024-05-01-a.md"]


@pytest.mark.parametrize(
    ("yaml", "says"),
    [
        ("sources: []\n", "there are no sources"),
        (
            "sources:\n- {kind: files, path: notes}\n- {kind: linkedin, path: gone.zip}\n",
            r"source 2 \(linkedin gone\.zip\): there is no such file.*gone\.zip.*inbox",
        ),
        (
            "sources:\n- {kind: linkedin, path: bad.zip}\n",
            r"source 1 \(linkedin bad\.zip\).*damaged.*Download the export again",
        ),
        ("sources:\n- {kind: linkedin, path: evil.zip}\n", "points outside"),
        ("sources:\n- {kind: linkedin, user: ann}\n", "LinkedIn forbids collecting its pages.*LINKEDIN_TOKEN"),
        ("sources:\n- {kind: github, path: notes}\n", "Name a user instead"),
        ("sources:\n- {kind: rss, url: '{sample_site}/feed'}\n", "sample_site: true"),
    ],
)
def test_a_failing_source_is_named_and_nothing_is_written(yaml, says, inbox, settings):
    with zipfile.ZipFile(inbox / "bad.zip", "w") as archive:
        archive.writestr("Shares.csv", "x" * 5000)
    (inbox / "bad.zip").write_bytes((inbox / "bad.zip").read_bytes()[:-40])
    with zipfile.ZipFile(inbox / "evil.zip", "w") as archive:
        archive.writestr("../Shares.csv", "x")
    with pytest.raises((SourceError, DataError), match=says):
        run(inbox, settings, yaml)
    assert not (inbox.parent / "raw").exists()


def test_a_failing_run_leaves_the_earlier_output(inbox, settings):
    run(inbox, settings, TWO)
    with pytest.raises(SourceError):
        run(inbox, settings, TWO + "- {kind: medium, path: gone.zip}\n")
    assert len(tables.read(inbox.parent / "raw" / "documents.parquet")) == 2


def test_the_sample_author_from_archives_and_the_loopback_site(tmp_path, settings):
    from examples.author import GITHUB_USER, SAMPLE
    from examples.build import build_all
    from examples.texts import load_texts, of_kind

    build_all(SAMPLE, tmp_path / "inbox")
    yaml = f"""collect: {{sample_site: true}}
sources:
- {{kind: linkedin, path: linkedin_export.zip}}
- {{kind: medium, path: medium_export.zip}}
- {{kind: substack, url: "{{sample_site}}/substack"}}
- {{kind: github, user: {GITHUB_USER}, url: "{{sample_site}}/github"}}
"""
    _, documents, record = run(tmp_path / "inbox", settings, yaml)
    texts = {d.text for d in documents if d.source == "linkedin"}
    assert {post.body for post in of_kind(load_texts(SAMPLE), "post")} <= texts
    assert {d.source for d in documents} == {"linkedin", "medium", "substack", "github"}
    assert sum(not d.complete for d in documents if d.source == "substack") == len(
        [t for t in of_kind(load_texts(SAMPLE), "letter") if t.meta["audience"] != "everyone"]
    )
    assert not [d.url for d in documents if "127.0.0.1" in d.url]
    assert [s["kept"] > 0 for s in record["sources"]] == [True] * 4
    assert "127.0.0.1" not in json.dumps([s["id"] for s in record["sources"]])


def test_a_second_collection_over_the_network_says_what_has_changed(tmp_path, settings):
    """New and changed posts come in, a deleted one goes when asked, and the record tells it."""
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    posts = {"a": "First.", "b": "Second.", "c": "Third."}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, status = "", 200
            if self.path.startswith("/api/v1/archive"):
                rows = [{"slug": slug} for slug in sorted(posts)] if "offset=0" in self.path else []
                body = json.dumps(rows)
            elif (slug := self.path.removeprefix("/api/v1/posts/")) in posts:
                body = json.dumps({"id": ord(slug), "slug": slug, "body_html": f"<p>{posts[slug]}</p>"})
            else:
                status = 404
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = f"sources: [{{kind: substack, url: 'http://127.0.0.1:{server.server_port}'}}]\n"
        inbox = tmp_path / "inbox"
        run(inbox, settings, "collect: {allow_loopback: true}\n" + source)
        posts |= {"b": "Second, mended.", "d": "Fourth."}
        del posts["c"]
        _, documents, record = run(inbox, settings, "collect: {allow_loopback: true, prune: true}\n" + source)
        server.shutdown()
    assert {d.text for d in documents} == {"First.", "Second, mended.", "Fourth."}
    since = record["sources"][0]["since"]
    assert since == {"new": 1, "changed": 1, "unchanged": 1, "pruned": 1, "kept from before": 0}
    assert record["sources"][0]["crawl"]["unchanged"] >= 1


def test_a_text_beside_an_export_is_named(inbox, settings):
    (inbox / "export").mkdir()
    row = "2025-05-01 10:00:00,https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A7,Mine\n"
    (inbox / "export" / "Shares.csv").write_text("Date,ShareLink,ShareCommentary\n" + row)
    (inbox / "export" / "essay.md").write_text("Also mine.")
    _, documents, record = run(inbox, settings, "sources:\n- {kind: linkedin, path: export}\n")
    assert [d.text for d in documents] == ["Mine"]
    told = record["sources"][0]["skipped_examples"]
    assert told == {"a text beside the export: hand it in by itself": ["essay.md"]}
