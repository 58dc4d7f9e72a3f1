"""The edge cases of RECONCILIATION §7 about payouts at the bank, each test by its number."""

from __future__ import annotations

from decimal import Decimal

from samklang.accounting.bank.base import BankStatement
from samklang.accounting.control import account_balances, clearing_balances
from samklang.accounting.matching import line_id
from samklang.accounting.payouts import PayoutMatch, bank_rows
from samklang.accounting.statements.base import Statement
from samklang.accounting.transit import straight
from samklang.records import Order

from .cases import LAST, amounts, books, codes, payout, sold
from .provider import bank_line, bank_statement, row, statement
from .shop import company, exchange


def two_payouts(first: str, second: str) -> tuple[list[Order], list[Statement]]:
    """Two orders and their payouts REF-A1 and REF-B2, of one day."""
    made = [("REF-A1", "1", first), ("REF-B2", "2", second)]
    payouts = [payout(reference, "2026-03-09", row("sale", amount, number)) for reference, number, amount in made]
    return [sold(number, amount) for _, number, amount in made], payouts


def test_21_two_payouts_in_one_bank_line_meet_in_transit() -> None:
    orders = [sold("1", "100"), sold("2", "50")]
    made = [
        payout("REF-A1", "2026-03-09", row("sale", "100", "1")),
        payout("REF-B2", "2026-03-09", row("sale", "50", "2")),
    ]
    bank = bank_statement(bank_line("150", "2026-03-10", "KLARNA REFA1 REFB2"))
    kept = books(orders, made, bank)
    assert kept.problems == ()
    assert [match.rule for match in kept.payout_matches] == ["split", "split"]
    assert account_balances(kept.vouchers)["1689"] == 0
    arrived = [voucher for voucher in kept.vouchers if voucher.source == "bank"]
    assert [amounts(voucher) for voucher in arrived] == [{"1930": "150.00", "1689": "-150.00"}]


def test_22_two_payouts_of_one_amount_are_paired_by_reference_or_not_at_all() -> None:
    orders = [sold("1", "100"), sold("2", "100")]
    made = [
        payout("REF-A1", "2026-03-09", row("sale", "100", "1")),
        payout("REF-B2", "2026-03-09", row("sale", "100", "2")),
    ]
    named = bank_statement(bank_line("100", "2026-03-10", "x refb2"), bank_line("100", "2026-03-10", "x refa1"))
    kept = books(orders, made, named)
    assert {match.payout.split("/")[2]: match.bank_line.split("/")[4] for match in kept.payout_matches} == {
        "REF-A1": "1:x refa1", "REF-B2": "1:x refb2",
    }  # fmt: skip
    nameless = bank_statement(bank_line("100", "2026-03-10", "KLARNA"), bank_line("100", "2026-03-10", "KLARNA"))
    asked = books(orders, made, nameless, today=LAST)
    assert asked.payout_matches == ()
    assert sorted(codes(asked)) == ["BANK_WITHOUT_PAYOUT"] * 2 + ["PAYOUT_WITHOUT_BANK"] * 2


def test_22_the_only_one_of_its_amount_is_paired_within_five_banking_days() -> None:
    made = payout("A", "2026-03-06", row("sale", "100", "1"))
    near = books([sold("1", "100")], [made], bank_statement(bank_line("100", "2026-03-13", "insättning")))
    assert [(match.rule, match.confidence) for match in near.payout_matches] == [("amount", 80)]
    far = books([sold("1", "100")], [made], bank_statement(bank_line("100", "2026-03-16", "insättning")))
    assert far.payout_matches == ()


def test_23_a_fee_that_the_bank_cut_is_its_fee_up_to_a_limit() -> None:
    made = payout("REF-A1", "2026-03-09", row("sale", "100", "1"))
    bank = bank_statement(bank_line("95", "2026-03-10", "REF A1"))
    kept = books([sold("1", "100")], [made], bank, firm=company(bank_tolerance=Decimal(5)))
    arrived = [voucher for voucher in kept.vouchers if voucher.source == "bank"]
    assert [amounts(voucher) for voucher in arrived] == [{"1689": "-100.00", "1930": "95.00", "6570": "5.00"}]
    strict = books([sold("1", "100")], [made], bank, today=LAST)
    assert codes(strict) == ["PAYOUT_WITHOUT_BANK"]


def test_46_a_payout_that_the_bank_sends_back_is_owed_again() -> None:
    made = payout("REF-A1", "2026-03-09", row("sale", "100", "1"))
    lines = [bank_line("100", "2026-03-10", "REF A1"), bank_line("-100", "2026-03-12", "KLARNA REF A1", reversal=True)]
    kept = books([sold("1", "100")], [made], bank_statement(*lines))
    (asked,) = kept.problems
    assert (asked.code, asked.amount) == ("BANK_WITHOUT_PAYOUT", -100)
    back = next(found for found in bank_rows([bank_statement(*lines)]) if found.id == asked.where)
    voucher = straight(back, "klarna", company(), exchange())
    assert voucher is not None
    assert clearing_balances((*kept.vouchers, voucher), LAST) == {"klarna": 100}


def test_a_payout_matched_by_a_person_stays_matched() -> None:
    made = payout("A", "2026-03-06", row("sale", "100", "1"))
    bank = bank_statement(bank_line("100", "2026-03-30", "insättning"))
    (found,) = bank_rows([bank])
    by_hand = PayoutMatch(
        payout=line_id(made, made.lines[-1]), bank_line=found.id, amount=Decimal(100), rule="person", by="anna"
    )
    kept = books([sold("1", "100")], [made], bank, payout_matches=[by_hand])
    assert (kept.payout_matches, kept.problems) == ((by_hand,), ())


def test_two_equal_lines_of_two_bank_statements_are_two_and_the_same_line_read_twice_is_one() -> None:
    def day(number: str, reference: str = "", **more: str) -> BankStatement:
        return bank_statement(bank_line("100", "2026-03-10", "KLARNA", reference=reference), reference=number, **more)

    assert len(bank_rows([day("1"), day("2")])) == 2
    assert len(bank_rows([day("1"), day("1")])) == 1
    assert len(bank_rows([day("1", "B7"), day("2", "B7")])) == 1
    assert len(bank_rows([day("1", "NOTPROVIDED"), day("2", "NOTPROVIDED")])) == 2
    assert bank_rows([day("1", kind="notice")]) == ()


def test_a_payout_that_the_bank_exchanged_is_confirmed_by_a_person() -> None:
    rates = exchange(("EUR", "2026-03-09", "11.00"))
    made = statement(
        "stripe", "po_1", "2026-03-09", row("release", "100", currency="EUR"), row("payout", "-100", currency="EUR"),
        currency="EUR",
    )  # fmt: skip
    bank = bank_statement(bank_line("1090", "2026-03-10", "STRIPE po_1"))
    asked = books([], [made], bank, rates=rates, today=LAST)
    assert sorted(codes(asked)) == ["BANK_WITHOUT_PAYOUT", "PAYOUT_WITHOUT_BANK"]
    (found,) = bank_rows([bank])
    by_hand = PayoutMatch(
        payout=line_id(made, made.lines[1]), bank_line=found.id, amount=Decimal(100), rule="person", converted=True
    )
    kept = books([], [made], bank, rates=rates, payout_matches=[by_hand])
    assert kept.problems == ()
    assert amounts(kept.vouchers[1]) == {"1689": "-1100.00", "1930": "1090.00", "7960": "10.00"}


def test_22_a_line_that_carries_one_payouts_reference_is_not_another_payouts_for_its_amount() -> None:
    orders, made = two_payouts("100", "60")
    kept = books(orders, made, bank_statement(bank_line("60", "2026-03-10", "KLARNA REF A1")), today=LAST)
    assert kept.payout_matches == ()


def test_46_what_the_bank_takes_back_is_no_debit_of_the_provider() -> None:
    debit = statement("klarna", "REF-A1", "2026-03-09", row("payout", "100"), opening="-100")
    bank = bank_statement(bank_line("-100", "2026-03-10", "KLARNA REF A1", reversal=True))
    assert books([], [debit], bank).payout_matches == ()
