"""Money that an order's events move at its provider: a capture for each shipment, refunds, the void of the rest.

These are what the provider is *asked* to do, each with a number of its own, so that none is done twice. What has moved
is a `PaymentTransaction` (records/payment.py).
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from samklang.records.base import InvalidRecord, Record, register
from samklang.records.money import ZERO, currency, settle


class MoneyLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of one order line or charge (`line_id` or `charge_id`) is captured or refunded; `gross` includes `tax`.

    A gift card that pays part of the order is a line below 0.
    """

    line_id: str
    quantity: Decimal
    gross: Decimal
    tax: Decimal = ZERO
    tax_percent: Decimal = ZERO
    sku: str = ""
    name: str = ""
    kind: str = "goods"  # as OrderLine.kind or Charge.kind; gift_card

    def __post_init__(self) -> None:
        settle(self, "quantity", "gross", "tax", "tax_percent")


class _Movement(Record, frozen=True, kw_only=True, omit_defaults=True):
    """An amount above 0 in the order's currency, at the payment with this id at the provider."""

    order: str
    number: str
    amount: Decimal
    currency: str
    payment_id: str
    lines: tuple[MoneyLine, ...] = ()

    def __post_init__(self) -> None:
        settle(self, "amount")
        currency(self.currency)
        if self.amount <= 0:
            raise InvalidRecord("amount", self.amount, "is not above 0", "Correct the order or the return.")

    @property
    def key(self) -> str:
        return f"{self.order}#{self.number}"


@register
class Capture(_Movement, frozen=True, kw_only=True, tag="capture", omit_defaults=True):
    """Take the money of what was sent (J-13). `number` is the shipment's, so a shipment captures once.

    `final`: nothing more of the order will be sent. The parcel's data go along for providers that show them to buyers.
    """

    own_id: ClassVar[bool] = True

    final: bool = False
    carrier_code: str = ""
    tracking_no: str = ""
    tracking_url: str = ""


@register
class Refund(_Movement, frozen=True, kw_only=True, tag="refund", omit_defaults=True):
    """Give money back, of what `capture` took where the provider wants to know (its external id is in `Want.ids`).

    `number` is that of the return or of the shop's refund.
    """

    own_id: ClassVar[bool] = True

    reason: str = ""
    capture: str = ""  # key of the Capture

    def needs(self) -> tuple[tuple[str, str], ...]:
        return (("capture", self.capture),) if self.capture else ()


@register
class Void(Record, frozen=True, kw_only=True, tag="void", omit_defaults=True):
    """Let go of what was authorised and will not be captured: the order is cancelled, or sent as far as it ever will.

    `amount` is what is let go; `whole`: nothing was captured, so the payment can be cancelled altogether. `after`: keys
    of the captures that must have been taken first, or their money would be let go with the rest.
    """

    order: str
    amount: Decimal
    currency: str
    payment_id: str
    whole: bool = True
    after: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        settle(self, "amount")
        currency(self.currency)

    @property
    def key(self) -> str:
        return self.order

    def needs(self) -> tuple[tuple[str, str], ...]:
        return tuple(("capture", key) for key in self.after)
