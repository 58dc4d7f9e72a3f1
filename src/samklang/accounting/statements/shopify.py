"""Shopify Payments: the transactions export (CSV), any number of payouts in one file.

A row without a payout id, or of a payout that has not left Shopify, is no money yet (RECONCILIATION §6). The file has
no totals: each row must satisfy net = amount − fee, and the bank line has to prove the sum of a payout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from samklang.accounting.statements.base import Kind, Statement, StatementLine
from samklang.accounting.statements.content import Content, Format
from samklang.accounting.statements.tables import Row, Table, plain
from samklang.records.money import ZERO

#: Kind by type, for money in and money out. Other types are adjustments, which only a person can place.
_KINDS: Mapping[str, tuple[Kind, Kind]] = {
    "charge": ("sale", "adjustment"),
    "refund": ("refund_reversal", "refund"),
    "refund_failure": ("refund_reversal", "refund_reversal"),
    "chargeback": ("chargeback_reversal", "chargeback"),
    "dispute": ("chargeback_reversal", "chargeback"),
    "dispute_reversal": ("chargeback_reversal", "chargeback"),
    "chargeback_won": ("chargeback_reversal", "chargeback"),
    "reserve": ("release", "holdback"),
    "reserved_funds": ("release", "holdback"),
    "payout": ("payout", "payout"),
    "payout_failure": ("payout", "payout"),
}
#: Whether a payout of this status is money.
_PAID = {
    "paid": True,
    "in_transit": True,
    "pending": False,
    "scheduled": False,
    "failed": False,
    "canceled": False,
    "cancelled": False,
}

_NAMES: Mapping[str, Sequence[str]] = {
    "at": ("Transaction Date",),
    "type": ("Type",),
    "order": ("Order",),
    "status": ("Payout Status",),
    "paid_on": ("Payout Date",),
    "payout": ("Payout ID",),
    "available": ("Available On",),
    "amount": ("Amount",),
    "fee": ("Fee",),
    "net": ("Net",),
    "checkout": ("Checkout",),
    "method": ("Payment Method Name", "Payment Method", "Card Brand"),
    "presented": ("Presentment Amount",),
    "presented_currency": ("Presentment Currency",),
    "currency": ("Currency",),
    "vat": ("VAT",),
    "entity": ("Business Entity",),
}
_NEED = ("at", "type", "order", "status", "paid_on", "payout", "amount", "fee", "net", "currency")
_MARKS = (_NAMES["at"], _NAMES["status"], _NAMES["net"])


def _read(content: Content) -> Iterator[Statement]:
    rows = content.table(*_MARKS)
    assert rows is not None  # it matched
    payouts: dict[tuple[str, str], list[Row]] = {}
    pending: dict[str, list[Row]] = {}
    for row in Table(rows, _NAMES, _NEED, content.numbers):
        currency = row.currency("currency")
        if row.one_of("status", _PAID) and row.text("payout"):
            payouts.setdefault((row.text("payout"), currency), []).append(row)
        else:
            pending.setdefault(currency, []).append(row)
    for (payout, currency), group in payouts.items():
        yield _statement(content, payout, currency, group, [])
    for currency, group in pending.items():
        yield _statement(content, "", currency, [], group)


def _statement(content: Content, payout: str, currency: str, rows: Sequence[Row], pending: Sequence[Row]) -> Statement:
    lines = [line for row in rows for line in _lines(row, currency)]
    days = [line.day for line in lines if line.day]
    net = sum((line.amount for line in lines), ZERO)
    if net and not any(line.kind == "payout" for line in lines):  # a negative one is withdrawn from our bank
        first = min(rows, key=lambda row: row.number)
        lines.append(
            StatementLine(
                kind="payout",
                amount=-net,
                currency=currency,
                row=first.number,
                provider_id=payout,
                day=first.day("paid_on"),
                type="payout",
            )
        )
    return Statement(
        provider="shopify",
        format="shopify csv",
        reference=payout,
        currency=currency,
        file_hash=content.hash,
        account=content.profile.account,
        scope="payout" if payout else "account",
        paid_on=next((day for row in rows if (day := row.day("paid_on"))), None),
        start=min(days, default=None),
        end=max(days, default=None),
        lines=tuple(lines),
        pending=tuple(line for row in pending for line in _lines(row, currency)),
    )


def _lines(row: Row, currency: str) -> Iterable[StatementLine]:
    """The amount and the fee of a row. VAT is part of the fee, or comes on top of it; the row's net says which."""
    amount, fee, net, vat = (row.money_or_zero(name, currency) for name in ("amount", "fee", "net", "vat"))
    if net == amount - fee:
        fee -= vat
    elif net != amount - fee - vat:
        raise row.wrong("net", f"is not amount − fee = {amount - fee}", code="AMOUNT_DIFF")
    at, day = row.moment("at")
    plus, minus = _KINDS.get(plain(row.text("type")), ("adjustment", "adjustment"))
    common: dict[str, Any] = {
        "currency": currency,
        "row": row.number,
        "cells": row.cells,
        "provider_order": row.text("checkout"),
        "order_ref": row.text("order"),
        "type": row.text("type"),
        "at": at,
        "day": day,
        "available_on": row.day("available"),
        "method": row.text("method"),
    }
    if amount:
        yield StatementLine(kind=plus if amount > 0 else minus, amount=amount, **common, **_presented(row, currency))
    if fee:
        yield StatementLine(kind="fee" if fee > 0 else "fee_correction", amount=-fee, **common)
    if vat:
        yield StatementLine(kind="fee_vat", amount=-vat, **common)


def _presented(row: Row, currency: str) -> Mapping[str, Any]:
    """What the buyer saw, where that was another currency, and the rate that follows."""
    if not row.text("presented") or not row.text("presented_currency"):
        return {}
    presented, seen = row.amount("presented"), row.currency("presented_currency")
    if seen == currency or not presented:
        return {}
    rate: Decimal = abs(row.amount("amount") / presented)
    return {"presented": presented, "presented_currency": seen, "rate": round(rate, 8)}


def _matches(content: Content) -> bool:
    return content.kind in ("text", "xlsx") and content.table(*_MARKS) is not None


FORMATS = (Format("shopify csv", "transactions export of Shopify Payments", _matches, _read),)
