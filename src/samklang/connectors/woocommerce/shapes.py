"""The shop's rows as they come: decoded straight from JSON, unknown fields ignored, amounts as decimals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec

from samklang.records.money import ZERO


class Meta(msgspec.Struct, frozen=True):
    key: str
    value: Any = None


class Named(msgspec.Struct, frozen=True):
    name: str = ""
    src: str = ""


class Attribute(msgspec.Struct, frozen=True):
    name: str
    variation: bool = False
    option: str = ""
    options: list[str] = []


class ProductRow(msgspec.Struct, frozen=True):
    """A row of /products or of a product's variations."""

    id: int
    sku: str = ""
    name: str = ""
    type: str = "simple"
    status: str = "publish"
    description: str = ""
    global_unique_id: str = ""
    regular_price: str = ""
    sale_price: str = ""
    on_sale: bool = False
    date_on_sale_from: str | None = None
    date_on_sale_to: str | None = None
    tax_status: str = "taxable"
    tax_class: str = ""
    manage_stock: bool | Literal["parent"] = False
    stock_quantity: Decimal | None = None
    backorders: str = "no"
    weight: str = ""
    categories: list[Named] = []
    brands: list[Named] = []
    images: list[Named] = []
    image: Named | None = None
    attributes: list[Attribute] = []
    variations: list[int] = []
    parent_id: int = 0
    meta_data: list[Meta] = []


class Place(msgspec.Struct, frozen=True):
    """A billing or shipping address."""

    first_name: str = ""
    last_name: str = ""
    company: str = ""
    address_1: str = ""
    address_2: str = ""
    city: str = ""
    region: str = msgspec.field(name="state", default="")
    postcode: str = ""
    country: str = ""
    email: str = ""
    phone: str = ""


class LineTax(msgspec.Struct, frozen=True):
    id: int
    total: str = ""


class SoldRow(msgspec.Struct, frozen=True):
    """A line, freight or fee of an order; amounts without tax."""

    id: int
    total: Decimal
    total_tax: Decimal
    taxes: list[LineTax] = []
    name: str | None = ""
    method_title: str = ""
    method_id: str = ""
    quantity: Decimal = Decimal(1)
    subtotal: Decimal = ZERO
    subtotal_tax: Decimal = ZERO
    sku: str | None = None


class RateRow(msgspec.Struct, frozen=True):
    rate_id: int
    tax_total: Decimal
    shipping_tax_total: Decimal
    rate_percent: Decimal | None = None


class CouponRow(msgspec.Struct, frozen=True):
    code: str
    discount: Decimal
    discount_tax: Decimal


class RefundRow(msgspec.Struct, frozen=True):
    id: int
    total: Decimal


class BackRow(msgspec.Struct, frozen=True):
    """A line of a refund: below 0, with the order's line in its meta data."""

    total: Decimal
    total_tax: Decimal
    meta_data: list[Meta] = []


class Refunded(msgspec.Struct, frozen=True):
    """A row of /orders/{id}/refunds."""

    id: int
    date_created_gmt: str
    amount: Decimal
    line_items: list[BackRow] = []
    shipping_lines: list[BackRow] = []
    fee_lines: list[BackRow] = []


class OrderRow(msgspec.Struct, frozen=True):
    """A row of /orders."""

    id: int
    order_no: str = msgspec.field(name="number")
    status: str
    currency: str
    total: Decimal
    total_tax: Decimal
    prices_include_tax: bool
    date_created_gmt: str
    date_paid_gmt: str | None = None
    date_completed_gmt: str | None = None
    note: str = msgspec.field(name="customer_note", default="")
    payment_method: str = ""
    transaction_id: str = ""
    billing: Place = Place()
    shipping: Place = Place()
    line_items: list[SoldRow] = []
    shipping_lines: list[SoldRow] = []
    fee_lines: list[SoldRow] = []
    tax_lines: list[RateRow] = []
    coupon_lines: list[CouponRow] = []
    refunds: list[RefundRow] = []
    meta_data: list[Meta] = []


class CustomerRow(msgspec.Struct, frozen=True):
    """A row of /customers."""

    id: int
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    billing: Place = Place()
    shipping: Place = Place()
    meta_data: list[Meta] = []


class CategoryRow(msgspec.Struct, frozen=True):
    """A row of /products/categories."""

    id: int
    name: str


class HookRow(msgspec.Struct, frozen=True):
    """A row of /webhooks."""

    id: int
    topic: str
    delivery_url: str
    status: str


class StatusRow(msgspec.Struct, frozen=True):
    """A row of /reports/orders/totals, the one list that also names the statuses of plugins."""

    slug: str
    name: str


class MethodRow(msgspec.Struct, frozen=True):
    """A row of /payment_gateways, or of the shipping methods of a zone."""

    id: str | int
    title: str | None = ""
    method_title: str = ""
    enabled: bool = True


class ZoneRow(msgspec.Struct, frozen=True):
    """A row of /shipping/zones."""

    id: int
