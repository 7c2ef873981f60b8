"""The style map: pools of one hand lie together, and what is put on the map does not shape it."""

from __future__ import annotations

import numpy as np

from twin.evaluation.stylemap import stylemap

PLAIN = [f"I went to the shop. It was shut. I came home with {n} eggs." for n in range(12)]
LOUD = [f"WOW!!! {n} ideas — and you? Tell me… NOW!!! (really, do; please)" for n in range(12)]


def centre(points: list[list[float]]) -> np.ndarray:
    return np.asarray(points).mean(0)


def test_hands_lie_apart_and_drafts_lie_with_the_hand_they_resemble() -> None:
    found = stylemap({"own": [PLAIN[:8]], "others": [LOUD[:8]], "lora": [PLAIN[8:]]}, ("own", "others"), 7)
    own, others, drafts = (centre(found["points"][name]) for name in ("own", "others", "lora"))
    assert np.linalg.norm(drafts - own) < 0.5 * np.linalg.norm(drafts - others)
    assert 0.5 < sum(found["explained"]) <= 1.0001


def test_drafts_do_not_move_the_others() -> None:
    groups = {"own": [PLAIN], "others": [LOUD]}
    alone = stylemap(groups, ("own", "others"), 7)
    beside = stylemap(groups | {"lora": [["?" * 40] * 6]}, ("own", "others"), 7)
    assert alone["points"]["own"] == beside["points"]["own"]


def test_a_single_text_is_no_map() -> None:
    assert stylemap({"own": [["One text."]], "others": []}, ("own", "others"), 7) == {}
