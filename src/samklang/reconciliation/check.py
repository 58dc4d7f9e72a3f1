"""The check of the books, once a night and by `samklang control --anew`: whatever the page of controls shows out of
kept sums is derived anew and compared, and every voucher with what was approved.

    VAT       of each day, country and rate: out of the orders alone, as if there were no vouchers
    lines     the kept sums of voucher lines: out of the lines
    vouchers  what was approved: by its hash

What differs is a problem until a check finds it well. Orders and vouchers are read some at a time.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

import structlog
from django.db import transaction
from django.utils import timezone

from samklang.accounting.control import VatKey, vat_of_days
from samklang.accounting.daybook import book_sales
from samklang.accounting.problems import Problem
from samklang.hub import leases
from samklang.hub.models import Company, Step, Stored
from samklang.hub.setup.companies import CompanyPart, part_of
from samklang.reconciliation import exceptions, totals
from samklang.reconciliation.companies import accounting_company, exchange, shops
from samklang.reconciliation.facts import changed, defers, delivered_days, in_vouchers, orders_of
from samklang.reconciliation.models import OPEN, Books, Voucher
from samklang.records import Order
from samklang.records.money import ZERO
from samklang.records.times import business_date, zone

log = structlog.get_logger()
_ORDERS, _VOUCHERS = 2000, 50  # at a time; a voucher of a day rests on as many rows as were sold
_NAMED = 200  # changed vouchers that are named with the books; each is a problem
#: At night in the first shop's zone; whoever is switched off at night is checked by day.
_NIGHT, _AGAIN, _LATEST = range(1, 6), timedelta(hours=12), timedelta(hours=36)


class Checked(NamedTuple):
    """What a check has found: vouchers compared, keys of those that are no longer what was approved (the first 200),
    and how many kept sums differ from what they are derived to be."""

    vouchers: int
    changed: list[str]
    differing: int


def due(company: Company) -> bool:
    """Whether it is time for the nightly check. Books that have never been kept have nothing to check."""
    books = Books.objects.filter(tenant=company.tenant_id, company=company).first()
    if books is None or books.ran_at is None:
        return False
    now = timezone.now()
    if books.checked_at is None or now > books.checked_at + _LATEST:
        return True
    shop = next(iter(shops(company, part_of(company))), None)
    hour = now.astimezone(zone(shop.time_zone) if shop else UTC).hour
    return hour in _NIGHT and now > books.checked_at + _AGAIN


def check(company: Company, *, mend: bool = False) -> Checked | None:
    """Derive anew, compare, report. `mend` adds up the lines of differing days anew, and the next run keeps the VAT.

    None while another process is at the books, or when a run must come first (settings, files and decisions that no
    run has seen yet). Orders that have changed since the last run do not count as differences.
    """
    with leases.holding(company.tenant_id, f"books-{company.pk}") as held:
        books = Books.objects.filter(tenant=company.tenant_id, company=company).first()
        if held is None or books is None or books.ran_at is None or books.error or books.wanted != books.done:
            return None
        part = part_of(company)
        vat = _differing_vat(company, part, books.read_until)
        lines = totals.differing_lines(company)
        vouchers, differing = changed_vouchers(company)
        found = Checked(vouchers, differing[:_NAMED], len(vat) + len(lines))
        with transaction.atomic():
            problems = [*vat, *_of_lines(lines, part), *map(exceptions.voucher_changed, differing)]
            exceptions.replace(company, problems, "checked")
            if mend:
                totals.keep_lines(company, lines.keys())
                books.wanted += 1
            books.checked_at, books.checked, books.changed, books.differing = timezone.now(), *found
            books.save(update_fields=["wanted", "checked_at", "checked", "changed", "differing"])
    log.info("books checked", company=company.code, **found._asdict())
    return found


def changed_vouchers(company: Company) -> tuple[int, list[str]]:
    """(vouchers, keys of those whose rows are no longer what was derived and approved: none, ever)."""
    rows = Voucher.objects.filter(tenant=company.tenant_id, company=company).order_by("pk").select_related("company")
    found, count, last = [], 0, 0
    while some := list(rows.filter(pk__gt=last)[:_VOUCHERS]):
        last, count = some[-1].pk, count + len(some)
        found += changed(some)
    return count, found


def _differing_vat(company: Company, part: CompanyPart, since: float) -> list[Problem]:
    derived, unsettled = _derived(company, part, since)
    there, now = totals.kept_vat(company), totals.vat_days(derived)
    return [
        Problem(
            code="CONTROL_DIFF",
            where=f"vat/{one.day}/{one.country}/{one.percent}",
            what=f"VAT of {one.day} ({one.country}, {one.percent} %) is kept as {there.get(one, ZERO)}, the orders say"
            f" {now.get(one, ZERO)}.",
            amount=there.get(one, ZERO) - now.get(one, ZERO),
            currency=part.currency,
        )
        for one in sorted({*there, *now})
        if there.get(one, ZERO) != now.get(one, ZERO) and one.day not in unsettled
    ]


def _derived(company: Company, part: CompanyPart, since: float) -> tuple[dict[tuple[date, VatKey], Decimal], set[date]]:
    """VAT of all orders; and the days of those that the last run, which began at `since`, need not have seen as they
    are now."""
    ours = accounting_company(company, part)
    rates = exchange(company, ours.currency)
    delivered = delivered_days(company, part)
    rows = Voucher.objects.filter(tenant=company.tenant_id, company=company).exclude(state__in=OPEN)
    posted = set(rows.values_list("key", flat=True))
    found: defaultdict[tuple[date, VatKey], Decimal] = defaultdict(lambda: ZERO)
    unsettled: set[date] = set()
    orders = orders_of(company, part)
    while some := list(islice(orders, _ORDERS)):
        movements = book_sales(some, ours, rates, delivered, posted | in_vouchers(company, some)).movements
        for key, amount in vat_of_days(movements, rates).items():
            found[key] += amount
        late = _moved_since(company, part, since)  # asked after its orders were read: none is overlooked
        for order in some:
            if order.key in late:
                unsettled |= _days_paid(order, ours.channels[order.channel].time_zone)
        unsettled |= {movement.day for movement in movements if movement.order in late}
    return found, unsettled


def _moved_since(company: Company, part: CompanyPart, since: float) -> set[str]:
    """Keys of orders that have changed since, have parcels that did, or money that the hub has moved."""
    connections = {shop.connection_id for shop in shops(company, part)}
    stored = Stored.objects.filter(tenant=company.tenant_id, changed_at__gt=since)
    found = set(stored.filter(connection__in=connections, type="order").values_list("key", flat=True))
    if defers(part):
        found |= {key.partition("#")[0] for key in stored.filter(type="shipment").values_list("key", flat=True)}
    at = datetime.fromtimestamp(since, UTC)
    steps = Step.objects.filter(tenant=company.tenant_id).order_by("-pk").values_list("order", "type", "at")
    for order, type_, when in steps.iterator(chunk_size=500):
        if when < at:
            return found
        if type_ in ("capture", "refund"):
            found.add(order)
    return found


def _days_paid(order: Order, zone_name: str) -> set[date]:
    return {business_date(payment.at, zone_name) for payment in order.payments}


def _of_lines(lines: dict[date, Decimal], part: CompanyPart) -> list[Problem]:
    return [
        Problem(
            code="CONTROL_DIFF",
            where=f"lines/{day}",
            what=f"The sums of the vouchers of {day} are kept with a difference of {amount}.",
            amount=amount,
            currency=part.currency,
        )
        for day, amount in sorted(lines.items())
    ]
