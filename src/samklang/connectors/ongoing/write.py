"""Wanted records into Ongoing.

Everything is put by a number of ours, so it may be written twice. Before an order or a purchase order is written it is
looked at: its number may belong to another, the warehouse may have begun with it, or nothing may differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from samklang.connectors.contract import Done, Part, Want
from samklang.connectors.errors import BadAnswer, Locked, Rejected, Unsupported
from samklang.connectors.kit.writing import needed
from samklang.connectors.ongoing import life, shapes
from samklang.connectors.ongoing import map as ongoing_map
from samklang.connectors.ongoing.client import Client
from samklang.connectors.ongoing.life import Steps
from samklang.records import Inbound, Order, OrderStatus, Product, Release, Variant

_LONGEST_REFERENCE = 50  # of goodsOwnerOrderId in the older SOAP document


class Writer:
    """Writes for one goods owner."""

    def __init__(self, client: Client, steps: Steps, settings: Mapping[str, Any]) -> None:
        self.client = client
        self.steps = steps
        self.settings = settings
        self._released = int(settings.get("release_status") or life.RELEASED)

    # ------------------------------------------------------------------------------------------------ products

    def product(self, want: Want, record: Product) -> Done:
        """Every variant as an article (O-13). One that is archived is left as it is, for a person to remove (O-16)."""
        parts, by_hand = [], []
        for variant in record.variants:
            known = want.ids.get(("variant", variant.key), "")
            gone = "archived" in (record.status, variant.status)
            if gone and known:
                by_hand.append(known)
            elif not gone:
                self._article(want, record, variant, known)
            if known or not gone:
                parts.append(Part("variant", variant.key, known or variant.sku))
        text = f"Remove article {', '.join(by_hand)} by hand in Ongoing, or have the warehouse do it" if by_hand else ""
        id_ = parts[0].external_id if len(record.variants) == 1 and parts else record.code if parts else ""
        return Done(external_id=id_, parts=tuple(parts), by_hand=text)

    def _article(self, want: Want, record: Product, variant: Variant, known: str) -> None:
        body = ongoing_map.article_body(record, variant, want.fields if known else None)
        body |= {"goodsOwnerId": self.client.owner, "articleNumber": known or variant.sku}
        if not known and not variant.track_stock:
            body["isStockArticle"] = False
        self.client.change("PUT", "articles", body)

    # ------------------------------------------------------------------------------------------------ orders

    def order(self, want: Want, record: Order) -> Done:
        """Create or change the order until picking has begun; the lines are told apart by their ids (O-05 to O-07)."""
        if len(want.reference) > _LONGEST_REFERENCE:
            raise Unsupported(f"Ongoing holds a reference of at most {_LONGEST_REFERENCE} characters", where=want.key)
        now = self._there(want, record)
        if record.lifecycle == "cancelled":
            if now is not None:
                self._cancel(now, want.key)
            return Done(external_id=str(now.id) if now else "")
        body = ongoing_map.order_body(record, want.ids, want.reference, self.settings, self.client.owner)
        if now is None:
            made = self.client.change("PUT", "orders", body)
            if made.order_id is None:
                raise BadAnswer("Ongoing took the order, but does not say under which id", where=want.key)
            return Done(external_id=str(made.order_id))
        if now.number >= life.CANCELLED:
            raise Rejected(
                f"Order {now.head.order_number} is cancelled in Ongoing", where=want.key,
                do_this="Cancel it in the shop too: Ongoing takes a number only once.",
            )  # fmt: skip
        locked = now.number >= self.steps.locked
        if ongoing_map.same_order(body, now, locked=locked):
            return Done(external_id=str(now.id))
        if locked:
            self._refuse(now, want)
        try:
            self.client.change("PUT", "orders", body)
        except Rejected as no:
            self._judge(no, now, want)
        self._without_rest(body, now, want)
        return Done(external_id=str(now.id))

    def _there(self, want: Want, record: Order) -> shapes.OrderRow | None:
        """The order as it stands; None when it was never here. Rejected when its number is another order's."""
        if want.external_id:
            return self.client.order_of(want.external_id, want.key)
        number = ongoing_map.order_number(record, bool(self.settings.get("with_channel")))
        found = self.client.orders_called([number])
        for row in found:
            if row.head.goods_owner_order_id != want.reference:
                raise Rejected(
                    f"Ongoing has another order {number}", where=f"{want.key} order_no",
                    do_this="Put the channel before the number (setting of the connection), or cancel the other order.",
                )  # fmt: skip
        return found[0] if found else None

    def _refuse(self, now: shapes.OrderRow, want: Want) -> None:
        error = Locked(f"Order {now.head.order_number} is at {now.told} in Ongoing", where=want.key)
        if want.external_id:
            raise error
        # It was taken by an earlier try whose answer was lost: the hub must know it before it can be told of the lock.
        raise Rejected(error.what, where=error.where, do_this=error.do_this, existing=str(now.id))

    def _judge(self, no: Rejected, before: shapes.OrderRow, want: Want) -> None:
        """Why a change was refused: because the warehouse has begun meanwhile, or for what it says."""
        now = self.client.order(before.id) or before
        if now.number >= self.steps.locked or any(line.picked for line in now.lines):
            self._refuse(now, want)
        raise no

    def _without_rest(self, body: Mapping[str, Any], before: shapes.OrderRow, want: Want) -> None:
        """Whether Ongoing has dropped the lines that the order no longer has (unconfirmed, so it is looked at)."""
        named = {line["rowNumber"] for line in body["orderLines"]}
        if {line.row for line in before.lines} <= named:
            return
        now = self.client.order(before.id)
        left = [line.sku for line in now.lines if line.row not in named and line.ordered] if now else []
        if left:
            raise Rejected(
                f"Ongoing keeps a line that the order no longer has: {', '.join(left)}", where=want.key,
                do_this="Remove the line by hand in Ongoing, then retry.",
            )  # fmt: skip

    def _cancel(self, now: shapes.OrderRow, key: str) -> None:
        """Cancel, where the warehouse has not begun; doing it twice is no fault."""
        if now.number >= life.CANCELLED:
            return
        advice = "Ask the warehouse to stop it; else take the goods back as a return."
        what = f"Order {now.head.order_number} cannot be cancelled any more"
        if now.number >= self.steps.locked:
            raise Locked(f"{what}: it is at {now.told}", where=key, do_this=advice)
        try:
            self.client.change("DELETE", f"orders/{now.id}")
        except Rejected as no:
            again = self.client.order(now.id) or now
            if again.number < life.CANCELLED:
                raise Locked(f"{what}: {no.what}", where=key, do_this=advice) from no

    def status(self, want: Want, record: OrderStatus) -> Done:
        """A cancellation. What else has happened elsewhere is no matter of the warehouse; a release is a record."""
        if record.lifecycle == "cancelled":
            self._cancel(self.client.order_of(needed(want.ids, "order", record.order), want.key), want.key)
        return Done()

    def release(self, want: Want, record: Release) -> Done:
        """Into the picking queue (O-04); an order that is there, or further on, is left alone."""
        now = self.client.order_of(needed(want.ids, "order", record.order), want.key)
        if now.number >= life.CANCELLED or now.number == life.ERROR:
            raise Rejected(
                f"Order {now.head.order_number} is at {now.told} in Ongoing", where=want.key,
                do_this="See with the warehouse what is wrong with the order, then retry.",
            )  # fmt: skip
        if now.number >= self._released:
            return Done()
        try:
            self.client.change("PATCH", f"orders/{now.id}/orderStatus", {"orderStatusNumber": self._released})
        except Rejected:
            again = self.client.order(now.id)
            if again is None or not self._released <= again.number < life.CANCELLED:
                raise
        return Done()

    # ------------------------------------------------------------------------------------------------ inbound

    def inbound(self, want: Want, record: Inbound) -> Done:
        """A purchase order, until the warehouse has begun to receive it (O-14, O-15)."""
        now = self.client.purchase_called(record.key)
        if now is not None and now.head.goods_owner_reference != want.reference:
            raise Rejected(
                f"Ongoing has a purchase order {record.key} that somebody else made", where=want.key,
                do_this="Give the purchase order another number.",
            )  # fmt: skip
        cancelled = now is not None and now.head.status.number >= ongoing_map.INBOUND_CANCELLED
        if record.state == "draft" or (record.state == "cancelled" and (now is None or cancelled)):
            return Done(external_id=str(now.id) if now else "")
        if record.state == "cancelled":
            assert now is not None
            self._unless_begun(now, want, lambda: self.client.change("DELETE", f"purchaseOrders/{now.id}"))
            return Done(external_id=str(now.id))
        body = ongoing_map.inbound_body(record, want.ids, want.reference, self.client.owner)
        if now is None:
            made = self.client.change("PUT", "purchaseOrders", body)
            return Done(external_id=str(made.purchase_order_id or ""))
        if cancelled:
            raise Rejected(f"Purchase order {record.key} is cancelled in Ongoing", where=want.key)
        if not (self._begun(now) and ongoing_map.same_inbound(body, now)):
            self._unless_begun(now, want, lambda: self.client.change("PUT", "purchaseOrders", body))
        return Done(external_id=str(now.id))

    def _unless_begun(self, now: shapes.PurchaseOrder, want: Want, change: Callable[[], object]) -> None:
        begun = Locked(
            f"The warehouse has begun to receive purchase order {now.head.number}", where=want.key,
            do_this="Agree with the warehouse on what is to come, or make a purchase order of its own for the rest.",
        )  # fmt: skip
        if self._begun(now):
            raise begun
        try:
            change()
        except Rejected as no:
            if self._begun(self.client.purchase_called(now.head.number) or now):
                raise begun from no
            raise

    def _begun(self, row: shapes.PurchaseOrder) -> bool:
        return row.head.status.number >= ongoing_map.INBOUND_STARTED or any(line.received for line in row.lines)
