"""params.yaml is strict: it names the unknown key and the nearest known one."""

from pathlib import Path

import pytest

from twin import params
from twin.errors import ParamsError

GOOD = "author: {id: a-b, name: A B}\n"


def test_the_shipped_file_is_valid_and_names_the_fictional_author() -> None:
    shipped = params.load(Path(__file__).parents[2] / "params.yaml")
    assert shipped.train.base_model


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD + "train: {leaning_rate: 0.1}", ["train.leaning_rate", "learning_rate"]),
        (GOOD + "trian: {}", ["'trian'", "'train'"]),
        (GOOD + "validate: {min_word: 3}", ["validate.min_word", "min_words"]),
        (GOOD + "sources: [{kind: linkedin, pth: x.zip}]", ["sources.0.pth", "path"]),
        (GOOD + "sources: [{kind: linkedin}]", ["path, url, user"]),
        (GOOD + "train: {rank: many}", ["train.rank", "many"]),
        ("author: {id: 'Not Short', name: A}", ["author.id"]),
        ("train: [", ["not YAML"]),
        ("2024-13-45T99:99:99Z", ["not YAML", "month"]),
        ("author: " + "{a: " * 5000, ["not YAML"]),
        ("- a list", ["mapping"]),
    ],
)
def test_bad_files_are_refused_by_name(text: str, words: list[str]) -> None:
    with pytest.raises(ParamsError) as caught:
        params.loads(text)
    for word in words:
        assert word in str(caught.value)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="twin init"):
        params.load(tmp_path / "params.yaml")


def test_the_fingerprint_follows_values_and_not_layout() -> None:
    one = params.loads(GOOD)
    other = params.loads("author:\n  name: A B   # a comment\n  id: a-b\n")
    changed = params.loads(GOOD + "train: {rank: 8}")
    assert one.fingerprint() == other.fingerprint() != changed.fingerprint()
    assert changed.flat()["train.rank"] == 8
