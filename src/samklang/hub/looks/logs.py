"""What was transferred and asked: runs with their counts, calls with their answers."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db.models import QuerySet

from samklang.hub.looks.rows import PAGE, Slice, bounded
from samklang.hub.models import ExchangeRow, Tenant, Transfer
from samklang.hub.orders import connections_of


class Runs(NamedTuple):
    """Which runs: of a connection (by name), a direction, what (feed or type), a result; only those that moved
    something where `moved` is set."""

    connection: str = ""
    direction: str = ""
    what: str = ""
    result: str = ""
    moved: bool = False

    def __bool__(self) -> bool:
        return any(self)


class Calls(NamedTuple):
    """Which calls: of a connection (by name), about a record (its key), with a part of their address, failed ones."""

    connection: str = ""
    about: str = ""
    address: str = ""
    failed: bool = False
    since: datetime | None = None

    def __bool__(self) -> bool:
        return any(self)


def transfers(tenant: Tenant, asked: Runs, before: str = "", size: int = PAGE) -> Slice[Transfer]:
    """A page of runs, the newest first. ValueError when `before` is nothing that a page could have given."""
    rows = Transfer.objects.filter(tenant=tenant, connection__in=connections_of(tenant.pk))
    if asked.connection:
        rows = rows.filter(connection__name=asked.connection)
    if asked.direction:
        rows = rows.filter(direction=asked.direction)
    if asked.what:
        rows = rows.filter(what=asked.what)
    if asked.result:
        rows = rows.filter(result=asked.result)
    if asked.moved:
        rows = rows.exclude(created=0, updated=0, failed=0)
    return _newest(rows.select_related("connection"), before, size)


def calls(tenant: Tenant, asked: Calls, before: str = "", size: int = PAGE) -> Slice[ExchangeRow]:
    """A page of calls, the newest first; without their bodies. ValueError as `transfers`."""
    rows = ExchangeRow.objects.filter(tenant=tenant)
    if asked.connection:
        rows = rows.filter(connection__name=asked.connection)
    if asked.about:
        rows = rows.extra(where=['NOT ("exchange"."about"=\'\')']).filter(about=asked.about)  # its index's condition
    if asked.address:
        rows = rows.filter(url__icontains=asked.address)
    if asked.failed:
        rows = rows.exclude(status__gte=200, status__lt=400)
    if asked.since:
        rows = rows.filter(at__gte=asked.since)
    return _newest(rows.select_related("connection").defer("sent", "got"), before, size)


def _newest(rows: QuerySet[Transfer] | QuerySet[ExchangeRow], before: str, size: int) -> Slice:  # type: ignore[type-arg]
    page = rows.order_by("-pk")
    if before:
        page = page.filter(pk__lt=int(before))
    found = list(page[: size + 1])
    return Slice(found[:size], str(found[size - 1].pk) if len(found) > size else "", bounded(rows))
