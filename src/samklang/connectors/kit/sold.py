"""An order as the shop of one channel tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from samklang.records import Charge, Order, OrderLine, amounts, tax_totals


class Channel(msgspec.Struct, frozen=True):
    """What the connection's settings say of a shop's orders: the channel that it serves, its own name, the zone of
    business dates. Base of what else a shop's orders refer to."""

    channel: str
    connection: str
    time_zone: str

    def key(self, order_no: object) -> str:
        """The key of the order with this number."""
        return f"{self.channel}/{str(order_no).strip()}"

    def order(
        self, lines: Iterable[OrderLine], charges: Iterable[Charge], gross: Decimal, tax: Decimal,
        own: Mapping[str, Any] | None = None, **more: Any,
    ) -> Order:  # fmt: skip
        """An order of this channel with the totals that the shop states. `own` are fields that have no canonical place,
        `more` the order's other fields; without `taxes` among them VAT is summed by rate out of lines and charges."""
        sold, charged = tuple(lines), tuple(charges)
        parts: tuple[OrderLine | Charge, ...] = (*sold, *charged)
        common = {
            "channel": self.channel, "time_zone": self.time_zone, "custom": {self.connection: own} if own else {},
            "taxes": tax_totals((one.tax_percent, one.net, one.tax) for one in parts if one.gross),
        }  # fmt: skip
        return Order(lines=sold, charges=charged, **amounts(gross - tax, gross), **{**common, **more})
