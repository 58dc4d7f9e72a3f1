"""Days of orders are counted once: closed days are kept as rows until something of their orders changes.

    hub/touched.py   whoever changes what is counted notes the quarter of an hour that the order was placed in
    keep             the engine, each minute: counts what was touched, what is new, and each day anew once a day
    orders_of        a page: rows where they still hold, the rest (today, what was touched just now) is counted

A page writes nothing and waits for nothing. Who counts takes the notes of a day away *before* counting, in one
transaction: an order that was stored meanwhile has left a note that is still there. Its note and its change are visible
together, and one counts at a time for a tenant, so an older count never comes after a newer one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, datetime, timedelta

import msgspec
import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from samklang.hub.looks import counting
from samklang.hub.looks.counting import Counts, Days, Way, midnight
from samklang.hub.looks.rows import time_zone
from samklang.hub.models import OrdersOfDay, Tenant, Touched
from samklang.hub.touched import QUARTER, quarter

log = structlog.get_logger()

KEPT = 90  # days that pages show, today among them
_ANEW = 86_400.0  # seconds after which a day is counted anew, whether or not it was touched


def orders_of(tenant: Tenant, days: Sequence[date]) -> Days:
    """Orders placed on days that follow each other, by channel, in the zone that is active."""
    kept = _kept(tenant, days)
    return kept | dict(_rest(days, kept, lambda some: counting.placed(tenant, some)))


def known_of(tenant: Tenant, days: Sequence[date], ways: dict[str, Way]) -> Days:
    """The same for channels with an order flow, with what each system knows of them."""
    kept = _kept(tenant, days, flows=_flows(ways))
    return kept | dict(_rest(days, kept, lambda some: counting.known(tenant, some, ways)))


def _rest(
    days: Sequence[date], kept: Collection[date], counted: Callable[[Sequence[date]], Days]
) -> Iterator[tuple[date, dict[str, Counts]]]:
    """Days that are not kept: counted from the first of them to the last, for that asks once."""
    places = [n for n, day in enumerate(days) if day not in kept]
    if places:
        yield from ((day, found) for day, found in counted(days[places[0] : places[-1] + 1]).items() if day not in kept)


def _kept(tenant: Tenant, days: Sequence[date], **as_now: str) -> Days:
    """Days whose rows still hold. Asked for notes first: a day that had none then stands in its row as it was then."""
    touched = _touched(tenant, days[0], min(days[-1] + timedelta(days=1), timezone.localdate()))
    rows = OrdersOfDay.objects.filter(
        tenant=tenant, day__gte=days[0], day__lte=days[-1], day__lt=timezone.localdate(), zone=_zone(), **as_now
    )
    return {
        day: msgspec.convert(counts, dict[str, Counts], str_keys=True)
        for day, counts in rows.values_list("day", "counts")
        if day not in touched
    }


def _touched(tenant: Tenant, first: date, end: date) -> set[date]:
    """Days from the first until before the end that are noted."""
    quarters = _notes(tenant, first, end).values_list("quarter", flat=True).distinct().order_by()
    return {datetime.fromtimestamp(one * QUARTER, timezone.get_current_timezone()).date() for one in quarters}


def _notes(tenant: Tenant, first: date, end: date) -> QuerySet[Touched]:
    begins = [quarter(midnight(day).timestamp()) for day in (first, end)]
    return Touched.objects.filter(tenant=tenant, quarter__gte=begins[0], quarter__lt=begins[1])


def _zone() -> str:
    return timezone.get_current_timezone_name()


def _flows(ways: dict[str, Way]) -> str:
    return " ".join(f"{channel}:{way.source}>{','.join(map(str, way.targets))}" for channel, way in ways.items())


# ------------------------------------------------------------------------------------------------ counting


def keep_all(seconds: float) -> None:
    """Count what is to be counted of all tenants, for about so many seconds; the rest is left for the next time."""
    until = time.monotonic() + seconds
    for tenant in Tenant.objects.order_by("pk"):
        keep(tenant, until)


def keep(tenant: Tenant, until: float = float("inf")) -> bool:
    """Count closed days that are not kept as things are now, or were counted a day ago, the newest first; False when
    the time (of `time.monotonic`) was not enough."""
    with timezone.override(time_zone(tenant)):
        days, ways = counting.days_back(KEPT)[:-1], counting.ways(tenant)
        for day in reversed(_due(tenant, days, ways)):
            if time.monotonic() > until:
                return False
            if not _count(tenant, day, ways):
                return True  # another process is at it
        _forget_before(tenant, days[0])
    return True


def _due(tenant: Tenant, days: Sequence[date], ways: dict[str, Way]) -> list[date]:
    touched = _touched(tenant, days[0], days[-1] + timedelta(days=1))
    young = OrdersOfDay.objects.filter(
        tenant=tenant, zone=_zone(), flows=_flows(ways), day__gte=days[0], at__gt=time.time() - _ANEW
    )
    well = set(young.values_list("day", flat=True)) - touched
    return [day for day in days if day not in well]


def _count(tenant: Tenant, day: date, ways: dict[str, Way]) -> bool:
    """Count one day and keep it; False when another process counts for the tenant."""
    with transaction.atomic():
        if not Tenant.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=tenant.pk).first():
            return False
        notes = _notes(tenant, day, day + timedelta(days=1))
        touched, _ = notes.delete()
        counts = counting.placed(tenant, [day])[day] | counting.known(tenant, [day], ways)[day]
        row = OrdersOfDay(
            tenant=tenant, day=day, zone=_zone(), flows=_flows(ways), at=time.time(),
            counts=msgspec.to_builtins(counts, str_keys=True),
        )  # fmt: skip
        before = OrdersOfDay.objects.filter(tenant=tenant, day=day, zone=row.zone, flows=row.flows).first()
        if before and not touched and before.counts != row.counts and not notes.exists():
            log.error("orders of a day were kept wrong", tenant=tenant.slug, day=str(day), was=before.counts)
        OrdersOfDay.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["tenant", "day"],
            update_fields=["zone", "flows", "counts", "at"],
        )  # fmt: skip
    return True


def _forget_before(tenant: Tenant, day: date) -> None:
    """Days that no page shows any more, and what is noted of them."""
    rows = OrdersOfDay.objects.filter(tenant=tenant, day__lt=day)
    notes = Touched.objects.filter(tenant=tenant, quarter__lt=quarter(midnight(day).timestamp()))
    if rows.exists() or notes.exists():
        with transaction.atomic():
            rows.delete()  # first: a day without a row is counted, whatever was noted
            notes.delete()
