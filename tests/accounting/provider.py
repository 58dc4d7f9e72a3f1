"""Short ways to make a provider's statements and a bank's lines."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from samklang.accounting.bank.base import BankLine, BankStatement
from samklang.accounting.statements.base import Statement, StatementLine


def row(kind: Any, amount: str, ref: str = "", id_: str = "", **more: Any) -> StatementLine:
    """A statement line of an order (`ref`) or transaction (`id_`); its row number is given by `statement`."""
    return StatementLine(
        kind=kind, amount=Decimal(amount), row=0, order_ref=ref, provider_id=id_, **{"currency": "SEK", **more}
    )  # fmt: skip


def statement(
    provider: str, reference: str, day: str, *rows: StatementLine, opening: str = "0", **more: Any
) -> Statement:
    """A statement of the rows; the payout row is among them, and the closing balance is what they lead to."""
    start = Decimal(opening)
    closing = start + sum((line.amount for line in rows), Decimal(0))
    if more.get("mode") == "gross":
        closing -= sum((line.amount for line in rows if line.kind.startswith("fee")), Decimal(0))
    fields: dict[str, Any] = {"currency": "SEK", "paid_on": date.fromisoformat(day), "file_hash": "0" * 64, **more}
    return Statement(
        provider=provider, format="test", reference=reference, lines=rows, opening=start, closing=closing, **fields
    )  # fmt: skip


def bank_line(amount: str, day: str, text: str = "", **more: Any) -> BankLine:
    return BankLine(
        amount=Decimal(amount), currency="SEK", booked_on=date.fromisoformat(day), row=1, text=text, **more
    )  # fmt: skip


def bank_statement(*lines: BankLine, reference: str = "1", **more: Any) -> BankStatement:
    fields: dict[str, Any] = {"kind": "statement", "account": "SE123", "currency": "SEK", **more}
    return BankStatement(format="test", reference=reference, file_hash="0" * 64, lines=lines, **fields)
