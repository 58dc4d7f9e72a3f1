"""Consignments as shipments of the orders whose reference they bear."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from samklang.connectors.cargonizer.client import Client
from samklang.connectors.cargonizer.map import Consigned, of_order
from samklang.connectors.contract import Bad, Gone, Item, Page
from samklang.connectors.kit.rows import Name, items
from samklang.connectors.kit.system import Asked


class Reader:
    """Reads one sender."""

    def __init__(self, client: Client, settings: Mapping[str, Any], now: Callable[[], float]) -> None:
        self._client, self._settings, self._now = client, settings, now
        self._days = timedelta(days=int(settings.get("days") or 30))

    def shipments(self, asked: Asked) -> Iterator[Page]:
        """Consignments made since the day before; a full read goes back some days. The list is asked by the day, in
        which zone is not documented."""
        since = asked.since or datetime.fromtimestamp(self._now(), UTC) - self._days
        for rows in self._client.pages(since.date() - timedelta(days=1)):
            yield Page(self._items(rows))

    def _items(self, rows: list[Consigned]) -> list[Item | Bad | Gone]:
        def make(one: Consigned) -> Iterator[Item]:
            yield Item(record=of_order(one, self._settings), external_id=one.id, parent=one.reference)

        ours = [one for one in rows if one.reference and not one.cancelled]
        return [
            *items("shipment", ours, make, lambda one: Name(one.id, f"consignment {one.number}")),
            *(Gone(type="shipment", external_id=one.id) for one in rows if one.cancelled),
        ]
