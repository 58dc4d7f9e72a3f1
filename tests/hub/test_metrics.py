"""Metrics: what the road counts, and how the hub stands as one scrape asks it of the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from prometheus_client import REGISTRY, CollectorRegistry

from samklang.connectors.contract import Exchange
from samklang.connectors.errors import LoginRefused, Rejected
from samklang.hub import metrics
from tests.hub.conftest import World, order, product, stock

Grown = Callable[..., float]


@pytest.fixture
def grown() -> Grown:
    """How much a counter of this process has grown since the test began."""
    before = {sample.name + repr(sample.labels): sample.value for m in REGISTRY.collect() for sample in m.samples}

    def since(name: str, **labels: str) -> float:
        now = {sample.name + repr(sample.labels): sample.value for m in REGISTRY.collect() for sample in m.samples}
        return now.get(name + repr(labels), 0.0) - before.get(name + repr(labels), 0.0)

    return since


def scraped(name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(metrics.Hub())
    return registry.get_sample_value(name, labels)


def exchange(status: int, **more: Any) -> Exchange:
    url = "https://shop.example/wc/v3/orders?email=anna@example.se"
    return Exchange(method="GET", url=url, status=status, at=datetime.now(UTC), seconds=0.3, **more)


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, "2xx"), (301, "3xx"), (404, "4xx"), (429, "429"), (503, "5xx"), (0, "none")]
)
def test_a_request_is_counted_by_connector_method_and_outcome(
    world: World, grown: Grown, status: int, outcome: str
) -> None:
    from samklang.hub.links import open_link

    open_link(world.shop_row).capture(exchange(status, waited=1.5))
    assert grown("samklang_calls_total", connector="shelf", method="GET", outcome=outcome) == 1
    assert grown("samklang_call_seconds_count", connector="shelf") == 1
    assert grown("samklang_call_seconds_sum", connector="shelf") == pytest.approx(0.3)
    assert grown("samklang_limit_wait_seconds_total", connector="shelf") == pytest.approx(1.5)


def test_records_are_counted_by_type_and_result_on_both_sides(world: World, grown: Grown) -> None:
    world.flow("product", "erp", "shop")
    for n in range(4):
        world.erp.put(product(f"A-{n}"))
    broken = world.erp.put(product("B-1"))
    world.erp.broken.add(broken)
    world.shop.item_error = lambda type_, want: Rejected("too long") if want.key == "a-3" else None
    world.read("erp", "catalogue")
    world.read("erp", "catalogue", sweep=True)
    world.deliver("shop", "product")
    taken = {
        result: grown("samklang_records_in_total", type="product", result=result)
        for result in ("created", "updated", "unchanged", "failed")
    }
    assert taken == {"created": 4, "updated": 0, "unchanged": 4, "failed": 2}
    given = {
        result: grown("samklang_records_out_total", type="product", result=result)
        for result in ("created", "updated", "stopped")
    }
    assert given == {"created": 3, "updated": 0, "stopped": 1}


def test_jobs_are_counted_and_how_late_they_began(grown: Grown) -> None:
    from samklang.engine.port import Job
    from samklang.engine.watch import watched

    with watched(Job("read", lane=1), 0.3):
        pass
    with pytest.raises(ValueError, match="a defect"), watched(Job("read", lane=1), -0.001):
        raise ValueError("a defect")
    assert grown("samklang_jobs_total", task="read", result="ok") == 1
    assert grown("samklang_jobs_total", task="read", result="failed") == 1
    assert grown("samklang_job_lag_seconds_count", lane="1") == 2
    assert grown("samklang_job_lag_seconds_sum", lane="1") == pytest.approx(0.3)


def test_a_job_of_the_engine_is_late_by_the_time_that_it_waited(grown: Grown) -> None:
    from samklang.engine.embedded import Embedded
    from samklang.engine.port import Job

    now = 1000.0
    engine = Embedded(lambda job, engine: None, clock=lambda: now)
    engine.wake(Job("read", 1, lane=2))
    now += 7.0
    engine.start()
    while engine.jobs():
        pass
    engine.stop()
    assert grown("samklang_job_lag_seconds_sum", lane="2") == pytest.approx(7.0)


def test_a_scrape_tells_what_targets_lack_and_how_old_the_oldest_is(world: World) -> None:
    from samklang.hub.models import Binding

    world.flow("product", "erp", "shop")
    world.flow("stock", "erp", "shop")
    world.flow("order", "shop", "erp")
    for n in range(3):
        world.erp.put(product(f"A-{n}"))
        world.erp.put(stock(f"A-{n}", 5))
    world.read("erp", "catalogue")
    world.deliver("shop", "stock")
    world.shop.put(order("1001", "A-1"))
    world.read("shop", "orders")
    Binding.objects.filter(type="product", key="a-1").update(due_at=time.time() - 600)
    Binding.objects.filter(type="order").update(due_at=time.time() + 600)
    assert scraped("samklang_deliveries", type="product", state="due") == 3
    assert scraped("samklang_deliveries", type="stock", state="waiting") == 3
    assert scraped("samklang_deliveries", type="order", state="due") == 1
    assert scraped("samklang_delivery_oldest_seconds", type="product") == pytest.approx(600, abs=30)
    assert scraped("samklang_delivery_oldest_seconds", type="order") is None, "it backs off: not due yet"
    assert scraped("samklang_database_up") == 1


def test_a_scrape_tells_of_connections_problems_and_webhooks(world: World) -> None:
    from samklang.hub.links import went_wrong
    from samklang.hub.models import Connection, Hook

    went_wrong(world.erp_row, LoginRefused())
    Connection.objects.filter(pk=world.shop_row.pk).update(open_until=time.time() + 60)
    for done in (True, False, False):
        hook = Hook.objects.create(tenant=world.tenant, connection=world.shop_row, headers={}, body=b"", done=done)
        Hook.objects.filter(pk=hook.pk).update(at=datetime.now(UTC) - timedelta(seconds=90))
    assert scraped("samklang_connections", connector="shelf", state="needs_person") == 1
    assert scraped("samklang_connections", connector="shelf", state="resting") == 1
    assert scraped("samklang_connections", connector="shelf", state="active") is None
    assert scraped("samklang_problems_open", code="SYNC-301") == 1
    assert scraped("samklang_webhooks_open") == 2
    assert scraped("samklang_webhook_oldest_seconds") == pytest.approx(90, abs=30)


def test_a_scrape_tells_of_stored_jobs_and_workers_where_there_are_any(world: World, home: str) -> None:
    if home == "sqlite":
        assert scraped("samklang_workers") is None
        return
    from samklang.engine.port import Job
    from samklang.engine.queue import Queue

    queue = Queue()
    queue.put(Job("read", 1, "orders", 0), 0.0)
    queue.put(Job("read", 2, "orders", 0), 600.0)
    with database.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at=now()-interval '1 minute' WHERE scheduled_at<=now()")
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()), (now()-interval '5 minutes')"
        )
    assert scraped("samklang_jobs_stored", state="todo") == 1
    assert scraped("samklang_jobs_stored", state="planned") == 1
    assert scraped("samklang_job_overdue_seconds") == pytest.approx(60, abs=30)
    assert scraped("samklang_workers") == 1


def test_a_scrape_is_a_handful_of_statements_over_what_is_open(world: World, home: str) -> None:
    world.flow("product", "erp", "shop")
    for n in range(50):
        world.erp.put(product(f"A-{n}"))
    world.read("erp", "catalogue")
    with CaptureQueriesContext(database) as asked:
        list(metrics.Hub().collect())
    assert len(asked) <= (4 if home == "sqlite" else 6)
    if home == "sqlite":
        with database.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {metrics._DELIVERIES}", [time.time()])
            plan = " ".join(row[-1] for row in cursor.fetchall())
        assert "USING COVERING INDEX binding_open" in plan


def test_without_the_database_a_scrape_still_tells_of_the_process(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError
    from prometheus_client import generate_latest

    def gone(*_: object) -> list[tuple[Any, ...]]:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(metrics, "_rows", gone)
    text = generate_latest(metrics.EVERYTHING).decode()
    assert "samklang_database_up 0.0" in text
    assert "samklang_deliveries" not in text
    assert "# TYPE samklang_calls_total counter" in text


def test_labels_are_bounded_words_of_our_own(world: World) -> None:
    from samklang.hub.links import open_link

    world.flow("customer", "shop", "erp")
    world.flow("order", "shop", "erp")
    world.shop.put(order("1001", "A-1"))
    world.read("shop", "orders")
    open_link(world.shop_row).capture(exchange(200))
    told = [sample for metric in metrics.EVERYTHING.collect() for sample in metric.samples]
    ours = [sample for sample in told if sample.name.startswith("samklang_")]
    names = {name for sample in ours for name in sample.labels}
    assert {"connector", "type"} < names
    assert names <= {"connector", "method", "outcome", "type", "result", "task", "lane", "state", "code", "le"}
    values = {value for sample in ours for value in sample.labels.values()}
    assert not values & {"nordljus", "shop", "erp"}, "no tenant, no connection"
    assert not [value for value in values if "1001" in value or "anna" in value or "example" in value]


def test_a_process_without_a_web_server_answers_scrapes_of_its_own() -> None:
    import socket
    import urllib.request

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    metrics.serve_metrics(port)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    assert "samklang_jobs_total" in text
    assert "samklang_deliveries" not in text, "the hub's own state is told once, by the web"
