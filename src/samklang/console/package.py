"""What is agreed with the tenant, what is used of it by month, and the hours of the service account. Only to look at:
whoever runs the hub agrees, at the command line."""

from __future__ import annotations

from typing import NamedTuple

from django.http import Http404, HttpResponse

from samklang.console.frame import show
from samklang.hub.setup import config
from samklang.packages import gates, hours, offer, quota, readiness, terms
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right

_LINES = 50  # of the ledger on a page


class Included(NamedTuple):
    """A feature in words, whether the package has it, and what flows without it."""

    words: str
    yes: bool
    used: list[str]


@page(Right.OPERATE)
def package(request: PageRequest) -> HttpResponse:
    """The package, its use, the hours; ?before= is the next page of these."""
    before = request.GET.get("before", "")
    if before and not before.isdecimal():
        raise Http404
    tenant = request.tenant
    agreed = list(terms.history(tenant))
    now = terms.package_of(agreed[0]) if agreed else None
    ledger = hours.ledger(tenant)
    lines = list((ledger.filter(pk__lt=int(before[:18])) if before else ledger)[: _LINES + 1])
    uses = quota.by_month(tenant)
    lacks = readiness.check(now, gates.needs(config.current(tenant))).lacks if now else ()
    return show(
        request, "package", agreed=agreed[0] if agreed else None, package=now,
        bound=terms.bound_until(agreed[0]) if agreed else None,
        history=[(row, terms.package_of(row)) for row in agreed],
        included=[
            Included(offer.WORDS[one], now.includes(one), [need.where for need in lacks if need.feature == one])
            for one in offer.FEATURES
        ] if now else [],
        use=uses[0], uses=uses, left=hours.balance(tenant), lines=lines[:_LINES],
        older=lines[_LINES - 1].pk if len(lines) > _LINES else 0,
    )  # fmt: skip
