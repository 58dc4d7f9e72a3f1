"""The OpenAPI document: what django-ninja derives from the operations, made exact."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse

from samklang.api.v1.errors import CONTENT_TYPE
from samklang.api.v1.shapes import with_structs
from samklang.people.access import public

BASE = "api/v1"
_PROBLEM = {
    "description": "The request was refused, and why.",
    "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
}
_TOO_OFTEN = {
    **_PROBLEM,
    "description": "The token calls too often.",
    "headers": {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
}
#: Requirements that a docstring answers to (Q-01…Q-03) say nothing to those who call.
_NUMBERS = re.compile(r" \([A-Z]-\d\d(?:[…, ]+[A-Z]-\d\d)*\)")


#: Headers of answers that went well: name → what it says, its type.
_HEADERS = {
    "RateLimit-Limit": ("Calls that the token may make at once.", "integer"),
    "RateLimit-Remaining": ("Calls that may follow at once.", "integer"),
    "RateLimit-Reset": ("Seconds until all of them may.", "integer"),
    "ETag": ("What the answer looks like; for If-None-Match, and If-Match where a change asks for it.", "string"),
}
_IF_NONE_MATCH = {
    "in": "header", "name": "If-None-Match", "required": False, "schema": {"type": "string"},
    "description": "The ETag of what is known already: 304 when it is still the same.",
}  # fmt: skip
_UNCHANGED = {"description": "It is what the If-None-Match names."}


@cache
def document() -> dict[str, Any]:
    """The document of this release."""
    from samklang.api.v1 import api

    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(dict(api.get_openapi_schema(path_prefix=BASE))))
    with_structs(found)
    for operations in found["paths"].values():
        for method, operation in operations.items():
            _exact(operation, method == "get")
    found["components"]["responses"] = {"Problem": _PROBLEM, "TooOften": _TOO_OFTEN, "Unchanged": _UNCHANGED}
    found["components"]["parameters"] = {"IfNoneMatch": _IF_NONE_MATCH}
    found["components"]["headers"] = {
        name: {"description": says, "schema": {"type": type_}} for name, (says, type_) in _HEADERS.items()
    }
    found["servers"] = [{"url": "/"}]
    _tidy(found["paths"])
    for schema in found["components"]["schemas"].values():
        title = schema.pop("title", None)
        _tidy(schema)
        schema |= {"title": title} if title else {}
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
    return plain


def _tidy(part: Any) -> None:
    """Take away titles that only repeat a field's name, and the numbers of requirements."""
    if isinstance(part, dict):
        if isinstance(part.get("title"), str):
            del part["title"]
        if isinstance(part.get("description"), str):
            part["description"] = _NUMBERS.sub("", part["description"])
        for value in part.values():
            _tidy(value)
    elif isinstance(part, list):
        for value in part:
            _tidy(value)


def _exact(operation: dict[str, Any], reads: bool) -> None:
    right = operation.get("x-right")
    operation["security"] = [{"Bearer": [right] if right else []}]
    operation["summary"] = _NUMBERS.sub("", operation["summary"])
    if _NUMBERS.sub("", operation.get("description", "")).rstrip(".") == operation["summary"]:
        del operation["description"]
    if reads:
        operation["parameters"].append({"$ref": "#/components/parameters/IfNoneMatch"})
        operation["responses"]["304"] = {"$ref": "#/components/responses/Unchanged"}
    for status, response in operation["responses"].items():
        if int(status) < 300:
            told = [name for name in _HEADERS if reads or name != "ETag"]
            response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in told}
        elif int(status) >= 400:
            name = "TooOften" if status == "429" else "Problem"
            operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}


@public("says what the API can do, and nothing of anybody's data")
def openapi(request: HttpRequest) -> HttpResponse:
    """The document as JSON."""
    return HttpResponse(_bytes(), content_type="application/json")


@cache
def _bytes() -> bytes:
    return msgspec.json.encode(document())
