"""Run after run: what is posted stays, what turned out otherwise is reversed and posted again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from samklang.accounting.books import Books, keep_books
from samklang.accounting.company import Channel
from samklang.accounting.control import account_balances, clearing_balances
from samklang.accounting.posting import outstanding
from samklang.accounting.voucher import Voucher, reversal
from samklang.records import Order

from .cases import LAST, amounts, books, payout, sold
from .month import CHART, EXCHANGE, Month
from .provider import bank_line, bank_statement, row
from .shop import company, line, order, paid

TODAY = date(2026, 4, 10)


def left(kept: Books, posted: Sequence[Voucher], orders: Sequence[Order], today: date = TODAY) -> tuple[Voucher, ...]:
    return outstanding(kept.vouchers, posted, {found.key for found in orders}, today, company())


def test_a_late_order_takes_back_its_days_voucher_and_posts_it_again() -> None:
    first, late = sold("1", "100"), sold("2", "50")
    posted = left(books([first]), (), [first])
    again = left(books([first, late], posted=posted), posted, [first, late])
    assert [(voucher.source, voucher.key) for voucher in again] == [
        ("reversal", "ov/sales/web/2026-03-02/reversal"), ("sales", "ov/sales/web/2026-03-02@2"),
    ]  # fmt: skip
    assert {voucher.date for voucher in again} == {TODAY}
    assert again[0].text == "Rättelse av Dagsförsäljning 2026-03-02"
    every = [*posted, *again]
    assert clearing_balances(every, LAST) == {"klarna": 150}
    assert left(books([first, late], posted=every), every, [first, late]) == ()
    third = sold("3", "25")
    more = left(books([first, late, third], posted=every), every, [first, late, third])
    assert [voucher.key for voucher in more] == ["ov/sales/web/2026-03-02@2/reversal", "ov/sales/web/2026-03-02@3"]


def test_a_refund_that_failed_after_all_is_taken_back() -> None:
    captured, refund = paid("klarna", "100", "2026-03-02", "c"), paid("klarna", "100", "2026-03-05", "r", "refund")
    bought = order("1", [line("100")], captured, refund)
    failed = order("1", [line("100")], captured, msgspec.structs.replace(refund, state="failed"))
    posted = left(books([bought]), (), [bought])
    (back,) = left(books([failed], posted=posted), posted, [failed])
    assert (back.source, back.reverses) == ("reversal", "ov/refunds/web/2026-03-05")
    assert left(books([], posted=posted), posted, []) == (), "what the facts do not speak of stays"
    posted = (*posted, back)
    assert left(books([failed], posted=posted), posted, [failed]) == ()
    (again,) = left(books([bought], posted=posted), posted, [bought])
    assert (again.key, again.date) == ("ov/refunds/web/2026-03-05@2", TODAY), "no key is used twice"


def test_a_payout_on_the_bank_stays_there_when_its_line_comes_in_parts() -> None:
    orders, made = [sold("1", "100")], payout("REF-A1", "2026-03-09", row("sale", "100", "1"))
    first = books(orders, [made])
    bank = bank_statement(bank_line("60", "2026-03-10", "REF A1"), bank_line("40", "2026-03-11", "REF A1"))
    later = books(orders, [made], bank, posted=first.vouchers)
    assert later.vouchers == first.vouchers
    assert account_balances(later.vouchers)["1930"] == 100
    fresh = books(orders, [made], bank)
    assert account_balances(fresh.vouchers)["1689"] == 0, "known from the beginning, it goes through transit"


def test_a_fee_that_the_bank_kept_is_posted_after_the_payout() -> None:
    firm = company(bank_tolerance=Decimal(5))
    orders, made = [sold("1", "100")], payout("REF-A1", "2026-03-09", row("sale", "100", "1"))
    first = books(orders, [made], firm=firm)
    bank = bank_statement(bank_line("95", "2026-03-10", "REF A1"))
    later = books(orders, [made], bank, firm=firm, posted=first.vouchers)
    assert later.vouchers[:2] == first.vouchers
    assert amounts(later.vouchers[2]) == {"6570": "5.00", "1930": "-5.00"}
    assert account_balances(later.vouchers)["1930"] == 95


def test_a_settlement_that_a_person_took_back_is_booked_anew_without_suspense() -> None:
    firm = company(policies={"TX_WITHOUT_ORDER": "suspense"})
    made, late = payout("U1", "2026-03-06", row("sale", "349", "555")), sold("555", "349")
    posted: tuple[Voucher, ...] = books([], [made], firm=firm).vouchers
    posted = (*posted, reversal(posted[0], TODAY, "Rättelse"))
    again = left(books([late], [made], firm=firm, posted=posted), posted, [late])
    assert [voucher.key for voucher in again] == ["ov/sales/web/2026-03-02", "ov/settlement/klarna/-/U1/SEK@2"]
    posted = (*posted, *again)
    assert account_balances(posted)["2999"] == 0
    assert left(books([late], [made], firm=firm, posted=posted), posted, [late]) == ()


def test_an_at_sign_in_an_account_or_a_banks_text_is_no_count_of_corrections() -> None:
    orders = [sold("1", "100")]
    made = payout("REF-A1", "2026-03-09", row("sale", "100", "1"), account="shop@example.se")
    bank = bank_statement(bank_line("60", "2026-03-10", "REF-A1 a@b"), bank_line("40", "2026-03-10", "REF-A1 c@d"))
    posted = left(books(orders, [made], bank), (), orders)
    assert len(posted) == 4
    assert left(books(orders, [made], bank, posted=posted), posted, orders) == ()
    extra = (row("fee", "-4"), row("fee_vat", "-1"), row("release", "5"))
    more = msgspec.structs.replace(made, lines=(*made.lines, *extra))
    again = left(books(orders, [more], bank, posted=posted), posted, orders)
    assert [voucher.key for voucher in again] == [
        "ov/settlement/klarna/shop@example.se/REF-A1/SEK/reversal", "ov/settlement/klarna/shop@example.se/REF-A1/SEK@2",
    ]  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    st.builds(Month, st.integers(1, 30), st.integers(0, 10_000)),
    st.lists(st.integers(0, 30), max_size=4).map(sorted),
    st.sampled_from(["day", "invoice"]),
)
def test_running_again_and_again_ends_where_one_run_ends(month: Month, steps: list[int], model: str) -> None:
    """However the orders and statements trickle in, the ledger's balances are those of all facts at once."""
    firm = company(chart=CHART, channels=[Channel(code="web", model=model)], keeps_invoices=True)  # type: ignore[arg-type]
    facts, posted = month.facts, []
    for step in [*steps, 30]:
        known = {found.order_no for found in facts.orders[:step]}
        statements = [
            made for made in facts.statements if {part.order_ref for part in made.lines if part.order_ref} <= known
        ]
        some = msgspec.structs.replace(facts, orders=facts.orders[:step], statements=statements, posted=tuple(posted))
        kept = keep_books(some, firm, EXCHANGE, TODAY)
        posted += outstanding(kept.vouchers, posted, {found.key for found in some.orders}, TODAY, firm)
    at_once = account_balances(keep_books(facts, firm, EXCHANGE, TODAY).vouchers)
    assert {account: amount for account, amount in account_balances(posted).items() if amount} == {
        account: amount for account, amount in at_once.items() if amount
    }
