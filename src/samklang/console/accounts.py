"""Which account plays which role, and how fees are taxed: looked at, and changed from a day on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, pgettext_lazy

from samklang.accounting.chart import AccountRow, Chart, FeeRow, Treatment
from samklang.connectors.errors import SamklangError
from samklang.console.books import company_of, of_books
from samklang.console.frame import blame, go
from samklang.hub.models import Company
from samklang.hub.setup import bookkeeping
from samklang.hub.setup.companies import part_of
from samklang.people import audit
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right
from samklang.reconciliation.companies import accounting_company, entity_of, today, wake

TREATMENTS: tuple[tuple[Treatment, Any], ...] = (
    ("SE_VAT", gettext_lazy("the provider charges Swedish VAT")),
    ("RC_EU", gettext_lazy("reverse charge, a company in the EU")),
    ("RC_NON_EU", gettext_lazy("reverse charge, a company outside the EU")),
    ("EXEMPT", gettext_lazy("no VAT: a financial service")),
)


def _day() -> forms.DateField:
    return forms.DateField(
        label=pgettext_lazy("day", "From"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


def _why() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Why"), max_length=200, help_text=gettext_lazy("Kept with the configuration's history.")
    )


class AccountForm(forms.Form):
    """Another account for a role."""

    role = forms.ChoiceField(label=gettext_lazy("Role"))
    part = forms.RegexField(
        r"^\w+(\.\w+)*$", label=gettext_lazy("Only for"), max_length=30, required=False,
        help_text=gettext_lazy("A part of the role: a country (DE), its rate (DE.19), a provider. Empty: all of it."),
    )  # fmt: skip
    account = forms.RegexField(r"^[0-9A-Za-z.]{2,20}$", label=gettext_lazy("Account"))
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100, required=False)
    since = _day()
    why = _why()

    def __init__(self, data: Any = None, *, roles: list[str], rows: Sequence[AccountRow], **more: Any) -> None:
        super().__init__(data, prefix="account", **more)
        named = {row.role: f"{row.account} {row.name} · {row.role}" for row in rows}
        self.fields["role"].choices = [(role, named.get(role, role)) for role in roles]  # type: ignore[attr-defined]  # a ChoiceField


class FeeForm(forms.Form):
    """How a provider's fee is taxed."""

    provider = forms.ChoiceField(label=gettext_lazy("Provider"))
    fee = forms.CharField(
        label=gettext_lazy("Fee"), max_length=60, required=False,
        help_text=gettext_lazy("The provider's own word, where its fees are taxed differently. Empty: all."),
    )  # fmt: skip
    treatment = forms.ChoiceField(
        label=gettext_lazy("Treatment"), choices=TREATMENTS,
        help_text=gettext_lazy("The provider's own invoice shows which it is."),
    )  # fmt: skip
    since = _day()
    why = _why()

    def __init__(self, data: Any = None, *, chart: Chart, **more: Any) -> None:
        super().__init__(data, prefix="fee", **more)
        names = sorted({row.provider for row in chart.fees})
        self.fields["provider"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]  # likewise


@page(Right.BOOKS, post=Right.APPROVE)
def accounts(request: PageRequest, number: int) -> HttpResponse:
    """Accounts and fees as they stand today; a post adds a row from a day on."""
    company = company_of(request, number)
    ours = accounting_company(company)
    given = request.POST if request.method == "POST" else None
    which = given.get("which") if given else ""
    part = part_of(company)
    roles = [*bookkeeping.roles(part), *bookkeeping.families(part)]
    day = today(ours)
    first = {"since": day}
    account = AccountForm(
        given if which == "account" else None, roles=roles, rows=ours.chart.rows(day), initial=first
    )  # fmt: skip
    fee = FeeForm(given if which == "fee" else None, chart=ours.chart, initial=first)
    form: AccountForm | FeeForm | None = account if which == "account" else fee if which == "fee" else None
    if form is not None and form.is_valid() and _kept(request, company, form):
        messages.success(request, _("It counts from that day on. The books follow in a moment."))
        return go(request, "accounts", company.pk)
    return _shown(request, company, account, fee, 422 if form is not None else 200)


def _kept(request: PageRequest, company: Company, form: AccountForm | FeeForm) -> bool:
    given = form.cleaned_data
    if isinstance(form, AccountForm):
        role = ".".join(name for name in (given["role"], given["part"]) if name)
        row = AccountRow(role=role, account=given["account"], name=given["name"], since=given["since"])
        edit, what = bookkeeping.with_account(row), f"{row.role} → {row.account}"
    else:
        fee = FeeRow(
            provider=given["provider"], fee=given["fee"], treatment=given["treatment"], since=given["since"],
            entity=entity_of(company, given["provider"]),
        )  # fmt: skip
        edit, what = bookkeeping.with_fee(fee), f"{fee.provider} {fee.fee} → {fee.treatment}"
    try:
        changed = bookkeeping.change(company, edit, by=request.user.email, why=f"{what}: {given['why']}")
    except SamklangError as error:
        blame(form, error)
        return False
    if changed:
        audit.note(request, gettext_noop("books' settings changed"), f"company {company.code}", to=what)
        wake(company)
    return True


def _said(fees: Iterable[FeeRow]) -> list[tuple[FeeRow, str]]:
    """Each with its treatment in words."""
    words = dict(TREATMENTS)
    return [(row, str(words.get(row.treatment, row.treatment))) for row in fees]


def _shown(
    request: PageRequest, company: Company, account: AccountForm, fee: FeeForm, status: int = 200
) -> HttpResponse:
    ours, part = accounting_company(company), part_of(company)
    day = today(ours)
    return of_books(
        request, "accounts", company, status=status, accounts=ours.chart.rows(day), day=day,
        fees=_said(ours.chart.fees_on(day)), account_form=account, fee_form=fee,
        own=[*reversed(part.accounts)], own_fees=_said(reversed(part.fees)),
    )  # fmt: skip
