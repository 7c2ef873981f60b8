"""How fast prepare is and how much memory it takes: `python -m bench.prepare [--counts 10000 100000]` prints a table.

The peer is the same work done naively: one pandas frame in memory, the same cleaning of each text in one process, and
datasketch's own MinHashLSH over all of it.
"""

from __future__ import annotations

import argparse
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
    print("| way | documents | seconds | documents/s | peak memory, MiB |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="twin-bench-") as temporary:
        for count in sorted({*options.counts, options.peer} - {0}):
            folder = Path(temporary) / str(count)
            (folder / "raw").mkdir(parents=True)
            corpus.write(folder / "raw" / "documents.parquet", count)
            ways = ["ours"] * (count in options.counts) + ["peer"] * (count == options.peer)
            for way in ways:
                seconds, peak = _measured(way, folder)
                name = "twin prepare" if way == "ours" else "naive: pandas, MinHashLSH"
                print(f"| {name} | {count:,} | {seconds:.1f} | {count / seconds:.0f} | {peak} |", flush=True)


def _measured(way: str, folder: Path) -> tuple[float, int]:
    """Seconds, and the peak of the resident memory of the process and its children together (looked at 10 × a second)."""
    import psutil  # type: ignore[import-untyped]

    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.prepare", "--run", way, "--folder", str(folder)], stderr=subprocess.DEVNULL
    )
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
    return time.monotonic() - began, peak // 2**20


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
