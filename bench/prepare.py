"""How fast prepare is and how much memory it takes: `python -m bench.prepare [--counts 10000 100000]` prints a table.

The peer is the same work done naively: one pandas frame in memory, the same cleaning of each text in one process, and
datasketch's own MinHashLSH over all of it.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench import corpus


def main() -> None:
    """Make the documents, run each way in a process of its own, print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--peer", type=int, default=10_000, help="documents for the naive way; 0 leaves it out")
    parser.add_argument("--run", choices=("ours", "peer"))
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.run:
        {"ours": _ours, "peer": _peer}[options.run](options.folder)
        return
    print("| way | documents | seconds | documents/s | CPU seconds | peak memory, MiB |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="twin-bench-") as temporary:
        compiled = Path(temporary) / "compiled"
        corpus.write(compiled / "raw" / "documents.parquet", 200)
        for way in ("ours", "peer"):
            _measured(way, compiled, compiled)
        for count in sorted({*options.counts, options.peer} - {0}):
            folder = Path(temporary) / str(count)
            corpus.write(folder / "raw" / "documents.parquet", count)
            ways = ["ours"] * (count in options.counts) + ["peer"] * (count == options.peer)
            for way in ways:
                seconds, busy, peak = _measured(way, folder, compiled)
                name = "twin prepare" if way == "ours" else "naive: pandas, MinHashLSH"
                print(
                    f"| {name} | {count:,} | {seconds:.1f} | {count / seconds:.0f} | {busy:.1f} | {peak} |", flush=True
                )


def _measured(way: str, folder: Path, compiled: Path) -> tuple[float, float, int]:
    """Seconds by the clock and of all cores, and the peak of resident memory in MiB, looked at 10 × a second.

    Both are of the process and its children together.

    Byte code lies ready in `compiled`, as it does on any machine from the second run on.
    """
    import psutil  # type: ignore[import-untyped]

    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPYCACHEPREFIX"] = str(compiled)

    began, busy = time.monotonic(), _busy()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.prepare", "--run", way, "--folder", str(folder)],
        stderr=subprocess.DEVNULL, env=env,
    )  # fmt: skip
    peak = 0

    def look() -> None:
        nonlocal peak
        while process.poll() is None:
            try:
                whole = psutil.Process(process.pid)
                all_of_them = [whole, *whole.children(recursive=True)]
                peak = max(peak, sum(p.memory_info().rss for p in all_of_them))
            except psutil.Error:
                pass
            time.sleep(0.1)

    watcher = threading.Thread(target=look)
    watcher.start()
    watcher.join()
    if process.returncode:
        sys.exit(f"{way} ended with code {process.returncode}")
    return time.monotonic() - began, _busy() - busy, peak // 2**20


def _busy() -> float:
    """CPU seconds of all processes that have ended, their children included."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _ours(folder: Path) -> None:
    from twin.params import loads
    from twin.progress import Progress
    from twin.settings import load
    from twin.stages.prepare import prepare

    params = loads("author: {id: bench, name: Bench}\n")
    prepare(folder / "raw", folder / "choices.json", folder / "out", params, load(), Progress("prepare"))


def _peer(folder: Path) -> None:
    from datasketch import MinHash, MinHashLSH

    from twin import tables
    from twin.params import loads
    from twin.stages.refining import policy_of
    from twin.text import footers
    from twin.text.dedup import shingles
    from twin.text.refine import Counts, refine

    policy, threshold = policy_of(loads("author: {id: bench, name: Bench}\n"))
    frame = tables.read(folder / "raw" / "documents.parquet", "documents")
    documents = tables.documents_from(frame)
    keys = {
        source: footers.found_in(d.text for d in documents if d.source == source) for source in set(frame["source"])
    }
    counts, index = Counts(), MinHashLSH(threshold=threshold, num_perm=128)
    kept = []
    for document in documents:
        fresh, _, reason = refine(document, keys[document.source], policy, counts)
        if reason:
            continue
        sketch = MinHash(128, hashfunc=int)
        sketch.update_batch(shingles(fresh.text).tolist())
        if index.query(sketch):
            continue
        index.insert(fresh.id, sketch)
        kept.append(fresh)
    tables.write(tables.documents_frame(kept), folder / "peer.parquet", "documents")


if __name__ == "__main__":
    main()
