"""The shop's rows as they come: decoded straight from JSON, unknown fields ignored, amounts as decimals.

What is embedded (`include=`) comes in an envelope of its own, `{"data": …}`. The document types a variant's prices as a
bare list, but everything else that is embedded in the envelope, so both are read.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Generic, TypeVar

import msgspec
from msgspec import field

from samklang.records.money import ZERO

T = TypeVar("T")


class One(msgspec.Struct, Generic[T], frozen=True):
    """The envelope of one thing."""

    data: T


class Many(msgspec.Struct, Generic[T], frozen=True):
    """The envelope of a list."""

    data: list[T] = []


class Pagination(msgspec.Struct, frozen=True):
    per_page: int
    total: int


class Meta(msgspec.Struct, frozen=True):
    pagination: Pagination | None = None


class Listing(msgspec.Struct, frozen=True):
    """A list as it comes, with its rows still raw."""

    data: msgspec.Raw
    meta: Meta = Meta()


class Word(msgspec.Struct, frozen=True, rename="camel"):
    """A thing's name in one language."""

    lang_code: str
    name: str = ""
    title: str = ""
    short_description: str | None = None


class Named(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A thing of the installation's own with a name: a status, a method of payment or delivery, a category …"""

    id: int
    name: str = ""
    id_code: str | None = None
    languages: Many[Word] = Many()


class StatusRow(Named, frozen=True, kw_only=True, rename="camel"):
    id: int = field(name="statusId")


class PaymentMethod(Named, frozen=True, kw_only=True, rename="camel"):
    id: int = field(name="paymentMethodId")


class ShippingMethod(Named, frozen=True, kw_only=True, rename="camel"):
    id: int = field(name="shippingMethodId")


class Tracker(Named, frozen=True, kw_only=True, rename="camel"):
    id: int = field(name="type")


class Manufacturer(Named, frozen=True, kw_only=True, rename="camel"):
    id: int = field(name="manufacturerId")


class Category(Named, frozen=True, kw_only=True, rename="camel"):
    id: int = field(name="categoryId")


class Attribute(Named, frozen=True, kw_only=True, rename="camel"):
    id: int = field(name="attributeId")


class AttributeValue(Named, frozen=True, kw_only=True, rename="camel"):
    id: int = field(name="attributeValueId")


class StockLocation(Named, frozen=True, kw_only=True, rename="camel"):
    id: int = field(name="stockLocationId")
    ecommerce_stock_location: bool = False


class StockStatus(Named, frozen=True, kw_only=True, rename="camel"):
    id: int = field(name="stockStatusId")
    in_stock: bool = False
    product_buyable: bool = True
    stockout_new_status_id: int | None = None


class PriceListRow(Named, frozen=True, kw_only=True, rename="camel"):
    id: int = field(name="pricelistId")
    is_master: bool = False
    currency_code: str | None = None
    is_customer_pricelist: bool = False


class ShopRow(msgspec.Struct, frozen=True, rename="camel"):
    """The shop itself."""

    name: str
    id_code: str = ""
    status: str = ""
    default_lang_code: str = "sv"
    base_currency: str = "SEK"
    general_default_vat_rate: Decimal | None = None
    default_customer_country_code: str | None = None
    shop_country_code: str | None = None


# ---------------------------------------------------------------------------------------------------- catalogue


class VolumePrice(msgspec.Struct, frozen=True, rename="camel"):
    quantity: int
    price_ex_vat: Decimal


class PriceRow(msgspec.Struct, frozen=True, rename="camel"):
    pricelist_id: int
    price_ex_vat: Decimal = ZERO
    special_price_ex_vat: Decimal | None = None
    volume_prices: list[VolumePrice] | Many[VolumePrice] | None = None


class VariantRow(msgspec.Struct, frozen=True, rename="camel"):
    id: int = field(name="variantId")
    sku: str = ""
    is_active: bool | None = True
    stock_quantity: Decimal | None = None
    stock_status_id: int | None = None
    weight_in_kg: Decimal | None = None
    cost_price: Decimal | None = None
    ean: str | None = None
    mpn: str | None = None
    attribute_value_links: list[int] = []
    prices: list[PriceRow] | Many[PriceRow] = []


class CategoryLink(msgspec.Struct, frozen=True, rename="camel"):
    category_id: int


class ProductRow(msgspec.Struct, frozen=True, rename="camel"):
    id: int = field(name="productId")
    type: str = "basic"
    external_id: str | None = None
    visibility: str = "hidden"
    default_vat_rate: Decimal | None = None
    manufacturer_id: int | None = None
    has_several_variants: bool = False
    primary_variant: One[VariantRow] | None = None
    languages: Many[Word] = Many()
    categories: Many[CategoryLink] = Many()


# ---------------------------------------------------------------------------------------------------- orders


class Place(msgspec.Struct, frozen=True, rename="camel"):
    """An address."""

    company: str | None = field(name="companyName", default=None)
    first_name: str | None = None
    last_name: str | None = None
    care_of: str | None = None
    attention: str | None = None
    address: str | None = None
    postcode: str | None = field(name="postalCode", default=None)
    city: str | None = None
    region: str | None = field(name="state", default=None)
    country: str | None = field(name="countryCode", default=None)
    phone_no: str | None = None
    mobile_phone_no: str | None = None


class Places(msgspec.Struct, frozen=True, rename="camel"):
    """The addresses of an order: as it was placed, as the payment method knows them, as the customer has them now."""

    original_invoice: Place | None = None
    original_delivery: Place | None = None
    payment_method_invoice: Place | None = None
    payment_method_delivery: Place | None = None
    customer_invoice: Place | None = None
    customer_delivery: Place | None = None


class OwnPlaces(msgspec.Struct, frozen=True):
    """The addresses of a customer."""

    invoice: Place | None = None
    delivery: Place | None = None


class CustomerRow(msgspec.Struct, frozen=True, rename="camel"):
    id: int = field(name="customerId")
    type: str = "person"
    email: str | None = None
    org_no: str | None = field(name="nationalIdNo", default=None)
    vat_no: str | None = None
    pricelist_id: int | None = None
    external_id: str | None = None
    addresses: One[OwnPlaces] | None = None


class ItemRow(msgspec.Struct, frozen=True, rename="camel"):
    """A row of an order. `unit_price` is without VAT, `discount` for the whole row."""

    id: int = field(name="itemId")
    quantity: Decimal
    sku: str | None = None
    description: str | None = None
    unit_price: Decimal = ZERO
    vat_rate: Decimal = ZERO
    discount: Decimal | None = None
    discount_type: str | None = "percent"
    sort_index: int | None = None
    bundled_items: Many[ItemRow] = Many()


class Mark(msgspec.Struct, frozen=True, rename="camel"):
    """What another system calls the order."""

    service_name: str
    external_id_value: str | None = None


class OrderRow(msgspec.Struct, frozen=True, rename="camel"):
    id: int = field(name="orderId")
    created_at: str
    currency_code: str
    status_id: int
    total_amount: Decimal
    total_vat: Decimal
    amount_to_pay: Decimal
    amount_paid: Decimal | None = None
    modified_at: str | None = None
    is_complete: bool = True
    payment_method_id: int | None = None
    payment_method_id_code: str | None = None
    payment_method_name: str | None = None
    payment_reference: str | None = None
    payment_status: str | None = None
    payment_fee: Decimal | None = None
    payment_vat_rate: Decimal | None = None
    shipping_method_id: int | None = None
    shipping_method_name: str | None = None
    shipping_cost: Decimal | None = None
    shipping_vat_rate: Decimal | None = None
    shipping_tracking_no: str | None = None
    discount_code: str | None = None
    email: str | None = field(name="originalCustomerEmail", default=None)
    org_no: str | None = field(name="originalCustomerNationalIdNo", default=None)
    vat_no: str | None = field(name="originalCustomerVatNo", default=None)
    custom_info1: str | None = None
    custom_info2: str | None = None
    custom_info3: str | None = None
    custom_info4: str | None = None
    items: Many[ItemRow] = Many()
    addresses: One[Places] | None = None
    customer: One[CustomerRow] | None = None
    external_services: Many[Mark] = Many()


class HookRow(msgspec.Struct, frozen=True, rename="camel"):
    id: int = field(name="webHookId")
    event: str
    url: str


class HookBody(msgspec.Struct, frozen=True, rename="camel"):
    """A webhook's body, which the vendor does not document; these are the ids that integrators have seen in it."""

    order_id: int | None = None
    product_id: int | None = None
    customer_id: int | None = None


def inner(part: list[T] | Many[T] | None) -> list[T]:
    """The rows, with or without an envelope."""
    return part.data if isinstance(part, Many) else part or []
