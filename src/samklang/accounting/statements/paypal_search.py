"""PayPal's transaction search API: `transaction_details` with decimal strings, all pages of one search, or one day with
the balances that it begins and ends with.

A search proves only that it is whole. A day proves itself: what can be paid out (the total less what is withheld) at
its end is what it was at the beginning, and what moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from samklang.accounting.statements.base import Statement, StatementLine, Unreadable
from samklang.accounting.statements.content import Content, Format
from samklang.accounting.statements.documents import items, listed, mapped, pages
from samklang.accounting.statements.paypal_reports import account_statement, transaction_lines
from samklang.records.money import ZERO

_API: Mapping[str, Sequence[str]] = {
    "id": ("transaction_id",),
    "invoice": ("invoice_id",),
    "parent": ("paypal_reference_id",),
    "event": ("transaction_event_code",),
    "time": ("transaction_updated_date", "transaction_initiation_date"),
    "gross": ("transaction_amount.value",),
    "currency": ("transaction_amount.currency_code",),
    "fee": ("fee_amount.value",),
    "status": ("transaction_status",),
    "custom": ("custom_field",),
}
#: S success and V (later reversed, whose reversal is a transaction of its own) are money; P and D are not.
_STATES = {"s": True, "v": True, "p": False, "d": False}


_Moved = tuple[list[StatementLine], list[StatementLine]]  # lines, and those that are no money yet


def _by_currency(details: Sequence[Any]) -> dict[str, _Moved]:
    groups: dict[str, _Moved] = {}
    for row in items([mapped(detail, "transaction_info") for detail in details], _API):
        code = row.currency("currency")
        made = transaction_lines(row, row.money("gross", code), row.money_or_zero("fee", code), code, "time")
        groups.setdefault(code, ([], []))[0 if row.one_of("status", _STATES) else 1].extend(made)
    return groups


def _read_search(content: Content) -> Iterator[Statement]:
    """Statements per currency from all pages of one search."""
    found = pages(content.json)
    details = [detail for page in found for detail in listed(page, "transaction_details")]
    _check_pages(found, len(details))
    account = str(found[0].get("account_number") or "")
    for code, (lines, pending) in _by_currency(details).items():
        closing = sum((line.amount for line in lines), ZERO)
        yield account_statement(content, "paypal api", code, account, lines, pending, ZERO, closing)


def _check_pages(found: Sequence[Mapping[str, Any]], count: int) -> None:
    total_pages, total = found[0].get("total_pages", len(found)), found[0].get("total_items", count)
    if total_pages != len(found) or total != count:
        raise Unreadable(
            f"The file has {count} transactions on {len(found)} pages, PayPal says {total} on {total_pages}.",
            column="total_items",
            value=total,
            do_this="Fetch all pages of the search.",
        )


def _read_day(content: Content) -> Iterator[Statement]:
    """Statements per currency of a day. It is the account's day, whatever zone the times are written in."""
    whole = mapped(content.json)
    day = _day(whole)
    opening, closing = (_balances(mapped(whole, name)) for name in ("opening", "closing"))
    moved = _by_currency(listed(whole, "transactions", "transaction_details"))
    account = str(mapped(whole, "transactions").get("account_number") or "")
    for code in sorted(moved.keys() | opening.keys() | closing.keys()):
        lines, pending = moved.get(code, ([], []))
        first, last = opening.get(code, ZERO), closing.get(code, ZERO)
        if lines or pending or first != last:
            of_day = [msgspec.structs.replace(line, day=day) for line in lines]
            waiting = [msgspec.structs.replace(line, day=day) for line in pending]
            made = account_statement(content, "paypal day", code, account, of_day, waiting, first, last)
            yield msgspec.structs.replace(made, start=day, end=day)


def _day(whole: Mapping[str, Any]) -> date:
    try:
        return date.fromisoformat(str(whole["day"]))
    except ValueError:
        raise Unreadable("The day is not a date.", column="day", value=whole["day"]) from None


def _balances(answer: Mapping[str, Any]) -> dict[str, Decimal]:
    """What can be paid out, by currency."""
    return {
        row.currency("currency"): row.amount("total_balance.value") - row.amount_or_zero("withheld_balance.value")
        for row in items(listed(answer, "balances"))
    }


def _is_search(content: Content) -> bool:
    if content.kind != "json":
        return False
    first = content.json[0] if isinstance(content.json, list) and content.json else content.json
    return isinstance(first, dict) and isinstance(first.get("transaction_details"), list)


def _is_day(content: Content) -> bool:
    parts = {"day", "opening", "closing", "transactions"}
    return content.kind == "json" and isinstance(content.json, dict) and parts <= content.json.keys()


FORMATS = (
    Format("paypal day", "a day of the transaction search with its balances", _is_day, _read_day),
    Format("paypal api", "transaction search, all pages", _is_search, _read_search),
)
