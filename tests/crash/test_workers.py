"""Two workers on PostgreSQL, killed again and again while one request in five fails: nothing lost, nothing doubled.

Three flows at once. Orders from a WooCommerce stand-in to a Fortnox stand-in, whose status comes back. The same orders
as invoices to a second ledger, made and booked once each: what a capture of money is like. And stock from the ledger to
the shop. Every webhook of the shop comes twice. Whoever sends badly: 429, 500, no answer in time, an answer lost after
the work was done, one cut off half way.

SAMKLANG_KILLS sets how many kills (default 60; the long run: 1000); SAMKLANG_SEED the moments.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import _home as home_folder
from tests.conftest import migrate, move_to, sqlite
from tests.crash.test_orders import http, post, process
from tests.engine.conftest import until
from tests.postgres import running

pytestmark = pytest.mark.crash

KILLS = int(os.environ.get("SAMKLANG_KILLS", "60"))
SEED = int(os.environ.get("SAMKLANG_SEED", "20261124"))
#: One request in five goes wrong.
FAULTS = [
    {"kind": "lost", "chance": 0.06},
    {"kind": "500", "chance": 0.05},
    {"kind": "cut", "chance": 0.05},
    {"kind": "429", "chance": 0.02},
    {"kind": "timeout", "chance": 0.02},
]


def set_up(shop: str, ledger: str, books: str) -> Any:
    from samklang.connectors.contract import Tokens
    from samklang.hub import flows
    from samklang.hub.links import DatabaseTokens
    from samklang.hub.models import Channel, Connection, Tenant
    from samklang.hub.setup import config

    tenant = Tenant.objects.create(slug="crash", name="Crash AB")
    shop_row = Connection.objects.create(tenant=tenant, name="shop", connector="woocommerce", settings={"url": shop})
    config.set_secrets(shop_row, {"consumer_key": "ck_sandbox", "consumer_secret": "cs_sandbox"})
    rows = {}
    for name, address in (("erp", ledger), ("books", books)):
        settings = {"client_id": "sandbox", "api_address": address, "login_address": address}
        row = rows[name] = Connection.objects.create(tenant=tenant, name=name, connector="fortnox", settings=settings)
        config.set_secrets(row, {"client_secret": "sandbox-secret"})
        given = post(address, "tokens")["result"]
        tokens = Tokens(access=given["access_token"], refresh=given["refresh_token"], expires_at=time.time() + 3600)
        DatabaseTokens(row).save(tokens)
    channel = Channel.objects.create(tenant=tenant, code="crash", connection=shop_row)
    for type_ in ("customer", "order"):
        flows.set_flow(channel, type_, shop_row, rows["erp"], enabled=True, **flows.manners(type_))
        manners = flows.manners(type_)
        if type_ == "order":
            manners["options"] = {**manners.get("options", {}), "document": "invoice", "book": True}
        flows.set_flow(channel, type_, shop_row, rows["books"], enabled=True, **manners)
    # The brake on mass status changes counts those of an hour; here they are meant.
    unbraked = {"brakes": {"status": [100_000, 0, 0]}}
    flows.set_flow(channel, "order_status", rows["erp"], shop_row, enabled=True, options=unbraked)
    flows.set_flow(channel, "stock", rows["erp"], shop_row, enabled=True)
    return shop_row


def snapshot(address: str) -> Any:
    return http.request("GET", f"{address}/_sandbox/snapshot").json()


def by_order(documents: dict[str, Any]) -> Counter[str]:
    return Counter(row["ExternalInvoiceReference1"] for row in documents.values())


@pytest.mark.timeout(3600)
def test_two_workers_lose_and_double_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated: Path) -> None:
    from django.conf import settings
    from django.db import connections

    from samklang.hub.hooks import hook_secret
    from samklang.hub.models import Binding, Hook, Step
    from samklang.settings import postgresql

    dice = random.Random(SEED)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running())
        address = server.create("hub")
        monkeypatch.setattr(settings, "DATA", tmp_path)
        move_to(postgresql(address))
        stack.callback(move_to, sqlite(home_folder / "template.db"))
        migrate()

        def sandbox(*command: str) -> str:
            return stack.enter_context(process("samklang.sandboxes", *command))[1].split()[2]

        shop = sandbox("woocommerce", "--products", "20", "--webhooks-twice")
        ledger, books = (sandbox("fortnox", "--articles", "200", "--rate", "0", "--seed", "1") for _ in range(2))
        shop_row = set_up(shop, ledger, books)
        environment = {
            "SAMKLANG_DATA": str(tmp_path), "SAMKLANG_ALLOW_PRIVATE": "127.0.0.0/8", "SAMKLANG_DATABASE": address,
        }  # fmt: skip
        _, said = stack.enter_context(process("samklang", "serve", "--port", "0", **environment))
        hub = said.split()[2]
        for topic in ("order.created", "order.updated"):
            hook = {"topic": topic, "delivery_url": f"{hub}/hooks/crash/shop", "secret": hook_secret(shop_row)}
            made = http.request(
                "POST", f"{shop}/wp-json/wc/v3/webhooks", json=hook,
                headers={"Authorization": "Basic Y2tfc2FuZGJveDpjc19zYW5kYm94"},
            )  # fmt: skip
            assert made.status == 201, made.data
        connections.close_all()
        keepers = [stack.enter_context(process("tests.crash.worker", "2", **environment)) for _ in range(2)]
        pids = [int(pid) for _, pid in keepers]
        placed: dict[str, Decimal] = {}
        delivered: set[str] = set()
        pieces: dict[str, int] = {}
        articles = sorted(set(snapshot(ledger)["articles"]) & set(snapshot(shop)["products"]))
        # The catalogues are read and the first order has passed before the trouble begins.
        first = post(shop, "orders", {})
        placed[f"crash/{first['number']}"] = Decimal(first["total"])
        until(lambda: snapshot(ledger)["orders"] and snapshot(books)["invoices"], 60)
        for place in (shop, ledger, books):
            post(place, "faults", FAULTS)
        struck = 0
        for kill in range(KILLS):
            if kill % 2 == 0:
                order = post(shop, "orders", {})
                placed[f"crash/{order['number']}"] = Decimal(order["total"])
            article = dice.choice(articles)
            pieces[article] = dice.randrange(1000, 2000)
            post(ledger, "stock", {"article": article, "quantity": pieces[article]})
            if kill % 10 == 5:
                for number in snapshot(ledger)["orders"]:
                    if number not in delivered:
                        post(ledger, "deliver", {"order": number})
                        delivered.add(number)
            time.sleep(dice.choice((dice.uniform(0.05, 0.7), dice.uniform(0.7, 2.5))))
            victim = kill % 2
            os.kill(pids[victim], signal.SIGKILL)
            struck += Binding.objects.filter(state="sending").exists()
            connections.close_all()
            output = keepers[victim][0].stdout
            assert output is not None
            pids[victim] = int(output.readline())
        passed = len(snapshot(ledger)["orders"])
        for place in (shop, ledger, books):
            post(place, "faults", [])

        def quiet() -> bool:
            # The ledger has articles that this shop does not sell: their stock waits for them.
            left = Binding.objects.exclude(state="idle").exclude(type="stock", state="waiting")
            busy = left.exists() or Hook.objects.filter(done=False).exists()
            connections.close_all()
            return not busy and len(snapshot(ledger)["orders"]) >= len(placed) <= len(snapshot(books)["invoices"])

        end = time.monotonic() + 120
        while time.monotonic() < end:
            time.sleep(1)
            taken, booked = snapshot(ledger)["orders"], snapshot(books)["invoices"]
            status = {f"crash/{number}": row["status"] for number, row in snapshot(shop)["orders"].items()}
            completed = [word for word in status.values() if word == "completed"]
            if quiet() and _stock_agrees(shop, ledger, pieces) and len(completed) >= len(delivered):
                break

        for documents in (by_order(taken), by_order(booked)):
            assert {key: n for key, n in documents.items() if n > 1} == {}, "doubled"
            assert set(placed) - set(documents) == set(), "lost"
            assert set(documents) == set(placed)
        assert all(row["Booked"] for row in booked.values())
        for documents in (taken, booked):
            assert {
                row["ExternalInvoiceReference1"]: Decimal(str(row["Total"])) for row in documents.values()
            } == placed
        sent = {row["ExternalInvoiceReference1"] for number, row in taken.items() if number in delivered}
        assert {key for key, word in status.items() if word == "completed"} == sent, sorted(sent)
        assert _stock_agrees(shop, ledger, pieces)
        ((deadlocks,),) = server.execute("SELECT deadlocks FROM pg_stat_database WHERE datname='hub'")
        found = Step.objects.filter(what="matched").count()
        print(f"\n{KILLS} kills of 2 workers, {struck} of them while sending; {len(placed)} orders, {len(sent)} sent,")
        print(f"{passed} orders had passed before the kills ended;")
        print(f"{len(placed)} invoices booked, {len(pieces)} stocks; {found} found again by reference;")
        print(f"{Hook.objects.count()} webhooks; {deadlocks} deadlocks")
        connections.close_all()
        assert struck >= KILLS // 20, "the kills missed the moments that matter"


def _stock_agrees(shop: str, ledger: str, pieces: dict[str, int]) -> bool:
    there, here = snapshot(ledger)["articles"], snapshot(shop)["products"]
    return all(int(Decimal(str(there[sku]["DisposableQuantity"]))) == here[sku]["stock"] for sku in pieces)
