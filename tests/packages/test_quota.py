"""Unique orders that were transferred, by calendar month; words at 80 % and 100 %; never a stop."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from samklang.connectors.errors import RemoteFault
from tests.conftest import HOMES
from tests.hub.conftest import order, product
from tests.packages.conftest import World, agree


@pytest.fixture(params=HOMES)
def home(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def selling(world: World) -> World:
    """Orders and customers flow to the ERP, which has the article."""
    for type_ in ("customer", "order"):
        world.flow(type_, "shop", "erp")
    world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    return world


def _used(world: World) -> int:
    from samklang.packages import quota, terms

    return quota.this_month(world.tenant, terms.current(world.tenant)).orders


def _send(world: World, *targets: str) -> None:
    from samklang.hub.delivery import retry

    world.read("shop", "orders")
    retry(world.tenant.pk)
    for target in targets or ("erp",):
        world.deliver(target, "customer")
        world.deliver(target, "order")


def _transferred(world: World, count: int, at: datetime, first: int = 0) -> None:
    """So many orders that a target took at a time."""
    from samklang.hub import listing
    from samklang.hub.models import OrderHead

    keys = [f"nordljus/{first + n:05}" for n in range(count)]
    place: Any = {"tenant": world.tenant, "connection": world.shop_row, "channel": "nordljus", "placed_at": 0}
    OrderHead.objects.bulk_create(OrderHead(key=key, **place) for key in keys)
    listing.transferred(world.tenant.pk, dict.fromkeys(keys, at.timestamp()))


def test_an_order_counts_once_whatever_becomes_of_it(selling: World) -> None:
    """P-01: later changes and further targets are not counted."""
    selling.connection("wms")
    for type_ in ("customer", "order"):
        selling.flow(type_, "shop", "wms")
    selling.box("wms").put(product("A-1"))
    selling.read("wms", "catalogue")
    for number in ("1001", "1002"):
        selling.shop.put(order(number, "A-1", lifecycle="placed"), number)
    assert _used(selling) == 0
    _send(selling)
    assert _used(selling) == 2
    selling.shop.put(order("1001", "A-1", lifecycle="cancelled"), "1001")
    _send(selling, "erp", "wms")
    assert ("order", "nordljus/1001", "update") in selling.erp.written
    assert len(selling.box("wms").of("order")) == 2 and _used(selling) == 2


@pytest.mark.parametrize("half_made", [False, True], ids=["answer lost", "half made"])
def test_tries_count_once_and_only_when_the_target_has_it(selling: World, half_made: bool) -> None:
    """P-01: a lost answer is neither lost from the count nor counted twice."""

    def lose(type_: str, wants: object) -> None:
        if type_ == "order":
            selling.erp.half_made = set(selling.erp.rows["order"]) if half_made else set()
            raise RemoteFault("The connection broke off")

    selling.erp.after_write = lose
    selling.shop.put(order("1001", "A-1"))
    _send(selling)
    assert len(selling.erp.of("order")) == 1 and _used(selling) == 0
    selling.erp.after_write = None
    for _ in range(3):
        _send(selling)
    assert len(selling.erp.of("order")) == 1 and _used(selling) == 1


def test_an_order_that_the_target_had_before_is_no_transfer_of_ours(selling: World) -> None:
    """P-01."""
    from samklang.hub import store
    from samklang.hub.models import Binding, Flow

    selling.shop.put(order("1001", "A-1", lifecycle="placed"), "1001")
    selling.read("shop", "orders")
    flow = Flow.objects.get(type="order")
    row = Binding.objects.get(connection=selling.erp_row, type="order")
    wanted = bytes(row.wanted or b"")
    store.agree(selling.tenant.pk, selling.erp_row.pk, "order", selling.shop_row.pk, flow.pk, [(row.key, wanted, b"x")])
    selling.shop.put(order("1001", "A-1", lifecycle="cancelled"), "1001")
    _send(selling)
    assert len(selling.erp.of("order")) == 1 and _used(selling) == 0


def test_a_month_begins_at_midnight_where_the_tenant_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """P-01: by the calendar of the tenant's first channel, on the night that the clocks change near it, too."""
    from samklang.packages import quota, terms

    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 10, 31, 23, 30, tzinfo=UTC))  # November in Stockholm
    agree(world, "100")
    for n, (day, hour, minute) in enumerate([(30, 21, 59), (30, 22, 0)]):  # of September, on both sides of midnight
        _transferred(world, 1, datetime(2026, 9, day, hour, minute, tzinfo=UTC), n)
    for n, (day, hour, minute) in enumerate([(31, 22, 59), (31, 23, 0), (31, 23, 29)]):
        _transferred(world, 1, datetime(2026, 10, day, hour, minute, tzinfo=UTC), 10 + n)
    now = quota.this_month(world.tenant, terms.current(world.tenant))
    assert (now.month, now.orders, now.quota, now.percent, now.level) == (date(2026, 11, 1), 2, 100, 2, 0)
    world.tenant.agreement_set.update(at=datetime(2026, 9, 5, tzinfo=UTC))
    months = quota.by_month(world.tenant)
    assert [(use.month.month, use.orders, use.quota) for use in months] == [(11, 2, 100), (10, 2, 100), (9, 1, 100)]


def test_owners_hear_of_80_and_of_100_percent_once_and_orders_go_on(selling: World) -> None:
    """P-15."""
    from samklang.hub.models import Problem
    from samklang.packages import watch
    from samklang.packages.models import Warned

    def told() -> list[tuple[int, int]]:
        watch.work()
        watch.work()
        return list(Warned.objects.order_by("pk").values_list("quota", "level"))

    agree(selling, "100")
    now = timezone.now()
    _transferred(selling, 79, now)
    assert told() == []
    _transferred(selling, 1, now, 100)
    assert told() == [(100, 80)] and not Problem.objects.exists(), "a word, nothing to mend"
    _transferred(selling, 20, now, 200)
    assert told() == [(100, 80), (100, 100)]
    problem = Problem.objects.get(closed_at=None)
    assert problem.what == "All orders that the package Paket 100 includes this month are used: 100"
    assert problem.code == "SYNC-408" and "orders go on" in problem.do_this
    for number in ("1001", "1002"):
        selling.shop.put(order(number, "A-1"))
    _send(selling)
    assert len(selling.erp.of("order")) == 2 and _used(selling) == 102, "above the quota, and transferred"
    agree(selling, "200")
    assert told() == [(100, 80), (100, 100)] and not Problem.objects.filter(closed_at=None).exists()
    _transferred(selling, 100, now, 300)
    assert told()[-1] == (200, 100), "the larger package begins anew"
    agree(selling, "premium")
    told()
    assert not Problem.objects.filter(closed_at=None).exists()


def test_a_new_month_begins_with_nothing_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """P-15: and the problem of the old one goes by itself."""
    from samklang.hub.models import Problem
    from samklang.packages import watch

    agree(world, "100")
    _transferred(world, 100, datetime(2026, 11, 30, 12, tzinfo=UTC))
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 30, 22, 0, tzinfo=UTC))
    watch.work()
    assert Problem.objects.filter(closed_at=None).count() == 1
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 30, 23, 0, tzinfo=UTC))  # December in Stockholm
    watch.work()
    assert not Problem.objects.filter(closed_at=None).exists()


def test_the_engine_looks_each_minute() -> None:
    """P-15."""
    from samklang.engine.work import _ALONE, KEEPING

    assert [seconds for seconds, job in KEEPING if job.task == "quota"] == [60.0]
    assert "quota" in _ALONE


# ------------------------------------------------------------------------------------- what was before it was counted


def _as_before(world: World, moved: dict[str, datetime]) -> None:
    """As a release before packages left it: no head says when its order went; the journeys say it."""
    from samklang.hub.models import OrderHead, Step

    OrderHead.objects.update(transferred_at=None)
    for number, at in moved.items():
        Step.objects.filter(order=f"nordljus/{number}", what="created").update(at=at)


def test_a_package_that_begins_in_the_past_counts_what_went_then(selling: World) -> None:
    """P-01"""
    from samklang.hub.models import OrderHead
    from samklang.packages import quota

    for number in ("1001", "1002", "1003"):
        selling.shop.put(order(number, "A-1", lifecycle="placed"), number)
    selling.erp.put(order("1003", "A-1"), id_="theirs", reference="nordljus/1003")
    _send(selling)
    zone = ZoneInfo("Europe/Stockholm")
    now = timezone.localtime(timezone=zone)
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    before = month - timedelta(seconds=1)
    _as_before(selling, {"1001": before, "1002": month, "1003": before - timedelta(days=60)})
    agree(selling, "100")
    assert [use.orders for use in quota.by_month(selling.tenant)] == [1], "a month counts whole"
    assert OrderHead.objects.get(key="nordljus/1001").transferred_at is None
    from samklang.packages.models import Agreement

    Agreement.objects.all().delete()
    row = agree(selling, "100", since=before.date())
    assert row.at.astimezone(zone).replace(tzinfo=None) == datetime.combine(before.date(), datetime.min.time())
    assert [use.orders for use in quota.by_month(selling.tenant)] == [1, 1]
    agree(selling, "200")
    assert [use.orders for use in quota.by_month(selling.tenant)] == [1, 1], "done again, it changes nothing"


def test_a_package_cannot_begin_later_or_before_the_one_there_is(selling: World) -> None:
    from samklang.connectors.errors import BadData
    from samklang.packages import terms

    today = timezone.localdate(timezone=ZoneInfo("Europe/Stockholm"))
    agree(selling, "100")
    for day in (today + timedelta(days=1), today - timedelta(days=1)):
        with pytest.raises(BadData, match="cannot begin"):
            agree(selling, "200", since=day)
    assert terms.history(selling.tenant).count() == 1
