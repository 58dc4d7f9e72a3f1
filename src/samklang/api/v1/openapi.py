"""The OpenAPI document: what django-ninja derives from the operations, made exact."""

from __future__ import annotations

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


@cache
def document() -> dict[str, Any]:
    """The document of this release."""
    from samklang.api.v1 import api

    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(dict(api.get_openapi_schema(path_prefix=BASE))))
    with_structs(found)
    for operations in found["paths"].values():
        for operation in operations.values():
            _exact(operation)
    found["components"]["responses"] = {"Problem": _PROBLEM, "TooOften": _TOO_OFTEN}
    found["servers"] = [{"url": "/"}]
    return found


def _exact(operation: dict[str, Any]) -> None:
    right = operation.get("x-right")
    operation["security"] = [{"Bearer": [right] if right else []}]
    if operation.get("description", "").rstrip(".") == operation["summary"]:
        del operation["description"]
    for status in operation["responses"]:
        if int(status) >= 400:
            name = "TooOften" if status == "429" else "Problem"
            operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}


@public("says what the API can do, and nothing of anybody's data")
def openapi(request: HttpRequest) -> HttpResponse:
    """The document as JSON."""
    return HttpResponse(_bytes(), content_type="application/json")


@cache
def _bytes() -> bytes:
    return msgspec.json.encode(document())
