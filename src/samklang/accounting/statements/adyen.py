"""Adyen settlement details report (CSV or XLSX): one statement per merchant account, batch and currency.

A batch nets to zero with its payout and with what it carries to the next batch; carried balances are not lines but the
statement's opening and closing. Gross × rate − fees = net on every row (RECONCILIATION §6).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from samklang.accounting.statements.base import Kind, Statement, StatementLine
from samklang.accounting.statements.content import Content, Format
from samklang.accounting.statements.tables import Row, Table, plain
from samklang.accounting.statements.zones import zone_of
from samklang.records.money import ZERO, exponent, rounded

#: Kind by type, for a net credit and a net debit. Other types are adjustments, which only a person can place.
_KINDS: Mapping[str, tuple[Kind, Kind]] = {
    "settled": ("sale", "sale"),
    "settledexternally": ("sale", "sale"),
    "refunded": ("refund", "refund"),
    "refundedreversed": ("refund_reversal", "refund_reversal"),
    "refundedexternally": ("refund", "refund"),
    "chargeback": ("chargeback", "chargeback"),
    "secondchargeback": ("chargeback", "chargeback"),
    "chargebackexternally": ("chargeback", "chargeback"),
    "chargebackreversed": ("chargeback_reversal", "chargeback_reversal"),
    "fee": ("fee_correction", "fee"),
    "misccosts": ("fee_correction", "fee"),
    "paymentcost": ("fee_correction", "fee"),
    "depositcorrection": ("release", "holdback"),
    "reserveadjustment": ("release", "holdback"),
    "merchantpayout": ("payout", "payout"),
    "bankinstructionreturned": ("payout", "payout"),
}
_CARRIED = "balancetransfer"

_NAMES: Mapping[str, Sequence[str]] = {
    "company": ("Company Account",),
    "account": ("Merchant Account",),
    "psp": ("Psp Reference",),
    "order": ("Merchant Reference",),
    "method": ("Payment Method",),
    "at": ("Creation Date", "Booking Date"),
    "zone": ("TimeZone", "Time Zone", "Booking Date TimeZone"),
    "type": ("Type",),
    "modification": ("Modification Reference",),
    "modification_order": ("Modification Merchant Reference",),
    "gross_currency": ("Gross Currency",),
    "gross_debit": ("Gross Debit (GC)",),
    "gross_credit": ("Gross Credit (GC)",),
    "rate": ("Exchange Rate",),
    "currency": ("Net Currency",),
    "debit": ("Net Debit (NC)",),
    "credit": ("Net Credit (NC)",),
    "commission": ("Commission (NC)",),
    "markup": ("Markup (NC)",),
    "scheme": ("Scheme Fees (NC)",),
    "interchange": ("Interchange (NC)",),
    "batch": ("Batch Number",),
}
_NEED = (
    "account", "psp", "order", "at", "zone", "type", "modification", "gross_currency", "gross_debit", "gross_credit",
    "rate", "currency", "debit", "credit", "commission", "markup", "scheme", "interchange", "batch",
)  # fmt: skip
_FEES = ("commission", "markup", "scheme", "interchange")
_MARKS = (_NAMES["psp"], _NAMES["debit"])


def _read(content: Content) -> Iterator[Statement]:
    rows = content.table(*_MARKS)
    assert rows is not None  # it matched
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in Table(rows, _NAMES, _NEED, content.numbers):
        key = (row.need("account"), row.need("batch"), row.currency("currency"))
        groups.setdefault(key, []).append(row)
    for (account, batch, currency), group in groups.items():
        yield _statement(content, account, batch, currency, group)


def _statement(content: Content, account: str, batch: str, currency: str, rows: Sequence[Row]) -> Statement:
    carried = [_net(row) for row in rows if plain(row.text("type")) == _CARRIED]
    lines = [line for row in rows if plain(row.text("type")) != _CARRIED for line in _lines(row, currency)]
    days = [line.day for line in lines if line.day and line.kind != "payout"]
    return Statement(
        provider="adyen",
        format="adyen settlement details",
        reference=batch,
        currency=currency,
        file_hash=content.hash,
        account=account,
        paid_on=next((line.day for line in lines if line.kind == "payout"), None),
        start=min(days, default=None),
        end=max(days, default=None),
        opening=sum((amount for amount in carried if amount > 0), ZERO),
        closing=-sum((amount for amount in carried if amount < 0), ZERO),
        lines=tuple(lines),
    )


def _net(row: Row) -> Decimal:
    currency = row.currency("currency")
    return row.money_or_zero("credit", currency) - row.money_or_zero("debit", currency)


def _lines(row: Row, currency: str) -> Iterable[StatementLine]:
    """The gross amount in the settlement currency, and the fees that Adyen took of it."""
    net = _net(row)
    gross = row.amount_or_zero("gross_credit") - row.amount_or_zero("gross_debit")
    plus, minus = _KINDS.get(plain(row.text("type")), ("adjustment", "adjustment"))
    kind = plus if net > 0 or (not net and gross > 0) else minus
    fees = sum((row.amount_or_zero(name) for name in _FEES), ZERO)
    settled = gross if row.text("gross_currency").upper() == currency and gross else rounded(net + fees, currency)
    _check(row, gross, net, fees, currency)
    at, day = row.moment("at", _zone(row))
    common: dict[str, Any] = {
        "currency": currency,
        "row": row.number,
        "cells": row.cells,
        "provider_id": row.text("modification") if row.text("psp") else "",
        "capture_id": row.text("modification") if kind == "sale" else "",
        "refund_id": row.text("modification") if kind == "refund" else "",
        "provider_order": row.text("psp"),
        "order_ref": row.text("order"),
        "order_ref2": row.text("modification_order"),
        "type": row.text("type"),
        "at": at,
        "day": day,
        "method": row.text("method"),
        "text": "" if row.text("psp") else row.text("modification"),
    }
    seen: dict[str, Any] = {}
    if gross and row.text("gross_currency").upper() != currency:
        seen = {
            "presented": gross,
            "presented_currency": row.currency("gross_currency"),
            "rate": row.amount_or_zero("rate") or None,
        }
    if settled:
        yield StatementLine(kind=kind, amount=settled, **common, **seen)
    if fee := settled - net:
        yield StatementLine(kind="fee" if fee > 0 else "fee_correction", amount=-fee, **common)


def _check(row: Row, gross: Decimal, net: Decimal, fees: Decimal, currency: str) -> None:
    """Gross × rate − fees = net, to the precision that the rate and the fees are stated with."""
    if not gross:
        return
    rate = row.amount_or_zero("rate") or Decimal(1)
    digits = Decimal(1).scaleb(int(rate.as_tuple().exponent))
    tolerance = Decimal(1).scaleb(-exponent(currency))
    if row.text("gross_currency").upper() != currency:
        tolerance += abs(gross) * digits / 2
    elif all(rounded(row.amount_or_zero(name), currency) == row.amount_or_zero(name) for name in _FEES):
        tolerance = ZERO
    if abs(gross * rate - fees - net) > tolerance:
        column = "credit" if row.text("credit") else "debit"
        raise row.wrong(column, f"is not gross × rate − fees = {gross * rate - fees}", code="AMOUNT_DIFF")


def _zone(row: Row) -> ZoneInfo:
    found = zone_of(row.need("zone"))
    if found is None:
        raise row.wrong("zone", "is not a time zone")
    return found


def _matches(content: Content) -> bool:
    return content.kind in ("text", "xlsx") and content.table(*_MARKS) is not None


FORMATS = (Format("adyen settlement details", "CSV or XLSX, one or more batches", _matches, _read),)
