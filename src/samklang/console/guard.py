"""What every page of the console passes: shown at all, asked for under a known name, and safe headers."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

_OPEN = ("/hooks/", "/api/", "/health", "/ready", "/metrics")
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
    " font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Guard:
    """Middleware: 404 while the console is off, host names checked (DNS rebinding), CSP and its kin on every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        timezone.deactivate()  # that of whomever this thread answered before
        if not request.path.startswith(_OPEN):
            if not settings.SAMKLANG_CONSOLE:
                return HttpResponse(status=404)
            request.get_host()  # raises DisallowedHost, which Django answers with 400
        response = self._get_response(request)
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Cache-Control", "private, no-cache")  # what one sees is one's own
        return response
