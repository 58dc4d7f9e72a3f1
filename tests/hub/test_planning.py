"""A plan as a row: computed by the engine, approved by a person, applied by the engine, whatever dies in between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from samklang.connectors.errors import Misconfigured, RemoteFault
from tests.hub.conftest import World, order, product


@pytest.fixture
def edited(world: World) -> World:
    """Three articles in the ERP, one of which the shop has under another name; the ERP-rules preset in the draft."""
    from samklang.hub.setup import drafts, edits

    for n in range(3):
        world.erp.put(product(f"A-{n}", f"Kopp {n}"))
    world.shop.put(product("A-0", "Mugg"))
    drafts.edit(world.tenant, "anna", "preset", lambda config: edits.use_preset(config, "nordljus", "erp", "erp rules"))
    return world


def _work(world: World) -> Any:
    from samklang.hub.setup import planning

    planning.work(world.tenant.pk)
    return planning.latest(world.tenant)


def test_a_plan_is_counted_listed_and_writes_nothing(edited: World) -> None:
    """X-04."""
    from samklang.hub.models import Flow, PlanLine
    from samklang.hub.setup import planning

    planning.ask(edited.tenant, "anna")
    assert planning.at_work() == [edited.tenant.pk]
    run = _work(edited)
    assert run.state == "ready"
    found = planning.consequences(run)
    assert found is not None
    number, flow = next((n, one) for n, one in enumerate(found.flows) if one.type == "product")
    assert (flow.create, flow.change, flow.samples) == (2, 1, [])
    lines = PlanLine.objects.filter(plan=run, flow=number).order_by("key")
    assert [(line.action, line.key, line.fields) for line in lines] == [
        ("change", "a-0", {"name": ["Mugg", "Kopp 0"]}), ("create", "a-1", {}), ("create", "a-2", {}),
    ]  # fmt: skip
    assert (edited.shop.written, edited.erp.written) == ([], [])
    assert not Flow.objects.filter(enabled=True).exists()
    assert planning.at_work() == []


def test_what_is_approved_is_applied_and_the_draft_is_gone(edited: World) -> None:
    from samklang.hub.models import Binding, ConfigVersion, Flow
    from samklang.hub.setup import config, drafts, planning

    planning.ask(edited.tenant, "anna")
    planning.approve(_work(edited), "bo", "first flows")
    run = _work(edited)
    assert (run.state, run.applied_by) == ("applied", "bo")
    assert Flow.objects.filter(enabled=True).count() == 6
    assert Binding.objects.filter(type="product", state="due").count() == 3
    assert drafts.shown(edited.tenant).draft is None
    version = ConfigVersion.objects.get()
    assert (version.by, version.why, version.text) == ("bo", "first flows", config.dump(config.current(edited.tenant)))


def test_only_a_plan_of_what_there_is_can_be_applied(edited: World) -> None:
    from samklang.hub.models import PlanRun
    from samklang.hub.setup import config, drafts, edits, planning

    planning.ask(edited.tenant, "anna")
    run = _work(edited)
    assert planning.outdated(run) == ""
    drafts.edit(edited.tenant, "bo", "no prices", lambda c: edits.set_master(c, "nordljus", "price", "", []))
    with pytest.raises(Misconfigured, match="The draft has been edited since"):
        planning.approve(run, "anna", "")
    planning.ask(edited.tenant, "bo")
    run = _work(edited)
    now = config.current(edited.tenant)
    now.channels["ny"] = config.ChannelPart(connection="erp")
    config.apply(now, "command line")
    with pytest.raises(Misconfigured, match="The configuration has changed since"):
        planning.approve(run, "anna", "")
    planning.ask(edited.tenant, "bo")
    run = _work(edited)
    PlanRun.objects.filter(pk=run.pk).update(counted_at=timezone.now() - timedelta(days=2))
    with pytest.raises(Misconfigured, match="more than a day ago"):
        planning.approve(run, "anna", "")
    assert PlanRun.objects.filter(state="dropped").count() == 2


def test_a_plan_that_is_dropped_while_it_reads_ends_and_one_that_waits_can_be_dropped(edited: World) -> None:
    from samklang.hub.models import Transfer
    from samklang.hub.setup import planning

    first = planning.ask(edited.tenant, "anna")
    edited.erp.before_read = lambda feed, start: planning.stop(first) and None  # type: ignore[func-returns-value]
    assert _work(edited) is None, "nothing is left to look at"
    assert Transfer.objects.filter(result="failed").exists()
    edited.erp.before_read = None
    planning.ask(edited.tenant, "anna")
    assert planning.stop(_work(edited))


def test_a_process_that_dies_while_reading_or_applying_is_followed_by_one_that_ends_it(
    edited: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.hub.models import Flow, PlanLine
    from samklang.hub.setup import plan, planning

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    planning.ask(edited.tenant, "anna")
    edited.erp.before_read = die
    with pytest.raises(KeyboardInterrupt):
        _work(edited)
    edited.erp.before_read = None
    run = _work(edited)
    assert run.state == "ready"
    assert PlanLine.objects.filter(plan=run, key="a-1").count() == 1

    planning.approve(run, "anna", "")
    with monkeypatch.context() as patch:
        patch.setattr(plan, "switch_on", die)
        with pytest.raises(KeyboardInterrupt):
            _work(edited)
    assert planning.at_work() == [edited.tenant.pk], "the next tick finds it"
    assert _work(edited).state == "applied"
    assert Flow.objects.filter(enabled=True).count() == 6


def test_a_system_that_cannot_be_read_ends_the_plan_and_is_named(edited: World) -> None:
    from samklang.hub.setup import planning

    def fail(feed: str, start: int) -> None:
        raise RemoteFault("The system answered 500")

    edited.erp.before_read = fail
    planning.ask(edited.tenant, "anna")
    run = _work(edited)
    assert (run.state, run.error["code"], run.error["what"]) == ("failed", "SYNC-103", "The system answered 500")
    edited.erp.before_read = None
    planning.ask(edited.tenant, "anna")
    assert _work(edited).state == "ready"


def test_mails_and_old_orders_are_told_before(edited: World) -> None:
    """X-04, Q-13: the orders that are in the shop already, and the buyers that would be mailed."""
    from samklang.hub.setup import planning

    edited.shop.put(order("1001", "A-0"))
    planning.ask(edited.tenant, "anna")
    found = planning.consequences(_work(edited))
    assert found is not None
    assert any("no cut-over date" in note for note in found.notes)


def test_nothing_edited_is_nothing_to_plan(world: World) -> None:
    from samklang.hub.setup import planning

    with pytest.raises(Misconfigured, match="Nothing is edited"):
        planning.ask(world.tenant, "anna")


def test_a_plan_that_waits_for_nobody_leaves_nothing_in_the_configuration(edited: World) -> None:
    """The flows that a plan sets up to read through are no part of the configuration."""
    from samklang.hub.setup import config, drafts, planning

    planning.ask(edited.tenant, "anna")
    _work(edited)
    assert config.current(edited.tenant).flows == []
    drafts.drop(edited.tenant)
    assert drafts.shown(edited.tenant).changes == []


def test_guests_of_orders_that_would_be_sent_are_counted_and_sent_before_them(edited: World) -> None:
    """An order waits for its buyer at the target: the buyer is part of what is planned and applied."""
    from samklang.hub.setup import planning

    edited.shop.put(order("1001", "A-0"))
    planning.ask(edited.tenant, "anna")
    run = _work(edited)
    found = planning.consequences(run)
    assert found is not None
    assert {flow.type: flow.create for flow in found.flows if flow.create} == {"product": 2, "customer": 1, "order": 1}
    planning.approve(run, "anna", "")
    _work(edited)
    edited.deliver("erp", "customer")
    edited.deliver("erp", "order")
    assert len(edited.erp.of("order")) == 1


def test_buyers_of_orders_that_do_not_flow_stay_where_they_are(world: World) -> None:
    """A cut-over date keeps old buyers out of the ERP too."""
    from datetime import UTC, datetime

    world.flow("customer", "shop", "erp")
    world.flow("order", "shop", "erp", since=datetime(2026, 11, 15, tzinfo=UTC))
    world.erp.put(product("A-1"))
    world.shop.put(order("1001", "A-1", email="old@example.se", placed_at=datetime(2026, 11, 1, tzinfo=UTC)))
    world.shop.put(order("1002", "A-1", email="new@example.se", placed_at=datetime(2026, 11, 20, tzinfo=UTC)))
    world.read("shop", "orders")
    world.deliver("erp", "customer")
    assert [customer.email for customer in world.erp.of("customer")] == ["new@example.se"]  # type: ignore[attr-defined]
