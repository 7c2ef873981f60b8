"""What a pasted link or a handed-in file is: the source's kind, told from its address or its entries."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from twin.errors import SourceError
from twin.recognise_files import recognise_path


def recognise(place: str) -> dict[str, str]:
    """A source's `kind` with `path`, `url` or `user`, as params.yaml spells it.

    Raises SourceError when the place is neither a known link nor a readable export, folder or file.
    """
    return _link(place) if re.match(r"https?://", place) or _bare_host(place) else recognise_path(Path(place))


def _bare_host(place: str) -> bool:
    return bool(re.match(r"^(www\.)?(github\.com|medium\.com|[\w-]+\.substack\.com|[\w-]+\.medium\.com)(/|$)", place))


def _link(place: str) -> dict[str, str]:
    url = place if "://" in place else f"https://{place}"
    parts = urlsplit(url)
    host, path = (parts.hostname or "").removeprefix("www."), parts.path.strip("/")
    if host == "github.com":
        if not path:
            raise SourceError("a GitHub link needs a user", place, "Paste the profile's link: https://github.com/NAME.")
        return {"kind": "github", "user": path.split("/")[0]}
    if host.endswith(".substack.com"):
        return {"kind": "substack", "url": f"https://{host}"}
    if host == "medium.com" or host.endswith(".medium.com"):
        handle = re.match(r"@[\w.-]+", path)
        return {"kind": "medium", "user": handle[0].lstrip("@")} if handle else {"kind": "medium", "url": url}
    if host in ("linkedin.com", "x.com", "twitter.com"):
        raise SourceError(
            "this platform forbids collecting from its pages", place,
            "Ask it for your data export (Settings → Get a copy of your data) and hand in the ZIP.",
        )  # fmt: skip
    if re.search(r"sitemap[^/]*\.xml(\.gz)?$|\.xml\.gz$", path, re.IGNORECASE):
        return {"kind": "blog", "url": url}
    return {"kind": "rss", "url": url}
