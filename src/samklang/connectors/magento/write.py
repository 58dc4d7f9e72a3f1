"""What happened to orders, and customers, into Magento."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from samklang.connectors.contract import Body, Done, Match, Want, status_word
from samklang.connectors.errors import Rejected, there
from samklang.connectors.kit.rows import Rows
from samklang.connectors.kit.sent import Waiting, laid
from samklang.connectors.kit.shape import filled
from samklang.connectors.kit.writing import asked, needed, of_order
from samklang.connectors.magento import map as magento_map
from samklang.connectors.magento import orders, shapes
from samklang.connectors.magento.client import Shop, Where
from samklang.connectors.magento.read import Reader
from samklang.records import Customer, OrderEdit, OrderStatus, Shipment

_SHIPMENTS = Rows(shapes.ShipmentRow, "entity_id")
_OVER = ("complete", "closed", "canceled")
_NO_GOODS = ("virtual", "downloadable")
_CARRIERS = ("dhl", "fedex", "ups", "usps")  # those that Magento itself knows; any other is `custom`


class Writer:
    """Writes to one Magento."""

    def __init__(self, shop: Shop, reader: Reader, words: Mapping[str, str]) -> None:
        self._shop, self._reader, self._words = shop, reader, words

    def _order(self, want: Want, key: str) -> tuple[int, shapes.OrderRow]:
        id_ = int(of_order(want, key))
        return id_, self._shop.call("GET", f"/orders/{id_}").of(shapes.OrderRow)

    # ------------------------------------------------------------------------------------------------ status

    def status(self, want: Want, record: OrderStatus) -> Done:
        """Cancel an order, or give it a status of its state, and note the ERP's invoice number; each once. With the
        flow's option `mail` the buyer is mailed about a new status (J-12). Magento completes an order when all is sent
        and invoiced: the word `complete` sends what is left, for an ERP that knows no shipments."""
        id_, now = self._order(want, record.order)
        word = status_word(record, want.options, self._words)
        said = {row.comment or "" for row in now.status_histories or ()}
        if word == "canceled" and now.state != "canceled":
            if any(row.qty_shipped for row in now.items) or now.state in _OVER or now.paid:
                advice = "Refund it in the shop: it has been sent or paid already."
                raise Rejected("The order can no longer be cancelled", where=record.order, do_this=advice)
            self._shop.call("POST", f"/orders/{id_}/cancel")
        elif word == "complete" and now.state not in _OVER:
            if any(row.left > 0 for row in _waiting(now.items, goods_only=True)):
                self._shop.call("POST", f"/order/{id_}/ship", None, {"notify": bool(want.options.get("mail"))})
        elif word and word not in (now.status, now.state) and now.state not in _OVER:
            self._comment(id_, "", word, mail=bool(want.options.get("mail")))
        for one in record.documents:
            text = f"Invoice {one.number}"
            if one.kind == "invoice" and text not in said:
                self._comment(id_, text, "", mail=False)
        return Done(
            external_id=str(id_), seen=lambda: orders.status(self._order(want, record.order)[1], self._reader.trade())
        )

    def _comment(self, id_: int, text: str, status: str, *, mail: bool) -> None:
        history: Body = {
            "comment": text, "is_customer_notified": int(mail), "is_visible_on_front": 0, "parent_id": id_,
            **({"status": status} if status else {}),
        }  # fmt: skip
        self._shop.call("POST", f"/orders/{id_}/comments", None, {"statusHistory": history})

    # ------------------------------------------------------------------------------------------------ shipments

    def shipment(self, want: Want, record: Shipment) -> Done:
        """A shipment with every parcel's number; Magento mails it if the flow's option `mail` says so (O-10), and takes
        the pieces off the inventory source. Our reference stands in its comment."""
        id_, now = self._order(want, record.order)
        body: Body = {
            "notify": bool(want.options.get("mail")), "appendComment": False,
            "comment": {"comment": want.reference or record.key, "is_visible_on_front": 0},
            "tracks": [
                {
                    "track_number": parcel.tracking_no, "title": record.carrier_code or "Parcel",
                    "carrier_code": code if (code := record.carrier_code.casefold()) in _CARRIERS else "custom",
                }
                for parcel in record.parcels
                if parcel.tracking_no
            ],
        }  # fmt: skip
        if record.lines:  # without them everything that is left is sent
            laid_on = laid(record, _waiting(now.items))
            body["items"] = [{"order_item_id": int(row), "qty": pieces} for row, pieces in laid_on.items()]
        source = want.options.get("source") or record.warehouse
        if source and source in [one.source_code for one in self._shop.sources()]:
            body["arguments"] = {"extension_attributes": {"source_code": source}}
        made = self._shop.call("POST", f"/order/{id_}/ship", None, body)
        return Done(external_id=str(made.json()))

    def find_shipment(self, want: Want, record: Shipment, by: str) -> list[Match]:
        """The order's shipment that bears our reference, or one of its parcels."""
        if by != "reference":
            return []
        id_ = int(needed(want.ids, "order", record.order))
        rows = self._shop.whole("/shipments", _SHIPMENTS, [Where("order_id", id_)])
        ours = want.reference or record.key
        numbers = {parcel.tracking_no for parcel in record.parcels if parcel.tracking_no}
        return [
            Match(external_id=str(row.id), by=by)
            for row in rows
            if ours in [one.comment for one in row.comments or ()]
            or numbers & {one.track_number for one in row.tracks or ()}
        ]

    def edit(self, want: Want, record: OrderEdit) -> Done:
        """The API cannot edit a placed order (O-05): what the warehouse changed becomes a task, unless it is so."""
        id_, now = self._order(want, record.order)
        rows = {str(row.item_id): row.qty_ordered - row.qty_canceled for row in now.items if row.parent_item_id is None}
        wanted = {line.line_id: line.quantity for line in record.lines}
        if rows == wanted:
            return Done(external_id=str(id_))
        listed = ", ".join(f"{line.quantity:f} × {line.sku}" for line in record.lines)
        return Done(external_id=str(id_), by_hand=f"Edit order {now.order_no} in Magento. The warehouse has: {listed}.")

    # ------------------------------------------------------------------------------------------------ customers

    def customer(self, want: Want, record: Customer) -> Done:
        """A customer with an account, without a password. Magento replaces a customer as a whole, so what is there is
        read first and kept."""
        held: Body = self._shop.call("GET", f"/customers/{int(want.external_id)}").json() if want.external_id else {}
        first, _, last = record.name.rpartition(" ")
        body: Body = held | asked(want.fields, {
            "name": {"firstname": first or last or "-", "lastname": last or "-"},
            "email": {"email": record.email},
            "vat_no": filled({"taxvat": record.vat_no}),
            "price_list": lambda: {"group_id": self._group(record)} if record.price_list else {},
            "billing shipping": {"addresses": _places(record)},
        })  # fmt: skip
        if not held:
            new = {"website_id": self._shop.store().website_id, **body}
            made = self._shop.call("POST", "/customers", None, {"customer": new})
        else:
            made = self._shop.call("PUT", f"/customers/{held['id']}", None, {"customer": body}, idempotent=True)
        return Done(external_id=str(made.of(shapes.CustomerRow).id))

    def _group(self, record: Customer) -> int:
        found = next((id_ for id_, code in self._shop.groups().items() if code == record.price_list.strip()), None)
        return there(found, Rejected(
            f"The shop has no customer group {record.price_list!r}", where=record.key,
            do_this="Add the group in Magento under exactly this name, or let price lists flow there.",
        ))  # fmt: skip

    def find_customer(self, want: Want, record: Customer, by: str) -> list[Match]:
        """Customers with this address, compared exactly."""
        if by != "email" or not record.email:
            return []
        groups = self._shop.groups()
        return [
            Match(external_id=item.external_id, by=by, record=item.record)
            for row in self._reader.customer_by_email(record.email)
            for item in magento_map.customer(row, groups)
            if row.email.casefold() == record.email.strip().casefold()
        ]


def _places(record: Customer) -> list[Body]:
    """The addresses, with what each is for; one of no country is none."""
    shipping = record.shipping or record.billing
    places = [(record.billing, {"default_billing": True, "default_shipping": shipping == record.billing})]
    if shipping != record.billing:
        places.append((shipping, {"default_shipping": True}))
    return [{**magento_map.place(one), **uses} for one, uses in places if one.country]


def _waiting(rows: Sequence[shapes.ItemRow], *, goods_only: bool = False) -> Iterator[Waiting]:
    """Rows that can be sent. A configurable article is sent by its parent row."""
    for row in rows:
        if row.parent_item_id is None and not (goods_only and row.product_type in _NO_GOODS):
            skus = [one.sku for one in rows if row.item_id in (one.item_id, one.parent_item_id)]
            left = row.qty_ordered - row.qty_shipped - row.qty_canceled - row.qty_refunded
            yield Waiting(str(row.item_id), skus, left)
