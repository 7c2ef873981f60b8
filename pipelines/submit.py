"""`python -m pipelines.submit training …`: a compiled pipeline to a KFP API server, once or by the clock."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.compile import FOLDER, NAMES

ACCOUNT = "twin-pipelines"
FLEET = "fleet"


def submit(
    name: str, texts: Sequence[str], host: str, arguments: dict[str, Any], cron: str = "", client: Any = None
) -> str:
    """Start a run, or with `cron` (six fields, seconds first) a recurring one; returns its id.

    `texts` are those of params.yaml, one for each author of the fleet and one alone for the other pipelines, checked
    here so that a mistake shows before anything starts. The first says where the server is.
    Raises ParamsError, or KFP's own errors when the server refuses.
    """
    from twin import params as parameters

    authors = [parameters.loads(text) for text in texts]
    chosen, whose = authors[0], " ".join(each.author.id for each in authors)
    client = client or _client(host or chosen.cluster.pipelines, chosen.cluster.namespace)
    package = str(FOLDER / f"{name}.yaml")
    values = {**inputs(name, texts, whose), **arguments}
    title = f"{name} {whose}"[:120]
    owner = "fleet" if name == FLEET else chosen.author.id
    experiment = client.create_experiment(f"twin-{owner}", namespace=chosen.cluster.namespace)
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


def inputs(name: str, texts: Sequence[str], author: str) -> dict[str, Any]:
    """The parameters that every run of this pipeline takes from params.yaml."""
    return {"authors": list(texts)} if name == FLEET else {"params": texts[0], "author": author}


def _client(host: str, namespace: str) -> Any:
    from kfp import Client

    return Client(host=host, namespace=namespace)


def main() -> None:
    """Read the command line, submit and print the id."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pipeline", choices=NAMES)
    parser.add_argument(
        "--params", type=Path, action="append", help="params.yaml by default; again for each author of a fleet"
    )
    parser.add_argument("--host", default="", help="the KFP API server (default: cluster.pipelines of params.yaml)")
    parser.add_argument("--cron", default="", help='make it a recurring run, such as "0 0 3 * * *"')
    parser.add_argument("arguments", nargs="*", metavar="NAME=VALUE", help="such as documents=s3://… features=s3://…")
    given = parser.parse_intermixed_args()
    arguments = dict(pair.split("=", 1) for pair in given.arguments)
    texts = [path.read_text(encoding="utf-8") for path in given.params or [Path("params.yaml")]]
    print(submit(given.pipeline, texts, given.host, arguments, given.cron))


if __name__ == "__main__":
    main()
