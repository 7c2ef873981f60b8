"""The endpoint's OpenAPI document: KServe's own, with the bodies that the twin reads and the routes it adds."""

from __future__ import annotations

from typing import Any

from twin.params import Params
from twin.prompts import LANGUAGES
from twin.serving.requests import MAX_LINKS, MAX_POINTS, MAX_TEXT, WRITTEN
from twin.writing import ACTIONS

_TEXT = {"type": "string"}

_NAME = {"name": "model_name", "in": "path", "required": True, "schema": {"type": "string", "enum": ["twin"]}}


def document(kserve: dict[str, Any], params: Params) -> dict[str, Any]:
    """`kserve` (as FastAPI writes it) with our bodies, routes and answers; the switches that are shut are left out."""
    from twin.serving.gate import SHUT

    paths = {path: ways for path, ways in kserve["paths"].items() if not SHUT.match(path)}
    own = {
        "/v1/models/{model_name}:predict": _post("predict", _instances(params), "predictions, one draft an instance"),
        "/v2/models/{model_name}/infer": _post("infer", _tensors(), "drafts as JSON in a BYTES tensor"),
        "/openai/v1/chat/completions": _post("chat", _chat(params), "a chat completion, or its events"),
        "/openai/v1/models": {"get": {"operationId": "openai_models", "responses": _answers("models")}},
    }
    for path, ways in {**paths, **own}.items():
        for way in ways.values():
            way["parameters"] = [_NAME] if "{model_name}" in path else []
    parts = {**kserve.get("components", {})}
    security = {"key": {"type": "http", "scheme": "bearer", "description": "where there are keys (`twin key grant`)"}}
    info = {**kserve["info"], "title": "LLM twin: the inference endpoint"}
    return {
        **kserve, "info": info, "paths": {**paths, **own}, "security": [{"key": []}, {}],
        "components": {**parts, "securitySchemes": security},
    }  # fmt: skip


def _post(name: str, body: dict[str, Any], answer: str) -> dict[str, Any]:
    content = {"application/json": {"schema": body}}
    return {
        "post": {
            "operationId": f"twin_{name}", "requestBody": {"required": True, "content": content},
            "responses": _answers(answer),
        }
    }  # fmt: skip


def _answers(what: str) -> dict[str, Any]:
    kinds = {
        "200": what, "400": "a field is wrong: `error.param` names it", "401": "a key is needed",
        "403": "the key is not for this author", "404": "no such model", "413": "too large", "415": "not JSON",
        "421": "asked under another host's name", "429": "too many at once: see Retry-After",
        "503": "a part is away: see Retry-After", "504": "it took too long",
    }  # fmt: skip
    return {status: {"description": words} for status, words in kinds.items()}


def _own() -> dict[str, Any]:
    given = {
        "facts": {"type": "array", "items": _TEXT, "maxItems": MAX_POINTS},
        "outline": {"type": "array", "items": _TEXT, "maxItems": MAX_POINTS},
        "draft": {"type": "string", "minLength": 1, "maxLength": MAX_TEXT},
    }
    material = {"title": _TEXT, "text": _TEXT}
    return {
        "author": _TEXT, "register": {"type": "string", "enum": list(WRITTEN)},
        "links": {"type": "array", "items": {"type": "string", "format": "uri"}, "maxItems": MAX_LINKS},
        "adapter": _TEXT, "version": _TEXT, "action": {"type": "string", "enum": list(ACTIONS)},
        "text": {"type": "string", "maxLength": MAX_TEXT},
        "given": {"type": "object", "properties": given, "additionalProperties": False},
        "language": {"type": "string", "enum": ["", *LANGUAGES]},
        "material": {
            "type": "array", "maxItems": MAX_LINKS, "items": {
                "type": "object", "properties": material, "required": list(material), "additionalProperties": False,
            },
        },
    }  # fmt: skip


def _limits(params: Params) -> dict[str, Any]:
    tokens = {"type": "integer", "minimum": 1, "maximum": params.serve.context_tokens // 2}
    return {
        "max_tokens": tokens, "max_completion_tokens": tokens,
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "seed": {"type": "integer", "minimum": -1, "maximum": 2**31 - 1},
    }  # fmt: skip


def _instances(params: Params) -> dict[str, Any]:
    instance = {"brief": _TEXT, **_own(), **_limits(params)}
    item = {"type": "object", "properties": instance, "additionalProperties": False}
    listed = {"type": "array", "items": item, "minItems": 1, "maxItems": params.serve.max_in_flight}
    return {"type": "object", "properties": {"instances": listed}, "required": ["instances"]}


def _tensors() -> dict[str, Any]:
    tensor = {
        "name": _TEXT, "shape": {"type": "array", "items": {"type": "integer", "minimum": 1}},
        "datatype": {"type": "string", "enum": ["BYTES"]}, "data": {"type": "array", "items": _TEXT},
    }  # fmt: skip
    item = {"type": "object", "properties": tensor, "required": list(tensor)}
    return {
        "type": "object", "properties": {"id": _TEXT, "inputs": {"type": "array", "items": item, "minItems": 1}},
        "required": ["inputs"],
    }  # fmt: skip


def _chat(params: Params) -> dict[str, Any]:
    part = {"type": "object", "properties": {"type": {"type": "string", "enum": ["text"]}, "text": _TEXT}}
    message = {
        "role": {"type": "string", "enum": ["system", "user", "assistant"]},
        "content": {"anyOf": [_TEXT, {"type": "array", "items": part}]},
    }
    item = {"type": "object", "properties": message, "required": list(message)}
    twin = {"type": "object", "properties": _own(), "additionalProperties": False}
    known = {
        "model": _TEXT, "messages": {"type": "array", "items": item, "minItems": 1}, "stream": {"type": "boolean"},
        "n": {"type": "integer", "enum": [1]}, "twin": twin, **_limits(params),
    }  # fmt: skip
    return {"type": "object", "properties": known, "required": ["messages"]}
