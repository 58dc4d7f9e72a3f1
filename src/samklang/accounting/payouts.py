"""Payouts ↔ bank lines: by reference and amount, else by an amount that only one of them has (RECONCILIATION §5.3).

reference   the payout's reference stands in the bank's text, and the amounts agree (or differ by what the company
            allows the bank to keep, edge case 23)
amount      the only payout and the only bank line of that amount within five banking days
split       one payout in several bank lines that carry its reference, or several payouts in one line that carries
            theirs: within one provider, through the account for money in transit (edge case 21)
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Literal, NamedTuple

import msgspec

from samklang.accounting.bank.base import BankLine, BankStatement
from samklang.accounting.company import Company
from samklang.accounting.matching import RULES_VERSION, line_id
from samklang.accounting.problems import Problem
from samklang.accounting.settlement import statement_day
from samklang.accounting.statements.base import Statement
from samklang.records.money import ZERO

_BANKING_DAYS = 5
_LONGEST_NAME = 120  # of a line without a reference, which its text names; longer ones are named by their hash
_SHORTEST_REFERENCE = 4  # a shorter one is found in any text
_CONFIDENCE = {"reference": 100, "split": 95, "amount": 80, "person": 100}


class PayoutMatch(msgspec.Struct, frozen=True, kw_only=True):
    """`amount` of a payout (a statement's line) reached the bank in one line; `kept` is what the bank took of it.

    `converted`: the bank booked it in another currency, as a person has seen; rules only match one currency.
    """

    payout: str
    bank_line: str
    amount: Decimal
    rule: Literal["reference", "amount", "split", "person"]
    kept: Decimal = ZERO
    converted: bool = False
    by: str = f"rules {RULES_VERSION}"

    @property
    def confidence(self) -> int:
        return _CONFIDENCE[self.rule]


class PayoutMatching(NamedTuple):
    """Matches, and the payouts and bank lines that have none."""

    matches: tuple[PayoutMatch, ...]
    problems: tuple[Problem, ...]


def in_transit(matches: Sequence[PayoutMatch]) -> frozenset[str]:
    """Payouts that are not exactly one bank line of their amount."""
    lines = Counter(found.bank_line for found in matches)
    payouts = Counter(found.payout for found in matches)
    return frozenset(
        found.payout
        for found in matches
        if found.kept or found.converted or lines[found.bank_line] > 1 or payouts[found.payout] > 1
    )


class BankRow(NamedTuple):
    """A bank line with its name in references, and its words as references are looked for in them."""

    id: str
    line: BankLine
    words: str


class _Payout(NamedTuple):
    id: str
    provider: str
    references: tuple[str, ...]  # as they are looked for in a bank line's words
    amount: Decimal
    currency: str
    day: date


#: What banks write where they have no reference of their own (ISO 20022).
_NO_REFERENCE = frozenset({"", "NOTPROVIDED", "NONREF"})


def bank_rows(statements: Iterable[BankStatement]) -> tuple[BankRow, ...]:
    """The booked lines of account statements, each once in whatever files it comes. Notices only repeat them.

    The bank's own reference makes a line known again; where it has none, its statement's does, and equal lines inside
    one statement are counted.
    """
    found: dict[str, BankLine] = {}
    for statement in statements:
        if statement.kind == "notice" or statement.test:
            continue
        alike: Counter[str] = Counter()
        for line in statement.lines:
            own = line.reference
            if own.upper() in _NO_REFERENCE:
                own = f"{statement.reference}:{line.text}"
            own = own if len(own) <= _LONGEST_NAME else sha256(own.encode()).hexdigest()
            name = "/".join((statement.account, statement.currency, str(line.booked_on), str(line.amount), own))
            alike[name] += 1
            found.setdefault(f"{name}/{alike[name]}", line)
    return tuple(bank_row(name, found[name]) for name in sorted(found))


def bank_row(name: str, line: BankLine) -> BankRow:
    """A line that has its name already."""
    return BankRow(name, line, _words(line))


def match_payouts(
    statements: Iterable[Statement],
    rows: Iterable[BankRow],
    company: Company,
    confirmed: Iterable[PayoutMatch] = (),
    *,
    today: date,
) -> PayoutMatching:
    """Match payouts with bank lines; `confirmed` are used up and not repeated. `today` says what is overdue.

    A company that reads no bank files has no bank lines to miss: its payouts are no problems.
    """
    rows = tuple(rows)
    done = list(confirmed)
    used_lines = {found.bank_line for found in done}
    used_payouts = {found.payout for found in done}
    payouts = [payout for payout in _payouts(statements) if payout.id not in used_payouts]
    lines = [row for row in rows if row.id not in used_lines]
    matches: list[PayoutMatch] = []
    for rule in (_by_reference, _split, _by_amount):
        for found in rule(payouts, lines, company):
            matches += found
            gone = {part.payout for part in found}
            used_lines |= {part.bank_line for part in found}
            payouts = [payout for payout in payouts if payout.id not in gone]
        lines = [row for row in lines if row.id not in used_lines]
    return PayoutMatching(tuple(matches), tuple(_problems(payouts, lines, company, today)) if rows else ())


def _payouts(statements: Iterable[Statement]) -> list[_Payout]:
    """Every payout line. Its references are its own and, where the statement has no other payout, the statement's."""
    found = []
    for made in statements:
        lines = [line for line in made.lines if line.kind == "payout" and not made.test]
        for line in lines:
            named = (_plain(line.provider_id), _plain(made.reference) if len(lines) == 1 else "")
            references = tuple(dict.fromkeys(name for name in named if len(name) >= _SHORTEST_REFERENCE))
            day = line.day or statement_day(made)
            found.append(_Payout(line_id(made, line), made.provider, references, -line.amount, made.currency, day))
    return sorted(found)


def _by_reference(payouts: Sequence[_Payout], rows: Sequence[BankRow], company: Company) -> Iterator[list[PayoutMatch]]:
    used: set[str] = set()
    for payout in payouts:
        named = [row for row in rows if row.id not in used and _names(row, payout)]
        exact = [row for row in named if row.line.amount == payout.amount]
        near = [row for row in named if ZERO <= payout.amount - row.line.amount <= company.bank_tolerance]
        for row in (exact or (near if len(named) == 1 else []))[:1]:
            used.add(row.id)
            yield [_match(payout, row, "reference", payout.amount)]


def _split(payouts: Sequence[_Payout], rows: Sequence[BankRow], company: Company) -> Iterator[list[PayoutMatch]]:
    """Everything that carries the reference must sum to the other side; parts are never picked to fit."""
    used: set[str] = set()
    for payout in payouts:
        named = [row for row in rows if row.id not in used and _names(row, payout)]
        if len(named) > 1 and sum((row.line.amount for row in named), ZERO) == payout.amount:
            used |= {row.id for row in named}
            yield [_match(payout, row, "split", row.line.amount) for row in named]
    for row in rows:
        named_payouts = [payout for payout in payouts if row.id not in used and _names(row, payout)]
        one_provider = len({payout.provider for payout in named_payouts}) == 1
        if (
            len(named_payouts) > 1
            and one_provider
            and sum((payout.amount for payout in named_payouts), ZERO) == row.line.amount
        ):
            used.add(row.id)
            yield [_match(payout, row, "split", payout.amount) for payout in named_payouts]


def _by_amount(payouts: Sequence[_Payout], rows: Sequence[BankRow], company: Company) -> Iterator[list[PayoutMatch]]:
    """Two of one amount are never paired by it (edge case 22), nor a line that carries some payout's reference."""
    named = {row.id for row in rows for payout in payouts if _names(row, payout)}
    by_amount: defaultdict[tuple[Decimal, str], list[BankRow]] = defaultdict(list)
    for row in rows:
        if row.id not in named and not row.line.reversal:
            by_amount[row.line.amount, row.line.currency].append(row)
    near: dict[str, list[BankRow]] = {}
    for payout in payouts:
        alike = by_amount[payout.amount, payout.currency]
        near[payout.id] = [row for row in alike if banking_days(payout.day, row.line.booked_on) <= _BANKING_DAYS]
    claimed = Counter(row.id for found in near.values() for row in found)
    for payout in payouts:
        found = near[payout.id]
        if len(found) == 1 and claimed[found[0].id] == 1:
            yield [_match(payout, found[0], "amount", payout.amount)]


def _match(
    payout: _Payout, row: BankRow, rule: Literal["reference", "amount", "split"], amount: Decimal
) -> PayoutMatch:
    kept = payout.amount - row.line.amount if rule == "reference" else ZERO
    return PayoutMatch(payout=payout.id, bank_line=row.id, amount=amount, rule=rule, kept=kept)


def _names(row: BankRow, payout: _Payout) -> bool:
    """Whether the bank's text carries the payout's reference, however it was spaced."""
    line = row.line
    if line.currency != payout.currency or line.reversal:
        return False
    return any(reference in row.words for reference in payout.references)


def _words(line: BankLine) -> str:
    details = (part for detail in line.details for part in (detail.text, detail.reference, detail.end_to_end))
    return "\n".join(_plain(text) for text in (line.text, line.reference, *details))


def _plain(text: str) -> str:
    return re.sub(r"[\W_]", "", text).casefold()


def banking_days(first: date, second: date) -> int:
    """Number of weekdays between two dates, whichever comes first. Holidays count as weekdays."""
    early, late = sorted((first, second))
    return sum((early + timedelta(days=n)).weekday() < 5 for n in range(1, (late - early).days + 1))


def _problems(payouts: Sequence[_Payout], rows: Sequence[BankRow], company: Company, today: date) -> Iterator[Problem]:
    for payout in payouts:
        if payout.day < today and banking_days(payout.day, today) > _BANKING_DAYS:
            what = f"{payout.provider}'s payout of {payout.day} is not on any bank statement."
            amount, currency = payout.amount, payout.currency
            yield Problem(code="PAYOUT_WITHOUT_BANK", where=payout.id, what=what, amount=amount, currency=currency)
    for row in rows:
        if name := provider_of(row.line, company):
            line = row.line
            what = f"The bank line of {line.booked_on} from {name} belongs to no payout."
            amount, currency = line.amount, line.currency
            yield Problem(code="BANK_WITHOUT_PAYOUT", where=row.id, what=what, amount=amount, currency=currency)


def provider_of(line: BankLine, company: Company) -> str:
    """The provider that the bank's text names; empty for the many lines that are not ours to explain."""
    text = f"{line.text} {' '.join(detail.party for detail in line.details)}".casefold()
    for provider in company.chart.providers(line.booked_on):
        names = provider.bank_names or (provider.provider,)
        if any(re.search(rf"\b{re.escape(name.casefold())}", text) for name in names):
            return provider.provider
    return ""
