"""The books: what providers paid out and of which orders, vouchers and their approval, the totals that must agree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from django.contrib import messages
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from samklang.connectors.errors import SamklangError
from samklang.console.frame import go, in_zone, show, told
from samklang.hub.keeping import uploads
from samklang.hub.models import Company
from samklang.hub.setup import bookkeeping
from samklang.hub.setup.companies import part_of
from samklang.people import audit
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right
from samklang.reconciliation import (
    attaching,
    decisions,
    exports,
    fetching,
    files,
    handover,
    looks,
    reports,
    vat_numbers,
)
from samklang.reconciliation import control as controls
from samklang.reconciliation.companies import accounting_company, ledger_flow, today
from samklang.reconciliation.models import Statement, Voucher
from samklang.reconciliation.vouchers import Seen
from samklang.reconciliation.vouchers import approve as approve_seen
from samklang.records.money import ZERO


def company_of(request: PageRequest, number: int) -> Company:
    """The tenant's company of that number, or 404."""
    found = Company.objects.filter(tenant=request.tenant, pk=number).first()
    if found is None:
        raise Http404
    return found


def of_books(request: PageRequest, name: str, company: Company, *, status: int = 200, **values: Any) -> HttpResponse:
    """A page of the company's books, with its name and the way to the others."""
    counts = looks.voucher_counts(company)
    waits = counts.get(Voucher.State.VALIDATED, (0, None))[0]
    title = part_of(company).name
    return show(request, name, status, company=company, company_name=title, waits=waits, counts=counts, **values)


@page(Right.BOOKS)
def payouts(request: PageRequest) -> HttpResponse:
    """Statements, the newest first, and how far the books are."""
    rows = list(Company.objects.filter(tenant=request.tenant).order_by("code"))
    asked = request.GET.get("company", "")
    company = next((row for row in rows if row.code == asked), rows[0] if rows and not asked else None)
    if company is None:
        if asked:
            raise Http404
        return show(request, "books_empty")
    open_only, search = bool(request.GET.get("open")), request.GET.get("q", "").strip()[:80]
    try:
        found = looks.payouts(company, open_only=open_only, search=search, before=request.GET.get("before", ""))
    except ValueError:
        raise Http404 from None
    more = f"{found[-1].day}/{found[-1].pk}" if len(found) == looks.PAGE else ""
    return of_books(
        request, "books", company, rows=found, companies=rows, books=looks.books(company), more=more, search=search,
        open_only=open_only, files=looks.files(company, 10), troubles=looks.problem_sums(company),
        largest=uploads.LARGEST // 2**20, sources=fetching.sources(company),
    )  # fmt: skip


@page(None, post=Right.APPROVE)
def upload(request: PageRequest, number: int) -> HttpResponse:
    """Take one or several statement files; each is taken whole or not at all."""
    company = company_of(request, number)
    try:
        sent = request.FILES.getlist("files")
    except RequestDataTooBig:
        sent = []
    if not sent:
        messages.error(request, _("Choose the files first."))
    for file in sent:
        try:
            taken = uploads.take(file, files.KINDS)
            handed = files.Handed(by=request.user.email, way="console")
            made = files.import_file(company, taken.name, taken.body, handed)
        except SamklangError as error:
            messages.error(request, f"{uploads.plain_name(file.name or '')}: {told(error)}")
            continue
        audit.note(request, gettext_noop("statement handed in"), f"company {company.code}", file=taken.name)
        said = ngettext(
            "%(file)s: %(count)d statement is new.", "%(file)s: %(count)d statements are new.", len(made.new)
        )
        messages.success(request, said % {"file": taken.name, "count": len(made.new)})
    return go(request, "books")


@page(Right.BOOKS)
def payout(request: PageRequest, number: int) -> HttpResponse:
    """One statement: its lines, what they were matched with, its voucher."""
    row = Statement.objects.filter(tenant=request.tenant, pk=number).select_related("company").first()
    if row is None:
        raise Http404
    after = request.GET.get("after", "")
    lines = looks.statement_lines(row.company, row, after=int(after) if after.isdigit() else 0)
    key = f"{row.company.code}/settlement/{row.key}"
    made = Voucher.objects.filter(tenant=request.tenant, company=row.company, key__startswith=key).order_by("-pk")
    more = lines[-1].number if len(lines) == 200 else 0
    return of_books(
        request, "payout", row.company, row=row, lines=lines, more=more,
        vouchers=[looks.voucher_row(one) for one in made if one.key == key or one.key.startswith(f"{key}@")],
    )  # fmt: skip


@page(Right.BOOKS)
def matching(request: PageRequest, number: int) -> HttpResponse:
    """What may belong together, and what has nothing yet, with its amount and what to do."""
    company = company_of(request, number)
    found = looks.problems(company, 200)
    return of_books(
        request, "matching", company, pairs=looks.pairs(company), problems=found,
        open=looks.open_payments(company), bank=looks.loose_bank_lines(company),
        providers=[row.provider for row in accounting_company(company).chart.providers(timezone.localdate())],
        roles=bookkeeping.roles(part_of(company)),
        numbers=vat_numbers.numbers(company, [row.where for row in found if row.code == "VAT_DIFF"]),
    )  # fmt: skip


@page(None, post=Right.APPROVE)
def confirm(request: PageRequest, number: int) -> HttpResponse:
    """A person says that a line is a payment."""
    company = company_of(request, number)
    line, expected = request.POST.get("line", ""), request.POST.get("expected", "")
    try:
        decisions.confirm(company, line, expected, by=request.user.email)
    except SamklangError as error:
        messages.error(request, told(error))
    else:
        audit.note(request, gettext_noop("match confirmed"), f"line {line}", payment=expected)
        messages.success(request, _("They belong together. The books follow in a moment."))
    return go(request, "matching", company.pk)


@page(Right.BOOKS)
def vouchers(request: PageRequest, number: int) -> HttpResponse:
    """Vouchers, the newest first; those that may be approved have a box to tick."""
    company = company_of(request, number)
    state, search = request.GET.get("state", ""), request.GET.get("q", "").strip()[:80]
    states: Sequence[str] = [state] if state in Voucher.State.values else ()
    try:
        found = looks.vouchers(company, states=states, search=search, before=request.GET.get("before", ""))
    except ValueError:
        raise Http404 from None
    more = f"{found[-1].date}/{found[-1].pk}" if len(found) == looks.PAGE else ""
    flow = ledger_flow(company)
    return of_books(
        request, "vouchers", company, rows=found, more=more, state=state, search=search,
        states=Voucher.State.choices, ledger=flow.target.name if flow else "",
        takes_files=exports.takes_files(company),
    )  # fmt: skip


@page(None, post=Right.APPROVE)
def approve(request: PageRequest, number: int) -> HttpResponse:
    """Approve what was ticked, just as it was seen: what has changed since is refused, and nothing is approved then."""
    company = company_of(request, number)
    seen = []
    for given in request.POST.getlist("seen"):
        pk, _sep, hash_ = given.partition(":")
        if not pk.isdigit():
            raise Http404
        seen.append(Seen(int(pk), hash_))
    if not seen:
        messages.error(request, _("Tick the vouchers first."))
        return go(request, "vouchers", company.pk)
    try:
        count = approve_seen(company, seen, by=request.user.email)
    except SamklangError as error:
        messages.error(request, told(error))
        return go(request, "vouchers", company.pk)
    rows = Voucher.objects.filter(tenant=request.tenant, company=company, pk__in=[one.pk for one in seen])
    for key in rows.values_list("key", flat=True):
        audit.note(request, gettext_noop("voucher approved"), f"voucher {key}")
    said = ngettext("%(count)d voucher is approved.", "%(count)d vouchers are approved.", count) % {"count": count}
    messages.success(request, said)
    return go(request, "vouchers", company.pk)


@page(None, post=Right.APPROVE)
def withdraw(request: PageRequest, number: int) -> HttpResponse:
    """Take an approval back, while the ledger has not been asked."""
    row = Voucher.objects.filter(tenant=request.tenant, pk=number).select_related("company").first()
    if row is None:
        raise Http404
    try:
        handover.withdraw(row.company, row.pk, by=request.user.email)
    except SamklangError as error:
        messages.error(request, told(error))
    else:
        audit.note(request, gettext_noop("approval withdrawn"), f"voucher {row.key}")
        messages.success(request, _("It is a draft again."))
    return go(request, "voucher", row.pk)


@page(Right.BOOKS)
def voucher(request: PageRequest, number: int) -> HttpResponse:
    """One voucher, and of a chosen line every source row with its share."""
    row = Voucher.objects.filter(tenant=request.tenant, pk=number).select_related("company").first()
    if row is None:
        raise Http404
    chosen, after = request.GET.get("line", ""), request.GET.get("after", "")
    line = int(chosen) if chosen.isdigit() else 0
    refs = looks.refs(row, line, after=int(after) if after.isdigit() else 0) if line else []
    counts, shown = looks.ref_counts(row), looks.voucher_lines(row)
    lines = [
        (one, looks.amount(max(one.amount, ZERO)), looks.amount(max(-one.amount, ZERO)), counts.get(one.number, 0))
        for one in shown
    ]
    return of_books(
        request, "voucher", row.company, row=looks.voucher_row(row), lines=lines, line=line, refs=refs,
        debits=looks.amount(sum((max(one.amount, ZERO) for one in shown), ZERO)),
        credits=looks.amount(sum((max(-one.amount, ZERO) for one in shown), ZERO)),
        more=refs[-1].pk if len(refs) == 200 else 0, may_be_approved=row.state == Voucher.State.VALIDATED,
        attachment=attaching.state(row),
    )  # fmt: skip


def _period(request: PageRequest, company: Company) -> tuple[date, date]:
    """The days that were asked for; else this month so far."""
    last = _day(request.GET.get("on", "")) or today(accounting_company(company))
    return _day(request.GET.get("since", "")) or controls.month(last)[0], last


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


_OPEN_ITEMS = 200  # open receivables on the page; the files have all


@page(Right.BOOKS)
def control(request: PageRequest, number: int) -> HttpResponse:
    """Clearing balances, VAT, statements that are missing, what buyers owe."""
    company = company_of(request, number)
    in_zone(request)
    first, last = _period(request, company)
    return of_books(
        request, "control", company, sheets=_sheets(company, first, last), first=first, last=last,
        books=looks.books(company),
    )  # fmt: skip


class Shown(NamedTuple):
    """A list as the page shows it: every cell beside its column's kind."""

    title: str
    note: str
    columns: Sequence[reports.Column]
    rows: list[list[tuple[reports.Kind, reports.Cell]]]


def _sheets(company: Company, first: date, last: date) -> list[Shown]:
    return [
        Shown(
            sheet.title, sheet.note, sheet.columns,
            [list(zip((column.kind for column in sheet.columns), row, strict=True)) for row in sheet.rows],
        )
        for sheet in reports.control_sheets(company, first, last, most=_OPEN_ITEMS)
    ]  # fmt: skip


@page(Right.BOOKS)
def control_file(request: PageRequest, number: int, kind: str) -> HttpResponse:
    """The same as a workbook or a document."""
    company = company_of(request, number)
    if kind not in reports.FILES:
        raise Http404
    from samklang.reconciliation import papers  # takes a while to load, and few pages need it

    in_zone(request)
    first, last = _period(request, company)
    made = papers.control_file(company, first, last, kind)
    audit.note(request, gettext_noop("took a list as a file"), made.name, rows=made.rows)
    headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
    return HttpResponse(made.body, content_type=reports.FILES[kind], headers=headers)
