"""Wanted records into Fortnox, and the search for records that may be there already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from samklang.connectors.contract import Done, Match, Part, Result, Want
from samklang.connectors.errors import Rejected, SamklangError, Unsupported, Wait, bad_data
from samklang.connectors.fortnox import map as shapes
from samklang.connectors.fortnox.client import Client
from samklang.connectors.fortnox.read import Reader
from samklang.records import Customer, InvalidRecord, Order, Price, PriceList, Product, StockLevel, Variant
from samklang.records.ids import email_key, gtin_key, org_no_key, sku_key
from samklang.records.money import ZERO

D = TypeVar("D", bound=shapes.SalesDocument)

_FROZEN = "Credit or correct it in Fortnox, or take the change back at the source."


class Writer:
    """Writes to one company."""

    def __init__(self, client: Client, reader: Reader, settings: Mapping[str, Any]) -> None:
        self.client = client
        self.reader = reader
        self.settings = settings

    def write(self, type_: str, wants: Sequence[Want]) -> list[Result]:
        """One result per want. Nothing is raised once a call has been made: what was done must not be forgotten."""
        if type_ == "price":
            work: Callable[[Want], Done] = partial(self._price, self._codes())
        elif type_ == "stock":
            work = partial(self._stock, self.client.warehouse())
        else:
            kinds: Mapping[str, Callable[[Want], Done]] = {
                "product": self._product, "price_list": self._price_list, "customer": self._customer,
                "order": self._order,
            }  # fmt: skip
            work = kinds[type_]

        def one(want: Want) -> Result:
            try:
                return work(want)
            except InvalidRecord as error:
                return bad_data(error, want.key)
            except SamklangError as error:
                return error

        return list(self.client.transport.overlap(partial(one, want) for want in wants))

    # ------------------------------------------------------------------------------------------------ catalogue

    def _product(self, want: Want) -> Done:
        record = want.record
        assert isinstance(record, Product)
        parts, seen = [], None
        for variant in record.variants:
            row = self._article(want, record, variant)
            parts.append(Part("variant", variant.key, row.article_number))
            if len(record.variants) == 1:
                seen = self.reader.product_item(row, row.active is not False).record
        simple = len(record.variants) == 1
        return Done(external_id=parts[0].external_id if simple else record.code, parts=tuple(parts), seen=seen)

    def _article(self, want: Want, record: Product, variant: Variant) -> shapes.Article:
        known = want.ids.get(("variant", variant.key))
        fields = want.fields if known else None
        data = shapes.article_fields(record, variant, fields, self.reader.today())
        if known:
            row = self.client.put(shapes.Article, "articles", known, Article=data)
            if row is None:
                raise Rejected(f"Article {known} is no longer in Fortnox", where=variant.sku)
            return row
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
            row = self.client.put(shapes.Article, "articles", variant.sku, Article=data)
            if row is None:
                raise
            return row

    def _codes(self) -> dict[str, str]:
        """Price list name → code; the empty name is the preselected list."""
        lists = self.reader.price_lists()
        codes = {row.description.strip(): row.code for row in lists}
        codes[""] = next((row.code for row in lists if row.pre_selected), "A")
        return codes

    def _price(self, codes: Mapping[str, str], want: Want) -> Done:
        record = want.record
        assert isinstance(record, Price)
        article = want.ids.get(("variant", sku_key(record.sku)))
        if not article:
            raise Wait("variant", sku_key(record.sku))
        if record.currency != "SEK":
            raise Unsupported(f"A price in Fortnox is in SEK, not {record.currency}", where=want.key)
        code = codes.get(record.price_list.strip())
        if code is None:
            raise Wait("price_list", record.price_list.strip())
        step = 0 if record.min_qty <= 1 else record.min_qty
        amount = shapes.ore(record.on_side(self.reader.gross))
        data = {"ArticleNumber": article, "PriceList": code, "FromQuantity": step, "Price": amount}
        if self.client.put(shapes.Step, "prices", code, article, str(step), Price=data) is None:
            self.client.post(shapes.Step, "prices", Price=data)
        return Done()

    def _price_list(self, want: Want) -> Done:
        record = want.record
        assert isinstance(record, PriceList)
        if want.external_id:
            self.client.put(shapes.NamedList, "pricelists", want.external_id, PriceList={"Description": record.name})
            return Done(external_id=want.external_id)
        code = record.code or "".join(c for c in record.name.upper() if c.isalnum())
        made = self.client.post(shapes.NamedList, "pricelists", PriceList={"Code": code, "Description": record.name})
        return Done(external_id=made.code)

    def _stock(self, warehouse: bool, want: Want) -> Done:
        record = want.record
        assert isinstance(record, StockLevel)
        if warehouse:
            raise Unsupported("Fortnox' warehouse module keeps the stock; it changes by delivery documents only")
        article = want.ids.get(("variant", sku_key(record.sku)))
        if not article:
            raise Wait("variant", sku_key(record.sku))
        # Fortnox takes its own reservations off itself, so it is given what lies on the shelf.
        quantity = max(ZERO, record.on_hand - record.unavailable)
        row = self.client.put(shapes.Article, "articles", article, Article={"QuantityInStock": quantity})
        if row is None:
            raise Rejected(f"Article {article} is no longer in Fortnox", where=want.key)
        return Done(seen=shapes.stock(row))

    # ------------------------------------------------------------------------------------------------ customers

    def _customer(self, want: Want) -> Done:
        record = want.record
        assert isinstance(record, Customer)
        data = shapes.customer_fields(record, want.reference)
        if want.external_id:
            row = self.client.put(shapes.Person, "customers", want.external_id, Customer=data)
            if row is None:
                raise Rejected(f"Customer {want.external_id} is no longer in Fortnox", where=want.key)
        else:
            row = self.client.post(shapes.Person, "customers", Customer=data)
        return Done(external_id=row.customer_number, seen=shapes.customer(row, self.reader.details))

    # ------------------------------------------------------------------------------------------------ orders

    def _order(self, want: Want) -> Done:
        """An order, or with the option `document` = invoice an invoice, booked with `book`."""
        record = want.record
        assert isinstance(record, Order)
        if len(want.reference) > 80:
            raise Unsupported("Fortnox holds a reference of at most 80 characters", where=want.key)
        number = want.external_id.removeprefix("invoice-")
        invoice = number != want.external_id if want.external_id else want.options.get("document") == "invoice"
        kind: tuple[str, str, type[shapes.SalesDocument]] = (
            ("invoices", "Invoice", shapes.Invoice) if invoice else ("orders", "Order", shapes.SalesOrder)
        )
        made = self._changed(want, record, number, kind) if number else self._created(want, record, kind)
        if made is None:
            return Done()
        external_id = made.external_id
        if isinstance(made, shapes.Invoice) and want.options.get("book") and not (made.booked or made.cancelled):
            try:
                self.client.put(shapes.Invoice, "invoices", made.document_number, "bookkeep")
            except (
                SamklangError
            ) as error:  # the invoice stands: the hub must bind to it, whatever became of the booking
                raise Rejected(
                    f"Invoice {made.document_number} stands, but was not booked: {error.what}",
                    where=want.key, do_this=error.do_this, remote=error.remote, existing=external_id,
                ) from error  # fmt: skip
        return Done(external_id=external_id)

    def _created(self, want: Want, record: Order, kind: tuple[str, str, type[D]]) -> D | None:
        if record.lifecycle == "cancelled":
            return None  # cancelled before it ever came here
        path, wrap, as_ = kind
        made = self.client.post(as_, path, **{wrap: self._document(want, record, wrap)})
        if made.total == record.gross:
            return made
        refused = self._disagrees(want, record, made, wrap)
        try:  # a wrong one helps nobody, and the next try starts anew
            self.client.put(as_, path, made.document_number, "cancel")
        except SamklangError as error:
            refused.existing = made.external_id  # it stands: the next try must find it
            raise refused from error
        raise refused

    def _changed(self, want: Want, record: Order, number: str, kind: tuple[str, str, type[D]]) -> D:
        path, wrap, as_ = kind
        now = self.client.get(as_, path, number)
        if now is None:
            raise Rejected(f"{wrap} {number} is no longer in Fortnox", where=want.key)
        if record.lifecycle == "cancelled":
            if not now.cancelled and now.frozen:
                raise Rejected(f"{wrap} {number} is delivered, invoiced or booked", where=want.key, do_this=_FROZEN)
            return now if now.cancelled else self.client.put(as_, path, number, "cancel") or now
        if now.cancelled or (now.frozen and now.total != record.gross):
            stands = "cancelled" if now.cancelled else "delivered, invoiced or booked"
            raise Rejected(f"{wrap} {number} is {stands} in Fortnox", where=want.key, do_this=_FROZEN)
        if now.frozen:
            return now
        made = self.client.put(as_, path, number, **{wrap: self._document(want, record, wrap)}) or now
        if made.total != record.gross:
            raise self._disagrees(want, record, made, wrap)
        return made

    def _document(self, want: Want, record: Order, wrap: str) -> dict[str, Any]:
        return shapes.document_fields(record, want.ids, want.reference, self.settings, wrap)

    def _disagrees(self, want: Want, record: Order, made: shapes.SalesDocument, wrap: str) -> Rejected:
        return Rejected(
            f"Fortnox counts {made.total} for {wrap} {made.document_number}, the buyer's total is {record.gross}",
            where=want.key,
            do_this="Switch rounding to whole kronor (öresutjämning) off in Fortnox, check its VAT rates, then retry.",
        )

    # ------------------------------------------------------------------------------------------------ search

    def find(self, type_: str, wants: Sequence[Want], match: Sequence[str]) -> list[list[Match]]:
        """By our reference, else by the fields of `match`. Fortnox' filters match by beginning: hits are compared."""
        look: Callable[[Want, str], list[Match]] = {
            "product": self._find_product, "customer": self._find_customer, "order": self._find_order,
            "price_list": self._find_price_list,
        }[type_]  # fmt: skip

        def one(want: Want) -> list[Match]:
            for field in (*(("reference",) if want.reference else ()), *match):
                if found := look(want, field):
                    return found
            return []

        return list(self.client.transport.overlap(partial(one, want) for want in wants))

    def _find_product(self, want: Want, by: str) -> list[Match]:
        record = want.record
        assert isinstance(record, Product)
        rows: list[shapes.Article] = []
        if by == "sku":
            got = (self.client.get(shapes.Article, "articles", variant.sku) for variant in record.variants)
            rows = [row for row in got if row]
        elif by == "gtin":
            codes = {code: gtin_key(code) for variant in record.variants for code in variant.gtin}
            rows = [
                row for code, key in codes.items() if key
                for row in self.client.listed(shapes.Article, "Articles", "articles", ean=code) if row.ean == code
            ]  # fmt: skip
        items = [self.reader.product_item(row, row.active is not False) for row in rows]
        if len(record.variants) == 1:
            return [Match(external_id=i.external_id, by=by, record=i.record, parts=i.parts) for i in items]
        parts = tuple(part for item in items for part in item.parts)
        return [Match(external_id=record.code, by=by, parts=parts)] if parts else []

    def _find_customer(self, want: Want, by: str) -> list[Match]:
        record = want.record
        assert isinstance(record, Customer)
        rows: list[shapes.Person] = []
        if by == "reference":
            query = {"email": record.email} if record.email else {"name": record.name}
            listed = self.client.listed(shapes.Person, "Customers", "customers", **query)
            whole = (self.client.get(shapes.Person, "customers", row.customer_number) for row in listed)
            rows = [row for row in whole if row and row.external_reference == want.reference]
        elif by == "customer_no" and record.customer_no:
            row = self.client.get(shapes.Person, "customers", record.customer_no)
            rows = [row] if row else []
        elif by == "org_no" and record.org_no:
            wanted = org_no_key(record.org_no)
            for number in dict.fromkeys((shapes.dashed(record.org_no), wanted)):  # stored with or without the dash
                rows = rows or self.client.listed(shapes.Person, "Customers", "customers", organisationnumber=number)
            rows = [row for row in rows if org_no_key(row.organisation_number or "") == wanted]
        elif by == "email" and record.email:
            rows = self.client.listed(shapes.Person, "Customers", "customers", email=record.email)
            rows = [row for row in rows if email_key(row.email or "") == email_key(record.email)]
        return [
            Match(external_id=row.customer_number, by=by, record=shapes.customer(row, self.reader.details))
            for row in rows
        ]

    def _find_order(self, want: Want, by: str) -> list[Match]:
        """Orders and invoices of our reference; cancelled ones are none, and an order hides its own invoice.

        One that is only half done (not booked, or of another total) is said to match by something less than the
        reference, so that the hub does not take it as delivered but writes it.
        """
        record = want.record
        assert isinstance(record, Order)
        kinds: tuple[tuple[str, str, type[shapes.SalesDocument]], ...] = (
            ("orders", "Orders", shapes.SalesDocument),
            ("invoices", "Invoices", shapes.Invoice),
        )
        for path, name, as_ in kinds if by == "reference" else ():
            heads = self.client.listed(as_, name, path, externalinvoicereference1=want.reference)
            found = [h for h in heads if h.external_invoice_reference1 == want.reference and not h.cancelled]
            for head in found:
                unbooked = isinstance(head, shapes.Invoice) and want.options.get("book") and not head.booked
                if unbooked or head.total != record.gross:
                    by = "reference of an unfinished one"
            if found:
                return [Match(external_id=head.external_id, by=by) for head in found]
        return []

    def _find_price_list(self, want: Want, by: str) -> list[Match]:
        record = want.record
        assert isinstance(record, PriceList)
        lists = self.reader.price_lists() if by == "name" else []
        return [Match(external_id=row.code, by=by) for row in lists if row.description.strip() == record.key]
