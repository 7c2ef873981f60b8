"""The RAG transformer: KServe's V1 and V2 routes and OpenAI's, in one KServe server, locally and in the cluster."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import logging
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from twin import hosts, redact, tracing
from twin import params as params_module
from twin import settings as settings_module
from twin.errors import TwinError
from twin.records import Draft
from twin.serving import gate, http, keys, openai, schema
from twin.serving.requests import Refusal, from_instance
from twin.serving.service import Twin, make

if TYPE_CHECKING:
    import socket

    from kserve import Model

_log = logging.getLogger("twin.transformer")
_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD in <malloc.h>


def kserve_model(twin: Twin) -> Model:
    """The twin as KServe's model: `predict` answers instances with drafts, `healthy` is its readiness."""
    import kserve

    class TwinModel(kserve.Model):
        """KServe asks for a subclass; all it does is hand on."""

        async def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
            """V1: `{"instances": [...]}` to `{"predictions": [Draft, ...]}`; V2: the same as JSON in BYTES tensors."""
            if isinstance(payload, kserve.InferRequest):
                return _as_v2(payload, await drafts(twin, {"instances": _from_v2(payload)}))
            return {"predictions": [draft.as_dict() for draft in await drafts(twin, payload)]}

        async def healthy(self) -> bool:
            """Ready when the embedder is loaded and predictor and store answer."""
            return bool(self.ready) and await twin.healthy()

    return TwinModel(openai.NAME)


def _from_v2(request: Any) -> list[Any]:
    """The instances of a V2 request: JSON objects in its first BYTES tensor. Raises Refusal."""
    import json

    tensor = request.inputs[0] if request.inputs else None
    if tensor is None or tensor.datatype != "BYTES":
        raise Refusal(400, "inputs is one BYTES tensor of JSON objects", "inputs")
    try:
        return [json.loads(item) for item in tensor.as_numpy().ravel().tolist()]
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Refusal(400, f"an input is not JSON: {error}", "inputs") from None


def _as_v2(request: Any, written: list[Draft]) -> Any:
    import json
    import uuid

    from kserve import InferOutput, InferResponse

    said = [json.dumps(draft.as_dict(), ensure_ascii=False) for draft in written]
    output = InferOutput(name="drafts", shape=[len(said)], datatype="BYTES", data=said)
    # The id is the client's to give or not; KServe breaks on an answer that has none.
    name = request.id or uuid.uuid4().hex
    return InferResponse(response_id=name, model_name=openai.NAME, infer_outputs=[output])


async def drafts(twin: Twin, payload: Any) -> list[Draft]:
    """One draft an instance, written at once as far as the predictor has room. Raises Refusal."""
    if isinstance(payload, bytes):  # KServe hands on unread what does not call itself JSON
        raise Refusal(
            415, "the request's content-type is not JSON; send `content-type: application/json`", "content-type"
        )
    instances = payload.get("instances") if isinstance(payload, dict) else None
    limit = twin.params.serve.max_in_flight
    if not isinstance(instances, list) or not 1 <= len(instances) <= limit:
        raise Refusal(400, f"instances is a list of 1 to {limit} objects", "instances")
    asked = [from_instance(instance, twin.params) for instance in instances]
    tasks = [asyncio.create_task(openai.last(twin.write(each))) for each in asked]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def serve(twin: Twin, sock: socket.socket) -> None:
    """Run KServe's server on a bound socket until SIGTERM or SIGINT."""
    from kserve import ModelServer
    from kserve.model_server import app
    from kserve.protocol.dataplane import DataPlane
    from kserve.protocol.rest.server import RESTServer

    model = kserve_model(twin)

    class Plane(DataPlane):
        """KServe's own data plane calls itself ready without asking its models."""

        async def ready(self) -> bool:
            """The readiness of the one model."""
            return bool(await model.healthy())

    server = ModelServer(http_port=sock.getsockname()[1], enable_grpc=False)
    server.register_model(model)
    _quiet()
    app.include_router(openai.router(twin))
    app.add_middleware(http.StopWhenGone, suffix=(":predict", "/infer"))
    app.add_middleware(keys.Guard, keys=keys.Keys(twin.settings.api_keys))
    app.add_middleware(gate.Gate, here=hosts.here(sock.getsockname()[0]))
    kserve_document = app.openapi
    app.openapi = lambda: schema.document(kserve_document(), twin.params)
    tracing.setup("twin-transformer", twin.settings.otlp_endpoint)
    app.add_exception_handler(Refusal, _refused)
    threading.Thread(target=_warm, args=(twin, model), daemon=True).start()
    plane, port = Plane(model_registry=server.registered_models), server.http_port
    rest = RESTServer("kserve.model_server:app", plane, server.model_repository_extension, port, grace_period=5)
    http.end_in_order()
    try:
        # KServe would bind every address itself; a bound socket keeps to the one that was asked for.
        rest.run(sockets=[sock])
    finally:
        twin.close()
        tracing.flush()


def _quiet() -> None:
    """KServe logs a stack for every "not yet ready" and two lines a request: keep its warnings and true errors."""
    for name in ("uvicorn.access", "kserve.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("kserve").addFilter(lambda record: not _not_ready(record))


def _not_ready(record: logging.LogRecord) -> bool:
    from kserve.errors import ModelNotReady, ServerNotReady

    return record.exc_info is not None and isinstance(record.exc_info[1], ModelNotReady | ServerNotReady)


async def _refused(_: Any, refusal: Refusal) -> Any:
    return openai.refused(refusal)


def _warm(twin: Twin, model: Model) -> None:
    """Load the embedder beside the start of the server, then let readiness ask predictor and store."""
    import torch

    # One thread: a query is short, and the predictor needs the other cores.
    torch.set_num_threads(1)
    try:
        twin.chain.encode(["warm"])
    except TwinError as error:
        _log.error("%s", error)
        return
    model.ready = True


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; 2 and one readable line when it can't."""
    redact.install()
    _keep_memory_flat()
    settings = settings_module.load()
    parser = argparse.ArgumentParser(prog="python -m twin.serving.transformer", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--http_port", type=int, default=settings.endpoint_port)
    parser.add_argument("--predictor_host", help="host:port or URL of the predictor (KServe gives it in the cluster)")
    # KServe gives its transformers more arguments than these; its own parser reads them.
    args, _ = parser.parse_known_args(argv)
    try:
        if args.predictor_host:
            url = args.predictor_host if "://" in args.predictor_host else f"http://{args.predictor_host}"
            settings = replace(settings, predictor_url=url)
        params = params_module.load(settings.root / "params.yaml")
        sock = http.listen(args.host, args.http_port, "inference endpoint", "TWIN_ENDPOINT_PORT")
        twin = make(params, settings)
        serve(twin, sock)
    except TwinError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _keep_memory_flat() -> None:
    """Have glibc give back what the embedder frees: its threads' heaps grew with every longer text (bench.load)."""
    if tune := getattr(ctypes.CDLL(None), "mallopt", None):
        tune(_MMAP_THRESHOLD, 2**20)


if __name__ == "__main__":
    sys.exit(main())
