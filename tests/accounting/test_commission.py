"""A commission agent's report by the Russian profile (RECONCILIATION §4, edge case 51)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from samklang.accounting.chart import Chart, profile
from samklang.accounting.commission import Figures, book_commission, figures
from samklang.accounting.company import Channel, Company
from samklang.accounting.control import account_balances
from samklang.accounting.problems import Refused
from samklang.accounting.statements.base import Statement

from .provider import row, statement

RUSSIAN = Company(
    code="ru", name="ООО Пример", chart=Chart(profile("ru_commission")), channels={"wb": Channel(code="wb")},
    country="RU", currency="RUB", registrations=frozenset({"RU"}),
)  # fmt: skip
ON = date(2026, 3, 31)
EXAMPLE = Figures(
    realised=Decimal(122000), realised_vat=Decimal(22000), reward=Decimal(12200), reward_vat=Decimal(2200),
    services=Decimal(6100), services_vat=Decimal(1100), fines=Decimal(500), transferred=Decimal(103200),
    cost=Decimal(60000),
)  # fmt: skip


def report(*lines: tuple[str, str, str]) -> Statement:
    """Lines as (kind, type, amount) in roubles."""
    rows = [row(kind, amount, type=type_, currency="RUB") for kind, type_, amount in lines]
    return statement("wildberries", "77", "2026-03-31", *rows, currency="RUB", scope="report")


def test_the_worked_example() -> None:
    voucher = book_commission(EXAMPLE, "wildberries", "77", ON, RUSSIAN)
    assert voucher is not None
    assert voucher.text == "Отчёт комиссионера wildberries 77"
    found = account_balances([voucher])
    assert found == {
        "19.04": 0, "41": -60000, "44.01": 15000, "45": 0, "51": 103200, "60.01": 0, "68.02": -18700, "76.02": 0,
        "76.09": 0, "90.01": -122000, "90.02": 60000, "90.03": 22000, "91.02": 500,
    }  # fmt: skip


def test_every_posting_of_the_example_is_a_pair_with_its_document() -> None:
    voucher = book_commission(EXAMPLE, "wildberries", "77", ON, RUSSIAN)
    assert voucher is not None
    pairs = {(part.text, part.account): part.amount for part in voucher.lines}
    assert pairs["Отчёт комиссионера", "90.01"] == -122000, "revenue is what the buyers paid, not the transfer"
    assert (pairs["УПД вознаграждение", "44.01"], pairs["УПД вознаграждение", "19.04"]) == (10000, 2200)
    assert (pairs["УПД услуги", "44.01"], pairs["УПД услуги", "19.04"]) == (5000, 1100)
    assert pairs["Вычет НДС", "68.02"] == 3300
    for document in {part.text for part in voucher.lines}:
        assert sum(part.amount for part in voucher.lines if part.text == document) == 0


def test_the_figures_come_from_the_reports_rows() -> None:
    rows = report(
        ("sale", "Продажа", "130000"), ("refund", "Возврат", "-8000"), ("fee", "Вознаграждение", "-12200"),
        ("fee", "Логистика", "-4000"), ("fee", "Хранение", "-2100"), ("fine", "Штраф", "-500"),
        ("payout", "", "-103200"),
    )  # fmt: skip
    rewards = frozenset({"Вознаграждение"})
    assert figures(rows, Decimal(22), Decimal(60000), rewards) == EXAMPLE


def test_51_a_negative_reward_is_income_and_lost_goods_are_compensated() -> None:
    rows = report(("sale", "Продажа", "1220"), ("fee_correction", "Вознаграждение", "100"), ("compensation", "", "50"))
    found = figures(rows, Decimal(22), rewards=frozenset({"Вознаграждение"}))
    voucher = book_commission(found, "wildberries", "78", ON, RUSSIAN)
    assert voucher is not None
    balances = account_balances([voucher])
    assert balances["91.01"] == -150
    assert balances["76.09"] == 1370, "what the agent owes, until it is transferred"
    assert balances["62.01"] == 0


def test_more_transferred_than_owed_is_asked_about() -> None:
    with pytest.raises(Refused) as caught:
        book_commission(Figures(realised=Decimal(100), transferred=Decimal(101)), "ozon", "1", ON, RUSSIAN)
    assert (caught.value.problem.code, caught.value.problem.amount) == ("AMOUNT_DIFF", 1)
