"""The Fortnox sandbox against the vendor's own document, and the rules that the document does not hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
import urllib3

from samklang.sandboxes.base import Fault, Faulty, serve
from samklang.sandboxes.fortnox import FortnoxSandbox
from samklang.sandboxes.fortnox.totals import row_total, totals
from tests.contract import fortnox_document


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


class Caller:
    """A logged-in caller that checks every answer against the vendor's document."""

    def __init__(self, base: str, sandbox: FortnoxSandbox, document: fortnox_document.Document | None) -> None:
        self.base = base
        self.sandbox = sandbox
        self.document = document
        self.pool = urllib3.PoolManager()
        self.token = str(sandbox.tokens()["access_token"])

    def __call__(self, method: str, path: str, data: Any = None, *, expect: int | None = None, **query: object) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        body = None
        if data is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(data, default=str).encode()
        url = f"{self.base}{path}" + (f"?{urlencode(query)}" if query else "")
        answer = self.pool.request(method, url, body=body, headers=headers, redirect=False, retries=False)
        usual = {"POST": 201, "DELETE": 204}.get(method, 200)
        assert answer.status == (expect or usual), answer.data
        if self.document is not None:
            self.document.check_answer(method, path, answer.status, answer.data)
        return json.loads(answer.data, parse_float=Decimal) if answer.data else None


@pytest.fixture(scope="session")
def document() -> fortnox_document.Document:
    return fortnox_document.load()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> FortnoxSandbox:
    return FortnoxSandbox(articles=230, customers=8, rate=0, now=clock)


@pytest.fixture
def call(sandbox: FortnoxSandbox, document: fortnox_document.Document) -> Iterator[Caller]:
    with serve(Faulty(sandbox.app)) as base:
        yield Caller(base, sandbox, document)


def order_of(*rows: dict[str, object], **more: object) -> dict[str, object]:
    return {"Order": {"CustomerNumber": "1", "OrderRows": list(rows), **more}}


def error_code(answer: dict[str, Any]) -> int:
    return next(int(v) for k, v in answer["ErrorInformation"].items() if k.lower() == "code")


# ---------------------------------------------------------------------------------------------------- login


def test_login_by_consent_code_and_rotating_refresh(sandbox: FortnoxSandbox) -> None:
    pool = urllib3.PoolManager()
    basic = urllib3.make_headers(basic_auth="sandbox:sandbox-secret")

    with serve(sandbox.app) as base:
        back = "http://127.0.0.1:1/back"
        asked = urlencode(
            {"client_id": "sandbox", "redirect_uri": back, "scope": "article", "state": "s1", "response_type": "code"}
        )
        consent = pool.request("GET", f"{base}/oauth-v1/auth?{asked}", redirect=False)
        assert consent.status == 302
        target = urlsplit(consent.headers["location"])
        assert target.path == "/back"
        code = parse_qs(target.query)["code"][0]
        assert parse_qs(target.query)["state"] == ["s1"]

        def token(**form: str) -> tuple[int, dict[str, Any]]:
            answer = pool.request_encode_body(
                "POST", f"{base}/oauth-v1/token", fields=form, headers=basic, encode_multipart=False
            )
            return answer.status, json.loads(answer.data)

        first = token(grant_type="authorization_code", code=code, redirect_uri=back)
        assert first[0] == 200
        assert first[1]["expires_in"] == 3600
        assert token(grant_type="authorization_code", code=code, redirect_uri=back)[0] == 400  # only once
        old = first[1]["refresh_token"]
        second = token(grant_type="refresh_token", refresh_token=old)
        assert second[0] == 200
        assert second[1]["refresh_token"] != old
        assert token(grant_type="refresh_token", refresh_token=old) == (
            400,
            {"error": "invalid_grant", "error_description": "Invalid refresh token"},
        )
        revoked = pool.request_encode_body(
            "POST",
            f"{base}/oauth-v1/revoke",
            fields={"token": second[1]["refresh_token"]},
            headers=basic,
            encode_multipart=False,
        )
        assert json.loads(revoked.data) == {"revoked": True}
        assert token(grant_type="refresh_token", refresh_token=second[1]["refresh_token"])[0] == 400
        wrong = pool.request("POST", f"{base}/oauth-v1/token", headers=urllib3.make_headers(basic_auth="a:b"))
        assert wrong.status == 401


def test_dead_access_token_is_401(call: Caller, sandbox: FortnoxSandbox) -> None:
    call("GET", "/3/companyinformation")
    sandbox.expire()
    assert error_code(call("GET", "/3/companyinformation", expect=401)) == 2000311


def test_rate_limit_slides(call: Caller, sandbox: FortnoxSandbox) -> None:
    sandbox.switch(rate=5)
    for _ in range(5):
        call("GET", "/3/companyinformation")
    call("GET", "/3/companyinformation", expect=429)
    call.token = str(sandbox.tokens()["access_token"])  # the limit is per access token
    call("GET", "/3/companyinformation")


# ---------------------------------------------------------------------------------------------------- lists


def test_every_list_and_single_answer_fits_the_document(call: Caller) -> None:
    number = call("GET", "/3/articles", limit=1)["Articles"][0]["ArticleNumber"]
    for path in (
        f"/3/articles/{number}", "/3/customers", "/3/customers/1", "/3/orders", "/3/invoices", "/3/invoicepayments",
        "/3/pricelists", "/3/pricelists/A", f"/3/prices/sublist/A/{number}", f"/3/prices/A/{number}",
        f"/3/prices/A/{number}/0", "/3/units", "/3/units/st", "/3/companyinformation", "/3/financialyears",
        "/3/vouchers", "/3/wayofdeliveries", "/3/termsofpayments", "/api/warehouse/tenants-v4",
    ):  # fmt: skip
        call("GET", path)


def test_pages_hold_every_article_once(call: Caller) -> None:
    seen: list[str] = []
    first = call("GET", "/3/articles")
    assert first["MetaInformation"] == {"@TotalResources": 230, "@TotalPages": 3, "@CurrentPage": 1}
    assert len(first["Articles"]) == 100
    for page in range(1, 4):
        seen += [row["ArticleNumber"] for row in call("GET", "/3/articles", page=page)["Articles"]]
    assert len(seen) == len(set(seen)) == 230
    assert len(call("GET", "/3/articles", limit=500)["Articles"]) == 230
    assert error_code(call("GET", "/3/articles", limit=501, expect=400)) == 2000588
    assert call("GET", "/3/articles", page=9)["Articles"] == []


def test_list_rows_are_a_subset_with_numbers_as_text(call: Caller) -> None:
    row = call("GET", "/3/articles", limit=1)["Articles"][0]
    whole = call("GET", f"/3/articles/{row['ArticleNumber']}")["Article"]
    assert "Weight" not in row and "Manufacturer" not in row
    assert whole["Weight"] > 0
    assert row["SalesPrice"] == f"{whole['SalesPrice']:.2f}"
    assert row["VAT"] in ("25", "12", "6")
    assert isinstance(row["ReservedQuantity"], str)


def test_unknown_parameter_and_field_are_refused(call: Caller) -> None:
    assert error_code(call("GET", "/3/articles", colour="red", expect=400)) == 2000588
    assert (
        error_code(call("POST", "/3/articles", {"Article": {"Description": "X", "Colour": 1}}, expect=400)) == 2001399
    )
    assert error_code(call("POST", "/3/articles", {"Article": {"ArticleNumber": "Y"}}, expect=400)) == 0
    assert error_code(call("POST", "/3/articles", {"Wrong": {}}, expect=400)) == 2001392
    assert error_code(call("POST", "/3/articles", {"Article": {"Description": "X", "VAT": "a"}}, expect=400)) == 2000108
    bad = {"Article": {"Description": "X", "Active": "true"}}
    assert error_code(call("POST", "/3/articles", bad, expect=400)) == 2000134


def test_lastmodified_is_swedish_wall_time_to_the_minute(call: Caller, clock: Clock, sandbox: FortnoxSandbox) -> None:
    number = call("GET", "/3/articles", limit=1)["Articles"][0]["ArticleNumber"]
    clock.at = datetime(2026, 7, 1, 10, 15, 40, tzinfo=UTC)  # 12:15 in Sweden
    sandbox.name(number, "Nytt namn åäö")
    assert [
        row["ArticleNumber"] for row in call("GET", "/3/articles", lastmodified="2026-07-01 12:15")["Articles"]
    ] == [number]
    assert call("GET", "/3/articles", lastmodified="2026-07-01 12:16")["Articles"] == []
    call("GET", "/3/articles", lastmodified="2026-07-01T12:15:00", expect=400)


def test_filters_match_by_beginning(call: Caller) -> None:
    call("POST", "/3/orders", order_of(ExternalInvoiceReference1="hub-1"))
    call("POST", "/3/orders", order_of(ExternalInvoiceReference1="hub-12"))
    found = call("GET", "/3/orders", externalinvoicereference1="hub-1")["Orders"]
    assert [row["ExternalInvoiceReference1"] for row in found] == ["hub-1", "hub-12"]


# ---------------------------------------------------------------------------------------------------- registers


def test_article_is_created_changed_and_not_renumbered(call: Caller) -> None:
    made = call("POST", "/3/articles", {"Article": {"ArticleNumber": "Å/1 b", "Description": "Smörkniv", "VAT": 25}})
    assert made["Article"]["ArticleNumber"] == "Å/1 b"
    path = f"/3/articles/{quote('Å/1 b', safe='')}"
    call.document = None  # the document's paths know no slash in a number
    changed = call("PUT", path, {"Article": {"Description": "Smörkniv i en"}})["Article"]
    assert (changed["Description"], changed["VAT"]) == ("Smörkniv i en", 25)
    call("POST", "/3/articles", {"Article": {"ArticleNumber": "Å/1 b", "Description": "Igen"}}, expect=400)
    call("PUT", path, {"Article": {"ArticleNumber": "annat"}}, expect=400)
    call("POST", "/3/articles", {"Article": {"Description": "X", "Unit": "hink"}}, expect=400)
    call("DELETE", path)
    assert error_code(call("GET", path, expect=404)) == 2000428


def test_prices_by_list_and_quantity(call: Caller) -> None:
    call("POST", "/3/articles", {"Article": {"ArticleNumber": "P1", "Description": "P"}})
    price = {"ArticleNumber": "P1", "PriceList": "A", "FromQuantity": 0, "Price": 100}
    call("POST", "/3/prices", {"Price": price})
    call("POST", "/3/prices", {"Price": price}, expect=400)
    call("POST", "/3/prices", {"Price": price | {"FromQuantity": 10, "Price": "79.50"}})
    call("PUT", "/3/prices/A/P1/0", {"Price": {"Price": "99.90"}})
    call("PUT", "/3/prices/A/P1/5", {"Price": {"Price": 1}}, expect=404)
    rows = call("GET", "/3/prices/sublist/A/P1")["Prices"]
    assert [(row["FromQuantity"], row["Price"]) for row in rows] == [(0, Decimal("99.90")), (10, Decimal("79.50"))]
    assert call("GET", "/3/articles/P1")["Article"]["SalesPrice"] == Decimal("99.90")
    call("DELETE", "/3/prices/A/P1/10")
    call("POST", "/3/pricelists", {"PriceList": {"Code": "VIP", "Description": "Stamkunder"}})
    call("POST", "/3/prices", {"Price": price | {"PriceList": "INGEN"}}, expect=400)


def test_customer_needs_a_name(call: Caller) -> None:
    made = call("POST", "/3/customers", {"Customer": {"Name": "Åsa Öberg", "Email": "asa@example.com"}})["Customer"]
    assert made["CustomerNumber"] == "9"
    call("POST", "/3/customers", {"Customer": {"Email": "x@example.com"}}, expect=400)
    taken = {"Customer": {"Name": "X", "CustomerNumber": "1"}}
    assert error_code(call("POST", "/3/customers", taken, expect=400)) == 2000637
    call("PUT", "/3/customers/9", {"Customer": {"City": "Umeå"}})
    assert call("GET", "/3/customers/9")["Customer"]["Name"] == "Åsa Öberg"


def test_voucher_must_balance(call: Caller) -> None:
    voucher = {"Description": "Utbetalning", "TransactionDate": "2026-03-10", "VoucherSeries": "A"}
    rows = [{"Account": 1930, "Debit": 100}, {"Account": 1580, "Credit": 100}]
    made = call("POST", "/3/vouchers", {"Voucher": voucher | {"VoucherRows": rows}})["Voucher"]
    assert made["VoucherNumber"] == 1
    call("GET", "/3/vouchers/A/1")
    rows[1]["Credit"] = 99
    call("POST", "/3/vouchers", {"Voucher": voucher | {"VoucherRows": rows}}, expect=400)


# ---------------------------------------------------------------------------------------------------- documents


def test_unknown_customer_and_article_on_an_order(call: Caller) -> None:
    unknown = {"Order": {"CustomerNumber": "777", "OrderRows": []}}
    assert error_code(call("POST", "/3/orders", unknown, expect=400)) == 2000433
    row = {"ArticleNumber": "NIX", "OrderedQuantity": "1"}
    assert error_code(call("POST", "/3/orders", order_of(row), expect=400)) == 2001302
    assert call("GET", "/3/orders")["Orders"] == []


def test_an_order_reserves_is_delivered_invoiced_paid(call: Caller, sandbox: FortnoxSandbox) -> None:
    call("POST", "/3/articles", {"Article": {"ArticleNumber": "L1", "Description": "L", "StockGoods": True}})
    sandbox.stock("L1", 10)
    rows = ({"ArticleNumber": "L1", "OrderedQuantity": "3", "DeliveredQuantity": "0", "Price": "125", "VAT": 25},)
    number = call("POST", "/3/orders", order_of(*rows, VATIncluded=True))["Order"]["DocumentNumber"]

    def stock() -> tuple[Decimal, ...]:
        article = call("GET", "/3/articles/L1")["Article"]
        return article["QuantityInStock"], article["ReservedQuantity"], article["DisposableQuantity"]

    assert stock() == (10, 3, 7)
    sandbox.deliver(number, {"L1": 1})
    assert stock() == (9, 2, 7)
    assert call("GET", f"/3/orders/{number}")["Order"]["OrderRows"][0]["DeliveredQuantity"] == "1.00"
    sandbox.deliver(number)
    assert stock() == (7, 0, 7)
    invoice = call("PUT", f"/3/orders/{number}/createinvoice")["Invoice"]
    assert (invoice["Total"], invoice["TotalVAT"], invoice["Balance"]) == (375, 75, 375)
    assert invoice["OrderReference"] == number
    call("PUT", f"/3/orders/{number}/createinvoice", expect=400)
    call("PUT", f"/3/orders/{number}/cancel", expect=400)
    path = f"/3/invoices/{invoice['DocumentNumber']}"
    assert call("PUT", f"{path}/bookkeep")["Invoice"]["VoucherSeries"] == "B"
    call("PUT", path, {"Invoice": {"Remarks": "efteråt"}}, expect=400)
    call("PUT", f"{path}/cancel", expect=400)
    payment = {"InvoicePayment": {"InvoiceNumber": int(invoice["DocumentNumber"]), "Amount": 375}}
    paid = call("POST", "/3/invoicepayments", payment)["InvoicePayment"]
    assert call("GET", path)["Invoice"]["Balance"] == 375  # it counts when it is booked
    call("PUT", f"/3/invoicepayments/{paid['Number']}/bookkeep", {"InvoicePayment": {"InvoiceNumber": 1}})
    assert call("GET", "/3/invoices", filter="fullypaid")["Invoices"][0]["Balance"] == 0
    assert [row["DocumentNumber"] for row in call("GET", "/3/orders", filter="invoicecreated")["Orders"]] == [number]


def test_cancelled_order_gives_its_goods_back_and_cannot_be_deleted(call: Caller, sandbox: FortnoxSandbox) -> None:
    number = next(iter(sandbox.ledger.articles))
    order = sandbox.phone_order({number: 2})
    assert sandbox.snapshot()["articles"][number]["ReservedQuantity"] == 2
    assert call("PUT", f"/3/orders/{order}/cancel")["Order"]["Cancelled"] is True
    call("PUT", f"/3/orders/{order}/cancel")
    assert sandbox.snapshot()["articles"][number]["ReservedQuantity"] == 0
    call("PUT", f"/3/orders/{order}", {"Order": {"Remarks": "x"}}, expect=400)
    call.document = None
    assert call.pool.request("DELETE", f"{call.base}/3/orders/{order}").status == 405


def test_put_replaces_rows_and_keeps_the_rest(call: Caller) -> None:
    row = {"Description": "Fri text", "OrderedQuantity": "2", "Price": "10", "VAT": 25}
    made = call("POST", "/3/orders", order_of(row, row, YourOrderNumber="W-1"))["Order"]
    assert made["Total"] == 50
    rows = {"Order": {"OrderRows": [{**row, "Price": "20"}]}}
    changed = call("PUT", f"/3/orders/{made['DocumentNumber']}", rows)["Order"]
    assert (changed["Total"], changed["YourOrderNumber"]) == (50, "W-1")
    keep = {"Order": {"OrderRows": [{"RowId": changed["OrderRows"][0]["RowId"]}, row]}}
    assert call("PUT", f"/3/orders/{made['DocumentNumber']}", keep)["Order"]["Total"] == 75


def test_credit_invoice_mirrors_the_invoice(call: Caller) -> None:
    row = {"Description": "Vara", "DeliveredQuantity": "3", "Price": "33.33", "VAT": 25, "Discount": "1.11",
           "DiscountType": "AMOUNT"}  # fmt: skip
    data = {"Invoice": {"CustomerNumber": "1", "VATIncluded": True, "InvoiceRows": [row], "Freight": 49}}
    made = call("POST", "/3/invoices", data)["Invoice"]
    call("PUT", f"/3/invoices/{made['DocumentNumber']}/credit", expect=400)  # not booked yet
    call("PUT", f"/3/invoices/{made['DocumentNumber']}/bookkeep")
    credit = call("PUT", f"/3/invoices/{made['DocumentNumber']}/credit")["Invoice"]
    assert made["Total"] == Decimal("147.88")
    assert credit["Total"] == -made["Total"]
    assert credit["CreditInvoiceReference"] == made["DocumentNumber"]


def test_totals_by_hand() -> None:
    """Worked by hand: VAT per rate on the document, once from gross, once from net, once to whole kronor."""

    def count(included: bool, kronor: bool = False) -> tuple[Decimal, ...]:
        rows: list[dict[str, Any]] = [
            {"Price": Decimal("19.99"), "VAT": Decimal(25), "Discount": Decimal(10), "DiscountType": "PERCENT"},
            {"Price": Decimal("45"), "VAT": Decimal(12), "Discount": Decimal("0.50"), "DiscountType": "AMOUNT"},
        ]
        for row in rows:
            row["Total"] = row_total(row, Decimal(3))
        assert [row["Total"] for row in rows] == [Decimal("53.97"), Decimal("134.50")]
        sums = totals(rows, vat_included=included, freight=Decimal(0), fee=Decimal(0), whole_kronor=kronor)
        return sums["Net"], sums["TotalVAT"], sums["RoundOff"], sums["Total"]

    assert count(True) == (Decimal("163.27"), Decimal("25.20"), Decimal(0), Decimal("188.47"))
    assert count(False) == (Decimal("188.47"), Decimal("29.63"), Decimal(0), Decimal("218.10"))
    assert count(False, kronor=True) == (Decimal("188.47"), Decimal("29.63"), Decimal("-0.10"), Decimal("218.00"))


# ---------------------------------------------------------------------------------------------------- the rest


def test_warehouse_module(call: Caller, sandbox: FortnoxSandbox) -> None:
    number = next(iter(sandbox.ledger.articles))
    call("GET", "/api/warehouse/status-v1/stockbalance", expect=403)
    sandbox.switch(warehouse=True)
    sandbox.stock(number, 7)
    sandbox.phone_order({number: 2})
    assert call("GET", "/api/warehouse/tenants-v4")["activated"] is True
    balance = call("GET", "/api/warehouse/status-v1/stockbalance", itemIds=number)
    assert [(row["inStock"], row["availableStock"]) for row in balance] == [(7, 5)]
    call("PUT", f"/3/articles/{number}", {"Article": {"QuantityInStock": 9}}, expect=400)
    registered = order_of({"ArticleNumber": number, "OrderedQuantity": "1"}, DeliveryState="registration")
    call("POST", "/3/orders", registered)
    assert call("GET", "/api/warehouse/status-v1/stockbalance", itemIds=number)[0]["availableStock"] == 5


def test_empty_ledger_takes_articles() -> None:
    sandbox = FortnoxSandbox(articles=0)
    assert sandbox.snapshot()["articles"] == {} == sandbox.snapshot()["customers"]
    with serve(sandbox.app) as base:
        call = Caller(base, sandbox, None)
        call("POST", "/3/articles", {"Article": {"Description": "Först"}})
        call("POST", "/3/customers", {"Customer": {"Name": "Först"}})
    assert list(sandbox.snapshot()["articles"]) == ["1"]


def test_same_seed_same_ledger(clock: Clock) -> None:
    one, two = (FortnoxSandbox(articles=50, seed=3, now=clock).snapshot() for _ in range(2))
    assert one == two
    assert one != FortnoxSandbox(articles=50, seed=4, now=clock).snapshot()


def test_control_over_http_does_what_the_methods_do(call: Caller, sandbox: FortnoxSandbox) -> None:
    number = next(iter(sandbox.ledger.articles))
    call.document = None

    def control(action: str, data: Any = None, expect: int = 200) -> Any:
        return call("POST", f"/_sandbox/{action}", data, expect=expect)

    order = control("phone-order", {"rows": {number: 2}})["result"]
    control("deliver", {"order": order})
    invoice = control("invoice", {"order": order})["result"]
    control("pay", {"invoice": invoice})
    control("price", {"article": number, "price": "12.34"})
    control("stock", {"article": number, "quantity": 5})
    control("name", {"article": number, "name": "Omdöpt"})
    seen = call("GET", "/_sandbox/snapshot")
    assert seen["invoices"][invoice]["Balance"] == 0
    assert seen["articles"][number]["Description"] == "Omdöpt"
    assert seen["articles"][number]["SalesPrice"] == Decimal("12.34")
    control("invoice", {"order": order}, expect=400)
    control("stock", {"wrong": 1}, expect=400)
    control("fly", {}, expect=404)
    fresh = control("tokens")["result"]
    control("expire")
    call.token = fresh["access_token"]
    call("GET", "/3/units", expect=401)


def test_faults_play_around_it(sandbox: FortnoxSandbox) -> None:
    """A lost answer: the order is there, the caller does not know."""
    faulty = Faulty(sandbox.app)
    faulty.faults = [Fault("lost", times=1, method="POST", path="/3/orders")]
    with serve(faulty) as base:
        call = Caller(base, sandbox, None)
        with pytest.raises(urllib3.exceptions.HTTPError):
            call("POST", "/3/orders", order_of(ExternalInvoiceReference1="hub-9"))
    assert [row["ExternalInvoiceReference1"] for row in sandbox.ledger.orders.values()] == ["hub-9"]


def test_clock_moves_what_is_stamped(clock: Clock, sandbox: FortnoxSandbox) -> None:
    order = sandbox.phone_order({})
    before = sandbox.ledger.orders[order]["_modified"]
    clock.at += timedelta(minutes=5)
    sandbox.cancel(order)
    assert (before, sandbox.ledger.orders[order]["_modified"]) == ("2026-03-10 10:30", "2026-03-10 10:35")


def test_the_check_against_the_document_can_fail(document: fortnox_document.Document) -> None:
    for wrong in (
        {"Article": {"Description": "X", "Colour": "red"}},  # no such field
        {"Article": {"Description": "X" * 201}},  # too long
        {"Article": {"Description": "X", "VAT": "25"}},  # text for a number
        {"Article": {"VAT": 25}},  # required field missing
        {"Article": {"Description": "X", "Type": "LAGER"}},  # no such choice
    ):
        with pytest.raises(AssertionError):
            document.check_answer("GET", "/3/articles/1", 200, json.dumps(wrong).encode())
    with pytest.raises(AssertionError):
        document.operation("DELETE", "/3/orders/1")
