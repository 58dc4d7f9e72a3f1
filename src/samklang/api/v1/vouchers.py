"""Vouchers, their approval, and the totals that must agree. Statements and matching: books.py."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop
from ninja import Query
from pydantic import Field

from samklang.accounting.chart import AccountRow, FeeRow
from samklang.api.v1 import cursors
from samklang.api.v1.books import Code, company_of, listed
from samklang.api.v1.cursors import Cursor, Limit
from samklang.api.v1.door import Call, Door, Input
from samklang.api.v1.errors import NotThere, Unfit
from samklang.api.v1.shapes import Amount, Answer, Page, struct
from samklang.api.v1.webhooks import Count, Number
from samklang.hub.models import Company
from samklang.people import audit
from samklang.people.rights import Right
from samklang.reconciliation import control as controls
from samklang.reconciliation import handover, looks
from samklang.reconciliation.companies import accounting_company, ledger_flow, today
from samklang.reconciliation.models import Voucher
from samklang.reconciliation.vouchers import Seen
from samklang.reconciliation.vouchers import approve as approve_seen

door = Door("vouchers")
State = Literal["draft", "validated", "approved", "sent", "posted", "reversed"]
Day = Annotated[date, Query(description="The last day of the period; today where it is not named.")]


class VoucherRow(Answer):
    """A voucher. `hash` is what an approval must name; `number` is the ledger's; `why_draft` says what must be decided
    before it may be approved."""

    id: int
    key: str
    date: date
    text: str
    source: str
    currency: str
    turnover: Amount
    state: State
    number: str
    why_draft: str
    hash: str
    approved_by: str


class VoucherLineRow(Answer):
    """An amount on an account; debit is positive. `rows` counts the source rows that it is made of."""

    number: int
    account: str
    name: str
    amount: Amount
    role: str
    text: str
    country: str
    percent: str
    foreign: str
    currency: str
    rows: int


class VoucherLook(VoucherRow):
    """A voucher whole. `ledger` is the connection that approved vouchers go to ("" = none)."""

    series: str
    reverses: str
    made_at: datetime
    approved_at: datetime | None
    posted_at: datetime | None
    ledger: str
    lines: list[VoucherLineRow]


class SourceRow(Answer):
    """A source row of a line, and its share of the line's amount."""

    kind: str
    row: str
    amount: Amount


class SeenInput(Input):
    """A voucher as it was seen."""

    id: Number
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class ApprovalInput(Input):
    """Vouchers to approve, each just as it was seen."""

    vouchers: Annotated[list[SeenInput], Field(min_length=1, max_length=1000)]


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


def _find(call: Call, company: str, number: int) -> Voucher:
    rows = Voucher.objects.select_related("company").filter(tenant=call.tenant, company__code=company)
    row = rows.filter(pk=number).first()
    if row is None:
        raise NotThere(f"There is no voucher {number}")
    return row


def _whole(row: Voucher) -> dict[str, Any]:
    counts, flow = looks.ref_counts(row), ledger_flow(row.company)
    lines = [
        {
            "number": one.number, "account": one.account, "name": one.name, "amount": looks.amount(one.amount),
            "role": one.role, "text": one.text, "country": one.country, "percent": one.percent,
            "foreign": one.foreign, "currency": one.currency, "rows": counts.get(one.number, 0),
        }
        for one in looks.voucher_lines(row)
    ]  # fmt: skip
    return {
        **looks.voucher_row(row)._asdict(), "id": row.pk, "series": row.series, "reverses": row.reverses,
        "made_at": row.made_at, "approved_at": row.approved_at, "posted_at": row.posted_at,
        "ledger": flow.target.name if flow else "", "lines": lines,
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------ vouchers


@door.get("/companies/{company}/vouchers", Right.BOOKS, Page[VoucherRow])
def vouchers(
    call: Call,
    company: Code,
    q: Annotated[str, Query(max_length=80, description="A part of the text or the ledger's number.")] = "",
    state: Annotated[Literal["", State], Query(description="Only of this state.")] = "",
    source: Annotated[str, Query(max_length=16, description="What it books: sales, settlement …")] = "",
    order: Annotated[str, Query(max_length=300, description="Key of an order that it books.")] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Any:
    """Vouchers, the newest first."""
    with cursors.judged():
        found = looks.vouchers(
            company_of(call, company), states=[state] if state else (), source=source, search=q.strip(), order=order,
            before=cursors.text(cursor), most=limit + 1,
        )  # fmt: skip
    return listed(found, limit, "date")


@door.get("/companies/{company}/vouchers/{number}", Right.BOOKS, VoucherLook)
def voucher(call: Call, company: Code, number: Number) -> Any:
    """One voucher, line by line."""
    return _whole(_find(call, company, number))


@door.get("/companies/{company}/vouchers/{number}/lines/{line}/rows", Right.BOOKS, Page[SourceRow])
def voucher_rows(
    call: Call, company: Code, number: Number, line: Annotated[int, Field(ge=1, le=100_000)], limit: Limit = 50,
    cursor: Cursor = "",
) -> Any:  # fmt: skip
    """The source rows of a voucher's line (payments, statement lines, fees), with their shares."""
    found = looks.refs(_find(call, company, number), line, after=cursors.row(cursor), most=limit + 1)
    page = cursors.cut(found, limit, lambda row: row.pk)
    return {**page, "items": [{"kind": row.kind, "row": row.row, "amount": row.amount} for row in page["items"]]}


@door.post("/companies/{company}/approvals", Right.APPROVE, Count)
def vouchers_approve(call: Call, company: Code, payload: ApprovalInput) -> Any:
    """Approve vouchers: they go to the ledger and never change again.

    Each is named with its `hash`: when one has changed since, or may not be approved, none of them is.
    """
    row = company_of(call, company)
    numbers = [one.id for one in payload.vouchers]
    if len(set(numbers)) != len(numbers):
        raise Unfit("A voucher is named twice", where="body.vouchers")
    count = approve_seen(row, [Seen(one.id, one.hash) for one in payload.vouchers], by=call.actor.name)
    named = Voucher.objects.filter(tenant=call.tenant, company=row, pk__in=numbers)
    for key in named.values_list("key", flat=True):
        audit.note(call.actor, gettext_noop("voucher approved"), f"voucher {key}")
    return {"count": count}


@door.post("/companies/{company}/vouchers/{number}/withdraw", Right.APPROVE, VoucherLook)
def voucher_withdraw(call: Call, company: Code, number: Number) -> Any:
    """Take an approval back while the ledger has not been asked: the voucher is a draft again."""
    row = _find(call, company, number)
    handover.withdraw(row.company, row.pk, by=call.actor.name)
    audit.note(call.actor, gettext_noop("approval withdrawn"), f"voucher {row.key}")
    return _whole(_find(call, company, number))


# ------------------------------------------------------------------------------------------------ control


def _period(company: Company, since: date | None, on: date | None) -> tuple[date, date]:
    """The days that were asked for; else this month so far."""
    last = on or today(accounting_company(company))
    return since or last.replace(day=1), last


@door.get("/companies/{company}/control", Right.BOOKS, Control)
def control(
    call: Call, company: Code, on: Day | None = None,
    since: Annotated[date, Query(description="The first day; the month's where it is not named.")] | None = None,
) -> Any:  # fmt: skip
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
