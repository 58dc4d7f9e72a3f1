"""Available stock for a channel: the sum over chosen warehouses, less a buffer (MODEL §3, Q-04)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Literal

from samklang.records import StockLevel
from samklang.records.money import ZERO


def published(
    sku: str,
    levels: Iterable[StockLevel],
    pot: str,
    *,
    warehouses: Collection[str] = (),
    figure: Literal["available", "on_hand"] = "available",
    buffer: Decimal = ZERO,
) -> StockLevel:
    """The level that a channel is told for one article, as a level in the virtual warehouse `pot` (such as @shop).

    `warehouses`: which count; empty = all. `figure`: `available` = on hand − reserved − unavailable, or `on_hand`.
    Never below 0: what a channel is told is what it may sell.
    """
    total = sum((getattr(level, figure) for level in levels if not warehouses or level.warehouse in warehouses), ZERO)
    return StockLevel(sku=sku, warehouse=pot, on_hand=max(ZERO, total - buffer))
