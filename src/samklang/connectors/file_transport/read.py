"""Files that the other system left, as shipments of the orders whose reference they bear."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import msgspec

from samklang.connectors.contract import Bad, Gone, Item, Page
from samklang.connectors.errors import BadData
from samklang.connectors.file_transport.client import Client
from samklang.connectors.file_transport.map import STATES, Form, News
from samklang.connectors.kit.consignments import Tracking, shipment
from samklang.connectors.kit.system import Asked
from samklang.records import Parcel


class Reader:
    """Reads one file exchange."""

    def __init__(self, client: Client, settings: Mapping[str, Any], now: Callable[[], float]) -> None:
        self._client, self._settings, self._now = client, settings, now
        self._form = Form(settings)
        self._tracking = Tracking(str(settings.get("tracking") or ""))
        self._days = timedelta(days=int(settings.get("days") or 30)).total_seconds()

    def shipments(self, asked: Asked) -> Iterator[Page]:
        """What the files of these days say, together: a later file adds parcels and tells the newer state. Files stay
        where they are, so they may be read again; all of them are, for a state alone says nothing of its parcels."""
        found: dict[tuple[str, str], list[News]] = {}
        wrong: list[Item | Bad | Gone] = []
        for entry, data in self._client.news(self._now() - self._days):
            try:
                for one in self._form.news(data):
                    if not one.reference or not one.number:
                        raise ValueError("a line names no order or no consignment")
                    found.setdefault((one.reference, one.number), []).append(one)
            except ValueError as error:
                what = f"The file {entry.name} cannot be read: {error}"
                told = BadData(what, where=entry.name, do_this="Have it sent again as agreed, or correct the settings.")
                wrong.append(Bad(type="shipment", external_id=entry.name, error=told))
        yield Page([*(self._item(*name, rows) for name, rows in found.items()), *wrong])

    def _item(self, reference: str, number: str, rows: list[News]) -> Item:
        carrier = str(self._settings.get("carrier") or "")
        urls = {row.parcel: row.tracking_url for row in rows if row.tracking_url}
        numbers = dict.fromkeys(row.parcel for row in rows if row.parcel)
        parcels = [
            Parcel(tracking_no=one, tracking_url=urls.get(one) or self._tracking.url(carrier, one)) for one in numbers
        ]
        record = shipment(number, parcels, self._settings, carrier=carrier)
        words = [self._form.states.get(row.state, row.state) for row in rows]
        known = [word for word in words if word in STATES]
        if known:
            record = msgspec.structs.replace(record, state=known[-1])
        return Item(record=record, external_id=f"{reference}#{number}", parent=reference)
