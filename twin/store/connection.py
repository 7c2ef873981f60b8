"""Connections to PostgreSQL for the feature store: pooled, ready for vectors, with errors that say what to do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from twin.errors import StoreError

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg_pool import ConnectionPool

EF_SEARCH = 400
"""Candidates that HNSW looks at."""

# The pool's pauses between attempts double: who gives up soon begins anew with the next request, and so is back at once.
_GIVE_UP_SECONDS = 8.0


def open_pool(database_url: str, size: int, ef_search: int = EF_SEARCH) -> ConnectionPool[Connection[Any]]:
    """A pool whose connections are checked before use, so that it heals after the server was away."""
    from psycopg_pool import ConnectionPool

    return ConnectionPool(
        database_url, min_size=1, max_size=size, timeout=5, reconnect_timeout=_GIVE_UP_SECONDS,
        configure=partial(_configure, ef_search=ef_search), check=_check, reset=_note, kwargs={"autocommit": True},
        open=True, name="twin-store",
    )  # fmt: skip


_IDLE_SECONDS = 1.0
_returned: WeakKeyDictionary[Connection[Any], float] = WeakKeyDictionary()


def _note(connection: Connection[Any]) -> None:
    _returned[connection] = time.monotonic()


def _check(connection: Connection[Any]) -> None:
    """Ask whether the server is there, but not of a connection that answered a moment ago: it costs a round trip."""
    from psycopg_pool import ConnectionPool

    if time.monotonic() - _returned.get(connection, -1e9) > _IDLE_SECONDS:
        ConnectionPool.check_connection(connection)


def _configure(connection: Connection[Any], ef_search: int) -> None:
    import psycopg
    from pgvector.psycopg import register_vector

    try:
        register_vector(connection)
    except psycopg.ProgrammingError:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        register_vector(connection)
    # With a filter, HNSW must go on looking until enough rows pass it.
    connection.execute("SET hnsw.iterative_scan = strict_order")
    connection.execute("SELECT set_config('hnsw.ef_search', %s, false)", [str(ef_search)])
    # A search takes milliseconds: starting workers or compiling it would take longer, and other clients wait.
    connection.execute("SET max_parallel_workers_per_gather = 0")
    connection.execute("SET jit = off")


@contextmanager
def speaking(database: str) -> Iterator[None]:
    """Turn a driver's error into a StoreError that says what to do."""
    import psycopg
    from psycopg_pool import PoolTimeout

    try:
        yield
    except (PoolTimeout, psycopg.OperationalError) as error:
        raise StoreError(
            "the feature store does not answer",
            f"{database} ({error})",
            "Start it with `twin up`, or mend DATABASE_URL.",
        ) from error
    except psycopg.errors.UndefinedTable as error:
        raise StoreError(
            "the feature store is empty", str(error).split("\n")[0], "Run `twin features` first."
        ) from error
    except psycopg.Error as error:
        raise StoreError(
            "the feature store refused", str(error).strip(), "Run `twin features` to build it anew."
        ) from error
