"""The eEkonomi connector against the sandbox; every request and answer is checked against the vendor's document."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import msgspec
import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as some

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import MemoryTokens
from samklang.connectors.contract import Bad, Done, Exchange, Surroundings, Tokens, Want
from samklang.connectors.errors import (
    BadAnswer,
    BadData,
    Forbidden,
    LoginRefused,
    Misconfigured,
    Rejected,
    RemoteFault,
    Unsupported,
    Wait,
)
from samklang.connectors.limiter import Limiter
from samklang.connectors.transport import Answer
from samklang.connectors.visma_eekonomi import VismaEEkonomi
from samklang.connectors.visma_eekonomi import map as shapes
from samklang.connectors.visma_eekonomi.client import _refusal, quoted
from samklang.records import (
    Address,
    Charge,
    Customer,
    Order,
    Price,
    Product,
    StockLevel,
    Variant,
    Voucher,
    VoucherLine,
    content_hash,
    encode,
)
from samklang.records.ids import sku_key
from samklang.sandboxes.base import Fault, Faulty, serve
from samklang.sandboxes.visma_eekonomi import VismaSandbox
from tests.contract import visma_eekonomi_document
from tests.contract.openapi import Checked

NOON = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


class Company:
    """A sandbox on the network with a connector to it."""

    def __init__(self, base: str, sandbox: VismaSandbox, faulty: Faulty, at: list[datetime]) -> None:
        self.base, self.sandbox, self.faulty, self.at = base, sandbox, faulty, at
        self.exchanges: list[Exchange] = []
        self.store = MemoryTokens(self.tokens())
        self.connector = self.connect()
        self.ids: dict[tuple[str, str], str] = {}

    def tokens(self) -> Tokens:
        given = self.sandbox.tokens()
        ends = self.at[0].timestamp() + 3600
        return Tokens(access=str(given["access_token"]), refresh=str(given["refresh_token"]), expires_at=ends)

    def connect(self, **more: object) -> VismaEEkonomi:
        around = Surroundings(
            capture=self.exchanges.append, tokens=self.store, now=lambda: self.at[0].timestamp(),
            allow_private=lambda _: True, sleep=lambda _: None,
        )  # fmt: skip
        settings = {
            "client_id": "sandbox", "client_secret": "sandbox-secret", "connection": "visma",
            "freight_article": "FRAKT", "fee_article": "AVGIFT", "rounding_article": "AVRUNDNING",
            "api_address": self.base, "login_address": self.base,
        }  # fmt: skip
        connector = VismaEEkonomi({**settings, **more}, around)
        connector.transport.limiter = Limiter(0, 1, 4)
        return connector

    def read(self, feed: str, since: datetime | None = None, **more: object) -> list[Any]:
        connector = self.connect(**more) if more else self.connector
        types = frozenset({"product", "stock", "price", "price_list", "customer", "order_status"})
        return [item for page in connector.read(feed, since, types) for item in page.items]

    def want(self, record: Any, **more: Any) -> Want:
        names = [*record.parts(), *record.needs()]
        ids = {name: self.ids[name] for name in names if name in self.ids}
        return Want(**{"key": record.key, "record": record, "reference": record.key, "ids": ids, **more})

    def write(self, record: Any, connector: VismaEEkonomi | None = None, **more: Any) -> Any:
        (result,) = (connector or self.connector).write(record.type, [self.want(record, **more)])
        if isinstance(result, Done):
            self.ids |= {(part.type, part.key): part.external_id for part in result.parts}
            if result.external_id:
                self.ids[record.type, record.key] = result.external_id
        return result

    def find(self, record: Any, *match: str, **more: Any) -> list[Any]:
        (found,) = self.connector.find(record.type, [self.want(record, **more)], match)
        return found

    def ready(self, n: int = 1, **more: Any) -> Order:
        """An order whose articles and customer are there."""
        order = specimens.order(n, specimens.sku(n), specimens.coffee(n).code)
        order = msgspec.structs.replace(order, **more)
        for record in (specimens.product(n), specimens.coffee(n), order.customer):
            assert isinstance(self.write(record), Done)
        return order

    def document(self, result: Done) -> dict[str, Any]:
        """The order, draft or invoice of a result."""
        ledger = self.sandbox.ledger
        id_ = result.external_id.removeprefix("draft-").removeprefix("invoice-")
        return {**ledger.orders, **ledger.drafts, **ledger.invoices}[id_]

    def article(self, place: int = 0) -> dict[str, Any]:
        return list(self.sandbox.ledger.articles.values())[place]


@pytest.fixture
def company() -> Iterator[Company]:
    at = [NOON]
    sandbox = VismaSandbox(articles=30, customers=12, now=lambda: at[0])
    ledger = sandbox.ledger
    by_percent = {row["VatRatePercent"]: id_ for id_, row in ledger.codings.items()}
    for number, percent in (("FRAKT", 25), ("AVGIFT", 25), ("AVRUNDNING", 0)):
        row = {"IsActive": True, "Number": number, "Name": number.title(), "UnitId": next(iter(ledger.units))}
        ledger.put_article(row | {"CodingId": by_percent[Decimal(percent)]})
    checked = Checked(sandbox.app, visma_eekonomi_document.load())
    faulty = Faulty(checked)
    with serve(faulty) as base:
        it = Company(base, sandbox, faulty, at)
        yield it
        it.connector.close()
    assert checked.found == []


def refused(result: object, type_: type[Exception] = Rejected) -> Any:
    assert isinstance(result, type_), result
    assert len(result.do_this) > 20  # type: ignore[attr-defined]
    return result


# ---------------------------------------------------------------------------------------------------- login


def test_check_names_the_company_and_warns_of_what_will_refuse_orders(company: Company) -> None:
    found = company.connector.check()
    assert (found.title, found.version, found.warnings) == ("Norrskens Handel AB", "Pro", ())
    company.sandbox.switch(whole_kronor=True)
    assert len(company.connect(freight_article="").check().warnings) == 2


def test_first_login_by_consent_with_the_service_chosen(company: Company) -> None:
    page = company.connector.login_page("http://127.0.0.1:1/back", "s1")
    asked = parse_qs(urlsplit(page).query)
    assert asked["scope"] == ["ea:api offline_access ea:sales ea:accounting"]
    assert asked["acr_values"] == ["service:44643EB1-3F76-4C1C-A672-402AE8085934"]
    target = urllib3.request("GET", page, redirect=False).headers["location"]
    company.connector.log_in(dict(parse_qsl(urlsplit(target).query))["code"], "http://127.0.0.1:1/back")
    company.connect().check()


def test_a_dead_access_token_is_renewed_and_the_rotated_refresh_token_kept(company: Company) -> None:
    before = company.store.tokens
    company.sandbox.expire()
    company.connector.check()
    assert before and company.store.tokens and company.store.tokens.refresh != before.refresh
    company.sandbox.expire()
    company.store.tokens = msgspec.structs.replace(company.store.tokens, refresh=before.refresh)  # used already
    with pytest.raises(LoginRefused):
        company.connect().check()


@pytest.mark.parametrize(
    ("test", "host"), [(False, "eaccountingapi"), (True, "eaccountingapi-sandbox.test")], ids=["live", "test"]
)
def test_test_and_live_have_their_addresses(company: Company, test: bool, host: str) -> None:
    connector = company.connect(sandbox=test, api_address="", login_address="")
    assert connector.transport.base == f"https://{host}.vismaonline.com"
    login = "https://identity-sandbox.test.vismaonline.com/" if test else "https://identity.vismaonline.com/"
    assert connector.login_page("x", "s").startswith(login)
    connector.close()


# ---------------------------------------------------------------------------------------------------- reading


def test_articles_become_products_stock_and_prices(company: Company) -> None:
    raw = company.article()
    by_id = {item.external_id: item for item in company.read("articles")}
    record = by_id[raw["Id"]].record
    assert (record.code, record.name, record.tax_class) == (raw["Number"], raw["Name"], "standard")
    assert record.variants[0].gtin == (raw["Barcodes"][0]["Barcode"],)
    assert [(part.key, part.external_id) for part in by_id[raw["Id"]].parts] == [(sku_key(raw["Number"]), raw["Id"])]
    stock = {item.record.key: item.record for item in company.read("stock")}
    assert stock[f"{sku_key(raw['Number'])}|"].on_hand == raw["StockBalance"]
    key = f"{sku_key(raw['Number'])}||SEK|1"
    net = {item.record.key: item.record for item in company.read("prices")}[key]
    gross = {item.record.key: item.record for item in company.read("prices", prices_include_tax=True)}[key]
    assert (net.amount, net.tax_included, net.tax_percent) == (raw["NetPrice"], False, 25)
    assert (gross.amount, gross.tax_included) == (raw["GrossPrice"], True)


def test_price_lists_are_read_where_the_company_has_them(company: Company) -> None:
    found = [item.record for item in company.read("prices", price_lists=True)]
    assert [record.name for record in found if record.type == "price_list"] == ["Återförsäljare"]
    prices = [record for record in found if record.type == "price" and record.price_list]
    assert len(prices) == len(company.sandbox.ledger.price_rows) == 10
    company.exchanges.clear()
    company.read("prices")
    assert not [seen for seen in company.exchanges if "salespricelists" in seen.url]


def test_only_what_changed_since(company: Company) -> None:
    company.at[0] = NOON + timedelta(hours=2)
    company.sandbox.name(company.article(3)["Id"], "Omdöpt å ä ö")
    (item,) = company.read("articles", NOON + timedelta(hours=1))
    assert item.record.name == "Omdöpt å ä ö"
    (raw,) = [row for row in company.sandbox.ledger.customers.values() if row["CustomerNumber"] == "4"]
    company.sandbox.ledger.put_customer({**raw, "InvoiceCity": "Kiruna"}, raw["Id"])
    (item,) = company.read("customers", NOON + timedelta(hours=1))
    assert item.record.billing.city == "Kiruna"


def test_a_wrong_row_is_bad_and_its_neighbours_pass(company: Company) -> None:
    company.article()["Number"] = ""
    items = company.read("stock")
    (bad,) = [item for item in items if isinstance(item, Bad)]
    assert (bad.external_id, len(items)) == (company.article()["Id"], 33)


def test_a_list_that_does_not_give_all_its_rows_is_no_complete_read(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"Meta": {"TotalNumberOfResults": 3}, "Data": []}
    short = Answer(200, {}, json.dumps(said).encode(), "GET /v2/articles")
    monkeypatch.setattr(company.connector.transport, "request", lambda *_, **__: short)
    with pytest.raises(BadAnswer, match="of 3"):
        company.read("stock")


def test_accounts_are_offered_each_once(company: Company) -> None:
    """Q-09."""
    found = [(one.code, one.name) for one in company.connector.choices("account")]
    assert found == [
        ("1580", "Fordringar kontokort"), ("2611", "Utgående moms 25 %"), ("3001", "Försäljning 25 %"),
    ]  # fmt: skip
    with pytest.raises(NotImplementedError):
        company.connector.choices("carrier")


def test_services_have_no_stock(company: Company) -> None:
    company.article()["IsServiceArticle"] = True
    assert len(company.read("stock")) == 32


# ---------------------------------------------------------------------------------------------------- catalogue


def product(code: str = "SKO-1", **more: Any) -> Product:
    variant = Variant(sku=code, gtin=("7359000001016",), unit="PR")
    return Product(code=code, name=more.pop("name", "Känga i läder"), variants=(variant,), **more)


def test_product_is_created_and_read_back_as_it_was_said(company: Company) -> None:
    done = company.write(product(tax_class="reduced"))
    raw = company.sandbox.ledger.articles[done.external_id]
    assert (raw["Number"], raw["Name"], raw["UnitAbbreviation"], raw["CodingName"]) == (
        "SKO-1", "Känga i läder", "par", "Varor 12 %",
    )  # fmt: skip
    (seen,) = [item.record for item in company.read("articles") if item.record.code == "SKO-1"]
    assert content_hash(encode(seen)) == content_hash(encode(done.seen))  # reading it back is no news


def test_a_change_leaves_alone_what_it_is_not_about(company: Company) -> None:
    raw = company.article()
    ids = {("variant", sku_key(raw["Number"])): raw["Id"]}
    raw["NameEnglish"], raw["StockLocationReference"] = "Boot", "A-12"
    before = dict(raw)
    want = {"external_id": raw["Id"], "ids": ids, "fields": frozenset({"name"})}
    assert isinstance(company.write(product(raw["Number"], name="Bara namnet", tax_class="low"), **want), Done)
    after = company.sandbox.ledger.articles[raw["Id"]]
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"Name"}
    (put,) = [json.loads(seen.sent) for seen in company.exchanges if seen.method == "PUT"]
    assert not shapes.READONLY["articles"] & set(put)


def test_what_is_already_so_is_not_written(company: Company) -> None:
    done = company.write(product())
    company.exchanges.clear()
    company.write(product(), external_id=done.external_id, ids=company.ids)
    assert {seen.method for seen in company.exchanges} == {"GET"}


def test_an_older_copy_that_is_written_over_ours_is_noticed_and_ours_done_again(company: Company) -> None:
    """Somebody read the article before our write and saves it after: the whole object is theirs then."""
    raw = company.article()
    ids = {("variant", sku_key(raw["Number"])): raw["Id"]}
    stale = dict(raw)
    transport = company.connector.transport
    request, done = transport.request, []

    def meddling(method: str, path: str, **how: Any) -> Answer:
        answer = request(method, path, **how)
        if method == "PUT" and not done:
            done.append(company.sandbox.ledger.put_article(stale, raw["Id"]))
        return answer

    transport.request = meddling  # type: ignore[method-assign]
    level = StockLevel(sku=raw["Number"], on_hand=Decimal(77))
    result = company.write(level, ids=ids)
    assert done and isinstance(result, Done)
    assert company.sandbox.ledger.articles[raw["Id"]]["StockBalance"] == 77


def test_price_and_stock_of_one_article_at_the_same_time_both_stay(company: Company) -> None:
    raw = company.article()
    ids = {("variant", sku_key(raw["Number"])): raw["Id"]}
    company.faulty.faults = [Fault("slow", seconds=0.1, path="/v2/articles/")]
    price = Price(sku=raw["Number"], currency="SEK", amount=Decimal("80.00"), tax_included=False)
    records = [price, StockLevel(sku=raw["Number"], on_hand=Decimal(77))]
    results: list[Any] = []
    threads = [threading.Thread(target=lambda r=r: results.append(company.write(r, ids=ids))) for r in records]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(result) for result in results] == [Done, Done]
    after = company.sandbox.ledger.articles[raw["Id"]]
    assert (after["NetPrice"], after["GrossPrice"], after["StockBalance"]) == (80, 100, 77)


def test_variants_are_articles_of_their_own_and_found_after_a_lost_answer(company: Company) -> None:
    record = specimens.sweater(1)
    company.faulty.faults = [Fault("lost", times=1, after=1, method="POST")]  # the second article's answer
    assert isinstance(company.write(record), RemoteFault)
    company.faulty.faults = []
    (hit,) = company.find(record, "sku", doubt=True)
    known = {("variant", part.key): part.external_id for part in hit.parts}
    done = company.write(record, external_id=hit.external_id, ids=known, doubt=True)
    numbers = [row["Number"] for row in company.sandbox.ledger.articles.values()]
    assert [numbers.count(variant.sku) for variant in record.variants] == [1, 1, 1]
    assert (done.external_id, len(done.parts)) == (record.code, 3)


def test_prices_are_written_net_and_gross_together(company: Company) -> None:
    raw = company.article()
    ids = {("variant", sku_key(raw["Number"])): raw["Id"]}

    def write(**more: Any) -> Any:
        price = Price(**{"sku": raw["Number"], "currency": "SEK", "tax_included": True, "amount": Decimal(199), **more})
        return company.write(price, ids=ids)

    done = write(amount=Decimal("199.90"))
    after = company.sandbox.ledger.articles[raw["Id"]]
    assert (after["NetPrice"], after["GrossPrice"]) == (Decimal("159.92"), Decimal("199.90"))
    assert (done.seen.amount, done.seen.tax_included) == (Decimal("159.92"), False)
    refused(write(price_list="Återförsäljare"), Unsupported)
    refused(write(currency="EUR"), Unsupported)
    orphan = Price(sku="FINNS-INTE", currency="SEK", amount=Decimal(1), tax_included=True)
    assert isinstance(company.write(orphan), Wait)


def test_stock_is_written_only_while_no_module_keeps_it(company: Company) -> None:
    raw = company.article()
    ids = {("variant", sku_key(raw["Number"])): raw["Id"]}
    level = StockLevel(sku=raw["Number"], on_hand=Decimal(40), reserved=Decimal(9), unavailable=Decimal(1))
    assert company.write(level, ids=ids).seen.on_hand == 39
    company.sandbox.switch(stock_module=True)
    refused(company.write(msgspec.structs.replace(level, on_hand=Decimal(50)), ids=ids), Unsupported)


def test_what_eekonomi_does_not_keep_is_a_plain_error(company: Company) -> None:
    raw = company.article()
    want = {"external_id": raw["Id"], "ids": {("variant", sku_key(raw["Number"])): raw["Id"]}}
    checked: Any = company.faulty.app
    checked.app = Stubborn(checked.app)
    no = refused(company.write(product(raw["Number"], name="Nytt"), **want, fields=frozenset({"name"})))
    assert "does not keep Name of articles" in no.what


class Stubborn:
    """Every PUT is answered, and none is done."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "PUT":
            scope = {**scope, "method": "GET"}
        await self.app(scope, receive, send)


def test_a_product_needs_a_category_of_its_vat_and_a_number_that_fits(company: Company) -> None:
    refused(company.write(product("X" * 41)), Unsupported)
    for row in company.sandbox.ledger.codings.values():
        row["IsActive"] = False
    assert "no sales category of 25 % VAT" in refused(company.write(product()), BadData).what


# ---------------------------------------------------------------------------------------------------- customers


def test_customer_is_found_by_number_organisation_or_mail_exactly(company: Company) -> None:
    rows = company.sandbox.ledger.customers.values()
    firm = next(row for row in rows if row["CorporateIdentityNumber"])
    person = next(row for row in rows if not row["CorporateIdentityNumber"])

    def by(match: str, **fields: str) -> list[str]:
        return [hit.external_id for hit in company.find(Customer(name="N", **fields), match)]

    assert by("customer_no", customer_no="2") == [list(rows)[1]["Id"]]
    assert by("customer_no", customer_no="222") == []
    assert by("org_no", org_no=firm["CorporateIdentityNumber"].replace("-", "")) == [firm["Id"]]
    assert by("email", email=person["EmailAddress"]) == [person["Id"]]
    assert by("email", email="o'brien@example.com") == []


def test_customer_is_written_and_found_again_by_our_reference(company: Company) -> None:
    record = msgspec.structs.replace(specimens.customer(1), customer_no="W-1", name="Å" * 60)
    company.faulty.faults = [Fault("lost", times=1, method="POST")]
    assert isinstance(company.write(record), RemoteFault)
    (hit,) = company.find(record, doubt=True)
    assert hit.by == "reference"
    raw = company.sandbox.ledger.customers[hit.external_id]
    assert (raw["CustomerNumber"], raw["Name"], raw["IsPrivatePerson"]) == ("W-1", "Å" * 50, True)
    billing = msgspec.structs.replace(record.billing, city="Umeå")
    done = company.write(msgspec.structs.replace(record, billing=billing), external_id=hit.external_id)
    raw = company.sandbox.ledger.customers[hit.external_id]
    assert (done.external_id, raw["InvoiceCity"], raw["Note"]) == (hit.external_id, "Umeå", f"Samklang {record.key}")
    assert raw["TermsOfPaymentId"] == company.sandbox.ledger.settings["TermsOfPaymentId"]


def test_a_customer_without_postcode_is_refused_before_it_is_sent(company: Company) -> None:
    record = msgspec.structs.replace(specimens.customer(1), billing=Address(lines=("Gatan 1",), city="Kil"))
    refused(company.write(record), BadData)
    assert not [seen for seen in company.exchanges if seen.method == "POST"]


def test_without_terms_of_payment_the_connection_pauses(company: Company) -> None:
    company.sandbox.ledger.settings["TermsOfPaymentId"] = None
    assert isinstance(company.write(specimens.customer(1)), Done)  # the first that there is
    company.sandbox.ledger.terms.clear()
    with pytest.raises(Misconfigured):
        company.write(specimens.customer(2))


# ---------------------------------------------------------------------------------------------------- orders


def gross(row: dict[str, Any]) -> Decimal:
    if "TotalAmount" in row:
        return row["TotalAmount"]  # type: ignore[no-any-return]
    return row["Amount"] + (0 if row["IncludesVat"] else row["VatAmount"])  # type: ignore[no-any-return]


def test_an_order_has_the_buyers_total_and_our_reference(company: Company) -> None:
    """Q-06, J-04."""
    order = company.ready()
    done = company.write(order)
    row = company.document(done)
    assert (gross(row), row["BuyersOrderReference"], row["Status"], row["IncludesVat"]) == (
        order.gross, "provbutik/100001", 2, True,
    )  # fmt: skip
    assert (row["InvoicePostalCode"], row["InvoiceCity"], row["DeliveryCity"]) == ("411 05", "Göteborg", "Göteborg")
    assert [(line["Quantity"], line["UnitPrice"]) for line in row["Rows"]] == [
        (2, Decimal("199.90")), (1, Decimal("89.00")), (1, Decimal("49.00")),
    ]  # fmt: skip


def test_a_companys_order_is_priced_without_vat(company: Company) -> None:
    firm = msgspec.structs.replace(specimens.customer(1), kind="company")
    order = company.ready(customer=firm)
    row = company.document(company.write(order))
    assert (gross(row), row["IncludesVat"]) == (order.gross, False)
    company.sandbox.switch(net_for_persons=True)
    other = company.ready(2)
    row = company.document(company.write(other))
    assert (gross(row), row["IncludesVat"]) == (other.gross, False)


@pytest.mark.parametrize(("book", "prefix"), [(False, "draft-"), (True, "invoice-")])
def test_an_invoice_is_left_a_draft_or_booked_as_the_flow_says(company: Company, book: bool, prefix: str) -> None:
    """Q-06, Q-07."""
    order = company.ready()
    done = company.write(order, options={"document": "invoice", "book": book})
    assert done.external_id.startswith(prefix)
    assert gross(company.document(done)) == order.gross
    assert len(company.sandbox.ledger.drafts) == int(not book)
    again = company.write(order, external_id=done.external_id, options={"document": "invoice", "book": book})
    assert again.external_id == done.external_id


@pytest.mark.parametrize("options", [{}, {"document": "invoice"}, {"document": "invoice", "book": True}])
@pytest.mark.parametrize("lost", range(3))
def test_whichever_answer_is_lost_there_is_one_document(company: Company, options: Any, lost: int) -> None:
    order = company.ready()
    company.faulty.faults = [Fault("lost", times=1, after=lost, method="POST")]
    result = company.write(order, options=options)
    company.faulty.faults = []
    if not isinstance(result, Done):
        found = company.find(order, doubt=True, options=options)
        assert len(found) <= 1
        if not found or found[0].by != "reference":
            id_ = found[0].external_id if found else ""
            assert isinstance(company.write(order, doubt=True, external_id=id_, options=options), Done)
    ledger = company.sandbox.ledger
    papers = [*ledger.orders.values(), *ledger.drafts.values(), *ledger.invoices.values()]
    assert [row["BuyersOrderReference"] for row in papers] == [order.key]


def test_a_total_that_is_not_the_buyers_is_refused_and_removed(company: Company) -> None:
    order = company.ready()
    company.sandbox.switch(whole_kronor=True)
    for options in ({}, {"document": "invoice", "book": True}):
        assert "the buyer's total is 537.8" in refused(company.write(order, options=options)).what
    ledger = company.sandbox.ledger
    assert not (ledger.orders or ledger.drafts or ledger.invoices)


def test_a_row_has_the_vat_of_its_article_or_the_order_is_refused_before_it_is_sent(company: Company) -> None:
    order = company.ready()
    article = company.sandbox.ledger.articles[company.ids["variant", sku_key(specimens.coffee(1).code)]]
    article["CodingId"] = next(iter(company.sandbox.ledger.codings))
    assert "has 25 % VAT in eEkonomi, the order's line 12 %" in refused(company.write(order), BadData).what
    assert not company.sandbox.ledger.orders


def test_freight_and_rounding_need_articles_of_their_own(company: Company) -> None:
    order = company.ready()
    no = refused(company.write(order, company.connect(freight_article="")), BadData)
    assert "for Frakt" in no.what and "freight_article" in no.do_this
    rounding = Charge(kind="rounding", net=Decimal("0.20"), tax=Decimal(0), gross=Decimal("0.20"))
    rounded = msgspec.structs.replace(
        order, charges=(*order.charges, rounding), gross=Decimal(538), net=order.net + rounding.net, taxes=()
    )
    assert gross(company.document(company.write(rounded))) == 538


def test_an_order_is_changed_until_it_is_shipped_and_then_frozen(company: Company) -> None:
    order = company.ready()
    id_ = company.write(order).external_id
    line = msgspec.structs.replace(
        order.lines[0], quantity=Decimal(1), net=Decimal("159.92"), tax=Decimal("39.98"), gross=Decimal("199.90")
    )
    less = msgspec.structs.replace(
        order, lines=(line, order.lines[1]), net=Decimal("278.58"), tax=Decimal("59.32"), gross=Decimal("337.90"),
        taxes=(), paid=Decimal("337.90"),
    )  # fmt: skip
    assert isinstance(company.write(less, external_id=id_), Done)
    assert gross(company.sandbox.ledger.orders[id_]) == Decimal("337.90")
    company.sandbox.deliver(id_)
    assert isinstance(company.write(less, external_id=id_), Done)  # nothing is wanted that is not so
    assert "shipped or invoiced" in refused(company.write(order, external_id=id_)).what
    gone = msgspec.structs.replace(less, lifecycle="cancelled")
    refused(company.write(gone, external_id=id_))


def test_a_cancelled_order_is_removed_while_that_is_possible(company: Company) -> None:
    order = company.ready()
    gone = msgspec.structs.replace(order, lifecycle="cancelled")
    assert company.write(gone) == Done()  # it never came here
    for options in ({}, {"document": "invoice"}):
        id_ = company.write(order, options=options).external_id
        for _ in range(2):
            assert isinstance(company.write(gone, external_id=id_, options=options), Done)
    ledger = company.sandbox.ledger
    assert not (ledger.orders or ledger.drafts)
    id_ = company.write(order, options={"document": "invoice", "book": True}).external_id
    assert "is booked" in refused(company.write(gone, external_id=id_)).what


def test_a_draft_that_cannot_be_booked_stands_and_is_bound(company: Company) -> None:
    order = company.ready()
    company.sandbox.lock("2027-12-31")
    options = {"document": "invoice", "book": True}
    no = refused(company.write(order, options=options))
    assert "stands as a draft, but was not booked" in no.what and "Open the period" in no.do_this
    company.sandbox.lock("2020-12-31")
    done = company.write(order, external_id=no.existing, options=options)
    assert done.external_id.startswith("invoice-") and not company.sandbox.ledger.drafts


def test_a_draft_that_a_person_booked_is_followed(company: Company) -> None:
    order = company.ready()
    id_ = company.write(order, options={"document": "invoice"}).external_id
    draft = company.sandbox.ledger.drafts[id_.removeprefix("draft-")]
    company.sandbox.ledger.convert(draft, {})
    done = company.write(order, external_id=id_, options={"document": "invoice"})
    assert done.external_id.startswith("invoice-")


def test_an_order_needs_its_customer_and_articles_first(company: Company) -> None:
    order = specimens.order(1)
    assert isinstance(company.write(order), Wait)


@given(
    total=some.decimals("0.01", "99999", places=2),
    pieces=some.one_of(some.integers(1, 400).map(Decimal), some.sampled_from([Decimal("0.5"), Decimal("0.25")])),
)
def test_prices_of_two_decimals_make_every_total(total: Decimal, pieces: Decimal) -> None:
    rows = shapes._priced(total, pieces)
    assert sum(quantity for quantity, _ in rows) == pieces
    assert all(each == each.quantize(Decimal("0.01")) for _, each in rows)
    assert sum((quantity * each).quantize(Decimal("0.01")) for quantity, each in rows) == total


# ---------------------------------------------------------------------------------------------------- status


def states(company: Company, since: datetime | None = None) -> dict[str, tuple[str, str, str]]:
    return {
        item.parent: (item.record.raw, item.record.fulfilment, item.record.payment)
        for item in company.read("order_status", since)
    }


def test_an_order_is_followed_from_delivery_to_payment(company: Company) -> None:
    """J-11: levererad, fakturerad, betald."""
    order = company.ready()
    id_ = company.write(order).external_id
    assert states(company) == {id_: ("Pågående", "none", "")}
    company.sandbox.deliver(id_, 1)
    assert states(company) == {id_: ("Pågående", "partly_shipped", "")}
    company.sandbox.deliver(id_)
    assert states(company) == {id_: ("Skickad", "shipped", "")}
    invoice = company.sandbox.invoice(id_)
    assert states(company) == {id_: ("Fakturerad", "shipped", "")}
    company.at[0] = NOON + timedelta(hours=2)
    company.sandbox.pay(invoice, "100")
    since = NOON + timedelta(hours=1)  # only the invoice changed
    assert states(company, since) == {id_: ("Fakturerad", "shipped", "partly_captured")}
    company.sandbox.pay(invoice)
    assert states(company, since) == {id_: ("Betald", "shipped", "captured")}


def test_a_direct_invoice_is_known_by_itself_and_by_its_draft(company: Company) -> None:
    order = company.ready()
    id_ = company.write(order, options={"document": "invoice", "book": True}).external_id
    company.sandbox.pay(id_.removeprefix("invoice-"))
    found = states(company)
    assert found[id_] == ("Betald", "", "captured")
    assert len(found) == 2 and any(name.startswith("draft-") for name in found)


def test_what_was_credited_is_not_paid(company: Company) -> None:
    order = company.ready()
    id_ = company.write(order).external_id
    invoice = company.sandbox.ledger.invoices[company.sandbox.invoice(id_)]
    company.sandbox.pay(invoice["Id"])
    invoice["CreditedBy"] = [{"CreditInvoiceId": invoice["Id"]}]
    (item,) = company.read("order_status")
    assert item.record.payment == ""
    assert [one.kind for one in item.record.documents] == ["order", "invoice", "credit_invoice"]


# ---------------------------------------------------------------------------------------------------- vouchers


def test_a_voucher_is_booked_once_and_found_by_its_key(company: Company) -> None:
    record = specimens.voucher(1)
    company.faulty.faults = [Fault("lost", times=1, method="POST")]
    assert isinstance(company.write(record), RemoteFault)
    (hit,) = company.find(record, doubt=True)
    (booked,) = company.sandbox.ledger.vouchers.values()
    assert (hit.by, hit.external_id) == ("reference", booked["NumberAndNumberSeries"]) == ("reference", "K1")
    assert booked["VoucherText"] == "Dagskassa 1 åäö [sales:prov:1]"
    rows = [(row["AccountNumber"], row.get("DebitAmount"), row.get("CreditAmount")) for row in booked["Rows"]]
    assert rows == [(1580, 125, None), (3001, None, 100), (2611, None, 25)]
    assert company.write(record, external_id="K1") == Done(external_id="K1")
    (seen,) = [seen for seen in company.exchanges if seen.method == "POST"]
    assert "useAutomaticVatCalculation=false" in seen.url


def test_a_locked_period_says_what_to_do(company: Company) -> None:
    company.sandbox.lock("2027-12-31")
    no = refused(company.write(specimens.voucher(1)))
    assert "locked to 2027-12-31" in no.what and "Open the period" in no.do_this and no.remote.startswith("4026")


def changed(record: Voucher, **more: Any) -> Voucher:
    """The voucher with another first line."""
    return msgspec.structs.replace(record, lines=(msgspec.structs.replace(record.lines[0], **more), *record.lines[1:]))


def test_dimensions_are_cost_centres_and_projects_by_their_names(company: Company) -> None:
    """Q-15: result unit per shop."""
    done = company.write(changed(specimens.voucher(1), dimensions={"1": "BUTIK", "6": "P1"}))
    assert isinstance(done, Done)
    ledger = company.sandbox.ledger
    ((booked,), (centre,)) = ledger.vouchers.values(), ledger.cost_centres.values()
    row = booked["Rows"][0]
    assert row["CostCenterItemId1"] == next(item["Id"] for item in centre["Items"] if item["ShortName"] == "BUTIK")
    assert row["ProjectId"] in ledger.projects
    no = refused(company.write(changed(specimens.voucher(2), dimensions={"6": "P9"})), BadData)
    assert "no project 'P9'" in no.what
    refused(company.write(changed(specimens.voucher(3), account="1580x")), BadData)


def sub_ledger(order: Order, source: Any, amount: str) -> Voucher:
    """A sale on invoice (or its refund), or a payout that closes it."""
    signed = Decimal(amount)
    owed = VoucherLine(account="1510", amount=signed, role="receivable.invoice", item=order.key)
    other = VoucherLine(
        account="1580" if source == "invoice_payment" else "3001", amount=-signed, role="x", party="klarna"
    )
    return Voucher(
        company="prov", series="K", date=NOON.date(), text="Faktura", source=source, currency="SEK",
        key=f"{source}:{order.key}:{amount}", lines=(owed, other),
    )  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"document": "invoice"}, {"document": "invoice", "book": True}])
def test_a_sale_on_invoice_is_the_orders_own_invoice_and_a_payout_closes_it_once(
    company: Company, options: Any
) -> None:
    """Accounting model B: nothing is booked beside eEkonomi's own invoice."""
    order = company.ready()
    company.write(order, options=options)
    ledger = company.sandbox.ledger
    sale, payout = sub_ledger(order, "invoice", "537.80"), sub_ledger(order, "invoice_payment", "-537.80")
    if not options.get("book"):
        assert isinstance(company.write(payout), Wait)  # nothing is booked yet
    for _ in range(2):
        done = company.write(sale)
        company.ids.pop(("voucher", sale.key))
    (invoice,) = ledger.invoices.values()
    assert (done.external_id, invoice["TotalAmount"], ledger.drafts) == (
        f"invoice-{invoice['Id']}",
        Decimal("537.80"),
        {},
    )
    assert not ledger.vouchers
    company.faulty.faults = [Fault("lost", times=1, method="POST")]
    assert isinstance(company.write(payout), RemoteFault)
    (hit,) = company.find(payout, doubt=True)
    assert (hit.by, len(ledger.vouchers), invoice["RemainingAmount"]) == ("reference", 1, 0)


def test_an_invoice_of_another_sum_and_a_refund_stop(company: Company) -> None:
    order = company.ready()
    company.write(order)
    no = refused(company.write(sub_ledger(order, "invoice", "500.00")))
    assert "is 537.80, 500 was taken of the buyer" in no.what
    assert not company.sandbox.ledger.invoices
    assert "credit 100 of order" in refused(company.write(sub_ledger(order, "invoice", "-100.00")), Unsupported).what
    refused(company.write(sub_ledger(order, "invoice_payment", "100.00")), Unsupported)


def test_a_list_hangs_on_its_voucher_once(company: Company) -> None:
    record, ledger = specimens.voucher(1), company.sandbox.ledger
    done = company.write(record)
    pdf = b"%PDF-1.7 the list"
    file = company.connector.upload("A1's list.pdf", pdf)
    assert company.connector.upload("A1's list.pdf", pdf) == file, "one that lies there is found by its name"
    company.faulty.faults = [Fault(kind="lost", times=1, method="POST", path="/v2/attachmentlinks")]
    with pytest.raises(RemoteFault):
        company.connector.attach(file, done.external_id, record.date)
    company.connector.attach(file, done.external_id, record.date)
    ((id_, _),) = ledger.vouchers.items()
    assert (ledger.attachments[file]["DocumentId"], ledger.bodies) == (id_, {file: pdf})
    assert company.connector.upload("A1's list.pdf", pdf) != file, "one that hangs somewhere is left alone"


def test_the_ledger_says_what_vouchers_may_use(company: Company) -> None:
    """RD-11, RD-12, Q-22."""
    company.sandbox.lock("2026-01-31")
    found = company.connector.ledger()
    accounts = {row.number: row.active for row in found.accounts}
    assert (len(found.accounts), accounts["1510"], accounts["3001"]) == (4, False, True)
    assert found.years == ((date(2025, 1, 1), date(2025, 12, 31)), (date(2026, 1, 1), date(2026, 12, 31)))
    assert (found.series, found.locked_until) == ((), date(2026, 1, 31))


# ---------------------------------------------------------------------------------------------------- errors


def test_errors_name_the_fields_and_keep_the_vendors_id() -> None:
    body = {
        "ErrorCode": 4000, "DeveloperErrorMessage": "Validation failed", "ErrorId": "e-1",
        "Errors": [{"Field": "Name", "ErrorCode": 1, "Message": "is required", "Key": None}],
    }  # fmt: skip
    error = _refusal(Answer(400, {}, msgspec.json.encode(body), "POST /v2/articles"))
    assert error is not None
    assert (error.what, error.remote) == ("Validation failed (Name: is required)", "4000 e-1")


def test_a_variant_that_lacks_an_address_pauses_with_its_words(company: Company) -> None:
    transport = company.connector.transport
    with pytest.raises(Forbidden, match="not available"):
        transport._judge(Answer(403, {}, b"not available in this variant", "GET /v2/orders"), "GET")


def test_quotes_in_filters_are_doubled() -> None:
    assert quoted("O'Brien") == "'O''Brien'"
