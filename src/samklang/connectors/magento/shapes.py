"""Magento's rows as they come: decoded straight from JSON, unknown fields ignored, amounts as decimals.

Amounts stand twice in an order: these are the ones in the order's currency, not the `base_` ones.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from msgspec import field

from samklang.records.money import ZERO


class Listing(msgspec.Struct, frozen=True):
    """A search's answer, with its rows still raw."""

    items: msgspec.Raw
    total_count: int


class Custom(msgspec.Struct, frozen=True):
    """A custom attribute: text, an option's id, or a list of either."""

    attribute_code: str
    value: Any = None


class StoreConfig(msgspec.Struct, frozen=True):
    id: int
    code: str
    base_currency_code: str
    timezone: str = "UTC"
    weight_unit: str = "kgs"
    base_url: str = ""
    website_id: int = 1


class TaxClass(msgspec.Struct, frozen=True):
    class_id: int
    class_type: str


class TaxRate(msgspec.Struct, frozen=True):
    id: int
    tax_country_id: str
    rate: Decimal


class TaxRule(msgspec.Struct, frozen=True):
    product_tax_class_ids: list[int]
    tax_rate_ids: list[int]


class Source(msgspec.Struct, frozen=True):
    source_code: str
    name: str = ""


class Option(msgspec.Struct, frozen=True):
    label: str = ""
    value: str = ""


class Attribute(msgspec.Struct, frozen=True):
    attribute_code: str
    attribute_id: int = 0
    frontend_input: str | None = ""
    default_frontend_label: str | None = ""
    options: list[Option] = []


# ---------------------------------------------------------------------------------------------------- catalogue


class AxisValue(msgspec.Struct, frozen=True):
    value_index: int


class AxisRow(msgspec.Struct, frozen=True):
    attribute_id: str
    label: str = ""
    values: list[AxisValue] = []


class Category(msgspec.Struct, frozen=True):
    id: int
    name: str = ""


class CategoryLink(msgspec.Struct, frozen=True):
    category_id: str


class ProductMore(msgspec.Struct, frozen=True):
    configurable_product_links: list[int] = []
    configurable_product_options: list[AxisRow] = []
    category_links: list[CategoryLink] = []


class TierMore(msgspec.Struct, frozen=True):
    percentage_value: Decimal | None = None


class TierRow(msgspec.Struct, frozen=True):
    customer_group_id: int
    qty: Decimal
    value: Decimal
    extension_attributes: TierMore = TierMore()


class ProductRow(msgspec.Struct, frozen=True):
    id: int
    sku: str
    name: str = ""
    price: Decimal = ZERO
    status: int = 1
    type_id: str = "simple"
    weight: Decimal | None = None
    extension_attributes: ProductMore = ProductMore()
    tier_prices: list[TierRow] = []
    custom_attributes: list[Custom] = []

    def custom(self, code: str) -> str:
        """A custom attribute as text, "" where it is missing or a list."""
        found = next((one.value for one in self.custom_attributes if one.attribute_code == code), "")
        return str(found) if found is not None and not isinstance(found, list | dict) else ""


class SourceItem(msgspec.Struct, frozen=True):
    sku: str
    source_code: str
    quantity: Decimal


# ---------------------------------------------------------------------------------------------------- orders


class Place(msgspec.Struct, frozen=True):
    """An address of an order or a customer."""

    firstname: str | None = None
    lastname: str | None = None
    company: str | None = None
    street: list[str] | None = None
    postcode: str | None = None
    city: str | None = None
    country: str | None = field(name="country_id", default=None)
    phone: str | None = field(name="telephone", default=None)
    vat_id: str | None = None
    default_billing: bool = False
    default_shipping: bool = False


class ItemRow(msgspec.Struct, frozen=True):
    """A row of an order. A configurable article is two rows: the parent has the money, the child the article number."""

    item_id: int
    sku: str
    name: str = ""
    product_type: str = "simple"
    parent_item_id: int | None = None
    qty_ordered: Decimal = ZERO
    qty_shipped: Decimal = ZERO
    qty_canceled: Decimal = ZERO
    qty_refunded: Decimal = ZERO
    price: Decimal = ZERO
    price_incl_tax: Decimal | None = None
    row_total: Decimal = ZERO
    tax_amount: Decimal = ZERO
    tax_percent: Decimal = ZERO
    discount_amount: Decimal = ZERO
    discount_tax_compensation_amount: Decimal | None = None


class PaymentInfo(msgspec.Struct, frozen=True):
    key: str
    value: Any = None


class PaymentRow(msgspec.Struct, frozen=True):
    method: str = ""
    last_trans_id: str | None = None
    amount_authorized: Decimal | None = None


class Shipping(msgspec.Struct, frozen=True):
    address: Place | None = None
    method: str | None = None


class Assignment(msgspec.Struct, frozen=True):
    shipping: Shipping = Shipping()


class OrderMore(msgspec.Struct, frozen=True):
    """What modules add: how the order is sent, what has paid besides the payment method, gift wrap."""

    shipping_assignments: list[Assignment] = []
    payment_additional_info: list[PaymentInfo] = []
    gift_cards_amount: Decimal | None = None
    customer_balance_amount: Decimal | None = None
    reward_currency_amount: Decimal | None = None


class Comment(msgspec.Struct, frozen=True):
    comment: str | None = None


class OrderRow(msgspec.Struct, frozen=True):
    id: int = field(name="entity_id")
    order_no: str = field(name="increment_id")
    created_at: str
    state: str
    status: str
    currency: str = field(name="order_currency_code")
    grand_total: Decimal
    tax_amount: Decimal = ZERO
    store_id: int = 0
    customer_email: str = ""
    customer_firstname: str | None = None
    customer_lastname: str | None = None
    customer_taxvat: str | None = None
    customer_group_id: int | None = None
    note: str | None = field(name="customer_note", default=None)
    coupon_code: str | None = None
    discount_amount: Decimal | None = None
    shipping_description: str | None = None
    shipping_amount: Decimal | None = None
    shipping_tax_amount: Decimal | None = None
    shipping_discount_amount: Decimal | None = None
    shipping_discount_tax_compensation_amount: Decimal | None = None
    paid: Decimal | None = field(name="total_paid", default=None)
    refunded: Decimal | None = field(name="total_refunded", default=None)
    billing_address: Place | None = None
    payment: PaymentRow = PaymentRow()
    items: list[ItemRow] = []
    status_histories: list[Comment] | None = None
    extension_attributes: OrderMore = OrderMore()


class MemoItem(msgspec.Struct, frozen=True):
    order_item_id: int
    qty: Decimal
    sku: str = ""
    name: str = ""
    row_total: Decimal | None = None
    tax_amount: Decimal | None = None
    discount_amount: Decimal | None = None
    discount_tax_compensation_amount: Decimal | None = None


class MemoRow(msgspec.Struct, frozen=True):
    """A credit memo. One that was made online at the provider bears its transaction."""

    id: int = field(name="entity_id")
    number: str = field(name="increment_id")
    order_id: int
    amount: Decimal = field(name="grand_total")
    currency: str = field(name="order_currency_code")
    transaction_id: str | None = None
    items: list[MemoItem] = []


class Track(msgspec.Struct, frozen=True):
    track_number: str = ""


class ShipmentRow(msgspec.Struct, frozen=True):
    id: int = field(name="entity_id")
    tracks: list[Track] | None = None
    comments: list[Comment] | None = None


class CustomerRow(msgspec.Struct, frozen=True):
    id: int
    email: str
    firstname: str = ""
    lastname: str = ""
    group_id: int = 0
    taxvat: str | None = None
    addresses: list[Place] = []
