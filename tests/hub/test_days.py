"""Days of orders are counted once, and what is kept is at every moment what counting all anew would say."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from structlog.testing import capture_logs

from samklang.connectors.errors import Rejected
from samklang.hub import listing
from samklang.hub.looks import charts, counting, days
from samklang.hub.looks.rows import time_zone
from samklang.records import OrderStatus
from tests.hub.conftest import World, order, product

#: Noon (UTC) of closed days: the day before yesterday, and four days before that.
NOON = datetime.combine(datetime.now(UTC).date() - timedelta(days=2), time(12), UTC)
EARLIER = NOON - timedelta(days=4)


@pytest.fixture
def trading(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(days, "KEPT", 12)
    for type_, source, target in (
        ("customer", "shop", "erp"), ("order", "shop", "erp"), ("order_status", "erp", "shop"),
    ):  # fmt: skip
        world.flow(type_, source, target)
    world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    return world


def sell(world: World, no: str, at: datetime, **more: Any) -> None:
    """An order that is read, and not yet delivered."""
    world.shop.put(order(no, "A-1", placed_at=at, **more), id_=no)
    world.read("shop", "orders")


def send(world: World) -> None:
    """All that is due goes to both."""
    world.deliver("erp", "customer")
    world.deliver("erp", "order")
    world.deliver("shop", "order_status")


def said(world: World) -> tuple[dict[date, int], dict[date, charts.Agreement]]:
    """What pages say of the last ten days: orders of all channels; agreement in the first channel."""
    with timezone.override(time_zone(world.tenant)):
        span = charts.days_back(10)
        daily = charts.orders_by_day(world.tenant, span)
        by_day = [sum(counts) for counts in zip(*daily.series.values(), strict=True)] or [0] * len(span)
        agreement = charts.agreement(world.tenant, span)["nordljus"]
    return dict(zip(span, by_day, strict=True)), {row.day: row for row in agreement}


def agreed(world: World) -> Any:
    """What pages say, which is the same before days are counted, after that, and when nothing is kept."""
    from samklang.hub.models import OrdersOfDay

    now = said(world)
    days.keep(world.tenant)
    assert said(world) == now
    kept = OrdersOfDay.objects.filter(tenant=world.tenant)
    rows = list(kept)
    kept.delete()
    assert said(world) == now
    OrdersOfDay.objects.bulk_create(rows)
    return now


def orders_on(world: World, at: datetime) -> int:
    return int(agreed(world)[0][at.date()])


def test_what_is_kept_follows_an_orders_life(trading: World) -> None:
    """O-23"""
    assert orders_on(trading, NOON) == 0
    sell(trading, "1", NOON)
    assert orders_on(trading, NOON) == 1, "an order that comes late into a counted day"
    refused = lambda type_, want: Rejected("No") if type_ == "order" else None  # noqa: E731  # as short as it is
    trading.erp.item_error = refused
    send(trading)
    assert agreed(trading)[1][NOON.date()].taken == {"erp": 0}
    trading.erp.item_error = None
    from samklang.hub.delivery import retry

    retry(trading.tenant.pk)
    send(trading)
    assert agreed(trading)[1][NOON.date()].taken == {"erp": 1}
    there = next(iter(trading.erp.rows["order"]))
    trading.erp.put(OrderStatus(order="", raw="sent", fulfilment="shipped"), parent=there)
    trading.read("erp", "statuses")
    row = agreed(trading)[1][NOON.date()]
    assert (row.sent, row.agrees) == (1, True), "of the acknowledgement the shop knows"
    sell(trading, "1", EARLIER)
    assert (orders_on(trading, NOON), orders_on(trading, EARLIER)) == (0, 1), "its date was corrected at the shop"


def test_a_closed_day_is_not_counted_again(trading: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sell(trading, "1", NOON)
    days.keep(trading.tenant)
    counted: list[date] = []
    placed = counting.placed

    def spied(tenant: Any, span: Any) -> Any:
        counted.extend(span)
        return placed(tenant, span)

    monkeypatch.setattr(counting, "placed", spied)
    days.keep(trading.tenant)
    assert counted == []
    said(trading)
    assert counted == [datetime.now(time_zone(trading.tenant)).date()]
    with CaptureQueriesContext(connection) as queries:
        said(trading)
    assert not any("INSERT" in one["sql"] or "UPDATE" in one["sql"] for one in queries), "a page writes nothing"
    sell(trading, "2", EARLIER)
    counted.clear()
    days.keep(trading.tenant)
    assert counted == [EARLIER.date()]


@pytest.mark.parametrize("home", ["postgresql"])
def test_heads_are_locked_in_key_order_before_one_is_written(trading: World, home: str) -> None:
    """Deliveries of the same orders to two targets, and intake, would else wait for each other."""
    sell(trading, "1", NOON)
    trading.deliver("erp", "customer")
    with CaptureQueriesContext(connection) as queries:
        trading.deliver("erp", "order")
    locked, *rest = [one["sql"] for one in queries if "order_head" in one["sql"]]
    assert locked.endswith('ORDER BY "order_head"."key" ASC FOR NO KEY UPDATE')
    assert any("SET transferred_at" in sql for sql in rest)


def test_another_clock_or_another_target_counts_anew(trading: World) -> None:
    late = NOON.replace(hour=23, minute=30)  # the next day in Stockholm
    sell(trading, "1", late)
    assert orders_on(trading, late + timedelta(days=1)) == 1
    trading.channel.time_zone = "America/New_York"
    trading.channel.save()
    assert orders_on(trading, late) == 1
    trading.channel.time_zone = "Asia/Kathmandu"  # midnight at a quarter past six in the evening UTC
    trading.channel.save()
    sell(trading, "2", NOON.replace(hour=18, minute=14))
    sell(trading, "3", NOON.replace(hour=18, minute=15))
    now = agreed(trading)[0]
    assert (now[NOON.date()], now[NOON.date() + timedelta(days=1)]) == (1, 2)
    trading.connection("wms")
    trading.flow("order", "shop", "wms")
    assert agreed(trading)[1][NOON.date()].taken == {"erp": 0, "wms": 0}


def test_each_day_is_counted_anew_and_what_differs_is_said(trading: World) -> None:
    from samklang.hub.models import OrdersOfDay

    sell(trading, "1", NOON)
    days.keep(trading.tenant)
    row = OrdersOfDay.objects.filter(day=NOON.date())
    row.update(counts={"nordljus": [7, 0, 0, {}]})
    days.keep(trading.tenant)
    assert said(trading)[0][NOON.date()] == 7, "else nothing is kept"
    row.update(at=0)
    with capture_logs() as logs:
        days.keep(trading.tenant)
    assert [(one["event"], one["log_level"]) for one in logs] == [("orders of a day were kept wrong", "error")]
    assert orders_on(trading, NOON) == 1


def test_an_order_that_is_stored_while_its_day_is_counted_is_not_lost(
    trading: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sell(trading, "1", NOON)
    late = threading.Thread(target=lambda: _store(trading, ["2"]))
    known = counting.known

    def slow(*args: Any) -> Any:
        """The day is counted; before that is written down another worker stores. SQLite lets it wait."""
        found = known(*args)
        if not late.ident:
            late.start()
            late.join(0.1)
        return found

    monkeypatch.setattr(counting, "known", slow)
    with capture_logs() as logs:
        days.keep(trading.tenant)
        late.join()
        assert orders_on(trading, NOON) == 2
    assert logs == []


def _store(world: World, numbers: list[str]) -> None:
    try:
        for no in numbers:
            with transaction.atomic():
                fresh = listing.Known(order(no, "A-1", placed_at=NOON))
                listing.note(world.tenant.pk, world.shop_row.pk, "order", [fresh])
    finally:
        connection.close()


def test_workers_that_store_and_count_side_by_side(trading: World) -> None:
    """Two store into one day while two count it."""
    failed: list[BaseException] = []
    stored = threading.Event()

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # told below
            failed.append(error)

    def count() -> None:
        try:
            while not stored.is_set():
                days.keep(trading.tenant)
        finally:
            connection.close()

    writers = [
        threading.Thread(target=run, args=(lambda first=first: _store(trading, [f"{first}{n}" for n in range(20)]),))
        for first in ("a", "b")
    ]
    counters = [threading.Thread(target=run, args=(count,)) for _ in range(2)]
    for thread in (*counters, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stored.set()
    for thread in counters:
        thread.join()
    assert failed == []
    assert orders_on(trading, NOON) == 40


def test_a_count_that_is_cut_off_leaves_its_notes(trading: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.hub.models import OrdersOfDay, Touched

    sell(trading, "1", NOON)
    days.keep(trading.tenant)
    sell(trading, "2", NOON)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(OrdersOfDay.objects), "bulk_create", killed)
        with pytest.raises(KeyboardInterrupt):
            days.keep(trading.tenant)
    assert Touched.objects.filter(tenant=trading.tenant).exists()
    assert orders_on(trading, NOON) == 2
    assert not Touched.objects.filter(tenant=trading.tenant).exists()


def test_what_no_page_shows_is_not_kept(trading: World) -> None:
    from samklang.hub.models import OrdersOfDay, Touched

    sell(trading, "1", NOON - timedelta(days=200))
    OrdersOfDay.objects.create(tenant=trading.tenant, day=date(2026, 1, 1), zone="Europe/Stockholm", at=0)
    days.keep(trading.tenant)
    assert not Touched.objects.exists()
    assert OrdersOfDay.objects.count() == days.KEPT - 1


def test_the_engine_counts_each_minute() -> None:
    from samklang.engine.work import _ALONE, KEEPING

    assert [seconds for seconds, job in KEEPING if job.task == "counts"] == [60.0]
    assert "counts" in _ALONE
