"""PayPal's days, judged by its own document: each proves itself by the balances, once it has ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from samklang.accounting.intake import accept
from samklang.accounting.statements.base import Statement, Unreadable
from samklang.accounting.statements.reading import read_statement
from samklang.connectors.checks.stand import MemoryTokens
from samklang.connectors.contract import Paper, Surroundings
from samklang.connectors.errors import BadAnswer, LoginRefused, Misconfigured, Rejected
from samklang.connectors.paypal import PayPal, client
from samklang.sandboxes.base import serve
from samklang.sandboxes.paypal import CLIENT, SECRET, PayPalSandbox
from tests.contract import paypal_document
from tests.contract.openapi import Checked
from tests.contract.papers import read

NOON = datetime(2026, 3, 6, 12, tzinfo=UTC)


class Desk:
    """An account at PayPal on the network, and connections to it."""

    def __init__(self, account: PayPalSandbox, base: str, at: list[datetime]) -> None:
        self.account, self.base, self.at = account, base, at
        self.calls = 0

    def day(self, n: int, hours: int = 0) -> None:
        """It is noon (UTC) of the nth day, or so many hours later."""
        self.at[0] = NOON + timedelta(days=n, hours=hours)

    def connect(self, **more: Any) -> PayPal:
        def count(_: object) -> None:
            self.calls += 1

        around = Surroundings(
            capture=count, tokens=MemoryTokens(), now=lambda: self.at[0].timestamp(), allow_private=lambda _: True
        )
        return PayPal({"client_id": CLIENT, "client_secret": SECRET, "api_address": self.base, **more}, around)

    def papers(self, *known: str, **more: Any) -> list[Paper]:
        connector = self.connect(**more)
        try:
            return list(connector.statements(NOON.date(), set(known).__contains__))
        finally:
            connector.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    at = [NOON]
    account = PayPalSandbox(lambda: at[0])
    checked = Checked(account.app, paypal_document.load())
    with serve(checked) as base:
        yield Desk(account, base, at)
    assert checked.found == []


def test_each_day_is_a_statement_that_leads_from_balance_to_balance(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_PAGE", 2)
    sale = desk.account.pay("800.00", "1004")
    desk.account.pay("100.00", "1005")
    desk.account.pay("20.00", "1006", "EUR")
    desk.day(1)
    desk.account.refund(sale, "800.00")
    desk.account.withdraw("60.00")
    desk.account.hold(sale)
    desk.day(3)
    found = desk.papers()
    assert [(paper.name, bool(paper.data)) for paper in found] == [
        ("paypal-2026-03-06.json", True), ("paypal-2026-03-07.json", True), ("paypal-2026-03-08.json", False),
    ]  # fmt: skip
    euro, first = read_statement(found[0].data)
    assert isinstance(first, Statement) and isinstance(euro, Statement)
    assert [(line.kind, line.amount, line.order_ref) for line in first.lines] == [
        ("sale", Decimal("800.00"), "1004"), ("fee", Decimal("-26.45"), "1004"),
        ("sale", Decimal("100.00"), "1005"), ("fee", Decimal("-6.15"), "1005"),
    ]  # fmt: skip
    assert (first.opening, first.closing, euro.closing) == (0, Decimal("867.40"), Decimal("16.17"))
    second = read(found[1])
    assert [line.kind for line in second.lines] == ["refund", "payout", "holdback"]
    assert second.opening == first.closing and second.payout == 60
    assert len(accept([first, euro, second], {}).statements) == 3


def test_a_day_comes_once_and_four_hours_after_its_end_in_the_account_s_zone(desk: Desk) -> None:
    desk.account.pay("100.00")
    desk.day(0, hours=12 + 2)  # 03:00 in Stockholm
    assert desk.papers() == []
    desk.day(0, hours=12 + 3)
    (paper,) = desk.papers()
    assert paper.name == "paypal-2026-03-06.json"
    desk.calls = 0
    assert desk.papers(paper.name) == [] and desk.calls == 0
    assert desk.papers(time_zone="America/Los_Angeles") == []
    with pytest.raises(Misconfigured, match="no time zone"):
        desk.papers(time_zone="Bengtsfors")


def test_what_waited_belongs_to_the_day_on_which_it_moved_the_balance(desk: Desk) -> None:
    waits = desk.account.pay("500.00", "1001", waits=True)
    desk.account.pay("100.00", "1002")
    desk.day(1)
    (paper,) = desk.papers()
    first = read(paper)
    assert [line.order_ref for line in first.lines if line.kind == "sale"] == ["1002"]
    assert [line.order_ref for line in first.pending if line.kind == "sale"] == ["1001"]
    desk.day(2)
    desk.account.clear(waits)
    desk.account.pay("10.00", "1003")
    desk.day(3)
    again, _, third = desk.papers()
    assert [line.order_ref for line in read(third).lines if line.kind == "sale"] == ["1003", "1001"]
    seen = accept([first], {}).seen
    (problem,) = accept([read(again)], seen).problems
    assert problem.code == "DUPLICATE_STATEMENT", "read later, the first day is what it was"


def test_a_day_that_does_not_add_up_is_refused_by_its_difference(desk: Desk) -> None:
    gone = desk.account.pay("100.00")
    desk.account.pay("50.00")
    desk.day(1)
    desk.account.moved[gone].began -= timedelta(days=60)
    (paper,) = desk.papers()
    with pytest.raises(Unreadable) as refusal:
        read(paper)
    assert refusal.value.problem.amount == Decimal("-93.85")


def test_too_many_transactions_are_asked_for_in_parts(desk: Desk) -> None:
    for n in range(6):
        desk.at[0] = NOON + timedelta(minutes=n)
        desk.account.pay("10.00", str(n))
    desk.account.most = 2
    desk.day(1)
    (paper,) = desk.papers()
    assert [line.order_ref for line in read(paper).lines if line.kind == "sale"] == [*"012345"]
    desk.account.most = 0
    with pytest.raises(Rejected, match="too large"):
        desk.papers()


def test_what_paypal_cannot_tell_of_yet_and_a_wrong_secret_are_told(desk: Desk) -> None:
    desk.account.pay("10.00")
    assert desk.connect().check().title == "PayPal (SEK)"
    desk.day(1)
    desk.account.until = NOON + timedelta(hours=3)
    with pytest.raises(BadAnswer, match="until 2026-03-06T15:00:00"):
        desk.papers()
    with pytest.raises(LoginRefused):
        desk.connect(client_secret="another").check()
