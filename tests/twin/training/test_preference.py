"""Preference tuning for real, on a tiny model: the margin rises, a killed run ends the same, the reference stands."""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from twin import tables
from twin.files import read_json, write_json, write_text
from twin.params import Train, loads
from twin.progress import Progress
from twin.serving.gguf import adapter_to_gguf
from twin.settings import Settings
from twin.stages import train as stage
from twin.training.job import last_complete
from twin.training.launch import command, environment, launch
from twin.training.preference import encoded, preference_loss, together
from twin.training.sft import SftConfig, write_config
from twin.workspace import Workspace
from webui.client import edits

# Where the application keeps DeepSpeed's compiled part: built once a machine, not once a test.
HOME = Path(__file__).parents[3] / ".twin"
TRAIN = Train.model_validate(
    {"batch_size": 4, "micro_batch_size": 4, "preference": {"epochs": 8.0, "learning_rate": 0.01, "beta": 0.5}}
)


@pytest.fixture(scope="session")
def fine_tuned(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter as fine-tuning leaves one, of random small weights."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("fine-tuned")
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(tiny_base, dtype=torch.bfloat16)
    config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM")
    get_peft_model(model, config).save_pretrained(folder)
    write_json(folder / "train.json", {"steps": 30, "validation_loss": 5.0})
    write_text(folder / "loss.csv", "step,loss\n")
    return folder


@pytest.fixture(scope="session")
def pairs(tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve training texts over the same texts with their words in alphabetical order."""
    rows = tables.read(tiny_dataset / tables.EXAMPLES).head(12)
    frame = rows[["document_id", "messages"]].assign(
        source="sft",
        ends=True,
        chosen=rows["completion"],
        rejected=[" ".join(sorted(t.split())) for t in rows["completion"]],
    )
    return tables.write(frame, tmp_path_factory.mktemp("pairs") / tables.PAIRS, "pairs")


def job(base: Path, dataset: Path, adapter: Path, pairs: Path, folder: Path, processes: int = 1) -> list[str]:
    config = SftConfig(
        base=str(base), dataset=str(dataset), out=str(folder / "out"), checkpoints=str(folder / "checkpoints"),
        progress=str(folder / "progress"), max_tokens=128, train=TRAIN.model_dump(mode="json"), adapter=str(adapter),
        pairs=str(pairs),
    )  # fmt: skip
    return command(write_config(config, folder / "c.json"), processes)


@pytest.fixture(scope="module")
def whole(
    tiny_base: Path, tiny_dataset: Path, fine_tuned: Path, pairs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("preferring")
    launch(job(tiny_base, tiny_dataset, fine_tuned, pairs, folder), environment(HOME, 1), folder / "log")
    return folder


@pytest.mark.slow
def test_the_margin_rises_from_nothing(whole: Path, fine_tuned: Path) -> None:
    with open(whole / "out" / "preference.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 24
    # The first step still is the reference, up to the rounding of bf16.
    assert abs(float(rows[0]["margin"])) < 0.3
    found = read_json(whole / "out" / "train.json")
    assert found["preference_margin"] > 1 and found["preference_right_share"] > 0.9
    assert found["preference_pairs"] == 12 and found["preference_steps"] == 24
    assert rows[-1]["validation_loss"]
    # What fine-tuning said stands beside it, and the adapter has moved.
    assert found["validation_loss"] == 5.0 and (whole / "out" / "loss.csv").exists()
    before, after = (f / "adapter_model.safetensors" for f in (fine_tuned, whole / "out"))
    assert before.read_bytes() != after.read_bytes()


@pytest.mark.slow
def test_a_killed_run_of_two_continues_with_its_reference_and_ends_as_one(
    whole: Path, tiny_base: Path, tiny_dataset: Path, fine_tuned: Path, pairs: Path, tmp_path: Path
) -> None:
    arguments = job(tiny_base, tiny_dataset, fine_tuned, pairs, tmp_path, processes=2)
    with subprocess.Popen(
        arguments, env=environment(HOME, 2), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:  # fmt: skip
        until(lambda: last_complete(tmp_path / "checkpoints") is not None)
        os.killpg(process.pid, signal.SIGKILL)
    # torchrun's processes are out of its group: one that lived on would write into the next run's checkpoints.
    until(lambda: not any(str(tmp_path / "c.json") in words for words in command_lines()))
    reference = (tmp_path / "checkpoints" / "reference.json").stat().st_mtime_ns
    launch(arguments, environment(HOME, 2), tmp_path / "log")
    assert (tmp_path / "checkpoints" / "reference.json").stat().st_mtime_ns == reference
    expected, found = (read_json(folder / "out" / "train.json") for folder in (whole, tmp_path))
    assert found["preference_resumed_from_step"] > 0
    assert found["preference_steps"] == expected["preference_steps"]
    for name in ("preference_loss", "preference_validation_loss"):
        assert found[name] == pytest.approx(expected[name], rel=0.01)


def until(true: Callable[[], bool]) -> None:
    deadline = time.time() + 600
    while not true():
        assert time.time() < deadline
        time.sleep(0.02)


def command_lines() -> Iterator[list[str]]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            yield process.cmdline()


@pytest.mark.slow
def test_the_stage_goes_on_after_fine_tuning_and_learns_from_edits(
    tiny_base: Path, tiny_dataset: Path, fine_tuned: Path, settings: Settings, tmp_path: Path
) -> None:
    choices = TRAIN.preference.model_copy(update={"texts": 0, "epochs": 20.0})
    train = TRAIN.model_copy(update={"base_model": str(tiny_base), "preference": choices})
    params = loads("author: {id: wren, name: Wren}\ndataset: {max_tokens: 128}").model_copy(update={"train": train})
    space = Workspace(settings.root, "wren")
    for number in range(4):
        record = {
            "id": f"d{number}",
            "text": f"Boats number {number} are a kind of vessel.",
            "order": {"brief": "boats", "register": "post"},
        }
        assert edits.accept(space, record, f"Boat {number} is late & nobody minds. ⚓")
    # A run that was killed after fine-tuning has left this.
    left = settings.home / "checkpoints" / "wren" / stage._key(tiny_dataset / tables.EXAMPLES, params) / "fine-tuned"
    shutil.copytree(fine_tuned, left)
    adapter_to_gguf(left, tiny_base, left / "adapter.gguf")
    (HOME / "torch_extensions").mkdir(parents=True, exist_ok=True)
    (settings.home / "torch_extensions").symlink_to(HOME / "torch_extensions")
    found = stage.train(tiny_dataset, tmp_path / "adapter", params, settings, Progress("train", settings.progress))
    assert found["preference_pairs"] == found["preference_edit_kept"] == 4
    assert found["preference_margin"] > 1 and found["validation_loss"] == 5.0
    kept = {path.name for path in (tmp_path / "adapter").iterdir()}
    assert {"adapter.gguf", "adapter_model.safetensors", "learned_from.json", "preference.csv"} <= kept
    # The texts of the pairs go with the checkpoints: an adapter is copied and registered, and holds none of them.
    assert not left.parent.exists()
    assert not any(b"nobody minds" in path.read_bytes() for path in (tmp_path / "adapter").iterdir())


def test_both_texts_end_and_share_their_prompt(tiny_base: Path, pairs: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    items = encoded(tables.read(pairs, "pairs"), tokenizer, 128)
    for item in items:
        assert item["labels"][-1] == item["rejected"]["labels"][-1] == tokenizer.eos_token_id
        prompt = item["labels"].count(-100)
        assert item["input_ids"][:prompt] == item["rejected"]["input_ids"][:prompt]
    batch = together([{**item, "reference": [-1.0, -2.0]} for item in items[:3]], tokenizer.pad_token_id)
    assert batch["input_ids"].shape[0] == 6 and batch["reference"].tolist() == [[-1.0, -2.0]] * 3
    assert "reference" not in together([{"input_ids": [1], "labels": [1]}], 0)


def test_the_loss_is_dpo_with_a_term_for_the_chosen_text() -> None:
    import math

    import torch

    # Two pairs: the first chosen text has gained 2 nats and its rival lost 1; nothing has moved in the second.
    logps, reference = torch.tensor([-8.0, -6.0, -11.0, -7.0]), torch.tensor([[-10.0, -10.0], [-6.0, -7.0]])
    loss, margins = preference_loss(logps, torch.tensor([4, 3, 5, 5]), reference, beta=0.5, sft_weight=0.1)
    assert margins.tolist() == [1.5, 0.0]
    expected = (math.log1p(math.exp(-1.5)) + math.log(2)) / 2 + 0.1 * (8 / 4 + 6 / 3) / 2
    assert float(loss) == pytest.approx(expected, rel=1e-5)
