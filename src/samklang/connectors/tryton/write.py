"""Customers and orders into Tryton."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from samklang.connectors.contract import Done, Match, Want
from samklang.connectors.errors import BadData, Misconfigured, Rejected, Wait, there
from samklang.connectors.kit.finding import agrees, org_no_spellings
from samklang.connectors.kit.writing import asks, needed
from samklang.connectors.tryton import map as tryton_map
from samklang.connectors.tryton import shapes
from samklang.connectors.tryton.client import Client
from samklang.connectors.tryton.totals import SaleLine, sale_lines
from samklang.records import Address, Customer, Order
from samklang.records.ids import sku_key
from samklang.records.times import business_date


class Writer:
    """Writes one record at a time; Tryton does each call as one transaction."""

    def __init__(self, client: Client, settings: Mapping[str, Any]) -> None:
        self._client = client
        self._settings = settings

    # ---------------------------------------------------------------------------------------------- finding

    def find_order(self, want: Want, record: Order, by: str) -> list[Match]:
        """Sales with our reference. One that an earlier try left unfinished is ours, but not done: another word."""
        if by != "reference" or not want.reference:
            return []
        sales = self._client.rows("sale.sale", [["reference", "=", want.reference]], shapes.Head)
        return [Match(external_id=str(row.id), by=by if _begun(row) else "draft") for row in sales]

    def find_customer(self, want: Want, record: Customer, by: str) -> list[Match]:
        """Parties that agree in one field. Tryton's search is only a sieve, the comparison is ours and exact."""
        found: list[shapes.Party] = []
        if by == "reference" and want.reference:
            found = self._parties(["identifiers", "where", [["type", "=", None], ["code", "=", want.reference]]])
        elif by == "customer_no" and record.customer_no:
            found = self._parties(["code", "=", record.customer_no.strip()])
        elif by == "org_no" and record.org_no:
            found = self._parties(["identifiers.code", "in", [record.org_no, *org_no_spellings(record.org_no)]])
            found = [row for row in found if agrees(by, record, (i.code for i in row.identifiers))]
        elif by == "email" and record.email:
            text = record.email.strip().replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
            found = self._parties(["contact_mechanisms", "where", [["type", "=", "email"], ["value", "ilike", text]]])
            found = [row for row in found if agrees(by, record, (c.value for c in row.contacts if c.type == "email"))]
        return [Match(external_id=str(row.id), by=by, record=tryton_map.customer(row)) for row in found]

    def _parties(self, condition: list[Any]) -> list[shapes.Party]:
        fields = self._client.known(shapes.Party, own="party.party")
        return self._client.rows("party.party", [condition], shapes.Party, fields)

    def _party(self, id_: str) -> shapes.Party:
        found = next(iter(self._parties(["id", "=", int(id_)])), None)
        return there(found, Rejected("The party is gone in Tryton", where=id_))

    # ---------------------------------------------------------------------------------------------- customers

    def customer(self, want: Want, record: Customer) -> Done:
        """A party with its numbers, contacts and addresses; what it has besides stays."""
        party = self._party(want.external_id) if want.external_id else shapes.Party(id=0)
        identifiers: list[Any] = (
            [] if party.id or not want.reference else [_new({"type": None, "code": want.reference})]
        )
        for kind, text, name in (("se_orgnr", record.org_no, "org_no"), ("eu_vat", record.vat_no, "vat_no")):
            if text and asks(want, name):
                number = party.identifier(kind)
                identifiers += _change(number, {"type": kind, "code": text})
        contacts: list[Any] = []
        for kinds, text in ((("email",), record.email), (("mobile", "phone"), record.phone)):
            if text and asks(want, kinds[-1]):
                contact = party.contact(*kinds)
                contacts += _change(contact, {"type": kinds[-1], "value": text})
        wanted = [(record.billing, {"invoice": True}), (record.shipping, {"delivery": True})]
        addresses = [
            {**self._address_values(address, record.name), **marks}
            for address, marks in wanted
            if address and address != Address() and asks(want, "billing", "shipping")
        ]
        new = [values for values in addresses if not any(_same(row, values) for row in party.addresses)]
        if not party.id:
            new = new or [{}]
        values: dict[str, Any] = {
            "identifiers": identifiers, "contact_mechanisms": contacts, "addresses": [["create", new]] if new else [],
        }  # fmt: skip
        values = {"name": record.name} | {name: commands for name, commands in values.items() if commands}
        if record.price_list and asks(want, "price_list"):
            lists = self._client.rows("product.price_list", [["name", "=", record.price_list]], shapes.Row)
            values["sale_price_list"] = there(next(iter(lists), None), Wait("price_list", record.price_list)).id
        if not party.id:
            return Done(external_id=str(self._client.create("party.party", values)))
        self._client.do("model.party.party.write", [party.id], values)
        return Done(external_id=want.external_id)

    def _address_values(self, address: Address, fallback: str) -> dict[str, Any]:
        country = None
        if address.country:
            rows = self._client.rows("country.country", [["code", "=", address.country]], shapes.Row)
            if not rows:
                raise BadData(
                    f"Tryton does not know the country {address.country}",
                    do_this="Import the countries in Tryton (trytond_import_countries), then retry.",
                )
            country = rows[0].id
        return {
            "party_name": address.company or address.name or fallback,
            "attn": address.name if address.company else None,
            "street_unstructured": "\n".join(address.lines) or None,
            "postal_code": address.postcode or None,
            "city": address.city or None,
            "country": country,
        }

    # ------------------------------------------------------------------------------------------------- orders

    def order(self, want: Want, record: Order) -> Done:
        """A sale, quoted and confirmed when Tryton counts the buyer's total; its invoice posted where that is asked."""
        if want.external_id:
            sale = self._sale(int(want.external_id))
        else:
            sale = self._sale(self._client.create("sale.sale", self._order_values(want, record)))
        if record.lifecycle == "cancelled":
            if sale.state in ("draft", "quotation"):
                self._client.do("model.sale.sale.cancel", [sale.id])
            elif sale.state != "cancelled":
                raise Rejected(
                    f"The order is {sale.state} in Tryton and cannot be cancelled from outside",
                    where=sale.number or str(sale.id),
                    do_this="Cancel its shipments and credit its invoice in Tryton, then mark this as done.",
                )
            return Done(external_id=str(sale.id))
        edits = asks(want, "lines", "charges", "gross")
        if sale.state == "draft":
            if want.external_id and sale.number and not edits:
                return Done(external_id=str(sale.id))  # a person took it back to draft: it is theirs now
            if want.external_id:
                self._rewrite(sale, want, record)
            self._client.do("model.sale.sale.quote", [sale.id])
            sale = self._sale(sale.id)
        if edits or sale.state == "quotation":
            self._compare(sale, record)
        if sale.state == "quotation":
            self._client.do("model.sale.sale.confirm", [sale.id])
        if want.options.get("document") == "invoice" and want.options.get("book"):
            self._post_invoices(sale.id, record)
        return Done(external_id=str(sale.id))

    def _sale(self, id_: int) -> shapes.Document:
        rows = self._client.rows("sale.sale", [["id", "=", id_]], shapes.Document)
        return there(next(iter(rows), None), Rejected("The sale is gone in Tryton", where=str(id_)))

    def _compare(self, sale: shapes.Document, record: Order) -> None:
        """The buyer's total and VAT are fixed points: Tryton must count the same before anything is confirmed."""
        total, tax = (amount.value if amount else Decimal(0) for amount in (sale.total_amount, sale.tax_amount))
        if (total, tax) == (record.gross, record.tax):
            return
        remedy = "Set tax rounding to 'Per Document' in Tryton's accounting configuration and check its VAT rates."
        if sale.state not in ("draft", "quotation"):
            remedy = f"The order is {sale.state} in Tryton already: correct it there by hand."
        raise Rejected(
            f"Tryton counts {total} with VAT {tax}, but the order says {record.gross} with VAT {record.tax}",
            where=sale.number or str(sale.id),
            do_this=remedy,
        )

    def _order_values(self, want: Want, record: Order) -> dict[str, Any]:
        party = self._party(needed(want.ids, "customer", record.customer.key))
        billing = record.billing if record.billing != Address() else record.shipping
        shipping = record.shipping if record.shipping != Address() else billing
        invoice_address = self._address(party, billing, record.customer.name)
        shipment_address = (
            invoice_address if shipping == billing else self._address(party, shipping, record.customer.name)
        )
        values: dict[str, Any] = {
            "party": party.id,
            "reference": want.reference or record.key,
            "description": f"{record.channel} {record.order_no}".strip(),
            "sale_date": business_date(record.placed_at, record.time_zone),
            "currency": self._one("currency.currency", "code", record.currency, "currency"),
            "invoice_address": invoice_address,
            "shipment_address": shipment_address,
            "invoice_method": self._settings.get("invoice_method") or "order",
            "shipment_method": "order",
            "comment": record.note or None,
            "lines": [["create", self._lines(want, record)]],
        }
        if term := self._settings.get("payment_term"):
            values["payment_term"] = self._one("account.invoice.payment_term", "name", str(term), "payment_term")
        if warehouse := self._settings.get("warehouse"):
            values["warehouse"] = self._one("stock.location", "code", str(warehouse), "warehouse")
        return values

    def _one(self, model: str, field: str, value: str, what: str) -> int:
        rows = self._client.rows(model, [[field, "=", value]], shapes.Row)
        if not rows:
            raise Misconfigured(
                f"Tryton has no {what} {value!r}", do_this="Create it in Tryton or correct the setting."
            )
        return rows[0].id

    def _address(self, party: shapes.Party, address: Address, name: str) -> int:
        """The party's address that reads the same, else a new one: an order's address is a snapshot."""
        values = self._address_values(address, name)
        same = next((row.id for row in party.addresses if _same(row, values)), None)
        return same or self._client.create("party.address", {"party": party.id, **values})

    def _lines(self, want: Want, record: Order) -> list[dict[str, Any]]:
        digits = self._client.fields("sale.line")["unit_price"].get("digits") or "[null, 4]"
        lines = sale_lines(record, int(digits.strip("[]").split(",")[1]))
        percentages = [["parent", "=", None], ["type", "=", "percentage"]]
        rates = self._client.rows("account.tax", percentages, shapes.Tax)
        taxes = {tax.rate.value * 100: tax.id for tax in rates if tax.rate}
        ids = {line: self._product(want, line) for line in lines}
        rows = self._client.rows("product.product", [["id", "in", sorted(set(ids.values()))]], shapes.Sold)
        units = {row.id: row.sale_uom for row in rows}
        written = []
        for line in lines:
            if line.percent and line.percent not in taxes:
                raise Misconfigured(f"Tryton has no VAT of {line.percent} %", do_this="Create the tax in Tryton.")
            written.append(
                {
                    "product": ids[line],
                    "quantity": float(line.quantity),
                    "unit": units.get(ids[line]),
                    "unit_price": line.unit_price,
                    "description": line.text or None,
                    "taxes": [["add", [taxes[line.percent]]]] if line.percent else [],
                }
            )
        return written

    def _product(self, want: Want, line: SaleLine) -> int:
        if line.service:
            code = str(self._settings.get(f"{line.article}_product") or "")
            if not code:
                raise Misconfigured(
                    f"No article is chosen for {line.article}", do_this="Fill in the connection's setting."
                )
            return self._one("product.product", "code", code, f"{line.article} article")
        return int(needed(want.ids, "variant", sku_key(line.article)))

    def _rewrite(self, sale: shapes.Document, want: Want, record: Order) -> None:
        """The order changed before Tryton began with it, or an earlier try broke off."""
        values = self._order_values(want, record)
        values["lines"] = [["delete", sale.lines], *values["lines"]]
        self._client.do("model.sale.sale.write", [sale.id], values)

    def _post_invoices(self, sale: int, record: Order) -> None:
        drafts = [invoice.id for invoice in self._sale(sale).invoices if invoice.state in ("draft", "validated")]
        if drafts:
            day = business_date(record.placed_at, record.time_zone)
            self._client.do("model.account.invoice.write", drafts, {"invoice_date": day})
            self._client.do("model.account.invoice.post", drafts)


def _begun(sale: shapes.Head) -> bool:
    """Whether Tryton handles it, or a person does: a sale gets its number when it is first quoted."""
    return sale.state not in ("draft", "quotation") or (sale.state == "draft" and bool(sale.number))


def _same(row: shapes.AddressRow, values: Mapping[str, Any]) -> bool:
    """Whether the party has this address already."""
    country = row.country.id if row.country else None
    have = (row.party_name, row.attn, row.street, row.postal_code, row.city, country)
    names = ("party_name", "attn", "street_unstructured", "postal_code", "city", "country")
    return [value or None for value in have] == [values[name] or None for name in names]


def _new(values: Mapping[str, Any]) -> list[Any]:
    return ["create", [values]]


def _change(have: shapes.Identifier | shapes.Contact | None, values: Mapping[str, str]) -> list[list[Any]]:
    """Tryton's command that gives a party this number or contact: write the one it has, else create."""
    if have is None:
        return [_new(values)]
    own = {name: text for name, text in values.items() if name != "type"}  # a mobile stays one
    return [["write", [have.id], own]] if any(getattr(have, name) != text for name, text in own.items()) else []
