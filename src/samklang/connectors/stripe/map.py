"""Stripe's shapes, as far as they are looked into.

What a transaction belongs to (its `source`: a charge, a refund, a dispute) is asked for along with it, and put beside
it under the names that Stripe's own reports use: shops remember a payment by its charge or by its payment intent.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Amount(msgspec.Struct):
    """A part of the balance."""

    currency: str


class Balance(msgspec.Struct):
    """What the account holds."""

    livemode: bool
    available: list[Amount] = []


class Listed(msgspec.Struct):
    """A page. Rows stay as they came: what they mean is the statement reader's business."""

    data: list[dict[str, Any]]
    has_more: bool


class Fault(msgspec.Struct):
    """What Stripe says of a refused request."""

    message: str = ""
    code: str = ""


class Refusal(msgspec.Struct):
    """Stripe's shape of an error."""

    error: Fault


def with_source(row: dict[str, Any]) -> dict[str, Any]:
    """The transaction with its source's id in its place, and the names of what that belongs to beside it."""
    source = row.get("source")
    if not isinstance(source, dict):
        return row
    charge = source["id"] if source.get("object") == "charge" else source.get("charge")
    metadata = source.get("metadata") or {}
    more = {
        "charge_id": _id(charge), "payment_intent_id": _id(source.get("payment_intent")),
        "payment_metadata[order_id]": metadata.get("order_id") or metadata.get("order_number") or "",
    }  # fmt: skip
    return {**row, "source": source["id"], **{name: value for name, value in more.items() if value}}


def _id(thing: object) -> str:
    return str(thing["id"]) if isinstance(thing, dict) else str(thing or "")
