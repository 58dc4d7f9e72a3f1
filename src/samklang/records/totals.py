"""An order's money as the rows of a document, and VAT summed by rate."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Literal

import msgspec

from samklang.records.money import ZERO
from samklang.records.order import Order, TaxTotal


class DocumentRow(msgspec.Struct, frozen=True):
    """One row of an order, invoice or receipt: a line, or a charge as one piece.

    `total` and `unit_price` (before discount) are on one side of VAT; `percent` is the VAT rate.
    """

    kind: Literal["line", "shipping", "fee", "rounding", "tip", "gift_wrap"]
    sku: str
    text: str
    quantity: Decimal
    unit_price: Decimal
    total: Decimal
    percent: Decimal


def document_rows(order: Order, tax_included: bool) -> list[DocumentRow]:
    """The order's lines and charges, with or without VAT. InvalidRecord when the order's own totals disagree.

    Unit prices of lines are on the order's own side, whatever is asked.
    """
    order.check_totals()
    rows = [
        DocumentRow(
            "line", line.sku, line.name, line.quantity, line.unit_price, line.gross if tax_included else line.net,
            line.tax_percent,
        )
        for line in order.lines
    ]  # fmt: skip
    for charge in order.charges:
        total = charge.gross if tax_included else charge.net
        rows.append(DocumentRow(charge.kind, "", charge.name, Decimal(1), total, total, charge.tax_percent))
    return rows


def tax_totals(sums: Iterable[tuple[Decimal, Decimal, Decimal]]) -> tuple[TaxTotal, ...]:
    """(per cent, base, VAT) summed by rate, in the order in which the rates first come."""
    found: dict[Decimal, tuple[Decimal, Decimal]] = {}
    for percent, base, tax in sums:
        known = found.get(percent, (ZERO, ZERO))
        found[percent] = known[0] + base, known[1] + tax
    return tuple(TaxTotal(percent, base, tax) for percent, (base, tax) in found.items())


def amounts(net: Decimal, gross: Decimal) -> dict[str, Any]:
    """The fields `net`, `tax` and `gross` of a line, a charge or an order, out of two of them."""
    return {"net": net, "tax": gross - net, "gross": gross}
