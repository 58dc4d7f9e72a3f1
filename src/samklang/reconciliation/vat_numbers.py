"""Companies in other EU countries that buy without VAT: their numbers are checked in VIES, and the answer is kept with
the order (RECONCILIATION §2, §7.43).

    run ─▶ an order without VAT waits for its number ─▶ ask ─▶ valid: the next run books it
                                                         │
                                                         ├─▶ not valid: a problem, until the order is corrected
                                                         └─▶ nobody can say: asked again, later and later

Until somebody has said, the order is a problem and nothing of it is booked. A person may say it instead (decisions.py):
who and why is kept. An answer stays with its order, whatever becomes of the number later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from samklang.accounting.treatment import needs_vat_number
from samklang.connectors.errors import BadData, SamklangError
from samklang.connectors.kit.vies import Vies, parted
from samklang.hub.links import without_connection
from samklang.hub.models import Company
from samklang.hub.setup.companies import part_of
from samklang.reconciliation.companies import wake
from samklang.reconciliation.models import Decision, VatNumber
from samklang.records import Order, VatCheck

_FIRST, _LONGEST = timedelta(minutes=5), timedelta(hours=12)  # after a try without an answer
_AT_ONCE = 50  # numbers that one round asks about

Checks = Mapping[str, tuple[str, VatCheck]]


def checks(company: Company) -> Checks:
    """Order → the number that was checked ("" = whichever it has, by a person's word) and the answer."""
    mine = {"tenant": company.tenant_id, "company": company}
    fields = ("order", "number", "valid", "checked_at", "request_id")
    rows = VatNumber.objects.filter(**mine).exclude(valid=None).values_list(*fields)
    found = {
        order: (number, VatCheck(valid=bool(valid), checked_at=at, request_id=id_))
        for order, number, valid, at, id_ in rows
        if at is not None
    }
    said = Decision.objects.filter(**mine, kind=Decision.Kind.VAT_VALID).values_list("about", "at")
    return found | {order: ("", VatCheck(valid=True, checked_at=at)) for order, at in said}


def with_check(order: Order, known: Checks) -> Order:
    """The order with what is known of its buyer's number; its source's own word goes before."""
    number, check = known.get(order.key, ("", None))
    customer = order.customer
    if check is None or customer.vat_check is not None or not customer.vat_no or number not in ("", customer.vat_no):
        return order
    return msgspec.structs.replace(order, customer=msgspec.structs.replace(customer, vat_check=check))


def wait_for(company: Company, orders: Iterable[Order], refused: Collection[str]) -> None:
    """Of the orders that a run could not book: those that only lack a checked number are asked about. The caller has
    opened the transaction."""
    ours = {
        order.key: order.customer.vat_no[:40] for order in orders if order.key in refused and needs_vat_number(order)
    }
    mine: dict[str, Any] = {"tenant_id": company.tenant_id, "company_id": company.pk}
    rows = VatNumber.objects.filter(**mine, order__in=sorted(ours))
    there = dict(rows.values_list("order", "number"))
    for order, number in sorted(ours.items()):
        if there.get(order) != number:
            new: dict[str, Any] = {
                "number": number,
                "valid": None,
                "checked_at": None,
                "request_id": "",
                "tries": 0,
                "error": "",
            }
            VatNumber.objects.update_or_create(**mine, order=order, defaults={**new, "next_at": None})


def ask(company: Company) -> int:
    """Ask VIES about the numbers whose time has come; gives how many it has answered, and wakes the books then.

    Never raises for what VIES is or says: the row keeps it, and is asked about again.
    """
    if not settings.VIES:
        return 0
    now = timezone.now()
    mine = VatNumber.objects.filter(tenant=company.tenant_id, company=company, valid=None)
    due = list(mine.filter(Q(next_at=None) | Q(next_at__lte=now)).order_by("next_at", "pk")[:_AT_ONCE])
    if not due:
        return 0
    register, ours = Vies(settings.VIES, without_connection()), _own_number(company)
    try:
        answered = sum(_asked(register, row, ours) for row in due)
    finally:
        register.close()
    if answered:
        wake(company)
    return answered


def _own_number(company: Company) -> str:
    """The company's own VAT number; empty where it can be none: VIES then answers without a consultation number."""
    number = part_of(company).vat_no
    try:
        parted(number)
    except BadData:
        return ""
    return number


def _asked(register: Vies, row: VatNumber, requester: str) -> bool:
    """Ask about one; whether there is an answer."""
    try:
        found = register.check(row.number, requester)
    except BadData as error:  # no register has such a number
        row.valid, row.checked_at, row.error = False, timezone.now(), error.told
    except SamklangError as error:
        row.next_at = timezone.now() + min(_LONGEST, _FIRST * 2**row.tries)
        row.error = error.told
    else:
        row.valid, row.checked_at, row.request_id, row.error = found.valid, found.checked_at, found.request_id[:80], ""
    row.tries = min(row.tries + 1, 20)
    row.save(update_fields=["valid", "checked_at", "request_id", "tries", "next_at", "error"])
    return row.valid is not None


def numbers(company: Company, orders: Collection[str]) -> list[VatNumber]:
    """What was asked about these orders."""
    rows = VatNumber.objects.filter(tenant=company.tenant_id, company=company, order__in=orders)
    return list(rows.order_by("order"))


def answers(company: Company, first: date, last: date) -> list[VatNumber]:
    """What was answered in a period, for whoever has to prove it."""
    rows = VatNumber.objects.filter(tenant=company.tenant_id, company=company, checked_at__date__range=(first, last))
    return list(rows.exclude(valid=None).order_by("checked_at", "order"))
