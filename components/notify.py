"""Component notify: how a pipeline ended, told to whoever keeps watch."""

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def notify(status: dsl.PipelineTaskFinalStatus, pipeline: str, author: str) -> None:
    """Post to the webhook of TWIN_NOTIFY_URL (secret twin-notify), where there is one. `author` may be empty."""
    import os

    from twin.cluster.notify import URL
    from twin.cluster.notify import notify as tell

    run = status.pipeline_job_resource_name
    tell(os.environ.get(URL, ""), pipeline, author, status.state, status.error_message or "", run)
