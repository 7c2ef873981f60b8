"""LambdaG: is a text more likely under the author's grammar than under other people's? (Nini et al., arXiv 2403.08462)

A grammar is a Kneser-Ney model of function words, marks, line ends and the bare shapes of all other words: which word
follows which, and nothing of the topic. It shares no feature with the trait rates of `measures`, so the two can
disagree. A pool's score is a sum over its texts: the log-likelihood ratio a token.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from twin.voice.function_words import WORDS

_ORDER = 4
_DISCOUNT = 0.75
_REFERENCES = 6
_TOKEN = re.compile(r"\n+|[^\W\d_]+(?:['’][^\W\d_]+)*|\d+(?:[.,]\d+)*|https?://\S+|[^\w\s]")
_KNOWN = frozenset(WORDS)
_ENDINGS = ("ing", "ed", "ly", "s")
_START, _END = "<s>", "</s>"

Gram = tuple[str, ...]


def shapes(text: str) -> list[str]:
    """The tokens of a text with every word that could tell a topic replaced by its shape; line ends are tokens."""
    return [_shape(token) for token in _TOKEN.findall(text.strip())]


def _shape(token: str) -> str:
    plain = token.lower().replace("’", "'")
    if token[0] == "\n":
        return "¶¶" if len(token) > 1 else "¶"
    if token[0].isdigit():
        return "#"
    if token.startswith("http"):
        return "@"
    if not token[0].isalpha():
        return token
    if plain in _KNOWN:
        return plain if token[0].islower() or len(token) == 1 else "^" + plain
    if len(token) > 1 and token.isupper():
        return "AA"
    ending = next((e for e in _ENDINGS if plain.endswith(e)), "")
    return ("A" if token[0].isupper() else "a") + ending


class Model:
    """An interpolated Kneser-Ney n-gram model (Chen and Goodman 1999) of token sequences."""

    def __init__(self, sequences: Sequence[Sequence[str]], vocabulary: int) -> None:
        self._floor = 1.0 / (vocabulary + 1)
        top: Counter[Gram] = Counter()
        for tokens in sequences:
            padded = _padded(tokens)
            top.update(tuple(padded[i - _ORDER + 1 : i + 1]) for i in range(_ORDER - 1, len(padded)))
        self._levels = []
        counts = top
        for _ in range(_ORDER):
            total: dict[Gram, int] = defaultdict(int)
            kinds: dict[Gram, int] = defaultdict(int)
            for gram, n in counts.items():
                total[gram[:-1]] += n
                kinds[gram[:-1]] += 1
            self._levels.append((dict(counts), dict(total), dict(kinds)))
            # Lower orders count in how many contexts a word stands, not how often.
            counts = Counter(gram[1:] for gram in counts)

    def log_probabilities(self, tokens: Sequence[str]) -> list[float]:
        """Natural log of each token's probability given the three before it, the end of the text last."""
        padded = _padded(tokens)
        return [
            math.log(self._probability(tuple(padded[i - _ORDER + 1 : i + 1]))) for i in range(_ORDER - 1, len(padded))
        ]

    def _probability(self, gram: Gram) -> float:
        found = self._floor
        for level in range(_ORDER - 1, -1, -1):
            counts, total, kinds = self._levels[level]
            part = gram[level:]
            many = total.get(part[:-1], 0)
            if many:
                kept = max(counts.get(part, 0) - _DISCOUNT, 0.0) / many
                found = kept + _DISCOUNT * kinds[part[:-1]] / many * found
        return found


@dataclass(frozen=True, slots=True)
class Grammar:
    """The author's model and the models of others."""

    author: Model
    others: tuple[Model, ...]

    def ratios(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        """Of each text: the sum of log ratios (nats; above 0 speaks for the author) and the number of tokens."""
        return [self._ratio(shapes(text)) for text in texts]

    def _ratio(self, tokens: list[str]) -> tuple[float, int]:
        own = sum(self.author.log_probabilities(tokens))
        theirs = [sum(model.log_probabilities(tokens)) for model in self.others]
        return own - sum(theirs) / len(theirs), len(tokens) + 1


def learn(own: Sequence[str], others: Sequence[str], seed: int) -> Grammar:
    """Learn from the author's texts and from other people's; each of the others' models sees as much as the author's.

    Raises ValueError when either side has no text.
    """
    if not own or not others:
        raise ValueError("a grammar needs texts of the author and of others")
    mine = [shapes(text) for text in own]
    theirs = [shapes(text) for text in others]
    vocabulary = len({token for tokens in (*mine, *theirs) for token in tokens})
    size = sum(map(len, mine))
    rng = random.Random(seed)
    models = []
    for _ in range(_REFERENCES):
        picked: list[list[str]] = []
        while sum(map(len, picked)) < size:
            picked.extend(rng.choices(theirs, k=max(1, len(theirs) // 8)))
        models.append(Model(picked, vocabulary))
    return Grammar(Model(mine, vocabulary), tuple(models))


def _padded(tokens: Sequence[str]) -> list[str]:
    return [_START] * (_ORDER - 1) + list(tokens) + [_END]
