"""Finding an order by what a person types."""

from __future__ import annotations

from typing import NamedTuple, cast

from samklang.cli.screen import WrongUse
from samklang.hub.models import Connection, Stored, Tenant
from samklang.records import Order, decode


class Found(NamedTuple):
    """An order and the connection that is its master."""

    record: Order
    source: Connection


def find(tenant: Tenant, typed: str) -> Found:
    """By its key (channel/number), or by its number alone where only one channel has it."""
    stored = Stored.objects.filter(tenant=tenant, type="order").select_related("connection")
    rows = list(stored.filter(key=typed)[:2]) or list(stored.filter(key__endswith=f"/{typed.lstrip('#')}")[:10])
    if not rows:
        raise WrongUse(f"No order {typed} has been read", "Check the number; `samklang sync` reads the newest orders.")
    if len({row.key for row in rows}) > 1:
        raise WrongUse(f"{typed} is an order in several channels", f"Say which: {', '.join(row.key for row in rows)}.")
    return Found(cast("Order", decode("order", bytes(rows[0].body))), rows[0].connection)
