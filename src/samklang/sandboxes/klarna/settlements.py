"""Klarna's Settlements API v1 beside the orders: what was captured and refunded, paid out less fees.

`Settlements.pay_out` is Klarna's daily run. A payout takes everything that none has taken before; when returns and fees
are more than the sales nothing is paid, and the debt is deducted from a later payout. Fees are 2.99 % and 2.50 of each
capture, with 25 % VAT: figures of no merchant's contract.
"""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.routing import Route

from samklang.sandboxes.payments import Body, Refused, Reply

if TYPE_CHECKING:
    from samklang.sandboxes.klarna import KlarnaSandbox, Movement, Order

MERCHANT = "K000000"
_PERCENT, _FIXED, _VAT = Decimal("0.0299"), 250, Decimal("0.25")
_BASE = "/settlements/v1"
_TOTALS = (
    "sale", "fee", "fee_correction", "tax", "return", "reversal", "commission", "credit", "charge", "holdback",
    "release", "deposit", "repay", "fee_refund", "tax_refund", "settlement",
)  # fmt: skip
_COLUMNS = (
    "type", "capture_date", "sale_date", "order_id", "short_order_id", "capture_id", "refund_id", "merchant_reference1",
    "merchant_reference2", "amount", "posting_currency", "purchase_country", "vat_rate", "vat_amount",
    "initial_payment_method_type", "merchant_capture_reference", "merchant_refund_reference", "detailed_type",
)  # fmt: skip
_OF_REPORT = {"posting_currency": "currency_code"}


class Payout(msgspec.Struct, frozen=True, kw_only=True):
    """What was paid at once; amounts in minor units, `opening` and `closing` are our debt before and after."""

    reference: str
    at: datetime
    currency: str
    totals: Mapping[str, int]
    opening: int
    closing: int
    rows: tuple[Body, ...]


class Settlements:
    """The payouts of one merchant account."""

    def __init__(self, account: KlarnaSandbox) -> None:
        self._account = account
        self.payouts: dict[str, Payout] = {}
        self._settled: set[str] = set()  # captures and refunds that a payout has taken
        self._debts: dict[str, int] = {}
        self.lost = 0  # rows that lists of transactions leave out at their end, though they count them

    # ------------------------------------------------------------------------------------------------ by hand

    def pay_out(self, currency: str) -> str:
        """Pay what is due; gives the payment reference."""
        reference, now = f"X{uuid.uuid4().hex[:7].upper()}", self._account.now()
        rows = [row for order, one in self._due(currency) for row in self._rows(order, one, reference)]
        sums = dict.fromkeys(_TOTALS, 0)
        for row in rows:
            sums[row["type"].lower()] += row["amount"]
            sums["tax"] += row.get("vat_amount", 0)
        net = sums["sale"] - sums["return"] - sums["fee"] - sums["tax"]
        opening = self._debts.get(currency, 0)
        sums["repay"] = min(opening, max(net, 0))
        sums["deposit"] = max(-net, 0)
        sums["settlement"] = net - sums["repay"] + sums["deposit"]
        closing = self._debts[currency] = opening - sums["repay"] + sums["deposit"]
        self._settled |= {one.id for _, one in self._due(currency)}
        self.payouts[reference] = Payout(
            reference=reference, at=now, currency=currency, totals=sums, opening=opening, closing=closing,
            rows=tuple(rows),
        )  # fmt: skip
        return reference

    def balance(self, currency: str) -> int:
        """What Klarna owes the merchant now, before the fees of the next payout: minor units."""
        due = sum(-one.amount if one in order.refunds else one.amount for order, one in self._due(currency))
        return due - self._debts.get(currency, 0)

    def report(self, reference: str) -> str:
        """The payout with its transactions as the CSV of the portal: summary, an empty line, rows; decimals."""
        found = self._payout(reference)
        summary = {f"total_{name}_amount": _decimal(value) for name, value in found.totals.items()} | {
            "opening_debt_balance": _decimal(found.opening), "closing_debt_balance": _decimal(found.closing),
            "payment_reference": found.reference, "settlement_currency": found.currency,
            "payout_date": _instant(found.at), "merchant_id": MERCHANT, "merchant_settlement_type": "NET",
        }  # fmt: skip
        text = io.StringIO()
        out = csv.writer(text, delimiter=";", lineterminator="\n")
        out.writerow(summary)
        out.writerow(summary.values())
        out.writerow(())
        out.writerow(_COLUMNS)
        for row in found.rows:
            out.writerow(
                _decimal(value) if name in ("amount", "vat_amount", "vat_rate") and value != "" else value
                for name, value in ((name, row.get(_OF_REPORT.get(name, name), "")) for name in _COLUMNS)
            )
        return text.getvalue()

    def _due(self, currency: str) -> Iterator[tuple[Order, Movement]]:
        for order in self._account.orders.values():
            if order.currency == currency:
                yield from ((order, one) for one in (*order.captures, *order.refunds) if one.id not in self._settled)

    def _rows(self, order: Order, one: Movement, reference: str) -> Iterator[Body]:
        """The sale with its fees, or the return."""
        refund = one in order.refunds
        common: Body = {
            "sale_date": _instant(order.created), "capture_date": _instant(one.at), "order_id": order.id,
            "short_order_id": order.id[:7].upper(), "merchant_reference1": order.reference, "merchant_reference2": "",
            "currency_code": order.currency, "purchase_country": "SE", "initial_payment_method_type": "invoice",
            "payment_reference": reference, "payout": f"https://api.klarna.com{_BASE}/payouts/{reference}",
        }  # fmt: skip
        if refund:
            more = {"capture_id": "", "refund_id": one.id, "merchant_refund_reference": one.reference}
            yield {**common, **more, "type": "RETURN", "detailed_type": "PURCHASE_RETURN", "amount": one.amount}
            return
        common |= {"capture_id": one.id, "merchant_capture_reference": one.reference}
        yield {**common, "type": "SALE", "detailed_type": "PURCHASE", "amount": one.amount}
        for kind, fee in (("PERCENTAGE", _whole(one.amount * _PERCENT)), ("FIXED", _FIXED)):
            tax = {"vat_rate": int(_VAT * 10_000), "vat_amount": _whole(fee * _VAT)}
            yield {**common, **tax, "type": "FEE", "detailed_type": f"PURCHASE_FEE_{kind}", "amount": fee}

    def _payout(self, reference: str) -> Payout:
        if reference not in self.payouts:
            raise Refused(Reply(404, error("NOT_FOUND", f"No payout {reference}")))
        return self.payouts[reference]

    # ------------------------------------------------------------------------------------------------ the API

    def routes(self) -> list[Route]:
        """Addresses below /settlements/v1."""
        endpoint = self._account.endpoint
        return [
            endpoint(f"{_BASE}/payouts", "GET", self._list),
            endpoint(f"{_BASE}/payouts/{{reference}}", "GET", self._one),
            endpoint(f"{_BASE}/transactions", "GET", self._transactions),
        ]

    def _list(self, names: Mapping[str, str], _: Body) -> Reply:
        first, last = _moment(names.get("start_date")), _moment(names.get("end_date"))
        rows = [
            _shown(one)
            for one in self.payouts.values()
            if (first is None or one.at >= first)
            and (last is None or one.at <= last)
            and names.get("currency_code") in (None, one.currency)
        ]
        return _page("payouts", rows, names)

    def _one(self, names: Mapping[str, str], _: Body) -> Reply:
        return Reply(200, _shown(self._payout(names["reference"])))

    def _transactions(self, names: Mapping[str, str], _: Body) -> Reply:
        reference, order = names.get("payment_reference"), names.get("order_id")
        chosen = list(self.payouts.values()) if reference is None else [self._payout(reference)]
        rows = [row for one in chosen for row in one.rows if order in (None, row["order_id"])]
        return _page("transactions", rows, names, self.lost)


def _page(what: str, rows: list[Body], names: Mapping[str, str], lost: int = 0) -> Reply:
    size, offset = int(names.get("size", 20)), int(names.get("offset", 0))
    if not 0 < size <= 500:
        raise Refused(Reply(400, error("BAD_REQUEST", "size must be at most 500")))
    some = rows[: len(rows) - lost][offset : offset + size]
    paging: dict[str, Any] = {"count": len(some), "total": len(rows), "offset": offset}
    if offset + size < len(rows):
        paging["next"] = f"https://api.klarna.com{_BASE}/{what}?offset={offset + size}&size={size}"
    return Reply(200, {what: some, "pagination": paging})


def _shown(one: Payout) -> Body:
    totals = {f"{name}_amount": value for name, value in one.totals.items()}
    debts = {"opening_debt_balance_amount": one.opening, "closing_debt_balance_amount": one.closing}
    where = f"https://api.klarna.com{_BASE}/transactions?payment_reference={one.reference}"
    return {
        "totals": {**totals, **debts}, "payment_reference": one.reference, "payout_date": _instant(one.at),
        "currency_code": one.currency, "merchant_settlement_type": "NET", "merchant_id": MERCHANT,
        "transactions": where,
    }  # fmt: skip


def error(code: str, message: str) -> Body:
    """Klarna's shape of an error."""
    return {"error_code": code, "error_messages": [message], "correlation_id": str(uuid.uuid4())}


def _whole(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def _decimal(amount: int) -> str:
    return f"{Decimal(amount) / 100:.2f}"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
