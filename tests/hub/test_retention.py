"""The past ages out as the operator wants it: what is old goes, a page at a time; state and open work never do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils import timezone

from samklang.engine import work
from samklang.engine.embedded import Embedded
from samklang.engine.port import Job
from samklang.engine.queue import Queue, name
from samklang.hub import store
from samklang.hub.keeping import retention
from samklang.settings import days_kept
from tests.hub.conftest import World, world

_ = world

Later = Callable[[float], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Let so many days pass: later(13)."""
    real, passed = timezone.now, timedelta()

    def go(days: float) -> None:
        nonlocal passed
        passed += timedelta(days=days)

    monkeypatch.setattr(timezone, "now", lambda: real() + passed)
    return go


def exchange(world: World, at: datetime | None = None) -> Any:
    from samklang.hub.models import ExchangeRow

    return ExchangeRow.objects.create(
        tenant=world.tenant, connection=world.shop_row, at=at or timezone.now(), method="GET", url="/", status=200,
        seconds=0.1,
    )  # fmt: skip


def step(world: World, order: str, days_ago: float = 0, tenant: Any = None) -> Any:
    from samklang.hub.models import Step

    at = timezone.now() - timedelta(days=days_ago)
    return Step.objects.create(
        tenant=tenant or world.tenant, order=order, at=at, connection=world.shop_row, type="order", what="read"
    )


def test_every_kind_goes_at_its_own_time(world: World, later: Later) -> None:
    from samklang.hub.models import ExchangeRow, Hook, Problem, ProblemItem, Step, Transfer

    exchange(world)
    for done in (True, False):
        Hook.objects.create(tenant=world.tenant, connection=world.shop_row, headers={}, body=b"", done=done)
    Transfer.objects.create(
        tenant=world.tenant, connection=world.shop_row, direction="in", what="orders", started=timezone.now()
    )
    step(world, "nordljus/1")
    for n, closed in enumerate((timezone.now(), None)):
        problem = Problem.objects.create(
            tenant=world.tenant,
            connection=world.shop_row,
            fingerprint=str(n),
            code="SYNC-401",
            what="",
            closed_at=closed,
        )
        ProblemItem.objects.create(
            tenant=world.tenant, problem=problem, connection=world.shop_row, direction="in", type="order", key=str(n)
        )
    world.flow("product", "erp", "shop")

    def left() -> list[int]:
        assert retention.age_out(60)
        return [model.objects.count() for model in (ExchangeRow, Hook, Transfer, Problem, ProblemItem, Step)]

    assert left() == [1, 2, 1, 2, 2, 1]
    later(13.9)
    assert left() == [1, 2, 1, 2, 2, 1]
    later(0.2)
    assert left() == [0, 1, 1, 2, 2, 1], "what could not be worked off stays"
    later(75.8)
    assert left() == [0, 1, 1, 2, 2, 1]
    later(0.2)
    assert left() == [0, 1, 0, 1, 1, 1], "an open problem stays"
    later(309.8)
    assert left() == [0, 1, 0, 1, 1, 1]
    later(0.2)
    assert left() == [0, 1, 0, 1, 1, 0]
    assert (Hook.objects.get().done, Problem.objects.get().closed_at) == (False, None)


def test_the_operator_says_how_long(world: World, later: Later, settings_keep: Callable[[str], None]) -> None:
    from samklang.hub.models import ExchangeRow

    settings_keep("exchanges=30")
    exchange(world)
    later(29)
    assert retention.age_out(60)
    assert ExchangeRow.objects.count() == 1
    later(2)
    assert retention.age_out(60)
    assert ExchangeRow.objects.count() == 0


@pytest.fixture
def settings_keep(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    from django.conf import settings

    return lambda given: monkeypatch.setattr(settings, "KEEP", days_kept(given))


def test_an_orders_steps_go_together_after_its_last_one(world: World) -> None:
    from samklang.hub.models import Step, Tenant

    other = Tenant.objects.create(slug="other", name="Other")
    for days_ago in (500, 450):
        step(world, "nordljus/old", days_ago)
        step(world, "nordljus/returned", days_ago)
        step(world, "nordljus/same number", days_ago)
    step(world, "nordljus/returned", 399)
    step(world, "nordljus/same number", 1, tenant=other)
    assert retention.age_out(60)
    assert sorted(Step.objects.values_list("order", flat=True)) == [
        "nordljus/returned", "nordljus/returned", "nordljus/returned", "nordljus/same number",
    ]  # fmt: skip
    assert Step.objects.get(order="nordljus/same number").tenant == other


@pytest.mark.parametrize("page", [1, 3, 1000])
def test_many_pages_lose_the_old_and_keep_the_young(
    world: World, later: Later, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """Numbers and times do not quite agree: another process wrote late, and a clock was wrong for a while."""
    from samklang.hub.models import ExchangeRow, Hook, Step

    monkeypatch.setattr(retention, "_PAGE", page)
    now = timezone.now()
    kept = []
    for days_ago in (40, 39, 41, 38, 37, 36, 20, 15, 13, 12, 1):
        row = exchange(world, now - timedelta(days=days_ago))
        kept += [row.pk] * (days_ago < 14)
        step(world, f"nordljus/{days_ago}", days_ago + 390)
    for done in (False, False, False, False, True, True, False):
        Hook.objects.create(tenant=world.tenant, connection=world.shop_row, headers={}, body=b"", done=done)
    Hook.objects.update(at=now - timedelta(days=20))
    assert retention.age_out(60)
    assert list(ExchangeRow.objects.order_by("pk").values_list("pk", flat=True)) == kept
    assert list(Hook.objects.values_list("done", flat=True)) == [False] * 5
    assert list(Step.objects.values_list("order", flat=True)) == ["nordljus/1"]


def test_a_tick_gives_it_a_moment_and_the_next_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A great deal is old at once: each page is a transaction, and jobs are woken in between."""
    from samklang.hub.models import ExchangeRow

    for _ in range(5):
        exchange(world, timezone.now() - timedelta(days=20))
    clock = iter(range(1000))
    monkeypatch.setattr(retention, "_PAGE", 2)
    monkeypatch.setattr(retention, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    assert not retention.age_out(2.5), "there is time for two pages"
    assert ExchangeRow.objects.count() == 1
    assert not retention.age_out(0.5)
    assert retention.age_out(60)
    assert ExchangeRow.objects.count() == 0


def test_it_runs_once_an_hour_and_again_at_once_when_something_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = Embedded(lambda job, engine: None)
    asked: list[float] = []
    done = iter([False, True])
    monkeypatch.setattr(retention, "age_out", lambda seconds: asked.append(seconds) or next(done))
    monkeypatch.setattr(work, "_tidied", -1e9)
    for _ in range(4):
        work.tick(idle)
    assert len(asked) == 2


def test_failed_jobs_go_and_waiting_ones_stay(world: World, home: str) -> None:
    if home == "sqlite":
        pytest.skip("the embedded engine keeps no jobs")
    queue = Queue()
    jobs = [Job("read", world.shop_row.pk, what, 1, world.tenant.pk) for what in ("old", "young", "waiting")]
    for job in jobs:
        queue.put(job, 0.0)
    with connection.cursor() as cursor:
        for job, days in zip(jobs, (31, 29, 40), strict=True):
            cursor.execute(
                "UPDATE procrastinate_jobs SET scheduled_at = now() - %s * interval '1 day' WHERE queueing_lock=%s",
                [days, name(job)],
            )
        cursor.execute(
            "UPDATE procrastinate_jobs SET status='failed' WHERE queueing_lock IN (%s, %s)", [name(j) for j in jobs[:2]]
        )
    work._tidy(queue)
    assert {(state.job.what, state.state) for state in queue.jobs()} == {("young", "failed"), ("waiting", "waiting")}


def test_on_postgresql_the_hot_tables_are_vacuumed_early(world: World, home: str) -> None:
    if home == "sqlite":
        pytest.skip("SQLite has no such settings")
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, reloptions FROM pg_class WHERE relname IN ('binding', 'record', 'exchange')")
        found = {table: dict(option.split("=") for option in options) for table, options in cursor.fetchall()}
    assert {table: options["autovacuum_vacuum_scale_factor"] for table, options in found.items()} == {
        "binding": "0.02", "record": "0.02", "exchange": "0.02",
    }  # fmt: skip


def test_on_postgresql_a_sweep_leaves_the_indexes_alone(world: World, home: str) -> None:
    """It touches every binding; there is room for the new versions beside the old ones."""
    if home == "sqlite":
        pytest.skip("SQLite updates in place")
    keys = [f"a-{n:05d}" for n in range(5000)]
    place = world.tenant.pk, world.erp_row.pk, "product"

    def sizes() -> tuple[int, int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_relation_size('binding'), sum(pg_relation_size(indexrelid))::bigint FROM pg_index"
                " WHERE indrelid = 'binding'::regclass"
            )
            table, indexes = cursor.fetchone()
            return table, indexes

    store.bind(*place, ((key, f"id-{key}", b"h" * 16, 1) for key in keys))
    before = sizes()
    for start in range(0, len(keys), 500):
        store.touch(*place, keys[start : start + 500], 2)
    assert sizes() == before


@pytest.mark.parametrize("given", ["exchanges", "exchanges=", "exchanges=-1", "exchanges=0", "all=3", "steps=1e3"])
def test_a_policy_that_cannot_be_meant_is_refused(given: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="SAMKLANG_KEEP"):
        days_kept(given)


def test_what_is_not_named_keeps_its_default() -> None:
    assert days_kept(" steps=800 , ") == {**days_kept(""), "steps": 800}
