"""A marketplace that sells as our commission agent, through the tables: sales, services and transfers come apart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from samklang.accounting.control import account_balances
from tests.accounting.statements.files import NETTING
from tests.reconciliation.conftest import Desk, desk

__all__ = ["desk"]


@pytest.fixture
def home() -> str:  # what is asked of the database is asked on both elsewhere
    return "sqlite"


@pytest.fixture
def yandex(desk: Desk) -> Desk:
    """A Russian company that Yandex Market sells for."""
    agent = {"vat_percent": "22", "rewards": ["Размещение"]}
    desk.company = desk.settings(
        profile="ru_commission", country="RU", currency="RUB", fees=[], agents={"yandex_market": agent}
    )
    return desk


def sold(count: int = 10) -> bytes:
    """The report on realised goods of March."""
    row = {
        "orderId": 501, "yourOrderId": "A501", "yourSku": "A-1", "deliveredCount": count, "deliveryDate": "2026-03-09",
        "priceWithVatAndAllDiscounts": 122, "deliveredPriceSumWithVatAndDiscounts": 122 * count,
    }  # fmt: skip
    return json.dumps({"delivered": [row]}).encode()


def charged(**lists: list[dict[str, Any]]) -> bytes:
    """What Yandex charges by the act of March."""
    common = {"businessId": 7, "orderId": 501, "shopSku": "A-1", "actDate": "2026-03-31"}
    return json.dumps({name: [{**common, **row} for row in rows] for name, rows in lists.items()}).encode()


SERVICES = {
    "placement": [{"serviceName": "Размещение", "totalAmount": 122}],
    "delivery": [{"serviceName": "Доставка", "servicePrice": 61}, {"serviceName": "Доставка", "servicePrice": 0}],
    "boost": [{"serviceName": "Буст", "prepaid": 1, "postpaid": 60, "bonusPaid": 5}],
}


def test_sales_services_and_transfers_are_booked_each_by_its_own_paper(yandex: Desk) -> None:
    """Revenue is what the buyers paid; what Yandex owes is the balance of 76.09."""
    yandex.takes(sold(), "sales.json")
    yandex.takes(charged(**SERVICES), "services.json")
    yandex.takes(NETTING, "netting.csv")
    yandex.run()
    assert yandex.problems() == {}, "no order is looked for: the buyers are the agent's"
    vouchers = yandex.records()
    assert [one.text for one in vouchers if "03" in one.text] == [
        "Отчёт комиссионера Yandex Market 2026-03", "Отчёт комиссионера Yandex Market 2026-03 Буст",
        "Отчёт комиссионера Yandex Market 2026-03 Доставка", "Отчёт комиссионера Yandex Market 2026-03 Размещение",
    ]  # fmt: skip
    found = {account: amount for account, amount in account_balances(vouchers).items() if amount}
    assert found == {
        "90.01": -1220, "90.03": 220, "68.02": -176, "44.01": 200, "51": 850, "76.09": 1220 - 244 - 850,
    }  # fmt: skip
    yandex.run()
    assert len(yandex.records()) == len(vouchers)


def test_a_service_that_comes_later_changes_no_other(yandex: Desk) -> None:
    yandex.takes(charged(placement=SERVICES["placement"]), "one.json")
    yandex.run()
    yandex.approve()
    yandex.takes(json.dumps([{**SERVICES["delivery"][0], "actDate": "2026-03-31", "businessId": 7}]).encode(), "two")
    yandex.run()
    assert {row.state for row in yandex.vouchers().values()} == {"approved", "validated"}
    assert yandex.problems() == {}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"serviceName": "Доставка", "price": 5, "servicePrice": ""}, "does not say what was charged"),
        ({"serviceName": "Доставка", "servicePrice": 5, "actDate": ""}, "the act's month"),
    ],
)
def test_a_row_that_says_too_little_refuses_the_file(yandex: Desk, row: dict[str, Any], why: str) -> None:
    from samklang.connectors.errors import SamklangError

    with pytest.raises(SamklangError, match=why):
        yandex.takes(charged(delivery=[row]))
