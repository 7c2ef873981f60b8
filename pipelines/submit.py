"""`python -m pipelines.submit training …`: a compiled pipeline to a KFP API server, once or by the clock."""

import argparse
from pathlib import Path
from typing import Any

from pipelines.compile import FOLDER, NAMES

ACCOUNT = "twin-pipelines"


def submit(
    name: str, params_text: str, host: str, arguments: dict[str, Any], cron: str = "", client: Any = None
) -> str:
    """Start a run, or with `cron` (six fields, seconds first) a recurring one; returns its id.

    Parameters are the text of params.yaml, checked here so that a mistake shows before anything starts.
    Raises ParamsError, or KFP's own errors when the server refuses.
    """
    from twin import params as parameters

    chosen = parameters.loads(params_text)
    client = client or _client(host or chosen.cluster.pipelines, chosen.cluster.namespace)
    package = str(FOLDER / f"{name}.yaml")
    values = {"params": params_text, **arguments}
    title = f"{name} {chosen.author.id}"
    experiment = client.create_experiment(f"twin-{chosen.author.id}", namespace=chosen.cluster.namespace)
    if cron:
        job = client.create_recurring_run(
            experiment_id=experiment.experiment_id, job_name=title, cron_expression=cron, max_concurrency=1,
            no_catchup=True, pipeline_package_path=package, params=values, service_account=ACCOUNT,
        )  # fmt: skip
        return str(job.recurring_run_id)
    run = client.run_pipeline(
        experiment_id=experiment.experiment_id, job_name=title, pipeline_package_path=package, params=values,
        service_account=ACCOUNT,
    )  # fmt: skip
    return str(run.run_id)


def _client(host: str, namespace: str) -> Any:
    from kfp import Client

    return Client(host=host, namespace=namespace)


def main() -> None:
    """Read the command line, submit and print the id."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pipeline", choices=NAMES)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--host", default="", help="the KFP API server (default: cluster.pipelines of params.yaml)")
    parser.add_argument("--cron", default="", help='make it a recurring run, such as "0 0 3 * * *"')
    parser.add_argument("arguments", nargs="*", metavar="NAME=VALUE", help="such as documents=s3://… features=s3://…")
    given = parser.parse_intermixed_args()
    arguments = dict(pair.split("=", 1) for pair in given.arguments)
    print(submit(given.pipeline, given.params.read_text(encoding="utf-8"), given.host, arguments, given.cron))


if __name__ == "__main__":
    main()
