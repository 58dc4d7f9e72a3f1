"""Orders into consignments, each once. What bears our reference is looked for before anything is booked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.connectors.cargonizer.client import Client
from samklang.connectors.cargonizer.map import body
from samklang.connectors.contract import Done, Match, Want
from samklang.connectors.kit.consignments import booked, cancel_by_hand, consignment, gone, reference
from samklang.records import InvalidRecord, Order

_SYSTEM = "Cargonizer"


class Writer:
    """Writes for one sender."""

    def __init__(self, client: Client, settings: Mapping[str, Any]) -> None:
        self._client, self._settings = client, settings

    def look(self, want: Want, record: Order, field: str) -> list[Match]:
        """The order's consignment, by the consignor's reference."""
        there = field == "reference" and self._client.under(reference(want), record.placed_at.date())
        return [Match(external_id=reference(want), by="reference")] if there else []

    def order(self, want: Want, record: Order) -> Done:
        """Book. What is booked stays as it is (Locked); the API cancels nothing, so that is a person's task (O-11)."""
        name = reference(want)
        there = self._client.under(name, record.placed_at.date())
        if record.lifecycle == "cancelled":
            why = "its API cancels nothing"
            tasks = [cancel_by_hand(record, one.number, _SYSTEM, why) for one in there]
            return Done(external_id=name if there else want.external_id, by_hand="; ".join(tasks))
        one = consignment(want, record, self._settings)
        if not (one.carrier.isdecimal() and one.service):
            raise InvalidRecord(
                "carrier_code", f"{one.carrier}/{one.service}", "is no transport agreement with its product",
                "Map the shipping method to AGREEMENT/PRODUCT; the choices come from Cargonizer.",
            )  # fmt: skip
        if there:
            marks = {row.mark for row in there if row.mark}  # none: a person booked it, who answers for it
            if marks and one.mark not in marks:
                raise booked(want, there[0].number, _SYSTEM)
        elif want.external_id:
            raise gone(want, _SYSTEM)
        else:
            self._client.book(body(one, self._settings))
        return Done(external_id=name)
