"""What the readers of marketplaces' commission reports share.

A marketplace sells for us: each row holds the full buyer's price and what the marketplace takes of it. The report says
what it owes in the end; the payment itself comes as a bank line (RECONCILIATION §4, commission agent's report).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from samklang.accounting.statements.base import Kind, Scope, Statement, StatementLine
from samklang.accounting.statements.content import Content
from samklang.accounting.statements.tables import Row
from samklang.records.money import ZERO


def part(row: Row, kind: Kind, amount: Decimal, type_: str, currency: str, **facts: Any) -> Iterable[StatementLine]:
    """One share of a row as a line; nothing for 0."""
    if amount:
        yield StatementLine(
            kind=kind, amount=amount, type=type_, currency=currency, row=row.number, cells=row.cells, **facts
        )


def fee(row: Row, taken: Decimal, type_: str, currency: str, **facts: Any) -> Iterable[StatementLine]:
    """What the marketplace takes; a negative one it gives back."""
    return part(row, "fee" if taken > 0 else "fee_correction", -taken, type_, currency, **facts)


def report(
    content: Content, provider: str, reference: str, currency: str, lines: Sequence[StatementLine], **facts: Any
) -> Statement:
    """The lines as one report, which closes with what the marketplace owes."""
    days = [line.day for line in lines if line.day]
    scope: Scope = "report" if reference else "account"
    given: dict[str, Any] = {"start": min(days, default=None), "end": max(days, default=None), "scope": scope, **facts}
    return Statement(
        provider=provider,
        reference=reference,
        currency=currency,
        file_hash=content.hash,
        account=given.pop("account", "") or content.profile.account,
        closing=sum((line.amount for line in lines), ZERO),
        lines=tuple(lines),
        **given,
    )
