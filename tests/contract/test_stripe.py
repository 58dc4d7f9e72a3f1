"""Stripe's payouts, judged by its own document: each whole, once it is itemised."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from samklang.accounting.statements.base import Unreadable
from samklang.connectors.checks.stand import MemoryTokens
from samklang.connectors.contract import Paper, Surroundings
from samklang.connectors.errors import LoginRefused, Rejected
from samklang.connectors.stripe import Stripe, client
from samklang.sandboxes.base import serve
from samklang.sandboxes.stripe import KEY, StripeSandbox
from tests.contract import stripe_document
from tests.contract.openapi import Checked
from tests.contract.papers import read

NOON = datetime(2026, 3, 6, 12, tzinfo=UTC)


class Desk:
    """An account at Stripe on the network, and connections to it."""

    def __init__(self, account: StripeSandbox, base: str, at: list[datetime]) -> None:
        self.account, self.base, self.at = account, base, at

    def connect(self, **more: Any) -> Stripe:
        around = Surroundings(
            capture=lambda _: None, tokens=MemoryTokens(), now=NOON.timestamp, allow_private=lambda _: True
        )
        return Stripe({"key": KEY, "api_address": self.base, **more}, around)

    def papers(self, *known: str, days: int = 0) -> list[Paper]:
        connector = self.connect()
        try:
            return list(connector.statements(NOON.date() + timedelta(days=days), set(known).__contains__))
        finally:
            connector.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    at = [NOON]
    account = StripeSandbox(lambda: at[0])
    checked = Checked(account.app, stripe_document.load())
    with serve(checked) as base:
        yield Desk(account, base, at)
    assert checked.found == []


def test_a_payout_comes_whole_with_the_names_that_shops_remember(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_PAGE", 2)
    charge = desk.account.pay(66_100, "1002")
    desk.account.pay(10_000)
    desk.account.refund(charge, 6_100)
    desk.account.dispute(charge, 60_000)
    id_ = desk.account.pay_out()
    (paper,) = desk.papers()
    made = read(paper)
    assert paper.name == f"stripe-{id_}.json" and made.reference == id_
    sale = next(line for line in made.lines if line.kind == "sale" and line.order_ref)
    intent = desk.account.sources[charge]["payment_intent"]
    assert (sale.order_ref, sale.capture_id, sale.provider_order) == ("1002", charge, intent)
    amounts = {line.kind: line.amount for line in made.lines if line.provider_order == intent and line.amount < 0}
    assert (amounts["refund"], amounts["chargeback"]) == (Decimal(-61), Decimal(-600))
    assert next(line.parent_id for line in made.lines if line.kind == "chargeback") == charge
    assert made.test, "a test key's payouts are no money"
    assert desk.papers(paper.name) == []


def test_payouts_come_by_day_the_oldest_first_and_not_before_they_are_itemised(desk: Desk) -> None:
    names = []
    for day in (0, 1):
        desk.at[0] = NOON + timedelta(days=day)
        desk.account.pay(10_000)
        names.append(f"stripe-{desk.account.pay_out()}.json")
    desk.account.pay(10_000)
    desk.account.pay_out(itemised=False)
    assert [paper.name for paper in desk.papers()] == names
    assert [paper.name for paper in desk.papers(days=1)] == names[1:]


def test_a_payout_by_hand_is_told_and_refused_with_what_to_do(desk: Desk) -> None:
    desk.account.pay(10_000)
    desk.account.pay_out(automatic=False)
    (paper,) = desk.papers()
    with pytest.raises(Unreadable, match="not itemised"):
        read(paper)


def test_a_wrong_key_and_a_refused_request_say_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert desk.connect().check().warnings, "a test key"
    with pytest.raises(LoginRefused):
        desk.connect(key="rk_test_another").check()
    with pytest.raises(Rejected, match="automatic payouts"):
        list(desk.connect().client.listed("/v1/balance_transactions", payout="po_none"))
