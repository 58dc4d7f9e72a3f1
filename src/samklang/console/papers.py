"""Vouchers and statements as workbooks and documents, for whoever keeps papers."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_noop

from samklang.connectors.errors import SamklangError
from samklang.console.frame import go, in_zone, told
from samklang.people import audit
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right
from samklang.reconciliation import reports
from samklang.reconciliation.models import Statement, Voucher


@page(Right.BOOKS)
def voucher_file(request: PageRequest, number: int, kind: str) -> HttpResponse:
    """One voucher with its itemised list."""
    row = Voucher.objects.filter(tenant=request.tenant, pk=number).select_related("company").first()
    if row is None or kind not in reports.FILES:
        raise Http404
    from samklang.reconciliation import papers  # takes a while to load, and few pages need it

    in_zone(request)
    try:
        made = papers.voucher_file(row, kind)
    except SamklangError as error:
        messages.error(request, told(error))
        return go(request, "voucher", number)
    return _sent(request, made.name, made.body, made.rows, kind)


@page(Right.BOOKS)
def payout_file(request: PageRequest, number: int, kind: str) -> HttpResponse:
    """One statement, line by line."""
    row = Statement.objects.filter(tenant=request.tenant, pk=number).select_related("company").first()
    if row is None or kind not in reports.FILES:
        raise Http404
    from samklang.reconciliation import papers  # takes a while to load, and few pages need it

    in_zone(request)
    made = papers.statement_file(row, kind)
    return _sent(request, made.name, made.body, made.rows, kind)


def _sent(request: PageRequest, name: str, body: bytes, rows: int, kind: str) -> HttpResponse:
    audit.note(request, gettext_noop("took a list as a file"), name, rows=rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(body, content_type=reports.FILES[kind], headers=headers)
