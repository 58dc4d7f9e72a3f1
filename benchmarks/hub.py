"""The hub doing the job: a product flow from the source to the target, set up on the first run.

embedded   all in one process on SQLite, as `samklang serve` does it
conductor  on PostgreSQL: asks for the read and waits until nothing is left to do
worker     on PostgreSQL: one of the processes that do it, as `samklang worker`
"""

from __future__ import annotations

import argparse
import signal
import time
from typing import TYPE_CHECKING, Literal

import django

from benchmarks import gate

if TYPE_CHECKING:
    from samklang.engine.port import Engine, Job

_PATIENCE = 3600.0
_OFTEN = 0.05  # seconds between two looks at what is left


def set_up(source: str, target: str) -> None:
    """A tenant with both shops and a flow of products between them, on a database that may be new."""
    from django.core.management import call_command

    from samklang.hub import flows
    from samklang.hub.models import Channel, Connection, Tenant
    from samklang.hub.setup import config

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


def begin(engine: Engine, task: Literal["sweep", "read"]) -> Job:
    """Ask for the read, and for what an earlier life has left."""
    from samklang.engine.port import Job
    from samklang.hub.models import Connection

    source = Connection.objects.get(name="source")
    job = Job(task, source.pk, "catalogue", 3, source.tenant_id)
    engine.wake(job)
    engine.every(5.0, Job("tick", lane=3))
    return job


def left() -> bool:
    """Whether anything is still to be delivered."""
    from samklang.hub.models import Binding

    return Binding.objects.exclude(state="idle").exists()


def check() -> None:
    """SystemExit when a transfer of this run failed."""
    from samklang.hub.models import Transfer

    failed = Transfer.objects.filter(result="failed").first()
    if failed:
        raise SystemExit(f"a transfer failed: {failed.error}")


def embedded(task: Literal["sweep", "read"]) -> None:
    """One sync in this process."""
    from samklang.engine.embedded import Embedded
    from samklang.engine.start import keep_what_is_loaded, load_connectors
    from samklang.engine.work import perform

    load_connectors()
    keep_what_is_loaded()
    gate.wait()
    engine = Embedded(perform)
    engine.start()
    begin(engine, task)
    end = time.monotonic() + _PATIENCE
    while not engine.wait_until_idle(_PATIENCE, horizon=30) or left():  # after a kill the next tick finds the rest
        if time.monotonic() > end:
            raise SystemExit("the hub did not become idle")
        time.sleep(_OFTEN)
    engine.stop()
    gate.done()
    check()


def conductor(task: Literal["sweep", "read"]) -> None:
    """One sync by the workers that run beside this process."""
    from samklang.engine.queue import Queue

    gate.wait()
    queue = Queue()
    job = begin(queue, task)
    end = time.monotonic() + _PATIENCE
    while _busy(queue, job) or left():
        if time.monotonic() > end:
            raise SystemExit("the workers did not become idle")
        time.sleep(_OFTEN)
    gate.done()
    check()


def _busy(queue: Engine, asked: Job) -> bool:
    """Whether the read, or a delivery that followed from it, waits or runs."""
    states = queue.jobs()
    if broken := [state.error for state in states if state.state == "failed"]:
        raise SystemExit(f"a job failed: {broken}")
    return any(state.job == asked or state.job.task == "deliver" for state in states)


def worker() -> None:
    """Do jobs until SIGTERM. No schedule: only what the conductor asks for is measured."""
    from samklang.engine.start import keep_what_is_loaded
    from samklang.engine.work import perform
    from samklang.engine.worker import Worker

    doing = Worker(perform)
    signal.signal(signal.SIGTERM, lambda *_: doing.stop())
    keep_what_is_loaded()
    gate.wait()
    doing.run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["embedded", "conductor", "worker"])
    parser.add_argument("--source", default="")
    parser.add_argument("--target", default="")
    parser.add_argument("--whole", action="store_true")
    args = parser.parse_args()
    django.setup()
    task: Literal["sweep", "read"] = "sweep" if args.whole else "read"
    if args.part == "worker":
        worker()
    else:
        set_up(args.source, args.target)
        (embedded if args.part == "embedded" else conductor)(task)
