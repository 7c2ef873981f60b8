"""The shipped impostors: whole, well formed, of the promised lengths, and no text twice."""

import re
from collections import Counter
from importlib import resources

import pytest
import yaml

FOLDER = resources.files("twin") / "evaluation" / "impostors"
REGISTERS = {"post": 14, "note": 5, "article": 3, "reply": 2}


def read(name: str) -> tuple[dict[str, object], list[str]]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    opening, head, body = text.split("---\n", 2)
    assert opening == "", f"{name} does not open with front matter"
    return yaml.safe_load(head), [part.strip() for part in re.split(r"^=====$", body, flags=re.MULTILINE)]


def words(text: str) -> list[str]:
    return re.findall(r"\w[\w'’-]*", text.lower())


NAMES = sorted(entry.name for entry in FOLDER.iterdir() if entry.name.endswith(".md") and entry.name != "README.md")


def test_there_are_24_authors_in_their_registers() -> None:
    assert len(NAMES) == 24
    assert Counter(read(name)[0]["register"] for name in NAMES) == REGISTERS
    assert len({read(name)[0]["name"] for name in NAMES}) == 24


@pytest.mark.parametrize("name", NAMES)
def test_an_author_is_declared_fictional_and_has_twelve_texts(name: str) -> None:
    head, texts = read(name)
    assert set(head) == {"name", "register", "language", "fictional"}
    assert head["fictional"] is True
    assert head["language"] == "en"
    assert str(head["name"]).lower().replace(" ", "-") == name.removesuffix(".md")
    assert len(texts) == 12
    lengths = [len(words(text)) for text in texts]
    assert min(lengths) >= 60, lengths
    assert max(lengths) <= 200, lengths


def test_no_text_stands_twice_and_none_shares_a_long_passage() -> None:
    seen: dict[tuple[str, ...], str] = {}
    for name in NAMES:
        for number, text in enumerate(read(name)[1], 1):
            parts = words(text)
            for run in {tuple(parts[at : at + 12]) for at in range(len(parts) - 11)}:
                assert run not in seen, f"{name} text {number} repeats {' '.join(run)!r} from {seen[run]}"
                seen[run] = f"{name} text {number}"
