"""E1, E4a–b, E5, E6a, E7a, E14: sales and refunds to the öre (RECONCILIATION §4)."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from samklang.accounting.daybook import book_sales
from samklang.records import TaxTotal
from tests.conftest import SPECS

from .golden import GOLDEN, lines_of
from .shop import assert_golden, company, eu_company, exchange, freight, line, order, paid, seen

DAY = "2026-03-02"
KLARNA_1001 = paid("klarna", "1250", DAY, "k1001")


def test_the_golden_table_is_the_documents() -> None:
    document = SPECS / "domain" / "RECONCILIATION.md"
    if not document.exists():
        pytest.skip("the posting rules are not here (SAMKLANG_SPECS)")
    found = {}
    table = r"^\*\*(E\d+[a-d]?)\*\* (\d{4}-\d\d-\d\d) .+\n\n\| account.*\n\|.*\n((?:\|.*\n)+)"
    for name, day, rows in re.findall(table, document.read_text(), re.MULTILINE):
        cells = [[cell.strip().replace(",", "") for cell in row.strip("|").split("|")] for row in rows.splitlines()]
        found[name] = (day, sorted((c[0], c[2] or f"-{c[3]}") for c in cells if c[0]))
    assert found == {name: lines_of(name) for name in GOLDEN}


def day_orders() -> list:
    return [
        order("1001", [line("1250")], KLARNA_1001),
        order(
            "1002", [line("500"), line("112", "12")], paid("stripe", "661", DAY, "ch_2"),
            charges=[freight("49", tax="8.89")],
        ),
        order("1003", [line("1190", "19")], paid("klarna", "1190", DAY, "k1003"), country="DE"),
        order("1004", [line("800", "0")], paid("paypal", "800", DAY, "p1004"), country="NO"),
        order("1005", [line("2000", "0")], paid("invoice", "2000", DAY), country="FI", customer=eu_company()),
        order("gc", [line("500", "0", kind="gift_card_mpv")], paid("swish", "500", DAY, "s1")),
        order("1006", [line("625")], paid("gift_card", "300", DAY, "gc9"), paid("klarna", "325", DAY, "k1006")),
    ]  # fmt: skip


def test_e1_a_day_of_sales() -> None:
    booked = book_sales(day_orders(), company(), exchange())
    assert booked.problems == ()
    (voucher,) = booked.vouchers
    assert_golden(voucher, "E1")
    assert voucher.text == "Dagsförsäljning 2026-03-02"
    assert voucher.turnover == Decimal("7026.00")
    sides = [row.amount > 0 for row in voucher.lines]
    assert sides == sorted(sides, reverse=True), "debits are read first"


def test_e1_every_line_names_the_payments_it_comes_from() -> None:
    (voucher,) = book_sales(day_orders(), company(), exchange()).vouchers
    klarna = next(row for row in voucher.lines if row.account == "1581")
    assert {ref.id: ref.amount for ref in klarna.refs} == {
        "web/1001#capture/klarna/k1001": 1250,
        "web/1003#capture/klarna/k1003": 1190,
        "web/1006#capture/klarna/k1006": 325,
    }
    assert all(sum(ref.amount for ref in row.refs) == row.amount for row in voucher.lines)


def test_e4_a_refund_and_the_sales_of_its_day_are_two_vouchers() -> None:
    refunded = order("1001", [line("1250")], KLARNA_1001, paid("klarna", "1250", "2026-04-03", "r1", "refund"))
    sold = order("1010", [line("900")], paid("klarna", "900", "2026-04-03", "k1010"))
    vouchers = book_sales([refunded, sold], company(), exchange()).vouchers
    refund, sales = (v for v in vouchers if str(v.date) == "2026-04-03")
    assert_golden(refund, "E4a")
    assert refund.text == "Retur order 1001"
    assert_golden(sales, "E4b")


def test_e5_two_captures_over_a_month_end() -> None:
    sold = order(
        "2001", [line("3000")],
        paid("klarna", "3000", "2026-03-29", "auth", "authorise"),
        paid("klarna", "1800", "2026-03-30", "cap1"),
        paid("klarna", "1000", "2026-04-02", "cap2"),
        paid("klarna", "200", "2026-04-03", "void", "void"),
    )  # fmt: skip
    first, second = book_sales([sold], company(), exchange()).vouchers
    assert_golden(first, "E5a")
    assert_golden(second, "E5b")


def test_e6a_a_sale_in_another_currency_keeps_its_amounts() -> None:
    sold = order("3001", [line("100", "19")], paid("stripe", "100", "2026-03-09", "ch_1"), country="DE", currency="EUR")
    (voucher,) = book_sales([sold], company(), exchange(("EUR", "2026-03-09", "11.20"))).vouchers
    assert_golden(voucher, "E6a")
    foreign = {row.account: (row.foreign, row.currency) for row in voucher.lines}
    assert foreign == {
        "1582": (Decimal(100), "EUR"), "3106": (Decimal("-84.03"), "EUR"), "2670": (Decimal("-15.97"), "EUR"),
    }  # fmt: skip


def test_e7a_the_shops_vat_per_rate_wins_over_its_lines() -> None:
    lines = [line("9.99", tax="2.00", line_id=str(n)) for n in range(3)]
    total = TaxTotal(Decimal(25), Decimal("23.98"), Decimal("5.99"))
    sold = order("4001", lines, paid("stripe", "29.97", "2026-03-10", "ch_4001"), taxes=(total,))
    (voucher,) = book_sales([sold], company(), exchange()).vouchers
    assert_golden(voucher, "E7a")


def test_e14_a_return_to_a_gift_card() -> None:
    sold = order(
        "1020", [line("500")],
        paid("klarna", "500", "2026-03-10", "k1020"), paid("gift_card", "200", "2026-03-21", "gc1", "refund"),
    )  # fmt: skip
    sale, refund = book_sales([sold], company(), exchange()).vouchers
    assert seen(sale)[1] == [("1581", "500.00"), ("2611", "-100.00"), ("3001", "-400.00")]
    assert_golden(refund, "E14")
