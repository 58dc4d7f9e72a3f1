"""Rules on the way, custom data, several shops on one ERP, and the other brakes."""

from __future__ import annotations

from typing import Any

import msgspec

from samklang.records import Customer, OrderStatus
from tests.doubles.shelf import boxes
from tests.hub.conftest import World, order, price, product


def _rules(world: World, name: str, direction: str, type_: str, *rules: dict[str, Any]) -> None:
    from samklang.hub.models import RuleSet

    row = {"shop": world.shop_row, "erp": world.erp_row}[name]
    RuleSet.objects.create(tenant=world.tenant, connection=row, direction=direction, type=type_, rules=list(rules))


def test_rules_in_change_what_is_stored_and_rules_out_what_one_target_gets(world: World) -> None:
    from samklang.hub.models import Stored
    from samklang.records import decode

    world.flow("product", "erp", "shop")
    _rules(world, "erp", "in", "product", {"then": {"do": "set", "field": "brand", "value": "Rörstrand"}})
    _rules(world, "shop", "out", "product", {"then": {"do": "set", "field": "name", "value": "{brand} {name}"}})
    world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    stored = decode("product", bytes(Stored.objects.get(type="product").body))
    assert (stored.name, stored.brand) == ("Kopp", "Rörstrand")  # type: ignore[attr-defined]
    world.deliver("shop", "product")
    assert [p.name for p in world.shop.of("product")] == ["Rörstrand Kopp"]  # type: ignore[attr-defined]


def test_a_rule_that_fails_a_record_is_a_problem_and_one_that_ignores_it_is_none(world: World) -> None:
    from samklang.hub.models import Problem

    world.flow("product", "erp", "shop")
    _rules(
        world, "erp", "in", "product",
        {"when": {"is": "starts_with", "field": "code", "value": "TEST"}, "then": {"do": "ignore"}},
        {"when": {"is": "empty", "field": "brand"}, "then": {"do": "fail", "message": "{code} has no brand"}},
    )  # fmt: skip
    world.erp.put(product("TEST-1"))
    world.erp.put(product("A-1"))
    world.erp.put(product("A-2", brand="Rörstrand"))
    run = world.read("erp", "catalogue")
    assert (run.created, run.skipped, run.failed) == (1, 1, 1)
    assert "A-1 has no brand" in Problem.objects.get(closed_at=None).what
    world.deliver("shop", "product")
    assert [p.code for p in world.shop.of("product")] == ["A-2"]  # type: ignore[attr-defined]


def test_a_changed_rule_sends_only_what_really_differs(world: World) -> None:
    from samklang.hub.models import Flow
    from samklang.hub.setup.plan import resend

    world.flow("product", "erp", "shop")
    for n in range(5):
        world.erp.put(product(f"A-{n}", brand="Rörstrand" if n == 2 else ""))
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    _rules(
        world, "shop", "out", "product",
        {
            "when": {"is": "not_empty", "field": "brand"},
            "then": {"do": "set", "field": "name", "value": "{brand} {name}"},
        },
    )  # fmt: skip
    world.shop.written.clear()
    assert resend(Flow.objects.get()) == 5
    report = world.deliver("shop", "product")
    assert (report.updated, report.skipped, len(world.shop.written)) == (1, 4, 1)


def test_custom_data_travels_by_a_rule_into_the_targets_own_fields(world: World) -> None:
    world.flow("product", "erp", "shop")
    _rules(
        world, "shop", "out", "product",
        {"then": {"do": "copy", "from": "custom.erp.shelf", "to": "custom.shop.place"}},
    )  # fmt: skip
    world.erp.put(product("A-1", custom={"erp": {"shelf": "B-12"}}))
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    (there,) = world.shop.of("product")
    assert there.custom["shop"] == {"place": "B-12"}


def test_two_shops_share_one_erp_and_orders_keep_their_channel(world: World) -> None:
    """J-07, J-08, P-08: orders are tagged with their channel, filtered and forwarded by it."""
    from samklang.hub import flows
    from samklang.hub.delivery import deliver
    from samklang.hub.intake import read
    from samklang.hub.models import Channel

    second = world.connection("b2b")
    channel = Channel.objects.create(tenant=world.tenant, code="b2b", connection=second)
    for place, source in ((world.channel, world.shop_row), (channel, second)):
        flows.set_flow(place, "customer", source, world.erp_row, enabled=True)
        when = {"is": "not_equals", "field": "payment_method", "value": "cash"} if place is channel else None
        flows.set_flow(place, "order", source, world.erp_row, enabled=True, when=when)
    published = {"is": "equals", "field": "attributes.b2b", "value": True}
    flows.set_flow(world.channel, "product", world.erp_row, world.shop_row, enabled=True)
    flows.set_flow(channel, "product", world.erp_row, second, enabled=True, when=published)

    world.erp.put(product("A-1"))
    world.erp.put(product("A-2", attributes={"b2b": True}))
    world.read("erp", "catalogue")
    for row in (world.shop_row, second):
        deliver(row, "product")
    assert len(world.shop.of("product")) == 2
    assert [p.code for p in boxes["b2b"].of("product")] == ["A-2"], "published per shop"  # type: ignore[attr-defined]

    world.shop.put(order("1001", "A-1"))
    boxes["b2b"].put(msgspec.structs.replace(order("1001", "A-1", email="bo@example.se"), channel="b2b"))
    cash = msgspec.structs.replace(order("1002", "A-1"), channel="b2b", payment_method="cash")
    boxes["b2b"].put(cash)
    for row in (world.shop_row, second):
        assert read(row, "orders") is not None
    deliver(world.erp_row, "customer")
    deliver(world.erp_row, "order")
    assert sorted(o.key for o in world.erp.of("order")) == ["b2b/1001", "nordljus/1001"], "same number, two orders"


def test_orders_go_only_at_the_shop_statuses_that_trigger_them(world: World) -> None:
    """J-10, Q-05: any set of the shop's statuses."""
    world.flow("customer", "shop", "erp")
    world.flow("order", "shop", "erp", options={"statuses": ["processing", "completed"]})
    world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    id_ = world.shop.put(order("1001", "A-1", status="pending"))
    world.read("shop", "orders")
    assert world.deliver("erp", "customer").considered == 0, "nor does its buyer go before"
    assert world.deliver("erp", "order").considered == 0
    world.shop.put(order("1001", "A-1", status="processing"), id_)
    world.read("shop", "orders")
    world.deliver("erp", "customer")
    assert world.deliver("erp", "order").created == 1


def test_mass_price_archive_and_status_changes_stop_at_their_brakes(world: World) -> None:
    from samklang.hub.models import Binding, Brake

    world.flow("product", "erp", "shop")
    world.flow("price", "erp", "shop", options={"brakes": {"price": [1000, 30, 10]}})
    world.flow("order_status", "erp", "shop", options={"brakes": {"status": [5, 0, 0]}})
    ids = {}
    for n in range(20):
        ids[n] = world.erp.put(product(f"A-{n}")), world.erp.put(price(f"A-{n}", "100"))
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.deliver("shop", "price")
    for n in range(20):
        world.erp.put(product(f"A-{n}", status="archived" if n < 10 else "active"), ids[n][0])
        world.erp.put(price(f"A-{n}", "80" if n < 15 else "100"), ids[n][1])
    for n in range(8):
        Binding.objects.create(
            tenant=world.tenant, connection=world.erp_row, type="order", key=f"nordljus/{n}", external_id=f"o{n}"
        )
        Binding.objects.create(
            tenant=world.tenant, connection=world.shop_row, type="order", key=f"nordljus/{n}", external_id=f"o{n}"
        )
        world.erp.put(OrderStatus(order="", fulfilment="shipped"), parent=f"o{n}")
    world.read("erp", "catalogue")
    world.read("erp", "statuses")
    for type_ in ("product", "price", "order_status"):
        world.deliver("shop", type_)
    brakes = {(b.type, b.risk): (b.count, b.of) for b in Brake.objects.filter(released_at=None)}
    assert brakes == {("product", "delete"): (10, 20), ("price", "price"): (15, 20), ("order_status", "status"): (8, 8)}
    assert {p.status for p in world.shop.of("product")} == {"active"}  # type: ignore[attr-defined]
    assert {str(p.amount) for p in world.shop.of("price")} == {"100"}  # type: ignore[attr-defined]
    assert world.shop.of("order_status") == []


def test_many_small_reads_do_not_carry_a_mass_change_past_the_brake(world: World) -> None:
    from samklang.hub.models import Brake

    world.flow("product", "erp", "shop")
    world.flow("price", "erp", "shop")
    ids = {}
    for n in range(40):
        world.erp.put(product(f"A-{n}"))
        ids[n] = world.erp.put(price(f"A-{n}", "100"))
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.deliver("shop", "price")
    for n in range(40):
        world.erp.put(price(f"A-{n}", "1"), ids[n])
        world.read("erp", "catalogue")
        world.deliver("shop", "price")
    cheap = [p for p in world.shop.of("price") if p.amount == 1]  # type: ignore[attr-defined]
    assert len(cheap) == 12, "30 % of 40"
    assert Brake.objects.filter(released_at=None, risk="price").count() == 1


def test_the_order_of_match_keys_is_the_flows_choice(world: World) -> None:
    from samklang.hub.models import Binding

    world.flow("customer", "shop", "erp", options={"match": ["email"]})
    world.erp.put(Customer(name="Bo AB", org_no="5560360793", email="other@example.se"))
    by_mail = world.erp.put(Customer(name="Bo AB", email="bo@example.se"))
    world.shop.put(Customer(name="Bo AB", org_no="5560360793", email="bo@example.se"))
    world.read("shop", "customers")
    world.deliver("erp", "customer")
    assert Binding.objects.get(connection=world.erp_row, type="customer").external_id == by_mail


def test_a_flow_that_is_switched_off_and_on_again_sends_what_it_missed(world: World) -> None:
    from samklang.hub.setup.plan import switch_on

    flow = world.flow("product", "erp", "shop")
    world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    flow.enabled = False
    flow.save()
    assert world.deliver("shop", "product").skipped == 1
    assert world.shop.of("product") == []
    assert switch_on(flow) == 1
    assert world.deliver("shop", "product").created == 1
