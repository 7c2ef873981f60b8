"""The drift reports' verdicts in PostgreSQL: what Prometheus shows of them, and the cool-down between two trainings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from twin.monitoring.meters import meters

_NEWEST = "SELECT DISTINCT ON (author) author, at, sections FROM drift_reports ORDER BY author, at DESC"
_KEEP = "DELETE FROM drift_reports WHERE at < now() - interval '2 years'"
_CLAIM = """
UPDATE drift_reports SET retrain = true WHERE author = %(author)s AND at = %(at)s AND NOT EXISTS (
    SELECT FROM drift_reports WHERE author = %(author)s AND retrain
    AND at > now() - make_interval(secs => %(seconds)s))
"""


def keep(connection: Any, author: str, at: datetime, sections: dict[str, dict[str, Any]]) -> None:
    """Keep a report's verdicts: section → `alarm` and `strength`."""
    from psycopg.types.json import Jsonb

    query = "INSERT INTO drift_reports (author, at, sections) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
    connection.execute(query, [author, at, Jsonb(sections)])
    connection.execute(_KEEP)


def claim(connection: Any, author: str, cooldown_days: float) -> bool:
    """Whether the author's newest report may start a training now; True once in `cooldown_days`, whoever asks.

    Only one of several that ask at once gets True: the claim is written under a lock of the author's own.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('twin retrain ' || %s, 0))", [author])
        newest = connection.execute("SELECT max(at) FROM drift_reports WHERE author = %s", [author]).fetchone()
        given = {"author": author, "at": newest[0] if newest else None, "seconds": 86_400.0 * cooldown_days}
        return bool(connection.execute(_CLAIM, given).rowcount)


def cooling(connection: Any, author: str, cooldown_days: float) -> datetime | None:
    """When the training began whose cool-down still runs; None when there is none."""
    query = "SELECT max(at) FROM drift_reports WHERE author = %s AND retrain AND at > now() - make_interval(secs => %s)"
    found = connection.execute(query, [author, 86_400.0 * cooldown_days]).fetchone()
    return found[0] if found else None


def show(connection: Any) -> None:
    """Set Prometheus's figures to the newest report of each author."""
    for author, at, sections in connection.execute(_NEWEST).fetchall():
        meters().at.labels(author).set(at.timestamp())
        for name, section in sections.items():
            meters().alarm.labels(author, name).set(int(bool(section.get("alarm"))))
            meters().strength.labels(author, name).set(float(section.get("strength") or 0))
