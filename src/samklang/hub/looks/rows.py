"""What all lists share: bounded counts, the tenant's connections, what is under way, how targets stand."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from samklang.hub.models import Binding, Channel, Stored, Tenant
from samklang.records.times import zone

MANY = 10_000  # counted to the end; above it a figure says so
PAGE = 50

T = TypeVar("T")


class Slice(NamedTuple, Generic[T]):
    """Some rows of a list, where the next page begins ("" = there is none), and how many there are in all: up to
    `MANY`, one more means "more than that". Where `until` is set, this page has looked through no more than what is
    that new: the count is of that, and an empty page may have a next one."""

    rows: list[T]
    after: str
    total: int
    until: datetime | None = None


class At(NamedTuple):
    """How a record stands at a target."""

    connection: str
    state: str
    external_id: str
    waiting_on: str = ""


def time_zone(tenant: Tenant) -> ZoneInfo:
    """The zone of the tenant's first channel: its day, and its time of the day."""
    name = Channel.objects.filter(tenant=tenant).order_by("id").values_list("time_zone", flat=True).first()
    return zone(name or "UTC")


def hanging(order: str, column: str = "key") -> Q:
    """What hangs on an order: its own key, and those that go on from it. One range, for a database may read everything
    rather than join two by OR; what else lies in it, `hangs` leaves out."""
    return Q(**{f"{column}__gte": order, f"{column}__lt": f"{order}$"})


def hangs(order: str, key: str) -> bool:
    """Whether a key is the order's, or that of something that hangs on it."""
    return key == order or key.startswith(f"{order}#")


def undone(tenant: Tenant) -> QuerySet[Binding]:
    """What is not in step. Says the condition of its index word for word: SQLite understands nothing else."""
    return Binding.objects.filter(tenant=tenant).extra(where=['NOT ("binding"."state"=\'idle\')'])


def bounded(rows: QuerySet[Any]) -> int:
    """How many rows, counted no further than one beyond `MANY`."""
    return rows.order_by()[: MANY + 1].count()


def targets(tenant: Tenant, type_: str, keys: Iterable[str], here: Sequence[int]) -> dict[str, list[At]]:
    """Key → how the record stands at each target, by connection; `here` are the tenant's connections."""
    found: dict[str, list[At]] = defaultdict(list)
    rows = Binding.objects.filter(
        tenant=tenant, connection__in=here, type=type_, key__in=list(keys), wanted__isnull=False
    )
    for key, name, state, id_, waiting_on in rows.values_list(
        "key", "connection__name", "state", "external_id", "waiting_on"
    ):
        found[key].append(At(name, state, id_ or "", waiting_on))
    for at in found.values():
        at.sort()
    return found


class Row(NamedTuple):
    """A stored record as a list needs it."""

    key: str
    connection: int
    body: bytes
    changed_at: float


def merged(
    places: Iterable[int], ask: Callable[[int], QuerySet[Stored]], after: tuple[str, int] | None, size: int
) -> tuple[list[Row], tuple[str, int] | None]:
    """A page of records of several masters in the order of their keys. Each master is asked for itself, for only then
    does the index give them in order; returns the place of the next page too."""

    def some(place: int) -> list[Row]:
        rows = ask(place).order_by("key")
        if after is not None:
            rows = rows.filter(key__gte=after[0]) if place > after[1] else rows.filter(key__gt=after[0])
        found = rows.values_list("key", "body", "changed_at")[: size + 1]
        return [Row(key, place, bytes(body), changed_at) for key, body, changed_at in found]

    page = list(heapq.merge(*(some(place) for place in sorted(set(places)))))[: size + 1]
    return page[:size], (page[size - 1].key, page[size - 1].connection) if len(page) > size else None


def place_of(text: str) -> tuple[str, int] | None:
    """(key, connection) out of the text that an address carries. ValueError when it is none."""
    if not text:
        return None
    number, _, key = text.partition(".")
    return key, int(number)


def place_text(place: tuple[str, int] | None) -> str:
    """The other way round; "" for none."""
    return f"{place[1]}.{place[0]}" if place else ""
