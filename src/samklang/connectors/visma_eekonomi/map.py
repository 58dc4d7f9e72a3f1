"""eEkonomi's shapes ↔ our records. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Literal

import msgspec
from msgspec import field

from samklang import records as r
from samklang.connectors.contract import Ids
from samklang.connectors.errors import BadData
from samklang.connectors.kit.articles import article
from samklang.connectors.kit.finding import org_no_spellings
from samklang.connectors.kit.ledgers import CHARGES, UNIT_CODES, delivered, invoiced, left_over
from samklang.connectors.kit.payments import short
from samklang.connectors.kit.shape import filled, shared
from samklang.connectors.kit.writing import asked, needed

_ORE = Decimal("0.01")
#: Fields that eEkonomi sets itself, by list; they are not sent back when an object is replaced.
READONLY: Mapping[str, frozenset[str]] = {
    name: frozenset(fields.split())
    for name, fields in {
        "articles": """Id CodingName UnitName UnitAbbreviation StockBalanceManuallyChangedUtc StockBalanceReserved
            StockBalanceAvailable CreatedUtc ChangedUtc PurchasePriceManuallyChangedUtc FreightCostsManuallyChangedUtc
            StockValue""",
        "customers": "Id PayToAccountId TermsOfPayment LastInvoiceDate ChangedUtc IsFutureInvoiceDateAllowed",
        "orders": "Id CreatedUtc CustomerIsPrivatePerson Number ModifiedUtc",
        "customerinvoicedrafts": """Id CreatedUtc InvoiceCustomerName InvoicePostalCode InvoiceCity InvoiceCountryCode
            InvoiceCurrencyCode CustomerIsPrivatePerson ReverseChargeOnConstructionServices SalesDocumentAttachments
            TotalAmount TotalVatAmount TotalRoundings TotalAmountBaseCurrency TotalVatAmountBaseCurrency CustomerNumber
            IncludesVat""",
    }.items()
}


class Company(msgspec.Struct, rename="pascal"):
    """What matters of the company's settings. Rounding 0 is none."""

    name: str
    currency_code: str | None = "SEK"
    terms_of_payment_id: str | None = None
    show_prices_excl_vat_pc: bool | None = field(name="ShowPricesExclVatPC", default=False)
    domestic_currency_rounding: int | None = 0
    product_variant: int | None = 0
    accounting_locked_to: str | None = None


class Coding(msgspec.Struct, rename="pascal"):
    """A sales category: account and VAT."""

    id: str
    name: str | None = ""
    type: str | None = ""
    vat_rate_percent: Decimal | None = None
    is_active: bool | None = True


class ChartRow(msgspec.Struct, rename="pascal"):
    """An account of a fiscal year."""

    number: str
    name: str = ""
    is_active: bool = True
    fiscal_year_id: str = ""


class Year(msgspec.Struct, rename="pascal"):
    """A fiscal year."""

    id: str
    start_date: str
    end_date: str


class CostItem(msgspec.Struct, rename="pascal"):
    """One object of a cost centre."""

    id: str
    short_name: str


class CostCentre(msgspec.Struct, rename="pascal"):
    """One of up to three dimensions of cost."""

    number: int = 1
    items: list[CostItem] | None = None


class Project(msgspec.Struct, rename="pascal"):
    """A project."""

    id: str
    number: str


class Unit(msgspec.Struct, rename="pascal"):
    """A unit."""

    id: str
    abbreviation: str | None = ""


class Terms(msgspec.Struct, rename="pascal"):
    """Terms of payment."""

    id: str
    name: str | None = ""
    available_for_sales: bool | None = True


class Barcode(msgspec.Struct, rename="pascal"):
    """A GTIN, mostly."""

    barcode: str | None = ""


class Article(msgspec.Struct, rename="pascal"):
    """An article."""

    id: str
    number: str
    name: str
    coding_id: str = ""
    is_active: bool = True
    net_price: Decimal | None = None
    gross_price: Decimal | None = None
    unit_abbreviation: str | None = None
    stock_balance: Decimal | None = None
    stock_balance_reserved: Decimal | None = None
    purchase_price: Decimal | None = None
    is_service_article: bool | None = None
    barcodes: list[Barcode] | None = None


class Person(msgspec.Struct, rename="pascal"):
    """A customer."""

    id: str
    name: str
    is_private_person: bool = False
    customer_no: str | None = field(name="CustomerNumber", default=None)
    org_no: str | None = field(name="CorporateIdentityNumber", default=None)
    vat_no: str | None = field(name="VatNumber", default=None)
    email: str | None = field(name="EmailAddress", default=None)
    telephone: str | None = None
    mobile_phone: str | None = None
    currency: str | None = field(name="CurrencyCode", default=None)
    invoice_address1: str | None = None
    invoice_address2: str | None = None
    postcode: str | None = field(name="InvoicePostalCode", default=None)
    city: str | None = field(name="InvoiceCity", default=None)
    country: str | None = field(name="InvoiceCountryCode", default=None)
    note: str | None = None


class NamedList(msgspec.Struct, rename="pascal"):
    """A price list."""

    id: str
    name: str | None = ""
    currency_code: str | None = "SEK"
    is_standard: bool | None = False
    is_active: bool | None = True


class ListRow(msgspec.Struct, rename="pascal"):
    """A price of an article in a list."""

    sales_price_list_id: str
    article_id: str
    net_price: Decimal | None = None


class OrderRow(msgspec.Struct, rename="pascal"):
    """A row of an order."""

    is_text_row: bool = False
    quantity: Decimal | None = None
    delivered_quantity: Decimal | None = None


class SalesOrder(msgspec.Struct, rename="pascal"):
    """An order: 1 draft, 2 ongoing, 3 shipped, 4 invoiced."""

    id: str
    status: int
    number: int | None = None
    amount: Decimal | None = None
    vat_amount: Decimal | None = None
    rounding: Decimal | None = field(name="RoundingsAmount", default=None)
    includes_vat: bool | None = None
    currency_code: str = "SEK"
    reference: str | None = field(name="BuyersOrderReference", default=None)
    rows: list[OrderRow] | None = None

    @property
    def gross(self) -> Decimal:
        """What the buyer pays by eEkonomi's count."""
        vat = r.ZERO if self.includes_vat else self.vat_amount or r.ZERO
        return (self.amount or r.ZERO) + vat + (self.rounding or r.ZERO)

    @property
    def delivered(self) -> Literal["none", "partly_shipped", "shipped"]:
        rows = (row for row in self.rows or () if not row.is_text_row)
        counted = ((row.quantity or r.ZERO, row.delivered_quantity or r.ZERO) for row in rows)
        return "shipped" if self.status == 3 else delivered(counted)


class Draft(msgspec.Struct, rename="pascal"):
    """An invoice that is not booked yet. Its total includes VAT."""

    id: str
    total_amount: Decimal | None = None
    rounding: Decimal | None = field(name="TotalRoundings", default=None)
    includes_vat: bool | None = None
    currency: str | None = field(name="InvoiceCurrencyCode", default=None)
    reference: str | None = field(name="BuyersOrderReference", default=None)

    @property
    def gross(self) -> Decimal:
        """What the buyer pays by eEkonomi's count."""
        return (self.total_amount or r.ZERO) + (self.rounding or r.ZERO)


class Invoice(msgspec.Struct, rename="pascal"):
    """A booked invoice. Payment: 0 paid, 1 unpaid, 2 overdue."""

    id: str
    invoice_number: int | None = None
    is_credit_invoice: bool | None = False
    total: Decimal | None = field(name="TotalAmountInvoiceCurrency", default=None)
    remaining: Decimal | None = field(name="RemainingAmountInvoiceCurrency", default=None)
    order: str | None = field(name="CreatedFromOrderId", default=None)
    draft: str | None = field(name="CreatedFromDraftId", default=None)
    reference: str | None = field(name="BuyersOrderReference", default=None)
    credited_by: list[Any] | None = None


class Booked(msgspec.Struct, rename="pascal"):
    """A voucher."""

    id: str
    number: str | None = field(name="NumberAndNumberSeries", default=None)
    voucher_text: str = ""
    voucher_date: str = ""


class Attachment(msgspec.Struct, rename="pascal"):
    """A file, and the document that it hangs on."""

    id: str
    file_name: str | None = ""
    document_id: str | None = None


class Links(msgspec.Struct, rename="pascal"):
    """Files that were hung on a document."""

    attachment_ids: list[str]


class FieldError(msgspec.Struct, rename="pascal"):
    """What is wrong with one field."""

    field: str | None = ""
    message: str | None = ""


class Refusal(msgspec.Struct, rename="pascal"):
    """The body of an error."""

    error_code: int = 0
    developer_error_message: str | None = ""
    error_id: str | None = ""
    errors: list[FieldError] | None = None


# ---------------------------------------------------------------------------------------------------- out of eEkonomi


def product(row: Article, percent: Decimal | None, today: date, connection: str) -> r.Product:
    """An article as a product with one variant. InvalidRecord for a number or VAT rate that cannot be."""
    return article(
        row.number, row.name, connection, field="Number", codes=[one.barcode for one in row.barcodes or ()],
        code_field="Barcode", unit=row.unit_abbreviation,
        variant={"track_stock": row.is_service_article is not True, "cost": row.purchase_price or None},
        tax_class=r.rates.tax_class("SE", Decimal(25) if percent is None else percent, today),
        status="active" if row.is_active else "archived",
    )  # fmt: skip


def stock(row: Article) -> r.StockLevel:
    """What is on the shelf and what orders have reserved."""
    return r.StockLevel(
        sku=r.sku(row.number, "Number"),
        on_hand=row.stock_balance or r.ZERO,
        reserved=row.stock_balance_reserved or r.ZERO,
    )


def price(row: Article, percent: Decimal | None, included: bool, currency: str) -> r.Price:
    """The article's own price, with or without VAT."""
    amount = (row.gross_price if included else row.net_price) or r.ZERO
    return r.Price(
        sku=r.sku(row.number, "Number"), currency=currency, amount=amount, tax_included=included, tax_percent=percent
    )


def price_list(row: NamedList) -> r.PriceList:
    """A price list."""
    return r.PriceList(name=(row.name or "").strip(), currency=row.currency_code or "SEK")


def customer(row: Person) -> r.Customer:
    """A customer."""
    lines = tuple(line for line in (row.invoice_address1, row.invoice_address2) if line)
    return r.Customer(
        kind="person" if row.is_private_person else "company", phone=row.telephone or row.mobile_phone or "",
        billing=r.Address(lines=lines, **shared(row, "name", "postcode", "city", "country")),
        **shared(row, "name", "customer_no", "org_no", "vat_no", "email", "currency"),
    )  # fmt: skip


_WORDS = {1: "Utkast", 2: "Pågående", 3: "Skickad", 4: "Fakturerad"}


def status(order: SalesOrder | None, invoice: Invoice | None) -> r.OrderStatus:
    """Where an order stands, from the order and its invoice (one of them may be missing)."""
    raw = _WORDS.get(order.status, str(order.status)) if order else "Fakturerad"
    documents = [r.Document(kind="order", number=str(order.number or ""))] if order else []
    payment: Literal["", "captured", "partly_captured"] = ""
    if invoice:
        credit, total = "" if invoice.credited_by else None, invoice.total or r.ZERO
        made, payment = invoiced(str(invoice.invoice_number or ""), total, invoice.remaining, credit)
        raw = "Betald" if payment == "captured" else raw
        documents += made
    return r.OrderStatus(
        order="", raw=raw, lifecycle="confirmed", fulfilment=order.delivered if order else "", payment=payment,
        documents=tuple(documents),
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------- into eEkonomi


def article_fields(record: r.Product, variant: r.Variant, fields: frozenset[str] | None, coding: str) -> dict[str, Any]:
    """What an article holds of a variant, limited to the canonical `fields`. Unknown details are left as they are."""
    base = {"Name": record.title(variant)[:50], "IsActive": record.status == variant.status == "active"}
    known: dict[str, Any] = {"PurchasePrice": variant.cost} if variant.cost is not None else {}
    known |= {"Barcodes": [{"Barcode": variant.gtin[0]}]} if variant.gtin else {}
    return asked(fields, {
        "name": {"Name": base["Name"]},
        "status": {"IsActive": base["IsActive"]},
        "tax_class": {"CodingId": coding},
        "variants": base | known,
    })  # fmt: skip


def customer_fields(record: r.Customer) -> dict[str, Any]:
    """What a customer holds; empty texts are left out, so they clear nothing. BadData without postcode and city."""
    where = f"customer {record.key}"
    if not (record.billing.postcode and record.billing.city):
        raise BadData(
            "eEkonomi takes no customer without postcode and city", where=where,
            do_this="Complete the invoice address at the source.",
        )  # fmt: skip
    data: dict[str, Any] = {
        "Name": (record.billing.company or record.name)[:50],
        "CorporateIdentityNumber": org_no_spellings(record.org_no)[0][:20],
        "VatNumber": record.vat_no[:20],
        "EmailAddress": record.email[:255],
        "Telephone": record.phone[:50],
        **_invoiced_to(record.billing),
        "CurrencyCode": record.currency,
        **(_delivery(record.shipping, 100) if record.shipping else {}),
    }
    return filled(data) | {"IsPrivatePerson": record.kind == "person"}


def _invoiced_to(address: r.Address) -> dict[str, str]:
    first, second = address.lines_in(2)
    return {
        "InvoiceAddress1": first[:50], "InvoiceAddress2": second[:50],
        "InvoicePostalCode": address.postcode[:10], "InvoiceCity": address.city[:50],
        "InvoiceCountryCode": address.country,
    }  # fmt: skip


def _delivery(address: r.Address, most: int) -> dict[str, str]:
    first, second = address.lines_in(2)
    return {
        "DeliveryCustomerName": (address.company or address.name)[:most], "DeliveryAddress1": first[:50],
        "DeliveryAddress2": second[:50], "DeliveryPostalCode": address.postcode[:10], "DeliveryCity": address.city[:50],
        "DeliveryCountryCode": address.country,
    }  # fmt: skip


def parted(external_id: str) -> tuple[str, str]:
    """(draft, invoice or "" for an order; eEkonomi's own id)."""
    for kind in ("draft", "invoice"):
        if external_id.startswith(f"{kind}-"):
            return kind, external_id.removeprefix(f"{kind}-")
    return "", external_id


def reference(text: str) -> str:
    """Our reference as the buyer's order reference: the field that every document has and that can be searched."""
    return short(text, 35)


class Register(msgspec.Struct):
    """What documents are made of: article number (compare form) → id and VAT; ids of customers that are persons; and
    whether the company states prices to them without VAT."""

    articles: Mapping[str, tuple[str, Decimal | None]]
    persons: frozenset[str]
    settings: Mapping[str, Any]
    net_for_persons: bool = False

    def of_kind(self, kind: str, order: r.Order) -> str:
        """The id of the article that stands for a charge; BadData where none is chosen."""
        setting = {"shipping": "freight_article", "rounding": "rounding_article"}.get(kind, "fee_article")
        number = str(self.settings.get(setting) or "")
        found = self.articles.get(r.sku_key(number)) if number else None
        if found is None:
            raise BadData(
                f"eEkonomi has no article {number!r} for {CHARGES.get(kind, 'other rows')}",
                where=f"order {order.order_no}",
                do_this=f"Make such an article in eEkonomi and give its number in the connection ({setting}).",
            )
        return found[0]


def document_fields(order: r.Order, ids: Ids, ref: str, register: Register, *, invoice: bool) -> dict[str, Any]:
    """Head and rows of an order or of an invoice draft whose total is the buyer's, to the öre."""
    day = r.business_date(order.placed_at, order.time_zone).isoformat()
    data: dict[str, Any] = {
        # A draft takes the customer's own place, so a street of the order's would stand beside another town.
        **({} if invoice else _invoiced_to(order.billing)),
        **_delivery(order.shipping, 50),
        "YourReference": order.billing.name[:100] if order.billing.company else "",
    }
    data = filled(data) | {
        "CustomerId": needed(ids, "customer", order.customer.key), "EuThirdParty": False, "RotReducedInvoicingType": 0,
        "BuyersOrderReference": reference(ref), "Rows": _rows(order, ids, register, invoice),
    }  # fmt: skip
    if invoice:
        return data | {"InvoiceDate": day, "ReplaceUnitPriceWhenZero": False}
    return data | {
        "OrderDate": day, "CurrencyCode": order.currency, "Status": 2, "ReverseChargeOnConstructionServices": False,
    }  # fmt: skip


def _rows(order: r.Order, ids: Ids, register: Register, invoice: bool) -> list[dict[str, Any]]:
    """Rows whose totals are the lines' own. The VAT of a row is its article's, so the two must agree."""
    # eEkonomi takes persons' prices with VAT, unless the company shows them without, and companies' never.
    included = needed(ids, "customer", order.customer.key) in register.persons and not register.net_for_persons
    percents = dict(register.articles.values())
    rows: list[dict[str, Any]] = []
    sums: dict[Decimal, Decimal] = defaultdict(Decimal)

    def add(text: str, total: Decimal, percent: Decimal, pieces: Decimal, article: str) -> None:
        own = percents.get(article)
        if own is not None and own != percent and order.billing.country in ("", "SE"):
            raise BadData(
                f"The article of {text!r} has {own} % VAT in eEkonomi, the order's line {percent} %",
                where=f"order {order.order_no}", do_this="Give the article the right sales category in eEkonomi.",
            )  # fmt: skip
        for quantity, each in _priced(total, pieces):
            row: dict[str, Any] = {
                "LineNumber": len(rows) + 1, "ArticleId": article, "IsTextRow": False, "Text": text[:2000],
                "Quantity": quantity, "UnitPrice": each, "IsWorkCost": False,
            }  # fmt: skip
            row["ReversedConstructionServicesVatFree" if invoice else "EligibleForReverseChargeOnVat"] = False
            rows.append(row)
            sums[percent] += r.rounded(quantity * each, "SEK")

    for part in r.document_rows(order, included):
        if part.kind == "line" or part.total:
            at_hand = part.kind == "line" and part.sku
            article = needed(ids, "variant", r.sku_key(part.sku)) if at_hand else register.of_kind(part.kind, order)
            add(part.text or CHARGES.get(part.kind, part.sku), part.total, part.percent, part.quantity, article)
    left = left_over(order, sums, included, len(rows))
    if left:
        add(CHARGES["rounding"], left, r.ZERO, Decimal(1), register.of_kind("rounding", order))
    return rows


def _priced(total: Decimal, pieces: Decimal) -> list[tuple[Decimal, Decimal]]:
    """(pieces, price of one) whose products make the total, with prices of two decimals: 3 for 400 are 2 at 133.33 and
    1 at 133.34."""
    each = r.rounded(total / pieces, "SEK")
    if r.rounded(each * pieces, "SEK") == total or pieces <= 1 or pieces != int(pieces):
        return [(pieces, each)]
    lower = (total / pieces).quantize(_ORE, ROUND_FLOOR)
    dearer = int((total - lower * pieces) / _ORE)  # so many pieces cost an öre more
    return [(pieces - dearer, lower), (Decimal(dearer), lower + _ORE)]


def unit_code(variant: r.Variant) -> str:
    """The abbreviation of the variant's unit."""
    return UNIT_CODES.get(variant.unit, "st")
