"""Brakes: mass changes that wait for a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_noop

from samklang.api.v1.door import Call, Door
from samklang.api.v1.errors import NotThere
from samklang.api.v1.shapes import Answer
from samklang.api.v1.webhooks import Count, Number
from samklang.hub import guards
from samklang.hub.models import Brake
from samklang.people import audit
from samklang.people.rights import Right

door = Door("brakes")


class BrakeRow(Answer):
    """So many of so many records would change at a system at once. `says` is what would happen to them."""

    id: int
    connection: str
    type: str
    risk: str
    says: str
    count: int
    of: int
    at: datetime


def _row(call: Call, number: int) -> Brake:
    rows = Brake.objects.select_related("connection", "tenant")
    row = rows.filter(tenant=call.tenant, released_at=None, pk=number).first()
    if row is None:
        raise NotThere(f"There is no brake {number} that is on")
    return row


@door.get("/brakes", Right.SEE, list[BrakeRow])
def brakes(call: Call) -> Any:
    """Brakes that are on."""
    rows = Brake.objects.filter(tenant=call.tenant, released_at=None).select_related("connection").order_by("pk")
    return [
        {
            "id": row.pk, "connection": row.connection.name, "type": row.type, "risk": row.risk,
            "says": guards.WORDS.get(row.risk, ""), "count": row.count, "of": row.of, "at": row.at,
        }
        for row in rows
    ]  # fmt: skip


@door.post("/brakes/{number}/release", Right.OPERATE, Count)
def brake_release(call: Call, number: Number) -> Any:
    """The change is meant: what waits behind the brake goes out."""
    row = _row(call, number)
    count = guards.release(row, call.actor.name)
    audit.note(call.actor, gettext_noop("released a brake"), f"brake {number}", count=count)
    return {"count": count}


@door.post("/brakes/{number}/reject", Right.OPERATE, Count)
def brake_reject(call: Call, number: Number) -> Any:
    """The change is not meant: the system keeps what it has, until the source says something new of a record."""
    row = _row(call, number)
    count = guards.reject(row, call.actor.name)
    audit.note(call.actor, gettext_noop("rejected a brake"), f"brake {number}", count=count)
    return {"count": count}
