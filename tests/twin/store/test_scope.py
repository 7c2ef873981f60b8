"""No question to the store goes without an author, and one author's rows are never another's answer."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twin.settings import load
from twin.store import Store, client

EMBEDDING = np.eye(1, 384, dtype=np.float32)[0]
# What the store can be asked for, spelled a second time: a new question fails here until it is tried.
ASKED: dict[str, Any] = {
    "search": lambda s, a: s.search(a, EMBEDDING, "tea", 5), "chunks": lambda s, a: s.chunks(a, ["files:1#0"]),
    "openings": lambda s, a: s.openings(a, 5), "exemplars": lambda s, a: s.exemplars(a, "post", 5),
    "style": lambda s, a: s.style(a), "count": lambda s, a: s.count(a), "prune": lambda s, a: s.prune(a, []),
    "forget": lambda s, a: s.forget(a, "files:1") if a else 0,
}  # fmt: skip
NOT_ASKED = {"close", "apply", "write_chunks", "write_style", "feast"}


def test_every_question_is_listed():
    public = {name for name, found in vars(Store).items() if callable(found) and not name.startswith("_")}
    assert public == set(ASKED) | NOT_ASKED


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize(
    "author", ["ben", "", "' OR '1'='1", "ada' --", "%", "ada\\", 'ada"; DROP TABLE twin_chunk_embeddings; --']
)
def test_every_query_binds_the_author(name, author, monkeypatch):
    """The author is a bound value in every query, whatever it is made of: never words of the query itself."""
    seen = []

    def rows(self, query, parameters):
        seen.append((query.as_string(None), parameters))
        return [(0,)] if name == "count" else []

    monkeypatch.setattr(client.Store, "_rows", rows)
    ASKED[name](Store(dataclasses.replace(load(), database_url="postgresql://nowhere")), author)
    assert seen or (name == "forget" and not author)
    for query, parameters in seen:
        assert "%(author)s" in query and parameters["author"] == author
        assert "DROP" not in query and "OR '1'" not in query


def test_sql_is_composed_and_never_pasted():
    """No query of the whole twin is made with an f-string, % or format of plain strings."""
    bad = []
    for folder in ("twin", "feature_repo", "webui"):
        for path in (Path(__file__).parents[3] / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
                if called and node.func.attr in ("execute", "executemany") and node.args:
                    first = node.args[0]
                    pasted = isinstance(first, ast.JoinedStr) or (
                        isinstance(first, ast.BinOp) and not isinstance(first.op, ast.BitOr)
                    )
                    # SQLite binds no names: the erasing of MLflow's own files quotes those that the file itself gives.
                    if pasted and path.name != "erasing_sqlite.py":
                        bad.append(f"{path.name}:{node.lineno}")
    assert bad == []
