"""Vendure's objects as the Admin API gives them, and beside them the fields to ask for. Money is whole minor units."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import field


class Named(msgspec.Struct, rename="camel"):
    """Something with an id, and a code or name where it was asked for."""

    id: str
    code: str = ""
    name: str = ""


class Ref(msgspec.Struct):
    """Something of which only the id matters."""

    id: str


# ---------------------------------------------------------------------------------------------------- settings


class Channel(msgspec.Struct, rename="camel"):
    """The channel that the calls go to."""

    code: str
    token: str
    prices_include_tax: bool
    default_language_code: str
    default_currency_code: str
    default_tax_zone: Ref | None = None
    available_currency_codes: list[str] = []


CHANNEL = """{ result: activeChannel { code token pricesIncludeTax defaultLanguageCode defaultCurrencyCode
    availableCurrencyCodes defaultTaxZone { id } } }"""


class TaxRate(msgspec.Struct, rename="camel"):
    """VAT per cent of a tax category in a zone."""

    value: Decimal
    enabled: bool
    category: Ref
    zone: Ref


TAX_RATES = """query($options: TaxRateListOptions) { result: taxRates(options: $options) {
    totalItems items { value enabled category { id } zone { id } } } }"""

LOCATIONS = "{ result: stockLocations(options: { take: 100 }) { totalItems items { id name } } }"


class UserChannel(msgspec.Struct):
    """What the user may do in a channel."""

    code: str
    permissions: list[str]


class Me(msgspec.Struct):
    """The user that is logged in."""

    identifier: str
    channels: list[UserChannel]


ME = "{ result: me { identifier channels { code permissions } } }"

# --------------------------------------------------------------------------------------------------- catalogue


class Translation(msgspec.Struct, rename="camel"):
    """A product's words in one language."""

    language_code: str
    name: str = ""
    description: str = ""


class Option(msgspec.Struct, rename="camel"):
    """One value of an option group."""

    id: str
    code: str = ""
    name: str = ""
    group_id: str = ""


class OptionGroup(msgspec.Struct):
    """An axis of a product."""

    id: str
    code: str
    name: str
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


class Variant(msgspec.Struct, rename="camel"):
    """A product variant."""

    id: str
    sku: str = ""
    name: str = ""
    enabled: bool = True
    product_id: str = ""
    track_inventory: str = "INHERIT"
    options: list[Option] = []
    prices: list[VariantPrice] = []
    stock_levels: list[StockRow] = []
    tax_rate_applied: AppliedRate | None = None


class Product(msgspec.Struct, rename="camel"):
    """A product with its variants."""

    id: str
    enabled: bool = True
    slug: str = ""
    option_groups: list[OptionGroup] = []
    translations: list[Translation] = []
    variants: list[Variant] = []


_PRODUCT = """id enabled slug translations { languageCode name description }
    optionGroups { id code name options { id code name } }
    variants { id sku name enabled trackInventory prices { price currencyCode } taxRateApplied { value }
        options { id code name groupId } }"""
PRODUCTS = f"""query($options: ProductListOptions) {{ result: products(options: $options) {{
    totalItems items {{ {_PRODUCT} }} }} }}"""
PRODUCT = f"query($id: ID!) {{ result: product(id: $id) {{ {_PRODUCT} }} }}"
PRODUCT_IDS = """query($options: ProductListOptions) { result: products(options: $options) {
    totalItems items { id } } }"""
VARIANT_PRODUCTS = """query($options: ProductVariantListOptions) { result: productVariants(options: $options) {
    totalItems items { id productId } } }"""
VARIANTS = """query($options: ProductVariantListOptions) { result: productVariants(options: $options) {
    totalItems items { id sku enabled productId prices { price currencyCode } taxRateApplied { value }
        stockLevels { stockLocationId stockOnHand stockAllocated } } } }"""

# ------------------------------------------------------------------------------------------------------ orders


class Address(msgspec.Struct, rename="camel"):
    """An order's address, a snapshot; or a customer's, whose country is an object."""

    full_name: str | None = None
    company: str | None = None
    street_line1: str | None = field(name="streetLine1", default=None)
    street_line2: str | None = field(name="streetLine2", default=None)
    city: str | None = None
    province: str | None = None
    postal_code: str | None = None
    country_code: str | None = None
    phone_number: str | None = None
    country: Named | None = None
    default_shipping_address: bool | None = None
    default_billing_address: bool | None = None


class Customer(msgspec.Struct, rename="camel"):
    """A customer."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email_address: str = ""
    phone_number: str | None = None
    addresses: list[Address] | None = None


class LineVariant(msgspec.Struct):
    """What a line sells."""

    sku: str
    name: str = ""


class OrderLine(msgspec.Struct, rename="camel"):
    """A line; prorated prices have the order's discounts in them."""

    id: str
    quantity: int
    tax_rate: Decimal
    unit_price: int
    unit_price_with_tax: int
    prorated_line_price: int
    prorated_line_price_with_tax: int
    product_variant: LineVariant


class ShippingLine(msgspec.Struct, rename="camel"):
    """Freight."""

    id: str
    discounted_price: int
    discounted_price_with_tax: int
    shipping_method: Named


class Surcharge(msgspec.Struct, rename="camel"):
    """A fee, or with a negative price a reduction."""

    id: str
    description: str
    price: int
    price_with_tax: int
    tax_rate: Decimal


class Refund(msgspec.Struct):
    """Money given back."""

    total: int
    state: str


class Payment(msgspec.Struct, rename="camel"):
    """One payment: Created, Authorized, Settled, Declined, Error or Cancelled."""

    id: str
    method: str
    amount: int
    state: str
    transaction_id: str | None = None
    refunds: list[Refund] = []


class Summary(msgspec.Struct, rename="camel"):
    """VAT of one rate and description."""

    tax_rate: Decimal
    tax_base: int
    tax_total: int


class Discount(msgspec.Struct, rename="camel"):
    """A discount as the buyer saw it; negative."""

    description: str
    amount: int
    amount_with_tax: int


class FulfillmentLine(msgspec.Struct, rename="camel"):
    """How many pieces of a line were sent."""

    order_line_id: str
    quantity: int


class Fulfillment(msgspec.Struct, rename="camel"):
    """A parcel, or several: Pending, Shipped, Delivered, Cancelled."""

    id: str
    state: str
    method: str = ""
    tracking_code: str | None = None
    lines: list[FulfillmentLine] = []


class Order(msgspec.Struct, rename="camel"):
    """An order that was placed."""

    id: str
    code: str
    state: str
    currency_code: str
    order_placed_at: str
    total: int
    total_with_tax: int
    customer: Customer | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    lines: list[OrderLine] = []
    shipping_lines: list[ShippingLine] = []
    surcharges: list[Surcharge] = []
    discounts: list[Discount] = []
    coupon_codes: list[str] = []
    payments: list[Payment] | None = None
    tax_summary: list[Summary] = []


_ADDRESS = "fullName company streetLine1 streetLine2 city province postalCode countryCode phoneNumber"
_ORDER = f"""id code state currencyCode orderPlacedAt total totalWithTax couponCodes
    customer {{ id firstName lastName emailAddress phoneNumber }}
    billingAddress {{ {_ADDRESS} }} shippingAddress {{ {_ADDRESS} }}
    lines {{ id quantity taxRate unitPrice unitPriceWithTax proratedLinePrice proratedLinePriceWithTax
        productVariant {{ sku name }} }}
    shippingLines {{ id discountedPrice discountedPriceWithTax shippingMethod {{ id code name }} }}
    surcharges {{ id description price priceWithTax taxRate }} discounts {{ description amount amountWithTax }}
    payments {{ id method amount state transactionId refunds {{ total state }} }}
    taxSummary {{ taxRate taxBase taxTotal }}"""
ORDERS = f"""query($options: OrderListOptions) {{ result: orders(options: $options) {{
    totalItems items {{ {_ORDER} }} }} }}"""


class ToFulfil(msgspec.Struct, rename="camel"):
    """What is left to send of an order."""

    id: str
    state: str
    lines: list[OrderLine]
    fulfillments: list[Fulfillment] | None = None
    payments: list[Payment] | None = None


TO_FULFIL = """query($id: ID!) { result: order(id: $id) { id state
    lines { id quantity taxRate unitPrice unitPriceWithTax proratedLinePrice proratedLinePriceWithTax
        productVariant { sku } }
    fulfillments { id state method trackingCode lines { orderLineId quantity } }
    payments { id method amount state } } }"""

CUSTOMERS = """query($options: CustomerListOptions) { result: customers(options: $options) {
    totalItems items { id firstName lastName emailAddress phoneNumber addresses { fullName company streetLine1
        streetLine2 city province postalCode country { id code name } phoneNumber defaultShippingAddress
        defaultBillingAddress } } } }"""
