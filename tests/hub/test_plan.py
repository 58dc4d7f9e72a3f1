"""The plan shows consequences in numbers and applying it sends only differences; the configuration file and history."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from samklang.connectors.errors import Misconfigured
from samklang.records import Axis, OrderStatus, Variant
from tests.hub.conftest import World, order, price, product, stock


def _off(world: World, type_: str, source: str, target: str, **more: object) -> object:
    flow = world.flow(type_, source, target, **more)
    flow.enabled = False
    flow.save()
    return flow


def test_a_plan_counts_and_sends_nothing(world: World) -> None:
    from samklang.hub.setup.plan import plan_flow, switch_on

    flow = _off(world, "product", "erp", "shop")
    for n in range(10):
        world.erp.put(product(f"A-{n}"))
    for n in range(4):
        world.shop.put(product(f"A-{n}"))
    world.shop.put(product("a-4 ", "Mugg"))
    world.shop.put(product("ONLY-SHOP"))
    plan = plan_flow(flow)  # type: ignore[arg-type]
    assert (plan.create, plan.change, plan.same, plan.only_in_target) == (5, 1, 4, 1)
    assert plan.fields == {"name": 1}
    assert [(s.key, s.fields) for s in plan.samples if s.action == "change"] == [("a-4", {"name": ("Mugg", "Kopp")})]
    assert world.shop.written == []

    switch_on(flow)  # type: ignore[arg-type]
    report = world.deliver("shop", "product")
    assert (report.created, report.updated) == (5, 1)
    assert sorted({p.name for p in world.shop.of("product")}) == ["Kopp"]
    again = plan_flow(flow)  # type: ignore[arg-type]
    assert (again.create, again.change, again.same) == (0, 0, 10)


def test_articles_are_compared_sku_by_sku_however_they_are_grouped(world: World) -> None:
    from samklang.hub.setup.plan import plan_flow

    flow = _off(world, "product", "shop", "erp")
    variants = tuple(Variant(sku=f"T-{size}", options={"size": size}) for size in "SML")
    world.shop.put(product("T", "Tröja", variants=variants, axes=(Axis("size", "Storlek"),)))
    for size in "SM":
        world.erp.put(product(f"T-{size}", "Tröja"))
    plan = plan_flow(flow)  # type: ignore[arg-type]
    assert (plan.create, plan.change) == (0, 1)
    assert plan.samples[0].fields["variants"] == ("", "+ t-l")


def test_stock_and_price_are_planned_too(world: World) -> None:
    from samklang.hub.setup.plan import plan_flow

    for side, pieces, amount in (("erp", 5, "100"), ("shop", 0, "100")):
        box = getattr(world, side)
        box.put(product("A-1"))
        box.put(stock("A-1", pieces))
        box.put(price("A-1", amount))
    stock_plan = plan_flow(_off(world, "stock", "erp", "shop"))  # type: ignore[arg-type]
    assert (stock_plan.change, stock_plan.fields) == (1, {"available": 1})
    price_plan = plan_flow(_off(world, "price", "erp", "shop"))  # type: ignore[arg-type]
    assert (price_plan.same, price_plan.change) == (1, 0)


def test_orders_before_the_cut_over_date_are_left_out_and_mails_are_counted(world: World) -> None:
    from samklang.hub.models import Binding
    from samklang.hub.setup.plan import plan_flow

    orders = _off(world, "order", "shop", "erp", since=datetime(2026, 11, 1, tzinfo=UTC))
    world.shop.put(order("1", "A-1", placed_at=datetime(2026, 10, 1, tzinfo=UTC)))
    world.shop.put(order("2", "A-1", placed_at=datetime(2026, 11, 2, tzinfo=UTC)))
    plan = plan_flow(orders)  # type: ignore[arg-type]
    assert (plan.create, plan.left_out) == (1, 1)

    statuses = _off(world, "order_status", "erp", "shop")
    for n in range(3):
        Binding.objects.create(
            tenant=world.tenant, connection=world.erp_row, type="order", key=f"nordljus/{n}", external_id=f"o{n}"
        )
        state = "shipped" if n else "picking"
        world.erp.put(OrderStatus(order="", raw=state, fulfilment=state), parent=f"o{n}")  # type: ignore[arg-type]
    plan = plan_flow(statuses)  # type: ignore[arg-type]
    assert plan.mails == 2


def test_the_configuration_goes_to_a_file_and_back(world: World) -> None:
    from samklang.hub.models import ConfigVersion, Flow
    from samklang.hub.setup import config

    text = """
    [tenant]
    slug = "nordljus"
    name = "Nordljus Handel AB"
    [connections.shop]
    connector = "shelf"
    settings = { box = "shop" }
    [connections.erp]
    connector = "shelf"
    settings = { box = "erp" }
    [channels.nordljus]
    connection = "shop"
    [[presets]]
    channel = "nordljus"
    use = "erp rules"
    erp = "erp"
    [[flows]]
    channel = "nordljus"
    type = "stock"
    from = "erp"
    to = "shop"
    options = { warehouses = ["BOR"], buffer = 1 }
    when = { is = "not_empty", field = "sku" }
    [[rules]]
    connection = "shop"
    direction = "out"
    type = "product"
    rules = [{ then = { do = "strip_html", field = "description" } }]
    """
    new = config.parse(text)
    assert [change.what for change in config.compare(None, new)].count("add") == 3 + 6 + 1
    config.apply(new, "anna", "first")
    assert Flow.objects.filter(enabled=True).count() == 6
    again = config.parse(config.dump(config.current(world.tenant)))
    assert config.compare(config.current(world.tenant), again) == []
    version = ConfigVersion.objects.get(number=1)
    assert config.compare(config.parse(version.text), again) == []

    del again.flows[0]
    config.apply(again, "anna", "less")
    assert [(c.what, c.kind) for c in config.compare(again, config.parse(version.text))] == [("add", "flow")]
    assert ConfigVersion.objects.count() == 2


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ("[tenant]\nslug='a'\n", "missing required field `name`"),
        ("[tenant]\nslug='a'\nname='A'\n[connections.x]\nconnector='nope'\n", "no connector 'nope'"),
        (
            "[tenant]\nslug='a'\nname='A'\n[connections.x]\nconnector='shelf'\nsettings={colour='red'}\n",
            "colour of connection x is no setting",
        ),
        ("[tenant]\nslug='a'\nname='A'\n[channels.c]\nconnection='x'\n", "no connection (channel c) 'x'"),
    ],
    ids=["missing field", "unknown connector", "unknown setting", "unknown connection"],
)
def test_a_broken_file_is_refused_with_its_place(world: World, broken: str, words: str) -> None:
    from samklang.hub.setup import config

    with pytest.raises(Misconfigured) as error:
        config.parse(broken)
    assert words in error.value.what


def test_a_change_that_breaks_the_matrix_changes_nothing(world: World) -> None:
    from samklang.hub.models import Flow
    from samklang.hub.setup import config

    world.flow("product", "erp", "shop")
    new = config.current(world.tenant)
    new.flows.append(config.FlowPart(channel="nordljus", type="price", source="erp", target="shop"))
    new.flows.append(config.FlowPart(channel="nordljus", type="product", source="shop", target="erp"))
    with pytest.raises(Misconfigured, match="already master"):
        config.apply(new, "anna")
    assert Flow.objects.count() == 1
