"""The hub keeping stock: reads what changed at a shop every two seconds and tells it to a ledger and other shops.

    python -m benchmarks.keeping set-up LEDGER SOURCE TARGET …   makes the tenant on a new database
    python -m benchmarks.keeping work                            reads and delivers until SIGTERM

All is told by its first line on standard output. `work` is the embedded engine on SQLite, a worker on PostgreSQL.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time

import django
import urllib3

_OFTEN = 2.0  # seconds from one read to the next


def set_up(ledger: str, source: str, targets: list[str]) -> str:
    """One channel whose stock the source rules."""
    from django.core.management import call_command

    from samklang.connectors.contract import Tokens
    from samklang.hub import flows
    from samklang.hub.links import DatabaseTokens
    from samklang.hub.models import Channel, Connection, Tenant
    from samklang.hub.setup import config

    call_command("migrate", verbosity=0)
    tenant = Tenant.objects.create(slug="bench", name="Bench AB")
    rows = []
    for n, url in enumerate([source, *targets]):
        row = Connection.objects.create(
            tenant=tenant, name=f"shop-{n}" if n else "source", connector="woocommerce", settings={"url": url}
        )
        config.set_secrets(row, {"consumer_key": "ck_sandbox", "consumer_secret": "cs_sandbox"})
        rows.append(row)
    settings = {"client_id": "sandbox", "api_address": ledger, "login_address": ledger}
    slow = Connection.objects.create(tenant=tenant, name="ledger", connector="fortnox", settings=settings)
    config.set_secrets(slow, {"client_secret": "sandbox-secret"})
    given = urllib3.request("POST", f"{ledger}/_sandbox/tokens", json={}).json()["result"]
    tokens = Tokens(access=given["access_token"], refresh=given["refresh_token"], expires_at=time.time() + 3600)
    DatabaseTokens(slow).save(tokens)
    channel = Channel.objects.create(tenant=tenant, code="bench", connection=rows[1])
    for target in (*rows[1:], slow):
        flows.set_flow(channel, "stock", rows[0], target, enabled=True)
    return "ready"


def work() -> None:
    """Read and deliver."""
    from django.db import connection as database

    from samklang.engine.embedded import Embedded
    from samklang.engine.port import Job
    from samklang.engine.work import perform, read_jobs
    from samklang.engine.worker import Worker
    from samklang.hub.models import Connection

    source = Connection.objects.get(name="source").pk
    reads = [(_OFTEN if job.connection == source else seconds, job) for seconds, job in read_jobs()]
    schedule = [*reads, (5.0, Job("tick", lane=3))]
    stop = threading.Event()
    if database.vendor == "postgresql":
        worker = Worker(perform, schedule=schedule)
        signal.signal(signal.SIGTERM, lambda *_: worker.stop())
        _say("working")
        worker.run()
        return
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    engine = Embedded(perform)
    engine.start()
    for seconds, job in schedule:
        engine.every(seconds, job)
    _say("working")
    stop.wait()
    engine.stop()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["set-up", "work"])
    parser.add_argument("addresses", nargs="*")
    args = parser.parse_args()
    django.setup()
    if args.part == "work":
        work()
    else:
        _say(set_up(args.addresses[0], args.addresses[1], args.addresses[2:]))
