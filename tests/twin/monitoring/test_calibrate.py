"""Calibrated thresholds: no more alarms than were asked for, and a fifth in another style is found."""

from __future__ import annotations

import numpy as np

from twin.monitoring.calibrate import decide


def rows(rng: np.random.Generator, count: int) -> np.ndarray:
    """Columns as texts have them: bell-shaped, skewed with ties, rare, two alike, and one that never varies."""
    bell = rng.normal(size=count)
    return np.column_stack(
        [bell, rng.poisson(0.6, count), rng.random(count) < 0.03, bell + rng.normal(size=count) / 4, np.ones(count)]
    )


def test_a_whole_section_alarms_by_chance_no_more_than_asked() -> None:
    rng = np.random.default_rng(1)
    for n, m in ((40, 60), (120, 50)):
        alarms = [decide(rows(rng, n), rows(rng, m), 0.05, draws=100).alarm for _ in range(150)]
        # 5 % of 150 with three standard errors; the expected share is exact, so this bound is never loosened.
        assert np.mean(alarms) <= 0.05 + 3 * (0.05 * 0.95 / 150) ** 0.5


def test_a_fifth_of_the_rows_in_another_style_is_found_and_named() -> None:
    rng = np.random.default_rng(2)
    found, named = 0, 0
    for _ in range(20):
        current = rows(rng, 200)
        current[:40, 1] += 3
        verdict = decide(rows(rng, 300), current, 0.05, draws=200)
        found += verdict.alarm
        named += int(verdict.strength.argmax()) == 1
    assert found == 20 and named == 20


def test_one_table_gives_one_verdict_and_its_chance() -> None:
    rng = np.random.default_rng(3)
    reference, current = rows(rng, 80), rows(rng, 60)
    one, two = decide(reference, current, 0.05), decide(reference, current, 0.05)
    assert np.array_equal(one.strength, two.strength)
    assert one.p(one.strength.max()) > 0.05 and one.p(1e-9) == 1.0
    assert (one.null > 1).mean() <= 0.05
    assert one.strength[4] == 0.0, "a column that never varies moves nowhere"
