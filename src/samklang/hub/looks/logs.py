"""What was transferred and asked: runs with their counts, calls with their answers.

Both tables hold all that happened for weeks. What an index names is found at once (the connection, the record, what
failed, what moved something); for anything else, such as a part of an address, a page looks through so many of the
newest rows, says how far back it has come, and the next page goes on from there: none costs more with more rows.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from samklang.hub.looks.rows import PAGE, Slice, bounded
from samklang.hub.models import Connection, ExchangeRow, Tenant, Transfer

LOOKED_THROUGH = 20_000  # rows that one page looks at, where no index names what is asked for
_LATE = timedelta(hours=1)  # rows are numbered when they are stored: so much later than what they tell of, at the most


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
    rows = _of(Transfer.objects.filter(tenant=tenant), tenant, asked.connection)
    if asked.moved:  # its index's condition, word for word
        rows = rows.extra(
            where=['("hub_transfer"."created" > 0 OR "hub_transfer"."updated" > 0 OR "hub_transfer"."failed" > 0)']
        )
    wanted = Q()
    for name in ("direction", "what", "result"):
        if value := getattr(asked, name):
            wanted &= Q(**{name: value})
    return _newest(rows, wanted, "started", None, before, size)


def calls(tenant: Tenant, asked: Calls, before: str = "", size: int = PAGE) -> Slice[ExchangeRow]:
    """A page of calls, the newest first; without their bodies. ValueError as `transfers`."""
    rows = _of(ExchangeRow.objects.filter(tenant=tenant), tenant, asked.connection)
    if asked.about:
        rows = rows.extra(where=['NOT ("exchange"."about"=\'\')']).filter(about=asked.about)  # its index's condition
    if asked.failed:
        rows = rows.extra(where=['("exchange"."status" < 200 OR "exchange"."status" >= 400)'])  # likewise
    wanted = Q(url__icontains=asked.address) if asked.address else Q()
    return _newest(rows.defer("sent", "got"), wanted, "at", asked.since, before, size)


def _of(rows: QuerySet[Any], tenant: Tenant, connection: str) -> QuerySet[Any]:
    if not connection:
        return rows
    return rows.filter(connection=Connection.objects.filter(tenant=tenant, name=connection).first())


def _newest(rows: QuerySet[Any], wanted: Q, at: str, since: datetime | None, before: str, size: int) -> Slice[Any]:
    """A page of what is wanted of the rows, by number; what stands in no index is looked for among the newest ones.
    `since` bounds the time, which is the column `at`."""
    page = rows.order_by("-pk")
    if before:
        page = page.filter(pk__lt=int(before))
    if since:
        wanted &= Q(**{f"{at}__gte": since})
    if not wanted:
        found = list(page.select_related("connection")[: size + 1])
        return Slice(found[:size], str(found[size - 1].pk) if len(found) > size else "", bounded(rows))
    end, until = _looked_through(page, at, since)
    wide = page.filter(wanted, pk__gte=end)
    found = list(wide.select_related("connection")[: size + 1])
    more = found[size - 1].pk if len(found) > size else end if until else 0
    return Slice(found[:size], str(more) if more else "", bounded(wide), until)


def _looked_through(rows: QuerySet[Any], at: str, since: datetime | None) -> tuple[int, datetime | None]:
    """How far one page looks: the number of the last row (0 = to the end), and when that was: None where nothing older
    can be wanted."""
    found = list(rows.values_list("pk", at)[LOOKED_THROUGH - 1 : LOOKED_THROUGH + 1])
    if len(found) < 2:
        return 0, None
    number, when = found[0]
    return number, None if since and when < since - _LATE else when
