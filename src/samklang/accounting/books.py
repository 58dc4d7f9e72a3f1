"""The whole way: orders, statements and bank files in; vouchers and what a person must decide out.

    orders ──▶ sales ──▶ daybook ──▶ vouchers of the day, invoices
                │
                ▼
             expected ◀── matching ◀── intake ◀── statements        payouts ◀── bank files
                              │                       │                │
                              └──────▶ settlement, invoices, conversions, transit ──▶ vouchers

Everything is derived from the facts each time, and every voucher has a key that says what it is of: running twice,
in another order, or with a file more gives the same vouchers and the new ones. What is posted stays; see voucher.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from samklang.accounting.bank.base import BankStatement
from samklang.accounting.company import Company
from samklang.accounting.conversions import net_conversions, revaluations
from samklang.accounting.daybook import book_sales
from samklang.accounting.decisions import ExpiredCard, expired, solve_suspense, suspended
from samklang.accounting.expected import Expected, Opening, expected, opening_items
from samklang.accounting.fx import Exchange
from samklang.accounting.intake import Seen, accept
from samklang.accounting.invoices import close_invoices
from samklang.accounting.lists import overdue
from samklang.accounting.matching import Match, Suggestion, line_id, match
from samklang.accounting.oss import above_threshold
from samklang.accounting.payouts import BankRow, PayoutMatch, bank_rows, in_transit, match_payouts
from samklang.accounting.places import places
from samklang.accounting.pos import ZReport, book_z_reports
from samklang.accounting.problems import Problem
from samklang.accounting.sales import Movement
from samklang.accounting.settlement import book_statements, found, settlement_key, statement_day, statement_id
from samklang.accounting.statements.base import Statement
from samklang.accounting.transit import arrivals, posted_payouts
from samklang.accounting.voucher import Voucher, standing
from samklang.records import Order


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What happened. An order is given as it is now, with all its payments: where it was edited after it was posted,
    the difference is an adjustment beside what is posted (posting.py, edge case 36). `delivered` is the delivery day
    per order key, where a channel defers prepayments.

    `bank_rows` are bank lines that have their names already (payouts.bank_rows), beside those of `bank`.
    `matches` and `payout_matches` are what earlier runs found and persons confirmed. `open_invoices` is what the ledger
    says is open, by order key, where that differs from what was booked. `posted` are the vouchers that
    the ledger has: what they put on suspense is solved, what they put on the bank stays there, and a lock of their
    period does not move them.
    """

    orders: Sequence[Order] = ()
    statements: Sequence[Statement] = ()
    bank: Sequence[BankStatement] = ()
    bank_rows: Sequence[BankRow] = ()
    z_reports: Sequence[ZReport] = ()
    expired_cards: Sequence[ExpiredCard] = ()
    openings: Sequence[Opening] = ()
    delivered: Mapping[str, date] = {}
    matches: Sequence[Match] = ()
    payout_matches: Sequence[PayoutMatch] = ()
    open_invoices: Mapping[str, Decimal] = {}
    posted: Sequence[Voucher] = ()


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """What the facts became. Matches hold the earlier ones too, but for those whose payment
    is no more; `seen` knows the statements again. `refused` are the keys of the orders that could not be booked."""

    vouchers: tuple[Voucher, ...]
    problems: tuple[Problem, ...]
    movements: tuple[Movement, ...]
    expected: tuple[Expected, ...]
    statements: tuple[Statement, ...]
    matches: tuple[Match, ...]
    suggestions: tuple[Suggestion, ...]
    payout_matches: tuple[PayoutMatch, ...]
    seen: Mapping[str, Seen]
    refused: frozenset[str]


def keep_books(facts: Facts, company: Company, exchange: Exchange, today: date) -> Books:
    """All vouchers of the facts, oldest first. `today` says what is overdue and which months have ended."""
    posted = {voucher.key: voucher.date for voucher in facts.posted}
    sales = book_sales(facts.orders, company, exchange, facts.delivered, posted, places(facts.posted))
    tills = book_z_reports((report for report in facts.z_reports if report.day >= company.begins), company, posted)
    sold = (row for row in expected(sales.movements, sales.vouchers) if row.day >= company.begins)
    wanted = (*sold, *opening_items(facts.openings))
    taken = accept(facts.statements, {})
    statements = tuple(made for made in taken.statements if made.scope != "report" and _counts(made, company))
    confirmed = _holding(facts.matches, wanted, statements)
    lines = match(statements, wanted, company, confirmed)
    matches = (*confirmed, *lines.matches)
    rows = tuple(sorted({row.id: row for row in (*bank_rows(facts.bank), *facts.bank_rows)}.values()))
    banked = match_payouts(statements, rows, company, facts.payout_matches, today=today)
    payout_matches = (*facts.payout_matches, *banked.matches)

    valid = standing(facts.posted)
    waiting = suspended(valid)
    on_the_way = in_transit(payout_matches) - posted_payouts(valid, "bank.") | posted_payouts(valid, "in_transit")
    known = found(matches, wanted, company, statements, in_transit=on_the_way, suspended=waiting)
    settled = book_statements(statements, known, company, exchange)
    booked_keys = {voucher.key for voucher in settled.vouchers}
    booked = [made for made in statements if settlement_key(company, statement_id(made)) in booked_keys]
    closed = close_invoices(booked, known, company, facts.open_invoices)
    netted = net_conversions(booked, settled.vouchers, company)
    arrived = arrivals(payout_matches, booked, rows, settled.vouchers, company, exchange)

    ours = (voucher for voucher in sales.vouchers if voucher.date >= company.begins)
    every = (
        *ours, *tills.vouchers, *expired(facts.expired_cards, company), *settled.vouchers, *closed.vouchers,
        *netted.vouchers, *arrived.vouchers, *_solved(waiting, matches, wanted, facts.posted, company),
    )  # fmt: skip
    valued = revaluations(every, company, exchange, today, posted)
    problems = (
        *sales.problems, *tills.problems, *taken.problems, *lines.problems, *banked.problems, *settled.problems,
        *closed.problems, *netted.problems, *arrived.problems, *valued.problems,
        *overdue(wanted, matches, company, today),
        *above_threshold(facts.orders, sales.movements, company, exchange, today),
    )  # fmt: skip
    dated = [_as_posted(voucher, posted) for voucher in (*every, *valued.vouchers)]
    return Books(
        vouchers=tuple(sorted(dated, key=lambda voucher: (voucher.date, voucher.key))),
        problems=problems,
        movements=sales.movements,
        expected=wanted,
        statements=statements,
        matches=matches,
        suggestions=lines.suggestions,
        payout_matches=payout_matches,
        seen=taken.seen,
        refused=sales.refused,
    )


def _counts(statement: Statement, company: Company) -> bool:
    return statement_day(statement) >= company.begins


def _holding(
    matches: Iterable[Match], wanted: Iterable[Expected], statements: Iterable[Statement]
) -> tuple[Match, ...]:
    """The matches whose other side is still there: a shop that corrects a transaction's id or takes a payment back
    leaves a line that looks for its order anew."""
    there = {row.id for row in wanted} | {line_id(made, line) for made in statements for line in made.lines}
    return tuple(found for found in matches if found.expected in there)


def _as_posted(voucher: Voucher, posted: Mapping[str, date]) -> Voucher:
    """The voucher under the date that it was posted with: a period that was locked later does not move it."""
    return msgspec.structs.replace(voucher, date=posted.get(voucher.key, voucher.date))


def _solved(
    waiting: Mapping[str, Decimal],
    matches: Iterable[Match],
    wanted: Iterable[Expected],
    posted: Iterable[Voucher],
    company: Company,
) -> list[Voucher]:
    """Suspense lines that have found their orders, dated when the last of these was sold; each is moved once."""
    done = {voucher.key for voucher in posted}
    by_id = {row.id: row for row in wanted}
    orders: defaultdict[str, list[Expected]] = defaultdict(list)
    for found_match in matches:
        if found_match.line in waiting and found_match.expected in by_id:
            orders[found_match.line].append(by_id[found_match.expected])
    made = []
    for line, rows in sorted(orders.items()):
        day = company.open_day(max(row.day for row in rows))
        made.append(solve_suspense(line, rows[0].provider, waiting[line], rows[0].order_no, day, company))
    return [voucher for voucher in made if voucher is not None and voucher.key not in done]
