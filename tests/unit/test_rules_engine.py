"""A chain at work: every action and condition on real records, failures, rows, plugins, preview."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samklang.records import (
    Address,
    Axis,
    Customer,
    Order,
    OrderLine,
    Price,
    Product,
    Record,
    Shipment,
    StockLevel,
    Variant,
)
from samklang.records.order import ShipmentLine
from samklang.rules import Context, Ignored, Plugins, RuleFailed, apply, changes, compile, describe, load, preview
from samklang.rules.hookspecs import hookimpl
from samklang.rules.load import CONDITIONS

CONTEXT = Context(connection="shop", direction="in", now=datetime(2026, 4, 1, 8, tzinfo=UTC), today=date(2026, 4, 1))
PRODUCT = Product(
    code="P-1",
    name="Shirt (NEW)",
    brand="Acme",
    description="<p>Fine&nbsp;&amp; soft</p><script>alert(1)</script><ul><li>Red</li><li>1 &lt; 2</li></ul>",
    axes=(Axis("size", "Size"),),
    variants=(
        Variant(sku="P-1-S", options={"size": "S"}, weight_g=200, cost=Decimal("10")),
        Variant(sku="P-1-M", options={"size": "M"}, weight_g=25000),
    ),
    attributes={"color": "Red", "size": "M", "dust": "x", "pieces": "4"},
    categories=("Outlet", "Shirts"),
)
STOCK = StockLevel(sku="A", on_hand=Decimal(5), reserved=Decimal(3))
PRICE = Price(sku="P-1-S", currency="SEK", amount=Decimal("199.90"), tax_included=True, valid_to=date(2026, 3, 31))


def _line(number: int, sku: str, **fields: Any) -> OrderLine:
    one = Decimal(1)
    return OrderLine(
        line_id=str(number), sku=sku, quantity=one, unit_price=one, net=one, tax=Decimal(0), gross=one,
        tax_percent=Decimal(0), **fields,
    )  # fmt: skip


ORDER = Order(
    channel="shop",
    order_no="1001",
    placed_at=datetime(2026, 3, 31, 23, 30, tzinfo=UTC),
    currency="SEK",
    customer=Customer(name="Åsa"),
    lines=(_line(1, "ABC", name="Mug"), _line(2, "SERVICE", name="Wrapping", kind="service")),
    net=Decimal(2),
    tax=Decimal(0),
    gross=Decimal(2),
    prices_include_tax=True,
    billing=Address(name="Åsa", city="Luleå", country="SE"),
    shipping_method=" home Delivery",
    note="Ring twice",
    custom={"shop": {"delivery_note": "Door 3", "parts": [{"n": 1}], "note.1": "dotted"}},
)


def run(record: Record, then: dict[str, Any], **rule: Any) -> Any:
    return apply(load([{"then": then, **rule}], record.type), record, CONTEXT)


def holds(record: Record, condition: dict[str, Any]) -> bool:
    return isinstance(run(record, {"do": "ignore"}, when=condition), Ignored)


@pytest.mark.parametrize(
    ("record", "condition", "expected"),
    [
        (PRODUCT, {"is": "equals", "field": "brand", "value": "Acme"}, True),
        (PRODUCT, {"is": "equals", "field": "brand", "value": "ACME"}, False),
        (PRODUCT, {"is": "equals", "field": "brand", "value": "ACME", "ignore_case": True}, True),
        (PRODUCT, {"is": "equals", "field": "variants[].weight_g", "value": "200.0"}, True),
        (PRODUCT, {"is": "equals", "field": "variants[].sku", "value": "P-1-M"}, True),
        (PRODUCT, {"is": "equals", "field": "attributes.missing", "value": ""}, False),
        (PRODUCT, {"is": "equals", "field": "variants[].track_stock", "value": True}, True),
        (PRODUCT, {"is": "not_equals", "field": "variants[].sku", "value": "P-1-M"}, False),
        (PRODUCT, {"is": "not_equals", "field": "attributes.missing", "value": "x"}, True),
        (PRODUCT, {"is": "in", "field": "brand", "values": ["Ajax", "Acme"]}, True),
        (PRODUCT, {"is": "in", "field": "brand", "values": []}, False),
        (PRODUCT, {"is": "contains", "field": "categories", "value": "utle"}, True),
        (PRODUCT, {"is": "contains", "field": "name", "value": "new"}, False),
        (PRODUCT, {"is": "contains", "field": "name", "value": "new", "ignore_case": True}, True),
        (PRODUCT, {"is": "starts_with", "field": "name", "value": "Shirt"}, True),
        (PRODUCT, {"is": "starts_with", "field": "name", "value": "hirt"}, False),
        (PRODUCT, {"is": "matches", "field": "code", "value": r"^P-\d$"}, True),
        (PRODUCT, {"is": "matches", "field": "code", "value": r"^\d"}, False),
        (PRODUCT, {"is": "greater", "field": "variants[].weight_g", "value": 24999}, True),
        (PRODUCT, {"is": "greater", "field": "variants[].weight_g", "value": 25000}, False),
        (PRODUCT, {"is": "greater", "field": "variants[].cost", "value": "9.99"}, True),
        (PRODUCT, {"is": "less", "field": "variants[].cost", "value": "9.99"}, False),
        (PRODUCT, {"is": "greater", "field": "attributes.pieces", "value": "3.5"}, True),
        (PRODUCT, {"is": "greater", "field": "attributes.color", "value": 0}, False),
        (PRODUCT, {"is": "less", "field": "attributes.color", "value": 0}, False),
        (PRICE, {"is": "less", "field": "valid_to", "value": "today"}, True),
        (PRICE, {"is": "equals", "field": "valid_to", "value": "2026-03-31"}, True),
        (PRICE, {"is": "less", "field": "valid_from", "value": "today"}, False),
        (PRICE, {"is": "greater", "field": "amount", "value": "199.9"}, False),
        (PRICE, {"is": "equals", "field": "amount", "value": "199.900"}, True),
        (ORDER, {"is": "less", "field": "placed_at", "value": "2026-04-01"}, True),
        (ORDER, {"is": "greater", "field": "placed_at", "value": "2026-04-01T01:00:00+02:00"}, True),
        (ORDER, {"is": "equals", "field": "key", "value": "shop/1001"}, True),
        (ORDER, {"is": "equals", "field": "custom.shop.parts[].n", "value": 1}, True),
        (ORDER, {"is": "equals", "field": 'custom.shop."note.1"', "value": "dotted"}, True),
        (ORDER, {"is": "equals", "field": "lines[sku=abc].name", "value": "Mug"}, True),
        (ORDER, {"is": "empty", "field": "shipping"}, True),
        (ORDER, {"is": "empty", "field": "billing"}, False),
        (ORDER, {"is": "empty", "field": "charges"}, True),
        (ORDER, {"is": "not_empty", "field": "lines"}, True),
        (ORDER, {"is": "empty", "field": "custom.other.x"}, True),
        (ORDER, {"is": "all", "of": []}, True),
        (ORDER, {"is": "any", "of": []}, False),
        (STOCK, {"is": "less", "field": "available", "value": 3}, True),
    ],
)  # fmt: skip
def test_conditions(record: Record, condition: dict[str, Any], expected: bool) -> None:
    assert holds(record, condition) is expected
    assert holds(record, {"is": "not", "of": condition}) is not expected
    assert holds(record, {"is": "all", "of": [condition, condition]}) is expected
    assert holds(record, {"is": "any", "of": [{"is": "any", "of": []}, condition]}) is expected
    assert set(CONDITIONS) >= {condition["is"]}


def test_set_fills_templates_and_converts_to_the_fields_type() -> None:
    note = {"do": "set", "field": "note", "value": "{order_no}/{billing.city} {{x}} {today} {connection}"}
    assert run(ORDER, note).note == "1001/Luleå {x} 2026-04-01 shop"
    assert run(ORDER, {"do": "set", "field": "paid", "value": "{gross}"}).paid == Decimal(2)
    assert (
        run(PRODUCT, {"do": "set", "field": "variants[].weight_g", "value": "{attributes.pieces}"}).variants[0].weight_g
        == 4
    )
    assert run(PRODUCT, {"do": "set", "field": "variants[sku=p-1-s].gtin", "value": ["1"]}).variants[0].gtin == ("1",)
    assert run(ORDER, {"do": "set", "field": "custom.erp.deep.er", "value": "{lines[].sku}"}).custom["erp"] == {
        "deep": {"er": "ABC, SERVICE"}
    }
    customer = run(Customer(name="Åsa"), {"do": "set", "field": "shipping.city", "value": "Umeå"})
    assert customer.shipping == Address(city="Umeå")


def test_what_is_not_on_the_path_is_shared_and_no_change_gives_the_same_record() -> None:
    changed = run(PRODUCT, {"do": "set", "field": "variants[1].unit", "value": "SET"})
    assert changed.variants[0] is PRODUCT.variants[0]
    assert changed.attributes is PRODUCT.attributes
    assert PRODUCT.variants[1].unit == "C62", "the old record stays"
    for then in (
        {"do": "set", "field": "brand", "value": "Acme"},
        {"do": "set", "field": "variants[sku=none].unit", "value": "SET"},
        {"do": "clear", "field": "attributes.missing"},
        {"do": "copy", "from": "attributes.missing", "to": "name"},
        {"do": "replace", "field": "name", "find": "zzz", "with": "y"},
        {"do": "filter", "rows": "variants", "keep": {"is": "all", "of": []}},
    ):
        assert run(PRODUCT, then) is PRODUCT, then


def test_clear_and_copy() -> None:
    assert "dust" not in run(PRODUCT, {"do": "clear", "field": "attributes.dust"}).attributes
    assert run(PRODUCT, {"do": "clear", "field": "categories"}).categories == ()
    assert run(PRODUCT, {"do": "clear", "field": "variants[].cost"}).variants[0].cost is None
    copied = run(ORDER, {"do": "copy", "from": "billing", "to": "shipping"})
    assert copied.shipping == ORDER.billing
    assert run(PRODUCT, {"do": "copy", "from": "variants[].sku", "to": "brand"}).brand == "P-1-S, P-1-M"
    assert run(PRODUCT, {"do": "copy", "from": "variants[0].weight_g", "to": "attributes.g"}).attributes["g"] == 200
    assert run(PRODUCT, {"do": "copy", "from": "variants[0].cost", "to": "attributes.c"}).attributes["c"] == "10"


def test_replace() -> None:
    assert run(PRODUCT, {"do": "replace", "field": "name", "find": " (new)", "ignore_case": True}).name == "Shirt"
    back = {"do": "replace", "field": "name", "find": "shirt", "with": r"\1", "ignore_case": True}
    assert run(PRODUCT, back).name == r"\1 (NEW)", "only a regular expression has groups"
    groups = {"do": "replace", "field": "variants[].sku", "find": r"^P-(\d)-(.)$", "with": r"\2\1", "regex": True}
    assert [variant.sku for variant in run(PRODUCT, groups).variants] == ["S1", "M1"]


def test_rows() -> None:
    goods = {"do": "filter", "rows": "lines", "keep": {"is": "equals", "field": "kind", "value": "goods"}}
    assert [line.sku for line in run(ORDER, goods).lines] == ["ABC"]
    values = {"line_id": "n", "name": "{note}", "kind": "free_text", "quantity": "1"} | dict.fromkeys(
        ("unit_price", "net", "tax", "gross", "tax_percent"), "0"
    )
    longer = run(ORDER, {"do": "add_row", "rows": "lines", "values": values})
    assert longer.lines[:2] == ORDER.lines
    assert (longer.lines[2].name, longer.lines[2].net) == ("Ring twice", Decimal(0))
    named = run(ORDER, {"do": "set", "field": "name", "value": "{name} ({sku})"}, each="lines[kind=goods]")
    assert [line.name for line in named.lines] == ["Mug (ABC)", "Wrapping"]
    heavy = {"is": "greater", "field": "weight_g", "value": 20000}
    denied = run(PRODUCT, {"do": "set", "field": "status", "value": "archived"}, each="variants[]", when=heavy)
    assert [variant.status for variant in denied.variants] == ["active", "archived"]


def test_map() -> None:
    table = {"M": "Medium"}
    assert run(PRODUCT, {"do": "map", "field": "attributes.size", "table": table}).attributes["size"] == "Medium"
    assert run(PRODUCT, {"do": "map", "field": "brand", "table": {"acme": "A"}, "ignore_case": True}).brand == "A"
    assert run(PRODUCT, {"do": "map", "field": "brand", "table": table}) is PRODUCT
    rest = {"do": "map", "field": "brand", "table": table, "otherwise": "default", "default": "Other"}
    assert run(PRODUCT, rest).brand == "Other"
    with pytest.raises(RuleFailed, match=r"Rule 1 stopped product p-1: brand: “Acme” is not in the table \(M\)"):
        run(PRODUCT, rest | {"otherwise": "fail"})


def test_strip_html() -> None:
    plain = run(PRODUCT, {"do": "strip_html", "field": "description"}).description
    assert plain == "Fine & soft\nRed\n1 < 2"
    html = run(PRODUCT, {"do": "strip_html", "field": "description", "keep": ["li"]}).description
    assert "<li>Red</li>" in html
    assert "<p>" not in html
    assert "alert" not in html


def test_merge() -> None:
    merge = {"do": "merge", "fields": ["brand", "name", "attributes.color", "attributes.missing"], "into": "name"}
    merged = run(PRODUCT, merge)
    assert merged.name == "Acme Shirt (NEW) Red"
    assert run(merged, merge).name == "Acme Shirt (NEW) Red", "not twice, also when the brand stands in the name"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"percent": "-12.5"}, "174.9125"),
        ({"percent": "10", "add": "5"}, "224.89"),
        ({"percent": "10", "round_to": "1"}, "220"),
        ({"percent": "10", "round_to": "1", "rounding": "down"}, "219"),
        ({"round_to": "10", "rounding": "up", "add_after": "-0.05"}, "199.95"),
        ({"round_to": "0.05", "add": "0.02"}, "199.9"),
        ({"percent": "-100"}, "0"),
    ],
)
def test_adjust_price(change: dict[str, str], expected: str) -> None:
    assert run(PRICE, {"do": "adjust_price", **change}).amount == Decimal(expected)


@given(
    st.decimals(0, 10**6, places=2),
    st.sampled_from(["0.01", "0.05", "0.5", "1", "25"]),
    st.sampled_from(["half_up", "up", "down"]),
)
def test_rounding_gives_a_near_multiple(amount: Decimal, to: str, rounding: str) -> None:
    price = msgspec.structs.replace(PRICE, amount=amount)
    rounded = run(price, {"do": "adjust_price", "round_to": to, "rounding": rounding}).amount
    assert rounded % Decimal(to) == 0
    assert abs(rounded - amount) < Decimal(to)
    assert rounding != "up" or rounded >= amount
    assert rounding != "down" or rounded <= amount


def test_prices_below_zero_and_impossible_ones_stop() -> None:
    with pytest.raises(RuleFailed, match="is negative") as caught:
        run(PRICE, {"do": "adjust_price", "add": "-1000"})
    assert caught.value.do_this == "Set a price of 0 or more."
    for absurd in ({"percent": "1e30"}, {"round_to": "1e-30"}):
        with pytest.raises(RuleFailed, match="possible amount"):
            run(PRICE, {"do": "adjust_price", **absurd})
    missing = run(PRODUCT, {"do": "adjust_price", "field": "variants[].cost", "add": "1"})
    assert [variant.cost for variant in missing.variants] == [Decimal(11), None]


def test_replace_sku_everywhere() -> None:
    table = {"p-1": "X", "P-1-S ": "X-S", "ABC": "X-S"}
    then = {"do": "replace_sku", "table": table}
    product = run(PRODUCT, then)
    assert (product.code, [variant.sku for variant in product.variants]) == ("X", ["X-S", "P-1-M"])
    assert run(PRICE, then).sku == "X-S"
    assert run(ORDER, then).lines[0].sku == "X-S"
    shipment = Shipment(order="shop/1001", number="1", lines=(ShipmentLine(quantity=Decimal(1), sku="abc"),))
    assert run(shipment, then).lines[0].sku == "X-S"
    with pytest.raises(RuleFailed, match=r"variants\[\]\.sku: “P-1-M” is not in"):
        run(PRODUCT, then | {"otherwise": "fail"})


def test_addresses_and_carriers() -> None:
    then = {"do": "set_address", "address": "billing", "values": {"city": "Umeå", "lines": ["c/o {note}"]}}
    kept = run(ORDER, then).billing
    assert (kept.name, kept.city, kept.lines) == ("Åsa", "Umeå", ("c/o Ring twice",))
    assert run(ORDER, then | {"others": "clear"}).billing == Address(city="Umeå", lines=("c/o Ring twice",))
    with pytest.raises(RuleFailed, match="country code") as caught:
        run(ORDER, then | {"values": {"country": "{billing.city}"}})
    assert caught.value.do_this == "Use two letters: SE."

    table = {"Home delivery": {"carrier": "POSTNORD", "service": "17"}}
    order = run(ORDER, {"do": "map_carrier", "table": table})
    assert (order.carrier_code, order.service_code) == ("POSTNORD", "17")
    with pytest.raises(RuleFailed, match="no carrier") as caught:
        run(ORDER, {"do": "map_carrier", "table": {}})
    assert (caught.value.field, caught.value.rule) == ("shipping_method", 1)
    assert run(ORDER, {"do": "map_carrier", "table": {}, "otherwise": "keep"}) is ORDER


def test_order_of_rules_types_and_switches() -> None:
    rules = load(
        [
            {"then": {"do": "set", "field": "brand", "value": "One"}},
            {"then": {"do": "set", "field": "brand", "value": "{brand}+"}, "on": ["product"]},
            {"then": {"do": "set", "field": "order_no", "value": "x"}, "on": ["order"]},
            {"then": {"do": "fail", "message": "never"}, "enabled": False},
            {"then": {"do": "ignore", "reason": "{brand}"}, "name": "Last"},
            {"then": {"do": "fail", "message": "not reached"}},
        ],
        "product",
    )
    assert apply(rules, PRODUCT, CONTEXT) == Ignored(reason="One+", rule=5, name="Last")


def test_an_empty_chain_costs_nothing() -> None:
    chain = compile((), "product")
    assert not chain
    assert chain(PRODUCT, CONTEXT) is PRODUCT
    assert not compile(load([{"then": {"do": "ignore"}, "on": ["order"]}]), "product")


def test_a_failure_names_rule_record_field_and_remedy() -> None:
    then = {"do": "fail", "field": "name", "message": "“{name}” is odd", "do_this": "Rename {code}."}
    with pytest.raises(RuleFailed) as caught:
        run(PRODUCT, then, name="Odd names")
    failure = caught.value
    assert str(failure) == "Rule 1 “Odd names” stopped product p-1: name: “Shirt (NEW)” is odd"
    assert (failure.record, failure.field, failure.do_this) == ("product p-1", "name", "Rename P-1.")
    with pytest.raises(RuleFailed) as caught:
        run(ORDER, {"do": "set", "field": "quantity", "value": "{name}"}, each="lines[]")
    assert caught.value.field == "lines[].quantity"
    assert "cannot be “Mug”" in caught.value.reason


def test_a_record_that_rules_would_break_stops() -> None:
    for then, message in (
        ({"do": "filter", "rows": "variants", "keep": {"is": "any", "of": []}}, "is empty"),
        ({"do": "set", "field": "variants[].sku", "value": "same"}, "on two variants"),
        ({"do": "set", "field": "variants[].options.colour", "value": "red"}, "no axis"),
    ):
        with pytest.raises(RuleFailed, match=message):
            run(PRODUCT, then)


def test_text_that_is_too_long_for_an_expression_stops_only_that_record() -> None:
    then = {"do": "replace", "field": "description", "find": r"\s+x", "regex": True}
    long = msgspec.structs.replace(PRODUCT, description=" " * 30_000)
    with pytest.raises(RuleFailed, match="may only search") as caught:
        run(long, then)
    assert caught.value.field == "description"
    assert run(PRODUCT, then) is PRODUCT
    with pytest.raises(RuleFailed, match="may only search"):
        holds(long, {"is": "matches", "field": "description", "value": r"\s+x"})
    grown = {"do": "replace", "field": "description", "find": " ", "with": "x" * 1000}
    with pytest.raises(RuleFailed, match="too long"):
        run(long, grown)
    with pytest.raises(RuleFailed, match="too long"):
        run(long, grown | {"find": "[ ]", "regex": True})


class _Double:
    @hookimpl
    def transform(self, record: Product, context: Context) -> Product:
        return msgspec.structs.replace(record, name=record.name * int(str(context.options["times"])))


class _Broken:
    @hookimpl
    def transform(self, record: Product) -> Any:
        return (
            {"exit": 1 / 0, "none": None, "type": PRICE}[record.brand]
            if record.brand != "wrong"
            else (msgspec.structs.replace(record, name=5))
        )


def test_plugins() -> None:
    plugins = Plugins()
    plugins.register(_Double(), "double")
    plugins.register(_Broken(), "broken")
    assert plugins.names() == ("broken", "double")
    rules = load([{"then": {"do": "plugin", "name": "double", "options": {"times": 2}}}], "product", plugins)
    assert apply(rules, PRODUCT, CONTEXT, plugins).name == PRODUCT.name * 2  # type: ignore[union-attr]  # a product
    assert CONTEXT.options == {}

    broken = compile(load([{"then": {"do": "plugin", "name": "broken"}}], "product", plugins), "product", plugins)
    for brand, message in (
        ("exit", "plugin broken: ZeroDivisionError"),
        ("none", "ZeroDivisionError"),
        ("wrong", "Expected `str`, got `int`"),
    ):
        with pytest.raises(RuleFailed, match=message):
            broken(msgspec.structs.replace(PRODUCT, brand=brand), CONTEXT)
    missing = compile(load([{"then": {"do": "plugin", "name": "nowhere"}}], "product", plugins), "product", plugins)
    with pytest.raises(RuleFailed, match=r"plugin nowhere cannot be loaded.*not installed.*broken, double"):
        missing(PRODUCT, CONTEXT)


@pytest.mark.parametrize(("returned", "message"), [(None, "NoneType instead of Product"), (PRICE, "Price instead of")])
def test_a_plugin_that_returns_something_else(returned: Any, message: str) -> None:
    class Other:
        @hookimpl
        def transform(self, record: Record) -> Any:
            return returned

    plugins = Plugins()
    plugins.register(Other(), "other")
    chain = compile(load([{"then": {"do": "plugin", "name": "other"}}], "product", plugins), "product", plugins)
    with pytest.raises(RuleFailed, match=message):
        chain(PRODUCT, CONTEXT)


def test_a_plugin_may_ignore() -> None:
    class Leaves:
        @hookimpl
        def transform(self) -> Ignored:
            return Ignored(reason="not mine")

    plugins = Plugins()
    plugins.register(Leaves(), "leaves")
    rules = load([{"then": {"do": "plugin", "name": "leaves"}, "name": "P"}], "product", plugins)
    assert apply(rules, PRODUCT, CONTEXT, plugins) == Ignored(reason="not mine", rule=1, name="P")


def test_preview_shows_each_rules_effect() -> None:
    rules = load(
        [
            {"then": {"do": "set", "field": "attributes.new", "value": "y"}},
            {"then": {"do": "set", "field": "brand", "value": "Ajax"}, "when": {"is": "empty", "field": "brand"}},
            {"then": {"do": "replace", "field": "variants[].sku", "find": "P-1-S", "with": "S"}},
            {"then": {"do": "fail", "message": "stop"}},
            {"then": {"do": "ignore"}},
        ],
        "product",
    )
    steps = preview(rules, PRODUCT, CONTEXT)
    assert [step.number for step in steps] == [1, 2, 3, 4]
    assert [(c.path, c.before, c.after) for step in steps for c in step.changes] == [
        ("attributes.new", None, "y"),
        ("variants[0].sku", "P-1-S", "S"),
    ]
    assert steps[3].failed is not None
    assert describe(steps[1].rule) == "If brand is empty, set brand to “Ajax”."
    ignoring = preview(load([{"then": {"do": "ignore", "reason": "x"}}], "product"), PRODUCT, CONTEXT)
    assert ignoring[0].ignored == Ignored(reason="x", rule=1)
    assert changes(PRODUCT, PRODUCT) == ()
