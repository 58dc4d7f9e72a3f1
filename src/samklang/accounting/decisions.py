"""Vouchers that follow from a person's decision or an event without money: suspense solved, dispute lost, card expired.

Each takes the rows that it is about, so that it can be drilled like any other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import msgspec

from samklang.accounting.company import Company
from samklang.accounting.draft import Draft
from samklang.accounting.mix import Mix
from samklang.accounting.voucher import Voucher
from samklang.records import Order
from samklang.records.money import rounded, settle, split


class Dispute(NamedTuple):
    """A chargeback: its statement line, its provider, the day of the sale, whose accounts its VAT goes back to."""

    line: str
    provider: str
    sold_on: date


def solve_suspense(
    line: str, provider: str, amount: Decimal, order_no: str, on: date, company: Company
) -> Voucher | None:
    """A statement line on suspense has found its order (E12c): the clearing account gives back what the sale put there.

    `amount` is the line's, in the ledger's currency, signed as in the statement.
    """
    draft, ref = Draft(company), ("statement_line", line)
    draft.post("suspense", amount, ref, on, party=provider)
    draft.post(company.chart.receivable(provider, on), -amount, ref, on, party=provider)
    text = company.chart.text("suspense", reference=order_no)
    return draft.voucher("suspense", on, text, f"{company.code}/suspense/{line}")


def suspended(posted: Iterable[Voucher]) -> Mapping[str, Decimal]:
    """Statement line → what the posted settlements put of it on suspense, signed as in the statement."""
    return {
        ref.id: -ref.amount
        for voucher in posted
        if voucher.source == "settlement"
        for line in voucher.lines
        if line.role == "suspense"
        for ref in line.refs
    }


def lose_dispute(
    order: Order, amount: Decimal, disputed: Decimal, dispute: Dispute, on: date, company: Company
) -> Voucher | None:
    """A lost chargeback becomes a bad debt; only now is the VAT relieved, as it was charged (E8b).

    `amount` is what the buyer got back, in the order's currency, `disputed` what stands on the account for disputes, in
    the ledger's. Where the goods came back it is a refund instead. The date is the decision's, in an open period (edge
    case 47). Refused (VAT_DIFF) when the order's VAT is impossible.
    """
    mix = Mix(order, company)
    mix.take(mix.left)
    draft, ref, day = Draft(company), ("statement_line", dispute.line), company.open_day(on)
    portions = mix.give_back(amount)
    grosses = split(disputed, [portion.gross for portion in portions], company.currency)
    for portion, gross in zip(portions, grosses, strict=True):
        found, tax = portion.treatment, rounded(-portion.tax * disputed / amount, company.currency)
        draft.post("bad_debt", gross - tax if found.vat else gross, ref, day)
        if found.vat:
            draft.post(
                found.vat, tax, ref, dispute.sold_on, text=portion.text, country=found.country, percent=found.percent
            )
    draft.post("receivable.disputed", -disputed, ref, day, party=dispute.provider, item=order.order_no)
    text = company.chart.text("dispute_lost", order=order.order_no)
    return draft.voucher("dispute", day, text, f"{company.code}/dispute/{dispute.line}")


class ExpiredCard(msgspec.Struct, frozen=True, kw_only=True):
    """A multi-purpose gift card on the day that it expires, with what was never redeemed of it."""

    number: str
    day: date
    rest: Decimal

    def __post_init__(self) -> None:
        settle(self, "rest")


def expired(cards: Iterable[ExpiredCard], company: Company) -> tuple[Voucher, ...]:
    """One voucher for each day on which cards expire, in an open period; none for what is older than the books."""
    days: defaultdict[date, dict[str, Decimal]] = defaultdict(dict)
    for card in cards:
        if card.day >= company.begins:
            days[card.day][card.number] = card.rest
    made = (expire_gift_cards(found, day, company) for day, found in sorted(days.items()))
    return tuple(voucher for voucher in made if voucher is not None)


def expire_gift_cards(cards: dict[str, Decimal], on: date, company: Company) -> Voucher | None:
    """What was never redeemed of these multi-purpose cards (number → rest) is income on the day they expire."""
    draft = Draft(company)
    for number, rest in sorted(cards.items()):
        ref = ("gift_card", number)
        draft.post("liability.giftcard", rest, ref, on)
        draft.post("income.giftcard", -rest, ref, on)
    text = company.chart.text("gift_cards_expired", day=on)
    return draft.voucher("gift_card", company.open_day(on), text, f"{company.code}/gift_cards/{on}")


def write_off(
    line: str, provider: str, amount: Decimal, role: str, why: str, on: date, company: Company
) -> Voucher | None:
    """What stands on suspense and never finds its order goes where the accountant says; `why` is kept in the text."""
    draft, ref = Draft(company), ("statement_line", line)
    draft.post("suspense", amount, ref, on, party=provider)
    draft.post(role, -amount, ref, on)
    return draft.voucher("suspense", on, why, f"{company.code}/suspense/{line}")
