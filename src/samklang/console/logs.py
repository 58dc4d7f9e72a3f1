"""What was transferred and what was asked: runs with their counts, calls with what was sent and answered."""

from __future__ import annotations

from django.http import Http404, HttpResponse

from samklang.console.frame import show
from samklang.console.query import midnight, place, systems, with_values, word
from samklang.hub.looks import logs as looks
from samklang.hub.looks.masking import masked
from samklang.hub.models import ExchangeRow
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right


@page(Right.SEE)
def transfers(request: PageRequest) -> HttpResponse:
    """A page of runs."""
    wanted = looks.Runs(
        word(request, "connection"), word(request, "direction"), word(request, "what"), word(request, "result"),
        word(request, "all") != "1",
    )  # fmt: skip
    try:
        found = looks.transfers(request.tenant, wanted, place(request))
    except ValueError:
        raise Http404 from None
    return show(
        request, "transfers", found=found, asked=wanted, systems=systems(request.tenant), first=with_values(request),
        more=with_values(request, after=found.after) if found.after else "",
    )  # fmt: skip


@page(Right.SEE)
def calls(request: PageRequest) -> HttpResponse:
    """A page of calls."""
    wanted = looks.Calls(
        word(request, "connection"), word(request, "about"), word(request, "q"), word(request, "failed") == "1",
        midnight(request, "since"),
    )  # fmt: skip
    try:
        found = looks.calls(request.tenant, wanted, place(request))
    except ValueError:
        raise Http404 from None
    open_ = request.member.may(Right.OPERATE)
    rows = [(call, masked(call.url, open_)) for call in found.rows]
    return show(
        request, "calls", found=found, rows=rows, asked=wanted, systems=systems(request.tenant),
        first=with_values(request), more=with_values(request, after=found.after) if found.after else "",
    )  # fmt: skip


@page(Right.SEE)
def call(request: PageRequest, number: int) -> HttpResponse:
    """What was sent and answered in one call, as a part of the page. Secrets were never stored; buyers' data are shown
    to those who work with orders."""
    found = ExchangeRow.objects.filter(tenant=request.tenant, pk=number).select_related("connection").first()
    if found is None:
        raise Http404
    open_ = request.member.may(Right.OPERATE)
    return show(
        request, "parts/call", call=found, sent=masked(found.sent_text, open_), got=masked(found.got_text, open_),
        hidden=not open_,
    )  # fmt: skip
