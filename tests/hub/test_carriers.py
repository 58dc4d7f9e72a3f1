"""A shop and a transport system through the hub: from the order to its parcel's number, on the real connector."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from samklang.hub.models import Binding, Connection, OrderHead, Problem, Tenant
from samklang.hub.setup import config
from samklang.records import Address, Order, Shipment
from samklang.sandboxes.base import Fault, Faulty, serve
from samklang.sandboxes.nshift_ship import ACTOR, CLIENT_ID, CLIENT_SECRET, LOGIN, NshiftShipSandbox
from samklang.sandboxes.unifaun import BASE, KEY_ID, KEY_SECRET, UnifaunSandbox
from tests.hub.conftest import World, order

KEY = "nordljus/1001"
_TO = Address(name="Åsa Öberg", lines=("Provgatan 1",), postcode="411 05", city="Göteborg", country="SE")


class Trade(World):
    """The shop is master of orders, nShift of shipments."""

    def __init__(self, base: str, account: UnifaunSandbox, faulty: Faulty) -> None:
        super().__init__()
        self.account, self.faulty = account, faulty
        settings = {"address": f"{base}{BASE}", "key_id": KEY_ID, "weight_g": 1000, "booking": "at once"}
        row = Connection.objects.create(tenant=self.tenant, name="ta", connector="unifaun", settings=settings)
        config.set_secrets(row, {"key_secret": KEY_SECRET})
        carriers = {"PostNord": {"carrier": "PLAB", "service": "P19"}}
        self.flow("order", "shop", "ta", options={"carriers": carriers})
        self.flow("shipment", "ta", "shop")

    def place(self, method: str = "PostNord") -> Order:
        made = order("1001", "A", shipping_method=method)
        self.placed: Order = msgspec.structs.replace(made, shipping=_TO)
        self.shop.put(self.placed, "o1001")
        return self.placed

    def go(self) -> None:
        """Read and deliver all, twice."""
        for _ in range(2):
            self.read("shop", "orders")
            self.read("ta", "shipments", sweep=True)
            due = Binding.objects.filter(state="due", wanted__isnull=False, due_at__lte=time.time())
            for name, type_ in sorted(set(due.values_list("connection__name", "type"))):
                self.deliver(name, type_)


@pytest.fixture
def home() -> str:
    """One database will do: what the hub does with records is tried on both elsewhere."""
    return "sqlite"


@pytest.fixture
def trade(world: World) -> Iterator[Trade]:
    Tenant.objects.all().delete()
    account = UnifaunSandbox()
    faulty = Faulty(account.app)
    with serve(faulty) as base:
        yield Trade(base, account, faulty)


class Ship(World):
    """The shop is master of orders, nShift Ship of shipments, of which it can list none."""

    def __init__(self, base: str, server: NshiftShipSandbox, faulty: Faulty) -> None:
        super().__init__()
        self.server, self.faulty = server, faulty
        settings = {
            "actor": ACTOR, "client_id": CLIENT_ID, "weight_g": 1000, "address": base, "login_address": base + LOGIN,
        }  # fmt: skip
        row = Connection.objects.create(tenant=self.tenant, name="ta", connector="nshift_ship", settings=settings)
        config.set_secrets(row, {"client_secret": CLIENT_SECRET})
        carriers = {"PostNord": {"carrier": "39", "service": "1032"}}
        self.flow("order", "shop", "ta", options={"carriers": carriers})
        self.flow("shipment", "ta", "shop")

    def place(self, no: str, placed_at: datetime | None = None) -> str:
        placed_at = placed_at or datetime.now(UTC)
        made = order(no, "A", shipping_method="PostNord", placed_at=placed_at)
        self.shop.put(msgspec.structs.replace(made, shipping=_TO), f"o{no}")
        self.read("shop", "orders")
        self.deliver("ta", "order")
        return made.key

    def asked(self, *, sweep: bool = False) -> int:
        """How many shipments are asked for in a read."""
        self.faulty.reset_calls()
        self.read("ta", "shipments", sweep=sweep)
        return sum("/shipments/" in call.path for call in self.faulty.calls)

    def told(self) -> list[Shipment]:
        self.deliver("shop", "shipment")
        return [record for record in self.shop.of("shipment") if isinstance(record, Shipment)]


@pytest.fixture
def ship(world: World) -> Iterator[Ship]:
    Tenant.objects.all().delete()
    server = NshiftShipSandbox()
    faulty = Faulty(server.app)
    with serve(faulty) as base:
        yield Ship(base, server, faulty)


def test_a_system_that_lists_nothing_is_asked_for_each_order_until_it_has_told(ship: Ship) -> None:
    """O-11, D-15"""
    keys = [ship.place("1001"), ship.place("1002")]
    (first,), (second,) = (ship.server.under(key) for key in keys)
    numbers, second.parcels = second.parcels, [""]  # not numbered yet
    assert ship.asked() == 2  # the first read is a whole one
    assert [(one.order, one.number, one.parcels[0].tracking_no) for one in ship.told()] == [
        (keys[0], first.number, first.parcels[0])
    ]
    second.parcels = numbers
    assert ship.asked() == 1
    assert [one.order for one in ship.told()] == keys
    assert (ship.asked(), ship.asked(sweep=True)) == (0, 2)
    OrderHead.objects.filter(key=keys[0]).update(fulfilment="shipped")
    OrderHead.objects.filter(key=keys[1]).update(lifecycle="cancelled")
    assert ship.asked(sweep=True) == 0
    assert len(ship.server.shipments) == 2


def test_an_old_order_of_which_nothing_is_told_is_only_asked_for_in_sweeps(ship: Ship) -> None:
    key = ship.place("1001", datetime.now(UTC) - timedelta(days=20))
    ship.read("ta", "shipments", sweep=True)
    ship.server.remove(key)
    Binding.objects.filter(connection__name="ta", type="shipment").delete()
    assert (ship.asked(), ship.asked(sweep=True)) == (0, 1)


def test_an_answer_that_is_lost_books_once_where_nothing_is_listed(ship: Ship) -> None:
    """O-11"""
    ship.faulty.faults = [Fault("lost", times=1, method="POST", path="/shipments")]
    key = ship.place("1001")
    Binding.objects.filter(state="due").update(due_at=0)  # the hub has waited long enough
    ship.deliver("ta", "order")
    assert len(ship.server.shipments) == 1 and ship.asked() == 1
    assert [one.order for one in ship.told()] == [key]


def test_an_order_is_booked_and_its_parcel_number_comes_back_to_the_shop(trade: Trade) -> None:
    """O-11, O-12, D-15"""
    trade.place()
    trade.go()
    (one,) = trade.account.under(KEY)
    told = [record for record in trade.shop.of("shipment") if isinstance(record, Shipment)]
    assert [(record.order, record.number) for record in told] == [(KEY, one.number)]
    assert [parcel.tracking_no for parcel in told[0].parcels] == one.parcels
    trade.go()
    assert len(trade.account.shipments) == 1 and len(trade.shop.of("shipment")) == 1


def test_a_shipping_method_without_a_carrier_code_stops_before_anything_is_booked(trade: Trade) -> None:
    """O-12"""
    trade.place("Drönare")
    trade.go()
    assert trade.account.under(KEY) == []
    assert "Drönare" in Problem.objects.get(closed_at=None).what


def test_an_answer_that_is_lost_books_once(trade: Trade) -> None:
    """O-11"""
    trade.faulty.faults = [Fault("lost", times=1, method="POST")]
    trade.place()
    trade.go()
    assert len(trade.account.shipments) == 1  # it was booked, but nobody knows
    Binding.objects.filter(state="due").update(due_at=0)  # the hub has waited long enough
    trade.go()
    assert len(trade.account.shipments) == 1
    assert Binding.objects.get(connection__name="ta", type="order").external_id == KEY


def test_a_cancelled_order_takes_its_consignment_back(trade: Trade) -> None:
    """O-11"""
    trade.place()
    trade.go()
    trade.shop.put(msgspec.structs.replace(trade.placed, lifecycle="cancelled"), "o1001")
    trade.go()
    assert trade.account.under(KEY) == []
