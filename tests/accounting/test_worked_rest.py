"""E8b, E10b–c, E11a, E12b–c: what banks, tills and decisions add (RECONCILIATION §4)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from samklang.accounting.daybook import book_sales
from samklang.accounting.decisions import Dispute, expire_gift_cards, lose_dispute, solve_suspense, write_off
from samklang.accounting.matching import line_id
from samklang.accounting.payouts import bank_rows, in_transit, match_payouts
from samklang.accounting.pos import Taking, ZReport, book_z_report
from samklang.accounting.problems import Refused
from samklang.accounting.settlement import book_statements
from samklang.accounting.transit import arrivals, straight
from samklang.records import TaxTotal

from .provider import bank_line, bank_statement, row, statement
from .shop import assert_golden, company, exchange, line, order, paid, seen
from .test_worked_sales import day_orders
from .test_worked_settlements import known


def test_e8b_a_lost_dispute_is_a_bad_debt_and_gives_the_vat_back() -> None:
    sold = next(found for found in day_orders() if found.order_no == "1006")
    dispute = Dispute("stripe/D1/1006", "stripe", date(2026, 3, 2))
    voucher = lose_dispute(sold, Decimal(625), Decimal(625), dispute, date(2026, 6, 1), company())
    assert voucher is not None
    assert_golden(voucher, "E8b")


def test_e10_one_settlement_two_bank_lines() -> None:
    sold = order("10", [line("5000")], paid("stripe", "5000", "2026-03-12", "ch_10"))
    made = statement("stripe", "po_10AB", "2026-03-16", row("sale", "5000", id_="ch_10"), row("payout", "-5000"))
    rows = bank_rows(
        [bank_statement(bank_line("3000", "2026-03-17", "STRIPE po_10AB"), bank_line("2000", "2026-03-18", "po_10AB"))]
    )
    firm, rates = company(), exchange()
    matching = match_payouts([made], rows, firm, today=date(2026, 3, 20))
    assert (matching.problems, in_transit(matching.matches)) == ((), {line_id(made, made.lines[-1])})
    facts = msgspec.structs.replace(known([sold], [made], firm, rates), in_transit=in_transit(matching.matches))
    settled = book_statements([made], facts, firm, rates).vouchers
    assert_golden(settled[0], "E10a")
    first, second = arrivals(matching.matches, [made], rows, settled, firm, rates).vouchers
    assert_golden(first, "E10b")
    assert_golden(second, "E10c")


def test_e4d_a_debit_without_a_statement_of_its_own() -> None:
    (found,) = bank_rows([bank_statement(bank_line("-383.75", "2026-04-14", "KLARNA BANK"))])
    voucher = straight(found, "klarna", company(), exchange())
    assert voucher is not None
    assert_golden(voucher, "E4d")


def z_report(**more: object) -> ZReport:
    takings = (Taking(provider="cash", amount=Decimal(1000)), Taking(provider="terminal", amount=Decimal(4000)))
    taxes = (TaxTotal(Decimal(25), Decimal(4000), Decimal(1000)),)
    fields = {"takings": takings, "taxes": taxes, **more}
    return ZReport(channel="web", register="kassa 1", number="214", day=date(2026, 3, 14), **fields)  # type: ignore[arg-type]


def test_e11a_a_z_report() -> None:
    voucher = book_z_report(z_report(), company())
    assert voucher is not None
    assert_golden(voucher, "E11a")
    assert voucher.text == "Z-rapport kassa 1 nr 214"


def test_a_cash_difference_has_its_own_account_and_a_till_that_does_not_add_up_is_refused() -> None:
    voucher = book_z_report(z_report(counted=Decimal("980")), company())
    assert voucher is not None
    assert ("3991", "20.00") in seen(voucher)[1]
    assert ("1910", "980.00") in seen(voucher)[1]
    with pytest.raises(Refused, match="AMOUNT_DIFF"):
        book_z_report(z_report(gift_cards_sold=Decimal(100)), company())


def test_e12_the_order_turns_up_and_suspense_is_solved() -> None:
    sold = order("555", [line("349")], paid("klarna", "349", "2026-03-20", "k555"))
    (sale,) = book_sales([sold], company(), exchange()).vouchers
    assert_golden(sale, "E12b")
    solved = solve_suspense("klarna/U1/555", "klarna", Decimal(349), "555", date(2026, 3, 20), company())
    assert solved is not None
    assert_golden(solved, "E12c")


def test_gift_cards_expire_and_suspense_is_written_off_by_decision() -> None:
    on = date(2026, 12, 31)
    expired = expire_gift_cards({"gc1": Decimal(100), "gc2": Decimal(50)}, on, company())
    assert expired is not None
    assert seen(expired)[1] == [("2421", "150.00"), ("3990", "-150.00")]
    gone = write_off("l1", "klarna", Decimal("0.70"), "rounding", "Differens utan order", on, company())
    assert gone is not None
    assert seen(gone)[1] == [("2999", "0.70"), ("3740", "-0.70")]
