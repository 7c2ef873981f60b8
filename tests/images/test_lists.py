"""An image's list of packages names all that its entry points import, and nothing else."""

from __future__ import annotations

import importlib.util
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ("serving", "training")
BY_NAME = {"serving": {"lxml", "gguf"}, "training": {"deepspeed", "ninja"}}
"""Packages that a library asks for by name, as the list's own comment says."""


@cache
def imports() -> ModuleType:
    spec = importlib.util.spec_from_file_location("image_imports", ROOT / "images" / "imports.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def providers() -> dict[str, list[str]]:
    return {top: sorted(set(names)) for top, names in packages_distributions().items()}


def provider(module: str) -> str:
    """The package a module comes from; where several share its first name, the one that has its file."""
    names = providers()[module.partition(".")[0]]
    if len(names) > 1:
        path = module.replace(".", "/")
        names = [n for n in names if any(str(f).startswith((f"{path}/", f"{path}.py")) for f in files(n))]
    assert len(names) == 1, f"{module} comes from {names or 'no package'}"
    return canonicalize_name(names[0])


@cache
def files(name: str) -> tuple[str, ...]:
    return tuple(str(file) for file in distribution(name).files or ())


def listed(text: str) -> list[Requirement]:
    return [Requirement(line) for line in text.splitlines() if line and not line.startswith("#")]


def brought(requirements: list[Requirement]) -> set[str]:
    """The packages an installer takes for these, their own requirements included."""
    found: set[tuple[str, str]] = set()
    todo = list(requirements)
    while todo:
        one = todo.pop()
        for extra in ("", *one.extras):
            key = (canonicalize_name(one.name), extra)
            if key not in found and (package := installed(one.name)):
                found.add(key)
                needs = [Requirement(text) for text in package.requires or ()]
                todo += [need for need in needs if not need.marker or need.marker.evaluate({"extra": extra})]
    return {name for name, _ in found}


def installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None  # Dropped by requirements/overrides.txt.


def missing(image: str, text: str) -> list[str]:
    """What an image made from this list would lack, each with the module of ours that wants it."""
    there = brought(listed(text))
    wanted = imports().foreign(*imports().ENTRIES[image])
    return sorted(f"{module}, which {by} imports" for module, by in wanted.items() if provider(module) not in there)


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_every_module_its_entry_points_import(image: str) -> None:
    assert missing(image, (ROOT / "images" / f"{image}.txt").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_is_asked_for_nothing_else(image: str) -> None:
    names = {canonicalize_name(one.name) for one in listed((ROOT / "images" / f"{image}.txt").read_text("utf-8"))}
    assert names - {provider(module) for module in imports().foreign(*imports().ENTRIES[image])} == BY_NAME[image]


@pytest.mark.parametrize(
    ("image", "name", "module"),
    [("serving", "pypdf", "pypdf"), ("serving", "xllamacpp", "xllamacpp"), ("training", "peft", "peft"),
     ("serving", "opentelemetry-exporter-otlp-proto-http", "opentelemetry.exporter.otlp.proto.http.trace_exporter")],
)  # fmt: skip
def test_a_list_that_misses_a_module_fails(image: str, name: str, module: str) -> None:
    lines = (ROOT / "images" / f"{image}.txt").read_text(encoding="utf-8").splitlines()
    assert name in lines
    lacking = missing(image, "\n".join(line for line in lines if line != name))
    assert any(line.startswith(f"{module}, which twin.") for line in lacking)


def test_the_lock_has_a_version_of_all_that_is_listed() -> None:
    lock = (ROOT / "requirements" / "lock.txt").read_text(encoding="utf-8")
    locked = {canonicalize_name(line.split("==")[0].split("[")[0]) for line in lock.splitlines() if "==" in line}
    for image in IMAGES:
        names = {canonicalize_name(one.name) for one in listed((ROOT / "images" / f"{image}.txt").read_text("utf-8"))}
        assert names <= locked
