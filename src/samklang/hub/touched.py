"""Which days' orders have changed since they were counted: noted in the transaction that changes them, insert-only, so
that pages stored side by side wait for nothing. hub/looks/days.py keeps the counts, and takes the notes away."""

from __future__ import annotations

from collections.abc import Iterable

from samklang.hub.models import OrderHead, Touched

QUARTER = 900  # seconds; every zone's midnight lies between two quarters of an hour
_AT_ONCE = 500  # keys in one statement


def quarter(moment: float) -> int:
    """The quarter of an hour that a moment (epoch seconds) lies in."""
    return int(moment // QUARTER)


def touch(tenant: int, moments: Iterable[float]) -> None:
    """Orders placed at these moments (epoch seconds) are new, have changed, or were moved to or from there. In the
    transaction that says so."""
    quarters = sorted({quarter(moment) for moment in moments})
    Touched.objects.bulk_create([Touched(tenant_id=tenant, quarter=one) for one in quarters])


def touch_orders(tenant: int, orders: Iterable[str]) -> None:
    """How far these orders have come, or that a system has them, is changing. First in the transaction that says so,
    and of all orders that it concerns: their heads are locked in key order, as intake locks them before bindings, so
    that nobody gives one another day meanwhile, and no two wait for each other."""
    heads = OrderHead.objects.filter(tenant_id=tenant).order_by("key").select_for_update(no_key=True)
    keys, moments = sorted(set(orders)), list[float]()
    for start in range(0, len(keys), _AT_ONCE):
        moments += heads.filter(key__in=keys[start : start + _AT_ONCE]).values_list("placed_at", flat=True)
    touch(tenant, moments)
