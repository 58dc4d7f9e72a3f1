"""Brakes: a mass change stops until a person releases it.

Intake marks single changes that are dangerous in numbers (stock to zero, gone, price changed, status changed) as held.
When the read has ended, `judge` counts them: below the limits they are let go, above them they stay held behind a
brake. Changes of the last hour count along, so that many small reads cannot carry a mass change past the brake.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from samklang.connectors.errors import MassChange
from samklang.hub import events
from samklang.hub.models import Binding, Brake, Connection, Flow
from samklang.hub.problems import Trouble, clear, report
from samklang.records import OrderStatus, Price, Product, Record, StockLevel

_WINDOW = 3600.0


class Limit(NamedTuple):
    """Stops when more than `most`, or when more than `percent` of all and more than `few`. 0 per cent = no share."""

    most: int
    percent: float
    few: int


LIMITS = {
    "zero": Limit(most=500, percent=20, few=10),
    "delete": Limit(most=100, percent=5, few=5),
    "price": Limit(most=2000, percent=30, few=10),
    "status": Limit(most=300, percent=0, few=0),
}
WORDS = {
    "zero": "go to zero stock",
    "delete": "disappear or are archived",
    "price": "change price",
    "status": "change order status",
}
#: Types whose changes are compared with the record before, to see whether they are dangerous in numbers.
WATCHED = frozenset({"stock", "price", "product", "order_status"})


def risk(before: Record | None, after: Record) -> str:
    """The danger of one change, "" for none. A record that is new is none, except an order status (it may mail)."""
    if isinstance(after, OrderStatus):
        return "status"
    if before is None:
        return ""
    if isinstance(after, StockLevel) and isinstance(before, StockLevel):
        return "zero" if after.available <= 0 < before.available else ""
    if isinstance(after, Price) and isinstance(before, Price):
        return "price" if after.amount != before.amount else ""
    if isinstance(after, Product) and isinstance(before, Product):
        return "delete" if after.status == "archived" != before.status else ""
    return ""


def limit_for(target: Connection, type_: str, kind: str) -> Limit:
    """The flow's own limits (options.brakes.<risk> = [most, percent, few]) or the defaults."""
    for options in Flow.objects.filter(tenant=target.tenant, target=target, type=type_).values_list(
        "options", flat=True
    ):
        own = (options.get("brakes") or {}).get(kind)
        if own:
            return Limit(*own)
    return LIMITS[kind]


def holds(target: Connection, type_: str) -> bool:
    """Whether any change of this type is held."""
    held = Binding.objects.filter(tenant=target.tenant, connection=target, type=type_, state="held")
    return held.exclude(state="idle").exists()  # as its partial index has it: SQLite would not take that otherwise


def judge(target: Connection, type_: str) -> list[Brake]:
    """Let held changes of this type go, or put a brake before them. Returns the brakes that are on."""
    brakes: list[Brake] = []
    place = {"tenant": target.tenant, "connection": target, "type": type_}
    for kind in LIMITS:
        with transaction.atomic():
            risky = Binding.objects.filter(**place, risk=kind).exclude(risk="")  # as the partial index has it
            held = risky.filter(state="held")
            count = held.count()
            open_brake = Brake.objects.filter(**place, risk=kind, released_at=None).first()
            if not count:
                if open_brake:  # the source took the change back
                    release(open_brake, "the source")
                continue
            recent = risky.filter(risk_at__gt=time.time() - _WINDOW).exclude(state="held")
            together = count + recent.count()
            of = Binding.objects.filter(**place, wanted__isnull=False).count()
            limit = limit_for(target, type_, kind)
            share = 100 * together / max(of, 1)
            too_many = together > limit.most or (limit.percent and share > limit.percent and together > limit.few)
            if not too_many and open_brake is None:
                held.update(state="due", due_at=time.time())
                continue
            new = open_brake is None
            if open_brake is None:
                open_brake = Brake(tenant=target.tenant, connection=target, type=type_, risk=kind, count=0, of=0)
            open_brake.count, open_brake.of = count, of
            open_brake.save()
            if new:
                _tell("brake.on", open_brake)
            brakes.append(open_brake)
            what = f"{count} of {of} {type_} records would {WORDS[kind]} in {target.name}"
            report(target.tenant_id, target.pk, [Trouble("out", type_, f"brake:{kind}", MassChange(what))])
    return brakes


def release(brake: Brake, by: str) -> int:
    """A person says that the mass change is meant: everything behind the brake becomes due. Returns how many."""
    with transaction.atomic():
        brake.released_at, brake.released_by = timezone.now(), by
        brake.save(update_fields=["released_at", "released_by"])
        freed = Binding.objects.filter(
            tenant_id=brake.tenant_id, connection_id=brake.connection_id, type=brake.type, risk=brake.risk, state="held"
        ).update(state="due", due_at=time.time(), risk_at=0)
        clear(brake.tenant_id, brake.connection_id, "out", brake.type, [f"brake:{brake.risk}"])
        _tell("brake.released", brake)
    return freed


def reject(brake: Brake, by: str) -> int:
    """A person says that the mass change is not meant: what is behind the brake is let fall, and the target keeps what
    it has until the source says something new of a record. Returns how many."""
    with transaction.atomic():
        brake.released_at, brake.released_by, brake.rejected = timezone.now(), by, True
        brake.save(update_fields=["released_at", "released_by", "rejected"])
        dropped = Binding.objects.filter(
            tenant_id=brake.tenant_id, connection_id=brake.connection_id, type=brake.type, risk=brake.risk, state="held"
        ).update(state="idle", wanted=F("delivered"), risk="", risk_at=0)
        clear(brake.tenant_id, brake.connection_id, "out", brake.type, [f"brake:{brake.risk}"])
        _tell("brake.rejected", brake)
    return dropped


def _tell(what: str, brake: Brake) -> None:
    data = {
        "brake": brake.pk, "connection": brake.connection.name, "record": brake.type, "risk": brake.risk,
        "count": brake.count, "of": brake.of,
    }  # fmt: skip
    events.tell(brake.tenant_id, [events.Happening(what, str(brake.pk), data)])


def behind(brake: Brake, most: int = 20) -> list[str]:
    """Keys of records that wait behind a brake."""
    held = Binding.objects.filter(
        tenant_id=brake.tenant_id, connection_id=brake.connection_id, type=brake.type, risk=brake.risk, state="held"
    )
    return list(held.order_by("key").values_list("key", flat=True)[:most])
