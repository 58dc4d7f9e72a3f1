"""Figures over time: orders by day and channel, how fast they arrive, what goes wrong, whether both sides agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise
from statistics import quantiles
from typing import NamedTuple

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate

from samklang.hub.looks.counting import NONE, Counts, Way, days_back, midnight, ways
from samklang.hub.looks.days import known_of, orders_of
from samklang.hub.models import Flow, Problem, ProblemItem, Step, Tenant, Transfer

__all__ = ["Daily", "agreement", "causes", "days_back", "failures_by_day", "orders_by_day", "speeds"]

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


def orders_by_day(tenant: Tenant, days: Sequence[date]) -> Daily:
    """Orders placed, by day and channel, on days that follow each other; the channel with most first."""
    found = orders_of(tenant, days)
    total: Counter[str] = Counter()
    for channels in found.values():
        total.update({channel: counts.placed for channel, counts in channels.items()})
    names = sorted(total, key=lambda name: (-total[name], name))
    return Daily(list(days), {name: [found[day].get(name, NONE).placed for day in days] for name in names})


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
        Transfer.objects.filter(tenant=tenant, started__gte=midnight(days[0]))
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
    by_channel = ways(tenant)
    found = known_of(tenant, days, by_channel)
    tell = Flow.objects.filter(tenant=tenant, type="order_status", enabled=True)
    telling = set(tell.values_list("channel__code", flat=True))
    return {
        channel: [
            _agreement(day, found[day].get(channel, NONE), way, channel in telling)
            for day in reversed(days)
        ]
        for channel, way in by_channel.items()
    }  # fmt: skip


def _agreement(day: date, counts: Counts, way: Way, tells: bool) -> Agreement:
    taken = {name: counts.taken.get(target, 0) for target, name in way.targets.items()}
    return Agreement(day, counts.placed, taken, counts.sent, counts.told if tells else counts.sent)
