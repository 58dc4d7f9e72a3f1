"""The page that shows every piece that pages are made of, for those who build them: /style."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from samklang.people.access import public


@public("nothing on it is anybody's")
@require_safe
def style(request: HttpRequest) -> HttpResponse:
    """Every piece once, with invented content."""
    return render(request, "console/style.html")
