"""What a person, or a program for him, can do about orders: one by one, or many at once."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop
from pydantic import Field

from samklang import engine
from samklang.api.v1.door import Call, Door, Input
from samklang.api.v1.errors import Clash, NotThere, Unfit
from samklang.api.v1.records import Key
from samklang.api.v1.shapes import Answer
from samklang.api.v1.webhooks import Number
from samklang.engine.port import Job, bulk_job
from samklang.hub import bulk, orders
from samklang.hub.models import Bulk, Connection
from samklang.people import audit
from samklang.people.rights import Right
from samklang.records import Address

door = Door("acts")
Reason = Annotated[str, Field(max_length=300)]


class Done(Answer):
    """Whether there was anything to do."""

    done: bool


class ReasonInput(Input):
    """Why it is done."""

    reason: Reason = ""


class DeliveryInput(Input):
    """A delivery of the order: of a type of record at a connection; `key` where it is not the order's own."""

    connection: Annotated[str, Field(max_length=40)]
    type: Annotated[str, Field(max_length=20)]
    key: Annotated[str, Field(max_length=300)] = ""
    reason: Reason = ""


class AddressInput(Input):
    """Where the goods go."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    company: Annotated[str, Field(max_length=200)] = ""
    lines: Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=5)]
    postcode: Annotated[str, Field(min_length=1, max_length=20)]
    city: Annotated[str, Field(min_length=1, max_length=100)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    phone: Annotated[str, Field(max_length=40)] = ""


class BulkInput(Input):
    """What to do to many orders."""

    act: Literal["release", "hold", "let go", "retry"]
    keys: Annotated[list[Key], Field(min_length=1, max_length=bulk.MOST)]
    reason: Reason = ""


class Refusal(Answer):
    """A record that it was not done to, and why."""

    key: str
    why: str


class BulkLook(Answer):
    """Something that is done to many records, slice by slice; a process that dies costs nothing."""

    id: int
    act: str
    by: str
    at: datetime
    state: Literal["running", "done", "ended"]
    ended_at: datetime | None
    total: int
    done: int
    refused: int
    refusals: list[Refusal]


def _known(call: Call, key: str) -> None:
    if not orders.stored_orders(call.tenant.pk, [key]):
        raise NotThere(f"There is no order {key}")


def _done(call: Call, said: str, key: str, **details: Any) -> None:
    audit.note(call.actor, said, f"order {key}", **{name: value for name, value in details.items() if value})
    if engine.current is not None:
        engine.current.wake(Job("tick", lane=3))


# Before the acts on whole orders: a key may hold slashes, and the first address that fits is taken.


def _at(call: Call, key: str, payload: DeliveryInput) -> tuple[Connection, str]:
    """The connection of a delivery and the key of its record, which is the order's, hangs on it, or is its buyer's."""
    row = Connection.objects.filter(tenant=call.tenant, name=payload.connection).first()
    found = orders.stored_orders(call.tenant.pk, [key]).get(key)
    if row is None or found is None:
        raise NotThere(f"There is no order {key} at {payload.connection}")
    record = payload.key or key
    mine = record == key or record.startswith(f"{key}#")
    if not mine and (payload.type, record) != ("customer", found.customer.key):
        raise Unfit("This is no record of the order", where="body.key")
    return row, record


@door.post("/orders/{path:key}/deliveries/retry", Right.OPERATE, Done)
def delivery_retry(call: Call, key: Key, payload: DeliveryInput) -> Any:
    """Try one delivery again."""
    row, record = _at(call, key, payload)
    done = orders.retry_at(call.tenant.pk, row.pk, payload.type, record, call.actor.name)
    if done:
        _done(call, gettext_noop("delivery tried again"), key, connection=row.name, type=payload.type)
    return {"done": done}


@door.post("/orders/{path:key}/deliveries/skip", Right.OPERATE, Done)
def delivery_skip(call: Call, key: Key, payload: DeliveryInput) -> Any:
    """Give up one delivery: the target is left as it is, and the next change goes there again."""
    row, record = _at(call, key, payload)
    done = orders.skip(call.tenant.pk, row.pk, payload.type, record, payload.reason, call.actor.name)
    if done:
        _done(
            call, gettext_noop("delivery given up"), key, connection=row.name, type=payload.type, reason=payload.reason
        )
    return {"done": done}


@door.post("/orders/{path:key}/deliveries/resend", Right.OPERATE, Done)
def delivery_resend(call: Call, key: Key, payload: DeliveryInput) -> Any:
    """Send a record again that the target took and lost. Captures and refunds are never sent twice."""
    row, record = _at(call, key, payload)
    done = orders.resend(call.tenant.pk, row.pk, payload.type, record, call.actor.name)
    if done:
        _done(call, gettext_noop("sent once more"), key, connection=row.name, type=payload.type)
    return {"done": done}


@door.post("/orders/{path:key}/retry", Right.OPERATE, Done)
def order_retry(call: Call, key: Key) -> Any:
    """Try again whatever of the order stopped, waits or backs off."""
    _known(call, key)
    count = orders.retry(call.tenant.pk, key, call.actor.name)
    if count:
        _done(call, gettext_noop("order tried again"), key)
    return {"done": bool(count)}


@door.post("/orders/{path:key}/release", Right.OPERATE, Done)
def order_release(call: Call, key: Key) -> Any:
    """Let the order be picked (O-04). One that is released already is done."""
    _known(call, key)
    answer = orders.release(call.tenant.pk, [key], call.actor.name)[0]
    if not answer.done:
        raise Clash(answer.why)
    _done(call, gettext_noop("order released"), key)
    return {"done": True}


@door.post("/orders/{path:key}/hold", Right.OPERATE, Done)
def order_hold(call: Call, key: Key, payload: ReasonInput) -> Any:
    """Keep the order from the other systems until it is let go; what they have already stays as it is there."""
    _known(call, key)
    orders.hold(call.tenant.pk, key, payload.reason, call.actor.name)
    _done(call, gettext_noop("order held"), key, reason=payload.reason)
    return {"done": True}


@door.post("/orders/{path:key}/let-go", Right.OPERATE, Done)
def order_let_go(call: Call, key: Key) -> Any:
    """End every hold on the order."""
    _known(call, key)
    orders.let_go(call.tenant.pk, key, call.actor.name)
    _done(call, gettext_noop("order let go"), key)
    return {"done": True}


@door.put("/orders/{path:key}/address", Right.OPERATE, Done)
def order_address(call: Call, key: Key, payload: AddressInput) -> Any:
    """Correct the address that the goods go to, for all targets; the shop's own order stays as it is.

    Refused with 409 once the order is being picked (O-06).
    """
    before = orders.stored_orders(call.tenant.pk, [key]).get(key)
    if before is None:
        raise NotThere(f"There is no order {key}")
    given = payload.model_dump()
    lines = tuple(line.strip() for line in given.pop("lines") if line.strip())
    shipping = Address(**given, lines=lines, region=before.shipping.region, email=before.shipping.email)
    orders.amend(call.tenant.pk, key, call.actor.name, shipping=shipping)
    _done(call, gettext_noop("address corrected"), key)
    return {"done": True}


# ------------------------------------------------------------------------------------------------ many at once


def bulk_plain(row: Bulk) -> dict[str, Any]:
    """Something that is done to many, as it stands."""
    return {
        "id": row.pk, "act": row.kind, "by": row.by, "at": row.at, "state": row.state, "ended_at": row.ended_at,
        "total": row.total, "done": row.done, "refused": row.refused,
        "refusals": [{"key": key, "why": why} for key, why in row.answers],
    }  # fmt: skip


def wake_bulk(row: Bulk) -> None:
    """Have the engine begin with it now."""
    if engine.current is not None:
        engine.current.wake(bulk_job(row.tenant_id, row.pk))


_ACTS = {
    "release": gettext_noop("orders released"),
    "retry": gettext_noop("orders tried again"),
    "hold": gettext_noop("orders held"),
    "let go": gettext_noop("orders let go"),
}


@door.post("/bulk", Right.OPERATE, BulkLook, status=202)
def bulk_make(call: Call, payload: BulkInput) -> Any:
    """Do something to many orders. The engine does it slice by slice; ask again until `state` is done."""
    row = bulk.start(call.tenant.pk, payload.act, call.actor.name, payload.keys, reason=payload.reason)
    audit.note(call.actor, _ACTS[payload.act], f"bulk {row.pk}", count=row.total)
    wake_bulk(row)
    return bulk_plain(row)


def _bulk(call: Call, number: int) -> Bulk:
    row = Bulk.objects.filter(tenant=call.tenant, pk=number).first()
    if row is None:
        raise NotThere(f"There is no bulk {number}")
    return row


@door.get("/bulk/{number}", Right.SEE, BulkLook)
def bulk_look(call: Call, number: Number) -> Any:
    """How far it is."""
    return bulk_plain(_bulk(call, number))


@door.delete("/bulk/{number}", Right.OPERATE)
def bulk_end(call: Call, number: Number) -> Any:
    """End it where it is; what was done stays done."""
    row = _bulk(call, number)
    bulk.end(row)
    audit.note(call.actor, gettext_noop("ended"), f"bulk {number}")
