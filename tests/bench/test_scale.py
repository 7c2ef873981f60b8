"""The simulations agree with what is known in closed form, and docs/scaling.md says what the command prints."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from bench import queueing, scale
from bench.queueing import Serving, Training
from bench.scale_rates import MEASURED

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "scaling.md"


def replica(**more: object) -> Serving:
    given = {"per_hour": 1800.0, "adapters": 1, "slots": 1, "prompt": 0.0, "reading": 1.0, "tokens": 100.0,
             "most": math.inf, "together": queueing.line({1: 100.0}), "hours": 40.0, **more}  # fmt: skip
    return Serving(**given)  # type: ignore[arg-type]


def test_one_slot_waits_as_the_queue_of_the_textbooks_does() -> None:
    # M/M/1: half a request and one served a second; the time in the system is exponential with rate 1 - 0.5.
    found = queueing.serve(replica())
    assert found.busy == pytest.approx(0.5, rel=0.03)
    assert found.seconds[0] == pytest.approx(math.log(2) / 0.5, rel=0.06)
    assert found.seconds[1] == pytest.approx(-math.log(0.05) / 0.5, rel=0.06)


def test_requests_of_one_adapter_share_steps_and_those_of_many_do_not() -> None:
    quick = queueing.line({1: 100.0, 8: 300.0})
    same = queueing.serve(replica(per_hour=3000.0, slots=8, together=quick))
    many = queueing.serve(replica(per_hour=3000.0, slots=8, together=quick, adapters=10_000))
    assert same.seconds[1] < many.seconds[1] / 2 and same.mixed == pytest.approx(1) and many.mixed > 1.5


def test_a_training_that_waits_for_nobody_takes_its_time_and_checkpoints_save_most_of_a_kill() -> None:
    alone = queueing.train(Training(200, 200, 1800, 0.0, 1.0, 6))
    assert alone.done == (pytest.approx(1800), pytest.approx(1800)) and alone.kills == 0
    anew = queueing.train(Training(5000, 500, 1800, 0.0, 1.0, 1, kills_per_hour=0.5, restart=0.0))
    kept = queueing.train(Training(5000, 500, 1800, 0.0, 1.0, 6, kills_per_hour=0.5, restart=0.0))
    # Beginning anew at rate r takes (e^(r t) - 1) / r in the mean; here r t = 0.25, and a sixth of that between two.
    assert anew.lost == pytest.approx((math.exp(0.25) - 1) / 0.25 - 1, rel=0.15)
    assert kept.lost == pytest.approx((math.exp(0.25 / 6) - 1) / (0.25 / 6) - 1, rel=0.15)


def test_the_fewest_machines_are_found() -> None:
    assert [scale.fewest(lambda n, least=least: n >= least) for least in (1, 2, 3, 37)] == [1, 2, 3, 37]


@pytest.mark.parametrize("name", sorted(MEASURED))
def test_a_measured_figure_stands_where_it_says(name: str) -> None:
    found = MEASURED[name]
    text = (ROOT / found.source).read_text(encoding="utf-8")
    assert re.search(rf"(?<![\d.,]){re.escape(f'{found.value:,g}')}(?![\d]|[.,]\d)", text), (
        f"{found.value} in {found.source}"
    )


@pytest.mark.slow
def test_every_number_of_the_document_is_printed_by_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    scale.main()
    printed = capsys.readouterr().out
    text = DOCUMENT.read_text(encoding="utf-8")
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert len(tables) > 40 and [line for line in tables if line not in printed] == []
    number = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
    known = set(number.findall(printed))
    assert [found for found in number.findall(text) if found not in known] == []
