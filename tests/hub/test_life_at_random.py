"""Orders between a shop, a warehouse and a payment provider, with everything in random order: duplicates, delays, late
news, answers that are lost, refusals. In the end both sides stand in the same legal state, each shipment was captured
and told once, and the shop's stock is the warehouse's."""

from __future__ import annotations

import contextlib
import os
import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from samklang.connectors.errors import RemoteFault
from samklang.hub import delivery, orders, store
from samklang.hub.delivery import retry
from samklang.hub.models import Binding, Connection, Problem, Step, Tenant
from samklang.records import Capture, Order, OrderStatus, Shipment, ShipmentLine, StockLevel
from tests.hub.conftest import World, stock
from tests.hub.test_order_life import Warehouse

_TYPES = (
    "customer",
    "order",
    "release",
    "order_edit",
    "capture",
    "void",
    "refund",
    "order_status",
    "shipment",
    "stock",
)
_STEPS = {
    "": "ready waiting_stock",
    "waiting_stock": "ready",
    "ready": "waiting_stock picking",
    "picking": "ready sends",
}

_PARCELS = 8  # parcels without which a run proves little


class Killed(BaseException):
    """Nothing that runs catches it, as nothing catches SIGKILL."""


class Chaos:
    """Random events until the dice are cast, then peace."""

    def __init__(self, place: Warehouse, seed: int, count: int) -> None:
        self.place = place
        self.dice = random.Random(seed)
        self.at: dict[str, str] = {}  # order number → the warehouse's true state
        self.left: dict[str, list[str]] = {}  # lines that it has not sent yet
        self.count = count
        self.numbers: list[str] = []
        for box in (place.shop, place.wms, place.psp):
            box.after_write = self._lose_the_answer
        self.peace = False

    def _lose_the_answer(self, type_: str, wants: Any) -> None:
        if not self.peace and self.dice.random() < 0.15:
            raise RemoteFault("the answer was lost")

    # ------------------------------------------------------------------------------------------------ events

    def event(self) -> None:
        kinds = [self._place] * 3 * (len(self.numbers) < self.count) + [
            self._read, self._read, self._deliver, self._deliver, self._deliver, self._warehouse, self._warehouse,
            self._warehouse, self._late_news, self._hook_twice, self._release, self._edit, self._stock, self._cancel,
            self._wait, self._wait, self._warehouse, self._warehouse, self._deliver, self._die,
        ]  # fmt: skip
        self.dice.choice(kinds)()

    def _place(self) -> None:
        no = str(2000 + len(self.numbers))
        self.numbers.append(no)
        self.place.place(*self.dice.choices(("A", "B"), k=self.dice.randint(1, 3)), no=no)

    def _read(self) -> None:
        name, feed = self.dice.choice((("shop", "orders"), ("wms", "statuses"), ("wms", "catalogue")))
        self.place.read(name, feed)

    def _deliver(self) -> None:
        row = self.place.row(self.dice.choice(("shop", "wms", "psp")))
        types = store.due_types(row.tenant_id, row.pk)
        if types:
            self.place.deliver(row.name, self.dice.choice(sorted(types)))

    def _die(self) -> None:
        """A worker is killed after its calls, before it could write down what came of them."""

        def killed(*_: object) -> None:
            raise Killed

        with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Killed):
            patch.setattr(delivery.Drain, "_settle", killed)
            self._deliver()

    def _some(self) -> tuple[str, str] | None:
        """An order that the warehouse has, and its id there."""
        rows = Binding.objects.filter(
            connection=self.place.row("wms"), type="order", external_id__isnull=False
        ).order_by("key")
        there = [(key.split("/")[1], id_) for key, id_ in rows.values_list("key", "external_id")]
        return self.dice.choice(there) if there else None

    def _warehouse(self) -> None:
        """The warehouse goes on with an order, as only it may."""
        some = self._some()
        if some is None:
            return
        no, id_ = some
        now = self.at.get(no, "")
        order = self.place.shop.rows["order"][f"o{no}"].record
        assert isinstance(order, Order)
        if order.lifecycle == "cancelled":
            return
        if now in ("partly_shipped", "sends") or (
            now in _STEPS and "sends" in _STEPS[now] and self.dice.random() < 0.6
        ):
            left = self.left.setdefault(no, [line.line_id for line in order.lines])
            if not left:
                return
            gone, self.left[no] = left[:1], left[1:]
            lines = tuple(ShipmentLine(line_id=one, quantity=Decimal(1)) for one in gone)
            number = f"{no}-{len(left)}"
            shipment = Shipment(order="", number=number, state="handed_over", lines=lines)
            self.place.wms.put(shipment, f"sh{number}", parent=id_)
            self.at[no] = "partly_shipped" if self.left[no] else "shipped"
        elif now in _STEPS:
            self.at[no] = self.dice.choice([word for word in _STEPS[now].split() if word != "sends"] or [now])
        self._tell(no, id_, self.at.get(no, now))

    def _tell(self, no: str, id_: str, word: str) -> None:
        if word:
            self.place.wms.put(OrderStatus(order="", raw=word, fulfilment=word), f"st{no}", parent=id_)  # type: ignore[arg-type]

    def _late_news(self) -> None:
        """A queue somewhere gives out an old status; the true one follows some time later."""
        some = self._some()
        if some and self.at.get(some[0]):
            self._tell(*some, self.dice.choice(("ready", "picking", "waiting_stock")))

    def _hook_twice(self) -> None:
        for no in self.dice.sample(self.numbers, min(2, len(self.numbers))):
            row = self.place.shop.rows["order"][f"o{no}"]
            self.place.shop.put(row.record, row.id)

    def _release(self) -> None:
        keys = [f"nordljus/{no}" for no in self.dice.sample(self.numbers, min(3, len(self.numbers)))]
        orders.release(self.place.tenant.pk, keys, "anna")

    def _edit(self) -> None:
        if self.numbers:
            row = self.place.shop.rows["order"][f"o{self.dice.choice(self.numbers)}"]
            self.place.shop.put(msgspec.structs.replace(row.record, note=str(self.dice.random())), row.id)

    def _cancel(self) -> None:
        no = self.dice.choice(self.numbers) if self.numbers else ""
        if no and self.at.get(no, "") in ("", "waiting_stock") and self.dice.random() < 0.05:
            row = self.place.shop.rows["order"][f"o{no}"]
            self.place.shop.put(msgspec.structs.replace(row.record, lifecycle="cancelled"), row.id)

    def _wait(self) -> None:
        """An hour passes: what backs off is due, and breakers have closed."""
        Binding.objects.filter(state="due").update(due_at=0)
        Connection.objects.update(open_until=0, faults=0)

    def _stock(self) -> None:
        sku = self.dice.choice(("A", "B"))
        self.place.wms.put(stock(sku, self.dice.randint(1, 9)), f"level-{sku}")

    # ------------------------------------------------------------------------------------------------ the end

    def settle(self) -> None:
        """No more faults; the warehouse says once more what is true; all that is due goes out."""
        self.peace = True
        for no, word in self.at.items():
            id_ = Binding.objects.get(connection=self.place.row("wms"), type="order", key=f"nordljus/{no}").external_id
            self._tell(no, str(id_), word)
        for _ in range(4):
            self._wait()
            for name, feed in (("shop", "orders"), ("wms", "statuses"), ("wms", "catalogue")):
                self.place.read(name, feed, sweep=True)
            retry(self.place.tenant.pk)
            for name in ("wms", "psp", "shop"):
                for type_ in _TYPES:
                    self.place.deliver(name, type_)


def _cancelled(record: object) -> bool:
    return isinstance(record, Order) and record.lifecycle == "cancelled"


@pytest.mark.parametrize("seed", [int(os.environ.get("SAMKLANG_SEED", 1)), 2, 29])
def test_whatever_happens_both_sides_end_alike(world: World, seed: int) -> None:
    """O-04, O-06, O-08, O-09, O-10, J-13: same legal state, one capture and one mail a shipment, stock as it is."""
    Tenant.objects.all().delete()
    place = Warehouse()
    place.flow("stock", "wms", "shop")
    for sku in ("A", "B"):
        place.wms.put(stock(sku, 5), f"level-{sku}")
    chaos = Chaos(place, seed, 12)
    wanted = int(os.environ.get("SAMKLANG_EVENTS", 350))
    for happened in range(10 * wanted):
        if happened >= wanted and len(place.wms.of("shipment")) >= _PARCELS:
            break  # some dice let the first orders wait long for a customer whose sender was killed
        chaos.event()
    chaos.settle()

    assert {row.order: row.fulfilment for row in place.told() if row.fulfilment} == {
        f"nordljus/{no}": word for no, word in chaos.at.items() if word
    }
    flowing = {row.record.key for row in place.shop.rows["order"].values() if not _cancelled(row.record)}
    assert flowing <= {row.key for row in place.wms.of("order")}, "an order never came to the warehouse"
    captures = [row for row in place.psp.of("capture") if isinstance(row, Capture)]
    sent = [row for row in place.wms.of("shipment") if isinstance(row, Shipment)]
    assert sorted(one.number for one in captures) == sorted(one.number for one in sent)
    for no in chaos.numbers:
        order = place.shop.rows["order"][f"o{no}"].record
        assert isinstance(order, Order)
        of_order = [one for one in captures if one.order == order.key]
        taken = sum((one.amount for one in of_order), Decimal(0))
        assert taken == order.gross * len(of_order) / len(order.lines)
    told = [row.number for row in place.shop.of("shipment") if isinstance(row, Shipment)]
    assert sorted(told) == sorted(one.number for one in sent)
    levels = {row.sku: row.on_hand for row in place.shop.of("stock") if isinstance(row, StockLevel)}
    assert levels == {row.sku: row.on_hand for row in place.wms.of("stock") if isinstance(row, StockLevel)}
    late = Step.objects.filter(what="late").count()
    lost = Step.objects.filter(what="retry").count()
    print(f"seed {seed}: {len(chaos.numbers)} orders, {len(sent)} shipments, {late} late, {lost} answers lost")
    assert len(sent) >= _PARCELS, "too little happened to prove anything"
    assert late + lost > 8
    assert not Problem.objects.filter(closed_at=None).exists(), list(Problem.objects.values("what"))
