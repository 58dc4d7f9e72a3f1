"""Money that the hub itself has moved at providers: captures and refunds that delivery has carried out are payments of
their order, under the id that the provider gave. What the shop says of the same provider gives way to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from samklang.connectors.kit.gateways import provider_of
from samklang.hub.models import Binding, Stored
from samklang.hub.orders import connections_of
from samklang.reconciliation.sets import AT_ONCE
from samklang.records import Capture, Order, PaidPart, PaymentTransaction, Refund, decode
from samklang.records.money import ZERO

Moved = Mapping[str, Sequence[tuple[Capture | Refund, PaymentTransaction]]]


def moved(tenant: int, orders: Collection[str]) -> Moved:
    """Order key → what was moved for it, of these orders, which follow each other by key (and maybe of others between
    them). The time is when the capture or refund was made; it never changes."""
    found: defaultdict[str, list[tuple[Capture | Refund, PaymentTransaction]]] = defaultdict(list)
    done = Binding.objects.filter(
        tenant_id=tenant, connection__in=connections_of(tenant), type__in=("capture", "refund"),
        key__gt=min(orders), key__lt=max(f"{key}$" for key in orders),  # what hangs on 1001 lies from 1001# to 1001$
        delivered__isnull=False,
    )  # fmt: skip
    ids: defaultdict[tuple[str, int], dict[str, tuple[str, str]]] = defaultdict(dict)
    fields = ("type", "source_id", "key", "external_id", "connection__connector")
    for type_, source, key, external_id, connector in done.values_list(*fields).iterator(chunk_size=5000):
        if source is not None and external_id is not None:  # asked for, SQLite would go by it and read all captures
            ids[type_, source][key] = external_id, connector
    for (type_, source), known in sorted(ids.items()):
        keys = sorted(known)
        for start in range(0, len(keys), AT_ONCE):
            rows = Stored.objects.filter(
                tenant_id=tenant, connection_id=source, type=type_, key__in=keys[start : start + AT_ONCE]
            )
            for key, body, at in rows.values_list("key", "body", "changed_at"):
                record = decode(type_, bytes(body))
                if isinstance(record, Capture | Refund):
                    external_id, connector = known[key]
                    when = datetime.fromtimestamp(at, UTC)
                    found[record.order].append((record, _payment(record, connector, external_id, when)))
    return found


def with_moved(order: Order, moved: Moved) -> Order:
    """The order with its own payments where the hub has moved none, else with those that it has."""
    ours = moved.get(order.key)
    if not ours:
        return order
    providers = {payment.provider for _, payment in ours}
    kept = [
        payment
        for payment in order.payments
        if payment.provider not in providers or payment.kind not in ("capture", "refund")
    ]
    made = [msgspec.structs.replace(payment, parts=_parts(order, record)) for record, payment in ours]
    return msgspec.structs.replace(order, payments=(*kept, *made))


def _payment(record: Capture | Refund, connector: str, external_id: str, at: datetime) -> PaymentTransaction:
    return PaymentTransaction(
        kind="capture" if isinstance(record, Capture) else "refund", provider=provider_of(connector),
        amount=record.amount, at=at, provider_id=external_id, parent_id=record.payment_id, method=connector,
    )  # fmt: skip


def _parts(order: Order, record: Capture | Refund) -> tuple[PaidPart, ...]:
    """Of which lines and charges; none where they cannot be named: then the sum is spread over the order."""
    parts = tuple(_named(order, record))
    return parts if sum((part.gross for part in parts), ZERO) == record.amount else ()


def _named(order: Order, record: Capture | Refund) -> Iterator[PaidPart]:
    charges = {f"charge-{n}": charge.charge_id or charge.kind for n, charge in enumerate(order.charges)}
    lines = {line.line_id for line in order.lines}
    for line in record.lines:
        name = charges.get(line.line_id, line.line_id if line.line_id in lines else "")
        if name:
            yield PaidPart(line_id=name, gross=line.gross)
