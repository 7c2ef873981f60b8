"""Whose texts of a site are the author's, where several people write on it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from twin.errors import SourceError


def chosen(writers: Mapping[str, set[str]], user: str, author: str, where: object) -> set[str]:
    """The keys of `writers` (key: other names) that are the author.

    `user` names them, several parted by commas, `*` for all; without it a lone writer is the author, texts that name
    none included, and of several the one of the `author`'s name. Raises SourceError naming the writers when that leaves nobody.
    """
    if user.strip() == "*" or (not user and len(writers.keys() - {""}) <= 1):
        return set(writers)
    wanted = {_plain(part) for part in (user.split(",") if user else [author])} - {""}
    found = {key for key, names in writers.items() if wanted & {_plain(name) for name in {key, *names}}}
    if found:
        return found
    raise SourceError(
        f"nobody here is called {user}" if user else "several people wrote here",
        f"{where} ({', '.join(sorted(key or 'without a name' for key in writers)[:20])})",
        "Name the author in the source's entry: `user: NAME`, several parted by commas, or `user: '*'` for all.",
    )


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name).casefold()
    return re.sub(r"[\W_]+", "", "".join(c for c in folded if not unicodedata.combining(c))) or name.strip()
