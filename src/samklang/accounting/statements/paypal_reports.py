"""PayPal's settlement report (STL files by SFTP), and what all of PayPal's reports share.

STL: unsigned minor units with CR or DR beside them, one section per account, footers with sums and counts (PayPal
Settlement Report Specification 9; the order of the balances in the section footer is not confirmed by a file of
theirs, so a footer that does not add up is refused). The transaction search API is read by paypal_search.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from samklang.accounting.statements.base import Kind, Statement, StatementLine, Unreadable
from samklang.accounting.statements.content import Content, Format
from samklang.accounting.statements.tables import (
    FETCH_AGAIN,
    POINT,
    Row,
    Table,
    split_rows,
)
from samklang.records.money import ZERO

#: Kind for money in and money out by event code; the group (first two digits) where the code itself is not listed.
_EVENTS: Mapping[str, tuple[Kind, Kind]] = {
    "T00": ("sale", "adjustment"),
    "T01": ("fee_correction", "fee"),
    "T02": ("conversion", "conversion"),
    "T03": ("adjustment", "adjustment"),
    "T04": ("payout", "payout"),
    "T11": ("refund_reversal", "refund"),
    "T1101": ("payout", "payout"),  # a withdrawal that the bank sent back
    "T1105": ("release", "holdback"),
    "T1106": ("chargeback_reversal", "chargeback"),
    "T1108": ("fee_correction", "fee"),
    "T1109": ("fee_correction", "fee"),
    "T1110": ("release", "holdback"),
    "T1111": ("release", "holdback"),
    "T12": ("adjustment", "adjustment"),
    "T1201": ("chargeback_reversal", "chargeback"),
    "T1202": ("chargeback_reversal", "chargeback"),
    "T15": ("release", "holdback"),
    "T21": ("release", "holdback"),
}

_NAMES: Mapping[str, Sequence[str]] = {
    "row": ("CH",),
    "id": ("Transaction ID",),
    "invoice": ("Invoice ID",),
    "parent": ("PayPal Reference ID",),
    "event": ("Transaction Event Code",),
    "started": ("Transaction Initiation Date",),
    "done": ("Transaction Completion Date",),
    "direction": ("Transaction Debit or Credit",),
    "gross": ("Gross Transaction Amount",),
    "currency": ("Gross Transaction Currency",),
    "fee_direction": ("Fee Debit or Credit",),
    "fee": ("Fee Amount",),
    "fee_currency": ("Fee Currency",),
    "custom": ("Custom Field",),
}
_NEED = ("id", "invoice", "parent", "event", "done", "direction", "gross", "currency", "fee_direction", "fee")
_SIGNS = {"cr": 1, "dr": -1}

_Numbered = tuple[int, list[str]]


class _Section:
    """The rows between a section header and its record count."""

    def __init__(self, number: int, header: Sequence[str]) -> None:
        self.number = number
        self.account = header[3].strip() if len(header) > 3 else ""
        self.start, self.end = ((header[i][:10] if len(header) > i else "") for i in (1, 2))
        self.rows: list[_Numbered] = []
        self.footers: list[_Numbered] = []
        self.count: _Numbered | None = None


def _read_stl(content: Content) -> Iterator[Statement]:
    delimiter = next((sign for sign in (",", "\t", ";") if sign in content.head), ",")
    rows = split_rows(content.text.removeprefix("\ufeff"), delimiter)
    for section in _sections(rows):
        yield from _read_section(content, section)


def _sections(rows: Sequence[_Numbered]) -> list[_Section]:
    """The sections of all files in the report; refused when one is not closed by its count, or a file by its footer."""
    sections: list[_Section] = []
    files = 0
    for number, cells in rows:
        kind = cells[0].strip()
        files += (kind == "FH") - (kind == "FF")
        if kind == "SH":
            sections.append(_Section(number, cells))
        elif kind in ("CH", "SB") and sections:
            sections[-1].rows.append((number, cells))
        elif kind == "SF" and sections:
            sections[-1].footers.append((number, cells))
        elif kind == "SC" and sections:
            sections[-1].count = (number, cells)
    if files or not sections:
        raise Unreadable("The file footer (FF) is missing.", row=rows[-1][0], do_this=FETCH_AGAIN)
    return sections


def _read_section(content: Content, section: _Section) -> Iterator[Statement]:
    body = [cells for _, cells in section.rows if cells[0].strip() == "SB"]
    _check_count(section, len(body))
    currencies: dict[str, list[Row]] = {}
    if section.rows:
        for row in Table(section.rows, _NAMES, _NEED, POINT):
            currencies.setdefault(row.currency("currency"), []).append(row)
    footers = {cells[1].strip(): (number, cells) for number, cells in section.footers if len(cells) > 1}
    for code in currencies:
        if footers and code not in footers:
            raise Unreadable(f"The section has no footer for {code}.", row=section.number, do_this=FETCH_AGAIN)
    for code in sorted(currencies.keys() | footers.keys()):
        lines = [line for row in currencies.get(code, []) for line in _stl_lines(row, code)]
        opening, closing = _footer(lines, currencies.get(code, []), code, footers.get(code))
        yield account_statement(content, "paypal stl", code, section.account, lines, [], opening, closing)


def _check_count(section: _Section, rows: int) -> None:
    number, cells = section.count or (section.number, [])
    stated = cells[1].strip() if len(cells) > 1 else ""
    if stated != str(rows):
        raise Unreadable(
            f"The section has {rows} rows, its count (SC) says {stated or 'nothing'}.",
            row=number,
            value=stated,
            do_this=FETCH_AGAIN,
        )


def _footer(
    lines: Sequence[StatementLine], rows: Sequence[Row], code: str, footer: _Numbered | None
) -> tuple[Decimal, Decimal]:
    """Opening and closing balance from the footer, whose sums of credits and debits the rows must give.

    Fields: currency, gross credits, gross debits, fee credits, fee debits, then pairs of CR or DR and an amount, of
    which the first is the available balance at the beginning and the second at the end.
    """
    moved = sum((line.amount for line in lines), ZERO)
    if footer is None:
        return ZERO, moved
    number, cells = footer
    stated = Row(number, {str(i): cell for i, cell in enumerate(cells)}, {}, {}, POINT)
    gross = [_signed(row, "direction", "gross", code) for row in rows]
    fees = [_signed(row, "fee_direction", "fee", code) for row in rows]
    for place, parts, sign in (("2", gross, 1), ("3", gross, -1), ("4", fees, 1), ("5", fees, -1)):
        total = sum((sign * part for part in parts if sign * part > 0), ZERO)
        if stated.text(place) and abs(stated.minor(place, code)) != total:
            raise Unreadable(
                f"The rows of {code} sum to {total}, the footer says {stated.minor(place, code)}.",
                row=number,
                column=f"SF field {int(place) + 1}",
                value=stated.text(place),
                currency=code,
            )
    if not (stated.text("6") and stated.text("8")):
        return ZERO, moved
    return _signed(stated, "6", "7", code), _signed(stated, "8", "9", code)


def _signed(row: Row, direction: str, amount: str, code: str) -> Decimal:
    if not row.text(amount):
        return ZERO
    value = row.minor(amount, code)
    if value < 0:
        raise row.wrong(amount, "must not have a sign; CR or DR stands beside it")
    return value * row.one_of(direction, _SIGNS) if value else ZERO


def _stl_lines(row: Row, code: str) -> Iterable[StatementLine]:
    if row.text("fee") and row.text("fee_currency") and row.currency("fee_currency") != code:
        raise row.wrong("fee_currency", f"is not the transaction's {code}", code="CURRENCY_DIFF")
    gross, fee = _signed(row, "direction", "gross", code), _signed(row, "fee_direction", "fee", code)
    return transaction_lines(row, gross, fee, code, "done" if row.text("done") else "started")


def transaction_lines(row: Row, gross: Decimal, fee: Decimal, code: str, time: str) -> Iterable[StatementLine]:
    """The lines of a transaction, whose `gross` and `fee` are signed: money in is above 0. `time` names its column."""
    event = row.text("event").upper()
    plus, minus = _EVENTS.get(event) or _EVENTS.get(event[:3]) or ("adjustment", "adjustment")
    kind = plus if gross > 0 else minus
    at, day = row.moment(time)
    common: dict[str, Any] = {
        "currency": code,
        "row": row.number,
        "cells": row.cells,
        "provider_id": row.need("id"),
        "capture_id": row.text("id") if kind == "sale" else "",
        "refund_id": row.text("id") if kind == "refund" else "",
        "parent_id": row.text("parent"),
        "order_ref": row.text("invoice"),
        "order_ref2": row.text("custom"),
        "type": event,
        "at": at,
        "day": day,
    }
    if gross:
        yield StatementLine(kind=kind, amount=gross, **common)
    if fee:
        yield StatementLine(kind="fee" if fee < 0 else "fee_correction", amount=fee, **common)


def account_statement(
    content: Content,
    form: str,
    code: str,
    account: str,
    lines: Sequence[StatementLine],
    pending: Sequence[StatementLine],
    opening: Decimal,
    closing: Decimal,
) -> Statement:
    """What moved one currency's balance over the period of the lines."""
    days = [line.day for line in (*lines, *pending) if line.day]
    return Statement(
        provider="paypal",
        format=form,
        reference="",
        currency=code,
        file_hash=content.hash,
        account=account or content.profile.account,
        scope="account",
        start=min(days, default=None),
        end=max(days, default=None),
        opening=opening,
        closing=closing,
        lines=tuple(lines),
        pending=tuple(pending),
    )


def _is_stl(content: Content) -> bool:
    return content.kind == "text" and re.match(r'"?RH"?\s*[,;\t]', content.head) is not None


FORMATS = (Format("paypal stl", "settlement report by SFTP", _is_stl, _read_stl),)
