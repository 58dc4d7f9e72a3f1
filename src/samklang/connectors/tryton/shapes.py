"""Tryton's rows as its JSON-RPC gives them. A field name with a dot at the end is what search_read gives for dotted
fields; the field lists beside a shape are what to ask for to get it."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal

import msgspec
from msgspec import field

from samklang.records.money import ZERO


class Dec(msgspec.Struct, tag_field="__class__", tag="Decimal"):
    """A decimal in typed JSON."""

    decimal: str

    @property
    def value(self) -> Decimal:
        """The number."""
        return Decimal(self.decimal)


class Day(msgspec.Struct, tag_field="__class__", tag="date"):
    """A date in typed JSON."""

    year: int
    month: int
    day: int

    @property
    def value(self) -> date:
        """The date."""
        return date(self.year, self.month, self.day)


class Ref(msgspec.Struct):
    """A row of which only the id, and perhaps a name or code, is asked for."""

    id: int
    name: str | None = None
    code: str | None = None


class Typed(msgspec.Struct):
    """An identifier (`code`) or a way to reach a party (`value`)."""

    id: int
    type: str | None = None
    code: str | None = None
    value: str | None = None


class Tax(msgspec.Struct):
    """account.tax: `rate` is a fraction, 0.25."""

    id: int
    rate: Dec | None = None


class Category(msgspec.Struct):
    """The accounting category holds the VAT."""

    id: int
    taxes: list[Tax] = field(name="customer_taxes_used.", default_factory=list)


class Attribute(msgspec.Struct):
    """product.attribute: `string` is its name for people."""

    id: int
    name: str
    string: str = ""


class AttributeSet(msgspec.Struct):
    """The attributes that a template's variants have."""

    id: int
    attributes: list[Attribute] = field(name="attributes.", default_factory=list)


class VariantRow(msgspec.Struct):
    """product.product"""

    id: int
    code: str | None = None
    active: bool = True
    description: str | None = None
    attributes: dict[str, str | int | bool | list[str] | Dec | Day | None] | None = None
    cost_price: Dec | None = None
    list_price_used: Dec | None = None
    identifiers: list[Typed] = field(name="identifiers.", default_factory=list)


class Template(msgspec.Struct):
    """product.template"""

    id: int
    name: str
    code: str | None = None
    active: bool = True
    weight: Decimal | None = None
    weight_uom: Ref | None = field(name="weight_uom.", default=None)
    uom: Ref | None = field(name="sale_uom.", default=None)
    categories: list[Ref] = field(name="categories.", default_factory=list)
    account_category: Category | None = field(name="account_category.", default=None)
    attribute_set: AttributeSet | None = field(name="attribute_set.", default=None)
    variants: list[VariantRow] = field(name="products.", default_factory=list)

    @property
    def percent(self) -> Decimal:
        """VAT in per cent; 0 when the article has none."""
        taxes = self.account_category.taxes if self.account_category else []
        return sum((tax.rate.value for tax in taxes if tax.rate), ZERO) * 100


TEMPLATE_FIELDS = (
    "name", "code", "active", "weight", "weight_uom.name", "sale_uom.name", "categories.name",
    "account_category.customer_taxes_used.rate", "attribute_set.attributes.name", "attribute_set.attributes.string",
)  # fmt: skip


VARIANT_FIELDS = (
    "code", "active", "description", "attributes", "cost_price", "list_price_used", "identifiers.type",
    "identifiers.code",
)  # fmt: skip


class PriceLine(msgspec.Struct):
    """A line of a price list: from which quantity a formula holds."""

    id: int
    quantity: Decimal | None = None


class PriceListRow(msgspec.Struct):
    """product.price_list"""

    id: int
    name: str
    tax_included: bool = False
    lines: list[PriceLine] = field(name="lines.", default_factory=list)

    @property
    def steps(self) -> tuple[int, ...]:
        """Quantities from which a price can differ, 1 first. Tryton means "from this quantity, inclusive"."""
        return tuple(
            sorted({1} | {math.ceil(line.quantity) for line in self.lines if line.quantity and line.quantity > 1})
        )


class PricedRow(msgspec.Struct):
    """A variant with its price in the list and at the quantity of the call's context."""

    id: int
    sale_price_uom: Dec | None = None


class Quantity(msgspec.Struct):
    """product.product with the quantity at the warehouse of the call's context."""

    id: int
    code: str | None = None
    quantity: Decimal = ZERO


class OpenMove(msgspec.Struct):
    """A stock move that is not done; quantity in the article's own unit."""

    id: int
    product: int
    internal_quantity: Decimal = ZERO


class AddressRow(msgspec.Struct):
    """party.address"""

    id: int
    street: str | None = None
    party_name: str | None = None
    attn: str | None = None
    postal_code: str | None = None
    city: str | None = None
    invoice: bool = False
    delivery: bool = False
    country: Ref | None = field(name="country.", default=None)


class Party(msgspec.Struct):
    """party.party"""

    id: int
    name: str | None = None
    code: str | None = None
    addresses: list[AddressRow] = field(name="addresses.", default_factory=list)
    contacts: list[Typed] = field(name="contact_mechanisms.", default_factory=list)
    identifiers: list[Typed] = field(name="identifiers.", default_factory=list)
    language: Ref | None = field(name="lang.", default=None)
    price_list: Ref | None = field(name="sale_price_list.", default=None)

    def contact(self, *kinds: str) -> Typed | None:
        """The first way to reach the party of one of the kinds, in that order."""
        return next((c for kind in kinds for c in self.contacts if c.type == kind and c.value), None)

    def identifier(self, kind: str) -> Typed | None:
        """The party's number of this kind."""
        return next((i for i in self.identifiers if i.type == kind and i.code), None)


ADDRESS_FIELDS = ("street", "party_name", "attn", "postal_code", "city", "invoice", "delivery", "country.code")


PARTY_FIELDS = (
    "name", "code", "lang.code", "sale_price_list.name", "contact_mechanisms.type", "contact_mechanisms.value",
    "identifiers.type", "identifiers.code", *(f"addresses.{name}" for name in ADDRESS_FIELDS),
)  # fmt: skip


class InvoiceRow(msgspec.Struct):
    """account.invoice"""

    id: int
    number: str | None = None
    state: str = ""
    total_amount: Dec | None = None


class MoveRow(msgspec.Struct):
    """stock.move of a shipment"""

    id: int
    quantity: Decimal = ZERO
    state: str = ""
    product: Ref | None = field(name="product.", default=None)


class PackageRow(msgspec.Struct):
    """stock.package"""

    id: int
    shipping_reference: str | None = None


class Carrier(msgspec.Struct):
    """carrier; its name is its party's"""

    id: int
    party: Ref | None = field(name="party.", default=None)


class ShipmentRow(msgspec.Struct):
    """stock.shipment.out"""

    id: int
    number: str | None = None
    state: str = ""
    shipping_reference: str | None = None
    effective_date: Day | None = None
    carrier: Carrier | None = field(name="carrier.", default=None)
    moves: list[MoveRow] = field(name="outgoing_moves.", default_factory=list)
    packages: list[PackageRow] = field(name="packages.", default_factory=list)


class Sale(msgspec.Struct):
    """sale.sale"""

    id: int
    number: str | None = None
    reference: str | None = None
    state: str = ""
    shipment_state: str = ""
    invoice_state: str = ""
    untaxed_amount: Dec | None = None
    tax_amount: Dec | None = None
    total_amount: Dec | None = None
    lines: list[int] = []
    invoices: list[InvoiceRow] = field(name="invoices.", default_factory=list)
    shipments: list[ShipmentRow] = field(name="shipments.", default_factory=list)


SHIPMENT_FIELDS = (
    "number", "state", "shipping_reference", "effective_date", "carrier.party.name", "outgoing_moves.quantity",
    "outgoing_moves.state", "outgoing_moves.product.code", "packages.shipping_reference",
)  # fmt: skip


SALE_FIELDS = (
    "number", "reference", "state", "shipment_state", "invoice_state", "invoices.number", "invoices.state",
    "invoices.total_amount",
)  # fmt: skip


class Company(msgspec.Struct):
    """company.company"""

    id: int
    party: Ref = field(name="party.")
    currency: Ref = field(name="currency.")


class Sold(msgspec.Struct):
    """product.product with the unit it is sold in"""

    id: int
    sale_uom: int | None = None


class Configuration(msgspec.Struct):
    """account.configuration"""

    id: int
    tax_rounding: str | None = None
