"""A request and its answer as KServe payload CloudEvents 1.0, structured, their text as far as the policy lets it in.

Types and the attributes `inferenceservicename`, `component`, `endpoint` are those of KServe's own logger
(kserve/pkg/logger). KServe gives both events of a request one id; CloudEvents wants an id an event, so ours end in
`-request` and `-response`, and `requestid` joins them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from twin.records import Draft, Step
from twin.voice import stylometry

REQUEST = "org.kubeflow.serving.inference.request"
RESPONSE = "org.kubeflow.serving.inference.response"
SOURCE = "/v1/models/twin"
FULL, REDACTED, NONE = "full", "redacted", "none"
_CHUNK_STEPS = ("facts", "exemplars")
_COSINE = re.compile(r"cosine (-?\d\.\d+)")
_MASKED = ("email", "phone", "iban", "credit_card", "ip", "secret")

Event = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A request that got no draft: its status of HTTP and why."""

    id: str
    author: str
    register: str
    brief: str
    status: int
    why: str


def of(what: Draft | Refused, seconds: float, ended: datetime, text: str) -> list[Event]:
    """The request's event and the answer's; `text` is the policy: full, redacted or none."""
    request = {"brief": kept(what.brief, text), "words": len(what.brief.split()), "register": what.register}
    if isinstance(what, Draft):
        answer, adapter = {"status": 200, **_answer(what, text)}, what.adapter
    else:
        # What a refusal says may quote the request: its kind is enough where texts stay out.
        answer, adapter = {"status": what.status, "error": kept(what.why, text)}, ""
    extra = {"author": what.author, "adapter": adapter, "prompthash": prompt_hash(what)}
    begun = ended - timedelta(seconds=max(seconds, 0.0))
    return [
        _event(what.id, "request", REQUEST, begun, extra, request),
        _event(what.id, "response", RESPONSE, ended, extra, {"seconds": float(seconds), **answer}),
    ]


def kept(text: str, policy: str) -> str | None:
    """What the log holds of a text; None where it holds none."""
    if policy == NONE:
        return None
    if policy == REDACTED:
        from twin.text.privacy import mask

        return mask(text, _MASKED)[0]
    return text


def prompt_hash(what: Draft | Refused) -> str:
    """SHA-256 of all that the model was shown for a draft, of the brief where it was shown nothing."""
    shown = [step.input for step in what.steps if step.name == "draft"] if isinstance(what, Draft) else []
    return hashlib.sha256("\n".join(shown or [what.brief]).encode("utf-8", "replace")).hexdigest()


def _answer(draft: Draft, policy: str) -> dict[str, Any]:
    whole = draft.as_dict()
    quiet = () if policy == FULL else ("quote", "title")
    return {
        "text": kept(draft.text, policy), "words": len(draft.text.split()), "measures": stylometry.features(draft.text),
        "scores": dict(draft.scores),
        "chunks": [chunk for step in draft.steps if step.name in _CHUNK_STEPS for chunk in _chunks(step)],
        "citations": [{k: v for k, v in one.items() if k not in quiet} for one in whole["citations"]],
        "timings": [{"step": step.name, "seconds": step.seconds} for step in draft.steps],
    }  # fmt: skip


def _chunks(step: Step) -> list[dict[str, Any]]:
    """The chunks that a step names, a line each: `id: why`, with the cosine where it was found by meaning."""
    found = []
    for line in step.output.splitlines():
        name, _, why = line.partition(": ")
        near = _COSINE.search(why)
        found.append({"id": name, "for": step.name, "cosine": float(near.group(1)) if near else None})
    return found


def _event(request: str, part: str, kind: str, at: datetime, extra: dict[str, str], data: dict[str, Any]) -> Event:
    event = {
        "specversion": "1.0", "id": f"{request}-{part}", "source": SOURCE, "type": kind, "time": at.isoformat(),
        "datacontenttype": "application/json", "inferenceservicename": "twin", "component": "transformer",
        "endpoint": "default", "requestid": request, **{k: v for k, v in extra.items() if v}, "data": data,
    }  # fmt: skip
    return dict(_storable(event))


def _storable(value: Any) -> Any:
    """PostgreSQL takes neither NUL nor lone surrogates, JSON neither NaN nor infinity."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {name: _storable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    return None if isinstance(value, float) and not abs(value) < float("inf") else value
