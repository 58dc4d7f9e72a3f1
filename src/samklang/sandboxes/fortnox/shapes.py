"""How the ledger's things look on the wire: single objects, list rows (a subset, with numbers as text) and filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from samklang.sandboxes.fortnox.documents import Ledger
from samklang.sandboxes.fortnox.fields import Refused
from samklang.sandboxes.fortnox.ledger import Row

Keep = Callable[[Row, str], bool]

_BASE = "https://api.fortnox.se/3"


def _text(number: object) -> str:
    return f"{Decimal(str(number)):.2f}"


def _pick(row: Row, names: str) -> Row:
    return {name: row[name] for name in names.split() if row.get(name) is not None}


def plain(row: Row) -> Row:
    """A thing without our own bookkeeping of it."""
    return {name: value for name, value in row.items() if name[0] != "_"}


def article_row(ledger: Ledger, article: Row) -> Row:
    """ArticleListItem: 15 fields, figures as text except QuantityInStock."""
    shown = ledger.shown_article(article)
    row = _pick(shown, "@url ArticleNumber Description EAN Housework QuantityInStock StockPlace Unit WebshopArticle")
    for name in ("DisposableQuantity", "PurchasePrice", "ReservedQuantity", "SalesPrice", "StockValue"):
        row[name] = _text(shown.get(name, 0))
    return row | {"VAT": f"{shown['VAT'].normalize():f}"}


def customer(row: Row) -> Row:
    """One customer."""
    return {"@url": f"{_BASE}/customers/{row['CustomerNumber']}", **plain(row)}


def customer_row(ledger: Ledger, row: Row) -> Row:
    """CustomerListItem."""
    names = "@url Address1 Address2 City CustomerNumber Email Name OrganisationNumber ZipCode"
    return _pick(customer(row), names) | {"Phone": row.get("Phone1", "")}


def order(row: Row) -> Row:
    """One order; row quantities as text."""
    rows = [
        item
        | {name: _text(item[name]) for name in ("OrderedQuantity", "DeliveredQuantity")}
        | {"ReservedQuantity": _text(max(Decimal(0), item["OrderedQuantity"] - item["DeliveredQuantity"]))}
        for item in row["OrderRows"]
    ]
    return {"@url": f"{_BASE}/orders/{row['DocumentNumber']}", **plain(row), "OrderRows": rows}


def order_row(ledger: Ledger, row: Row) -> Row:
    """OrderListItem."""
    return _pick(
        {"@url": f"{_BASE}/orders/{row['DocumentNumber']}", **row},
        """@url Cancelled Currency CustomerName CustomerNumber DeliveryDate DocumentNumber ExternalInvoiceReference1
        ExternalInvoiceReference2 OrderDate OrderType Project Sent Total""",
    )


def invoice(row: Row) -> Row:
    """One invoice; row quantities as text."""
    rows = [item | {"DeliveredQuantity": _text(item["DeliveredQuantity"])} for item in row["InvoiceRows"]]
    return {"@url": f"{_BASE}/invoices/{row['DocumentNumber']}", **plain(row), "InvoiceRows": rows}


def invoice_row(ledger: Ledger, row: Row) -> Row:
    """InvoiceListItem."""
    return _pick(
        {"@url": f"{_BASE}/invoices/{row['DocumentNumber']}", **row},
        """@url Balance Booked Cancelled Currency CurrencyRate CustomerName CustomerNumber DocumentNumber DueDate
        ExternalInvoiceReference1 ExternalInvoiceReference2 FinalPayDate InvoiceDate InvoiceType OCR Sent Total
        VoucherNumber VoucherSeries VoucherYear""",
    )


def payment_row(ledger: Ledger, row: Row) -> Row:
    """InvoicePaymentListItem."""
    return _pick(row, "Amount Booked Currency InvoiceNumber Number PaymentDate Source")


def itself(ledger: Ledger, row: Row) -> Row:
    """Lists whose rows are the whole thing."""
    return plain(row)


def _same(field: str) -> Keep:
    """Text filters match by beginning, whatever the case (unconfirmed): who wants one thing must compare itself."""
    return lambda row, value: str(row.get(field) or "").lower().startswith(value.lower())


def _since(row: Row, value: str) -> bool:
    if len(value) not in (10, 16) or value[4] + value[7] != "--":
        raise Refused("Failed to format date. Not given in any of the valid formats.", 0)
    return str(row["_modified"]) >= value


def _active(row: Row, value: str) -> bool:
    return bool(row["Active"]) is (value == "active")


def _order_filter(row: Row, value: str) -> bool:
    states = {
        "cancelled": row["Cancelled"],
        "invoicecreated": row["InvoiceReference"] != "0",
        "invoicenotcreated": row["InvoiceReference"] == "0" and not row["Cancelled"],
        "expired": False,
    }
    return bool(_chosen(states, value))


def _invoice_filter(row: Row, value: str) -> bool:
    open_ = row["Booked"] and not row["Cancelled"]
    states = {
        "cancelled": row["Cancelled"],
        "fullypaid": open_ and not row["Balance"],
        "unpaid": open_ and bool(row["Balance"]),
        "unpaidoverdue": False,
        "unbooked": not row["Booked"] and not row["Cancelled"],
    }
    return bool(_chosen(states, value))


def _chosen(states: Mapping[str, Any], value: str) -> Any:
    if value not in states:
        raise Refused("Ogiltig parameter i anropet.", 2000588)
    return states[value]


def _from(field: str) -> Keep:
    return lambda row, value: str(row[field]) >= _day(value)


def _to(field: str) -> Keep:
    return lambda row, value: str(row[field]) <= _day(value)


def _day(value: str) -> str:
    if len(value) != 10:
        raise Refused("Failed to format date. Not given in any of the valid formats.", 0)
    return value


_REFERENCES: dict[str, Keep] = {
    "externalinvoicereference1": _same("ExternalInvoiceReference1"),
    "externalinvoicereference2": _same("ExternalInvoiceReference2"),
    "customernumber": _same("CustomerNumber"),
    "customername": _same("CustomerName"),
    "documentnumber": lambda row, value: row["DocumentNumber"] == value,
    "lastmodified": _since,
}
ARTICLES: dict[str, Keep] = {
    "filter": _active,
    "articlenumber": _same("ArticleNumber"),
    "description": _same("Description"),
    "ean": _same("EAN"),
    "lastmodified": _since,
}
CUSTOMERS: dict[str, Keep] = {
    "filter": _active,
    "customernumber": _same("CustomerNumber"),
    "name": _same("Name"),
    "email": _same("Email"),
    "organisationnumber": _same("OrganisationNumber"),
    "phone": _same("Phone1"),
    "zipcode": _same("ZipCode"),
    "city": _same("City"),
    "lastmodified": _since,
}
ORDERS: dict[str, Keep] = {
    **_REFERENCES, "filter": _order_filter, "fromdate": _from("OrderDate"), "todate": _to("OrderDate")
}  # fmt: skip
INVOICES: dict[str, Keep] = {
    **_REFERENCES,
    "filter": _invoice_filter,
    "fromdate": _from("InvoiceDate"),
    "todate": _to("InvoiceDate"),
    "yourordernumber": _same("YourOrderNumber"),
}
PAYMENTS: dict[str, Keep] = {
    "invoicenumber": lambda row, value: str(row["InvoiceNumber"]) == value,
    "lastmodified": _since,
}
