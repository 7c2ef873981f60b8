"""The role under which the local endpoint asks the embedded database: it reads, logs what was asked, and makes nothing."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

SERVING = "twin_serving"
# Tables that come later, such as those of the first `twin features`, are read by it too: all are made by the owner.
_GRANTS = """
DO $$ BEGIN
    CREATE ROLE twin_serving LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$;
GRANT USAGE ON SCHEMA public TO twin_serving;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO twin_serving;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO twin_serving;
GRANT INSERT, DELETE ON payload_events TO twin_serving;
"""


def serving(url: str) -> str:
    """The URL of the same embedded database for the endpoint; makes the role, and the log's tables before it.

    Raises StoreError when the owner's own URL does not answer.
    """
    from twin.monitoring import database

    # The log makes its tables when it is first asked, which this role may not: the owner is asked once.
    with database.asking(url) as connection:
        connection.execute(_GRANTS)
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{SERVING}@{parts.netloc.rpartition('@')[2]}"))
