"""What Prometheus may ask: what this process did, and how the hub stands as its database tells it.

Labels are words of our own code and configuration (connector, record type, state, result): never a tenant, a record's
key or an address, so the number of series is bounded and nothing in them is personal. Seconds throughout.
"""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import structlog
from django.db import DatabaseError
from django.db import connection as database
from django.db.models import Case, Count, Min, Value, When
from django.utils import timezone
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from samklang.connectors.contract import Exchange
from samklang.hub.models import Connection, Hook, Problem
from samklang.hub.problems import Trouble

log = structlog.get_logger()

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, asked for by nobody

CALLS = Counter("samklang_calls", "Requests to outside systems.", ["connector", "method", "outcome"])
CALL_SECONDS = Histogram(
    "samklang_call_seconds", "How long outside systems take to answer.", ["connector"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)  # fmt: skip
WAITED = Counter("samklang_limit_wait_seconds", "Time that requests waited for a place within limits.", ["connector"])
RECORDS_IN = Counter(
    "samklang_records_in", "Records read; a page that is rolled back counts again.", ["type", "result"]
)
RECORDS_OUT = Counter("samklang_records_out", "Records sent, by what came of it.", ["type", "result"])
JOBS = Counter("samklang_jobs", "Jobs that have ended.", ["task", "result"])
JOB_LAG = Histogram(
    "samklang_job_lag_seconds", "Engine lag: from when a job was due to its start, by lane (0 = orders).", ["lane"],
    buckets=(0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900),
)  # fmt: skip


def called(connector: str, exchange: Exchange) -> None:
    """Count one request. Its outcome: 2xx, 3xx, 4xx, 429 by itself, 5xx, or `none` where no answer came."""
    status = exchange.status
    outcome = "none" if not status else "429" if status == 429 else f"{status // 100}xx"
    CALLS.labels(connector, exchange.method, outcome).inc()
    CALL_SECONDS.labels(connector).observe(exchange.seconds)
    WAITED.labels(connector).inc(exchange.waited)


def read(type_: str, *, created: int = 0, updated: int = 0, unchanged: int = 0) -> None:
    """Count records of one type that a page brought."""
    for result, count in (("created", created), ("updated", updated), ("unchanged", unchanged)):
        if count:
            RECORDS_IN.labels(type_, result).inc(count)


def not_read(troubles: Iterable[Trouble]) -> None:
    """Count rows that were no records."""
    for trouble in troubles:
        RECORDS_IN.labels(trouble.type, "failed").inc()


def sent(type_: str, steps: Iterable[tuple[str, str, str]]) -> None:
    """Count what came of a batch: steps (record key, what, text) as the journey has them."""
    for result, count in Tally(what for _, what, _ in steps).items():
        RECORDS_OUT.labels(type_, result).inc(count)


# ------------------------------------------------------------------------------------------- as the database tells it

#: The partial index `binding_open` holds all that this reads; the first condition is the index's own.
_DELIVERIES = """
SELECT type, state, count(*), min(CASE WHEN state='due' AND due_at<=%s THEN due_at END)
FROM binding WHERE NOT (state='idle') GROUP BY type, state
"""
_JOBS = """
SELECT CASE WHEN status='todo' AND scheduled_at>now() THEN 'planned' ELSE status::text END AS how, count(*),
       max(CASE WHEN status='todo' THEN extract(epoch FROM now()-scheduled_at) END)::float
FROM procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed') GROUP BY how
"""
_WORKERS = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - %s * interval '1 second'"
SILENT = 60.0  # without a sign of life for longer, a worker does not count


class Hub(Collector):
    """How the hub stands, asked of the database at each scrape in a handful of statements over what is open."""

    def collect(self) -> Iterator[Metric]:
        """`samklang_database_up` 0 and nothing else while the database does not answer."""
        try:
            found = [*self._deliveries(), *self._connections(), *self._problems(), *self._webhooks(), *self._jobs()]
        except DatabaseError as error:
            log.warning("metrics without the database", error=error)
            found = []
        yield GaugeMetricFamily("samklang_database_up", "Whether the database answers.", value=float(bool(found)))
        yield from found

    def _deliveries(self) -> Iterator[Metric]:
        now = time.time()
        count = GaugeMetricFamily("samklang_deliveries", "Records that a target still lacks.", labels=["type", "state"])
        oldest = GaugeMetricFamily(
            "samklang_delivery_oldest_seconds", "How long the oldest due record has been due.", labels=["type"]
        )
        for type_, state, number, due_at in _rows(_DELIVERIES, [now]):
            count.add_metric([type_, state], number)
            if due_at is not None:
                oldest.add_metric([type_], now - due_at)
        yield count
        yield oldest

    def _connections(self) -> Iterator[Metric]:
        count = GaugeMetricFamily(
            "samklang_connections", "Connections; resting = the breaker is open.", labels=["connector", "state"]
        )
        resting = Case(When(state="active", open_until__gt=time.time(), then=Value("resting")), default="state")
        for connector, state, number in Connection.objects.values_list("connector", resting).annotate(n=Count("pk")):
            count.add_metric([connector, state.replace(" ", "_")], number)
        yield count

    def _problems(self) -> Iterator[Metric]:
        count = GaugeMetricFamily("samklang_problems_open", "Problems that nobody has mended yet.", labels=["code"])
        for code, number in Problem.objects.filter(closed_at=None).values_list("code").annotate(n=Count("pk")):
            count.add_metric([code], number)
        yield count

    def _webhooks(self) -> Iterator[Metric]:
        found = Hook.objects.filter(done=False).aggregate(n=Count("pk"), first=Min("at"))
        age = (timezone.now() - found["first"]).total_seconds() if found["first"] else 0.0
        yield GaugeMetricFamily("samklang_webhooks_open", "Webhooks stored and not worked off.", value=found["n"])
        yield GaugeMetricFamily("samklang_webhook_oldest_seconds", "Age of the oldest of them.", value=age)

    def _jobs(self) -> Iterator[Metric]:
        """Jobs that stand in PostgreSQL's table; the embedded engine stores none."""
        if database.vendor != "postgresql":
            return
        count = GaugeMetricFamily(
            "samklang_jobs_stored", "Jobs: planned for later, todo, doing, failed.", labels=["state"]
        )
        late = 0.0
        for state, number, overdue in _rows(_JOBS):
            count.add_metric([state], number)
            late = max(late, overdue or 0.0)
        yield count
        yield GaugeMetricFamily("samklang_job_overdue_seconds", "Wait of the oldest job that is due.", value=late)
        yield GaugeMetricFamily("samklang_workers", "Worker processes with a sign of life.", value=workers())


def workers() -> int:
    """How many worker processes live on PostgreSQL, by Procrastinate's heartbeats and the database's clock."""
    ((count,),) = _rows(_WORKERS, [SILENT])
    return int(count)


def _rows(statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


#: What /metrics shows: this process and the hub.
EVERYTHING = CollectorRegistry()
EVERYTHING.register(REGISTRY)
EVERYTHING.register(Hub())


def serve_metrics(port: int, host: str = "127.0.0.1") -> None:
    """Answer scrapes of a process without a web server, from a thread. Only what this process did: how the hub stands
    is told once, by the process that serves the web. Raises OSError when the port is taken."""
    start_http_server(port, host, REGISTRY)
