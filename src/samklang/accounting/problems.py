"""What accounting asks a person: the codes of RECONCILIATION §9 and two of our own check, each with its remedy.

A problem is data, because most of them are found many at a time and must not stop their neighbours. `Refused` carries
one where a single thing cannot be posted at all; whoever works through a set catches it and goes on.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from samklang.records.money import ZERO

Code = Literal[
    "TX_WITHOUT_ORDER", "ORDER_WITHOUT_TX", "AMOUNT_DIFF", "VAT_DIFF", "CURRENCY_DIFF", "DUPLICATE_STATEMENT",
    "STATEMENT_CHANGED", "STATEMENT_UNBALANCED", "PAYOUT_WITHOUT_BANK", "BANK_WITHOUT_PAYOUT",
    "FEE_TREATMENT_UNDECIDED", "ACCOUNT_MISSING", "PERIOD_LOCKED", "SUSPENSE_NOT_EMPTY", "CONTROL_DIFF",
    "VOUCHER_CHANGED",
]  # fmt: skip

#: Block: nothing of it is posted. Suspense: posted against the suspense account. Ignore: a person gave a reason.
Policy = Literal["block", "suspense", "ignore"]

DO_THIS: dict[Code, str] = {
    "TX_WITHOUT_ORDER": "Find the order and match it by hand, or post the amount to suspense.",
    "ORDER_WITHOUT_TX": "Ask the provider why it has not paid, or mark the order as not to be paid out.",
    "AMOUNT_DIFF": "Compare the order with the transaction and correct the one that is wrong.",
    "VAT_DIFF": "Correct the VAT in the shop, or the VAT treatment in the settings.",
    "CURRENCY_DIFF": "Enter the exchange rate, or correct the currency at the source.",
    "DUPLICATE_STATEMENT": "Nothing: the payout is already there.",
    "STATEMENT_CHANGED": "Compare the two files; reverse the posted voucher if the new one is right.",
    "STATEMENT_UNBALANCED": "Fetch the whole statement again; if it stays so, ask the provider.",
    "PAYOUT_WITHOUT_BANK": "Read the bank's file for these days, or ask the provider where it paid to.",
    "BANK_WITHOUT_PAYOUT": "Read the provider's statement for this payment, or post the bank line by hand.",
    "FEE_TREATMENT_UNDECIDED": "Let the accountant choose how the fee is taxed; the provider's invoice decides.",
    "ACCOUNT_MISSING": "Give the role an account, and create that account in the ledger.",
    "PERIOD_LOCKED": "Open the period, or let the accountant choose a later date.",
    "SUSPENSE_NOT_EMPTY": "Match what stands on the suspense account before the month is closed.",
    "CONTROL_DIFF": "Ask whoever has changed the database by hand; then `samklang control --anew --mend`.",
    "VOUCHER_CHANGED": "Ask whoever has changed the database by hand; restore the voucher from a backup.",
}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One open exception. `where` names the source row, order, role or account; `amount` is in `currency`."""

    code: Code
    where: str
    what: str
    amount: Decimal = ZERO
    currency: str = ""
    do_this: str = ""

    def __post_init__(self) -> None:
        if not self.do_this:
            msgspec.structs.force_setattr(self, "do_this", DO_THIS[self.code])


class Refused(Exception):
    """This cannot be posted until a person has acted; `problem` says what and why."""

    def __init__(
        self, code: Code, where: str, what: str, *, amount: Decimal = ZERO, currency: str = "", do_this: str = ""
    ) -> None:
        self.problem = Problem(code=code, where=where, what=what, amount=amount, currency=currency, do_this=do_this)
        super().__init__(f"{code} {where}: {what}")
