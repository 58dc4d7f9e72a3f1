"""How an order's money is written so that Tryton counts the buyer's total and the source's VAT, to the öre."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from samklang.records import Order
from samklang.records.money import ZERO
from samklang.records.totals import document_rows, tax_totals


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


def sale_lines(order: Order, digits: int) -> list[SaleLine]:
    """The order's lines and charges so that Tryton counts the buyer's total and the source's VAT, to the öre.

    Tryton takes prices without VAT (`digits` decimals) and counts VAT per rate on the unrounded sum, halves to even.
    A shop that rounds each line may differ by an öre: then the largest line of that rate is moved by as little as makes
    the VAT come out right, and what is left goes to a line of its own for rounding. InvalidRecord when the order's own
    totals do not agree.
    """
    parts = document_rows(order, tax_included=False)
    stated = [(tax.percent, tax.base, tax.tax) for tax in order.taxes]
    if not stated:
        stated = [(line.tax_percent, line.net, line.tax) for line in order.lines]
        stated += [(charge.tax_percent, charge.net, charge.tax) for charge in order.charges]
    vat = {tax.percent: tax.tax for tax in tax_totals(stated)}
    step = Decimal(1).scaleb(-digits)
    lines: list[SaleLine] = []
    total = ZERO
    for percent in dict.fromkeys(part.percent for part in parts):
        of_rate = [part for part in parts if part.percent == percent]
        biggest = max(of_rate, key=lambda part: abs(part.total))
        best: list[SaleLine] = []
        # One öre of VAT is 4 öre of net at 25 %, 17 öre at 6 %.
        reach = int(150 / percent) + 1 if percent else 0
        for cents in sorted(range(-reach, reach + 1), key=abs):
            tried = []
            for part in of_rate:
                price = ((part.total + cents * _CENT if part is biggest else part.total) / part.quantity).quantize(step)
                article = part.sku or _KINDS.get(part.kind, "fee")
                tried.append(SaleLine(article, not part.sku, part.quantity, price, percent, part.text))
            best = best or tried
            if _vat(tried) == vat.get(percent, ZERO):
                best = tried
                break
        lines += best
        total += _vat(best) + sum((_even(line.quantity * line.unit_price) for line in best), ZERO)
    if left := order.gross - total:
        lines.append(SaleLine("rounding", True, Decimal(1), left, ZERO, "Öresutjämning"))
    return lines


def _vat(lines: Sequence[SaleLine]) -> Decimal:
    """What Tryton counts (tax rounding "document"): lines above and below zero are rounded each for themselves."""
    amounts = [line.quantity * line.unit_price for line in lines]
    groups = itertools.groupby(sorted(amounts, key=lambda amount: amount >= 0), key=lambda amount: amount >= 0)
    return sum((_even(sum(group, ZERO) * lines[0].percent / 100) for _, group in groups), ZERO)


def _even(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_EVEN)
