"""Names for jobs and drafts that sort by the moment they were made."""

from __future__ import annotations

import contextlib
import secrets
from datetime import UTC, datetime, timedelta

_FORM = "%Y%m%d-%H%M%S-%f"
_LENGTH = len("20260131-120000-123456")


def fresh(kind: str = "", after: str = "") -> str:
    """A new name such as 20260131-120000-123456-pipeline-a1b2c3; UTC, so that summer time does not disorder them.

    It sorts behind `after`, a name of this kind, also when the clock was set back since.
    """
    moment = datetime.now(UTC).strftime(_FORM)
    with contextlib.suppress(ValueError):
        last = datetime.strptime(after[:_LENGTH], _FORM).replace(tzinfo=UTC)
        moment = max(moment, (last + timedelta(microseconds=1)).strftime(_FORM))
    return "-".join(part for part in (moment, kind, secrets.token_hex(3)) if part)
