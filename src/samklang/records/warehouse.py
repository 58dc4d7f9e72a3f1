"""What a shop and a warehouse say to each other about an order besides its status, and goods on their way in.

An order's edit, its release, returns (goods; the money is `records/movements.py`) and inbound deliveries with what was
received of them (MODEL §3, §5; requirements O-04…O-07, O-14…O-17).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

import msgspec

from samklang.records.base import InvalidRecord, Record, register
from samklang.records.ids import sku_key
from samklang.records.money import ZERO, settle
from samklang.records.times import settle_utc


class EditLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line as the warehouse has it now; `line_id` is the order line's, empty on a line that was added there."""

    quantity: Decimal
    sku: str
    line_id: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        settle(self, "quantity")


@register
class OrderEdit(Record, frozen=True, kw_only=True, tag="order_edit", omit_defaults=True):
    """An open order's lines as a warehouse has them (O-05, O-07). Differs from the order only while somebody there has
    edited it; lines that were removed there are missing."""

    order: str
    lines: tuple[EditLine, ...]

    @property
    def key(self) -> str:
        return self.order

    def needs(self) -> tuple[tuple[str, str], ...]:
        return (("order", self.order),)


@register
class Release(Record, frozen=True, kw_only=True, tag="release", omit_defaults=True):
    """An order may be picked (O-04). Made by a person, by the shop's own status, or at the flow's release times."""

    order: str
    at: datetime  # UTC
    by: str = ""

    def __post_init__(self) -> None:
        settle_utc(self, "at")

    @property
    def key(self) -> str:
        return self.order

    def needs(self) -> tuple[tuple[str, str], ...]:
        return (("order", self.order),)


class ReturnLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Goods of one order line that came back. `restock`: they are for sale again."""

    quantity: Decimal
    sku: str
    line_id: str = ""
    restock: bool = True
    condition: str = ""

    def __post_init__(self) -> None:
        settle(self, "quantity")
        if self.quantity <= 0:
            raise InvalidRecord(
                "lines.quantity", self.quantity, "is not above 0", "Correct the return in the warehouse."
            )


@register
class Return(Record, frozen=True, kw_only=True, tag="return", omit_defaults=True):
    """Goods of an order that come back (O-17). No money moves by it: that is a Refund, by whoever decides it.

    `uncollected`: the buyer did not fetch the parcel and the warehouse is its sender. `regret`: within the buyer's
    right of withdrawal. `complaint`: something is wrong with the goods. `wrong`: something else was sent.
    """

    own_id: ClassVar[bool] = True

    order: str
    number: str
    reason: Literal["regret", "complaint", "uncollected", "wrong", ""] = ""
    state: Literal["announced", "received", "inspected", "closed"] = "announced"
    lines: tuple[ReturnLine, ...] = ()
    received_at: datetime | None = None
    note: str = ""

    def __post_init__(self) -> None:
        settle_utc(self, "received_at")

    @property
    def key(self) -> str:
        return f"{self.order}#{self.number}"

    def needs(self) -> tuple[tuple[str, str], ...]:
        return (("order", self.order),)


class InboundLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Pieces of one article on their way in; `received` is what the warehouse counted."""

    sku: str
    expected: Decimal
    received: Decimal = ZERO
    line_id: str = ""

    def __post_init__(self) -> None:
        settle(self, "expected", "received")
        if self.expected < 0 or self.received < 0:
            raise InvalidRecord("lines", self.sku, "has a quantity below 0", "Correct the purchase order.")


@register
class Inbound(Record, frozen=True, kw_only=True, tag="inbound", omit_defaults=True):
    """Goods announced to a warehouse: a purchase order, or the list that fills it at the start (O-14, O-15)."""

    own_id: ClassVar[bool] = True

    number: str
    lines: tuple[InboundLine, ...]
    kind: Literal["purchase", "initial", "return"] = "purchase"
    supplier: str = ""
    expected_on: date | None = None
    state: Literal["draft", "announced", "cancelled"] = "announced"
    warehouse: str = ""
    note: str = ""

    @property
    def key(self) -> str:
        return self.number.strip()

    def needs(self) -> tuple[tuple[str, str], ...]:
        return tuple(("variant", sku) for sku in dict.fromkeys(sku_key(line.sku) for line in self.lines))


@register
class Receipt(Record, frozen=True, kw_only=True, tag="receipt", omit_defaults=True):
    """What a warehouse received of an Inbound, which it names by number."""

    inbound: str
    lines: tuple[InboundLine, ...]
    state: Literal["announced", "partly_received", "received", "closed"] = "announced"
    received_at: datetime | None = None

    def __post_init__(self) -> None:
        settle_utc(self, "received_at")

    @property
    def key(self) -> str:
        return self.inbound.strip()

    def needs(self) -> tuple[tuple[str, str], ...]:
        return (("inbound", self.key),)

    def deviations(self) -> tuple[InboundLine, ...]:
        """Lines of which too much or too little came; while the delivery is open only those with too much."""
        over = self.state in ("announced", "partly_received")
        return tuple(
            line for line in self.lines if (line.received > line.expected if over else line.received != line.expected)
        )
