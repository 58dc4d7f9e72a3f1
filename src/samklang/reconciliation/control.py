"""Totals that must agree, read from the sums that are kept of vouchers and of orders (totals.py; RECONCILIATION §8).

    clearing    what the books say that a provider owes  =  what its statements leave open  (= what it states itself)
    vat         output VAT of the vouchers, per country and rate  =  VAT of the orders
    missing     which statements to fetch before a month is closed
    open items  what each order is still owed for on a day

That the kept sums are right, and every voucher what was approved, is looked after by check.py. Drafts count like posted
vouchers: the controls are read before anything is posted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from django.db.models import F, Max, Min, Q, QuerySet, Sum

from samklang.accounting.control import VatKey
from samklang.accounting.expected import Opening as OpeningItem
from samklang.accounting.expected import owed_by_provider
from samklang.hub.models import Company
from samklang.reconciliation.companies import accounting_company, exchange
from samklang.reconciliation.models import (
    LinesOfDay,
    Match,
    Opening,
    Payment,
    Statement,
    StatementLine,
    VatOfDay,
    Voucher,
    VoucherLine,
)
from samklang.reconciliation.sets import AT_ONCE
from samklang.records.money import ZERO

_CENT = Decimal("0.01")


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
    """VAT of a period for one country and rate, in the ledger's currency. `apart` is what of the vouchers' has no
    capture or refund of an order: tills, and what was relieved of lost disputes."""

    country: str
    percent: Decimal
    vouchers: Decimal
    orders: Decimal
    apart: Decimal = ZERO

    @property
    def difference(self) -> Decimal:
        """Must be 0, but for rounding where orders are in other currencies."""
        return self.vouchers - self.orders - self.apart


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
    rows = LinesOfDay.objects.filter(tenant=company.tenant_id, company=company, date__lte=on).exclude(party="")
    sums = rows.order_by().values("party", "role").annotate(sum=Sum("amount"))
    for party, role, total in sums.values_list("party", "role", "sum"):
        if owed_by_provider(role, party):
            booked[party] += _cents(total)
    open_ = _open_sums(company, on)
    carried = _carried(company, on)
    names = sorted({*booked, *open_, *carried, *stated})
    return [
        Clearing(name, booked[name], open_.get(name, ZERO), carried.get(name, ZERO), stated.get(name))
        for name in names
    ]  # fmt: skip


def open_items(
    company: Company, on: date, *, after: tuple[str, date, int] | None = None, most: int | None = None
) -> list[Item]:
    """What was sold until the end of the day and is in no statement of that day or before; the month-end list.

    `after` is provider, day and row of the last that was shown.
    """
    return list(islice(_open_items(company, on, after), most))


def _open_items(company: Company, on: date, after: tuple[str, date, int] | None = None) -> Iterator[Item]:
    """By provider, day and row, as the database sorts them."""
    payments, stated_later = _open_on(company, on)
    if after is not None:
        name, day, pk = after
        payments = payments.filter(
            Q(provider__gt=name) | Q(provider=name, day__gt=day) | Q(provider=name, day=day, pk__gt=pk)
        )  # fmt: skip
    fields = ("provider", "order", "payment", "day", "left", "currency", "booked", "pk", "amount")
    rows = payments.order_by("provider", "day", "pk").values_list(*fields).iterator(chunk_size=AT_ONCE)
    while some := list(islice(rows, AT_ONCE)):
        later = _stated_later(company, on, [row[2] for row in some]) if stated_later else {}
        for provider, order, payment, day, left, currency, booked, pk, amount in some:
            if then := left + later.get(payment, ZERO):
                yield Item(provider, order, payment, day, then, currency, (booked * then / amount).quantize(_CENT), pk)


def _open_on(company: Company, on: date) -> tuple[QuerySet[Payment], bool]:
    """Payments that may have been open at the end of the day: those that are now, and those that only statements of
    later days have closed; and whether there are such statements."""
    payments = Payment.objects.filter(tenant=company.tenant_id, company=company, day__lte=on)
    open_ = payments.exclude(left=0)
    statements = Statement.objects.filter(tenant=company.tenant_id, company=company, day__gt=on)
    if not statements.exists():
        return open_, False
    lines = StatementLine.objects.filter(tenant=company.tenant_id, statement__in=statements.values("pk"))
    matches = Match.objects.filter(tenant=company.tenant_id, company=company, line__in=lines.values("line"))
    closed = payments.filter(left=0, payment__in=matches.values("expected"))
    rows = open_.order_by().values("pk").union(closed.order_by().values("pk"))  # one condition would read all payments
    return Payment.objects.filter(pk__in=rows), True


def _stated_later(company: Company, on: date, payments: Sequence[str]) -> Mapping[str, Decimal]:
    """Of these payments: what statements of later days have stated."""
    matches = Match.objects.filter(tenant=company.tenant_id, company=company, expected__in=payments)
    rows = list(matches.values_list("line", "expected", "amount"))
    lines = StatementLine.objects.filter(
        tenant=company.tenant_id, line__in=[row[0] for row in rows],
        statement__company=company, statement__day__gt=on,
    )  # fmt: skip
    later = set(lines.values_list("line", flat=True))
    found: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for line, payment, part in rows:
        if line in later:
            found[payment] += Decimal(part)
    return found


def _open_sums(company: Company, on: date) -> Mapping[str, Decimal]:
    """Provider → the sum of its open items, in the ledger's currency. Where no later day has stated any of it, the
    database adds up those that are wholly open; only the others are read."""
    found: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    payments, stated_later = _open_on(company, on)
    if stated_later:
        for item in _open_items(company, on):
            found[item.provider] += item.booked
        return found
    whole = payments.order_by().filter(left=F("amount")).values("provider").annotate(sum=Sum("booked"))
    for provider, total in whole.values_list("provider", "sum"):
        found[provider] += _cents(total)
    parts = payments.exclude(left=F("amount")).values_list("provider", "booked", "left", "amount")
    for provider, booked, left, amount in parts.iterator(chunk_size=5000):
        found[provider] += (booked * left / amount).quantize(_CENT)
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
    """Output VAT of the period: what the vouchers say, and what the orders' payments say, as the last run of the books
    has derived either."""
    rows = LinesOfDay.objects.filter(
        tenant=company.tenant_id, company=company, about__range=(first, last), role__startswith="vat.out."
    )
    booked = _by_rate(rows.exclude(percent=""))
    ordered = _by_rate(VatOfDay.objects.filter(tenant=company.tenant_id, company=company, day__range=(first, last)))
    apart = _by_rate(_apart(company, first, last).filter(role__startswith="vat.out.").exclude(percent=""))
    return [
        Vat(key.country, key.percent, -booked.get(key, ZERO), ordered.get(key, ZERO), -apart.get(key, ZERO))
        for key in sorted({*booked, *ordered})
    ]


def _apart(company: Company, first: date, last: date) -> QuerySet[VoucherLine]:
    """Lines of vouchers that are about no order's capture or refund, and of what takes such vouchers back."""
    mine = Voucher.objects.filter(tenant=company.tenant_id, company=company)
    found = dict(mine.filter(source__in=("pos", "dispute"), about__range=(first, last)).values_list("key", "pk"))
    back = mine.filter(key__in=[f"{key}/reversal" for key in found]).values_list("pk", flat=True)
    return VoucherLine.objects.filter(tenant=company.tenant_id, voucher__in=[*found.values(), *back])


def _by_rate(rows: QuerySet[Any]) -> dict[VatKey, Decimal]:
    sums = rows.order_by().values("country", "percent").annotate(sum=Sum("amount"))
    found: defaultdict[VatKey, Decimal] = defaultdict(lambda: ZERO)
    for country, percent, total in sums.values_list("country", "percent", "sum"):
        found[VatKey(country, Decimal(percent))] += _cents(total)
    return found


class OssVat(NamedTuple):
    """Output VAT of the One Stop Shop for one country and rate, in the currency of the sale: the return is in euro."""

    country: str
    percent: Decimal
    currency: str
    tax: Decimal


def oss(company: Company, first: date, last: date) -> list[OssVat]:
    """The One Stop Shop's VAT of a period, by the vouchers of its days."""
    rows = VoucherLine.objects.filter(
        tenant=company.tenant_id, voucher__company=company, voucher__about__range=(first, last),
        role__startswith="vat.out.oss",
    ).exclude(percent="")  # fmt: skip
    found: defaultdict[tuple[str, Decimal, str], Decimal] = defaultdict(lambda: ZERO)
    fields = ("country", "percent", "currency", "foreign", "amount", "voucher__currency")
    for country, percent, currency, foreign, amount, home in rows.values_list(*fields).iterator(chunk_size=5000):
        found[country, Decimal(percent), currency or home] -= Decimal(foreign) if foreign else amount
    return [OssVat(*key, tax.quantize(_CENT)) for key, tax in sorted(found.items()) if tax]


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
    rows = LinesOfDay.objects.filter(tenant=company.tenant_id, company=company, date__lte=on).order_by()
    found = rows.values("account").annotate(sum=Sum("amount"), name=Max("name")).values_list("account", "name", "sum")
    return {account: (name, _cents(total)) for account, name, total in found.order_by("account")}


def openings(company: Company) -> list[OpeningItem]:
    """The opening list at the cut-over."""

    rows = Opening.objects.filter(tenant=company.tenant_id, company=company).order_by("provider", "day", "item")
    return [msgspec.json.decode(bytes(body), type=OpeningItem) for body in rows.values_list("body", flat=True)]


def month(day: date) -> tuple[date, date]:
    """First and last day of the month."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _cents(total: object) -> Decimal:
    """A database's sum: SQLite adds in binary, so the last digits are rounded away."""
    return Decimal(str(total or 0)).quantize(Decimal("0.01"))
