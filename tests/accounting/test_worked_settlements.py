"""E2, E3, E4c–d, E6b–c, E7b, E8a, E8c, E9, E10a, E11b, E12, E13: payouts to the öre (RECONCILIATION §4)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from samklang.accounting.chart import FeeRow
from samklang.accounting.company import Channel, Company
from samklang.accounting.daybook import Booked, book_sales
from samklang.accounting.expected import expected
from samklang.accounting.fx import Exchange
from samklang.accounting.invoices import close_invoices
from samklang.accounting.matching import line_id, match
from samklang.accounting.sales import movements
from samklang.accounting.settlement import Found, book_statements, found
from samklang.accounting.statements.base import Statement
from samklang.accounting.voucher import Voucher
from samklang.records import Order

from .provider import row, statement
from .shop import assert_golden, chart, company, exchange, line, order, paid
from .test_worked_sales import day_orders

EXEMPT = chart(fees=[FeeRow(provider="stripe", treatment="EXEMPT")])
CHANNEL_B = Channel(code="web", model="invoice")


def known(orders: Iterable[Order], statements: Iterable[Statement], firm: Company, rates: Exchange) -> Found:
    """Book the orders, match the statements with them."""
    orders = list(orders)
    vouchers = book_sales(orders, firm, rates).vouchers
    wanted = expected((m for sold in orders for m in movements(sold, firm)), vouchers)
    return found(match(statements, wanted, firm).matches, wanted, firm, statements)


def settle(made: Statement, *orders: Order, firm: Company | None = None, rates: Exchange | None = None) -> Booked:
    firm, rates = firm or company(), rates or exchange()
    return book_statements([made], known(orders, [made], firm, rates), firm, rates)


def voucher_of(made: Statement, *orders: Order, **more: Any) -> Voucher:
    booked = settle(made, *orders, **more)
    assert booked.problems == ()
    (voucher,) = booked.vouchers
    return voucher


def klarna_payout() -> Statement:
    return statement(
        "klarna", "XISA93DJ", "2026-03-06",
        row("sale", "1250", "1001"), row("fee", "-40.00", "1001"),
        row("sale", "1190", "1003"), row("fee", "-40.00", "1003"),
        row("sale", "325", "1006"), row("fee", "-12.67", "1006"),
        row("fee_vat", "-23.17"), row("payout", "-2649.16"),
    )  # fmt: skip


def test_e2_klarna_with_swedish_vat_on_its_fees() -> None:
    voucher = voucher_of(klarna_payout(), *day_orders())
    assert_golden(voucher, "E2")
    assert voucher.text == "Klarna utbetalning XISA93DJ"


def test_e3_stripe_with_reverse_charge_rounded_once() -> None:
    sold = [order(f"s{n}", [line("66.10")], paid("stripe", "66.10", "2026-03-02", f"ch_{n}")) for n in range(10)]
    rows = [row("sale", "66.10", id_=f"ch_{n}") for n in range(10)]
    fees = [row("fee", "-1.31", id_=f"ch_{n}") for n in range(9)] + [row("fee", "-1.28", id_="ch_9")]
    made = statement("stripe", "po_1A", "2026-03-05", *rows, *fees, row("payout", "-647.93"))
    voucher = voucher_of(made, *sold)
    assert_golden(voucher, "E3")
    assert voucher.text == "Stripe utbetalning po_1A"


def test_e4c_a_negative_settlement_and_e4d_its_debit() -> None:
    orders = [
        order("1001", [line("1250")], paid("klarna", "1250", "2026-03-02", "k1"),
              paid("klarna", "1250", "2026-04-03", "r1", "refund")),
        order("1010", [line("900")], paid("klarna", "900", "2026-04-03", "k2")),
    ]  # fmt: skip
    first = statement("klarna", "P1", "2026-03-06", row("sale", "1250", "1001"), row("payout", "-1250"))
    second = statement(
        "klarna", "P2", "2026-04-07", row("sale", "900", "1010"), row("refund", "-1250", "1001"), row("fee", "-27"),
        row("fee_vat", "-6.75"),
    )  # fmt: skip
    assert second.closing == Decimal("-383.75")
    third = statement("klarna", "P3", "2026-04-14", row("payout", "383.75"), opening="-383.75")
    firm, rates = company(), exchange()
    every = [first, second, third]
    booked = book_statements(every, known(orders, every, firm, rates), firm, rates)
    assert booked.problems == ()
    assert_golden(booked.vouchers[1], "E4c")
    assert_golden(booked.vouchers[2], "E4d")


@pytest.mark.parametrize(("rate", "name"), [("11.05", "E6b"), ("11.35", "E6c")])
def test_e6_the_provider_converts_at_another_rate(rate: str, name: str) -> None:
    sold = order("3001", [line("100", "19")], paid("stripe", "100", "2026-03-09", "ch_1"), country="DE", currency="EUR")
    gross, fee = Decimal(100) * Decimal(rate), Decimal("2.40") * Decimal(rate)
    made = statement(
        "stripe", "po_9", "2026-03-12",
        row("sale", str(gross), id_="ch_1", presented=Decimal(100), presented_currency="EUR", rate=Decimal(rate)),
        row("fee", str(-fee), id_="ch_1"), row("payout", str(fee - gross)),
    )  # fmt: skip
    rates = exchange(("EUR", "2026-03-09", "11.20"))
    exempt = company(chart=EXEMPT)  # the example leaves reverse charge out
    voucher = voucher_of(made, sold, firm=exempt, rates=rates)
    assert_golden(voucher, name)
    receivable = next(row for row in voucher.lines if row.account == "1582")
    assert (receivable.foreign, receivable.currency) == (Decimal(-100), "EUR")


def test_e7b_the_ledger_rounded_the_invoice() -> None:
    firm, rates = company(keeps_invoices=True, channels=[CHANNEL_B]), exchange()
    sold = order("4001", [line("29.97")], paid("stripe", "29.97", "2026-03-10", "ch_4001"))
    made = statement("stripe", "po_7", "2026-03-10", row("sale", "29.97", id_="ch_4001"), row("payout", "-29.97"))
    booked = close_invoices([made], known([sold], [made], firm, rates), firm, {sold.key: Decimal(30)})
    assert booked.problems == ()
    assert_golden(booked.vouchers[0], "E7b")


def test_e8a_a_chargeback_and_its_fee() -> None:
    made = statement("stripe", "D1", "2026-04-10", row("chargeback", "-625", "1006"), row("fee", "-150", "1006"))
    assert_golden(voucher_of(made), "E8a")


def test_e8c_a_dispute_that_was_won() -> None:
    made = statement(
        "stripe", "D2", "2026-06-01", row("chargeback_reversal", "625", "1006"), row("fee_correction", "150", "1006")
    )
    assert_golden(voucher_of(made), "E8c")


def test_e9_holdback_and_release() -> None:
    sold = order("9", [line("10000")], paid("klarna", "10000", "2026-03-10", "k9"))
    held = statement(
        "klarna", "H1", "2026-03-13", row("sale", "10000", "9"), row("fee", "-250"), row("fee_vat", "-62.5"),
        row("holdback", "-1000"), row("payout", "-8687.50"),
    )  # fmt: skip
    assert_golden(voucher_of(held, sold), "E9a")
    released = statement("klarna", "H2", "2026-04-13", row("release", "1000"), row("payout", "-1000"))
    assert_golden(voucher_of(released), "E9b")


def test_e10a_a_payout_that_comes_in_two_parts_goes_in_transit() -> None:
    sold = order("10", [line("5000")], paid("stripe", "5000", "2026-03-12", "ch_10"))
    made = statement("stripe", "po_10", "2026-03-16", row("sale", "5000", id_="ch_10"), row("payout", "-5000"))
    firm, rates = company(), exchange()
    split = msgspec.structs.replace(
        known([sold], [made], firm, rates), in_transit=frozenset({line_id(made, made.lines[-1])})
    )
    (voucher,) = book_statements([made], split, firm, rates).vouchers
    assert_golden(voucher, "E10a")


def test_e11b_card_terminal_without_orders() -> None:
    made = statement("terminal", "T1", "2026-03-16", row("sale", "4000"), row("fee", "-56"), row("payout", "-3944"))
    assert_golden(voucher_of(made), "E11b")


def test_e12a_an_unknown_transaction_goes_to_suspense_where_the_company_says_so() -> None:
    sold = order("12", [line("1651")], paid("klarna", "1651", "2026-03-03", "k12"))
    made = statement(
        "klarna", "U1", "2026-03-06", row("sale", "1651", "12"), row("sale", "349", "555"), row("fee", "-32"),
        row("fee_vat", "-8"), row("payout", "-1960"),
    )  # fmt: skip
    firm = company(policies={"TX_WITHOUT_ORDER": "suspense"})
    assert_golden(voucher_of(made, sold, firm=firm), "E12a")
    blocked = settle(made, sold)
    assert [problem.code for problem in blocked.problems] == ["TX_WITHOUT_ORDER"]
    assert blocked.problems[0].amount == 349
    assert blocked.vouchers == ()


def test_e13_a_fee_is_corrected() -> None:
    made = statement(
        "klarna", "C1", "2026-03-20", row("fee_correction", "12.50"), row("fee_vat", "3.13"), row("payout", "-15.63")
    )
    assert_golden(voucher_of(made), "E13")
