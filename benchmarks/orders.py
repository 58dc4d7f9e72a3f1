"""Orders from a shop into an ERP: how long one takes, and how many a second.

    ./run python -m benchmarks.orders [--sides sqlite,pg1,pg2] [--calm 5] [--seconds 60] [--many 600] [--repeat 3]

    latency     `--calm` orders a second: from the moment the shop sends the signed webhook until the ERP has the order.
                `own` is without the time in which a stand-in was answering
    sustained   `--many` orders as fast as the shop can send them: how many a second, from the first webhook until the
                ERP has the last

The hub runs as installed (`samklang serve`, on PostgreSQL with one or two `samklang worker`), only without the vendors'
rate limits (benchmarks/unlimited.py). Stand-ins: benchmarks/stands.py. CPU is the hub's processes', the server's not
counted.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import urllib3

from benchmarks import stage

SIDES = {"sqlite": 0, "pg1": 1, "pg2": 2}  # name → workers
_http = urllib3.PoolManager(maxsize=4)
_PATIENCE = 900.0


class Stage(NamedTuple):
    """The two stand-ins' addresses, and the hub's processes between them."""

    shop: str
    ledger: str
    hub: list[psutil.Process]

    def times(self) -> tuple[Any, Any]:
        """What both stand-ins noted."""
        shop, ledger = (_http.request("GET", f"{one}/_sandbox/times").json() for one in (self.shop, self.ledger))
        return shop, ledger

    def sell(self, orders: int, seconds: float) -> None:
        """Sell, and wait until the ERP has all. TimeoutError when it does not come to have them."""
        before = len(self.times()[1]["told"])
        _http.request("POST", f"{self.shop}/_sandbox/sell", json={"orders": orders, "seconds": seconds})
        end = time.monotonic() + _PATIENCE
        while len(self.times()[1]["told"]) < before + orders:
            if time.monotonic() > end:
                raise TimeoutError("orders are missing in the ERP")
            time.sleep(0.5)

    def cpu(self) -> float:
        """Seconds that the hub has used."""
        return sum(sum(one.cpu_times()[:2]) for one in self.hub)

    def peak(self) -> float:
        """MB that the largest of its processes has used at the most."""
        status = [Path(f"/proc/{one.pid}/status").read_text() for one in self.hub]
        return max(int(text.split("VmHWM:")[1].split()[0]) for text in status) / 1024


@contextlib.contextmanager
def opened(workers: int) -> Iterator[Stage]:
    """Stand-ins and hub, with the catalogues read and the webhook registered."""
    kind = "postgresql" if workers else "sqlite"
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="samklang-bench-")))
        environment = stage.environment(home, stack.enter_context(stage.database(kind)))
        shop, ledger = (stack.enter_context(stage.process("benchmarks.stands", one)) for one in ("shop", "ledger"))
        secret = stack.enter_context(stage.process("benchmarks.trade", shop, ledger, **environment))
        said = stack.enter_context(stage.process("benchmarks.unlimited", "serve", "--port", "0", **environment))
        for _ in range(workers):
            stack.enter_context(stage.process("benchmarks.unlimited", "worker", **environment))
        hook = {"topic": "order.created", "delivery_url": f"{said.split()[2]}/hooks/bench/shop", "secret": secret}
        _http.request(
            "POST", f"{shop}/wp-json/wc/v3/webhooks", json=hook,
            headers=urllib3.make_headers(basic_auth="ck_sandbox:cs_sandbox"),
        )  # fmt: skip
        living = [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
        ours = [one for one in living if "benchmarks.unlimited" in one.cmdline()]
        found = Stage(shop, ledger, ours)
        found.sell(5, 1.0)  # unmeasured: the articles are read, what is compiled on first use is compiled
        yield found


def _busy(answers: list[tuple[float, float]], since: float, until: float) -> float:
    """Seconds between two moments in which at least one request was being answered."""
    total, reached = 0.0, since
    for began, ended in answers:  # in order of their beginning
        total += max(0.0, min(ended, until) - max(began, reached))
        reached = max(reached, min(ended, until))
    return total


def latency(stage_: Stage, rate: float, seconds: float) -> tuple[list[float], list[float]]:
    """Seconds of each order: in all, and without the stand-ins' own."""
    before = set(stage_.times()[1]["told"])
    stage_.sell(int(rate * seconds), seconds)
    shop, ledger = stage_.times()
    answers = sorted(map(tuple, [*shop["answers"], *ledger["answers"]]))
    whole, own = [], []
    for reference, came in ledger["told"].items():
        if reference not in before:
            left = shop["told"][reference.rpartition("/")[2]]
            near = [one for one in answers if one[1] > left and one[0] < came]
            whole.append(came - left)
            own.append(came - left - _busy(near, left, came))
    return whole, own


def sustained(stage_: Stage, orders: int) -> tuple[float, float]:
    """Orders a second, and CPU seconds of the hub for each."""
    before, cpu = set(stage_.times()[1]["told"]), stage_.cpu()
    stage_.sell(orders, 0.001)
    shop, ledger = stage_.times()
    came = {reference: at for reference, at in ledger["told"].items() if reference not in before}
    left = min(shop["told"][reference.rpartition("/")[2]] for reference in came)
    return len(came) / (max(came.values()) - left), (stage_.cpu() - cpu) / orders


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--calm", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--many", type=int, default=600)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    print(stage.heading())
    print(
        f"{'':8}{'p50 own ms':>17}{'p95 own ms':>17}{'p99 own ms':>17}{'p50 all':>9}{'p95 all':>9}"
        f"{'orders/s':>20}{'CPU ms/order':>14}{'peak MB':>9}"
    )
    for name in args.sides.split(","):
        with opened(SIDES[name]) as on:
            calm = [latency(on, args.calm, args.seconds) for _ in range(args.repeat)]
            many = [sustained(on, args.many) for _ in range(args.repeat)]
            own = [stage.middle([1000 * stage.at(run[1], share) for run in calm], ".0f") for share in (0.5, 0.95, 0.99)]
            whole = [1000 * stage.at([one for run in calm for one in run[0]], share) for share in (0.5, 0.95)]
            print(
                f"{name:8}" + "".join(f"{text:>17}" for text in own) + "".join(f"{ms:9.0f}" for ms in whole) +
                f"{stage.middle([rate for rate, _ in many], '.1f'):>20}"
                f"{1000 * stage.at([cpu for _, cpu in many], 0.5):14.0f}{on.peak():9.0f}",
                flush=True,
            )  # fmt: skip
            sys.stderr.write(f"{name} done\n")


if __name__ == "__main__":
    main()
