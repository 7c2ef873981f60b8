"""The settings: choices land in params.yaml, tokens and keys where they belong, and adapters change hands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nicegui import ui

from twin import params, vault
from twin.errors import ParamsError
from twin.files import write_json, write_text
from webui.client import adapters, authors, commands, sources
from webui.client.visitor import Visitor


async def test_choices_are_kept_with_the_files_comments(settings: Any, world: Any, visit: Any) -> None:
    world.project(settings.root)
    user = await visit(settings)
    await user.open("/settings")
    user.find(kind=ui.input, content="Base model").clear().type("Qwen/Qwen2.5-0.5B")
    user.find("Save the base model").click()
    user.find(kind=ui.checkbox, content="Telephone numbers").click()
    user.find("Save the privacy choices").click()
    text = (settings.root / "params.yaml").read_text()
    assert "# Whose twin this is" in text and "# what is read" in text
    found = params.load(settings.root / "params.yaml")
    assert found.train.base_model == "Qwen/Qwen2.5-0.5B"
    assert "phone" not in found.prepare.mask and "email" in found.prepare.mask


def test_a_choice_that_cannot_be_leaves_the_file_alone(settings: Any, world: Any) -> None:
    world.project(settings.root)
    file: Path = settings.root / "params.yaml"
    before = file.read_bytes()
    with pytest.raises(ParamsError, match=r"prepare\.quotes"):
        sources.change(file, {"prepare.quotes": "burn"})
    assert file.read_bytes() == before


async def test_a_token_is_kept_and_never_shown(settings: Any, world: Any, visit: Any, monkeypatch: Any) -> None:
    for name in ("GITHUB_TOKEN", "LINKEDIN_TOKEN", "LINKEDIN_POST_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    world.project(settings.root)
    vault.keep(settings, "github", "ghp_secret")
    user = await visit(settings)
    await user.open("/settings")
    await user.should_see("Kept")
    assert "ghp_secret" not in (await user.http_client.get("/settings")).text
    user.find(kind=ui.button, content="Forget").click()
    await user.should_not_see(kind=ui.button, content="Forget")
    assert vault.kept(settings) == ()


def test_what_writes_wrote_and_was_held(settings: Any, world: Any) -> None:
    work = world.project(settings.root)
    pointer = {"version": "2", "previous": [{"version": "1"}]}
    write_json(settings.home / "serving" / f"{world.AUTHOR}.json", pointer)
    write_json(work.registration / "registration.json", {"version": "3", "promoted": False, "reasons": ["Too close."]})
    write_text(settings.root / "exports" / world.AUTHOR / "vllm" / "README.md", "four")
    seen = adapters.look(settings, work)
    assert (seen.writing, seen.earlier, seen.held, seen.reasons) == ("2", ("1",), "3", ("Too close.",))
    assert [(kind, size) for kind, _, size in seen.exported] == [("vllm", 4)]
    write_json(work.registration / "registration.json", {"version": "2", "promoted": True})
    assert adapters.look(settings, work).held == ""


async def test_an_earlier_adapter_writes_again(settings: Any, world: Any, visit: Any) -> None:
    world.project(settings.root)
    gguf = settings.home / "a.gguf"
    write_text(gguf, "")
    entry = {"gguf": str(gguf), "adapter_dir": "x", "sha256": "y"}
    pointer = {"author": world.AUTHOR, "version": "2", **entry, "previous": [{"version": "1", **entry}]}
    write_json(settings.home / "serving" / f"{world.AUTHOR}.json", pointer)
    user = await visit(settings)
    await user.open("/settings")
    user.find("Let it write again").click()
    await user.should_see("version 1 writes", retries=300)


def test_keys_are_the_commands_own(settings: Any, world: Any) -> None:
    world.project(settings.root)
    key = commands.twin(settings, "key", "newsletter", "--author", world.AUTHOR)
    assert key.startswith("twin-") and key not in settings.api_keys.read_text()


def test_authors_stand_apart(settings: Any, world: Any) -> None:
    world.project(settings.root)
    assert authors.add(settings, "Zoë Ström") == "zoe-strom"
    found = authors.settings_of(settings)
    assert list(found) == [world.AUTHOR, "zoe-strom"]
    other = found["zoe-strom"]
    assert other.root == settings.root / "authors" / "zoe-strom" and other.home == settings.home
    assert other.private != settings.private and other.progress != settings.progress
    assert params.load(other.root / "params.yaml").sources == ()
    assert authors.name_of(other) == "Zoë Ström"
    assert Visitor(authors=("a",)).sees("a") and not Visitor(authors=("a",)).sees("b")
