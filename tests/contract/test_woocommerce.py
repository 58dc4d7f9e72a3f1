"""The WooCommerce connector against its stand-in; every request it sends is checked against the shop's own index."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import pytest

from samklang.connectors.contract import Bad, Done, Exchange, Gone, Hint, Item, Page, Surroundings, Want
from samklang.connectors.errors import (
    BadAnswer,
    BadData,
    Forbidden,
    LoginRefused,
    Misconfigured,
    RateLimited,
    Rejected,
    RemoteFault,
    Unsupported,
    Wait,
)  # fmt: skip
from samklang.connectors.registry import manifest
from samklang.connectors.transport import Answer
from samklang.connectors.woocommerce import WooCommerce
from samklang.connectors.woocommerce.client import Facts, refusal
from samklang.connectors.woocommerce.map import Mapper
from samklang.connectors.woocommerce.shapes import OrderRow, ProductRow
from samklang.records import (
    Axis,
    Document,
    Order,
    OrderStatus,
    Price,
    Product,
    Record,
    Shipment,
    StockLevel,
    Variant,
    decode,
    encode,
)  # fmt: skip
from samklang.records.ids import sku_key
from samklang.records.order import Parcel
from samklang.sandboxes.base import Fault, Faulty, serve
from samklang.sandboxes.woocommerce import WooSandbox
from tests.contract.test_woocommerce_sandbox import needs_documents, recorded, simple, variable
from tests.contract.woocommerce_document import Checked, index

R = TypeVar("R", bound=Record)
CATALOGUE = frozenset({"product", "price", "stock"})
ORDERS = frozenset({"order", "order_status"})


class Rig:
    """A shop, its faults, and the connector to it."""

    def __init__(self, shop: WooSandbox, faulty: Faulty, base: str, **settings: Any) -> None:
        self.shop, self.faulty, self.base = shop, faulty, base
        self.exchanges: list[Exchange] = []
        self.departures: list[str] = []
        self.woo = self.connect(**settings)

    def connect(self, **settings: Any) -> WooCommerce:
        """One more connector to the same shop."""
        around = Surroundings(
            capture=self.exchanges.append, now=lambda: 0.0, allow_private=lambda _: True, sleep=lambda _: None,
            tokens=None,  # type: ignore[arg-type]  # basic login keeps no tokens
        )  # fmt: skip
        defaults = {one.name: one.default for one in WooCommerce.manifest.settings if one.default is not None}
        given = {
            "url": self.base, "consumer_key": "ck_sandbox", "consumer_secret": "cs_sandbox", "connection": "woo",
            "channel": "shop", **settings,
        }  # fmt: skip
        return WooCommerce({**defaults, **given}, around)

    def read(
        self, feed: str = "catalogue", since: datetime | None = None, types: frozenset[str] = CATALOGUE
    ) -> list[Any]:
        """All items of a read."""
        return [item for page in self.woo.read(feed, since, types) for item in page.items]

    def ids(self) -> dict[tuple[str, str], str]:
        """The shop's ids as the hub would know them after a read."""
        found: dict[tuple[str, str], str] = {}
        for item in self.read():
            if isinstance(item, Item) and isinstance(item.record, Product):
                found[("product", item.record.key)] = item.external_id
                found |= {(part.type, part.key): part.external_id for part in item.parts}
        return found

    def write(self, type_: str, *wants: Want) -> Sequence[Any]:
        """Results of a write."""
        return self.woo.write(type_, wants)


@pytest.fixture
def rig() -> Iterator[Rig]:
    shop = WooSandbox(40, customers=5, webhook_delay=0.0)
    checked = Checked(shop.app, index())
    faulty = Faulty(checked)
    with serve(faulty) as base:
        made = Rig(shop, faulty, base)
        made.departures = checked.found
        yield made
        made.woo.close()
    assert checked.found == []  # every request of every test fits the vendor's index
    assert checked.seen or not faulty.calls


@pytest.fixture
def empty() -> Iterator[Rig]:
    shop = WooSandbox(0, customers=0)
    checked = Checked(shop.app, index())
    faulty = Faulty(checked)
    with serve(faulty) as base:
        made = Rig(shop, faulty, base)
        yield made
        made.woo.close()
    assert checked.found == []


def records(items: Sequence[Any], cls: type[R]) -> list[R]:
    """The records of one class among the items."""
    return [item.record for item in items if isinstance(item, Item) and isinstance(item.record, cls)]


def want(record: Record, external_id: str = "", **more: Any) -> Want:
    """A wanted record."""
    return Want(key=record.key, record=record, external_id=external_id, **more)


@needs_documents
def test_the_index_finds_what_does_not_fit() -> None:
    """So that the check behind every other test here can fail."""
    known = index()
    assert known.departures("GET", "/wc/v3/products", "per_page=5&_fields=id&offset=3", b"") == []
    for method, path, query, body in (
        ("GET", "/wc/v3/nosuch", "", b""),
        ("GET", "/wc/v3/products", "pages=2", b""),
        ("POST", "/wc/v3/products/batch", "", b'{"update":[{"id":1,"stock_quantity":"many"}]}'),
        ("POST", "/wc/v3/products/batch", "", b'{"update":[{"id":1,"stock_qty":1}]}'),
        ("POST", "/wc/v3/products", "", b'{"status":"live"}'),
        ("PUT", "/wc/v3/orders/1", "", b'{"meta_data":[{"name":"x"}]}'),
    ):
        assert known.departures(method, path, query, body), (path, body)


# ---------------------------------------------------------------------------------------------------- check


def test_the_check_names_the_shop_and_warns(rig: Rig) -> None:
    account = rig.woo.check()
    assert (account.title, account.version) == ("https://shop.example", "10.0.2")
    assert any("https" in warning for warning in account.warnings)
    assert not any("only read" in warning for warning in account.warnings)
    reading = rig.connect(consumer_key="ck_read", consumer_secret="cs_read").check()
    assert any("only read" in warning for warning in reading.warnings)


def test_wrong_keys_and_addresses_are_told_apart(rig: Rig) -> None:
    for settings in ({"consumer_secret": "cs_x"}, {"consumer_key": "ck_x"}):
        with pytest.raises(LoginRefused):
            rig.connect(**settings).check()
    with pytest.raises(Forbidden):
        rig.connect(consumer_key="ck_write", consumer_secret="cs_write").check()
    with pytest.raises(Misconfigured, match="no WooCommerce"):
        rig.connect(url=rig.base + "/blogg").check()


def test_the_key_may_travel_in_the_query_and_is_never_captured(rig: Rig) -> None:
    rig.exchanges.clear()
    assert rig.connect(login="query").check().version
    assert all("consumer_key=***" in one.url for one in rig.exchanges)
    assert not any(b"cs_sandbox" in one.sent + one.got + one.url.encode() for one in rig.exchanges)


def test_the_manifest_agrees_with_the_class() -> None:
    ours = manifest("woocommerce")
    assert ours is WooCommerce.manifest and ours.hooks
    for feed in ours.feeds:
        assert feed.fetch and feed.every_seconds
    assert set(ours.writes) == {"product", "stock", "price", "order_status", "shipment"}


# ---------------------------------------------------------------------------------------------------- catalogue


def test_one_read_gives_products_prices_and_stock(rig: Rig) -> None:
    items = rig.read()
    assert not [item for item in items if isinstance(item, Bad)]
    products = {record.code: record for record in records(items, Product)}
    prices = {record.sku: record for record in records(items, Price)}
    stock = {record.sku: record for record in records(items, StockLevel)}
    rows = rig.shop.catalogue.rows.values()
    assert set(products) == {row.sku for row in rows if not row.parent} and len(products) == 40
    sold = [row for row in rows if not row.variations]
    assert set(prices) == set(stock) == {row.sku for row in sold}
    for row in sold:
        assert prices[row.sku].amount == Decimal(row.regular_price) and prices[row.sku].tax_included
        assert stock[row.sku].on_hand == row.stock_quantity
    parent = variable(rig.shop)
    product = products[parent.sku]
    assert [axis.name for axis in product.axes] == [one["name"] for one in parent.attributes]
    assert {v.sku for v in product.variants} == {rig.shop.catalogue.rows[id_].sku for id_ in parent.variations}
    child = rig.shop.catalogue.rows[parent.variations[0]]
    variant = next(v for v in product.variants if v.sku == child.sku)
    assert variant.options == {one["name"]: one["option"] for one in child.attributes}
    assert variant.weight_g == int(Decimal(child.weight) * 1000) and variant.gtin == (child.gtin,)
    item = next(item for item in items if isinstance(item, Item) and item.record == product)
    assert item.external_id == str(parent.id)
    assert {part.external_id for part in item.parts} == {f"{parent.id}:{id_}" for id_ in parent.variations}
    one = simple(rig.shop)
    mine = products[one.sku]
    assert mine.name == one.name and mine.categories == (one.categories[0]["name"],) and mine.status == "active"
    classes = {"": ("standard", 25), "reduced-12": ("reduced", 12), "reduced-6": ("low", 6)}
    assert (mine.tax_class, prices[one.sku].tax_percent) == classes[one.tax_class]
    for record in (*products.values(), *prices.values(), *stock.values()):
        assert decode(record.type, encode(record)) == record


def test_a_read_goes_over_many_pages_and_leaves_out_types_that_nobody_wants() -> None:
    shop = WooSandbox(450, customers=0)
    faulty = Faulty(shop.app)
    with serve(faulty) as base:
        rig = Rig(shop, faulty, base)
        pages = list(rig.woo.read("catalogue", None, frozenset({"stock"})))
        rig.woo.close()
    assert len(pages) >= 5 and pages[0].total == 450
    levels = records([item for page in pages for item in page.items], StockLevel)
    assert sum(len(page.items) for page in pages) == len(levels) == len({level.sku for level in levels})
    assert {level.sku for level in levels} == {row.sku for row in shop.catalogue.rows.values() if not row.variations}


def test_rows_that_move_up_during_a_read_are_not_skipped() -> None:
    """Products vanish between the pages, so later ones move onto pages that were read already."""
    shop = WooSandbox(500, customers=0)
    gone = [row for row in shop.catalogue.rows.values() if not row.parent][:60]
    left = {row.sku for row in shop.catalogue.rows.values() if not row.parent} - {row.sku for row in gone}
    faulty = Faulty(shop.app)
    with serve(faulty) as base:
        rig = Rig(shop, faulty, base)
        seen: list[str] = []
        for number, page in enumerate(rig.woo.read("catalogue", None, frozenset({"product"}))):
            seen += [record.code for record in records(page.items, Product)]
            if number < 3:
                with shop.lock:
                    for row in gone[number * 20 : number * 20 + 20]:
                        shop.catalogue.delete(row, force=False)
        rig.woo.close()
    assert left <= set(seen) and len(seen) == len(set(seen))


def test_a_read_that_was_cut_off_goes_on_without_a_gap() -> None:
    shop = WooSandbox(350, customers=0)
    faulty = Faulty(shop.app)
    with serve(faulty) as base:
        rig = Rig(shop, faulty, base)
        types = frozenset({"product"})
        first: list[Page] = []
        for page in rig.woo.read("catalogue", None, types):
            first.append(page)
            if len(first) == 2:
                break
        before = [record.code for page in first for record in records(page.items, Product)]
        with shop.lock:  # meanwhile three that were read already go to the trash: everything moves up
            for row in [row for row in shop.catalogue.rows.values() if row.sku in before[:3]]:
                shop.catalogue.delete(row, force=False)
        rest = rig.woo.read("catalogue", None, types, first[-1].resume)
        after = [record.code for page in rest for record in records(page.items, Product)]
        rig.woo.close()
    everything = {row.sku for row in shop.catalogue.rows.values() if not row.parent}
    assert set(before) | set(after) == everything and not set(before) & set(after)


def test_news_are_found_from_their_second_on_in_any_time_zone() -> None:
    clock = [datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp()]  # the night in which 02:00–03:00 comes twice
    shop = WooSandbox(5, customers=0, now=lambda: clock[0])
    faulty = Faulty(shop.app)
    with serve(faulty) as base:
        rig = Rig(shop, faulty, base)
        one, other = simple(shop), simple(shop, 1)
        shop.change(one.sku, stock=1)
        placed = shop.place_order([(other.sku, 1)])
        clock[0] += 3600  # the same time on the shop's wall, an hour later
        shop.change(other.sku, stock=2)
        news = rig.read(since=datetime.fromtimestamp(clock[0], UTC), types=frozenset({"stock"}))
        assert [record.sku for record in records(news, StockLevel)] == [other.sku]
        assert rig.read(since=datetime.fromtimestamp(clock[0] + 1, UTC)) == []
        orders = records(rig.read("orders", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), ORDERS), Order)
        assert [(o.order_no, o.placed_at) for o in orders] == [
            (placed["number"], datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
        ]
        rig.woo.close()


def test_a_wrong_row_is_a_problem_and_its_neighbours_pass(rig: Rig) -> None:
    one, other = simple(rig.shop), simple(rig.shop, 1)
    with rig.shop.lock:
        rig.shop.catalogue.update(one, {"sku": ""})
    items = rig.read()
    bad = [item for item in items if isinstance(item, Bad)]
    assert [(row.type, row.external_id) for row in bad] == [("product", str(one.id))]
    assert isinstance(bad[0].error, BadData) and "number (SKU)" in bad[0].error.do_this
    assert len(records(items, Product)) == 39
    assert {record.sku for record in records(items, StockLevel)} >= {other.sku}


def test_a_row_of_a_wrong_shape_is_a_problem_too(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    one = simple(rig.shop)
    honest = rig.shop.catalogue.as_product
    monkeypatch.setattr(
        rig.shop.catalogue, "as_product",
        lambda row, **more: {**honest(row, **more), **({"regular_price": [1]} if row is one else {}), "new_in_11": {}},
    )  # fmt: skip
    items = rig.read()
    bad = [item for item in items if isinstance(item, Bad)]
    assert [row.external_id for row in bad] == [str(one.id)] and "regular_price" in bad[0].error.what
    assert len(records(items, Product)) == 39  # the unknown field troubles nobody


def test_a_sale_keeps_the_price_before(rig: Rig) -> None:
    one = simple(rig.shop)
    with rig.shop.lock:
        rig.shop.catalogue.update(
            one, {"regular_price": "200", "sale_price": "150", "date_on_sale_to": "2099-01-31T23:59:59"}
        )
    price = next(record for record in records(rig.read(), Price) if record.sku == one.sku)
    assert (price.amount, price.compare_at, str(price.valid_to)) == (150, 200, "2099-01-31")
    with rig.shop.lock:
        rig.shop.catalogue.update(one, {"date_on_sale_to": "2020-01-31T23:59:59"})
    price = next(record for record in records(rig.read(), Price) if record.sku == one.sku)
    assert (price.amount, price.compare_at, price.valid_to) == (200, None, None)


def test_single_records_are_fetched_and_missing_ones_are_gone(rig: Rig) -> None:
    one, parent, trashed = simple(rig.shop), variable(rig.shop), simple(rig.shop, 1)
    with rig.shop.lock:
        rig.shop.catalogue.delete(trashed, force=False)
    items = [
        item for page in rig.woo.fetch("catalogue", [str(one.id), str(parent.id), str(trashed.id), "999999"])
        for item in page.items
    ]  # fmt: skip
    assert {record.code for record in records(items, Product)} == {one.sku, parent.sku}
    assert [item for item in items if isinstance(item, Gone)] == [
        Gone(type="product", external_id=str(trashed.id)), Gone(type="product", external_id="999999"),
    ]  # fmt: skip
    order = rig.shop.place_order()
    items = [item for page in rig.woo.fetch("orders", [str(order["id"])]) for item in page.items]
    assert len(records(items, Order)) == len(records(items, OrderStatus)) == 1


@needs_documents
def test_recorded_rows_of_a_real_shop_become_records() -> None:
    facts = Facts(
        currency="SEK", country="SE", inclusive=True, per_line=True, grams=Decimal(1000),
        percents={"": Decimal(25), "reduced-12": Decimal(12), "reduced-6": Decimal(6)},
    )  # fmt: skip
    mapper = Mapper({"connection": "woo", "channel": "shop", "meta": "_supplier_no,ext_ref"}, facts)
    body = recorded("product_simple")["body"]
    product, price, stock = (item.record for item in mapper.catalogue(msgspec.convert(body, ProductRow), (), CATALOGUE))
    assert isinstance(product, Product) and isinstance(price, Price) and isinstance(stock, StockLevel)
    assert (product.code, product.name, product.variants[0].weight_g) == (body["sku"], body["name"], 4200)
    assert product.custom == {"woo": {"_supplier_no": "LEV0"}} and product.variants[0].gtin == ("7350000000016",)
    assert (price.amount, price.tax_percent, stock.on_hand) == (712, 25, 50)
    row = msgspec.convert(recorded("product_variable")["body"], ProductRow)
    below = msgspec.convert(recorded("variations")["body"], list[ProductRow])
    items = mapper.catalogue(row, below, CATALOGUE)
    assert len(items) == 1 + 6 + 6 and {variant.options["Storlek"] for variant in items[0].record.variants} == {
        "S",
        "M",
        "L",
    }
    order = mapper.order(msgspec.convert(recorded("order_create")["body"], OrderRow), ORDERS)[0].record
    assert isinstance(order, Order)
    order.check_totals()
    assert (order.gross, order.tax, order.net) == (Decimal("1714.5"), Decimal("308.27"), Decimal("1406.23"))
    assert [(line.sku, line.unit_price, line.tax_percent) for line in order.lines] == [
        ("WOO-0001", 712, 25), ("WOO-0003", Decimal("241.5"), 6),
    ]  # fmt: skip
    assert [(tax.percent, tax.base, tax.tax) for tax in order.taxes] == [
        (6, Decimal("227.83"), Decimal("13.67")), (25, Decimal("1178.4"), Decimal("294.6")),
    ]  # fmt: skip
    assert order.charges[0].gross == 49 and order.custom == {"woo": {"ext_ref": "A-1"}}
    empty = mapper.order(msgspec.convert(recorded("order_unknown_sku")["body"], OrderRow), ORDERS)[0].record
    assert isinstance(empty, Order) and empty.lines[0].kind == "free_text" and empty.gross == 0


# ---------------------------------------------------------------------------------------------------- orders


def test_orders_keep_the_buyers_totals_to_the_ore(rig: Rig) -> None:
    for number in range(30):
        row = simple(rig.shop, number % 20)
        rig.shop.change(row.sku, price=Decimal(number * 7919 % 90000 + 1) / 100, stock=99)
    placed = {order["number"]: order for order in (rig.shop.place_order() for _ in range(40))}
    orders = records(rig.read("orders", types=ORDERS), Order)
    assert {order.order_no for order in orders} == set(placed)
    for order in orders:
        theirs = placed[order.order_no]
        order.check_totals()
        assert order.gross == Decimal(theirs["total"]) and order.tax == Decimal(theirs["total_tax"])
        assert sum(part.gross for part in (*order.lines, *order.charges)) == order.gross
        assert sum(tax.tax for tax in order.taxes) == order.tax and sum(tax.base for tax in order.taxes) == order.net
        for line, row in zip(order.lines, theirs["line_items"], strict=True):
            assert abs(line.unit_price * line.quantity - line.discount - line.gross) <= Decimal("0.01")
            assert line.line_id == str(row["id"]) and line.tax_percent in (6, 12, 25)
        assert bool(order.discounts) == bool(theirs["coupon_lines"])
        company = theirs["billing"]["company"]
        assert order.customer.kind == ("company" if company else "person")
        assert (order.customer.name == company and order.customer.org_no) if company else not order.customer.org_no
        assert order.customer.key == (
            f"org:{order.customer.org_no.replace('-', '')}" if company else f"mail:{order.customer.email}"
        )
        assert order.shipping.city == theirs["shipping"]["city"] and order.billing.country == "SE"
        assert order.key == f"shop/{order.order_no}" and order.time_zone == "Europe/Stockholm"
        assert decode("order", encode(order)) == order


def test_a_shop_that_keeps_prices_without_vat_is_read_on_that_side() -> None:
    shop = WooSandbox(20, prices_include_tax=False, round_tax_at_subtotal=True)
    faulty = Faulty(shop.app)
    with serve(faulty) as base:
        rig = Rig(shop, faulty, base)
        one = simple(shop)
        shop.change(one.sku, price="79.90", stock=10)
        shop.place_order([(one.sku, 3)], coupon=False)
        order = records(rig.read("orders", types=ORDERS), Order)[0]
        price = next(record for record in records(rig.read(), Price) if record.sku == one.sku)
        rig.woo.close()
    assert not order.prices_include_tax and order.tax_rounding == "document"
    assert (order.lines[0].unit_price, price.amount, price.tax_included) == (Decimal("79.9"), Decimal("79.9"), False)
    order.check_totals()


@pytest.mark.parametrize(
    ("status", "method", "lifecycle", "fulfilment", "payment"),
    [
        ("pending", "swish", "placed", "", "pending"),
        ("on-hold", "bacs", "placed", "", "pending"),
        ("failed", "swish", "placed", "", "pending"),
        ("processing", "swish", "confirmed", "", "captured"),
        ("processing", "klarna_payments", "confirmed", "", "authorised"),
        ("completed", "klarna_payments", "closed", "shipped", "captured"),
        ("cancelled", "swish", "cancelled", "", "voided"),
    ],
)
def test_a_status_is_three_axes(
    rig: Rig, status: str, method: str, lifecycle: str, fulfilment: str, payment: str
) -> None:
    number = rig.shop.place_order(status=status, payment_method=method)["number"]
    items = rig.read("orders", types=ORDERS)
    state, order = records(items, OrderStatus)[0], records(items, Order)[0]
    assert (state.raw, state.lifecycle, state.fulfilment, state.payment) == (status, lifecycle, fulfilment, payment)
    assert (order.status, order.lifecycle, order.payment) == (status, lifecycle, payment)
    assert order.paid == (order.gross if payment == "captured" else 0)
    assert state.order == order.key == f"shop/{number}" and all(item.external_id == number for item in items)


def test_a_plugins_own_status_is_kept_and_an_unfinished_cart_is_no_order(rig: Rig) -> None:
    packed, cart = rig.shop.place_order(), rig.shop.place_order()
    rig.shop.orders.orders[packed["id"]].status = "wc-packed"
    rig.shop.orders.orders[cart["id"]].status = "checkout-draft"
    items = rig.read("orders", types=ORDERS)
    assert [(s.raw, s.lifecycle, s.payment) for s in records(items, OrderStatus)] == [("wc-packed", "", "")]
    assert records(items, Order)[0].lifecycle == "placed"


def test_refunds_show_in_the_order(rig: Rig) -> None:
    placed = rig.shop.place_order(payment_method="swish")
    with rig.shop.lock:
        rig.shop.orders.refund(rig.shop.orders.get(placed["id"]), {"amount": "10.00"})
    order = records(rig.read("orders", types=ORDERS), Order)[0]
    assert (order.refunded, order.payment, order.gross) == (10, "partly_refunded", Decimal(placed["total"]))
    with rig.shop.lock:
        rest = str(Decimal(placed["total"]) - 10)
        rig.shop.orders.refund(rig.shop.orders.get(placed["id"]), {"amount": rest})
    order = records(rig.read("orders", types=ORDERS), Order)[0]
    assert (order.refunded, order.payment, order.status) == (order.gross, "refunded", "refunded")


def test_what_was_paid_and_given_back_are_transactions(rig: Rig) -> None:
    """The refund names the line that it is for; a sum alone names none."""
    placed = rig.shop.place_order(payment_method="stripe")
    with rig.shop.lock:
        stored = rig.shop.orders.get(placed["id"])
        stored.transaction_id = "ch_1"
        line = placed["line_items"][0]
        back = {"id": line["id"], "quantity": 1, "refund_total": line["total"]}
        tax = [{"id": one["id"], "refund_total": one["total"]} for one in line["taxes"]]
        gross = Decimal(line["total"]) + Decimal(line["total_tax"])
        asked = {"amount": str(gross), "line_items": [{**back, "refund_tax": tax}], "api_refund": False}
        rig.shop.orders.refund(stored, asked)
        rig.shop.orders.refund(stored, {"amount": "1.00", "api_refund": False})
    order = records(rig.read("orders", types=ORDERS), Order)[0]
    sale, *refunds = order.payments
    of_sum, of_line = sorted(refunds, key=lambda one: len(one.parts))
    assert (sale.kind, sale.provider, sale.provider_id, sale.amount) == ("capture", "stripe", "ch_1", order.gross)
    assert [(part.line_id, part.gross) for part in of_line.parts] == [(order.lines[0].line_id, gross)]
    assert (of_line.kind, of_line.parent_id, of_sum.parts, of_sum.amount) == ("refund", "ch_1", (), 1)
    assert len({of_line.provider_id, of_sum.provider_id}) == 2


def test_a_method_that_only_authorises_is_captured_when_the_order_is_completed(rig: Rig) -> None:
    rig.woo = rig.connect(authorising="kco")
    placed = rig.shop.place_order(payment_method="kco")
    order = records(rig.read("orders", types=ORDERS), Order)[0]
    assert [(one.kind, one.provider) for one in order.payments] == [("authorise", "klarna")]
    with rig.shop.lock:
        rig.shop.orders.update(rig.shop.orders.get(placed["id"]), {"status": "completed"})
    order = records(rig.read("orders", types=ORDERS), Order)[0]
    assert [one.kind for one in order.payments] == ["authorise", "capture"]
    assert order.payments[1].parent_id == order.payments[0].provider_id


def test_customers_have_no_number_of_the_shops(rig: Rig) -> None:
    found = rig.read("customers", types=frozenset({"customer"}))
    assert len(found) == 5
    for item in found:
        row = rig.shop.customers.rows[int(item.external_id)]
        assert item.record.email == row["email"] and item.record.customer_no == ""
        assert item.record.org_no == next((meta["value"] for meta in row["meta_data"]), "")


# ---------------------------------------------------------------------------------------------------- products out


def article(code: str = "A-1", **more: Any) -> Product:
    """A simple article."""
    variant = Variant(sku=code, gtin=("7350000000016",), weight_g=250)
    return Product(**{"code": code, "name": "Ullsocka & co", "variants": (variant,), **more})


def sweater(colours: Sequence[str] = ("Blå", "Röd")) -> Product:
    """A product with variants."""
    variants = tuple(Variant(sku=f"T-{n}", options={"Färg": c}, weight_g=300) for n, c in enumerate(colours))
    return Product(code="T", name="Tröja", variants=variants, axes=(Axis("Färg", "Färg"),), tax_class="standard")


def test_articles_are_created_and_read_back_as_they_were_sent(empty: Rig) -> None:
    record = article(
        description="Varm och mjuk", categories=("Kläder", "Fötter & ben"), tax_class="reduced",
        attributes={"Material": "Ull", "Säsong": ["Höst", "Vinter"]},
        custom={"woo": {"artikelgrupp": "7"}, "erp": {"x": "y"}},
    )  # fmt: skip
    (done,) = empty.write("product", want(record))
    assert isinstance(done, Done) and callable(done.seen)
    row = empty.shop.catalogue.get(int(done.external_id))
    assert (row.sku, row.weight, row.tax_class, row.gtin) == ("A-1", "0.25", "reduced-12", "7350000000016")
    (item,) = empty.read(types=frozenset({"product"}))
    assert item.record == done.seen() and (item.external_id, item.parts) == (done.external_id, done.parts)
    assert item.record.attributes == record.attributes and item.record.categories == record.categories
    assert (item.record.name, item.record.description) == (record.name, record.description)
    assert item.record.custom == {"woo": {"artikelgrupp": "7"}}
    # a second product with the same categories makes no new ones
    empty.write("product", want(article("A-2", categories=("kläder",))))
    assert len(empty.shop.catalogue.categories) == 2


def test_a_product_with_variants_is_created_whole(empty: Rig) -> None:
    (done,) = empty.write("product", want(sweater()))
    assert isinstance(done, Done)
    (item,) = empty.read(types=frozenset({"product"}))
    assert item.record == done.seen() and item.parts == done.parts and len(item.parts) == 2
    assert {v.sku: v.options for v in item.record.variants} == {"T-0": {"Färg": "Blå"}, "T-1": {"Färg": "Röd"}}
    # one more colour, one archived
    more = sweater(("Blå", "Röd", "Grön"))
    more = msgspec.structs.replace(
        more, variants=(msgspec.structs.replace(more.variants[0], status="archived"), *more.variants[1:])
    )
    (done,) = empty.write("product", want(more, done.external_id))
    assert isinstance(done, Done)
    rows = [row for row in empty.shop.catalogue.rows.values() if row.parent]
    assert sorted((row.sku, row.status) for row in rows) == [("T-0", "private"), ("T-1", "publish"), ("T-2", "publish")]
    assert empty.shop.catalogue.get(int(done.external_id)).attributes[0]["options"] == ["Blå", "Röd", "Grön"]
    (item,) = empty.read(types=frozenset({"product"}))
    assert item.record == done.seen() and {v.sku: v.status for v in item.record.variants}["T-0"] == "archived"


def test_the_same_batch_twice_has_one_effect(empty: Rig) -> None:
    wants = [want(article(f"A-{n}")) for n in range(3)]
    wants = [want(msgspec.structs.replace(one.record, variants=(Variant(sku=one.record.code),))) for one in wants]
    first = empty.write("product", *wants, want(sweater()))
    again = empty.write("product", *wants, want(sweater()))
    assert all(isinstance(one, Rejected) for one in again)
    assert [one.existing for one in again] == [one.external_id for one in first]
    assert len(empty.shop.catalogue.rows) == 4 + 2
    updated = empty.write("product", *(want(w.record, d.external_id) for w, d in zip(wants, first[:3], strict=True)))
    assert [one.external_id for one in updated] == [one.external_id for one in first[:3]]
    assert len(empty.shop.catalogue.rows) == 4 + 2


def test_after_doubt_the_product_is_found_and_its_missing_variants_are_added(empty: Rig) -> None:
    """The answer to the create is lost after the shop has made the parent: no variations yet, no id known."""
    empty.faulty.faults = [Fault("lost", times=1, method="POST", path="/products/batch")]
    with pytest.raises(RemoteFault) as caught:
        empty.write("product", want(sweater()))
    assert caught.value.maybe_applied
    (matches,) = empty.woo.find("product", [want(sweater())], ())
    assert [(match.by, match.external_id) for match in matches] == [("sku", str(next(iter(empty.shop.catalogue.rows))))]
    (done,) = empty.write("product", want(sweater(), matches[0].external_id))
    assert isinstance(done, Done) and len(done.parts) == 2
    assert len([row for row in empty.shop.catalogue.rows.values() if not row.parent]) == 1


def test_finding_is_exact(rig: Rig) -> None:
    one, parent = simple(rig.shop), variable(rig.shop)
    child = rig.shop.catalogue.rows[parent.variations[0]]
    wants = [
        want(article(one.sku)), want(article(one.sku[:-1])), want(article(child.sku)),
    ]  # fmt: skip
    found = rig.woo.find("product", wants, ("sku",))
    assert [[match.external_id for match in row] for row in found[:3]] == [[str(one.id)], [], [str(parent.id)]]


def test_an_update_writes_only_the_wanted_fields(rig: Rig) -> None:
    one = simple(rig.shop)
    before = rig.shop.catalogue.as_product(one)
    record = article(one.sku, name="Nytt namn", description="Ny text")
    (done,) = rig.write("product", want(record, str(one.id), fields=frozenset({"name"})))
    assert isinstance(done, Done)
    after = rig.shop.catalogue.as_product(one)
    changed = {key for key in after if after[key] != before[key]} - {"date_modified", "date_modified_gmt"}
    assert changed == {"name"}
    body = json.loads(next(one for one in rig.exchanges if one.method == "POST").sent)
    assert body == {"update": [{"id": one.id, "name": "Nytt namn"}]}


def test_one_refused_product_leaves_its_neighbours_alone(rig: Rig) -> None:
    taken = simple(rig.shop)
    results = rig.write(
        "product",
        want(article("NY-1", variants=(Variant(sku="NY-1"),))),
        want(article(taken.sku, variants=(Variant(sku=taken.sku),))),
        want(article("NY-2", tax_class="nonsense", variants=(Variant(sku="NY-2"),))),
        want(article("NY-3", variants=(Variant(sku="a"), Variant(sku="b")))),
        want(article("NY-4", variants=(Variant(sku="NY-4"),)), "999999"),
        want(article("NY-5", variants=(Variant(sku="NY-5"),))),
    )
    assert [type(one) for one in results] == [Done, Rejected, BadData, Unsupported, Rejected, Done]
    assert results[1].existing == str(taken.id)
    assert "NY-1" in rig.shop.snapshot()["products"] and "NY-5" in rig.shop.snapshot()["products"]


def test_a_variations_sku_that_another_product_holds_never_binds_to_that(rig: Rig) -> None:
    taken = simple(rig.shop)
    record = sweater()
    record = msgspec.structs.replace(
        record, variants=(msgspec.structs.replace(record.variants[0], sku=taken.sku), record.variants[1])
    )
    (result,) = rig.write("product", want(record))
    assert isinstance(result, Rejected) and result.existing == ""


def test_images_are_sent_once(empty: Rig) -> None:
    record = article(images=("https://cdn.example/a.jpg",))
    (done,) = empty.write("product", want(record))
    empty.exchanges.clear()
    empty.write("product", want(record, done.external_id))
    assert not any(b"images" in one.sent for one in empty.exchanges)
    empty.write("product", want(record, done.external_id, fields=frozenset({"images"})))
    assert any(b"images" in one.sent for one in empty.exchanges)


# ---------------------------------------------------------------------------------------------------- stock, prices out


def test_stock_goes_out_in_batches_and_reads_back_the_same(rig: Rig) -> None:
    ids = rig.ids()
    parent, one = variable(rig.shop), simple(rig.shop)
    skus = [one.sku, *(rig.shop.catalogue.rows[id_].sku for id_ in parent.variations), simple(rig.shop, 1).sku]
    wants = [
        want(StockLevel(sku=sku, warehouse="@shop", on_hand=Decimal(n * 3), reserved=Decimal(1)), ids=ids)
        for n, sku in enumerate(skus)
    ]
    rig.faulty.reset_calls()
    results = rig.write("stock", *wants)
    assert len([call for call in rig.faulty.calls if call.method == "POST"]) == 2  # articles; variations of the product
    shown = rig.shop.snapshot()["products"]
    assert [shown[sku]["stock"] for sku in skus] == [max(0, n * 3 - 1) for n in range(len(skus))]
    read = {record.key: record for record in records(rig.read(), StockLevel)}
    assert all(
        isinstance(result, Done) and result.seen == read[f"{sku_key(sku)}|"]
        for result, sku in zip(results, skus, strict=True)
    )


def test_stock_of_an_article_that_counted_none_is_switched_on_and_not_lost(rig: Rig) -> None:
    one = simple(rig.shop)
    with rig.shop.lock:
        rig.shop.catalogue.update(one, {"manage_stock": False})
    ids = rig.ids()
    assert one.sku not in {record.sku for record in records(rig.read(), StockLevel)}
    (done,) = rig.write("stock", want(StockLevel(sku=one.sku, on_hand=Decimal("7.9")), ids=ids))
    assert isinstance(done, Done) and (one.manage_stock, one.stock_quantity) == (True, 7)


def test_a_stock_that_the_product_keeps_for_all_variants_is_not_counted_once_for_each(rig: Rig) -> None:
    parent = variable(rig.shop)
    skus = {rig.shop.catalogue.rows[id_].sku for id_ in parent.variations}
    with rig.shop.lock:
        rig.shop.catalogue.update(parent, {"manage_stock": True, "stock_quantity": 12})
        for id_ in parent.variations:
            rig.shop.catalogue.update(rig.shop.catalogue.rows[id_], {"manage_stock": False})
    items = rig.read()
    assert not skus & {record.sku for record in records(items, StockLevel)}
    product = next(record for record in records(items, Product) if record.code == parent.sku)
    assert all(variant.track_stock for variant in product.variants)


def test_unknown_and_vanished_articles_fail_alone(rig: Rig) -> None:
    ids, one, parent = rig.ids(), simple(rig.shop), variable(rig.shop)
    child = rig.shop.catalogue.rows[parent.variations[0]]
    with rig.shop.lock:
        rig.shop.catalogue.delete(parent, force=True)
    level = StockLevel(sku="x", on_hand=Decimal(5))
    skus = [one.sku, "okänd", child.sku]
    results = rig.write("stock", *(want(msgspec.structs.replace(level, sku=sku), ids=ids) for sku in skus))
    assert [type(result) for result in results] == [Done, Wait, Rejected]
    assert results[1].needs == ("variant", "okänd") and one.stock_quantity == 5


def test_prices_go_out_on_the_shops_side(rig: Rig) -> None:
    ids, one, other = rig.ids(), simple(rig.shop), simple(rig.shop, 1)
    base: dict[str, Any] = {"currency": "SEK", "tax_percent": Decimal(25)}
    results = rig.write(
        "price",
        want(Price(sku=one.sku, amount=Decimal("79.92"), tax_included=False, **base), ids=ids),
        want(Price(sku=other.sku, amount=Decimal(150), compare_at=Decimal(200), tax_included=True, **base), ids=ids),
        want(Price(sku=one.sku, amount=Decimal(1), tax_included=True, price_list="B2B", **base), ids=ids),
        want(Price(sku=one.sku, amount=Decimal(1), tax_included=True, currency="EUR"), ids=ids),
        want(Price(sku=one.sku, amount=Decimal(1), tax_included=False, currency="SEK"), ids=ids),
        want(Price(sku=one.sku, amount=Decimal(1), tax_included=True, min_qty=10, **base), ids=ids),
    )
    assert [type(result) for result in results] == [Done, Done, Unsupported, Unsupported, BadData, Unsupported]
    assert (one.regular_price, other.regular_price, other.sale_price) == ("99.90", "200.00", "150.00")
    read = {record.sku: record for record in records(rig.read(), Price)}
    assert read[one.sku] == msgspec.structs.replace(results[0].seen, tax_percent=read[one.sku].tax_percent)
    rig.write("price", want(Price(sku=other.sku, amount=Decimal(180), tax_included=True, **base), ids=ids))
    assert (other.regular_price, other.sale_price) == ("180.00", "")


def test_prices_of_variants_go_to_their_product(rig: Rig) -> None:
    ids, parent = rig.ids(), variable(rig.shop)
    skus = [rig.shop.catalogue.rows[id_].sku for id_ in parent.variations]
    results = rig.write(
        "price", *(want(Price(sku=sku, amount=Decimal(10), tax_included=True, currency="SEK"), ids=ids) for sku in skus)
    )
    assert all(isinstance(result, Done) for result in results)
    assert {rig.shop.catalogue.rows[id_].regular_price for id_ in parent.variations} == {"10.00"}


# ---------------------------------------------------------------------------------------------------- orders out


def told(placed: dict[str, Any], **axes: Any) -> Want:
    """An order's status as an ERP tells it."""
    record = OrderStatus(order=f"shop/{placed['number']}", **axes)
    return want(record, ids={("order", record.order): str(placed["id"])})


def test_a_shipped_order_is_completed_once_and_gets_its_invoice_number(rig: Rig) -> None:
    placed = rig.shop.place_order()
    invoice = (Document(kind="invoice", number="10001", state="booked"),)
    (done,) = rig.write("order_status", told(placed, fulfilment="shipped", documents=invoice))
    assert isinstance(done, Done) and isinstance(done.seen, OrderStatus) and done.seen.raw == "completed"
    order = rig.shop.orders.get(placed["id"])
    assert order.status == "completed" and ("invoice_number", "10001") in [(m["key"], m["value"]) for m in order.meta]
    modified, version = order.modified, rig.shop.orders.version
    (again,) = rig.write("order_status", told(placed, fulfilment="delivered", documents=invoice))
    assert isinstance(again, Done) and (order.modified, rig.shop.orders.version) == (modified, version)
    read = records(rig.read("orders", types=ORDERS), OrderStatus)
    assert read == [done.seen]


def test_a_status_never_goes_backwards_and_the_trash_is_left_alone(rig: Rig) -> None:
    completed, trashed, cancelled = (
        rig.shop.place_order(status="completed"),
        rig.shop.place_order(),
        rig.shop.place_order(),
    )
    with rig.shop.lock:
        rig.shop.orders.trash(rig.shop.orders.get(trashed["id"]))
    options = {"status_map": {"picking": "processing"}}
    (kept,) = rig.write("order_status", msgspec.structs.replace(told(completed, fulfilment="picking"), options=options))
    assert isinstance(kept, Done) and rig.shop.orders.get(completed["id"]).status == "completed"
    (no,) = rig.write("order_status", told(completed, lifecycle="cancelled"))
    (binned,) = rig.write("order_status", told(trashed, fulfilment="shipped"))
    assert isinstance(no, Rejected) and isinstance(binned, Rejected)
    assert rig.shop.orders.get(trashed["id"]).status == "trash"
    (done,) = rig.write("order_status", told(cancelled, lifecycle="cancelled"))
    assert isinstance(done, Done) and rig.shop.orders.get(cancelled["id"]).status == "cancelled"


def test_a_status_that_the_shop_does_not_have_is_refused_not_swallowed(rig: Rig) -> None:
    placed = rig.shop.place_order()
    odd = msgspec.structs.replace(told(placed, fulfilment="shipped"), options={"status_map": {"shipped": "skickad"}})
    (result,) = rig.write("order_status", odd)
    assert isinstance(result, Rejected) and "skickad" not in rig.shop.orders.get(placed["id"]).status
    assert rig.shop.orders.get(placed["id"]).status == "processing"
    assert "skickad" in "".join(rig.departures) or not index().routes
    rig.departures.clear()  # the word is the merchant's, not the vendor's
    (result,) = rig.write("order_status", want(OrderStatus(order="shop/1", fulfilment="shipped")))
    assert isinstance(result, Wait)


def test_tracking_becomes_one_note_even_when_the_answer_is_lost(rig: Rig) -> None:
    placed = rig.shop.place_order()
    key = f"shop/{placed['number']}"
    parcel = Parcel(tracking_no="SE123", tracking_url="https://spara.example/SE123")
    sent = want(
        Shipment(order=key, number="F1", carrier_code="PostNord", parcels=(parcel,)),
        ids={("order", key): str(placed["id"])}, options={"mail": True},
    )  # fmt: skip
    rig.faulty.faults = [Fault("lost", times=1, method="POST", path="/notes")]
    (lost,) = rig.write("shipment", sent)
    assert isinstance(lost, RemoteFault)
    (done,) = rig.write("shipment", sent)
    notes = rig.shop.orders.get(placed["id"]).notes
    assert [note["note"] for note in notes] == ["PostNord F1: SE123 https://spara.example/SE123"]
    assert notes[0]["customer_note"] is True and done.external_id == str(notes[0]["id"])


# ---------------------------------------------------------------------------------------------------- trouble


def test_limits_faults_and_cut_answers_have_their_own_errors(rig: Rig) -> None:
    rig.faulty.faults = [Fault("429", times=1, seconds=0.0, path="/products")]
    assert len(records(rig.read(), Product)) == 40  # the transport waited and went on
    rig.faulty.faults = [Fault("429", seconds=120.0, path="/products")]
    with pytest.raises(RateLimited) as limited:
        rig.read()
    assert limited.value.retry_after == 120
    rig.faulty.faults = [Fault("cut", path="/products", method="GET")]
    with pytest.raises(RemoteFault, match="broke off"):
        rig.read()
    rig.faulty.faults = [Fault("500", path="/products/batch")]
    with pytest.raises(RemoteFault):
        rig.write("product", want(article("X")))
    assert "X" not in rig.shop.snapshot()["products"]


def test_a_list_that_hides_its_length_or_stops_early_is_no_complete_read(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = rig.woo._shop.call

    def without_total(method: str, path: str, *rest: Any, **more: Any) -> Answer:
        answer = original(method, path, *rest, **more)
        if path == "/products":
            answer.headers = {k: v for k, v in answer.headers.items() if k != "x-wp-total"}
        return answer

    monkeypatch.setattr(rig.woo._shop, "call", without_total)
    with pytest.raises(BadAnswer, match="how long"):
        rig.read()

    def too_few(method: str, path: str, *rest: Any, **more: Any) -> Answer:
        answer = original(method, path, *rest, **more)
        if path == "/products":
            answer.headers = {**answer.headers, "x-wp-total": "90"}
        return answer

    monkeypatch.setattr(rig.woo._shop, "call", too_few)
    with pytest.raises(BadAnswer, match="90 rows"):
        rig.read()


def test_notices_before_the_json_are_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = rig.shop.catalogue.as_product
    monkeypatch.setattr(
        "samklang.sandboxes.woocommerce.routes._encode", lambda row: b"<b>Notice</b>" + msgspec.json.encode(row)
    )
    assert honest
    with pytest.raises(BadAnswer) as caught:
        rig.read()
    assert "plugin" in caught.value.do_this


def test_refusals_whose_data_is_a_number_are_understood() -> None:
    error = refusal(500, {"code": "woocommerce_rest_cannot_create_order_refund", "message": "Invalid.", "data": 500})
    assert isinstance(error, Rejected) and error.existing == ""


def test_several_threads_may_use_one_connector(rig: Rig) -> None:
    ids = rig.ids()
    skus = [simple(rig.shop, n).sku for n in range(8)]
    failures: list[object] = []

    def work(sku: str) -> None:
        (result,) = rig.write("stock", want(StockLevel(sku=sku, on_hand=Decimal(42)), ids=ids))
        if not isinstance(result, Done) or len(records(rig.read(), Product)) != 40:
            failures.append(result)

    threads = [threading.Thread(target=work, args=(sku,)) for sku in skus]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and {rig.shop.snapshot()["products"][sku]["stock"] for sku in skus} == {42}


# ---------------------------------------------------------------------------------------------------- webhooks


def signed(body: bytes, secret: str = "hemlig", resource: str = "order") -> dict[str, str]:
    """Headers as the shop sends them."""
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    return {"x-wc-webhook-signature": signature, "x-wc-webhook-resource": resource}


def test_webhooks_are_registered_once_and_mended(rig: Rig) -> None:
    for _ in range(2):
        rig.woo.register_hooks("http://127.0.0.1:9/in/woo", "hemlig")
    hooks = list(rig.shop.webhooks.hooks.values())
    assert len(hooks) == 8 == len({hook.topic for hook in hooks})
    hooks[0].status = "disabled"
    rig.woo.register_hooks("http://127.0.0.1:9/in/woo", "ny hemlighet")
    assert len(rig.shop.webhooks.hooks) == 8
    assert {(hook.status, hook.secret) for hook in rig.shop.webhooks.hooks.values()} == {("active", "ny hemlighet")}


def test_a_webhook_becomes_a_hint_when_its_signature_is_right(rig: Rig) -> None:
    body = json.dumps({"id": 7, "status": "processing"}).encode()
    assert rig.woo.hints(signed(body), body, "hemlig") == [Hint("orders", "7")]
    with pytest.raises(Rejected):
        rig.woo.hints(signed(body), body + b" ", "hemlig")
    with pytest.raises(Rejected):
        rig.woo.hints({"x-wc-webhook-resource": "order"}, body, "hemlig")
    body = b'{"id":66,"type":"variation","parent_id":60}'
    assert rig.woo.hints(signed(body, resource="product"), body, "hemlig") == [Hint("catalogue", "60")]
    body = b'{"id":139}'
    assert rig.woo.hints(signed(body, resource="product"), body, "hemlig") == [Hint("catalogue", "139")]
    assert rig.woo.hints({}, b"webhook_id=1", "hemlig") == []  # the ping


@needs_documents
def test_recorded_deliveries_of_a_real_shop_are_hints(rig: Rig) -> None:
    for name, feed in (
        ("order_created", "orders"),
        ("product_deleted", "catalogue"),
        ("product_updated_variation", "catalogue"),
    ):
        sample = recorded(f"webhook_delivery_{name}")
        headers = {key.lower(): value for key, value in sample["headers"].items()}
        body = json.dumps(sample["body"]).encode()
        resource = headers["x-wc-webhook-resource"]
        expected = str(sample["body"].get("parent_id") or sample["body"]["id"])
        assert rig.woo.hints({**headers, **signed(body, resource=resource)}, body, "hemlig") == [Hint(feed, expected)]


def test_statuses_and_ways_to_pay_and_send_are_listed_as_orders_name_them(rig: Rig) -> None:
    def codes(what: Any) -> list[str]:
        return [one.code for one in rig.woo.choices(what)]

    assert codes("order_status") == [
        "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed"
    ]  # fmt: skip
    assert [(one.code, one.name) for one in rig.woo.choices("payment_method")] == [
        ("klarna_payments", "Klarna"), ("swish", "Swish"), ("bacs", "Bankgiro")
    ]  # fmt: skip
    methods = codes("shipping_method")
    assert methods == ["PostNord MyPack", "Fri frakt", "Hämta i butik", "Bring"]
    rig.shop.place_order()
    (order,) = (item.record for item in rig.read("orders", types=frozenset({"order"})))
    assert order.shipping_method in methods and order.payment_method in codes("payment_method")
    rig.faulty.faults = [Fault("cut", path="/payment_gateways")]
    with pytest.raises((RemoteFault, BadAnswer)):
        codes("payment_method")
