"""The words of a PDF, read in a process of its own: a damaged or hostile file costs a bounded time and no more."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from twin.errors import SourceError

MAX_SECONDS = 60.0
MAX_PAGES = 500
MAX_CHARACTERS = 2_000_000
_MEMORY_BYTES = 2 * 2**30
_MEND = "Save its text in another form, or paste it."


@dataclass(frozen=True, slots=True)
class Pdf:
    """What a PDF says: `text` has a blank line between paragraphs as far as its layout tells; `date` is ISO or ''."""

    title: str
    author: str
    date: str
    text: str
    pages: int


def read_pdf(data: bytes, where: object, seconds: float = MAX_SECONDS) -> Pdf:
    """Read a PDF's words. Raises SourceError when it is damaged, locked, without words (scanned) or too slow."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "twin.sources.pdf"], input=data, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise SourceError("a PDF takes too long to read", f"{where} (over {seconds:g} s)", _MEND) from None
    try:
        found = json.loads(done.stdout)
    except ValueError:
        raise SourceError("a PDF can't be read", f"{where} (the reader stopped)", _MEND) from None
    if "error" in found:
        raise SourceError("a PDF can't be read", f"{where} ({found['error']})", _MEND)
    if not found["text"].strip():
        raise SourceError("a PDF holds no words", f"{where} (scanned pages?)", _MEND)
    return Pdf(**found)


def paragraphs(pages: list[str]) -> str:
    """Lines of a page's text joined to paragraphs: hyphens at line ends closed, running heads and numbers out."""
    heads = _repeated([p.strip().splitlines()[0] for p in pages if p.strip()])
    feet = _repeated([p.strip().splitlines()[-1] for p in pages if p.strip()])
    lines: list[str] = []
    for page in pages:
        for line in page.splitlines():
            bare = line.strip()
            if bare and (re.fullmatch(r"\d{1,4}", bare) or _head(bare) in heads or _head(bare) in feet):
                continue
            lines.append(bare)
    width = sorted(map(len, filter(None, lines)))[int(len(list(filter(None, lines))) * 0.8)] if any(lines) else 0
    made: list[str] = []
    fresh = True
    for line in lines:
        if not line:
            fresh = True
            continue
        if fresh or not made:
            made.append(line)
        elif made[-1].endswith("-") and line[:1].islower():
            made[-1] = made[-1][:-1] + line
        else:
            made[-1] += " " + line
        # A line that ends early and with a full stop ends its paragraph.
        fresh = len(line) < 0.75 * width and line.endswith((".", "?", "!", ":", "”", '"'))
    return "\n\n".join(made)


def _head(line: str) -> str:
    return re.sub(r"\d+", "#", line)


def _repeated(lines: list[str]) -> set[str]:
    heads = [_head(line.strip()) for line in lines]
    return {head for head in heads if len(heads) >= 4 and heads.count(head) * 2 > len(heads)}


def _read(data: bytes) -> dict[str, Any]:
    import io

    import pypdf

    document = pypdf.PdfReader(io.BytesIO(data), strict=False)
    if document.is_encrypted and not document.decrypt(""):
        return {"error": "it is locked with a password"}
    found, size = [], 0
    for page in document.pages[:MAX_PAGES]:
        found.append(page.extract_text())
        size += len(found[-1])
        if size > MAX_CHARACTERS:
            break
    meta = document.metadata
    stamp = re.match(r"D:(\d{4})(\d{2})(\d{2})", str(meta.get("/CreationDate") or "") if meta else "")
    return {
        "title": str((meta and meta.title) or "").strip(), "author": str((meta and meta.author) or "").strip(),
        "date": "-".join(stamp.groups()) if stamp else "", "text": paragraphs(found)[:MAX_CHARACTERS],
        "pages": len(document.pages),
    }  # fmt: skip


def main() -> int:
    """Read the PDF on standard input and print what it says, or why not, as JSON."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    except (ImportError, ValueError, OSError):
        pass
    try:
        found = _read(sys.stdin.buffer.read())
    except Exception as error:  # whatever a hostile file makes the library do, it is this file's fault
        found = {"error": str(error)[:200] or type(error).__name__}
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
