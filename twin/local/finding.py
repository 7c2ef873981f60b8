"""What an examination of one part found."""

from __future__ import annotations

from dataclasses import asdict, dataclass

OK, WARN, BAD, SKIPPED = "ok", "warn", "fail", "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """`state` is ok, warn, fail or skipped (not in use here); `mend` says what to do where one has to."""

    part: str
    state: str
    said: str
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return asdict(self)
