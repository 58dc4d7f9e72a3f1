"""The start page: the map, what needs a person, the day in figures. It refreshes itself while it is looked at."""

from __future__ import annotations

from datetime import date, datetime
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

from django.http import HttpResponse

from samklang.console.frame import is_part, show
from samklang.console.map import drawn
from samklang.hub.looks import charts, overview
from samklang.hub.models import Connection
from samklang.hub.setup import planning
from samklang.hub.setup.companies import part_of
from samklang.packages import quota, terms
from samklang.people.access import PageRequest, here, page
from samklang.people.rights import Right
from samklang.reconciliation import looks as books

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


class Approval(NamedTuple):
    """Something that goes on as soon as a person who may has looked at it."""

    kind: Literal["plan", "vouchers"]
    address: str
    about: str
    many: int
    since: datetime | date | None


def _approvals(request: PageRequest) -> list[Approval]:
    """What waits for this reader's yes: a plan that is counted, vouchers."""
    found: list[Approval] = []
    run = planning.latest(request.tenant) if request.member.may(Right.CONFIGURE) else None
    if run is not None and run.state == run.State.READY:
        found.append(Approval("plan", here(request, "console:plan"), run.by, 0, run.counted_at))
    if request.member.may(Right.APPROVE):
        found += [
            Approval(
                "vouchers", f"{here(request, 'console:vouchers', company.pk)}?state=validated", part_of(company).name,
                count, first,
            )
            for company, count, first in books.to_approve(request.tenant)
        ]  # fmt: skip
    return found


def _values(request: PageRequest) -> dict[str, Any]:
    tenant = request.tenant
    seen = overview.overview(tenant)
    package = terms.current(tenant)
    needs, approvals = overview.needs(tenant, _MOST), _approvals(request)
    return {
        "map": drawn(seen), "seen": seen, "needs": needs[:_MOST], "more": len(needs) > _MOST, "approvals": approvals,
        "waits": len(approvals) + min(len(needs), _MOST),
        "quota": quota.this_month(tenant, package) if package else None,
        "figures": overview.figures(tenant), "daily": charts.orders_by_day(tenant, charts.days_back(_DAYS)),
    }  # fmt: skip
