"""The company's books: registers, stock, sales documents, vouchers. Plain dicts with the vendor's field names, numbers
as Decimal.

Whatever is written replaces the whole object: a field that is left out is empty afterwards. `ChangedUtc` and
`ModifiedUtc` say when.
"""

from __future__ import annotations

import itertools
import uuid
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from samklang.records.vat import rates
from samklang.sandboxes.swedish import families, parties

Row = dict[str, Any]
ZERO = Decimal(0)
_UNITS = {"st": "Styck", "kg": "Kilogram", "m": "Meter", "l": "Liter", "tim": "Timme", "par": "Par"}
_CODINGS = (("Varor 25 %", 25), ("Varor 12 %", 12), ("Varor 6 %", 6), ("Momsfritt", 0))
_ACCOUNTS = {
    "1510": "Kundfordringar", "1580": "Fordringar kontokort", "2611": "Utgående moms 25 %", "3001": "Försäljning 25 %",
}  # fmt: skip
_PAPERS = ("image/jpeg", "image/png", "image/tiff", "application/pdf")
_LENGTHS = {"Name": 50, "CustomerNumber": 16, "BuyersOrderReference": 35, "VoucherText": 1000}


class Refused(Exception):
    """eEkonomi says no: its code, its words, and the fields."""

    def __init__(self, message: str, code: int = 4000, status: int = 400, field: str = "") -> None:
        super().__init__(message)
        self.message, self.code, self.status, self.field = message, code, status, field


class Ledger:
    """One company."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.settings: Row = {
            "Name": "Norrskens Handel AB", "Phone": "08-465 00 413", "Address1": "Storgatan 1", "CountryCode": "SE",
            "PostalCode": "11120", "City": "Stockholm", "CurrencyCode": "SEK", "ProductVariant": 5,
            "ShowPricesExclVatPC": False, "DomesticCurrencyRounding": 0, "AccountingLockedTo": None,
        }  # fmt: skip
        self.stock_module = False
        self.articles: dict[str, Row] = {}
        self.customers: dict[str, Row] = {}
        self.orders: dict[str, Row] = {}
        self.drafts: dict[str, Row] = {}
        self.invoices: dict[str, Row] = {}
        self.vouchers: dict[str, Row] = {}
        self.attachments: dict[str, Row] = {}
        self.bodies: dict[str, bytes] = {}
        self.price_lists: dict[str, Row] = {}
        self.price_rows: list[Row] = []
        self.codings = _keyed(
            {"Name": name, "Type": "Goods", "VatRatePercent": Decimal(percent), "IsActive": True}
            for name, percent in _CODINGS
        )
        self.units = _keyed({"Name": name, "Abbreviation": code} for code, name in _UNITS.items())
        self.terms = _keyed([{"Name": "30 dagar netto", "NumberOfDays": 30, "AvailableForSales": True}])
        self.settings["TermsOfPaymentId"] = next(iter(self.terms))
        self.years = _keyed(
            {"StartDate": f"{year}-01-01T00:00:00", "EndDate": f"{year}-12-31T00:00:00", "BookkeepingMethod": 0}
            for year in (2025, 2026)
        )
        self.accounts: list[Row] = [
            {"Number": number, "Name": name, "FiscalYearId": year, "IsActive": number != "1510"}
            for year in self.years
            for number, name in _ACCOUNTS.items()
        ]
        items = _keyed({"Name": name.title(), "ShortName": name, "IsActive": True} for name in ("WEB", "BUTIK"))
        self.cost_centres = _keyed([{"Name": "Resultatenhet", "Number": 1, "IsActive": True, "Items": []}])
        for id_, centre in self.cost_centres.items():
            centre["Items"] = [item | {"CostCenterId": id_} for item in items.values()]
        self.projects = _keyed([{"Number": "P1", "Name": "Vinter", "StartDate": "2026-01-01T00:00:00"}])
        self._numbers: Mapping[str, Any] = {
            name: itertools.count(1) for name in ("customer", "order", "invoice", "voucher")
        }

    def stamp(self) -> str:
        """Now, as the API writes instants."""
        return f"{self.now().astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"

    def fill(self, articles: int, customers: int, seed: int) -> None:
        """Swedish articles (each variant its own), customers and two price lists, the same for the same seed."""
        unit = next(iter(self.units))
        by_percent = {row["VatRatePercent"]: id_ for id_, row in self.codings.items()}
        standard = self._made(
            {"Name": "Standard", "Number": 1, "CurrencyCode": "SEK", "IsStandard": True}, created=False
        )
        dealers = self._made(
            {"Name": "Återförsäljare", "Number": 2, "CurrencyCode": "SEK", "IsStandard": False}, created=False
        )
        self.price_lists = {row["Id"]: row | {"IsActive": True} for row in (standard, dealers)}
        sold = ((family, article) for family in families(seed) for article in family.articles)
        for family, article in itertools.islice(sold, articles):
            percent = rates.percent("SE", family.tax_class, self.now().date())
            row = self.put_article(
                {
                    "IsActive": True, "Number": article.sku, "CodingId": by_percent[percent], "UnitId": unit,
                    "Name": " ".join((family.name, *article.options.values()))[:50], "GrossPrice": family.price,
                    "NetPrice": ore(family.price / (1 + percent / 100)), "StockBalance": Decimal(article.stock),
                    "Barcodes": [{"Barcode": article.gtin, "BarcodeType": 0}], "PurchasePrice": family.cost,
                }
            )  # fmt: skip
            if len(self.articles) % 3 == 0:
                net = ore(row["NetPrice"] * Decimal("0.8"))
                self.price_rows.append(
                    {"SalesPriceListId": dealers["Id"], "ArticleId": row["Id"], "NetPrice": net, "CurrencyCode": "SEK"}
                )
        for party in itertools.islice(parties(seed), customers):
            self.put_customer(
                {
                    "Name": party.company or f"{party.first_name} {party.last_name}", "IsActive": True,
                    "IsPrivatePerson": not party.company, "CorporateIdentityNumber": party.org_no,
                    "VatNumber": party.vat_no, "EmailAddress": party.email, "Telephone": party.phone,
                    "InvoiceAddress1": party.street, "InvoicePostalCode": party.postcode, "InvoiceCity": party.city,
                    "InvoiceCountryCode": party.country, "TermsOfPaymentId": self.settings["TermsOfPaymentId"],
                }
            )  # fmt: skip

    # ------------------------------------------------------------------------------------------------ registers

    def put_article(self, data: Row, id_: str = "") -> Row:
        """Make an article, or replace one."""
        _required(data, "IsActive", "Number", "Name", "CodingId", "UnitId")
        if len(data["Number"]) > 40:
            raise Refused("Number is too long", field="Number")
        if any(row["Number"] == data["Number"] and row["Id"] != id_ for row in self.articles.values()):
            raise Refused("An article with this number already exists", 4002, 409, "Number")
        if data["CodingId"] not in self.codings or data["UnitId"] not in self.units:
            raise Refused("CodingId or UnitId does not exist", field="CodingId")
        before = self.articles.get(id_, {})
        unit, coding = self.units[data["UnitId"]], self.codings[data["CodingId"]]
        row = self._made(data, before) | {
            "CodingName": coding["Name"], "UnitName": unit["Name"], "UnitAbbreviation": unit["Abbreviation"],
            "IsServiceArticle": coding["Type"] == "Service", "IsStock": self.stock_module,
        }  # fmt: skip
        if self.stock_module and before:
            row["StockBalance"] = before["StockBalance"]
        row["StockBalance"] = row.get("StockBalance") or ZERO
        self.articles[row["Id"]] = row
        return row

    def put_customer(self, data: Row, id_: str = "") -> Row:
        """Make a customer, or replace one."""
        _required(data, "InvoiceCity", "InvoicePostalCode", "Name", "TermsOfPaymentId", "IsPrivatePerson", "IsActive")
        row = self._made(data, self.customers.get(id_, {}), created=False)
        row["CustomerNumber"] = row.get("CustomerNumber") or str(next(self._numbers["customer"]))
        row["CurrencyCode"] = row.get("CurrencyCode") or "SEK"
        self.customers[row["Id"]] = row
        return row

    def reserved(self, article: str) -> Decimal:
        """Pieces of the article in orders that are not shipped yet."""
        ongoing = (order for order in self.orders.values() if order["Status"] == 2)
        rows = [row for order in ongoing for row in order["Rows"] if row.get("ArticleId") == article]
        return sum((row["Quantity"] - (row.get("DeliveredQuantity") or ZERO) for row in rows), ZERO)

    def shown_article(self, row: Row) -> Row:
        """An article with its reservations."""
        reserved = self.reserved(row["Id"])
        return row | {"StockBalanceReserved": reserved, "StockBalanceAvailable": row["StockBalance"] - reserved}

    # ------------------------------------------------------------------------------------------------ documents

    def put_order(self, data: Row, id_: str = "") -> Row:
        """Make an order, or replace one that is not invoiced."""
        _required(data, "CustomerId", "CurrencyCode", "OrderDate", "Status", "RotReducedInvoicingType")
        before = self.orders.get(id_, {})
        if before.get("Status") == 4:
            raise Refused("An invoiced order can not be changed")
        customer, included, sums = self._priced(data, "EligibleForReverseChargeOnVat")
        total, vat, rounding = self._totals(sums, included)
        row = self._made(data, before, "ModifiedUtc") | {
            "Amount": total if included else total - vat, "VatAmount": vat, "RoundingsAmount": rounding,
            "IncludesVat": included, "Number": before.get("Number") or next(self._numbers["order"]),
            "CustomerNumber": customer["CustomerNumber"], "CustomerName": customer["Name"],
            "CustomerIsPrivatePerson": customer["IsPrivatePerson"],
        }  # fmt: skip
        self.orders[row["Id"]] = row
        return row

    def put_draft(self, data: Row, id_: str = "") -> Row:
        """Make an invoice draft, or replace one."""
        _required(data, "CustomerId", "RotReducedInvoicingType")
        customer, included, sums = self._priced(data, "ReversedConstructionServicesVatFree")
        total, vat, rounding = self._totals(sums, included)
        row = self._made(data, self.drafts.get(id_, {}), "") | {
            "TotalAmount": total, "TotalVatAmount": vat, "TotalRoundings": rounding, "IncludesVat": included,
            "InvoiceCurrencyCode": customer["CurrencyCode"], "InvoiceCustomerName": customer["Name"],
            "CustomerNumber": customer["CustomerNumber"], "CustomerIsPrivatePerson": customer["IsPrivatePerson"],
        }  # fmt: skip
        self.drafts[row["Id"]] = row
        return row

    def convert(self, draft: Row, asked: Row) -> Row:
        """Book a draft as an invoice, if its total is what the caller expects."""
        total = draft["TotalAmount"] + draft["TotalRoundings"]
        wanted = asked.get("TotalAmountInvoiceCurrency")
        if wanted is not None and Decimal(wanted) != total:
            raise Refused("The total amount of the invoice is not the expected one", 4100)
        self._open(str(draft.get("InvoiceDate") or self.stamp())[:10])
        invoice = self._booked(draft, total, {"CreatedFromDraftId": draft["Id"]})
        del self.drafts[draft["Id"]]
        return invoice

    def invoice_order(self, order: Row) -> Row:
        """Ship what is left of an order and invoice it."""
        for row in order["Rows"]:
            row["DeliveredQuantity"] = row["Quantity"]
        order |= {"Status": 4, "ModifiedUtc": self.stamp()}
        total = order["Amount"] + (ZERO if order["IncludesVat"] else order["VatAmount"]) + order["RoundingsAmount"]
        return self._booked(order, total, {"CreatedFromOrderId": order["Id"]})

    def _booked(self, source: Row, total: Decimal, more: Row) -> Row:
        kept = {
            name: source.get(name) for name in ("CustomerId", "BuyersOrderReference", "EuThirdParty", "InvoiceDate")
        }
        currency = source.get("CurrencyCode") or source.get("InvoiceCurrencyCode") or "SEK"
        invoice = self._made(kept, stamped="ModifiedUtc") | {
            "InvoiceNumber": next(self._numbers["invoice"]), "IsCreditInvoice": False, "RotReducedInvoicingType": 0,
            "TotalAmount": total, "TotalAmountInvoiceCurrency": total, "RemainingAmount": total,
            "RemainingAmountInvoiceCurrency": total, "CurrencyCode": currency, "PaymentStatus": 1, "CreditedBy": [],
            "Rows": [], **more,
        }  # fmt: skip
        self.invoices[invoice["Id"]] = invoice
        return invoice

    def pay(self, invoice: Row, amount: Decimal) -> None:
        """Book a payment."""
        left = invoice["RemainingAmount"] - amount
        invoice |= {"RemainingAmount": left, "RemainingAmountInvoiceCurrency": left, "PaymentStatus": 1 if left else 0}
        invoice["ModifiedUtc"] = self.stamp()

    def _priced(self, data: Row, flag: str) -> tuple[Row, bool, Mapping[Decimal, Decimal]]:
        """The customer, whether prices include VAT, and the rows' sums by VAT rate. The rate is the article's."""
        customer = self.customers.get(data["CustomerId"])
        if customer is None:
            raise Refused("CustomerId does not exist", field="CustomerId")
        sums: dict[Decimal, Decimal] = defaultdict(Decimal)
        for row in data.get("Rows") or []:
            _required(row, "IsTextRow", flag)
            article = self.articles.get(row.get("ArticleId") or "")
            if article is None and not row["IsTextRow"]:
                raise Refused("ArticleId is required", field="Rows.ArticleId")
            price, quantity = row.get("UnitPrice") or ZERO, row.get("Quantity") or ZERO
            if price != ore(price):
                raise Refused("UnitPrice has more than two decimals", field="Rows.UnitPrice")
            if article:
                row["ArticleNumber"] = article["Number"]
                sums[self.codings[article["CodingId"]]["VatRatePercent"]] += ore(price * quantity)
        return customer, customer["IsPrivatePerson"] and not self.settings["ShowPricesExclVatPC"], sums

    def _totals(self, sums: Mapping[Decimal, Decimal], included: bool) -> tuple[Decimal, Decimal, Decimal]:
        """(total with VAT, VAT, rounding to whole kronor where the company wants it)."""
        vat = sum((ore(s * p / (100 + p if included else 100)) for p, s in sums.items()), ZERO)
        total = sum(sums.values(), ZERO) + (ZERO if included else vat)
        whole = total.quantize(Decimal(1), ROUND_HALF_UP)
        return total, vat, whole - total if self.settings["DomesticCurrencyRounding"] else ZERO

    # ------------------------------------------------------------------------------------------------ vouchers

    def put_voucher(self, data: Row, *, default_series: bool) -> Row:
        """Book a voucher: in balance, in an open period."""
        _required(data, "VoucherDate", "VoucherText", "Rows")
        balance = sum(
            ((row.get("DebitAmount") or ZERO) - (row.get("CreditAmount") or ZERO) for row in data["Rows"]), ZERO
        )
        if balance or len(data["Rows"]) < 2:
            raise Refused("The voucher is not balanced", field="Rows")
        self._open(data["VoucherDate"][:10])
        for line in data["Rows"]:
            if invoice := line.pop("ReceivableId", None):
                if invoice not in self.invoices:
                    raise Refused("ReceivableId does not exist", field="Rows.ReceivableId")
                self.pay(self.invoices[invoice], line.get("CreditAmount") or ZERO)
        series = "A" if default_series else data.get("NumberSeries") or "A"
        number = f"{series}{next(self._numbers['voucher'])}"
        row = self._made(data, stamped="ModifiedUtc")
        row |= {"NumberSeries": series, "NumberAndNumberSeries": number, "VoucherType": 2}
        self.vouchers[row["Id"]] = row
        return row

    def put_attachment(self, data: Row) -> Row:
        """Keep a file that hangs on nothing yet."""
        _required(data, "ContentType", "FileName")
        if data["ContentType"] not in _PAPERS:
            raise Refused(f"ContentType {data['ContentType']} is not allowed", field="ContentType")
        row: Row = {"Id": str(uuid.uuid4()), "ContentType": data["ContentType"], "FileName": data["FileName"]}
        self.attachments[row["Id"]] = row | {"DocumentId": None, "AttachedDocumentType": 0, "AttachmentStatus": 1}
        self.bodies[row["Id"]] = b64decode(data.get("Data") or "", validate=True)
        return self.attachments[row["Id"]]

    def link(self, data: Row) -> Row:
        """Hang files on a voucher."""
        _required(data, "DocumentType", "AttachmentIds", "DocumentId")
        if data["DocumentType"] != 3 or data["DocumentId"] not in self.vouchers:
            raise Refused("The document does not exist", 4003, 404)
        for id_ in data["AttachmentIds"]:
            if id_ not in self.attachments:
                raise Refused("The attachment does not exist", 4003, 404)
            if self.attachments[id_]["DocumentId"]:
                raise Refused("The attachment is linked already")
            self.attachments[id_] |= {
                "DocumentId": data["DocumentId"], "AttachedDocumentType": 3, "AttachmentStatus": 0,
            }  # fmt: skip
        return data

    def _open(self, day: str) -> None:
        locked = self.settings["AccountingLockedTo"]
        if locked and day <= locked[:10]:
            raise Refused(f"The accounting period is locked to {locked[:10]}", 4026)

    def _made(
        self,
        data: Row,
        before: Mapping[str, Any] | None = None,
        stamped: str = "ChangedUtc",
        *,
        created: bool = True,
    ) -> Row:
        """The object with what eEkonomi sets itself: id, when it was made and changed."""
        for name, most in _LENGTHS.items():
            if len(str(data.get(name) or "")) > most and name in data:
                raise Refused(f"{name} has at most {most} characters", field=name)
        before = before or {}
        kept = {"Id": before.get("Id") or str(uuid.uuid4())}
        if created:
            kept["CreatedUtc"] = before.get("CreatedUtc") or self.stamp()
        return {**data, **kept, **({stamped: self.stamp()} if stamped else {})}


def ore(amount: Decimal) -> Decimal:
    """Two decimals, halves away from zero."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _required(data: Row, *names: str) -> None:
    for name in names:
        if data.get(name) in (None, ""):
            raise Refused(f"{name} is required", field=name)


def _keyed(rows: Iterable[Row]) -> dict[str, Row]:
    found = [{"Id": str(uuid.uuid4()), **row} for row in rows]
    return {row["Id"]: row for row in found}
