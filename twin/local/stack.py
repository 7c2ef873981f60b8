"""The local stack: Postgres, predictor, transformer and web interface under one supervisor, the pipeline behind them."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

from twin import choices
from twin import params as params_file
from twin.errors import PortTaken, StackError, TwinError
from twin.files import heal, read_json
from twin.local import champion, pipeline_lock, postgres, presence
from twin.local.processes import Child, adopt_orphans, bury, stop_descendants, stop_stack
from twin.monitoring import roles
from twin.settings import Settings
from twin.workspace import Workspace

_READY_SECONDS = 120.0
_LOOK_SECONDS = 0.5
_DATABASE_LOOKS = 4  # every so many looks, it is looked after too
_WRITTEN = ("data", "models", "reports")
_NOT_OURS = ("inbox", "postgres")


def up(settings: Settings, build: bool = True, browser: bool = True) -> int:
    """Start everything, open the page, build the twin behind it; returns when told to stop (Ctrl-C, SIGTERM).

    A service that dies is started again. Raises PortTaken or StackError before anything is left running.
    """
    if (running := presence.holder(settings.home)) is not None:
        print(f"The twin is already up (process {running}): http://127.0.0.1:{settings.webui_port}", file=sys.stderr)
        return 0
    from twin.local.restore import finish

    if finish(settings):
        _say("a restore that was cut off is finished")
    params = params_file.load(settings.root / "params.yaml")
    space = Workspace(settings.root, params.author.id)
    with _stopping_cleanly(), presence.held(settings.home):
        _tidy(settings)
        _check_ports(settings)
        settings.logs.mkdir(parents=True, exist_ok=True)
        adopt_orphans()
        try:
            _say("starting the database")
            url = postgres.ensure(settings)
            champion.publish(space, settings)
            own = settings.database_url or roles.make(url)
            services = [child.start() for child in _services(replace(settings, database_url=url), own)]
            _wait_ready(services)
            _announce(settings, params.author.name, params.author.fictional, browser)
            choices.ensure(space.choices)  # the pipeline depends on it; a folder of an earlier version has none
            pipeline = _pipeline(settings, url).start() if build else None
            _watch(settings, services, pipeline)
        except KeyboardInterrupt:
            _say("stopping")
        finally:
            stop_descendants()
            postgres.stop(settings)
    _say("stopped")
    return 0


def down(settings: Settings) -> int:
    """Stop whatever `up` started, also when its supervisor was killed."""
    stopped = stop_stack(settings.home)
    database = postgres.stop(settings)
    (settings.home / presence.RECORD).unlink(missing_ok=True)
    print(f"stopped {stopped} processes{' and the database' if database else ''}", file=sys.stderr)
    return 0


def status(settings: Settings) -> int:
    """Print what runs and what is built."""
    from twin.progress import read

    running = presence.holder(settings.home)
    print(f"stack: up, http://127.0.0.1:{settings.webui_port}" if running is not None else "stack: down")
    params = params_file.load(settings.root / "params.yaml")
    pointer = champion.pointer(settings, params.author.id)
    adapter = f"version {read_json(pointer)['version']}" if pointer.exists() else "none yet: the base model writes"
    print(f"author: {params.author.name}\nadapter: {adapter}")
    for item in read(settings.progress):
        print(f"{item['stage']}: {item['state']} ({item['step']})")
    return 0


def _services(settings: Settings, serving_url: str) -> list[Child]:
    """The three; the transformer asks the database under a role of its own, at `serving_url`."""
    env = {
        "DATABASE_URL": settings.database_url,
        "TWIN_ROOT": str(settings.root),
        "TWIN_HOME": str(settings.home),
        "TWIN_STACK": str(settings.home),
    }
    # Whoever else is on this machine asks the endpoint, where clients' keys and authors' names are looked at.
    private = env | {"TWIN_PREDICTOR_KEY": settings.predictor_key or secrets.token_urlsafe(24)}
    logs = settings.logs
    return [
        Child("predictor", ["-m", "twin.serving.predictor", "--port", str(settings.predictor_port)],
              private, logs, f"{settings.predictor_url}/health"),
        Child("transformer", ["-m", "twin.serving.transformer", "--http_port", str(settings.endpoint_port)],
              private | {"DATABASE_URL": serving_url}, logs, f"{settings.endpoint_url}/v2/health/live"),
        Child("web interface", ["-m", "webui.main"], env, logs, f"http://127.0.0.1:{settings.webui_port}/healthz"),
    ]  # fmt: skip


def _pipeline(settings: Settings, url: str) -> Child:
    env = {
        "DATABASE_URL": url,
        "TWIN_ROOT": str(settings.root),
        "TWIN_HOME": str(settings.home),
        "TWIN_STACK": str(settings.home),
    }
    return Child("pipeline", ["-m", "dvc", "repro"], env, settings.logs, None, echo=True)


def _wait_ready(services: list[Child]) -> None:
    began = time.monotonic()
    waiting = list(services)
    while waiting:
        for child in list(waiting):
            if child.ready():
                waiting.remove(child)
                _say(f"the {child.name} is ready ({time.monotonic() - began:.0f} s)")
            elif child.code() is not None:
                raise StackError(
                    f"the {child.name} did not start", child.last_words(), f"The whole log is {child.log}."
                )
        if waiting and time.monotonic() - began > _READY_SECONDS:
            raise StackError(
                f"the {waiting[0].name} did not answer within {_READY_SECONDS:.0f} s",
                waiting[0].url,
                f"Read {waiting[0].log}.",
            )
        time.sleep(_LOOK_SECONDS / 2)


def _watch(settings: Settings, services: list[Child], pipeline: Child | None) -> None:
    looks = 0
    while True:
        for child in services:
            if child.revive():
                _say(f"the {child.name} stopped with code {child.code()}; starting it again")
        if pipeline is not None and (code := pipeline.code()) is not None:
            if code == 0:
                _say("the twin is built; `dvc metrics show` prints its figures")
            else:
                _say(
                    f"the pipeline stopped with code {code}: {pipeline.last_words()}; `make up` or the page continues it"
                )
            pipeline = None
        if looks % _DATABASE_LOOKS == 0:
            if not presence.stands(settings.home):
                _say(f"{settings.home} was removed")  # to bring a database back there would undo it
                return
            _revive_database(settings)
            bury([*services, *([pipeline] if pipeline else [])])
        looks += 1
        time.sleep(_LOOK_SECONDS)


def _revive_database(settings: Settings) -> None:
    """Start a database that was killed; what can't be mended now is tried again at the next look."""
    if settings.database_url or postgres.lives(settings):
        return
    _say("the database stopped; starting it again")
    try:
        postgres.ensure(settings)
    except TwinError as error:
        _say(str(error))


def _tidy(settings: Settings) -> None:
    """Clear away what a stack that was killed left behind: its processes hold the ports, its writers' halves the disk."""
    if left := stop_stack(settings.home):
        _say(f"ended {left} processes of a stack that was killed")
    pipeline_lock.mend(settings.root)
    places = (settings.home, *(settings.root / name for name in _WRITTEN))
    if mended := [path for place in places for path in heal(place, leave=_NOT_OURS)]:
        _say(f"cleared away {len(mended)} files that were being written when the twin was killed")


def _announce(settings: Settings, name: str, fictional: bool, browser: bool) -> None:
    url = f"http://127.0.0.1:{settings.webui_port}"
    whose = f"{name} (a fictional author)" if fictional else name
    print(
        f"\n  The twin of {whose} is open at {url}\n  Ctrl-C stops everything. What is not built yet is built now.\n",
        flush=True,
    )
    # Only where there is a screen: on a server, a text browser would take over the terminal.
    if browser and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform == "darwin"):
        import webbrowser

        webbrowser.open(url)


def _check_ports(settings: Settings) -> None:
    for port, service, setting in (
        (settings.webui_port, "web interface", "TWIN_WEBUI_PORT"),
        (settings.endpoint_port, "transformer", "TWIN_ENDPOINT_PORT"),
        (settings.predictor_port, "predictor", "TWIN_PREDICTOR_PORT"),
    ):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise PortTaken(port, service, setting) from None


@contextmanager
def _stopping_cleanly() -> Iterator[None]:
    """SIGTERM and a closed terminal end the stack as Ctrl-C does; a second one while stopping changes nothing."""

    def stop(number: int, frame: FrameType | None) -> None:
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        raise KeyboardInterrupt

    former = {name: signal.signal(name, stop) for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for name, handler in former.items():
            signal.signal(name, handler)


def _say(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)
