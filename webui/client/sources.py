"""Sources: recognise a pasted link or a dropped file, and keep the list in params.yaml with its comments."""

from __future__ import annotations

import hashlib
import io
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from twin import choices
from twin import params as twin_params
from twin.errors import SourceError
from twin.files import write_text
from twin.params import Params
from twin.recognise import recognise
from twin.recognise_files import TABLES, TEXTS
from twin.workspace import Workspace

# What the browser offers to choose; what is in it decides.
UPLOADS = ",".join(
    sorted(TEXTS | TABLES | {".xml", ".wxr", ".rss", ".atom", ".js", ".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz"})
)
TEXT_FOLDER = "texts"

NAMES = {
    "linkedin": "LinkedIn", "medium": "Medium", "substack": "Substack", "github": "GitHub", "rss": "Feed",
    "blog": "Blog", "x": "X", "mastodon": "Mastodon", "wordpress": "WordPress", "ghost": "Ghost", "files": "Texts",
    "jsonl": "Table of texts", "paste": "Pasted text",
}  # fmt: skip

_LINKEDIN_MEND = "Ask LinkedIn for your export (it is free; see the guide below) and drop the ZIP here."


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a link or file was recognised as: an entry of params.yaml's `sources`, and words for people."""

    entry: dict[str, str]
    label: str


def recognise_link(text: str) -> Found:
    """What a pasted link leads to; raises SourceError with the mend when it can't be a source."""
    link = text.strip()
    if not link:
        raise SourceError("There is no link yet", mend="Paste the address of a profile, a publication or a feed.")
    if "://" not in link:
        link = f"https://{link}"
    host = _host(link, text)
    if host == "linkedin.com" or host.endswith(".linkedin.com"):
        raise SourceError("LinkedIn's terms forbid reading profiles by machine", None, _LINKEDIN_MEND)
    entry = recognise(link)
    if entry["kind"] == "medium":
        entry = _medium(host, link, text)
    return Found(entry=entry, label=f"{NAMES[entry['kind']]} · {entry.get('user') or host}")


def _host(link: str, text: str) -> str:
    try:
        parts = urlsplit(link)
        host = (parts.hostname or "").lower().removeprefix("www.")
        known = parts.port is None or parts.port > 0
    except ValueError:
        host, known = "", False
    shaped = re.fullmatch(r"[\w.\-:]+", host) and ("." in host or ":" in host or host == "localhost")
    if not (known and shaped and link.startswith(("http://", "https://"))):
        raise SourceError("This is not a web address", text, "It looks like https://name.substack.com.")
    return host


def _medium(host: str, link: str, text: str) -> dict[str, str]:
    """A person's feed goes by the handle; any other address must be a feed's own."""
    handle = re.search(r"/@([\w.\-]+)", urlsplit(link).path)
    if handle:
        return {"kind": "medium", "user": handle[1]}
    if host != "medium.com":
        return {"kind": "medium", "user": host.removesuffix(".medium.com")}
    if "/feed/" in link:
        return {"kind": "medium", "url": link}
    raise SourceError("This Medium link names no person", text, "Paste https://medium.com/@your-handle.")


def recognise_file(path: Path, name: str) -> Found:
    """What an uploaded file is, by its entries; `path` is where it lies, `name` how it was called.

    The entry's `path` is relative to the inbox. Raises SourceError with the mend for anything else.
    """
    text = path.suffix.lower() in TEXTS
    try:
        kind = recognise(str(path))["kind"]
    except SourceError as error:
        said = str(error.value or name).replace(str(path), name)
        raise SourceError(error.thing[:1].upper() + error.thing[1:], said, error.mend) from None
    # Texts share a folder, whatever site a page of theirs comes from.
    entry = {"kind": "files", "path": TEXT_FOLDER} if text else {"kind": kind, "path": path.name}
    return Found(entry=entry, label=f"{NAMES[entry['kind']]} · {name}")


def pasted(text: str) -> tuple[str, Found]:
    """The name of the inbox's file that is to hold a pasted text, and its entry; SourceError when there are no words."""
    if not text.strip():
        raise SourceError("There is no text yet", mend="It takes any words that you wrote.")
    name = f"pasted-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}.txt"
    return name, Found(entry={"kind": "paste", "path": name}, label=NAMES["paste"])


def safe_name(name: str) -> str:
    """A file name without folders, control characters or a leading dot, at most 120 characters."""
    plain = unicodedata.normalize("NFC", PurePosixPath(name.replace("\\", "/")).name)
    plain = re.sub(r"[^\w.\- ()]+", "_", plain).strip(" .") or "upload"
    stem, suffix = Path(plain).stem, Path(plain).suffix
    return stem[: 120 - len(suffix)] + suffix


def landing(inbox: Path, name: str) -> Path:
    """Where an upload is to lie: texts share one folder (one source), archives and JSONL lie side by side."""
    safe = safe_name(name)
    return inbox / TEXT_FOLDER / safe if Path(safe).suffix.lower() in TEXTS else inbox / safe


def free_name(path: Path) -> Path:
    """`path`, or `path` with -2, -3 … while a file of that name is there: an upload never overwrites another."""
    fresh, number = path, 2
    while fresh.exists():
        fresh, number = path.with_stem(f"{path.stem}-{number}"), number + 1
    return fresh


def add(params_file: Path, entry: dict[str, str]) -> bool:
    """Put a source into params.yaml; False when it is there already. Comments and order are kept."""
    yaml, data = _open(params_file)
    sources = data.get("sources") or []
    if any({k: str(v) for k, v in item.items()} == entry for item in sources):
        return False
    sources.append(entry)
    data["sources"] = sources
    _close(params_file, yaml, data)
    return True


def remove(params_file: Path, index: int, entry: dict[str, Any]) -> None:
    """Take the source out; `entry` must still be the one at `index`, or SourceError: another tab changed the list."""
    yaml, data = _open(params_file)
    sources = data.get("sources") or []
    if index >= len(sources) or dict(sources[index]) != entry:
        raise SourceError("The list of sources has changed meanwhile", mend="Look at it again, then try once more.")
    del sources[index]
    data["sources"] = sources
    _close(params_file, yaml, data)


def begin(params_file: Path, name: str) -> Params:
    """Make params.yaml the own twin of `name`: no sources yet, every other choice kept, the file before put aside."""
    name = " ".join(name.split())
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    author = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:60] or "author"
    if not name:
        raise SourceError("There is no name yet", mend="Type the name you write under.")
    shipped = params_file.parent / "examples" / "params.yaml"
    template = next((file for file in (params_file, shipped) if file.exists()), None)
    yaml, data = _open(template) if template else _open_text("")
    if params_file.exists():
        write_text(params_file.with_name("params.previous.yaml"), params_file.read_text(encoding="utf-8"))
    old = data.get("author") or {}
    old.update({"id": author, "name": name, "fictional": False})
    data["author"], data["sources"] = old, []
    if isinstance(data.get("collect"), dict) and "sample_site" in data["collect"]:
        data["collect"]["sample_site"] = False
    return _close(params_file, yaml, data)


def record_id(entry: dict[str, Any]) -> str:
    """The id under which the last collection noted this source in sources.json."""
    user = f"@{entry['user']}" if entry.get("user") else ""
    return f"{entry.get('kind')}:{entry.get('path') or ''}{user}{entry.get('url') or ''}"


def raw_entries(params_file: Path) -> list[dict[str, Any]]:
    """The sources as they stand in the file, for `remove`."""
    _, data = _open(params_file)
    return [dict(item) for item in data.get("sources") or []]


def change(params_file: Path, values: dict[str, Any]) -> Params:
    """Set dotted keys of params.yaml, its comments kept; raises ParamsError, and then the file is as it was."""
    yaml, data = _open(params_file)
    for key, value in values.items():
        *sections, last = key.split(".")
        place = data
        for section in sections:
            place = place.setdefault(section, {})
        if isinstance(value, list):
            value = _flow(value)
        place[last] = value
    return _close(params_file, yaml, data)


def _flow(values: list[Any]) -> Any:
    """A list on one line, as params.yaml writes short ones."""
    from ruamel.yaml.comments import CommentedSeq

    found = CommentedSeq(values)
    found.fa.set_flow_style()
    return found


def _open(params_file: Path) -> tuple[Any, Any]:
    return _open_text(params_file.read_text(encoding="utf-8"))


def _open_text(text: str) -> tuple[Any, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    item = re.search(r"^( *)- ", text, re.MULTILINE)
    offset = len(item.group(1)) if item else 2
    yaml.indent(mapping=2, sequence=offset + 2, offset=offset)
    return yaml, yaml.load(text) or CommentedMap()


def _close(params_file: Path, yaml: Any, data: Any) -> Params:
    out = io.StringIO()
    yaml.dump(data, out)
    # Checked before it takes the file's place: a list that the stages would refuse is never written.
    params = twin_params.loads(out.getvalue(), str(params_file))
    write_text(params_file, out.getvalue())
    # The pipeline depends on both, also when every source is a link.
    work = Workspace(params_file.parent, params.author.id)
    work.inbox.mkdir(parents=True, exist_ok=True)
    choices.ensure(work.choices)
    return params
