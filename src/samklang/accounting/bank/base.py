"""What the readers of bank files give: statements of one account, or notices of what was credited to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec

from samklang.accounting.statements.base import Unreadable
from samklang.records.money import ZERO, settle

#: Statement: the account's booked lines between two balances (camt.053). Notice: deposits or details of what also
#: stands in a statement (camt.054, BgMax); one of the two is booked, never both.
BankKind = Literal["statement", "notice"]


class BankDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One payment inside a bank line. `reference` is the payer's (an OCR or invoice number).

    `amount` is None where the bank gives only that of the whole line. `end_to_end` and `bank_id` are the payment's ids
    on its way through the banks, `party` the other side's name, `party_account` its IBAN, bankgiro or plusgiro number.
    `ocr` says that the bank has checked the reference.
    """

    amount: Decimal | None
    currency: str
    reference: str = ""
    references: tuple[str, ...] = ()  # further references of the same payment
    text: str = ""
    end_to_end: str = ""
    bank_id: str = ""
    party: str = ""
    party_account: str = ""
    original: Decimal | None = None
    original_currency: str = ""
    reason: str = ""  # why it was returned or deducted
    ocr: bool = False
    row: int = 0

    def __post_init__(self) -> None:
        settle(self, "amount", "original")


class BankLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the account: money in is positive. `row` is its number in the file, `cells` its untouched fields.

    `text` is all that the bank says in words, the details' texts included: payout references are looked for in it.
    `reversal` marks a line that takes back an earlier one (edge case 46).
    """

    amount: Decimal
    currency: str
    booked_on: date
    row: int
    value_on: date | None = None
    reference: str = ""
    code: str = ""
    text: str = ""
    reversal: bool = False
    details: tuple[BankDetail, ...] = ()
    cells: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        settle(self, "amount")


class BankStatement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One account's lines. `account` is an IBAN, bankgiro or other number as the bank writes it, without blanks.

    With both balances known, they and the lines agree or the statement cannot be built. `number` is the bank's running
    number, where it has one; a gap in it is a missing statement.
    """

    format: str
    kind: BankKind
    account: str
    currency: str
    reference: str
    file_hash: str
    lines: tuple[BankLine, ...]
    number: str = ""
    opening: Decimal | None = None
    closing: Decimal | None = None
    start: date | None = None
    end: date | None = None
    created: datetime | None = None
    pending: tuple[BankLine, ...] = ()
    test: bool = False

    def __post_init__(self) -> None:
        settle(self, "opening", "closing")
        for line in self.lines:
            if line.currency != self.currency:
                raise Unreadable(
                    f"A line is in {line.currency} and the account in {self.currency}.",
                    code="CURRENCY_DIFF",
                    row=line.row,
                    value=line.currency,
                )
        if self.opening is None or self.closing is None:
            return
        if difference := self.opening + sum((line.amount for line in self.lines), ZERO) - self.closing:
            raise Unreadable(
                f"Bank statement {self.reference}: opening balance {self.opening} and the booked lines give "
                f"{self.closing + difference}, but the closing balance is {self.closing} {self.currency}.",
                amount=difference,
                currency=self.currency,
            )

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same statement in whatever file it comes."""
        return (self.account, self.currency, self.reference)
