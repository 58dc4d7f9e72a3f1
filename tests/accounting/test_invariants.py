"""The invariants of RECONCILIATION §8 as properties over generated shops."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samklang.accounting.books import Books, keep_books
from samklang.accounting.company import Channel, Company
from samklang.accounting.control import account_balances, clearing_balances, vat_of_vouchers
from samklang.accounting.daybook import book_sales
from samklang.accounting.matching import line_id
from samklang.accounting.mix import Mix
from samklang.accounting.settlement import statement_id
from samklang.accounting.statements.base import Unreadable
from samklang.accounting.voucher import Ref, Unbalanced, Voucher, VoucherLine, correction, reversal
from samklang.records import Order, PaymentTransaction

from .month import CHART, EXCHANGE, Month
from .shop import company, exchange, freight, line, order, paid

TODAY = date(2026, 4, 10)
LAST = date(2026, 12, 31)
MONTHS = st.builds(Month, st.integers(1, 40), st.integers(0, 10_000))
MODELS = st.sampled_from(["day", "invoice"])
few = settings(max_examples=40, deadline=None)


def firm(model: str = "day", **more: object) -> Company:
    channel = Channel(code="web", model=model, dimensions={"1": "WEB"})  # type: ignore[arg-type]
    return company(chart=CHART, channels=[channel], keeps_invoices=True, **more)


def keep(month: Month, model: str = "day", **more: object) -> Books:
    return keep_books(month.facts, firm(model, **more), EXCHANGE, TODAY)


@few
@given(MONTHS, MODELS)
def test_1_every_voucher_is_balanced_and_every_line_sums_from_its_rows(month: Month, model: str) -> None:
    for voucher in keep(month, model).vouchers:
        assert sum(part.amount for part in voucher.lines) == 0
        assert len(voucher.lines) >= 2
        for part in voucher.lines:
            assert part.amount != 0
            assert part.amount == part.amount.quantize(Decimal("0.01"))
            assert part.refs
            assert sum(ref.amount for ref in part.refs) == part.amount


@few
@given(MONTHS, st.integers(0, 10_000), st.integers(1, 500))
def test_2_lines_sum_to_the_payout_or_there_is_no_statement(month: Month, place: int, öre: int) -> None:
    for made in month.facts.statements:
        rest = sum((part.amount for part in made.lines if part.kind != "payout"), Decimal(0))
        assert made.payout == made.opening + rest - made.closing
        which = place % len(made.lines)
        off = msgspec.structs.replace(made.lines[which], amount=made.lines[which].amount + Decimal(öre) / 100)
        with pytest.raises(Unreadable):
            msgspec.structs.replace(made, lines=(*made.lines[:which], off, *made.lines[which + 1 :]))
        with pytest.raises(Unreadable):
            msgspec.structs.replace(made, lines=(*made.lines, made.lines[which]))


@few
@given(MONTHS, MODELS, st.integers(0, 40), st.booleans())
def test_4_each_line_is_in_exactly_one_voucher_or_one_open_exception(
    month: Month, model: str, known: int, suspense: bool
) -> None:
    """Some orders are not there: their lines stop their statement, or stand on suspense, by the company's choice."""
    facts = msgspec.structs.replace(month.facts, orders=month.facts.orders[:known])
    policies = {"TX_WITHOUT_ORDER": "suspense"} if suspense else {}
    kept = keep_books(facts, firm(model, policies=policies), EXCHANGE, TODAY)
    booked = Counter(
        row
        for voucher in kept.vouchers
        if voucher.source == "settlement"
        for row in {ref.id for part in voucher.lines for ref in part.refs if ref.kind == "statement_line"}
    )
    stopped = {problem.where for problem in kept.problems if problem.code == "TX_WITHOUT_ORDER"}
    for made in facts.statements:
        waits = statement_id(made) in stopped
        assert not (waits and suspense)
        for part in made.lines:
            if part.amount:
                assert booked[line_id(made, part)] == (0 if waits else 1)


@few
@given(MONTHS, MODELS, st.integers(0, 60))
def test_3_a_clearing_account_is_captured_less_refunded_less_fees_less_paid_out(
    month: Month, model: str, days: int
) -> None:
    """Counted from the facts in kronor of the sales; only for orders in kronor, which no rate can move."""
    kept, on = keep(month, model), date(2026, 3, 1) + timedelta(days=days)
    foreign = {found.order_no for found in month.facts.orders if found.currency != "SEK"}
    balance = {provider: Decimal(0) for provider in CHART_PROVIDERS}
    for found in month.facts.orders:
        for payment in found.payments if found.order_no not in foreign else ():
            if payment.at.date() <= on:
                balance[payment.provider] += payment.amount if payment.kind == "capture" else -payment.amount
    for made in month.facts.statements:
        if made.paid_on is not None and made.paid_on <= on:
            stated = sum(
                part.amount for part in made.lines if part.kind in ("sale", "refund") and part.order_ref not in foreign
            )
            balance[made.provider] -= stated
    ours = without(kept.vouchers, foreign)
    booked = clearing_balances(ours, on)
    assert {provider: booked.get(provider, Decimal(0)) for provider in balance} == balance


CHART_PROVIDERS = ("klarna", "stripe", "paypal", "nets")


def without(vouchers: Sequence[Voucher], orders: set[str]) -> list[Voucher]:
    """The vouchers with the shares of some orders taken out of their clearing lines, as drilling would show them."""
    kept = []
    for voucher in vouchers:
        lines = []
        for part in voucher.lines:
            refs = tuple(ref for ref in part.refs if not order_of(ref.id) & orders)
            amount = sum((ref.amount for ref in refs), Decimal(0))
            if part.role.startswith("receivable.") and amount:
                lines.append(msgspec.structs.replace(part, refs=refs, amount=amount))
        if lines:
            rest = -sum(part.amount for part in lines)
            filler = [VoucherLine(account="0", role="rest", amount=rest)] if rest else []
            kept.append(msgspec.structs.replace(voucher, lines=(*lines, *filler)))
    return kept


def order_of(id_: str) -> set[str]:
    """The order number inside a payment's or statement line's id: web/12#…, or …/klarna-12-0/0."""
    found = re.match(r"web/(\d+)#", id_) or re.search(r"/(?:klarna|stripe|paypal|nets)-(\d+)-\d+/", id_)
    return {found[1]} if found else set()


@few
@given(MONTHS, MODELS, st.randoms(use_true_random=False))
def test_6_order_and_packing_of_the_facts_change_nothing(month: Month, model: str, dice: Random) -> None:
    kept, facts = keep(month, model), month.facts
    orders, statements = list(facts.orders), [shuffled(made, dice) for made in facts.statements]
    dice.shuffle(orders)
    dice.shuffle(statements)
    bank = [msgspec.structs.replace(made, lines=(part,)) for made in facts.bank for part in made.lines]
    dice.shuffle(bank)
    turned = msgspec.structs.replace(facts, orders=orders, statements=[*statements, *statements], bank=[*bank, *bank])
    assert keep_books(turned, firm(model), EXCHANGE, TODAY).vouchers == kept.vouchers


def shuffled(made: object, dice: Random) -> object:
    lines = list(made.lines)  # type: ignore[attr-defined]
    dice.shuffle(lines)
    return msgspec.structs.replace(made, lines=tuple(lines))  # type: ignore[type-var]


@few
@given(MONTHS, MODELS, st.integers(0, 40))
def test_6_what_was_matched_before_stays_and_the_rest_follows(month: Month, model: str, first: int) -> None:
    """A run with some of the orders, then one with all and the first run's matches, is the run with all."""
    early = msgspec.structs.replace(month.facts, orders=month.facts.orders[:first])
    known = keep_books(early, firm(model), EXCHANGE, TODAY)
    later = msgspec.structs.replace(month.facts, matches=known.matches, payout_matches=known.payout_matches)
    assert keep_books(later, firm(model), EXCHANGE, TODAY).vouchers == keep(month, model).vouchers


@few
@given(MONTHS, MODELS)
def test_7_reversing_everything_returns_the_ledger_to_zero(month: Month, model: str) -> None:
    vouchers = keep(month, model).vouchers
    back = [reversal(voucher, TODAY, "Rättelse") for voucher in vouchers]
    assert not any(account_balances([*vouchers, *back]).values())


def test_8_no_float_anywhere() -> None:
    sources = Path(__file__).parents[2] / "src" / "samklang" / "accounting"
    for path in (*sources.glob("*.py"), *(sources / "sie").glob("*.py")):
        assert not re.search(r"\bfloat\b", path.read_text()), path


@few
@given(MONTHS, MODELS)
def test_9_bank_postings_are_the_matched_bank_lines(month: Month, model: str) -> None:
    kept = keep(month, model)
    assert len(kept.payout_matches) == sum(len(made.lines) for made in month.facts.bank)
    assert account_balances(kept.vouchers).get("1930", Decimal(0)) == sum(
        part.amount for made in month.facts.bank for part in made.lines
    )


@few
@given(MONTHS, MODELS, st.dates(date(2026, 3, 1), date(2026, 4, 30)))
def test_10_nothing_is_dated_in_a_locked_period(month: Month, model: str, first: date) -> None:
    assert all(voucher.date >= first for voucher in keep(month, model, locked_before=first).vouchers)


PENCE = st.integers(1, 500_000).map(lambda cents: str(Decimal(cents) / 100))
LINES = st.lists(st.tuples(PENCE, st.sampled_from(["25", "12", "6"])), min_size=1, max_size=5)


@given(LINES, st.booleans(), st.lists(st.integers(1, 99), max_size=6), st.randoms(use_true_random=False))
def test_5_vat_of_any_captures_and_refunds_ends_at_the_orders(
    parts: list[tuple[str, str]], shipped: bool, cuts: list[int], dice: Random
) -> None:
    lines = [line(gross, percent, line_id=str(n)) for n, (gross, percent) in enumerate(parts)]
    whole = order("1", lines, charges=[freight("49")] if shipped else [])
    captures = pieces(whole.gross, cuts, "capture")
    refunds = pieces(whole.gross, cuts[::-1], "refund") if dice.random() < 0.5 else []
    sold = msgspec.structs.replace(whole, payments=(*captures, *refunds))
    booked = book_sales([sold], company(), exchange())
    assert booked.problems == ()
    first, last = date(2026, 3, 1), date(2026, 4, 30)
    found = {key.percent: amount for key, amount in vat_of_vouchers(booked.vouchers, first, last).items() if amount}
    expected: dict[Decimal, Decimal] = {}
    for part in (*whole.lines, *whole.charges):
        expected[part.tax_percent] = expected.get(part.tax_percent, Decimal(0)) + part.tax
    assert found == ({} if refunds else {percent: tax for percent, tax in expected.items() if tax})
    assert account_balances(booked.vouchers)["1581"] == (0 if refunds else whole.gross)


def pieces(total: Decimal, cuts: list[int], kind: str) -> list[PaymentTransaction]:
    """The total in payments of some per cent each, and the rest; captures come before refunds."""
    left, found = total, []
    for cut in cuts:
        amount = (left * cut / 100).quantize(Decimal("0.01"))
        # A rest within the tolerance would be taken for a rounding.
        if amount and left - amount > 1:
            found.append(amount)
            left -= amount
    day = "2026-03-02" if kind == "capture" else "2026-03-20"
    return [
        paid("klarna", str(amount), f"{day}T{n:02}:00:00", f"{kind}{n}", kind)
        for n, amount in enumerate([*found, left])
    ]


@given(LINES)
def test_the_vat_of_pieces_is_never_more_than_rounding_away_from_the_rate(parts: list[tuple[str, str]]) -> None:
    lines = [line(gross, percent, line_id=str(n)) for n, (gross, percent) in enumerate(parts)]
    mix = Mix(order("1", lines), company())
    for portion in mix.take((mix.left / 3).quantize(Decimal("0.01"))):
        exact = portion.gross * portion.treatment.percent / (100 + portion.treatment.percent)
        assert abs(portion.tax - exact) <= Decimal("0.02")


REF = (Ref("payment", "p", Decimal(10)),)
GOOD = (
    VoucherLine(account="1930", role="bank.SEK", amount=Decimal(10), refs=REF),
    VoucherLine(account="3001", role="sales.se.25", amount=Decimal(-10)),
)


def made(lines: tuple[VoucherLine, ...], key: str = "k") -> Voucher:
    return Voucher(
        company="ov", series="I", date=TODAY, text="t", source="sales", key=key, currency="SEK", lines=lines
    )  # fmt: skip


@pytest.mark.parametrize(
    "lines",
    [
        (),
        GOOD[:1],
        (GOOD[0], msgspec.structs.replace(GOOD[1], amount=Decimal("-9.99"))),
        (*GOOD, VoucherLine(account="3740", role="rounding", amount=Decimal(0))),
        tuple(msgspec.structs.replace(part, amount=part.amount * Decimal("0.0001"), refs=()) for part in GOOD),
        (msgspec.structs.replace(GOOD[0], refs=(Ref("payment", "p", Decimal(9)),)), GOOD[1]),
    ],
    ids=["none", "one", "unbalanced", "zero", "too fine", "rows that do not sum"],
)
def test_1_no_other_voucher_can_be_built(lines: tuple[VoucherLine, ...]) -> None:
    made(GOOD)
    with pytest.raises(Unbalanced):
        made(lines)


def test_a_posted_voucher_is_reversed_and_posted_again_under_a_new_key() -> None:
    posted = made(GOOD, "ov/sales/web/2026-03-02")
    assert correction(posted, made(GOOD, posted.key), TODAY, "Rättelse") == ()
    lines = tuple(msgspec.structs.replace(part, amount=part.amount * 2, refs=()) for part in GOOD)
    back, again = correction(posted, made(lines, posted.key), TODAY, "Rättelse")
    assert (back.reverses, back.key) == (posted.key, f"{posted.key}/reversal")
    assert again.key == f"{posted.key}@2"
    assert account_balances([posted, back, again]) == account_balances([again])
    third = correction(again, made(GOOD, posted.key), TODAY, "Rättelse")[1]
    assert third.key == f"{posted.key}@3"


def test_the_shop_of_orders_is_not_trivial() -> None:
    """The generator makes what the properties are about."""
    month = Month(400)
    kinds = {payment.kind for sold in month.facts.orders for payment in sold.payments}
    assert kinds == {"capture", "refund"}
    assert {sold.currency for sold in month.facts.orders} == {"SEK", "EUR", "NOK"}
    assert {part.kind for made in month.facts.statements for part in made.lines} == {
        "sale", "refund", "fee", "fee_vat", "chargeback", "payout",
    }  # fmt: skip
    assert any(len([p for p in sold.payments if p.kind == "capture"]) == 2 for sold in month.facts.orders)


def test_an_order_in_the_wrong_currency_of_a_company_without_rates_stops_alone() -> None:
    good: Order = order("1", [line("10")], paid("klarna", "10", "2026-03-02", "k"))
    bad = order("2", [line("10", "19")], paid("klarna", "10", "2026-03-02", "k"), country="DE", currency="EUR")
    booked = book_sales([good, bad], company(), exchange())
    assert [problem.code for problem in booked.problems] == ["CURRENCY_DIFF"]
    assert len(booked.vouchers) == 1
