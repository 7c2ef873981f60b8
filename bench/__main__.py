"""`python -m bench`: the figures that need nothing but the project itself."""

from __future__ import annotations

import subprocess
import sys

COMMANDS = [
    ["bench.author"], ["bench.startup"], ["bench.crawl"], ["bench.hostile"], ["bench.streams"], ["bench.prepare"],
    ["bench.store"], ["bench.serving"], ["bench.webui"], ["bench.scale"], ["bench.log"], ["bench.faults"], ["bench.load"],
]  # fmt: skip

for command in COMMANDS:
    print(f"\n## python -m {' '.join(command)}\n", flush=True)
    subprocess.run([sys.executable, "-m", *command], check=True)
