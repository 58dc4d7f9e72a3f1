"""A WooCommerce stand-in whose articles are computed out of their number: a million cost a few arrays, not a few GB.

All are simple articles of about 1 KB. What is no product (settings, tax rates, login) is the ordinary stand-in's.
Beside what every stand-in has:

    POST /_sandbox/fill     every article is on the shelf
    POST /_sandbox/rename   {each, edition}: every `each`-th article gets a new name
    POST /_sandbox/churn    {changes, seconds}: so many stock figures change, evenly spread over that time
    GET  /_sandbox/editions the names' editions as an array of ints, -1 = not on the shelf
    GET  /_sandbox/stocks   every stock figure that was set: arrays of when (epoch seconds), article, figure, in JSON
"""

from __future__ import annotations

import argparse
import contextlib
import random
import signal
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import urllib3
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from samklang.sandboxes.base import Faulty, serve
from samklang.sandboxes.woocommerce import WooSandbox

_PRODUCTS = "/wp-json/wc/v3/products"
_FIRST_ID = 10
_TEXT = "<p>Handdrejad kopp i stengods med glasyr i djup sjögrön ton. Tål maskindisk och mikrovågsugn.</p>"
_BODY = {
    "description": _TEXT * 3, "short_description": "Kopp", "regular_price": "149.00", "manage_stock": True,
    "attributes": [{"name": "Serie", "visible": True, "options": ["Sjö"]}],
    "meta_data": [{"key": "hylla", "value": "17-4"}],
}  # fmt: skip
_encode = msgspec.json.encode
_http = urllib3.PoolManager(maxsize=4)


def sku(n: int) -> str:
    """The number of the n-th article."""
    return f"KOPP-{n:07}"


class Shelf:
    """The shop. The first `there` of its articles are on the shelf from the beginning."""

    def __init__(self, articles: int, there: int) -> None:
        shop = WooSandbox(products=0, customers=0)
        row = shop.catalogue.as_product(shop.catalogue.create({"sku": "X", **_BODY}))
        self._template = {name: value for name, value in row.items() if name != "_links"}
        self._rest: ASGIApp = shop.app
        self._edition = array("i", [0]) * there + array("i", [-1]) * (articles - there)
        self._stock = array("i", [0]) * articles
        self._modified = array("d", [0.0]) * articles
        self._log: tuple[array[float], array[int], array[int]] = array("d"), array("i"), array("i")
        self._lock = threading.Lock()
        self._chosen: tuple[object, Sequence[int]] = (None, ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        own = (_PRODUCTS, f"{_PRODUCTS}/batch", "/_sandbox/")
        if scope["type"] != "http" or not scope["path"].startswith(own):
            await self._rest(scope, receive, send)
            return
        request = Request(scope, receive)
        body = msgspec.json.decode(await request.body() or b"{}")
        with self._lock:
            answer = self._answer(request, body)
        await answer(scope, receive, send)

    def _answer(self, request: Request, body: dict[str, Any]) -> Response:
        path = request.url.path
        if path == _PRODUCTS:
            return self._page(dict(request.query_params))
        if path == f"{_PRODUCTS}/batch":
            return _json({verb: [self._take(row) for row in rows] for verb, rows in body.items()})
        match path.removeprefix("/_sandbox/"):
            case "fill":
                self._edition = array("i", [0]) * len(self._edition)
                self._chosen = (None, ())
            case "rename":
                for n in range(0, len(self._edition), body["each"]):
                    self._edition[n], self._modified[n] = body["edition"], time.time()
                self._chosen = (None, ())
            case "churn":
                threading.Thread(target=self._churn, args=(body["changes"], body["seconds"]), daemon=True).start()
            case "editions":
                return Response(self._edition.tobytes())
            case "stocks":
                return _json([list(column) for column in self._log])
        return _json({"ok": True})

    # ------------------------------------------------------------------------------------------------ products

    def _page(self, asked: dict[str, str]) -> Response:
        rows = self._select(asked)
        size = int(asked.get("per_page", 10))
        start = int(asked["offset"]) if "offset" in asked else (int(asked.get("page", 1)) - 1) * size
        fields = set(asked["_fields"].split(",")) if "_fields" in asked else set(self._template)
        template = {name: value for name, value in self._template.items() if name in fields}
        answer = _json([self._row(n, template) for n in rows[start : start + size]])
        answer.headers["X-WP-Total"] = str(len(rows))
        answer.headers["X-WP-TotalPages"] = str(-(-len(rows) // size))
        return answer

    def _select(self, asked: dict[str, str]) -> Sequence[int]:
        """Numbers of the articles that are asked for: by id, by SKU, changed since, or all."""
        if "include" in asked:
            return [n for n in (int(id_) - _FIRST_ID for id_ in asked["include"].split(",")) if self._edition[n] >= 0]
        if "sku" in asked:
            found = (int(one.rpartition("-")[2]) for one in asked["sku"].split(","))
            return [n for n in found if self._edition[n] >= 0]
        since = asked.get("modified_after", "")
        if self._chosen[0] != since:
            after = datetime.fromisoformat(f"{since}+00:00").timestamp() + 1 if since else -1.0  # whole seconds, strict
            there = enumerate(zip(self._edition, self._modified, strict=True))
            self._chosen = (since, array("i", (n for n, (e, at) in there if e >= 0 and at >= after)))
        return self._chosen[1]

    def _row(self, n: int, template: dict[str, Any]) -> dict[str, Any]:
        own = {"id": n + _FIRST_ID, "sku": sku(n), "name": f"Kopp nr {n}, {self._edition[n]}"}
        return {**template, **own, "stock_quantity": self._stock[n]}

    def _take(self, body: dict[str, Any]) -> dict[str, Any]:
        """One row of a batch, new or known by its id; what it says is kept, and told back."""
        n = int(body["id"]) - _FIRST_ID if "id" in body else int(body["sku"].rpartition("-")[2])
        if "name" in body or self._edition[n] < 0:
            self._edition[n] = int(body.get("name", "0").rpartition(" ")[2])
            self._chosen = (None, ())
        if "stock_quantity" in body:
            self._set(n, int(body["stock_quantity"]))
        return {**self._template, **body, "id": n + _FIRST_ID, "sku": sku(n)}

    # ------------------------------------------------------------------------------------------------ stock

    def _set(self, n: int, figure: int) -> None:
        self._stock[n], self._modified[n] = figure, time.time()
        times, articles, figures = self._log
        times.append(self._modified[n])
        articles.append(n)
        figures.append(figure)

    def _churn(self, changes: int, seconds: float) -> None:
        dice, began = random.Random(1), time.monotonic()
        for change in range(changes):
            time.sleep(max(0.0, began + seconds * change / changes - time.monotonic()))
            n = dice.randrange(len(self._stock))
            with self._lock:
                self._set(n, self._stock[n] + 1)
                self._chosen = (None, ())


def _json(answer: object) -> Response:
    return Response(_encode(answer), media_type="application/json; charset=UTF-8")


# ---------------------------------------------------------------------------------------------------- from outside


@contextlib.contextmanager
def opened(articles: int, *, there: int) -> Iterator[str]:
    """The shop in a process of its own; gives its address."""
    command = [sys.executable, "-m", "benchmarks.shelf", "--articles", str(articles), "--there", str(there)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def fill(address: str) -> None:
    """Put every article on the shelf."""
    _http.request("POST", f"{address}/_sandbox/fill")


def rename(address: str, each: int, edition: int) -> None:
    """Give every `each`-th article a new name."""
    _http.request("POST", f"{address}/_sandbox/rename", json={"each": each, "edition": edition})


def churn(address: str, changes: int, seconds: float) -> None:
    """Begin to change stock figures."""
    _http.request("POST", f"{address}/_sandbox/churn", json={"changes": changes, "seconds": seconds})


def editions(address: str) -> bytes:
    """The names, in a form that can be compared with another shop's."""
    return _http.request("GET", f"{address}/_sandbox/editions").data


def stocks(address: str) -> list[tuple[float, int, int]]:
    """(when, article, figure) of every stock figure that was set."""
    return list(zip(*_http.request("GET", f"{address}/_sandbox/stocks").json(), strict=True))


def main() -> None:
    """Serve until SIGTERM. Prints the address."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--articles", type=int, required=True)
    parser.add_argument("--there", type=int, default=0)
    args = parser.parse_args()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with serve(Faulty(Shelf(args.articles, args.there))) as address:
        sys.stdout.write(address + "\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
