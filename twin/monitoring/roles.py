"""The role under which the endpoint asks the database: it reads, logs what was asked, and makes nothing.

On a cluster CloudNativePG makes the role, and `python -m twin.monitoring.roles` lets it do its work before each endpoint.
"""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit, urlunsplit

from twin.errors import StoreError, TwinError
from twin.monitoring import database

SERVING = "twin_serving"
_MAKE = """
DO $$ BEGIN
    CREATE ROLE twin_serving LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
"""
# Tables that come later, such as those of the first `twin features`, are read by it too: all are made by the owner.
# Two endpoints that start at once must not write one row of the catalogue at the same time.
_GRANTS = """
SELECT pg_advisory_xact_lock(hashtext('twin_serving'));
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$;
GRANT USAGE ON SCHEMA public TO twin_serving;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO twin_serving;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO twin_serving;
GRANT INSERT, DELETE ON payload_events TO twin_serving;
"""


def make(url: str) -> str:
    """Make the role in the embedded database; the URL under which the endpoint asks it.

    Raises StoreError when the owner's own URL does not answer.
    """
    with database.asking(url) as connection:
        connection.execute(_MAKE)
    grant(url)
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{SERVING}@{parts.netloc.rpartition('@')[2]}"))


def grant(url: str) -> None:
    """Let the role do its work, as the owner of the tables at `url`; the log's tables are made before.

    Raises StoreError when the database does not answer, or the role is not there.
    """
    # The log makes its tables when it is first asked, which the role may not: the owner is asked once.
    with database.asking(url) as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [SERVING]).fetchone() is None:
            mend = "Wait for the operator, or apply manifests/base/postgres/roles.yaml."
            raise StoreError("the endpoint's database role is not there", SERVING, mend)
        connection.execute(_GRANTS)


if __name__ == "__main__":
    try:
        grant(os.environ.get("DATABASE_URL", ""))
    except TwinError as error:
        sys.exit(str(error))
