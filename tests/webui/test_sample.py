"""The sample author: tried with one click, taken away with another, and nobody else's twin is touched."""

from __future__ import annotations

import asyncio
from typing import Any

from twin import params
from twin.files import write_text
from webui.client import jobs, sample


async def ended(settings: Any) -> jobs.Job:
    for _ in range(600):
        job = jobs.latest(settings)
        if job is not None and job.state != "running":
            return job
        await asyncio.sleep(0.1)
    raise AssertionError("the job did not end within a minute")


async def test_the_sample_is_tried_and_removed(settings: Any, visit: Any) -> None:
    user = await visit(settings)
    await user.open("/")
    await user.should_see("Say who writes", retries=100)
    user.find("Try the sample author").click()
    for _ in range(300):
        if (settings.root / "params.yaml").exists():
            break
        await asyncio.sleep(0.1)
    await user.open("/")
    await user.should_see("Juno Marsh is invented", retries=100)
    await user.should_see("Collect your texts", retries=100)
    user.find("Remove Juno").click()
    job = await ended(settings)
    assert job.kind == jobs.FORGET and job.state == "done", jobs.tail(job)
    assert not (settings.root / "params.yaml").exists()
    assert not (settings.root / "data" / sample.SAMPLE).exists()
    await user.open("/")
    await user.should_see("Whose twin is it?", retries=100)


async def test_the_twin_of_before_comes_back(settings: Any, world: Any) -> None:
    work = world.project(settings.root, documents=3)
    write_text(settings.root / "params.previous.yaml", world.PARAMS)
    write_text(settings.root / "params.yaml", world.PARAMS.replace("ada-reed", sample.SAMPLE))
    await sample.remove(settings)
    assert params.load(settings.root / "params.yaml").author.id == "ada-reed"
    assert (work.documents / "documents.parquet").exists()


async def test_what_the_sample_left_behind_can_go_later(settings: Any, world: Any, visit: Any) -> None:
    world.project(settings.root, documents=3)
    write_text(settings.root / "data" / sample.SAMPLE / "inbox" / "export.zip", "")
    user = await visit(settings)
    await user.open("/")
    user.find("Remove the sample").click()
    assert (await ended(settings)).state == "done"
    assert params.load(settings.root / "params.yaml").author.id == "ada-reed"
    assert not (settings.root / "data" / sample.SAMPLE).exists()
