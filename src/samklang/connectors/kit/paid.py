"""What a shop tells of an order's payments, as the movements that captures and bookkeeping go by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from samklang.records.order import Payment
from samklang.records.payment import PaymentTransaction

_PROVIDERS = (
    "klarna", "nets", "nexi", "stripe", "paypal", "svea", "swish", "qliro", "walley", "payson", "adyen", "braintree",
)  # fmt: skip


def provider(*names: str) -> str:
    """The payment provider's short name, out of what the shop calls its method; else the first of the names."""
    said = " ".join(names).casefold()
    return next((name for name in _PROVIDERS if name in said), next(filter(None, names), "custom").casefold())


def payment_state(total: Decimal, paid: Decimal, refunded: Decimal, *, authorised: bool, voided: bool) -> Payment:
    """The state of an order's money by its sums: what the buyer pays, has paid, and got back."""
    if refunded:
        return "refunded" if refunded >= paid else "partly_refunded"
    if paid:
        return "captured" if paid >= total else "partly_captured"
    if voided:
        return "voided"
    if not total:
        return "not_required"
    return "authorised" if authorised else "pending"


def movements(
    by: str, method: str, reference: str, amount: Decimal, at: datetime, state: Payment, cards: Mapping[str, Decimal]
) -> Iterator[PaymentTransaction]:
    """Gift cards and the like that have paid (name → amount), and the provider's reservation under the id by which it
    captures (J-13).

    A payment whose state is neither authorised nor behind that is pending: nothing is captured by guess.
    """
    for name, paid in cards.items():
        yield PaymentTransaction(kind="capture", provider="gift_card", amount=paid, at=at, provider_id=name)
    if not reference or amount <= 0:
        return
    taken = state in ("captured", "partly_refunded", "refunded")
    known = taken or state in ("authorised", "partly_captured")
    yield PaymentTransaction(
        kind="authorise", provider=by, method=method, amount=amount, at=at, provider_id=reference,
        state="ok" if known else "pending",
    )  # fmt: skip
    if taken:
        yield PaymentTransaction(
            kind="capture", provider=by, method=method, amount=amount, at=at, parent_id=reference
        )  # fmt: skip
