"""Stock pots: what a channel is told, computed out of the levels that the stock's master gave per warehouse."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q

from samklang.derivations.stock import published
from samklang.hub.models import Binding, Connection, Flow, Stored
from samklang.hub.orders import stored_orders
from samklang.records import StockLevel, decode
from samklang.records.ids import sku_key
from samklang.records.money import decimal

#: Seconds in which the stock's master has surely told what was left after a parcel went: no older figure is sent again.
_TOLD = 600.0


def send_again(target: Connection, orders: Iterable[str]) -> None:
    """The target has taken these orders' goods off its stock by itself, before or after it got the master's figure:
    only another writing of the figure makes it right in either case."""
    keys = {sku_key(line.sku) for order in stored_orders(target.tenant_id, orders).values() for line in order.lines}
    rows = Binding.objects.filter(tenant=target.tenant, connection=target, type="stock", state="idle")
    for key in sorted(keys - {""}):
        some = rows.filter(key__gte=f"{key}|", key__lt=f"{key}}}", wanted__isnull=False)
        some.update(state="due", due_at=time.time() + _TOLD, sent=None)


def stock_pots(source: Connection, flow: Flow, skus: Iterable[str]) -> list[StockLevel]:
    """The pot of each article for the flow's channel. Options: `warehouses` (codes; none = all), `figure` (available
    or on_hand), `buffer` (pieces kept back)."""
    by_key = {sku_key(sku): sku for sku in skus}
    levels: dict[str, list[StockLevel]] = defaultdict(list)
    keys = list(by_key)
    for start in range(0, len(keys), 100):
        some = keys[start : start + 100]
        wanted = Q()
        for key in some:
            wanted |= Q(key__gte=f"{key}|", key__lt=f"{key}}}")
        for body in Stored.objects.filter(wanted, tenant=source.tenant, connection=source, type="stock").values_list(
            "body", flat=True
        ):
            level = decode("stock", bytes(body))
            if isinstance(level, StockLevel) and not level.warehouse.startswith("@"):
                levels[sku_key(level.sku)].append(level)
    options = flow.options
    return [
        published(
            sku,
            levels[key],
            f"@{flow.channel.code}",
            warehouses=tuple(options.get("warehouses") or ()),
            figure=options.get("figure", "available"),
            buffer=decimal(options.get("buffer", 0), "buffer"),
        )
        for key, sku in by_key.items()
    ]
