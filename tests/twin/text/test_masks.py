"""What stands for somebody's address is not learned; every other sentence is, sign for sign."""

from __future__ import annotations

import pytest

from twin.text.masks import without


@pytest.mark.parametrize(
    ("text", "left", "gone"),
    [
        ("No mask here.\n\n\n→ none 🎉", "No mask here.\n\n\n→ none 🎉", 0),
        ("It broke. Write to [email] now! Then wait…", "It broke. Then wait…", 4),
        ("First.\n\nAsk [email] or [phone].\n\nLast.", "First.\n\nLast.", 4),
        ("Ring [phone].\n\nLast.", "Last.", 2),
        ("Who helps:\n- jo, [email]\n- ann", "Who helps:\n- ann", 2),
        ("1. Write to [email].\n2. Wait.", "2. Wait.", 4),
        ("Look:\n\n```\nkey = [secret]\n\nx\n```\n\nDone.", "Look:\n\nDone.", 3),
        ("All of it is [secret]", "", 5),
        ("See [email](https://a.org) and [ip](x).", "See [email](https://a.org) and [ip](x).", 0),
        ("He said “ask [email].” Nobody did.", "Nobody did.", 4),
    ],
)
def test_only_sentences_with_a_mask_go(text: str, left: str, gone: int) -> None:
    assert without(text) == (left, gone)
