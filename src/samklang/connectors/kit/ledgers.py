"""What Swedish ERPs share: how they shorten units, what buyers read for charges, what rounding leaves of a total."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256

from samklang.connectors.errors import BadData, Rejected
from samklang.records import Order, Voucher, VoucherLine
from samklang.records.money import ZERO, rounded

#: Sources of vouchers that are papers of the customers' ledger: of an order, or of a part of one.
INVOICES = ("invoice", "invoice_part")
#: An invoice may be rounded to whole kronor (E7b).
ROUNDED = Decimal(1)

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


def taken_of(invoice: str, total: Decimal | None, record: Voucher, line: VoucherLine, key: str) -> None:
    """What was taken of the buyer is the invoice's total; a part of an order is at most that, and the rest stays open
    on the invoice, in the ledger's own list of receivables. Rejected where it is not so."""
    more = line.amount - (total or ZERO)
    if more > ROUNDED or (record.source == "invoice" and more < -ROUNDED):
        raise Rejected(
            f"{invoice} is {total}, {line.amount} was taken of the buyer", where=key,
            do_this="Correct the invoice or the order.",
        )  # fmt: skip


def invoice_id(id_: str, record: Voucher) -> str:
    """What names the voucher of a sale at the ledger: its invoice. Parts that share one have a word of their own."""
    return id_ if record.source == "invoice" else f"{id_} {digest(record.key)}"


def digest(key: str) -> str:
    """A short word for a key, the same each time."""
    return sha256(key.encode()).hexdigest()[:8]
