"""Payments that webhooks name. Nothing can be listed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from samklang.connectors.contract import Gone, Item, Page
from samklang.connectors.nets_easy.client import Client
from samklang.connectors.nets_easy.map import status


def fetch(client: Client, channel: str, ids: Sequence[str]) -> Iterator[Page]:
    """What these payments have come to; one that bears no order number yet is nobody's."""
    found: list[Item | Gone] = []
    for id_, payment in zip(ids, client.transport.overlap(partial(client.payment, id_) for id_ in ids), strict=True):
        if payment is None:
            found.append(Gone(type="order_status", external_id=id_))
        elif record := status(payment, channel):
            found.append(Item(record=record, external_id=payment.payment_id))
    yield Page([*found])
