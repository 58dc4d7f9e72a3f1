"""Statistics: orders by day and channel, speed, errors by cause, whether both sides agree (O-23)."""

from __future__ import annotations

from django.http import HttpResponse

from samklang.console.frame import in_zone, show
from samklang.console.query import word
from samklang.hub.looks import charts
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right

_SPANS = ("7", "14", "30", "90")


@page(Right.SEE)
def statistics(request: PageRequest) -> HttpResponse:
    """All of them over the days that the address names (30)."""
    in_zone(request)
    span = word(request, "days") if word(request, "days") in _SPANS else "30"
    days = charts.days_back(int(span))
    tenant = request.tenant
    speeds = charts.speeds(tenant)
    return show(
        request, "statistics", span=span, spans=_SPANS, daily=charts.orders_by_day(tenant, days),
        speeds=[(speed, list(zip(BOUNDS, speed.counts, strict=True))) for speed in speeds], bounds=BOUNDS,
        causes=charts.causes(tenant), failures=charts.failures_by_day(tenant, days),
        agreement=charts.agreement(tenant, days[-14:]),
    )  # fmt: skip


#: What is written over the columns of the table of speeds: seconds up to which they count, None = longer.
BOUNDS = (*charts.BOUNDS, None)
