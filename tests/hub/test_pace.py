"""Workers keep a system's limits together."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from samklang.connectors.limiter import Limiter


@pytest.fixture
def home() -> str:
    """Only PostgreSQL has many workers."""
    return "postgresql"


def test_two_workers_together_start_no_more_calls_than_allowed(database: Path) -> None:
    from samklang.hub.models import Connection, Tenant
    from samklang.hub.pace import SharedPace

    tenant = Tenant.objects.create(slug="main", name="Nordljus")
    row = Connection.objects.create(tenant=tenant, name="erp", connector="fortnox")
    calls, window = 5, 0.5
    starts: list[float] = []

    def worker() -> None:
        limiter = Limiter(calls, window, 4, pace=SharedPace(tenant.pk, row.pk))
        for _ in range(10):
            with limiter.turn():
                starts.append(time.monotonic())

    threads = [threading.Thread(target=worker) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    starts.sort()
    assert len(starts) == 30
    spans = [late - early for early, late in zip(starts, starts[calls:], strict=False)]
    assert min(spans) > window * 0.9, "more than the allowed calls within one window"


def test_a_429_to_one_worker_quiets_the_others(database: Path) -> None:
    from samklang.hub.models import Connection, Tenant
    from samklang.hub.pace import SharedPace

    tenant = Tenant.objects.create(slug="main", name="Nordljus")
    rows = [Connection.objects.create(tenant=tenant, name=name, connector="fortnox") for name in ("erp", "other")]
    one, two, other = (SharedPace(tenant.pk, row.pk) for row in (rows[0], rows[0], rows[1]))
    assert two.start(25, 5.0) == 0
    one.pause(7)
    assert 6 < two.start(25, 5.0) <= 7
    assert other.start(25, 5.0) == 0
