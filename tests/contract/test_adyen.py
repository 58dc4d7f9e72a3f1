"""Adyen's reports: by number, each once, whatever is lacking between them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from samklang.accounting.statements.base import Statement
from samklang.accounting.statements.reading import read_statement
from samklang.connectors.adyen import Adyen
from samklang.connectors.checks.stand import MemoryTokens
from samklang.connectors.contract import Exchange, Surroundings
from samklang.connectors.errors import BadAnswer, LoginRefused, Misconfigured
from samklang.sandboxes.adyen import ACCOUNT, COLUMNS, PASSWORD, USER, AdyenSandbox
from samklang.sandboxes.base import serve
from tests.contract.openapi import SPECS

NOON = datetime(2026, 3, 6, 12, tzinfo=UTC)


class Desk:
    """A merchant account at Adyen on the network, and connections to it."""

    def __init__(self, account: AdyenSandbox, base: str) -> None:
        self.account, self.base = account, base
        self.seen: list[Exchange] = []

    def connect(self, **more: Any) -> Adyen:
        around = Surroundings(
            capture=self.seen.append, tokens=MemoryTokens(), now=NOON.timestamp, allow_private=lambda _: True
        )
        settings = {
            "merchant_account": ACCOUNT, "user": USER, "password": PASSWORD, "first_batch": 12,
            "api_address": self.base,
        }  # fmt: skip
        return Adyen({**settings, **more}, around)

    def papers(self, *known: int, **more: Any) -> dict[int, bytes]:
        connector = self.connect(**more)
        names = {f"settlement_detail_report_batch_{n}.csv" for n in known}
        try:
            found = list(connector.statements(date(2026, 1, 1), names.__contains__))
        finally:
            connector.close()
        return {int(paper.name.rpartition("_")[2].removesuffix(".csv")): paper.data for paper in found}

    def batches(self, count: int) -> None:
        for _ in range(count):
            self.account.pay("100.00")
            self.account.close_batch()

    def lose(self, number: int) -> None:
        del self.account.reports[f"settlement_detail_report_batch_{number}.csv"]


@pytest.fixture
def desk() -> Iterator[Desk]:
    account = AdyenSandbox(lambda: NOON, 12)
    with serve(account.app) as base:
        yield Desk(account, base)


def test_a_batch_is_a_statement(desk: Desk) -> None:
    sale = desk.account.pay("1000.00", "1001")
    desk.account.refund(sale, "200.00")
    desk.account.close_batch()
    (made,) = read_statement(desk.papers()[12])
    assert isinstance(made, Statement)
    assert [(line.kind, line.amount, line.order_ref) for line in made.lines] == [
        ("sale", Decimal("1000.00"), "1001"), ("fee", Decimal("-15.00"), "1001"),
        ("refund", Decimal("-200.00"), "1001"), ("payout", Decimal("-785.00"), ""),
    ]  # fmt: skip
    assert (made.reference, made.account) == ("12", ACCOUNT)


def test_reports_are_asked_for_by_number_once_and_two_ahead(desk: Desk) -> None:
    desk.batches(20)
    assert list(desk.papers()) == list(range(12, 32))
    desk.seen.clear()
    assert desk.papers(*range(12, 32)) == {} and len(desk.seen) == 2
    desk.lose(30)
    assert list(desk.papers(*range(12, 29))) == [29, 31], "one that is lacking stops nothing"
    desk.seen.clear()
    assert list(desk.papers(*range(12, 20), *range(21, 30), 31)) == [20], "and is asked for again"
    assert len(desk.seen) == 4
    desk.lose(14)
    assert 14 not in desk.papers(*(n for n in range(12, 32) if n != 14))
    desk.seen.clear()
    assert desk.papers(*(n for n in range(12, 32) if n not in (14, 30))) == {}
    assert len(desk.seen) == 3, "but not for ever"


def test_what_is_no_report_and_wrong_settings_are_told(desk: Desk) -> None:
    assert desk.connect().check().warnings == ("Adyen has no report of batch 12 yet.",)
    desk.account.reports["settlement_detail_report_batch_12.csv"] = b"<!doctype html>"
    with pytest.raises(BadAnswer, match="a page instead"):
        desk.papers()
    with pytest.raises(LoginRefused):
        desk.connect(password="another").check()
    with pytest.raises(Misconfigured, match="no number"):
        desk.papers(first_batch="twelve")


def test_the_sandbox_s_columns_are_those_of_a_recorded_report() -> None:
    path = SPECS.parent / "samples/adyen/oca__settlement_detail_report_batch_238.csv"
    if not path.exists():
        pytest.skip("the recorded report is not here; set SAMKLANG_SPECS to the folder that holds samples/adyen")
    header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert [name for name in header if not name.startswith("Reserved")] == list(COLUMNS)
