"""The real ERP and the real shop that other tests build on: they start, hold the right figures, and do business."""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.integration import tryton_seed
from tests.integration.tryton_server import Tryton, tryton
from tests.integration.vendure_server import RANGE, Vendure, vendure

pytestmark = pytest.mark.integration

SECRET = "a webhook secret"
Hook = tuple[str, bytes]


@pytest.fixture(scope="module")
def erp() -> Iterator[Tryton]:
    with tryton() as running:
        yield running


@pytest.fixture(scope="module")
def hooks() -> Iterator[tuple[str, queue.Queue[Hook]]]:
    """A receiver: its address, and (signature, body) of what was posted to it."""
    got: queue.Queue[Hook] = queue.Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.put((self.headers["x-samklang-signature"], body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Silence."""

    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{receiver.server_port}/", got
    receiver.shutdown()
    receiver.server_close()


@pytest.fixture(scope="module")
def shop(hooks: tuple[str, queue.Queue[Hook]]) -> Iterator[Vendure]:
    with vendure(webhook_url=hooks[0], webhook_secret=SECRET) as running:
        yield running


def test_the_erp_holds_the_seeded_catalogue(erp: Tryton) -> None:
    families = tryton_seed.families()
    articles = {article.sku: article for family in families for article in family.articles}
    (warehouse,) = erp.rows("stock.location", [["type", "=", "warehouse"]])
    rows = erp.rows("product.product", [["type", "=", "goods"]], "code", "quantity", locations=[warehouse["id"]])
    assert {row["code"]: row["quantity"] for row in rows} == {sku: a.stock for sku, a in articles.items()}
    templates = erp.rows("product.template", [["type", "=", "goods"]], "code", "list_price", "products")
    assert {(t["code"], t["list_price"], len(t["products"])) for t in templates} == {
        (family.code, tryton_seed.net(family), len(family.articles)) for family in families
    }
    assert any(len(family.articles) > 3 for family in families), "the catalogue needs templates with variants"


def test_a_sale_goes_through_the_erp_to_a_posted_invoice(erp: Tryton) -> None:
    article, price = _one_article(Decimal(25))
    before = erp.stock(article)
    sale = _sale(erp, "SALE-1", article, price, pieces=2)
    erp.call("model.sale.sale.quote", [sale])
    erp.call("model.sale.sale.confirm", [sale])
    erp.ship("SALE-1", tracking="SE123")
    invoice = erp.invoice("SALE-1", paid=True)

    row = erp.sale("SALE-1")
    assert row
    net = (2 * price).quantize(Decimal("0.01"))
    assert (row["state"], row["shipment_state"], row["invoice_state"]) == ("done", "sent", "paid")
    assert (row["untaxed_amount"], row["total_amount"]) == (net, (net * Decimal("1.25")).quantize(Decimal("0.01")))
    assert invoice["state"] == "paid"
    assert invoice["number"]
    assert invoice["total_amount"] == row["total_amount"]
    assert erp.stock(article) == before - 2
    of_invoice = ["move.origin.id", "=", row["invoices"][0], "account.invoice"]
    by_account: dict[str, Decimal] = {}
    for line in erp.rows("account.move.line", [of_invoice], "debit", "credit", "account.code"):
        account = line["account."]["code"]
        by_account[account] = by_account.get(account, Decimal(0)) + line["debit"] - line["credit"]
    assert by_account == {"1930": row["total_amount"], "1510": 0, "3001": -net, "2611": -row["tax_amount"]}


def test_the_integration_user_may_sell_but_not_administer(erp: Tryton) -> None:
    groups = erp.rows("res.user", [["login", "=", erp.user]], "groups.name")
    assert {group["name"] for group in groups[0]["groups."]} == set(tryton_seed.GROUPS)


def test_a_customer_orders_in_the_shop_and_the_hooks_are_signed(
    shop: Vendure, hooks: tuple[str, queue.Queue[Hook]]
) -> None:
    code = shop.order({"KAFFE-1": 2, "TERMOS-1": 1})
    order = shop.find_order(code)
    goods = 2 * RANGE["KAFFE-1"][1] + RANGE["TERMOS-1"][1]
    assert order["state"] == "PaymentAuthorized"
    assert order["totalWithTax"] == goods + 4900
    assert sum(row["taxBase"] + row["taxTotal"] for row in order["taxSummary"]) == order["totalWithTax"]
    assert shop.stock("KAFFE-1") == (RANGE["KAFFE-1"][3], 2)

    while True:
        signature, body = hooks[1].get(timeout=30)
        assert hmac.compare_digest(signature, hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest())
        event = json.loads(body)
        if event["topic"] == "order" and event["data"]["to"] == "PaymentAuthorized":
            break
    assert event["data"]["code"] == code


def test_an_order_can_be_cancelled_in_the_shop(shop: Vendure) -> None:
    code = shop.order({"YXA-1": 1}, pay="swish", ship="haemta-i-butik")
    assert shop.find_order(code)["state"] == "PaymentSettled"
    shop.cancel(code)
    assert shop.find_order(code)["state"] == "Cancelled"
    assert shop.stock("YXA-1") == (RANGE["YXA-1"][3], 0)


def _one_article(vat: Decimal) -> tuple[str, Decimal]:
    """A simple article with this VAT and enough stock: its SKU and price without VAT."""
    for family in tryton_seed.families():
        if tryton_seed.VAT[family.tax_class] == vat and not family.axes and family.articles[0].stock > 10:
            return family.articles[0].sku, tryton_seed.net(family)
    raise AssertionError(f"no simple article with {vat} % in the seed")


def _sale(erp: Tryton, reference: str, sku: str, price: Decimal, pieces: int) -> int:
    (party,) = erp.create("party.party", {"name": "Åsa Öberg", "addresses": [["create", [{"city": "Göteborg"}]]]})
    (row,) = erp.rows("party.party", [["id", "=", party]], "addresses")
    (term,) = erp.rows("account.invoice.payment_term", [["name", "=", "Direkt"]])
    (product,) = erp.rows("product.product", [["code", "=", sku]], "sale_uom", "account_category.customer_taxes")
    line = {
        "product": product["id"], "quantity": pieces, "unit": product["sale_uom"], "unit_price": price,
        "taxes": [["add", product["account_category."]["customer_taxes"]]],
    }  # fmt: skip
    (address,) = row["addresses"]
    (sale,) = erp.create(
        "sale.sale",
        {
            "party": party, "invoice_address": address, "shipment_address": address, "reference": reference,
            "payment_term": term["id"], "invoice_method": "order", "shipment_method": "order",
            "lines": [["create", [line]]],
        },
    )  # fmt: skip
    return sale
