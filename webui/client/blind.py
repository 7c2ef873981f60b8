"""The blind test: one own text, one of the twin for the same brief, and the score of who was taken for whom."""

from __future__ import annotations

import hashlib
import json
import math
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin import tables
from twin.files import read_json, write_json
from twin.settings import Settings
from twin.workspace import Workspace
from webui.client import state

# What may stand for the twin, the best first.
_TWIN = ("aligned", "lora")
_SKIPPED = "remembered"
_Z = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One question: two texts, and at which place (0 or 1) the person's own one stands."""

    key: str
    register: str
    brief: str
    texts: tuple[str, str]
    own: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """`right` of `asked` found, with a 95 % interval; `left` rounds wait, `skipped` were remembered."""

    asked: int
    right: int
    skipped: int
    left: int
    low: float = 0.0
    high: float = 1.0
    last: str = ""


def rounds(settings: Settings, work: Workspace) -> list[Round]:
    """Every question of the newest evaluation, in an order of its own that all tabs share."""
    drafts = _list(work.report / "drafts.json")
    arm = next((name for name in _TWIN if any(draft.get("arm") == name for draft in drafts)), "")
    if not arm:
        return []
    own, salt = _own(work), _salt(settings, work)
    found: dict[str, Round] = {}
    for draft in drafts:
        real = own.get(str(draft.get("document_id")), "")
        # A draft that was cut off would give itself away, and so would an own text that is shown a second time.
        if (
            str(draft.get("document_id")) in found
            or draft.get("arm") != arm
            or not draft.get("ended")
            or not real
            or not str(draft.get("text")).strip()
        ):
            continue
        key = _hash(f"{draft['document_id']} {draft['text']}")
        place = int(_hash(f"{salt} {key}"), 16) % 2
        texts = [real.strip(), str(draft["text"]).strip()]
        found[str(draft["document_id"])] = Round(
            key=key, register=str(draft["register"]), brief=str(draft["brief"]), own=place,
            texts=(texts[place], texts[1 - place]),
        )  # fmt: skip
    return sorted(found.values(), key=lambda one: _hash(f"{salt} order {one.key}"))


def current(settings: Settings, work: Workspace) -> Round | None:
    """The next question that has no answer yet; None when all are answered or there are none."""
    answers = _kept(settings, work)["answers"]
    return next((one for one in rounds(settings, work) if one.key not in answers), None)


def answer(settings: Settings, work: Workspace, one: Round, choice: int | None) -> bool:
    """Keep an answer (None: the person remembers the text) and say whether it was right; the first answer counts."""
    kept = _kept(settings, work)
    said = _SKIPPED if choice is None else ("right" if choice == one.own else "wrong")
    kept["answers"].setdefault(one.key, {"said": said, "at": time.time()})
    _keep(settings, work, kept)
    return said == "right"


def score(settings: Settings, work: Workspace) -> Score:
    """What all answers came to: those to drafts of earlier versions are in it, as they were given blind, too."""
    answers = _kept(settings, work)["answers"]
    said = [entry["said"] for entry in answers.values()]
    asked, right = sum(word != _SKIPPED for word in said), said.count("right")
    left = sum(one.key not in answers for one in rounds(settings, work))
    low, high = interval(right, asked)
    return Score(asked=asked, right=right, skipped=said.count(_SKIPPED), left=left, low=low, high=high)


def again(settings: Settings, work: Workspace) -> None:
    """Forget the answers; the texts change places."""
    _keep(settings, work, {"salt": secrets.token_hex(8), "answers": {}})


def interval(right: int, asked: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; 0 to 1 when nothing was asked."""
    if not asked:
        return 0.0, 1.0
    share, weight = right / asked, 1 + _Z**2 / asked
    middle = (share + _Z**2 / (2 * asked)) / weight
    half = _Z * math.sqrt(share * (1 - share) / asked + _Z**2 / (4 * asked**2)) / weight
    return max(0.0, middle - half), min(1.0, middle + half)


def _own(work: Workspace) -> dict[str, str]:
    """The held-out texts as the drafts were asked to match them: each document's opening piece."""
    path = work.dataset / tables.EXAMPLES
    if not path.exists():
        return {}
    frame = tables.read(path)
    frame = frame[(frame["split"] == "test") & (frame["kind"] != "continuation")]
    pieces = frame.drop_duplicates("document_id")
    return dict(zip(pieces["document_id"].astype(str), pieces["completion"].astype(str), strict=True))


def _kept(settings: Settings, work: Workspace) -> dict[str, Any]:
    kept = state.read(_file(settings, work))
    answers = kept.get("answers")
    return {"salt": str(kept.get("salt") or ""), "answers": answers if isinstance(answers, dict) else {}}


def _keep(settings: Settings, work: Workspace, kept: dict[str, Any]) -> None:
    write_json(_file(settings, work), json.loads(json.dumps(kept)))


def _salt(settings: Settings, work: Workspace) -> str:
    kept = _kept(settings, work)
    if not kept["salt"]:
        kept["salt"] = secrets.token_hex(8)
        _keep(settings, work, kept)
    return str(kept["salt"])


def _file(settings: Settings, work: Workspace) -> Path:
    return settings.home / "blind" / f"{work.author}.json"


def _list(path: Path) -> list[dict[str, Any]]:
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return []
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
