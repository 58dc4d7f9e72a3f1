"""The WooCommerce stand-in against the vendor's own documents and against answers recorded from a real shop.

Shapes: every field of a recorded answer must be there with the same JSON type. Vendor's OpenAPI document (generated
from an older shop): the stand-in may differ from it only where the recorded answers differ in the same way.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import urllib3

from samklang.sandboxes.base import Faulty, serve
from samklang.sandboxes.woocommerce import WooSandbox, wire

SHARED = Path(os.environ.get("SAMKLANG_SPECS", Path(__file__).parents[3] / "shared"))
SAMPLES, SPECS = SHARED / "samples" / "woocommerce", SHARED / "specs" / "woocommerce"
needs_documents = pytest.mark.skipif(
    not (SAMPLES.is_dir() and SPECS.is_dir()),
    reason="the vendor's documents and recorded answers are not here (set SAMKLANG_SPECS to their folder)",
)


class Client:
    """A caller with a key."""

    def __init__(self, base: str, key: str = "ck_sandbox:cs_sandbox") -> None:
        self.base = base + "/wp-json/wc/v3"
        self.http = urllib3.PoolManager(headers=urllib3.make_headers(basic_auth=key) if key else {}, retries=False)

    def __call__(self, method: str, path: str, body: object = None, raw: bytes | None = None) -> tuple[int, Any, Any]:
        sent = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        answer = self.http.request(
            method, self.base + path, body=sent, headers={**self.http.headers, "Content-Type": "application/json"}
        )
        return answer.status, json.loads(answer.data), answer.headers


@pytest.fixture
def shop() -> WooSandbox:
    return WooSandbox(40, customers=3)


@pytest.fixture
def base(shop: WooSandbox) -> Iterator[str]:
    with serve(Faulty(shop.app)) as address:
        yield address


@pytest.fixture
def call(base: str) -> Client:
    return Client(base)


def simple(shop: WooSandbox, number: int = 0) -> Any:
    """The n-th simple article."""
    return [row for row in shop.catalogue.rows.values() if row.type == "simple" and not row.parent][number]


def variable(shop: WooSandbox, number: int = 0) -> Any:
    """The n-th variable product."""
    return [row for row in shop.catalogue.rows.values() if row.variations][number]


# ---------------------------------------------------------------------------------------------------- documents


def recorded(name: str) -> dict[str, Any]:
    """One recorded request with its answer."""
    return json.loads((SAMPLES / f"{name}.json").read_text())


def kind(value: object) -> str:
    """The JSON type."""
    if isinstance(value, bool):
        return "boolean"
    return {int: "number", float: "number", str: "string", list: "array", dict: "object"}.get(type(value), "null")


def differences(wanted: object, got: object, path: str = "$") -> list[str]:
    """Where `got` has not the keys and types of `wanted`. A recorded null and an empty list say nothing."""
    if wanted is None or (got is None and path.endswith(("_gmt", "date_paid", "date_completed", "parent_name"))):
        return []
    if kind(wanted) != kind(got):
        return [f"{path}: {kind(wanted)} was recorded, {kind(got)} came"]
    if isinstance(wanted, dict) and isinstance(got, dict):
        found = [f"{path}: keys {sorted(set(wanted) ^ set(got))}"] if set(wanted) != set(got) else []
        return found + [
            row for key in wanted.keys() & got.keys() for row in differences(wanted[key], got[key], f"{path}.{key}")
        ]
    if isinstance(wanted, list) and isinstance(got, list) and wanted and got:
        return differences(wanted[0], got[0], f"{path}[]")
    return []


def agree(name: str, answer: tuple[int, Any, Any], *, message: bool = True) -> None:
    """Status and shape as recorded; of an error also its code, its message and the keys of its data."""
    sample = recorded(name)
    status, body, _ = answer
    assert status == sample["status"], body
    if isinstance(sample["body"], dict) and "code" in sample["body"]:
        assert body["code"] == sample["body"]["code"]
        if message:
            assert body["message"] == sample["body"]["message"]
    assert differences(sample["body"], body) == []


class Document:
    """The vendor's OpenAPI document; says where a body departs from one of its schemas."""

    def __init__(self) -> None:
        import yaml
        from openapi_schema_validator import OAS30Validator

        text = (SPECS / "woocommerce-openapi-3.0.x.yml").read_text()
        self.schemas = yaml.load(text, Loader=yaml.CSafeLoader)["components"]["schemas"]
        self.validator = OAS30Validator

    def departures(self, schema: str, body: object) -> set[tuple[str, str]]:
        """(path without indices, rule) of everything in `body` that the document does not allow."""
        errors = self.validator(self.schemas[schema]).iter_errors(body)
        return {
            (
                ".".join("[]" if isinstance(part, int) else str(part) for part in error.absolute_path),
                str(error.validator),
            )
            for error in errors
        }


@pytest.fixture(scope="module")
def document() -> Document:
    return Document()


RECORDED_OF = {
    "product": ("product_simple", "product_variable", "price_garbage", "price_comma"),
    "product_variation": ("variations", "variations_batch"),
    "shop_order": (
        "order_create",
        "order_by_id",
        "order_unknown_sku",
        "webhook_delivery_order_created",
        "orders_batch",
    ),
    "shop_order_refund": ("refund", "order_create"),  # no refund with lines was recorded; its lines are an order's
    "order_note": ("order_note",),
    "tax": ("taxes",),
    "webhook": ("webhook_create", "webhook_disabled"),
    "setting": ("settings_tax",),
    "report_order_total": ("status_list",),
}


def bodies(body: Any) -> list[Any]:
    """The resources in an answer: one, a list, or the updates of a batch."""
    if isinstance(body, list):
        return body
    return [row for row in body["update"] if "error" not in row] if "update" in body else [body]


@needs_documents
def test_every_answer_fits_the_vendors_document(shop: WooSandbox, call: Client, document: Document) -> None:
    order = shop.place_order(company=True, coupon=True, payment_method="bacs")
    parent = variable(shop)
    paths = {
        "product": ["/products?per_page=100"],
        "product_variation": [f"/products/{parent.id}/variations?per_page=100"],
        "shop_order": ["/orders", f"/orders/{order['id']}?dp=6"],
        "customer": ["/customers"],
        "product_cat": ["/products/categories"],
        "tax": ["/taxes"],
        "webhook": ["/webhooks"],
        "setting": ["/settings/tax/woocommerce_prices_include_tax"],
        "report_order_total": ["/reports/orders/totals"],
        "payment_gateway": ["/payment_gateways"],
        "shipping_zone": ["/shipping/zones"],
        "shipping_zone_method": ["/shipping/zones/1/methods"],
        "shop_order_refund": [f"/orders/{order['id']}/refunds"],
        "order_note": [f"/orders/{order['id']}/notes"],
    }
    line = order["line_items"][0]
    back = {"id": line["id"], "quantity": 1, "refund_total": 8, "refund_tax": [{"id": 1, "refund_total": 2}]}
    refund = {"amount": "10.00", "api_refund": False, "line_items": [back]}
    assert call("POST", f"/orders/{order['id']}/refunds", refund)[0] == 201
    assert call("POST", f"/orders/{order['id']}/notes", {"note": "hej"})[0] == 201
    assert call("POST", "/webhooks", {"topic": "order.updated", "delivery_url": "http://127.0.0.1:9/x"})[0] == 201
    seen = 0
    for schema, addresses in paths.items():
        allowed = {found for name in RECORDED_OF.get(schema, ()) for row in bodies(recorded(name)["body"])
                   for found in document.departures(schema, row)}  # fmt: skip
        if schema == "product_cat":
            allowed = {("image", "type")}  # null without an image; no categories were recorded
        if schema == "shop_order":  # a coupon with its discount was not recorded; the document lacks nothing of it
            allowed |= {("parent_name", "type")}
        for address in addresses:
            status, body, _ = call("GET", address)
            assert status == 200
            for row in body if isinstance(body, list) else [body]:
                seen += 1
                assert document.departures(schema, row) <= allowed, address
    assert seen > 60


@needs_documents
@pytest.mark.parametrize("where", ["recorded", "specification"])
def test_what_the_shop_accepts_is_what_its_index_says(where: str) -> None:
    routes = (
        recorded("auth_bad_wpjson_root")["body"]["routes"]
        if where == "recorded"
        else json.loads((SPECS / "wc-v3-index.json").read_text())["routes"]
    )
    tables = {
        "/wc/v3/products": wire.PRODUCT_ARGS,
        "/wc/v3/products/(?P<product_id>[\\d]+)/variations": wire.VARIATION_ARGS,
        "/wc/v3/orders": wire.ORDER_ARGS,
        "/wc/v3/orders/(?P<order_id>[\\d]+)/refunds": wire.REFUND_ARGS,
        "/wc/v3/orders/(?P<order_id>[\\d]+)/notes": wire.NOTE_ARGS,
        "/wc/v3/customers": wire.CUSTOMER_ARGS,
        "/wc/v3/webhooks": wire.WEBHOOK_ARGS,
        "/wc/v3/products/categories": wire.CATEGORY_ARGS,
    }
    for path, table in tables.items():
        args = next(end["args"] for end in routes[path]["endpoints"] if "POST" in end["methods"])
        for name, (types, choices) in table.items():
            if name not in args:
                assert where == "specification", f"{path} has no argument {name}"  # the document is from 2021
                continue
            theirs = args[name].get("type")
            if where == "recorded":
                assert (tuple(theirs) if isinstance(theirs, list) else theirs) == types, (path, name)
                assert tuple(args[name].get("enum", ())) == choices or name == "currency", (path, name)


@needs_documents
def test_reads_look_as_recorded(shop: WooSandbox, call: Client) -> None:
    one, parent = simple(shop), variable(shop)
    agree("product_simple", call("GET", f"/products/{one.id}"))
    agree("product_variable", call("GET", f"/products/{parent.id}"))
    agree("variations", call("GET", f"/products/{parent.id}/variations?per_page=100"))
    agree("products_page2", call("GET", "/products?per_page=2&page=2&orderby=id&order=asc"))
    agree("taxes", call("GET", "/taxes"))
    agree("status_list", call("GET", "/reports/orders/totals"))
    agree("product_404", call("GET", "/products/999999"))
    agree("order_404", call("GET", "/orders/999999"))
    agree("route_404", call("GET", "/nosuch"))
    agree("products_per_page_0", call("GET", "/products?per_page=0"))
    agree("products_per_page_101", call("GET", "/products?per_page=101"))
    status, body, _ = call("GET", "/settings/tax/woocommerce_prices_include_tax")
    assert (status, body["value"], body["group_id"]) == (200, "yes", "tax")
    status, body, _ = call("GET", "/system_status?_fields=environment,settings")
    sample = recorded("system_status")["body"]
    assert set(body["environment"]) <= set(sample["environment"]) and set(body["settings"]) <= set(sample["settings"])


@needs_documents
def test_orders_look_as_recorded(shop: WooSandbox, call: Client) -> None:
    shop.change(simple(shop).sku, stock=50)
    shop.change(simple(shop, 2).sku, stock=50)
    body = recorded("order_create")["request"]["body"]
    body["line_items"] = [{"sku": simple(shop).sku, "quantity": 2}, {"product_id": simple(shop, 2).id, "quantity": 1}]
    created = call("POST", "/orders", body)
    agree("order_create", created)
    assert created[2]["Location"].endswith(f"/orders/{created[1]['id']}")
    path = f"/orders/{created[1]['id']}"
    agree("order_by_id", call("GET", path))
    agree("order_note", call("POST", path + "/notes", recorded("order_note")["request"]["body"]))
    agree("refund_api_true", call("POST", path + "/refunds", {"amount": "1.00"}))
    agree("refund_too_much", call("POST", path + "/refunds", {"amount": "1000000.00", "api_refund": False}))
    agree("refund", call("POST", path + "/refunds", recorded("refund")["request"]["body"]))
    agree("order_delete", call("DELETE", path + "?_fields=id,status"))
    agree("order_get_trashed", call("GET", path + "?_fields=id,status"))
    agree("order_put_trashed", call("PUT", path + "?_fields=id,status", {"status": "processing"}))
    for name in (
        "order_unknown_product",
        "order_unknown_sku",
        "order_bad_email",
        "order_no_product_name_only",
        "order_bad_status",
    ):
        agree(name, call("POST", "/orders", recorded(name)["request"]["body"]))
    line = {"line_items": [{"product_id": simple(shop).id, "quantity": 0}]}
    status, body, _ = call("POST", "/orders", line)
    assert (status, body["code"]) == (500, recorded("order_qty_zero")["body"]["code"])
    line["line_items"][0]["quantity"] = 500
    agree(
        "order_oversell",
        call("POST", "/orders?_fields=id,status,line_items.quantity", {"status": "processing", **line}),
    )
    assert simple(shop).stock_quantity < 0


@needs_documents
def test_writes_to_products_answer_as_recorded(shop: WooSandbox, call: Client) -> None:
    first, other, parent = simple(shop), simple(shop, 1), variable(shop)
    path = f"/products/{first.id}"
    for name in ("stock_decimal", "stock_text", "stock_null", "stock_as_string", "stock_negative", "stock_restore"):
        fields = recorded(name)["request"]["path"].partition("?")[2]
        agree(name, call("PUT", f"{path}?{fields}", recorded(name)["request"]["body"]))
    for name in ("price_as_number", "bad_enum"):
        agree(name, call("PUT", path, recorded(name)["request"]["body"]))
    comma = call("PUT", path, recorded("price_comma")["request"]["body"])
    agree("price_comma", comma)
    assert comma[1]["regular_price"] == recorded("price_comma")["body"]["regular_price"] == "99.50"
    garbage = call("PUT", path, recorded("price_garbage")["request"]["body"])
    agree("price_garbage", garbage)
    assert garbage[1]["regular_price"] == "" == garbage[1]["price"]
    agree("malformed_json", call("POST", "/products", raw=b'{"name": '))
    agree("dup_sku", call("POST", "/products", {"name": "dup", "sku": first.sku}))
    agree("dup_gtin", call("POST", "/products", {"name": "dup", "global_unique_id": first.gtin}))
    created = call(
        "POST", "/products?_fields=id,manage_stock,stock_quantity,stock_status",
        {"name": "unmanaged", "sku": "WOO-UNM", "regular_price": "10", "stock_quantity": 9},
    )  # fmt: skip
    agree("product_unmanaged_create", created)
    own = f"/products/{created[1]['id']}"
    agree(
        "stock_on_unmanaged",
        call("PUT", own + "?_fields=id,manage_stock,stock_quantity,stock_status", {"stock_quantity": 5}),
    )
    agree("unknown_field", call("PUT", own + "?_fields=id,sku", {"nosuchfield": 1}))
    agree("trash_product", call("DELETE", own + "?_fields=id,status,sku"))
    agree("get_trashed", call("GET", own + "?_fields=id,status,sku"))
    agree("delete_again", call("DELETE", own))
    agree("dup_sku_of_trashed", call("POST", "/products", {"name": "x", "sku": "WOO-UNM"}))
    agree("delete_force", call("DELETE", own + "?force=true&_fields=id,status"))
    agree("delete_gone", call("DELETE", own + "?force=true"))
    agree("variation_wrong_parent", call("PUT", f"/products/{first.id}/variations/{parent.variations[0]}", {}))
    changes = [{"id": parent.variations[0], "stock_quantity": 11}, {"id": 999999, "stock_quantity": 1}]
    answer = call("POST", f"/products/{parent.id}/variations/batch", {"update": changes})
    agree("variations_batch", answer)
    assert [row.get("error") for row in answer[1]["update"]] == [
        row.get("error") for row in recorded("variations_batch")["body"]["update"]
    ]
    assert other.sku != first.sku


@needs_documents
def test_batches_answer_as_recorded(shop: WooSandbox, call: Client) -> None:
    one, other, variation = simple(shop), simple(shop, 1), variable(shop).variations[0]
    asked = {
        "update": [
            {"id": one.id, "stock_quantity": 7}, {"id": 999999, "stock_quantity": 1}, {"stock_quantity": 1},
            {"id": other.id, "sku": one.sku}, {"id": other.id, "regular_price": 12.5},
            {"id": variation, "stock_quantity": 4},
        ],
        "create": [
            {"name": "d", "sku": one.sku}, {"name": "same1", "sku": "SAME-1"}, {"name": "same2", "sku": "SAME-1"},
        ],
        "delete": [999998],
    }  # fmt: skip
    status, body, _ = call("POST", "/products/batch", asked)
    sample = recorded("batch_mixed")["body"]
    assert status == 200
    assert body["update"][4]["regular_price"] == sample["update"][4]["regular_price"] == "12.5"
    for name, rows in sample.items():
        for theirs, ours in zip(rows, body[name], strict=True):
            assert ("error" in theirs) == ("error" in ours)
            if "error" in theirs:
                assert theirs["error"]["code"] == ours["error"]["code"]
                assert theirs["error"]["message"] == ours["error"]["message"]
                assert theirs["error"]["data"].keys() == ours["error"]["data"].keys()
                assert theirs["error"]["data"]["status"] == ours["error"]["data"]["status"]
                assert (theirs["id"] in (0, None)) == (ours["id"] in (0, None)) and kind(theirs["id"]) == kind(
                    ours["id"]
                )
            else:
                assert differences(theirs, ours) == []
    agree("batch_empty", call("POST", "/products/batch", {}))
    agree("batch_too_many", call("POST", "/products/batch", {"update": [{"id": one.id}] * 101}))
    twice = {"update": [{"id": one.id, "stock_quantity": 1}, {"id": one.id, "stock_quantity": 2}]}
    agree("batch_same_id_twice", call("POST", "/products/batch?_fields=update", twice))
    assert one.stock_quantity == 2
    order = shop.place_order(status="pending")["id"]
    updates = [
        {"id": order, "customer_note": "z"},
        {"id": 999999, "status": "completed"},
        {"id": order, "status": "bogus"},
    ]
    status, body, _ = call("POST", "/orders/batch?_fields=update", {"update": updates})
    theirs = recorded("orders_batch")["body"]["update"]
    assert [row.get("error") for row in body["update"]] == [row.get("error") for row in theirs]
    assert body["update"][2]["status"] == theirs[2]["status"] == "pending"


@needs_documents
@pytest.mark.parametrize(
    ("sample", "key", "method", "path", "body"),
    [
        ("auth_none", "", "GET", "/products", None),
        ("auth_unknown_key", "ck_x:cs_x", "GET", "/products", None),
        ("auth_bad_secret", "ck_sandbox:cs_x", "GET", "/products", None),
        ("auth_readonly_write", "ck_read:cs_read", "POST", "/products", {"name": "x"}),
        ("auth_readonly_batch", "ck_read:cs_read", "POST", "/products/batch", {"update": []}),
        ("auth_writeonly_read", "ck_write:cs_write", "GET", "/products", None),
    ],
)
def test_login_is_refused_as_recorded(base: str, sample: str, key: str, method: str, path: str, body: object) -> None:
    agree(sample, Client(base, key)(method, path, body))


def test_the_index_is_no_connection_test(base: str) -> None:
    status, body, _ = Client(base, "ck_x:cs_x")("GET", "")
    assert status == 200 and "/wc/v3/products" in body["routes"]


def oauth(
    base: str, path: str, *, secret: str = "cs_sandbox", method: str = "HMAC-SHA256", at: int = 0, nonce: str
) -> str:
    """Path with the signature of RFC 5849 in its query, written independently of the stand-in."""
    params = {
        "per_page": "1", "oauth_consumer_key": "ck_sandbox", "oauth_nonce": nonce, "oauth_signature_method": method,
        "oauth_timestamp": str(at or int(time.time())),
    }  # fmt: skip
    joined = "&".join(f"{quote(key, safe='')}={quote(params[key], safe='')}" for key in sorted(params))
    text = "&".join(quote(part, safe="") for part in ("GET", f"{base}/wp-json/wc/v3{path}", joined))
    digest = hashlib.sha1 if method == "HMAC-SHA1" else hashlib.sha256
    signed = base64.b64encode(hmac.new(f"{secret}&".encode(), text.encode(), digest).digest()).decode()
    return f"{path}?{joined}&oauth_signature={quote(signed, safe='')}"


@needs_documents
def test_plain_http_takes_oauth_and_refuses_basic() -> None:
    shop = WooSandbox(3, https=False)
    with serve(Faulty(shop.app)) as base:
        call = Client(base, "")
        agree("auth_basic_over_plain_http_untouched", Client(base)("GET", "/products?per_page=1&_fields=id"))
        agree("oauth1_http_badsecret", call("GET", oauth(base, "/products", secret="cs_x", nonce="1")))
        agree("oauth1_http_old", call("GET", oauth(base, "/products", at=int(time.time()) - 1000, nonce="2")))
        assert call("GET", oauth(base, "/products", method="HMAC-SHA1", nonce="3"))[0] == 200
        again = oauth(base, "/products", nonce="same")
        assert call("GET", again)[0] == 200
        agree("oauth1_nonce_replay", call("GET", again))


# ---------------------------------------------------------------------------------------------------- behaviour


def test_a_number_is_refused_singly_and_taken_in_a_batch(shop: WooSandbox, call: Client) -> None:
    one = simple(shop)
    assert call("PUT", f"/products/{one.id}", {"regular_price": 12.5})[0] == 400
    assert call("POST", "/products/batch", {"update": [{"id": one.id, "regular_price": 12.5}]})[0] == 200
    assert one.regular_price == "12.5"


def test_paging_shows_every_product_once_and_ends_with_an_empty_page(shop: WooSandbox, call: Client) -> None:
    seen: list[int] = []
    for page in range(1, 6):
        status, body, headers = call("GET", f"/products?per_page=10&page={page}&orderby=id&order=asc")
        assert status == 200 and headers["X-WP-Total"] == "40" and headers["X-WP-TotalPages"] == "4"
        assert ('rel="next"' in headers["Link"]) == (page < 4)
        seen += [row["id"] for row in body]
    assert len(seen) == len(set(seen)) == 40 and seen == sorted(seen)
    assert call("GET", "/products?offset=39&per_page=10")[1][0]["id"] == min(seen)
    assert call("GET", "/orders?page=99")[2]["X-WP-Total"] == "0"
    assert call("GET", "/products?per_page=100&page=9")[2]["X-WP-Total"] == "40"


def test_lists_filter_and_sort(shop: WooSandbox, call: Client) -> None:
    one, other, parent = simple(shop), simple(shop, 1), variable(shop)
    variation = shop.catalogue.rows[parent.variations[0]]
    found = call("GET", f"/products?sku={one.sku},{variation.sku}&_fields=id,type,parent_id")[1]
    assert {(row["id"], row["type"], row["parent_id"]) for row in found} == {
        (one.id, "simple", 0), (variation.id, "variation", parent.id),
    }  # fmt: skip
    assert "_links" not in found[0]
    assert [row["id"] for row in call("GET", f"/products?include={one.id},{other.id}&orderby=id&order=asc")[1]] == [
        one.id, other.id,
    ]  # fmt: skip
    assert call("GET", "/products?orderby=cost")[0] == 400
    shop.change(one.sku, name="Ängslig älg")
    assert [row["id"] for row in call("GET", "/products?search=" + quote("ängslig"))[1]] == [one.id]
    assert call("GET", "/products?status=draft")[1] == []
    call("PUT", f"/products/{other.id}", {"status": "draft"})
    assert [row["id"] for row in call("GET", "/products?status=draft")[1]] == [other.id]
    first, second = shop.place_order(status="on-hold"), shop.place_order(status="processing")
    assert [row["id"] for row in call("GET", "/orders?status=processing,on-hold&orderby=id&order=asc")[1]] == [
        first["id"], second["id"],
    ]  # fmt: skip
    assert [row["id"] for row in call("GET", "/orders?status[]=processing")[1]] == [second["id"]]
    assert call("GET", "/orders?status=shipped")[0] == 400


def test_modified_after_is_strict_in_whole_seconds_and_shop_local_without_a_zone() -> None:
    clock = [datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC).timestamp()]
    shop = WooSandbox(5, customers=0, now=lambda: clock[0])
    with serve(Faulty(shop.app)) as base:
        call = Client(base)
        one = simple(shop)
        clock[0] += 3600.9
        shop.change(one.sku, stock=3)  # at 13:00:00 UTC, 15:00:00 in Stockholm
        row = call("GET", f"/products/{one.id}")[1]
        assert (row["date_modified"], row["date_modified_gmt"]) == ("2026-07-01T15:00:00", "2026-07-01T13:00:00")

        def found(since: str, extra: str = "") -> list[int]:
            status, body, _ = call("GET", f"/products?modified_after={since}{extra}")
            assert status == 200
            return [row["id"] for row in body]

        assert found("2026-07-01T13:00:00", "&dates_are_gmt=true") == []
        assert found("2026-07-01T12:59:59", "&dates_are_gmt=true") == [one.id]
        assert found("2026-07-01T15:00:00") == [] and found("2026-07-01T14:59:59") == [one.id]
        assert found("2026-07-01T12:59:59Z") == [one.id] and found("2026-07-01T13:00:00Z") == []
        assert found("2026-07-01T14:59:59%2B02:00") == [one.id]
        for wrong in ("2026-07-01", "2026-07-01T14:59:59+02:00", "2026-13-01T00:00:00"):
            assert call("GET", f"/products?modified_after={wrong}")[0] == 400
        clock[0] += 60
        call("PUT", f"/products/{one.id}", {})  # changes nothing and still moves
        assert found("2026-07-01T13:00:00", "&dates_are_gmt=true") == [one.id]


def test_a_variation_moves_its_parent_and_a_note_does_not_move_its_order() -> None:
    clock = [1_790_000_000.0]
    shop = WooSandbox(40, customers=0, now=lambda: clock[0])
    parent = variable(shop)
    order = shop.place_order()
    with serve(Faulty(shop.app)) as base:
        call = Client(base)
        clock[0] += 100
        call("PUT", f"/products/{parent.id}/variations/{parent.variations[0]}", {"stock_quantity": 0})
        call("POST", f"/orders/{order['id']}/notes", {"note": "x"})
        assert parent.modified == int(clock[0])
        assert call("GET", f"/orders/{order['id']}")[1]["date_modified"] == order["date_modified"]
        assert (
            call("GET", f"/products/{parent.id}/variations/{parent.variations[0]}")[1]["stock_status"] == "outofstock"
        )


def test_a_parent_that_manages_stock_shows_in_its_variations(shop: WooSandbox, call: Client) -> None:
    parent = variable(shop)
    path = f"/products/{parent.id}/variations/{parent.variations[0]}"
    call("PUT", f"/products/{parent.id}", {"manage_stock": True, "stock_quantity": 12})
    row = call("PUT", path, {"manage_stock": False})[1]
    assert (row["manage_stock"], row["stock_quantity"], row["tax_class"]) == ("parent", 12, "parent")
    assert call("GET", path)[1]["tax_class"] == parent.tax_class


def test_a_variable_product_is_built_in_two_steps(call: Client) -> None:
    axes = [{"name": "Färg", "variation": True, "visible": True, "options": ["Blå", "Röd"]}]
    status, parent, _ = call("POST", "/products", {"name": "Mössa", "type": "variable", "sku": "M", "attributes": axes})
    assert status == 201 and parent["attributes"][0]["options"] == ["Blå", "Röd"]
    rows = [
        {"sku": f"M-{c}", "regular_price": p, "attributes": [{"name": "Färg", "option": c}]}
        for c, p in (("Blå", "90"), ("Röd", "80"))
    ]
    made = call("POST", f"/products/{parent['id']}/variations/batch", {"create": rows})[1]["create"]
    assert [row["name"] for row in made] == ["Blå", "Röd"]
    now = call("GET", f"/products/{parent['id']}")[1]
    assert now["variations"] == [row["id"] for row in made] and now["price"] == "80"


def test_orders_take_stock_once_and_cancelling_gives_it_back(shop: WooSandbox) -> None:
    one = simple(shop)
    shop.change(one.sku, stock=10)
    order = shop.place_order([(one.sku, 3)], status="pending")
    assert one.stock_quantity == 10
    for status, left in (("processing", 7), ("completed", 7), ("cancelled", 10), ("processing", 7)):
        shop.set_status(order["id"], status)
        assert one.stock_quantity == left


def test_totals_of_a_checkout_are_exact_to_the_ore(shop: WooSandbox) -> None:
    for number in range(60):
        shop.change(simple(shop, number % 20).sku, price=Decimal(number * 7919 % 90000 + 1) / 100, stock=90)
    for _ in range(60):
        order = shop.place_order(payment_method="swish")
        lines, freight = order["line_items"], order["shipping_lines"]
        tax = sum(Decimal(row["tax_total"]) + Decimal(row["shipping_tax_total"]) for row in order["tax_lines"])
        assert tax == Decimal(order["total_tax"]) == Decimal(order["cart_tax"]) + Decimal(order["shipping_tax"])
        net = sum(Decimal(row["total"]) for row in (*lines, *freight))
        assert net + tax == Decimal(order["total"])
        if not order["coupon_lines"]:  # what was paid is the price on the shelf
            asked = sum(
                Decimal(shop.catalogue.price(shop.catalogue.rows[line["variation_id"] or line["product_id"]]))
                * line["quantity"]
                for line in lines
            )
            assert Decimal(order["total"]) == asked + (49 if freight[0]["method_id"] == "flat_rate" else 0)
        else:
            off = Decimal(order["discount_total"]) + Decimal(order["discount_tax"])
            assert abs(
                off - Decimal(order["coupon_lines"][0]["discount"]) - Decimal(order["coupon_lines"][0]["discount_tax"])
            ) <= Decimal("0.03")
        rates = {row["rate_id"]: row["rate_percent"] for row in order["tax_lines"]}
        for line in lines:
            assert abs(
                Decimal(line["total"]) * rates[line["taxes"][0]["id"]] / 100 - Decimal(line["total_tax"])
            ) < Decimal("0.01")


@needs_documents
def test_totals_are_those_of_the_recorded_order(shop: WooSandbox, call: Client) -> None:
    first, third = simple(shop), simple(shop, 2)
    for row, price, tax_class in ((first, "712.00", ""), (third, "241.50", "reduced-6")):
        call("PUT", f"/products/{row.id}", {"regular_price": price, "tax_class": tax_class, "stock_quantity": 50})
    sample = recorded("order_create")
    body = dict(
        sample["request"]["body"],
        line_items=[{"sku": first.sku, "quantity": 2}, {"product_id": third.id, "quantity": 1}],
    )
    got, wanted = call("POST", "/orders", body)[1], sample["body"]
    for field in ("total", "total_tax", "cart_tax", "shipping_total", "shipping_tax", "discount_total", "discount_tax"):
        assert got[field] == wanted[field], field
    for ours, theirs in zip(got["line_items"], wanted["line_items"], strict=True):
        for field in ("subtotal", "subtotal_tax", "total", "total_tax", "taxes", "price"):
            assert ours[field] == theirs[field], field
    for ours, theirs in zip(got["tax_lines"], wanted["tax_lines"], strict=True):
        assert {k: v for k, v in ours.items() if k != "id"} == {k: v for k, v in theirs.items() if k != "id"}


def test_a_full_refund_turns_the_order_and_puts_goods_back(shop: WooSandbox, call: Client) -> None:
    one = simple(shop)
    shop.change(one.sku, stock=10)
    order = shop.place_order([(one.sku, 2)], payment_method="swish", coupon=False)
    line = order["line_items"][0]
    body = {"amount": order["total"], "line_items": [{"id": line["id"], "quantity": 2, "refund_total": line["total"],
            "refund_tax": [{"id": line["taxes"][0]["id"], "refund_total": line["total_tax"]}]}]}  # fmt: skip
    status, refund, _ = call("POST", f"/orders/{order['id']}/refunds", body)
    assert status == 201 and refund["refunded_payment"] is True
    assert (refund["line_items"][0]["quantity"], refund["line_items"][0]["total"]) == (-2, f"-{line['total']}")
    after = call("GET", f"/orders/{order['id']}")[1]
    assert after["status"] == "refunded" and after["total"] == order["total"]  # the order's own total stays
    assert after["refunds"][0]["total"] == f"-{order['total']}"
    assert one.stock_quantity == 10


def test_customers_have_unique_addresses_and_are_found_by_them(shop: WooSandbox, call: Client) -> None:
    known = next(iter(shop.customers.rows.values()))
    found = call("GET", "/customers?email=" + quote(known["email"]))[1]
    assert [row["id"] for row in found] == [known["id"]]
    status, body, _ = call("POST", "/customers", {"email": known["email"].upper()})
    assert (status, body["code"]) == (400, "registration-error-email-exists")
    assert call("POST", "/customers", {})[0] == 400
    assert call("DELETE", f"/customers/{known['id']}")[0] == 501
    assert call("DELETE", f"/customers/{known['id']}?force=true")[0] == 200


def test_an_empty_shop_works_as_a_target(call: Client) -> None:
    shop = WooSandbox(0, customers=0)
    with serve(Faulty(shop.app)) as base:
        call = Client(base)
        assert call("GET", "/products")[1] == [] == call("GET", "/orders")[1]
        made = call("POST", "/products/batch", {"create": [{"name": f"n{n}", "sku": f"N{n}"} for n in range(100)]})[1]
        assert len({row["id"] for row in made["create"]}) == 100
        with pytest.raises(LookupError):
            shop.place_order()


def test_another_process_can_place_orders_and_change_articles(shop: WooSandbox, base: str) -> None:
    http = urllib3.PoolManager()
    sku = simple(shop).sku
    order = http.request("POST", base + "/_sandbox/orders", json={"lines": [[sku, 2]], "company": True}).json()
    assert order["line_items"][0]["sku"] == sku and order["billing"]["company"]
    assert any(row["key"] == "_billing_org_no" for row in order["meta_data"])
    http.request("POST", f"{base}/_sandbox/orders/{order['id']}", json={"status": "cancelled"})
    http.request("POST", base + "/_sandbox/products", json={"sku": sku, "price": "5.50", "stock": 1, "name": "Ny"})
    now = http.request("GET", base + "/_sandbox/snapshot").json()
    assert now["orders"][str(order["id"])]["status"] == "cancelled"
    assert (now["products"][sku]["price"], now["products"][sku]["stock"], now["products"][sku]["name"]) == (
        "5.50",
        1,
        "Ny",
    )


def test_the_same_seed_gives_the_same_shop() -> None:
    first, second = WooSandbox(30, seed=4), WooSandbox(30, seed=4)
    assert first.snapshot() == second.snapshot() != WooSandbox(30, seed=5).snapshot()
    assert [first.place_order()["total"] for _ in range(5)] == [second.place_order()["total"] for _ in range(5)]


# ---------------------------------------------------------------------------------------------------- webhooks


class Receiver:
    """A hub that keeps what it gets and answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name that the standard library asks for
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Tests keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def deliveries(self) -> list[tuple[dict[str, str], Any]]:
        """Everything but pings."""
        return [(headers, json.loads(body)) for headers, body in self.got if not body.startswith(b"webhook_id=")]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.server.shutdown()
    one.server.server_close()


def hook(call: Client, receiver: Receiver, topic: str) -> dict[str, Any]:
    status, body, _ = call("POST", "/webhooks", {"topic": topic, "delivery_url": receiver.url, "secret": "hemlig"})
    assert status == 201
    return body


@needs_documents
def test_webhooks_look_as_recorded(shop: WooSandbox, call: Client, receiver: Receiver) -> None:
    for topic in (
        "order.created",
        "order.updated",
        "order.deleted",
        "product.created",
        "product.updated",
        "product.deleted",
    ):
        name = "webhook_create" if topic == "order.created" else f"webhook_create_{topic}"
        if topic != "order.deleted":
            agree(
                name,
                call(
                    "POST",
                    "/webhooks",
                    {"topic": topic, "name": topic, "delivery_url": receiver.url, "secret": "hemlig"},
                ),
            )
    for name in ("webhook_bad_topic", "webhook_bad_url", "webhook_no_url"):
        agree(name, call("POST", "/webhooks", recorded(name)["request"]["body"]))
    shop.webhooks.flush()
    ping, body = receiver.got[0]
    assert re.fullmatch(rb"webhook_id=\d+", body) and not [name for name in ping if name.startswith("x-wc-")]
    shop.place_order()
    parent = variable(shop)
    call("PUT", f"/products/{parent.id}/variations/{parent.variations[0]}", {"stock_quantity": 6})
    call("DELETE", f"/products/{simple(shop, 3).id}")
    shop.webhooks.flush()
    by_topic: dict[str, list[tuple[dict[str, str], Any]]] = {}
    for headers, payload in receiver.deliveries():
        by_topic.setdefault(headers["x-wc-webhook-topic"], []).append((headers, payload))
    for name, topic in (("order_created", "order.created"), ("product_deleted", "product.deleted")):
        sample = recorded(f"webhook_delivery_{name}")
        headers, payload = by_topic[topic][0]
        theirs = {key.lower() for key in sample["headers"] if key.lower().startswith("x-wc-")}
        assert {key for key in headers if key.startswith("x-wc-")} == theirs
        assert differences(sample["body"], payload) == []
    changed = next(payload for _, payload in by_topic["product.updated"] if payload["id"] == parent.variations[0])
    assert changed["type"] == "variation" and changed["parent_id"] == parent.id
    sample = recorded("webhook_delivery_product_updated_variation")["body"]
    assert changed.keys() == sample.keys()


def test_deliveries_are_signed_over_the_raw_body(shop: WooSandbox, call: Client, receiver: Receiver) -> None:
    hook(call, receiver, "order.created")
    shop.place_order()
    shop.webhooks.flush()
    headers, body = next(row for row in receiver.got if not row[1].startswith(b"webhook_id="))
    signature = base64.b64encode(hmac.new(b"hemlig", body, hashlib.sha256).digest()).decode()
    assert headers["x-wc-webhook-signature"] == signature


def test_a_burst_coalesces_into_the_newest_state(call: Client, shop: WooSandbox, receiver: Receiver) -> None:
    shop.webhooks.delay = 0.3
    hook(call, receiver, "order.created")
    hook(call, receiver, "order.updated")
    order = shop.place_order(status="pending")
    for status in ("processing", "on-hold", "processing", "completed"):
        shop.set_status(order["id"], status)
    shop.webhooks.flush()
    assert sorted((h["x-wc-webhook-topic"], b["status"]) for h, b in receiver.deliveries()) == [
        ("order.created", "completed"), ("order.updated", "completed"),
    ]  # fmt: skip


def test_delivery_ids_repeat_within_a_second_and_deliveries_may_come_twice(receiver: Receiver) -> None:
    shop = WooSandbox(5, customers=0, webhooks_twice=True, now=lambda: 1_790_000_000.0)
    with serve(Faulty(shop.app)) as base:
        hook(Client(base), receiver, "product.updated")
        for number in (0, 1):
            shop.change(simple(shop, number).sku, stock=1)
        shop.webhooks.flush()
    assert len(receiver.deliveries()) == 4
    assert len({headers["x-wc-webhook-delivery-id"] for headers, _ in receiver.deliveries()}) == 1
    assert len({payload["id"] for _, payload in receiver.deliveries()}) == 2


def test_the_seventh_failure_disables_and_nothing_is_sent_again(
    shop: WooSandbox, call: Client, receiver: Receiver
) -> None:
    made = hook(call, receiver, "product.updated")
    shop.webhooks.flush()
    receiver.status = 500
    for number in range(9):
        assert call("GET", f"/webhooks/{made['id']}")[1]["status"] == ("active" if number < 7 else "disabled")
        shop.change(simple(shop).sku, stock=number)
        shop.webhooks.flush()
    assert len(receiver.deliveries()) == 7
    receiver.status = 200
    assert call("PUT", f"/webhooks/{made['id']}", {"status": "active"})[1]["status"] == "active"
    shop.change(simple(shop).sku, stock=50)
    shop.webhooks.flush()
    assert len(receiver.deliveries()) == 8


def test_a_ping_without_exactly_200_is_repeated(shop: WooSandbox, call: Client, receiver: Receiver) -> None:
    receiver.status = 204
    hook(call, receiver, "product.updated")
    for stock in (1, 2):
        shop.change(simple(shop).sku, stock=stock)
        shop.webhooks.flush()
    assert sum(body.startswith(b"webhook_id=") for _, body in receiver.got) == 3


def test_force_delete_tells_nobody_and_trashing_sends_only_the_id(
    shop: WooSandbox, call: Client, receiver: Receiver
) -> None:
    hook(call, receiver, "product.deleted")
    first, second = simple(shop), simple(shop, 1)
    call("DELETE", f"/products/{first.id}?force=true")
    call("DELETE", f"/products/{second.id}")
    shop.webhooks.flush()
    assert [payload for _, payload in receiver.deliveries()] == [{"id": second.id}]
