"""The feature store against Feast's stock Postgres store and bare pgvector, in one run: `python -m bench.store`.

The texts are docstrings of the installed packages, real prose of many topics; 2,000 of them are embedded, the rest of
the vectors lie between two of those, since embedding 100,000 texts would take the machine an hour.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import random
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
SEEDS, QUERIES, K, DIMENSION = 2000, 200, 10, 384
CLIENTS = 4
AUTHORS = 10
BATCH = 100_000
WIDTHS = (100, 200, 400)  # values of ef_search
_FEATURES = ["author", "text"]


def main() -> None:
    """Print one table a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--stock-up-to", type=int, default=100_000, help="larger sizes leave Feast's stock store out")
    parser.add_argument("--million", action="store_true", help="1,000,000 chunks as well (about an hour)")
    parser.add_argument("--exact-rows", type=int, default=0, help="our store's own parameter (default: as it comes)")
    parser.add_argument("--keep", type=Path, help="a file (.npz) in which the embedded texts are kept for the next run")
    options = parser.parse_args()
    sizes = [*options.sizes, 1_000_000] if options.million else options.sizes
    texts, seeds, queries = material(options.keep)
    home = Path(tempfile.mkdtemp(prefix="twin-bench-"))
    try:
        for size in sizes:
            measure(size, texts, seeds, queries, home, size <= options.stock_up_to, options.exact_rows)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def material(keep: Path | None) -> tuple[list[str], Vectors, tuple[list[str], Vectors]]:
    """Texts, their vectors (SEEDS, 384) and QUERIES held-out texts with theirs."""
    from twin.embedding import Embedder

    if keep and keep.exists():
        kept = np.load(keep)
        return list(kept["texts"]), kept["seeds"], (list(kept["asked"]), kept["wanted"])
    found = sorted(set(docstrings()))
    random.Random(7).shuffle(found)
    chosen = found[: SEEDS + QUERIES]
    vectors = Embedder().encode(chosen)
    asked = [" ".join(text.split()[:14]) for text in chosen[SEEDS:]]
    wanted = Embedder().encode(asked)
    if keep:
        np.savez(keep, texts=chosen[:SEEDS], seeds=vectors[:SEEDS], asked=asked, wanted=wanted)
    return chosen[:SEEDS], vectors[:SEEDS], (asked, wanted)


def docstrings(files: int = 250) -> Iterator[str]:
    """Prose of 25 to 90 words from the installed packages, of many topics; from so many files of each at most."""
    packages = Path(np.__file__).parents[1]
    for name in ("torch", "pandas", "scipy", "sklearn", "mlflow", "transformers", "feast", "kfp", "dvc", "aiohttp"):
        for file in sorted((packages / name).rglob("*.py"))[:files]:
            try:
                tree = ast.parse(file.read_text(encoding="utf-8"))
            except (SyntaxError, UnicodeDecodeError):
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and (text := ast.get_docstring(node)):
                    words = re.sub(r"\s+", " ", text).split()[:90]
                    if len(words) >= 25:
                        yield " ".join(words)


def corpus(size: int, texts: Sequence[str], seeds: Vectors) -> tuple[list[str], Vectors]:
    """`size` texts and unit vectors: the seeds, then mixtures of a seed with one of its 20 nearest and a little noise."""
    if size <= len(texts):
        return list(texts[:size]), seeds[:size]
    generator = np.random.default_rng(7)
    nearest = np.argsort(-(seeds @ seeds.T), axis=1)[:, 1:21]
    extra = size - len(texts)
    first = generator.integers(0, len(texts), extra)
    second = nearest[first, generator.integers(0, 20, extra)]
    share = generator.uniform(0.5, 0.95, (extra, 1)).astype(np.float32)
    noise = generator.normal(0, 0.02, (extra, DIMENSION)).astype(np.float32)
    mixed = share * seeds[first] + (1 - share) * seeds[second] + noise
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    joined = []
    for one, other in zip(first, second, strict=True):
        a, b = texts[one].split(), texts[other].split()
        joined.append(" ".join([*a[: len(a) // 2], *b[len(b) // 2 :]]))
    return [*texts, *joined], np.vstack([seeds, mixed])


def measure(
    size: int,
    texts: Sequence[str],
    seeds: Vectors,
    queries: tuple[list[str], Vectors],
    home: Path,
    stock: bool,
    exact_rows: int,
) -> None:
    """Load the stores, search them and print the table."""
    from twin.local import postgres
    from twin.settings import load

    rows, vectors = corpus(size, texts, seeds)
    asked, wanted = queries
    whole = nearest(vectors, wanted, range(size))
    truths = dict.fromkeys(("", *map(WIDE.format, WIDTHS)), whole)
    truths[OF_ONE] = nearest(vectors, wanted, range(0, size, AUTHORS))
    print(
        f"\n### {size:,} chunks\n\n| store | load s | size MB | p50 ms | p95 ms | p95, {CLIENTS} clients | recall@{K} |"
    )
    print("|---|---|---|---|---|---|---|", flush=True)
    with postgres.running(dataclasses.replace(load(), home=home, database_url="")) as url:
        for store, make in subjects(url, stock, exact_rows).items():
            began = time.monotonic()
            searches, sizes, close = make(rows, vectors)
            loading = time.monotonic() - began
            for kind, search in searches.items():
                hits, alone = timed(search, asked, wanted, len(asked))
                _, together = crowd(search, asked, wanted)
                recall = "" if kind not in truths else f"{shared(hits, truths[kind]):.3f}"
                times = [*np.percentile(alone, [50, 95]) * 1000, np.percentile(together, 95) * 1000]
                cells = [loading, sizes() / 1e6, *times]
                print(
                    f"| {store}{kind} | " + " | ".join(f"{cell:,.1f}" for cell in cells) + f" | {recall} |", flush=True
                )
            if WORDS in searches:
                phrases(searches[WORDS], rows, wanted)
            close()


def nearest(vectors: Vectors, wanted: Vectors, among: range) -> list[set[int]]:
    """The K rows of `among` nearest to each query, by looking at all of them."""
    these = vectors[among.start : among.stop : among.step]
    return [{among[n] for n in np.argpartition(-(these @ query), K)[:K].tolist()} for query in wanted]


def shared(hits: Sequence[set[int] | None], truth: Sequence[set[int]]) -> float:
    """Mean share of the true rows that were found."""
    return float(np.mean([len(h & t) / K for h, t in zip(hits, truth, strict=False) if h is not None]))


def phrases(search: Search, rows: list[str], wanted: Vectors, count: int = 200, words: int = 8) -> None:
    """How often a search for a few words of a text, without their order, finds a text that holds them all."""
    generator, found = random.Random(7), 0
    for _ in range(count):
        said = generator.choice(rows).split()
        at = generator.randrange(len(said) - words)
        phrase = " ".join(said[at : at + words])
        found += any(phrase in rows[n] for n in search(phrase, wanted[0]))
    print(f"\n{words} words of a text, by words alone: {found / count:.1%} of {count} find it among the first {K}.\n")


Search = Callable[[str, Vectors], set[int]]
WIDE = ", ef_search {}"
OF_ONE, HYBRID, WORDS = ", of one author in ten", ", hybrid", ", words alone"
Made = tuple[dict[str, Search], Callable[[], int], Callable[[], None]]
"""Searches by kind ("" is by similarity alone), the store's size in bytes, its end."""


def subjects(url: str, stock: bool, exact_rows: int) -> dict[str, Callable[[list[str], Vectors], Made]]:
    """Each store's maker: load the rows, answer with its search, its size in bytes and its end."""
    own: Any = {"type": "twin.store.online.PgVectorOnlineStore", "database_url": url}
    own |= {"exact_rows": exact_rows} if exact_rows else {}
    made = {
        "bare pgvector HNSW": lambda rows, vectors: bare(url, rows, vectors),
        "twin.store.online": lambda rows, vectors: through_feast(url, own, "ours", rows, vectors),
    }
    if stock:
        theirs = stock_config(url)
        made["Feast's stock Postgres store"] = lambda rows, vectors: through_feast(url, theirs, "stock", rows, vectors)
    return made


def stock_config(url: str) -> dict[str, Any]:
    """Feast's own store on the same server."""
    from psycopg.conninfo import conninfo_to_dict

    parts = conninfo_to_dict(url)
    return {
        "type": "postgres", "host": parts["host"], "port": int(parts.get("port") or 5432),
        "database": parts["dbname"], "user": parts["user"], "password": parts.get("password") or "none",
        "sslmode": "disable", "vector_enabled": True, "conn_type": "pool", "max_conn": 8,
    }  # fmt: skip


def bare(url: str, rows: list[str], vectors: Vectors) -> Made:
    """What pgvector does when nothing stands before it: as good an index, the same columns, one prepared statement."""
    from twin.store import table as tables
    from twin.store.connection import open_pool

    pool = open_pool(url, 1)
    with pool.connection() as connection:
        connection.execute("DROP TABLE IF EXISTS bare")
        connection.execute(
            f"CREATE TABLE bare (id bigint PRIMARY KEY, author text, text text, embedding vector({DIMENSION}) NOT NULL)"
        )
        connection.execute("ALTER TABLE bare ALTER COLUMN embedding SET STORAGE PLAIN")
        with connection.cursor().copy("COPY bare FROM STDIN WITH (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "text", "text", "vector"])
            for number, (text, vector) in enumerate(zip(rows, vectors, strict=True)):
                copy.write_row((number, "a", text, vector))
        connection.execute(
            "CREATE INDEX ON bare USING hnsw (embedding vector_cosine_ops) "
            f"WITH (m = {tables.LINKS}, ef_construction = {tables.BUILT_WITH})"
        )
        connection.execute("ANALYZE bare")

    pools = [open_pool(url, 8, width) for width in WIDTHS]

    def search(pool: Any, _: str, vector: Vectors) -> set[int]:
        with pool.connection() as connection:
            found = connection.execute(
                "SELECT id, author, text, embedding <=> %s AS distance FROM bare ORDER BY distance LIMIT %s",
                [vector, K], binary=True,
            ).fetchall()  # fmt: skip
        return {row[0] for row in found}

    def close() -> None:
        for each in (pool, *pools):
            each.close()

    searches: dict[str, Search] = {
        WIDE.format(width): partial(search, each) for width, each in zip(WIDTHS, pools, strict=True)
    }
    return searches, lambda: relation_size(pool, "bare"), close


def through_feast(url: str, online: dict[str, Any], name: str, rows: list[str], vectors: Vectors) -> Made:
    """A Feast online store, written and searched by Feast's own interface."""
    from feast import Entity, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.filter_models import ComparisonFilter
    from feast.infra.online_stores.helpers import compute_table_id
    from feast.repo_config import get_online_config_from_type
    from feast.types import Array, Float32, Int64, String

    from twin.store.connection import EF_SEARCH, open_pool

    entity = Entity(name="chunk", join_keys=["id"], value_type=ValueType.INT64)
    vector = Field(name="embedding", dtype=Array(Float32), vector_index=True, vector_length=DIMENSION,
                   vector_search_metric="cosine")  # fmt: skip
    view = FeatureView(
        name=name, entities=[entity], source=FileSource(path="none.parquet", timestamp_field="event_timestamp"),
        schema=[
            Field(name="id", dtype=Int64), Field(name="author", dtype=String, tags={"index": "true"}),
            Field(name="text", dtype=String, tags={"full_text": "english"}), vector,
        ],
    )  # fmt: skip
    view.entity_columns = [Field(name="id", dtype=Int64)]
    config = RepoConfig(
        project="bench", provider="local", registry="none.db", online_store=online, entity_key_serialization_version=3
    )
    get_online_config_from_type(online["type"])
    store = _store(online["type"])
    store.update(config, [view], [view], [], [entity], partial=False)
    for start in range(0, len(rows), BATCH):
        store.online_write_batch(config, view, list(_protos(rows, vectors, start, start + BATCH)), None)
    pool = open_pool(url, 1)
    table = compute_table_id("bench", view, False)

    def search(text: str, query: Vectors, kind: str = "", width: int = 0) -> set[int]:
        if width and width != config.online_store.ef_search:
            config.online_store.ef_search = width
            store.release()
        vector = None if kind == WORDS else query.tolist()
        more = {"filters": ComparisonFilter(type="eq", key="author", value="a0")} if kind == OF_ONE else {}
        found = store.retrieve_online_documents_v2(
            config, view, _FEATURES, vector, K, "cosine", text if kind in (HYBRID, WORDS) else None, **more
        )
        return {key.entity_values[0].int64_val for _, key, _ in found if key is not None}

    def close() -> None:
        store.update(config, [view], [], [entity], [], partial=True)
        pool.close()
        if hasattr(store, "release"):
            store.release()

    searches: dict[str, Search] = {"": search}
    if name == "ours":
        if len(rows) > config.online_store.exact_rows:
            searches = {WIDE.format(width): partial(search, width=width) for width in WIDTHS}
        searches |= {kind: partial(search, kind=kind, width=EF_SEARCH) for kind in (OF_ONE, HYBRID, WORDS)}
    return searches, lambda: relation_size(pool, table), close


def _store(kind: str) -> Any:
    if kind == "postgres":
        from feast.infra.online_stores.postgres_online_store.postgres import PostgreSQLOnlineStore

        return PostgreSQLOnlineStore()
    from twin.store.online import PgVectorOnlineStore

    return PgVectorOnlineStore()


def _protos(rows: list[str], vectors: Vectors, start: int, end: int) -> Iterator[Any]:
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    now = datetime(2025, 1, 1, tzinfo=UTC)
    for number in range(start, min(end, len(rows))):
        vector = Value()
        vector.float_list_val.val.extend(vectors[number].tolist())
        values = {
            "author": Value(string_val=f"a{number % AUTHORS}"),
            "text": Value(string_val=rows[number]),
            "embedding": vector,
        }
        yield EntityKey(join_keys=["id"], entity_values=[Value(int64_val=number)]), values, now, None


def timed(
    search: Search, asked: list[str], wanted: Vectors, count: int
) -> tuple[list[set[int] | None], NDArray[np.float64]]:
    """What one client finds and how long each search took, in seconds; up to ten searches warm up."""
    until = time.perf_counter() + 10
    for i in range(10):
        search(asked[i], wanted[i])
        if time.perf_counter() > until:
            break
    hits: list[set[int] | None] = []
    seconds = []
    for i in range(count):
        began = time.perf_counter()
        hits.append(search(asked[i], wanted[i]))
        seconds.append(time.perf_counter() - began)
        if sum(seconds) > 20:
            break
    return hits, np.array(seconds)


def crowd(search: Search, asked: list[str], wanted: Vectors) -> tuple[None, NDArray[np.float64]]:
    """CLIENTS clients at once, each with its own share of the queries."""
    seconds: list[float] = []

    def client(mine: range) -> None:
        until = time.perf_counter() + 15
        for i in mine:
            began = time.perf_counter()
            search(asked[i], wanted[i])
            seconds.append(time.perf_counter() - began)
            if began > until:
                return

    threads = [threading.Thread(target=client, args=(range(n, len(asked), CLIENTS),)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return None, np.array(seconds)


def relation_size(pool: Any, table: str) -> int:
    """Bytes of a table with its indexes."""
    with pool.connection() as connection:
        found = connection.execute("SELECT pg_total_relation_size(%s::regclass)", [f'"{table}"']).fetchone()
    return int(found[0])


if __name__ == "__main__":
    main()
