"""Languages told apart, the same way each time."""

from __future__ import annotations

import pytest

from twin.text.language import detect


@pytest.mark.parametrize(
    ("text", "tongue"),
    [
        ("The boat left late again, and nobody on the pier was surprised by it at all this morning.", "en"),
        ("Das Boot fuhr wieder zu spät ab, und niemand auf dem Steg war darüber heute Morgen überrascht.", "de"),
        ("El barco volvió a salir tarde y nadie en el muelle se sorprendió esta mañana por ello.", "es"),
        ("船はまた遅れて出発しましたが、今朝は桟橋の誰も驚きませんでした。それが普通です。", "ja"),
        ("ok 👍", "fr"),
        ("```\ncode only here, with many english words in it\n```", "fr"),
    ],
)
def test_detect(text, tongue):
    assert {detect(text, "fr") for _ in range(3)} == {tongue}
