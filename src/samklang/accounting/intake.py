"""Which statements are news: each payout once, in whatever file it comes; a changed one stops (RECONCILIATION §5).

A report over a period of an account is cut into days first. A day is then what a payout is elsewhere: the same however
the exports were cut, so that overlapping reports and one file for many give the same vouchers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import msgspec

from samklang.accounting.matching import line_id
from samklang.accounting.problems import Problem, Refused
from samklang.accounting.settlement import statement_day, statement_id
from samklang.accounting.statements.base import Kind, Statement, StatementLine
from samklang.records.money import ZERO


class Seen(msgspec.Struct, frozen=True):
    """What is kept of an accepted statement: its format, sums by kind, and its lines, to know it again."""

    format: str
    totals: Mapping[Kind, Decimal]
    lines: Mapping[str, tuple[Decimal, str]]  # line id → amount, order number


class Accepted(NamedTuple):
    """New statements, what to remember of them, and the ones that were seen before or have changed."""

    statements: tuple[Statement, ...]
    seen: Mapping[str, Seen]
    problems: tuple[Problem, ...]


def accept(statements: Iterable[Statement], seen: Mapping[str, Seen]) -> Accepted:
    """Sort out what is new. `seen` is what earlier calls returned, by statement id.

    The same content again is DUPLICATE_STATEMENT and harmless; other content under the same payout is STATEMENT_CHANGED
    and nothing of it is booked.
    """
    new: dict[str, Statement] = {}
    known = dict(seen)
    problems = []
    days: list[Statement] = []
    for made in sorted(statements, key=lambda made: made.file_hash):
        try:
            days += daily(made)
        except Refused as refused:
            problems.append(refused.problem)
    for statement in days:
        id_, fresh = statement_id(statement), remember(statement)
        if id_ not in known:
            new[id_], known[id_] = statement, fresh
        elif _same(known[id_], fresh):
            problems.append(Problem(code="DUPLICATE_STATEMENT", where=id_, what=f"{id_} has been read before."))
        else:
            what = f"{id_} was read before with other content."
            problems.append(Problem(code="STATEMENT_CHANGED", where=id_, what=what, currency=statement.currency))
    return Accepted(tuple(new[id_] for id_ in sorted(new)), known, tuple(problems))


def remember(statement: Statement) -> Seen:
    """What makes the statement recognisable."""
    totals: defaultdict[Kind, Decimal] = defaultdict(lambda: ZERO)
    for line in statement.lines:
        totals[line.kind] += line.amount
    lines = {line_id(statement, line): (line.amount, line.order_ref) for line in statement.lines}
    return Seen(statement.format, dict(totals), lines)


def _same(old: Seen, new: Seen) -> bool:
    """In one format every line must agree; two formats of one payout name lines differently, their sums agree."""
    return old.totals == new.totals and (old.format != new.format or old.lines == new.lines)


def daily(statement: Statement) -> tuple[Statement, ...]:
    """An account's report as one statement per day, balances carried from day to day; any other as it is.

    Refused (STATEMENT_UNBALANCED) when it names no day, under which it could be booked.
    """
    day = statement_day(statement)
    if statement.scope != "account":
        return (statement,)
    days: defaultdict[date, list[StatementLine]] = defaultdict(list)
    for line in statement.lines:
        days[line.day or day].append(line)
    made, opening = [], statement.opening
    for day in sorted(days):
        lines = tuple(days[day])
        closing = opening + sum((line.amount for line in lines), ZERO)
        whole = {"scope": "payout", "reference": day.isoformat(), "start": day, "end": day, "paid_on": day}
        made.append(msgspec.structs.replace(statement, lines=lines, opening=opening, closing=closing, **whole))
        opening = closing
    return tuple(made)
