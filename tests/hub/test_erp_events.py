"""What an ERP's word on an order causes at the shop and at the payment provider."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from samklang.connectors.errors import Misconfigured
from samklang.hub.setup.plan import plan_flow
from samklang.records import Document, OrderStatus, PaymentTransaction
from tests.doubles.shelf import Shelf
from tests.hub.conftest import World, order, product

KEY = "nordljus/1001"


def _world(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A shop whose orders go to an ERP that knows no shipments, and Klarna."""
    feeds = tuple(
        msgspec.structs.replace(feed, types=tuple(t for t in feed.types if t != "shipment"))
        for feed in Shelf.manifest.feeds
    )
    monkeypatch.setattr(Shelf, "manifest", msgspec.structs.replace(Shelf.manifest, feeds=feeds))
    monkeypatch.setattr("samklang.hub.derive.manifest", lambda name: Shelf.manifest)
    world.connection("klarna")
    for type_ in ("product", "customer", "order"):
        world.flow(type_, "shop", "erp")
    words = {"received": "Mottagen", "shipped": "levererad", "invoiced": "fakturerad", "paid": "betald"}
    world.flow("order_status", "erp", "shop", options={"status_map": {**words, "cancelled": "makulerad"}})
    world.flow("capture", "erp", "klarna", options={"methods": ["klarna"]})
    world.flow("void", "erp", "klarna")
    world.shop.put(product("A"))
    made = order("1001", "A")
    auth = PaymentTransaction(
        kind="authorise", provider="klarna", amount=made.gross, at=datetime(2026, 11, 1, tzinfo=UTC), provider_id="k-1"
    )
    world.shop.put(msgspec.structs.replace(made, payment="authorised", payments=(auth,)), "o1")
    for feed in ("catalogue", "orders"):
        world.read("shop", feed)
    for type_ in ("product", "customer", "order"):
        world.deliver("erp", type_)
    from samklang.hub.models import Binding

    return Binding.objects.get(connection=world.row("erp"), type="order", key=KEY).external_id


def _says(world: World, parent: str, **axes: Any) -> None:
    world.erp.put(OrderStatus(order="", raw=str(axes), **axes), "st", parent=parent)
    world.read("erp", "statuses")
    for name, type_ in (("klarna", "capture"), ("klarna", "void"), ("shop", "order_status")):
        world.deliver(name, type_)


def test_delivered_captures_and_each_event_reaches_the_shop(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """J-11, J-13, P-04, P-05, P-06, Q-08, Q-14: Levererad captures at Klarna and then tells the shop; so Fakturerad."""
    parent = _world(world, monkeypatch)
    world.deliver("shop", "order_status")
    assert [status.words()[0] for status in world.shop.of("order_status")] == ["received"]  # type: ignore[attr-defined]
    _says(world, parent, lifecycle="confirmed", fulfilment="shipped")
    assert [c.key for c in world.box("klarna").of("capture")] == [f"{KEY}#all"]
    assert [status.words()[0] for status in world.shop.of("order_status")] == ["shipped"]  # type: ignore[attr-defined]
    booked = (Document(kind="invoice", number="77", state="booked"),)
    _says(world, parent, lifecycle="confirmed", fulfilment="shipped", documents=booked)
    assert "invoiced" in world.shop.of("order_status")[0].words()  # type: ignore[attr-defined]
    assert len(world.box("klarna").of("capture")) == 1


def test_cancelled_in_the_erp_lets_the_payment_go(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """J-11, P-06: Makulerad."""
    parent = _world(world, monkeypatch)
    _says(world, parent, lifecycle="cancelled")
    assert len(world.box("klarna").of("void")) == 1
    assert not world.box("klarna").of("capture")
    assert world.shop.of("order_status")[0].words()[0] == "cancelled"  # type: ignore[attr-defined]


def test_each_channel_has_its_result_unit_in_the_erp(world: World) -> None:
    """Q-15, P-08, X-07: several shops to one ERP, each with a dimension of its own."""
    world.channel.dimension = "BUTIK1"
    world.channel.save()
    seen: list[Any] = []
    world.erp.before_write = lambda type_, wants: seen.extend(want.options.get("dimension") for want in wants)
    world.flow("customer", "shop", "erp")
    world.flow("product", "shop", "erp")
    world.flow("order", "shop", "erp")
    world.shop.put(product("A"))
    world.shop.put(order("1", "A"))
    for feed in ("catalogue", "orders"):
        world.read("shop", feed)
    for type_ in ("product", "customer", "order"):
        world.deliver("erp", type_)
    assert seen[-1] == "BUTIK1"


def test_orders_that_reach_the_warehouse_through_the_erp_are_pointed_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """O-02: then the shop's automation is lost."""
    world.connection("wms")
    world.flow("order", "shop", "erp")
    from samklang.hub.models import Flow, Master

    Master.objects.filter(type="order").update(connection=world.row("erp"))
    flow = Flow.objects.create(
        tenant=world.tenant, channel=world.channel, type="order", source=world.row("erp"), target=world.row("wms")
    )
    wms = msgspec.structs.replace(Shelf.manifest, kind="wms")
    monkeypatch.setattr("samklang.hub.setup.plan.manifest", lambda name: wms)
    assert "approved there by hand" in plan_flow(flow).note


def test_a_shop_without_price_lists_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """P-09, RD-17: not every shop supports several price lists."""
    assert "price_list" not in Shelf.manifest.writes
    with pytest.raises(Misconfigured, match="cannot be"):
        world.flow("price_list", "erp", "shop")
