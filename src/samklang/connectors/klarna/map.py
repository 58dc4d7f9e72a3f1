"""Klarna's orders, captures and refunds, and what is sent for ours. Amounts are in minor units here."""

from __future__ import annotations

from typing import Any

import msgspec

from samklang import records as r
from samklang.connectors.contract import Want
from samklang.connectors.kit.payments import Moved, Row, rows, short


class CaptureRow(msgspec.Struct):
    """A capture as Klarna has it."""

    capture_id: str = ""
    captured_amount: int = 0
    reference: str | None = None


class RefundRow(msgspec.Struct):
    """A refund as Klarna has it."""

    refund_id: str = ""
    refunded_amount: int = 0
    reference: str | None = None


class Order(msgspec.Struct):
    """What matters of an order at Klarna."""

    status: str
    purchase_currency: str
    captured_amount: int = 0
    refunded_amount: int = 0
    remaining_authorized_amount: int = 0
    fraud_status: str = ""
    expires_at: str = ""
    captures: list[CaptureRow] = []
    refunds: list[RefundRow] = []


class Refusal(msgspec.Struct):
    """The body of an error."""

    error_code: str = ""
    error_messages: list[str] = []
    correlation_id: str = ""


def reference(want: Want) -> str:
    """What a capture or refund of ours bears at Klarna, and in its settlements."""
    return short(want.reference, 255)


def left(order: Order, record: r.Capture | r.Refund) -> int:
    """How much more can be captured, or refunded."""
    if isinstance(record, r.Capture):
        return order.remaining_authorized_amount
    return order.captured_amount - order.refunded_amount


def moved(order: Order, want: Want) -> list[Moved]:
    """What has been captured (or refunded) of the order, by us and by others."""
    ours, of_order = reference(want), f"{want.record.order}#"  # type: ignore[attr-defined]  # a capture or refund
    if isinstance(want.record, r.Capture):
        found = [(row.capture_id, row.captured_amount, row.reference or "") for row in order.captures]
    else:
        found = [(row.refund_id, row.refunded_amount, row.reference or "") for row in order.refunds]
    return [
        Moved(id=id_, amount=amount, whose="this" if text == ours else "ours" if text.startswith(of_order) else "other")
        for id_, amount, text in found
    ]


def capture_body(want: Want, record: r.Capture) -> dict[str, Any]:
    """What is taken, and how the parcel travels: Klarna shows both to the buyer."""
    parcel = {
        "shipping_company": record.carrier_code[:100], "tracking_number": record.tracking_no[:100],
        "tracking_uri": record.tracking_url[:1024],
    }  # fmt: skip
    told = {name: value for name, value in parcel.items() if value}
    return {
        "captured_amount": r.minor_units(record.amount, record.currency),
        **_common(want, record),
        **({"shipping_info": [told]} if told else {}),
    }


def refund_body(want: Want, record: r.Refund) -> dict[str, Any]:
    """What goes back, and why."""
    return {
        "refunded_amount": r.minor_units(record.amount, record.currency),
        **_common(want, record),
        **({"description": record.reason[:255]} if record.reason else {}),
    }


def _common(want: Want, record: r.Capture | r.Refund) -> dict[str, Any]:
    lines = [_line(row) for row in rows(record)]
    return {"reference": reference(want), **({"order_lines": lines} if 0 < len(lines) <= 1000 else {})}


_TYPES = {
    "shipping": "shipping_fee", "gift_card": "gift_card", "fee": "surcharge", "tip": "surcharge",
    "gift_wrap": "surcharge",
}  # fmt: skip


def _line(row: Row) -> dict[str, Any]:
    """One line. Klarna multiplies whole pieces by a price with VAT and takes a discount off."""
    pieces, price, discount = row.priced(row.gross)
    name = row.name if pieces == row.quantity else f"{row.quantity.normalize():f} × {row.name}"
    usual = "discount" if row.gross < 0 else "surcharge" if row.kind == "rounding" else "physical"
    line: dict[str, Any] = {
        "type": _TYPES.get(row.kind, usual), "reference": row.reference[:255], "name": name[:255],
        "quantity": int(pieces), "unit_price": price, "total_amount": row.gross,
    }  # fmt: skip
    if discount:
        line["total_discount_amount"] = discount
    # Klarna allows one öre between its own VAT and the stated one; a line beyond that goes without.
    if abs(row.tax * (10_000 + row.rate) - row.gross * row.rate) <= 10_000 + row.rate:
        line |= {"tax_rate": row.rate, "total_tax_amount": row.tax}
    return line
