"""A provider's statement → one voucher: what left its clearing account, and where it went (RECONCILIATION §3–§4).

    bank or in transit   the payout           disputed    chargebacks
    fees and their VAT   fees.py              reserve     held back, released
    suspense             sales without order, where the company says so
    clearing account     the sales and refunds that the statement holds, and the balance it carries on

The last is never computed from orders: it is the statement's own lines, each at the value that its sale was booked at,
so that what is left on the account is the provider's balance. A difference can only be one of exchange rates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from samklang.accounting.company import Company
from samklang.accounting.daybook import Booked
from samklang.accounting.draft import Draft
from samklang.accounting.expected import Expected
from samklang.accounting.fees import FEE_KINDS, post_fees
from samklang.accounting.fx import Exchange
from samklang.accounting.matching import Match, line_id
from samklang.accounting.problems import Refused
from samklang.accounting.statements.base import Statement, StatementLine
from samklang.accounting.voucher import Voucher
from samklang.records.money import ZERO, rounded

_OF_ORDERS = frozenset({"sale", "refund", "refund_reversal"})
_ROLES = {
    "chargeback": "receivable.disputed", "chargeback_reversal": "receivable.disputed",
    "holdback": "receivable.psp.reserve", "release": "receivable.psp.reserve",
}  # fmt: skip


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about the lines of the statements: their matches, and the values that were booked.

    `shares` is the part of an expected amount's booked value that a line takes, by (line, expected amount).
    `in_transit` are the payout lines that do not reach the bank as one line of their amount. `suspended` are lines that
    a posted voucher has put on suspense: they stay there, and decisions.py moves them (E12).
    """

    matches: Mapping[str, Sequence[Match]] = {}
    wanted: Mapping[str, Expected] = {}
    shares: Mapping[tuple[str, str], Decimal] = {}
    in_transit: frozenset[str] = frozenset()
    suspended: frozenset[str] = frozenset()


def found(
    matches: Iterable[Match],
    wanted: Iterable[Expected],
    company: Company,
    statements: Iterable[Statement] = (),
    *,
    in_transit: Iterable[str] = (),
    suspended: Iterable[str] = (),
) -> Found:
    """Index matches by line and expected amounts by id; `statements` date the lines."""
    by_line: defaultdict[str, list[Match]] = defaultdict(list)
    for match in matches:
        by_line[match.line].append(match)
    by_id = {row.id: row for row in wanted}
    days = {line_id(made, line): statement_day(made) for made in statements for line in made.lines}
    ordered = sorted(
        (match for rows in by_line.values() for match in rows),
        key=lambda match: (days.get(match.line, date.max), match.line),
    )
    return Found(
        matches=by_line,
        wanted=by_id,
        shares=_shares(ordered, by_id, company.currency),
        in_transit=frozenset(in_transit),
        suspended=frozenset(suspended),
    )


def _shares(
    matches: Iterable[Match], wanted: Mapping[str, Expected], currency: str
) -> Mapping[tuple[str, str], Decimal]:
    """(line, expected) → its part of what was booked, in the ledger's currency.

    Differences of rounded running totals, oldest statement first: parts sum to the whole, and what a later statement
    brings does not change an earlier one's.
    """
    shares: dict[tuple[str, str], Decimal] = {}
    taken: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for match in matches:
        row = wanted.get(match.expected)
        if row is not None:
            before = rounded(row.booked * taken[row.id] / row.amount, currency)
            taken[row.id] += match.amount
            shares[match.line, row.id] = rounded(row.booked * taken[row.id] / row.amount, currency) - before
    return shares


def statement_id(statement: Statement) -> str:
    """What names a statement in references and keys."""
    return "/".join(part or "-" for part in statement.key)


def settlement_key(company: Company, statement: str) -> str:
    """Key of the voucher of the statement with this id."""
    return f"{company.code}/settlement/{statement}"


def statement_day(statement: Statement) -> date:
    """The provider's date of the payout, or the last day that the statement covers."""
    day = statement.paid_on or statement.end or max((line.day for line in statement.lines if line.day), default=None)
    if day is None:
        raise Refused("STATEMENT_UNBALANCED", statement_id(statement), "The statement names no day at all.")
    return day


def book_statements(statements: Iterable[Statement], known: Found, company: Company, exchange: Exchange) -> Booked:
    """One voucher per statement that can be booked. Tests have none; one that cannot is a problem, as a whole."""
    vouchers, problems = [], []
    for statement in sorted(statements, key=statement_id):
        if statement.test or not statement.lines:
            continue
        try:
            voucher = _Posting(statement, known, company, exchange).voucher()
        except Refused as refused:
            problems.append(refused.problem)
        else:
            vouchers.extend([voucher] if voucher else [])
    return Booked(tuple(sorted(vouchers, key=lambda voucher: (voucher.date, voucher.key))), tuple(problems))


class _Posting:
    """The voucher of one statement while it is made."""

    def __init__(self, statement: Statement, known: Found, company: Company, exchange: Exchange) -> None:
        self._statement = statement
        self._known = known
        self._company = company
        self._exchange = exchange
        self._id = statement_id(statement)
        self._day = statement_day(statement)
        self._rate = exchange.rate(statement.currency, self._day)
        self._currency = "" if statement.currency == exchange.currency else statement.currency
        self._provider = company.chart.provider(statement.provider, self._day)
        self._receivable = company.chart.receivable(statement.provider, self._day)
        self._draft = Draft(company)
        self._converted = bool(self._currency)

    def voucher(self) -> Voucher | None:
        statement, draft = self._statement, self._draft
        lines = [(line_id(statement, line), line) for line in statement.lines]
        self._check_orders(lines)
        # Gross: the fees come on an invoice, and the statement only tells of them (edge case 15).
        kinds = FEE_KINDS if statement.mode != "gross" else frozenset({"fine"})
        fees = [(id_, line) for id_, line in lines if line.kind in kinds]
        post_fees(
            draft, fees, self._to_ledger, provider=statement.provider, statement=self._id, day=self._day,
            company=self._company,
        )  # fmt: skip
        for id_, line in lines:
            if line.kind not in FEE_KINDS:
                self._post(id_, line)
        carried = statement.closing - statement.opening
        self._clear(self._to_ledger(carried), ("balance", self._id), carried, self._currency)
        if self._converted:
            difference = draft.balance()
            role = "fx.gain" if difference > 0 else "fx.loss"
            draft.post(role, -difference, ("payout", self._id), self._day)
        name = "settlement" if statement.payout > 0 else "settlement_unpaid"
        text = self._company.chart.text(
            name, provider=self._company.chart.name(statement.provider, self._day), reference=statement.reference
        )
        day = self._company.open_day(self._day)
        return draft.voucher("settlement", day, text, settlement_key(self._company, self._id))

    def _post(self, id_: str, line: StatementLine) -> None:
        ref = ("statement_line", id_)
        if line.kind in _OF_ORDERS or line.kind == "adjustment":
            self._post_sale(id_, line)
        elif line.kind == "payout":
            role = f"bank.{self._statement.currency}"
            if self._provider.payout == "in_transit" or id_ in self._known.in_transit:
                role = "in_transit"
            self._out(role, line, ref, party=self._statement.provider)
        elif line.kind in _ROLES:
            item = line.order_ref if line.kind.startswith("chargeback") else ""
            self._out(_ROLES[line.kind], line, ref, party=self._statement.provider, item=item)
        elif line.kind == "conversion":
            # Both legs meet here; conversions.py takes what is left of them to exchange differences (edge case 19).
            self._out("in_transit.conversion", line, ref, party=self._statement.provider)
        else:
            raise Refused(
                "TX_WITHOUT_ORDER",
                id_,
                f"A line of kind {line.kind} ({line.type}) belongs into a marketplace's report, not into a payout.",
                amount=line.amount,
                currency=line.currency,
            )

    def _out(self, role: str, line: StatementLine, ref: tuple[str, str], *, party: str, item: str = "") -> None:
        """What left the clearing account for somewhere else."""
        foreign = -line.amount if self._currency else None
        self._draft.post(
            role, -self._to_ledger(line.amount), ref, self._day, party=party, item=item, foreign=foreign,
            currency=self._currency,
        )  # fmt: skip

    def _post_sale(self, id_: str, line: StatementLine) -> None:
        """The clearing account gives back what the sale put there, at the sale's own value."""
        ref = ("statement_line", id_)
        matches = self._known.matches.get(id_, ())
        unknown = not matches and not self._provider.orderless
        if id_ in self._known.suspended or (unknown and self._company.policy("TX_WITHOUT_ORDER") == "suspense"):
            self._draft.post("suspense", -self._to_ledger(line.amount), ref, self._day, party=self._statement.provider)
            return
        wanted = [self._known.wanted[match.expected] for match in matches if match.expected in self._known.wanted]
        home = self._exchange.currency
        currency = self._currency or next((row.currency for row in wanted if row.currency != home), "")
        if not currency or not wanted:
            self._clear(-self._to_ledger(line.amount), ref, -line.amount, self._currency)
            return
        self._converted = True
        foreign = line.amount if self._currency else sum((match.amount for match in matches), ZERO)
        booked = sum((self._known.shares[id_, row.id] for row in wanted), ZERO)
        self._clear(-booked, ref, -foreign, currency)

    def _clear(self, amount: Decimal, ref: tuple[str, str], foreign: Decimal, currency: str) -> None:
        self._draft.post(
            self._receivable, amount, ref, self._day, party=self._statement.provider,
            foreign=foreign if currency else None, currency=currency,
        )  # fmt: skip

    def _to_ledger(self, amount: Decimal) -> Decimal:
        return rounded(amount * self._rate, self._exchange.currency)

    def _check_orders(self, lines: Iterable[tuple[str, StatementLine]]) -> None:
        """Unless a policy says otherwise, a statement waits until every sale in it has its order."""
        if self._provider.orderless or self._company.policy("TX_WITHOUT_ORDER") != "block":
            return
        missing = [
            line
            for id_, line in lines
            if line.kind in _OF_ORDERS | {"adjustment"}
            and not self._known.matches.get(id_)
            and id_ not in self._known.suspended
        ]
        if missing:
            total = sum((line.amount for line in missing), ZERO)
            raise Refused(
                "TX_WITHOUT_ORDER",
                self._id,
                f"{len(missing)} lines have no order; the statement waits for them.",
                amount=total,
                currency=self._statement.currency,
            )
