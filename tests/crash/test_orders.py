"""Orders arrive once, whatever moment the process is killed at.

A WooCommerce stand-in sells, a Fortnox stand-in takes the orders, and both answer badly one time in eight (500, answer
lost after the work was done, cut off). Meanwhile the hub's process is killed with SIGKILL again and again. In the end
every order of the shop stands in the ERP exactly once, to the öre, and the ERP's status has come back.

SAMKLANG_KILLS sets how many kills (default 200); SAMKLANG_SEED the moments.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import urllib3

pytestmark = pytest.mark.crash

KILLS = int(os.environ.get("SAMKLANG_KILLS", "200"))
SEED = int(os.environ.get("SAMKLANG_SEED", "20261121"))
http = urllib3.PoolManager()


@contextlib.contextmanager
def process(*command: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A child with its first line of output; ended with SIGTERM."""
    child = subprocess.Popen(
        [sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    assert child.stdout is not None
    try:
        yield child, child.stdout.readline().strip()
    finally:
        child.terminate()
        child.wait(10)


def post(address: str, path: str, body: object = None) -> Any:
    answer = http.request("POST", f"{address}/_sandbox/{path}", json=body if body is not None else {})
    assert answer.status == 200, answer.data
    return answer.json()


def set_up(shop: str, ledger: str) -> None:
    from samklang.connectors.contract import Tokens
    from samklang.hub import flows
    from samklang.hub.links import DatabaseTokens
    from samklang.hub.models import Channel, Connection, Tenant
    from samklang.hub.setup import config

    tenant = Tenant.objects.create(slug="crash", name="Crash AB")
    shop_row = Connection.objects.create(tenant=tenant, name="shop", connector="woocommerce", settings={"url": shop})
    config.set_secrets(shop_row, {"consumer_key": "ck_sandbox", "consumer_secret": "cs_sandbox"})
    settings = {"client_id": "sandbox", "api_address": ledger, "login_address": ledger}
    erp_row = Connection.objects.create(tenant=tenant, name="erp", connector="fortnox", settings=settings)
    config.set_secrets(erp_row, {"client_secret": "sandbox-secret"})
    given = post(ledger, "tokens")["result"]
    tokens = Tokens(access=given["access_token"], refresh=given["refresh_token"], expires_at=time.time() + 3600)
    DatabaseTokens(erp_row).save(tokens)
    channel = Channel.objects.create(tenant=tenant, code="crash", connection=shop_row)
    for type_ in ("customer", "order"):
        flows.set_flow(channel, type_, shop_row, erp_row, enabled=True, **flows.manners(type_))
    flows.set_flow(channel, "order_status", erp_row, shop_row, enabled=True)


def in_erp(ledger: str) -> list[dict[str, Any]]:
    orders = http.request("GET", f"{ledger}/_sandbox/snapshot").json()["orders"]
    return [{**row, "number": number} for number, row in orders.items()]


@pytest.mark.timeout(1500)
def test_no_order_is_lost_or_doubled_over_many_kills(database: Path) -> None:
    """P-01: neither at the ERP nor in what packages count."""
    from django.db import connections

    from samklang.hub.models import Binding, OrderHead, Step

    dice = random.Random(SEED)
    with contextlib.ExitStack() as stack:
        _, line = stack.enter_context(process("samklang.sandboxes", "woocommerce", "--products", "20"))
        shop = line.split()[2]
        _, line = stack.enter_context(process("samklang.sandboxes", "fortnox", "--articles", "200", "--rate", "0"))
        ledger = line.split()[2]
        set_up(shop, ledger)
        connections.close_all()
        faults = [{"kind": kind, "chance": 0.04} for kind in ("500", "lost", "cut")]
        for address in (shop, ledger):
            post(address, "faults", faults)
        environment = {"SAMKLANG_DATA": str(database.parent), "SAMKLANG_ALLOW_PRIVATE": "127.0.0.0/8"}
        keeper, pid = stack.enter_context(process("tests.crash.worker", "0.2", **environment))
        assert keeper.stdout is not None
        placed: dict[str, Decimal] = {}
        delivered: set[str] = set()
        struck = 0  # kills that hit the hub while it was sending something
        for kill in range(KILLS):
            if kill % 2 == 0:
                order = post(shop, "orders", {})
                placed[f"crash/{order['number']}"] = Decimal(order["total"])
            if kill % 20 == 10:  # the ERP's people deliver what has come so far
                for row in in_erp(ledger):
                    if row["number"] not in delivered:
                        post(ledger, "deliver", {"order": row["number"]})
                        delivered.add(row["number"])
            time.sleep(dice.choice((dice.uniform(0.02, 0.5), dice.uniform(0.4, 1.4))))
            os.kill(int(pid), signal.SIGKILL)
            struck += Binding.objects.filter(state="sending").exists()
            pid = keeper.stdout.readline().strip()
        connections.close_all()
        for address in (shop, ledger):
            post(address, "faults", [])
        end = time.monotonic() + 60
        while time.monotonic() < end:
            time.sleep(1)
            if len(in_erp(ledger)) >= len(placed) and _quiet(database):
                break

        assert _quiet(database), _left(database)
        found = Counter(row["ExternalInvoiceReference1"] for row in in_erp(ledger))
        assert {key: n for key, n in found.items() if n > 1} == {}, "doubled"
        assert set(placed) - set(found) == set(), f"lost of {len(placed)}; {_left(database)}"
        assert set(found) == set(placed)
        totals = {row["ExternalInvoiceReference1"]: Decimal(str(row["Total"])) for row in in_erp(ledger)}
        assert totals == placed
        counted = OrderHead.objects.exclude(transferred_at=None).values_list("key", flat=True)
        assert set(counted) == set(placed), "what packages count is what was transferred (P-01)"

        orders = http.request("GET", f"{shop}/_sandbox/snapshot").json()["orders"]
        status = {f"crash/{number}": row["status"] for number, row in orders.items()}
        sent = {row["ExternalInvoiceReference1"] for row in in_erp(ledger) if row["number"] in delivered}
        assert len(sent) > 0
        print(f"{KILLS} kills, {struck} of them while sending, {len(placed)} orders, {len(sent)} sent by the ERP,")
        print(f"{Step.objects.filter(what='matched').count()} found again by reference")
        connections.close_all()
        assert struck >= KILLS // 20, "the kills missed the moments that matter"
        assert {key for key, word in status.items() if word == "completed"} == sent


def _left(database: Path) -> str:
    """What the hub has not finished, for the message of a failure."""
    from samklang.hub.models import Binding, Connection, Problem, Transfer

    rows = [
        *Binding.objects.exclude(state="idle").values_list("connection__name", "type", "key", "state", "waiting_on")[
            :20
        ],
        *Connection.objects.values_list("name", "state", "reason"),
        *Problem.objects.values_list("code", "what")[:20],
        *Transfer.objects.order_by("-id").values_list("connection__name", "what", "result", "error")[:10],
    ]
    return "\n".join(map(str, rows))


def _quiet(database: Path) -> bool:
    """Whether the hub has nothing left to do for the orders."""
    from django.db import connections

    from samklang.hub.models import Binding

    busy = Binding.objects.exclude(state="idle").exists()
    connections.close_all()
    return not busy
