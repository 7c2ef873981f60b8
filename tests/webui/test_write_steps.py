"""Write: ideas, steps changed by hand, material, voices."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from nicegui import ui
from nicegui.elements.upload_files import SmallFileUpload

OUTLINE = {"name": "outline", "input": "Tea", "output": "Angle: The kettle\n- The kettle\n- The queue", "seconds": 0.1}
FACTS = {"name": "facts", "input": "Tea", "output": "files:1#0: nearest\nfiles:2#0: words", "seconds": 0.1}


@pytest.fixture
async def user(settings: Any, world: Any, endpoint: Any, visit: Any) -> Any:
    """A user on the page."""
    settings = world.settings_for(settings.root, endpoint_port=endpoint.port)
    world.project(settings.root)
    user = await visit(settings)
    await user.open("/write")
    return user


def brief(user: Any) -> Any:
    return next(iter(user.find(kind=ui.textarea, content="What is it about? One line is enough.").elements))


async def draft(user: Any, said: str = "Tea") -> None:
    brief(user).set_value(said)
    user.find(kind=ui.button, content="Draft").click()
    await user.should_see(marker="draft-text", retries=40)


async def asked(endpoint: Any, count: int) -> dict[str, Any]:
    """The body of the request of this number."""
    for _ in range(100):
        if len(endpoint.asked) >= count:
            return dict(endpoint.asked[count - 1])
        await asyncio.sleep(0.05)
    raise AssertionError(f"only {len(endpoint.asked)} requests came")


async def test_an_idea_tells_what_it_builds_on_and_becomes_the_brief(user: Any, endpoint: Any) -> None:
    sources = [
        {"title": "Article 1", "url": "https://ada.example/1", "chunk_id": "c", "document_id": "d"},
        {"title": "", "url": "javascript:alert(1)", "chunk_id": "c", "document_id": "files:2"},
    ]
    ideas = [{"idea": "What beginners get wrong about <tea>", "builds_on": sources}]
    endpoint.steps = [{"name": "ideas", "input": "", "output": json.dumps(ideas), "seconds": 0.1}]
    user.find(kind=ui.button, content="Ideas").click()
    await user.should_see("Builds on", retries=40)
    assert endpoint.asked[0]["twin"]["action"] == "ideas"
    links = [link.props["href"] for link in user.find(kind=ui.link).elements]
    assert "https://ada.example/1" in links and not any(str(link).startswith("javascript") for link in links)
    await user.should_not_see(marker="draft-text")
    user.find(kind=ui.button, content="Write it").click()
    assert brief(user).value == "What beginners get wrong about <tea>"


async def test_a_changed_outline_is_written_from_with_the_same_facts(user: Any, endpoint: Any, world: Any) -> None:
    endpoint.steps = [FACTS, OUTLINE]
    await draft(user)
    world.named(user, ui.textarea, "Outline").set_value("Angle: The kettle\n- The queue\n• The price of tea\n")
    user.find(kind=ui.button, content="Write again from this outline").click()
    given = (await asked(endpoint, 2))["twin"]["given"]
    assert given == {"outline": ["The queue", "The price of tea"], "facts": ["files:1#0", "files:2#0"]}


async def test_facts_are_chosen_by_hand(user: Any, endpoint: Any) -> None:
    endpoint.steps = [FACTS]
    await draft(user)
    user.find(kind=ui.checkbox, content="files:2#0: words").click()
    user.find(kind=ui.button, content="Write again with these facts").click()
    assert (await asked(endpoint, 2))["twin"]["given"] == {"facts": ["files:1#0"]}


async def test_files_and_links_are_drawn_on(user: Any, endpoint: Any, world: Any) -> None:
    (upload,) = user.find(kind=ui.upload).elements
    await upload.handle_uploads(
        [
            SmallFileUpload("notes.md", "text/markdown", b"# Tide\nSeven."),
            SmallFileUpload("left.txt", "text/plain", b"left out"),
            SmallFileUpload("photo.txt", "text/plain", b"\xff\xfe\x00"),
        ]
    )
    await user.should_see("photo.txt is not plain text.")
    world.press(user, world.named(user, ui.button, "Leave out left.txt"))
    await user.should_not_see("left.txt")
    world.press(user, world.named(user, ui.button, "Add links"))
    user.find(kind=ui.textarea, content="https://…").type("https://a.example/1 https://a.example/1\nhttps://b.example")
    await draft(user)
    own = endpoint.asked[0]["twin"]
    assert own["material"] == [{"title": "notes.md", "text": "# Tide\nSeven."}]
    assert own["links"] == ["https://a.example/1", "https://b.example"]


async def test_an_older_voice_and_another_language_can_be_asked_for(user: Any, endpoint: Any, world: Any) -> None:
    endpoint.adapters = {"twin": "", "base": "", world.AUTHOR: "3", f"{world.AUTHOR}@2": "2"}
    for _ in range(100):
        voice, language = (world.named(user, ui.select, name) for name in ("Voice", "Language"))
        if f"{world.AUTHOR}@2" in voice.options:
            break
        await asyncio.sleep(0.1)
    assert voice.options["auto"] == "Newest voice (version 3)"
    voice.set_value(f"{world.AUTHOR}@2")
    language.set_value("de")
    await draft(user)
    own = endpoint.asked[0]["twin"]
    assert (own["version"], own["language"], own.get("adapter")) == ("2", "de", None)
