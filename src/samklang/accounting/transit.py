"""Bank lines of payouts: money in transit arrives, a bank takes a fee, a provider debits, a payout comes back.

A payout whose statement was posted straight to the bank has its bank line already; it needs no voucher.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from samklang.accounting.company import Company
from samklang.accounting.daybook import Booked
from samklang.accounting.draft import Draft
from samklang.accounting.fx import Exchange
from samklang.accounting.matching import line_id
from samklang.accounting.payouts import BankRow, PayoutMatch
from samklang.accounting.problems import Refused
from samklang.accounting.settlement import statement_day
from samklang.accounting.statements.base import Statement
from samklang.accounting.voucher import Voucher
from samklang.records.money import rounded


def posted_payouts(vouchers: Iterable[Voucher], role: str) -> frozenset[str]:
    """Payout lines that statements' vouchers put on roles of this family (`bank.`, `in_transit`)."""
    return frozenset(
        ref.id
        for voucher in vouchers
        if voucher.source == "settlement"
        for line in voucher.lines
        if line.role.startswith(role) and line.role != "in_transit.conversion"
        for ref in line.refs
    )


def arrivals(
    matches: Iterable[PayoutMatch],
    statements: Iterable[Statement],
    rows: Iterable[BankRow],
    vouchers: Iterable[Voucher],
    company: Company,
    exchange: Exchange,
) -> Booked:
    """One voucher per bank line that brings what `vouchers` posted to transit (E10b, E10c).

    What the bank kept of a payout is its fee (edge case 23); another rate on the bank's day is an exchange difference.
    """
    on_the_way = posted_payouts(vouchers, "in_transit")
    made = {line_id(statement, line): statement for statement in statements for line in statement.lines}
    parts: defaultdict[str, list[PayoutMatch]] = defaultdict(list)
    for match in matches:
        if match.payout in made and (match.kept or match.payout in on_the_way):
            parts[match.bank_line].append(match)
    found, problems = [], []
    for row in rows:
        if row.id in parts:
            try:
                brought = [(match, made[match.payout]) for match in parts[row.id]]
                straight_away = any(match.payout not in on_the_way for match in parts[row.id])
                made_of = _kept if straight_away else _arrival
                found.append(made_of(row, brought, company, exchange))
            except Refused as refused:
                problems.append(refused.problem)
    return Booked(tuple(sorted(found, key=lambda voucher: (voucher.date, voucher.key))), tuple(problems))


def _arrival(row: BankRow, parts: list[tuple[PayoutMatch, Statement]], company: Company, exchange: Exchange) -> Voucher:
    line, home = row.line, exchange.currency
    day = line.booked_on
    draft, ref = Draft(company), ("bank_line", row.id)
    _bank(draft, row, company, exchange)
    converted = False
    for match, statement in sorted(parts, key=lambda part: part[0].payout):
        foreign = "" if statement.currency == home else statement.currency
        converted = converted or match.converted or bool(foreign)
        then = exchange.rate(statement.currency, statement_day(statement))
        draft.post(
            "in_transit", -rounded(match.amount * then, home), ("statement_line", match.payout), day,
            party=statement.provider, foreign=-match.amount if foreign else None, currency=foreign,
        )  # fmt: skip
        draft.post("fee.bank", exchange.to_ledger(match.kept, statement.currency, day), ref, day)
    if converted:
        difference = draft.balance()
        draft.post("fx.gain" if difference > 0 else "fx.loss", -difference, ref, day)
    return _finished(draft, row, parts, company)


def _finished(draft: Draft, row: BankRow, parts: list[tuple[PayoutMatch, Statement]], company: Company) -> Voucher:
    day, first = row.line.booked_on, parts[0][1]
    text = company.chart.text("bank", provider=company.chart.name(first.provider, day), reference=first.reference)
    voucher = draft.voucher("bank", company.open_day(day), text, f"{company.code}/bank/{row.id}")
    assert voucher is not None  # neither a bank line nor what it kept is 0
    return voucher


def _kept(row: BankRow, parts: list[tuple[PayoutMatch, Statement]], company: Company, exchange: Exchange) -> Voucher:
    """The payout was posted to the bank in full before its line was known; only what the bank kept is left to post."""
    line, day = row.line, row.line.booked_on
    draft, ref = Draft(company), ("bank_line", row.id)
    for match, statement in parts:
        kept = exchange.to_ledger(match.kept, statement.currency, day)
        draft.post("fee.bank", kept, ref, day)
        draft.post(f"bank.{line.currency}", -kept, ref, day)
    return _finished(draft, row, parts, company)


def straight(row: BankRow, provider: str, company: Company, exchange: Exchange) -> Voucher | None:
    """A bank line that a person says moves the provider's balance by itself: it debits us (E4d), or a payout that the
    bank sent back (edge case 46). The clearing account takes the other side.
    """
    day = row.line.booked_on
    draft = Draft(company)
    _bank(draft, row, company, exchange)
    foreign = row.line.currency != exchange.currency
    draft.post(
        company.chart.receivable(provider, day), -draft.balance(), ("bank_line", row.id), day, party=provider,
        foreign=-row.line.amount if foreign else None, currency=row.line.currency if foreign else "",
    )  # fmt: skip
    name = "bank" if row.line.amount > 0 else "bank_debit"
    text = company.chart.text(
        name, provider=company.chart.name(provider, day), reference=row.line.reference or str(day)
    )
    return draft.voucher("bank", company.open_day(day), text, f"{company.code}/bank/{row.id}")


def _bank(draft: Draft, row: BankRow, company: Company, exchange: Exchange) -> None:
    line, day = row.line, row.line.booked_on
    foreign = line.currency != exchange.currency
    draft.post(
        f"bank.{line.currency}", exchange.to_ledger(line.amount, line.currency, day), ("bank_line", row.id), day,
        foreign=line.amount if foreign else None, currency=line.currency if foreign else "",
    )  # fmt: skip
