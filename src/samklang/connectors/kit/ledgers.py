"""What Swedish ERPs share: how they shorten units, what buyers read for charges, what rounding leaves of a total."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Literal

from samklang.connectors.errors import BadData, Rejected, SamklangError
from samklang.records import Document, Order, Voucher, VoucherLine
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


def delivered(rows: Iterable[tuple[Decimal, Decimal]]) -> Literal["none", "partly_shipped", "shipped"]:
    """The fulfilment of an order whose rows are (ordered, delivered); rows of nothing do not count."""
    counted = [(ordered, sent) for ordered, sent in rows if ordered > 0]
    if counted and all(sent >= ordered for ordered, sent in counted):
        return "shipped"
    return "partly_shipped" if any(sent > 0 for _, sent in counted) else "none"


def invoiced(
    number: str, total: Decimal, left: Decimal | None, credit: str | None, *, booked: bool = True
) -> tuple[list[Document], Literal["", "captured", "partly_captured"]]:
    """An invoice and its credit (None = there is none) as documents of their order, and what the buyer has paid.

    `left` is what is open of the total, None where the ledger does not tell. A credit settles the balance as well, but
    nobody has paid: then the ledger does not tell either.
    """
    payment: Literal["", "captured", "partly_captured"] = ""
    if booked and left is not None and credit is None:
        payment = "captured" if not left else "partly_captured" if left < total else ""
    state: Literal["draft", "booked", "paid"] = "paid" if payment == "captured" else "booked" if booked else "draft"
    found = [Document(kind="invoice", number=number, state=state)]
    return found + ([Document(kind="credit_invoice", number=credit)] if credit is not None else []), payment


def taken_back(refused: Rejected, remove: Callable[[], object], existing: str) -> Rejected:
    """The refusal of a new document that came out wrong, and is removed again: it helps nobody, and the next try starts
    anew. One that cannot be removed stands: the next try must find it."""
    try:
        remove()
    except SamklangError as error:
        refused.existing, refused.__cause__ = existing, error
    return refused
