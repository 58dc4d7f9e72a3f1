"""What follows from an order's events by themselves: its release, captures, voids, refunds.

Derived records are stored and sent by the same road as what is read, under the connection that their flow names as its
source. A page's records and what follows from them are one transaction, and the order's row is locked meanwhile, so no
event is counted twice however many workers see it. Each is a fact with a number of its own: it is made once.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop

from samklang.connectors.registry import manifest
from samklang.derivations import payments
from samklang.hub import store
from samklang.hub.flows import Route, taker
from samklang.hub.journey import step
from samklang.hub.models import Binding, Connection, Flow, Stored
from samklang.hub.orders import channel_of, keep_new, order_of, stored_orders, stored_statuses
from samklang.records import (
    Capture,
    Order,
    OrderStatus,
    Record,
    Refund,
    Release,
    Return,
    Shipment,
    decode,
)  # fmt: skip
from samklang.records.states import LEFT

_MADE = ("release", "capture", "refund", "void")
R = TypeVar("R", bound=Record)


class Derivations:
    """The derived flows of a tenant, for one read; false where there are none."""

    def __init__(self, row: Connection) -> None:
        self.row = row
        self.tenant = row.tenant_id
        self._sent: dict[str, list[Shipment]] = {}
        flows = Flow.objects.filter(tenant_id=row.tenant_id, type__in=_MADE, enabled=True)
        self._ways: dict[tuple[str, str], Route] = {
            (flow.type, flow.channel.code): Route(flow, taker(flow))
            for flow in flows.select_related("channel", "source", "target")
        }

    def __bool__(self) -> bool:
        return bool(self._ways)

    def __call__(self, page: Mapping[str, Sequence[Record]]) -> set[tuple[int, str]]:
        """Derive from what changed in a page (record type → records), in its transaction. Returns (target, type) that
        have work now."""
        channels = {channel for _, channel in self._ways}
        seen = [record for type_ in ("order", "order_status", "shipment", "return") for record in page.get(type_, ())]
        keys = list(dict.fromkeys(order_of(record.key) for record in seen if channel_of(record.key) in channels))
        if not keys:
            return set()
        wake: set[tuple[int, str]] = set()
        orders = stored_orders(self.tenant, keys, lock=True)
        statuses = stored_statuses(self.tenant, keys)
        captures = self._stored(Capture, list(orders))
        refunds = self._stored(Refund, list(orders)) if page.get("return") else {}
        self._sent = self._stored(Shipment, list(orders))
        by_order: dict[str, list[Record]] = defaultdict(list)
        for record in seen:
            by_order[order_of(record.key)].append(record)
        for key, order in orders.items():
            events = by_order[key]
            wake |= self._released(order, events)
            wake |= self._captured(order, statuses.get(key, {}), captures[key])
            wake |= self._refunded(order, events, captures[key], refunds.get(key, []))
            wake |= self._voided(order, captures[key], statuses.get(key, {}))
        self._hold_unpaid(orders, by_order, captures)
        return wake

    def _way(self, type_: str, order: Order) -> Route | None:
        return self._ways.get((type_, order.channel))

    def _stored(self, kind: type[R], keys: Sequence[str]) -> dict[str, list[R]]:
        """Order key → its captures or refunds up to now, or its shipments with the master of captures, this page's
        included."""
        found: dict[str, list[R]] = defaultdict(list)
        cause = "refund" if kind is Refund else "capture"
        sources = {way.flow.source_id for (made, _), way in self._ways.items() if made == cause}
        for start in range(0, len(keys) if sources else 0, 100):
            here = Q()
            for key in keys[start : start + 100]:
                here |= Q(key__gte=f"{key}#", key__lt=f"{key}$")
            rows = Stored.objects.filter(here, tenant_id=self.tenant, connection_id__in=sources, type=kind.type)
            for body in rows.order_by("changed_at", "key").values_list("body", flat=True):
                record = decode(kind.type, bytes(body))
                assert isinstance(record, kind)
                found[order_of(record.key)].append(record)
        return found

    def _keep(self, way: Route, record: Record, what: str) -> set[tuple[int, str]]:
        source = way.flow.source
        if not keep_new(source, record.type, [record], [way]):
            return set()
        step(source, record.type, [(record.key, "derived", what)])
        return {(way.flow.target_id, record.type)}

    # --------------------------------------------------------------------------------------------- each kind

    def _released(self, order: Order, events: Iterable[Record]) -> set[tuple[int, str]]:
        """The shop's own status releases (O-04 the other way): option `statuses` of the release flow."""
        way = self._way("release", order)
        words = frozenset(way.flow.options.get("statuses") or ()) if way else frozenset()
        if way is None or order.status not in words or not any(isinstance(event, Order) for event in events):
            return set()
        return self._keep(way, Release(order=order.key, at=datetime.now(UTC), by=order.status), f"by {order.status}")

    def _captured(
        self, order: Order, statuses: Mapping[int, OrderStatus], before: list[Capture]
    ) -> set[tuple[int, str]]:
        way = self._way("capture", order)
        if way is None or way.flow.source_id != self.row.pk:
            return set()
        due = payments.owed(order, way.flow.options.get("methods") or (), ours=bool(before))
        if due is None:
            return set()
        wake: set[tuple[int, str]] = set()
        numbers = {one.number for one in before}
        # Those that are captured came first, whatever was heard of them since.
        shipments = sorted(self._shipments(order, statuses), key=lambda shipment: shipment.number not in numbers)
        for n, shipment in enumerate(shipments):
            sent = shipments[:n]
            if shipment.number in numbers:
                grown = payments.grown(order, shipment, before)
                if grown is None:
                    continue
                was, shipment = grown
                sent = [*sent, was]
            made = payments.capture(order, due, shipment, sent, before, statuses.get(self.row.pk))
            if made is not None:
                wake |= self._keep(way, made, f"{made.amount} {made.currency}")
                before.append(made)
        return wake

    def _shipments(self, order: Order, statuses: Mapping[int, OrderStatus]) -> list[Shipment]:
        """What the master of captures has sent, in the order in which we heard of it; of a system that tells no
        shipments, the order's status as one."""
        way = self._way("capture", order)
        if way is None:
            return []
        if manifest(way.flow.source.connector).feed_for("shipment"):
            return [one for one in self._sent[order.key] if one.state in payments.SENT]
        status = statuses.get(way.flow.source_id)
        return [payments.whole_shipment(status)] if status and status.fulfilment in ("shipped", "delivered") else []

    def _refunded(
        self, order: Order, events: Iterable[Record], captures: Sequence[Capture], before: list[Refund]
    ) -> set[tuple[int, str]]:
        """Goods that came back are paid back by themselves only for the reasons in the flow's option `reasons`."""
        way = self._way("refund", order)
        if way is None or way.flow.source_id != self.row.pk:
            return set()
        reasons = frozenset(way.flow.options.get("reasons") or ())
        wake: set[tuple[int, str]] = set()
        for event in events:
            if not isinstance(event, Return) or event.state == "announced" or event.reason not in reasons:
                continue
            if event.number in {one.number for one in before}:
                continue
            made = payments.refund(order, event, captures, before)
            if made is not None:
                wake |= self._keep(way, made, f"{made.amount} {made.currency}")
                before.append(made)
        return wake

    def _voided(
        self, order: Order, captures: Sequence[Capture], statuses: Mapping[int, OrderStatus]
    ) -> set[tuple[int, str]]:
        way = self._way("void", order)
        capture = self._way("capture", order)
        if way is None:
            return set()
        methods = (capture or way).flow.options.get("methods") or ()
        due = payments.owed(order, methods, ours=bool(captures))
        sent = self._shipments(order, statuses)
        made = payments.void(order, due, sent, captures, statuses.values()) if due else None
        return self._keep(way, made, f"{made.amount} {made.currency}") if made else set()

    # --------------------------------------------------------------------------------------------- unpaid

    def _hold_unpaid(
        self, orders: Mapping[str, Order], events: Mapping[str, Sequence[Record]], captures: Mapping[str, list[Capture]]
    ) -> None:
        """'Sent' is not believed before the money is taken: status and shipments wait for the capture (J-13)."""
        for key, order in orders.items():
            way = self._way("capture", order)
            if way is None or way.flow.options.get("hold", True) is False:
                continue
            left = any(
                (isinstance(event, OrderStatus) and event.fulfilment in LEFT)
                or (isinstance(event, Shipment) and event.state in payments.SENT)
                for event in events[key]
            )
            made = captures.get(key, [])
            if not left or payments.owed(order, way.flow.options.get("methods") or (), ours=bool(made)) is None:
                continue
            numbers = [one.key for one in made]
            taken = store.delivered(self.tenant, way.flow.target_id, "capture", numbers)
            if made and len(taken) == len(numbers):
                continue
            waiting = news_of(self.tenant, key).filter(state__in=["due", "held"]).exclude(risk__in=["hold", "unpaid"])
            if waiting.update(state="held", risk="unpaid"):
                step(way.flow.target, "capture", [(key, "waits", gettext_noop("sent, but not paid yet"))])


def news_of(tenant: int, order: str) -> QuerySet[Binding]:
    """Deliveries that tell other systems that an order was sent."""
    here = Q(key=order) | Q(key__gte=f"{order}#", key__lt=f"{order}$")
    targets = Flow.objects.filter(tenant_id=tenant, type__in=["order_status", "shipment"]).values_list("target_id")
    ids = sorted({target for (target,) in targets})
    return Binding.objects.filter(here, tenant_id=tenant, connection_id__in=ids, type__in=["order_status", "shipment"])


def paid(tenant: int, provider: int, orders: Iterable[str]) -> set[tuple[int, str]]:
    """Captures of these orders were taken: what waited for them goes on, unless another capture is still open. Returns
    (target, type) that have work now."""
    wake: set[tuple[int, str]] = set()
    for order in dict.fromkeys(orders):
        open_ones = Binding.objects.filter(
            tenant_id=tenant, connection_id=provider, type="capture", key__gte=f"{order}#", key__lt=f"{order}$"
        ).exclude(state="idle")
        if not open_ones.exists():
            waiting = news_of(tenant, order).filter(state="held", risk="unpaid")
            wake.update(waiting.values_list("connection_id", "type"))
            waiting.update(state="due", risk="", due_at=time.time())
    return wake
