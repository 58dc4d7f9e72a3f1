"""Customers and orders into Tryton."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from samklang.connectors.contract import Done, Match, Result, Want
from samklang.connectors.errors import BadData, Misconfigured, Rejected, SamklangError, Wait, bad_data
from samklang.connectors.tryton import map as tryton_map
from samklang.connectors.tryton import shapes
from samklang.connectors.tryton.client import Client
from samklang.connectors.tryton.totals import SaleLine, sale_lines
from samklang.records import Address, Customer, InvalidRecord, Order
from samklang.records.ids import email_key, org_no_key, sku_key
from samklang.records.times import business_date


class Writer:
    """Writes one record at a time; Tryton does each call as one transaction."""

    def __init__(self, client: Client, settings: Mapping[str, Any]) -> None:
        self._client = client
        self._settings = settings

    def write(self, type_: str, wants: Sequence[Want]) -> list[Result]:
        """One result per want."""
        results: list[Result] = []
        for want in wants:
            try:
                if isinstance(want.record, Customer):
                    results.append(self._customer(want, want.record))
                else:
                    assert isinstance(want.record, Order)
                    results.append(self._order(want, want.record))
            except InvalidRecord as error:
                results.append(bad_data(error, want.key))
            except SamklangError as error:
                results.append(error)
        return results

    # ---------------------------------------------------------------------------------------------- finding

    def find(self, type_: str, want: Want, match: Sequence[str]) -> list[Match]:
        """What Tryton holds with our reference, else by the fields in `match`."""
        if type_ == "order":
            if not want.reference:
                return []
            domain = [["reference", "=", want.reference]]
            sales = self._client.rows("sale.sale", domain, shapes.Sale, ["number", "state"])
            # A sale that an earlier try left unfinished is ours, but not done: another word than "reference" says so.
            return [Match(external_id=str(row.id), by="reference" if _begun(row) else "draft") for row in sales]
        assert isinstance(want.record, Customer)
        for by in ("reference", *match):
            if found := self._parties(by, want, want.record):
                return [Match(external_id=str(row.id), by=by, record=tryton_map.customer(row)) for row in found]
        return []

    def _parties(self, by: str, want: Want, record: Customer) -> list[shapes.Party]:
        """Parties that agree in one field. Tryton's search is only a sieve, the comparison is ours and exact."""
        if by == "reference" and want.reference:
            return self._party_rows(["identifiers", "where", [["type", "=", None], ["code", "=", want.reference]]])
        if by == "customer_no" and record.customer_no:
            return self._party_rows(["code", "=", record.customer_no.strip()])
        if by == "org_no" and record.org_no:
            key = org_no_key(record.org_no)
            spellings = sorted({record.org_no, key, f"{key[:6]}-{key[6:]}"})
            rows = self._party_rows(["identifiers.code", "in", spellings])
            return [row for row in rows if any(org_no_key(i.code or "") == key for i in row.identifiers)]
        if by == "email" and record.email:
            text = record.email.strip().replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
            rows = self._party_rows(["contact_mechanisms", "where", [["type", "=", "email"], ["value", "ilike", text]]])
            key = email_key(record.email)
            return [
                row for row in rows if any(c.type == "email" and email_key(c.value or "") == key for c in row.contacts)
            ]
        return []

    def _party_rows(self, condition: list[Any]) -> list[shapes.Party]:
        fields = self._client.existing("party.party", shapes.PARTY_FIELDS)
        return self._client.rows("party.party", [condition], shapes.Party, fields)

    # ---------------------------------------------------------------------------------------------- customers

    def _customer(self, want: Want, record: Customer) -> Done:
        values: dict[str, Any] = {"name": record.name}
        party = None
        if want.external_id:
            found = self._party_rows(["id", "=", int(want.external_id)])
            if not found:
                raise Rejected("The party is gone in Tryton", where=want.external_id)
            party = found[0]
        fields = want.fields
        identifiers = [("se_orgnr", record.org_no, "org_no"), ("eu_vat", record.vat_no, "vat_no")]
        values["identifiers"] = _changes(
            (kind, party.identifier(kind) if party else None, code, "code")
            for kind, code, name in identifiers
            if code and (fields is None or name in fields)
        )
        if not party and want.reference:
            values["identifiers"].append(["create", [{"type": None, "code": want.reference}]])
        contacts = [("email", record.email, "email"), ("phone", record.phone, "phone")]
        values["contact_mechanisms"] = _changes(
            (kind, _contact(party, kind) if party else None, value, "value")
            for kind, value, name in contacts
            if value and (fields is None or name in fields)
        )
        wanted = [(record.billing, {"invoice": True}), (record.shipping, {"delivery": True})]
        addresses = [
            {**self._address_values(address, record.name), **marks}
            for address, marks in wanted
            if address and address != Address() and (fields is None or {"billing", "shipping"} & fields)
        ]
        if party is None:
            values["addresses"] = [["create", addresses or [{}]]]
        elif addresses:
            new = [a for a in addresses if not any(self._same(row, a) for row in party.addresses)]
            values["addresses"] = [["create", new]] if new else []
        if record.price_list and (fields is None or "price_list" in fields):
            lists = self._client.rows("product.price_list", [["name", "=", record.price_list]], shapes.Ref, ["name"])
            if not lists:
                raise Wait("price_list", record.price_list)
            values["sale_price_list"] = lists[0].id
        values = {name: value for name, value in values.items() if value != []}
        if party is None:
            return Done(external_id=str(self._client.create("party.party", values)))
        self._client.do("model.party.party.write", [party.id], values)
        return Done(external_id=want.external_id)

    def _address_values(self, address: Address, fallback: str) -> dict[str, Any]:
        country = None
        if address.country:
            rows = self._client.rows("country.country", [["code", "=", address.country]], shapes.Ref, ["code"])
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

    @staticmethod
    def _same(row: shapes.AddressRow, values: Mapping[str, Any]) -> bool:
        have = (
            row.party_name,
            row.attn,
            row.street,
            row.postal_code,
            row.city,
            row.country.id if row.country else None,
        )
        names = ("party_name", "attn", "street_unstructured", "postal_code", "city", "country")
        return [value or None for value in have] == [values[name] or None for name in names]

    # ------------------------------------------------------------------------------------------------- orders

    def _order(self, want: Want, record: Order) -> Done:
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
        edits = want.fields is None or bool({"lines", "charges", "gross"} & want.fields)
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

    def _sale(self, id_: int) -> shapes.Sale:
        amounts = ("untaxed_amount", "tax_amount", "total_amount", "lines")
        rows = self._client.rows("sale.sale", [["id", "=", id_]], shapes.Sale, [*shapes.SALE_FIELDS, *amounts])
        if not rows:
            raise Rejected("The sale is gone in Tryton", where=str(id_))
        return rows[0]

    def _compare(self, sale: shapes.Sale, record: Order) -> None:
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
        party = want.ids.get(("customer", record.customer.key))
        if not party:
            raise Wait("customer", record.customer.key)
        known = self._party_rows(["id", "=", int(party)])
        if not known:
            raise Rejected("The order's party is gone in Tryton", where=party)
        billing = record.billing if record.billing != Address() else record.shipping
        shipping = record.shipping if record.shipping != Address() else billing
        invoice_address = self._address(known[0], billing, record.customer.name)
        shipment_address = (
            invoice_address if shipping == billing else self._address(known[0], shipping, record.customer.name)
        )
        values: dict[str, Any] = {
            "party": int(party),
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
        rows = self._client.rows(model, [[field, "=", value]], shapes.Ref, ["id"])
        if not rows:
            raise Misconfigured(
                f"Tryton has no {what} {value!r}", do_this="Create it in Tryton or correct the setting."
            )
        return rows[0].id

    def _address(self, party: shapes.Party, address: Address, name: str) -> int:
        """The party's address that reads the same, else a new one: an order's address is a snapshot."""
        values = self._address_values(address, name)
        same = next((row.id for row in party.addresses if self._same(row, values)), None)
        return same or self._client.create("party.address", {"party": party.id, **values})

    def _lines(self, want: Want, record: Order) -> list[dict[str, Any]]:
        digits = self._client.fields("sale.line")["unit_price"].get("digits") or "[null, 4]"
        lines = sale_lines(record, int(digits.strip("[]").split(",")[1]))
        taxes = {
            tax.rate.value * 100: tax.id
            for tax in self._client.rows(
                "account.tax", [["parent", "=", None], ["type", "=", "percentage"]], shapes.Tax, ["rate"]
            )
            if tax.rate
        }
        ids = {line: self._product(want, line) for line in lines}
        rows = self._client.rows(
            "product.product", [["id", "in", sorted(set(ids.values()))]], shapes.Sold, ["sale_uom"]
        )
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
        id_ = want.ids.get(("variant", sku_key(line.article)))
        if not id_:
            raise Wait("variant", sku_key(line.article))
        return int(id_)

    def _rewrite(self, sale: shapes.Sale, want: Want, record: Order) -> None:
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


def _begun(sale: shapes.Sale) -> bool:
    """Whether Tryton handles it, or a person does: a sale gets its number when it is first quoted."""
    return sale.state not in ("draft", "quotation") or (sale.state == "draft" and bool(sale.number))


def _contact(party: shapes.Party, kind: str) -> shapes.Typed | None:
    return party.contact("mobile", "phone") if kind == "phone" else party.contact(kind)


def _changes(wanted: Iterable[tuple[str, shapes.Typed | None, str, str]]) -> list[Any]:
    """Tryton's commands that give a party these numbers or contacts: write the one it has, else create."""
    commands: list[Any] = []
    for kind, have, text, field in wanted:
        if have is None:
            commands.append(["create", [{"type": kind, field: text}]])
        elif getattr(have, field) != text:
            commands.append(["write", [have.id], {field: text}])
    return commands
