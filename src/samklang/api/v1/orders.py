"""Orders: the list, and one order's whole way."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Query
from pydantic import AwareDatetime, Field

from samklang.api.v1 import cursors
from samklang.api.v1.cursors import Cursor, Limit
from samklang.api.v1.door import Call, Door
from samklang.api.v1.errors import NotThere
from samklang.api.v1.records import Key, Search, Trouble, targets, trouble
from samklang.api.v1.shapes import Answer, AtTarget, Counted, struct
from samklang.hub.looks import journeys
from samklang.hub.looks import orders as looks
from samklang.people.rights import Right
from samklang.records import Order, OrderStatus, Shipment

door = Door("orders")
Reason = Annotated[str, Field(max_length=300)]


class OrderRow(Answer):
    """An order as its shop says it, where it stands on the three axes, and how each target stands."""

    key: str
    order: struct(Order)  # type: ignore[valid-type]
    lifecycle: str
    fulfilment: str
    payment: str
    held: bool
    targets: list[AtTarget]


class Station(Answer):
    """A stop of the order's way: done, wait, bad, or next (has not happened yet)."""

    kind: str
    system: str
    state: str
    number: str
    at: datetime | None
    link: str
    text: str


class Standing(Answer):
    """The order, or what hangs on it, at one system; `may` says what can be done there: retry, skip, resend."""

    connection: str
    title: str
    type: str
    key: str
    external_id: str
    state: str
    waiting_on: str
    attempts: int
    link: str
    may: list[str]


class StepRow(Answer):
    """Something that happened on the order's way."""

    id: int
    at: datetime
    connection: str
    type: str
    what: str
    text: str


class Said(Answer):
    """What a system says of the order."""

    connection: str
    status: struct(OrderStatus)  # type: ignore[valid-type]


class HoldLook(Answer):
    """Who keeps the order from the other systems, and why."""

    reason: str
    by: str
    since: datetime


class Journey(Answer):
    """Everything known about one order. `locked`: it is being picked or has left, and can no longer be changed."""

    key: str
    order: struct(Order) | None  # type: ignore[valid-type]
    lifecycle: str
    fulfilment: str
    payment: str
    hold: HoldLook | None
    locked: bool
    releasable: bool
    stations: list[Station]
    standings: list[Standing]
    statuses: list[Said]
    shipments: list[struct(Shipment)]  # type: ignore[valid-type]
    steps: list[StepRow]
    problems: list[Trouble]


Delivery = Annotated[
    Literal["", "stopped", "waiting", "held", "due", "open"],
    Query(description="Only orders with such a delivery; `open` = with anything that is not in step."),
]  # fmt: skip


@door.get("/orders", Right.SEE, Counted[OrderRow])
def orders_list(
    call: Call,
    q: Search = "",
    channel: Annotated[str, Query(max_length=40)] = "",
    stand: Annotated[
        str, Query(max_length=40, pattern=r"^((lifecycle|fulfilment|payment):[a-z_]+)?$",
                   description="An axis and a state: `fulfilment:shipped`, `payment:captured` …")
    ] = "",
    delivery: Delivery = "",
    since: Annotated[AwareDatetime | None, Query(description="Placed at this time or later.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Placed before this time.")] = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Any:  # fmt: skip
    """Orders, the newest first; `q` finds them by number, e-mail, name, tracking or any system's own number."""
    with cursors.judged():
        asked = looks.Asked(q, channel, stand, delivery, since, until)
        found = looks.orders(call.tenant, asked, cursors.text(cursor), limit)
    return cursors.of_slice(found, lambda row: {**row._asdict(), "targets": targets(row.targets)})


def _journey(call: Call, key: str) -> journeys.Journey:
    found = journeys.journey(call.tenant, key)
    if found is None:
        raise NotThere(f"There is no order {key}")
    return found


@door.get("/orders/{path:key}/journey", Right.SEE, Journey)
def journey(call: Call, key: Key) -> Any:
    """One order's way through all systems: stations, where it stands, every step, open problems."""
    found = _journey(call, key)
    head, hold = found.head, found.hold
    return {
        "key": found.key, "order": found.order, "lifecycle": head.lifecycle if head else "",
        "fulfilment": head.fulfilment if head else "", "payment": head.payment if head else "",
        "hold": {"reason": hold.reason, "by": hold.by, "since": hold.since} if hold else None,
        "locked": found.locked, "releasable": found.releasable,
        "stations": [station._asdict() for station in found.stations],
        "standings": [_standing(one) for one in found.standings],
        "statuses": [{"connection": row.name, "status": status} for row, status in found.statuses],
        "shipments": found.shipments,
        "steps": [
            {
                "id": step.pk, "at": step.at, "connection": step.connection.name, "type": step.type, "what": step.what,
                "text": step.text,
            }
            for step in found.steps
        ],
        "problems": [trouble(item) for item in found.troubles],
    }  # fmt: skip


def _standing(one: journeys.Standing) -> dict[str, Any]:
    binding = one.binding
    return {
        "connection": binding.connection.name, "title": one.title, "type": binding.type, "key": binding.key,
        "external_id": binding.external_id or "", "state": binding.state, "waiting_on": binding.waiting_on,
        "attempts": binding.attempts, "link": one.link, "may": one.may,
    }  # fmt: skip
