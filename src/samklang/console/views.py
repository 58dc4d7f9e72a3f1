"""The pages. Each asks hub/looks.py and renders one template."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from samklang.hub import looks
from samklang.hub.models import Channel, Connection, Transfer
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right
from samklang.records.times import zone


def _page(request: PageRequest, name: str, **values: Any) -> HttpResponse:
    channel = Channel.objects.filter(tenant=request.tenant).order_by("id").first()
    timezone.activate(zone(channel.time_zone) if channel else zone("UTC"))
    return render(request, f"console/{name}.html", values)


@page(Right.SEE)
def start(request: PageRequest) -> HttpResponse:
    """The map, what needs a person, four figures."""
    tenant = request.tenant
    if not Connection.objects.filter(tenant=tenant).exists():
        return _page(request, "empty")
    return _page(
        request, "start", map=looks.systems(tenant), needs=looks.needs(tenant), figures=looks.figures(tenant).items()
    )


@page(Right.SEE)
def map_part(request: PageRequest) -> HttpResponse:
    """Only the map and what changes beside it, for the page's own refresh."""
    tenant = request.tenant
    return _page(
        request, "map", map=looks.systems(tenant), needs=looks.needs(tenant), figures=looks.figures(tenant).items()
    )


@page(Right.SEE)
def orders(request: PageRequest) -> HttpResponse:
    """Orders, newest first, with a search for the number."""
    search = request.GET.get("q", "").strip()[:60]
    try:
        rows = looks.orders(request.tenant, search, request.GET.get("before", ""))
    except ValueError:
        raise Http404 from None
    return _page(request, "orders", rows=rows, search=search)


@page(Right.SEE)
def journey(request: PageRequest, key: str) -> HttpResponse:
    """One order's way through all systems."""
    found = looks.journey(request.tenant, key)
    if found is None or not (found.order or found.steps):
        raise Http404
    return _page(request, "journey", key=key, look=found)


@page(Right.SEE)
def products(request: PageRequest) -> HttpResponse:
    """Products at their master and what each system has."""
    search = request.GET.get("q", "").strip()[:64]
    rows = looks.products(request.tenant, search, request.GET.get("after", ""))
    return _page(request, "products", rows=rows, search=search)


@page(Right.SEE)
def problems(request: PageRequest) -> HttpResponse:
    """Open problems."""
    return _page(request, "problems", rows=looks.open_problems(request.tenant))


@page(Right.SEE)
def transfers(request: PageRequest) -> HttpResponse:
    """The last hundred runs."""
    rows = Transfer.objects.filter(tenant=request.tenant).select_related("connection").order_by("-id")[:100]
    return _page(request, "transfers", rows=rows)
