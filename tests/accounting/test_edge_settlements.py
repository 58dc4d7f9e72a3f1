"""The edge cases of RECONCILIATION §7 about statements and their matching, each test by its number."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec

from samklang.accounting.chart import FeeRow, ProviderRow
from samklang.accounting.company import Channel
from samklang.accounting.control import account_balances, clearing_balances, suspense
from samklang.accounting.conversions import revalue
from samklang.accounting.expected import Opening, opening_voucher
from samklang.accounting.lists import overdue
from samklang.accounting.matching import Match
from samklang.accounting.statements.base import Statement

from .cases import LAST, amounts, books, codes, payout, returned, sold
from .provider import row, statement
from .shop import FEES, chart, company, exchange, line, order, paid, seen


def test_2_several_captures_of_one_order_are_several_sales() -> None:
    bought = order(
        "1", [line("1000")], paid("klarna", "500", "2026-03-02", "c1"), paid("klarna", "500", "2026-03-02", "c2")
    )
    made = payout(
        "P1", "2026-03-09", row("sale", "500", "1", capture_id="c1"), row("sale", "500", "1", capture_id="c2")
    )
    kept = books([bought], [made])
    assert {(match.line.split("/")[-2], match.expected[-2:]) for match in kept.matches} == {("c1", "c1"), ("c2", "c2")}
    assert account_balances(kept.vouchers)["1581"] == 0
    assert account_balances(kept.vouchers)["3001"] == -800


def test_3_a_refund_without_capture_id_is_found_by_its_own_id_then_by_order_and_amount() -> None:
    bought = order(
        "1", [line("1000")], paid("klarna", "1000", "2026-03-02", "c1"),
        paid("klarna", "200", "2026-03-03", "r1", "refund"), paid("klarna", "300", "2026-03-04", "", "refund"),
    )  # fmt: skip
    made = payout(
        "P1", "2026-03-09", row("sale", "1000", "1", capture_id="c1"), row("refund", "-200", refund_id="r1"),
        row("refund", "-300", "#1"),
    )  # fmt: skip
    kept = books([bought], [made])
    assert sorted((match.rule, match.amount) for match in kept.matches) == [("id", -200), ("id", 1000), ("order", -300)]
    assert kept.problems == ()


def test_6_7_a_refund_after_its_payout_may_make_the_next_one_negative() -> None:
    bought = order(
        "1",
        [line("100")],
        paid("klarna", "100", "2026-03-02", "c1"),
        paid("klarna", "100", "2026-03-12", "r", "refund"),
    )
    first = payout("P1", "2026-03-09", row("sale", "100", "1"))
    second = statement("klarna", "P2", "2026-03-16", row("refund", "-100", "1"))
    kept = books([bought], [first, second])
    assert codes(kept) == []
    assert clearing_balances(kept.vouchers, LAST) == {"klarna": -100}
    assert second.closing == -100


def test_8_a_statement_of_nothing_but_equal_sides_can_still_be_drilled() -> None:
    bought = [sold("1", "100"), returned("2", "100", "2026-03-03")]
    first = payout("P1", "2026-03-04", row("sale", "100", "2"))
    zero = statement("klarna", "P2", "2026-03-09", row("sale", "100", "1"), row("refund", "-100", "2"))
    kept = books(bought, [first, zero])
    (voucher,) = [voucher for voucher in kept.vouchers if voucher.date == date(2026, 3, 9)]
    assert seen(voucher)[1] == [("1581", "-100.00"), ("1581", "100.00")]
    assert kept.problems == ()


def test_9_a_refund_that_failed_and_came_back_cancels_out() -> None:
    bought = order(
        "1", [line("100")], paid("stripe", "100", "2026-03-02", "c1"),
        paid("stripe", "40", "2026-03-03", "re_1", "refund", state="failed"),
    )  # fmt: skip
    made = payout(
        "po_1", "2026-03-09", row("sale", "100", id_="c1"), row("refund", "-40", id_="re_1"),
        row("refund_reversal", "40", id_="re_2", parent_id="re_1"), provider="stripe",
    )  # fmt: skip
    kept = books([bought], [made])
    assert sorted(match.rule for match in kept.matches) == ["id", "undone", "undone"]
    assert codes(kept) == []
    assert clearing_balances(kept.vouchers, LAST) == {"stripe": 0}


def test_12_13_fees_without_orders_and_corrected_fees_are_fees() -> None:
    made = statement(
        "klarna", "P1", "2026-03-09", row("fee", "-100", type="monthly"), row("fee_vat", "-25"),
        row("fee_correction", "40"), row("fee_vat", "10"),
    )  # fmt: skip
    (voucher,) = books([], [made]).vouchers
    assert amounts(voucher) == {"1581": "-75.00", "2641": "15.00", "6040": "60.00"}


def test_14_the_vat_on_fees_is_the_providers_total() -> None:
    rows = [row("fee", "-0.33", str(n)) for n in range(3)]
    made = statement("klarna", "P1", "2026-03-09", *rows, row("fee_vat", "-0.24"))  # 3 × 0.0825: 0.25 or 0.24
    (voucher,) = books([], [made]).vouchers
    assert amounts(voucher) == {"1581": "-1.23", "2641": "0.24", "6040": "0.99"}


def test_14_vat_that_the_treatment_cannot_explain_stops() -> None:
    made = statement("klarna", "P1", "2026-03-09", row("fee", "-100"), row("fee_vat", "-6"))
    assert codes(books([], [made])) == ["VAT_DIFF"]
    foreign = statement("stripe", "P1", "2026-03-09", row("fee", "-100"), row("fee_vat", "-25"))
    assert codes(books([], [foreign])) == ["VAT_DIFF"]


def test_15_fees_that_come_by_invoice_are_not_booked_from_the_statement() -> None:
    rows = [row("sale", "100", "1"), row("fee", "-3"), row("payout", "-100")]
    kept = books([sold("1", "100")], [statement("klarna", "P1", "2026-03-09", *rows, mode="gross")])
    assert amounts(kept.vouchers[1]) == {"1581": "-100.00", "1930": "100.00"}


def test_16_reverse_charge_is_rounded_once() -> None:
    made = statement("stripe", "P1", "2026-03-09", *[row("fee", "-0.02", str(n)) for n in range(10)])
    (voucher,) = books([], [made]).vouchers
    assert amounts(voucher)["2645"] == "0.05", "ten times 0.01 would be 0.10"


def test_17_a_provider_that_changes_its_legal_entity_changes_its_vat() -> None:
    entity = [
        ProviderRow(provider="stripe", entity="Stripe IE", until=date(2026, 7, 1)),
        ProviderRow(provider="stripe", entity="Stripe SE", since=date(2026, 7, 1)),
    ]
    fees = [
        FeeRow(provider="stripe", entity="Stripe IE", treatment="RC_EU"),
        FeeRow(provider="stripe", entity="Stripe SE", treatment="SE_VAT"),
    ]
    firm = company(chart=chart(fees=fees, providers=entity))
    before = statement("stripe", "P1", "2026-06-30", row("fee", "-100"))
    after = statement("stripe", "P2", "2026-07-01", row("fee", "-100"), row("fee_vat", "-25"))
    first, second = books([], [before, after], firm=firm).vouchers
    assert "2645" in amounts(first)
    assert amounts(second) == {"1582": "-125.00", "2641": "25.00", "6040": "100.00"}


def test_18_sale_settlement_and_ledger_in_three_currencies() -> None:
    bought = order("1", [line("100", "0")], paid("paypal", "100", "2026-03-02", "t1"), country="NO", currency="NOK")
    firm = company(chart=chart([*FEES, FeeRow(provider="paypal", treatment="EXEMPT")]))
    seen_by_buyer = {"presented": Decimal(100), "presented_currency": "NOK", "rate": Decimal("0.09")}
    rows = [row("sale", "9", id_="t1", currency="EUR", **seen_by_buyer), row("payout", "-9", currency="EUR")]
    made = statement("paypal", "P1", "2026-03-09", *rows, currency="EUR")
    rates = exchange(("NOK", "2026-03-02", "0.97"), ("EUR", "2026-03-09", "11"))
    sale, settled = books([bought], [made], firm=firm, rates=rates).vouchers
    assert amounts(sale) == {"1583": "97.00", "3105": "-97.00"}
    assert amounts(settled) == {"1583": "-97.00", "1980": "99.00", "3960": "-2.00"}
    bank = next(part for part in settled.lines if part.account == "1980")
    assert (bank.foreign, bank.currency) == (9, "EUR")


def test_18_without_a_rate_nothing_is_guessed() -> None:
    bought = order("1", [line("100", "19")], paid("stripe", "100", "2026-03-02", "c"), country="DE", currency="EUR")
    kept = books([bought], rates=exchange(("EUR", "2026-02-01", "11")))
    assert codes(kept) == ["CURRENCY_DIFF"]
    assert kept.vouchers == ()


def test_19_a_conversion_is_two_legs_and_an_exchange_difference() -> None:
    firm = company(chart=chart([FeeRow(provider="paypal", treatment="EXEMPT")]))
    rates = exchange(("EUR", "2026-03-09", "11"))
    euro = statement(
        "paypal", "E", "2026-03-09", row("conversion", "-100", id_="x1", parent_id="x", currency="EUR"), currency="EUR",
        opening="100",
    )  # fmt: skip
    krona = statement("paypal", "S", "2026-03-09", row("conversion", "1090", id_="x2", parent_id="x"))
    kept = books([], [euro, krona], firm=firm, rates=rates)
    assert account_balances(kept.vouchers)["1689"] == 0
    assert account_balances(kept.vouchers)["7960"] == 10
    assert account_balances(kept.vouchers)["1583"] == -10, "1 090 SEK came for what was worth 1 100"
    assert codes(books([], [euro], firm=firm, rates=rates)) == ["CURRENCY_DIFF"]


def test_20_a_balance_in_another_currency_is_revalued_at_closing() -> None:
    voucher = revalue("stripe", Decimal(100), "EUR", Decimal("11.50"), Decimal(1120), date(2026, 3, 31), company())
    assert voucher is not None
    assert amounts(voucher) == {"1582": "30.00", "3960": "-30.00"}
    assert revalue("stripe", Decimal(100), "EUR", Decimal("11.20"), Decimal(1120), LAST, company()) is None


def test_24_what_is_held_back_is_no_missing_money() -> None:
    made = payout("P1", "2026-03-09", row("sale", "100", "1"), row("holdback", "-20"))
    kept = books([sold("1", "100")], [made])
    assert account_balances(kept.vouchers)["1588"] == 20
    assert clearing_balances(kept.vouchers, LAST) == {"klarna": 0}


def test_25_a_terminals_sales_need_no_orders() -> None:
    kept = books([], [payout("T1", "2026-03-09", row("sale", "100"), provider="terminal")])
    assert (codes(kept), kept.suggestions) == ([], ())


def test_26_what_needs_no_transaction_is_not_waited_for() -> None:
    free = order("1", [line("0.00")])
    invoiced = order("2", [line("100")], paid("invoice", "100", "2026-01-02"))
    by_card = order("3", [line("100", "25")], paid("gift_card", "100", "2026-01-02", "gc"))
    late = sold("4", "100", "2026-01-02")
    kept = books([free, invoiced, by_card, late])
    found = overdue(kept.expected, kept.matches, company(), date(2026, 4, 30))
    assert [(problem.code, problem.where) for problem in found] == [
        ("ORDER_WITHOUT_TX", "web/4#capture/klarna/klarna-4")
    ]
    assert overdue(kept.expected, kept.matches, company(), date(2026, 1, 16)) == ()
    assert codes(kept) == ["ORDER_WITHOUT_TX"], "the books say so by themselves"


def test_27_test_orders_payments_and_statements_are_no_money() -> None:
    tried = [
        sold("1", "100", test=True),
        order("2", [line("100")], paid("klarna", "100", "2026-03-02", "c", test=True)),
    ]
    made = payout("P1", "2026-03-09", row("sale", "100", "1"), test=True)
    kept = books(tried, [made])
    assert (kept.vouchers, kept.problems) == ((), ())


def test_28_two_truly_equal_sales_are_two() -> None:
    orders = [
        order("1", [line("200")], paid("klarna", "100", "2026-03-02", "a"), paid("klarna", "100", "2026-03-02", "b"))
    ]
    made = payout("P1", "2026-03-09", row("sale", "100", "1"), row("sale", "100", "1"))
    kept = books(orders, [made])
    assert len({match.line for match in kept.matches}) == len({match.expected for match in kept.matches}) == 2
    assert clearing_balances(kept.vouchers, LAST) == {"klarna": 0}


def test_29_a_payout_in_two_files_is_one() -> None:
    rows = [row("sale", "100", "1"), row("payout", "-100")]
    portal = statement("klarna", "P1", "2026-03-09", *rows, file_hash="a")
    by_api = msgspec.structs.replace(statement("klarna", "P1", "2026-03-09", *rows, file_hash="b"), format="json")
    kept = books([sold("1", "100")], [portal, by_api])
    assert codes(kept) == ["DUPLICATE_STATEMENT"]
    assert len(kept.vouchers) == 2
    other = statement("klarna", "P1", "2026-03-09", row("sale", "100", "1"), row("fee", "-1"), file_hash="c")
    assert "STATEMENT_CHANGED" in codes(books([sold("1", "100")], [portal, other]))
    renamed = statement("klarna", "P1", "2026-03-09", row("sale", "100", "2"), row("payout", "-100"), file_hash="d")
    assert "STATEMENT_CHANGED" in codes(books([sold("1", "100")], [portal, renamed])), "the sums are the same"


def test_30_overlapping_reports_of_an_account_are_cut_into_days() -> None:
    def report(hash_: str, opening: str, *days: int) -> Statement:
        lines = [row("sale", "10", str(n), day=date(2026, 3, n)) for n in days]
        last = date(2026, 3, days[-1])
        return statement("paypal", hash_, str(last), *lines, opening=opening, scope="account", file_hash=hash_)

    firm = company(chart=chart([FeeRow(provider="paypal", treatment="EXEMPT")]))
    orders = [sold(str(n), "10", "2026-03-01", "paypal") for n in range(2, 6)]
    whole = books(orders, [report("a", "0", 2, 3, 4, 5)], firm=firm)
    parts = books(orders, [report("b", "0", 2, 3, 4), report("c", "10", 3, 4, 5)], firm=firm)
    assert [voucher.key for voucher in parts.vouchers] == [voucher.key for voucher in whole.vouchers]
    assert parts.vouchers == whole.vouchers
    assert codes(parts) == ["DUPLICATE_STATEMENT"] * 2


def test_35_an_order_number_that_two_shops_use_decides_nothing() -> None:
    channels = [Channel(code="web"), Channel(code="outlet")]
    orders = [sold("1001", "100"), sold("1001", "100", channel="outlet")]
    orders = [msgspec.structs.replace(made, payments=(paid("klarna", "100", "2026-03-02"),)) for made in orders]
    made = payout("P1", "2026-03-09", row("sale", "100", "#1001"))
    kept = books(orders, [made], firm=company(channels=channels))
    assert kept.matches == ()
    assert "TX_WITHOUT_ORDER" in codes(kept)
    named = company(channels=[Channel(code="web"), Channel(code="outlet", order_prefix="OUT-")])
    kept = books(orders, [payout("P1", "2026-03-09", row("sale", "100", "out-1001"))], firm=named)
    assert [match.expected.partition("/")[0] for match in kept.matches] == ["outlet"]


def test_41_a_rounded_invoice_is_closed_with_the_difference() -> None:
    firm = company(keeps_invoices=True, channels=[Channel(code="web", model="invoice")])
    made = payout("P1", "2026-03-09", row("sale", "29.97", "1"))
    kept = books([sold("1", "29.97")], [made], firm=firm, open_invoices={"web/1": Decimal(30)})
    closing = next(voucher for voucher in kept.vouchers if voucher.source == "invoice_payment")
    assert amounts(closing) == {"1581": "29.97", "3740": "0.03", "1510": "-30.00"}
    far = books([sold("1", "29.97")], [made], firm=firm, open_invoices={"web/1": Decimal(31)})
    assert codes(far) == ["AMOUNT_DIFF"]


def test_52_what_was_sold_before_the_books_began_is_matched_with_the_opening_list() -> None:
    old = Opening(
        id="old-77", provider="klarna", channel="web", order_no="77", day=date(2026, 2, 27), amount=Decimal(250),
        currency="SEK", booked=Decimal(250),
    )  # fmt: skip
    made = payout("P1", "2026-03-09", row("sale", "250", "77"))
    kept = books([], [made], openings=[old])
    assert [(match.expected, match.rule) for match in kept.matches] == [("old-77", "order")]
    assert kept.problems == ()
    moved = opening_voucher([old], "receivable.marketplace", date(2026, 3, 1), company())
    assert moved is not None
    assert amounts(moved) == {"1581": "250.00", "1587": "-250.00"}
    assert clearing_balances((moved, *kept.vouchers), LAST) == {"klarna": 0}


def test_suspense_is_solved_when_the_order_turns_up_and_posted_vouchers_stay() -> None:
    firm = company(policies={"TX_WITHOUT_ORDER": "suspense"})
    made = payout("U1", "2026-03-06", row("sale", "1651", "12"), row("sale", "349", "555"))
    known = sold("12", "1651")
    first = books([known], [made], firm=firm)
    assert [problem.amount for problem in suspense(first.vouchers, LAST)] == [349]
    later = books([known, sold("555", "349", "2026-03-20")], [made], firm=firm, posted=first.vouchers)
    assert all(voucher in later.vouchers for voucher in first.vouchers), "what is posted is not made anew"
    assert suspense(later.vouchers, LAST) == ()
    assert clearing_balances(later.vouchers, LAST) == {"klarna": 0}
    assert [voucher.source for voucher in later.vouchers].count("suspense") == 1


def test_a_suggestion_is_never_a_match() -> None:
    bought = sold("9", "77.70", "2026-03-05")
    made = payout("P1", "2026-03-09", row("sale", "77.70", id_="unknown", day=date(2026, 3, 6)))
    kept = books([bought], [made])
    assert kept.matches == ()
    (hint,) = kept.suggestions
    assert hint.expected == "web/9#capture/klarna/klarna-9"
    assert len(kept.vouchers) == 1, "the statement waits"
    by_hand = Match(line=hint.line, expected=hint.expected, amount=Decimal("77.70"), rule="person", by="anna")
    agreed = books([bought], [made], matches=[by_hand])
    assert agreed.problems == ()
    assert len(agreed.vouchers) == 2


def test_9_a_refund_that_was_matched_before_it_failed_cancels_out_too() -> None:
    refund = paid("stripe", "40", "2026-03-03", "re_1", "refund")
    bought = order("1", [line("100")], paid("stripe", "100", "2026-03-02", "c1"), refund)
    first = payout(
        "po_1", "2026-03-09", row("sale", "100", id_="c1"), row("refund", "-40", id_="re_1"), provider="stripe"
    )
    before = books([bought], [first])
    assert before.problems == ()
    failed = msgspec.structs.replace(
        bought, payments=(bought.payments[0], msgspec.structs.replace(refund, state="failed"))
    )
    back = payout("po_2", "2026-03-16", row("refund_reversal", "40", id_="re_2", parent_id="re_1"), provider="stripe")
    after = books([failed], [first, back], matches=before.matches)
    assert after.problems == ()
    assert clearing_balances(after.vouchers, LAST) == {"stripe": 0}
    again = books([failed], [first, back], matches=after.matches)
    assert again.vouchers == after.vouchers


def test_35_one_line_that_several_captures_explain_is_remembered_whole() -> None:
    captures = [paid("klarna", amount, "2026-03-02", f"c{amount}") for amount in ("30", "70")]
    made = payout("P1", "2026-03-09", row("sale", "100", "1"))
    first = books([order("1", [line("100")], *captures)], [made])
    assert sorted(match.amount for match in first.matches) == [30, 70]
    again = books([order("1", [line("100")], *captures)], [made], matches=first.matches)
    assert (again.matches, again.problems) == (first.matches, ())


def test_15_a_fine_is_taken_even_where_fees_come_by_invoice() -> None:
    rows = [row("sale", "100", "1"), row("fee", "-3"), row("fine", "-10"), row("payout", "-90")]
    firm = company(
        chart=chart([*FEES, FeeRow(provider="klarna", fee="fine", treatment="EXEMPT", role="fee.marketplace")])
    )
    rows[2] = msgspec.structs.replace(rows[2], type="fine")
    kept = books([sold("1", "100")], [statement("klarna", "P1", "2026-03-09", *rows, mode="gross")], firm=firm)
    assert amounts(kept.vouchers[1]) == {"1581": "-100.00", "1930": "90.00", "6050": "10.00"}


def test_a_statement_that_names_no_day_stops_alone() -> None:
    nameless = msgspec.structs.replace(statement("klarna", "P0", "2026-03-09", row("fee", "-1")), paid_on=None)
    made = payout("P1", "2026-03-09", row("sale", "100", "1"))
    kept = books([sold("1", "100")], [nameless, made])
    assert [(problem.code, problem.where) for problem in kept.problems] == [("STATEMENT_UNBALANCED", "klarna/-/P0/SEK")]
    assert len(kept.vouchers) == 2


def test_36_a_line_above_what_was_captured_is_asked_about() -> None:
    kept = books([sold("1", "100")], [payout("P1", "2026-03-09", row("sale", "120", "1"))])
    assert kept.matches == ()
    assert [(problem.code, problem.amount) for problem in kept.problems][:1] == [("AMOUNT_DIFF", 20)]


def test_nothing_is_suggested_where_more_than_one_could_be_meant() -> None:
    nameless = row("sale", "77.70", id_="x1", day=date(2026, 3, 6))
    twins = [sold("8", "77.70", "2026-03-05"), sold("9", "77.70", "2026-03-05")]
    assert books(twins, [payout("P1", "2026-03-09", nameless)]).suggestions == ()
    two = [nameless, row("sale", "77.70", id_="x2", day=date(2026, 3, 6))]
    assert books(twins[:1], [payout("P1", "2026-03-09", *two)]).suggestions == ()
    old = [sold("8", "77.70", "2026-03-02")]
    assert books(old, [payout("P1", "2026-03-09", nameless)]).suggestions == (), "four days are too far"


def test_20_each_month_end_values_what_is_owed_in_another_currency_and_takes_it_back() -> None:
    """Where the company wants it; not in months that were closed before, and not twice when a month is posted."""
    bought = order("1", [line("100", "19")], paid("stripe", "100", "2026-03-09", "c"), country="DE", currency="EUR")
    made = payout("po_1", "2026-04-10", row("sale", "1200", "1", presented=Decimal(100), presented_currency="EUR"),
                  provider="stripe")  # fmt: skip
    rates = exchange(("EUR", "2026-03-09", "11.20"), ("EUR", "2026-03-31", "11.50"), ("EUR", "2026-04-01", "11.60"))
    firm = company(revalue=True)
    kept = books([bought], [made], firm=firm, rates=rates, today=date(2026, 6, 2))
    assert [(str(v.date), amounts(v)) for v in kept.vouchers if v.source == "revaluation"] == [
        ("2026-03-31", {"1582": "30.00", "3960": "-30.00"}), ("2026-04-01", {"1582": "-30.00", "3960": "30.00"}),
    ]  # fmt: skip
    assert account_balances(kept.vouchers)["1582"] == 0
    assert clearing_balances(kept.vouchers, date(2026, 3, 31)) == {"stripe": 1120}, "at the sale's own rate"
    locked = company(revalue=True, locked_before=date(2026, 5, 1))
    again = books([bought], [made], firm=locked, rates=rates, today=date(2026, 6, 2), posted=kept.vouchers)
    assert again.vouchers == kept.vouchers
    late = books([], [made], firm=locked, rates=rates, today=date(2026, 6, 2))
    assert [v for v in late.vouchers if v.source == "revaluation"] == []
    assert not [v for v in books([bought], rates=rates, today=LAST).vouchers if v.source == "revaluation"]
