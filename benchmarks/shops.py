"""A WooCommerce stand-in full of simple articles of about 1 KB, in a process of its own.

Beyond what every stand-in has, GET /_sandbox/sent tells what writers did: `articles` in the shop, and `twice`, the
articles that were sent whole (created, or updated with name and description) more than once, taken or refused.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import urllib3
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from samklang.sandboxes.base import Faulty, serve
from samklang.sandboxes.woocommerce import WooSandbox
from samklang.sandboxes.woocommerce.shelf import Product

_TEXT = "<p>Handdrejad kopp i stengods med glasyr i djup sjögrön ton. Tål maskindisk och mikrovågsugn. {}</p>"
_YEAR = 365 * 86400
_http = urllib3.PoolManager(maxsize=4)


class Sent:
    """Counts what is sent to a shop, and tells it."""

    def __init__(self, app: ASGIApp, shop: WooSandbox) -> None:
        self._app, self._shop = app, shop
        self._times: Counter[str] = Counter()
        self._create, self._update = shop.catalogue.create, shop.catalogue.update
        shop.catalogue.create, shop.catalogue.update = self._created, self._updated  # type: ignore[method-assign]

    def _created(self, body: dict[str, Any], parent: Product | None = None) -> Product:
        self._times[str(body.get("sku"))] += 1
        return self._create(body, parent)

    def _updated(self, row: Product, body: dict[str, Any]) -> Product:
        if "name" in body and "description" in body:
            self._times[row.sku] += 1
        return self._update(row, body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/_sandbox/sent":
            await self._app(scope, receive, send)
            return
        with self._shop.lock:
            twice = sum(times > 1 for times in self._times.values())
            answer = {"articles": len(self._shop.catalogue.rows), "twice": twice}
        await Response(msgspec.json.encode(answer), media_type="application/json")(scope, receive, send)


class Pair(NamedTuple):
    """Addresses of the shop that is read and the one that is written."""

    source: str
    target: str

    @staticmethod
    @contextlib.contextmanager
    def opened(articles: int, latency: float) -> Iterator[Pair]:
        """A full and an empty shop, each in a process of its own; `latency` seconds pass before each answer."""
        with _opened(articles, latency) as source, _opened(0, latency) as target:
            yield Pair(source, target)

    def requests(self) -> int:
        """How many requests both have seen since `forget`."""
        return sum(int(_http.request("GET", f"{one}/_sandbox/requests").json()["total"]) for one in self)

    def forget(self) -> None:
        """Count requests from nought."""
        for one in self:
            _http.request("POST", f"{one}/_sandbox/reset-requests")

    def change(self, articles: int, each: int, name: str) -> None:
        """Give every `each`-th of so many articles of the source a new name."""
        for n in range(0, articles, each):
            body = {"sku": _sku(n), "name": f"{name} {n}"}
            _http.request("POST", f"{self.source}/_sandbox/products", json=body)

    def sent(self) -> dict[str, int]:
        """What the target tells of what came: `articles` and `twice`."""
        return dict(_http.request("GET", f"{self.target}/_sandbox/sent").json())

    def missing(self) -> int:
        """How many articles of the source the target does not have under the same name."""
        source, target = (_http.request("GET", f"{one}/_sandbox/snapshot").json()["products"] for one in self)
        return sum(row["name"] != target.get(sku, {}).get("name") for sku, row in source.items())


@contextlib.contextmanager
def _opened(articles: int, latency: float) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.shops", "--articles", str(articles), "--latency", str(latency)]
    # The stand-in ends when its input does: also when this process is killed.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


def _sku(n: int) -> str:
    return f"KOPP-{n:06}"


def main() -> None:
    """Print the address and serve until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--articles", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    args = parser.parse_args()
    shop = WooSandbox(products=0, customers=0, latency=args.latency)
    with shop.lock:
        began = shop.now() - _YEAR
        for n in range(args.articles):
            row = shop.catalogue.create(
                {
                    "sku": _sku(n),
                    "name": f"Kopp Sjögrön nr {n}",
                    "description": _TEXT.format(n) * 3,
                    "short_description": f"Kopp {n}",
                    "regular_price": f"{100 + n % 900}.00",
                    "manage_stock": True,
                    "stock_quantity": n % 50,
                    "global_unique_id": "",
                    "attributes": [{"name": "Serie", "visible": True, "options": ["Sjö"]}],
                    "meta_data": [{"key": "hylla", "value": f"{n % 40}-{n % 7}"}],
                }
            )
            # As in a shop that grew over a year: not all articles carry the same date of change.
            row.created = row.modified = began + _YEAR * n // args.articles
    with serve(Sent(Faulty(shop.app), shop)) as address:
        sys.stdout.write(address + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
