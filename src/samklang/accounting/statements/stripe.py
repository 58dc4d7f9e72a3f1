"""Stripe: balance transactions of a payout, from the API or as CSV, and the itemised balance reports.

net = amount − fee on every row, and the rows of a payout sum to it (RECONCILIATION §6). The API counts in the
settlement currency's minor units, files in major ones. A payout that Stripe has not itemised is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from samklang.accounting.statements.base import Kind, Scope, Statement, StatementLine, Unreadable
from samklang.accounting.statements.content import Content, Format
from samklang.accounting.statements.documents import items, listed
from samklang.accounting.statements.tables import FETCH_AGAIN, Row, Table, local_zone, plain
from samklang.records.money import ZERO, exponent

#: Kind by type or reporting category. What stands in neither is money that only a person can place: an adjustment.
_KINDS: Mapping[str, Kind] = {
    "charge": "sale",
    "payment": "sale",
    "refund": "refund",
    "payment_refund": "refund",
    "partial_capture_reversal": "refund",
    "refund_failure": "refund_reversal",
    "payment_failure_refund": "refund_reversal",
    "dispute": "chargeback",
    "dispute_reversal": "chargeback_reversal",
    "stripe_fee": "fee",
    "stripe_fx_fee": "fee",
    "network_cost": "fee",
    "fee": "fee",
    "tax_fee": "fee_vat",
    "tax": "fee_vat",
    "reserved_funds": "holdback",
    "reserve_transaction": "holdback",
    "risk_reserved_funds": "holdback",
    "payout": "payout",
    "payout_cancel": "payout",
    "payout_failure": "payout",
    "payout_reversal": "payout",
}
#: Kinds whose money has come back when the amount goes the other way.
_OTHER_WAY: Mapping[tuple[Kind, bool], Kind] = {
    ("holdback", True): "release",
    ("fee", True): "fee_correction",
    ("sale", False): "adjustment",
    ("chargeback", True): "chargeback_reversal",
}

_NAMES: Mapping[str, Sequence[str]] = {
    "id": ("balance_transaction_id", "transaction_id", "id"),
    "type": ("type",),
    "category": ("reporting_category",),
    "amount": ("gross", "amount"),
    "fee": ("fee",),
    "net": ("net",),
    "currency": ("currency",),
    "payout": ("automatic_payout_id", "payout_id", "transfer"),
    "paid": ("automatic_payout_effective_at_utc", "automatic_payout_effective_at"),
    "created": ("created_utc", "created (utc)", "created"),
    "available": ("available_on_utc", "available on (utc)", "available_on"),
    "source": ("source_id", "source"),
    "parent": ("charge_id", "payment_intent_id"),
    "intent": ("payment_intent_id",),
    "order": ("payment_metadata[order_id]", "payment_metadata[ordernumber]", "order_id (metadata)"),
    "rate": ("exchange_rate", "trace_exchange_rate"),
    "presented": ("customer_facing_amount",),
    "presented_currency": ("customer_facing_currency",),
    "method": ("payment_method_type",),
    "text": ("description",),
    "live": ("livemode",),
}
_NEED = ("id", "amount", "fee", "net", "currency", "created")
_AS_TEXT = 'Export amounts as text with decimals, such as "250.00".'
_MARKS = (_NAMES["id"], ("gross", "amount"), ("fee",), ("net",), _NAMES["created"])


_UTC = ZoneInfo("UTC")
#: Decimals of Stripe's minor units where they differ (docs.stripe.com/currencies, special cases).
_DECIMALS: Mapping[str, int] = {"ISK": 2, "UGX": 2, "MGA": 0}

#: Unix seconds of 1990 and 2100; what lies outside is no date of a payment.
_FIRST, _LAST = 631_152_000, 4_102_444_800


class _Entry(msgspec.Struct, frozen=True):
    """One balance transaction in major units; `taxes` is the share of the fee that is VAT."""

    row: Row
    amount: Decimal
    fee: Decimal
    net: Decimal
    taxes: Decimal
    currency: str
    zone: ZoneInfo  # of times that say none

    @property
    def kind(self) -> Kind:
        words = (plain(self.row.text("category")), plain(self.row.text("type")))
        kind: Kind = next((_KINDS[word] for word in words if word in _KINDS), "adjustment")
        return _OTHER_WAY.get((kind, self.net > 0), kind)


def _read_table(content: Content) -> Iterator[Statement]:
    rows = content.table(*_MARKS)
    assert rows is not None  # it matched
    table = Table(rows, _NAMES, _NEED, content.numbers)
    if not (table.has("type") or table.has("category")):
        raise Unreadable("Columns are missing: type or reporting_category.", row=rows[0][0])
    yield from _statements(content, "stripe csv", [_major(content, row) for row in table])


def _major(content: Content, row: Row) -> _Entry:
    """A row in major units. Reports are made in a zone that the merchant has chosen, beside or instead of UTC."""
    currency = row.currency("currency")
    local = _UTC if "utc" in row.title("created").casefold() else local_zone(content.profile.time_zone)
    amount, fee, net = (row.money(name, currency) for name in ("amount", "fee", "net"))
    return _Entry(row, amount, fee, net, ZERO, currency, local)


def _read_json(content: Content) -> Iterator[Statement]:
    """A list of balance transactions, alone or under the payout it belongs to; or one row of a report per line."""
    document = content.json
    if isinstance(document, list):
        rows = items(document, _NAMES)
        for row, item in zip(rows, document, strict=True):
            _check_major(row, item)
        yield from _statements(content, "stripe json", [_major(content, row) for row in rows])
        return
    payout = document.get("payout") if isinstance(document.get("payout"), dict) else None
    found = document.get("balance_transactions", document.get("balance_transaction", document))
    if isinstance(found, dict) and found.get("object") == "list":
        if found.get("has_more"):
            raise Unreadable("The list has more pages (has_more).", do_this="Fetch all pages of the payout.")
        found = listed(found, "data")
    transactions = found if isinstance(found, list) else [found]
    if payout:
        _check_payout(payout)
    entries = [_minor(row, item) for row, item in zip(items(transactions, _NAMES), transactions, strict=True)]
    yield from _statements(content, "stripe json", entries, payout)


def _check_major(row: Row, item: Mapping[str, Any]) -> None:
    """A bare whole number in a report could as well count minor units, as the API does."""
    for name in ("amount", "gross", "fee", "net"):
        value = item.get(name)
        whole = isinstance(value, Decimal) and value and int(value.as_tuple().exponent) >= 0
        if whole and exponent(row.currency("currency")):
            raise row.wrong(name, "is a whole number, which may count minor units", do_this=_AS_TEXT)


def _minor(row: Row, item: Mapping[str, Any]) -> _Entry:
    currency = row.currency("currency")
    details = items(listed(item, "fee_details")) if item.get("fee_details") else []
    amount, fee, net = (_units(row, name, currency) for name in ("amount", "fee", "net"))
    taxes = sum((_units(part, "amount", currency) for part in details if part.text("type") == "tax"), ZERO)
    return _Entry(row, amount, fee, net, taxes, currency, _UTC)


def _units(row: Row, name: str, currency: str) -> Decimal:
    """An amount in Stripe's minor units, which for a few currencies are not those of ISO 4217."""
    amount = row.minor(name, currency)
    return amount.scaleb(exponent(currency) - _DECIMALS[currency]) if currency in _DECIMALS else amount


def _check_payout(payout: Mapping[str, Any]) -> None:
    """Only automatic payouts have contents, and only when Stripe has finished reconciling them."""
    if payout.get("automatic") is False or payout.get("reconciliation_status", "completed") != "completed":
        raise Unreadable(
            f"Stripe has not itemised payout {payout.get('id')}.",
            column="reconciliation_status",
            value=payout.get("reconciliation_status", ""),
            do_this="Wait until Stripe says completed; a manual payout is matched by hand.",
        )


def _statements(
    content: Content, form: str, entries: Sequence[_Entry], payout: Mapping[str, Any] | None = None
) -> Iterator[Statement]:
    """One statement per payout and currency. Rows of no payout are an account's, and may come again (edge case 30)."""
    groups: dict[tuple[str, str], list[_Entry]] = {}
    alone = {entry.row.text("source") for entry in entries if entry.kind == "payout"}
    for entry in entries:
        if entry.net != entry.amount - entry.fee:
            raise entry.row.wrong("net", f"is not amount − fee = {entry.amount - entry.fee}", code="AMOUNT_DIFF")
        reference = entry.row.text("payout") or (str(payout.get("id") or "") if payout else "")
        if not reference and len(alone) == 1:
            reference = next(iter(alone))
        groups.setdefault((reference, entry.currency), []).append(entry)
    for (reference, currency), group in groups.items():
        yield _statement(content, form, reference, currency, group, payout)


def _statement(
    content: Content,
    form: str,
    reference: str,
    currency: str,
    entries: Sequence[_Entry],
    payout: Mapping[str, Any] | None,
) -> Statement:
    lines = [line for entry in entries for line in _lines(entry)]
    scope: Scope = "payout" if reference else "account"
    paid = [line for line in lines if line.kind == "payout"]
    net = sum((line.amount for line in lines), ZERO)
    (head,) = items([payout or {}])
    stated = _units(head, "amount", currency) if payout and payout.get("amount") is not None else None
    if stated is not None and not paid:
        lines.append(_payout_line(stated, reference, currency, head))
    elif scope == "payout" and not paid:
        if not entries[0].row.text("category"):
            raise Unreadable(f"The row of payout {reference} itself is missing.", do_this=FETCH_AGAIN)
        lines.append(_payout_line(net, reference, currency, entries[0].row))  # this report has no such row
    elif stated is not None and stated != -sum((line.amount for line in paid), ZERO):
        raise Unreadable(f"The payout is {stated}, its row differs.", column="amount", value=stated, currency=currency)
    days = [line.day for line in lines if line.day and line.kind != "payout"]
    return Statement(
        provider="stripe",
        format=form,
        reference=reference,
        currency=currency,
        file_hash=content.hash,
        account=content.profile.account,
        scope=scope,
        paid_on=_paid_on(entries, paid, payout),
        start=min(days, default=None),
        end=max(days, default=None),
        closing=ZERO if scope == "payout" else net,
        totals={} if stated is None else {"amount": stated},
        lines=tuple(lines),
        test=any(entry.row.text("live") == "false" for entry in entries) or head.text("livemode") == "false",
    )


def _lines(entry: _Entry) -> Iterable[StatementLine]:
    """The amount, and beside it the fee that Stripe took of it with the VAT in it."""
    row, kind = entry.row, entry.kind
    at = _time(row, "created", entry.zone)
    available = _time(row, "available", entry.zone)
    common: dict[str, Any] = {
        "currency": entry.currency,
        "row": row.number,
        "cells": row.cells,
        "provider_id": row.text("id"),
        "capture_id": row.text("source") if kind == "sale" else "",
        "refund_id": row.text("source") if kind in ("refund", "refund_reversal") else "",
        "parent_id": row.text("parent"),
        "provider_order": row.text("intent"),
        "order_ref": row.text("order"),
        "type": row.text("type") or row.text("category"),
        "at": at,
        "day": at.astimezone(entry.zone).date() if at else None,
        "available_on": available.date() if available else None,
        "rate": row.amount_or_zero("rate") or None,
        "method": row.text("method"),
        "text": row.text("text"),
    }
    if row.text("presented") and row.text("presented_currency"):
        common |= {"presented": row.amount("presented"), "presented_currency": row.currency("presented_currency")}
    if entry.amount:
        yield StatementLine(kind=kind, amount=entry.amount, **common)
    if fee := entry.fee - entry.taxes:
        yield StatementLine(kind="fee" if fee > 0 else "fee_correction", amount=-fee, **common)
    if entry.taxes:
        yield StatementLine(kind="fee_vat", amount=-entry.taxes, **common)


def _payout_line(amount: Decimal, reference: str, currency: str, row: Row) -> StatementLine:
    return StatementLine(
        kind="payout",
        amount=-amount,
        currency=currency,
        row=row.number,
        cells=row.cells,
        provider_id=reference,
        type="payout",
    )


def _paid_on(entries: Sequence[_Entry], paid: Sequence[StatementLine], payout: Mapping[str, Any] | None) -> Any:
    """The payout's arrival date where it is known, else the day of its row."""
    (head,) = items([payout or {}])
    if arrives := _time(head, "arrival_date", _UTC):
        return arrives.date()
    effective = next((day for entry in entries if (day := entry.row.day("paid"))), None)
    return effective or next((line.day for line in paid), None)


def _time(row: Row, name: str, local: ZoneInfo) -> datetime | None:
    """Unix seconds in the API, text in files."""
    if not re.fullmatch(r"[0-9]{1,12}", row.text(name)):
        return row.moment(name, local)[0]
    seconds = int(row.text(name))
    if not _FIRST <= seconds < _LAST:
        raise row.wrong(name, "is not a possible time")
    return datetime.fromtimestamp(seconds, UTC)


def _is_table(content: Content) -> bool:
    return content.kind in ("text", "xlsx") and content.table(*_MARKS) is not None


def _is_json(content: Content) -> bool:
    if content.kind != "json":
        return False
    document = content.json
    if isinstance(document, list):
        first = document[0] if document else None
        return isinstance(first, dict) and {"payout_id", "transaction_id"} <= first.keys()
    if any(_of(document.get(name), "payout", "balance_transaction") for name in ("payout", "balance_transaction")):
        return True
    data = document.get("data")
    listed = document.get("object") == "list" and isinstance(data, list)
    return listed and all(_of(part, "balance_transaction") for part in data)


def _of(part: object, *kinds: str) -> bool:
    return isinstance(part, dict) and part.get("object") in kinds


FORMATS = (
    Format("stripe csv", "payout reconciliation or itemised balance report", _is_table, _read_table),
    Format("stripe json", "balance transactions of a payout, or a report as JSON lines", _is_json, _read_json),
)
