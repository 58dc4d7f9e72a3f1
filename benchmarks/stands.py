"""A shop and a ledger as stand-ins that keep time: when a webhook left, when an order came, how long each answer took.

GET /_sandbox/times   the shop: {order number: when its webhook left}; the ledger: {our reference: when it had it};
                      both: `answers`, [began, ended] of every request (epoch seconds)
GET /_sandbox/stocks  the ledger: every stock figure that was set, as benchmarks/shelf.py tells it
POST /_sandbox/sell   the shop: {orders, seconds}: so many orders are placed, evenly spread over that time
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from benchmarks.shelf import sku
from samklang.sandboxes.base import Faulty, serve
from samklang.sandboxes.fortnox import FortnoxSandbox
from samklang.sandboxes.woocommerce import WooSandbox
from samklang.sandboxes.woocommerce.wire import JSON


class Shop(WooSandbox):
    """A shop that sells on request and remembers when the news of each order left."""

    def __init__(self, products: int) -> None:
        self.told: dict[str, float] = {}
        super().__init__(products, webhook_delay=0.0)

    def _payload(self, topic: str, id_: int) -> JSON | None:
        body = super()._payload(topic, id_)
        self.told.setdefault(str(id_), time.time())
        return body

    def sell(self, orders: int, seconds: float) -> None:
        """Place orders in a thread."""
        lines = [(row.sku, 1) for row in self.catalogue.rows.values() if row.type == "simple" and row.sku]

        def work() -> None:
            began = time.monotonic()
            for n in range(orders):
                time.sleep(max(0.0, began + seconds * n / orders - time.monotonic()))
                self.place_order([lines[(n + step) % len(lines)] for step in range(2)], status="processing")

        threading.Thread(target=work, daemon=True).start()


class Timed:
    """Notes when each request came and was answered, and tells it."""

    def __init__(self, stand: Shop | FortnoxSandbox) -> None:
        self._stand = stand
        self._app: ASGIApp = Faulty(stand.app)
        self._answers: list[tuple[float, float]] = []
        self._told: dict[str, float] = stand.told if isinstance(stand, Shop) else {}
        self._stocks: tuple[list[float], list[int], list[int]] = ([], [], [])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/_sandbox/"):
            said = b""

            async def heard(message: Message) -> None:
                nonlocal said
                said += message.get("body", b"")
                await send(message)

            began = time.time()
            await self._app(scope, receive, heard)
            self._answers.append((began, time.time()))
            if (scope["method"], scope["path"]) == ("POST", "/3/orders") and b'"Order"' in said:
                self._told[json.loads(said)["Order"]["ExternalInvoiceReference1"]] = time.time()
            elif scope["method"] == "PUT" and scope["path"].startswith("/3/articles/KOPP-") and b'"Article"' in said:
                article = json.loads(said)["Article"]
                times, articles, figures = self._stocks
                times.append(time.time())
                articles.append(int(article["ArticleNumber"].rpartition("-")[2]))
                figures.append(int(article["QuantityInStock"]))
        elif scope["path"] == "/_sandbox/stocks":
            await _json(self._stocks)(scope, receive, send)
        elif scope["path"] == "/_sandbox/times":
            await _json({"told": self._told, "answers": self._answers})(scope, receive, send)
        elif scope["path"] == "/_sandbox/sell" and isinstance(self._stand, Shop):
            self._stand.sell(**json.loads(await _body(receive)))
            await _json({"ok": True})(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _json(answer: Any) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message: Message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def _ledger(kind: str, articles: int) -> FortnoxSandbox:
    """A ledger of any speed with articles of the shop, or one as quick as the real one with those of the shelf."""
    if kind == "ledger":
        return FortnoxSandbox(4 * articles, rate=0)
    stand = FortnoxSandbox(0)
    for n in range(articles):
        stand.ledger.put_article({"ArticleNumber": sku(n), "Description": f"Kopp nr {n}", "StockGoods": True})
    return stand


def main() -> None:
    """Serve until SIGTERM. Prints the address."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["shop", "ledger", "counted"], help="counted: a ledger of the shelf's articles")
    parser.add_argument("--articles", type=int, default=200)
    args = parser.parse_args()
    stand = Shop(args.articles) if args.kind == "shop" else _ledger(args.kind, args.articles)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with serve(Timed(stand)) as address:
        sys.stdout.write(address + "\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
