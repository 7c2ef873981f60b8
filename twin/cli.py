"""The command line: `twin <stage>` for one step of the pipeline, `twin init` to begin, `twin up` for everything."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from twin import params as params_file
from twin import redact, vault
from twin import settings as environment
from twin.cluster import commands as cluster
from twin.errors import TwinError
from twin.files import heal
from twin.local import users
from twin.progress import Progress
from twin.settings import Settings
from twin.workspace import Workspace

# Stage → the folders it reads, in the order of its arguments, then the one it writes; True: it needs the database.
STAGES: dict[str, tuple[tuple[str, ...], str, bool, str]] = {
    "collect": (("inbox",), "raw", False, "read every source of params.yaml"),
    "prepare": (("raw", "choices"), "documents", False, "clean, de-duplicate, mask and check the texts"),
    "features": (("documents",), "features", True, "chunk, embed and load the feature store"),
    "dataset": (("documents", "features"), "dataset", False, "split by time and write training examples"),
    "train": (("dataset",), "adapter", False, "fine-tune a LoRA adapter"),
    "evaluate": (("dataset", "adapter", "features"), "report", False, "measure the voice on held-out texts"),
    "register": (("adapter", "report"), "registration", False, "register the adapter; promote it when the gate agrees"),
    "monitor": ((), "monitoring", True, "hold the logged requests against the author's own texts"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 2 for an error with a mend, 130 for Ctrl-C."""
    redact.install()
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except TwinError as error:
        print(f"twin {options.command}: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EFBIG):
            raise
        print(
            f"twin {options.command}: {error.strerror}: {error.filename or 'the working folder'}. Nothing was left "
            "half-written. Free some space or mend the folder's rights, then run the same command again.",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print(f"twin {options.command}: stopped. The same command continues.", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="twin", description="A twin that writes like one person.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    _add(commands, "init", _init, "write params.yaml for an author", _init_options)
    for name, (_, _, _, words) in STAGES.items():
        _add(commands, name, _stage, words)
    _add(commands, "up", _up, "start everything and open the page", _up_options)
    _add(commands, "down", _down, "stop everything that `twin up` started")
    _add(commands, "status", _status, "what runs, what is built, which adapter writes")
    _add(commands, "runs", _runs, "the trained versions and what was measured of each", _runs_options)
    _add(commands, "rollback", _rollback, "let an earlier adapter write again", _rollback_options)
    _add(commands, "export", _export, "write the twin for Ollama, vLLM or as one merged model", _export_options)
    _add(commands, "key", _key, "give a client a key to the twin's endpoint", _key_options)
    _add(commands, "promote", _promote, "let the newest adapter write though its gate held it back")
    _add(commands, "user", users.run, "accounts of the web interface: add, list, remove, password", users.options)
    _add(commands, "forget", _forget, "take a document, a source or an author out of everything", _forget_options)
    _add(commands, "write", _write, "draft one text on the terminal", _write_options)
    _add(commands, "doctor", _doctor, "try every part and say what to do for each that fails", _doctor_options)
    _add(commands, "backup", _backup, "everything you own in one file, with its hashes", _backup_options)
    _add(commands, "restore", _restore, "bring everything back from such a file", _restore_options)
    _add(commands, "cluster", cluster.run, "the twin on Kubernetes: plan, apply, status, submit, …", cluster.options)
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    words: str,
    options: Callable[[argparse.ArgumentParser], None] | None = None,
) -> None:
    parser = commands.add_parser(name, help=words, description=words)
    parser.set_defaults(run=run)
    if options:
        options(parser)


def _stage(options: argparse.Namespace) -> int:
    settings = vault.fill(environment.load())
    params = params_file.load(settings.root / "params.yaml")
    space = Workspace(settings.root, params.author.id)
    inputs, output, database, _ = STAGES[options.command]
    if options.command == "collect":
        from twin import choices

        choices.ensure(space.choices)  # the next stage depends on it: a bare `dvc repro` must find it
    run = getattr(import_module(f"twin.stages.{options.command}"), options.command)
    progress = Progress(options.command, settings.progress)
    for place in (settings.progress, getattr(space, output).parent):
        heal(place, leave=("inbox",))

    def call(settings: Settings) -> dict[str, float | int | str]:
        paths = [getattr(space, name) for name in inputs]
        result: dict[str, float | int | str] = run(*paths, getattr(space, output), params, settings, progress)
        return result

    if database:
        from twin.local import postgres

        with postgres.running(settings) as url:
            metrics = call(replace(settings, database_url=url))
    else:
        metrics = call(settings)
    if options.command == "register":
        from twin.local.champion import publish

        publish(space, settings)
    for key, value in metrics.items():
        print(f"{key}: {value:.4g}" if isinstance(value, float) else f"{key}: {value}")
    return 0


def _init_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sample", action="store_true", help="the fictional sample author in examples/")
    parser.add_argument("--author", help="the person's name, as it should appear")
    parser.add_argument("--id", help="short name for folders and adapters (made from the name when left out)")
    parser.add_argument("--language", default="en", help="the main language, a two-letter code")
    parser.add_argument(
        "--register",
        choices=("post", "article", "note", "readme", "reply"),
        help="what the texts are, where a source does not tell",
    )
    parser.add_argument(
        "--from",
        dest="places",
        nargs="+",
        default=[],
        metavar="PATH_OR_URL",
        help="folders, export archives, JSONL files, profile links",
    )


def _init(options: argparse.Namespace) -> int:
    from twin.local.init import init_author, init_sample

    settings = environment.load()
    if options.sample:
        init_sample(settings)
    elif options.author and options.places:
        init_author(settings, options.author, options.id, options.language, options.register, options.places)
    else:
        raise TwinError(
            "twin init needs to know whose twin", None, "Give --sample, or --author NAME --from PATH_OR_URL."
        )
    return 0


def _up_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-train", action="store_true", help="open the page without building the twin behind it")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")


def _up(options: argparse.Namespace) -> int:
    from twin.local.stack import up

    return up(environment.load(), build=not options.no_train, browser=not options.no_browser)


def _down(options: argparse.Namespace) -> int:
    from twin.local.stack import down

    return down(environment.load())


def _status(options: argparse.Namespace) -> int:
    from twin.local.stack import status

    return status(environment.load())


def _runs_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")


def _runs(options: argparse.Namespace) -> int:
    from twin.local.runs import runs

    print(runs(environment.load(), as_json=options.json))
    return 0


def _rollback_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--version", default="", help="which one (default: the one before)")


def _rollback(options: argparse.Namespace) -> int:
    from twin.local.champion import rollback

    settings = environment.load()
    author = params_file.load(settings.root / "params.yaml").author.id
    print(f"{author}: version {rollback(settings, author, options.version)['version']} writes")
    return 0


def _promote(options: argparse.Namespace) -> int:
    from twin.local.champion import promote

    settings = environment.load()
    space = Workspace(settings.root, params_file.load(settings.root / "params.yaml").author.id)
    print(f"{space.author}: version {promote(space, settings)['version']} writes")
    return 0


def _export_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=("ollama", "merged", "vllm"), help="GGUF + Modelfile, safetensors, LoRA folder")
    parser.add_argument("--out", type=Path, help="the folder to write (default: exports/AUTHOR/KIND)")
    parser.add_argument(
        "--adapter", type=Path, help="the adapter's folder (default: the one that writes, or the newest)"
    )


def _export(options: argparse.Namespace) -> int:
    from twin.local.exporting import export_twin

    print(export_twin(environment.load(), options.kind, options.out, options.adapter))
    return 0


def _key_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("client", help="who gets it")
    parser.add_argument("--author", action="append", default=[], help="whose twin it may ask (repeat it; default: all)")
    parser.add_argument("--revoke", action="store_true", help="take the client's keys back")


def _key(options: argparse.Namespace) -> int:
    from twin.serving import keys

    settings = environment.load()
    if options.revoke:
        print(f"{options.client}: {keys.revoke(settings.api_keys, options.client)} keys taken back")
    else:
        print(keys.grant(settings.api_keys, options.client, options.author))
    return 0


def _forget_options(parser: argparse.ArgumentParser) -> None:
    target = parser.add_mutually_exclusive_group()
    target.add_argument(
        "--document", metavar="ID", help="one text, with its copies in other sources (an id, or its SHA-256)"
    )
    target.add_argument("--source", metavar="ID", help="all that came from a source, as sources.json names it")
    target.add_argument("--author", metavar="ID", help="everything of an author")
    parser.add_argument("--adapters", action="store_true", help="remove the adapters, too, that have learned from it")
    parser.add_argument("--preview", action="store_true", help="say what would go, and change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--quiet", action="store_true", help="name neither texts nor files: for a log that is kept")


def _forget(options: argparse.Namespace) -> int:
    from twin.local.forgetting import forget

    kinds = ("document", "source", "author")
    target = next(((kind, value) for kind in kinds if (value := getattr(options, kind))), None)
    return forget(environment.load(), target, options.adapters, options.preview, options.yes, options.quiet)


def _write_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("brief", help="what to write about")
    parser.add_argument("--register", default="post", choices=("post", "article", "note", "readme", "reply"))
    parser.add_argument("--adapter", default="auto", help="auto, base or an author's id")


def _write(options: argparse.Namespace) -> int:
    from twin.local.draft import draft

    print(draft(environment.load(), options.brief, options.register, options.adapter))
    return 0


def _doctor_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")


def _doctor(options: argparse.Namespace) -> int:
    from twin.cluster.kubectl import groups
    from twin.local.doctor import run

    return run(options.json, groups)


def _backup_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the file to write, such as twin.tar")
    parser.add_argument("--with-secrets", action="store_true", help="tokens and their key, too: keep such a file safe")


def _backup(options: argparse.Namespace) -> int:
    from twin.local.backup import backup

    print(backup(environment.load(), options.file, options.with_secrets))
    return 0


def _restore_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="what `twin backup` wrote")
    parser.add_argument("--replace", action="store_true", help="take the place of what is here; it is kept beside it")


def _restore(options: argparse.Namespace) -> int:
    from twin.local.restore import restore

    print(restore(environment.load(), options.file, options.replace))
    return 0


if __name__ == "__main__":
    sys.exit(main())
