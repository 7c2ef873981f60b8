"""Builds the sample author's export archives: `python -m examples.build --out DIR`."""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from examples import linkedin, medium
from examples.author import SAMPLE
from examples.texts import Text, load_comments, load_reshares, load_texts, of_kind
from twin.files import write_bytes

__all__ = ["Text", "build_all", "build_linkedin", "build_medium", "load_texts", "main"]

# One moment for every entry, after the last text: the archive depends on its texts alone.
_STAMP = (2026, 10, 1, 0, 0, 0)


def build_linkedin(source: Path, out: Path) -> Path:
    """Write the complete LinkedIn export of the author's folder `source` to the zip `out`; returns `out`.

    Raises ValueError when there is no post under `source`, as an empty export would go unnoticed.
    """
    posts = of_kind(load_texts(source), "post")
    if not posts:
        raise ValueError(f"{source} holds no posts/*.md")
    return _write_zip(out, linkedin.export_files(posts, load_reshares(source), load_comments(source)))


def build_medium(source: Path, out: Path) -> Path:
    """Write the Medium export of the author's folder `source` to the zip file `out`; returns `out`.

    Raises ValueError when there is no article under `source`.
    """
    texts = [text for text in load_texts(source) if text.kind in ("article", "draft", "response")]
    if not of_kind(texts, "article"):
        raise ValueError(f"{source} holds no medium/*.md")
    return _write_zip(out, medium.export_files(texts))


def build_all(source: Path, out: Path) -> list[Path]:
    """Write both archives into the folder `out`, under the names a collector is told; returns their paths."""
    return [
        build_linkedin(source, out / "linkedin_export.zip"),
        build_medium(source, out / "medium_export.zip"),
    ]


def main(argv: list[str] | None = None) -> int:
    """Entry point; prints the path of each archive."""
    parser = argparse.ArgumentParser(prog="python -m examples.build", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the archives; made if missing")
    parser.add_argument("--source", type=Path, default=SAMPLE, help="an author's folder of texts")
    args = parser.parse_args(argv)
    try:
        paths = build_all(args.source, args.out)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(map(str, paths)))
    return 0


def _write_zip(path: Path, files: Mapping[str, str]) -> Path:
    held = io.BytesIO()
    # Stored, not deflated: compressed bytes differ between zlib versions, and the archives are small.
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=_STAMP)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, files[name].encode("utf-8"))
    return write_bytes(path, held.getvalue())


if __name__ == "__main__":
    sys.exit(main())
