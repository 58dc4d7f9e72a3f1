"""Control totals, read from vouchers alone: what a provider owes on a day, VAT per country and rate, suspense (§8).

Vouchers already carry role, country, rate and provider on their lines, so no account number is interpreted here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from samklang.accounting.expected import owed_by_provider
from samklang.accounting.fx import Exchange
from samklang.accounting.problems import Problem
from samklang.accounting.sales import Movement
from samklang.accounting.voucher import Voucher, VoucherLine
from samklang.records.money import ZERO


class VatKey(NamedTuple):
    """VAT territory and rate in per cent."""

    country: str
    percent: Decimal


def clearing_balances(vouchers: Iterable[Voucher], on: date) -> Mapping[str, Decimal]:
    """Provider → what it owes us at the end of the day: captured − refunded − fees − paid out (§8.3).

    Open invoices that the provider will pay out are part of it, money that it holds back is not.
    """
    return _sums(vouchers, on, lambda line: line.party if owed_by_provider(line.role, line.party) else "")


def provider_differences(
    vouchers: Iterable[Voucher], stated: Mapping[str, Decimal], on: date, currency: str
) -> tuple[Problem, ...]:
    """Where the clearing account and the balance that the provider states for the day's end disagree."""
    booked = clearing_balances(vouchers, on)
    return tuple(
        Problem(
            code="AMOUNT_DIFF",
            where=provider,
            what=f"{provider} states a balance of {balance} on {on}, the books say {booked.get(provider, ZERO)}.",
            amount=booked.get(provider, ZERO) - balance,
            currency=currency,
            do_this="Look for a statement that is missing, or a sale that the provider does not know.",
        )
        for provider, balance in sorted(stated.items())
        if booked.get(provider, ZERO) != balance
    )


def account_balances(vouchers: Iterable[Voucher], on: date = date.max) -> Mapping[str, Decimal]:
    """Account → balance of these vouchers at the end of the day, debit positive."""
    return _sums(vouchers, on, lambda line: line.account)


def _sums(vouchers: Iterable[Voucher], on: date, name: Callable[[VoucherLine], str]) -> Mapping[str, Decimal]:
    found: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for voucher in vouchers:
        if voucher.date <= on:
            for line in voucher.lines:
                if key := name(line):
                    found[key] += line.amount
    return {key: found[key] for key in sorted(found)}


def vat_of_vouchers(vouchers: Iterable[Voucher], first: date, last: date) -> Mapping[VatKey, Decimal]:
    """Output VAT on sales per country and rate in the period, as a positive sum (§8.5). Reverse charge is not in it."""
    found: defaultdict[VatKey, Decimal] = defaultdict(lambda: ZERO)
    for voucher in vouchers:
        if first <= voucher.date <= last:
            for line in voucher.lines:
                if line.role.startswith("vat.out.") and line.percent is not None:
                    found[VatKey(line.country, line.percent)] -= line.amount
    return {key: found[key] for key in sorted(found)}


def vat_of_movements(movements: Iterable[Movement], first: date, last: date) -> Mapping[VatKey, Decimal]:
    """The same from the orders' captures and refunds, in the orders' own currency: the vouchers must agree with it."""
    found: defaultdict[VatKey, Decimal] = defaultdict(lambda: ZERO)
    for movement in movements:
        if first <= movement.day <= last:
            for key, tax in _taxes(movement):
                found[key] += tax
    return {key: found[key] for key in sorted(found)}


def vat_of_days(movements: Iterable[Movement], exchange: Exchange) -> Mapping[tuple[date, VatKey], Decimal]:
    """The same for each day, in the ledger's currency at the rate of the sale's day; not rounded."""
    found: defaultdict[tuple[date, VatKey], Decimal] = defaultdict(lambda: ZERO)
    for movement in movements:
        rate = exchange.rate(movement.currency, movement.chart_day)
        for key, tax in _taxes(movement):
            found[movement.day, key] += tax * rate
    return found


def _taxes(movement: Movement) -> Iterator[tuple[VatKey, Decimal]]:
    for portion in movement.portions:
        if portion.treatment.vat:
            yield VatKey(portion.treatment.country, portion.treatment.percent), portion.tax


def foreign_vat(vouchers: Iterable[Voucher], first: date, last: date) -> Mapping[tuple[VatKey, str], Decimal]:
    """One Stop Shop: output VAT in the currency of the sale, per country and rate; the return is in euro (E6)."""
    found: defaultdict[tuple[VatKey, str], Decimal] = defaultdict(lambda: ZERO)
    for voucher in vouchers:
        if first <= voucher.date <= last:
            for line in voucher.lines:
                if line.role.startswith("vat.out.oss") and line.percent is not None:
                    amount = line.amount if line.foreign is None else line.foreign
                    found[VatKey(line.country, line.percent), line.currency or voucher.currency] -= amount
    return {key: found[key] for key in sorted(found)}


def suspense(vouchers: Iterable[Voucher], on: date) -> tuple[Problem, ...]:
    """What stands on suspense at the end of the day, one problem per source row; a month closes at none."""
    open_rows: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    currency = ""
    for voucher in vouchers:
        currency = voucher.currency
        if voucher.date <= on:
            for line in voucher.lines:
                if line.role == "suspense":
                    for ref in line.refs:
                        open_rows[ref.id] += ref.amount
    return tuple(
        Problem(
            code="SUSPENSE_NOT_EMPTY",
            where=row,
            what=f"{-amount} {currency} stand on suspense on {on}.",
            amount=-amount,
            currency=currency,
        )
        for row, amount in sorted(open_rows.items())
        if amount
    )
