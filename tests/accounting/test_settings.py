"""Chart, fee treatments, readiness, lists: what is data and what stops posting (D-18…D-20, RD-11…RD-13, Q-22)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from samklang.accounting.chart import AccountRow, Chart, FeeRow, profile
from samklang.accounting.company import Channel
from samklang.accounting.control import foreign_vat, provider_differences
from samklang.accounting.decisions import Dispute, lose_dispute
from samklang.accounting.lists import gaps, itemised
from samklang.accounting.posting import outstanding
from samklang.accounting.problems import DO_THIS, Code, Problem, Refused
from samklang.accounting.readiness import Ledger, LedgerAccount, check, gates, roles
from samklang.records import Address, Customer, Order, decode, encode

from .cases import LAST, amounts, books, codes, payout, sold
from .provider import row, statement
from .shop import CHART, FEES, chart, company, exchange, line, order, paid

ON = date(2026, 3, 31)


def test_a_role_without_an_account_takes_its_familys_and_the_last_row_wins() -> None:
    rows = [
        AccountRow(role="vat.out.oss.DE", account="2671"),
        AccountRow(role="receivable.psp.klarna", account="1686", since=date(2026, 7, 1)),
    ]
    found = chart(accounts=rows)
    assert found.account("vat.out.oss.DE.19", ON).account == "2671"
    assert found.account("vat.out.oss.FI.25_5", ON).account == "2670"
    assert found.account("receivable.psp.klarna", date(2026, 6, 30)).account == "1581"
    assert found.account("receivable.psp.klarna", date(2026, 7, 1)).account == "1686"
    with pytest.raises(Refused, match="ACCOUNT_MISSING"):
        found.account("vat.out.no.25", ON)


@pytest.mark.parametrize("provider", ["stripe", "paypal", "adyen", "nets", "unheard_of"])
def test_an_undecided_fee_treatment_blocks_posting(provider: str) -> None:
    firm = company(chart=Chart(profile("se_bas"), accounts=[AccountRow(role="receivable.psp", account="1580")]))
    made = statement(provider, "P1", "2026-03-09", row("fee", "-10"))
    kept = books([], [made], firm=firm)
    assert (codes(kept), kept.vouchers) == (["FEE_TREATMENT_UNDECIDED"], ())


def test_a_treatment_may_be_taken_back_for_a_new_period() -> None:
    again = FeeRow(provider="stripe", treatment="NEEDS_DECISION", since=date(2026, 4, 1))
    found = chart([*FEES, again])
    assert found.fee("stripe", "", ON).treatment == "RC_EU"
    with pytest.raises(Refused, match="FEE_TREATMENT_UNDECIDED"):
        found.fee("stripe", "", date(2026, 4, 1))


def test_one_fee_type_may_be_taxed_otherwise_and_go_elsewhere() -> None:
    firm = company(chart=chart([*FEES, FeeRow(provider="klarna", fee="interest", treatment="EXEMPT", role="fee.bank")]))
    made = statement(
        "klarna", "P1", "2026-03-09", row("fee", "-100"), row("fee", "-7", type="interest"), row("fee_vat", "-25")
    )
    (voucher,) = books([], [made], firm=firm).vouchers
    assert amounts(voucher) == {"1581": "-132.00", "2641": "25.00", "6040": "100.00", "6570": "7.00"}


def test_every_role_of_the_swedish_table_has_its_account() -> None:
    """RECONCILIATION §2, transcribed."""
    expected = {
        "receivable.invoice": "1510", "receivable.psp.klarna": "1581", "receivable.psp.stripe": "1582",
        "receivable.psp.paypal": "1583", "receivable.psp.nets": "1584", "receivable.psp.swish": "1585",
        "receivable.psp.adyen": "1586", "receivable.psp.reserve": "1588", "receivable.disputed": "1516",
        "cash.pos": "1910", "receivable.terminal": "1589", "in_transit": "1689", "bank.SEK": "1930",
        "bank.EUR": "1980", "liability.prepaid": "2420", "liability.giftcard": "2421", "vat.out.se.25": "2611",
        "vat.out.se.12": "2621", "vat.out.se.6": "2631", "vat.out.oss.DE.19": "2670", "vat.rc.out": "2614",
        "vat.rc.in": "2645", "vat.in": "2641", "sales.se.25": "3001", "sales.se.12": "3002", "sales.se.6": "3003",
        "sales.se.0": "3004", "sales.export": "3105", "sales.eu.b2b": "3108", "sales.eu.b2c.DE": "3106",
        "sales.freight": "3520", "rounding": "3740", "fx.gain": "3960", "fx.loss": "7960", "fee.psp": "6040",
        "fee.marketplace": "6050", "rc.base.eu": "4535", "rc.base.non_eu": "4531", "rc.counter": "4598",
        "bad_debt": "6351", "suspense": "2999",
    }  # fmt: skip
    assert {role: CHART.account(role, ON).account for role in expected} == expected


def ledger(*without: str, **changed: LedgerAccount) -> Ledger:
    there = {found.account: LedgerAccount(number=found.account, vat_code=found.vat_code) for found in CHART.rows(ON)}
    there |= {number.lstrip("a"): account for number, account in changed.items()}
    accounts = tuple(account for number, account in there.items() if number not in without)
    return Ledger(accounts=accounts, year=(date(2026, 1, 1), date(2026, 12, 31)), series=("I",))


def test_readiness_finds_what_would_stop_posting() -> None:
    assert check(company(), ["klarna", "stripe", "gift_card"], ledger(), ON) == ()
    found = check(company(), ["klarna", "paypal"], ledger("1583", "2670"), ON)
    assert {(problem.code, problem.where) for problem in found} == {
        ("ACCOUNT_MISSING", "receivable.psp.paypal"), ("ACCOUNT_MISSING", "vat.out.oss"),
        ("FEE_TREATMENT_UNDECIDED", "paypal"),
    }  # fmt: skip
    closed = ledger(a1581=LedgerAccount(number="1581", active=False), a2611=LedgerAccount(number="2611", vat_code="05"))
    assert [(problem.code, problem.where) for problem in check(company(), ["klarna"], closed, ON)] == [
        ("VAT_DIFF", "vat.out.se.25"), ("ACCOUNT_MISSING", "receivable.psp.klarna"),
    ]  # fmt: skip
    year = check(company(series={"sales": "K"}), ["klarna"], ledger(), date(2027, 1, 1))
    assert [(problem.code, problem.where) for problem in year] == [
        ("PERIOD_LOCKED", "2027-01-01"), ("ACCOUNT_MISSING", "K"),
    ]  # fmt: skip


def test_reverse_charge_needs_its_four_accounts() -> None:
    assert {"vat.rc.in", "vat.rc.out", "rc.base.eu", "rc.counter"} <= set(roles(company(), ["stripe"], on=ON))


def test_a_provider_is_ready_with_one_payout_that_has_one_order() -> None:
    made = payout("P1", "2026-03-09", row("sale", "100", "1"))
    kept = books([sold("1", "100")], [made])
    every = ["klarna", "stripe"]
    assert gates(every, [made], kept.matches) == {"klarna": "ready", "stripe": "waiting for payout"}
    assert gates(every, [made], ()) == {"klarna": "waiting for match", "stripe": "waiting for payout"}


def test_a_provider_that_states_another_balance_is_named_with_the_difference() -> None:
    kept = books([sold("1", "100")])
    assert provider_differences(kept.vouchers, {"klarna": Decimal(100)}, LAST, "SEK") == ()
    (problem,) = provider_differences(kept.vouchers, {"klarna": Decimal(90)}, LAST, "SEK")
    assert (problem.where, problem.amount) == ("klarna", 10)


def test_a_gap_between_carried_balances_is_a_missing_statement() -> None:
    first = statement("klarna", "A", "2026-03-02", row("fee", "-10"))
    third = statement("klarna", "C", "2026-03-04", row("payout", "30"), opening="-30")
    (problem,) = gaps([third, first])
    assert (problem.code, problem.amount) == ("STATEMENT_UNBALANCED", -20)
    assert gaps([first, statement("klarna", "B", "2026-03-03", row("payout", "10"), opening="-10")]) == ()


def test_the_itemised_list_of_a_voucher_sums_to_it() -> None:
    (voucher,) = books([sold("1", "100"), sold("2", "50")]).vouchers
    listed = [(account, id_.partition("#")[0], amount) for account, _, id_, amount in itemised(voucher)]
    assert ("1581", "web/1", 100) in listed
    assert ("2611", "web/2", -10) in listed
    assert sum(amount for _, _, amount in listed) == 0


def test_the_oss_return_has_the_currency_of_the_sale() -> None:
    sold_to = order("1", [line("100", "19")], paid("stripe", "100", "2026-03-09", "c"), country="DE", currency="EUR")
    kept = books([sold_to], rates=exchange(("EUR", "2026-03-09", "11.20")))
    assert foreign_vat(kept.vouchers, date(2026, 1, 1), ON) == {(("DE", Decimal(19)), "EUR"): Decimal("15.97")}


def test_result_lines_alone_carry_the_channels_cost_centre() -> None:
    firm = company(channels=[Channel(code="web", dimensions={"1": "WEB"})])
    (voucher,) = books([sold("1", "100")], firm=firm).vouchers
    assert {part.account: dict(part.dimensions) for part in voucher.lines} == {
        "1581": {}, "2611": {}, "3001": {"1": "WEB"},
    }  # fmt: skip


def test_47_a_dispute_lost_after_the_year_end_is_booked_in_the_open_period() -> None:
    firm = company(locked_before=date(2027, 1, 1))
    dispute = Dispute("klarna/D1", "klarna", date(2026, 12, 20))
    voucher = lose_dispute(sold("1", "100"), Decimal(100), Decimal(100), dispute, date(2026, 12, 30), firm)
    assert voucher is not None
    assert voucher.date == date(2027, 1, 1)


def test_11_each_partial_refund_of_an_invoice_is_a_credit_of_its_own() -> None:
    refunds = [paid("klarna", "100", f"2026-03-1{n}", f"r{n}", "refund") for n in (1, 2)]
    bought = order("1", [line("1000")], paid("klarna", "1000", "2026-03-02", "c"), *refunds)
    firm = company(channels=[Channel(code="web", model="invoice")], keeps_invoices=True)
    made = books([bought], firm=firm).vouchers
    assert [voucher.text for voucher in made] == ["Faktura order 1", "Kreditfaktura order 1", "Kreditfaktura order 1"]
    assert len({voucher.key for voucher in made}) == 3


def test_an_order_of_an_unknown_channel_stops_alone() -> None:
    kept = books([sold("1", "100", channel="outlet"), sold("2", "50")])
    assert [(problem.code, problem.where) for problem in kept.problems] == [("ACCOUNT_MISSING", "outlet/1")]
    assert len(kept.vouchers) == 1


def test_every_code_says_what_to_do() -> None:
    assert set(DO_THIS) == set(Code.__args__)  # type: ignore[attr-defined]
    assert Problem(code="AMOUNT_DIFF", where="x", what="y").do_this == DO_THIS["AMOUNT_DIFF"]


def test_what_orders_gained_for_accounting_is_left_out_of_those_without() -> None:
    plain = sold("1", "100")
    bare: Order = msgspec.structs.replace(plain, payments=())
    for word in (b"payments", b"tax_category", b"tax_scheme", b"vat_check"):
        assert word not in encode(bare)
    assert decode("order", encode(plain)) == plain
    assert b"vat_check" not in encode(Customer(name="x"))


def test_an_order_stays_in_the_model_that_it_was_posted_in_whatever_the_settings_say_since() -> None:
    """Never both models for one order: not even when a channel, the ledger or the buyer changes meanwhile."""
    capture, refund = paid("klarna", "100", "2026-03-02", "c"), paid("klarna", "40", "2026-03-20", "r", "refund")
    before, after = order("1", [line("100")], capture), order("1", [line("100")], capture, refund)
    by_day, by_invoice = company(), company(channels=[Channel(code="web", model="invoice")], keeps_invoices=True)
    vouchers_only = company(channels=[Channel(code="web", model="invoice")], keeps_invoices=False)
    changes = [(by_day, by_invoice), (by_invoice, by_day), (vouchers_only, by_invoice), (by_invoice, vouchers_only)]
    for then, now in changes:
        posted = books([before], firm=then).vouchers
        locked = msgspec.structs.replace(now, locked_before=date(2026, 3, 10))
        kept = books([after, sold("2", "50", "2026-03-21")], firm=locked, posted=posted)
        assert kept.problems == ()
        assert kept.vouchers[:1] == posted, "what is posted stays, in a period that is closed by now"
        unchanged = books([after], firm=then).vouchers
        assert kept.vouchers[1] == unchanged[1], "its refund goes the same way"
        new = books([sold("2", "50", "2026-03-21")], firm=now).vouchers
        assert kept.vouchers[2:] == new, "the settings decide for what is not posted"
    company_since = msgspec.structs.replace(before, customer=Customer(name="AB", kind="company"))
    posted = books([before], firm=by_day).vouchers
    assert books([company_since], firm=by_day, posted=posted).vouchers == posted


def test_what_cannot_be_booked_any_more_stays_as_it_is_posted_until_it_is_mended() -> None:
    """An account, a rate or the order's VAT has gone wrong since: no reversal is proposed for that."""
    orders = [sold("1", "100"), sold("2", "50"), sold("3", "70", "2026-03-03")]
    posted = books(orders).vouchers
    wrong = [
        msgspec.structs.replace(found, lines=(line("50", "0"),), shipping=Address(country="DE")) for found in orders[1:]
    ]
    kept = books([orders[0], *wrong], posted=posted)
    assert {problem.where for problem in kept.problems} == kept.refused == {"web/2", "web/3"}
    known = {found.key for found in orders}
    assert outstanding(kept.vouchers, posted, known, LAST, company(), kept.refused) == ()
    late = books([*orders, sold("4", "9")], posted=posted)
    assert len(outstanding(late.vouchers, posted, {*known, "web/4"}, LAST, company(), late.refused)) == 2
