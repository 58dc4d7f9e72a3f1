"""Captures, refunds, the release of the rest. Each asks the order first: what bears our reference is not repeated."""

from __future__ import annotations

from typing import NoReturn

from samklang.connectors.contract import Done, Want
from samklang.connectors.errors import BadAnswer, Rejected
from samklang.connectors.kit.payments import done_before, idempotency_key
from samklang.connectors.klarna import map as shapes
from samklang.connectors.klarna.client import Client
from samklang.connectors.klarna.map import Order
from samklang.records import Capture, Refund, Void
from samklang.records.money import from_minor_units, minor_units

_ENDED = {
    "CANCELLED": "The authorisation was cancelled", "EXPIRED": "The authorisation has expired",
    "CLOSED": "The authorisation is closed now",
}  # fmt: skip


class Writer:
    """Money at one merchant account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def move(self, want: Want, record: Capture | Refund) -> Done:
        """Take the money of a shipment, or give it back; once (J-13)."""
        if want.external_id:  # it has happened; nothing of it can be changed
            return Done(external_id=want.external_id)
        order = self._order(want, record)
        there = done_before(want, shapes.moved(order, want), shapes.left(order, record))
        if there:
            return Done(external_id=there)
        if isinstance(record, Capture):
            _check_capture(want, record, order)
            what, body, named = "captures", shapes.capture_body(want, record), "capture-id"
        else:
            _check_refund(want, record, order)
            what, body, named = "refunds", shapes.refund_body(want, record), "refund-id"
        key = idempotency_key(want, record.payment_id)
        answer = self._client.act(record.payment_id, what, key, body)
        id_ = answer.headers.get(named) or answer.headers.get("location", "").rstrip("/").rpartition("/")[2]
        if not id_:  # done, but under which id? The order tells.
            order = self._order(want, record)
            id_ = done_before(want, shapes.moved(order, want), shapes.left(order, record))
        if not id_:
            raise BadAnswer(f"Klarna took the {record.type} but gives no id of it", where=answer.where)
        return Done(external_id=id_)

    def void(self, want: Want, record: Void) -> Done:
        """Cancel the order, or let go of what is left after captures. What is gone already needs nothing."""
        order = self._order(want, record)
        if record.whole and order.captured_amount:
            taken = from_minor_units(order.captured_amount, record.currency)
            raise Rejected(
                f"The order cannot be cancelled at Klarna: {taken} {record.currency} is captured", where=want.key,
                do_this="Refund what was captured, if the buyer is not to pay; then mark this as done.",
            )  # fmt: skip
        if not order.remaining_authorized_amount:
            return Done()
        if not record.whole and not order.captured_amount:
            raise Rejected(
                "Nothing is captured at Klarna, so there is no rest to let go", where=want.key,
                do_this="Look at the order in Klarna's portal: cancel it there, or capture what was sent.",
            )  # fmt: skip
        what = "cancel" if record.whole else "release-remaining-authorization"
        self._client.act(record.payment_id, what, idempotency_key(want, record.payment_id))
        return Done()

    def _order(self, want: Want, record: Capture | Refund | Void) -> Order:
        """The order of this payment; Rejected when there is none, or when it is in another currency."""
        order = self._client.order(record.payment_id)
        if order is None:
            raise Rejected(
                f"Klarna has no order {record.payment_id}", where=want.key,
                do_this="Check that the shop's orders bear Klarna's order_id, and that live and test are not mixed up.",
            )  # fmt: skip
        currency = order.purchase_currency.upper()
        if currency != record.currency:
            raise Rejected(
                f"The order at Klarna is in {currency}, not in {record.currency}", where=want.key,
                do_this="Correct the currency in the shop.",
            )  # fmt: skip
        return order


def _check_capture(want: Want, record: Capture, order: Order) -> None:
    """Rejected, in words for people, when Klarna would not let us capture so much."""
    left = shapes.left(order, record)
    pay = "Have the buyer pay in another way, or take the goods back; then mark this as done."
    if order.fraud_status == "PENDING":
        _refuse(want, "Klarna is still checking the buyer", "Wait for Klarna's decision (within a day), then retry.")
    if order.fraud_status == "REJECTED":
        _refuse(want, "Klarna refused the buyer after a check for fraud", "Do not send the goods; cancel the order.")
    if order.status in _ENDED:
        what, until = _ENDED[order.status], order.expires_at[:10]
        _refuse(want, f"{what} (it was good until {until})", pay)
    if not left:
        look = "Look at its captures in Klarna's portal; if this one is among them, mark it as done."
        _refuse(want, "The order is captured in full already, and none of its captures is this one", look)
    if left < minor_units(record.amount, record.currency):
        rest = f"{from_minor_units(left, record.currency)} {record.currency}"
        raise_it = (
            "Raise the order's amount at Klarna (it judges the buyer again), or have the difference paid otherwise."
        )
        _refuse(want, f"{record.amount} {record.currency} shall be captured, only {rest} is authorised", raise_it)


def _check_refund(want: Want, record: Refund, order: Order) -> None:
    """Rejected when more shall go back than was captured and not yet refunded."""
    left = shapes.left(order, record)
    if left < minor_units(record.amount, record.currency):
        rest = f"{from_minor_units(left, record.currency)} {record.currency}"
        look = "Look at the order's refunds in Klarna's portal; if this one is among them, mark it as done."
        said = f"{record.amount} {record.currency} shall be refunded, only {rest} is captured and not refunded yet"
        _refuse(want, said, look)


def _refuse(want: Want, what: str, do_this: str) -> NoReturn:
    raise Rejected(what, where=f"{want.key} {want.record.payment_id}", do_this=do_this)  # type: ignore[attr-defined]
