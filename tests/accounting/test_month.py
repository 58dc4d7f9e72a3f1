"""A whole month with known truth: all of it is accounted for, and both models say the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal

import msgspec
import pytest

from samklang.accounting.books import Books, keep_books
from samklang.accounting.company import Channel, Company
from samklang.accounting.control import (
    account_balances,
    clearing_balances,
    foreign_vat,
    suspense,
    vat_of_movements,
    vat_of_vouchers,
)
from samklang.accounting.lists import open_receivables
from samklang.accounting.matching import line_id
from samklang.accounting.voucher import reversal

from .month import CHART, EXCHANGE, Month
from .shop import company

TODAY = date(2026, 4, 10)
LAST = date(2026, 12, 31)


def firm(model: str) -> Company:
    return company(chart=CHART, channels=[Channel(code="web", model=model)], keeps_invoices=True)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def month() -> Month:
    return Month(1500)


@pytest.fixture(scope="module", params=["day", "invoice"])
def kept(request: pytest.FixtureRequest, month: Month) -> Books:
    return keep_books(month.facts, firm(request.param), EXCHANGE, TODAY)


def test_nothing_is_left_for_a_person(kept: Books) -> None:
    assert kept.problems == ()
    assert suspense(kept.vouchers, LAST) == ()


def test_every_statement_line_is_in_exactly_one_settlement(kept: Books, month: Month) -> None:
    settled = [
        {ref.id for line in voucher.lines for ref in line.refs if ref.kind == "statement_line"}
        for voucher in kept.vouchers
        if voucher.source == "settlement"
    ]
    counted = Counter(id_ for ids in settled for id_ in ids)
    wanted = {line_id(made, line) for made in month.facts.statements for line in made.lines if line.amount}
    assert set(counted) == wanted
    assert len(wanted) == month.truth.lines
    assert set(counted.values()) == {1}


def test_the_clearing_accounts_hold_what_is_not_paid_out_yet(kept: Books, month: Month) -> None:
    owed = {provider: amount for provider, amount in month.truth.owed.items() if amount}
    assert {p: a for p, a in clearing_balances(kept.vouchers, LAST).items() if a} == owed
    left: defaultdict[str, Decimal] = defaultdict(Decimal)
    booked = {row.id: row.booked for row in kept.expected}
    for item in open_receivables(kept.expected, kept.matches, LAST):
        left[item.provider] += booked[item.id]
    assert dict(left) == owed, "the month-end list explains them order by order"


def test_bank_and_disputes_are_what_they_were(kept: Books, month: Month) -> None:
    balances = account_balances(kept.vouchers)
    assert balances["1930"] == month.truth.bank
    assert balances["1516"] == month.truth.disputed
    assert "1689" not in balances
    assert len(kept.payout_matches) == len(month.facts.statements)


def test_vat_of_the_orders_is_vat_of_the_vouchers(kept: Books, month: Month) -> None:
    truth = {key: amount for key, amount in month.truth.vat.items() if amount}
    first = date(2026, 1, 1)
    assert {tuple(key): amount for key, amount in vat_of_movements(kept.movements, first, LAST).items()} == truth
    vouchers = vat_of_vouchers(kept.vouchers, first, LAST)
    assert {key: vouchers[key] for key in vouchers if key.country == "SE"} == {
        key: amount for key, amount in truth.items() if key[0] == "SE"
    }
    abroad = {key: amount for (key, _), amount in foreign_vat(kept.vouchers, first, LAST).items()}
    assert abroad == {key: amount for key, amount in truth.items() if key[0] != "SE"}, "in the currency of the sale"


def test_both_models_have_the_same_result(month: Month) -> None:
    day, invoice = (keep_books(month.facts, firm(model), EXCHANGE, TODAY).vouchers for model in ("day", "invoice"))
    assert len(invoice) > 20 * len(day)

    def totals(vouchers: tuple) -> dict[str, Decimal]:
        return {
            account: amount for account, amount in account_balances(vouchers).items() if amount and account > "1600"
        }

    assert totals(day) == totals(invoice)
    assert clearing_balances(day, LAST).keys() == clearing_balances(invoice, LAST).keys()
    first = date(2026, 1, 1)
    assert vat_of_vouchers(day, first, LAST) == vat_of_vouchers(invoice, first, LAST)


def test_reversing_everything_leaves_nothing(kept: Books) -> None:
    back = tuple(reversal(voucher, TODAY, "Rättelse") for voucher in kept.vouchers)
    assert set(account_balances((*kept.vouchers, *back)).values()) == {Decimal(0)}
    assert {voucher.reverses for voucher in back} == {voucher.key for voucher in kept.vouchers}


def test_the_order_of_files_and_orders_does_not_matter(month: Month, kept: Books) -> None:
    facts = month.facts
    turned = msgspec.structs.replace(
        facts, orders=facts.orders[::-1], statements=[*facts.statements[::-1], *facts.statements[:2]]
    )
    model = "invoice" if any(voucher.source == "invoice" for voucher in kept.vouchers) else "day"
    again = keep_books(turned, firm(model), EXCHANGE, TODAY)
    assert again.vouchers == kept.vouchers
    assert [problem.code for problem in again.problems] == ["DUPLICATE_STATEMENT"] * 2
