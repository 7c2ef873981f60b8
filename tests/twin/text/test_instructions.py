"""Orders to a model are cut out of borrowed text; what people write to people stays."""

from pathlib import Path

import pytest

from twin.text.instructions import inert

LINES = (Path(__file__).parents[1] / "injections.txt").read_text(encoding="utf-8").splitlines()
INJECTIONS = [line.split("\t")[1] for line in LINES]


@pytest.mark.parametrize("order", INJECTIONS)
def test_an_order_in_the_middle_of_a_text_is_cut_out(order: str) -> None:
    text, left_out = inert(f"The ferry was late. Nobody minded.\n{order}\nAldous gave no time.")
    assert left_out
    assert "HIJACKED" not in text
    assert text.startswith("The ferry was late. Nobody minded.") and text.endswith("Aldous gave no time.")


@pytest.mark.parametrize(
    "text",
    [
        "I ignored my instructions for years.\n\nThen I read the manual 🫖 and the previous owner's notes.",
        "The system was slow. We printed the password policy and hung it in the kitchen.",
        "Act now, think later? No. You are now reading the third post of this series.".replace(
            "You are now", "You now are"
        ),
        "Prompt engineering is a skill. A good assistant asks before it answers.",
        "Our users say the new rules help. Show me the numbers, I said.",
        "The developer wrote: ship it. Run the tests first!",
        "Tell me what you skip and I tell you who you are.\n- one\n- two",
        "We send a newsletter every Friday. Reply with a question and I answer it.",
        "👩‍💻 A model is only as good as its data. Instead of more data, we took better data.",
    ],
)
def test_ordinary_writing_stays_as_it_is(text: str) -> None:
    assert inert(text) == (text, [])


def test_what_nobody_sees_goes() -> None:
    text, left_out = inert("Tea<!-- hidden\nnote --> first.\U000e0049\U000e0067")
    assert (text, left_out) == ("Tea  first.", [])
