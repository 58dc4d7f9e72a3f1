"""The Tryton connector against a real Tryton: it reads what the ERP holds, and the ERP carries out what it writes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import pytest

from samklang.connectors.contract import Bad, Done, Exchange, Item, Surroundings, Want
from samklang.connectors.errors import Forbidden, LoginRefused, Misconfigured, Rejected, Unreachable, Wait
from samklang.connectors.tryton import Tryton
from samklang.connectors.tryton.totals import sale_lines
from samklang.records import (
    Address,
    Charge,
    Customer,
    Order,
    OrderLine,
    OrderStatus,
    Price,
    PriceList,
    Product,
    Record,
    Shipment,
    StockLevel,
    TaxTotal,
)
from samklang.records.money import ZERO, rounded
from samklang.sandboxes import swedish
from samklang.sandboxes.swedish import Family
from tests.integration import tryton_seed
from tests.integration.tryton_server import Tryton as Server
from tests.integration.tryton_server import tryton

pytestmark = pytest.mark.integration

R = TypeVar("R", bound=Record)
EVERYTHING = frozenset({"product", "price", "price_list", "stock", "customer", "order_status", "shipment"})


@pytest.fixture(scope="module")
def erp() -> Iterator[Server]:
    with tryton() as running:
        yield running


def connect(erp: Server, exchanges: list[Exchange] | None = None, **more: Any) -> Tryton:
    seen = exchanges if exchanges is not None else []
    around = Surroundings(
        capture=seen.append,
        tokens=None,
        now=lambda: datetime.now(UTC).timestamp(),
        allow_private=lambda _: True,
        sleep=lambda _: None,
    )  # type: ignore[arg-type]  # a session login keeps no tokens
    settings = {"url": erp.url, "database": erp.database, "user": erp.user, "password": erp.password}
    defaults = {s.name: s.default for s in Tryton.manifest.settings if s.default is not None}
    return Tryton({**defaults, **settings, "connection": "erp", **more}, around)


@pytest.fixture(scope="module")
def connector(erp: Server) -> Iterator[Tryton]:
    made = connect(erp)
    yield made
    made.close()


def records(connector: Tryton, feed: str, since: datetime | None = None) -> list[Item]:
    items = [item for page in connector.read(feed, since, EVERYTHING) for item in page.items]
    assert not [item for item in items if isinstance(item, Bad)], items
    return [item for item in items if isinstance(item, Item)]


def of(items: list[Item], type_: type[R]) -> list[R]:
    return [item.record for item in items if isinstance(item.record, type_)]


# -------------------------------------------------------------------------------------------------------- check


def test_check_names_the_company(connector: Tryton) -> None:
    account = connector.check()
    assert (account.title, account.version[:2], account.warnings) == ("Provbolaget AB", "8.", ())


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"password": "not-the-password"}, LoginRefused),
        ({"database": "nowhere"}, Misconfigured),
        ({"url": "http://127.0.0.1:9"}, Unreachable),
    ],
)
def test_wrong_settings_are_told_apart(erp: Server, wrong: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        connect(erp, **wrong).check()


def test_a_user_without_rights_is_told_which_group_is_missing(erp: Server) -> None:
    (company,) = erp.rows("company.company", [])
    guest = {"login": "guest", "name": "Guest", "password": "a-long-password-9", "company": company["id"]}
    erp.create("res.user", {**guest, "companies": [["add", [company["id"]]]]})
    with pytest.raises(Forbidden) as refused:
        connect(erp, user="guest", password="a-long-password-9").check()
    assert "group" in refused.value.do_this


def test_an_expired_session_is_renewed_once(erp: Server, connector: Tryton) -> None:
    connector.check()
    session = connector._client.transport.auth
    assert session
    session._token = "Zm9vOjE6YmFy"  # type: ignore[attr-defined]  # as if Tryton had forgotten it
    assert connector.check().title == "Provbolaget AB"


def test_no_password_reaches_the_captured_exchanges(erp: Server) -> None:
    seen: list[Exchange] = []
    connect(erp, seen).check()
    assert seen
    assert not [e for e in seen if erp.password.encode() in e.sent + e.got]


# ------------------------------------------------------------------------------------------------------ reading


def test_products_are_the_seeded_catalogue(connector: Tryton) -> None:
    items = records(connector, "products")
    products = {product.code: product for product in of(items, Product)}
    families = {family.code: family for family in tryton_seed.families()}
    assert products.keys() == families.keys()
    for code, family in families.items():
        product = products[code]
        assert product.name == family.name
        assert [v.sku for v in product.variants] == [a.sku for a in family.articles]
        assert [v.gtin for v in product.variants] == [(a.gtin,) for a in family.articles]
        assert [axis.name for axis in product.axes] == list(family.axes)
        assert [sorted(v.options.values()) for v in product.variants] == [
            sorted(a.options.values()) for a in family.articles
        ]
        assert product.categories == (family.category,)
        assert product.variants[0].cost == family.cost
    parts = [part for item in items for part in item.parts]
    assert len({part.external_id for part in parts}) == len(parts) == sum(len(f.articles) for f in families.values())


def test_prices_stand_without_vat_and_with_the_price_lists(connector: Tryton) -> None:
    items = records(connector, "prices")
    assert {row.name for row in of(items, PriceList)} == set(tryton_seed.PRICE_LISTS)
    prices = {(p.sku, p.price_list, p.min_qty): p for p in of(items, Price)}
    for family in tryton_seed.families():
        base = prices[family.articles[0].sku, "", 1]
        net = tryton_seed.net(family)
        assert (base.amount, base.tax_included, base.tax_percent) == (net, False, tryton_seed.VAT[family.tax_class])
        assert rounded(base.on_side(True), "SEK") == family.price
        dealer = prices[family.articles[0].sku, "Återförsäljare", 1]
        assert abs(dealer.amount - net * Decimal("0.7")) < Decimal("0.0001")
        assert abs(prices[family.articles[0].sku, "Återförsäljare", 10].amount - net * Decimal("0.6")) < Decimal(
            "0.0001"
        )
        assert (family.articles[0].sku, "Klubb", 10) not in prices, "no step where the price is the same"


def test_stock_is_per_warehouse(connector: Tryton) -> None:
    levels = {(level.sku, level.warehouse): level for level in of(records(connector, "stock"), StockLevel)}
    articles = [article for family in tryton_seed.families() for article in family.articles]
    assert {key[1] for key in levels} == {"WH"}
    assert len(levels) == len(articles)


def test_reads_go_over_several_pages_and_can_be_resumed(connector: Tryton, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samklang.connectors.tryton.read._SIZE", 25)
    pages = list(connector.read("products", None, frozenset({"product"})))
    assert [len(page.items) for page in pages] == [25, 25, 10]
    assert pages[0].total == 60
    rest = list(connector.read("products", None, frozenset({"product"}), pages[0].resume))
    assert [page.items for page in rest] == [page.items for page in pages[1:]]


def test_only_changes_are_read_after_a_time(erp: Server, connector: Tryton) -> None:
    family = tryton_seed.families()[7]
    (row,) = erp.rows("product.template", [["code", "=", family.code]], "products")
    soon = datetime.now(UTC) + timedelta(hours=1)
    assert records(connector, "products", soon) == []
    # The saved database is older than this run, so "since the server started" shows what this test changes.
    before = datetime.now(UTC)
    erp.call("model.product.product.write", row["products"][:1], {"description": "<p>Ny text</p>"})
    assert [p.code for p in of(records(connector, "products", before - timedelta(seconds=2)), Product)] == [family.code]


def a_template(erp: Server, name: str, code: str | None) -> int:
    (unit,) = erp.rows("product.uom", [["name", "=", "Unit"]])
    row = {"name": name, "default_uom": unit["id"], "sale_uom": unit["id"], "salable": True, "type": "goods"}
    row |= {"code": code, "list_price": Decimal(1), "products": [["create", [{}]]]}
    return erp.create("product.template", row)[0]


def test_an_article_that_is_switched_off_comes_as_archived(erp: Server, connector: Tryton) -> None:
    made = a_template(erp, "Utgången", "UT-1")
    try:
        erp.call("model.product.template.write", [made], {"active": False})
        (product,) = [p for p in of(records(connector, "products"), Product) if p.code == "UT-1"]
        assert product.status == "archived"
    finally:
        erp.call("model.product.template.delete", [made])


def test_an_article_without_code_is_bad_and_its_neighbours_pass(erp: Server, connector: Tryton) -> None:
    made = a_template(erp, "Utan nummer", None)
    try:
        items = [item for page in connector.read("products", None, EVERYTHING) for item in page.items]
        (bad,) = [item for item in items if isinstance(item, Bad)]
        assert bad.external_id == str(made)
        assert "SKU" in bad.error.do_this
        assert len(items) == 61
    finally:
        erp.call("model.product.template.delete", [made])


# ------------------------------------------------------------------------------------------------------ writing


def a_customer(number: int, company: bool = False) -> Customer:
    party = next(p for p in swedish.parties(number, 1.0 if company else 0.0))
    to = Address(name=f"{party.first_name} {party.last_name}", company=party.company, lines=(party.street, "lgh 1202"),
                 postcode=party.postcode, city=party.city, country="SE")  # fmt: skip
    return Customer(
        name=party.company or to.name,
        kind="company" if party.company else "person",
        email=f"{number}.{party.email}",
        org_no=swedish.org_no(number) if company else "",
        phone=party.phone,
        billing=to,
    )


def write_customer(connector: Tryton, customer: Customer, reference: str, external_id: str = "") -> str:
    want = Want(key=customer.key, record=customer, reference=reference, external_id=external_id)
    (done,) = connector.write("customer", [want])
    assert isinstance(done, Done), done
    return done.external_id


def test_a_customer_is_written_found_again_and_read_back(connector: Tryton) -> None:
    person, company = a_customer(1), a_customer(2, company=True)
    before = datetime.now(UTC) - timedelta(seconds=2)
    ids = [write_customer(connector, person, "cust-1"), write_customer(connector, company, "cust-2")]

    wants = [Want(key=c.key, record=c, reference=r) for c, r in ((person, "cust-1"), (company, "cust-2"))]
    found = connector.find("customer", wants, ["email"])
    assert [[m.external_id for m in matches] for matches in found] == [[ids[0]], [ids[1]]]
    assert [[m.by for m in matches] for matches in found] == [["reference"], ["reference"]]
    strange = [Want(key=c.key, record=c) for c in (person, company)]
    assert [m[0].by for m in connector.find("customer", strange, ["org_no", "email"])] == ["email", "org_no"]
    like = msgspec.structs.replace(person, email=person.email.replace(".", "_"))
    assert connector.find("customer", [Want(key="x", record=like)], ["email"]) == [[]], "never by pattern"

    back = {item.external_id: item.record for item in records(connector, "customers", before)}
    for id_, sent in zip(ids, (person, company), strict=True):
        got = back[id_]
        assert isinstance(got, Customer)
        assert (got.name, got.kind, got.email, got.org_no, got.phone) == (
            sent.name,
            sent.kind,
            sent.email,
            sent.org_no,
            sent.phone,
        )
        assert got.billing == sent.billing


def test_writing_a_customer_twice_changes_nothing(erp: Server, connector: Tryton) -> None:
    customer = a_customer(3)
    id_ = write_customer(connector, customer, "cust-3")
    for _ in range(2):
        write_customer(connector, customer, "cust-3", id_)
    moved = msgspec.structs.replace(customer, email="ny@example.com", phone="+46701740699")
    write_customer(connector, moved, "cust-3", id_)
    (row,) = erp.rows("party.party", [["id", "=", int(id_)]], "addresses", "contact_mechanisms.value", "identifiers")
    assert len(row["addresses"]) == len(row["identifiers"]) == 1
    assert sorted(c["value"] for c in row["contact_mechanisms."]) == ["+46701740699", "ny@example.com"]


def an_order(
    number: str, basket: list[tuple[Family, int]], customer: Customer, freight: Decimal = Decimal("49.00")
) -> Order:
    """As a Swedish shop counts: prices with VAT, VAT rounded per line."""
    lines, taxes = [], dict[Decimal, list[Decimal]]()
    for place, (family, pieces) in enumerate(basket, 1):
        percent, gross = tryton_seed.VAT[family.tax_class], family.price * pieces
        net = rounded(gross / (1 + percent / 100), "SEK")
        lines.append(
            OrderLine(
                line_id=str(place),
                sku=family.articles[0].sku,
                name=family.name,
                quantity=Decimal(pieces),
                unit_price=family.price,
                net=net,
                tax=gross - net,
                gross=gross,
                tax_percent=percent,
            )
        )
        taxes.setdefault(percent, []).append(gross - net)
    net = rounded(freight / Decimal("1.25"), "SEK")
    charge = Charge(
        kind="shipping", name="PostNord", net=net, tax=freight - net, gross=freight, tax_percent=Decimal(25)
    )
    taxes.setdefault(Decimal(25), []).append(freight - net)
    base = {p: sum((x.net for x in lines if x.tax_percent == p), ZERO) for p in taxes}
    return Order(
        channel="butik", order_no=number, placed_at=datetime.now(UTC), currency="SEK", customer=customer,
        lines=tuple(lines), charges=(charge,), prices_include_tax=True,
        billing=customer.billing, shipping=customer.billing,
        taxes=tuple(TaxTotal(p, base[p], sum(t, ZERO)) for p, t in taxes.items()),
        net=sum((x.net for x in (*lines, charge)), ZERO), tax=sum((x.tax for x in (*lines, charge)), ZERO),
        gross=sum((x.gross for x in (*lines, charge)), ZERO), time_zone="Europe/Stockholm",
    )  # fmt: skip


@pytest.fixture(scope="module")
def variant_ids(connector: Tryton) -> dict[tuple[str, str], str]:
    items = [item for page in connector.read("products", None, EVERYTHING) for item in page.items]
    parts = [part for item in items if isinstance(item, Item) for part in item.parts]
    return {("variant", part.key): part.external_id for part in parts}


@pytest.fixture(scope="module")
def buyer(connector: Tryton) -> tuple[Customer, str]:
    customer = a_customer(50)
    return customer, write_customer(connector, customer, "buyer")


def want_order(order: Order, buyer: tuple[Customer, str], variants: dict[tuple[str, str], str], **more: Any) -> Want:
    ids = {**variants, ("customer", order.customer.key): buyer[1]}
    return Want(key=order.key, record=order, reference=order.key, ids=ids, **more)


def simple(count: int, *classes: str) -> list[Family]:
    found = [f for f in tryton_seed.families() if f.tax_class in classes and f.articles[0].stock > 20]
    return found[:count]


def test_an_order_goes_all_the_way_and_its_status_comes_back(
    erp: Server, connector: Tryton, buyer: tuple[Customer, str], variant_ids: dict[tuple[str, str], str]
) -> None:
    basket = [(f, 2 + i) for i, f in enumerate(simple(2, "standard") + simple(2, "food", "low") + simple(1, "reduced"))]
    order = an_order("1001", basket, buyer[0])
    before = datetime.now(UTC) - timedelta(seconds=2)
    stock = {level.sku: level for level in of(records(connector, "stock"), StockLevel)}
    (done,) = connector.write("order", [want_order(order, buyer, variant_ids)])
    assert isinstance(done, Done), done

    sale = erp.sale(order.key)
    assert sale
    assert (sale["state"], sale["total_amount"], sale["tax_amount"]) == ("processing", order.gross, order.tax)
    assert order.shipping.city.upper() in sale["shipment_address."]["full_address"]
    (status,) = of(records(connector, "orders", before), OrderStatus)
    assert (status.lifecycle, status.fulfilment, status.payment) == ("confirmed", "released", "")
    changed = {level.sku: level for level in of(records(connector, "stock", before), StockLevel)}
    for family, pieces in basket:
        sku = family.articles[0].sku
        assert (changed[sku].on_hand, changed[sku].available) == (stock[sku].on_hand, stock[sku].available - pieces)

    erp.ship(order.key, tracking="SE999888")
    invoice = erp.invoice(order.key, paid=True)
    assert (invoice["total_amount"], invoice["tax_amount"]) == (order.gross, order.tax)
    items = records(connector, "orders", before)
    assert {item.parent for item in items} == {done.external_id}
    (status,) = of(items, OrderStatus)
    assert (status.lifecycle, status.fulfilment, status.payment) == ("closed", "shipped", "captured")
    assert {(d.kind, d.number, d.state) for d in status.documents} >= {("invoice", invoice["number"], "paid")}
    (shipment,) = of(items, Shipment)
    assert (shipment.state, shipment.carrier_code) == ("handed_over", tryton_seed.CARRIER)
    assert [parcel.tracking_no for parcel in shipment.parcels] == ["SE999888"]
    assert {(line.sku, line.quantity) for line in shipment.lines} == {
        (f.articles[0].sku, Decimal(n)) for f, n in basket
    }
    for family, pieces in basket:
        assert erp.stock(family.articles[0].sku) == stock[family.articles[0].sku].on_hand - pieces


def test_the_same_order_is_never_made_twice(
    erp: Server, connector: Tryton, buyer: tuple[Customer, str], variant_ids: dict[tuple[str, str], str]
) -> None:
    order = an_order("1002", [(simple(1, "standard")[0], 1)], buyer[0])
    want = want_order(order, buyer, variant_ids)
    assert connector.find("order", [want], []) == [[]]
    (first,) = connector.write("order", [want])
    assert isinstance(first, Done)
    # After a crash the hub looks first, then goes on with what it found.
    ((match,),) = connector.find("order", [want], [])
    assert (match.external_id, match.by) == (first.external_id, "reference")
    again = msgspec.structs.replace(want, external_id=match.external_id, doubt=True)
    assert connector.write("order", [again]) == [first]
    assert erp.sale(order.key)


def test_an_order_left_half_done_is_finished(
    erp: Server, connector: Tryton, buyer: tuple[Customer, str], variant_ids: dict[tuple[str, str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    order = an_order("1003", [(simple(1, "standard")[0], 1)], buyer[0])
    want = want_order(order, buyer, variant_ids)
    real = connector._client.do

    def killed(method: str, *params: Any) -> None:
        raise KeyboardInterrupt(method)

    monkeypatch.setattr(connector._client, "do", killed)
    with pytest.raises(KeyboardInterrupt, match="quote"):
        connector.write("order", [want])
    monkeypatch.setattr(connector._client, "do", real)
    ((match,),) = connector.find("order", [want], ["order_no"])
    assert match.by == "draft", "found, but not done"
    again = msgspec.structs.replace(want, external_id=match.external_id, fields=frozenset({"lifecycle"}))
    (done,) = connector.write("order", [again])
    assert isinstance(done, Done)
    sale = erp.sale(order.key)
    assert sale
    assert (sale["state"], sale["total_amount"]) == ("processing", order.gross)
    ((match,),) = connector.find("order", [want], ["order_no"])
    assert match.by == "reference"


def test_a_sale_that_a_person_took_back_is_left_alone(
    erp: Server, connector: Tryton, buyer: tuple[Customer, str], variant_ids: dict[tuple[str, str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    order = an_order("1009", [(simple(1, "standard")[0], 1)], buyer[0])
    want = want_order(order, buyer, variant_ids)
    real = connector._client.do

    def before_confirming(method: str, *params: Any) -> None:
        if method.endswith("confirm"):
            raise KeyboardInterrupt
        real(method, *params)

    monkeypatch.setattr(connector._client, "do", before_confirming)
    with pytest.raises(KeyboardInterrupt):
        connector.write("order", [want])
    monkeypatch.undo()
    sale = erp.sale(order.key)
    assert sale
    erp.call("model.sale.sale.draft", [sale["id"]])
    update = msgspec.structs.replace(want, external_id=str(sale["id"]), fields=frozenset({"lifecycle"}))
    assert isinstance(connector.write("order", [update])[0], Done)
    after = erp.sale(order.key)
    assert after
    assert after["state"] == "draft"


def test_an_invoice_order_is_booked_with_the_buyers_total(
    erp: Server, connector: Tryton, buyer: tuple[Customer, str], variant_ids: dict[tuple[str, str], str]
) -> None:
    order = an_order("1004", [(simple(1, "low")[0], 3)], buyer[0])
    want = want_order(order, buyer, variant_ids, options={"document": "invoice", "book": True})
    before = datetime.now(UTC) - timedelta(seconds=2)
    (done,) = connector.write("order", [want])
    assert isinstance(done, Done), done
    (status,) = [
        i.record
        for i in records(connector, "orders", before)
        if i.parent == done.external_id and isinstance(i.record, OrderStatus)
    ]
    assert [(d.kind, d.state) for d in status.documents] == [("order", "open"), ("invoice", "booked")]


def test_errors_of_one_order_leave_its_neighbours_alone(
    erp: Server, connector: Tryton, buyer: tuple[Customer, str], variant_ids: dict[tuple[str, str], str]
) -> None:
    family = simple(1, "standard")[0]
    good = want_order(an_order("1005", [(family, 1)], buyer[0]), buyer, variant_ids)
    stranger = want_order(an_order("1006", [(family, 1)], buyer[0]), buyer, {})
    wrong = msgspec.structs.replace(an_order("1007", [(family, 1)], buyer[0]), gross=Decimal(1))
    results = connector.write("order", [stranger, want_order(wrong, buyer, variant_ids), good])
    assert isinstance(results[0], Wait)
    assert "totals" in str(results[1])
    assert isinstance(results[2], Done)
    assert erp.sale("butik/1006") is None
    assert erp.sale("butik/1007") is None


def test_a_cancelled_order_is_cancelled_or_a_person_is_told(
    erp: Server, connector: Tryton, buyer: tuple[Customer, str], variant_ids: dict[tuple[str, str], str]
) -> None:
    order = an_order("1008", [(simple(1, "standard")[0], 1)], buyer[0])
    want = want_order(order, buyer, variant_ids)
    (done,) = connector.write("order", [want])
    assert isinstance(done, Done)
    off = msgspec.structs.replace(
        want, external_id=done.external_id, record=msgspec.structs.replace(order, lifecycle="cancelled")
    )
    (refused,) = connector.write("order", [off])
    assert isinstance(refused, Rejected)
    assert "cancel" in refused.do_this.casefold()


@pytest.mark.parametrize("number", range(1, 13))
def test_totals_and_vat_are_equal_to_the_ore_for_odd_prices(
    number: int, erp: Server, connector: Tryton, buyer: tuple[Customer, str], variant_ids: dict[tuple[str, str], str]
) -> None:
    """Prices that do not divide evenly, many pieces, three VAT rates: what the buyer paid is what Tryton books."""
    families = simple(2, "standard") + simple(2, "food", "low") + simple(2, "reduced")
    odd = [msgspec.structs.replace(f, price=f.price - Decimal(number * 7 + i) / 100) for i, f in enumerate(families)]
    order = an_order(
        f"odd-{number}",
        [(f, 1 + (number * (i + 1)) % 7) for i, f in enumerate(odd)],
        buyer[0],
        Decimal("49.01") + number,
    )
    (done,) = connector.write("order", [want_order(order, buyer, variant_ids)])
    assert isinstance(done, Done), done
    sale = erp.sale(order.key)
    assert sale
    assert (sale["total_amount"], sale["tax_amount"]) == (order.gross, order.tax)


def test_a_line_for_rounding_is_written_only_where_it_is_needed(buyer: tuple[Customer, str]) -> None:
    even = an_order("even", [(simple(1, "standard")[0], 1)], buyer[0])
    assert [line.article for line in sale_lines(even, 4) if line.article == "rounding"] == []
    gross = Decimal("0.02")  # at 25 % no net amount in whole öre gives 0.02 with VAT 0.00 or 0.01 counted Tryton's way
    line = msgspec.structs.replace(
        even.lines[0], quantity=Decimal(1), net=Decimal("0.01"), tax=Decimal("0.01"), gross=gross
    )
    odd = msgspec.structs.replace(even, lines=(line,), charges=(), taxes=(), net=line.net, tax=line.tax, gross=gross)
    lines = sale_lines(odd, 4)
    assert [line.article for line in lines][1:] == ["rounding"]
    assert sum(line.quantity * line.unit_price for line in lines) + odd.tax == gross
