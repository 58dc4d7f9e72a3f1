"""Short ways to keep books of a few facts, for the edge cases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from samklang.accounting.bank.base import BankStatement
from samklang.accounting.books import Books, Facts, keep_books
from samklang.accounting.company import Company
from samklang.accounting.fx import Exchange
from samklang.accounting.statements.base import Statement
from samklang.accounting.voucher import Voucher
from samklang.records import Order

from .provider import row, statement
from .shop import company, exchange, line, order, paid, seen

LAST = date(2026, 12, 31)


def books(
    orders: Sequence[Order] = (),
    statements: Sequence[Statement] = (),
    *bank: BankStatement,
    firm: Company | None = None,
    rates: Exchange | None = None,
    today: date = date(2026, 3, 16),
    **facts: Any,
) -> Books:
    given = Facts(orders=orders, statements=statements, bank=bank, **facts)
    return keep_books(given, firm or company(), rates or exchange(), today)


def codes(kept: Books) -> list[str]:
    return [problem.code for problem in kept.problems]


def amounts(voucher: Voucher) -> dict[str, str]:
    return dict(seen(voucher)[1])


def sold(number: str, gross: str, day: str = "2026-03-02", provider: str = "klarna", **more: Any) -> Order:
    """An order that was paid with one capture, whose id is the provider's name and the number."""
    return order(number, [line(gross)], paid(provider, gross, day, f"{provider}-{number}"), **more)


def payout(reference: str, day: str, *rows: Any, provider: str = "klarna", **more: Any) -> Statement:
    """A statement that pays everything out."""
    total = sum((part.amount for part in rows), Decimal(more.get("opening", "0")))
    return statement(provider, reference, day, *rows, row("payout", str(-total)), **more)


def returned(number: str, gross: str, day: str) -> Order:
    """An order that was captured on 2 March and refunded on `day`, both by Klarna."""
    captured, refunded = paid("klarna", gross, "2026-03-02", "c"), paid("klarna", gross, day, "r", "refund")
    return order(number, [line(gross)], captured, refunded)
