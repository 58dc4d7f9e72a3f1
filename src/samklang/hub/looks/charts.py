"""Figures over time: orders by day and channel, how fast they arrive, what goes wrong, whether both sides agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby, pairwise
from statistics import quantiles
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, Case, Count, Exists, F, Func, OuterRef, Q, Sum, Value, When
from django.db.models.functions import TruncDate
from django.utils import timezone

from samklang.hub.models import Binding, Flow, OrderHead, Problem, ProblemItem, Step, Tenant, Transfer
from samklang.records.states import LEFT

_LOOKED_AT = 2000  # orders that the speed is taken of
_TAKEN = ("created", "matched", "updated")


class Daily(NamedTuple):
    """Days, and for each name as many counts."""

    days: list[date]
    series: dict[str, list[int]]

    @property
    def total(self) -> int:
        """All counts together."""
        return sum(sum(counts) for counts in self.series.values())


class Speed(NamedTuple):
    """Seconds from an order's being read to its being taken by a target: half, and 95 of 100, were no slower; `counts`
    by the bounds of `BOUNDS`."""

    target: str
    orders: int
    half: float
    most: float
    counts: list[int]


#: Seconds: within 10 s, a minute, five minutes, an hour, longer.
BOUNDS = (10.0, 60.0, 300.0, 3600.0)


class Cause(NamedTuple):
    """One kind of error that is open: its code, where, an example of its wording, how many problems and records."""

    code: str
    connection: str
    what: str
    problems: int
    records: int


class Agreement(NamedTuple):
    """One day of a channel, O-23: orders placed; taken, by target; gone from the warehouse; and of these, how many the
    shop was told of. Both sides agree when nothing is missing."""

    day: date
    placed: int
    taken: dict[str, int]
    sent: int
    told: int

    @property
    def agrees(self) -> bool:
        """Every order is at every target, and every one that was sent is known to be in the shop."""
        return self.told >= self.sent and all(count >= self.placed for count in self.taken.values())


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


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _number_of_day(days: Sequence[date]) -> Case:
    """Which of these days, that follow each other, an order was placed on: counted from 0, above them all -1. Said in
    the database, run by run of equally long days (an hour is missing or double twice a year), so that it counts days
    and not each quarter of an hour."""
    edges = [_midnight(day).timestamp() for day in (*days, days[-1] + timedelta(days=1))]
    runs = []
    for length, places in groupby(range(len(days)), lambda n: edges[n + 1] - edges[n]):
        first, *more = places
        since = (F("placed_at") - Value(edges[first])) / Value(length)
        runs.append(When(placed_at__lt=edges[(more or [first])[-1] + 1], then=_Whole(since) + Value(first)))
    return Case(*runs, default=Value(-1), output_field=BigIntegerField())


def orders_by_day(tenant: Tenant, days: Sequence[date]) -> Daily:
    """Orders placed, by day and channel; the channel with most first."""
    rows = (
        OrderHead.objects.filter(tenant=tenant, placed_at__gte=_midnight(days[0]).timestamp())
        .annotate(number=_number_of_day(days))
        .values_list("channel", "number")
        .annotate(n=Count("key"))
        .order_by()
    )
    counts: dict[str, Counter[date]] = defaultdict(Counter)
    for channel, number, count in rows:
        if number >= 0:
            counts[channel][days[number]] += count
    names = sorted(counts, key=lambda name: (-counts[name].total(), name))
    return Daily(list(days), {name: [counts[name][day] for day in days] for name in names})


def speeds(tenant: Tenant) -> list[Speed]:
    """How fast the newest orders came to each target."""
    rows = Step.objects.filter(tenant=tenant, type="order")
    newest = list(rows.filter(what__in=_TAKEN).order_by("-pk").values_list("order", "connection", "at")[:_LOOKED_AT])
    if not newest:
        return []
    read: dict[str, datetime] = {}
    keys = list(dict.fromkeys(order for order, _, _ in newest))
    for order, at in rows.filter(order__in=keys, what="read").values_list("order", "at"):
        read[order] = min(at, read.get(order, at))
    names = dict(Flow.objects.filter(tenant=tenant, type="order").values_list("target", "target__name"))
    first: dict[tuple[int, str], datetime] = {}
    for order, connection, at in newest:
        first[connection, order] = min(at, first.get((connection, order), at))
    took: dict[int, list[float]] = defaultdict(list)
    for (connection, order), at in first.items():
        if order in read and connection in names:
            took[connection].append(max(0.0, (at - read[order]).total_seconds()))
    return [_speed(names[connection], sorted(seconds)) for connection, seconds in sorted(took.items())]


def _speed(target: str, seconds: list[float]) -> Speed:
    cuts = quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else [seconds[0]] * 19
    below = [sum(one <= bound for one in seconds) for bound in BOUNDS]
    counts = [below[0], *(b - a for a, b in pairwise(below)), len(seconds) - below[-1]]
    return Speed(target, len(seconds), cuts[9], cuts[18], counts)


def causes(tenant: Tenant, most: int = 10) -> list[Cause]:
    """What is wrong now, by code and system, the most records first."""
    open_ = Problem.objects.filter(tenant=tenant, closed_at=None).order_by()
    items = ProblemItem.objects.filter(tenant=tenant, problem__closed_at=None).order_by()
    records = {
        (code, name): count
        for code, name, count in items.values_list("problem__code", "problem__connection__name").annotate(Count("pk"))
    }
    rows = open_.values_list("code", "connection__name").annotate(Count("pk"))
    all_ = [(code, name, count, records.get((code, name), 0)) for code, name, count in rows]
    found = sorted(all_, key=lambda row: (-row[3], row[0], row[1] or ""))[:most]
    wording: dict[tuple[str, str | None], str] = {}
    newest = open_.filter(code__in={code for code, *_ in found})
    for code, name, what in newest.order_by("-pk").values_list("code", "connection__name", "what")[:500]:
        wording.setdefault((code, name), what)
    return [Cause(code, name or "", wording.get((code, name), ""), n, records) for code, name, n, records in found]


def failures_by_day(tenant: Tenant, days: Sequence[date]) -> Daily:
    """Records that could not be read or written, by day and system, as the transfers count them."""
    rows = (
        Transfer.objects.filter(tenant=tenant, started__gte=_midnight(days[0]))
        .extra(where=['"hub_transfer"."failed" > 0'])  # its index's condition, word for word: SQLite knows nothing else
        .annotate(day=TruncDate("started"))
        .values_list("connection__name", "day")
        .annotate(n=Sum("failed"))
        .order_by()
    )
    counts: dict[str, Counter[date]] = defaultdict(Counter)
    for name, day, count in rows:
        counts[name][day] += count
    names = sorted(counts, key=lambda name: (-counts[name].total(), name))
    return Daily(list(days), {name: [counts[name][day] for day in days] for name in names})


def agreement(tenant: Tenant, days: Sequence[date]) -> dict[str, list[Agreement]]:
    """For each channel with an order flow, day by day, whether the systems know the same orders; the newest first."""
    flows = Flow.objects.filter(tenant=tenant, type="order", enabled=True).select_related("channel", "source", "target")
    by_channel: dict[str, list[Flow]] = defaultdict(list)
    for flow in flows.order_by("target__name"):
        by_channel[flow.channel.code].append(flow)
    return {channel: _agreement(tenant, days, channel, some) for channel, some in sorted(by_channel.items())}


def _agreement(tenant: Tenant, days: Sequence[date], channel: str, flows: list[Flow]) -> list[Agreement]:
    def has(connection: int, type_: str) -> Exists:
        rows = Binding.objects.filter(tenant=tenant, connection=connection, type=type_, key=OuterRef("key"))
        return Exists(rows.filter(delivered__isnull=False))

    left = Q(fulfilment__in=sorted(LEFT))
    sums = {f"t{flow.target_id}": Count("key", filter=has(flow.target_id, "order")) for flow in flows}
    rows = (
        OrderHead.objects.filter(tenant=tenant, channel=channel, placed_at__gte=_midnight(days[0]).timestamp())
        .annotate(number=_number_of_day(days))
        .values("number")
        .annotate(
            placed=Count("key"), sent=Count("key", filter=left),
            told=Count("key", filter=left & Q(has(flows[0].source_id, "order_status"))), **sums,
        )
        .order_by()
    )  # fmt: skip
    counts: dict[date, Counter[str]] = {day: Counter() for day in days}
    for row in rows:
        if row["number"] >= 0:
            counts[days[row["number"]]].update({name: count for name, count in row.items() if name != "number"})
    tells = Flow.objects.filter(tenant=tenant, channel__code=channel, type="order_status", enabled=True).exists()
    return [
        Agreement(
            day, found["placed"], {flow.target.name: found[f"t{flow.target_id}"] for flow in flows}, found["sent"],
            found["told"] if tells else found["sent"],
        )
        for day, found in reversed(counts.items())
    ]  # fmt: skip
