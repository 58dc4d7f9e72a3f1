"""How people find records again: heads by which orders are sorted and filtered, terms by which anything is searched.

Both are written on intake in the page's own transaction, out of the record as its master said it, and say nothing that
the record does not. A search is the beginning of a term: an order by its number, its buyer's name, e-mail or phone, a
tracking or invoice number; an article by its number, any word of its name or its GTIN; a customer by what names him.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from django.db import connection as database
from django.db.models import QuerySet

from samklang.hub import store
from samklang.hub.models import OrderHead, Term
from samklang.hub.touched import touch, touch_orders
from samklang.records import Address, Customer, Order, OrderStatus, Product, Record, Shipment, decode

#: Types whose records are found by terms of their own, or lend theirs to the order that they hang on.
SEARCHED = frozenset({"product", "customer", "order", "order_status", "shipment"})

_WORDS = 6  # of a name, each a term: the rest of a long name finds nothing that these do not
_LONGEST = 60  # characters of a term
_LAST = "\U0010ffff"  # comes after every character
_GAPS = re.compile(r"[\s,;/()\"“”|]+")
_DIGITS = re.compile(r"\D+")


class Known(NamedTuple):
    """A record as it was taken in, and as it was before (None: it is new)."""

    record: Record
    before: Record | None = None


def term(text: str) -> str:
    """Compare form of a term and of what is typed: NFC, case-folded, blanks collapsed, cut to 60 characters."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFC", text).casefold()
    return " ".join(folded.split())[:_LONGEST]


def terms_of(record: Record) -> set[str]:
    """All terms of a record."""
    return {cut for text in set(_texts(record)) if (cut := term(text))}


def _texts(record: Record) -> Iterator[str]:
    match record:
        case Product():
            yield record.code
            yield from _named(record.name)
            for variant in record.variants:
                yield variant.sku
                yield from variant.gtin
        case Customer():
            yield from _buyer(record)
        case Order():
            yield record.order_no
            yield record.transaction_id
            yield from _buyer(record.customer)
            for address in (record.billing, record.shipping):
                yield from _address(address)
        case OrderStatus():
            yield from (document.number for document in record.documents)
        case Shipment():
            yield from (parcel.tracking_no for parcel in record.parcels)


def _buyer(customer: Customer) -> Iterator[str]:
    yield from _named(customer.name)
    yield from (customer.email, customer.customer_no, customer.org_no, _DIGITS.sub("", customer.phone))
    yield from _address(customer.billing)


def _address(address: Address) -> Iterator[str]:
    yield from _named(address.name)
    yield from _named(address.company)
    yield from (address.email, _DIGITS.sub("", address.phone))


def _named(name: str) -> Iterator[str]:
    """The whole name and its further words, each of which one may remember."""
    yield name
    yield from (word for word in _GAPS.split(name)[1:_WORDS] if len(word) > 2)


def _owner(record: Record) -> tuple[str, str]:
    """(type, key) of what is found by the record's terms."""
    if isinstance(record, OrderStatus | Shipment):
        return "order", record.order
    return record.type, record.key


def note(tenant: int, connection: int, type_: str, known: Sequence[Known]) -> None:
    """Write heads and terms of records that their master `connection` has just said; in the caller's transaction."""
    if type_ not in SEARCHED:
        return
    fresh: set[tuple[str, str, str]] = set()
    stale: set[tuple[str, str, str]] = set()
    for record, before in known:
        kind, key = _owner(record)
        new = terms_of(record)
        if before:
            old = terms_of(before)
            stale.update((kind, word, key) for word in old - new)
            new -= old
        fresh.update([(kind, word, key) for word in new])
    _forget(tenant, stale)
    _learn(tenant, fresh)
    if type_ == "order":
        _put_heads(tenant, connection, [record for record, _ in known if isinstance(record, Order)])
        touch(tenant, _moved(known))
    elif type_ == "order_status":
        said = [record for record, _ in known if isinstance(record, OrderStatus)]
        touch_orders(tenant, [status.order for status in said])
        _move_heads(tenant, said)


def _moved(known: Sequence[Known]) -> Iterator[float]:
    """When orders were placed that are new or stand in another channel or at another time than before, there and here
    (epoch seconds)."""
    for record, before in known:
        if isinstance(record, Order):
            was = before if isinstance(before, Order) else None
            if was is None or (was.placed_at, was.channel) != (record.placed_at, record.channel):
                yield from (order.placed_at.timestamp() for order in (record, was) if order)


def beside(type_: str, records: Iterable[Record], before: Mapping[str, bytes]) -> list[Known]:
    """Records beside what their stored bodies (by key) said before."""
    return [Known(r, decode(type_, body) if (body := before.get(r.key)) else None) for r in records]


def _learn(tenant: int, terms: set[tuple[str, str, str]]) -> None:
    columns = {"type": "text", "term": "text", "key": "text"}
    store.insert("term", {"tenant_id": tenant}, columns, sorted(terms), "DO NOTHING")


def _forget(tenant: int, terms: set[tuple[str, str, str]]) -> None:
    if terms:
        with database.cursor() as cursor:
            cursor.executemany(
                "DELETE FROM term WHERE tenant_id=%s AND type=%s AND term=%s AND key=%s",
                [(tenant, *row) for row in sorted(terms)],
            )


def _put_heads(tenant: int, connection: int, orders: Sequence[Order]) -> None:
    """What the order itself says; where it says nothing of an axis, what systems said of it stays."""
    statement = (
        "INSERT INTO order_head (tenant_id, key, connection_id, channel, placed_at, lifecycle, fulfilment, payment)"
        " VALUES (%s, %s, %s, %s, %s, %s, '', %s) ON CONFLICT (tenant_id, key) DO UPDATE SET"
        " connection_id=excluded.connection_id, channel=excluded.channel, placed_at=excluded.placed_at,"
        " lifecycle=CASE WHEN order_head.lifecycle IN ('', 'draft', 'placed') THEN excluded.lifecycle"
        " WHEN excluded.lifecycle='cancelled' THEN 'cancelled' ELSE order_head.lifecycle END,"
        " payment=excluded.payment"
    )
    with database.cursor() as cursor:
        cursor.executemany(
            statement,
            [
                (tenant, o.key, connection, o.channel, o.placed_at.timestamp(), o.lifecycle, o.payment)
                for o in sorted({o.key: o for o in orders}.values(), key=lambda o: o.key)
            ],
        )  # fmt: skip


def _move_heads(tenant: int, said: Sequence[OrderStatus]) -> None:
    """Axes on which a system has just said where orders stand."""
    with database.cursor() as cursor:
        cursor.executemany(
            "UPDATE order_head SET lifecycle=CASE WHEN %s='' THEN lifecycle ELSE %s END,"
            " fulfilment=CASE WHEN %s='' THEN fulfilment ELSE %s END,"
            " payment=CASE WHEN %s='' THEN payment ELSE %s END WHERE tenant_id=%s AND key=%s",
            [
                (s.lifecycle, s.lifecycle, s.fulfilment, s.fulfilment, s.payment, s.payment, tenant, s.order)
                for s in sorted(said, key=lambda s: s.order)
            ],
        )


def transferred(tenant: int, orders: Mapping[str, float]) -> None:
    """A target has taken these orders from us, at these times (epoch seconds); belongs into the transaction that says
    so, and first into it: intake locks heads before bindings, too. An order is transferred once: further targets,
    changes and tries leave its time as it is."""
    with database.cursor() as cursor:
        cursor.executemany(
            "UPDATE order_head SET transferred_at=%s WHERE tenant_id=%s AND key=%s AND transferred_at IS NULL",
            [(orders[key], tenant, key) for key in sorted(orders)],
        )


def count_transferred(tenant: int, since: float, until: float) -> int:
    """How many orders were transferred from `since` until before `until` (epoch seconds): counted in the index."""
    rows = OrderHead.objects.filter(tenant_id=tenant, transferred_at__gte=since, transferred_at__lt=until)
    return rows.order_by().count()


def found(tenant: int, type_: str, typed: str) -> QuerySet[Term]:
    """Terms of this type of record that begin as typed; nothing for nothing."""
    begin = term(typed)
    rows = Term.objects.filter(tenant_id=tenant, type=type_)
    return rows.filter(term__gte=begin, term__lt=begin + _LAST) if begin else rows.none()


def heads(tenant: int) -> QuerySet[OrderHead]:
    """All orders of a tenant."""
    return OrderHead.objects.filter(tenant_id=tenant)
