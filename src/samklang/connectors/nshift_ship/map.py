"""nShift Ship's shapes ↔ our records. Its document says nothing of them; they are those that public clients use.
Weights are grams."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from samklang import records as r
from samklang.connectors.kit.consignments import Consignment, Tracking, shipment

_RECEIVER, _DROP_POINT = 1, 10  # kinds of addresses
_ORDER_NO, _OURS, _CONTENTS = 7, 32, 23  # kinds of references; 32 is free
_MARK = "samklang-"
_SPACE = uuid.UUID("b1f7a9de-6d55-5c39-9a53-2f0f6a3f3c11")  # of our tags; must never change
_ABSENT = re.compile(r"not (be )?found|does not exist|no such shipment", re.IGNORECASE)


class Pkg(msgspec.Struct, rename="pascal"):
    """One parcel."""

    pkg_no: str | None = None


class Line(msgspec.Struct, rename="pascal"):
    """Parcels that are alike."""

    pkgs: list[Pkg] | None = None


class Ref(msgspec.Struct, rename="pascal"):
    """A reference; clients know its kind as a number and as text."""

    kind: int | str = 0
    value: str | None = None


class Booked(msgspec.Struct, rename="pascal"):
    """A shipment as it stands at nShift."""

    shp_tag: str
    shp_no: str | None = None
    carrier: int | None = msgspec.field(default=None, name="CarrierConceptID")
    product: int | None = msgspec.field(default=None, name="ProdConceptID")
    lines: list[Line] | None = None
    references: list[Ref] | None = None

    @property
    def number(self) -> str:
        """What people call it."""
        return self.shp_no or self.shp_tag

    @property
    def parcels(self) -> list[str]:
        """The parcels' numbers."""
        return [one.pkg_no for line in self.lines or () for one in line.pkgs or () if one.pkg_no]

    @property
    def mark(self) -> str:
        """The mark that we gave it, "" where it bears none."""
        values = [one.value or "" for one in self.references or () if str(one.kind) == str(_OURS)]
        return next((value.removeprefix(_MARK) for value in values if value.startswith(_MARK)), "")


class Service(msgspec.Struct):
    """An additional service of a product."""

    id: int = msgspec.field(name="ServiceID")
    name: str | None = msgspec.field(default=None, name="ServiceName")


class Product(msgspec.Struct, rename="pascal"):
    """What is booked; without a concept id it cannot be."""

    id: int | None = msgspec.field(default=None, name="ProdConceptID")
    prod_name: str | None = None
    services: list[Service] | None = None


class Subcarrier(msgspec.Struct, rename="pascal"):
    """A part of a carrier's range."""

    products: list[Product] | None = None


class Carrier(msgspec.Struct, rename="pascal"):
    """A carrier of the actor."""

    id: int = msgspec.field(name="CarrierConceptID")
    name: str | None = msgspec.field(default=None, name="CarrierFullName")
    short_name: str | None = msgspec.field(default=None, name="CarrierShortName")
    subcarriers: list[Subcarrier] | None = None


class Carriers(msgspec.Struct, rename="pascal"):
    """The answer that lists them."""

    carriers: list[Carrier]


class DropPoint(msgspec.Struct, rename="pascal"):
    """A place where parcels are collected."""

    original_id: str = msgspec.field(name="OriginalID")
    name1: str = ""
    street1: str = ""
    post_code: str = ""
    city: str = ""
    country_code: str = ""


class Said(msgspec.Struct, rename="pascal"):
    """What an answer may complain of."""

    error_messages: list[str] | None = None
    message: str = ""


def absent(said: str) -> bool:
    """Whether a complaint is that there is no such shipment (its words are unconfirmed)."""
    return bool(_ABSENT.search(said))


def tag_of(actor: str, reference: str) -> str:
    """Our own tag for an order: the same whoever asks, so that an order has one shipment."""
    return str(uuid.uuid5(_SPACE, f"{actor}/{reference}")).upper()


def bookable(carrier: Carrier) -> Iterator[tuple[str, str]]:
    """What may be booked: each product (code, name), and each with one of its services (`1032+142002`)."""
    for product in (one for part in carrier.subcarriers or () for one in part.products or ()):
        if product.id is not None:
            name = product.prod_name or str(product.id)
            yield str(product.id), name
            for service in product.services or ():
                yield f"{product.id}+{service.id}", f"{name} + {service.name or service.id}"


def goods(one: Consignment, settings: Mapping[str, Any]) -> tuple[int, list[int]]:
    """The product and the services that an order is booked with: those of its code, and the connection's."""
    product, *more = one.service.split("+")
    services = [*more, *str(settings.get("services") or "").replace(",", " ").split()]
    if not (product.isdecimal() and all(each.isdecimal() for each in services)):
        raise r.InvalidRecord(
            "service_code", one.service, "is no product of nShift Ship with its services",
            "Map the shipping method to CARRIER/PRODUCT+SERVICE, all numbers; the choices come from nShift.",
        )  # fmt: skip
    return int(product), list(dict.fromkeys(int(each) for each in services))


def body(one: Consignment, tag: str, actor: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A consignment as nShift takes it, a line for each parcel; the sender is the actor's own."""
    product, services = goods(one, settings)
    receiver = {
        "Name1": one.name, "Attention": one.attention, "Street1": one.address[0], "Street2": one.address[1],
        "PostCode": one.postcode, "City": one.city, "CountryCode": one.country, "Phone": one.phone,
        "Mobile": one.phone, "Email": one.email,
    }  # fmt: skip
    lines = [
        {
            "Number": 1, "Pkgs": [{"ItemNo": n}], "References": [{"Kind": _CONTENTS, "Value": one.contents}],
            **({} if grams is None else {"LineWeight": grams, "PkgWeight": grams}),
        }
        for n, grams in enumerate(one.weights, 1)
    ]  # fmt: skip
    return {
        "Kind": 1, "ActorCSID": int(actor), "ShpTag": tag, "ProdConceptID": product, "Services": services,
        "OrderNo": one.order_no, "Lines": lines,
        "Addresses": [{"Kind": _RECEIVER, **{name: value for name, value in receiver.items() if value}}],
        "References": [{"Kind": _ORDER_NO, "Value": one.reference}, {"Kind": _OURS, "Value": _MARK + one.mark}],
    }  # fmt: skip


def collected(point: DropPoint) -> dict[str, Any]:
    """The address of a place where the buyer collects the parcel."""
    return {
        "Kind": _DROP_POINT, "CustNo": point.original_id, "Name1": point.name1, "Street1": point.street1,
        "PostCode": point.post_code, "City": point.city, "CountryCode": point.country_code,
    }  # fmt: skip


def of_booked(row: Booked, tracking: Tracking, settings: Mapping[str, Any]) -> r.Shipment:
    """What was booked as a shipment."""
    carrier, product = (str(id_ or "") for id_ in (row.carrier, row.product))
    parcels = [r.Parcel(tracking_no=number, tracking_url=tracking.url(carrier, number)) for number in row.parcels]
    return shipment(row.number, parcels, settings, carrier=carrier, service=product)
