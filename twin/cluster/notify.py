"""A pipeline's end, told to whoever keeps watch: JSON to a webhook, or a line in the log where none is set."""

from __future__ import annotations

import sys

from twin import hosts
from twin.errors import NetworkError

URL = "TWIN_NOTIFY_URL"


def notify(url: str, pipeline: str, author: str, state: str, error: str, run: str) -> bool:
    """Post `{text, pipeline, author, state, error, run}` to `url`; whether it was delivered.

    Never raises: an unheard message must not turn a good run into a failed one. `text` is what chat webhooks show.
    """
    text = f"twin {pipeline} of {author}: {state.lower()}" + (f" ({error})" if error else "")
    print(text, file=sys.stderr, flush=True)
    if not url:
        return False
    import httpx

    body = {"text": text, "pipeline": pipeline, "author": author, "state": state, "error": error, "run": run}
    try:
        httpx.post(hosts.check("notices", url), json=body, timeout=10).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL, NetworkError) as problem:
        print(f"the message was not delivered: {type(problem).__name__}: {problem}", file=sys.stderr, flush=True)
        return False
    return True
