"""Fortnox' shapes ↔ our records. Pure functions; the same function reads a list row and a whole object."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Any, Literal

import msgspec
from msgspec import field

from samklang import records as r
from samklang.connectors.contract import Ids, mapped
from samklang.connectors.errors import Unsupported
from samklang.connectors.kit.articles import article
from samklang.connectors.kit.finding import org_no_spellings
from samklang.connectors.kit.ledgers import CHARGES, UNIT_CODES, delivered, invoiced, left_over
from samklang.connectors.kit.shape import filled, shared
from samklang.connectors.kit.writing import asked, needed

# Names in order heads are text; which spellings the service takes is not documented, so only the nearest are sent.
_COUNTRIES = {"SE": "Sverige", "NO": "Norge", "DK": "Danmark", "FI": "Finland", "DE": "Tyskland"}
#: What `status` says of an order in words, as people in Fortnox do.
STATUSES = ("Öppen", "Dellevererad", "Levererad", "Fakturerad", "Bokförd", "Betald", "Makulerad")
_ORE = Decimal("0.01")


class Article(msgspec.Struct, rename="pascal"):
    """ArticleListItem, or Article (the fields from `active` on are only there)."""

    article_number: str
    description: str
    vat: Decimal | None = field(name="VAT", default=None)
    ean: str | None = field(name="EAN", default=None)
    unit: str | None = None
    quantity_in_stock: Decimal | None = None
    reserved_quantity: Decimal | None = None
    sales_price: Decimal | None = None
    active: bool | None = None
    weight: int | None = None
    manufacturer: str | None = None
    manufacturer_article_number: str | None = None
    purchase_price: Decimal | None = None
    stock_goods: bool | None = None


class Step(msgspec.Struct, rename="pascal"):
    """A price of an article in a list, from a quantity up."""

    from_quantity: Decimal
    price: Decimal


class NamedList(msgspec.Struct, rename="pascal"):
    """A price list, a way of delivery, terms of payment."""

    code: str
    description: str = ""
    pre_selected: bool = False


class Person(msgspec.Struct, rename="pascal"):
    """CustomerListItem, or Customer."""

    name: str
    customer_no: str = field(name="CustomerNumber")
    org_no: str | None = field(name="OrganisationNumber", default=None)
    vat_no: str | None = field(name="VATNumber", default=None)
    email: str | None = None
    phone: str | None = None  # in lists
    phone1: str | None = None
    address1: str | None = None
    address2: str | None = None
    postcode: str | None = field(name="ZipCode", default=None)
    city: str | None = None
    country: str | None = field(name="CountryCode", default=None)
    type: str | None = None
    currency: str | None = None
    price_list: str | None = None
    external_reference: str | None = None


class SalesDocument(msgspec.Struct, rename="pascal"):
    """What orders, invoices and their list rows share. `frozen`: Fortnox, or what has happened, allows no change."""

    document_number: str
    external_invoice_reference1: str | None = None
    cancelled: bool = False
    total: Decimal = r.ZERO

    @property
    def external_id(self) -> str:
        """The hub's id: the number of an order, invoice-number of an invoice that has no order."""
        return self.document_number

    @property
    def frozen(self) -> bool:
        return self.cancelled


class OrderRow(msgspec.Struct, rename="pascal"):
    """One row of an order."""

    article_number: str | None = None
    ordered_quantity: Decimal = r.ZERO
    delivered_quantity: Decimal = r.ZERO


class SalesOrder(SalesDocument, rename="pascal"):
    """An order."""

    invoice_reference: str | None = None
    order_rows: list[OrderRow] = []

    @property
    def delivered(self) -> Literal["none", "partly_shipped", "shipped"]:
        """Our fulfilment word from the quantities of rows with an article."""
        return delivered(
            (row.ordered_quantity, row.delivered_quantity) for row in self.order_rows if row.article_number
        )

    @property
    def frozen(self) -> bool:
        return self.cancelled or is_number(self.invoice_reference) or self.delivered != "none"


class Invoice(SalesDocument, rename="pascal"):
    """An invoice."""

    order_reference: str | None = None
    booked: bool = False
    balance: Decimal | None = None
    credit_invoice_reference: str | None = None

    @property
    def external_id(self) -> str:
        return f"invoice-{self.document_number}"

    @property
    def frozen(self) -> bool:
        return self.cancelled or self.booked


def is_number(reference: str | None) -> bool:
    """Whether a reference field names a document; Fortnox writes 0 for none."""
    return (reference or "0") != "0"


def product(row: Article, active: bool, details: bool, today: date, connection: str) -> r.Product:
    """An article as a product with one variant. InvalidRecord for a number or VAT rate that cannot be."""
    variant: dict[str, Any] = {}
    if details:
        variant = {"weight_g": row.weight or None, "manufacturer_no": row.manufacturer_article_number or ""}
        variant |= {"cost": row.purchase_price or None, "track_stock": row.stock_goods is not False}
    return article(
        row.article_number, row.description, connection, field="ArticleNumber", codes=[row.ean], code_field="EAN",
        unit=row.unit, variant=variant, status="active" if active else "archived",
        tax_class=r.rates.tax_class("SE", Decimal(25) if row.vat is None else row.vat, today),
        brand=(row.manufacturer or "") if details else "",
    )  # fmt: skip


def stock(row: Article) -> r.StockLevel:
    """What is on the shelf and what orders have reserved."""
    number = r.sku(row.article_number, "ArticleNumber")
    return r.StockLevel(sku=number, on_hand=row.quantity_in_stock or r.ZERO, reserved=row.reserved_quantity or r.ZERO)


def price(row: Article, amount: Decimal, tax_included: bool, price_list: str = "", from_quantity: int = 0) -> r.Price:
    """A price in SEK; Fortnox' from-quantity 0 is our 1."""
    number = r.sku(row.article_number, "ArticleNumber")
    return r.Price(
        sku=number, currency="SEK", amount=amount, tax_included=tax_included, price_list=price_list,
        min_qty=max(1, from_quantity), tax_percent=row.vat,
    )  # fmt: skip


def customer(row: Person, details: bool, lists: Mapping[str, str]) -> r.Customer:
    """A customer. Without details, a company is told by its number: the third digit of a Swedish one is 2 or more.
    `lists`: names of price lists by code."""
    digits = r.org_no_key(row.org_no or "")
    company = row.type == "COMPANY" if details else len(digits) == 10 and digits[2] >= "2"
    lines = tuple(line for line in (row.address1, row.address2) if line)
    place = shared(row, "name", "postcode", "city", *(("country",) if details else ()))
    own = shared(row, "name", "customer_no", "email", "org_no", *(("vat_no", "currency") if details else ()))
    billing = r.Address(lines=lines, **place)
    kind: Literal["company", "person"] = "company" if company else "person"
    own |= {"phone": row.phone1 or row.phone or "", "price_list": lists.get(row.price_list or "", "")}
    return r.Customer(kind=kind, billing=billing, **own)


def status(order: SalesOrder | None, invoice: Invoice | None) -> r.OrderStatus:
    """Where an order stands, from the order and its invoice (one of them may be missing)."""
    if all(part.cancelled for part in (order, invoice) if part):
        return r.OrderStatus(order="", raw="Makulerad", lifecycle="cancelled")
    raw, documents = "Öppen", []
    fulfilment: Literal["", "none", "partly_shipped", "shipped"] = ""
    payment: Literal["", "captured", "partly_captured"] = ""
    if order:
        fulfilment = order.delivered
        raw = {"shipped": "Levererad", "partly_shipped": "Dellevererad"}.get(fulfilment, raw)
        documents.append(r.Document(kind="order", number=order.document_number))
    if invoice and not invoice.cancelled:
        credit = invoice.credit_invoice_reference if is_number(invoice.credit_invoice_reference) else None
        total, left = invoice.total, invoice.balance
        made, payment = invoiced(invoice.document_number, total, left, credit, booked=invoice.booked)
        raw = "Betald" if payment == "captured" else "Bokförd" if invoice.booked else "Fakturerad"
        documents += made
    return r.OrderStatus(
        order="", raw=raw, lifecycle="confirmed", fulfilment=fulfilment, payment=payment, documents=tuple(documents)
    )


def article_fields(record: r.Product, variant: r.Variant, fields: frozenset[str] | None, today: date) -> dict[str, Any]:
    """What an article holds of a variant, limited to the canonical `fields`. Unknown details are left as they are."""
    name = record.title(variant)
    active = record.status == "active" and variant.status == "active"
    known = {
        "Weight": variant.weight_g or None, "Unit": UNIT_CODES.get(variant.unit), "PurchasePrice": variant.cost,
        "ManufacturerArticleNumber": variant.manufacturer_no or None,
    }  # fmt: skip
    part = {"EAN": variant.gtin[0] if variant.gtin else ""} | {k: v for k, v in known.items() if v is not None}
    return asked(fields, {
        "name": {"Description": name},
        "tax_class": {"VAT": r.rates.percent("SE", record.tax_class, today)},
        "status": {"Active": active},
        "brand": filled({"Manufacturer": record.brand}),
        "variants": part | {"Description": name, "Active": active},
    })  # fmt: skip


def customer_fields(record: r.Customer, reference: str, price_list: str = "") -> dict[str, Any]:
    """What a customer holds; empty texts are left out, so they clear nothing. `price_list` is its code."""
    ship = record.shipping
    data = {
        "Name": record.name,
        "Type": "COMPANY" if record.kind == "company" else "PRIVATE",
        "OrganisationNumber": org_no_spellings(record.org_no)[0],
        "VATNumber": record.vat_no,
        "Email": record.email,
        "Phone1": record.phone,
        "CountryCode": record.billing.country,
        "Currency": record.currency,
        "PriceList": price_list,
        "ExternalReference": reference,
        **_address(record.billing, ""),
        **(_address(ship, "Delivery") | {"DeliveryCountryCode": ship.country} if ship else {}),
    }
    return filled(data)


def _address(address: r.Address, prefix: str) -> dict[str, str]:
    first, second = address.lines_in(2)
    return {
        f"{prefix}Address1": first, f"{prefix}Address2": second,
        f"{prefix}ZipCode": address.postcode, f"{prefix}City": address.city,
    }  # fmt: skip


def document_fields(order: r.Order, ids: Ids, reference: str, settings: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Head and rows of an order (`kind` Order) or an invoice (Invoice) whose total is the buyer's, to the öre."""
    data = {
        "CustomerNumber": needed(ids, "customer", order.customer.key),
        "CustomerName": order.billing.company or order.billing.name or order.customer.name,
        **_address(order.billing, ""),
        "Country": _COUNTRIES.get(order.billing.country, ""),
        "Phone1": order.billing.phone or order.customer.phone,
        "DeliveryName": order.shipping.company or order.shipping.name,
        **_address(order.shipping, "Delivery"),
        "DeliveryCountry": _COUNTRIES.get(order.shipping.country, ""),
        "YourReference": order.billing.name[:50] if order.billing.company else "",
        "YourOrderNumber": order.order_no[:75],
        "ExternalInvoiceReference1": reference,
        "Remarks": order.note[:1024],
        "Currency": order.currency,
        "WayOfDelivery": mapped(settings, "shipping_method", order.shipping_method),
        "TermsOfPayment": mapped(settings, "payment_method", order.payment_method),
        "CostCenter": settings.get("dimension"),  # the channel's result unit
        f"{kind}Date": r.business_date(order.placed_at, order.time_zone).isoformat(),
        f"{kind}Rows": _rows(order, ids, settings, kind),
    }
    return filled(data) | {"VATIncluded": order.prices_include_tax}


def _rows(order: r.Order, ids: Ids, settings: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """Rows whose totals are the lines' own on the side that the buyer saw (VATIncluded), with the line's VAT rate.

    Freight and fees are rows too, because the VAT rate of the head's Freight field is the company's choice and not
    ours. What is then left to the buyer's total (VAT rounded by line in the shop, by document here) is a rounding row.
    """
    included, quantity = order.prices_include_tax, "OrderedQuantity" if kind == "Order" else "DeliveredQuantity"
    rows: list[dict[str, Any]] = []
    sums: dict[Decimal, Decimal] = defaultdict(Decimal)

    def add(text: str, total: Decimal, percent: Decimal, pieces: Decimal, unit_price: Decimal, article: str) -> None:
        if kind == "Invoice" and percent != int(percent):
            raise Unsupported(f"A Fortnox invoice holds no VAT rate of {percent} %", where=order.order_no)
        # Prices of two decimals are safe everywhere; what they miss of the line's total becomes its discount.
        each = max(unit_price, total / pieces).quantize(_ORE, ROUND_CEILING)
        discount = r.rounded(each * pieces, "SEK") - total
        row: dict[str, Any] = {"ArticleNumber": article} if article else {}
        row |= {"Description": text[:255], quantity: str(pieces), "Price": each, "VAT": percent}
        row |= {"Discount": discount, "DiscountType": "AMOUNT"} if discount else {}
        row |= {"DeliveredQuantity": "0"} if kind == "Order" else {}
        rows.append(row)
        sums[percent] += total

    for part in r.document_rows(order, included):
        if part.kind == "line" or part.total:
            article = needed(ids, "variant", r.sku_key(part.sku)) if part.sku else ""
            if part.kind == "shipping":
                article = str(settings.get("freight_article") or "")
            text = part.text or CHARGES.get(part.kind, part.sku)
            add(text, part.total, part.percent, part.quantity, part.unit_price, article)
    left = left_over(order, sums, included, len(rows))
    if left:
        add("Öresavrundning", left, r.ZERO, Decimal(1), left, "")
        rows[-1]["AccountNumber"] = int(settings.get("rounding_account") or 3740)
    return rows
