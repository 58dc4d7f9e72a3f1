"""Lists for the close of a month: what each order is still owed for, which statements are missing, what was sold when.

(RECONCILIATION §7.4–5, §7.26, §9)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import msgspec

from samklang.accounting.company import Company
from samklang.accounting.expected import Expected, owed_by_provider
from samklang.accounting.matching import Match
from samklang.accounting.problems import Problem
from samklang.accounting.settlement import statement_day, statement_id
from samklang.accounting.statements.base import Statement
from samklang.accounting.voucher import Voucher
from samklang.records.money import ZERO


class OpenItem(msgspec.Struct, frozen=True, kw_only=True):
    """An amount that no statement has stated yet, in the order's currency."""

    provider: str
    order: str
    id: str
    day: date
    amount: Decimal
    currency: str


def open_receivables(
    wanted: Iterable[Expected], matches: Iterable[Match], on: date, days: Mapping[str, date] | None = None
) -> tuple[OpenItem, ...]:
    """Per order what was sold until the end of the day and is not stated; `days` is the day per statement line.

    With `days`, lines of later statements count as not stated yet: the list then explains the clearing accounts at the
    close of a month whose sales are paid out in the next.
    """
    stated: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for match in matches:
        if days is None or days[match.line] <= on:
            stated[match.expected] += match.amount
    found = []
    for row in sorted(wanted, key=lambda row: (row.provider, row.day, row.id)):
        left = row.amount - stated[row.id]
        if left and row.day <= on:
            found.append(
                OpenItem(
                    provider=row.provider, order=row.order, id=row.id, day=row.day, amount=left, currency=row.currency
                )
            )
    return tuple(found)


def overdue(wanted: Iterable[Expected], matches: Iterable[Match], company: Company, today: date) -> tuple[Problem, ...]:
    """Sales that their provider should have stated by now (ORDER_WITHOUT_TX); how long it may take is the chart's."""
    found = []
    for item in open_receivables(wanted, matches, today):
        limit = timedelta(days=company.chart.provider(item.provider, item.day).pays_within)
        if today - item.day > limit:
            what = f"{item.provider} has not stated {item.amount} {item.currency} of order {item.order} of {item.day}."
            amount, currency = item.amount, item.currency
            found.append(Problem(code="ORDER_WITHOUT_TX", where=item.id, what=what, amount=amount, currency=currency))
    return tuple(found)


def missing_statements(
    statements: Iterable[Statement], vouchers: Iterable[Voucher], until: date
) -> Mapping[str, tuple[date, date]]:
    """Provider → first and last day of sales that no statement has reached yet: what to fetch before the close."""
    last_stated: dict[str, date] = {}
    for statement in statements:
        day = statement_day(statement)
        last_stated[statement.provider] = max(day, last_stated.get(statement.provider, day))
    sold: defaultdict[str, set[date]] = defaultdict(set)
    for voucher in vouchers:
        if voucher.source in ("sales", "refunds", "invoice", "invoice_part") and voucher.date <= until:
            for line in voucher.lines:
                if owed_by_provider(line.role, line.party) and voucher.date > last_stated.get(line.party, date.min):
                    sold[line.party].add(voucher.date)
    return {provider: (min(sold[provider]), max(sold[provider])) for provider in sorted(sold)}


def gaps(statements: Iterable[Statement]) -> tuple[Problem, ...]:
    """Where the balances that a provider carries from statement to statement do not meet: one between is missing."""
    by_account: defaultdict[tuple[str, str, str], list[Statement]] = defaultdict(list)
    for statement in statements:
        if statement.opening or statement.closing:
            by_account[statement.provider, statement.account, statement.currency].append(statement)
    found = []
    for rows in by_account.values():
        for before, after in pairwise(sorted(rows, key=lambda row: (statement_day(row), row.reference))):
            if before.closing != after.opening:
                found.append(
                    Problem(
                        code="STATEMENT_UNBALANCED",
                        where=statement_id(after),
                        what=f"{after.reference} opens at {after.opening}, the one before closed at {before.closing}.",
                        amount=after.opening - before.closing,
                        currency=after.currency,
                        do_this="Fetch the statements between the two.",
                    )
                )
    return tuple(found)


def itemised(voucher: Voucher) -> tuple[tuple[str, str, str, Decimal], ...]:
    """The list that is kept with a voucher (§3): account, the source row's table and id, its share of the amount."""
    return tuple((line.account, ref.kind, ref.id, ref.amount) for line in voucher.lines for ref in line.refs)
