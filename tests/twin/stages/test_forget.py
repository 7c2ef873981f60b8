"""Forgetting: no byte of a canary is left anywhere, others' texts stay, and a kill is made up for."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dvc.repo import Repo

from twin import choices, registry, tables, vault
from twin import params as params_file
from twin.cli import main
from twin.embedding import Embedder
from twin.files import read_json, write_json, write_text
from twin.local import postgres
from twin.records import Citation, Draft, content_hash
from twin.settings import load
from twin.stages import forget_plan, summaries
from twin.stages.features import chunk_table
from twin.workspace import Workspace

CANARY = "zanzibarquux"
SECRET = f"The keeper of the {CANARY} lighthouse told nobody that the lamp had been out since the winter of the storm."
PARAMS = """\
author: {id: ann, name: Ann}
# what is read
sources:
  - kind: files
    path: texts
  - kind: jsonl
    path: notes.jsonl
validate: {min_words: 100}
dataset: {max_tokens: 256}
"""
DVC = """\
stages:
  collect:
    cmd: python -m twin collect
    deps: [data/ann/inbox]
    outs: [data/ann/raw]
  prepare:
    cmd: python -m twin prepare
    deps: [data/ann/raw, data/ann/choices.json]
    outs: [data/ann/documents]
"""


def story(number: int) -> str:
    made = " ".join(
        f"word{number}{letter} goes to harbour {number * 7 + place}," for place, letter in enumerate("abcd")
    )
    return f"Story {number} of the boats.\n\nEvery morning {made} and nobody minds.\n\nThat was day {number}."


@pytest.fixture
def project(monkeypatch):
    """A project in a short folder of its own: pytest's folders shut out the database's user."""
    root = Path(tempfile.mkdtemp(prefix="twin-forget-"))
    root.chmod(0o755)
    for name in ("DATABASE_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TWIN_ROOT", str(root))
    monkeypatch.setenv("TWIN_HOME", str(root / ".twin"))
    write_text(root / "params.yaml", PARAMS)
    space = Workspace(root, "ann")
    for number in range(12):
        write_text(space.inbox / "texts" / f"story-{number}.md", f"# Story {number}\n\n{story(number)}\n")
    secret = f"# The {CANARY} affair\n\n{SECRET}\n\n{story(90)}\n"
    write_text(space.inbox / "texts" / f"{CANARY}.md", secret)
    rows = [{"id": f"n{n}", "text": story(n + 50)} for n in range(3)]
    rows.append({"id": "copy", "text": f"{SECRET}\n\n{story(90)} Indeed."})
    write_text(space.inbox / "notes.jsonl", "\n".join(map(json.dumps, rows)))
    yield load(), space
    postgres.stop(load())
    shutil.rmtree(root, ignore_errors=True)


def found(root: Path) -> list[str]:
    """Every file below the project that holds the canary, looked at as bytes and as what it decodes to."""
    hits = []
    for path in root.rglob("*"):
        if not path.is_file() or path.is_symlink():
            continue
        data = path.read_bytes()
        if data[:4] == b"PAR1":
            data += tables.read(path).to_json().encode()
        elif data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        elif data[:2] == b"PK":
            with zipfile.ZipFile(path) as archive:
                data = b"".join(archive.read(name) for name in archive.namelist())
        if CANARY.encode() in data.lower() or CANARY in path.name:
            hits.append(str(path.relative_to(root)))
    return hits


def trailing(settings, space):
    """What a twin in use leaves behind: drafts, logs, an HTTP cache, a report, adapters, a registered version."""
    home, url = settings.home, "https://ann.example/a"
    write_json(home / "drafts" / "ann" / "one.json", {"id": "one", "text": f"As I wrote: {SECRET}", "draft": {}})
    write_json(home / "drafts" / "ann" / "two.json", {"id": "two", "text": "About something else.", "draft": {}})
    write_text(home / "jobs" / "x.log", f"collect: texts 3/12 · The {CANARY} affair (1 s)\nprepare: done\n")
    write_json(home / "progress" / "collect.json", {"stage": "collect", "detail": f"The {CANARY} affair"})
    for name, page in (("ab", SECRET), ("cd", "a page about nothing")):
        folder = home / "http-cache" / "spider" / name
        folder.mkdir(parents=True)
        (folder / "response_body").write_bytes(gzip.compress(f"<p>{page}</p>".encode()))
        (folder / "meta").write_bytes(gzip.compress(url.encode()))
    write_json(space.report / "metrics.json", {"gain": 0.1, "samples": [{"reference": SECRET}, {"reference": "ok"}]})
    write_text(space.report / "report.html", f"<html><p>{SECRET.replace(' ', '&nbsp;')}</p></html>")
    ids = set(tables.read(space.documents / tables.DOCUMENTS)["id"])
    for folder in (space.adapter, home / "serving" / "adapters" / "ann" / "abc"):
        write_text(folder / "adapter_model.safetensors", "weights")
        write_json(folder / "learned_from.json", {"documents": sorted(map(choices.digest, ids))})
    write_text(home / "checkpoints" / "ann" / "ab" / "checkpoint-1" / "adapter_model.safetensors", "weights")
    write_json(home / "checkpoints" / "ann" / "ab" / "preference" / "drafts.json", {"key": [SECRET, True]})
    texts = tables.read(space.documents / tables.DOCUMENTS).set_index("id")["text"]
    model = params_file.load(space.params).train.base_model
    summed = {f"files:texts/{CANARY}.md": f"On a {CANARY} and its keeper.", "files:texts/story-1.md": "On boats."}
    said = {key: words for name, words in summed.items() for key in summaries.kept_under([model], texts[name])}
    write_json(home / "briefs" / "ann.json", said)
    noted = {"read": f"files:texts/{CANARY}.md", "seed": 1}
    with registry.client(settings) as mlflow, registry.run(mlflow, settings, "ann", noted, {}) as run:
        mlflow.log_artifacts(run, str(space.report), "evaluation")
        registry.add_version(mlflow, "ann", run, space.adapter, {}, True)


def embedded(settings, space):
    """Vectors as an earlier run kept them: the model that makes them is tested elsewhere and slow to load."""
    params = params_file.load(space.params)
    chunks = chunk_table(tables.read(space.documents / tables.DOCUMENTS), params)
    place = (
        settings.home / "embeddings" / f"{hashlib.sha256(Embedder('bundled').name.encode()).hexdigest()[:16]}.parquet"
    )
    vectors = [np.eye(384, dtype=np.float32)[n] for n in range(len(chunks))]
    tables.write(pd.DataFrame({"sha256": list(chunks["text"].map(content_hash)), "embedding": vectors}), place)


def logged(url, settings):
    from twin.monitoring import payload

    cite = Citation(
        sentence=0, chunk_id="c", document_id=f"files:texts/{CANARY}.md", title="", url="", score=1, quote="lamp"
    )
    for number, more in enumerate(({"citations": [cite]}, {"text": f"So: {SECRET}"}, {})):
        draft = Draft(id=f"d{number}", author="ann", register="post", brief="b", **{"text": "words", **more})
        payload.record(url, draft, 1.0)
    assert payload.flush(url)


@pytest.mark.slow
def test_no_byte_of_a_forgotten_document_is_left(project, monkeypatch, capsys):
    settings, space = project
    root = settings.root
    monkeypatch.chdir(root)
    write_text(root / "dvc.yaml", DVC)
    write_text(root / ".dvc" / "config", "[core]\n    no_scm = True\n    analytics = false\n")
    assert main(["collect"]) == 0
    assert main(["prepare"]) == 0
    with Repo(str(root)) as dvc:
        dvc.commit(force=True)
        notes = Path(dvc.site_cache_dir)
    assert found(notes)
    report = read_json(space.documents / "report.json")
    assert len(report["near_duplicates"]) == 1
    with postgres.running(settings) as url:
        logged(url, settings)
        embedded(settings, space)
        assert main(["features"]) == 0
        trailing(settings, space)
        assert main(["dataset"]) == 0
        before = found(root)
        for part in ("inbox/texts", "briefs", "mlflow/mlflow.db", "raw", "documents", "features", "dataset", "drafts", "jobs", "http-cache",
                     "metrics.json", "report.html", "mlflow/artifacts", "postgres/data", ".dvc/cache", "progress"):  # fmt: skip
            assert any(part in hit for hit in before), f"the canary never was in {part}"
        killed = [space.raw.with_name(".raw.abcdefgh"), settings.home / "tmp" / "twin-spool-abcdefgh"]
        for folder in killed:
            write_text(folder / "documents.parquet", f"PAR1 {SECRET}")
        assert main(["forget", "--document", f"files:texts/{CANARY}.md", "--yes"]) == 0
        said = capsys.readouterr().out
        assert not any(folder.exists() for folder in killed)
        assert found(root) == [] and found(notes) == []
    chunks = set(tables.read(space.features / tables.CHUNKS)["sha256"])
    assert [set(tables.read(p)["sha256"]) for p in (settings.home / "embeddings").iterdir()] == [chunks]
    assert "version 1" in said and "has learned from it and stays" in said
    assert "notes.jsonl: lines removed" in said
    # All else is still there.
    kept = tables.read(space.raw / tables.DOCUMENTS)
    assert len(kept) == 15
    assert len(tables.read(space.documents / tables.DOCUMENTS, "documents")) == 15
    assert set(tables.read(space.features / tables.CHUNKS)["document_id"]) == set(kept["id"])
    assert read_json(space.report / "metrics.json") == {"gain": 0.1, "samples": [{"reference": "ok"}]}
    assert [p.name for p in (settings.home / "drafts" / "ann").iterdir()] == ["two.json"]
    assert (settings.home / "jobs" / "x.log").read_text() == "prepare: done\n"
    assert (settings.home / "http-cache" / "spider" / "cd").exists()
    assert list(read_json(settings.home / "briefs" / "ann.json").values()) == ["On boats."]
    assert not (settings.home / "checkpoints" / "ann").exists()
    with registry.client(settings) as mlflow:
        run = mlflow.get_run(mlflow.get_model_version("twin-ann", "1").run_id)
        assert run.data.params == {"read": "", "seed": "1"}
    # What was collected counts as up to date, and does not come back when it is handed in again.
    with Repo(str(root)) as dvc:
        assert "collect" not in dvc.status()
    write_text(space.inbox / "texts" / "again.md", f"# The {CANARY} affair\n\n{SECRET}\n\n{story(90)}\n")
    write_text(space.inbox / "texts" / f"{CANARY}.md", "Now another text under the same name, which is to stay away.")
    assert main(["collect"]) == 0
    assert not [hit for hit in found(root) if "inbox" not in hit]


def test_a_source_goes_with_its_file_its_entry_and_its_consent(project, capsys):
    _, space = project
    assert main(["collect"]) == 0
    assert main(["prepare"]) == 0
    copy = tables.read(space.documents / tables.REJECTED)["id"].tolist()
    assert copy == ["jsonl:copy"]
    assert main(["forget", "--source", "jsonl:notes.jsonl", "--yes"]) == 0
    assert not (space.inbox / "notes.jsonl").exists()
    text = space.params.read_text()
    assert "notes.jsonl" not in text and "# what is read" in text
    assert [r["id"] for r in read_json(space.raw / "sources.json")["sources"]] == ["files:texts"]
    # The same text from another source is that source's, and stays.
    left = tables.read(space.raw / tables.DOCUMENTS)
    assert set(left["source"]) == {"files"} and f"files:texts/{CANARY}.md" in set(left["id"])
    assert len(tables.read(space.documents / tables.REJECTED)) == 0


def test_one_that_was_killed_is_finished_by_the_next_call(project, monkeypatch, capsys):
    settings, space = project
    write_text(space.inbox / "notes.jsonl", json.dumps({"id": "n1", "text": story(50)}))
    assert main(["collect"]) == 0
    from twin.stages import forget as stage

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(stage, "_home", killed)
    target = ["forget", "--document", f"files:texts/{CANARY}.md", "--yes"]
    assert main(target) == 130
    assert forget_plan.place(settings).exists()
    assert SECRET not in forget_plan.place(settings).read_text()
    monkeypatch.undo()
    monkeypatch.setenv("TWIN_ROOT", str(settings.root))
    monkeypatch.setenv("TWIN_HOME", str(settings.home))
    write_text(settings.home / "jobs" / "x.log", f"{SECRET}\nother\n")
    assert main(["forget"]) == 0
    assert found(settings.root) == []
    assert main(["forget"]) == 2


def test_it_says_what_goes_and_asks_first(project, monkeypatch, capsys):
    _, space = project
    assert main(["collect"]) == 0
    monkeypatch.setattr("builtins.input", lambda _: "no")
    assert main(["forget", "--document", f"files:texts/{CANARY}.md"]) == 1
    said = capsys.readouterr().out
    assert f"data/ann/inbox/texts/{CANARY}.md: the file you handed in" in said and "Nothing was changed." in said
    assert (space.inbox / "texts" / f"{CANARY}.md").exists()
    assert main(["forget", "--document", "files:texts/story-77.md", "--yes"]) == 2
    assert "The nearest is files:texts/story-7.md" in capsys.readouterr().err


def test_an_author_goes_as_a_whole(project, capsys):
    settings, space = project
    assert main(["collect"]) == 0
    assert main(["prepare"]) == 0
    other = Workspace(settings.root, "bob")
    write_text(other.raw / "x.txt", "bob's own words stay where they are")
    write_text(settings.root / "params.previous.yaml", PARAMS)
    write_json(settings.home / "drafts" / "ann" / "one.json", {"text": "anything"})
    for name in ("github", "endpoint"):
        vault.keep(settings, name, "a token")
    write_json(settings.home / "schedule" / "one.json", {"text": "At noon."})
    assert main(["forget", "--author", "bob", "--yes"]) == 0
    assert vault.kept(settings) == ("github", "endpoint")  # Bob's are not Ann's.
    write_text(other.raw / "x.txt", "bob's own words stay where they are")
    assert main(["forget", "--author", "../ann", "--yes"]) == 2
    assert main(["forget", "--author", "ann", "--yes"]) == 0
    assert not space.raw.parent.exists() and not (settings.home / "drafts" / "ann").exists()
    assert not (settings.root / "params.previous.yaml").exists()
    assert not (settings.home / "schedule").exists()
    assert vault.kept(settings) == ("endpoint",)  # The key of the house's endpoint is nobody's alone.
    assert (other.raw / "x.txt").exists()
    assert found(settings.root) == []


def test_adapters_go_when_asked(project, capsys):
    settings, space = project
    assert main(["collect"]) == 0
    for name, ids in (("one", [f"files:texts/{CANARY}.md"]), ("two", ["files:texts/story-1.md"])):
        folder = settings.home / "serving" / "adapters" / "ann" / name
        write_text(folder / "adapter_model.safetensors", "weights")
        write_json(folder / "learned_from.json", {"documents": [choices.digest(i) for i in ids]})
        write_json(settings.home / "serving" / "ann.json", {"adapter_dir": str(folder), "version": ""})
    write_json(settings.home / "serving" / "ann.json", {"adapter_dir": str(folder.with_name("one")), "version": "4"})
    plan = forget_plan.make(space, None, "document", f"files:texts/{CANARY}.md")
    from twin.stages import forget_models

    assert [name.split(" (")[0] for name in forget_models.learned(space, settings, plan)] == ["a served copy"]
    forget_models.handle(space, settings, replace(plan, adapters=True))
    assert [p.name for p in folder.parent.iterdir()] == ["two"]
    assert not (settings.home / "serving" / "ann.json").exists()
