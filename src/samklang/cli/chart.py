"""`samklang vouchers accounts, account, fee`: which account plays which role, and how fees are taxed."""

from __future__ import annotations

from typing import Annotated, get_args

from cyclopts import Parameter
from django.utils.translation import gettext_noop

from samklang.accounting.chart import AccountRow, FeeRow, Treatment
from samklang.cli.books import OfCompany, a_day, company_of
from samklang.cli.screen import WrongUse
from samklang.cli.session import Common, Session, session, who
from samklang.cli.vouchers import vouchers
from samklang.hub.models import Company
from samklang.hub.setup import bookkeeping
from samklang.reconciliation.companies import accounting_company, entity_of, today, wake

Since = Annotated[str, Parameter(help="First day that it counts; earlier vouchers keep what was true for them.")]
Why = Annotated[str, Parameter(help="Kept with the configuration's history.")]


@vouchers.command
def accounts(*, company: OfCompany = "", common: Common | None = None) -> None:
    """Which account plays which role today, and how each provider's fees are taxed."""
    with session(common) as now:
        row = company_of(now, company)
        ours = accounting_company(row)
        day = today(ours)
        found, fees = ours.chart.rows(day), ours.chart.fees_on(day)
        now.screen.answer(
            {
                "accounts": [{"role": one.role, "account": one.account, "name": one.name} for one in found],
                "fees": [
                    {"provider": one.provider, "entity": one.entity, "fee": one.fee, "treatment": one.treatment}
                    for one in fees
                ],
            }
        )
        now.screen.table(["Role", "Account", "Name"], [(one.role, one.account, one.name) for one in found])
        now.screen.table(
            ["Provider", "Entity", "Fee", "Treatment"],
            [(one.provider, one.entity, one.fee, one.treatment) for one in fees],
        )


@vouchers.command
def account(
    role: Annotated[str, Parameter(help="As `accounts` names it, or a part: vat.out.oss.DE, receivable.psp.NAME.")],
    number: Annotated[str, Parameter(help="The ledger's account.")],
    *,
    since: Since,
    why: Why,
    name: Annotated[str, Parameter(help="What the account is called.")] = "",
    company: OfCompany = "",
    common: Common | None = None,
) -> None:
    """Give a role another account from a day on."""
    with session(common) as now:
        row = AccountRow(role=role, account=number, name=name, since=a_day(since))
        _change(now, company_of(now, company), bookkeeping.with_account(row), f"{role} → {number}", why)


@vouchers.command
def fee(
    provider: Annotated[str, Parameter(help="Whose fee.")],
    treatment: Annotated[str, Parameter(help="SE_VAT, RC_EU, RC_NON_EU, EXEMPT; NEEDS_DECISION stops its statements.")],
    *,
    since: Since,
    why: Why,
    kind: Annotated[str, Parameter(help="The provider's own word for the fee (default: all of its fees).")] = "",
    company: OfCompany = "",
    common: Common | None = None,
) -> None:
    """Say how a provider's fee is taxed from a day on."""
    chosen = next((known for known in get_args(Treatment) if known == treatment), None)
    if chosen is None:
        raise WrongUse(f"{treatment} is no treatment", f"Known are: {', '.join(get_args(Treatment))}.")
    with session(common) as now:
        of = company_of(now, company)
        row = FeeRow(provider=provider, fee=kind, treatment=chosen, since=a_day(since), entity=entity_of(of, provider))
        _change(now, of, bookkeeping.with_fee(row), f"{provider} {kind} → {treatment}", why)


def _change(now: Session, company: Company, edit: bookkeeping.Edit, what: str, why: str) -> None:
    changed = bookkeeping.change(company, edit, by=who(), why=f"{what}: {why}")
    if changed:
        now.note(gettext_noop("books' settings changed"), f"company {company.code}", to=what)
        wake(company)
    now.screen.answer({"changed": changed})
    now.screen.say("It counts from that day on." if changed else "It is so already.")
