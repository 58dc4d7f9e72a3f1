"""The console's own files, out of the package: browsers keep them for ever, for a new one has a new address."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from pathlib import Path

import django_htmx
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from samklang.people.access import public

_FILES = Path(__file__).parent / "static"
_HTMX = Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.min.js"  # 0BSD; comes with django-htmx
_TYPES = {
    ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
    ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8",
}  # fmt: skip

#: In the order in which they build on each other.
STYLESHEETS = ("tokens.css", "layout.css", "components.css", "lists.css", "pictures.css", "trade.css", "setup.css")


@cache
def _files() -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in _FILES.iterdir() if path.suffix in _TYPES}
    return {**found, "htmx.js": _HTMX.read_bytes()}


@cache
def stamp() -> str:
    """Changes whenever a static file does, so that browsers may keep them for ever."""
    return blake2b(b"".join(body for _, body in sorted(_files().items())), digest_size=6).hexdigest()


@public("they are the same for everybody, and the login page needs them")
@require_safe
def static_file(request: HttpRequest, stamp: str, name: str) -> HttpResponse:
    """A file of the console's own, out of the package."""
    if name not in _files():
        raise Http404
    answer = HttpResponse(_files()[name], content_type=_TYPES[Path(name).suffix])
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


def asset(name: str) -> str:
    """The address of one of the console's own files. KeyError for one that is not there."""
    if name not in _files():
        raise KeyError(name)
    return reverse("static", args=[stamp(), name])
