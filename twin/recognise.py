"""What a pasted link or a handed-in file is: the source's kind, told from its address or its entries."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from twin.errors import SourceError

_ENTRIES = (
    ("linkedin", re.compile(r"(^|/)(Shares|Comments|Profile)(_\d+)?\.csv$|(^|/)Rich_Media\.csv$")),
    ("substack", re.compile(r"(^|/)posts\.csv$")),
    ("medium", re.compile(r"(^|/)posts/(\d{4}-\d{2}-\d{2}|draft)_.*\.html$")),
)
_TEXTS = {".md", ".markdown", ".mdx", ".txt", ".html", ".htm"}
_TABLES = {".jsonl", ".csv", ".ndjson"}


def recognise(place: str) -> dict[str, str]:
    """A source's `kind` with `path`, `url` or `user`, as params.yaml spells it.

    Raises SourceError when the place is neither a known link nor a readable export, folder or file.
    """
    return _link(place) if re.match(r"https?://", place) or _bare_host(place) else _path(Path(place))


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


def _path(path: Path) -> dict[str, str]:
    if not path.exists():
        raise SourceError("there is no such file or folder", path, "Check the path, or paste a link with https://.")
    if path.is_file() and path.suffix.lower() in _TABLES:
        return {"kind": "jsonl", "path": str(path)}
    if path.is_file() and path.suffix.lower() in _TEXTS:
        return {"kind": "files", "path": str(path)}
    names = _names(path)
    for kind, pattern in _ENTRIES:
        if any(pattern.search(name) for name in names):
            return {"kind": kind, "path": str(path)}
    suffixes = {PurePosixPath(name).suffix.lower() for name in names}
    if suffixes & _TEXTS:
        return {"kind": "files", "path": str(path)}
    if suffixes & _TABLES:
        return {"kind": "jsonl", "path": str(path)}
    raise SourceError(
        "nothing readable was found", path,
        "Hand in a LinkedIn, Medium or Substack export, or Markdown, text, HTML, JSONL or CSV files.",
    )  # fmt: skip


def _names(path: Path) -> list[str]:
    if path.is_dir():
        return sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise SourceError(
            "the file is no readable archive", f"{path} ({error})", "Download the export again."
        ) from None
