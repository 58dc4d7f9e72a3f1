"""Orders into consignments, each once. What bears the order's number is asked for before anything is booked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.connectors.contract import Done, Match, Want
from samklang.connectors.kit.consignments import booked, cancel_by_hand, consignment, gone, reference
from samklang.connectors.unifaun.client import Client
from samklang.connectors.unifaun.map import READY, body, same
from samklang.records import InvalidRecord, Order

_SYSTEM = "nShift"


class Writer:
    """Writes for one account."""

    def __init__(self, client: Client, settings: Mapping[str, Any]) -> None:
        self._client, self._settings = client, settings
        self._at_once = settings.get("booking") == "at once"

    def look(self, want: Want, record: Order, field: str) -> list[Match]:
        """The order's consignment, by our reference, which stands there as the order number."""
        name = reference(want)
        there = field == "reference" and (self._client.drafts(name) or self._client.printed(name))
        return [Match(external_id=name, by="reference")] if there else []

    def order(self, want: Want, record: Order) -> Done:
        """Book, or change what waits for its label. With a label it stays as it is (Locked), or is cancelled (O-11)."""
        name = reference(want)
        drafts, printed = self._client.drafts(name), self._client.printed(name)
        if record.lifecycle == "cancelled":
            said = [(one.id, self._client.drop("stored-shipments", one.id)) for one in drafts]
            said += [(one.number, self._client.drop("shipments", one.id)) for one in printed]
            tasks = [cancel_by_hand(record, number, _SYSTEM, why) for number, why in said if why]
            return Done(external_id=name if said else want.external_id, by_hand="; ".join(tasks))
        one = consignment(want, record, self._settings)
        if not one.service:
            raise InvalidRecord("service_code", "", "is missing", "Map the shipping method to CARRIER/SERVICE.")
        if printed:
            if not any(same(one, row) for row in printed):
                raise booked(want, printed[0].number, _SYSTEM)
        elif want.external_id and not drafts:
            raise gone(want, _SYSTEM)
        elif self._at_once and not drafts:
            self._client.book(body(one, self._settings), str(self._settings.get("media") or "laser-ste"))
        else:
            kept = self._client.keep(body(one, self._settings), drafts[0].id if drafts else "")
            if kept.status.upper() != READY:
                task = f"Complete the consignment of order {record.order_no} in nShift before it is printed"
                return Done(external_id=name, by_hand=f"{task}: it is {kept.status}")
        return Done(external_id=name)
