"""Whether jobs are being run, for readiness: what an operator's monitor asks."""

from __future__ import annotations

from django.db import connection as database

from samklang import engine as engines
from samklang.engine.embedded import Embedded
from samklang.engine.queue import Queue

_SILENT = 60.0  # seconds without a sign of life after which a worker does not count


def ailment() -> str:
    """Why no jobs are run now; empty while they are, and in a process that has no engine to know of."""
    if isinstance(engines.current, Embedded) and not engines.current.alive:
        return "the engine of this process has stopped"
    if isinstance(engines.current, Queue) and not workers():
        return f"no worker has given a sign of life for {_SILENT:.0f} seconds"
    return ""


def workers() -> int:
    """How many worker processes live, by Procrastinate's heartbeats and the database's clock."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - %s * interval '1 second'",
            [_SILENT],
        )
        ((count,),) = cursor.fetchall()
        return int(count)
