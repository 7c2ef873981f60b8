"""What of the author's texts a twin may learn to write: every sentence but those in which something was masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from twin.records import Document
from twin.text import masks
from twin.text.clean import words

# A training text that loses more than this share of its words no longer hangs together.
_MOST_LOST = 0.2


def taught(documents: Sequence[Document], splits: Mapping[str, str]) -> tuple[list[Document], dict[str, int]]:
    """The documents without sentences that hold a mask (`[email]`), and what that cost, for the report.

    A training text of which more than a fifth of the words went is left out as a whole; the index keeps it. A held-out
    one stays while anything of it is left: the splits are what they were.
    """
    kept: list[Document] = []
    cost = {"documents": 0, "words": 0, "documents_left_out": 0}
    for document in documents:
        text, gone = masks.without(document.text)
        if gone:
            cost["documents"] += 1
            cost["words"] += gone
        training = splits[document.id] == "train"
        if training and gone > _MOST_LOST * words(document.text):
            cost["documents_left_out"] += 1
            continue
        title, _ = masks.without(document.title)
        kept.append(replace(document, text=text if text.strip() else document.text, title=title))
    return kept, cost
