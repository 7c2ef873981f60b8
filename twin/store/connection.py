"""Connections to PostgreSQL for the feature store: pooled, ready for vectors, with errors that say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from twin.errors import StoreError

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg_pool import ConnectionPool


# The pool's pauses between attempts double: who gives up soon begins anew with the next request, and so is back at once.
_GIVE_UP_SECONDS = 8.0


def open_pool(database_url: str, size: int) -> ConnectionPool[Connection[Any]]:
    """A pool whose connections are checked before use, so that it heals after the server was away."""
    from psycopg_pool import ConnectionPool

    return ConnectionPool(
        database_url, min_size=1, max_size=size, timeout=5, reconnect_timeout=_GIVE_UP_SECONDS, configure=_configure,
        check=ConnectionPool.check_connection, kwargs={"autocommit": True}, open=True, name="twin-store",
    )  # fmt: skip


def _configure(connection: Connection[Any]) -> None:
    import psycopg
    from pgvector.psycopg import register_vector

    try:
        register_vector(connection)
    except psycopg.ProgrammingError:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        register_vector(connection)
    # With a filter, HNSW must go on looking until enough rows pass it.
    connection.execute("SET hnsw.iterative_scan = strict_order")
    connection.execute("SET hnsw.ef_search = 100")


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
            f"{_without_secret(database)} ({error})",
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


def _without_secret(url: str) -> str:
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)
