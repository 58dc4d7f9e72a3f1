"""A shop, a warehouse on Ongoing and a payment provider through the hub: the second half on the real connector."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from samklang.connectors.errors import ByHand
from samklang.hub import inbound, orders
from samklang.hub.models import Binding, Problem, Step
from samklang.hub.setup import config
from samklang.records import (
    Capture,
    OrderEdit,
    OrderStatus,
    PaymentTransaction,
    Product,
    Refund,
    Shipment,
    StockLevel,
)
from samklang.sandboxes.base import Faulty, serve
from samklang.sandboxes.ongoing import OngoingSandbox
from tests.doubles.shelf import boxes
from tests.hub.conftest import World, order, product, stock


class Trade(World):
    """The shop steers and is master of products and orders; the warehouse measures the stock (O-01)."""

    def __init__(self, base: str, box: OngoingSandbox) -> None:
        super().__init__()
        from samklang.hub.models import Connection

        self.warehouse = box
        address = {"address": f"{base}/{box.system}", "user": box.user, "goods_owner": box.goods_owner}
        wms = Connection.objects.create(tenant=self.tenant, name="wms", connector="ongoing", settings=address)
        config.set_secrets(wms, {"password": box.password})
        self.connection("psp")
        self.flow("product", "shop", "wms")
        carriers = {"PostNord": {"carrier": "PLAB", "service": "P19"}}
        self.flow("order", "shop", "wms", options={"carriers": carriers})
        self.flow("order_edit", "wms", "shop")
        self.flow("release", "shop", "wms", options={"statuses": ["Plockning"]})
        self.flow("order_status", "wms", "shop", options={"status_map": {"shipped": "Behandlad"}})
        self.flow("shipment", "wms", "shop")
        self.flow("return", "wms", "shop")
        self.flow("stock", "wms", "shop", options={"warehouses": ["1"]})
        self.flow("inbound", "shop", "wms")
        self.flow("receipt", "wms", "erp")
        self.flow("capture", "wms", "psp", options={"methods": ["klarna"]})
        self.flow("void", "wms", "psp")
        self.flow("refund", "wms", "psp", options={"reasons": ["regret"]})
        self.articles = {sku: self.shop.put(product(sku, f"Kopp {sku}")) for sku in ("A", "B")}
        self.read("shop", "catalogue")
        self.deliver("wms", "product")
        for sku in ("A", "B"):
            box.count(sku, 10)

    def place(self, *skus: str, no: str = "1001", **more: Any) -> str:
        """A buyer orders and pays by Klarna; gives the order's id in the shop."""
        made = order(no, *skus, shipping_method=more.pop("shipping_method", "PostNord"), **more)
        auth = PaymentTransaction(
            kind="authorise", provider="klarna", amount=made.gross, at=made.placed_at, provider_id=f"k-{no}"
        )
        self.order = msgspec.structs.replace(made, payment="authorised", payments=(auth,))
        return self.shop.put(self.order, f"o{no}")

    def go(self) -> None:
        """Read everything and deliver what is due, as the engine does; twice, for one thing causes another."""
        for _ in range(2):
            self.read("shop", "orders")
            for feed in ("orders", "stock", "returns", "inbound"):
                self.read("wms", feed, sweep=True)
            due = Binding.objects.filter(state="due", wanted__isnull=False, due_at__lte=time.time())
            for name, type_ in sorted(set(due.values_list("connection__name", "type"))):
                self.deliver(name, type_)

    def says(self, no: str = "1001") -> str:
        """What the shop was told last of the order's fulfilment."""
        told = [row for row in self.shop.of("order_status") if row.key == f"nordljus/{no}"]
        return str(told[-1].fulfilment) if told and isinstance(told[-1], OrderStatus) else ""

    def quiet(self) -> None:
        """Nothing more happens, and nobody has anything to do."""
        assert not Problem.objects.filter(closed_at=None).exists(), list(Problem.objects.values_list("what"))
        written = {name: len(box.written) for name, box in boxes.items()}
        before = self.warehouse.snapshot()
        self.go()
        assert {name: len(box.written) for name, box in boxes.items()} == written
        assert self.warehouse.snapshot() == before


@pytest.fixture
def home() -> str:
    """One database will do: what the hub does with records is tried on both elsewhere."""
    return "sqlite"


class Clock:
    def __init__(self) -> None:
        self.at = datetime.now(UTC) - timedelta(days=3)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def trade(world: World, clock: Clock) -> Iterator[Trade]:
    from samklang.hub.models import Tenant

    Tenant.objects.all().delete()
    box = OngoingSandbox(0, now=clock)
    with serve(Faulty(box.app)) as base:
        yield Trade(base, box)


def test_an_order_goes_from_the_shop_to_the_parcel_and_the_money(trade: Trade) -> None:
    """O-01, O-03, O-04, O-09, O-10, O-11, J-13: received, released by the shop, sent, captured, told once."""
    id_ = trade.place("A", "B")
    trade.go()
    held = trade.warehouse.snapshot()["orders"]["1001"]
    assert (held["orderInfo"]["orderStatus"]["number"], held["transporter"]["serviceCode"]) == (200, "P19")
    assert trade.says() == "ready"
    trade.shop.put(msgspec.structs.replace(trade.order, status="Plockning"), id_)
    trade.go()
    assert trade.says() == "released"
    trade.warehouse.pick("1001")
    trade.warehouse.ship("1001", parcels=2)
    trade.go()
    assert trade.says() == "shipped"
    (sent,) = trade.shop.of("shipment")
    assert isinstance(sent, Shipment)
    assert len({parcel.tracking_no for parcel in sent.parcels}) == 2
    (capture,) = trade.box("psp").of("capture")
    assert isinstance(capture, Capture)
    assert (capture.amount, capture.final) == (Decimal(250), True)
    levels = {row.sku: row.available for row in trade.shop.of("stock") if isinstance(row, StockLevel)}
    assert levels == {"A": 9, "B": 9}
    trade.quiet()


def test_a_back_order_is_sent_and_paid_in_its_turn(trade: Trade, clock: Clock) -> None:
    """O-03, O-09: open-backordered, in part, then the rest; one mail and one capture for each shipment."""
    trade.warehouse.count("B", 0)
    trade.place("A", "B")
    trade.go()
    assert trade.says() == "waiting_stock"
    trade.warehouse.ship_all("1001")
    trade.go()
    assert trade.says() == "partly_shipped"
    assert [row.amount for row in trade.box("psp").of("capture") if isinstance(row, Capture)] == [Decimal(125)]
    clock.at += timedelta(days=1)
    trade.warehouse.count("B", 4)
    trade.warehouse.ship_all("1001-B")
    trade.go()
    assert trade.says() == "shipped"
    assert [row.amount for row in trade.box("psp").of("capture") if isinstance(row, Capture)] == [Decimal(125)] * 2
    assert len(trade.shop.of("shipment")) == 2
    assert not trade.box("psp").of("void")
    trade.quiet()


def test_edits_travel_both_ways_until_picking_and_then_are_refused(trade: Trade, clock: Clock) -> None:
    """O-05, O-06, O-07, X-02: the same article on two lines; each change is one write, and none comes back."""
    id_ = trade.place("A", "A")
    trade.go()
    Step.objects.all().delete()  # the order went there long ago
    clock.at += timedelta(hours=1)
    trade.warehouse.edit("1001", {"1": 3})
    trade.go()
    (edit,) = trade.shop.of("order_edit")
    assert isinstance(edit, OrderEdit)
    assert [(line.line_id, line.quantity) for line in edit.lines] == [("0", 1), ("1", 3)]
    lines = (trade.order.lines[0], msgspec.structs.replace(
        trade.order.lines[1], quantity=Decimal(3), net=Decimal(300), tax=Decimal(75), gross=Decimal(375)
    ))  # fmt: skip
    taken = msgspec.structs.replace(
        trade.order, lines=lines, net=Decimal(400), tax=Decimal(100), gross=Decimal(500), status="Ändrad"
    )
    trade.shop.put(taken, id_)  # the shop has made it so
    trade.go()
    assert [w for w in trade.shop.written if w[0] == "order_edit"] == [("order_edit", "nordljus/1001", "create")]
    assert [line.ordered for line in trade.warehouse.house.order("1001").lines] == [1, 3]
    trade.quiet()
    trade.warehouse.release("1001")
    trade.warehouse.start("1001")
    trade.go()
    less = msgspec.structs.replace(taken, lines=lines[:1], net=Decimal(100), tax=Decimal(25), gross=Decimal(125))
    trade.shop.put(less, id_)
    trade.go()
    problem = Problem.objects.get(closed_at=None)
    assert "320 Allokerad" in problem.what
    assert [line.ordered for line in trade.warehouse.house.order("1001").lines] == [1, 3]
    assert orders.skip(trade.tenant.pk, trade.row("wms").pk, "order", "nordljus/1001", "told the buyer", "anna")
    assert not Problem.objects.filter(closed_at=None).exists()


def test_an_order_without_a_mapped_carrier_stops_before_the_warehouse(trade: Trade) -> None:
    """O-12."""
    trade.place("A", shipping_method="Budfirman")
    trade.go()
    assert "Budfirman" in Problem.objects.get(closed_at=None).what
    assert not trade.warehouse.snapshot()["orders"]


def test_a_cancelled_order_never_leaves_and_its_money_is_let_go(trade: Trade) -> None:
    """J-11, O-05."""
    id_ = trade.place("A")
    trade.go()
    trade.shop.put(msgspec.structs.replace(trade.order, lifecycle="cancelled"), id_)
    trade.go()
    assert trade.warehouse.house.order("1001").status == 1000
    assert len(trade.box("psp").of("void")) == 1
    levels = {row.sku: row.available for row in trade.shop.of("stock") if isinstance(row, StockLevel)}
    assert levels["A"] == 10
    trade.quiet()


@pytest.mark.parametrize(("cause", "paid_back"), [("ANG", True), ("REK", False), ("EJU", False)])
def test_returns_come_home_and_only_regret_is_paid_back_by_itself(
    trade: Trade, clock: Clock, cause: str, paid_back: bool
) -> None:
    """O-17: goods and money apart."""
    trade.place("A", "B")
    trade.go()
    trade.warehouse.ship_all("1001")
    trade.go()
    clock.at += timedelta(days=1)
    number = trade.warehouse.announce("1001", {"0": 1}, cause)
    trade.go()
    assert [row.key for row in trade.shop.of("return")] == [f"nordljus/1001#{number}"]
    trade.warehouse.take_back(number)
    trade.go()
    refunds = [row for row in trade.box("psp").of("refund") if isinstance(row, Refund)]
    assert [row.amount for row in refunds] == ([Decimal(125)] if paid_back else [])
    levels = {row.sku: row.on_hand for row in trade.shop.of("stock") if isinstance(row, StockLevel)}
    assert levels["A"] == 10
    assert trade.says() == "partly_returned"
    trade.quiet()


def test_the_initial_list_and_what_came_of_it(trade: Trade) -> None:
    """O-14, O-15."""
    trade.flow("product", "shop", "erp")
    trade.shop.put(stock("A", 5))
    trade.read("shop", "catalogue")
    made = inbound.announce_all(trade.row("shop"), trade.row("wms"))
    trade.go()
    number = made[0].number
    trade.warehouse.receive(number, {"A": 4})
    trade.go()
    (arrival,) = inbound.arrivals(trade.tenant.pk)
    assert [(line.sku, line.expected, line.received) for line in arrival.deviations] == [("A", 5, 4)]
    assert [row.key for row in trade.erp.of("receipt")] == [number]


def test_an_article_that_is_gone_in_the_shop_is_a_task_for_a_person(trade: Trade) -> None:
    """O-16: nothing is deleted; the task names the article."""
    gone = next(row for row in trade.shop.of("product") if row.key == "b")
    assert isinstance(gone, Product)
    trade.shop.put(msgspec.structs.replace(gone, status="archived"), trade.articles["B"])
    trade.read("shop", "catalogue")
    trade.deliver("wms", "product")
    problem = Problem.objects.get(closed_at=None)
    assert (problem.code, "article B" in problem.what) == (ByHand.code, True)
    assert "B" in trade.warehouse.house.articles


def test_a_status_of_the_installations_own_is_mapped_by_the_connection(trade: Trade) -> None:
    """O-19, RD-07: it is asked about, then it means what a person said."""
    trade.place("A")
    trade.go()
    trade.warehouse.status("1001", 210, "Väntar på kontroll")
    trade.go()
    assert "'210'" in Problem.objects.get(closed_at=None).what
    row = trade.row("wms")
    row.status_words = {"210": ["waiting_stock"]}
    row.save()
    trade.go()
    assert trade.says() == "waiting_stock"
    assert not Problem.objects.filter(closed_at=None).exists()


def test_three_hundred_old_orders_that_are_sent_already_mail_nobody(trade: Trade, clock: Clock) -> None:
    """O-22: what lay in the warehouse before is read, and tells the shop nothing."""
    rows = [{"rowNumber": "1", "articleNumber": "A", "numberOfItems": 1}]
    for n in range(300):
        house = trade.warehouse.house
        trade.warehouse.count("A", 10)
        house.put_order(
            {"orderNumber": f"G{n}", "deliveryDate": "2026-03-10", "consignee": {"name": "X"}, "orderLines": rows}
        )
        trade.warehouse.ship_all(f"G{n}")
    trade.go()
    assert not trade.shop.of("order_status")
    assert not trade.shop.of("shipment")
    assert not trade.box("psp").written
