"""Whether somebody in the warehouse has edited an order (O-05, O-07)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from samklang.records import EditLine, Order, OrderEdit, OrderLine
from samklang.records.ids import sku_key


def differs(order: Order, edit: OrderEdit) -> bool:
    """Whether the warehouse's lines are other goods than the order's. Services, gift cards and free text never go to a
    warehouse, so only goods count. Lines are the same by their id; without one, the pieces of each SKU are."""
    goods = [line for line in order.lines if is_goods(line)]
    other = {line.line_id for line in order.lines} - {line.line_id for line in goods}
    theirs = [line for line in edit.lines if line.line_id not in other and line.quantity]
    if all(line.line_id for line in theirs):
        return _by_id(goods) != _by_id(theirs)
    return _pieces(goods) != _pieces(theirs)


def is_goods(line: OrderLine) -> bool:
    """Whether a warehouse has to do with the line."""
    return bool(line.sku) and line.kind in ("goods", "bundle_parent", "bundle_child")


def _by_id(lines: Iterable[OrderLine | EditLine]) -> dict[str, tuple[str, Decimal]]:
    return {line.line_id: (sku_key(line.sku), line.quantity) for line in lines}


def _pieces(lines: Iterable[OrderLine | EditLine]) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in lines:
        found[sku_key(line.sku)] += line.quantity  # type: ignore[assignment]  # counts pieces in decimals
    return Counter({sku: pieces for sku, pieces in found.items() if pieces != Decimal(0)})
