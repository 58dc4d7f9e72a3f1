"""Payouts with their balance transactions, each as one paper that proves itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from samklang.connectors.contract import Paper
from samklang.connectors.stripe.client import Client
from samklang.connectors.stripe.map import with_source


def papers(client: Client, since: date, known: Callable[[str], bool]) -> Iterator[Paper]:
    """What was paid since the day, oldest first. One that Stripe still itemises comes later."""
    first = int(datetime(since.year, since.month, since.day, tzinfo=UTC).timestamp())
    rows = list(client.listed("/v1/payouts", **{"arrival_date[gte]": first}))
    for payout in sorted(rows, key=lambda row: (row["arrival_date"], row["id"])):
        name = f"stripe-{payout['id']}.json"
        if _told(payout) and not known(name):
            yield Paper(name, _whole(client, payout), datetime.fromtimestamp(payout["arrival_date"], UTC).date())


def _told(payout: Mapping[str, Any]) -> bool:
    """Whether all that there will be of it is there: it is paid, and itemised if it will ever be."""
    return bool(payout["status"] == "paid" and payout["reconciliation_status"] != "in_progress")


def _whole(client: Client, payout: Mapping[str, Any]) -> bytes:
    rows = []
    if payout["automatic"]:  # Stripe refuses to itemise others; the reader says so to a person
        asked = {"payout": payout["id"], "expand[0]": "data.source"}
        rows = [with_source(row) for row in client.listed("/v1/balance_transactions", **asked)]
    listed = {"object": "list", "has_more": False, "data": rows}
    return msgspec.json.encode({"payout": payout, "balance_transactions": listed})
