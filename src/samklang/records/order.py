"""Orders, their status on three independent axes, and shipments (MODEL §5, §6)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal

import msgspec

from samklang.records.base import InvalidRecord, Record, register
from samklang.records.ids import sku_key
from samklang.records.money import ZERO, currency, exponent, settle
from samklang.records.party import Address, Customer
from samklang.records.payment import PaymentTransaction, TaxCategory, TaxScheme
from samklang.records.times import settle_utc

Lifecycle = Literal["draft", "placed", "confirmed", "closed", "cancelled", "expired"]
Fulfilment = Literal[
    "none", "waiting_stock", "ready", "released", "picking", "partly_shipped", "shipped", "delivered",
    "partly_returned", "returned",
]  # fmt: skip
Payment = Literal[
    "not_required", "pending", "authorised", "partly_captured", "captured", "partly_refunded", "refunded", "voided",
    "expired", "disputed", "charged_back",
]  # fmt: skip


class TaxTotal(msgspec.Struct, frozen=True):
    """VAT of one rate as the source states it: per cent, the net it is counted on, and the tax."""

    percent: Decimal
    base: Decimal
    tax: Decimal

    def __post_init__(self) -> None:
        settle(self, "percent", "base", "tax")


class OrderLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line as sold. `net`, `tax` and `gross` are the line's totals after its discount, as the source states them.

    `line_id` is the source's and stays when lines are added or removed; the same SKU may stand on several lines.
    `unit_price` is one piece before discount, on the side that the order's `prices_include_tax` says.
    """

    line_id: str
    quantity: Decimal
    unit_price: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    tax_percent: Decimal
    sku: str = ""
    name: str = ""
    discount: Decimal = ZERO  # total of the line, same side as unit_price
    kind: Literal[
        "goods", "service", "gift_card_mpv", "gift_card_spv", "bundle_parent", "bundle_child", "free_text"
    ] = "goods"
    tax_category: TaxCategory | Literal[""] = ""  # empty where the source does not say; accounting then finds it
    tax_scheme: TaxScheme | Literal[""] = ""

    def __post_init__(self) -> None:
        settle(self, "quantity", "unit_price", "net", "tax", "gross", "tax_percent", "discount")
        if self.quantity <= 0:
            raise InvalidRecord(
                "lines.quantity", self.quantity, "is not above 0", "Correct or remove the order line in the shop."
            )


class Charge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Freight, fee, rounding, tip or gift wrap, with its own VAT."""

    kind: Literal["shipping", "fee", "rounding", "tip", "gift_wrap"]
    net: Decimal
    tax: Decimal
    gross: Decimal
    tax_percent: Decimal = ZERO
    name: str = ""
    charge_id: str = ""
    tax_category: TaxCategory | Literal[""] = ""
    tax_scheme: TaxScheme | Literal[""] = ""

    def __post_init__(self) -> None:
        settle(self, "net", "tax", "gross", "tax_percent")


class Discount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A discount as the buyer saw it. Its money is already in the lines; kept for display and bookkeeping."""

    amount: Decimal
    code: str = ""
    scope: Literal["line", "order"] = "order"

    def __post_init__(self) -> None:
        settle(self, "amount")


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A document that an ERP made from the order."""

    kind: Literal["order", "invoice", "credit_invoice", "delivery_note"]
    number: str
    state: Literal["draft", "open", "booked", "paid", "cancelled"] = "open"


@register
class Order(Record, frozen=True, kw_only=True, tag="order", omit_defaults=True):
    """What a buyer ordered in one channel, with totals as the source states them: fixed points, checked, never changed.

    `order_no` is as shown to the buyer and unique with `channel`. `status` is the source's own word.
    `customer`, `billing` and `shipping` are snapshots of the moment.
    """

    own_id: ClassVar[bool] = True

    channel: str
    order_no: str
    placed_at: datetime  # UTC
    currency: str
    customer: Customer
    lines: tuple[OrderLine, ...]
    net: Decimal
    tax: Decimal
    gross: Decimal
    prices_include_tax: bool
    billing: Address = Address()
    shipping: Address = Address()
    charges: tuple[Charge, ...] = ()
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[TaxTotal, ...] = ()
    paid: Decimal = ZERO
    refunded: Decimal = ZERO
    tax_rounding: Literal["line", "document"] = "line"
    time_zone: str = "UTC"
    status: str = ""
    lifecycle: Lifecycle = "placed"
    payment: Payment = "pending"
    payment_method: str = ""
    transaction_id: str = ""
    shipping_method: str = ""
    carrier_code: str = ""
    service_code: str = ""
    note: str = ""
    test: bool = False
    payments: tuple[PaymentTransaction, ...] = ()

    def __post_init__(self) -> None:
        settle(self, "net", "tax", "gross", "paid", "refunded")
        settle_utc(self, "placed_at")
        currency(self.currency)

    @property
    def key(self) -> str:
        return f"{self.channel}/{self.order_no.strip()}"

    def needs(self) -> tuple[tuple[str, str], ...]:
        skus = dict.fromkeys(sku_key(line.sku) for line in self.lines if line.sku)
        return (("customer", self.customer.key), *(("variant", sku) for sku in skus))

    def check_totals(self) -> None:
        """Compare the stated totals with the sum of lines and charges; one minor unit per line may differ by rounding.

        Raises InvalidRecord that names the totals that disagree.
        """
        unit = Decimal(1).scaleb(-exponent(self.currency))
        slack = unit * max(1, len(self.lines) + len(self.charges))
        for field in ("net", "tax", "gross"):
            stated = getattr(self, field)
            summed = sum((getattr(part, field) for part in (*self.lines, *self.charges)), ZERO)
            if abs(stated - summed) > slack:
                raise InvalidRecord(
                    f"totals.{field}",
                    stated,
                    f"but lines and charges sum to {summed}",
                    "Correct the order at the source.",
                )
        if abs(self.net + self.tax - self.gross) > slack:
            raise InvalidRecord(
                "totals.gross", self.gross, f"but net {self.net} + VAT {self.tax} differ", "Correct the order."
            )


class LineStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where one order line stands in a warehouse: ordered = reserved + backordered + shipped + cancelled (MODEL §3)."""

    ordered: Decimal
    line_id: str = ""
    sku: str = ""
    backordered: Decimal = ZERO
    shipped: Decimal = ZERO
    cancelled: Decimal = ZERO
    returned: Decimal = ZERO

    def __post_init__(self) -> None:
        settle(self, "ordered", "backordered", "shipped", "cancelled", "returned")


@register
class OrderStatus(Record, frozen=True, kw_only=True, tag="order_status", omit_defaults=True):
    """Where an order stands in one system. `order` is the order's key; `raw` the system's own word.

    An axis that the system says nothing about is empty. `documents` carries order, delivery and invoice numbers,
    `lines` what a warehouse says of each line (back orders, what was shipped).
    """

    order: str
    raw: str = ""
    lifecycle: Lifecycle | Literal[""] = ""
    fulfilment: Fulfilment | Literal[""] = ""
    payment: Payment | Literal[""] = ""
    documents: tuple[Document, ...] = ()
    lines: tuple[LineStatus, ...] = ()

    def words(self) -> tuple[str, ...]:
        """What has happened to the order in plain words, the furthest first: keys of a target's `status_map`."""
        found: list[str] = []
        if self.lifecycle == "cancelled":
            found.append("cancelled")
        if self.fulfilment not in ("", "none"):
            found.append(self.fulfilment)
        if self.payment in ("captured", "refunded", "partly_refunded"):
            found.append("paid")
        if any(document.kind == "invoice" and document.state in ("booked", "paid") for document in self.documents):
            found.append("invoiced")
        if self.lifecycle in ("placed", "confirmed"):
            found.append("received")
        return tuple(found)

    @property
    def key(self) -> str:
        return self.order

    def needs(self) -> tuple[tuple[str, str], ...]:
        return (("order", self.order),)


class Parcel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One parcel of a shipment."""

    tracking_no: str = ""
    tracking_url: str = ""
    sscc: str = ""
    weight_g: int | None = None


class ShipmentLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many of one order line left; `line_id` is the order line's where the system keeps it, else only the SKU."""

    quantity: Decimal
    line_id: str = ""
    sku: str = ""

    def __post_init__(self) -> None:
        settle(self, "quantity")


@register
class Shipment(Record, frozen=True, kw_only=True, tag="shipment", omit_defaults=True):
    """Goods of one order that leave together, with their parcels."""

    own_id: ClassVar[bool] = True

    order: str
    number: str
    state: Literal["planned", "picking", "packed", "handed_over", "in_transit", "delivered", "failed", "returned"] = (
        "planned"
    )
    lines: tuple[ShipmentLine, ...] = ()
    parcels: tuple[Parcel, ...] = ()
    warehouse: str = ""
    carrier_code: str = ""
    service_code: str = ""
    shipped_at: datetime | None = None

    def __post_init__(self) -> None:
        settle_utc(self, "shipped_at")

    @property
    def key(self) -> str:
        return f"{self.order}#{self.number}"

    def needs(self) -> tuple[tuple[str, str], ...]:
        return (("order", self.order),)
