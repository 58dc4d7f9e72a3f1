"""The Vendure connector against a real Vendure: what it writes the shop sells, what the shop sells it reads."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import pytest

from samklang.connectors.contract import Bad, Done, Exchange, Gone, Hint, Item, Surroundings, Want
from samklang.connectors.errors import LoginRefused, Misconfigured, Rejected, Unreachable, Unsupported, Wait
from samklang.connectors.vendure import Vendure
from samklang.connectors.vendure.catalogue import ProductWriter
from samklang.connectors.vendure.write import Writer
from samklang.records import (
    Axis,
    Customer,
    Order,
    OrderStatus,
    Parcel,
    Price,
    Product,
    Record,
    Shipment,
    StockLevel,
    Variant,
)
from samklang.records.ids import sku_key
from samklang.records.order import ShipmentLine
from tests.integration.vendure_server import RANGE, vendure
from tests.integration.vendure_server import Vendure as Server

pytestmark = pytest.mark.integration

R = TypeVar("R", bound=Record)
EVERYTHING = frozenset({"order", "order_status", "product", "stock", "price", "customer"})
Ids = dict[tuple[str, str], str]


@pytest.fixture(scope="module")
def shop() -> Iterator[Server]:
    with vendure() as running:
        yield running


def connect(shop: Server, exchanges: list[Exchange] | None = None, **more: Any) -> Vendure:
    seen = exchanges if exchanges is not None else []
    around = Surroundings(
        capture=seen.append,
        tokens=None,  # type: ignore[arg-type]  # a session login keeps no tokens
        now=lambda: datetime.now(UTC).timestamp(),
        allow_private=lambda _: True,
        sleep=lambda _: None,
    )
    settings = {
        "url": shop.url, "user": shop.user, "password": shop.password, "connection": "shop", "channel": "butik",
        "capture": True,
    }  # fmt: skip
    defaults = {s.name: s.default for s in Vendure.manifest.settings if s.default is not None}
    return Vendure({**defaults, **settings, **more}, around)


@pytest.fixture(scope="module")
def connector(shop: Server) -> Iterator[Vendure]:
    made = connect(shop)
    yield made
    made.close()


def items(connector: Vendure, feed: str, since: datetime | None = None) -> list[Item]:
    found = [item for page in connector.read(feed, since, EVERYTHING) for item in page.items]
    assert not [item for item in found if isinstance(item, Bad)], found
    return [item for item in found if isinstance(item, Item)]


def of(found: list[Item], type_: type[R]) -> list[R]:
    return [item.record for item in found if isinstance(item.record, type_)]


def recently() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=1)


# -------------------------------------------------------------------------------------------------------- check


def test_check_says_which_channel_it_is(connector: Vendure) -> None:
    account = connector.check()
    assert account.title == "Vendure, the default channel, SEK with VAT"
    assert account.warnings == ()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"password": "not-the-password"}, LoginRefused),
        ({"url": "http://127.0.0.1:9"}, Unreachable),
        ({"channel_token": "no-such-channel"}, Misconfigured),
    ],
)
def test_wrong_settings_are_told_apart(shop: Server, wrong: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        connect(shop, **wrong).check()


def test_an_expired_session_is_renewed(shop: Server) -> None:
    connector = connect(shop)
    connector.check()
    connector._client.session._token = "forgotten"
    assert connector.check().title.startswith("Vendure")
    connector.close()


def test_no_password_reaches_the_captured_exchanges(shop: Server) -> None:
    seen: list[Exchange] = []
    connect(shop, seen).check()
    assert seen
    assert not [exchange for exchange in seen if shop.password.encode() in exchange.sent + exchange.got]


# ------------------------------------------------------------------------------------------------------ reading


def test_the_range_is_read_with_prices_and_stock(connector: Vendure) -> None:
    products = {product.code: product for product in of(items(connector, "products"), Product)}
    variants = items(connector, "variants")
    prices = {price.sku: price for price in of(variants, Price)}
    stock = {level.sku: level for level in of(variants, StockLevel)}
    for sku, (name, öre, vat, pieces) in RANGE.items():
        assert (products[sku].name, products[sku].variants[0].sku) == (name, sku)
        assert (prices[sku].amount, prices[sku].tax_included) == (Decimal(öre) / 100, True)
        assert prices[sku].tax_percent == vat
        assert stock[sku].on_hand == pieces


def test_an_order_is_read_as_the_buyer_paid_it(shop: Server, connector: Vendure) -> None:
    before = recently()
    code = shop.order({"KAFFE-1": 2, "TERMOS-1": 1, "TRYCK-1": 1})
    stated = shop.find_order(code)
    found = [item for item in items(connector, "orders", before) if item.external_id == stated["id"]]
    (order,) = of(found, Order)
    order.check_totals()
    assert order.key == f"butik/{code}"
    assert order.gross == Decimal(stated["totalWithTax"]) / 100 == Decimal("1871.50")
    assert sum(tax.base + tax.tax for tax in order.taxes) == order.gross
    assert {tax.percent for tax in order.taxes} == {Decimal(25), Decimal(12), Decimal(6)}
    assert [(line.sku, line.quantity, line.gross, line.tax_percent) for line in order.lines] == [
        ("KAFFE-1", 2, Decimal("178"), 6),
        ("TERMOS-1", 1, Decimal("349.5"), 25),
        ("TRYCK-1", 1, Decimal("1295"), 12),
    ]
    (freight,) = order.charges
    assert (freight.kind, freight.gross, freight.tax_percent) == ("shipping", Decimal("49"), 25)
    assert (order.payment, order.paid, order.lifecycle, order.payment_method) == ("authorised", 0, "placed", "kort")
    assert (order.customer.email, order.shipping.city, order.shipping.country) == (
        "asa.oberg@example.com",
        "Göteborg",
        "SE",
    )
    assert order.shipping.lines == ("Ängsvägen 5", "lgh 1202")
    (status,) = of(found, OrderStatus)
    assert (status.order, status.fulfilment, status.payment) == (order.key, "ready", "authorised")
    assert [c.name for c in of(items(connector, "customers"), Customer) if c.email == order.customer.email] == [
        "Åsa Öberg"
    ]


def test_a_basket_that_is_not_ordered_is_no_order(shop: Server, connector: Vendure) -> None:
    before = {item.external_id for item in items(connector, "orders")}
    variant = shop.variant_ids()["KAFFE-1"]
    query = "mutation($id: ID!) { addItemToOrder(productVariantId: $id, quantity: 1) { __typename } }"
    shop._post("shop-api", "", query, {"id": variant})
    assert {item.external_id for item in items(connector, "orders")} == before


def test_single_orders_and_products_are_fetched(shop: Server, connector: Vendure) -> None:
    order = shop.find_order(shop.order({"KAFFE-1": 1}))
    (page,) = connector.fetch("orders", [order["id"], "4711"])
    assert {item.external_id for item in page.items} == {order["id"]}
    (product,) = [item for item in items(connector, "products") if item.record.key == "yxa-1"]
    pages = list(connector.fetch("products", [product.external_id, "4711"]))
    assert [type(item) for page in pages for item in page.items] == [Item, Gone]


def test_reads_go_over_pages_and_can_be_resumed(connector: Vendure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samklang.connectors.vendure.read._SIZE", 2)
    pages = list(connector.read("products", None, EVERYTHING))
    assert len(pages) >= 2
    assert all(len(page.items) <= 2 for page in pages)
    rest = list(connector.read("products", None, EVERYTHING, pages[0].resume))
    assert [page.items for page in rest] == [page.items for page in pages[1:]]


# ------------------------------------------------------------------------------------------------------ webhooks


def test_webhooks_are_believed_only_with_the_right_signature(shop: Server, connector: Vendure) -> None:
    body = b'{"id":"1","topic":"stock","at":"x","data":{"kind":"SALE","variants":["7","9"]}}'
    good = {"x-samklang-signature": hmac.new(b"secret", body, hashlib.sha256).hexdigest()}
    assert connector.hints(good, body, "secret") == [Hint("variants", "7"), Hint("variants", "9")]
    with pytest.raises(Rejected):
        connector.hints(good, body + b" ", "secret")
    with pytest.raises(Rejected):
        connector.hints({}, body, "secret")
    with pytest.raises(Misconfigured) as told:
        connector.register_hooks("https://hub.example.com/hooks/t/shop", "secret")
    assert "https://hub.example.com/hooks/t/shop" in told.value.do_this
    agreed = connect(shop, webhook_secret="agreed")
    agreed.register_hooks("https://hub.example.com/hooks/t/shop", "secret")
    other = {"x-samklang-signature": hmac.new(b"agreed", body, hashlib.sha256).hexdigest()}
    assert agreed.hints(other, body, "secret") == [Hint("variants", "7"), Hint("variants", "9")]
    body = b'{"topic":"order","data":{"id":"3","code":"X","from":"A","to":"B"}}'
    good = {"x-samklang-signature": hmac.new(b"secret", body, hashlib.sha256).hexdigest()}
    assert connector.hints(good, body, "secret") == [Hint("orders", "3")]


# ----------------------------------------------------------------------------------------------------- catalogue


def a_jumper(code: str, sizes: str = "S M L") -> Product:
    colours = ("Röd", "Grå")
    variants = tuple(
        Variant(sku=f"{code}-{colour[0]}{size}", options={"farg": colour, "storlek": size})
        for colour in colours
        for size in sizes.split()
    )
    return Product(
        code=code,
        name="Stickad tröja Åre",
        names={"en": "Knitted jumper Åre"},
        description="<p>Av svensk ull.</p>",
        variants=variants,
        axes=(Axis("farg", "Färg"), Axis("storlek", "Storlek")),
    )


def write_product(connector: Vendure, product: Product, external_id: str = "") -> Done:
    (done,) = connector.write("product", [Want(key=product.key, record=product, external_id=external_id)])
    assert isinstance(done, Done), done
    return done


def ids_of(done: Done) -> Ids:
    return {(part.type, part.key): part.external_id for part in done.parts}


def test_a_product_with_two_axes_is_written_and_read_back(connector: Vendure) -> None:
    before, jumper = recently(), a_jumper("TR-1")
    done = write_product(connector, jumper)
    assert len(done.parts) == 6
    (item,) = [i for i in items(connector, "products", before) if i.external_id == done.external_id]
    back = item.record
    assert isinstance(back, Product)
    assert (back.name, dict(back.names), back.description) == (jumper.name, dict(jumper.names), jumper.description)
    assert [axis.name for axis in back.axes] == ["Färg", "Storlek"]
    names = {axis.code: axis.name for axis in back.axes}
    got = {v.sku: {names[code]: value for code, value in v.options.items()} for v in back.variants}
    want = {v.sku: {"Färg": v.options["farg"], "Storlek": v.options["storlek"]} for v in jumper.variants}
    assert got == want
    assert back.tax_class == "standard"


def test_writing_twice_changes_nothing_and_new_variants_are_added(connector: Vendure) -> None:
    first = write_product(connector, a_jumper("TR-2", "S M"))
    again = write_product(connector, a_jumper("TR-2", "S M"), first.external_id)
    assert again == first
    more = write_product(connector, a_jumper("TR-2", "S M XL"), first.external_id)
    assert len(more.parts) == 6
    assert set(first.parts) <= set(more.parts)
    # Fewer variants: what is no longer there is switched off, not deleted (old orders name it).
    less = write_product(connector, a_jumper("TR-2", "S"), first.external_id)
    assert len(less.parts) == 6


def test_a_product_that_was_half_made_is_found_and_completed(
    connector: Vendure, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumper = a_jumper("TR-3")
    want = Want(key=jumper.key, record=jumper)
    assert connector.find("product", [want], ["sku"]) == [[]]

    def killed(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ProductWriter, "_variants", killed)
    with pytest.raises(KeyboardInterrupt):
        connector.write("product", [want])
    monkeypatch.undo()
    ((match,),) = connector.find("product", [want], ["sku"])
    assert match.by == "slug"
    done = write_product(connector, jumper, match.external_id)
    assert len(done.parts) == 6
    ((match,),) = connector.find("product", [want], ["sku"])
    assert (match.by, match.external_id, match.parts) == ("sku", done.external_id, done.parts)


def test_a_variant_is_sold_only_when_it_has_a_price(shop: Server, connector: Vendure) -> None:
    mug = Product(code="MUGG-1", name="Mugg", variants=(Variant(sku="MUGG-1"),), tax_class="reduced")
    ids = ids_of(write_product(connector, mug))
    enabled = '{ productVariants(options: {filter: {sku: {eq: "MUGG-1"}}}) { items { enabled priceWithTax } } }'
    assert shop.admin(enabled)["productVariants"]["items"] == [{"enabled": False, "priceWithTax": 0}]
    price = Price(sku="MUGG-1", currency="SEK", amount=Decimal("88.3929"), tax_included=False, tax_percent=Decimal(12))
    assert connector.write("price", [Want(key=price.key, record=price, ids=ids)]) == [Done()]
    assert shop.admin(enabled)["productVariants"]["items"] == [{"enabled": True, "priceWithTax": 9900}]


def test_prices_and_stock_go_in_one_call_and_one_wrong_one_stops_no_other(shop: Server, connector: Vendure) -> None:
    ids: Ids = {("variant", sku_key(sku)): id_ for sku, id_ in shop.variant_ids().items()}

    def level(sku: str, pieces: int) -> Want:
        record = StockLevel(sku=sku, on_hand=Decimal(pieces))
        return Want(key=record.key, record=record, ids=ids)

    shop.order({"KAFFE-1": 3})
    allocated = shop.stock("KAFFE-1")[1]
    assert allocated >= 3
    missing = msgspec.structs.replace(level("NOT-HERE", 1), ids={("variant", "not-here"): "999999"})
    results = connector.write("stock", [level("KAFFE-1", 25), missing, level("YXA-1", -4)])
    assert isinstance(results[0], Done)
    assert isinstance(results[1], Wait)
    assert shop.stock("KAFFE-1") == (25 + allocated, allocated), "25 are for sale: what is allocated stays allocated"
    assert shop.stock("YXA-1")[0] == shop.stock("YXA-1")[1], "a shortage in the ERP is an empty shelf, not a debt"
    seen = results[0].seen
    assert isinstance(seen, StockLevel)
    assert seen.available == 25

    euros = Price(sku="KAFFE-1", currency="EUR", amount=Decimal(9), tax_included=True)
    listed = Price(sku="KAFFE-1", currency="SEK", amount=Decimal(9), tax_included=True, price_list="Klubb")
    good = Price(sku="KAFFE-1", currency="SEK", amount=Decimal("92.50"), tax_included=True)
    results = connector.write("price", [Want(key=p.key, record=p, ids=ids) for p in (euros, listed, good)])
    assert [type(result) for result in results] == [Unsupported, Unsupported, Done]
    (price,) = [p for p in of(items(connector, "variants"), Price) if p.sku == "KAFFE-1"]
    assert price.amount == Decimal("92.50")


# ---------------------------------------------------------------------------------------- fulfilment and status


def ordered(shop: Server, basket: dict[str, int], **more: str) -> tuple[str, Ids]:
    code = shop.order(basket, **more)
    return code, {("order", f"butik/{code}"): shop.find_order(code)["id"]}


def parcel(code: str, number: str, state: Any, *lines: tuple[str, int], tracking: str = "") -> Shipment:
    return Shipment(
        order=f"butik/{code}",
        number=number,
        state=state,
        lines=tuple(ShipmentLine(sku=sku, quantity=Decimal(pieces)) for sku, pieces in lines),
        parcels=(Parcel(tracking_no=tracking),) if tracking else (),
        carrier_code="PostNord",
    )


def test_shipments_become_fulfilments_with_tracking_once(shop: Server, connector: Vendure) -> None:
    before = recently()
    code, ids = ordered(shop, {"KAFFE-1": 3, "TERMOS-1": 1}, pay="swish")

    def want(record: Shipment, external_id: str = "") -> Want:
        return Want(key=record.key, record=record, ids=ids, external_id=external_id)

    planned = want(parcel(code, "S1", "planned", ("KAFFE-1", 2)))
    assert connector.write("shipment", [planned]) == [Done()], "nothing has left the house"
    first = want(parcel(code, "S1", "handed_over", ("KAFFE-1", 2), tracking="SE111"))
    assert connector.find("shipment", [first], []) == [[]]
    (done,) = connector.write("shipment", [first])
    assert isinstance(done, Done), done
    order = shop.find_order(code)
    assert order["state"] == "PartiallyShipped"
    assert order["fulfillments"] == [{"state": "Shipped", "method": "PostNord", "trackingCode": "SE111"}]
    ((match,),) = connector.find("shipment", [first], [])
    assert (match.external_id, match.by) == (done.external_id, "reference")
    assert connector.write("shipment", [want(first.record, done.external_id)]) == [done]  # type: ignore[arg-type]

    second = want(parcel(code, "S2", "in_transit", ("KAFFE-1", 1), ("TERMOS-1", 1)))
    (other,) = connector.write("shipment", [second])
    assert isinstance(other, Done), other
    assert shop.find_order(code)["state"] == "Shipped"
    (too_much,) = connector.write("shipment", [want(parcel(code, "S3", "handed_over", ("KAFFE-1", 1)))])
    assert isinstance(too_much, Rejected)
    for record, id_ in ((first.record, done.external_id), (second.record, other.external_id)):
        assert isinstance(record, Shipment)
        delivered = msgspec.structs.replace(record, state="delivered")
        assert isinstance(connector.write("shipment", [want(delivered, id_)])[0], Done)
    assert shop.find_order(code)["state"] == "Delivered"
    (status,) = [s for s in of(items(connector, "orders", before), OrderStatus) if s.order == f"butik/{code}"]
    assert (status.fulfilment, status.lifecycle) == ("delivered", "closed")


@pytest.mark.parametrize(("fulfilment", "state"), [("shipped", "Shipped"), ("delivered", "Delivered")])
def test_a_status_alone_fulfils_what_is_left(shop: Server, connector: Vendure, fulfilment: Any, state: str) -> None:
    code, ids = ordered(shop, {"KAFFE-1": 1})
    status = OrderStatus(order=f"butik/{code}", fulfilment=fulfilment)
    want = Want(key=status.key, record=status, ids=ids, options={"status_map": {"shipped": "Shipped"}})
    for _ in range(2):
        assert isinstance(connector.write("order_status", [want])[0], Done)
    order = shop.find_order(code)
    assert (order["state"], len(order["fulfillments"])) == (state, 1)


def test_an_order_is_cancelled_once_and_its_stock_is_free_again(shop: Server, connector: Vendure) -> None:
    before = shop.stock("TERMOS-1")
    code, ids = ordered(shop, {"TERMOS-1": 2})
    status = OrderStatus(order=f"butik/{code}", lifecycle="cancelled")
    want = Want(key=status.key, record=status, ids=ids)
    for _ in range(2):
        assert isinstance(connector.write("order_status", [want])[0], Done)
    assert shop.find_order(code)["state"] == "Cancelled"
    assert shop.stock("TERMOS-1") == before
    unknown = msgspec.structs.replace(want, ids={})
    assert isinstance(connector.write("order_status", [unknown])[0], Wait)


def test_reserved_money_is_taken_when_everything_has_been_sent_unless_switched_off(
    shop: Server, connector: Vendure
) -> None:
    code, ids = ordered(shop, {"KAFFE-1": 2})
    half, rest = (parcel(code, number, "handed_over", ("KAFFE-1", 1)) for number in ("S1", "S2"))
    quiet = connect(shop, capture=False)
    assert isinstance(quiet.write("shipment", [Want(key=half.key, record=half, ids=ids)])[0], Done)
    assert shop.find_order(code)["payments"][0]["state"] == "Authorized"
    assert isinstance(connector.write("shipment", [Want(key=rest.key, record=rest, ids=ids)])[0], Done)
    order = shop.find_order(code)
    assert (order["state"], order["payments"][0]["state"]) == ("Shipped", "Settled")
    quiet.close()


def test_what_moved_at_the_providers_is_told_with_its_times(shop: Server, connector: Vendure) -> None:
    """Authorised, then captured when all is sent; paid at once, then given back."""

    def payments(code: str) -> Any:
        (page,) = connector.fetch("orders", [shop.find_order(code)["id"]])
        return next(item.record for item in page.items if isinstance(item.record, Order)).payments  # type: ignore[union-attr]

    code, ids = ordered(shop, {"KAFFE-1": 1})
    assert [one.kind for one in payments(code)] == ["authorise"]
    sent = parcel(code, "S1", "handed_over", ("KAFFE-1", 1))
    assert isinstance(connector.write("shipment", [Want(key=sent.key, record=sent, ids=ids)])[0], Done)
    reserved, taken = payments(code)
    assert (reserved.kind, taken.kind, taken.parent_id) == ("authorise", "capture", reserved.provider_id)
    assert reserved.at <= taken.at
    at_once, _ = ordered(shop, {"KAFFE-1": 2}, pay="swish")
    (paid,) = payments(at_once)
    assert (paid.kind, paid.provider) == ("capture", "swish")
    shop.refund(at_once, 1000)
    back = payments(at_once)[-1]
    assert (back.kind, back.amount, back.parent_id) == ("refund", Decimal(10), paid.provider_id)


def test_a_fulfilment_that_was_half_made_is_finished(
    shop: Server, connector: Vendure, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, ids = ordered(shop, {"KAFFE-1": 1}, pay="swish")
    record = parcel(code, "S1", "handed_over", ("KAFFE-1", 1))
    want = Want(key=record.key, record=record, ids=ids)

    def killed(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Writer, "_move", killed)
    with pytest.raises(KeyboardInterrupt):
        connector.write("shipment", [want])
    monkeypatch.undo()
    ((match,),) = connector.find("shipment", [want], ["number"])
    assert match.by == "tracking", "found, but not done"
    (done,) = connector.write("shipment", [msgspec.structs.replace(want, external_id=match.external_id)])
    assert isinstance(done, Done)
    assert shop.find_order(code)["state"] == "Shipped"
