"""Orders into shipments, each once: under a tag of our own, which is asked for before anything is booked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.connectors.contract import Done, Match, Want
from samklang.connectors.errors import BadAnswer
from samklang.connectors.kit.consignments import booked, cancel_by_hand, consignment, gone, reference
from samklang.connectors.kit.rows import Broken
from samklang.connectors.nshift_ship.client import Client
from samklang.connectors.nshift_ship.map import Booked, body, collected, tag_of
from samklang.records import InvalidRecord, Order

_SYSTEM = "nShift Ship"
_PRINTED_BY = {"printer_user": "TicketUserName", "printer_station": "WorkstationID"}


class Writer:
    """Writes for one actor."""

    def __init__(self, client: Client, settings: Mapping[str, Any]) -> None:
        self._client, self._settings = client, settings

    def look(self, want: Want, record: Order, field: str) -> list[Match]:
        """The order's shipment, by our tag."""
        there = field == "reference" and self._there(tag := self._tag(want))
        return [Match(external_id=tag, by="reference")] if there else []

    def order(self, want: Want, record: Order) -> Done:
        """Book. What is booked stays as it is (Locked), or is cancelled with its order (O-11)."""
        tag = self._tag(want)
        there = self._there(tag)
        if record.lifecycle == "cancelled":
            said = self._client.drop(tag) if there else ""
            task = cancel_by_hand(record, there.number, _SYSTEM, said) if there and said else ""
            return Done(external_id=tag if there else want.external_id, by_hand=task)
        one = consignment(want, record, self._settings)
        data = body(one, tag, self._client.actor, self._settings)
        if there:
            if there.mark and there.mark != one.mark:  # without a mark a person made it, who answers for it
                raise booked(want, there.number, _SYSTEM, numbered=False)
            return Done(external_id=tag)
        if want.external_id:
            raise gone(want, _SYSTEM, numbered=False)
        if point := self._told(record):
            data["Addresses"].append(self._collected(point, data))
        made = self._client.submit(data, self._options())
        return Done(external_id=made.shp_tag, by_hand=_unsafe(record, made, tag))

    def _tag(self, want: Want) -> str:
        return want.external_id or tag_of(self._client.actor, reference(want))

    def _there(self, tag: str) -> Booked | None:
        found = self._client.shipment(tag)
        if isinstance(found, Broken):
            raise BadAnswer(found.why, where=f"GET /shipments/{tag}")
        return found

    def _told(self, record: Order) -> str:
        return str(record.custom.get(str(self._settings.get("connection", "")), {}).get("drop_point") or "")

    def _collected(self, id_: str, data: Mapping[str, Any]) -> dict[str, Any]:
        points = self._client.drop_points(
            {name: data[name] for name in ("Kind", "ProdConceptID", "Services", "Addresses")}
        )
        for point in points:
            if point.original_id == id_:
                return collected(point)
        near = ", ".join(f"{point.original_id} {point.name1}" for point in points[:3]) or "none"
        raise InvalidRecord(
            "custom.drop_point", id_, "is no place near the receiver where this product is collected",
            f"Choose another, such as: {near}.",
        )  # fmt: skip

    def _options(self) -> dict[str, str]:
        by = {name: str(self._settings.get(setting) or "") for setting, name in _PRINTED_BY.items()}
        return {"Labels": "none", **{name: value for name, value in by.items() if value}}


def _unsafe(record: Order, made: Booked, tag: str) -> str:
    """That nShift has not kept our tag: then a lost answer could not be told from one that never came."""
    if made.shp_tag.casefold() == tag.casefold():
        return ""
    return (
        f"nShift Ship gave order {record.order_no} a tag of its own. Switch the flow off and report it: after a lost "
        "answer an order could be booked twice"
    )
