"""Jobs: one at a time, their state in files, alive without the server, honest about a death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from twin.errors import StackError
from twin.files import read_json, write_json
from webui.client import jobs, state

SLEEP = [[sys.executable, "-c", "print('at work', flush=True); import time; time.sleep(60)"]]


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a thing to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def test_a_job_runs_its_commands_in_turn_and_is_done(settings: Any) -> None:
    say = [sys.executable, "-c", "print('one')"], ["sh", "-c", "echo two; command -v python"]
    jobs.start(settings, jobs.MONITOR, lines=[list(line) for line in say])
    until(lambda: jobs.latest(settings).state == "done")
    job = jobs.latest(settings)
    assert job.exit_code == 0 and job.ended_at
    log = jobs.tail(job)
    assert log.index("one") < log.index("two")
    assert os.path.dirname(sys.executable) in log


def test_a_failed_command_ends_the_job_and_its_words_are_kept(settings: Any) -> None:
    bad = [sys.executable, "-c", "import sys; sys.exit('twin collect: no source. Add one.')"]
    jobs.start(settings, jobs.PIPELINE, lines=[bad, [sys.executable, "-c", "print('never')"]])
    until(lambda: jobs.latest(settings).state == "failed")
    log = jobs.tail(jobs.latest(settings))
    assert "no source. Add one." in log and "never" not in log.split("\n")


def test_a_second_job_is_refused_while_one_runs_then_stop_ends_it(settings: Any) -> None:
    jobs.start(settings, jobs.PIPELINE, lines=SLEEP)
    with pytest.raises(StackError, match="still running"):
        jobs.start(settings, jobs.MONITOR, lines=SLEEP)
    until(lambda: "at work" in jobs.tail(jobs.latest(settings)))
    assert jobs.running(settings).kind == jobs.PIPELINE
    assert jobs.stop(settings)
    until(lambda: jobs.latest(settings).state == "stopped")
    assert jobs.running(settings) is None and not jobs.stop(settings)


def test_a_job_outlives_the_process_that_started_it(settings: Any) -> None:
    lines = [[sys.executable, "-c", "import time; time.sleep(1.5); print('finished')"]]
    starter = (
        "import sys; from pathlib import Path; from dataclasses import replace; from twin import settings as s;"
        f"from webui.client import jobs; root = Path({str(settings.root)!r});"
        f"jobs.start(replace(s.load(), root=root, home=root / '.twin'), 'pipeline', lines={lines!r})"
    )
    subprocess.run([sys.executable, "-c", starter], check=True, cwd=os.getcwd())
    assert jobs.running(settings) is not None
    until(lambda: jobs.latest(settings).state == "done")
    assert "finished" in jobs.tail(jobs.latest(settings))


def test_a_killed_job_is_lost_not_running(settings: Any) -> None:
    jobs.start(settings, jobs.PIPELINE, lines=SLEEP)
    until(lambda: "at work" in jobs.tail(jobs.latest(settings)))
    os.killpg(jobs.latest(settings).pid, signal.SIGKILL)
    until(lambda: jobs.latest(settings).state == "lost")
    jobs.start(settings, jobs.MONITOR, lines=[[sys.executable, "-c", "1"]])
    until(lambda: jobs.latest(settings).state == "done")


def test_what_a_killed_job_had_started_ends_before_the_next_one_begins(settings: Any) -> None:
    jobs.start(settings, jobs.PIPELINE, lines=SLEEP)
    until(lambda: "at work" in jobs.tail(jobs.latest(settings)))
    runner = psutil.Process(jobs.latest(settings).pid)
    (child,) = runner.children()
    runner.kill()
    until(lambda: jobs.latest(settings).state == "lost")
    assert child.is_running()
    jobs.start(settings, jobs.MONITOR, lines=[[sys.executable, "-c", "1"]])
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    until(lambda: jobs.latest(settings).state == "done")


def test_the_job_that_runs_is_the_newest_also_when_the_clock_was_set_back(settings: Any) -> None:
    first = jobs.start(settings, jobs.MONITOR, lines=[[sys.executable, "-c", "1"]])
    until(lambda: jobs.latest(settings).state == "done")
    until(lambda: not jobs._held(settings.home / "jobs"), 60)  # its process ends a moment after its word
    file = settings.home / "jobs" / f"{first.id}.json"
    later = f"2099{first.id[4:]}"
    write_json(file.with_name(f"{later}.json"), read_json(file) | {"id": later})
    jobs.start(settings, jobs.PIPELINE, lines=SLEEP)
    until(lambda: jobs.running(settings) is not None)
    assert jobs.running(settings).kind == jobs.PIPELINE
    until(lambda: "at work" in jobs.tail(jobs.latest(settings)))
    assert jobs.stop(settings)
    until(lambda: jobs.latest(settings).state == "stopped")


def test_a_stage_whose_process_is_gone_is_interrupted(settings: Any, world: Any) -> None:
    work = world.project(settings.root)
    gone = subprocess.Popen([sys.executable, "-c", "1"])
    gone.wait()
    world.say(settings, "train", pid=gone.pid)
    world.say(settings, "evaluate")
    found = {stage.key: stage for stage in state.stages(settings, work, None)}
    assert (found["train"].state, found["evaluate"].state, found["collect"].state) == ("lost", "running", "waiting")
    assert found["evaluate"].share == 0.25


async def test_progress_is_there_after_a_reload_and_in_a_second_tab(settings: Any, world: Any, visit: Any) -> None:
    world.project(settings.root)
    user = await visit(settings)
    jobs.start(settings, jobs.PIPELINE, lines=SLEEP)
    try:
        world.say(settings, "collect", detail="Article 4")
        for path in ("/", "/", "/sources"):
            await user.open(path)
            await user.should_see("at work")
            await user.should_see("texts · Article 4")
        world.say(settings, "collect", detail="Article 5", done=6)
        await user.should_see("texts · Article 5", retries=40)
        user.find("Stop").click()
        await user.should_see("Stop the work?")
        world.say(settings, "collect", detail="Article 6", done=7)
        await user.should_see("texts · Article 6", retries=40)
        await user.should_see("Stop the work?")
    finally:
        jobs.stop(settings)
        until(lambda: jobs.running(settings) is None)


async def test_a_failed_stage_shows_its_error_and_what_to_do(settings: Any, world: Any, visit: Any) -> None:
    world.project(settings.root)
    jobs.start(settings, jobs.PIPELINE, lines=[[sys.executable, "-c", "raise SystemExit(2)"]])
    until(lambda: jobs.latest(settings).state == "failed")
    world.say(settings, "prepare", "failed", error="2,000 words are needed and there are 40. Add a source.")
    user = await visit(settings)
    await user.open("/")
    await user.should_see("Add a source.")
    await user.should_see("Try again")
