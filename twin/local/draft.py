"""One draft for the terminal, from the running endpoint."""

from __future__ import annotations

from typing import Any

from twin import params as params_file
from twin.errors import ServingError
from twin.settings import Settings


def draft(settings: Settings, brief: str, register: str, adapter: str) -> str:
    """The draft's text followed by its citations; raises ServingError when nothing answers."""
    import httpx

    author = params_file.load(settings.root / "params.yaml").author.id
    body = {"instances": [{"author": author, "register": register, "brief": brief, "adapter": adapter}]}
    try:
        answer = httpx.post(f"{settings.endpoint_url}/v1/models/twin:predict", json=body, timeout=180)
    except httpx.HTTPError as error:
        raise ServingError(
            "the twin does not answer", f"{settings.endpoint_url} ({error})", "Start it with `make up`."
        ) from error
    if answer.status_code != 200:
        raise ServingError("the twin refused", answer.text[:300], "Read `.twin/logs/transformer.log`.")
    made: dict[str, Any] = answer.json()["predictions"][0]
    return "\n".join([made["text"], "", f"— {made['adapter']}", *map(_source, made["citations"])])


def _source(citation: dict[str, Any]) -> str:
    named = [citation["title"] or citation["document_id"], citation.get("author"), citation.get("date")]
    return f"[{citation['sentence'] + 1}] {', '.join(part for part in named if part)} {citation['url']}".rstrip()
