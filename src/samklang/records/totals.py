"""An order's money as the rows of a document, and VAT summed by rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec

from samklang.records.money import ZERO, exponent
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


def percent(net: Decimal, tax: Decimal) -> Decimal:
    """The VAT rate of a charge whose source states its money only, to a tenth of a per cent."""
    return (tax / net * 100).quantize(Decimal("0.1")) if net else ZERO


def priced_rows(
    order: Order, digits: int, count: Callable[[Sequence[Decimal], Decimal], Decimal]
) -> tuple[list[DocumentRow], Decimal]:
    """The order's rows for a system that takes unit prices without VAT and counts VAT itself, with these unit prices;
    and what its total then lacks of the buyer's, for an explicit row of rounding.

    `digits`: decimals of a unit price there. `count`: the VAT that the system counts on the rows of one rate (amounts
    without VAT, per cent). A shop that rounds each line may differ from it by an öre: then the largest row of that rate
    is moved by as little as makes the VAT come out right. InvalidRecord when the order's own totals disagree.
    """
    rows = document_rows(order, tax_included=False)
    stated = [(tax.percent, tax.base, tax.tax) for tax in order.taxes]
    if not stated:
        stated = [(line.tax_percent, line.net, line.tax) for line in order.lines]
        stated += [(charge.tax_percent, charge.net, charge.tax) for charge in order.charges]
    wanted = {tax.percent: tax.tax for tax in tax_totals(stated)}
    step, unit = Decimal(1).scaleb(-digits), Decimal(1).scaleb(-exponent(order.currency))
    priced: list[DocumentRow] = []
    total = ZERO
    for percent in dict.fromkeys(row.percent for row in rows):
        of_rate = [row for row in rows if row.percent == percent]
        biggest = max(of_rate, key=lambda row: abs(row.total))
        best: list[DocumentRow] = []
        # One öre of VAT is 4 öre of net at 25 %, 17 öre at 6 %.
        reach = int(150 / percent) + 1 if percent else 0
        for units in sorted(range(-reach, reach + 1), key=abs):
            tried = []
            for row in of_rate:
                net = row.total + units * unit if row is biggest else row.total
                tried.append(msgspec.structs.replace(row, unit_price=(net / row.quantity).quantize(step)))
            best = best or tried
            if count(_amounts(tried), percent) == wanted.get(percent, ZERO):
                best = tried
                break
        priced += best
        total += count(_amounts(best), percent) + sum((amount.quantize(unit) for amount in _amounts(best)), ZERO)
    return priced, order.gross - total


def _amounts(rows: Sequence[DocumentRow]) -> list[Decimal]:
    return [row.quantity * row.unit_price for row in rows]
