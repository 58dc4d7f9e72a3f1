"""What only a person can say about a row of the books, said on the page that shows the row."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from samklang.connectors.errors import SamklangError
from samklang.console.books import company_of
from samklang.console.frame import go, told
from samklang.hub.models import Company
from samklang.people import audit
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right
from samklang.reconciliation import decisions, exceptions
from samklang.reconciliation.models import Decision, StatementLine


@page(None, post=Right.APPROVE)
def decide(request: PageRequest, number: int) -> HttpResponse:
    """One decision with its reason: a problem is none, a bank line the provider's, a dispute lost, a rest written off,
    a payout this bank line, a match of a person's none, a problem of a file seen."""
    company = company_of(request, number)
    kind, about = request.POST.get("kind", ""), request.POST.get("about", "")[:400]
    why, other = request.POST.get("why", "").strip()[:300], request.POST.get("other", "")[:400]
    by = request.user.email
    try:
        if kind in Decision.Kind.values:
            decisions.decide(company, kind, about, by=by, why=why, role=other)
            audit.note(request, gettext_noop("decision of the books"), f"{kind} {about}", why=why)
        elif kind == "payout":
            decisions.confirm_payout(company, about, other, by=by, why=why)
            audit.note(request, gettext_noop("payout confirmed"), f"statement line {about}", bank=other, why=why)
        elif kind == "unmatch":
            decisions.unmatch(company, about, by=by)
            audit.note(request, gettext_noop("match taken back"), f"statement line {about}")
        elif kind == "seen":
            exceptions.settle(company, other, about)
            audit.note(request, gettext_noop("problem of a file seen"), f"{other} {about}", why=why)
        else:
            messages.error(request, _("Choose what you decide."))
            return _back(request, company, about)
    except SamklangError as error:
        messages.error(request, told(error))
    else:
        messages.success(request, _("It is kept with the books, which follow in a moment."))
    return _back(request, company, about)


def _back(request: PageRequest, company: Company, about: str) -> HttpResponse:
    """To the page that showed the row: a statement for one of its lines, else what does not add up."""
    if request.POST.get("on") == "payout":
        line = StatementLine.objects.filter(tenant=company.tenant_id, line=about, statement__company=company).first()
        if line is not None:
            return go(request, "payout", line.statement_id)
    return go(request, "matching", company.pk)
