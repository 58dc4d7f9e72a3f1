"""What is told of every job, whichever engine runs it: how late it began, how it ended, and its span."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from structlog.contextvars import bound_contextvars

from samklang.engine.port import Job
from samklang.hub import metrics, traces


@contextlib.contextmanager
def watched(job: Job, late: float) -> Iterator[None]:
    """Around the running of a job that began `late` seconds after it was due. What the job logs, names the job."""
    metrics.JOB_LAG.labels(job.lane).observe(max(0.0, late))
    result = "failed"
    try:
        with traces.job(job.task, job.what, job.lane), bound_contextvars(task=job.task, connection_id=job.connection):
            yield
        result = "ok"
    finally:
        metrics.JOBS.labels(job.task, result).inc()
