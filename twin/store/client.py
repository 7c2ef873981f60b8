"""The thin client: reads go straight to the feature views' tables, writes and declarations go through Feast."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from twin.errors import StoreError
from twin.records import Chunk
from twin.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

CHUNKS = "chunk_embeddings"
STYLE = "author_style"
_PROJECT = "twin"
_CHUNK_FIELDS = tuple(Chunk.__dataclass_fields__)
_EXEMPLAR_POOL = 300
_EXEMPLAR_LETTERS = 80
_CACHE_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A chunk and the reason for it: `score` is the fused rank, `similarity` the cosine, None if words matched."""

    chunk: Chunk
    score: float
    similarity: float | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """An author's stylometric means and standard deviations over `documents` texts."""

    author: str
    documents: int
    words: int
    means: dict[str, float]
    deviations: dict[str, float]


class Store:
    """The feature store of `settings.database_url`. Connections open at first use; close it, or use it in a `with`.

    Threads may share one. Every method raises StoreError when the database is away or has no features yet.
    """

    def __init__(self, settings: Settings, pool_size: int = 8) -> None:
        if not settings.database_url:
            raise StoreError("the feature store has no database", "DATABASE_URL is empty", "Start it with `twin up`.")
        self.url = settings.database_url
        self._root = settings.root
        self._size = pool_size
        self._open: Any = None
        self._feast: Any = None
        self._exemplars: dict[Any, tuple[float, list[Hit]]] = {}
        self._index: Any = None
        self._has_index = (
            False  # as the last query found it: where it is wrong, a search is slow and its answer the same
        )

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        if self._open is not None:
            self._open.close()
        if self._feast is not None:
            self._feast.provider.online_store.release()
        self._open = self._feast = None

    def search(
        self,
        author: str,
        embedding: NDArray[np.float32] | None,
        text: str,
        limit: int,
        register: str | None = None,
        source: str | None = None,
        documents: Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Hit]:
        """The author's `limit` best chunks, best first: similarity and words, their ranks fused, in one round trip.

        `embedding` is one unit vector (384) or None; `text` may be empty; one of both is needed. `documents` restricts
        the search to these document ids: an evaluation gives the training documents. `since` and `until` bound the day
        of publication (both included); texts without a date are then left out.
        """

        from twin.store.query import search

        if limit <= 0 or (documents is not None and not documents):
            return []
        if embedding is None and not text.strip():
            raise StoreError("a search needs an embedding or words", None, "Give the brief.")
        conditions: dict[str, Any] = {"author": author, "register": register, "source": source}
        if documents is not None:
            conditions["documents"] = list(documents)
        conditions |= {"since": since, "until": until}
        query = search(
            _chunk_table(),
            _CHUNK_FIELDS,
            limit=limit,
            vector=embedding is not None,
            text=bool(text.strip()),
            where=_where(conditions).as_string(None),
            indexed=self._has_index,
        )
        return [_hit(row) for row in self._rows(query, {"embedding": embedding, "query": text, **conditions})]

    def chunks(self, author: str, ids: Sequence[str]) -> list[Chunk]:
        """The author's chunks of these ids, in this order; ids of nobody or of another author are left out."""
        from psycopg import sql

        query = sql.SQL("SELECT {} FROM {} WHERE author = %(author)s AND id = ANY(%(ids)s)").format(
            _listed(), _chunk_table().id
        )
        found = {chunk.id: chunk for chunk in map(_chunk, self._rows(query, {"author": author, "ids": list(ids)}))}
        return [found[name] for name in ids if name in found]

    def openings(self, author: str, limit: int) -> list[Chunk]:
        """The first chunks of the author's newest texts of any register."""
        return self._openings(author, "", None)[:limit]

    def exemplars(self, author: str, register: str, k: int, documents: Collection[str] | None = None) -> list[Hit]:
        """`k` openings of the author's texts that show the voice: of this register, unlike each other, of any topic.

        The same texts come for every brief, so that a predictor can keep their prefix. Other registers fill in when
        this one has too few. What another process writes is seen within five minutes.
        """
        if k <= 0 or (documents is not None and not documents):
            return []
        key = (author, register, k, None if documents is None else frozenset(documents))
        at, known = self._exemplars.get(key, (0.0, []))
        if not known or time.monotonic() - at > _CACHE_SECONDS:
            known = _shown(self._openings(author, register, documents), register, k)
            self._exemplars = {**dict(list(self._exemplars.items())[-31:]), key: (time.monotonic(), known)}
        return known

    def style(self, author: str) -> Style | None:
        """The author's style in numbers; None when nothing is known of them."""
        from psycopg import sql

        columns = sql.SQL(", ").join(map(sql.Identifier, ("documents", "words", "names", "means", "deviations")))
        query = sql.SQL("SELECT {} FROM {} WHERE author = %(author)s").format(
            columns, sql.Identifier(f"{_PROJECT}_{STYLE}")
        )
        rows = self._rows(query, {"author": author})
        if not rows:
            return None
        documents, words, names, means, deviations = rows[0]
        return Style(
            author=author, documents=documents, words=words, means=dict(zip(names, means, strict=True)),
            deviations=dict(zip(names, deviations, strict=True)),
        )  # fmt: skip

    def count(self, author: str) -> int:
        """How many chunks of the author are searchable."""
        from psycopg import sql

        return int(
            self._rows(
                sql.SQL("SELECT count(*) FROM {} WHERE author = %(author)s").format(_chunk_table().id),
                {"author": author},
            )[0][0]
        )

    def forget(self, author: str | None = None, document_id: str | None = None) -> int:
        """Delete an author's chunks and style, or one document's chunks; how many chunks went.

        Raises StoreError when neither is given: nobody forgets everybody by accident.
        """
        from psycopg import sql

        if not (author or document_id):
            raise StoreError("nothing to forget was named", None, "Give an author or a document id.")
        conditions = {"author": author, "document_id": document_id}
        gone = self._rows(
            sql.SQL("DELETE FROM {} AS t WHERE {} RETURNING 1").format(_chunk_table().id, _where(conditions)),
            conditions,
        )
        if author and not document_id:
            self._rows(
                sql.SQL("DELETE FROM {} WHERE author = %(author)s RETURNING 1").format(
                    sql.Identifier(f"{_PROJECT}_{STYLE}")
                ),
                conditions,
            )
        self._exemplars = {}
        return len(gone)

    def prune(self, author: str, keep: Collection[str]) -> int:
        """Delete the author's chunks whose ids are not in `keep`: their document is gone or has changed."""
        from psycopg import sql

        query = sql.SQL("DELETE FROM {} WHERE author = %(author)s AND id <> ALL(%(keep)s) RETURNING 1").format(
            _chunk_table().id
        )
        self._exemplars = {}
        return len(self._rows(query, {"author": author, "keep": list(keep)}))

    def apply(self) -> None:
        """Declare the entities and feature views of feature_repo in the registry and fit the tables to them."""
        from feature_repo.definitions import declare

        with self._speaking():
            self._run_schema()
            self.feast().apply(list(declare(str(self._root / "data"))))
            self.feast().refresh_registry()  # writes look at its cache, which may still hold the views as they were

    def write_chunks(self, frame: pd.DataFrame) -> int:
        """Write chunk rows (Chunk fields, `embedding`, `event_timestamp`) through Feast; how many."""
        return self._write(CHUNKS, frame[[*_CHUNK_FIELDS, "embedding", "event_timestamp"]])

    def write_style(self, frame: pd.DataFrame) -> int:
        """Write author rows (author, documents, words, names, means, deviations, `event_timestamp`) through Feast."""
        return self._write(STYLE, frame)

    def feast(self) -> Any:
        """Feast's own FeatureStore on the same registry and tables (seconds to import: not for requests)."""
        if self._feast is None:
            from twin.store.config import feature_store

            self._feast = feature_store(self.url, self._root)
        return self._feast

    def _write(self, view: str, frame: pd.DataFrame) -> int:
        if frame.empty:
            return 0
        with self._speaking():
            self.feast().write_to_online_store(view, frame)
        self._exemplars, self._index = {}, None
        return len(frame)

    def _openings(self, author: str, register: str, documents: Collection[str] | None) -> list[Chunk]:
        from psycopg import sql

        conditions = {"author": author, "documents": None if documents is None else list(documents)}
        query = sql.SQL(
            "SELECT {} FROM {} AS t WHERE {} AND ordinal = 0 AND length(text) >= %(letters)s "
            "ORDER BY register = %(wanted)s DESC, published_at DESC NULLS LAST, id LIMIT %(pool)s"
        ).format(_listed(), _chunk_table().id, _where(conditions))
        sizes = {"letters": _EXEMPLAR_LETTERS, "pool": _EXEMPLAR_POOL}
        rows = self._rows(query, {**conditions, **sizes, "wanted": register})
        return [_chunk(row) for row in rows]

    def _rows(self, query: Any, parameters: dict[str, Any]) -> list[Any]:
        with self._speaking(), self._pool().connection() as connection:
            rows = list(connection.execute(query, parameters, binary=True).fetchall())
            self._look(connection)
        return rows

    def _look(self, connection: Any) -> None:
        if self._index is None:
            from twin.store.table import Indexed

            self._index = Indexed()
        self._has_index = self._index(connection, _chunk_table())

    def _run_schema(self) -> None:
        with self._pool().connection() as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS feast")

    def _pool(self) -> Any:
        if self._open is None:
            from twin.store.connection import open_pool

            self._open = open_pool(self.url, self._size)
        return self._open

    def _speaking(self) -> Any:
        from twin.store.connection import speaking

        return speaking(self.url)


def _chunk_table() -> Any:
    """The chunk view's table as far as a search needs it; a test holds that the plug-in makes the same."""
    from twin.store.table import Column, Table

    vector = Column("embedding", "vector(384)", metric="cosine", dimensions=384)
    return Table(f"{_PROJECT}_{CHUNKS}", (), (vector, Column("text", "text", full_text="english")))


def _where(conditions: dict[str, Any]) -> Any:
    """Equality on each value that is given; `documents` is a list of document ids, `since` and `until` are dates."""
    from psycopg import sql

    ranges = {
        "documents": "document_id = ANY(%(documents)s)", "since": "published_at >= %(since)s",
        "until": "published_at <= %(until)s",
    }  # fmt: skip
    parts = [
        sql.SQL(ranges[name])
        if name in ranges
        else sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name))
        for name, value in conditions.items()
        if value is not None
    ]
    return sql.SQL(" AND ").join(parts)


def _listed() -> Any:
    from psycopg import sql

    return sql.SQL(", ").join(map(sql.Identifier, _CHUNK_FIELDS))


def _chunk(row: Any) -> Chunk:
    return Chunk(**dict(zip(_CHUNK_FIELDS, row, strict=True)))


def _hit(row: Any) -> Hit:
    *fields, distance, near, word, score = row
    similarity = None if distance is None else 1.0 - float(distance)
    reasons = []
    if similarity is not None:
        reasons.append(f"{_nth(near)} nearest in meaning (cosine {similarity:.2f})")
    if word is not None:
        reasons.append(f"{_nth(word)} by shared words")
    return Hit(chunk=_chunk(fields), score=float(score), similarity=similarity, why=", ".join(reasons))


def _shown(openings: list[Chunk], register: str, k: int) -> list[Hit]:
    from twin.text import masks
    from twin.voice.exemplars import diverse

    hits: list[Hit] = []
    for which, own in (("this register", True), ("another register", False)):
        # A mask in an example would be written after it.
        pool = [c for c in openings if (c.register == register) is own and not masks.held(c.text)]
        for place in diverse([chunk.text for chunk in pool], k - len(hits)):
            why = f"shows the voice in {which} ({pool[place].register}); chosen to differ in style, not for its topic"
            hits.append(Hit(chunk=pool[place], score=1.0 / (len(hits) + 1), similarity=None, why=why))
    return hits


def _nth(rank: int) -> str:
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{ending}"
