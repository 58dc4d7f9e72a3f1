"""When orders were first transferred that went before that was written down: their journeys say it.

Delivery writes it with the order's head (hub/listing.py) since there are packages. A month that counts for a package
but began earlier lacks the orders until then.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Min

from samklang.hub import listing
from samklang.hub.models import OrderHead, Step, Tenant

_PAGE = 1000  # steps


def write_down(tenant: Tenant, since: datetime) -> None:
    """For orders that a target has taken since then and whose head does not say so. Some at a time, each part in a
    transaction of its own; done again, it changes nothing.

    Only what we are sure to have transferred: a system that had an order when it was looked for may have got it from
    others.
    """
    created = Step.objects.filter(tenant=tenant, type="order", what="created")
    newest_first, last = created.order_by("-pk"), 0
    while page := list(
        (newest_first.filter(pk__lt=last) if last else newest_first).values_list("pk", "order", "at")[:_PAGE]
    ):
        last = page[-1][0]
        orders = {order for _, order, at in page if at >= since}
        if not orders:  # numbers grow with time, give or take a little
            return
        unknown = OrderHead.objects.filter(tenant=tenant, transferred_at=None, key__in=sorted(orders))
        keys = list(unknown.values_list("key", flat=True))
        first = created.filter(order__in=keys).values_list("order").annotate(first=Min("at")).order_by()
        with transaction.atomic():
            listing.transferred(tenant.pk, {order: at.timestamp() for order, at in first})
