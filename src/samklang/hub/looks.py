"""What pages and the API show, as plain values: queries of one tenant, no HTML, no JSON."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet, Subquery, Sum, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from samklang.connectors.registry import manifest, packages
from samklang.hub.models import (
    Binding,
    Brake,
    Connection,
    ExchangeRow,
    Flow,
    Problem,
    ProblemItem,
    Step,
    Stored,
    Tenant,
    Transfer,
)
from samklang.hub.problems import about_one, exchanges_of
from samklang.records import Order, Product, decode, record_types

_MANY = 10_000  # counted to the end; above it a figure says so
_LAST = "\U0010ffff"  # comes after every character of a key


def _connections(tenant: Tenant) -> list[int]:
    """All connections of a tenant: keys begin with tenant and connection, so naming them makes the indexes useful."""
    return list(Connection.objects.filter(tenant=tenant).values_list("pk", flat=True))


def _undone(tenant: Tenant) -> QuerySet[Binding]:
    """What is not in step. Says the condition of its index word for word: SQLite understands nothing else."""
    return Binding.objects.filter(tenant=tenant).extra(where=['NOT ("binding"."state"=\'idle\')'])


class Node(NamedTuple):
    """A connected system on the map. `health` is ok, wait or bad; `line` says why or when it was last read."""

    name: str
    title: str
    kind: str
    health: str
    line: str
    left: bool
    y: int = 0


class Wire(NamedTuple):
    """What flows between a system and the hub: labels with counts of the last day, and the worst state among them."""

    node: Node
    health: str
    label: str
    d: str = ""
    x: int = 0
    y: int = 0
    width: int = 0


class Map(NamedTuple):
    """The picture: nodes, wires, its height, and what the middle says."""

    nodes: list[Node]
    wires: list[Wire]
    height: int
    in_step: str
    waiting: int


class Need(NamedTuple):
    """Something that needs a person: what, how many records, what to do, the command that mends it."""

    title: str
    detail: str
    do_this: str
    command: str
    since: datetime


def systems(tenant: Tenant) -> Map:
    """The map of one tenant."""
    rows = list(Connection.objects.filter(tenant=tenant).order_by("name"))
    states: dict[int, Counter[str]] = defaultdict(Counter)
    for connection, state, count in _undone(tenant).values_list("connection", "state").annotate(n=Count("key")):
        states[connection][state] = count
    last_read = Transfer.objects.filter(tenant=tenant, connection=OuterRef("pk"), direction="in", result="ok")
    newest = Subquery(last_read.order_by("-started").values("started")[:1])
    read = dict(Connection.objects.filter(tenant=tenant).annotate(read=newest).values_list("pk", "read"))
    day = timezone.now() - timedelta(days=1)
    moved: dict[int, Counter[str]] = defaultdict(Counter)
    for connection, what, created, updated in Transfer.objects.filter(
        tenant=tenant, connection__in=[row.pk for row in rows], direction="out", started__gt=day
    ).values_list("connection", "what", "created", "updated"):
        moved[connection][what] += created + updated
    on = Flow.objects.filter(tenant=tenant, enabled=True)
    flowing = {pk for pair in on.values_list("source", "target") for pk in pair}
    nodes: list[Node] = []
    wires: list[Wire] = []
    sides = {True: 0, False: 0}
    for row in rows:
        known = row.connector in packages()
        facts = manifest(row.connector) if known else None
        health, line = _health(row, states[row.pk], read.get(row.pk))
        left = facts is not None and facts.kind in ("shop", "marketplace", "pos")
        node = Node(
            row.name, facts.title if facts else row.connector, facts.kind if facts else "", health, line, left,
            30 + 110 * sides[left],
        )  # fmt: skip
        sides[left] += 1
        nodes.append(node)
        if row.pk in flowing:
            most = moved[row.pk].most_common(1)
            wires.append(Wire(node, health, "".join(f"{n:,} {w}".replace(",", " ").replace("_", " ") for w, n in most)))
    rows_high = max(*sides.values(), 1)
    height = 110 * rows_high + 20
    return Map(
        nodes, [_drawn(wire, height) for wire in wires], height,
        _in_step(tenant),
        sum(sum(counts.values()) for counts in states.values()),
    )  # fmt: skip


def _in_step(tenant: Tenant) -> str:
    """How many records their targets hold as they should; above `_MANY` only that there are more, for counting all
    takes the longer the more there are."""
    found = 0
    for target, type_ in Flow.objects.filter(tenant=tenant).values_list("target", "type").distinct():
        rows = Binding.objects.filter(tenant=tenant, connection=target, type=type_, state="idle", wanted__isnull=False)
        found += rows[: _MANY + 1 - found].count()
        if found > _MANY:
            return f"{_MANY:,}+".replace(",", " ")
    return f"{found:,}".replace(",", " ")


def _drawn(wire: Wire, height: int) -> Wire:
    """The wire as an SVG path from its node to the hub in the middle."""
    y, middle = wire.node.y + 31, height // 2
    x0, x1 = (250, 428) if wire.node.left else (790, 612)
    half = (x0 + x1) // 2
    width = 20 + 6 * len(wire.label)
    return wire._replace(
        d=f"M{x0},{y} C{half},{y} {half},{middle} {x1},{middle}", x=half - width // 2, y=(y + middle) // 2, width=width
    )


def _health(row: Connection, states: Counter[str], read: datetime | None) -> tuple[str, str]:
    if row.state == Connection.State.NEEDS_PERSON:
        return "bad", "needs a person"
    if row.state == Connection.State.PAUSED:
        return "wait", "paused"
    if row.open_until > time.time():
        return "bad", "rests after faults"
    if states["stopped"] or states["held"]:
        return "wait", f"{states['stopped'] + states['held']} stopped"
    undone = sum(states.values())
    if undone:
        return "ok", f"{undone} on their way"
    return "ok", f"read {_ago(read)}" if read else "not read yet"


def _ago(at: datetime) -> str:
    seconds = int((timezone.now() - at).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{max(seconds, 0)} s ago"


def needs(tenant: Tenant) -> list[Need]:
    """Everything that waits for a person, the oldest first."""
    found = [
        Need(
            f"{row.name}: {row.reason or 'paused'}",
            f"{_undone(tenant).filter(connection=row).count()} records wait; none is lost.",
            "Mend it there, then resume.", f"samklang resume {row.name}", timezone.now(),
        )
        for row in Connection.objects.filter(tenant=tenant, state=Connection.State.NEEDS_PERSON)
    ]  # fmt: skip
    told = Q(type="", connection__in=Connection.objects.filter(tenant=tenant, state=Connection.State.NEEDS_PERSON))
    open_ = Problem.objects.filter(tenant=tenant, closed_at=None).exclude(told).select_related("connection")
    for problem in open_.annotate(n=Count("items")):
        records = "1 record" if problem.n == 1 else f"{problem.n} records"
        brake = problem.code == "SYNC-410"
        where = f"{problem.system or 'hub'} · {problem.type.replace('_', ' ') or 'connection'} · {records}"
        command = "samklang release" if brake else f"samklang retry --connection {problem.system}"
        found.append(Need(problem.what, where, problem.do_this, command, problem.first_at))
    return sorted(found, key=lambda need: need.since)


def figures(tenant: Tenant) -> dict[str, str]:
    """Four figures for the start page."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    today = Transfer.objects.filter(
        tenant=tenant, connection__in=_connections(tenant), direction="out", what="order", started__gte=midnight
    ).aggregate(n=Sum("created"))["n"]
    oldest = _undone(tenant).filter(state="due", due_at__lte=time.time()).aggregate(at=Min("due_at"))["at"]
    return {
        "orders transferred today": f"{today or 0:,}".replace(",", " "),
        "oldest waiting delivery": f"{time.time() - oldest:.0f} s" if oldest else "none",
        "open problems": str(Problem.objects.filter(tenant=tenant, closed_at=None).count()),
        "brakes on": str(Brake.objects.filter(tenant=tenant, released_at=None).count()),
    }


class OrderLook(NamedTuple):
    """One order in the list, with its state at each target. `place` is where the next page begins."""

    key: str
    order: Order
    targets: list[tuple[str, str, str]]  # connection, state, external id
    place: str


def orders(tenant: Tenant, search: str, before: str, size: int = 50) -> list[OrderLook]:
    """Orders, the newest change first, from the place `before` on; with `search`, the beginning of a number, by number.

    ValueError when `before` is no `OrderLook.place`.
    """
    page = _begin_with(tenant, search, size) if search else _newest(tenant, before, size)
    keys, here = [key for key, _ in page], _connections(tenant)
    stored = Stored.objects.filter(tenant=tenant, connection__in=here, type="order", key__in=keys)
    bodies = dict(stored.values_list("key", "body"))
    targets = defaultdict(list)
    for key, connection, state, id_, source in Binding.objects.filter(
        tenant=tenant, connection__in=here, type="order", key__in=keys, wanted__isnull=False
    ).values_list("key", "connection__name", "state", "external_id", "source_id"):
        if source is not None:
            targets[key].append((connection, state, id_ or ""))
    found = []
    for key, place in page:
        if key in bodies:
            order = decode("order", bytes(bodies[key]))
            assert isinstance(order, Order)
            found.append(OrderLook(key, order, targets[key], place))
    return found


def _newest(tenant: Tenant, before: str, size: int) -> list[tuple[str, str]]:
    """(key, place) of orders as they were last read: steps are only ever added, so the newest has the highest number.

    An index of records by time would cost every article that changes a row in it.
    """
    reads = Step.objects.filter(tenant=tenant, type="order", what="read")
    again = reads.filter(order=OuterRef("order"), pk__gt=OuterRef("pk"))
    rows = reads.filter(~Exists(again)).order_by("-pk")
    if before:
        rows = rows.filter(pk__lt=int(before))
    return [(key, str(pk)) for key, pk in rows.values_list("order", "pk")[:size]]


def _begin_with(tenant: Tenant, number: str, size: int) -> list[tuple[str, str]]:
    """(key, no place) of orders whose number begins so, in each channel."""
    found: list[str] = []
    sources = Flow.objects.filter(tenant=tenant, type="order").values_list("source", "channel__code").distinct()
    for source, code in sources:
        start = number if number.startswith(f"{code}/") else f"{code}/{number}"
        rows = Stored.objects.filter(
            tenant=tenant, connection=source, type="order", key__gte=start, key__lt=start + _LAST
        )
        found += rows.order_by("key").values_list("key", flat=True)[:size]
    return [(key, "") for key in sorted(found)[:size]]


class JourneyLook(NamedTuple):
    """Everything known about one order's way."""

    order: Order | None
    steps: list[Step]
    bindings: list[Binding]
    troubles: list[ProblemItem]
    exchanges: list[ExchangeRow]


def journey(tenant: Tenant, key: str) -> JourneyLook:
    """One order by its key (channel/number)."""
    here = _connections(tenant)
    stored = Stored.objects.filter(tenant=tenant, connection__in=here, type="order", key=key).first()
    order = decode("order", bytes(stored.body)) if stored else None
    assert order is None or isinstance(order, Order)
    customer = Q(type="customer", key=order.customer.key) if order else Q(pk__in=[])
    mine = Q(type__in=record_types()) & (Q(key=key) | Q(key__gte=f"{key}#", key__lt=f"{key}#{_LAST}"))
    bindings = Binding.objects.filter(mine | customer, tenant=tenant, connection__in=here)
    calls = about_one(tenant.pk).filter(about=key)
    return JourneyLook(
        order,
        list(Step.objects.filter(tenant=tenant, order=key).select_related("connection").order_by("at", "id")),
        list(bindings.select_related("connection").order_by("type")),
        list(
            ProblemItem.objects.filter(Q(key=key) | customer, tenant=tenant, problem__closed_at=None)
            .select_related("problem", "connection")
        ),
        list(calls.select_related("connection").order_by("-at")[:50]),
    )  # fmt: skip


class ProductLook(NamedTuple):
    """One product at its master, with what each other system has."""

    product: Product
    master: str
    targets: list[tuple[str, str, str]]


def products(tenant: Tenant, search: str, after: str, size: int = 50) -> list[ProductLook]:
    """Products of their masters by key; `search` is the beginning of a number."""
    masters = Flow.objects.filter(tenant=tenant, type="product").values_list("source", flat=True)
    rows = Stored.objects.filter(tenant=tenant, type="product", connection__in=set(masters), gone=False).order_by("key")
    if search:
        start = search.strip().casefold()
        rows = rows.filter(key__gte=start, key__lt=start + _LAST)
    if after:
        rows = rows.filter(key__gt=after)
    page = list(rows.values_list("key", "body", "connection__name")[:size])
    targets = defaultdict(list)
    for key, connection, state, id_ in Binding.objects.filter(
        tenant=tenant, connection__in=_connections(tenant), type="product", key__in=[key for key, _, _ in page],
        wanted__isnull=False,
    ).values_list("key", "connection__name", "state", "external_id"):  # fmt: skip
        targets[key].append((connection, state, id_ or ""))
    found = []
    for key, body, master in page:
        product = decode("product", bytes(body))
        assert isinstance(product, Product)
        found.append(ProductLook(product, master, targets[key]))
    return found


class Trouble(NamedTuple):
    """A record with a problem and the call that shows it."""

    item: ProblemItem
    exchange: ExchangeRow | None


def open_problems(tenant: Tenant, most: int = 20) -> list[tuple[Problem, int, list[Trouble]]]:
    """Open problems, the newest first: how many records each has, and the first of them with their calls."""
    rows = Problem.objects.filter(tenant=tenant, closed_at=None).select_related("connection").annotate(n=Count("items"))
    place = Window(RowNumber(), partition_by=F("problem"), order_by=F("key").asc())
    first = ProblemItem.objects.filter(tenant=tenant, problem__closed_at=None).annotate(place=place)
    items = list(first.filter(place__lte=most).order_by("problem", "key"))
    calls = exchanges_of(items)
    troubles: dict[int, list[Trouble]] = defaultdict(list)
    for item in items:
        troubles[item.problem_id].append(Trouble(item, calls.get(item.pk)))
    return [(problem, problem.n, troubles[problem.pk]) for problem in rows.order_by("-last_at")]
