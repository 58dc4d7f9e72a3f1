"""Vouchers as files, for a company whose ledger takes files: made once, downloaded as often as it takes."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from samklang.connectors.errors import SamklangError
from samklang.console.books import company_of, of_books
from samklang.console.frame import go, told
from samklang.people import audit
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right
from samklang.reconciliation import exports, looks
from samklang.reconciliation.models import Voucher


@page(Right.BOOKS, post=Right.APPROVE)
def files(request: PageRequest, number: int) -> HttpResponse:
    """The files, newest first; a post makes the next one of what is approved."""
    company = company_of(request, number)
    if request.method == "POST":
        try:
            made = exports.export(company, by=request.user.email)
        except SamklangError as error:
            messages.error(request, told(error))
            return go(request, "ledger-files", company.pk)
        if made is None:
            messages.info(request, _("Nothing is new: every approved voucher is in a file already."))
            return go(request, "ledger-files", company.pk)
        audit.note(request, gettext_noop("vouchers exported"), f"file {made.name}", vouchers=made.vouchers)
        said = ngettext("%(count)d voucher is in %(file)s.", "%(count)d vouchers are in %(file)s.", made.vouchers)
        messages.success(request, said % {"count": made.vouchers, "file": made.name})
        return go(request, "ledger-files", company.pk)
    if not exports.takes_files(company):
        raise Http404
    waiting = looks.voucher_counts(company).get(Voucher.State.APPROVED, (0, None))[0]
    return of_books(
        request, "ledger_files", company, rows=exports.files(company), gaps=exports.gaps(company), waiting=waiting,
    )  # fmt: skip


@page(Right.BOOKS)
def ledger_file(request: PageRequest, number: int, file: int) -> HttpResponse:
    """One file, as it was written."""
    company = company_of(request, number)
    try:
        made = exports.the_file(company, file)
    except SamklangError:
        raise Http404 from None
    audit.note(request, gettext_noop("vouchers downloaded"), f"file {made.name}")
    headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
    return HttpResponse(exports.content(made), content_type="application/octet-stream", headers=headers)
