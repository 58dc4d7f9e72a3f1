"""Totals that must agree, read from the vouchers as they stand in the tables (RECONCILIATION §8).

    clearing    what the books say that a provider owes  =  what its statements leave open  (= what it states itself)
    vat         output VAT of the vouchers, per country and rate  =  VAT of the orders
    missing     which statements to fetch before a month is closed
    open items  what each order is still owed for on a day
    sealed      every voucher is what was approved

Drafts count like posted vouchers: the controls are read before anything is posted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

import msgspec
from django.db.models import Max, Min, Q, Sum

from samklang.accounting.control import VatKey, vat_of_movements
from samklang.accounting.daybook import book_sales
from samklang.accounting.expected import Opening as OpeningItem
from samklang.accounting.expected import owed_by_provider
from samklang.hub.models import Company
from samklang.hub.setup.companies import part_of
from samklang.reconciliation.companies import accounting_company, exchange
from samklang.reconciliation.facts import load, records
from samklang.reconciliation.models import Match, Opening, Payment, Statement, StatementLine, Voucher, VoucherLine
from samklang.records import content_hash, encode
from samklang.records.money import ZERO

_BATCH = 500


class Clearing(NamedTuple):
    """One provider on a day, in the ledger's currency. `booked` is the clearing account and the invoices that the
    provider will pay; `open` what of it the statements have not stated yet; `carried` the balance that its last
    statement carries on; `stated` what the provider says itself, where somebody has looked. Other than rounding,
    booked = open + carried."""

    provider: str
    booked: Decimal
    open: Decimal
    carried: Decimal
    stated: Decimal | None

    @property
    def difference(self) -> Decimal:
        """What nothing explains."""
        return self.booked - (self.open + self.carried if self.stated is None else self.stated)


class Vat(NamedTuple):
    """VAT of a period for one country and rate, in the ledger's currency."""

    country: str
    percent: Decimal
    vouchers: Decimal
    orders: Decimal

    @property
    def difference(self) -> Decimal:
        """Must be 0, but for rounding where orders are in other currencies."""
        return self.vouchers - self.orders


class Missing(NamedTuple):
    """Sales of a provider that no statement has reached."""

    provider: str
    first: date
    last: date


class Item(NamedTuple):
    """An amount that no statement has stated until a day."""

    provider: str
    order: str
    payment: str
    day: date
    amount: Decimal
    currency: str
    booked: Decimal
    pk: int


def clearing(company: Company, on: date, stated: Mapping[str, Decimal] | None = None) -> list[Clearing]:
    """Every provider on the day."""
    stated = stated or {}
    booked: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    rows = VoucherLine.objects.filter(
        tenant=company.tenant_id, voucher__company=company, voucher__date__lte=on
    ).exclude(party="")
    for party, role, total in (
        rows.values("party", "role").annotate(sum=Sum("amount")).values_list("party", "role", "sum")
    ):
        if owed_by_provider(role, party):
            booked[party] += _cents(total)
    open_: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for item in open_items(company, on):
        open_[item.provider] += item.booked
    carried = _carried(company, on)
    names = sorted({*booked, *open_, *carried, *stated})
    return [Clearing(name, booked[name], open_[name], carried.get(name, ZERO), stated.get(name)) for name in names]


def open_items(
    company: Company, on: date, *, after: tuple[str, date, int] | None = None, most: int | None = None
) -> list[Item]:
    """What was sold until the end of the day and is in no statement of that day or before; the month-end list.

    `after` is provider, day and row of the last that was shown.
    """
    days = dict(
        StatementLine.objects.filter(tenant=company.tenant_id, statement__company=company, statement__day__gt=on)
        .values_list("line", "statement__day")
        .iterator(chunk_size=5000)
    )
    later: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    if days:
        matches = Match.objects.filter(tenant=company.tenant_id, company=company)
        for line, expected, part in matches.values_list("line", "expected", "amount").iterator(chunk_size=5000):
            if line in days:
                later[expected] += Decimal(part)
    found = []
    payments = Payment.objects.filter(tenant=company.tenant_id, company=company, day__lte=on)
    rows = payments.exclude(left=0) if not later else payments
    if after is not None:
        name, day, pk = after
        rows = rows.filter(
            Q(provider__gt=name) | Q(provider=name, day__gt=day) | Q(provider=name, day=day, pk__gt=pk)
        )  # fmt: skip
    for row in rows.order_by("provider", "day", "pk").iterator(chunk_size=5000):
        left = row.left + later.get(row.payment, ZERO)
        if left:
            booked = (row.booked * left / row.amount).quantize(Decimal("0.01"))
            found.append(Item(row.provider, row.order, row.payment, row.day, left, row.currency, booked, row.pk))
            if len(found) == most:
                break
    return found


def _carried(company: Company, on: date) -> dict[str, Decimal]:
    """What providers carry from their statements, in the ledger's currency."""
    rows = Statement.objects.filter(tenant=company.tenant_id, company=company, day__lte=on).exclude(scope="report")
    last = rows.values("provider", "account", "currency").annotate(last=Max("day"))
    ours = accounting_company(company)
    rates = exchange(company, ours.currency)
    found: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for name, account, currency, day in last.values_list("provider", "account", "currency", "last"):
        row = rows.filter(provider=name, account=account, currency=currency, day=day).order_by("-pk")[0]
        if row.closing:
            found[name] += rates.to_ledger(row.closing, currency, day)
    return dict(found)


def vat(company: Company, first: date, last: date) -> list[Vat]:
    """Output VAT of the period: what the vouchers say, and what the orders' payments say."""
    rows = VoucherLine.objects.filter(
        tenant=company.tenant_id, voucher__company=company, voucher__about__range=(first, last),
        role__startswith="vat.out.",
    ).exclude(percent="")  # fmt: skip
    booked: defaultdict[VatKey, Decimal] = defaultdict(lambda: ZERO)
    sums = rows.values("country", "percent").annotate(sum=Sum("amount"))
    for country, percent, total in sums.values_list("country", "percent", "sum"):
        booked[VatKey(country, Decimal(percent))] -= _cents(total)
    ordered = _vat_of_orders(company, first, last)
    keys = sorted({*booked, *ordered})
    return [Vat(key.country, key.percent, booked[key], ordered.get(key, ZERO)) for key in keys]


def _vat_of_orders(company: Company, first: date, last: date) -> Mapping[VatKey, Decimal]:
    """Derived from the orders alone, in the ledger's currency at the day's rate."""
    part = part_of(company)
    ours = accounting_company(company, part)
    rates = exchange(company, ours.currency)
    facts = load(company, part).facts
    sales = book_sales(facts.orders, ours, rates, facts.delivered, [voucher.key for voucher in facts.posted])
    found: defaultdict[VatKey, Decimal] = defaultdict(lambda: ZERO)
    for movement in sales.movements:
        rate = rates.rate(movement.currency, movement.chart_day)
        for key, tax in vat_of_movements([movement], first, last).items():
            found[key] += tax * rate
    return {key: _cents(total) for key, total in found.items()}


def missing(company: Company, until: date) -> list[Missing]:
    """Providers whose sales no statement has reached: what to fetch before the close."""
    stated = dict(
        Statement.objects.filter(tenant=company.tenant_id, company=company)
        .values("provider")
        .annotate(last=Max("day"))
        .values_list("provider", "last")
    )
    rows = Payment.objects.filter(tenant=company.tenant_id, company=company, day__lte=until).exclude(left=0)
    found = []
    for provider in rows.values_list("provider", flat=True).distinct().order_by("provider"):
        after = rows.filter(provider=provider, day__gt=stated.get(provider, date.min))
        ends = after.aggregate(first=Min("day"), last=Max("day"))
        if ends["first"]:
            found.append(Missing(provider, ends["first"], ends["last"]))
    return found


def balances(company: Company, on: date) -> dict[str, tuple[str, Decimal]]:
    """Account → its name and balance of our vouchers at the end of the day, debit positive."""
    rows = VoucherLine.objects.filter(tenant=company.tenant_id, voucher__company=company, voucher__date__lte=on)
    found = rows.values("account").annotate(sum=Sum("amount"), name=Max("name")).values_list("account", "name", "sum")
    return {account: (name, _cents(total)) for account, name, total in found.order_by("account")}


def openings(company: Company) -> list[OpeningItem]:
    """The opening list at the cut-over."""

    rows = Opening.objects.filter(tenant=company.tenant_id, company=company).order_by("provider", "day", "item")
    return [msgspec.json.decode(bytes(body), type=OpeningItem) for body in rows.values_list("body", flat=True)]


def changed(company: Company) -> list[str]:
    """Keys of approved and posted vouchers whose rows are no longer what was approved: none, ever."""
    found = []
    rows = Voucher.objects.filter(tenant=company.tenant_id, company=company).order_by("pk").select_related("company")
    last = 0
    while some := list(rows.filter(pk__gt=last)[:_BATCH]):
        last = some[-1].pk
        for head, record in zip(some, records(some), strict=True):
            if content_hash(encode(record)) != bytes(head.hash) or head.line_count != len(record.lines):
                found.append(head.key)
    return found


def month(day: date) -> tuple[date, date]:
    """First and last day of the month."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _cents(total: object) -> Decimal:
    """A database's sum: SQLite adds in binary, so the last digits are rounded away."""
    return Decimal(str(total or 0)).quantize(Decimal("0.01"))
