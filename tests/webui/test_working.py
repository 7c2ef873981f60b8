"""The work in progress: its log is shown on the page, also after it failed."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from nicegui import ui

from webui.client import jobs


async def test_the_log_of_a_failed_run_is_read_on_the_page(settings: Any, world: Any, visit: Any) -> None:
    world.project(settings.root)
    jobs.start(settings, jobs.PIPELINE, lines=[[sys.executable, "-c", "import sys; sys.exit('no <source>. Add one.')"]])
    for _ in range(200):
        if (job := jobs.latest(settings)) is not None and job.state == "failed":
            break
        await asyncio.sleep(0.05)
    user = await visit(settings)
    await user.open("/")
    await user.should_see("It stopped with an error")
    user.find(kind=ui.button, content="Log").click()
    await user.should_see("Log of the last run")
    await user.should_see("no <source>. Add one.")
    user.find(kind=ui.button, content="Close").click()
    await user.should_see("Update the twin")
