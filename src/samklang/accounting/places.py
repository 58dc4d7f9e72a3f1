"""How an order stands in the ledger already: in one model only, whatever the settings say since (RECONCILIATION §1).

Settings decide for orders of which nothing is posted. What comes later of an order that is (a further capture, a
refund) follows what is there: else its sale would stand in a day's voucher and on an invoice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from samklang.accounting.company import Company, Model
from samklang.accounting.voucher import Voucher, VoucherLine, base_key, standing
from samklang.records import Order


class Place(NamedTuple):
    """How an order is booked; `own`: its captures and refunds are papers of their own in the ledger."""

    model: Model
    own: bool


def place(order: Order, company: Company) -> Place:
    """Where the settings put an order of which nothing is posted."""
    model = company.model(order)
    return Place(model, model == "invoice" and company.keeps_invoices)


def places(posted: Iterable[Voucher]) -> Mapping[str, Place]:
    """Order key → where it stands, by the vouchers that nobody has taken back."""
    found: dict[str, Place] = {}
    for voucher in standing(posted):
        if voucher.source in ("invoice", "invoice_part"):
            found |= dict.fromkeys(_orders(voucher.lines), Place("invoice", own=True))
        elif base_key(voucher.key).startswith((f"{voucher.company}/sales/", f"{voucher.company}/refunds/")):
            on_invoice = _orders(line for line in voucher.lines if line.role == "receivable.invoice")
            for order in sorted(_orders(voucher.lines)):
                found.setdefault(order, Place("invoice" if order in on_invoice else "day", own=False))
    return found


def _orders(lines: Iterable[VoucherLine]) -> set[str]:
    return {order_of(ref.id) for line in lines for ref in line.refs if ref.kind == "payment"}


def order_of(payment: str) -> str:
    """The key of the order that a payment (sales.payment_id) is of."""
    return payment.partition("#")[0]
