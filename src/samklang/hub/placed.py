"""What has become of orders at a system that can list nothing: the hub names the orders that it has placed there.

Beside the records that a system lists and those that its webhooks name, this is the third way in (`Feed.changes`
`bound`). It asks often for orders of which nothing was heard yet, and seldom for the others: one call for each.
"""

from __future__ import annotations

import time

from django.db.models import Exists, OuterRef, Q

from samklang.connectors.contract import Feed
from samklang.hub.models import Binding, Connection, OrderHead

_DAY = 86_400.0
_FRESH = 14 * _DAY  # an order placed longer ago, of which nothing is heard, is only asked for in sweeps
_OLDEST = 180 * _DAY
_SETTLED = ("shipped", "delivered", "returned")


def orders(row: Connection, feed: Feed, sweep: bool) -> list[str]:
    """External ids of the orders to ask for, by number: those of which the feed has told nothing; in a sweep all
    that are open."""
    there = Binding.objects.filter(tenant=row.tenant, connection=row, type="order", external_id__isnull=False)
    told = Binding.objects.filter(
        tenant=row.tenant, connection=row, type__in=feed.types, external_id=OuterRef("external_id")
    )
    since = time.time() - (_OLDEST if sweep else _FRESH)
    heads = OrderHead.objects.filter(tenant=row.tenant, placed_at__gte=since).exclude(lifecycle="cancelled")
    untold = ~Exists(told)
    wanted = there.filter(
        untold if not sweep else untold | ~Q(key__in=heads.filter(fulfilment__in=_SETTLED).values("key"))
    )
    found = wanted.filter(key__in=heads.values("key")).order_by("key").values_list("external_id", flat=True)
    return [id_ for id_ in found if id_]
