"""A month of 10,000 orders over 4 providers, 3 currencies and 5 countries: facts to vouchers, both models, one core;
then the same month through the hub's tables, on both databases.

./run python -m benchmarks.accounting [--orders 10000] [--databases sqlite,postgresql]

CPU is that of our process; what PostgreSQL spends is not in it. `again` is a run of the books that changes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from itertools import pairwise
from pathlib import Path

from benchmarks import stage
from samklang.accounting.bank.base import BankStatement
from samklang.accounting.books import keep_books
from samklang.accounting.company import Channel, Company, Model
from samklang.accounting.sie import write_sie
from samklang.accounting.statements.base import Statement
from tests.accounting.month import CHART, EXCHANGE, Month

TODAY = date(2026, 4, 10)


def _company(model: Model) -> Company:
    channel = Channel(code="web", model=model)
    return Company(code="ov", name="Övningsbutiken AB", chart=CHART, channels={"web": channel}, oss=True)


def _peak() -> int:
    """MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def derived(orders: int) -> None:
    """The table of what is only computed."""
    month = Month(orders)
    lines = sum(len(made.lines) for made in month.facts.statements)
    print(f"{len(month.facts.orders):,} orders, {lines:,} statement lines, {len(month.facts.statements)} payouts")
    print("model     CPU s  vouchers  matched  problems  SIE CPU s  peak MB")
    models: tuple[Model, ...] = ("day", "invoice")
    for model in models:
        began = time.process_time()
        kept = keep_books(month.facts, _company(model), EXCHANGE, TODAY)
        booked = time.process_time()
        write_sie(kept.vouchers, _company(model), TODAY)
        written = time.process_time()
        print(
            f"{model:8} {booked - began:6.2f} {len(kept.vouchers):9,} {len(kept.matches):8,} {len(kept.problems):9}"
            f" {written - booked:10.2f} {_peak():8}"
        )


def kept(orders: int, model: str) -> dict[str, float]:
    """The month in the database that the environment names, which is new: CPU seconds and what came of it."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from pytest import MonkeyPatch

    from samklang.hub.models import Channel as ShopChannel
    from samklang.hub.models import Company as Row
    from samklang.hub.models import Connection, Tenant
    from samklang.reconciliation.run import run
    from tests.reconciliation.filled import FEES, hand_in, rates, store_orders

    tenant = Tenant.objects.create(slug="bench", name="Bench AB")
    shop = Connection.objects.create(tenant=tenant, name="shop", connector="woocommerce", settings={"url": "http://x"})
    ShopChannel.objects.create(tenant=tenant, code="web", connection=shop)
    settings = {
        "name": "Övningsbutiken AB", "oss": True, "fees": FEES, "channels": {"web": {"model": model}},
        "keeps_invoices": True,
    }  # fmt: skip
    company = Row.objects.create(tenant=tenant, code="ov", settings=settings)
    rates(tenant)
    month, times = Month(orders), [time.process_time()]
    store_orders(shop, month.facts.orders)
    times.append(time.process_time())
    handed: tuple[Statement | BankStatement, ...] = (*month.facts.statements, *month.facts.bank)
    with MonkeyPatch.context() as patch:
        for made in handed:
            hand_in(patch, company, made)
    times.append(time.process_time())
    before, reports = _peak(), []
    for _ in range(2):
        report = run(company)
        if report is None:
            raise RuntimeError("the books are being kept already")
        reports.append(report)
        times.append(time.process_time())
    stored, files, first, again = (b - a for a, b in pairwise(times))
    return {
        "orders": stored, "files": files, "first": first, "again": again, "vouchers": reports[1].vouchers,
        "matched": reports[0].matched, "problems": reports[1].problems, "before": before, "peak": _peak(),
    }  # fmt: skip


def through_the_tables(databases: list[str], orders: int) -> None:
    """The table of the same month kept in the hub, each in a process of its own."""
    print("\nthrough the tables, CPU s:")
    print("database    model     orders   files  first run   again  vouchers  matched  problems  peak MB (before)")
    for database in databases:
        for model in ("day", "invoice"):
            with tempfile.TemporaryDirectory(prefix="samklang-bench-") as home, stage.database(database) as address:
                command = [sys.executable, "-m", "benchmarks.accounting", "--orders", str(orders), "--kept", model]
                environment = {**os.environ, **stage.environment(Path(home), address)}
                said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            found = json.loads(said.stdout.splitlines()[-1])
            print(
                f"{database:11} {model:8} {found['orders']:7.2f} {found['files']:7.2f} {found['first']:10.2f}"
                f" {found['again']:7.2f} {found['vouchers']:9,} {found['matched']:8,} {found['problems']:9}"
                f" {found['peak']:8} ({found['before']})"
            )


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--kept", choices=["day", "invoice"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.kept:
        print(json.dumps(kept(args.orders, args.kept)))
        return
    print(stage.heading())
    derived(args.orders)
    through_the_tables(args.databases.split(","), args.orders)


if __name__ == "__main__":
    main()
