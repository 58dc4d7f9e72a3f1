"""How an order's money is written so that Tryton counts the buyer's total and the source's VAT, to the öre."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from samklang import records as r


class SaleLine(msgspec.Struct, frozen=True):
    """One line to write: `article` is a SKU, or one of `freight`, `fee`, `rounding` with `service` true."""

    article: str
    service: bool
    quantity: Decimal
    unit_price: Decimal
    percent: Decimal
    text: str


_CENT = Decimal("0.01")
_KINDS = {"shipping": "freight", "rounding": "rounding"}


def sale_lines(order: r.Order, digits: int) -> list[SaleLine]:
    """The order's lines and charges with prices of so many decimals, and a line for rounding where it is needed."""
    rows, left = r.priced_rows(order, digits, _vat)
    lines = []
    for row in rows:
        article = row.sku or _KINDS.get(row.kind, "fee")
        lines.append(SaleLine(article, not row.sku, row.quantity, row.unit_price, row.percent, row.text))
    if left:
        lines.append(SaleLine("rounding", True, Decimal(1), left, r.ZERO, "Öresutjämning"))
    return lines


def _vat(amounts: Sequence[Decimal], percent: Decimal) -> Decimal:
    """What Tryton counts (tax rounding "document"): on the unrounded sum, halves to even; lines above and below zero
    are rounded each for themselves."""
    groups = itertools.groupby(sorted(amounts, key=lambda amount: amount >= 0), key=lambda amount: amount >= 0)
    return sum((_even(sum(group, r.ZERO) * percent / 100) for _, group in groups), r.ZERO)


def _even(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_EVEN)
