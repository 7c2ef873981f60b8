"""How whole texts come back from real export files: `python -m bench.fidelity PATH/TO/formats` prints a row a kind.

Each text as read is shown as HTML again and laid beside the source's own HTML, both turned into lines by the same plain
rule, which is not the readers': characters without white space, and a line a paragraph, heading, list item or `<br>`.
"""

from __future__ import annotations

import base64
import difflib
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.fidelity_sources import SAMPLE, expected, lines_of, sample, typed_lines
from examples import substack_site
from examples.texts import load_texts, of_kind
from twin.errors import TwinError
from twin.params import SourceSpec, loads
from twin.recognise import recognise
from twin.records import Document
from twin.sources import archive, github_files, substack_web
from twin.sources.crawl import Page
from twin.sources.reading import Item, Skipped
from twin.stages.handed_in import reader

_PARAMS = '{"author": {"id": "ann", "name": "Ann"}, "sources": [{"kind": "files", "path": "x"}]}'
_WORDPRESS_API = "wordpress API"
_KINDS = {"medium", "substack", "wordpress", "ghost", _WORDPRESS_API}
_NOW = datetime(2026, 1, 2, tzinfo=UTC)
_HEAD = (
    "kind", "files", "texts expected", "read", "left out, with a reason", "refused", "characters in the source", "lost",
    "invented", "lines in the source", "kept",
)  # fmt: skip


@dataclass(slots=True)
class Row:
    """Counts of one kind of source; `lost` and `invented` are characters without white space."""

    files: int = 0
    expected: int = 0
    read: int = 0
    left_out: int = 0
    refused: int = 0
    characters: int = 0
    lost: int = 0
    invented: int = 0
    lines: int = 0
    kept: int = 0
    wrong: list[str] = field(default_factory=list)

    def cells(self) -> list[int]:
        """The counts in the table's order."""
        return [
            self.files, self.expected, self.read, self.left_out, self.refused, self.characters, self.lost,
            self.invented, self.lines, self.kept,
        ]  # fmt: skip


def main() -> None:
    """Print, for each kind: texts expected and read, characters lost and invented, lines kept."""
    rows: dict[str, Row] = defaultdict(Row)
    root = Path(sys.argv[1])
    for place in _places(root):
        _handed_in(place, rows)
    for kind, what, source, items in [*_recorded(root), *_letters(), *_sample()]:
        rows[kind].files += 1
        _count(rows[kind], what, source, items)
    print(f"| {' | '.join(_HEAD)} |\n|{'---|' * len(_HEAD)}")
    for kind, row in sorted(rows.items()):
        print(f"| {kind} | " + " | ".join(map(str, row.cells())) + " |")
    for kind, row in sorted(rows.items()):
        for words in row.wrong:
            print(f"{kind}: {words}", file=sys.stderr)


def _places(root: Path) -> list[Path]:
    """Export folders as a whole, and every file that stands for itself."""
    exports = [path.parent for path in root.rglob("posts.csv")] + [path.parent for path in root.rglob("posts/*.html")]
    folders = {path.parent if path.name == "posts" else path for path in exports}
    files = [path for path in root.rglob("*") if path.suffix in (".xml", ".json")]
    return sorted(folders) + [path for path in sorted(files) if not any(f in path.parents for f in folders)]


def _handed_in(place: Path, rows: dict[str, Row]) -> None:
    try:
        kind = recognise(str(place))["kind"]
    except TwinError:
        return
    if kind == "wordpress" and '"rendered"' in place.read_text(encoding="utf-8"):
        kind = _WORDPRESS_API
    if kind not in _KINDS:
        return
    row = rows[kind]
    row.files += 1
    read_as = "wordpress" if kind == _WORDPRESS_API else kind
    spec = SourceSpec.model_validate({"kind": read_as, "path": str(place), "user": "*"})
    try:
        with archive.opened(place, 256) as opened:
            items = list(reader(spec, opened, "in", loads(_PARAMS), _NOW)[1]())
    except TwinError as error:
        row.refused += 1
        row.wrong.append(f"{place.name}: {error.thing}")
        items = []
    _count(row, place.name, expected(kind, place), items)


def _count(row: Row, what: str, source: list[list[str]], items: list[Item]) -> None:
    """Lay each text that was read beside the one of the source that it is most like."""
    texts = [
        typed_lines(item.text) if item.source == "linkedin" else lines_of(item.text, markdown=True)
        for item in items
        if isinstance(item, Document)
    ]
    row.expected += len(source)
    row.read += len(texts)
    row.left_out += sum(isinstance(item, Skipped) for item in items)
    left = list(texts)
    for lines in source:
        row.characters += sum(map(len, lines))
        row.lines += len(lines)
        nearest = max(left, key=lambda text: _alike(lines, text), default=[])
        if nearest:
            left.remove(nearest)
        lost, invented, kept = _apart(lines, nearest)
        row.lost += lost
        row.invented += invented
        row.kept += kept
        if lost or invented or kept < len(lines):
            row.wrong.append(f"{what}: {_first_difference(lines, nearest)}")
    for text in left:
        row.invented += sum(map(len, text))
        row.wrong.append(f"{what}: read, but not expected: {text[:1]}")


def _alike(one: list[str], other: list[str]) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() + (
        difflib.SequenceMatcher(None, one[0], other[0], autojunk=False).ratio() if one and other else 0.0
    )


def _apart(source: list[str], text: list[str]) -> tuple[int, int, int]:
    """Characters lost and invented, and lines kept whole; lines alike in both are not looked at twice."""
    lost = invented = kept = 0
    for tag, a, b, c, d in difflib.SequenceMatcher(None, source, text, autojunk=False).get_opcodes():
        if tag == "equal":
            kept += b - a
            continue
        old, new = "".join(source[a:b]), "".join(text[c:d])
        same = sum(
            block.size for block in difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        )
        lost += len(old) - same
        invented += len(new) - same
    return lost, invented, kept


def _first_difference(source: list[str], text: list[str]) -> str:
    for tag, a, b, c, d in difflib.SequenceMatcher(None, source, text, autojunk=False).get_opcodes():
        if tag != "equal":
            return f"{source[a:b][:3]} became {text[c:d][:3]}"
    return ""


def _recorded(root: Path) -> Iterator[tuple[str, str, list[list[str]], list[Item]]]:
    """Recorded answers of Substack's and GitHub's programming interfaces, through the readers' own functions."""
    for path in sorted(root.rglob("api/v1/posts/by-id/*")):
        post = json.loads(path.read_text(encoding="utf-8"))["post"]
        yield "substack API", path.name, [lines_of(post["body_html"])], [substack_web.from_api(post, "ann", _NOW)]
    for path in sorted(root.rglob("get-content/normalized-fixture.json")):
        for record in json.loads(path.read_text(encoding="utf-8")):
            if isinstance(record["response"], str):
                yield "github", record["path"], [lines_of(record["response"], markdown=True)], _readme(record)


def _letters() -> Iterator[tuple[str, str, list[list[str]], list[Item]]]:
    """The shipped author's letters as Substack's API shows them, and READMEs as GitHub's does."""
    texts = load_texts(SAMPLE)
    for letter in of_kind(texts, "letter"):
        # Of the others the API shows a preview, which is marked incomplete.
        if letter.meta["audience"] != "everyone":
            continue
        post = {"id": 1, "slug": letter.name, "body_html": substack_site.body_html(letter), "audience": "everyone"}
        item = substack_web.from_api(post, "ann", _NOW)
        yield "substack API, sample author", letter.name, [lines_of(letter.body, markdown=True)], [item]
    for text in of_kind(texts, "readme"):
        items = _readme({"path": f"/repos/ann/{text.name}", "response": text.body})
        own = "generated" not in text.body[:500]
        yield "github, sample author", text.name, [lines_of(text.body, markdown=True)] if own else [], items


def _readme(record: dict[str, Any]) -> list[Item]:
    owner, name = record["path"].split("/")[2:4]
    coded = base64.encodebytes(record["response"].encode()).decode()
    value = {"path": "README.md", "encoding": "base64", "content": coded, "size": len(record["response"])}
    page = Page("https://api.github.com", 200, {}, b"", "readme", {"full_name": f"{owner}/{name}"})
    return [i for i in github_files.readme(value, page, "ann", _NOW, {}) if isinstance(i, (Document, Skipped))]


def _sample() -> Iterator[tuple[str, str, list[list[str]], list[Item]]]:
    with tempfile.TemporaryDirectory() as folder:
        for kind, path, source in sample(Path(folder)):
            spec = SourceSpec.model_validate({"kind": kind, "path": str(path)})
            with archive.opened(path, 256) as opened:
                items = list(reader(spec, opened, "in", loads(_PARAMS), _NOW)[1]())
            yield f"{kind}, sample author", path.name, source, items


if __name__ == "__main__":
    main()
