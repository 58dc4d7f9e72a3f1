"""Response times of the pages with a million articles and 200,000 orders in the database.

    ./run python -m benchmarks.pages [--articles 1000000] [--orders 200000] [--databases sqlite,postgresql]
                                     [--requests 200] [--repeat 3]

Each address is asked `--requests` times, one after the other, for things drawn at random; p50 and p95 are medians of
`--repeat` such rounds. The tables are filled by the benchmark itself (benchmarks/filling.py), the web is `samklang
serve` in a process of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.parse import urlsplit

import urllib3

from benchmarks import stage

Asked = Callable[[random.Random], str]  # dice → address
_SLOW = 0.2  # seconds that a page may take


class Size(NamedTuple):
    """How much stands in the database."""

    articles: int
    orders: int


def addresses(size: Size) -> dict[str, Asked]:
    """What is asked, by its name in the table."""
    from benchmarks import filling

    def order(dice: random.Random) -> str:
        return filling.order_key(dice.randrange(size.orders))

    def article(dice: random.Random) -> str:
        return filling.article_key(dice.randrange(size.articles))

    return {
        "start": lambda _: "/t/bench/",
        "map (refresh)": lambda _: "/t/bench/map",
        "orders": lambda _: "/t/bench/orders",
        "orders, a later page": lambda dice: f"/t/bench/orders?before={4 * dice.randrange(1, size.orders)}",
        "orders, search": lambda dice: f"/t/bench/orders?q={order(dice).rpartition('/')[2]}",
        "an order's journey": lambda dice: f"/t/bench/orders/{order(dice)}",
        "products": lambda _: "/t/bench/products",
        "products, a later page": lambda dice: f"/t/bench/products?after={article(dice)}",
        "products, search": lambda dice: f"/t/bench/products?q={article(dice)}",
        "problems": lambda _: "/t/bench/problems",
        "flows": lambda _: "/t/bench/flows",
        "transfers": lambda _: "/t/bench/transfers",
        "/health": lambda _: "/health",
        "/ready": lambda _: "/ready",
        "/metrics": lambda _: "/metrics",
    }


@contextlib.contextmanager
def served(home: Path, address: str) -> Iterator[str]:
    """`samklang serve` on a filled database (with a worker on PostgreSQL, so that it is ready); gives its address."""
    with contextlib.ExitStack() as stack:
        environment = stage.environment(home, address)
        if address:
            stack.enter_context(stage.process("samklang", "worker", **environment))
        yield stack.enter_context(stage.process("samklang", "serve", "--port", "0", **environment)).split()[2]


def signed_in(hub: str, home: Path, address: str) -> urllib3.PoolManager:
    """Somebody who may see everything, let in by a one-time address."""
    command = [sys.executable, "-m", "samklang", "people", "add", "bench@example.com", "--role", "owner", "--json"]
    environment = {**os.environ, **stage.environment(home, address)}
    said = subprocess.run(command, env=environment, capture_output=True, check=True)
    way_in = urlsplit(json.loads(said.stdout)["address"]).path
    answer = urllib3.request("GET", f"{hub}{way_in}", redirect=False)
    cookies = [cookie.partition(";")[0] for cookie in answer.headers.getlist("Set-Cookie")]
    return urllib3.PoolManager(headers={"Cookie": "; ".join(cookies)})


def round_of(pool: urllib3.PoolManager, hub: str, asked: Asked, requests: int, dice: random.Random) -> list[float]:
    """Seconds of each request. RuntimeError when one is not answered with 200."""
    found = []
    for _ in range(requests):
        path = asked(dice)
        began = time.perf_counter()
        answer = pool.request("GET", f"{hub}{path}", redirect=False)
        found.append(time.perf_counter() - began)
        if answer.status != 200:
            raise RuntimeError(f"{path} was answered with {answer.status}")
    return found


def measured(home: Path, address: str, size: Size, requests: int, repeat: int) -> dict[str, list[list[float]]]:
    """Name → rounds of seconds."""
    dice = random.Random(1)
    asked = addresses(size)
    with served(home, address) as hub:
        pool = signed_in(hub, home, address)
        for one in asked.values():  # unmeasured: what is compiled on first use is no page
            round_of(pool, hub, one, 3, dice)
        return {name: [round_of(pool, hub, one, requests, dice) for _ in range(repeat)] for name, one in asked.items()}


def filled(home: Path, address: str, size: Size) -> None:
    """Fill a new database, in a process of its own: Django is set up for one database only."""
    more = ("--articles", str(size.articles), "--orders", str(size.orders))
    with stage.process("benchmarks.filling", *more, **stage.environment(home, address)) as said:
        if said != "filled":
            raise RuntimeError("the database could not be filled")


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=200_000)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    size = Size(args.articles, args.orders)
    print(stage.heading())
    print(f"{'ms':26}{'database':>12}{'p50':>22}{'p95':>22}")
    slow = False
    for name in args.databases.split(","):
        with tempfile.TemporaryDirectory(prefix="samklang-bench-") as home, stage.database(name) as address:
            began = time.monotonic()
            filled(Path(home), address, size)
            sys.stderr.write(f"{name} filled in {time.monotonic() - began:.0f} s\n")
            for page, rounds in measured(Path(home), address, size, args.requests, args.repeat).items():
                half, most = ([1000 * stage.at(one, share) for one in rounds] for share in (0.5, 0.95))
                late = median(most) > 1000 * _SLOW
                slow |= late
                mark = "  slow" if late else ""
                print(f"{page:26}{name:>12}{stage.middle(half, '.0f'):>22}{stage.middle(most, '.0f'):>22}{mark}")
    if slow:
        sys.exit(f"A page took more than {1000 * _SLOW:.0f} ms.")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "samklang.settings")
    main()
