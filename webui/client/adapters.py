"""Adapters as people see them: which one writes, which wrote before, which was held back, and what was exported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from twin.settings import Settings
from twin.workspace import Workspace
from webui.client import state

EXPORTS = {
    "ollama": "For Ollama or llama.cpp: base model, adapter and Modelfile",
    "vllm": "For vLLM: the adapter's folder, as --lora-modules takes it",
    "merged": "One merged model in safetensors (large)",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """Versions by number: `writing` and `held` are empty when there is none; `earlier` are ready to write again."""

    writing: str
    earlier: tuple[str, ...]
    held: str
    reasons: tuple[str, ...]
    exported: tuple[tuple[str, Path, int], ...]


def look(settings: Settings, work: Workspace) -> Adapters:
    """Read it from files."""
    pointer = state.read(settings.home / "serving" / f"{work.author}.json")
    newest = state.read(work.registration / "registration.json")
    earlier = [str(item.get("version")) for item in pointer.get("previous") or [] if isinstance(item, dict)]
    writing, version = str(pointer.get("version") or ""), str(newest.get("version") or "")
    held = version if version and not newest.get("promoted") and version not in (writing, *earlier) else ""
    folder = settings.root / "exports" / work.author
    exported = [(kind, folder / kind, _size(folder / kind)) for kind in EXPORTS if (folder / kind).is_dir()]
    return Adapters(
        writing=writing, earlier=tuple(earlier), held=held, reasons=state.reasons(newest) if held else (),
        exported=tuple(exported),
    )  # fmt: skip


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
