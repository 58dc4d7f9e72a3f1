"""Captures, refunds and voids through the hub at the providers' own connectors, each on its sandbox: whatever answer
is lost and however often an event comes, the money moves once."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from samklang.hub.delivery import retry
from samklang.hub.models import Binding, Connection, Problem
from samklang.hub.setup import config
from samklang.records import LineStatus, OrderStatus, PaymentTransaction, Return, ReturnLine
from samklang.sandboxes.base import Fault, Faulty, serve
from samklang.sandboxes.klarna import PASSWORD, USER, KlarnaSandbox
from samklang.sandboxes.nets_easy import SECRET_KEY, NetsSandbox
from tests.hub.conftest import World, order
from tests.hub.test_order_life import KEY, Warehouse


class Shop(Warehouse):
    """A shop and a warehouse as boxes, and a provider's connector on its sandbox. `at` is the provider's clock."""

    def __init__(self, name: str, base: str, sandbox: Any, faulty: Faulty, at: list[datetime]) -> None:
        super().__init__()
        self.provider, self.sandbox, self.faulty, self.at = name, sandbox, faulty, at
        row, klarna = self.row("psp"), name == "klarna"
        row.connector, row.settings = name, {"api_address": base, **({"username": USER} if klarna else {})}
        row.save()
        config.set_secrets(row, {"password": PASSWORD} if klarna else {"secret_key": SECRET_KEY})

    def place(self, *skus: str, no: str = "1001", **more: Any) -> str:
        """A buyer orders and pays at the provider; gives the order's id in the shop."""
        made = order(no, *skus, **more)
        pay = self.sandbox.authorise if self.provider == "klarna" else self.sandbox.reserve
        self.payment = pay(int(made.gross * 100), reference=no)
        auth = PaymentTransaction(
            kind="authorise", provider="klarna", amount=made.gross, at=made.placed_at, provider_id=self.payment
        )
        self.order = msgspec.structs.replace(made, payment="authorised", payments=(auth,))
        return self.shop.put(self.order, f"o{no}")

    def settle(self, rounds: int = 3, *types: str) -> None:
        """All that is due is done, as the engine does it in the end."""
        for _ in range(rounds):
            Binding.objects.filter(state="due").update(due_at=0)
            Connection.objects.update(open_until=0, faults=0)
            self.go(*types)

    def moved(self) -> tuple[list[int], list[int], int]:
        """(captures, refunds, what is still held) at the provider, in öre."""
        held: Any
        if self.provider == "klarna":
            held = self.sandbox.orders[self.payment]
            taken, left = held.captures, held.remaining
        else:
            held = self.sandbox.payments[self.payment]
            taken, left = held.charges, held.reserved - held.charged - held.cancelled
        return [one.amount for one in taken], [one.amount for one in held.refunds], left


@pytest.fixture
def home() -> str:
    """One database will do: what the hub does with records is tried on both elsewhere."""
    return "sqlite"


@pytest.fixture(params=["klarna", "nets_easy"])
def trade(request: pytest.FixtureRequest, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    from samklang.hub.models import Tenant

    Tenant.objects.all().delete()
    hurried = SimpleNamespace(sleep=lambda _: None, perf_counter=time.perf_counter, time=time.time)
    monkeypatch.setattr("samklang.connectors.transport.time", hurried)  # no pause before a repetition
    at = [datetime(2026, 11, 2, 9, 30, tzinfo=UTC)]
    kind = KlarnaSandbox if request.param == "klarna" else NetsSandbox
    sandbox = kind(lambda: at[0])
    faulty = Faulty(sandbox.app)
    with serve(faulty) as base:
        yield Shop(request.param, base, sandbox, faulty, at)


def test_a_shipment_heard_of_twice_is_captured_once_at_the_provider(trade: Shop) -> None:
    """J-13: e2e with a provider: double event → one capture; refund and capture find each other."""
    trade.place("A", "B")
    trade.go()
    trade.faulty.faults = [Fault("lost", times=1, method="POST")]
    for _ in range(2):
        trade.sends("1", "0")
        trade.says(fulfilment="partly_shipped")
        trade.settle(2)
    assert trade.moved() == ([12500], [], 12500)
    trade.sends("2", "1")
    trade.says(fulfilment="shipped")
    trade.settle()
    assert trade.moved() == ([12500, 12500], [], 0)
    back = Return(
        order="", number="R1", reason="regret", state="received",
        lines=(ReturnLine(sku="A", line_id="0", quantity=Decimal(1)),),
    )  # fmt: skip
    trade.wms.put(back, "R1", parent=trade.at_wms())
    trade.settle()
    assert trade.moved() == ([12500, 12500], [12500], 0)
    assert not Problem.objects.filter(closed_at=None).exists()
    assert trade.told()[-1].fulfilment == "shipped"


def test_a_cancelled_order_is_let_go_at_the_provider(trade: Shop) -> None:
    """J-11: Makulerad."""
    id_ = trade.place("A")
    trade.go()
    trade.shop.put(msgspec.structs.replace(trade.order, lifecycle="cancelled"), id_)
    trade.settle()
    assert trade.moved() == ([], [], 0)
    assert not Problem.objects.filter(closed_at=None).exists()


def test_what_the_warehouse_never_sends_is_let_go_or_becomes_a_task(trade: Shop) -> None:
    """O-09: Klarna releases the rest; Nexi's API cannot, so a person is told."""
    trade.place("A", "B")
    trade.go()
    trade.sends("1", "0")
    lines = (
        LineStatus(line_id="0", sku="A", ordered=Decimal(1), shipped=Decimal(1)),
        LineStatus(line_id="1", sku="B", ordered=Decimal(1), cancelled=Decimal(1)),
    )
    trade.wms.put(OrderStatus(order="", raw="sent", fulfilment="shipped", lines=lines), "s", parent=trade.at_wms())
    trade.settle()
    tasks = [problem.what for problem in Problem.objects.filter(closed_at=None)]
    if trade.provider == "klarna":
        assert trade.moved() == ([12500], [], 0)
        assert tasks == []
    else:
        assert trade.moved() == ([12500], [], 12500)
        assert len(tasks) == 1 and "Release the rest" in tasks[0]


def test_an_expired_authorisation_is_a_problem_and_the_shop_is_not_told_that_it_was_sent(trade: Shop) -> None:
    """J-13: failure = exception, goods may not be 'sent' silently unpaid."""
    trade.place("A")
    trade.go()
    trade.sandbox.expire(trade.payment)
    trade.sends("1")
    trade.says(fulfilment="shipped")
    trade.settle()
    (problem,) = Problem.objects.filter(closed_at=None)
    assert "expired" in problem.what and "pay in another way" in problem.do_this
    assert trade.moved()[0] == []
    assert trade.told()[-1].fulfilment != "shipped"


@pytest.mark.parametrize("seed", range(3))
def test_lost_answers_dead_workers_and_days_between_never_move_money_twice(trade: Shop, seed: int) -> None:
    """J-13, at random: faults at the provider, a worker that dies after a call, keys that run out."""
    dice = random.Random(seed)
    trade.place("A", "B", "A")
    trade.go()
    for number, line in enumerate(("0", "1", "2"), 1):
        trade.sends(str(number), line)
        trade.says(fulfilment="shipped" if number == 3 else "partly_shipped")
        for _ in range(dice.randint(1, 4)):
            kind = dice.choice(("lost", "500", "cut", "429"))
            trade.faulty.faults = [
                Fault(kind, times=dice.randint(1, 4), after=dice.randint(0, 3), seconds=dice.choice((0, 900)))
            ]
            trade.settle(1, "capture")
            if dice.random() < 0.4:  # a worker dies: what it had in hand is in doubt for the next
                done = Binding.objects.filter(connection=trade.row("psp"), type="capture", state="idle")
                done.update(state="due", doubt=True, delivered=None, external_id=None, due_at=time.time())
            trade.at[0] += timedelta(hours=dice.choice((0, 1, 25)))
        trade.faulty.faults = []
    retry(trade.tenant.pk, trade.row("psp").pk)
    trade.settle()
    assert sorted(trade.moved()[0]) == [12500] * 3
    done = Binding.objects.filter(connection=trade.row("psp"), type="capture", state="idle")
    assert sorted(done.values_list("key", flat=True)) == [f"{KEY}#{n}" for n in (1, 2, 3)]
