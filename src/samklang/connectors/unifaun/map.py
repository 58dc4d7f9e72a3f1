"""nShift Delivery's shapes ↔ our records. Weights are kg there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from samklang import records as r
from samklang.connectors.kit.consignments import Consignment, Tracking, shipment

CANCELLED = "CANCELLED"
READY = "READY"
_TOLD = {"NOTSMS": "phone", "NOTEMAIL": "email"}


class Row(msgspec.Struct, rename="camel"):
    """One parcel with its number; `reference` is what we gave it."""

    parcel_no: str | None = None
    reference: str | None = None


class Printed(msgspec.Struct, rename="camel"):
    """A consignment whose labels were made."""

    id: str
    status: str = ""
    order_no: str | None = None
    shipment_no: str | None = None
    service_id: str | None = None
    rcv_name: str | None = None
    rcv_zipcode: str | None = None
    rcv_city: str | None = None
    rcv_country: str | None = None
    return_shipment: bool = False
    created: str | None = None
    parcels: list[Row] | None = None

    @property
    def number(self) -> str:
        """What people call it; not every carrier numbers consignments."""
        return self.shipment_no or self.id


class Draft(msgspec.Struct, rename="camel"):
    """A consignment that waits for its labels; `status` is READY, or says that something is missing."""

    id: str
    status: str = READY
    order_no: str | None = None


class History(msgspec.Struct, rename="camel"):
    """A page of what was printed. Its rows are decoded by themselves, so that one that is odd hides no other."""

    items: msgspec.Raw
    total_pages: int


class Service(msgspec.Struct):
    """A carrier's service, such as P19 MyPack Collect."""

    id: str
    description: str | None = None


class Partner(msgspec.Struct):
    """A carrier, such as PLAB PostNord."""

    id: str
    description: str | None = None
    services: list[Service] = []


class Said(msgspec.Struct):
    """A message of a refusal."""

    message: str = ""
    field: str | None = None
    type: str = ""
    code: str = ""


def body(one: Consignment, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A consignment as nShift takes it. Our reference is the order number, the shop's own stands beside it."""
    addons = [
        {"id": name, **({"misc": getattr(one, _TOLD[name])} if name in _TOLD else {})}
        for name in str(settings.get("addons") or "").replace(",", " ").split()
        if name not in _TOLD or getattr(one, _TOLD[name])
    ]
    receiver = {
        "name": one.name, "contact": one.attention, "address1": one.address[0], "address2": one.address[1],
        "zipcode": one.postcode, "city": one.city, "country": one.country, "phone": one.phone, "mobile": one.phone,
        "email": one.email,
    }  # fmt: skip
    parcel = {
        "copies": one.parcels, "valuePerParcel": False, "weight": one.kilos, "contents": one.contents,
        "packageCode": settings.get("package") or None, "reference": one.mark,
    }  # fmt: skip
    return {
        "sender": {"quickId": str(settings.get("sender") or "1")},
        "receiver": {name: value for name, value in receiver.items() if value},
        "service": {"id": one.service, **({"addons": addons} if addons else {})},
        "parcels": [{name: value for name, value in parcel.items() if value is not None}],
        "orderNo": one.reference,
        "senderReference": one.order_no,
        **({"test": True} if settings.get("test") else {}),
    }


def same(one: Consignment, there: Printed) -> bool:
    """Whether the label says what the order says now: by the mark that we gave the parcels, else by what nShift tells
    of the receiver, which is not the street."""
    marks = {row.reference for row in there.parcels or () if row.reference}
    if marks:
        return marks == {one.mark}
    asked = (one.name, one.postcode.replace(" ", ""), one.city, one.country, one.service)
    zipcode = (there.rcv_zipcode or "").replace(" ", "")
    told = (there.rcv_name, zipcode, there.rcv_city, there.rcv_country, there.service_id)
    return [str(part or "").casefold() for part in told] == [part.casefold() for part in asked]


def of_order(row: Printed, carriers: Mapping[str, str], tracking: Tracking, settings: Mapping[str, Any]) -> r.Shipment:
    """What was printed as a shipment. ValueError for a time that is none."""
    carrier = carriers.get(row.service_id or "", "")
    numbers = [parcel.parcel_no for parcel in row.parcels or () if parcel.parcel_no]
    parcels = [r.Parcel(tracking_no=number, tracking_url=tracking.url(carrier, number)) for number in numbers]
    return shipment(
        row.number, parcels, settings, carrier=carrier, service=row.service_id or "",
        booked=datetime.fromisoformat(row.created) if row.created else None,
    )  # fmt: skip
