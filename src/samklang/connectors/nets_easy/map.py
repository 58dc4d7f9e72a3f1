"""Nexi's payments, charges and refunds, and what is sent for ours. Amounts are in minor units here."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from samklang import records as r
from samklang.connectors.contract import Want
from samklang.connectors.kit.payments import Moved, Row, idempotency_key, rows

_MARK = re.compile(r" ref ([0-9a-f]{8})$")
_NAME = 128  # characters that the name of a line may have
#: States of a refund in which no money goes back.
FAILED = frozenset({"Failed", "Cancelled", "Expired"})


class Summary(msgspec.Struct, rename="camel"):
    """Sums of a payment; those that are 0 may be left out."""

    reserved_amount: int | None = 0
    charged_amount: int | None = 0
    refunded_amount: int | None = 0
    cancelled_amount: int | None = 0


class Item(msgspec.Struct):
    """A line of a charge or refund, as far as it tells whose it is."""

    name: str | None = ""


class Charge(msgspec.Struct, rename="camel"):
    """What was taken."""

    charge_id: str
    amount: int = 0
    order_items: list[Item] | None = None


class RefundRow(msgspec.Struct, rename="camel"):
    """What goes or went back."""

    refund_id: str
    amount: int = 0
    state: str | None = ""
    order_items: list[Item] | None = None


class Details(msgspec.Struct):
    """The order that was paid; `reference` is the shop's number of it."""

    amount: int
    currency: str
    reference: str | None = ""


class Payment(msgspec.Struct, rename="camel"):
    """What matters of a payment."""

    payment_id: str
    order_details: Details
    summary: Summary = msgspec.field(default_factory=Summary)
    charges: list[Charge] | None = None
    refunds: list[RefundRow] | None = None

    @property
    def reserved(self) -> int:
        return self.summary.reserved_amount or 0

    @property
    def charged(self) -> int:
        return self.summary.charged_amount or 0

    @property
    def refunded(self) -> int:
        return self.summary.refunded_amount or 0

    @property
    def cancelled(self) -> int:
        return self.summary.cancelled_amount or 0

    @property
    def left(self) -> int:
        """What can still be charged."""
        return max(0, self.reserved - self.charged - self.cancelled)


class Envelope(msgspec.Struct):
    """The answer about a payment."""

    payment: Payment


class Refusal(msgspec.Struct):
    """The body of an error, in either of its two forms."""

    message: str | None = ""
    code: str | int | None = ""
    errors: dict[str, list[str]] | None = None


def status(payment: Payment, channel: str) -> r.OrderStatus | None:
    """What the payment has come to, by the shop's order number; None while it bears none."""
    if not payment.order_details.reference:
        return None
    word = _state(payment)
    return r.OrderStatus(order=f"{channel}/{payment.order_details.reference}", raw=word, payment=word)


def _state(
    payment: Payment,
) -> Literal["pending", "authorised", "partly_captured", "captured", "partly_refunded", "refunded", "voided"]:
    """Nexi has no word for it: the sums tell."""
    if payment.refunded:
        return "refunded" if payment.refunded >= payment.charged else "partly_refunded"
    if payment.charged:
        return "captured" if not payment.left else "partly_captured"
    if payment.cancelled:
        return "voided"
    return "authorised" if payment.reserved else "pending"


def moved(payment: Payment, want: Want) -> list[Moved]:
    """What has been charged (or refunded) of the payment, by us and by others."""
    here: list[Charge] | list[RefundRow] = payment.charges or []
    if isinstance(want.record, r.Refund):
        here = [row for row in payment.refunds or [] if row.state not in FAILED]
    ours = mark(want)
    found = []
    for row in here:
        hit = next((hit[1] for item in row.order_items or [] if (hit := _MARK.search(item.name or ""))), "")
        id_ = row.charge_id if isinstance(row, Charge) else row.refund_id
        whose: Literal["this", "ours", "other"] = "this" if hit == ours else "ours" if hit else "other"
        found.append(Moved(id=id_, amount=row.amount, whose=whose))
    return found


def failures(payment: Payment, want: Want) -> int:
    """How many refunds of this record have failed: the next one is a new one, under a key of its own."""
    tail = f" ref {mark(want)}"
    failed = [row for row in payment.refunds or [] if row.state in FAILED]
    return sum(any((item.name or "").endswith(tail) for item in row.order_items or []) for row in failed)


def mark(want: Want) -> str:
    """What tells our charge from all others of the payment."""
    return idempotency_key(want, _payment_id(want))[:8]


def charge_body(want: Want, record: r.Capture) -> dict[str, Any]:
    """What is taken, and how the parcel travels."""
    parcel = {"trackingNumber": record.tracking_no, "provider": record.carrier_code}
    return {
        **refund_body(want, record),
        **({"finalCharge": True} if record.final else {}),
        **({"shipping": {name: text for name, text in parcel.items() if text}} if any(parcel.values()) else {}),
    }


def refund_body(want: Want, record: r.Capture | r.Refund) -> dict[str, Any]:
    """The amount and its lines; the first one's name ends with our mark."""
    found = rows(record)
    items = [_item(row, f" ref {mark(want)}" if place == 0 else "") for place, row in enumerate(found)]
    return {"amount": r.minor_units(record.amount, record.currency), **({"orderItems": items} if items else {})}


def _item(row: Row, tail: str) -> dict[str, Any]:
    net = row.gross - row.tax
    return {
        "reference": row.reference[:_NAME], "name": row.name[: _NAME - len(tail)] + tail, "unit": "st",
        "quantity": float(row.quantity), "unitPrice": round(net / row.quantity), "taxRate": row.rate,
        "taxAmount": row.tax, "netTotalAmount": net, "grossTotalAmount": row.gross,
    }  # fmt: skip


def _payment_id(want: Want) -> str:
    assert isinstance(want.record, r.Capture | r.Refund)
    return want.record.payment_id
