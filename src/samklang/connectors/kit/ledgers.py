"""What Swedish ERPs share: how they shorten units, what buyers read for charges, what rounding leaves of a total."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from samklang.connectors.errors import BadData
from samklang.records import Order
from samklang.records.money import ZERO, rounded

#: A unit's abbreviation → UN/ECE Rec 20, and back.
UNITS = {"st": "C62", "kg": "KGM", "m": "MTR", "l": "LTR", "tim": "HUR", "par": "PR"}
UNIT_CODES = {rec20: code for code, rec20 in UNITS.items()}

#: Texts of an order's charges where they have none of their own.
CHARGES = {"shipping": "Frakt", "fee": "Avgift", "rounding": "Öresavrundning", "tip": "Dricks",
           "gift_wrap": "Presentinslagning"}  # fmt: skip


def left_over(order: Order, sums: Mapping[Decimal, Decimal], included: bool, rows: int) -> Decimal:
    """What a document with these totals by VAT rate lacks of the buyer's total, where the ERP counts VAT by document
    and the shop by line. `included`: the totals include VAT. BadData when it is more than rounding explains.
    """
    vat = ZERO if included else sum((rounded(total * percent / 100, "SEK") for percent, total in sums.items()), ZERO)
    left = order.gross - sum(sums.values(), ZERO) - vat
    if abs(left) > Decimal("0.02") * max(1, rows):
        raise BadData(
            f"The lines and their VAT rates make {order.gross - left}, the buyer's total is {order.gross}",
            where=f"order {order.order_no}", do_this="Correct the VAT rates of the order's lines in the shop.",
        )  # fmt: skip
    return left
