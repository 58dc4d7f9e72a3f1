"""The voucher: immutable, balanced, every line naming the rows it comes from (MODEL §7, RECONCILIATION §8.1).

Amounts are in the company's currency, debit positive, credit negative, in whole minor units. Nothing else can be
built: the constructor refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

import msgspec

from samklang.records.base import Record, register
from samklang.records.money import ZERO, rounded, settle

Source = Literal[
    "sales", "refunds", "invoice", "invoice_part", "invoice_payment", "settlement", "bank", "pos", "suspense",
    "dispute", "gift_card", "commission", "revaluation", "opening", "reversal",
]  # fmt: skip


class Unbalanced(ValueError):
    """No voucher: the lines do not sum to zero, are too few, or hold what no line may hold."""


class Ref(msgspec.Struct, frozen=True):
    """One source row of a line and its share of the line's amount, so that a line can be drilled to its öre.

    `kind` is the row's table: payment, statement_line, payout, bank_line, z_report, gift_card, invoice, opening.
    """

    kind: str
    id: str
    amount: Decimal


class VoucherLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Amount on one account. What the controls ask for stands beside it, so that they need not read account numbers.

    `role` is why the account was chosen; `country` and `percent` the VAT it states; `party` the payment provider whose
    balance it moves; `item` the order of an open invoice; `foreign` the amount in `currency` where that is not the
    ledger's. `dimensions` maps the ledger's dimension number to its object (1 cost centre, 6 project).
    """

    account: str
    amount: Decimal
    role: str
    name: str = ""
    refs: tuple[Ref, ...] = ()
    text: str = ""
    country: str = ""
    percent: Decimal | None = None
    party: str = ""
    item: str = ""
    foreign: Decimal | None = None
    currency: str = ""
    dimensions: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        settle(self, "amount", "percent", "foreign")


@register
class Voucher(Record, frozen=True, kw_only=True, tag="voucher", omit_defaults=True):
    """`key` is the same whenever the same things are booked; the ledger never gets two with one key.

    `reverses` is the key of the voucher that this one takes back. The number is the ledger's to give.
    """

    own_id: ClassVar[bool] = True

    company: str
    series: str
    date: date
    text: str
    source: Source
    key: str
    currency: str
    lines: tuple[VoucherLine, ...]
    reverses: str = ""

    def __post_init__(self) -> None:
        if len(self.lines) < 2:
            raise Unbalanced(f"{self.key} has {len(self.lines)} lines; a voucher has at least 2")
        for line in self.lines:
            if not line.amount or line.amount != rounded(line.amount, self.currency):
                raise Unbalanced(f"{self.key}: {line.amount} on {line.account} is no amount in {self.currency}")
            if line.refs and sum((ref.amount for ref in line.refs), ZERO) != line.amount:
                raise Unbalanced(f"{self.key}: the source rows of {line.account} do not sum to {line.amount}")
        if difference := sum((line.amount for line in self.lines), ZERO):
            raise Unbalanced(f"{self.key} differs by {difference} {self.currency}")

    def needs(self) -> tuple[tuple[str, str], ...]:
        """The orders whose invoices it is about, where the ledger keeps invoices."""
        if self.source not in ("invoice", "invoice_part", "invoice_payment"):
            return ()
        items = (line.item for line in self.lines if line.role == "receivable.invoice" and line.item)
        return tuple(("order", item) for item in dict.fromkeys(items))

    @property
    def turnover(self) -> Decimal:
        """Sum of the debit side."""
        return sum((line.amount for line in self.lines if line.amount > 0), ZERO)
