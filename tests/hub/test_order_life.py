"""An order between a shop, a warehouse and a payment provider: released, edited, locked, sent, paid, returned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from samklang.connectors.errors import BadData, Locked, Misconfigured, Rejected
from samklang.hub import orders
from samklang.hub.models import Binding, Problem, ProblemItem, Step
from samklang.records import (
    Address,
    Capture,
    EditLine,
    LineStatus,
    Order,
    OrderEdit,
    OrderStatus,
    PaymentTransaction,
    Refund,
    Release,
    Return,
    ReturnLine,
    Shipment,
    ShipmentLine,
    Void,
)
from tests.doubles.shelf import Box, boxes
from tests.hub.conftest import World, order, product

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
KEY = "nordljus/1001"


class Warehouse(World):
    """A shop, a warehouse and a payment provider, with all flows of the second half."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("wms", "psp"):
            self.connection(name)
        self.flow("product", "shop", "wms")
        self.flow("customer", "shop", "wms")
        self.flow("order", "shop", "wms")
        self.flow("release", "shop", "wms", options={"statuses": ["Plockning"]})
        self.flow("order_edit", "wms", "shop")
        self.flow(
            "order_status", "wms", "shop", options={"status_map": {"picking": "Plockning", "shipped": "Behandlad"}}
        )
        self.flow("shipment", "wms", "shop")
        self.flow("return", "wms", "shop")
        self.flow("capture", "wms", "psp", options={"methods": ["klarna"]})
        self.flow("void", "wms", "psp")
        self.flow("refund", "wms", "psp", options={"reasons": ["regret"]})
        self.shop.put(product("A"))
        self.shop.put(product("B"))
        self.read("shop", "catalogue")
        self.deliver("wms", "product")

    @property
    def wms(self) -> Box:
        return boxes["wms"]

    @property
    def psp(self) -> Box:
        return boxes["psp"]

    def place(self, *skus: str, no: str = "1001", **more: Any) -> str:
        """A buyer orders and pays by Klarna; gives the order's id in the shop."""
        made = order(no, *skus, **more)
        auth = PaymentTransaction(kind="authorise", provider="klarna", amount=made.gross, at=NOW, provider_id="k-1")
        self.order = msgspec.structs.replace(made, payment="authorised", payments=(auth,))
        self.shop_id = self.shop.put(self.order, f"o{no}")
        return self.shop_id

    def go(self, *types: str) -> None:
        """Read everything and deliver everything, as the engine does in the end."""
        for name, feed in (("shop", "orders"), ("wms", "statuses")):
            self.read(name, feed)
        for name in ("wms", "psp", "shop"):
            for type_ in types or (
                "customer", "order", "release", "order_edit", "capture", "void", "refund", "order_status", "shipment",
                "return",
            ):  # fmt: skip
                self.deliver(name, type_)

    def at_wms(self) -> str:
        """The order's id in the warehouse."""
        row = Binding.objects.get(connection=self.row("wms"), type="order", key=self.order.key)
        return str(row.external_id)

    def says(self, **axes: Any) -> None:
        """The warehouse's word on the order."""
        self.wms.put(OrderStatus(order="", raw=str(axes), **axes), "status", parent=self.at_wms())

    def sends(self, number: str, *lines: str) -> None:
        """Goods leave the warehouse: these order lines, or all."""
        rows = tuple(ShipmentLine(line_id=id_, quantity=Decimal(1)) for id_ in lines)
        shipment = Shipment(order="", number=number, state="handed_over", lines=rows)
        self.wms.put(shipment, f"sh{number}", parent=self.at_wms())

    def told(self) -> list[OrderStatus]:
        """What the shop was told of the order's status."""
        return [row for row in self.shop.of("order_status") if isinstance(row, OrderStatus)]

    def steps(self) -> list[tuple[str, str, str]]:
        return list(Step.objects.filter(order=self.order.key).order_by("id").values_list("type", "what", "text"))


@pytest.fixture
def place(world: World) -> Warehouse:
    from samklang.hub.models import Tenant

    Tenant.objects.all().delete()
    return Warehouse()


def test_the_shop_hears_at_once_that_the_warehouse_has_the_order(place: Warehouse) -> None:
    """P-07, O-03: report-back right after the transfer, before the warehouse is even read."""
    place.place("A")
    place.read("shop", "orders")
    place.deliver("wms", "customer")
    place.deliver("wms", "order")
    place.deliver("shop", "order_status")
    assert [status.lifecycle for status in place.told()] == ["confirmed"]


def test_status_only_leads_on_and_late_news_is_seen_in_the_journey(place: Warehouse) -> None:
    """O-08: late or backward events change nothing."""
    place.place("A")
    place.go()
    place.says(fulfilment="shipped")
    place.sends("1")
    place.go()
    assert place.told()[-1].fulfilment == "shipped"
    place.says(fulfilment="picking")
    written = len(place.shop.written)
    place.go()
    assert place.told()[-1].fulfilment == "shipped"
    assert len(place.shop.written) == written
    assert ("order_status", "late", "{'fulfilment': 'picking'}: shipped → picking") in place.steps()


def test_a_status_word_that_nobody_mapped_is_kept_and_asked_about(place: Warehouse) -> None:
    """RD-07: an unknown word is never guessed."""
    place.place("A")
    place.go()
    place.wms.put(OrderStatus(order="", raw="Väntar på chefen"), "status", parent=place.at_wms())
    place.read("wms", "statuses")
    problem = Problem.objects.get(closed_at=None)
    assert "Väntar på chefen" in problem.what
    row = place.row("wms")
    row.status_words = {"Väntar på chefen": ["waiting_stock"]}
    row.save()
    place.wms.put(OrderStatus(order="", raw="Väntar på chefen"), "status", parent=place.at_wms())
    place.go()
    assert not Problem.objects.filter(closed_at=None).exists()
    assert place.told()[-1].fulfilment == "waiting_stock"


def test_orders_are_released_by_hand_many_at_once_and_each_once(place: Warehouse) -> None:
    """O-04: release by hand; one change is one write."""
    for no in ("1001", "1002"):
        place.place("A", no=no)
    place.go()
    keys = ["nordljus/1001", "nordljus/1002", "nordljus/404"]
    answers = orders.release(place.tenant.pk, keys, "anna@example.se")
    assert [(a.key, a.done) for a in answers] == [(keys[0], True), (keys[1], True), (keys[2], False)]
    orders.release(place.tenant.pk, keys[:2], "anna@example.se")
    place.go()
    assert [w for w in place.wms.written if w[0] == "release"] == [
        ("release", keys[0], "create"), ("release", keys[1], "create"),
    ]  # fmt: skip


def test_the_shops_own_status_releases(place: Warehouse) -> None:
    """O-04, the other way: 'Plockning' set in the shop."""
    place.place("A")
    place.go()
    place.shop.put(msgspec.structs.replace(place.order, status="Plockning"), place.shop_id)
    place.go()
    (release,) = place.wms.of("release")
    assert isinstance(release, Release)
    assert release.by == "Plockning"


def test_release_times_release_what_is_ready(place: Warehouse) -> None:
    """Q-16, O-04: at 07:00 and 13:00 in the channel's zone what is in stock goes to picking; what waits for stock does
    not, and no time counts twice."""
    flow = place.flow("release", "shop", "wms", options={"times": ["07:00", "13:00"]})
    for no in ("1001", "1002"):
        place.place("A", no=no)
    place.go()
    for no, fulfilment in (("1001", "ready"), ("1002", "waiting_stock")):
        bound = Binding.objects.get(connection=place.row("wms"), type="order", key=f"nordljus/{no}")
        place.wms.put(OrderStatus(order="", raw=fulfilment, fulfilment=fulfilment), f"s{no}", parent=bound.external_id)  # type: ignore[arg-type]
    place.go()
    before_seven = datetime(2026, 11, 3, 5, 59, tzinfo=UTC)  # 06:59 in Sweden
    assert orders.release_due(before_seven - timedelta(days=1)) == 0  # the clock begins to run
    assert orders.release_due(before_seven) == 1  # yesterday's 13:00
    place.deliver("wms", "release")
    assert [release.key for release in place.wms.of("release")] == ["nordljus/1001"]
    assert orders.release_due(before_seven + timedelta(minutes=2)) == 0
    assert flow.pk


def test_an_edit_in_the_warehouse_reaches_the_shop_and_is_no_echo(place: Warehouse) -> None:
    """O-05, O-07: edits flow both ways until picking; lines are told apart by their id."""
    place.place("A", "A")
    place.go()
    lines = tuple(EditLine(line_id=str(n), sku="A", quantity=Decimal(n + 1)) for n in range(2))
    place.wms.put(OrderEdit(order="", lines=lines), "edit", parent=place.at_wms())
    Step.objects.all().delete()  # the order went there long ago
    place.go()
    assert [w for w in place.shop.written if w[0] == "order_edit"] == [("order_edit", KEY, "create")]
    place.go()
    assert len([w for w in place.shop.written if w[0] == "order_edit"]) == 1


def test_what_the_warehouse_shows_while_our_own_edit_is_on_its_way_is_no_edit(place: Warehouse) -> None:
    """O-05: the shop steers; older lines in the warehouse never undo the shop's change."""
    place.place("A", "B")
    place.go()
    old = tuple(EditLine(line_id=str(n), sku=sku, quantity=Decimal(1)) for n, sku in enumerate(("A", "B")))
    place.wms.put(OrderEdit(order="", lines=old), "edit", parent=place.at_wms())
    changed = msgspec.structs.replace(
        order("1001", "A"), payment="authorised", payments=place.order.payments, status="Ändrad"
    )
    place.shop.put(changed, place.shop_id)
    place.read("shop", "orders")  # the edit is on its way, not there yet
    place.read("wms", "statuses")
    place.deliver("shop", "order_edit")
    assert [w for w in place.shop.written if w[0] == "order_edit"] == []


def test_an_edit_after_picking_began_is_refused_with_its_reason(place: Warehouse) -> None:
    """O-06: the order is locked; the edit is discarded visibly, and a person skips it with a reason."""
    place.place("A", "B")
    place.go()
    place.wms.item_error = lambda type_, want: Locked(where=want.key) if type_ == "order" else None
    place.shop.put(msgspec.structs.replace(order("1001", "A"), payments=place.order.payments), place.shop_id)
    place.go()
    row = Binding.objects.get(connection=place.row("wms"), type="order", key=KEY)
    assert row.state == "stopped"
    assert "being picked" in Problem.objects.get(closed_at=None).what
    assert orders.skip(place.tenant.pk, place.row("wms").pk, "order", KEY, "the buyer knows", "anna")
    assert not Problem.objects.filter(closed_at=None).exists()
    assert ("order", "skipped", "anna: the buyer knows") in place.steps()
    place.go()
    row.refresh_from_db()
    assert row.state == "idle"


def test_of_what_is_picked_only_the_status_travels(place: Warehouse) -> None:
    """O-24: pick list, delivery note and the carrier's own system are the warehouse's; we see status and parcel."""
    place.place("A")
    place.go()
    place.says(fulfilment="picking")
    place.go()
    assert place.told()[-1].fulfilment == "picking"
    assert [type_ for type_, _, _ in place.wms.written].count("order") == 1, "nothing is forwarded by us"
    place.sends("1")
    place.go()
    (parcel,) = place.shop.of("shipment")
    assert isinstance(parcel, Shipment)
    assert parcel.number == "1"


def test_sent_is_not_believed_before_it_is_paid(place: Warehouse) -> None:
    """J-13: a failed capture keeps 'sent' back and is a problem; paid, all goes on."""
    place.place("A")
    place.go()
    refused = Rejected("The authorisation has expired")
    place.psp.item_error = lambda type_, want: refused
    place.says(fulfilment="shipped")
    place.sends("1")
    place.go()
    assert [status.fulfilment for status in place.told()] == [""]
    assert not place.shop.of("shipment")
    assert "expired" in Problem.objects.get(closed_at=None).what
    place.psp.item_error = None
    from samklang.hub.delivery import retry

    retry(place.tenant.pk, place.row("psp").pk)
    place.go()
    (capture,) = place.psp.of("capture")
    assert isinstance(capture, Capture)
    assert (capture.amount, capture.payment_id, capture.final) == (Decimal(125), "k-1", True)
    assert place.told()[-1].fulfilment == "shipped"
    assert len(place.shop.of("shipment")) == 1
    assert not Problem.objects.filter(closed_at=None).exists()


def test_a_person_may_let_go_what_waits_for_its_money(place: Warehouse) -> None:
    place.place("A")
    place.go()
    place.psp.item_error = lambda type_, want: Rejected("no")
    place.says(fulfilment="shipped")
    place.sends("1")
    place.go()
    assert orders.let_go(place.tenant.pk, KEY, "anna") == 2
    place.go()
    assert place.told()[-1].fulfilment == "shipped"


def test_every_shipment_is_captured_once_however_often_it_is_heard_of(place: Warehouse) -> None:
    """J-13: double event → one capture. O-09: what is left stays open."""
    place.place("A", "B")
    place.go()
    place.says(fulfilment="partly_shipped")
    place.sends("1", "0")
    place.go()
    place.sends("1", "0")
    place.go()
    assert [c.amount for c in place.psp.of("capture") if isinstance(c, Capture)] == [Decimal(125)]
    place.sends("2", "1")
    place.says(fulfilment="shipped")
    place.go()
    assert [c.key for c in place.psp.of("capture")] == [f"{KEY}#1", f"{KEY}#2"]
    assert len([w for w in place.shop.written if w[0] == "shipment"]) == 2
    assert not place.psp.of("void")


def test_a_cancelled_order_lets_its_payment_go(place: Warehouse) -> None:
    """J-11: Makulerad."""
    place.place("A")
    place.go()
    place.shop.put(msgspec.structs.replace(place.order, lifecycle="cancelled"), place.shop_id)
    place.go()
    place.go()
    (void,) = place.psp.of("void")
    assert isinstance(void, Void)
    assert (void.amount, void.whole) == (Decimal(125), True)


def test_what_the_warehouse_never_sends_is_let_go_after_the_capture(place: Warehouse) -> None:
    """Void the rest: capture what was sent, let go what was not, in this order."""
    place.place("A", "B")
    place.go()
    place.sends("1", "0")
    rows = (
        LineStatus(line_id="0", sku="A", ordered=Decimal(1), shipped=Decimal(1)),
        LineStatus(line_id="1", sku="B", ordered=Decimal(1), cancelled=Decimal(1)),
    )
    place.says(fulfilment="shipped", lines=rows)
    place.go()
    assert [(type_, kind) for type_, _, kind in place.psp.written] == [("capture", "create"), ("void", "create")]
    (void,) = place.psp.of("void")
    assert isinstance(void, Void)
    assert (void.amount, void.whole) == (Decimal(125), False)


def test_goods_that_come_back_and_money_that_goes_back_are_apart(place: Warehouse) -> None:
    """O-17, Q-17: uncollected, regret and complaint; the warehouse registers each, and only what the merchant's rule
    names is paid back by itself."""
    place.place("A", "B")
    place.go()
    place.sends("1")
    place.says(fulfilment="shipped")
    place.go()
    for number, reason, line_id in (("R1", "uncollected", "0"), ("R2", "regret", "1")):
        back = Return(
            order="", number=number, reason=reason, state="received",  # type: ignore[arg-type]
            lines=(ReturnLine(sku="A", line_id=line_id, quantity=Decimal(1)),),
        )  # fmt: skip
        place.wms.put(back, number, parent=place.at_wms())
    place.go()
    place.go()
    assert len(place.shop.of("return")) == 2
    (refund,) = place.psp.of("refund")
    assert isinstance(refund, Refund)
    assert (refund.number, refund.amount, refund.reason) == ("R2", Decimal(125), "regret")


def test_an_order_on_hold_goes_nowhere_until_it_is_let_go(place: Warehouse) -> None:
    place.place("A")
    place.read("shop", "orders")
    orders.hold(place.tenant.pk, KEY, "looks like fraud", "anna")
    place.go()
    assert not place.wms.of("order")
    place.shop.put(msgspec.structs.replace(place.order, note="please hurry"), place.shop_id)
    place.go()
    assert not place.wms.of("order")
    assert not orders.release(place.tenant.pk, [KEY], "anna")[0].done
    orders.let_go(place.tenant.pk, KEY, "anna")
    place.go()
    assert len(place.wms.of("order")) == 1
    assert ("order", "held", "anna: looks like fraud") in place.steps()


def test_an_address_is_corrected_on_its_way_until_picking(place: Warehouse) -> None:
    place.place("A")
    place.go()
    right = Address(name="Anna Berg", lines=("Storgatan 2",), postcode="411 05", city="Göteborg", country="SE")
    orders.amend(place.tenant.pk, KEY, "anna", shipping=right)
    place.shop.put(
        msgspec.structs.replace(place.order, note="the shop's own address is still the old one"), place.shop_id
    )
    place.go()
    (there,) = place.wms.of("order")
    assert isinstance(there, Order)
    assert there.shipping == right
    assert there.note
    place.says(fulfilment="picking")
    place.go()
    with pytest.raises(Locked):
        orders.amend(place.tenant.pk, KEY, "anna", shipping=right)


def test_three_hundred_old_orders_mail_nobody(place: Warehouse) -> None:
    """O-22: at first activation old orders that the warehouse has sent change nothing in the shop: 0 mails, and the
    plan reports 300."""
    from samklang.hub.setup.plan import plan_flow

    flow = place.flow("order_status", "wms", "shop", since=datetime(2026, 11, 1, tzinfo=UTC))
    flow.enabled = False
    flow.save()
    for n in range(300):
        no = f"OLD{n}"
        key = f"nordljus/{no}"
        place.shop.put(order(no, "A", placed_at=datetime(2025, 5, 1, tzinfo=UTC)), f"old{n}")
        Binding.objects.create(
            tenant=place.tenant, connection=place.row("wms"), type="order", key=key, external_id=f"w{n}"
        )
        place.wms.put(OrderStatus(order="", raw="Skickad", fulfilment="shipped"), f"ws{n}", parent=f"w{n}")
    place.read("shop", "orders")
    from samklang.hub.models import Flow

    Flow.objects.filter(type="order").update(enabled=False)
    place.read("wms", "statuses")
    found = plan_flow(flow)
    assert (found.left_out, found.mails, found.change) == (300, 0, 0)
    from samklang.hub.setup.plan import switch_on

    assert switch_on(flow) == 0
    place.deliver("shop", "order_status")
    assert place.told() == []


def test_an_unmapped_shipping_method_stops_that_order_alone_before_the_warehouse(place: Warehouse) -> None:
    """O-12, RD-08: the carrier and service code are there, or the order stops visibly."""
    from tests.doubles.shelf import Shelf

    writes = {**Shelf.manifest.writes, "order": msgspec.structs.replace(Shelf.manifest.writes["order"], carrier=True)}
    from samklang.hub.links import forget_links

    Shelf.manifest, before = msgspec.structs.replace(Shelf.manifest, writes=writes), Shelf.manifest
    forget_links()
    try:
        place.flow("order", "shop", "wms", options={"carriers": {"MyPack": {"carrier": "PLAB", "service": "P19"}}})
        place.place("A", no="1", shipping_method="MyPack")
        place.place("A", no="2", shipping_method="Drönare")
        place.go()
        (there,) = place.wms.of("order")
        assert isinstance(there, Order)
        assert (there.order_no, there.carrier_code, there.service_code) == ("1", "PLAB", "P19")
        item = ProblemItem.objects.get()
        assert item.key == "nordljus/2"
        assert "Drönare" in item.message
    finally:
        Shelf.manifest = before
        forget_links()


def test_what_only_a_person_can_do_is_a_task(place: Warehouse) -> None:
    """O-16: a product that the warehouse's API cannot delete is kept, and listed to be removed by hand."""
    from samklang.connectors.contract import Done

    place.wms.item_error = lambda type_, want: Done(external_id=want.external_id, by_hand=f"Remove article {want.key}")
    place.shop.put(msgspec.structs.replace(product("A"), status="archived"), "p1")
    place.read("shop", "catalogue")
    place.deliver("wms", "product")
    problem = Problem.objects.get(closed_at=None)
    assert (problem.code, problem.what) == ("SYNC-406", "Remove article a")
    assert Binding.objects.get(connection=place.row("wms"), type="product", key="a").state == "idle"


def test_two_owners_of_the_stock_are_refused(place: Warehouse) -> None:
    """O-20, O-01: warehouse and ERP cannot both say what the shop has in stock."""
    place.flow("stock", "wms", "shop")
    with pytest.raises(Misconfigured, match="already"):
        place.flow("stock", "erp", "shop")


def test_a_capture_is_never_sent_again_by_hand(place: Warehouse) -> None:
    with pytest.raises(BadData, match="cannot be sent twice"):
        orders.resend(place.tenant.pk, place.row("psp").pk, "capture", f"{KEY}#1", "anna")


def test_an_order_that_a_system_lost_is_sent_again(place: Warehouse) -> None:
    place.place("A")
    place.go()
    assert orders.resend(place.tenant.pk, place.row("wms").pk, "order", KEY, "anna")
    place.go()
    assert [kind for type_, _, kind in place.wms.written if type_ == "order"] == ["create", "update"]
