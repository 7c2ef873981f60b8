"""axe-core on every page, empty and filled, light, dark and on a phone: no serious violation."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest

pytestmark = pytest.mark.browser

PATHS = (
    "/", "/sources", "/write", "/write?draft=20260101", "/drafts", "/drafts?draft=20260101", "/drafts?show=edits",
    "/library", "/train", "/evaluation", "/evaluation/blind", "/monitoring", "/settings",
)  # fmt: skip
# What another colour scheme or a narrower screen can change; names, roles and order are the same in every mode.
LOOKS = ["color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block"]
MODES = ((1280, "dark"), (390, "light"))
_RUN = """async (only) => {
  const rules = only.length ? {runOnly: {type: 'rule', values: only}} : {};
  const found = await axe.run(document, {resultTypes: ['violations'], iframes: false, ...rules});
  window.looked = found.passes.length;
  return found.violations.filter((v) => ['serious', 'critical'].includes(v.impact))
    .flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')}: ${n.html.slice(0, 160)}`));
}"""


def violations(page: Any, *only: str) -> list[str]:
    """What axe-core calls serious or critical on the page as it stands, by all rules or `only` these."""
    if page.evaluate("typeof axe") == "undefined":
        page.add_script_tag(content=(files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(_RUN, list(only))
    assert page.evaluate("window.looked") > (0 if only else 10)  # it did look
    return found


def test_no_empty_page_has_a_serious_violation(serve: Any, tab: Any, world: Any, tmp_path: Any) -> None:
    _every_page(tab(), serve(world.settings_for(tmp_path)), ())


def test_no_filled_page_has_one_in_light_dark_or_on_a_phone(serve: Any, tab: Any, world: Any, tmp_path: Any) -> None:
    settings = world.settings_for(tmp_path)
    world.measure(world.fill(settings))
    _every_page(tab(), serve(settings), MODES)


def _every_page(page: Any, server: Any, modes: Any) -> None:
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = {}
    for path in PATHS:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(server.url + path)
        page.locator("main h1").wait_for()
        page.wait_for_timeout(200)
        found[path] = violations(page)
        for width, scheme in modes:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(100)
            found[f"{path}, {scheme} {width}"] = violations(page, *LOOKS)
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_the_pages_of_login_and_password_have_none_either(serve: Any, tab: Any, world: Any, tmp_path: Any) -> None:
    from twin import accounts

    settings = world.settings_for(tmp_path)
    accounts.add(settings.accounts, "odo", "owner", "a kettle and a queue")
    server = serve(settings)
    page = tab()
    page.goto(f"{server.url}/password")
    assert violations(page) == []
    page.get_by_label("Name").fill("odo")
    page.get_by_label("Password").fill("a kettle and a queue")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Change your password").wait_for()
    assert violations(page) == []
