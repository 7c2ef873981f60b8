"""Proof that a deployed version writes: one draft for its being there, several for their being fit to show."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from twin.cluster import serving
from twin.params import Params

Metrics = dict[str, float | int | str]
# Neutral on purpose: they say what to write about and nothing of how.
BRIEFS = (
    "A short post about something small that changed the way you work.",
    "A post about a mistake and what came of it.",
    "A post about a tool you would not give back.",
    "A post about the first hour of a day.",
)
_PIECE = 4
# A draft goes round in circles when fewer of its runs of four words are distinct. Of 1,809 texts by people four in a
# thousand do at most, by author; of 228 drafts by adapters none; of the base model's one in five (python -m bench.probe).
LOOP = 0.7
# So one such draft may be chance. Two, when they are more than this share of all, are not.
_LOOPING_SHARE = 0.05
_LEAKS = ("<|", "|>", "</s>", "[INST]")


def smoke(
    params: Params, url: str, version: str, timeout: float, canary: bool = False, pods: Any = None
) -> tuple[bool, Metrics]:
    """Whether the author's adapter wrote a draft through the transformer at `url` before `timeout` seconds; figures."""
    began = time.monotonic()
    pods = pods or (serving.pods(params, canary) if params.cluster.service else list)
    while True:
        reason, found = "the predictor's new pods are not ready", Metrics()
        if not params.cluster.service or serving.fresh(pods(), version):
            reason, found, _ = draft(url, params.author.id, BRIEFS[0], timeout)
        seconds = time.monotonic() - began
        if not reason or seconds >= timeout:
            return not reason, {**found, "waited_seconds": seconds, "reason": reason}
        time.sleep(min(5.0, timeout))


def quality(
    params: Params, url: str, seconds: float, pause: float = 30.0, now: Callable[[], float] = time.monotonic
) -> tuple[bool, Metrics]:
    """Whether every draft asked for during `seconds` came, by the adapter, without a template's marks, few in circles.

    Each brief is asked at least once. The evaluation has measured the voice; this measures that what is served is it.
    """
    until, asked, taken, reason = now() + seconds, 0, 0.0, ""
    shares: list[float] = []
    while not reason and (asked < len(BRIEFS) or now() < until):
        brief = BRIEFS[asked % len(BRIEFS)]
        asked += 1
        reason, found, text = draft(url, params.author.id, brief, params.serve.deadline_seconds)
        if not reason:
            shares.append(distinct(text))
            reason = leak(text) or (circles(shares) if asked >= len(BRIEFS) else "")
            taken += float(found["draft_seconds"])
        if asked >= len(BRIEFS) and now() < until:
            time.sleep(min(pause, max(0.0, until - now())))
    return not reason, {
        "drafts": asked, "mean_draft_seconds": taken / asked, "distinct": median(shares) if shares else 0.0,
        "looping": sum(share < LOOP for share in shares), "reason": reason,
    }  # fmt: skip


def circles(shares: Sequence[float]) -> str:
    """Why these shares of distinct runs are those of a model caught in loops, '' when they are not."""
    looping = sum(share < LOOP for share in shares)
    if looping < 2 or looping <= _LOOPING_SHARE * len(shares):
        return ""
    return (
        f"{looping} of {len(shares)} texts repeat themselves: less than {LOOP:.0%} of their {_PIECE}-word runs distinct"
    )


def leak(text: str) -> str:
    """Which mark of a chat template got into a draft, as a reason; '' for none."""
    found = next((mark for mark in _LEAKS if mark in text), "")
    return f"a mark of the chat template in the text: {found}" if found else ""


def distinct(text: str) -> float:
    """The share of distinct runs of four words among all; 1.0 for a text of fewer words."""
    words = text.lower().split()
    runs = [tuple(words[at : at + _PIECE]) for at in range(len(words) - _PIECE + 1)]
    return len(set(runs)) / len(runs) if runs else 1.0


def draft(url: str, author: str, brief: str, timeout: float) -> tuple[str, Metrics, str]:
    """Why no draft by the author's adapter came back ('' when one did), the draft's figures, its text."""
    import httpx

    asked = time.monotonic()
    request = {"author": author, "register": "post", "brief": brief, "links": [], "adapter": author}
    try:
        answer = httpx.post(f"{url}/v1/models/twin:predict", json={"instances": [request]}, timeout=timeout)
        written = answer.raise_for_status().json()["predictions"][0]
        text, adapter = str(written["text"]).strip(), str(written["adapter"])
    except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as error:
        return f"{type(error).__name__}: {error}", {}, ""
    found: Metrics = {"draft_seconds": time.monotonic() - asked, "characters": len(text), "adapter": adapter}
    if not text or adapter == "base":
        return f"{len(text)} characters by {adapter}", found, text
    return "", found, text
