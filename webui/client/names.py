"""Names for jobs and drafts that sort by the moment they were made."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def fresh(kind: str = "") -> str:
    """A new name such as 20260131-120000-123456-pipeline-a1b2c3; UTC, so that no clock change disorders them."""
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    return "-".join(part for part in (moment, kind, secrets.token_hex(3)) if part)
