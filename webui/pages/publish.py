"""Publishing: the draft as each platform shows it, ready to paste, or posted to LinkedIn now or at a chosen time."""

from __future__ import annotations

import time
from datetime import datetime
from functools import partial
from html import escape
from typing import Any

from nicegui import ui

from twin.errors import TwinError
from twin.text.platforms import PLATFORMS, problems, shown
from webui import parts
from webui.client import Client, linkedin, schedule


def ask(client: Client, record: dict[str, Any]) -> None:
    """Open the dialog for one draft."""
    with parts.dialog() as box, ui.element("div").classes("stack wide"):
        parts.heading(2, "Publish")
        names = {name: place.label for name, place in PLATFORMS.items()}
        chosen = (
            ui.toggle(names, value="x" if record["order"]["register"] == "thread" else "linkedin")
            .props('no-caps unelevated toggle-color="" toggle-text-color=ink aria-label="Platform"')
            .classes("segments")
        )
        preview = ui.element("div").classes("stack full")

        def draw() -> None:
            preview.clear()
            with preview:
                _preview(record, str(chosen.value))
                if chosen.value == "linkedin":
                    _linkedin(client, record, draw)
                else:
                    parts.text("Copy it and paste it there: no interface for posting is used.", "soft small")

        chosen.on_value_change(draw)
        draw()
        parts.quiet("Close", box.close).style("align-self: start")


def _preview(record: dict[str, Any], platform: str) -> None:
    for wrong in problems(record["text"], platform, record["order"]["register"]):
        parts.note("warn", wrong, "Too long")
    posts = shown(record["text"], platform)
    for number, post in enumerate(posts, 1):
        fold = PLATFORMS[platform].folded
        cut = _fold(post, fold) if fold else len(post)
        rest = f'<span class="rest">… more\n{escape(post[cut:].lstrip(" "))}</span>' if cut < len(post) else ""
        ui.html(escape(post[:cut]) + rest, sanitize=False).classes("preview").mark("preview")
        label = f"Copy post {number}" if len(posts) > 1 else "Copy as shown"
        parts.quiet(label, partial(_copy, post), icon="o_content_copy").style("align-self: start")


def _fold(post: str, letters: int) -> int:
    """Where the feed folds a post: after so many characters or three lines."""
    third = -1
    for _ in range(3):
        third = post.find("\n", third + 1)
        if third < 0:
            break
    return min(letters, third if third > 0 else len(post), len(post))


def _copy(text: str) -> None:
    ui.clipboard.write(text)
    ui.notify("Copied", type="positive", timeout=1200)


def _linkedin(client: Client, record: dict[str, Any], draw: Any) -> None:
    settings = client.settings

    def keep(token: str) -> None:
        linkedin.keep_token(settings, token)
        draw()

    def take_back(item_id: str) -> None:
        schedule.cancel(settings, item_id)
        draw()

    if not linkedin.token(settings):
        parts.text(
            "With your own LinkedIn token (scopes openid, profile, w_member_social) the twin can post for you. "
            "It stays on this machine.", "soft small",
        )  # fmt: skip
        box = ui.input("LinkedIn token", password=True).props("outlined dense").classes("full")
        parts.quiet("Keep the token", lambda: keep(box.value or "")).style("align-self: start")
        return
    said = ui.label("").classes("small").props("role=status")

    async def now() -> None:
        button.disable()
        try:
            address = await linkedin.publish(settings, record["text"])
            said.set_text(f"Posted: {address}")
        except TwinError as error:
            said.set_text(str(error))
            button.enable()

    def later() -> None:
        try:
            at = datetime.fromisoformat(str(when.value)).timestamp()
            schedule.add(settings, record["id"], record["text"], at)
        except (ValueError, TwinError) as error:
            said.set_text(str(error) if isinstance(error, TwinError) else "Choose a day and a time.")
            return
        draw()

    with ui.element("div").classes("line"):
        button = parts.go("Post to LinkedIn now", now, icon="o_send")
        when = ui.input("Later, at").props("outlined dense type=datetime-local stack-label")
        parts.quiet("Schedule", later, icon="o_schedule")
        parts.quiet("Forget the token", lambda: keep(""))
    for item in schedule.listed(settings, record["id"]):
        with ui.element("div").classes("line small"):
            moment = time.strftime("%d %b %Y %H:%M", time.localtime(item["at"]))
            ui.label(f"{moment}: {item['state']} {item['said']}".strip())
            if item["state"] == "waiting":
                parts.quiet("Take it back", partial(take_back, item["id"]))
