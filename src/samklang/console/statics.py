"""The console's own files, out of the package: browsers keep them for ever, for a new one has a new address."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from samklang.people.access import public

_FILES = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@cache
def _files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in _FILES.iterdir() if path.suffix in _TYPES}


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
