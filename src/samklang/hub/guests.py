"""Buyers that a shop does not list as customers become customers out of their orders."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from samklang.derivations.customers import buyer
from samklang.hub import listing, store
from samklang.hub.flows import routes
from samklang.hub.models import Connection
from samklang.hub.store import Wanted
from samklang.records import Customer, Order, Record, content_hash, encode


def introduce(row: Connection, orders: Iterable[Record], generation: int = 0) -> list[tuple[Customer, bytes]]:
    """Keep the buyers of orders as the shop's customers, out of their newest order; in the caller's transaction. Gives
    those that are new or have changed, with their bodies."""
    tenant = row.tenant_id
    buyers = {b.key: b for b in (buyer(order) for order in orders if isinstance(order, Order))}
    known = store.known(tenant, row.pk, "customer", list(buyers))
    guests = [(b, encode(b)) for key, b in buyers.items() if key not in known or not known[key].external_id]
    rows = [(b, body, content_hash(body)) for b, body in guests]
    fresh = [(b, body, hash_) for b, body, hash_ in rows if b.key not in known or known[b.key].seen != hash_]
    if fresh:
        store.keep_records(tenant, row.pk, "customer", ((b.key, body, hash_) for b, body, hash_ in fresh))
        listing.note(tenant, row.pk, "customer", [listing.Known(b) for b, _, _ in fresh])
        store.bind(tenant, row.pk, "customer", ((b.key, None, hash_, generation) for b, _, hash_ in fresh))
    return [(b, body) for b, body, _ in fresh]


def send(row: Connection, orders: Iterable[Record]) -> None:
    """Introduce the buyers of orders that flow, and have every customer flow out of the shop carry them."""
    with transaction.atomic():
        fresh = introduce(row, orders)
        for route in routes(row, "customer") if fresh else ():
            rows = [Wanted(b.key, content_hash(body)) for b, body in fresh if route.takes(b)]
            store.want(row.tenant_id, route.flow.target_id, "customer", row.pk, route.flow.pk, rows)
