"""Whether jobs are being run, for readiness: what an operator's monitor asks."""

from __future__ import annotations

from samklang import engine as engines
from samklang.engine.embedded import Embedded
from samklang.engine.queue import Queue
from samklang.hub import metrics


def ailment() -> str:
    """Why no jobs are run now; empty while they are, and in a process that has no engine to know of."""
    if isinstance(engines.current, Embedded) and not engines.current.alive:
        return "the engine of this process has stopped"
    if isinstance(engines.current, Queue) and not metrics.workers():
        return f"no worker has given a sign of life for {metrics.SILENT:.0f} seconds"
    return ""
