"""What was printed at nShift, as shipments of the orders whose number it bears."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from samklang.connectors.contract import Bad, Gone, Item, Page
from samklang.connectors.errors import BadAnswer
from samklang.connectors.kit.consignments import Tracking
from samklang.connectors.kit.rows import Broken, Name, items
from samklang.connectors.kit.system import Asked
from samklang.connectors.unifaun.client import Client
from samklang.connectors.unifaun.map import CANCELLED, Printed, of_order


class Reader:
    """Reads one account."""

    def __init__(self, client: Client, settings: Mapping[str, Any], now: Callable[[], float]) -> None:
        self._client, self._settings, self._now = client, settings, now
        self._tracking = Tracking(str(settings.get("tracking") or ""))
        self._days = timedelta(days=int(settings.get("days") or 60))

    def shipments(self, asked: Asked) -> Iterator[Page]:
        """Consignments printed since then; a full read goes back some days. New ones come at either end of the list
        while it is read, and none ever leaves it: so none is missed, and some may come twice."""
        now = datetime.fromtimestamp(self._now(), UTC)
        since = asked.since or now - self._days
        until = max(now, since) + timedelta(days=1)
        window = {"dateType": "created", "dateFrom": _instant(since), "dateTo": _instant(until)}
        carriers = {row.id: one.id for one in self._client.partners() for row in one.services}
        number, pages = int(asked.resume or 0), 1
        while number < pages:
            number += 1
            page = self._client.history(number, window)
            if page.total_pages < pages and number > 1:
                raise BadAnswer("The list of consignments grew shorter while it was read")
            rows = self._client.rows(page)
            if not rows and number < page.total_pages:
                raise BadAnswer(f"Page {number} of {page.total_pages} of the consignments came empty")
            pages = page.total_pages
            yield Page(self._items(rows, carriers), 0, str(number))

    def _items(self, rows: list[Printed | Broken], carriers: Mapping[str, str]) -> list[Item | Bad | Gone]:
        gone = [row for row in rows if isinstance(row, Printed) and row.status.upper() == CANCELLED]
        ours = [
            row for row in rows
            if not isinstance(row, Printed) or (row.order_no and row not in gone and not row.return_shipment)
        ]  # fmt: skip

        def make(row: Printed) -> Iterator[Item]:
            record = of_order(row, carriers, self._tracking, self._settings)
            yield Item(record=record, external_id=row.id, parent=row.order_no or "")

        return [
            *items("shipment", ours, make, lambda row: Name(row.id, f"consignment {row.number}")),
            *(Gone(type="shipment", external_id=row.id) for row in gone),
        ]


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
