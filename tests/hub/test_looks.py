"""What people look at: lists that go on where the page before ended, filters, an order's line, figures that are right.

Every query count is counted twice, with few rows and with many: it must not grow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from samklang.connectors.errors import Rejected
from samklang.records import Document, OrderStatus
from tests.hub.conftest import World, order, price, product, stock

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def trading(world: World) -> World:
    for type_, source, target in (
        ("product", "erp", "shop"), ("price", "erp", "shop"), ("stock", "erp", "shop"), ("customer", "shop", "erp"),
        ("order", "shop", "erp"), ("order_status", "erp", "shop"),
    ):  # fmt: skip
        world.flow(type_, source, target)
    return world


def sell(world: World, first: int, count: int) -> None:
    """Orders with articles that are there, an hour apart, the highest number the newest; taken by the ERP."""
    for n in range(first, first + count):
        sku = f"A-{n}"
        for record in (product(sku, f"Kopp nummer {n}"), price(sku, "149"), stock(sku, n)):
            world.erp.put(record)
        world.shop.put(order(str(n), sku, email=f"kund{n}@example.se", placed_at=NOON + timedelta(hours=n)))
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.deliver("shop", "price")
    world.deliver("shop", "stock")
    world.read("shop", "orders")
    world.deliver("erp", "customer")
    world.deliver("erp", "order")
    world.deliver("shop", "order_status")  # that the ERP has them


def numbers(page: Any) -> list[str]:
    return [row.order.order_no for row in page.rows]


# ------------------------------------------------------------------------------------------------ lists


def test_pages_of_orders_follow_each_other_and_lose_none(trading: World) -> None:
    from samklang.hub.looks.orders import Asked, all_orders, orders

    sell(trading, 1, 7)
    seen, after = [], ""
    while True:
        page = orders(trading.tenant, Asked(), after, 3)
        seen.append(numbers(page))
        after = page.after
        if not after:
            break
    assert seen == [["7", "6", "5"], ["4", "3", "2"], ["1"]]
    assert page.total == 7
    assert [look.order.order_no for look in all_orders(trading.tenant, Asked(), 2)] == list("7654321")
    with pytest.raises(ValueError, match="could not convert"):
        orders(trading.tenant, Asked(), "nonsense")


def test_orders_placed_in_the_same_second_are_each_shown_once(trading: World) -> None:
    from samklang.hub.looks.orders import Asked, all_orders

    for n in range(5):
        trading.shop.put(order(f"T{n}", placed_at=NOON))
    trading.read("shop", "orders")
    assert [look.order.order_no for look in all_orders(trading.tenant, Asked(), 2)] == ["T4", "T3", "T2", "T1", "T0"]


def test_filters_of_orders_go_together(trading: World) -> None:
    from samklang.hub.looks.orders import Asked, keys_asked, orders

    sell(trading, 1, 6)
    trading.erp.item_error = lambda type_, want: Rejected("No") if want.key == "nordljus/9" else None
    sell(trading, 9, 1)
    there = {row.reference: id_ for id_, row in trading.erp.rows["order"].items()}
    for n in (2, 3):
        invoice = (Document(kind="invoice", number=f"F-{n}"),)
        status = OrderStatus(order="", raw="sent", fulfilment="shipped", documents=invoice)
        trading.erp.put(status, parent=there[f"nordljus/{n}"])
    trading.read("erp", "statuses")

    def found(**asked: Any) -> list[str]:
        return numbers(orders(trading.tenant, Asked(**asked)))

    assert found(stand="fulfilment:shipped") == ["3", "2"]
    assert found(delivery="stopped") == ["9"]
    assert found(delivery="open") == ["9", "3", "2"], "the shop is yet to hear of two"
    assert found(delivery="stopped", stand="fulfilment:shipped") == []
    assert found(channel="nordljus", until=NOON + timedelta(hours=3)) == ["2", "1"]
    assert found(channel="other") == []
    assert found(since=NOON + timedelta(hours=5)) == ["9", "6", "5"]
    assert found(search="kund4@") == found(search="#4") == found(search="nordljus/4") == ["4"]
    assert found(search="f-2") == ["2"], "by its invoice"
    assert found(search=there["nordljus/5"]) == ["5"], "by the number that the ERP gave it"
    assert found(search="anna berg", stand="fulfilment:shipped") == ["3", "2"]
    assert keys_asked(trading.tenant, Asked(stand="fulfilment:shipped"), 1) == ["nordljus/3"]
    for wrong in ({"stand": "colour:red"}, {"delivery": "lost"}):
        with pytest.raises(ValueError, match="is no state"):
            found(**wrong)


def test_search_pages_too(trading: World) -> None:
    from samklang.hub.looks.orders import Asked, orders

    sell(trading, 1, 5)
    first = orders(trading.tenant, Asked(search="anna"), "", 2)
    second = orders(trading.tenant, Asked(search="anna"), first.after, 2)
    assert (numbers(first), numbers(second), first.total) == (["5", "4"], ["3", "2"], 5)


def test_articles_stock_and_customers_are_found_and_paged(trading: World) -> None:
    from samklang.hub.looks import articles, customers

    sell(trading, 1, 5)
    wanted = articles.Asked()
    first = articles.products(trading.tenant, wanted, "", 2)
    rest = articles.products(trading.tenant, wanted, first.after, 10)
    assert [row.product.code for row in (*first.rows, *rest.rows)] == ["A-1", "A-2", "A-3", "A-4", "A-5"]
    assert (first.total, rest.after) == (5, "")
    assert [at.connection for at in first.rows[0].targets] == ["shop"]
    by_word = articles.products(trading.tenant, articles.Asked(search="nummer"))
    assert by_word.total == 5
    levels = articles.stock(trading.tenant, articles.Asked(search="A-3"))
    assert [(row.level.sku, row.level.available, row.channel, row.name) for row in levels.rows] == [
        ("A-3", Decimal(3), "", "Kopp nummer 3"), ("A-3", Decimal(3), "nordljus", "Kopp nummer 3"),
    ]  # fmt: skip
    assert sum(1 for _ in articles.all_stock(trading.tenant, wanted, 3)) == 10
    people = customers.customers(trading.tenant, "kund2@")
    assert [(row.customer.email, row.orders) for row in people.rows] == [("kund2@example.se", 1)]
    one = customers.customer(trading.tenant, people.rows[0].key)
    assert one is not None
    assert numbers(one.orders) == ["2"]
    assert {row.name for row, *_ in one.numbers} == {"erp", "shop"}
    assert customers.customer(trading.tenant, "mail:nobody@example.se") is None


def test_articles_of_two_masters_are_in_one_order(trading: World) -> None:
    from samklang.hub.flows import set_flow
    from samklang.hub.intake import read
    from samklang.hub.looks.articles import Asked, all_products
    from samklang.hub.models import Channel
    from tests.doubles.shelf import boxes

    pim = trading.connection("pim")
    till = trading.connection("till")
    other = Channel.objects.create(tenant=trading.tenant, code="dk", connection=till)
    set_flow(other, "product", pim, till, enabled=True)
    for code in ("A-1", "C-3", "E-5"):
        trading.erp.put(product(code))
    for code in ("B-2", "C-3", "D-4"):
        boxes["pim"].put(product(code))
    trading.read("erp", "catalogue")
    assert read(pim, "catalogue")
    for size in (1, 2, 50):
        codes = [look.product.code for look in all_products(trading.tenant, Asked(), size)]
        assert codes == ["A-1", "B-2", "C-3", "C-3", "D-4", "E-5"], size


# ------------------------------------------------------------------------------------------------ one of them


def test_the_line_of_an_order_says_what_is_done_stopped_and_still_to_come(trading: World) -> None:
    from samklang.hub.looks.journeys import journey

    sell(trading, 1, 1)
    trading.erp.item_error = lambda type_, want: Rejected("No") if want.key == "nordljus/2" else None
    sell(trading, 2, 1)

    def line(number: int) -> list[tuple[str, str, str]]:
        found = journey(trading.tenant, f"nordljus/{number}")
        assert found is not None
        return [(stop.kind, stop.system, stop.state) for stop in found.stations]

    assert line(1) == [
        ("shop", "shop", "done"),
        ("shop", "erp", "done"),
        ("parcel", "", "next"),
        ("payment", "", "next"),
    ]
    assert line(2)[1] == ("shop", "erp", "bad")
    there = {row.reference: id_ for id_, row in trading.erp.rows["order"].items()}
    invoice = (Document(kind="invoice", number="F-1", state="booked"),)
    trading.erp.put(
        OrderStatus(order="", raw="sent", fulfilment="shipped", payment="captured", documents=invoice),
        parent=there["nordljus/1"],
    )
    trading.read("erp", "statuses")
    assert [stop[0::2] for stop in line(1)[2:]] == [("parcel", "done"), ("payment", "done"), ("invoice", "done")]
    found = journey(trading.tenant, "nordljus/1")
    assert found is not None and found.locked
    assert {at.may for at in found.standings if at.binding.connection.name == "erp"} == {("resend",)}
    stopped = journey(trading.tenant, "nordljus/2")
    assert stopped is not None
    assert [at.may for at in stopped.standings if at.binding.state == "stopped"] == [("retry", "skip")]
    assert [item.key for item in stopped.troubles] == ["nordljus/2"]
    assert journey(trading.tenant, "nordljus/77") is None


def test_a_hop_shows_the_rules_on_its_way_and_only_calls_about_that_order(trading: World) -> None:
    from samklang.hub.looks.journeys import hop
    from samklang.hub.models import ExchangeRow, RuleSet, Step

    sell(trading, 1, 2)
    RuleSet.objects.create(
        tenant=trading.tenant, connection=trading.erp_row, direction="out", type="order",
        rules=[{"then": {"do": "set", "field": "note", "value": "Tack"}}],
    )  # fmt: skip
    call = {"tenant": trading.tenant, "connection": trading.erp_row, "method": "POST", "status": 201, "seconds": 0.1}
    for about in ("nordljus/1", "nordljus/2", "nordljus/1#9", "nordljus/11"):
        ExchangeRow.objects.create(**call, at=timezone.now(), url=f"https://erp.example/{about}", about=about)
    step = Step.objects.get(order="nordljus/1", connection=trading.erp_row, what="created")
    found = hop(trading.tenant, "nordljus/1", step.pk)
    assert found is not None
    assert {call.about for call in found.calls} == {"nordljus/1", "nordljus/1#9"}
    assert len(found.rules) == 1
    assert hop(trading.tenant, "nordljus/2", step.pk) is None, "it is another order's"


def test_an_article_says_who_is_master_of_what_and_who_has_it(trading: World) -> None:
    from samklang.hub.looks.article import article
    from samklang.hub.models import Flow

    sell(trading, 1, 1)
    Flow.objects.filter(type="product").update(fields=["name"])
    found = article(trading.tenant, "a-1")
    assert found is not None
    fields = {field.name: (field.value, [held.state for held in field.holdings]) for field in found.fields}
    assert fields["name"] == ("Kopp nummer 1", ["idle"])
    assert fields["variants"] == ("A-1", ["masked"])
    assert [(price.amount, field.master) for price, field in found.prices] == [(Decimal(149), "erp")]
    assert [level.warehouse for level, _ in found.levels] == ["", "@nordljus"]
    assert article(trading.tenant, "none") is None


# ------------------------------------------------------------------------------------------------ problems


def test_problems_are_paged_filtered_assigned_and_spoken_of(trading: World) -> None:
    from samklang.hub import problems as hub
    from samklang.hub.looks.troubles import Asked, problem, problems
    from samklang.hub.models import Problem

    trading.erp.item_error = lambda type_, want: Rejected(f"No {'x' * int(want.key[-1])}") if type_ == "order" else None
    sell(trading, 1, 3)
    first = problems(trading.tenant, Asked(), "", 2)
    second = problems(trading.tenant, Asked(), first.after, 2)
    rows = [*first.rows, *second.rows]
    assert (len(first.rows), len(second.rows)) == (2, 1)
    assert {p.what for p in rows} == {"No x", "No xx", "No xxx"}
    assert (first.total, second.after) == (3, "")
    one = next(p for p in rows if p.what == "No xxx")
    assert one.n == 1  # type: ignore[attr-defined]
    seen = one.last_at
    hub.assign(one, None)
    hub.comment(one, "Anna", "I called them")
    assert Problem.objects.get(pk=one.pk).last_at == seen, "caring for it is no news of it"
    assert [p.pk for p in problems(trading.tenant, Asked(search="xxx")).rows] == [one.pk]
    assert problems(trading.tenant, Asked(connection="shop")).rows == []
    look = problem(trading.tenant, one.pk)
    assert look is not None
    assert [note.text for note in look.notes] == ["I called them"]
    assert [(trouble.item.key, trouble.message) for trouble in look.troubles.rows] == [("nordljus/3", "No xxx")]
    trading.erp.item_error = None
    from samklang.hub.delivery import retry

    retry(trading.tenant.pk)
    trading.deliver("erp", "order")
    assert problems(trading.tenant, Asked()).rows == []
    assert len(problems(trading.tenant, Asked(closed=True)).rows) == 3
    gone = problem(trading.tenant, one.pk)
    assert gone is not None and gone.problem.closed_at, "a link in a mail still leads to it"


# ------------------------------------------------------------------------------------------------ figures


def test_orders_by_day_are_counted_in_the_readers_zone(trading: World) -> None:
    from samklang.hub.looks import charts

    days = [datetime(2026, 11, 20).date(), datetime(2026, 11, 21).date()]  # noqa: DTZ001
    with timezone.override("Europe/Stockholm"):
        for n, hour in enumerate((-13, 10, 11)):  # 0:00, 23:00 and the next 0:00 in Stockholm
            trading.shop.put(order(f"T{n}", placed_at=NOON + timedelta(hours=hour)))
        trading.read("shop", "orders")
        daily = charts.orders_by_day(trading.tenant, days)
    assert daily.series == {"nordljus": [2, 1]}


@pytest.mark.parametrize("first", [date(2026, 3, 27), date(2026, 10, 23)])
def test_days_with_an_hour_less_or_more_are_counted_right(trading: World, first: date) -> None:
    from samklang.hub.looks import charts
    from samklang.hub.models import OrderHead

    days = [first + timedelta(days=n) for n in range(5)]
    zone = ZoneInfo("Europe/Stockholm")
    moments = [datetime.combine(first, time.min, zone).timestamp() + 900 * n for n in range(6 * 96)]
    OrderHead.objects.bulk_create(
        OrderHead(
            tenant=trading.tenant, key=f"nordljus/{n}", connection=trading.shop_row, channel="nordljus", placed_at=at
        )
        for n, at in enumerate(moments)
    )  # fmt: skip
    true = Counter(datetime.fromtimestamp(at, zone).date() for at in moments)
    with timezone.override(zone):
        assert charts.orders_by_day(trading.tenant, days).series == {"nordljus": [true[day] for day in days]}
    assert {true[day] for day in days} in ({96, 92}, {96, 100})


def test_both_sides_agree_or_the_day_says_where_they_do_not(trading: World) -> None:
    """O-23"""
    from samklang.hub.looks import charts

    sell(trading, 1, 2)
    trading.erp.item_error = lambda type_, want: Rejected("No") if want.key == "nordljus/3" else None
    sell(trading, 3, 1)
    day = NOON.date()
    row = charts.agreement(trading.tenant, [day])["nordljus"][0]
    assert (row.placed, row.taken, row.sent, row.told, row.agrees) == (3, {"erp": 2}, 0, 0, False)
    trading.erp.item_error = None
    from samklang.hub.delivery import retry

    retry(trading.tenant.pk)
    trading.deliver("erp", "order")
    there = {row.reference: id_ for id_, row in trading.erp.rows["order"].items()}
    trading.erp.put(OrderStatus(order="", raw="sent", fulfilment="shipped"), parent=there["nordljus/1"])
    trading.read("erp", "statuses")
    row = charts.agreement(trading.tenant, [day])["nordljus"][0]
    assert (row.placed, row.taken, row.sent) == (3, {"erp": 3}, 1)
    trading.deliver("shop", "order_status")
    assert charts.agreement(trading.tenant, [day])["nordljus"][0].agrees


def test_speed_and_causes(trading: World) -> None:
    from samklang.hub.looks import charts

    assert charts.speeds(trading.tenant) == []
    trading.erp.item_error = lambda type_, want: Rejected("No") if want.key in {"nordljus/2", "nordljus/3"} else None
    sell(trading, 1, 3)
    speed = charts.speeds(trading.tenant)[0]
    assert (speed.target, speed.orders, sum(speed.counts)) == ("erp", 1, 1)
    assert [(cause.connection, cause.records) for cause in charts.causes(trading.tenant)] == [("erp", 2)]
    today = charts.days_back(1)
    assert charts.failures_by_day(trading.tenant, today).series == {"erp": [2]}


def test_the_overview_counts_and_says_how_each_system_is(trading: World) -> None:
    from samklang.hub.looks.overview import figures, needs, overview

    trading.erp.item_error = lambda type_, want: Rejected("No") if want.key == "nordljus/2" else None
    sell(trading, 1, 2)
    seen = overview(trading.tenant)
    health = {system.row.name: (system.health, system.why, system.stopped) for system in seen.systems}
    assert health == {"erp": ("wait", "stopped", 1), "shop": ("ok", "", 0)}
    moved = {(s.flow.type, s.flow.target.name): s.moved for s in seen.streams}
    assert (moved["order", "erp"], moved["product", "shop"]) == (1, 2)
    assert figures(trading.tenant).stock_age is not None
    assert [(need.what, need.records) for need in needs(trading.tenant)] == [("No", 1)]
    trading.erp_row.state, trading.erp_row.reason = "needs person", "The key was refused"
    trading.erp_row.save()
    assert next((need.kind, need.what) for need in needs(trading.tenant)) == ("connection", "The key was refused")


# ------------------------------------------------------------------------------------------------ logs


def walked(look: Callable[[str], Any]) -> tuple[list[int], list[int]]:
    """Numbers of the rows of all pages, and how many rows each page had."""
    found: list[int] = []
    sizes: list[int] = []
    after = ""
    while True:
        page = look(after)
        found += [row.pk for row in page.rows]
        sizes.append(len(page.rows))
        assert bool(page.until) <= bool(page.after), "what was not looked through to the end goes on"
        after = page.after
        if not after:
            return found, sizes


def test_what_no_index_names_is_looked_for_stretch_by_stretch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.hub.looks import logs
    from samklang.hub.models import ExchangeRow

    monkeypatch.setattr(logs, "LOOKED_THROUGH", 10)
    ExchangeRow.objects.bulk_create(
        ExchangeRow(
            tenant=world.tenant, connection=world.shop_row if n % 2 else world.erp_row, method="GET", seconds=0.1,
            at=NOON + timedelta(hours=n), url=f"https://x.example/{'rare' if n in (2, 3, 34) else 'often'}/{n}",
            status=(500, 200, 0)[n % 3], about="nordljus/7" if n == 4 else "",
        )
        for n in range(40)
    )  # fmt: skip
    at = {row.pk: int(row.url.rpartition("/")[2]) for row in ExchangeRow.objects.all()}

    def pages(**asked: Any) -> tuple[list[int], list[int]]:
        found, sizes = walked(lambda after: logs.calls(world.tenant, logs.Calls(**asked), after, 4))
        return [at[pk] for pk in found], sizes

    assert pages(address="rare") == ([34, 3, 2], [1, 0, 0, 2])
    first = logs.calls(world.tenant, logs.Calls(address="rare"))
    assert (first.total, first.until) == (1, NOON + timedelta(hours=30)), "counted as far as it has come"
    assert pages(address="often")[0] == [n for n in reversed(range(40)) if n not in (2, 3, 34)]
    assert pages(address="rare", connection="shop") == ([3], [0, 1])
    assert pages(failed=True)[0] == [n for n in reversed(range(40)) if n % 3 != 1]
    assert pages(failed=True, connection="erp")[0] == [n for n in reversed(range(0, 40, 2)) if n % 3 != 1]
    assert pages(about="nordljus/7") == ([4], [1])
    assert pages(since=NOON + timedelta(hours=36))[0] == [39, 38, 37, 36]
    assert pages(address="rare", since=NOON + timedelta(hours=33)) == ([34], [1]), "what is older is not looked at"
    assert pages(connection="nobody") == ([], [0])


def test_runs_are_looked_for_likewise(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.hub.looks import logs
    from samklang.hub.models import Transfer

    monkeypatch.setattr(logs, "LOOKED_THROUGH", 10)
    Transfer.objects.bulk_create(
        Transfer(
            tenant=world.tenant, connection=world.erp_row, direction="in" if n % 2 else "out", started=NOON,
            what="orders" if n in (1, 33) else "stock", result="failed" if n == 7 else "ok",
            created=n % 4 == 0, updated=n % 4 == 1, failed=n % 4 == 2,
        )
        for n in range(40)
    )  # fmt: skip
    order = list(Transfer.objects.order_by("pk").values_list("pk", flat=True))

    def pages(**asked: Any) -> tuple[list[int], list[int]]:
        found, sizes = walked(lambda after: logs.transfers(world.tenant, logs.Runs(**asked), after, 20))
        return [order.index(pk) for pk in found], sizes

    assert pages()[0] == list(reversed(range(40)))
    assert pages(moved=True)[0] == [n for n in reversed(range(40)) if n % 4 != 3]
    assert pages(what="orders") == ([33, 1], [1, 0, 0, 1])
    assert pages(what="orders", moved=True) == ([33, 1], [1, 0, 1])
    assert pages(result="failed", direction="in", connection="erp") == ([7], [0, 0, 0, 1])


# ------------------------------------------------------------------------------------------------ queries


def _all_looks(tenant: Any) -> dict[str, Callable[[], object]]:
    from samklang.hub.looks import article, articles, charts, customers, journeys, logs, orders, overview, troubles
    from samklang.hub.models import Problem

    number = Problem.objects.filter(tenant=tenant).order_by("pk").values_list("pk", flat=True)[0]
    return {
        "overview": lambda: overview.overview(tenant),
        "figures": lambda: overview.figures(tenant),
        "needs": lambda: overview.needs(tenant),
        "orders": lambda: orders.orders(tenant, orders.Asked()),
        "orders, search": lambda: orders.orders(tenant, orders.Asked(search="anna")),
        "orders, stopped": lambda: orders.orders(tenant, orders.Asked(delivery="stopped")),
        "journey": lambda: journeys.journey(tenant, "nordljus/1"),
        "products": lambda: articles.products(tenant, articles.Asked()),
        "products, search": lambda: articles.products(tenant, articles.Asked(search="kopp")),
        "stock": lambda: articles.stock(tenant, articles.Asked()),
        "stock, search": lambda: articles.stock(tenant, articles.Asked(search="kopp")),
        "product": lambda: article.article(tenant, "a-1"),
        "customers": lambda: customers.customers(tenant, ""),
        "customers, search": lambda: customers.customers(tenant, "anna"),
        "problems": lambda: troubles.problems(tenant, troubles.Asked()),
        "problem": lambda: troubles.problem(tenant, number),
        "transfers": lambda: logs.transfers(tenant, logs.Runs()),
        "calls": lambda: logs.calls(tenant, logs.Calls()),
        "orders by day": lambda: charts.orders_by_day(tenant, charts.days_back(30)),
        "agreement": lambda: charts.agreement(tenant, charts.days_back(14)),
        "speeds": lambda: charts.speeds(tenant),
        "causes": lambda: charts.causes(tenant),
    }


def test_no_look_asks_more_often_when_there_are_more_rows(trading: World) -> None:
    def refuse(type_: str, want: Any) -> Any:
        return Rejected("No") if type_ == "order" and int(want.key.rpartition("/")[2]) % 3 == 0 else None

    def counted() -> dict[str, int]:
        found = {}
        for name, look in _all_looks(trading.tenant).items():
            with CaptureQueriesContext(connection) as queries:
                look()
            found[name] = len(queries)
        return found

    trading.erp.item_error = refuse
    sell(trading, 1, 4)
    counted()  # what is kept per process is made
    few = counted()
    sell(trading, 5, 40)
    many = counted()
    assert many == few
    assert max(many.values()) <= 20, many
