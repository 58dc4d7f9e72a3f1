"""The Magento connector against its stand-in; every request and answer is checked against Adobe's own Swagger."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from samklang.connectors.contract import Bad, Done, Exchange, Item, Surroundings, Want
from samklang.connectors.errors import (
    BadAnswer,
    Forbidden,
    LoginRefused,
    Misconfigured,
    Rejected,
    RemoteFault,
    Unsupported,
    Wait,
)
from samklang.connectors.magento import Magento, catalogue
from samklang.connectors.magento.client import message
from samklang.records import (
    Address,
    Axis,
    Customer,
    Document,
    EditLine,
    Order,
    OrderEdit,
    OrderStatus,
    Parcel,
    Price,
    PriceList,
    Product,
    Shipment,
    StockLevel,
    Variant,
)
from samklang.records.order import ShipmentLine
from samklang.records.totals import document_rows
from samklang.sandboxes.base import Fault, Faulty, serve
from samklang.sandboxes.magento import CONSUMER, TOKEN, MagentoSandbox
from samklang.sandboxes.magento.wire import custom
from tests.contract import magento_document
from tests.contract.openapi import Checked

NOON = datetime(2026, 10, 20, 10, 0, tzinfo=UTC)
D = Decimal
TYPES = frozenset(("product", "price_list", "price", "stock", "order", "order_status", "refund", "customer"))


class World:
    """A shop on the network with connectors to it. What departs from the document is found at the end."""

    def __init__(self, **more: Any) -> None:
        self.at = NOON
        self.shop = MagentoSandbox(40, customers=8, now=lambda: self.at, **more)
        self.checked = Checked(self.shop.app, magento_document.load())
        self.faulty = Faulty(self.checked)
        self.exchanges: list[Exchange] = []
        self.base = ""

    def connect(self, **more: object) -> Magento:
        settings = {
            "url": self.base, "consumer_key": CONSUMER[0], "consumer_secret": CONSUMER[1], "access_token": TOKEN[0],
            "access_token_secret": TOKEN[1], "connection": "butik", "channel": "nordljus", "gtin_attribute": "ean",
            "mpn_attribute": "mpn", "payment_keys": "klarna_order_id,payment_id",
        }  # fmt: skip
        around = Surroundings(
            capture=self.exchanges.append,
            tokens=None,  # type: ignore[arg-type]  # a signed login has none
            now=time.time,
            allow_private=lambda _: True,
            sleep=lambda _: None,
        )
        return Magento({**settings, **more}, around)


@contextlib.contextmanager
def opened(**more: Any) -> Iterator[World]:
    """A shop, judged at the end."""
    world = World(**more)
    with serve(world.faulty) as world.base:
        yield world
    assert world.checked.found == []


@pytest.fixture
def world() -> Iterator[World]:
    with opened() as it:
        yield it


@pytest.fixture
def connector(world: World) -> Iterator[Magento]:
    found = world.connect()
    yield found
    found.close()


def read(connector: Magento, feed: str, since: datetime | None = None) -> list[Any]:
    return [item for page in connector.read(feed, since, TYPES) for item in page.items]


def records(items: list[Any], type_: str) -> dict[str, Any]:
    assert not [item for item in items if isinstance(item, Bad)]
    return {item.record.key: item.record for item in items if isinstance(item, Item) and item.record.type == type_}


def order_of(connector: Magento, placed: dict[str, Any]) -> Order:
    """The order as it is read; its rows sum to what the buyer pays."""
    found = records(read(connector, "orders"), "order")[f"nordljus/{placed['increment_id']}"]
    assert isinstance(found, Order)
    found.check_totals()
    assert sum((row.total for row in document_rows(found, True)), D(0)) == found.gross
    return found


def write(connector: Magento, record: Any, ids: dict[tuple[str, str], str] | None = None, **more: Any) -> Any:
    want = Want(key=record.key, record=record, ids=ids or {}, reference=record.key, **more)
    return connector.write(record.type, [want])[0]


def at(placed: dict[str, Any]) -> tuple[str, dict[tuple[str, str], str]]:
    """The order's key and its id for a want."""
    key = f"nordljus/{placed['increment_id']}"
    return key, {("order", key): str(placed["entity_id"])}


def several(world: World) -> dict[str, Any]:
    """A configurable article of the shop."""
    return next(row for row in world.shop.catalogue.rows.values() if row["type_id"] == "configurable")


def child_of(world: World, parent: dict[str, Any]) -> dict[str, Any]:
    """Its first variant."""
    return world.shop.catalogue.rows[parent["extension_attributes"]["configurable_product_links"][0]]


# ---------------------------------------------------------------------------------------------------- login


def test_requests_are_signed_and_a_repeated_one_is_signed_anew(world: World, connector: Magento) -> None:
    """2.4.4 and later take no token alone; a nonce is taken once."""
    assert connector.check().title == "https://shop.example/ (default, SEK)"
    world.faulty.faults = [Fault("lost", times=1, path="/orders")]
    assert read(connector, "orders") == []
    assert len(world.shop.login.nonces) == len({one.at for one in world.exchanges})
    kept = b"".join(one.sent + one.got + one.url.encode() for one in world.exchanges)
    assert not any(secret.encode() in kept for secret in (CONSUMER[1], *TOKEN))


def test_a_wrong_secret_a_token_alone_and_a_missing_right_each_say_what_to_do(world: World) -> None:
    with pytest.raises(LoginRefused, match="signature is invalid"):
        world.connect(access_token_secret="of-somebody-else").check()
    with pytest.raises(LoginRefused) as refused:
        world.connect(login="token").check()
    assert "2.4.4" in refused.value.do_this
    with pytest.raises(Misconfigured, match="all four values"):
        world.connect(consumer_secret="")
    with pytest.raises(Misconfigured, match="no store view"):
        world.connect(store="no").check()

    async def unauthorised(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        said = b'{"message":"The consumer isn\'t authorized to access %resources.",'
        body = said + b'"parameters":{"resources":"Magento_Sales::x"}}'
        await send({"type": "http.response.body", "body": body})

    world.faulty.app = unauthorised
    with pytest.raises(Forbidden, match="Magento_Sales::x"):
        world.connect().check()


def test_where_it_is_allowed_the_token_alone_is_a_login() -> None:
    with opened(bearer=True) as world:
        assert world.connect(login="token").check().title


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"message": "No %1 with %2", "parameters": ["order", "7"]}, "No order with 7"),
        ({"message": "%fieldName is %1", "parameters": {"fieldName": "sku"}}, "sku is %1"),
        ({"message": "May not: %resources", "parameters": [{"resources": "a::b"}]}, "May not: a::b"),
        ({}, ""),
    ],
)
def test_parameters_are_put_into_the_shops_words(said: dict[str, Any], text: str) -> None:
    assert message(said) == text


# ---------------------------------------------------------------------------------------------------- catalogue


def test_articles_come_once_with_their_variants_prices_and_groups(world: World, connector: Magento) -> None:
    """J-09, P-08"""
    items = read(connector, "catalogue")
    products, prices = records(items, "product"), records(items, "price")
    parent = several(world)
    child = child_of(world, parent)
    found = products[parent["sku"].lower()]
    assert child["sku"].lower() not in products
    assert len(found.variants) == len(parent["extension_attributes"]["configurable_product_links"])
    assert found.variants[0].gtin == (custom(child, "ean"),)
    assert found.variants[0].weight_g == child["weight"] * 1000
    assert {axis.name for axis in found.axes} <= {"Färg", "Storlek", "Volym", "Bredd"}
    assert all(set(v.options) == {axis.code for axis in found.axes} for v in found.variants)
    assert (found.brand, bool(found.categories), found.status) == (found.brand, True, "active")
    key = child["sku"].lower()
    assert (prices[f"{key}||SEK|1"].amount, prices[f"{key}||SEK|1"].tax_included) == (child["price"], True)
    assert prices[f"{key}|Retailer|SEK|1"].amount == child["tier_prices"][0]["value"]
    assert set(records(items, "price_list")) == {"General", "Wholesale", "Retailer"}
    assert [choice.code for choice in connector.choices("customer_group")] == ["General", "Wholesale", "Retailer"]


def test_a_variant_that_changes_makes_its_whole_article_be_read_once(world: World, connector: Magento) -> None:
    parent = several(world)
    children = parent["extension_attributes"]["configurable_product_links"][:2]
    world.at += timedelta(hours=1)
    for id_ in children:
        world.shop.change(world.shop.catalogue.rows[id_]["sku"], name="Nytt namn")
    items = read(connector, "catalogue", world.at - timedelta(minutes=5))
    products = [item for item in items if item.record.type == "product"]
    assert [item.external_id for item in products] == [str(parent["id"])]
    assert len(products[0].parts) == len(parent["extension_attributes"]["configurable_product_links"])


def test_a_row_that_is_no_article_stops_none_of_its_neighbours(world: World, connector: Magento) -> None:
    simple = next(row for row in world.shop.catalogue.rows.values() if row["visibility"] == 4)
    simple["custom_attributes"] = [{"attribute_code": "tax_class_id", "value": "77"}]
    items = read(connector, "catalogue")
    assert [item.external_id for item in items if isinstance(item, Bad)] == [str(simple["id"])]


def test_stock_is_read_by_source(world: World, connector: Magento) -> None:
    sku = next(row["sku"] for row in world.shop.catalogue.rows.values() if row["type_id"] == "simple")
    world.shop.catalogue.put_stock({"sku": sku, "source_code": "butik", "quantity": D(3), "status": 1})
    levels = records(read(connector, "stock"), "stock")
    assert levels[f"{sku.lower()}|butik"].on_hand == 3
    assert f"{sku.lower()}|default" in levels
    assert [choice.code for choice in connector.choices("warehouse")] == ["default", "butik"]


def simple(code: str = "KOPP/1 å", **more: Any) -> Product:
    values: dict[str, Any] = {"name": "Kopp åäö", "status": "active", **more}
    return Product(code=code, variants=(Variant(sku=code, weight_g=250, manufacturer_no="M1"),), **values)


def ids_of(done: Any) -> dict[tuple[str, str], str]:
    return {(part.type, part.key): part.external_id for part in done.parts}


def price(amount: str, code: str = "KOPP/1 å", **more: Any) -> Price:
    return Price(sku=code, currency="SEK", amount=D(amount), tax_included=True, tax_percent=D(25), **more)


def test_an_article_is_saved_and_read_back_the_same(world: World, connector: Magento) -> None:
    record = simple(brand="Hållö", categories=("Kök", "Nyheter"), description="<p>Stengods</p>", tax_class="reduced")
    for _ in range(2):
        done = write(connector, record)
        assert isinstance(done, Done)
    back = records(read(connector, "catalogue"), "product")[record.key]
    assert back.status == "archived"  # it has no price yet
    assert msgspec.structs.replace(back, status="active") == record
    assert len([row for row in world.shop.catalogue.categories.values() if row["name"] == "Kök"]) == 1


def test_a_new_article_is_switched_on_by_its_first_price(world: World, connector: Magento) -> None:
    """Else it would be sold for nothing."""
    done = write(connector, simple())
    row = world.shop.catalogue.row("KOPP/1 å")
    assert row is not None
    assert (row["status"], row["price"]) == (2, 0)
    write(connector, simple(name="Mugg"), external_id=done.external_id)
    assert row["status"] == 2
    write(connector, price("199"), ids_of(done))
    assert (row["status"], row["price"]) == (1, 199)
    write(connector, simple(name="Mugg", status="archived"), external_id=done.external_id)
    write(connector, price("189"), ids_of(done))
    assert (row["status"], row["price"]) == (2, 189)


def sweater(*sizes: str) -> Product:
    variants = tuple(Variant(sku=f"TR-{size}", options={"size": size}) for size in sizes)
    return Product(code="TR", name="Tröja", variants=variants, axes=(Axis("size", "Passform"),), status="active")


def test_variants_are_articles_linked_to_one_and_what_is_missing_is_made_once(world: World, connector: Magento) -> None:
    done = write(connector, sweater("S", "M"))
    again = write(connector, sweater("S", "M", "XL"), external_id=done.external_id)
    assert {part.key: part.external_id for part in again.parts} == {"tr-s": "TR-S", "tr-m": "TR-M", "tr-xl": "TR-XL"}
    made = [row for row in world.shop.catalogue.attributes.values() if row["default_frontend_label"] == "Passform"]
    assert [one["label"] for one in made[0]["options"]] == ["S", "M", "XL"]
    assert len(made) == 1
    back = records(read(connector, "catalogue"), "product")["tr"]
    assert [variant.options for variant in back.variants] == [{"size": size} for size in ("S", "M", "XL")]
    child = world.shop.catalogue.row("TR-XL")
    assert child is not None
    assert (child["visibility"], child["name"]) == (1, "Tröja XL")


def test_bulk_sends_many_articles_in_one_call_and_asks_what_became_of_each(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "_PAUSE", 0.01)
    connector = world.connect(bulk=True)
    wants = [Want(key=f"b{n}", record=simple(f"B-{n}")) for n in range(5)]
    wants.append(Want(key="bad", record=simple("B-5", name="")))
    wants.append(Want(key="tr", record=sweater("S", "M")))
    before = world.faulty.counts["POST /rest/all/V1/products"]
    results = connector.write("product", wants)
    assert [type(one) for one in results] == [Done] * 5 + [Rejected, Done]
    assert world.faulty.counts["POST /rest/all/async/bulk/V1/products"] == 1
    assert world.faulty.counts["POST /rest/all/V1/products"] == before + 3  # the sweater
    connector.close()


def test_a_queue_that_does_not_run_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_PAUSE", 0.0)
    with opened(queue=False) as world:
        connector = world.connect(bulk=True)
        result = write(connector, simple())
        assert isinstance(result, RemoteFault)
        assert "async.operations.all" in result.do_this
        connector.close()


# ---------------------------------------------------------------------------------------------------- prices, stock


def test_base_special_and_tier_prices_go_out_each_in_one_call(world: World, connector: Magento) -> None:
    """P-08, J-09"""
    done = write(connector, simple())
    ids = {**ids_of(done), ("price_list", "Retailer"): "3"}
    lowered = price("149", compare_at=D(199), valid_from=date(2026, 11, 1), valid_to=date(2026, 11, 30))
    wants = [lowered, price("99", price_list="Retailer"), price("120", min_qty=10), price("79", "OKÄND")]
    more = {("variant", "okänd"): "OKÄND"}
    results = connector.write("price", [Want(key=one.key, record=one, ids={**ids, **more}) for one in wants])
    assert [type(one) for one in results] == [Done, Done, Done, Rejected]
    row = world.shop.catalogue.row("KOPP/1 å")
    assert row is not None
    assert (row["price"], custom(row, "special_price"), custom(row, "special_from_date")) == (
        199, "149.0000", "2026-11-01 00:00:00",
    )  # fmt: skip
    assert {(t["customer_group_id"], t["qty"]): t["value"] for t in row["tier_prices"]} == {
        (3, 1): 99,
        (32000, 10): 120,
    }
    prices = records(read(connector, "catalogue"), "price")
    found = prices["kopp/1 å||SEK|1"]
    assert (found.amount, found.compare_at, found.valid_to) == (149, 199, date(2026, 11, 30))
    write(connector, price("189"), ids)
    assert custom(row, "special_price") == ""
    assert row["price"] == 189


def test_a_price_of_another_currency_or_without_its_article_or_group_is_refused(connector: Magento) -> None:
    euro = Price(sku="X", currency="EUR", amount=D(10), tax_included=True)
    assert isinstance(write(connector, euro, {("variant", "x"): "X"}), Unsupported)
    assert isinstance(write(connector, price("10")), Wait)
    assert isinstance(write(connector, price("10", price_list="Okänd"), {("variant", "kopp/1 å"): "KOPP/1 å"}), Wait)


def test_prices_without_vat_are_written_to_a_shop_that_keeps_them_so(world: World) -> None:
    connector = world.connect(prices_include_tax=False)
    done = write(connector, simple())
    write(connector, price("125"), ids_of(done))
    row = world.shop.catalogue.row("KOPP/1 å")
    assert row is not None
    assert row["price"] == 100
    connector.close()


def test_a_customer_group_is_made_once_and_found_by_its_name(world: World, connector: Magento) -> None:
    record = PriceList(name="Storkund", currency="SEK")
    done = write(connector, record)
    assert world.shop.catalogue.groups[int(done.external_id)] == "Storkund"
    ((match,),) = connector.find("price_list", [Want(key=record.key, record=record)], ("name",))
    assert match.external_id == done.external_id
    assert isinstance(write(connector, PriceList(name="x" * 33, currency="SEK")), Unsupported)


def test_stock_is_what_lies_at_the_source_and_open_orders_are_magentos_own_business(world: World) -> None:
    """Q-04: a figure that is on hand; Magento takes its reservations off."""
    connector = world.connect(source="butik")
    sku = next(row["sku"] for row in world.shop.catalogue.rows.values() if world.shop.catalogue.salable(row["sku"]) > 5)
    world.shop.place_order([(sku, 2)])
    before = world.shop.catalogue.salable(sku)
    ids = {("variant", sku.lower()): sku}
    done = write(connector, StockLevel(sku=sku, on_hand=D("7.9"), reserved=D(1)), ids)
    assert done.seen.on_hand == 6
    assert world.shop.catalogue.stock[sku.lower(), "butik"]["status"] == 1
    assert world.shop.catalogue.salable(sku) == before + 6
    write(connector, StockLevel(sku=sku, on_hand=D(-2)), ids)
    assert world.shop.catalogue.stock[sku.lower(), "butik"] == {
        "sku": sku, "source_code": "butik", "quantity": 0, "status": 0,
    }  # fmt: skip
    connector.close()


# ---------------------------------------------------------------------------------------------------- orders


def test_a_configurable_article_is_one_line_with_the_childs_number_and_the_parents_id(
    world: World, connector: Magento
) -> None:
    """O-01, O-07"""
    child = child_of(world, several(world))
    placed = world.shop.place_order([(child["sku"], 2), (child["sku"], 1)], reference="klarna-1")
    order = order_of(connector, placed)
    own = [item for item in placed["items"] if not item.get("parent_item_id")]
    assert [(line.line_id, line.sku, line.quantity) for line in order.lines] == [
        (str(own[0]["item_id"]), child["sku"], 2), (str(own[1]["item_id"]), child["sku"], 1),
    ]  # fmt: skip
    assert order.lines[0].gross == child["price"] * 2
    (freight,) = order.charges
    assert (freight.kind, freight.net, freight.gross, freight.tax_percent) == ("shipping", D("39.2"), D(49), D(25))
    assert (order.gross, order.placed_at, order.time_zone) == (placed["grand_total"], NOON, "Europe/Stockholm")
    (paid,) = order.payments
    assert (paid.kind, paid.provider, paid.provider_id, paid.amount) == ("authorise", "klarna", "klarna-1", order.gross)
    assert (order.payment, order.transaction_id, order.shipping_method) == (
        "authorised",
        "klarna-1",
        "flatrate_flatrate",
    )


@pytest.mark.parametrize("inclusive", [False, True])
def test_totals_are_the_buyers_whatever_the_shops_tax_settings(inclusive: bool) -> None:
    """Discounts with and without VAT, gift cards, a module's fee: the rows sum to the total, to the öre."""
    with opened(inclusive=inclusive) as world:
        connector = world.connect(prices_include_tax=inclusive)
        for more in (
            {},
            {"discount": 15},
            {"gift_card": 100},
            {"fee": 29},
            {"discount": 7, "gift_card": 30, "fee": "0.4"},
        ):
            placed = world.shop.place_order(**more)
            order = order_of(connector, placed)
            assert order.gross == placed["grand_total"] + D(more.get("gift_card", 0))
            assert order.tax == placed["tax_amount"]
            assert sum(line.discount for line in order.lines) == -placed["discount_amount"]
            assert order.prices_include_tax is inclusive
            fees = [charge.kind for charge in order.charges if charge.kind != "shipping"]
            assert fees == {29: ["fee"], "0.4": ["rounding"]}.get(more.get("fee", 0), [])
        connector.close()


def test_a_gift_card_pays_its_part(world: World, connector: Magento) -> None:
    placed = world.shop.place_order(gift_card=150)
    order = order_of(connector, placed)
    paid = {payment.provider: payment.amount for payment in order.payments}
    assert paid == {"gift_card": 150, "klarna": order.gross - 150}


def test_payments_by_bank_wait_and_those_that_are_invoiced_are_taken(world: World, connector: Magento) -> None:
    bank, card = world.shop.place_order(payment="bank"), world.shop.place_order(payment="card", reference="nets-1")
    assert (order_of(connector, bank).payment, order_of(connector, bank).payments) == ("pending", ())
    assert order_of(connector, card).transaction_id == "nets-1"
    world.shop.invoice(card["entity_id"])
    taken = order_of(connector, card)
    assert (taken.payment, taken.paid) == ("captured", taken.gross)
    assert [one.kind for one in taken.payments] == ["authorise", "capture"]


def test_a_retailer_has_a_group_and_pays_its_price(world: World, connector: Magento) -> None:
    """J-09"""
    row = next(row for row in world.shop.catalogue.rows.values() if row["tier_prices"])
    order = order_of(connector, world.shop.place_order([(row["sku"], 1)], retailer=True))
    assert (order.customer.group, order.customer.price_list, order.customer.kind) == ("Retailer", "Retailer", "company")
    assert order.customer.vat_no
    assert order.lines[0].gross == row["tier_prices"][0]["value"]


def test_where_an_order_stands_is_told_by_its_state_and_rows(world: World, connector: Magento) -> None:
    """J-10, O-08: the installation's own status has the meaning of its state."""

    def found() -> OrderStatus:
        status = records(read(connector, "orders"), "order_status")[f"nordljus/{placed['increment_id']}"]
        assert isinstance(status, OrderStatus)
        return status

    sku = next(row["sku"] for row in world.shop.catalogue.rows.values() if row["visibility"] == 4 and row["price"])
    placed = world.shop.place_order([(sku, 3)])
    assert (found().raw, found().lifecycle, found().fulfilment, found().payment) == (
        "pending",
        "placed",
        "",
        "authorised",
    )
    item = placed["items"][0]["item_id"]
    world.shop.orders.ship(placed["entity_id"], {"items": [{"order_item_id": item, "qty": 1}]})
    assert (found().lifecycle, found().fulfilment) == ("confirmed", "partly_shipped")
    placed["status"] = "plockning"
    assert (found().raw, found().lifecycle) == ("plockning", "confirmed")
    world.shop.orders.ship(placed["entity_id"], {})
    world.shop.invoice(placed["entity_id"])
    assert (found().raw, found().lifecycle, found().fulfilment, found().payment) == (
        "complete", "closed", "shipped", "captured",
    )  # fmt: skip
    other = world.shop.place_order()
    other |= {"state": "pending_payment", "status": "pending_payment"}
    assert len(records(read(connector, "orders"), "order")) == 1


def test_a_store_view_of_its_own_reads_its_orders_only_and_changes_are_found(world: World) -> None:
    """J-07"""
    connector = world.connect(only_its_orders=True)
    old, other = world.shop.place_order(), world.shop.place_order()
    other["store_id"] = 2
    assert set(records(read(connector, "orders"), "order")) == {f"nordljus/{old['increment_id']}"}
    world.at += timedelta(hours=1)
    since = world.at
    assert read(connector, "orders", since) == []
    world.shop.cancel(old["entity_id"])
    (status,) = records(read(connector, "orders", since), "order_status").values()
    assert status.lifecycle == "cancelled"
    connector.close()


def test_a_list_that_gives_less_than_it_says_is_no_complete_read(world: World, connector: Magento) -> None:
    world.shop.place_order()
    connector.check()
    world.faulty.faults = [Fault("broken", path="/orders")]
    with pytest.raises(BadAnswer):
        read(connector, "orders")


# ---------------------------------------------------------------------------------------------------- refunds


def test_only_refunds_that_magento_has_not_made_itself_ask_the_provider(world: World, connector: Magento) -> None:
    """O-17: the merchant decides in the shop; the money moves once."""
    placed, bank = world.shop.place_order(reference="klarna-1", discount=10), world.shop.place_order(payment="bank")
    row = next(item for item in placed["items"] if not item.get("parent_item_id"))
    made = world.shop.refund(placed["entity_id"], {row["sku"]: 1})
    world.shop.refund(placed["entity_id"], {row["sku"]: 1}, online=True)
    world.shop.refund(bank["entity_id"], {bank["items"][0]["sku"]: 1})
    (item,) = read(connector, "refunds")
    refund = item.record
    assert (refund.key, refund.payment_id) == (f"nordljus/{placed['increment_id']}#{made['increment_id']}", "klarna-1")
    assert refund.amount == sum(line.gross for line in refund.lines) == made["grand_total"]
    assert refund.lines[0].line_id == str(row["item_id"])


# ---------------------------------------------------------------------------------------------------- status


def status(key: str, **more: Any) -> OrderStatus:
    return OrderStatus(order=key, **more)


def test_an_order_is_cancelled_once_and_not_when_it_is_paid(world: World, connector: Magento) -> None:
    placed, paid = world.shop.place_order(), world.shop.place_order()
    world.shop.invoice(paid["entity_id"])
    key, ids = at(placed)
    for _ in range(2):
        assert isinstance(write(connector, status(key, lifecycle="cancelled"), ids), Done)
    assert placed["status"] == "canceled"
    key, ids = at(paid)
    assert isinstance(write(connector, status(key, lifecycle="cancelled"), ids), Rejected)


@pytest.mark.parametrize(("mail", "mails"), [(True, 1), (False, 0)])
def test_a_status_of_the_installation_is_set_once_and_mails_only_if_it_is_to(
    world: World, connector: Magento, mail: bool, mails: int
) -> None:
    """J-11, J-12, O-08"""
    placed = world.shop.place_order()
    key, ids = at(placed)
    world.shop.orders.mails.clear()
    options = {"status_map": {"picking": "plockning"}, "mail": mail}
    refused = write(connector, status(key, fulfilment="picking"), ids, options=options)
    assert isinstance(refused, Rejected)  # the order is still `new`
    placed |= {"state": "processing", "status": "processing"}
    for _ in range(3):
        write(connector, status(key, fulfilment="picking"), ids, options=options)
    assert placed["status"] == "plockning"
    assert len(world.shop.orders.mails) == mails


@pytest.mark.parametrize("mail", [True, False])
def test_an_erp_without_shipments_sends_what_is_left_once(world: World, connector: Magento, mail: bool) -> None:
    """J-11, O-10: Magento has no other way to complete an order."""
    placed = world.shop.place_order()
    world.shop.orders.ship(placed["entity_id"], {"items": [{"order_item_id": placed["items"][0]["item_id"], "qty": 1}]})
    world.shop.invoice(placed["entity_id"])
    key, ids = at(placed)
    world.shop.orders.mails.clear()
    options = {"status_map": {"shipped": "complete"}, "mail": mail}
    for _ in range(2):
        done = write(connector, status(key, fulfilment="shipped"), ids, options=options)
        assert isinstance(done, Done)
    assert placed["status"] == "complete"
    assert len(world.shop.orders.shipments) == 2
    assert len(world.shop.orders.mails) == mail
    virtual = world.shop.place_order()
    for item in virtual["items"]:
        item["product_type"] = "downloadable"
    key, ids = at(virtual)
    assert isinstance(write(connector, status(key, fulfilment="shipped"), ids, options=options), Done)
    assert len(world.shop.orders.shipments) == 2


def test_the_invoice_number_is_noted_once(world: World, connector: Magento) -> None:
    """J-11"""
    placed = world.shop.place_order()
    key, ids = at(placed)
    paper = Document(kind="invoice", number="F1", state="booked")
    for _ in range(2):
        write(connector, status(key, documents=(paper,)), ids)
    assert [one["comment"] for one in placed["status_histories"]] == ["Invoice F1"]


# ---------------------------------------------------------------------------------------------------- shipments


def shipment(key: str, number: str, lines: tuple[ShipmentLine, ...], *tracking: str) -> Shipment:
    parcels = tuple(Parcel(tracking_no=one) for one in tracking)
    return Shipment(
        order=key, number=number, state="handed_over", lines=lines, parcels=parcels, carrier_code="postnord"
    )


def test_part_deliveries_are_shipments_with_their_parcels_and_one_mail_each(world: World, connector: Magento) -> None:
    """O-09, O-10, O-11: a configurable article is sent by its parent row, whether row or article is named."""
    child = child_of(world, several(world))
    placed = world.shop.place_order([(child["sku"], 3)])
    key, ids = at(placed)
    world.shop.orders.mails.clear()
    row = next(item for item in placed["items"] if not item.get("parent_item_id"))
    first = shipment(key, "1", (ShipmentLine(quantity=D(1), line_id=str(row["item_id"])),), "SE1", "SE2")
    rest = shipment(key, "2", (ShipmentLine(quantity=D(2), sku=child["sku"]),), "SE3")
    there = world.shop.catalogue.stock[child["sku"].lower(), "default"]["quantity"]
    for record in (first, rest):
        assert isinstance(write(connector, record, ids, options={"mail": True}), Done)
    assert [mail["text"] for mail in world.shop.orders.mails] == ["SE1, SE2", "SE3"]
    assert row["qty_shipped"] == 3
    assert world.shop.catalogue.stock[child["sku"].lower(), "default"]["quantity"] == there - 3
    more = write(connector, shipment(key, "3", (ShipmentLine(quantity=D(1), sku=child["sku"]),), "SE4"), ids)
    assert isinstance(more, Rejected)
    assert "More of" in more.what


def test_after_doubt_a_shipment_is_found_by_our_reference_or_its_parcel(world: World, connector: Magento) -> None:
    placed = world.shop.place_order()
    key, ids = at(placed)
    record = shipment(key, "1", (), "SE1")
    connector.check()
    world.faulty.faults = [Fault("lost", times=1, path="/ship")]
    lost = write(connector, record, ids, options={"mail": True})
    assert isinstance(lost, RemoteFault)
    want = Want(key=record.key, record=record, ids=ids, reference=record.key, doubt=True)
    ((match,),) = connector.find("shipment", [want], ())
    assert match.by == "reference"
    next(iter(world.shop.orders.shipments.values()))["comments"] = []
    assert connector.find("shipment", [want], ())[0][0].external_id == match.external_id
    other = Want(key="x", record=shipment(key, "2", (), "SE9"), ids=ids, reference="x")
    assert connector.find("shipment", [other], ()) == [[]]
    assert sum(mail["about"] == "shipment" for mail in world.shop.orders.mails) == 1


def test_without_the_option_a_shipment_mails_nobody_and_leaves_from_its_warehouse(
    world: World, connector: Magento
) -> None:
    """J-12"""
    sku = next(row["sku"] for row in world.shop.catalogue.rows.values() if row["visibility"] == 4 and row["price"])
    world.shop.catalogue.put_stock({"sku": sku, "source_code": "butik", "quantity": D(9), "status": 1})
    placed = world.shop.place_order([(sku, 2)])
    key, ids = at(placed)
    record = msgspec.structs.replace(shipment(key, "1", (), "SE1"), warehouse="butik")
    write(connector, record, ids)
    assert not [mail for mail in world.shop.orders.mails if mail["about"] == "shipment"]
    assert world.shop.catalogue.stock[sku.lower(), "butik"]["quantity"] == 7


def test_an_edit_in_the_warehouse_is_a_task_for_a_person_unless_it_is_so(world: World, connector: Magento) -> None:
    """O-05"""
    placed = world.shop.place_order()
    key, ids = at(placed)
    own = [item for item in placed["items"] if not item.get("parent_item_id")]
    same = tuple(EditLine(line_id=str(i["item_id"]), sku=i["sku"], quantity=i["qty_ordered"]) for i in own)
    assert write(connector, OrderEdit(order=key, lines=same), ids).by_hand == ""
    task = write(connector, OrderEdit(order=key, lines=same[:1]), ids).by_hand
    assert placed["increment_id"] in task
    assert same[0].sku in task


# ---------------------------------------------------------------------------------------------------- customers


def person(n: int = 1, **more: Any) -> Customer:
    place = Address(
        name="Åsa Prov", lines=("Provgatan 1",), postcode="41105", city="Göteborg", country="SE", phone="070"
    )
    return Customer(name=place.name, email=f"asa{n}@example.se", billing=place, **more)


def test_customers_are_made_changed_found_by_mail_and_read_back(world: World, connector: Magento) -> None:
    """J-09, P-03"""
    record = person(price_list="Retailer", vat_no="SE559900001301")
    done = write(connector, record)
    back = records(read(connector, "customers"), "customer")["mail:asa1@example.se"]
    assert (back.name, back.group, back.vat_no, back.billing.city) == (
        "Åsa Prov",
        "Retailer",
        "SE559900001301",
        "Göteborg",
    )
    ((match,),) = connector.find("customer", [Want(key=record.key, record=record)], ("email",))
    assert match.external_id == done.external_id
    assert connector.find("customer", [Want(key="x", record=person(9))], ("email",)) == [[]]
    changed = msgspec.structs.replace(record, price_list="Wholesale")
    write(connector, changed, external_id=done.external_id, fields=frozenset(("price_list",)))
    row = world.shop.orders.customers[int(done.external_id)]
    assert (row["group_id"], row["addresses"][0]["city"], row["taxvat"]) == (2, "Göteborg", "SE559900001301")
    assert isinstance(write(connector, person(3, price_list="Okänd")), Rejected)
