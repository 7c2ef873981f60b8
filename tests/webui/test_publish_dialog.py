"""Publish: each platform's preview, a token of one's own, a post now or later."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from nicegui import ui

from webui.client import drafts, linkedin, schedule

LONG = "A line.\nAnother line.\nA third.\nA fourth & <last>."


async def opened(settings: Any, world: Any, visit: Any, text: str = LONG, register: str = "post") -> Any:
    """A user with the dialog open on a kept draft."""
    world.project(settings.root)
    order = {"brief": "Tea", "author": world.AUTHOR, "register": register, "links": [], "words": 80}
    record = {"id": "20260101-120000-abc", "order": order, "state": "done", "text": text, "error": "",
              "draft": {"text": text, "adapter": "base"}, "started_at": 1.0, "seconds": 1.0}  # fmt: skip
    drafts.save(settings, world.AUTHOR, record)
    user = await visit(settings)
    await user.open("/write?draft=20260101-120000-abc")
    user.find(kind=ui.button, content="Publish").click()
    await user.should_see("Medium")
    return user


def choose(world: Any, user: Any, platform: str) -> None:
    """Look at another platform."""
    world.named(user, ui.toggle, "Platform").set_value(platform)


def previews(user: Any) -> list[str]:
    return [e.content for e in sorted(user.find(marker="preview").elements, key=lambda e: e.id)]


async def test_a_post_is_folded_as_the_feed_folds_it(settings: Any, world: Any, visit: Any) -> None:
    user = await opened(settings, world, visit)
    (shown,) = previews(user)
    assert shown.startswith("A line.\nAnother line.\nA third.<span") and "A fourth &amp; &lt;last&gt;." in shown
    choose(world, user, "medium")
    await user.should_see("no interface for posting is used")
    assert "A fourth" in previews(user)[0]
    user.find(kind=ui.button, content="Copy as shown").click()
    await user.should_see("Copied")


async def test_a_thread_is_shown_post_by_post(settings: Any, world: Any, visit: Any) -> None:
    text = "\n\n---\n\n".join(f"Post {n} of the thread, as long as it is." for n in (1, 2, 3))
    user = await opened(settings, world, visit, text, "thread")
    assert len(previews(user)) == 3
    await user.should_see("Copy post 3")


async def test_a_text_over_the_limit_is_said_before_it_is_posted(settings: Any, world: Any, visit: Any) -> None:
    user = await opened(settings, world, visit, "word " * 700)
    await user.should_see("Too long")
    await user.should_see("3,000")


async def test_a_token_is_kept_and_a_post_goes_out(settings: Any, world: Any, visit: Any, site: Any) -> None:
    settings = replace(world.settings_for(settings.root), linkedin_url=site.url)
    user = await opened(settings, world, visit)
    user.find(kind=ui.input, content="LinkedIn token").type("good-token")
    user.find(kind=ui.button, content="Keep the token").click()
    await user.should_see("Post to LinkedIn now")
    assert linkedin.token(settings) == "good-token"
    user.find(kind=ui.button, content="Post to LinkedIn now").click()
    await user.should_see("urn:li:share:7", retries=40)
    assert len(site.asked) == 1
    user.find(kind=ui.button, content="Forget the token").click()
    await user.should_see("Keep the token")
    assert linkedin.token(settings) == ""


async def test_a_post_is_scheduled_and_taken_back(settings: Any, world: Any, visit: Any) -> None:
    settings = replace(world.settings_for(settings.root), linkedin_post_token="good-token")
    user = await opened(settings, world, visit)
    user.find(kind=ui.button, content="Schedule").click()
    await user.should_see("Choose a day and a time.")
    (when,) = user.find(kind=ui.input, content="Later, at").elements
    when.set_value("2020-01-01T10:00")
    user.find(kind=ui.button, content="Schedule").click()
    await user.should_see("that time has passed")
    when.set_value(time.strftime("%Y-%m-%dT%H:%M", time.localtime(time.time() + 86_400)))
    user.find(kind=ui.button, content="Schedule").click()
    await user.should_see("waiting")
    assert [item["text"] for item in schedule.listed(settings)] == [LONG]
    user.find(kind=ui.button, content="Take it back").click()
    await user.should_not_see("waiting")
    assert schedule.listed(settings) == []
