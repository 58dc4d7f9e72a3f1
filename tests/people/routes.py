"""Every address that there is, out of the URL resolver: its route, its view, who may open it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from samklang.people.access import Access

#: A value for each parameter that routes have: of things that the tenant of the walk really has, so that a view which
#: forgot to ask whose they are would show them.
VALUES: dict[str, tuple[str, ...]] = {
    "tenant": ("victim",),
    "key": ("se/10499", "ljus-204-v"),
    "number": ("1", "2"),
    "name": ("lager-boras",),
    "connection_name": ("lager-boras",),
    "connector": ("woocommerce",),
    "token": ("not-a-token",),
    "uidb36": ("1",),
    "stamp": ("x",),
    "message": ("1",),
    "rest": ("t/victim/nothing",),
    "channel": ("se",),
    "code": ("se",),
    "connection": ("lager-boras",),
    "direction": ("in",),
    "type_": ("order",),
    "target": ("fortnox",),
    "company": ("ov",),
    "line": ("1",),
    "source": ("nordljus-se",),
    "of": ("payment_method",),
    "kind": ("csv", "xlsx"),
    "file": ("1",),
    "what": ("products", "retry", "mend", "release", "payment_method"),
}


class Route(NamedTuple):
    """One route: `route` as it is written (t/<slug:tenant>/orders), and what its view declares (None: nothing)."""

    route: str
    view: Callable[..., Any]
    access: Access | None

    def __str__(self) -> str:
        return f"/{self.route}"

    @property
    def parameters(self) -> list[tuple[str, str, str]]:
        """(as written, kind, name) of each: ("<int:number>", "int", "number")."""
        return re.findall(r"(<(?:(\w+):)?(\w+)>)", self.route)

    @property
    def paths(self) -> list[str]:
        """Addresses of it, with values for its parameters."""
        found = [f"/{self.route}"]
        for part, kind, name in self.parameters:
            fitting = [value for value in VALUES.get(name, ("1",)) if kind in ("path", "anything") or "/" not in value]
            found = [path.replace(part, value) for path in found for value in fitting]
        return found


def routes() -> list[Route]:
    """All of them."""
    return list(_walk(get_resolver().url_patterns, ""))


def _walk(patterns: list[Any], before: str) -> Iterator[Route]:
    for pattern in patterns:
        assert isinstance(pattern.pattern, RoutePattern), f"{pattern} is no path(): its parameters cannot be known"
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        else:
            assert isinstance(pattern, URLPattern)
            yield Route(route, pattern.callback, getattr(pattern.callback, "access", None))
