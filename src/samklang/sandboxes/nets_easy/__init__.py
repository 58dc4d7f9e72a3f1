"""Nexi Checkout's Payment API v1 (once DIBS, then Nets Easy) as a sandbox: payments in memory, charges, refunds.

A buyer's purchase is `reserve`; what happens at Nexi or in its portal are `expire`, `charge`, `refund`, `settle` (a
refund that waits), `cancel`. Webhooks go to the addresses that the payment was made with, from a thread, and are kept
in `events`. An idempotency key is remembered for 24 hours of the sandbox's clock (how long at Nexi is not documented).
Payouts are in reports.py.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import msgspec
import urllib3
from starlette.requests import Request
from starlette.routing import Route

from samklang.sandboxes.nets_easy.reports import Reports, instant
from samklang.sandboxes.payments import Body, Provider, Refused, Reply, utc_now

SECRET_KEY = "test-secret-key-sandbox"  # noqa: S105  # of a stand-in, the same everywhere
_MERCHANT = 100017120
_ITEM = ("reference", "name", "quantity", "unit", "unitPrice", "netTotalAmount", "grossTotalAmount")
_GONE = ("Failed", "Cancelled", "Expired")


class Movement(msgspec.Struct, kw_only=True):
    """A charge, or a refund in its state; `charge` is the charge that a refund is taken of, empty = of any."""

    id: str
    amount: int
    at: datetime
    items: list[Body] = []
    state: str = "Completed"
    charge: str = ""


class Payment(msgspec.Struct, kw_only=True):
    """A purchase; what is `reserved` can be charged until it `expires`."""

    id: str
    amount: int
    currency: str
    reference: str
    created: datetime
    expires: datetime
    method: str = "Visa"
    parts: bool = True  # whether the method can be charged in parts
    reserved: int = 0
    cancelled: int = 0
    charges: list[Movement] = []
    refunds: list[Movement] = []
    hooks: list[Body] = []

    @property
    def charged(self) -> int:
        return sum(one.amount for one in self.charges)

    @property
    def refunded(self) -> int:
        return sum(one.amount for one in self.refunds if one.state not in _GONE)


class NetsSandbox(Provider):
    """A merchant's account."""

    key_header = "idempotency-key"
    actions = ("reserve", "expire", "charge", "refund", "settle", "cancel", "pay_out")

    def __init__(self, now: Callable[[], datetime] = utc_now, secret_key: str = SECRET_KEY) -> None:
        self.payments: dict[str, Payment] = {}
        self.events: list[Body] = []
        self.balance = True  # whether there is money for refunds; without it they wait
        self.reports = Reports(self)
        self._key = secret_key
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="nets-webhooks")
        super().__init__(now)

    # ------------------------------------------------------------------------------------------------ by hand

    def reserve(
        self,
        amount: int,
        currency: str = "SEK",
        reference: str = "",
        *,
        paid: bool = True,
        parts: bool = True,
        days: int = 7,
        hooks: Sequence[Body] = (),
    ) -> str:
        """A buyer pays in the checkout (or leaves it, with `paid` false): gives the paymentId that the shop keeps."""
        payment = Payment(
            id=uuid.uuid4().hex, amount=amount, currency=currency, reference=reference, created=self.now(),
            expires=self.now() + timedelta(days=days), parts=parts, reserved=amount if paid else 0, hooks=[*hooks],
        )  # fmt: skip
        self.payments[payment.id] = payment
        self._tell(payment, "payment.created", {"order": {"amount": _money(payment, amount), "reference": reference}})
        if paid:
            body = {"paymentMethod": payment.method, "paymentType": "CARD", "amount": _money(payment, amount)}
            self._tell(payment, "payment.reservation.created.v2", body)
        return payment.id

    def expire(self, payment_id: str) -> None:
        """The reservation runs out now; Nexi's sums do not show it."""
        self.payments[payment_id].expires = self.now()

    def charge(self, payment_id: str, amount: int) -> str:
        """Somebody charges in the portal, without our mark."""
        return self._charge(self._payment(payment_id), {"amount": amount}).id

    def refund(self, payment_id: str, amount: int) -> str:
        """Somebody refunds in the portal."""
        return self._refund(self._payment(payment_id), {"amount": amount}, "").id

    def settle(self, payment_id: str, refund_id: str, state: str = "Completed") -> None:
        """A waiting refund comes to its end: Completed, Failed, Cancelled or Expired."""
        payment = self.payments[payment_id]
        refund = next(one for one in payment.refunds if one.id == refund_id)
        refund.state = state
        event = "payment.refund.completed" if state == "Completed" else "payment.refund.failed"
        self._tell(payment, event, {"refundId": refund.id, "amount": _money(payment, refund.amount)})

    def cancel(self, payment_id: str) -> None:
        """Somebody cancels in the portal."""
        self._cancel({"id": payment_id}, {"amount": self.payments[payment_id].amount})

    def pay_out(self, currency: str = "SEK", deposited: int = 0) -> str:
        """Nexi pays what is due; gives the payout's id, "" when nothing is due."""
        return self.reports.pay_out(currency, deposited)

    def snapshot(self) -> Mapping[str, Any]:
        return {id_: _shown(payment) for id_, payment in self.payments.items()}

    # ------------------------------------------------------------------------------------------------ the API

    def routes(self) -> list[Route]:
        payment = "/v1/payments/{id}"
        return [
            self.endpoint(payment, "GET", lambda names, _: Reply(200, {"payment": _shown(self._payment(names["id"]))})),
            self.endpoint(f"{payment}/charges", "POST", self._post_charge),
            self.endpoint(f"{payment}/refunds", "POST", self._post_refund),
            self.endpoint("/v1/charges/{charge}/refunds", "POST", self._post_refund),
            self.endpoint(f"{payment}/cancels", "POST", self._cancel),
            *self.reports.routes(),
        ]

    def login(self, request: Request) -> None:
        if request.headers.get("authorization") != self._key:
            raise Refused(Reply(401))

    def unreadable(self, what: str) -> Refused:
        return Refused(Reply(400, {"errors": {"": [what]}}))

    def clash(self, before: Body, now: Body) -> Refused | None:
        if before.get("amount") == now.get("amount"):
            return None
        return _no("1026", "The charge or refund was already tried with a different amount")

    def _payment(self, id_: str) -> Payment:
        payment = self.payments.get(id_)
        if payment is None:
            raise Refused(Reply(404))
        return payment

    def _post_charge(self, names: Mapping[str, str], body: Body) -> Reply:
        return Reply(201, {"chargeId": self._charge(self._payment(names["id"]), body).id})

    def _charge(self, payment: Payment, body: Body) -> Movement:
        amount, items = _asked(body)
        if payment.cancelled:
            raise _no("1019", "Payment is already cancelled")
        if not payment.reserved:
            raise _no("1003", "Payment is not reserved")
        if payment.charged == payment.reserved:
            raise _no("1008", "Payment is already charged")
        if payment.charged + amount > payment.reserved:
            raise _no("1001", "Overcharge")
        if self.now() >= payment.expires:
            raise _no("1010", "Reservation expired")
        if not payment.parts and amount != payment.reserved:
            raise _no("1024", "Partial charge not allowed")
        made = Movement(id=uuid.uuid4().hex, amount=amount, at=self.now(), items=items)
        payment.charges = [*payment.charges, made]
        told = {
            "chargeId": made.id, "orderItems": items, "paymentMethod": payment.method, "paymentType": "CARD",
            "amount": _money(payment, amount),
        }  # fmt: skip
        self._tell(payment, "payment.charge.created.v2", told)
        return made

    def _post_refund(self, names: Mapping[str, str], body: Body) -> Reply:
        charge = names.get("charge", "")
        of = [one for one in self.payments.values() if any(row.id == charge for row in one.charges)]
        if charge and not of:
            raise Refused(Reply(404))
        payment = of[0] if charge else self._payment(names["id"])
        return Reply(201, {"refundId": self._refund(payment, body, charge).id})

    def _refund(self, payment: Payment, body: Body, charge: str) -> Movement:
        amount, items = _asked(body)
        taken = next((one.amount for one in payment.charges if one.id == charge), payment.charged)
        back = sum(one.amount for one in payment.refunds if one.state not in _GONE and charge in ("", one.charge))
        if amount > min(taken - back, payment.charged - payment.refunded):
            raise _no("1009", "Invalid refund amount")
        made = Movement(
            id=uuid.uuid4().hex, amount=amount, at=self.now(), items=items, charge=charge,
            state="Completed" if self.balance else "Pending",
        )  # fmt: skip
        payment.refunds = [*payment.refunds, made]
        told = {"paymentActionId": made.id, "orderItems": items, "amount": _money(payment, amount)}
        self._tell(payment, "payment.refund.initiated.v2", told)
        return made

    def _cancel(self, names: Mapping[str, str], body: Body) -> Reply:
        payment = self._payment(names["id"])
        if payment.cancelled:
            raise _no("1019", "Payment is already cancelled")
        if payment.charges:
            raise _no("1008", "Payment is already charged")
        if body.get("amount") != payment.amount:
            raise _no("1007", "Partial cancel not allowed")
        if not payment.reserved:
            raise _no("1003", "Payment is not reserved")
        payment.cancelled = payment.reserved
        told = {"cancelId": uuid.uuid4().hex, "amount": _money(payment, payment.amount)}
        self._tell(payment, "payment.cancel.created", told)
        return Reply(204)

    # ------------------------------------------------------------------------------------------------ webhooks

    def _tell(self, payment: Payment, event: str, data: Body) -> None:
        merchant = "merchantNumber" if event.endswith(".v2") else "merchantId"
        told = {
            "id": uuid.uuid4().hex, "timestamp": instant(self.now()), merchant: _MERCHANT, "event": event,
            "data": {**data, "paymentId": payment.id},
        }  # fmt: skip
        self.events.append(told)
        for hook in payment.hooks:
            if hook["eventName"] == event:
                self._sender.submit(_send, hook, told)


def _send(hook: Body, told: Body) -> None:
    headers = {"Content-Type": "application/json", "Authorization": str(hook.get("authorization", ""))}
    with contextlib.suppress(urllib3.exceptions.HTTPError):  # Nexi would try again; a hint that is lost does no harm
        urllib3.request("POST", hook["url"], body=msgspec.json.encode(told), headers=headers, timeout=5, retries=False)


def _shown(payment: Payment) -> Body:
    sums = {
        "reservedAmount": payment.reserved, "chargedAmount": payment.charged, "refundedAmount": payment.refunded,
        "cancelledAmount": payment.cancelled,
    }  # fmt: skip
    return {
        "paymentId": payment.id,
        "summary": {name: value for name, value in sums.items() if value},  # zeros are left out
        "consumer": {"privatePerson": {"firstName": "Åsa", "lastName": "Öberg", "email": "asa@example.com"}},
        "paymentDetails": {"paymentType": "CARD", "paymentMethod": payment.method},
        "orderDetails": {"amount": payment.amount, "currency": payment.currency, "reference": payment.reference},
        "checkout": {"url": "https://butik.example/kassa"},
        "created": instant(payment.created),
        "charges": [
            {"chargeId": one.id, "amount": one.amount, "created": instant(one.at), "orderItems": one.items}
            for one in payment.charges
        ],
        "refunds": [
            {
                "refundId": one.id, "amount": one.amount, "state": one.state, "lastUpdated": instant(one.at),
                "orderItems": one.items,
            }
            for one in payment.refunds
        ],
    }  # fmt: skip


def _money(payment: Payment, amount: int) -> Body:
    return {"amount": amount, "currency": payment.currency}


def _no(code: str, message: str) -> Refused:
    return Refused(Reply(402, {"message": message, "code": code, "source": "Internal"}))


def _asked(body: Body) -> tuple[int, list[Body]]:
    """Amount and lines of a charge or refund, checked: every field of a line, and that they add up."""
    amount, items = body.get("amount"), body.get("orderItems") or []
    if not isinstance(amount, int) or amount <= 0:
        raise Refused(Reply(400, {"errors": {"amount": ["The field amount must be above 0."]}}))
    for item in items:
        lacking = [name for name in _ITEM if item.get(name) in (None, "")]
        if lacking or len(item["name"]) > 128 or len(item["reference"]) > 128:
            raise Refused(Reply(400, {"errors": {"orderItems": [f"{lacking or 'name'} is missing or too long."]}}))
        if item["netTotalAmount"] + item.get("taxAmount", 0) != item["grossTotalAmount"]:
            raise Refused(Reply(400, {"errors": {"orderItems": ["Net and tax do not make gross."]}}))
    if items and sum(item["grossTotalAmount"] for item in items) != amount:
        raise _no("1005", "Amount differs from order items")
    return amount, items
