"""The edge cases of RECONCILIATION §7 about sales and refunds, each test by its number."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from samklang.accounting.chart import ProviderRow
from samklang.accounting.company import Channel
from samklang.accounting.control import account_balances, clearing_balances, vat_of_vouchers
from samklang.accounting.lists import missing_statements, open_receivables
from samklang.accounting.statements.base import Statement
from samklang.records import Customer, Order, PaidPart, TaxTotal

from .cases import amounts, books, codes, payout, sold
from .provider import row
from .shop import chart, company, eu_company, exchange, freight, line, order, paid


def test_1_a_partial_capture_is_a_sale_of_what_was_captured() -> None:
    kept = books([order("1", [line("1000")], paid("klarna", "400", "2026-03-02", "c1"))])
    assert amounts(kept.vouchers[0]) == {"1581": "400.00", "2611": "-80.00", "3001": "-320.00"}
    assert kept.problems == ()


def test_2_the_same_capture_told_twice_is_one_sale() -> None:
    twice = paid("klarna", "500", "2026-03-02", "c1")
    kept = books([order("1", [line("1000")], twice, twice)])
    assert amounts(kept.vouchers[0])["1581"] == "500.00"


def test_4_sales_stay_in_their_month_and_the_close_lists_what_is_not_paid_out() -> None:
    made = payout("P1", "2026-04-02", row("sale", "100", "1"), row("sale", "200", "2"))
    kept = books([sold("1", "100", "2026-03-30"), sold("2", "200", "2026-03-31")], [made])
    assert vat_of_vouchers(kept.vouchers, date(2026, 3, 1), date(2026, 3, 31)) == {("SE", 25): 60}
    assert vat_of_vouchers(kept.vouchers, date(2026, 4, 1), date(2026, 4, 30)) == {}
    assert clearing_balances(kept.vouchers, date(2026, 3, 31)) == {"klarna": 300}
    days = {match.line: date(2026, 4, 2) for match in kept.matches}
    listed = open_receivables(kept.expected, kept.matches, date(2026, 3, 31), days)
    assert [(item.order, item.amount) for item in listed] == [("web/1", 100), ("web/2", 200)]


def test_5_a_late_payout_goes_to_the_open_period_a_late_sale_stops() -> None:
    firm = company(locked_before=date(2026, 4, 1))
    late = payout("P1", "2026-03-30", row("release", "50"))
    kept = books([sold("1", "100", "2026-03-30")], [late], firm=firm)
    assert codes(kept) == ["PERIOD_LOCKED"]
    assert [(voucher.source, voucher.date) for voucher in kept.vouchers] == [("settlement", date(2026, 4, 1))]


def test_5_the_close_knows_which_statements_are_missing() -> None:
    made = payout("P1", "2026-03-20", row("sale", "100", "1"))
    kept = books([sold("1", "100"), sold("2", "50", "2026-03-30"), sold("3", "9", "2026-03-31", "stripe")], [made])
    assert missing_statements(kept.statements, kept.vouchers, date(2026, 3, 31)) == {
        "klarna": (date(2026, 3, 30), date(2026, 3, 30)), "stripe": (date(2026, 3, 31), date(2026, 3, 31)),
    }  # fmt: skip


def test_10_a_refund_has_the_rate_of_the_sale() -> None:
    capture = paid("klarna", "112", "2026-03-31", "c")
    food = order("1", [line("112", "12")], capture, paid("klarna", "112", "2026-04-10", "r", "refund"))
    kept = books([food])
    assert amounts(kept.vouchers[1]) == {"1581": "-112.00", "2621": "12.00", "3002": "100.00"}


def test_36_more_captured_than_ordered_stops_that_order_only() -> None:
    wrong = order("1", [line("100")], paid("klarna", "150", "2026-03-02", "c1"))
    kept = books([wrong, sold("2", "80")])
    assert codes(kept) == ["AMOUNT_DIFF"]
    assert kept.problems[0].amount == 50
    assert amounts(kept.vouchers[0])["1581"] == "80.00"


def test_37_several_means_of_payment_share_the_sale() -> None:
    mixed = order(
        "1", [line("112", "12"), line("100")], paid("swish", "50", "2026-03-02", "s"),
        paid("klarna", "162", "2026-03-02", "k"),
    )  # fmt: skip
    (voucher,) = books([mixed]).vouchers
    found = amounts(voucher)
    assert (found["1585"], found["1581"], found["2611"], found["2621"]) == ("50.00", "162.00", "-20.00", "-12.00")


def test_38_a_gift_card_is_taxed_when_used_or_when_sold_by_its_kind() -> None:
    multi = order("1", [line("100", "0", kind="gift_card_mpv")], paid("klarna", "100", "2026-03-02", "a"))
    single = order("2", [line("100", kind="gift_card_spv")], paid("klarna", "100", "2026-03-03", "b"))
    first, second = books([multi, single]).vouchers
    assert amounts(first) == {"1581": "100.00", "2421": "-100.00"}
    assert amounts(second) == {"1581": "100.00", "2611": "-20.00", "3001": "-80.00"}
    taxed = order("3", [line("100", "25", kind="gift_card_mpv")], paid("klarna", "100", "2026-03-02", "c"))
    assert codes(books([taxed])) == ["VAT_DIFF"]


def test_39_40_money_without_lines_follows_the_orders_rates_and_ends_at_its_vat() -> None:
    pieces = [paid("klarna", amount, "2026-03-02", f"c{n}") for n, amount in enumerate(("33.33", "33.33", "33.34"))]
    bought = order("1", [line("70"), line("30", "12")], *pieces)
    kept = books([bought])
    assert account_balances(kept.vouchers)["2611"] == -bought.lines[0].tax
    assert account_balances(kept.vouchers)["2621"] == -bought.lines[1].tax


@pytest.mark.parametrize(
    ("country", "postcode", "percent", "account"),
    [
        ("DE", "10115", "19", "3106"), ("GB", "BT1 1AA", "20", "3106"), ("GB", "SW1A 1AA", "0", "3105"),
        ("ES", "35001", "0", "3105"), ("ES", "28001", "21", "3106"), ("FI", "22100", "0", "3105"),
        ("FI", "00100", "25.5", "3106"), ("MC", "98000", "20", "3106"), ("FR", "97110", "0", "3105"),
        ("DE", "27498", "0", "3105"), ("SE", "11122", "25", "3001"),
    ],
)  # fmt: skip
def test_42_the_delivery_decides_the_vat_territory(country: str, postcode: str, percent: str, account: str) -> None:
    made = order(
        "1", [line("100", percent)], paid("klarna", "100", "2026-03-02", "c"), country=country, postcode=postcode
    )
    kept = books([made])
    assert kept.problems == ()
    assert account in amounts(kept.vouchers[0])


def test_42_vat_outside_the_eu_and_none_to_a_consumer_inside_are_asked_about() -> None:
    taxed = order("1", [line("100", "19")], paid("klarna", "100", "2026-03-02", "c"), country="NO")
    untaxed = order("2", [line("100", "0")], paid("klarna", "100", "2026-03-02", "d"), country="DE")
    assert codes(books([taxed, untaxed])) == ["VAT_DIFF", "VAT_DIFF"]


def test_43_a_company_without_a_confirmed_vat_number_is_no_exempt_sale() -> None:
    confirmed = eu_company()
    doubtful = msgspec.structs.replace(confirmed, vat_check=None)
    for customer, expected in ((confirmed, []), (doubtful, ["VAT_DIFF"])):
        made = order("1", [line("100", "0")], paid("invoice", "100", "2026-03-02"), country="FI", customer=customer)
        assert codes(books([made])) == expected


def test_44_below_the_threshold_the_home_rate_stays_at_home() -> None:
    made = order("1", [line("100")], paid("klarna", "100", "2026-03-02", "c"), country="DE")
    (voucher,) = books([made], firm=company(oss=False)).vouchers
    assert amounts(voucher) == {"1581": "100.00", "2611": "-20.00", "3001": "-80.00"}


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-03-01T22:59:00", date(2026, 3, 1)),
        ("2026-03-01T23:00:00", date(2026, 3, 2)),
        ("2026-03-28T23:30:00", date(2026, 3, 29)),  # the night when summer time begins
        ("2026-03-29T22:30:00", date(2026, 3, 30)),
    ],
)
def test_45_a_sale_is_dated_in_the_shops_zone(instant: str, day: date) -> None:
    (voucher,) = books([sold("1", "100", instant)]).vouchers
    assert voucher.date == day


def test_48_a_voucher_over_the_row_limit_is_split_and_each_part_balances() -> None:
    orders = [order(str(n), [line("10")], paid("invoice", "10", "2026-03-02")) for n in range(20)]
    whole = books(orders).vouchers
    split = books(orders, firm=company(row_limit=10)).vouchers
    assert len(whole) == 1 < len(split)
    assert max(len(voucher.lines) for voucher in split) <= 10
    assert len({voucher.key for voucher in split}) == len(split)
    assert account_balances(split) == account_balances(whole)


def test_49_the_same_facts_have_the_same_keys() -> None:
    made = payout("P1", "2026-03-09", row("sale", "100", "1"))
    first, second = (books([sold("1", "100")], [made]).vouchers for _ in range(2))
    assert first == second
    assert [voucher.key for voucher in first] == ["ov/sales/web/2026-03-02", "ov/settlement/klarna/-/P1/SEK"]


def test_50_vat_that_a_marketplace_owes_is_not_ours() -> None:
    made = order(
        "1", [line("119", "19", tax_scheme="deemed_supplier")], paid("amazon", "100", "2026-03-02", "a"), country="DE"
    )
    firm = company(chart=chart(providers=[ProviderRow(provider="amazon", receivable="receivable.marketplace")]))
    (voucher,) = books([made], firm=firm).vouchers
    assert amounts(voucher) == {"1587": "100.00", "3004": "-100.00"}


def test_prepayments_wait_for_delivery_where_the_channel_says_so() -> None:
    firm = company(channels=[Channel(code="web", defer_until_delivery=True)])
    bought = sold("1", "100", "2026-03-30")
    waiting = books([bought], firm=firm)
    assert [amounts(voucher) for voucher in waiting.vouchers] == [{"1581": "100.00", "2420": "-100.00"}]
    done = books([bought], firm=firm, delivered={"web/1": date(2026, 4, 2)})
    assert amounts(done.vouchers[1]) == {"2420": "100.00", "2611": "-20.00", "3001": "-80.00"}
    assert done.vouchers[1].date == date(2026, 4, 2)
    same_month = books([bought], firm=firm, delivered={"web/1": date(2026, 3, 31)})
    assert [voucher.source for voucher in same_month.vouchers] == ["sales"]
    assert "2420" not in account_balances(same_month.vouchers)


def test_model_b_is_forced_for_companies_and_invoice_terms_and_never_both() -> None:
    firm = company(keeps_invoices=True)
    buyer = Customer(name="AB", kind="company", org_no="556016-0680")
    orders = [
        order("1", [line("100")], paid("klarna", "100", "2026-03-02", "a"), customer=buyer),
        order("2", [line("100")], paid("invoice", "100", "2026-03-02")),
        sold("3", "100"),
    ]
    kept = books(orders, firm=firm)
    assert [(voucher.source, len(voucher.lines)) for voucher in kept.vouchers] == [
        ("invoice", 3), ("invoice", 3), ("sales", 3),
    ]  # fmt: skip
    rows = [ref.id for voucher in kept.vouchers for part in voucher.lines if part.amount > 0 for ref in part.refs]
    assert len(rows) == len(set(rows)) == 3


def test_refund_of_named_lines_takes_their_vat() -> None:
    bought = order(
        "1", [line("112", "12", "food"), line("100", line_id="mug")], paid("klarna", "261", "2026-03-02", "c"),
        paid("klarna", "112", "2026-03-03", "r", "refund", parts=(PaidPart(line_id="food", gross=Decimal(112)),)),
        charges=[freight("49")],
    )  # fmt: skip
    kept = books([bought])
    assert amounts(kept.vouchers[1]) == {"1581": "-112.00", "2621": "12.00", "3002": "100.00"}
    goodwill = msgspec.structs.replace(
        bought, payments=(bought.payments[0], paid("klarna", "26.10", "2026-03-03", "g", "refund"))
    )
    back = amounts(books([goodwill]).vouchers[1])
    assert (back["2611"], back["2621"]) in {("2.98", "1.20"), ("2.00", "1.20")}


def test_a_period_that_is_locked_later_does_not_move_what_is_posted() -> None:
    made = payout("P1", "2026-03-09", row("sale", "100", "1"))
    posted = books([sold("1", "100")], [made]).vouchers
    locked = company(locked_before=date(2026, 4, 1))
    again = books([sold("1", "100")], [made], firm=locked, posted=posted)
    assert (again.vouchers, again.problems) == (posted, ())
    late = books([sold("1", "100"), sold("2", "50", "2026-03-05")], [made], firm=locked, posted=posted)
    assert [(problem.code, problem.where) for problem in late.problems] == [("PERIOD_LOCKED", "web/2")]


def test_a_paid_order_whose_source_names_no_transaction_is_not_forgotten() -> None:
    silent = order("1", [line("100")], paid=Decimal(100))
    kept = books([silent, msgspec.structs.replace(silent, order_no="2", test=True)])
    assert [(problem.code, problem.where) for problem in kept.problems] == [("ORDER_WITHOUT_TX", "web/1")]


def test_a_value_that_is_paid_out_in_parts_leaves_no_cent() -> None:
    """100.01 EUR at 11.111, stated in three parts: each is rounded, their sum is what the sale was booked at."""
    capture = paid("stripe", "100.01", "2026-03-09", "c")
    bought = order("1", [line("100.01", "19")], capture, country="DE", currency="EUR")
    euros = [Decimal("33.33"), Decimal("33.33"), Decimal("33.35")]
    parts = [
        row("sale", str(amount * 11), "1", f"t{n}", presented=amount, presented_currency="EUR")
        for n, amount in enumerate(euros)
    ]
    made = [payout(f"po_{n}", f"2026-03-{10 + n}", part, provider="stripe") for n, part in enumerate(parts)]
    kept = books([bought], made, rates=exchange(("EUR", "2026-03-09", "11.111")))
    assert kept.problems == ()
    assert account_balances(kept.vouchers)["1582"] == 0


def test_50_an_order_that_states_vat_of_a_deemed_supplier_is_not_asked_about_it() -> None:
    lines = [line("119", "19", tax_scheme="deemed_supplier")]
    total = TaxTotal(Decimal(19), Decimal(100), Decimal(19))
    made = order("1", lines, paid("amazon", "100", "2026-03-02", "a"), country="DE", taxes=(total,))
    firm = company(chart=chart(providers=[ProviderRow(provider="amazon", receivable="receivable.marketplace")]))
    assert books([made], firm=firm).problems == ()


def test_prepayments_of_companies_are_paid_out_from_the_clearing_account() -> None:
    firm = company(channels=[Channel(code="web", model="invoice", defer_until_delivery=True)], keeps_invoices=True)
    made = payout("P1", "2026-04-01", row("sale", "100", "1"))
    kept = books([sold("1", "100", "2026-03-30")], [made], firm=firm)
    assert [amounts(voucher) for voucher in kept.vouchers] == [
        {"1581": "100.00", "2420": "-100.00"}, {"1581": "-100.00", "1930": "100.00"},
    ]  # fmt: skip


def test_18_each_capture_has_its_own_days_rate_and_a_refund_that_of_its_capture() -> None:
    bought = order(
        "1", [line("200", "19")], paid("stripe", "100", "2026-03-02", "c1"), paid("stripe", "100", "2026-03-09", "c2"),
        paid("stripe", "100", "2026-03-16", "r2", "refund", parent_id="c2"), country="DE", currency="EUR",
    )  # fmt: skip
    rates = exchange(("EUR", "2026-03-02", "11"), ("EUR", "2026-03-09", "12"), ("EUR", "2026-03-16", "13"))
    moved = [amounts(voucher)["1582"] for voucher in books([bought], rates=rates).vouchers]
    assert moved == ["1100.00", "1200.00", "-1200.00"]


def test_a_later_statement_does_not_change_an_earlier_ones_share() -> None:
    """1 111.11 SEK in two halves: the first statement takes the odd öre, by its day and not by its name."""
    capture = paid("stripe", "100", "2026-03-09", "c")
    bought = order("1", [line("100", "19")], capture, country="DE", currency="EUR")
    rates = exchange(("EUR", "2026-03-09", "11.1111"))

    def part(reference: str, day: str, euros: str) -> Statement:
        stated = {"presented": Decimal(euros), "presented_currency": "EUR"}
        return payout(reference, day, row("sale", "550", "1", reference, **stated), provider="stripe")

    first, second = part("po_9", "2026-03-10", "50"), part("po_1", "2026-03-11", "50")
    early = books([bought], [first], rates=rates).vouchers
    assert early == books([bought], [first, second], rates=rates).vouchers[: len(early)]


def test_41_what_the_buyer_paid_too_little_within_the_tolerance_is_a_rounding() -> None:
    for captured, rounding in (("29.97", "0.03"), ("30.04", "-0.04")):
        bought = order("1", [line("30")], paid("klarna", captured, "2026-03-02", "c"))
        (voucher,) = books([bought]).vouchers
        assert amounts(voucher) == {"1581": captured, "3740": rounding, "2611": "-6.00", "3001": "-24.00"}


def test_a_prepayment_in_another_currency_leaves_nothing_on_its_account() -> None:
    firm = company(channels=[Channel(code="web", defer_until_delivery=True)])
    bought = order("1", [line("100", "19")], paid("stripe", "100", "2026-03-30", "c"), country="DE", currency="EUR")
    rates = exchange(("EUR", "2026-03-30", "11"), ("EUR", "2026-04-02", "12"))
    kept = books([bought], firm=firm, rates=rates, delivered={"web/1": date(2026, 4, 2)})
    assert account_balances(kept.vouchers)["2420"] == 0
    assert account_balances(kept.vouchers)["1582"] == 1100


def test_44_sales_above_the_threshold_with_vat_of_our_own_country_are_warned_of() -> None:
    """99 680 SEK a calendar year, from the Swedish profile; the shop's VAT is booked as it is."""

    def sold_abroad(gross: str, day: str = "2026-03-02", country: str = "DE") -> Order:
        return order("1", [line(gross)], paid("klarna", gross, day, "c"), country=country)

    alone = company(oss=False)
    assert books([sold_abroad("124600")], firm=alone).problems == (), "99 680 net"
    kept = books([sold_abroad("124601")], firm=alone)
    (problem,) = kept.problems
    assert (problem.code, problem.where, problem.amount) == ("VAT_DIFF", "oss/2026", Decimal("0.80"))
    assert len(kept.vouchers) == 1
    assert books([sold_abroad("124601", country="SE")], firm=alone).problems == ()
    assert books([sold_abroad("124601", country="NO")], firm=alone).problems[0].where == "web/1"
    assert "oss/2026" not in {one.where for one in books([sold_abroad("124601", "2025-12-30")], firm=alone).problems}
    registered = company(oss=False, registrations=frozenset({"SE", "DE"}))
    assert codes(books([sold_abroad("124601")], firm=registered)) == ["ACCOUNT_MISSING"], "sales.de.25, no threshold"
