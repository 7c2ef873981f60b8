"""What logging costs a request: `python -m bench.log` times `payload.record` with the database up, stopped and back.

A server of its own below a temporary folder; drafts of 200 words with seven steps, at 50 a second. Printed are the time
that the request's own thread spends in the call, and what became of the events.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median

from twin import settings as environment
from twin.local import postgres
from twin.monitoring import database, payload
from twin.records import Draft, Step

_EACH = 500
_PAUSE = 0.02


def main() -> None:
    """Run the three phases and print the table."""
    home = Path(tempfile.mkdtemp(prefix="twin-bench-log-"))
    settings = dataclasses.replace(environment.load(), home=home, database_url="")
    print("| database | requests | median, µs | p99, µs | longest, ms |")
    print("|---|---|---|---|---|")
    try:
        with postgres.running(settings) as url:
            _phase(url, home, "up", 0)
            payload.flush(url, 60)
            postgres.stop(settings)
            _phase(url, home, "stopped", _EACH)
            waiting = sum(file.read_bytes().count(b"\n") for file in payload.place(home).glob("*.jsonl"))
            postgres.ensure(settings)
            began = time.monotonic()
            whole = payload.flush(url, 120)
            seconds = time.monotonic() - began
            _phase(url, home, "back", 2 * _EACH)
            payload.flush(url, 60)
            with database.asking(url) as connection:
                row = connection.execute("SELECT count(*), count(DISTINCT id) FROM payload_events").fetchone()
            print(
                f"\n{waiting} events waited on disk; all were {'' if whole else 'not '}in the database {seconds:.1f} s after "
                f"it was back. {row[0]} of {6 * _EACH} events are there, {row[1]} of them different; "
                f"{payload.dropped(url)} requests were dropped."
            )
    finally:
        postgres.stop(settings)
        shutil.rmtree(home, ignore_errors=True)


def _phase(url: str, home: Path, name: str, first: int) -> None:
    steps = [Step(name=f"step {n}", input="words " * 300, output="words " * 200, seconds=0.1) for n in range(7)]
    took = []
    for number in range(first, first + _EACH):
        draft = Draft(
            id=f"d{number}", author="bench", register="post", brief="the tide", text="The tide came in late. " * 40,
            steps=steps, scores={"tokens": 200.0},
        )  # fmt: skip
        began = time.perf_counter()
        payload.record(url, draft, 1.0, spool=payload.place(home))
        took.append(time.perf_counter() - began)
        time.sleep(_PAUSE)
    took.sort()
    p99 = took[int(0.99 * len(took))]
    print(f"| {name} | {_EACH} | {1e6 * median(took):.0f} | {1e6 * p99:.0f} | {1e3 * took[-1]:.1f} |", flush=True)


if __name__ == "__main__":
    main()
