"""Orders into files, each left once (see `client`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.connectors.contract import Done, Match, Want
from samklang.connectors.file_transport.client import Client
from samklang.connectors.file_transport.map import Form
from samklang.connectors.kit.consignments import booked, cancel_by_hand, consignment, gone, reference
from samklang.records import Order


class Writer:
    """Writes for one file exchange."""

    def __init__(self, client: Client, settings: Mapping[str, Any]) -> None:
        self._client, self._settings, self._form = client, settings, Form(settings)
        self._system = str(settings.get("system") or "the transport system")

    def look(self, want: Want, record: Order, field: str) -> list[Match]:
        """The order's file; one whose last step is missing is half made."""
        name = reference(want)
        state = self._client.state(self._form.name(name)) if field == "reference" else ""
        return [Match(external_id=name, by="draft" if state == "half" else "reference")] if state else []

    def order(self, want: Want, record: Order) -> Done:
        """Leave the file. What was left stays as it is (Locked); a cancellation takes it back while nobody has fetched
        it, and is a person's task after that (O-11)."""
        key = reference(want)
        name = self._form.name(key)
        state = self._client.state(name)
        if record.lifecycle == "cancelled":
            if state in ("", "half") or self._client.taken_back(name) or self._client.take_back(name):
                return Done(external_id=key if state else want.external_id)
            why = "its file was fetched already"
            return Done(external_id=key, by_hand=cancel_by_hand(record, key, self._system, why))
        one = consignment(want, record, self._settings)
        data = self._form.file(one, record)
        if not state and want.external_id:
            raise gone(want, self._system)
        if state in ("", "half"):
            self._client.send(name, data)
        if state and self._client.copy(name) != data:
            raise booked(want, key, self._system)
        return Done(external_id=key)
