"""What the hub takes of a machine: memory and connections of each process, idle and at work, and disk.

    ./run python -m benchmarks.sizing [--tenants 12] [--articles 3000] [--hooks 5000] [--rows 100000] [--disk]

Memory is RSS. `idle` is a quarter of a minute after the start; `at work` the highest of samples each 0.2 s while every
tenant fills an empty shop from a full one and the web takes webhooks over 64 connections. Connections are what
PostgreSQL itself counts. On SQLite one process does the same for all tenants. Disk is a hub full of articles, then
one full of orders with their customers, status, steps and calls (benchmarks/filling.py), less an empty one.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import hmac
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import django
import psutil
import psycopg
import urllib3

from benchmarks import stage
from benchmarks.shops import Pair
from tests.postgres import running

_IDLE = 15.0  # seconds after the start
_MB = 1024 * 1024
_AT_ONCE = 64  # connections that bring webhooks


class Watch:
    """The highest memory and number of connections of processes, until it is closed."""

    def __init__(self, processes: dict[str, int], address: str) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in processes.items()}
        self._address = address
        self.memory: Counter[str] = Counter()
        self.connections: Counter[str] = Counter()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        with psycopg.connect(self._address, autocommit=True) if self._address else contextlib.nullcontext() as database:
            while not self._ended.wait(0.2):
                for name, process in self._processes.items():
                    self.memory[name] = max(self.memory[name], process.memory_info().rss)
                if database:
                    found = database.execute("SELECT application_name, count(*) FROM pg_stat_activity GROUP BY 1")
                    for name, count in found.fetchall():
                        self.connections[name] = max(self.connections[name], count)

    def show(self, what: str) -> None:
        for name in self._processes:
            of = f", {self.connections[name]} connections" if self._address else ""
            print(f"  {what:8} {name:10} {self.memory[name] / _MB:5.0f} MB{of}", flush=True)


@contextlib.contextmanager
def _samklang(name: str, home: Path, address: str, *arguments: str) -> Iterator[tuple[int, str]]:
    """A command of the hub at work; its process, and its first answer's `address` ("" = it has none)."""
    given = {**os.environ, **stage.environment(home, address), "PGAPPNAME": name}
    with (home / f"{name}.log").open("w") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "samklang", *arguments, "--json"], env=given, stdout=subprocess.PIPE, stderr=log,
            text=True,
        )  # fmt: skip
        assert child.stdout is not None
        said = ""
        try:
            while not said.endswith("}"):
                said += child.stdout.readline().strip()
            yield child.pid, json.loads(said).get("address", "")
        finally:
            child.terminate()
            child.wait()


def _set_up(tenants: int, articles: int, stack: contextlib.ExitStack) -> list[tuple[str, str]]:
    """Tenants, each with a full shop and an empty one, and a flow of products between them; path and secret of each
    full shop's webhooks."""
    from samklang.hub import flows, hooks
    from samklang.hub.models import Channel, Connection, Tenant
    from samklang.hub.setup import config

    found = []
    for n in range(tenants):
        tenant = Tenant.objects.create(slug=f"bench-{n}", name=f"Bench {n}")
        pair = stack.enter_context(Pair.opened(articles, 0))
        rows = {}
        for name, url in pair._asdict().items():
            rows[name] = Connection.objects.create(
                tenant=tenant, name=name, connector="woocommerce", settings={"url": url}
            )
            config.set_secrets(rows[name], {"consumer_key": "ck_sandbox", "consumer_secret": "cs_sandbox"})
        channel = Channel.objects.create(tenant=tenant, code="bench", connection=rows["target"])
        flows.set_flow(channel, "product", rows["source"], rows["target"], enabled=True)
        found.append((f"/hooks/{tenant.slug}/source", hooks.hook_secret(rows["source"])))
    return found


def _flood(web: str, shops: list[tuple[str, str]], count: int) -> None:
    """Webhooks of all shops in turn. RuntimeError when one is not taken."""
    http = urllib3.PoolManager(maxsize=_AT_ONCE, block=True)

    def send(n: int) -> None:
        path, secret = shops[n % len(shops)]
        body = b'{"id":%d}' % (n + 1)
        signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
        headers = {
            "Content-Type": "application/json", "X-WC-Webhook-Signature": signature,
            "X-WC-Webhook-Topic": "order.updated", "X-WC-Webhook-Resource": "order", "X-WC-Webhook-Event": "updated",
        }  # fmt: skip
        status = http.request("POST", web + path, body=body, headers=headers).status
        if status != 200:
            raise RuntimeError(f"a webhook was answered with {status}")

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(send, range(count)))


def _full(tenants: int, articles: int) -> bool:
    """Whether every tenant's empty shop has been filled."""
    from samklang.hub.models import Binding

    return Binding.objects.filter(connection__name="target", delivered__isnull=False).count() >= tenants * articles


def processes(tenants: int, articles: int, hooks: int) -> None:
    """Memory and connections on the database that the environment names."""
    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    address, home = os.environ["SAMKLANG_DATABASE"], Path(settings.DATA)
    call_command("migrate", verbosity=0)
    with contextlib.ExitStack() as stack:
        started = {"web": stack.enter_context(_samklang("web", home, address, "serve", "--port", "0"))}
        if address:
            for n in (1, 2):
                name = f"worker {n}"
                started[name] = stack.enter_context(_samklang(name, home, address, "worker"))
        pids = {name: pid for name, (pid, _) in started.items()}
        time.sleep(_IDLE)
        watch = Watch(pids, address)
        time.sleep(_IDLE)
        watch.close()
        watch.show("idle")
        watch = Watch(pids, address)
        shops = _set_up(tenants, articles, stack)
        _flood(started["web"][1], shops, hooks)
        until = time.monotonic() + 900
        while not _full(tenants, articles):
            if time.monotonic() > until:
                raise RuntimeError("the shops were not filled")
            time.sleep(0.5)
        watch.close()
        watch.show("at work")
        connections.close_all()


def disk(name: str, articles: int, orders: int) -> tuple[float, dict[str, float]]:
    """MB of a hub of this size, and on PostgreSQL of each table with its indexes."""
    with stage.database(name) as address, tempfile.TemporaryDirectory() as home:
        given = stage.environment(Path(home), address)
        with stage.process("benchmarks.filling", "--articles", str(articles), "--orders", str(orders), **given):
            pass
        if not address:
            return sum(file.stat().st_size for file in Path(home).glob("samklang.db*")) / _MB, {}
        with psycopg.connect(address) as database:
            rows = database.execute("SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables").fetchall()
            whole = database.execute("SELECT pg_database_size(current_database())").fetchone()
        assert whole
        return whole[0] / _MB, {table: size / _MB for table, size in rows}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tenants", type=int, default=12)
    parser.add_argument("--articles", type=int, default=3000)
    parser.add_argument("--hooks", type=int, default=5000)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--disk", action="store_true", help="measure disk only")
    parser.add_argument("--inside", action="store_true", help="measure processes in this one's environment")
    args = parser.parse_args()
    if args.inside:
        processes(args.tenants, args.articles, args.hooks)
        return
    print(stage.heading())
    for name in () if args.disk else ("sqlite", "postgresql"):
        print(f"{name}: {args.tenants} tenants, {args.articles} articles each, {args.hooks} webhooks", flush=True)
        with contextlib.ExitStack() as stack:
            address = stack.enter_context(running()).create("bench") if name == "postgresql" else ""
            home = stack.enter_context(tempfile.TemporaryDirectory())
            again = [sys.executable, "-m", "benchmarks.sizing", "--inside", *sys.argv[1:]]
            subprocess.run(again, env={**os.environ, **stage.environment(Path(home), address)}, check=True)
    for name in ("sqlite", "postgresql"):
        empty, _ = disk(name, 1, 1)
        for what, size in (("articles", (args.rows, 1)), ("orders", (1, args.rows))):
            full, tables = disk(name, *size)
            most = [f"{table} {mb:.0f}" for table, mb in sorted(tables.items(), key=lambda one: -one[1])[:4]]
            print(f"{name}: {full - empty:.0f} MB for {args.rows} {what} {', '.join(most)}", flush=True)


if __name__ == "__main__":
    main()
