"""No completion holds a mask; what was masked stays in the index, and the splits stay as they were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from twin.records import Document, content_hash
from twin.training.examples import Builder, Mix
from twin.training.split import temporal_split
from twin.training.taught import taught

TEXT = "The boat left late again, and nobody on the pier said a word about it. " * 3


def document(number: int, text: str, title: str = "") -> Document:
    return Document(
        id=f"files:{number}", author="a", source="files", register="post", title=title, text=text, url="",
        published_at=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number),
        fetched_at=datetime(2025, 1, 1, tzinfo=UTC), sha256=content_hash(text), language="en",
    )  # fmt: skip


def test_no_completion_holds_a_mask() -> None:
    texts = [document(n, TEXT) for n in range(8)]
    texts[1] = document(1, f"{TEXT}Write to [email].\n\nOr do not 🎉", "Ask [phone]")
    texts[2] = document(2, "Ring [phone] or write to [email] before the boat goes. Then wait.")
    texts[7] = document(7, "All that is left: [secret]")
    splits = temporal_split(texts, 0.7, 0.15)
    learned, cost = taught(texts, splits)
    assert cost == {"documents": 3, "words": 18, "documents_left_out": 1}
    assert {d.id for d in texts} - {d.id for d in learned} == {"files:2"}
    assert next(d for d in learned if d.id == "files:1").text == f"{TEXT.rstrip()}\n\nOr do not 🎉"
    assert [d for d in learned if d.id not in ("files:1", "files:7")] == [texts[n] for n in (0, 3, 4, 5, 6)]
    builder = Builder(name="A", max_tokens=256, mix=Mix(continuation=1), facts_for=lambda d: [], seed=1)
    examples = builder.build(learned, splits)
    assert not [e for e in examples if e.split == "train" and ("[email]" in e.completion or "[phone]" in e.completion)]
    # Held out, with nothing else in it: it stays, so that the split keeps its text.
    assert [e.completion for e in examples if e.document_id == "files:7"] == ["All that is left: [secret]"]
