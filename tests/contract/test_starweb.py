"""The Starweb connector against its stand-in; every request and answer is checked against the vendor's document."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from samklang.connectors.contract import Bad, Done, Exchange, Gone, Item, Surroundings, Want
from samklang.connectors.errors import (
    BadAnswer,
    Forbidden,
    Locked,
    LoginRefused,
    Misconfigured,
    Rejected,
    RemoteFault,
    Unsupported,
    Wait,
)
from samklang.connectors.kit.hooks import signed_address
from samklang.connectors.starweb import Starweb
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
from samklang.sandboxes.starweb import CLIENT_ID, CLIENT_SECRET, GIFT_CARD, StarwebSandbox
from samklang.sandboxes.starweb.catalogue import GONE, IN_STOCK, MASTER, ON_ORDER, RESELLERS, WEB
from samklang.sandboxes.starweb.orders import COMPLETED, CREATED, PICKING
from tests.contract import starweb_document
from tests.contract.openapi import Checked

NOON = datetime(2026, 10, 20, 10, 0, tzinfo=UTC)
D = Decimal


class World:
    """A shop on the network with a connector to it. What departs from the document is found at the end."""

    def __init__(self, **more: Any) -> None:
        self.at = NOON
        self.shop = StarwebSandbox(40, customers=20, now=lambda: self.at, **more)
        self.checked = Checked(self.shop.app, starweb_document.load())
        self.faulty = Faulty(self.checked)
        self.exchanges: list[Exchange] = []
        self.base = ""

    def connect(self, **more: object) -> Starweb:
        settings = {
            "url": self.base, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "connection": "butik",
            "channel": "nordljus", "time_zone": "Europe/Stockholm", "reserved": "reserved", "gift_cards": GIFT_CARD,
        }  # fmt: skip
        around = Surroundings(
            capture=self.exchanges.append,
            tokens=None,
            now=time.time,
            allow_private=lambda _: True,
            sleep=lambda _: None,  # type: ignore[arg-type]  # no tokens
        )
        return Starweb({**settings, **more}, around)

    def count(self, method: str) -> int:
        """Requests of this kind so far."""
        return sum(name.startswith(f"{method} ") * times for name, times in self.faulty.counts.items())


@contextlib.contextmanager
def opened(**more: Any) -> Iterator[World]:
    """A shop and its connector, judged at the end."""
    world = World(**more)
    with serve(world.faulty) as world.base:
        yield world
    assert world.checked.found == []


@pytest.fixture
def world() -> Iterator[World]:
    with opened() as it:
        yield it


@pytest.fixture
def connector(world: World) -> Iterator[Starweb]:
    found = world.connect()
    yield found
    found.close()


TYPES = frozenset(("product", "price_list", "price", "stock", "order", "order_status", "customer"))


def read(connector: Starweb, feed: str, since: datetime | None = None, types: frozenset[str] = TYPES) -> list[Any]:
    return [item for page in connector.read(feed, since, types) for item in page.items]


def records(items: list[Any], type_: str) -> dict[str, Any]:
    assert not [item for item in items if isinstance(item, Bad)]
    return {item.record.key: item.record for item in items if isinstance(item, Item) and item.record.type == type_}


def order_of(connector: Starweb, placed: dict[str, Any]) -> Order:
    """The order as it is read."""
    (page,) = connector.fetch("orders", [str(placed["orderId"])])
    order = next(item.record for item in page.items if isinstance(item, Item) and isinstance(item.record, Order))
    order.check_totals()
    assert sum((row.total for row in document_rows(order, True)), D(0)) == order.gross
    return order


def write(connector: Starweb, record: Any, ids: dict[tuple[str, str], str] | None = None, **more: Any) -> Any:
    want = Want(key=record.key, record=record, ids=ids or {}, reference=record.key, **more)
    return connector.write(record.type, [want])[0]


def at(placed: dict[str, Any]) -> tuple[str, dict[tuple[str, str], str]]:
    """The order's key and its id for a want."""
    key = f"nordljus/{placed['orderId']}"
    return key, {("order", key): str(placed["orderId"])}


# ---------------------------------------------------------------------------------------------------- login


def test_the_account_is_the_shop(world: World, connector: Starweb) -> None:
    assert connector.check().title == "Nordljus (SEK)"
    assert connector.check().warnings == ()
    assert world.connect(takes_payments=True).check().warnings != ()


def test_an_ended_token_is_renewed_once_and_a_wrong_secret_is_refused_in_plain_words(
    world: World, connector: Starweb
) -> None:
    connector.check()
    world.shop.expire()
    assert read(connector, "customers")
    wrong = world.connect(client_secret="of-somebody-else")
    with pytest.raises(LoginRefused, match="refused the client ID"):
        wrong.check()
    elsewhere = world.connect(url=f"{world.base}/nothing")
    with pytest.raises(Misconfigured, match="no Starweb shop"):
        elsewhere.check()


def test_the_secret_is_never_in_what_is_kept_of_a_call(world: World, connector: Starweb) -> None:
    connector.check()
    kept = b"".join(one.sent + one.got + one.url.encode() for one in world.exchanges)
    assert CLIENT_SECRET.encode() not in kept
    assert b"sandbox-token" not in kept


# ---------------------------------------------------------------------------------------------------- catalogue


def test_products_come_with_variants_prices_in_every_list_and_stock(world: World, connector: Starweb) -> None:
    items = read(connector, "catalogue")
    shelf = world.shop.catalogue
    products, prices = records(items, "product"), records(items, "price")
    assert len(products) == len(shelf.products)
    several = [product for product in products.values() if len(product.variants) > 1]
    assert several
    for product in several:
        assert product.axes
        assert all(set(variant.options) == {axis.code for axis in product.axes} for variant in product.variants)
    simple = next(product for product in products.values() if len(product.variants) == 1)
    id_, variant = shelf.by_sku[simple.code.lower()]
    assert simple.name == shelf.words[id_]["sv"]["name"]
    assert simple.variants[0].gtin == (shelf.variants[id_][variant]["ean"],)
    assert simple.variants[0].weight_g == shelf.variants[id_][variant]["weightInKg"] * 1000
    base, theirs = prices[f"{simple.key}||SEK|1"], prices[f"{simple.key}|Återförsäljare|SEK|1"]
    assert (base.tax_included, base.amount) == (False, shelf.prices[variant, MASTER]["priceExVat"])
    assert theirs.amount == shelf.prices[variant, RESELLERS]["priceExVat"]
    assert records(items, "stock")[f"{simple.key}|"].on_hand == shelf.stocks[variant, WEB]["stockQuantity"]


def test_a_price_list_for_chosen_customers_is_their_group(connector: Starweb) -> None:
    """J-09"""
    lists = records(read(connector, "catalogue"), "price_list")
    assert lists["Återförsäljare"].customer_groups == ("Återförsäljare",)
    assert (lists["Norge"].currency, lists["Norge"].customer_groups) == ("NOK", ())
    assert [choice.code for choice in connector.choices("customer_group")] == ["Återförsäljare"]
    assert [choice.code for choice in connector.choices("price_list")] == ["Återförsäljare", "Norge"]


def test_a_special_price_keeps_the_ordinary_one_and_steps_are_prices_of_their_own(
    world: World, connector: Starweb
) -> None:
    shelf = world.shop.catalogue
    sku, (_, variant) = next(iter(shelf.by_sku.items()))
    shelf.put_price(variant, MASTER, {"priceExVat": D("100"), "specialPriceExVat": D("79.20")})
    shelf.volumes[variant, MASTER] = {10: {"pricelistId": MASTER, "quantity": 10, "priceExVat": D("70")}}
    prices = records(read(connector, "catalogue"), "price")
    assert (prices[f"{sku}||SEK|1"].amount, prices[f"{sku}||SEK|1"].compare_at) == (D("79.2"), D(100))
    assert prices[f"{sku}||SEK|10"].amount == D(70)


def test_only_what_changed_is_read_again_and_a_deleted_product_is_gone(world: World, connector: Starweb) -> None:
    sku = next(iter(world.shop.catalogue.by_sku))
    world.at += timedelta(hours=1)
    world.shop.change(sku, name="Nytt namn")
    changed = records(read(connector, "catalogue", world.at - timedelta(minutes=5)), "product")
    assert [product.name for product in changed.values()] == ["Nytt namn"]
    product, _ = world.shop.catalogue.by_sku[sku]
    world.shop.catalogue.remove(product)
    assert [page.items for page in connector.fetch("catalogue", [str(product)])] == [
        [Gone(type="product", external_id=str(product))]
    ]


def test_a_row_that_is_no_product_stops_none_of_its_neighbours(world: World, connector: Starweb) -> None:
    shelf = world.shop.catalogue
    first, second, *_ = shelf.variants
    next(iter(shelf.variants[first].values()))["sku"] = ""
    shelf.products[second]["defaultVatRate"] = "7"
    items = read(connector, "catalogue")
    assert {item.external_id for item in items if isinstance(item, Bad)} == {str(first), str(second)}
    good = [item for item in items if isinstance(item, Item) and isinstance(item.record, Product)]
    assert len(good) == len(shelf.products) - 2


def test_pages_are_as_large_as_the_shop_says_and_variants_beyond_one_are_asked_for(connector: Starweb) -> None:
    with opened(per_page=7) as small:
        other = small.connect()
        assert len(records(read(other, "catalogue"), "product")) == len(small.shop.catalogue.products)
        other.close()


def simple(code: str = "KOPP-1", **more: Any) -> Product:
    values: dict[str, Any] = {"name": "Kopp åäö", "tax_class": "standard", "status": "active", **more}
    return Product(code=code, variants=(Variant(sku=code, gtin=("7350000000016",), weight_g=250),), **values)


def test_a_product_is_made_whole_in_one_call_and_read_back_the_same(world: World, connector: Starweb) -> None:
    record = simple(brand="Hållö", categories=("Kök", "Nyheter"), description="<p>Stengods</p>", tax_class="reduced")
    done = write(connector, record)
    assert isinstance(done, Done)
    assert done.parts[0].key == "kopp-1"
    (page,) = connector.fetch("catalogue", [done.external_id])
    back = next(item.record for item in page.items if isinstance(item, Item))
    assert back.variants[0].status == "archived"  # it has no price yet
    active = msgspec.structs.replace(back, variants=record.variants)
    assert active == record
    assert sum(name == "POST /api/v2/products" for name in world.faulty.counts.elements()) == 1


def test_variants_make_the_attributes_and_choices_that_are_missing_once(world: World, connector: Starweb) -> None:
    def sweater(*sizes: str) -> Product:
        variants = tuple(Variant(sku=f"TR-{size}", options={"size": size}) for size in sizes)
        return Product(code="TR", name="Tröja", variants=variants, axes=(Axis("size", "Passform"),), status="active")

    done = write(connector, sweater("S", "M"))
    again = write(connector, sweater("S", "M", "XL"), external_id=done.external_id)
    assert {part.key for part in again.parts} == {"tr-s", "tr-m", "tr-xl"}
    shelf = world.shop.catalogue
    made = [id_ for id_, row in shelf.attributes.items() if row["languages"]["data"][0]["name"] == "Passform"]
    assert len(made) == 1
    assert len(shelf.values[made[0]]) == 3
    (page,) = connector.fetch("catalogue", [done.external_id])
    back = next(item.record for item in page.items if isinstance(item, Item))
    assert [variant.options for variant in back.variants] == [{"Passform": size} for size in ("S", "M", "XL")]
    assert back.code == "TR"


def test_an_update_writes_what_differs_and_leaves_a_product_for_chosen_customers_so(
    world: World, connector: Starweb
) -> None:
    done = write(connector, simple())
    product = int(done.external_id)
    world.shop.catalogue.products[product]["visibility"] = "pricelists"
    before = world.count("PATCH")
    write(connector, simple(name="Mugg"), external_id=done.external_id)
    assert world.shop.catalogue.words[product]["sv"]["name"] == "Mugg"
    assert world.shop.catalogue.products[product]["visibility"] == "pricelists"
    assert world.count("PATCH") == before + 1  # the variant is as it was
    hidden = simple(name="Mugg", status="archived")
    write(connector, hidden, external_id=done.external_id, fields=frozenset(("status",)))
    assert world.shop.catalogue.products[product]["visibility"] == "hidden"


@pytest.mark.parametrize("sku", ["KOPP-1", "Kopp / 1 å"])
def test_after_doubt_a_product_is_found_by_its_number_whatever_signs_it_has(connector: Starweb, sku: str) -> None:
    record = simple(sku)
    done = write(connector, record)
    want = Want(key=record.key, record=record, reference=record.key, doubt=True)
    ((match,),) = connector.find("product", [want], ("sku",))
    assert (match.external_id, match.by) == (done.external_id, "reference")
    assert connector.find("product", [Want(key="x", record=simple("OKÄND"))], ("sku",)) == [[]]


def test_too_long_and_double_numbers_stop_that_product_only(connector: Starweb) -> None:
    long, double = simple("X" * 41), simple("KOPP-1")
    write(connector, simple("KOPP-1"))
    results = connector.write("product", [Want(key=one.key, record=one) for one in (long, double, simple("KOPP-2"))])
    assert [type(one) for one in results] == [Unsupported, Rejected, Done]


# ---------------------------------------------------------------------------------------------------- prices, stock


@pytest.fixture
def cup(connector: Starweb) -> dict[tuple[str, str], str]:
    """Ids of an article that has just been made, and of the resellers' list."""
    done = write(connector, simple())
    return {("variant", "kopp-1"): done.parts[0].external_id, ("price_list", "Återförsäljare"): str(RESELLERS)}


def test_a_new_article_is_switched_on_by_its_first_price(world: World, connector: Starweb) -> None:
    """Else it would be sold for nothing."""
    done = write(connector, simple())
    product, _, variant = done.parts[0].external_id.partition(":")
    row = world.shop.catalogue.variants[int(product)][int(variant)]
    ids = {("variant", "kopp-1"): done.parts[0].external_id, ("price_list", "Återförsäljare"): str(RESELLERS)}
    write(connector, simple(name="Mugg"), external_id=done.external_id)
    write(connector, price("99", price_list="Återförsäljare"), ids)
    assert row["isActive"] is False
    write(connector, price("199"), ids)
    assert row["isActive"] is True
    archived = Product(
        code="KOPP-1", name="Mugg", variants=(Variant(sku="KOPP-1", status="archived"),), status="active"
    )
    write(connector, archived, external_id=done.external_id)
    write(connector, price("189"), ids)
    assert row["isActive"] is False


def price(amount: str, **more: Any) -> Price:
    return Price(sku="KOPP-1", currency="SEK", amount=D(amount), tax_included=True, tax_percent=D(25), **more)


def test_prices_go_out_without_vat_into_the_list_that_is_meant(
    world: World, connector: Starweb, cup: dict[tuple[str, str], str]
) -> None:
    """P-08, J-09"""
    done = write(connector, price("199.00"), cup)
    assert (done.seen.amount, done.seen.tax_included) == (D("159.2"), False)
    write(connector, price("149.00", price_list="Återförsäljare"), cup)
    write(connector, price("99.00", compare_at=D("199.00")), cup)
    write(connector, price("125.00", min_qty=10), cup)
    write(connector, price("120.00", min_qty=10), cup)
    variant = int(cup["variant", "kopp-1"].partition(":")[2])
    shelf = world.shop.catalogue
    assert shelf.prices[variant, MASTER] == {"priceExVat": D("159.2"), "specialPriceExVat": D("79.2")}
    assert shelf.prices[variant, RESELLERS]["priceExVat"] == D("119.2")
    assert shelf.volumes[variant, MASTER][10]["priceExVat"] == D("96")


def test_a_price_of_another_currency_or_list_is_refused_in_plain_words(
    connector: Starweb, cup: dict[tuple[str, str], str]
) -> None:
    euro = Price(sku="KOPP-1", currency="EUR", amount=D(10), tax_included=False)
    assert isinstance(write(connector, euro, cup), Unsupported)
    assert isinstance(write(connector, price("10", price_list="Okänd"), cup), Wait)
    assert isinstance(write(connector, price("10"), {}), Wait)


def test_a_price_list_is_made_switched_off_and_a_person_is_asked_to_activate_it(
    world: World, connector: Starweb
) -> None:
    """P-08"""
    record = PriceList(name="Storkund", currency="SEK")
    done = write(connector, record)
    assert "Activate" in done.by_hand
    made = world.shop.catalogue.pricelists[int(done.external_id)]
    assert (made["isActive"], made["parentPricelistId"]) == (False, MASTER)
    ((match,),) = connector.find("price_list", [Want(key=record.key, record=record)], ("name",))
    assert match.external_id == done.external_id
    assert isinstance(write(connector, PriceList(name="x" * 31, currency="SEK")), Unsupported)


def level(pieces: int, reserved: int = 0) -> StockLevel:
    return StockLevel(sku="KOPP-1", on_hand=D(pieces), reserved=D(reserved))


def test_stock_that_comes_back_makes_the_article_buyable_again(
    world: World, connector: Starweb, cup: dict[tuple[str, str], str]
) -> None:
    """Q-04: what is available goes out. The shop's own rule acts only on what is gone."""
    stocks = world.shop.catalogue.stocks
    key = int(cup["variant", "kopp-1"].partition(":")[2]), WEB
    write(connector, level(7, reserved=2), cup)
    assert stocks[key] == {"stockStatusId": IN_STOCK, "stockQuantity": 5}
    write(connector, level(-3), cup)
    assert stocks[key] == {"stockStatusId": GONE, "stockQuantity": 0}
    write(connector, level(4), cup)
    assert stocks[key] == {"stockStatusId": IN_STOCK, "stockQuantity": 4}
    stocks[key]["stockStatusId"] = ON_ORDER  # the merchant's own: left alone
    write(connector, level(0), cup)
    assert stocks[key] == {"stockStatusId": ON_ORDER, "stockQuantity": 0}
    del stocks[key]
    write(connector, level(3), cup)
    assert stocks[key] == {"stockStatusId": IN_STOCK, "stockQuantity": 3}


# ---------------------------------------------------------------------------------------------------- orders


def test_an_order_has_its_rows_by_id_and_the_payment_by_which_klarna_captures(world: World, connector: Starweb) -> None:
    """O-01, O-07, J-13: the same article twice is two lines; the provider's id of the payment comes along."""
    sku = next(iter(world.shop.catalogue.by_sku))
    placed = world.shop.place_order([(sku, 2), (sku, 1)], reference="klarna-order-1", shipping_method=2)
    order = order_of(connector, placed)
    assert [line.line_id for line in order.lines] == [str(row["itemId"]) for row in placed["items"]["data"]]
    assert [line.quantity for line in order.lines] == [2, 1]
    assert order.key == f"nordljus/{placed['orderId']}"
    assert order.gross == D(str(placed["amountToPay"]))
    (freight,) = order.charges
    assert (freight.kind, freight.net, freight.gross) == ("shipping", D("39.2"), D("49"))
    (paid,) = order.payments
    assert (paid.kind, paid.provider, paid.provider_id, paid.amount, paid.state) == (
        "authorise", "klarna", "klarna-order-1", order.gross, "ok",
    )  # fmt: skip
    assert (order.payment, order.payment_method, order.transaction_id) == ("authorised", "Klarna", "klarna-order-1")
    assert (order.status, order.lifecycle, order.time_zone) == ("Mottagen", "confirmed", "Europe/Stockholm")
    assert order.shipping_method == "Schenker Ombud (2)"  # two methods have the name
    assert order.placed_at == NOON
    assert order.customer.email.endswith("@example.com")


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("fees_inclusive", [False, True])
@pytest.mark.parametrize("whole_kronor", [False, True])
def test_totals_are_read_on_whichever_side_of_vat_the_shop_states_them(
    inclusive: bool, fees_inclusive: bool, whole_kronor: bool
) -> None:
    """What the buyer pays is a fixed point, to the öre."""
    with opened(inclusive=inclusive, fees_inclusive=fees_inclusive, whole_kronor=whole_kronor) as world:
        connector = world.connect()
        for more in ({}, {"discount": 50}, {"gift_card": 100}, {"gift_card": 30, "discount": 20}):
            placed = world.shop.place_order(**more)
            order = order_of(connector, placed)
            cards = sum((paid.amount for paid in order.payments if paid.provider == "gift_card"), D(0))
            assert order.gross == D(str(placed["amountToPay"])) + cards
            assert cards == more.get("gift_card", 0)
            (freight,) = [charge for charge in order.charges if charge.kind == "shipping"]
            assert (freight.net, freight.gross) == (D("39.2"), D(49))
            assert bool([c for c in order.charges if c.kind == "rounding"]) <= whole_kronor
        connector.close()


def test_a_gift_card_pays_its_part_and_the_provider_reserves_the_rest(world: World, connector: Starweb) -> None:
    placed = world.shop.place_order(gift_card=150)
    order = order_of(connector, placed)
    paid = {payment.provider: payment for payment in order.payments}
    assert (paid["gift_card"].kind, paid["gift_card"].amount) == ("capture", D(150))
    assert paid["klarna"].amount == order.gross - 150
    assert all(line.sku != GIFT_CARD for line in order.lines)


def test_a_gift_card_that_is_sold_is_no_goods_and_one_that_is_no_row_is_seen_in_the_totals(
    world: World, connector: Starweb
) -> None:
    card = {"sku": GIFT_CARD, "description": "Presentkort", "quantity": 1, "unitPrice": D(500), "vatRate": D(0)}
    sold = order_of(connector, world.shop.place_order(rows=[card]))
    assert [line.kind for line in sold.lines] == ["gift_card_mpv"]
    placed = world.shop.place_order()
    row = world.shop.orders.rows[placed["orderId"]]
    row["amountToPay"] -= 100
    order = order_of(connector, placed)
    assert order.gross == D(str(placed["amountToPay"]))
    assert (order.payments[0].provider, order.payments[0].amount) == ("gift_card", D(100))


def test_a_discount_below_zero_is_shared_by_the_lines_of_its_rate(world: World, connector: Starweb) -> None:
    shelf = world.shop.catalogue
    by_rate: dict[str, str] = {}
    for sku, (product, _) in shelf.by_sku.items():
        by_rate.setdefault(shelf.products[product]["defaultVatRate"], sku)
    placed = world.shop.place_order([(by_rate["25"], 1), (by_rate["12"], 1)], discount=20)
    order = order_of(connector, placed)
    standard, food = order.lines
    assert (standard.tax_percent, standard.discount > 0) == (25, True)
    assert (food.tax_percent, food.discount) == (12, 0)
    assert [(one.code, one.amount) for one in order.discounts] == [("VÅR", D(16))]
    assert standard.gross + D(20) == D(str(shelf.prices[shelf.by_sku[by_rate["25"]][1], MASTER]["priceExVat"])) * D(
        "1.25"
    )


def test_rows_with_a_discount_of_their_own_and_what_was_taken_back(world: World, connector: Starweb) -> None:
    rows = [
        {"sku": "A", "description": "Procent", "quantity": 2, "unitPrice": D(100), "vatRate": D(25), "discount": D(10)},
        {
            "sku": "B", "description": "Belopp", "quantity": 3, "unitPrice": D("33.33"), "vatRate": D(12),
            "discount": D(20), "discountType": "amount",
        },
        {"sku": "C", "description": "Tillbaka", "quantity": -1, "unitPrice": D(50), "vatRate": D(25)},
    ]  # fmt: skip
    order = order_of(connector, world.shop.place_order(rows=rows))
    percent, amount = order.lines
    assert (percent.net, percent.discount) == (D(180), D(20))
    assert (amount.net, amount.discount) == (D("79.99"), D(20))
    assert [(charge.name, charge.gross) for charge in order.charges if charge.kind == "fee"] == [
        ("Tillbaka", D("-62.5"))
    ]


def test_a_bundle_has_the_money_and_its_parts_the_articles(world: World, connector: Starweb) -> None:
    part = {"sku": "DEL-1", "description": "Del", "quantity": 2}
    row = {
        "sku": "PAKET", "description": "Paket", "quantity": 1, "unitPrice": D(80), "vatRate": D(25),
        "bundledItems": [part],
    }  # fmt: skip
    whole, inside = order_of(connector, world.shop.place_order(rows=[row])).lines
    assert (whole.kind, whole.gross) == ("bundle_parent", D(100))
    assert (inside.kind, inside.sku, inside.quantity, inside.gross) == ("bundle_child", "DEL-1", 2, 0)


def test_unconfirmed_payments_are_left_out_and_unknown_words_capture_nothing(world: World, connector: Starweb) -> None:
    waiting, odd, paid = (world.shop.place_order() for _ in range(3))
    rows = world.shop.orders.rows
    rows[waiting["orderId"]]["isComplete"] = False
    rows[odd["orderId"]] |= {"paymentStatus": "under_review", "amountPaid": 0}
    rows[paid["orderId"]]["paymentStatus"] = "charged"
    assert f"nordljus/{waiting['orderId']}" not in records(read(connector, "orders"), "order")
    (page,) = connector.fetch("orders", [str(waiting["orderId"])])
    assert page.items == []
    order = order_of(connector, odd)
    assert (order.payment, order.payments[0].state) == ("pending", "pending")
    assert order.custom["butik"]["paymentStatus"] == "under_review"
    taken = order_of(connector, paid)
    assert (taken.payment, taken.paid) == ("captured", taken.gross)
    assert [one.kind for one in taken.payments] == ["authorise", "capture"]
    assert order_of(connector, world.shop.place_order(payment="bank")).payment == "pending"


def test_a_company_has_its_number_a_person_keeps_hers(world: World, connector: Starweb) -> None:
    company = order_of(connector, world.shop.place_order(reseller=True)).customer
    person = order_of(connector, world.shop.place_order()).customer
    assert (company.kind, bool(company.org_no), bool(company.vat_no)) == ("company", True, True)
    assert (company.price_list, company.group) == ("Återförsäljare", "Återförsäljare")
    assert (person.kind, person.org_no, person.vat_no) == ("person", "", "")


def test_changed_orders_are_read_newest_first_until_the_last_read(world: World) -> None:
    with opened(per_page=10) as small:
        connector = small.connect()
        old = [small.shop.place_order() for _ in range(35)]
        small.at += timedelta(hours=1)
        since = small.at
        small.at += timedelta(minutes=1)
        small.shop.set_status(old[3]["orderId"], "Plockning")
        new = small.shop.place_order()
        before = small.count("GET")
        found = records(read(connector, "orders", since), "order_status")
        assert set(found) == {f"nordljus/{old[3]['orderId']}", f"nordljus/{new['orderId']}"}
        assert found[f"nordljus/{old[3]['orderId']}"].fulfilment == "picking"
        assert small.count("GET") - before <= 7  # one page, and what the shop calls things
        assert len(records(read(connector, "orders"), "order")) == 36
        connector.close()


def test_the_statuses_of_the_shop_are_known_by_name_and_its_own_have_no_axes(world: World, connector: Starweb) -> None:
    """O-08, O-19, J-10"""
    names = [choice.code for choice in connector.choices("order_status")]
    assert names[:4] == ["Mottagen", "Plockning", "Behandlad", "Makulerad"]
    assert "Öppen-Restad" in names
    placed = world.shop.place_order()
    world.shop.set_status(placed["orderId"], "Öppen-Restad")
    (status,) = records(read(connector, "orders"), "order_status").values()
    assert (status.raw, status.lifecycle, status.fulfilment) == ("Öppen-Restad", "", "")
    assert connector.choices("shipping_method")[0].code == "PostNord MyPack"
    assert [choice.code for choice in connector.choices("payment_method")] == ["Klarna", "Bankgiro", "Kort (Nets)"]
    assert "PostNord" in [choice.code for choice in connector.choices("carrier")]


# ---------------------------------------------------------------------------------------------------- status


def status(key: str, **more: Any) -> OrderStatus:
    return OrderStatus(order=key, **more)


def test_a_status_moves_the_order_once_and_mails_by_the_shops_own_rule(world: World, connector: Starweb) -> None:
    """O-10, J-11, J-12, P-05: the buyer is mailed once, however often the same is written."""
    placed = world.shop.place_order()
    key, ids = at(placed)
    world.shop.orders.mails.clear()
    done = write(connector, status(key, fulfilment="picking"), ids)
    assert done.seen().raw == "Plockning"
    assert world.shop.orders.mails == []
    for _ in range(3):
        write(connector, status(key, fulfilment="shipped"), ids)
    assert world.shop.orders.rows[placed["orderId"]]["statusId"] == COMPLETED
    assert [mail["about"] for mail in world.shop.orders.mails] == ["Behandlad"]


@pytest.mark.parametrize(("option", "mails"), [(True, 1), (False, 0), (["completed"], 1), (["canceled"], 0)])
def test_mails_can_be_switched_off_for_all_statuses_or_some(
    world: World, connector: Starweb, option: object, mails: int
) -> None:
    """J-12, O-22: 300 old orders may go to Behandlad and mail nobody."""
    key, ids = at(world.shop.place_order())
    world.shop.orders.mails.clear()
    write(connector, status(key, fulfilment="shipped"), ids, options={"mail": option})
    assert len(world.shop.orders.mails) == mails


@pytest.mark.parametrize("takes", [False, True])
def test_the_shop_takes_the_money_only_where_it_is_to(world: World, takes: bool) -> None:
    """J-13: who captures is one system, never two."""
    connector = world.connect(takes_payments=takes)
    key, ids = at(world.shop.place_order())
    write(connector, status(key, fulfilment="shipped"), ids)
    assert len(world.shop.orders.taken) == int(takes)
    connector.close()


def test_statuses_only_go_forward_and_a_cancelled_order_stays_so(world: World, connector: Starweb) -> None:
    placed = world.shop.place_order()
    key, ids = at(placed)
    row = world.shop.orders.rows[placed["orderId"]]
    world.shop.set_status(placed["orderId"], "Behandlad")
    write(connector, status(key, fulfilment="picking"), ids)
    assert row["statusId"] == COMPLETED
    refused = write(connector, status(key, lifecycle="cancelled"), ids)
    assert isinstance(refused, Rejected)
    cancelled = world.shop.place_order()
    world.shop.cancel(cancelled["orderId"])
    key, ids = at(cancelled)
    assert isinstance(write(connector, status(key, fulfilment="shipped"), ids), Done)
    assert world.shop.snapshot()["orders"][str(cancelled["orderId"])]["status"] == "Makulerad"


def test_words_are_names_or_codes_and_one_that_is_missing_is_a_plain_error(world: World, connector: Starweb) -> None:
    """O-08, O-19, Q-08"""
    placed = world.shop.place_order()
    key, ids = at(placed)
    words = {"waiting_stock": "Öppen-Restad", "picking": "plockning", "shipped": "Skickad"}
    write(connector, status(key, fulfilment="waiting_stock"), ids, options={"status_map": words})
    assert world.shop.snapshot()["orders"][str(placed["orderId"])]["status"] == "Öppen-Restad"
    write(connector, status(key, fulfilment="picking"), ids, options={"status_map": words})
    assert world.shop.orders.rows[placed["orderId"]]["statusId"] == PICKING
    refused = write(connector, status(key, fulfilment="shipped"), ids, options={"status_map": words})
    assert isinstance(refused, Rejected)
    assert "Skickad" in refused.what


def test_the_invoice_number_is_noted_once_and_follows_a_new_one(world: World, connector: Starweb) -> None:
    """J-11"""
    placed = world.shop.place_order()
    key, ids = at(placed)
    for number in ("F1", "F1", "F2"):
        paper = Document(kind="invoice", number=number, state="booked")
        write(connector, status(key, documents=(paper,)), ids)
    marks = world.shop.orders.services[placed["orderId"]]
    assert {name: mark["externalIdValue"] for name, mark in marks.items()} == {"Invoice": "F2"}
    assert world.shop.orders.rows[placed["orderId"]]["statusId"] == CREATED


def test_an_order_that_is_gone_is_a_plain_error(connector: Starweb) -> None:
    refused = write(connector, status("nordljus/1", fulfilment="shipped"), {("order", "nordljus/1"): "1"})
    assert isinstance(refused, Rejected)
    assert isinstance(write(connector, status("nordljus/2", fulfilment="shipped")), Wait)


# ---------------------------------------------------------------------------------------------------- shipments


def shipment(key: str, number: str, pieces: int, tracking: str, carrier: str = "postnord") -> Shipment:
    lines = (ShipmentLine(quantity=D(pieces), sku="x"),) if pieces else ()
    parcels = (Parcel(tracking_no=tracking),)
    return Shipment(order=key, number=number, state="handed_over", lines=lines, parcels=parcels, carrier_code=carrier)


def test_one_mail_for_each_shipment_with_its_number_in_it(world: World, connector: Starweb) -> None:
    """O-09, O-10, O-11, D-15: part and rest, each written twice, mail the buyer once each."""
    sku = next(iter(world.shop.catalogue.by_sku))
    placed = world.shop.place_order([(sku, 3)], gift_card=10)
    key, ids = at(placed)
    world.shop.orders.mails.clear()
    options = {"mail": True, "status_map": {"shipped": "completed", "partly_shipped": "Delvis skickad"}}
    for record in (shipment(key, "1", 1, "SE1"), shipment(key, "2", 2, "SE2")):
        for _ in range(2):
            assert isinstance(write(connector, record, ids, options=options), Done)
    mails = [(mail["about"], mail["tracking"]) for mail in world.shop.orders.mails]
    assert mails == [("Delvis skickad", "SE1"), ("Behandlad", "SE2")]
    row = world.shop.orders.rows[placed["orderId"]]
    assert (row["statusId"], row["shippingTrackingNo"], row["shippingTrackerType"]) == (COMPLETED, "SE2", 1)
    marks = {name: mark["externalIdValue"] for name, mark in world.shop.orders.services[placed["orderId"]].items()}
    assert marks == {"Shipment 1": "1 pcs SE1", "Shipment 2": "2 pcs SE2"}
    write(connector, status(key, fulfilment="shipped"), ids)  # the status says the same afterwards: no second mail
    assert len(world.shop.orders.mails) == 2


def test_without_the_option_a_shipment_mails_nobody_and_leaves_the_status(world: World, connector: Starweb) -> None:
    """J-12"""
    placed = world.shop.place_order()
    key, ids = at(placed)
    world.shop.orders.mails.clear()
    write(connector, shipment(key, "1", 0, "SE1", "SBTL"), ids, options={"tracking_types": {"SBTL": "DB Schenker"}})
    row = world.shop.orders.rows[placed["orderId"]]
    assert (row["statusId"], row["shippingTrackingNo"], row["shippingTrackerType"]) == (CREATED, "SE1", 3)
    assert world.shop.orders.mails == []


@pytest.mark.parametrize("lost", range(4))
def test_whichever_answer_is_lost_the_buyer_is_mailed_once(world: World, connector: Starweb, lost: int) -> None:
    """O-10"""
    key, ids = at(world.shop.place_order())
    connector.check()
    world.shop.orders.mails.clear()
    world.faulty.faults = [Fault("lost", after=lost, times=1, path="/orders/")]
    first = write(connector, shipment(key, "1", 0, "SE1"), ids, options={"mail": True})
    world.faulty.faults = []
    if isinstance(first, RemoteFault):
        write(connector, shipment(key, "1", 0, "SE1"), ids, options={"mail": True}, doubt=True)
    assert [mail["tracking"] for mail in world.shop.orders.mails] == ["SE1"]
    assert len(world.shop.orders.services[int(key.rpartition("/")[2])]) == 1


# ---------------------------------------------------------------------------------------------------- edits


def lines_of(world: World, placed: dict[str, Any]) -> list[EditLine]:
    rows = world.shop.orders.items[placed["orderId"]].values()
    return [
        EditLine(line_id=str(row["itemId"]), sku=row["sku"], quantity=D(row["quantity"]))
        for row in rows
        if row["sku"] and row["sku"] != GIFT_CARD
    ]


def held(world: World, placed: dict[str, Any]) -> list[tuple[str, int]]:
    return [(row["sku"], row["quantity"]) for row in world.shop.orders.items[placed["orderId"]].values()]


def test_new_changed_and_removed_rows_come_back_from_the_warehouse_by_their_ids(
    world: World, connector: Starweb
) -> None:
    """O-05, O-07: the same article stands on two rows; the right one changes. Gift card and discount stay."""
    a, b, c = list(world.shop.catalogue.by_sku)[:3]
    upper = {sku: world.shop.catalogue.variant(*world.shop.catalogue.by_sku[sku])["sku"] for sku in (a, b, c)}
    placed = world.shop.place_order([(a, 2), (a, 1), (b, 1)], gift_card=10, discount=5)
    key, ids = at(placed)
    first, second, _gone = lines_of(world, placed)
    edit = OrderEdit(
        order=key,
        lines=(
            first, EditLine(line_id=second.line_id, sku=a, quantity=D(5)), EditLine(sku=c, name="Ny", quantity=D(1)),
        ),
    )  # fmt: skip
    for _ in range(2):
        assert isinstance(write(connector, edit, ids), Done)
    rest = [(sku, count) for sku, count in held(world, placed) if sku and sku != GIFT_CARD]
    assert rest == [(upper[a], 2), (upper[a], 5), (c, 1)]
    assert (GIFT_CARD, -1) in held(world, placed)
    added = next(row for row in world.shop.orders.items[placed["orderId"]].values() if row["sku"] == c)
    assert added["unitPrice"] == world.shop.catalogue.prices[world.shop.catalogue.by_sku[c][1], MASTER]["priceExVat"]
    order = order_of(connector, placed)
    assert order.gross == D(str(world.shop.orders.rows[placed["orderId"]]["amountToPay"])) + 10


def test_what_is_added_costs_a_reseller_what_the_own_list_says(world: World, connector: Starweb) -> None:
    """J-09"""
    a, b = list(world.shop.catalogue.by_sku)[:2]
    placed = world.shop.place_order([(a, 1)], reseller=True)
    key, ids = at(placed)
    edit = OrderEdit(order=key, lines=(*lines_of(world, placed), EditLine(sku=b, quantity=D(1))))
    assert isinstance(write(connector, edit, ids), Done)
    added = list(world.shop.orders.items[placed["orderId"]].values())[-1]
    assert added["unitPrice"] == world.shop.catalogue.prices[world.shop.catalogue.by_sku[b][1], RESELLERS]["priceExVat"]


@pytest.mark.parametrize("name", ["Plockning", "Behandlad", "Makulerad"])
def test_an_edit_after_the_lock_is_refused_with_its_reason_and_one_that_is_there_is_none(
    world: World, connector: Starweb, name: str
) -> None:
    """O-06"""
    placed = world.shop.place_order()
    key, ids = at(placed)
    same, before = OrderEdit(order=key, lines=tuple(lines_of(world, placed))), held(world, placed)
    other = OrderEdit(order=key, lines=same.lines[:1])
    world.shop.set_status(placed["orderId"], name)
    refused = write(connector, other, ids)
    assert isinstance(refused, Locked)
    assert name in refused.what
    assert held(world, placed) == before
    assert isinstance(write(connector, same, ids), Done)


def test_an_order_that_is_locked_between_the_look_and_the_write_is_locked_too(
    world: World, connector: Starweb, monkeypatch: pytest.MonkeyPatch
) -> None:
    """O-06"""
    placed = world.shop.place_order()
    key, ids = at(placed)
    connector.check()
    read(connector, "orders")
    real = world.shop.orders.shown

    def shown(row: dict[str, Any], embedded: set[str]) -> dict[str, Any]:
        found = real(row, embedded)
        row["statusId"] = PICKING
        return found

    monkeypatch.setattr(world.shop.orders, "shown", shown)
    first, *rest = lines_of(world, placed)
    more = EditLine(line_id=first.line_id, sku=first.sku, quantity=first.quantity + 1)
    assert isinstance(write(connector, OrderEdit(order=key, lines=(more, *rest)), ids), Locked)


def test_an_added_article_without_a_price_is_a_plain_error(world: World, connector: Starweb) -> None:
    placed = world.shop.place_order()
    key, ids = at(placed)
    edit = OrderEdit(order=key, lines=(*lines_of(world, placed), EditLine(sku="OKÄND", quantity=D(1))))
    refused = write(connector, edit, ids)
    assert isinstance(refused, Rejected)
    assert "OKÄND" in refused.what


# ---------------------------------------------------------------------------------------------------- customers


def person(n: int = 1, **more: Any) -> Customer:
    place = Address(
        name=f"Åsa Prov {n}", lines=("Provgatan 1", "c/o Öberg"), postcode="41105", city="Göteborg", country="SE"
    )
    return Customer(name=place.name, email=f"asa{n}@example.se", billing=place, **more)


def test_customers_are_made_changed_and_read_back(world: World, connector: Starweb) -> None:
    """J-09"""
    record = person(customer_no="4711", price_list="Återförsäljare")
    done = write(connector, record)
    (page,) = connector.fetch("customers", [done.external_id])
    back = next(item.record for item in page.items if isinstance(item, Item))
    assert (back.email, back.customer_no, back.price_list, back.group) == (
        "asa1@example.se", "4711", "Återförsäljare", "Återförsäljare",
    )  # fmt: skip
    assert back.billing == record.billing
    write(connector, person(customer_no="4712"), external_id=done.external_id, fields=frozenset(("customer_no",)))
    row = world.shop.orders.customers[int(done.external_id)]
    assert (row["externalId"], row["email"]) == ("4712", "asa1@example.se")
    assert isinstance(write(connector, person(2, price_list="Okänd")), Rejected)


def test_customers_are_looked_for_by_number_organisation_and_mail_in_one_look(world: World, connector: Starweb) -> None:
    """P-03"""
    by_no = write(connector, person(1, customer_no="77"))
    company = next(row for row in world.shop.orders.customers.values() if row["type"] == "company")
    wants = [
        person(5, customer_no="77"),
        Customer(name="AB", kind="company", org_no=company["nationalIdNo"].replace("-", ""), email="annan@example.se"),
        person(1),
        person(9),
    ]
    before = world.count("GET")
    found = connector.find(
        "customer", [Want(key=one.key, record=one) for one in wants], ("customer_no", "org_no", "email")
    )
    assert [[(match.by, match.external_id) for match in some] for some in found] == [
        [("customer_no", by_no.external_id)], [("org_no", str(company["customerId"]))],
        [("email", by_no.external_id)], [],
    ]  # fmt: skip
    assert world.count("GET") - before <= 4


# ---------------------------------------------------------------------------------------------------- webhooks


def test_webhooks_are_registered_once_with_a_token_and_name_what_happened(world: World, connector: Starweb) -> None:
    got: list[tuple[str, bytes]] = []

    class Taker(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/hooks/main/butik"
        connector.register_hooks(address, "old")
        connector.register_hooks(address, "secret")
        connector.register_hooks(address, "secret")
        assert len(world.shop.hooks.rows) == 11
        placed = world.shop.place_order()
        deadline = time.monotonic() + 5
        while len(got) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        server.shutdown()
    path, body = next(one for one in got if b"orderId" in one[1])
    token = signed_address("", "secret").partition("token=")[2]
    assert path.endswith(f"?token={token}")
    (hint,) = connector.hints({"x-hook-token": token}, body, "secret")
    assert (hint.feed, hint.external_id) == ("orders", str(placed["orderId"]))
    with pytest.raises(Rejected):
        connector.hints({"x-hook-token": "wrong"}, body, "secret")


def test_a_webhook_of_unknown_shape_makes_the_changed_orders_read(connector: Starweb) -> None:
    token = signed_address("", "s").partition("token=")[2]
    assert [(h.feed, h.external_id) for h in connector.hints({"x-hook-token": token}, b"{}", "s")] == [("orders", "")]


# ---------------------------------------------------------------------------------------------------- faults


def test_a_missing_right_pauses_and_nonsense_is_a_bad_answer(world: World, connector: Starweb) -> None:
    connector.check()
    world.faulty.faults = [Fault("broken", path="/customers")]
    with pytest.raises(BadAnswer):
        read(connector, "customers")
    world.faulty.faults = []

    async def forbidden(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"error":"forbidden","error_description":"No right"}'})

    world.faulty.app = forbidden
    with pytest.raises(Forbidden, match="No right"):
        read(connector, "customers")
