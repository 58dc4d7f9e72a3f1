"""Products, prices, stock, fulfilments and order states into Vendure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from samklang.connectors.contract import Done, Manifest, Match, Result, Want, status_word
from samklang.connectors.errors import BadData, Misconfigured, Rejected, SamklangError, Unsupported, Wait, bad_data
from samklang.connectors.vendure import map as vendure_map
from samklang.connectors.vendure import shapes
from samklang.connectors.vendure.catalogue import UPDATE_VARIANTS, ProductWriter, parts, slug
from samklang.connectors.vendure.client import Client, Listed, Outcome
from samklang.records import InvalidRecord, OrderStatus, Price, Product, Shipment, StockLevel
from samklang.records.ids import sku_key
from samklang.records.money import minor_units

_FAILED = "__typename ... on ErrorResult { errorCode message }"
_STEPS = ("Pending", "Shipped", "Delivered")
_FULFILMENT_STATES = {"handed_over": "Shipped", "in_transit": "Shipped", "delivered": "Delivered"}


class Writer:
    """Writes into one channel."""

    def __init__(self, client: Client, manifest: Manifest, location: str, country: str, captures: bool) -> None:
        self._client = client
        self._manifest = manifest
        self._location = location
        self._captures = captures
        self._products = ProductWriter(client, country)

    def write(self, type_: str, wants: Sequence[Want]) -> list[Result]:
        """One result per want."""
        if type_ in ("price", "stock"):
            return self._batch(self._price_rows if type_ == "price" else self._stock_rows, wants)
        one: Callable[[Want], Done] = getattr(self, f"_{type_}")
        results: list[Result] = []
        for want in wants:
            try:
                results.append(one(want))
            except InvalidRecord as error:
                results.append(bad_data(error, want.key))
            except SamklangError as error:
                results.append(error)
        return results

    # ---------------------------------------------------------------------------------------------- finding

    def find(self, type_: str, want: Want, match: Sequence[str]) -> list[Match]:
        """A product by one of its SKUs, or half-made by its slug; a fulfilment by its order and tracking code."""
        if isinstance(want.record, Shipment):
            order = self._order(want, want.record.order)
            same = [
                f for f in order.fulfillments or [] if f.tracking_code == _tracking(want.record) and f.state in _STEPS
            ]
            # One that has not come as far as the shipment is ours, but not done: another word than "reference" says so.
            goal = _STEPS.index(_FULFILMENT_STATES.get(want.record.state, "Pending"))
            return [
                Match(external_id=row.id, by="reference" if _STEPS.index(row.state) >= goal else "tracking")
                for row in same
            ]
        if not isinstance(want.record, Product):
            return []
        skus = [variant.sku for variant in want.record.variants]
        searches = [("sku", {"sku": {"in": skus}}), ("slug", {"slug": {"eq": slug(want.record)}})]
        for by, condition in searches:
            options = {"take": 10, "filter": condition}
            found = self._client.get(shapes.PRODUCTS, Listed[shapes.Product], options=options).items
            if by == "sku":  # a database may compare without regard to case or blanks; we do it our way
                keys = {sku_key(text) for text in skus}
                found = [row for row in found if keys & {sku_key(v.sku) for v in row.variants}]
            if found:
                return [Match(external_id=row.id, by=by, parts=parts(row)) for row in found]
        return []

    def _product(self, want: Want) -> Done:
        return self._products.write(want)

    # --------------------------------------------------------------------------------------- prices and stock

    def _batch(
        self, rows: Callable[[Sequence[Want]], list[dict[str, Any] | SamklangError]], wants: Sequence[Want]
    ) -> list[Result]:
        """One mutation for all wants. Vendure does it as one transaction: when it says no, each is tried alone."""
        built = rows(wants)
        good = [(place, row) for place, row in enumerate(built) if not isinstance(row, SamklangError)]
        results: list[Result] = [row if isinstance(row, SamklangError) else Done() for row in built]
        if not good:
            return results
        try:
            answers = self._client.do(UPDATE_VARIANTS, list[shapes.Variant], input=[row for _, row in good])
        except Rejected as error:
            if len(good) == 1:
                results[good[0][0]] = error
                return results
            for place, _ in good:
                results[place] = self._batch(rows, [wants[place]])[0]
            return results
        by_id = {answer.id: answer for answer in answers}
        for place, row in good:
            seen = vendure_map.stock(by_id[row["id"]]) if isinstance(wants[place].record, StockLevel) else None
            results[place] = Done(seen=seen)
        return results

    def _price_rows(self, wants: Sequence[Want]) -> list[dict[str, Any] | SamklangError]:
        channel = self._client.get(shapes.CHANNEL, shapes.Channel)
        have = self._have(wants)
        rows: list[dict[str, Any] | SamklangError] = []
        for want in wants:
            record = want.record
            assert isinstance(record, Price)
            variant = have.get(_variant_id(want, record.sku))
            if record.price_list or record.min_qty != 1:
                rows.append(Unsupported("Vendure holds one price per article, no price lists or quantity steps"))
            elif record.currency not in channel.available_currency_codes:
                rows.append(Unsupported(f"The channel does not sell in {record.currency}"))
            elif variant is None:
                rows.append(Wait("variant", sku_key(record.sku)))
            else:
                try:
                    amount = minor_units(record.on_side(channel.prices_include_tax), record.currency)
                except InvalidRecord as error:
                    rows.append(bad_data(error, record.sku))
                    continue
                row: dict[str, Any] = {"id": variant.id, "prices": [{"currencyCode": record.currency, "price": amount}]}
                if amount and not any(price.price for price in variant.prices):
                    row["enabled"] = True
                rows.append(row)
        return rows

    def _stock_rows(self, wants: Sequence[Want]) -> list[dict[str, Any] | SamklangError]:
        """What can be sold = on hand − allocated, so what is allocated now is added to what shall be for sale."""
        locations = self._client.get(shapes.LOCATIONS, Listed[shapes.Named]).items
        here = [row for row in locations if not self._location or row.name == self._location]
        if not here:
            raise Misconfigured(f"Vendure has no stock location {self._location!r}")
        have = self._have(wants)
        rows: list[dict[str, Any] | SamklangError] = []
        for want in wants:
            record = want.record
            assert isinstance(record, StockLevel)
            variant = have.get(_variant_id(want, record.sku))
            if variant is None:
                rows.append(Wait("variant", sku_key(record.sku)))
                continue
            allocated = sum(
                level.stock_allocated for level in variant.stock_levels if level.stock_location_id == here[0].id
            )
            level = {"stockLocationId": here[0].id, "stockOnHand": int(max(record.available, Decimal(0))) + allocated}
            rows.append({"id": variant.id, "stockLevels": [level]})
        return rows

    def _have(self, wants: Sequence[Want]) -> dict[str, shapes.Variant]:
        ids = sorted({id_ for want in wants if (id_ := _variant_id(want, getattr(want.record, "sku", "")))})
        options = {"take": len(ids), "filter": {"id": {"in": ids}}}
        found = self._client.get(shapes.VARIANTS, Listed[shapes.Variant], options=options).items if ids else []
        return {row.id: row for row in found}

    # ------------------------------------------------------------------------------------- fulfilment, status

    def _order(self, want: Want, key: str) -> shapes.ToFulfil:
        id_ = want.ids.get(("order", key))
        if not id_:
            raise Wait("order", key)
        order = self._client.ask(shapes.TO_FULFIL, shapes.ToFulfil, id=id_)
        if order is None:
            raise Rejected("The order is gone in Vendure", where=id_)
        return order

    def _shipment(self, want: Want) -> Done:
        record = want.record
        assert isinstance(record, Shipment)
        order = self._order(want, record.order)
        goal = _FULFILMENT_STATES.get(record.state)
        if want.external_id:
            have = next((f for f in order.fulfillments or [] if f.id == want.external_id), None)
            if have is None:
                raise Rejected("The fulfilment is gone in Vendure", where=want.external_id)
            if goal:
                self._capture(order)
            self._move(have.id, have.state, goal)
            return Done(external_id=have.id)
        if goal is None:
            return Done()  # nothing has left the house yet: the shop is told when it has
        lines = _sent_lines(record, order)
        made = self._fulfil(order.id, lines, record.carrier_code or "Leverans", _tracking(record))
        self._capture(self._order(want, record.order))
        self._move(made.id, made.state, goal)
        return Done(external_id=made.id)

    def _fulfil(self, order: str, lines: list[dict[str, Any]], method: str, tracking: str) -> Outcome:
        arguments = [{"name": "method", "value": method}, {"name": "trackingCode", "value": tracking}]
        return self._client.do(
            "mutation($input: FulfillOrderInput!) { result: addFulfillmentToOrder(input: $input) "
            f"{{ {_FAILED} ... on Fulfillment {{ id state }} }} }}",
            Outcome,
            input={"lines": lines, "handler": {"code": "manual-fulfillment", "arguments": arguments}},
        )

    def _capture(self, order: shapes.ToFulfil) -> None:
        """Take the reserved money when everything is on its way. Without it Vendure lets no order become Shipped."""
        if not self._captures or _left(order):
            return
        for payment in order.payments or []:
            if payment.state == "Authorized":
                self._client.do(
                    "mutation($id: ID!) { result: settlePayment(id: $id) "
                    f"{{ {_FAILED} ... on Payment {{ id state }} }} }}",
                    Outcome, id=payment.id,
                )  # fmt: skip

    def _move(self, id_: str, state: str, goal: str | None) -> None:
        """Take a fulfilment forward to Shipped or Delivered; never back."""
        if goal is None or state not in _STEPS:
            return
        for step in _STEPS[_STEPS.index(state) + 1 : _STEPS.index(goal) + 1]:
            self._client.do(
                "mutation($id: ID!, $to: String!) { result: transitionFulfillmentToState(id: $id, state: $to) "
                f"{{ {_FAILED} ... on Fulfillment {{ id state }} }} }}",
                Outcome, id=id_, to=step,
            )  # fmt: skip

    def _order_status(self, want: Want) -> Done:
        record = want.record
        assert isinstance(record, OrderStatus)
        order = self._order(want, record.order)
        word = status_word(record, want.options, self._manifest.writes["order_status"].status_map)
        if word == "Cancelled" and order.state != "Cancelled":
            self._client.do(
                "mutation($id: ID!) { result: cancelOrder(input: { orderId: $id, cancelShipping: true }) "
                f"{{ {_FAILED} ... on Order {{ id state }} }} }}",
                Outcome, id=order.id,
            )  # fmt: skip
        elif word in ("Shipped", "Delivered"):
            fulfilments = [f for f in order.fulfillments or [] if f.state != "Cancelled"]
            left = _left(order)
            if left:
                lines = [{"orderLineId": id_, "quantity": pieces} for id_, pieces in left.items()]
                made = self._fulfil(order.id, lines, "Leverans", "")
                fulfilments.append(shapes.Fulfillment(id=made.id, state=made.state))
            self._capture(self._order(want, record.order))
            for fulfilment in fulfilments:
                self._move(fulfilment.id, fulfilment.state, word)
        elif word and word != "Cancelled":
            raise Unsupported(
                f"Vendure's state {word!r} is not one that Samklang sets",
                do_this="Use Shipped, Delivered or Cancelled in the flow's status map.",
            )
        return Done(external_id=order.id)


def _variant_id(want: Want, sku: str) -> str:
    return want.ids.get(("variant", sku_key(sku)), "")


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


def _sent_lines(record: Shipment, order: shapes.ToFulfil) -> list[dict[str, Any]]:
    """The shipment's pieces on the order's lines, by line id or by SKU over the lines that still lack some."""
    left = _left(order)
    skus = {line.id: sku_key(line.product_variant.sku) for line in order.lines}
    sent: dict[str, int] = {}
    for line in record.lines:
        pieces = int(line.quantity)
        for id_ in [line.line_id] if line.line_id in skus else [i for i in left if skus[i] == sku_key(line.sku)]:
            some = min(pieces, left.get(id_, 0))
            sent[id_] = sent.get(id_, 0) + some
            left[id_] = left.get(id_, 0) - some
            pieces -= some
        if pieces:
            raise BadData(
                f"{pieces} of {line.sku or line.line_id} were sent, but the order lacks no more of it",
                where=record.key,
                do_this="Compare the shipment with the order in the shop and correct the one that is wrong.",
            )
    return [{"orderLineId": id_, "quantity": pieces} for id_, pieces in sent.items() if pieces]
