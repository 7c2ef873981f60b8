"""Mangled inputs against every parser: `python -m bench.fuzz_parsers --minutes 10` says how each group ended."""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from bench import fuzz_seeds as seeds
from twin.errors import TwinError

SLOW_SECONDS = 2.0
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_ROOM = 400_000

Parse = Callable[[bytes], object]


@dataclass(slots=True)
class Tally:
    """What came of a group: `crashes` are exceptions outside the twin's tree, `hangs` took over 2 s."""

    group: str
    cases: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    crashes: dict[str, bytes] = field(default_factory=dict)
    hangs: dict[str, bytes] = field(default_factory=dict)


@st.composite
def mangled(draw: st.DrawFn, samples: tuple[bytes, ...]) -> bytes:
    """A valid input with a few pieces cut, doubled, swapped, spliced or replaced by what parsers stumble over."""
    data = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 40)))
        piece = draw(
            st.one_of(st.sampled_from(seeds.TROUBLE), st.binary(max_size=12), st.just(b""), st.just(data[at:end]))
        )
        data = data[:at] + piece * draw(st.sampled_from((1, 1, 1, 2, 50, 2000))) + data[end:]
        data = data[:_ROOM]
    return data


def export(kind: str, name: str) -> Parse:
    """What reads `name` of an export of `kind`, through the archive's own limits."""
    from twin.params import SourceSpec, loads
    from twin.sources import archive
    from twin.stages.handed_in import reader

    params = loads(json.dumps({"author": {"id": "ann", "name": "Ann"}, "sources": [{"kind": "files", "path": "x"}]}))

    def parse(data: bytes) -> object:
        with tempfile.TemporaryDirectory(prefix="twin-fuzz-") as folder:
            path = Path(folder) / ("in.zip" if kind else name)
            if kind:
                with zipfile.ZipFile(path, "w") as packed:
                    packed.writestr(name, data)
            else:
                path.write_bytes(data)
            spec = SourceSpec.model_validate({"kind": kind or "files", "path": str(path)})
            with archive.opened(path, 64) as opened:
                return list(reader(spec, opened, "in", params, _NOW)[1]())

    return parse


def answer(module: str, step: str, context: dict[str, Any], carry: dict[str, Any] | None = None) -> Parse:
    """What reads a site's answer in a crawl."""
    from twin.sources.crawl import Page, read_page

    return lambda data: read_page(
        module, Page("https://a.example/b", 200, {}, data, step, carry or {}), "ann", _NOW, context
    )


def link(kind: str) -> Parse:
    """What reads a page that a brief links."""
    from twin.sources import links
    from twin.sources.fetch import Fetched

    def parse(data: bytes) -> object:
        # As read_links does, without its net for surprises: here they are what is looked for.
        return links._page(
            "https://a.example/b", Fetched("https://a.example/b", kind, "", data), lambda *_, **__: _none()
        )

    return parse


def pdf(data: bytes) -> object:
    """What reads a PDF, in the process of its own."""
    from twin.sources.pdf import read_pdf

    return read_pdf(data, "in.pdf")


def _none() -> Any:
    raise TwinError("no further page is fetched")


def text(function: Callable[[str], object]) -> Parse:
    """A function of texts."""
    return lambda data: function(data.decode("utf-8", "replace"))


def groups() -> dict[str, list[tuple[Parse, tuple[bytes, ...]]]]:
    """Every parser by group, each with its valid samples."""
    exports = {
        group: [(export(kind, name), samples) for kind, name, samples in found]
        for group, found in seeds.EXPORTS.items()
    }
    github = {"user": "ann", "base": "https://api.github.com", "headers": {}, "kinds": list(_kinds()), "token": ""}
    feeds = [
        (answer("rss", "feed", {"user": ""}), seeds.FEEDS), (answer("medium_feed", "feed", {"writer": ""}), seeds.FEEDS),
        (answer("substack_web", "feed", {"base": "https://a.example", "writer": ""}), seeds.FEEDS),
        (answer("blog", "sitemap", {"base": "https://a.example/", "user": "", "host": "a.example", "under": "/"}), seeds.SITEMAPS),
    ]  # fmt: skip
    return exports | {
        "RSS and sitemaps": feeds,
        "GitHub JSON": [(partial_github(step, github), seeds.GITHUB) for step in seeds.GITHUB_STEPS],
        "HTML link reader": [(link("text/html"), seeds.PAGES), (link("text/plain"), seeds.TEXTS)],
        "PDF": [(pdf, seeds.PDFS)],
        "text functions": [(text(function), seeds.TEXTS) for function in _text_functions()],
        "Markdown renderer": [(text(render), seeds.TEXTS) for render in _renderers()],
        "params.yaml": [(text(_params), seeds.PARAMS)],
        "bodies of the endpoint": [(_body, seeds.BODIES)],
    }  # fmt: skip


def partial_github(step: str, context: dict[str, Any]) -> Parse:
    """GitHub's answer at a step, with what the step before hands on."""
    carry = {"repo": "a/b", "branch": "main", "path": "docs/a.md", "kind": "issues", "name": "a", "full_name": "a/b"}
    return answer("github", step, context, carry)


def _kinds() -> tuple[str, ...]:
    from twin.sources.github import KINDS

    return tuple(KINDS)


def _text_functions() -> Iterator[Callable[[str], object]]:
    from twin.records import Document, content_hash
    from twin.sources.files import front_matter
    from twin.text import chunk, clean, instructions, masks, privacy

    def chunked(words: str) -> object:
        document = Document(
            id="files:a", author="ann", source="files", register="post", title="", text=words, url="", published_at=None,
            fetched_at=_NOW, sha256=content_hash(words), provenance="own", consent="",
        )  # fmt: skip
        found = chunk.chunks(document, 60, 10)
        assert all(words[c.start : c.end].strip() for c in found)
        return found

    yield chunked
    yield clean.own_text
    yield clean.matching
    yield clean.mend_mojibake
    yield masks.without
    yield partial(privacy.mask, kinds=("EMAIL_ADDRESS", "PHONE_NUMBER", "IP_ADDRESS", "CREDIT_CARD", "IBAN_CODE"))
    yield instructions.without if hasattr(instructions, "without") else masks.held
    yield front_matter


def _renderers() -> Iterator[Callable[[str], object]]:
    from webui.parts import safe_html

    def render(words: str, literal: bool) -> object:
        html = safe_html(words, literal=literal)
        harmful = seeds.unsafe(html)
        assert not harmful, f"unsafe: {harmful}"
        return html

    yield partial(render, literal=False)
    yield partial(render, literal=True)


def _params(words: str) -> object:
    from twin.params import loads

    return loads(words)


def _body(data: bytes) -> object:
    from twin.params import loads
    from twin.serving.requests import Refusal, from_chat, from_instance

    params = loads("author: {id: ann, name: Ann}\n")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    for read in (from_chat, from_instance):
        try:
            read(value, params)
        except Refusal as refusal:
            assert 400 <= refusal.status < 500
    return None


def run(group: str, members: list[tuple[Parse, tuple[bytes, ...]]], cases: int, seconds: float, seed: int = 8) -> Tally:
    """Give each parser of a group its share of `cases`, and of `seconds` (0: no limit), and note what comes of it."""
    tally, began = Tally(group), time.monotonic()
    for parse, samples in members:
        for sample in samples:
            with contextlib.suppress(Exception):
                parse(sample)  # what is imported at first use takes seconds, and is no input's doing
        until = time.monotonic() + seconds / len(members) if seconds else float("inf")
        number = seed
        while True:
            _batch(tally, parse, samples, max(1, min(cases // len(members), 60 if seconds else cases)), number, until)
            number += 1
            if not seconds or time.monotonic() > until:
                break
    tally.seconds = time.monotonic() - began
    return tally


def _batch(tally: Tally, parse: Parse, samples: tuple[bytes, ...], cases: int, seed: int, until: float) -> None:
    @seeded(seed)
    @settings(
        max_examples=cases, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(data=st.one_of(mangled(samples), mangled(samples), mangled(samples), st.binary(max_size=300)))
    def check(data: bytes) -> None:
        if time.monotonic() < until:
            _one(tally, parse, data)

    check()


def _one(tally: Tally, parse: Parse, data: bytes) -> None:
    began = time.monotonic()
    tally.cases += 1
    try:
        parse(data)
    except TwinError:
        tally.refused += 1
    except Exception as error:
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        where = f"{Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else ""
        tally.crashes.setdefault(f"{type(error).__name__} at {where}: {str(error)[:160]}", data)
    took = time.monotonic() - began
    tally.slowest = max(tally.slowest, took)
    if took > SLOW_SECONDS:
        tally.hangs.setdefault(f"{took:.1f} s", data)


def main() -> None:
    """Print a line for each group, and what broke with the input that did it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="for each group")
    parser.add_argument("--group", default="", help="only groups whose name holds this")
    parser.add_argument("--seed", type=int, default=8)
    args = parser.parse_args()
    print("| parsers | cases | refused with a reason | slowest, s | over 2 s | crashes |\n|---|---|---|---|---|---|")
    found = []
    for name, members in groups().items():
        if args.group.lower() in name.lower():
            tally = run(name, members, 10**9, args.minutes * 60, args.seed)
            found.append(tally)
            print(
                f"| {name} | {tally.cases:,} | {tally.refused:,} | {tally.slowest:.2f} | {len(tally.hangs)} | "
                f"{len(tally.crashes)} |", flush=True,
            )  # fmt: skip
    for tally in found:
        for what, data in (tally.crashes | tally.hangs).items():
            print(f"- {tally.group}: {what}: {data[:300]!r} ({len(data):,} bytes)")


if __name__ == "__main__":
    main()
