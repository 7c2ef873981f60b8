"""A Word document's text as Markdown: headings, lists, quotes and breaks; comments and tracked deletions stay out."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

from twin.errors import SourceError

_MAX_XML_BYTES = 32 * 2**20
_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Quote'] => blockquote > p:fresh
p[style-name='Intense Quote'] => blockquote > p:fresh
p[style-name='Block Text'] => blockquote > p:fresh
"""
_FORBIDDEN = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


def read_docx(data: bytes, where: str) -> tuple[dict[str, Any], str]:
    """The `title` and `date` that the document names, and its text; raises SourceError for one that can't be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            _check(parts, where)
            core = parts.read("docProps/core.xml").decode("utf-8") if "docProps/core.xml" in parts.namelist() else ""
        return _read(data, core)
    except SourceError:
        raise
    # Whatever a damaged document makes the library do, it is this document's fault.
    except Exception as error:
        raise SourceError("a Word document can't be read", f"{where} ({error})", "Save it again as .docx.") from None


def _check(parts: zipfile.ZipFile, where: str) -> None:
    """No part may unpack beyond measure or bring entities: the library would follow both."""
    for info in parts.infolist():
        if info.filename.lower().endswith((".xml", ".rels")):
            with parts.open(info) as part:
                content = part.read(_MAX_XML_BYTES + 1)
            if len(content) > _MAX_XML_BYTES or _FORBIDDEN.search(content[:4096]):
                raise SourceError("a Word document is not safe to read", f"{where} ({info.filename})", "Save it again.")


def _read(data: bytes, core: str) -> tuple[dict[str, Any], str]:
    import mammoth

    from twin.sources.markdown import to_markdown
    from twin.text.markup import parse, plain

    made = mammoth.convert_to_html(
        io.BytesIO(data),
        style_map=_STYLES,
        convert_image=lambda image: [],
        external_file_access=False,
        include_embedded_style_map=False,
    )
    page = parse(made.value)
    root = page.body or page
    first = next(iter(root.find_all(True, recursive=False)), None)
    title = ""
    if first is not None and first.name == "h1":
        title = plain(first)
        first.decompose()
    for back in root.select("a[href^='#footnote-ref'], a[href^='#endnote-ref']"):
        back.decompose()
    named = re.search(r"<dcterms:created[^>]*>([^<]+)<", core)
    return {"title": title, "date": named[1] if named else None}, to_markdown(root)
