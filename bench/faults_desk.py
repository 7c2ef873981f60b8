"""A person at work, as a process that can be killed: drafts, edits and choices, each told on standard output once kept.

`python -m bench.faults_desk [--endpoint]`: with it the drafts are the running twin's, else they are made up, as fast as
the disk takes them. What is told has been acknowledged: it must be there whatever happens next.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import json
import random
import time
from collections.abc import Callable
from typing import Any

from bench.faults_world import AUTHOR
from twin import choices
from twin import settings as environment
from twin.records import REGISTERS
from twin.settings import Settings
from twin.workspace import Workspace
from webui.client import drafts, edits
from webui.client.desk import Desk
from webui.client.endpoint import Order

WORDS = 20  # of a draft: some 48 tokens


def main() -> None:
    """Work until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", action="store_true", help="ask the running twin")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    settings = environment.load()
    asyncio.run(_work(settings, random.Random(options.seed), _asked if options.endpoint else _made_up))


async def _work(settings: Settings, chance: random.Random, write: Callable[..., Any]) -> None:
    desk, space = Desk(), Workspace(settings.root, AUTHOR)
    for number in itertools.count():
        began = time.monotonic()
        record = await write(settings, desk, f"What the tide left behind, part {number}")
        tell("draft", id=record["id"], state=record["state"], error=record["error"], sha=digest(record["text"]),
             seconds=time.monotonic() - began)  # fmt: skip
        if record["state"] != "done":
            await asyncio.sleep(0.2)
            continue
        edited = f"{record['text']}\n\nAnd then I went home, {chance.random()}."
        edits.accept(space, record, edited)
        desk.judge(settings, record)
        tell("edit", id=record["id"], at=record["pair_at"], sha=digest(edited))
        identity, register = f"files:{chance.randrange(40)}", chance.choice(REGISTERS)
        choices.change(space.choices, identity, register=register)
        tell("choice", id=identity, register=register)


async def _asked(settings: Settings, desk: Desk, brief: str) -> dict[str, Any]:
    writing = desk.start(settings, Order(author=AUTHOR, register="post", brief=brief, words=WORDS))
    assert writing.task is not None
    await writing.task
    return writing.record()


async def _made_up(settings: Settings, desk: Desk, brief: str) -> dict[str, Any]:
    from webui.client.desk import Writing

    order = Order(author=AUTHOR, register="post", brief=brief, words=WORDS)
    writing = Writing(id=f"{time.time_ns()}", order=order, text=f"{brief}. " * 200, state="done")
    drafts.save(settings, AUTHOR, writing.record())
    return writing.record()


def tell(kind: str, **what: Any) -> None:
    """One line for the one who watches."""
    print(json.dumps({"kind": kind, **what}), flush=True)


def digest(text: str) -> str:
    """What a text is recognised by."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


if __name__ == "__main__":
    main()
