"""The evaluate stage with the bundled model, a real adapter and the real predictor, on a handful of short texts."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from twin import tables
from twin.errors import DataError
from twin.files import read_json
from twin.params import Params, loads
from twin.progress import Progress
from twin.prompts import draft
from twin.settings import Settings
from twin.stages.evaluate import evaluate


@pytest.fixture
def params() -> Params:
    return loads(
        "author: {id: wren, name: Wren}\n"
        "evaluate: {briefs: 2, seeds: 1, max_new_tokens: 24, bootstrap: 100, pool: 2, wrong_author_tokens: 0}\n"
        "dataset: {max_tokens: 128}\n"
    )


def _dataset(folder: Path) -> Path:
    rows = []
    for i in range(8):
        split = "train" if i < 5 else "test"
        asked = json.dumps(draft(name="Wren", register="post", brief=f"ferry, delay, {i} minutes"))
        text = f"no ferry for {i} hours.\n\n→ we waited.\n→ then the fog came back 🌫️"
        rows.append((f"files:{i}#0", f"files:{i}", "post", "brief", split, asked, text))
    columns = ["id", "document_id", "register", "kind", "split", "messages", "completion"]
    tables.write(pd.DataFrame(rows, columns=columns), folder / tables.EXAMPLES, "examples")
    return folder


def _adapter(folder: Path, base: Path) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from twin.serving.gguf import adapter_to_gguf

    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    peft = get_peft_model(
        model, LoraConfig(r=4, lora_alpha=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    )
    for name, weight in peft.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.02)
    peft.save_pretrained(folder)
    adapter_to_gguf(folder, base, folder / "adapter.gguf")
    return folder


@pytest.mark.slow
def test_two_briefs_give_metrics_gate_report_and_plots(tmp_path: Path, settings: Settings, params: Params) -> None:
    from twin.basemodel import local_path

    dataset = _dataset(tmp_path / "dataset")
    adapter = _adapter(tmp_path / "adapter", local_path("bundled", settings.home / "models").folder)
    out = tmp_path / "out"
    progress = Progress("evaluate", settings.progress)
    metrics = evaluate(dataset, adapter, tmp_path / "features", out, params, settings, progress)
    assert metrics["held_out_documents"] == 3 and metrics["briefs"] == 2
    assert 0.5 < float(metrics["bits_per_byte_base"]) < 4
    assert metrics["bits_per_byte_base"] != metrics["bits_per_byte_adapter"]
    assert read_json(out / "metrics.json") == metrics
    verdict = read_json(out / "gate.json")
    assert [c["name"] for c in verdict["checks"]] == [
        "likelihood", "style", "verifier", "copying", "content", "fluency",
    ]  # fmt: skip
    assert verdict["checks"][1]["verdict"] in ("insufficient", "fail") and "2 held-out texts" in verdict["reasons"][1]
    assert verdict["against"] == "base" and not verdict["proven"]
    assert len(verdict["adapter_sha256"]) == len(verdict["dataset_sha256"]) == 64
    drafts = read_json(out / "drafts.json")
    assert {d["arm"] for d in drafts} == {"base", "base_exemplars", "lora"} and len(drafts) == 6
    assert all(d["text"].strip() for d in drafts)
    by_arm = {arm: [d["text"] for d in drafts if d["arm"] == arm] for arm in ("base", "lora")}
    assert by_arm["base"] != by_arm["lora"]
    assert {"own", "real", "others", "lora", "base"} == set(read_json(out / "stylemap.json")["points"])
    with open(out / "plots" / "bits_per_byte.csv") as file:
        assert len(list(csv.DictReader(file))) == 3
    with open(out / "plots" / "style_distance.csv") as file:
        assert {row["arm"] for row in csv.DictReader(file)} == {"real", "base", "base_exemplars", "lora"}
    page = (out / "report.html").read_text()
    assert "Does it write like Wren?" in page and "we waited" in page
    assert read_json(settings.progress / "evaluate.json")["state"] == "done"
    _written_again(dataset, adapter, out, params, settings)


def _written_again(dataset: Path, adapter: Path, out: Path, params: Params, settings: Settings) -> None:
    """A second evaluation of the same adapter writes nothing anew, however it measures; another sampling does."""
    from twin.evaluation.arms import Ask, Written
    from twin.stages.evaluate_drafts import Store, digests

    kept = settings.home / "evaluation" / "wren"
    gguf = adapter / "adapter.gguf"
    store = Store(kept, digests(gguf, {"lora": adapter}), {"temperature": 0.8})
    ask = Ask("lora", [[{"role": "user", "content": "ferry"}]])
    assert store.get(ask.model, ask.prompts[0], 7) is None
    store.put(ask.model, ask.prompts[0], 7, Written("no ferry.", True))
    store.save()
    again = Store(kept, digests(gguf, {"lora": adapter}), {"temperature": 0.8})
    assert again.get("lora", ask.prompts[0], 7) == Written("no ferry.", True)
    assert again.get("base", ask.prompts[0], 7) is None and again.get("lora", ask.prompts[0], 8) is None
    other = Store(kept, digests(gguf, {"lora": adapter}), {"temperature": 0.7})
    assert other.get("lora", ask.prompts[0], 7) is None


def test_without_an_adapter_it_says_which_stage_to_run(tmp_path: Path, settings: Settings, params: Params) -> None:
    with pytest.raises(DataError, match="twin train"):
        evaluate(
            _dataset(tmp_path / "d"),
            tmp_path / "a",
            tmp_path / "f",
            tmp_path / "o",
            params,
            settings,
            Progress("evaluate"),
        )
    assert not (tmp_path / "o").exists()
