"""What was sent, on the rows of the order that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from samklang.connectors.errors import Rejected
from samklang.records import Shipment
from samklang.records.ids import sku_key
from samklang.records.money import ZERO


class Waiting(msgspec.Struct, frozen=True):
    """A row of an order that can be sent: its id, the articles that it stands for, how many pieces wait."""

    id: str
    skus: Sequence[str]
    left: Decimal


def laid(record: Shipment, rows: Iterable[Waiting]) -> dict[str, Decimal]:
    """Row → pieces. A line without a row's id is laid on the rows of its article that wait, in the order's order.

    Rejected when more was sent than waits.
    """
    waiting = {row.id: row for row in rows}
    found: dict[str, Decimal] = {}
    for line in record.lines:
        left = line.quantity
        for id_ in [line.line_id] if line.line_id in waiting else _of_article(line.sku, waiting):
            here = min(left, waiting[id_].left - found.get(id_, ZERO))
            if here > 0:
                found[id_], left = found.get(id_, ZERO) + here, left - here
        if left > 0:
            raise Rejected(
                f"More of {line.sku or line.line_id} was sent than waits in the order ({left:f} too many)",
                where=record.key, do_this="Compare the shipment with the order in the shop.",
            )  # fmt: skip
    return found


def _of_article(sku: str, rows: Mapping[str, Waiting]) -> list[str]:
    return [row.id for row in rows.values() if sku_key(sku) in map(sku_key, row.skus)]
