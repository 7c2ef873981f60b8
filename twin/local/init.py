"""Beginning: params.yaml and an inbox for the sample author or for a real one."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twin import choices
from twin import params as params_file
from twin.errors import ParamsError, SourceError
from twin.files import replacing, write_text
from twin.settings import Settings
from twin.workspace import Workspace

SAMPLE = "juno-marsh"
_SHIPPED = Path(__file__).parents[2]


def init_sample(settings: Settings) -> None:
    """Build the sample author's export archives into the inbox; params.yaml must be the sample's (as cloned)."""
    target = settings.root / "params.yaml"
    home = _SHIPPED if not (settings.root / "examples" / "params.yaml").exists() else settings.root
    shipped = home / "examples" / "params.yaml"
    if not target.exists() or (shipped.exists() and params_file.load(target).author.id != SAMPLE):
        _put_aside(target)
        write_text(target, shipped.read_text(encoding="utf-8"))
    inbox = Workspace(settings.root, SAMPLE).inbox
    if not inbox.exists():
        with replacing(inbox) as fresh:
            subprocess.run([sys.executable, "-m", "examples.build", "--out", str(fresh)], check=True, cwd=home)
    choices.ensure(Workspace(settings.root, SAMPLE).choices)
    print(f"The fictional sample author is ready in {inbox}.", file=sys.stderr)


def init_author(
    settings: Settings, name: str, author_id: str | None, language: str, register: str | None, places: Sequence[str]
) -> None:
    """Copy what the person has into an inbox and write params.yaml; the former params.yaml is kept beside it.

    Raises SourceError for a place that does not exist, ParamsError for a name that makes no id.
    """
    from twin.recognise import recognise

    short = author_id or slug(name)
    inbox = Workspace(settings.root, short).inbox
    specs: list[dict[str, Any]] = []
    with replacing(inbox) as fresh:
        if inbox.exists():
            shutil.copytree(inbox, fresh)
        fresh.mkdir(exist_ok=True)
        for place in places:
            spec = _pasted(fresh) if place == "-" else dict(recognise(place))
            if spec.get("path") and place != "-":
                spec["path"] = _copy(Path(place), fresh)
            if register and spec["kind"] in ("files", "jsonl", "rss"):
                spec["register_as"] = register
            specs.append(spec)
        text = _params_text(settings, {"id": short, "name": name, "language": language}, specs)
        params_file.loads(text)
    _put_aside(settings.root / "params.yaml")
    write_text(settings.root / "params.yaml", text)
    choices.ensure(Workspace(settings.root, short).choices)
    print(f"params.yaml is {name}'s now: {len(specs)} sources. Next: `make up`.", file=sys.stderr)


def _pasted(inbox: Path) -> dict[str, str]:
    """Text from standard input, put into the inbox under a name that its words give."""
    text = sys.stdin.read()
    if not text.strip():
        raise SourceError("nothing was pasted", "--from -", "Pipe text in: `twin init --from - < texts.txt`.")
    name = f"pasted-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}.txt"
    write_text(inbox / name, text)
    return {"kind": "paste", "path": name}


def slug(name: str) -> str:
    """Lower-case letters, digits and dashes; raises ParamsError when nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    short = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:63]
    if not short:
        raise ParamsError("no short name can be made from the author's name", name, "Give one with --id.")
    return short


def _copy(place: Path, inbox: Path) -> str:
    if not place.exists():
        raise SourceError("there is no such file or folder", place, "Check the path given to --from.")
    target = inbox / place.resolve().name
    if place.is_dir():
        unwanted = shutil.ignore_patterns(".git", "__pycache__")
        try:
            shutil.copytree(place, target, dirs_exist_ok=True, ignore=unwanted, ignore_dangling_symlinks=True)
        except shutil.Error as error:
            # One entry a file: of a full disk there are as many as files.
            (source, _, reason), *more = error.args[0]
            raise SourceError(
                "a folder can't be copied",
                f"{source} ({reason}{f'; {len(more)} more' if more else ''})",
                "Free some space or mend the files' rights, then run the same command again.",
            ) from None
    else:
        shutil.copyfile(place, target)
    return target.name


def _params_text(settings: Settings, author: dict[str, Any], specs: list[dict[str, Any]]) -> str:
    """The shipped choices with this author and these sources; comments stay."""
    from io import StringIO

    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    current = settings.root / "params.yaml"
    template = current if current.exists() else settings.root / "examples" / "params.yaml"
    data = yaml.load(template.read_text(encoding="utf-8")) if template.exists() else {}
    data["author"] = author
    data["sources"] = specs
    data.setdefault("collect", {})["sample_site"] = False
    out = StringIO()
    yaml.dump(data, out)
    return out.getvalue()


def _put_aside(target: Path) -> None:
    if target.exists():
        shutil.copyfile(target, target.with_name("params.previous.yaml"))
