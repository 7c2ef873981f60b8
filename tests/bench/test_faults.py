"""A short run of the kills that `python -m bench.faults` makes by the hundred."""

import random

import pytest

from bench import faults


@pytest.mark.slow
def test_whoever_is_killed_loses_nothing_and_comes_back() -> None:
    told = faults.run(6, seed=3, victims=["the desk"])
    assert sum(one.runs for one in told.values()) == 6
    assert {name: one.bad for name, one in told.items() if one.bad} == {}


def test_every_victim_has_its_turn_and_a_seed_gives_the_same_plan() -> None:
    plans = [faults.drawn(100, list(faults.WEIGHTS), random.Random(1)) for _ in range(2)]
    assert plans[0] == plans[1]
    assert set(plans[0]) == set(faults.WEIGHTS)
