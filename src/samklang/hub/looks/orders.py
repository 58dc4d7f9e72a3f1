"""Orders as a list: by day, channel and state, or found by what a person types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import QuerySet

from samklang.hub import listing
from samklang.hub.looks.rows import MANY, PAGE, At, Slice, bounded, targets, undone
from samklang.hub.models import Binding, Hold, OrderHead, Stored, Tenant
from samklang.hub.orders import connections_of, order_of
from samklang.records import Order, decode, types_of_order
from samklang.records.states import AXES

#: What of an order's deliveries may be asked for: state of a binding, or any that is not in step.
DELIVERIES = ("stopped", "waiting", "held", "due", "open")
_FOUND = 1000  # orders that a search looks at


class Asked(NamedTuple):
    """Which orders: `search` is the beginning of any of their terms; `stand` an axis and a state (fulfilment:shipped);
    `delivery` one of `DELIVERIES`; `since` and `until` (not included) bound when they were placed."""

    search: str = ""
    channel: str = ""
    stand: str = ""
    delivery: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def __bool__(self) -> bool:
        return any(self)


class OrderLook(NamedTuple):
    """One order in the list: the record, how it stands on the three axes, and at each target."""

    key: str
    order: Order
    lifecycle: str
    fulfilment: str
    payment: str
    held: bool
    targets: list[At]


def orders(tenant: Tenant, asked: Asked, after: str = "", size: int = PAGE) -> Slice[OrderLook]:
    """A page of orders, the newest first. ValueError when `after` or `asked` is nothing that a page can have said."""
    if named := _named(tenant, asked):
        heads, more, count = _of_named(tenant, asked, named, after, size)
    elif asked.search or asked.delivery:
        heads, more, count = [], False, 0
    else:
        rows = _filtered(tenant, asked)
        page = list(_beyond(rows.order_by("-placed_at", "-key"), after)[: size + 1])
        heads, more, count = page[:size], len(page) > size, bounded(rows)
    last = heads[-1] if more else None
    return Slice(_looks(tenant, heads), f"{last.placed_at!r}~{last.key}" if last else "", count)


def all_orders(tenant: Tenant, asked: Asked, size: int = 500) -> Iterator[OrderLook]:
    """Every order that is asked for, page by page: memory stays flat."""
    after = ""
    while True:
        page = orders(tenant, asked, after, size)
        yield from page.rows
        after = page.after
        if not after:
            return


def keys_asked(tenant: Tenant, asked: Asked, most: int) -> list[str]:
    """Keys of the orders that are asked for, the newest first, at most so many."""
    if asked.search or asked.delivery:
        named = _named(tenant, asked)
        rows = _filtered(tenant, asked).filter(key__in=sorted(named)) if named else OrderHead.objects.none()
    else:
        rows = _filtered(tenant, asked)
    return list(rows.order_by("-placed_at", "-key").values_list("key", flat=True)[:most])


def _filtered(tenant: Tenant, asked: Asked) -> QuerySet[OrderHead]:
    rows = listing.heads(tenant.pk)
    if asked.channel:
        rows = rows.filter(channel=asked.channel)
    if asked.stand:
        axis, _, state = asked.stand.partition(":")
        if axis not in AXES:
            raise ValueError(f"{asked.stand} is no state of an order")
        rows = rows.filter(**{axis: state})
    if asked.since:
        rows = rows.filter(placed_at__gte=asked.since.timestamp())
    if asked.until:
        rows = rows.filter(placed_at__lt=asked.until.timestamp())
    return rows


def _named(tenant: Tenant, asked: Asked) -> set[str]:
    """Keys of the orders that search and delivery leave; empty also where neither is asked for."""
    found: set[str] | None = None
    if asked.search:
        found = set(_searched(tenant, asked.search))
    if asked.delivery:
        rows = undone(tenant).filter(connection__in=connections_of(tenant.pk), type__in=sorted(types_of_order()))
        if asked.delivery in DELIVERIES[:-1]:
            rows = rows.filter(state=asked.delivery)
        elif asked.delivery != "open":
            raise ValueError(f"{asked.delivery} is no state of a delivery")
        stopped = {order_of(key) for key in rows.values_list("key", flat=True)[:MANY]}
        found = stopped if found is None else found & stopped
    return found or set()


def _searched(tenant: Tenant, typed: str) -> list[str]:
    """Keys of orders found by a term, or by the very number that some system gave them."""
    typed = typed.strip().lstrip("#").strip()
    number = typed.rpartition("/")[2] if "/" in typed else typed
    keys = list(listing.found(tenant.pk, "order", number).values_list("key", flat=True)[:_FOUND])
    if "/" in typed:
        keys = [key for key in keys if key.casefold().startswith(typed.casefold())]
    own = Binding.objects.filter(
        tenant=tenant, connection__in=connections_of(tenant.pk), type__in=sorted(types_of_order()), external_id=typed
    )
    return [*keys, *(order_of(key) for key in own.values_list("key", flat=True)[:PAGE])]


def _of_named(tenant: Tenant, asked: Asked, keys: set[str], after: str, size: int) -> tuple[list[OrderHead], bool, int]:
    """Few orders, whose keys are known: sorted here, for a database might walk through all by day to find them."""
    rows = _filtered(tenant, asked).filter(key__in=sorted(keys)).order_by()
    found = sorted(rows, key=lambda head: (head.placed_at, head.key), reverse=True)
    count = len(found)
    if after:
        at, key = _place(after)
        found = [head for head in found if (head.placed_at, head.key) < (at, key)]
    return found[:size], len(found) > size, count


def _beyond(rows: QuerySet[OrderHead], after: str) -> QuerySet[OrderHead]:
    if not after:
        return rows
    at, key = _place(after)
    return rows.filter(placed_at__lte=at).exclude(placed_at=at, key__gte=key)


def _place(after: str) -> tuple[float, str]:
    at, _, key = after.partition("~")
    return float(at), key


def _looks(tenant: Tenant, heads: Sequence[OrderHead]) -> list[OrderLook]:
    keys, here = [head.key for head in heads], connections_of(tenant.pk)
    stored = Stored.objects.filter(tenant=tenant, connection__in=here, type="order", key__in=keys)
    bodies = {(key, place): bytes(body) for key, place, body in stored.values_list("key", "connection_id", "body")}
    at = targets(tenant, "order", keys, here)
    held = set(Hold.objects.filter(tenant=tenant, order__in=keys).values_list("order", flat=True))
    found = []
    for head in heads:
        body = bodies.get((head.key, head.connection_id))
        if body is not None:
            order = decode("order", body)
            assert isinstance(order, Order)
            found.append(
                OrderLook(
                    head.key, order, head.lifecycle, head.fulfilment, head.payment, head.key in held,
                    at.get(head.key, []),
                )
            )  # fmt: skip
    return found
