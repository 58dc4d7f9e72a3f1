"""Whatever dies, stalls or lies about the time: everything is delivered, and nothing twice. On both engines, with
processes that are really killed and a target that takes what it is told twice."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from samklang.records import StockLevel, content_hash, encode
from tests.conftest import HOMES
from tests.doubles.book import open_book
from tests.engine.conftest import until
from tests.hub.conftest import order

SEED = int(os.environ.get("SAMKLANG_SEED", "20261124"))


@contextlib.contextmanager
def hand(database: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A hub process at work on this database."""
    environment = {**os.environ, "SAMKLANG_DATA": str(database.parent)}
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.engine.hand", *options], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip().isdigit()
    try:
        yield child
    finally:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(3)
        child.kill()
        child.wait()


class Desk:
    """A tenant whose shop sends orders and stock to the book."""

    def __init__(self, database: Path, slug: str = "nordljus") -> None:
        from samklang.connectors import registry
        from samklang.hub import flows
        from samklang.hub.models import Channel, Connection, Tenant

        registry.packages()["book"] = "tests.doubles.book"
        self.path = str(database.parent / "book.db")
        open_book(self.path).close()
        self.tenant = Tenant.objects.create(slug=slug, name="Nordljus Handel AB")
        make = Connection.objects.create
        self.shop = make(tenant=self.tenant, name="shop", connector="book", settings={"path": self.path})
        self.target = make(tenant=self.tenant, name="book", connector="book", settings={"path": self.path})
        channel = Channel.objects.create(tenant=self.tenant, code="nordljus", connection=self.shop)
        self.flows = {
            type_: flows.set_flow(channel, type_, self.shop, self.target, enabled=True) for type_ in ("order", "stock")
        }

    def want(self, records: Iterable[Any]) -> None:
        """The shop has these records; the book lacks them."""
        from django.db import transaction

        from samklang.hub import store

        rows = [(record.key, encode(record), record.type) for record in records]
        with transaction.atomic():
            for type_, flow in self.flows.items():
                mine = [(key, body, content_hash(body)) for key, body, own in rows if own == type_]
                store.keep_records(self.tenant.pk, self.shop.pk, type_, mine)
                wanted = [store.Wanted(key, hash_) for key, _, hash_ in mine]
                store.want(self.tenant.pk, self.target.pk, type_, self.shop.pk, flow.pk, wanted)

    def open_rows(self) -> int:
        """Bindings that are not done."""
        from samklang.hub.models import Binding

        return int(Binding.objects.filter(tenant=self.tenant).exclude(state="idle").count())

    def entries(self) -> list[str]:
        """References in the book, in the order of their writing."""
        with open_book(self.path) as book:
            return [row[0] for row in book.execute("SELECT reference FROM entry ORDER BY id")]


@pytest.fixture(params=HOMES)
def home(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def desk(database: Path) -> Desk:
    return Desk(database)


def orders(count: int, start: int = 0) -> list[Any]:
    return [order(f"{n}", "KOPP") for n in range(start, start + count)]


def everything_once(desk: Desk, count: int, patience: float = 60.0) -> None:
    """All is delivered, and each order stands in the book once."""
    until(lambda: desk.open_rows() == 0, patience)
    assert sorted(desk.entries()) == sorted(f"nordljus/{n}" for n in range(count))


def test_a_worker_killed_at_random_moments(database: Path, desk: Desk) -> None:
    dice = random.Random(SEED)
    struck = 0
    with contextlib.ExitStack() as stack:
        keeper = stack.enter_context(hand(database, "--fork", "--moment", "0.02"))
        assert keeper.stdout is not None
        for n in range(40):
            desk.want(orders(5, 5 * n))
            time.sleep(dice.uniform(0.05, 0.4))
            struck += _sending(desk)
            children = _children(keeper.pid)
            for child in children:
                os.kill(child, signal.SIGKILL)
        everything_once(desk, 200)
    assert struck > 5, "the kills missed the moments that matter"


@contextlib.contextmanager
def nobody_writes(database: Path) -> Iterator[None]:
    """Meanwhile no process is within a transaction that writes to the hub's SQLite."""
    if connection.vendor != "sqlite":
        yield
        return
    with contextlib.closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as own:
        own.execute("BEGIN IMMEDIATE")
        yield
        own.execute("ROLLBACK")


def test_a_worker_that_never_comes_back_and_one_that_does(database: Path, desk: Desk) -> None:
    with hand(database, "--moment", "0.05") as first:
        desk.want(orders(60))
        until(lambda: desk.entries())
        # Not in the middle of a call, which nobody could take back, nor of a write to SQLite, for which all would wait.
        with nobody_writes(database), open_book(desk.path) as book:
            book.execute("BEGIN IMMEDIATE")
            os.kill(first.pid, signal.SIGSTOP)
            os.waitpid(first.pid, os.WUNTRACED)
        assert desk.open_rows()
        with hand(database):
            until(lambda: desk.open_rows() == 0, 60)
            os.kill(first.pid, signal.SIGCONT)
            desk.want(orders(40, 60))
            everything_once(desk, 100)


def test_many_drainers_race(database: Path, desk: Desk) -> None:
    with hand(database), hand(database), hand(database):
        for n in range(20):
            desk.want(orders(10, 10 * n))
        everything_once(desk, 200)


@pytest.mark.parametrize("jump", [86_400.0, -86_400.0], ids=["tomorrow", "yesterday"])
def test_clocks_that_jump(database: Path, desk: Desk, jump: float) -> None:
    with hand(database, "--clock", str(jump)):
        desk.want(orders(20))
        until(lambda: desk.entries())
    with hand(database), hand(database, "--clock", str(jump)):
        desk.want(orders(80, 20))
        until(lambda: len(set(desk.entries())) == 100, 60)
    with hand(database):
        everything_once(desk, 100)


def test_a_restart_with_a_queue_of_a_hundred_thousand(database: Path, desk: Desk) -> None:
    levels = [StockLevel(sku=f"SKU-{n:06}", on_hand=Decimal(n % 50)) for n in range(100_000)]
    for n in range(0, len(levels), 10_000):
        desk.want(levels[n : n + 10_000])
    with hand(database) as first:
        until(lambda: desk.open_rows() < 95_000, 60)
        first.kill()
    left = desk.open_rows()
    assert left > 1000, "the first was killed half way"
    desk.want(orders(1))
    with hand(database):
        until(lambda: desk.entries(), 20)
        overtaken = desk.open_rows()
        until(lambda: desk.open_rows() == 0, 240)
    assert overtaken > 0, "the order did not wait for the stock"
    with open_book(desk.path) as book:
        assert dict(book.execute("SELECT sku, pieces FROM level")) == {r.key: int(r.on_hand) for r in levels}


def _children(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children()]


def _sending(desk: Desk) -> bool:
    from samklang.hub.models import Binding

    return bool(Binding.objects.filter(state="sending").exists())
