"""Wanted records into Fortnox, and the search for records that may be there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from samklang.connectors.contract import Done, Match, Part, Result, Want
from samklang.connectors.errors import Rejected, SamklangError, Unsupported, Wait, there
from samklang.connectors.fortnox import map as shapes
from samklang.connectors.fortnox.client import Client
from samklang.connectors.fortnox.read import Reader
from samklang.connectors.kit.finding import agrees, org_no_spellings
from samklang.connectors.kit.ledgers import taken_back
from samklang.connectors.kit.writing import each, needed
from samklang.records import Customer, Order, Price, PriceList, Product, StockLevel, Variant
from samklang.records.ids import gtin_key, sku_key
from samklang.records.money import ZERO, rounded

D = TypeVar("D", bound=shapes.SalesDocument)

_FROZEN = "Credit or correct it in Fortnox, or take the change back at the source."


class Writer:
    """Writes to one company."""

    def __init__(self, client: Client, reader: Reader, settings: Mapping[str, Any]) -> None:
        self.client = client
        self.reader = reader
        self.settings = settings

    # ------------------------------------------------------------------------------------------------ catalogue

    def product(self, want: Want, record: Product) -> Done:
        """Every variant as an article of its own."""
        rows = [self._article(want, record, variant) for variant in record.variants]
        parts = tuple(Part("variant", v.key, row.article_number) for v, row in zip(record.variants, rows, strict=True))
        if len(rows) > 1:
            return Done(external_id=record.code, parts=parts)
        seen = self.reader.product_item(rows[0], rows[0].active is not False).record
        return Done(external_id=parts[0].external_id, parts=parts, seen=seen)

    def _article(self, want: Want, record: Product, variant: Variant) -> shapes.Article:
        known = want.ids.get(("variant", variant.key))
        fields = want.fields if known else None
        data = shapes.article_fields(record, variant, fields, self.reader.today())
        if known:
            return self.client.change(shapes.Article, "articles", known, Article=data)
        if len(variant.sku) > 50:
            raise Unsupported(f"Fortnox' article numbers have at most 50 characters: {variant.sku}", where=want.key)
        new = {"ArticleNumber": variant.sku, "Type": "STOCK", "StockGoods": variant.track_stock, **data}
        try:
            return self.client.post(shapes.Article, "articles", Article=new)
        except Rejected as refused:
            # The code of "number is taken" is not documented, so it is looked up instead.
            if self.client.get(shapes.Article, "articles", variant.sku) is None:
                raise
            if not want.external_id and not want.doubt:
                refused.existing = variant.sku if len(record.variants) == 1 else record.code
                raise
            return self.client.change(shapes.Article, "articles", variant.sku, Article=data)

    def prices(self, wants: Sequence[Want]) -> list[Result]:
        """Prices; the lists are looked up once. The empty name is the preselected list."""
        lists = self.reader.price_lists()
        codes = {row.description.strip(): row.code for row in lists}
        codes[""] = next((row.code for row in lists if row.pre_selected), "A")
        return each(partial(self._price, codes), wants, self.client.transport)

    def _price(self, codes: Mapping[str, str], want: Want, record: Price) -> Done:
        article = needed(want.ids, "variant", sku_key(record.sku))
        if record.currency != "SEK":
            raise Unsupported(f"A price in Fortnox is in SEK, not {record.currency}", where=want.key)
        name = record.price_list.strip()
        code = there(codes.get(name), Wait("price_list", name))
        step = 0 if record.min_qty <= 1 else record.min_qty
        amount = rounded(record.on_side(self.reader.gross), "SEK")
        data = {"ArticleNumber": article, "PriceList": code, "FromQuantity": step, "Price": amount}
        if self.client.put(shapes.Step, "prices", code, article, str(step), Price=data) is None:
            self.client.post(shapes.Step, "prices", Price=data)
        return Done()

    def price_list(self, want: Want, record: PriceList) -> Done:
        """A price list; only its name can be changed."""
        if want.external_id:
            self.client.put(shapes.NamedList, "pricelists", want.external_id, PriceList={"Description": record.name})
            return Done(external_id=want.external_id)
        code = record.code or "".join(c for c in record.name.upper() if c.isalnum())
        made = self.client.post(shapes.NamedList, "pricelists", PriceList={"Code": code, "Description": record.name})
        return Done(external_id=made.code)

    def stock(self, wants: Sequence[Want]) -> list[Result]:
        """What lies on the shelf, where no warehouse module keeps it."""
        return each(partial(self._stock, self.client.warehouse()), wants, self.client.transport)

    def _stock(self, warehouse: bool, want: Want, record: StockLevel) -> Done:
        if warehouse:
            raise Unsupported("Fortnox' warehouse module keeps the stock; it changes by delivery documents only")
        article = needed(want.ids, "variant", sku_key(record.sku))
        # Fortnox takes its own reservations off itself, so it is given what lies on the shelf.
        data = {"QuantityInStock": max(ZERO, record.on_hand - record.unavailable)}
        return Done(seen=shapes.stock(self.client.change(shapes.Article, "articles", article, Article=data)))

    def customer(self, want: Want, record: Customer) -> Done:
        """A customer, with our reference."""
        codes = {name: code for code, name in self.reader.names().items() if name} if record.price_list else {}
        data = shapes.customer_fields(record, want.reference, codes.get(record.price_list.strip(), ""))
        if want.external_id:
            row = self.client.change(shapes.Person, "customers", want.external_id, Customer=data)
        else:
            row = self.client.post(shapes.Person, "customers", Customer=data)
        return Done(external_id=row.customer_no, seen=self.reader.person(row))

    # ------------------------------------------------------------------------------------------------ orders

    def order(self, want: Want, record: Order) -> Done:
        """An order, or with the option `document` = invoice an invoice, booked with `book`."""
        if len(want.reference) > 80:
            raise Unsupported("Fortnox holds a reference of at most 80 characters", where=want.key)
        number = want.external_id.removeprefix("invoice-")
        invoice = number != want.external_id if want.external_id else want.options.get("document") == "invoice"
        kind: tuple[str, str, type[shapes.SalesDocument]] = (
            ("invoices", "Invoice", shapes.Invoice) if invoice else ("orders", "Order", shapes.SalesOrder)
        )
        if not number and record.lifecycle == "cancelled":
            return Done()  # cancelled before it ever came here
        made = self._changed(want, record, number, kind) if number else self._created(want, record, kind)
        if isinstance(made, shapes.Invoice) and want.options.get("book") and not made.frozen:
            try:
                self.client.put(shapes.Invoice, "invoices", made.document_number, "bookkeep")
            except SamklangError as error:
                # The invoice stands: the hub must bind to it, whatever became of the booking.
                raise Rejected(
                    f"Invoice {made.document_number} stands, but was not booked: {error.what}",
                    where=want.key, do_this=error.do_this, remote=error.remote, existing=made.external_id,
                ) from error  # fmt: skip
        return Done(external_id=made.external_id)

    def _created(self, want: Want, record: Order, kind: tuple[str, str, type[D]]) -> D:
        path, wrap, as_ = kind
        made = self.client.post(as_, path, **{wrap: self._document(want, record, wrap)})
        if made.total == record.gross:
            return made
        cancel = partial(self.client.put, as_, path, made.document_number, "cancel")
        raise taken_back(_disagrees(want, record, made, wrap), cancel, made.external_id)

    def _changed(self, want: Want, record: Order, number: str, kind: tuple[str, str, type[D]]) -> D:
        path, wrap, as_ = kind
        gone = Rejected(f"{wrap} {number} is no longer in Fortnox", where=want.key)
        now = there(self.client.get(as_, path, number), gone)
        if record.lifecycle == "cancelled" and now.cancelled:
            return now
        same = record.lifecycle != "cancelled" and now.total == record.gross
        if now.cancelled or (now.frozen and not same):
            stands = "cancelled" if now.cancelled else "delivered, invoiced or booked"
            raise Rejected(f"{wrap} {number} is {stands} in Fortnox", where=want.key, do_this=_FROZEN)
        if now.frozen:
            return now
        if record.lifecycle == "cancelled":
            return self.client.change(as_, path, number, "cancel")
        made = self.client.change(as_, path, number, **{wrap: self._document(want, record, wrap)})
        if made.total != record.gross:
            raise _disagrees(want, record, made, wrap)
        return made

    def _document(self, want: Want, record: Order, wrap: str) -> dict[str, Any]:
        return shapes.document_fields(record, want.ids, want.reference, {**self.settings, **want.options}, wrap)

    # ------------------------------------------------------------------------------------------------ search
    # Fortnox' filters match by beginning, so hits are compared.

    def find_product(self, want: Want, record: Product, by: str) -> list[Match]:
        """Articles by number or GTIN; the variants of one product are one match."""
        rows: list[shapes.Article] = []
        if by == "sku":
            got = (self.client.get(shapes.Article, "articles", variant.sku) for variant in record.variants)
            rows = [row for row in got if row]
        elif by == "gtin":
            codes = [code for variant in record.variants for code in variant.gtin if gtin_key(code)]
            listed = (self.client.listed("Articles", shapes.Article, "articles", ean=code) for code in codes)
            rows = [row for code, some in zip(codes, listed, strict=True) for row in some if row.ean == code]
        items = [self.reader.product_item(row, row.active is not False) for row in rows]
        if len(record.variants) == 1:
            return [Match(external_id=i.external_id, by=by, record=i.record, parts=i.parts) for i in items]
        parts = tuple(part for item in items for part in item.parts)
        return [Match(external_id=record.code, by=by, parts=parts)] if parts else []

    def find_customer(self, want: Want, record: Customer, by: str) -> list[Match]:
        """Customers by our reference, number, organisation number or e-mail."""
        rows: list[shapes.Person] = []
        if by == "reference" and want.reference:
            query = {"email": record.email} if record.email else {"name": record.name}
            whole = (self.client.get(shapes.Person, "customers", row.customer_no) for row in self._customers(**query))
            rows = [row for row in whole if row and row.external_reference == want.reference]
        elif by == "customer_no" and record.customer_no:
            row = self.client.get(shapes.Person, "customers", record.customer_no)
            rows = [row] if row else []
        elif by == "org_no" and record.org_no:  # stored with or without the dash
            for number in org_no_spellings(record.org_no):
                rows = rows or self._customers(organisationnumber=number)
        elif by == "email" and record.email:
            rows = self._customers(email=record.email)
        return [
            Match(external_id=row.customer_no, by=by, record=self.reader.person(row))
            for row in rows
            if by == "reference" or agrees(by, record, [getattr(row, by)])
        ]

    def _customers(self, **query: str) -> list[shapes.Person]:
        return self.client.listed("Customers", shapes.Person, "customers", **query)

    def find_order(self, want: Want, record: Order, by: str) -> list[Match]:
        """Orders and invoices of our reference; cancelled ones are none, and an order hides its own invoice.

        One that is only half done (not booked, or of another total) is said to match by something less than the
        reference, so that the hub does not take it as delivered but writes it.
        """
        kinds: tuple[tuple[str, str, type[shapes.SalesDocument]], ...] = (
            ("orders", "Orders", shapes.SalesDocument),
            ("invoices", "Invoices", shapes.Invoice),
        )
        for path, name, as_ in kinds if by == "reference" and want.reference else ():
            heads = self.client.listed(name, as_, path, externalinvoicereference1=want.reference)
            found = [h for h in heads if h.external_invoice_reference1 == want.reference and not h.cancelled]
            for head in found:
                unbooked = isinstance(head, shapes.Invoice) and want.options.get("book") and not head.booked
                if unbooked or head.total != record.gross:
                    by = "reference of an unfinished one"
            if found:
                return [Match(external_id=head.external_id, by=by) for head in found]
        return []

    def find_price_list(self, want: Want, record: PriceList, by: str) -> list[Match]:
        """A price list by its name."""
        lists = self.reader.price_lists() if by == "name" else []
        return [Match(external_id=row.code, by=by) for row in lists if row.description.strip() == record.key]


def _disagrees(want: Want, record: Order, made: shapes.SalesDocument, wrap: str) -> Rejected:
    return Rejected(
        f"Fortnox counts {made.total} for {wrap} {made.document_number}, the buyer's total is {record.gross}",
        where=want.key,
        do_this="Switch rounding to whole kronor (öresutjämning) off in Fortnox, check its VAT rates, then retry.",
    )
