"""An order's way through all systems: each hop writes a step, reading them in time order is the journey."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from samklang.hub import events, traces
from samklang.hub.models import Connection, Step
from samklang.records import (
    Capture,
    Order,
    OrderEdit,
    OrderStatus,
    Record,
    Refund,
    Return,
    Shipment,
    Void,
    types_of_order,
)
from samklang.records.states import AXES

#: Record types whose every hop is written down. Their keys begin with the order's key (customers have their own).
TRACED = types_of_order()


def said(record: Record) -> str:
    """What a record says of its order, in one line: numbers, the system's own word and what it means."""
    if isinstance(record, Order):
        return record.status or record.lifecycle
    if isinstance(record, OrderStatus):
        means = ", ".join(word for axis in AXES if (word := getattr(record, axis)) not in ("", "none"))
        numbers = ", ".join(f"{document.kind} {document.number}" for document in record.documents)
        return " · ".join(part for part in (record.raw, means, numbers) if part)
    if isinstance(record, Shipment):
        parcels = ", ".join(parcel.tracking_no for parcel in record.parcels if parcel.tracking_no)
        return " · ".join(part for part in (record.number, record.state, parcels) if part)
    if isinstance(record, Capture | Refund | Void):
        return f"{record.amount} {record.currency}"
    if isinstance(record, Return):
        return " · ".join(part for part in (record.number, record.reason, record.state) if part)
    if isinstance(record, OrderEdit):
        return ", ".join(f"{line.quantity} × {line.sku}" for line in record.lines)
    return ""


def step(
    row: Connection, type_: str, steps: Sequence[tuple[str, str, str]], fresh: frozenset[str] = frozenset()
) -> None:
    """Write steps (record key, what, text) of one connection and type, and the events that they are to others; their
    spans go out with the commit. `fresh` are the keys that were not known here before."""
    now = timezone.now()
    events.tell(row.tenant_id, events.of_steps(row.name, type_, steps, fresh))
    Step.objects.bulk_create(
        Step(
            tenant_id=row.tenant_id,
            order=key.split("#")[0],
            at=now,
            connection_id=row.pk,
            type=type_,
            what=what,
            text=text,
        )
        for key, what, text in steps
    )
    transaction.on_commit(lambda: traces.hops(row, type_, [(key, what) for key, what, _ in steps]))
