"""What the hub has written down over time: runs, calls about many records, the audit, the configuration's history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.utils import timezone

from benchmarks.filled.house import House, moment, pages, put
from benchmarks.numbered import DAYS, order_key
from samklang.hub.models import Connection, FeedState

_KEPT = 90  # days that runs are kept, of the days that orders came in
_IDLE = 8  # one run in so many moves something
_NOTES = 4  # one note in the audit for so many orders


def fill(house: House) -> None:
    """All of it, as much as there are orders."""
    for page in pages(range(house.size.orders), 20_000):
        put(
            "hub_transfer",
            "tenant_id, connection_id, direction, what, sweep, started, seconds, considered, created, updated, skipped,"
            " failed, result, error",
            _runs(house, page),
        )
        put(
            "exchange", "tenant_id, connection_id, at, method, url, status, seconds, sent, got, error, about",
            _reads(house, page),
        )  # fmt: skip
        put("people_note", "tenant_id, at, actor, what, about, details", _notes(house, page))
    with transaction.atomic():
        for row, feed, types in (
            (house.erp, "articles", ["product"]), (house.erp, "prices", ["price"]), (house.wms, "stock", ["stock"]),
            (house.wms, "orders", ["order_status", "shipment"]),
            *((shop, "orders", ["order"]) for shop in house.shops.values()),
        ):  # fmt: skip
            FeedState.objects.create(
                tenant=house.tenant, connection=row, feed=feed, types=types, read_at=timezone.now(),
                swept_at=timezone.now(),
            )  # fmt: skip


def _at(house: House, n: int) -> float:
    """When the n-th run was: all of them lie in the days that runs are kept."""
    return house.now - (house.now - house.at(n)) * _KEPT / DAYS


def _place(house: House, n: int) -> tuple[Connection, str, str]:
    se, fi = house.shops.values()
    return (
        (se, "in", "orders"), (house.erp, "out", "order"), (house.wms, "in", "orders"), (house.wms, "out", "order"),
        (fi, "in", "orders"), (se, "out", "stock"), (house.erp, "in", "articles"),
    )[n % 7]  # fmt: skip


def _runs(house: House, page: list[int]) -> Iterator[tuple[Any, ...]]:
    for n in page:
        row, direction, what = _place(house, n)
        moved = n % _IDLE == 0
        failed = int(n % 640 == 8)
        down = n % 500 == 9
        yield (
            house.tenant.pk, row.pk, direction, what, n % 1000 == 1, moment(_at(house, n)), 0.5 + n % 5, 20,
            int(moved), int(moved), 18, failed, "failed" if down else "ok", "SYNC-101 No connection" if down else "",
        )  # fmt: skip


def _reads(house: House, page: list[int]) -> Iterator[tuple[Any, ...]]:
    """The call of a run that read: about many records, its bodies are not kept unless it failed."""
    for n in page:
        row, direction, what = _place(house, n)
        if direction == "in":
            failed = n % 500 == 9
            url = f"https://{row.name}.example/{what}?page={n % 9}"
            yield (
                house.tenant.pk, row.pk, moment(_at(house, n)), "GET", url,
                503 if failed else 200, 0.4, b"", b"" if not failed else b"busy", "", "",
            )  # fmt: skip


def _notes(house: House, page: list[int]) -> Iterator[tuple[Any, ...]]:
    for n in page:
        if n % _NOTES == 0:
            yield (
                house.tenant.pk, moment(house.at(n)), f"person{n % 40}@bench.example", "order released",
                f"order {order_key(n)}", "{}",
            )  # fmt: skip
