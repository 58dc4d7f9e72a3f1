"""A Starweb shop, a warehouse on Ongoing and Klarna through the hub: all three on their real connectors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from samklang.hub import config
from samklang.hub.models import Binding, Problem
from samklang.sandboxes import klarna
from samklang.sandboxes.base import Faulty, serve
from samklang.sandboxes.klarna import KlarnaSandbox
from samklang.sandboxes.ongoing import OngoingSandbox
from samklang.sandboxes.starweb import CLIENT_ID, CLIENT_SECRET, StarwebSandbox
from samklang.sandboxes.starweb.orders import CANCELED
from tests.hub.conftest import World

PACKED = {"status_map": {"picking": "Plockning", "shipped": "", "partly_shipped": "", "cancelled": ""}}
MAILED = {"mail": True, "status_map": {"shipped": "completed", "partly_shipped": "Delvis skickad"}}


class Clock:
    def __init__(self) -> None:
        self.at = datetime.now(UTC) - timedelta(days=3)

    def __call__(self) -> datetime:
        return self.at


class Trade(World):
    """The shop is master of articles and orders and says when to pick; the warehouse measures the stock."""

    def __init__(self, clock: Clock, served: ExitStack) -> None:
        super().__init__()
        self.clock = clock
        self.web = StarwebSandbox(12, customers=3)
        self.warehouse = OngoingSandbox(0, now=clock)
        self.klarna = KlarnaSandbox()
        web, wms, psp = (
            served.enter_context(serve(Faulty(box.app))) for box in (self.web, self.warehouse, self.klarna)
        )
        house = self.warehouse
        self.add("web", "starweb", {"url": web, "client_id": CLIENT_ID}, {"client_secret": CLIENT_SECRET})
        address = {"address": f"{wms}/{house.system}", "user": house.user, "goods_owner": house.goods_owner}
        self.add("wms", "ongoing", address, {"password": house.password})
        self.add("psp", "klarna", {"username": klarna.USER, "api_address": psp}, {"password": klarna.PASSWORD})
        self.channel.connection = self.row("web")
        self.channel.save()
        self.flow("product", "web", "wms")
        self.flow(
            "order", "web", "wms", options={"carriers": {"PostNord MyPack": {"carrier": "PLAB", "service": "P19"}}}
        )
        self.flow("order_edit", "wms", "web")
        self.flow("release", "web", "wms", options={"statuses": ["Öppen-OK"]})
        self.flow("order_status", "wms", "web", options=PACKED)
        self.flow("shipment", "wms", "web", options=MAILED)
        self.flow("stock", "wms", "web", options={"warehouses": ["1"]})
        self.flow("capture", "wms", "psp", options={"methods": ["klarna"]})
        self.flow("void", "wms", "psp")
        self.read("web", "catalogue")
        self.deliver("wms", "product")
        *self.skus, self.more = [
            sku for sku in self.web.snapshot()["articles"] if sku in self.warehouse.house.articles
        ][:3]
        for sku in (*self.skus, self.more):
            self.warehouse.count(sku, 10)
        self.go()
        self.web.orders.mails.clear()

    def add(self, name: str, connector: str, settings: dict[str, Any], secrets: dict[str, str]) -> None:
        from samklang.hub.models import Connection

        row = Connection.objects.create(tenant=self.tenant, name=name, connector=connector, settings=settings)
        config.set_secrets(row, secrets)

    def go(self) -> None:
        """Read everything and deliver what is due, as the engine does; what was caused, too."""
        for _ in range(3):
            self.clock.at += timedelta(minutes=5)
            self.read("web", "orders")
            for feed in ("orders", "stock"):
                self.read("wms", feed, sweep=True)
            due = Binding.objects.filter(state="due", wanted__isnull=False, due_at__lte=time.time())
            for name, type_ in sorted(set(due.values_list("connection__name", "type"))):
                self.deliver(name, type_)

    def place(self, *counts: int, **more: Any) -> int:
        """A buyer orders so many of the first articles and pays at Klarna; gives the order's id in the shop."""
        lines = list(zip(self.skus, counts, strict=False))
        paid = self.klarna.authorise(1)
        id_ = int(self.web.place_order(lines, reference=paid, **more)["orderId"])
        order = self.klarna.orders[paid]
        order.amount = order.original = int(self.web.orders.rows[id_]["amountToPay"] * 100)
        self.paid = order
        return id_

    def held(self, id_: int) -> dict[str, Any]:
        """The order as the shop has it."""
        return dict(self.web.snapshot()["orders"][str(id_)])

    def stock(self) -> list[int]:
        articles = self.web.snapshot()["articles"]
        return [articles[sku]["stock"] for sku in self.skus]

    def mails(self) -> list[tuple[str, str]]:
        return [
            (mail["about"], mail["tracking"]) for mail in self.web.orders.mails if mail["about"] != "Orderbekräftelse"
        ]

    def quiet(self) -> None:
        """Nothing more happens, and nobody has anything to do."""
        assert not Problem.objects.filter(closed_at=None).exists(), list(Problem.objects.values_list("what"))
        before = [self.web.snapshot(), self.warehouse.snapshot(), self.klarna.snapshot()]
        self.go()
        assert [self.web.snapshot(), self.warehouse.snapshot(), self.klarna.snapshot()] == before


@pytest.fixture
def home() -> str:
    """One database will do: what the hub does with records is tried on both elsewhere."""
    return "sqlite"


@pytest.fixture
def trade(world: World) -> Iterator[Trade]:
    from samklang.hub.models import Tenant

    Tenant.objects.all().delete()
    with ExitStack() as served:
        yield Trade(Clock(), served)


def test_from_the_checkout_to_the_parcel_the_mail_and_the_money(trade: Trade) -> None:
    id_ = trade.place(2, 1)
    trade.go()
    there = trade.warehouse.house.order(str(id_))
    assert (there.status, trade.warehouse.snapshot()["orders"][str(id_)]["transporter"]["serviceCode"]) == (200, "P19")
    assert trade.stock() == [8, 9]
    trade.web.set_status(id_, "Öppen-OK")
    trade.go()
    assert trade.warehouse.house.order(str(id_)).status == 300
    trade.warehouse.pick(str(id_))
    trade.go()
    assert trade.held(id_)["status"] == "Plockning"
    trade.warehouse.ship(str(id_))
    trade.go()
    held = trade.held(id_)
    assert (held["status"], bool(held["tracking"])) == ("Behandlad", True)
    assert trade.mails() == [("Behandlad", held["tracking"])]
    assert (trade.paid.status, trade.paid.captured) == ("CAPTURED", trade.paid.amount)
    assert not trade.web.orders.taken
    assert trade.stock() == [8, 9]
    trade.quiet()


def test_a_part_is_sent_first_and_the_rest_later(trade: Trade) -> None:
    trade.warehouse.count(trade.skus[1], 0)
    trade.go()
    trade.web.change(trade.skus[1], stock=5)  # the shop sells it on order
    id_ = trade.place(1, 1)
    trade.go()
    trade.warehouse.ship_all(str(id_))
    trade.go()
    assert trade.held(id_)["status"] == "Delvis skickad"
    assert trade.paid.status == "PART_CAPTURED"
    trade.clock.at += timedelta(days=1)
    trade.warehouse.count(trade.skus[1], 4)
    trade.warehouse.ship_all(f"{id_}-B")
    trade.go()
    assert trade.held(id_)["status"] == "Behandlad"
    assert [about for about, _ in trade.mails()] == ["Delvis skickad", "Behandlad"]
    assert len({tracking for _, tracking in trade.mails()}) == 2
    assert (trade.paid.status, trade.paid.captured) == ("CAPTURED", trade.paid.amount)
    trade.quiet()


def test_edits_of_either_side_reach_the_other_once_until_it_is_picked(trade: Trade) -> None:
    id_ = trade.place(2, 1)
    trade.go()
    rows = trade.warehouse.house.order(str(id_)).lines
    trade.clock.at += timedelta(hours=1)
    trade.warehouse.edit(str(id_), {rows[0].row: 3})
    trade.go()
    assert [count for _, count in trade.held(id_)["items"].values()] == [3, 1]
    trade.quiet()
    trade.web.edit_order(id_, {trade.skus[1]: 2})
    trade.go()
    assert [line.ordered for line in trade.warehouse.house.order(str(id_)).lines] == [3, 2]
    trade.quiet()
    trade.clock.at += timedelta(hours=1)
    trade.warehouse.edit(str(id_), add={trade.more: 4})
    trade.go()
    assert [count for _, count in trade.held(id_)["items"].values()] == [3, 2, 4]
    assert [line.ordered for line in trade.warehouse.house.order(str(id_)).lines] == [3, 2, 4]
    trade.quiet()
    trade.web.set_status(id_, "Plockning")
    trade.go()
    trade.clock.at += timedelta(hours=1)
    trade.warehouse.edit(str(id_), {rows[0].row: 1})
    trade.go()
    assert "Plockning" in Problem.objects.get(closed_at=None).what


@pytest.mark.parametrize("shop_lets_go", [False, True])
def test_a_cancelled_order_stays_at_home_and_its_money_is_let_go_once(trade: Trade, shop_lets_go: bool) -> None:
    """The shop tells whether its own payment module has let the money go; if it has, Klarna is not asked again."""
    id_ = trade.place(2, 1)
    trade.go()
    cancelled = {"statusId": CANCELED, "onOrderStatusChangeProcessPayment": shop_lets_go}
    trade.web.orders.change(id_, cancelled)
    trade.go()
    assert trade.warehouse.house.order(str(id_)).status == 1000
    assert trade.paid.status == ("AUTHORIZED" if shop_lets_go else "CANCELLED")
    assert trade.stock() == [10, 10]
    assert [about for about, _ in trade.mails()] == ["Makulerad"]
    trade.quiet()


def test_what_the_warehouse_had_before_tells_the_shop_nothing(trade: Trade) -> None:
    house = trade.warehouse.house
    for n in range(30):
        trade.warehouse.count(trade.skus[0], 10)
        house.put_order(
            {
                "orderNumber": f"{2001 + n}", "deliveryDate": "2026-03-10", "consignee": {"name": "X"},
                "orderLines": [{"rowNumber": "1", "articleNumber": trade.skus[0], "numberOfItems": 1}],
            }
        )  # fmt: skip
        trade.warehouse.ship_all(f"{2001 + n}")
    trade.go()
    assert not trade.mails()
    assert not Problem.objects.filter(closed_at=None).exists()
