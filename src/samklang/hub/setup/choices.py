"""Real values of a system for lists to choose from: statuses, shipping methods, warehouses. What the system itself
lists comes first; what its records have shown comes after, so that a value that nobody lists any more is seen too."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from samklang.connectors.contract import Choice, ChoiceKind
from samklang.connectors.errors import SamklangError
from samklang.connectors.transport import patience
from samklang.hub.links import open_link
from samklang.hub.models import Connection, Stored
from samklang.records import Customer, Order, OrderStatus, Price, Record, StockLevel, decode

_FRESH = 60.0  # seconds that what a system listed is kept
_PATIENCE = 5.0  # seconds that a page waits for a system
_LOOKED_AT = 1000  # records of a type that are looked through, the newest first

#: Where each kind of value turns up in records: record types.
_IN: dict[str, tuple[str, ...]] = {
    "order_status": ("order", "order_status"), "shipping_method": ("order",), "payment_method": ("order",),
    "warehouse": ("stock",), "price_list": ("price", "customer"), "customer_group": ("customer",),
}  # fmt: skip


class Listed(NamedTuple):
    """The values, and why the system's own list is missing ("" = it is there, or the system has none)."""

    values: list[Choice]
    error: str = ""


_kept: dict[tuple[int, str], tuple[float, Listed]] = {}
_lock = threading.Lock()


def choices(row: Connection, what: ChoiceKind) -> Listed:
    """The real values of a kind at a connection, those that its records show after those that it lists."""
    with _lock:
        kept = _kept.get((row.pk, what))
    if kept and time.monotonic() - kept[0] < _FRESH:
        return kept[1]
    values, error = _listed(row, what)
    known = {one.code for one in values}
    values += [Choice(value) for value in _shown(row, what) if value not in known]
    listed = Listed(values, error)
    with _lock:
        _kept[row.pk, what] = (time.monotonic(), listed)
    return listed


def _listed(row: Connection, what: ChoiceKind) -> tuple[list[Choice], str]:
    """What the system itself lists, and why it does not although it could."""
    try:
        link = open_link(row)
        if what not in link.manifest.choices:
            return [], ""
        waits = patience.set(_PATIENCE)
        try:
            return list(link.connector.choices(what)), ""
        finally:
            patience.reset(waits)
            link.capture.flush()
    except SamklangError as failure:
        return [], failure.what


def forget() -> None:
    """Ask the systems anew the next time."""
    with _lock:
        _kept.clear()


def _shown(row: Connection, what: str) -> list[str]:
    """Values in the newest records of a connection, the most frequent first."""
    seen: Counter[str] = Counter()
    for type_ in _IN.get(what, ()):
        rows = Stored.objects.filter(tenant=row.tenant, connection=row, type=type_).order_by("-key")
        for body in rows.values_list("body", flat=True)[:_LOOKED_AT]:
            seen.update(value for value in _values(decode(type_, bytes(body)), what) if value)
    return [value for value, _ in seen.most_common()]


def _values(record: Record, what: str) -> Iterator[str]:
    match record, what:
        case Order(), "order_status":
            yield record.status
        case OrderStatus(), "order_status":
            yield record.raw
        case Order(), "shipping_method":
            yield record.shipping_method
        case Order(), "payment_method":
            yield record.payment_method
        case StockLevel(), "warehouse" if not record.warehouse.startswith("@"):
            yield record.warehouse
        case ((Price() | Customer()), "price_list"):
            yield record.price_list
        case Customer(), "customer_group":
            yield record.group
        case _:
            return
