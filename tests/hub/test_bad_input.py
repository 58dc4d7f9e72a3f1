"""Bad input: each wrong row becomes a problem that names record, field and remedy; its neighbours pass.

A real WooCommerce stand-in answers; what it says is spoiled on the way, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.types import Message, Receive, Scope, Send

from samklang.sandboxes.base import serve
from samklang.sandboxes.woocommerce import WooSandbox

Spoil = Callable[[str, list[dict[str, Any]]], Any]


class Spoiler:
    """Passes requests to the shop and spoils lists of products and orders in its answers."""

    def __init__(self, shop: WooSandbox) -> None:
        self.app = shop.app
        self.spoil: Spoil | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if (
            self.spoil is None
            or path.removeprefix("/wp-json/wc/v3") not in ("/products", "/orders")
            or scope["method"] != "GET"
        ):
            await self.app(scope, receive, send)
            return
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        await self.app(scope, receive, hold)
        body = b"".join(message.get("body", b"") for message in held[1:])
        spoiled = self.spoil(path.rsplit("/", 1)[1], msgspec.json.decode(body))
        body = spoiled if isinstance(spoiled, bytes) else msgspec.json.encode(spoiled)
        headers = [(k, v) for k, v in held[0]["headers"] if k.lower() != b"content-length"]
        await send({**held[0], "headers": [*headers, (b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})


class Shop:
    """A tenant whose shop is the spoiled stand-in; products and orders flow to a box."""

    def __init__(self, sandbox: WooSandbox, spoiler: Spoiler, address: str) -> None:
        from samklang.hub import flows
        from samklang.hub.models import Channel, Connection, Tenant
        from samklang.hub.setup import config

        self.sandbox, self.spoiler = sandbox, spoiler
        tenant = Tenant.objects.create(slug="bad", name="Bad")
        self.row = Connection.objects.create(
            tenant=tenant, name="shop", connector="woocommerce", settings={"url": address}
        )
        config.set_secrets(self.row, {"consumer_key": "ck_sandbox", "consumer_secret": "cs_sandbox"})
        erp = Connection.objects.create(tenant=tenant, name="erp", connector="shelf", settings={"box": "erp"})
        channel = Channel.objects.create(tenant=tenant, code="bad", connection=self.row)
        for type_ in ("product", "price", "stock", "order"):
            flows.set_flow(channel, type_, self.row, erp, enabled=True)

    def read(self, feed: str, spoil: Spoil | None = None) -> Any:
        from samklang.hub.intake import read

        self.spoiler.spoil = spoil
        self.row.refresh_from_db()
        report = read(self.row, feed, sweep=True)
        assert report is not None
        return report.transfer


@pytest.fixture
def shop(database: Path) -> Iterator[Shop]:
    from samklang.connectors import registry

    registry.packages()["shelf"] = "tests.doubles.shelf"
    sandbox = WooSandbox(products=0, customers=0)
    for n in range(5):
        sandbox.catalogue.create(
            {"sku": f"A-{n}", "name": f"Kopp {n}", "regular_price": "100", "manage_stock": True, "stock_quantity": 9}
        )
    for n in range(3):
        sandbox.place_order([(f"A-{n}", 1)], company=False, coupon=False)
    spoiler = Spoiler(sandbox)
    with serve(spoiler) as address:
        yield Shop(sandbox, spoiler, address)


def _first(field: str, value: Any) -> Spoil:
    def spoil(kind: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows[0][field] = value
        return rows

    return spoil


def _line(field: str, value: Any) -> Spoil:
    def spoil(kind: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows[0]["line_items"][0][field] = value
        return rows

    return spoil


def _problem() -> Any:
    from samklang.hub.models import Problem

    problem = Problem.objects.get(closed_at=None)
    assert problem.do_this, "a problem says what to do"
    return problem


@pytest.mark.parametrize(
    ("spoil", "names"),
    [
        (_first("name", None), "name"),
        (_first("name", 7), "name"),
        (_first("sku", ""), "sku"),
        (_first("sku", "x" * 65), "sku"),
        (_first("regular_price", "abc"), "price"),
        (_first("tax_class", "moon"), "tax"),
        (_first("stock_quantity", "many"), "stock"),
    ],
    ids=["no name", "name is a number", "no SKU", "SKU too long", "price abc", "unknown VAT class", "stock is text"],
)
def test_a_wrong_product_is_one_problem_and_the_others_pass(shop: Shop, spoil: Spoil, names: str) -> None:
    from samklang.hub.models import Problem, Stored

    run = shop.read("catalogue", spoil)
    assert run.result == "ok", run.error
    problem = _problem()
    said = f"{problem.what} {problem.items.get().message} {problem.items.get().where}".lower()
    assert names in said
    assert Stored.objects.filter(type="product").count() >= 4
    shop.read("catalogue")
    assert Stored.objects.filter(type="product").count() == 5, "nothing is lost: the mended row is read"
    assert not Problem.objects.filter(closed_at=None).exists(), "and its problem closes itself"


@pytest.mark.parametrize(
    ("spoil", "names"),
    [
        (_first("currency", "SEKK"), "currency"),
        (_first("date_created_gmt", "2026-02-31T10:00:00"), "date"),
        (_first("date_created_gmt", "0001-01-01T00:00:00"), "placed_at"),
        (_first("total", "12,50"), "total"),
        (_first("total", "99999.00"), "total"),
        (_line("quantity", -1), "quantity"),
        (_line("quantity", "1e999999"), "quantity"),
        (_first("line_items", "none"), "line_items"),
    ],
    ids=[
        "unknown currency", "31 February", "year 1", "comma", "total disagrees", "negative quantity", "absurd quantity",
        "lines are text",
    ],
)  # fmt: skip
def test_a_wrong_order_is_one_problem_and_the_others_pass(shop: Shop, spoil: Spoil, names: str) -> None:
    from samklang.hub.models import Problem, Stored

    run = shop.read("orders", spoil)
    assert run.result == "ok", run.error
    problem = _problem()
    said = f"{problem.what} {problem.items.get().message} {problem.items.get().where}".lower()
    assert names in said
    assert Stored.objects.filter(type="order").count() == 2
    shop.read("orders")
    assert Stored.objects.filter(type="order").count() == 3
    assert not Problem.objects.filter(closed_at=None).exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda kind, rows: b'[{"id": 1, "name": ',
        lambda kind, rows: b"<html>Briefly unavailable for scheduled maintenance.</html>",
        lambda kind, rows: {"code": "what", "message": "?"},
        lambda kind, rows: b"[" + b" " * (33 * 1024 * 1024) + b"]",
        lambda kind, rows: b"\xff\xfe\x00",
        lambda kind, rows: b"<b>Notice</b>: Undefined variable\n" + msgspec.json.encode(rows),
    ],
    ids=["broken JSON", "a page of HTML", "an object instead of a list", "33 MB", "not text", "PHP notices first"],
)
def test_an_answer_that_is_no_list_fails_the_run_and_nothing_is_concluded(shop: Shop, spoil: Spoil) -> None:
    from samklang.hub.models import Stored

    assert shop.read("catalogue").result == "ok"
    run = shop.read("catalogue", spoil)
    assert run.result == "failed"
    assert run.error.startswith("SYNC-")
    assert Stored.objects.filter(type="product", gone=False).count() == 5


def test_two_products_with_one_sku_are_named(shop: Shop) -> None:
    from samklang.hub.models import Stored

    def double(kind: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows[1]["sku"] = rows[0]["sku"]
        return rows

    run = shop.read("catalogue", double)
    assert run.result == "ok", run.error
    assert "have the key" in _problem().what
    assert Stored.objects.filter(type="product").count() == 4


def test_webhooks_with_a_wrong_signature_are_refused_and_replayed_ones_do_no_harm(shop: Shop) -> None:
    import base64
    import hashlib
    import hmac

    from samklang.connectors.errors import Stop
    from samklang.hub import hooks
    from samklang.hub.models import Hook, Stored

    body = msgspec.json.encode({"id": next(iter(shop.sandbox.orders.orders))})
    secret = hooks.hook_secret(shop.row)
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    headers = {
        "x-wc-webhook-topic": "order.updated", "x-wc-webhook-resource": "order", "x-wc-webhook-event": "updated",
        "x-wc-webhook-signature": signature, "content-type": "application/json",
    }  # fmt: skip
    for wrong in ("", "bm9wZQ==", signature[:-4] + "AAA="):
        with pytest.raises(Stop):
            hooks.receive(shop.row, {**headers, "x-wc-webhook-signature": wrong}, body)
    with pytest.raises(Stop):
        hooks.receive(shop.row, headers, body + b" ")
    assert Hook.objects.count() == 0
    for _ in range(3):
        hooks.receive(shop.row, headers, body)
    hooks.work_off(shop.row)
    hooks.receive(shop.row, headers, body)
    hooks.work_off(shop.row)
    assert Stored.objects.filter(type="order").count() == 1
    assert not Hook.objects.filter(done=False).exists()
