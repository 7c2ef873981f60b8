"""What a person decided about their own texts, and which are to stay forgotten: two small files beside the inbox."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from twin.errors import DataError
from twin.files import read_json, write_json
from twin.records import PROVENANCES, REGISTERS, Document

FORGOTTEN = "forgotten.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What holds for one document whatever its source says; None and "" leave the source's word.

    `by` names who wrote it when it was not the author: nothing learns from it then.
    """

    provenance: str | None = None
    register: str | None = None
    excluded: bool = False
    by: str = ""

    def apply(self, document: Document) -> Document:
        """The document with the person's word put over the source's."""
        provenance = self.provenance or ("quoted" if self.by else document.provenance)
        return replace(document, provenance=provenance, register=self.register or document.register)


def read(path: Path) -> dict[str, Choice]:
    """Choices by document id; none when there is no file. Raises DataError naming the document and the value."""
    data = _mapping(path)
    return {str(identity): _choice(path, str(identity), value) for identity, value in data.items()}


def change(path: Path, document_id: str, **changes: Any) -> Choice:
    """Put a person's word on one document into the file; a choice that says nothing more is taken out of it."""
    known = read(path)
    choice = _choice(path, document_id, asdict(known.get(document_id, Choice())) | changes)
    known[document_id] = choice
    write_json(path, {key: _said(value) for key, value in known.items() if value != Choice()})
    return choice


def drop(path: Path, documents: Iterable[str]) -> int:
    """Take these documents' choices out of the file; how many there were."""
    known, gone = read(path), set(documents)
    kept = {key: _said(value) for key, value in known.items() if key not in gone}
    if len(kept) < len(known):
        write_json(path, kept)
    return len(known) - len(kept)


def ensure(path: Path) -> Path:
    """The file, made empty where there is none: the pipeline depends on it."""
    if not path.exists():
        write_json(path, {})
    return path


class Forgotten:
    """Which documents must not come back: hashes of ids and of texts, from which neither can be read again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        data = _mapping(path)
        self.ids: set[str] = set(data.get("ids", []))
        self.texts: set[str] = set(data.get("texts", []))

    def __contains__(self, document: Document) -> bool:
        return bool(self.ids or self.texts) and (
            digest(document.id) in self.ids or text_digest(document.text) in self.texts
        )

    def add(self, ids: Iterable[str], texts: Iterable[str]) -> None:
        """Remember more of them; the file is written whole."""
        self.ids.update(map(digest, ids))
        self.texts.update(texts)
        write_json(self.path, {"ids": sorted(self.ids), "texts": sorted(self.texts)})


def text_digest(text: str) -> str:
    """The same for two texts that differ in white space, case or width of letters alone."""
    from twin.text.clean import matching

    return digest(matching(text))


def digest(text: str) -> str:
    """SHA-256 of a name: it can be recognised, not read."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _choice(path: Path, identity: str, value: Any) -> Choice:
    known = {field.name for field in fields(Choice)}
    if not isinstance(value, dict) or (unknown := set(value) - known):
        what = value if not isinstance(value, dict) else ", ".join(sorted(unknown))
        raise DataError(f"{path.name}: {identity} holds what is not known", what, f"Known: {', '.join(sorted(known))}.")
    choice = Choice(**value)
    for name, given, allowed in (
        ("provenance", choice.provenance, PROVENANCES), ("register", choice.register, REGISTERS),
        ("excluded", choice.excluded, (True, False)),
    ):  # fmt: skip
        if given is not None and given not in allowed:
            raise DataError(f"{path.name}: {name} of {identity}", given, f"One of {', '.join(map(str, allowed))}.")
    return choice


def _said(choice: Choice) -> dict[str, Any]:
    return {key: value for key, value in asdict(choice).items() if value not in (None, "", False)}


def _mapping(path: Path) -> dict[str, Any]:
    try:
        data = read_json(path)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DataError("a file of your choices can't be read", f"{path} ({error})", "Mend or delete it.") from error
    if not isinstance(data, dict):
        raise DataError("a file of your choices holds no mapping", path, "Mend or delete it.")
    return data
