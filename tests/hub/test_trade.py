"""A Starweb or Magento shop, a warehouse on Ongoing and Klarna through the hub: all on their real connectors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from samklang.connectors.errors import ByHand
from samklang.hub.models import Binding, Problem
from samklang.hub.setup import config
from samklang.sandboxes import klarna, magento, starweb
from samklang.sandboxes.base import Faulty, serve
from samklang.sandboxes.klarna import KlarnaSandbox
from samklang.sandboxes.magento import MagentoSandbox
from samklang.sandboxes.magento.wire import stamp
from samklang.sandboxes.ongoing import OngoingSandbox
from samklang.sandboxes.starweb import StarwebSandbox
from tests.hub.conftest import World


class Clock:
    def __init__(self) -> None:
        self.at = datetime.now(UTC) - timedelta(days=3)

    def __call__(self) -> datetime:
        return self.at


class Trade(World):
    """The shop is master of articles and orders and says when to pick; the warehouse measures the stock."""

    shop_options: ClassVar[Mapping[str, dict[str, Any]]] = {}  # by the type of what comes from the warehouse
    connector = carrier = released = ""

    def __init__(self, web: Any, settings: dict[str, Any], secrets: dict[str, str], served: ExitStack) -> None:
        super().__init__()
        self.clock, self.web = Clock(), web
        self.warehouse, self.klarna = OngoingSandbox(0, now=self.clock), KlarnaSandbox()
        boxes = (web, self.warehouse, self.klarna)
        url, wms, psp = (served.enter_context(serve(Faulty(box.app))) for box in boxes)
        house = self.warehouse
        self.add("web", self.connector, {**settings, "url": url}, secrets)
        address = {"address": f"{wms}/{house.system}", "user": house.user, "goods_owner": house.goods_owner}
        self.add("wms", "ongoing", address, {"password": house.password})
        self.add("psp", "klarna", {"username": klarna.USER, "api_address": psp}, {"password": klarna.PASSWORD})
        self.channel.connection = self.row("web")
        self.channel.save()
        self.flow("product", "web", "wms")
        self.flow("order", "web", "wms", options={"carriers": {self.carrier: {"carrier": "PLAB", "service": "P19"}}})
        self.flow("release", "web", "wms", options={"statuses": [self.released]})
        for type_ in ("order_edit", "order_status", "shipment", "stock"):
            self.flow(type_, "wms", "web", options=self.shop_options.get(type_, {}))
        self.flow("capture", "wms", "psp", options={"methods": ["klarna"]})
        self.flow("void", "wms", "psp")
        self.read("web", "catalogue")
        self.deliver("wms", "product")
        there = [sku for sku in web.snapshot()["articles"] if sku in house.house.articles]
        self.skus, self.more = there[:2], there[2]
        for sku in there:
            self.warehouse.count(sku, 10)
        self.go()
        web.orders.mails.clear()

    def add(self, name: str, connector: str, settings: dict[str, Any], secrets: dict[str, str]) -> None:
        """Connect a system."""
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

    def buy(self, *counts: int) -> dict[str, Any]:
        """A buyer orders so many of the first articles and pays at Klarna; gives the order as the shop shows it."""
        paid = self.klarna.authorise(1)
        made = self.web.place_order(list(zip(self.skus, counts, strict=False)), reference=paid)
        order = self.paid = self.klarna.orders[paid]
        order.amount = order.original = int(made.get("amountToPay", made.get("grand_total")) * 100)
        return dict(made)

    def quiet(self) -> None:
        """Nothing more happens, and nobody has anything to do."""
        assert not Problem.objects.filter(closed_at=None).exists(), list(Problem.objects.values_list("what"))
        before = [self.web.snapshot(), self.warehouse.snapshot(), self.klarna.snapshot()]
        self.go()
        assert [self.web.snapshot(), self.warehouse.snapshot(), self.klarna.snapshot()] == before


class Star(Trade):
    """Around a Starweb shop, which mails when a status changes: the shipment does it, with the number in the mail."""

    connector, carrier, released = "starweb", "PostNord MyPack", "Öppen-OK"
    shop_options: ClassVar = {
        "order_status": {
            "status_map": {"picking": "Plockning", "shipped": "", "partly_shipped": "", "cancelled": ""}
        },
        "shipment": {"mail": True, "status_map": {"shipped": "completed", "partly_shipped": "Delvis skickad"}},
    }  # fmt: skip

    def __init__(self, served: ExitStack) -> None:
        settings = {"client_id": starweb.CLIENT_ID}
        super().__init__(StarwebSandbox(12, customers=3), settings, {"client_secret": starweb.CLIENT_SECRET}, served)

    def place(self, *counts: int) -> int:
        """A buyer orders; gives the order's id."""
        return int(self.buy(*counts)["orderId"])

    def held(self, id_: int) -> dict[str, Any]:
        """The order as the shop has it."""
        return dict(self.web.snapshot()["orders"][str(id_)])

    def stock(self) -> list[int]:
        """What the shop has of the first two articles."""
        articles = self.web.snapshot()["articles"]
        return [articles[sku]["stock"] for sku in self.skus]

    def mails(self) -> list[tuple[str, str]]:
        """What the buyer was told, and the parcel's number in it."""
        mails = [(mail["about"], mail["tracking"]) for mail in self.web.orders.mails]
        return [mail for mail in mails if mail[0] != "Orderbekräftelse"]


class Mage(Trade):
    """Around a Magento shop, which takes its own open orders off what lies in the warehouse."""

    connector, carrier, released = "magento", "flatrate_flatrate", "plockning"
    shop_options: ClassVar = {"shipment": {"mail": True}, "stock": {"figure": "on_hand"}}

    def __init__(self, served: ExitStack) -> None:
        settings = {"consumer_key": magento.CONSUMER[0], "access_token": magento.TOKEN[0]}
        secrets = {"consumer_secret": magento.CONSUMER[1], "access_token_secret": magento.TOKEN[1]}
        super().__init__(MagentoSandbox(12, customers=3), settings, secrets, served)

    def place(self, *counts: int) -> tuple[str, dict[str, Any]]:
        """A buyer orders; gives the order's number and the order as the shop has it."""
        number = str(self.buy(*counts)["increment_id"])
        return number, next(row for row in self.web.orders.rows.values() if row["increment_id"] == number)

    def stock(self) -> list[int]:
        """What can be sold of the first two articles."""
        return [int(self.web.catalogue.salable(sku)) for sku in self.skus]


@pytest.fixture
def home() -> str:
    """One database will do: what the hub does with records is tried on both elsewhere."""
    return "sqlite"


@pytest.fixture
def served(world: World) -> Iterator[ExitStack]:
    from samklang.hub.models import Tenant

    Tenant.objects.all().delete()
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def trade(served: ExitStack) -> Star:
    return Star(served)


@pytest.fixture
def mage(served: ExitStack) -> Mage:
    return Mage(served)


def test_from_the_checkout_to_the_parcel_the_mail_and_the_money(trade: Star) -> None:
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


def test_a_part_is_sent_first_and_the_rest_later(trade: Star) -> None:
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


def test_edits_of_either_side_reach_the_other_once_until_it_is_picked(trade: Star) -> None:
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
def test_a_cancelled_order_stays_at_home_and_its_money_is_let_go_once(trade: Star, shop_lets_go: bool) -> None:
    """The shop tells whether its own payment module has let the money go; if it has, Klarna is not asked again."""
    id_ = trade.place(2, 1)
    trade.go()
    trade.web.cancel(id_, payment=shop_lets_go)
    trade.go()
    assert trade.warehouse.house.order(str(id_)).status == 1000
    assert trade.paid.status == ("AUTHORIZED" if shop_lets_go else "CANCELLED")
    assert trade.stock() == [10, 10]
    assert [about for about, _ in trade.mails()] == ["Makulerad"]
    trade.quiet()


def test_what_the_warehouse_had_before_tells_the_shop_nothing(trade: Star) -> None:
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


# ---------------------------------------------------------------------------------------------------- Magento


def test_magento_sends_the_parcels_that_the_warehouse_packed(mage: Mage) -> None:
    number, order = mage.place(2, 1)
    mage.go()
    assert mage.warehouse.house.order(number).status == 200
    assert mage.stock() == [8, 9]
    order |= {"state": "processing", "status": "plockning", "updated_at": stamp(datetime.now(UTC))}
    mage.go()
    assert mage.warehouse.house.order(number).status == 300
    mage.warehouse.ship_all(number)
    mage.go()
    (sent,) = mage.web.orders.shipments.values()
    (mail,) = [mail for mail in mage.web.orders.mails if mail["about"] == "shipment"]
    assert [track["track_number"] for track in sent["tracks"]] == [mail["text"]] != [""]
    assert [item["qty_shipped"] for item in order["items"] if not item.get("parent_item_id")] == [2, 1]
    assert (mage.paid.status, mage.paid.captured) == ("CAPTURED", mage.paid.amount)
    assert mage.stock() == [6, 8]  # the figure came first, then Magento took the parcel off it
    later = Binding.objects.filter(type="stock", state="due")
    assert {row.key.partition("|")[0].upper() for row in later} == set(mage.skus)
    assert all(500 < row.due_at - time.time() < 600 for row in later)
    later.update(due_at=0)
    mage.go()
    assert mage.stock() == [8, 9]
    mage.quiet()


def test_magento_sends_in_parts_and_its_rows_are_the_warehouses(mage: Mage) -> None:
    mage.warehouse.count(mage.skus[1], 0)
    number, order = mage.place(1, 1)
    mage.go()
    mage.warehouse.ship_all(number)
    mage.go()
    assert [item["qty_shipped"] for item in order["items"] if not item.get("parent_item_id")] == [1, 0]
    assert mage.paid.status == "PART_CAPTURED"
    mage.clock.at += timedelta(days=1)
    mage.warehouse.count(mage.skus[1], 4)
    mage.warehouse.ship_all(f"{number}-B")
    mage.go()
    assert [item["qty_shipped"] for item in order["items"] if not item.get("parent_item_id")] == [1, 1]
    assert len(mage.web.orders.shipments) == 2
    assert (mage.paid.status, mage.paid.captured) == ("CAPTURED", mage.paid.amount)
    Binding.objects.filter(type="stock", state="due").update(due_at=0)
    mage.go()
    assert mage.stock() == [9, 3]
    mage.quiet()


def test_an_edit_in_the_warehouse_is_a_task_in_magento(mage: Mage) -> None:
    number, _ = mage.place(2, 1)
    mage.go()
    row = mage.warehouse.house.order(number).lines[0].row
    mage.clock.at += timedelta(hours=1)
    mage.warehouse.edit(number, {row: 3})
    mage.go()
    problem = Problem.objects.get(closed_at=None)
    assert (problem.code, f"Edit order {number}" in problem.what) == (ByHand.code, True)


def test_an_order_cancelled_in_magento_stays_at_home(mage: Mage) -> None:
    number, order = mage.place(2, 1)
    mage.go()
    mage.web.cancel(order["entity_id"])
    mage.go()
    assert mage.warehouse.house.order(number).status == 1000
    assert mage.paid.status == "AUTHORIZED"  # Magento has its payment module let the money go
    assert mage.stock() == [10, 10]
    mage.quiet()
