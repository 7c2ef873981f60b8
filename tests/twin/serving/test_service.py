"""How many drafts are admitted at once."""

import pytest

from twin.serving.service import admitted


@pytest.mark.parametrize(("seconds", "room"), [(0.0, 8), (5.0, 8), (90.0, 8), (120.0, 6), (180.0, 4), (10_000.0, 1)])
def test_a_machine_too_slow_for_its_deadline_is_given_fewer_at_once(seconds: float, room: int) -> None:
    assert admitted(8, seconds, 180.0) == room
