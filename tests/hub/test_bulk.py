"""What is done to many records goes on over kills, tells what it refused and why, and may be ended by a person."""

from __future__ import annotations

from typing import Any

import pytest

from samklang.connectors.errors import BadData, Rejected
from samklang.hub import bulk
from tests.hub.conftest import World, order, product


@pytest.fixture
def stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Seven orders that the ERP refuses, all for one reason; slices of two."""
    monkeypatch.setattr(bulk, "_SLICE", 2)
    for type_ in ("customer", "order"):
        world.flow(type_, "shop", "erp")
    world.flow("product", "erp", "shop")
    world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.erp.item_error = lambda type_, want: Rejected("The month is closed") if type_ == "order" else None
    for n in range(7):
        world.shop.put(order(str(1000 + n), "A-1"))
    world.read("shop", "orders")
    world.deliver("erp", "customer")
    world.deliver("erp", "order")
    return world


def keys(world: World) -> list[str]:
    return [f"nordljus/{1000 + n}" for n in range(7)]


def states(world: World) -> list[str]:
    from samklang.hub.models import Binding

    rows = Binding.objects.filter(connection=world.erp_row, type="order").order_by("key")
    return list(rows.values_list("state", flat=True))


def test_all_records_of_a_problem_are_tried_again_and_the_problem_closes(stopped: World) -> None:
    from samklang.hub.models import Bulk, Problem

    problem = Problem.objects.get(closed_at=None)
    made = bulk.start(stopped.tenant.pk, "mend", "anna", problem=problem)
    assert (made.total, bulk.running()) == (7, [(stopped.tenant.pk, made.pk)])
    stopped.erp.item_error = None
    assert not bulk.work(stopped.tenant.pk, made.pk), "nothing is left"
    assert states(stopped) == ["due"] * 7
    stopped.deliver("erp", "order")
    assert states(stopped) == ["idle"] * 7
    done = Bulk.objects.get()
    assert (done.state, done.done, done.refused) == ("done", 7, 0)
    problem.refresh_from_db()
    assert problem.closed_at


def test_a_kill_costs_nothing_and_the_rest_is_done_by_the_next(stopped: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.hub.models import Bulk, Hold

    made = bulk.start(stopped.tenant.pk, "hold", "anna", keys(stopped), reason="Stocktaking")
    real, turns = bulk._slice, iter(range(9))

    def dies(some: Any) -> bool:
        if next(turns) == 2:
            raise KeyboardInterrupt
        return real(some)

    monkeypatch.setattr(bulk, "_slice", dies)
    with pytest.raises(KeyboardInterrupt):
        bulk.work(stopped.tenant.pk, made.pk)
    made.refresh_from_db()
    assert (made.place, made.done, made.state) == (4, 4, "running")
    monkeypatch.setattr(bulk, "_slice", real)
    assert not bulk.work(stopped.tenant.pk, made.pk), "nothing is left"
    assert states(stopped) == ["held"] * 7
    assert set(Hold.objects.values_list("reason", flat=True)) == {"Stocktaking"}
    made = Bulk.objects.get()
    assert (made.state, made.done) == ("done", 7)


def test_what_cannot_be_done_is_refused_with_its_reason_and_the_others_are_done(stopped: World) -> None:
    from samklang.hub.orders import hold

    hold(stopped.tenant.pk, "nordljus/1001", "Fraud?", "anna")
    stopped.flow("release", "shop", "erp")
    made = bulk.start(stopped.tenant.pk, "release", "anna", ["nordljus/1000", "nordljus/1001", "nordljus/77"])
    assert not bulk.work(stopped.tenant.pk, made.pk), "nothing is left"
    made.refresh_from_db()
    assert (made.done, made.refused) == (1, 2)
    assert made.answers == [["nordljus/1001", "The order is on hold"], ["nordljus/77", "There is no such order"]]


def test_a_person_ends_it_and_what_was_done_stays(stopped: World) -> None:
    from samklang.hub.models import Problem

    made = bulk.start(stopped.tenant.pk, "give up", "anna", problem=Problem.objects.get(), reason="Old")
    bulk.end(made)
    assert not bulk.work(stopped.tenant.pk, made.pk)
    assert states(stopped) == ["stopped"] * 7
    again = bulk.start(stopped.tenant.pk, "give up", "anna", problem=Problem.objects.get(), reason="Old")
    bulk.work(stopped.tenant.pk, again.pk)
    assert states(stopped) == ["idle"] * 7


def test_nothing_and_too_much_are_refused_before_anything_is_stored(stopped: World) -> None:
    from samklang.hub.models import Bulk

    with pytest.raises(BadData, match="nothing to do it to"):
        bulk.start(stopped.tenant.pk, "retry", "anna", [])
    with pytest.raises(BadData, match="More than"):
        bulk.start(stopped.tenant.pk, "retry", "anna", [str(n) for n in range(bulk.MOST + 1)])
    assert not Bulk.objects.exists()


def test_the_engine_goes_on_with_what_a_restart_left(stopped: World) -> None:
    from samklang.engine import work
    from samklang.engine.embedded import Embedded
    from samklang.engine.port import bulk_job

    made = bulk.start(stopped.tenant.pk, "retry", "anna", keys(stopped))
    idle = Embedded(lambda job, engine: None)
    work.tick(idle)
    assert bulk_job(stopped.tenant.pk, made.pk) in [state.job for state in idle.jobs()]
    work.perform(bulk_job(stopped.tenant.pk, made.pk), idle)
    made.refresh_from_db()
    assert (made.state, made.done) == ("done", 7)


def test_another_tenants_work_is_not_found(stopped: World) -> None:
    from samklang.hub.models import Tenant

    other = Tenant.objects.create(slug="other", name="Annan AB")
    made = bulk.start(stopped.tenant.pk, "retry", "anna", keys(stopped))
    assert not bulk.work(other.pk, made.pk)
    theirs = bulk.start(other.pk, "hold", "eve", keys(stopped), reason="x")
    bulk.work(other.pk, theirs.pk)
    theirs.refresh_from_db()
    assert (theirs.done, theirs.refused) == (0, 7)
    assert states(stopped) == ["stopped"] * 7
