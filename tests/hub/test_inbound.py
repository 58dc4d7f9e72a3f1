"""Goods on their way into a warehouse (O-14, O-15), and a till beside the shop (J-18)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from samklang.connectors.errors import Misconfigured
from samklang.hub import inbound
from samklang.records import Inbound, InboundLine, Receipt
from tests.hub.conftest import World, order, product, stock


def _wms(world: World) -> None:
    world.connection("wms")
    world.flow("product", "erp", "wms")
    for code, pieces in (("A", 5), ("B", 0), ("C", 7)):
        world.erp.put(product(code))
        world.erp.put(stock(code, pieces, "1"))
        world.erp.put(stock(code, pieces, "2"))
    world.flow("stock", "erp", "shop")
    world.flow("inbound", "erp", "wms")
    world.read("erp", "catalogue")
    world.deliver("wms", "product")


def test_the_first_list_announces_all_that_is_in_stock_once(world: World) -> None:
    """O-14: one command, idempotent."""
    _wms(world)
    made = inbound.announce_all(world.row("erp"), world.row("wms"))
    assert [(line.sku, line.expected) for line in made[0].lines] == [("A", 10), ("C", 14)]
    world.erp.put(stock("A", 50, "1"))
    world.read("erp", "catalogue")
    assert inbound.announce_all(world.row("erp"), world.row("wms")) == []
    world.deliver("wms", "inbound")
    world.deliver("wms", "inbound")
    assert [row.key for row in world.box("wms").of("inbound")] == ["START-wms-1"]


def test_what_came_otherwise_than_announced_is_listed(world: World) -> None:
    """O-15: expected and received, over and under."""
    _wms(world)
    inbound.announce_all(world.row("erp"), world.row("wms"))
    world.flow("receipt", "wms", "erp")
    world.box("wms").put(
        Receipt(
            inbound="START-wms-1", state="closed",
            lines=(
                InboundLine(sku="A", expected=Decimal(10), received=Decimal(9)),
                InboundLine(sku="C", expected=Decimal(14), received=Decimal(14)),
            ),
        )
    )  # fmt: skip
    world.read("wms", "receipts")
    (arrival,) = inbound.arrivals(world.tenant.pk)
    assert isinstance(arrival.inbound, Inbound)
    assert [(line.sku, line.received) for line in arrival.deviations] == [("A", 9)]
    world.deliver("erp", "receipt")
    assert len(world.erp.of("receipt")) == 1


def test_without_a_flow_nothing_is_announced(world: World) -> None:
    world.connection("wms")
    with pytest.raises(Misconfigured, match="No flow takes inbound goods"):
        inbound.announce_all(world.row("erp"), world.row("wms"))


def test_a_till_sells_out_of_the_shared_stock_and_the_erp_rules(world: World) -> None:
    """J-18: the sale counts the shared stock down in the ERP; the shop and the till hear of it."""
    from samklang.hub.flows import use_preset
    from samklang.hub.models import Channel, Flow

    world.connection("till")
    channel = Channel.objects.create(tenant=world.tenant, code="butik", connection=world.row("till"))
    use_preset("till", channel, world.row("erp"))
    Flow.objects.update(enabled=True)
    world.flow("stock", "erp", "shop")
    world.flow("product", "erp", "shop")
    world.flow("customer", "shop", "erp")
    world.erp.put(product("A"))
    world.erp.put(stock("A", 5), "s1")
    world.read("erp", "catalogue")
    for name in ("till", "shop"):
        world.deliver(name, "product")
        world.deliver(name, "stock")
    with pytest.raises(Misconfigured, match="already"):
        from samklang.hub.flows import set_flow

        set_flow(channel, "stock", world.row("till"), world.row("shop"))
    world.box("till").put(order("T1", "A", channel="butik"))
    world.read("till", "orders")
    assert len(Flow.objects.filter(type="order", source=world.row("till"))) == 1
    world.erp.put(stock("A", 4), "s1")  # the ERP has booked the sale
    world.read("erp", "catalogue")
    for name in ("till", "shop"):
        world.deliver(name, "stock")
        assert [level.on_hand for level in world.box(name).of("stock")] == [Decimal(4)]  # type: ignore[attr-defined]
