"""What happened to orders, and customers, into the shop.

Writes are about what differs from what the shop says now, so a repeated one changes nothing and mails nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from samklang.connectors.contract import Body, Done, Match, Want, status_word
from samklang.connectors.errors import Forbidden, Locked, Rejected, Unsupported, there
from samklang.connectors.kit.finding import agrees
from samklang.connectors.kit.shape import filled
from samklang.connectors.kit.system import Asked
from samklang.connectors.kit.writing import asked, of_order
from samklang.connectors.starweb import map as starweb_map
from samklang.connectors.starweb import orders, shapes
from samklang.connectors.starweb.client import Shop
from samklang.connectors.starweb.read import ORDER, Reader
from samklang.records import Customer, EditLine, OrderEdit, OrderStatus, Shipment
from samklang.records.ids import sku_key

_RANK = ("created", "picking", "completed")
_LOCKED = ("picking", "completed", "canceled")
_MARK = 40  # characters of a service's name and of its id


class Writer:
    """Writes to one shop."""

    def __init__(self, shop: Shop, reader: Reader, settings: Mapping[str, Any], words: Mapping[str, Any]) -> None:
        self._shop, self._reader, self._words = shop, reader, words
        self._takes_payments = bool(settings.get("takes_payments"))

    def _order(self, want: Want, key: str) -> tuple[str, shapes.OrderRow]:
        path = f"/orders/{int(of_order(want, key))}"
        answer = self._shop.call("GET", path, ORDER, expect=(404,))
        if answer.status == 404:
            raise Rejected("The order is no longer in the shop", where=key)
        return path, answer.of(shapes.One[shapes.OrderRow]).data

    # ------------------------------------------------------------------------------------------------ status

    def status(self, want: Want, record: OrderStatus) -> Done:
        """Move an order forward, and note the ERP's invoice number (J-11). The shop mails by its own rule for the new
        status, unless the flow's option `mail` is false or a list in which the word is missing (J-12)."""
        path, now = self._order(want, record.order)
        word = status_word(record, want.options, self._words["order_status"])
        body = self._moved(now, word, record.order)
        if body:
            body["onOrderStatusChangeSendEmail"] = _mails(want.options.get("mail", True), word)
            now = self._patched(path, now, body, word)
        numbers = ", ".join(one.number for one in record.documents if one.kind == "invoice")
        if numbers:
            self._mark(path, now, "Invoice", numbers)
        return Done(external_id=str(now.id), seen=lambda: orders.status(now, self._reader.trade()))

    def _moved(self, now: shapes.OrderRow, word: str, key: str) -> Body:
        """The change of status that the word asks for; nothing when the order is there, or further, or cancelled."""
        if not word:
            return {}
        rows = {row.id: row for row in self._shop.table("/order-statuses", shapes.StatusRow)}
        labels = {name.casefold(): id_ for id_, name in self._reader.trade().statuses.items()}
        codes = {row.id_code.casefold(): row.id for row in rows.values() if row.id_code}
        wanted = codes.get(word.casefold()) or labels.get(word.casefold())
        if wanted is None:
            raise Rejected(
                f"The shop has no order status {word!r}", where=key,
                do_this="Add the status in Starweb, or correct the flow's table of statuses.",
            )  # fmt: skip
        code, here = rows[wanted].id_code or "", (rows[now.status_id].id_code or "") if now.status_id in rows else ""
        if wanted == now.status_id or here == "canceled":
            return {}
        if code == "canceled" and here == "completed":
            advice = "Credit it in the shop, where it has been sent already."
            raise Rejected("The order is completed and cannot be cancelled", where=key, do_this=advice)
        if code in _RANK and here in _RANK and _RANK.index(code) < _RANK.index(here):
            return {}
        return {"statusId": wanted}

    def _patched(self, path: str, now: shapes.OrderRow, body: Body, word: str) -> shapes.OrderRow:
        if "statusId" in body:
            body["onOrderStatusChangeProcessPayment"] = self._takes_payments
        after = self._shop.one(shapes.OrderRow, "PATCH", path, body)
        if "statusId" in body and after.status_id != body["statusId"]:
            raise Rejected(f"The shop did not take the status {word!r}", where=path)
        # The answer need not embed what was asked for in the look.
        return msgspec.structs.replace(after, items=now.items, external_services=now.external_services)

    def _mark(self, path: str, now: shapes.OrderRow, name: str, value: str) -> None:
        """What we call the order, or a part of it, among its external services; one of each name."""
        held = orders.marks(now).get(name)
        if held == value[:_MARK]:
            return
        body = {"serviceName": name, "externalIdValue": value[:_MARK]}
        if held is None:
            self._shop.call("POST", f"{path}/external-services", None, body)
        else:
            self._shop.call("PATCH", f"{path}/external-services/{name}", None, {"externalIdValue": value[:_MARK]})

    # ------------------------------------------------------------------------------------------------ shipments

    def shipment(self, want: Want, record: Shipment) -> Done:
        """The parcel's number at the order. With the flow's option `mail` the order also moves to the word for what has
        been sent, in the same call: so the shop's one mail about it has the number (O-10).

        Each shipment leaves a mark with its pieces among the order's external services. By these the last is known.
        """
        path, now = self._order(want, record.order)
        name = f"Shipment {record.number}"[:_MARK]
        tracking = next((parcel.tracking_no for parcel in record.parcels if parcel.tracking_no), "")
        body: Body = {}
        if tracking and now.shipping_tracking_no != tracking and name not in orders.marks(now):
            body["shippingTrackingNo"] = tracking[:50]
            tracker = self._tracker(record.carrier_code, want.options)
            if tracker is not None:
                body["shippingTrackerType"] = tracker
        pieces = sum((line.quantity for line in record.lines), Decimal(0))
        if want.options.get("mail") and name not in orders.marks(now):
            sent = "shipped" if self._is_last(now, name, pieces) else "partly_shipped"
            words = OrderStatus(order=record.order, fulfilment=sent)  # type: ignore[arg-type]  # one of the two
            word = status_word(words, want.options, self._words["shipment"])
            body |= self._moved(now, word, record.order)
            if "statusId" in body:
                body["onOrderStatusChangeSendEmail"] = True
        if body:
            now = self._patched(path, now, body, "")
        self._mark(path, now, name, f"{pieces:f} pcs {tracking}".strip())
        return Done(external_id=f"{now.id}:{record.number}")

    def _is_last(self, now: shapes.OrderRow, name: str, pieces: Decimal) -> bool:
        """Whether with these pieces all of the order has been sent; a shipment without lines is all that is left."""
        trade = self._reader.trade()
        ordered = sum((row.quantity for row in now.items.data if orders.is_goods(row, trade)), Decimal(0))
        before = sum(
            Decimal(value.partition(" pcs")[0])
            for mark, value in orders.marks(now).items()
            if mark.startswith("Shipment ") and mark != name and " pcs" in value
        )
        return not pieces or before + pieces >= ordered

    def _tracker(self, carrier: str, options: Mapping[str, Any]) -> int | None:
        """The shop's type of tracking number: by the flow's `tracking_types` (carrier → its name), else the one whose
        name has the carrier in it."""
        if not carrier:
            return None
        name = str((options.get("tracking_types") or {}).get(carrier, carrier)).casefold()
        rows = self._shop.table("/shipping-tracking-types", shapes.Tracker)
        exact = next((row.id for row in rows if row.name.casefold() == name), None)
        return exact if exact is not None else next((row.id for row in rows if name in row.name.casefold()), None)

    # ------------------------------------------------------------------------------------------------ edits

    def edit(self, want: Want, record: OrderEdit) -> Done:
        """The order's rows as the warehouse has them (O-05, O-07), by row id; Locked once it is picked (O-06).

        Rows that no warehouse knows (freight, gift cards, discounts) stay. An article that was added there costs what
        it costs on another row, or in the buyer's price list.
        """
        path, now = self._order(want, record.order)
        trade = self._reader.trade()
        held = {str(row.id): row for row in now.items.data if orders.is_goods(row, trade)}
        pairs, added = _paired(record.lines, held)
        changed = [(row, line) for row, line in pairs if row.quantity != line.quantity]
        gone = [row for row in held.values() if row.id not in {one.id for one, _ in pairs}]
        if not (changed or gone or added):
            return Done(external_id=str(now.id))
        self._open(now, record.order)
        try:
            # Additions come first: were the last row taken away before, the order would be empty for a moment.
            for line in added:
                self._shop.call("POST", f"{path}/items", None, self._added(line, now, held.values()))
            for row, line in changed:
                self._shop.call("PATCH", f"{path}/items/{row.id}", None, {"quantity": int(line.quantity)})
            for row in gone:
                self._shop.call("DELETE", f"{path}/items/{row.id}", idempotent=True, expect=(404,))
        except (Rejected, Forbidden):  # it may have been locked since we looked
            self._open(self._order(want, record.order)[1], record.order)
            raise
        return Done(external_id=str(now.id))

    def _open(self, now: shapes.OrderRow, key: str) -> None:
        """Locked when the order is being picked, has left, or is cancelled."""
        trade = self._reader.trade()
        if trade.codes.get(now.status_id, "") in _LOCKED:
            raise Locked(f"The order is {trade.statuses[now.status_id]} in the shop", where=key)

    def _added(self, line: EditLine, now: shapes.OrderRow, rows: Any) -> Body:
        if line.quantity != int(line.quantity):
            raise Unsupported("Starweb sells whole pieces only", where=line.sku)
        body: Body = {"sku": line.sku, "description": line.name[:255] or line.sku, "quantity": int(line.quantity)}
        same = next((row for row in rows if sku_key(row.sku or "") == sku_key(line.sku)), None)
        if same is not None:
            return {**body, "unitPrice": same.unit_price, "vatRate": same.vat_rate}
        price, percent = self._price(line.sku, now)
        return {**body, "unitPrice": price, "vatRate": percent}

    def _price(self, sku: str, now: shapes.OrderRow) -> tuple[Decimal, Decimal]:
        """What the buyer pays for an article that is not in the order yet, without VAT, and its VAT."""
        known = self._reader.range()
        master = next((id_ for id_, row in known.lists.items() if row.is_master), 0)
        own = (now.customer.data.pricelist_id if now.customer else None) or master
        for row in self._reader.with_sku(sku):
            of = (one for one in self._reader.articles(row) if sku_key(one.sku) == sku_key(sku))
            prices = {one.pricelist_id: one for variant in of for one in shapes.inner(variant.prices)}
            for price in (prices.get(own), prices.get(master)):
                currency = price and starweb_map.list_currency(known.lists[price.pricelist_id], known)
                if price and currency == now.currency_code:
                    return price.special_price_ex_vat or price.price_ex_vat, starweb_map.percent(row, known)
        raise Rejected(
            f"The warehouse has added {sku}, for which the shop has no price in {now.currency_code}",
            where=sku, do_this="Add the row in the shop by hand, or take it away in the warehouse.",
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------------ customers

    def customer(self, want: Want, record: Customer) -> Done:
        """A customer with an account. Empty values clear nothing."""
        addresses = {"invoice": starweb_map.place(record.billing)}
        if record.shipping is not None:
            addresses["delivery"] = starweb_map.place(record.shipping)
        body = filled(asked(want.fields, {
            "kind": {"type": record.kind}, "email": {"email": record.email},
            "org_no": {"nationalIdNo": record.org_no[:20] if record.kind == "company" else ""},
            "vat_no": {"vatNo": record.vat_no[:20]},
            "customer_no": {"externalId": record.customer_no, "externalIdType": "ERP" if record.customer_no else ""},
            "price_list": lambda: {"pricelistId": self._list_id(record)},
            "billing shipping name": {"addresses": addresses},
        }))  # fmt: skip
        if not want.external_id:
            made = self._shop.one(shapes.CustomerRow, "POST", "/customers", body)
            return Done(external_id=str(made.id))
        if body:
            self._shop.call("PATCH", f"/customers/{int(want.external_id)}", None, body)
        return Done(external_id=want.external_id)

    def _list_id(self, record: Customer) -> int | None:
        if not record.price_list:
            return None
        rows: dict[int, shapes.PriceListRow] = self._reader.lists()
        found = next((id_ for id_, row in rows.items() if row.name.strip() == record.price_list.strip()), None)
        return there(found, Rejected(
            f"The shop has no price list {record.price_list!r}", where=record.key,
            do_this="Add the price list in Starweb under exactly this name, or let price lists flow there.",
        ))  # fmt: skip

    def find_customers(self, wants: Sequence[Want], match: Sequence[str]) -> list[list[Match]]:
        """The API has no search for customers: one look through all of them serves the whole batch."""
        pages = self._reader.customers(Asked(None, frozenset(("customer",))))
        held = [(item.external_id, item.record) for page in pages for item in page.items if hasattr(item, "record")]
        return [self._found(want.record, held, match) for want in wants]

    def _found(self, wanted: Any, held: Sequence[tuple[str, Any]], match: Sequence[str]) -> list[Match]:
        for by in match:
            hits = [(id_, one) for id_, one in held if agrees(by, wanted, [getattr(one, by)])]
            if hits:
                return [Match(external_id=id_, by=by, record=one) for id_, one in hits]
        return []


def _mails(option: object, word: str) -> bool:
    return word in option if isinstance(option, list | tuple) else bool(option)


def _paired(
    lines: Sequence[EditLine], held: Mapping[str, shapes.ItemRow]
) -> tuple[list[tuple[shapes.ItemRow, EditLine]], list[EditLine]]:
    """Which row each line is: by its id; else a row of the same article that no other line has, such as one that an
    earlier try has added. And the lines that are no row yet."""
    pairs = [(held[line.line_id], line) for line in lines if line.line_id in held]
    taken = {row.id for row, _ in pairs}
    free = {row.id: row for row in held.values() if row.id not in taken}
    added = []
    for line in lines:
        if line.line_id in held:
            continue
        same = [row for row in free.values() if sku_key(row.sku or "") == sku_key(line.sku)]
        best = next((row for row in same if row.quantity == line.quantity), same[0] if same else None)
        if best is None:
            added.append(line)
        else:
            free.pop(best.id)
            pairs.append((best, line))
    return pairs, added
