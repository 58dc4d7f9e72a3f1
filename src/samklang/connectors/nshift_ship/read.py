"""Shipments by their tags, which are those of the orders that were booked: nShift Ship lists none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from samklang.connectors.contract import Gone, Item, Page
from samklang.connectors.kit.consignments import Tracking
from samklang.connectors.kit.rows import Broken, Name, items
from samklang.connectors.nshift_ship.client import Client
from samklang.connectors.nshift_ship.map import Booked, of_booked

_SIZE = 20


class Reader:
    """Reads one actor."""

    def __init__(self, client: Client, settings: Mapping[str, Any]) -> None:
        self._client, self._settings = client, settings
        self._tracking = Tracking(str(settings.get("tracking") or ""))

    def shipments(self, tags: Sequence[str]) -> Iterator[Page]:
        """What has become of each; one that has no parcel numbers yet is none."""
        for start in range(0, len(tags), _SIZE):
            yield self._page(tags[start : start + _SIZE])

    def _page(self, tags: Sequence[str]) -> Page:
        found = list(self._client.transport.overlap(partial(self._client.shipment, tag) for tag in tags))
        there = [(tag, row) for tag, row in zip(tags, found, strict=True) if row is not None]
        gone = [Gone(type="shipment", external_id=tag) for tag, row in zip(tags, found, strict=True) if row is None]
        asked = {id(row): tag for tag, row in there}

        def make(row: Booked) -> Iterator[Item]:
            record = of_booked(row, self._tracking, self._settings)
            yield Item(record=record, external_id=asked[id(row)], parent=asked[id(row)])

        rows = [row for _, row in there if isinstance(row, Broken) or row.parcels]
        return Page([*items("shipment", rows, make, lambda row: Name(asked[id(row)], f"shipment {row.number}")), *gone])
