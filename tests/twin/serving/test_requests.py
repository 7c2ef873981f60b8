"""Requests are read strictly: the refusal names the field."""

from __future__ import annotations

from typing import Any

import pytest

from twin.params import loads
from twin.serving.requests import Refusal, from_chat, from_instance

PARAMS = loads("author: {id: hesk, name: Ines Hesk}")


def test_what_is_left_out_has_its_default() -> None:
    asked = from_instance({"brief": " ferries "}, PARAMS)
    assert (asked.author, asked.register, asked.brief, asked.adapter) == ("hesk", "post", "ferries", "auto")
    assert (asked.max_tokens, asked.temperature, asked.seed) == (480, 0.7, None)


@pytest.mark.parametrize(
    ("instance", "field"),
    [
        ("ferries", "instances"),
        ({}, "brief"),
        ({"brief": "  "}, "brief"),
        ({"brief": 7}, "brief"),
        ({"brief": "word " * 9000}, "brief"),
        ({"brief": "x", "register": "sonnet"}, "register"),
        ({"brief": "x", "links": "https://x.example"}, "links"),
        ({"brief": "x", "links": ["https://x.example"] * 6}, "links"),
        ({"brief": "x", "max_tokens": 0}, "max_tokens"),
        ({"brief": "x", "max_tokens": True}, "max_tokens"),
        ({"brief": "x", "temperature": 3}, "temperature"),
        ({"brief": "x", "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_field_is_named(instance: Any, field: str) -> None:
    with pytest.raises(Refusal) as refused:
        from_instance(instance, PARAMS)
    assert (refused.value.status, refused.value.field) == (400, field)


def test_the_last_user_message_is_the_brief() -> None:
    messages = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "…"},
        {"role": "user", "content": [{"type": "text", "text": "ferries"}]},
    ]
    body = {"model": "twin", "messages": messages, "max_completion_tokens": 5, "twin": {"register": "note"}}
    asked = from_chat(body, PARAMS)
    assert (asked.brief, asked.max_tokens, asked.register, asked.author) == ("ferries", 5, "note", "hesk")
    assert from_chat({"model": "base", "messages": messages}, PARAMS).adapter == "base"
    assert from_chat({"model": "other", "messages": messages}, PARAMS).author == "other"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], None),
        ({}, "messages"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages"),
        ({"messages": [{"role": "user", "content": "x"}], "n": 2}, "n"),
        ({"messages": [{"role": "user", "content": "x"}], "twin": {"brief": "y"}}, "twin"),
    ],
)
def test_a_wrong_chat_is_named(body: Any, field: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        from_chat(body, PARAMS)
    assert refused.value.field == field


@pytest.mark.parametrize("bad", ["a\0b", "half \ud83d", "\udc00"])
def test_what_is_no_text_is_named_and_never_reaches_the_store(bad: str) -> None:
    for field, value in (
        ("brief", bad),
        ("text", bad),
        ("links", [bad]),
        ("given", {"facts": [bad]}),
        ("material", [{"title": "a", "text": bad}]),
    ):
        with pytest.raises(Refusal) as caught:
            from_instance({"brief": "tea", field: value}, PARAMS)
        assert (caught.value.status, caught.value.field) == (400, field)


def test_a_part_of_a_message_whose_text_is_none_is_named() -> None:
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": 1.5}]}]}
    with pytest.raises(Refusal, match="content is text"):
        from_chat(body, PARAMS)
