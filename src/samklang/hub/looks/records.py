"""Records of any type, as the masters of the type say them: what has no list of its own, prices and shipments too."""

from __future__ import annotations

from typing import NamedTuple

from samklang.hub.looks.articles import masters
from samklang.hub.looks.rows import MANY, PAGE, At, Slice, bounded, merged, place_of, place_text, targets
from samklang.hub.models import Connection, Stored, Tenant


class RecordLook(NamedTuple):
    """One record: its canonical bytes, who is master, and how each target stands."""

    key: str
    body: bytes
    master: str
    changed_at: float
    gone: bool
    targets: list[At]


def records(tenant: Tenant, type_: str, begin: str = "", after: str = "", size: int = PAGE) -> Slice[RecordLook]:
    """A page of records by key, of those whose key begins with `begin`. ValueError when `after` is nothing that a page
    could have given."""
    stored = Stored.objects.filter(tenant=tenant, type=type_, gone=False)
    if begin:
        stored = stored.filter(key__gte=begin, key__lt=begin + "\U0010ffff")
    places = masters(tenant, type_)
    rows, place = merged(places, lambda one: stored.filter(connection=one), place_of(after), size)
    names = dict(Connection.objects.filter(tenant=tenant).values_list("pk", "name"))
    at = targets(tenant, type_, [row.key for row in rows], list(names))
    found = [
        RecordLook(row.key, row.body, names[row.connection], row.changed_at, False, at.get(row.key, [])) for row in rows
    ]
    count = sum(bounded(stored.filter(connection=one)) for one in places)
    return Slice(found, place_text(place), min(count, MANY + 1))


def record(tenant: Tenant, type_: str, key: str) -> list[RecordLook]:
    """What each master of the type says of this key; nothing where none knows it."""
    stored = Stored.objects.filter(tenant=tenant, connection__in=masters(tenant, type_), type=type_, key=key)
    names = dict(Connection.objects.filter(tenant=tenant).values_list("pk", "name"))
    at = targets(tenant, type_, [key], list(names)).get(key, [])
    return [
        RecordLook(key, bytes(body), names[place], changed_at, gone, at)
        for place, body, changed_at, gone in stored.order_by("connection").values_list(
            "connection_id", "body", "changed_at", "gone"
        )
    ]
