"""Where a company's statements come from by themselves: chosen, asked now, and how the last run went."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from samklang import engine
from samklang.connectors.errors import SamklangError
from samklang.console.books import company_of, of_books
from samklang.console.frame import go, told, wake
from samklang.engine.port import fetch_job
from samklang.hub.keeping import uploads
from samklang.hub.setup import bookkeeping
from samklang.hub.setup.companies import part_of
from samklang.people import audit
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right
from samklang.reconciliation import control, events_in, fetching, lists_in
from samklang.reconciliation.companies import wake as books_changed

_RATES_SINCE = date(2020, 1, 1)
_LISTS: tuple[uploads.Kind, ...] = ("text",)


@page(Right.BOOKS, post=Right.APPROVE)
def sources(request: PageRequest, number: int) -> HttpResponse:
    """The sources with their last runs; a post chooses them."""
    company = company_of(request, number)
    able = [row.name for row in fetching.able(company)]
    if request.method == "POST":
        chosen = [name for name in request.POST.getlist("name") if name in able]
        try:
            why = "statements come from " + (", ".join(chosen) or "nowhere")
            changed = bookkeeping.change(company, bookkeeping.with_sources(chosen), by=request.user.email, why=why)
        except SamklangError as error:
            messages.error(request, told(error))
            return go(request, "sources", company.pk)
        if changed:
            audit.note(request, gettext_noop("sources of statements chosen"), f"company {company.code}", of=chosen)
            wake(fetch_job(company.tenant_id, company.pk))
            messages.success(request, _("Chosen. They are asked now, and then each hour."))
        return go(request, "sources", company.pk)
    rows = fetching.sources(company)
    named = {row.name for row in rows}
    return of_books(
        request, "sources", company, rows=rows, able=[(name, name in named) for name in able],
        openings=len(control.openings(company)),
    )  # fmt: skip


@page(None, post=Right.APPROVE)
def lists(request: PageRequest, number: int, kind: str) -> HttpResponse:
    """Take a list: what was open when the books began, exchange rates, tills' Z-reports, gift cards that expired."""
    company = company_of(request, number)
    sent = request.FILES.get("file")
    if sent is None:
        messages.error(request, _("Choose the files first."))
        return go(request, "sources", company.pk)
    try:
        taken = uploads.take(sent, _LISTS)
        if kind == "openings":
            count = lists_in.take_openings(company, taken.body)
            audit.note(request, gettext_noop("opening list read"), f"file {taken.name}", count=count)
        elif kind == "rates":
            home = part_of(company).currency
            count = lists_in.take_rates(request.tenant, home, taken.body, since=_RATES_SINCE)
            audit.note(request, gettext_noop("exchange rates read"), f"file {taken.name}", count=count)
        elif kind == "tills":
            count = events_in.take_tills(company, taken.body)
            audit.note(request, gettext_noop("Z-reports read"), f"file {taken.name}", count=count)
        elif kind == "gift-cards":
            count = events_in.take_gift_cards(company, taken.body)
            audit.note(request, gettext_noop("expired gift cards read"), f"file {taken.name}", count=count)
        else:
            raise Http404
    except SamklangError as error:
        messages.error(request, told(error))
    else:
        books_changed(company)
        said = ngettext("%(count)d row is kept.", "%(count)d rows are kept.", count)
        messages.success(request, said % {"count": count})
    return go(request, "sources", company.pk)


@page(None, post=Right.APPROVE)
def fetch(request: PageRequest, number: int) -> HttpResponse:
    """Have them asked now: by the engine, so that nobody waits for a slow system; without one, here."""
    company = company_of(request, number)
    if engine.current is not None:
        wake(fetch_job(company.tenant_id, company.pk))
        messages.success(request, _("They are asked now: look again in a moment."))
        return go(request, "sources", company.pk)
    try:
        made = fetching.fetch(company, request.POST.get("name", ""), by=request.user.email)
    except SamklangError as error:
        messages.error(request, told(error))
        return go(request, "sources", company.pk)
    if made is None:
        messages.info(request, _("The connection is paused, or is being asked already."))
    elif made.error:
        messages.error(request, made.error)
    else:
        audit.note(request, gettext_noop("statements fetched"), f"connection {made.name}", taken=made.taken)
        said = ngettext("%(count)d new statement file.", "%(count)d new statement files.", made.taken)
        messages.success(request, said % {"count": made.taken})
    return go(request, "sources", company.pk)
