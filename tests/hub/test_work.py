"""What jobs do: a tick finds all work in the tables, and old exchanges are dropped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from samklang.engine import work
from samklang.engine.embedded import Embedded
from samklang.engine.port import Job, deliver_job, hooks_job
from tests.hub.conftest import World, order, product, world

_ = world


@pytest.fixture
def idle() -> Embedded:
    """An engine that is never started: it only remembers what was asked for."""
    return Embedded(lambda job, engine: None)


def jobs(engine: Embedded) -> set[Job]:
    return {state.job for state in engine.jobs()}


def test_after_a_restart_the_first_tick_finds_what_is_due(world: World, idle: Embedded) -> None:
    from samklang.hub.models import Binding, Hook

    world.flow("product", "erp", "shop")
    world.flow("order", "shop", "erp")
    world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    world.shop.put(order("1001"))
    world.read("shop", "orders")
    Binding.objects.filter(type="order", connection=world.erp_row).update(state="sending", token=7)
    Hook.objects.create(tenant=world.tenant, connection=world.shop_row, headers={}, body=b"{}")
    work.tick(idle)
    assert jobs(idle) == {
        deliver_job(world.tenant.pk, world.shop_row.pk, "product"),
        deliver_job(world.tenant.pk, world.erp_row.pk, "order"),
        hooks_job(world.tenant.pk, world.shop_row.pk),
    }


def test_a_paused_connection_is_not_woken(world: World, idle: Embedded) -> None:
    world.flow("product", "erp", "shop")
    world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    world.shop_row.state = "paused"
    world.shop_row.save()
    work.tick(idle)
    assert jobs(idle) == set()


def test_old_exchanges_and_done_webhooks_are_dropped_once_an_hour(
    world: World, idle: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.hub.models import ExchangeRow, Hook

    def exchange(age: int) -> Any:
        at = timezone.now() - timedelta(days=age)
        return ExchangeRow.objects.create(
            tenant=world.tenant, connection=world.shop_row, at=at, method="GET", url="/", status=200, seconds=0.1
        )

    young, _old = exchange(13), exchange(15)
    for done in (True, False):
        hook = Hook.objects.create(tenant=world.tenant, connection=world.shop_row, headers={}, body=b"", done=done)
        Hook.objects.filter(pk=hook.pk).update(at=timezone.now() - timedelta(days=30))
    monkeypatch.setattr(work, "_tidied", -1e9)
    work.tick(idle)
    assert list(ExchangeRow.objects.values_list("pk", flat=True)) == [young.pk]
    assert [hook.done for hook in Hook.objects.all()] == [False], "what is not worked off stays"
    exchange(15)
    work.tick(idle)
    assert ExchangeRow.objects.count() == 2
