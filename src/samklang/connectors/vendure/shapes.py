"""Vendure's objects as the Admin API gives them; what a struct holds is what is asked for. Money is minor units."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from msgspec import field


class Ref(msgspec.Struct):
    """Something of which only the id matters."""

    id: str


class Named(Ref):
    """Something with a name."""

    name: str


class Coded(msgspec.Struct, frozen=True):
    """Something with a code."""

    code: str = ""


# ---------------------------------------------------------------------------------------------------- settings


class Channel(msgspec.Struct, rename="camel"):
    """The channel that the calls go to."""

    code: str
    token: str
    prices_include_tax: bool
    default_language_code: str
    default_currency_code: str
    available_currency_codes: list[str]
    default_tax_zone: Ref | None = None


class TaxRate(msgspec.Struct):
    """VAT per cent of a tax category in a zone."""

    value: Decimal
    enabled: bool
    category: Ref
    zone: Ref


class UserChannel(Coded, frozen=True):
    """What the user may do in a channel."""

    permissions: list[str] = []


class Me(msgspec.Struct):
    """The user that is logged in."""

    identifier: str
    channels: list[UserChannel]


# --------------------------------------------------------------------------------------------------- catalogue


class Translation(msgspec.Struct, rename="camel"):
    """A product's words in one language."""

    language_code: str
    name: str = ""
    description: str = ""


class Option(Named, rename="camel"):
    """One value of an option group."""

    group_id: str


class OptionGroup(Named):
    """An axis of a product."""

    code: str
    options: list[Option] = []


class VariantPrice(msgspec.Struct, rename="camel"):
    """The stored price, on the side that the channel says."""

    price: int
    currency_code: str


class StockRow(msgspec.Struct, rename="camel"):
    """A variant's stock at one location."""

    stock_location_id: str
    stock_on_hand: int
    stock_allocated: int


class AppliedRate(msgspec.Struct):
    """The VAT rate that the channel's zone gives a variant."""

    value: Decimal


class Article(Ref, rename="camel"):
    """What is sold, with its price."""

    sku: str = ""
    prices: list[VariantPrice] = []
    tax_rate_applied: AppliedRate | None = None


class Variant(Article, rename="camel"):
    """A variant of a product."""

    enabled: bool = True
    track_inventory: str = "INHERIT"
    options: list[Option] = []


class Stocked(Article, rename="camel"):
    """A variant on its own, with its stock."""

    stock_levels: list[StockRow] = []


class OfProduct(msgspec.Struct, rename="camel"):
    """The product that a variant belongs to."""

    product_id: str


class Product(Ref, rename="camel"):
    """A product with its variants."""

    enabled: bool = True
    slug: str = ""
    option_groups: list[OptionGroup] = []
    translations: list[Translation] = []
    variants: list[Variant] = []


# ------------------------------------------------------------------------------------------------------ orders


class Address(msgspec.Struct):
    """What every address has."""

    name: str | None = field(name="fullName", default=None)
    company: str | None = None
    line1: str | None = field(name="streetLine1", default=None)
    line2: str | None = field(name="streetLine2", default=None)
    city: str | None = None
    region: str | None = field(name="province", default=None)
    postcode: str | None = field(name="postalCode", default=None)
    phone: str | None = field(name="phoneNumber", default=None)


class OrderAddress(Address):
    """A snapshot; empty where the buyer gave none."""

    country: str | None = field(name="countryCode", default=None)


class OwnAddress(Address, rename="camel"):
    """An address in a customer's book."""

    country: Coded = Coded()
    default_shipping_address: bool | None = None
    default_billing_address: bool | None = None


class Customer(Ref, rename="camel"):
    """A buyer."""

    first_name: str = ""
    last_name: str = ""
    email: str = field(name="emailAddress", default="")
    phone: str | None = field(name="phoneNumber", default=None)


class Member(Customer):
    """A customer with addresses."""

    addresses: list[OwnAddress] | None = None


class Sold(msgspec.Struct):
    """What a line sells."""

    sku: str
    name: str = ""


class OrderLine(Ref, rename="camel"):
    """A line; prorated prices have the order's discounts in them."""

    quantity: int
    tax_rate: Decimal
    unit_price_with_tax: int
    prorated_line_price: int
    prorated_line_price_with_tax: int
    product_variant: Sold


class Method(Coded, frozen=True):
    """How an order is sent."""

    name: str = ""


class ShippingLine(Ref, rename="camel"):
    """Freight."""

    discounted_price: int
    discounted_price_with_tax: int
    shipping_method: Method


class Surcharge(Ref, rename="camel"):
    """A fee, or with a negative price a reduction."""

    name: str = field(name="description")
    price: int
    price_with_tax: int
    tax_rate: Decimal


class Refund(Ref, rename="camel"):
    """Money given back."""

    total: int
    state: str
    created_at: str
    transaction_id: str | None = None


class Payment(Ref, rename="camel"):
    """One payment: Created, Authorized, Settled, Declined, Error or Cancelled."""

    method: str
    amount: int
    state: str
    created_at: str
    transaction_id: str | None = None
    refunds: list[Refund] = []


class Happened(msgspec.Struct, rename="camel"):
    """One line of an order's history; `data` of a transition names what moved (paymentId, refundId) and `to` where."""

    type: str
    created_at: str
    data: dict[str, Any]


class History(msgspec.Struct):
    """All that has happened to an order."""

    items: list[Happened] = []


class Summary(msgspec.Struct, rename="camel"):
    """VAT of one rate and description."""

    tax_rate: Decimal
    tax_base: int
    tax_total: int


class Discount(msgspec.Struct, rename="camel"):
    """A discount as the buyer saw it; negative."""

    description: str
    amount_with_tax: int


class FulfillmentLine(msgspec.Struct, rename="camel"):
    """How many pieces of a line were sent."""

    order_line_id: str
    quantity: int


class Fulfillment(Ref, rename="camel"):
    """A parcel, or several: Pending, Shipped, Delivered, Cancelled."""

    state: str
    tracking_code: str | None = None
    lines: list[FulfillmentLine] = []


class Order(Ref, rename="camel"):
    """An order that was placed."""

    code: str
    state: str
    currency_code: str
    order_placed_at: str
    total: int
    total_with_tax: int
    customer: Customer | None = None
    billing_address: OrderAddress | None = None
    shipping_address: OrderAddress | None = None
    lines: list[OrderLine] = []
    shipping_lines: list[ShippingLine] = []
    surcharges: list[Surcharge] = []
    discounts: list[Discount] = []
    payments: list[Payment] | None = None
    history: History = field(default_factory=History)
    tax_summary: list[Summary] = []


class ToFulfil(Ref):
    """What is left to send of an order."""

    state: str
    lines: list[OrderLine]
    fulfillments: list[Fulfillment] | None = None
    payments: list[Payment] | None = None
