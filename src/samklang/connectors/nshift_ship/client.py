"""Address, login and errors of nShift Ship's Shipment Server (REST, version 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from samklang.connectors.contract import Limits, Surroundings
from samklang.connectors.errors import BadAnswer, Misconfigured, Rejected
from samklang.connectors.kit.login import client_credentials
from samklang.connectors.kit.rows import Broken
from samklang.connectors.nshift_ship.map import Booked, Carrier, Carriers, DropPoint, Said, absent
from samklang.connectors.transport import Answer, Transport

T = TypeVar("T")
_SAID = msgspec.json.Decoder(Said)
_ADDRESS, _LOGIN = "https://restapi.shipmentserver.com", "https://www.consignorportal.com/idsrv"


class Client:
    """One actor: the customer's number with its carriers' contracts."""

    def __init__(self, settings: Mapping[str, Any], limits: Limits, around: Surroundings) -> None:
        self.actor = str(settings["actor"]).strip()
        if not self.actor.isdecimal():
            raise Misconfigured(f"The actor ID {self.actor!r} is no number", do_this="nShift names it in the portal.")
        address = str(settings.get("address") or _ADDRESS)
        self.login = Transport(str(settings.get("login_address") or _LOGIN), limits, around)
        self.transport = Transport(f"{address}/ShipServer/{self.actor}", limits, around)
        self.transport.auth = client_credentials(
            self.login, "/connect/token", (str(settings["client_id"]), str(settings["client_secret"])), "nShift login",
            scope="public_api_shipmentserver",
        )  # fmt: skip

    def shipment(self, tag: str) -> Booked | Broken | None:
        """The shipment with this tag, None where there is none; Broken where it is not as known."""
        answer = self.transport.request("GET", f"/shipments/{quote(tag, safe='')}")
        if answer.status == 404 or absent(said(answer)):
            return None
        try:
            return _good(answer).of(Booked)
        except BadAnswer as error:
            if isinstance(error.__cause__, msgspec.ValidationError):
                return Broken(tag, error.what)
            raise

    def submit(self, data: Mapping[str, Any], options: Mapping[str, Any]) -> Booked:
        """Book a shipment under the tag in `data`."""
        body = {"data": data, "options": options}
        return _good(self.transport.request("POST", "/shipments", json=body)).of(Booked)

    def drop(self, tag: str) -> str:
        """Delete a shipment; what nShift says against it. One that is there no longer is fine."""
        answer = self.transport.request("DELETE", f"/shipments/{quote(tag, safe='')}", idempotent=True)
        told = said(answer)
        if answer.status == 404 or absent(told):
            return ""
        return told or (f"status {answer.status}" if answer.status >= 400 else "")

    def drop_points(self, data: Mapping[str, Any]) -> list[DropPoint]:
        """Where the receiver of this shipment may collect it."""
        body = {"data": data, "options": {}}
        return _good(self.transport.request("POST", "/dropPoints", json=body, idempotent=True)).of(list[DropPoint])

    def carriers(self) -> list[Carrier]:
        """The actor's carriers with their products."""
        return _good(self.transport.request("GET", "/products")).of(Carriers).carriers


def said(answer: Answer) -> str:
    """What an answer complains of, whatever its status: the older API gave errors with 200."""
    try:
        told = _SAID.decode(answer.body)
    except msgspec.DecodeError:  # a list, or no JSON: no complaint; who reads on judges it
        return ""
    return "; ".join(told.error_messages or ()) or told.message


def _good(answer: Answer) -> Answer:
    told = said(answer)
    if told or answer.status >= 400:
        raise Rejected(f"nShift: {told or answer.status}", where=answer.where)
    return answer
