"""A new registry is whole or not there."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest

from twin import registry
from twin.settings import Settings


@pytest.mark.slow
def test_a_registry_whose_making_was_cut_is_made_the_next_time_and_then_never_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(settings.mlflow_uri.removeprefix("sqlite:///"))

    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killing:
        killing.setattr(mlflow.MlflowClient, "search_experiments", cut)
        with pytest.raises(KeyboardInterrupt), registry.client(settings):
            pass
    assert not path.exists()
    with registry.client(settings) as client:
        made = client.create_experiment("kept")
    with registry.client(settings) as client:
        assert client.get_experiment_by_name("kept").experiment_id == made
    assert [entry.name for entry in path.parent.iterdir() if entry.is_dir() and entry.name.startswith(".")] == []


@pytest.mark.slow
def test_a_runs_parameters_and_tags_hold_no_secret(settings: Settings) -> None:
    params = {"sources.0.url": "https://ada:Zk9Planted@blog.example/feed?token=Zk9Planted", "train.epochs": 3}
    with registry.client(settings) as client:
        with registry.run(client, settings, "ada", params, {"note": "Bearer Zk9Planted77"}) as run:
            pass
        kept = client.get_run(run).data
    assert kept.params == {"sources.0.url": "https://ada:***@blog.example/feed?token=***", "train.epochs": "3"}
    assert kept.tags["note"] == "Bearer ***"
    assert b"Planted" not in Path(settings.mlflow_uri.removeprefix("sqlite:///")).read_bytes()
