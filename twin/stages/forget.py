"""Forgetting: a document, a source or an author taken out of everything that was made of it, and the adapters named."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twin import choices, files, tables, vault
from twin import params as params_file
from twin.errors import ParamsError
from twin.files import write_text
from twin.params import Params
from twin.progress import Progress
from twin.settings import Settings
from twin.sources import ledger
from twin.stages import erasing, forget_dvc, forget_models, forget_plan
from twin.stages.collect import consent_id
from twin.stages.forget_plan import Plan
from twin.workspace import Workspace

# Posts that wait for their time, and the place where an early version kept a token.
_PERSONAL = ("schedule", "linkedin.json")
# Of the home folder: the server's own files (emptied through SQL), models and compiled parts (nobody's words).
_NOT_WALKED = ("postgres/data", "models", "torch_extensions", "forget")

Said = list[str]


def preview(plan: Plan, settings: Settings) -> Said:
    """What would go, in words; changes nothing."""
    count = len(plan.ids)
    said = [f"{count} document{'s' if count != 1 else ''}: " + "; ".join(plan.titles[:5]) + (" …" if count > 5 else "")]
    if plan.kind == "author":
        said.append(
            f"all of data/{plan.author}, models/{plan.author} and reports/{plan.author}, the inbox included; platform tokens, waiting posts"
        )
    said += [f"{path}: the file you handed in" for path in plan.handed]
    said += [f"{path}: its lines" for path in plan.cut]
    if plan.kind == "source":
        said.append("its entry in params.yaml and its record of consent")
    said.append("every copy in raw, documents, features, dataset, reports, the online store, logs, drafts and caches")
    said += [f"{path} holds it and stays: it is your archive. Delete it yourself if you wish." for path in plan.left]
    learned = forget_models.learned(Workspace(settings.root, plan.author), settings, plan)
    said += [
        f"adapter {name}: {'is removed' if plan.adapters else 'has learned from it and stays'}" for name in learned
    ]
    return said if learned else [*said, "no adapter has learned from it"]


def forget(plan: Plan, settings: Settings, progress: Progress) -> Said:
    """Carry out a plan; every step may be repeated, and one that was cut short goes on with the same plan.

    `settings.database_url` empty leaves the database out. Returns what was removed and what was not, in words.
    """
    space = Workspace(settings.root, plan.author)
    plan.save(forget_plan.place(settings))
    said: Said = []
    steps: list[tuple[str, Callable[[], Said]]] = [
        ("remember", lambda: _remember(space, plan)),
        ("inbox", lambda: _inbox(space, plan)),
        ("data", lambda: _folder(settings.root / "data" / plan.author, plan, _kept_files(space))),
        ("reports", lambda: _folder(settings.root / "reports" / plan.author, plan)),
        ("models", lambda: _folder(settings.root / "models" / plan.author, plan)),
        ("logs, drafts and caches", lambda: _home(plan, settings)),
        ("embeddings", lambda: _embeddings(plan, settings)),
        ("database", lambda: _database(space, plan, settings)),
        ("pipeline cache", lambda: forget_dvc.erase(plan, settings)),
        ("tokens", lambda: _personal(plan, settings)),
        ("adapters", lambda: forget_models.handle(space, settings, plan)),
        ("params.yaml", lambda: _params(plan, settings)),
    ]  # fmt: skip
    with progress.step("forget", len(steps)) as step:
        for name, work in steps:
            said += work()
            step.advance(detail=name)
    forget_dvc.accept(plan, settings)
    erasing.remove(forget_plan.place(settings).parent)
    return said


def _kept_files(space: Workspace) -> tuple[Path, ...]:
    return (space.inbox, space.choices, space.choices.with_name(choices.FORGOTTEN))


def _remember(space: Workspace, plan: Plan) -> Said:
    if plan.kind == "author":
        return []
    choices.drop(space.choices, plan.ids)
    if plan.kind == "source":
        return []
    choices.Forgotten(space.choices.with_name(choices.FORGOTTEN)).add(plan.ids, plan.texts)
    return [f"{len(plan.ids)} documents are noted as forgotten: the next collection leaves them out"]


def _inbox(space: Workspace, plan: Plan) -> Said:
    if plan.kind == "author":
        return []
    said = [f"{name}: removed" for name in plan.handed if erasing.remove(space.root / name)]
    for name in plan.cut:
        if (space.root / name).exists() and (done := erasing.erase(space.root / name, plan.traces)):
            said.append(f"{name}: {done}")
    return said + [f"{name}: holds it and stays, it is your own archive" for name in plan.left]


def _folder(folder: Path, plan: Plan, skip: tuple[Path, ...] = ()) -> Said:
    if plan.kind == "author":
        return [f"{folder.parent.name}/{folder.name}: removed"] if erasing.remove(folder) else []
    said = [f"{folder.parent.name}/{folder.name}/{path.name}, left by a stage that was killed: removed"
            for path in files.sweep(folder, ".*.????????")]  # fmt: skip
    said += [
        f"{path.relative_to(folder.parent.parent)}: {done}"
        for path in erasing.walk(folder, skip)
        if (done := erasing.erase(path, plan.traces))
    ]
    if folder.parent.name == "data" and said:
        _style(Workspace(folder.parent.parent, plan.author))
    return said


def _style(space: Workspace) -> None:
    """The author's means, measured again without what was forgotten."""
    from twin.stages.features import AUTHOR_STYLE, author_table

    path = space.features / tables.STYLE
    if path.exists():
        tables.write(author_table(tables.read(path), space.author), space.features / AUTHOR_STYLE)


def _home(plan: Plan, settings: Settings) -> Said:
    said: Said = []
    if plan.kind == "author":
        own = [f"drafts/{plan.author}", f"serving/{plan.author}.json", f"serving/adapters/{plan.author}",
               f"checkpoints/{plan.author}", f"crawls/{plan.author}", f"logs/train-{plan.author}.log",
               f"briefs/{plan.author}.json", f"evaluation/{plan.author}",
               f"runs/{plan.author}.json", f"blind/{plan.author}.json"]  # fmt: skip
        said += [f"{name}: removed" for name in own if erasing.remove(settings.home / name)]
    elif erasing.remove(settings.home / "checkpoints" / plan.author):
        # They have learned from it, and with other texts no training goes on from them.
        said.append(f"checkpoints/{plan.author}, of a training that was cut short: removed")
    for consent in plan.consents:
        # What a crawl remembers of a source (pages packed, texts read) goes whole: the next one reads it anew.
        if ledger.forget(settings.home, plan.author, consent):
            said.append(f"what the crawl of {consent} remembered: removed")
    for place in (settings.home / "tmp", Path(tempfile.gettempdir())):
        # What a killed collection held in its database was never committed: no query would find it.
        said += [
            f"{path.name}, left by a collection that was killed: removed" for path in files.sweep(place, files.SPOOLS)
        ]
    skip = tuple(settings.home / name for name in _NOT_WALKED)
    for path in list(erasing.walk(settings.home, skip)):
        if not path.exists():
            continue
        name = path.relative_to(settings.home)
        page = path.parent if (path.parent / "response_body").exists() else None
        draft = name.parts[0] == "drafts"
        if (page or draft) and erasing.holds(path, plan.traces):
            # A page of the HTTP cache is one folder, a draft one record: a part of either would be neither.
            erasing.remove(page or path)
            said.append(f"{page.relative_to(settings.home) if page else name}: removed")
        elif not (page or draft) and (done := erasing.erase(path, plan.traces)):
            said.append(f"{name}: {done}")
    return said


def _embeddings(plan: Plan, settings: Settings) -> Said:
    """Vectors of chunks that no author's features hold any more: a vector tells of its text."""
    wanted: set[str] = set()
    # Several authors may share a home, each with a project below the first one's.
    house = settings.root.parents[1] if settings.root.parent.name == "authors" else settings.root
    projects = (house, *house.glob("authors/*"))
    for path in (p for project in projects for p in (project / "data").glob(f"*/features/{tables.CHUNKS}")):
        for frame in tables.batches(path, columns=["sha256"]):
            wanted.update(frame["sha256"])
    said = []
    for path in (settings.home / "embeddings").glob("*.parquet"):
        if gone := erasing.keep_rows(path, "sha256", wanted):
            said.append(f"embeddings/{path.name}: {gone} vectors removed")
    return said


def _database(space: Workspace, plan: Plan, settings: Settings) -> Said:
    from twin.store import erase as store

    if not settings.database_url:
        return []

    def holds(cells: Any) -> bool:
        return (plan.kind == "author" and plan.author in cells) or plan.traces.in_value(cells)

    gone = store.erase(settings.database_url, holds)
    store.replace_style(settings.database_url, _style_row(space), plan.author)
    left = store.scour(settings.database_url)
    return [f"database, {table}: {count} rows removed" for table, count in gone.items()] + left


def _style_row(space: Workspace) -> dict[str, Any] | None:
    from twin.stages.features import AUTHOR_STYLE

    path = space.features / AUTHOR_STYLE
    frame = tables.read(path) if path.exists() else None
    if frame is None or frame.empty:
        return None
    row = frame.iloc[0]
    return {
        "documents": int(row["documents"]), "words": int(row["words"]), "names": list(row["names"]),
        "means": [float(v) for v in row["means"]], "deviations": [float(v) for v in row["deviations"]],
    }  # fmt: skip


def _personal(plan: Plan, settings: Settings) -> Said:
    """An author's platform tokens and waiting posts; those of another one, who has this project by now, stay."""
    if plan.kind != "author" or _author(settings.root / "params.yaml") != plan.author:
        return []
    said = [f"{name}: removed" for name in _PERSONAL if erasing.remove(settings.private / name)]
    return [*said, "tokens.json: the platform tokens removed"] if vault.forget(settings) else said


def _params(plan: Plan, settings: Settings) -> Said:
    """A source leaves params.yaml; an author's params.yaml gives way to the one that came with the project."""
    path = settings.root / "params.yaml"
    before = path.with_name("params.previous.yaml")
    said: Said = []
    if plan.kind == "author":
        if before.exists() and _author(before) == plan.author:
            erasing.remove(before)
            said.append("params.previous.yaml: removed")
        shipped = settings.root / "examples" / "params.yaml"
        if path.exists() and shipped.exists() and _author(path) == plan.author and _author(shipped) != plan.author:
            write_text(path, shipped.read_text(encoding="utf-8"))
            said.append("params.yaml: the sample author's again")
    elif plan.kind == "source" and path.exists() and _without_source(path, plan.value):
        said.append("params.yaml: the source's entry removed")
    return said


def _author(path: Path) -> str:
    try:
        return params_file.load(path).author.id
    except ParamsError:
        return ""


def _without_source(path: Path, identity: str) -> bool:
    """Take the source's entry out, comments and order kept."""
    from io import StringIO

    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    data = yaml.load(path.read_text(encoding="utf-8"))
    params: Params = params_file.load(path)
    places = [number for number, spec in enumerate(params.sources) if consent_id(spec) == identity]
    for number in reversed(places):
        del data["sources"][number]
    if places:
        out = StringIO()
        yaml.dump(data, out)
        params_file.loads(out.getvalue(), str(path))
        write_text(path, out.getvalue())
    return bool(places)
