"""Lengths as platforms count them, threads that fit, titles that show."""

from twin.text import platforms


def test_x_counts_links_as_23_and_emoji_as_two() -> None:
    assert platforms.length("tea https://example.org/a/very/long/path/indeed/with/more/of/it 🫖", "x") == 4 + 23 + 1 + 2


def test_linkedin_counts_an_emoji_as_two() -> None:
    assert platforms.length("a🫖", "linkedin") == 3


def test_a_thread_loses_no_word_and_every_post_fits() -> None:
    text = "\n\n".join(
        f"Sentence {n} is about ferries and queues. It goes on for a while, as they do." for n in range(20)
    )
    text += "\n\n" + "word " * 120 + "x" * 600
    posts = platforms.thread(text)
    assert all(0 < platforms.length(post, "x") <= 280 for post in posts)
    assert "".join("".join(posts).split()) == "".join(text.split())
    assert posts == platforms.thread(platforms.THREAD_RULE.join(posts))


def test_limits_are_told_in_plain_words() -> None:
    assert platforms.problems("a" * 3001, "linkedin") == ["LinkedIn allows 3,000 characters: this is 1 over"]
    assert platforms.problems("a b. " * 100, "x") == ["X allows 280 characters: this needs 2 posts"]
    assert platforms.problems("a b. " * 100, "x", "thread") == []
    assert platforms.problems("# " + "t" * 101 + "\n\nbody", "medium")[0].startswith("Medium shows at most 100")
    assert platforms.problems("Short.", "linkedin") == platforms.problems("# T\n\nb", "medium") == []


def test_each_platform_shows_its_own_form() -> None:
    text = "## Tea\n\n**Kettle** first, see [the guide](https://t.example/g) and `brew`. 2 * 3 * 4"
    assert platforms.shown(text, "linkedin") == [
        "Tea\n\nKettle first, see the guide (https://t.example/g) and brew. 2 * 3 * 4"
    ]
    assert platforms.shown(text, "medium") == [text]
    numbered = platforms.shown("One. " * 80, "x")
    assert numbered[0].endswith("\n1/2") and all(platforms.length(post, "x") <= 280 for post in numbered)
