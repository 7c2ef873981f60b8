"""What a handed-in file, archive or folder is: told from its entries' names and from what stands in them."""

from __future__ import annotations

import re
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from twin.errors import SourceError
from twin.files import Spool

TEXTS = {".md", ".markdown", ".mdown", ".mkd", ".mdx", ".txt", ".text", ".rst", ".adoc", ".org", ".html", ".htm",
         ".xhtml", ".docx", ".pdf"}  # fmt: skip
TABLES = {".jsonl", ".ndjson", ".json", ".csv", ".tsv"}
ACCEPTED = (
    "Hand in an export of LinkedIn, Medium, Substack, X, Mastodon, WordPress or Ghost, or Markdown, text, HTML, Word, "
    "PDF, JSON, JSONL or CSV files."
)
_HEAD = 2**16
_MOST = 200_000
_MOST_INNER = 50
_MOST_HEADS = 20
_MOST_LIFTED = 2**30
_TARS = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
_MEDIUM_POST = rb"<section (?=[^>]*data-field=[\"']?body)(?=[^>]*e-content)"
# Kind, the names of entries that may be it, and what their beginning says; an entry without a demand is told by name.
_RULES: tuple[tuple[str, str, bytes], ...] = (
    ("linkedin", r"(^|/)(Shares|Comments|Rich[_ ]Media)([_ ]?\(?\d+\)?)*\.csv$", b""),
    ("linkedin", r"(^|/)Articles/.*\.html?$", rb"linkedin\.com/(pulse|in)/"),
    ("linkedin", r"\.csv$", rb"(?i)share\s?commentary|^\W*date\W+link\W+message\W*[\r\n]"),
    # Headers in another language: the links, and the marks of who may see a post, are LinkedIn's in all of them.
    (
        "linkedin",
        r"\.csv$",
        rb"(?s)linkedin\.com/feed/update/.*?[,\t]\"?(MEMBER_NETWORK|PUBLIC|CONNECTIONS)\"?[ \t]*\r?\n",
    ),
    ("x", r"(^|/)(tweets?(-part\d+)?\.js|data/js/tweets/\d{4}_\d\d\.js)$", b""),
    ("x", r"\.js$", rb"YTD\.tweets?\.part|Grailbird\.data\.tweets"),
    ("x", r"(^|/)tweets\.csv$", rb"tweet_id"),
    ("mastodon", r"(^|/)outbox\.json$", b""),
    ("mastodon", r"\.json$", rb"\"orderedItems\""),
    ("wordpress", r"\.(xml|wxr)$", rb"wordpress\.org/export|<wp:wxr_version"),
    ("ghost", r"\.json$", rb"\"(mobiledoc|lexical|posts_authors|posts_meta)\"|\"db\"\s*:\s*\[\s*\{\s*\"meta\""),
    # Posts of WordPress' programming interface, saved as they come.
    ("wordpress", r"\.json$", rb"\"content\"\s*:\s*\{\s*\"(?:raw|rendered)\""),
    # What Ghost's own migration tools write: posts under their addresses, with the HTML that Ghost is to show.
    ("ghost", r"\.json$", rb"(?s)\"posts\"\s*:\s*\[\s*\{.*?\"(html|feature_image|custom_excerpt)\"\s*:"),
    ("substack", r"(^|/)posts\.csv$", rb"post_id"),
    ("medium", r"(^|/)posts/(\d{4}-\d{2}-\d{2}|draft)_.*\.html$", b""),
    ("medium", r"(^|/)posts/[^/]+\.html$", _MEDIUM_POST),
    ("substack", r"(^|/)posts\.csv$", b""),
    # A part of an export without texts of the author's: others' messages must not be taken for a table of texts.
    (
        "linkedin",
        r"\.csv$",
        rb"CONVERSATION ID,CONVERSATION TITLE|First Name,Last Name,(URL|Email|Maiden)|From,To,Sent At",
    ),
    ("rss", r"\.json$", rb"https?://jsonfeed\.org/version/"),
    ("rss", r"\.(xml|rss|atom)$", rb"<(rss|feed|rdf:RDF)\b"),
)
# Pages that each are a text of an export, where there are no others.
_PAGES: tuple[tuple[str, bytes], ...] = (
    (
        "linkedin",
        rb"(?i)<h1[^>]*>\s*<a [^>]*href=[\"']?https?://(\w+\.)?linkedin\.com/pulse/|<p class=[\"']?created[\"']?>",
    ),
    ("medium", _MEDIUM_POST),
)
_HTML = {".html", ".htm", ".xhtml"}


@dataclass(frozen=True, slots=True)
class _Place:
    """The names below a place and the first bytes of each."""

    names: list[str]
    head: Callable[[str], bytes]


def recognise_path(path: Path) -> dict[str, str]:
    """The `kind` and `path` of what a person handed in; raises SourceError naming what was seen and what is accepted."""
    if not path.exists():
        raise SourceError("there is no such file or folder", path, "Check the path, or paste a link with https://.")
    place = _place(path)
    kind = _kind(path, place) or _inner_kind(path, place)
    if kind is None:
        seen = Counter(PurePosixPath(name).suffix.lower() or "no ending" for name in place.names).most_common(5)
        inner = [name for name in place.names if name.lower().endswith((".zip", *_TARS))]
        raise SourceError(
            "nothing readable was found",
            f"{path} (it holds {', '.join(f'{count} × {ending}' for ending, count in seen) or 'no files'})",
            f"Hand in {inner[0]} by itself." if inner else ACCEPTED,
        )
    return {"kind": kind, "path": str(path)}


def inner_archives(names: Sequence[str]) -> list[str]:
    """The archives among the names where nothing else could be read: a download folder with the parts of an export."""
    inner = [name for name in names if name.lower().endswith((".zip", *_TARS))]
    readable = TEXTS | TABLES | {".js", ".xml", ".wxr", ".rss", ".atom"}
    return [] if any(PurePosixPath(name).suffix.lower() in readable for name in names) else inner[:_MOST_INNER]


def _inner_kind(path: Path, place: _Place) -> str | None:
    """What all the inner archives are; SourceError where they are of several kinds."""
    kinds: dict[str, str] = {}
    for name in inner_archives(place.names):
        with _lifted(path, name) as file:
            if file is not None and (kind := _kind(file, _place(file))):
                kinds.setdefault(kind, name)
    return _one(path, kinds)


def _one(path: Path, kinds: dict[str, str]) -> str | None:
    """The kind of them all, given an example of each; SourceError where there are several."""
    if len(kinds) > 1:
        raise SourceError(
            "exports of several sites lie in one place",
            f"{path} ({', '.join(f'{name}: {kind}' for kind, name in kinds.items())})",
            "Hand in each by itself.",
        )
    return next(iter(kinds), None)


@contextmanager
def _lifted(path: Path, name: str) -> Iterator[Path | None]:
    """An inner archive as a file; None for one that is too large or can't be read."""
    if path.is_dir():
        yield path / name
        return
    with Spool() as folder:
        target = folder / f"inner{''.join(PurePosixPath(name).suffixes[-2:])[-12:]}"
        try:
            with zipfile.ZipFile(path) as archive, archive.open(name) as source, open(target, "wb") as file:
                # An archive is packed already: it does not unpack to many times its size.
                most = min(_MOST_LIFTED, 2**22 + 20 * archive.getinfo(name).compress_size)
                while (piece := source.read(2**20)) and file.tell() <= most:
                    file.write(piece)
                whole = file.tell() <= most
        except (zipfile.BadZipFile, KeyError, OSError, EOFError, ValueError, RuntimeError, NotImplementedError):
            whole = False
        yield target if whole else None


def _kind(path: Path, place: _Place) -> str | None:
    heads: dict[str, bytes] = {}
    found: dict[str, str] = {}
    for kind, names, says in _RULES:
        # A feed and a table that is called like Substack's are told where nothing else is.
        if kind not in found and not (found and (kind, says) in (("rss", says), ("substack", b""))):
            fitting = [name for name in place.names if re.search(names, name, re.IGNORECASE)]
            name = next((n for n in fitting[:_MOST_HEADS] if not says or _says(place, n, says, heads)), None)
            found |= {kind: name} if name else {}
    if found:
        return _one(path, found)
    suffixes = {PurePosixPath(name).suffix.lower() for name in place.names}
    if suffixes & TEXTS:
        return (_pages(place) if suffixes & TEXTS <= _HTML else None) or "files"
    return "jsonl" if suffixes & TABLES else None


def _says(place: _Place, name: str, says: bytes, heads: dict[str, bytes]) -> bool:
    if name not in heads:
        # UTF-16 has a zero between Latin letters.
        heads[name] = place.head(name).replace(b"\0", b"")
    return re.search(says, heads[name]) is not None


def _pages(place: _Place) -> str | None:
    heads = [place.head(n).replace(b"\0", b"") for n in place.names if PurePosixPath(n).suffix.lower() in _HTML][:20]
    return next((kind for kind, says in _PAGES if all(re.search(says, head) for head in heads)), None)


def _place(path: Path) -> _Place:
    try:
        if path.is_dir():
            files = [p for p in path.rglob("*") if p.is_file() and not p.is_symlink()][:_MOST]
            return _Place(sorted(p.relative_to(path).as_posix() for p in files), lambda name: _start(path / name))
        if path.name.lower().endswith(_TARS):
            return _tar(path)
        if path.suffix.lower() == ".zip" or (path.suffix.lower() not in TEXTS and _start(path)[:4] == b"PK\x03\x04"):
            return _zip(path)
        return _Place([path.name], lambda name: _start(path))
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        OSError,
        EOFError,
        ValueError,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise SourceError(
            "the file is no readable archive", f"{path} ({error})", "Download the export again."
        ) from None


def _start(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(_HEAD)


def _zip(path: Path) -> _Place:
    with zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist()[:_MOST] if not info.is_dir() and "__MACOSX" not in info.filename]
        first = {info.filename.replace("\\", "/"): info for info in infos}

    def head(name: str) -> bytes:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(first[name]) as entry:
                return entry.read(_HEAD)
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, NotImplementedError):
            return b""

    return _Place(sorted(first), head)


def _tar(path: Path) -> _Place:
    """A tar is read once; beginnings are kept of what may tell its kind."""
    heads: dict[str, bytes] = {}
    with tarfile.open(path, "r|*") as archive:
        for number, member in enumerate(archive):
            if number >= _MOST:
                break
            if member.isreg():
                source = archive.extractfile(member)
                few = len(heads) < 500 and member.name.lower().endswith((".json", ".js", ".csv", ".xml", ".html"))
                heads[member.name] = source.read(_HEAD) if few and source else b""
                if PurePosixPath(member.name).name == "outbox.json":
                    break
    return _Place(sorted(heads), lambda name: heads.get(name, b""))
