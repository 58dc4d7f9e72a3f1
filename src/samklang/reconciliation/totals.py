"""What is added up of the books day by day, so that a month's controls cost the same whatever is sold.

    VatOfDay     what the orders' captures and refunds carry: each run keeps what it has derived of the orders
    LinesOfDay   what the vouchers say: added up anew for a day whenever lines of the day were written

The two never meet before control.py compares them. check.py derives both anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Max, QuerySet, Sum

from samklang.accounting.control import VatKey
from samklang.hub.models import Company
from samklang.reconciliation.models import LinesOfDay, VatOfDay, VoucherLine
from samklang.reconciliation.sets import AT_ONCE, insert, upsert
from samklang.records.money import ZERO

_FOUR = Decimal("0.0001")  # as amounts are kept


#: What voucher lines that are added up have in common: the voucher's days, and the lines' own.
_SAME = ("date", "about", "account", "role", "party", "country", "percent")


class _Same(NamedTuple):
    day: date
    rest: tuple[object, ...]


class VatDay(NamedTuple):
    """What a kept sum of VAT is of; the rate in digits without trailing zeros."""

    day: date
    country: str
    percent: str


def vat_days(found: Mapping[tuple[date, VatKey], Decimal]) -> dict[VatDay, Decimal]:
    """Derived VAT as it is kept: in the ledger's currency, to four decimals, without days that sum to nothing."""
    rows = {
        VatDay(day, key.country, f"{key.percent.normalize():f}"): amount.quantize(_FOUR)
        for (day, key), amount in found.items()
    }
    return {day: amount for day, amount in rows.items() if amount}


def kept_vat(company: Company) -> dict[VatDay, Decimal]:
    """All that is kept."""
    rows = VatOfDay.objects.filter(tenant=company.tenant_id, company=company)
    return {VatDay(*row[:3]): row[3] for row in rows.values_list("day", "country", "percent", "amount")}


def keep_vat(company: Company, found: Mapping[tuple[date, VatKey], Decimal]) -> None:
    """This is what a run has derived. The caller has opened the transaction, and writes the vouchers in the same."""
    now, there = vat_days(found), kept_vat(company)
    mine = {"tenant_id": company.tenant_id, "company_id": company.pk}
    changed = [
        VatOfDay(**mine, **day._asdict(), amount=amount) for day, amount in now.items() if there.get(day) != amount
    ]
    upsert(VatOfDay, changed, ("tenant", "company", "day", "country", "percent"), ("amount",))
    for day in there.keys() - now.keys():
        VatOfDay.objects.filter(**mine, **day._asdict()).delete()


def keep_lines(company: Company, days: Collection[date]) -> None:
    """Add up the voucher lines of these days (the vouchers' dates) anew. The caller has opened the transaction."""
    mine = {"tenant_id": company.tenant_id, "company_id": company.pk}
    for some in _parts(sorted(days)):
        LinesOfDay.objects.filter(**mine, date__in=some).delete()
        insert(
            LinesOfDay,
            ("tenant", "company", *_SAME, "name", "amount"),
            [  # read to the end first: while rows are copied in, the connection can be asked nothing
                (*mine.values(), same.day, *same.rest, name, amount)
                for same, name, amount in _sums(_lines(company).filter(voucher__date__in=some))
            ],
        )


def differing_lines(company: Company) -> dict[date, Decimal]:
    """Days (the vouchers' dates) whose kept sums are not those of their lines → the sum of what they differ by."""
    rows = LinesOfDay.objects.filter(tenant=company.tenant_id, company=company)
    differ = {_Same(day, tuple(rest)): -amount for day, *rest, amount in rows.values_list(*_SAME, "amount")}
    for same, _, amount in _sums(_lines(company)):
        differ[same] = differ.get(same, ZERO) + amount
    found: dict[date, Decimal] = {}
    for same, amount in differ.items():
        if amount:
            found[same.day] = found.get(same.day, ZERO) + abs(amount)
    return found


def _lines(company: Company) -> QuerySet[VoucherLine]:
    return VoucherLine.objects.filter(tenant=company.tenant_id, voucher__company=company)


def _sums(lines: QuerySet[VoucherLine]) -> Iterator[tuple[_Same, str, Decimal]]:
    """Rows of LinesOfDay out of voucher lines: what is the same, the account's name, the sum."""
    named = ("voucher__date", "voucher__about", *_SAME[2:])
    rows = lines.order_by().values(*named).annotate(called=Max("name"), sum=Sum("amount"))
    for day, *rest, called, total in rows.values_list(*named, "called", "sum"):
        yield _Same(day, tuple(rest)), called, Decimal(str(total)).quantize(_FOUR)  # SQLite adds in binary


def _parts(days: Iterable[date]) -> Iterator[list[date]]:
    all_ = list(days)
    for start in range(0, len(all_), AT_ONCE):
        yield all_[start : start + AT_ONCE]
