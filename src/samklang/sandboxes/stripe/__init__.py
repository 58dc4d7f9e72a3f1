"""Stripe's API v1 as a sandbox, as far as payouts go: charges, refunds and disputes, the balance, automatic payouts.

A buyer's payment is `pay`; `refund` and `dispute` are what happens to it, `pay_out` is Stripe's own schedule. Fees are
1.5 % and 1.80 of each charge, 150.00 of a dispute: figures of no merchant's contract.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from samklang.sandboxes.payments import Body, Provider, Refused, Reply, utc_now

KEY = "rk_test_sandbox"  # a stand-in's key, the same everywhere
_FEE, _FIXED, _DISPUTE = 0.015, 180, 15_000


class StripeSandbox(Provider):
    """An account in test mode."""

    actions = ("pay", "refund", "dispute", "pay_out")

    def __init__(self, now: Callable[[], datetime] = utc_now, key: str = KEY) -> None:
        self._login = f"Bearer {key}"
        self._numbers = itertools.count(1)
        self.sources: dict[str, Body] = {}
        self.transactions: list[Body] = []
        self.payouts: list[Body] = []
        super().__init__(now)

    # ------------------------------------------------------------------------------------------------ by hand

    def pay(self, amount: int, order: str = "", currency: str = "sek") -> str:
        """A buyer pays with a card; gives the charge."""
        charge = {
            "id": self._id("ch"), "object": "charge", "payment_intent": self._id("pi"),
            "metadata": {"order_id": order} if order else {},
        }  # fmt: skip
        self._moved("charge", charge, amount, round(amount * _FEE) + _FIXED, currency)
        return str(charge["id"])

    def refund(self, charge: str, amount: int) -> str:
        """Somebody refunds."""
        refund = {"id": self._id("re"), "object": "refund", "charge": charge, "metadata": {}}
        refund["payment_intent"] = self.sources[charge]["payment_intent"]
        self._moved("refund", refund, -amount, 0, "sek")
        return str(refund["id"])

    def dispute(self, charge: str, amount: int) -> str:
        """The buyer's bank takes the money back."""
        dispute = {"id": self._id("dp"), "object": "dispute", "charge": charge, "metadata": {}}
        dispute["payment_intent"] = self.sources[charge]["payment_intent"]
        self._moved("adjustment", dispute, -amount, _DISPUTE, "sek", "dispute")
        return str(dispute["id"])

    def pay_out(self, currency: str = "sek", *, automatic: bool = True, itemised: bool = True) -> str:
        """Stripe pays what is due; `itemised`: its own reconciliation has ended."""
        id_, at = self._id("po"), int(self.now().timestamp())
        due = [row for row in self.transactions if not row["_payout"] and row["currency"] == currency]
        amount = sum(row["net"] for row in due)
        for row in due if automatic else ():
            row["_payout"] = id_
        own = self._row("payout", id_, -amount, 0, currency, "payout")
        own["_payout"] = id_ if automatic else "by hand"
        status = "completed" if itemised else "in_progress"
        self.payouts.append(
            {
                "id": id_, "object": "payout", "amount": amount, "arrival_date": at, "automatic": automatic,
                "balance_transaction": own["id"], "created": at, "currency": currency, "description": "STRIPE PAYOUT",
                "destination": "ba_1", "failure_balance_transaction": None, "failure_code": None,
                "failure_message": None, "livemode": False, "metadata": {}, "method": "standard",
                "original_payout": None, "reconciliation_status": status if automatic else "not_applicable",
                "reversed_by": None, "source_type": "card", "statement_descriptor": None, "status": "paid",
                "type": "bank_account",
            }
        )  # fmt: skip
        return id_

    def snapshot(self) -> Mapping[str, Any]:
        return {"payouts": self.payouts, "transactions": self.transactions}

    def _id(self, kind: str) -> str:
        return f"{kind}_{next(self._numbers):06}"

    def _moved(self, type_: str, source: Body, amount: int, fee: int, currency: str, category: str = "") -> None:
        self.sources[source["id"]] = source
        self._row(type_, source["id"], amount, fee, currency, category or type_)

    def _row(self, type_: str, source: str, amount: int, fee: int, currency: str, category: str) -> Body:
        at = int(self.now().timestamp())
        row: Body = {
            "id": self._id("txn"), "object": "balance_transaction", "amount": amount, "available_on": at, "created": at,
            "currency": currency, "description": None, "exchange_rate": None, "fee": fee, "fee_details": [],
            "net": amount - fee, "reporting_category": category, "source": source, "status": "available",
            "type": type_, "_payout": "",
        }  # fmt: skip
        self.transactions.append(row)
        return row

    # ------------------------------------------------------------------------------------------------ the API

    def routes(self) -> list[Route]:
        return [
            self.endpoint("/v1/balance", "GET", self._balance),
            self.endpoint("/v1/payouts", "GET", self._payouts),
            self.endpoint("/v1/balance_transactions", "GET", self._transactions),
        ]

    def login(self, request: Request) -> None:
        if request.headers.get("authorization") != self._login:
            raise Refused(Reply(401, _error("Invalid API Key provided")))

    def _balance(self, _names: Mapping[str, str], _: Body) -> Reply:
        parts = [{"amount": 0, "currency": "sek", "source_types": {"card": 0}}]
        return Reply(200, {"object": "balance", "available": parts, "pending": parts, "livemode": False})

    def _payouts(self, names: Mapping[str, str], _: Body) -> Reply:
        first = int(names.get("arrival_date[gte]", 0))
        rows = [row for row in self.payouts if row["arrival_date"] >= first]
        return _page("/v1/payouts", rows, names)

    def _transactions(self, names: Mapping[str, str], _: Body) -> Reply:
        payout = next((row for row in self.payouts if row["id"] == names.get("payout")), None)
        if payout is None or not payout["automatic"]:
            raise Refused(Reply(400, _error("Balance transactions can only be filtered on automatic payouts")))
        rows = [row for row in self.transactions if row["_payout"] == payout["id"]]
        shown = [{name: value for name, value in row.items() if name != "_payout"} for row in rows]
        if names.get("expand[0]") == "data.source":
            shown = [{**row, "source": self.sources.get(row["source"], row["source"])} for row in shown]
        return _page("/v1/balance_transactions", shown, names)


def _page(url: str, rows: list[Body], names: Mapping[str, str]) -> Reply:
    """Newest first; `starting_after` is the last row of the page before."""
    ordered = rows[::-1]
    after, limit = names.get("starting_after"), int(names.get("limit", 10))
    start = next((n + 1 for n, row in enumerate(ordered) if row["id"] == after), 0)
    some = ordered[start : start + limit]
    return Reply(200, {"object": "list", "url": url, "has_more": start + limit < len(ordered), "data": some})


def _error(message: str) -> Body:
    return {"error": {"type": "invalid_request_error", "message": message}}
