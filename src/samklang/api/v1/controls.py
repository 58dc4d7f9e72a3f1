"""The totals that must agree, what buyers owe, and by which accounts and fees the books are kept."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from django.utils import timezone
from django.utils.translation import gettext_noop
from ninja import Query

from samklang.accounting.chart import AccountRow, FeeRow
from samklang.api.v1 import cursors
from samklang.api.v1.books import Code, company_of
from samklang.api.v1.cursors import Cursor, Limit
from samklang.api.v1.door import Call, Door, file
from samklang.api.v1.shapes import Amount, Answer, Page, struct
from samklang.hub.companies import part_of
from samklang.hub.models import Company
from samklang.people import audit
from samklang.people.rights import Right
from samklang.reconciliation import control as controls
from samklang.reconciliation import looks, reports
from samklang.reconciliation.companies import accounting_company, today

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
    """Output VAT of the period for a country and rate, by the vouchers and by the orders."""

    country: str
    percent: Amount
    vouchers: Amount
    orders: Amount
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
    """The totals that must agree. `changed` names vouchers whose rows are no longer what was approved: none, ever."""

    first: date
    last: date
    clearing: list[ClearingRow]
    vat: list[VatRow]
    missing: list[MissingRow]
    balances: list[BalanceRow]
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


def _period(company: Company, since: date | None, on: date | None) -> tuple[date, date]:
    """The days that were asked for; else this month so far."""
    last = on or today(accounting_company(company))
    return since or last.replace(day=1), last


@door.get("/companies/{company}/control", Right.BOOKS, Control)
def control(call: Call, company: Code, on: Day | None = None, since: FirstDay | None = None) -> Any:
    """Clearing balances, VAT, missing statements, balances of accounts; what buyers owe is /open-items."""
    row = company_of(call, company)
    first, last = _period(row, since, on)
    return {
        "first": first, "last": last,
        "clearing": [{**one._asdict(), "difference": one.difference} for one in controls.clearing(row, last)],
        "vat": [{**one._asdict(), "difference": one.difference} for one in controls.vat(row, first, last)],
        "missing": [one._asdict() for one in controls.missing(row, last)],
        "balances": [
            {"account": account, "name": name, "balance": total}
            for account, (name, total) in controls.balances(row, last).items()
        ],
        "changed": controls.changed(row),
    }  # fmt: skip


@door.download("/companies/{company}/control/{kind}", Right.BOOKS, *reports.FILES.values())
def control_file(
    call: Call, company: Code, kind: Literal["xlsx", "pdf"], on: Day | None = None, since: FirstDay | None = None
) -> Any:
    """The controls as a workbook or a document, with what buyers owe."""
    from samklang.reconciliation import papers  # takes a while to load, and few calls need it

    row = company_of(call, company)
    first, last = _period(row, since, on)
    sheets = reports.control_sheets(row, first, last)
    made = papers.to_xlsx(sheets) if kind == "xlsx" else papers.to_pdf(part_of(row).name, sheets, timezone.localtime())
    name = f"control-{row.code}-{last}.{kind}"
    audit.note(call.actor, gettext_noop("took a list as a file"), name, rows=sum(len(sheet.rows) for sheet in sheets))
    return file(name, made, reports.FILES[kind])


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
    ours = accounting_company(company_of(call, company))
    day = on or today(ours)
    return {"day": day, "accounts": ours.chart.rows(day), "fees": ours.chart.fees_on(day)}
