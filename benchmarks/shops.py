"""A WooCommerce stand-in full of simple articles of about 1 KB, in a process of its own."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from samklang.sandboxes.base import Faulty, serve
from samklang.sandboxes.woocommerce import WooSandbox

_TEXT = "<p>Handdrejad kopp i stengods med glasyr i djup sjögrön ton. Tål maskindisk och mikrovågsugn. {}</p>"


def main() -> None:
    """Serve until SIGTERM. Prints the address."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--articles", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    args = parser.parse_args()
    shop = WooSandbox(products=0, customers=0, latency=args.latency)
    with shop.lock:
        for n in range(args.articles):
            shop.catalogue.create(
                {
                    "sku": f"KOPP-{n:06}",
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
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with serve(Faulty(shop.app)) as address:
        sys.stdout.write(address + "\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
