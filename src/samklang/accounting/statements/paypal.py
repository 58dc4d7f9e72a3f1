"""PayPal: the activity download and the monthly statement (CSV), one statement per currency of the account.

The export follows the user's language: its header names the language, and the language the decimal sign. PayPal pays
out by a withdrawal, which is a row like any other; what is pending must not be booked (RECONCILIATION §6). Where the
file has a balance on every row, the rows must form one chain from the first balance to the last; the monthly statement
names no states, so that chain is all that says that its rows are money.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from samklang.accounting.statements.base import Kind, Profile, Statement, StatementLine, Unreadable
from samklang.accounting.statements.content import Content, Format
from samklang.accounting.statements.paypal_words import DONE, IMPACTS, KINDS, NAMES
from samklang.accounting.statements.tables import COMMA, POINT_GROUPED, Row, Table, plain
from samklang.accounting.statements.zones import zone_of
from samklang.records.money import ZERO
from samklang.records.times import instant

_NEED = ("date", "time", "zone", "type", "currency", "gross", "fee", "net", "id")
_MARKS = (NAMES["gross"], NAMES["fee"], NAMES["net"], NAMES["id"])


def _read(content: Content) -> Iterator[Statement]:
    rows = content.table(*_MARKS)
    assert rows is not None  # it matched
    english = any(plain(cell) == "gross" for cell in rows[0][1])
    decimal = content.profile.decimal or ("." if english else ",")
    numbers = POINT_GROUPED if decimal == "." else COMMA
    ended = content.kind != "text" or content.text.endswith("\n")  # a period without transactions is a header only
    table = Table(rows, NAMES, _NEED, numbers, may_be_empty=ended)
    monthly = not table.has("status")
    if monthly and not table.has("balance"):
        raise Unreadable(
            "Columns are missing: Status, or Balance.",
            row=rows[0][0],
            do_this="Export the activity with its states, or with the balance after each transaction.",
        )
    found = list(table)
    day_first = _day_first(found, content.profile)
    currencies: dict[str, list[Row]] = {}
    for row in found:
        gross, fee, net = (row.money(name, row.currency("currency")) for name in ("gross", "fee", "net"))
        if gross + fee != net:
            raise row.wrong("net", "is not gross + fee", code="AMOUNT_DIFF")
        if monthly:
            row.need("balance")
        currencies.setdefault(row.currency("currency"), []).append(row)
    for currency, group in currencies.items():
        form = "paypal statement" if monthly else "paypal activity"
        yield _statement(content, form, currency, group, day_first)


def _is_money(row: Row) -> bool:
    """Whether the row is done and moves the balance. Its balance proves it where PayPal's word for it is not known."""
    done: bool = not row.has("status") or row.one_of("status", DONE)
    return done and _moves(row)


def _moves(row: Row) -> bool:
    if row.text("balance") and plain(row.text("impact")) not in IMPACTS:
        return True
    moves: bool = row.one_of("impact", IMPACTS)
    return moves


def _statement(content: Content, form: str, currency: str, rows: Sequence[Row], day_first: bool) -> Statement:
    done = {id(row): _is_money(row) for row in rows}
    timed = {id(row): _moment(row, day_first) for row in rows}
    lines = [line for row in rows if done[id(row)] for line in _lines(row, currency, *timed[id(row)])]
    pending = [line for row in rows if not done[id(row)] for line in _lines(row, currency, *timed[id(row)])]
    days = [day for _, day in timed.values()]
    opening = _opening([row for row in rows if _moves(row)], timed)
    return Statement(
        provider="paypal",
        format=form,
        reference="",
        currency=currency,
        file_hash=content.hash,
        account=content.profile.account,
        scope="account",
        start=min(days),
        end=max(days),
        opening=opening,
        closing=opening + sum((line.amount for line in lines), ZERO),
        lines=tuple(lines),
        pending=tuple(pending),
    )


def _lines(row: Row, currency: str, at: datetime, day: date) -> Iterable[StatementLine]:
    gross, fee = row.amount("gross"), row.amount("fee")
    kind = _kind(row.text("type"), gross)
    common: dict[str, Any] = {
        "currency": currency,
        "row": row.number,
        "cells": row.cells,
        "provider_id": row.need("id"),
        "capture_id": row.text("id") if kind == "sale" else "",
        "refund_id": row.text("id") if kind == "refund" else "",
        "parent_id": row.text("parent"),
        "order_ref": row.text("invoice"),
        "order_ref2": row.text("custom"),
        "type": row.text("type"),
        "at": at,
        "day": day,
        "text": row.text("subject"),
    }
    if gross:
        yield StatementLine(kind=kind, amount=gross, **common)
    if fee:
        yield StatementLine(kind="fee" if fee < 0 else "fee_correction", amount=fee, **common)


def _kind(type_: str, gross: Decimal) -> Kind:
    words = plain(type_)
    for marks, (plus, minus) in KINDS:
        if any(mark in words for mark in marks):
            return plus if gross > 0 else minus
    return "adjustment"


def _opening(rows: Sequence[Row], timed: Mapping[int, tuple[datetime, date]]) -> Decimal:
    """The balance before the first row; 0 when the file states none.

    Each row leads from one balance to another. In a whole file they form one chain, in whatever order they stand:
    every balance is left as often as it is reached, but for the first and the last.
    """
    if not rows or not all(row.text("balance") for row in rows):
        return ZERO
    steps: Counter[Decimal] = Counter()
    for row in rows:
        steps[row.amount("balance") - row.amount("net")] += 1
        steps[row.amount("balance")] -= 1
    starts = [balance for balance, count in steps.items() if count > 0]
    if len(starts) > 1 or any(abs(count) > 1 for count in steps.values()):
        raise Unreadable(
            f"The balances of {rows[0].text('currency')} do not follow from each other; rows are missing between "
            f"{' and '.join(str(balance) for balance in sorted(starts)[:3])}.",
            column="Balance",
            currency=rows[0].text("currency"),
        )
    if starts:
        return starts[0]
    first = min(rows, key=lambda row: (timed[id(row)][0], row.number))
    return first.amount("balance") - first.amount("net")


_PARTS = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2[0-9]{4}")


def _day_first(rows: Sequence[Row], profile: Profile) -> bool:
    """Whether 03/04 is the third of April: by the profile, else by the dates of the whole file, else refused."""
    parts = [found for row in rows if (found := _PARTS.fullmatch(row.text("date")))]
    odd = next((row for row in rows if re.match(r"[0-9]{4}-", row.text("date"))), None)
    if parts and odd:
        raise odd.wrong(
            "date",
            "is written in another way than others: a spreadsheet program may have taken days for months",
            do_this="Hand in the file as it was downloaded, without opening it in a spreadsheet program.",
        )
    if profile.day_first is not None:
        return profile.day_first
    if not parts or all(found[2] == "." for found in parts):
        return True  # ISO dates have one reading, and dates with points have the day first everywhere
    day_first = any(int(found[1]) > 12 for found in parts)
    month_first = any(int(found[3]) > 12 for found in parts)
    if day_first == month_first:
        raise rows[0].wrong(
            "date",
            "does not say whether the day or the month comes first, nor does any other date of the file",
            do_this="Say in the profile of the import which comes first (day_first).",
        )
    return day_first


def _moment(row: Row, day_first: bool) -> tuple[datetime, date]:
    zone = zone_of(row.need("zone"))
    if zone is None:
        raise row.wrong("zone", "is not a known time zone")
    found = re.fullmatch(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})", row.need("date"))
    iso = row.text("date").removesuffix("T00:00:00")  # as a workbook has it
    if found:
        day, month = (found[1], found[2]) if day_first else (found[2], found[1])
        iso = f"{found[3]}-{month:0>2}-{day:0>2}"
    try:
        local = datetime.fromisoformat(f"{iso} {row.need('time'):0>8}").replace(tzinfo=zone)
        return instant(local.isoformat(), "date"), local.date()
    except ValueError:
        raise row.wrong("date", "and the time are no moment") from None


def _matches(content: Content) -> bool:
    return content.kind in ("text", "xlsx") and content.table(*_MARKS) is not None


FORMATS = (Format("paypal activity", "activity download or monthly statement as CSV", _matches, _read),)
