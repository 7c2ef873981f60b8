"""Preference tuning as a stage: real samples become pairs, edits are learned from, nothing held out gets in."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from twin import prompts, tables
from twin.basemodel import BasePaths, bundled_gguf
from twin.evaluation.arms import Written
from twin.files import read_json, write_json
from twin.params import Params, loads
from twin.progress import Progress
from twin.serving.gguf import adapter_to_gguf
from twin.settings import Settings
from twin.stages.evaluate_drafts import Store, digests
from twin.stages.preferences import TUNED, pairs, prefer
from twin.training.sft import SftConfig
from twin.workspace import Workspace
from webui.client import edits

OWN = "No boat came today. I waited at the wall until the lamp went out, and then I counted the ropes again."
LATER = "The newest post of all is about a bell that rings under water whenever the tide is low enough."


def params(texts: int = 0, tries: int = 1) -> Params:
    return loads(
        "author: {id: wren, name: Wren}\n"
        f"train: {{preference: {{epochs: 1, texts: {texts}, tries: {tries}}}}}\ndataset: {{max_tokens: 128}}"
    )


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    rows = [
        {"id": f"files:{n}#0", "document_id": f"files:{n}", "register": "post", "kind": "brief", "split": split,
         "messages": json.dumps(prompts.draft(name="Wren", register="post", brief=f"day {n} at the wall")),
         "completion": f"{text} {n}", "ends": True}
        for n, (split, text) in enumerate([("train", OWN)] * 4 + [("validation", OWN[:20])] + [("test", LATER)] * 2)
    ]  # fmt: skip
    tables.write(pd.DataFrame(rows), tmp_path / "dataset" / tables.EXAMPLES, "examples")
    return tmp_path / "dataset"


def edit(settings: Settings, number: int, chosen: str) -> None:
    """What the page does when a person takes an edited draft."""
    record = {"id": f"d{number}", "text": "Walls are structures.", "order": {"brief": "the wall", "register": "post"}}
    assert edits.accept(Workspace(settings.root, "wren"), record, chosen)


def test_edits_are_pairs_and_a_text_that_is_tested_on_is_not(settings: Settings, dataset: Path, tmp_path: Path) -> None:
    nobody = BasePaths("none", tmp_path, None)
    chosen = ("The wall was wet.", f"As I said: {LATER}", "Call me at 020 7946 0958 or mail jo@wren.org today.")
    for number, text in enumerate(chosen):
        edit(settings, number, text)
    progress = Progress("train", settings.progress)
    found = pairs(dataset, tmp_path, nobody, tmp_path / "work", params(), settings, progress)
    assert [pair.chosen for pair in found.pairs] == ["The wall was wet."]
    assert found.counts == {"edit_kept": 1, "edit_held_out": 1, "edit_personal": 1}


def test_no_pair_leaves_the_fine_tuned_adapter(settings: Settings, dataset: Path, tmp_path: Path) -> None:
    write_json(tmp_path / "sft" / "train.json", {"steps": 3})
    started: list[Path] = []
    config = SftConfig(
        base="", dataset=str(dataset), out=str(tmp_path / "out"), checkpoints=str(tmp_path / "work"), progress="",
        max_tokens=128, train={},
    )  # fmt: skip
    prefer(
        config, BasePaths("none", tmp_path, None), tmp_path / "sft", params(), settings,
        Progress("train", settings.progress), started.append,
    )  # fmt: skip
    assert read_json(tmp_path / "out" / "train.json") == {"steps": 3, "preference_pairs": 0} and not started


@pytest.fixture
def base(tmp_path: Path) -> BasePaths:
    """The bundled engine's model, with a tokenizer that counts words, so that nothing must be unpacked."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="?").save_pretrained(tmp_path / "base")
    shape = {"num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "hidden_size": 576}
    write_json(tmp_path / "base" / "config.json", {"model_type": "llama", **shape})
    return BasePaths("words", tmp_path / "base", bundled_gguf())


@pytest.fixture
def adapter(base: BasePaths, tmp_path: Path) -> Path:
    """An adapter of one small matrix, as fine-tuning and the conversion leave one."""
    import torch
    from safetensors.torch import save_file

    folder, name = tmp_path / "sft", "base_model.model.model.layers.0.self_attn.q_proj.lora_{}.weight"
    write_json(folder / "adapter_config.json", {"r": 1, "lora_alpha": 2, "peft_type": "LORA"})
    save_file(
        {name.format("A"): torch.full((1, 576), 0.01), name.format("B"): torch.full((576, 1), 0.01)},
        folder / "adapter_model.safetensors",
    )
    adapter_to_gguf(folder, base.folder, folder / "adapter.gguf")
    return folder


@pytest.mark.slow
def test_what_models_write_is_sifted_and_nothing_held_out_is_asked_for(
    settings: Settings, dataset: Path, tmp_path: Path, base: BasePaths, adapter: Path
) -> None:
    edit(settings, 1, "The wall was wet.")
    chosen, work = params(texts=4, tries=2), tmp_path / "work"
    fits = "The sea is a large body of water, and walls are built beside it to keep the land dry and safe."
    # A sampling that was cut short has left this one; it is not written again.
    asked = prompts.draft(name="Wren", register="post", brief="day 0 at the wall")
    models = digests(bundled_gguf(), {TUNED: adapter})
    store = Store(work, models, {"temperature": 0.8})
    store.put("base", asked, chosen.train.seed, Written(fits, True))
    store.save()
    found = pairs(dataset, adapter, base, work, chosen, settings, Progress("train", settings.progress))
    by_base = [pair for pair in found.pairs if pair.source == "base"]
    assert (by_base[0].document_id, by_base[0].rejected, by_base[0].chosen) == ("files:0", fits, f"{OWN} 0")
    # Every brief was tried of both models until a sample fitted, twice at most; each candidate is accounted for.
    tried = sum(count for name, count in found.counts.items() if not name.startswith("edit_"))
    assert 8 <= tried <= 15 and found.counts["base_kept"] == len(by_base)
    for pair in found.pairs[1:]:
        assert pair.document_id in {f"files:{n}" for n in range(4)}
        assert abs(len(pair.rejected.split()) - len(pair.chosen.split())) <= 0.2 * len(pair.chosen.split())
    kept = (work / "drafts.json").read_text(encoding="utf-8") + json.dumps([pair.row() for pair in found.pairs])
    assert "bell that rings" not in kept and "day 4" not in kept and "day 5" not in kept
    again = pairs(dataset, adapter, base, work, chosen, settings, Progress("train", settings.progress))
    assert again.pairs == found.pairs
