"""A page's element as Markdown, its white space first made what a reader sees: line ends of the file are no breaks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twin.text import markup

if TYPE_CHECKING:
    from bs4.element import NavigableString, Tag

_WIDE = "\u3000-\u30ff\u3400-\u9fff\uff00-\uffef"
_ENDS = re.compile(r"[ \t\r\f]*\n[ \t\r\n\f]*")
# Between Chinese and Japanese signs a line end is not even a blank.
_WIDE_ENDS = re.compile(rf"(?<=[{_WIDE}])[ \t\r\f]*\n[ \t\r\n\f]*(?=[{_WIDE}])")
_BLANKS = " \t\r\n\f"
# Where blanks and line ends count: the element's kind, or a style of its own.
_CODE = {"pre", "textarea"}
_STYLED = re.compile(r"white-space:\s*(pre|break-spaces)")
_INLINE = {"b", "strong", "i", "em", "a", "u", "s", "del", "mark", "span", "small", "font", "code"}
_BLOCKS = {
    "p", "div", "ul", "ol", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th", "pre",
    "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "hr", "br", "section", "article", "main", "header", "footer", "nav",
    "aside", "figure", "figcaption", "details", "summary", "address", "form", "fieldset",
}  # fmt: skip
_MOST_BESIDE = 20
# Moving one costs a search among its neighbours: no author's paragraph has so many.
_MOST_NEIGHBOURS = 2000
# Stands for a blank that must outlast the converter; Unicode gives it to nobody.
_BLANK = "\ufdd0"


def to_markdown(element: Tag) -> str:
    """As `twin.text.markup.to_markdown`; a line end within a paragraph is a blank, and none stands beside a `<br>`.

    The tree is changed on the way: hand in one that is no longer needed.
    """
    _move_out_breaks(element)
    code: set[int] = set()
    styled: set[int] = set()
    for tag in [element, *element.find_all(True)]:
        if tag.name in _CODE or id(tag.parent) in code:
            code.add(id(tag))
            continue
        if id(tag.parent) in styled or _STYLED.search(str(tag.get("style") or "")):
            styled.add(id(tag))
        _rewrite(tag, _as_typed if id(tag) in styled else _as_shown)
    for item in element.find_all("li"):
        _tighten(item)
    return markup.to_markdown(element).replace(_BLANK, " ")


def _move_out_breaks(element: Tag) -> None:
    """A break at either end of bold or linked words belongs beside them: the converter would take it for a blank."""
    breaks = [found for found in element.find_all("br") if found.parent is not None and found.parent.name in _INLINE]
    # From the end and then from the start, so that each of several in a row is at the edge when it is met.
    for line_break in reversed(breaks):
        while (outer := _outer(line_break, element)) is not None and line_break.next_sibling is None:
            outer.insert_after(line_break.extract())
    for line_break in breaks:
        while (outer := _outer(line_break, element)) is not None and line_break.previous_sibling is None:
            outer.insert_before(line_break.extract())


def _outer(line_break: Tag, root: Tag) -> Tag | None:
    """The bold, linked or other inline element around a break, within the root."""
    around = line_break.parent
    if around is None or around is root or around.name not in _INLINE or around.parent is None:
        return None
    return around if len(around.parent.contents) < _MOST_NEIGHBOURS else None


def _rewrite(tag: Tag, rewritten: Callable[[NavigableString], str]) -> None:
    from bs4.element import NavigableString

    for place, text in enumerate(tag.contents):
        if type(text) is NavigableString and (fixed := rewritten(text)) != text:
            tag.contents[place] = _in_place_of(text, NavigableString(fixed))


def _as_shown(text: NavigableString) -> str:
    if not text.strip(_BLANKS) and "\n" in text and (_beside_block(text, -1) or _beside_block(text, 1)):
        return ""
    fixed = _ENDS.sub(" ", _WIDE_ENDS.sub("", text)) if "\n" in text else str(text)
    fixed = fixed.lstrip(_BLANKS) if _is_break(text.previous_element) else fixed
    return fixed.rstrip(_BLANKS) if _is_break(text.next_element) else fixed


def _beside_block(text: NavigableString, way: int) -> bool:
    """Whether white space stands at a block's edge, where nobody sees it; comments in between don't count."""
    beside: Any = text
    for _ in range(_MOST_BESIDE):
        beside = beside.next_sibling if way > 0 else beside.previous_sibling
        if beside is None:
            return text.parent is None or text.parent.name not in _INLINE
        name = getattr(beside, "name", None)
        if name is not None:
            return name in _BLOCKS
        if type(beside) is type(text) and beside.strip(_BLANKS):
            return False
    return True


def _as_typed(text: NavigableString) -> str:
    indented = re.sub(r"(?:^|(?<=\n)) +", lambda blanks: _BLANK * len(blanks[0]), text) if text.strip() else str(text)
    return re.sub(r" {2,}", lambda blanks: _BLANK * len(blanks[0]), indented)


def _is_break(element: Any) -> bool:
    return getattr(element, "name", None) == "br"


def _in_place_of(old: Any, new: Any) -> Any:
    """The new text with the old one's neighbours; `replace_with` would search all of them for each text."""
    new.parent = old.parent
    for ahead, back in (("next_element", "previous_element"), ("next_sibling", "previous_sibling")):
        for one, other in ((ahead, back), (back, ahead)):
            neighbour = getattr(old, one)
            setattr(new, one, neighbour)
            if neighbour is not None and getattr(neighbour, other) is old:
                setattr(neighbour, other, new)
    return new


def _tighten(item: Tag) -> None:
    """Editors put each item's line into a paragraph of its own: to its reader one alone is none."""
    inner = item.find_all(True, recursive=False)
    if inner and inner[0].name == "p" and all(tag.name in ("ul", "ol") for tag in inner[1:]):
        inner[0].unwrap()
