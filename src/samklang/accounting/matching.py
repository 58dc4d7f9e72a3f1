"""Statement lines ↔ what providers owe: exact first, suggestions never automatic (RECONCILIATION §5.1).

A line and an expected amount are used once, or in parts whose sum is theirs. The rules in their order:

    id          the provider's transaction, capture or refund id; the amount must agree
    order       the order number as the provider has it, direction and amount
    parts       the order number; several captures on either side, together not above what is expected
    undone      a refund that failed and came back: the two lines cancel out, the order knows neither
    (suggestion) no reference, but the only one of that amount and currency within three days
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

from samklang.accounting.company import Company
from samklang.accounting.expected import Expected
from samklang.accounting.problems import Problem
from samklang.accounting.statements.base import Statement, StatementLine
from samklang.records.money import ZERO

#: Stored with every match, so that one made by older rules can be told from one made by these.
RULES_VERSION = "1"
_SUGGESTION_SPAN = timedelta(days=3)
#: Lines that must belong to an order. Disputes name theirs where they can, fees have none (edge case 12).
_OF_ORDERS = frozenset({"sale", "refund", "refund_reversal", "adjustment"})

Rule = Literal["id", "order", "parts", "undone", "person"]
_CONFIDENCE: dict[Rule, int] = {"id": 100, "order": 95, "parts": 90, "undone": 90, "person": 100}


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """`amount` of a statement line is `expected`, or, by the rule `undone`, another line. In the line's currency.

    `by` is who matched: the rules' version, or the person. `confidence` is per cent.
    """

    line: str
    expected: str
    amount: Decimal
    rule: Rule
    by: str = f"rules {RULES_VERSION}"

    @property
    def confidence(self) -> int:
        return _CONFIDENCE[self.rule]


class Suggestion(NamedTuple):
    """A pair that a person may confirm, with the reason."""

    line: str
    expected: str
    why: str


class Matching(NamedTuple):
    """What was found, what might be, and what has neither."""

    matches: tuple[Match, ...]
    suggestions: tuple[Suggestion, ...]
    problems: tuple[Problem, ...]


def line_id(statement: Statement, line: StatementLine) -> str:
    """What names a statement line in references; the same in whatever file it comes."""
    return "/".join(statement.line_key(line))


def match(
    statements: Iterable[Statement], wanted: Iterable[Expected], company: Company, confirmed: Iterable[Match] = ()
) -> Matching:
    """Match all lines that need an order. `confirmed` (earlier runs, persons) are used up and not repeated."""
    return _Matcher(wanted, company, confirmed).run(statements)


class _Open(msgspec.Struct):
    """A statement line that is not matched yet."""

    id: str
    provider: str
    line: StatementLine
    day: date | None


class _Matcher:
    def __init__(self, wanted: Iterable[Expected], company: Company, confirmed: Iterable[Match]) -> None:
        self._company = company
        self._confirmed: dict[str, list[Match]] = defaultdict(list)
        self._left: dict[str, Decimal] = {}
        self._by_id: dict[tuple[str, str], list[Expected]] = defaultdict(list)
        self._by_order: dict[tuple[str, str], list[Expected]] = defaultdict(list)
        self._wanted = sorted(wanted, key=lambda row: (row.day, row.id))
        for row in self._wanted:
            self._left[row.id] = row.amount
            if row.provider_id:
                self._by_id[row.provider, row.provider_id].append(row)
            self._by_order[row.provider, self._reference(row)].append(row)
        for found in confirmed:
            self._confirmed[found.line].append(found)
            if found.expected in self._left:
                self._left[found.expected] -= found.amount
        self._matches: list[Match] = []
        self._problems: list[Problem] = []

    def run(self, statements: Iterable[Statement]) -> Matching:
        every = [
            _Open(line_id(statement, line), statement.provider, line, line.day or statement.paid_on or statement.end)
            for statement in statements
            if not statement.test
            for line in statement.lines
            if line.kind in _OF_ORDERS
        ]
        every.sort(key=lambda row: row.id)
        self._cancel_out(every)
        lines = [row for row in every if row.id not in self._confirmed]
        lines = [row for row in lines if not self._by_own_id(row)]
        lines = [row for row in lines if not self._by_number(row)]
        lines = self._in_parts(lines)
        return Matching(tuple(self._matches), tuple(self._suggest(lines)), tuple(self._problems))

    def _cancel_out(self, lines: Sequence[_Open]) -> None:
        """A refund and its return, where the order does not know the refund any more (edge case 9)."""
        refunds = {
            (row.provider, id_): row
            for row in lines
            if row.line.kind == "refund" and not any(m.expected in self._left for m in self._confirmed.get(row.id, ()))
            for id_ in (row.line.provider_id, row.line.refund_id)
            if id_ and not self._by_id.get((row.provider, id_))
        }
        for row in lines:
            if row.line.kind != "refund_reversal" or row.id in self._confirmed:
                continue
            refund = refunds.get((row.provider, row.line.parent_id))
            if refund is not None and refund.line.amount == -row.line.amount:
                for one, other in ((refund, row), (row, refund)):
                    if one.id not in self._confirmed:
                        self._keep(one, other.id, one.line.amount, "undone")
                        self._confirmed[one.id].append(self._matches[-1])

    def _by_own_id(self, row: _Open) -> bool:
        for own in _ids(row.line):
            for wanted in self._by_id.get((row.provider, own), ()):
                amount, left = _comparable(row.line, wanted), self._left[wanted.id]
                if left and (amount == left or (amount is None and left * row.line.amount > 0)):
                    self._use(row, wanted, "id")
                    return True
        return False

    def _by_number(self, row: _Open) -> bool:
        """The order number decides only where one shop alone can be meant (edge case 35)."""
        found = self._candidates(row)
        candidates = [wanted for wanted in found if _comparable(row.line, wanted) == self._left[wanted.id]]
        if len({wanted.order for wanted in found}) != 1 or not candidates:
            return False
        self._use(row, candidates[0], "order")
        return True

    def _in_parts(self, lines: Sequence[_Open]) -> list[_Open]:
        """Several lines for one expected amount of an order, or one for several (edge cases 1, 2)."""
        groups: defaultdict[tuple[str, str, bool], list[_Open]] = defaultdict(list)
        rest = []
        for row in lines:
            candidates = self._candidates(row)
            if len({wanted.order for wanted in candidates}) == 1 and all(
                _comparable(row.line, wanted) is not None for wanted in candidates
            ):
                groups[row.provider, candidates[0].order, row.line.amount > 0].append(row)
            else:
                rest.append(row)
        for rows in groups.values():
            if not self._share_out(rows):
                rest.extend(rows)
        return sorted(rest, key=lambda row: row.id)

    def _share_out(self, rows: Sequence[_Open]) -> bool:
        candidates = self._candidates(rows[0])
        amounts = [_comparable(row.line, candidates[0]) or ZERO for row in rows]
        left = sum((self._left[wanted.id] for wanted in candidates), ZERO)
        if abs(sum(amounts, ZERO)) > abs(left):
            return False
        for row, amount in zip(rows, amounts, strict=True):
            for wanted in candidates:
                part = min(amount, self._left[wanted.id], key=abs)
                if part:
                    self._keep(row, wanted.id, part, "parts")
                    self._left[wanted.id] -= part
                    amount -= part
        return True

    def _suggest(self, lines: Sequence[_Open]) -> Iterable[Suggestion]:
        by_amount: defaultdict[tuple[str, str, Decimal], list[Expected]] = defaultdict(list)
        for wanted in self._wanted:
            if self._left[wanted.id]:
                by_amount[wanted.provider, wanted.currency, self._left[wanted.id]].append(wanted)
        alike: defaultdict[tuple[str, str, Decimal], int] = defaultdict(int)
        for row in lines:
            alike[row.provider, row.line.currency, row.line.amount] += 1
        for row in lines:
            if self._company.chart.provider(row.provider, row.day or date.max).orderless:
                continue
            line, found = row.line, list(self._candidates(row))
            key = (row.provider, line.currency, line.amount)
            self._problems.append(_problem(row, found))
            near = [wanted for wanted in by_amount[key] if row.day and abs(wanted.day - row.day) <= _SUGGESTION_SPAN]
            if not found and len(near) == 1 and alike[key] == 1:
                yield Suggestion(row.id, near[0].id, f"the only {line.amount} {line.currency} of those days")

    def _candidates(self, row: _Open) -> list[Expected]:
        """What is still expected for the transaction or order that the line names, in the line's direction."""
        line = row.line
        named = [
            *(self._by_id.get((row.provider, own), ()) for own in _ids(line)),
            *(self._by_order.get((row.provider, normal(ref)), ()) for ref in (line.order_ref, line.order_ref2) if ref),
        ]
        found = {wanted.id: wanted for group in named for wanted in group if self._left[wanted.id] * line.amount > 0}
        return list(found.values())

    def _use(self, row: _Open, wanted: Expected, rule: Rule) -> None:
        self._keep(row, wanted.id, self._left[wanted.id], rule)
        self._left[wanted.id] = ZERO

    def _keep(self, row: _Open, wanted: str, amount: Decimal, rule: Rule) -> None:
        self._matches.append(Match(line=row.id, expected=wanted, amount=amount, rule=rule))

    def _reference(self, wanted: Expected) -> str:
        channel = self._company.channels.get(wanted.channel)
        return normal((channel.order_prefix if channel else "") + wanted.order_no.lstrip("# "))


def _ids(line: StatementLine) -> tuple[str, ...]:
    """The provider's names for the line's transaction, the narrowest first."""
    named = (line.capture_id, line.refund_id, line.provider_id, line.provider_order)
    return tuple(dict.fromkeys(own for own in named if own))


def normal(reference: str) -> str:
    """An order number as it is compared: without # and blanks around it, in small letters. Leading zeros stay."""
    return reference.strip().lstrip("#").strip().casefold()


def _comparable(line: StatementLine, wanted: Expected) -> Decimal | None:
    """The line's amount in the currency of what is expected; None where only the provider's rate could tell."""
    if line.currency == wanted.currency:
        return line.amount
    if line.presented_currency == wanted.currency and line.presented is not None:
        return line.presented
    return None


def _problem(row: _Open, found: Sequence[Expected]) -> Problem:
    line = row.line
    reference = line.order_ref or line.provider_id or line.capture_id or line.refund_id
    if any(_comparable(line, wanted) is None for wanted in found):
        what = f"{row.provider} states {line.currency} for order {reference}, which was paid in {found[0].currency}."
        return Problem(code="CURRENCY_DIFF", where=row.id, what=what, amount=line.amount, currency=line.currency)
    if found:
        total = sum((wanted.amount for wanted in found), ZERO)
        what = f"{row.provider} states {line.amount} {line.currency} for order {reference}, {total} is expected."
        return Problem(code="AMOUNT_DIFF", where=row.id, what=what, amount=line.amount - total, currency=line.currency)
    what = f"{row.provider} states {line.type or line.kind} {reference or 'without reference'}, which no order has."
    return Problem(code="TX_WITHOUT_ORDER", where=row.id, what=what, amount=line.amount, currency=line.currency)
