"""Orders, invoices and payments of the ledger: reservation, delivery, invoicing, bookkeeping, credit."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from samklang.sandboxes.fortnox import fields
from samklang.sandboxes.fortnox.fields import Refused, checked
from samklang.sandboxes.fortnox.ledger import Registers, Row
from samklang.sandboxes.fortnox.totals import ore, row_total, totals

_COPIED = (
    "CustomerNumber", "CustomerName", "Address1", "Address2", "ZipCode", "City", "Country", "Phone1", "DeliveryName",
    "DeliveryAddress1", "DeliveryAddress2", "DeliveryZipCode", "DeliveryCity", "DeliveryCountry", "Currency",
    "CurrencyRate", "VATIncluded", "Freight", "AdministrationFee", "PriceList", "ExternalInvoiceReference1",
    "ExternalInvoiceReference2", "YourOrderNumber", "YourReference", "OurReference", "Remarks", "Comments",
    "WayOfDelivery", "TermsOfPayment", "TermsOfDelivery",
)  # fmt: skip


class Ledger(Registers):
    """The whole company: registers, orders, invoices, payments."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.whole_kronor = False
        self.orders: dict[str, Row] = {}
        self.invoices: dict[str, Row] = {}
        self.payments: dict[str, Row] = {}
        self._order_numbers, self._invoice_numbers = itertools.count(1001), itertools.count(5001)
        self._payment_numbers, self._row_ids = itertools.count(1), itertools.count(1)

    # ------------------------------------------------------------------------------------------------ shared

    def _rows(self, given: list[Any], document: Row, *, ordered: bool) -> list[Row]:
        """Rows with what Fortnox fills in from the article and the price list."""
        rows = []
        for raw in given:
            row: Row = checked(raw, fields.ROW)
            row["RowId"] = next(self._row_ids)
            number = row.get("ArticleNumber", "")
            if number:
                article = self.articles.get(number)
                if article is None:
                    raise Refused(f"Kunde inte hitta artikel ({number})", 2001302)
                row.setdefault("Description", article["Description"])
                row.setdefault("VAT", article["VAT"])
                row.setdefault("Unit", article["Unit"])
                if "Price" not in row:
                    price = self.price(number, document.get("PriceList", ""), Decimal(row.get("OrderedQuantity", 0)))
                    row["Price"] = ore(price * (100 + row["VAT"]) / 100) if document["VATIncluded"] else price
            for name in ("Price", "VAT", "Discount"):
                row.setdefault(name, Decimal(0))
            row.setdefault("DiscountType", "PERCENT")
            row.setdefault("DeliveredQuantity", Decimal(0) if ordered else row.get("OrderedQuantity", Decimal(0)))
            if ordered:
                row.setdefault("OrderedQuantity", Decimal(0))
            else:
                row.pop("OrderedQuantity", None)
                if row["VAT"] != int(row["VAT"]):
                    raise Refused(f"Värdet måste vara numeriskt ({row['VAT']})", 2000108)
                row["VAT"] = int(row["VAT"])
            rows.append(row)
        return rows

    def _count(self, document: Row, rows: list[Row], quantity: str) -> None:
        for row in rows:
            row["Total"] = row_total(row, Decimal(row[quantity]))
        document |= totals(
            rows,
            vat_included=document["VATIncluded"],
            freight=Decimal(document.get("Freight", 0)),
            fee=Decimal(document.get("AdministrationFee", 0)),
            whole_kronor=self.whole_kronor,
        )

    def _head(self, given: Row) -> Row:
        """The document's head with the customer's data where nothing else is said."""
        customer = self.customers.get(given["CustomerNumber"])
        if customer is None:
            raise Refused(f"Kunde inte hitta kund ({given['CustomerNumber']})", 2000433)
        self.known(given)
        head = {
            "CustomerName": customer["Name"],
            "OrganisationNumber": customer.get("OrganisationNumber", ""),
            "PriceList": customer["PriceList"],
            "Currency": customer["Currency"],
            "CurrencyRate": Decimal(1),
            "VATIncluded": bool(customer.get("ShowPriceVATIncluded", False)),
            "Freight": Decimal(0),
            "AdministrationFee": Decimal(0),
            "Cancelled": False,
            "Sent": False,
            "NotCompleted": False,
        }
        return head | {name: customer[name] for name in fields.CUSTOMER if name in customer and name in _COPIED} | given

    # ------------------------------------------------------------------------------------------------ orders

    def order(self, number: str) -> Row:
        """The order; 404 when there is none."""
        if number not in self.orders:
            raise Refused("Kan inte hitta dokumentet.", 0, 404)
        return self.orders[number]

    def put_order(self, data: object, number: str | None = None) -> Row:
        """Create (number None) or change an order; rows of a change replace the old ones in their order."""
        given = checked(data, fields.ORDER, partial=number is not None)
        if number is None:
            head = self._head(given)
            head.setdefault("OrderDate", self.today().isoformat())
            if self.warehouse:
                head.setdefault("DeliveryState", "reservation")
            order = head | {"InvoiceReference": "0", "OrderType": head.get("OrderType", "Order")}
            order["OrderRows"] = self._rows(given.get("OrderRows", []), order, ordered=True)
            order["DocumentNumber"] = str(next(self._order_numbers))
            self.orders[order["DocumentNumber"]] = order
        else:
            order = self._open_order(number)
            rows = self._rows(self._kept(given, order), order | given, ordered=True) if "OrderRows" in given else None
            self._reserve(order, -1)
            order |= given
            if rows is not None:
                order["OrderRows"] = rows
        self._count(order, order["OrderRows"], "OrderedQuantity")
        self._reserve(order, 1)
        self.touch(order)
        return order

    def _kept(self, given: Row, order: Row) -> list[Any]:
        """Rows of a PUT: with RowIds those rows are changed, the others are new; without, the list is the new one."""
        old = {row["RowId"]: {k: v for k, v in row.items() if k in fields.ROW} for row in order["OrderRows"]}
        if any(isinstance(row, dict) and "RowId" in row for row in given["OrderRows"]):
            return [old.get(row.get("RowId"), {}) | row for row in given["OrderRows"]]
        return list(given["OrderRows"])

    def _open_order(self, number: str) -> Row:
        order = self.order(number)
        if order["Cancelled"]:
            raise Refused("Ordern är makulerad och kan inte ändras", 0)
        if order["InvoiceReference"] != "0":
            raise Refused("Ordern är fakturerad och kan inte ändras", 0)
        return order

    def _reserve(self, order: Row, sign: int) -> None:
        """Reserve (1) or let go (−1) what is ordered and not yet delivered."""
        if order["Cancelled"] or order["InvoiceReference"] != "0" or order.get("DeliveryState") == "registration":
            return
        for row in order["OrderRows"]:
            number = row.get("ArticleNumber", "")
            if number in self.articles and self.articles[number]["StockGoods"]:
                waiting = max(Decimal(0), Decimal(row["OrderedQuantity"]) - Decimal(row["DeliveredQuantity"]))
                self.reserved[number] = self.reserved.get(number, Decimal(0)) + sign * waiting

    def deliver(self, number: str, quantities: dict[str, Decimal] | None = None) -> Row:
        """Set DeliveredQuantity (None = everything) by article number; the goods leave the stock."""
        order = self._open_order(number)
        self._reserve(order, -1)
        for row in order["OrderRows"]:
            article = self.articles.get(row.get("ArticleNumber", ""))
            to = row["OrderedQuantity"] if quantities is None else quantities.get(row.get("ArticleNumber", ""))
            if to is None:
                continue
            if article and article["StockGoods"]:
                article["QuantityInStock"] -= Decimal(to) - Decimal(row["DeliveredQuantity"])
            row["DeliveredQuantity"] = Decimal(to)
        self._reserve(order, 1)
        self.touch(order)
        return order

    def cancel_order(self, number: str) -> Row:
        """Cancel an order that is not invoiced; its reservation goes. Cancelling twice changes nothing."""
        order = self.order(number)
        if not order["Cancelled"]:
            self._reserve(self._open_order(number), -1)
            order["Cancelled"] = True
            self.touch(order)
        return order

    def create_invoice(self, number: str) -> Row:
        """Invoice the delivered rows; everything, as if delivered, when nothing was (unconfirmed)."""
        order = self._open_order(number)
        if not any(row["DeliveredQuantity"] for row in order["OrderRows"] if row.get("ArticleNumber")):
            self.deliver(number)
        given: Row = {name: order[name] for name in _COPIED if name in order}
        given["InvoiceRows"] = [
            {name: row[name] for name in fields.ROW if name in row and name not in ("OrderedQuantity", "RowId")}
            | {"DeliveredQuantity": row["DeliveredQuantity"] if row.get("ArticleNumber") else row["OrderedQuantity"]}
            for row in order["OrderRows"]
        ]
        invoice = self.put_invoice(given, order_reference=number)
        self._reserve(order, -1)
        order["InvoiceReference"] = invoice["DocumentNumber"]
        self.touch(order)
        return invoice

    # ------------------------------------------------------------------------------------------------ invoices

    def invoice(self, number: str) -> Row:
        """The invoice; 404 when there is none."""
        if number not in self.invoices:
            raise Refused("Kan inte hitta dokumentet.", 0, 404)
        return self.invoices[number]

    def put_invoice(self, data: object, number: str | None = None, *, order_reference: str = "0") -> Row:
        """Create (number None) or change an invoice that is not booked."""
        given = checked(data, fields.INVOICE, partial=number is not None)
        if number is None:
            day = self.today()
            invoice = self._head(given) | {"Booked": False, "OrderReference": order_reference, "Credit": "false"}
            invoice |= {"CreditInvoiceReference": "0", "InvoiceType": invoice.get("InvoiceType", "INVOICE")}
            invoice.setdefault("InvoiceDate", day.isoformat())
            invoice.setdefault("DueDate", (day + timedelta(days=30)).isoformat())
            invoice["InvoiceRows"] = self._rows(given.get("InvoiceRows", []), invoice, ordered=False)
            invoice["DocumentNumber"] = str(next(self._invoice_numbers))
            self.invoices[invoice["DocumentNumber"]] = invoice
        else:
            invoice = self.invoice(number)
            if invoice["Booked"] or invoice["Cancelled"]:
                raise Refused("Fakturan är bokförd eller makulerad och kan inte ändras", 0)
            rows = self._rows(given["InvoiceRows"], invoice | given, ordered=False) if "InvoiceRows" in given else None
            invoice |= given
            if rows is not None:
                invoice["InvoiceRows"] = rows
        self._count(invoice, invoice["InvoiceRows"], "DeliveredQuantity")
        invoice["Balance"] = invoice["TotalToPay"]
        self.touch(invoice)
        return invoice

    def bookkeep_invoice(self, number: str) -> Row:
        """Book the invoice as voucher of series B; frozen from then on."""
        invoice = self.invoice(number)
        if invoice["Booked"] or invoice["Cancelled"]:
            raise Refused("Fakturan är redan bokförd eller makulerad", 0)
        text = f"Kundfaktura {number}"
        voucher = self.book("B", {"Description": text, "TransactionDate": invoice["InvoiceDate"], "VoucherRows": []})
        invoice |= {"Booked": True, "VoucherSeries": "B", "VoucherNumber": voucher["VoucherNumber"]}
        invoice["VoucherYear"] = voucher["Year"]
        self.touch(invoice)
        return invoice

    def cancel_invoice(self, number: str) -> Row:
        """Cancel an invoice that is not booked."""
        invoice = self.invoice(number)
        if invoice["Booked"]:
            raise Refused("En bokförd faktura kan inte makuleras, kreditera den", 0)
        invoice |= {"Cancelled": True, "Balance": Decimal(0)}
        self.touch(invoice)
        return invoice

    def credit_invoice(self, number: str) -> Row:
        """A credit invoice over the whole of a booked invoice; gives the credit invoice."""
        invoice = self.invoice(number)
        if not invoice["Booked"] or invoice["CreditInvoiceReference"] != "0":
            raise Refused("Fakturan kan inte krediteras", 0)
        given: Row = {name: invoice[name] for name in _COPIED if name in invoice}
        given |= {"Freight": -invoice["Freight"], "AdministrationFee": -invoice["AdministrationFee"]}
        given["InvoiceRows"] = [
            {name: row[name] for name in fields.ROW if name in row and name != "RowId"}
            | {"DeliveredQuantity": -Decimal(row["DeliveredQuantity"]), "Discount": -Decimal(row["Discount"])
               if row["DiscountType"] == "AMOUNT" else row["Discount"]}
            for row in invoice["InvoiceRows"]
        ]  # fmt: skip
        credit = self.put_invoice(given)
        credit |= {"Credit": "true", "CreditInvoiceReference": number}
        invoice |= {"CreditInvoiceReference": credit["DocumentNumber"], "Balance": Decimal(0)}
        self.touch(invoice)
        return credit

    # ------------------------------------------------------------------------------------------------ payments

    def put_payment(self, data: object, number: str | None = None) -> Row:
        """Register or change a payment of a booked invoice; it counts when it is booked."""
        given = checked(data, fields.PAYMENT, partial=number is not None)
        if number is not None:
            payment = self.payment(number)
            if payment["Booked"]:
                raise Refused("Inbetalningen är bokförd och kan inte ändras", 0)
            payment |= given
            return payment
        invoice = self.invoice(str(given["InvoiceNumber"]))
        if not invoice["Booked"]:
            raise Refused("Fakturan är inte bokförd", 0)
        number = str(next(self._payment_numbers))
        payment = {"Number": number, "Amount": invoice["Balance"], "PaymentDate": self.today().isoformat()}
        payment |= {"Booked": False, "Currency": invoice["Currency"], "Source": "direct"} | given
        self.payments[number] = payment
        self.touch(payment)
        return payment

    def payment(self, number: str) -> Row:
        """The payment; 404 when there is none."""
        if number not in self.payments:
            raise Refused("Kan inte hitta inbetalningen", 0, 404)
        return self.payments[number]

    def bookkeep_payment(self, number: str) -> Row:
        """Book the payment: the invoice's balance goes down."""
        payment = self.payment(number)
        if payment["Booked"]:
            raise Refused("Inbetalningen är redan bokförd", 0)
        invoice = self.invoice(str(payment["InvoiceNumber"]))
        invoice["Balance"] -= Decimal(payment["Amount"])
        if not invoice["Balance"]:
            invoice["FinalPayDate"] = payment["PaymentDate"]
        payment["Booked"] = True
        self.touch(invoice)
        self.touch(payment)
        return payment
