"""The pages. Each asks hub/looks.py and renders one template."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from samklang.hub import looks
from samklang.hub.models import Channel, Tenant, Transfer
from samklang.records.times import zone

_FILES = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@cache
def _files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in _FILES.iterdir() if path.suffix in _TYPES}


@cache
def stamp() -> str:
    """Changes whenever a static file does, so that browsers may keep them for ever."""
    return blake2b(b"".join(body for _, body in sorted(_files().items())), digest_size=6).hexdigest()


@require_safe
def static_file(request: HttpRequest, stamp: str, name: str) -> HttpResponse:
    """A file of the console's own, out of the package."""
    if name not in _files():
        raise Http404
    answer = HttpResponse(_files()[name], content_type=_TYPES[Path(name).suffix])
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


def _page(request: HttpRequest, name: str, **values: Any) -> HttpResponse:
    tenants = list(Tenant.objects.order_by("slug"))
    tenant = _tenant(request)
    channel = Channel.objects.filter(tenant=tenant).order_by("id").first()
    timezone.activate(zone(channel.time_zone) if channel else zone("UTC"))
    return render(
        request,
        f"console/{name}.html",
        {"tenant": tenant, "tenants": tenants, "stamp": stamp(), "page": name, **values},
    )


def _tenant(request: HttpRequest) -> Tenant | None:
    """The tenant that the address names (?tenant=slug), else the first."""
    slug = request.GET.get("tenant", "")
    if slug:
        found = Tenant.objects.filter(slug=slug).first()
        if found is None:
            raise Http404
        return found
    return Tenant.objects.order_by("id").first()


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """The map, what needs a person, four figures."""
    tenant = _tenant(request)
    if tenant is None:
        return _page(request, "empty")
    return _page(
        request, "start", map=looks.systems(tenant), needs=looks.needs(tenant), figures=looks.figures(tenant).items()
    )


@require_safe
def map_part(request: HttpRequest) -> HttpResponse:
    """Only the map and what changes beside it, for the page's own refresh."""
    tenant = _tenant(request)
    if tenant is None:
        raise Http404
    return _page(
        request, "map", map=looks.systems(tenant), needs=looks.needs(tenant), figures=looks.figures(tenant).items()
    )


@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """Orders, newest first, with a search for the number."""
    tenant = _tenant(request)
    search = request.GET.get("q", "").strip()[:60]
    try:
        rows = looks.orders(tenant, search, request.GET.get("before", "")) if tenant else []
    except ValueError:
        raise Http404 from None
    return _page(request, "orders", rows=rows, search=search)


@require_safe
def journey(request: HttpRequest, key: str) -> HttpResponse:
    """One order's way through all systems."""
    tenant = _tenant(request)
    found = looks.journey(tenant, key) if tenant else None
    if found is None or not (found.order or found.steps):
        raise Http404
    return _page(request, "journey", key=key, look=found)


@require_safe
def products(request: HttpRequest) -> HttpResponse:
    """Products at their master and what each system has."""
    tenant = _tenant(request)
    search = request.GET.get("q", "").strip()[:64]
    rows = looks.products(tenant, search, request.GET.get("after", "")) if tenant else []
    return _page(request, "products", rows=rows, search=search)


@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """Open problems."""
    tenant = _tenant(request)
    return _page(request, "problems", rows=looks.open_problems(tenant) if tenant else [])


@require_safe
def flows(request: HttpRequest) -> HttpResponse:
    """The matrix of masters."""
    tenant = _tenant(request)
    channels, rows = looks.matrix(tenant) if tenant else ([], [])
    return _page(request, "flows", channels=channels, rows=rows)


@require_safe
def transfers(request: HttpRequest) -> HttpResponse:
    """The last hundred runs."""
    tenant = _tenant(request)
    rows = Transfer.objects.filter(tenant=tenant).select_related("connection").order_by("-id")[:100] if tenant else []
    return _page(request, "transfers", rows=rows)
