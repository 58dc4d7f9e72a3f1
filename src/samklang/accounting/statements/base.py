"""What every reader of settlement files gives: statements whose lines prove their total, or one refusal.

A statement is all or nothing (RECONCILIATION §5.2): it can only be built when its lines lead from the opening to the
closing balance, so whoever gets one may book it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Literal

import msgspec

from samklang.accounting.problems import DO_THIS, Code, Refused
from samklang.records.money import ZERO, settle
from samklang.records.times import settle_utc

#: What a line is, whatever the provider calls it. Its sign follows the provider's rule per type, never the kind.
#: `fee_correction`: a fee given back or charged later. `refund_reversal`: a refund that failed and came back.
#: `conversion`: one leg of an exchange between two currencies. `fine` and `compensation` are marketplaces' words for a
#: penalty and for what they pay for lost goods. `payout`: to our bank (negative), or from it (positive).
Kind = Literal[
    "sale", "refund", "refund_reversal", "chargeback", "chargeback_reversal", "fee", "fee_vat", "fee_correction",
    "holdback", "release", "conversion", "adjustment", "fine", "compensation", "payout",
]  # fmt: skip

#: Payout: everything between two payouts, once. Account: the moves of a balance over any period, where exports may
#: overlap. Report: a commission agent's report.
Scope = Literal["payout", "account", "report"]
#: Net: fees are taken from the payout. Gross: they come on an invoice, and fee lines only tell (edge case 15).
Mode = Literal["net", "gross", "gross_fee"]

_INVOICED = frozenset({"fee", "fee_vat", "fee_correction"})


class Unreadable(Refused):
    """A file that is refused whole. `row` counts as a person sees it in the file (1 is the first; 0: no single row).

    The code is STATEMENT_UNBALANCED (the file does not prove itself whole and right) unless a narrower one fits. What
    to do with a file is the same for all codes, unless something better is said.
    """

    def __init__(
        self,
        what: str,
        *,
        code: Code = "STATEMENT_UNBALANCED",
        row: int = 0,
        column: str = "",
        value: object = "",
        do_this: str = "",
        amount: Decimal = ZERO,
        currency: str = "",
    ) -> None:
        self.row = row
        self.column = column
        self.value = str(value)[:80]
        place = [f"row {row}"] if row else []
        place += [f"column {column!r}"] if column else []
        place += [f"value {self.value!r}"] if value != "" else []
        where = ", ".join(place) or "file"
        super().__init__(
            code, where, what, do_this=do_this or DO_THIS["STATEMENT_UNBALANCED"], amount=amount, currency=currency
        )


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a file leaves open and only the merchant knows. Empty: as the format says, refused where it does not say.

    `account` is our account at the provider. `charset`, `decimal` (the sign before the decimals) and `day_first` (in
    dates such as 03/04/2026) are for exports that follow the user's language. `time_zone` is for times without one.
    """

    account: str = ""
    currency: str = ""
    charset: str = ""
    decimal: Literal["", ".", ","] = ""
    day_first: bool | None = None
    time_zone: str = ""


class StatementLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One movement of our balance at the provider. `amount` is signed: sale +, refund −, fee −, payout −.

    `provider_id` is the transaction's own id, `capture_id`, `refund_id` and `provider_order` what the provider calls
    the capture, refund and order or payment, `parent_id` the transaction that is undone or converted. `order_ref` is
    our order number as the provider has it. `presented` is what the buyer saw, in `presented_currency`, where that is
    not the settlement currency; `rate` takes it there. `at` is the instant (UTC), `day` the date as the provider
    writes it, in its own zone. A row that holds an amount and a fee gives two lines with the same `row`, the number of
    the row in the file (for JSON: of the element, from 1), whose untouched fields are `cells`. `sequence` counts lines
    that nothing else tells apart (edge case 28).
    """

    kind: Kind
    amount: Decimal
    currency: str
    row: int
    cells: Mapping[str, str] = {}
    provider_id: str = ""
    capture_id: str = ""
    refund_id: str = ""
    provider_order: str = ""
    parent_id: str = ""
    order_ref: str = ""
    order_ref2: str = ""
    type: str = ""  # the provider's own word for the kind
    at: datetime | None = None
    day: date | None = None
    available_on: date | None = None
    vat_percent: Decimal | None = None
    presented: Decimal | None = None
    presented_currency: str = ""
    rate: Decimal | None = None
    method: str = ""
    country: str = ""
    sku: str = ""
    quantity: Decimal | None = None
    text: str = ""
    sequence: int = 0

    def __post_init__(self) -> None:
        settle(self, "amount", "vat_percent", "presented", "quantity")
        settle_utc(self, "at")


class Statement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a provider says about one payout, or about one period of our balance. Amounts are in `currency`.

    `reference` is the payout's (what the bank line carries, where the provider prints it there) or the report's number.
    `payout` is what reaches the bank: 0 when nothing does, negative when the provider debits us. `opening` and
    `closing` are balances carried from and to other statements. `totals` are the file's own sums, by its own names.
    `pending` are rows that are no money yet and must not be booked. `start` and `end` are days, both inside.
    """

    provider: str
    format: str
    reference: str
    currency: str
    file_hash: str
    lines: tuple[StatementLine, ...]
    account: str = ""
    scope: Scope = "payout"
    mode: Mode = "net"
    paid_on: date | None = None
    start: date | None = None
    end: date | None = None
    opening: Decimal = ZERO
    closing: Decimal = ZERO
    totals: Mapping[str, Decimal] = {}
    pending: tuple[StatementLine, ...] = ()
    test: bool = False

    def __post_init__(self) -> None:
        settle(self, "opening", "closing")
        for line in self.lines:
            if line.currency != self.currency:
                raise Unreadable(
                    f"A line is in {line.currency} and the statement {self.reference} in {self.currency}.",
                    code="CURRENCY_DIFF",
                    row=line.row,
                    value=line.currency,
                )
        if difference := self.opening + self._moved() - self.closing:
            raise Unreadable(
                f"Statement {self.reference}: the lines lead from {self.opening} to {self.closing + difference} "
                f"{self.currency}, but the file says {self.closing}: a row is missing or changed.",
                amount=difference,
                currency=self.currency,
            )
        msgspec.structs.force_setattr(self, "lines", _numbered(self.lines))

    def _moved(self) -> Decimal:
        return sum((line.amount for line in self.lines if self.mode != "gross" or line.kind not in _INVOICED), ZERO)

    @property
    def payout(self) -> Decimal:
        """What reaches the bank; negative when the provider debits us."""
        return -self.total("payout")

    def total(self, *kinds: Kind) -> Decimal:
        """Sum of the lines of these kinds."""
        return sum((line.amount for line in self.lines if line.kind in kinds), ZERO)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same statement in whatever file it comes (edge case 29)."""
        return (self.provider, self.account, self.reference, self.currency)

    def line_key(self, line: StatementLine) -> tuple[str, ...]:
        """What makes it the same line in whatever file it comes (RECONCILIATION §5).

        Only payouts are part of the key: exports of an account may overlap (edge case 30), and a report's rows have
        numbers of their own whether they come as a workbook or from the API.
        """
        place = self.reference if self.scope == "payout" else ""
        return (self.provider, self.account, place, self.currency, *_identity(line), str(line.sequence))


def file_hash(data: bytes) -> str:
    """SHA-256 of the file: the same bytes are the same file."""
    return sha256(data).hexdigest()


def _identity(line: StatementLine) -> tuple[str, ...]:
    return (line.kind, line.provider_id or line.capture_id or line.refund_id or line.provider_order or line.order_ref)


def _numbered(lines: Sequence[StatementLine]) -> tuple[StatementLine, ...]:
    """Number the lines that share an identity, by content, so that the rows' order in the file does not matter."""
    alike: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, line in enumerate(lines):
        alike[_identity(line)].append(place)
    result = list(lines)
    for places in alike.values():
        ordered = sorted(places, key=lambda i: (lines[i].amount, lines[i].order_ref, sorted(lines[i].cells.items())))
        for number, place in enumerate(ordered):
            if result[place].sequence != number:
                result[place] = msgspec.structs.replace(result[place], sequence=number)
    return tuple(result)
