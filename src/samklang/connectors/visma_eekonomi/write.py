"""Wanted records into eEkonomi, and the search for records that may be there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

import msgspec

from samklang.connectors.contract import Body, Done, Match, Part, Result, Want
from samklang.connectors.errors import BadData, Misconfigured, Rejected, Unsupported, there
from samklang.connectors.kit.finding import agrees, org_no_spellings
from samklang.connectors.kit.ledgers import taken_back
from samklang.connectors.kit.writing import each, needed
from samklang.connectors.visma_eekonomi import map as shapes
from samklang.connectors.visma_eekonomi.client import Client, quoted
from samklang.connectors.visma_eekonomi.read import Reader
from samklang.records import Customer, Order, Price, Product, StockLevel, Variant
from samklang.records.ids import sku_key
from samklang.records.money import ZERO, rounded
from samklang.records.vat import rates

S = TypeVar("S", bound=msgspec.Struct)

_FROZEN = "Credit or correct it in eEkonomi, or take the change back at the source."


class Writer:
    """Writes to one company."""

    def __init__(self, client: Client, reader: Reader, settings: Mapping[str, Any]) -> None:
        self.client = client
        self.reader = reader
        self.settings = settings

    # ------------------------------------------------------------------------------------------------ catalogue

    def products(self, wants: Sequence[Want]) -> list[Result]:
        """Every variant as an article of its own; categories and units are looked up once."""
        codings = self.client.listed(shapes.Coding, "articleaccountcodings")
        units = {(row.abbreviation or "").lower(): row.id for row in self.client.listed(shapes.Unit, "units")}
        return each(partial(self._product, codings, units), wants, self.client.transport)

    def _product(self, codings: Sequence[shapes.Coding], units: Mapping[str, str], want: Want, record: Product) -> Done:
        percent = rates.percent("SE", record.tax_class, self.reader.today())
        coding = self._coding(codings, percent, all(not variant.track_stock for variant in record.variants))
        rows = [self._article(want, record, variant, coding, units) for variant in record.variants]
        parts = tuple(Part("variant", v.key, row.id) for v, row in zip(record.variants, rows, strict=True))
        if len(rows) > 1:
            return Done(external_id=record.code, parts=parts)
        percents = {row.id: row.vat_rate_percent for row in codings}
        (seen,) = self.reader.product_items(percents, rows[0])
        return Done(external_id=rows[0].id, parts=parts, seen=seen.record)

    def _coding(self, codings: Sequence[shapes.Coding], percent: Decimal, service: bool) -> str:
        """The sales category of this VAT rate: the first active one for goods, or for services."""
        fitting = [row for row in codings if row.vat_rate_percent == percent and row.is_active is not False]
        kind = "service" if service else "goods"
        first = next((row for row in fitting if (row.type or "").lower() == kind), None) or next(iter(fitting), None)
        none = BadData(f"eEkonomi has no sales category of {percent} % VAT", do_this="Make one there, then retry.")
        return there(first, none).id

    def _article(
        self, want: Want, record: Product, variant: Variant, coding: str, units: Mapping[str, str]
    ) -> shapes.Article:
        known = want.ids.get(("variant", variant.key))
        data = shapes.article_fields(record, variant, want.fields if known else None, coding)
        if known:
            return self._change_article(known, data)
        if len(variant.sku) > 40:
            raise Unsupported(f"eEkonomi's article numbers have at most 40 characters: {variant.sku}", where=want.key)
        unit = units.get(shapes.unit_code(variant)) or next(iter(units.values()), "")
        return self.client.post(shapes.Article, "articles", body={"Number": variant.sku, "UnitId": unit, **data})

    def _change_article(self, id_: str, data: Body) -> shapes.Article:
        return self.client.change(shapes.Article, "articles", id_, edit=lambda _: data)

    def prices(self, wants: Sequence[Want]) -> list[Result]:
        """The articles' own prices. Net and gross are written together, so that they agree."""
        company, percents = self.client.company(), self.reader.percents()
        currency = (company.currency_code if company else None) or "SEK"
        return each(partial(self._price, currency, percents), wants, self.client.transport)

    def _price(self, currency: str, percents: Mapping[str, Decimal | None], want: Want, record: Price) -> Done:
        article = needed(want.ids, "variant", sku_key(record.sku))
        if record.price_list or record.min_qty > 1:
            raise Unsupported("eEkonomi's price lists can be read, but not written by its API", where=want.key)
        if record.currency != currency:
            raise Unsupported(f"An article's price in eEkonomi is in {currency}, not {record.currency}", where=want.key)

        def edit(now: Body) -> Body:
            percent = percents.get(str(now.get("CodingId"))) or ZERO
            factor = 1 + percent / 100
            net = record.amount / factor if record.tax_included else record.amount
            gross = record.amount if record.tax_included else record.amount * factor
            return {"NetPrice": rounded(net, currency), "GrossPrice": rounded(gross, currency)}

        counted = frozenset({"NetPrice" if record.tax_included else "GrossPrice"})
        row = self.client.change(shapes.Article, "articles", article, edit=edit, derived=counted)
        return Done(seen=shapes.price(row, percents.get(row.coding_id), self.reader.gross, currency))

    def stock(self, want: Want, record: StockLevel) -> Done:
        """What lies on the shelf, where no stock module keeps it."""
        article = needed(want.ids, "variant", sku_key(record.sku))
        # eEkonomi takes its own reservations off itself, so it is given what lies on the shelf.
        quantity = max(ZERO, record.on_hand - record.unavailable)

        def edit(now: Body) -> Body:
            if now.get("IsStock"):
                raise Unsupported("eEkonomi's stock module keeps the stock of this article", where=want.key)
            return {"StockBalance": quantity}

        return Done(seen=shapes.stock(self.client.change(shapes.Article, "articles", article, edit=edit)))

    # ------------------------------------------------------------------------------------------------ customers

    def customers(self, wants: Sequence[Want]) -> list[Result]:
        """Customers; the terms of payment are the company's own."""
        company = self.client.company()
        terms = company.terms_of_payment_id if company else None
        if not terms:
            rows = self.client.listed(shapes.Terms, "termsofpayments")
            terms = next((row.id for row in rows if row.available_for_sales is not False), None)
        if not terms:
            raise Misconfigured("eEkonomi has no terms of payment for sales", do_this="Choose some in its settings.")
        return each(partial(self._customer, terms), wants, self.client.transport)

    def _customer(self, terms: str, want: Want, record: Customer) -> Done:
        data = shapes.customer_fields(record)
        if want.external_id:
            row = self.client.change(shapes.Person, "customers", want.external_id, edit=lambda _: data)
        else:
            number = {"CustomerNumber": record.customer_no} if 0 < len(record.customer_no) <= 16 else {}
            note = {"Note": _note(want)} if want.reference else {}
            new = {**data, **number, **note, "TermsOfPaymentId": terms, "IsActive": True}
            row = self.client.post(shapes.Person, "customers", body=new)
        return Done(external_id=row.id, seen=shapes.customer(row))

    # ------------------------------------------------------------------------------------------------ orders

    def orders(self, wants: Sequence[Want]) -> list[Result]:
        """Orders, or with the option `document` = invoice invoices, booked with `book`; else drafts (Q-06, Q-07)."""
        company, percents = self.client.company(), self.reader.percents()
        chosen = [str(self.settings.get(name) or "") for name in ("freight_article", "fee_article", "rounding_article")]
        rows = self._all(shapes.Article, "articles", wants, "variant")
        persons = self._all(shapes.Person, "customers", wants, "customer")
        for number in dict.fromkeys(filter(None, chosen)):
            rows += self.client.listed(shapes.Article, "articles", filter=f"Number eq {quoted(number)}")
        register = shapes.Register(
            articles={sku_key(row.number): (row.id, percents.get(row.coding_id)) for row in rows},
            persons=frozenset(row.id for row in persons if row.is_private_person), settings=self.settings,
            net_for_persons=bool(company and company.show_prices_excl_vat_pc),
        )  # fmt: skip
        return each(partial(self._order, register), wants, self.client.transport)

    def _all(self, as_: type[S], path: str, wants: Sequence[Want], type_: str) -> list[S]:
        """What the wants need of this type, each read once."""
        ids = sorted({id_ for want in wants for (kind, _), id_ in want.ids.items() if kind == type_})
        calls = [partial(self.client.get, as_, path, id_) for id_ in ids]
        return [row for row in self.client.transport.overlap(calls) if row]

    def _order(self, register: shapes.Register, want: Want, record: Order) -> Done:
        kind, id_ = shapes.parted(want.external_id)
        if kind == "invoice":
            return self._stands(want, record, id_)
        if not id_ and record.lifecycle == "cancelled":
            return Done()  # cancelled before it ever came here
        if kind == "draft" or (not id_ and want.options.get("document") == "invoice"):
            return self._invoice(register, want, record, id_)
        return self._sales_order(register, want, record, id_)

    def _sales_order(self, register: shapes.Register, want: Want, record: Order, id_: str) -> Done:
        now = self.client.get(shapes.SalesOrder, "orders", id_) if id_ else None
        if record.lifecycle == "cancelled":
            if now and (now.status == 4 or now.delivered != "none"):
                raise Rejected("The order is shipped or invoiced in eEkonomi", where=want.key, do_this=_FROZEN)
            self.client.delete("orders", id_)
            return Done(external_id=id_)
        if id_ and now is None:
            raise Rejected("The order is no longer in eEkonomi", where=want.key)
        if now and (now.status == 4 or now.delivered != "none"):
            if now.gross == record.gross:
                return Done(external_id=id_)
            raise Rejected("The order is shipped or invoiced in eEkonomi", where=want.key, do_this=_FROZEN)
        data = shapes.document_fields(record, want.ids, want.reference, register, invoice=False)
        if now:
            data["Status"] = now.status
            made = self.client.change(shapes.SalesOrder, "orders", id_, edit=lambda _: data)
        else:
            made = self.client.post(shapes.SalesOrder, "orders", body=data)
        self._agreed(want, record, made.gross, made.currency_code, ("orders", made.id) if not now else ())
        return Done(external_id=made.id)

    def _invoice(self, register: shapes.Register, want: Want, record: Order, id_: str) -> Done:
        """A draft, booked where the flow says so. A draft that stands but could not be booked is found again."""
        now = self.client.get(shapes.Draft, "customerinvoicedrafts", id_) if id_ else None
        if record.lifecycle == "cancelled":
            self.client.delete("customerinvoicedrafts", id_)
            return Done(external_id=want.external_id)
        if id_ and now is None:  # booked meanwhile, by a try whose answer was lost or by a person
            (booked,) = self._by_reference(want, "customerinvoices", shapes.Invoice) or [None]
            if booked is None:
                raise Rejected("The invoice draft is no longer in eEkonomi", where=want.key)
            return self._stands(want, record, booked.id)
        data = shapes.document_fields(record, want.ids, want.reference, register, invoice=True)
        path = "customerinvoicedrafts"
        if now:
            made = self.client.change(shapes.Draft, path, id_, edit=lambda _: data)
        else:
            made = self.client.post(shapes.Draft, path, body=data)
        self._agreed(want, record, made.gross, made.currency or record.currency, (path, made.id) if not now else ())
        if not want.options.get("book"):
            return Done(external_id=f"draft-{made.id}")
        try:
            total = {"TotalAmountInvoiceCurrency": record.gross}
            keep = {"keepOriginalDraftDate": "true", "overrideCompanyKeepOriginalDraftDate": "true"}
            invoice = self.client.post(shapes.Invoice, path, made.id, "convert", body=total, **keep)
        except Rejected as error:
            # The draft stands: the hub must bind to it, whatever became of the booking.
            raise Rejected(
                f"The invoice stands as a draft, but was not booked: {error.what}", where=want.key,
                do_this=error.do_this, remote=error.remote, existing=f"draft-{made.id}",
            ) from error  # fmt: skip
        return Done(external_id=f"invoice-{invoice.id}")

    def _stands(self, want: Want, record: Order, id_: str) -> Done:
        """A booked invoice cannot be changed: well if it is what is wanted."""
        now = self.client.get(shapes.Invoice, "customerinvoices", id_)
        if now is None or record.lifecycle == "cancelled" or now.total != record.gross:
            raise Rejected("The invoice is booked in eEkonomi", where=want.key, do_this=_FROZEN)
        return Done(external_id=f"invoice-{id_}")

    def _agreed(self, want: Want, record: Order, gross: Decimal, currency: str, new: tuple[str, ...]) -> None:
        """The document's total must be the buyer's; a new one that is wrong is removed again."""
        if gross == record.gross and currency == record.currency:
            return
        refused = Rejected(
            f"eEkonomi counts {gross} {currency}, the buyer's total is {record.gross} {record.currency}",
            where=want.key,
            do_this="Switch rounding to whole kronor (öresavrundning) off in eEkonomi, check the VAT of its articles "
            "and the customer's currency, then retry.",
        )
        if not new:
            raise refused
        raise taken_back(refused, lambda: self.client.delete(*new), new[1] if new[0] == "orders" else f"draft-{new[1]}")

    # ------------------------------------------------------------------------------------------------ search

    def find_product(self, want: Want, record: Product, by: str) -> list[Match]:
        """Articles by number; the variants of one product are one match."""
        found = [
            row
            for variant in (record.variants if by == "sku" else ())
            for row in self.client.listed(shapes.Article, "articles", filter=f"Number eq {quoted(variant.sku)}")
            if sku_key(row.number) == variant.key
        ]
        parts = tuple(Part("variant", sku_key(row.number), row.id) for row in found)
        if len(record.variants) > 1:
            return [Match(external_id=record.code, by=by, parts=parts)] if parts else []
        return [Match(external_id=part.external_id, by=by, parts=(part,)) for part in parts]

    def find_customer(self, want: Want, record: Customer, by: str) -> list[Match]:
        """Customers by our reference (in their note, where we made them), number, organisation number or e-mail."""
        values = {
            "reference": [_note(want)] if want.reference else [], "customer_no": [record.customer_no],
            "org_no": list(org_no_spellings(record.org_no)) if record.org_no else [], "email": [record.email],
        }  # fmt: skip
        names = {
            "reference": "Note", "customer_no": "CustomerNumber", "org_no": "CorporateIdentityNumber",
            "email": "EmailAddress",
        }  # fmt: skip
        rows: dict[str, shapes.Person] = {}
        for value in filter(None, values.get(by, ())):
            listed = self.client.listed(shapes.Person, "customers", filter=f"{names[by]} eq {quoted(value)}")
            rows |= {row.id: row for row in listed}
        return [
            Match(external_id=row.id, by=by, record=shapes.customer(row))
            for row in rows.values()
            if (row.note == _note(want) if by == "reference" else agrees(by, record, [getattr(row, by)]))
        ]

    def find_order(self, want: Want, record: Order, by: str) -> list[Match]:
        """Orders, drafts and invoices of our reference; an order hides its own invoice.

        One that is only half done (not booked, or of another total) is said to match by something less than the
        reference, so that the hub does not take it as delivered but writes it.
        """
        if by != "reference" or not want.reference:
            return []
        half = "reference of an unfinished one"
        found = [
            Match(external_id=row.id, by=by if row.gross == record.gross else half)
            for row in self._by_reference(want, "orders", shapes.SalesOrder)
        ] or [
            Match(external_id=f"invoice-{row.id}", by=by)
            for row in self._by_reference(want, "customerinvoices", shapes.Invoice)
            if not row.is_credit_invoice
        ]
        if found:
            return found
        whole = not want.options.get("book")
        return [
            Match(external_id=f"draft-{row.id}", by=by if whole else half)
            for row in self._by_reference(want, "customerinvoicedrafts", shapes.Draft)
        ]

    def _by_reference(self, want: Want, path: str, as_: type[Any]) -> list[Any]:
        text = shapes.reference(want.reference)
        rows = self.client.listed(as_, path, filter=f"BuyersOrderReference eq {quoted(text)}")
        return [row for row in rows if row.reference == text]


def _note(want: Want) -> str:
    return f"Samklang {want.reference}"[:4000]
