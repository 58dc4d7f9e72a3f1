"""Tryton's rows as its JSON-RPC gives them; what a struct holds is what is asked for.

A field name with a dot at the end is what search_read gives for the fields of a related record.
"""

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


class Row(msgspec.Struct):
    """Every record has an id."""

    id: int


class Named(Row):
    """A record with a name."""

    name: str | None = None


class Coded(Row):
    """A record with a code."""

    code: str | None = None


class Identifier(Coded):
    """A number of a party or an article."""

    type: str | None = None


class Contact(Row):
    """A way to reach a party."""

    type: str | None = None
    value: str | None = None


# --------------------------------------------------------------------------------------------------- catalogue


class Tax(Row):
    """account.tax: `rate` is a fraction, 0.25."""

    rate: Dec | None = None


class Category(Row):
    """The accounting category holds the VAT."""

    taxes: list[Tax] = field(name="customer_taxes_used.", default_factory=list)


class Attribute(Row):
    """product.attribute: `string` is its name for people."""

    name: str
    string: str = ""


class AttributeSet(Row):
    """The attributes that a template's variants have."""

    attributes: list[Attribute] = field(name="attributes.", default_factory=list)


class VariantRow(Coded):
    """product.product"""

    active: bool = True
    description: str | None = None
    attributes: dict[str, str | int | bool | list[str] | Dec | Day | None] | None = None
    cost_price: Dec | None = None
    list_price_used: Dec | None = None
    identifiers: list[Identifier] = field(name="identifiers.", default_factory=list)


class Template(Row):
    """product.template"""

    name: str
    code: str | None = None
    active: bool = True
    weight: Decimal | None = None
    weight_uom: Named | None = field(name="weight_uom.", default=None)
    categories: list[Named] = field(name="categories.", default_factory=list)
    account_category: Category | None = field(name="account_category.", default=None)
    attribute_set: AttributeSet | None = field(name="attribute_set.", default=None)
    variants: list[VariantRow] = field(name="products.", default_factory=list)

    @property
    def percent(self) -> Decimal:
        """VAT in per cent; 0 when the article has none."""
        taxes = self.account_category.taxes if self.account_category else []
        return sum((tax.rate.value for tax in taxes if tax.rate), ZERO) * 100


class PriceLine(Row):
    """A line of a price list: from which quantity a formula holds."""

    quantity: Decimal | None = None


class PriceListRow(Row):
    """product.price_list"""

    name: str
    tax_included: bool = False
    lines: list[PriceLine] = field(name="lines.", default_factory=list)

    @property
    def steps(self) -> tuple[int, ...]:
        """Quantities from which a price can differ, 1 first. Tryton means "from this quantity, inclusive"."""
        return tuple(
            sorted({1} | {math.ceil(line.quantity) for line in self.lines if line.quantity and line.quantity > 1})
        )


class PricedRow(Row):
    """A variant with its price in the list and at the quantity of the call's context."""

    sale_price_uom: Dec | None = None


class Warehouse(Named):
    """stock.location"""

    code: str | None = None


class Quantity(Coded):
    """product.product with the quantity at the warehouse of the call's context."""

    quantity: Decimal = ZERO


class OpenMove(Row):
    """A stock move that is not done; quantity in the article's own unit."""

    product: int
    internal_quantity: Decimal = ZERO


class Sold(Row):
    """product.product with the unit it is sold in."""

    sale_uom: int | None = None


# ----------------------------------------------------------------------------------------------------- parties


class AddressRow(Row):
    """party.address"""

    street: str | None = None
    party_name: str | None = None
    attn: str | None = None
    postal_code: str | None = None
    city: str | None = None
    invoice: bool = False
    delivery: bool = False
    country: Coded | None = field(name="country.", default=None)


class Party(Named):
    """party.party"""

    code: str | None = None
    addresses: list[AddressRow] = field(name="addresses.", default_factory=list)
    contacts: list[Contact] = field(name="contact_mechanisms.", default_factory=list)
    identifiers: list[Identifier] = field(name="identifiers.", default_factory=list)
    language: Coded | None = field(name="lang.", default=None)
    price_list: Named | None = field(name="sale_price_list.", default=None)

    def contact(self, *kinds: str) -> Contact | None:
        """The first way to reach the party of one of the kinds, in that order."""
        return next((c for kind in kinds for c in self.contacts if c.type == kind and c.value), None)

    def identifier(self, kind: str) -> Identifier | None:
        """The party's number of this kind."""
        return next((i for i in self.identifiers if i.type == kind and i.code), None)


class Company(Row):
    """company.company"""

    party: Named = field(name="party.")
    currency: Coded = field(name="currency.")


class Configuration(Row):
    """account.configuration"""

    tax_rounding: str | None = None


# ------------------------------------------------------------------------------------------------------ orders


class InvoiceRow(Row):
    """account.invoice"""

    number: str | None = None
    state: str = ""
    total_amount: Dec | None = None


class MoveRow(Row):
    """stock.move of a shipment"""

    quantity: Decimal = ZERO
    state: str = ""
    product: Coded | None = field(name="product.", default=None)


class PackageRow(Row):
    """stock.package"""

    shipping_reference: str | None = None


class Carrier(Row):
    """carrier; its name is its party's"""

    party: Named | None = field(name="party.", default=None)


class ShipmentRow(Row):
    """stock.shipment.out"""

    number: str | None = None
    state: str = ""
    shipping_reference: str | None = None
    effective_date: Day | None = None
    carrier: Carrier | None = field(name="carrier.", default=None)
    moves: list[MoveRow] = field(name="outgoing_moves.", default_factory=list)
    packages: list[PackageRow] = field(name="packages.", default_factory=list)


class Head(Row):
    """sale.sale as it is searched for."""

    number: str | None = None
    state: str = ""


class Document(Head):
    """sale.sale with what is compared and changed."""

    tax_amount: Dec | None = None
    total_amount: Dec | None = None
    lines: list[int] = []
    invoices: list[InvoiceRow] = field(name="invoices.", default_factory=list)


class Sale(Head):
    """sale.sale with what became of it."""

    shipment_state: str = ""
    invoice_state: str = ""
    invoices: list[InvoiceRow] = field(name="invoices.", default_factory=list)
    shipments: list[ShipmentRow] = field(name="shipments.", default_factory=list)
