"""A real Chromium on the door: signing in by keyboard, what each role is shown, and tabs that end together."""

from __future__ import annotations

from typing import Any

import pytest

from twin import accounts
from webui.client import authors

pytestmark = pytest.mark.browser

PASSWORD = "a kettle and a queue"


@pytest.fixture
def house(world: Any, tmp_path: Any) -> Any:
    """Ada's learned twin and Ben's empty one; an owner, and a viewer of Ada's alone."""
    settings = world.settings_for(tmp_path)
    world.fill(settings)
    authors.add(settings, "Ben Cole")
    accounts.add(settings.accounts, "odo", "owner", PASSWORD)
    accounts.add(settings.accounts, "vic", "viewer", PASSWORD, [world.AUTHOR])
    return settings


@pytest.fixture
def signed(tab: Any, chromium: Any) -> Any:
    """`page = signed(server, name)`: a tab signed in by keyboard alone; the profile's cookies are cleared before."""

    def sign(server: Any, name: str, path: str = "/") -> Any:
        chromium.clear_cookies()
        page = tab()
        page.goto(server.url + path)
        page.wait_for_function("document.hasFocus() && document.activeElement.name === 'name'")
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.locator("main h1", has_not_text="Sign in").wait_for()
        return page

    yield sign
    chromium.clear_cookies()


def test_an_owner_signs_in_where_they_wanted_to_go_and_changes_authors(serve: Any, signed: Any, house: Any) -> None:
    server = serve(house)
    page = signed(server, "odo", "/drafts?draft=20260101")
    page.get_by_text("The kettle is on.").first.wait_for()
    page.get_by_label("Whose twin").select_option("ben-cole")
    page.get_by_role("heading", name="Ben Cole’s twin").wait_for()
    page.goto(f"{server.url}/drafts")
    page.get_by_role("heading", name="No drafts yet").wait_for()


def test_signing_out_ends_the_other_tab_too(serve: Any, signed: Any, tab: Any, house: Any) -> None:
    server = serve(house)
    page = signed(server, "odo")
    other = tab()
    other.goto(f"{server.url}/library")
    other.get_by_text("1–25 of 30").wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
    other.wait_for_url("**/login")


def test_a_viewer_reads_and_searches_and_is_offered_no_more(serve: Any, signed: Any, house: Any) -> None:
    server = serve(house)
    page = signed(server, "vic", "/drafts")
    menu = page.get_by_label("Main menu")
    assert menu.get_by_text("Library").is_visible() and menu.get_by_text("Settings").count() == 0
    assert menu.get_by_text("Write", exact=True).count() == 0 and page.get_by_label("Whose twin").count() == 0
    page.get_by_label("Search drafts").fill("kettle")
    page.get_by_text("1–1 of 1").wait_for()
    page.get_by_label("Search drafts").fill("harbour")
    page.get_by_text("Nothing matches").wait_for()
    page.goto(f"{server.url}/library")
    page.get_by_label("Search").fill("number 21.")
    page.get_by_text("1–1 of 1", exact=True).wait_for()
    page.goto(f"{server.url}/settings")
    page.get_by_role("heading", name="Not yours to open").wait_for()


def test_every_button_that_a_viewer_sees_is_theirs_to_press(serve: Any, signed: Any, house: Any) -> None:
    server = serve(house)
    page = signed(server, "vic")
    page.get_by_text("You can look, not change").wait_for()
    seen = {}
    for path in (
        "/",
        "/library",
        "/drafts",
        "/drafts?draft=20260101",
        "/drafts?show=edits",
        "/evaluation",
        "/monitoring",
    ):
        page.goto(server.url + path)
        page.locator("main h1").wait_for()
        page.wait_for_timeout(300)
        buttons = page.locator("main").get_by_role("button").filter(visible=True)
        seen[path] = [words for words in buttons.all_inner_texts() if words]
        for number in range(buttons.count()):
            # Pressing a menu or a dialog open would cover the next: what the door hears is written on the element.
            assert buttons.nth(number).evaluate("e => e.closest('.reading') !== null"), (path, number)
    assert not {"Train", "Update the twin", "Delete", "Make the report"} & {
        word for found in seen.values() for word in found
    }
    page.goto(f"{server.url}/library")
    page.get_by_role("button", name="Text number 21.").click()
    assert page.get_by_role("dialog").get_by_text("What this text is").count() == 0
    page.get_by_role("button", name="Close").click()
    page.get_by_role("dialog").wait_for(state="detached")
    assert page.get_by_text("You may look here, not change").count() == 0


def test_the_menu_opens_and_closes_on_a_phone_for_a_viewer_too(serve: Any, signed: Any, house: Any) -> None:
    server = serve(house)
    page = signed(server, "vic")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/drafts")
    entry = page.get_by_label("Main menu").get_by_text("Library")
    for _ in range(2):
        page.get_by_role("button", name="Open the menu").click()
        entry.wait_for()
        page.locator(".q-drawer__backdrop").click(position={"x": 370, "y": 500})
        page.locator(".q-drawer__backdrop").wait_for(state="hidden")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_viewer_changes_their_password_and_other_browsers_are_signed_out(
    serve: Any, signed: Any, chromium: Any, house: Any
) -> None:
    server = serve(house)
    signed(server, "vic")
    kept = chromium.cookies()
    page = signed(server, "vic")
    page.get_by_role("link", name="Change the password").click()
    for label, words in (
        ("Password now", PASSWORD), ("New password", "the harbour sleeps"), ("The new one again", "the harbour sleeps"),
    ):  # fmt: skip
        page.get_by_label(label).fill(words)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Your password is changed").wait_for()
    page.get_by_role("link", name="Back to the twin").click()
    page.get_by_role("heading", name="Ada Reed’s twin").wait_for()
    chromium.clear_cookies()
    chromium.add_cookies(kept)
    page.goto(server.url)
    page.get_by_role("heading", name="Sign in").wait_for()
