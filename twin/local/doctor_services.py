"""The doctor's looks at what answers: database, store, log, registry, predictor, endpoint, web interface, cluster."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from twin import tables
from twin.files import read_json
from twin.local import champion, presence
from twin.local.finding import BAD, OK, SKIPPED, WARN, Finding
from twin.params import Params
from twin.settings import Settings
from twin.workspace import Workspace

_VECTOR = (0, 7)  # iterative index scans came with 0.8; 0.7 is the least that answers at all
_NOT_MADE = "not made yet: `twin up` or the features stage makes it"
_DOWN = "the stack is down: `twin up` starts it"
_SECONDS = 5.0


def database(settings: Settings, params: Params) -> Finding:
    """PostgreSQL's and pgvector's versions."""
    import psycopg

    if not settings.database_url:
        return Finding("", SKIPPED, _NOT_MADE)
    mend = f"Read {settings.home / 'postgres' / 'log'}, or see that DATABASE_URL names a server that runs."
    try:
        with psycopg.connect(settings.database_url, connect_timeout=5) as connection:
            version = connection.info.server_version // 10_000
            row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
    except psycopg.Error as error:
        return Finding("", BAD, str(error).strip().splitlines()[0], mend)
    if row is None:
        return Finding("", BAD, f"PostgreSQL {version} without pgvector", "CREATE EXTENSION vector; as its owner.")
    if tuple(int(part) for part in row[0].split(".")[:2]) < _VECTOR:
        return Finding("", BAD, f"pgvector {row[0]} is too old", "ALTER EXTENSION vector UPDATE; 0.7 is the least.")
    return Finding("", OK, f"PostgreSQL {version}, pgvector {row[0]}")


def store(settings: Settings, params: Params) -> Finding:
    """The online store's chunks against those of the features stage."""
    from twin.store import Store

    path = Workspace(settings.root, params.author.id).features / tables.CHUNKS
    if not path.exists() or not settings.database_url:
        return Finding("", SKIPPED, "no features yet")
    with Store(settings) as opened:
        there = opened.count(params.author.id)
    here = tables.count(path)
    if there != here:
        return Finding(
            "", BAD, f"{there} chunks in the store, {here} in {path}", "Run `twin features`: it fills it anew."
        )
    return Finding("", OK, f"{there} chunks, as in the features")


def log(settings: Settings, params: Params) -> Finding:
    """The payload log, and what waits for it on disk."""
    from twin.monitoring import payload

    if not settings.database_url:
        return Finding("", SKIPPED, _NOT_MADE)
    spool = payload.place(settings.home)
    waiting = sum(file.read_bytes().count(b"\n") for file in spool.glob("*.jsonl"))
    newest = payload.read(settings.database_url, params.author.id, 1)
    said = f"the last draft is of {newest['at'].iloc[0]:%Y-%m-%d %H:%M}" if len(newest) else "no draft yet"
    if waiting:
        mend = "They are written when the endpoint or `twin monitor` runs next with the database up."
        return Finding("", WARN, f"{waiting} events wait in {spool}", mend)
    return Finding("", OK, said)


def registry(settings: Settings, params: Params) -> Finding:
    """MLflow's file or server."""
    import httpx

    uri = settings.mlflow_uri
    if not uri.startswith("sqlite:///"):
        try:
            reply = httpx.get(f"{uri.rstrip('/')}/health", timeout=_SECONDS)
        except httpx.HTTPError as error:
            return Finding("", BAD, f"{uri}: {error}", "Start the MLflow server, or mend MLFLOW_TRACKING_URI.")
        state = OK if reply.status_code < 400 else BAD
        return Finding("", state, f"{uri} answers {reply.status_code}", "Read the MLflow server's log.")
    file = Path(uri.removeprefix("sqlite:///"))
    if not file.exists():
        return Finding("", SKIPPED, "no version was registered yet")
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as opened:
            said = str(opened.execute("PRAGMA quick_check(1)").fetchone()[0])
            versions = opened.execute("SELECT count(*) FROM model_versions").fetchone()[0] if said == "ok" else 0
    except sqlite3.Error as error:
        said, versions = str(error), 0
    if said != "ok":
        return Finding("", BAD, f"{file}: {said}", "Bring it back from a backup: `twin restore FILE`.")
    return Finding("", OK, f"{versions} versions registered")


def predictor(settings: Settings, params: Params) -> Finding:
    """The predictor's own health."""
    return _answers(settings, f"{settings.predictor_url}/health", "predictor")


def endpoint(settings: Settings, params: Params) -> Finding:
    """The endpoint's readiness: embedder, predictor and store with it."""
    return _answers(settings, f"{settings.endpoint_url}/v2/health/ready", "transformer")


def webui(settings: Settings, params: Params) -> Finding:
    """The web interface."""
    return _answers(settings, f"http://127.0.0.1:{settings.webui_port}/healthz", "web interface")


def pointer(settings: Settings, params: Params) -> Finding:
    """The version that the pointer names against the one that the endpoint finds loaded."""
    import httpx

    file = champion.pointer(settings, params.author.id)
    if not file.exists():
        return Finding("", SKIPPED, "none yet: the base model writes")
    version = str(read_json(file)["version"])
    # The predictor itself answers its own stack alone.
    key = {"authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
    try:
        reply = httpx.get(f"{settings.endpoint_url}/openai/v1/models", headers=key, timeout=_SECONDS).raise_for_status()
        loaded = {one["id"]: one["version"] for one in reply.json()["data"]}
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return Finding("", SKIPPED, f"version {version}; no endpoint to ask")
    if loaded.get(params.author.id) != version:
        mend = f"It follows {file} within two seconds; if not, read {settings.logs / 'predictor.log'}."
        return Finding("", BAD, f"version {version} should write, {loaded.get(params.author.id) or 'none'} does", mend)
    return Finding("", OK, f"version {version} writes")


def cluster(groups: Callable[[], set[str]]) -> Finding:
    """Whether a cluster answers, where one is configured; `groups` asks it for its API groups."""
    configured = os.environ.get("KUBECONFIG") or (Path.home() / ".kube" / "config").exists()
    if not configured or shutil.which("kubectl") is None:
        return Finding("", SKIPPED, "none is configured")
    if missing := sorted({"serving.kserve.io", "trainer.kubeflow.org", "postgresql.cnpg.io"} - groups()):
        mend = "`twin cluster plan kind` names the command for each."
        return Finding("", WARN, f"it lacks {', '.join(missing)}", mend)
    return Finding("", OK, "it answers and knows KServe, Kubeflow Trainer and CloudNativePG")


def _answers(settings: Settings, url: str, part: str) -> Finding:
    import httpx

    up = presence.holder(settings.home) is not None
    try:
        reply = httpx.get(url, timeout=_SECONDS)
    except httpx.HTTPError as error:
        if not up:
            return Finding("", SKIPPED, _DOWN)
        log = settings.logs / f"{part.replace(' ', '-')}.log"
        return Finding("", BAD, f"{url}: {error or type(error).__name__}", f"Read {log}; `twin down`, then `twin up`.")
    if reply.status_code >= 400:
        said = " ".join(reply.text.split())[:120]
        mend = "It is ready when the embedder is loaded and predictor and database answer: see their lines."
        return Finding("", BAD, f"{url} answers {reply.status_code} {said}", mend)
    return Finding("", OK, f"{url} answers")
