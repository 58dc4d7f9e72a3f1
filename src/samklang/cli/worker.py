"""`samklang worker`: one of any number of processes that read and deliver, on PostgreSQL."""

from __future__ import annotations

import logging
import os
import signal
from typing import Annotated

import structlog
from cyclopts import Parameter
from django.db import connection

from samklang import engine as engines
from samklang import logs
from samklang.cli.screen import Exit, WrongUse
from samklang.cli.session import Common, session
from samklang.engine.queue import Queue
from samklang.engine.start import keep_what_is_loaded
from samklang.engine.work import KEEPING, perform
from samklang.engine.worker import Worker
from samklang.hub.metrics import serve_metrics

log = structlog.get_logger()


def worker(
    *,
    places: Annotated[int, Parameter(help="Jobs at once.", show_default=True)] = 16,
    patience: Annotated[float, Parameter(help="Seconds that running jobs are waited for at the end.")] = 30.0,
    metrics_port: Annotated[int, Parameter(help="Serve this worker's metrics there, on this machine; 0 = not.")] = 0,
    common: Common | None = None,
) -> Exit:
    """Read and deliver until Ctrl-C or SIGTERM. Needs PostgreSQL (SAMKLANG_DATABASE); run as many as you like.

    Jobs that run at the end are waited for; what is left stands in the tables, and other workers go on with it.
    """
    with session(common) as now:
        if connection.vendor != "postgresql":
            raise WrongUse(
                "Workers of their own need PostgreSQL",
                "On SQLite `samklang serve` does the work itself; `samklang migrate-to` moves the hub to PostgreSQL.",
            )
        logs.configure(logging.INFO, json=now.screen.json)
        for talker in ("procrastinate", "psycopg.pool"):  # a lost database is told once, by engine/worker.py
            logging.getLogger(talker).setLevel(logging.CRITICAL)
        engines.current = Queue()
        if metrics_port:
            try:
                serve_metrics(metrics_port)
            except OSError as error:
                raise WrongUse(
                    f"Port {metrics_port} cannot be listened on: {error.strerror}", "Choose another."
                ) from error
        worker = Worker(perform, places=places, schedule=KEEPING, patience=patience)
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: worker.stop())
        now.screen.answer({"pid": os.getpid(), "places": places})
        now.screen.say(f"Working, {places} jobs at once. Ctrl-C ends it.", "bold green")
        keep_what_is_loaded()
        idle = worker.run()
        if not idle:
            log.warning("some work was still under way; another worker goes on with it")
            os._exit(Exit.OK)  # its threads would be waited for; leases and look-ups make a hard end safe
    return Exit.OK
