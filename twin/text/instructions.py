"""Sentences that speak to a model and not to a reader: what an injected order looks like in borrowed text."""

from __future__ import annotations

import re
import unicodedata

# Signs that nobody sees: used to hide orders in a page. The joiner inside an emoji (U+200D) stays.
_UNSEEN = re.compile(
    "[\u00ad\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_BORDER = re.compile(r"(?<=[.!?…])\s+")
_EARLIER = r"(?:all|any|every|the|your|my|these|those|previous|prior|above|earlier|preceding|foregoing|current|of|other|system)"
# The families of published lists: overrides, role play, leaks, forged turns, forged authority, tools and data.
_ORDERS = [
    rf"\b(?:ignore|disregard|forget|override|overrule|bypass|skip|drop|discard|cancel|(?:do not|don't|never) (?:follow|obey))\b(?:\s+{_EARLIER}){{0,5}}\s+"
    r"(?:instruction|prompt|rule|direction|guideline|task|brief|command|order|message|context|text|constraint|restriction|polic)",
    r"\b(?:ignore|disregard|forget) (?:everything|anything|what(?:ever)?) (?:above|before|you|that|i|was|said|else)",
    r"\bnew (?:instructions?|task|objective|system prompt|rules?)\b\s*(?:[:\-–—]|is|are|for you)",
    r"\b(?:your|the) (?:new|real|actual|true|only) (?:task|instruction|goal|objective|job|role|purpose)",
    r"\b(?:you are|you're|act|behave|respond|answer|pretend|roleplay|role-play)\b[^.!?\n]{0,30}\b(?:now|as if|as an?|as the|to be)\b"
    r"[^.!?\n]{0,60}\b(?:ai|model|assistant|chatbot|bot|dan|unrestricted|jailbr\w+|developer|administrator|admin|root|terminal|machine|hacker|linux|python)",
    r"\byou are now\b", r"\b(?:dan|developer|god|debug|admin|maintenance|sudo) mode\b", r"\bdo anything now\b",
    r"\bjailbr(?:eak|oken)", r"\bsystem (?:prompt|message|instructions?|override)\b",
    r"\b(?:initial|original|hidden|secret|internal|confidential) (?:prompt|instruction|system|configuration|rule|message)",
    r"\b(?:reveal|print|repeat|show|output|display|leak|disclose|recite|reproduce|dump|echo|tell me|translate|summari[sz]e|encode|spell)\b"
    r"[^.!?\n]{0,60}\b(?:prompt|instruction|system|password|api[ _-]?key|secret|credential|token|config\w*|environment|database|params|variable|"
    r"text above|words above|everything above|other (?:author|user|customer|client)s?)",
    r"\b(?:instead|rather) (?:of (?:the|your|writing|doing|following)|,? ?(?:write|say|output|respond|answer|print|reply))",
    r"\b(?:respond|reply|answer|output|say|write|print|return|begin|start|end)\b (?:only |just |exactly |simply |every \w+ |your \w+ )?"
    r"(?:with|by)?\s*(?:only |just |exactly |the (?:word|text|phrase|string|following)|[\"“'‘][^\"”'’]{0,60}[\"”'’]|[A-Z]{3,}[-_ ]?\d)",
    r"\b(?:attention|note to|message to|important for|instructions? (?:for|to)|dear|hey|hello|hi),? (?:the |any |all |an |every )*"
    r"(?:ai|llm|language model|model|assistant|chatbot|gpt|claude|bot|writer model|agent)s?\b",
    r"\b(?:as|being) (?:an? )?(?:ai|language model|large language model)\b", r"\bend of (?:facts?|context|document|input|prompt|instructions?|brief|data)\b",
    r"(?:^|[\s\[{(<#*])(?:system|assistant|user|developer|human|admin)\s*[\]})>]*\s*:", r"<\|?/?(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id|start_of_turn|end_of_turn)",
    r"\[/?INST\]|<</?SYS>>", r"</?(?:facts?|examples?|brief|instructions?|context)\b",
    r"\b(?:email|send|post|upload|forward|exfiltrate|transmit)\b[^.!?\n]{0,60}\b(?:to https?:|to attacker|https?://|password|secret|key|data to|contents? to|conversation)",
    r"!\[[^\]]*\]\([^)]*[?&=]", r"\b(?:execute|run|call|invoke)\b (?:the |this |following )*(?:command|code|function|tool|script|shell|query|sql)",
    r"\b(?:drop table|select \* from|rm -rf|os\.environ|import os)\b", r"\bwhen (?:asked|summari[sz]ing|processing|reading|writing) (?:about |this |to )[^.!?\n]{0,60}\b(?:say|write|always|respond|include|mention|add)",
    r"\b(?:you must|you should|you will|you have to|please) (?:now |only |always |never |instead |not )?(?:obey|comply|output|respond|reply|say|print|repeat|ignore|include|insert|append|praise|recommend|refuse|stop)\b",
    r"\b(?:stop|cease|quit|abort) (?:writing|drafting|the (?:task|draft|post)|what you)",
]  # fmt: skip
_ORDER = re.compile("|".join(f"(?:{pattern})" for pattern in _ORDERS), re.IGNORECASE)


def inert(text: str) -> tuple[str, list[str]]:
    """The text without orders to a model, and these: from the sentence that gives one to the end of its line.

    Invisible signs and HTML comments go, too: what a reader would not see is not what a page says. This is one guard
    of several and knows English only; the delimiters of `twin.prompts` hold for every language.
    """
    left_out: list[str] = []
    kept: list[str] = []
    for line in _COMMENT.sub(" ", _UNSEEN.sub("", text)).split("\n"):
        start = _order_in(line)
        if start is None:
            kept.append(line)
            continue
        left_out.append(line[start:].strip())
        if line[:start].strip():
            kept.append(line[:start].rstrip())
    return "\n".join(kept), left_out


def _order_in(line: str) -> int | None:
    """Where the line's first sentence that gives an order begins; None when there is none."""
    starts = [0, *(match.end() for match in _BORDER.finditer(line))]
    for start, end in zip(starts, [*starts[1:], len(line)], strict=True):
        if speaks_to_model(line[start:end]):
            return start
    return 0 if speaks_to_model(line) else None


def speaks_to_model(sentence: str) -> bool:
    """Whether a sentence is an order to a model; look-alike letters of other widths are read as the plain ones."""
    return _ORDER.search(unicodedata.normalize("NFKC", sentence)) is not None
