"""Component train: examples become a LoRA adapter, by torchrun in this pod or by a TrainJob on several."""

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def train(
    examples: dsl.Input[dsl.Dataset], params: str, adapter: dsl.Output[dsl.Model], metrics: dsl.Output[dsl.Metrics]
) -> None:
    """`cluster.nodes` of `params` decides: 0 trains here, n submits a TrainJob of n nodes; one entry point for both."""
    from dataclasses import replace
    from pathlib import Path

    from components import trainjob
    from components.wiring import context, log, trace
    from twin.stages.train import train as stage

    chosen, settings, progress = context("train", params)
    if trainjob.SHARED.is_dir():
        # Checkpoints outlive the pod there: the task's second try resumes.
        settings = replace(settings, home=trainjob.SHARED / "home")
    run = trainjob.train if chosen.cluster.nodes else stage
    log(metrics, run(Path(examples.path), Path(adapter.path), chosen, settings, progress))
    trace(adapter, chosen)
