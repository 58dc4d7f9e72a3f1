"""The totals that must agree, what buyers owe, and by which accounts and fees the books are kept."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop
from ninja import Query
from pydantic import Field

from samklang.accounting.chart import AccountRow, FeeRow
from samklang.api.v1 import cursors
from samklang.api.v1.books import Code, company_of
from samklang.api.v1.cursors import Cursor, Limit
from samklang.api.v1.door import Call, Door, Input, file
from samklang.api.v1.errors import Unfit
from samklang.api.v1.shapes import Amount, Answer, Page, struct
from samklang.hub.models import Company
from samklang.hub.setup import bookkeeping
from samklang.people import audit
from samklang.people.rights import Right
from samklang.reconciliation import control as controls
from samklang.reconciliation import looks, reports
from samklang.reconciliation.companies import accounting_company, entity_of, today, wake
from samklang.reconciliation.models import Books

door = Door("controls")
Day = Annotated[date, Query(description="The last day of the period; today where it is not named.")]
FirstDay = Annotated[date, Query(description="The first day; the month's where it is not named.")]


class ClearingRow(Answer):
    """A provider on the day: `booked` must be `open` (sold and not stated yet) plus `carried` (its own balance)."""

    provider: str
    booked: Amount
    open: Amount
    carried: Amount
    difference: Amount


class VatRow(Answer):
    """Output VAT of the period for a country and rate, by the vouchers and by the orders; `apart` is what of the
    vouchers' is of tills and lost disputes, which have no order's capture or refund."""

    country: str
    percent: Amount
    vouchers: Amount
    orders: Amount
    apart: Amount
    difference: Amount


class MissingRow(Answer):
    """Sales of a provider that no statement has reached."""

    provider: str
    first: date
    last: date


class BalanceRow(Answer):
    """An account's balance at the end of the period; debit is positive."""

    account: str
    name: str
    balance: Amount


class Control(Answer):
    """The totals that must agree, as the books were kept at `ran_at`. At `checked_at` all of them were derived anew and
    compared: `differing` sums were something else, and `changed` names vouchers whose rows were no longer what was
    approved (the first 200): none, ever."""

    first: date
    last: date
    clearing: list[ClearingRow]
    vat: list[VatRow]
    missing: list[MissingRow]
    balances: list[BalanceRow]
    ran_at: datetime | None
    checked_at: datetime | None
    differing: int
    changed: list[str]


class OpenItemRow(Answer):
    """What was sold until the day and not stated by then; `booked` is in the ledger's currency."""

    provider: str
    order: str
    payment: str
    day: date
    amount: Amount
    currency: str
    booked: Amount


class Settings(Answer):
    """Accounts by role and treatment of fees, as they are in force on the day."""

    day: date
    accounts: list[struct(AccountRow)]  # type: ignore[valid-type]
    fees: list[struct(FeeRow)]  # type: ignore[valid-type]


class AccountInput(Input):
    """From a day on, the role has this account. `why` is kept with the configuration's history."""

    role: Annotated[str, Field(min_length=1, max_length=60)]
    account: Annotated[str, Field(pattern=r"^[0-9A-Za-z.]{2,20}$")]
    name: Annotated[str, Field(max_length=100)] = ""
    since: date
    why: Annotated[str, Field(min_length=1, max_length=200)]


class FeeInput(Input):
    """From a day on, a provider's fee is taxed so; no `fee` = all of its fees."""

    provider: Annotated[str, Field(min_length=1, max_length=40)]
    fee: Annotated[str, Field(max_length=60)] = ""
    treatment: Literal["SE_VAT", "RC_EU", "RC_NON_EU", "EXEMPT"]
    since: date
    why: Annotated[str, Field(min_length=1, max_length=200)]


def _period(company: Company, since: date | None, on: date | None) -> tuple[date, date]:
    """The days that were asked for; else this month so far."""
    last = on or today(accounting_company(company))
    return since or last.replace(day=1), last


@door.get("/companies/{company}/control", Right.BOOKS, Control)
def control(call: Call, company: Code, on: Day | None = None, since: FirstDay | None = None) -> Any:
    """Clearing balances, VAT, missing statements, balances of accounts; what buyers owe is /open-items."""
    row = company_of(call, company)
    first, last = _period(row, since, on)
    books = looks.books(row) or Books()
    return {
        "first": first, "last": last,
        "clearing": [{**one._asdict(), "difference": one.difference} for one in controls.clearing(row, last)],
        "vat": [{**one._asdict(), "difference": one.difference} for one in controls.vat(row, first, last)],
        "missing": [one._asdict() for one in controls.missing(row, last)],
        "balances": [
            {"account": account, "name": name, "balance": total}
            for account, (name, total) in controls.balances(row, last).items()
        ],
        "ran_at": books.ran_at, "checked_at": books.checked_at, "differing": books.differing, "changed": books.changed,
    }  # fmt: skip


@door.download("/companies/{company}/control/{kind}", Right.BOOKS, *reports.FILES.values())
def control_file(
    call: Call, company: Code, kind: Literal["xlsx", "pdf"], on: Day | None = None, since: FirstDay | None = None
) -> Any:
    """The controls as a workbook or a document, with what buyers owe."""
    from samklang.reconciliation import papers  # takes a while to load, and few calls need it

    row = company_of(call, company)
    first, last = _period(row, since, on)
    made = papers.control_file(row, first, last, kind)
    audit.note(call.actor, gettext_noop("took a list as a file"), made.name, rows=made.rows)
    return file(made.name, made.body, reports.FILES[kind])


@door.get("/companies/{company}/open-items", Right.BOOKS, Page[OpenItemRow])
def open_items(call: Call, company: Code, on: Day | None = None, limit: Limit = 50, cursor: Cursor = "") -> Any:
    """What was sold until a day and is in no statement of that day or before: the month-end list."""
    row = company_of(call, company)
    after = cursors.read(cursor, tuple[str, date, cursors.Place])
    found = controls.open_items(row, _period(row, None, on)[1], after=after, most=limit + 1)
    page = cursors.cut(found, limit, lambda one: (one.provider, one.day, one.pk))
    plain = [
        {**one._asdict(), "amount": looks.amount(one.amount), "booked": looks.amount(one.booked)}
        for one in page["items"]
    ]  # fmt: skip
    return {**page, "items": plain}


@door.get("/companies/{company}/accounts", Right.BOOKS, Settings)
def accounts(call: Call, company: Code, on: Day | None = None) -> Any:
    """Which account plays which role, and how each provider's fees are taxed; DECIDE waits for a person."""
    return _settings(company_of(call, company), on)


def _settings(row: Company, on: date | None = None) -> dict[str, Any]:
    ours = accounting_company(row)
    day = on or today(ours)
    return {"day": day, "accounts": ours.chart.rows(day), "fees": ours.chart.fees_on(day)}


@door.post("/companies/{company}/accounts", Right.APPROVE, Settings)
def account_add(call: Call, company: Code, payload: AccountInput) -> Any:
    """Give a role another account from a day on; earlier vouchers keep theirs."""
    account = AccountRow(**payload.model_dump(exclude={"why"}))
    what = f"{account.role} → {account.account}"
    return _changed(call, company_of(call, company), bookkeeping.with_account(account), what, payload.why)


@door.post("/companies/{company}/fees", Right.APPROVE, Settings)
def fee_add(call: Call, company: Code, payload: FeeInput) -> Any:
    """Say how a provider's fee is taxed from a day on."""
    row = company_of(call, company)
    chart = accounting_company(row).chart
    if payload.provider not in {one.provider for one in chart.fees}:
        raise Unfit(f"There are no fees of {payload.provider}", where="body.provider")
    fee = FeeRow(**payload.model_dump(exclude={"why"}), entity=entity_of(row, payload.provider))
    what = f"{fee.provider} {fee.fee} → {fee.treatment}"
    return _changed(call, row, bookkeeping.with_fee(fee), what, payload.why)


def _changed(call: Call, row: Company, edit: bookkeeping.Edit, what: str, why: str) -> dict[str, Any]:
    if bookkeeping.change(row, edit, by=call.actor.name, why=f"{what}: {why}"):
        audit.note(call.actor, gettext_noop("books' settings changed"), f"company {row.code}", to=what)
        wake(row)
    row.refresh_from_db()
    return _settings(row)
