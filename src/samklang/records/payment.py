"""Money that moved for an order: authorisations, captures, refunds, disputes, each with its own id (MODEL §7)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from samklang.records.base import InvalidRecord
from samklang.records.money import settle
from samklang.records.times import settle_utc

#: UNCL5305: standard or reduced, zero, exempt, reverse charge, intra-EU supply, export, outside VAT.
TaxCategory = Literal["S", "Z", "E", "AE", "K", "G", "O"]
#: Under which arrangement the VAT of a sale is declared, and by whom.
TaxScheme = Literal["domestic", "oss_union", "ioss", "voec", "deemed_supplier", "none"]


class PaidPart(msgspec.Struct, frozen=True, kw_only=True):
    """How much of one order line or charge (`line_id` or `charge_id`) a capture or refund is for, VAT included."""

    line_id: str
    gross: Decimal

    def __post_init__(self) -> None:
        settle(self, "gross")


class PaymentTransaction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One movement at a payment provider. `amount` is in the order's currency, above 0; `kind` gives its direction.

    `provider` is the payment provider's short name (klarna, stripe …), `gift_card` for a card that the shop itself
    redeems or fills, `invoice` for a sale on the merchant's own invoice. `parent_id` is the transaction that is undone.
    `parts` says which lines are meant; without them the amount is spread over the order as it was sold.
    """

    kind: Literal["authorise", "capture", "void", "refund", "chargeback", "chargeback_reversal"]
    provider: str
    amount: Decimal
    at: datetime  # UTC
    provider_id: str = ""
    parent_id: str = ""
    account: str = ""
    method: str = ""
    merchant_ref: str = ""  # what the provider's statement calls it, where that is not the order number
    state: Literal["pending", "ok", "failed"] = "ok"
    parts: tuple[PaidPart, ...] = ()
    test: bool = False

    def __post_init__(self) -> None:
        settle(self, "amount")
        settle_utc(self, "at")
        if self.amount <= 0:
            raise InvalidRecord(
                "payments.amount", self.amount, "is not above 0", "Send what moved; the kind says the direction."
            )


class VatCheck(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What VIES answered about a buyer's VAT number, and when; a sale without VAT inside the EU rests on it."""

    valid: bool
    checked_at: datetime  # UTC
    request_id: str = ""

    def __post_init__(self) -> None:
        settle_utc(self, "checked_at")
