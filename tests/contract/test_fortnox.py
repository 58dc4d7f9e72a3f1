"""The Fortnox connector against the sandbox; every request it sends is checked against the vendor's own document."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
import pytest
import urllib3
from hypothesis import given, settings
from hypothesis import strategies as some

from samklang.connectors.contract import Bad, Done, Exchange, Item, Page, Surroundings, Tokens, Want
from samklang.connectors.errors import (
    BadAnswer,
    BadData,
    Forbidden,
    LoginRefused,
    Rejected,
    RemoteFault,
    SamklangError,
    Unsupported,
    Wait,
)
from samklang.connectors.fortnox import Fortnox
from samklang.connectors.fortnox import map as shapes
from samklang.connectors.fortnox.client import _refusal
from samklang.connectors.fortnox.read import wall_time
from samklang.connectors.limiter import Limiter
from samklang.connectors.transport import Answer
from samklang.records import (
    Address,
    Axis,
    Charge,
    Customer,
    Order,
    OrderLine,
    Price,
    PriceList,
    Product,
    StockLevel,
    Variant,
    content_hash,
    encode,
)
from samklang.sandboxes.base import Fault, Faulty, serve
from samklang.sandboxes.fortnox import FortnoxSandbox
from tests.contract import fortnox_document

NOON = datetime(2026, 10, 20, 10, 0, tzinfo=UTC)


class Store:
    """Tokens in memory."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens: Tokens | None = tokens
        self.lock = threading.Lock()

    def load(self) -> Tokens | None:
        return self.tokens

    def save(self, tokens: Tokens) -> None:
        self.tokens = tokens

    def exclusive(self) -> Any:
        return self.lock


class Company:
    """A sandbox on the network with a connector to it. What went over the wire is kept."""

    def __init__(self, base: str, sandbox: FortnoxSandbox, faulty: Faulty, at: list[datetime]) -> None:
        self.base, self.sandbox, self.faulty = base, sandbox, faulty
        self.exchanges: list[Exchange] = []
        self.at = at  # the clock of both sides
        given = sandbox.tokens()
        self.store = Store(
            Tokens(
                access=str(given["access_token"]),
                refresh=str(given["refresh_token"]),
                expires_at=self.now.timestamp() + 3600,
            )
        )
        self.connector = self.connect()

    @property
    def now(self) -> datetime:
        return self.at[0]

    @now.setter
    def now(self, at: datetime) -> None:
        self.at[0] = at

    def connect(self, **more: object) -> Fortnox:
        answers = {"client_id": "sandbox", "client_secret": "sandbox-secret", "connection": "ledger"}
        addresses = {"api_address": self.base, "login_address": self.base}
        around = Surroundings(
            capture=self.exchanges.append,
            tokens=self.store,
            now=lambda: self.now.timestamp(),
            allow_private=lambda _: True,
            sleep=lambda _: None,
        )
        connector = Fortnox({**answers, **addresses, **more}, around)
        connector.client.transport.limiter = Limiter(0, 1, 4)  # the sandbox here has no limit, so do not wait for one
        return connector

    def read(self, feed: str, since: datetime | None = None, connector: Fortnox | None = None) -> list[Any]:
        pages: list[Page] = list((connector or self.connector).read(feed, since, frozenset(_TYPES)))
        return [item for page in pages for item in page.items]

    def write(self, type_: str, *wants: Want) -> list[Any]:
        results = list(self.connector.write(type_, wants))
        assert len(results) == len(wants)
        return results


_TYPES = ("product", "stock", "price", "price_list", "customer", "order_status")


@pytest.fixture(scope="session")
def document() -> fortnox_document.Document:
    return fortnox_document.load()


@pytest.fixture
def company(document: fortnox_document.Document) -> Iterator[Company]:
    at = [NOON]
    sandbox = FortnoxSandbox(articles=30, customers=12, rate=0, now=lambda: at[0])
    faulty = Faulty(sandbox.app)
    with serve(faulty) as base:
        it = Company(base, sandbox, faulty, at)
        yield it
        it.connector.close()
        for seen in it.exchanges:
            where = urlsplit(seen.url)
            if where.path.startswith(("/3/", "/api/")):
                sent = b"" if where.path == "/3/inbox" else seen.sent  # of a file, only its name and length are kept
                document.check_request(seen.method, where.path, parse_qsl(where.query), sent)


def records(items: list[Any]) -> dict[str, Any]:
    assert not [item for item in items if isinstance(item, Bad)]
    return {item.record.key: item.record for item in items}


def article(company: Company, place: int = 0) -> str:
    return sorted(company.sandbox.ledger.articles)[place]


# ---------------------------------------------------------------------------------------------------- login


def test_check_names_the_company(company: Company) -> None:
    found = company.connector.check()
    assert (found.title, found.warnings) == ("Norrskens Handel AB", ())
    company.sandbox.switch(warehouse=True)
    assert "warehouse" in company.connector.check().warnings[0]


def test_first_login_by_consent(company: Company) -> None:
    page = company.connector.client.login_page("http://127.0.0.1:1/back", "s1")
    target = urllib3.request("GET", page, redirect=False).headers["location"]
    code = dict(parse_qsl(urlsplit(target).query))["code"]
    company.connector.client.oauth.exchange(code, "http://127.0.0.1:1/back")
    assert company.store.tokens is not None
    company.connect().check()


def test_dead_access_token_is_renewed_once_and_its_refresh_token_kept(company: Company) -> None:
    before = company.store.tokens
    company.sandbox.expire()
    assert len(company.read("stock")) == 30
    assert before and company.store.tokens and company.store.tokens.refresh != before.refresh
    company.sandbox.expire()
    company.store.tokens = msgspec.structs.replace(company.store.tokens, refresh=before.refresh)  # used already
    with pytest.raises(LoginRefused):
        company.connect().check()


# ---------------------------------------------------------------------------------------------------- reading


def test_articles_become_products(company: Company) -> None:
    number = article(company)
    raw = company.sandbox.ledger.articles[number]
    items = {item.external_id: item for item in company.read("articles")}
    assert len(items) == 30
    record = items[number].record
    assert (record.code, record.name, record.variants[0].gtin) == (number, raw["Description"], (raw["EAN"],))
    assert record.variants[0].unit == "C62"
    assert [(part.type, part.external_id) for part in items[number].parts] == [("variant", number)]
    assert record.variants[0].weight_g is None
    detailed = {i.external_id: i.record for i in company.read("articles", None, company.connect(details=True))}
    assert detailed[number].variants[0].weight_g == raw["Weight"]
    assert detailed[number].brand == raw["Manufacturer"]


def test_two_pages_of_500(document: fortnox_document.Document) -> None:
    sandbox = FortnoxSandbox(articles=620, customers=0, rate=0, now=lambda: NOON)
    with serve(Faulty(sandbox.app)) as base:
        company = Company(base, sandbox, Faulty(sandbox.app), [NOON])
        assert set(records(company.read("articles"))) == {number.lower() for number in sandbox.ledger.articles}
        assert sum("page=2" in seen.url for seen in company.exchanges) == 1


def test_cut_off_page_never_looks_like_the_end(company: Company) -> None:
    company.faulty.faults = [Fault("cut", path="/3/articles")]
    with pytest.raises((RemoteFault, BadAnswer)):
        company.read("stock")


def test_fewer_rows_than_the_list_says_are_no_complete_read(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"MetaInformation": {"@TotalResources": 3, "@TotalPages": 1, "@CurrentPage": 1}, "Articles": [{}, {}]}
    short = Answer(200, {}, json.dumps(said).encode(), "GET /3/articles")
    monkeypatch.setattr(company.connector.client.transport, "request", lambda *_, **__: short)
    with pytest.raises(BadAnswer, match="2 Articles of 3"):
        company.read("stock")


def test_only_what_changed_since(company: Company) -> None:
    number = article(company)
    company.now = datetime(2026, 10, 20, 12, 34, 50, tzinfo=UTC)
    company.sandbox.name(number, "Omdöpt å ä ö")
    company.sandbox.ledger.put_article({"Active": False}, number)
    (item,) = company.read("articles", datetime(2026, 10, 20, 12, 34, 10, tzinfo=UTC))
    assert (item.record.name, item.record.status) == ("Omdöpt å ä ö", "archived")


def test_a_wrong_row_is_bad_and_its_neighbours_pass(company: Company) -> None:
    number = article(company)
    company.sandbox.ledger.put_article({"VAT": "7"}, number)
    items = company.read("articles")
    (bad,) = [item for item in items if isinstance(item, Bad)]
    assert (bad.external_id, bad.type, len(items)) == (number, "product", 30)
    assert "7" in bad.error.what and bad.error.do_this


def test_stock_shows_what_orders_reserve(company: Company) -> None:
    number = article(company)
    company.sandbox.stock(number, 12)
    company.sandbox.phone_order({number: 5})
    level = records(company.read("stock"))[f"{number.lower()}|"]
    assert (level.on_hand, level.reserved, level.available) == (12, 5, 7)


def test_prices_of_chosen_lists(company: Company) -> None:
    ledger = company.sandbox.ledger
    number = next(number for code, number in ledger.prices if code == "B")
    connector = company.connect(price_lists="B, X")
    found = records(company.read("prices", None, connector))
    base = found[f"{number.lower()}||SEK|1"]
    assert (base.amount, base.tax_included, base.tax_percent) == (ledger.price(number), False, 25)
    assert found[f"{number.lower()}|Återförsäljare|SEK|10"].amount == ledger.prices["B", number][Decimal(10)]
    assert found["Återförsäljare"].code == "B"
    assert sum(isinstance(record, Price) for record in found.values()) == 30 + 2 * 10


def test_customers_tell_company_from_person(company: Company) -> None:
    found = {item.external_id: item.record for item in company.read("customers")}
    whole = {i.external_id: i.record for i in company.read("customers", None, company.connect(details=True))}
    assert len(found) == 12
    for number, row in company.sandbox.ledger.customers.items():
        assert found[number].kind == whole[number].kind == ("company" if row["Type"] == "COMPANY" else "person")
        assert found[number].phone == row["Phone1"]
        assert (found[number].billing.country, whole[number].billing.country) == ("", "SE")


def test_nulls_and_unknown_fields_are_taken() -> None:
    raw = {"ArticleNumber": "1", "Description": "X", "VAT": None, "EAN": None, "Unit": None, "SalesPrice": "1.50",
           "ReservedQuantity": None, "Nytt": {"a": 1}}  # fmt: skip
    row = msgspec.json.decode(json.dumps(raw), type=shapes.Article)
    record = shapes.product(row, True, True, NOON.date(), "ledger")
    assert (record.tax_class, record.variants[0].gtin) == ("standard", ())
    assert shapes.stock(row).reserved == 0


@pytest.mark.parametrize(
    ("since", "wall"),
    [
        ("2026-07-01T10:15:40", "2026-07-01 12:15"),
        ("2026-12-01T10:15:40", "2026-12-01 11:15"),
        ("2026-10-25T00:30:00", "2026-10-25 01:30"),  # 02:30 for the first time: an hour early, or 02:10 is missed
        ("2026-10-25T01:30:00", "2026-10-25 02:30"),  # 02:30 for the second time
        ("2026-03-29T01:30:00", "2026-03-29 03:30"),  # 02:30 does not exist
    ],
)
def test_wall_time_in_dst_nights(since: str, wall: str) -> None:
    assert wall_time(datetime.fromisoformat(since).replace(tzinfo=UTC)) == wall


def test_nothing_is_missed_in_the_hour_that_comes_twice(company: Company) -> None:
    number = article(company)
    company.now = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time
    company.sandbox.name(number, "Ändrad i natt")
    since = datetime(2026, 10, 25, 0, 50, tzinfo=UTC)  # 02:50 for the first time
    assert [item.external_id for item in company.read("articles", since)] == [number]


# ---------------------------------------------------------------------------------------------------- catalogue


def product(code: str = "SKO-1", sizes: tuple[str, ...] = (), **more: Any) -> Product:
    variants: tuple[Variant, ...] = (Variant(sku=code, gtin=("7359000001016",), weight_g=900),)
    if sizes:
        variants = tuple(Variant(sku=f"{code}-{size}", options={"Storlek": size}) for size in sizes)
    axes = (Axis("Storlek", "Storlek"),) if sizes else ()
    return Product(code=code, name=more.pop("name", "Känga i läder"), variants=variants, axes=axes, **more)


def test_product_is_created_and_read_back_as_it_was_said(company: Company) -> None:
    record = product(brand="Tjärn")
    (done,) = company.write("product", Want(key=record.key, record=record, reference="r"))
    assert isinstance(done, Done)
    assert done.external_id == "SKO-1"
    raw = company.sandbox.ledger.articles["SKO-1"]
    assert (raw["Description"], raw["VAT"], raw["Weight"], raw["StockGoods"]) == ("Känga i läder", 25, 900, True)
    seen = records(company.read("articles"))["sko-1"]
    assert done.seen is not None
    assert content_hash(encode(seen)) == content_hash(encode(done.seen))  # reading it back is no news


def test_variants_are_articles_of_their_own(company: Company) -> None:
    record = product(sizes=("42", "43"))
    (done,) = company.write("product", Want(key=record.key, record=record))
    assert done.external_id == "SKO-1"
    assert {part.key: part.external_id for part in done.parts} == {"sko-1-42": "SKO-1-42", "sko-1-43": "SKO-1-43"}
    assert company.sandbox.ledger.articles["SKO-1-43"]["Description"] == "Känga i läder 43"
    ids = {("variant", part.key): part.external_id for part in done.parts}
    more = product(sizes=("42", "43", "44"), name="Känga", status="archived")
    (done,) = company.write("product", Want(key=record.key, record=more, external_id="SKO-1", ids=ids))
    assert len(done.parts) == 3
    assert company.sandbox.ledger.articles["SKO-1-42"]["Active"] is False


def test_an_article_that_exists_is_bound_not_doubled(company: Company) -> None:
    number = article(company)
    record = product(number)
    (no,) = company.write("product", Want(key=record.key, record=record))
    assert isinstance(no, Rejected)
    assert no.existing == number
    (done,) = company.write("product", Want(key=record.key, record=record, external_id=number))
    assert isinstance(done, Done)
    assert company.sandbox.ledger.articles[number]["Description"] == "Känga i läder"
    ((hit,),) = company.connector.find("product", [Want(key=record.key, record=record)], ["sku"])
    assert (hit.external_id, hit.by) == (number, "sku")


def test_update_is_limited_to_the_fields_of_the_flow(company: Company) -> None:
    number = article(company)
    before = dict(company.sandbox.ledger.articles[number])
    want = Want(
        key=number.lower(), record=product(number, name="Bara namnet", tax_class="low"), external_id=number,
        ids={("variant", number.lower()): number}, fields=frozenset({"name"}),
    )  # fmt: skip
    assert isinstance(company.write("product", want)[0], Done)
    after = company.sandbox.ledger.articles[number]
    assert (after["Description"], after["VAT"], after["EAN"]) == ("Bara namnet", before["VAT"], before["EAN"])


def test_one_refused_record_does_not_stop_its_neighbours(company: Company) -> None:
    wants = [Want(key=code, record=product(code, name=name)) for code, name in (
        ("A1", "Bra"), ("A2", "Med 🙂"), ("A3", "Bra")
    )]  # fmt: skip
    one, two, three = company.write("product", *wants)
    assert isinstance(one, Done) and isinstance(three, Done)
    assert isinstance(two, Rejected) and two.remote == "2000359"


def test_prices_are_set_in_the_right_list_and_on_the_right_side(company: Company) -> None:
    number = article(company)
    ids = {("variant", number.lower()): number}

    def want(**more: Any) -> Want:
        record = Price(sku=number, **({"currency": "SEK", "tax_percent": Decimal(25), "tax_included": False} | more))
        return Want(key=record.key, record=record, ids=ids)

    results = company.write(
        "price",
        want(amount=Decimal("100.5")),
        want(amount=Decimal("199"), tax_included=True, price_list="Återförsäljare", min_qty=5),
        want(amount=Decimal("1"), price_list="Finns inte"),
        want(amount=Decimal("1"), currency="EUR"),
        want(amount=Decimal("1"), tax_included=True, tax_percent=None, min_qty=9),
    )
    assert [type(result) for result in results] == [Done, Done, Wait, Unsupported, BadData]
    prices = company.sandbox.ledger.prices
    assert prices["A", number][Decimal(0)] == Decimal("100.50")
    assert prices["B", number][Decimal(5)] == Decimal("159.20")
    assert isinstance(company.write("price", want(amount=Decimal("100.5")))[0], Done)  # twice is once
    assert list(prices["A", number].values()) == [Decimal("100.50")]


def test_price_list_is_found_by_its_name_or_made(company: Company) -> None:
    there = PriceList(name="Återförsäljare", currency="SEK")
    want = Want(key=there.key, record=there)
    assert [hit.external_id for hit in company.connector.find("price_list", [want], ["name"])[0]] == ["B"]
    new = PriceList(name="Stamkunder", currency="SEK")
    assert company.write("price_list", Want(key=new.key, record=new))[0].external_id == "STAMKUNDER"


def test_stock_is_written_without_the_warehouse_module_only(company: Company) -> None:
    number = article(company)
    company.sandbox.stock(number, 3)
    company.sandbox.phone_order({number: 2})
    record = StockLevel(sku=number, on_hand=Decimal(40), reserved=Decimal(9), unavailable=Decimal(1))
    want = Want(key=record.key, record=record, ids={("variant", number.lower()): number})
    (done,) = company.write("stock", want)
    assert (done.seen.on_hand, done.seen.reserved) == (39, 2)
    company.sandbox.switch(warehouse=True)
    assert isinstance(company.write("stock", want)[0], Unsupported)


# ---------------------------------------------------------------------------------------------------- customers


def test_customer_is_found_by_number_organisation_or_mail_exactly(company: Company) -> None:
    ledger = company.sandbox.ledger
    firm = next(row for row in ledger.customers.values() if row["OrganisationNumber"])
    person = next(row for row in ledger.customers.values() if not row["OrganisationNumber"])
    ledger.put_customer({"Name": "Längre", "Email": person["Email"] + ".se"})  # the filter matches by beginning

    def by(match: str, **fields: str) -> list[str]:
        want = Want(key="k", record=Customer(name="N", **fields))
        return [hit.external_id for hit in company.connector.find("customer", [want], [match])[0]]

    assert by("customer_no", customer_no="2") == ["2"]
    assert by("customer_no", customer_no="222") == []
    assert by("org_no", org_no=f"16{firm['OrganisationNumber'].replace('-', '')}") == [firm["CustomerNumber"]]
    assert by("email", email=person["Email"].upper()) == [person["CustomerNumber"]]
    assert by("email", email=person["Email"][:-1]) == []


def test_customer_is_written_and_found_again_after_a_lost_answer(company: Company) -> None:
    record = Customer(
        name="Åsa Öberg", email="asa@example.com", phone="+46701740610",
        billing=Address(lines=("Storgatan 1", "2 tr"), postcode="11120", city="Stockholm", country="SE"),
    )  # fmt: skip
    company.faulty.faults = [Fault("lost", times=1, method="POST", path="/3/customers")]
    want = Want(key=record.key, record=record, reference="mail:asa@example.com")
    (lost,) = company.write("customer", want)
    assert isinstance(lost, RemoteFault) and lost.maybe_applied
    ((hit,),) = company.connector.find("customer", [want], ())
    assert (hit.external_id, hit.by) == ("13", "reference")
    moved = msgspec.structs.replace(record, billing=msgspec.structs.replace(record.billing, city="Umeå"))
    (done,) = company.write("customer", msgspec.structs.replace(want, record=moved, external_id="13"))
    row = company.sandbox.ledger.customers["13"]
    assert (done.external_id, row["City"], row["Address2"], row["Type"]) == ("13", "Umeå", "2 tr", "PRIVATE")
    assert len(company.sandbox.ledger.customers) == 13


# ---------------------------------------------------------------------------------------------------- orders

ORE = Decimal("0.01")


def line(
    sku: str, quantity: object, unit: object, percent: int, discount: object = 0, *, included: bool = True
) -> OrderLine:
    """A line as a shop states it: rounded line by line."""
    quantity, unit, discount = Decimal(str(quantity)), Decimal(str(unit)), Decimal(str(discount))
    total = (quantity * unit - discount).quantize(ORE, ROUND_HALF_UP)
    tax = (total * percent / (100 + percent) if included else total * percent / 100).quantize(ORE, ROUND_HALF_UP)
    net, gross = (total - tax, total) if included else (total, total + tax)
    return OrderLine(
        line_id=sku or "free", sku=sku, name=f"Vara {sku}", quantity=quantity, unit_price=unit, discount=discount,
        net=net, tax=tax, gross=gross, tax_percent=Decimal(percent),
    )  # fmt: skip


def order(*lines: OrderLine, freight: object = 0, included: bool = True, **more: Any) -> Order:
    charges = ()
    if freight:
        part = line("", 1, freight, 25, included=included)
        charges = (Charge(kind="shipping", net=part.net, tax=part.tax, gross=part.gross, tax_percent=Decimal(25)),)
    parts = (*lines, *charges)
    buyer = Customer(name="Åsa Öberg", email="asa@example.com")
    home = Address(name="Åsa Öberg", lines=("Storgatan 1",), postcode="11120", city="Stockholm", country="SE")
    given: dict[str, Any] = {
        "channel": "nordljus", "order_no": "1001", "placed_at": datetime(2026, 10, 19, 22, 30, tzinfo=UTC),
        "time_zone": "Europe/Stockholm", "currency": "SEK", "customer": buyer, "billing": home, "shipping": home,
        "net": sum(part.net for part in parts), "tax": sum(part.tax for part in parts),
        "gross": sum(part.gross for part in parts),
    }  # fmt: skip
    return Order(lines=lines, charges=charges, prices_include_tax=included, **(given | more))


def wanted(company: Company, record: Order, **more: Any) -> Want:
    ids = {("variant", line.sku.lower()): line.sku for line in record.lines if line.sku}
    ids[("customer", record.customer.key)] = "1"
    return Want(**({"key": record.key, "record": record, "ids": ids, "reference": record.key} | more))


def test_order_carries_the_buyers_total_address_and_reference(company: Company) -> None:
    one, two = article(company), article(company, 1)
    record = order(line(one, 2, "349.00", 25, "69.80"), line(two, 3, "45.00", 6), freight="59", note="Ring först")
    (done,) = company.write("order", wanted(company, record))
    assert isinstance(done, Done), done
    stored = company.sandbox.ledger.orders[done.external_id]
    assert stored["Total"] == record.gross == Decimal("822.20")
    assert stored["TotalVAT"] == record.tax
    assert stored["OrderDate"] == "2026-10-20"  # half past midnight in Sweden
    assert (stored["YourOrderNumber"], stored["ExternalInvoiceReference1"]) == ("1001", "nordljus/1001")
    assert (stored["DeliveryCity"], stored["Country"], stored["VATIncluded"]) == ("Stockholm", "Sverige", True)
    assert [(row["Total"], row["VAT"]) for row in stored["OrderRows"]] == [
        (Decimal("628.20"), 25), (Decimal("135.00"), 6), (Decimal("59.00"), 25)
    ]  # fmt: skip
    assert company.sandbox.snapshot()["articles"][one]["ReservedQuantity"] == 2


def test_a_table_chooses_way_of_delivery_and_terms_and_what_it_lacks_is_left_to_the_ledger(company: Company) -> None:
    maps = {"shipping_method": {"PostNord MyPack": "POSTEN"}, "payment_method": {"bacs": "30"}}
    sent = [
        order(line(article(company), 1, "100", 25), order_no=str(n), shipping_method=way, payment_method=terms)
        for n, (way, terms) in enumerate([("POSTEN", "30"), ("Budbil", "swish")])
    ]
    wants = [wanted(company, record, options={"maps": maps}) for record in sent]
    rows = [company.sandbox.ledger.orders[done.external_id] for done in company.write("order", *wants)]
    assert [(row.get("WayOfDelivery"), row.get("TermsOfPayment")) for row in rows] == [("POSTEN", "30"), (None, None)]
    wrong = wanted(company, sent[0], options={"maps": {"shipping_method": {"x": "POSTEN"}}}, key="k", reference="k")
    del company.sandbox.ledger.ways["POSTEN"]
    (refused,) = company.write("order", wrong)
    assert isinstance(refused, Rejected) and "POSTEN" in refused.what


def test_registers_are_listed_as_records_and_tables_name_them(company: Company) -> None:
    def codes(what: Any) -> list[str]:
        return [one.code for one in company.connector.choices(what)]

    assert codes("price_list") == ["Återförsäljare"]  # the preselected one has no name in records
    assert codes("shipping_method") == ["B", "POSTEN", "DHL", "H"]
    assert [one.name for one in company.connector.choices("payment_method")][:2] == ["30 dagar netto", "10 dagar netto"]
    assert codes("order_status")[0] == "Öppen"
    with pytest.raises(NotImplementedError):
        codes("warehouse")


def test_a_customers_price_list_goes_both_ways_by_its_name(company: Company) -> None:
    """J-09, P-08"""
    record = Customer(name="Åsa Öberg", email="asa@example.com", price_list="Återförsäljare")
    (done,) = company.write("customer", Want(key=record.key, record=record, reference="asa"))
    assert company.sandbox.ledger.customers[done.external_id]["PriceList"] == "B"
    unknown = msgspec.structs.replace(record, price_list="Okänd")
    (again,) = company.write("customer", Want(key=record.key, record=unknown, external_id=done.external_id))
    assert isinstance(again, Done) and company.sandbox.ledger.customers[done.external_id]["PriceList"] == "B"
    read = {i.external_id: i.record for i in company.read("customers", None, company.connect(details=True))}
    assert [read[number].price_list for number in (done.external_id, "1")] == ["Återförsäljare", ""]


money = some.decimals(Decimal("0.01"), Decimal("3000"), places=2)
lines_of = some.lists(
    some.tuples(some.integers(1, 12), money, some.sampled_from((25, 12, 6, 0)), some.integers(0, 60)),
    min_size=1, max_size=8,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    lines=lines_of,
    included=some.booleans(),
    freight=some.sampled_from((0, 29, "49.90", "-33.33")),
    thirds=some.booleans(),
)
def test_any_order_totals_to_the_ore(lines: list[Any], included: bool, freight: object, thirds: bool) -> None:
    """Rounded by line in the shop, by document in the ledger, unit prices of six decimals, discounts per line."""
    ledger = FortnoxSandbox(articles=0, customers=1, rate=0, now=lambda: NOON).ledger
    parts = []
    for number, (quantity, unit, percent, share) in enumerate(lines):
        ledger.put_article({"ArticleNumber": f"S{number}", "Description": "X"})
        exact = (unit / 3).quantize(Decimal("0.000001")) if thirds else unit
        parts.append(line(f"S{number}", quantity, exact, percent, exact * quantity * share / 100, included=included))
    record = order(*parts, freight=freight, included=included)
    ids = {("variant", f"s{number}"): f"S{number}" for number in range(len(lines))} | {
        ("customer", record.customer.key): "1"
    }
    for wrap, put in (("Order", ledger.put_order), ("Invoice", ledger.put_invoice)):
        data = shapes.document_fields(record, ids, record.key, {}, wrap)
        sent = msgspec.json.decode(msgspec.json.encode(data))
        assert put(sent)["Total"] == record.gross
        for row in data[f"{wrap}Rows"]:
            assert row["Price"] == Decimal(row["Price"]).quantize(ORE)


def test_vat_rounded_by_line_leaves_an_explicit_row(company: Company) -> None:
    number = article(company)
    record = order(*(line(number, 1, "0.42", 25, included=False) for _ in range(5)), included=False)
    assert record.gross == Decimal("2.65")  # 5 × (0.42 + 0.11); by document VAT is 0.53
    (done,) = company.write("order", wanted(company, record))
    stored = company.sandbox.ledger.orders[done.external_id]
    last = stored["OrderRows"][-1]
    assert (stored["Total"], last["Total"], last["VAT"], last["AccountNumber"]) == (
        record.gross,
        Decimal("0.02"),
        0,
        3740,
    )


def test_lines_whose_vat_cannot_explain_the_total_are_no_rounding(company: Company) -> None:
    wrong = msgspec.structs.replace(line(article(company), 1, "100", 25, included=False), tax_percent=Decimal(6))
    (result,) = company.write("order", wanted(company, order(wrong, included=False)))
    assert isinstance(result, BadData)
    assert company.sandbox.ledger.orders == {}


def test_order_waits_for_customer_and_article(company: Company) -> None:
    record = order(line(article(company), 1, 10, 25))
    (result,) = company.write("order", wanted(company, record, ids={}))
    assert isinstance(result, Wait) and result.needs == ("customer", "mail:asa@example.com")
    (result,) = company.write("order", wanted(company, record, ids={("customer", record.customer.key): "1"}))
    assert isinstance(result, Wait) and result.needs[0] == "variant"


def test_killed_between_write_and_answer_the_order_is_found_not_doubled(company: Company) -> None:
    record = order(line(article(company), 1, 10, 25))
    company.write("order", wanted(company, record, reference="nordljus/10012"))  # begins like ours
    company.faulty.faults = [Fault("lost", times=1, method="POST", path="/3/orders")]
    want = wanted(company, record)
    (lost,) = company.write("order", want)
    assert isinstance(lost, RemoteFault) and lost.maybe_applied
    ((hit,),) = company.connector.find("order", [want], ())
    assert (hit.external_id, hit.by) == ("1002", "reference")
    (done,) = company.write("order", msgspec.structs.replace(want, external_id="1002"))
    assert (done.external_id, len(company.sandbox.ledger.orders)) == ("1002", 2)


def test_an_order_of_another_total_is_found_but_not_taken_for_done(company: Company) -> None:
    number = article(company)
    company.write("order", wanted(company, order(line(number, 1, 10, 25))))
    ((hit,),) = company.connector.find("order", [wanted(company, order(line(number, 2, 10, 25)))], ())
    assert (hit.external_id, hit.by) == ("1001", "reference of an unfinished one")


def test_rounding_to_whole_kronor_is_refused_and_leaves_nothing_open(company: Company) -> None:
    company.sandbox.switch(whole_kronor=True)
    want = wanted(company, order(line(article(company), 1, "10.40", 25)))
    (no,) = company.write("order", want)
    assert isinstance(no, Rejected)
    assert "öresutjämning" in no.do_this and not no.existing
    assert [row["Cancelled"] for row in company.sandbox.ledger.orders.values()] == [True]
    assert company.connector.find("order", [want], ()) == [[]]
    company.sandbox.switch(whole_kronor=False)
    assert isinstance(company.write("order", want)[0], Done)


def test_invoice_instead_of_order_booked_or_left_open(company: Company) -> None:
    record = order(line(article(company), 2, "125", 25), freight="49")
    (done,) = company.write("order", wanted(company, record, options={"document": "invoice"}))
    invoice = company.sandbox.ledger.invoices["5001"]
    assert (done.external_id, invoice["Total"], invoice["Booked"]) == ("invoice-5001", record.gross, False)
    booked = {"document": "invoice", "book": True}
    (done,) = company.write("order", wanted(company, record, reference="nordljus/1002", options=booked))
    assert company.sandbox.ledger.invoices["5002"]["Booked"] is True
    (again,) = company.write("order", wanted(company, record, external_id="invoice-5002", options=booked))
    assert isinstance(again, Done)  # frozen, but it says what we want
    assert not company.sandbox.ledger.orders


def test_an_order_bears_its_channels_result_unit(company: Company) -> None:
    """Q-15: several shops, one ERP."""
    record = order(line(article(company), 1, "125", 25))
    (done,) = company.write("order", wanted(company, record, options={"dimension": "BUTIK1"}))
    assert isinstance(done, Done)
    assert company.sandbox.ledger.orders[done.external_id]["CostCenter"] == "BUTIK1"


def test_invoice_that_could_not_be_booked_is_bound_and_booked_later(company: Company) -> None:
    options = {"document": "invoice", "book": True}
    want = wanted(company, order(line(article(company), 2, "125", 25)), options=options)
    company.faulty.faults = [Fault("500", path="/bookkeep")]
    (no,) = company.write("order", want)
    assert isinstance(no, Rejected)
    assert no.existing == "invoice-5001"
    ((hit,),) = company.connector.find("order", [want], ())
    assert hit.by != "reference"  # else the hub would take it as done
    company.faulty.faults = []
    (done,) = company.write("order", msgspec.structs.replace(want, external_id=no.existing))
    assert done.external_id == "invoice-5001"
    assert [row["Booked"] for row in company.sandbox.ledger.invoices.values()] == [True]


def test_cancel_and_frozen(company: Company) -> None:
    number = article(company)
    record = order(line(number, 2, "125", 25))
    (done,) = company.write("order", wanted(company, record))
    bigger = order(line(number, 3, "125", 25))
    (changed,) = company.write("order", wanted(company, bigger, external_id=done.external_id))
    assert company.sandbox.ledger.orders[changed.external_id]["Total"] == 375
    company.sandbox.deliver(done.external_id, {number: 1})
    (no,) = company.write("order", wanted(company, record, external_id=done.external_id))
    assert isinstance(no, Rejected)
    gone = msgspec.structs.replace(bigger, lifecycle="cancelled")
    (no,) = company.write("order", wanted(company, gone, external_id=done.external_id))
    assert isinstance(no, Rejected) and "Credit" in no.do_this
    (other,) = company.write("order", wanted(company, record, reference="nordljus/2"))
    for _ in range(2):
        (done,) = company.write("order", wanted(company, gone, reference="nordljus/2", external_id=other.external_id))
        assert isinstance(done, Done)
    assert company.sandbox.ledger.orders[other.external_id]["Cancelled"] is True
    (never,) = company.write("order", wanted(company, gone, reference="nordljus/3"))
    assert never == Done()  # cancelled before it came here: nothing to create


# ---------------------------------------------------------------------------------------------------- status


def status(company: Company, since: datetime | None = None) -> dict[str, Any]:
    items = [item for item in company.read("order_status", since) if isinstance(item, Item)]
    return {item.parent: item.record for item in items}


def test_status_follows_an_order_through_delivery_invoice_payment(company: Company) -> None:
    number = article(company)
    company.sandbox.phone_order({number: 1})  # not ours: never seen
    record = order(line(number, 2, "125", 25), freight="49")
    (done,) = company.write("order", wanted(company, record))
    mine = done.external_id

    def now() -> tuple[str, str, str, str]:
        found = status(company)
        assert list(found) == [mine]
        return found[mine].raw, found[mine].lifecycle, found[mine].fulfilment, found[mine].payment

    assert now() == ("Öppen", "confirmed", "none", "")
    company.sandbox.deliver(mine, {number: 1})
    assert now() == ("Dellevererad", "confirmed", "partly_shipped", "")
    company.sandbox.deliver(mine)
    assert now() == ("Levererad", "confirmed", "shipped", "")
    invoice = company.sandbox.invoice(mine, bookkeep=False)
    assert now() == ("Fakturerad", "confirmed", "shipped", "")
    company.sandbox.bookkeep(invoice)
    assert now() == ("Bokförd", "confirmed", "shipped", "")
    assert "invoiced" in status(company)[mine].words()
    company.now = datetime(2026, 10, 20, 15, 0, tzinfo=UTC)
    company.sandbox.pay(invoice, "100")
    assert now() == ("Bokförd", "confirmed", "shipped", "partly_captured")
    company.sandbox.pay(invoice)
    assert now() == ("Betald", "confirmed", "shipped", "captured")
    # Only the invoice changed since; the order's status comes all the same, with its invoice number.
    (found,) = status(company, datetime(2026, 10, 20, 14, 50, tzinfo=UTC)).values()
    assert [(d.kind, d.number, d.state) for d in found.documents] == [
        ("order", mine, "open"),
        ("invoice", invoice, "paid"),
    ]


def test_status_of_cancelled_and_of_a_credited_invoice(company: Company) -> None:
    number = article(company)
    wants = [wanted(company, order(line(number, 1, "125", 25)), reference=f"nordljus/{n}") for n in (1, 2)]
    one, two = company.write("order", *wants)
    company.sandbox.cancel(one.external_id)
    invoice = company.sandbox.invoice(two.external_id)
    company.sandbox.ledger.credit_invoice(invoice)
    found = status(company)
    assert (found[one.external_id].lifecycle, found[one.external_id].raw) == ("cancelled", "Makulerad")
    assert found[two.external_id].payment == ""  # a credit settles the balance, but nobody has paid
    assert [document.kind for document in found[two.external_id].documents] == ["order", "invoice", "credit_invoice"]


def test_status_of_an_invoice_without_an_order(company: Company) -> None:
    options = {"document": "invoice", "book": True}
    (done,) = company.write("order", wanted(company, order(line(article(company), 1, "125", 25)), options=options))
    company.sandbox.pay(done.external_id.removeprefix("invoice-"))
    for since in (None, NOON):
        found = status(company, since)
        assert found[done.external_id].payment == "captured"


# ---------------------------------------------------------------------------------------------------- limits


def test_429_is_waited_out(company: Company) -> None:
    company.faulty.faults = [Fault("429", times=1, path="/3/articles", seconds=0.2)]
    assert len(company.read("stock")) == 30


@pytest.mark.parametrize(
    ("said", "type_"),
    [
        ({"ErrorInformation": {"Error": 1, "Message": "Nej", "Code": 2000588}}, Rejected),
        ({"ErrorInformation": {"error": 1, "message": "Nej", "code": 2000588}}, Rejected),
        ({"ErrorInformation": {"error": 1, "message": "Nej", "code": 2000663}}, Forbidden),
        ({"ErrorInformation": {"error": 1, "message": "Nej", "code": 2000311}}, LoginRefused),
        (["Nej"], Rejected),
    ],
)
def test_errors_are_read_in_upper_and_lower_case(said: object, type_: type[SamklangError]) -> None:
    error = _refusal(Answer(400, {}, json.dumps(said).encode(), "GET /3/articles"))
    assert type(error) is type_
    assert error.what in ("Nej", "Fortnox answered 400")


def test_a_number_that_is_too_long_is_not_sent(company: Company) -> None:
    (no,) = company.write("product", Want(key="x", record=product("X" * 51)))
    assert isinstance(no, Unsupported) and "50" in no.what


def test_the_limiter_keeps_within_the_vendors_limit() -> None:
    """25 calls in any 5 seconds, with the manifest's own limits: not one 429 at a sandbox that counts strictly."""
    sandbox = FortnoxSandbox(articles=40, customers=0, rate=25)
    with serve(Faulty(sandbox.app)) as base:
        company = Company(base, sandbox, Faulty(sandbox.app), [datetime.now(UTC)])
        connector = company.connect(details=True)
        limits = connector.manifest.limits
        connector.client.transport.limiter = Limiter(limits.calls, limits.per_seconds, limits.concurrent)
        assert len(company.read("articles", None, connector)) == 40
        assert {seen.status for seen in company.exchanges} == {200}


def test_article_numbers_are_quoted_in_addresses(company: Company) -> None:
    record = product("Å 1+2")
    assert isinstance(company.write("product", Want(key=record.key, record=record))[0], Done)
    ((hit,),) = company.connector.find("product", [Want(key=record.key, record=record)], ["sku"])
    assert hit.external_id == "Å 1+2"
    assert unquote(urlsplit(company.exchanges[-1].url).path) == "/3/articles/Å 1+2"
