"""Vouchers into Fortnox: as vouchers, and those of the sub-ledger as what Fortnox makes itself (invoices booked, credit
invoices, payments of invoices)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import field

from samklang.connectors.contract import Done, Ledger, LedgerAccount, Match, Want
from samklang.connectors.errors import BadData, Rejected, Unsupported, Wait
from samklang.connectors.fortnox import map as shapes
from samklang.connectors.fortnox.client import Client
from samklang.connectors.kit.ledgers import INVOICES, ROUNDED, digest, invoice_id, taken_of
from samklang.connectors.kit.writing import needed
from samklang.connectors.transport import Upload
from samklang.records import Voucher, VoucherLine
from samklang.records.money import ZERO

_LONGEST_REFERENCE = 80
#: VAT codes whose box is beyond doubt; others are not compared.
_BOXES = {"MP1": "05", "MP2": "05", "MP3": "05", "U1": "10", "U2": "11", "U3": "12", "I": "48"}


class Booked(msgspec.Struct, rename="pascal"):
    """A voucher as Fortnox lists it."""

    voucher_series: str
    voucher_number: int
    year: int
    comments: str | None = None

    @property
    def external_id(self) -> str:
        return f"{self.voucher_series} {self.voucher_number}/{self.year}"


class Year(msgspec.Struct, rename="pascal"):
    """A fiscal year."""

    id: int
    from_date: date
    to_date: date


class Payment(msgspec.Struct, rename="pascal"):
    """A payment of an invoice."""

    number: str
    amount: Decimal = ZERO
    payment_date: date | None = None
    booked: bool = False


class ChartRow(msgspec.Struct, rename="pascal"):
    """An account of the chart."""

    number: int
    description: str = ""
    active: bool = True
    vat_code: str | None = field(name="VATCode", default=None)


class Series(msgspec.Struct, rename="pascal"):
    """A voucher series."""

    code: str


class Locked(msgspec.Struct, rename="pascal"):
    """How far the books are closed."""

    end_date: str | None = None


class File(msgspec.Struct, rename="pascal"):
    """A file in the inbox: what is there was not put anywhere yet."""

    id: str
    name: str = ""


class Inbox(msgspec.Struct, rename="pascal"):
    """What lies in the inbox outside its folders."""

    files: list[File] = []


class Hung(msgspec.Struct, rename="pascal"):
    """A file that hangs on a voucher."""

    file_id: str


class Credit(shapes.Invoice, rename="pascal"):
    """An invoice with what a credit of it needs to know."""

    customer_no: str = field(name="CustomerNumber", default="")
    your_order_number: str | None = None
    currency: str = "SEK"


class Books:
    """Books in one company."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._years: list[Year] = []

    def voucher(self, want: Want, record: Voucher) -> Done:
        """One voucher, once: it can never be changed. What repeats no harm of its own is looked up before."""
        if want.external_id:
            return Done(external_id=want.external_id)
        if record.source in INVOICES:
            return self._invoice(want, record)
        if record.source == "invoice_payment":
            return self._payments(want, record)
        data = _fields(record, want.reference)
        made = self._client.post(Booked, f"vouchers?financialyear={self._year(record.date).id}", Voucher=data)
        return Done(external_id=made.external_id)

    def find_voucher(self, want: Want, record: Voucher, by: str) -> list[Match]:
        """A voucher by its key, which stands in its comment: Fortnox can only list a series."""
        if by != "reference" or record.source in (*INVOICES, "invoice_payment"):
            return []
        year = self._year(record.date).id
        rows = self._client.listed("Vouchers", Booked, "vouchers", "sublist", record.series, financialyear=year)
        return [Match(external_id=row.external_id, by=by) for row in rows if row.comments == want.reference]

    def _year(self, day: date) -> Year:
        found = next((year for year in self._years if year.from_date <= day <= year.to_date), None)
        if found is None:
            rows = self._client.listed("FinancialYears", Year, "financialyears", Date=day.isoformat())
            found = next((year for year in rows if year.from_date <= day <= year.to_date), None)
            if found is None:
                raise BadData(
                    f"{day} lies in no fiscal year of Fortnox", do_this="Create the fiscal year in Fortnox, then retry."
                )
            self._years.append(found)
        return found

    def ledger(self) -> Ledger:
        """Chart, years, series and the closed period."""
        accounts = self._client.listed("Accounts", ChartRow, "accounts")
        years = self._client.listed("FinancialYears", Year, "financialyears")
        series = self._client.listed("VoucherSeriesCollection", Series, "voucherseries")
        locked = self._client.get(Locked, "settings", "lockedperiod")
        return Ledger(
            accounts=tuple(
                LedgerAccount(str(row.number), row.description, row.active, _BOXES.get(row.vat_code or "", ""))
                for row in accounts
            ),
            years=tuple((year.from_date, year.to_date) for year in years),
            series=tuple(row.code for row in series),
            locked_until=date.fromisoformat(locked.end_date) if locked and locked.end_date else None,
        )

    # ------------------------------------------------------------------------------------------------ files

    def upload(self, name: str, data: bytes) -> str:
        """A file in the inbox, unless one of that name lies there: we had died before we knew its id."""
        inbox = self._client.get(Inbox, "inbox")
        found = next((file for file in inbox.files if file.name == name), None) if inbox else None
        return (found or self._client.upload(File, "inbox", Upload(name, data, "application/pdf"))).id

    def attach(self, file: str, voucher: str, _on: date) -> None:
        """Hang the file on the voucher; Fortnox takes it out of the inbox then. The year goes beside the body: in it,
        Fortnox refuses it (seen by others)."""
        if self._client.get(Hung, "voucherfileconnections", file) is not None:
            return
        series, _, number = voucher.rpartition(" ")
        number, _, year = number.partition("/")
        data = {"FileId": file, "VoucherSeries": series, "VoucherNumber": number}
        self._client.post(Hung, f"voucherfileconnections?financialyear={year}", VoucherFileConnection=data)

    # ------------------------------------------------------------------------------------------------ the sub-ledger

    def _invoice(self, want: Want, record: Voucher) -> Done:
        """A sale on invoice is the order's invoice, booked; a refund is a credit invoice."""
        (line,) = _of_customers(record)
        if line.amount < 0:
            return self._credit(want, record, line)
        invoice = self._invoice_of(want, line.item)
        taken_of(f"Invoice {invoice.document_number}", invoice.total, record, line, want.key)
        self._book(invoice)
        return Done(external_id=invoice_id(invoice.external_id, record))

    def _invoice_of(self, want: Want, order: str) -> shapes.Invoice:
        """The order's invoice; it is made of the order where Fortnox has only that."""
        id_ = needed(want.ids, "order", order)
        number = id_.removeprefix("invoice-")
        if number == id_:
            document = self._client.get(shapes.SalesOrder, "orders", number)
            if document is None:
                raise Rejected(f"Order {number} is no longer in Fortnox", where=want.key)
            if shapes.is_number(document.invoice_reference):
                number = str(document.invoice_reference)
            else:
                made = self._client.change(shapes.Invoice, "orders", number, "createinvoice")
                number = made.document_number
        invoice = self._client.get(shapes.Invoice, "invoices", number)
        if invoice is None or invoice.cancelled:
            raise Rejected(f"Invoice {number} is cancelled or gone in Fortnox", where=want.key)
        return invoice

    def _book(self, invoice: shapes.Invoice) -> None:
        if not invoice.booked:
            self._client.put(shapes.Invoice, "invoices", invoice.document_number, "bookkeep")

    def _credit(self, want: Want, record: Voucher, line: VoucherLine) -> Done:
        """A free-standing credit invoice of the refund's rows: Fortnox links only one to an invoice (edge case 11)."""
        reference = _credit_reference(line.item, record.key)
        found = next((row for row in self._credits(line.item) if row.external_invoice_reference1 == reference), None)
        if found is None:
            of = self._invoice_of(want, line.item)
            whole = self._client.get(Credit, "invoices", of.document_number)
            assert whole is not None, "it was there a moment ago"
            data = {
                "CustomerNumber": whole.customer_no, "Currency": whole.currency, "VATIncluded": False,
                "YourOrderNumber": whole.your_order_number or "", "ExternalInvoiceReference1": reference,
                "InvoiceDate": record.date.isoformat(), "Remarks": f"Kredit av faktura {of.document_number}",
                "InvoiceRows": list(_credit_rows(record)),
            }  # fmt: skip
            found = self._client.post(shapes.Invoice, "invoices", Invoice={k: v for k, v in data.items() if v != ""})
        if abs(found.total - line.amount) > ROUNDED:
            raise Rejected(
                f"Fortnox counts {found.total} for credit invoice {found.document_number}, {line.amount} was paid back",
                where=want.key, existing=found.external_id,
            )  # fmt: skip
        self._book(found)
        return Done(external_id=found.external_id)

    def _credits(self, order: str) -> list[shapes.Invoice]:
        """Our credit invoices of an order; Fortnox' filter matches by beginning."""
        rows = self._client.listed("Invoices", shapes.Invoice, "invoices", externalinvoicereference1=f"{order}#"[:80])
        return [row for row in rows if not row.cancelled]

    def _payments(self, want: Want, record: Voucher) -> Done:
        """Each invoice that a statement closes gets its payment, to the provider's clearing account."""
        places = {line.party: line.account for line in record.lines if line.role != "receivable.invoice" and line.party}
        if extra := [line for line in record.lines if line.role != "receivable.invoice" and not line.party]:
            raise Unsupported(f"A payment of invoices cannot be booked on {extra[0].account}", where=want.key)
        numbers = []
        for line in _of_customers(record):
            invoice = self._invoice_of(want, line.item) if line.amount < 0 else self._credited(line)
            if not invoice.booked:
                raise Wait("voucher", f"{record.company}/invoice/{line.item}")
            numbers.append(self._pay(invoice.document_number, -line.amount, places[line.party], record.date))
        return Done(external_id=f"payment {numbers[0]}")

    def _credited(self, line: VoucherLine) -> shapes.Invoice:
        """The credit invoice that was paid back with this amount."""
        for row in self._credits(line.item):
            if abs(row.total + line.amount) <= ROUNDED:
                return row
        raise Wait("voucher", f"credit invoice of {line.item}")

    def _pay(self, invoice: str, amount: Decimal, account: str, on: date) -> str:
        rows = self._client.listed("InvoicePayments", Payment, "invoicepayments", invoicenumber=invoice)
        found = next((row for row in rows if row.amount == amount and row.payment_date == on), None)
        if found is None:
            data = {
                "InvoiceNumber": int(invoice), "Amount": amount, "PaymentDate": on.isoformat(),
                "ModeOfPaymentAccount": _account(account),
            }  # fmt: skip
            found = self._client.post(Payment, "invoicepayments", InvoicePayment=data)
        if not found.booked:
            self._client.put(Payment, "invoicepayments", found.number, "bookkeep")
        return found.number


def _fields(record: Voucher, reference: str) -> dict[str, Any]:
    rows = []
    for line in record.lines:
        side = {"Debit": line.amount} if line.amount > 0 else {"Credit": -line.amount}
        rows.append({"Account": _account(line.account), **side, **_objects(line.dimensions)})
        if line.text:
            rows[-1]["TransactionInformation"] = line.text[:100]
    return {
        "Description": record.text[:200], "TransactionDate": record.date.isoformat(), "VoucherSeries": record.series,
        "Comments": reference, "VoucherRows": rows,
    }  # fmt: skip


def _objects(dimensions: Mapping[str, str]) -> dict[str, str]:
    names = {"1": "CostCenter", "6": "Project"}
    if other := set(dimensions) - set(names):
        raise Unsupported(f"Fortnox has cost centres and projects only, no dimension {min(other)}")
    return {names[number]: value for number, value in dimensions.items()}


def _account(number: str) -> int:
    if not (number.isdecimal() and len(number) == 4):
        raise Unsupported(
            f"{number} is no account number of Fortnox", do_this="Give the role an account of four digits."
        )
    return int(number)


def _of_customers(record: Voucher) -> list[VoucherLine]:
    return [line for line in record.lines if line.role == "receivable.invoice"]


def _credit_rows(record: Voucher) -> Iterator[dict[str, Any]]:
    """The refund's sales, each with the VAT that stands beside it."""
    percents = {line.country: line.percent for line in record.lines if line.percent is not None}
    for line in record.lines:
        if line.percent is None and line.role != "receivable.invoice":
            percent = percents.get(line.country, ZERO) if line.role.startswith("sales.") else ZERO
            name = line.role.rpartition(".")[2].replace("_", ".")
            rate = Decimal(name) if line.role.startswith("sales.") and name.replace(".", "").isdecimal() else percent
            yield {
                "Description": line.name[:255] or record.text, "AccountNumber": _account(line.account),
                "DeliveredQuantity": "-1", "Price": line.amount, "VAT": rate or ZERO,
            }  # fmt: skip


def _credit_reference(order: str, key: str) -> str:
    return f"{order}#{digest(key)}"[:_LONGEST_REFERENCE]
