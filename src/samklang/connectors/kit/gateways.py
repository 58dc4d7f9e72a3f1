"""What moved for an order at its payment provider, as shops tell it, and which provider stands behind a method.

Shops name methods as their plugins do. What is not known keeps its own name, and a person says in the company's
settings whose it is (`methods`); nothing is guessed from half a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from samklang.records.money import ZERO
from samklang.records.payment import PaidPart, PaymentTransaction

#: First word that the method begins with or holds as a part → provider; the longest that fits counts.
_PROVIDERS = {
    "klarna": "klarna", "kco": "klarna", "kp": "klarna", "kustom": "klarna",
    "stripe": "stripe", "woocommerce_payments": "stripe",
    "paypal": "paypal", "ppcp": "paypal", "ppec": "paypal",
    "nets": "nets", "nexi": "nets", "dibs": "nets", "dibs_easy": "nets",
    "swish": "swish", "adyen": "adyen",
    "gift_card": "gift_card", "giftcard": "gift_card", "gift-card": "gift_card",
    "invoice": "invoice",
}  # fmt: skip


def provider_of(method: str) -> str:
    """The provider's short name; the method's own, in small letters, where it is not known.

    `stripe_klarna` is paid out by Stripe: the first word decides, the rest is how the buyer paid there.
    """
    own = method.strip().casefold()
    words = own.replace("-", "_").split("_")
    for length in range(len(words), 0, -1):
        if found := _PROVIDERS.get("_".join(words[:length])):
            return found
    return next((_PROVIDERS[word] for word in words if word in _PROVIDERS), own)


class Back(NamedTuple):
    """Money that a shop gave back: the shop's or provider's id of it, and of which order lines (line id, VAT included),
    where it says so."""

    id: str
    at: datetime
    amount: Decimal
    lines: Sequence[tuple[str, Decimal]] = ()


def transactions(
    method: str,
    payment_id: str,
    amount: Decimal,
    *,
    authorised: datetime | None = None,
    captured: datetime | None = None,
    refunds: Iterable[Back] = (),
) -> tuple[PaymentTransaction, ...]:
    """One payment of an order as most shops tell it: taken in one piece, under one id, perhaps given back in parts.

    A refund's lines count only where they make its sum; else it is spread over the order as it was sold. Nothing that
    costs nothing is a transaction.
    """
    common: dict[str, Any] = {"provider": provider_of(method), "method": method}
    found = []
    if authorised is not None and amount > 0:
        found.append(
            PaymentTransaction(kind="authorise", at=authorised, amount=amount, provider_id=payment_id, **common)
        )
    if captured is None or amount <= 0:
        return tuple(found)
    parent = payment_id if authorised is not None else ""
    found.append(
        PaymentTransaction(
            kind="capture", at=captured, amount=amount, provider_id=payment_id, parent_id=parent, **common
        )
    )
    for back in sorted(refunds, key=lambda one: (one.at, one.id)):
        parts = tuple(PaidPart(line_id=id_, gross=gross) for id_, gross in back.lines if gross > 0)
        whole = sum((part.gross for part in parts), ZERO) == back.amount
        if back.amount > 0:
            found.append(
                PaymentTransaction(
                    kind="refund", at=back.at, amount=back.amount, provider_id=back.id, parent_id=payment_id,
                    parts=parts if whole else (), **common,
                )
            )  # fmt: skip
    return tuple(found)
