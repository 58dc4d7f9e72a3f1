"""What a system says of orders that the hub knows already: its own words in ours, statuses that lead on, and what
somebody in a warehouse has really edited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from samklang.connectors.errors import BadData
from samklang.derivations.edits import differs
from samklang.hub import store
from samklang.hub.journey import step
from samklang.hub.models import Binding, Connection, Step
from samklang.hub.orders import stored_orders
from samklang.hub.store import Entry
from samklang.records import OrderEdit, OrderStatus, Record, content_hash, decode, encode
from samklang.records.states import AXES, axes_of, forward


def in_our_words(row: Connection, record: Record) -> Record:
    """A status whose word the connection's own table maps says what stands there; everything else is as it was."""
    if not isinstance(record, OrderStatus) or record.raw not in row.status_words:
        return record
    said = axes_of(row.status_words[record.raw])
    return msgspec.structs.replace(record, **{axis: said.get(axis, "") for axis in AXES})


def unknown_word(row: Connection, record: Record) -> BadData | None:
    """The trouble with a status word that nobody has mapped: neither the connector nor the connection's own table."""
    if not isinstance(record, OrderStatus) or not record.raw or record.raw in row.status_words:
        return None
    if any(getattr(record, axis) for axis in AXES) or record.documents or record.lines:
        return None
    return BadData(
        f"{row.name} has an order status that is mapped to nothing: '{record.raw}'",
        where=f"order {record.order}",
        do_this="Say what it means, or that it is to be ignored, in the connection's status words.",
    )


def onward(row: Connection, entries: Sequence[Entry], generation: int) -> list[Entry]:
    """Statuses that lead on from what this system said before; an axis that would go back stays (O-08). News that
    is late altogether is only remembered as seen, and stands in the journey."""
    tenant, here = row.tenant_id, row.pk
    old = store.bodies(tenant, here, "order_status", [entry.record.key for entry in entries])
    onward: list[Entry] = []
    late: list[Entry] = []
    steps: list[tuple[str, str, str]] = []
    for entry in entries:
        before = decode("order_status", old[entry.record.key]) if entry.record.key in old else None
        if not isinstance(before, OrderStatus) or not isinstance(entry.record, OrderStatus):
            onward.append(entry)
            continue
        record, refused = forward(before, entry.record)
        if refused:
            steps.append((record.key, "late", f"{entry.record.raw}: {', '.join(refused)}"))
            record = msgspec.structs.replace(record, raw=before.raw)
        if refused and record == before:
            late.append(entry)
        else:
            body = encode(record)
            onward.append(entry._replace(record=record, body=body, kept=content_hash(body)))
    if late:
        store.bind(tenant, here, "order_status", ((e.record.key, None, e.hash, generation) for e in late))
    if steps:
        step(row, "order_status", steps)
    return onward


def edited(row: Connection, entries: Sequence[Entry], began: datetime) -> list[Entry]:
    """What somebody in the warehouse has really edited (O-05). An order that the hub has changed there since this
    read began, or is about to, shows older lines: those are no edit. The shop's own change counts then."""
    keys = [entry.record.key for entry in entries]
    orders = stored_orders(row.tenant_id, keys)
    known = store.known(row.tenant_id, row.pk, "order_edit", keys)
    busy = set(
        Binding.objects.filter(tenant_id=row.tenant_id, connection_id=row.pk, type="order", key__in=keys)
        .exclude(state__in=["idle", "stopped"])
        .values_list("key", flat=True)
    )
    busy.update(
        Step.objects.filter(
            tenant_id=row.tenant_id, order__in=keys, connection_id=row.pk, type="order", at__gte=began
        ).values_list("order", flat=True)
    )
    kept: list[Entry] = []
    for entry in entries:
        order, edit = orders.get(entry.record.key), entry.record
        assert isinstance(edit, OrderEdit)
        if order is None or edit.key in busy or (edit.key not in known and not differs(order, edit)):
            continue
        kept.append(entry)
    return kept
