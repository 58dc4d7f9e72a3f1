"""What is done to many records: how far it is, what was refused and why. Goes on whether or not anybody looks."""

from __future__ import annotations

from django.http import Http404, HttpResponse

from samklang.console.frame import go, is_part, show
from samklang.hub import bulk as hub
from samklang.hub.models import Bulk
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right


def _find(request: PageRequest, number: int) -> Bulk:
    found = Bulk.objects.filter(tenant=request.tenant, pk=number).select_related("problem").first()
    if found is None:
        raise Http404
    return found


@page(Right.SEE)
def bulk(request: PageRequest, number: int) -> HttpResponse:
    """How far it is; htmx asks for the middle of the page again and again until it is done."""
    found = _find(request, number)
    return show(request, "parts/bulk" if is_part(request) else "bulk", bulk=found, gone=found.done + found.refused)


@page(None, post=Right.OPERATE)
def bulk_end(request: PageRequest, number: int) -> HttpResponse:
    """Stop it where it is."""
    hub.end(_find(request, number))
    return go(request, "bulk", number)
