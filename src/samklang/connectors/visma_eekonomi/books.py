"""Vouchers into eEkonomi: as vouchers, and those of the sub-ledger as what eEkonomi makes itself (the order's invoice
booked, payments that close invoices)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial

from samklang.connectors.contract import Body, Done, Ledger, LedgerAccount, Match, Result, Want
from samklang.connectors.errors import BadData, Rejected, Unsupported, Wait, there
from samklang.connectors.kit.ledgers import INVOICES, invoice_id, taken_of
from samklang.connectors.kit.payments import short
from samklang.connectors.kit.writing import each, needed
from samklang.connectors.visma_eekonomi import map as shapes
from samklang.connectors.visma_eekonomi.client import Client, quoted
from samklang.records import Voucher, VoucherLine

_VOUCHER = 3  # of the kinds of document that a file can hang on
_RECEIVABLE = "receivable.invoice"


class Books:
    """Books in one company."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def vouchers(self, wants: Sequence[Want]) -> list[Result]:
        """Vouchers; cost centres and projects are looked up once, where any line names one."""
        used = any(isinstance(w.record, Voucher) and any(line.dimensions for line in w.record.lines) for w in wants)
        objects = self._objects() if used else {}
        return each(partial(self._voucher, objects), wants, self._client.transport)

    def _voucher(self, objects: Mapping[tuple[str, str], tuple[str, str]], want: Want, record: Voucher) -> Done:
        """One voucher, once: it can never be changed."""
        if want.external_id:
            return Done(external_id=want.external_id)
        if record.source in INVOICES:
            return self._invoice(want, record)
        closes = record.source == "invoice_payment"
        rows = [self._row(objects, want, line, closes) for line in record.lines]
        series = {"NumberSeries": record.series} if record.series else {}
        body = {"VoucherDate": record.date.isoformat(), "VoucherText": _text(record), "Rows": rows, **series}
        asked = {"useAutomaticVatCalculation": "false", "useDefaultVatCodes": "true"}
        asked["useDefaultVoucherSeries"] = "false" if record.series else "true"
        path = "paymentvoucher" if closes else "vouchers"
        made = self._client.post(shapes.Booked, path, body=body, **asked)
        return Done(external_id=made.number or made.id)

    def find_voucher(self, want: Want, record: Voucher, by: str) -> list[Match]:
        """A voucher by its text, which holds its key."""
        if by != "reference" or record.source in INVOICES:
            return []
        text = _text(record)
        rows = self._client.listed(shapes.Booked, "vouchers", filter=f"VoucherText eq {quoted(text)}")
        return [Match(external_id=row.number or row.id, by=by) for row in rows if row.voucher_text == text]

    def ledger(self) -> Ledger:
        """Chart, years and the closed period; eEkonomi's API lists no series."""
        years = self._client.listed(shapes.Year, "fiscalyears")
        newest = max((year.end_date for year in years), default="")
        rows = self._client.listed(shapes.ChartRow, "accounts")
        current = {year.id for year in years if year.end_date == newest}
        company = self._client.company()
        locked = (company.accounting_locked_to or "")[:10] if company else ""
        return Ledger(
            accounts=tuple(
                LedgerAccount(row.number, row.name, row.is_active) for row in rows if row.fiscal_year_id in current
            ),
            years=tuple(
                (_day(year.start_date), _day(year.end_date)) for year in sorted(years, key=lambda y: y.end_date)
            ),
            locked_until=_day(locked) if locked else None,
        )

    # ------------------------------------------------------------------------------------------------ files

    def upload(self, name: str, data: bytes) -> str:
        """A file among those of no document, unless one of that name is there: we had died before we knew its id."""
        rows = self._client.listed(
            shapes.Attachment, "attachments", filter=f"FileName eq {quoted(name)}", includeMatched="false",
            includeTemporaryUrl="false",
        )  # fmt: skip
        found = next((row for row in rows if row.file_name == name), None)
        if found is None:
            body = {"FileName": name, "ContentType": "application/pdf", "Data": b64encode(data).decode()}
            found = self._client.post(shapes.Attachment, "attachments", body=body)
        return found.id

    def attach(self, file: str, voucher: str, on: date) -> None:
        """Hang the file on the voucher; its number is one of its year."""
        found = self._client.get(shapes.Attachment, "attachments", file)
        if found is not None and found.document_id:
            return
        rows = self._client.listed(shapes.Booked, "vouchers", filter=f"NumberAndNumberSeries eq {quoted(voucher)}")
        id_ = next((row.id for row in rows if row.number == voucher and _day(row.voucher_date) == on), voucher)
        body: Body = {"DocumentId": id_, "DocumentType": _VOUCHER, "AttachmentIds": [file]}
        self._client.post(shapes.Links, "attachmentlinks", body=body)

    # ------------------------------------------------------------------------------------------------ rows

    def _row(
        self, objects: Mapping[tuple[str, str], tuple[str, str]], want: Want, line: VoucherLine, closes: bool
    ) -> Body:
        if not line.account.isdecimal():
            raise BadData(f"{line.account!r} is no account number", where=want.key)
        row: Body = {"AccountNumber": int(line.account)}
        row["DebitAmount" if line.amount > 0 else "CreditAmount"] = abs(line.amount)
        if line.text:
            row["TransactionText"] = line.text[:50]
        if closes and line.role == _RECEIVABLE:
            row["ReceivableId"] = self._paid(want, line)
        for name in line.dimensions.items():
            if name not in objects:
                raise BadData(
                    f"eEkonomi has no {'project' if name[0] == '6' else 'cost centre'} {name[1]!r}", where=want.key,
                    do_this="Make it in eEkonomi, or correct the channel's dimensions.",
                )  # fmt: skip
            field, id_ = objects[name]
            row[field] = id_
        return row

    def _objects(self) -> dict[tuple[str, str], tuple[str, str]]:
        """(dimension, object) → the row's field and eEkonomi's id: 1 a cost centre by its short name, 6 a project."""
        found: dict[tuple[str, str], tuple[str, str]] = {}
        for centre in self._client.listed(shapes.CostCentre, "costcenters"):
            for item in centre.items or []:
                found["1", item.short_name] = f"CostCenterItemId{centre.number}", item.id
        for project in self._client.listed(shapes.Project, "projects"):
            found["6", project.number] = "ProjectId", project.id
        return found

    # ------------------------------------------------------------------------------------------------ the sub-ledger

    def _invoice(self, want: Want, record: Voucher) -> Done:
        """A sale on invoice is the order's own invoice, booked. A refund is a credit that only a person can make."""
        (line,) = [line for line in record.lines if line.role == _RECEIVABLE]
        if line.amount < 0:
            raise Unsupported(
                f"eEkonomi's API makes no credit invoice of amounts: credit {-line.amount} of order {line.item}",
                where=want.key, do_this="Credit the order's invoice in eEkonomi, then mark this as done.",
            )  # fmt: skip
        id_ = needed(want.ids, "order", line.item)
        invoice = self._invoice_of(line.item, id_) or self._made_of(want, record, line, id_)
        taken_of(f"The invoice of order {line.item}", invoice.total, record, line, want.key)
        return Done(external_id=invoice_id(f"invoice-{invoice.id}", record))

    def _invoice_of(self, order: str, id_: str) -> shapes.Invoice | None:
        """The order's booked invoice, however it came to be; None while there is none."""
        kind, id_ = shapes.parted(id_)
        if kind == "invoice":
            return self._client.get(shapes.Invoice, "customerinvoices", id_)
        of_draft = f"BuyersOrderReference eq {quoted(shapes.reference(order))}"
        text = of_draft if kind == "draft" else f"CreatedFromOrderId eq {id_}"
        rows = self._client.listed(shapes.Invoice, "customerinvoices", filter=text)
        return next((row for row in rows if not row.is_credit_invoice), None)

    def _made_of(self, want: Want, record: Voucher, line: VoucherLine, id_: str) -> shapes.Invoice:
        """The invoice of a draft or of an order, booked now."""
        kind, id_ = shapes.parted(id_)
        if not kind:
            gone = Rejected("The order is no longer in eEkonomi", where=want.key)
            order = there(self._client.get(shapes.SalesOrder, "orders", id_), gone)
            taken_of(f"Order {line.item}", order.gross, record, line, want.key)
            return self._client.post(shapes.Invoice, "orders", id_, "convert")
        gone = Rejected("The invoice draft is no longer in eEkonomi", where=want.key)
        now = there(self._client.get(shapes.Draft, "customerinvoicedrafts", id_), gone)
        taken_of(f"The invoice of order {line.item}", now.gross, record, line, want.key)
        total = {"TotalAmountInvoiceCurrency": now.gross}
        keep = {"keepOriginalDraftDate": "true", "overrideCompanyKeepOriginalDraftDate": "true"}
        return self._client.post(shapes.Invoice, "customerinvoicedrafts", id_, "convert", body=total, **keep)

    def _paid(self, want: Want, line: VoucherLine) -> str:
        """The id of the invoice that this line closes; Wait until it is booked."""
        if line.amount > 0:
            raise Unsupported(
                f"The credit invoice of order {line.item} must be settled by hand", where=want.key,
                do_this="Match the repayment with the credit invoice in eEkonomi, then mark this as done.",
            )  # fmt: skip
        invoice = self._invoice_of(line.item, needed(want.ids, "order", line.item))
        return there(invoice, Wait("voucher", f"invoice of {line.item}")).id


def _text(record: Voucher) -> str:
    """The text, with the voucher's key at its end: by it the voucher is found again."""
    return f"{record.text[:800]} [{short(record.key, 190)}]"


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])
