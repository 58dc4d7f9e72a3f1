"""The start page: the map of systems and what flows between them, what needs a person, figures of the day."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, F, Max, Min, OuterRef, Q, Subquery, Sum
from django.utils import timezone

from samklang.connectors.contract import Manifest
from samklang.connectors.registry import manifest, packages
from samklang.hub.looks.rows import MANY, bounded, undone
from samklang.hub.models import Binding, Brake, Connection, FeedState, Flow, OrderHead, Problem, Tenant, Transfer
from samklang.hub.orders import connections_of

_DAY = timedelta(days=1)
#: Kinds of system that stand on the left of the map: where buyers are.
_SHOPS = frozenset({"shop", "marketplace", "pos"})


class Traffic(NamedTuple):
    """Records of one type that moved in the last day."""

    type: str
    moved: int


class System(NamedTuple):
    """A connected system. `health` is ok, wait, bad or off; `why` says it: "" (well), paused, person, resting,
    stopped, moving. `out` is what it is master of, `into` what it is given; `stopped` and `moving` count records."""

    row: Connection
    title: str
    kind: str
    health: str
    why: str
    stopped: int
    moving: int
    oldest: float | None  # seconds that the oldest due record has waited
    read_at: datetime | None
    out: tuple[Traffic, ...]
    into: tuple[Traffic, ...]

    @property
    def shop(self) -> bool:
        """Whether buyers are there."""
        return self.kind in _SHOPS


class Stream(NamedTuple):
    """One flow with its traffic of the last day, what is under way, and how long the oldest has waited (seconds)."""

    flow: Flow
    moved: int
    waiting: int
    oldest: float | None


class Overview(NamedTuple):
    """The whole picture: `in_step` is a bounded count of records that targets hold as they should."""

    systems: list[System]
    streams: list[Stream]
    in_step: int
    moving: int
    stopped: int


class Figures(NamedTuple):
    """The day in numbers. `stock_age`: seconds since the oldest stock figure in a channel was read at its master (None:
    no stock flows); `oldest`: seconds that the oldest due delivery has waited."""

    orders: int
    orders_done: int
    stock_age: float | None
    oldest: float | None
    problems: int
    brakes: int


def overview(tenant: Tenant) -> Overview:
    """The map of one tenant."""
    rows = list(Connection.objects.filter(tenant=tenant).order_by("name"))
    flows = list(
        Flow.objects.filter(tenant=tenant, enabled=True)
        .select_related("channel", "source", "target")
        .order_by("type", "channel", "pk")
    )
    states, oldest = _under_way(tenant)
    moved = _moved(tenant, [row.pk for row in rows])
    read = _read_at(tenant)
    systems = [_system(row, flows, states, oldest, moved, read.get(row.pk)) for row in rows]
    streams = [
        Stream(
            flow, moved[flow.target_id, "out"][flow.type], sum(states[flow.target_id, flow.type].values()),
            oldest.get((flow.target_id, flow.type)),
        )
        for flow in flows
    ]  # fmt: skip
    counts: Counter[str] = Counter()
    for some in states.values():
        counts.update(some)
    stopped = counts["stopped"] + counts["held"]
    return Overview(systems, streams, _in_step(tenant), counts.total() - stopped, stopped)


def _under_way(tenant: Tenant) -> tuple[dict[tuple[int, str], Counter[str]], dict[tuple[int, str], float]]:
    """(target, type) → how many in which state; → seconds that the oldest due one has waited."""
    states: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    oldest: dict[tuple[int, str], float] = {}
    now = time.time()
    rows = undone(tenant).values_list("connection", "type", "state").annotate(n=Count("key"), since=Min("due_at"))
    for connection, type_, state, count, since in rows:
        states[connection, type_][state] = count
        if state in ("due", "sending") and since and since < now:
            oldest[connection, type_] = max(oldest.get((connection, type_), 0.0), now - since)
    return states, oldest


def _moved(tenant: Tenant, places: list[int]) -> dict[tuple[int, str], Counter[str]]:
    """(connection, in or out) → feed or record type → records created and updated in the last day."""
    found: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    rows = (
        Transfer.objects.filter(tenant=tenant, connection__in=places, started__gt=timezone.now() - _DAY)
        .values_list("connection", "direction", "what")
        .annotate(n=Sum(F("created") + F("updated")))
        .order_by()
    )
    for connection, direction, what, count in rows:
        found[connection, direction][what] = count
    return found


def _read_at(tenant: Tenant) -> dict[int, datetime]:
    """Connection → when it was last read whole."""
    newest = Transfer.objects.filter(tenant=tenant, connection=OuterRef("pk"), direction="in", result="ok")
    rows = Connection.objects.filter(tenant=tenant).annotate(
        read=Subquery(newest.order_by("-started").values("started")[:1])
    )
    return {pk: read for pk, read in rows.values_list("pk", "read") if read}


def _system(
    row: Connection,
    flows: list[Flow],
    states: dict[tuple[int, str], Counter[str]],
    oldest: dict[tuple[int, str], float],
    moved: dict[tuple[int, str], Counter[str]],
    read: datetime | None,
) -> System:
    facts = facts_of(row)
    mine: Counter[str] = Counter()
    for (connection, _), counts in states.items():
        if connection == row.pk:
            mine.update(counts)
    stopped = mine["stopped"] + mine["held"]
    moving = mine.total() - stopped
    given = {flow.type for flow in flows if flow.source_id == row.pk}
    taken = {flow.type for flow in flows if flow.target_id == row.pk}
    out = [
        Traffic(type_, count)
        for feed, count in moved[row.pk, "in"].most_common()
        if (type_ := _type_of(facts, feed, given))
    ]
    out += [Traffic(type_, 0) for type_ in sorted(given - {traffic.type for traffic in out})]
    into = [Traffic(type_, count) for type_, count in moved[row.pk, "out"].most_common() if type_ in taken]
    into += [Traffic(type_, 0) for type_ in sorted(taken - {traffic.type for traffic in into})]
    waited = [seconds for (connection, _), seconds in oldest.items() if connection == row.pk]
    health, why = _health(row, stopped, moving, bool(given or taken))
    return System(
        row, facts.title if facts else row.connector, facts.kind if facts else "", health, why, stopped, moving,
        max(waited, default=None), read, tuple(out), tuple(into),
    )  # fmt: skip


def facts_of(row: Connection) -> Manifest | None:
    """The manifest of a connection's connector, None where that is not installed any more."""
    return manifest(row.connector) if row.connector in packages() else None


def _type_of(facts: Manifest | None, feed: str, given: set[str]) -> str:
    """The record type that a feed is read for, "" where no flow wants it."""
    types = next((f.types for f in facts.feeds if f.name == feed), ()) if facts else ()
    return next((type_ for type_ in types if type_ in given), "")


def _health(row: Connection, stopped: int, moving: int, flowing: bool) -> tuple[str, str]:
    if row.state == Connection.State.NEEDS_PERSON:
        return "bad", "person"
    if row.state == Connection.State.PAUSED:
        return "off", "paused"
    if row.open_until > time.time():
        return "bad", "resting"
    if stopped:
        return "wait", "stopped"
    if not flowing:
        return "off", "unused"
    return "ok", "moving" if moving else ""


def _in_step(tenant: Tenant) -> int:
    """How many records their targets hold as they should, bounded: counting all takes the longer the more there are."""
    found = 0
    pairs = Flow.objects.filter(tenant=tenant, enabled=True).values_list("target", "type").distinct()
    for target, type_ in pairs:  # one by one: what targets hold lies among what masters hold, and is found by its place
        rows = Binding.objects.filter(tenant=tenant, connection=target, type=type_, state="idle", wanted__isnull=False)
        found += rows[: MANY + 1 - found].count()
        if found > MANY:
            break
    return found


def figures(tenant: Tenant) -> Figures:
    """The figures of the day, which begins at midnight in the zone that is active."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    today = OrderHead.objects.filter(tenant=tenant, placed_at__gte=midnight.timestamp())
    count = bounded(today)
    late = set(
        undone(tenant)
        .filter(connection__in=connections_of(tenant.pk), type="order")
        .values_list("key", flat=True)[:MANY]
    )  # fmt: skip
    open_today = today.filter(key__in=sorted(late)).count() if late else 0
    due = undone(tenant).filter(state="due", due_at__lte=time.time()).aggregate(at=Min("due_at"))["at"]
    return Figures(
        count, max(0, count - open_today), _stock_age(tenant), time.time() - due if due else None,
        bounded(Problem.objects.filter(tenant=tenant, closed_at=None)),
        Brake.objects.filter(tenant=tenant, released_at=None).count(),
    )  # fmt: skip


def _stock_age(tenant: Tenant) -> float | None:
    """How old the oldest stock figure in a channel can be: since its master was last read, or since it waits."""
    flows = Flow.objects.filter(tenant=tenant, type="stock", enabled=True)
    sources = set(flows.values_list("source", flat=True))
    if not sources:
        return None
    feeds = dict(
        FeedState.objects.filter(tenant=tenant, connection__in=sources, types__icontains='"stock"')
        .values_list("connection")
        .annotate(at=Max("read_at"))
    )
    read = [at for at in feeds.values() if at]
    waits = undone(tenant).filter(type="stock").aggregate(at=Min("due_at"))["at"]
    ages = [(timezone.now() - min(read)).total_seconds()] if read and len(feeds) == len(sources) else []
    if waits:
        ages.append(time.time() - waits)
    return max(0.0, *ages) if ages else None


class Need(NamedTuple):
    """Something that needs a person. `kind` is connection, brake or problem; `records` how many wait or are wrong."""

    kind: str
    connection: Connection | None
    what: str
    do_this: str
    type: str
    records: int
    since: datetime | None
    problem: int | None = None


def needs(tenant: Tenant, most: int = 8) -> list[Need]:
    """What waits for a person: connections that refuse to work first, then problems, the oldest first; at most so
    many, and one more when there are more."""
    broken = list(Connection.objects.filter(tenant=tenant, state=Connection.State.NEEDS_PERSON))
    waiting = dict(
        undone(tenant).filter(connection__in=broken).values_list("connection").annotate(n=Count("key")).order_by()
    )
    found = [
        Need("connection", row, row.reason, "", "", waiting.get(row.pk, 0), None) for row in broken
    ]  # fmt: skip
    told = Q(type="", connection__in=broken)
    open_ = Problem.objects.filter(tenant=tenant, closed_at=None).exclude(told).order_by("pk")
    oldest = list(open_.values_list("pk", flat=True)[: most + 1])  # first which, then counted: else all would be
    shown = Problem.objects.filter(tenant=tenant, pk__in=oldest).select_related("connection")
    for problem in shown.annotate(n=Count("items")).order_by("pk"):
        kind = "brake" if problem.code == "SYNC-410" else "problem"
        found.append(
            Need(
                kind, problem.connection, problem.what, problem.do_this, problem.type, problem.n, problem.first_at,
                problem.pk,
            )
        )  # fmt: skip
    return found[: most + 1]
