"""Yandex Market: what it charges for its services, by the month of its act (united marketplace services, JSON).

A file holds one list per service, or is one such list. Each service of a month is a report of its own: they come apart,
and a later file with another service changes none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from samklang.accounting.statements.base import Statement, StatementLine, Unreadable
from samklang.accounting.statements.content import Content, Format
from samklang.accounting.statements.documents import items
from samklang.accounting.statements.marketplace import fee, report
from samklang.accounting.statements.tables import Row
from samklang.records.money import ZERO

_NAMES: Mapping[str, Sequence[str]] = {
    "act": ("actDate",),
    "service": ("serviceName", "service"),
    "price": ("servicePrice", "totalAmount", "paidStorage", "fullPrice"),
    "prepaid": ("prepaid",),
    "postpaid": ("postpaid",),
    "account": ("businessId",),
    "order": ("orderId",),
    "sku": ("shopSku", "sku"),
    "day": ("serviceDateTime", "serviceDate", "dateTime"),
}
#: One of these says what was charged; money that a campaign took is what was paid before and after it.
_PRICES = frozenset({*_NAMES["price"], "postpaid"})


def _read(content: Content) -> Iterator[Statement]:
    currency = content.profile.currency or "RUB"
    found: dict[tuple[str, str, str], list[StatementLine]] = {}
    for sheet, rows in _sheets(content.json):
        for row in items(rows, _NAMES):
            service = row.text("service") or sheet
            if not service:
                raise Unreadable(
                    "The list names no service.", row=row.number, do_this="Hand in the report with all its lists."
                )
            act = row.day("act")
            if act is None:
                raise row.wrong("act", "is missing: the act's month is what is booked")
            place = (row.text("account") or content.profile.account, f"{act:%Y-%m}", service)
            found.setdefault(place, []).extend(_lines(row, service, currency))
    for (account, month, service), lines in sorted(found.items()):
        yield report(
            content, "yandex_market", f"{month} {service}", currency, lines, format="yandex services", account=account
        )


def _lines(row: Row, service: str, currency: str) -> Iterable[StatementLine]:
    taken: Decimal = row.amount("price") if row.text("price") else ZERO
    if not row.text("price"):
        if not row.text("postpaid"):
            raise row.wrong("price", "is missing: the row does not say what was charged")
        taken = row.amount("postpaid") + row.amount_or_zero("prepaid")
    return fee(
        row, taken, service, currency, provider_order=row.text("order"), order_ref=row.text("order"),
        sku=row.text("sku"), day=row.day("act"),
    )  # fmt: skip


def _sheets(document: Any) -> list[tuple[str, list[Any]]]:
    """Name and rows of each list that holds rows."""
    named = document.items() if isinstance(document, dict) else [("", document)]
    return [(name, rows) for name, rows in named if isinstance(rows, list) and rows]


def _is_services(content: Content) -> bool:
    if content.kind != "json":
        return False
    firsts = [rows[0] for _, rows in _sheets(content.json)]
    return bool(firsts) and all(
        isinstance(row, dict) and "actDate" in row and bool(row.keys() & _PRICES) for row in firsts
    )


FORMATS = (Format("yandex services", "services of a marketplace by act, JSON", _is_services, _read),)
