"""Subtitle files (WebVTT and SubRip) as running text: times, numbers and repeated lines out, pauses as paragraphs."""

from __future__ import annotations

import html
import re

_TIMES = re.compile(
    r"^\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})\s*-->\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
)
_TAG = re.compile(r"<[^<>\n]{0,200}>|\{\\[^{}\n]{0,80}\}")
_PAUSE_SECONDS = 2.5
_NO_CUE = ("NOTE", "STYLE", "REGION", "WEBVTT")


def is_transcript(text: str) -> bool:
    """Whether this is a subtitle file: it begins as WebVTT, or its first lines hold a cue's times."""
    start = text.lstrip("\ufeff \r\n")[:2000]
    return start.startswith("WEBVTT") or any(_TIMES.match(line) for line in start.splitlines()[:3])


def spoken(text: str) -> str:
    """The words of a subtitle file in order. Lines that roll on from one cue to the next are kept once."""
    paragraphs: list[list[str]] = [[]]
    ended, last = 0.0, ""
    for block in re.split(r"\n[ \t]*\n", text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.strip("\n").split("\n")
        at = next((i for i, line in enumerate(lines) if _TIMES.match(line)), None)
        if at is None or lines[0].startswith(_NO_CUE):
            continue
        start, end = _seconds(lines[at])
        said = [html.unescape(_TAG.sub("", line)).strip() for line in lines[at + 1 :]]
        if start - ended > _PAUSE_SECONDS and paragraphs[-1]:
            paragraphs.append([])
        ended = end
        for line in said:
            line = re.sub(r"^(?:>>+|-)\s*", "", line)
            if line and line != last and not re.fullmatch(r"[\[(♪][^\])♪]*[\])♪]", line):
                paragraphs[-1].append(line)
                last = line
    return "\n\n".join(" ".join(lines) for lines in paragraphs if lines)


def _seconds(line: str) -> tuple[float, float]:
    found = _TIMES.match(line)
    assert found is not None
    numbers = [int(part or 0) for part in found.groups()]
    start, end = (n[0] * 3600 + n[1] * 60 + n[2] + n[3] / 1000 for n in (numbers[:4], numbers[4:]))
    return start, end
