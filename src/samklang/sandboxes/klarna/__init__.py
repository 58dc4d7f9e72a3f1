"""Klarna's Order Management API v1 as a sandbox: orders in memory, with what was captured and refunded of them.

A buyer's purchase is `authorise`; `expire`, `assess`, and captures, refunds and cancellations by hand are what happens
at Klarna or in its portal, `pay_out` its daily run (settlements.py). An idempotency key is remembered for 24 hours of
the sandbox's clock, refusals are not (unconfirmed).
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from samklang.sandboxes.klarna.settlements import Settlements
from samklang.sandboxes.klarna.settlements import error as _error
from samklang.sandboxes.payments import Body, Provider, Refused, Reply, utc_now

USER, PASSWORD = "PK00000_sandbox", "sandbox-password"  # a stand-in's key, the same everywhere
_TYPES = {
    "physical", "discount", "shipping_fee", "sales_tax", "store_credit", "gift_card", "digital", "surcharge",
    "return_fee",
}  # fmt: skip
_LARGEST = 200_000_000


class Movement(msgspec.Struct, kw_only=True):
    """A capture or a refund."""

    id: str
    amount: int
    at: datetime
    reference: str = ""
    description: str = ""
    order_lines: list[Body] = []
    shipping_info: list[Body] = []


class Order(msgspec.Struct, kw_only=True):
    """A purchase. `state` is AUTHORIZED until it is CANCELLED, EXPIRED or CLOSED; its captures tell the rest."""

    id: str
    amount: int
    original: int
    currency: str
    reference: str
    created: datetime
    expires: datetime
    state: str = "AUTHORIZED"
    fraud: str = "ACCEPTED"
    released: int = 0
    captures: list[Movement] = []
    refunds: list[Movement] = []

    @property
    def captured(self) -> int:
        return sum(one.amount for one in self.captures)

    @property
    def refunded(self) -> int:
        return sum(one.amount for one in self.refunds)

    @property
    def remaining(self) -> int:
        open_ = self.state == "AUTHORIZED"
        return self.amount - self.captured - self.released if open_ else 0

    @property
    def status(self) -> str:
        if self.state != "AUTHORIZED" or not self.captures:
            return self.state
        return "PART_CAPTURED" if self.remaining else "CAPTURED"


class KlarnaSandbox(Provider):
    """A merchant's account at Klarna (EU)."""

    key_header = "klarna-idempotency-key"
    actions = ("authorise", "expire", "assess", "capture", "refund", "cancel", "pay_out", "balance", "report")

    def __init__(self, now: Callable[[], datetime] = utc_now, user: str = USER, password: str = PASSWORD) -> None:
        self.orders: dict[str, Order] = {}
        self.settlements = Settlements(self)
        self._login = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        super().__init__(now)

    # ------------------------------------------------------------------------------------------------ by hand

    def authorise(
        self, amount: int, currency: str = "SEK", reference: str = "", days: int = 28, order_id: str = ""
    ) -> str:
        """A buyer pays with Klarna: so many öre are authorised. Gives the order_id that the shop keeps."""
        id_ = order_id or str(uuid.uuid4())
        self.orders[id_] = Order(
            id=id_, amount=amount, original=amount, currency=currency, reference=reference, created=self.now(),
            expires=self.now() + timedelta(days=days),
        )  # fmt: skip
        return id_

    def expire(self, order_id: str) -> None:
        """The authorisation runs out now."""
        self.orders[order_id].expires = self.now()

    def assess(self, order_id: str, fraud_status: str) -> None:
        """Klarna's judgement of fraud: ACCEPTED, PENDING or REJECTED."""
        self.orders[order_id].fraud = fraud_status

    def capture(self, order_id: str, amount: int) -> str:
        """Somebody captures in the portal, without our reference."""
        return self._capture(self._order(order_id), {"captured_amount": amount}).id

    def refund(self, order_id: str, amount: int) -> str:
        """Somebody refunds in the portal."""
        return self._refund(self._order(order_id), {"refunded_amount": amount}).id

    def cancel(self, order_id: str) -> None:
        """Somebody cancels in the portal."""
        self._cancel({"id": order_id}, {})

    def pay_out(self, currency: str = "SEK") -> str:
        """Klarna pays what is due; gives the payment reference."""
        return self.settlements.pay_out(currency)

    def balance(self, currency: str = "SEK") -> int:
        """What Klarna owes us now, in minor units."""
        return self.settlements.balance(currency)

    def report(self, reference: str) -> str:
        """The settlement report of a payout, as it is downloaded in the portal."""
        return self.settlements.report(reference)

    def snapshot(self) -> Mapping[str, Any]:
        return {id_: self._shown(order) for id_, order in self.orders.items()}

    # ------------------------------------------------------------------------------------------------ the API

    def routes(self) -> list[Route]:
        base = "/ordermanagement/v1/orders/{id}"
        return [
            self.endpoint(base, "GET", lambda names, _: Reply(200, self._shown(self._order(names["id"])))),
            self.endpoint(f"{base}/captures", "GET", self._list_captures),
            self.endpoint(f"{base}/captures", "POST", self._post_capture),
            self.endpoint(f"{base}/refunds", "POST", self._post_refund),
            self.endpoint(f"{base}/cancel", "POST", self._cancel),
            self.endpoint(f"{base}/release-remaining-authorization", "POST", self._release),
            *self.settlements.routes(),
        ]

    def login(self, request: Request) -> None:
        if request.headers.get("authorization") != self._login:
            raise Refused(Reply(401, _error("UNAUTHORIZED", "Authentication failed")))

    def unreadable(self, what: str) -> Refused:
        return Refused(Reply(400, _error("BAD_VALUE", what)))

    def _order(self, id_: str) -> Order:
        order = self.orders.get(id_)
        if order is None:
            raise Refused(Reply(404, _error("NO_SUCH_ORDER", f"No such order: {id_}")))
        if order.state == "AUTHORIZED" and order.remaining and self.now() >= order.expires:
            order.state = "CLOSED" if order.captures else "EXPIRED"
        return order

    def _list_captures(self, names: Mapping[str, str], _: Body) -> Reply:
        order = self._order(names["id"])
        return Reply(200, [self._capture_shown(order, one) for one in order.captures])

    def _post_capture(self, names: Mapping[str, str], body: Body) -> Reply:
        order = self._order(names["id"])
        made = self._capture(order, body)
        where = f"https://api.klarna.com/ordermanagement/v1/orders/{order.id}/captures/{made.id}"
        return Reply(201, None, {"Location": where, "Capture-Id": made.id})

    def _capture(self, order: Order, body: Body) -> Movement:
        amount = _amount(body, "captured_amount")
        if order.fraud != "ACCEPTED":
            raise _not_allowed("CAPTURE", f"Fraud status is {order.fraud}")
        if order.state != "AUTHORIZED":
            raise _not_allowed("CAPTURE", f"Order is {order.state.lower()}")
        if amount > order.remaining:
            raise _not_allowed("CAPTURE", "Captured amount is higher than the remaining authorized amount")
        made = Movement(
            id=str(uuid.uuid4()), amount=amount, at=self.now(), order_lines=_lines(body, amount),
            reference=body.get("reference", ""), description=body.get("description", ""),
            shipping_info=body.get("shipping_info", []),
        )  # fmt: skip
        order.captures = [*order.captures, made]
        return made

    def _post_refund(self, names: Mapping[str, str], body: Body) -> Reply:
        order = self._order(names["id"])
        made = self._refund(order, body)
        where = f"https://api.klarna.com/ordermanagement/v1/orders/{order.id}/refunds/{made.id}"
        return Reply(201, None, {"Location": where, "Refund-Id": made.id})

    def _refund(self, order: Order, body: Body) -> Movement:
        amount = _amount(body, "refunded_amount")
        if amount > order.captured - order.refunded:
            raise _not_allowed("REFUND", "Refunded amount is higher than the captured amount")
        made = Movement(
            id=str(uuid.uuid4()), amount=amount, at=self.now(), order_lines=_lines(body, amount),
            reference=body.get("reference", ""), description=body.get("description", ""),
        )  # fmt: skip
        order.refunds = [*order.refunds, made]
        return made

    def _cancel(self, names: Mapping[str, str], _: Body) -> Reply:
        order = self._order(names["id"])
        if order.captures or order.state != "AUTHORIZED":
            raise _not_allowed("CANCEL", "Order has captures or is closed")
        order.state = "CANCELLED"
        return Reply(204)

    def _release(self, names: Mapping[str, str], _: Body) -> Reply:
        order = self._order(names["id"])
        if not order.captures or order.state != "AUTHORIZED":
            raise Refused(Reply(403, _error("NOT_ALLOWED", "Order is cancelled or has no captures")))
        order.released += order.remaining
        return Reply(204)

    # ------------------------------------------------------------------------------------------------ shapes

    def _shown(self, order: Order) -> Body:
        return {
            "order_id": order.id, "status": order.status, "fraud_status": order.fraud,
            "order_amount": order.amount - order.released, "original_order_amount": order.original,
            "captured_amount": order.captured, "refunded_amount": order.refunded,
            "remaining_authorized_amount": order.remaining, "purchase_currency": order.currency,
            "purchase_country": "SE", "locale": "sv-se", "merchant_reference1": order.reference,
            "klarna_reference": order.id[:7].upper(), "created_at": _instant(order.created),
            "expires_at": _instant(order.expires), "order_lines": [],
            "captures": [self._capture_shown(order, one) for one in order.captures],
            "refunds": [
                {
                    "refund_id": one.id, "refunded_amount": one.amount, "refunded_at": _instant(one.at),
                    "reference": one.reference, "description": one.description, "order_lines": one.order_lines,
                }
                for one in order.refunds
            ],
            "initial_payment_method": {"type": "INVOICE", "description": "Betala senare"},
        }  # fmt: skip

    def _capture_shown(self, order: Order, one: Movement) -> Body:
        return {
            "capture_id": one.id, "klarna_reference": f"{order.id[:7].upper()}-{order.captures.index(one) + 1}",
            "captured_amount": one.amount, "captured_at": _instant(one.at), "refunded_amount": 0,
            "reference": one.reference, "description": one.description, "order_lines": one.order_lines,
            "shipping_info": one.shipping_info,
        }  # fmt: skip


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.000Z"


def _not_allowed(what: str, message: str) -> Refused:
    return Refused(Reply(403, _error(f"{what}_NOT_ALLOWED", message)))


def _bad(message: str) -> Refused:
    return Refused(Reply(400, _error("BAD_VALUE", message)))


def _amount(body: Body, name: str) -> int:
    amount = body.get(name)
    if not isinstance(amount, int) or not 0 < amount <= _LARGEST:
        raise _bad(f"Bad value: {name}")
    return amount


def _lines(body: Body, amount: int) -> list[Body]:
    """The lines, checked as Klarna checks those of a session: prices multiply, VAT agrees, the sum is the amount."""
    lines: list[Body] = body.get("order_lines", [])
    for line in lines:
        if not all(isinstance(line.get(name), int) for name in ("quantity", "unit_price", "total_amount")):
            raise _bad("Bad value: order_lines")
        if line["quantity"] * line["unit_price"] - line.get("total_discount_amount", 0) != line["total_amount"]:
            raise _bad("Bad value: order_lines.total_amount")
        rate = line.get("tax_rate", 0)
        expected = line["total_amount"] - line["total_amount"] * 10_000 / (10_000 + rate)
        if abs(line.get("total_tax_amount", expected) - expected) > 1:
            raise _bad("Bad value: order_lines.total_tax_amount")
        if line.get("type", "physical") not in _TYPES or not line.get("name"):
            raise _bad("Bad value: order_lines.type")
    if lines and sum(line["total_amount"] for line in lines) != amount:
        raise _bad("Bad value: order_lines do not add up")
    return lines
