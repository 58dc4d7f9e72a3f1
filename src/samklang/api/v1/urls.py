"""Addresses of the API. Every one says which right it asks for, like the console's pages (people/access.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, register_converter
from django.views.decorators.csrf import csrf_exempt

from samklang.api.v1 import api
from samklang.api.v1.door import Bearer
from samklang.api.v1.errors import NoSuchMethod, NotThere, answer
from samklang.api.v1.openapi import openapi
from samklang.people.access import Access, View, public


def _operations() -> Iterator[URLPattern]:
    """ninja's addresses, one for each path, with what each asks for."""
    seen = set()
    for bound in api._get_bound_routers():
        views = [view for view in bound.path_operations.values() for _ in view.operations]
        for pattern, view in zip(bound.urls_paths(bound.prefix), views, strict=True):
            if id(view) not in seen:
                seen.add(id(view))
                pattern.callback = _declared(pattern.callback, view)
                yield pattern


def _declared(callback: Callable[..., HttpResponse], view: Any) -> View:
    @wraps(callback)
    def called(request: HttpRequest, *args: Any, **values: Any) -> HttpResponse:
        response = callback(request, *args, **values)
        if response.status_code == 405:
            return answer(NoSuchMethod(Allow=response.headers["Allow"]))
        return response

    rights = {method: _right(operation) for operation in view.operations for method in operation.methods}
    changing = [right for method, right in rights.items() if method != "GET"]
    called.access = Access(rights.get("GET"), changing[0] if changing else None, "token")  # type: ignore[attr-defined]
    return called  # type: ignore[return-value]


def _right(operation: Any) -> Any:
    return next(one.right for one in operation.auth_callbacks if isinstance(one, Bearer))


@csrf_exempt
@public("says only that there is nothing")
def nothing(request: HttpRequest, rest: str) -> HttpResponse:
    """404 in the API's own way."""
    return answer(NotThere())


class Anything:
    """Whatever is left of an address, line breaks too, which `path` does not take."""

    regex = r"[\s\S]+"

    def to_python(self, value: str) -> str:
        """As it is."""
        return value

    def to_url(self, value: str) -> str:
        """As it is."""
        return value


register_converter(Anything, "anything")
urlpatterns = [path("openapi.json", openapi, name="openapi"), *_operations(), path("<anything:rest>", nothing)]
