"""Webhooks out: written with the fact, signed, told until they arrive, given up with a problem, replayed."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from samklang.connectors.errors import LoginRefused, Misconfigured, Rejected
from samklang.engine import work
from samklang.engine.embedded import Embedded
from samklang.engine.port import post_job
from tests.hub.conftest import World, order, product, world
from tests.hub.receiver import Receiver

_ = world


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


def subscribe(world: World, receiver: Receiver, *types: str, name: str = "bokning") -> tuple[Any, str]:
    from samklang.hub.telling.subscriptions import subscribe

    return subscribe(world.tenant, name, receiver.url, types)


def tell(world: World, *types: str) -> None:
    from samklang.hub.events import Happening
    from samklang.hub.events import tell as tell_of

    with transaction.atomic():
        tell_of(world.tenant.pk, [Happening(type_, "nordljus/1001", {"order": "nordljus/1001"}) for type_ in types])


def send(row: Any) -> int:
    from samklang.hub.telling.outbox import send as send_all

    row.refresh_from_db()
    return send_all(row)


def hurry(row: Any, state: str = "due") -> None:
    """Whatever waits is due now, and the breaker closed."""
    from samklang.hub.models import Message, Subscription

    Message.objects.filter(subscription=row, state=state).update(due_at=0)
    Subscription.objects.filter(pk=row.pk).update(open_until=0)


# ------------------------------------------------------------------------------------------------ what is told


def test_the_signature_is_that_of_the_standard_itself() -> None:
    """The example of standardwebhooks.com."""
    from samklang.hub.telling.outbox import signatures

    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = signatures([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_orders_way_is_told_signed_and_without_a_buyers_data(world: World, receiver: Receiver) -> None:
    row, secret = subscribe(world, receiver)
    world.flow("customer", "shop", "erp")
    world.flow("order", "shop", "erp")
    world.shop.put(order("1001"), id_="17")
    world.read("shop", "orders")
    world.deliver("erp", "customer")
    world.deliver("erp", "order")
    world.shop.put(order("1001", note="vid dörren"), id_="17")
    world.read("shop", "orders")
    assert send(row) == 3
    assert sorted(receiver.types) == ["order.changed", "order.created", "order.transferred"]
    assert all(one.signed_with(secret) and abs(int(one.headers["webhook-timestamp"]) - time.time()) < 60
               for one in receiver.told)  # fmt: skip
    told = next(one.event for one in receiver.told if one.event["type"] == "order.transferred")
    assert told["data"] == {
        "tenant": "nordljus", "order": "nordljus/1001", "key": "nordljus/1001", "record": "order", "connection": "erp",
    }  # fmt: skip
    assert len({one.headers["webhook-id"] for one in receiver.told}) == 3
    assert not any("anna" in one.body.decode().lower() for one in receiver.told)


def test_problems_pauses_brakes_failures_and_configurations_are_told(world: World, receiver: Receiver) -> None:
    from samklang.hub import links, problems
    from samklang.hub.setup import config, connecting

    row, _ = subscribe(world, receiver)
    trouble = problems.Trouble("out", "order", "nordljus/1001", Rejected("'anna@example.se' is no e-mail"))
    problems.report(world.tenant.pk, world.erp_row.pk, [trouble])
    problems.report(world.tenant.pk, world.erp_row.pk, [trouble])
    problems.clear(world.tenant.pk, world.erp_row.pk, "out", "order", ["nordljus/1001"])
    connecting.pause(world.erp_row, "stocktaking")
    links.resume(world.erp_row)
    links.resume(world.erp_row)
    config.write_version(world.tenant, "test")
    world.flow("product", "erp", "shop")

    def refuse(feed: str, n: int) -> None:
        raise LoginRefused("no")

    world.erp.before_read = refuse
    world.erp.put(product("A-1"))
    world.erp_row.refresh_from_db()
    world.read("erp", "catalogue")
    send(row)
    assert sorted(receiver.types) == [
        "configuration.changed", "connection.paused", "connection.paused", "connection.resumed",
        "problem.closed", "problem.opened", "problem.opened", "transfer.failed",
    ]  # fmt: skip
    assert not any("anna" in one.body.decode() for one in receiver.told)


def test_only_what_was_asked_for_is_told_and_nothing_is_kept_without_a_subscription(
    world: World, receiver: Receiver
) -> None:
    from samklang.hub.models import Event

    tell(world, "order.created")
    assert not Event.objects.exists()
    row, _ = subscribe(world, receiver, "order.stopped")
    tell(world, "order.created", "order.stopped")
    send(row)
    assert receiver.types == ["order.stopped"]
    assert Event.objects.count() == 1


def test_what_is_rolled_back_is_not_told(world: World, receiver: Receiver) -> None:
    row, _ = subscribe(world, receiver)
    with pytest.raises(RuntimeError), transaction.atomic():
        tell(world, "order.created")
        raise RuntimeError
    assert send(row) == 0


def test_another_tenants_events_are_not_heard(world: World, receiver: Receiver) -> None:
    from samklang.hub.models import Tenant
    from samklang.hub.telling.subscriptions import subscribe

    other, _ = subscribe(Tenant.objects.create(slug="other", name="Annan"), "mine", receiver.url)
    tell(world, "order.created")
    assert send(other) == 0


# ------------------------------------------------------------------------------------------------ until it arrives


def test_what_is_not_taken_comes_again_later_under_the_same_number(world: World, receiver: Receiver) -> None:
    from samklang.hub.models import Message

    row, secret = subscribe(world, receiver)
    tell(world, "order.created")
    receiver.status = 503
    assert send(row) == 0
    message = Message.objects.get()
    assert (message.state, message.attempts, message.status) == ("due", 1, 503)
    assert message.error == "The receiver answered 503"
    assert 4 < message.due_at - time.time() < 6
    assert send(row) == 0 and len(receiver.told) == 1, "not yet"
    hurry(row)
    receiver.status = 200
    assert send(row) == 1
    first, second = receiver.told
    assert first.headers["webhook-id"] == second.headers["webhook-id"] and first.body == second.body
    assert second.signed_with(secret)
    assert send(row) == 0, "what was taken is not told again"


def test_a_receiver_that_asks_for_quiet_is_given_it(world: World, receiver: Receiver) -> None:
    from samklang.hub.models import Message

    row, _ = subscribe(world, receiver)
    receiver.status, receiver.headers = 429, {"Retry-After": "600"}
    tell(world, "order.created")
    send(row)
    assert 590 < Message.objects.get().due_at - time.time() < 610


def test_a_message_is_left_after_its_last_try_and_can_be_replayed(world: World, receiver: Receiver) -> None:
    from samklang.hub.models import Message
    from samklang.hub.telling import outbox

    row, _ = subscribe(world, receiver)
    tell(world, "order.created")
    receiver.status = 500
    for _ in range(len(outbox.PAUSES) + 1):
        hurry(row)
        send(row)
    message = Message.objects.get()
    assert (message.state, message.attempts) == ("failed", len(outbox.PAUSES) + 1)
    receiver.status = 200
    hurry(row)
    assert outbox.replay(row, timezone.now() - timedelta(hours=1), only_failed=True) == 1
    assert send(row) == 1


def test_a_redirect_is_no_success_and_is_not_followed(world: World, receiver: Receiver) -> None:
    row, _ = subscribe(world, receiver)
    receiver.status, receiver.headers = 302, {"Location": receiver.url}
    tell(world, "order.created")
    assert send(row) == 0
    assert len(receiver.told) == 1


def test_a_dead_receiver_rests_ever_longer_and_costs_the_others_nothing(world: World, receiver: Receiver) -> None:
    from samklang.hub.telling import outbox

    receiver.status = 500
    dead, _ = subscribe(world, receiver)
    for _ in range(3):
        tell(world, *["order.created"] * 40)
        send(dead)
    dead.refresh_from_db()
    assert dead.open_until > time.time() + 5
    calls = len(receiver.told)
    assert send(dead) == 0 and outbox.due() == []
    assert len(receiver.told) == calls <= 4 * 32
    at = outbox.next_due(dead)
    assert at is not None and at >= dead.open_until


def test_a_receiver_that_takes_nothing_for_three_days_is_given_up_with_a_problem(
    world: World, receiver: Receiver
) -> None:
    from samklang.hub.models import Message, Problem, Subscription
    from samklang.hub.telling import outbox, subscriptions

    row, _ = subscribe(world, receiver)
    tell(world, "order.created")
    receiver.status = 500
    send(row)
    Subscription.objects.filter(pk=row.pk).update(failing_since=time.time() - outbox.GIVE_UP - 1)
    hurry(row)
    send(row)
    row.refresh_from_db()
    assert row.state == "given up" and "500" in row.reason
    problem = Problem.objects.get(closed_at=None)
    assert "'bokning' is told nothing more" in problem.what and problem.do_this.endswith(".")
    tell(world, "order.changed")
    hurry(row)
    assert send(row) == 0 and outbox.due() == []

    receiver.status = 200
    subscriptions.switch_on(row)
    assert not Problem.objects.filter(closed_at=None).exists()
    receiver.told.clear()
    assert send(row) == 2, "what waited, and that the problem is over"
    assert sorted(receiver.types) == ["order.created", "problem.closed"]
    assert outbox.replay(row, timezone.now() - timedelta(hours=1)) == 4, "also what it missed"
    receiver.told.clear()
    assert send(row) == 4
    assert sorted(receiver.types) == ["order.changed", "order.created", "problem.closed", "problem.opened"]
    assert Message.objects.filter(state="done").count() == 4


def test_one_that_says_that_it_is_gone_is_given_up_at_once(world: World, receiver: Receiver) -> None:
    row, _ = subscribe(world, receiver)
    tell(world, "order.created")
    receiver.status = 410
    send(row)
    row.refresh_from_db()
    assert (row.state, row.reason) == ("given up", "The receiver says that it is gone (410)")


def test_two_workers_do_not_send_side_by_side(world: World, receiver: Receiver) -> None:
    from samklang.hub import leases

    row, _ = subscribe(world, receiver)
    tell(world, "order.created")
    with leases.holding(world.tenant.pk, f"post-{row.pk}") as held:
        assert held
        assert send(row) == 0
    assert send(row) == 1


# ------------------------------------------------------------------------------------------------ by hand


def test_a_test_is_sent_at_once_and_its_answer_told(world: World, receiver: Receiver) -> None:
    from samklang.hub.telling import outbox

    row, secret = subscribe(world, receiver, "order.stopped")
    message = outbox.test(row)
    assert (message.state, message.status, receiver.types) == ("done", 204, ["webhook.test"])
    assert receiver.told[0].signed_with(secret)
    receiver.status = 401
    message = outbox.test(row)
    assert (message.state, message.error) == ("failed", "The receiver answered 401")


def test_a_new_secret_and_the_old_one_both_sign_for_a_day(world: World, receiver: Receiver) -> None:
    from samklang.hub import secrets
    from samklang.hub.telling import subscriptions

    row, old = subscribe(world, receiver)
    new = subscriptions.rotate(row)
    tell(world, "order.created")
    send(row)
    assert receiver.told[0].signed_with(old) and receiver.told[0].signed_with(new)
    assert len(subscriptions.keys(row, time.time() + 86_500)) == 1
    assert old.encode() not in bytes(row.secrets) and new.encode() not in bytes(row.secrets)
    secrets.rotate()
    row.refresh_from_db()
    assert subscriptions.keys(row, time.time() + 86_500) == [base64.b64decode(new.removeprefix("whsec_"))]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://example.com/", "no address that can be told"),
        ("https://", "no address that can be told"),
        ("https://user:word@127.0.0.1/", "no address that can be told"),
        ("http://[", "no web address"),
        ("https://127.0.0.1:99999/", "no web address"),
        ("https://10.0.0.7/", "inside our own network"),
        ("https://[::1]/", "inside our own network"),
        ("https://169.254.169.254/latest/meta-data", "inside our own network"),
        ("http://8.8.8.8/", "encrypted"),
        ("https://nothing.invalid/", "leads nowhere"),
        (f"https://{'x' * 70}.example/", "leads nowhere"),
    ],
)
def test_an_address_that_must_not_be_called_is_refused(world: World, url: str, words: str) -> None:
    from samklang.hub.telling.subscriptions import subscribe

    with pytest.raises(Misconfigured, match=words) as refused:
        subscribe(world.tenant, "x", url)
    assert refused.value.where == "url" and refused.value.do_this.endswith(".")


def test_an_address_that_turns_inward_later_is_not_called(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings

    from samklang.hub.models import Message

    row, _ = subscribe(world, receiver)
    monkeypatch.setattr(settings, "ALLOW_PRIVATE", ())
    tell(world, "order.created")
    assert send(row) == 0
    assert receiver.told == []
    assert "inside our own network" in Message.objects.get().error


def test_names_are_unique_types_known_and_there_is_an_end_to_it(world: World, receiver: Receiver) -> None:
    from samklang.hub.telling import subscriptions

    first, _ = subscribe(world, receiver)
    with pytest.raises(Misconfigured, match="already"):
        subscribe(world, receiver)
    with pytest.raises(Misconfigured, match=r"no event order\.eaten"):
        subscribe(world, receiver, "order.eaten", name="b")
    for n in range(subscriptions.MOST - 1):
        subscribe(world, receiver, name=f"n{n}")
    with pytest.raises(Misconfigured, match="20 webhooks"):
        subscribe(world, receiver, name="one more")
    subscriptions.change(first, "first", receiver.url, ["order.stopped"], on=False)
    first.refresh_from_db()
    assert (first.name, first.types, first.state) == ("first", ["order.stopped"], "off")
    subscriptions.remove(first)
    subscribe(world, receiver, name="one more")


# ------------------------------------------------------------------------------------------------ the engine


def test_the_engine_finds_what_waits_sends_it_and_comes_again(world: World, receiver: Receiver) -> None:
    row, _ = subscribe(world, receiver)
    tell(world, "order.created")
    idle = Embedded(lambda job, engine: None)
    work.tick(idle)
    job = post_job(world.tenant.pk, row.pk)
    assert job in {state.job for state in idle.jobs()}
    receiver.status = 500
    later = Embedded(lambda job, engine: None)
    work.perform(job, later)
    (state,) = later.jobs()
    assert state.job == job and 4 < state.due_in < 6
    assert len(receiver.told) == 1


def test_a_job_that_makes_news_wakes_the_sending_at_once(world: World, receiver: Receiver) -> None:
    from samklang.engine.port import Job

    row, _ = subscribe(world, receiver)
    world.flow("order", "shop", "erp")
    world.shop.put(order("1001"))
    idle = Embedded(lambda job, engine: None)
    work.perform(Job("read", world.shop_row.pk, "orders", 0, world.tenant.pk), idle)
    assert post_job(world.tenant.pk, row.pk) in {state.job for state in idle.jobs()}


def test_old_events_age_out_with_their_messages(world: World, receiver: Receiver) -> None:
    from samklang.hub.keeping import retention
    from samklang.hub.models import Event, Message

    subscribe(world, receiver)
    tell(world, "order.created", "order.changed")
    old = Event.objects.order_by("pk").first()
    assert old is not None
    Event.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=31))
    assert retention.age_out(5)
    assert (Event.objects.count(), Message.objects.count()) == (1, 1)
