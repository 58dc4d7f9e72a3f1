"""Nexi's payouts: the stand-in against the documents, and what our readers make of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from samklang.accounting.statements.base import Statement
from samklang.accounting.statements.reading import read_statement
from samklang.connectors.checks.stand import MemoryTokens
from samklang.connectors.contract import Surroundings
from samklang.connectors.errors import BadAnswer, LoginRefused
from samklang.connectors.nets_easy import NetsEasy, payouts
from samklang.sandboxes.base import serve
from samklang.sandboxes.nets_easy import SECRET_KEY, NetsSandbox
from tests.contract import nets_easy_document
from tests.contract.openapi import Checked
from tests.contract.test_nets_easy import NOON


class Desk(NamedTuple):
    """An account at Nexi on the network, judged by the documents."""

    account: NetsSandbox
    base: str
    now: list[datetime]

    def connect(self, **more: Any) -> NetsEasy:
        around = Surroundings(
            capture=lambda _: None, tokens=MemoryTokens(), now=lambda: self.now[0].timestamp(),
            allow_private=lambda _: True,
        )  # fmt: skip
        return NetsEasy({"secret_key": SECRET_KEY, "api_address": self.base, **more}, around)

    def statements(self, *known: str, days: int = 0) -> dict[str, Statement]:
        connector = self.connect()
        since = (NOON + timedelta(days=days)).date()
        found = {}
        for paper in connector.statements(since, known.__contains__):
            (made,) = read_statement(paper.data)
            assert isinstance(made, Statement)
            found[paper.name] = made
        connector.close()
        return found

    def sell(self, amount: int, number: str) -> str:
        payment = self.account.reserve(amount, reference=number)
        self.account.charge(payment, amount)
        return payment


@pytest.fixture
def desk() -> Iterator[Desk]:
    now = [NOON]
    account = NetsSandbox(lambda: now[0])
    checked = Checked(account.app, nets_easy_document.load())
    with serve(checked) as base:
        yield Desk(account, base, now)
    assert checked.found == []


def test_each_payout_comes_whole_and_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payouts, "_PAGE", 2)
    first = desk.sell(125_000, "1001")
    desk.sell(99_950, "1002")
    desk.account.refund(first, 25_000)
    ids = [desk.account.pay_out()]
    for day in (1, 2):
        desk.now[0] = NOON + timedelta(days=day)
        desk.sell(10_000 * day, f"200{day}")
        ids.append(desk.account.pay_out())
    found = desk.statements()
    assert list(found) == [f"nets-{id_}.json" for id_ in ids], "oldest first"
    made = found[f"nets-{ids[0]}.json"]
    assert [(line.kind, line.amount, line.order_ref) for line in made.lines if line.kind in ("sale", "refund")] == [
        ("sale", Decimal("1250.00"), "1001"), ("refund", Decimal("-250.00"), "1001"),
        ("sale", Decimal("999.50"), "1002"),
    ]  # fmt: skip
    shown = desk.account.reports.payouts[ids[0]]
    assert (made.payout * 100, made.reference) == (shown["amount"], shown["reference"])
    assert -made.total("fee") * 100 == shown["fees"]
    assert list(desk.statements(f"nets-{ids[1]}.json", days=1)) == [f"nets-{ids[2]}.json"]


def test_refunds_may_carry_a_minus_and_deposits_are_seen(desk: Desk) -> None:
    desk.account.reports.refund_sign = -1
    desk.account.refund(desk.sell(125_000, "1001"), 25_000)
    desk.account.pay_out(deposited=5_000)
    (made,) = desk.statements().values()
    assert made.total("refund") == -250 and made.total("adjustment") == 50


def test_a_payout_that_ends_early_or_a_wrong_key_is_told(desk: Desk) -> None:
    desk.sell(50_000, "1001")
    desk.account.pay_out()
    desk.account.reports.lost = 1
    with pytest.raises(BadAnswer, match="Only 0 payment actions of 1 came"):
        desk.statements()
    with pytest.raises(LoginRefused):
        list(desk.connect(secret_key="another").statements(NOON.date(), lambda _: False))
