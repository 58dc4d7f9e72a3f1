"""One order's way: the stations it passes, where it stands at each system, everything that happened.

Stations are what a person asks for: is it in the ledger, in the warehouse, sent, paid. They come out of the records and
bindings; the steps (hub/journey.py) say when. Other floors add stations of their own: see `MORE`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from samklang.connectors.contract import Connector
from samklang.connectors.errors import SamklangError
from samklang.hub.links import open_link
from samklang.hub.looks.overview import facts_of
from samklang.hub.looks.rows import hanging, hangs
from samklang.hub.models import (
    Amendment,
    Binding,
    Connection,
    ExchangeRow,
    Flow,
    Hold,
    OrderHead,
    ProblemItem,
    RuleSet,
    Step,
    Stored,
    Tenant,
)
from samklang.hub.orders import channel_of, locked
from samklang.hub.problems import about_one
from samklang.records import Order, OrderStatus, Record, Shipment, decode, types_of_order
from samklang.records.states import LEFT

_STEPS = 500  # of one order that a page shows
_TROUBLES = 20  # likewise
_DONE = frozenset({"created", "updated", "matched", "unchanged"})
_PAID = frozenset({"captured", "partly_refunded", "refunded", "partly_captured"})


class Station(NamedTuple):
    """One stop of the line. `kind` chooses its drawing and name (shop, erp, wms, parcel, payment, invoice, refund,
    return, payout, voucher); `state` is done, wait, bad, or next (has not happened yet); `number` is what the system
    calls it, `link` its address there."""

    kind: str
    system: str
    state: str
    number: str = ""
    at: datetime | None = None
    link: str = ""
    text: str = ""


class Standing(NamedTuple):
    """The order, or something that hangs on it, at one system. `may` names what a person can do there: retry, skip,
    resend."""

    binding: Binding
    title: str
    link: str
    may: tuple[str, ...]


class Journey(NamedTuple):
    """Everything known about one order."""

    key: str
    order: Order | None
    head: OrderHead | None
    hold: Hold | None
    amended: Amendment | None
    locked: bool
    releasable: bool
    stations: list[Station]
    standings: list[Standing]
    statuses: list[tuple[Connection, OrderStatus]]
    shipments: list[Shipment]
    steps: list[Step]
    troubles: list[ProblemItem]


class Outside:
    """Addresses of records in outside systems; each system's connector is made once."""

    def __init__(self) -> None:
        self._connectors: dict[int, Connector | None] = {}

    def __call__(self, row: Connection, type_: str, external_id: str) -> str:
        """The address, "" where the system has none or its connection cannot even be opened."""
        if not external_id:
            return ""
        if row.pk not in self._connectors:
            try:
                self._connectors[row.pk] = open_link(row).connector
            except SamklangError:  # a setting or secret is missing
                self._connectors[row.pk] = None
        connector = self._connectors[row.pk]
        return connector.link(type_, external_id) if connector else ""


#: Stations of other floors: asked with the tenant and the order's key (reconciliation/stations.py).
MORE: list[Callable[[Tenant, str], Iterable[Station]]] = []


def journey(tenant: Tenant, key: str) -> Journey | None:
    """One order by its key (channel/number); None when nothing is known of it."""
    rows = {row.pk: row for row in Connection.objects.filter(tenant=tenant)}
    records = _records(tenant, key, list(rows))
    head = OrderHead.objects.filter(tenant=tenant, key=key).first()
    order = _order(records, head)
    steps = list(Step.objects.filter(tenant=tenant, order=key).order_by("-at", "-id")[:_STEPS])
    if order is None and not steps:
        return None
    steps.reverse()
    for step in steps:
        step.connection = rows[step.connection_id]
    bindings = _bindings(tenant, key, order, rows)
    statuses = [(rows[place], said) for place, said in records if isinstance(said, OrderStatus)]
    shipments = [said for _, said in records if isinstance(said, Shipment)]
    outside = Outside()
    hold = Hold.objects.filter(tenant=tenant, order=key).first()
    stands = {row.pk: said for row, said in statuses}
    return Journey(
        key, order, head, hold, Amendment.objects.filter(tenant=tenant, order=key).first(), locked(stands),
        Flow.objects.filter(tenant=tenant, type="release", enabled=True, channel__code=channel_of(key)).exists(),
        _stations(tenant, key, order, head, rows, bindings, statuses, shipments, steps, outside),
        _standings(bindings, outside), statuses, shipments, steps, _troubles(tenant, key, order, rows),
    )  # fmt: skip


def _records(tenant: Tenant, key: str, here: Sequence[int]) -> list[tuple[int, Record]]:
    rows = Stored.objects.filter(
        hanging(key), tenant=tenant, connection__in=here, type__in=sorted(types_of_order())
    ).order_by("type", "key")
    return [
        (place, decode(type_, bytes(body)))
        for type_, place, one, body in rows.values_list("type", "connection_id", "key", "body")
        if hangs(key, one)
    ]


def _order(records: list[tuple[int, Record]], head: OrderHead | None) -> Order | None:
    """The order as its master says it."""
    said = {place: record for place, record in records if isinstance(record, Order)}
    return said.get(head.connection_id) if head else next(iter(said.values()), None)


def _bindings(tenant: Tenant, key: str, order: Order | None, rows: dict[int, Connection]) -> list[Binding]:
    here = Binding.objects.filter(tenant=tenant, connection__in=list(rows))
    found = [b for b in here.filter(hanging(key), type__in=sorted(types_of_order())) if hangs(key, b.key)]
    if order is not None:
        found += here.filter(type="customer", key=order.customer.key)
    for binding in found:
        binding.connection = rows[binding.connection_id]
    return sorted(found, key=lambda b: (b.type != "order", b.type == "customer", b.type, b.key, b.connection.name))


def _troubles(tenant: Tenant, key: str, order: Order | None, rows: dict[int, Connection]) -> list[ProblemItem]:
    open_ = ProblemItem.objects.filter(tenant=tenant, problem__closed_at=None).select_related("problem").order_by("at")
    items = [item for item in open_.filter(hanging(key))[:_TROUBLES] if hangs(key, item.key)]
    if order is not None:
        items += open_.filter(type="customer", key=order.customer.key)[:_TROUBLES]
    for item in items:
        if item.connection_id is not None:
            item.connection = rows[item.connection_id]
    return items


# ------------------------------------------------------------------------------------------------ stations


def _stations(
    tenant: Tenant, key: str, order: Order | None, head: OrderHead | None, rows: dict[int, Connection],
    bindings: list[Binding], statuses: list[tuple[Connection, OrderStatus]], shipments: list[Shipment],
    steps: list[Step], outside: Outside,
) -> list[Station]:  # fmt: skip
    found: list[Station] = []
    master = rows.get(head.connection_id) if head else None
    if order is not None and master is not None:
        own = next((b.external_id or "" for b in bindings if (b.type, b.connection_id) == ("order", master.pk)), "")
        found.append(
            Station("shop", master.name, "done", order.order_no, order.placed_at, outside(master, "order", own))
        )
    sent_to = [one for one in bindings if one.type == "order" and one.source_id is not None]
    taken = [_taken(binding, steps, outside) for binding in sent_to]
    found += sorted(taken, key=lambda station: station.kind == "wms")
    cancelled = head is not None and head.lifecycle == "cancelled"
    found += _sent(head, shipments, statuses, steps, rows, cancelled)
    found += _paid(order, head, bindings, steps, cancelled, outside)
    found += _invoices(statuses, steps, outside)
    found += _back(bindings, steps, outside)
    found += [Station("payout", "", "done", "", s.at, text=s.text) for s in steps if s.type == "payout"]
    for ask in MORE:
        found += ask(tenant, key)
    return found


def _state_of(binding: Binding) -> str:
    if binding.state == "stopped":
        return "bad"
    if binding.state == "idle":
        return "done"
    return "wait"


def _when(steps: list[Step], connection: int, types: Iterable[str], whats: Iterable[str]) -> datetime | None:
    """When the first such step was."""
    types, whats = set(types), set(whats)
    return next((s.at for s in steps if s.connection_id == connection and s.type in types and s.what in whats), None)


def _taken(binding: Binding, steps: list[Step], outside: Outside) -> Station:
    row = binding.connection
    facts = facts_of(row)
    return Station(
        facts.kind if facts else "erp", row.name, _state_of(binding), binding.external_id or "",
        _when(steps, row.pk, ("order",), _DONE), outside(row, "order", binding.external_id or ""),
        binding.waiting_on if binding.state == "waiting" else "",
    )  # fmt: skip


def _sent(
    head: OrderHead | None, shipments: list[Shipment], statuses: list[tuple[Connection, OrderStatus]],
    steps: list[Step], rows: dict[int, Connection], cancelled: bool,
) -> list[Station]:  # fmt: skip
    """A parcel for each shipment; without any, one by what a system says of the goods."""
    found = []
    for shipment in shipments:
        parcel = shipment.parcels[0] if shipment.parcels else None
        left = shipment.state in ("handed_over", "in_transit", "delivered")
        state = "done" if left else "bad" if shipment.state in ("failed", "returned") else "wait"
        carrier = shipment.carrier_code or shipment.warehouse
        number = parcel.tracking_no if parcel else ""
        link = parcel.tracking_url if parcel else ""
        found.append(Station("parcel", carrier, state, number, shipment.shipped_at, link, shipment.state))
    if found or cancelled:
        return found
    for row, said in statuses:
        if said.fulfilment in LEFT:
            at = next((s.at for s in reversed(steps) if (s.connection_id, s.type) == (row.pk, "order_status")), None)
            return [Station("parcel", row.name, "done", "", at, "", said.fulfilment)]
    working = head is not None and head.fulfilment not in ("", "none")
    where = next((row.name for row, said in statuses if said.fulfilment not in ("", "none")), "")
    return [Station("parcel", where, "wait" if working else "next", text=head.fulfilment if head and working else "")]


def _paid(
    order: Order | None, head: OrderHead | None, bindings: list[Binding], steps: list[Step], cancelled: bool,
    outside: Outside,
) -> list[Station]:  # fmt: skip
    captures = [b for b in bindings if b.type == "capture" and b.source_id is not None]
    found = [
        Station(
            "payment", b.connection.name, _state_of(b), b.external_id or "",
            _when(steps, b.connection_id, ("capture",), _DONE),
            outside(b.connection, "capture", b.external_id or ""),
        )
        for b in captures
    ]  # fmt: skip
    if found or order is None or head is None or head.payment == "not_required":
        return found
    if head.payment in _PAID:
        return [Station("payment", order.payment_method, "done", order.transaction_id, text=head.payment)]
    if head.payment in ("voided", "expired", "disputed", "charged_back"):
        return [Station("payment", order.payment_method, "bad", order.transaction_id, text=head.payment)]
    return (
        [] if cancelled else [Station("payment", order.payment_method, "next", order.transaction_id, text=head.payment)]
    )


def _invoices(statuses: list[tuple[Connection, OrderStatus]], steps: list[Step], outside: Outside) -> list[Station]:
    kinds = {"invoice": "invoice", "credit_invoice": "refund"}
    return [
        Station(
            kinds[document.kind], row.name, "done" if document.state in ("booked", "paid", "open") else "wait",
            document.number, _when(steps, row.pk, ("order_status",), ("read",)),
            outside(row, document.kind, document.number), document.state,
        )
        for row, said in statuses
        for document in said.documents
        if document.kind in kinds
    ]  # fmt: skip


def _back(bindings: list[Binding], steps: list[Step], outside: Outside) -> list[Station]:
    """Returns and refunds, once there are any."""
    return [
        Station(
            b.type, b.connection.name, _state_of(b), b.external_id or "",
            _when(steps, b.connection_id, (b.type,), _DONE), outside(b.connection, b.type, b.external_id or ""),
        )
        for b in bindings
        if b.type in ("return", "refund") and b.source_id is not None
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------ standings


def _standings(bindings: list[Binding], outside: Outside) -> list[Standing]:
    """Where the order is, and where what hangs on it goes; who is master of the latter is no news."""
    found = []
    for binding in bindings:
        if binding.source_id is None and binding.type != "order":
            continue
        facts = facts_of(binding.connection)
        may: tuple[str, ...] = ()
        if binding.source_id is not None:
            if binding.state in ("stopped", "waiting", "due"):
                may = ("retry", "skip")
            elif binding.state == "held":
                may = ("skip",)
            elif binding.state == "idle" and binding.type not in ("capture", "refund", "void", "release"):
                may = ("resend",)
        link = outside(binding.connection, binding.type, binding.external_id or "")
        found.append(Standing(binding, facts.title if facts else binding.connection.connector, link, may))
    return found


# ------------------------------------------------------------------------------------------------ one hop


class Hop(NamedTuple):
    """What lies behind one step: the rules on that way, and the calls about the order at that system around then."""

    step: Step
    rules: list[dict[str, object]]
    calls: list[ExchangeRow]


def hop(tenant: Tenant, key: str, number: int) -> Hop | None:
    """One step of an order, by its number; None when the order has no such step."""
    step = Step.objects.filter(tenant=tenant, order=key, pk=number).select_related("connection").first()
    if step is None:
        return None
    direction = "in" if step.what in ("read", "late") else "out"
    rules = RuleSet.objects.filter(tenant=tenant, connection=step.connection, direction=direction, type=step.type)
    own = about_one(tenant.pk).filter(connection=step.connection)
    near = [call for call in own.filter(hanging(key, "about")).order_by("-pk")[:40] if hangs(key, call.about)]
    calls = sorted(near, key=lambda call: abs((call.at - step.at).total_seconds()))[:8]
    first = rules.first()
    return Hop(step, list(first.rules) if first else [], sorted(calls, key=lambda call: call.at))


def grouped(steps: Iterable[Step]) -> list[tuple[Step, int]]:
    """Steps with how often each came in a row: a system that is asked again and again says the same each time."""
    found: list[tuple[Step, int]] = []
    for step in steps:
        mark = (step.connection_id, step.type, step.what, step.text)
        if found and mark == (found[-1][0].connection_id, found[-1][0].type, found[-1][0].what, found[-1][0].text):
            found[-1] = (step, found[-1][1] + 1)
        else:
            found.append((step, 1))
    return found
