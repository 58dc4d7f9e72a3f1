"""Charges, refunds, cancellations. Each asks the payment first: what bears our mark is not repeated."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from samklang.connectors.contract import Done, Want
from samklang.connectors.errors import Rejected
from samklang.connectors.kit.payments import done_before, idempotency_key
from samklang.connectors.nets_easy import map as shapes
from samklang.connectors.nets_easy.client import MEANING, Client
from samklang.connectors.nets_easy.map import Payment
from samklang.records import Capture, Refund, Void
from samklang.records.money import from_minor_units, minor_units


class Made(msgspec.Struct, rename="camel"):
    """The id of a charge or refund."""

    charge_id: str = ""
    refund_id: str = ""


class Writer:
    """Money at one merchant account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def capture(self, want: Want, record: Capture) -> Done:
        """Charge what a shipment is worth, once (J-13)."""
        if want.external_id:  # it has happened; nothing of it can be changed
            return Done(external_id=want.external_id)
        payment = self._payment(want, record)
        if there := done_before(want, shapes.moved(payment, want), payment.left):
            return Done(external_id=there)
        if payment.left < minor_units(record.amount, record.currency):
            raise _too_much(want, record, payment)
        body, key = shapes.charge_body(want, record), idempotency_key(want, record.payment_id)
        made = self._client.act(f"{_path(payment)}/charges", body, key).of(Made)
        return Done(external_id=made.charge_id)

    def refund(self, want: Want, record: Refund) -> Done:
        """Give money back: of the charge that took it, or of the whole payment where that one does not suffice."""
        if want.external_id:
            return Done(external_id=want.external_id)
        payment = self._payment(want, record)
        left, amount = payment.charged - payment.refunded, minor_units(record.amount, record.currency)
        if there := done_before(want, shapes.moved(payment, want), left):
            return Done(external_id=there)
        if left < amount:
            rest = f"{from_minor_units(left, record.currency)} {record.currency}"
            raise Rejected(
                f"{record.amount} {record.currency} shall be refunded, only {rest} is charged and not refunded yet",
                where=f"{want.key} {record.payment_id}", do_this=MEANING["1009"][1],
            )  # fmt: skip
        body, failed = shapes.refund_body(want, record), shapes.failures(payment, want)
        of_charge, of_all = (
            idempotency_key(want, f"{record.payment_id}{way}{failed or ''}") for way in ("/charge", "/payment")
        )
        charge = want.ids.get(("capture", record.capture), "")
        if any(one.charge_id == charge and one.amount >= amount for one in payment.charges or []):
            try:
                made = self._client.act(f"/v1/charges/{quote(charge, safe='')}/refunds", body, of_charge).of(Made)
                return Done(external_id=made.refund_id)
            except Rejected as error:
                if error.remote != "1009":  # so much is not left of this charge, but it is of the payment
                    raise
        made = self._client.act(f"{_path(payment)}/refunds", body, of_all).of(Made)
        return Done(external_id=made.refund_id)

    def void(self, want: Want, record: Void) -> Done:
        """Cancel the reservation. What is left after charges only a person can let go. What is gone needs nothing."""
        payment = self._payment(want, record)
        if record.whole and payment.charged:
            taken = f"{from_minor_units(payment.charged, record.currency)} {record.currency}"
            raise Rejected(
                f"The payment cannot be cancelled at Nexi: {taken} is charged", where=want.key,
                do_this="Refund what was charged, if the buyer is not to pay; then mark this as done.",
            )  # fmt: skip
        if not payment.left:
            return Done()
        if not record.whole:
            rest = f"{from_minor_units(payment.left, record.currency)} {record.currency} of {record.payment_id}"
            return Done(by_hand=f"Release the rest, {rest}, in Nexi's portal, or let it lapse.")
        try:
            self._client.act(f"{_path(payment)}/cancels", {"amount": payment.order_details.amount})
        except Rejected as error:
            if error.remote != "1019":  # cancelled meanwhile, or by the try whose answer was lost
                raise
        return Done()

    def _payment(self, want: Want, record: Capture | Refund | Void) -> Payment:
        """The payment; Rejected when there is none, or when it is in another currency."""
        payment = self._client.payment(record.payment_id)
        if payment is None:
            raise Rejected(
                f"Nexi has no payment {record.payment_id}", where=want.key,
                do_this="Check that the shop's orders bear Nexi's paymentId, and that live and test are not mixed up.",
            )  # fmt: skip
        currency = payment.order_details.currency.upper()
        if currency != record.currency:
            raise Rejected(
                f"The payment at Nexi is in {currency}, not in {record.currency}", where=want.key,
                do_this="Correct the currency in the shop.",
            )  # fmt: skip
        return payment


def _path(payment: Payment) -> str:
    return f"/v1/payments/{quote(payment.payment_id, safe='')}"


def _too_much(want: Want, record: Capture, payment: Payment) -> Rejected:
    """Why the payment does not give so much, in words for people."""
    where = f"{want.key} {record.payment_id}"
    code = "1003" if not payment.reserved else "1019" if payment.cancelled else "1001" if payment.left else "1008"
    what, advice = MEANING[code]
    if payment.left:
        rest = f"{from_minor_units(payment.left, record.currency)} {record.currency}"
        what = f"{record.amount} {record.currency} shall be charged, only {rest} is reserved and left"
    return Rejected(what, where=where, do_this=advice)
