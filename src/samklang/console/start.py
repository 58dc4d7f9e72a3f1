"""The start page: the map, what needs a person, the day in figures. It refreshes itself while it is looked at."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from django.http import HttpResponse

from samklang.console.frame import is_part, show
from samklang.console.map import drawn
from samklang.hub.looks import charts, overview
from samklang.hub.models import Connection
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right

_DAYS = 14
_MOST = 6  # needs that are shown


@page(Right.SEE)
def start(request: PageRequest) -> HttpResponse:
    """The page; for htmx its middle, and 204 when nothing of it has changed (`was` names what is there)."""
    if not Connection.objects.filter(tenant=request.tenant).exists():
        return show(request, "empty")
    if not is_part(request):
        return show(request, "start", **_values(request))
    answer = show(request, "map", **_values(request))
    mark = blake2b(answer.content, digest_size=8).hexdigest()
    if request.GET.get("was") == mark:
        return HttpResponse(status=204)
    answer.write(f'<input type="hidden" name="was" value="{mark}">')
    return answer


def _values(request: PageRequest) -> dict[str, Any]:
    tenant = request.tenant
    seen = overview.overview(tenant)
    needs = overview.needs(tenant, _MOST)
    return {
        "map": drawn(seen), "seen": seen, "needs": needs[:_MOST], "more": len(needs) > _MOST,
        "figures": overview.figures(tenant), "daily": charts.orders_by_day(tenant, charts.days_back(_DAYS)),
    }  # fmt: skip
