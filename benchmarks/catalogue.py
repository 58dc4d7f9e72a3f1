"""A catalogue from one shop to another: the hub beside a bare loop over the same HTTP calls, in one run.

    ./run python -m benchmarks.catalogue [--articles 20000] [--slow 10000] [--no-slow]

Rows: first sync, unchanged sweep, 1 % changed; and a first sync at 100 ms latency. The bare loop reads the same pages,
picks the same fields, keeps nothing, and posts the same batches with the same client (urllib3): what the job minimally
costs. At latency it overlaps its calls as widely as the hub's connector does. Each side runs in a process of its own;
wall and CPU (user + system) are counted from the moment it is ready to work, peak memory is the whole process. What
starting costs (imports, Django, migrations) is shown apart.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import urllib3

_KEYS = urllib3.make_headers(basic_auth="ck_sandbox:cs_sandbox")
_PAGE, _BATCH, _WIDTH, _SENDERS = 100, 50, 4, 2
_FIELDS = (
    "id,name,slug,type,status,sku,description,short_description,regular_price,sale_price,tax_class,manage_stock,"
    "stock_quantity,weight,categories,images,attributes,meta_data,date_modified_gmt"
)


class Clock:
    """Wall and CPU seconds of this process since it was made, told on stdout."""

    def __init__(self) -> None:
        self._start = self._now()

    @staticmethod
    def _now() -> tuple[float, float]:
        return time.perf_counter(), time.process_time()

    def tell(self) -> None:
        """Print what was used, and what starting the process had used before."""
        wall, cpu = (after - before for after, before in zip(self._now(), self._start, strict=True))
        print(json.dumps({"wall": wall, "cpu": cpu, "start": self._start[1]}))


# ---------------------------------------------------------------------------------------------------- the bare loop


def bare(source: str, target: str, ids_file: str, mode: str, width: int) -> None:
    """Read all pages, send what `mode` says (first: all; same: nothing; changed: names that differ)."""
    pool = urllib3.PoolManager(maxsize=16, headers=_KEYS)
    clock = Clock()
    seen: dict[str, Any] = {}
    if mode != "first":
        with Path(ids_file).open() as file:
            seen = json.load(file)

    def page(number: int) -> tuple[list[dict[str, Any]], int]:
        url = f"{source}/wp-json/wc/v3/products?per_page={_PAGE}&page={number}&orderby=id&order=asc&_fields={_FIELDS}"
        answer = pool.request("GET", url)
        return answer.json(), int(answer.headers["X-WP-TotalPages"])

    def send(rows: list[dict[str, Any]]) -> list[tuple[str, list[Any]]]:
        verb = "update" if rows[0].get("id") else "create"
        url = f"{target}/wp-json/wc/v3/products/batch?_fields={verb}"
        answer = pool.request("POST", url, json={verb: rows}).json()
        return [(row["sku"], [row["id"], row["name"]]) for row in answer[verb]]

    def wanted(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for row in rows:
            before = seen.get(row["sku"])
            if before is None or before[1] != row["name"]:
                body = {key: row[key] for key in ("name", "sku", "description", "status", "weight", "attributes")}
                if before:
                    body["id"] = before[0]
                yield body

    first, pages = page(1)
    with ThreadPoolExecutor(max(1, width)) as readers, ThreadPoolExecutor(max(1, min(width, _SENDERS))) as senders:
        waiting: list[dict[str, Any]] = []
        sending = []
        for rows in [first], (result[0] for result in readers.map(page, range(2, pages + 1))):
            for some in rows:
                waiting += wanted(some)
                while len(waiting) >= _BATCH:
                    sending.append(senders.submit(send, waiting[:_BATCH]))
                    del waiting[:_BATCH]
        if waiting:
            sending.append(senders.submit(send, waiting))
        for future in sending:
            seen.update(future.result())
    with Path(ids_file).open("w") as file:
        json.dump(seen, file)
    clock.tell()


# ---------------------------------------------------------------------------------------------------- the hub


def hub(source: str, target: str) -> None:
    """One sync of the product flow, set up on the first call."""
    import django

    django.setup()
    from django.core.management import call_command

    from samklang.engine.embedded import Embedded
    from samklang.engine.port import Job
    from samklang.engine.work import perform
    from samklang.hub import config, flows
    from samklang.hub.models import Channel, Connection, Tenant, Transfer

    call_command("migrate", verbosity=0)
    tenant, made = Tenant.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    if made:
        rows = {}
        for name, url in (("source", source), ("target", target)):
            row = Connection.objects.create(tenant=tenant, name=name, connector="woocommerce", settings={"url": url})
            config.set_secrets(row, {"consumer_key": "ck_sandbox", "consumer_secret": "cs_sandbox"})
            rows[name] = row
        channel = Channel.objects.create(tenant=tenant, code="bench", connection=rows["target"])
        flows.set_flow(channel, "product", rows["source"], rows["target"], enabled=True)
    clock = Clock()
    engine = Embedded(perform)
    engine.start()
    engine.wake(Job("sweep", Connection.objects.get(name="source").pk, "catalogue", 3))
    if not engine.wait_until_idle(3600, horizon=30):
        raise SystemExit("the hub did not become idle")
    engine.stop()
    clock.tell()
    failed = Transfer.objects.exclude(result="ok").first()
    if failed:
        raise SystemExit(f"a transfer failed: {failed.error}")


# ---------------------------------------------------------------------------------------------------- the run


@contextlib.contextmanager
def shop(articles: int, latency: float) -> Iterator[str]:
    """A stand-in in a process of its own; yields its address."""
    command = [sys.executable, "-m", "benchmarks.shops", "--articles", str(articles), "--latency", str(latency)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def measure(arguments: list[str], home: str, *shops: str) -> dict[str, float]:
    """Run a side as a child: wall and CPU seconds of its work and start, peak MB, requests that the shops saw."""
    http = urllib3.PoolManager()
    for address in shops:
        http.request("POST", f"{address}/_sandbox/reset-requests")
    environment = {
        **os.environ,
        "SAMKLANG_DATA": home,
        "SAMKLANG_ALLOW_PRIVATE": "127.0.0.0/8",
        "DJANGO_SETTINGS_MODULE": "samklang.settings",
    }
    command = [sys.executable, "-m", "benchmarks.catalogue", *arguments]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    told = child.stdout.read().strip().splitlines()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{arguments[1]} failed with status {status}")
    requests = sum(http.request("GET", f"{address}/_sandbox/requests").json()["total"] for address in shops)
    scale = 1024 if sys.platform != "darwin" else 1024 * 1024
    return {**json.loads(told[-1]), "peak": usage.ru_maxrss / scale, "requests": requests}


def compare(articles: int, latency: float, rows: list[str]) -> None:
    """One set of shops per side, so that both start from nothing; the rows in turn, hub and bare loop alternating."""
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        shops = {side: [stack.enter_context(shop(n, latency)) for n in (articles, 0)] for side in ("hub", "bare")}
        for row in rows:
            if row == "1 % changed":
                http = urllib3.PoolManager()
                for source, _ in shops.values():
                    for n in range(0, articles, 100):
                        body = {"sku": f"KOPP-{n:06}", "name": f"Kopp ny {n}"}
                        http.request("POST", f"{source}/_sandbox/products", json=body)
            figures = {}
            for side, (source, target) in shops.items():
                mode = {"first sync": "first", "unchanged sweep": "same", "1 % changed": "changed"}[row]
                width = str(_WIDTH if latency else 1)
                arguments = ["--side", side, "--source", source, "--target", target, "--ids", f"{home}/ids"]
                figures[side] = measure([*arguments, "--mode", mode, "--width", width], home, source, target)
            _print(row, articles, latency, figures)


def _print(row: str, articles: int, latency: float, figures: dict[str, dict[str, float]]) -> None:
    name = f"{row}, {articles:,}".replace(",", " ") + (f", {latency * 1000:.0f} ms" if latency else "")
    for side, f in figures.items():
        print(
            f"{name:36}{side:>6}{f['wall']:9.2f}{f['cpu']:9.2f}{f['peak']:9.0f}{f['requests']:10.0f}"
            f"{f['requests'] / articles:13.4f}{f['start']:13.2f}"
        )
    hub_, bare_ = figures["hub"], figures["bare"]
    print(f"{'':36}{'ratio':>6}{hub_['wall'] / bare_['wall']:9.2f}{hub_['cpu'] / bare_['cpu']:9.2f}", flush=True)


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", choices=["hub", "bare"])
    parser.add_argument("--source", default="")
    parser.add_argument("--target", default="")
    parser.add_argument("--ids", default="")
    parser.add_argument("--mode", default="first")
    parser.add_argument("--width", type=int, default=1)
    parser.add_argument("--articles", type=int, default=20_000)
    parser.add_argument("--slow", type=int, default=10_000)
    parser.add_argument("--no-slow", action="store_true")
    args = parser.parse_args()
    if args.side == "bare":
        return bare(args.source, args.target, args.ids, args.mode, args.width)
    if args.side == "hub":
        return hub(args.source, args.target)
    print(
        f"{'':36}{'':>6}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'requests':>10}{'per article':>13}{'start CPU s':>13}"
    )
    compare(args.articles, 0, ["first sync", "unchanged sweep", "1 % changed"])
    if not args.no_slow:
        compare(args.slow, 0.1, ["first sync"])
    return None


if __name__ == "__main__":
    main()
