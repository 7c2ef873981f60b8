"""How whole texts come back from real export files: `python -m bench.fidelity PATH/TO/formats` prints a row a kind."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from twin.errors import TwinError
from twin.params import SourceSpec, loads
from twin.recognise import recognise
from twin.records import Document
from twin.sources import archive
from twin.sources.reading import Skipped
from twin.stages.handed_in import reader

_PARAMS = '{"author": {"id": "ann", "name": "Ann"}, "sources": [{"kind": "files", "path": "x"}]}'
_KINDS = {"medium", "substack", "wordpress", "ghost"}


def _places(root: Path) -> list[Path]:
    """Export folders as a whole, and every file that stands for itself."""
    exports = [path.parent for path in root.rglob("posts.csv")] + [path.parent for path in root.rglob("posts/*.html")]
    folders = {path.parent if path.name == "posts" else path for path in exports}
    files = [path for path in root.rglob("*") if path.suffix in (".xml", ".json")]
    return sorted(folders) + [path for path in sorted(files) if not any(f in path.parents for f in folders)]


def main() -> None:
    """Print, for each kind: files, texts read, items left out with a reason, and files refused."""
    rows: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0, 0])
    for place in _places(Path(sys.argv[1])):
        try:
            kind = recognise(str(place))["kind"]
        except TwinError:
            continue
        if kind not in _KINDS:
            continue
        row = rows[kind]
        row[0] += 1
        spec = SourceSpec.model_validate({"kind": kind, "path": str(place), "user": "*"})
        try:
            with archive.opened(place, 256) as opened:
                items = list(reader(spec, opened, "in", loads(_PARAMS), datetime.now(UTC))[1]())
        except TwinError as error:
            row[3] += 1
            print(f"{place.name}: {error.thing}", file=sys.stderr)
            continue
        texts = [item for item in items if isinstance(item, Document)]
        row[1] += len(texts)
        row[2] += sum(isinstance(item, Skipped) for item in items)
        row[4] += sum(len(text.text) for text in texts)
        row[5] += sum(len(re.findall("\n", text.text)) for text in texts)
    print("| kind | files | texts read | left out, with a reason | files refused | characters | line breaks |")
    print("|---|---|---|---|---|---|---|")
    for kind, row in sorted(rows.items()):
        print(f"| {kind} | " + " | ".join(map(str, row)) + " |")


if __name__ == "__main__":
    main()
