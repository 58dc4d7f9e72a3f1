"""Products, prices, stock, fulfilments and order states into Vendure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from samklang.connectors.contract import Done, Manifest, Match, Result, Want, status_word
from samklang.connectors.errors import Misconfigured, Rejected, Unsupported, Wait, there
from samklang.connectors.kit.graphql import Var
from samklang.connectors.kit.sent import Waiting, laid
from samklang.connectors.kit.writing import batched, needed
from samklang.connectors.vendure import map as vendure_map
from samklang.connectors.vendure import shapes
from samklang.connectors.vendure.catalogue import parts, slug
from samklang.connectors.vendure.client import Client, Outcome
from samklang.records import OrderStatus, Price, Product, Shipment, StockLevel
from samklang.records.ids import sku_key
from samklang.records.money import minor_units

Row = dict[str, Any]
_STEPS = ("Pending", "Shipped", "Delivered")
_FULFILMENT_STATES = {"handed_over": "Shipped", "in_transit": "Shipped", "delivered": "Delivered"}


class Writer:
    """Writes into one channel."""

    def __init__(self, client: Client, manifest: Manifest, location: str, captures: bool) -> None:
        self._client = client
        self._manifest = manifest
        self._location = location
        self._captures = captures

    # ---------------------------------------------------------------------------------------------- finding

    def find_product(self, want: Want, record: Product, by: str) -> list[Match]:
        """A product by one of its SKUs, or half-made by its slug."""
        if by != "reference":
            return []
        skus = [variant.sku for variant in record.variants]
        found = self._client.some("products", shapes.Product, 10, sku={"in": skus}).items
        # A database may compare without regard to case or blanks; we do it our way.
        keys = {sku_key(text) for text in skus}
        by, found = "sku", [row for row in found if keys & {sku_key(v.sku) for v in row.variants}]
        if not found:
            by, found = "slug", self._client.some("products", shapes.Product, 10, slug={"eq": slug(record)}).items
        return [Match(external_id=row.id, by=by, parts=parts(row)) for row in found]

    def find_shipment(self, want: Want, record: Shipment, by: str) -> list[Match]:
        """A fulfilment by its order and tracking code."""
        if by != "reference":
            return []
        goal = _STEPS.index(_FULFILMENT_STATES.get(record.state, "Pending"))
        # One that has not come as far as the shipment is ours, but not done: another word than "reference" says so.
        return [
            Match(external_id=row.id, by="reference" if _STEPS.index(row.state) >= goal else "tracking")
            for row in self._order(want, record.order).fulfillments or []
            if row.tracking_code == _tracking(record) and row.state in _STEPS
        ]

    # --------------------------------------------------------------------------------------- prices and stock

    def _send(self, good: list[tuple[Want, Row]]) -> list[Result]:
        """One mutation for all. Vendure does it as one transaction: when it says no, each is tried alone."""
        update = Var("[UpdateProductVariantInput!]!", [row for _, row in good])
        try:
            answers = self._client.do("updateProductVariants", list[shapes.Stocked], input=update)
        except Rejected as error:
            return [error] if len(good) == 1 else [self._send([one])[0] for one in good]
        levels = {answer.id: vendure_map.stock(answer) for answer in answers}
        return [Done(seen=levels[row["id"]] if "stockLevels" in row else None) for _, row in good]

    def prices(self, wants: Sequence[Want]) -> list[Result]:
        """Prices; the first one switches the variant on."""
        channel, have = self._client.get("activeChannel", shapes.Channel), self._have(wants)

        def row(want: Want, record: Price) -> Row:
            if record.price_list or record.min_qty != 1:
                raise Unsupported("Vendure holds one price per article, no price lists or quantity steps")
            if record.currency not in channel.available_currency_codes:
                raise Unsupported(f"The channel does not sell in {record.currency}")
            variant = _variant(have, want, record.sku)
            amount = minor_units(record.on_side(channel.prices_include_tax), record.currency)
            on = {"enabled": True} if amount and not any(price.price for price in variant.prices) else {}
            return {"id": variant.id, "prices": [{"currencyCode": record.currency, "price": amount}], **on}

        return batched(row, self._send, wants)

    def stock(self, wants: Sequence[Want]) -> list[Result]:
        """What can be sold = on hand − allocated, so what is allocated now is added to what shall be for sale."""
        locations = self._client.some("stockLocations", shapes.Named, 100).items
        first = next((row.id for row in locations if not self._location or row.name == self._location), None)
        here = there(first, Misconfigured(f"Vendure has no stock location {self._location!r}"))
        have = self._have(wants)

        def row(want: Want, record: StockLevel) -> Row:
            variant = _variant(have, want, record.sku)
            allocated = sum(one.stock_allocated for one in variant.stock_levels if one.stock_location_id == here)
            level = {"stockLocationId": here, "stockOnHand": int(max(record.available, Decimal(0))) + allocated}
            return {"id": variant.id, "stockLevels": [level]}

        return batched(row, self._send, wants)

    def _have(self, wants: Sequence[Want]) -> dict[str, shapes.Stocked]:
        ids = sorted({id_ for want in wants for (type_, _), id_ in want.ids.items() if type_ == "variant"})
        found = self._client.some("productVariants", shapes.Stocked, len(ids), id={"in": ids}).items if ids else []
        return {row.id: row for row in found}

    # ------------------------------------------------------------------------------------- fulfilment, status

    def _order(self, want: Want, key: str) -> shapes.ToFulfil:
        id_ = needed(want.ids, "order", key)
        order = self._client.ask("order", shapes.ToFulfil, id=Var("ID!", id_))
        return there(order, Rejected("The order is gone in Vendure", where=id_))

    def shipment(self, want: Want, record: Shipment) -> Done:
        """A fulfilment; Vendure is told of a shipment when it has left the house."""
        order = self._order(want, record.order)
        goal = _FULFILMENT_STATES.get(record.state)
        if want.external_id:
            held = next((f for f in order.fulfillments or [] if f.id == want.external_id), None)
            have = there(held, Rejected("The fulfilment is gone in Vendure", where=want.external_id))
            if goal:
                self._capture(order)
            self._move(have.id, have.state, goal)
            return Done(external_id=have.id)
        if goal is None:
            return Done()
        left = _left(order)
        rows = [Waiting(one.id, [one.product_variant.sku], Decimal(left.get(one.id, 0))) for one in order.lines]
        pieces = {id_: int(count) for id_, count in laid(record, rows).items()}
        made = self._fulfil(order.id, pieces, record.carrier_code or "Leverans", _tracking(record))
        self._capture(self._order(want, record.order))
        self._move(made.id, made.state, goal)
        return Done(external_id=made.id)

    def _fulfil(self, order: str, pieces: Mapping[str, int], method: str, tracking: str) -> Outcome:
        lines = [{"orderLineId": id_, "quantity": quantity} for id_, quantity in pieces.items() if quantity]
        arguments = [{"name": "method", "value": method}, {"name": "trackingCode", "value": tracking}]
        handler = {"code": "manual-fulfillment", "arguments": arguments}
        values = Var("FulfillOrderInput!", {"lines": lines, "handler": handler})
        return self._client.act("addFulfillmentToOrder", "Fulfillment", input=values)

    def _capture(self, order: shapes.ToFulfil) -> None:
        """Take the reserved money when everything is on its way. Without it Vendure lets no order become Shipped."""
        if self._captures and not _left(order):
            for payment in order.payments or []:
                if payment.state == "Authorized":
                    self._client.act("settlePayment", "Payment", id=Var("ID!", payment.id))

    def _move(self, id_: str, state: str, goal: str | None) -> None:
        """Take a fulfilment forward to Shipped or Delivered; never back."""
        if goal is None or state not in _STEPS:
            return
        for step in _STEPS[_STEPS.index(state) + 1 : _STEPS.index(goal) + 1]:
            to = {"id": Var("ID!", id_), "state": Var("String!", step)}
            self._client.act("transitionFulfillmentToState", "Fulfillment", **to)

    def order_status(self, want: Want, record: OrderStatus) -> Done:
        """Cancel an order, or fulfil what is left of it."""
        order = self._order(want, record.order)
        word = status_word(record, want.options, self._manifest.writes["order_status"].status_map)
        if word == "Cancelled" and order.state != "Cancelled":
            cancel = Var("CancelOrderInput!", {"orderId": order.id, "cancelShipping": True})
            self._client.act("cancelOrder", "Order", input=cancel)
        elif word in ("Shipped", "Delivered"):
            states = {f.id: f.state for f in order.fulfillments or [] if f.state != "Cancelled"}
            if left := _left(order):
                made = self._fulfil(order.id, left, "Leverans", "")
                states[made.id] = made.state
            self._capture(self._order(want, record.order))
            for id_, state in states.items():
                self._move(id_, state, word)
        elif word and word != "Cancelled":
            raise Unsupported(
                f"Vendure's state {word!r} is not one that Samklang sets",
                do_this="Use Shipped, Delivered or Cancelled in the flow's status map.",
            )
        return Done(external_id=order.id)


def _variant(have: Mapping[str, shapes.Stocked], want: Want, sku: str) -> shapes.Stocked:
    variant = have.get(want.ids.get(("variant", sku_key(sku)), ""))
    return there(variant, Wait("variant", sku_key(sku)))


def _tracking(record: Shipment) -> str:
    """What the fulfilment is found by: the tracking numbers, else the shipment's own number."""
    return ", ".join(parcel.tracking_no for parcel in record.parcels if parcel.tracking_no) or record.number


def _left(order: shapes.ToFulfil) -> dict[str, int]:
    """Pieces of each line that no fulfilment holds."""
    left = {line.id: line.quantity for line in order.lines}
    for fulfilment in order.fulfillments or []:
        if fulfilment.state != "Cancelled":
            for line in fulfilment.lines:
                left[line.order_line_id] = left.get(line.order_line_id, 0) - line.quantity
    return {id_: pieces for id_, pieces in left.items() if pieces > 0}
