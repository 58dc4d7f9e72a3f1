"""Nexi's Reporting API v1 beside the payments: what was charged and refunded, paid out less fees.

`Reports.pay_out` is Nexi's daily run; it pays nothing as long as refunds and fees are more than the charges. Fees are
1.5 % and 1.00 of each charge, 0.50 of each refund: figures of no merchant's contract. The words for payment actions
and the sign of refunds are in no document, so they can be changed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from starlette.routing import Route

from samklang.sandboxes.payments import Body, Refused, Reply

if TYPE_CHECKING:
    from samklang.sandboxes.nets_easy import Movement, NetsSandbox, Payment

_PERCENT, _FIXED, _OF_REFUND = Decimal("0.015"), 100, 50
_BASE = "/report/v1/payouts"


class Reports:
    """The payouts of one merchant account."""

    def __init__(self, account: NetsSandbox) -> None:
        self._account = account
        self.payouts: dict[str, Body] = {}  # as the API shows them, with all payment actions
        self.words = {"charge": "Charge", "refund": "Refund"}
        self.refund_sign = 1
        self.lost = 0  # payment actions that pages leave out at the end, though they are counted
        self._settled: set[str] = set()

    # ------------------------------------------------------------------------------------------------ by hand

    def pay_out(self, currency: str, deposited: int = 0) -> str:
        """Pay what is due, and what the merchant had paid in for refunds; the payout's id, "" when nothing is due."""
        due = list(self._due(currency))
        actions = [self._action(payment, one) for payment, one in due]
        charged = sum(one.amount for payment, one in due if one in payment.charges)
        refunded = sum(one.amount for payment, one in due if one in payment.refunds)
        fees = sum(row["fee"] for row in actions)
        amount = charged - refunded + deposited - fees
        if amount <= 0:
            return ""
        id_ = str(uuid.uuid4())
        self._settled |= {one.id for _, one in due}
        self.payouts[id_] = {
            "id": id_, "reference": f"NEXI {len(self.payouts) + 1:06}", "date": f"{self._account.now():%Y-%m-%d}",
            "bankAccountIban": "SE4550000000058398257466", "bankAccountBic": "ESSESESS", "currency": currency,
            "amount": amount, "chargedAmount": charged, "refundedAmount": refunded, "depositedAmount": deposited,
            "fees": fees, "feeTaxRate": 0, "feeTaxAmount": 0, "transactionTaxDetails": [], "paymentActions": actions,
            "numberOfCharges": sum(one in payment.charges for payment, one in due),
        }  # fmt: skip
        if deposited:
            paid_in = {"id": str(uuid.uuid4()), "paymentAction": "Deposit", "amount": deposited, "fee": 0}
            actions.append({**paid_in, "currency": currency, "timestamp": instant(self._account.now())})
        return id_

    def _due(self, currency: str) -> Iterator[tuple[Payment, Movement]]:
        for payment in self._account.payments.values():
            for one in (*payment.charges, *payment.refunds):
                if payment.currency == currency and one.state == "Completed" and one.id not in self._settled:
                    yield payment, one

    def _action(self, payment: Payment, one: Movement) -> Body:
        refund = one in payment.refunds
        flexible = 0 if refund else int((one.amount * _PERCENT).quantize(Decimal(1), ROUND_HALF_UP))
        fixed = _OF_REFUND if refund else _FIXED
        return {
            "id": one.id, "paymentId": payment.id, "paymentAction": self.words["refund" if refund else "charge"],
            "paymentMethod": payment.method, "paymentType": "CARD", "timestamp": instant(one.at),
            "reference": payment.reference, "amount": one.amount * (self.refund_sign if refund else 1),
            "currency": payment.currency, "fee": flexible + fixed, "flexibleFee": flexible, "fixedFee": fixed,
            "feeTaxRate": 0, "feeTaxAmount": 0, "transactionTaxDetails": [],
        }  # fmt: skip

    # ------------------------------------------------------------------------------------------------ the API

    def routes(self) -> list[Route]:
        """Addresses below /report/v1."""
        endpoint = self._account.endpoint
        return [endpoint(_BASE, "GET", self._list), endpoint(f"{_BASE}/{{id}}", "GET", self._one)]

    def _list(self, names: Mapping[str, str], _: Body) -> Reply:
        first, last = _day(names, "fromDate"), _day(names, "toDate")
        rows = [
            {name: value for name, value in row.items() if name != "paymentActions"}
            for row in reversed(self.payouts.values())
            if first <= date.fromisoformat(row["date"]) <= last and names.get("currency") in (None, row["currency"])
        ]
        return Reply(200, {"numberOfPayouts": len(rows), "payouts": _cut(rows, names)})

    def _one(self, names: Mapping[str, str], _: Body) -> Reply:
        found = self.payouts.get(names["id"])
        if found is None:
            raise Refused(Reply(404))
        actions: list[Body] = found["paymentActions"]
        some = _cut(actions[: len(actions) - self.lost], names)
        head = {name: value for name, value in found.items() if name != "numberOfCharges"}  # only lists have it
        return Reply(200, {**head, "numberOfPaymentActions": len(actions), "paymentActions": some})


def _cut(rows: list[Body], names: Mapping[str, str]) -> list[Body]:
    size, number = int(names.get("pageSize", 100)), int(names.get("pageNumber", 0))
    if not 0 < size <= 100:
        raise Refused(Reply(400, {"errors": {"pageSize": ["pageSize must be between 1 and 100."]}}))
    return rows[number * size : (number + 1) * size]


def _day(names: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(names[name])
    except (KeyError, ValueError):
        raise Refused(Reply(400, {"errors": {name: [f"{name} must be a date."]}})) from None


def instant(at: datetime) -> str:
    """As Nexi writes times."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.0000+00:00"
