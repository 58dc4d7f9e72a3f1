"""Klarna's payouts: the stand-in against the vendor's document, and what our readers make of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import pytest
import urllib3

from samklang.accounting.statements.base import Statement
from samklang.accounting.statements.reading import read_statement
from samklang.connectors.checks.stand import MemoryTokens
from samklang.connectors.contract import Surroundings
from samklang.connectors.errors import BadAnswer, LoginRefused
from samklang.connectors.klarna import Klarna, payouts
from samklang.sandboxes.base import serve
from samklang.sandboxes.klarna import PASSWORD, USER, KlarnaSandbox
from tests.contract import klarna_document
from tests.contract.openapi import Checked
from tests.contract.test_klarna import NOON


class Desk(NamedTuple):
    """An account at Klarna on the network, judged by the document."""

    account: KlarnaSandbox
    base: str

    def get(self, path: str, **query: Any) -> Any:
        headers = urllib3.make_headers(basic_auth=f"{USER}:{PASSWORD}")
        answer = urllib3.request("GET", f"{self.base}/settlements/v1/{path}", fields=query, headers=headers)
        return msgspec.json.decode(answer.data)

    def connect(self, **more: Any) -> Klarna:
        around = Surroundings(
            capture=lambda _: None, tokens=MemoryTokens(), now=NOON.timestamp, allow_private=lambda _: True
        )
        return Klarna({"username": USER, "password": PASSWORD, "api_address": self.base, **more}, around)

    def sell(self, amount: int, number: str) -> str:
        """A captured order; its id."""
        order = self.account.authorise(amount, reference=number)
        self.account.capture(order, amount)
        return order

    def as_json(self, reference: str) -> Statement:
        payout = self.get(f"payouts/{reference}")
        rows = self.get("transactions", payment_reference=reference, size=500)
        return _read(msgspec.json.encode({"payout": payout, "transactions": rows}))


def _read(data: bytes) -> Statement:
    (made,) = read_statement(data)
    assert isinstance(made, Statement)
    return made


@pytest.fixture
def desk() -> Iterator[Desk]:
    now: list[datetime] = [NOON]
    account = KlarnaSandbox(lambda: now[0])
    checked = Checked(account.app, klarna_document.settlements())
    with serve(checked) as base:
        yield Desk(account, base)
    assert checked.found == []


def test_report_and_api_tell_the_same_payout(desk: Desk) -> None:
    first = desk.sell(125_000, "1001")
    desk.sell(99_950, "1002")
    desk.account.refund(first, 25_000)
    reference = desk.account.pay_out()
    report, api = _read(desk.account.report(reference).encode()), desk.as_json(reference)
    assert [(line.kind, line.amount, line.order_ref) for line in report.lines] == [
        (line.kind, line.amount, line.order_ref) for line in api.lines
    ]
    assert (report.key, report.payout, report.closing) == (api.key, api.payout, Decimal(0))
    sales = [line.amount for line in report.lines if line.kind in ("sale", "refund")]
    assert sorted(sales) == [Decimal("-250.00"), Decimal("999.50"), Decimal("1250.00")]
    assert desk.account.balance() == 0
    (listed,) = desk.get("payouts", start_date="2020-01-01T00:00:00Z")["payouts"]
    assert listed["payment_reference"] == reference


def test_more_returns_than_sales_are_a_debt_that_the_next_payout_repays(desk: Desk) -> None:
    """Edge case 7."""
    order = desk.sell(100_000, "1001")
    desk.account.pay_out()
    desk.account.refund(order, 100_000)
    owing = desk.as_json(desk.account.pay_out())
    assert (owing.payout, owing.closing, desk.account.balance()) == (0, Decimal("-1000.00"), -100_000)
    desk.sell(300_000, "1002")
    paid = desk.as_json(desk.account.pay_out())
    assert paid.opening == Decimal("-1000.00") and paid.closing == 0
    fees = sum(line.amount for line in paid.lines if line.kind.startswith("fee"))
    assert paid.payout == 2000 + fees and desk.account.balance() == 0


def test_the_connector_gives_each_payout_with_all_its_transactions(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payouts, "_PAGE", 2)
    references = []
    for number in ("1001", "1002"):
        desk.sell(50_000, number)
        references.append(desk.account.pay_out())
    connector = desk.connect()
    found = list(connector.statements(NOON.date(), lambda _: False))
    assert [paper.name for paper in found] == sorted(f"klarna-{one}.json" for one in references)
    by_name = {paper.name: paper.data for paper in found}
    for one in references:
        assert _read(by_name[f"klarna-{one}.json"]).lines == desk.as_json(one).lines
    known = {f"klarna-{references[0]}.json"}
    assert [paper.name for paper in connector.statements(NOON.date(), known.__contains__)] == [
        f"klarna-{references[1]}.json"
    ]
    assert list(connector.statements(NOON.date() + timedelta(days=1), lambda _: False)) == []
    connector.close()


def test_a_list_that_ends_early_is_no_payout(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.sell(50_000, "1001")
    desk.account.pay_out()
    connector = desk.connect()
    monkeypatch.setattr(desk.account.settlements, "lost", 1)
    with pytest.raises(BadAnswer, match="Only 2 transactions of 3 came"):
        list(connector.statements(NOON.date(), lambda _: False))
    connector.close()


def test_a_key_of_another_region_is_told(desk: Desk) -> None:
    with pytest.raises(LoginRefused):
        list(desk.connect(password="another").statements(NOON.date(), lambda _: False))
