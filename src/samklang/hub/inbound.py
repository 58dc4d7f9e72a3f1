"""Goods on their way into a warehouse: the list that fills it at the start, and what was received (O-14, O-15)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from samklang.connectors.errors import Misconfigured
from samklang.hub.flows import routes
from samklang.hub.models import Connection, Stored
from samklang.hub.orders import connections_of, keep_new
from samklang.records import Inbound, InboundLine, Receipt, StockLevel, decode
from samklang.records.money import ZERO

_LINES = 500  # of one announcement: warehouses take purchase orders, not whole catalogues in one piece


def announce_all(source: Connection, target: Connection) -> list[Inbound]:
    """Announce everything that the source has in stock to a warehouse that begins, as one purchase order for each 500
    articles. Done once: asked again, what was announced stays as it was. Returns what is new.

    Misconfigured when no flow of `inbound` leads from the source to the target.
    """
    ways = [route for route in routes(source, "inbound") if route.flow.target_id == target.pk]
    if not ways:
        raise Misconfigured(
            f"No flow takes inbound goods from {source.name} to {target.name}",
            do_this="Add a flow of type inbound from the one to the other, then run this again.",
        )
    if Stored.objects.filter(
        tenant_id=source.tenant_id, connection=source, type="inbound", key=_number(target, 1)
    ).exists():
        return []  # stock has moved since: a second list would announce again what is there
    made: list[Inbound] = []
    for n, lines in enumerate(_chunks(_levels(source)), 1):
        note = f"Everything in {source.name}"
        made.append(Inbound(number=_number(target, n), kind="initial", lines=lines, note=note))
    with transaction.atomic():
        return [one for one in keep_new(source, "inbound", made, ways) if isinstance(one, Inbound)]


def _number(target: Connection, n: int) -> str:
    return f"START-{target.name}-{n}"


def _levels(source: Connection) -> Iterator[InboundLine]:
    """Pieces of each article over all the source's warehouses; pots of channels are no stock of their own."""
    rows = Stored.objects.filter(tenant_id=source.tenant_id, connection=source, type="stock", gone=False).order_by(
        "key"
    )
    sku, pieces = "", ZERO
    for body in rows.order_by("key").values_list("body", flat=True).iterator():
        level = decode("stock", bytes(body))
        assert isinstance(level, StockLevel)
        if level.warehouse.startswith("@"):
            continue
        if sku and level.sku != sku and pieces > 0:
            yield InboundLine(sku=sku, expected=pieces)
        pieces = level.on_hand + (pieces if level.sku == sku else ZERO)
        sku = level.sku
    if sku and pieces > 0:
        yield InboundLine(sku=sku, expected=pieces)


def _chunks(lines: Iterator[InboundLine]) -> Iterator[tuple[InboundLine, ...]]:
    some: list[InboundLine] = []
    for line in lines:
        some.append(line)
        if len(some) == _LINES:
            yield tuple(some)
            some = []
    if some:
        yield tuple(some)


class Arrival(NamedTuple):
    """One announcement and what the warehouse says of it."""

    inbound: Inbound
    receipt: Receipt | None

    @property
    def deviations(self) -> tuple[InboundLine, ...]:
        """Lines of which another number came than was announced."""
        return self.receipt.deviations() if self.receipt else ()


def arrivals(tenant: int) -> list[Arrival]:
    """All that was announced to warehouses, newest first, with what was received."""
    receipts = {
        receipt.key: receipt
        for body in _stored(tenant, "receipt").values_list("body", flat=True)
        if isinstance(receipt := decode("receipt", bytes(body)), Receipt)
    }
    found: list[Arrival] = []
    for body in _stored(tenant, "inbound").order_by("-changed_at", "key").values_list("body", flat=True):
        inbound = decode("inbound", bytes(body))
        assert isinstance(inbound, Inbound)
        found.append(Arrival(inbound, receipts.get(inbound.key)))
    return found


def _stored(tenant: int, type_: str) -> QuerySet[Stored]:
    return Stored.objects.filter(tenant_id=tenant, connection_id__in=connections_of(tenant), type=type_)
