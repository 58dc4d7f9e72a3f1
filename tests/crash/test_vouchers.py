"""Approved vouchers stand in the ledger once, whatever moment the process that posts them is killed at.

A Fortnox stand-in answers badly now and then (500, answer lost after the work was done, cut off) while the hub's
process is killed with SIGKILL again and again. SAMKLANG_KILLS_POSTING sets how many kills (default 10); SAMKLANG_SEED
the moments.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.accounting.shop import line, order, paid
from tests.crash.test_orders import SEED, http, post, process, set_up
from tests.reconciliation.conftest import FEES
from tests.reconciliation.filled import store_orders

pytestmark = pytest.mark.crash

KILLS = int(os.environ.get("SAMKLANG_KILLS_POSTING", "10"))
DAYS = 160


def approved(ledger: str) -> Any:
    """A company with a voucher for each of many days, approved."""
    import msgspec

    from samklang.hub import flows
    from samklang.hub.models import Channel, Company, Connection, Tenant
    from samklang.hub.setup.companies import CompanyPart, settings_of
    from samklang.reconciliation.models import Voucher
    from samklang.reconciliation.run import run
    from samklang.reconciliation.vouchers import Seen, approve

    set_up("http://127.0.0.1:9", ledger)
    tenant = Tenant.objects.get()
    shop, erp = (Connection.objects.get(tenant=tenant, name=name) for name in ("shop", "erp"))
    channel = Channel.objects.create(tenant=tenant, code="web", connection=shop)
    flows.set_flow(channel, "voucher", shop, erp, enabled=True)
    given = {"name": "Crash AB", "org_no": "556334-3689", "fees": FEES, "channels": {"web": {}}}
    part = msgspec.convert(given, CompanyPart, strict=False)
    company = Company.objects.create(tenant=tenant, code="crash", settings=settings_of(part))
    days = [date(2026, 3, 1) + timedelta(days=n) for n in range(DAYS)]
    store_orders(
        shop,
        [
            order(f"{n}", [line("125")], paid("stripe", "125", str(day), f"txn_{n}"))
            for n, day in enumerate(days)
        ],
    )  # fmt: skip
    assert run(company) is not None
    rows = Voucher.objects.filter(company=company, state="validated")
    assert approve(company, [Seen(row.pk, bytes(row.hash).hex()) for row in rows], by="berit") == DAYS
    return company


def in_ledger(ledger: str) -> Counter[str]:
    """How often each voucher stands there, by our key."""
    rows = http.request("GET", f"{ledger}/_sandbox/snapshot").json()["vouchers"].values()
    return Counter(str(row["Comments"]) for row in rows)


def await_growth(ledger: str) -> None:
    """Until one more voucher stands there: then the process is in the middle of it."""
    before, end = len(in_ledger(ledger)), time.monotonic() + 10
    while len(in_ledger(ledger)) == before < DAYS and time.monotonic() < end:
        time.sleep(0.02)


@pytest.mark.timeout(400)
def test_no_voucher_is_lost_or_doubled_over_kills_while_posting(database: Path) -> None:
    """Edge cases 49 and 50, with real deaths."""
    from django.db import connections

    from samklang.reconciliation.handover import collect
    from samklang.reconciliation.models import Voucher

    dice = random.Random(SEED)
    with contextlib.ExitStack() as stack:
        _, said = stack.enter_context(process("samklang.sandboxes", "fortnox", "--articles", "1", "--rate", "0"))
        ledger = said.split()[2]
        company = approved(ledger)
        wanted = set(Voucher.objects.values_list("key", flat=True))
        connections.close_all()
        post(ledger, "faults", [{"kind": kind, "chance": 0.06} for kind in ("500", "lost", "cut")])
        environment = {"SAMKLANG_DATA": str(database.parent), "SAMKLANG_ALLOW_PRIVATE": "127.0.0.0/8"}
        keeper, pid = stack.enter_context(process("tests.crash.worker", "5", **environment))
        assert keeper.stdout is not None
        amid = 0  # kills before which some, and not all, were there
        for _ in range(KILLS):
            await_growth(ledger)
            time.sleep(dice.uniform(0.0, 0.3))
            os.kill(int(pid), signal.SIGKILL)
            amid += 0 < len(in_ledger(ledger)) < DAYS
            pid = keeper.stdout.readline().strip()
        post(ledger, "faults", [])
        end = time.monotonic() + 120
        while time.monotonic() < end and Voucher.objects.exclude(state="posted").exists():
            time.sleep(1)
            collect(company)
        found = in_ledger(ledger)
        assert {key: n for key, n in found.items() if n > 1} == {}, "doubled"
        assert set(found) == wanted, "lost"
        assert set(Voucher.objects.values_list("state", flat=True)) == {"posted"}
        assert len(set(Voucher.objects.values_list("number", flat=True))) == DAYS
        assert amid > 0, "the kills missed the moments that matter"
        connections.close_all()
