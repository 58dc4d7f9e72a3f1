"""Counting orders out of the tables: by day and channel, and how many of them every system knows (O-23)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, Case, Count, Exists, F, Func, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from samklang.hub.models import Binding, Flow, OrderHead, Tenant
from samklang.records.states import LEFT


class Counts(NamedTuple):
    """Orders of one day and channel: placed; gone from the warehouse; of these, how many the shop was told of; taken,
    by target (number of the connection)."""

    placed: int
    sent: int
    told: int
    taken: dict[int, int]


NONE = Counts(0, 0, 0, {})


class Way(NamedTuple):
    """Where a channel's orders come from, and which targets they flow to: names, by number of the connection."""

    source: int
    targets: dict[int, str]


#: Day → channel → its orders; channels without one are left out.
Days = dict[date, dict[str, Counts]]


class _Whole(Func):
    """A number above 0 without its fraction."""

    template = "CAST(FLOOR(%(expressions)s) AS bigint)"
    output_field = BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """CAST cuts towards zero, which is down here; FLOOR is not there in every build."""
        return self.as_sql(compiler, connection, template="CAST(%(expressions)s AS integer)", **more)


def days_back(count: int) -> list[date]:
    """So many days up to today, in the zone that is active."""
    today = timezone.localdate()
    return [today - timedelta(days=n) for n in reversed(range(count))]


def midnight(day: date) -> datetime:
    """When a day begins, in the zone that is active."""
    return timezone.make_aware(datetime.combine(day, time.min))


def ways(tenant: Tenant) -> dict[str, Way]:
    """Channels with an order flow that is on, by name."""
    flows = Flow.objects.filter(tenant=tenant, type="order", enabled=True).select_related("channel", "target")
    found: dict[str, Way] = {}
    for flow in flows.order_by("channel__code", "target__name"):
        found.setdefault(flow.channel.code, Way(flow.source_id, {})).targets[flow.target_id] = flow.target.name
    return found


def placed(tenant: Tenant, days: Sequence[date]) -> Days:
    """Orders placed, out of an index alone; `days` follow each other."""
    rows = _numbered(OrderHead.objects.filter(tenant=tenant), days).values_list("channel", "number")
    found: Days = {day: {} for day in days}
    for channel, number, count in rows.annotate(n=Count("key")).order_by():
        if number >= 0:
            found[days[number]][channel] = Counts(count, 0, 0, {})
    return found


def known(tenant: Tenant, days: Sequence[date], ways: dict[str, Way]) -> Days:
    """Orders of these channels, and which systems know them: each order is asked after. `days` follow each other."""
    found: Days = {day: {} for day in days}
    for channel, way in ways.items():
        for day, counts in _known(tenant, days, channel, way):
            found[day][channel] = counts
    return found


def _known(tenant: Tenant, days: Sequence[date], channel: str, way: Way) -> list[tuple[date, Counts]]:
    def has(connection: int, type_: str) -> Exists:
        rows = Binding.objects.filter(tenant=tenant, connection=connection, type=type_, key=OuterRef("key"))
        return Exists(rows.filter(delivered__isnull=False))

    left = Q(fulfilment__in=sorted(LEFT))
    sums = {f"t{target}": Count("key", filter=has(target, "order")) for target in way.targets}
    rows = (
        _numbered(OrderHead.objects.filter(tenant=tenant, channel=channel), days)
        .values("number")
        .annotate(
            placed=Count("key"), sent=Count("key", filter=left),
            told=Count("key", filter=left & Q(has(way.source, "order_status"))), **sums,
        )
        .order_by()
    )  # fmt: skip
    return [
        (
            days[row["number"]],
            Counts(row["placed"], row["sent"], row["told"], {target: row[f"t{target}"] for target in way.targets}),
        )
        for row in rows
        if row["number"] >= 0
    ]


def _numbered(heads: QuerySet[OrderHead], days: Sequence[date]) -> QuerySet[Any, Any]:
    """Heads of these days, that follow each other, each with the `number` of its day, counted from 0 (-1: of none).
    Said in the database, run by run of equally long days (an hour is missing or double twice a year), so that it counts
    days and not each quarter of an hour."""
    edges = [midnight(day).timestamp() for day in (*days, days[-1] + timedelta(days=1))]
    runs = []
    for length, places in groupby(range(len(days)), lambda n: edges[n + 1] - edges[n]):
        first, *more = places
        since = (F("placed_at") - Value(edges[first])) / Value(length)
        runs.append(When(placed_at__lt=edges[(more or [first])[-1] + 1], then=_Whole(since) + Value(first)))
    number = Case(*runs, default=Value(-1), output_field=BigIntegerField())
    return heads.filter(placed_at__gte=edges[0], placed_at__lt=edges[-1]).annotate(number=number)
